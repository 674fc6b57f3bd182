"""Kraken's symbols, instrument lists, REST addresses and request limits: pure functions.

Two markets: spot, and futures (the derivatives platform). The rules are those of the facts on Kraken, whose
sections are named where they apply.
"""

from __future__ import annotations

from toucan_instrument.exchange.kraken._lists import (
    decode_instruments,
    decode_volumes,
    instruments_request,
    more_instruments,
    volumes_request,
)
from toucan_instrument.exchange.kraken._rest import (
    connection_pool,
    error_of,
    read_limits,
    request_pool,
    rest_base,
)
from toucan_instrument.exchange.kraken._symbols import (
    parse_symbol,
    spelling,
    symbol_of,
    symbol_of_pair,
)

__all__ = [
    "connection_pool",
    "decode_instruments",
    "decode_volumes",
    "error_of",
    "instruments_request",
    "more_instruments",
    "parse_symbol",
    "read_limits",
    "request_pool",
    "rest_base",
    "spelling",
    "symbol_of",
    "symbol_of_pair",
    "volumes_request",
]
