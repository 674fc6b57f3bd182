"""``toucan-data decode``: recorded frames in, normalised events out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from toucan_data.cli.options import common
from toucan_data.cli.texts import event_line, status_line
from toucan_data.decoding import FrameDecoder
from toucan_data.events import MarketEvent
from toucan_data.registry import frame_decoder, venue_named
from toucan_data.status import DecodeFailed
from toucan_instrument.console.captures import Item
from toucan_instrument.console.output import json_line, line
from toucan_instrument.console.replay import recordings_argument, replay

__all__ = ["decode", "decode_items"]


def decode_items(decoder: FrameDecoder, items: Iterable[Item]) -> Iterator[Any]:
    """Decode what was recorded; give events and status values in order."""
    for item in items:
        if item.broken:
            decoder.counts.frames += 1
            decoder.counts.failures += 1
            yield DecodeFailed(
                at_ns=item.time_received,
                exchange=decoder.venue.exchange,
                error=item.broken,
                raw=item.frame,
            )
        elif item.url is None:
            yield from decoder.frame(item.frame, item.time_received)
        else:
            yield from decoder.rest(item.url, item.frame, item.time_received)


@click.command
@click.argument("name", metavar="VENUE")
@recordings_argument
@common
def decode(*, name: str, files: tuple[Path, ...], as_json: bool, plain: bool) -> None:
    """Decode frames that were recorded of VENUE: events as JSON lines, then a summary on stderr.

    A FILE holds raw frames, one a line, or the records of a capture; it may be gzipped. A folder
    stands for its *.jsonl and *.jsonl.gz. Captures are merged by time, and REST answers among them
    supply the snapshots of books. Without FILE, or for '-', stdin is read. Raw frames carry no time
    of receipt: time_received is 0. --plain writes lines for people instead of JSON.
    """
    made: Any = venue_named(name)
    decoder = frame_decoder(made())
    code = replay(
        files,
        lambda items: decode_items(decoder, items),
        decoder.counts,
        lambda value: _write(value, plain=plain and not as_json),
    )
    click.get_current_context().exit(code)


def _write(value: Any, *, plain: bool) -> None:
    if not plain:
        json_line(value, flush=False)
    elif isinstance(value, MarketEvent):
        line(event_line(value), flush=False)
    else:
        line(status_line(value), flush=False)
