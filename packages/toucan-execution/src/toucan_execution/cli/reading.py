"""What an account holds: ``balances``, ``positions``, ``orders`` and ``trades``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import click

from toucan_execution.account import Balance, Position
from toucan_execution.cli.options import Setup, account_options, common
from toucan_execution.cli.params import moment
from toucan_execution.client.binance.config import Market
from toucan_execution.client.protocol import ExecutionClient, FuturesClient
from toucan_execution.errors import Incomplete
from toucan_execution.events import TradeUpdate
from toucan_execution.orders import Order
from toucan_instrument import Instrument
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import json_line, remark, shown
from toucan_instrument.console.rows import show_rows
from toucan_instrument.console.texts import number
from toucan_instrument.errors import InvalidInput
from toucan_instrument.plain import Plain
from toucan_instrument.timestamps import to_datetime

__all__ = ["balances", "orders", "positions", "trades"]

V = TypeVar("V", bound=Plain)

BALANCES = ("asset", "total", "free", "locked", "unrealized")
POSITIONS = ("instrument", "side", "quantity", "entry", "mark", "unrealized", "liquidation", "leverage")
ORDERS = ("instrument", "side", "type", "quantity", "filled", "price", "trigger", "status", "id", "own id")
TRADES = (
    "time (UTC)",
    "instrument",
    "side",
    "quantity",
    "price",
    "fee",
    "realized",
    "role",
    "trade",
    "order",
)


def _show(
    columns: Sequence[str],
    found: Iterable[V],
    row: Callable[[V], Sequence[str]],
    *,
    plain: bool,
    as_json: bool,
) -> None:
    """Write what was found: JSON lines, a table, or lines with tabs."""
    if as_json:
        for value in found:
            json_line(value)
        return
    show_rows(columns, (tuple(map(shown, row(value))) for value in found), plain=plain)


def _count(number_of: int, what: str) -> str:
    return f"{number_of} {what}" if number_of == 1 else f"{number_of} {what}s"


def _when(at_ns: int | None) -> str:
    """Return a time with its day, to the millisecond, a dash where there is none."""
    if at_ns is None:
        return "-"
    try:
        return to_datetime(at_ns).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    except InvalidInput:
        return str(at_ns)


async def _named(client: ExecutionClient, symbol: str | None) -> Instrument | None:
    return None if symbol is None else (await client.instruments())[symbol]


def _balance_row(balance: Balance) -> tuple[str, ...]:
    amounts = (balance.total, balance.free, balance.locked, balance.unrealized_profit)
    return (balance.asset, *map(number, amounts))


def _position_row(position: Position) -> tuple[str, ...]:
    amounts = (
        position.quantity,
        position.entry_price,
        position.mark_price,
        position.unrealized_profit,
        position.liquidation_price,
    )
    leverage = "-" if position.leverage is None else str(position.leverage)
    return (str(position.instrument), position.side.value, *map(number, amounts), leverage)


def _order_row(order: Order) -> tuple[str, ...]:
    amounts = (order.quantity, order.filled_quantity, order.price, order.trigger_price)
    words = (str(order.instrument), order.side.value, order.type.value)
    ids = (order.order_id or order.algo_id or "-", order.client_order_id or "-")
    return (*words, *map(number, amounts), order.status.value, *ids)


def _trade_row(trade: TradeUpdate) -> tuple[str, ...]:
    fee = "-" if trade.fee is None else f"{number(trade.fee)} {trade.fee_asset}"
    role = "-" if trade.maker is None else "maker" if trade.maker else "taker"
    amounts = (number(trade.quantity), number(trade.price), fee, number(trade.realized_profit))
    what = (str(trade.instrument), trade.side.value)
    return (_when(trade.time_exchange), *what, *amounts, role, trade.trade_id, trade.order_id)


@click.command
@account_options
@common
def balances(*, setup: Setup, as_json: bool, plain: bool) -> None:
    """Show what is held of each asset."""
    found = setup.result(lambda client: client.fetch_balances())
    _show(BALANCES, found, _balance_row, plain=plain, as_json=as_json)
    remark(f"{_count(len(found), 'asset')} in {setup.place}")


@click.command
@click.argument("symbol", required=False)
@account_options
@common
def positions(*, setup: Setup, symbol: str | None, as_json: bool, plain: bool) -> None:
    """Show the positions that are not flat, of SYMBOL or of all."""
    if setup.config.market is Market.SPOT:
        raise InvalidInput("spot has none", field="--market", value="spot", accepted="usd-m, coin-m")

    async def fetch(client: ExecutionClient) -> tuple[Position, ...]:
        if not isinstance(client, FuturesClient):
            raise InvalidInput("it has none", field="--market", value=client.exchange.value)
        return await client.fetch_positions(await _named(client, symbol))

    found = setup.result(fetch)
    _show(POSITIONS, found, _position_row, plain=plain, as_json=as_json)
    remark(f"{_count(len(found), 'position')} in {setup.place}")


@click.command
@click.argument("symbol", required=False)
@account_options
@common
def orders(*, setup: Setup, symbol: str | None, as_json: bool, plain: bool) -> None:
    """Show the open orders, regular and conditional, of SYMBOL or of all."""

    async def fetch(client: ExecutionClient) -> tuple[Order, ...]:
        return await client.fetch_open_orders(await _named(client, symbol))

    found = setup.result(fetch)
    _show(ORDERS, found, _order_row, plain=plain, as_json=as_json)
    remark(f"{_count(len(found), 'open order')} in {setup.place}")


@click.command
@click.argument("symbol")
@click.option(
    "--since",
    type=moment(-1),
    default="24h",
    show_default=True,
    metavar="TIME",
    help="From when on: 2026-01-31, 2026-01-31T12:00:00 (UTC), or a span back from now as 90m, 24h, 7d.",
)
@click.option("--until", type=moment(-1), metavar="TIME", help="Until when; else until now.")
@account_options
@common
def trades(*, setup: Setup, symbol: str, since: int, until: int | None, as_json: bool, plain: bool) -> None:
    """Show all of the account's fills of SYMBOL, oldest first, or say what is missing."""
    missing: list[Incomplete] = []

    async def fetch(client: ExecutionClient) -> tuple[TradeUpdate, ...]:
        instrument = (await client.instruments())[symbol]
        try:
            return await client.fetch_trades(instrument, since, until)
        except Incomplete as error:
            missing.append(error)
            return error.got

    found = setup.result(fetch)
    _show(TRADES, found, _trade_row, plain=plain, as_json=as_json)
    remark(f"{_count(len(found), 'fill')} in {setup.place}")
    if missing:
        until_when = _when(missing[0].stopped_at_ns)
        remark(f"error: {missing[0].what}: complete up to {until_when} UTC alone; then: {missing[0].error}")
        click.get_current_context().exit(ExitCode.FAILED)
