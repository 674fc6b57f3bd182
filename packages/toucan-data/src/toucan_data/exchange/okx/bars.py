"""The lengths of OKX's candles, and where they end; facts 6.5.

Bars of six hours and more begin at midnight of UTC+8, unless their name ends in ``utc``: ours are those, so
that a day is the same day on every venue. The others are read where a recording has them.
"""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec

from toucan_instrument.timestamps import from_datetime, to_datetime

__all__ = ["BARS", "Bar", "bar_named"]

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
EAST = timedelta(hours=8)
_NAME = re.compile(r"(?P<count>[0-9]{1,3})(?P<unit>[smHDWM])(?P<utc>utc)?")
_UNITS = {"s": 1, "m": 60, "H": 3600, "D": 86_400, "W": 7 * 86_400}
MONTHS = 12


class Bar(msgspec.Struct, frozen=True):
    """One length of candles.

    Attributes:
        name: The venue's, such as ``1Dutc``.
        interval: Ours, such as ``1d``; for those that begin at midnight of UTC+8 the venue's name.
        length_ns: Its length, 0 for months.
        months: How many months it has, 0 for shorter ones.
        utc: Whether it begins at midnight of UTC, where it matters.
    """

    name: str
    interval: str
    length_ns: int
    months: int
    utc: bool

    def last_instant(self, opened: int) -> int:
        """Return the last millisecond that belongs to the candle that begins at a time, nanoseconds."""
        if not self.months:
            return opened + self.length_ns - MILLISECOND
        # A month of UTC+8 is a month only there.
        shift = timedelta() if self.utc else EAST
        begin = to_datetime(opened) + shift
        years, month = divmod(begin.month - 1 + self.months, MONTHS)
        end = begin.replace(year=begin.year + years, month=month + 1, day=min(begin.day, 28))
        return from_datetime(end - shift) - MILLISECOND


def bar_named(name: str) -> Bar | None:
    """Return the bar of a venue's name, None if it is no such name."""
    match = _NAME.fullmatch(name)
    if match is None or not int(match["count"]):
        return None
    count, unit, utc = int(match["count"]), match["unit"], match["utc"] is not None
    ours = next((interval for interval, known in BARS.items() if known == name), name)
    if unit == "M":
        return Bar(name, ours, 0, count, utc)
    return Bar(name, ours, count * _UNITS[unit] * SECOND, 0, utc)


BARS: dict[str, str] = {
    "1s": "1s",
    "1m": "1m",
    "3m": "3m",
    "5m": "5m",
    "15m": "15m",
    "30m": "30m",
    "1h": "1H",
    "2h": "2H",
    "4h": "4H",
    "6h": "6Hutc",
    "12h": "12Hutc",
    "1d": "1Dutc",
    "2d": "2Dutc",
    "3d": "3Dutc",
    "5d": "5Dutc",
    "1w": "1Wutc",
    "1M": "1Mutc",
    "3M": "3Mutc",
}
"""The intervals that can be subscribed, and the venue's names of them."""
