"""Binance: spot, USD-M futures and COIN-M futures."""

from __future__ import annotations

from toucan_execution.client.binance.clients import (
    BinanceClient,
    BinanceExecution,
    BinanceFuturesClient,
    BinanceFuturesCoinExecution,
    BinanceFuturesUsdExecution,
    BinanceSpotExecution,
)
from toucan_execution.client.binance.config import BinanceConfig, Market, OrdersOver, UserData

__all__ = [
    "BinanceClient",
    "BinanceConfig",
    "BinanceExecution",
    "BinanceFuturesClient",
    "BinanceFuturesCoinExecution",
    "BinanceFuturesUsdExecution",
    "BinanceSpotExecution",
    "Market",
    "OrdersOver",
    "UserData",
]
