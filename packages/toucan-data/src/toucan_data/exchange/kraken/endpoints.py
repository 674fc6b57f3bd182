"""Kraken's stream addresses, channels and limits: one dated table.

Document names: *docs* are the pages of docs.kraken.com, *observed* is what recordings of the named date show,
*clients* what other clients keep to, where the venue publishes no number. Sections are those of the facts.
"""

from __future__ import annotations

from datetime import date

from toucan_data.feed import Limits
from toucan_data.table import Row
from toucan_instrument import Environment, Exchange

__all__ = [
    "CHANNELS",
    "CONNECTION_LIMITS",
    "FORMER_HOSTS",
    "LIMITS",
    "PATHS",
    "REST_HOSTS",
    "ROUTES",
    "STREAM_HOSTS",
    "STREAM_RULES",
]

SPOT, FUTURES = Exchange.KRAKEN_SPOT, Exchange.KRAKEN_FUTURES
LIVE = Environment.LIVE

STREAM_HOSTS: dict[tuple[Exchange, Environment], Row] = {
    (SPOT, LIVE): Row("wss://ws.kraken.com", "docs: WebSocket v2, public", date(2026, 10, 9)),
    # Until 2027-03-01; then `wss://uws.kraken.com/v2/public`, whose derivatives nobody has recorded yet (8).
    (FUTURES, LIVE): Row(
        "wss://futures.kraken.com", "docs: Derivatives WebSocket, deprecation", date(2026, 6, 22)
    ),
}
"""Base addresses; `PATHS` are appended. The demo of the futures ended on 2026-07-14; spot never had one."""

FORMER_HOSTS: dict[Exchange, tuple[str, ...]] = {
    SPOT: ("wss://beta-ws.kraken.com",),  # newer code of the API, the same markets
    FUTURES: ("wss://demo-futures.kraken.com", "https://demo-futures.kraken.com"),  # until 2026-07-14
}
"""Other addresses that recordings name."""

PATHS: dict[Exchange, Row] = {
    SPOT: Row("/v2", "docs: WebSocket v2, public", date(2026, 10, 9)),
    FUTURES: Row("/ws/v1", "docs: Derivatives WebSocket", date(2026, 6, 22)),
}
"""What stands behind the host."""

REST_HOSTS: dict[tuple[Exchange, Environment], Row] = {}
"""None has one for public data only."""

ROUTES: dict[str, Row] = {}
"""There is one route to each market."""

CHANNELS: dict[Exchange, dict[str, Row]] = {
    SPOT: {
        "trade": Row("snapshot is off unless asked for", "docs: trade", date(2026, 9, 25)),
        "ticker": Row("event_trigger trades, unless bbo is asked for", "docs: ticker", date(2026, 9, 25)),
        "book": Row(
            "depth 10, 25, 100, 500 or 1000; checksum of the best 10", "docs: book", date(2026, 10, 9)
        ),
        "ohlc": Row("intervals 1 to 21600 minutes; no closed flag", "docs: ohlc", date(2026, 10, 6)),
        "instrument": Row("one object of assets and pairs", "docs: instrument", date(2026, 4, 28)),
        "status": Row("unasked, on connecting and at every change", "docs: status", date(2026, 10, 9)),
        "heartbeat": Row("each second without other frames", "docs: heartbeat", date(2026, 10, 9)),
    },
    FUTURES: {
        "trade": Row("begins with trade_snapshot, newest first", "docs: trade", date(2026, 9, 25)),
        "book": Row("whole book; seq of each product; no checksum", "docs: book", date(2026, 9, 25)),
        "ticker": Row("once a second", "docs: ticker", date(2026, 9, 25)),
        "ticker_lite": Row("once a second; no last price", "docs: ticker lite", date(2021, 7, 22)),
        "heartbeat": Row("subscribed without products", "docs: heartbeat", date(2026, 6, 22)),
    },
}
"""The public channels, with what is to be known of each."""

CONNECTION_LIMITS: dict[Exchange, Row] = {
    SPOT: Row("about 150 attempts in 10 minutes and address", "docs: rate limits (3)", date(2026, 10, 9)),
    FUTURES: Row("100 connections and address", "docs: Derivatives WebSocket, limits (6)", date(2026, 5, 27)),
}
"""How many connections an address may open; the budget itself is `Venue.connection_pool`."""

STREAM_RULES: dict[Exchange, tuple[Row, ...]] = {
    SPOT: (
        Row("no published number of requests; 50 ms apart at least", "clients (3)", date(2026, 10, 9)),
        Row("188 books of depth 1000 on one connection", "observed (3)", date(2026, 9, 8)),
        Row("one depth of a symbol's book on one connection", "docs: book (3)", date(2026, 10, 9)),
        Row("no frame for 10 s is a dead connection", "docs: heartbeat (3)", date(2026, 10, 9)),
        Row("ends after a minute without a frame", "docs: connection (3)", date(2026, 10, 9)),
    ),
    FUTURES: (
        Row("100 requests per second and connection", "docs: limits (6)", date(2026, 5, 27)),
        Row("a second request of many products was refused", "clients (6)", date(2026, 5, 24)),
        Row("ping every 60 s at least", "docs: Derivatives WebSocket (6)", date(2026, 5, 27)),
    ),
}
"""What is known of the streams; `LIMITS` is what we keep to, which is never more."""

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
LIMITS: dict[Exchange, Limits] = {
    SPOT: Limits(
        streams_per_connection=180,
        control_messages=1,
        control_window_ns=200 * MILLISECOND,
        names_per_message=50,
        idle_ns=10 * SECOND,
    ),
    # One product for each request, and no more requests under way than an alert can be matched among.
    FUTURES: Limits(
        streams_per_connection=200,
        control_messages=1,
        control_window_ns=20 * MILLISECOND,
        names_per_message=1,
        requests_at_once=10,
        ping_ns=30 * SECOND,
    ),
}
