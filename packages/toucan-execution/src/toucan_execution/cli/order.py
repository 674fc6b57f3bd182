"""``toucan-execution order``: one order, once, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import click

from toucan_execution.cli.asking import ask
from toucan_execution.cli.options import Setup, account_options, common, settle_option, yes_option
from toucan_execution.cli.params import exact, moment, number_option, word, word_option
from toucan_execution.cli.sending import send
from toucan_execution.cli.texts import request_text
from toucan_execution.client.protocol import ExecutionClient
from toucan_execution.orders import (
    OrderRequest,
    OrderType,
    Peg,
    PositionSide,
    PriceMatch,
    SelfTradePrevention,
    TimeInForce,
    TriggerPrice,
)
from toucan_execution.outcome import Outcome
from toucan_instrument import Side

__all__ = ["order"]

READY_S = 30.0
"""How long to wait for the account to be in sync."""


@click.command
@click.argument("side", type=word(Side), metavar="buy|sell")
@click.argument("symbol")
@click.argument("quantity", type=exact, required=False)
@word_option(
    "--type",
    "type",
    kind=OrderType,
    without=(OrderType.LIQUIDATION, OrderType.UNKNOWN),
    words="What sort of order",
    default=OrderType.LIMIT.value,
    show_default=True,
)
@number_option("--price", words="The limit price.")
@word_option(
    "--tif", "time_in_force", kind=TimeInForce, without=(TimeInForce.UNKNOWN,), words="How long it stands"
)
@click.option("--good-till", "good_till_ns", type=moment(1), metavar="TIME", help="When it expires, for gtd.")
@click.option("--post-only", is_flag=True, help="Never take liquidity.")
@click.option("--reduce-only", is_flag=True, help="Only make a position smaller.")
@click.option("--close-position", is_flag=True, help="Close the whole position when triggered.")
@word_option("--position-side", kind=PositionSide, words="Which position, in hedge mode")
@number_option("--trigger-price", words="The price that triggers a conditional order.")
@word_option("--trigger-by", kind=TriggerPrice, words="Which price triggers it")
@click.option("--price-protect", is_flag=True, help="No trigger while last and mark price are far apart.")
@click.option("--trailing-bips", type=int, metavar="N", help="How far it follows, hundredths of a percent.")
@number_option("--activation-price", words="From which price on it follows.")
@number_option(
    "--quote-quantity", words="How much of the quote asset to spend or to receive, for market orders."
)
@number_option("--iceberg", words="How much of it is shown.")
@word_option(
    "--stp",
    "self_trade_prevention",
    kind=SelfTradePrevention,
    without=(SelfTradePrevention.UNKNOWN,),
    words="Against an order of the same account",
)
@word_option("--price-match", kind=PriceMatch, words="A price from the book (futures)")
@click.option("--peg", type=click.Choice(["primary", "market"]), help="A price that follows the book (spot).")
@click.option("--peg-levels", type=click.IntRange(1, 100), metavar="N", help="That many levels away from it.")
@click.option(
    "--client-id", "client_order_id", default="", metavar="ID", help="Your own id; else one is made."
)
@click.option("--test", is_flag=True, help="Have the venue check it, and do not place it.")
@click.option("--unsynced", is_flag=True, help="Do not wait until the account is known to be in sync.")
@yes_option
@settle_option
@account_options
@common
def order(
    *,
    setup: Setup,
    symbol: str,
    test: bool,
    unsynced: bool,
    yes: bool,
    settle: float,
    as_json: bool,
    plain: bool,
    **asked: Any,
) -> None:
    """Place one order: buy or sell QUANTITY of SYMBOL, in the venue's unit.

    It asks before a live order, unless --yes is given. Exit codes: 0 accepted, 1 rejected, 4 unknown:
    it was sent, and nobody knows whether it was made. It is never sent twice.
    """
    del plain
    fields = _fields(**asked)
    known: list[OrderRequest] = []

    async def prepare(client: ExecutionClient) -> OrderRequest:
        return OrderRequest(instrument=(await client.instruments())[symbol], **fields)

    if setup.is_live and not (yes or test):
        # The client is closed while it waits for the answer: nothing depends on how long that takes.
        known.append(setup.result(prepare))
        ask(f"Send a LIVE order to {setup.place}: {request_text(known[0])}?")

    async def work(client: ExecutionClient) -> Sequence[Outcome]:
        request = known[0] if known else await prepare(client)
        if test:
            return [await client.test_order(request)]
        if not unsynced:
            await client.ready(READY_S)
        return [await client.place_order(request, allow_unsynced=unsynced)]

    click.get_current_context().exit(send(setup, work, settle=settle, as_json=as_json))


def _fields(
    *, peg: str | None, peg_levels: int | None, iceberg: Decimal | None, **asked: Any
) -> dict[str, Any]:
    """Return the fields of the order that the options ask for."""
    if peg is None and peg_levels is not None:
        raise click.UsageError("--peg-levels says how far --peg is away")
    fields = {**asked, "iceberg_quantity": iceberg}
    if peg is not None:
        fields["peg"] = Peg(price=peg, levels=peg_levels)
    return fields
