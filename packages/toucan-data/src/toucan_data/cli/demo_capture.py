"""The demo on a recording: its frames, over a socket, through the real client; all must arrive."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from toucan_data.cli.decode import decode_items
from toucan_data.cli.demo_report import Report
from toucan_data.cli.recording import Recording
from toucan_data.events import MarketEvent, OrderBookL2Snapshot, OrderBookL2Update
from toucan_data.registry import frame_decoder
from toucan_data.streams import Streams
from toucan_data.subscription import Subscription
from toucan_data.venue import Venue

__all__ = ["Arrivals", "Expected", "show_recording"]

LADDER = 5
QUIET_S = 2.0
"""Nothing more is expected after nothing came for so long."""
Key = tuple[str, str]
"""A symbol and the name of a type of event."""


class Expected:
    """What a recording must give, as decoding it without any connection says.

    Attributes:
        events: How many events of each symbol and type, deltas of books left out.
        deltas: The ids at which the deltas of each symbol end, in order; their count where none is numbered.
        books: The book of each symbol at the end, as ``(last id, bids, asks)``; of those in step.
    """

    def __init__(self, recording: Recording, offered: set[str]) -> None:
        """Decode the frames of the streams that are offered."""
        self.events: Counter[Key] = Counter()
        self.deltas: dict[str, list[int]] = {}
        self.books: dict[str, tuple[int | None, Any, Any]] = {}
        decoder = frame_decoder(recording.venue())
        begun: set[str] = set()
        for value in decode_items(decoder, recording.only(offered)):
            if isinstance(value, OrderBookL2Update):
                deltas = self.deltas.setdefault(value.instrument.symbol, [])
                if value.last_update_id is not None:
                    deltas.append(value.last_update_id)
                elif value.instrument.symbol in begun:  # what comes before a snapshot is of no book
                    deltas.append(len(deltas) + 1)
            elif isinstance(value, OrderBookL2Snapshot) and _whole(value):
                begun.add(value.instrument.symbol)
            elif isinstance(value, MarketEvent):
                self.events[value.instrument.symbol, type(value).__name__] += 1
        for symbol in self.deltas:
            sync = decoder.book_of(symbol)
            if sync is not None and sync.live:
                self.books[symbol] = (sync.book.last_update_id, *sync.book.texts())


class Arrivals:
    """What has come, and what of the expected has not.

    Attributes:
        expected: What must come.
        events: How many events of each symbol and type have come, deltas of books left out.
        deltas: The ids at which the deltas end that have come, by symbol.
        snapshots: The id of the last snapshot of a maintained book, by symbol.
        compared: Whether the book of a symbol was as it should at the end.
    """

    def __init__(self, expected: Expected) -> None:
        """Start from nothing."""
        self.expected = expected
        self.events: Counter[Key] = Counter()
        self.deltas: dict[str, set[int]] = {}
        self.snapshots: dict[str, int] = {}
        self.compared: dict[str, bool] = {}

    def add(self, value: Any) -> None:
        """Note an event."""
        if not isinstance(value, MarketEvent):
            return
        symbol = value.instrument.symbol
        if isinstance(value, OrderBookL2Update):
            came, last = self.deltas.setdefault(symbol, set()), value.last_update_id
            came.add(len(came) + 1 if last is None else last)
        elif isinstance(value, OrderBookL2Snapshot) and _whole(value):
            self.snapshots[symbol] = max(value.last_update_id or 0, self.snapshots.get(symbol, 0))
        else:
            self.events[symbol, type(value).__name__] += 1

    def covered(self, symbol: str) -> int:
        """Return how many deltas did not come by themselves: the book's snapshot held them."""
        last, came = self.snapshots.get(symbol, -1), self.deltas.get(symbol, set())
        return sum(id_ <= last and id_ not in came for id_ in self.expected.deltas.get(symbol, ()))

    def missing(self) -> list[str]:
        """Return what has not come, one text for each symbol and type."""
        lost = [
            f"{number - self.events[key]} {key[1]} of {key[0]}"
            for key, number in self.expected.events.items()
            if self.events[key] < number
        ]
        for symbol, deltas in self.expected.deltas.items():
            came, last = self.deltas.get(symbol, set()), self.snapshots.get(symbol, -1)
            gone = sum(id_ > last and id_ not in came for id_ in deltas)
            if gone:
                lost.append(f"{gone} OrderBookL2Update of {symbol}")
        return lost


def _whole(value: MarketEvent) -> bool:
    """Tell whether it is the snapshot of a maintained book."""
    return isinstance(value, OrderBookL2Snapshot) and value.depth is None


async def show_recording(recording: Recording, venue: Venue, seconds: float, report: Report) -> None:
    """Follow what the recording has and toucan offers; note in the report what does not come."""
    offered = recording.offered(venue)
    expected = Expected(recording, set(offered))
    arrivals = Arrivals(expected)
    frames = sum(recording.streams[name] for name in offered)
    others = sum(recording.streams.values()) - frames
    report.heading(f"{frames} frames of {len(offered)} streams of {venue.exchange.value}, over a socket")
    if others:
        report.say(f"  {others} frames of streams that are not offered today are left out")
    report.expect("the recording has a stream that is offered", happened=bool(offered))
    if offered:
        wanted = [subscription for each in offered.values() for subscription in each]
        await _follow(wanted, arrivals, seconds, report)
    for missing in arrivals.missing():
        report.expect(f"missing: {missing}", happened=False)
    _show_arrivals(arrivals, expected, report)


async def _follow(wanted: list[Subscription], arrivals: Arrivals, seconds: float, report: Report) -> None:
    async with await Streams.builder(buffer=1_000_000).subscribe(wanted).init() as streams:
        reader = asyncio.create_task(_read(streams, arrivals, report))
        loop = asyncio.get_running_loop()
        end, moved, before = loop.time() + seconds, loop.time(), -1
        while loop.time() < end and (arrivals.missing() or loop.time() < moved + 0.2):
            if report.tally.events != before:
                moved, before = loop.time(), report.tally.events
            elif before and loop.time() > moved + QUIET_S and not streams.missing:
                break
            await asyncio.sleep(0.05)
        reader.cancel()
        await asyncio.wait([reader])
        if not reader.cancelled():
            reader.result()
        _compare(streams, arrivals, report)


async def _read(streams: Streams, arrivals: Arrivals, report: Report) -> None:
    async for value in streams.select_all():
        arrivals.add(value)
        report.arrived(value)


def _compare(streams: Streams, arrivals: Arrivals, report: Report) -> None:
    """Compare every book that was kept with the one that was rebuilt without a connection."""
    expected = arrivals.expected.books
    first = next((book for book in streams.books if book.synced), None)
    if first is not None:
        report.heading(f"A book that was kept: {first.instrument}")
        report.ladder(first, LADDER)
    for book in streams.books:
        symbol = book.instrument.symbol
        if symbol in expected:
            last, bids, asks = expected[symbol]
            same = book.synced and (book.last_update_id, *book.texts()) == (last, bids, asks)
            arrivals.compared[symbol] = same
            report.expect(f"the book of {symbol} equals the one of the recording", happened=same)


def _show_arrivals(arrivals: Arrivals, expected: Expected, report: Report) -> None:
    report.heading("What arrived")
    rows: list[tuple[str, ...]] = [("event", "recorded", "arrived", "in a snapshot")]
    totals: Counter[str] = Counter()
    for (_, name), number in expected.events.items():
        totals[name] += number
    for name in sorted(totals):
        came = sum(n for (_, of), n in arrivals.events.items() if of == name)
        rows.append((name, str(totals[name]), str(came), ""))
    if expected.deltas:
        recorded = sum(map(len, expected.deltas.values()))
        came = sum(map(len, arrivals.deltas.values()))
        covered = sum(map(arrivals.covered, expected.deltas))
        rows.append(("OrderBookL2Update", str(recorded), str(came), str(covered)))
    report.table("Arrived", rows)
    equal = sum(arrivals.compared.values())
    report.end(books_equal=f"{equal} of {len(arrivals.compared)}")
