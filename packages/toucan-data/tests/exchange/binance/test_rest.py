"""Books, open interest and candles: what is asked for, what it costs, and how the answer is read."""

import pytest

from toucan_data import (
    BinanceFuturesCoin,
    BinanceFuturesUsd,
    BinanceSpot,
    BinanceUsSpot,
    FundingRates,
    OpenInterests,
    OrderBooksL2,
)
from toucan_data.exchange.binance.rest import SNAPSHOT_WEIGHTS, decode_snapshot
from toucan_instrument.errors import InvalidInput, PayloadError, UnsupportedKind

SPOT, US, USD_M, COIN_M = BinanceSpot(), BinanceUsSpot(), BinanceFuturesUsd(), BinanceFuturesCoin()
REQUESTS = [
    (SPOT, "BTCUSDT", 1000, "https://data-api.binance.vision/api/v3/depth?symbol=BTCUSDT&limit=1000", 50),
    (US, "BTCUSDT", 500, "https://api.binance.us/api/v3/depth?symbol=BTCUSDT&limit=500", 25),
    (
        USD_M,
        "BTCUSDT_261225",
        100,
        "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT_261225&limit=100",
        5,
    ),
    (COIN_M, "BTCUSD_PERP", 1000, "https://dapi.binance.com/dapi/v1/depth?symbol=BTCUSD_PERP&limit=1000", 20),
]


@pytest.mark.parametrize(("venue", "symbol", "levels", "url", "weight"), REQUESTS)
def test_requests(venue, symbol, levels, url, weight):
    request = venue.snapshot_request(venue.unchecked(symbol), levels)
    assert (request.method, request.url, request.weight, request.body) == ("GET", url, weight, b"")


def test_a_symbol_in_any_script_is_escaped():
    request = SPOT.snapshot_request(SPOT.unchecked("币安&x=1"), 100)
    assert request.url.endswith("?symbol=%E5%B8%81%E5%AE%89%26x%3D1&limit=100")


WEIGHTS = {
    SPOT: {100: 5, 500: 25, 1000: 50, 5000: 250},
    US: {100: 5, 500: 25, 1000: 50, 5000: 250},
    USD_M: {100: 5, 500: 10, 1000: 20},
    COIN_M: {100: 5, 500: 10, 1000: 20},
}
"""Facts B.1."""


@pytest.mark.parametrize("venue", WEIGHTS, ids=repr)
def test_weights_are_those_of_the_venue(venue):
    assert SNAPSHOT_WEIGHTS[venue.exchange] == WEIGHTS[venue]
    for levels, weight in WEIGHTS[venue].items():
        assert venue.snapshot_request(venue.unchecked("X"), levels).weight == weight
        venue.channel(venue.unchecked("X"), OrderBooksL2(snapshot_levels=levels))


@pytest.mark.parametrize(
    ("venue", "levels"), [(SPOT, 0), (SPOT, 7), (SPOT, -1), (USD_M, 5000), (COIN_M, 50), (US, 10_000)]
)
def test_another_depth_is_refused_when_the_subscription_is_made(venue, levels):
    for ask in (
        lambda: venue.snapshot_request(venue.unchecked("X"), levels),
        lambda: venue.channel(venue.unchecked("X"), OrderBooksL2(snapshot_levels=levels)),
    ):
        with pytest.raises(InvalidInput) as caught:
            ask()
        assert (caught.value.field, caught.value.value) == ("snapshot_levels", levels)
        assert "1000" in caught.value.accepted


def test_an_answer_is_read_with_all_its_digits():
    body = b'{"lastUpdateId":77,"bids":[["1.10","2.00"],["1.00","0.30"]],"asks":[],"new":{"x":[1]}}'
    found = decode_snapshot(body, 100)
    assert (found.last_update_id, found.bids, found.asks) == (77, [("1.10", "2.00"), ("1.00", "0.30")], [])
    assert (found.time_exchange, found.limit) == (None, 100)
    body = (
        b'{"lastUpdateId":77,"E":1700000000009,"T":1700000000008,"symbol":"X","bids":[],"asks":[["1","2"]]}'
    )
    assert decode_snapshot(body, 500).time_exchange == 1_700_000_000_008_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"<html>",
        b"\xff",
        b'{"lastUpdateId":"1","bids":[],"asks":[]}',
        b'{"lastUpdateId":1,"bids":[]}',
        b'{"lastUpdateId":1,"bids":[["1"]],"asks":[]}',
        b'{"lastUpdateId":1,"bids":[[1,2]],"asks":[]}',
        b'{"lastUpdateId":1,"bids":null,"asks":[]}',
        b"[" * 100_000,
    ],
)
def test_an_answer_that_cannot_be_read_is_a_typed_error(body):
    with pytest.raises(PayloadError) as caught:
        SPOT.decode_snapshot(body, 100)
    assert len(str(caught.value)) < 1_000


# Open interest; facts C.2.


@pytest.mark.parametrize(
    ("venue", "symbol", "url"),
    [
        (USD_M, "BTCUSDT", "https://fapi.binance.com/fapi/v1/openInterest?symbol=BTCUSDT"),
        (COIN_M, "BTCUSD_PERP", "https://dapi.binance.com/dapi/v1/openInterest?symbol=BTCUSD_PERP"),
    ],
)
def test_open_interest_is_asked_for_by_symbol(venue, symbol, url):
    request = venue.question(OpenInterests, venue.unchecked(symbol)).request
    assert (request.method, request.url, request.weight) == ("GET", url, 1)


def test_open_interest_is_read_with_all_its_digits():
    instrument = COIN_M.unchecked("BTCUSD_PERP")
    body = b'{"symbol":"BTCUSD_PERP","pair":"BTCUSD","openInterest":"1500.10","new":1,"time":1589437530011}'
    found = COIN_M.question(OpenInterests, instrument).decode(body, 7)
    assert (str(found.quantity), found.notional, found.instrument) == ("1500.10", None, instrument)
    assert (found.time_exchange, found.time_received) == (1_589_437_530_011_000_000, 7)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"symbol":"X"}',
        b'{"symbol":"X","openInterest":1.5}',
        b'{"symbol":"X","openInterest":"NaN"}',
        b'{"symbol":"X","openInterest":"much"}',
        b'{"symbol":"Y","openInterest":"1"}',
    ],
)
def test_open_interest_that_cannot_be_read_is_a_typed_error(body):
    with pytest.raises(PayloadError) as caught:
        USD_M.question(OpenInterests, USD_M.unchecked("X")).decode(body, 1)
    assert caught.value.raw == body
    assert "open interest of X" in str(caught.value)


def test_what_is_streamed_is_not_asked_for():
    with pytest.raises(UnsupportedKind, match="a subscription to FundingRates"):
        USD_M.question(FundingRates, USD_M.unchecked("BTCUSDT"))
    with pytest.raises(UnsupportedKind, match="a venue with it over REST"):
        SPOT.question(OpenInterests, SPOT.unchecked("BTCUSDT"))


# Candles; facts C.2.

DAY = 86_400 * 10**9
KLINES = [
    (SPOT, "BTCUSDT", "1s", 600, "https://data-api.binance.vision/api/v3/klines?symbol=BTCUSDT", 2),
    (US, "BTCUSDT", "1m", 36_000, "https://api.binance.us/api/v3/klines?symbol=BTCUSDT", 2),
    (USD_M, "BTCUSDT", "1m", 99 * 60, "https://fapi.binance.com/fapi/v1/klines?symbol=BTCUSDT", 1),
    (USD_M, "BTCUSDT", "1m", 499 * 60, "https://fapi.binance.com/fapi/v1/klines?symbol=BTCUSDT", 2),
    (COIN_M, "BTCUSD_PERP", "1m", 60_000, "https://dapi.binance.com/dapi/v1/klines?symbol=BTCUSD_PERP", 5),
]


@pytest.mark.parametrize(("venue", "symbol", "interval", "seconds", "url", "weight"), KLINES)
def test_candles_are_asked_for_by_the_number_that_fits(venue, symbol, interval, seconds, url, weight):
    pages = venue.candle_pages(venue.unchecked(symbol), interval)
    first = 1_700_000_000_000_000_001
    request = pages.ask(first, first - 1 + seconds * 10**9).request
    rows = seconds // (1 if interval == "1s" else 60)
    window = f"startTime=1700000000001&endTime={1_700_000_000_000 + seconds * 1000}&limit={rows}"
    assert (request.method, request.url) == ("GET", f"{url}&interval={interval}&{window}")
    assert request.weight == weight


def test_a_window_of_candles_is_what_one_answer_holds():
    spans = [venue.candle_pages(venue.unchecked("X"), "1d").span_ns for venue in (SPOT, USD_M, COIN_M)]
    assert spans == [1000 * DAY, 1000 * DAY, 200 * DAY]
    assert COIN_M.candle_pages(COIN_M.unchecked("X"), "1m").span_ns == 1000 * 60 * 10**9
    for venue in (USD_M, COIN_M):
        with pytest.raises(InvalidInput, match="1m, 3m"):
            venue.candle_pages(venue.unchecked("X"), "1s")


def test_candles_are_read_with_all_their_digits():
    instrument = COIN_M.unchecked("BTCUSD_PERP")
    body = (
        b'[[1700000040000,"1.10","2.00","0.90","1.50","7.0",1700000099999,"4.20",3,"2.0","1.10","0","new"],'
        b'[1700000100000000,"1","1","1","1","0",1700000159999999,"0",0,"0","0"]]'
    )
    first, second = COIN_M.candle_pages(instrument, "1m").ask(0, 1).decode(body, 7)
    prices = first.open, first.high, first.low, first.close, first.volume, first.turnover
    assert [str(each) for each in prices] == ["1.10", "2.00", "0.90", "1.50", "7.0", "4.20"]
    assert [str(each) for each in (first.taker_buy_volume, first.taker_buy_turnover)] == ["2.0", "1.10"]
    assert (first.open_time, first.close_time) == (1_700_000_040 * 10**9, 1_700_000_099_999 * 10**6)
    assert (first.interval, first.trades, first.first_id, first.closed) == ("1m", 3, None, False)
    assert (first.time_exchange, first.time_received, first.instrument) == (None, 7, instrument)
    assert (second.open_time, second.close_time) == (1_700_000_100 * 10**9, 1_700_000_159_999_999 * 10**3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b"[[1]]",
        b'[["1","1","1","1","1","1",2,"1",1,"1","1"]]',
        b'[[1,"much","1","1","1","1",2,"1",1,"1","1"]]',
        b'[[1,"1","1","1","1","NaN",2,"1",1,"1","1"]]',
        b'[[1,"1","1","1","1","1",2,"1",1,"1","Infinity"]]',
    ],
)
def test_candles_that_cannot_be_read_are_a_typed_error(body):
    with pytest.raises(PayloadError, match="candles of X") as caught:
        USD_M.candle_pages(USD_M.unchecked("X"), "1m").ask(0, 1).decode(body, 1)
    assert caught.value.raw == body
