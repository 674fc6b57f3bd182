"""What a venue must say of itself, as values and pure functions: a venue's folder fills this in.

A `Venue` says which kinds it has, what their streams are called, on which route they are served, how fast
it may be asked, and how its frames become events. It never awaits, opens a socket or reads a clock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from toucan_data.bookrule import BookSnapshot
from toucan_data.feed import Channel, Feed, Limits, SessionContext
from toucan_data.kinds import Candles, FundingRates, Kind
from toucan_data.question import CandlePages, Question
from toucan_data.sequencer import BookSync
from toucan_data.session import StreamSession
from toucan_data.status import Status
from toucan_instrument import Environment, Exchange, Instrument, InstrumentKind, Pool
from toucan_instrument.asset import upper_ascii
from toucan_instrument.errors import InvalidInput, PayloadError, UnsupportedKind, VenueError
from toucan_instrument.rest import Request, Response

__all__ = ["Venue", "an_instrument", "check_interval", "check_offered"]

E = TypeVar("E")


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

    def limits_of(self, route: str) -> Limits:
        """Return how the streams of a route may be used."""
        del route
        return self.limits

    @property
    @abstractmethod
    def kinds(self) -> Mapping[Kind[Any], str]:
        """The kinds that it has, each with a remark for the support table, often empty."""

    @property
    def lacking(self) -> Mapping[Kind[Any], str]:
        """Why it lacks a kind that one would look for, for the support table: there but over REST, say."""
        return {}

    @property
    def blind(self) -> frozenset[str]:
        """The kinds, by name, whose feed cannot show that something of it was lost; the table says so."""
        return frozenset()

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
        """Give a feed its `decode` and `handle`, and its book where it keeps one.

        All kinds that the stream can serve have to be looked after, whichever was asked for first: another
        one may join later. Those whose events are not the stream's own get an outlet (`Feed.outlet`).

        Args:
            feed: What is followed.
            report: Takes status values.
            want_snapshot: Asks REST for the snapshot of a book.
            instrument_of: Gives the instrument of a symbol that a message names.
        """

    @abstractmethod
    def session(self, context: SessionContext, feeds: list[Feed]) -> StreamSession:
        """Return the protocol state of one new connection."""

    @abstractmethod
    def streams_of(self, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
        """Return what a stream's name says, the way back of `channel`: for recordings.

        Returns:
            Symbol (empty for a stream of a whole market), and all kinds that the stream serves; None if it
            is a stream that is not offered.
        """

    @abstractmethod
    def symbol(self, base: str, quote: str) -> str:
        """Return the venue's spelling of a pair, for symbols that are taken unchecked."""

    def spelling(self, text: str) -> str:
        """Return a symbol that a user wrote as the venue would: in upper case, unless it has other rules."""
        return upper_ascii(text)

    @abstractmethod
    def unchecked(self, symbol: str) -> Instrument:
        """Return an instrument for a symbol by its spelling alone."""

    @abstractmethod
    def instruments_request(self) -> Request:
        """Return the request for the list of instruments, or for the first part of it."""

    def more_instruments(self, request: Request, body: bytes) -> Sequence[Request]:
        """Return what is to be asked for next: the next page, or the lists of other sorts of instruments.

        Args:
            request: What was asked for.
            body: What was answered.

        Raises:
            PayloadError: The answer cannot be read.
        """
        del request, body
        return ()

    @abstractmethod
    def decode_instruments(self, body: bytes) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
        """Return the instruments, and the rows that could not be read with the reason."""

    @abstractmethod
    def volumes_request(self) -> Request:
        """Return the request for 24 h volumes, or for the first part of them."""

    def more_volumes(self, request: Request, body: bytes) -> Sequence[Request]:
        """Return what is to be asked for next; see `more_instruments`."""
        del request, body
        return ()

    @abstractmethod
    def decode_volumes(self, body: bytes) -> dict[str, Decimal]:
        """Return quote volume by the venue's symbol."""

    def snapshot_request(self, instrument: Instrument, levels: int) -> Request:
        """Return the request for a book's snapshot, for a venue whose books need it.

        Raises:
            InvalidInput: The venue does not offer that depth, or deltas follow on none of REST.
        """
        raise InvalidInput(
            f"{self.exchange.value} sends snapshots on the stream",
            field="snapshot_levels",
            value=levels,
            accepted=f"no snapshot of {instrument} over REST",
        )

    def decode_snapshot(self, body: bytes, levels: int) -> BookSnapshot:
        """Read a snapshot that was asked for.

        Raises:
            PayloadError: It cannot be read.
        """
        raise PayloadError(f"a snapshot of {levels} levels", raw=body, cause="none is asked for here")

    def question(self, kind: Kind[E], instrument: Instrument) -> Question[E]:
        """Return what asks for the latest event of a kind, for a kind that it has over REST only.

        Raises:
            UnsupportedKind: It has a stream of it, or nothing like it.
        """
        raise self._not_asked_for(kind, instrument)

    def candle_pages(self, instrument: Instrument, interval: str) -> CandlePages:
        """Return how candles of the past are asked for, for a venue that is asked for them.

        Raises:
            UnsupportedKind: It is not, or not for such an instrument.
            InvalidInput: It has none of that interval.
        """
        del interval
        raise self._not_asked_for(Candles, instrument)

    def _not_asked_for(self, kind: Kind[Any], instrument: Instrument) -> UnsupportedKind:
        streamed = kind in self.kinds
        return UnsupportedKind(
            f"{self.exchange.value} is not asked for {kind!r} of {instrument}",
            field="venue",
            value=self.exchange.value,
            accepted=f"a subscription to {kind!r}" if streamed else "a venue with it over REST",
        )

    @abstractmethod
    def read_limits(self, response: Response) -> Any:
        """Return what a response says of the request limits."""

    @abstractmethod
    def error_of(self, request: Request, response: Response) -> VenueError | None:
        """Return the typed error that a response is, None if it is none."""


def check_offered(
    exchange: Exchange, offered: Iterable[Kind[Any]], instrument: Instrument | None, kind: Kind[object]
) -> None:
    """Refuse a kind that a market does not offer, or not of such an instrument.

    Args:
        exchange: Which market.
        offered: The kinds that it has.
        instrument: Of what, None for the whole market.
        kind: What is asked for.

    Raises:
        UnsupportedKind: What is asked for, and what there is.
    """
    dated = instrument is not None and instrument.kind is InstrumentKind.FUTURE
    if not any(kind.name == other.name for other in offered) or (kind == FundingRates and dated):
        raise UnsupportedKind(
            f"{exchange.value} has no such stream" + (" of a dated future" if dated else ""),
            field="kind",
            value=kind,
            accepted=", ".join(repr(other) for other in offered if not dated or other != FundingRates),
        )


def check_interval(exchange: Exchange, offered: Iterable[str], interval: str | None) -> None:
    """Refuse candles of a length that a market does not have.

    Raises:
        InvalidInput: What is asked for, and what there is.
    """
    offered = tuple(offered)
    if interval not in offered:
        raise InvalidInput(
            f"{exchange.value} has no candles of that interval",
            field="interval",
            value=interval,
            accepted=", ".join(offered),
        )


def an_instrument(exchange: Exchange, instrument: Instrument | None, kind: Kind[object]) -> Instrument:
    """Return the instrument, at a market that has no streams of the whole of it.

    Raises:
        UnsupportedKind: The whole market is asked for.
    """
    if instrument is None:
        raise UnsupportedKind(
            f"{exchange.value} has no streams of the whole market",
            field="kind",
            value=kind,
            accepted="streams of an instrument",
        )
    return instrument
