"""Time that a test moves: hours pass at once, in order, and the same way every time."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

__all__ = ["FakeClock"]

T = TypeVar("T")

HOUR_NS = 3600 * 1_000_000_000

# Where an event loop does not show its queue (uvloop), so many turns in a row count as idle.
BLIND_TURNS = 100
# More turns than this at one moment of virtual time: something spins.
MOST_TURNS = 1_000_000


class FakeClock:
    """A `Clock` whose time stands still until it is told to move.

    Whoever waits on it is a sleeper. Time moves from one sleeper's deadline to the next, and at
    each stop everything that can run does run until all of it waits again ("idle"), before time
    moves on. So any number of tasks run deterministically, without a real pause anywhere.

    Ways to drive it, from the plainest:

    * `await clock.advance(ns)`: move on by that much; what falls due on the way happens on time.
    * `await clock.run_until_idle()`: jump from sleeper to sleeper until nobody sleeps.
    * `await clock.run(awaitable)`: jump until the awaitable is done, and give its result.
    * `async with clock.running():`: jump in the background whenever all is idle, so that a test
      may be written as if time just passed.

    Idle means that no callback is ready on the event loop. What waits for real I/O or a thread
    looks idle too, so drive real sockets with a real clock, or move this one by hand.

    Args:
        monotonic_ns: Where monotonic time starts.
        utc_ns: What the wall clock shows then.
    """

    def __init__(self, *, monotonic_ns: int = 1_000_000_000, utc_ns: int = 1_700_000_000_000_000_000) -> None:
        self.slept: int = 0
        """How many sleeps there have been: something that polls shows here."""
        self._now = monotonic_ns
        self._utc_offset = utc_ns - monotonic_ns
        self._heap: list[tuple[int, int, asyncio.Future[None]]] = []
        self._drivers = 0
        self._new_sleeper: asyncio.Event | None = None

    def __repr__(self) -> str:
        return f"<FakeClock {self._now} ns, sleepers: {self.sleepers}>"

    def utc_ns(self) -> int:
        """See `Clock.utc_ns`."""
        return self._now + self._utc_offset

    def monotonic_ns(self) -> int:
        """See `Clock.monotonic_ns`."""
        return self._now

    async def sleep_until(self, monotonic_ns: int) -> None:
        """See `Clock.sleep_until`: returns when the test's time gets there."""
        self.slept += 1
        if monotonic_ns <= self._now:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._heap, (monotonic_ns, self.slept, woken))
        if self._new_sleeper is not None:
            self._new_sleeper.set()
        await woken

    @property
    def sleepers(self) -> int:
        """How many are asleep now."""
        return sum(not woken.done() for _, _, woken in self._heap)

    @property
    def next_deadline(self) -> int | None:
        """When the first sleeper is due, in monotonic nanoseconds; None where nobody sleeps."""
        while self._heap and self._heap[0][2].done():  # cancelled
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def step_utc(self, ns: int) -> None:
        """Step the wall clock, forward or back, as a time service does; monotonic time stays."""
        self._utc_offset += ns

    async def settle(self) -> None:
        """Let everything run that can, with time standing still.

        Raises:
            TimeoutError: Something never gets idle.
        """
        ready: Any = getattr(asyncio.get_running_loop(), "_ready", None)
        self._drivers += 1  # another driver that settles is ready for ever, as this one is
        try:
            for _ in range(MOST_TURNS if ready is not None else BLIND_TURNS):
                await asyncio.sleep(0)
                if ready is not None and len(ready) < self._drivers:
                    return
        finally:
            self._drivers -= 1
        if ready is not None:
            raise TimeoutError(f"never idle at {self!r}")

    async def advance(self, ns: int) -> None:
        """Move on by `ns`, waking each sleeper at its own time."""
        await self.advance_to(self._now + ns)

    async def advance_to(self, monotonic_ns: int) -> None:
        """Move on to `monotonic_ns`, waking each sleeper at its own time."""
        await self.settle()
        while (due := self.next_deadline) is not None and due <= monotonic_ns:
            self._jump(due)
            await self.settle()
        self._now = max(self._now, monotonic_ns)

    async def run_until_idle(self, *, within_ns: int = HOUR_NS) -> None:
        """Jump from sleeper to sleeper until nobody sleeps.

        Raises:
            TimeoutError: Somebody would still sleep after `within_ns` of virtual time.
        """
        limit = self._now + within_ns
        await self.settle()
        while (due := self.next_deadline) is not None:
            if due > limit:
                raise TimeoutError(f"still sleeping after {within_ns / 1e9:g} s: {self!r}")
            self._jump(due)
            await self.settle()

    async def run_until(self, done: Callable[[], bool], *, within_ns: int = HOUR_NS) -> None:
        """Jump from sleeper to sleeper until `done()`, which is asked whenever all is idle.

        Raises:
            TimeoutError: That did not come within `within_ns`, or nobody sleeps any more.
        """
        limit = self._now + within_ns
        await self.settle()
        while not done():
            due = self.next_deadline
            if due is None or due > limit:
                raise TimeoutError(f"not done within {within_ns / 1e9:g} s: {self!r}")
            self._jump(due)
            await self.settle()

    async def run(self, work: Coroutine[Any, Any, T], *, within_ns: int = HOUR_NS) -> T:
        """Run `work` as a task, jumping from sleeper to sleeper, and give its result.

        Raises:
            TimeoutError: It was not done within `within_ns`, or waits for what is not time.
        """
        task = asyncio.ensure_future(work)
        try:
            await self.run_until(task.done, within_ns=within_ns)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
        return task.result()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeClock]:
        """Let time pass by itself: whenever all is idle, it jumps to the next deadline."""
        driver = asyncio.ensure_future(self._drive())
        try:
            yield self
        finally:
            driver.cancel()
            await asyncio.wait([driver])
            if not driver.cancelled() and (error := driver.exception()) is not None:
                raise error

    async def _drive(self) -> None:
        self._new_sleeper = asyncio.Event()
        while True:
            await self.settle()
            due = self.next_deadline
            if due is not None:
                self._jump(due)
            else:
                self._new_sleeper.clear()
                await self._new_sleeper.wait()

    def _jump(self, to: int) -> None:
        """Move to a deadline and wake all that are due, in the order of their deadlines."""
        self._now = max(self._now, to)
        while (due := self.next_deadline) is not None and due <= self._now:
            heapq.heappop(self._heap)[2].set_result(None)
