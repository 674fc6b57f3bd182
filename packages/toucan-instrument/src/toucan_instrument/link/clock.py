"""Time as an argument, so that a test of an hour takes no time."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

__all__ = ["Clock", "SystemClock", "before"]


class Clock(Protocol):
    """The two times toucan uses, and the only way it waits."""

    def utc_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC: for stamps on events."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that never jump: for deadlines and durations."""
        ...

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Return once `monotonic_ns()` has reached the argument; yield at least once."""
        ...


class SystemClock:
    """The machine's clocks. All of them are equal: there is one time per machine."""

    # Straight to C: one of these is read for every frame.
    utc_ns: staticmethod[[], int] = staticmethod(time.time_ns)
    monotonic_ns: staticmethod[[], int] = staticmethod(time.monotonic_ns)

    async def sleep_until(self, monotonic_ns: int) -> None:
        """See `Clock.sleep_until`."""
        await asyncio.sleep(max(0.0, (monotonic_ns - time.monotonic_ns()) / 1e9))
        # An event loop's timers may fire early by its resolution (a millisecond on some).
        while (left := monotonic_ns - time.monotonic_ns()) > 0:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(left / 1e9)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SystemClock)

    def __hash__(self) -> int:
        return hash(SystemClock)

    def __repr__(self) -> str:
        return "SystemClock()"


async def before(clock: Clock, monotonic_ns: int, wanted: asyncio.Future[Any]) -> bool:
    """Wait for a future, or until the clock reaches a time; tell whether the future is done.

    The future is left as it is; who no longer wants it cancels it.
    """
    sleeper = asyncio.ensure_future(clock.sleep_until(monotonic_ns))
    try:
        await asyncio.wait((wanted, sleeper), return_when=asyncio.FIRST_COMPLETED)
        return wanted.done()
    finally:
        sleeper.cancel()
        await asyncio.gather(sleeper, return_exceptions=True)
