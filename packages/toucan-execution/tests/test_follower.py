"""What joins stream, answers and queries: stale at once on any doubt, and right again only by asking."""

import asyncio
import json
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from toucan_execution.caller import Caller
from toucan_execution.client.binance.venue import BinanceSpotVenue
from toucan_execution.clocksync import ClockOffset
from toucan_execution.credentials import load_credentials
from toucan_execution.errors import AuthenticationError
from toucan_execution.events import (
    AccountResynced,
    Disconnected,
    ExternalLockUpdate,
    OutOfSync,
    ResyncFailed,
    UnreadableEvent,
)
from toucan_execution.follower import Follower, outcome_key
from toucan_execution.hub import EventHub
from toucan_execution.orders import AmendRequest
from toucan_execution.outcome import Unknown
from toucan_instrument import Catalogue, Environment, Exchange
from toucan_instrument.link import Closed, Connected, Disconnected as LinkDown
from toucan_instrument.rest import Response
from toucan_instrument.testing.clock import FakeClock
from toucan_instrument.testing.socket import FakeNetwork

SECOND = 1_000_000_000
SPOT = Exchange.BINANCE_SPOT
LOCK = b'{"subscriptionId":0,"event":{"e":"externalLockUpdate","E":%d,"a":"BTC","d":"1","T":%d}}'
GARBLED = b'{"subscriptionId":0,"event":{"e":"externalLockUpdate","E":"x"}}'


class Link:
    """As far as a follower knows a connection."""

    def __init__(self):
        self.session = SimpleNamespace(ready=True)
        self.failed = []

    def fail(self, reason, *, planned=False):
        self.failed.append((reason, planned))


class Stand:
    def __init__(self):
        self.clock = FakeClock()
        self.events, self.refused, self.moves, self.asked = [], [], 0, []
        self.hold = None
        self.answers = {}
        network = FakeNetwork(answer=self.answer)
        credentials = load_credentials("key", "secret-of-nobody")
        venue = BinanceSpotVenue(SPOT, Environment.TESTNET, credentials, base_url="https://venue.test")
        caller = Caller(
            venue,
            network=network,
            clock=self.clock,
            offset=ClockOffset(),
            account_id="x",
            timeout_ns=SECOND,
        )
        hub = EventHub(stalled=lambda _: None, start=self.nothing, recovered=lambda: None)
        self.stream = hub.open(None)
        self.link = Link()
        self.follower = Follower(
            venue,
            caller,
            hub,
            clock=self.clock,
            rng=lambda: 0.5,
            is_own=lambda _: False,
            instruments=(),
            find=lambda _: None,
            moved=self.moved,
            give_up=self.refused.append,
        )
        self.follower.attach(self.link)

    async def nothing(self):
        pass

    def moved(self):
        self.moves += 1

    async def answer(self, request):
        path = urlsplit(request.url).path
        self.asked.append(path)
        if self.hold is not None and path.endswith("/account"):
            await self.hold.wait()
        if self.answers.get(path):
            return self.answers[path].pop(0)
        body = {"serverTime": self.clock.utc_ns() // 1_000_000}
        if path.endswith("/account"):
            body = {"canTrade": True, "balances": [], "updateTime": 1}
        elif path.endswith("/openOrders"):
            body = []
        return Response(200, {}, json.dumps(body).encode())

    async def catalogue(self):
        return Catalogue(SPOT, [])

    def read(self):
        self.events += list(self.stream._buffer)
        self.stream._buffer.clear()
        return [type(event).__name__ for event in self.events]

    async def idle(self):
        for _ in range(100):
            await asyncio.sleep(0)

    def fetches(self):
        return sum(path.endswith("/account") for path in self.asked)


@pytest.fixture
async def stand():
    stand = Stand()
    async with stand.clock.running():
        running = asyncio.ensure_future(stand.follower.run(stand.catalogue))
        yield stand
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def synced(stand):
    stand.follower.subscribed()
    await stand.idle()
    assert stand.follower.synced


async def test_it_is_in_step_once_subscribed_and_fetched(stand):
    assert not stand.follower.synced
    assert stand.follower.snapshot() is None
    await synced(stand)
    assert stand.read() == ["AccountSnapshot", "AccountResynced"]
    assert stand.moves
    assert stand.follower.snapshot().account == ""


async def test_events_wait_while_the_rest_is_fetched(stand):
    stand.hold = asyncio.Event()
    stand.follower.subscribed()
    await stand.idle()
    heard = []
    stand.follower.listen(heard.append)
    stand.follower.frame(LOCK % (5, 5), 1)
    assert [type(event) for event in heard] == [ExternalLockUpdate]  # who settles outcomes hears at once
    assert stand.read() == []
    stand.hold.set()
    await stand.idle()
    assert stand.read() == ["AccountSnapshot", "ExternalLockUpdate", "AccountResynced"]


async def test_what_was_fetched_before_a_loss_counts_for_nothing(stand):
    stand.hold = asyncio.Event()
    stand.follower.subscribed()
    await stand.idle()
    stand.follower.lost("cut")
    stand.hold.set()
    await stand.idle()
    assert not stand.follower.synced
    stand.follower.subscribed()
    await stand.idle()
    assert stand.follower.synced
    assert stand.fetches() == 2


async def test_a_message_that_cannot_be_read_while_fetching_starts_that_again(stand):
    stand.hold = asyncio.Event()
    stand.follower.subscribed()
    await stand.idle()
    stand.follower.frame(GARBLED, 1)  # whatever it told may be newer than the answer on its way
    stand.hold.set()
    await stand.idle()
    assert stand.fetches() == 2
    assert stand.follower.synced
    assert stand.read() == ["UnreadableEvent", "AccountSnapshot", "AccountResynced"]


async def test_a_message_that_cannot_be_read_makes_it_stale_at_once(stand):
    await synced(stand)
    stand.read()
    stand.follower.frame(GARBLED, 1)
    assert not stand.follower.synced
    assert "could not be read" in stand.follower.stale_reason
    await stand.idle()
    assert stand.follower.synced
    kinds = [type(each) for each in stand.events + list(stand.stream._buffer)]
    assert kinds[-3:] == [UnreadableEvent, OutOfSync, AccountResynced]


async def test_a_lost_connection_makes_it_stale(stand):
    stand.follower.status(Connected(link="x", at_ns=0, attempt=1))
    await synced(stand)
    stand.read()
    stand.follower.status(LinkDown(link="x", at_ns=0, closed=Closed(1006, "")))
    assert (stand.follower.connected, stand.follower.synced) == (False, False)
    assert stand.follower.stale_reason == "disconnected with code 1006"
    assert [type(each) for each in stand.stream._buffer] == [Disconnected, OutOfSync]
    assert stand.fetches() == 1  # nothing is asked before the stream is subscribed again
    await synced(stand)


async def test_an_expired_key_ends_the_connection_as_planned(stand):
    await synced(stand)
    stand.follower.frame(b'{"e":"listenKeyExpired","E":1,"listenKey":"x"}', 1)
    assert stand.link.failed == [("planned: the venue ended the stream: listenKeyExpired", True)]


async def test_a_part_that_cannot_be_fetched_is_tried_again_for_ever(stand):
    refused = Response(401, {}, b'{"code":-2015,"msg":"Invalid API-key"}')
    stand.answers["/api/v3/account"] = [refused] * 4
    begun = stand.clock.monotonic_ns()
    stand.follower.subscribed()
    while not stand.follower.synced:
        await stand.clock.sleep_until(stand.clock.monotonic_ns() + SECOND)
    assert stand.clock.monotonic_ns() - begun > 4 * SECOND
    assert stand.read().count("ResyncFailed") == 4
    assert [type(each) for each in stand.refused] == [AuthenticationError] * 4
    [failed, *_] = [each for each in stand.events if isinstance(each, ResyncFailed)]
    assert failed.what == "account"


def test_outcomes_of_one_order_are_told_apart():
    def unknown(sent_ns, price):
        request = AmendRequest(instrument=None, client_order_id="a", price=price)
        return Unknown(intent=request, client_order_id="a", sent_ns=sent_ns, expires_ns=9, cause="x")

    keys = {outcome_key(unknown(sent, price)) for sent in (1, 2) for price in (1, 2)}
    assert len(keys) == 4
    assert outcome_key(unknown(1, 1)) in keys
