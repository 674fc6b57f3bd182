"""Whether an account can pay for an order: balances on spot, margin on futures."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from toucan_execution.mock.amounts import ZERO, add, exact, subtract, upward, worth
from toucan_execution.mock.margin import exposure_of, margins_of, open_loss
from toucan_execution.mock.matching import Plan
from toucan_execution.mock.results import Refusal
from toucan_execution.mock.settings import FeesIn
from toucan_execution.mock.settling import Settling
from toucan_execution.mock.state import Account, Market, State
from toucan_execution.mock.working import WorkingOrder
from toucan_execution.outcome import Reason
from toucan_instrument import Violation

__all__ = ["check_cost", "check_lock", "check_margin", "largest_position"]

POOR = "Account has insufficient balance for requested action."


def check_lock(settling: Settling, order: WorkingOrder) -> None:
    """Refuse an order that cannot be paid while it rests or waits (spot)."""
    asset, amount = settling.group_need(order)
    if settling.free(order.account, asset) < subtract(amount, order.group.locked[1]):
        raise Refusal(Reason.INSUFFICIENT_BALANCE, POOR)


def check_cost(settling: Settling, order: WorkingOrder, plan: Plan) -> None:
    """Refuse an order that cannot be paid as it enters the market (spot)."""
    if not order.is_market:
        check_lock(settling, order)
        return
    instrument = order.market.instrument
    fees = order.account.fees_of(instrument)
    if order.buying:
        asset, cost = instrument.quote, plan.value
    else:
        asset, cost = instrument.base, Fraction(max(order.remaining, plan.filled))
    if fees.paid_in is (FeesIn.QUOTE if order.buying else FeesIn.BASE):
        cost += cost * Fraction(max(fees.taker, ZERO))
    if exact(cost) > settling.free(order.account, asset):
        raise Refusal(Reason.INSUFFICIENT_BALANCE, POOR)


def check_margin(state: State, order: WorkingOrder, plan: Plan) -> None:
    """Refuse an order that the margin does not carry (futures).

    What counts is the more that it needs as initial margin, what it would lose at once at the mark price,
    and its fee. An order that needs no more, since it makes the position smaller, is always carried.
    """
    account, market = order.account, order.market
    quantity, value = plan.filled, plan.value
    if order.rests and order.price is not None:
        rest = subtract(order.remaining, plan.filled)
        quantity, value = add(quantity, rest), value + worth(market.instrument, rest, order.price)
    exposure = exposure_of(account, market, order.position_side, without=order)
    before = exposure.largest
    if order.buying:
        exposure.buys += value
    else:
        exposure.sells += value
    if exposure.largest <= before:
        return
    more = upward((exposure.largest - before) / account.leverage_of(market.instrument), market.digits)
    loss = open_loss(market, buying=order.buying, quantity=quantity, value=value)
    fee = upward(value * Fraction(max(account.fees_of(market.instrument).taker, ZERO)), market.digits)
    if margins_of(state, account, market.settle, without=order).available < add(add(more, loss), fee):
        raise Refusal(Reason.INSUFFICIENT_BALANCE, "Margin is insufficient.")
    most = largest_position(account, market)
    if exposure.largest > most:
        broken = Violation("max_position", most, upward(exposure.largest, market.digits), None)
        message = "Exceeded the maximum allowable position at current leverage."
        raise Refusal(Reason.FILTER, message, violations=(broken,))


def largest_position(account: Account, market: Market, leverage: int | None = None) -> Decimal:
    """Return the largest worth of a position at a leverage, zero where no bracket allows it."""
    at = leverage or account.leverage_of(market.instrument)
    return max((each.cap for each in market.brackets if each.max_leverage >= at), default=ZERO)
