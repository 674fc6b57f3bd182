"""When a conditional order is triggered.

A stop triggers once the price has got worse (buying: at or above its trigger price), a take profit once it
has got better. A trailing stop follows the best price that it has seen and triggers once the price has come
back by so much. Where it has an activation price, it follows from there on: on futures from a better price
than the present one (facts D.2.4), on spot, where it is a stop with a trailing delta, from a worse one. A
stop or a take profit with a trailing delta (spot) follows from its trigger price on.
"""

from __future__ import annotations

from decimal import Decimal

from toucan_execution.mock.amounts import multiply
from toucan_execution.mock.state import Market
from toucan_execution.mock.working import WorkingOrder
from toucan_execution.orders import OrderRequest, OrderType, TriggerPrice
from toucan_instrument import Side

__all__ = ["observe", "too_far_apart", "watched_price", "would_trigger"]

BIPS = Decimal(10_000)
PER_BIP = Decimal("0.0001")
STOPS = frozenset({OrderType.STOP_MARKET, OrderType.STOP_LIMIT})


def watched_price(market: Market, request: OrderRequest) -> Decimal | None:
    """Return the price that an order watches, as it is now."""
    return market.mark if request.trigger_by is TriggerPrice.MARK else market.last


def would_trigger(market: Market, request: OrderRequest) -> bool:
    """Tell whether an order's trigger lies on the wrong side of the price."""
    price = watched_price(market, request)
    if price is None:
        return False
    if request.trigger_price is not None:
        return _reached(request, price)
    return request.activation_price is not None and _follows(market, request, price)


def _reached(request: OrderRequest, price: Decimal) -> bool:
    """Tell whether a price has reached the trigger price."""
    trigger = request.trigger_price
    if trigger is None:
        return False
    upward = (request.type in STOPS) == (request.side is Side.BUY)
    return price >= trigger if upward else price <= trigger


def observe(order: WorkingOrder, price: Decimal) -> bool:
    """Show an order a price that it watches; return whether it is triggered by it."""
    request = order.request
    if request.trailing_bips is None:
        return _reached(request, price)
    if order.trailing_from is None:
        if not _follows(order.market, request, price):
            return False
        order.trailing_from = price
        return False
    if request.side is Side.BUY:
        order.trailing_from = min(order.trailing_from, price)
        back = multiply(order.trailing_from, (BIPS + request.trailing_bips) * PER_BIP)
        return price >= back
    order.trailing_from = max(order.trailing_from, price)
    return price <= multiply(order.trailing_from, (BIPS - request.trailing_bips) * PER_BIP)


def _follows(market: Market, request: OrderRequest, price: Decimal) -> bool:
    """Tell whether a trailing order begins to follow at a price."""
    if request.trigger_price is not None:
        return _reached(request, price)
    if request.activation_price is None:
        return True
    upward = (request.side is Side.BUY) == market.spot
    return price >= request.activation_price if upward else price <= request.activation_price


def too_far_apart(market: Market, limit: Decimal) -> bool:
    """Tell whether last and mark price differ by more than a part of the mark price."""
    if market.last is None or market.marked is None:
        return False
    return abs(market.last - market.marked) > multiply(market.marked, limit)
