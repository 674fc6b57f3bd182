"""A row for every venue of the registry: what its own frames cost, as ratios to what the transport costs.

The frames are those of a recording, where ``TOUCAN_CAPTURES`` has one that is long enough, else they are
made by the venue's dialect from the seeded market: trades, tops, books with their depth and tickers of its
symbols, as often as they happen there. All variants get the same frames, from a server in another process,
as fast as they take them. Toucan keeps books, and a consumer reads the prices of every event; at the end of
each round no event may be lost, and the books must be as the exchange's own.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from toucan_data import (
    Connected,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Resynced,
    Streams,
    Tickers24h,
)
from toucan_data.cli.recording import Recording, load
from toucan_data.events import (
    Candle,
    FundingRate,
    MarkPrice,
    OpenInterest,
    OrderBookL1,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    PublicTrade,
    Ticker24h,
)
from toucan_data.registry import VENUES, venue_class
from toucan_data.subscription import Subscription
from toucan_data.venue import Venue
from toucan_instrument import Exchange
from toucan_instrument.errors import InvalidInput

HERE = Path(__file__).parent
ROUNDS = 5
BARE = 3
"""How often the tape of a round goes through the variants without toucan, which take little time each."""
ENOUGH = 1_000
"""Frames below which a recording is mostly the start of its connections, and the seeded market is played."""
PATIENCE_S = 20
KINDS = (PublicTrades, OrderBooksL1, OrderBooksL2, Tickers24h)
TOP = attrgetter("best_bid", "best_ask")
READS: dict[type, Callable[[Any], object]] = {
    PublicTrade: attrgetter("price", "quantity"),
    OrderBookL1: attrgetter("bid_price", "bid_quantity", "ask_price", "ask_quantity"),
    OrderBookL2Snapshot: TOP,
    OrderBookL2Update: TOP,
    Ticker24h: attrgetter("last_price", "volume"),
    Candle: attrgetter("open", "high", "low", "close", "volume"),
    MarkPrice: attrgetter("mark_price"),
    FundingRate: attrgetter("rate"),
    OpenInterest: attrgetter("quantity"),
}
"""What the consumer reads of each event: Decimals."""


class Control:
    """Tells the server what to do."""

    def __init__(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        self.port = port
        self._reader, self._writer = reader, writer

    async def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Give an order; return what came of it."""
        self._writer.write(msgspec.json.encode({"do": do, **more}) + b"\n")
        line = await self._reader.readline()
        if not line:
            raise AssertionError(f"the server has failed at {do!r}; it says why above")
        answer: dict[str, Any] = msgspec.json.decode(line)
        return answer


@contextmanager
def tapes() -> Iterator[int]:
    """Run the server in a process of its own; give its port."""
    process = subprocess.Popen(  # noqa: S603 - this Python and a file beside this one
        [sys.executable, str(HERE / "tapes.py")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def control_of(port: int) -> AsyncIterator[Control]:
    """Connect to the server on this event loop."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        yield Control(port, reader, writer)
    finally:
        writer.close()


class Consumer:
    """Reads the prices of everything that toucan tells, and notes what should not happen."""

    def __init__(self, streams: Streams) -> None:
        """Begin to read."""
        self.events = 0
        self.trouble: list[object] = []
        self._streams = streams
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self._streams.select_all(buffer=1_000_000):
            read = READS.get(type(event))
            if read is not None:
                read(event)
            elif not isinstance(event, Connected | Resynced):
                self.trouble.append(event)
            self.events += 1

    async def quiet(self) -> None:
        """Wait until nothing more comes."""
        before = -1
        while self.events != before:
            before = self.events
            await asyncio.sleep(0.03)

    def check(self, tops: dict[str, tuple[str, str]]) -> None:
        """Complain where something was lost, or a book is not as the exchange's own."""
        if self._task.done():
            self._task.result()
        if self.trouble:
            raise AssertionError(f"the streams are in trouble: {self.trouble[:3]}")
        for book in self._streams.books:
            bid, ask = book.best_bid(), book.best_ask()  # raises where it is not in step
            wanted = tops.get(book.instrument.symbol)
            if wanted is not None:
                found = (bid and bid.price, ask and ask.price)
                assert found == tuple(map(Decimal, wanted)), (book, wanted)  # noqa: S101 - a check


class Result:
    """CPU time of each variant, a value for each round.

    Attributes:
        source: Where the frames come from.
        frames: How many of them each variant took.
        size: How long one was on average, in bytes with its header.
        times: CPU seconds for 100,000 frames: (a), (b) and toucan.
    """

    def __init__(self, source: str) -> None:
        """Start from nothing."""
        self.source = source
        self.frames = 0
        self.size = 0.0
        self.times: tuple[list[float], list[float], list[float]] = ([], [], [])

    def add(self, tape: dict[str, Any], plays: int, spent: Sequence[float]) -> None:
        """Note a round: what was on the tape, how often toucan got it, and what each variant took."""
        frames = tape["frames"] * plays
        self.frames += frames
        self.size = tape["bytes"] / tape["frames"]
        for times, seconds in zip(self.times, spent, strict=True):
            times.append(seconds / frames * 100_000)

    def row(self, exchange: Exchange) -> str:
        """Return the row of a venue."""
        bare, decoded, toucan = self.times
        median = statistics.median
        return (
            f"  {exchange.value:<18} {self.source:<10} {self.frames:>7,} {self.size:>6.0f}"
            f"   {median(bare):6.3f} {median(decoded):6.3f} {median(toucan):6.3f}"
            f"   {_ratio(toucan, bare)}   {_ratio(toucan, decoded)}"
        )


def _ratio(mine: list[float], theirs: list[float]) -> str:
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    return f"{statistics.median(ratios):5.2f} [{min(ratios):5.2f}-{max(ratios):5.2f}]"


async def bare(
    control: Control, frames: int, decode: Callable[[bytes], object] | None = None, *, plays: int = 1
) -> float:
    """Receive what toucan gets when the tape is played so many times; return the CPU time.

    Args:
        control: Where.
        frames: How many there are on the tape.
        decode: What decodes each frame, None for nothing.
        plays: How often toucan gets the tape.
    """
    times = plays * BARE
    impatient = aiohttp.ClientWSTimeout(ws_close=0.01)  # the server does not stop to say goodbye
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"http://127.0.0.1:{control.port}/bare",
            decode_text=False,
            compress=0,
            max_msg_size=0,
            timeout=impatient,
        ) as websocket,
    ):
        receive, left = websocket.receive, frames * times
        gc.collect()
        sending = asyncio.create_task(control.ask("send bare", times=times))
        begin = time.process_time()
        if decode is None:
            for _ in range(left):
                await receive()
        else:
            for _ in range(left):
                decode((await receive()).data)
        spent = time.process_time() - begin
        await sending
        return spent / BARE


async def both_bare(control: Control, tape: dict[str, Any], plays: int) -> list[float]:
    """Return the CPU time of (a) and of (b)."""
    frames = tape["frames"]
    return [
        await bare(control, frames, plays=plays),
        await bare(control, frames, msgspec.json.decode, plays=plays),
    ]


async def through_toucan(control: Control, consumer: Consumer, tops: dict[str, tuple[str, str]]) -> float:
    """Let toucan take the tape; return the CPU time."""
    await consumer.quiet()
    gc.collect()
    begin = time.process_time()
    await control.ask("send")
    await consumer.quiet()
    spent = time.process_time() - begin
    consumer.check(tops)
    return spent


def venue_at(exchange: Exchange, port: int) -> Venue:
    """Return the venue of an exchange at the server."""
    made: Any = venue_class(exchange)
    path = f"127.0.0.1:{port}/{exchange.value}"
    venue: Venue = made(ws_url=f"ws://{path}", rest_url=f"http://{path}")
    return venue


def mix(venue: Venue, symbols: Sequence[str]) -> list[tuple[Venue, str, Any]]:
    """Return what is followed of the seeded market: of each symbol what it has."""
    wanted = []
    for symbol in symbols:
        for kind in KINDS:
            try:
                venue.channel(venue.unchecked(symbol), kind)
            except InvalidInput:
                continue
            wanted.append((venue, symbol, kind))
    return wanted


async def generated(port: int, exchange: Exchange, count: int) -> Result:
    """Measure a venue on what its dialect says of the seeded market; ids follow on over all rounds."""
    result = Result("generated")
    async with control_of(port) as control:
        opened = await control.ask("open", exchange=exchange.value, capture=None)
        wanted = mix(venue_at(exchange, port), opened["symbols"])
        async with await Streams.builder().subscribe(wanted).init() as streams:
            consumer = Consumer(streams)
            async with asyncio.timeout(PATIENCE_S):
                while streams.missing:
                    await asyncio.sleep(0.05)
                    await control.ask("step", count=20)
            for _ in range(ROUNDS):
                tape = await control.ask("make", frames=max(1, count // ROUNDS))
                through = await through_toucan(control, consumer, tape["tops"])
                result.add(tape, 1, [*await both_bare(control, tape, 1), through])
    return result


def recorded(port: int, exchange: Exchange, count: int, capture: str, recording: Recording) -> Result:
    """Measure a venue on its recording; each time it is played the connections are new."""
    result = Result("recorded")
    offered = recording.offered(venue_at(exchange, port))
    wanted: list[Subscription] = [each for subscriptions in offered.values() for each in subscriptions]
    plays = max(1, count // ROUNDS // sum(recording.streams[name] for name in offered))

    async def play() -> tuple[dict[str, Any], float]:
        async with control_of(port) as control:
            await control.ask("open", exchange=exchange.value, capture=capture)
            async with await Streams.builder().subscribe(wanted).init() as streams:
                consumer = Consumer(streams)
                tape = await control.ask("play")
                return tape, await through_toucan(control, consumer, {})

    async def alone(tape: dict[str, Any]) -> list[float]:
        async with control_of(port) as control:
            return await both_bare(control, tape, plays)

    for _ in range(ROUNDS):
        # An event loop for each: on one, all snapshots together would use up the venue's request weight.
        played = [asyncio.run(play()) for _ in range(plays)]
        tape = played[-1][0]
        result.add(tape, plays, [*asyncio.run(alone(tape)), sum(spent for _, spent in played)])
    return result


def recording_of(exchange: Exchange) -> tuple[str, Recording] | None:
    """Return the recording of a venue, None where there is none that is long enough."""
    captures = os.environ.get("TOUCAN_CAPTURES")
    folder = Path(captures or "", "captures", exchange.value)
    if captures is None or not folder.is_dir():
        return None
    recording = load(folder)
    frames = sum(recording.streams[name] for name in recording.offered(recording.venue()))
    return (str(folder), recording) if frames >= ENOUGH else None


def measure(exchange: Exchange, count: int) -> Result:
    """Measure one venue on about so many frames in all."""
    found = recording_of(exchange)
    with tapes() as port:
        if found is None:
            return asyncio.run(generated(port, exchange, count))
        return recorded(port, exchange, count, *found)


def venues(count: int) -> None:
    """Print a row for each venue, of half as many frames as other measurements take in a round."""
    print("\nvenues: CPU seconds per 100,000 frames of each one's own mix, and toucan's as ratios [range];")
    print(
        "(a) await ws.receive(); (b) + msgspec decode into plain objects; toucan keeps books, reads Decimals"
    )
    print(
        f"  {'venue':<18} {'frames are':<10} {'in all':>7} {'bytes':>6}"
        f"   {'(a)':>6} {'(b)':>6} {'toucan':>6}   {'x (a)':>5} {'':<13}   {'x (b)':>5}"
    )
    failed = []
    for exchange in VENUES:
        try:
            print(measure(exchange, count // 2).row(exchange), flush=True)
        except Exception as error:  # noqa: BLE001 - the other rows are worth having
            failed.append(exchange.value)
            print(f"  {exchange.value:<18} failed: {error!r:.300}", flush=True)
    if failed:
        sys.exit(f"no row for {', '.join(failed)}")
