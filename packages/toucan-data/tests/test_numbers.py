"""Numbers from texts: what `Decimal` makes of them, or refused."""

from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given, strategies as st

from toucan_data import numbers
from toucan_instrument.errors import PayloadError

SPELT = st.one_of(
    st.decimals().map(str),
    st.from_regex(r"-?[0-9]{0,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,20})?", fullmatch=True),
    st.text(alphabet="0123456789.eE+-naif", max_size=12),
)


@given(SPELT)
def test_a_number_is_what_decimal_makes_of_it_or_refused(text):
    try:
        expected = Decimal(text)
    except InvalidOperation:
        expected = Decimal("nan")
    for make in (numbers.finite, numbers.keep):
        if expected.is_finite():
            assert repr(make(text)) == repr(expected)  # its digits and its exponent too
        else:
            with pytest.raises(PayloadError, match=r"not finite|not a number"):
                make(text)
    assert (text in numbers.KEPT) is expected.is_finite()


@pytest.mark.parametrize("text", ["1" * 500, "0." + "1" * 500, "1e-999999999999999999", "-0.00", "0E+7"])
def test_no_digit_is_lost(text):
    assert repr(numbers.finite(text)) == repr(Decimal(text))


@pytest.mark.parametrize("text", [" 1", "1 ", "1_000", "", "1\x00", "\ud800", "1e9999999999999999999"])
def test_what_no_venue_means_as_a_number_is_refused(text):
    with pytest.raises(PayloadError, match="not a number"):
        numbers.finite(text, "field q")


def test_no_more_are_kept_than_the_limit(monkeypatch):
    monkeypatch.setattr(numbers, "LIMIT", 3)
    numbers.KEPT.clear()
    for number in range(10):
        assert numbers.keep(str(number)) == number
        assert len(numbers.KEPT) <= 3
    numbers.KEPT.clear()
