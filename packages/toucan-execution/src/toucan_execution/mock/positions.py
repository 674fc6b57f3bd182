"""A position: how much is held, and exactly what it cost.

Linear contracts: the cost is a sum of products, kept to the last digit. A part of a position that is closed
takes its share of the cost with it; where that share does not come out even, it is rounded half to even at
the asset's digits (at the cost's own where those are more) and the rest stays in the cost: over the life
of a position, realised profit is what was sold less what was bought, exactly.

Inverse contracts: the cost is a sum of quotients, kept as an exact fraction; the profit of each closing
fill is rounded once, half to even, at the asset's digits.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from toucan_execution.mock.amounts import ZERO, add, exact, half_even, multiply, quotient, subtract, worth
from toucan_execution.orders import PositionSide
from toucan_instrument import Instrument

__all__ = ["Holding"]

WIDEST = 4096
"""Fractions grow with every fill: beyond so many bits they are rounded to `FINE` decimals."""
FINE = 200


class Holding:
    """A position that changes.

    Attributes:
        instrument: Of what.
        side: BOTH in one-way mode, else LONG or SHORT.
        quantity: How much, below zero for a short one.
        cost: What it cost: below zero for a short one; in the quote asset, inverse in the base asset.
        realized: What was realised so far, without fees.
        isolated: The margin of its own that it has been given.
        updated_ns: When it last changed.
    """

    __slots__ = ("cost", "digits", "instrument", "isolated", "quantity", "realized", "side", "updated_ns")

    def __init__(self, instrument: Instrument, side: PositionSide, digits: int) -> None:
        self.instrument: Instrument = instrument
        self.side: PositionSide = side
        self.digits: int = digits
        self.quantity: Decimal = ZERO
        self.cost: Fraction = Fraction(0)
        self.realized: Decimal = ZERO
        self.isolated: Decimal = ZERO
        self.updated_ns: int | None = None

    def fill(self, signed: Decimal, price: Decimal) -> Decimal:
        """Buy (or, below zero, sell) at a price; return the profit that this realises."""
        against = (signed < 0) != (self.quantity < 0) and self.quantity != 0
        closing = min(abs(signed), abs(self.quantity)) if against else ZERO
        profit = self._close(closing, price) if closing else ZERO
        opening = signed.copy_abs() if not closing else subtract(signed.copy_abs(), closing)
        if opening:
            opened = opening if signed > 0 else opening.copy_negate()
            self.cost += worth(self.instrument, opened, price)
            self.quantity = add(self.quantity, opened)
            if self.cost.denominator.bit_length() > WIDEST:
                self.cost = Fraction(round(self.cost * 10**FINE), 10**FINE)
        self.realized = add(self.realized, profit)
        return profit

    def _close(self, closing: Decimal, price: Decimal) -> Decimal:
        signed = closing if self.quantity > 0 else closing.copy_negate()
        share = self.cost * Fraction(signed) / Fraction(self.quantity)
        value = worth(self.instrument, signed, price)
        self.quantity = subtract(self.quantity, signed)
        if self.instrument.inverse:
            self.cost -= share
            return half_even(share - value, self.digits)
        if self.quantity:
            share = Fraction(half_even(share, self._fine(self.cost)))
        self.cost -= share
        return exact(value - share)

    def _fine(self, cost: Fraction) -> int:
        """Return the digits at which a share of the cost is rounded."""
        exponent = exact(cost).as_tuple().exponent
        return max(self.digits, -exponent if isinstance(exponent, int) else 0)

    def unrealized(self, mark: Decimal | None) -> Decimal:
        """Return the profit that closing it at the mark price would realise."""
        if mark is None or not self.quantity:
            return ZERO
        value = worth(self.instrument, self.quantity, mark)
        if self.instrument.inverse:
            return half_even(self.cost - value, self.digits)
        return exact(value - self.cost)

    @property
    def entry_price(self) -> Decimal | None:
        """The average price, to be shown; None where it is flat."""
        if not self.quantity or not self.cost:
            return None
        sized = Fraction(multiply(self.quantity, self.instrument.contract_size))
        return quotient(sized, self.cost) if self.instrument.inverse else quotient(self.cost, sized)

    def room(self, *, buying: bool) -> Decimal:
        """Return how much an order of that side may fill before the position is flat."""
        if self.quantity == 0 or (self.quantity < 0) != buying:
            return ZERO
        return self.quantity.copy_abs()
