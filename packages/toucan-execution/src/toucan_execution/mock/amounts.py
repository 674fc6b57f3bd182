"""Amounts of money: sums and products that are never rounded, and the few roundings, each with its rule.

An amount is rounded only where a division or a rate makes digits that nobody can pay: a fee towards zero
(as the venue does, facts D.3.2), the profit of an inverse contract half to even, a margin up. The digits
are the asset's own.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import ceil

from toucan_instrument import Instrument
from toucan_instrument.decimals import EXACT

__all__ = [
    "ZERO",
    "add",
    "exact",
    "half_even",
    "multiply",
    "quotient",
    "subtract",
    "toward_zero",
    "upward",
    "worth",
]

ZERO = Decimal(0)
SHOWN = Context(prec=20, rounding=ROUND_HALF_EVEN)
"""How average prices are shown: the exact amounts behind them are kept."""

_Sum = Callable[[Decimal, Decimal], Decimal]

add: _Sum = EXACT.add
subtract: _Sum = EXACT.subtract
multiply: _Sum = EXACT.multiply


def _at(units: int, digits: int) -> Decimal:
    return EXACT.scaleb(Decimal(units), -digits)


def exact(value: Fraction) -> Decimal:
    """Return a sum of products of decimal numbers as it is: its denominator divides a power of ten."""
    digits, denominator = 0, value.denominator
    while 10**digits % denominator:
        digits += 1
    return _at(value.numerator * 10**digits // denominator, digits)


def half_even(value: Fraction | Decimal, digits: int) -> Decimal:
    """Return the nearest amount with so many digits, the even one of two that are as near."""
    return _at(round(Fraction(value) * 10**digits), digits)


def toward_zero(value: Fraction | Decimal, digits: int) -> Decimal:
    """Return an amount with what is beyond its digits cut off."""
    return _at(int(Fraction(value) * 10**digits), digits)


def upward(value: Fraction | Decimal, digits: int) -> Decimal:
    """Return the least amount with so many digits that is not below a value."""
    return _at(ceil(Fraction(value) * 10**digits), digits)


def quotient(value: Fraction | Decimal, by: Fraction | Decimal) -> Decimal:
    """Return a quotient to be shown, such as an average price: 20 significant digits, half to even."""
    ratio = Fraction(value) / Fraction(by)
    return SHOWN.divide(Decimal(ratio.numerator), Decimal(ratio.denominator))


def worth(instrument: Instrument, quantity: Decimal, price: Decimal) -> Fraction:
    """Return what a quantity is worth, exactly: in the quote asset, or of inverse contracts in the base."""
    sized = Fraction(quantity) * Fraction(instrument.contract_size)
    return sized / Fraction(price) if instrument.inverse else sized * Fraction(price)
