"""What the exchange refuses, and what makes no sense to it; counts, limits, accounts of its own."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.mock import Engine
from toucan_execution.mock.ledger import Ledger
from toucan_execution.mock.settings import EngineSettings, FeeSchedule
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    OrderListRequest,
    OrderStatus,
    Peg,
    PriceMatch,
    TimeInForce,
    TriggerPrice,
)
from toucan_execution.outcome import Reason
from toucan_instrument import Exchange, InvalidInput, Side

D = Decimal
SECOND = 1_000_000_000


def with_rules(world, **rules):
    """Trade by other rules from now on."""
    instrument = msgspec.structs.replace(
        world.instrument, rules=msgspec.structs.replace(world.instrument.rules, **rules)
    )
    world.engine.add_instrument(instrument)
    return world


def test_orders_are_counted(spot):
    with_rules(spot, max_orders=3, max_algo_orders=1)
    spot.trade(100)
    spot.done("a", "sell", "stop_market", 1, trigger_price=D(90))
    refused = spot.refused("a", "sell", "stop_market", 1, trigger_price=D(90))
    assert (refused.reason, "max_algo_orders" in refused.message) == (Reason.TOO_MANY_ORDERS, True)
    for _ in range(2):
        spot.done("a", "buy", "limit", 1, 90)
    assert spot.refused("a", "buy", "limit", 1, 90).reason is Reason.TOO_MANY_ORDERS
    spot.done("b", "buy", "limit", 1, 90)


def test_no_more_is_held_than_allowed(spot):
    with_rules(spot, max_position=D(100_005))
    spot.done("a", "buy", "limit", 3, 90)
    refused = spot.refused("a", "buy", "limit", 3, 90)
    assert (refused.violations[0].rule, refused.violations[0].given) == ("max_position", 100_006)
    spot.done("a", "sell", "limit", 3, 110)


def test_icebergs_have_so_many_parts_and_quote_quantities_a_least_worth(spot):
    with_rules(spot, max_iceberg_parts=3)
    refused = spot.refused("a", "buy", "limit", 4, 90, iceberg_quantity=D(1))
    assert [each.rule for each in refused.violations] == ["iceberg_parts"]
    small = spot.refused("a", "buy", "market", quote_quantity=D(4))
    assert [each.rule for each in small.violations] == ["min_notional"]


def test_percent_price_goes_by_the_last_price_or_the_mark(spot, usd):
    for world in (spot, usd):
        with_rules(world, bid_multiplier_up=D("1.1"), bid_multiplier_down=D("0.9"))
        world.done("a", "buy", "limit", 10, 1)  # there is no reference yet
        world.trade(100)
        refused = world.refused("a", "buy", "limit", 1, 111)
        assert [each.rule for each in refused.violations] == ["percent_price"]
    usd.mark(200)
    usd.done("a", "buy", "limit", 1, 190)
    request = usd.request("buy", "limit", 1, 100)
    assert [each.rule for each in usd.engine.broken_rules(request)] == ["percent_price"]


def test_the_limit_of_a_conditional_order_is_compared_once_it_is_triggered(spot):
    with_rules(spot, ask_multiplier_down=D("0.9"))
    spot.trade(100)
    order = spot.done("a", "sell", "stop_limit", 1, 80, trigger_price=D(95))
    spot.trade(95)
    now = spot.order("a", order)
    assert (now.status, "percent_price" in now.reason) == (OrderStatus.REJECTED, True)


def test_only_so_many_conditional_orders_wait(usd):
    usd.trade(100)
    for _ in range(200):
        usd.done("a", "sell", "stop_market", 1, trigger_price=D(90))
    assert usd.refused("a", "sell", "stop_market", 1, trigger_price=D(90)).reason is Reason.TOO_MANY_ORDERS


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("type", {"kind": "limit", "price": 1, "close_position": True}),
        ("quantity", {"kind": "stop_market", "quantity": 1, "trigger_price": D(9), "close_position": True}),
        (
            "reduce_only",
            {"kind": "stop_market", "trigger_price": D(9), "close_position": True, "reduce_only": True},
        ),
        ("quote_quantity", {"kind": "market", "quote_quantity": D(9)}),
        ("peg", {"kind": "limit", "quantity": 1, "peg": Peg("primary")}),
        ("trailing_bips", {"kind": "stop_market", "quantity": 1, "trigger_price": D(9), "trailing_bips": 9}),
        ("trailing_bips", {"kind": "trailing_stop_market", "quantity": 1}),
        ("trailing_bips", {"kind": "trailing_stop_market", "quantity": 1, "trailing_bips": 2001}),
        ("trigger_price", {"kind": "limit", "quantity": 1, "price": 9, "trigger_price": D(9)}),
        ("activation_price", {"kind": "limit", "quantity": 1, "price": 9, "activation_price": D(9)}),
        ("trigger_by", {"kind": "limit", "quantity": 1, "price": 9, "trigger_by": TriggerPrice.MARK}),
        ("good_till_ns", {"kind": "limit", "quantity": 1, "price": 9, "good_till_ns": 9}),
        ("time_in_force", {"kind": "limit", "quantity": 1, "price": 9, "time_in_force": TimeInForce.UNKNOWN}),
        ("price", {"kind": "limit", "quantity": 1, "price": 9, "price_match": PriceMatch.QUEUE}),
    ],
)
def test_futures_have_no_such_order(usd, field, more):
    with pytest.raises(InvalidInput) as caught:
        usd.place("a", "buy", **more)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("peg", {"kind": "limit", "quantity": 1, "peg": Peg("theirs")}),
        ("quote_quantity", {"kind": "limit", "price": 1, "quote_quantity": D(9)}),
        (
            "iceberg_quantity",
            {
                "kind": "limit",
                "quantity": 1,
                "price": 9,
                "iceberg_quantity": D(1),
                "time_in_force": TimeInForce.IOC,
            },
        ),
    ],
)
def test_spot_has_no_such_order(spot, field, more):
    with pytest.raises(InvalidInput) as caught:
        spot.place("a", "buy", **more)
    assert caught.value.field == field


def lists_of(spot, kind, *orders, **more):
    request = OrderListRequest(instrument=spot.instrument, kind=ListKind(kind), orders=orders, **more)
    return spot.engine.place_list("a", request, spot.tick())


def test_lists_that_make_no_sense(spot, world):
    limit = spot.request("sell", "limit", 1, 110, post_only=True)
    stop = spot.request("sell", "stop_market", 1, trigger_price=D(90))
    for kind, orders in (
        ("oco", (limit, msgspec.structs.replace(stop, side=Side.BUY))),
        ("oco", (limit, limit)),
        ("oco", (msgspec.structs.replace(limit, post_only=False), stop)),
        ("oco", (spot.request("sell", "market", 1), stop)),
        ("oto", (stop, limit)),
        ("opo", (limit, limit)),
        ("oco", (limit, msgspec.structs.replace(stop, instrument=spot.engine.instruments[1]))),
    ):
        with pytest.raises(InvalidInput):
            lists_of(spot, kind, *orders)
    with pytest.raises(InvalidInput):
        lists_of(spot, "oco", limit, stop, client_list_id="no blanks")
    assert spot.engine.open_orders("a") == ()


def test_ids_of_lists_and_of_their_orders_are_used_once(spot):
    limit = spot.request("sell", "limit", 1, 110, post_only=True)
    stop = spot.request("sell", "stop_market", 1, trigger_price=D(90))
    placed = lists_of(spot, "oco", limit, stop, client_list_id="pair").order_list
    assert lists_of(spot, "oco", limit, stop, client_list_id="pair").reason is Reason.DUPLICATE_ID
    same = [msgspec.structs.replace(each, client_order_id="same") for each in (limit, stop)]
    assert lists_of(spot, "oco", *same).reason is Reason.DUPLICATE_ID
    found = spot.engine.order_list("a", spot.instrument, client_list_id="pair")
    assert found.list_id == placed.list_id
    assert spot.engine.order_list("a", spot.instrument, list_id="77") is None


def test_a_pair_that_would_take_or_trigger_is_not_released(spot):
    working = spot.request("buy", "limit", 1, 100)
    above = spot.request("sell", "limit", 1, 110, post_only=True)
    below = spot.request("sell", "stop_market", 1, trigger_price=D(90))
    spot.trade(105)
    first, *pair = lists_of(spot, "otoco", working, above, below).order_list.orders
    spot.trade(85, 1, "sell")  # fills the first, and has come past the stop
    assert spot.order("a", first).status is OrderStatus.FILLED
    assert [spot.order("a", each).status for each in pair] == [OrderStatus.REJECTED] * 2
    assert spot.balance("a", "BTC").locked == 0


def test_amends_are_checked_like_orders(world):
    settings = EngineSettings(most_amends=1)
    spot = world(settings=settings)
    order = spot.done("a", "sell", "limit", 2, 100)
    other = spot.done("a", "sell", "limit", 2, 100)
    assert spot.amend("a", order, quantity="1.0005").reason is Reason.FILTER
    same_id = spot.amend("a", order, quantity=1, amend_id=other.client_order_id)
    assert same_id.reason is Reason.DUPLICATE_ID
    with pytest.raises(InvalidInput, match="quantity"):
        spot.amend("a", order)
    with pytest.raises(InvalidInput, match="above zero"):
        spot.amend("a", order, quantity=0)
    with pytest.raises(InvalidInput, match="either id"):
        spot.engine.amend("a", AmendRequest(instrument=spot.instrument, quantity=D(1)), spot.tick())
    spot.amend("a", order, quantity="1.5")
    assert spot.amend("a", order, quantity=1).reason is Reason.AMEND_REFUSED  # once was allowed
    spot.engine.set_status(spot.instrument, type(spot.instrument.status).HALTED, spot.tick())
    assert spot.amend("a", other, quantity=1).reason is Reason.MARKET_CLOSED


def test_amends_of_futures_name_the_right_side(usd):
    order = usd.done("a", "sell", "limit", 2, 100)
    with pytest.raises(InvalidInput, match="side"):
        usd.amend("a", order, quantity=1, price=100, side=Side.BUY)
    assert usd.amend("a", order, quantity=1, price="100.05").reason is Reason.FILTER


def test_cancel_replace_is_spot_s_alone_and_of_one_instrument(spot, usd):
    for world in (usd, spot):
        cancel = CancelRequest(instrument=world.engine.instruments[-1], order_id="1")
        request = CancelReplaceRequest(cancel=cancel, place=world.request("buy", "limit", 1, 9))
        with pytest.raises(InvalidInput):
            world.engine.cancel_replace("a", request, world.tick())


def test_a_reduce_only_order_that_the_market_comes_to_fills_what_there_is(usd):
    usd.done("b", "sell", "limit", 3, 100)
    usd.done("a", "buy", "limit", 3, 100)
    usd.done("a", "sell", "limit", 3, 110, reduce_only=True)
    usd.done("a", "sell", "limit", 2, 109)
    usd.done("b", "sell", "limit", 5, 110)
    usd.trade(110, 9, "buy")
    assert [fill.quantity for fill in usd.fills("a")] == [3, 2, 1]
    assert usd.position("a") is None
    assert sum(fill.quantity for fill in usd.fills("b")) == 8


def test_a_plan_counts_what_a_position_loses_on_the_way(usd):
    usd.done("b", "sell", "limit", 3, 100)
    usd.done("a", "buy", "limit", 3, 100)
    for quantity, price, reduce_only in ((2, 105, False), (3, 106, True), (3, 107, True)):
        usd.done("a", "sell", "limit", quantity, price, reduce_only=reduce_only)
    taker = usd.done("c", "buy", "limit", 9, 110)
    assert taker.filled_quantity == 3
    assert usd.position("a") is None
    assert usd.engine.open_orders("a") == ()


def test_a_reduce_only_taker_stops_where_its_position_ends(usd):
    usd.done("b", "sell", "limit", 3, 100)
    usd.done("a", "buy", "limit", 3, 100)
    usd.book(bids=[(95, 9)])
    usd.trade(100)
    stop = usd.done("a", "sell", "stop_market", 2, trigger_price=D(97), reduce_only=True)
    usd.done("a", "sell", "market", 2)
    usd.trade(97)
    now = usd.order("a", stop)
    assert (now.status, now.filled_quantity) == (OrderStatus.EXPIRED, 1)
    assert usd.position("a") is None


def test_fees_stay_while_orders_have_locked_them(spot):
    spot.done("a", "buy", "limit", 1, 90)
    with pytest.raises(InvalidInput, match="open"):
        spot.engine.set_fees("a", FeeSchedule())
    spot.engine.set_fees("b", FeeSchedule(taker=D("0.001")), spot.instrument)
    assert spot.engine.commission("b", spot.instrument).taker == D("0.001")
    assert spot.engine.commission("b", spot.engine.instruments[1]).taker == 0
    spot.engine.set_fees("b", FeeSchedule(asset="BNB", discount=D("0.75")))
    assert spot.engine.commission("b", spot.engine.instruments[1]).discount == D("0.75")


@pytest.mark.parametrize("name", ["", "a", "@fees"])
def test_names_of_accounts(spot, name):
    with pytest.raises(InvalidInput, match="account"):
        spot.engine.open_account(name)
    with pytest.raises(InvalidInput, match="account"):
        spot.engine.balances("nobody")


def test_amounts_are_above_zero(spot, usd):
    for amount in (D(0), D(-1)):
        for pay in (
            lambda amount=amount: spot.engine.deposit("a", "USDT", amount, spot.tick()),
            lambda amount=amount: spot.engine.withdraw("a", "USDT", amount, spot.tick()),
            lambda amount=amount: spot.engine.transfer("a", "b", "USDT", amount, spot.tick()),
        ):
            with pytest.raises(InvalidInput, match="above zero"):
                pay()
    with pytest.raises(InvalidInput, match="mark"):
        usd.engine.fund(usd.instrument, D(1), usd.tick())
    with pytest.raises(InvalidInput, match="above zero"):
        usd.mark(0)
    with pytest.raises(InvalidInput, match="quantity"):
        usd.trade(1, 0)


def test_listeners_can_leave(spot):
    heard = []
    leave = spot.engine.listen("a", heard.append)
    spot.engine.deposit("a", "USDT", D(1), spot.tick())
    leave()
    leave()
    spot.engine.deposit("a", "USDT", D(1), spot.tick())
    assert len(heard) == 1


def test_the_ledger_gives_what_it_takes():
    ledger = Ledger(keep=2)
    ledger.move("BTC", "x", "y", D("1.5"), "a gift")
    ledger.move("BTC", "x", "y", D("-0.5"), "back")
    ledger.move("BTC", "x", "x", D(9), "nothing")
    ledger.move("BTC", "x", "z", D(1), "more")
    assert {holder: ledger.balance(holder, "BTC") for holder in "xyz"} == {"x": -2, "y": 1, "z": 1}
    assert ledger.total("BTC") == 0
    assert [(entry.source, entry.target, entry.amount) for entry in ledger.entries] == [
        ("y", "x", D("0.5")),
        ("x", "z", 1),
    ]
    with pytest.raises(InvalidInput):
        ledger.move("BTC", "x", "y", D("NaN"), "")


def test_new_rules_keep_the_book(spot):
    order = spot.done("a", "buy", "limit", 1, 90)
    with_rules(spot, tick_size=D(10))
    assert spot.refused("a", "buy", "limit", 1, 91).reason is Reason.FILTER
    assert spot.cancel("a", order).order.instrument.rules.tick_size == 10


def test_a_market_knows_its_usual_ways():
    assert EngineSettings.for_market(Exchange.BINANCE_SPOT).spot
    usd, coin = (Engine(exchange).settings for exchange in (Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M))
    assert (usd.good_till_date, coin.good_till_date) == (True, False)
    assert usd.least_good_till_ns == 600 * SECOND
