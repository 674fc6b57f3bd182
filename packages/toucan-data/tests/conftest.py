"""Property tests are short by default; HYPOTHESIS_PROFILE=full (`nox -s properties`): long."""

from __future__ import annotations

import os

import msgspec
import pytest
from hypothesis import settings

from toucan_data.feed import Feed

# No deadlines: a busy machine is no failure. No database: no run depends on an earlier one.
settings.register_profile("toucan", deadline=None, database=None, print_blob=True)
settings.register_profile("quick", settings.get_profile("toucan"), max_examples=25)
settings.register_profile("full", settings.get_profile("toucan"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

PART = frozenset({"binance-usd-m", "coinbase-advanced", "kraken-spot"})
"""The venues of a partial run (``TOUCAN_MATRIX=part``): they differ most from one another."""


def pytest_collection_modifyitems(config, items):
    """In a partial run, leave out what the suites that all venues inherit do for the others."""
    if os.environ.get("TOUCAN_MATRIX") != "part":
        return
    chosen, left = [], []
    for item in items:
        exchange = getattr(item, "callspec", None) and item.callspec.params.get("exchange")
        shared = item.path.parent.name in {"contract", "loopback"}
        (left if shared and exchange is not None and str(exchange) not in PART else chosen).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = chosen


class Tap:
    """One stream that is followed without a connection: frames in, events and status values out."""

    def __init__(self, venue, symbol, kind):
        self.venue, self.events, self.told, self.wanted = venue, [], [], []
        self.instrument = None if symbol is None else venue.unchecked(symbol)
        self.feed = Feed(venue.channel(self.instrument, kind), [kind])
        venue.prepare(self.feed, self.told.append, self.wanted.append, venue.unchecked)
        self.feed.deliver_to(self.events.append)

    def hear(self, payload, now=7):
        """Take a payload, and return the events that it makes."""
        before = len(self.events)
        body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        self.feed.handle(self.feed.decode(b'{"stream":"any","data":' + body + b"}").data, now)
        return self.events[before:]


@pytest.fixture
def tap():
    """Follow a stream of a venue: ``tap(BinanceSpot(), "BTCUSDT", PublicTrades)``."""
    return Tap
