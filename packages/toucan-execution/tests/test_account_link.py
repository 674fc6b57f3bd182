"""One supervised connection: how its address is had, what it costs, and what its errors mean."""

import asyncio
import logging
import traceback
from pathlib import Path

import pytest

from toucan_execution.account_link import AccountLink
from toucan_execution.errors import EndpointGone
from toucan_execution.requesting import AccountSession, SessionEvents, SessionLimits
from toucan_instrument.errors import DialError, PayloadError, RequestFailed, VenueError
from toucan_instrument.link import Connected, Disconnected, Retrying, budget_for
from toucan_instrument.pool import Pool
from toucan_instrument.testing.clock import FakeClock
from toucan_instrument.testing.socket import FakeNetwork, FakeSocket

SECOND = 1_000_000_000
KEY = "listen-key-of-nobody"
CONNECTIONS = Pool("test/connections", 300, 300 * SECOND, "a test")
REQUESTS = Pool("test/requests", 100, 60 * SECOND, "a test")


class Stand:
    def __init__(self, *, dials=None, urls=(), weight=5):
        self.clock = FakeClock()
        self.network = FakeNetwork(dials)
        self.urls = list(urls)
        self.statuses, self.asked = [], 0

        def ready():
            self.link.wake()

        events = SessionEvents(lambda *_: None, ready, lambda _: None, lambda _: None)
        self.link = AccountLink(
            "binance-spot/main/account",
            network=self.network,
            clock=self.clock,
            rng=lambda: 0.5,
            url=self.url,
            new_session=lambda: AccountSession(events, SessionLimits(idle_ns=3600 * SECOND), rng=lambda: 0.0),
            emit=self.statuses.append,
            connection_pool=CONNECTIONS,
            request_pool=REQUESTS,
            weight=weight,
            final=lambda error: isinstance(error, EndpointGone),
        )

    async def url(self):
        self.asked += 1
        said = self.urls.pop(0) if self.urls else f"wss://venue.test/ws/{KEY}"
        if isinstance(said, Exception):
            raise said
        return said

    async def run(self, seconds):
        running = asyncio.ensure_future(self.link.run())
        try:
            await self.clock.advance(int(seconds * SECOND))
            if running.done():
                running.result()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def of(self, kind):
        return [status for status in self.statuses if isinstance(status, kind)]


def venue_error(kind=VenueError, status=503, **more):
    return kind(
        method="POST", url="https://venue.test/key", status=status, code=None, venue_message="no", **more
    )


async def test_a_connection_is_charged_and_counted():
    stand = Stand()
    await stand.run(1)
    assert budget_for(REQUESTS, clock=stand.clock).used == 5
    assert budget_for(CONNECTIONS, clock=stand.clock).used == 1
    assert len(stand.network.dialled) == 1
    assert [type(each) for each in stand.statuses] == [Connected, Disconnected]


async def test_who_waits_gets_the_session_once_it_is_ready():
    stand = Stand()
    end = stand.clock.monotonic_ns() + 5 * SECOND
    waiting = asyncio.ensure_future(stand.link.ready(end))
    await stand.clock.advance(6 * SECOND)
    assert await waiting is None
    late = asyncio.ensure_future(stand.link.ready(end + 5 * SECOND))
    running = asyncio.ensure_future(stand.link.run())
    await stand.clock.advance(SECOND)
    assert (await late).ready
    stand.link.fail("a test", planned=True)
    assert await stand.link.ready(0) is None
    await stand.clock.advance(SECOND)
    assert len(stand.network.dialled) == 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    "error",
    [
        RequestFailed("lost", method="POST", url="https://venue.test/key", sent=None),
        PayloadError("listen key", raw=b"", cause="there is none"),
        venue_error(),
        venue_error(status=401),
    ],
)
async def test_an_address_that_cannot_be_had_is_asked_for_again(error):
    stand = Stand(urls=[error, error])
    await stand.run(60)
    assert stand.asked == 3
    assert len(stand.network.dialled) == 1
    assert len(stand.of(Retrying)) == 2


async def test_a_venue_that_wants_peace_gets_it():
    stand = Stand(urls=[venue_error(retry_after_ns=50 * SECOND)])
    await stand.run(49)
    assert stand.asked == 1
    await stand.run(60)


async def test_what_is_gone_for_good_ends_it():
    stand = Stand(urls=[venue_error(EndpointGone, status=410)])
    with pytest.raises(DialError, match="410") as caught:
        await stand.run(5)
    assert not caught.value.retryable


async def test_a_stopped_address_does_not_connect():
    stand = Stand(weight=0)
    budget_for(REQUESTS, clock=stand.clock).stop_until(stand.clock.monotonic_ns() + 100 * SECOND, "banned")
    await stand.run(99)
    assert stand.asked == 0
    stand.clock.monotonic_ns()
    await stand.run(30)
    assert stand.asked == 1


async def test_a_handshake_that_is_refused_for_too_much_stops_requests_as_well():
    stand = Stand(
        dials=[DialError("429", retryable=True, retry_after_ns=30 * SECOND, status=429), FakeSocket()]
    )
    await stand.run(20)
    assert budget_for(REQUESTS, clock=stand.clock).stopped is not None


async def test_no_address_shows_in_what_is_told_or_raised(caplog):
    caplog.set_level(logging.DEBUG)
    failed = DialError("venue.test answered 404 to the handshake", retryable=False, status=404)
    failed.__cause__ = ValueError(f"wss://venue.test/ws/{KEY}")
    stand = Stand(dials=[failed])
    with pytest.raises(DialError) as caught:
        await stand.run(5)
    # What an error tracker shows: the variables of every frame of ours.
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    parts = [(frame, Path(frame.filename).parts) for frame in shown.stack]
    ours = [frame for frame, names in parts if "toucan_execution" in names and "tests" not in names]
    assert ours
    assert not any(KEY in str(frame.locals) for frame in ours)
    assert KEY not in caplog.text + repr(stand.statuses) + "".join(traceback.format_exception(caught.value))
