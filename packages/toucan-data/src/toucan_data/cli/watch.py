"""``toucan-data watch``: what arrives, as a live table, as lines, or as JSON."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from toucan_data.cli.market import SPELLINGS, kind_named, target_named, venue_argument
from toucan_data.cli.options import common
from toucan_data.cli.tally import Tally
from toucan_data.cli.texts import detail, event_line, status_line
from toucan_data.events import MarketEvent
from toucan_data.selection import Selection
from toucan_data.streams import Streams
from toucan_data.subscription import Subscription
from toucan_data.venue import Venue
from toucan_instrument import Instrument
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.network import Way, network
from toucan_instrument.console.output import console, is_live, json_line, line, remark, shown
from toucan_instrument.console.running import run
from toucan_instrument.console.texts import time_of_day

__all__ = ["Display", "LiveTable", "end_of", "watch"]

REDRAWN_PER_SECOND = 8
STATUS_SHOWN = 6


class Display:
    """Shows what arrives as lines: events on stdout, status values on stderr; JSON on stdout."""

    def __init__(self, *, as_json: bool) -> None:
        """Write JSON, or lines for people."""
        self._json = as_json

    def show(self, value: Any) -> None:
        """Show an event or a status value."""
        if self._json:
            json_line(value)
        elif isinstance(value, MarketEvent):
            line(event_line(value))
        else:
            remark(status_line(value))


class LiveTable(Display):
    """Shows the latest of each instrument and kind in a table that is redrawn in place."""

    def __init__(self, title: str, tally: Tally) -> None:
        """Start empty."""
        super().__init__(as_json=False)
        self._title = title
        self._tally = tally
        self._rows: dict[tuple[Instrument, str], tuple[MarketEvent, int]] = {}
        self._status: deque[str] = deque(maxlen=STATUS_SHOWN)

    def show(self, value: Any) -> None:
        """Keep it for the next drawing."""
        if not isinstance(value, MarketEvent):
            self._status.append(status_line(value))
            return
        # Snapshots and updates of a book share a row, and so do candles of one interval.
        name = type(value).__name__.removesuffix("Snapshot").removesuffix("Update")
        key = (value.instrument, f"{name} {getattr(value, 'interval', '')}")
        self._rows[key] = (value, self._rows.get(key, (value, 0))[1] + 1)

    def draw(self, height: int | None = None) -> RenderableType:
        """Return the picture, no higher than a screen; without a height whole, as the last one."""
        table = Table(title=self._title, title_justify="left", expand=True)
        table.add_column("time (UTC)", no_wrap=True, width=12)
        table.add_column("instrument", no_wrap=True)
        table.add_column("latest", ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column("events", justify="right", no_wrap=True)
        rows = list(self._rows.items())
        room = len(rows) if height is None else max(3, height - 7 - len(self._status))
        if len(rows) > room:  # the busiest ones fit
            rows = sorted(rows, key=lambda row: -row[1][1])[:room]
        for (instrument, _), (event, count) in rows:
            at = event.time_received if event.time_exchange is None else event.time_exchange
            table.add_row(time_of_day(at)[:12], Text(shown(str(instrument))), Text(detail(event)), str(count))
        hidden = len(self._rows) - len(rows)
        foot = f"{hidden} more rows, not shown; " if hidden else ""
        lines = [Text(text, overflow="ellipsis", no_wrap=True) for text in self._status]
        if height is not None:  # the last picture is followed by the summary itself
            lines.append(Text(f"{foot}{self._tally.summary()}; Ctrl-C ends"))
        return Group(table, *lines)

    async def redraw(self) -> None:
        """Draw until cancelled."""
        screen = console()
        with Live(console=screen, auto_refresh=False, transient=True) as live:
            try:
                while True:
                    live.update(self.draw(screen.height), refresh=True)
                    await asyncio.sleep(1 / REDRAWN_PER_SECOND)
            finally:
                screen.print(self.draw())  # the last picture stays


@click.command
@venue_argument
@click.argument("symbols", nargs=-1, required=True, metavar="SYMBOL...")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    default=("trades", "l1"),
    metavar="KIND",
    help=f"{SPELLINGS}; may be given several times.  [default: trades and l1]",
)
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End after so long.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many events.")
@click.option("--unchecked", is_flag=True, help="Take symbols as they are spelt, unlooked-up.")
@network
@common
def watch(
    *,
    venue: Venue,
    symbols: tuple[str, ...],
    kinds: tuple[str, ...],
    seconds: float | None,
    count: int | None,
    unchecked: bool,
    way: Way,
    as_json: bool,
    plain: bool,
) -> None:
    """Watch SYMBOLs (BTC/USDT, BTC/USDT:USDT, or as the venue spells them) of VENUE.

    '*' stands for every instrument, where the venue has one stream for all of them.
    """
    wanted = [
        Subscription(venue, target_named(symbol), kind_named(kind)) for symbol in symbols for kind in kinds
    ]
    tally = Tally()
    if is_live(plain=plain, as_json=as_json):
        display: Display = LiveTable(f"{venue.exchange.value} {venue.environment.value}", tally)
    else:
        display = Display(as_json=as_json)

    async def follow() -> None:
        builder = Streams.builder(proxy=way.proxy, trust_env=way.trust_env)
        builder.subscribe(wanted, unchecked=unchecked)
        async with await builder.init() as streams:
            drawing = asyncio.create_task(display.redraw()) if isinstance(display, LiveTable) else None
            try:
                async with asyncio.timeout(seconds) as limit:
                    await _read(streams.select_all(), display, tally, count)
            except TimeoutError:
                if not limit.expired():
                    raise
            finally:
                if drawing is not None:
                    drawing.cancel()
                    await asyncio.wait([drawing])

    interrupted = run(follow())
    click.get_current_context().exit(end_of(tally, interrupted=interrupted, wanted=count))


async def _read(selection: Selection[Any], display: Display, tally: Tally, count: int | None) -> None:
    async for value in selection:
        tally.add(value)
        display.show(value)
        if tally.events == count:
            return


def end_of(tally: Tally, *, interrupted: bool, wanted: int | None = None) -> ExitCode:
    """Write the summary, and return the code of a command that followed streams."""
    remark(tally.summary())
    if interrupted:
        return ExitCode.DONE
    if not tally.connected and tally.trouble:
        remark(f"error: there was no connection: {tally.trouble}")
        return ExitCode.REFUSED
    if wanted is not None and tally.events < wanted:
        remark(f"error: {wanted} events were wanted")
        return ExitCode.FAILED
    return ExitCode.DONE
