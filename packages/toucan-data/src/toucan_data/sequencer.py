"""Keeping one book in step with its venue: snapshot, deltas, and what to do when they do not fit.

A `BookSync` is pure: it takes what arrived, changes its `OrderBook`, hands events and status values to
the callables that it was made with, and asks for a snapshot when it needs one. The rules are those of
facts B.1, in one shape for every venue that numbers its updates:

- each delta says which id it follows: `prior` (``U - 1`` on spot, ``pu`` on the futures);
- in step, the next delta must follow the last one exactly;
- a delta that is not newer than what the book holds is a repetition, and harmless;
- the first delta after a snapshot must reach over it: ``prior <= snapshot id``. A snapshot older than
  that is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

import msgspec

from toucan_data.book import BookState, OrderBook
from toucan_data.events import LevelText, OrderBookL2Snapshot, OrderBookL2Update
from toucan_data.kinds import BookEvent
from toucan_data.status import Gap, Resynced, SnapshotFailed, Status
from toucan_instrument import Instrument

__all__ = ["BookSnapshot", "BookSync", "Delta"]

CROSSED_AGAIN_NS = 30_000_000_000
"""A book that is crossed again within this time of a resync for that reason is left to its reader."""
NOWHERE = -1 << 62
"""What the next delta must follow while a book is not in step: no venue counts down to there."""
BUFFER_LIMIT = 20_000
"""Deltas kept while a snapshot is awaited; beyond it the oldest cannot be needed any more."""


class BookSnapshot(msgspec.Struct, frozen=True, gc=False):
    """A book as REST gives it.

    Attributes:
        last_update_id: The id of the last change that it includes.
        bids: ``(price, quantity)`` texts.
        asks: ``(price, quantity)`` texts.
        time_exchange: The venue's time of it, nanoseconds, None where it gives none.
        limit: The depth that was asked for; a side of that many levels was cut off there.
    """

    last_update_id: int
    bids: Sequence[LevelText]
    asks: Sequence[LevelText]
    time_exchange: int | None = None
    limit: int | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    """One delta, as it is kept while a snapshot is awaited."""

    first: int
    last: int
    previous: int | None
    bids: Sequence[LevelText]
    asks: Sequence[LevelText]
    time_exchange: int | None
    time_received: int


class _Phase(Enum):
    DOWN = "down"
    SYNCING = "syncing"
    LIVE = "live"


class BookSync:
    """One maintained book.

    Attributes:
        book: The book.
        sinks: Where events go; empty where nobody reads them.
        watchers: Called with the book after every change of it or of its state.
        epoch: Grows with every connection and break: a snapshot asked for in an earlier one is no use.
        attempts: Snapshots asked for in vain since the book was last in step.
        repetitions: Deltas that came again.
    """

    __slots__ = (
        "_anchoring",
        "_buffer",
        "_crossed_at",
        "_gap_from",
        "_had_sync",
        "_kind",
        "_last",
        "_phase",
        "_report",
        "_want_snapshot",
        "attempts",
        "book",
        "drop_equal",
        "epoch",
        "repetitions",
        "sinks",
        "watchers",
    )

    def __init__(
        self,
        instrument: Instrument,
        *,
        kind: str,
        drop_equal: bool,
        sinks: list[Callable[[BookEvent], None]],
        report: Callable[[Status], None],
        want_snapshot: Callable[[BookSync], None],
    ) -> None:
        """Make a book that is not in step yet.

        Args:
            instrument: Of what.
            kind: The kind's text, for status values.
            drop_equal: Whether a delta that ends at the snapshot's own id is dropped (spot) or applied
                (futures), facts B.1.
            sinks: Where events go; the list may change while it is in use.
            report: Takes status values.
            want_snapshot: Asks for a snapshot; it is given to `snapshot`, or its failure to `failed`.
        """
        self.book: OrderBook = OrderBook(instrument)
        self.sinks: list[Callable[[BookEvent], None]] = sinks
        self.watchers: list[Callable[[OrderBook], None]] = []
        self.drop_equal: bool = drop_equal
        self.epoch: int = 0
        self.attempts: int = 0
        self.repetitions: int = 0
        self._kind = kind
        self._report = report
        self._want_snapshot = want_snapshot
        self._phase = _Phase.DOWN
        # The id that the next delta must follow. `NOWHERE` while not in step, so that one comparison on
        # the path of every delta tells both.
        self._last = NOWHERE
        self._anchoring = False
        self._buffer: list[Delta] = []
        self._gap_from: int | None = None
        self._had_sync = False
        self._crossed_at: int | None = None

    # What a connection says.

    def connected(self, now_utc: int) -> None:
        """Note that the stream of deltas has been acknowledged: from here on none may be missing."""
        del now_utc
        if self._phase is _Phase.DOWN:
            self._begin()

    def disconnected(self, now_utc: int, reason: str = "disconnected") -> None:
        """Note that the connection is gone: the book shows the past."""
        if self._phase is _Phase.LIVE:
            self._gap(now_utc, self._last + 1, None, reason)
        self._phase = _Phase.DOWN
        self._last = NOWHERE
        self._buffer.clear()
        self.epoch += 1
        self._set_state(BookState.DISCONNECTED)

    # What arrives.

    def delta(
        self,
        first: int,
        last: int,
        previous: int | None,
        bids: Sequence[LevelText],
        asks: Sequence[LevelText],
        time_exchange: int | None,
        time_received: int,
    ) -> None:
        """Take one delta: apply it if it is the next one, else decide what it means."""
        prior = first - 1 if previous is None else previous
        if prior != self._last:
            self._irregular(Delta(first, last, previous, bids, asks, time_exchange, time_received), prior)
            return
        self._apply(first, last, previous, bids, asks, time_exchange, time_received)

    def _apply(
        self,
        first: int,
        last: int,
        previous: int | None,
        bids: Sequence[LevelText],
        asks: Sequence[LevelText],
        time_exchange: int | None,
        time_received: int,
    ) -> None:
        book = self.book
        try:
            best_bid, best_ask = book.apply(bids, asks)
        except (ValueError, ArithmeticError):
            book.discard()
            self._break(time_received, self._last + 1, last, "unreadable")
            return
        self._last = book.last_update_id = last
        self._anchoring = False
        book.time_exchange = time_exchange
        book.time_received = time_received
        if book.looks_crossed() and self._crossed(time_received, first if previous is None else previous + 1):
            return
        if self.sinks:
            event = OrderBookL2Update(
                book.instrument.exchange,
                book.instrument,
                time_exchange,
                time_received,
                first,
                last,
                previous,
                bids,
                asks,
                best_bid,
                best_ask,
            )
            for sink in self.sinks:
                sink(event)
        for watch in self.watchers:
            watch(book)

    def _irregular(self, delta: Delta, prior: int) -> None:
        """Take a delta that does not follow the last one."""
        if self._phase is not _Phase.LIVE:
            if self._phase is _Phase.DOWN:  # the first frames can overtake the acknowledgement
                self._begin()
            self._buffer.append(delta)
            if len(self._buffer) > BUFFER_LIMIT:
                del self._buffer[: BUFFER_LIMIT // 2]
            return
        if self._anchoring:
            if delta.last < self._last or (self.drop_equal and delta.last == self._last):
                return
            if prior <= self._last:
                self._apply(
                    delta.first,
                    delta.last,
                    delta.previous,
                    delta.bids,
                    delta.asks,
                    delta.time_exchange,
                    delta.time_received,
                )
                return
        elif delta.last <= self._last:
            self.repetitions += 1
            return
        # A delta that reaches back before the last one cannot belong to this sequence: what is missing
        # is not known then.
        known = prior > self._last
        first, last = (self._last + 1, prior) if known else (None, None)
        self._gap_from = self._last + 1  # for `Resynced`: from there on nothing is delivered
        self._break(delta.time_received, first, last, "sequence")
        self._buffer.append(delta)

    def snapshot(self, snapshot: BookSnapshot, epoch: int, now_utc: int) -> str:
        """Take a snapshot that was asked for in `epoch`.

        Returns:
            An empty text, or why it is of no use; then another one is wanted.
        """
        if self._phase is not _Phase.SYNCING or epoch != self.epoch:
            return "" if self._phase is _Phase.LIVE or self._phase is _Phase.DOWN else "overtaken"
        last = snapshot.last_update_id
        buffer = [
            delta
            for delta in self._buffer
            if not (delta.last < last or (self.drop_equal and delta.last == last))
        ]
        if buffer:
            prior = buffer[0].first - 1 if buffer[0].previous is None else buffer[0].previous
            if prior > last:
                self._buffer = buffer
                return f"the snapshot ends at {last}, but the deltas begin after {prior}"
        book = self.book
        try:
            book.load(snapshot.bids, snapshot.asks, cut_to=snapshot.limit)
        except (ValueError, ArithmeticError) as error:
            return f"the snapshot cannot be read: {error}"
        self._buffer = []
        self._phase = _Phase.LIVE
        self._anchoring = True
        self.attempts = 0
        self._last = book.last_update_id = last
        book.time_exchange = snapshot.time_exchange
        book.time_received = now_utc
        if self._had_sync:
            lost_from = self._gap_from
            lost = lost_from is not None and lost_from <= last
            self._report(
                Resynced(
                    at_ns=now_utc,
                    exchange=book.instrument.exchange,
                    instrument=book.instrument,
                    kind=self._kind,
                    first_missing=lost_from if lost else None,
                    last_missing=last if lost else None,
                )
            )
        self._had_sync = True
        self._gap_from = None
        if self.sinks:
            bids, asks = book.texts(allow_stale=True)
            event = OrderBookL2Snapshot(
                book.instrument.exchange,
                book.instrument,
                snapshot.time_exchange,
                now_utc,
                last,
                bids,
                asks,
            )
            for sink in self.sinks:
                sink(event)
        self._set_state(BookState.SYNCED)
        for delta in buffer:
            self.delta(
                delta.first,
                delta.last,
                delta.previous,
                delta.bids,
                delta.asks,
                delta.time_exchange,
                delta.time_received,
            )
        return ""

    def failed(self, reason: str, delay_ns: int, now_utc: int) -> None:
        """Note that a snapshot was of no use or could not be had, and is asked for again."""
        self.attempts += 1
        self._report(
            SnapshotFailed(
                at_ns=now_utc,
                exchange=self.book.instrument.exchange,
                instrument=self.book.instrument,
                reason=reason,
                delay_ns=delay_ns,
            )
        )

    @property
    def live(self) -> bool:
        """Whether the book is in step."""
        return self._phase is _Phase.LIVE

    @property
    def waiting(self) -> bool:
        """Whether a snapshot is awaited."""
        return self._phase is _Phase.SYNCING

    def _begin(self) -> None:
        self._phase = _Phase.SYNCING
        self._last = NOWHERE
        self.epoch += 1
        self._set_state(BookState.SYNCING)
        self._want_snapshot(self)

    def _break(self, now_utc: int, first: int | None, last: int | None, reason: str) -> None:
        self._gap(now_utc, first, last, reason)
        self._buffer.clear()
        self._begin()

    def _crossed(self, now_utc: int, since: int) -> bool:
        """Resynchronise a crossed book, unless that has just been tried: then it is the venue's own.

        What crossed it, from the id `since` on, is not delivered.
        """
        before, self._crossed_at = self._crossed_at, now_utc
        if before is not None and now_utc - before < CROSSED_AGAIN_NS:
            return False
        self._gap_from = since
        self._break(now_utc, None, None, "crossed book")
        return True

    def _gap(self, now_utc: int, first: int | None, last: int | None, reason: str) -> None:
        if self._gap_from is None:
            self._gap_from = first
        self._report(
            Gap(
                at_ns=now_utc,
                exchange=self.book.instrument.exchange,
                instrument=self.book.instrument,
                kind=self._kind,
                first_missing=first,
                last_missing=last,
                reason=reason,
            )
        )

    def _set_state(self, state: BookState) -> None:
        self.book.state = state
        for watch in self.watchers:
            watch(self.book)
