"""Advanced Trade's frames as events, the numbers of its connections, and its requests and answers."""

from itertools import count

import pytest

from toucan_data import (
    Candles,
    DecodeFailed,
    Gap,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Resynced,
    Tickers24h,
)
from toucan_data.decoding import SessionDecoder
from toucan_data.exchange.coinbase import CoinbaseAdvanced
from toucan_data.status import SubscriptionFailed
from toucan_instrument.timestamps import from_iso

BTC, ETH = "BTC-USD", "ETH-USD"
SENT = "2026-09-27T16:42:07.14129185Z"
AT = "2026-09-27T16:42:06.745095Z"


class Numbers:
    """Writes frames with the numbers of one connection."""

    def __init__(self):
        self.numbers = count()

    def __call__(self, channel, *events):
        number = next(self.numbers)
        return {"channel": channel, "timestamp": SENT, "sequence_num": number, "events": events}

    def ack(self, **channels):
        return self("subscriptions", {"subscriptions": channels})

    def lose(self):
        next(self.numbers)


@pytest.fixture
def frame():
    return Numbers()


def trades(*ids, word="update", side="SELL", product=BTC):
    rows = [
        {
            "product_id": product,
            "trade_id": str(i),
            "price": "84451.04",
            "size": "0.10",
            "time": AT,
            "side": side,
        }
        for i in ids
    ]
    return {"type": word, "trades": rows}


def book(word, *levels, product=BTC, time=AT):
    rows = [
        {"side": side, "event_time": time, "price_level": price, "new_quantity": quantity}
        for side, price, quantity in levels
    ]
    return {"type": word, "product_id": product, "updates": rows}


def snapshot(product=BTC, **more):
    return book(
        "snapshot", ("offer", "101", "2"), ("bid", "99", "1"), ("bid", "100", "3"), product=product, **more
    )


def candle(start, close="1.5", product=BTC):
    return {"start": str(start), "high": "2", "low": "1", "open": "1.2", "close": close, "volume": "7",
            "product_id": product}  # fmt: skip


# Trades.


@pytest.mark.parametrize(("maker", "aggressor"), [("SELL", "buy"), ("BUY", "sell")])
def test_the_side_of_a_trade_is_the_makers(advanced, frame, maker, aggressor):
    [trade] = advanced((BTC, PublicTrades)).hear(frame("market_trades", trades(7, side=maker)))
    assert trade.aggressor == aggressor
    assert (trade.id, str(trade.price), str(trade.quantity)) == (7, "84451.04", "0.10")
    assert trade.time_exchange == from_iso(AT)


def test_trades_are_sorted_and_history_is_left_out(advanced, frame):
    line = advanced((BTC, PublicTrades))
    assert line.hear(frame("market_trades", trades(6, 5, 4, word="snapshot"))) == []
    found = line.hear(frame("market_trades", trades(9, 8, 7)))
    assert [trade.id for trade in found] == [7, 8, 9]
    assert line.told == []


def test_a_later_snapshot_brings_what_no_update_has_brought(advanced, frame):
    line = advanced((BTC, PublicTrades))
    line.hear(frame("market_trades", trades(5, word="snapshot")))
    found = line.hear(frame("market_trades", trades(8, 7, 6, 5, 4, word="snapshot"), trades(9, 8)))
    assert [trade.id for trade in found] == [6, 7, 8, 9]
    assert line.told == []


def test_trades_that_are_missing_are_told(advanced, frame):
    line = advanced((BTC, PublicTrades))
    line.hear(frame("market_trades", trades(5)), frame("market_trades", trades(8)))
    [gap] = line.of(Gap)
    assert (gap.first_missing, gap.last_missing) == (6, 7)


def test_an_empty_history_is_nothing(advanced, frame):
    line = advanced((BTC, PublicTrades))
    empty = ({"type": "snapshot", "trades": []}, {"type": "snapshot"}, {"type": "snapshot", "trades": None})
    assert line.hear(frame("market_trades", *empty)) == []
    assert [trade.id for trade in line.hear(frame("market_trades", trades(5)))] == [5]
    assert line.told == []


def test_a_frame_may_be_of_several_products(advanced, frame):
    line = advanced((BTC, PublicTrades), (ETH, PublicTrades))
    mixed = trades(7)
    mixed["trades"] += trades(3, 2, product=ETH)["trades"]
    found = line.hear(frame("market_trades", mixed))
    assert [(trade.instrument.symbol, trade.id) for trade in found] == [(BTC, 7), (ETH, 2), (ETH, 3)]


def test_one_product_that_cannot_be_read_stops_no_other(advanced, frame):
    line = advanced((BTC, PublicTrades), (ETH, PublicTrades))
    found = line.hear(frame("market_trades", trades("x"), trades(2, product=ETH)))
    assert [trade.id for trade in found] == [2]
    assert len(line.of(DecodeFailed)) == 1


# Books, and the numbers of a connection.


def test_a_book_is_kept_from_snapshot_and_changes(advanced, frame):
    line = advanced((BTC, OrderBooksL2), (BTC, OrderBooksL1))
    first, top = line.hear(frame("l2_data", snapshot()))
    assert first.bids == [("100", "3"), ("99", "1")]  # however they came
    assert first.asks == [("101", "2")]
    assert (top.bid_price, top.ask_price) == (100, 101)
    assert first.time_exchange == from_iso(AT)
    changed, top = line.hear(frame("l2_data", book("update", ("bid", "100", "0"), ("offer", "102", "9"))))
    assert (changed.bids, changed.asks) == ([("100", "0")], [("102", "9")])
    assert top.bid_price == 99
    assert line.told == []


def test_the_time_of_a_snapshot_may_say_nothing(advanced, frame):
    line = advanced((BTC, OrderBooksL2))
    [found] = line.hear(frame("l2_data", snapshot(time="1970-01-01T00:00:00Z")))
    assert found.time_exchange == from_iso(SENT)
    line = advanced((BTC, OrderBooksL2))
    [found] = line.hear(Numbers()("l2_data", {"type": "snapshot", "product_id": BTC}))
    assert (found.bids, found.asks) == ([], [])


def test_a_hole_concerns_every_book_of_the_connection(advanced, frame):
    line = advanced((BTC, OrderBooksL2), (ETH, OrderBooksL2))
    line.said()
    line.hear(frame.ack(heartbeats=["heartbeats"]))
    line.said()
    line.hear(frame("l2_data", snapshot()), frame("l2_data", snapshot(ETH)), frame.ack(level2=[BTC, ETH]))
    frame.lose()
    frame.lose()
    line.hear(frame("l2_data", book("update", ("bid", "99", "5"))))
    assert [(gap.instrument.symbol, gap.first_missing, gap.last_missing) for gap in line.of(Gap)] == [
        (BTC, 4, 5),
        (ETH, 4, 5),
    ]
    assert not any(feed.book.synced for feed in line.feeds)
    [sent] = line.said()
    assert sent == {"type": "unsubscribe", "channel": "level2", "product_ids": [BTC, ETH]}
    line.hear(frame.ack(heartbeats=["heartbeats"]))
    [sent] = line.said()
    assert sent == {"type": "subscribe", "channel": "level2", "product_ids": [BTC, ETH]}
    # What is under way of the old subscription counts no more.
    line.hear(frame("l2_data", book("update", ("bid", "99", "5"))))
    line.hear(frame("l2_data", snapshot()), frame("l2_data", snapshot(ETH)))
    assert all(feed.book.synced for feed in line.feeds)
    assert len(line.of(Resynced)) == 2
    assert line.of(DecodeFailed) == []


def test_every_frame_is_numbered_whatever_it_holds(advanced, frame):
    line = advanced((BTC, OrderBooksL2))
    line.hear(
        frame("l2_data", snapshot()),
        frame("heartbeats", {"current_time": "2026", "heartbeat_counter": 5}),
        frame("heartbeats", {"current_time": "2026", "heartbeat_counter": "6"}),
        frame.ack(heartbeats=["heartbeats"], level2=[BTC]),
        frame("l2_data", book("update", ("bid", "99", "5"))),
    )
    assert line.of(Gap) == []
    frame("status", {})  # a frame of another channel, which is lost
    line.hear(frame("l2_data", book("update", ("bid", "99", "5"))))
    assert line.of(Gap)


def test_a_frame_of_another_channel_counts(advanced, frame):
    line = advanced((BTC, OrderBooksL2))
    line.hear(frame("l2_data", snapshot()), frame("futures_balance_summary", {}))
    assert len(line.of(DecodeFailed)) == 1
    line.hear(frame("l2_data", book("update", ("bid", "99", "5"))))
    assert line.of(Gap) == []


def test_a_late_frame_is_left_out(advanced, frame):
    line = advanced((BTC, OrderBooksL2))
    late = frame("l2_data", snapshot())
    first = frame("l2_data", snapshot())
    line.hear(first)
    line.told.clear()
    assert line.hear(late) == []
    assert line.hear(first) == []
    assert line.told == []


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "update", "product_id": BTC, "updates": 7},
        {"type": "update"},
        book("update", ("middle", "1", "1")),
        book("new word", ("bid", "1", "1")),
        book("update", ("bid", "1", "1"), time="noon"),
        book("update", ("bid", "x", "1")),
    ],
    ids=str,
)
def test_a_change_that_cannot_be_read_breaks_the_book(advanced, frame, broken):
    line = advanced((BTC, OrderBooksL2))
    line.hear(frame("l2_data", snapshot()), frame("l2_data", broken))
    line.hear(frame("l2_data", book("update", ("bid", "99", "5"))))
    assert line.of(Gap)
    assert not line.feeds[0].book.synced


def test_other_streams_tell_the_hole_too(advanced, frame):
    line = advanced((BTC, Tickers24h), (BTC, PublicTrades))
    line.hear(frame("ticker", TICKER), frame("market_trades", trades(5)))
    frame.lose()
    line.hear(frame("heartbeats"), frame("market_trades", trades(6)))
    [gap] = line.of(Gap)  # the trades have numbers of their own, by which none is missing
    assert (gap.kind, gap.first_missing, gap.last_missing) == ("Tickers24h", 2, 2)


def test_a_recording_may_begin_anywhere(frame):
    decoder = SessionDecoder(CoinbaseAdvanced())
    for number in (9, 10, 0, 1):
        update = frame("l2_data", snapshot())
        body = str({**update, "sequence_num": number}).replace("(", "[").replace(",)", "]").replace("'", '"')
        assert decoder.frame(body.encode(), 5), number
    assert decoder.counts.gaps == 0


# Statistics and candles.

TICKER = {
    "type": "update",
    "tickers": [
        {
            "type": "ticker", "product_id": BTC, "price": "64281.70", "volume_24_h": "3974.98800786",
            "low_24_h": "63454", "high_24_h": "64727.27", "low_52_w": "59073.01", "high_52_w": "126296",
            "price_percent_chg_24_h": "1.21471769193719", "best_bid": "64281.7", "best_ask": "",
        }
    ],
}  # fmt: skip


def test_statistics(advanced, frame):
    [found] = advanced((BTC, Tickers24h)).hear(frame("ticker", TICKER))
    assert (str(found.last_price), str(found.price_change_percent)) == ("64281.70", "1.21471769193719")
    assert (found.open_price, found.turnover, found.ask_price) == (None, None, None)
    assert found.time_exchange == from_iso(SENT)  # it has no time of its own


def test_a_candle_is_closed_when_the_next_one_begins(advanced, frame):
    line = advanced((BTC, Candles("5m")))
    history = {"type": "snapshot", "candles": [candle(900), candle(300), candle(600)]}
    [found] = line.hear(frame("candles", history))
    assert (found.open_time, found.close_time) == (900 * 10**9, 1_200 * 10**9 - 1)
    assert (found.interval, found.closed, found.time_exchange) == ("5m", False, from_iso(SENT))
    update = {"type": "update", "candles": [candle(900, "1.7"), candle(1_200)]}
    found = line.hear(frame("candles", update))
    shown = [(each.open_time // 10**9, str(each.close), each.closed) for each in found]
    assert shown == [(900, "1.7", False), (900, "1.7", True), (1200, "1.5", False)]


def test_a_candle_that_was_forming_when_the_connection_was_lost_is_not_closed_as_it_was(advanced, frame):
    line = advanced((BTC, Candles("5m")))
    line.hear(frame("candles", {"type": "snapshot", "candles": [candle(900)]}))
    line.drop().connect()
    history = {"type": "snapshot", "candles": [candle(1_500), candle(1_200), candle(600)]}
    found = line.hear(Numbers()("candles", history))
    assert [(each.open_time // 10**9, each.closed) for each in found] == [
        (1200, False), (1200, True), (1500, False),
    ]  # fmt: skip


def test_nor_after_a_hole(advanced, frame):
    line = advanced((BTC, Candles("5m")))
    line.hear(frame("candles", {"type": "update", "candles": [candle(900)]}))
    frame.lose()
    found = line.hear(frame("candles", {"type": "update", "candles": [candle(1_200)]}))
    assert [(each.open_time // 10**9, each.closed) for each in found] == [(1200, False)]


# Requests and answers.


def test_one_channel_a_message_and_the_heartbeats_once(advanced, frame):
    line = advanced((BTC, PublicTrades), (ETH, PublicTrades), (BTC, Tickers24h), (BTC, Candles("5m")))
    seen, channels = [], {}
    while sent := line.said():
        seen += sent
        for each in sent:
            channels[each["channel"]] = each.get("product_ids", ["heartbeats"])
        line.hear(frame.ack(**channels))
    assert seen == [
        {"type": "subscribe", "channel": "heartbeats"},
        {"type": "subscribe", "channel": "market_trades", "product_ids": [BTC, ETH]},
        {"type": "subscribe", "channel": "ticker", "product_ids": [BTC]},
        {"type": "subscribe", "channel": "candles", "product_ids": [BTC]},
    ]
    assert line.told == []


def test_a_product_that_is_left_out_of_the_list_is_refused(advanced, frame):
    line = advanced((BTC, Tickers24h), ("NONE-USD", Tickers24h))
    line.said()
    line.hear(frame.ack(heartbeats=["heartbeats"]))
    line.said()
    line.hear(frame.ack(heartbeats=["heartbeats"], ticker=[BTC]))
    [failed] = line.of(SubscriptionFailed)
    assert failed.channels == ("ticker:NONE-USD",)
    assert not line.session.failed
    line.now += 10**9
    assert line.said() == [{"type": "subscribe", "channel": "ticker", "product_ids": ["NONE-USD"]}]


def test_an_error_refuses_what_was_asked_for(advanced, frame):
    line = advanced((BTC, Tickers24h))
    line.said()
    line.hear(frame.ack(heartbeats=["heartbeats"]))
    line.said()
    line.hear({"type": "error", "message": "authentication failure"})
    [failed] = line.of(SubscriptionFailed)
    assert (failed.channels, failed.message) == (("ticker:BTC-USD",), "authentication failure")
    assert not line.session.failed


def test_an_error_that_answers_nothing_ends_the_connection(advanced, frame):
    line = advanced((BTC, Tickers24h))
    line.said()
    line.hear(frame.ack(heartbeats=["heartbeats"]))
    line.said()
    line.hear(frame.ack(heartbeats=["heartbeats"], ticker=[BTC]))
    line.hear({"type": "error", "message": "too slow"})
    assert "too slow" in line.session.failed


def test_a_pair_in_usdc_is_the_book_of_the_one_in_usd(advanced, frame):
    line = advanced(("BTC-USDC", OrderBooksL2))
    line.said()
    line.hear(frame.ack(heartbeats=["heartbeats"]))
    [sent] = line.said()
    assert sent["product_ids"] == [BTC]
    [found] = line.hear(frame("l2_data", snapshot()))
    assert found.instrument.symbol == "BTC-USDC"
    line.hear(frame.ack(heartbeats=["heartbeats"], level2=[BTC]))
    assert line.told == []
    line.hear(frame("l2_data", book("update", ("bid", "99", "5"), product="BTC-USDC")))
    assert line.told == []


@pytest.mark.parametrize(
    "bad", [b"{}", b'{"type":"error"', b'{"channel":"l2_data"}', b'{"sequence_num":0}', b"[]"]
)
def test_what_is_no_frame_is_told(advanced, bad):
    line = advanced((BTC, Tickers24h))
    assert line.hear(bad) == []
    assert line.of(DecodeFailed)
    assert not line.session.failed
