"""OKX's stream addresses, routes and limits: one dated table.

Document names: *docs* is the API guide of OKX (v5, snapshots of 2025-03 and 2025-08), *changelog* its
change log up to 2026-06, *notes* what was written elsewhere on what the change log announced, *frames*
what recorded frames show.
"""

from __future__ import annotations

from datetime import date

from toucan_data.feed import Limits
from toucan_data.table import Row
from toucan_instrument import Environment, Exchange

__all__ = [
    "BOOKS",
    "BUSINESS",
    "CONNECTION_LIMITS",
    "DEMO_HEADER",
    "DEPTH_CHANNELS",
    "FORMER_HOSTS",
    "LIMITS",
    "LIQUIDATIONS",
    "PATHS",
    "PUBLIC",
    "REGIONS",
    "REST_HOSTS",
    "ROUTES",
    "STREAM_HOSTS",
    "STREAM_RULES",
    "Row",
]

PUBLIC = "public"
"""What most channels are on."""
BUSINESS = "business"
"""Candles, and trades one by one."""
BOOKS = "books"
"""The public address again: no more than so many deep books on a connection."""
LIQUIDATIONS = "liquidations"
"""The public address again, for the liquidations of all sorts of instruments together."""

PATHS: dict[str, Row] = {
    PUBLIC: Row("/ws/v5/public", "docs, WebSocket, Connect", date(2021, 1, 1)),
    BOOKS: Row("/ws/v5/public", "docs, WebSocket, Connect", date(2021, 1, 1)),
    LIQUIDATIONS: Row("/ws/v5/public", "docs, WebSocket, Connect", date(2021, 1, 1)),
    BUSINESS: Row("/ws/v5/business", "changelog", date(2023, 6, 20)),
}
"""What stands behind the host for each route. None needs a login for market data."""

OKX = Exchange.OKX
STREAM_HOSTS: dict[tuple[Exchange, Environment], Row] = {
    # Without a port: 8443 is closed since 2026-10-31, and is what older libraries dial.
    (OKX, Environment.LIVE): Row("wss://ws.okx.com", "notes: port 8443 retired", date(2026, 10, 31)),
    (OKX, Environment.DEMO): Row("wss://wspap.okx.com", "notes: port 8443 retired", date(2026, 10, 31)),
}
"""Base addresses; a path of `PATHS` is appended."""

REGIONS: dict[str, tuple[Row, Row]] = {
    "EEA (my.okx.com)": (
        Row("wss://wseea.okx.com", "docs (EEA)", date(2025, 8, 1)),
        Row("https://eea.okx.com", "docs (EEA)", date(2025, 8, 1)),
    ),
    "US and AU (app.okx.com)": (
        Row("wss://wsus.okx.com", "docs (US)", date(2025, 8, 1)),
        Row("https://us.okx.com", "docs (US)", date(2025, 8, 1)),
    ),
}
"""Streams and REST of the regions that have instruments of their own: for ``ws_url`` and ``rest_url``."""

REST_HOSTS: dict[tuple[Exchange, Environment], Row] = {}
"""Public data has no host of its own."""

FORMER_HOSTS: dict[Exchange, tuple[str, ...]] = {
    # Before 2026-10-31 with the port 8443; wsaws was a second way to the same streams.
    OKX: (
        "https://www.okx.com",
        "wss://wsaws.okx.com",
        *(row.value for rows in REGIONS.values() for row in rows),
    ),
}
"""Other addresses that recordings name."""

DEMO_HEADER = Row("x-simulated-trading: 1", "docs, Demo trading", date(2021, 1, 1))
"""What tells REST that the demo is meant: it is at the live address."""

ROUTES: dict[str, Row] = {
    # A channel at the wrong address is refused with 60018.
    "trades": Row(PUBLIC, "docs, Trades channel", date(2021, 1, 1)),
    "trades-all": Row(BUSINESS, "docs, All trades channel; changelog", date(2023, 10, 1)),
    "bbo-tbt": Row(PUBLIC, "docs, Order book channel", date(2022, 4, 1)),
    "books": Row(BOOKS, "docs, Order book channel", date(2021, 1, 1)),
    "books5": Row(PUBLIC, "docs, Order book channel", date(2021, 1, 1)),
    "liquidation-orders": Row(PUBLIC, "docs, Liquidation orders channel", date(2023, 8, 1)),
    "candle": Row(BUSINESS, "changelog", date(2023, 6, 20)),
    "tickers": Row(PUBLIC, "docs, Tickers channel", date(2021, 1, 1)),
    "funding-rate": Row(PUBLIC, "docs, Funding rate channel", date(2021, 1, 1)),
    "mark-price": Row(PUBLIC, "docs, Mark price channel", date(2021, 1, 1)),
    "open-interest": Row(PUBLIC, "docs, Open interest channel", date(2021, 1, 1)),
}
"""Which route serves a channel."""

CONNECTION_LIMITS: dict[Exchange, Row] = {
    OKX: Row("3 connections per second and address", "docs, WebSocket, Connect", date(2023, 1, 1)),
}
"""How many connections an address may open; the budget itself is `Venue.connection_pool`."""

STREAM_RULES: dict[Exchange, tuple[Row, ...]] = {
    OKX: (
        Row("480 requests per hour and connection", "docs, WebSocket, Connect", date(2023, 1, 1)),
        Row("64 KB of channels in one request", "docs, WebSocket, Subscribe", date(2021, 1, 1)),
        Row("less than 30 deep books on a connection", "docs, WebSocket, Subscribe", date(2023, 1, 1)),
        Row("closed if nothing was sent for 30 s", "docs, WebSocket, Connect", date(2021, 1, 1)),
        Row("notice 64008: closed in 60 s", "docs; changelog (business: 2026-06-11)", date(2025, 8, 1)),
        Row("the checksum of books is zero: not compared", "changelog", date(2026, 6, 23)),
        Row("nextFundingRate is empty", "changelog", date(2026, 7, 1)),
    ),
}
"""What the venue says of its streams; `LIMITS` is what we keep to, which is never more."""

DEPTH_CHANNELS = 25
"""How many deep books we put on a connection: less than 30 are recommended."""

SECOND = 1_000_000_000
LIMITS: dict[Exchange, Limits] = {
    OKX: Limits(
        # No number is documented; close codes 4008 and 4009 mean too many. Others have used some hundreds.
        streams_per_connection=200,
        # 480 requests per hour. Pings do not count for the venue, but do here: 180 in an hour at the most.
        control_messages=450,
        control_window_ns=3600 * SECOND,
        bytes_per_message=64 * 1000,
        # Nothing for 20 s, and a ping is sent: its answer comes in before the 30 s are over.
        idle_ns=20 * SECOND,
        probe_ns=8 * SECOND,
    )
}
"""docs, WebSocket: Connect and Subscribe."""
