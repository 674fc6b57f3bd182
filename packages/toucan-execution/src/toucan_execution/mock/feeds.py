"""Prices from outside: what they fill, and what they trigger.

A book that is fed across resting orders fills them, as far as what is fed reaches: the market has come to
them, so at their own prices, and what they took is gone from the book until it is fed again. A trade that is
fed fills the orders that it has come to: those with a better price than its own, best first, whatever is fed
there, then those in the queue of its very price once it has taken what stands ahead of them. It fills no
more than its own quantity.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from toucan_execution.mock.amounts import ZERO, add, subtract
from toucan_execution.mock.book import BookSide, Level, Slot
from toucan_execution.mock.desk import Desk
from toucan_execution.mock.settling import Deal
from toucan_execution.mock.state import Market
from toucan_execution.mock.working import WorkingOrder
from toucan_execution.orders import TriggerPrice
from toucan_instrument import Side
from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput

__all__ = ["Feeds", "Levels"]

Levels = Iterable[tuple[Decimal, Decimal]]
"""Prices and quantities."""


class Feeds:
    """Takes prices in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def book(self, market: Market, bids: Levels, asks: Levels, *, whole: bool) -> None:
        """Set what is fed: all of it, or the levels that have changed.

        Raises:
            InvalidInput: A number is none, or below zero; the book would be crossed.
        """
        new_bids, new_asks = _numbers("bids", bids, whole=whole), _numbers("asks", asks, whole=whole)
        bid = _best_after(market.book.bids, new_bids, whole=whole)
        ask = _best_after(market.book.asks, new_asks, whole=whole)
        if bid is not None and ask is not None and bid >= ask:
            raise InvalidInput(f"crosses the bids, of which the best is {bid}", field="asks", value=ask)
        market.book.bids.feed(new_bids.items(), whole=whole)
        market.book.asks.feed(new_asks.items(), whole=whole)
        self._cross(market, market.book.bids, market.book.asks)
        self._cross(market, market.book.asks, market.book.bids)

    def _cross(self, market: Market, resting: BookSide, fed: BookSide) -> None:
        """Fill the resting orders of one side that what is fed on the other has come to."""
        while (price := fed.best_fed) is not None:
            found = _next(resting, price, orders_only=True)
            if found is None:
                return
            level, slot, order = found
            if order is None:
                return
            quantity = min(_fillable(slot, order), _fed_at(fed, price))
            fed.take_fed(price, quantity)
            self._desk.trade(market, level.price, quantity, maker=order, taker=None)

    def trade(self, market: Market, price: Decimal, quantity: Decimal, aggressor: Side) -> None:
        """Let a trade of the market outside fill what it has come to.

        Raises:
            InvalidInput: A number is none, or not above zero.
        """
        price, left = decimal_of(price, field="price"), decimal_of(quantity, field="quantity")
        if price <= 0 or left <= 0:
            raise InvalidInput("a trade has a price and a quantity", field="quantity", value=quantity)
        resting, outside = market.book.side(aggressor.opposite), ZERO
        while left:
            found = _next(resting, price, orders_only=False)
            if found is None:
                break
            level, slot, order = found
            taken = min(left, _fillable(slot, order))
            left = subtract(left, taken)
            if order is None:
                level.take_fed(slot, taken)
                resting.tidy(level)
                outside = add(outside, taken)
            else:
                self._desk.trade(market, level.price, taken, maker=order, taker=None)
        outside = add(outside, left)
        if outside:
            self._desk.tell_public(market, Deal(market.new_trade_id(), price, outside), aggressor)
        elif market.last != price:
            self._desk.see_last(market, price)

    def mark(self, market: Market, price: Decimal) -> None:
        """Set the mark price.

        Raises:
            InvalidInput: It is no price.
        """
        price = decimal_of(price, field="price")
        if price <= 0:
            raise InvalidInput("must be above zero", field="price", value=price)
        market.marked = price
        self._desk.show_price(market, price, TriggerPrice.MARK)


def _numbers(field: str, levels: Levels, *, whole: bool) -> dict[Decimal, Decimal]:
    """Return levels by price; zero takes one away, where changes are fed."""
    found: dict[Decimal, Decimal] = {}
    for price, quantity in levels:
        exact_price = decimal_of(price, field=field)
        exact_quantity = decimal_of(quantity, field=field)
        if exact_price <= 0 or exact_quantity < 0 or (whole and not exact_quantity):
            raise InvalidInput("no level of a book", field=field, value=(price, quantity))
        found[exact_price] = exact_quantity
    return found


def _best_after(side: BookSide, new: dict[Decimal, Decimal], *, whole: bool) -> Decimal | None:
    """Return the best fed price of a side once levels are fed."""
    prices = [price for price, quantity in new.items() if quantity]
    if not whole:
        old = (level.price for level in side.best_first() if level.fed and level.price not in new)
        prices.extend(price for price in [next(old, None)] if price is not None)
    if not prices:
        return None
    return max(prices) if side.side is Side.BUY else min(prices)


def _fed_at(side: BookSide, price: Decimal) -> Decimal:
    return side.levels[price].fed


def _fillable(slot: Slot, order: WorkingOrder | None) -> Decimal:
    """Return how much of a place in a queue can be filled."""
    if order is None:
        return slot.quantity
    return min(slot.quantity, _room_of(order))


def _room_of(order: WorkingOrder) -> Decimal:
    """Return how much an order may fill: all that remains, or what there is to reduce."""
    if order.market.spot or not order.reducing:
        return order.remaining
    holding = order.account.holdings.get((order.market.instrument, order.position_side))
    return min(order.remaining, holding.room(buying=order.buying)) if holding else ZERO


def _next(
    side: BookSide, price: Decimal, *, orders_only: bool
) -> tuple[Level, Slot, WorkingOrder | None] | None:
    """Return the next place in the queues that a price has come to, None for none."""
    for level in side.best_first():
        if not side.reaches(level.price, price):
            return None
        for slot in level.slots.values():
            order = slot.order if isinstance(slot.order, WorkingOrder) else None
            if order is None:
                if not orders_only and level.price == price:
                    return level, slot, None
            elif _fillable(slot, order) > 0:
                return level, slot, order
    return None
