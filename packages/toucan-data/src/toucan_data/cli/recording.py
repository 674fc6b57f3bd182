"""A folder of a capture, as the demo plays it: whose it is, and what of it is offered today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from toucan_data.decoding import FrameDecoder
from toucan_data.registry import VENUES, exchange_at, frame_decoder, venue_class
from toucan_data.subscription import WHOLE_MARKET, Subscription
from toucan_data.venue import Venue
from toucan_instrument import Exchange
from toucan_instrument.console.captures import Item, expand, read, urls
from toucan_instrument.errors import InvalidInput

__all__ = ["Recording", "load", "venue_at", "venue_of"]


class Recording(msgspec.Struct):
    """What was recorded of one venue.

    Attributes:
        exchange: Whose it is.
        items: Frames and REST answers in the order of their times.
        names: The stream of each of them, None for REST answers and frames of no stream.
        streams: How many frames each stream has, by its name.
        others: Frames that belong to no stream: answers, and what cannot be read.
    """

    exchange: Exchange
    items: list[Item]
    names: list[str | None]
    streams: dict[str, int]
    others: int

    def venue(self) -> Venue:
        """Return the venue at its own addresses."""
        made: Any = venue_class(self.exchange)
        venue: Venue = made()
        return venue

    def only(self, streams: set[str]) -> Iterator[Item]:
        """Iterate REST answers, and the frames of some of the streams."""
        named = zip(self.items, self.names, strict=True)
        return (item for item, name in named if item.url is not None or name in streams)

    def offered(self, venue: Venue) -> dict[str, list[Subscription]]:
        """Return what to subscribe for each of the streams that today's table has."""
        return {name: wanted for name in self.streams if (wanted := _subscriptions(venue, name))}


def load(folder: Path) -> Recording:
    """Read a capture.

    Raises:
        InvalidInput: There is nothing in it, or it is of no venue that is known.
        BrokenFileError: A file cannot be read to its end.
    """
    files = expand([folder])
    exchange = venue_of(folder, files)
    opened = [(str(file), file.open("rb")) for file in files]
    try:
        items = list(read(opened))
    finally:
        for _, file in opened:
            file.close()
    made: Any = venue_class(exchange)
    decoder = frame_decoder(made())
    names: list[str | None] = []
    streams: dict[str, int] = {}
    others = 0
    for item in items:
        names.append(_name(decoder, item))
        if item.url is not None:
            continue
        name = names[-1]
        if name is None:
            others += 1
        else:
            streams[name] = streams.get(name, 0) + 1
    if not streams:
        raise InvalidInput(
            "there is no frame of a stream in it",
            field="--capture",
            value=str(folder),
            accepted="a folder of session*.jsonl.gz and rest*.jsonl.gz",
        )
    return Recording(exchange, items, names, streams, others)


def venue_of(folder: Path, files: list[Path]) -> Exchange:
    """Return whose recording a folder is: by its name, else by the addresses in it.

    Raises:
        InvalidInput: Neither says.
    """
    for exchange in VENUES:
        if folder.resolve().name == exchange.value:
            return exchange
    for url in urls(files):
        found = exchange_at(url)
        if found is not None:
            return found
    raise InvalidInput(
        "neither its name nor the addresses in it say whose recording it is",
        field="--capture",
        value=str(folder),
        accepted=f"a folder named {', '.join(exchange.value for exchange in VENUES)}",
    )


def _name(decoder: FrameDecoder, item: Item) -> str | None:
    """Return the stream of a frame, of several the first."""
    if item.url is not None:
        return None
    decoder.frame(item.frame, item.time_received)
    return next(iter(decoder.streams), None)


def _subscriptions(venue: Venue, name: str) -> list[Subscription]:
    """Return what asks for a stream today, nothing where nothing does."""
    found = venue.streams_of(name)
    if found is None:
        return []
    symbol, kinds = found
    instrument = venue.unchecked(symbol) if symbol else None
    try:
        named = {venue.channel(instrument, kind).name for kind in kinds}
    except InvalidInput:
        return []
    if named != {name}:
        return []
    return [Subscription(venue, instrument or WHOLE_MARKET, kind) for kind in kinds]


def venue_at(exchange: Exchange, ws_url: str, rest_url: str) -> Venue:
    """Return the venue of an exchange at other addresses."""
    made: Any = venue_class(exchange)
    venue: Venue = made(ws_url=ws_url, rest_url=rest_url)
    return venue
