"""The exchanges, and one module of pure functions for each family of them."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from toucan_instrument.environment import Environment
    from toucan_instrument.errors import VenueError
    from toucan_instrument.instrument import Instrument
    from toucan_instrument.pool import Pool
    from toucan_instrument.rest import Request, Response

__all__ = ["Exchange", "Grammar", "LimitsSaid", "grammar"]


class Exchange(StrEnum):
    """One id for each market with servers and symbols of its own; the values are the command line's.

    What stands before the first hyphen names the family, whose markets share a module or folder.
    """

    BINANCE_SPOT = "binance-spot"
    BINANCE_US_SPOT = "binance-us-spot"
    BINANCE_USD_M = "binance-usd-m"
    BINANCE_COIN_M = "binance-coin-m"
    OKX = "okx"
    COINBASE = "coinbase"
    COINBASE_ADVANCED = "coinbase-advanced"
    BYBIT_SPOT = "bybit-spot"
    BYBIT_LINEAR = "bybit-linear"
    BYBIT_INVERSE = "bybit-inverse"
    BYBIT_OPTION = "bybit-option"
    KRAKEN_SPOT = "kraken-spot"
    KRAKEN_FUTURES = "kraken-futures"

    @property
    def family(self) -> str:
        """The name of its family, which is that of the modules that know it."""
        return self.value.partition("-")[0]


class LimitsSaid(Protocol):
    """What an answer says of the request limits; see `toucan_instrument.link.rest.AnswerLimits`."""

    @property
    def used(self) -> int | None:
        """The weight that counts in the venue's present window, None where it does not say."""
        ...

    @property
    def retry_after_ns(self) -> int:
        """How long the venue wants no request, nanoseconds; 0 where it asks for nothing."""
        ...

    @property
    def banned(self) -> bool:
        """Whether the address is banned."""
        ...


class Grammar(Protocol):
    """What the module of a family offers; its functions are pure, and take the market first."""

    def parse_symbol(self, exchange: Exchange, symbol: str, /) -> Instrument:
        """Return an instrument by the spelling of its symbol alone."""
        ...

    def rest_base(self, exchange: Exchange, environment: Environment, /) -> str:
        """Return the REST address of a market, without a path.

        Raises:
            InvalidInput: The market does not exist in that environment.
        """
        ...

    def request_pool(self, exchange: Exchange, environment: Environment, /) -> Pool:
        """Return the pool of request weight that a market's address shares."""
        ...

    def connection_pool(self, exchange: Exchange, environment: Environment, /) -> Pool:
        """Return how many WebSocket connections an address may open to a market."""
        ...

    def instruments_request(self, exchange: Exchange, base_url: str, /) -> Request:
        """Return the request for the list of instruments, or for the first part of it."""
        ...

    def decode_instruments(
        self, exchange: Exchange, body: bytes, /
    ) -> tuple[Iterable[Instrument], Iterable[tuple[str, str]]]:
        """Return the instruments of an answer, and the rows that could not be read with the reason.

        Raises:
            PayloadError: It cannot be read.
        """
        ...

    def volumes_request(self, exchange: Exchange, base_url: str, /) -> Request:
        """Return the request for 24 h volumes, or for the first part of them."""
        ...

    def decode_volumes(self, exchange: Exchange, body: bytes, /) -> Mapping[str, Decimal]:
        """Return quote volume by the venue's symbol.

        Raises:
            PayloadError: It cannot be read.
        """
        ...

    def read_limits(self, exchange: Exchange, response: Response, /) -> LimitsSaid:
        """Read what an answer says of the request limits."""
        ...

    def error_of(self, exchange: Exchange, request: Request, response: Response, /) -> VenueError | None:
        """Return the typed error that an answer is, None if it is a good one."""
        ...


def grammar(exchange: Exchange) -> Grammar:
    """Return the module that knows an exchange's symbols and lists, imported when it is asked for."""
    return cast("Grammar", import_module(f"{__name__}.{exchange.family}"))
