"""A recording, as the scripted exchange plays it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from toucan_data.registry import frame_decoder, venue_class
from toucan_instrument import Exchange
from toucan_instrument.errors import InvalidInput

__all__ = ["Recording", "first_value"]


class Recording:
    """What a venue sent on its streams, and what its REST answered.

    Attributes:
        frames: Time (nanoseconds), stream name and frame, in order; frames of no stream are left out.
        streams: The streams that have frames.
        offered: Those of them that exist today.
        answers: What REST answered: path, query and body, in order.
        asked: What was asked of REST while it is played: path and query.
    """

    def __init__(self, exchange: Exchange, items: Iterable[tuple[int, bytes, str | None]]) -> None:
        """Sort out what was recorded.

        Args:
            exchange: Of which market.
            items: Time, body, and for a REST answer its address; in the order of their times.
        """
        made: Any = venue_class(exchange)
        venue = made()
        decoder = frame_decoder(venue)
        self.frames: list[tuple[int, str, bytes]] = []
        self.answers: list[tuple[str, Mapping[str, str], bytes]] = []
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        for time, body, url in items:
            if url is not None:
                parts = urlsplit(url)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.answers.append((parts.path, query, body))
                continue
            decoder.frame(body, time)
            if decoder.streams:
                self.frames.append((time, decoder.streams[0], body))
        self.streams: frozenset[str] = frozenset(name for _, name, _ in self.frames)
        self.offered: frozenset[str] = frozenset(name for name in self.streams if _exists(venue, name))


def _exists(venue: Any, name: str) -> bool:
    found = venue.streams_of(name)
    if found is None:
        return False
    symbol, kinds = found
    try:
        channel = venue.channel(venue.unchecked(symbol) if symbol else None, kinds[0])
    except InvalidInput:
        return False
    return bool(channel.name == name)


def first_value(body: bytes) -> bytes:
    """Return the first JSON value of a text: recorders have been seen to append notes of their own."""
    text = body.decode("utf-8", "surrogateescape")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return body
    return text[:end].encode("utf-8", "surrogateescape")
