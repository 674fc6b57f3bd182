"""What a venue must say of itself, as values and pure functions: a venue's folder fills this in.

A `Venue` says which kinds it has, what their streams are called, on which route they are served, how fast
it may be asked, and how its frames become events. It never awaits, opens a socket or reads a clock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from toucan_data.feed import Channel, Feed, Limits, SessionContext
from toucan_data.kinds import Kind
from toucan_data.sequencer import BookSnapshot, BookSync
from toucan_data.session import StreamSession
from toucan_data.status import Status
from toucan_instrument import Environment, Exchange, Instrument, Pool
from toucan_instrument.errors import VenueError
from toucan_instrument.rest import Request, Response

__all__ = ["Venue"]


class Venue(ABC):
    """A market of an exchange, in one environment, at one set of addresses."""

    exchange: Exchange
    environment: Environment

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """How its streams may be used."""

    @property
    @abstractmethod
    def rest_url(self) -> str:
        """Where its REST is, without a path."""

    @property
    @abstractmethod
    def request_pool(self) -> Pool:
        """The request weight that its address shares."""

    @property
    @abstractmethod
    def connection_pool(self) -> Pool:
        """How many connections its address may open."""

    @property
    @abstractmethod
    def compression(self) -> bool:
        """Whether to ask for compressed frames."""

    @property
    @abstractmethod
    def kinds(self) -> Mapping[Kind[Any], str]:
        """The kinds that it has, each with a remark for the support table, often empty."""

    @abstractmethod
    def url(self, route: str) -> str:
        """Return the WebSocket address of a route."""

    @abstractmethod
    def channel(self, instrument: Instrument | None, kind: Kind[object]) -> Channel:
        """Return the stream that serves a kind of an instrument, None for the whole market.

        Raises:
            UnsupportedKind: It has no such stream; the error names the kinds that it has.
            InvalidInput: A setting of the kind is not among those that it offers.
        """

    @abstractmethod
    def prepare(
        self,
        feed: Feed,
        report: Callable[[Status], None],
        want_snapshot: Callable[[BookSync], None],
        instrument_of: Callable[[str], Instrument],
    ) -> None:
        """Give a feed its `decode` and `handle`, and its book where it keeps one."""

    @abstractmethod
    def session(self, context: SessionContext, feeds: list[Feed]) -> StreamSession:
        """Return the protocol state of one new connection."""

    @abstractmethod
    def symbol(self, base: str, quote: str) -> str:
        """Return the venue's spelling of a pair, for symbols that are taken unchecked."""

    @abstractmethod
    def unchecked(self, symbol: str) -> Instrument:
        """Return an instrument for a symbol by its spelling alone."""

    @abstractmethod
    def instruments_request(self) -> Request:
        """Return the request for the list of instruments."""

    @abstractmethod
    def decode_instruments(self, body: bytes) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
        """Return the instruments, and the rows that could not be read with the reason."""

    @abstractmethod
    def volumes_request(self) -> Request:
        """Return the request for 24 h volumes."""

    @abstractmethod
    def decode_volumes(self, body: bytes) -> dict[str, Decimal]:
        """Return quote volume by the venue's symbol."""

    @abstractmethod
    def snapshot_request(self, instrument: Instrument, levels: int) -> Request:
        """Return the request for a book's snapshot."""

    @abstractmethod
    def decode_snapshot(self, body: bytes, levels: int) -> BookSnapshot:
        """Read a snapshot.

        Raises:
            PayloadError: It cannot be read.
        """

    @abstractmethod
    def read_limits(self, response: Response) -> Any:
        """Return what a response says of the request limits."""

    @abstractmethod
    def error_of(self, request: Request, response: Response) -> VenueError | None:
        """Return the typed error that a response is, None if it is none."""
