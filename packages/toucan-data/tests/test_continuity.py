"""Ids of trades: what is missing is told exactly, what comes again is not delivered twice."""

import pytest
from hypothesis import given, strategies as st

from toucan_data import AggregatedTrades, BinanceSpot, Gap, PublicTrades
from toucan_data.continuity import RESTART, IdSequence

BTC = BinanceSpot().unchecked("BTCUSDT")


class Reader:
    """An `IdSequence` and the path of a trade that keeps the next id for itself."""

    def __init__(self):
        self.gaps, self.delivered, self.lost_connection = [], [], False
        self.ids = IdSequence(
            BTC, kind="PublicTrades", report=self.gaps.append, interrupted=self._interrupted
        )
        self.expected = self.ids.next

    def _interrupted(self):
        was, self.lost_connection = self.lost_connection, False
        return was

    def hear(self, *found):
        for each in found:
            if each != self.expected:
                self.ids.next = self.expected
                if not self.ids.accept(each, 100 + each):
                    continue
            self.expected = each + 1
            self.delivered.append(each)
        return [(gap.first_missing, gap.last_missing, gap.reason) for gap in self.gaps]


def test_any_id_may_be_the_first():
    for first in (0, 1, 5_000_000_000):
        reader = Reader()
        assert reader.hear(first, first + 1) == []
        assert reader.delivered == [first, first + 1]


def test_a_hole_is_told_with_its_ids():
    reader = Reader()
    assert reader.hear(7, 8, 10, 15) == [(9, 9, "sequence"), (11, 14, "sequence")]
    gap = reader.gaps[1]
    assert isinstance(gap, Gap)
    assert (gap.instrument, gap.exchange, gap.kind, gap.at_ns) == (BTC, BTC.exchange, "PublicTrades", 115)


def test_a_hole_of_a_lost_connection_says_so_once():
    reader = Reader()
    reader.hear(7)
    reader.lost_connection = True
    assert reader.hear(10, 12) == [(8, 9, "disconnected"), (11, 11, "sequence")]


def test_what_comes_again_is_counted_and_kept_back():
    reader = Reader()
    assert reader.hear(7, 8, 7, 8, 9, 9) == []
    assert reader.delivered == [7, 8, 9]
    assert reader.ids.repetitions == 3
    reader.ids.keep_repetitions = True
    reader.hear(8)
    assert reader.delivered == [7, 8, 9, 8]


@pytest.mark.parametrize(("back", "restarted"), [(RESTART, False), (RESTART + 1, True)])
def test_ids_that_begin_anew_are_told_and_followed(back, restarted):
    reader = Reader()
    reader.hear(20_000)
    told = reader.hear(20_001 - back)
    assert told == ([(None, None, "sequence")] if restarted else [])
    assert (len(reader.delivered) == 2) is restarted


@given(st.lists(st.integers(0, 40), max_size=60))
def test_delivered_and_missing_together_are_everything_up_to_the_last(found):
    reader = Reader()
    reader.hear(*found)
    assert reader.delivered == sorted(set(reader.delivered))
    missing = [i for gap in reader.gaps for i in range(gap.first_missing, gap.last_missing + 1)]
    assert not set(missing) & set(reader.delivered)
    if found:
        expected = range(found[0], max(reader.delivered) + 1)
        assert sorted(missing + reader.delivered) == list(expected)
        assert len(reader.delivered) + reader.ids.repetitions == len(found)


@pytest.mark.parametrize("kind", [PublicTrades, AggregatedTrades], ids=repr)
@pytest.mark.parametrize(("keep", "delivered"), [(False, [5, 6, 9, 10]), (True, [5, 6, 9, 8, 10])])
def test_the_path_of_a_trade_keeps_the_sequence(tap, kind, keep, delivered):
    trades = tap(BinanceSpot(), "BTCUSDT", kind)
    trades.feed.ids.keep_repetitions = keep
    for number in (5, 6, 9, 8, 10):
        row = {
            "T": 1_700_000_000_000,
            "t": number,
            "a": number,
            "f": 1,
            "l": 1,
            "p": "1",
            "q": "1",
            "m": True,
        }
        trades.hear(row)
    assert [event.id for event in trades.events] == delivered
    first, *more = [(gap.first_missing, gap.last_missing) for gap in trades.told]
    assert first == (7, 8)
    assert more == ([(9, 9)] if keep else [])


def test_a_sequence_goes_on_while_nobody_reads(tap):
    trades = tap(BinanceSpot(), "BTCUSDT", PublicTrades)
    trades.feed.deliver_to()
    row = {"T": 1_700_000_000_000, "p": "1", "q": "1", "m": True}
    trades.hear({**row, "t": 5})
    trades.hear({**row, "t": 7})
    assert [(gap.first_missing, gap.last_missing) for gap in trades.told] == [(6, 6)]


def test_a_history_is_the_ground_on_which_new_ids_are_counted():
    told = []
    ids = IdSequence(
        BinanceSpot().unchecked("BTCUSDT"), kind=lambda: "PublicTrades", report=told.append, interrupted=bool
    )
    ids.seed(100)
    assert ids.take(101, 103, 1)
    ids.seed(50)  # a history in mid-stream says nothing new
    assert not ids.take(102, 102, 2)
    assert ids.take(104, 104, 3)
    assert not told
    assert ids.take(108, 109, 4)
    assert (told[0].first_missing, told[0].last_missing, told[0].kind) == (105, 107, "PublicTrades")
    assert ids.next == 110
