"""Numbers keep their digits, and rounding lands on the grid."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from toucan_instrument.decimals import decimal_of, nearest, on_step, plain, round_down, round_up
from toucan_instrument.errors import InvalidInput

numbers = st.decimals(min_value="-1e15", max_value="1e15", places=10)
steps = st.one_of(
    st.sampled_from([Decimal(text) for text in ("0.00000001", "0.01", "0.25", "1", "3", "10", "0.10")]),
    st.decimals(min_value="0.00000001", max_value=1000, places=8),
)
anchors = st.one_of(st.just(Decimal(0)), st.decimals(min_value=0, max_value=1000, places=8))


@pytest.mark.parametrize(
    ("given", "plainly"),
    [("0.00100", "0.00100"), ("1E-7", "0.0000001"), ("-2.50", "-2.50"), (7, "7"), (Decimal("1E+3"), "1000")],
)
def test_digits_are_kept_and_notation_is_plain(given: object, plainly: str) -> None:
    assert plain(decimal_of(given)) == plainly


@given(numbers)
def test_plain_notation_reads_back(number: Decimal) -> None:
    text = plain(number)
    assert "E" not in text
    assert str(Decimal(text)) == str(decimal_of(text))
    assert Decimal(text) == number


@pytest.mark.parametrize(
    "value",
    [0.1, float("nan"), True, None, b"1", "", " 1", "1_000", "1,5", "0x1", "\uff11", "nan", "Infinity"],
)
def test_what_is_no_exact_number_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        decimal_of(value, field="price")
    assert caught.value.field == "price"
    assert caught.value.value is value


def test_a_float_is_told_what_to_write_instead() -> None:
    with pytest.raises(InvalidInput, match=r'Decimal\("0\.1"\)'):
        decimal_of(0.1)


@pytest.mark.parametrize("value", ["1E+999999999", "1e-999999999", "0e999999", Decimal("1E+41"), 10**50])
def test_sizes_that_would_eat_the_memory_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="of that size"):
        decimal_of(value)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")])
def test_decimals_that_are_not_finite_are_refused(value: Decimal) -> None:
    with pytest.raises(InvalidInput, match="finite"):
        decimal_of(value)


@given(numbers, steps, anchors)
def test_rounding_gives_a_number_on_the_grid_within_one_step(
    value: Decimal, step: Decimal, anchor: Decimal
) -> None:
    exact, grid = Fraction(value), Fraction(step)
    down, up, near = (move(value, step, anchor) for move in (round_down, round_up, nearest))
    for found in (down, up, near):
        assert (Fraction(found) - Fraction(anchor)) % grid == 0
        assert on_step(found, step, anchor)
    assert 0 <= exact - Fraction(down) < grid
    assert 0 <= Fraction(up) - exact < grid
    assert abs(exact - Fraction(near)) <= grid / 2
    assert near in {down, up}


@given(numbers, steps, anchors)
def test_rounding_twice_is_rounding_once(value: Decimal, step: Decimal, anchor: Decimal) -> None:
    for move in (round_down, round_up, nearest):
        once = move(value, step, anchor)
        assert move(once, step, anchor) == once


def test_half_way_goes_to_the_even_count_of_steps() -> None:
    assert nearest(Decimal("0.25"), Decimal("0.1")) == Decimal("0.2")
    assert nearest(Decimal("0.35"), Decimal("0.1")) == Decimal("0.4")


@pytest.mark.parametrize("step", [Decimal(0), Decimal(-1)])
def test_a_step_is_above_zero(step: Decimal) -> None:
    for move in (round_down, round_up, nearest, on_step):
        with pytest.raises(InvalidInput, match="above zero"):
            move(Decimal(1), step)
