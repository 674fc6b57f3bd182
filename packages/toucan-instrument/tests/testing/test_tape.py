from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from toucan_instrument.testing.tape import Tape, joined
from toucan_instrument.testing.ticks import (
    DAY,
    MINUTE,
    MONTH,
    SECOND,
    WEEK,
    BookDelta,
    CandleTick,
    TradeTick,
    closing,
    opening,
)

START = 1_767_225_600 * SECOND
HOUR = 60 * MINUTE
BID, ASK = (Decimal(99), Decimal(1)), (Decimal(101), Decimal(2))


def tape(price: Decimal | None = Decimal(100), **more) -> Tape:
    return Tape("BTCUSDT", price=price, start_ns=START, **more)


def traded(found: Tape, now_ns: int, price: str, *quantities: str, sells: bool = False) -> TradeTick:
    return found.trade(now_ns, Decimal(price), [Decimal(q) for q in quantities], buyer_is_maker=sells)


def test_trades_are_numbered_one_after_the_other():
    found = tape(trade_id=10)
    first = traded(found, START, "100", "1", "2")
    second = traded(found, START + 1, "99", "4", sells=True)
    assert (first.first_id, first.last_id, first.aggregate_id) == (11, 12, 6)
    assert (second.first_id, second.last_id, second.aggregate_id) == (13, 13, 7)
    assert (found.trade_id, found.aggregate_id, found.last, found.last_quantity) == (13, 7, 99, 4)
    assert list(found.trades) == [first, second]
    assert found.traded == 7


def test_only_the_last_trades_are_kept():
    found = tape(keep=3)
    for i in range(10):
        traded(found, START + i, "100", "1")
    assert [each.first_id for each in found.trades] == [8, 9, 10]


def test_updates_are_numbered_by_the_rule_of_the_market():
    found = tape(update_id=7)
    one = found.delta(START, [(Decimal(1), Decimal(2)), (Decimal(2), Decimal(0))], [])
    two = found.delta(START, [], [(Decimal(3), Decimal(1))], skipped=4)
    assert (one.first_id, one.last_id, one.previous_id) == (8, 9, 7)
    assert (two.first_id, two.last_id, two.previous_id) == (14, 14, 9)
    assert found.update_id == 14


def test_before_the_first_trade_there_is_nothing_but_zeros():
    found = tape(None)
    ticker = found.ticker(START, BID, ASK)
    assert (ticker.last, ticker.open, ticker.high, ticker.low, ticker.volume) == (0, 0, 0, 0, 0)
    assert (ticker.first_id, ticker.last_id, ticker.trades) == (-1, -1, 0)
    assert found.candles(START + HOUR) == []
    assert found.bars(MINUTE, START + HOUR) == []
    assert found.average(5, START + HOUR) == 0
    traded(found, START + HOUR, "50", "1")
    assert [bar.open_ns for bar in found.bars(MINUTE, START + HOUR + MINUTE)] == [
        START + HOUR,
        START + HOUR + MINUTE,
    ]


def test_candles_close_on_time_and_are_told_once():
    found = tape()
    assert found.candles(START) == []
    traded(found, START + SECOND, "101", "2")
    [forming] = found.candles(START + 2 * SECOND)
    assert (forming.open, forming.close, forming.volume, forming.closed) == (101, 101, 2, False)
    assert found.candles(START + 3 * SECOND) == []
    traded(found, START + MINUTE + SECOND, "99", "1", sells=True)
    closed, fresh, forming = found.candles(START + MINUTE + 2 * SECOND)
    assert (closed.closed, closed.close, closed.volume) == (True, 101, 2)
    assert (fresh.closed, fresh.open, fresh.trades, fresh.open_ns) == (False, 101, 0, START + MINUTE)
    assert (forming.open, forming.taker_volume, forming.volume, forming.trades) == (99, 0, 1, 1)


def test_other_lengths_are_made_of_what_was_kept():
    found = tape()
    for minute in range(7):
        traded(found, START + minute * MINUTE, str(100 + minute), "1")
    found.candles(START + 6 * MINUTE)
    found.follow(5 * MINUTE)
    found.follow(5 * MINUTE)
    traded(found, START + 6 * MINUTE + 1, "200", "3")
    minute, five = found.candles(START + 6 * MINUTE + 2)
    assert minute.interval_ns == MINUTE
    assert (five.interval_ns, five.open_ns, five.open, five.high) == (
        5 * MINUTE,
        START + 5 * MINUTE,
        105,
        200,
    )
    assert (five.volume, five.trades, five.first_id, five.last_id) == (5, 3, 6, 8)


def test_a_second_is_followed_as_well():
    found = tape()
    found.follow(SECOND)
    traded(found, START, "101", "1")
    traded(found, START + SECOND, "102", "1")
    told = [each for each in found.candles(START + SECOND) if each.interval_ns == SECOND]
    assert [(each.closed, each.open_ns, each.close) for each in told] == [
        (True, START, 101),
        (False, START + SECOND, 101),
        (False, START + SECOND, 102),
    ]
    assert [bar.close for bar in found.bars(SECOND, START + 3 * SECOND)] == [101, 102, 102, 102]


def test_bars_have_no_hole_and_keep_within_what_is_asked():
    found = tape()
    traded(found, START + 2 * MINUTE, "105", "1")
    traded(found, START + 5 * MINUTE, "95", "1")
    bars = found.bars(MINUTE, START + 7 * MINUTE)
    assert [bar.close for bar in bars] == [100, 100, 105, 105, 105, 95, 95, 95]
    assert [bar.closed for bar in bars] == [True] * 7 + [False]
    assert [bar.trades for bar in bars] == [0, 0, 1, 0, 0, 1, 0, 0]
    last = found.bars(MINUTE, START + 7 * MINUTE, 2)
    assert [bar.open_ns for bar in last] == [START + 6 * MINUTE, START + 7 * MINUTE]
    some = found.bars(MINUTE, START + 7 * MINUTE, 2, start_ns=START + MINUTE + 1, end_ns=START + 9 * MINUTE)
    assert [bar.close for bar in some] == [105, 105]
    until = found.bars(MINUTE, START + 7 * MINUTE, 1, end_ns=START + 5 * MINUTE + 1)
    assert [bar.close for bar in until] == [95]


def test_the_day_rolls():
    found = tape()
    traded(found, START + MINUTE, "200", "5")
    traded(found, START + HOUR, "50", "1")
    ticker = found.ticker(START + DAY - 1, BID, ASK)
    assert (ticker.open, ticker.high, ticker.low, ticker.volume, ticker.turnover) == (100, 200, 50, 6, 1050)
    later = found.ticker(START + DAY + 3 * MINUTE, BID, ASK)
    assert (later.open, later.high, later.low, later.volume, later.turnover) == (50, 50, 50, 1, 50)
    assert (later.first_id, later.last_id, later.trades) == (2, 2, 1)
    empty = found.ticker(START + 3 * DAY, BID, ASK)
    assert (empty.open, empty.last, empty.volume, empty.trades, empty.first_id) == (50, 50, 0, 0, -1)


def test_the_average_is_weighted_and_of_the_last_minutes():
    found = tape()
    assert found.average(5, START) == 100
    traded(found, START, "1000", "1")
    traded(found, START + 3 * MINUTE, "10", "3")
    traded(found, START + 6 * MINUTE, "20", "1")
    assert found.average(5, START + 6 * MINUTE) == Decimal("12.5")
    assert found.average(0, START + 6 * MINUTE) == 20
    assert found.average(5, START + HOUR) == 20


def test_an_inverse_contract_turns_over_the_base_asset():
    found = tape(Decimal(50_000), contract_size=Decimal(100))
    traded(found, START, "50000", "1000")
    traded(found, START, "25000", "1000")
    assert found.ticker(START, BID, ASK).turnover == 6
    assert found.average(5, START) == Decimal("33333.33333333")


def test_joined_changes_keep_the_last_quantity_of_each_level():
    found = tape()
    one = found.delta(START, [(Decimal(1), Decimal(2))], [(Decimal(5), Decimal(1)), (Decimal(6), Decimal(2))])
    two = found.delta(START + 1, [(Decimal(1), Decimal(0)), (Decimal(2), Decimal(3))], [], skipped=3)
    assert joined([one]) is one
    assert joined([one, two]) == BookDelta(
        "BTCUSDT", START + 1, one.first_id, two.last_id, one.previous_id,
        ((Decimal(2), Decimal(3)), (Decimal(1), Decimal(0))), one.asks,
    )  # fmt: skip
    with pytest.raises(ValueError, match="no change"):
        joined([])


def test_weeks_begin_on_monday_and_months_on_their_first_day():
    def at(*parts: int) -> int:
        return int(datetime(*parts, tzinfo=UTC).timestamp()) * SECOND

    wednesday = at(2026, 2, 18, 13, 5)
    assert opening(WEEK, wednesday) == at(2026, 2, 16)
    assert opening(MONTH, wednesday) == at(2026, 2, 1)
    assert closing(MONTH, at(2026, 2, 1)) == at(2026, 3, 1)
    assert closing(MONTH, at(2026, 12, 1)) == at(2027, 1, 1)
    assert opening(HOUR, wednesday) == at(2026, 2, 18, 13)


def summed(trades: list[TradeTick]) -> tuple:
    return (
        trades[0].price,
        max(each.price for each in trades),
        min(each.price for each in trades),
        trades[-1].price,
        sum(each.quantity for each in trades),
        sum(each.quantity * each.price for each in trades),
        sum(each.quantity for each in trades if not each.buyer_is_maker),
        sum(len(each.quantities) for each in trades),
        trades[0].first_id,
        trades[-1].last_id,
    )


def shown(bar: CandleTick) -> tuple:
    return (
        bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover, bar.taker_volume, bar.trades,
        bar.first_id, bar.last_id,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 200 * SECOND), st.integers(1, 9),
            st.lists(st.integers(1, 9), min_size=1, max_size=3), st.booleans(), st.booleans(),
        ),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([SECOND, MINUTE, 3 * MINUTE, 15 * MINUTE, HOUR, DAY, WEEK, MONTH]),
    st.integers(0, 20),
)  # fmt: skip
def test_candles_are_the_sums_of_their_trades(steps, interval_ns, followed_after):
    found, now, told = tape(), START, []
    for i, (wait, price, quantities, sells, asks) in enumerate(steps):
        if i == followed_after:
            found.follow(interval_ns)
        now += wait
        traded(found, now, str(price), *map(str, quantities), sells=sells)
        if asks:
            told += found.candles(now)
    told += found.candles(now)
    trades = list(found.trades)
    for bar in found.bars(interval_ns, now, 2000):
        inside = [each for each in trades if bar.open_ns <= each.time_ns < bar.close_ns]
        assert (shown(bar) == summed(inside)) if inside else (bar.trades == 0 and bar.high == bar.low)
    for length in {MINUTE, interval_ns} & {each.interval_ns for each in told}:
        final = {each.open_ns: each for each in told if each.interval_ns == length}  # the last word on each
        for bar in final.values():
            inside = [each for each in trades if bar.open_ns <= each.time_ns < bar.close_ns]
            assert (shown(bar) == summed(inside)) if inside else bar.trades == 0
            assert bar.closed == (bar.close_ns <= now)
    ticker = found.ticker(now, BID, ASK)
    assert ticker.volume == sum(each.quantity for each in trades)
    assert ticker.turnover == sum(each.quantity * each.price for each in trades)
    assert ticker.high == max(Decimal(100), *(each.price for each in trades))
