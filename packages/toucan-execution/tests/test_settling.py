"""Unknown outcomes are looked into, whether or not anybody waits, and what was found is not kept for ever."""

import asyncio
from decimal import Decimal

import pytest

from toucan_execution.client.binance.normalise import unchecked
from toucan_execution.clocksync import ClockOffset
from toucan_execution.errors import UnknownOrder
from toucan_execution.events import AccountResynced, OrderUpdate, OutOfSync
from toucan_execution.orders import Order, OrderOrigin, OrderRequest, OrderStatus, OrderType
from toucan_execution.outcome import Accepted, Reason, Unknown
from toucan_execution.settling import KEPT, Settler
from toucan_instrument import Exchange, Side
from toucan_instrument.errors import RequestFailed
from toucan_instrument.testing.clock import FakeClock

SPOT = Exchange.BINANCE_SPOT
SECOND = 1_000_000_000
D = Decimal


class Stand:
    """The parts that a settler uses, as plain as they can be: a follower, a venue and a caller in one."""

    def __init__(self, instrument):
        self.clock = FakeClock()
        self.instrument = instrument
        self.synced = True
        self.listeners, self.settled_outcomes, self.learned, self.refused, self.asked = [], [], [], [], []
        self.answers = []
        self.begun = 0
        self.offset = ClockOffset()
        now = self.clock.monotonic_ns()
        self.offset.add(now, now, self.clock.utc_ns())
        self.settler = Settler(self, self, self, clock=self.clock, begin=self.begin)

    def begin(self):
        self.begun += 1

    # As a follower.

    def listen(self, listener):
        self.listeners.append(listener)

    def on_unknown(self, watch):
        self.watch = watch

    def settled(self, outcome):
        self.settled_outcomes.append(outcome)

    def learn(self, placed, *, received_ns):
        self.learned.append(placed.order)

    def rejected(self, client_order_id, instrument, outcome):
        self.refused.append((client_order_id, outcome.reason))

    # As a venue and a caller.

    def order(self, instrument, *ids, client_order_id="", order_id="", conditional=None):
        return None if ids else client_order_id

    async def converse(self, name):
        self.asked.append((self.clock.monotonic_ns(), name))
        answer = self.answers.pop(0) if self.answers else RequestFailed("x", method="GET", url="x", sent=None)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def venue_ns(self):
        return self.offset.server_ns(self.clock.monotonic_ns())

    # What happens.

    def unknown(self, name="bot-1", sent_ns=0, intent=None):
        sent_ns = sent_ns or self.clock.utc_ns()
        intent = intent or OrderRequest(
            instrument=self.instrument,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=D(1),
            price=D(5),
            client_order_id=name,
        )
        return Unknown(
            intent=intent, client_order_id=name, sent_ns=sent_ns, expires_ns=sent_ns + SECOND, cause="a test"
        )

    def found(self, name="bot-1", status=OrderStatus.OPEN):
        now = self.clock.utc_ns()
        return Order(
            instrument=self.instrument,
            client_order_id=name,
            order_id="7",
            side=Side.BUY,
            type=OrderType.LIMIT,
            status=status,
            quantity=D(1),
            price=D(5),
            created_ns=now,
            updated_ns=now,
        )

    def tell(self, event):
        for listener in self.listeners:
            listener(event)

    def update(self, name="bot-1"):
        order, now = self.found(name), self.clock.utc_ns()
        self.tell(OrderUpdate(SPOT, "", now, now, order=order, origin=OrderOrigin.OWN))


@pytest.fixture
async def stand(btcusdt):
    stand = Stand(btcusdt)
    async with stand.clock.running():
        running = asyncio.ensure_future(stand.settler.run())
        yield stand
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def btcusdt():
    return unchecked(SPOT)("BTCUSDT")


async def test_it_is_looked_into_although_nobody_waits(stand):
    unknown = stand.unknown()
    stand.answers = [stand.found()]
    stand.watch(unknown)
    await stand.clock.sleep_until(stand.clock.monotonic_ns() + 5 * SECOND)
    assert stand.begun == 1
    assert stand.settled_outcomes == [unknown]
    assert [order.order_id for order in stand.learned] == ["7"]
    assert len(stand.asked) == 1
    assert isinstance(await stand.settler.settle(unknown, 0), Accepted)  # known by now


async def test_the_stream_settles_without_a_question(stand):
    unknown = stand.unknown()
    waiting = asyncio.ensure_future(stand.settler.settle(unknown, 60 * SECOND))
    await asyncio.sleep(0)
    stand.update()
    assert isinstance(await waiting, Accepted)
    assert stand.asked == []


async def test_time_that_is_over_is_no_error(stand):
    unknown = stand.unknown()
    assert await stand.settler.settle(unknown, 3 * SECOND) is unknown
    assert stand.asked  # by questions that fail
    assert stand.settled_outcomes == []


async def test_nothing_is_concluded_while_the_account_is_not_in_sync(stand):
    error = UnknownOrder(method="GET", url="x", status=400, code=-2013, venue_message="no")
    stand.answers = [error] * 1000
    unknown = stand.unknown()
    stand.watch(unknown)
    now = stand.clock.utc_ns()
    stand.tell(OutOfSync(SPOT, "", None, now, reason="a test"))
    assert await stand.settler.settle(unknown, 100 * SECOND) is unknown
    stand.tell(AccountResynced(SPOT, "", None, now, since_ns=None))
    settled = await stand.settler.settle(unknown, 100 * SECOND)
    assert settled.reason is Reason.NEVER_MADE
    assert stand.refused == [("bot-1", Reason.NEVER_MADE)]


async def test_the_same_is_not_looked_into_twice_and_another_attempt_is(stand):
    first, second = stand.unknown(), stand.unknown(sent_ns=stand.clock.utc_ns() + 1)
    stand.watch(first)
    stand.watch(first)
    stand.watch(second)
    stand.update()
    assert stand.settled_outcomes == [first, second]


async def test_what_was_found_is_not_kept_for_ever(stand):
    for number in range(KEPT + 10):
        stand.watch(stand.unknown(f"bot-{number}"))
        stand.update(f"bot-{number}")
    assert len(stand.settled_outcomes) == KEPT + 10
    assert len(stand.settler._done) == KEPT
