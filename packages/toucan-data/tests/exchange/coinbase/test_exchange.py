"""Exchange's frames as events, and its requests and answers."""

import msgspec
import pytest

from toucan_data import DecodeFailed, Gap, OrderBooksL1, OrderBooksL2, PublicTrades, Resynced, Tickers24h
from toucan_data.status import SubscriptionFailed
from toucan_instrument.timestamps import from_iso

BTC = "BTC-USD"
AT = "2026-08-25T03:35:57.198335Z"


def match(trade, side="sell", word="match", **fields):
    message = {
        "type": word, "trade_id": trade, "maker_order_id": "m", "taker_order_id": "t", "side": side,
        "size": "0.00000001", "price": "80691.50", "product_id": BTC, "sequence": trade * 9, "time": AT,
    }  # fmt: skip
    return message | fields


def beat(last):
    return {"type": "heartbeat", "sequence": 90, "last_trade_id": last, "product_id": BTC, "time": AT}


def snapshot(bids=(("100.10", "1.0"),), asks=(("100.20", "2.0"),), **fields):
    return {"type": "snapshot", "product_id": BTC, "bids": bids, "asks": asks, **fields}


def update(*changes, time=AT):
    return {"type": "l2update", "product_id": BTC, "changes": changes, "time": time}


def listed(*names):
    channels = {}
    for name in names:
        word, _, product = name.partition(":")
        channels.setdefault(word, []).append(product)
    rows = [{"name": word, "product_ids": ids, "account_ids": None} for word, ids in channels.items()]
    return {"type": "subscriptions", "channels": rows}


# Trades.


@pytest.mark.parametrize(("maker", "aggressor"), [("sell", "buy"), ("buy", "sell")])
def test_the_side_of_a_trade_is_the_makers(exchange, maker, aggressor):
    [trade] = exchange((BTC, PublicTrades)).hear(match(7, maker))
    assert trade.aggressor == aggressor
    assert (str(trade.price), format(trade.quantity, "f")) == ("80691.50", "0.00000001")
    assert (trade.id, trade.first_id, trade.last_id) == (7, 7, 7)
    assert trade.time_exchange == from_iso(AT)


def test_the_trade_before_the_subscription_is_known_and_not_given_out(exchange):
    line = exchange((BTC, PublicTrades))
    assert line.hear(match(6, word="last_match")) == []
    assert [trade.id for trade in line.hear(match(7), match(7), match(8))] == [7, 8]
    assert line.told == []


def test_trades_that_are_missing_are_told(exchange):
    line = exchange((BTC, PublicTrades))
    line.hear(match(6, word="last_match"), match(9))
    [gap] = line.of(Gap)
    assert (gap.first_missing, gap.last_missing, gap.reason) == (7, 8, "sequence")


def test_trades_of_the_time_without_a_connection_are_told_at_once(exchange):
    line = exchange((BTC, PublicTrades))
    line.hear(match(6))
    line.drop().connect()
    assert line.hear(match(9, word="last_match")) == []
    [gap] = line.of(Gap)
    assert (gap.first_missing, gap.last_missing, gap.reason) == (7, 9, "disconnected")
    assert [trade.id for trade in line.hear(match(10))] == [10]
    assert len(line.of(Gap)) == 1


def test_a_heartbeat_shows_a_loss_if_the_trade_does_not_come_by_the_next(exchange):
    line = exchange((BTC, PublicTrades))
    line.hear(match(6), beat(7))
    assert [trade.id for trade in line.hear(match(7))] == [7]  # it was a moment late
    line.hear(beat(7), beat(9))
    assert line.told == []
    line.hear(beat(9))
    [gap] = line.of(Gap)
    assert (gap.first_missing, gap.last_missing) == (8, 9)
    line.hear(beat(9), beat(9), match(10))
    assert len(line.of(Gap)) == 1


def test_a_heartbeat_before_any_trade_tells_nothing(exchange):
    line = exchange((BTC, PublicTrades))
    assert line.hear(beat(5), beat(6), match(8)) != []
    assert line.told == []


def test_a_side_that_is_not_known_is_told(exchange):
    line = exchange((BTC, PublicTrades))
    assert line.hear(match(7, "both")) == []
    [failed] = line.of(DecodeFailed)
    assert "side of a trade" in failed.error


@pytest.mark.parametrize("field", ["price", "size"])
@pytest.mark.parametrize("text", ["NaN", "Infinity", "", "1_0", "x"])
def test_what_is_no_number_is_told(exchange, field, text):
    line = exchange((BTC, PublicTrades))
    assert line.hear(match(7, **{field: text})) == []
    assert line.of(DecodeFailed)


# Books.


def test_a_book_is_kept_from_snapshot_and_changes(exchange):
    line = exchange((BTC, OrderBooksL2), (BTC, OrderBooksL1))
    first, top = line.hear(snapshot(time="2026-08-25T03:35:57Z"))
    assert (first.bids, first.asks) == ([("100.10", "1.0")], [("100.20", "2.0")])
    assert first.time_exchange == top.time_exchange == from_iso("2026-08-25T03:35:57Z")
    assert (str(top.bid_price), str(top.ask_quantity)) == ("100.10", "2.0")
    changed = line.hear(update(("buy", "100.15", "3"), ("sell", "100.20", "0.00000000")))
    assert changed[0].bids == [("100.15", "3")]
    assert changed[0].asks == [("100.20", "0.00000000")]
    assert (str(changed[1].bid_price), changed[1].ask_price) == ("100.15", None)
    book = line.feeds[0].book
    assert book.texts() == ([("100.15", "3"), ("100.10", "1.0")], [])
    assert line.told == []


def test_a_price_may_be_spelt_in_two_ways(exchange):
    line = exchange((BTC, OrderBooksL2))
    line.hear(snapshot(), update(("buy", "100.10000000", "5"), ("sell", "100.2", "0")))
    assert line.feeds[0].book.texts() == ([("100.10000000", "5")], [])


def test_a_delete_of_an_unknown_price_is_no_fault(exchange):
    line = exchange((BTC, OrderBooksL2))
    line.hear(snapshot(), update(("sell", "999", "0")))
    assert line.told == []
    assert line.feeds[0].book.synced


def test_a_snapshot_in_mid_stream_begins_anew(exchange):
    line = exchange((BTC, OrderBooksL2))
    line.hear(snapshot(), snapshot(bids=[("90", "1")], asks=[]))
    assert line.feeds[0].book.texts() == ([("90", "1")], [])
    assert len(line.of(Resynced)) == 1
    assert line.of(Gap) == []


def test_a_quantity_below_zero_is_none(exchange):
    line = exchange((BTC, OrderBooksL2))
    line.hear(snapshot(bids=[("100.10", "1"), ("100.05", "0.-10000")]), update(("buy", "100.10", "-1")))
    assert line.feeds[0].book.texts()[0] == []
    assert line.told == []


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00.000000Z", "", "1970-01-01T00:00:00Z"])
def test_a_time_that_says_nothing_is_none(exchange, time):
    line = exchange((BTC, OrderBooksL2))
    _, changed = line.hear(snapshot(), update(("buy", "100.10", "2"), time=time))
    assert changed.time_exchange is None


@pytest.mark.parametrize(
    "bad",
    [
        update(("both", "1", "1")),
        update(("buy", "1", "1"), time="yesterday"),
        b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1"]]}',
        b'{"type":"l2update","product_id":"BTC-USD","changes":7}',
        b'{"type":"snapshot","product_id":"BTC-USD"}',
    ],
    ids=str,
)
def test_a_change_that_cannot_be_read_breaks_the_book(exchange, bad):
    line = exchange((BTC, OrderBooksL2))
    line.said()
    line.hear(listed("level2_50:BTC-USD"), snapshot())
    line.said()
    line.hear(listed("level2_50:BTC-USD", "heartbeat:BTC-USD"), bad)
    [gap] = line.of(Gap)
    assert gap.reason == "unreadable"
    assert line.of(DecodeFailed)
    assert not line.feeds[0].book.synced
    [sent] = line.said()
    assert (sent["type"], sent["channels"]) == ("unsubscribe", ["level2_batch"])
    line.hear(listed("heartbeat:BTC-USD"))
    [sent] = line.said()
    assert (sent["type"], sent["product_ids"]) == ("subscribe", [BTC])
    line.hear(listed("level2_50:BTC-USD", "heartbeat:BTC-USD"), snapshot())
    assert line.feeds[0].book.synced
    assert len(line.of(Resynced)) == 1


# Tickers.

TICKER = {
    "type": "ticker", "sequence": 5, "product_id": BTC, "price": "102861.5", "open_24h": "104700.88",
    "volume_24h": "11263.64960739", "low_24h": "100345.73", "high_24h": "105999.68",
    "volume_30d": "211070.41456874", "best_bid": "102861.49", "best_bid_size": "0.05883958",
    "best_ask": "102861.50", "best_ask_size": "0.15161616", "side": "buy", "time": AT,
    "trade_id": 834270521, "last_size": "0.00481191",
}  # fmt: skip


def test_statistics(exchange):
    [found] = exchange((BTC, Tickers24h)).hear(TICKER)
    assert str(found.last_price) == "102861.5"
    assert str(found.open_price) == "104700.88"
    assert str(found.volume) == "11263.64960739"
    assert found.turnover is None
    assert (str(found.ask_price), found.last_id) == ("102861.50", 834270521)
    assert found.time_exchange == from_iso(AT)


def test_statistics_of_which_much_is_missing(exchange):
    [found] = exchange((BTC, Tickers24h)).hear({"type": "ticker", "product_id": BTC, "price": "1.50"})
    assert str(found.last_price) == "1.50"
    left = (found.time_exchange, found.open_price, found.high_price, found.low_price, found.volume)
    assert left == (None,) * 5


@pytest.mark.parametrize("fields", [{"open_24h": None, "best_bid": "", "time": None}, {"price": ""}])
def test_statistics_that_are_empty(exchange, fields):
    line = exchange((BTC, Tickers24h))
    assert len(line.hear(TICKER | fields)) == ("price" not in fields)
    assert line.told == []


def test_late_statistics_are_left_out(exchange):
    line = exchange((BTC, Tickers24h))
    assert len(line.hear(TICKER, TICKER | {"sequence": 4}, TICKER | {"sequence": 6})) == 2
    line.drop().connect()
    assert len(line.hear(TICKER | {"sequence": 1})) == 1  # another connection may begin anew


# Requests and answers.


def test_every_channel_is_asked_for_with_the_heartbeats_of_trades(exchange):
    line = exchange((BTC, PublicTrades), ("ETH-USD", PublicTrades), (BTC, OrderBooksL2), (BTC, Tickers24h))
    seen, subscribed = [], []
    while sent := line.said():
        assert len(sent) == 1  # one waits at a time
        seen += sent
        subscribed += [f"{sent[0]['channels'][0]}:{each}" for each in sent[0]["product_ids"]]
        line.hear(listed(*(name.replace("level2_batch", "level2_50") for name in subscribed)))
    assert seen == [
        {"type": "subscribe", "product_ids": [BTC, "ETH-USD"], "channels": ["heartbeat"]},
        {"type": "subscribe", "product_ids": [BTC, "ETH-USD"], "channels": ["matches"]},
        {"type": "subscribe", "product_ids": [BTC], "channels": ["level2_batch"]},
        {"type": "subscribe", "product_ids": [BTC], "channels": ["ticker"]},
    ]
    assert line.told == []
    line.session.remove(["matches:ETH-USD"])
    gone = []
    while sent := line.said():
        gone += sent
        subscribed = [name for name in subscribed if name != f"{sent[0]['channels'][0]}:ETH-USD"]
        line.hear(listed(*subscribed))
    assert sorted(each["channels"][0] for each in gone) == ["heartbeat", "matches"]
    assert all(each == each | {"type": "unsubscribe", "product_ids": ["ETH-USD"]} for each in gone)


def test_the_first_request_leaves_at_once(exchange):
    line = exchange((BTC, OrderBooksL2))
    assert msgspec.json.decode(line.session.outbox[0])["type"] == "subscribe"


@pytest.mark.parametrize("echo", [True, False])
def test_one_bad_product_spoils_no_other(exchange, echo):
    """A refusal is followed by the list of what is subscribed, which is no answer to what is asked next."""
    products = [f"A{i}-USD" for i in range(4)]
    line = exchange(*((product, Tickers24h) for product in products))
    subscribed = []
    for _ in range(12):
        for sent in line.said():
            word, ids = sent["channels"][0], sent["product_ids"]
            if "A2-USD" in ids:
                line.hear({"type": "error", "message": "Failed to subscribe", "reason": "no"})
                if echo:
                    line.hear(listed(*subscribed))
                continue
            subscribed += [f"{word}:{each}" for each in ids]
            line.hear(listed(*subscribed))
    wanted = {f"ticker:{product}" for product in products if product != "A2-USD"}
    assert wanted <= set(subscribed)
    assert {each.channels for each in line.of(SubscriptionFailed)} == {("ticker:A2-USD",)}
    assert not line.session.failed


def test_a_product_that_is_named_is_found_at_once(exchange):
    line = exchange(*((f"A{i}-USD", Tickers24h) for i in range(4)))
    [beats] = line.said()
    line.hear(listed(*(f"heartbeat:{each}" for each in beats["product_ids"])))
    line.said()
    line.hear({"type": "error", "message": "Failed to subscribe", "reason": "A2-USD is not a valid product"})
    line.hear(listed(*(f"heartbeat:{each}" for each in beats["product_ids"])))
    [failed] = line.of(SubscriptionFailed)
    assert failed.channels == ("ticker:A2-USD",)
    assert line.said()[0]["product_ids"] == ["A0-USD", "A1-USD", "A3-USD"]


@pytest.mark.parametrize("message", ["ErrSlowConsume", "ErrSlowRead", "Message too big"])
def test_what_is_said_before_the_end_ends_the_connection(exchange, message):
    line = exchange((BTC, PublicTrades))
    line.hear({"type": "error", "message": message})
    assert message in line.session.failed


def test_the_answer_to_a_probe_is_not_taken_for_another(exchange):
    line = exchange((BTC, PublicTrades), (BTC, Tickers24h))
    line.said()
    line.hear(listed("heartbeat:BTC-USD"))
    line.session.outbox.append(line.session.probe(9))
    probe, waiting = line.said()
    assert probe["channels"] == ["heartbeat"]
    line.hear(listed("heartbeat:BTC-USD"))
    assert line.told == []
    line.hear(listed("heartbeat:BTC-USD", f"{waiting['channels'][0]}:BTC-USD"))
    assert line.told == []


@pytest.mark.parametrize(
    "frame",
    [
        b'{"type":"status","products":[],"currencies":[]}',
        b'{"type":"received","product_id":"BTC-USD","sequence":1}',
        b'["open","BTC-USD","57560479456"]',
        b"{}",
        b"7",
        b'["',
    ],
)
def test_what_was_not_asked_for_is_told(exchange, frame):
    line = exchange((BTC, PublicTrades))
    assert line.hear(frame) == []
    [failed] = line.of(DecodeFailed)
    assert failed.raw == frame
    assert not line.session.failed
