"""Coinbase: the feed of Exchange (spot), and that of Advanced Trade (the same books, and US futures).

The rules are those of ``facts/coinbase.md`` as of 2026-10; `endpoints` has them as one dated table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from toucan_data.addressed import AddressedVenue
from toucan_data.exchange.coinbase import endpoints, rest, streams
from toucan_data.exchange.coinbase.endpoints import BOOKS, BOOKS_PER_CONNECTION
from toucan_data.exchange.coinbase.session import AdvancedSession, CoinbaseSession, ExchangeSession
from toucan_data.feed import Channel, Feed, Limits, SessionContext
from toucan_data.kinds import Kind, OrderBooksL1, OrderBooksL2, Tickers24h
from toucan_data.question import CandlePages, Question
from toucan_data.sequencer import BookSync
from toucan_data.status import Status
from toucan_data.table import Endpoints
from toucan_instrument import Exchange, Instrument, InstrumentKind
from toucan_instrument.asset import upper_ascii

__all__ = ["Coinbase", "CoinbaseAdvanced", "CoinbaseVenue"]


class CoinbaseVenue(AddressedVenue):
    """What Coinbase's two APIs have in common."""

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
        """Return the address of the streams, which is the same for every route."""
        del route
        return self.ws_url

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
        del instrument_of
        streams.prepare(self.exchange, feed, report, want_snapshot)

    def streams_of(self, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
        """See `Venue.streams_of`."""
        return streams.streams_of(self.exchange, name)

    def symbol(self, base: str, quote: str) -> str:
        """Return the spelling of a pair."""
        return f"{upper_ascii(base)}-{upper_ascii(quote)}"

    def session(self, context: SessionContext, feeds: list[Feed]) -> CoinbaseSession:
        """See `Venue.session`."""
        made = AdvancedSession if self.exchange is Exchange.COINBASE_ADVANCED else ExchangeSession
        return made(context, feeds)

    def candle_pages(self, instrument: Instrument, interval: str) -> CandlePages:
        """See `Venue.candle_pages`."""
        return rest.candle_pages(self.exchange, self._rest_url, instrument, interval)


class Coinbase(CoinbaseVenue):
    """Coinbase Exchange: spot. Its open book feed has neither numbers nor a checksum: no loss can be seen."""

    exchange = Exchange.COINBASE

    @property
    def blind(self) -> frozenset[str]:
        """The kinds whose loss cannot be seen; facts 6."""
        return frozenset({OrderBooksL1.name, OrderBooksL2.name, Tickers24h.name})


class CoinbaseAdvanced(CoinbaseVenue):
    """Coinbase Advanced Trade: the spot markets of Exchange, and the futures of Coinbase's US exchange.

    A pair in USDC is another name of the pair in USD, with the same book and trades (facts 2).
    """

    exchange = Exchange.COINBASE_ADVANCED

    def limits_of(self, route: str) -> Limits:
        """Return how the streams of a route may be used: few books share a connection."""
        limits = self.limits
        if route != BOOKS:
            return limits
        most = min(limits.streams_per_connection, BOOKS_PER_CONNECTION)
        return msgspec.structs.replace(limits, streams_per_connection=most)

    def question(self, kind: Kind[Any], instrument: Instrument) -> Question[Any]:
        """See `Venue.question`: the futures have funding rate and open interest over REST only."""
        if kind not in rest.ASKED or instrument.kind is InstrumentKind.SPOT:
            return super().question(kind, instrument)
        return rest.details(kind, self._rest_url, instrument)
