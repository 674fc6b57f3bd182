from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.client.binance.params import flag, given, id_param, milliseconds, percent, text
from toucan_instrument import InvalidInput


@pytest.mark.parametrize(
    ("number", "written"),
    [("1E-7", "0.0000001"), ("1E+3", "1000"), ("52000.00", "52000.00"), ("0.01000000", "0.01000000")],
)
def test_numbers_have_their_digits_and_no_exponent(number, written):
    assert text(Decimal(number), "price") == written


@pytest.mark.parametrize("number", [0.1, Decimal("NaN"), Decimal("Infinity")])
def test_what_is_no_exact_number_is_refused(number):
    with pytest.raises(InvalidInput) as caught:
        text(number, "price")
    assert caught.value.field == "price"


@pytest.mark.parametrize(
    ("bips", "rate"), [(10, "0.1"), (15, "0.15"), (100, "1"), (1000, "10"), (2000, "20")]
)
def test_callback_rates_are_percent(bips, rate):
    assert percent(bips) == rate


def test_times_are_cut_to_milliseconds():
    assert milliseconds(1_700_000_000_123_999_999) == 1_700_000_000_123


def test_flags_ids_and_what_is_left_out():
    assert (flag(True), flag(False)) == ("true", "false")
    assert id_param("orderId", "28") == ("orderId", 28)
    assert given(("a", 1), ("b", None), ("c", "")) == (("a", 1), ("c", ""))


@pytest.mark.parametrize("order_id", ["", "x", "-1", "1.0", "१२", 28])
def test_an_id_that_is_none_is_refused(order_id):
    with pytest.raises(InvalidInput) as caught:
        id_param("orderId", order_id)
    assert caught.value.field == "order_id"
