"""What is followed of one venue: its instruments, streams and connections."""

from __future__ import annotations

import asyncio
from typing import Any

from toucan_data.connection import Connection
from toucan_data.feed import Feed
from toucan_data.kinds import Kind
from toucan_data.snapshots import SnapshotLoader
from toucan_data.subscription import Pair
from toucan_data.venue import Venue
from toucan_instrument import Catalogue, Instrument

__all__ = ["Market"]


class Market:
    """What is followed of one venue.

    Attributes:
        venue: Which.
        snapshots: Fetches the snapshots of its books.
        catalogue: Its instruments, None as long as nobody needed them.
        feeds: The streams that are followed, by route and name.
        subscribed: What was subscribed, and the stream that serves it.
        connections: The connections, and the tasks that keep them up.
        opened: How many connections have been made.
    """

    def __init__(self, venue: Venue, snapshots: SnapshotLoader) -> None:
        """Start with nothing followed."""
        self.venue = venue
        self.snapshots = snapshots
        self.catalogue: Catalogue | None = None
        self.feeds: dict[tuple[str, str], Feed] = {}
        self.subscribed: dict[tuple[Instrument | None, Kind[Any]], Feed] = {}
        self.connections: dict[Connection, asyncio.Task[None]] = {}
        self.opened = 0
        self._unchecked: dict[str, Instrument] = {}

    def instrument_of(self, symbol: str) -> Instrument:
        """Return the instrument of a row that names only its symbol."""
        if self.catalogue is not None and symbol in self.catalogue:
            return self.catalogue[symbol]
        found = self._unchecked.get(symbol)
        if found is None:
            found = self._unchecked[symbol] = self.venue.unchecked(symbol)
        return found

    def find(self, target: Pair | str, *, unchecked: bool) -> Instrument:
        """Return the instrument that is meant.

        Raises:
            UnknownSymbol: There is none; unchecked symbols are taken as they are.
        """
        if unchecked:
            symbol = self.venue.symbol(target.base, target.quote) if isinstance(target, Pair) else target
            return self.instrument_of(self.venue.spelling(symbol))
        catalogue = self.catalogue
        if catalogue is None:
            raise LookupError("the catalogue was not loaded")
        if isinstance(target, Pair):
            return catalogue.find(target.base, target.quote, target.kind)
        found: Instrument = catalogue[target]
        return found
