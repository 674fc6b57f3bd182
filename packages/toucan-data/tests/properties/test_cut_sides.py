"""A side that is cut to a depth, against the same by hand: sort, cut, and nothing else."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from toucan_data.sides import BookSide, CutSide

PRICES = st.sampled_from(["1", "1.0", "1.00", "2", "2.5", "2.50", "3", "4", "5", "10", "0.1", "1e1"])
QUANTITIES = st.sampled_from(["0", "0.0000", "0e-8", "1", "2.50", "3"])
CHANGES = st.lists(st.tuples(PRICES, QUANTITIES), max_size=6)


@given(
    sign=st.sampled_from([1, -1]),
    depth=st.integers(1, 5),
    start=CHANGES,
    updates=st.lists(CHANGES, max_size=12),
)
def test_it_is_what_sorting_and_cutting_makes(sign, depth, start, updates):
    side = CutSide(depth, sign, start)
    held = {}
    for changes in (start, *updates):
        if changes is not start:
            side.update(changes)
        for price, quantity in changes:
            held.pop(Decimal(price), None)
            if Decimal(quantity):
                held[Decimal(price)] = (price, quantity)
        best = sorted(held, reverse=sign > 0)[:depth]
        held = {price: held[price] for price in best}
        assert list(side.texts()) == [held[price] for price in best]
        assert side.best() == (held[best[0]] if best else None)
        assert len(side.quantities) == len(side.prices) == len(side.ranks) == len(best)


@given(start=CHANGES, updates=st.lists(CHANGES, max_size=8))
def test_deep_enough_it_is_the_same_as_one_that_is_not_cut(start, updates):
    cut, whole = CutSide(100, 1, start), BookSide(1, start)
    for changes in updates:
        cut.update(changes)
        whole.update(changes)
        assert list(cut.texts()) == list(whole.texts())


@pytest.mark.parametrize(
    "bad", [("x", "1"), ("1", "x"), ("NaN", "1"), ("1", "NaN"), ("1", "-1"), ("inf", "1")]
)
def test_what_is_no_level_is_refused(bad):
    with pytest.raises(ValueError, match=r"is no|could not convert"):
        CutSide(3, 1).update([bad])
