"""Virtual time: in order, at once, and the same every time."""

from __future__ import annotations

import asyncio

import pytest

from toucan_instrument.testing.clock import FakeClock

SECOND = 1_000_000_000


@pytest.fixture
def clock():
    return FakeClock(monotonic_ns=0, utc_ns=1_000)


async def test_time_stands_still_until_it_is_told_to_move(clock):
    assert (clock.monotonic_ns(), clock.utc_ns()) == (0, 1_000)
    await clock.advance(5)
    assert (clock.monotonic_ns(), clock.utc_ns()) == (5, 1_005)


async def test_the_wall_clock_can_step_alone(clock):
    clock.step_utc(-500)
    assert (clock.monotonic_ns(), clock.utc_ns()) == (0, 500)


async def test_sleepers_wake_in_order_at_their_own_time(clock):
    woken = []

    async def sleeper(name, *until):
        for at in until:
            await clock.sleep_until(at)
            woken.append((name, clock.monotonic_ns()))

    tasks = [asyncio.ensure_future(sleeper("a", 30, 31)), asyncio.ensure_future(sleeper("b", 10))]
    await clock.settle()
    assert clock.sleepers == 2
    await clock.advance(30)
    assert woken == [("b", 10), ("a", 30)]
    assert (clock.sleepers, clock.next_deadline) == (1, 31)
    await clock.run_until_idle()
    assert woken[-1] == ("a", 31)
    assert clock.sleepers == 0
    await asyncio.gather(*tasks)


async def test_a_sleep_into_the_past_yields_once(clock):
    await clock.sleep_until(-1)
    await clock.sleep_until(0)
    assert clock.slept == 2


async def test_a_cancelled_sleeper_is_no_sleeper(clock):
    task = asyncio.ensure_future(clock.sleep_until(10))
    await clock.settle()
    task.cancel()
    await clock.settle()
    assert (clock.sleepers, clock.next_deadline) == (0, None)


async def test_chains_of_tasks_run_to_their_end_before_time_moves(clock):
    async def chain(depth):
        if depth:
            await asyncio.ensure_future(chain(depth - 1))
        else:
            done.append(clock.monotonic_ns())

    done = []
    task = asyncio.ensure_future(chain(500))
    await clock.settle()
    assert done == [0]
    await task


async def test_a_thousand_tasks_take_virtual_time_only(clock):
    async def ticker(step):
        for i in range(1, 11):
            await clock.sleep_until(i * step)

    tasks = [asyncio.ensure_future(ticker(SECOND + i)) for i in range(1000)]
    await clock.run_until_idle()
    assert all(task.done() for task in tasks)
    assert clock.monotonic_ns() == 10 * (SECOND + 999)


async def test_run_gives_the_result_and_raises_the_error(clock):
    async def work():
        await clock.sleep_until(10)
        return "done"

    async def fail():
        raise ZeroDivisionError

    assert await clock.run(work()) == "done"
    with pytest.raises(ZeroDivisionError):
        await clock.run(fail())


async def test_run_says_when_time_is_not_what_is_waited_for(clock):
    with pytest.raises(TimeoutError, match="not done"):
        await clock.run(asyncio.Event().wait())
    assert len(asyncio.all_tasks()) == 1


async def test_what_never_rests_is_told_apart_from_what_waits(clock):
    async def heartbeat():
        while True:
            await clock.sleep_until(clock.monotonic_ns() + SECOND)

    task = asyncio.ensure_future(heartbeat())
    with pytest.raises(TimeoutError, match="still sleeping"):
        await clock.run_until_idle(within_ns=10 * SECOND)
    assert clock.monotonic_ns() == 10 * SECOND
    task.cancel()


async def test_time_can_pass_by_itself(clock):
    async with clock.running():
        await clock.sleep_until(3600 * SECOND)
        await asyncio.gather(*[clock.sleep_until(7200 * SECOND + i) for i in range(10)])
        await clock.settle()  # two drivers at once
    assert clock.monotonic_ns() == 7200 * SECOND + 9
    assert len(asyncio.all_tasks()) == 1


async def test_a_loop_that_hides_its_queue_is_driven_all_the_same(clock, monkeypatch):
    real = asyncio.get_running_loop()

    class Blind:
        def create_future(self):
            return real.create_future()

    monkeypatch.setattr("toucan_instrument.testing.clock.asyncio.get_running_loop", Blind)
    task = asyncio.ensure_future(clock.sleep_until(10))
    await clock.advance(10)
    assert task.done()


def test_it_says_what_it_is(clock):
    assert repr(clock) == "<FakeClock 0 ns, sleepers: 0>"
