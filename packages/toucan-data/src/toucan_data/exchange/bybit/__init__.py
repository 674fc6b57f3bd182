"""Bybit: spot, linear contracts, inverse contracts, options (trades and tickers).

The rules are those of ``facts/bybit.md`` as of 2026-07-24; `endpoints` has them as one dated table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from toucan_data.addressed import AddressedVenue
from toucan_data.exchange.bybit import endpoints, streams
from toucan_data.exchange.bybit.normalise import InstrumentOf
from toucan_data.exchange.bybit.session import BybitSession
from toucan_data.feed import Channel, Feed, SessionContext
from toucan_data.kinds import Kind
from toucan_data.sequencer import BookSync
from toucan_data.status import Status
from toucan_data.table import Endpoints
from toucan_instrument import Exchange, Instrument
from toucan_instrument.asset import upper_ascii

__all__ = ["BybitInverse", "BybitLinear", "BybitOption", "BybitSpot", "BybitVenue"]


class BybitVenue(AddressedVenue):
    """What Bybit's markets have in common."""

    endpoints: ClassVar[Endpoints] = endpoints

    @property
    def kinds(self) -> Mapping[Kind[Any], str]:
        """The kinds that it has."""
        return streams.KINDS[self.exchange]

    @property
    def lacking(self) -> Mapping[Kind[Any], str]:
        """Why it lacks a kind."""
        return streams.LACKING[self.exchange]

    @property
    def blind(self) -> frozenset[str]:
        """The kinds whose feed cannot show a loss."""
        return streams.BLIND[self.exchange]

    def url(self, route: str) -> str:
        """Return the address of its streams: the path tells the markets apart."""
        del route
        path = endpoints.PATHS[self.exchange]
        return self._ws_url if self._ws_url.endswith(path) else f"{self._ws_url}{path}"

    def channel(self, instrument: Instrument | None, kind: Kind[object]) -> Channel:
        """See `Venue.channel`."""
        return streams.channel(self.exchange, instrument, kind)

    def prepare(
        self,
        feed: Feed,
        report: Callable[[Status], None],
        want_snapshot: Callable[[BookSync], None],
        instrument_of: InstrumentOf,
    ) -> None:
        """See `Venue.prepare`."""
        streams.prepare(self.exchange, feed, report, want_snapshot, instrument_of)

    def streams_of(self, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
        """See `Venue.streams_of`."""
        return streams.streams_of(self.exchange, name)

    def session(self, context: SessionContext, feeds: list[Feed]) -> BybitSession:
        """See `Venue.session`."""
        return BybitSession(context, feeds)

    def symbol(self, base: str, quote: str) -> str:
        """Return the spelling of a pair; it names no option, whose symbol has to be whole."""
        return upper_ascii(f"{base}{quote}")


class BybitSpot(BybitVenue):
    """Bybit spot."""

    exchange = Exchange.BYBIT_SPOT


class BybitLinear(BybitVenue):
    """Bybit's linear contracts: perpetual and dated, margined in USDT and USDC."""

    exchange = Exchange.BYBIT_LINEAR

    def symbol(self, base: str, quote: str) -> str:
        """Return the spelling of a pair's perpetual contract: ``BTCUSDT``, and ``BTCPERP`` in USDC."""
        return upper_ascii(f"{base}PERP" if upper_ascii(quote) == "USDC" else f"{base}{quote}")


class BybitInverse(BybitVenue):
    """Bybit's inverse contracts, margined in the base asset; quantities are contracts of 1 USD."""

    exchange = Exchange.BYBIT_INVERSE


class BybitOption(BybitVenue):
    """Bybit's options, in USDT and USDC: their trades and tickers."""

    exchange = Exchange.BYBIT_OPTION
