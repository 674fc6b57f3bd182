"""A side of a book against the plainest model there is: a dict of exact numbers, sorted when read."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from toucan_data.book import BookSide, OrderBook
from toucan_data.exchange.binance import BinanceSpot

# Few prices, so that they meet again; some spelt in two ways, some that are one float and two numbers.
PRICES = ["1", "1.0", "1.00", "1.5", "2", "2.50", "2.5", "0.00000001", "3.1", "3.10", "100000000.00000001",
          "9007199254740993", "9007199254740992", "9007199254740992.5", "7", "8", "9.99"]  # fmt: skip
QUANTITIES = ["0", "0.000", "1", "2.5", "0.00000001", "1000000"]
CHANGES = st.lists(st.tuples(st.sampled_from(PRICES), st.sampled_from(QUANTITIES)), max_size=12)


class Model:
    """What a side must hold."""

    def __init__(self, sign):
        self.sign = sign
        self.levels = {}

    def update(self, changes):
        for price, quantity in changes:
            self.levels.pop(Decimal(price), None)
            if Decimal(quantity):
                self.levels[Decimal(price)] = (price, quantity)

    def texts(self):
        return [self.levels[p] for p in sorted(self.levels, reverse=self.sign > 0)]


@given(sign=st.sampled_from([1, -1]), events=st.lists(st.tuples(CHANGES, st.booleans()), max_size=30))
def test_a_side_holds_what_the_model_holds(sign, events):
    side, model = BookSide(sign), Model(sign)
    for changes, look in events:
        side.update(changes)
        model.update(changes)
        if look:
            expected = model.texts()
            assert side.best() == (expected[0] if expected else None)
            assert list(side.texts()) == expected
    side.sweep()
    assert list(side.texts()) == model.texts()
    assert len(side.quantities) == len(side.ranks) == len(side.prices) == len(model.levels)


@given(levels=CHANGES, depth=st.integers(0, 5))
def test_cutting_keeps_the_best(levels, depth):
    side, model = BookSide(1), Model(1)
    side.update(levels)
    model.update(levels)
    side.cut(depth)
    assert list(side.texts()) == model.texts()[:depth]


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-inf", "abc", ""])
@pytest.mark.parametrize("held", [[], [("1", "1")], [("5", "1"), ("1", "1")]])
def test_what_is_no_price_is_refused(price, held):
    side = BookSide(1, held)
    with pytest.raises(ValueError, match=r"price|float"):
        side.update([(price, "1")])


def test_thousands_of_dead_levels_are_swept():
    side = BookSide(-1, [("1", "1")])
    for number in range(5_000):
        side.update([(str(number + 10), "1")])
        side.update([(str(number + 10), "0")])
    assert len(side.quantities) < 1_000
    assert side.best() == ("1", "1")


def test_levels_beyond_the_snapshot_are_marked():
    book = OrderBook(BinanceSpot().unchecked("BTCUSDT"))
    book.load([("10", "1"), ("9", "1")], [("11", "1"), ("12", "1")], cut_to=2)
    book.apply([("8", "1")], [("13", "1"), ("11.5", "1")])
    assert [level.beyond_horizon for level in book.bids(allow_stale=True)] == [False, False, True]
    assert [level.beyond_horizon for level in book.asks(allow_stale=True)] == [False, False, False, True]
