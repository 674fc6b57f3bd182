"""What every venue must do; a new one inherits all of it from the registry."""

import asyncio
import os
import re
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from toucan_data import (
    WHOLE_MARKET,
    Candles,
    DecodeFailed,
    Gap,
    Liquidations,
    OrderBooksL2,
    PublicTrades,
    Resynced,
    StaleBook,
    Streams,
)
from toucan_data.kinds import ALL_KINDS
from toucan_data.registry import VENUES, frame_decoder, venue_class
from toucan_data.testing.capture import Recording
from toucan_data.testing.dialect import dialect_of
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument.console.captures import expand, read
from toucan_instrument.errors import InvalidInput, UnsupportedKind
from toucan_instrument.testing.faults import Action, Fault

EVERY = pytest.mark.parametrize("exchange", list(VENUES), ids=str)


def those(wanted):
    """Return the mark for some venues; one that is not whole yet is among them, and fails there."""

    def concerns(exchange):
        try:
            return wanted(venue_class(exchange)())
        except (ImportError, AttributeError):
            return True

    return pytest.mark.parametrize("exchange", [each for each in VENUES if concerns(each)], ids=str)


BOOKED = those(lambda venue: OrderBooksL2 in venue.kinds)
SEEING = those(lambda venue: OrderBooksL2 in venue.kinds and "OrderBooksL2" not in venue.blind)


async def first(selection, wanted, seconds=10):
    async with asyncio.timeout(seconds):
        async for value in selection:
            if isinstance(value, wanted):
                return value
    raise AssertionError("the selection ended")


@EVERY
async def test_every_kind_that_is_offered_arrives(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        venue = server.venue()
        symbols = {kind: server.symbol_with(kind) for kind in server.kinds()}
        wanted = [(venue, symbol, kind) for kind, symbol in symbols.items()]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            for kind, symbol in symbols.items():
                selection = streams.select(kind, status=False)
                if kind == Liquidations:
                    await streams.ready(10)
                    await server.liquidate(symbol)
                async with asyncio.timeout(10):
                    event = await anext(selection)
                assert event.exchange is exchange
                assert event.instrument.symbol == symbol
                assert event.time_exchange is None or event.time_exchange > 1_700_000_000 * 10**9
                assert event.time_received > 1_700_000_000 * 10**9
                selection.close()


@EVERY
def test_a_kind_that_it_lacks_is_refused_with_those_that_it_has(exchange):
    venue = venue_class(exchange)()
    instrument = dialect_of(exchange).listed(dialect_of(exchange).default_symbols[0])
    offered = {kind.name for kind in venue.kinds}
    assert offered <= {kind.name for kind in ALL_KINDS}
    for kind in ALL_KINDS:
        if kind.name not in offered:
            with pytest.raises(UnsupportedKind) as caught:
                venue.channel(instrument, kind)
            assert set(re.findall(r"\w+", caught.value.accepted)) <= offered
            assert "PublicTrades" in caught.value.accepted


@EVERY
def test_a_streams_name_says_what_it_serves(exchange):
    """The way back from a stream's name, which recordings need, leads to where it came from."""
    venue, dialect = venue_class(exchange)(), dialect_of(exchange)
    for symbol in dialect.default_symbols:
        instrument = dialect.listed(symbol)
        for kind in venue.kinds:
            wanted = Candles(dialect.candle_interval) if kind == Candles else kind
            try:
                channel = venue.channel(instrument, wanted)
            except InvalidInput:
                continue
            found, kinds = venue.streams_of(channel.name)
            assert found == (symbol if channel.instrument is not None else "")
            assert wanted.name in {each.name for each in kinds}
            for each in kinds:
                assert venue.channel(instrument, each).name == channel.name


@SEEING
async def test_a_gap_is_told_and_one_book_alone_is_mended(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        venue = server.venue()
        symbols = [s for s in server.market.instruments if has(venue, server.instrument(s), OrderBooksL2)]
        server.faults.add(Fault(Action.GAP, stream=server.stream_of(symbols[0], OrderBooksL2), after=8))
        async with (
            await Streams.builder().subscribe([(venue, s, OrderBooksL2) for s in symbols]).init() as streams
        ):
            statuses = streams.status()
            gap = await first(statuses, Gap)
            assert gap.reason in {"sequence", "checksum"}
            if gap.reason == "sequence":
                assert gap.first_missing is not None
                assert gap.last_missing is not None
            resynced = await first(statuses, Resynced)
            if not server.dialect().numbers_sockets:
                assert gap.instrument.symbol == symbols[0]
                assert resynced.instrument == gap.instrument
                assert resynced.first_missing == gap.first_missing
                assert all(
                    book.generation == 1 for book in streams.books if book.instrument != gap.instrument
                )


@BOOKED
async def test_a_malformed_frame_is_one_value_and_nothing_else(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=None) as server:
        symbol = server.symbol_with(OrderBooksL2)
        async with (
            await Streams.builder().subscribe([(server.venue(), symbol, OrderBooksL2)]).init() as streams
        ):
            everything = streams.select_all()
            await ready(streams, server)
            for bad in (b"{", b"\xff\xfe", b"[[[[", b'{"a":1}', b"null", b'{"stream":1}'):
                await server.send_raw(bad)
                failed = await first(everything, DecodeFailed)
                assert failed.raw == bad
            await server.step()
            assert server.connections == 1
            assert streams.books[0].synced


@EVERY
async def test_new_fields_and_unknown_words_do_no_harm(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=None) as server:
        symbol = server.symbol_with(PublicTrades)
        name = server.stream_of(symbol, PublicTrades)
        async with (
            await Streams.builder().subscribe([(server.venue(), symbol, PublicTrades)]).init() as streams
        ):
            trades = streams.select(PublicTrades)
            async with asyncio.timeout(5):
                while name not in server.subscribed:
                    await asyncio.sleep(0.01)
                await server.send_event(name, server.dialect().sample_trade(name, symbol))
                async for value in trades:
                    assert not isinstance(value, DecodeFailed)
                    if hasattr(value, "price"):
                        assert (value.price, value.quantity) == (Decimal("1.10"), Decimal("2.00"))
                        assert value.aggressor == "sell"
                        break


@EVERY
async def test_streams_are_shared_and_batched_within_the_limits(exchange):
    symbols = dialect_of(exchange).symbols(60)
    async with ScriptedExchange.seeded(exchange, symbols, pace_ms=5, levels=20) as server:
        limits = msgspec.structs.replace(server.venue().limits, streams_per_connection=50)
        limits = msgspec.structs.replace(limits, names_per_message=min(17, limits.names_per_message))
        venue = server.venue(limits=limits)
        kinds = [kind for kind in server.kinds() if has(venue, server.instrument(symbols[0]), kind)][:2]
        wanted = [(venue, symbol, kind) for symbol in symbols for kind in kinds]
        channels = {venue.channel(server.instrument(symbol), kind) for _, symbol, kind in wanted}
        names = {channel.name for channel in channels}
        of_route = Counter(channel.route for channel in channels)
        async with await Streams.builder().subscribe(wanted).init() as streams:
            async with asyncio.timeout(30):
                while any(
                    "an acknowledgement" in text or "a synced book" in text for text in streams.missing
                ):
                    await asyncio.sleep(0.02)
            asked = [name for name in server.seen.subscriptions if name in names]
            assert sorted(asked) == sorted(names)  # nothing is asked for twice
            assert server.connections == sum(
                -(-count // venue.limits_of(route).streams_per_connection)
                for route, count in of_route.items()
            )
            assert server.seen.limits_broken == 0


@BOOKED
async def test_a_stale_book_cannot_be_read_by_accident(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        symbol = server.symbol_with(OrderBooksL2)
        async with (
            await Streams.builder().subscribe([(server.venue(), symbol, OrderBooksL2)]).init() as streams
        ):
            await streams.ready(10)
            book = streams.books[0]
            statuses = streams.status()
            server.drop_all()
            await first(statuses, Gap)
            with pytest.raises(StaleBook):
                book.best_bid()
            assert book.best_bid(allow_stale=True) is not None
            await first(statuses, Resynced)
            assert book.best_bid() is not None


def has(venue, instrument, kind):
    try:
        venue.channel(instrument, kind)
    except InvalidInput:
        return False
    return True


async def ready(streams, server):
    async with asyncio.timeout(10):
        while not server.subscribed:
            await asyncio.sleep(0.01)
        while streams.missing:
            await server.step()
            await asyncio.sleep(0.01)


def recorded(exchange):
    folder = Path(os.environ.get("TOUCAN_CAPTURES", "/nowhere"), "captures", exchange.value)
    if not folder.is_dir():
        pytest.skip("TOUCAN_CAPTURES names no folder with recordings of this venue")
    files = [(str(path), path.open("rb")) for path in expand([folder])]
    try:
        return list(read(files))
    finally:
        for _, file in files:
            file.close()


@EVERY
async def test_a_recording_streams_through_the_real_client(exchange):
    """Every frame of an offered stream arrives as an event, or lies within a book's snapshot."""
    items = recorded(exchange)
    recording = Recording(exchange, ((item.time_received, item.frame, item.url) for item in items))
    decoder = frame_decoder(venue_class(exchange)())
    expected = Counter()
    for item in items:
        values = (
            decoder.frame(item.frame, item.time_received)
            if item.url is None
            else decoder.rest(item.url, item.frame, item.time_received)
        )
        if item.url is not None or recording.offered & set(decoder.streams):
            expected.update(type(value).__name__ for value in values if hasattr(value, "instrument"))
    assert decoder.counts.failures == decoder.counts.gaps == 0
    async with ScriptedExchange.playing(exchange, recording) as server:
        venue = server.venue()
        assert recording.offered
        wanted = []
        for name in recording.offered:
            symbol, kinds = venue.streams_of(name)
            wanted += [(venue, symbol or WHOLE_MARKET, kind) for kind in kinds]
        builder = Streams.builder(buffer=1_000_000).subscribe(wanted, unchecked=True)
        async with await builder.init() as streams:
            selection = streams.select_all()
            got, quiet = Counter(), 0
            with suppress(TimeoutError):  # what is missing then is told below
                async with asyncio.timeout(30):
                    await server.played.wait()
                    while quiet < 6:  # what was written is read for a while yet
                        await asyncio.sleep(0.05)
                        before = got.total()
                        while (value := selection.next_nowait()) is not None:
                            assert not isinstance(value, (DecodeFailed, Gap)), value
                            got[type(value).__name__] += 1
                        less = any(got[name] < count for name, count in expected.items() if "L2" not in name)
                        quiet = 0 if less or got.total() > before else quiet + 1
            for name, count in expected.items():
                if not name.startswith("OrderBookL2"):
                    assert got[name] == count, name
            updates = expected["OrderBookL2Update"]
            assert min(1, updates) <= got["OrderBookL2Update"] <= updates
            for feed in streams._feeds():
                if feed.sync is None:
                    continue
                book, sync = feed.book, decoder.book_of(feed.book.instrument.symbol)
                assert book.synced == sync.live
                assert book.last_update_id == sync.book.last_update_id
                assert book.texts(allow_stale=True) == sync.book.texts(allow_stale=True)
                assert not book.crossed(allow_stale=True)


@EVERY
def test_every_single_frame_that_was_recorded_decodes(exchange):
    name, patterns = dialect_of(exchange).frames_folder
    folder = Path(os.environ.get("TOUCAN_CAPTURES", "/nowhere"), "frames", name)
    if not folder.is_dir():
        pytest.skip("TOUCAN_CAPTURES names no folder with frames of this venue")
    decoder = frame_decoder(venue_class(exchange)())
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        for line in path.read_bytes().splitlines():
            for value in decoder.frame(line, 0):
                assert not isinstance(value, DecodeFailed), (path.name, value)
    assert decoder.counts.frames > 0
