"""Snapshots of books and open interest: what is asked for, what it costs, and how the answer is read."""

import pytest

from toucan_data import BinanceFuturesCoin, BinanceFuturesUsd, BinanceSpot, BinanceUsSpot, OrderBooksL2
from toucan_data.exchange.binance.rest import SNAPSHOT_WEIGHTS, decode_snapshot
from toucan_instrument.errors import InvalidInput, PayloadError

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
    request = venue.open_interest_request(venue.unchecked(symbol))
    assert (request.method, request.url, request.weight) == ("GET", url, 1)


def test_open_interest_is_read_with_all_its_digits():
    instrument = COIN_M.unchecked("BTCUSD_PERP")
    body = b'{"symbol":"BTCUSD_PERP","pair":"BTCUSD","openInterest":"1500.10","new":1,"time":1589437530011}'
    found = COIN_M.decode_open_interest(body, instrument, 7)
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
        USD_M.decode_open_interest(body, USD_M.unchecked("X"), 1)
    assert caught.value.raw == body
    assert "open interest of X" in str(caught.value)
