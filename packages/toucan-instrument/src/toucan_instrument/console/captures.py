"""Reading recordings: raw frames one a line, or capture records, merged by time.

A capture record is a JSON object a line: ``{"t": <unix ns>, "dir": "open" | "sent" | "recv" |
"rest", "url": ..., "frame": "<the text as it was on the wire>"}``. Either may be gzipped.
"""

from __future__ import annotations

import gzip
import heapq
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, cast

import msgspec

from toucan_instrument.console.output import shown
from toucan_instrument.errors import ToucanError

__all__ = ["BrokenFileError", "Item", "Record", "expand", "read", "urls"]

GZIP = b"\x1f\x8b"
ENDINGS = (".jsonl", ".jsonl.gz")
BOM = b"\xef\xbb\xbf"


class Record(msgspec.Struct):
    """A line of a capture."""

    t: int
    dir: str
    url: str | None = None
    frame: str | None = None


class Item(msgspec.Struct, frozen=True):
    """Something that was recorded.

    Attributes:
        frame: What came, as bytes.
        time_received: When, nanoseconds; 0 where the recording does not say.
        url: What was asked, for a REST answer; None for a frame.
        broken: What is wrong with the line, which then is `frame`; empty for a good one.
    """

    frame: bytes
    time_received: int
    url: str | None = None
    broken: str = ""


class BrokenFileError(ToucanError):
    """A file cannot be read to its end."""


_RECORD = msgspec.json.Decoder(Record)


def expand(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are meant: those of a folder are its ``*.jsonl`` and ``*.jsonl.gz``."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(each for each in path.iterdir() if each.name.endswith((".jsonl", ".jsonl.gz")))
        else:
            found.append(path)
    return found


def read(sources: Iterable[tuple[str, IO[bytes]]]) -> Iterator[Item]:
    """Read opened files: captures merged by time, then files of raw frames, one after the other.

    Raises:
        BrokenFileError: A file ends in the middle, or is no gzip although it begins like one.
    """
    captures: list[Iterator[Item]] = []
    raws: list[Iterator[Item]] = []
    for name, opened in sources:
        lines = _lines(name, opened)
        first = next(lines, None)
        if first is None:
            continue
        if _record(first) is not None:
            captures.append(_captured(first, lines))
        else:
            raws.append(_raw(first, lines))
    yield from heapq.merge(*captures, key=lambda item: item.time_received)
    for raw in raws:
        yield from raw


def urls(files: Iterable[Path]) -> Iterator[str]:
    """Iterate the addresses that captures name, the first of each file."""
    for file in files:
        with file.open("rb") as opened:
            records = (_record(line) for line in _lines(str(file), opened))
            found = (record.url for record in records if record is not None and record.url)
            yield from islice(found, 1)


def _lines(name: str, opened: IO[bytes]) -> Iterator[bytes]:
    """Iterate the lines that are not blank."""
    peekable = opened if hasattr(opened, "peek") else io.BufferedReader(cast("io.RawIOBase", opened))
    head = peekable.peek(3)
    stream = gzip.GzipFile(fileobj=peekable) if head.startswith(GZIP) else peekable
    try:
        begun = False
        for raw in stream:
            line = raw.strip()
            if not begun:
                begun = True
                line = line.removeprefix(BOM).strip()
            if line:
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as error:
        raise BrokenFileError(f"{shown(name)} cannot be read to its end: {error}") from error


def _record(line: bytes) -> Record | None:
    try:
        return _RECORD.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _captured(first: bytes, lines: Iterator[bytes]) -> Iterator[Item]:
    last = 0
    for line in _chained(first, lines):
        record = _record(line)
        if record is None:
            yield Item(line, last, broken="not a record of a capture")
            continue
        last = record.t
        if record.frame is None:
            continue
        frame = record.frame.encode("utf-8", "surrogatepass")
        if record.dir == "recv":
            yield Item(frame, record.t)
        elif record.dir == "rest":
            yield Item(frame, record.t, record.url or "")


def _raw(first: bytes, lines: Iterator[bytes]) -> Iterator[Item]:
    for line in _chained(first, lines):
        yield Item(line, 0)


def _chained(first: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from lines
