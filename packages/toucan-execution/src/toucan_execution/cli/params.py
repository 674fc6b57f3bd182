"""What can stand in the place of an argument: exact numbers, words, moments."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import click

from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput
from toucan_instrument.timestamps import from_iso

__all__ = ["exact", "moment", "number_option", "word", "word_option"]

C = TypeVar("C", bound=Callable[..., Any])
E = TypeVar("E", bound=StrEnum)

SECOND = 1_000_000_000
UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND, "w": 7 * 86_400 * SECOND}
_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")
_ZONE = re.compile(r"(?:[zZ]|[+-][0-9]{2}(?::?[0-9]{2})?)$")
_MISSING = {"YYYY-mm-dd": "T00:00:00", "YYYY-mm-ddTHH:MM": ":00"}
"""What a day, and a time without seconds, lack."""


def exact(value: str) -> Decimal:
    """Return an exact number, in the digits that were written."""
    try:
        return decimal_of(value)
    except InvalidInput as error:
        raise click.BadParameter(f"{value!r}: {error.message}") from error


def number_option(*names: str, words: str) -> Callable[[C], C]:
    """Return an option that takes an exact number."""
    return click.option(*names, type=exact, metavar="NUMBER", help=words)


def word(kind: type[E], without: Collection[E] = ()) -> Callable[[str], E]:
    """Return what makes a member of an enum of its word, written with dashes."""
    words = _words(kind, without)

    def member(value: str) -> E:
        found = words.get(value.lower().replace("_", "-"))
        if found is None:
            raise click.BadParameter(f"{value!r} is not one of {', '.join(words)}")
        return found

    return member


def word_option(
    *names: str, kind: type[E], words: str, without: Collection[E] = (), **more: Any
) -> Callable[[C], C]:
    """Return an option that takes one of an enum's words; its help begins with `words` and names them all."""
    listed = ", ".join(_words(kind, without))
    return click.option(*names, type=word(kind, without), metavar="WORD", help=f"{words}: {listed}.", **more)


def _words(kind: type[E], without: Collection[E]) -> dict[str, E]:
    return {member.value.replace("_", "-"): member for member in kind if member not in without}


def moment(sign: int, now: Callable[[], int] = time.time_ns) -> Callable[[str], int]:
    """Return what makes a time, nanoseconds since the epoch, of a day, an ISO 8601 time, or a span.

    A time without a zone is UTC.

    Args:
        sign: Where a span such as ``90m`` leads to: -1 back from now, 1 on from now.
        now: Gives the time, nanoseconds since the epoch.
    """

    def time_of(value: str) -> int:
        if span := _SPAN.fullmatch(value):
            return now() + sign * int(span[1]) * UNITS[span[2]]
        text = value + next((rest for shape, rest in _MISSING.items() if len(value) == len(shape)), "")
        try:
            return from_iso(text if _ZONE.search(text[10:]) else f"{text}Z")
        except InvalidInput as error:
            accepted = "2026-01-31, 2026-01-31T12:00 (UTC), or a span as 90m, 24h, 7d"
            raise click.BadParameter(f"{value!r} is no time such as {accepted}") from error

    return time_of
