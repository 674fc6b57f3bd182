"""How numbers, ids and flags are written in Binance's parameters; its words are in `words`.

Exact numbers are texts in plain notation, never with an exponent (facts C.1: ``1e-05`` is refused); ids are
whole numbers; flags of the futures are the texts ``true`` and ``false`` (facts D.2.3).
"""

from __future__ import annotations

from decimal import Decimal

from toucan_execution.call import Params, Value
from toucan_instrument.decimals import decimal_of, plain
from toucan_instrument.errors import InvalidInput

__all__ = ["flag", "given", "id_param", "milliseconds", "percent", "text"]


def text(value: Decimal, field: str) -> str:
    """Return an exact number as it is sent: its own digits, in plain notation.

    Raises:
        InvalidInput: It is a float, or not finite.
    """
    return plain(decimal_of(value, field=field))


def percent(bips: int) -> str:
    """Return hundredths of a percent as percent: 100 is ``1``, 15 is ``0.15``."""
    return plain(Decimal(bips).scaleb(-2).normalize())


def milliseconds(time_ns: int) -> int:
    """Return a time as the venue counts it; what is finer is cut."""
    return time_ns // 1_000_000


def flag(value: bool) -> str:  # noqa: FBT001 - it is the value
    """Return a flag as the futures write it."""
    return "true" if value else "false"


def id_param(name: str, order_id: str, *, field: str = "order_id") -> tuple[str, Value]:
    """Return a venue's id as a parameter: a whole number.

    Raises:
        InvalidInput: It is none.
    """
    if not (isinstance(order_id, str) and order_id.isascii() and order_id.isdigit()):
        raise InvalidInput(
            "the venue's ids are whole numbers", field=field, value=order_id, accepted='such as "28"'
        )
    return name, int(order_id)


def given(*pairs: tuple[str, Value | None]) -> Params:
    """Return the parameters that have a value."""
    return tuple((name, value) for name, value in pairs if value is not None)
