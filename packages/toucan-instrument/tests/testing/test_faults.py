"""Faults happen to what they name, when it is their turn, as often as they say."""

from __future__ import annotations

import pytest

from toucan_instrument.testing.faults import (
    GARBAGE,
    ON_CALLS,
    ON_FRAMES,
    ON_SUBSCRIBE,
    Action,
    Fault,
    FaultScript,
    Reply,
    Step,
)


def actions(script, *calls):
    return [fault and fault.action for fault in map(script.on_call, calls)]


def test_calls_go_wrong_by_a_part_of_their_name():
    script = FaultScript([Fault(Action.LOSE_REPLY, path="order")])
    calls = ("GET /api/v3/time", "POST /api/v3/order", "POST /api/v3/order")
    assert actions(script, *calls) == [None, Action.LOSE_REPLY, None]
    assert [fault.action for fault in script.happened] == [Action.LOSE_REPLY]


def test_methods_of_a_websocket_api_are_calls_too():
    script = FaultScript([Fault(Action.DONE_STATUS, path="order.place", status=408)])
    assert actions(script, "order.cancel", "order.place") == [None, Action.DONE_STATUS]


@pytest.mark.parametrize("action", sorted(ON_CALLS))
def test_every_action_of_a_call_waits_for_its_turn(action):
    script = FaultScript([Fault(action, path="x", after=2, count=3)])
    assert actions(script, *["x"] * 7) == [None, None, action, action, action, None, None]


@pytest.mark.parametrize("action", sorted(set(Action) - ON_CALLS))
def test_nothing_else_happens_to_a_call(action):
    script = FaultScript([Fault(action)])
    assert script.on_call("POST /api/v3/order") is None
    assert script.happened == []


def test_a_call_counts_for_every_fault_though_one_happens():
    first, second = Fault(Action.STATUS, path="order"), Fault(Action.LATE, path="order", after=1)
    script = FaultScript([first, second])
    assert [script.on_call("order") for _ in range(3)] == [first, second, None]


def test_faults_that_are_added_later_count_from_then_on():
    script = FaultScript()
    assert script.on_call("x") is None
    script.add(Fault(Action.LAST_MOMENT, path="x", after=1), Fault(Action.LOSE_REQUEST, path="x", after=2))
    assert actions(script, "x", "x", "x") == [None, Action.LAST_MOMENT, Action.LOSE_REQUEST]


def test_a_status_of_a_request_is_a_call_s_too():
    script = FaultScript([Fault(Action.STATUS, path="depth", status=429, retry_after=7, count=2)])
    assert script.on_request("/api/v3/time") is None
    assert script.on_request("/api/v3/depth") == Reply(429, 7)
    assert script.on_call("GET /api/v3/depth").retry_after == 7
    assert script.on_request("/api/v3/depth") is None


def test_handshakes_are_refused_whatever_a_fault_says_of_streams():
    script = FaultScript([Fault(Action.REFUSE, status=503, count=2, after=1)])
    assert [script.on_connect() for _ in range(4)] == [None, Reply(503, None), Reply(503, None), None]


@pytest.mark.parametrize("action", sorted(ON_SUBSCRIBE))
def test_subscriptions_go_wrong_by_the_stream(action):
    script = FaultScript([Fault(action, stream="@depth")])
    assert script.on_subscribe(["a@trade"]) is None
    assert script.on_subscribe(["a@trade", "a@depth"]).action is action
    assert script.on_subscribe(["a@depth"]) is None


def frames(script, *frames, stream="a@trade", connection=0):
    return [script.on_frame(connection, stream, frame) for frame in frames]


def test_lost_events_are_left_out():
    script = FaultScript([Fault(Action.GAP, after=1, count=2)])
    assert frames(script, b"1", b"2", b"3", b"4") == [[Step(b"1")], [], [], [Step(b"4")]]


def test_an_event_comes_twice_or_behind_the_next():
    script = FaultScript([Fault(Action.DUPLICATE), Fault(Action.REORDER, after=1)])
    assert frames(script, b"1", b"2", b"3", b"4") == [
        [Step(b"1"), Step(b"1")], [], [Step(b"3"), Step(b"2")], [Step(b"4")]
    ]  # fmt: skip


def test_an_event_is_held_for_its_own_connection_and_stream():
    script = FaultScript([Fault(Action.REORDER)])
    assert frames(script, b"1") == [[]]
    assert frames(script, b"2", connection=1) == [[Step(b"2")]]
    assert frames(script, b"3", stream="b@trade") == [[Step(b"3")]]
    assert frames(script, b"4") == [[Step(b"4"), Step(b"1")]]


def test_rubbish_comes_before_an_event():
    script = FaultScript([Fault(Action.GARBAGE), Fault(Action.OVERSIZED, after=1, size=10)])
    first, second = frames(script, b"1", b"2")
    assert first == [Step(GARBAGE), Step(b"1")]
    assert second == [Step(b'"xxxxxxxx"'), Step(b"2")]
    assert len(second[0].frame) == 10


@pytest.mark.parametrize("action", [Action.DROP, Action.CLOSE, Action.HALF_OPEN, Action.STALL])
def test_an_event_is_not_sent_where_the_connection_ends(action):
    fault = Fault(action)
    assert frames(FaultScript([fault]), b"1") == [[Step(None, fault)]]


@pytest.mark.parametrize("action", [Action.SLOW, Action.SHUTDOWN])
def test_an_event_follows_what_comes_first(action):
    fault = Fault(action)
    assert frames(FaultScript([fault]), b"1") == [[Step(None, fault), Step(b"1")]]


def test_no_action_is_of_two_kinds():
    kinds = (ON_FRAMES, ON_CALLS, ON_SUBSCRIBE, {Action.REFUSE})
    assert sum(map(len, kinds)) == len(set().union(*kinds)) == len(Action)
