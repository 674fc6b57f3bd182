"""A connection to Kraken without I/O: frames in; events, status values and requests out."""

import json

import msgspec
import pytest

from toucan_data.exchange.kraken import KrakenFutures, KrakenSpot
from toucan_data.feed import Feed, SessionContext

SECOND = 10**9


class Line:
    """One connection that follows some streams of a market."""

    def __init__(self, venue, *wanted):
        self.venue, self.events, self.told, self.now = venue, [], [], 0
        self.feeds = {}
        for symbol, kind in wanted:
            channel = venue.channel(venue.unchecked(symbol), kind)
            feed = self.feeds.get(channel.name)
            if feed is None:
                feed = self.feeds[channel.name] = Feed(channel, [kind])
                venue.prepare(feed, self.told.append, lambda _: None, venue.unchecked)
            else:
                feed.join(kind, channel.instrument)
            feed.outlet_of(kind).deliver_to(self.events.append)
        self.open()

    def open(self):
        """Connect, anew if it was connected."""
        self.session = self.venue.session(
            SessionContext(
                exchange=self.venue.exchange,
                route="",
                limits=self.venue.limits,
                report=self.told.append,
                rng=float,
                feed_live=lambda _: None,
                paused=lambda: None,
            ),
            list(self.feeds.values()),
        )
        self.session.opened(self.now, self.now, lambda: None)
        self.wait(0)

    def close(self):
        self.session.closed(self.now)

    def wait(self, seconds):
        """Let time pass; what is due is said."""
        end = self.now + int(seconds * SECOND)
        while not self.session.failed:
            self.session.tick(self.now)
            due = self.session.deadline
            if due is None or due > end:
                break
            self.now = max(self.now + 1_000_000, due)
        self.now = end

    def said(self):
        """Return what was said since the last time."""
        frames = [json.loads(frame) for frame in self.session.outbox]
        self.session.outbox.clear()
        return frames

    def hear(self, *frames):
        """Take frames, and return the events that they make."""
        before = len(self.events)
        for frame in frames:
            body = frame if isinstance(frame, bytes) else msgspec.json.encode(frame)
            self.session.receive(body, self.now)
        return self.events[before:]


@pytest.fixture
def spot():
    """Follow streams of spot: ``spot(("BTC/USD", PublicTrades), ...)``."""
    return lambda *wanted: Line(KrakenSpot(), *wanted)


@pytest.fixture
def futures():
    """Follow streams of the futures."""
    return lambda *wanted: Line(KrakenFutures(), *wanted)
