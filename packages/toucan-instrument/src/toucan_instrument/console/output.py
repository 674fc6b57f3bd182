"""Where commands write: lines and JSON on stdout, remarks on stderr."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import IO, Any, TypeVar

import click
import msgspec
from rich.console import Console

from toucan_instrument.errors import ToucanError
from toucan_instrument.plain import plain_dict

__all__ = [
    "ReaderGoneError",
    "common_options",
    "console",
    "flush",
    "is_live",
    "json_line",
    "line",
    "quieten",
    "remark",
    "shown",
]

R = TypeVar("R")

GONE = {errno.EPIPE, errno.EINVAL}
"""What a write into a closed pipe ends with: POSIX, Windows."""


class ReaderGoneError(ToucanError):
    """Whoever read our output does not any more."""


def shown(text: str) -> str:
    """Return a text that came from a venue with everything escaped that would steer a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def line(text: str, *, flush: bool = True) -> None:
    """Write one line to stdout; `flush` lets its reader see it at once.

    Raises:
        ReaderGoneError: Nobody reads it.
    """
    encoding = sys.stdout.encoding or "utf-8"
    _write(text.encode(encoding, "backslashreplace"), flush=flush)


def json_line(value: msgspec.Struct | dict[str, Any], *, flush: bool = True) -> None:
    """Write a value as one line of JSON, UTF-8, to stdout; `flush` lets its reader see it at once.

    Raises:
        ReaderGoneError: Nobody reads it.
    """
    plain = value if isinstance(value, dict) else plain_dict(value)
    _write(msgspec.json.encode(plain), flush=flush)


def flush() -> None:
    """Let the reader of stdout see everything that was written.

    Raises:
        ReaderGoneError: Nobody reads it.
    """
    _guarded(lambda _: None)


def _write(data: bytes, *, flush: bool) -> None:
    _guarded(lambda out: out.write(data + b"\n"), flush=flush)


def _guarded(write: Callable[[IO[bytes]], object], *, flush: bool = True) -> None:
    try:
        out = sys.stdout.buffer
        write(out)
        if flush:
            out.flush()
    except OSError as error:
        if error.errno in GONE:
            raise ReaderGoneError from error
        raise


def remark(text: str) -> None:
    """Write one line to stderr."""
    click.echo(shown(text), err=True)


def quieten() -> None:
    """Let the interpreter's last flush of a stdout that nobody reads go nowhere."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # not a real stdout: a test's
        return


def console() -> Console:
    """Return a rich console on stdout; it honours ``NO_COLOR``."""
    return Console(highlight=False, markup=False, emoji=False)


def is_live(*, plain: bool, as_json: bool) -> bool:
    """Tell whether a picture can be redrawn in place: somebody looks, and wants one."""
    return not plain and not as_json and console().is_terminal and not console().is_dumb_terminal


class _Stderr(logging.Handler):
    """Logs to whatever stderr is at the moment: a live picture puts itself in between."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        click.echo(shown(self.format(record)), err=True)


class _Formatter(logging.Formatter):
    """Shows the fields that toucan's records carry."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        names = ("venue", "connection", "instrument")
        fields = [f"{name}={record.__dict__[name]}" for name in names if name in record.__dict__]
        return " ".join([super().format(record), *fields])


def _log(verbosity: int, loggers: tuple[str, ...]) -> None:
    handler = _Stderr()
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in loggers:
        logger = logging.getLogger(name)
        for old in [held for held in logger.handlers if isinstance(held, _Stderr)]:
            logger.removeHandler(old)
        if verbosity:
            logger.addHandler(handler)
            logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)


def common_options(*loggers: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Return what gives a command the options that all have: ``--json``, ``--plain`` and ``-v``.

    Args:
        loggers: The names of the loggers that ``-v`` shows.
    """

    def common(command: Callable[..., R]) -> Callable[..., R]:
        """Give a command ``--json`` (as ``as_json``), ``--plain`` and ``-v``."""

        @click.option("--json", "as_json", is_flag=True, help="JSON lines.")
        @click.option("--plain", is_flag=True, help="Plain lines, even on a terminal.")
        @click.option("-v", "--verbose", count=True, help="Log to stderr; -vv logs more.")
        @wraps(command)
        def wrapped(*args: Any, verbose: int = 0, **kwargs: Any) -> R:
            _log(verbose, loggers)
            return command(*args, **kwargs)

        return wrapped

    return common
