"""Delays between attempts."""

from __future__ import annotations

import pytest

from toucan_instrument.errors import InvalidInput
from toucan_instrument.link import Backoff


def test_ceilings_grow_to_the_cap():
    backoff = Backoff(first_ns=100, cap_ns=500, factor=2)
    assert [backoff.ceiling_ns(attempt) for attempt in range(1, 6)] == [100, 200, 400, 500, 500]


@pytest.mark.parametrize("factor", [1, 1.0001, 2, 1e300])
def test_an_outage_may_last_for_ever(factor):
    backoff = Backoff(first_ns=1, cap_ns=10, factor=factor)
    assert 1 <= backoff.ceiling_ns(10**5) <= 10


def test_jitter_covers_all_below_the_ceiling():
    backoff = Backoff(first_ns=100, cap_ns=100)
    assert [backoff.delay_ns(1, lambda r=r: r) for r in (0.0, 0.5, 0.99)] == [0, 50, 99]


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("first_ns", {"first_ns": 0}),
        ("cap_ns", {"first_ns": 10, "cap_ns": 9}),
        ("factor", {"factor": 0.5}),
        ("factor", {"factor": float("nan")}),
    ],
)
def test_what_cannot_work_is_refused(field, arguments):
    with pytest.raises(InvalidInput) as caught:
        Backoff(**arguments)
    assert caught.value.field == field
