"""The request budget, in virtual time."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from hypothesis import given, strategies as st

from toucan_instrument.errors import InvalidInput
from toucan_instrument.link import Budget, Lane, Pool, SystemClock, budget_for
from toucan_instrument.testing.clock import FakeClock

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
SPOT = Pool(name="binance-spot", limit=6000, window_ns=MINUTE, source="a document")


def small(limit: int = 10, window_ns: int = 100) -> Budget:
    pool = Pool(name="small", limit=limit, window_ns=window_ns, source="a test")
    return Budget(pool, FakeClock(monotonic_ns=0))


class Log:
    """Tasks that acquire, and when each was served."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.served: list[tuple[str, int]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def want(self, name: str, weight: int, lane: Lane, share: float = 1.0) -> asyncio.Task[None]:
        async def acquire() -> None:
            await self.budget.acquire(weight, lane, share=share)
            self.served.append((name, self.budget.clock.monotonic_ns()))

        self.tasks.append(asyncio.ensure_future(acquire()))
        return self.tasks[-1]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.served]


async def test_what_fits_does_not_wait():
    budget = small()
    await budget.acquire(4, Lane.ORDER)
    await budget.acquire(6, Lane.CANCEL)
    assert budget.used == 10
    assert budget.clock.slept == 0


async def test_what_does_not_fit_waits_for_the_window():
    budget = small()
    log = Log(budget)
    await budget.acquire(10, Lane.CANCEL)
    log.want("a", 1, Lane.CANCEL)
    await budget.clock.settle()
    assert budget.waiting == {Lane.CANCEL: 1}
    await budget.clock.run_until_idle()
    assert log.served == [("a", 100)]
    assert budget.waiting == {}


async def test_lanes_have_strict_priority_and_within_a_lane_the_first_goes_first():
    budget = small()
    log = Log(budget)
    await budget.acquire(10, Lane.CANCEL)
    for name, lane in [
        ("b1", Lane.BACKFILL),
        ("s1", Lane.SNAPSHOT),
        ("o1", Lane.ORDER),
        ("s2", Lane.SNAPSHOT),
        ("c1", Lane.CANCEL),
        ("r1", Lane.RECONCILE),
        ("o2", Lane.ORDER),
        ("b2", Lane.BACKFILL),
    ]:
        log.want(name, 7, lane)
    await budget.clock.run_until_idle()
    assert log.names == ["c1", "o1", "o2", "r1", "s1", "s2", "b1", "b2"]
    assert [at for _, at in log.served] == [100 * i for i in range(1, 9)]


async def test_a_small_request_does_not_pass_a_large_one_that_came_first():
    budget = small()
    log = Log(budget)
    await budget.acquire(5, Lane.CANCEL)
    log.want("large", 9, Lane.ORDER)
    await budget.clock.settle()
    log.want("small", 1, Lane.ORDER)
    log.want("lower", 1, Lane.SNAPSHOT)
    await budget.clock.settle()
    assert log.names == []
    await budget.clock.run_until_idle()
    assert log.names[:2] == ["large", "small"]


async def test_lower_lanes_leave_room_for_orders():
    budget = small(limit=100)
    log = Log(budget)
    for i in range(100):
        log.want(f"s{i}", 1, Lane.SNAPSHOT)
        log.want(f"b{i}", 1, Lane.BACKFILL)
    await budget.clock.settle()
    assert budget.used == 90
    await budget.acquire(8, Lane.ORDER)
    await budget.acquire(2, Lane.CANCEL)
    assert budget.clock.monotonic_ns() == 0
    for task in log.tasks:
        task.cancel()


@pytest.mark.parametrize("lane", list(Lane))
async def test_every_lane_can_use_the_smallest_limit(lane):
    await small(limit=1).acquire(1, lane)


@pytest.mark.parametrize(
    ("weight", "lane", "share", "field"),
    [
        (101, Lane.CANCEL, 1.0, "weight"),
        (91, Lane.SNAPSHOT, 1.0, "weight"),
        (51, Lane.SNAPSHOT, 0.5, "weight"),
        (-1, Lane.CANCEL, 1.0, "weight"),
        (1, Lane.CANCEL, 0.0, "share"),
        (1, Lane.CANCEL, 1.1, "share"),
    ],
)
async def test_what_could_only_wait_for_ever_is_refused(weight, lane, share, field):
    budget = small(limit=100)
    with pytest.raises(InvalidInput) as caught:
        await budget.acquire(weight, lane, share=share)
    assert caught.value.field == field
    assert budget.waiting == {}


async def test_who_shares_a_share_keeps_to_it_together_and_holds_up_nobody_else():
    budget = small(limit=100)
    log = Log(budget)
    for i in range(4):
        log.want(f"data{i}", 25, Lane.SNAPSHOT, share=0.5)
    log.want("other", 25, Lane.SNAPSHOT)
    await budget.clock.settle()
    assert log.names == ["data0", "data1", "other"]
    await budget.clock.run_until_idle()
    assert log.served[3:] == [("data2", 100), ("data3", 100)]


async def test_a_stop_stops_every_lane_and_ends_by_itself():
    budget = small()
    log = Log(budget)
    budget.stop_until(500, "429")
    budget.stop_until(400, "an earlier end changes nothing")
    assert budget.stopped is not None
    assert (budget.stopped.until_ns, budget.stopped.reason) == (500, "429")
    log.want("cancel", 0, Lane.CANCEL)
    log.want("order", 1, Lane.ORDER)
    await budget.clock.advance(499)
    assert log.names == []
    await budget.clock.advance(1)
    assert log.served == [("cancel", 500), ("order", 500)]
    assert budget.stopped is None


async def test_a_stop_reaches_those_who_wait_already():
    budget = small()
    log = Log(budget)
    await budget.acquire(10, Lane.CANCEL)
    log.want("a", 1, Lane.ORDER)
    await budget.clock.advance(50)
    budget.stop_until(1000, "418")
    await budget.clock.run_until_idle()
    assert log.served == [("a", 1000)]


async def test_a_stop_reaches_those_who_were_granted_and_have_not_gone():
    budget = small()
    log = Log(budget)
    await budget.acquire(10, Lane.CANCEL)
    for name in "abcd":
        log.want(name, 3, Lane.CANCEL)
    await budget.clock.settle()
    budget.clock._jump(100)
    while budget.waiting != {Lane.CANCEL: 1}:
        await asyncio.sleep(0)
    budget.stop_until(1000, "418")
    await budget.clock.settle()
    assert log.served == []
    assert budget.waiting == {Lane.CANCEL: 4}
    await budget.clock.run_until_idle()
    assert log.served == [("a", 1000), ("b", 1000), ("c", 1000), ("d", 1100)]


async def test_what_others_use_is_counted_for_a_window():
    budget = small(limit=100)
    await budget.acquire(10, Lane.ORDER)
    budget.observe(95)
    assert budget.used == 95
    budget.observe(40)  # an answer that came late, or the venue's next window: no reason to forget
    assert budget.used == 95
    log = Log(budget)
    await budget.clock.advance(60)
    log.want("a", 10, Lane.CANCEL)
    await budget.clock.run_until_idle()
    assert log.served == [("a", 100)]


async def test_a_call_counts_until_a_window_after_its_answer():
    budget = small()
    async with budget.hold(10, Lane.CANCEL):
        await budget.clock.advance(250)
        assert budget.used == 10
    log = Log(budget)
    log.want("next", 1, Lane.CANCEL)
    await budget.clock.run_until_idle()
    assert log.served == [("next", 350)]


async def test_a_call_that_fails_counts_as_well():
    budget = small()
    with pytest.raises(ZeroDivisionError):
        async with budget.hold(10, Lane.CANCEL):
            raise ZeroDivisionError
    assert budget.used == 10


async def test_a_cancelled_waiter_leaves_nothing_behind():
    budget = small()
    log = Log(budget)
    await budget.acquire(10, Lane.CANCEL)
    first, _ = log.want("a", 10, Lane.CANCEL), log.want("b", 1, Lane.ORDER)
    await budget.clock.settle()
    first.cancel()
    await budget.clock.settle()
    assert budget.waiting == {Lane.ORDER: 1}
    log.tasks[1].cancel()
    await budget.clock.settle()
    assert budget.waiting == {}
    assert budget.clock.sleepers == 0
    assert len(asyncio.all_tasks()) == 1


async def test_a_waiter_that_is_cancelled_while_it_is_served_gives_its_weight_back():
    budget = small()
    log = Log(budget)
    await budget.acquire(10, Lane.CANCEL)
    first, _ = log.want("a", 10, Lane.CANCEL, 1.0), log.want("b", 10, Lane.CANCEL)
    await budget.clock.settle()
    budget.clock._jump(100)
    # Until the first is granted, and before it runs.
    while budget.waiting != {Lane.CANCEL: 1}:
        await asyncio.sleep(0)
    first.cancel()
    await budget.clock.settle()
    assert log.served == [("b", 100)]
    assert budget.used == 10


async def test_one_timer_serves_all_waiters():
    budget = small()
    log = Log(budget)
    for i in range(200):
        log.want(str(i), 1, Lane.CANCEL)
    await budget.clock.settle()
    assert budget.clock.sleepers == 1
    await budget.clock.run_until_idle()
    assert len(log.served) == 200
    assert budget.clock.slept == 19  # one nap for each window but the first: nobody polls


async def test_a_clock_that_breaks_is_told_to_those_who_wait():
    class Broken(FakeClock):
        async def sleep_until(self, monotonic_ns):
            raise ZeroDivisionError

    budget = Budget(Pool(name="x", limit=1, window_ns=1, source=""), Broken())
    await budget.acquire(1, Lane.CANCEL)
    with pytest.raises(ZeroDivisionError):
        await budget.acquire(1, Lane.CANCEL)
    assert budget.used == 1


async def test_300_books_take_two_windows():
    """15,000 of weight at 6,000 a minute: whatever is done, it takes two windows."""
    budget = Budget(SPOT, FakeClock(monotonic_ns=0))
    log = Log(budget)
    for i in range(300):
        log.want(str(i), 50, Lane.SNAPSHOT)
    await budget.clock.run_until_idle()
    assert log.names == [str(i) for i in range(300)]
    assert budget.clock.monotonic_ns() == 2 * MINUTE


async def test_it_tells_its_state():
    budget = small()
    log = Log(budget)
    await budget.acquire(10, Lane.CANCEL)
    log.want("a", 1, Lane.SNAPSHOT)
    await budget.clock.settle()
    budget.stop_until(2 * SECOND, "429")
    assert repr(budget) == (
        "<Budget small: 10/10 per 1e-07 s, waiting {'snapshot': 1}, stopped for 2.0 s: 429>"
    )
    log.tasks[0].cancel()


ACQUIRES = st.lists(
    st.tuples(
        st.integers(0, 40),  # when, after the one before
        st.integers(0, 7),  # the weight
        st.sampled_from(Lane),
        st.sampled_from([1.0, 1.0, 0.7]),
        st.integers(0, 30),  # how long the call takes
        st.booleans(),  # whether its caller loses patience
    ),
    max_size=40,
)


@given(ACQUIRES)
def test_no_span_exceeds_the_limit_and_nobody_starves(wanted):
    async def scenario() -> None:
        budget, calls = small(limit=10), []
        clock = budget.clock

        async def one(weight: int, lane: Lane, share: float, under_way: int) -> None:
            async with budget.hold(weight, lane, share=share):
                sent = clock.monotonic_ns()
                await clock.sleep_until(sent + under_way)
                calls.append((sent, clock.monotonic_ns(), weight))

        tasks, impatient = [], 0
        for pause, weight, lane, share, under_way, gives_up in wanted:
            await clock.advance(pause)
            tasks.append(asyncio.ensure_future(one(weight, lane, share, under_way)))
            if gives_up and len(tasks) > 2:
                impatient += tasks[-3].cancel()
        await clock.run_until_idle()
        assert all(task.done() for task in tasks)
        assert budget.waiting == {}
        for end in (0, 1):
            for at in [call[end] for call in calls]:
                assert sum(c[2] for c in calls if at <= c[end] < at + 100) <= 10
        await clock.advance(100)
        assert budget.used == 0  # nothing leaks
        assert len(calls) >= len(wanted) - impatient

    asyncio.run(scenario())


@given(st.lists(st.tuples(st.sampled_from(Lane), st.integers(1, 7)), min_size=1, max_size=30))
def test_who_waits_together_is_served_by_lane_and_then_by_arrival(wanted):
    async def scenario() -> None:
        budget = small()
        log = Log(budget)
        await budget.acquire(10, Lane.CANCEL)
        for i, (lane, weight) in enumerate(wanted):
            log.want(f"{lane.value}{i:02}", weight, lane)
        await budget.clock.run_until_idle()
        assert log.names == sorted(log.names)

    asyncio.run(scenario())


async def test_there_is_one_budget_for_a_pool_and_an_event_loop():
    again = Pool(name=SPOT.name, limit=6000, window_ns=MINUTE, source="another document")
    budget = budget_for(SPOT)
    assert budget_for(again) is budget
    assert budget_for(SPOT, clock=SystemClock()) is budget

    def elsewhere() -> Budget:
        async def ask() -> Budget:
            return budget_for(SPOT)

        return asyncio.run(ask())

    assert await asyncio.to_thread(elsewhere) is not budget


async def test_a_pool_cannot_have_two_limits_or_clocks():
    budget_for(SPOT, clock=FakeClock())
    with pytest.raises(InvalidInput) as caught:
        budget_for(Pool(name=SPOT.name, limit=5999, window_ns=MINUTE, source=""))
    assert caught.value.field == "pool"
    with pytest.raises(InvalidInput) as caught:
        budget_for(SPOT, clock=FakeClock())
    assert caught.value.field == "clock"


def test_a_budget_dies_with_its_event_loop():
    async def ask() -> weakref.ref[Budget]:
        budget = budget_for(SPOT)
        await budget.acquire(1, Lane.ORDER)
        return weakref.ref(budget)

    gone = asyncio.run(ask())
    gc.collect()
    assert gone() is None


def test_no_event_loop_no_budget():
    with pytest.raises(RuntimeError):
        budget_for(SPOT)


async def test_what_was_refunded_makes_room_for_who_waits():
    clock = FakeClock(monotonic_ns=0)
    budget = Budget(Pool("refund", 10, 60 * SECOND, "a test"), clock)
    async with budget.hold(10, Lane.CANCEL) as held:
        waiting = asyncio.ensure_future(budget.acquire(10, Lane.CANCEL))
        await clock.settle()
        assert not waiting.done()
        held.refund()
        assert budget.used == 10
    await clock.settle()
    assert waiting.done()
    assert (budget.used, clock.monotonic_ns()) == (10, 0)


def test_an_address_of_ones_own_has_a_pool_of_its_own():
    pool = Pool("weight", 10, 60 * SECOND, "a test")
    assert pool.at("http://127.0.0.1:80/api").name == "weight@http://127.0.0.1:80"
    assert pool.at("ws://127.0.0.1:80/stream") == pool.at("http://127.0.0.1:80")
    assert pool.at("wss://venue.test/x") == pool.at("https://venue.test")
    assert pool.at("") is pool
