"""The venues that there are, each imported when it is asked for.

This is the one place of toucan-data that names them, a line for each; the id of an exchange, and with it the
name of its family, stands in `toucan_instrument.Exchange`. What belongs to a family is found by its name:

- ``toucan_data.exchange.<family>``: the folder, with ``endpoints``, the dated table, and ``decoder``, whose
  function ``decoder(venue)`` reads recordings, where `SessionDecoder` does not do;
- ``toucan_data.testing.dialects.<family>``: how the exchange for tests speaks, by ``dialect(exchange)``;
- ``toucan_instrument.exchange.<family>``: its grammar.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import cast
from urllib.parse import urlsplit

from toucan_data.decoding import FrameDecoder, SessionDecoder
from toucan_data.table import Endpoints
from toucan_data.venue import Venue
from toucan_instrument import Environment, Exchange
from toucan_instrument.errors import InvalidInput
from toucan_instrument.exchange import grammar

__all__ = [
    "SHOWN",
    "VENUES",
    "endpoints_of",
    "exchange_at",
    "frame_decoder",
    "venue_class",
    "venue_named",
]

VENUES: dict[Exchange, tuple[str, str]] = {
    Exchange.BINANCE_SPOT: ("toucan_data.exchange.binance", "BinanceSpot"),
    Exchange.BINANCE_US_SPOT: ("toucan_data.exchange.binance", "BinanceUsSpot"),
    Exchange.BINANCE_USD_M: ("toucan_data.exchange.binance", "BinanceFuturesUsd"),
    Exchange.BINANCE_COIN_M: ("toucan_data.exchange.binance", "BinanceFuturesCoin"),
    Exchange.COINBASE: ("toucan_data.exchange.coinbase", "Coinbase"),
    Exchange.COINBASE_ADVANCED: ("toucan_data.exchange.coinbase", "CoinbaseAdvanced"),
    Exchange.OKX: ("toucan_data.exchange.okx", "Okx"),
    Exchange.BYBIT_SPOT: ("toucan_data.exchange.bybit", "BybitSpot"),
    Exchange.BYBIT_LINEAR: ("toucan_data.exchange.bybit", "BybitLinear"),
    Exchange.BYBIT_INVERSE: ("toucan_data.exchange.bybit", "BybitInverse"),
    Exchange.BYBIT_OPTION: ("toucan_data.exchange.bybit", "BybitOption"),
    Exchange.KRAKEN_SPOT: ("toucan_data.exchange.kraken", "KrakenSpot"),
    Exchange.KRAKEN_FUTURES: ("toucan_data.exchange.kraken", "KrakenFutures"),
}
"""Module and class of each exchange's venue."""

SHOWN: tuple[Exchange, ...] = (Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M)
"""The markets that the demo plays: few enough to be read."""


def venue_class(exchange: Exchange) -> type[Venue]:
    """Return the class of an exchange's venue.

    Raises:
        InvalidInput: There is none.
    """
    module, name = _entry(exchange)
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


def endpoints_of(exchange: Exchange) -> Endpoints:
    """Return the dated table of addresses, routes and limits of an exchange's family.

    Raises:
        InvalidInput: That exchange is not offered.
    """
    return cast("Endpoints", import_module(f"{_entry(exchange)[0]}.endpoints"))


def exchange_at(url: str) -> Exchange | None:
    """Return whose address one is, None if it is of no venue that is known, or of several."""
    asked = urlsplit(url)
    best, found = -1, set[Exchange]()
    for exchange in VENUES:
        for address in _addresses(exchange):
            parts = urlsplit(address)
            path = parts.path.rstrip("/")
            if parts.hostname != asked.hostname or not asked.path.startswith(path) or len(path) < best:
                continue
            found = {exchange} if len(path) > best else found | {exchange}
            best = len(path)
    return found.pop() if len(found) == 1 else None


def _addresses(exchange: Exchange) -> Iterator[str]:
    table, live = endpoints_of(exchange), Environment.LIVE
    for rows in (table.STREAM_HOSTS, table.REST_HOSTS):
        if (exchange, live) in rows:
            yield rows[exchange, live].value
    yield grammar(exchange).rest_base(exchange, live)
    yield from getattr(table, "FORMER_HOSTS", {}).get(exchange, ())


def frame_decoder(venue: Venue) -> FrameDecoder:
    """Return a decoder of a venue's recorded frames.

    Raises:
        InvalidInput: That exchange is not offered.
    """
    name = f"{_entry(venue.exchange)[0]}.decoder"
    if find_spec(name) is None:
        return SessionDecoder(venue)
    made: FrameDecoder = import_module(name).decoder(venue)
    return made


def _entry(exchange: Exchange) -> tuple[str, str]:
    try:
        return VENUES[exchange]
    except KeyError as error:
        raise InvalidInput(
            "that exchange is not offered",
            field="exchange",
            value=exchange,
            accepted=", ".join(known.value for known in VENUES),
        ) from error
