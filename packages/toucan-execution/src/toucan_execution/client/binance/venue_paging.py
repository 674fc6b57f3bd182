"""Histories, page by page, until they are complete. Pure: conversations of calls.

The venue answers with at most so many rows, of at most so long a time, and does not always say whether a
full page lacks the oldest or the newest rows of its window. So a full page proves nothing: its window is
halved until every page has room to spare. What happened within one millisecond cannot be halved: such
windows go on by id.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from toucan_execution.call import Call, Conversation
from toucan_execution.client.binance.endpoints import History
from toucan_execution.errors import Incomplete
from toucan_instrument.errors import InvalidInput, ToucanError
from toucan_instrument.timestamps import from_ms

__all__ = [
    "ByIds",
    "Pages",
    "by_ids",
    "by_windows",
    "check_kept",
    "complete",
    "in_windows",
    "instant",
    "within",
]

T = TypeVar("T")


class Pages(Generic[T]):
    """What was fetched so far, and up to when it is complete.

    Args:
        key: What tells rows apart: pages may overlap.
        order: What rows are sorted by.
        until_ns: Up to when it is complete before anything was fetched, nanoseconds since the epoch.
    """

    def __init__(
        self, key: Callable[[T], Hashable], order: Callable[[T], tuple[int, int]], until_ns: int
    ) -> None:
        self.asked: int = 0
        """How many pages were fetched."""
        self.until_ns: int = until_ns
        """Up to when the rows are complete."""
        self.key: Callable[[T], Hashable] = key
        """What tells rows apart."""
        self._order = order
        self._rows: dict[Hashable, T] = {}

    def add(self, rows: list[T], until_ns: int) -> None:
        """Take rows, after which everything up to a time is there."""
        for row in rows:
            self._rows.setdefault(self.key(row), row)
        self.until_ns = max(self.until_ns, until_ns)

    def ask(self, call: Call[list[T]]) -> Conversation[list[T]]:
        """Fetch a page."""
        rows: list[T] = yield call
        self.asked += 1
        return rows

    @property
    def rows(self) -> list[T]:
        """All rows, sorted."""
        return sorted(self._rows.values(), key=self._order)


def complete(what: str, pages: Pages[T], steps: Conversation[None]) -> Conversation[list[T]]:
    """Fetch a history whole.

    Raises:
        Incomplete: An error came after something was fetched; an error at the first page is left as it is.
    """
    try:
        yield from steps
    except ToucanError as error:
        if not pages.asked:
            raise
        raise Incomplete(what, got=tuple(pages.rows), stopped_at_ns=pages.until_ns, error=error) from error
    return pages.rows


class ByIds(Generic[T]):
    """How a history goes on by id.

    Args:
        fetch: The call for the rows from an id on, in the order of their ids.
        id_of: The id of a row.
        page: How many rows a full page has.
        time_of: The time of a row, nanoseconds since the epoch; 0 where it is not known.
        shared: Whether two rows may have one id, so that a page may end between them.
    """

    def __init__(
        self,
        fetch: Callable[[int], Call[list[T]]],
        id_of: Callable[[T], int],
        page: int,
        time_of: Callable[[T], int],
        *,
        shared: bool = False,
    ) -> None:
        self.shared: bool = shared
        self.fetch: Callable[[int], Call[list[T]]] = fetch
        self.id_of: Callable[[T], int] = id_of
        self.page: int = page
        self.time_of: Callable[[T], int] = time_of


def by_ids(pages: Pages[T], ids: ByIds[T], first: int, until_ns: int | None = None) -> Conversation[None]:
    """Fetch all rows from an id on, up to a time (None: to the last).

    Each page is complete but for what happened in its last instant.
    """
    while True:
        rows = yield from pages.ask(ids.fetch(first))
        times = [ids.time_of(row) for row in rows]
        wanted = [row for row, time in zip(rows, times, strict=True) if until_ns is None or time <= until_ns]
        over = len(rows) < ids.page or len(wanted) < len(rows)
        last = max(times, default=0) - 1
        pages.add(wanted, last if until_ns is None else (until_ns if over else min(last, until_ns)))
        if over:
            return
        first = max(ids.id_of(row) for row in rows) + (0 if ids.shared else 1)


def by_windows(
    pages: Pages[T],
    fetch: Callable[[int, int], Call[list[T]]],
    window: tuple[int, int],
    page: int,
    overfull: Callable[[int, list[T]], Conversation[list[T]]],
) -> Conversation[list[T]]:
    """Fetch one window of time, which is not longer than the venue allows; return its rows.

    Args:
        pages: Takes the rows.
        fetch: The call for the rows from one time to another, milliseconds, both included.
        window: From when to when.
        page: How many rows a full page has.
        overfull: Fetches all rows of one millisecond, of which a full page is there.
    """
    found: list[T] = []
    left = [window]
    while left:
        start, end = left.pop()
        rows = yield from pages.ask(fetch(start, end))
        if len(rows) >= page and start < end:
            middle = (start + end) // 2
            left += [(middle + 1, end), (start, middle)]
            continue
        if len(rows) >= page:
            rows = yield from overfull(start, rows)
        found += rows
        pages.add(rows, from_ms(end + 1) - 1)
    return found


def instant(pages: Pages[T], ids: ByIds[T]) -> Callable[[int, list[T]], Conversation[list[T]]]:
    """Return what fetches all rows of one millisecond by id, where a page cannot hold them.

    It goes on after what was there before; where nothing was, from the least id of the full page on.
    """

    def overfull(at_ms: int, rows: list[T]) -> Conversation[list[T]]:
        before = [ids.id_of(row) for row in pages.rows]
        first = max(before) + 1 if before else min(ids.id_of(row) for row in rows)
        found: Pages[T] = Pages(pages.key, lambda row: (0, ids.id_of(row)), 0)
        yield from by_ids(found, ids, first, from_ms(at_ms + 1) - 1)
        pages.asked += found.asked
        return found.rows

    return overfull


def in_windows(
    pages: Pages[T],
    fetch: Callable[[int, int], Call[list[T]]],
    span: tuple[int, int],
    history: History,
    overfull: Callable[[int, list[T]], Conversation[list[T]]],
) -> Conversation[None]:
    """Fetch a span of time, window by window; both ends in milliseconds, and included."""
    start, end = span
    while start <= end:
        last = min(start + history.window_ms - 1, end)
        yield from by_windows(pages, fetch, (start, last), history.page, overfull)
        start = last + 1


def check_kept(what: str, span: tuple[int, int], history: History) -> None:
    """Refuse a span of which the venue certainly keeps but a part, without saying so.

    Raises:
        InvalidInput: It is longer than the venue keeps anything.
    """
    if history.kept_ms is not None and span[1] - span[0] > history.kept_ms:
        raise InvalidInput(
            f"the venue keeps {what} for 3 months",
            field="since_ns",
            value=from_ms(span[0]),
            accepted=f"{from_ms(span[1] - history.kept_ms)} or later",
        )


def within(
    rows: Conversation[list[T]], time_of: Callable[[T], int | None], since_ns: int, until_ns: int
) -> Conversation[list[T]]:
    """Leave out what lies before or after a span: the venue counts milliseconds."""
    found = yield from rows
    return [row for row in found if (time := time_of(row)) is None or since_ns <= time <= until_ns]
