"""Numbers, words and moments as arguments."""

from __future__ import annotations

from decimal import Decimal

import click
import pytest

from toucan_execution.cli.params import exact, moment, word
from toucan_execution.orders import OrderType, TimeInForce

NOW = 1_800_000_000_000_000_000
HOUR = 3600 * 1_000_000_000


def test_numbers_keep_their_digits() -> None:
    assert str(exact("0.0010")) == "0.0010"
    assert exact("1e-8") == Decimal("0.00000001")


@pytest.mark.parametrize("text", ["", "nan", "inf", "0x10", "1_000", "1,5", "٣", "1e999999999"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        exact(text)


def test_words_are_spelt_with_dashes_and_in_any_case() -> None:
    of = word(OrderType, without=(OrderType.LIQUIDATION,))
    assert of("stop-market") is OrderType.STOP_MARKET
    assert of("STOP_LIMIT") is OrderType.STOP_LIMIT
    with pytest.raises(click.BadParameter, match="is not one of limit, market, stop-market"):
        of("liquidation")
    assert word(TimeInForce)("gtc") is TimeInForce.GTC


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2027-01-15", 1_799_971_200_000_000_000),
        ("2027-01-15T08:00", NOW),
        ("2027-01-15T08:00:00", NOW),
        ("2027-01-15 08:00:00.5", NOW + 500_000_000),
        ("2027-01-15T10:00:00+02:00", NOW),
        ("90m", NOW - HOUR * 3 // 2),
        ("24h", NOW - 24 * HOUR),
        ("7d", NOW - 7 * 24 * HOUR),
    ],
)
def test_moments(text: str, at: int) -> None:
    assert moment(-1, lambda: NOW)(text) == at


def test_a_span_can_lead_on() -> None:
    assert moment(1, lambda: NOW)("2h") == NOW + 2 * HOUR


@pytest.mark.parametrize("text", ["", "yesterday", "2027-13-01", "12", "-5h", "5x", "2027-01-15T25:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no time"):
        moment(-1, lambda: NOW)(text)
