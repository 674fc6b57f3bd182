"""Reading a venue's list of instruments row by row: one that is broken costs itself and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from toucan_instrument.instrument import Instrument

__all__ = ["UNREADABLE", "each_row"]

UNREADABLE = (ValueError, ArithmeticError, RecursionError)
"""What reading a row may raise for what it holds."""

_ANY = msgspec.json.Decoder(dict[str, Any])


def each_row(
    rows: Iterable[tuple[str, msgspec.Raw]],
    read: Callable[[msgspec.Raw], Instrument | None],
    *,
    named: Sequence[str] = ("symbol",),
) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
    """Return the instruments of a list, and the rows that could not be read with the reason.

    Args:
        rows: The name of each row, empty where it stands in the row, and the row.
        read: Reads a row; None where it is of no instrument.
        named: Where a row has its name, the first that is there.
    """
    instruments: list[Instrument] = []
    skipped: list[tuple[str, str]] = []
    for name, raw in rows:
        try:
            instrument = read(raw)
            str(instrument)  # a date that no calendar has is found here, not where the name is needed
        except UNREADABLE as error:
            skipped.append((name or _name(raw, named), str(error)))
        else:
            if instrument is not None:
                instruments.append(instrument)
    return instruments, tuple(skipped)


def _name(raw: msgspec.Raw, named: Sequence[str]) -> str:
    try:
        row = _ANY.decode(raw)
    except (ValueError, RecursionError):
        return ""
    return next((str(row[field]) for field in named if row.get(field)), "")
