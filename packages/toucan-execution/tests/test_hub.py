"""Any number of readers, none of which ever loses an event."""

import asyncio

import pytest

from toucan_execution.account import AccountSnapshot
from toucan_execution.errors import ClientClosed
from toucan_execution.events import ConsumerStalled, ExternalLockUpdate
from toucan_execution.hub import BOUND, EventHub
from toucan_instrument import Exchange
from toucan_instrument.errors import InvalidInput

SPOT = Exchange.BINANCE_SPOT


class Stand:
    def __init__(self, bound=3):
        self.starts = self.recoveries = 0
        self.hub = EventHub(
            bound=bound,
            stalled=lambda waiting: ConsumerStalled(SPOT, "main", None, 0, waiting=waiting),
            start=self.start,
            recovered=self.recovered,
        )

    async def start(self):
        self.starts += 1

    def recovered(self):
        self.recoveries += 1


def event(number):
    return ExternalLockUpdate(SPOT, "main", number, number, asset="BTC", amount=0)


SNAPSHOT = AccountSnapshot(
    exchange=SPOT,
    account="main",
    time_exchange=None,
    time_received=1,
    balances=(),
    positions=(),
    open_orders=(),
)


async def test_every_reader_gets_everything_in_order():
    stand = Stand(bound=BOUND)
    streams = [stand.hub.open(None) for _ in range(3)]
    for number in range(5):
        stand.hub.publish(event(number))
    for stream in streams:
        assert [(await anext(stream)).time_exchange for _ in range(5)] == list(range(5))
    assert stand.starts


async def test_a_stream_begins_with_the_account_once():
    stand = Stand()
    early, late = stand.hub.open(None), stand.hub.open(SNAPSHOT)
    stand.hub.publish(event(1))
    stand.hub.begin(SNAPSHOT)
    stand.hub.begin(SNAPSHOT)
    assert [await anext(early), await anext(early)] == [event(1), SNAPSHOT]
    assert [await anext(late), await anext(late)] == [SNAPSHOT, event(1)]
    assert (len(early), len(late)) == (0, 0)


async def test_a_reader_waits_for_news():
    stand = Stand()
    stream = stand.hub.open(None)
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert not reading.done()
    stand.hub.publish(event(1))
    assert await reading == event(1)


async def test_a_reader_that_gives_up_waiting_can_come_back():
    stand = Stand()
    stream = stand.hub.open(None)
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    stand.hub.publish(event(1))
    assert await anext(stream) == event(1)


async def test_a_slow_reader_is_told_in_its_place_and_loses_nothing():
    stand = Stand(bound=3)
    slow, quick = stand.hub.open(None), stand.hub.open(None)
    for number in range(6):
        stand.hub.publish(event(number))
        await anext(quick)
    assert (slow.stalled, quick.stalled, stand.hub.stalled) == (True, False, True)
    read = [await anext(slow)]
    assert (stand.hub.stalled, stand.recoveries) == (True, 0)  # not before all is read
    read += [await anext(slow) for _ in range(len(slow))]
    assert [each.waiting for each in read if isinstance(each, ConsumerStalled)] == [3]
    assert [type(each) for each in read][3] is ConsumerStalled
    assert [each.time_exchange for each in read if not isinstance(each, ConsumerStalled)] == list(range(6))
    assert (stand.hub.stalled, stand.recoveries) == (False, 1)
    for number in range(3):
        stand.hub.publish(event(number))
    assert stand.hub.stalled  # again


async def test_all_must_have_caught_up():
    stand = Stand(bound=1)
    first, second = stand.hub.open(None), stand.hub.open(None)
    stand.hub.publish(event(1))
    for _ in range(2):
        await anext(first)
    assert (stand.hub.stalled, stand.recoveries) == (True, 0)
    await second.aclose()  # leaving is catching up too
    assert (stand.hub.stalled, stand.recoveries) == (False, 1)
    await second.aclose()
    assert stand.recoveries == 1


async def test_the_end_comes_after_what_waits():
    stand = Stand()
    stream = stand.hub.open(None)
    stand.hub.publish(event(1))
    stand.hub.close()
    stand.hub.close(ValueError("too late"))
    assert [each async for each in stream] == [event(1)]
    assert [each async for each in stand.hub.open(None)] == []


async def test_a_fault_is_raised_after_what_waits():
    stand = Stand()
    stream = stand.hub.open(None)
    stand.hub.publish(event(1))
    fault = ZeroDivisionError("a bug")
    stand.hub.close(fault)
    assert await anext(stream) == event(1)
    for reader in (stream, stand.hub.open(None)):
        with pytest.raises(ClientClosed, match="a bug") as caught:
            await anext(reader)
        assert caught.value.__cause__ is fault


async def test_one_reader_for_each_stream():
    stand = Stand()
    stream = stand.hub.open(None)
    assert stream
    assert len(stream) == 0
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    with pytest.raises(ClientClosed, match="another task"):
        await anext(stream)
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await reading


def test_a_buffer_holds_something():
    with pytest.raises(InvalidInput, match="bound"):
        Stand(bound=0)
