"""Kraken: spot, by its second WebSocket protocol, and futures.

The rules are those of the facts on Kraken as of 2026-11; `endpoints` has them as one dated table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from toucan_data.addressed import AddressedVenue
from toucan_data.exchange.kraken import endpoints, rest, streams
from toucan_data.exchange.kraken.session import FuturesSession, SpotSession
from toucan_data.feed import Channel, Feed, SessionContext
from toucan_data.kinds import Kind
from toucan_data.question import CandlePages
from toucan_data.sequencer import BookSync
from toucan_data.session import StreamSession
from toucan_data.status import Status
from toucan_data.table import Endpoints
from toucan_instrument import Exchange, Instrument
from toucan_instrument.asset import upper_ascii
from toucan_instrument.exchange.kraken import symbol_of

__all__ = ["KrakenFutures", "KrakenSpot", "KrakenVenue"]


class KrakenVenue(AddressedVenue):
    """What Kraken's markets have in common."""

    endpoints: ClassVar[Endpoints] = endpoints

    @property
    def kinds(self) -> Mapping[Kind[Any], str]:
        """The kinds that it has."""
        return streams.KINDS[self.exchange]

    @property
    def lacking(self) -> Mapping[Kind[Any], str]:
        """Why it lacks a kind."""
        return streams.LACKING[self.exchange]

    def url(self, route: str) -> str:
        """Return the address of the streams; there is one route."""
        del route
        return f"{self._ws_url}{endpoints.PATHS[self.exchange].value}"

    def channel(self, instrument: Instrument | None, kind: Kind[object]) -> Channel:
        """See `Venue.channel`."""
        return streams.channel(self.exchange, instrument, kind)

    def prepare(
        self,
        feed: Feed,
        report: Callable[[Status], None],
        want_snapshot: Callable[[BookSync], None],
        instrument_of: Callable[[str], Instrument],
    ) -> None:
        """See `Venue.prepare`."""
        del instrument_of  # every stream is of one instrument
        streams.prepare(self.exchange, feed, report, want_snapshot)

    def streams_of(self, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
        """See `Venue.streams_of`."""
        return streams.streams_of(self.exchange, name)


class KrakenSpot(KrakenVenue):
    """Kraken spot."""

    exchange = Exchange.KRAKEN_SPOT

    def session(self, context: SessionContext, feeds: list[Feed]) -> StreamSession:
        """See `Venue.session`."""
        return SpotSession(context, feeds)

    def symbol(self, base: str, quote: str) -> str:
        """Return the spelling of a pair."""
        return f"{base}/{quote}"


class KrakenFutures(KrakenVenue):
    """Kraken's derivatives: perpetual and dated, linear (quantities of the base asset) and inverse."""

    exchange = Exchange.KRAKEN_FUTURES

    def session(self, context: SessionContext, feeds: list[Feed]) -> StreamSession:
        """See `Venue.session`."""
        return FuturesSession(context, feeds)

    def symbol(self, base: str, quote: str) -> str:
        """Return the spelling of the linear perpetual of a pair; a tokenised stock has a small letter."""
        base, quote = (upper_ascii(each) if each.islower() else each for each in (base, quote))
        return symbol_of(self.exchange, f"{base}/{quote}:{quote}")

    def candle_pages(self, instrument: Instrument, interval: str) -> CandlePages:
        """See `Venue.candle_pages`."""
        return rest.candle_pages(self._rest_url, instrument, interval)
