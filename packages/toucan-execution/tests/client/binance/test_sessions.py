"""The private connections from frames alone: answers, liveness, rotation, handshakes, malformed frames."""

import json

import pytest

from toucan_execution.client.binance.sessions import StreamConnection, WsApiSession
from toucan_execution.requesting import Answered, Ended, SessionEvents, SessionLimits
from toucan_instrument.errors import VenueError

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
UTC = 1_700_000_000 * SECOND


class Stand:
    """A session, what it has told, and a clock that is a number."""

    def __init__(self, kind=WsApiSession, *, idle=65, jitter=0.0, **options):
        self.told, self.answers, self.wakes = [], [], 0
        events = SessionEvents(
            on_event=lambda frame, at: self.told.append(("event", frame, at)),
            on_ready=lambda: self.told.append("ready"),
            on_lost=lambda reason: self.told.append(("lost", reason)),
            on_refused=lambda error: self.told.append(("refused", error.code)),
        )
        if kind is WsApiSession:
            options = {"frame": self.frame, "error_of": self.error_of, **options}
        self.session = kind(events, SessionLimits(idle_ns=idle * SECOND), rng=lambda: jitter, **options)
        self.now = 0

    @staticmethod
    def frame(number, method, now):
        return json.dumps({"id": number, "method": method, "at": now}).encode()

    @staticmethod
    def error_of(method, status, body):
        said = json.loads(body)
        return VenueError(
            method=method, url="wss://x", status=status, code=said["code"], venue_message=said["msg"]
        )

    def open(self):
        self.session.opened(self.now, UTC, self.wake)
        return self

    def wake(self):
        self.wakes += 1

    def sent(self):
        sent = [json.loads(frame) for frame in self.session.outbox]
        self.session.outbox.clear()
        return sent

    def say(self, text):
        self.session.receive(text if isinstance(text, bytes) else json.dumps(text).encode(), self.now)

    def ask(self):
        number = self.session.new_id()
        self.session.ask(number, b'{"id":%d}' % number, self.answers.append)
        return number

    def until(self, seconds):
        """Let time pass, ticking whenever the session wants it."""
        end = self.now + int(seconds * SECOND)
        while not self.session.failed and self.session.deadline <= end:
            self.now = max(self.now, self.session.deadline)
            self.session.tick(self.now)
            if self.session.deadline <= self.now and not self.session.failed:
                pytest.fail("it wants to be looked at for ever")
        self.now = max(self.now, end)

    def pings(self, seconds, every=20):
        for _ in range(int(seconds / every)):
            self.session.alive(self.now)
            self.until(every)
            if self.session.failed:
                return


OK = {"status": 200, "result": {"subscriptionId": 0}}


# Handshakes.


def test_a_connection_for_requests_alone_is_ready_at_once():
    stand = Stand().open()
    assert stand.told == ["ready"]
    assert stand.sent() == []


def test_a_signed_subscription():
    stand = Stand(user_data="signature").open()
    [asked] = stand.sent()
    assert asked["method"] == "userDataStream.subscribe.signature"
    assert not stand.session.ready
    stand.say({"id": asked["id"], **OK})
    assert stand.told == ["ready"]
    assert (stand.session.ready, stand.session.proven, stand.session.logged_on) == (True, True, False)


def test_a_log_on_comes_before_the_subscription():
    stand = Stand(logon=True, user_data="session").open()
    [logon] = stand.sent()
    stand.now += SECOND
    stand.say({"id": logon["id"], **OK})
    [asked] = stand.sent()
    assert (logon["method"], asked["method"]) == ("session.logon", "userDataStream.subscribe")
    assert asked["at"] == SECOND
    assert stand.session.logged_on
    assert stand.told == []
    stand.say({"id": asked["id"], **OK})
    assert stand.told == ["ready"]


def test_a_log_on_without_a_subscription():
    stand = Stand(logon=True).open()
    stand.say({"id": stand.sent()[0]["id"], **OK})
    assert stand.told == ["ready"]
    assert stand.session.proven


def test_being_subscribed_already_is_no_failure():
    stand = Stand(user_data="signature").open()
    error = {"code": -2035, "msg": "Subscription already exists"}
    stand.say({"id": stand.sent()[0]["id"], "status": 400, "error": error})
    assert stand.told == ["ready"]
    assert not stand.session.failed


@pytest.mark.parametrize("logon", [True, False])
def test_a_refused_handshake_ends_the_connection_and_tells_why(logon):
    stand = Stand(logon=logon, user_data="signature").open()
    error = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    stand.say({"id": stand.sent()[0]["id"], "status": 401, "error": error})
    assert stand.told == [("refused", -2015)]
    assert "-2015" in stand.session.failed
    assert (stand.session.planned, stand.session.ready) == (False, False)
    assert stand.wakes


def test_a_handshake_has_a_deadline_whatever_else_arrives():
    stand = Stand(user_data="signature").open()
    assert stand.session.deadline == 10 * SECOND
    stand.pings(9, every=3)
    assert not stand.session.failed
    stand.until(1)
    assert "within 10 s" in stand.session.failed
    assert not stand.session.proven


# Liveness and life.


@pytest.mark.parametrize("kind", [WsApiSession, StreamConnection])
def test_silence_ends_a_connection_and_pings_keep_it(kind):
    stand = Stand(kind).open()
    stand.pings(600)
    assert not stand.session.failed
    stand.until(44)
    assert not stand.session.failed
    stand.until(2)
    assert "nothing was heard for 65 s" in stand.session.failed
    assert not stand.session.planned


@pytest.mark.parametrize("kind", [WsApiSession, StreamConnection])
def test_a_frame_is_a_sign_of_life_too(kind):
    stand = Stand(kind).open()
    for _ in range(10):
        stand.until(60)
        stand.say({"e": "x"})
    assert not stand.session.failed


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_a_connection_is_replaced_before_the_venue_ends_it(jitter):
    stand = Stand(StreamConnection, jitter=jitter).open()
    stand.pings(25 * 3600)
    assert stand.session.failed.startswith("planned")
    assert stand.session.planned
    assert 22 * HOUR < stand.now <= 23 * HOUR + 20 * SECOND


def test_pending_requests_put_a_planned_end_off():
    stand = Stand().open()
    stand.pings(22.99 * 3600)
    number = stand.ask()
    stand.pings(120)
    assert not stand.session.failed
    assert stand.session.ready
    stand.say({"id": number, **OK})
    stand.until(2)
    assert stand.session.failed.startswith("planned")
    assert stand.answers[0].status == 200


def test_endless_requests_do_not_keep_a_connection_past_its_end():
    stand = Stand().open()
    stand.pings(22.99 * 3600)
    number = stand.ask()
    while stand.session.ready and stand.now < 24 * HOUR:
        stand.pings(20)
        following = stand.ask()
        stand.say({"id": number, **OK})
        number = following
    assert stand.now < 23.5 * HOUR
    assert not stand.session.failed  # nothing new is begun, and what was begun is waited for
    stand.say({"id": number, **OK})
    stand.until(2)
    assert stand.session.failed.startswith("planned")
    assert all(isinstance(answer, Answered) for answer in stand.answers)


def test_a_quiet_connection_is_proven_by_its_age():
    stand = Stand(StreamConnection).open()
    assert stand.session.ready
    assert not stand.session.proven
    stand.pings(80)
    assert stand.session.proven


def test_an_announced_shutdown_is_planned():
    stand = Stand().open()
    stand.say({"event": {"e": "serverShutdown", "E": 1}})
    assert stand.session.planned
    assert stand.told[-1][0] == "event"


# Answers.


def test_answers_reach_who_asked_in_any_order():
    stand = Stand().open()
    first, second = stand.ask(), stand.ask()
    assert first != second
    stand.say({"id": second, "status": 200, "result": "second"})
    stand.say({"id": first, "status": 400, "error": {"code": -1, "msg": "first"}})
    assert [(each.status, json.loads(each.body)) for each in stand.answers] == [
        (200, "second"),
        (400, {"code": -1, "msg": "first"}),
    ]
    assert stand.answers[0].received_ns == UTC


def test_what_an_answer_says_of_the_limits():
    stand = Stand().open()
    rows = [
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": 6000,
            "count": 70,
        },
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 1},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160000, "count": 5},
        {"rateLimitType": "ORDERS", "interval": "FORTNIGHT", "intervalNum": 1, "limit": 1, "count": 1},
        {"rateLimitType": "SOMETHING"},
    ]
    stand.say({"id": stand.ask(), **OK, "rateLimits": rows})
    [answer] = stand.answers
    assert answer.used == 70
    assert answer.orders == ((10 * SECOND, 1), (24 * HOUR, 5))


@pytest.mark.parametrize("limits", [None, {}, [{"count": "x"}], [1], "x", [{"intervalNum": 10**30}]])
def test_an_answer_counts_whatever_it_says_of_the_limits(limits):
    stand = Stand().open()
    stand.say({"id": stand.ask(), **OK, "rateLimits": limits})
    assert (stand.answers[0].status, stand.answers[0].orders) == (200, ())


def test_how_long_to_stay_away():
    stand = Stand().open()
    error = {"code": -1003, "msg": "x", "data": {"serverTime": 1_000, "retryAfter": 61_000}}
    stand.say({"id": stand.ask(), "status": 418, "error": error})
    stand.say({"id": stand.ask(), "status": 429, "error": {"code": -1003, "msg": "x"}})
    stand.say({"id": stand.ask(), "status": 429, "error": {"code": -1003, "msg": "x", "data": [1]}})
    assert [each.retry_after_ns for each in stand.answers] == [60 * SECOND, 0, 0]


def test_a_late_or_repeated_answer_is_ignored():
    stand = Stand().open()
    number = stand.ask()
    stand.session.outbox.clear()
    assert stand.session.forget(number) is False  # it has left
    assert not stand.session.busy
    stand.say({"id": number, **OK})
    again = stand.ask()
    stand.say({"id": again, **OK})
    stand.say({"id": again, **OK})
    stand.say({"id": 999, **OK})
    assert len(stand.answers) == 1
    assert stand.told == ["ready"]


def test_a_request_that_waits_to_be_sent_is_taken_back():
    stand = Stand().open()
    first, second = stand.ask(), stand.ask()
    assert stand.session.forget(second) is True
    assert [each["id"] for each in stand.sent()] == [first]


def test_the_end_of_a_connection_tells_what_may_have_left():
    stand = Stand().open()
    stand.ask()
    stand.session.outbox.clear()
    stand.ask()
    stand.session.closed(stand.now)
    assert stand.answers == [
        Ended("the connection was lost", sent=True),
        Ended("the connection was lost", sent=False),
    ]
    assert not stand.session.ready


def test_a_revoked_session_ends():
    stand = Stand(logon=True).open()
    stand.say({"id": stand.sent()[0]["id"], **OK})
    number = stand.ask()
    stand.session.outbox.clear()
    stand.say({"id": None, "status": 401, "error": {"code": -2015, "msg": "Invalid API-key."}})
    assert stand.told[-1] == ("refused", -2015)
    assert "revoked" in stand.session.failed
    stand.session.closed(stand.now)
    assert stand.answers == [Ended("the venue has revoked the session", sent=True)]
    assert number


# The account's events.


def test_events_are_told_with_their_time():
    stand = Stand(user_data="signature").open()
    stand.say({"id": stand.sent()[0]["id"], **OK})
    stand.now = 5 * SECOND
    stand.say(b'{"subscriptionId":0,"event":{"e":"balanceUpdate"}}')
    assert stand.told[-1] == (
        "event",
        b'{"subscriptionId":0,"event":{"e":"balanceUpdate"}}',
        UTC + 5 * SECOND,
    )
    stand.say(b"{}")
    assert stand.told[-1][1] == b"{}"


def test_a_stream_that_ends_is_subscribed_again_on_the_same_connection():
    stand = Stand(user_data="signature").open()
    stand.say({"id": stand.sent()[0]["id"], **OK})
    number = stand.ask()
    stand.sent()
    stand.say({"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": 1}})
    assert [each if isinstance(each, str) else each[0] for each in stand.told] == ["ready", "lost", "event"]
    assert not stand.session.ready
    [again] = stand.sent()
    assert again["method"] == "userDataStream.subscribe.signature"
    stand.say({"id": number, **OK})
    assert len(stand.answers) == 1  # requests go on
    stand.say({"id": again["id"], **OK})
    assert stand.told[-1] == "ready"
    assert not stand.session.failed


MALFORMED = [
    b"",
    b"x",
    b"[]",
    b"1",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"id":1.5,"status":200}',
    b'{"id":1,"status":"200"}',
    b'{"status":200,"result":{}}',
    b'{"id":null,"status":400,"error":{"code":-1,"msg":"x"}}',
    b'{"event":5}',
    b'{"event":{"e":5}}',
    b"[" * 100_000,
    b'{"id":[1]}',
]


@pytest.mark.parametrize("frame", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_frame_is_handed_on_and_harms_nothing(frame):
    stand = Stand().open()
    number = stand.ask()
    stand.say(frame)
    assert stand.told == ["ready", ("event", frame, UTC)]
    assert not stand.session.failed
    stand.say({"id": number, **OK, "event": None})
    assert len(stand.answers) == 1


@pytest.mark.parametrize("frame", MALFORMED, ids=range(len(MALFORMED)))
def test_a_stream_hands_everything_on(frame):
    stand = Stand(StreamConnection).open()
    stand.say(frame)
    assert stand.told == ["ready", ("event", frame, UTC)]
    assert stand.session.proven


def test_a_closed_session_wakes_nobody():
    stand = Stand().open()
    stand.session.closed(0)
    wakes = stand.wakes
    stand.session.fail("late")
    assert stand.wakes == wakes
