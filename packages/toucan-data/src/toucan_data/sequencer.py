"""Keeping one book in step with its venue: snapshot, deltas, and what to do when they do not fit.

A `BookSync` is pure: it takes what arrived, changes its `OrderBook`, hands events and status values to
the callables that it was made with, and asks for a snapshot when it needs one: over REST, or by having its
stream subscribed anew (`BookRule.snapshots`). What holds for every venue:

- a delta that says which id it follows (`delta`: `first` less one, or `previous`) must follow the last one
  exactly, once the book is in step;
- one that is not newer than what the book holds is a repetition, and harmless;
- the first delta after a snapshot of REST must reach over it: ``prior <= snapshot id``. A snapshot older
  than that is asked for again;
- a snapshot on the stream replaces the book whenever it comes, and is told as `Resynced`;
- deltas without numbers (`change`) are believed, so far as a checksum does not tell otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from msgspec.structs import astuple

from toucan_data.book import BookState, OrderBook
from toucan_data.bookrule import BookRule, BookSnapshot, Delta, Snapshots
from toucan_data.events import LevelText, OrderBookL2Snapshot, OrderBookL2Update
from toucan_data.kinds import BookEvent
from toucan_data.status import Gap, Resynced, SnapshotFailed, Status
from toucan_instrument import Instrument

__all__ = ["BookRule", "BookSnapshot", "BookSync", "Delta", "Snapshots"]

CROSSED_AGAIN_NS = 30_000_000_000
"""A book that is crossed again within this time of a resync for that reason is left to its reader."""
NOWHERE = -1 << 62
"""What the next delta must follow while a book is not in step: no venue counts down to there."""
BUFFER_LIMIT = 20_000
"""Deltas kept while a snapshot is awaited; beyond it the oldest cannot be needed any more."""
RESTART = 10_000
"""A delta that ends this far behind is no repetition: the venue has begun to count anew."""
CALM_NS = 60_000_000_000
"""A book that was in step for so long before it broke is mended at once, others a little later each time."""


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
        rule: How the venue's book is kept.
        epoch: Grows with every connection and break: a snapshot asked for in an earlier one is no use.
        attempts: Snapshots asked for in vain since the book was last in step; for snapshots on the stream,
            breaks in short order.
        repetitions: Deltas that came again.
        renew: Has the stream subscribed anew, set by the session of the connection that carries it.
        keep_all: Whether deltas are given out though the book is not in step, as a recording is read.
    """

    __slots__ = (
        "_anchoring",
        "_broke_at",
        "_buffer",
        "_crossed_at",
        "_fresh",
        "_gap_from",
        "_had_sync",
        "_kind",
        "_last",
        "_phase",
        "_report",
        "_want_snapshot",
        "attempts",
        "book",
        "epoch",
        "keep_all",
        "renew",
        "repetitions",
        "rule",
        "sinks",
        "watchers",
    )

    def __init__(
        self,
        instrument: Instrument,
        *,
        kind: str | Callable[[], str],
        rule: BookRule,
        sinks: list[Callable[[BookEvent], None]],
        report: Callable[[Status], None],
        want_snapshot: Callable[[BookSync], None],
    ) -> None:
        """Make a book that is not in step yet.

        Args:
            instrument: Of what.
            kind: The kind's text, for status values, or what gives it.
            rule: How the venue's book is kept.
            sinks: Where events go; the list may change while it is in use.
            report: Takes status values.
            want_snapshot: Asks REST for a snapshot; it is given to `snapshot`, or its failure to `failed`.
        """
        self.book: OrderBook = OrderBook(instrument, depth=rule.depth)
        self.sinks: list[Callable[[BookEvent], None]] = sinks
        self.watchers: list[Callable[[OrderBook], None]] = []
        self.rule: BookRule = rule
        self.renew: Callable[[BookSync], None] = _nobody
        self.keep_all: bool = False
        self.epoch: int = 0
        self.attempts: int = 0
        self.repetitions: int = 0
        self._kind = kind
        self._report = report
        self._want_snapshot = want_snapshot
        self._phase = _Phase.DOWN
        # The id that the next delta must follow. `NOWHERE` while not in step, so that one comparison on
        # the path of every delta tells both.
        self._last: int | None = NOWHERE
        self._anchoring = False
        self._fresh = False
        self._broke_at = NOWHERE
        self._buffer: list[Delta] = []
        self._gap_from: int | None = None
        self._had_sync = False
        self._crossed_at: int | None = None

    # What a connection says.

    def connected(self, now_utc: int) -> None:
        """Note that the stream has been acknowledged: from here on nothing of it may be missing."""
        del now_utc
        self._fresh = True
        if self._phase is _Phase.DOWN:
            self._begin()

    def disconnected(self, now_utc: int, reason: str = "disconnected") -> None:
        """Note that the connection is gone: the book shows the past."""
        if self._phase is _Phase.LIVE:
            self._gap(now_utc, self._next, None, reason)
        self._phase = _Phase.DOWN
        self._last = NOWHERE
        self._buffer.clear()
        self.epoch += 1
        self._set_state(BookState.DISCONNECTED)

    def broken(self, now_utc: int, first: int | None, last: int | None, reason: str = "sequence") -> None:
        """Note that something of the stream is missing, as the numbers of a whole socket tell.

        Args:
            now_utc: When that was noticed.
            first: The first number that is missing, of whatever is numbered.
            last: The last one.
            reason: For `Gap`.
        """
        if self._phase is _Phase.LIVE:
            self._break(now_utc, first, last, reason)
        elif self._phase is _Phase.SYNCING and self.rule.snapshots is not Snapshots.REST:
            self._renew(now_utc)  # what is missing may have been the snapshot

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
        checksum: int | None = None,
    ) -> None:
        """Take one delta that is numbered: apply it if it is the next one, else decide what it means."""
        prior = first - 1 if previous is None else previous
        if prior != self._last:
            found = Delta(first, last, previous, bids, asks, time_exchange, time_received, checksum)
            self._irregular(found, prior)
            return
        self._apply(first, last, previous, bids, asks, time_exchange, time_received, checksum)

    def change(
        self,
        bids: Sequence[LevelText],
        asks: Sequence[LevelText],
        time_exchange: int | None,
        time_received: int,
        checksum: int | None = None,
    ) -> None:
        """Take one delta that is not numbered; before the first snapshot it means nothing."""
        if self._phase is _Phase.LIVE:
            self._apply(None, None, None, bids, asks, time_exchange, time_received, checksum)
            return
        if self._phase is _Phase.DOWN:
            self._begin()
        if self.keep_all:
            self._emit(None, None, None, bids, asks, time_exchange, time_received)

    def verify(self, checksum: int, now_utc: int) -> None:
        """Compare the book with a checksum that came by itself."""
        if self._phase is _Phase.LIVE and not self._matches(checksum):
            self._break(now_utc, self._next, None, "checksum")

    def _apply(
        self,
        first: int | None,
        last: int | None,
        previous: int | None,
        bids: Sequence[LevelText],
        asks: Sequence[LevelText],
        time_exchange: int | None,
        time_received: int,
        checksum: int | None,
    ) -> None:
        book = self.book
        try:
            best_bid, best_ask = book.apply(bids, asks)
        except (ValueError, ArithmeticError):
            book.discard()
            self._break(time_received, self._next, last, "unreadable")
            return
        if checksum is not None and not self._matches(checksum):
            self._break(time_received, self._next, last, "checksum")
            return
        self._last = book.last_update_id = last
        self._anchoring = False
        book.time_exchange = time_exchange
        book.time_received = time_received
        if book.looks_crossed():
            since = first if previous is None else previous + 1
            if self._crossed(time_received, since):
                return
        if self.sinks:
            self._emit(first, last, previous, bids, asks, time_exchange, time_received, best_bid, best_ask)
        for watch in self.watchers:
            watch(book)

    def _emit(
        self,
        first: int | None,
        last: int | None,
        previous: int | None,
        bids: Sequence[LevelText],
        asks: Sequence[LevelText],
        time_exchange: int | None,
        time_received: int,
        best_bid: LevelText | None = None,
        best_ask: LevelText | None = None,
    ) -> None:
        instrument = self.book.instrument
        event = OrderBookL2Update(
            instrument.exchange,
            instrument,
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

    def _matches(self, checksum: int) -> bool:
        """Tell whether the book is the one that a checksum of the venue was worked out from."""
        rule = self.rule
        if rule.checksum is None:
            return True
        return rule.checksum(*self.book.texts(rule.checksum_levels, allow_stale=True)) == checksum

    def _irregular(self, delta: Delta, prior: int) -> None:
        """Take a delta that does not follow the last one."""
        held = self._last
        if self._phase is not _Phase.LIVE or held is None:
            self._early(delta)
            return
        if self._anchoring:
            if self._older(delta, held):
                return
            if prior <= held:
                self._apply(*astuple(delta))
                return
        elif held - RESTART <= delta.last <= held:
            self.repetitions += 1
            return
        # A delta that reaches back before the last one cannot belong to this sequence: what is missing
        # is not known then.
        known = prior > held
        first, last = (held + 1, prior) if known else (None, None)
        self._gap_from = held + 1  # for `Resynced`: from there on nothing is delivered
        self._break(delta.time_received, first, last, "sequence")
        if self.rule.snapshots is Snapshots.REST:
            self._buffer.append(delta)

    def _early(self, delta: Delta) -> None:
        """Take a delta while a snapshot is awaited."""
        if self._phase is _Phase.DOWN:  # the first frames can overtake the acknowledgement
            self._fresh = True
            self._begin()
        if self.keep_all:
            self._emit(*astuple(delta)[:-1])
        source = self.rule.snapshots
        if source is Snapshots.WIRE or (source is Snapshots.WIRE_OR_REST and not self._fresh):
            return
        if source is Snapshots.WIRE_OR_REST and not self._buffer:
            self._want_snapshot(self)
        self._buffer.append(delta)
        if len(self._buffer) > BUFFER_LIMIT:
            del self._buffer[: BUFFER_LIMIT // 2]

    def _older(self, delta: Delta, last: int) -> bool:
        """Tell whether a snapshot holds a delta already."""
        return delta.last < last or (self.rule.drop_equal and delta.last == last)

    def snapshot(self, snapshot: BookSnapshot, epoch: int, now_utc: int) -> str:
        """Take a snapshot of REST that was asked for in `epoch`.

        Returns:
            An empty text, or why it is of no use; then another one is wanted.
        """
        if self._phase is not _Phase.SYNCING or epoch != self.epoch:
            return "" if self._phase is _Phase.LIVE or self._phase is _Phase.DOWN else "overtaken"
        last = snapshot.last_update_id
        buffer = [] if last is None else [delta for delta in self._buffer if not self._older(delta, last)]
        if buffer and last is not None and buffer[0].prior > last:
            self._buffer = buffer
            return f"the snapshot ends at {last}, but the deltas begin after {buffer[0].prior}"
        trouble = self._load(snapshot, buffer, now_utc, anchoring=True)
        if not trouble:
            self.attempts = 0
        return trouble

    def refresh(self, snapshot: BookSnapshot, now_utc: int, checksum: int | None = None) -> None:
        """Take a snapshot that came on the stream: the first, one that was waited for, or one unasked.

        Args:
            snapshot: The book from now on.
            now_utc: When it was received.
            checksum: What the venue says of it.
        """
        if self._phase is _Phase.DOWN:  # it can overtake the acknowledgement
            self._begin()
        elif self._phase is _Phase.LIVE:
            self._gap_from = self._next
        last = snapshot.last_update_id
        buffer = [delta for delta in self._buffer if last is not None and delta.last > last]
        trouble = self._load(snapshot, buffer, now_utc, anchoring=bool(buffer), checksum=checksum)
        if trouble:
            reason = "checksum" if trouble == "checksum" else "unreadable"
            self.book.discard()
            self._break(now_utc, self._next, None, reason)

    def _load(
        self,
        snapshot: BookSnapshot,
        buffer: list[Delta],
        now_utc: int,
        *,
        anchoring: bool,
        checksum: int | None = None,
    ) -> str:
        book, last = self.book, snapshot.last_update_id
        try:
            book.load(snapshot.bids, snapshot.asks, cut_to=snapshot.limit)
        except (ValueError, ArithmeticError) as error:
            return f"the snapshot cannot be read: {error}"
        if checksum is not None and not self._matches(checksum):
            return "checksum"
        self._buffer = []
        self._phase = _Phase.LIVE
        self._anchoring = anchoring
        self._last = book.last_update_id = last
        book.time_exchange = snapshot.time_exchange
        book.time_received = now_utc
        self._tell_resynced(now_utc, last)
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
            self.delta(*astuple(delta))
        return ""

    def _tell_resynced(self, now_utc: int, last: int | None) -> None:
        if self._had_sync:
            lost_from = self._gap_from
            lost = lost_from is not None and last is not None and lost_from <= last
            self._report(
                Resynced(
                    at_ns=now_utc,
                    exchange=self.book.instrument.exchange,
                    instrument=self.book.instrument,
                    kind=self._what,
                    first_missing=lost_from if lost else None,
                    last_missing=last if lost else None,
                )
            )
        self._had_sync = True
        self._gap_from = None

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

    @property
    def on_wire(self) -> bool:
        """Whether its snapshots come on the stream."""
        return self.rule.snapshots is not Snapshots.REST

    @property
    def _what(self) -> str:
        return self._kind if isinstance(self._kind, str) else self._kind()

    @property
    def _next(self) -> int | None:
        """The first id that is not held, None where nothing is numbered."""
        return None if self._last is None or self._last == NOWHERE else self._last + 1

    def _begin(self) -> None:
        self._phase = _Phase.SYNCING
        self._last = NOWHERE
        self.epoch += 1
        self._set_state(BookState.SYNCING)
        if not self.on_wire:
            self._want_snapshot(self)

    def _break(self, now_utc: int, first: int | None, last: int | None, reason: str) -> None:
        self._gap(now_utc, first, last, reason)
        self._buffer.clear()
        self._begin()
        if self.on_wire:
            self._renew(now_utc)

    def _renew(self, now_utc: int) -> None:
        """Have the stream subscribed anew; what comes of the old subscription counts no more."""
        self._fresh = False
        self.attempts = self.attempts + 1 if now_utc - self._broke_at < CALM_NS else 0
        self._broke_at = now_utc
        self.renew(self)

    def _crossed(self, now_utc: int, since: int | None) -> bool:
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
                kind=self._what,
                first_missing=first,
                last_missing=last,
                reason=reason,
            )
        )

    def _set_state(self, state: BookState) -> None:
        self.book.state = state
        for watch in self.watchers:
            watch(self.book)


def _nobody(_: BookSync) -> None:
    """Do nothing: no connection carries the stream."""
