"""Coinbase's own ways over real sockets: lists by pages, gaps of a connection, two names of one book."""

import asyncio
from itertools import pairwise

import pytest

from toucan_data import Candles, Gap, OrderBooksL1, OrderBooksL2, PublicTrades, Resynced, Streams
from toucan_data.catalogues import load_instruments
from toucan_data.status import SubscriptionFailed
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument import Exchange, InstrumentKind
from toucan_instrument.testing.faults import Action, Fault

SPOT, ADVANCED = Exchange.COINBASE, Exchange.COINBASE_ADVANCED
BOTH = pytest.mark.parametrize("exchange", [SPOT, ADVANCED], ids=str)


async def first(selection, wanted, seconds=10):
    async with asyncio.timeout(seconds):
        async for value in selection:
            if isinstance(value, wanted):
                return value
    raise AssertionError("the selection ended")


@BOTH
async def test_instruments_with_their_volumes(exchange):
    symbols = ["BTC-USD", "ETH-USD"] + (
        ["BIP-20DEC30-CDE", "BIT-24APR26-CDE"] if exchange is ADVANCED else []
    )
    async with ScriptedExchange.seeded(exchange, symbols, pace_ms=None) as server:
        await server.step(50)
        catalogue = await load_instruments(server.venue(), refresh=True)
        assert [each.symbol for each in catalogue] == symbols
        assert catalogue.skipped == ()
        assert set(catalogue.quote_volumes) == set(symbols)
        assert all(each.rules is not None for each in catalogue)
        if exchange is ADVANCED:
            kinds = [InstrumentKind.SPOT] * 2 + [InstrumentKind.PERPETUAL, InstrumentKind.FUTURE]
            assert [each.kind for each in catalogue] == kinds
            assert sum(server.seen.requests.values()) == 4  # spot and futures, of each list


async def test_a_gap_of_advanced_trade_concerns_its_connection_and_no_other():
    symbols = [f"A{number}-USD" for number in range(6)]
    async with ScriptedExchange.seeded(ADVANCED, symbols, pace_ms=5, levels=20) as server:
        venue = server.venue()
        wanted = [(venue, symbol, OrderBooksL2) for symbol in symbols]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            await streams.ready(20)
            assert server.connections == 2
            statuses = streams.status()
            server.faults.add(Fault(Action.GAP, stream="level2:A1-USD", after=1))
            mended = set()
            while len(mended) < 5:
                mended.add((await first(statuses, Resynced)).instrument.symbol)
            assert mended == set(symbols[:5])
            assert streams.book(streams.books[5].instrument).generation == 1
            assert server.connections == 2


async def test_a_pair_in_usdc_and_one_in_usd_are_both_kept():
    async with ScriptedExchange.seeded(ADVANCED, pace_ms=5, levels=20) as server:
        venue = server.venue()
        wanted = [(venue, symbol, OrderBooksL2) for symbol in ("BTC-USD", "BTC-USDC")]
        async with await Streams.builder().subscribe(wanted, unchecked=True).init() as streams:
            await streams.ready(10)
            assert [book.instrument.unified for book in streams.books] == ["BTC/USD", "BTC/USDC"]
            assert all(book.best_bid() is not None for book in streams.books)
            assert server.connections == 2


@BOTH
async def test_an_unknown_product_stops_no_other(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        venue = server.venue()
        wanted = [(venue, symbol, PublicTrades) for symbol in ("BTC-USD", "NONE-USD", "ETH-USD")]
        async with await Streams.builder().subscribe(wanted, unchecked=True).init() as streams:
            statuses, trades = streams.status(), streams.select(PublicTrades, status=False)
            failed = await first(statuses, SubscriptionFailed)
            assert [name.partition(":")[2] for name in failed.channels] == ["NONE-USD"]
            symbols = set()
            async with asyncio.timeout(10):
                while len(symbols) < 2:
                    symbols.add((await anext(trades)).instrument.symbol)
            assert symbols == {"BTC-USD", "ETH-USD"}
            assert server.connections == 1


@BOTH
async def test_tops_and_books_share_one_stream(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        venue = server.venue()
        wanted = [(venue, "BTC-USD", kind) for kind in (OrderBooksL1, OrderBooksL2)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            tops = streams.select(OrderBooksL1, status=False)
            await streams.ready(10)
            async with asyncio.timeout(10):
                seen = [await anext(tops) for _ in range(20)]
            for one, other in pairwise(seen):
                assert (one.bid_price, one.bid_quantity, one.ask_price, one.ask_quantity) != (
                    other.bid_price, other.bid_quantity, other.ask_price, other.ask_quantity,
                )  # fmt: skip
            assert len(server.subscribed) == 1


async def test_lost_trades_of_exchange_are_told_by_the_heartbeat():
    async with ScriptedExchange.seeded(SPOT, ["BTC-USD", "ETH-USD"], pace_ms=5) as server:
        venue = server.venue()
        async with await Streams.builder().subscribe([(venue, "BTC-USD", PublicTrades)]).init() as streams:
            await streams.ready(10)
            statuses = streams.status()
            # Nothing more of the trades arrives: only the heartbeats can show that.
            server.faults.add(Fault(Action.GAP, stream="matches:BTC-USD", count=1_000_000))
            gap = await first(statuses, Gap)
            assert gap.first_missing is not None
            assert gap.last_missing >= gap.first_missing


async def test_candles_are_closed_once():
    async with ScriptedExchange.seeded(ADVANCED, pace_ms=5) as server:
        venue = server.venue()
        async with await Streams.builder().subscribe([(venue, "BTC-USD", Candles("5m"))]).init() as streams:
            candles = streams.select(Candles, status=False)
            async with asyncio.timeout(10):
                found = [await anext(candles) for _ in range(3)]
            assert {each.interval for each in found} == {"5m"}
            assert all(each.open_time % (300 * 10**9) == 0 for each in found)
