"""Finding holes in a sequence of ids that grows by one."""

from __future__ import annotations

from collections.abc import Callable

from toucan_data.status import Gap, Status
from toucan_instrument import Instrument

__all__ = ["IdSequence"]

RESTART = 10_000
"""An id this far behind is not a repetition: the venue has begun to count anew (test networks do)."""


class IdSequence:
    """The ids of one stream of trades, across connections.

    Attributes:
        next: The id that should come next; -1 before the first. The path of every trade keeps it in a
            variable of its own, and sets it here before it calls `accept`, only where they differ.
        repetitions: Ids that came again.
        keep_repetitions: Whether their events are delivered all the same, as a recording is read.
    """

    __slots__ = (
        "_instrument",
        "_interrupted",
        "_kind",
        "_report",
        "keep_repetitions",
        "next",
        "repetitions",
    )

    def __init__(
        self,
        instrument: Instrument,
        *,
        kind: str | Callable[[], str],
        report: Callable[[Status], None],
        interrupted: Callable[[], bool],
    ) -> None:
        """Expect any id first.

        Args:
            instrument: Whose trades.
            kind: The kind's text, for `Gap`, or what gives it.
            report: Takes the gaps.
            interrupted: Tells, once, whether a connection was lost since the last id.
        """
        self.next: int = -1
        self.repetitions: int = 0
        self.keep_repetitions: bool = False
        self._instrument = instrument
        self._kind = kind
        self._report = report
        self._interrupted = interrupted

    def seed(self, last: int) -> None:
        """Note the newest id of the history that is sent on subscribing: what follows it is new."""
        if self.next < 0:
            self.next = last + 1

    def take(self, first: int, last: int, time_received: int) -> bool:
        """Decide on an event that covers ids, and expect the one after; see `accept`.

        For streams that come less often than those that write this out for themselves.
        """
        if first != self.next and not self.accept(first, time_received):
            return False
        self.next = last + 1
        return True

    def accept(self, found: int, time_received: int) -> bool:
        """Decide on an id that is not the next one.

        Returns:
            True if its event is to be delivered: the first ever, one after a hole (which is reported
            as a `Gap`), or the first of a sequence that began anew. False for a repetition.
        """
        expected = self.next
        interrupted = self._interrupted()
        if expected < 0:
            return True
        if found > expected:
            self._gap(expected, found - 1, "disconnected" if interrupted else "sequence", time_received)
            return True
        if expected - found <= RESTART:
            self.repetitions += 1
            return self.keep_repetitions
        self._gap(None, None, "sequence", time_received)
        return True

    def _gap(self, first: int | None, last: int | None, reason: str, time_received: int) -> None:
        self._report(
            Gap(
                at_ns=time_received,
                exchange=self._instrument.exchange,
                instrument=self._instrument,
                kind=self._kind if isinstance(self._kind, str) else self._kind(),
                first_missing=first,
                last_missing=last,
                reason=reason,
            )
        )
