"""A strict rolling window: never more than the limit in any span of the window's length.

Venues count in windows of their own, whose edges nobody tells us ("limits are counted per minute").
A bucket that refills, or a window that we align ourselves, lets up to twice the limit through
across such an edge. A limit that holds in *every* span holds under any alignment.

Pure: no clock, no waiting; times are arguments, in monotonic nanoseconds, and do not go back.
"""

from __future__ import annotations

from collections import deque

from toucan_instrument.errors import InvalidInput

__all__ = ["Window"]


class Window:
    """What has been taken of one limit, and when.

    Weight can be taken at a known time, or held while it is not known yet when the venue counts it
    (a request on its way). What is held counts in full until it is settled.

    Args:
        limit: The most that may be taken in any span of `window_ns`.
        window_ns: The length of the span in nanoseconds, its end excluded.

    Raises:
        InvalidInput: A limit or a length that is not positive.
    """

    def __init__(self, limit: int, window_ns: int) -> None:
        for field, value in (("limit", limit), ("window_ns", window_ns)):
            if value <= 0:
                raise InvalidInput(
                    f"{field} must be positive", field=field, value=value, accepted="1 or more"
                )
        self.limit = limit
        self.window_ns = window_ns
        self._taken: deque[tuple[int, int]] = deque()  # (when, weight), oldest first
        self._settled = 0  # the sum of those weights
        self._held = 0

    def __repr__(self) -> str:
        return f"<Window {self._settled + self._held}/{self.limit} per {self.window_ns / 1e9:g} s>"

    def used(self, now: int) -> int:
        """Return what counts at `now`: taken within the window before it, or still held."""
        taken, oldest = self._taken, now - self.window_ns
        while taken and taken[0][0] <= oldest:
            self._settled -= taken.popleft()[1]
        return self._settled + self._held

    def earliest(self, now: int, weight: int, ceiling: int | None = None) -> int:
        """Return the first time at which `weight` fits, if nothing else is taken until then.

        Where only held weight stands in the way the answer is a lower bound, `now + window_ns`: ask
        again then, or once something was settled.

        Args:
            now: The present.
            weight: What is to be taken.
            ceiling: The most that may count in all for this to be taken; the limit where None.

        Raises:
            InvalidInput: The weight would not fit into an empty window.
        """
        ceiling = self.limit if ceiling is None else min(ceiling, self.limit)
        if not 0 <= weight <= ceiling:
            raise InvalidInput(
                f"weight {weight} can never be taken",
                field="weight",
                value=weight,
                accepted=f"0 to {ceiling}",
            )
        excess = self.used(now) + weight - ceiling
        if excess <= 0 or weight == 0:
            return now
        for when, taken in self._taken:
            excess -= taken
            if excess <= 0:
                return when + self.window_ns
        return now + self.window_ns

    def take(self, now: int, weight: int) -> None:
        """Count `weight` at `now`, whether it fits or not: ask `earliest` first.

        Only what others are known to have used is counted without asking.
        """
        if weight == 0:
            return
        self._settled += weight
        if self._taken and self._taken[-1][0] >= now:
            when, before = self._taken.pop()
            self._taken.append((when, before + weight))
        else:
            self._taken.append((now, weight))

    def hold(self, weight: int) -> None:
        """Count `weight` from now on and until it is settled or dropped."""
        self._held += weight

    def settle(self, now: int, weight: int) -> None:
        """Turn held `weight` into what was taken at `now`."""
        self._held -= weight
        self.take(now, weight)

    def drop(self, weight: int) -> None:
        """Forget held `weight`: it was never used."""
        self._held -= weight
