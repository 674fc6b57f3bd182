"""Exact numbers: from texts, to texts, and onto the grid of a step."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from toucan_instrument.errors import InvalidInput

__all__ = ["EXACT", "decimal_of", "nearest", "on_step", "plain", "round_down", "round_up"]

EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)
"""Enough digits that sums and products of what `decimal_of` lets through are not rounded."""

MAGNITUDE = 40
"""No amount of anything has more digits than this before or after its point; ``1E+999999999`` would take
all memory as soon as it is written out or divided by a step."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")


def decimal_of(value: object, *, field: str = "value") -> Decimal:
    """Return an exact, finite number from a text, an int or a Decimal.

    Raises:
        InvalidInput: It is a float (whose digits are not those that were meant), no finite number, or
            beyond 40 digits before or after the point. Spaces, underscores and other scripts' digits are
            refused in texts.
    """
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, float):
        raise InvalidInput(
            "a float does not have the digits that you wrote",
            field=field,
            value=value,
            accepted=f'Decimal("{value}"), or the text "{value}"',
        )
    elif isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InvalidInput("that is no number", field=field, value=value, accepted="a Decimal or a text")
    elif isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise InvalidInput("that is no number", field=field, value=value, accepted='such as "0.001"')
    else:
        number = Decimal(value)
    if not number.is_finite():
        raise InvalidInput("that is not finite", field=field, value=value, accepted="a finite number")
    if not -MAGNITUDE <= number.adjusted() <= MAGNITUDE:
        raise InvalidInput(
            "no price or quantity is of that size",
            field=field,
            value=value,
            accepted=f"at most {MAGNITUDE} digits before and after the point",
        )
    return number


def plain(value: Decimal) -> str:
    """Return a number in plain notation with its digits as they are: never ``1E-7``."""
    return format(value, "f")


def _steps(value: Decimal | Fraction, step: Decimal, anchor: Decimal) -> Fraction:
    if step <= 0:
        raise InvalidInput("a step is above zero", field="step", value=step, accepted="above 0")
    return (Fraction(value) - Fraction(anchor)) / Fraction(step)


def _at(steps: int, step: Decimal, anchor: Decimal) -> Decimal:
    return EXACT.add(anchor, EXACT.multiply(Decimal(steps), step))


def on_step(value: Decimal | Fraction, step: Decimal, anchor: Decimal = Decimal(0)) -> bool:
    """Tell whether a number is a whole count of steps away from the anchor.

    Raises:
        InvalidInput: The step is not above zero.
    """
    return _steps(value, step, anchor).denominator == 1


def round_down(value: Decimal | Fraction, step: Decimal, anchor: Decimal = Decimal(0)) -> Decimal:
    """Return the greatest number on the grid that is not above `value`; exact.

    Raises:
        InvalidInput: The step is not above zero.
    """
    steps = _steps(value, step, anchor)
    return _at(steps.numerator // steps.denominator, step, anchor)


def round_up(value: Decimal | Fraction, step: Decimal, anchor: Decimal = Decimal(0)) -> Decimal:
    """Return the least number on the grid that is not below `value`; exact.

    Raises:
        InvalidInput: The step is not above zero.
    """
    steps = _steps(value, step, anchor)
    return _at(-(-steps.numerator // steps.denominator), step, anchor)


def nearest(value: Decimal | Fraction, step: Decimal, anchor: Decimal = Decimal(0)) -> Decimal:
    """Return the nearest number on the grid, the even count of steps where two are as near; exact.

    Raises:
        InvalidInput: The step is not above zero.
    """
    return _at(round(_steps(value, step, anchor)), step, anchor)
