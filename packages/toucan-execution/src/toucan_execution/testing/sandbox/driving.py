"""What moves the sandbox's prices: makers and takers from a seed, outside of all accounts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_instrument import Side
from toucan_instrument.testing.market import SeededMarket
from toucan_instrument.testing.ticks import BookDelta, LiquidationTick, MarkTick, TradeTick

__all__ = ["USUAL_PRICES", "SeededDriver"]

USUAL_PRICES: Mapping[str, Decimal] = {
    "BTC": Decimal(60_000),
    "ETH": Decimal(3_000),
    "BNB": Decimal(600),
}
"""About where prices begin, by base asset; of any other at 100."""


class SeededDriver:
    """Feeds a market with what seeded makers and takers do, one step at a time.

    The same seed, instruments and times give the same prices. What accounts take from the book is missing
    there until a maker comes back to that price.

    Args:
        market: What is fed.
        seed: Where everything comes from.
        levels: How many levels a side books begin with.
        prices: About where prices begin, by symbol; `USUAL_PRICES` for the others.
    """

    def __init__(
        self,
        market: SandboxMarket,
        *,
        seed: int,
        levels: int = 100,
        prices: Mapping[str, Decimal] | None = None,
    ) -> None:
        self._market = market
        self._seeded = {
            symbol: SeededMarket(
                [instrument],
                seed=seed,
                start_ns=market.now_ns,
                levels=levels,
                price=(prices or {}).get(symbol, USUAL_PRICES.get(instrument.base, Decimal(100))),
            )
            for symbol, instrument in market.instruments.items()
        }

    def begin(self, now_ns: int) -> None:
        """Open the market with whole books, and a first trade in each."""
        engine = self._market.engine
        for symbol, seeded in self._seeded.items():
            instrument, book = self._market.instruments[symbol], seeded.book(symbol)
            engine.feed_book(instrument, book.bids, book.asks, now_ns)
            price, quantity = book.asks[0]
            engine.feed_trade(instrument, price, min(quantity, self._least(symbol)), Side.BUY, now_ns)
            if self._market.futures:
                engine.feed_mark(instrument, price, now_ns)

    def _least(self, symbol: str) -> Decimal:
        rules = self._market.instruments[symbol].rules
        return (rules.step_size if rules else None) or Decimal("0.001")

    def step(self, now_ns: int) -> None:
        """Let every instrument move once."""
        for seeded in self._seeded.values():
            self._feed(seeded, now_ns)

    def liquidate(self, symbol: str, now_ns: int) -> None:
        """Let a position of somebody outside be liquidated."""
        seeded = self._seeded[self._market.instrument(symbol).symbol]
        for tick in seeded.liquidate(symbol):
            self._take(tick, now_ns)

    def _feed(self, seeded: SeededMarket, now_ns: int) -> None:
        for tick in seeded.step(now_ns):
            self._take(tick, now_ns)

    def _take(self, tick: object, now_ns: int) -> None:
        market, engine = self._market, self._market.engine
        if isinstance(tick, TradeTick):
            aggressor = Side.SELL if tick.buyer_is_maker else Side.BUY
            instrument = market.instruments[tick.symbol]
            for quantity in tick.quantities:
                engine.feed_trade(instrument, tick.price, quantity, aggressor, now_ns)
        elif isinstance(tick, BookDelta):
            engine.feed_changes(market.instruments[tick.symbol], tick.bids, tick.asks, now_ns)
        elif isinstance(tick, MarkTick):
            engine.feed_mark(market.instruments[tick.symbol], tick.mark, now_ns)
        elif isinstance(tick, LiquidationTick):
            market.liquidated(tick.symbol, sells=tick.sells, price=tick.price, quantity=tick.quantity)
