"""What is read from a book, against the same by hand; and that a book out of step is not read."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from toucan_data import BinanceSpot, BookState, OrderBook, Side, StaleBook
from toucan_instrument.errors import InvalidInput

D = Decimal
LEVELS = st.dictionaries(st.integers(1, 40), st.integers(1, 50), max_size=15)


def book_of(bids, asks):
    book = OrderBook(BinanceSpot().unchecked("BTCUSDT"))
    book.load(
        [(f"{100 - price}.0", f"{quantity}.5") for price, quantity in bids.items()],
        [(f"{100 + price}.0", f"{quantity}.5") for price, quantity in asks.items()],
    )
    book.state = BookState.SYNCED
    return book


@given(bids=LEVELS, asks=LEVELS, depth=st.integers(1, 6), size=st.integers(1, 400))
def test_readings_are_what_they_say(bids, asks, depth, size):
    book = book_of(bids, asks)
    mine_bids = [(D(100 - p), D(q) + D("0.5")) for p, q in sorted(bids.items())]
    mine_asks = [(D(100 + p), D(q) + D("0.5")) for p, q in sorted(asks.items())]
    assert [level[:2] for level in book.bids()] == mine_bids
    assert [level[:2] for level in book.asks(depth)] == mine_asks[:depth]
    assert (book.best_bid() or [None])[0] == (mine_bids[0][0] if mine_bids else None)
    if mine_bids and mine_asks:
        (bid, bid_size), (ask, ask_size) = mine_bids[0], mine_asks[0]
        assert book.mid() == (bid + ask) / 2
        assert book.spread() == ask - bid
        assert book.microprice() == (bid * ask_size + ask * bid_size) / (bid_size + ask_size)
        assert not book.crossed()
    else:
        assert book.mid() is book.spread() is book.microprice() is None
    left, right = (sum((q for _, q in side[:depth]), D()) for side in (mine_bids, mine_asks))
    assert book.imbalance(depth) == ((left - right) / (left + right) if left + right else None)
    limit = D(100 + depth)
    within = sum((q for p, q in mine_asks if p <= limit), D())
    assert book.cumulative_quantity(Side.SELL, limit) == within
    missing, paid = D(size), D()
    for price, quantity in mine_asks:
        taken = min(missing, quantity)
        missing, paid = missing - taken, paid + taken * price
    assert book.vwap(Side.BUY, D(size)) == (None if missing else paid / D(size))


READINGS = [
    lambda book, **how: book.best_bid(**how),
    lambda book, **how: book.best_ask(**how),
    lambda book, **how: list(book.bids(**how)),
    lambda book, **how: list(book.asks(3, **how)),
    lambda book, **how: book.texts(**how),
    lambda book, **how: book.mid(**how),
    lambda book, **how: book.spread(**how),
    lambda book, **how: book.microprice(**how),
    lambda book, **how: book.imbalance(**how),
    lambda book, **how: book.cumulative_quantity(Side.BUY, D(1), **how),
    lambda book, **how: book.vwap(Side.SELL, D(1), **how),
    lambda book, **how: book.crossed(**how),
]


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("state", [BookState.SYNCING, BookState.DISCONNECTED])
def test_a_book_out_of_step_is_read_only_by_those_who_ask_for_it(reading, state):
    book = book_of({1: 1}, {1: 1})
    reading(book)
    book.state = state
    with pytest.raises(StaleBook, match=state.value):
        reading(book)
    reading(book, allow_stale=True)


@pytest.mark.parametrize("size", [D(0), D(-1), 1, 0.5])
def test_a_size_is_above_zero(size):
    with pytest.raises(InvalidInput, match="quantity"):
        book_of({1: 1}, {1: 1}).vwap(Side.BUY, size)


def test_a_locked_or_crossed_book_is_seen():
    book = book_of({1: 1}, {1: 1})
    book.apply([("101.0", "1")], [])
    assert book.crossed()
    assert book.looks_crossed()


# Exactness.

TIGHT = ["0.12345678901234567890", "0.12345678901234567891", "0.12345678901234567892"]


def test_prices_that_are_one_float_are_different_levels_in_exact_order():
    assert len({float(price) for price in TIGHT}) == 1
    book = fresh([(price, "1") for price in TIGHT], [])
    assert [str(level.price) for level in book.bids()] == TIGHT[::-1]
    book.apply([(TIGHT[1], "0")], [])
    assert [str(level.price) for level in book.bids()] == [TIGHT[2], TIGHT[0]]
    book = fresh([], [(price, "1") for price in reversed(TIGHT)])
    assert [str(level.price) for level in book.asks()] == TIGHT


@pytest.mark.parametrize("order", [["1.10", "1.1"], ["1.1", "1.10", "1.100"], ["01.1", "1.1"]])
def test_spellings_of_one_price_are_one_level_and_the_latest_is_read(order):
    for at_once in (True, False):
        book = fresh([("1.2", "9"), ("0.5", "9")], [])
        changes = [(price, f"{number}.50") for number, price in enumerate(order, 1)]
        for part in [changes] if at_once else [[change] for change in changes]:
            book.apply(part, [])
        assert book.texts()[0] == [("1.2", "9"), (order[-1], f"{len(order)}.50"), ("0.5", "9")]
        book.apply([(order[0], "0.00")], [])
        assert book.texts()[0] == [("1.2", "9"), ("0.5", "9")]


def test_digits_are_those_that_came():
    book = fresh([("100.10", "0.00000001")], [("100.20000", "3E-7")])
    assert str(book.best_bid().price) == "100.10"
    assert str(book.best_bid().quantity) == "1E-8" == str(D("0.00000001"))
    assert format(book.best_bid().quantity, "f") == "0.00000001"
    assert str(book.best_ask().price) == "100.20000"
    assert book.texts() == ([("100.10", "0.00000001")], [("100.20000", "3E-7")])


# What is no level.

NO_NUMBER = ["NaN", "sNaN", "Infinity", "-inf", "abc", "", "1,5", "0x10", "--1"]


@pytest.mark.parametrize("bad", NO_NUMBER)
@pytest.mark.parametrize("held", [[], [("100", "1")], [(str(price), "1") for price in range(1, 200)]])
def test_a_price_that_is_none_is_refused_wherever_it_comes(bad, held):
    book = fresh(held, held)
    with pytest.raises((ValueError, ArithmeticError)):
        book.apply([(bad, "1")], [])
    with pytest.raises((ValueError, ArithmeticError)):
        book.apply([], [("1000", "1"), (bad, "1")])


@pytest.mark.parametrize("bad", [*NO_NUMBER, "-1"])
def test_a_quantity_that_is_none_is_refused_in_a_snapshot_and_at_the_touch(bad):
    book = fresh([("100", "1"), ("99", "1")], [("101", "1"), ("102", "1")])
    before, generation = book.texts(), book.generation
    for levels in ([("50", bad)], [("52", "1"), ("50", bad)]):
        with pytest.raises((ValueError, ArithmeticError)):
            book.load(levels, [])
        with pytest.raises((ValueError, ArithmeticError)):
            book.load([], levels)
    assert (book.texts(), book.generation) == (before, generation)  # it keeps what it held
    with pytest.raises((ValueError, ArithmeticError)):
        book.apply([("100", bad)], [])
    book.discard()
    assert book.texts() == ([], [])
    assert "bid none, ask none" in repr(book)


def test_levels_that_are_not_there_can_be_deleted():
    book = fresh([("100", "1")], [("101", "1")])
    assert book.apply([("99", "0"), ("150", "0.000")], [("90", "0"), ("200", "0")]) == (
        ("100", "1"),
        ("101", "1"),
    )
    assert book.texts() == ([("100", "1")], [("101", "1")])
    assert not book.crossed()
    assert not book.looks_crossed()


def test_the_touch_is_found_without_a_search():
    """After every change the last price of the order is the touch: the zeros before it are gone."""
    book = fresh([(str(price), "1") for price in range(1, 101)], [("200", "1")])
    for price in range(100, 50, -1):
        best, _ = book.apply([(str(price), "0")], [])
        assert best == (str(price - 1), "1")
        assert book._bids.prices[-1] == str(price - 1)
        assert len(book._bids.prices) == len(book._bids.quantities) == price - 1


def test_a_side_that_loses_everything_is_empty():
    book = fresh([("100", "1")], [("101", "1")])
    assert book.apply([("100", "0")], [("101", "0.0")]) == (None, None)
    assert book.best_bid() is book.best_ask() is book.mid() is book.spread() is None
    assert book.imbalance(5) is None
    assert book.vwap(Side.BUY, D(1)) is None
    assert book.cumulative_quantity(Side.BUY, D(0)) == 0
    assert not book.crossed()


# Horizons, cuts and reloads.


@pytest.mark.parametrize(("levels", "marked"), [(2, True), (3, True), (1, False)])
def test_only_a_side_that_was_cut_off_has_a_horizon(levels, marked):
    book = OrderBook(BinanceSpot().unchecked("BTCUSDT"))
    book.load([(str(100 - i), "1") for i in range(levels)], [], cut_to=2)
    book.state = BookState.SYNCED
    book.apply([("1", "1")], [("500", "1")])
    *known, far = book.bids()
    assert not any(level.beyond_horizon for level in known)
    assert far.beyond_horizon is marked
    assert not book.best_ask().beyond_horizon


def test_a_snapshot_replaces_everything_and_its_horizon():
    book = fresh([("100", "1")], [("101", "1")])
    book.load([("50", "1")], [("51", "1")], cut_to=1)
    book.load([("60", "2"), ("59", "0")], [], cut_to=5)
    assert book.texts() == ([("60", "2")], [])
    assert book.generation == 3
    book.apply([("1", "1")], [])
    assert not any(level.beyond_horizon for level in book.bids())


PRICE = st.sampled_from(["1", "1.0", "2", "2.5", "2.50", "3", "7.00000000000000000001", "7", "9.9", "10"])
CHANGE = st.lists(st.tuples(PRICE, st.sampled_from(["0", "0.0", "1", "2.5"])), max_size=6)
ACTION = st.one_of(
    st.tuples(st.just("apply"), CHANGE, CHANGE),
    st.tuples(st.just("load"), CHANGE, CHANGE),
    st.tuples(st.just("cut"), st.integers(0, 4), st.none()),
)


@given(st.lists(ACTION, max_size=25))
def test_a_book_is_the_plainest_book_whatever_is_done_to_it(actions):
    """Against a dict of exact numbers, sorted when it is read."""
    book = fresh([], [])
    model = [{}, {}]
    for action, first, second in actions:
        if action == "cut":
            book.cut(first)
            for side, best_first in zip(model, (True, False), strict=True):
                for price in sorted(side, reverse=best_first)[first:]:
                    del side[price]
        else:
            if action == "load":
                model = [{}, {}]
            for side, changes in zip(model, (first, second), strict=True):
                for price, quantity in changes:
                    side.pop(D(price), None)
                    if D(quantity):
                        side[D(price)] = (price, quantity)
            getattr(book, action)(first, second)
        bids, asks = model
        expected = [bids[p] for p in sorted(bids, reverse=True)], [asks[p] for p in sorted(asks)]
        assert book.texts() == expected
        assert book.texts(2) == (expected[0][:2], expected[1][:2])
        best = [side[0] if side else None for side in expected]
        assert book.crossed() == (None not in best and D(best[0][0]) >= D(best[1][0]))
        if action == "apply":  # equal floats of different prices are a false alarm, never a miss
            assert book.looks_crossed() or not book.crossed()


# Readings that the model above leaves out.


def test_a_size_is_taken_from_the_other_side():
    book = fresh([("99", "1"), ("98", "3")], [("101", "2"), ("103", "2")])
    assert book.vwap(Side.BUY, D(3)) == (D(101) * 2 + 103) / 3
    assert book.vwap(Side.SELL, D(4)) == (D(99) + 98 * 3) / 4
    assert book.vwap(Side.SELL, D("4.1")) is None
    assert book.cumulative_quantity(Side.BUY, D("98.5")) == 1
    assert book.cumulative_quantity(Side.BUY, D(98)) == 4
    assert book.cumulative_quantity(Side.SELL, D(102)) == 2
    assert book.imbalance(2) == 0
    assert book.imbalance() == D(-1) / D(3)


def test_a_stale_book_is_refused_at_the_call_not_at_the_first_level():
    book = fresh([("99", "1")], [("101", "1")])
    book.state = BookState.DISCONNECTED
    for read in (book.bids, book.asks):
        with pytest.raises(StaleBook) as caught:
            read()
        assert (caught.value.instrument, caught.value.state) == ("BTC/USDT", "disconnected")
    assert "disconnected" in repr(book)


def fresh(bids, asks):
    book = OrderBook(BinanceSpot().unchecked("BTCUSDT"))
    book.load(bids, asks)
    book.state = BookState.SYNCED
    return book
