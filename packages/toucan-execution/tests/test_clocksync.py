"""The venue's clock is estimated from round trips, never ahead for safety, and no lie moves it alone."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from toucan_execution.clocksync import ClockOffset
from toucan_execution.errors import NotSynced

SECOND = 1_000_000_000
MS = SECOND // 1000
MINUTE = 60 * SECOND
BASE = 1_700_000_000 * SECOND  # the venue's clock at our monotonic zero

trips = st.tuples(st.integers(0, 3 * SECOND), st.fractions(0, 1))
"""How long a round trip took, and at which part of it the server looked at its clock."""


def honest(clock, now, trip, part=0.5, offset=BASE):
    """Have a true round trip that begins at a monotonic time; return when it ended."""
    clock.add(now, now + trip, offset + now + int(trip * part))
    return now + trip


def started(offset=BASE, now=SECOND):
    clock = ClockOffset()
    for _ in range(3):
        now = honest(clock, now, 20 * MS, offset=offset)
    return clock, now


def test_nothing_is_known_before_anything_was_measured():
    clock = ClockOffset()
    assert (clock.known, clock.valid, clock.offset_ns, clock.uncertainty_ns) == (False, False, None, None)
    assert clock.age_ns(5) is None
    assert clock.due(0)
    with pytest.raises(NotSynced, match="never measured"):
        clock.server_ns(5)
    assert "unknown" in repr(clock)


def test_one_round_trip_is_worth_its_middle():
    clock = ClockOffset()
    assert clock.add(1_000, 1_400, BASE + 1_200)
    assert clock.offset_ns == BASE
    assert clock.uncertainty_ns == 200
    assert clock.server_ns(5_000) == BASE + 5_000
    assert clock.age_ns(2_400) == 1_000
    assert clock.known
    assert clock.valid
    assert str(BASE) in repr(clock)


def test_three_samples_at_the_start_then_three_every_half_an_hour():
    clock, now = ClockOffset(), 0
    for _ in range(3):
        assert clock.due(now)
        now = honest(clock, now, 10 * MS)
    assert not clock.due(now)
    assert clock.due_in_ns(now) == 30 * MINUTE
    assert clock.due_in_ns(now + MINUTE) == 29 * MINUTE
    now += 30 * MINUTE
    for _ in range(3):
        assert clock.due(now)
        now = honest(clock, now, 10 * MS)
    assert not clock.due(now)


def test_the_median_of_the_shortest_trips_counts():
    clock = ClockOffset()
    clock.add(0, 100, BASE + 50 + 7)
    clock.add(1_000, 1_100, BASE + 1_050 - 4)
    assert clock.offset_ns == BASE - 4  # the lower of two: behind rather than ahead
    clock.add(2_000, 2_100, BASE + 2_050 + 1)
    assert clock.offset_ns == BASE + 1
    # A long trip in the next round is one of four, and the three shorter ones are taken.
    for sent, trip, error in (
        (31 * MINUTE, 400 * MS, -150 * MS),
        (32 * MINUTE, 100, 3),
        (33 * MINUTE, 100, 5),
    ):
        clock.add(sent, sent + trip, BASE + sent + trip // 2 + error)
    assert clock.offset_ns == BASE + 3


def test_of_a_long_trip_the_end_counts():
    clock = ClockOffset()
    trip = 4 * SECOND
    clock.add(0, trip, BASE + SECOND // 10)  # the server looked at its clock at once
    # The middle of the trip would be 1.9 s ahead, and every request refused.
    assert clock.offset_ns == BASE + SECOND // 10 - trip + SECOND // 2
    assert clock.uncertainty_ns == trip - SECOND // 2
    assert abs(clock.offset_ns - BASE) <= clock.uncertainty_ns


def test_a_new_round_changes_the_estimate_when_it_is_complete():
    clock, now = started()
    now += 30 * MINUTE
    shift = 80 * MS  # within what clocks drift apart in that time
    for _ in range(2):
        now = honest(clock, now, 20 * MS, offset=BASE + shift)
        assert clock.offset_ns == BASE
    honest(clock, now, 20 * MS, offset=BASE + shift)
    assert clock.offset_ns == BASE + shift


def test_a_refused_timestamp_has_it_measured_at_once():
    clock, now = started()
    clock.invalidate()
    assert not clock.valid
    assert clock.due(now)
    assert clock.server_ns(now) == BASE + now  # the old estimate stands until there is another
    jumped = BASE + 3600 * SECOND
    honest(clock, now, 20 * MS, offset=jumped)
    assert clock.valid
    assert clock.offset_ns == jumped
    assert clock.due(now)  # three again


def test_a_question_that_could_not_be_asked_is_asked_again_later():
    clock = ClockOffset(retry_ns=5 * SECOND)
    clock.failed(SECOND)
    assert not clock.due(SECOND)
    assert clock.due_in_ns(2 * SECOND) == 4 * SECOND
    assert clock.due(6 * SECOND)
    clock.failed(6 * SECOND)
    clock.invalidate()
    assert clock.due(6 * SECOND)


absurd = st.one_of(
    st.tuples(st.integers(1, 10**12), st.just(BASE)).map(lambda each: (-each[0], each[1])),
    st.tuples(st.integers(10 * SECOND + 1, 10**15), st.just(BASE)),
    st.tuples(
        st.just(20 * MS),
        st.one_of(st.integers(max_value=999_999_999 * SECOND), st.integers(min_value=1 << 63)),
    ),
)
"""Trips that cannot be, and times that are none."""


@given(absurd)
def test_what_cannot_be_is_refused_and_asked_again_later(sample):
    trip, server = sample
    for clock, now in ((ClockOffset(), SECOND), started()):
        before = clock.offset_ns
        assert not clock.add(now, now + trip, server)
        assert clock.offset_ns == before
        assert not clock.due(now + trip)  # not at once again and again
        assert clock.due(now + max(trip, 0) + 31 * MINUTE)


lies = st.one_of(st.integers(60 * SECOND, 10**17), st.integers(-(10**17), -60 * SECOND))


@given(lies)
def test_one_lie_moves_nothing(lie):
    clock, now = started()
    assert not clock.add(now, now + 20 * MS, BASE + now + lie)
    assert clock.offset_ns == BASE
    now += 20 * MS
    assert clock.due(now)  # another is wanted soon
    now = honest(clock, now, 20 * MS)
    assert abs(clock.offset_ns - BASE) <= 10 * MS


@given(lies)
def test_a_clock_that_was_really_set_is_followed_after_two(jump):
    clock, now = started()
    now = honest(clock, now, 20 * MS, offset=BASE + jump)
    assert clock.offset_ns == BASE
    honest(clock, now, 20 * MS, offset=BASE + jump)
    assert clock.offset_ns == BASE + jump


@given(st.lists(st.integers(1, 10**6).map(lambda n: n * 60 * SECOND), min_size=3, max_size=9, unique=True))
def test_lies_that_contradict_each_other_are_not_asked_for_without_end(several):
    clock, now = started()
    now += 30 * MINUTE
    asked = 0
    for lie in several:
        if not clock.due(now):
            break
        asked += 1
        clock.add(now, now + 20 * MS, BASE + now + lie)
        now += 20 * MS
    assert asked == 2
    assert clock.offset_ns == BASE
    assert clock.due(now + 5 * SECOND)


@given(st.lists(trips, min_size=1, max_size=12), st.integers(0, 2_000_000_000 * SECOND))
def test_the_truth_is_within_the_uncertainty_and_we_are_never_far_ahead(several, offset):
    clock, now, offset = ClockOffset(), 7, offset + 1_000_000_000 * SECOND
    for trip, part in several:
        now = honest(clock, now, trip, part, offset)
        assert abs(clock.offset_ns - offset) <= clock.uncertainty_ns + 1
        assert clock.offset_ns - offset <= SECOND // 2  # the venue refuses what is 1 s ahead
        assert clock.valid
        now += 10 * MINUTE
    if len(several) >= 3:
        assert clock.uncertainty_ns <= max(trip for trip, _ in several)


@given(
    st.lists(st.tuples(st.integers(0, 5 * SECOND), lies | st.just(0)), max_size=12),
    trips,
    trips,
)
def test_after_whatever_was_said_two_honest_samples_are_enough(said, one, other):
    clock, now = ClockOffset(), 7
    for trip, lie in said:
        clock.add(now, now + trip, BASE + now + trip // 2 + lie)
        now += trip
    for trip, part in (one, other):
        now = honest(clock, now, trip, part)
    assert abs(clock.offset_ns - BASE) <= 5 * SECOND  # what the longest trips leave open
    assert clock.offset_ns - BASE <= SECOND // 2


@given(st.integers(-(10**15), 10**15), st.integers(0, 10**12))
def test_the_venues_time_runs_with_ours(start, step):
    clock, _ = started()
    assert clock.server_ns(start + step) - clock.server_ns(start) == step
