"""Exchanges, assets, instruments and trading rules: the thin types that toucan's packages share.

Importing this loads nothing heavier than msgspec. The supervised connection and the request budget are
in `toucan_instrument.link`, which needs the extra ``[aiohttp]`` to dial.
"""

from __future__ import annotations

from toucan_instrument.catalogue import Catalogue
from toucan_instrument.environment import Environment
from toucan_instrument.errors import (
    AddressBanned,
    DialError,
    InvalidInput,
    LinkError,
    PayloadError,
    RateLimited,
    RequestError,
    RequestFailed,
    ToucanError,
    UnknownSymbol,
    UnsupportedKind,
    VenueError,
)
from toucan_instrument.exchange import Exchange
from toucan_instrument.instrument import (
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    OptionKind,
    QuantityUnit,
)
from toucan_instrument.pool import Pool
from toucan_instrument.rest import Request, Response
from toucan_instrument.rules import TradingRules, Violation
from toucan_instrument.side import Side
from toucan_instrument.symbol import UnifiedSymbol, parse_unified

__all__ = [
    "AddressBanned",
    "Catalogue",
    "DialError",
    "Environment",
    "Exchange",
    "Instrument",
    "InstrumentKind",
    "InstrumentStatus",
    "InvalidInput",
    "LinkError",
    "OptionKind",
    "PayloadError",
    "Pool",
    "QuantityUnit",
    "RateLimited",
    "Request",
    "RequestError",
    "RequestFailed",
    "Response",
    "Side",
    "ToucanError",
    "TradingRules",
    "UnifiedSymbol",
    "UnknownSymbol",
    "UnsupportedKind",
    "VenueError",
    "Violation",
    "parse_unified",
]
