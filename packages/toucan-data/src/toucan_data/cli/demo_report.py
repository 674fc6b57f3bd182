"""How a demo tells what happens: as text, or as JSON lines; and what had to happen."""

from __future__ import annotations

from typing import Any

from rich.console import Console, RenderableType

from toucan_data.book import OrderBook
from toucan_data.cli.ladder import ladder_lines, ladder_picture
from toucan_data.cli.tally import Tally
from toucan_data.cli.texts import status_line
from toucan_data.events import MarketEvent
from toucan_instrument.console.output import console, is_live, json_line, line

__all__ = ["Report"]


class Report:
    """Shows a demo, and collects what should have happened and did not.

    Attributes:
        tally: What has arrived.
        failures: What did not happen.
        live: Whether pictures may be redrawn in place.
        screen: The one console: what is said while a picture is redrawn goes above it.
    """

    def __init__(self, *, as_json: bool, plain: bool) -> None:
        """Start."""
        self.tally: Tally = Tally()
        self.failures: list[str] = []
        self.live: bool = is_live(plain=plain, as_json=as_json)
        self.screen: Console = console()
        self._json = as_json

    def heading(self, text: str) -> None:
        """Begin a part."""
        if not self._json:
            line("")
            self.say(text, style="bold")

    def say(self, text: str, *, style: str = "") -> None:
        """Say something."""
        if self._json:
            return
        if self.live:
            self.screen.print(text, style=style)
        else:
            line(text)

    def draw(self, picture: RenderableType) -> None:
        """Show a picture, on a terminal."""
        if self.live:
            self.screen.print(picture)

    def arrived(self, value: Any) -> None:
        """Count an event or a status value; status values are shown, and in JSON everything."""
        self.tally.add(value)
        if self._json:
            json_line(value)
        elif not isinstance(value, MarketEvent):
            self.say(f"  {status_line(value)}", style="yellow")

    def table(self, name: str, rows: list[tuple[str, ...]]) -> None:
        """Show rows of words in columns, the first row being their names."""
        if self._json:
            for row in rows[1:]:
                json_line({"type": name, **dict(zip(rows[0], row, strict=True))})
            return
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            first, *others = (
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            self.say("  ".join(["", first, *others]))

    def ladder(self, book: OrderBook, depth: int) -> None:
        """Show a book."""
        if self._json:
            bids, asks = book.texts(depth) if book.synced else ([], [])
            shown = {
                "type": "Ladder",
                "instrument": str(book.instrument),
                "state": book.state.value,
            }
            json_line({**shown, "bids": bids, "asks": asks})
        elif self.live:
            self.draw(ladder_picture(book, depth))
        else:
            for text in ladder_lines(book, depth):
                line(f"  {text}")

    def expect(self, what: str, *, happened: bool) -> bool:
        """Note that something had to happen."""
        if not happened:
            self.failures.append(what)
        return happened

    def end(self, **counts: Any) -> None:
        """Show the summary, and what did not happen."""
        if self._json:
            tally = self.tally
            summary = {
                "type": "Summary",
                "events": tally.events,
                "gaps": tally.gaps,
                "reconnects": tally.reconnects,
                "resyncs": tally.resyncs,
                "failed_frames": tally.failures,
                **counts,
                "missing": self.failures,
            }
            json_line(summary)
            return
        line("")
        said = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
        self.say(f"Summary: {self.tally.summary()}; {said}", style="bold")
        for failure in self.failures:
            self.say(f"MISSING: {failure}", style="bold red")
