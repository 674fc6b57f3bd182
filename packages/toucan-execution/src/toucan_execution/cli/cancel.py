"""``toucan-execution cancel`` and ``cancel-all``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from toucan_execution.cli.asking import ask
from toucan_execution.cli.options import Setup, account_options, common, settle_option, yes_option
from toucan_execution.cli.sending import OUTCOME_UNKNOWN, send
from toucan_execution.cli.texts import order_text
from toucan_execution.client.protocol import ExecutionClient
from toucan_execution.orders import CancelRequest, Order
from toucan_execution.outcome import Outcome
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import json_line, line, remark, shown
from toucan_instrument.console.running import run
from toucan_instrument.errors import RequestFailed

__all__ = ["cancel", "cancel_all"]


@click.command
@click.argument("symbol")
@click.option("--client-id", default="", metavar="ID", help="The order's own id.")
@click.option("--order-id", default="", metavar="ID", help="The venue's id of it.")
@click.option(
    "--conditional/--regular",
    default=None,
    help="Whether it is a conditional order that was not triggered (futures); else both are tried.",
)
@settle_option
@account_options
@common
def cancel(
    *,
    setup: Setup,
    symbol: str,
    client_id: str,
    order_id: str,
    conditional: bool | None,
    settle: float,
    as_json: bool,
    plain: bool,
) -> None:
    """Cancel one order of SYMBOL, by its own id or by the venue's. Exit codes as for `order`."""
    del plain
    if bool(client_id) == bool(order_id):
        raise click.UsageError("name the order by one of --client-id and --order-id")

    async def work(client: ExecutionClient) -> Sequence[Outcome]:
        instrument = (await client.instruments())[symbol]
        request = CancelRequest(
            instrument=instrument, client_order_id=client_id, order_id=order_id, conditional=conditional
        )
        return [await client.cancel_order(request)]

    click.get_current_context().exit(send(setup, work, settle=settle, as_json=as_json))


@click.command("cancel-all")
@click.argument("symbol", required=False)
@click.option("--own", is_flag=True, help="Only those whose client id carries --prefix; needs no SYMBOL.")
@yes_option
@settle_option
@account_options
@common
def cancel_all(
    *, setup: Setup, symbol: str | None, own: bool, yes: bool, settle: float, as_json: bool, plain: bool
) -> None:
    """Cancel all open orders of SYMBOL: everybody's on this account, whoever made them.

    Other programs' orders and those of the venue's own interface go too; --own leaves them alone.
    """
    del plain
    if not own and symbol is None:
        raise click.UsageError("name a SYMBOL, or --own")
    of = "all instruments" if symbol is None else shown(symbol)
    if own:
        whose = f"the open orders of {of} whose client id begins with {shown(setup.config.client_id_prefix)}-"
    else:
        whose = f"ALL open orders of {of}: EVERYBODY'S on this account, not only this program's"
    if not yes:
        ask(f"Cancel {whose}, on {setup.place}?")
    if own:
        click.get_current_context().exit(_own(setup, symbol, settle=settle, as_json=as_json))
    click.get_current_context().exit(_everybody(setup, str(symbol), as_json=as_json))


def _own(setup: Setup, symbol: str | None, *, settle: float, as_json: bool) -> int:
    counted: list[Outcome] = []

    async def work(client: ExecutionClient) -> Sequence[Outcome]:
        instrument = None if symbol is None else (await client.instruments())[symbol]
        counted.extend(await client.cancel_own(instrument))
        return counted

    code = send(setup, work, settle=settle, as_json=as_json)
    if counted or code == ExitCode.DONE:
        remark(f"{len(counted)} own open orders in {setup.place}")
    return code


def _everybody(setup: Setup, symbol: str, *, as_json: bool) -> int:
    under_way: list[str] = []
    orders: list[Order] = []

    async def whole() -> None:
        async with setup.client() as client:
            instrument = (await client.instruments())[symbol]
            under_way.append("interrupted")
            orders.extend(await client.cancel_all(instrument))
            under_way.clear()

    try:
        interrupted = run(whole())
    except RequestFailed as error:
        if error.sent is False or not under_way:
            raise
        under_way[:] = [str(error)]
        interrupted = False
    if under_way:
        remark(f"unknown: {under_way[0]}; they may have been cancelled")
        return OUTCOME_UNKNOWN
    if interrupted and not orders:
        remark("interrupted; nothing was sent")
        return ExitCode.INTERRUPTED
    for order in orders:
        if as_json:
            json_line(order)
        else:
            line(shown(order_text(order)))
    told = f"; the venue named {len(orders)}" if orders else ""
    remark(f"accepted: all open orders of {shown(symbol)} in {setup.place} are cancelled{told}")
    return ExitCode.DONE
