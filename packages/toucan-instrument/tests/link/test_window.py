"""A limit that holds in every span of the window's length."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from toucan_instrument.errors import InvalidInput
from toucan_instrument.link import Window


def test_what_was_taken_counts_for_a_window():
    window = Window(10, 100)
    window.take(0, 6)
    window.take(50, 4)
    assert [window.used(now) for now in (50, 99, 100, 149, 150)] == [10, 10, 4, 4, 0]


def test_the_earliest_time_is_when_enough_has_passed_out():
    window = Window(10, 100)
    window.take(0, 3)
    window.take(10, 3)
    window.take(20, 3)
    assert [window.earliest(30, weight) for weight in (0, 1, 2, 4, 5, 8, 10)] == [
        30, 30, 100, 100, 110, 120, 120,
    ]  # fmt: skip


def test_a_ceiling_leaves_the_rest_free():
    window = Window(10, 100)
    window.take(0, 5)
    assert window.earliest(1, 4, ceiling=8) == 100
    assert window.earliest(1, 4, ceiling=99) == 1


def test_held_weight_counts_until_a_window_after_it_is_settled():
    window = Window(10, 100)
    window.hold(10)
    assert window.used(1000) == 10
    assert window.earliest(1000, 1) == 1100  # a lower bound
    window.settle(1050, 10)
    assert window.earliest(1050, 1) == 1150
    window.hold(5)
    window.drop(5)
    assert window.used(1150) == 0


def test_what_others_used_may_be_over_the_limit():
    window = Window(10, 100)
    window.take(0, 25)
    assert window.earliest(1, 1) == 100


@pytest.mark.parametrize(("weight", "ceiling"), [(11, None), (9, 8), (-1, None)])
def test_what_can_never_fit_is_refused(weight, ceiling):
    with pytest.raises(InvalidInput) as caught:
        Window(10, 100).earliest(0, weight, ceiling)
    assert caught.value.field == "weight"


@pytest.mark.parametrize("arguments", [(0, 1), (1, 0), (-1, 1)])
def test_a_limit_is_positive(arguments):
    with pytest.raises(InvalidInput):
        Window(*arguments)


def test_it_tells_its_state():
    window = Window(10, 1_500_000_000)
    window.take(0, 6)
    window.hold(1)
    assert repr(window) == "<Window 7/10 per 1.5 s>"


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10), st.integers(0, 30))))
def test_no_span_ever_exceeds_the_limit(steps):
    """Whatever is wanted, however long it is under way: counted when sent, or when answered."""
    window, now, spans = Window(10, 100), 0, []
    for pause, weight, under_way in steps:
        now = max(now + pause, window.earliest(now + pause, weight))
        window.hold(weight)
        sent, now = now, now + under_way
        window.settle(now, weight)
        spans.append((sent, now, weight))
    for counted in (0, 1):  # the venue counts at either end
        for at in [span[counted] for span in spans]:
            inside = [span[2] for span in spans if at <= span[counted] < at + 100]
            assert sum(inside) <= 10
