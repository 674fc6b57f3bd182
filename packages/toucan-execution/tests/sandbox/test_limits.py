"""Limits are counted as the venue counts them: fixed windows, 429 and then 418 (facts C.4)."""

from __future__ import annotations

from hypothesis import given, strategies as st

from toucan_execution.testing.sandbox.limits import (
    AddressLimits,
    Limited,
    LimitRule,
    OrderLimits,
    rules_of,
)

MILLI = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
START = 1_767_225_600 * SECOND  # where a minute and a day begin
SMALL = (LimitRule("REQUEST_WEIGHT", "MINUTE", 1, 10), LimitRule("RAW_REQUESTS", "MINUTE", 5, 8))


def attempt(charge, now, amount):
    try:
        charge(now, amount)
    except Limited as error:
        return error
    return None


def refused(charge, now, amount):
    error = attempt(charge, now, amount)
    assert error is not None
    return error


def test_the_venue_s_limits():
    def told(*, futures):
        return [(rule.kind, rule.label, rule.limit) for rule in rules_of(futures=futures)]

    assert told(futures=False) == [
        ("REQUEST_WEIGHT", "1M", 6_000), ("ORDERS", "10S", 100), ("ORDERS", "1D", 200_000),
        ("RAW_REQUESTS", "5M", 300_000),
    ]  # fmt: skip
    assert told(futures=True) == [
        ("REQUEST_WEIGHT", "1M", 2_400), ("ORDERS", "1M", 1_200), ("ORDERS", "10S", 300)
    ]  # fmt: skip


# The address.


def test_a_window_is_a_minute_of_the_clock():
    limits = AddressLimits(SMALL)
    limits.charge(START + 59 * SECOND, 10)
    assert limits.used == 10
    limits.charge(START + 60 * SECOND - 1, 0)
    assert limits.used == 10
    limits.charge(START + 60 * SECOND, 3)
    assert (limits.used, limits.most_used, limits.limit) == (3, 10, 10)


def test_what_is_used_is_said_in_headers_and_rows():
    limits = AddressLimits(rules_of(futures=True))
    limits.charge(START, 40)
    assert limits.headers() == {"X-MBX-USED-WEIGHT": "40", "X-MBX-USED-WEIGHT-1M": "40"}
    assert limits.rows() == [
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": 2_400,
            "count": 40,
        }
    ]


def test_beyond_the_limit_is_429_until_the_window_is_over():
    limits = AddressLimits(SMALL)
    limits.charge(START + 15 * SECOND, 10)
    error = refused(limits.charge, START + 20 * SECOND, 1)
    assert (error.code, error.status) == (-1003, 429)
    assert error.until_ns == START + MINUTE
    assert error.retry_after_ns == 40 * SECOND
    assert "current limit of IP is 10 request weight per 1 MINUTE" in error.text
    assert limits.refused == 1
    limits.charge(START + MINUTE, 10)
    assert limits.refused == 1


def test_refused_requests_count_too():
    limits = AddressLimits(SMALL)
    limits.charge(START, 8)
    refused(limits.charge, START, 5)
    refused(limits.charge, START, 1)
    assert limits.used == 14


def test_requests_are_counted_whatever_they_weigh():
    limits = AddressLimits(SMALL)
    for minute in range(4):
        limits.charge(START + minute * MINUTE, 0)
        limits.charge(START + minute * MINUTE, 0)
    error = refused(limits.charge, START + 4 * MINUTE, 0)
    assert error.status == 429
    assert error.until_ns == START + 5 * MINUTE
    limits.charge(START + 5 * MINUTE, 0)


def test_who_goes_on_is_banned():
    limits = AddressLimits(SMALL, patience=3)
    limits.charge(START, 10)
    assert [refused(limits.charge, START + SECOND, 1).status for _ in range(4)] == [429, 429, 429, 418]
    error = refused(limits.charge, START + MINUTE, 1)  # a new window does not help
    until = START + SECOND + 120 * SECOND
    assert (error.status, error.code, error.until_ns) == (418, -1003, until)
    assert error.retry_after_ns == 61 * SECOND
    assert f"IP banned until {until // MILLI}." in error.text
    refused(limits.charge, until - 1, 1)
    limits.charge(until, 1)
    assert (limits.used, limits.refused) == (1, 6)


def test_strikes_are_forgotten_where_somebody_listens():
    limits = AddressLimits(SMALL, patience=2)
    for minute in range(4):
        limits.charge(START + minute * 5 * MINUTE, 10)
        for _ in range(2):
            assert refused(limits.charge, START + minute * 5 * MINUTE, 1).status == 429


def test_bans_get_longer_up_to_three_days():
    limits, now, lengths = AddressLimits(SMALL, patience=0), START, []
    for _ in range(14):
        now = now - now % (5 * MINUTE) + 5 * MINUTE
        limits.charge(now, 10)
        error = refused(limits.charge, now, 1)
        assert error.status == 418
        lengths.append(error.retry_after_ns)
        now = error.until_ns
    assert lengths == [min(120 * SECOND << number, 3 * DAY) for number in range(14)]
    assert lengths[-2:] == [3 * DAY, 3 * DAY]


def test_a_ban_and_a_throttle_may_be_ordered():
    limits = AddressLimits(SMALL)
    limits.throttle(START, 5 * SECOND)
    error = refused(limits.charge, START + SECOND, 1)
    assert (error.status, error.retry_after_ns) == (429, 4 * SECOND)
    limits.charge(START + 5 * SECOND, 1)
    limits.ban(START + 6 * SECOND, 7 * SECOND)
    error = refused(limits.charge, START + 8 * SECOND, 1)
    assert (error.status, error.retry_after_ns) == (418, 5 * SECOND)
    limits.charge(START + 13 * SECOND, 1)
    assert limits.used == 2


def test_what_a_request_does_not_cost_is_given_back():
    limits = AddressLimits(SMALL)
    limits.charge(START, 7)
    limits.refund(7)
    assert (limits.used, limits.most_used) == (0, 7)
    limits.refund(3)
    assert limits.used == 0


# Orders.


def test_orders_are_counted_in_every_window():
    limits = OrderLimits(rules_of(futures=False))
    limits.charge(START + 9 * SECOND, 60)
    limits.charge(START + 10 * SECOND, 50)
    now = START + 11 * SECOND
    assert limits.headers(now) == {"X-MBX-ORDER-COUNT-10S": "50", "X-MBX-ORDER-COUNT-1D": "110"}
    assert [tuple(row.values())[1:] for row in limits.rows(now)] == [
        ("SECOND", 10, 100, 50), ("DAY", 1, 200_000, 110)
    ]  # fmt: skip
    assert limits.headers(START + DAY) == {"X-MBX-ORDER-COUNT-10S": "0", "X-MBX-ORDER-COUNT-1D": "0"}
    assert limits.most == (60, 110)


def test_orders_beyond_a_limit_are_refused_and_not_counted():
    limits = OrderLimits(rules_of(futures=True))
    limits.charge(START, 298)
    error = refused(limits.charge, START + 3 * SECOND, 5)
    assert (error.code, error.status, error.until_ns) == (-1015, 429, START + 10 * SECOND)
    assert error.text == "Too many new orders; current limit is 300 orders per 10 SECOND."
    limits.charge(START + 3 * SECOND, 2)
    for window in range(1, 4):
        limits.charge(START + 10 * window * SECOND, 300)
    error = refused(limits.charge, START + 40 * SECOND, 1)
    assert error.text == "Too many new orders; current limit is 1200 orders per 1 MINUTE."
    assert error.until_ns == START + MINUTE
    limits.charge(START + MINUTE, 1)


def test_orders_that_were_filled_are_taken_off():
    limits = OrderLimits(rules_of(futures=False))
    limits.charge(START, 100)
    limits.filled(START + SECOND, 2)
    limits.charge(START + SECOND, 2)
    refused(limits.charge, START + SECOND, 1)
    limits.filled(START + 10 * SECOND)  # of an order of the window before: none is below zero
    assert limits.headers(START + 10 * SECOND) == {"X-MBX-ORDER-COUNT-10S": "0", "X-MBX-ORDER-COUNT-1D": "99"}


# Whatever is asked.

STEPS = st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 6), st.booleans()), max_size=80)


@given(STEPS, st.integers(0, 4))
def test_the_count_is_what_was_charged_and_nothing_is_admitted_beyond_a_limit(steps, patience):
    limits = AddressLimits(SMALL, patience=patience)
    now, charged, admitted, raw = START, {}, {}, {}
    for pause_ms, weight, free in steps:
        now += pause_ms * MILLI
        minute, five = now // MINUTE, now // (5 * MINUTE)
        barred = now < limits.banned_until_ns
        if not barred:
            charged[minute] = charged.get(minute, 0) + weight
        error = attempt(limits.charge, now, weight)
        if error is not None:
            assert error.status == (418 if now < limits.banned_until_ns else 429)
            assert error.until_ns > now
        else:
            assert not barred
            admitted[minute] = admitted.get(minute, 0) + weight
            raw[five] = raw.get(five, 0) + 1
            assert admitted[minute] <= 10
            assert raw[five] <= 8
            if free:
                limits.refund(weight)
                charged[minute] -= weight
                admitted[minute] -= weight
        if not barred:
            assert limits.used == charged[minute]


@given(st.lists(st.tuples(st.integers(0, 8_000), st.integers(1, 120)), max_size=60))
def test_orders_are_never_admitted_beyond_a_limit(steps):
    limits, now = OrderLimits(rules_of(futures=True)), START
    counts = {10 * SECOND: {}, MINUTE: {}}
    for pause_ms, orders in steps:
        now += pause_ms * MILLI
        fits = all(
            windows.get(now // length, 0) + orders <= limit
            for (length, windows), limit in zip(counts.items(), (300, 1_200), strict=True)
        )
        if not fits:
            error = refused(limits.charge, now, orders)
            assert now < error.until_ns <= now + MINUTE
            continue
        limits.charge(now, orders)
        for length, windows in counts.items():
            windows[now // length] = windows.get(now // length, 0) + orders
        assert limits.headers(now) == {
            "X-MBX-ORDER-COUNT-10S": str(counts[10 * SECOND][now // (10 * SECOND)]),
            "X-MBX-ORDER-COUNT-1M": str(counts[MINUTE][now // MINUTE]),
        }
