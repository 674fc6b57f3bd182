"""The windows of time that histories are asked for, and how many rows of them are given (D.2.5, D.2.10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from toucan_execution.testing.sandbox.endpoint import Ask
from toucan_execution.testing.sandbox.futures_errors import refuse
from toucan_execution.testing.sandbox.futures_rows import MILLI
from toucan_execution.testing.sandbox.params import Params, Span

__all__ = ["DAY_MS", "KEPT_DAYS", "newest", "rows_of", "window_of"]

T = TypeVar("T")

DAY_MS = 86_400_000
HOURS = 24
KEPT_DAYS = 92
"""Three months, the longest that three can be."""


def window_of(
    ask: Ask, params: Params, *, days: int | None, usual_days: int = 7, kept_days: int | None = None
) -> Span:
    """Return the window that a request is about.

    Args:
        ask: The request.
        params: What it says.
        days: How long it may be at most, None for any length.
        usual_days: How long it is where neither end is said.
        kept_days: How far back it may begin, None for any time.

    Raises:
        ApiError: It is too long, too long ago, or ends before it begins.
    """
    begin, end = params.integer("startTime"), params.integer("endTime")
    if begin is not None and end is not None:
        if begin > end:
            raise refuse(-1130, "startTime")
        if days is not None and end - begin > days * DAY_MS:
            raise refuse(-1127, days * HOURS)
    if kept_days is not None and begin is not None and begin < ask.now_ms - kept_days * DAY_MS:
        raise refuse(-4166, kept_days)
    length = (days or usual_days) * DAY_MS
    from_start = begin is not None
    if end is None:
        end = begin + length if begin is not None and days is not None else ask.now_ms
    if begin is None:
        begin = end - min(length, usual_days * DAY_MS)
    return Span(begin * MILLI, end * MILLI + MILLI - 1, from_start)


def newest(rows: Sequence[T], limit: int) -> Sequence[T]:
    """Return the last rows."""
    return rows[max(0, len(rows) - limit) :]


def rows_of(rows: Sequence[T], limit: int, *, from_start: bool) -> Sequence[T]:
    """Return the rows that are given where there may be too many, in their order."""
    return rows[:limit] if from_start else newest(rows, limit)
