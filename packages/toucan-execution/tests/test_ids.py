"""Client order ids: of the venue's shape, never twice, and recognised as ours."""

from __future__ import annotations

import os
import random
import re

import pytest
from hypothesis import given, strategies as st

from toucan_execution.errors import ConfigError
from toucan_execution.ids import ClientIds, check_client_id, is_own
from toucan_instrument.errors import InvalidInput

SHAPE = re.compile(r"[A-Za-z0-9_-]{1,36}")
RESERVED = re.compile(r"(autoclose-|adl_autoclose|settlement_autoclose-)", re.IGNORECASE)
prefixes = st.from_regex(r"[A-Za-z0-9_]{1,16}", fullmatch=True).filter(
    lambda prefix: not RESERVED.match(f"{prefix}-")
)


def test_an_id_is_prefix_chance_and_count():
    ids = ClientIds("bot", random.Random(1).randbytes)
    first, second = ids.new(), ids.new()
    assert re.fullmatch(r"bot-[a-z2-7]{10}-1", first)
    assert second == f"{first[:-1]}2"
    assert repr(ids) == "ClientIds('bot')"
    assert ids.prefix == "bot"


def test_the_same_chance_gives_the_same_ids_for_tests():
    one, other = (ClientIds("bot", random.Random(4).randbytes) for _ in range(2))
    assert [one.new() for _ in range(50)] == [other.new() for _ in range(50)]


@given(prefixes, st.integers(0, 2**32), st.integers(1, 200))
def test_ids_have_the_venues_shape_and_none_comes_twice(prefix, seed, count):
    rng = random.Random(seed)
    makers = [ClientIds(prefix, rng.randbytes) for _ in range(3)]
    made = [maker.new() for _ in range(count) for maker in makers]
    assert len(set(made)) == len(made)
    assert len({each.lower() for each in made}) == len(made)  # should a venue not tell case apart
    for each in made:
        assert check_client_id(each) == each
        assert all(maker.is_own(each) for maker in makers)


def test_there_is_room_for_a_great_many():
    ids = ClientIds("a" * 16, os.urandom)
    ids.new()
    ids._count = iter([36**8 - 1])
    last = ids.new()
    assert last.endswith("-zzzzzzzz")
    assert check_client_id(last) == last
    assert len(last) == 36


@given(prefixes, prefixes)
def test_no_prefix_is_the_beginning_of_another(one, other):
    made = ClientIds(one, random.Random(5).randbytes).new()
    assert is_own(made, one)
    assert is_own(made, other) is (one == other)


def test_what_is_own_goes_by_the_prefix_alone():
    ids = ClientIds("bot", os.urandom)
    assert ids.is_own("bot-abcdefghij-1")  # of an earlier process
    assert ids.is_own("bot-mine")
    for foreign in ("bot", "bot2-abcdefghij-1", "botany", "Bot-1", "x-bot-1", "web_123", ""):
        assert not ids.is_own(foreign)


def test_a_forked_process_does_not_repeat_its_parents_ids():
    processes = iter([10, 10, 11, 11])
    ids = ClientIds("bot", random.Random(6).randbytes, process=lambda: next(processes))
    parent = [ids.new(), ids.new()]
    child = [ids.new(), ids.new()]
    assert {each[:15] for each in parent}.isdisjoint({each[:15] for each in child})
    assert len(set(parent + child)) == 4


@pytest.mark.parametrize(
    "prefix", ["", "a" * 17, "my-bot", "my bot", "bot\n", "böt", "bot:1", "bot.1", None, 7]
)
def test_prefixes_of_another_shape(prefix):
    with pytest.raises(ConfigError) as caught:
        ClientIds(prefix, os.urandom)
    assert caught.value.field == "client_id_prefix"
    assert "1 to 16" in caught.value.accepted


@pytest.mark.parametrize("prefix", ["autoclose", "AutoClose", "adl_autoclose", "adl_autoclose_2"])
def test_prefixes_of_the_venues_own_orders(prefix):
    with pytest.raises(ConfigError, match="the venue's own") as caught:
        ClientIds(prefix, os.urandom)
    assert caught.value.field == "client_id_prefix"


@given(st.text(max_size=60) | st.text("abcZ09_-", max_size=60))
def test_an_id_is_taken_exactly_if_it_has_the_shape(text):
    if SHAPE.fullmatch(text) and not RESERVED.match(text):
        assert check_client_id(text) == text
    else:
        with pytest.raises(InvalidInput) as caught:
            check_client_id(text, field="order.client_order_id")
        assert caught.value.field == "order.client_order_id"
        assert caught.value.value == text


@pytest.mark.parametrize("text", ["autoclose-1", "adl_autoclose", "settlement_autoclose-77", "AUTOCLOSE-9"])
def test_the_venues_own_ids_are_refused(text):
    with pytest.raises(InvalidInput, match="liquidation"):
        check_client_id(text)


def test_an_id_is_a_text():
    with pytest.raises(InvalidInput):
        check_client_id(12345)
