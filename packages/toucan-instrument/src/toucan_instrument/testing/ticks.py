"""What happens in a market that a test exchange shows, in no venue's words.

Times are nanoseconds since the epoch; prices and quantities are exact, in the venue's units.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec

__all__ = [
    "DAY",
    "MINUTE",
    "MONTH",
    "SECOND",
    "WEEK",
    "AverageTick",
    "BookDelta",
    "BookPicture",
    "CandleTick",
    "FundingTick",
    "LiquidationTick",
    "MarkTick",
    "MarketTick",
    "Pair",
    "TickerTick",
    "TopTick",
    "TradeTick",
    "closing",
    "opening",
]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
WEEK = 7 * DAY
MONTH = 30 * DAY
"""Stands for a month of the calendar, however long it is."""
MONDAY = 4 * DAY  # the epoch's first; weeks begin then

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
    """A candle, forming or closed.

    Attributes:
        symbol: Whose.
        time_ns: When this was said.
        open_ns: When it began.
        interval_ns: How long it is, `MONTH` for a month of the calendar.
        open: First price.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: The sum of its trades' quantities.
        turnover: The sum of their worths: quantities times prices, or what a tape was told to count.
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

    @property
    def close_ns(self) -> int:
        """When it ends: the first moment that is not its own."""
        return closing(self.interval_ns, self.open_ns)


class TickerTick(msgspec.Struct, frozen=True):
    """Statistics of the last 24 hours, or since the market opened where that is later.

    Attributes:
        symbol: Whose.
        time_ns: When.
        open: First price.
        high: Highest price.
        low: Lowest price.
        last: Last price.
        last_quantity: Quantity of the last trade.
        volume: The sum of all quantities.
        turnover: The sum of their worths: quantities times prices, or what a tape was told to count.
        first_id: First trade id, -1 where there is none.
        last_id: Last trade id, -1 where there is none.
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


class AverageTick(msgspec.Struct, frozen=True):
    """The average price of the last minutes.

    Attributes:
        symbol: Whose.
        time_ns: When.
        minutes: How many.
        price: The average, weighted by quantity.
        trade_ns: When the last trade was.
    """

    symbol: str
    time_ns: int
    minutes: int
    price: Decimal
    trade_ns: int


class FundingTick(msgspec.Struct, frozen=True):
    """A funding that was paid.

    Attributes:
        symbol: Whose.
        time_ns: When.
        rate: What longs paid, as a part of the position's worth.
        mark: The mark price that it was reckoned by.
    """

    symbol: str
    time_ns: int
    rate: Decimal
    mark: Decimal


MarketTick: TypeAlias = BookDelta | TopTick | TradeTick | CandleTick | TickerTick | MarkTick | LiquidationTick
"""Anything that happens."""


def opening(interval_ns: int, time_ns: int) -> int:
    """Return when the candle of an interval began that holds a moment.

    Weeks begin on Mondays, months on their first day, all else counts from the epoch; all in UTC.
    """
    if interval_ns == MONTH:
        day = datetime.fromtimestamp(time_ns // SECOND, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * SECOND
    begun = MONDAY if interval_ns == WEEK else 0
    return time_ns - (time_ns - begun) % interval_ns


def closing(interval_ns: int, open_ns: int) -> int:
    """Return when the candle ends that began at `open_ns`."""
    if interval_ns == MONTH:
        return opening(MONTH, open_ns + 31 * DAY)
    return open_ns + interval_ns
