"""The parameters of a request, read as strictly as the venue reads them (facts C.1, C.9.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import msgspec

from toucan_execution.testing.sandbox.errors import ApiError, illegal, missing, unread

__all__ = ["Params", "Span"]

T = TypeVar("T")

DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
LEGAL_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER = re.compile(r"-?[0-9]{1,20}")
LEGAL_INTEGER = r"^-?[0-9]{1,20}$"
FLAGS = {"true": True, "false": False}
SIGNING = frozenset({"apiKey", "recvWindow", "signature", "timestamp"})


class Span(NamedTuple):
    """The time that a history is asked for.

    Attributes:
        since_ns: Where it begins, nanoseconds since the epoch.
        until_ns: Where it ends, which belongs to it.
        from_start: Whether its beginning was said: its first rows are wanted then, else its last.
    """

    since_ns: int
    until_ns: int
    from_start: bool

    def has(self, time_ns: int) -> bool:
        """Tell whether a moment lies within."""
        return self.since_ns <= time_ns <= self.until_ns


class Params:
    """What a request says: over REST texts, over the WebSocket API JSON values.

    A parameter that is there and empty counts as not sent. Names that a request must or may have are
    checked before anything is done; the readers below raise the venue's error for what cannot be meant.

    Args:
        values: By name.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __contains__(self, name: str) -> bool:
        """Tell whether a parameter was sent, and is not empty."""
        return self._values.get(name) not in (None, "")

    @property
    def names(self) -> tuple[str, ...]:
        """What was sent, without what every signed request has."""
        return tuple(name for name in self._values if name not in SIGNING)

    @property
    def texts(self) -> dict[str, str]:
        """All that was sent, as texts."""
        return {name: _text(value) for name, value in self._values.items() if value is not None}

    def check(self, required: Iterable[str], optional: Iterable[str]) -> None:
        """Refuse a request that lacks a parameter, or has one that nobody reads.

        Raises:
            ApiError: -1102 or -1104.
        """
        needed = tuple(required)
        for name in needed:
            if name not in self:
                raise missing(name)
        known = {*needed, *optional, *SIGNING}
        read = sum(1 for name in self._values if name in known)
        if read < len(self._values):
            raise unread(read, len(self._values))

    def text(self, name: str, default: str = "") -> str:
        """Return a text, or the default where it was not sent."""
        return _text(self._values[name]) if name in self else default

    def decimal(self, name: str) -> Decimal | None:
        """Return a number in plain notation, None where it was not sent.

        Raises:
            ApiError: -1100: no such number, such as ``1e-05``.
        """
        if name not in self:
            return None
        text = self.text(name)
        if not DECIMAL.fullmatch(text):
            raise illegal(name, LEGAL_DECIMAL)
        return Decimal(text)

    def integer(self, name: str) -> int | None:
        """Return a whole number, None where it was not sent.

        Raises:
            ApiError: -1100: no such number.
        """
        if name not in self:
            return None
        text = self.text(name)
        if not INTEGER.fullmatch(text):
            raise illegal(name, LEGAL_INTEGER)
        return int(text)

    def limit(self, default: int, most: int) -> int:
        """Return how many rows are wanted, no more than the venue gives.

        Raises:
            ApiError: -1100, or -1130: below 1.
        """
        wanted = self.integer("limit")
        if wanted is None:
            return default
        if wanted < 1:
            raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(wanted, most)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a yes or no.

        Raises:
            ApiError: -1130: it is neither ``true`` nor ``false``.
        """
        if name not in self:
            return default
        found = FLAGS.get(self.text(name).lower())
        if found is None:
            raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return found

    def word(self, name: str, words: Mapping[str, T], error: ApiError | None = None) -> T | None:
        """Return what a word means, None where none was sent.

        Args:
            name: The parameter.
            words: Those that there are.
            error: What another is answered with, None for -1130.

        Raises:
            ApiError: It is none of them.
        """
        if name not in self:
            return None
        found = words.get(self.text(name))
        if found is None:
            raise error or ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return found

    def array(self, name: str) -> list[Any] | None:
        """Return a list: a JSON text over REST, a JSON list over the WebSocket API; None for none.

        Raises:
            ApiError: -1130: it is no list.
        """
        if name not in self:
            return None
        value = self._values[name]
        if isinstance(value, str):
            try:
                value = msgspec.json.decode(value)
            except msgspec.DecodeError:
                value = None
        if not isinstance(value, list):
            raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value

    def __repr__(self) -> str:
        """Show the names alone: values may be secret."""
        return f"Params({', '.join(self._values)})"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
