"""One connection: what is asked, what is answered, and what that means."""

import json

import msgspec
import pytest

from toucan_data import BybitLinear, BybitOption, BybitSpot, OrderBooksL2, PublicTrades, Tickers24h
from toucan_data.feed import Feed, FeedState, SessionContext
from toucan_data.status import DecodeFailed, Gap, Resynced, SubscriptionFailed

SECOND = 1_000_000_000
START = 1_000 * SECOND


class Line:
    """A session, and what it says to whom."""

    def __init__(self, venue, *wanted):
        self.venue, self.told, self.events, self.sent = venue, [], [], []
        self.feeds = {}
        for symbol, kind in wanted:
            channel = venue.channel(venue.unchecked(symbol), kind)
            feed = self.feeds[channel.name] = Feed(channel, [kind], venue.unchecked(symbol))
            venue.prepare(feed, self.told.append, self.told.append, venue.unchecked)
            feed.deliver_all_to(self.events.append)
        context = SessionContext(
            exchange=venue.exchange,
            route="",
            limits=venue.limits,
            report=self.told.append,
            rng=lambda: 0.0,
            feed_live=lambda _: None,
            paused=lambda: None,
        )
        self.session, self.now = venue.session(context, list(self.feeds.values())), START
        self.session.opened(self.now, self.now, lambda: None)
        self.run(0)

    def run(self, seconds):
        """Let time pass, ticking when the session wants it."""
        end = self.now + int(seconds * SECOND)
        while True:
            self.sent += [json.loads(frame) for frame in self.session.outbox]
            self.session.outbox.clear()
            due = self.session.deadline
            if due is None or due > end or self.session.failed:
                break
            self.now = max(self.now, due)
            self.session.tick(self.now)
        self.now = end

    def hear(self, frame, seconds=1):
        self.session.receive(frame if isinstance(frame, bytes) else msgspec.json.encode(frame), self.now)
        self.run(seconds)

    def ack(self, **more):
        last = self.sent[-1]
        self.hear({"success": True, "ret_msg": "", "conn_id": "c", "req_id": last["req_id"], "op": last["op"],
                   **more})  # fmt: skip

    def of(self, kind):
        return [value for value in self.told if isinstance(value, kind)]

    @property
    def states(self):
        return [feed.state for feed in self.feeds.values()]


def trade(symbol, side="Buy"):
    row = {"T": 1_700_000_000_000, "s": symbol, "S": side, "v": "1", "p": "2", "i": "x"}
    return {"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": 1, "data": [row]}


def book(kind, update, bids=(), asks=(), symbol="BTCUSDT"):
    data = {"s": symbol, "b": bids, "a": asks, "u": update, "seq": 7}
    return {"topic": f"orderbook.1000.{symbol}", "type": kind, "ts": 1_700_000_000_000, "data": data}


def test_ten_topics_a_message_one_message_at_a_time():
    line = Line(BybitSpot(), *((f"A{number}USDT", PublicTrades) for number in range(25)))
    line.run(5)
    assert [len(message["args"]) for message in line.sent] == [10]  # answers need not say whose they are
    line.ack(ret_msg="subscribe")
    line.ack(ret_msg="subscribe")
    assert [len(message["args"]) for message in line.sent] == [10, 10, 5]
    assert [message["req_id"] for message in line.sent] == ["1", "2", "3"]
    assert {message["op"] for message in line.sent} == {"subscribe"}
    assert line.sent[0]["args"][0] == "publicTrade.A0USDT"


def test_data_before_the_acknowledgement_count():
    line = Line(BybitLinear(), ("BTCUSDT", OrderBooksL2))
    line.hear(book("snapshot", 5, [["1", "1"]], [["2", "1"]]))
    assert line.feeds["orderbook.1000.BTCUSDT"].book.synced
    line.ack()
    line.hear(book("delta", 6, [["1", "0"]]))
    assert line.feeds["orderbook.1000.BTCUSDT"].book.last_update_id == 6
    assert line.told == []


def test_an_error_that_names_a_topic_spares_the_others():
    line = Line(BybitLinear(), *((f"A{number}USDT", PublicTrades) for number in range(4)))
    words = "error:handler not found,topic:publicTrade.A2USDT"
    line.hear({"success": False, "ret_msg": words, "conn_id": "x", "req_id": "1", "op": "subscribe"}, 0.5)
    assert line.sent[1]["args"] == ["publicTrade.A0USDT", "publicTrade.A1USDT", "publicTrade.A3USDT"]
    [failed] = line.of(SubscriptionFailed)
    assert (failed.channels, failed.message) == (("publicTrade.A2USDT",), words)
    line.ack()
    line.run(1)
    assert line.sent[2]["args"] == ["publicTrade.A2USDT"]  # alone, and later each time
    assert not line.session.failed


@pytest.mark.parametrize(
    "words",
    ["Invalid topic: publicTrade.A2USDT", "Invalid symbol :[publicTrade.A2USDT]"],
    ids=["topic", "symbol"],
)
def test_an_error_without_the_id_is_that_of_the_one_request(words):
    line = Line(BybitSpot(), *((f"A{number}USDT", PublicTrades) for number in range(4)))
    line.hear({"success": False, "ret_msg": words, "conn_id": "x", "op": "subscribe"}, 0.5)
    assert line.of(SubscriptionFailed)[0].channels == ("publicTrade.A2USDT",)
    assert len(line.sent[1]["args"]) == 3


def test_an_error_that_names_nothing_is_narrowed_down():
    line = Line(BybitLinear(), *((f"A{number}USDT", PublicTrades) for number in range(8)))
    for _ in range(20):
        message = line.sent[-1]
        if message["op"] != "subscribe" or line.of(SubscriptionFailed):
            break
        if "publicTrade.A5USDT" in message["args"]:
            line.hear(
                {"success": False, "ret_msg": "no", "req_id": message["req_id"], "op": "subscribe"}, 0.3
            )
        else:
            line.ack()
    assert [failed.channels for failed in line.of(SubscriptionFailed)] == [("publicTrade.A5USDT",)]


def test_what_is_subscribed_already_flows_and_the_rest_is_asked_for_again():
    line = Line(BybitLinear(), *((f"A{number}USDT", PublicTrades) for number in range(3)))
    words = "error:already subscribed,topic:publicTrade.A1USDT"
    line.hear({"success": False, "ret_msg": words, "conn_id": "x", "req_id": "1", "op": "subscribe"})
    assert line.feeds["publicTrade.A1USDT"].state is FeedState.ACKED
    assert line.sent[1]["args"] == ["publicTrade.A0USDT", "publicTrade.A2USDT"]
    assert line.told == []


def test_options_answer_by_topic():
    symbols = ["BTC-31DEC27-1-C-USDT", "BTC-31DEC27-2-C-USDT"]
    line = Line(BybitOption(), *((symbol, Tickers24h) for symbol in symbols), (symbols[0], PublicTrades))
    assert line.sent[0]["args"] == [*(f"tickers.{symbol}" for symbol in symbols), "publicTrade.BTC"]
    data = {
        "failTopics": [f"tickers.{symbols[1]}"],
        "successTopics": ["publicTrade.BTC", f"tickers.{symbols[0]}"],
    }
    line.hear({"success": False, "conn_id": "c", "data": data, "type": "COMMAND_RESP"}, 0.1)
    assert line.states == [FeedState.ACKED, FeedState.REQUESTED, FeedState.ACKED]
    assert [failed.channels for failed in line.of(SubscriptionFailed)] == [(f"tickers.{symbols[1]}",)]
    line.run(2)
    assert line.sent[1]["args"] == [f"tickers.{symbols[1]}"]
    line.hear({"success": True, "conn_id": "c", "data": {}, "type": "COMMAND_RESP"})
    assert line.states == [FeedState.ACKED] * 3


def test_options_answer_by_topic_to_giving_up_too():
    line = Line(BybitOption(), ("BTC-31DEC27-1-C-USDT", PublicTrades))
    for op in ("subscribe", "unsubscribe", "subscribe"):
        if op == "unsubscribe":
            line.session.remove(["publicTrade.BTC"])
        elif len(line.sent) > 1:
            line.session.add(line.feeds.values())
        line.run(1)
        assert (line.sent[-1]["op"], line.sent[-1]["args"]) == (op, ["publicTrade.BTC"])
        data = {"failTopics": [], "successTopics": ["publicTrade.BTC"]}
        line.hear({"success": True, "conn_id": "c", "data": data, "type": "COMMAND_RESP"})
    assert line.states == [FeedState.ACKED]
    assert len(line.sent) == 3


def test_a_ping_every_20_seconds_and_three_sorts_of_pong():
    line = Line(BybitLinear(), ("BTCUSDT", PublicTrades))
    line.ack()
    for pong in (
        b'{"success":true,"ret_msg":"pong","conn_id":"4","req_id":"","op":"ping"}',
        b'{"args":["1672916271846"],"op":"pong"}',
        b'{"req_id":"test","op":"pong","args":["1675418560633"],"conn_id":"c"}',
    ):
        before = len(line.sent)
        line.run(20)
        assert [message["op"] for message in line.sent[before:]] == ["ping"]
        line.hear(pong, 0)
    assert not line.session.failed
    line.run(31)
    assert "ping" in line.session.failed


def test_data_are_no_pong():
    line = Line(BybitLinear(), ("BTCUSDT", PublicTrades))
    line.ack()
    line.run(20)
    for _ in range(12):
        line.hear(trade("BTCUSDT"))
    assert "ping" in line.session.failed


def test_a_gap_renews_one_book_by_a_fresh_subscription():
    line = Line(BybitLinear(), ("BTCUSDT", OrderBooksL2), ("ETHUSDT", OrderBooksL2))
    line.ack()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        line.hear(book("snapshot", 5, [["1", "1"]], [["2", "1"]], symbol))
    line.hear(book("delta", 8, [["1", "3"]]))
    [gap] = line.of(Gap)
    assert (gap.first_missing, gap.last_missing, gap.reason) == (6, 7, "sequence")
    assert (line.sent[-1]["op"], line.sent[-1]["args"]) == ("unsubscribe", ["orderbook.1000.BTCUSDT"])
    line.hear(book("delta", 9, [["1", "4"]]))  # of the old subscription
    line.ack()
    assert (line.sent[-1]["op"], line.sent[-1]["args"]) == ("subscribe", ["orderbook.1000.BTCUSDT"])
    line.hear(book("snapshot", 40, [["1.5", "1"]], [["2", "1"]]))
    line.ack()
    [resynced] = line.of(Resynced)
    assert (resynced.first_missing, resynced.last_missing) == (6, 40)
    line.hear(book("delta", 41, [["1.6", "1"]]))
    line.hear(book("delta", 6, [["1.1", "1"]], symbol="ETHUSDT"))
    bitcoin, ether = (feed.book for feed in line.feeds.values())
    assert [str(level.price) for level in bitcoin.bids()] == ["1.6", "1.5"]
    assert (ether.generation, ether.last_update_id) == (1, 6)


def test_a_restart_counts_anew_from_one_and_is_no_fault():
    line = Line(BybitLinear(), ("BTCUSDT", OrderBooksL2))
    line.hear(book("snapshot", 500, [["1", "1"]], [["2", "1"]]))
    line.ack()
    line.hear(book("snapshot", 1, [["1.1", "1"]], [["2", "1"]]))
    line.hear(book("delta", 2, [["1.2", "1"]]))
    line.hear(book("delta", 1, [["1.3", "1"]], [["1.9", "1"]]))  # whatever it is called
    [_, _] = line.of(Resynced)
    assert not line.of(Gap)
    [feed] = line.feeds.values()
    assert feed.book.texts() == ([("1.3", "1")], [("1.9", "1")])
    assert feed.book.synced


@pytest.mark.parametrize("update", [5, 4])
def test_a_delta_that_came_already_changes_nothing(update):
    line = Line(BybitLinear(), ("BTCUSDT", OrderBooksL2))
    line.hear(book("snapshot", 5, [["1", "1"]], [["2", "1"]]))
    line.ack()
    line.hear(book("delta", update, [["1", "0"]]))
    [feed] = line.feeds.values()
    assert feed.book.texts() == ([("1", "1")], [("2", "1")])
    assert line.told == []


def test_the_book_is_cut_to_its_depth():
    venue = BybitLinear()
    line = Line(venue, ("BTCUSDT", OrderBooksL2(depth=50)))
    bids = [[str(100 - number), "1"] for number in range(50)]
    frame = book("snapshot", 5, bids, [["200", "1"]])
    line.hear({**frame, "topic": "orderbook.50.BTCUSDT"})
    frame = book("delta", 6, [["101", "1"]])  # the server should take the last away
    line.hear({**frame, "topic": "orderbook.50.BTCUSDT"})
    [feed] = line.feeds.values()
    held = feed.book.texts()[0]
    assert (len(held), held[0], held[-1]) == (50, ("101", "1"), ("52", "1"))


@pytest.mark.parametrize(
    "frame",
    [
        b"{", b"\xff\xfe", b"[[[[", b'{"a":1}', b"null", b'{"stream":1}', b'{"topic":"publicTrade.BTCUSDT"}',
        b'{"topic":"publicTrade.ETHUSDT","type":"snapshot","ts":1,"data":[]}', b'{"topic":"\xff"}',
        b'{"topic":"',
        b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1,"data":[{"T":1}]}', b'{"op":"subscribe"}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_value(frame):
    line = Line(BybitLinear(), ("BTCUSDT", PublicTrades))
    line.ack()
    line.hear(trade("BTCUSDT"))
    line.hear(frame)
    [failed] = line.of(DecodeFailed)
    assert failed.raw == frame
    line.hear(trade("BTCUSDT"))
    assert len(line.events) == 2
    assert not line.session.failed


def test_the_order_of_keys_does_not_matter():
    line = Line(BybitOption(), ("BTC-31DEC27-1-C-USDT", Tickers24h))
    data = {"symbol": "BTC-31DEC27-1-C-USDT", "lastPrice": "1"}
    for _ in range(2):
        line.hear(
            {"id": "1", "ts": 1, "data": data, "type": "snapshot", "topic": "tickers.BTC-31DEC27-1-C-USDT"}
        )
    assert len(line.events) == 2


def test_what_still_comes_of_a_topic_that_was_given_up_is_passed_over():
    line = Line(BybitLinear(), ("BTCUSDT", PublicTrades), ("ETHUSDT", PublicTrades))
    line.ack()
    line.hear(trade("BTCUSDT"))
    line.session.remove(["publicTrade.BTCUSDT"])
    line.run(1)
    assert (line.sent[-1]["op"], line.sent[-1]["args"]) == ("unsubscribe", ["publicTrade.BTCUSDT"])
    line.hear(trade("BTCUSDT"))
    line.ack()
    assert len(line.events) == 1
    assert line.told == []
