"""Orders that wait for a price, and lists of orders that wait for one another."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.events import OrderListUpdate
from toucan_execution.mock.results import Refused
from toucan_execution.mock.settings import FeeSchedule
from toucan_execution.orders import (
    ListKind,
    OrderListRequest,
    OrderStatus,
    OrderType,
    TimeInForce,
    TriggerPrice,
)
from toucan_execution.outcome import Reason
from toucan_instrument import InvalidInput

D = Decimal

# Stops and take profits.


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "still", "then"),
    [
        ("sell", "stop_market", 95, 96, 95),
        ("buy", "stop_market", 105, 104, 105),
        ("sell", "take_profit_market", 105, 104, 106),
        ("buy", "take_profit_market", 95, 96, 94),
    ],
)
def test_a_conditional_order_waits_for_its_price(spot, side, kind, trigger, still, then):
    spot.trade(100)
    order = spot.done("a", side, kind, 1, trigger_price=D(trigger))
    assert (order.triggered, order.status) == (False, OrderStatus.OPEN)
    spot.book(bids=[(90, 5)], asks=[(110, 5)])
    spot.trade(still, 1)
    assert spot.order("a", order).triggered is False
    spot.trade(then, 1)
    now = spot.order("a", order)
    assert (now.triggered, now.status, now.type) == (True, OrderStatus.FILLED, OrderType(kind))
    assert now.average_price == (90 if side == "sell" else 110)
    assert spot.updates("a", order) == [("NEW", "open"), ("TRIGGERED", "open"), ("TRADE", "filled")]


def test_a_stop_limit_rests_at_its_limit(spot):
    spot.trade(100)
    order = spot.done("a", "sell", "stop_limit", 1, 94, trigger_price=D(95))
    assert spot.balance("a", "BTC").locked == 1
    spot.trade("94.5")
    assert spot.order("a", order).status is OrderStatus.OPEN
    assert spot.engine.depth(spot.instrument)[1] == ((D(94), D(1)),)


def test_a_trigger_on_the_wrong_side_is_refused(spot):
    spot.trade(100)
    for side, kind, trigger in (
        ("sell", "stop_market", 101),
        ("buy", "stop_market", 99),
        ("sell", "take_profit_market", 100),
        ("buy", "take_profit_market", 100),
    ):
        refused = spot.refused("a", side, kind, 1, trigger_price=D(trigger))
        assert refused.reason is Reason.WOULD_TRIGGER


def test_a_spot_stop_locks_at_once_and_frees_what_it_did_not_need(spot):
    spot.trade(100)
    spot.done("a", "buy", "stop_market", 2, trigger_price=D(110))
    assert spot.balance("a", "USDT").locked == 220
    spot.book(asks=[("110.5", 2)])
    spot.trade(110)
    assert (spot.balance("a", "USDT").locked, spot.balance("a", "USDT").total) == (0, 100_000 - 221)


def test_a_stop_that_cannot_be_paid_any_more_is_rejected(spot):
    spot.trade(100)
    order = spot.done("a", "buy", "stop_market", 900, trigger_price=D(110))
    spot.book(asks=[(150, 900)])
    spot.trade(110)
    now = spot.order("a", order)
    assert (now.status, now.filled_quantity) == (OrderStatus.REJECTED, 0)
    assert "insufficient" in now.reason
    assert spot.balance("a", "USDT").locked == 0


def test_one_trigger_leads_to_the_next(spot):
    spot.book(bids=[(100, 1), (95, 1), (90, 1)])
    spot.trade(101)
    orders = [spot.done("a", "sell", "stop_market", 1, trigger_price=D(price)) for price in (100, 96)]
    spot.done("b", "sell", "market", 1)  # takes 100, which triggers the first, which takes 95
    assert [spot.order("a", order).average_price for order in orders] == [95, 90]


def test_a_trailing_stop_follows_the_best_price(usd):
    usd.book(bids=[(90, 9)], asks=[(200, 9)])
    usd.trade(100)
    order = usd.done("a", "sell", "trailing_stop_market", 1, trailing_bips=100)
    for price in (110, 120, "118.9"):
        usd.trade(price)
        assert usd.order("a", order).triggered is False
    usd.trade("118.8")  # one percent below 120
    assert usd.order("a", order).triggered is True


def test_a_trailing_stop_with_an_activation_price_follows_from_there(usd):
    usd.book(bids=[(90, 9)], asks=[(200, 9)])
    usd.trade(100)
    below = {"trailing_bips": 100, "activation_price": D(99)}
    assert usd.refused("a", "sell", "trailing_stop_market", 1, **below).reason is Reason.WOULD_TRIGGER
    order = usd.done("a", "sell", "trailing_stop_market", 1, trailing_bips=100, activation_price=D(110))
    for price in (90, 109, 112):
        usd.trade(price)
        assert usd.order("a", order).triggered is False
    usd.trade(110)
    assert usd.order("a", order).triggered is True


def test_on_spot_a_trailing_stop_is_a_stop_with_a_delta(spot):
    spot.book(bids=[(80, 9)])
    spot.trade(100)
    order = spot.done("a", "sell", "stop_market", 1, trigger_price=D(95), trailing_bips=1000)
    spot.trade(95)  # follows from here on
    spot.trade(97)
    spot.trade(88)
    assert spot.order("a", order).triggered is False
    spot.trade("87.3")
    assert spot.order("a", order).status is OrderStatus.FILLED


def test_a_conditional_order_may_watch_the_mark_price(usd):
    usd.book(bids=[(90, 9)])
    usd.trade(100)
    usd.mark(100)
    order = usd.done("a", "sell", "stop_market", 1, trigger_price=D(95), trigger_by=TriggerPrice.MARK)
    usd.trade(90)
    assert usd.order("a", order).triggered is False
    usd.mark(95)
    assert usd.order("a", order).triggered is True


def test_price_protection_waits_until_last_and_mark_agree(usd):
    usd.book(bids=[(70, 9)])
    usd.trade(100)
    usd.mark(100)
    order = usd.done("a", "sell", "stop_market", 1, trigger_price=D(95), price_protect=True)
    usd.trade(80)
    assert usd.order("a", order).triggered is False
    usd.mark(82)
    usd.trade(80)
    assert usd.order("a", order).triggered is True


def test_on_futures_a_conditional_order_has_an_id_of_its_own_and_no_margin(usd):
    usd.trade(100)
    order = usd.done("a", "buy", "stop_market", 10**6, trigger_price=D(110))
    assert (order.order_id, order.algo_id != "") == ("", True)
    assert usd.balance("a", "USDT").locked == 0
    usd.book(asks=[(110, 10**7)])
    usd.trade(110)
    now = usd.order("a", order)
    assert (now.status, now.algo_id) == (OrderStatus.REJECTED, order.algo_id)
    assert now.order_id
    assert now.reason == "Margin is insufficient."


def test_a_waiting_order_can_be_cancelled(usd):
    usd.trade(100)
    order = usd.done("a", "buy", "stop_market", 1, trigger_price=D(110))
    assert usd.amend("a", order, quantity=2, price=3, client_order_id=order.client_order_id).reason is (
        Reason.AMEND_REFUSED
    )
    assert usd.cancel("a", order).order.status is OrderStatus.CANCELLED
    usd.trade(120)
    assert usd.order("a", order).triggered is False


# Lists.


def lists(spot, kind, *orders, name="a"):
    request = OrderListRequest(instrument=spot.instrument, kind=ListKind(kind), orders=orders)
    return spot.engine.place_list(name, request, spot.tick())


def bracket(spot, quantity=1, low=90, high=110, **more):
    """Return a pair that sells: a limit above, a stop below."""
    above = spot.request("sell", "limit", quantity, high, post_only=True, **more)
    return above, spot.request("sell", "stop_market", quantity, trigger_price=D(low), **more)


def test_one_cancels_the_other_locks_once(spot):
    spot.trade(100)
    done = lists(spot, "oco", *bracket(spot, 2))
    assert [order.status for order in done.order_list.orders] == [OrderStatus.OPEN] * 2
    assert spot.balance("a", "BTC").locked == 2


def test_a_fill_of_one_ends_the_other(spot):
    spot.trade(100)
    above, below = lists(spot, "oco", *bracket(spot, 2)).order_list.orders
    spot.done("b", "buy", "limit", 1, 110)
    assert spot.order("a", above).status is OrderStatus.PARTIALLY_FILLED
    assert (spot.order("a", below).status, spot.order("a", below).reason) == (
        OrderStatus.EXPIRED,
        "OCO_TRIGGER",
    )
    assert spot.balance("a", "BTC").locked == 1
    spot.done("b", "buy", "limit", 1, 110)
    told = [event.order_list.status for event in spot.events["a"] if isinstance(event, OrderListUpdate)]
    assert told == ["EXECUTING", "ALL_DONE"]


def test_a_trigger_of_one_ends_the_other(spot):
    spot.trade(100)
    above, below = lists(spot, "oco", *bracket(spot)).order_list.orders
    spot.book(bids=[(89, 1)])
    spot.trade(90, aggressor="sell")
    assert spot.order("a", above).status is OrderStatus.EXPIRED
    assert (spot.order("a", below).status, spot.order("a", below).average_price) == (OrderStatus.FILLED, 89)
    assert spot.engine.open_order_lists("a") == ()


def test_cancelling_one_cancels_the_list(spot):
    spot.trade(100)
    above, below = lists(spot, "oco", *bracket(spot)).order_list.orders
    spot.cancel("a", below)
    assert spot.order("a", above).status is OrderStatus.CANCELLED
    assert spot.balance("a", "BTC").locked == 0
    done = lists(spot, "oco", *bracket(spot))
    ended = spot.engine.cancel_list("a", spot.instrument, spot.tick(), list_id=done.order_list.list_id)
    assert ended.order_list.status == "ALL_DONE"
    again = spot.engine.cancel_list("a", spot.instrument, spot.tick(), list_id=done.order_list.list_id)
    assert again.reason is Reason.UNKNOWN_ORDER


def test_the_prices_of_a_pair_lie_on_both_sides_of_the_last(spot):
    spot.trade(100)
    for low, high in ((101, 110), (90, 99), (110, 90)):
        result = lists(spot, "oco", *bracket(spot, 1, low, high))
        assert isinstance(result, Refused)
        assert result.reason in (Reason.PARAMETER, Reason.WOULD_TRIGGER)
    assert spot.engine.open_orders("a") == ()


def test_one_triggers_the_other(spot):
    working, pending = (
        spot.request("buy", "limit", 1, 99),
        spot.request("sell", "limit", 1, 120),
    )
    first, second = lists(spot, "oto", working, pending).order_list.orders
    assert (second.status, second.status_venue) == (OrderStatus.OPEN, "PENDING_NEW")
    assert spot.balance("a", "BTC").locked == 0
    spot.done("b", "sell", "limit", "0.5", 99)
    assert spot.order("a", second).status_venue == "PENDING_NEW"
    spot.done("b", "sell", "limit", "0.5", 99)
    assert (spot.order("a", first).status, spot.order("a", second).status_venue) == (
        OrderStatus.FILLED,
        "NEW",
    )
    assert spot.balance("a", "BTC").locked == 1
    spot.done("b", "buy", "limit", 1, 120)
    assert spot.engine.open_order_lists("a") == ()


def test_what_waits_for_an_order_expires_with_it(spot):
    working, pending = (spot.request("buy", "limit", 1, 99), spot.request("sell", "limit", 1, 120))
    first, second = lists(spot, "oto", working, pending).order_list.orders
    spot.cancel("a", first)
    assert spot.order("a", second).status is OrderStatus.CANCELLED
    working = spot.request("buy", "limit", 1, 99, time_in_force=TimeInForce.IOC)
    first, second = lists(spot, "oto", working, pending).order_list.orders
    assert spot.order("a", first).status is OrderStatus.EXPIRED
    assert spot.order("a", second).reason == "OTO_PHASE_ONE_EXPIRED"


def test_an_order_with_a_bracket(spot):
    spot.trade(100)
    first, above, below = lists(
        spot, "otoco", spot.request("buy", "limit", 1, 99), *bracket(spot)
    ).order_list.orders
    spot.trade(99, 1, "sell")
    assert spot.order("a", first).status is OrderStatus.FILLED
    assert spot.order("a", above).status_venue == "NEW"
    assert spot.balance("a", "BTC").locked == 1
    spot.trade(111, 5, "buy")
    assert spot.order("a", above).status is OrderStatus.FILLED
    assert spot.order("a", below).status is OrderStatus.EXPIRED
    assert spot.balance("a", "BTC").locked == 0


def test_a_pending_order_that_cannot_be_placed_is_rejected(spot):
    working, pending = (spot.request("buy", "limit", 1, 99), spot.request("sell", "limit", 200_000, 120))
    _, second = lists(spot, "oto", working, pending).order_list.orders
    spot.trade(99, 1, "sell")
    assert spot.order("a", second).status is OrderStatus.REJECTED
    assert spot.engine.open_order_lists("a") == ()


def test_what_was_bought_is_sold(world):
    spot = world(fees=FeeSchedule(maker=D("0.001"), taker=D("0.001")))
    working, pending = (spot.request("buy", "limit", 1, 99), spot.request("sell", "limit", None, 120))
    _, second = lists(spot, "opo", working, pending).order_list.orders
    spot.trade(99, 1, "sell")
    assert spot.order("a", second).quantity == D("0.999")


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_has_so_many_orders(spot, count):
    with pytest.raises(InvalidInput, match="2"):
        lists(spot, "oco", *(bracket(spot) * 2)[:count])


def test_a_list_on_futures_is_an_error_of_the_program(usd):
    with pytest.raises(InvalidInput, match="no order lists"):
        lists(usd, "oco", *bracket(usd))
