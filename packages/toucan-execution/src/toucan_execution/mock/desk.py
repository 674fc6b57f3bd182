"""The life of an order: it is checked, enters the market, is filled, triggered, ended.

What one event leads to (a trigger, the next order of a list, a reduce-only order that has nothing left to
reduce) is noted, and done once the order that caused it has been dealt with, in the order in which it came
up: so the fills of an order are exactly those of its plan.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Protocol

from toucan_execution.mock.amounts import ZERO, add
from toucan_execution.mock.checks import check_account, check_market, check_triggered
from toucan_execution.mock.funds import check_cost, check_lock, check_margin
from toucan_execution.mock.journal import Journal
from toucan_execution.mock.matching import Kind, Match, Plan, plan_for
from toucan_execution.mock.results import MarketTrade, Refusal
from toucan_execution.mock.settling import Deal, Settling
from toucan_execution.mock.state import Account, Market, State
from toucan_execution.mock.triggers import observe, too_far_apart, watched_price
from toucan_execution.mock.working import WorkingOrder
from toucan_execution.orders import (
    OrderRequest,
    OrderStatus,
    PositionSide,
    TimeInForce,
    TriggerPrice,
)
from toucan_execution.outcome import Reason
from toucan_instrument import Side

__all__ = ["Desk", "ListWatcher"]

PREVENTED = "TRADE_PREVENTION"
WHY_NOT_FILLED = {
    TimeInForce.IOC: "UNFILLED_IOC_QUANTITY_EXPIRED",
    TimeInForce.FOK: "UNFILLED_FOK_ORDER_EXPIRED",
}


class ListWatcher(Protocol):
    """Knows what the orders of a list mean for one another."""

    def before_fill(self, order: WorkingOrder) -> None:
        """Hear that an order of a list is about to be filled, or was triggered."""
        ...

    def after_end(self, order: WorkingOrder) -> None:
        """Hear that an order of a list has ended."""
        ...


class Desk:
    """Deals with orders.

    Attributes:
        lists: Hears of the orders of lists.
    """

    lists: ListWatcher

    def __init__(self, state: State, journal: Journal, settling: Settling) -> None:
        self._state = state
        self._journal = journal
        self._settling = settling
        self._later: deque[Callable[[], None]] = deque()
        self._expiries: list[tuple[int, int, WorkingOrder]] = []

    def later(self, do: Callable[[], None]) -> None:
        """Do something once what is being done is done."""
        self._later.append(do)

    def run_later(self) -> None:
        """Do all that was left for later, and what that leads to."""
        while self._later:
            self._later.popleft()()

    def next_expiry(self) -> int | None:
        """Return when the next order expires, None if none does."""
        while self._expiries and not self._expiries[0][2].is_open:
            heapq.heappop(self._expiries)
        return self._expiries[0][0] if self._expiries else None

    def expire(self, now_ns: int) -> None:
        """Let the orders expire whose time has come."""
        while (due := self.next_expiry()) is not None and due <= now_ns:
            order = heapq.heappop(self._expiries)[2]
            self.end(order, OrderStatus.EXPIRED, "GOOD_TILL_DATE_REACHED")

    # In.

    def make(self, account: Account, market: Market, request: OrderRequest) -> WorkingOrder:
        """Make an order, not known to anybody yet."""
        return WorkingOrder(account, market, request, self._state.new_number())

    def check(self, order: WorkingOrder) -> None:
        """Refuse an order that market or account do not take.

        Raises:
            Refusal: Why; nothing was changed.
        """
        self._take_price_from_book(order)
        check_market(self._state, order)
        check_account(self._state, order.account, order.market, order)

    def _take_price_from_book(self, order: WorkingOrder) -> None:
        request, book = order.request, order.market.book
        if request.peg is not None:
            own, depth = request.peg.price == "primary", (request.peg.levels or 0) + 1
        elif request.price_match is not None:
            word, _, number = request.price_match.value.partition("_")
            own, depth = word == "queue", int(number or 1)
        else:
            return
        prices = book.side(order.side if own else order.side.opposite).shown(depth)
        if len(prices) < depth:
            raise Refusal(Reason.OTHER, "The book is not deep enough for that price.")
        order.price = prices[-1][0]

    def admit(self, order: WorkingOrder) -> None:
        """Take in an order that was checked: it is known from now on.

        Raises:
            Refusal: It cannot be paid, or would take what it must not; nothing was changed.
        """
        plan = self.prepare(order)
        self.register(order)
        if plan is not None:
            self.execute(order, plan)
        elif not order.pending:
            self.watch(order)

    def prepare(self, order: WorkingOrder) -> Plan | None:
        """Refuse an order that cannot be paid; return what it will match, None if it waits for something.

        Raises:
            Refusal: Why; nothing was changed.
        """
        request, market = order.request, order.market
        if order.pending:
            return None
        if not order.waiting:
            return self.check_entry(order)
        order.fallback_price = request.trigger_price or request.activation_price or market.mark or ZERO
        if self._state.settings.spot:
            check_lock(self._settling, order)
        return None

    def check_entry(self, order: WorkingOrder) -> Plan:
        """Refuse an order that cannot enter the market as it is; return what it will match.

        Raises:
            Refusal: Why; nothing was changed.
        """
        request, settings = order.request, self._state.settings
        budget = request.quote_quantity
        plan = plan_for(
            order,
            quantity=None if budget is not None else order.remaining,
            budget=budget,
            limit=None if order.is_market else order.price,
        )
        if order.post_only and plan.takes:
            raise Refusal(Reason.WOULD_TAKE, "Order would immediately match and take.")
        if request.time_in_force is TimeInForce.FOK and plan.filled != order.remaining:
            if settings.refuse_unfilled_fok:
                raise Refusal(Reason.OTHER, "The FOK order could not be filled immediately.")
            plan = Plan()
        if settings.spot:
            check_cost(self._settling, order, plan)
        elif not order.reducing:
            check_margin(self._state, order, plan)
        return plan

    def register(self, order: WorkingOrder) -> None:
        """Make an order known."""
        state, account, market = self._state, order.account, order.market
        order.created_ns = state.now_ns
        if order.waiting and not state.settings.spot:
            order.algo_id = state.new_number()
        else:
            order.order_id = market.new_order_id()
        account.begin(order)
        account.remember(order)
        if order.request.good_till_ns is not None:
            heapq.heappush(self._expiries, (order.request.good_till_ns, order.number, order))
        self._settling.relock(order)
        self._journal.order(order, "NEW", None)

    def watch(self, order: WorkingOrder) -> None:
        """Let a conditional order wait for its trigger."""
        order.market.waiting[order.number] = order
        price = watched_price(order.market, order.request)
        if price is not None:
            observe(order, price)

    # In the market.

    def execute(self, order: WorkingOrder, plan: Plan) -> None:
        """Let an order match what its plan says, and rest or end with what is left."""
        for match in plan.matches:
            self._apply(order, match)
        request = order.request
        if not order.is_open:
            return
        if request.quote_quantity is not None:
            order.quantity = add(order.filled, order.prevented)
            if order.filled and plan.spent:
                self.end(order, _over(order), "", "TRADE")
            else:
                self.end(order, OrderStatus.EXPIRED, "INSUFFICIENT_LIQUIDITY")
        elif order.rests:
            order.market.book.side(order.side).add(order)
        else:
            why = WHY_NOT_FILLED.get(request.time_in_force or TimeInForce.GTC, "INSUFFICIENT_LIQUIDITY")
            self.end(order, OrderStatus.EXPIRED, why)

    def _apply(self, taker: WorkingOrder, match: Match) -> None:
        maker = match.maker
        if match.kind is Kind.FILL:
            if maker is None:
                taker.market.book.side(taker.side.opposite).take_fed(match.price, match.quantity)
            self.trade(taker.market, match.price, match.quantity, maker=maker, taker=taker)
            return
        if match.kind is Kind.DECREMENT:
            for order in (maker, taker):
                if order is not None:
                    self._prevent(order, match.quantity)
            return
        if maker is not None and match.kind is not Kind.EXPIRE_TAKER:
            self._prevent(maker, maker.remaining)
        if match.kind is not Kind.EXPIRE_MAKER:
            self._prevent(taker, taker.remaining)

    def _prevent(self, order: WorkingOrder, quantity: Decimal) -> None:
        """Take from an order what self-trade prevention takes."""
        order.prevented = add(order.prevented, quantity)
        by_quote = order.quantity is None
        if by_quote and not quantity:  # all that is left of it, however much that would have been
            order.quantity = add(order.filled, order.prevented)
        if order.remaining <= 0 and not (by_quote and quantity):
            self.end(order, OrderStatus.EXPIRED_IN_MATCH, "", PREVENTED)
            return
        order.market.book.side(order.side).shrink(order, quantity)
        self._settling.relock(order)
        self._journal.order(order, PREVENTED, order.status)

    def trade(
        self,
        market: Market,
        price: Decimal,
        quantity: Decimal,
        *,
        maker: WorkingOrder | None,
        taker: WorkingOrder | None,
    ) -> None:
        """Let two orders, or an order and the market outside, trade."""
        orders = [order for order in (maker, taker) if order is not None]
        for order in orders:
            if order.listed is not None:
                self.lists.before_fill(order)
        for order in orders:
            order.count_fill(quantity, price)
            self._settling.relock(order)
        if maker is not None:
            market.book.side(maker.side).shrink(maker, quantity)
        deal = Deal(market.new_trade_id(), price, quantity)
        buyer = next((order for order in orders if order.buying), None)
        seller = next((order for order in orders if not order.buying), None)
        self._settling.settle(deal, buyer, seller)
        for order in orders:
            self._settling.finish(deal, order, maker=order is maker)
            self._after_fill(order)
        aggressor = taker.side if taker is not None else orders[0].side.opposite
        self.tell_public(market, deal, aggressor, buyer, seller)

    def tell_public(
        self,
        market: Market,
        deal: Deal,
        aggressor: Side,
        buyer: WorkingOrder | None = None,
        seller: WorkingOrder | None = None,
    ) -> None:
        """Let everybody know of a trade: its price is the last."""
        self._journal.public(
            MarketTrade(
                instrument=market.instrument,
                trade_id=deal.trade_id,
                price=deal.price,
                quantity=deal.quantity,
                aggressor=aggressor,
                time_ns=self._state.now_ns,
                buyer_order_id=buyer.order_id if buyer else 0,
                seller_order_id=seller.order_id if seller else 0,
            )
        )
        self.see_last(market, deal.price)

    def see_last(self, market: Market, price: Decimal) -> None:
        """Take a price as the last."""
        market.last = price
        self.show_price(market, price, TriggerPrice.LAST)
        if market.marked is None:
            self.show_price(market, price, TriggerPrice.MARK)

    def _after_fill(self, order: WorkingOrder) -> None:
        if not self._state.settings.spot:
            self.later(partial(self._drop_reducing, order.account, order.market, order.position_side))
        if order.quantity is not None and order.remaining <= 0:
            self.end(order, _over(order), "", "TRADE")
            return
        previous, order.status = order.status, OrderStatus.PARTIALLY_FILLED
        self._journal.order(order, "TRADE", previous)

    def _drop_reducing(self, account: Account, market: Market, side: PositionSide) -> None:
        """End the orders that have nothing left to reduce."""
        holding = account.holdings.get((market.instrument, side))
        for order in list(account.open_in.get(market, {}).values()):
            if order.position_side is side and order.working and order.reducing:
                room = holding.room(buying=order.buying) if holding else ZERO
                if not room:
                    self.end(order, OrderStatus.EXPIRED, "NOTHING_LEFT_TO_REDUCE")

    # Triggers.

    def show_price(self, market: Market, price: Decimal, kind: TriggerPrice) -> None:
        """Show a price to the orders that wait for one."""
        for order in market.waiting.values():
            if order.request.trigger_by is kind and observe(order, price):
                self.later(partial(self._trigger, order))

    def _trigger(self, order: WorkingOrder) -> None:
        market, request = order.market, order.request
        if order.number not in market.waiting:
            return
        if request.price_protect and too_far_apart(market, self._state.settings.trigger_protect):
            return
        del market.waiting[order.number]
        order.waiting = False
        if order.listed is not None:
            self.lists.before_fill(order)
        if not order.order_id:
            order.order_id = market.new_order_id()
            order.account.remember(order)
        self._settling.relock(order)
        try:
            self._size_to_position(order)
            self._journal.order(order, "TRIGGERED", order.status)
            check_triggered(market, request)
            plan = self.check_entry(order)
        except Refusal as refusal:
            self.end(order, OrderStatus.REJECTED, refusal.refused.message, "REJECTED")
        else:
            self.execute(order, plan)

    def _size_to_position(self, order: WorkingOrder) -> None:
        """Give an order that closes a position its quantity; refuse one that has nothing to reduce."""
        if not order.reducing:
            return
        holding = order.account.holdings.get((order.market.instrument, order.position_side))
        room = holding.room(buying=order.buying) if holding else ZERO
        if order.quantity is None:
            order.quantity = room
        if not room:
            raise Refusal(Reason.REDUCE_ONLY, "ReduceOnly Order is rejected.")

    # Out.

    def end(self, order: WorkingOrder, status: OrderStatus, reason: str, execution: str = "") -> None:
        """End an order, if it has not ended yet."""
        if not order.is_open:
            return
        order.market.book.side(order.side).remove(order)
        order.market.waiting.pop(order.number, None)
        previous, order.status = order.status, status
        order.reason = reason
        self._settling.relock(order)
        order.account.close(order)
        self._journal.order(
            order, execution or ("CANCELED" if status is OrderStatus.CANCELLED else "EXPIRED"), previous
        )
        if order.listed is not None:
            self.later(partial(self.lists.after_end, order))


def _over(order: WorkingOrder) -> OrderStatus:
    """Return how an order of which nothing remains has ended."""
    return OrderStatus.EXPIRED_IN_MATCH if order.prevented else OrderStatus.FILLED
