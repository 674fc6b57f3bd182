"""``toucan-data decode``: recorded frames in, normalised events out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import click

from toucan_data.cli.captures import BrokenFileError, Item, expand, read
from toucan_data.cli.exits import ExitCode
from toucan_data.cli.output import common, flush, json_line, line, remark
from toucan_data.cli.texts import event_line, status_line
from toucan_data.decoding import FrameDecoder
from toucan_data.events import MarketEvent
from toucan_data.registry import venue_named
from toucan_data.status import DecodeFailed
from toucan_data.venue import Venue
from toucan_instrument import Exchange
from toucan_instrument.errors import InvalidInput

__all__ = ["decode", "decode_items", "frame_decoder"]

DECODERS: dict[Exchange, tuple[str, str]] = {
    Exchange.BINANCE_SPOT: ("toucan_data.exchange.binance.decoder", "BinanceDecoder"),
    Exchange.BINANCE_US_SPOT: ("toucan_data.exchange.binance.decoder", "BinanceDecoder"),
    Exchange.BINANCE_USD_M: ("toucan_data.exchange.binance.decoder", "BinanceDecoder"),
    Exchange.BINANCE_COIN_M: ("toucan_data.exchange.binance.decoder", "BinanceDecoder"),
}
"""Module and class of each exchange's decoder."""
STDIN = "-"


def frame_decoder(venue: Venue) -> FrameDecoder:
    """Return a decoder of a venue's recorded frames.

    Raises:
        InvalidInput: There is none.
    """
    try:
        module, name = DECODERS[venue.exchange]
    except KeyError as error:
        raise InvalidInput(
            "recordings of that venue cannot be read",
            field="venue",
            value=venue.exchange.value,
            accepted=", ".join(exchange.value for exchange in DECODERS),
        ) from error
    made: FrameDecoder = getattr(import_module(module), name)(venue)
    return made


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
@click.argument(
    "files",
    nargs=-1,
    metavar="[FILE]...",
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
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
    context = click.get_current_context()
    broken = ""
    try:
        with ExitStack() as stack:
            opened = [_open(path, stack) for path in expand(files) or [Path(STDIN)]]
            for value in decode_items(decoder, read(opened)):
                _write(value, plain=plain and not as_json)
        flush()
    except BrokenFileError as error:
        broken = str(error)
    except KeyboardInterrupt:
        remark(decoder.counts.summary())
        context.exit(ExitCode.INTERRUPTED)
    remark(decoder.counts.summary())
    if broken:
        remark(f"error: {broken}")
    if broken or decoder.counts.failures:
        context.exit(ExitCode.FAILED)


def _open(path: Path, stack: ExitStack) -> tuple[str, IO[bytes]]:
    if str(path) == STDIN:
        return "stdin", sys.stdin.buffer
    try:
        return str(path), stack.enter_context(path.open("rb"))
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


def _write(value: Any, *, plain: bool) -> None:
    if not plain:
        json_line(value, flush=False)
    elif isinstance(value, MarketEvent):
        line(event_line(value), flush=False)
    else:
        line(status_line(value), flush=False)
