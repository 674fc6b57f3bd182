"""A window that rolls along counts what lies in it, and nothing else."""

from __future__ import annotations

from hypothesis import given, strategies as st

from toucan_instrument.testing.rolling import RollingCount


def test_what_is_as_old_as_the_window_is_out():
    counted = RollingCount(1_000)
    assert [counted.add(now) for now in (0, 1, 999, 1_000, 1_001)] == [1, 2, 3, 3, 3]


def test_amounts_are_added_up():
    counted = RollingCount(10)
    assert [counted.add(0, 5), counted.add(9, 2), counted.add(10, 1), counted.add(100, 0)] == [5, 7, 3, 0]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=60), st.integers(1, 40))
def test_it_counts_what_a_list_would(steps, window):
    counted, seen, now = RollingCount(window), [], 0
    for pause, amount in steps:
        now += pause
        seen.append((now, amount))
        assert counted.add(now, amount) == sum(each for at, each in seen if at > now - window)
