"""Both halves on a local Binance: market data, orders, fills, a lost reply, and balances that agree.

No network, no keys, no money: the exchange is the sandbox of toucan-execution, in this very process, and both
clients speak its protocol over real sockets. ``--seconds`` says how long the market is watched.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

from toucan_data import (
    BinanceSpot,
    Connected,
    Disconnected,
    OrderBooksL2,
    PublicTrade,
    PublicTrades,
    StaleBook,
    Streams,
)
from toucan_execution import (
    Accepted,
    BinanceExecution,
    CancelRequest,
    OrderRequest,
    OrderType,
    OutOfSync,
    Side,
    TradeUpdate,
    Unknown,
)
from toucan_execution.testing.sandbox import Sandbox, reply_lost

if TYPE_CHECKING:
    from toucan_data import OrderBook
    from toucan_execution import AccountEvent, ExecutionClient
    from toucan_instrument import Instrument

SYMBOL = "BTCUSDT"


def say(text: str) -> None:
    """Write a line at once."""
    print(text, flush=True)


def limit(btc: Instrument, side: Side, price: Decimal, quantity: str) -> OrderRequest:
    """Return a limit order."""
    return OrderRequest(
        instrument=btc, side=side, type=OrderType.LIMIT, quantity=Decimal(quantity), price=price
    )


def level(book: OrderBook, price: Decimal) -> Decimal:
    """Return what the public book shows at a bid price."""
    return next((found.quantity for found in book.bids() if found.price == price), Decimal(0))


async def watch_market(streams: Streams, seconds: float) -> None:
    """Show trades as they come, one each second, and what happens to the connection."""
    shown = 0.0
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    async for event in streams.select_all():
        now = loop.time()
        if isinstance(event, (Connected, Disconnected)):
            say(f"  data      {type(event).__name__}")
        elif isinstance(event, PublicTrade) and now - shown >= 1:
            shown = now
            say(f"  data      {event.aggressor.value:4} {event.quantity} BTC at {event.price}")
        if now > end:
            return


async def watch_account(client: ExecutionClient, filled: asyncio.Event) -> None:
    """Show what the account is told."""
    async for event in client.account_stream():
        say_event(event)
        if isinstance(event, TradeUpdate):
            filled.set()


def say_event(event: AccountEvent) -> None:
    """Show one event of the account."""
    if isinstance(event, TradeUpdate):
        say(f"  account   filled: {event.side.value} {event.quantity} BTC at {event.price}")
    elif isinstance(event, (Connected, Disconnected, OutOfSync)):
        say(f"  account   {type(event).__name__}")


async def trade(client: ExecutionClient, book: OrderBook, btc: Instrument, filled: asyncio.Event) -> None:
    """Place an order that shows in the public book, let it be filled, and cancel another."""
    quiet = book.best_bid().price - Decimal(20)  # below all makers
    resting = await client.place_order(limit(btc, Side.BUY, quiet, "0.500"))
    say(f"order       {type(resting).__name__}: buy 0.500 BTC at {quiet}")
    while level(book, quiet) != Decimal("0.500"):
        await asyncio.sleep(0.01)
    say(f"  data      the public book shows 0.500 BTC at {quiet}: ours")
    cancelled = await client.cancel_order(
        CancelRequest(instrument=btc, client_order_id=resting.client_order_id)
    )
    say(f"order       cancel {type(cancelled).__name__}")
    ask = book.best_ask()
    taken = await client.place_order(limit(btc, Side.BUY, ask.price + Decimal(1), "0.010"))
    say(f"order       {type(taken).__name__}: buy 0.010 BTC at up to {ask.price + 1}")
    await filled.wait()


async def lose_a_reply(sandbox: Sandbox, client: ExecutionClient, book: OrderBook, btc: Instrument) -> bool:
    """Cut the line between an order and its reply, and find out what became of it."""
    sandbox.faults.add(reply_lost("POST /api/v3/order"))
    say("fault       the line is cut after the next order, before its reply")
    lost = await client.place_order(limit(btc, Side.BUY, book.best_bid().price - 50, "0.020"))
    say(f"order       {type(lost).__name__}: nobody knows; it is not sent again")
    if not isinstance(lost, Unknown):
        return False
    settled = await client.settle(lost, timeout=30)
    say(f"order       settled: {type(settled).__name__}, it was placed once")
    return isinstance(settled, Accepted)


async def cut_both(sandbox: Sandbox, client: ExecutionClient, book: OrderBook) -> None:
    """Lose all connections of both halves, and wait until both know again what they say."""
    say(f"fault       {sandbox.drop_all()} connections are lost without a goodbye")
    while client.synced:
        await asyncio.sleep(0.01)
    try:
        book.best_bid()
        say("  data      the book is still in sync")
    except StaleBook as error:
        say(f"  data      the book refuses to be read: it is {error.state}")
    await client.ready(20)
    while not book.synced:
        await asyncio.sleep(0.01)
    say("both        in sync again")


def compare(sandbox: Sandbox, client: ExecutionClient, book: OrderBook, btc: Instrument) -> bool:
    """Compare what both clients hold with what the exchange holds."""
    engine = sandbox.market("spot").engine
    equal = True
    say("asset       the client's        the exchange's")
    for theirs in engine.balances("main"):
        ours = client.account.balance(theirs.asset)
        same = (ours.free, ours.locked) == (theirs.free, theirs.locked)
        equal = equal and same
        say(f"{theirs.asset:11} {ours.total:<19} {theirs.total:<19} {'equal' if same else 'DIFFERENT'}")
    shown = tuple((found.price, found.quantity) for found in book.bids())
    same = shown[:20] == engine.depth(btc, 20)[0]
    say(f"book        best 20 bids {'equal' if same else 'DIFFERENT'}")
    return equal and same


async def main(seconds: float) -> bool:
    """Run the loop; return whether everything was as it should be."""
    async with Sandbox(["spot"], pace_ms=20) as sandbox:
        say(f"sandbox     {sandbox.rest_url('spot')}")
        venue = BinanceSpot(ws_url=sandbox.stream_url("spot"), rest_url=sandbox.rest_url("spot"))
        wanted = [(venue, SYMBOL, kind) for kind in (PublicTrades, OrderBooksL2)]
        async with (
            await Streams.builder().subscribe(wanted).init() as streams,
            BinanceExecution.new_with_config(sandbox.config("spot")) as client,
        ):
            btc = (await client.instruments())[SYMBOL]
            await streams.ready(20)
            await client.ready(20)
            book = streams.book(btc)
            filled = asyncio.Event()
            account = asyncio.ensure_future(watch_account(client, filled))
            market = asyncio.ensure_future(watch_market(streams, seconds))
            say(f"  account   {client.account.balance('USDT').free} USDT free")
            await trade(client, book, btc, filled)
            settled = await lose_a_reply(sandbox, client, book, btc)
            await cut_both(sandbox, client, book)
            await market
            await client.cancel_own()
            sandbox.moving = False
            await asyncio.sleep(0.5)  # what is under way arrives
            equal = compare(sandbox, client, book, btc)
            account.cancel()
            await asyncio.gather(account, return_exceptions=True)
            return settled and equal


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="How long the market is watched.")
    if not asyncio.run(main(parser.parse_args().seconds)):
        sys.exit("something did not agree")
