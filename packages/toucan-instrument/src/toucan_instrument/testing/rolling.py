"""How much happened within a window of time that rolls along."""

from __future__ import annotations

from collections import deque

__all__ = ["RollingCount"]


class RollingCount:
    """Adds up what happened in the last while.

    Args:
        window_ns: How long that is, nanoseconds.
    """

    def __init__(self, window_ns: int) -> None:
        self.window_ns: int = window_ns
        self._parts: deque[tuple[int, int]] = deque()
        self._total = 0

    def add(self, now_ns: int, amount: int = 1) -> int:
        """Count something, and return how much there is now in the window."""
        self._parts.append((now_ns, amount))
        self._total += amount
        while self._parts[0][0] <= now_ns - self.window_ns:
            self._total -= self._parts.popleft()[1]
        return self._total
