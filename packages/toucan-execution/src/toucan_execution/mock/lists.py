"""Lists of orders that depend on one another (spot, facts D.1.9).

One cancels the other: as soon as one of the pair is filled in part, or triggered, the other expires; the end
of one is the end of the other. One triggers the other: the orders that wait are placed as new ones once the
working order is filled completely, and expire if it ends otherwise. Those of OPO lists sell what it has
bought, less what that cost in the same asset, on the grid of quantities.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.mock.amounts import ZERO, subtract
from toucan_execution.mock.desk import Desk
from toucan_execution.mock.journal import Journal
from toucan_execution.mock.matching import Plan, steps_of
from toucan_execution.mock.results import Refusal
from toucan_execution.mock.settling import Settling
from toucan_execution.mock.shape import check_client_id, check_list_shape, complete
from toucan_execution.mock.state import Account, State
from toucan_execution.mock.triggers import watched_price, would_trigger
from toucan_execution.mock.working import LockGroup, WorkingList, WorkingOrder
from toucan_execution.orders import ListKind, OrderListRequest, OrderRequest, OrderStatus, OrderType
from toucan_execution.outcome import Reason
from toucan_instrument.decimals import round_down

__all__ = ["Lists"]

FROM_FIRST = frozenset({ListKind.OPO, ListKind.OPOCO})


class Lists:
    """Places lists, and does what the end of one order means for the others."""

    def __init__(self, state: State, journal: Journal, settling: Settling, desk: Desk) -> None:
        self._state = state
        self._journal = journal
        self._settling = settling
        self._desk = desk

    def place(self, account: Account, request: OrderListRequest) -> WorkingList:
        """Place a list.

        Raises:
            InvalidInput: A field is wrong.
            Refusal: Why not; nothing was changed.
        """
        settings = self._state.settings
        check_list_shape(request, settings)
        market = self._state.market(request.instrument)
        number = self._state.new_number()
        client_list_id = request.client_list_id or f"list-{number}"
        if any(each.open and each.client_list_id == client_list_id for each in account.lists.values()):
            raise Refusal(Reason.DUPLICATE_ID, "Duplicate order list sent.")
        orders = []
        for place, each in enumerate(request.orders):
            mode = each.self_trade_prevention or request.self_trade_prevention
            asked = msgspec.structs.replace(each, self_trade_prevention=mode)
            own_id = each.client_order_id or f"{client_list_id[:30]}-{place}"
            check_client_id(own_id, spot=True)
            order = self._desk.make(account, market, complete(asked, settings, client_order_id=own_id))
            order.pending = request.kind is not ListKind.OCO and place > 0
            orders.append(order)
        if len({order.client_order_id for order in orders}) < len(orders):
            raise Refusal(Reason.DUPLICATE_ID, "Orders of a list need ids of their own.")
        asked_list = msgspec.structs.replace(request, client_list_id=client_list_id)
        listed = WorkingList(asked_list, number, tuple(orders))
        if len(listed.pair) > 1:
            self._join(listed)
        for order in orders:
            self._desk.check(order)
        self._start(account, listed)
        return listed

    def _join(self, listed: WorkingList) -> None:
        """Let the orders of a pair share their lock."""
        group = LockGroup(*listed.pair)
        for order in listed.pair:
            order.group = group

    def _start(self, account: Account, listed: WorkingList) -> None:
        entering = listed.pair if listed.working is None else (listed.working,)
        if listed.working is None:
            _check_relation(listed)
        # Check all of it before anything is changed; a pair pays once.
        plans = [self._desk.prepare(order) for order in entering]
        for order in listed.orders:
            order.listed = listed
        account.lists[listed.list_id] = listed
        for order in listed.orders:
            self._desk.register(order)
        self._journal.order_list(listed)
        for order, plan in zip(entering, plans, strict=True):
            if plan is not None:
                self._desk.execute(order, plan)
            else:
                self._desk.watch(order)

    # What one order means for the others.

    def before_fill(self, order: WorkingOrder) -> None:
        """Let the other of a pair expire, before this one is filled."""
        if order.listed is None or order not in order.listed.pair:
            return
        for other in order.listed.pair:
            if other is not order:
                self._desk.end(other, OrderStatus.EXPIRED, "OCO_TRIGGER")

    def after_end(self, order: WorkingOrder) -> None:
        """Do what the end of an order means for the others of its list."""
        listed = order.listed
        if listed is None or not listed.open:
            return
        if order.status is OrderStatus.CANCELLED:
            self.cancel(listed)
        elif order is listed.working:
            if order.status is OrderStatus.FILLED:
                self._release(listed)
            for other in listed.pair:
                if other.pending:
                    self._desk.end(other, OrderStatus.EXPIRED, "OTO_PHASE_ONE_EXPIRED")
        elif order.reason != "OCO_TRIGGER":
            for other in listed.pair:
                self._desk.end(other, OrderStatus.EXPIRED, "OCO_TRIGGER")
        if not any(each.is_open for each in listed.orders):
            listed.open = False
            self._journal.order_list(listed)

    def cancel(self, listed: WorkingList) -> None:
        """Cancel all orders of a list."""
        for order in listed.orders:
            self._desk.end(order, OrderStatus.CANCELLED, "")

    def _release(self, listed: WorkingList) -> None:
        """Place the orders that waited for the first."""
        pair = listed.pair
        try:
            plans = self._ready(listed)
        except Refusal as refusal:
            for order in pair:
                order.pending = False
                self._desk.end(order, OrderStatus.REJECTED, refusal.refused.message, "REJECTED")
            return
        self._settling.relock(pair[0])
        for order, plan in zip(pair, plans, strict=True):
            self._journal.order(order, "NEW", order.status)
            if plan is not None:
                self._desk.execute(order, plan)
            elif order.is_open:
                self._desk.watch(order)

    def _ready(self, listed: WorkingList) -> list[Plan | None]:
        """Check the orders that waited as new ones; return what they will match."""
        pair = listed.pair
        if listed.request.kind in FROM_FIRST and listed.working is not None:
            self._take_quantity(listed.working, pair)
        if len(pair) > 1:
            _check_relation(listed)
        if any(order.waiting and would_trigger(order.market, order.request) for order in pair):
            raise Refusal(Reason.WOULD_TRIGGER, "Order would trigger immediately.")
        for order in pair:
            order.pending = False
        return [self._desk.prepare(order) for order in pair]

    def _take_quantity(self, working: WorkingOrder, pair: tuple[WorkingOrder, ...]) -> None:
        """Give the orders that wait what the first has bought, less its fees in the same asset."""
        base = working.market.instrument.base
        bought = working.filled
        for trade in working.account.trades:
            same = trade.order_id == str(working.order_id) and trade.instrument == working.market.instrument
            if same and trade.fee_asset == base and trade.fee:
                bought = subtract(bought, trade.fee)
        quantity = round_down(bought, steps_of(working.market))
        if quantity <= ZERO:
            raise Refusal(Reason.FILTER, "Too little was bought to be sold again.")
        for order in pair:
            order.quantity = quantity


def _check_relation(listed: WorkingList) -> None:
    """Refuse a pair whose prices lie on the wrong sides of the last one."""
    above, below = (order.request for order in listed.pair)
    price = watched_price(listed.orders[0].market, above)
    high, low = _price_of(above), _price_of(below)
    wrong = high is not None and low is not None and high <= low
    if price is not None:
        wrong = wrong or (high is not None and high <= price) or (low is not None and low >= price)
    if wrong:
        raise Refusal(Reason.PARAMETER, "The relationship of the prices for the orders is not correct.")


def _price_of(request: OrderRequest) -> Decimal | None:
    """Return the price that decides where an order of a pair has to lie."""
    return request.price if request.type is OrderType.LIMIT else request.trigger_price
