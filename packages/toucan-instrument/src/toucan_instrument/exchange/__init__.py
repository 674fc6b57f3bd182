"""The exchanges, and one module of pure functions for each family of them."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from types import ModuleType

__all__ = ["Exchange", "grammar"]


class Exchange(StrEnum):
    """One id for each market with servers and symbols of its own; the values are the command line's."""

    BINANCE_SPOT = "binance-spot"
    BINANCE_US_SPOT = "binance-us-spot"
    BINANCE_USD_M = "binance-usd-m"
    BINANCE_COIN_M = "binance-coin-m"


_GRAMMARS = {
    Exchange.BINANCE_SPOT: "binance",
    Exchange.BINANCE_US_SPOT: "binance",
    Exchange.BINANCE_USD_M: "binance",
    Exchange.BINANCE_COIN_M: "binance",
}


def grammar(exchange: Exchange) -> ModuleType:
    """Return the module that knows an exchange's symbols and lists, imported when it is asked for."""
    return import_module(f"toucan_instrument.exchange.{_GRAMMARS[exchange]}")
