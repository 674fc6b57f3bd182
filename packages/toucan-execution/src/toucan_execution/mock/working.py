"""Orders and lists as the engine keeps them: they change, and are shown as frozen values."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from toucan_execution.mock.amounts import ZERO, add, exact, half_even, quotient, subtract, worth
from toucan_execution.mock.book import Slot
from toucan_execution.orders import (
    ListKind,
    Order,
    OrderList,
    OrderListRequest,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionSide,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_instrument import Side

if TYPE_CHECKING:
    from toucan_execution.mock.state import Account, Market

__all__ = ["LockGroup", "WorkingList", "WorkingOrder"]

WORDS = {
    OrderStatus.OPEN: "NEW",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
    OrderStatus.EXPIRED_IN_MATCH: "EXPIRED_IN_MATCH",
    OrderStatus.REJECTED: "REJECTED",
}
LIMIT_AFTER_TRIGGER = frozenset({OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


class LockGroup:
    """Orders of which only one can be filled: what the dearest of them needs is locked, once.

    Attributes:
        orders: The orders.
        locked: The asset and how much of it is locked.
    """

    __slots__ = ("locked", "orders")

    def __init__(self, *orders: WorkingOrder) -> None:
        self.orders: tuple[WorkingOrder, ...] = orders
        self.locked: tuple[str, Decimal] = ("", ZERO)


class WorkingOrder:
    """An order that changes.

    Attributes:
        account: Whose.
        market: Of which instrument.
        request: What was asked for, defaults filled in.
        number: Unique in the engine; lower ones came first.
        order_id: The venue's number, 0 where it has none yet (a conditional order of a futures market).
        algo_id: The number of a conditional order of a futures market, 0 of others.
        client_order_id: Its own id.
        quantity: How much in all; None where nobody knows yet.
        price: Its limit price.
        filled: How much was filled.
        traded: What was filled in the quote asset; inverse contracts: in the base asset.
        prevented: How much self-trade prevention took away.
        status: Where it stands.
        reason: Why it ended.
        waiting: Whether it waits for its trigger.
        pending: Whether it waits for another order of its list.
        trailing_from: The best price since a trailing stop follows, None while it does not.
        fallback_price: What a market order that waits for its trigger is reckoned at.
        slot: Its place in the book.
        group: What it shares its lock with; itself alone where it stands in no list.
        listed: The list that it belongs to.
        exposed: What it counts for in the margin that orders need (futures).
        amends: How often it was changed.
    """

    def __init__(self, account: Account, market: Market, request: OrderRequest, number: int) -> None:
        self.account = account
        self.market = market
        self.request = request
        self.number = number
        self.order_id = 0
        self.algo_id = 0
        self.client_order_id: str = request.client_order_id
        self.quantity: Decimal | None = request.quantity
        self.price: Decimal | None = request.price
        self.filled: Decimal = ZERO
        self.traded: Fraction = Fraction(0)
        self.prevented: Decimal = ZERO
        self.status = OrderStatus.OPEN
        self.reason = ""
        self.waiting: bool = request.type.is_conditional
        self.pending = False
        self.trailing_from: Decimal | None = None
        self.fallback_price: Decimal = ZERO
        self.slot: Slot | None = None
        self.group: LockGroup = LockGroup(self)
        self.listed: WorkingList | None = None
        self.exposed: Fraction = Fraction(0)
        self.amends = 0
        self.created_ns = 0
        self.updated_ns = 0

    @property
    def side(self) -> Side:
        """Buying or selling."""
        return self.request.side

    @property
    def buying(self) -> bool:
        """Whether it buys."""
        return self.request.side is Side.BUY

    @property
    def is_open(self) -> bool:
        """Whether it may still be filled."""
        return self.status.is_open

    @property
    def is_market(self) -> bool:
        """Whether it takes any price, once it works."""
        kind = self.request.type
        return kind is not OrderType.LIMIT and kind not in LIMIT_AFTER_TRIGGER

    @property
    def rests(self) -> bool:
        """Whether what does not match at once stays on the book."""
        return not self.is_market and self.request.time_in_force not in (TimeInForce.IOC, TimeInForce.FOK)

    @property
    def working(self) -> bool:
        """Whether it is in the market: open, and waiting for nothing."""
        return self.is_open and not self.waiting and not self.pending

    @property
    def post_only(self) -> bool:
        """Whether it must not take liquidity."""
        return self.request.post_only or self.request.time_in_force is TimeInForce.RPI

    @property
    def position_side(self) -> PositionSide:
        """Which position it changes."""
        return self.request.position_side or PositionSide.BOTH

    @property
    def reducing(self) -> bool:
        """Whether it may only make a position smaller."""
        if self.request.reduce_only or self.request.close_position:
            return True
        closed_by_selling = self.position_side is PositionSide.LONG
        return self.position_side is not PositionSide.BOTH and self.buying != closed_by_selling

    @property
    def prevention(self) -> SelfTradePrevention:
        """What becomes of it against an order of the same account."""
        return self.request.self_trade_prevention or SelfTradePrevention.NONE

    @property
    def remaining(self) -> Decimal:
        """How much can still be filled."""
        if self.quantity is None or not self.is_open:
            return ZERO
        return subtract(subtract(self.quantity, self.filled), self.prevented)

    @property
    def displayed(self) -> Decimal:
        """How much of it is shown when it comes to a queue."""
        part = self.request.iceberg_quantity
        return min(part, self.remaining) if part else self.remaining

    def count_fill(self, quantity: Decimal, price: Decimal) -> None:
        """Note a fill."""
        self.filled = add(self.filled, quantity)
        self.traded += worth(self.market.instrument, quantity, price)

    def view(self) -> Order:
        """Return it as a frozen value."""
        request, instrument = self.request, self.market.instrument
        digits = self.market.digits
        word = "PENDING_NEW" if self.pending and self.is_open else WORDS[self.status]
        return Order(
            instrument=instrument,
            client_order_id=self.client_order_id,
            order_id=str(self.order_id or ""),
            side=request.side,
            type=request.type,
            status=self.status,
            status_venue=word,
            quantity=self.quantity,
            filled_quantity=self.filled,
            prevented_quantity=self.prevented,
            price=self.price,
            average_price=self.average_price,
            filled_quote=half_even(self.traded, digits) if instrument.inverse else exact(self.traded),
            quote_quantity=request.quote_quantity,
            time_in_force=request.time_in_force,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            close_position=request.close_position,
            position_side=request.position_side,
            trigger_price=request.trigger_price,
            trigger_by=request.trigger_by,
            trailing_bips=request.trailing_bips,
            activation_price=request.activation_price,
            iceberg_quantity=request.iceberg_quantity,
            good_till_ns=request.good_till_ns,
            self_trade_prevention=request.self_trade_prevention,
            triggered=not self.waiting if request.type.is_conditional else None,
            algo_id=str(self.algo_id or ""),
            list_id=str(self.listed.list_id) if self.listed else "",
            reason=self.reason,
            created_ns=self.created_ns,
            updated_ns=self.updated_ns,
        )

    @property
    def average_price(self) -> Decimal | None:
        """The average price of its fills, to be shown."""
        if not self.filled:
            return None
        instrument = self.market.instrument
        sized = Fraction(self.filled) * Fraction(instrument.contract_size)
        return quotient(sized, self.traded) if instrument.inverse else quotient(self.traded, sized)


class WorkingList:
    """A list of orders that changes.

    Attributes:
        request: What was asked for.
        list_id: The venue's number.
        client_list_id: Its own id.
        orders: Its orders, in the order of the request.
        working: The order that the others wait for, None for one-cancels-the-other.
        open: Whether anything may still become of it.
        updated_ns: When it last changed.
    """

    def __init__(self, request: OrderListRequest, list_id: int, orders: tuple[WorkingOrder, ...]) -> None:
        self.request = request
        self.list_id = list_id
        self.client_list_id: str = request.client_list_id
        self.orders = orders
        self.working: WorkingOrder | None = None if request.kind is ListKind.OCO else orders[0]
        self.open = True
        self.updated_ns = 0

    @property
    def pair(self) -> tuple[WorkingOrder, ...]:
        """The orders of which one cancels the other; of one, there is nothing to cancel."""
        return self.orders if self.working is None else self.orders[1:]

    def view(self, step: str = "", *, orders: bool = False) -> OrderList:
        """Return it as a frozen value."""
        return OrderList(
            instrument=self.request.instrument,
            list_id=str(self.list_id),
            client_list_id=self.client_list_id,
            kind=self.request.kind,
            status="EXECUTING" if self.open else "ALL_DONE",
            step=step or ("EXEC_STARTED" if self.open else "ALL_DONE"),
            order_ids=tuple(str(order.order_id) for order in self.orders),
            client_order_ids=tuple(order.client_order_id for order in self.orders),
            orders=tuple(order.view() for order in self.orders) if orders else (),
            updated_ns=self.updated_ns,
        )
