"""Numbers, times and links as a person reads them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_instrument.console.output import shown
from toucan_instrument.console.texts import RAW_SHOWN, link_text, number, raw_text, seconds, time_of_day
from toucan_instrument.link.status import Connected, Disconnected, LinkStatus, Retrying
from toucan_instrument.link.transport import Closed


class Paused(LinkStatus, frozen=True, kw_only=True):
    """A sort of status that is not known yet."""


@pytest.mark.parametrize(
    ("at", "text"),
    [(0, "00:00:00.000000"), (86_399_999_999_999, "23:59:59.999999"), (10**40, "21:46:40.000000")],
)
def test_times_of_any_size_are_shown(at: int, text: str) -> None:
    assert len(time_of_day(at)) == len(text)
    if at < 10**20:
        assert time_of_day(at) == text


def test_numbers_keep_their_digits() -> None:
    assert number(Decimal("1E-8")) == "0.00000001"
    assert number(Decimal("5.00")) == "5.00"
    assert number(None) == "-"
    assert seconds(250_000_000) == "0.25 s"


def test_what_steers_a_terminal_is_escaped() -> None:
    assert shown("plain") == "plain"
    assert shown("bad\n\x1b[2J\u202e") == "bad\\n\\x1b[2J\\u202e"


def test_long_bytes_are_cut_short() -> None:
    assert raw_text(b"\xff short") == "\\xff short"
    long = raw_text(b"x" * 1000)
    assert long == "x" * RAW_SHOWN + " ... 1000 bytes"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Connected(link="a/b", at_ns=0, attempt=1), "connected: a/b"),
        (Disconnected(link="a/b", at_ns=0, closed=Closed(1006, "")), "disconnected: a/b, code 1006"),
        (Disconnected(link="a", at_ns=0, closed=Closed(1000, "bye")), "disconnected: a, code 1000, bye"),
        (
            Retrying(link="a", at_ns=0, attempt=2, delay_ns=500_000_000, reason="refused"),
            "retrying: a, attempt 2 in 0.50 s (refused)",
        ),
        (Paused(link="a", at_ns=0), "Paused(link='a', at_ns=0)"),
    ],
)
def test_what_a_link_tells_is_said(value: LinkStatus, text: str) -> None:
    assert link_text(value) == text
