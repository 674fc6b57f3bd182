"""Coinbase's stream addresses, channels and limits: one dated table.

Document names: *Exchange* and *Advanced Trade* are the two APIs' documentation, with the page; *observed* is
a capture on production that others have written up.
"""

from __future__ import annotations

from datetime import date

from toucan_data.feed import Limits
from toucan_data.table import Row
from toucan_instrument import Environment, Exchange

__all__ = [
    "BOOKS",
    "BOOKS_PER_CONNECTION",
    "CHANNELS",
    "CONNECTION_LIMITS",
    "FORMER_HOSTS",
    "INTERVAL",
    "LIMITS",
    "MARKET",
    "REST_HOSTS",
    "ROUTES",
    "SOLE",
    "STREAM_HOSTS",
    "STREAM_RULES",
    "Row",
]

SOLE = ""
"""The one route of Exchange."""
BOOKS = "level2"
"""Advanced Trade: connections of books alone, for a gap costs every book of the connection."""
MARKET = "market"
"""Advanced Trade: connections of everything else."""

INTERVAL = "5m"
"""Advanced Trade: the one length of its streams' candles (facts 7.4)."""

SPOT, ADVANCED = Exchange.COINBASE, Exchange.COINBASE_ADVANCED

STREAM_HOSTS: dict[tuple[Exchange, Environment], Row] = {
    (SPOT, Environment.LIVE): Row(
        "wss://ws-feed.exchange.coinbase.com", "Exchange, WebSocket Overview", date(2022, 11, 22)
    ),
    (SPOT, Environment.TESTNET): Row(
        "wss://ws-feed-public.sandbox.exchange.coinbase.com", "Exchange, Sandbox", date(2022, 11, 22)
    ),
    (ADVANCED, Environment.LIVE): Row(
        "wss://advanced-trade-ws.coinbase.com", "Advanced Trade, WebSocket Overview", date(2024, 5, 1)
    ),
}
"""Addresses; nothing is appended. The sandbox of Advanced Trade has no streams."""

REST_HOSTS: dict[tuple[Exchange, Environment], Row] = {}
"""REST is where the grammar says."""

FORMER_HOSTS: dict[Exchange, tuple[str, ...]] = {
    # Gone since 2024-09-11 (facts 1); and the direct feed, which needs a key.
    SPOT: (
        "wss://ws-feed.pro.coinbase.com",
        "https://api.pro.coinbase.com",
        "wss://ws-direct.exchange.coinbase.com",
    ),
}
"""Other addresses that recordings name."""

ROUTES: dict[str, Row] = {
    "level2": Row(BOOKS, "own choice: a gap is of a whole connection (observed)", date(2026, 8, 27)),
    "market_trades": Row(MARKET, "own choice", date(2026, 8, 27)),
    "ticker": Row(MARKET, "own choice", date(2026, 8, 27)),
    "candles": Row(MARKET, "own choice", date(2026, 8, 27)),
}
"""Advanced Trade: which connections serve a channel; one address serves all of them."""

CHANNELS: dict[Exchange, dict[str, Row]] = {
    # Open without a key: all of them observed on 2026-09-27. `level2` of Exchange has needed one since
    # 2023-08-01.
    SPOT: {
        "PublicTrades": Row("matches", "Exchange, WebSocket Channels", date(2026, 9, 27)),
        "OrderBooksL1": Row("level2_batch", "Exchange, WebSocket Channels", date(2023, 8, 1)),
        "OrderBooksL2": Row("level2_batch", "Exchange, WebSocket Channels", date(2023, 8, 1)),
        "Tickers24h": Row("ticker", "Exchange, WebSocket Channels", date(2026, 9, 27)),
    },
    ADVANCED: {
        "PublicTrades": Row("market_trades", "Advanced Trade, WebSocket Channels", date(2026, 6, 28)),
        "OrderBooksL1": Row("level2", "Advanced Trade, WebSocket Channels", date(2026, 6, 28)),
        "OrderBooksL2": Row("level2", "Advanced Trade, WebSocket Channels", date(2026, 6, 28)),
        "Tickers24h": Row("ticker", "Advanced Trade, WebSocket Channels", date(2026, 6, 28)),
        "Candles": Row("candles", "Advanced Trade, WebSocket Channels", date(2026, 6, 28)),
    },
}
"""Which channel serves a kind. Tops come from the books: both tickers follow trades only."""

_PER_ADDRESS = "8 connections per second and address, bursts of 20"
CONNECTION_LIMITS: dict[Exchange, Row] = {
    SPOT: Row(_PER_ADDRESS, "Exchange, WebSocket Rate Limits", date(2026, 2, 1)),
    ADVANCED: Row("8 connections per second and address", "Advanced Trade, Rate Limits", date(2026, 6, 28)),
}
"""How many connections an address may open; the budget itself is `Venue.connection_pool`."""

_FIRST = "the first subscription within 5 s of connecting"
STREAM_RULES: dict[Exchange, tuple[Row, ...]] = {
    SPOT: (
        Row(_FIRST, "Exchange, WebSocket Overview", date(2026, 2, 1)),
        Row("10 messages per second, bursts of 1000", "Exchange, WebSocket Rate Limits", date(2026, 2, 1)),
        Row("100 messages per second and address", "Exchange, WebSocket Rate Limits", date(2026, 2, 1)),
        Row("10 subscriptions per product and channel", "Exchange, WebSocket Rate Limits", date(2026, 2, 1)),
        Row("one unknown product refuses the whole message", "observed", date(2026, 8, 25)),
        Row("frames of 1.1 MB", "observed", date(2026, 8, 25)),
    ),
    ADVANCED: (
        Row(_FIRST, "Advanced Trade, WebSocket Overview", date(2026, 6, 28)),
        Row("8 messages per second and address", "Advanced Trade, Rate Limits", date(2026, 6, 28)),
        Row("one channel per message", "Advanced Trade, WebSocket Overview", date(2026, 6, 28)),
        Row("closed after 60 to 90 s without data", "Advanced Trade, WebSocket Channels", date(2026, 6, 28)),
        Row("an unknown product is left out silently", "observed", date(2026, 9, 7)),
        Row("frames of 4.8 MB", "observed", date(2026, 8, 27)),
    ),
}
"""What the venue says of its streams; `LIMITS` is what we keep to, which is never more."""

SECOND = 1_000_000_000
FRAME = 32 * 1024 * 1024
"""The largest frame that is taken; the defaults of many libraries are too small for a snapshot."""

# Answers name no request, so that one waits at a time. Heartbeats come every second: 10 s of silence is a
# sign that something is wrong (facts 5).
LIMITS: dict[Exchange, Limits] = {
    SPOT: Limits(
        streams_per_connection=50,
        control_messages=1,
        control_window_ns=SECOND // 5,
        names_per_message=25,
        requests_at_once=1,
        idle_ns=10 * SECOND,
        probe_ns=5 * SECOND,
        ack_ns=30 * SECOND,
        max_frame=FRAME,
    ),
    # The 8 messages a second count over all connections of an address: one a second of each keeps some
    # distance, and new ones are opened slowly (`connection_pool`).
    ADVANCED: Limits(
        streams_per_connection=100,
        control_messages=1,
        control_window_ns=SECOND,
        names_per_message=50,
        requests_at_once=1,
        idle_ns=10 * SECOND,
        probe_ns=5 * SECOND,
        ack_ns=30 * SECOND,
        max_frame=FRAME,
    ),
}
"""How streams are used; see `Limits`."""

BOOKS_PER_CONNECTION = 5
"""Advanced Trade: how many books share a connection: all of them begin anew when a frame is missing."""
