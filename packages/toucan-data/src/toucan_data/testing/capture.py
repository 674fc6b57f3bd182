"""A recording, as the scripted exchange plays it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

import msgspec

__all__ = ["Recording", "first_value"]


class _Name(msgspec.Struct):
    stream: str


_NAME = msgspec.json.Decoder(_Name)


class Recording:
    """What a venue sent on its combined streams, and what its REST answered.

    Attributes:
        frames: Time (nanoseconds), stream name and frame, in order; frames of no stream are left out.
        streams: The streams that have frames.
        symbols: The symbols of those streams, as the venue spells them in REST.
        snapshots: The first recorded snapshot of each book, by the symbol in lower case.
        instruments: The recorded list of instruments, empty if there is none.
    """

    def __init__(self, items: Iterable[tuple[int, bytes, str | None]]) -> None:
        """Sort out what was recorded.

        Args:
            items: Time, body, and for a REST answer its address; in the order of their times.
        """
        self.frames: list[tuple[int, str, bytes]] = []
        self.snapshots: dict[str, bytes] = {}
        self.instruments: bytes = b""
        for time, body, url in items:
            if url is not None:
                self._answer(urlsplit(url).path, parse_qs(urlsplit(url).query), body)
                continue
            try:
                name = _NAME.decode(body).stream
            except ValueError:
                continue
            self.frames.append((time, name, body))
        self.streams: frozenset[str] = frozenset(name for _, name, _ in self.frames)
        self.symbols: frozenset[str] = frozenset(name.partition("@")[0].upper() for name in self.streams)

    def _answer(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        if path.endswith("/exchangeInfo"):
            self.instruments = first_value(body)
        elif path.endswith("/depth") and query.get("symbol"):
            self.snapshots.setdefault(query["symbol"][0].lower(), first_value(body))


def first_value(body: bytes) -> bytes:
    """Return the first JSON value of a text: recorders have been seen to append notes of their own."""
    text = body.decode("utf-8", "surrogateescape")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return body
    return text[:end].encode("utf-8", "surrogateescape")
