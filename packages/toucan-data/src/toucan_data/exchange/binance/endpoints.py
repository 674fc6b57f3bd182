"""Binance's stream addresses, routes and limits: one dated table.

Document names: *streams* is "WebSocket Streams" of each market's documentation, *notice* the "Important
WebSocket Change Notice" of 2026-03-06, *observed* a measurement on production of 2026-10-07.
"""

from __future__ import annotations

from datetime import date

from toucan_data.feed import Limits
from toucan_data.table import Row
from toucan_instrument import Environment, Exchange

__all__ = [
    "CONNECTION_LIMITS",
    "FORMER_HOSTS",
    "LIMITS",
    "MARKET",
    "PUBLIC",
    "REST_HOSTS",
    "ROUTES",
    "SOLE",
    "STREAM_HOSTS",
    "STREAM_RULES",
    "Row",
]

SOLE = ""
"""The one route of markets that have no split."""
PUBLIC = "public"
"""USD-M: what follows the order book."""
MARKET = "market"
"""USD-M: everything else that is public."""

SPOT, US, USD_M, COIN_M = (
    Exchange.BINANCE_SPOT,
    Exchange.BINANCE_US_SPOT,
    Exchange.BINANCE_USD_M,
    Exchange.BINANCE_COIN_M,
)


STREAM_HOSTS: dict[tuple[Exchange, Environment], Row] = {
    # The host for market data only: the same streams, and no user data to be mixed up with.
    (SPOT, Environment.LIVE): Row(
        "wss://data-stream.binance.vision", "streams (spot), General Information", date(2023, 3, 1)
    ),
    (SPOT, Environment.TESTNET): Row(
        "wss://stream.testnet.binance.vision", "testnet notes (spot)", date(2025, 4, 1)
    ),
    (SPOT, Environment.DEMO): Row("wss://demo-stream.binance.com", "Demo Mode (spot)", date(2026, 1, 29)),
    (US, Environment.LIVE): Row("wss://stream.binance.us:9443", "streams (US)", date(2019, 9, 1)),
    (USD_M, Environment.LIVE): Row("wss://fstream.binance.com", "notice (USD-M)", date(2026, 4, 23)),
    (USD_M, Environment.TESTNET): Row(
        "wss://fstream.binancefuture.com", "streams (USD-M), testnet", date(2026, 5, 28)
    ),
    (USD_M, Environment.DEMO): Row(
        "wss://demo-fstream.binance.com", "streams (USD-M), demo", date(2026, 9, 15)
    ),
    (COIN_M, Environment.LIVE): Row("wss://dstream.binance.com", "streams (COIN-M)", date(2020, 8, 1)),
    (COIN_M, Environment.TESTNET): Row(
        "wss://dstream.binancefuture.com", "streams (COIN-M), testnet", date(2026, 5, 28)
    ),
    (COIN_M, Environment.DEMO): Row(
        "wss://demo-dstream.binance.com", "streams (COIN-M), demo", date(2026, 7, 2)
    ),
}
"""Base addresses; a route and ``/stream`` are appended."""

REST_HOSTS: dict[tuple[Exchange, Environment], Row] = {
    # REST for public data only; elsewhere the market's own address is used.
    (SPOT, Environment.LIVE): Row(
        "https://data-api.binance.vision", "REST (spot), General API Information", date(2023, 3, 1)
    ),
}
"""REST addresses for public data, where a market has one."""

FORMER_HOSTS: dict[Exchange, tuple[str, ...]] = {
    SPOT: ("wss://stream.binance.com", "https://api.binance.com"),
}
"""Other addresses of the same streams and REST, which recordings name."""

ROUTES: dict[str, Row] = {
    # A stream on the wrong route is acknowledged and stays silent; so does the retired unrouted address.
    "bookTicker": Row(PUBLIC, "notice (USD-M)", date(2026, 4, 23)),
    "depth": Row(PUBLIC, "notice (USD-M)", date(2026, 4, 23)),
    "aggTrade": Row(MARKET, "notice (USD-M)", date(2026, 4, 23)),
    "markPrice": Row(MARKET, "notice (USD-M)", date(2026, 4, 23)),
    "kline": Row(MARKET, "notice (USD-M)", date(2026, 4, 23)),
    "ticker": Row(MARKET, "notice (USD-M)", date(2026, 4, 23)),
    "miniTicker": Row(MARKET, "notice (USD-M)", date(2026, 4, 23)),
    "forceOrder": Row(MARKET, "notice (USD-M)", date(2026, 4, 23)),
}
"""Which route of USD-M serves a stream, by the word after its ``@``."""

CONNECTION_LIMITS: dict[Exchange, Row] = {
    SPOT: Row("300 connections per 5 minutes and address", "streams (spot)", date(2023, 1, 1)),
    US: Row("300 connections per 5 minutes and address", "streams (US)", date(2019, 9, 1)),
    USD_M: Row("300 connections per 5 minutes and address, as spot", "assumed", date(2026, 5, 28)),
    COIN_M: Row("300 connections per 5 minutes and address, as spot", "assumed", date(2026, 5, 28)),
}
"""How many connections an address may open; the budget itself is `Venue.connection_pool`."""

_FUTURES_MESSAGES = "10 messages per second to the venue, pings and pongs included"
_FUTURES_PING = "ping every 3 minutes, to be answered within 10 minutes"
_LIFE = "24 h for each connection"

STREAM_RULES: dict[Exchange, tuple[Row, ...]] = {
    SPOT: (
        Row("1024 streams on each connection", "streams (spot)", date(2023, 1, 1)),
        Row("5 messages per second to the venue, all included", "streams (spot)", date(2023, 1, 1)),
        Row(_LIFE, "streams (spot)", date(2023, 1, 1)),
        Row("ping every 20 s, to be answered within 1 min", "streams (spot)", date(2025, 2, 14)),
    ),
    US: (
        Row("1024 streams on each connection", "streams (US)", date(2019, 9, 1)),
        Row("5 messages per second to the venue, all included", "streams (US)", date(2019, 9, 1)),
        Row(_LIFE, "streams (US)", date(2019, 9, 1)),
    ),
    USD_M: (
        Row("1024 streams on each connection", "change log (USD-M), observed", date(2025, 7, 2)),
        Row(_FUTURES_MESSAGES, "streams (USD-M)", date(2020, 1, 1)),
        Row(_LIFE, "streams (USD-M)", date(2020, 1, 1)),
        Row(_FUTURES_PING, "streams (USD-M), observed", date(2020, 1, 1)),
    ),
    COIN_M: (
        Row("1024 streams on each connection (not measured)", "streams (COIN-M)", date(2025, 7, 2)),
        Row(_FUTURES_MESSAGES, "streams (COIN-M)", date(2020, 8, 1)),
        Row(_LIFE, "streams (COIN-M)", date(2020, 8, 1)),
        Row(_FUTURES_PING, "streams (COIN-M)", date(2020, 8, 1)),
    ),
}
"""What the venue says of its streams; `LIMITS` is what we keep to, which is never more."""

# Pings and pongs count as messages too (facts A.2). Messages are sent one by one, evenly: what is delayed on
# the way may arrive together, so that four in a second can be eight for the server. One in 0.3 s leaves room
# for a delay of 0.3 s and for pongs; a message names up to 200 streams.
MILLISECOND = 1_000_000
LIMITS: dict[Exchange, Limits] = {
    # streams (spot): 1024 streams, 5 messages/s, 24 h; ping every 20 s since 2025-02-14.
    SPOT: Limits(streams_per_connection=1024, control_messages=1, control_window_ns=300 * MILLISECOND),
    US: Limits(streams_per_connection=1024, control_messages=1, control_window_ns=300 * MILLISECOND),
    # streams (USD-M): 1024 since 2025-07-02 (observed too), 10 messages/s, ping every 3 minutes.
    USD_M: Limits(streams_per_connection=1024, control_messages=1, control_window_ns=150 * MILLISECOND),
    # streams (COIN-M) says 1024, not measured; others use 200, which costs nothing (facts 0.3-5).
    COIN_M: Limits(streams_per_connection=200, control_messages=1, control_window_ns=150 * MILLISECOND),
}
