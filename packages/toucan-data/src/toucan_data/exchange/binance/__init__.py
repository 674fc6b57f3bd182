"""Binance: spot, USD-M futures, COIN-M futures, and Binance.US spot.

The rules are those of ``facts/binance.md`` as of 2026-11-23; `endpoints` has them as one dated table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from toucan_data.addressed import AddressedVenue
from toucan_data.bookrule import BookSnapshot
from toucan_data.exchange.binance import endpoints, rest, streams
from toucan_data.exchange.binance.endpoints import SOLE
from toucan_data.exchange.binance.normalise import InstrumentOf
from toucan_data.exchange.binance.session import BinanceSession
from toucan_data.feed import Channel, Feed, SessionContext
from toucan_data.kinds import Kind, OpenInterests, OrderBookKind
from toucan_data.question import CandlePages, Question
from toucan_data.sequencer import BookSync
from toucan_data.status import Status
from toucan_data.table import Endpoints
from toucan_instrument import Exchange, Instrument
from toucan_instrument.rest import Request

__all__ = ["BinanceFuturesCoin", "BinanceFuturesUsd", "BinanceSpot", "BinanceUsSpot", "BinanceVenue"]


class BinanceVenue(AddressedVenue):
    """What Binance's markets have in common."""

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

    def streams_of(self, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
        """See `Venue.streams_of`."""
        return streams.streams_of(self.exchange, name)

    def session(self, context: SessionContext, feeds: list[Feed]) -> BinanceSession:
        """See `Venue.session`."""
        return BinanceSession(context, feeds)

    def symbol(self, base: str, quote: str) -> str:
        """Return the spelling of a pair (COIN-M: of its perpetual)."""
        pair = f"{base}{quote}".upper()
        return f"{pair}_PERP" if self.exchange is Exchange.BINANCE_COIN_M else pair

    def snapshot_request(self, instrument: Instrument, levels: int) -> Request:
        """See `Venue.snapshot_request`."""
        return rest.snapshot_request(self.exchange, self._rest_url, instrument, levels)

    def decode_snapshot(self, body: bytes, levels: int) -> BookSnapshot:
        """See `Venue.decode_snapshot`."""
        return rest.decode_snapshot(body, levels)

    def question(self, kind: Kind[Any], instrument: Instrument) -> Question[Any]:
        """See `Venue.question`: the futures have open interest over REST only."""
        if kind != OpenInterests or self.exchange not in rest.OPEN_INTEREST_PATHS:
            return super().question(kind, instrument)
        return rest.open_interest(self.exchange, self._rest_url, instrument)

    def candle_pages(self, instrument: Instrument, interval: str) -> CandlePages:
        """See `Venue.candle_pages`."""
        return rest.candle_pages(self.exchange, self._rest_url, instrument, interval)


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
