"""One connection's protocol from frames and times alone."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_data import BinanceFuturesUsd, BinanceSpot, OrderBooksL1, OrderBooksL2, PublicTrades
from toucan_data.feed import Feed, FeedState, SessionContext
from toucan_data.sequencer import BookSnapshot
from toucan_data.session import StreamSession
from toucan_data.status import DecodeFailed, Gap, Silent, SubscriptionFailed

SECOND = 1_000_000_000
START = 1_000 * SECOND


class Line:
    """A session, and what it says to whom."""

    def __init__(self, count=1, venue=None, kind=OrderBooksL1, patience=1, **limits):
        self.venue = venue or BinanceSpot()
        self.told, self.events, self.woken, self.sent, self.pauses = [], [], 0, [], []
        self.feeds = [self.feed(f"A{number}USDT", kind) for number in range(count)]
        self.session = self.venue.session(
            SessionContext(
                exchange=self.venue.exchange,
                route=self.feeds[0].channel.route,
                limits=msgspec.structs.replace(self.venue.limits, **limits),
                report=self.told.append,
                rng=lambda: 0.0,
                feed_live=lambda _: None,
                paused=self._paused,
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
        feed.deliver_to(self.events.append)
        return feed

    def _wake(self):
        self.woken += 1

    def _paused(self):
        self.pauses.append(len(self.events))

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


# Answers.


def test_answers_are_matched_by_their_id():
    line = Line(3, names_per_message=1)
    line.run(2)
    assert [request["id"] for _, request in line.sent] == [1, 2, 3]
    line.hear({"id": 2, "result": None})
    states = [feed.state for feed in line.feeds]
    assert states == [FeedState.REQUESTED, FeedState.ACKED, FeedState.REQUESTED]
    for stranger in (2, 77, 0, -1):
        line.hear({"result": None, "id": stranger})
    assert [feed.state for feed in line.feeds] == states
    assert not line.told
    line.run(9)
    [failed] = line.of(SubscriptionFailed)
    assert failed.channels == ("a0usdt@bookTicker",)
    assert failed.code is None


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"code": 2, "msg": "Invalid request"}, "id": None},
        {"error": {"code": 2, "msg": "Invalid request"}},
        {"code": 2, "msg": "Invalid request", "id": "1"},
        {"code": 2, "msg": "Invalid request", "id": 55},
        {"error": {"code": None, "msg": "Invalid request", "more": 1}, "id": 55},
    ],
)
def test_an_error_that_names_no_request_of_ours_ends_the_connection_too(answer):
    """Something that we sent was wrong, and nobody knows what: only a new connection is sure."""
    line = Line()
    line.hear(answer)
    [failed] = line.of(SubscriptionFailed)
    assert (failed.channels, failed.message) == ((), "Invalid request")
    assert "Invalid request" in line.session.failed
    assert not line.session.planned


def test_a_refused_unsubscribe_is_told_and_harms_nothing():
    line = Line(2)
    line.ack()
    line.session.remove(["a1usdt@bookTicker"])
    line.run(1)
    line.hear({"error": {"code": 2, "msg": "no"}, "id": line.sent[-1][1]["id"]})
    assert line.of(SubscriptionFailed)
    assert not line.session.failed
    line.hear(TOP)
    assert line.events


def test_an_unsubscribe_that_is_not_acknowledged_ends_the_connection_in_silence():
    line = Line(2)
    line.ack()
    line.session.remove(["a1usdt@bookTicker"])
    for _ in range(24):
        line.run(0.5)
        line.hear(TOP)
    assert "no acknowledgement" in line.session.failed
    assert not line.of(SubscriptionFailed)  # nothing that the user wants is missing


# First events.


@pytest.mark.parametrize("patience", [1, 2, 16])
def test_streams_that_are_all_silent_end_the_connection_however_late_the_answer_came(patience):
    line = Line(patience=patience)
    line.run(0.2)
    line.ack()
    wait = 60 * patience
    for seconds in [20] * (wait // 20 - 1) + [19]:
        line.session.alive(line.now)
        line.run(seconds)
        assert not line.session.proven
    assert not line.session.failed
    line.run(1)
    [silent] = line.of(Silent)
    assert silent.waited_ns == wait * SECOND
    assert (silent.kind, silent.route, silent.instrument) == (
        "OrderBooksL1",
        "",
        line.feeds[0].channel.instrument,
    )
    assert line.session.silent
    assert line.session.failed
    assert not line.session.proven  # so that the backoff grows


def test_a_stream_that_has_delivered_in_time_is_not_silent():
    line = Line()
    line.ack()
    for _ in range(20):
        line.run(20)
        line.session.alive(line.now)
        if line.now == START + 40 * SECOND:
            line.hear(TOP)
    assert not line.told
    assert not line.session.failed


def test_an_event_before_the_acknowledgement_counts():
    line = Line()
    line.hear(TOP)
    assert line.feeds[0].state is FeedState.LIVE
    line.ack()
    assert line.feeds[0].state is FeedState.LIVE
    line.run(29)
    line.session.alive(line.now)
    line.run(29)
    line.session.alive(line.now)
    line.run(10)
    assert not line.told


# Life.


def test_the_planned_end_is_spread_by_chance_and_before_the_venues():
    ends = []
    for chance in (0.0, 0.5, 0.999):
        line = Line()
        line.session.context = msgspec.structs.replace(line.session.context, rng=lambda chance=chance: chance)
        line.session.opened(START, START, lambda: None)
        ends.append(line.session._ends - START)
    assert ends == sorted(ends, reverse=True)
    assert 22 * 3600 * SECOND < min(ends) < max(ends) < 24 * 3600 * SECOND


def test_a_failed_session_does_nothing_more():
    line = Line()
    line.session.fail("the first reason")
    line.session.fail("the second reason", planned=True)
    assert (line.session.failed, line.session.planned) == ("the first reason", False)
    count = len(line.sent)
    line.run(100)
    assert len(line.sent) == count


@pytest.mark.parametrize(
    "frame", [b'{"e":"serverShutdown","E":1770123456789}', b'{ "e" : "serverShutdown" }']
)
def test_a_shutdown_is_understood_by_the_fast_reader(frame):
    line = Line()
    line.session.reader(lambda: line.now)([frame])
    assert line.session.planned
    assert line.woken


def test_the_end_of_a_connection_sets_its_streams_back():
    line = Line(2, kind=OrderBooksL2)
    line.ack()
    for feed in line.feeds:
        snapshot = BookSnapshot(100, [("1", "1")], [("2", "1")], None, None)
        assert feed.sync.snapshot(snapshot, feed.sync.epoch, 1) == ""
    line.told.clear()
    line.session.closed(line.now)
    assert [gap.reason for gap in line.of(Gap)] == ["disconnected"] * 2
    assert {feed.state for feed in line.feeds} == {FeedState.REQUESTED}
    assert all(feed.missing() == "a synced book" for feed in line.feeds)
    line.session.fail("late")  # wakes nobody: there is no connection
    again = line.venue.session(line.session.context, line.feeds)
    again.opened(line.now, line.now, lambda: None)
    assert msgspec.json.decode(again.outbox[0])["params"] == ["a0usdt@depth@100ms", "a1usdt@depth@100ms"]


def trade(number):
    row = {"T": 1_700_000_000_000, "t": number, "p": "1", "q": "1", "m": True}
    return {"stream": "a0usdt@trade", "data": row}


def test_what_a_lost_connection_cost_is_told_as_such_and_later_holes_are_not():
    line = Line(kind=PublicTrades)
    line.hear(trade(5))
    for first, later in ((6, 9), (20, 30)):
        line.session.closed(line.now)
        line.session = line.venue.session(line.session.context, line.feeds)
        line.session.opened(line.now, line.now, lambda: None)
        line.hear(trade(first))
        line.hear(trade(later))
    holes = [(gap.first_missing, gap.last_missing, gap.reason) for gap in line.of(Gap)]
    assert holes == [(7, 8, "sequence"), (10, 19, "disconnected"), (21, 29, "sequence")]


# Streams that come and go.


def test_streams_are_added_and_given_up_while_it_runs():
    line = Line(1)
    line.ack()
    more = [line.feed(symbol, OrderBooksL1) for symbol in ("B0USDT", "B1USDT")]
    line.session.add(more)
    assert line.woken
    line.run(1)
    line.session.remove(["a0usdt@bookTicker", "never@there"])
    line.run(1)
    said = [(request["method"], request["params"]) for _, request in line.sent]
    assert said == [
        ("SUBSCRIBE", ["a0usdt@bookTicker"]),
        ("SUBSCRIBE", ["b0usdt@bookTicker", "b1usdt@bookTicker"]),
        ("UNSUBSCRIBE", ["a0usdt@bookTicker"]),
    ]
    line.hear(TOP.replace(b"a0usdt", b"b1usdt"))
    line.hear(TOP)  # under way when it was given up
    assert [str(event.instrument) for event in line.events] == ["B1/USDT"]
    assert not line.of(DecodeFailed)


def test_what_was_not_asked_for_yet_is_not_given_up_either():
    line = Line(1)
    line.session.add([line.feed("B0USDT", OrderBooksL1)])
    line.session.remove(["b0usdt@bookTicker"])
    line.run(1)
    assert len(line.sent) == 1


def test_a_stream_that_is_given_up_and_wanted_again_is_asked_for_again():
    line = Line(1)
    line.ack()
    line.session.remove(["a0usdt@bookTicker"])
    again = line.feed("A0USDT", OrderBooksL1)
    line.session.add([again])
    line.run(1)
    line.ack()  # of the leaving: asking for what was not given up yet is an error to many venues
    line.run(1)
    assert [request["method"] for _, request in line.sent] == ["SUBSCRIBE", "UNSUBSCRIBE", "SUBSCRIBE"]
    line.ack()
    line.hear(TOP)
    assert len(line.events) == 1
    assert again.state is FeedState.LIVE


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.booleans(), st.floats(0, 0.5), st.booleans()), max_size=25
    ),
    st.integers(1, 4),
)
def test_in_the_end_the_venue_sends_what_is_wanted_and_nothing_else(steps, names):
    line = Line(1, names_per_message=names)
    wanted, answered = {"a0usdt@bookTicker"}, 0
    for letter, add, wait, answers in steps:
        name = f"{letter}usdt@bookTicker"
        if add and name not in wanted:
            line.session.add([line.feed(f"{letter}USDT".upper(), OrderBooksL1)])
            wanted.add(name)
        elif not add and name in wanted:
            line.session.remove([name])
            wanted.discard(name)
        line.run(wait)
        if answers and answered < len(line.sent):
            line.ack(line.sent[answered][1])
            answered += 1
    line.run(2)
    while answered < len(line.sent):  # what is given up and wanted again waits for the answer between
        line.ack(line.sent[answered][1])
        answered += 1
        line.run(2)
    subscribed = set()
    for _, request in line.sent:
        assert 1 <= len(request["params"]) <= names
        change = subscribed.update if request["method"] == "SUBSCRIBE" else subscribed.difference_update
        change(request["params"])
    assert subscribed == wanted == set(line.session.feeds)


# Frames.


def test_a_long_frame_of_garbage_is_cut_off():
    line = Line()
    line.hear(b"\xff" * 1_000_000)
    [failed] = line.of(DecodeFailed)
    assert len(failed.raw) == 65_536
    assert failed.at_ns == START + 5


@pytest.mark.parametrize(
    "frame",
    [
        TOP.replace(b'"1.0"', b'"\xff"'),
        TOP.replace(b"a0usdt@", b"a0usd\xff@"),
        TOP[:-1],
        TOP + TOP,
        TOP.replace(b'"u":1', b'"u":"1"'),
        TOP.replace(b'"u":1,', b""),
        b'{"stream":"a0usdt@bookTicker"}',
        b'{"stream":"a0usdt@bookTicker","data":null}',
        b'{"stream":"a0usdt@bookTicker","data":[]}',
        b'{"stream":null,"data":{}}',
        b'{"stream":5,"data":{}}',
        b'{"result":null}',
        b'{"result":null,"id":"own"}',
        b'{"e":"somethingNew","E":1}',
        b'{"stream":"',
    ],
)
def test_every_way_to_be_malformed_is_one_value(frame):
    for read in ("receive", "reader"):
        line = Line()
        if read == "reader":
            line.session.reader(lambda now=line.now: now)([frame])
        else:
            line.hear(frame)
        [failed] = line.told
        assert isinstance(failed, DecodeFailed)
        assert failed.raw == frame
        assert failed.error
        assert not line.session.failed
        line.hear(TOP)
        assert len(line.events) == 1


def test_levels_with_more_than_two_members_are_read_and_others_are_not():
    line = Line(kind=OrderBooksL2)
    line.ack()
    [feed] = line.feeds
    assert feed.sync.snapshot(BookSnapshot(100, [("1", "1")], [], None, None), feed.sync.epoch, 1) == ""
    line.told.clear()

    def row(first, bids):
        data = {"e": "depthUpdate", "E": 1_700_000_000_000, "U": first, "u": first, "b": bids, "a": []}
        return {"stream": "a0usdt@depth@100ms", "data": data}

    line.hear(row(101, [["2", "3", []]]))
    line.hear(row(102, [["3", "4", "5", 6]]))
    assert feed.book.texts()[0] == [("3", "4"), ("2", "3"), ("1", "1")]
    assert not line.told
    for number, bad in enumerate(([["2"]], [[]], [[1, 2, 3]], ["2"], [None], {"2": "3"}), 1):
        line.hear(row(103, bad))
        assert len(line.of(DecodeFailed)) == number
    assert feed.book.synced  # nothing of it was used
    line.hear(row(103, [["2", "0"]]))
    assert feed.book.texts()[0] == [("3", "4"), ("1", "1")]


SPELT = st.sampled_from(
    [
        TOP,
        TOP.replace(b":", b" : "),
        b" \n" + TOP,
        TOP.replace(b"@", rb"\u0040"),
        TOP.replace(b'"B":"2"', b'"B":"nan"'),
        b'{"data":{"u":2,"b":"0.0","B":"0","a":"1.1","A":"3"},"stream":"a0usdt@bookTicker"}',
        TOP.replace(b"a0usdt", b"a1usdt"),
        TOP.replace(b"a0usdt", b"a1usdt").replace(b'"A":"3"', b'"A":"4"'),
        TOP.replace(b"a0usdt", b"a2usdt"),  # nobody asked for this one
        TOP.replace(b'Ticker"', b'Ticker2"'),
        TOP[:40],
        TOP + TOP,
        b'{"result":null,"id":1}',
        b"{",
        b"",
    ]
)


@given(st.lists(SPELT, max_size=12), st.integers(1, 5))
def test_the_fast_reader_reads_what_receive_reads(frames, size):
    slow, quick = Line(2), Line(2)
    read = quick.session.reader(lambda: quick.now)
    for frame in frames:
        slow.hear(frame)
    for start in range(0, len(frames), size):
        read(frames[start : start + size])
    assert slow.events == quick.events
    assert slow.told == quick.told
    assert slow.session.proven is quick.session.proven


def test_frames_that_arrived_together_have_one_time():
    line = Line()
    times = iter([START + 1, START + 2])
    read = line.session.reader(lambda: next(times))
    read([TOP, TOP])
    read([TOP])
    assert [event.time_received for event in line.events] == [START + 6, START + 6, START + 7]
    assert line.session.heard == START + 2
    assert line.pauses == [2, 3]  # once for each batch, when its events are there


def test_frames_of_a_stream_that_was_given_up_are_not_read_even_after_one_of_it():
    line = Line(2)
    read = line.session.reader(lambda: line.now)
    read([TOP] * 3)
    line.session.remove(["a0usdt@bookTicker"])
    read([TOP, TOP.replace(b"a0usdt", b"a1usdt"), TOP])
    assert [event.instrument.symbol for event in line.events] == ["A0USDT"] * 3 + ["A1USDT"]
    assert not line.told


def test_a_bug_in_a_handler_comes_out():
    line = Line()

    def broken(_message, _time):
        raise ValueError("a bug")

    line.feeds[0].handle = broken
    with pytest.raises(ValueError, match="a bug"):
        line.session.reader(lambda: line.now)([TOP])
    assert not line.told


def test_a_venue_without_a_fast_reader_wakes_its_readers_as_well():
    line = Line()
    StreamSession.reader(line.session, lambda: line.now)([TOP, b"{", TOP])
    assert (line.pauses, len(line.told)) == ([2], 1)


def test_a_symbol_in_any_script_is_followed():
    line = Line()
    line.session.add([line.feed("币安人生USDT", OrderBooksL1)])
    line.run(1)
    assert line.sent[-1][1]["params"] == ["币安人生usdt@bookTicker"]
    for name in ("币安人生usdt", r"\u5e01\u5b89\u4eba\u751fusdt"):
        line.hear(TOP.replace(b"a0usdt", name.encode()))
    assert [event.instrument.symbol for event in line.events] == ["币安人生USDT"] * 2
    assert not line.told
