"""What markets send: one flat, frozen struct per kind of event.

Every event carries

- ``exchange`` and ``instrument``: where it happened;
- ``time_exchange``: the venue's own time of what happened, int nanoseconds since the Unix epoch, UTC;
  None where the venue gives none (never a receive time in disguise);
- ``time_received``: when its frame was taken from the socket, same unit, on a monotonic clock that was
  anchored to wall time when the connection opened: within a connection it never steps back.

Prices and quantities are `decimal.Decimal` with the digits that the venue sent; a quantity is in the
venue's own unit (`Instrument.quantity_unit`, converted by `Instrument.base_quantity` and `notional`).
Book levels are the venue's texts, ``(price, quantity)`` pairs, converted when they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from toucan_instrument import Exchange, Instrument, Side
from toucan_instrument.plain import Plain

__all__ = [
    "Candle",
    "Event",
    "FundingRate",
    "Level",
    "LevelText",
    "Liquidation",
    "MarkPrice",
    "MarketEvent",
    "OpenInterest",
    "OrderBookL1",
    "OrderBookL2Snapshot",
    "OrderBookL2Update",
    "PublicTrade",
    "Ticker24h",
    "exact_levels",
]

LevelText: TypeAlias = tuple[str, str]
"""A level as it came: price and quantity as texts."""


class Level(NamedTuple):
    """A price level of a book.

    Attributes:
        price: The level's price.
        quantity: What rests there, in the venue's unit.
        beyond_horizon: Whether it lies beyond the depth that the book's snapshot covered: it is right as
            far as it is known, but other levels out there may be missing.
    """

    price: Decimal
    quantity: Decimal
    beyond_horizon: bool = False


class MarketEvent(Plain, frozen=True, gc=False):
    """Base of all market events; see the module for the four fields that all of them have."""

    exchange: Exchange
    instrument: Instrument
    time_exchange: int | None
    time_received: int


class PublicTrade(MarketEvent, frozen=True, gc=False):
    """A trade, or several that the venue reported as one.

    Attributes:
        id: The venue's id of this report (Binance: trade id, or aggregate id of an aggregated trade).
        first_id: The first trade id that it covers; equal to `id` for an individual trade.
        last_id: The last trade id that it covers.
        price: The price.
        quantity: What changed hands, in the venue's unit.
        aggressor: The taker's side: BUY where a buyer lifted an ask.
    """

    id: int | str
    first_id: int | str
    last_id: int | str
    price: Decimal
    quantity: Decimal
    aggressor: Side


class OrderBookL1(MarketEvent, frozen=True, gc=False):
    """The top of the book; a side that is empty is None.

    Attributes:
        update_id: The venue's id of the book update that this top belongs to, None where it gives none.
        bid_price: Best bid.
        bid_quantity: What rests at the best bid.
        ask_price: Best ask.
        ask_quantity: What rests at the best ask.
    """

    update_id: int | None
    bid_price: Decimal | None
    bid_quantity: Decimal | None
    ask_price: Decimal | None
    ask_quantity: Decimal | None

    @property
    def mid(self) -> Decimal | None:
        """The middle between best bid and best ask, None for a one-sided book."""
        if self.bid_price is None or self.ask_price is None:
            return None
        return (self.bid_price + self.ask_price) / 2

    @property
    def spread(self) -> Decimal | None:
        """Best ask less best bid, None for a one-sided book."""
        if self.bid_price is None or self.ask_price is None:
            return None
        return self.ask_price - self.bid_price


class OrderBookL2Snapshot(MarketEvent, frozen=True, gc=False):
    """A whole book: what the updates that follow it apply to, or one picture of a partial-depth stream.

    Attributes:
        last_update_id: The venue's id of the last change that it includes, None where it gives none.
        bids: ``(price, quantity)`` texts, best first.
        asks: ``(price, quantity)`` texts, best first.
        depth: The number of levels a side that the stream is cut to, None for a maintained book.
    """

    last_update_id: int | None
    bids: Sequence[LevelText]
    asks: Sequence[LevelText]
    depth: int | None = None

    def bid_levels(self) -> Iterator[Level]:
        """Iterate the bids, best first, as exact numbers."""
        return exact_levels(self.bids)

    def ask_levels(self) -> Iterator[Level]:
        """Iterate the asks, best first, as exact numbers."""
        return exact_levels(self.asks)

    @property
    def best_bid(self) -> Level | None:
        """The best bid, None for an empty side."""
        return next(exact_levels(self.bids[:1]), None)

    @property
    def best_ask(self) -> Level | None:
        """The best ask, None for an empty side."""
        return next(exact_levels(self.asks[:1]), None)


class OrderBookL2Update(MarketEvent, frozen=True, gc=False):
    """Changes of a book: absolute quantities, zero for a level that is gone.

    Attributes:
        first_update_id: The first change that it covers, None where the venue numbers none.
        last_update_id: The last change that it covers, None where the venue numbers none.
        previous_update_id: `last_update_id` of the update before it, None where the venue does not say.
        bids: Changed bids as ``(price, quantity)`` texts in the venue's order, which need not be sorted.
        asks: Changed asks likewise.
        best_bid_text: Best bid after this update, as texts, None for an empty side.
        best_ask_text: Best ask after this update, as texts, None for an empty side.
    """

    first_update_id: int | None
    last_update_id: int | None
    previous_update_id: int | None
    bids: Sequence[LevelText]
    asks: Sequence[LevelText]
    best_bid_text: LevelText | None
    best_ask_text: LevelText | None

    def bid_levels(self) -> Iterator[Level]:
        """Iterate the changed bids as exact numbers; a quantity of zero takes the level away."""
        return exact_levels(self.bids)

    def ask_levels(self) -> Iterator[Level]:
        """Iterate the changed asks as exact numbers; a quantity of zero takes the level away."""
        return exact_levels(self.asks)

    @property
    def best_bid(self) -> Level | None:
        """The best bid after this update, None for an empty side."""
        text = self.best_bid_text
        return None if text is None else Level(Decimal(text[0]), Decimal(text[1]))

    @property
    def best_ask(self) -> Level | None:
        """The best ask after this update, None for an empty side."""
        text = self.best_ask_text
        return None if text is None else Level(Decimal(text[0]), Decimal(text[1]))


class Liquidation(MarketEvent, frozen=True, gc=False):
    """A liquidation order.

    Binance reports at most one per symbol and second, the largest (facts A.5.2): a sample, not a tape.

    Attributes:
        side: The side of the liquidation order: SELL where a long position was liquidated.
        price: The order's limit price.
        average_price: The average price of its fills, None where the venue does not say.
        quantity: The order's quantity, in the venue's unit.
        last_quantity: The quantity of its last fill.
        filled_quantity: The quantity filled so far.
        order_type: The venue's word, such as ``LIMIT``.
        time_in_force: The venue's word, such as ``IOC``.
        status: The venue's word, such as ``FILLED``.
    """

    side: Side
    price: Decimal
    average_price: Decimal | None
    quantity: Decimal
    last_quantity: Decimal | None
    filled_quantity: Decimal | None
    order_type: str
    time_in_force: str
    status: str


class Candle(MarketEvent, frozen=True, gc=False):
    """A candlestick, forming or closed.

    Attributes:
        interval: Its length in the venue's spelling: ``1m`` a minute, ``1M`` a month.
        open_time: When it began, nanoseconds.
        close_time: The last instant that belongs to it, nanoseconds (Binance: the last millisecond).
        open: First price.
        high: Highest price.
        low: Lowest price.
        close: Last price so far.
        volume: What was traded, in the venue's unit.
        turnover: The same in the other asset: quote for linear, base for inverse contracts.
        taker_buy_volume: The part of `volume` in which the buyer was the aggressor.
        taker_buy_turnover: The part of `turnover` in which the buyer was the aggressor.
        trades: How many trades it holds.
        first_id: Its first trade id, None where it holds no trade.
        last_id: Its last trade id, None where it holds no trade.
        closed: Whether it is final. A forming candle is False, and comes again.
    """

    interval: str
    open_time: int
    close_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal | None
    taker_buy_volume: Decimal | None
    taker_buy_turnover: Decimal | None
    trades: int | None
    first_id: int | None
    last_id: int | None
    closed: bool


class Ticker24h(MarketEvent, frozen=True, gc=False):
    """Statistics over a rolling 24 hours; what the venue's stream leaves out is None.

    Attributes:
        last_price: Last price.
        open_price: The price 24 hours ago.
        high_price: Highest price.
        low_price: Lowest price.
        volume: What was traded, in the venue's unit.
        turnover: The same in the other asset: quote for linear, base for inverse contracts.
        price_change: Last price less open price.
        price_change_percent: The same in percent.
        average_price: Volume-weighted average price.
        last_quantity: Quantity of the last trade.
        bid_price: Best bid.
        bid_quantity: What rests at the best bid.
        ask_price: Best ask.
        ask_quantity: What rests at the best ask.
        open_time: Where the window begins, nanoseconds.
        close_time: Where it ends, nanoseconds.
        first_id: First trade id of the window.
        last_id: Last trade id of the window.
        trades: How many trades it holds.
    """

    last_price: Decimal | None
    open_price: Decimal | None
    high_price: Decimal | None
    low_price: Decimal | None
    volume: Decimal | None
    turnover: Decimal | None
    price_change: Decimal | None = None
    price_change_percent: Decimal | None = None
    average_price: Decimal | None = None
    last_quantity: Decimal | None = None
    bid_price: Decimal | None = None
    bid_quantity: Decimal | None = None
    ask_price: Decimal | None = None
    ask_quantity: Decimal | None = None
    open_time: int | None = None
    close_time: int | None = None
    first_id: int | None = None
    last_id: int | None = None
    trades: int | None = None


class MarkPrice(MarketEvent, frozen=True, gc=False):
    """The mark price of a derivative, with its funding.

    Attributes:
        mark_price: Mark price.
        index_price: Index price, None where the venue does not say.
        settle_price: Estimated settlement price, useful in the last hour before settlement.
        average_price: Moving average of the mark price (USD-M, since 2026-03-16).
        funding_rate: The rate of the coming funding, None for dated futures.
        next_funding_time: When it is due, nanoseconds, None for dated futures.
    """

    mark_price: Decimal
    index_price: Decimal | None
    settle_price: Decimal | None
    average_price: Decimal | None
    funding_rate: Decimal | None
    next_funding_time: int | None


class FundingRate(MarketEvent, frozen=True, gc=False):
    """What a perpetual contract pays at its next funding; above zero those who are long pay.

    Attributes:
        rate: The rate of the coming funding, as a fraction for one interval.
        next_funding_time: When it is due, nanoseconds, None where the venue does not say.
        interval_ns: From one funding to the next, nanoseconds, None where the venue does not say.
        predicted_rate: The rate of the funding after that, None where the venue does not say.
    """

    rate: Decimal
    next_funding_time: int | None = None
    interval_ns: int | None = None
    predicted_rate: Decimal | None = None


class OpenInterest(MarketEvent, frozen=True, gc=False):
    """How much of a derivative is open.

    Attributes:
        quantity: What is open, in the venue's unit; the kind's remark says where it counts both sides.
        notional: What that is worth in the quote asset, None where the venue does not say.
    """

    quantity: Decimal
    notional: Decimal | None = None


Event: TypeAlias = (
    PublicTrade
    | OrderBookL1
    | OrderBookL2Snapshot
    | OrderBookL2Update
    | Liquidation
    | Candle
    | Ticker24h
    | MarkPrice
    | FundingRate
    | OpenInterest
)
"""Any market event."""


def exact_levels(texts: Sequence[LevelText]) -> Iterator[Level]:
    """Iterate levels as exact numbers."""
    for price, quantity in texts:
        yield Level(Decimal(price), Decimal(quantity))
