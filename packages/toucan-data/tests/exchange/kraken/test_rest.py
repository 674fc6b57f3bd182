"""The candles of the futures over REST: what is asked for, and how the answer is read; facts 7."""

import pytest

from toucan_data import KrakenFutures, KrakenSpot
from toucan_instrument.errors import InvalidInput, PayloadError, UnsupportedKind

FUTURES = KrakenFutures()
BTC = FUTURES.unchecked("PF_XBTUSD")
SECOND = 10**9


def test_candles_are_asked_for_by_seconds():
    pages = FUTURES.candle_pages(BTC, "12h")
    assert pages.span_ns == 500 * 86_400 * SECOND
    request = pages.ask(1_700_000_000 * SECOND + 1, 1_700_018_000 * SECOND - 1).request
    url = "https://futures.kraken.com/api/charts/v1/trade/PF_XBTUSD/12h?from=1700000001&to=1700017999"
    assert (request.method, request.url, request.weight) == ("GET", url, 1)


def test_what_is_not_there_is_refused():
    with pytest.raises(InvalidInput, match="1h, 4h, 12h"):
        FUTURES.candle_pages(BTC, "2h")
    with pytest.raises(UnsupportedKind, match="a subscription to Candles"):
        KrakenSpot().candle_pages(KrakenSpot().unchecked("BTC/USD"), "1h")


def test_candles_are_read_with_all_their_digits():
    body = (
        b'{"candles":[{"time":1700000040000,"open":"1.10","high":"2.00","low":"0.90","close":"1.50",'
        b'"volume":"7.0","new":1},{"time":1700000100000,"open":1.0,"high":"1","low":"1","close":"1",'
        b'"volume":10824}],"more_candles":false}'
    )
    first, second = FUTURES.candle_pages(BTC, "1m").ask(0, 1).decode(body, 7)
    numbers = first.open, first.high, first.low, first.close, first.volume
    assert [str(each) for each in numbers] == ["1.10", "2.00", "0.90", "1.50", "7.0"]
    assert (first.open_time, first.close_time) == (1_700_000_040 * SECOND, 1_700_000_100 * SECOND - 1)
    assert (first.interval, first.turnover, first.trades, first.closed) == ("1m", None, None, False)
    assert (first.time_exchange, first.time_received, first.instrument) == (None, 7, BTC)
    assert (str(second.open), str(second.volume)) == ("1.0", "10824")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"candles":[{"time":1}]}',
        b'{"candles":[{"time":"1","open":"1","high":"1","low":"1","close":"1","volume":"1"}]}',
        b'{"candles":[{"time":1,"open":"","high":"1","low":"1","close":"1","volume":"1"}]}',
        b'{"candles":[{"time":1,"open":"1","high":"1","low":"1","close":"1","volume":"NaN"}]}',
    ],
)
def test_candles_that_cannot_be_read_are_a_typed_error(body):
    with pytest.raises(PayloadError, match="candles of BTC/USD:USD") as caught:
        FUTURES.candle_pages(BTC, "1m").ask(0, 1).decode(body, 1)
    assert caught.value.raw == body


def test_an_answer_that_is_cut_short_is_not_passed_off_as_whole():
    with pytest.raises(PayloadError, match="left out"):
        FUTURES.candle_pages(BTC, "1m").ask(0, 1).decode(b'{"candles":[],"more_candles":true}', 1)
