"""What sessions of other protocols than the first one's are given: a made-up venue that needs all of it."""

from typing import Any

import msgspec
import pytest

from toucan_data import BinanceSpot, OrderBooksL1, OrderBooksL2, PublicTrades, Tickers24h
from toucan_data.bookfeeds import maintain, tops_of
from toucan_data.bookrule import BookRule, BookSnapshot, Snapshots
from toucan_data.connection import place
from toucan_data.decoding import SessionDecoder
from toucan_data.events import OrderBookL1, OrderBookL2Snapshot, OrderBookL2Update
from toucan_data.feed import Channel, Feed, FeedState, Limits, SessionContext
from toucan_data.session import StreamSession
from toucan_data.status import DecodeFailed, Gap, Resynced, Silent, SubscriptionFailed
from toucan_instrument.errors import PayloadError

SECOND = 1_000_000_000
START = 1_000 * SECOND
LIMITS = Limits(streams_per_connection=10, control_messages=100)


class Message(msgspec.Struct):
    name: str | None = None
    ok: list[str] | None = None
    gone: list[str] | None = None
    all: list[str] | None = None
    bad: list[str] | None = None
    spoilt: list[str] | None = None
    busy: bool = False
    id: int | None = None
    n: int | None = None
    book: list[Any] | None = None
    change: list[Any] | None = None


DECODER = msgspec.json.Decoder(Message)


class Session(StreamSession):
    """Speaks a made-up protocol: names in groups, answers of every form, numbers over the whole socket."""

    seen = -1

    def request(self, names, request_id, *, subscribe):
        return msgspec.json.encode({"id": request_id, "sub": subscribe, "names": names})

    def probe(self, request_id):
        return b"ping"

    def group(self, name):
        return name.partition(":")[0]

    def standing(self, feeds):
        return ("hb:all",) if feeds else ()

    def take(self, frame, now):
        if frame == b"pong":
            self.ponged(now)
            return
        message = DECODER.decode(frame)
        if message.n is not None:
            if self.seen >= 0 and message.n > self.seen + 1:
                self.lost(self.seen + 1, message.n - 1, now)
            self.seen = message.n
        if message.name is not None:
            self.hand(message.name, message, now)
        elif message.ok is not None:
            self.acked(message.ok, now, message.id)
        elif message.gone is not None:
            self.dropped(message.gone, now)
        elif message.all is not None:
            self.listed(message.all, now)
        elif message.bad is not None:
            self.refused(message.id, 7, "no such stream", now, names=message.bad)
        elif message.spoilt is not None:
            self.rejected(message.id, 8, "bad request", now, bad=message.spoilt)
        elif message.busy:
            self.resend(now, SECOND)
        elif message.id is not None:
            self.answered(message.id, now)
        elif message.n is None:
            raise PayloadError("a frame", raw=frame, cause="neither an event nor an answer")


class Venue(BinanceSpot):
    """The made-up venue; only what is asked for below is its own."""

    def prepare(self, feed, report, want_snapshot, instrument_of):
        name = feed.channel.name
        if not name.startswith("book:"):
            feed.handle = lambda message, now: [sink(message) for sink in feed.sinks]
            return
        rule = BookRule(snapshots=Snapshots.WIRE)
        sync = maintain(feed, feed.channel.instrument, rule, report, want_snapshot, tops=True)

        def handle(message, now):
            if message.book is not None:
                sync.refresh(BookSnapshot(None, *([tuple(level) for level in s] for s in message.book)), now)
            else:
                sync.change(*([tuple(level) for level in side] for side in message.change), None, now)

        feed.handle = handle

    def streams_of(self, name):
        kind, _, symbol = name.partition(":")
        kinds = {"book": (OrderBooksL2, OrderBooksL1), "t": (Tickers24h,)}.get(kind)
        return None if kinds is None else (symbol, kinds)

    def session(self, context, feeds):
        return Session(context, feeds)


class Line:
    """A session, and what it says to whom."""

    def __init__(self, *names, **limits):
        self.told, self.events, self.sent = [], [], []
        self.venue = Venue(limits=msgspec.structs.replace(LIMITS, **limits))
        self.feeds = {name: self.feed(name) for name in names}
        self.session = self.venue.session(self.context(), list(self.feeds.values()))
        self.now = START
        self.session.opened(self.now, self.now, lambda: None)
        self.collect()

    def context(self):
        return SessionContext(
            exchange=self.venue.exchange,
            route="",
            limits=self.venue.limits,
            report=self.told.append,
            rng=lambda: 0.0,
            feed_live=lambda _: None,
            paused=lambda: None,
        )

    def feed(self, name):
        instrument = self.venue.unchecked(name.partition(":")[2])
        kind = OrderBooksL2 if name.startswith("book:") else PublicTrades
        feed = Feed(Channel("", name, instrument, 5 * SECOND), [kind])
        self.venue.prepare(feed, self.told.append, print, self.venue.unchecked)
        feed.deliver_all_to(self.events.append)
        return feed

    def collect(self):
        for frame in self.session.outbox:
            self.sent.append(frame if frame == b"ping" else msgspec.json.decode(frame))
        self.session.outbox.clear()

    def hear(self, **message):
        self.session.receive(msgspec.json.encode(message), self.now)

    def run(self, seconds):
        end = self.now + int(seconds * SECOND)
        while self.session.deadline is not None and self.session.deadline <= end and not self.session.failed:
            self.now = max(self.now, self.session.deadline)
            self.session.tick(self.now)
            self.collect()
        self.now = end
        return self

    def requests(self):
        return [(each["sub"], each["names"]) for each in self.sent if each != b"ping"]

    def of(self, kind):
        return [value for value in self.told if isinstance(value, kind)]


def test_one_message_names_streams_of_one_group_and_heartbeats_come_along():
    line = Line("t:A", "book:A", "t:B")
    assert line.requests() == [(True, ["hb:all"]), (True, ["t:A", "t:B"]), (True, ["book:A"])]
    for number in (1, 2, 3):
        line.hear(id=number)
    assert {feed.state for feed in line.feeds.values()} == {FeedState.ACKED}


def test_messages_are_as_long_as_the_venue_takes():
    line = Line(*(f"t:{number:010}" for number in range(20)), bytes_per_message=120)
    assert all(len(msgspec.json.encode(each)) <= 120 for each in line.sent)
    assert sorted(name for _, names in line.requests()[1:] for name in names) == sorted(line.feeds)


def test_streams_are_acknowledged_one_by_one_and_data_may_come_before():
    line = Line("t:A", "t:B")
    line.hear(name="t:A")
    assert line.feeds["t:A"].state is FeedState.LIVE
    line.hear(ok=["hb:all"])
    line.hear(ok=["t:B"], id=2)
    assert line.feeds["t:B"].state is FeedState.ACKED
    line.run(9)
    assert not line.session.failed
    line.run(2)
    [failed] = line.of(SubscriptionFailed)
    assert failed.channels == ("t:A",)
    assert "no acknowledgement" in line.session.failed


def test_an_answer_that_lists_everything_answers_the_oldest_request():
    line = Line("t:A", "t:B", requests_at_once=1)
    assert line.requests() == [(True, ["hb:all"])]
    line.hear(all=["hb:all"])
    line.run(0)
    assert line.requests()[1:] == [(True, ["t:A", "t:B"])]
    line.hear(all=["hb:all", "t:B"])
    [failed] = line.of(SubscriptionFailed)
    assert failed.channels == ("t:A",)
    assert line.feeds["t:B"].state is FeedState.ACKED
    line.hear(name="t:B")
    line.run(2)
    assert line.requests()[2:] == [(True, ["t:A"])]
    assert not line.session.failed


def test_a_refused_stream_is_tried_again_and_the_others_go_on():
    line = Line("t:A", "t:B")
    line.hear(id=1)
    line.hear(bad=["t:A"], id=2)
    line.hear(ok=["t:B"])
    [failed] = line.of(SubscriptionFailed)
    assert (failed.channels, failed.code) == (("t:A",), 7)
    line.hear(name="t:B")
    line.run(0.9)
    assert len(line.requests()) == 2
    line.run(0.2)
    assert line.requests()[2:] == [(True, ["t:A"])]
    line.hear(bad=["t:Z"])  # never asked for: told, and no more
    assert line.of(SubscriptionFailed)[-1].channels == ("t:Z",)
    assert not line.session.failed


@pytest.mark.parametrize("named", [True, False])
def test_a_request_that_one_stream_spoilt_is_said_again_without_it(named):
    line = Line("t:A", "t:B", "t:C", "t:D")
    line.hear(id=1)
    for _ in range(10):
        waiting = [(number, list(asked.names)) for number, asked in line.session._asks.waiting.items()]
        if not waiting:
            break
        for number, names in waiting:
            if "t:C" in names:
                line.hear(spoilt=["t:C"] if named else [], id=number)
            else:
                line.hear(id=number)
        line.run(0)
    assert [failed.channels for failed in line.of(SubscriptionFailed)] == [("t:C",)]
    states = {name: feed.state for name, feed in line.feeds.items()}
    assert {name for name, state in states.items() if state is FeedState.ACKED} == {"t:A", "t:B", "t:D"}
    assert not line.session.failed


def test_what_was_dropped_for_a_limit_is_said_again():
    line = Line("t:A")
    line.hear(id=1)
    line.hear(busy=True)
    line.run(0.9)
    assert len(line.sent) == 2
    line.run(0.2)
    assert line.requests()[2:] == [(True, ["t:A"])]


def test_pings_are_sent_whatever_arrives_and_must_be_answered():
    line = Line("t:A", ping_ns=3 * SECOND, probe_ns=SECOND)
    line.hear(id=1)
    line.hear(id=2)
    for _ in range(3):
        line.run(2.9)
        line.hear(name="t:A")
        line.run(0.1)
        assert line.sent[-1] == b"ping"
        line.session.receive(b"pong", line.now)
    assert line.sent.count(b"ping") == 3
    line.run(3)
    for _ in range(4):
        line.hear(name="t:A")
        line.run(0.3)
    assert "ping was not answered" in line.session.failed


BOOK = [[["10", "1"]], [["20", "1"]]]


def ready(*names, **limits):
    line = Line(*names, **limits)
    for number in range(1, len(line.sent) + 1):
        line.hear(id=number)
    for name in names:
        if name.startswith("book:"):
            line.hear(name=name, book=BOOK)
    return line


def test_a_broken_book_is_subscribed_anew_while_the_others_flow():
    line = ready("book:A", "book:B")
    before = len(line.sent)
    sync = line.feeds["book:A"].sync
    sync.broken(line.now, None, None, "checksum")
    line.run(0)
    assert line.requests()[before:] == [(False, ["book:A"])]
    line.hear(name="book:A", change=[[["11", "1"]], []])  # of the old subscription
    line.hear(name="book:B", change=[[["11", "1"]], []])
    assert not sync.live
    line.hear(gone=["book:A"])
    line.run(0)
    assert line.requests()[before + 1 :] == [(True, ["book:A"])]
    assert line.feeds["book:A"].missing() == "a synced book"
    line.hear(name="book:A", book=BOOK)
    line.hear(ok=["book:A"])
    assert sync.live
    assert line.feeds["book:A"].state is FeedState.LIVE
    assert [type(value) for value in line.told if isinstance(value, (Gap, Resynced))] == [Gap, Resynced]


def test_a_book_that_breaks_again_and_again_is_renewed_later_and_later():
    line = ready("book:A")
    sync = line.feeds["book:A"].sync
    waits = []
    for _ in range(9):
        sync.broken(line.now, None, None, "checksum")
        begin, before = line.now, len(line.sent)
        while len(line.sent) == before:
            line.run(0.05)
            line.session.alive(line.now)
            assert not line.session.failed
        waits.append((line.now - begin) / SECOND)
        line.hear(gone=["book:A"])
        line.run(0)
        line.hear(ok=["book:A"])
        line.hear(name="book:A", book=BOOK)
    assert waits[0] <= 0.05
    assert waits == sorted(waits)
    assert 15 < waits[-1] <= 31


def test_a_snapshot_that_does_not_come_is_asked_for_again():
    line = ready("t:B", "book:A")
    line.hear(name="t:B")
    line.feeds["book:A"].sync.broken(line.now, None, None)
    line.run(0)
    line.hear(gone=["book:A"])
    line.run(0)
    line.hear(ok=["book:A"])
    before = len(line.sent)
    for _ in range(6):
        line.run(1)
        line.hear(name="t:B")
    assert line.of(Silent)[-1].channel == "book:A"
    assert line.requests()[before:] == [(False, ["book:A"])]
    assert not line.session.failed


def test_a_hole_in_the_numbers_of_a_socket_concerns_all_of_it():
    line = ready("book:A", "book:B", "t:C")
    line.hear(name="t:C", n=5)
    line.hear(n=6)
    assert not line.of(Gap)
    line.hear(name="t:C", n=9)
    gaps = line.of(Gap)
    assert [(gap.instrument.symbol, gap.first_missing, gap.last_missing) for gap in gaps] == [
        ("A", 7, 8),
        ("B", 7, 8),
        ("C", 7, 8),
    ]
    line.run(0)
    assert line.requests()[-1] == (False, ["book:A", "book:B"])
    assert not line.session.failed


def test_the_top_of_a_maintained_book_is_a_kind_of_its_own():
    line = ready("book:A")
    line.hear(name="book:A", change=[[["9", "1"]], []])  # not at the top
    line.hear(name="book:A", change=[[["10", "2"]], []])
    line.hear(name="book:A", change=[[["10", "2"]], [["20", "0"]]])
    tops = [event for event in line.events if isinstance(event, OrderBookL1)]
    assert [(str(top.bid_quantity), top.ask_price and str(top.ask_price)) for top in tops] == [
        ("1", "20"),
        ("2", "20"),
        ("2", None),
    ]
    line.session.closed(line.now)
    again = line.venue.session(line.context(), list(line.feeds.values()))
    again.opened(line.now, line.now, lambda: None)
    again.receive(msgspec.json.encode({"name": "book:A", "book": BOOK}), line.now)
    assert isinstance(line.events[-2], OrderBookL2Snapshot) or isinstance(line.events[-1], OrderBookL1)


def test_nobody_who_listens_costs_nothing_and_whoever_comes_gets_the_next_top():
    line = ready("book:A")
    feed = line.feeds["book:A"]
    feed.deliver_all_to()
    watch = tops_of(feed.outlet(OrderBooksL1))
    watch(feed.book)
    heard = []
    feed.outlet(OrderBooksL1).deliver_to(heard.append)
    watch(feed.book)
    watch(feed.book)
    assert len(heard) == 1


# Recordings.


def read(decoder, **message):
    return decoder.frame(msgspec.json.encode(message), START)


def test_recorded_frames_are_read_by_the_session_itself():
    decoder = SessionDecoder(Venue(limits=LIMITS))
    [update] = read(decoder, name="book:A", change=[[["9", "1"]], []])
    assert isinstance(update, OrderBookL2Update)
    assert update.time_received == START
    assert [type(value) for value in read(decoder, name="book:A", book=BOOK)] == [
        OrderBookL2Snapshot,
        OrderBookL1,
    ]
    assert decoder.streams == ("book:A",)
    assert read(decoder, name="other:A") == []
    assert decoder.streams == ("other:A",)
    assert read(decoder, ok=["x"]) == []
    assert decoder.streams == ()
    assert read(decoder, bad=["x"], id=3) == []
    [failed] = read(decoder, name="book:A", change=5)
    assert isinstance(failed, DecodeFailed)
    read(decoder, n=5)
    [gap] = read(decoder, n=9)
    assert isinstance(gap, Gap)
    counts = decoder.counts
    assert (counts.frames, counts.not_offered, counts.failures, counts.gaps) == (8, 1, 1, 1)
    assert counts.control == 4
    assert decoder.book_of("A").book.best_bid(allow_stale=True).price == 10
    assert decoder.book_of("B") is None


# Which stream on which connection.


class Carrier:
    """As much of a connection as `place` needs."""

    def __init__(self, room):
        self.room, self.feeds = room, {}

    def takes(self, feed):
        slots = {each.channel.slot for each in self.feeds.values()}
        return self.room > 0 and (not feed.channel.slot or feed.channel.slot not in slots)

    def add(self, feeds):
        for feed in feeds:
            self.feeds[feed.channel.name] = feed
            self.room -= 1


def test_streams_of_one_slot_stand_on_connections_of_their_own():
    feeds = [
        Feed(Channel("", name, None, None, slot), [OrderBooksL2])
        for name, slot in (("b10", "book"), ("t", ""), ("b25", "book"), ("b100", "book"), ("u", ""))
    ]
    made = place(feeds, [], lambda route: Carrier(3))
    assert [list(each.feeds) for each in made] == [["b10", "t", "u"], ["b25"], ["b100"]]
