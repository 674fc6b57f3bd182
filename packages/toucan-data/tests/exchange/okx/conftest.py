"""What the tests of OKX share: frames in, events and status values out."""

from __future__ import annotations

import msgspec
import pytest

from toucan_data.exchange.okx import Okx
from toucan_data.feed import Feed, SessionContext

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND


class Line:
    """A connection of OKX without I/O, and a clock."""

    def __init__(self, wanted, route="public", **changes):
        self.venue = Okx()
        self.told, self.events, self.asked_rest = [], [], []
        self.now = 5
        limits = msgspec.structs.replace(self.venue.limits_of(route), **changes)
        context = SessionContext(
            exchange=self.venue.exchange,
            route=route,
            limits=limits,
            report=self.told.append,
            rng=lambda: 0.5,
            feed_live=lambda _: None,
            paused=lambda: None,
        )
        self.feeds = [self.feed(symbol, kind) for symbol, kind in wanted]
        self.session = self.venue.session(context, self.feeds)
        self.sent = []
        self.session.opened(self.now, START + self.now, lambda: None)
        self.collect()

    def feed(self, symbol, kind):
        instrument = None if symbol is None else self.venue.unchecked(symbol)
        channel = self.venue.channel(instrument, kind)
        feed = Feed(channel, [kind], instrument)
        self.venue.prepare(feed, self.told.append, self.asked_rest.append, self.venue.unchecked)
        feed.deliver_to(self.events.append)
        return feed

    def collect(self):
        self.sent += self.session.outbox
        self.session.outbox.clear()

    def hear(self, *frames):
        """Take frames together, as they come from a socket; return the events that they make."""
        before = len(self.events)
        encoded = [each if isinstance(each, bytes) else msgspec.json.encode(each) for each in frames]
        self.session.reader(lambda: self.now)(encoded)
        if self.session.deadline is not None and self.session.deadline <= self.now:
            self.session.tick(self.now)
        self.collect()
        return self.events[before:]

    def run(self, seconds):
        """Let time pass, ticking when the session wants it."""
        end = self.now + int(seconds * SECOND)
        while self.session.deadline is not None and self.session.deadline <= end and not self.session.failed:
            self.now = max(self.now, self.session.deadline)
            self.session.tick(self.now)
            self.collect()
        self.now = end

    def requests(self):
        return [msgspec.json.decode(each) for each in self.sent if each.startswith(b"{")]

    def ack(self):
        """Answer the last request, channel by channel."""
        request = self.requests()[-1]
        self.hear(*({"id": request["id"], "event": request["op"], "arg": arg} for arg in request["args"]))

    def of(self, kind):
        return [value for value in self.told if isinstance(value, kind)]


@pytest.fixture
def line():
    """Open a connection: ``line([("BTC-USDT", PublicTrades)])``."""
    return Line
