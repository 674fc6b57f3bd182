"""Listen keys live an hour, one for each account; spot's are gone (facts E.2.1, E.3)."""

from __future__ import annotations

import itertools
import traceback

import pytest

from toucan_execution.testing.sandbox.endpoint import Ask, Security
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.listenkeys import ListenKeys, gone_endpoints
from toucan_execution.testing.sandbox.params import Params

MINUTE = 60_000_000_000


class Keys(ListenKeys):
    """Listen keys named for the order in which they were made."""

    def __init__(self, market):
        self.market, self.ended, self.now_ns = market, [], 0
        numbers = itertools.count(1)
        super().__init__(
            lambda: f"key{next(numbers)}", lambda account, key, old: self.ended.append((account, key, old))
        )

    def ask(self, account="main", **params):
        return Ask(market=self.market, account=account, params=Params(params), now_ns=self.now_ns)


@pytest.fixture
def keys(make_core):
    return Keys(make_core("usd-m").market)


def test_an_account_has_one_key(keys):
    assert keys.start(keys.ask()) == {"listenKey": "key1"}
    assert keys.start(keys.ask()) == {"listenKey": "key1"}
    assert keys.start(keys.ask("other")) == {"listenKey": "key2"}
    assert (keys.of("main"), keys.of("other"), keys.of("nobody")) == ("key1", "key2", None)
    assert (keys.account_of("key2"), keys.account_of("key3")) == ("other", None)


@pytest.mark.parametrize("again", ["start", "keep"])
def test_a_key_lives_an_hour_from_when_it_was_last_asked_for(keys, again):
    keys.start(keys.ask())
    keys.now_ns = 50 * MINUTE
    assert getattr(keys, again)(keys.ask()) == {"listenKey": "key1"}
    assert keys.due_ns == 110 * MINUTE
    keys.run_due(110 * MINUTE - 1)
    assert keys.ended == []
    keys.run_due(110 * MINUTE)
    assert keys.ended == [("main", "key1", True)]
    assert (keys.of("main"), keys.due_ns) == (None, None)
    assert keys.start(keys.ask()) == {"listenKey": "key2"}


def test_the_first_that_is_due_expires_first(keys):
    for number, account in enumerate(("a", "b", "c")):
        keys.now_ns = number * MINUTE
        keys.start(keys.ask(account))
    keys.run_due(61 * MINUTE)
    assert [account for account, _, _ in keys.ended] == ["a", "b"]
    assert keys.due_ns == 62 * MINUTE


def test_a_key_is_ended_for_everybody(keys):
    keys.start(keys.ask())
    assert keys.stop(keys.ask()) == {}
    assert keys.ended == [("main", "key1", False)]
    assert keys.account_of("key1") is None


@pytest.mark.parametrize("act", ["keep", "stop"])
def test_there_has_to_be_a_key_and_it_is_the_one_that_is_named(keys, act):
    with pytest.raises(ApiError) as caught:
        getattr(keys, act)(keys.ask())
    assert (caught.value.code, caught.value.text) == (-1125, "This listenKey does not exist.")
    assert caught.value.status == 400
    keys.start(keys.ask())
    with pytest.raises(ApiError):
        getattr(keys, act)(keys.ask(listenKey="key2"))
    getattr(keys, act)(keys.ask(listenKey="key1"))


def test_an_error_keeps_nothing_of_the_one_before(keys):
    lengths = set()
    for _ in range(3):
        with pytest.raises(ApiError) as caught:
            keys.keep(keys.ask())
        lengths.add(len(traceback.extract_tb(caught.value.__traceback__)))
    assert len(lengths) == 1


def test_a_key_expires_by_a_call(keys):
    assert keys.expire("main") is False
    keys.start(keys.ask())
    assert keys.expire("main") is True
    assert keys.ended == [("main", "key1", True)]


def test_what_can_be_asked_needs_the_key_alone(keys):
    found = {(each.method, each.path): each for each in keys.endpoints("/fapi/v1")}
    assert list(found) == [(method, "/fapi/v1/listenKey") for method in ("POST", "PUT", "DELETE")]
    assert [each.ws for each in found.values()] == [
        ("userDataStream.start",), ("userDataStream.ping",), ("userDataStream.stop",)
    ]  # fmt: skip
    for each in found.values():
        assert (each.security, each.weight, each.required) == (Security.KEY, 1, ())
    post = found["POST", "/fapi/v1/listenKey"]
    assert post.act(keys.ask()) == {"listenKey": "key1"}


def test_a_missing_key_is_401(make_core):
    core = make_core("coin-m")
    keys = Keys(core.market)
    answer = core.ask(keys.endpoints("/dapi/v1")[0], api_key="")
    assert (answer.status, answer.result["code"]) == (401, -2014)
    answer = core.ask(keys.endpoints("/dapi/v1")[0])
    assert (answer.status, answer.result) == (200, {"listenKey": "key1"})


def test_spot_has_none_any_more(core):
    for each in gone_endpoints():
        assert each.path == "/api/v3/userDataStream"
        for query in ("", "listenKey=abc"):
            answer = core.ask(each, query)
            assert (answer.status, answer.failed) == (410, True)
            assert answer.result["code"] < 0
    assert {each.method: each.ws[0] for each in gone_endpoints()} == {
        "POST": "userDataStream.start", "PUT": "userDataStream.ping", "DELETE": "userDataStream.stop"
    }  # fmt: skip
