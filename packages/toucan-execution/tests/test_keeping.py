"""What keeps an account's events coming: on time, again after a failure, and never taken for done."""

import asyncio

import pytest

from toucan_execution.keeping import Keeper, say_goodbye
from toucan_instrument.errors import PayloadError, RequestFailed, VenueError
from toucan_instrument.testing.clock import FakeClock

MINUTE = 60 * 1_000_000_000


class Stand:
    """A caller that does what it is told, and a keeper."""

    def __init__(self):
        self.clock = FakeClock()
        self.said, self.renewed, self.faults = [], [], []
        self.connected = True
        self.keeper = Keeper(
            self,
            clock=self.clock,
            every_ns=30 * MINUTE,
            kept_ns=58 * MINUTE,
            conversation=lambda: "keep" if self.connected else None,
            is_gone=lambda error: error.code == -1125,
            renew=self.renew,
        )

    async def converse(self, conversation):
        assert conversation == "keep"
        self.said.append(self.clock.monotonic_ns() // MINUTE)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "hang":
            await asyncio.Event().wait()
        if fault is not None:
            raise fault

    def renew(self, reason):
        self.renewed.append((self.clock.monotonic_ns() // MINUTE, reason))
        self.keeper.begun()

    async def run(self, minutes):
        running = asyncio.ensure_future(self.keeper.run())
        await self.clock.advance(minutes * MINUTE)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def error_of(code=-1000, status=500):
    return VenueError(
        method="PUT", url="https://x/key", status=status, code=code, venue_message="no such key"
    )


LOST = RequestFailed("lost", method="PUT", url="https://x/key", sent=None)


async def test_it_is_said_in_time():
    stand = Stand()
    await stand.run(100)
    assert stand.said == [30, 60, 90]
    assert stand.renewed == []


@pytest.mark.parametrize("fault", [LOST, error_of(), PayloadError("x", raw=b"", cause="x")])
async def test_a_failure_is_tried_again_every_minute(fault):
    stand = Stand()
    stand.faults = [fault] * 3
    await stand.run(70)
    assert stand.said == [30, 31, 32, 33, 63]
    assert stand.renewed == []


async def test_what_is_gone_is_renewed_at_once():
    stand = Stand()
    stand.faults = [error_of(-1125, 400)]
    await stand.run(59)
    assert (stand.said, stand.renewed) == ([30], [(30, "the keep-alive was refused: no such key")])


async def test_what_cannot_be_kept_is_renewed_before_it_ends():
    stand = Stand()
    stand.faults = [LOST] * 100
    await stand.run(59)
    assert stand.renewed == [(58, "it was not kept alive in time")]
    assert stand.said[-1] == 58


async def test_an_answer_that_does_not_come_counts_as_none():
    stand = Stand()
    stand.faults = ["hang"]
    await stand.run(89)
    assert stand.renewed == [(58, "it was not kept alive in time")]
    assert stand.said == [30, 88]


async def test_nothing_is_said_while_there_is_no_connection():
    stand = Stand()
    stand.connected = False
    await stand.run(45)
    assert stand.said == []


@pytest.mark.parametrize("fault", [None, LOST, error_of(), "hang"])
async def test_a_goodbye_is_short_and_never_raises(fault):
    stand = Stand()
    stand.faults = [fault]
    async with stand.clock.running():
        await say_goodbye(stand, stand.clock, "keep")
    assert stand.said == [0]
    assert stand.clock.monotonic_ns() < MINUTE
