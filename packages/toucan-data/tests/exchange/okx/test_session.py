"""OKX's protocol: requests with ids, an answer for each channel, errors in words, a ping of plain text."""

import msgspec
import pytest

from toucan_data import (
    AggregatedTrades,
    DecodeFailed,
    Liquidations,
    MarkPrices,
    OrderBooksL1,
    SubscriptionFailed,
    Tickers24h,
)
from toucan_data.feed import FeedState

SWAP, ETH = "BTC-USDT-SWAP", "ETH-USDT-SWAP"
TRADES = {"channel": "trades", "instId": SWAP}


def doubt(channel, of, request, code="60018"):
    words = f"Wrong URL or channel:{channel},instId:{of} doesn't exist. Please use the correct URL"
    return {"id": request, "event": "error", "code": code, "msg": words, "connId": "a4d3ae55"}


def test_one_request_names_many_channels(line):
    found = line([(SWAP, AggregatedTrades), (ETH, MarkPrices)])
    assert found.requests() == [
        {"id": "1", "op": "subscribe", "args": [TRADES, {"channel": "mark-price", "instId": ETH}]}
    ]
    assert [feed.state for feed in found.feeds] == [FeedState.REQUESTED] * 2
    found.hear({"id": "1", "event": "subscribe", "arg": TRADES, "connId": "x"})
    assert [feed.state for feed in found.feeds] == [FeedState.ACKED, FeedState.REQUESTED]
    found.hear({"event": "subscribe", "arg": {"channel": "mark-price", "instId": ETH}})  # as without an id
    assert found.feeds[1].state is FeedState.ACKED
    found.session.remove(["mark-price:ETH-USDT-SWAP"])
    found.run(1)
    assert found.requests()[-1] == {
        "id": "2",
        "op": "unsubscribe",
        "args": [{"channel": "mark-price", "instId": ETH}],
    }
    found.ack()
    # What is still under way of it is passed over.
    row = {"instId": ETH, "markPx": "1", "ts": "5"}
    assert found.hear({"arg": {"channel": "mark-price", "instId": ETH}, "data": [row]}) == []
    assert not found.told


def test_requests_are_no_longer_than_64_kb(line):
    wanted = [(f"{'A' * 900}{number}-USDT", AggregatedTrades) for number in range(190)]
    found = line(wanted)
    assert len(found.sent) > 1
    assert max(map(len, found.sent)) <= 64 * 1000
    assert sum(len(request["args"]) for request in found.requests()) == 190


def test_never_more_than_480_requests_in_an_hour(line):
    found = line([(f"A{number}-USDT", AggregatedTrades) for number in range(200)], names_per_message=1)
    for _ in range(3):
        for request in found.requests()[-200:]:
            found.hear({"id": request["id"], "event": request["op"], "arg": request["args"][0]})
        found.session.remove([feed.channel.name for feed in found.feeds])
        found.session.add(found.feeds)
        found.run(1)
    assert len(found.sent) == 450


def test_silence_is_met_with_a_ping_and_a_pong_is_a_sign_of_life(line):
    found = line([(SWAP, AggregatedTrades)])
    found.ack()
    found.run(19)
    assert found.sent[1:] == []
    found.run(2)
    assert found.sent[1:] == [b"ping"]
    found.hear(b"pong")
    found.run(15)
    assert not found.session.failed
    found.run(20)
    assert "probe" in found.session.failed
    assert not found.told


def test_the_venue_may_ping_too(line):
    found = line([(SWAP, AggregatedTrades)])
    found.hear(b"ping")
    assert found.sent[-1] == b"pong"


def test_one_channel_that_is_refused_spoils_no_other(line):
    found = line([(SWAP, AggregatedTrades), ("NO-PE", AggregatedTrades), (ETH, AggregatedTrades)])
    found.hear({"id": "1", "event": "subscribe", "arg": TRADES}, doubt("trades", "NO-PE", "1"))
    [failed] = found.told
    assert (failed.channels, failed.code) == (("trades:NO-PE",), "60018")
    assert found.feeds[0].state is FeedState.ACKED
    found.run(0)
    assert found.requests()[-1]["args"] == [{"channel": "trades", "instId": ETH}]
    found.ack()
    found.run(1.5)  # the one that was refused is asked for again, by itself
    assert found.requests()[-1]["args"] == [{"channel": "trades", "instId": "NO-PE"}]
    assert not found.session.failed


def test_several_errors_of_one_request(line):
    found = line([("NO-PE", AggregatedTrades), ("NEI-N", AggregatedTrades), (ETH, AggregatedTrades)])
    found.hear(doubt("trades", "NO-PE", "1"), doubt("trades", "NEI-N", "1"))
    assert [value.channels for value in found.of(SubscriptionFailed)] == [
        ("trades:NO-PE",),
        ("trades:NEI-N",),
    ]
    assert not found.session.failed


def test_an_error_that_names_nothing_is_narrowed_down(line):
    found = line([(f"A{number}-USDT", AggregatedTrades) for number in range(4)])
    for _ in range(40):
        requests = found.requests()
        found.sent.clear()
        for request in requests:
            names = {arg["instId"] for arg in request["args"]}
            if "A2-USDT" in names:
                found.hear({"id": request["id"], "event": "error", "code": "60012", "msg": "Invalid request"})
            else:
                found.hear(
                    *({"id": request["id"], "event": "subscribe", "arg": arg} for arg in request["args"])
                )
        found.run(0.01)
    assert {value.channels for value in found.of(SubscriptionFailed)} == {("trades:A2-USDT",)}
    assert [feed.state for feed in found.feeds] == [
        FeedState.ACKED, FeedState.ACKED, FeedState.REQUESTED, FeedState.ACKED,
    ]  # fmt: skip
    assert not found.session.failed


def test_an_error_without_an_id_is_found_by_its_words(line):
    found = line([("NO-PE", AggregatedTrades), (ETH, AggregatedTrades)])
    error = doubt("trades", "NO-PE", "1")
    del error["id"]
    found.hear(error)
    assert found.told[0].channels == ("trades:NO-PE",)
    assert len(found.requests()) == 1  # the other one waits for its answer still


def test_an_error_of_nothing_that_was_asked_is_told(line):
    found = line([(SWAP, AggregatedTrades)])
    found.ack()
    found.hear({"id": "99", "event": "error", "code": "60012", "msg": "Invalid request"})
    [failed] = found.told
    assert (failed.channels, failed.message) == ((), "Invalid request")
    assert not found.session.failed


def test_too_many_requests_are_said_again_later(line):
    found = line([(SWAP, AggregatedTrades)])
    found.hear({"id": "1", "event": "error", "code": "60014", "msg": "Requests too frequent"})
    assert len(found.requests()) == 1
    found.run(1.1)
    assert [request["args"] for request in found.requests()] == [[TRADES]] * 2
    assert not found.told


def test_a_notice_of_the_end_is_planned(line):
    found = line([(SWAP, AggregatedTrades)])
    found.hear(
        {"event": "notice", "code": "64008", "msg": "The connection will soon be closed", "connId": "x"}
    )
    assert found.session.planned
    assert "announced" in found.session.failed


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "notice", "code": "64999", "msg": "of another sort"},
        {"event": "channel-conn-count", "channel": "orders", "connCount": "2", "connId": "x"},
        {"event": "subscribe", "args": {"channel": "trades", "instId": SWAP}},
        {"event": "subscribe", "arg": {"channel": "trades", "instId": "NEVER-ASKED"}},
    ],
)
def test_what_concerns_no_stream_is_passed_over(line, frame):
    found = line([(SWAP, AggregatedTrades)])
    found.hear(frame)
    assert not found.told
    assert not found.session.failed


@pytest.mark.parametrize(
    "frame",
    [b"", b"{", b"null", b"[]", b"5", b'{"a":1}', b'{"arg":5,"data":[]}', b'{"arg":{"channel":"trades"}}',
     b"\xff", b"pongpong", b'{"event":"revolution"}', b'{"arg":{"channel":"trades","instId":"X"},"data":[]}'],
)  # fmt: skip
def test_what_is_nothing_is_one_failure(line, frame):
    found = line([(SWAP, AggregatedTrades)])
    found.hear(frame)
    [failed] = found.told
    assert (type(failed), failed.raw) == (DecodeFailed, frame)
    assert not found.session.failed


def test_all_liquidations_are_four_channels(line):
    found = line([(None, Liquidations)], "liquidations")
    [request] = found.requests()
    sorts = ["SWAP", "FUTURES", "MARGIN", "OPTION"]
    assert [arg["instType"] for arg in request["args"]] == sorts
    for sort in sorts:
        assert found.feeds[0].state is FeedState.REQUESTED
        arg = {"channel": "liquidation-orders", "instType": sort}
        found.hear({"id": "1", "event": "subscribe", "arg": arg})
    assert found.feeds[0].state is FeedState.ACKED
    for sort, symbol in zip(sorts, (SWAP, "BTC-USD-301227", "BTC-USDT", "BTC-USD-301227-1-C"), strict=True):
        detail = {"side": "sell", "bkPx": "1", "sz": "2", "ts": "1790000000000"}
        data = [{"instId": symbol, "details": [detail]}]
        arg = {"channel": "liquidation-orders", "instType": sort}
        [event] = found.hear({"arg": arg, "data": data})
        assert event.instrument.symbol == symbol
    found.session.remove(["liquidation-orders"])
    found.run(1)
    assert len(found.requests()[-1]["args"]) == 4
    found.ack()
    assert not found.session._asks.waiting


def test_one_sort_that_is_refused_refuses_all_and_is_tried_again(line):
    found = line([(None, Liquidations)], "liquidations")
    sorts = ("SWAP", "FUTURES", "MARGIN", "OPTION")
    answers = [
        {"event": "subscribe", "arg": {"channel": "liquidation-orders", "instType": sort}} for sort in sorts
    ]
    found.hear(answers[0])
    words = "Wrong URL or channel:liquidation-orders,instType:OPTION doesn't exist."
    found.hear({"id": "1", "event": "error", "code": "60018", "msg": words})
    assert found.told[0].channels == ("liquidation-orders",)
    found.run(1.5)
    assert len(found.requests()) == 2
    found.hear(*answers[1:])
    assert found.feeds[0].state is FeedState.REQUESTED
    found.hear(answers[0])
    assert found.feeds[0].state is FeedState.ACKED


def test_a_stream_that_comes_back_is_read_again(line):
    found = line([(SWAP, Tickers24h), (SWAP, OrderBooksL1)])
    found.ack()
    row = {"asks": [["2", "1"]], "bids": [["1", "1"]], "ts": "5"}
    top = msgspec.json.encode({"arg": {"channel": "bbo-tbt", "instId": SWAP}, "data": [row]})
    assert [len(found.hear(top, top)), len(found.hear(top))] == [2, 1]
    name = f"bbo-tbt:{SWAP}"
    found.session.remove([name])
    assert found.hear(top) == []
    found.run(1)
    found.ack()
    feed = found.feed(SWAP, OrderBooksL1)
    found.session.add([feed])
    found.run(1)
    found.ack()
    assert [len(found.hear(top, top)), feed.state] == [2, FeedState.LIVE]
    assert not found.told
