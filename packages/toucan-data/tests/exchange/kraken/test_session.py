"""What is said to Kraken, and what its answers mean."""

import pytest

from toucan_data import Candles, OrderBooksL1, OrderBooksL2, PublicTrades, SubscriptionFailed, Tickers24h
from toucan_data.feed import FeedState

SYMBOLS = [f"A{number}/USD" for number in range(120)]


def ack(channel, symbol, number=1, method="subscribe", **result):
    return {
        "method": method, "req_id": number, "success": True, "time_in": "", "time_out": "",
        "result": {"channel": channel, "symbol": symbol, **result},
    }  # fmt: skip


def refusal(message, number=1, symbol=None):
    named = {} if symbol is None else {"symbol": symbol}
    return {"error": message, "method": "subscribe", "req_id": number, "success": False, **named}


def states(line):
    return [feed.state for feed in line.feeds.values()]


# Spot.


def test_each_channel_is_asked_for_with_what_sets_it_apart(spot):
    line = spot(
        ("BTC/USD", PublicTrades),
        ("BTC/USD", OrderBooksL1),
        ("BTC/USD", OrderBooksL2(depth=25)),
        ("ETH/USD", OrderBooksL2(depth=25)),
        ("ETH/BTC", OrderBooksL2),
        ("BTC/USD", Candles("1h")),
        ("BTC/USD", Tickers24h),
    )
    line.wait(2)
    assert [(frame["method"], frame["params"]) for frame in line.said()] == [
        ("subscribe", {"channel": "trade", "symbol": ["BTC/USD"], "snapshot": False}),
        ("subscribe", {"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "bbo", "snapshot": True}),
        ("subscribe", {"channel": "book", "symbol": ["BTC/USD", "ETH/USD"], "depth": 25, "snapshot": True}),
        ("subscribe", {"channel": "book", "symbol": ["ETH/BTC"], "depth": 1000, "snapshot": True}),
        ("subscribe", {"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 60, "snapshot": True}),
    ]


def test_requests_are_paced_and_no_longer_than_fifty_symbols(spot):
    line = spot(*((symbol, PublicTrades) for symbol in SYMBOLS))
    assert [len(frame["params"]["symbol"]) for frame in line.said()] == [50]
    line.wait(0.199)
    assert line.said() == []
    line.wait(0.4)
    assert [(len(frame["params"]["symbol"]), frame["req_id"]) for frame in line.said()] == [(50, 2), (20, 3)]


def test_one_request_has_an_answer_for_each_symbol(spot):
    line = spot(("BTC/USD", PublicTrades), ("ETH/USD", PublicTrades))
    line.hear(ack("trade", "BTC/USD"))
    assert states(line) == [FeedState.ACKED, FeedState.REQUESTED]
    line.hear(ack("trade", "ETH/USD"))
    assert states(line) == [FeedState.ACKED] * 2
    assert line.told == []


def test_a_symbol_that_is_refused_does_not_fail_the_others_and_is_tried_again(spot):
    line = spot(("BTC/USD", PublicTrades), ("NO/PE", PublicTrades))
    line.said()
    line.hear(refusal("Currency pair not supported NO/PE", symbol="NO/PE"), ack("trade", "BTC/USD"))
    [failed] = line.told
    assert isinstance(failed, SubscriptionFailed)
    assert failed.channels == ("trade:NO/PE",)
    assert "not supported" in failed.message
    line.wait(1.5)
    assert [frame["params"]["symbol"] for frame in line.said()] == [["NO/PE"]]
    assert line.session.failed == ""


def test_a_whole_request_that_is_refused_is_said_again_in_halves(spot):
    line = spot(*((symbol, PublicTrades) for symbol in SYMBOLS[:4]))
    line.said()
    line.hear(refusal("Something new"))
    line.wait(1)
    assert [frame["params"]["symbol"] for frame in line.said()] == [SYMBOLS[:2], SYMBOLS[2:4]]


def test_what_is_subscribed_already_counts_as_granted(spot):
    line = spot(("BTC/USD", PublicTrades))
    line.hear(refusal("Already subscribed", symbol="BTC/USD"))
    assert states(line) == [FeedState.ACKED]
    assert line.told == []


def test_a_flood_is_answered_with_a_pause_and_everything_is_said_again(spot):
    line = spot(("BTC/USD", PublicTrades))
    line.said()
    line.hear(b'{"Error":"Exceeded msg rate"}')
    line.wait(4.9)
    assert line.said() == []
    line.wait(0.3)
    assert [frame["params"]["symbol"] for frame in line.said()] == [["BTC/USD"]]
    assert line.session.failed == ""


@pytest.mark.parametrize("answer", ["unsubscribe", "Subscription Not Found"])
def test_giving_up_names_the_stream_whole_and_is_answered_either_way(spot, answer):
    line = spot(("BTC/USD", Candles("5m")), ("ETH/USD", Candles("5m")))
    line.said()
    line.hear(*(ack("ohlc", symbol, interval=5) for symbol in ("BTC/USD", "ETH/USD")))
    line.session.remove(["ohlc-5:BTC/USD"])
    line.wait(1)
    [leave] = line.said()
    assert leave["params"] == {"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 5}
    number = leave["req_id"]
    line.hear(
        ack("ohlc", "BTC/USD", number, "unsubscribe", interval=5)
        if answer == "unsubscribe"
        else refusal(answer, number, "BTC/USD")
    )
    line.wait(12)
    assert line.session.failed == ""  # it is not waited for any more
    assert line.told == []


def test_a_stream_that_was_given_up_may_still_send(spot):
    line = spot(("BTC/USD", PublicTrades))
    line.hear(ack("trade", "BTC/USD"))
    line.session.remove(["trade:BTC/USD"])
    row = {"symbol": "BTC/USD", "side": "buy", "price": 1.5, "qty": 1.5, "trade_id": 1, "timestamp": ""}
    assert line.hear({"channel": "trade", "type": "update", "data": [row]}) == []
    assert line.told == []


def test_an_error_that_is_of_no_request_ends_the_connection(spot):
    line = spot(("BTC/USD", PublicTrades))
    line.hear(refusal("ESession:Invalid session", 42))
    assert "Invalid session" in line.session.failed


def test_an_error_without_a_method_is_one_too(spot):
    line = spot(("BTC/USD", PublicTrades))
    line.hear({"error": "Malformed request", "success": False})
    assert "Malformed request" in line.session.failed


@pytest.mark.parametrize("method", ["subscribe", "add_order", "ping"])
def test_answers_that_say_nothing_are_passed_over(spot, method):
    line = spot(("BTC/USD", PublicTrades))
    line.hear({"method": method, "success": True, "req_id": 99})
    assert (line.told, line.session.failed) == ([], "")


def test_silence_is_probed_and_heartbeats_are_signs_of_life(spot):
    line = spot(("BTC/USD", PublicTrades))
    line.hear(ack("trade", "BTC/USD"))
    line.said()
    for _ in range(3):
        line.wait(9)
        line.hear(b'{"channel":"heartbeat"}')
    assert line.said() == []
    line.wait(10.5)
    [ping] = line.said()
    assert ping["method"] == "ping"
    line.hear({"method": "pong", "req_id": ping["req_id"]})
    line.wait(9)
    assert line.session.failed == ""
    line.wait(15)
    assert "probe was not answered" in line.session.failed


# Futures.


def test_products_are_asked_for_one_by_one(futures):
    symbols = ["PF_XBTUSD", "PI_XBTUSD"]
    line = futures(*((symbol, kind) for symbol in symbols for kind in (PublicTrades, OrderBooksL2)))
    line.wait(1)
    assert line.said() == [
        {"event": "subscribe", "feed": feed, "product_ids": [symbol]}
        for symbol in symbols
        for feed in ("trade", "book")
    ]
    line.hear({"event": "info", "version": 1})
    line.hear({"event": "subscribed", "feed": "book", "product_ids": ["PI_XBTUSD"]})
    assert [name for name, feed in line.feeds.items() if feed.state is FeedState.ACKED] == ["book:PI_XBTUSD"]


def test_no_more_than_ten_requests_wait(futures):
    line = futures(*((f"PF_A{number}USD", PublicTrades) for number in range(12)))
    line.wait(1)
    assert len(line.said()) == 10
    line.hear({"event": "subscribed", "feed": "trade", "product_ids": ["PF_A3USD"]})
    line.wait(1)
    assert len(line.said()) == 1


def test_an_alert_is_of_the_product_that_it_names(futures):
    line = futures(("PF_XBTUSD", PublicTrades), ("PF_NOUSD", PublicTrades))
    line.wait(0.5)
    line.said()
    line.hear({"event": "alert", "message": "Couldn't subscribe to invalid product `PF_NOUSD`"})
    assert [failed.channels for failed in line.told] == [("trade:PF_NOUSD",)]
    line.hear({"event": "subscribed", "feed": "trade", "product_ids": ["PF_XBTUSD"]})
    line.wait(1.2)
    assert [frame["product_ids"] for frame in line.said()] == [["PF_NOUSD"]]
    assert line.session.failed == ""


def test_alerts_that_name_nothing(futures):
    line = futures(("PF_XBTUSD", PublicTrades), ("PI_XBTUSD", PublicTrades))
    line.wait(0.5)
    line.said()
    line.hear({"event": "alert", "message": "Already subscribed to feed, re-requesting"})
    assert states(line) == [FeedState.ACKED, FeedState.REQUESTED]
    line.hear({"event": "alert", "message": "rate_limited"})
    line.wait(5.5)
    assert [frame["product_ids"] for frame in line.said()] == [["PI_XBTUSD"]]
    assert line.told == []
    line.hear({"event": "subscribed", "feed": "trade", "product_ids": ["PI_XBTUSD"]})
    line.session.remove(["trade:PF_XBTUSD"])
    line.wait(0.5)
    assert line.said()[-1]["event"] == "unsubscribe"
    line.hear({"event": "alert", "message": "Not subscribed to feed"})
    line.wait(12)
    assert line.session.failed == ""
    line.hear({"event": "alert", "message": "something new"})
    assert "something new" in line.session.failed


@pytest.mark.parametrize("event", ["subscribed_failed", "unsubscribed_failed"])
def test_the_documented_refusals(futures, event):
    line = futures(("PF_XBTUSD", PublicTrades))
    line.hear({"event": event, "feed": "trade", "product_ids": ["PF_XBTUSD"]})
    assert [failed.channels for failed in line.told] == [("trade:PF_XBTUSD",)]


def test_an_error_ends_the_connection(futures):
    line = futures(("PF_XBTUSD", PublicTrades))
    line.hear({"event": "error", "message": "Json Error"})
    assert "Json Error" in line.session.failed


def test_pings_are_sent_whatever_arrives_and_must_be_answered(futures):
    line = futures(("PF_XBTUSD", PublicTrades))
    line.hear({"event": "subscribed", "feed": "trade", "product_ids": ["PF_XBTUSD"]})
    line.said()
    for _ in range(31):
        line.wait(1)
        line.hear({"feed": "heartbeat", "time": 1534262350627})
    assert line.said() == [{"event": "ping"}]
    line.hear({"event": "pong"})
    for _ in range(45):
        line.wait(1)
        line.hear({"feed": "heartbeat", "time": 1534262350627})
    assert "ping was not answered" in line.session.failed


@pytest.mark.parametrize(
    "frame", [b"{", b"\xff\xfe", b"[[[[", b'{"a":1}', b"null", b'{"stream":1}', b"5", b'""']
)
def test_what_is_neither_event_nor_answer_is_told(spot, futures, frame):
    for line in (spot(("BTC/USD", PublicTrades)), futures(("PF_XBTUSD", PublicTrades))):
        line.hear(frame)
        assert [failed.raw for failed in line.told] == [frame]
        assert line.session.failed == ""
