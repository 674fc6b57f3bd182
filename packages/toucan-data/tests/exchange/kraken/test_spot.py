"""Spot's frames as events: small samples of our own, with the digits that count."""

from decimal import Decimal

import pytest

from toucan_data import (
    Candle,
    Candles,
    DecodeFailed,
    Gap,
    OrderBookL1,
    OrderBooksL1,
    PublicTrades,
    Ticker24h,
    Tickers24h,
)
from toucan_instrument import Side
from toucan_instrument.timestamps import from_iso

SECOND, MINUTE = 10**9, 60 * 10**9
STAMP = "2026-09-25T17:48:26.844359Z"


def trade(number, *, kind="update", side="buy", price="83744.3", qty="0.00044780", stamp=STAMP):
    return (
        f'{{"channel":"trade","type":"{kind}","data":[{{"symbol":"BTC/USD","side":"{side}","price":{price},'
        f'"qty":{qty},"ord_type":"limit","trade_id":{number},"timestamp":"{stamp}"}}]}}'
    ).encode()


def test_a_trade_has_its_digits_and_the_takers_side(spot):
    line = spot(("BTC/USD", PublicTrades))
    [event] = line.hear(trade(109116693))
    assert (str(event.price), str(event.quantity)) == ("83744.3", "0.00044780")
    assert (event.id, event.first_id, event.last_id) == (109116693,) * 3
    assert event.aggressor is Side.BUY
    assert event.time_exchange == from_iso(STAMP)
    assert line.hear(trade(109116694, side="sell"))[0].aggressor is Side.SELL


@pytest.mark.parametrize(
    ("text", "value"),
    [("81776", "81776"), ("0.00000010", "1.0E-7"), ("5.1e-05", "0.000051"), ("1E+3", "1E+3"),
     ("123456789012345678901234567890", "123456789012345678901234567890")],
)  # fmt: skip
def test_numbers_of_any_spelling_are_exact(spot, text, value):
    [event] = spot(("BTC/USD", PublicTrades)).hear(trade(1, price=text, qty=text))
    assert event.price == event.quantity == Decimal(value)


def test_several_trades_of_a_frame_are_several_events(spot):
    line = spot(("BTC/USD", PublicTrades))
    rows = [trade(n).split(b'"data":[')[1][:-2] for n in (5, 6, 7)]
    events = line.hear(b'{"channel":"trade","type":"update","data":[' + b",".join(rows) + b"]}")
    assert [event.id for event in events] == [5, 6, 7]


def test_trades_before_subscribing_are_not_events_but_tell_where_the_ids_stand(spot):
    line = spot(("BTC/USD", PublicTrades))
    assert line.hear(trade(10, kind="snapshot")) == []
    assert [event.id for event in line.hear(trade(13))] == [13]
    [gap] = line.told
    assert isinstance(gap, Gap)
    assert (gap.first_missing, gap.last_missing, gap.reason) == (11, 12, "sequence")
    assert line.hear(trade(12), trade(13)) == []  # they came before
    assert len(line.told) == 1


@pytest.mark.parametrize(
    "bad",
    [{"side": "hold"}, {"price": "null"}, {"price": '"x"'}, {"price": "[1]"}, {"qty": "true"},
     {"qty": '"NaN"'}, {"stamp": "noon"}],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_harms_nothing(spot, bad):
    line = spot(("BTC/USD", PublicTrades))
    assert line.hear(trade(1, **bad)) == []
    [failed] = line.told
    assert isinstance(failed, DecodeFailed)
    assert [event.id for event in line.hear(trade(1))] == [1]


def test_nobodys_stream_is_told(spot):
    line = spot(("ETH/USD", PublicTrades))
    assert line.hear(trade(1)) == []
    assert "not asked for" in line.told[0].error


TICKER = (
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":83744.2,"bid_qty":0.56251979,'
    '"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,"volume":3156.84782110,"vwap":84174.6,"low":83163.6,'
    '"high":85247.4,"change":-429.3,"change_pct":-0.51,"trades":135262,"timestamp":"2026-09-25T17:48:26.844359Z"}]}'
)


def test_a_ticker_is_a_top_of_the_book_and_statistics(spot):
    line = spot(("BTC/USD", OrderBooksL1), ("BTC/USD", Tickers24h))
    assert list(line.feeds) == ["ticker:BTC/USD"]
    top, day = line.hear(TICKER.encode())
    assert isinstance(top, OrderBookL1)
    assert (str(top.bid_price), str(top.bid_quantity)) == ("83744.2", "0.56251979")
    assert (str(top.ask_price), str(top.ask_quantity)) == ("83744.3", "0.00044780")
    assert top.update_id is None
    assert isinstance(day, Ticker24h)
    assert (day.last_price, day.open_price) == (Decimal("83744.3"), Decimal("84173.6"))
    assert (day.price_change, day.price_change_percent) == (Decimal("-429.3"), Decimal("-0.51"))
    assert (str(day.volume), day.turnover, day.trades) == ("3156.84782110", None, 135262)
    assert (day.average_price, day.low_price, day.high_price) == tuple(
        map(Decimal, ("84174.6", "83163.6", "85247.4"))
    )
    assert top.time_exchange == day.time_exchange == day.close_time == from_iso(STAMP)


def test_statistics_come_only_when_they_have_changed(spot):
    line = spot(("BTC/USD", OrderBooksL1), ("BTC/USD", Tickers24h))
    line.hear(TICKER.encode())
    [top] = line.hear(TICKER.replace('"bid_qty":0.56251979', '"bid_qty":0.50000000').encode())
    assert (type(top), str(top.bid_quantity)) == (OrderBookL1, "0.50000000")
    assert len(line.hear(TICKER.replace("135262", "135263").encode())) == 2


def test_an_empty_side_is_none_and_the_epoch_is_no_time(spot):
    line = spot(("BTC/USD", OrderBooksL1), ("BTC/USD", Tickers24h))
    frame = TICKER.replace('"bid":83744.2,"bid_qty":0.56251979', '"bid":0.0,"bid_qty":0.00000000')
    top, day = line.hear(frame.replace("2026-09-25T17:48:26.844359Z", "1970-01-01T00:00:00.000000Z").encode())
    assert (top.bid_price, top.bid_quantity, day.bid_price, day.bid_quantity) == (None,) * 4
    assert top.ask_price is not None
    assert top.time_exchange is None


def test_an_older_ticker_has_neither_time_nor_trades(spot):
    line = spot(("BTC/USD", Tickers24h))
    frame = TICKER.replace(',"trades":135262,"timestamp":"2026-09-25T17:48:26.844359Z"', "")
    [day] = line.hear(frame.encode())
    assert (day.time_exchange, day.trades) == (None, None)


def bar(minute, *, close="10.0", trades=3):
    return (
        f'{{"symbol":"BTC/USD","open":9.5,"high":11.0,"low":9.0,"close":{close},"trades":{trades},'
        f'"volume":0.21155628,"vwap":10.2,"interval_begin":"2026-09-25T17:{minute:02}:00.000000000Z",'
        f'"interval":5,"timestamp":"2026-09-25T17:{minute + 5:02}:00.000000Z"}}'
    )


def bars(*rows, kind="update"):
    stamp = "2026-09-25T17:48:26.844359566Z"
    return f'{{"channel":"ohlc","type":"{kind}","timestamp":"{stamp}","data":[{",".join(rows)}]}}'.encode()


def told(events):
    return [((event.open_time // MINUTE) % 60, str(event.close), event.closed) for event in events]


def test_a_candle(spot):
    line = spot(("BTC/USD", Candles("5m")))
    [event] = line.hear(bars(bar(45)))
    assert isinstance(event, Candle)
    assert event.interval == "5m"
    assert event.open_time == from_iso("2026-09-25T17:45:00Z")
    assert event.close_time == from_iso("2026-09-25T17:50:00Z") - 1
    assert event.time_exchange == from_iso("2026-09-25T17:48:26.844359566Z")
    assert (str(event.open), str(event.high), str(event.low), str(event.close)) == (
        "9.5",
        "11.0",
        "9.0",
        "10.0",
    )
    assert (str(event.volume), event.turnover, event.trades, event.closed) == ("0.21155628", None, 3, False)


def test_history_is_left_out_and_a_candle_is_closed_by_the_next(spot):
    line = spot(("BTC/USD", Candles("5m")))
    assert told(line.hear(bars(bar(20), bar(25), bar(30), kind="snapshot"))) == [(30, "10.0", False)]
    assert told(line.hear(bars(bar(30, close="10.5")))) == [(30, "10.5", False)]
    assert told(line.hear(bars(bar(40)))) == [(30, "10.5", True), (40, "10.0", False)]
    assert told(line.hear(bars(bar(35)))) == []


def test_what_was_missed_while_disconnected_is_closed_by_the_history(spot):
    line = spot(("BTC/USD", Candles("5m")))
    line.hear(bars(bar(20), kind="snapshot"))
    line.close()
    line.open()
    events = line.hear(bars(bar(25), bar(15), bar(20, close="10.9"), bar(30), kind="snapshot"))
    assert told(events) == [
        (20, "10.9", False), (20, "10.9", True), (25, "10.0", False), (25, "10.0", True), (30, "10.0", False),
    ]  # fmt: skip


def test_a_candle_whose_end_nobody_saw_is_never_closed(spot):
    line = spot(("BTC/USD", Candles("5m")))
    line.hear(bars(bar(10), kind="snapshot"))
    line.close()
    line.open()
    assert told(line.hear(bars(bar(25), bar(30), kind="snapshot"))) == [
        (25, "10.0", False), (25, "10.0", True), (30, "10.0", False),
    ]  # fmt: skip


def test_each_interval_is_a_stream_of_its_own(spot):
    line = spot(("BTC/USD", Candles("1m")), ("BTC/USD", Candles("5m")))
    assert list(line.feeds) == ["ohlc-1:BTC/USD", "ohlc-5:BTC/USD"]
    assert [event.interval for event in line.hear(bars(bar(45)))] == ["5m"]


@pytest.mark.parametrize(
    "frame",
    [
        b'{"channel":"heartbeat"}',
        (
            b'{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"maintenance",'
            b'"api_version":"v2","connection_id":18125794168470749634,"upcoming_maintenance":[],"emergency":[]}]}'
        ),
        b'{"channel":"instrument","type":"update","data":{"assets":[],"pairs":[]}}',
        b'{"channel":"something new","type":"update","data":[]}',
        b'{"type":"update","data":[],"channel":"trade"}',
        b'{"method":"pong","req_id":101,"time_in":"2023-09-24T14:10:23.799685Z"}',
    ],
)
def test_what_is_no_event_is_passed_over(spot, frame):
    line = spot(("BTC/USD", PublicTrades))
    assert line.hear(frame) == []
    assert line.told == []
    assert line.session.failed == ""


def test_a_channel_may_stand_anywhere_in_its_frame(spot):
    line = spot(("BTC/USD", PublicTrades))
    body = trade(3).removeprefix(b'{"channel":"trade",').removesuffix(b"}")
    assert [event.id for event in line.hear(b"{" + body + b',"channel":"trade"}')] == [3]
