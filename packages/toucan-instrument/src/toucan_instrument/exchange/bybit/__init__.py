"""Bybit's symbols, instrument lists, REST addresses and request limits: pure functions.

Four markets of one API (v5): spot, linear contracts, inverse contracts, options. The rules are those of the
facts on Bybit as of 2026-07-24, whose sections are named where they apply.
"""

from __future__ import annotations

from toucan_instrument.exchange.bybit._lists import (
    decode_instruments,
    decode_volumes,
    instruments_request,
    more_instruments,
    more_volumes,
    volumes_request,
)
from toucan_instrument.exchange.bybit._rest import (
    category,
    connection_pool,
    error_of,
    read_limits,
    request_pool,
    rest_base,
)
from toucan_instrument.exchange.bybit._symbols import parse_symbol, symbol_of

__all__ = [
    "category",
    "connection_pool",
    "decode_instruments",
    "decode_volumes",
    "error_of",
    "instruments_request",
    "more_instruments",
    "more_volumes",
    "parse_symbol",
    "read_limits",
    "request_pool",
    "rest_base",
    "symbol_of",
    "volumes_request",
]
