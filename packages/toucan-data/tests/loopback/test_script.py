"""Each fault of the script against the real client: what it tells, and that it mends."""

import asyncio

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
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument.errors import RateLimited
from toucan_instrument.link import budget_for
from toucan_instrument.testing.faults import Action, Fault

SECOND = 1_000_000_000
SPOT = Exchange.BINANCE_SPOT
KINDS = (PublicTrades, OrderBooksL1, OrderBooksL2)


def impatient(server, **changes):
    """Return the venue with deadlines that a test can wait for."""
    short = {"idle_ns": SECOND // 2, "probe_ns": SECOND // 4, "ack_ns": SECOND // 2, **changes}
    return server.venue(limits=msgspec.structs.replace(server.venue().limits, **short))


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
    """Wait until every book equals the server's."""
    async with asyncio.timeout(seconds):
        for book in streams.books:
            while True:
                picture = server.market.book(book.instrument.symbol)
                if book.synced and book.last_update_id == picture.last_update_id:
                    break
                await asyncio.sleep(0.001)
            for mine, theirs in zip(book.texts(), (picture.bids, picture.asks), strict=True):
                assert mine == [(format(p, "f"), format(q, "f")) for p, q in theirs]


ENDS = [
    Fault(Action.DROP, stream="btcusdt@depth", after=5),
    Fault(Action.CLOSE, stream="btcusdt@depth", after=5, code=1008),
    Fault(Action.OVERSIZED, stream="btcusdt@depth", after=5, size=17 * 1024 * 1024),
    Fault(Action.HALF_OPEN, stream="btcusdt@depth", after=5),
    Fault(Action.SHUTDOWN, stream="btcusdt@depth", after=5),
]


@pytest.mark.parametrize("fault", ENDS, ids=lambda fault: fault.action.value)
async def test_the_end_of_a_connection_is_told_and_mended(fault):
    async with ScriptedExchange.seeded(SPOT, faults=[fault], pace_ms=5) as server:
        wanted = [(impatient(server), "BTC/USDT", kind) for kind in KINDS]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            seen = await until(streams.status(), Disconnected, Gap, Retrying, Connected, Resynced)
            order = [type(value) for value in seen]
            assert order.index(Disconnected) < order.index(Gap) < order.index(Resynced)
            assert fault in server.faults.happened
            await equal(streams, server)


MENDS = [
    Fault(Action.GARBAGE, stream="@trade", after=3),
    Fault(Action.NOT_UTF8, stream="@trade", after=3),
]


@pytest.mark.parametrize("fault", MENDS, ids=lambda fault: fault.action.value)
async def test_a_frame_that_cannot_be_read_is_one_value(fault):
    async with ScriptedExchange.seeded(SPOT, faults=[fault], pace_ms=5) as server:
        wanted = [(server.venue(), "BTC/USDT", kind) for kind in KINDS]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            everything = streams.select_all()
            seen = await until(everything, DecodeFailed)
            seen += await until(everything, PublicTrade, OrderBookL1)
            assert sum(isinstance(value, DecodeFailed) for value in seen) == 1
            assert not any(isinstance(value, (Disconnected, Gap)) for value in seen)
            await equal(streams, server)


ORDERS = [
    (Fault(Action.GAP, stream="btcusdt@depth", after=5, count=2), True),
    (Fault(Action.REORDER, stream="btcusdt@depth", after=5), True),
    (Fault(Action.DUPLICATE, stream="@depth", after=5), False),
    (Fault(Action.SLOW, stream="@depth", after=5, delay=0.1), False),
]


@pytest.mark.parametrize(("fault", "gap"), ORDERS, ids=lambda value: getattr(value, "action", value))
async def test_deltas_that_do_not_follow_cost_a_resync_and_repetitions_cost_nothing(fault, gap):
    async with ScriptedExchange.seeded(SPOT, ["BTCUSDT", "ETHUSDT"], faults=[fault], pace_ms=5) as server:
        wanted = [(server.venue(), symbol, OrderBooksL2) for symbol in ("BTC/USDT", "ETH/USDT")]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            statuses = streams.status()
            await streams.ready(10)
            async with asyncio.timeout(10):
                while fault not in server.faults.happened:
                    await asyncio.sleep(0.005)
            if gap:
                seen = await until(statuses, Gap, Resynced)
                assert not any(isinstance(value, Disconnected) for value in seen)
            await equal(streams, server)
            assert sorted(book.generation for book in streams.books) == ([1, 2] if gap else [1, 1])


async def test_ids_of_trades_that_are_missing_are_told_exactly():
    faults = [Fault(Action.GAP, stream="@trade", after=10, count=3)]
    async with ScriptedExchange.seeded(SPOT, faults=faults, pace_ms=5) as server:
        wanted = [(server.venue(), "BTC/USDT", PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            seen = await until(streams.select(PublicTrades), Gap)
            gap = seen[-1]
            before = next(value for value in reversed(seen) if isinstance(value, PublicTrade))
            assert (gap.first_missing, gap.last_missing) == (before.id + 1, before.id + 3)


async def test_a_stalled_connection_is_probed_and_left_alone_if_it_answers():
    """Events stop, answers come: the venue is there, and a quiet market is no fault."""
    faults = [Fault(Action.STALL, stream="@trade", after=5)]
    async with ScriptedExchange.seeded(SPOT, faults=faults, pace_ms=5) as server:
        wanted = [(impatient(server), "BTC/USDT", PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            statuses = streams.status()
            async with asyncio.timeout(10):
                while server.seen.controls < 3:
                    await asyncio.sleep(0.02)
            assert not any(isinstance(value, Disconnected) for value in _all(statuses))


def _all(selection):
    found = []
    while (value := selection.next_nowait()) is not None:
        found.append(value)
    return found


async def test_a_stream_that_is_acknowledged_and_silent_is_told():
    faults = [Fault(Action.ACK_ONLY, stream="bookTicker")]
    async with ScriptedExchange.seeded(SPOT, faults=faults, pace_ms=5) as server:
        venue = impatient(server)
        find = venue.channel
        venue.channel = lambda *args: msgspec.structs.replace(find(*args), first_event_ns=SECOND // 2)
        wanted = [(venue, "BTC/USDT", kind) for kind in (PublicTrades, OrderBooksL1)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            seen = await until(streams.status(), Silent)
            assert (seen[-1].kind, seen[-1].channel) == ("OrderBooksL1", "btcusdt@bookTicker")
            assert not any(isinstance(value, Disconnected) for value in seen)


@pytest.mark.parametrize("action", [Action.NO_ACK, Action.ERROR_ACK])
async def test_a_subscription_that_fails_is_told_and_tried_again(action):
    """The deadline of the acknowledgement is not moved by data that arrives meanwhile."""
    async with ScriptedExchange.seeded(SPOT, faults=[Fault(action)], pace_ms=5) as server:
        wanted = [(impatient(server), "BTC/USDT", PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            seen = await until(streams.select_all(), SubscriptionFailed, Disconnected, PublicTrade)
            failed = next(value for value in seen if isinstance(value, SubscriptionFailed))
            assert failed.channels == ("btcusdt@trade",)
            await until(streams.select(PublicTrades), PublicTrade)
            await streams.ready(10)


@pytest.mark.parametrize("status", [429, 418, 503])
async def test_a_refused_handshake_is_tried_again(status):
    faults = [Fault(Action.REFUSE, status=status, retry_after=1)]
    async with ScriptedExchange.seeded(SPOT, faults=faults, pace_ms=5) as server:
        wanted = [(server.venue(), "BTC/USDT", PublicTrades)]
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


@pytest.mark.parametrize("status", [429, 418])
async def test_a_refused_snapshot_is_told_and_the_others_wait_as_long_as_asked(status):
    faults = [Fault(Action.STATUS, path="/depth", status=status, retry_after=1)]
    async with ScriptedExchange.seeded(SPOT, faults=faults, pace_ms=5) as server:
        wanted = [(server.venue(), symbol, OrderBooksL2) for symbol in ("BTC/USDT", "ETH/USDT")]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            seen = await until(streams.status(), SnapshotFailed)
            assert seen[-1].delay_ns >= SECOND
            await streams.ready(10)
            await equal(streams, server)


async def test_a_limit_on_the_list_of_instruments_is_a_typed_error():
    faults = [Fault(Action.STATUS, path="/exchangeInfo", status=429, retry_after=7)]
    async with ScriptedExchange.seeded(SPOT, faults=faults, pace_ms=None) as server:
        builder = Streams.builder().subscribe([(server.venue(), "BTC/USDT", PublicTrades)])
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
