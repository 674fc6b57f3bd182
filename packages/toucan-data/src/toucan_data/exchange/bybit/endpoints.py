"""Bybit's stream addresses, topics and limits: one dated table.

Document names are those of the documentation of API v5, read 2026-07-24; a date is that of the change that
brought the rule, where it is known.
"""

from __future__ import annotations

from datetime import date

from toucan_data.feed import Limits
from toucan_data.table import Row
from toucan_instrument import Environment, Exchange

__all__ = [
    "CONNECTION_LIMITS",
    "DEPTHS",
    "LIMITS",
    "PATHS",
    "REST_HOSTS",
    "ROUTES",
    "STREAM_HOSTS",
    "STREAM_RULES",
    "TOPICS",
    "Row",
]

SPOT, LINEAR, INVERSE, OPTION = (
    Exchange.BYBIT_SPOT,
    Exchange.BYBIT_LINEAR,
    Exchange.BYBIT_INVERSE,
    Exchange.BYBIT_OPTION,
)
LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO
READ = date(2026, 7, 24)

PATHS: dict[Exchange, str] = {
    SPOT: "/v5/public/spot",
    LINEAR: "/v5/public/linear",
    INVERSE: "/v5/public/inverse",
    OPTION: "/v5/public/option",
}
"""What tells the markets apart: their topics and symbols do not, and frames name no market (facts 1)."""

_HOSTS = {
    LIVE: ("wss://stream.bybit.com", "Connect, WebSocket public stream"),
    TESTNET: ("wss://stream-testnet.bybit.com", "Connect, WebSocket public stream, testnet"),
    DEMO: ("wss://stream.bybit.com", "Demo Trading: no public stream of its own, the live one is used"),
}
STREAM_HOSTS: dict[tuple[Exchange, Environment], Row] = {
    (market, environment): Row(f"{host}{path}", document, READ)
    for market, path in PATHS.items()
    for environment, (host, document) in _HOSTS.items()
}
"""Addresses of streams, whole: the path belongs to the market."""

REST_HOSTS: dict[tuple[Exchange, Environment], Row] = {}
"""None but those of the grammar."""

ROUTES: dict[str, Row] = {}
"""One route for all topics of a market."""

TOPICS: dict[str, Row] = {
    "publicTrade": Row("real time; options: by base coin", "Trade", READ),
    "orderbook": Row("a snapshot, then deltas numbered by u", "Orderbook", READ),
    "orderbook.1": Row("snapshots only, repeated after 3 s without a change", "Orderbook", date(2025, 3, 20)),
    "tickers": Row("linear, inverse: a snapshot, then what has changed; 100 ms", "Ticker", READ),
    "tickers (spot)": Row("snapshots only, 50 ms", "Ticker", date(2025, 11, 4)),
    "kline": Row("1 to 60 s", "Kline", READ),
    "allLiquidation": Row("linear, inverse: all of them, 500 ms", "All Liquidation", date(2025, 2, 20)),
}
"""What each topic sends."""

DEPTHS: dict[int, tuple[int, Row]] = {
    50: (20, Row("50 levels, 20 ms", "Orderbook", READ)),
    200: (100, Row("200 levels, 100 ms", "Orderbook", READ)),
    1000: (200, Row("1000 levels, 200 ms", "Orderbook", date(2025, 11, 25))),
}
"""Depths of maintained books of spot, linear and inverse, with how often each is sent, milliseconds."""

CONNECTION_LIMITS: dict[Exchange, Row] = {
    market: Row("500 connections per 5 minutes and domain; 1000 at once for market data", "Connect", READ)
    for market in PATHS
}
"""How many connections an address may open; the budget itself is `Venue.connection_pool`."""

_RULES = (
    Row("all args of a connection: 21,000 characters", "Connect, Public channel - Args limits", READ),
    Row('{"op": "ping"} every 20 s', "Connect, How to Send the Heartbeat Packet", READ),
)
_SPOILED = Row("one bad topic spoils the whole request", "error replies that other clients have seen", READ)
STREAM_RULES: dict[Exchange, tuple[Row, ...]] = {
    SPOT: (*_RULES, Row("10 args for each request", "Connect, Public channel - Args limits", READ)),
    LINEAR: (*_RULES, _SPOILED),
    INVERSE: (*_RULES, _SPOILED),
    OPTION: (*_RULES, Row("2000 args for each connection", "Connect, Public channel - Args limits", READ)),
}
"""What the venue says of its streams; `LIMITS` is what we keep to, which is never more."""

SECOND, MILLISECOND = 1_000_000_000, 1_000_000
LONGEST_TOPIC = 52
"""No topic with its quotes and comma is longer: ``orderbook.1000.`` and a symbol of 34 characters."""

_LIMITS = Limits(
    streams_per_connection=21_000 // LONGEST_TOPIC,
    # No limit of messages is documented: they go evenly, as elsewhere.
    control_messages=1,
    control_window_ns=150 * MILLISECOND,
    # 10 is what spot allows; elsewhere it keeps small what one bad topic spoils.
    names_per_message=10,
    # Errors have been seen without the id of their request.
    requests_at_once=1,
    # No end of a connection's life is documented.
    connection_life_ns=30 * 24 * 3600 * SECOND,
    ping_ns=20 * SECOND,
)
LIMITS: dict[Exchange, Limits] = dict.fromkeys(PATHS, _LIMITS)
"""What we keep to."""
