"""The venues that there are, each imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from toucan_data.venue import Venue
from toucan_instrument import Exchange
from toucan_instrument.errors import InvalidInput

__all__ = ["VENUES", "venue_class", "venue_named"]

VENUES: dict[Exchange, tuple[str, str]] = {
    Exchange.BINANCE_SPOT: ("toucan_data.exchange.binance", "BinanceSpot"),
    Exchange.BINANCE_US_SPOT: ("toucan_data.exchange.binance", "BinanceUsSpot"),
    Exchange.BINANCE_USD_M: ("toucan_data.exchange.binance", "BinanceFuturesUsd"),
    Exchange.BINANCE_COIN_M: ("toucan_data.exchange.binance", "BinanceFuturesCoin"),
}
"""Module and class of each exchange's venue."""


def venue_class(exchange: Exchange) -> type[Venue]:
    """Return the class of an exchange's venue.

    Raises:
        InvalidInput: There is none.
    """
    try:
        module, name = VENUES[exchange]
    except KeyError as error:
        raise InvalidInput(
            "that exchange is not offered",
            field="exchange",
            value=exchange,
            accepted=", ".join(known.value for known in VENUES),
        ) from error
    found: type[Venue] = getattr(import_module(module), name)
    return found


def venue_named(name: str) -> type[Venue]:
    """Return the class of the venue of a command-line name, such as ``binance-spot``.

    Raises:
        InvalidInput: There is none of that name.
    """
    try:
        return venue_class(Exchange(name))
    except ValueError as error:
        raise InvalidInput(
            "that venue is not known",
            field="venue",
            value=name,
            accepted=", ".join(known.value for known in VENUES),
        ) from error
