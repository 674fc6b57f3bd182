"""The machine's clock."""

from __future__ import annotations

import asyncio
import time

from toucan_instrument.link import SystemClock, before
from toucan_instrument.testing.clock import FakeClock


async def test_a_sleep_is_never_too_short():
    clock = SystemClock()
    for ns in (-5, 0, 1_000, 2_000_000):
        until = clock.monotonic_ns() + ns
        await clock.sleep_until(until)
        assert clock.monotonic_ns() >= until


def test_it_reads_the_machine():
    assert abs(SystemClock().utc_ns() - time.time_ns()) < 1_000_000_000


def test_there_is_one_time_per_machine():
    assert SystemClock() == SystemClock()
    assert len({SystemClock(), SystemClock()}) == 1
    assert SystemClock() != FakeClock()
    assert repr(SystemClock()) == "SystemClock()"


async def test_before_waits_for_whichever_is_first():
    clock = FakeClock()
    early, late = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()
    early.set_result(1)
    end = clock.monotonic_ns() + 5
    assert await before(clock, end, early)
    assert clock.monotonic_ns() < end
    assert not await clock.run(before(clock, end, late))
    assert clock.monotonic_ns() >= end
    assert not late.done()
