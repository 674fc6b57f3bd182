"""What one connection has asked for: batches, answers one by one, renewals, refusals, and halving."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_data import BinanceSpot
from toucan_data.requests import RETRY_CAP_NS, Requests

SECOND = 1_000_000_000


def requests(group=lambda _: "", **limits):
    return Requests(msgspec.structs.replace(BinanceSpot().limits, **limits), group)


class Wire:
    """Sends whatever may be sent, and keeps it."""

    def __init__(self, *names, **limits):
        self.asks = requests(limits.pop("group", lambda _: ""), **limits)
        self.sent = []
        self.asks.want(names)

    def send(self):
        while not self.asks.blocked:
            batch = self.asks.batch()
            self.sent.append((batch.subscribe, batch.names))
            self.asks.asked(batch, len(self.sent), 10 * SECOND)
        return self.sent


def test_a_message_names_streams_of_one_group_up_to_the_limit():
    wire = Wire("a:1", "b:1", "a:2", "b:2", "a:3", names_per_message=2, group=lambda name: name[0])
    assert wire.send() == [(True, ("a:1", "a:2")), (True, ("b:1", "b:2")), (True, ("a:3",))]


def test_requests_wait_for_each_other_where_answers_name_none():
    wire = Wire("a", "b", names_per_message=1, requests_at_once=1)
    assert wire.send() == [(True, ("a",))]
    assert wire.asks.settle_all(None).names == {"a": None}
    assert wire.send()[1:] == [(True, ("b",))]


def test_streams_are_answered_one_by_one():
    wire = Wire("a", "b", "c")
    wire.send()
    assert wire.asks.settle("b", subscribe=True) is True
    assert wire.asks.settle("b", subscribe=True) is None
    assert wire.asks.settle("a", subscribe=False) is None
    assert list(wire.asks.waiting[1].names) == ["a", "c"]
    for name in "ac":
        assert wire.asks.settle(name, subscribe=True, number=1) is True
    assert not wire.asks.waiting


def test_a_renewal_waits_for_the_end_of_the_old_subscription():
    wire = Wire("a", "b")
    wire.send()
    wire.asks.settle_all(1)
    wire.asks.renew("a", 5)
    wire.asks.renew("a", 6)
    assert wire.asks.later == 5
    assert wire.asks.ripen(4, {"a", "b"}.__contains__) == []
    assert wire.asks.ripen(5, {"a", "b"}.__contains__) == ["a"]
    assert wire.send()[1:] == [(False, ("a",))]
    wire.asks.renew("a", 7)  # it is under way
    assert wire.asks.later is None
    wire.asks.settle("a", subscribe=False)
    assert wire.send()[2:] == [(True, ("a",))]
    wire.asks.renew("a", 9)  # the answer to that may be lost as well
    assert wire.asks.later == 9


def test_what_is_left_during_a_renewal_is_not_asked_for_again():
    for steps in range(3):
        wire = Wire("a")
        wire.send()
        wire.asks.settle_all(1)
        wire.asks.renew("a", 0)
        followed = {"a"}
        if steps:
            wire.asks.ripen(0, followed.__contains__)
        if steps > 1:
            wire.send()
        followed.clear()
        wire.asks.leave("a")
        wire.asks.ripen(10, followed.__contains__)
        wire.send()
        wire.asks.settle("a", subscribe=False)
        wire.send()
        assert wire.sent == [(True, ("a",)), (False, ("a",))]


def test_a_refused_stream_is_tried_later_each_time_and_alone():
    wire = Wire("a", "b")
    wire.send()
    wire.asks.settle("a", subscribe=None)
    wire.asks.settle("b", subscribe=True)
    waits = []
    for _ in range(12):
        wire.asks.refused("a", 0)
        waits.append(wire.asks.later)
        wire.asks.ripen(wire.asks.later, {"a"}.__contains__)
        wire.asks.want(["c"])
        assert wire.send()[-2:] == [(True, ("a",)), (True, ("c",))]
        wire.asks.settle("a", subscribe=True)
        wire.asks.settle("c", subscribe=True)
    assert waits[:4] == [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert max(waits) == RETRY_CAP_NS
    wire.asks.acknowledged("a")
    wire.asks.refused("a", 0)
    assert wire.asks.later == SECOND


@given(st.sets(st.integers(0, 15)), st.integers(1, 16))
def test_halving_finds_every_stream_that_spoils_a_request(bad, size):
    names = [f"s{number}" for number in range(16)]
    wire = Wire(*names, names_per_message=size)
    found, granted, rounds = set(), set(), 0
    while True:
        first = len(wire.sent)
        wire.send()
        if first == len(wire.sent):
            break
        rounds += 1
        for number in list(wire.asks.waiting):
            asked = list(wire.asks.settle_all(number).names)
            if not {int(name[1:]) for name in asked} & bad:
                granted.update(asked)
            elif len(asked) == 1:
                found.update(asked)
            else:
                wire.asks.split(asked)
    assert found == {f"s{number}" for number in bad}
    assert granted == set(names) - found
    assert rounds <= 6


def test_what_the_venue_has_dropped_is_said_again():
    wire = Wire("a", "b")
    wire.send()
    wire.asks.settle_all(1)
    wire.asks.want(["c"])
    wire.asks.leave("a")
    wire.send()
    wire.asks.postpone(50)
    assert not wire.asks.waiting
    wire.asks.ripen(50, {"b", "c"}.__contains__)
    assert ("c",) in [names for subscribe, names in wire.send()[3:] if subscribe]


@pytest.mark.parametrize("sent", [False, True])
def test_what_is_wanted_again_is_given_up_first(sent):
    wire = Wire("a")
    wire.send()
    wire.asks.settle_all(1)
    wire.asks.leave("a")
    assert "a" in wire.asks.gone
    if sent:
        wire.send()
    wire.asks.want(["a"])
    assert "a" not in wire.asks.gone
    wire.send()
    if not sent:
        wire.asks.settle("a", subscribe=False)
    wire.send()
    assert wire.sent == [(True, ("a",)), (False, ("a",)), (True, ("a",))]
