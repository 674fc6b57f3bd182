"""The request budget: what this process may still ask of a venue, and whose turn it is.

Venues count by address, not by object, so there is one budget per process, pool and event loop,
and every client and stream finds the same one (`budget_for`).
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from enum import IntEnum

import msgspec

from toucan_instrument.errors import InvalidInput
from toucan_instrument.link.clock import Clock, SystemClock
from toucan_instrument.link.window import Window
from toucan_instrument.pool import Pool

__all__ = ["Budget", "Claim", "Lane", "Stop", "budget_for"]


class Lane(IntEnum):
    """What a request is for; the smaller number goes first."""

    CANCEL = 0
    ORDER = 1
    RECONCILE = 2
    SNAPSHOT = 3
    BACKFILL = 4

    @property
    def ceiling_percent(self) -> int:
        """How full the window may get by this lane: the rest is kept free for those before it."""
        return CEILING_PERCENT[self]


CEILING_PERCENT = {
    Lane.CANCEL: 100,
    Lane.ORDER: 98,
    Lane.RECONCILE: 95,
    Lane.SNAPSHOT: 90,
    Lane.BACKFILL: 70,
}


class Stop(msgspec.Struct, frozen=True):
    """Nothing may be sent for a while.

    Attributes:
        until_ns: Monotonic nanoseconds at which the budget goes on by itself.
        reason: Who asked for it, and why.
    """

    until_ns: int
    reason: str


class Claim:
    """The weight of a call that is under way."""

    __slots__ = ("refunded",)

    def __init__(self) -> None:
        self.refunded: bool = False
        """Whether the venue did not count it."""

    def refund(self) -> None:
        """Say that the venue did not count it: it counts here no longer than the call."""
        self.refunded = True


class _Waiter:
    """One caller in the queue."""

    __slots__ = ("ceiling", "granted", "held", "order", "share", "weight")

    def __init__(self, weight: int, ceiling: int, share: Window | None, order: tuple[int, int]) -> None:
        self.weight = weight
        self.ceiling = ceiling
        self.share = share
        self.order = order
        self.held = False
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Budget:
    """Hands out a pool's weight, in any rolling window never more than its limit.

    Lanes have strict priority, and within a lane who came first goes first. A lane may fill the
    window only up to its ceiling (a part of the limit, rounded up), so that cancels and orders find
    room however many snapshots are wanted. Somebody who waits for room in the window holds up all
    who come after; somebody who waits only for room in an own share holds up only that share and
    lane.

    Bound to the event loop it is used on; waits on the given clock, with one timer and no polling.

    Args:
        pool: Whose limit it is.
        clock: Where time comes from.
    """

    def __init__(self, pool: Pool, clock: Clock | None = None) -> None:
        self.pool = pool
        self.clock: Clock = clock or SystemClock()
        self._window = Window(pool.limit, pool.window_ns)
        self._shares: dict[float, Window] = {}
        # One queue for each lane and share, each in the order of arrival.
        self._queues: dict[tuple[Lane, float], deque[_Waiter]] = {}
        self._arrivals = 0
        self._stop: Stop | None = None
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = 0

    def __repr__(self) -> str:
        state = [f"{self.used}/{self.pool.limit} per {self.pool.window_ns / 1e9:g} s"]
        if waiting := {lane.name.lower(): count for lane, count in self.waiting.items()}:
            state.append(f"waiting {waiting}")
        if stop := self.stopped:
            left = (stop.until_ns - self.clock.monotonic_ns()) / 1e9
            state.append(f"stopped for {left:.1f} s: {stop.reason}")
        return f"<Budget {self.pool.name}: {', '.join(state)}>"

    @property
    def used(self) -> int:
        """What counts against the limit now: taken in the window, on its way, or used by others."""
        return self._window.used(self.clock.monotonic_ns())

    @property
    def waiting(self) -> dict[Lane, int]:
        """How many callers wait, by lane; lanes without any are left out."""
        counts: dict[Lane, int] = {}
        for (lane, _), queue in sorted(self._queues.items()):
            counts[lane] = counts.get(lane, 0) + len(queue)
        return counts

    @property
    def stopped(self) -> Stop | None:
        """Until when and why nothing is sent, None where it is."""
        if self._stop is not None and self._stop.until_ns <= self.clock.monotonic_ns():
            self._stop = None
        return self._stop

    async def acquire(self, weight: int, lane: Lane, *, share: float = 1.0) -> None:
        """Wait until `weight` may be used, and count it as used now.

        For what is counted the moment it is sent; around a call that takes time, use `hold`.

        Args:
            weight: What it costs, by the venue's table.
            lane: What it is for.
            share: The part of the limit that all who pass this same share may use together.

        Raises:
            InvalidInput: The weight is over the ceiling of its lane or share, so that waiting would
                never end; or the share is not within (0, 1].
        """
        claim = await self._claim(weight, lane, share)
        self._settle(claim)

    @asynccontextmanager
    async def hold(self, weight: int, lane: Lane, *, share: float = 1.0) -> AsyncIterator[Claim]:
        """Like `acquire`, around a call: the weight counts until a full window after its end.

        A request is counted by the venue when it arrives, somewhere between its sending and its
        answer. Counting it from the answer on is what keeps the limit however slow the way there
        was. `Claim.refund` says that it was not counted after all.
        """
        claim, held = await self._claim(weight, lane, share), Claim()
        try:
            yield held
        finally:
            if held.refunded:
                self._drop(claim)
                self._serve()
            else:
                self._settle(claim)

    def observe(self, used: int) -> None:
        """Take note of the use that the venue reports for its current window.

        Where that is more than is known here, somebody else behind the same address used the rest:
        it is counted, from now for a whole window, as nobody knows when it was.
        """
        now = self.clock.monotonic_ns()
        if (foreign := used - self._window.used(now)) > 0:
            self._window.take(now, foreign)
            self._serve()

    def stop_until(self, monotonic_ns: int, reason: str) -> None:
        """Let nothing through, in any lane, until then; a longer stop that is on stays."""
        if self._stop is None or monotonic_ns > self._stop.until_ns:
            self._stop = Stop(monotonic_ns, reason)
            self._serve()

    async def _claim(self, weight: int, lane: Lane, share: float) -> _Waiter:
        if not 0 < share <= 1:
            raise InvalidInput("not a share", field="share", value=share, accepted="over 0, up to 1")
        lane = Lane(lane)
        part = None if share == 1 else self._shares.get(share)
        if part is None and share != 1:
            limit = max(1, int(self.pool.limit * share))
            part = self._shares[share] = Window(limit, self.pool.window_ns)
        # Rounded up: a part of a limit of 1 has to be 1, not 0.
        ceiling = -(-self.pool.limit * lane.ceiling_percent // 100)
        most = ceiling if part is None else min(ceiling, part.limit)
        if not 0 <= weight <= most:
            raise InvalidInput(
                f"weight {weight} can never be had of {self.pool.name} in lane {lane.name.lower()}",
                field="weight",
                value=weight,
                accepted=f"0 to {most}",
            )
        self._arrivals += 1
        order, key = (lane, self._arrivals), (lane, share)
        while True:
            waiter = _Waiter(weight, ceiling, part, order)
            self._enter(key, waiter)
            self._serve()
            try:
                await waiter.granted
            except BaseException:
                self._drop(waiter)  # it may have been granted and cancelled in the same breath
                self._leave(key, waiter)
                self._serve()
                raise
            if self.stopped is None:
                return waiter
            self._drop(waiter)  # stopped between being granted and getting here: back to its place

    def _drop(self, waiter: _Waiter) -> None:
        """Give back what was granted and never used."""
        if waiter.held:
            waiter.held = False
            self._window.drop(waiter.weight)
            if waiter.share is not None:
                waiter.share.drop(waiter.weight)

    def _settle(self, claim: _Waiter) -> None:
        now = self.clock.monotonic_ns()
        self._window.settle(now, claim.weight)
        if claim.share is not None:
            claim.share.settle(now, claim.weight)
        if self._queues:
            self._serve()

    def _enter(self, key: tuple[Lane, float], waiter: _Waiter) -> None:
        queue = self._queues.setdefault(key, deque())
        at = len(queue)
        while at and queue[at - 1].order > waiter.order:
            at -= 1
        queue.insert(at, waiter)

    def _leave(self, key: tuple[Lane, float], waiter: _Waiter) -> None:
        queue = self._queues.get(key)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._queues[key]

    def _serve(self) -> None:
        """Grant all that can be granted now, and set the timer for the next that cannot."""
        now = self.clock.monotonic_ns()
        if (stop := self.stopped) is not None:
            self._wake_at(stop.until_ns if self._queues else None)
            return
        wake: int | None = None
        for at in self._grant(now):
            wake = at if wake is None else min(wake, at)
        self._wake_at(wake)

    def _grant(self, now: int) -> Iterator[int]:
        """Grant in order while it fits; yield when those that hold up a queue may fit."""
        held_up: set[tuple[Lane, float]] = set()
        while heads := [(q[0].order, key) for key, q in self._queues.items() if key not in held_up]:
            key = min(heads)[1]
            head = self._queues[key][0]
            if head.granted.done():  # cancelled, and not yet gone
                self._leave(key, head)
                continue
            at = self._window.earliest(now, head.weight, head.ceiling)
            if at > now:
                yield at
                return  # strict: nobody behind may take the room that this one waits for
            if head.share is not None:
                at = head.share.earliest(now, head.weight)
                if at > now:
                    yield at
                    held_up.add(key)
                    continue
            self._leave(key, head)
            self._window.hold(head.weight)
            if head.share is not None:
                head.share.hold(head.weight)
            head.held = True
            head.granted.set_result(None)

    def _wake_at(self, at: int | None) -> None:
        """Keep the one timer at `at`, or none at all."""
        if self._timer is not None:
            if at == self._timer_at:
                return
            self._timer.cancel()
            self._timer = None
        if at is not None:
            self._timer_at = at
            self._timer = asyncio.get_running_loop().create_task(
                self._sleep(at), name=f"toucan budget {self.pool.name}"
            )

    async def _sleep(self, at: int) -> None:
        try:
            await self.clock.sleep_until(at)
        except Exception as error:  # noqa: BLE001 - a broken clock must not leave all waiting
            self._timer = None
            for queue in self._queues.values():
                for waiter in queue:
                    if not waiter.granted.done():
                        waiter.granted.set_exception(error)
            self._queues.clear()
            return
        self._timer = None
        self._serve()


_budgets: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Budget]]
_budgets = weakref.WeakKeyDictionary()
_guard = threading.Lock()  # event loops of several threads may ask at once


def budget_for(pool: Pool, *, clock: Clock | None = None) -> Budget:
    """Return the budget of `pool` on the running event loop: always the same one.

    Args:
        pool: The venue's pool; its name is what counts.
        clock: Where time comes from; the machine's, where None is given to the first who asks.

    Raises:
        InvalidInput: The pool's name is in use with another limit or on another clock.
        RuntimeError: No event loop is running.
    """
    loop = asyncio.get_running_loop()
    with _guard:
        for other in [each for each in _budgets if each.is_closed()]:
            del _budgets[other]
        budgets = _budgets.setdefault(loop, {})
        budget = budgets.get(pool.name)
        if budget is None:
            budget = budgets[pool.name] = Budget(pool, clock)
    if (budget.pool.limit, budget.pool.window_ns) != (pool.limit, pool.window_ns):
        raise InvalidInput(
            f"pool {pool.name!r} is in use with another limit",
            field="pool",
            value=pool,
            accepted=repr(budget.pool),
        )
    if clock is not None and clock != budget.clock:
        raise InvalidInput(
            f"the budget of {pool.name!r} runs on another clock",
            field="clock",
            value=clock,
            accepted=repr(budget.clock),
        )
    return budget
