"""What every venue must do; a new one inherits all of it from the registry."""

import asyncio
import os
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from toucan_data import (
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
from toucan_data.cli.decode import frame_decoder
from toucan_data.exchange.binance.streams import kind_of
from toucan_data.registry import VENUES, venue_class
from toucan_data.testing.capture import Recording
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument.console.captures import expand, read
from toucan_instrument.errors import UnsupportedKind
from toucan_instrument.testing.faults import Action, Fault

EVERY = pytest.mark.parametrize("exchange", list(VENUES), ids=str)


def kinds_of(venue):
    return [Candles("1m") if kind == Candles else kind for kind in venue.kinds]


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
        symbol = next(iter(server.market.instruments))
        wanted = [(venue, symbol, kind) for kind in kinds_of(venue)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            for kind in kinds_of(venue):
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
    lacking = [kind for kind in (Liquidations,) if kind not in venue.kinds]
    for kind in lacking:
        with pytest.raises(UnsupportedKind, match="PublicTrades"):
            venue.channel(venue.unchecked("BTCUSDT"), kind)


@EVERY
async def test_a_gap_is_told_and_one_book_alone_is_mended(exchange):
    faults = [Fault(Action.GAP, stream="btc", after=8)]
    async with ScriptedExchange.seeded(exchange, faults=faults, pace_ms=5) as server:
        venue = server.venue()
        symbols = list(server.market.instruments)
        async with (
            await Streams.builder().subscribe([(venue, s, OrderBooksL2) for s in symbols]).init() as streams
        ):
            statuses = streams.status()
            gap = await first(statuses, Gap)
            assert gap.instrument.symbol == symbols[0]
            assert gap.first_missing is not None
            assert gap.last_missing is not None
            resynced = await first(statuses, Resynced)
            assert resynced.instrument == gap.instrument
            assert resynced.first_missing == gap.first_missing
            assert streams.book(streams.books[1].instrument).generation == 1


@EVERY
async def test_a_malformed_frame_is_one_value_and_nothing_else(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=None) as server:
        symbol = next(iter(server.market.instruments))
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
        symbol = next(iter(server.market.instruments))
        async with (
            await Streams.builder().subscribe([(server.venue(), symbol, PublicTrades)]).init() as streams
        ):
            trades = streams.select(PublicTrades)
            await streams._progressed.wait()
            while not server.subscribed:
                await asyncio.sleep(0.01)
            [name] = server.subscribed
            payload = {"e": "new word", "E": 1, "s": symbol, "t": 7, "a": 7, "f": 7, "l": 7, "p": "1.10",
                       "q": "2.00", "T": 1_700_000_000_000, "m": True, "zz": {"new": [1]}}  # fmt: skip
            await server.send_raw(msgspec.json.encode({"stream": name, "data": payload, "more": 1}))
            async with asyncio.timeout(5):
                async for value in trades:
                    assert not isinstance(value, DecodeFailed)
                    if hasattr(value, "price"):
                        assert (str(value.price), str(value.quantity)) == ("1.10", "2.00")
                        assert value.aggressor == "sell"
                        break


@EVERY
async def test_streams_are_shared_and_batched_within_the_limits(exchange):
    symbols = [f"A{number}USD_PERP" if "coin" in exchange else f"A{number}USDT" for number in range(60)]
    async with ScriptedExchange.seeded(exchange, symbols, pace_ms=5, levels=20) as server:
        limits = msgspec.structs.replace(
            server.venue().limits, streams_per_connection=50, names_per_message=17
        )
        venue = server.venue(limits=limits)
        wanted = [(venue, symbol, kind) for symbol in symbols for kind in kinds_of(venue)[:2]]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            async with asyncio.timeout(20):
                while any("acknowledgement" in text for text in streams.missing):
                    await asyncio.sleep(0.02)
            names = len(set(server.seen.subscriptions))
            assert len(server.seen.subscriptions) == names  # nothing is asked for twice
            assert server.connections == -(-names // 50)
            assert server.seen.limits_broken == 0
            assert server.seen.most_controls <= 7


@EVERY
async def test_a_stale_book_cannot_be_read_by_accident(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        symbol = next(iter(server.market.instruments))
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
    recording = Recording((item.time_received, item.frame, item.url) for item in items)
    decoder = frame_decoder(venue_class(exchange)())
    expected = Counter()
    for item in items:
        values = (
            decoder.frame(item.frame, item.time_received)
            if item.url is None
            else decoder.rest(item.url, item.frame, item.time_received)
        )
        expected.update(type(value).__name__ for value in values if hasattr(value, "instrument"))
    assert decoder.counts.failures == decoder.counts.gaps == decoder.counts.not_offered == 0
    async with ScriptedExchange.playing(exchange, recording) as server:
        venue = server.venue()
        wanted = []
        for name in recording.streams:
            symbol, kind = kind_of(exchange, name)
            wanted.append((venue, symbol.upper(), kind))
        builder = Streams.builder(buffer=1_000_000).subscribe(wanted, unchecked=True)
        async with await builder.init() as streams:
            selection = streams.select_all()
            async with asyncio.timeout(20):
                await server.played.wait()
                await asyncio.sleep(0.3)
            got = Counter()
            while (value := selection.next_nowait()) is not None:
                assert not isinstance(value, (DecodeFailed, Gap)), value
                got[type(value).__name__] += 1
            for name, count in expected.items():
                if not name.startswith("OrderBookL2"):
                    assert got[name] == count, name
            assert 0 < got["OrderBookL2Update"] <= expected["OrderBookL2Update"]
            for book in streams.books:
                sync = decoder.book_of(book.instrument.symbol)
                assert book.synced
                assert book.last_update_id == sync.book.last_update_id
                assert book.texts() == sync.book.texts()
                assert not book.crossed()


@EVERY
def test_every_single_frame_that_was_recorded_decodes(exchange):
    folder = Path(os.environ.get("TOUCAN_CAPTURES", "/nowhere"), "frames", exchange.value)
    if not folder.is_dir():
        pytest.skip("TOUCAN_CAPTURES names no folder with frames of this venue")
    decoder = frame_decoder(venue_class(exchange)())
    for path in sorted(folder.glob("stream.*.jsonl")):
        for line in path.read_bytes().splitlines():
            for value in decoder.frame(line, 0):
                assert not isinstance(value, DecodeFailed), (path.name, value)
    assert decoder.counts.frames > 0
