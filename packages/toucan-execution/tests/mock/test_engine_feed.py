"""Prices from outside: the queue rule, trades through a price, books that cross resting orders."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.orders import OrderStatus, TimeInForce
from toucan_instrument import InvalidInput

D = Decimal


def test_a_trade_at_the_price_takes_what_stands_ahead_first(spot):
    spot.book(bids=[(100, 5)])
    order = spot.done("a", "buy", "limit", 2, 100)
    spot.trade(100, 4, "sell")
    assert spot.order("a", order).filled_quantity == 0
    spot.trade(100, 2, "sell")
    assert spot.order("a", order).filled_quantity == 1
    spot.trade(100, 9, "sell")
    assert spot.order("a", order).status is OrderStatus.FILLED
    assert [fill.maker for fill in spot.fills("a")] == [True, True]


def test_what_is_fed_later_stands_behind(spot):
    spot.book(bids=[(100, 5)])
    order = spot.done("a", "buy", "limit", 2, 100)
    spot.book(bids=[(100, 50)])
    spot.trade(100, 7, "sell")
    assert spot.order("a", order).status is OrderStatus.FILLED


def test_what_goes_has_stood_last(spot):
    spot.book(bids=[(100, 5)])
    order = spot.done("a", "buy", "limit", 2, 100)
    spot.book(bids=[(100, 9)])
    spot.book(bids=[(100, 5)])  # the four behind have gone
    spot.trade(100, 3, "sell")
    assert spot.order("a", order).filled_quantity == 0
    spot.book(bids=[(100, 1)])  # of the two that stood ahead
    spot.trade(100, 2, "sell")
    assert spot.order("a", order).filled_quantity == 1


def test_a_trade_through_the_price_fills_whatever_stands_ahead(spot):
    spot.book(bids=[(100, 500)])
    order = spot.done("a", "buy", "limit", 2, 100)
    spot.trade("99.9", "1.5", "sell")
    now = spot.order("a", order)
    assert (now.filled_quantity, now.average_price) == (D("1.5"), 100)
    assert spot.engine.last_price(spot.instrument) == D("99.9")


def test_a_trade_of_the_other_side_or_a_worse_price_fills_nothing(spot):
    order = spot.done("a", "buy", "limit", 2, 100)
    spot.trade("100.1", 9, "sell")
    spot.trade(90, 9, "buy")
    assert spot.order("a", order).filled_quantity == 0


def test_a_trade_fills_no_more_than_its_quantity_best_price_first(spot):
    low = spot.done("a", "sell", "limit", 2, 101)
    high = spot.done("b", "sell", "limit", 2, 102)
    spot.trade(103, 3, "buy")
    assert spot.order("a", low).status is OrderStatus.FILLED
    assert spot.order("b", high).filled_quantity == 1
    assert [trade.quantity for trade in spot.public] == [2, 1]


def test_the_public_sees_all_of_a_trade(spot):
    spot.done("a", "sell", "limit", 2, 101)
    spot.trade(101, 5, "buy")
    assert [(trade.price, trade.quantity, trade.aggressor.value) for trade in spot.public] == [
        (101, 2, "buy"),
        (101, 3, "buy"),
    ]
    assert spot.public[0].seller_order_id == 1


def test_a_book_that_crosses_a_resting_order_fills_it_at_its_price(spot):
    order = spot.done("a", "buy", "limit", 3, 100)
    spot.book(asks=[(98, 1), (99, 1), (100, "0.5"), (101, 7)])
    now = spot.order("a", order)
    assert (now.filled_quantity, now.average_price) == (D("2.5"), 100)
    assert [fill.maker for fill in spot.fills("a")] == [True] * 3
    assert spot.engine.depth(spot.instrument)[1] == ((D(101), D(7)),)


def test_what_was_taken_comes_back_with_the_next_book(spot):
    spot.book(asks=[(100, 1)])
    spot.done("a", "buy", "market", 1)
    assert spot.engine.depth(spot.instrument)[1] == ()
    spot.book(asks=[(100, 1)])
    assert spot.engine.depth(spot.instrument)[1] == ((D(100), D(1)),)


def test_levels_can_be_changed_one_by_one(spot):
    spot.book(bids=[(99, 1)], asks=[(100, 1), (101, 2)])
    spot.engine.feed_changes(spot.instrument, [(D(98), D(4))], [(D(100), D(0))], spot.tick())
    assert spot.engine.depth(spot.instrument) == (((D(99), D(1)), (D(98), D(4))), ((D(101), D(2)),))
    spot.engine.feed_top(spot.instrument, (D(90), D(1)), None, spot.tick())
    assert spot.engine.depth(spot.instrument) == (((D(90), D(1)),), ())


@pytest.mark.parametrize(
    ("bids", "asks"),
    [([(100, 1)], [(100, 1)]), ([(0, 1)], []), ([(1, 0)], []), ([(1, -1)], []), ([("NaN", 1)], [])],
)
def test_a_book_that_cannot_be_changes_nothing(spot, bids, asks):
    spot.book(bids=[(5, 1)])
    with pytest.raises(InvalidInput):
        spot.book(bids=bids, asks=asks)
    assert spot.engine.depth(spot.instrument) == (((D(5), D(1)),), ())


def test_changes_that_would_cross_what_is_fed_are_refused(spot):
    spot.book(bids=[(99, 1)], asks=[(100, 1)])
    with pytest.raises(InvalidInput, match="crosses"):
        spot.engine.feed_changes(spot.instrument, [(D(101), D(1))], [], spot.tick())


def test_an_order_that_expires_by_date(usd):
    minutes = 60 * 1_000_000_000
    soon = {"time_in_force": TimeInForce.GTD, "good_till_ns": usd.now + 9 * minutes}
    assert usd.refused("a", "buy", "limit", 1, 90, **soon).reason.value == "parameter"
    later = usd.now + 11 * minutes
    order = usd.done("a", "buy", "limit", 1, 90, time_in_force=TimeInForce.GTD, good_till_ns=later)
    assert usd.engine.next_expiry_ns == later
    usd.now = later - 1
    usd.engine.advance(usd.now)
    assert usd.order("a", order).is_open
    usd.now = later + 99
    usd.trade(80, 5, "sell")  # too late
    now = usd.order("a", order)
    assert (now.status, now.updated_ns, usd.engine.next_expiry_ns) == (OrderStatus.EXPIRED, later, None)
