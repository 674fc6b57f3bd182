"""Coinbase's symbols, instrument lists, REST addresses and request limits: pure functions.

Two APIs over one matching engine: Exchange (spot), and Advanced Trade (the same spot markets, and the futures
of its US exchange). The rules are those of the facts on Coinbase as of 2026-10, whose sections are named
where they apply.
"""

from __future__ import annotations

from toucan_instrument.exchange.coinbase._lists import (
    decode_instruments,
    decode_volumes,
    instruments_request,
    more_instruments,
    more_volumes,
    volumes_request,
)
from toucan_instrument.exchange.coinbase._rest import (
    connection_pool,
    error_of,
    read_limits,
    request_pool,
    rest_base,
)
from toucan_instrument.exchange.coinbase._symbols import parse_symbol, stream_symbol, symbol_of

__all__ = [
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
    "stream_symbol",
    "symbol_of",
    "volumes_request",
]
