"""The windows of time that histories are asked for, and how many rows of them are given (D.2.5, D.2.10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from toucan_execution.testing.sandbox.endpoint import Ask
from toucan_execution.testing.sandbox.futures_errors import refuse
from toucan_execution.testing.sandbox.futures_rows import MILLI
from toucan_execution.testing.sandbox.params import Params

__all__ = ["DAY_MS", "KEPT_DAYS", "Window", "newest", "rows_of", "window_of"]

T = TypeVar("T")

DAY_MS = 86_400_000
HOURS = 24
KEPT_DAYS = 92
"""Three months, the longest that three can be."""


class Window(NamedTuple):
    """A window of time.

    Attributes:
        since_ns: It begins here.
        until_ns: And ends here, this moment included.
        from_begin: Whether its first rows are wanted where there are too many, else its last.
    """

    since_ns: int
    until_ns: int
    from_begin: bool

    def has(self, time_ns: int) -> bool:
        """Tell whether a moment lies within."""
        return self.since_ns <= time_ns <= self.until_ns


def window_of(
    ask: Ask, params: Params, *, days: int | None, usual_days: int = 7, kept_days: int | None = None
) -> Window:
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
    from_begin = begin is not None
    if end is None:
        end = begin + length if begin is not None and days is not None else ask.now_ms
    if begin is None:
        begin = end - min(length, usual_days * DAY_MS)
    return Window(begin * MILLI, end * MILLI + MILLI - 1, from_begin)


def newest(rows: Sequence[T], limit: int) -> Sequence[T]:
    """Return the last rows."""
    return rows[max(0, len(rows) - limit) :]


def rows_of(rows: Sequence[T], limit: int, *, from_begin: bool) -> Sequence[T]:
    """Return the rows that are given where there may be too many, in their order."""
    return rows[:limit] if from_begin else newest(rows, limit)
