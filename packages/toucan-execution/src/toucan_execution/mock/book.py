"""A book of orders of accounts, and of levels that are fed from outside.

The queue of a price, stated once: whoever comes first is filled first. What is fed stands in the same queue
as the orders of accounts:

- an order that arrives stands behind all that is fed at its price at that moment;
- where a fed level grows, what is new stands behind every order;
- where it shrinks, what stood last has gone: nobody gets nearer to the front by it, unless less is left in
  all than stood ahead;
- a trade that is fed at a price takes from the front of its queue, and so lets the orders behind come up.

Nothing of what is fed is lasting: what orders took from a fed level stands there again once it is fed again.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Protocol

from toucan_execution.mock.amounts import ZERO, add, multiply, subtract
from toucan_instrument import Side

__all__ = ["Book", "BookSide", "Level", "Resting", "Slot"]

HALF = Decimal("0.5")


class Resting(Protocol):
    """An order, as far as a book knows it."""

    price: Decimal | None
    slot: Slot | None

    @property
    def remaining(self) -> Decimal:
        """How much can still be filled."""
        ...

    @property
    def displayed(self) -> Decimal:
        """How much of it is shown when it comes to a queue."""
        ...


class Slot:
    """A place in the queue of a price.

    Attributes:
        order: Whose it is, None for what is fed.
        quantity: How much stands there: of an iceberg order, what is shown.
        ticket: Its number; lower ones are nearer to the front.
    """

    __slots__ = ("order", "quantity", "ticket")

    def __init__(self, order: Resting | None, quantity: Decimal, ticket: int) -> None:
        self.order: Resting | None = order
        self.quantity: Decimal = quantity
        self.ticket: int = ticket


class Level:
    """The queue of one price."""

    __slots__ = ("_next", "fed", "price", "slots")

    def __init__(self, price: Decimal) -> None:
        self.price: Decimal = price
        self.slots: dict[int, Slot] = {}
        """By ticket, front first."""
        self.fed: Decimal = ZERO
        """How much of it is fed."""
        self._next = 0

    def append(self, order: Resting | None, quantity: Decimal) -> Slot:
        """Put something at the end of the queue."""
        slot = Slot(order, quantity, self._next)
        self._next += 1
        self.slots[slot.ticket] = slot
        return slot

    def set_fed(self, quantity: Decimal) -> None:
        """Set how much is fed: more stands behind everybody, less has gone from the back."""
        change = subtract(quantity, self.fed)
        self.fed = quantity
        if change > 0:
            last = next(reversed(self.slots.values()), None)
            if last is not None and last.order is None:
                last.quantity = add(last.quantity, change)
            else:
                self.append(None, change)
        elif change < 0:
            self._take_back(change.copy_negate())

    def _take_back(self, quantity: Decimal) -> None:
        for slot in [slot for slot in reversed(self.slots.values()) if slot.order is None]:
            taken = min(quantity, slot.quantity)
            slot.quantity = subtract(slot.quantity, taken)
            quantity = subtract(quantity, taken)
            if not slot.quantity:
                del self.slots[slot.ticket]
            if not quantity:
                return

    def take_fed(self, slot: Slot, quantity: Decimal) -> None:
        """Take from what is fed."""
        slot.quantity = subtract(slot.quantity, quantity)
        self.fed = subtract(self.fed, quantity)
        if not slot.quantity:
            del self.slots[slot.ticket]

    @property
    def shown(self) -> Decimal:
        """What can be seen at this price."""
        total = ZERO
        for slot in self.slots.values():
            total = add(total, slot.quantity)
        return total


class BookSide:
    """One side of a book."""

    __slots__ = ("_prices", "levels", "look", "side", "touched")

    def __init__(self, side: Side) -> None:
        self.side: Side = side
        self.levels: dict[Decimal, Level] = {}
        self.touched: dict[Decimal, None] = {}
        """The prices at which something may have changed since somebody looked, where anybody does."""
        self.look: list[BookSide] | None = None
        """Where a side puts itself once something has changed, None where nobody looks."""
        self._prices: list[Decimal] = []  # ascending

    def level(self, price: Decimal) -> Level:
        """Return the level of a price, made if there is none."""
        found = self.levels.get(price)
        if found is None:
            found = self.levels[price] = Level(price)
            insort(self._prices, price)
        return found

    def touch(self, price: Decimal) -> None:
        """Note that something has changed at a price."""
        if self.look is not None:
            if not self.touched:
                self.look.append(self)
            self.touched[price] = None

    def tidy(self, level: Level) -> None:
        """Note that a level has changed, and forget it if nothing of it is left."""
        self.touch(level.price)
        if not level.slots and self.levels.pop(level.price, None) is not None:
            del self._prices[bisect_left(self._prices, level.price)]

    @property
    def best(self) -> Decimal | None:
        """The best price, None for an empty side."""
        if not self._prices:
            return None
        return self._prices[-1] if self.side is Side.BUY else self._prices[0]

    def best_first(self) -> Iterator[Level]:
        """Iterate the levels, best first; they must not change meanwhile."""
        prices = reversed(self._prices) if self.side is Side.BUY else iter(self._prices)
        for price in prices:
            yield self.levels[price]

    def reaches(self, price: Decimal, limit: Decimal | None) -> bool:
        """Tell whether an order of the other side with that limit would match a price of this side."""
        if limit is None:
            return True
        return price >= limit if self.side is Side.BUY else price <= limit

    def add(self, order: Resting) -> None:
        """Put an order at the end of the queue of its price."""
        if order.price is not None:
            order.slot = self.level(order.price).append(order, order.displayed)
            self.touch(order.price)

    def remove(self, order: Resting) -> None:
        """Take an order away, if it is here."""
        if order.slot is not None and order.price is not None:
            level = self.levels[order.price]
            del level.slots[order.slot.ticket]
            order.slot = None
            self.tidy(level)

    def shrink(self, order: Resting, quantity: Decimal) -> None:
        """Take a quantity from what an order shows.

        Once an iceberg order shows nothing any more, its next part goes to the end of the queue.
        """
        if order.slot is None:
            return
        order.slot.quantity = subtract(order.slot.quantity, quantity)
        self.touch(order.price or ZERO)
        if order.slot.quantity <= 0:
            level = self.level(order.price or ZERO)
            del level.slots[order.slot.ticket]
            order.slot = level.append(order, order.displayed) if order.remaining > 0 else None
            self.tidy(level)

    def take_fed(self, price: Decimal, quantity: Decimal) -> None:
        """Take from what is fed at a price, from the front of its queue."""
        level = self.levels[price]
        for slot in [slot for slot in level.slots.values() if slot.order is None]:
            taken = min(quantity, slot.quantity)
            level.take_fed(slot, taken)
            quantity = subtract(quantity, taken)
            if not quantity:
                break
        self.tidy(level)

    def feed(self, levels: Iterable[tuple[Decimal, Decimal]], *, whole: bool) -> None:
        """Set what is fed at prices; with `whole`, nothing is fed at any other price."""
        new = dict(levels)
        if whole:
            new = {price: ZERO for price, level in self.levels.items() if level.fed} | new
        for price, quantity in new.items():
            level = self.level(price)
            level.set_fed(quantity)
            self.tidy(level)

    @property
    def best_fed(self) -> Decimal | None:
        """The best price at which something is fed."""
        return next((level.price for level in self.best_first() if level.fed), None)

    def shown_at(self, price: Decimal) -> Decimal:
        """Return what can be seen at a price."""
        level = self.levels.get(price)
        return ZERO if level is None else level.shown

    def shown(self, depth: int | None = None) -> tuple[tuple[Decimal, Decimal], ...]:
        """Return prices and what can be seen there, best first."""
        found: list[tuple[Decimal, Decimal]] = []
        for level in self.best_first():
            if depth is not None and len(found) >= depth:
                break
            found.append((level.price, level.shown))
        return tuple(found)


class Book:
    """Both sides of an instrument."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids: BookSide = BookSide(Side.BUY)
        self.asks: BookSide = BookSide(Side.SELL)

    def side(self, side: Side) -> BookSide:
        """Return the resting orders of a side."""
        return self.bids if side is Side.BUY else self.asks

    @property
    def middle(self) -> Decimal | None:
        """The middle between best bid and best ask; of a one-sided book its best price."""
        bid, ask = self.bids.best, self.asks.best
        if bid is None or ask is None:
            return ask if bid is None else bid
        return multiply(add(bid, ask), HALF)
