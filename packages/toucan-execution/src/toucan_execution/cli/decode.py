"""``toucan-execution decode``: recorded private messages in, account events out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from toucan_execution.cli.options import common
from toucan_execution.cli.texts import event_line
from toucan_execution.decoding import AccountDecoder, Outcome, Value
from toucan_execution.events import PrivateEvent, UnreadableEvent
from toucan_execution.registry import decoder_named
from toucan_instrument.console.captures import Item
from toucan_instrument.console.output import json_line, line, shown
from toucan_instrument.console.replay import recordings_argument, replay
from toucan_instrument.plain import one_line

__all__ = ["Reading", "decode"]


class Reading:
    """Decodes what was recorded, and counts.

    Args:
        decoder: Of the venue.
    """

    def __init__(self, decoder: AccountDecoder) -> None:
        self.failures: int = 0
        self._decoder = decoder
        self._frames = 0
        self._events: Counter[str] = Counter()
        self._outcomes: Counter[Outcome] = Counter()

    def values(self, items: Iterable[Item]) -> Iterator[Value]:
        """Iterate what the messages say, in order."""
        for item in items:
            self._frames += 1
            if item.broken:
                self.failures += 1
                yield self._broken(item)
                continue
            decoded = self._decoder.decode(item.frame, item.time_received)
            self._outcomes[decoded.outcome] += 1
            self.failures += decoded.outcome is Outcome.FAILED
            if decoded.outcome is not Outcome.FAILED:
                self._events.update(type(value).__name__ for value in decoded.values)
            yield from decoded.values

    def _broken(self, item: Item) -> UnreadableEvent:
        # The line itself is not repeated: such a line may hold an address with a listen key in it.
        return UnreadableEvent(
            self._decoder.exchange,
            self._decoder.account,
            None,
            item.time_received,
            error=f"{item.broken} ({len(item.frame)} bytes)",
            raw=b"",
        )

    def summary(self) -> str:
        """Return everything on one line, as ``toucan-data decode`` does: accounts have no ids to miss."""
        events = ", ".join(f"{name} {count}" for name, count in sorted(self._events.items()))
        return (
            f"{self._frames} frames; events: {events or 'none'}; {self._outcomes[Outcome.CONTROL]} control; "
            f"{self._outcomes[Outcome.NOT_OFFERED]} not offered; {self.failures} failed; 0 gaps"
        )


@click.command
@click.argument("name", metavar="VENUE")
@recordings_argument
@click.option("--account", default="", metavar="LABEL", help="The label that the events carry.")
@common
def decode(*, name: str, files: tuple[Path, ...], account: str, as_json: bool, plain: bool) -> None:
    """Decode private messages of VENUE: account events as JSON lines, then a summary on stderr.

    A FILE holds messages, one a line, or the records of a capture; it may be gzipped. A message is one
    of an account's stream, an answer over a WebSocket, or a REST answer's body. A folder stands for its
    *.jsonl and *.jsonl.gz. Captures are merged by time. Without FILE, or for '-', stdin is read. Messages
    without a time of receipt have 0 as time_received. --plain writes lines for people instead of JSON.
    """
    reading = Reading(decoder_named(name, account))
    for_people = plain and not as_json

    def write(value: Value) -> None:
        if not for_people:
            json_line(value, flush=False)
        elif isinstance(value, PrivateEvent):
            line(event_line(value), flush=False)  # type: ignore[arg-type] # every event is one of them
        else:
            line(shown(one_line(value)), flush=False)

    click.get_current_context().exit(replay(files, reading.values, reading, write))
