"""What an order would match, worked out before anything is done.

A plan walks the other side of the book, best price first and each queue from its front, and changes
nothing. So an order is checked against the very fills that it is about to have: whether all of it can be
filled, what that costs, whether it would take at all. Executing a plan gives exactly these fills.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import NamedTuple

from toucan_execution.mock.amounts import ZERO, add, subtract, worth
from toucan_execution.mock.book import Level
from toucan_execution.mock.state import Market
from toucan_execution.mock.working import WorkingOrder
from toucan_execution.orders import PositionSide, SelfTradePrevention
from toucan_instrument.decimals import round_down

__all__ = ["Kind", "Match", "Plan", "plan_for", "steps_of"]


FINEST = Decimal("0.00000001")


class Kind(Enum):
    """What happens where two orders meet."""

    FILL = "fill"
    EXPIRE_TAKER = "expire_taker"
    EXPIRE_MAKER = "expire_maker"
    EXPIRE_BOTH = "expire_both"
    DECREMENT = "decrement"


_KINDS = {
    SelfTradePrevention.EXPIRE_TAKER: Kind.EXPIRE_TAKER,
    SelfTradePrevention.EXPIRE_MAKER: Kind.EXPIRE_MAKER,
    SelfTradePrevention.EXPIRE_BOTH: Kind.EXPIRE_BOTH,
    SelfTradePrevention.DECREMENT: Kind.DECREMENT,
}


class Match(NamedTuple):
    """An order meets what rests.

    Attributes:
        kind: What happens.
        maker: What rests; None for what is fed.
        price: Of what rests.
        quantity: How much.
    """

    kind: Kind
    maker: WorkingOrder | None
    price: Decimal
    quantity: Decimal


class Plan:
    """What an order would match.

    Attributes:
        matches: One by one, in order.
        filled: How much of it would be filled.
        value: What that is worth: in the quote asset, of inverse contracts in the base asset.
        spent: Of an order by quote quantity: whether what is left of it buys nothing more at the next price.
    """

    __slots__ = ("filled", "matches", "spent", "value")

    def __init__(self) -> None:
        self.matches: list[Match] = []
        self.filled: Decimal = ZERO
        self.value: Fraction = Fraction(0)
        self.spent: bool = False

    @property
    def takes(self) -> bool:
        """Whether it would match anything, or be stopped from it by self-trade prevention."""
        return bool(self.matches)


class _Waiting:
    """A place in a queue, while a plan is made."""

    __slots__ = ("hidden", "order", "shown")

    def __init__(self, order: WorkingOrder | None, shown: Decimal, hidden: Decimal) -> None:
        self.order = order
        self.shown = shown
        self.hidden = hidden


class _Planner:
    """Makes one plan."""

    def __init__(self, taker: WorkingOrder, quantity: Decimal | None, budget: Decimal | None) -> None:
        self.taker = taker
        self.left = quantity
        self.budget = None if budget is None else Fraction(budget)
        self.step = steps_of(taker.market)
        self.plan: Plan = Plan()
        self.rooms: dict[tuple[str, PositionSide], Decimal] = {}

    def walk(self, limit: Decimal | None) -> Plan:
        """Walk the other side of the book as far as the limit allows."""
        side = self.taker.market.book.side(self.taker.side.opposite)
        for level in side.best_first():
            if not side.reaches(level.price, limit) or not self._walk_level(level):
                break
        return self.plan

    def _walk_level(self, level: Level) -> bool:
        """Go through a queue; return whether to go on at the next price."""
        queue = deque(
            _Waiting(order, slot.quantity, subtract(order.remaining, slot.quantity) if order else ZERO)
            for slot in level.slots.values()
            for order in (slot.order if isinstance(slot.order, WorkingOrder) else None,)
        )
        while queue:
            if self.left == 0:
                return False
            waiting = queue.popleft()
            kind = self._kind(waiting.order)
            if kind is Kind.FILL or kind is Kind.DECREMENT:
                if not self._meet(kind, waiting, level.price):
                    return False
                if waiting.hidden > 0 and waiting.order is not None and not waiting.shown:
                    part = waiting.order.request.iceberg_quantity or waiting.hidden
                    shown = min(part, waiting.hidden)
                    queue.append(_Waiting(waiting.order, shown, subtract(waiting.hidden, shown)))
                continue
            whole = add(waiting.shown, waiting.hidden)
            self.plan.matches.append(Match(kind, waiting.order, level.price, whole))
            if kind is not Kind.EXPIRE_MAKER:
                return False  # nothing is left of the order
        return True

    def _kind(self, maker: WorkingOrder | None) -> Kind:
        if maker is None or maker.account is not self.taker.account:
            return Kind.FILL
        return _KINDS.get(self.taker.prevention, Kind.FILL)

    def _meet(self, kind: Kind, waiting: _Waiting, price: Decimal) -> bool:
        """Add a fill or a decrement; return whether the order can go on."""
        quantity = waiting.shown
        if self.left is not None:
            quantity = min(quantity, self.left)
        if self.budget is not None:
            affordable = round_down(self.budget / Fraction(price), self.step)
            if affordable <= 0:
                self.plan.spent = True
                return False
            quantity = min(quantity, affordable)
        if kind is Kind.FILL:
            limited = self._limit_by_positions(waiting.order, quantity)
            if limited is None:
                return False
            quantity = limited
            if not quantity:
                waiting.hidden = ZERO  # its account has nothing to reduce any more: the order has gone
                return True
            self._count(waiting.order, quantity, price)
        elif self.budget is not None:
            self.budget -= worth(self.taker.market.instrument, quantity, price)
        if self.left is not None:
            self.left = subtract(self.left, quantity)
        waiting.shown = subtract(waiting.shown, quantity)
        self.plan.matches.append(Match(kind, waiting.order, price, quantity))
        if self.budget is not None and self.budget < Fraction(self.step) * Fraction(price):
            self.plan.spent = True
            return False
        return True

    def _count(self, maker: WorkingOrder | None, quantity: Decimal, price: Decimal) -> None:
        market = self.taker.market
        value = worth(market.instrument, quantity, price)
        self.plan.filled = add(self.plan.filled, quantity)
        self.plan.value += value
        if self.budget is not None:
            self.budget -= value
        for order in (self.taker, maker):
            if order is not None and not order.account.settings.spot:
                key = (order.account.name, order.position_side)
                signed = quantity if order.buying else quantity.copy_negate()
                self.rooms[key] = add(self._held(order), signed)

    def _limit_by_positions(self, maker: WorkingOrder | None, quantity: Decimal) -> Decimal | None:
        """Return how much of a quantity both may fill; None where the taker may fill no more."""
        taker = self.taker
        if taker.reducing:
            room = self._room(taker)
            if not room:
                return None
            quantity = min(quantity, room)
        if maker is not None and maker.reducing:
            quantity = min(quantity, self._room(maker))
        return quantity

    def _held(self, order: WorkingOrder) -> Decimal:
        """Return the position that an order changes, as it would be by now."""
        key = (order.account.name, order.position_side)
        if key not in self.rooms:
            holding = order.account.holdings.get((order.market.instrument, order.position_side))
            self.rooms[key] = ZERO if holding is None else holding.quantity
        return self.rooms[key]

    def _room(self, order: WorkingOrder) -> Decimal:
        held = self._held(order)
        return held.copy_abs() if held and (held < 0) == order.buying else ZERO


def steps_of(market: Market) -> Decimal:
    """Return the grid of market orders' quantities."""
    rules = market.rules
    steps = [step for step in (rules.market_step_size, rules.step_size) if step]
    return max(steps, default=FINEST)


def plan_for(
    taker: WorkingOrder, *, quantity: Decimal | None, budget: Decimal | None = None, limit: Decimal | None
) -> Plan:
    """Return what an order would match now.

    Args:
        taker: The order.
        quantity: How much of it; None with `budget`.
        budget: How much it may spend or receive, in the quote asset.
        limit: The worst price that it takes, None for any.
    """
    return _Planner(taker, quantity, budget).walk(limit)
