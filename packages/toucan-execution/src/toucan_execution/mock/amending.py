"""Changing open orders.

Spot: only to a smaller quantity; the order keeps its place in the queue (facts D.1.8). Futures: price and
quantity of a limit order, both given; it goes to the end of its queue, may match at once, and ends if
what was filled reaches the new quantity, or if it is post-only and would take (facts D.2.6).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.mock.amounts import ZERO, subtract
from toucan_execution.mock.checks import check_rules
from toucan_execution.mock.desk import Desk
from toucan_execution.mock.journal import Journal
from toucan_execution.mock.results import Refusal
from toucan_execution.mock.settling import Settling
from toucan_execution.mock.shape import check_client_id
from toucan_execution.mock.state import State
from toucan_execution.mock.working import WorkingOrder
from toucan_execution.orders import AmendRequest, OrderStatus, OrderType
from toucan_execution.outcome import Reason
from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput

__all__ = ["Amending"]

POST_ONLY = "POST_ONLY_WOULD_TAKE"


class Amending:
    """Changes open orders."""

    def __init__(self, state: State, journal: Journal, settling: Settling, desk: Desk) -> None:
        self._state = state
        self._journal = journal
        self._settling = settling
        self._desk = desk

    def amend(self, order: WorkingOrder, request: AmendRequest) -> bool:
        """Change an order; return whether that changed anything.

        Raises:
            InvalidInput: A field is wrong or missing.
            Refusal: Why not; nothing was changed.
        """
        for name in ("quantity", "price"):
            value = getattr(request, name)
            if value is not None and not decimal_of(value, field=name) > 0:
                raise InvalidInput("must be above zero", field=name, value=value)
        check_client_id(request.amend_id, spot=self._state.settings.spot, field="amend_id")
        if not order.market.is_trading:
            raise Refusal(Reason.MARKET_CLOSED, f"{order.market.instrument} is not being traded")
        if order.amends >= self._state.settings.most_amends:
            raise Refusal(Reason.AMEND_REFUSED, "The order has been changed as often as is allowed.")
        if self._state.settings.spot:
            self._shrink(order, request)
            return True
        return self._move(order, request)

    # Spot.

    def _shrink(self, order: WorkingOrder, request: AmendRequest) -> None:
        quantity = self._smaller(order, request)
        earlier = order.account.find(order.market.instrument, client_order_id=request.amend_id)
        if request.amend_id and earlier is not order and earlier is not None and earlier.is_open:
            raise Refusal(Reason.DUPLICATE_ID, "Duplicate order sent.")
        check_rules(order.market, msgspec.structs.replace(order.request, quantity=quantity))
        order.quantity = quantity
        order.amends += 1
        if request.amend_id:
            order.client_order_id = request.amend_id
            order.account.remember(order)
        if order.slot is not None:
            order.slot.quantity = min(order.slot.quantity, order.remaining)
        self._settling.relock(order)
        self._journal.order(order, "REPLACED", order.status)

    def _smaller(self, order: WorkingOrder, request: AmendRequest) -> Decimal:
        """Return the new quantity, if it is one that an order on spot can have."""
        if request.price is not None:
            raise Refusal(Reason.AMEND_REFUSED, "The price cannot be changed here: use cancel_replace.")
        if request.quantity is None:
            raise InvalidInput("is needed", field="quantity", value=None, accepted="less than it is now")
        if order.quantity is None or (order.listed is not None and order.pending):
            raise Refusal(Reason.AMEND_REFUSED, "That order cannot be changed: use cancel_replace.")
        if request.quantity == order.quantity:
            raise Refusal(Reason.AMEND_REFUSED, "The requested action would change no state; rejecting.")
        if request.quantity > order.quantity:
            raise Refusal(
                Reason.AMEND_REFUSED,
                "Order amend (quantity increase) is not supported: use cancel_replace.",
            )
        if request.quantity <= subtract(order.quantity, order.remaining):
            raise Refusal(Reason.AMEND_REFUSED, "So much has been filled already: use cancel_order.")
        return request.quantity

    # Futures.

    def _move(self, order: WorkingOrder, request: AmendRequest) -> bool:
        if request.price is None or request.quantity is None:
            name = "price" if request.price is None else "quantity"
            raise InvalidInput("is needed: price and quantity both", field=name, value=None)
        if request.side is not None and request.side is not order.side:
            raise InvalidInput("is not the order's", field="side", value=request.side, accepted=order.side)
        if order.request.type is not OrderType.LIMIT:
            raise Refusal(Reason.AMEND_REFUSED, "Only limit orders can be changed.")
        if request.price == order.price and request.quantity == order.quantity:
            return False
        changed = msgspec.structs.replace(order.request, price=request.price, quantity=request.quantity)
        check_rules(order.market, changed)
        before = (order.price, order.quantity)
        taken = subtract(before[1] or ZERO, order.remaining)
        if request.quantity <= taken:
            self._desk.end(order, OrderStatus.CANCELLED, "AMENDED_BELOW_FILLED")
            return True
        order.price, order.quantity = request.price, request.quantity
        try:
            plan = self._desk.check_entry(order)
        except Refusal as refusal:
            order.price, order.quantity = before
            if refusal.refused.reason is not Reason.WOULD_TAKE:
                raise
            self._desk.end(order, OrderStatus.EXPIRED, POST_ONLY)
            return True
        order.price = before[0]
        order.market.book.side(order.side).remove(order)
        order.price = request.price
        order.amends += 1
        order.request = changed
        self._settling.relock(order)
        self._journal.order(order, "AMENDMENT", order.status)
        self._desk.execute(order, plan)
        return True
