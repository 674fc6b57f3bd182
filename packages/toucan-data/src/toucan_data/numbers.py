"""Exact numbers from texts, fast: for what comes a thousand times a second.

Making a `Decimal` costs more than all else that is done for a small event. Markets repeat their prices, a
Decimal cannot be changed, so the recent ones are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    MAX_EMAX,
    MAX_PREC,
    MIN_EMIN,
    Clamped,
    Context,
    Decimal,
    DecimalException,
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
    Underflow,
)
from typing import NoReturn

from toucan_instrument.errors import PayloadError

__all__ = ["KEPT", "all_finite", "exact", "finite", "keep", "optional", "refuse"]

LIMIT = 65_536
"""How many numbers are kept: some 10 MB at the most."""

KEPT: dict[str, Decimal] = {}
"""Recent numbers by their text, all of them finite; where one is missing, `keep` makes it."""

_EXACT = Context(
    prec=MAX_PREC,
    Emax=MAX_EMAX,
    Emin=MIN_EMIN,
    traps=[InvalidOperation, Inexact, Rounded, Overflow, Underflow, Clamped],
)

exact: Callable[[str], Decimal] = _EXACT.create_decimal
"""`Decimal(text)`, exact as that and faster; raises a DecimalException where it cannot be exact.

Spaces and underscores are errors here. NaN and infinity are not: whoever calls this looks for them, as
`finite` does. On the path of the most frequent events that is written out, as a call costs a third more.
"""


def refuse(text: str, what: str, error: DecimalException | None = None) -> NoReturn:
    """Say that a text is no finite number: what `exact` raised for it, or nothing if it is not finite.

    Raises:
        PayloadError: Always.
    """
    cause = "not finite" if error is None else "not a number"
    raise PayloadError(what, raw=text.encode(errors="replace"), cause=cause) from error


def finite(text: str, what: str = "a number") -> Decimal:
    """Make a number.

    Raises:
        PayloadError: The text is no finite number.
    """
    try:
        number = exact(text)
    except DecimalException as error:
        refuse(text, what, error)
    if not number.is_finite():
        refuse(text, what)
    return number


def keep(text: str) -> Decimal:
    """Make a number, and keep it.

    Raises:
        PayloadError: The text is no finite number.
    """
    number = finite(text)
    if len(KEPT) >= LIMIT:
        KEPT.clear()
    KEPT[text] = number
    return number


def all_finite(*numbers: Decimal | None) -> None:
    """Refuse NaN and infinity, which are Decimals to a decoder.

    Raises:
        PayloadError: One of the numbers is not finite.
    """
    for number in numbers:
        if number is not None and not number.is_finite():
            raise PayloadError("a number", raw=str(number).encode(), cause="not finite")


def optional(text: str | None, field: str) -> Decimal | None:
    """Make a number of a field that may be empty or left out, None then.

    Raises:
        PayloadError: The text is no finite number.
    """
    return finite(text, f"field {field}") if text else None
