"""Each fault of the script against the real client: what it tells, and that it mends."""

import asyncio
from contextlib import suppress
from decimal import Decimal
from urllib.parse import urlsplit

import msgspec
import pytest

from toucan_data import (
    Connected,
    DecodeFailed,
    Disconnected,
    Exchange,
    Gap,
    OrderBookL1,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrade,
    PublicTrades,
    Resynced,
    Retrying,
    Silent,
    SnapshotFailed,
    Streams,
    SubscriptionFailed,
)
from toucan_data.bookrule import Snapshots
from toucan_data.feed import Feed
from toucan_data.registry import VENUES, venue_class
from toucan_data.testing.dialect import dialect_of
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument.errors import InvalidInput, RateLimited
from toucan_instrument.link import budget_for
from toucan_instrument.testing.faults import Action, Fault

SECOND = 1_000_000_000
SPOT = Exchange.BINANCE_SPOT
KINDS = (PublicTrades, OrderBooksL1, OrderBooksL2)
EVERY = pytest.mark.parametrize("exchange", list(VENUES), ids=str)


def feeds_of(exchange):
    """Return what follows a venue's maintained books, where it has any, and its trades."""
    venue, dialect = venue_class(exchange)(), dialect_of(exchange)
    found = {}
    for kind in (OrderBooksL2, PublicTrades):
        for symbol in dialect.default_symbols:
            instrument = dialect.listed(symbol)
            try:
                feed = Feed(venue.channel(instrument, kind), [kind])
            except InvalidInput:
                continue
            venue.prepare(feed, print, print, venue.unchecked)
            found[kind] = feed
            break
    return found


def has_books(exchange):
    return OrderBooksL2 in venue_class(exchange)().kinds


def over_rest(exchange):
    return has_books(exchange) and feeds_of(exchange)[OrderBooksL2].sync.rule.snapshots is Snapshots.REST


def those(wanted):
    """Return the mark for some venues; one that is not whole yet is among them, and fails there."""

    def concerns(exchange):
        try:
            return wanted(exchange)
        except (ImportError, AttributeError):
            return True

    return pytest.mark.parametrize("exchange", [each for each in VENUES if concerns(each)], ids=str)


BOOKED = those(has_books)
SEEING = those(lambda each: has_books(each) and "OrderBooksL2" not in venue_class(each)().blind)
OVER_REST = those(over_rest)
NUMBERED = those(lambda exchange: feeds_of(exchange)[PublicTrades].ids is not None)


def impatient(server, **changes):
    """Return the venue with deadlines that a test can wait for."""
    short = {"idle_ns": SECOND // 2, "probe_ns": SECOND // 4, "ack_ns": SECOND // 2, **changes}
    return server.venue(limits=msgspec.structs.replace(server.venue().limits, **short))


def symbols_of(server, kind=OrderBooksL2):
    """Return the first two symbols that have a kind."""
    found = []
    for symbol in server.market.instruments:
        with suppress(InvalidInput):
            server.stream_of(symbol, kind)
            found.append(symbol)
    return found[:2]


def all_kinds(server, venue):
    """Return what to subscribe of one symbol, and that symbol."""
    offered = [kind for kind in KINDS if kind in venue.kinds]
    symbol = server.symbol_with(offered[-1])
    return [(venue, symbol, kind) for kind in offered], symbol


async def until(selection, *wanted, seconds=10):
    """Read until one of each kind has come; return what came."""
    missing, seen = set(wanted), []
    async with asyncio.timeout(seconds):
        async for value in selection:
            seen.append(value)
            missing -= {type(value)}
            if not missing:
                return seen
    raise AssertionError("the selection ended")


async def equal(streams, server, seconds=10):
    """Wait until every maintained book equals the server's, as far down as it goes."""
    async with asyncio.timeout(seconds):
        for feed in [feed for feed in streams._feeds() if feed.sync is not None]:
            book, depth = feed.book, feed.sync.rule.depth
            while True:
                picture = server.market.book(book.instrument.symbol, depth)
                theirs = [list(picture.bids), list(picture.asks)]
                if book.synced and [exact(side) for side in book.texts()] == theirs:
                    break
                await asyncio.sleep(0.001)


def exact(side):
    return [(Decimal(price), Decimal(quantity)) for price, quantity in side]


ENDS = [Action.DROP, Action.CLOSE, Action.OVERSIZED, Action.HALF_OPEN, Action.SHUTDOWN]


@BOOKED
@pytest.mark.parametrize("action", ENDS, ids=lambda action: action.value)
async def test_the_end_of_a_connection_is_told_and_mended(exchange, action):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        wanted, symbol = all_kinds(server, impatient(server))
        name = server.stream_of(symbol, OrderBooksL2)
        size = server.venue().limits.max_frame + 1024 * 1024
        fault = Fault(action, stream=name, after=5, code=1008, size=size)
        server.faults.add(fault)
        async with await Streams.builder().subscribe(wanted).init() as streams:
            seen = await until(streams.status(), Disconnected, Gap, Retrying, Connected, Resynced)
            order = [type(value) for value in seen]
            assert order.index(Disconnected) < order.index(Gap) < order.index(Resynced)
            assert fault in server.faults.happened
            await equal(streams, server)


@EVERY
@pytest.mark.parametrize("action", [Action.GARBAGE, Action.NOT_UTF8], ids=lambda action: action.value)
async def test_a_frame_that_cannot_be_read_is_one_value(exchange, action):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        wanted, symbol = all_kinds(server, server.venue())
        server.faults.add(Fault(action, stream=server.stream_of(symbol, PublicTrades), after=3))
        async with await Streams.builder().subscribe(wanted).init() as streams:
            everything = streams.select_all()
            seen = await until(everything, DecodeFailed)
            tops = (OrderBookL1,) if OrderBooksL1 in server.venue().kinds else ()
            seen += await until(everything, PublicTrade, *tops)
            assert sum(isinstance(value, DecodeFailed) for value in seen) == 1
            assert not any(isinstance(value, (Disconnected, Gap)) for value in seen)
            await equal(streams, server)


async def two_books(exchange, fault, check):
    """Follow two books, let something happen to one of them, and compare both with the server's."""
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        symbols = symbols_of(server)
        fault = msgspec.structs.replace(fault, stream=server.stream_of(symbols[0], OrderBooksL2))
        wanted = [(server.venue(), symbol, OrderBooksL2) for symbol in symbols]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            statuses = streams.status()
            await streams.ready(10)
            server.faults.add(fault)
            async with asyncio.timeout(10):
                while fault not in server.faults.happened:
                    await asyncio.sleep(0.005)
            await check(server, streams, statuses)


@SEEING
async def test_a_delta_that_is_missing_costs_a_resync_of_what_its_ids_concern(exchange):
    async def check(server, streams, statuses):
        seen = await until(statuses, Gap, Resynced)
        assert not any(isinstance(value, Disconnected) for value in seen)
        await equal(streams, server)
        mended = [book.generation > 1 for book in streams.books]
        assert mended[0]
        assert server.dialect().numbers_sockets or not any(mended[1:])

    await two_books(exchange, Fault(Action.GAP, count=2), check)


@SEEING
async def test_deltas_in_the_wrong_order_leave_the_book_as_the_servers(exchange):
    async def check(server, streams, statuses):
        await asyncio.sleep(0.1)
        await equal(streams, server)

    await two_books(exchange, Fault(Action.REORDER), check)


@BOOKED
@pytest.mark.parametrize("action", [Action.DUPLICATE, Action.SLOW], ids=lambda action: action.value)
async def test_repetitions_and_delays_cost_nothing(exchange, action):
    async def check(server, streams, statuses):
        await equal(streams, server)
        assert [book.generation for book in streams.books] == [1] * len(streams.books)
        assert not any(isinstance(value, (Gap, Disconnected)) for value in _all(statuses))

    await two_books(exchange, Fault(action, delay=0.1), check)


@NUMBERED
async def test_ids_of_trades_that_are_missing_are_told_exactly(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        symbol = server.symbol_with(PublicTrades)
        fault = Fault(Action.GAP, stream=server.stream_of(symbol, PublicTrades), after=10, count=3)
        server.faults.add(fault)
        wanted = [(server.venue(), symbol, PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            trades = streams.select(PublicTrades)
            seen = await until(trades, Gap)
            gap = seen[-1]
            seen += await until(trades, PublicTrade)
            before, after = seen[-3], seen[-1]
            if isinstance(before.last_id, int):
                # What is numbered are trades, or reports of several.
                of_trades, of_reports = (before.last_id, after.first_id), (before.id, after.id)
                assert (gap.first_missing - 1, gap.last_missing + 1) in (of_trades, of_reports)
            assert gap.last_missing - gap.first_missing >= 2


@EVERY
async def test_a_stalled_connection_is_probed_and_left_alone_if_it_answers(exchange):
    """Events stop, answers come: the venue is there, and a quiet market is no fault."""
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        symbol = server.symbol_with(PublicTrades)
        server.faults.add(Fault(Action.STALL, stream=server.stream_of(symbol, PublicTrades), after=5))
        wanted = [(impatient(server), symbol, PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            statuses = streams.status()
            async with asyncio.timeout(10):
                while not server.faults.happened:
                    await asyncio.sleep(0.02)
                before = server.seen.controls
                while server.seen.controls < before + 2:
                    await asyncio.sleep(0.02)
            assert not any(isinstance(value, Disconnected) for value in _all(statuses))


def _all(selection):
    found = []
    while (value := selection.next_nowait()) is not None:
        found.append(value)
    return found


@BOOKED
async def test_a_stream_that_is_acknowledged_and_silent_is_told(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        symbol = server.symbol_with(OrderBooksL1)
        name = server.stream_of(symbol, OrderBooksL1)
        server.faults.add(Fault(Action.ACK_ONLY, stream=name))
        venue = impatient(server)
        find = venue.channel
        venue.channel = lambda *args: msgspec.structs.replace(find(*args), first_event_ns=SECOND // 2)
        wanted = [(venue, symbol, kind) for kind in (PublicTrades, OrderBooksL1)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            seen = await until(streams.status(), Silent)
            assert (seen[-1].kind, seen[-1].channel) == ("OrderBooksL1", name)


@EVERY
@pytest.mark.parametrize("action", [Action.NO_ACK, Action.ERROR_ACK], ids=lambda action: action.value)
async def test_a_subscription_that_fails_is_told_and_tried_again(exchange, action):
    """The deadline of the acknowledgement is not moved by data that arrives meanwhile."""
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        symbol = server.symbol_with(PublicTrades)
        name = server.stream_of(symbol, PublicTrades)
        server.faults.add(Fault(action, stream=name))
        wanted = [(impatient(server), symbol, PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            failed = (await until(streams.status(), SubscriptionFailed))[-1]
            assert failed.channels == (name,)
            async with asyncio.timeout(10):
                while server.seen.subscriptions.count(name) < 2:
                    await asyncio.sleep(0.02)
            await until(streams.select(PublicTrades), PublicTrade)
            await streams.ready(10)


@pytest.mark.parametrize("status", [429, 418, 503])
async def test_a_refused_handshake_is_tried_again(status):
    """The link's own business, and so the same for every venue."""
    faults = [Fault(Action.REFUSE, status=status, retry_after=1)]
    async with ScriptedExchange.seeded(SPOT, faults=faults, pace_ms=5) as server:
        wanted = [(server.venue(), server.symbol_with(PublicTrades), PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            stops = []
            everything = streams.select_all()
            seen = await until(everything, Retrying)
            for pool in (wanted[0][0].connection_pool, wanted[0][0].request_pool):
                stops += [stop.reason for stop in [budget_for(pool).stopped] if stop is not None]
            seen += await until(everything, Connected, PublicTrade)
            retrying = next(value for value in seen if isinstance(value, Retrying))
            assert retrying.delay_ns >= SECOND
            assert str(status) in retrying.reason
            stopped = any(f"answered {status}" in text for text in stops)
            assert stopped == (status in {418, 429})  # everything from this address waits


@OVER_REST
@pytest.mark.parametrize("status", [429, 418])
async def test_a_refused_snapshot_is_told_and_the_others_wait_as_long_as_asked(exchange, status):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        venue, symbols = server.venue(), symbols_of(server)
        path = urlsplit(venue.snapshot_request(server.instrument(symbols[0]), 1000).url).path
        fault = Fault(Action.STATUS, path=path.rpartition("/")[2], status=status, retry_after=1)
        server.faults.add(fault)
        wanted = [(venue, symbol, OrderBooksL2) for symbol in symbols]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            seen = await until(streams.status(), SnapshotFailed)
            assert seen[-1].delay_ns >= SECOND
            await streams.ready(10)
            await equal(streams, server)


@EVERY
async def test_a_limit_on_the_list_of_instruments_is_a_typed_error(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=None) as server:
        path = urlsplit(server.venue().instruments_request().url).path
        fault = Fault(Action.STATUS, path=path.rpartition("/")[2], status=429, retry_after=7)
        server.faults.add(fault)
        symbol = server.symbol_with(PublicTrades)
        builder = Streams.builder().subscribe([(server.venue(), symbol, PublicTrades)])
        with pytest.raises(RateLimited) as caught:
            await builder.init()
        assert caught.value.retry_after_ns == 7 * SECOND


async def test_the_retired_route_is_acknowledged_and_silent():
    """What USD-M's unrouted address has done since 2026-04-23: told, and the connection is made anew."""
    async with ScriptedExchange.seeded(Exchange.BINANCE_USD_M, pace_ms=5) as server:
        venue = impatient(server)
        find = venue.channel
        venue.channel = lambda *args: msgspec.structs.replace(
            find(*args), route="public", first_event_ns=SECOND // 2
        )
        wanted = [(venue, "BTC/USDT:USDT", PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            seen = await until(streams.status(), Silent, Disconnected, Retrying)
            assert next(value for value in seen if isinstance(value, Silent)).route == "public"
