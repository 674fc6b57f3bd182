"""The exchange within this process that the demo runs against: the one shipped for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from toucan_data.cli.demo_market import ServerBook
from toucan_data.cli.recording import Recording
from toucan_data.kinds import Liquidations, OrderBooksL2
from toucan_data.registry import SHOWN
from toucan_data.venue import Venue
from toucan_instrument import Exchange

if TYPE_CHECKING:
    from toucan_data.testing.exchange import ScriptedExchange

__all__ = ["SeededExchange", "SeededVenue", "playing", "seeded"]

LIQUIDATED_EVERY_S = 0.5


class SeededVenue:
    """One market of the exchange; see `toucan_data.cli.demo_market.Market`."""

    def __init__(self, exchange: ScriptedExchange, of: Exchange) -> None:
        """Name the market."""
        self.venue: Venue = exchange.venue(of)
        self.symbols: Sequence[str] = tuple(exchange.markets[of].instruments)
        self._exchange = exchange
        self._of = of

    def server_book(self, symbol: str) -> ServerBook:
        """Return the exchange's own book."""
        picture = self._exchange.markets[self._of].book(symbol)
        return picture.last_update_id, picture.bids, picture.asks

    async def cut(self) -> None:
        """Drop the connections that carry books."""
        for symbol in self.symbols:
            name = self.venue.channel(self.venue.unchecked(symbol), OrderBooksL2).name
            self._exchange.drop_stream(name, self._of)

    async def liquidate(self) -> None:
        """Let a position of each symbol be liquidated."""
        for symbol in self.symbols:
            await self._exchange.liquidate(symbol, self._of)


class SeededExchange:
    """All three markets; see `toucan_data.cli.demo_market.Embedded`.

    Attributes:
        address: Where it listens.
        markets: What it speaks for.
    """

    def __init__(self, exchange: ScriptedExchange) -> None:
        """Take an exchange that runs."""
        self.address: str = exchange.url
        self.markets: list[SeededVenue] = [SeededVenue(exchange, of) for of in SHOWN]


@asynccontextmanager
async def seeded() -> AsyncIterator[SeededExchange]:
    """Run an exchange on the seeded market; positions are liquidated often enough to be seen."""
    from toucan_data.testing.exchange import ScriptedExchange  # noqa: PLC0415 - loads a web server

    async with ScriptedExchange.seeded(SHOWN) as exchange:
        embedded = SeededExchange(exchange)
        liquidating = asyncio.create_task(_liquidate(embedded))
        try:
            yield embedded
        finally:
            liquidating.cancel()
            await asyncio.gather(liquidating, return_exceptions=True)


async def _liquidate(exchange: SeededExchange) -> None:
    while True:
        await asyncio.sleep(LIQUIDATED_EVERY_S)
        for market in exchange.markets:
            if Liquidations in market.venue.kinds:
                await market.liquidate()


@asynccontextmanager
async def playing(recording: Recording) -> AsyncIterator[Venue]:
    """Run an exchange that plays a recording as soon as what it offers is subscribed."""
    from toucan_data.testing.capture import Recording as Played  # noqa: PLC0415 - loads a web server
    from toucan_data.testing.exchange import ScriptedExchange  # noqa: PLC0415

    played = Played(recording.exchange, _played(recording))
    async with ScriptedExchange.playing(recording.exchange, played) as exchange:
        venue = exchange.venue()
        starting = asyncio.create_task(_start(exchange, set(recording.offered(venue))))
        try:
            yield venue
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)


def _played(recording: Recording) -> Iterator[tuple[int, bytes, str | None]]:
    return ((item.time_received, item.frame, item.url) for item in recording.items)


async def _start(exchange: ScriptedExchange, wanted: set[str]) -> None:
    """Begin to play once everything that toucan offers is subscribed: the rest never will be."""
    while True:
        if wanted <= exchange.subscribed:
            exchange.start()
            return
        await asyncio.sleep(0.01)
