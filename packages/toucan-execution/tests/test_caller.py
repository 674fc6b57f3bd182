"""The one place from which requests leave: limits first, signed at the last moment, sent once."""

import asyncio
import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from toucan_execution.call import Auth, Call
from toucan_execution.caller import Attempt, Caller
from toucan_execution.client.binance.venue import BinanceSpotVenue, BinanceUsdMVenue
from toucan_execution.clocksync import ClockOffset
from toucan_execution.credentials import load_credentials
from toucan_execution.errors import TimestampRefused, UnknownOrder
from toucan_execution.outcome import Route
from toucan_instrument import Environment, Exchange
from toucan_instrument.errors import AddressBanned, PayloadError, RequestFailed, VenueError
from toucan_instrument.link import Lane
from toucan_instrument.rest import Response
from toucan_instrument.testing.clock import FakeClock
from toucan_instrument.testing.socket import FakeNetwork

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


class Line:
    """A venue with a clock, and callers that ask it."""

    def __init__(self):
        self.clock = FakeClock()
        self.requests = []
        self.answers = {}  # path -> what a call gives; popped in order
        self.times = []  # what the clock of the venue answers instead
        self.took_ns = 0

    async def answer(self, request):
        parts = urlsplit(request.url)
        params = dict(parse_qsl(parts.query)) | dict(parse_qsl(request.body.decode()))
        self.requests.append((self.clock.monotonic_ns(), parts.path, params))
        if self.took_ns:
            await self.clock.sleep_until(self.clock.monotonic_ns() + self.took_ns)
        found = self.answers.get(parts.path)
        if found:
            said = found.pop(0)
            if isinstance(said, Exception):
                raise said
            return said
        if parts.path.endswith("/time"):
            return Response(200, {}, b'{"serverTime":%d}' % (self.clock.utc_ns() // 1_000_000))
        return Response(200, {}, b"{}")

    def caller(self, key="key-a", *, exchange=Exchange.BINANCE_SPOT, share=1.0):
        credentials = load_credentials(key, "a-secret-of-nobody")
        kind = BinanceSpotVenue if exchange is Exchange.BINANCE_SPOT else BinanceUsdMVenue
        venue = kind(exchange, Environment.TESTNET, credentials, base_url="https://venue.test")
        return Caller(
            venue,
            network=FakeNetwork(answer=self.answer),
            clock=self.clock,
            offset=ClockOffset(),
            account_id=credentials.account_id,
            timeout_ns=10 * SECOND,
            share=share,
        )

    def at(self, path):
        return [(at, params) for at, found, params in self.requests if found == path]


def call_of(
    path="/x", *, method="GET", weight=1, lane=Lane.RECONCILE, slots=0, auth=Auth.SIGNED, changes=False
):
    return Call(
        name="a test",
        method=method,
        path=path,
        decode=lambda body, received: (body, received),
        auth=auth,
        weight=weight,
        lane=lane,
        slots=slots,
        changes=changes,
    )


def said(status, code=None, headers=None):
    body = {"msg": "no"} if code is None else {"code": code, "msg": "no"}
    return Response(status, headers or {}, json.dumps(body).encode())


# Time and signature.


async def test_the_signature_is_made_once_the_budget_lets_the_request_pass():
    line = Line()
    caller = line.caller()
    async with line.clock.running():
        await caller.measure()
        await caller.budget.acquire(caller.budget.pool.limit * 95 // 100 - caller.budget.used, Lane.CANCEL)
        begun = line.clock.monotonic_ns()
        attempt = Attempt()
        await caller.send(call_of(), attempt)
        [(at, params)] = line.at("/x")
        assert at - begun >= MINUTE * 9 // 10  # it has waited for the window
        assert int(params["timestamp"]) == attempt.sent_ns // 1_000_000
        assert attempt.sent_ns == line.clock.utc_ns() - (line.clock.monotonic_ns() - at)


async def test_the_clock_is_measured_first_and_then_every_half_an_hour():
    line = Line()
    caller = line.caller()
    async with line.clock.running():
        for _ in range(3):
            await caller.send(call_of(), Attempt())
        assert len(line.at("/api/v3/time")) == 3  # three samples, once
        await line.clock.sleep_until(line.clock.monotonic_ns() + 31 * MINUTE)
        await caller.send(call_of(lane=Lane.CANCEL), Attempt())
        assert len(line.at("/api/v3/time")) == 3  # an urgent one does not wait for that
        await caller.send(call_of(), Attempt())
        assert len(line.at("/api/v3/time")) > 3


async def test_what_is_not_signed_needs_no_clock():
    line = Line()
    await line.caller().send(call_of(auth=Auth.KEY), Attempt())
    assert line.at("/api/v3/time") == []


@pytest.mark.parametrize(
    "broken",
    [Response(200, {}, b"<html>"), said(500), RequestFailed("lost", method="GET", url="x", sent=None)],
)
async def test_a_clock_that_cannot_be_read_serves_as_it_was(broken):
    line = Line()
    caller = line.caller()
    async with line.clock.running():
        line.answers["/api/v3/time"] = [broken]
        with pytest.raises((PayloadError, VenueError, RequestFailed)):
            await caller.send(call_of(), attempt := Attempt())
        assert attempt.route is Route.NONE  # nothing has left
        assert line.at("/x") == []
        await line.clock.sleep_until(line.clock.monotonic_ns() + 10 * SECOND)
        await caller.send(call_of(), Attempt())
        await line.clock.sleep_until(line.clock.monotonic_ns() + 31 * MINUTE)
        line.answers["/api/v3/time"] = [broken] * 3
        await caller.send(call_of(), Attempt())
        assert len(line.at("/x")) == 2


async def test_waiting_for_the_budget_does_not_spoil_a_measurement():
    line = Line()
    caller = line.caller()
    async with line.clock.running():
        await caller.budget.acquire(caller.budget.pool.limit, Lane.CANCEL)
        await caller.measure()
        assert caller.offset.uncertainty_ns == 0
        assert caller.venue_ns() == line.clock.utc_ns()


async def test_a_refused_timestamp_is_signed_again_once_and_no_more():
    line = Line()
    caller = line.caller()
    line.answers["/x"] = [said(400, -1021), said(400, -1021), said(400, -1021)]
    async with line.clock.running():
        with pytest.raises(TimestampRefused):
            await caller.send(call_of(), Attempt())
        assert len(line.at("/x")) == 2
        assert len(line.at("/api/v3/time")) > 3


async def test_a_clock_that_cannot_be_measured_anew_is_taken_as_it_was():
    line = Line()
    caller = line.caller()
    async with line.clock.running():
        await caller.measure()
        line.answers["/x"] = [said(400, -1021), said(400, -1021)]
        line.answers["/api/v3/time"] = [said(500)] * 5
        with pytest.raises(TimestampRefused):  # not the clock's own error: nothing was done
            await caller.send(call_of(changes=True), Attempt())
        assert len(line.at("/x")) == 2


# What is known of an attempt.


@pytest.mark.parametrize(("sent", "route"), [(None, Route.REST), (False, Route.REST)])
async def test_an_attempt_tells_whether_something_may_have_left(sent, route):
    line = Line()
    caller = line.caller()
    line.answers["/x"] = [RequestFailed("lost", method="POST", url="https://venue.test/x", sent=sent)]
    attempt = Attempt()
    with pytest.raises(RequestFailed) as caught:
        await caller.send(call_of(method="POST", changes=True), attempt)
    assert (attempt.route, caught.value.sent) == (route, sent)
    assert len(line.at("/x")) == 1


async def test_an_error_of_the_transport_is_stripped_of_its_causes():
    line = Line()
    caller = line.caller()
    inner = ValueError("https://venue.test/x?signature=abc")
    failed = RequestFailed("lost", method="GET", url="https://venue.test/x?signature=abc", sent=None)
    failed.__cause__ = inner
    line.answers["/x"] = [failed]
    with pytest.raises(RequestFailed) as caught:
        await caller.send(call_of(), Attempt())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "signature" not in str(caught.value)


async def test_errors_are_thrown_into_the_conversation_that_made_the_call():
    line = Line()
    caller = line.caller()
    line.answers["/a"] = [said(400, -2013)]
    seen = []

    def conversation():
        try:
            yield call_of("/a")
        except UnknownOrder as error:
            seen.append(error)
        first, _ = yield call_of("/b")
        return first

    attempt = Attempt()
    assert await caller.converse(conversation(), attempt) == b"{}"
    assert attempt.error is seen[0]
    assert len(line.at("/b")) == 1


async def test_an_answer_that_cannot_be_read_ends_the_conversation():
    line = Line()
    caller = line.caller()
    closed = []

    def broken(body, _):
        raise PayloadError("thing", raw=body, cause="a test")

    def conversation():
        try:
            yield Call(name="x", method="GET", path="/x", decode=broken)
        finally:
            closed.append(True)

    with pytest.raises(PayloadError):
        await caller.converse(conversation())
    assert closed == [True]


# Shared limits.


async def test_weight_is_shared_by_clients_of_one_address():
    line = Line()
    first, second = line.caller("key-a"), line.caller("key-b")
    async with line.clock.running():
        await first.send(call_of(weight=500), Attempt())
        assert second.budget is first.budget
        assert second.budget.used >= 500


async def test_a_ban_of_one_client_stops_the_other_until_the_stated_time():
    line = Line()
    first, second = line.caller("key-a"), line.caller("key-b")
    async with line.clock.running():
        await first.measure()
        await second.measure()
        line.answers["/a"] = [said(418, -1003, {"retry-after": "300"})]
        begun = line.clock.monotonic_ns()
        with pytest.raises(AddressBanned):
            await first.send(call_of("/a"), Attempt())
        await second.send(call_of("/b", lane=Lane.CANCEL, method="DELETE"), Attempt())
        [(at, params)] = line.at("/b")
        assert at - begun == 300 * SECOND
        assert int(params["timestamp"]) == line.clock.utc_ns() // 1_000_000  # signed then


async def test_the_weight_that_the_venue_reports_counts():
    line = Line()
    caller = line.caller()
    line.answers["/x"] = [Response(200, {"x-mbx-used-weight-1m": "3000"}, b"{}")]
    await caller.send(call_of(auth=Auth.KEY), Attempt())
    assert caller.budget.used == 3000


async def test_slots_are_shared_by_two_clients_of_one_key_and_not_by_two_keys():
    line = Line()
    mine, same, other = line.caller("key-a"), line.caller("key-a"), line.caller("key-b")
    await mine.send(call_of(method="POST", slots=3, auth=Auth.KEY), Attempt())
    await same.send(call_of(method="POST", slots=1, auth=Auth.KEY), Attempt())
    assert [budget.used for budget in mine.order_budgets] == [4, 4]
    assert [budget.used for budget in other.order_budgets] == [0, 0]
    for name in [budget.pool.name for budget in mine.order_budgets]:
        assert "key-a" not in name


async def test_orders_wait_for_slots_and_cancels_do_not():
    line = Line()
    caller = line.caller()
    async with line.clock.running():
        await caller.measure()
        limit = min(budget.pool.limit for budget in caller.order_budgets)
        await caller.send(call_of(method="POST", slots=limit), Attempt())
        begun = line.clock.monotonic_ns()
        ordering = asyncio.ensure_future(caller.send(call_of("/order", method="POST", slots=1), Attempt()))
        await caller.send(call_of("/cancel", method="DELETE", lane=Lane.CANCEL), Attempt())
        assert line.at("/cancel")[0][0] == begun
        await ordering
        assert line.at("/order")[0][0] - begun >= 10 * SECOND


async def test_counts_of_orders_that_the_venue_reports_count():
    line = Line()
    caller = line.caller(exchange=Exchange.BINANCE_USD_M)
    headers = {"x-mbx-order-count-10s": "11", "x-mbx-order-count-1m": "12", "x-mbx-order-count-1d": "13"}
    line.answers["/x"] = [Response(200, headers, b"{}")]
    await caller.send(call_of(method="POST", slots=1, auth=Auth.KEY), Attempt())
    assert [budget.used for budget in caller.order_budgets] == [11, 12]


async def test_headroom_is_kept_for_cancels():
    line = Line()
    caller = line.caller()
    async with line.clock.running():
        await caller.measure()
        limit = caller.budget.pool.limit
        await caller.budget.acquire(limit * 95 // 100 - caller.budget.used, Lane.RECONCILE)
        begun = line.clock.monotonic_ns()
        query = asyncio.ensure_future(caller.send(call_of("/query"), Attempt()))
        for lane, path in ((Lane.ORDER, "/order"), (Lane.CANCEL, "/cancel")):
            await caller.send(call_of(path, lane=lane), Attempt())
            assert line.at(path)[0][0] == begun
        await query
        assert line.at("/query")[0][0] > begun


async def test_a_share_is_kept_to():
    line = Line()
    caller = line.caller(share=0.1)
    async with line.clock.running():
        begun = line.clock.monotonic_ns()
        weight = caller.budget.pool.limit // 20
        for _ in range(3):
            await caller.send(call_of(weight=weight, auth=Auth.KEY), Attempt())
        assert [at - begun >= MINUTE for at, _ in line.at("/x")] == [False, False, True]


# Stopping.


@pytest.mark.parametrize(
    ("status", "asked_s", "stopped_s"),
    [(418, 0, 120), (418, 600, 600), (429, 0, 60), (429, 5, 5), (400, 9, 0)],
)
def test_a_status_stops_everybody_for_as_long_as_it_says(status, asked_s, stopped_s):
    async def run():
        line = Line()
        caller = line.caller()
        caller.stop(status, asked_s * SECOND, "a test")
        stop = caller.budget.stopped
        assert (stop is None) is (stopped_s == 0)
        if stop is not None:
            assert stop.until_ns - line.clock.monotonic_ns() == stopped_s * SECOND

    asyncio.run(run())
