"""A folder of a capture, as the demo plays it: whose it is, and what of it is offered today."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from toucan_data.registry import VENUES, venue_class
from toucan_data.subscription import WHOLE_MARKET, Subscription
from toucan_data.venue import Venue
from toucan_instrument import Exchange
from toucan_instrument.asset import upper_ascii
from toucan_instrument.console.captures import Item, expand, read, urls
from toucan_instrument.errors import InvalidInput

__all__ = ["Recording", "load", "venue_at", "venue_of"]

HOSTS: dict[str, Exchange] = {
    "stream.binance.us": Exchange.BINANCE_US_SPOT,
    "api.binance.us": Exchange.BINANCE_US_SPOT,
    "fstream.binance.com": Exchange.BINANCE_USD_M,
    "fapi.binance.com": Exchange.BINANCE_USD_M,
    "dstream.binance.com": Exchange.BINANCE_COIN_M,
    "dapi.binance.com": Exchange.BINANCE_COIN_M,
    "stream.binance.com": Exchange.BINANCE_SPOT,
    "data-stream.binance.vision": Exchange.BINANCE_SPOT,
    "api.binance.com": Exchange.BINANCE_SPOT,
}
"""Whose recording one is, by the hosts in it, where its folder's name does not say."""


class _Combined(msgspec.Struct):
    stream: str
    data: msgspec.Raw


_COMBINED = msgspec.json.Decoder(_Combined)


class Recording(msgspec.Struct):
    """What was recorded of one venue.

    Attributes:
        exchange: Whose it is.
        items: Frames and REST answers in the order of their times.
        streams: How many frames each stream has, by its name.
        others: Frames that belong to no stream: answers, and what cannot be read.
    """

    exchange: Exchange
    items: list[Item]
    streams: dict[str, int]
    others: int

    def venue(self) -> Venue:
        """Return the venue at its own addresses."""
        made: Any = venue_class(self.exchange)
        venue: Venue = made()
        return venue

    def only(self, streams: set[str]) -> Iterator[Item]:
        """Iterate REST answers, and the frames of some of the streams."""
        return (item for item in self.items if item.url is not None or _name(item) in streams)

    def offered(self, venue: Venue) -> dict[str, Subscription]:
        """Return what to subscribe for each of the streams that today's table has."""
        return {name: wanted for name in self.streams if (wanted := _subscription(venue, name))}


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
    streams: dict[str, int] = {}
    others = 0
    for item in items:
        if item.url is not None:
            continue
        name = _name(item)
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
    return Recording(exchange, items, streams, others)


def venue_of(folder: Path, files: list[Path]) -> Exchange:
    """Return whose recording a folder is: by its name, else by the addresses in it.

    Raises:
        InvalidInput: Neither says.
    """
    for exchange in VENUES:
        if folder.resolve().name == exchange.value:
            return exchange
    for url in urls(files):
        found = HOSTS.get(urlsplit(url).hostname or "")
        if found is not None:
            return found
    raise InvalidInput(
        "neither its name nor the addresses in it say whose recording it is",
        field="--capture",
        value=str(folder),
        accepted=f"a folder named {', '.join(exchange.value for exchange in VENUES)}",
    )


def _name(item: Item) -> str | None:
    try:
        return _COMBINED.decode(item.frame).stream
    except (ValueError, RecursionError):
        return None


def _subscription(venue: Venue, name: str) -> Subscription | None:
    """Return what asks for a stream today, None where nothing does."""
    module, _ = VENUES[venue.exchange]
    found: tuple[str, Any] | None = import_module(f"{module}.streams").kind_of(venue.exchange, name)
    if found is None:
        return None
    symbol, kind = found
    instrument = venue.unchecked(upper_ascii(symbol)) if symbol else None
    try:
        channel = venue.channel(instrument, kind)
    except InvalidInput:
        return None
    if channel.name != name:
        return None
    return Subscription(venue, instrument or WHOLE_MARKET, kind)


def venue_at(exchange: Exchange, ws_url: str, rest_url: str) -> Venue:
    """Return the venue of an exchange at other addresses."""
    made: Any = venue_class(exchange)
    venue: Venue = made(ws_url=ws_url, rest_url=rest_url)
    return venue
