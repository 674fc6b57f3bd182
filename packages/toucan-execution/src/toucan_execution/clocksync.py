"""How far a venue's clock is from ours, from round trips; pure, with the times given.

Everything is measured against the monotonic clock: a computer whose calendar clock is wrong, or is set while
we run, signs no worse for it. The monotonic clock may stand still while a computer sleeps; then the venue
refuses the next timestamp (-1021), and `ClockOffset.invalidate` has it measured anew.
"""

from __future__ import annotations

import msgspec

from toucan_execution.errors import NotSynced

__all__ = ["ClockOffset"]

SECOND = 1_000_000_000
REFRESH_NS = 30 * 60 * SECOND
RETRY_NS = 5 * SECOND
ENOUGH = 3
MOST = 9
MOST_AHEAD_NS = SECOND // 2
"""The most by which the estimate of an honest sample can be ahead: venues refuse 1 s (facts C.5)."""
LONGEST_TRIP_NS = 10 * SECOND
"""What was longer under way says nothing of use."""
EARLIEST_NS = 1_000_000_000 * SECOND
LATEST_NS = 1 << 62
"""2001 to 2116: a server's time outside of that is no time."""
SLACK_NS = SECOND // 100
DRIFT_PER_MILLION = 500
"""As fast as a clock is ever slewed: how far two honest samples may be apart, by the time between them."""


class _Sample(msgspec.Struct, frozen=True):
    """One round trip, as what it says of the difference between the clocks.

    Attributes:
        offset_ns: Venue minus monotonic, if the server looked at its clock half way.
        uncertainty_ns: The truth is within that of `offset_ns`: half of the round trip.
        at_ns: When the answer came, monotonic.
    """

    offset_ns: int
    uncertainty_ns: int
    at_ns: int

    def agrees_with(self, other: _Sample) -> bool:
        """Tell whether both can be true."""
        allowed = self.uncertainty_ns + other.uncertainty_ns + SLACK_NS
        return abs(self.offset_ns - other.offset_ns) <= allowed + _drift(abs(self.at_ns - other.at_ns))


class ClockOffset:
    """The difference between a venue's clock and our monotonic one (facts C.5).

    Use it like this: while `due`, ask the venue for its time, and `add` what came; `server_ns` then gives
    the venue's time at any moment. Three samples are wanted at the start, and three every half an hour. The
    estimate is the median of the three with the shortest round trips (an older one counts as longer, for
    its clocks may have drifted), the lower one of two; it changes when the three are complete, but at the
    start with each.

    Nothing is ever added for safety: a timestamp a second ahead is refused, one seconds late is not. Of a
    round trip longer than a second the last half second is taken, not the middle, for the same reason.

    A sample that cannot be (a time of another century, an answer before its question, ten seconds under way)
    is refused. One that contradicts those before it is not believed until a second one says the same: so one
    wrong answer moves nothing, and a clock that was really set is followed after two.

    Args:
        refresh_ns: How old the newest sample may get before the clock is measured again.
        retry_ns: How long to wait after a sample that was no use.
    """

    def __init__(self, *, refresh_ns: int = REFRESH_NS, retry_ns: int = RETRY_NS) -> None:
        self._refresh_ns = refresh_ns
        self._retry_ns = retry_ns
        self._samples: list[_Sample] = []
        self._best: _Sample | None = None
        self._doubted: _Sample | None = None
        self._valid = False
        self._settled = False  # whether three samples were complete since the last start
        self._wanted = ENOUGH
        self._not_before: int | None = None

    def __repr__(self) -> str:
        best = "unknown" if self._best is None else f"{self.offset_ns} ± {self.uncertainty_ns} ns"
        return f"ClockOffset({best}, valid={self._valid}, samples={len(self._samples)})"

    @property
    def known(self) -> bool:
        """Whether there is an estimate at all."""
        return self._best is not None

    @property
    def valid(self) -> bool:
        """Whether there is an estimate that has not been called wrong since by `invalidate`."""
        return self._valid

    @property
    def offset_ns(self) -> int | None:
        """The venue's time minus our monotonic time, nanoseconds; None where nothing was measured."""
        return None if self._best is None else self._best.offset_ns

    @property
    def uncertainty_ns(self) -> int | None:
        """By how much the estimate can be wrong, either way: half of its round trip; None likewise.

        Drift since then is not in it; of trips longer than a second it is all but half a second.
        """
        return None if self._best is None else self._best.uncertainty_ns

    def age_ns(self, mono_now: int) -> int | None:
        """Return how old the newest sample is at a monotonic time; None where nothing was measured."""
        return None if not self._samples else max(0, mono_now - self._samples[-1].at_ns)

    def server_ns(self, mono_now: int) -> int:
        """Return the venue's time at a monotonic time, nanoseconds since the epoch.

        Raises:
            NotSynced: Nothing was measured yet.
        """
        if self._best is None:
            raise NotSynced("the venue's time is not known: its clock was never measured")
        return mono_now + self._best.offset_ns

    def due(self, mono_now: int) -> bool:
        """Tell whether a sample is wanted now: three at the start, then three every half an hour."""
        return self.due_in_ns(mono_now) == 0

    def due_in_ns(self, mono_now: int) -> int:
        """Return in how many nanoseconds a sample is wanted, 0 for now."""
        wait = 0
        if self._valid and self._wanted == 0 and self._doubted is None:
            wait = self._samples[-1].at_ns + self._refresh_ns - mono_now
        if self._not_before is not None:
            wait = max(wait, self._not_before - mono_now)
        return max(wait, 0)

    def failed(self, mono_now: int) -> None:
        """Take note that the venue could not be asked: no sample is wanted for a while."""
        self._not_before = mono_now + self._retry_ns

    def invalidate(self) -> None:
        """Take note that the venue refused a timestamp (-1021): a sample is wanted at once.

        The old estimate stands until then, and has no say in whether the new samples are right.
        """
        self._valid = False
        self._doubted = None
        self._not_before = None

    def add(self, sent_mono_ns: int, received_mono_ns: int, server_time_ns: int) -> bool:
        """Take a round trip.

        Args:
            sent_mono_ns: When the question left, monotonic.
            received_mono_ns: When the answer came, monotonic.
            server_time_ns: The time in it, nanoseconds since the epoch.

        Returns:
            Whether it counts. If not, it was absurd, or contradicts the others and waits for another.
        """
        trip = received_mono_ns - sent_mono_ns
        if not (0 <= trip <= LONGEST_TRIP_NS and EARLIEST_NS <= server_time_ns <= LATEST_NS):
            self.failed(received_mono_ns)
            return False
        before_end = min(trip // 2, MOST_AHEAD_NS)
        offset = server_time_ns - (received_mono_ns - before_end)
        sample = _Sample(offset, trip - before_end, received_mono_ns)
        if self._best is not None and self._valid and not sample.agrees_with(self._best):
            return self._doubt(sample)
        self._keep(sample)
        return True

    def _doubt(self, sample: _Sample) -> bool:
        """Believe a sample that contradicts the others if the one before it said the same."""
        before, self._doubted = self._doubted, sample
        if before is None:
            self._not_before = None  # the next one is to come soon
            return False
        if not sample.agrees_with(before):
            self.failed(sample.at_ns)
            return False
        self._valid = False
        self._keep(before)
        self._keep(sample)
        return True

    def _keep(self, sample: _Sample) -> None:
        if not self._valid:
            self._samples, self._settled, self._valid, self._wanted = [], False, True, 0
        self._wanted = (self._wanted or ENOUGH) - 1
        oldest = sample.at_ns - 2 * self._refresh_ns
        recent = [each for each in self._samples if each.at_ns > oldest]
        self._samples = sorted([*recent, sample], key=_at)[-MOST:]
        self._doubted = self._not_before = None
        if self._wanted == 0 or not self._settled:
            self._best = self._median()
        self._settled = self._settled or self._wanted == 0

    def _median(self) -> _Sample:
        newest = self._samples[-1].at_ns

        def worth(sample: _Sample) -> int:
            return sample.uncertainty_ns + _drift(newest - sample.at_ns)

        chosen = sorted(self._samples, key=worth)[:ENOUGH]
        return sorted(chosen, key=_offset)[(len(chosen) - 1) // 2]


def _at(sample: _Sample) -> int:
    return sample.at_ns


def _offset(sample: _Sample) -> int:
    return sample.offset_ns


def _drift(elapsed_ns: int) -> int:
    return elapsed_ns * DRIFT_PER_MILLION // 1_000_000
