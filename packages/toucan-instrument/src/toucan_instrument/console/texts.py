"""Numbers, times and what a link tells, as a person reads them."""

from __future__ import annotations

from decimal import Decimal

from toucan_instrument.link.status import Connected, Disconnected, LinkStatus, Retrying
from toucan_instrument.plain import one_line

__all__ = ["RAW_SHOWN", "link_text", "number", "raw_text", "seconds", "time_of_day"]

RAW_SHOWN = 160
"""As much is shown of bytes that could not be read."""
DAY_MICROS = 86_400_000_000


def number(value: Decimal | None) -> str:
    """Return an exact number with its digits; a dash where there is none."""
    return "-" if value is None else format(value, "f")


def time_of_day(at_ns: int) -> str:
    """Return a time as ``hh:mm:ss.ffffff``, UTC; finer digits are cut off."""
    # By hand: what a venue sends as a time may lie beyond any calendar.
    whole, micros = divmod(at_ns // 1000 % DAY_MICROS, 1_000_000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{micros:06d}"


def seconds(nanoseconds: int) -> str:
    """Return a length of time in seconds, such as ``0.25 s``."""
    return f"{nanoseconds / 1e9:.2f} s"


def raw_text(raw: bytes) -> str:
    """Return bytes as a text, long ones cut short."""
    cut = raw[:RAW_SHOWN].decode("utf-8", "backslashreplace")
    return f"{cut} ... {len(raw)} bytes" if len(raw) > RAW_SHOWN else cut


def link_text(value: LinkStatus) -> str:
    """Return what a link tells, without its time."""
    if isinstance(value, Connected):
        return f"connected: {value.link}"
    if isinstance(value, Disconnected):
        closed = value.closed
        why = f"code {closed.code}" + (f", {closed.reason}" if closed.reason else "")
        return f"disconnected: {value.link}, {why}"
    if isinstance(value, Retrying):
        delay = seconds(value.delay_ns)
        return f"retrying: {value.link}, attempt {value.attempt} in {delay} ({value.reason})"
    return one_line(value)
