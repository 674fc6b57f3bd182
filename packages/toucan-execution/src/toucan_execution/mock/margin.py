"""Margin of a futures account: what positions and open orders need, and what is left.

The initial margin of a position is its worth at the mark price by its leverage. Open orders need more only
as far as they could make the position larger: of an instrument's buys and sells the dearer side counts
(``max(abs(position + buys), abs(position - sells))``, all as worth). Orders that may only reduce, and
conditional orders that wait for their trigger (facts D.2.4), need nothing. Margins are rounded up.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec

from toucan_execution.mock.amounts import ZERO, add, exact, subtract, upward, worth
from toucan_execution.mock.state import Account, Market, State
from toucan_execution.mock.working import WorkingOrder
from toucan_execution.orders import PositionSide

__all__ = ["Exposure", "Margins", "expose", "exposure_of", "margins_of", "open_loss"]


NOTHING = Fraction(0)


class Margins(msgspec.Struct, frozen=True):
    """What an account's margin in an asset is used for.

    Attributes:
        wallet: All of it, without unrealised profit.
        cross_wallet: Less what isolated positions have of their own.
        unrealized: The unrealised profit of all positions.
        positions: The initial margin of positions.
        orders: The initial margin of open orders.
        available: What is left for new orders; below zero where losses have eaten it.
    """

    wallet: Decimal
    cross_wallet: Decimal
    unrealized: Decimal
    positions: Decimal
    orders: Decimal
    available: Decimal

    @property
    def initial(self) -> Decimal:
        """The initial margin of positions and orders together."""
        return add(self.positions, self.orders)


class Exposure(msgspec.Struct):
    """The worth of a position, and of the orders that could change it.

    Attributes:
        position: Below zero for a short one.
        buys: Of open buys.
        sells: Of open sells.
    """

    position: Fraction
    buys: Fraction
    sells: Fraction

    @property
    def largest(self) -> Fraction:
        """The largest worth that the position could have."""
        return max(abs(self.position + self.buys), abs(self.position - self.sells))


def exposure_of(
    account: Account, market: Market, side: PositionSide, *, without: WorkingOrder | None = None
) -> Exposure:
    """Return the exposure of a position and of its open orders, one of them left out where given."""
    instrument, mark = market.instrument, market.mark
    holding = account.holdings.get((instrument, side))
    position = worth(instrument, holding.quantity, mark) if holding and mark else NOTHING
    buys, sells = account.exposed.get((instrument, side), (NOTHING, NOTHING))
    found = Exposure(position, buys, sells)
    if without is not None and without.market is market and without.position_side is side:
        if without.buying:
            found.buys -= without.exposed
        else:
            found.sells -= without.exposed
    return found


def expose(order: WorkingOrder) -> None:
    """Make what an order counts for fit it again: its worth, while it may make a position larger."""
    price = order.price
    counts = order.working and not order.reducing and price is not None
    value = worth(order.market.instrument, order.remaining, price) if counts and price else NOTHING
    change = value - order.exposed
    if not change:
        return
    order.exposed = value
    key = (order.market.instrument, order.position_side)
    buys, sells = order.account.exposed.get(key, (NOTHING, NOTHING))
    changed = (buys + change, sells) if order.buying else (buys, sells + change)
    order.account.exposed[key] = changed


def margins_of(state: State, account: Account, asset: str, *, without: WorkingOrder | None = None) -> Margins:
    """Return what an account's margin in an asset is used for, one order left out where given."""
    wallet = account.holds(asset)
    cross, unrealized, cross_unrealized = wallet, ZERO, ZERO
    positions = orders = cross_needs = ZERO
    for market, side in _keys(state, account, asset):
        leverage = account.leverage_of(market.instrument)
        exposure = exposure_of(account, market, side, without=without)
        held = upward(abs(exposure.position) / leverage, market.digits)
        both = upward(exposure.largest / leverage, market.digits)
        holding = account.holding(market, side)
        profit = holding.unrealized(market.mark)
        unrealized = add(unrealized, profit)
        orders = add(orders, subtract(both, held))
        cross_needs = add(cross_needs, subtract(both, held))
        if market.instrument in account.isolated:
            cross = subtract(cross, holding.isolated)
            positions = add(positions, holding.isolated)
        else:
            positions = add(positions, held)
            cross_needs = add(cross_needs, held)
            cross_unrealized = add(cross_unrealized, profit)
    return Margins(
        wallet=wallet,
        cross_wallet=cross,
        unrealized=unrealized,
        positions=positions,
        orders=orders,
        available=subtract(add(cross, cross_unrealized), cross_needs),
    )


def _keys(state: State, account: Account, asset: str) -> list[tuple[Market, PositionSide]]:
    """Return the positions and orders that are margined with an asset, each position once."""
    keys = dict.fromkeys(
        key for key, holding in account.holdings.items() if holding.quantity or holding.isolated
    )
    keys |= dict.fromkeys(key for key, worths in account.exposed.items() if any(worths))
    found = [(state.market(instrument), side) for instrument, side in keys]
    return [(market, side) for market, side in found if market.settle == asset]


def open_loss(market: Market, *, buying: bool, quantity: Decimal, value: Fraction) -> Decimal:
    """Return what an order of a worth would lose at once if it were filled, at the mark price."""
    if market.mark is None:
        return ZERO
    at_mark = worth(market.instrument, quantity, market.mark)
    loss = value - at_mark if buying != market.instrument.inverse else at_mark - value
    loss = max(Fraction(0), loss)
    return upward(loss, market.digits) if market.instrument.inverse else exact(loss)
