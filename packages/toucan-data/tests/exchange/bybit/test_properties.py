"""Whatever is lost, repeated or begun anew on the way: in the end the book is the venue's."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from toucan_data import BybitSpot, Exchange, Gap, OrderBooksL2, Resynced
from toucan_data.feed import Feed, SessionContext
from toucan_data.testing.dialect import Client
from toucan_data.testing.dialects.bybit import dialect
from toucan_instrument.testing.market import SeededMarket

SECOND = 1_000_000_000
SYMBOL = "BTCUSDT"


class Venue:
    """A session and what it talks to, without a socket: frames are lost and repeated as a list says."""

    def __init__(self, seed, depth):
        self.dialect = dialect(Exchange.BYBIT_SPOT)
        listed = [self.dialect.listed(SYMBOL)]
        self.market = SeededMarket(listed, seed=seed, levels=60)
        self.client, self.told, self.now = Client(None, Exchange.BYBIT_SPOT), [], SECOND
        venue, kind = BybitSpot(), OrderBooksL2(depth=depth)
        self.feed = Feed(venue.channel(listed[0], kind), [kind])
        venue.prepare(self.feed, self.told.append, print, venue.unchecked)
        context = SessionContext(
            exchange=venue.exchange,
            route="",
            limits=venue.limits,
            report=self.told.append,
            rng=float,
            feed_live=lambda _: None,
            paused=lambda: None,
        )
        self.session = venue.session(context, [self.feed])
        self.session.opened(self.now, self.now, lambda: None)
        self.talk()

    def talk(self):
        """Answer what the session has said."""
        for _ in range(4):
            self.now += SECOND // 2
            self.session.tick(self.now)
            said, self.session.outbox[:] = list(self.session.outbox), []
            for text in map(bytes, said):
                meant = self.dialect.understand(self.client, text)
                for name in meant.subscribe:
                    self.client.streams[name] = None
                    for payload in self.dialect.opening(self.client, name, self.market):
                        self.hear(self.dialect.frame(self.client, name, payload))
                for name in meant.unsubscribe:
                    self.client.streams.pop(name, None)
                answers = (
                    self.dialect.ack(self.client, meant, meant.subscribe) if meant.request else meant.replies
                )
                for answer in answers:
                    self.hear(answer)

    def hear(self, frame):
        self.session.receive(frame, self.now)

    def step(self, fate):
        """Let the market move; what it sends is taken, lost, taken twice, or becomes a new snapshot."""
        for tick in self.market.step(self.market.now_ns + 10_000_000):
            for name, payload in self.dialect.publish(tick, set(self.client.streams), self.market, None):
                frame = self.dialect.frame(self.client, name, payload)
                for _ in range({"lost": 0, "twice": 2}.get(fate, 1)):
                    self.hear(frame)
                if fate == "restart":
                    self.dialect._updates[name] = 1
                    [whole] = self.dialect.opening(self.client, name, self.market)
                    self.hear(self.dialect.frame(self.client, name, whole))
        self.talk()


@pytest.mark.parametrize("depth", [50, 1000])
@given(
    seed=st.integers(0, 1_000),
    fates=st.lists(st.sampled_from(["taken", "taken", "lost", "twice", "restart"]), max_size=30),
)
def test_the_book_is_the_venues_in_the_end(depth, seed, fates):
    venue = Venue(seed, depth)
    for fate in [*fates, "taken", "taken"]:
        venue.step(fate)
        if fate == "restart":
            assert venue.feed.book.synced
    for _ in range(8):  # a renewal waits longer each time
        venue.talk()
    book, picture = venue.feed.book, venue.market.book(SYMBOL, depth)
    assert book.synced
    held = [[(Decimal(price), Decimal(size)) for price, size in side] for side in book.texts()]
    assert held == [list(picture.bids), list(picture.asks)]
    assert not venue.session.failed
    gaps = sum(isinstance(value, Gap) for value in venue.told)
    assert gaps <= fates.count("lost")
    assert gaps <= sum(isinstance(value, Resynced) for value in venue.told)


def test_requests_of_the_property_are_the_venues_own():
    venue = Venue(1, 1000)
    assert json.loads(venue.session.request(("a", "b"), 7, subscribe=False)) == {
        "req_id": "7",
        "op": "unsubscribe",
        "args": ["a", "b"],
    }
