"""Times: int nanoseconds since the Unix epoch, UTC, from what venues and people write."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from toucan_instrument.errors import InvalidInput

__all__ = [
    "from_date",
    "from_datetime",
    "from_digits",
    "from_iso",
    "from_ms",
    "from_us",
    "to_datetime",
]

SECOND = 1_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_5138_MS = 100_000_000_000_000
_ISO = re.compile(
    r"(?P<whole>[0-9]{4}-?[0-9]{2}-?[0-9]{2}[T ][0-9]{2}:?[0-9]{2}:?[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?"
    r"(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
)


_WHOLE: dict[str, int] = {}
"""Recent seconds by their text, as venues name the same one many times."""
LENGTH = len("2026-01-31T12:00:00")
KEPT = 1_024


def from_ms(milliseconds: int) -> int:
    """Return milliseconds since the epoch as nanoseconds."""
    return milliseconds * 1_000_000


def from_us(microseconds: int) -> int:
    """Return microseconds since the epoch as nanoseconds."""
    return microseconds * 1_000


def from_digits(time: int) -> int:
    """Return milliseconds or microseconds, told apart by their size, as nanoseconds.

    A number above 10^14 counts microseconds: as milliseconds it would lie in the year 5138.
    """
    return from_us(time) if time > YEAR_5138_MS else from_ms(time)


def from_datetime(moment: datetime) -> int:
    """Return a moment as nanoseconds, exactly.

    Raises:
        InvalidInput: It has no time zone, so nobody knows when it is.
    """
    if moment.tzinfo is None:
        raise InvalidInput(
            "a time without a zone can be any time",
            field="time",
            value=moment,
            accepted="a datetime with tzinfo, such as UTC",
        )
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1_000


def from_date(day: date) -> int:
    """Return the beginning of a day, UTC, as nanoseconds."""
    return from_datetime(datetime.combine(day, time(), tzinfo=UTC))


def from_iso(text: str) -> int:
    """Return an ISO 8601 time with a zone as nanoseconds; decimals of a second beyond nine are cut.

    Raises:
        InvalidInput: It is no such time, or has no zone.
    """
    whole = _WHOLE.get(text[:LENGTH])
    if whole is not None and text[-1:] == "Z":
        digits = text[LENGTH + 1 : -1]
        if text[LENGTH] == "." and digits.isascii() and digits.isdigit():
            return whole + int(digits[:9].ljust(9, "0"))
    match = _ISO.fullmatch(text)
    parts = match.groupdict(default="") if match is not None else dict.fromkeys(_ISO.groupindex, "")
    try:
        since = datetime.fromisoformat(parts["whole"] + parts["zone"]) - EPOCH
    except (OverflowError, ValueError) as error:
        raise InvalidInput(
            "that is no time", field="time", value=text, accepted="such as 2026-01-31T12:00:00.5Z"
        ) from error
    seconds = (since.days * 86_400 + since.seconds) * SECOND
    if parts["zone"] == "Z" and len(parts["whole"]) == LENGTH:
        if len(_WHOLE) >= KEPT:
            _WHOLE.clear()
        _WHOLE[parts["whole"]] = seconds
    return seconds + int(parts["fraction"][:9].ljust(9, "0"))


def to_datetime(nanoseconds: int) -> datetime:
    """Return nanoseconds as a datetime in UTC, cut to its microseconds.

    Raises:
        InvalidInput: It lies outside the years that a datetime can have.
    """
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1_000)
    except OverflowError as error:
        raise InvalidInput(
            "no datetime reaches that far", field="time", value=nanoseconds, accepted="years 1 to 9999"
        ) from error
