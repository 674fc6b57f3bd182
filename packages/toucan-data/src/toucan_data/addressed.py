"""What venues have in common that are found at addresses of a dated table: a venue's folder inherits it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlsplit

from toucan_data.feed import Limits
from toucan_data.table import Endpoints
from toucan_data.venue import Venue
from toucan_instrument import Environment, Instrument, Pool
from toucan_instrument.errors import InvalidInput, VenueError
from toucan_instrument.exchange import Grammar, grammar
from toucan_instrument.rest import Request, Response

__all__ = ["AddressedVenue"]


class AddressedVenue(Venue):
    """A venue with a table of addresses, and a grammar that reads its lists.

    A market's class names its `exchange`; the class of its family names the table.

    Attributes:
        endpoints: The module with the table.
    """

    endpoints: ClassVar[Endpoints]

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
            ws_url: Another base address for streams, such as ``ws://127.0.0.1:8080``; what the venue has
                after its host is appended. None for the venue's own.
            rest_url: Another base address for REST, without a path. None for the venue's own.
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
        hosts = self.endpoints.STREAM_HOSTS
        host = hosts.get((self.exchange, self.environment))
        if host is None and (ws_url is None or rest_url is None):
            raise InvalidInput(
                f"{self.exchange.value} has no such environment",
                field="environment",
                value=self.environment.value,
                accepted=", ".join(env.value for exchange, env in hosts if exchange is self.exchange),
            )
        self._ws_url = _address("ws_url", ws_url, ("ws://", "wss://")) or (host.value if host else "")
        self._own_rest = rest_url is not None
        self._rest_url = _address("rest_url", rest_url, ("http://", "https://")) or self._rest_base()
        self._compression = compression
        self._limits = limits or self.endpoints.LIMITS[self.exchange]

    def _rest_base(self) -> str:
        own = self.endpoints.REST_HOSTS.get((self.exchange, self.environment))
        return own.value if own is not None else self.grammar.rest_base(self.exchange, self.environment)

    @property
    def grammar(self) -> Grammar:
        """What knows its symbols and lists."""
        return grammar(self.exchange)

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
        return isinstance(other, AddressedVenue) and self._key() == other._key()

    def __hash__(self) -> int:
        """Hash by market and addresses."""
        return hash((self.exchange, self._ws_url, self._rest_url))

    def __repr__(self) -> str:
        """Show market and environment."""
        return f"{type(self).__name__}({self.environment.value}, {self._ws_url})"

    @property
    def ws_url(self) -> str:
        """Base address of its streams."""
        return self._ws_url

    @property
    def rest_url(self) -> str:
        """Where its REST is, without a path."""
        return self._rest_url

    @property
    def limits(self) -> Limits:
        """How its streams may be used."""
        return self._limits

    @property
    def compression(self) -> bool:
        """Whether to ask for compressed frames."""
        return self._compression

    @property
    def request_pool(self) -> Pool:
        """The request weight that its address shares; another address has a pool of its own."""
        return self._at(self.grammar.request_pool(self.exchange, self.environment), self._rest_url)

    @property
    def connection_pool(self) -> Pool:
        """How many connections its address may open."""
        return self._at(self.grammar.connection_pool(self.exchange, self.environment), self._ws_url)

    def _at(self, pool: Pool, address: str) -> Pool:
        return pool.at(address) if self._own_rest else pool

    def unchecked(self, symbol: str) -> Instrument:
        """Return an instrument for a symbol by its spelling alone."""
        return self.grammar.parse_symbol(self.exchange, symbol)

    def instruments_request(self) -> Request:
        """See `Venue.instruments_request`."""
        return self.grammar.instruments_request(self.exchange, self._rest_url)

    def more_instruments(self, request: Request, body: bytes) -> Sequence[Request]:
        """See `Venue.more_instruments`; a grammar whose lists are whole has no such function."""
        more = getattr(self.grammar, "more_instruments", None)
        return more(self.exchange, request, body) if more is not None else ()

    def decode_instruments(self, body: bytes) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
        """See `Venue.decode_instruments`."""
        instruments, skipped = self.grammar.decode_instruments(self.exchange, body)
        return list(instruments), tuple(skipped)

    def volumes_request(self) -> Request:
        """See `Venue.volumes_request`."""
        return self.grammar.volumes_request(self.exchange, self._rest_url)

    def more_volumes(self, request: Request, body: bytes) -> Sequence[Request]:
        """See `Venue.more_volumes`; a grammar whose volumes are one answer has no such function."""
        more = getattr(self.grammar, "more_volumes", None)
        return more(self.exchange, request, body) if more is not None else ()

    def spelling(self, text: str) -> str:
        """See `Venue.spelling`; a grammar has a function for it where upper case is not the rule."""
        spell = getattr(self.grammar, "spelling", None)
        return spell(self.exchange, text) if spell is not None else super().spelling(text)

    def decode_volumes(self, body: bytes) -> dict[str, Decimal]:
        """See `Venue.decode_volumes`."""
        return dict(self.grammar.decode_volumes(self.exchange, body))

    def read_limits(self, response: Response) -> Any:
        """See `Venue.read_limits`."""
        return self.grammar.read_limits(self.exchange, response)

    def error_of(self, request: Request, response: Response) -> VenueError | None:
        """See `Venue.error_of`."""
        return self.grammar.error_of(self.exchange, request, response)


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
