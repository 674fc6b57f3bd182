"""Candles that nobody closes but the next one."""

from decimal import Decimal

from msgspec.structs import replace

from toucan_data import BinanceSpot, Candle, Exchange
from toucan_data.candlesticks import CandleCloser

OF = BinanceSpot().unchecked("BTCUSDT")
FIRST = Candle(
    Exchange.BINANCE_SPOT, OF, 1, 2, "1m", 100, 199, *[Decimal(1)] * 5, None, None, None, 3, None, None,
    closed=False,
)  # fmt: skip


def closer():
    out = []
    return CandleCloser(out.append), out


def shown(out):
    found = [(candle.open_time, candle.closed) for candle in out]
    out.clear()
    return found


def test_a_candle_is_closed_by_the_next_one_as_it_was_last():
    close, out = closer()
    close.take(FIRST)
    close.take(replace(FIRST, close=Decimal(7)))
    close.take(replace(FIRST, open_time=300, time_exchange=5, time_received=6))
    [_, last, closed, forming] = out
    assert (closed.close, closed.closed, closed.time_exchange, closed.time_received) == (7, True, 5, 6)
    assert (last.closed, forming.open_time, forming.closed) == (False, 300, False)
    out.clear()
    close.take(FIRST)  # late
    assert not out


def test_what_was_seen_before_a_connection_was_lost_is_not_closed_by_what_comes_after():
    close, out = closer()
    close.take(FIRST)
    close.take(replace(FIRST, open_time=200), interrupted=True)
    close.take(replace(FIRST, open_time=300))
    assert shown(out) == [(100, False), (200, False), (200, True), (300, False)]


def test_a_history_is_known_and_not_given_out():
    close, out = closer()
    close.seed(FIRST)
    close.seed(replace(FIRST, open_time=50))
    assert not out
    close.take(replace(FIRST, open_time=200))
    assert shown(out) == [(100, True), (200, False)]
    close.take(replace(FIRST, open_time=300, closed=True))
    close.take(replace(FIRST, open_time=400))
    assert shown(out) == [(200, True), (300, True), (400, False)]
