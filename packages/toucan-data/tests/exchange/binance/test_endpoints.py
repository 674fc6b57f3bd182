"""Addresses, routes and limits: every row of the table, and what the venue objects make of it."""

from datetime import date

import pytest

from toucan_data.exchange.binance import (
    BinanceFuturesCoin,
    BinanceFuturesUsd,
    BinanceSpot,
    BinanceUsSpot,
    endpoints,
)
from toucan_instrument import Environment, Exchange

LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO
TABLES = {
    **endpoints.STREAM_HOSTS,
    **endpoints.REST_HOSTS,
    **endpoints.ROUTES,
    **{("limit", exchange): row for exchange, row in endpoints.CONNECTION_LIMITS.items()},
    **{(exchange, i): row for exchange, rows in endpoints.STREAM_RULES.items() for i, row in enumerate(rows)},
}


@pytest.mark.parametrize("row", TABLES.values(), ids=map(str, TABLES))
def test_every_row_has_its_document_and_date(row):
    assert row.value
    assert row.document
    assert date(2019, 1, 1) <= row.since <= date(2026, 12, 31)


@pytest.mark.parametrize("exchange", list(endpoints.LIMITS))
def test_every_market_has_limits_within_the_venues(exchange):
    """Facts A.2: 5 messages a second on spot, 10 on the futures, pings and pongs among them."""
    limits = endpoints.LIMITS[exchange]
    futures = exchange in (Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M)
    per_second = -(-1_000_000_000 // limits.control_window_ns) * limits.control_messages
    assert per_second <= (8 if futures else 4)
    assert limits.streams_per_connection <= 1024
    assert limits.connection_life_ns < 24 * 3600 * 10**9
    assert limits.names_per_message <= 200
    # A spot server pings every 20 s, a futures one every 3 minutes: silence is noticed in time.
    assert limits.idle_ns + limits.probe_ns < 10 * 60 * 10**9


URLS = [
    (BinanceSpot(), "", "wss://data-stream.binance.vision/stream?timeUnit=MICROSECOND"),
    (BinanceSpot(TESTNET), "", "wss://stream.testnet.binance.vision/stream?timeUnit=MICROSECOND"),
    (BinanceSpot(DEMO), "", "wss://demo-stream.binance.com/stream?timeUnit=MICROSECOND"),
    (BinanceUsSpot(), "", "wss://stream.binance.us:9443/stream"),
    (BinanceFuturesUsd(), "public", "wss://fstream.binance.com/public/stream"),
    (BinanceFuturesUsd(), "market", "wss://fstream.binance.com/market/stream"),
    (BinanceFuturesUsd(TESTNET), "market", "wss://fstream.binancefuture.com/market/stream"),
    (BinanceFuturesUsd(DEMO), "public", "wss://demo-fstream.binance.com/public/stream"),
    (BinanceFuturesCoin(), "", "wss://dstream.binance.com/stream"),
    (BinanceFuturesCoin(TESTNET), "", "wss://dstream.binancefuture.com/stream"),
    (BinanceFuturesCoin(DEMO), "", "wss://demo-dstream.binance.com/stream"),
    (BinanceSpot(ws_url="ws://127.0.0.1:8080/"), "", "ws://127.0.0.1:8080/stream?timeUnit=MICROSECOND"),
    (BinanceFuturesUsd(ws_url="ws://[::1]:80/p"), "market", "ws://[::1]:80/p/market/stream"),
]


@pytest.mark.parametrize(("venue", "route", "url"), URLS, ids=[url for _, _, url in URLS])
def test_addresses(venue, route, url):
    assert venue.url(route) == url


ROUTES = {
    "public": [
        "bookTicker", "!bookTicker", "depth", "depth@100ms", "depth@500ms", "depth5", "depth20@100ms",
    ],
    "market": [
        "aggTrade", "markPrice", "markPrice@1s", "!markPrice@arr@1s", "kline_1m", "kline_1M", "miniTicker",
        "!miniTicker@arr", "ticker", "!ticker@arr", "forceOrder", "!forceOrder@arr",
    ],
}  # fmt: skip
"""Facts A.1.1, stream by stream."""


@pytest.mark.parametrize(
    ("route", "name"), [(route, name) for route, all_ in ROUTES.items() for name in all_]
)
def test_each_stream_of_usd_m_stands_on_its_route(route, name):
    from toucan_data.exchange.binance.streams import _route  # noqa: PLC0415 - what no public name gives alone

    full = name if name.startswith("!") else f"btcusdt@{name}"
    assert _route(Exchange.BINANCE_USD_M, full) == route
    assert _route(Exchange.BINANCE_COIN_M, full) == ""
    assert _route(Exchange.BINANCE_SPOT, full) == ""


def test_a_stream_that_no_route_is_known_for_is_a_bug_of_ours():
    from toucan_data.exchange.binance.streams import _route  # noqa: PLC0415 - as above

    with pytest.raises(LookupError, match="btcusdt@somethingNew"):
        _route(Exchange.BINANCE_USD_M, "btcusdt@somethingNew")
