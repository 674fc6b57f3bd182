"""Values as people and other programs read them: on one line, as a plain dict, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from toucan_instrument.instrument import Instrument

__all__ = ["Plain", "one_line", "plain_dict"]

SHOWN_ITEMS = 3
SHOWN_BYTES = 200


class Plain(msgspec.Struct, frozen=True, gc=False):
    """Base of what is handed to a user: events, status values, balances, orders."""

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dict: texts for exact numbers and symbols, ints for times, lists for sequences."""
        return plain_dict(self)

    def to_json(self) -> bytes:
        """Return `to_dict` as one line of JSON, UTF-8."""
        return msgspec.json.encode(plain_dict(self))

    def __repr__(self) -> str:
        """Show it on one line, long sequences cut short."""
        return one_line(self)


def plain_dict(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as a plain dict that names its type first."""
    plain: dict[str, Any] = {"type": type(value).__name__}
    for name in value.__struct_fields__:
        plain[name] = _plain(getattr(value, name))
        if name == "instrument" and isinstance(instrument := getattr(value, name), Instrument):
            plain["symbol"] = instrument.symbol
    return plain


def _plain(value: object) -> object:
    if isinstance(value, Instrument):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, msgspec.Struct):
        return plain_dict(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def one_line(value: msgspec.Struct) -> str:
    """Return a struct on one line: numbers as they are, long sequences cut short."""
    shown = [f"{name}={_short(getattr(value, name))}" for name in value.__struct_fields__]
    return f"{type(value).__name__}({', '.join(shown)})"


def _short(value: object) -> str:
    if isinstance(value, (Instrument, Enum)):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (list, tuple)) and len(value) > SHOWN_ITEMS:
        return f"[{', '.join(map(_short, value[:SHOWN_ITEMS]))}, … {len(value)} in all]"
    if isinstance(value, bytes) and len(value) > SHOWN_BYTES:
        return f"{value[:SHOWN_BYTES]!r}… {len(value)} in all"
    return repr(value)
