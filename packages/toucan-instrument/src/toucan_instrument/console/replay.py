"""Reading recordings from the command line: files or stdin in, values out, one summary line on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import click

from toucan_instrument.console.captures import BrokenFileError, Item, expand, read
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import flush, remark

__all__ = ["Counted", "recordings_argument", "replay"]

R = TypeVar("R")

STDIN = "-"


class Counted(Protocol):
    """What a decoder counts."""

    @property
    def failures(self) -> int:
        """How many frames could not be read."""
        ...

    def summary(self) -> str:
        """Return everything on one line."""
        ...


def recordings_argument(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the argument FILE, which may be repeated; it takes ``files``."""
    return click.argument(
        "files",
        nargs=-1,
        metavar="[FILE]...",
        type=click.Path(exists=True, allow_dash=True, path_type=Path),
    )(command)


def replay(
    files: Sequence[Path],
    decode: Callable[[Iterator[Item]], Iterable[Any]],
    counts: Counted,
    write: Callable[[Any], None],
) -> ExitCode:
    """Decode recordings, and return the code that the command ends with.

    Args:
        files: Files and folders; stdin where there are none, and for ``-``.
        decode: Makes values of what was recorded.
        counts: What the decoder has counted, for the summary.
        write: Writes one value.
    """
    broken = ""
    try:
        with ExitStack() as stack:
            opened = [_open(path, stack) for path in expand(files) or [Path(STDIN)]]
            for value in decode(read(opened)):
                write(value)
        flush()
    except BrokenFileError as error:
        broken = str(error)
    except KeyboardInterrupt:
        remark(counts.summary())
        return ExitCode.INTERRUPTED
    remark(counts.summary())
    if broken:
        remark(f"error: {broken}")
    return ExitCode.FAILED if broken or counts.failures else ExitCode.DONE


def _open(path: Path, stack: ExitStack) -> tuple[str, IO[bytes]]:
    if str(path) == STDIN:
        return "stdin", sys.stdin.buffer
    try:
        return str(path), stack.enter_context(path.open("rb"))
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
