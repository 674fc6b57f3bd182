"""Kinds as values: what they equal, what they select, how they are written."""

import copy
import pickle

import pytest
from hypothesis import given, strategies as st

import toucan_data as package
from toucan_data import (  # noqa: F401 - names for the test that evaluates reprs
    AggregatedTrades,
    Candles,
    FundingRates,
    Kind,
    Liquidations,
    MarkPrices,
    OpenInterests,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Tickers24h,
)
from toucan_data.kinds import ALL_KINDS
from toucan_instrument.errors import InvalidInput

BARE = list(ALL_KINDS)
SET = [
    Candles("1m"),
    Candles("1M"),
    OrderBooksL2(depth=5),
    OrderBooksL2(depth=20, update_ms=1000),
    OrderBooksL2(snapshot_levels=5000),
    OrderBooksL2(events=False),
]
EVERY = pytest.mark.parametrize("kind", BARE + SET, ids=repr)


def test_every_kind_that_is_exported_is_in_the_list_of_all():
    exported = {kind for name in package.__all__ if isinstance(kind := getattr(package, name), Kind)}
    assert exported == set(ALL_KINDS)


def test_all_are_different():
    assert len(set(BARE + SET)) == len(BARE + SET)


@EVERY
def test_a_kind_is_a_value(kind):
    for again in (pickle.loads(pickle.dumps(kind)), copy.copy(kind), copy.deepcopy(kind)):  # noqa: S301 - made here
        assert again == kind
        assert hash(again) == hash(kind)
        assert type(again) is type(kind)
        assert {kind: 1}[again] == 1
    assert kind != kind.name
    assert kind is not None
    assert (kind == object()) is False


@EVERY
def test_a_kind_is_written_as_in_code(kind):
    assert eval(repr(kind)) == kind  # noqa: S307 - made here
    assert "\n" not in repr(kind)


@EVERY
def test_the_bare_kind_selects_its_family_and_a_setting_itself_alone(kind):
    for other in BARE + SET:
        same_family = kind.name == other.name
        assert kind.selects(other) is (same_family and (kind in BARE or kind == other))


def test_defaults_written_out_are_the_bare_kind():
    written = OrderBooksL2(depth=None, snapshot_levels=1000, update_ms=100, events=True)
    assert written == OrderBooksL2 == OrderBooksL2()
    assert hash(written) == hash(OrderBooksL2)
    assert written.selects(OrderBooksL2(depth=5))
    assert (written.depth, written.snapshot_levels, written.update_ms, written.events) == (
        None,
        1000,
        100,
        True,
    )


@given(
    depth=st.none() | st.integers(0, 50),
    levels=st.integers(0, 5000),
    speed=st.integers(0, 1000),
    events=st.booleans(),
)
def test_settings_are_read_back_as_they_were_given(depth, levels, speed, events):
    kind = OrderBooksL2(depth=depth, snapshot_levels=levels, update_ms=speed, events=events)
    assert (kind.depth, kind.snapshot_levels, kind.update_ms, kind.events) == (depth, levels, speed, events)
    assert eval(repr(kind)) == kind  # noqa: S307 - made here


def test_an_interval_is_a_text():
    assert Candles("1m").interval == "1m"
    assert Candles.interval is None
    assert Candles("1m") != Candles("1M")
    for bad in (None, "", 1, 60, b"1m"):
        with pytest.raises(InvalidInput) as caught:
            Candles(bad)
        assert (caught.value.field, caught.value.value) == ("interval", bad)
        assert "1m" in caught.value.accepted


def test_a_kind_of_ones_own_is_as_good():
    assert Kind("PublicTrades") == PublicTrades
    assert repr(Kind("Own", size=3)) == "Own(size=3)"
