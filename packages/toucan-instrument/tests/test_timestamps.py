"""Times are whole nanoseconds, exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from toucan_instrument.errors import InvalidInput
from toucan_instrument.timestamps import (
    from_date,
    from_datetime,
    from_digits,
    from_iso,
    from_ms,
    from_us,
    to_datetime,
)

moments = st.datetimes(timezones=st.timezones() | st.just(UTC), allow_imaginary=False)


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_and_microseconds_are_told_apart(milliseconds: int) -> None:
    assert from_digits(milliseconds) == from_ms(milliseconds)
    since_1980 = milliseconds + 315_532_800_000
    assert from_digits(since_1980 * 1_000 + 7) == from_us(since_1980 * 1_000 + 7)


def test_a_time_of_each_kind() -> None:
    assert from_digits(1_700_000_000_123) == 1_700_000_000_123_000_000
    assert from_digits(1_700_000_000_123_456) == 1_700_000_000_123_456_000


@given(moments)
def test_datetimes_there_and_back(moment: datetime) -> None:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        return
    assert to_datetime(from_datetime(utc)) == utc
    assert from_datetime(moment) == from_datetime(utc)


@given(moments, st.integers(0, 999))
def test_iso_times_to_the_nanosecond(moment: datetime, beyond: int) -> None:
    utc = moment.replace(tzinfo=UTC)
    text = utc.strftime("%m-%dT%H:%M:%S") + f".{utc.microsecond:06}{beyond:03}Z"
    assert from_iso(f"{utc.year:04}-{text}") == from_datetime(utc) + beyond


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01 00:00:01,5+00:00", 1_500_000_000),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
        ("1970-01-01T00:00:00.0000000019Z", 1),
        ("1969-12-31T23:59:59.9Z", -100_000_000),
        ("19700101T000001Z", 1_000_000_000),
    ],
)
def test_iso_times(text: str, nanoseconds: int) -> None:
    assert from_iso(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00.5Z", "2026-13-31T12:00:00Z", "\uff11"],
)
def test_no_iso_time_with_a_zone(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_iso(text)
    assert caught.value.value == text


def test_a_datetime_needs_a_zone() -> None:
    with pytest.raises(InvalidInput, match="zone"):
        from_datetime(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    east = timezone(timedelta(hours=1))
    assert from_datetime(datetime(1970, 1, 1, 1, tzinfo=east)) == 0


def test_a_day_begins_at_midnight() -> None:
    assert from_date(date(1970, 1, 2)) == 86_400 * 10**9


def test_datetimes_are_cut_and_have_bounds() -> None:
    assert to_datetime(1_999) == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="reaches"):
        to_datetime(10**30)
