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
