"""Whether the market takes an order now: its rules, its state, and that of the account."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.account import PositionMode
from toucan_execution.mock.amounts import ZERO, add
from toucan_execution.mock.results import Refusal
from toucan_execution.mock.state import Account, Market, State
from toucan_execution.mock.triggers import would_trigger
from toucan_execution.mock.working import WorkingOrder
from toucan_execution.orders import OrderRequest, PositionSide, TimeInForce
from toucan_execution.outcome import Reason
from toucan_execution.preflight import MarketFacts, preflight
from toucan_instrument import Side, Violation
from toucan_instrument.decimals import plain

__all__ = [
    "check_account",
    "check_market",
    "check_reducing",
    "check_rules",
    "check_triggered",
    "rules_broken",
]

COUNTS = frozenset({"max_orders", "max_algo_orders", "max_account_algo_orders"})


def rules_broken(
    market: Market, request: OrderRequest, account: Account | None = None
) -> tuple[Violation, ...]:
    """Return the trading rules that an order breaks: the very ones that clients check before they send.

    The reference of percent-price rules is the last price on spot, the mark price on futures (facts C.3.2,
    C.3.3); where there is none, these rules are not checked.

    Args:
        market: Of the order.
        request: The order.
        account: Whose it is; None leaves out what depends on that.
    """
    facts = MarketFacts(reference_price=market.last if market.spot else market.mark)
    if account is not None:
        facts = msgspec.structs.replace(facts, **_facts_of(market, account))
    return preflight(msgspec.structs.replace(request, instrument=market.instrument), facts=facts)


def _facts_of(market: Market, account: Account) -> dict[str, object]:
    here, most = account.open_in.get(market, {}), account.settings.most_waiting
    waiting = 0 if most is None else sum(1 for each in account.open.values() if each.waiting)
    return {
        "open_orders": len(here),
        "open_algo_orders": sum(1 for each in here.values() if each.waiting),
        "account_algo_orders": waiting,
        "max_account_algo_orders": most,
        "base_held": _held(market, account) if market.rules.max_position is not None else None,
    }


def _held(market: Market, account: Account) -> Decimal:
    """Return what an account holds of the base asset, or may come to hold by its open orders."""
    base = market.instrument.base
    held = account.holds(base)
    for other, orders in account.open_in.items():
        if other.instrument.base == base:
            for each in orders.values():
                held = add(held, each.remaining) if each.buying else held
    return held


def check_rules(market: Market, request: OrderRequest, account: Account | None = None) -> None:
    """Refuse an order that breaks a trading rule."""
    broken = rules_broken(market, request, account)
    if broken:
        counted = any(each.rule in COUNTS for each in broken)
        reason = Reason.TOO_MANY_ORDERS if counted else Reason.FILTER
        raise Refusal(reason, "; ".join(map(str, broken)), violations=broken)


def check_triggered(market: Market, request: OrderRequest) -> None:
    """Refuse an order, now that it is triggered, whose limit is too far from the price."""
    if request.price is not None:
        reference = market.last if market.spot else market.mark
        broken = market.rules.check_price(request.price, side=request.side, reference=reference)
        if broken:
            raise Refusal(Reason.FILTER, "; ".join(map(str, broken)), violations=broken)


def check_market(state: State, order: WorkingOrder) -> None:
    """Refuse an order that the market does not take now."""
    market, request = order.market, order.request
    if not market.is_trading:
        raise Refusal(Reason.MARKET_CLOSED, f"{market.instrument} is {market.status.value}")
    least = state.now_ns + state.settings.least_good_till_ns
    if request.time_in_force is TimeInForce.GTD and (request.good_till_ns or 0) <= least:
        raise Refusal(Reason.PARAMETER, f"good_till_ns must lie beyond {least}")
    check_rules(market, request, order.account)
    if order.waiting and not order.pending and would_trigger(market, request):
        raise Refusal(Reason.WOULD_TRIGGER, "Order would trigger immediately.")


def check_account(state: State, account: Account, market: Market, order: WorkingOrder) -> None:
    """Refuse an order that this account cannot have."""
    request = order.request
    if not account.can_trade:
        raise Refusal(Reason.MARKET_CLOSED, "This account may not place or cancel orders.")
    earlier = account.find(market.instrument, client_order_id=request.client_order_id)
    if earlier is not None and earlier.is_open:
        raise Refusal(Reason.DUPLICATE_ID, "Duplicate order sent.")
    if state.settings.spot:
        return
    _check_side(account, request)
    if request.reduce_only and order.waiting:
        return  # looked at once it is triggered (facts D.2.4)
    if order.reducing and not order.waiting:
        check_reducing(account, market, order)


def check_reducing(account: Account, market: Market, order: WorkingOrder) -> None:
    """Refuse an order that may only reduce, and is larger than what there is to reduce."""
    holding = account.holdings.get((market.instrument, order.position_side))
    room = holding.room(buying=order.buying) if holding else ZERO
    if order.quantity is None or not room or order.quantity > room:
        asked = "" if order.quantity is None else f" of {plain(order.quantity)}"
        raise Refusal(
            Reason.REDUCE_ONLY, f"ReduceOnly Order{asked} is rejected: the position has {plain(room)}"
        )


def _check_side(account: Account, request: OrderRequest) -> None:
    hedged = account.mode is PositionMode.HEDGE
    if hedged != (request.position_side is not PositionSide.BOTH):
        raise Refusal(Reason.POSITION_SIDE, "Order's position side does not match user's setting.")
    if hedged and request.reduce_only:
        raise Refusal(Reason.PARAMETER, "reduce_only is not for hedge mode: the position side says it")
    if hedged and request.close_position:
        closes = Side.SELL if request.position_side is PositionSide.LONG else Side.BUY
        if request.side is not closes:
            raise Refusal(Reason.POSITION_SIDE, "that side would not close the position")
