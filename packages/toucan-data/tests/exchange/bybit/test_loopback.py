"""The real client against the scripted exchange, in what is Bybit's own."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from toucan_data import (
    Connected,
    DecodeFailed,
    Disconnected,
    Exchange,
    MarkPrices,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Silent,
    Streams,
    SubscriptionFailed,
    Tickers24h,
    load_instruments,
)
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument.testing.faults import Action, Fault

SECOND = 1_000_000_000
SPOT, LINEAR, OPTION = Exchange.BYBIT_SPOT, Exchange.BYBIT_LINEAR, Exchange.BYBIT_OPTION
CALLS = ("BTC-31DEC27-60000-C-USDT", "BTC-31DEC27-60000-P-USDT", "ETH-31DEC27-3000-P-USDT")


async def first(selection, wanted, seconds=10):
    async with asyncio.timeout(seconds):
        async for value in selection:
            if isinstance(value, wanted):
                return value
    raise AssertionError("the selection ended")


def impatient(server, **changes):
    short = {"ping_ns": SECOND // 2, "probe_ns": SECOND // 4, "ack_ns": SECOND // 2, **changes}
    return server.venue(limits=msgspec.structs.replace(server.venue().limits, **short))


@pytest.mark.parametrize("action", [Action.DROP, Action.CLOSE, Action.HALF_OPEN], ids=lambda each: each.value)
async def test_options_come_back_after_a_lost_connection(action):
    async with ScriptedExchange.seeded(OPTION, pace_ms=5) as server:
        fault = Fault(action, stream="publicTrade.BTC", after=5, code=1008)
        server.faults.add(fault)
        wanted = [(impatient(server), symbol, PublicTrades) for symbol in server.market.instruments]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            statuses = streams.status()
            await first(statuses, Disconnected)
            await first(statuses, Connected)
            trades = streams.select(PublicTrades, status=False)
            async with asyncio.timeout(10):
                assert await anext(trades)


async def test_a_frame_of_options_that_cannot_be_read_is_one_value():
    async with ScriptedExchange.seeded(OPTION, pace_ms=5) as server:
        server.faults.add(Fault(Action.GARBAGE, stream="publicTrade.BTC", after=3))
        wanted = [(server.venue(), CALLS[0], PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            everything = streams.select_all()
            await first(everything, DecodeFailed)
            trades = streams.select(PublicTrades, status=False)
            async with asyncio.timeout(10):
                assert await anext(trades)
            assert server.connections == 1


async def test_a_silent_ticker_of_options_is_told():
    async with ScriptedExchange.seeded(OPTION, pace_ms=5) as server:
        name = f"tickers.{CALLS[0]}"
        server.faults.add(Fault(Action.ACK_ONLY, stream=name))
        venue = impatient(server)
        find = venue.channel
        venue.channel = lambda *args: msgspec.structs.replace(find(*args), first_event_ns=SECOND // 2)
        wanted = [(venue, CALLS[0], kind) for kind in (MarkPrices, PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            silent = await first(streams.status(), Silent)
            assert (silent.channel, silent.kind) == (name, "MarkPrices")


async def test_options_of_one_coin_share_a_topic_and_get_their_own_trades():
    async with ScriptedExchange.seeded(OPTION, CALLS, pace_ms=5) as server:
        wanted = [(server.venue(), symbol, PublicTrades) for symbol in (CALLS[0], CALLS[2])]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            trades = streams.select(PublicTrades, status=False)
            seen = set()
            async with asyncio.timeout(10):
                while len(seen) < 2:
                    seen.add((await anext(trades)).instrument.symbol)
                for _ in range(50):
                    seen.add((await anext(trades)).instrument.symbol)
            assert seen == {CALLS[0], CALLS[2]}
            assert sorted(server.seen.subscriptions) == ["publicTrade.BTC", "publicTrade.ETH"]


async def test_one_symbol_that_is_not_there_spoils_nothing():
    async with ScriptedExchange.seeded(LINEAR, pace_ms=5) as server:
        symbols = ["BTCUSDT", "NOSUCHUSDT", "ETHUSDT"]
        wanted = [(server.venue(), symbol, PublicTrades) for symbol in symbols]
        async with await Streams.builder().subscribe(wanted, unchecked=True).init() as streams:
            failed = await first(streams.status(), SubscriptionFailed)
            assert failed.channels == ("publicTrade.NOSUCHUSDT",)
            async with asyncio.timeout(10):
                while not {"publicTrade.BTCUSDT", "publicTrade.ETHUSDT"} <= server.subscribed:
                    await asyncio.sleep(0.01)
            assert server.seen.connects == 1


async def test_books_of_every_depth_are_the_servers():
    async with ScriptedExchange.seeded(SPOT, ["BTCUSDT"], pace_ms=5, levels=120) as server:
        kinds = [OrderBooksL2(depth=50), OrderBooksL2(depth=200), OrderBooksL2, OrderBooksL1]
        wanted = [(server.venue(), "BTCUSDT", kind) for kind in kinds]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            await streams.ready(10)
            feeds = [feed for feed in streams._feeds() if feed.sync is not None]
            assert len(feeds) == 3
            async with asyncio.timeout(10):
                for feed in feeds:
                    changes = set()
                    while len(changes) < 20:
                        changes.add(feed.book.last_update_id)
                        await asyncio.sleep(0.001)
                for feed in feeds:
                    while not same(feed.book, server.market.book("BTCUSDT", feed.sync.rule.depth)):
                        await asyncio.sleep(0.001)
            assert [feed.book.generation for feed in feeds] == [1, 1, 1]


def same(book, picture):
    held = [[(Decimal(p), Decimal(q)) for p, q in side] for side in book.texts(allow_stale=True)]
    return held == [list(picture.bids), list(picture.asks)]


@pytest.mark.parametrize("exchange", [SPOT, LINEAR, Exchange.BYBIT_INVERSE, OPTION], ids=str)
async def test_the_list_of_instruments(exchange):
    symbols = CALLS if exchange is OPTION else None
    async with ScriptedExchange.seeded(exchange, symbols, pace_ms=None) as server:
        catalogue = await load_instruments(server.venue())
        listed = server.market.instruments
        assert {each.symbol for each in catalogue} == set(listed)
        for instrument in catalogue:
            theirs = listed[instrument.symbol]
            assert instrument.unified == theirs.unified
            assert (instrument.kind, instrument.expiry_ns, instrument.strike) == (
                theirs.kind,
                theirs.expiry_ns,
                theirs.strike,
            )
            assert instrument.rules.tick_size == theirs.rules.tick_size
            assert instrument.rules.step_size == theirs.rules.step_size
            assert instrument.rules.market_max_quantity == theirs.rules.market_max_quantity
        assert catalogue.skipped == ()
        assert len(catalogue.top(10)) == len(listed)


async def test_tickers_of_contracts_keep_what_did_not_change():
    async with ScriptedExchange.seeded(LINEAR, pace_ms=5) as server:
        wanted = [(server.venue(), "BTCUSDT", kind) for kind in (Tickers24h, MarkPrices)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            marks = streams.select(MarkPrices, status=False)
            async with asyncio.timeout(10):
                events = [await anext(marks) for _ in range(3)]
            assert server.seen.subscriptions == ["tickers.BTCUSDT"]
            assert all(event.funding_rate is not None and event.index_price for event in events)
