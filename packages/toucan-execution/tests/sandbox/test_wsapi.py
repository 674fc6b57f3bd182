"""The WebSocket API: its envelope, sessions and subscriptions (facts E.2, F)."""

from __future__ import annotations

import json

import pytest

from toucan_execution.signing import KeyKind
from toucan_execution.testing.sandbox.endpoint import Security
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.wsapi import WsRequest, WsSession, _payload, ws_names

SECOND = 1_000_000_000
MILLI = 1_000_000


class Line:
    """A connection to a market's WebSocket API, as a client sees it."""

    def __init__(self, core, *endpoints, quiet=False):
        self.core = core
        self.session = WsSession(core.market, core.gate, ws_names(endpoints), now_ns=core.now_ns, quiet=quiet)
        core.now_ns += SECOND

    def say(self, text):
        """Send a text; return all that is answered."""
        read = self.session.read(text if isinstance(text, bytes) else json.dumps(text).encode())
        if isinstance(read, bytes):
            return [json.loads(read)]
        return [json.loads(frame) for frame in self.session.answer(read, self.core.now_ns)]

    def ask(self, method, params=None, **options):
        frames = self.say({"id": 1, "method": method, "params": params or {}, **options})
        assert len(frames) == 1
        return frames[0]

    def signed(self, key, **params):
        params = {"apiKey": key.api_key, "timestamp": self.core.now_ms, **params}
        return params | {"signature": self.core.sign(_payload(params), key)}

    def logon(self, key=None):
        return self.ask("session.logon", self.signed(key or self.core.other))

    def subscribe(self, key=None):
        return self.ask("userDataStream.subscribe.signature", self.signed(key or self.core.key))


@pytest.fixture
def line(core):
    return Line(core)


def failure(answer):
    assert "result" not in answer
    return answer["status"], answer["error"]["code"]


# The envelope.


@pytest.mark.parametrize(
    "request_id", [1, 0, -5, 2**53, "abc", "", None, "fc93a61a-a192-4cf4-bb2a-a8f0f0c51e06"]
)
def test_an_id_is_echoed_as_it_is(line, request_id):
    (answer,) = line.say({"id": request_id, "method": "session.status"})
    assert answer["id"] == request_id
    assert type(answer["id"]) is type(request_id)
    (answer,) = line.say({"id": request_id, "method": "nonsense"})
    assert answer["id"] == request_id


def test_a_request_without_an_id_is_answered(line):
    assert line.say({"method": "session.status"})[0]["id"] is None


def test_an_answer_has_a_status_a_result_and_the_limits(core, make_endpoint):
    line = Line(core, make_endpoint(ws=("x.status",), slots=1, optional=("symbol",)))
    answer = line.ask("x.status", line.signed(core.key, symbol="B"))
    assert list(answer) == ["id", "status", "result", "rateLimits"]
    assert (answer["status"], answer["result"]) == (200, {"account": "main"})
    assert [row["rateLimitType"] for row in answer["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
    assert answer["rateLimits"][-1] == {
        "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6_000, "count": 1
    }  # fmt: skip


def test_an_error_takes_the_result_s_place(core, make_endpoint):
    def fail(ask):
        raise ApiError(-2022, "failed", status=409, data={"cancelResult": "SUCCESS"})

    line = Line(core, make_endpoint(fail, ws=("x",)))
    answer = line.ask("x", line.signed(core.key))
    assert list(answer) == ["id", "status", "error", "rateLimits"]
    assert answer["status"] == 409
    assert answer["error"] == {"code": -2022, "msg": "failed", "data": {"cancelResult": "SUCCESS"}}


def test_limits_are_left_out_on_request(core):
    line = Line(core, quiet=True)
    answer = line.ask("session.status")
    assert list(answer) == ["id", "status", "result"]
    assert answer["result"]["returnRateLimits"] is False
    assert "rateLimits" not in line.ask("userDataStream.unsubscribe")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"ping", b"[]", b"5", b'"x"', b'{"method":5}', b'{"method":"x","params":[]}', b"\xff"]
)
def test_what_is_no_request_is_invalid_json(line, text):
    (answer,) = line.say(text)
    assert answer["id"] is None
    assert failure(answer) == (400, -1135)


def test_an_unknown_method_is_refused(line):
    answer = line.ask("order.plaice")
    assert failure(answer)[0] == 400
    assert "order.plaice" in answer["error"]["msg"]


def test_a_version_may_stand_before_a_method(core, make_endpoint):
    line = Line(core, make_endpoint(ws=("x",)), make_endpoint(lambda ask: "second", ws=("v2/x",)))
    for version in ("", "v1/", "v3/"):
        assert line.ask(f"{version}x", line.signed(core.key))["result"] == {"account": "main"}
    assert line.ask("v2/x", line.signed(core.key))["result"] == "second"
    assert failure(line.ask("v4/x", line.signed(core.key)))[0] == 400


def test_a_ban_says_when_it_is_over(core, line):
    core.gate.address.ban(core.now_ns, 90 * SECOND)
    answer = line.ask("session.status")
    assert failure(answer) == (418, -1003)
    assert answer["error"]["data"] == {"serverTime": core.now_ms, "retryAfter": core.now_ms + 90_000}
    assert f"IP banned until {core.now_ms + 90_000}" in answer["error"]["msg"]


def test_requests_weigh_what_their_endpoints_say(core, line):
    line.ask("session.status")
    line.logon()
    assert core.gate.address.used == 4


def test_a_signature_is_checked(core, make_endpoint):
    line = Line(core, make_endpoint(ws=("x",), optional=("a",)))
    params = line.signed(core.key)
    assert failure(line.ask("x", params | {"timestamp": core.now_ms - 1})) == (400, -1022)
    assert failure(line.ask("x", params | {"a": 1})) == (400, -1022)
    assert failure(line.ask("x", {"timestamp": core.now_ms})) == (401, -2014)
    assert line.ask("x", dict(reversed(params.items())))["status"] == 200


# Sessions.


@pytest.mark.parametrize("market", ["spot", "usd-m", "coin-m"])
def test_a_session_is_logged_on_and_off(make_core, make_endpoint, market):
    core = make_core(market)
    line = Line(core, make_endpoint(ws=("x",), security=Security.SIGNED))
    opened = core.now_ms - 1_000
    user_data = {} if core.market.futures else {"userDataStream": False}
    nobody = {
        "apiKey": None, "authorizedSince": None, "connectedSince": opened, "returnRateLimits": True,
        "serverTime": core.now_ms, **user_data,
    }  # fmt: skip
    assert line.ask("session.status")["result"] == nobody
    since = core.now_ms
    somebody = nobody | {"apiKey": core.other.api_key, "authorizedSince": since}
    assert line.logon()["result"] == somebody
    core.now_ns += 5 * SECOND
    assert line.ask("session.status")["result"] == somebody | {"serverTime": core.now_ms}
    assert line.ask("x", {"timestamp": core.now_ms})["result"] == {"account": "other"}
    assert failure(line.ask("x")) == (400, -1102)
    assert line.ask("x", line.signed(core.key))["result"] == {"account": "main"}
    assert line.ask("session.logout")["result"] == nobody | {"serverTime": core.now_ms}
    assert failure(line.ask("x", {"timestamp": core.now_ms})) == (401, -2014)


def test_a_logon_needs_an_ed25519_key_and_its_signature(core, line):
    assert failure(line.logon(core.key)) == (400, -4056)
    params = line.signed(core.other)
    assert failure(line.ask("session.logon", params | {"timestamp": core.now_ms + 1})) == (400, -1022)
    assert failure(line.ask("session.logon", params | {"apiKey": "unknown"})) == (401, -2015)
    assert line.ask("session.status")["result"]["apiKey"] is None


def test_a_session_whose_key_was_deleted_is_revoked(core, make_endpoint):
    line = Line(core, make_endpoint(ws=("x",)))
    line.logon()
    assert line.session.revoke(core.key.api_key, core.now_ns) == []
    assert line.session.revoke("", core.now_ns) == []
    line.ask("userDataStream.subscribe")
    line.subscribe(core.key)
    frames = [json.loads(frame) for frame in line.session.revoke(core.other.api_key, core.now_ns)]
    lost = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    assert frames == [
        {"id": None, "status": 401, "error": lost},
        {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": core.now_ms}},
    ]
    assert line.session.subscriptions == {1: "main"}
    assert failure(line.ask("x", {"timestamp": core.now_ms})) == (401, -2014)
    assert line.session.revoke(core.other.api_key, core.now_ns) == []


# Subscriptions.


def test_a_subscription_by_signature(core, line):
    assert line.subscribe()["result"] == {"subscriptionId": 0}
    assert line.subscribe(core.other)["result"] == {"subscriptionId": 1}
    assert line.ask("session.subscriptions")["result"] == [{"subscriptionId": 0}, {"subscriptionId": 1}]
    assert line.ask("session.status")["result"]["userDataStream"] is True
    payload = {"e": "balanceUpdate", "E": 5}
    assert [json.loads(frame) for frame in line.session.tell("other", payload)] == [
        {"subscriptionId": 1, "event": payload}
    ]
    assert line.session.tell("nobody", payload) == []


def test_a_subscription_by_session(core, line):
    assert failure(line.ask("userDataStream.subscribe"))[0] == 401
    line.logon()
    assert line.ask("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    assert line.session.subscriptions == {0: "other"}


def test_an_account_is_subscribed_once_on_a_connection(core, line):
    line.subscribe()
    assert failure(line.subscribe()) == (400, -2035)
    line.logon()
    line.ask("userDataStream.subscribe")
    assert failure(line.ask("userDataStream.subscribe")) == (400, -2035)
    assert failure(line.subscribe(core.other)) == (400, -2035)
    assert Line(core).subscribe()["result"] == {"subscriptionId": 0}


def test_a_subscription_is_ended_and_that_is_told(core, line):
    line.subscribe()
    line.subscribe(core.other)
    frames = line.say({"id": 9, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 1}})
    assert (frames[0]["id"], frames[0]["result"]) == (9, {})
    assert frames[1:] == [{"subscriptionId": 1, "event": {"e": "eventStreamTerminated", "E": core.now_ms}}]
    assert line.session.tell("other", {"e": "x"}) == []
    assert line.subscribe(core.other)["result"] == {"subscriptionId": 2}  # numbers are not used again
    frames = line.say({"id": 9, "method": "userDataStream.unsubscribe"})
    assert [frame.get("subscriptionId") for frame in frames] == [None, 0, 2]
    assert line.session.subscriptions == {}


def test_what_is_not_subscribed_is_not_ended(line):
    assert failure(line.ask("userDataStream.unsubscribe")) == (400, -2036)
    line.subscribe()
    assert failure(line.ask("userDataStream.unsubscribe", {"subscriptionId": 5})) == (400, -2036)
    assert failure(line.ask("userDataStream.unsubscribe", {"id": 0})) == (400, -1104)
    assert line.session.subscriptions == {0: "main"}


def test_a_logout_ends_the_subscriptions_of_the_session_alone(core, line):
    line.logon()
    line.ask("userDataStream.subscribe")
    line.subscribe(core.key)
    frames = line.say({"id": 3, "method": "session.logout"})
    assert frames[0]["result"]["apiKey"] is None
    assert [frame["subscriptionId"] for frame in frames[1:]] == [0]
    assert line.session.subscriptions == {1: "main"}


def test_a_connection_has_so_many_subscriptions_over_its_life(core, line):
    line.session._ids = 65_535 - 1
    assert line.subscribe()["result"] == {"subscriptionId": 65_534}
    line.say({"id": 1, "method": "userDataStream.unsubscribe"})
    assert failure(line.subscribe()) == (400, -2042)


def test_a_connection_has_so_many_subscriptions_at_once(core, line):
    for number in range(1_000):
        line.session._add(f"account{number}")
    assert failure(line.subscribe())[0] == 400
    assert len(line.session.subscriptions) == 1_000


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
def test_the_futures_have_no_user_data_here(make_core, market):
    line = Line(make_core(market))
    for method in ("userDataStream.subscribe", "userDataStream.unsubscribe", "session.subscriptions"):
        assert failure(line.ask(method))[0] == 400
    assert line.ask("session.status")["status"] == 200


def test_a_key_of_any_kind_subscribes(core, line):
    rsa = core.keys.make("third", KeyKind.RSA)
    assert [line.subscribe(key)["status"] for key in (core.key, core.other, rsa)] == [200, 200, 200]
    assert list(line.session.subscriptions.values()) == ["main", "other", "third"]


def test_an_answer_that_is_never_sent_tells_nothing_later(core, line):
    line.subscribe()
    line.session.answer(WsRequest(method="userDataStream.unsubscribe"), core.now_ns)
    assert len(line.say({"method": "session.status"})) == 1
