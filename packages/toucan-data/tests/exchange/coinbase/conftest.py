"""A connection to Coinbase without a socket: frames in; events, status values and requests out."""

import msgspec
import pytest

from toucan_data.exchange.coinbase import Coinbase, CoinbaseAdvanced
from toucan_data.feed import Feed, SessionContext

SECOND = 10**9


class Line:
    """One connection that follows streams: ``line(("BTC-USD", PublicTrades), ...)``."""

    def __init__(self, venue, *wanted):
        self.venue, self.events, self.told, self.now = venue, [], [], 100 * SECOND
        feeds = {}
        for symbol, kind in wanted:
            channel = venue.channel(venue.unchecked(symbol), kind)
            if channel.name in feeds:
                feeds[channel.name].join(kind, channel.instrument)
                continue
            feed = feeds[channel.name] = Feed(channel, [kind])
            venue.prepare(feed, self.told.append, self.told.append, venue.unchecked)
        self.feeds = list(feeds.values())
        for feed in self.feeds:
            for kind in feed.kinds:
                feed.outlet_of(kind).deliver_to(self.events.append)
        self.connect()

    def connect(self):
        """Open the connection, or another one."""
        context = SessionContext(
            exchange=self.venue.exchange,
            route="",
            limits=self.venue.limits,
            report=self.told.append,
            rng=float,
            feed_live=lambda _: None,
            paused=lambda: None,
        )
        self.session = self.venue.session(context, self.feeds)
        self.session.opened(self.now, self.now, lambda: None)
        return self

    def drop(self):
        """Lose the connection."""
        self.session.closed(self.now)
        return self

    def hear(self, *frames):
        """Take frames, and return the events that they make."""
        before = len(self.events)
        for frame in frames:
            raw = frame if isinstance(frame, bytes) else msgspec.json.encode(frame)
            self.session.receive(raw, self.now)
        return self.events[before:]

    def said(self):
        """Return what was sent since the last time, letting time pass until nothing more is due at once."""
        found = []
        for _ in range(20):
            found += [msgspec.json.decode(frame) for frame in self.session.outbox]
            self.session.outbox.clear()
            self.now += SECOND // 10
            self.session.heard = self.now
            self.session.tick(self.now)
        return found

    def of(self, kind):
        """Return the status values of a type."""
        return [value for value in self.told if isinstance(value, kind)]


@pytest.fixture
def exchange():
    """Follow streams of Exchange."""
    return lambda *wanted: Line(Coinbase(), *wanted)


@pytest.fixture
def advanced():
    """Follow streams of Advanced Trade."""
    return lambda *wanted: Line(CoinbaseAdvanced(), *wanted)
