"""Every error that the futures' private side answers with: which request gets it, and its text."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.client.binance._codes import CODES, FUTURES_CODES
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.futures_errors import TEXTS, engine_errors, refuse
from toucan_instrument import InstrumentStatus
from toucan_instrument.errors import InvalidInput

LIMIT = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "100"}
MARKET = {"side": "BUY", "type": "MARKET"}
STOP = {"algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "triggerPrice": "90"}
TRAIL = {"algoType": "CONDITIONAL", "side": "SELL", "type": "TRAILING_STOP_MARKET", "callbackRate": "1"}
NONE = None
LONG_AGO = 1_600_000_000_000
BOTH = "both"


def order(params, code, market=BOTH, **more):
    return ("POST", "order", {**params, **more}, code, market)


def algo(params, code, market=BOTH, **more):
    return ("POST", "algoOrder", {**params, **more}, code, market)


def get(path, code, market=BOTH, **params):
    return ("GET", path, params, code, market)


CASES = [
    # What is missing, too much, or no such thing.
    order(LIMIT, -1102, quantity=NONE),
    order(LIMIT, -1102, price=NONE),
    order(LIMIT, -1102, timeInForce=NONE),
    order(LIMIT, -1102, side=NONE),
    order(LIMIT, -1102, "usd", timeInForce="GTD"),
    order(LIMIT, -1104, nothing="1"),
    order(LIMIT, -1121, symbol="NOTHING"),
    order(LIMIT, -1117, side="HOLD"),
    order(LIMIT, -1116, type="ICEBERG"),
    order(LIMIT, -1116, type="LIQUIDATION"),
    order(LIMIT, -1115, timeInForce="DAY"),
    order(LIMIT, -1115, timeInForce="GTE_GTC"),
    order(LIMIT, -1115, "coin", timeInForce="GTD", goodTillDate="1900000000000"),
    order(LIMIT, -1115, "coin", timeInForce="RPI"),
    order(LIMIT, -1136, newOrderRespType="FULL"),
    order(LIMIT, -4060, positionSide="UP"),
    order(LIMIT, -4061, positionSide="LONG"),
    order(LIMIT, -4062, reduceOnly="maybe"),
    order(LIMIT, -5037, price=NONE, priceMatch="BEST"),
    order(LIMIT, -5039, selfTradePreventionMode="DECREMENT"),
    order(LIMIT, -5039, selfTradePreventionMode="NOBODY"),
    order(LIMIT, -4015, newClientOrderId="x" * 37),
    order(LIMIT, -1100, newClientOrderId="a b"),
    order(LIMIT, -1100, price="1e2"),
    order(LIMIT, -1100, quantity="-1"),
    order(LIMIT, -1106, stopPrice="100"),
    order(LIMIT, -1106, closePosition="true"),
    order(LIMIT, -1130, closePosition="maybe"),
    order(LIMIT, -1106, goodTillDate="1900000000000"),
    order(LIMIT, -1128, priceMatch="QUEUE"),
    order(LIMIT, -5040, "usd", timeInForce="GTD", goodTillDate="1790000500000"),
    order(LIMIT, -5040, "usd", timeInForce="GTD", goodTillDate="253402300799000"),
    order(MARKET, -1106, price="100"),
    order(MARKET, -1106, timeInForce="GTC"),
    order(MARKET, -5038, priceMatch="QUEUE"),
    *(
        order(LIMIT, -4120, type=kind, stopPrice="90")
        for kind in ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
    ),
    # Trading rules.
    order(LIMIT, -1111, price="100.001"),
    order(LIMIT, -1111, quantity="1.0001"),
    order(LIMIT, -4001, price="0"),
    order(LIMIT, -4002, price="1000000.1"),
    order(LIMIT, -4003, quantity="0"),
    order(LIMIT, -4004, "usd", quantity="0.001"),
    order(LIMIT, -4005, quantity="20000"),
    order(MARKET, -4005, "usd", quantity="101"),
    order(LIMIT, -4013, price="9.9"),
    order(LIMIT, -4014, "usd", price="100.05"),
    order(LIMIT, -4164, "usd", quantity="0.4"),
    order(LIMIT, -4178, "coin", quantity="1"),
    # The state of account and market.
    order(LIMIT, -2022, reduceOnly="true"),
    order(LIMIT, -5041, price=NONE, priceMatch="OPPONENT_20"),
    # Conditional orders.
    algo(STOP, -1130, algoType="VP"),
    algo(STOP, -1102, algoType=NONE),
    algo(STOP, -1116, type="LIMIT"),
    algo(STOP, -1102, triggerPrice=NONE),
    algo(STOP, -1102, quantity=NONE),
    algo(STOP, -1102, type="STOP"),
    algo(STOP, -1106, price="80"),
    algo(STOP, -5038, priceMatch="QUEUE"),
    algo(STOP, -1106, callbackRate="1"),
    algo(STOP, -1106, activatePrice="100"),
    algo(STOP, -1130, priceProtect="maybe"),
    algo(STOP, -4031, workingType="INDEX_PRICE"),
    algo(STOP, -4006, triggerPrice="0"),
    algo(STOP, -4006, triggerPrice="9"),
    algo(STOP, -4007, triggerPrice="1000001"),
    algo(STOP, -4014, "usd", triggerPrice="90.05"),
    algo(STOP, -1111, triggerPrice="90.001"),
    algo(STOP, -4137, closePosition="true"),
    algo(STOP, -1106, closePosition="true", quantity=NONE, reduceOnly="true"),
    algo(STOP, -1130, type="STOP", price="80", closePosition="true", quantity=NONE),
    algo(STOP, -1115, timeInForce="GTD", goodTillDate="1900000000000"),
    algo(STOP, -1115, timeInForce="DAY"),
    algo(STOP, -4015, clientAlgoId="x" * 37),
    algo(TRAIL, -1102, callbackRate=NONE),
    algo(TRAIL, -1130, callbackRate="0.05"),
    algo(TRAIL, -1130, callbackRate="0.125"),
    algo(TRAIL, -1130, callbackRate="20.1"),
    algo(TRAIL, -1130, "coin", callbackRate="10.1"),
    algo(TRAIL, -1106, triggerPrice="90"),
    algo(TRAIL, -4135, activatePrice="0"),
    algo(TRAIL, -4135, activatePrice="5"),
    # Which order is meant.
    get("order", -1102),
    get("order", -2013, orderId=9),
    get("order", -2013, origClientOrderId="nobody"),
    get("order", -1100, orderId="nine"),
    get("openOrder", -2013, orderId=9),
    get("algoOrder", -1102, symbol=NONE),
    get("algoOrder", -2013, symbol=NONE, algoId=9),
    get("algoOrder", -2013, algoId=9),
    get("algoOrder", -1121, symbol="NOTHING", algoId=9),
    get("openAlgoOrders", -1130, algoType="VP"),
    ("DELETE", "order", {"orderId": 9}, -2011, BOTH),
    ("DELETE", "algoOrder", {"symbol": NONE, "clientAlgoId": "nobody"}, -2011, BOTH),
    ("PUT", "order", {**LIMIT, "type": NONE, "timeInForce": NONE}, -1102, BOTH),
    ("PUT", "order", {"side": "BUY", "price": "100", "orderId": 9}, -2013, BOTH),
    ("PUT", "order", {"side": "BUY", "orderId": 9}, -1102, BOTH),
    ("PUT", "order", {"side": "BUY", "price": "100", "quantity": NONE, "orderId": 9}, -1102, BOTH),
    ("PUT", "order", {"side": "BUY", "price": "100", "priceMatch": "QUEUE", "orderId": 9}, -1128, BOTH),
    # Batches.
    ("POST", "batchOrders", {"symbol": NONE, "batchOrders": "[]"}, -4082, BOTH),
    ("POST", "batchOrders", {"symbol": NONE, "batchOrders": [1] * 6}, -4082, BOTH),
    ("POST", "batchOrders", {"symbol": NONE, "batchOrders": "{}"}, -1130, BOTH),
    ("DELETE", "batchOrders", {}, -1102, BOTH),
    ("DELETE", "batchOrders", {"orderIdList": "[]"}, -4032, BOTH),
    ("DELETE", "batchOrders", {"orderIdList": list(range(11))}, -4032, BOTH),
    # Histories.
    get("allOrders", -1127, startTime=1789990000000, endTime=1789990000000 + 7 * 86_400_000 + 1),
    get("userTrades", -1127, startTime=1789990000000, endTime=1789990000000 + 7 * 86_400_000 + 1),
    get("allOrders", -4166, startTime=LONG_AGO),
    get("userTrades", -4166, startTime=LONG_AGO),
    get("allOrders", -1130, startTime=1789990000001, endTime=1789990000000),
    get("allOrders", -1130, limit=0),
    get("userTrades", -1128, fromId=1, startTime=1789990000000),
    get("userTrades", -1102, symbol=NONE),
    get("allOrders", -1102, "coin", symbol=NONE),
    get("allOrders", -1128, "coin", symbol=NONE, pair="BTCUSD", orderId=1),
    get("userTrades", -1128, "coin", symbol=NONE, pair="BTCUSD", fromId=1),
    get("openOrders", -1128, "coin", pair="BTCUSD"),
    get("openOrders", -1121, symbol="NOTHING"),
    get("openOrders", -4087, "coin", symbol=NONE, pair="NOTHING"),
    get("positionRisk", -1128, "coin", symbol=NONE, pair="BTCUSD", marginAsset="BTC"),
    get("income", -1130, page=0),
    get("income", -1127, "coin", startTime=LONG_AGO, endTime=LONG_AGO + 366 * 86_400_000),
    get("forceOrders", -1130, autoCloseType="NOTHING"),
    # Settings.
    ("POST", "leverage", {"leverage": 0}, -4028, BOTH),
    ("POST", "leverage", {"leverage": "ten"}, -1100, BOTH),
    ("POST", "marginType", {"marginType": "CROSSED"}, -4046, BOTH),
    ("POST", "marginType", {"marginType": "SHARED"}, -1130, BOTH),
    ("POST", "positionMargin", {"amount": "1", "type": 3}, -1130, BOTH),
    ("POST", "positionMargin", {"amount": "0", "type": 1}, -4055, BOTH),
    ("POST", "positionMargin", {"amount": "1", "type": 1}, -4049, BOTH),
    ("POST", "positionMargin", {"amount": "1", "type": 1, "positionSide": "LONG"}, -4061, BOTH),
    ("POST", "positionMargin", {"amount": "1", "type": 1, "positionSide": "UP"}, -4060, BOTH),
    ("POST", "positionMargin", {"amount": "0.000000001", "type": 1}, -1111, BOTH),
    get("positionMargin/history", -1130, type=3),
    ("POST", "positionSide/dual", {"symbol": NONE, "dualSidePosition": "maybe"}, -1130, BOTH),
    ("POST", "positionSide/dual", {"symbol": NONE, "dualSidePosition": "false"}, -4059, BOTH),
    ("POST", "multiAssetsMargin", {"symbol": NONE, "multiAssetsMargin": "false"}, -4171, "usd"),
    ("POST", "countdownCancelAll", {"countdownTime": -5}, -1130, BOTH),
    ("POST", "countdownCancelAll", {"countdownTime": "soon"}, -1100, BOTH),
]  # fmt: skip


def wanted(stage, market):
    return market == BOTH or (market == "coin") is stage.coin


@pytest.mark.parametrize(("method", "path", "params", "code", "market"), CASES)
def test_what_is_wrong_is_said_by_its_code(stage, method, path, params, code, market):
    if not wanted(stage, market):
        return
    sends_quantity = path in ("order", "algoOrder") and method in ("POST", "PUT")
    usual = {"symbol": stage.symbol} | ({"quantity": str(stage.quantity)} if sends_quantity else {})
    sent = {name: value for name, value in (usual | params).items() if value is not NONE}
    assert stage.code(method, path, **sent) == code
    assert stage.told["a"] == []
    assert stage.engine.open_orders("a") == ()


# What depends on more than the request.


def code_of(act):
    with pytest.raises(ApiError) as caught:
        act()
    return caught.value.code


def test_the_same_id_twice_while_the_first_is_open(stage):
    stage.order(newClientOrderId="same")
    assert code_of(lambda: stage.order(newClientOrderId="same")) == -4116
    stage.algo(clientAlgoId="other")
    assert code_of(lambda: stage.algo(clientAlgoId="other")) == -4116


def test_prices_far_from_the_mark(usd):
    usd.mark(100)
    assert code_of(lambda: usd.order("BUY", "150.1")) == -4016
    assert code_of(lambda: usd.order("SELL", "49.9", 2)) == -4024
    with pytest.raises(ApiError, match=r"Limit price can't be higher than 150"):
        usd.order("BUY", "150.1")


def test_what_would_match_or_trigger_at_once(stage):
    stage.trade(100)
    stage.order("SELL", 100, account="m")
    assert code_of(lambda: stage.order("BUY", 100, timeInForce="GTX")) == -5022
    assert code_of(lambda: stage.algo("SELL", trigger=101)) == -2021
    assert code_of(lambda: stage.algo("BUY", "TAKE_PROFIT_MARKET", 101)) == -2021
    big = {"quantity": 3 * stage.quantity, "timeInForce": "FOK", "newOrderRespType": "RESULT"}
    if stage.coin:  # takes it, and lets it expire
        assert stage.order("BUY", 100, **big)["status"] == "EXPIRED"
    else:
        assert code_of(lambda: stage.order("BUY", 100, **big)) == -5021


def test_margin_and_positions_that_are_too_large(stage_of, stage):
    poor = stage_of(stage.exchange, funds="0.1")
    assert code_of(poor.order) == -2019
    stage.v1("POST", "leverage", symbol=stage.symbol, leverage=125)
    assert code_of(lambda: stage.order(quantity=100 if stage.coin else 600)) == -2027


def test_too_many_open_orders(stage):
    for _ in range(20):
        stage.order()
    assert code_of(stage.order) == -2025
    for _ in range(10):
        stage.algo()
    assert code_of(stage.algo) == -4045


def test_too_many_conditional_orders_of_an_account(stage_of, stage):
    few = stage_of(stage.exchange, most_waiting=2)
    few.algo()
    few.algo()
    assert code_of(few.algo) == -4045


@pytest.mark.parametrize(
    ("status", "on_usd"), [(InstrumentStatus.HALTED, -4140), (InstrumentStatus.CLOSED, -4141)]
)
def test_a_market_that_is_not_open(stage, status, on_usd):
    row = stage.order()
    stage.engine.set_status(stage.first, status, stage.tick())
    assert code_of(stage.order) == (-1122 if stage.coin else on_usd)
    names = {"symbol": stage.symbol, "side": "BUY", "orderId": row["orderId"], "price": "99"}
    code = stage.code("PUT", "order", **names, quantity=str(stage.quantity))
    assert code == (-4199 if stage.coin else -5024)
    stage.v1("DELETE", "order", symbol=stage.symbol, orderId=row["orderId"])


def test_an_account_that_may_not_trade(stage):
    stage.engine.set_can_trade("a", allowed=False)
    assert code_of(stage.order) == (-4090 if stage.coin else -4088)
    version = "v1" if stage.coin else "v2"
    assert stage.ask("GET", f"{stage.prefix}/{version}/account")["canTrade"] is False


def test_reduce_only_is_not_for_hedge_mode(stage):
    stage.v1("POST", "positionSide/dual", dualSidePosition="true")
    assert code_of(lambda: stage.order(positionSide="LONG", reduceOnly="false")) == -1106
    assert code_of(lambda: stage.order("SELL", positionSide="LONG")) == -2022
    assert code_of(lambda: stage.algo("BUY", positionSide="LONG", closePosition="true")) == -4061


def test_changes_that_are_refused(stage_of, stage):
    few = stage_of(stage.exchange, most_amends=1)
    row = few.order("BUY", 100, 3 * few.quantity)
    names = {"symbol": few.symbol, "side": "BUY", "orderId": row["orderId"]}
    quantity = str(3 * few.quantity)
    same, often, only = (-4197, -4198, -4196) if few.coin else (-5027, -5026, -5025)
    assert few.code("PUT", "order", **names, price="100", quantity=quantity) == same
    assert few.code("PUT", "order", **names | {"side": "SELL"}, price="100", quantity=quantity) == -1130
    least = "1" if few.coin else "0.4"
    assert few.code("PUT", "order", **names, price="100", quantity=least) == (-4178 if few.coin else -5029)
    assert few.code("PUT", "order", **names, price="0", quantity=quantity) == -4001
    assert few.code("PUT", "order", **names, price="100.001", quantity=quantity) == -1111
    assert few.code("PUT", "order", **names, quantity=quantity, priceMatch="QUEUE_5") == -5041
    few.v1("PUT", "order", **names, price="99", quantity=quantity)
    assert few.code("PUT", "order", **names, price="98", quantity=quantity) == often
    stage.trade(100)
    stage.algo("BUY", "STOP", 110, price="105", clientAlgoId="stop")
    by_id = {"symbol": stage.symbol, "side": "BUY", "origClientOrderId": "stop", "price": "104"}
    assert stage.code("PUT", "order", **by_id, quantity=str(stage.quantity)) == -2013  # it waits
    stage.trade(110)
    assert stage.code("PUT", "order", **by_id, quantity=str(stage.quantity)) == only


def test_every_code_has_a_text_that_our_client_takes_for_what_it_is():
    for code in TEXTS:
        error = refuse(code, "x", "y")
        assert "{" not in error.text
        assert error.status == 400
    assert set(TEXTS) <= set(CODES) | set(FUTURES_CODES)


ELSEWHERE = {
    -2010: "what no table knows",
    -2019: "margin", -2025: "open orders", -2027: "leverage", -2028: "leverage", -2021: "triggers",
    -4016: "the mark", -4024: "the mark", -4023: "grids", -4045: "open orders", -4047: "margin type",
    -4048: "margin type", -4050: "isolated margin", -4051: "isolated margin", -4054: "isolated margin",
    -4067: "position mode", -4068: "position mode", -4088: "the account", -4090: "the account",
    -4116: "ids", -4140: "the market", -4141: "the market", -1122: "the market", -4150: "leverage",
    -4161: "leverage", -4167: "Multi-Assets", -4169: "Multi-Assets", -4170: "Multi-Assets",
    -4196: "changes", -4197: "changes", -4198: "changes", -4199: "changes", -5021: "at once",
    -5022: "at once", -5024: "changes", -5025: "changes", -5026: "changes", -5027: "changes",
    -5029: "changes",
}  # fmt: skip
"""Codes whose tests stand outside the table above."""


def test_every_code_is_tested():
    assert {code for *_, code, _ in CASES} | set(ELSEWHERE) >= set(TEXTS)


def test_quantities_off_the_grid(stage_of, usd):
    stage = stage_of(usd.exchange)
    rules = msgspec.structs.replace(stage.first.rules, step_size=Decimal("0.005"))
    coarse = msgspec.structs.replace(stage.first, rules=rules)
    stage.engine.add_instrument(coarse)
    stage.market.instruments[stage.symbol] = coarse
    assert code_of(lambda: stage.order(quantity="1.002")) == -4023


def test_what_the_engine_cannot_make_sense_of_is_a_parameter():
    with pytest.raises(ApiError) as caught, engine_errors():
        raise InvalidInput("no", field="trailing_bips", value=0)
    assert (caught.value.code, caught.value.text) == (
        -1130, "Data sent for parameter 'callbackRate' is not valid.",
    )  # fmt: skip


def test_notes_are_bounded(stage_of, usd):
    stage = stage_of(usd.exchange, keep=2)
    stage.book([(98, 100)])
    rows = [stage.order("BUY", None, type="LIMIT", timeInForce="GTC", priceMatch="QUEUE") for _ in range(3)]
    shown = {row["orderId"]: row["priceMatch"] for row in stage.v1("GET", "openOrders")}
    assert [shown[row["orderId"]] for row in rows] == ["NONE", "QUEUE", "QUEUE"]
