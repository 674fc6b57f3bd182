"""``toucan-data book``: one maintained book as a ladder; a stale book is shown as stale."""

from __future__ import annotations

import asyncio
from collections import deque
from decimal import Decimal
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from toucan_data.book import OrderBook
from toucan_data.cli.market import venue_argument
from toucan_data.cli.options import common
from toucan_data.cli.tally import Tally
from toucan_data.cli.texts import status_line
from toucan_data.cli.watch import end_of
from toucan_data.events import Level
from toucan_data.kinds import OrderBooksL2
from toucan_data.streams import Streams
from toucan_data.subscription import Subscription
from toucan_data.venue import Venue
from toucan_instrument.console.network import Way, network
from toucan_instrument.console.output import console, is_live, json_line, line, remark, shown
from toucan_instrument.console.running import run
from toucan_instrument.console.texts import number, time_of_day

__all__ = ["book", "headline", "ladder_lines", "ladder_picture"]

REDRAWN_PER_SECOND = 8
LINES_EVERY_S = 1.0
LOOK_EVERY_S = 0.05
BAR = 24


def headline(book: OrderBook) -> str:
    """Return what a book is, and whether it may be believed."""
    name = shown(str(book.instrument))
    if not book.synced:
        last = f", last update {book.last_update_id}" if book.last_update_id is not None else ""
        return f"{name} STALE: {book.state.value}{last}"
    at = book.time_exchange or book.time_received or 0
    return (
        f"{name} {book.state.value}, update {book.last_update_id}, {time_of_day(at)} UTC, "
        f"spread {number(book.spread())}"
    )


def _levels(book: OrderBook, depth: int) -> tuple[list[Level], list[Level]]:
    return list(book.bids(depth, allow_stale=True)), list(book.asks(depth, allow_stale=True))


def ladder_lines(book: OrderBook, depth: int) -> list[str]:
    """Return a book as lines, worst ask first; of a stale book the headline only."""
    lines = [headline(book)]
    if not book.synced:
        return lines
    bids, asks = _levels(book, depth)
    rows = [("ask", level) for level in reversed(asks)] + [("bid", level) for level in bids]
    prices = [number(level.price) for _, level in rows]
    quantities = [number(level.quantity) for _, level in rows]
    wide = max(map(len, prices), default=0)
    broad = max(map(len, quantities), default=0)
    for (side, level), price, quantity in zip(rows, prices, quantities, strict=True):
        beyond = "  beyond the snapshot" if level.beyond_horizon else ""
        lines.append(f"  {side} {price:>{wide}} {quantity:>{broad}}{beyond}")
    return lines


def ladder_picture(book: OrderBook, depth: int) -> RenderableType:
    """Return a book as a table with bars; a stale one is dim, and says so on every line."""
    bids, asks = _levels(book, depth)
    stale = not book.synced
    most = max((level.quantity for level in (*bids, *asks)), default=Decimal(1)) or Decimal(1)
    table = Table(box=None, show_header=True, pad_edge=False)
    for name in ("", "price", "quantity"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, width=BAR)
    rows = [("ask", "red", level) for level in reversed(asks)]
    rows += [("bid", "green", level) for level in bids]
    for side, colour, level in rows:
        bar = "stale" if stale else "#" * max(1, int(BAR * level.quantity / most))
        table.add_row(
            side,
            number(level.price),
            number(level.quantity) + ("*" if level.beyond_horizon else ""),
            bar,
            style="dim" if stale else colour,
        )
    notes = []
    if any(level.beyond_horizon for _, _, level in rows):
        notes.append(Text("* beyond the snapshot: levels between may be missing", style="dim"))
    title = Text(headline(book), style="bold reverse" if stale else "bold")
    return Group(title, table, *notes)


class _Ladder:
    """What is drawn of a book that is followed."""

    def __init__(self, book: OrderBook, depth: int, tally: Tally) -> None:
        self.book = book
        self._depth = depth
        self._tally = tally
        self._status: deque[str] = deque(maxlen=5)

    def told(self, value: Any) -> None:
        """Keep a status value for the next drawing."""
        self._status.append(status_line(value))

    def draw(self, *, last: bool = False) -> RenderableType:
        """Return the picture; the last one is followed by the summary itself."""
        lines = [Text(text, overflow="ellipsis", no_wrap=True) for text in self._status]
        picture = ladder_picture(self.book, self._depth)
        if not last:
            lines.append(Text(f"{self._tally.summary()}; Ctrl-C ends"))
        return Group(picture, *lines)

    async def redraw(self) -> None:
        """Draw until cancelled."""
        screen = console()
        with Live(console=screen, auto_refresh=False, transient=True) as live:
            try:
                while True:
                    live.update(self.draw(), refresh=True)
                    await asyncio.sleep(1 / REDRAWN_PER_SECOND)
            finally:
                screen.print(self.draw(last=True))


def _as_json(book: OrderBook, depth: int) -> dict[str, Any]:
    """Return a book as a plain dict; a stale one has no levels."""
    bids, asks = book.texts(depth) if book.synced else ([], [])
    return {
        "type": "OrderBook",
        "exchange": book.instrument.exchange.value,
        "instrument": str(book.instrument),
        "symbol": book.instrument.symbol,
        "state": book.state.value,
        "last_update_id": book.last_update_id,
        "time_exchange": book.time_exchange,
        "time_received": book.time_received,
        "bids": bids,
        "asks": asks,
    }


@click.command
@venue_argument
@click.argument("symbol")
@click.option("--depth", type=click.IntRange(1, 1000), default=10, show_default=True, help="Levels a side.")
@click.option(
    "--snapshot-levels",
    type=int,
    default=1000,
    show_default=True,
    help="How deep a snapshot is asked for.",
)
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End after so long.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many ladders.")
@click.option("--unchecked", is_flag=True, help="Take the symbol as it is spelt, unlooked-up.")
@network
@common
def book(
    *,
    venue: Venue,
    symbol: str,
    depth: int,
    snapshot_levels: int,
    seconds: float | None,
    count: int | None,
    unchecked: bool,
    way: Way,
    as_json: bool,
    plain: bool,
) -> None:
    """Keep the book of SYMBOL on VENUE and show its best levels."""
    wanted = Subscription(venue, symbol, OrderBooksL2(snapshot_levels=snapshot_levels))
    tally = Tally()
    live = is_live(plain=plain, as_json=as_json)

    async def follow() -> None:
        builder = Streams.builder(proxy=way.proxy, trust_env=way.trust_env)
        builder.subscribe([wanted], unchecked=unchecked)
        async with await builder.init() as streams:
            ladder = _Ladder(streams.books[0], depth, tally)
            show = ladder.redraw() if live else _lines(streams, depth, count, as_json=as_json)
            tasks = {
                asyncio.create_task(_count(streams, ladder, tally, live=live, as_json=as_json)),
                asyncio.create_task(show),
            }
            try:
                done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    interrupted = run(follow())
    click.get_current_context().exit(end_of(tally, interrupted=interrupted))


async def _count(streams: Streams, ladder: _Ladder, tally: Tally, *, live: bool, as_json: bool) -> None:
    """Count what arrives, and show what is said of the feed."""
    async for value in streams.select_all():
        before = tally.events
        tally.add(value)
        if tally.events != before:
            continue
        if live:
            ladder.told(value)
        elif as_json:
            json_line(value)
        else:
            remark(status_line(value))


async def _lines(streams: Streams, depth: int, count: int | None, *, as_json: bool) -> None:
    """Write the ladder when it has changed: a change of state at once, levels once a second."""
    written, before, due = 0, None, 0.0
    loop = asyncio.get_running_loop()
    kept = streams.books[0]
    while written != count:
        now = (kept.state, kept.texts(depth, allow_stale=True))
        turned = before is None or now[0] is not before[0]
        if turned or (now != before and loop.time() >= due):
            before, due = now, loop.time() + LINES_EVERY_S
            if as_json:
                json_line(_as_json(kept, depth))
            else:
                for text in ladder_lines(kept, depth):
                    line(text)
            written += kept.synced
        await asyncio.sleep(LOOK_EVERY_S)
