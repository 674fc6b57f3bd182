"""Conditional orders: placed, triggered, refused at their trigger, ended."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.events import OrderUpdate
from toucan_execution.orders import OrderStatus, OrderType, TriggerPrice

D = Decimal
ALIKE = (
    "instrument", "client_order_id", "side", "type", "status", "quantity", "price", "post_only",
    "reduce_only", "close_position", "position_side", "trigger_price", "trigger_by", "trailing_bips",
    "activation_price", "self_trade_prevention", "triggered", "algo_id", "updated_ns",
)  # fmt: skip


def same(read, order):
    for field in ALIKE:
        assert getattr(read, field) == getattr(order, field), field


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("STOP_MARKET", {}),
        ("STOP_MARKET", {"closePosition": "true", "workingType": "MARK_PRICE"}),
        ("TAKE_PROFIT_MARKET", {"trigger": 120, "priceProtect": "TRUE", "reduceOnly": "true"}),
        ("STOP", {"price": "89", "timeInForce": "GTX"}),
        ("TAKE_PROFIT", {"trigger": 120, "price": "119.5", "timeInForce": "IOC"}),
        ("TRAILING_STOP_MARKET", {"trigger": None, "callbackRate": "0.5"}),
        ("TRAILING_STOP_MARKET", {"trigger": None, "callbackRate": "10", "activatePrice": "110"}),
    ],
)
def test_what_is_placed_is_what_is_held_told_and_found(stage, kind, more):
    stage.trade(100)
    row = stage.algo(kind=kind, clientAlgoId="mine", **more)
    held = stage.engine_order(client_order_id="mine")
    same(stage.read_algo(row), held)
    assert stage.read_algo(row).created_ns == held.created_ns
    assert (row["algoStatus"], row["algoType"], row["triggerTime"]) == ("NEW", "CONDITIONAL", 0)
    assert row["timeInForce"] == more.get("timeInForce", "GTC")
    (update,) = stage.events("a", OrderUpdate)
    same(update.order, held)
    assert held.trigger_by is (TriggerPrice.MARK if "workingType" in more else TriggerPrice.LAST)
    names = {"algoId": row["algoId"]}, {"clientAlgoId": "mine"}
    for name in names:
        same(stage.read_algo(stage.v1("GET", "algoOrder", **name)), held)
    found = stage.v1("GET", "algoOrder", **names[0])
    assert (found["actualOrderId"], found["tpOrderType"]) == ("", "")
    assert stage.v1("GET", "openAlgoOrders") == [found]
    assert stage.v1("GET", "openAlgoOrders", symbol=stage.symbol, algoId=row["algoId"]) == [found]
    assert stage.v1("GET", "openAlgoOrders", algoId=999) == []
    assert stage.v1("GET", "allAlgoOrders", symbol=stage.symbol) == [found]
    assert stage.v1("GET", "openOrders") == stage.v1("GET", "allOrders", symbol=stage.symbol) == []


def test_a_triggered_order_is_a_new_regular_one_with_the_same_id(stage):
    stage.open_position()
    stage.order("BUY", 88, 5 * stage.quantity, account="m")
    algo = stage.algo(clientAlgoId="stop", reduceOnly="true")
    stage.names()
    stage.trade(90)
    early = [] if stage.coin else ["TRADE_LITE"]
    told = list(stage.told["a"])
    assert stage.names() == [
        "ALGO_UPDATE TRIGGERING",
        "ALGO_UPDATE TRIGGERED",
        "ORDER_TRADE_UPDATE NEW NEW",
        *early,
        "ACCOUNT_UPDATE ORDER",
        "ORDER_TRADE_UPDATE TRADE FILLED",
        "ALGO_UPDATE FINISHED",
    ]
    held = stage.engine_order(client_order_id="stop")
    assert (held.status, held.type) == (OrderStatus.FILLED, OrderType.STOP_MARKET)
    triggering, triggered, new = told[0]["o"], told[1]["o"], told[2]["o"]
    assert (triggering["ai"], triggering["act"]) == ("", "0")
    assert (triggered["ai"], triggered["act"]) == (held.order_id, "MARKET")
    assert triggered["tt"] == told[1]["T"] > algo["createTime"]
    assert (new["c"], new["o"], new["ot"], str(new["i"])) == ("stop", "MARKET", "MARKET", held.order_id)
    assert told[-1]["o"]["aq"] == f"{stage.quantity}.00000"
    found = stage.v1("GET", "algoOrder", clientAlgoId="stop")
    assert (found["algoStatus"], found["actualOrderId"], found["actualType"]) == (
        "FINISHED", held.order_id, "MARKET",
    )  # fmt: skip
    assert D(found["actualPrice"]) == held.average_price
    assert found["triggerTime"] == triggered["tt"]
    assert stage.read_algo({**found, "executedQty": found["actualQty"]}).status is OrderStatus.FILLED
    row = stage.v1("GET", "order", symbol=stage.symbol, origClientOrderId="stop")
    assert (row["status"], row["type"], row["origType"], row["time"]) == (
        "FILLED", "MARKET", "MARKET", triggered["tt"],
    )  # fmt: skip
    listed = stage.v1("GET", "allOrders", symbol=stage.symbol)
    assert [each["clientOrderId"] for each in listed][-1] == "stop"
    assert stage.v1("GET", "openAlgoOrders") == []
    assert stage.code("DELETE", "algoOrder", clientAlgoId="stop") == -2011


def test_a_triggered_limit_order_rests_and_is_cancelled_as_a_regular_one(stage):
    stage.trade(100)
    stage.algo("BUY", "STOP", 110, price="105", clientAlgoId="stop")
    stage.names()
    stage.trade(110)
    assert stage.names() == ["ALGO_UPDATE TRIGGERING", "ALGO_UPDATE TRIGGERED", "ORDER_TRADE_UPDATE NEW NEW"]
    assert stage.v1("GET", "algoOrder", clientAlgoId="stop")["algoStatus"] == "TRIGGERED"
    (row,) = stage.v1("GET", "openOrders")
    assert (row["type"], D(row["price"]), row["clientOrderId"]) == ("LIMIT", 105, "stop")
    assert stage.v1("DELETE", "order", symbol=stage.symbol, orderId=row["orderId"])["status"] == "CANCELED"
    assert stage.names() == ["ORDER_TRADE_UPDATE CANCELED CANCELED", "ALGO_UPDATE FINISHED"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"closePosition": "true"}, "ReduceOnly Order is rejected."),
        ({"quantity": "400"}, "Margin is insufficient."),
    ],
)
def test_an_order_that_is_refused_at_its_trigger_says_why_and_never_was(stage_of, usd, more, reason):
    stage = stage_of(usd.exchange, funds=1_000)
    stage.trade(100)
    stage.book([(89, 1000)])
    stage.algo(clientAlgoId="stop", **more)
    stage.names()
    stage.trade(90)
    told = stage.told["a"][-1]["o"]
    assert (told["X"], told["rm"], told["ai"]) == ("REJECTED", reason, "")
    assert not [name for name in stage.names() if name.startswith("ORDER_TRADE_UPDATE")]
    found = stage.v1("GET", "algoOrder", clientAlgoId="stop")
    assert (found["algoStatus"], found["actualOrderId"]) == ("REJECTED", "")
    assert stage.code("GET", "order", symbol=stage.symbol, origClientOrderId="stop") == -2013
    assert stage.v1("GET", "allOrders", symbol=stage.symbol) == []


def test_a_waiting_order_is_cancelled_with_a_quoted_code(stage):
    row = stage.algo(clientAlgoId="stop")
    done = stage.v1("DELETE", "algoOrder", algoId=row["algoId"])
    assert done == {"algoId": row["algoId"], "clientAlgoId": "stop", "code": "200", "msg": "success"}
    assert stage.names() == ["ALGO_UPDATE NEW", "ALGO_UPDATE CANCELED"]
    assert stage.v1("GET", "algoOrder", clientAlgoId="stop")["algoStatus"] == "CANCELED"


def test_all_waiting_orders_of_an_instrument_are_cancelled(stage):
    stage.algo()
    stage.algo(trigger=80)
    stage.order()
    done = stage.v1("DELETE", "algoOpenOrders", symbol=stage.symbol)
    assert done == {"code": 200, "msg": "The operation of cancel all open order is done."}
    assert stage.v1("GET", "openAlgoOrders") == []
    assert len(stage.v1("GET", "openOrders")) == 1


def test_a_waiting_order_may_expire(usd):
    until = usd.now_ns // 1_000_000 + 900_000
    usd.algo(kind="STOP", price="89", timeInForce="GTD", goodTillDate=until)
    usd.names()
    usd.engine.advance(usd.tick(900_001))
    assert usd.names() == ["ALGO_UPDATE EXPIRED"]


def test_a_trailing_stop_tells_whether_it_follows(stage):
    stage.trade(100)
    stage.algo(kind="TRAILING_STOP_MARKET", trigger=None, callbackRate="1.5")
    stage.algo(kind="TRAILING_STOP_MARKET", trigger=None, callbackRate="1.5", activatePrice="120")
    assert [(each["o"]["ia"], each["o"]["cr"]) for each in stage.told["a"]] == [(True, "1.5"), (False, "1.5")]
    stage.algo()
    assert "ia" not in stage.told["a"][-1]["o"]


def test_orders_of_the_gui_stand_in_their_own_word(stage):
    assert stage.algo(closePosition="true", timeInForce="GTE_GTC")["timeInForce"] == "GTE_GTC"


def test_conditional_orders_of_a_time_are_paged(stage):
    numbers = [stage.algo(trigger=80 + step)["algoId"] for step in range(4)]

    def ask(**more):
        rows = stage.v1("GET", "allAlgoOrders", symbol=stage.symbol, **more)
        return [each["algoId"] for each in rows]

    assert ask() == numbers
    assert ask(page=1, limit=3) == numbers[:3]
    assert ask(page=2, limit=3) == numbers[3:]
    assert ask(algoId=numbers[2]) == numbers[2:]
    assert ask(endTime=stage.now_ns // 1_000_000 - 86_400_000) == []
    assert stage.code("GET", "allAlgoOrders", symbol=stage.symbol, page=0) == -1130
