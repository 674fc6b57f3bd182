"""One connection's protocol from frames and times alone."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_data import BinanceFuturesUsd, BinanceSpot, OrderBooksL1, PublicTrades
from toucan_data.feed import Feed, FeedState, SessionContext
from toucan_data.status import DecodeFailed, Silent, SubscriptionFailed

SECOND = 1_000_000_000
START = 1_000 * SECOND


class Line:
    """A session, and what it says to whom."""

    def __init__(self, count=1, venue=None, kind=OrderBooksL1, patience=1, **limits):
        self.venue = venue or BinanceSpot()
        self.told, self.events, self.woken, self.sent = [], [], 0, []
        self.feeds = [self.feed(f"A{number}USDT", kind) for number in range(count)]
        self.session = self.venue.session(
            SessionContext(
                exchange=self.venue.exchange,
                route=self.feeds[0].channel.route,
                limits=msgspec.structs.replace(self.venue.limits, **limits),
                report=self.told.append,
                rng=lambda: 0.0,
                feed_live=lambda _: None,
                paused=lambda: None,
                patience=patience,
            ),
            self.feeds,
        )
        self.now = START
        self.session.opened(self.now, self.now + 5, self._wake)
        self._collect()

    def feed(self, symbol, kind):
        feed = Feed(self.venue.channel(self.venue.unchecked(symbol), kind), [kind])
        self.venue.prepare(feed, self.told.append, self.told.append, self.venue.unchecked)
        feed.sinks.append(self.events.append)
        return feed

    def _wake(self):
        self.woken += 1

    def _collect(self):
        self.sent += [(self.now, msgspec.json.decode(frame)) for frame in self.session.outbox]
        self.session.outbox.clear()

    def hear(self, frame):
        self.session.receive(frame if isinstance(frame, bytes) else msgspec.json.encode(frame), self.now)

    def run(self, seconds):
        """Let time pass, ticking when the session wants it."""
        end = self.now + int(seconds * SECOND)
        while self.session.deadline is not None and self.session.deadline <= end and not self.session.failed:
            self.now = max(self.now, self.session.deadline)
            self.session.tick(self.now)
            self._collect()
        self.now = end

    def ack(self, request=None):
        self.hear({"result": None, "id": (request or self.sent[-1][1])["id"]})

    def of(self, kind):
        return [value for value in self.told if isinstance(value, kind)]


TOP = b'{"stream":"a0usdt@bookTicker","data":{"u":1,"s":"A0USDT","b":"1.0","B":"2","a":"1.1","A":"3"}}'


def test_streams_are_asked_for_in_batches_within_the_limit():
    line = Line(1_000, names_per_message=100)
    line.run(3)
    assert [len(request["params"]) for _, request in line.sent] == [100] * 10
    assert [request["id"] for _, request in line.sent] == list(range(1, 11))
    gaps = [b - a for (a, _), (b, _) in zip(line.sent, line.sent[1:], strict=False)]
    assert min(gaps) >= line.venue.limits.control_window_ns


@given(
    counts=st.lists(st.tuples(st.integers(0, 30), st.floats(0, 1)), max_size=8),
    limit=st.integers(1, 5),
)
def test_never_more_messages_than_the_limit_in_any_window(counts, limit):
    line = Line(1, control_messages=limit, control_window_ns=SECOND, names_per_message=2)
    number = 1
    for count, wait in counts:
        line.session.add([line.feed(f"B{number + i}USDT", OrderBooksL1) for i in range(count)])
        number += count
        line.run(wait)
    line.run(5)
    times = [at for at, _ in line.sent]
    for index, at in enumerate(times):
        assert sum(at <= other < at + SECOND for other in times[index:]) <= limit


def test_an_event_is_read_stamped_and_proves_the_connection():
    line = Line()
    assert not line.session.proven
    line.hear(TOP)
    [event] = line.events
    assert (str(event.bid_price), str(event.ask_quantity)) == ("1.0", "3")
    assert event.time_received == START + 5
    assert event.time_exchange is None
    assert line.session.proven
    assert line.feeds[0].state is FeedState.LIVE


@pytest.mark.parametrize(
    "frame",
    [
        b'{"data":{"u":1,"s":"A0USDT","b":"1.0","B":"2","a":"1.1","A":"3"},"stream":"a0usdt@bookTicker"}',
        b'{ "stream" : "a0usdt@bookTicker" , "data" : {"u":1,"b":"1.0","B":"2","a":"1.1","A":"3","new":[]}}',
        rb'{"stream":"a0usdt\u0040bookTicker","data":{"u":1,"b":"1.0","B":"2","a":"1.1","A":"3"},"x":1}',
    ],
)
def test_the_same_frame_in_another_spelling_is_the_same(frame):
    line = Line()
    line.hear(frame)
    assert str(line.events[0].bid_price) == "1.0"
    assert not line.told


@pytest.mark.parametrize(
    "answer", [{"error": {"code": 4, "msg": "Too many"}, "id": 1}, {"code": 4, "msg": "Too many", "id": 1}]
)
def test_an_error_answer_is_an_error(answer):
    line = Line()
    line.hear(answer)
    [failed] = line.of(SubscriptionFailed)
    assert (failed.code, failed.message, failed.channels) == (4, "Too many", ("a0usdt@bookTicker",))
    assert "Too many" in line.session.failed
    assert line.woken


def test_the_deadline_of_an_acknowledgement_is_not_moved_by_data():
    line = Line()
    for _ in range(30):
        line.run(0.5)
        line.hear(TOP)
    assert "no acknowledgement" in line.session.failed
    assert line.of(SubscriptionFailed)


def test_a_stream_that_delivers_nothing_is_told_and_alone_it_ends_the_connection():
    line = Line(2)
    line.ack()
    line.hear(TOP)
    for _ in range(8):
        line.run(10)
        line.hear({"result": [], "id": 99})
    [silent] = line.of(Silent)
    assert silent.channel == "a1usdt@bookTicker"
    assert not line.session.failed
    alone = Line(1)
    alone.ack()
    for _ in range(8):
        alone.run(10)
        alone.hear({"result": [], "id": 99})
    assert alone.session.silent
    assert "none of them" in alone.session.failed
    patient = Line(1, patience=4)
    patient.ack()
    for _ in range(8):
        patient.run(10)
        patient.hear({"result": [], "id": 99})
    assert not patient.session.failed


def test_a_peer_that_says_nothing_is_probed_and_given_up():
    line = Line(kind=PublicTrades)
    line.ack()
    line.run(31)
    assert line.sent[-1][1]["method"] == "LIST_SUBSCRIPTIONS"
    line.hear({"result": [], "id": line.sent[-1][1]["id"]})
    line.run(29)
    assert not line.session.failed
    line.run(15)
    assert "probe was not answered" in line.session.failed


def test_pings_are_a_sign_of_life():
    line = Line(kind=PublicTrades)
    line.ack()
    for _ in range(20):
        line.run(20)
        line.session.alive(line.now)
    assert not line.session.failed
    assert len(line.sent) == 1
    assert line.session.proven  # a connection of quiet streams that lasts


@pytest.mark.parametrize(
    "notice",
    [{"e": "serverShutdown", "E": 1}, {"stream": "!serverShutdown", "data": {"e": "serverShutdown"}}],
)
def test_an_announced_shutdown_is_a_planned_end(notice):
    line = Line()
    line.hear(notice)
    assert line.session.planned
    assert not line.of(DecodeFailed)


def test_a_connection_ends_as_planned_before_the_venue_ends_it():
    line = Line()
    line.ack()
    line.hear(TOP)
    for _ in range(23 * 180 + 1):
        line.run(20)
        line.hear(TOP)
        if line.session.failed:
            break
    assert line.session.planned
    assert line.now - START < 24 * 3600 * SECOND


def test_what_was_given_up_may_still_arrive_and_what_was_never_asked_for_may_not():
    line = Line(2)
    line.session.remove(["a0usdt@bookTicker"])
    line.hear(TOP)
    assert not line.told
    assert not line.events
    line.hear(TOP.replace(b"a0usdt@", b"zzusdt@"))
    assert "not asked for" in line.of(DecodeFailed)[0].error
    line.run(1)
    assert line.sent[-1][1]["method"] == "UNSUBSCRIBE"


@pytest.mark.parametrize("frame", [b"", b"{", b"\xff", b"[1]", b"1", b"{}", b'{"id":1}', b"[" * 100_000])
def test_garbage_is_one_value_and_no_end(frame):
    line = Line()
    line.hear(frame)
    assert len(line.of(DecodeFailed)) == 1
    assert not line.session.failed
    line.hear(TOP)
    assert line.events


@given(st.binary(max_size=200))
def test_no_frame_makes_it_raise(frame):
    line = Line()
    line.hear(frame)
    line.hear(b'{"stream":"a0usdt@bookTicker","data":' + frame)
    assert not line.events


@pytest.mark.parametrize("bad", ['"NaN"', '"x"', '""', "null", "1.5", "[]"])
def test_a_number_that_is_none_is_one_value(bad):
    line = Line()
    line.hear(TOP.replace(b'"1.0"', bad.encode()))
    assert len(line.of(DecodeFailed)) == 1
    assert not line.events


def test_usd_m_streams_stand_on_two_routes():
    venue = BinanceFuturesUsd()
    instrument = venue.unchecked("BTCUSDT")
    routes = {repr(kind): venue.channel(instrument, kind).route for kind in (OrderBooksL1, PublicTrades)}
    assert routes == {"OrderBooksL1": "public", "PublicTrades": "market"}
    assert venue.url("public") == "wss://fstream.binance.com/public/stream"
