"""Books cut to a depth: what a client that follows the changes holds is the top of the market's book."""

import pytest
from hypothesis import given, settings, strategies as st

from toucan_data.testing.cutbook import CutBooks
from toucan_instrument.exchange import Exchange
from toucan_instrument.testing.binance import listed
from toucan_instrument.testing.market import SeededMarket

SYMBOL = "BTCUSDT"


def follow(side, changes, depth, *, explicit, best_first):
    for price, quantity in changes:
        side.pop(price, None)
        if quantity:
            side[price] = quantity
    if not explicit:
        for price in sorted(side, reverse=best_first)[depth:]:
            del side[price]


@pytest.mark.parametrize("explicit", [True, False])
@settings(max_examples=10)
@given(seed=st.integers(0, 1000), depth=st.sampled_from([1, 3, 10, 25, 40]))
def test_a_client_that_follows_holds_the_top(explicit, seed, depth):
    market = SeededMarket([listed(Exchange.BINANCE_SPOT, SYMBOL)], seed=seed, levels=25)
    books = CutBooks(explicit=explicit)
    assert books.changes(market, SYMBOL, depth) == ((), ())  # nobody has seen it yet
    picture = books.picture(market, SYMBOL, depth)
    bids, asks = dict(picture.bids), dict(picture.asks)
    for number in range(60):
        market.step(market.now_ns + 1_000_000 * (number + 1))
        changed = books.changes(market, SYMBOL, depth)
        for side, changes, best_first in zip((bids, asks), changed, (True, False), strict=True):
            follow(side, changes, depth, explicit=explicit, best_first=best_first)
        now = market.book(SYMBOL, depth)
        assert (bids, asks) == (dict(now.bids), dict(now.asks))
    assert books.changes(market, SYMBOL, depth) == ([], [])
