"""Requests that go wrong: what they are answered with, and when they arrive (facts C.5, C.8)."""

from __future__ import annotations

import pytest

from toucan_execution.testing.sandbox import faulty
from toucan_execution.testing.sandbox.gate import Incoming
from toucan_execution.testing.sandbox.params import Params
from toucan_instrument.testing.faults import Action, Fault, FaultScript

MILLI = 1_000_000
SECOND = 1_000_000_000
UNKNOWN = "Unknown error, please check your request or try again later."


def answer(fault, now_ns=5 * SECOND):
    outgoing = faulty.answer_of(fault, now_ns)
    assert outgoing.failed
    return outgoing


@pytest.mark.parametrize(
    ("fault", "status", "code", "words"),
    [
        (faulty.timed_out(done=True), 408, -1007, "execution status unknown"),
        (faulty.unknown_error(done=False), 503, None, UNKNOWN),
        (faulty.service_unavailable(), 503, None, "Service Unavailable."),
        (faulty.throttled(), 503, -1008, "Request throttled by system-level protection."),
        (faulty.too_many_requests(), 429, -1003, "Too many requests"),
        (faulty.banned(), 418, -1003, "IP banned"),
        (Fault(Action.STATUS, status=500), 500, -1000, "An unknown error occurred"),
        (Fault(Action.STATUS, status=400, error=-2010, text="No."), 400, -2010, "No."),
    ],
)
def test_what_an_answer_says(fault, status, code, words):
    outgoing = answer(fault)
    assert outgoing.status == status
    assert outgoing.result.get("code") == code
    assert words in outgoing.result["msg"]


@pytest.mark.parametrize(("make", "usual"), [(faulty.too_many_requests, 60), (faulty.banned, 120)])
def test_a_limit_says_how_long_nothing_may_be_asked(make, usual):
    for fault, seconds in ((make(), usual), (make(retry_after=7), 7)):
        outgoing = answer(fault)
        assert outgoing.headers == {"Retry-After": str(seconds)}
        assert outgoing.times == {"serverTime": 5_000, "retryAfter": 5_000 + seconds * 1_000}
        assert "data" not in outgoing.result


def test_nothing_else_says_how_long():
    outgoing = answer(faulty.timed_out(done=False))
    assert (outgoing.headers, outgoing.times) == ({}, {})
    assert answer(Fault(Action.STATUS, status=503, retry_after=3)).headers == {"Retry-After": "3"}


@pytest.mark.parametrize(
    ("fault", "action"),
    [
        (faulty.timed_out("order", done=True), Action.DONE_STATUS),
        (faulty.timed_out("order", done=False), Action.STATUS),
        (faulty.unknown_error("order", done=True), Action.DONE_STATUS),
        (faulty.unknown_error("order", done=False), Action.STATUS),
        (faulty.service_unavailable("order"), Action.STATUS),
        (faulty.throttled("order"), Action.STATUS),
        (faulty.too_many_requests("order"), Action.STATUS),
        (faulty.banned("order"), Action.STATUS),
        (faulty.request_lost("order"), Action.LOSE_REQUEST),
        (faulty.reply_lost("order"), Action.LOSE_REPLY),
        (faulty.last_moment("order"), Action.LAST_MOMENT),
    ],
)
def test_each_is_a_fault_of_a_call(fault, action):
    script = FaultScript([fault])
    assert script.on_call("GET /api/v3/time") is None
    assert script.on_call("POST /api/v3/order").action is action
    assert script.on_call("order.place") is None


def test_their_turn_is_said_by_a_number():
    script = FaultScript([faulty.reply_lost("order", after=1, count=2)])
    assert [script.on_call("order.place") is not None for _ in range(4)] == [False, True, True, False]


# When a request arrives.


def arrival(core, make_endpoint, fault, now_ns, **params):
    incoming = Incoming(endpoint=make_endpoint(), params=Params(params))
    return faulty.arrives_ns(fault, incoming, core.gate, now_ns)


def test_a_late_request_arrives_later(core, make_endpoint):
    assert arrival(core, make_endpoint, Fault(Action.LATE, delay=1.5), 10) == 10 + 1_500 * MILLI


@pytest.mark.parametrize(
    ("params", "expected_ns"),
    [
        ({"timestamp": "1000"}, 6_000 * MILLI),
        ({"timestamp": "1000", "recvWindow": "200"}, 1_200 * MILLI),
        ({"timestamp": "1000", "recvWindow": "0"}, 1_100 * MILLI),  # that was before now
        ({}, 1_100 * MILLI),
        ({"timestamp": "abc"}, 1_100 * MILLI),
        ({"timestamp": "1000", "recvWindow": "70000"}, 1_100 * MILLI),
        ({"timestamp": "1700000000000000"}, 1_700_000_005_000 * MILLI),
    ],
)
def test_the_last_moment_is_that_of_the_receive_window(core, make_endpoint, params, expected_ns):
    assert arrival(core, make_endpoint, faulty.last_moment(), 1_100 * MILLI, **params) == expected_ns


@pytest.mark.parametrize("window", [None, 0, 5_000, 60_000])
def test_the_last_moment_is_good_and_a_millisecond_later_is_not(core, make_endpoint, window):
    query = f"timestamp={core.now_ms}" + (f"&recvWindow={window}" if window is not None else "")
    values = dict(pair.split("=") for pair in query.split("&"))
    core.now_ns = arrival(core, make_endpoint, faulty.last_moment(), core.now_ns, **values)
    assert not core.ask(make_endpoint(), query).failed
    core.now_ns += MILLI
    assert core.ask(make_endpoint(), query).result["code"] == -1021


@pytest.mark.parametrize("fault", [faulty.reply_lost(), faulty.timed_out(done=True)])
def test_any_other_request_arrives_at_once(core, make_endpoint, fault):
    assert arrival(core, make_endpoint, fault, 77, timestamp="1") == 77
