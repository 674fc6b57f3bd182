"""Binance's symbols, instrument lists, REST addresses and request limits: pure functions.

Four markets: spot, Binance.US spot, USD-M futures, COIN-M futures. The rules are those of the facts on
Binance as of 2026-11-23, whose sections are named where they apply.
"""

from __future__ import annotations

from toucan_instrument.exchange.binance._filters import rules_of
from toucan_instrument.exchange.binance._lists import (
    decode_instruments,
    decode_volumes,
    instruments_request,
    volumes_request,
)
from toucan_instrument.exchange.binance._rest import (
    LimitNote,
    connection_pool,
    error_of,
    read_limits,
    request_pool,
    rest_base,
    rest_prefix,
)
from toucan_instrument.exchange.binance._symbols import (
    parse_symbol,
    stream_name,
    symbol_of,
    symbol_of_stream,
)

__all__ = [
    "LimitNote",
    "connection_pool",
    "decode_instruments",
    "decode_volumes",
    "error_of",
    "instruments_request",
    "parse_symbol",
    "read_limits",
    "request_pool",
    "rest_base",
    "rest_prefix",
    "rules_of",
    "stream_name",
    "symbol_of",
    "symbol_of_stream",
    "volumes_request",
]
