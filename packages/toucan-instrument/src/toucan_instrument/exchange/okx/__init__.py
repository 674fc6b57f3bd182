"""OKX's symbols, instrument lists, REST addresses and request limits: pure functions.

One market: spot, perpetual swaps, dated futures and options, told apart by their instrument ids. The rules
are those of the facts on OKX as of 2026-11, whose sections are named where they apply.
"""

from __future__ import annotations

from toucan_instrument.exchange.okx._lists import (
    decode_instruments,
    decode_volumes,
    instruments_request,
    more_instruments,
    more_volumes,
    volumes_request,
)
from toucan_instrument.exchange.okx._rest import (
    connection_pool,
    error_of,
    read_limits,
    request_pool,
    rest_base,
)
from toucan_instrument.exchange.okx._symbols import inst_type, parse_symbol, symbol_of

__all__ = [
    "connection_pool",
    "decode_instruments",
    "decode_volumes",
    "error_of",
    "inst_type",
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
