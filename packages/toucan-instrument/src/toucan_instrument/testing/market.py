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
from typing import TypeAlias

import msgspec

from toucan_instrument.errors import UnknownSymbol
from toucan_instrument.instrument import Instrument, InstrumentKind

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

MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
HOURS_8 = 8 * 3600 * SECOND
START_NS = 1_767_225_600 * SECOND  # 2026-01-01

Pair: TypeAlias = tuple[Decimal, Decimal]
"""Price and quantity."""


class BookPicture(msgspec.Struct, frozen=True):
    """A book as it is at one update.

    Attributes:
        symbol: Whose.
        time_ns: When.
        last_update_id: The last update that it includes.
        bids: Price and quantity, best first.
        asks: Price and quantity, best first.
    """

    symbol: str
    time_ns: int
    last_update_id: int
    bids: Sequence[Pair]
    asks: Sequence[Pair]


class BookDelta(msgspec.Struct, frozen=True):
    """Changes of a book: absolute quantities, zero for a level that is gone.

    Attributes:
        symbol: Whose.
        time_ns: When.
        first_id: First update id that it covers.
        last_id: Last update id.
        previous_id: `last_id` of the delta before.
        bids: Changed bids.
        asks: Changed asks.
    """

    symbol: str
    time_ns: int
    first_id: int
    last_id: int
    previous_id: int
    bids: Sequence[Pair]
    asks: Sequence[Pair]


class TopTick(msgspec.Struct, frozen=True):
    """A new top of the book.

    Attributes:
        symbol: Whose.
        time_ns: When.
        update_id: The update that it belongs to.
        bid: Price and quantity.
        ask: Price and quantity.
    """

    symbol: str
    time_ns: int
    update_id: int
    bid: Pair
    ask: Pair


class TradeTick(msgspec.Struct, frozen=True):
    """What one taker order filled at one price: one trade or several.

    Attributes:
        symbol: Whose.
        time_ns: When.
        aggregate_id: Its id as one aggregated trade.
        first_id: Its first trade id.
        price: The price.
        quantities: The quantity of each trade.
        buyer_is_maker: Whether the aggressor sold.
    """

    symbol: str
    time_ns: int
    aggregate_id: int
    first_id: int
    price: Decimal
    quantities: Sequence[Decimal]
    buyer_is_maker: bool

    @property
    def last_id(self) -> int:
        """Its last trade id."""
        return self.first_id + len(self.quantities) - 1

    @property
    def quantity(self) -> Decimal:
        """All that was filled."""
        return sum(self.quantities, Decimal(0))


class CandleTick(msgspec.Struct, frozen=True):
    """A minute's candle, forming or closed.

    Attributes:
        symbol: Whose.
        time_ns: When this was said.
        open_ns: When it began.
        interval_ns: How long it is.
        open: First price.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: The sum of its trades' quantities.
        turnover: The sum of their quantities times prices.
        taker_volume: The part of `volume` that buyers took.
        taker_turnover: The part of `turnover` that buyers took.
        trades: How many trades.
        first_id: First trade id, -1 where there is none.
        last_id: Last trade id, -1 where there is none.
        closed: Whether it is final.
    """

    symbol: str
    time_ns: int
    open_ns: int
    interval_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal
    taker_volume: Decimal
    taker_turnover: Decimal
    trades: int
    first_id: int
    last_id: int
    closed: bool


class TickerTick(msgspec.Struct, frozen=True):
    """Statistics since the market opened, as the day's.

    Attributes:
        symbol: Whose.
        time_ns: When.
        open: First price.
        high: Highest price.
        low: Lowest price.
        last: Last price.
        last_quantity: Quantity of the last trade.
        volume: The sum of all quantities.
        turnover: The sum of quantities times prices.
        first_id: First trade id.
        last_id: Last trade id.
        trades: How many trades.
        bid: Best bid.
        ask: Best ask.
    """

    symbol: str
    time_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    last_quantity: Decimal
    volume: Decimal
    turnover: Decimal
    first_id: int
    last_id: int
    trades: int
    bid: Pair
    ask: Pair


class MarkTick(msgspec.Struct, frozen=True):
    """The mark price of a derivative.

    Attributes:
        symbol: Whose.
        time_ns: When.
        mark: Mark price.
        index: Index price.
        funding_rate: The coming funding, None for a dated future.
        next_funding_ns: When it is due, None for a dated future.
        open_interest: How much is open.
    """

    symbol: str
    time_ns: int
    mark: Decimal
    index: Decimal
    funding_rate: Decimal | None
    next_funding_ns: int | None
    open_interest: Decimal = Decimal(0)


class LiquidationTick(msgspec.Struct, frozen=True):
    """A liquidation order; its fill is a `TradeTick` of its own, just before.

    Attributes:
        symbol: Whose.
        time_ns: When.
        sells: Whether a long position was liquidated.
        price: The price that it filled at.
        quantity: What it filled.
    """

    symbol: str
    time_ns: int
    sells: bool
    price: Decimal
    quantity: Decimal


MarketTick: TypeAlias = BookDelta | TopTick | TradeTick | CandleTick | TickerTick | MarkTick | LiquidationTick
"""Anything that happens."""


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
        self.update_id = rng.randint(10**6, 10**7)
        self.trade_id = rng.randint(10**5, 10**6)
        self.aggregate_id = self.trade_id // 2
        self.first_trade = self.trade_id + 1
        self.opened = self.high = self.low = self.last = self._price(middle)
        self.last_quantity = self.volume = self.turnover = Decimal(0)
        self.trades = 0
        self.candle: CandleTick = self._new_candle(start_ns, self.last)
        self.marked_ns = self.told_ns = start_ns - DAY
        self.changed: tuple[set[int], set[int]] = (set(), set())
        self.pending: list[tuple[TradeTick, Decimal, Decimal]] = []

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
            ticks.append(TopTick(self.symbol, now, self.update_id, *self._top()))
        ticks += self._candle(now)
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
        self.aggregate_id += 1
        tick = TradeTick(
            self.symbol,
            now,
            self.aggregate_id,
            self.trade_id + 1,
            self._price(price),
            tuple(map(self._quantity, parts)),
            sells,
        )
        self.trade_id = tick.last_id
        self._count(tick)
        return [tick]

    def _count(self, trade: TradeTick) -> None:
        self.last, self.last_quantity = trade.price, trade.quantities[-1]
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        quantity, turnover = trade.quantity, trade.quantity * trade.price
        self.volume += quantity
        self.turnover += turnover
        self.trades += len(trade.quantities)
        self.pending.append((trade, quantity, turnover))

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
        previous = self.update_id
        # Only spot numbers every change; the futures leave ids out between two updates.
        first = previous + 1 + (self.rng.randint(0, 9) if self.derivative else 0)
        self.update_id = first + len(bids) + len(asks) - 1
        return [
            BookDelta(
                self.symbol,
                now,
                first,
                self.update_id,
                previous,
                tuple(
                    (self._price(p), self._quantity(self.bids.get(p, 0))) for p in sorted(bids, reverse=True)
                ),
                tuple((self._price(p), self._quantity(self.asks.get(p, 0))) for p in sorted(asks)),
            )
        ]

    def _new_candle(self, now: int, price: Decimal) -> CandleTick:
        zero = Decimal(0)
        return CandleTick(
            self.symbol, now, now - now % MINUTE, MINUTE, price, price, price, price,
            zero, zero, zero, zero, 0, -1, -1, closed=False,
        )  # fmt: skip

    def _candle(self, now: int) -> list[MarketTick]:
        """Close the candle whose time is over, and tell the one that is forming if it has changed."""
        ticks: list[MarketTick] = []
        candle = self.candle
        if now >= candle.open_ns + MINUTE:
            ticks.append(msgspec.structs.replace(candle, time_ns=now, closed=True))
            candle = self._new_candle(now, candle.close)
            ticks.append(candle)
        trades, self.pending = self.pending, []
        for trade, quantity, turnover in trades:
            bought = not trade.buyer_is_maker
            empty = candle.trades == 0
            candle = msgspec.structs.replace(
                candle,
                time_ns=now,
                open=trade.price if empty else candle.open,
                high=trade.price if empty else max(candle.high, trade.price),
                low=trade.price if empty else min(candle.low, trade.price),
                close=trade.price,
                volume=candle.volume + quantity,
                turnover=candle.turnover + turnover,
                taker_volume=candle.taker_volume + (quantity if bought else 0),
                taker_turnover=candle.taker_turnover + (turnover if bought else 0),
                trades=candle.trades + len(trade.quantities),
                first_id=trade.first_id if empty else candle.first_id,
                last_id=trade.last_id,
            )
        self.candle = candle
        if trades:
            ticks.append(candle)
        return ticks

    def ticker(self, now: int) -> TickerTick:
        """Return the statistics as they are now."""
        return TickerTick(
            self.symbol, now, self.opened, self.high, self.low, self.last, self.last_quantity,
            self.volume, self.turnover, self.first_trade, max(self.trade_id, self.first_trade),
            self.trades, *self._top(),
        )  # fmt: skip

    def _mark(self, now: int) -> MarkTick:
        bid, ask = self._top()
        index, held = (bid[0] + ask[0]) / 2, self.volume + self._quantity(1)
        rate = Decimal(self.rng.randint(-300, 300)).scaleb(-6) if self.perpetual else None
        due = now - now % HOURS_8 + HOURS_8 if self.perpetual else None
        return MarkTick(self.symbol, now, index + self.tick * self.rng.randint(-2, 2), index, rate, due, held)

    def picture(self, now: int, levels: int | None) -> BookPicture:
        """Return the book."""
        return BookPicture(
            self.symbol,
            now,
            self.update_id,
            tuple(
                (self._price(p), self._quantity(self.bids[p]))
                for p in sorted(self.bids, reverse=True)[:levels]
            ),
            tuple((self._price(p), self._quantity(self.asks[p])) for p in sorted(self.asks)[:levels]),
        )
