"""What the sandbox trades unless it is told: instruments with all the rules that the real ones have."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from toucan_instrument import Exchange, Instrument, TradingRules
from toucan_instrument.testing import binance as public

__all__ = ["listed"]

_RULES: Mapping[Exchange, Mapping[str, Any]] = {
    Exchange.BINANCE_SPOT: {
        "market_max_quantity": Decimal(1_000),
        "bid_multiplier_up": Decimal(5),
        "bid_multiplier_down": Decimal("0.2"),
        "ask_multiplier_up": Decimal(5),
        "ask_multiplier_down": Decimal("0.2"),
        "max_algo_orders": 5,
        "max_iceberg_parts": 100,
        "min_notional_market": True,
        "max_notional": Decimal(9_000_000),
        "max_notional_market": False,
    },
    Exchange.BINANCE_USD_M: {
        "market_max_quantity": Decimal(1_000),
        "market_min_quantity": Decimal("0.001"),
        "market_step_size": Decimal("0.001"),
        "bid_multiplier_up": Decimal("1.15"),
        "ask_multiplier_down": Decimal("0.85"),
    },
    Exchange.BINANCE_COIN_M: {
        "market_max_quantity": Decimal(50_000),
        "market_min_quantity": Decimal(1),
        "market_step_size": Decimal(1),
        "bid_multiplier_up": Decimal("1.15"),
        "ask_multiplier_down": Decimal("0.85"),
        "max_algo_orders": 20,
    },
}
"""What comes to the rules of every test exchange: the kinds that facts C.3 names, of usual sizes."""


def listed(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument as the sandbox lists it."""
    instrument = public.listed(exchange, symbol)
    rules = msgspec.structs.replace(instrument.rules or TradingRules(), **_RULES.get(exchange, {}))
    return msgspec.structs.replace(instrument, rules=rules)
