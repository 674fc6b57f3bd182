"""Binance as a venue: which class is which market's."""

from __future__ import annotations

from typing import Any

from toucan_execution.client.binance.venue_base import BinanceVenue
from toucan_execution.client.binance.venue_futures import (
    BinanceCoinMVenue,
    BinanceFuturesVenue,
    BinanceUsdMVenue,
)
from toucan_execution.client.binance.venue_spot import BinanceSpotVenue
from toucan_execution.credentials import Credentials
from toucan_instrument import Environment, Exchange
from toucan_instrument.errors import UnsupportedKind

__all__ = [
    "VENUES",
    "BinanceCoinMVenue",
    "BinanceFuturesVenue",
    "BinanceSpotVenue",
    "BinanceUsdMVenue",
    "BinanceVenue",
    "venue_of",
]

VENUES: dict[Exchange, type[BinanceVenue]] = {
    Exchange.BINANCE_SPOT: BinanceSpotVenue,
    Exchange.BINANCE_USD_M: BinanceUsdMVenue,
    Exchange.BINANCE_COIN_M: BinanceCoinMVenue,
}
"""The markets that have a private side here."""


def venue_of(
    exchange: Exchange, environment: Environment, credentials: Credentials, **options: Any
) -> BinanceVenue:
    """Return a market's venue; `options` are those of `BinanceVenue` and of the market's own class.

    Raises:
        UnsupportedKind: The market has no private side here (Binance.US).
    """
    kind = VENUES.get(exchange)
    if kind is None:
        raise UnsupportedKind(
            "its private side is not supported",
            field="exchange",
            value=exchange.value,
            accepted=", ".join(each.value for each in VENUES),
        )
    return kind(exchange, environment, credentials, **options)
