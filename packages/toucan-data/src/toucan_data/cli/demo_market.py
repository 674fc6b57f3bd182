"""The demo on the seeded market: everything arrives, a book is kept, a cut is told and mended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any, Protocol

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from toucan_data.book import OrderBook
from toucan_data.cli.demo_report import Report
from toucan_data.cli.ladder import ladder_picture
from toucan_data.events import Level
from toucan_data.kinds import Candles, Kind
from toucan_data.selection import Selection
from toucan_data.status import Connected, Disconnected, Gap, Resynced, Status
from toucan_data.streams import Streams
from toucan_data.subscription import Subscription
from toucan_data.venue import Venue

__all__ = ["Embedded", "Market", "show_market"]

LADDER = 5
PATIENCE_S = 15.0
"""How long any one thing that must happen may take, beyond the time that the demo is given."""

Side = Sequence[tuple[Decimal, Decimal]]
ServerBook = tuple[int, Side, Side]
"""A server's own book: update id, bids and asks as prices with quantities, best first."""


class Market(Protocol):
    """One of the markets that the demo's exchange speaks for."""

    @property
    def venue(self) -> Venue:
        """The venue, at the exchange's address."""

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols that are followed."""

    def server_book(self, symbol: str) -> ServerBook:
        """Return the server's own book."""

    async def cut(self) -> None:
        """Drop a connection that carries books, without a goodbye."""


class Embedded(Protocol):
    """An exchange within this process."""

    @property
    def markets(self) -> Sequence[Market]:
        """What it speaks for."""


def _kinds(venue: Venue) -> list[Kind[Any]]:
    return [Candles("1m") if kind == Candles else kind for kind in venue.kinds]


class _Counts:
    """How many events of each kind have come from each market."""

    def __init__(self, markets: Sequence[Market]) -> None:
        self.venues = [market.venue for market in markets]
        self.numbers = {(v.exchange, kind): 0 for v in self.venues for kind in _kinds(v)}
        self.kinds = list(dict.fromkeys(kind for _, kind in self.numbers))
        self.moved = asyncio.Event()

    def missing(self) -> list[str]:
        """Return what has not come at all."""
        return [f"{where.value} {kind!r}" for (where, kind), n in self.numbers.items() if not n]

    def rows(self) -> list[tuple[str, ...]]:
        """Return a table: kinds by markets."""
        rows = [("kind", *(venue.exchange.value for venue in self.venues))]
        for kind in self.kinds:
            cells = (self.numbers.get((venue.exchange, kind)) for venue in self.venues)
            rows.append((repr(kind), *("-" if cell is None else str(cell) for cell in cells)))
        return rows

    def picture(self) -> Table:
        """Return the table for a terminal."""
        head, *rows = self.rows()
        table = Table()
        for index, name in enumerate(head):
            table.add_column(name, justify="right" if index else "left", no_wrap=True)
        for row in rows:
            table.add_row(*map(Text, row))
        return table


async def show_market(exchange: Embedded, seconds: float, report: Report) -> None:
    """Run the whole show for about `seconds`; what does not happen is noted in the report."""
    counts = _Counts(exchange.markets)
    wanted = [
        Subscription(market.venue, symbol, kind)
        for market in exchange.markets
        for symbol in market.symbols
        for kind in _kinds(market.venue)
    ]
    end = asyncio.get_running_loop().time() + seconds
    report.heading(f"1. {len(wanted)} streams of {len(exchange.markets)} markets, as they arrive")
    async with AsyncExitStack() as stack:
        streams = await stack.enter_async_context(await Streams.builder().subscribe(wanted).init())
        statuses: list[Status] = []
        readers = [
            asyncio.create_task(
                _count(streams.select(kind, exchange=where, status=False), counts, where, kind, report)
            )
            for where, kind in counts.numbers
        ]
        readers.append(asyncio.create_task(_tell(streams, statuses, report)))
        stack.push_async_callback(_end, readers)
        book = _book(streams, exchange.markets[0], exchange.markets[0].symbols[0])
        await _watch_arrivals(counts, streams, seconds, report)
        await _watch_ladder(book, seconds, report)
        await _cut(exchange.markets[0], statuses, report)
        left = end - asyncio.get_running_loop().time()
        if left > 0:
            report.say(f"  mended; everything streams on for another {left:.0f} s")
            await asyncio.sleep(left)
        await _compare(exchange, streams, report)
        for reader in readers:  # a fault in one of them is a fault of the demo
            if reader.done():
                reader.result()


def _book(streams: Streams, market: Market, symbol: str) -> OrderBook:
    """Return a book of a market; other markets may spell a symbol the same."""
    return next(
        book
        for book in streams.books
        if book.instrument.exchange is market.venue.exchange and book.instrument.symbol == symbol
    )


async def _count(
    selection: Selection[Any], counts: _Counts, where: Any, kind: Kind[Any], report: Report
) -> None:
    async for event in selection:
        counts.numbers[where, kind] += 1
        counts.moved.set()
        report.arrived(event)


async def _tell(streams: Streams, statuses: list[Status], report: Report) -> None:
    async for value in streams.status():
        statuses.append(value)
        report.arrived(value)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _watch_arrivals(counts: _Counts, streams: Streams, seconds: float, report: Report) -> None:
    loop = asyncio.get_running_loop()
    least, most = loop.time() + seconds * 0.25, loop.time() + seconds * 0.25 + PATIENCE_S

    def done() -> bool:
        return loop.time() >= least and not counts.missing() and not streams.missing

    await _redraw(counts.picture, done, most, report)
    if not report.live:
        report.table("Arrived", counts.rows())
    for missing in (*counts.missing(), *streams.missing):
        report.expect(f"nothing arrived of {missing}", happened=False)


async def _watch_ladder(book: OrderBook, seconds: float, report: Report) -> None:
    loop = asyncio.get_running_loop()
    report.heading(f"2. A book that is kept: {book.instrument} of {book.instrument.exchange.value}")
    until, before = loop.time() + seconds * 0.2, book.last_update_id
    await _redraw(lambda: ladder_picture(book, LADDER), lambda: loop.time() >= until, until, report)
    if not report.live:
        report.ladder(book, LADDER)
    report.expect("the book moved", happened=book.synced and book.last_update_id != before)


async def _cut(market: Market, statuses: list[Status], report: Report) -> None:
    name = market.venue.exchange.value
    report.heading(f"3. The exchange cuts a connection of {name}; what its user is told")
    del statuses[:]
    await market.cut()
    wanted: tuple[type[Status], ...] = (Disconnected, Gap, Connected, Resynced)
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    await _until(lambda: all(_told(statuses, kind) for kind in wanted), end)
    for kind in wanted:
        report.expect(f"{kind.__name__} was told", happened=_told(statuses, kind))


def _told(statuses: list[Status], kind: type[Status]) -> bool:
    return any(isinstance(status, kind) for status in statuses)


async def _compare(exchange: Embedded, streams: Streams, report: Report) -> None:
    """Compare every book with the server's own, at a moment when both are at the same update."""
    report.heading("4. The books that were kept, against the server's own")
    rows: list[tuple[str, ...]] = [("market", "instrument", "update", "levels", "same as the server's")]
    for market in exchange.markets:
        for symbol in market.symbols:
            book = _book(streams, market, symbol)
            same = await _same(book, market, symbol)
            bids, asks = book.texts(allow_stale=True)
            levels = str(len(bids) + len(asks))
            name = market.venue.exchange.value
            row = (name, str(book.instrument), str(book.last_update_id), levels)
            rows.append((*row, "yes" if same else "NO"))
            report.expect(f"the book of {name} {symbol} equals the server's", happened=same)
    report.table("Compared", rows)
    equal = sum(row[-1] == "yes" for row in rows[1:])
    report.end(books_equal=f"{equal} of {len(rows) - 1}")


async def _same(book: OrderBook, market: Market, symbol: str) -> bool:
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    while loop.time() < end:
        update, bids, asks = market.server_book(symbol)
        if book.synced and book.last_update_id == update:
            return _plain(book.bids()) == list(bids) and _plain(book.asks()) == list(asks)
        await asyncio.sleep(0.005)
    return False


def _plain(levels: Iterable[Level]) -> list[tuple[Decimal, Decimal]]:
    return [(level.price, level.quantity) for level in levels]


async def _until(done: Callable[[], bool], end: float) -> None:
    """Look every few milliseconds, as a person who watches would, until something is so."""
    loop = asyncio.get_running_loop()
    while True:
        if done() or loop.time() >= end:
            return
        await asyncio.sleep(0.02)


async def _redraw(
    picture: Callable[[], RenderableType], done: Callable[[], bool], end: float, report: Report
) -> None:
    """Wait until something is done or the time is up, with a picture where somebody looks."""
    loop = asyncio.get_running_loop()
    if not report.live:
        await _until(done, end)
        return
    with Live(console=report.screen, auto_refresh=False) as live:
        while not done() and loop.time() < end:
            live.update(Group(picture()), refresh=True)
            await asyncio.sleep(0.1)
        live.update(Group(picture()), refresh=True)
