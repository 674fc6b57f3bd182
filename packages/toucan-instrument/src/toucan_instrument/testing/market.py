"""A market that nobody has to trust: books, trades, candles and tickers that agree with each other.

Everything follows from the seed, the instruments and the times it is stepped to. Prices and quantities are
exact, on the instrument's grid; the book is never crossed; every trade takes what rested at the touch; a
candle's volume is the sum of its trades; update ids follow the rule of the market's kind (spot numbers
every change, so that updates follow on without a hole; on the futures they do not, and each update names
the one before).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

from toucan_instrument.errors import UnknownSymbol
from toucan_instrument.exchange import Exchange
from toucan_instrument.instrument import Instrument, InstrumentKind
from toucan_instrument.testing.tape import Tape
from toucan_instrument.testing.ticks import (
    DAY,
    SECOND,
    BookDelta,
    BookPicture,
    CandleTick,
    LiquidationTick,
    MarketTick,
    MarkTick,
    Pair,
    TickerTick,
    TopTick,
    TradeTick,
)

__all__ = [
    "BookDelta",
    "BookPicture",
    "CandleTick",
    "LiquidationTick",
    "MarkTick",
    "MarketTick",
    "Pair",
    "SeededMarket",
    "TickerTick",
    "TopTick",
    "TradeTick",
]

HOURS_8 = 8 * 3600 * SECOND
START_NS = 1_767_225_600 * SECOND  # 2026-01-01
IN_BASE = frozenset({Exchange.BINANCE_COIN_M})
"""Where turnovers of inverse contracts count the base asset; elsewhere they are quantities times prices."""


class SeededMarket:
    """Several instruments, stepped by the caller.

    Attributes:
        now_ns: Where its time is.
        instruments: What is traded, by symbol.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        seed: int = 1,
        start_ns: int = START_NS,
        levels: int = 200,
        price: Decimal | None = None,
    ) -> None:
        """Open the market.

        Args:
            instruments: What is traded; tick and step are those of its rules, else 0.01 and 0.001.
            seed: Where everything comes from.
            start_ns: When it opens, nanoseconds since the epoch.
            levels: How many levels a side each book begins with.
            price: About where prices begin, 100 times the tick's hundredfold unless said otherwise.
        """
        self.now_ns: int = start_ns
        self.instruments: dict[str, Instrument] = {
            instrument.symbol: instrument for instrument in instruments
        }
        self._symbols = {
            symbol: _Symbol(instrument, _rng(seed, instrument), start_ns, levels, price)
            for symbol, instrument in self.instruments.items()
        }

    def step(self, now_ns: int) -> list[MarketTick]:
        """Let every instrument move once, at `now_ns`, which must not lie before the last step."""
        self.now_ns = max(now_ns, self.now_ns)
        ticks: list[MarketTick] = []
        for symbol in self._symbols.values():
            ticks += symbol.step(self.now_ns)
        return ticks

    def book(self, symbol: str, levels: int | None = None) -> BookPicture:
        """Return a book as it is now, cut to `levels` a side if given.

        Raises:
            UnknownSymbol: It is not traded here.
        """
        return self._of(symbol).picture(self.now_ns, levels)

    def liquidate(self, symbol: str) -> list[MarketTick]:
        """Let a position be liquidated now, and return what that makes happen.

        Raises:
            UnknownSymbol: It is not traded here.
        """
        return self._of(symbol).liquidate(self.now_ns)

    def ticker(self, symbol: str) -> TickerTick:
        """Return the statistics as they are now.

        Raises:
            UnknownSymbol: It is not traded here.
        """
        return self._of(symbol).ticker(self.now_ns)

    def _of(self, symbol: str) -> _Symbol:
        try:
            return self._symbols[symbol]
        except KeyError as error:
            raise UnknownSymbol(
                "that is not traded here",
                field="symbol",
                value=symbol,
                accepted=", ".join(self._symbols),
            ) from error


def _rng(seed: int, instrument: Instrument) -> random.Random:
    """Return the source of one instrument's randomness, the same for the same seed."""
    return random.Random(f"{seed} {instrument.exchange.value} {instrument.symbol}")  # noqa: S311 - a game


class _Symbol:
    """One instrument: prices are counted in ticks, quantities in steps."""

    def __init__(
        self,
        instrument: Instrument,
        rng: random.Random,
        start_ns: int,
        levels: int,
        price: Decimal | None,
    ) -> None:
        rules = instrument.rules
        self.symbol = instrument.symbol
        self.tick = (rules and rules.tick_size) or Decimal("0.01")
        self.step_size = (rules and rules.step_size) or Decimal("0.001")
        self.derivative = instrument.kind is not InstrumentKind.SPOT
        self.perpetual = instrument.kind is InstrumentKind.PERPETUAL
        self.rng = rng
        self.levels = levels
        middle = 10_000 if price is None else int(price / self.tick)
        self.bids = {middle - 1 - i: self._size() for i in range(levels)}
        self.asks = {middle + i: self._size() for i in range(levels)}
        self.tape = Tape(
            instrument.symbol,
            price=self._price(middle),
            start_ns=start_ns,
            contract_size=instrument.contract_size if instrument.exchange in IN_BASE else None,
            update_id=rng.randint(10**6, 10**7),
            trade_id=rng.randint(10**5, 10**6),
        )
        self.marked_ns = self.told_ns = start_ns - DAY
        self.changed: tuple[set[int], set[int]] = (set(), set())

    def _size(self) -> int:
        return self.rng.randint(1, 5_000)

    def _price(self, ticks: int) -> Decimal:
        return self.tick * ticks

    def _quantity(self, steps: int) -> Decimal:
        return self.step_size * steps

    def step(self, now: int) -> list[MarketTick]:
        """Let some orders come and go, and now and then somebody trade."""
        rng = self.rng
        ticks: list[MarketTick] = []
        before = (max(self.bids), self.bids[max(self.bids)], min(self.asks), self.asks[min(self.asks)])
        if rng.random() < 0.5:  # noqa: PLR2004 - odds, here and below
            ticks += self._trade(now, sells=rng.random() < 0.5)  # noqa: PLR2004
        self._requote()
        if self.derivative and rng.random() < 0.02:  # noqa: PLR2004
            ticks += self._liquidation(now)
        return self._close(now, ticks, before)

    def liquidate(self, now: int) -> list[MarketTick]:
        """See `SeededMarket.liquidate`."""
        before = (max(self.bids), self.bids[max(self.bids)], min(self.asks), self.asks[min(self.asks)])
        return self._close(now, self._liquidation(now), before)

    def _close(
        self, now: int, ticks: list[MarketTick], before: tuple[int, int, int, int]
    ) -> list[MarketTick]:
        """Say what has changed in the book, and what follows from it all."""
        self._refill()
        ticks += self._delta(now)
        bid, ask = max(self.bids), min(self.asks)
        if before != (bid, self.bids[bid], ask, self.asks[ask]):
            ticks.append(TopTick(self.symbol, now, self.tape.update_id, *self._top()))
        ticks += self.tape.candles(now)
        if now - self.told_ns >= SECOND:
            self.told_ns = now
            ticks.append(self.ticker(now))
        if self.derivative and now - self.marked_ns >= SECOND:
            self.marked_ns = now
            ticks.append(self._mark(now))
        return ticks

    def _top(self) -> tuple[Pair, Pair]:
        bid, ask = max(self.bids), min(self.asks)
        return (
            (self._price(bid), self._quantity(self.bids[bid])),
            (self._price(ask), self._quantity(self.asks[ask])),
        )

    def _requote(self) -> None:
        """Change some levels near the touch; now and then the touch moves by a tick."""
        rng = self.rng
        bid, ask = max(self.bids), min(self.asks)
        for _ in range(rng.randint(1, 6)):
            away = min(int(rng.expovariate(0.2)), self.levels - 2)
            if rng.random() < 0.5:  # noqa: PLR2004
                self._set(self.bids, self.changed[0], bid - away, self._size())
            else:
                self._set(self.asks, self.changed[1], ask + away, self._size())
        move = rng.random()
        if move < 0.15 and ask - bid > 1:  # noqa: PLR2004 - somebody improves the bid
            self._set(self.bids, self.changed[0], bid + 1, self._size())
        elif move < 0.3 and ask - bid > 1:  # noqa: PLR2004 - or the ask
            self._set(self.asks, self.changed[1], ask - 1, self._size())
        elif move < 0.35 and len(self.bids) > 1:  # noqa: PLR2004 - or leaves
            self._set(self.bids, self.changed[0], bid, 0)
        elif move < 0.4 and len(self.asks) > 1:  # noqa: PLR2004
            self._set(self.asks, self.changed[1], ask, 0)

    def _refill(self) -> None:
        """Keep books about as deep as they began."""
        for book, changed, far in (
            (self.bids, self.changed[0], -1),
            (self.asks, self.changed[1], 1),
        ):
            while len(book) < self.levels:
                edge = (max if far > 0 else min)(book)
                if edge + far <= 0:
                    break
                self._set(book, changed, edge + far, self._size())

    @staticmethod
    def _set(book: dict[int, int], changed: set[int], price: int, size: int) -> None:
        if price <= 0:
            return
        changed.add(price)
        if size:
            book[price] = size
        else:
            book.pop(price, None)

    def _trade(self, now: int, *, sells: bool) -> list[MarketTick]:
        """Let a taker take some of the touch, or all of it, in one to three trades."""
        book, changed = (self.bids, self.changed[0]) if sells else (self.asks, self.changed[1])
        price = (max if sells else min)(book)
        resting = book[price]
        whole = self.rng.random() < 0.2 and len(book) > 1  # noqa: PLR2004
        taken = resting if whole else max(1, int(resting * self.rng.random() * 0.9))
        taken = min(taken, resting if len(book) > 1 else resting - 1)
        if taken < 1:
            return []
        cuts = sorted(self.rng.sample(range(1, taken), min(self.rng.randint(0, 2), taken - 1)))
        parts = [b - a for a, b in zip([0, *cuts], [*cuts, taken], strict=True)]
        self._set(book, changed, price, resting - taken)
        quantities = tuple(map(self._quantity, parts))
        return [self.tape.trade(now, self._price(price), quantities, buyer_is_maker=sells)]

    def _liquidation(self, now: int) -> list[MarketTick]:
        sells = self.rng.random() < 0.5  # noqa: PLR2004
        found = self._trade(now, sells=sells)
        for tick in tuple(found):
            if isinstance(tick, TradeTick):
                found.append(LiquidationTick(self.symbol, now, sells, tick.price, tick.quantity))
        return found

    def _delta(self, now: int) -> list[MarketTick]:
        bids, asks = self.changed
        if not bids and not asks:
            return []
        self.changed = (set(), set())
        # Only spot numbers every change; the futures leave ids out between two updates.
        skipped = self.rng.randint(0, 9) if self.derivative else 0
        return [
            self.tape.delta(
                now,
                [(self._price(p), self._quantity(self.bids.get(p, 0))) for p in sorted(bids, reverse=True)],
                [(self._price(p), self._quantity(self.asks.get(p, 0))) for p in sorted(asks)],
                skipped=skipped,
            )
        ]

    def ticker(self, now: int) -> TickerTick:
        """Return the statistics as they are now."""
        return self.tape.ticker(now, *self._top())

    def _mark(self, now: int) -> MarkTick:
        bid, ask = self._top()
        index, held = (bid[0] + ask[0]) / 2, self.tape.traded + self._quantity(1)
        rate = Decimal(self.rng.randint(-300, 300)).scaleb(-6) if self.perpetual else None
        due = now - now % HOURS_8 + HOURS_8 if self.perpetual else None
        return MarkTick(self.symbol, now, index + self.tick * self.rng.randint(-2, 2), index, rate, due, held)

    def picture(self, now: int, levels: int | None) -> BookPicture:
        """Return the book."""
        return BookPicture(
            self.symbol,
            now,
            self.tape.update_id,
            tuple(
                (self._price(p), self._quantity(self.bids[p]))
                for p in sorted(self.bids, reverse=True)[:levels]
            ),
            tuple((self._price(p), self._quantity(self.asks[p])) for p in sorted(self.asks)[:levels]),
        )
