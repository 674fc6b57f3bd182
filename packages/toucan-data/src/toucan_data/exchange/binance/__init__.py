"""Binance: spot, USD-M futures, COIN-M futures, and Binance.US spot.

The rules are those of ``facts/binance.md`` as of 2026-11-23; `endpoints` has them as one dated table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from toucan_data.exchange.binance import rest, streams
from toucan_data.exchange.binance.endpoints import LIMITS, REST_HOSTS, SOLE, STREAM_HOSTS
from toucan_data.exchange.binance.normalise import InstrumentOf
from toucan_data.exchange.binance.session import BinanceSession
from toucan_data.feed import Channel, Feed, Limits, SessionContext
from toucan_data.kinds import Kind, OrderBookKind
from toucan_data.sequencer import BookSnapshot, BookSync
from toucan_data.status import Status
from toucan_data.venue import Venue
from toucan_instrument import Environment, Exchange, Instrument, Pool
from toucan_instrument.errors import InvalidInput, VenueError
from toucan_instrument.exchange import binance as grammar
from toucan_instrument.rest import Request, Response

__all__ = ["BinanceFuturesCoin", "BinanceFuturesUsd", "BinanceSpot", "BinanceUsSpot", "BinanceVenue"]


class BinanceVenue(Venue):
    """What Binance's markets have in common."""

    def __init__(
        self,
        environment: Environment = Environment.LIVE,
        *,
        ws_url: str | None = None,
        rest_url: str | None = None,
        compression: bool = False,
        limits: Limits | None = None,
    ) -> None:
        """Choose environment and addresses.

        Args:
            environment: Live, testnet or demo.
            ws_url: Another base address for streams, such as ``ws://127.0.0.1:8080``; route and
                ``/stream`` are appended. None for Binance's own.
            rest_url: Another base address for REST, without a path. None for Binance's own.
            compression: Whether to ask for compressed frames: less traffic, more CPU time.
            limits: Other limits than the venue's table, for an address that has others.

        Raises:
            InvalidInput: The market does not exist in that environment, or an address is none.
        """
        try:
            self.environment: Environment = Environment(environment)
        except ValueError as error:
            raise InvalidInput(
                "that is no environment",
                field="environment",
                value=environment,
                accepted=", ".join(known.value for known in Environment),
            ) from error
        host = STREAM_HOSTS.get((self.exchange, self.environment))
        if host is None and (ws_url is None or rest_url is None):
            raise InvalidInput(
                f"{self.exchange.value} has no such environment",
                field="environment",
                value=self.environment.value,
                accepted=", ".join(env.value for exchange, env in STREAM_HOSTS if exchange is self.exchange),
            )
        self._ws_url = _address("ws_url", ws_url, ("ws://", "wss://")) or (host.value if host else "")
        self._own_rest = rest_url is not None
        self._rest_url = _address("rest_url", rest_url, ("http://", "https://")) or self._rest_base()
        self._compression = compression
        self._limits = limits or LIMITS[self.exchange]

    def _rest_base(self) -> str:
        own = REST_HOSTS.get((self.exchange, self.environment))
        if own is not None:
            return own.value
        return grammar.rest_base(self.exchange, self.environment)

    def _key(self) -> tuple[object, ...]:
        return (
            self.exchange,
            self.environment,
            self._ws_url,
            self._rest_url,
            self._compression,
            self._limits,
        )

    def __eq__(self, other: object) -> bool:
        """Compare by market, environment and addresses."""
        return isinstance(other, BinanceVenue) and self._key() == other._key()

    def __hash__(self) -> int:
        """Hash by market and addresses."""
        return hash((self.exchange, self._ws_url, self._rest_url))

    def __repr__(self) -> str:
        """Show market and environment."""
        return f"{type(self).__name__}({self.environment.value}, {self._ws_url})"

    @property
    def limits(self) -> Limits:
        """How its streams may be used."""
        return self._limits

    @property
    def rest_url(self) -> str:
        """Where its REST is, without a path."""
        return self._rest_url

    @property
    def request_pool(self) -> Pool:
        """The request weight that its address shares; another address has a pool of its own."""
        return self._at(grammar.request_pool(self.exchange, self.environment), self._rest_url)

    @property
    def connection_pool(self) -> Pool:
        """How many connections its address may open."""
        return self._at(grammar.connection_pool(self.exchange, self.environment), self._ws_url)

    def _at(self, pool: Pool, address: str) -> Pool:
        if not self._own_rest:
            return pool
        origin = "/".join(address.replace("ws", "http", 1).split("/", 3)[:3]) if address else ""
        return Pool(f"{pool.name}@{origin}", pool.limit, pool.window_ns, pool.source)

    @property
    def compression(self) -> bool:
        """Whether to ask for compressed frames."""
        return self._compression

    @property
    def kinds(self) -> Mapping[Kind[Any], str]:
        """The kinds that it has."""
        return streams.KINDS[self.exchange]

    def url(self, route: str) -> str:
        """Return the address of the combined streams of a route; spot is asked for microseconds."""
        path = f"{self._ws_url}/{route}/stream" if route != SOLE else f"{self._ws_url}/stream"
        return f"{path}?timeUnit=MICROSECOND" if self.exchange is Exchange.BINANCE_SPOT else path

    def channel(self, instrument: Instrument | None, kind: Kind[object]) -> Channel:
        """See `Venue.channel`."""
        found = streams.channel(self.exchange, instrument, kind)
        if instrument is not None and isinstance(kind, OrderBookKind) and kind.depth is None:
            rest.snapshot_request(self.exchange, "", instrument, kind.snapshot_levels)
        return found

    def prepare(
        self,
        feed: Feed,
        report: Callable[[Status], None],
        want_snapshot: Callable[[BookSync], None],
        instrument_of: InstrumentOf,
    ) -> None:
        """See `Venue.prepare`."""
        streams.prepare(self.exchange, feed, report, want_snapshot, instrument_of)

    def session(self, context: SessionContext, feeds: list[Feed]) -> BinanceSession:
        """See `Venue.session`."""
        return BinanceSession(context, feeds)

    def symbol(self, base: str, quote: str) -> str:
        """Return the spelling of a pair (COIN-M: of its perpetual)."""
        pair = f"{base}{quote}".upper()
        return f"{pair}_PERP" if self.exchange is Exchange.BINANCE_COIN_M else pair

    def unchecked(self, symbol: str) -> Instrument:
        """Return an instrument for a symbol by its spelling alone."""
        return grammar.parse_symbol(self.exchange, symbol)

    def instruments_request(self) -> Request:
        """Return the request for ``exchangeInfo``."""
        return grammar.instruments_request(self.exchange, self._rest_url)

    def decode_instruments(self, body: bytes) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
        """See `Venue.decode_instruments`."""
        instruments, skipped = grammar.decode_instruments(self.exchange, body)
        return list(instruments), tuple(skipped)

    def volumes_request(self) -> Request:
        """Return the request for the 24 h statistics of all symbols."""
        return grammar.volumes_request(self.exchange, self._rest_url)

    def decode_volumes(self, body: bytes) -> dict[str, Decimal]:
        """See `Venue.decode_volumes`."""
        return dict(grammar.decode_volumes(self.exchange, body))

    def snapshot_request(self, instrument: Instrument, levels: int) -> Request:
        """See `Venue.snapshot_request`."""
        return rest.snapshot_request(self.exchange, self._rest_url, instrument, levels)

    def decode_snapshot(self, body: bytes, levels: int) -> BookSnapshot:
        """See `Venue.decode_snapshot`."""
        return rest.decode_snapshot(body, levels)

    def read_limits(self, response: Response) -> Any:
        """See `Venue.read_limits`."""
        return grammar.read_limits(self.exchange, response)

    def error_of(self, request: Request, response: Response) -> VenueError | None:
        """See `Venue.error_of`."""
        return grammar.error_of(self.exchange, request, response)


class BinanceSpot(BinanceVenue):
    """Binance spot."""

    exchange = Exchange.BINANCE_SPOT


class BinanceUsSpot(BinanceVenue):
    """Binance.US spot: another exchange, at an older level of the same API."""

    exchange = Exchange.BINANCE_US_SPOT


class BinanceFuturesUsd(BinanceVenue):
    """Binance USD-M futures: perpetual and dated contracts, margined in USDT, USDC and others."""

    exchange = Exchange.BINANCE_USD_M


class BinanceFuturesCoin(BinanceVenue):
    """Binance COIN-M futures: inverse contracts, margined in the base asset; quantities are contracts."""

    exchange = Exchange.BINANCE_COIN_M


def _address(field: str, value: str | None, schemes: tuple[str, ...]) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not value.startswith(schemes) or not _has_host(value):
        raise InvalidInput(
            "that is no address of this kind",
            field=field,
            value=value,
            accepted=" or ".join(f"{scheme}host[:port]" for scheme in schemes),
        )
    return value.rstrip("/")


def _has_host(address: str) -> bool:
    """Tell whether an address names a host, and nothing that a path cannot be appended to."""
    try:
        parts = urlsplit(address)
        port = parts.port  # raises where it is none
    except ValueError:
        return False
    usual = address.isprintable() and " " not in address and port != 0
    return bool(parts.hostname) and usual and not parts.query and not parts.fragment
