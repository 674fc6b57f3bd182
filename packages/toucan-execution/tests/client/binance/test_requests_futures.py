from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.account import PositionMode
from toucan_execution.client.binance.requests_futures import (
    algo_id_params,
    algo_params,
    amend_params,
    batch_params,
    cancel_many_params,
    cancel_params,
    is_conditional,
    old_conditional_params,
    order_params,
)
from toucan_execution.client.binance.signing_rules import encode_params
from toucan_execution.orders import (
    AmendRequest,
    CancelRequest,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    ResponseKind,
    SelfTradePrevention,
    TimeInForce,
    TriggerPrice,
)
from toucan_instrument import Exchange, InvalidInput, Side
from toucan_instrument.exchange.binance import parse_symbol

D = Decimal

USD_M = Exchange.BINANCE_USD_M
BTC = parse_symbol(USD_M, "BTCUSDT")
ETH = parse_symbol(USD_M, "ETHUSDT")
ONE_WAY, HEDGE = PositionMode.ONE_WAY, PositionMode.HEDGE


def request(kind=OrderType.LIMIT, side=Side.BUY, **fields):
    if kind.has_price and "price_match" not in fields:
        fields.setdefault("price", D(9000))
    if not fields.get("close_position"):
        fields.setdefault("quantity", D(1))
    return OrderRequest(instrument=BTC, side=side, type=kind, **fields)


def test_a_limit_order_reads_as_the_facts_have_it():
    # Facts C.7, H7: symbol, side, type, quantity, price, timeInForce, in this order.
    assert encode_params(order_params(request())) == (
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC"
    )


LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "9000"}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (request(time_in_force=TimeInForce.IOC), LIMIT | {"timeInForce": "IOC"}),
        (request(time_in_force=TimeInForce.FOK), LIMIT | {"timeInForce": "FOK"}),
        (request(post_only=True), LIMIT | {"timeInForce": "GTX"}),
        (request(time_in_force=TimeInForce.RPI), LIMIT | {"timeInForce": "RPI"}),
        (request(time_in_force=TimeInForce.RPI, post_only=True), LIMIT | {"timeInForce": "RPI"}),
        (
            request(time_in_force=TimeInForce.GTD, good_till_ns=1_693_207_680_000_999_999),
            LIMIT | {"timeInForce": "GTD", "goodTillDate": 1_693_207_680_000},
        ),
        (
            request(OrderType.MARKET, reduce_only=True, response=ResponseKind.RESULT),
            {
                "symbol": "BTCUSDT",
                "side": "BUY",
                "type": "MARKET",
                "quantity": "1",
                "reduceOnly": "true",
                "newOrderRespType": "RESULT",
            },
        ),
        (
            request(
                price_match=PriceMatch.OPPONENT_5,
                self_trade_prevention=SelfTradePrevention.EXPIRE_BOTH,
                client_order_id="mine-1",
            ),
            {
                "symbol": "BTCUSDT",
                "side": "BUY",
                "type": "LIMIT",
                "quantity": "1",
                "timeInForce": "GTC",
                "newClientOrderId": "mine-1",
                "priceMatch": "OPPONENT_5",
                "selfTradePreventionMode": "EXPIRE_BOTH",
            },
        ),
    ],
)
def test_every_regular_order_as_the_facts_have_it(order, expected):
    assert dict(order_params(order, ONE_WAY)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (
            request(OrderType.STOP_MARKET, trigger_price=D("8000.10"), client_order_id="mine-1"),
            {"type": "STOP_MARKET", "quantity": "1", "triggerPrice": "8000.10", "clientAlgoId": "mine-1"},
        ),
        (
            request(
                OrderType.STOP_LIMIT,
                trigger_price=D(8000),
                trigger_by=TriggerPrice.MARK,
                price_protect=True,
                post_only=True,
            ),
            {
                "type": "STOP",
                "quantity": "1",
                "price": "9000",
                "triggerPrice": "8000",
                "timeInForce": "GTX",
                "workingType": "MARK_PRICE",
                "priceProtect": "true",
            },
        ),
        (
            request(OrderType.TAKE_PROFIT_LIMIT, trigger_price=D(8000), trigger_by=TriggerPrice.LAST),
            {
                "type": "TAKE_PROFIT",
                "quantity": "1",
                "price": "9000",
                "triggerPrice": "8000",
                "timeInForce": "GTC",
                "workingType": "CONTRACT_PRICE",
            },
        ),
        (
            request(OrderType.TAKE_PROFIT_MARKET, trigger_price=D(8000), close_position=True),
            {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "8000", "closePosition": "true"},
        ),
        (
            request(
                OrderType.TRAILING_STOP_MARKET,
                trailing_bips=2_000,
                activation_price=D(8000),
                reduce_only=True,
            ),
            {
                "type": "TRAILING_STOP_MARKET",
                "quantity": "1",
                "callbackRate": "20",
                "activatePrice": "8000",
                "reduceOnly": "true",
            },
        ),
    ],
)
def test_every_conditional_order_as_the_facts_have_it(order, expected):
    base = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "BUY"}
    assert dict(algo_params(order, ONE_WAY)) == base | expected


def test_the_older_names_of_conditional_orders():
    stop = request(OrderType.STOP_LIMIT, trigger_price=D(8000), client_order_id="mine-1")
    params = dict(old_conditional_params(stop))
    assert (params["stopPrice"], params["newClientOrderId"]) == ("8000", "mine-1")
    trailing = request(OrderType.TRAILING_STOP_MARKET, trailing_bips=15, activation_price=D(8000))
    params = dict(old_conditional_params(trailing))
    assert (params["activationPrice"], params["callbackRate"]) == ("8000", "0.15")
    assert not {"algoType", "triggerPrice", "clientAlgoId"} & set(params)


@pytest.mark.parametrize(
    ("side", "fields", "mode", "position", "reduce_only"),
    [
        (Side.BUY, {}, ONE_WAY, None, None),
        (Side.BUY, {"position_side": PositionSide.BOTH}, ONE_WAY, None, None),
        (Side.BUY, {"reduce_only": True}, ONE_WAY, None, "true"),
        (Side.BUY, {"reduce_only": True}, None, None, "true"),
        (Side.BUY, {"position_side": PositionSide.LONG}, HEDGE, "LONG", None),
        (Side.BUY, {"position_side": PositionSide.LONG}, None, "LONG", None),
        (Side.SELL, {"reduce_only": True}, HEDGE, "LONG", None),
        (Side.BUY, {"reduce_only": True}, HEDGE, "SHORT", None),
        (Side.BUY, {"reduce_only": True, "position_side": PositionSide.SHORT}, HEDGE, "SHORT", None),
    ],
)
def test_reduce_only_by_the_position_mode(side, fields, mode, position, reduce_only):
    order = request(side=side, **fields)
    for params in (dict(order_params(order, mode)),):
        assert params.get("positionSide") == position
        assert params.get("reduceOnly") == reduce_only


def test_closing_a_position_in_hedge_mode_names_it():
    order = request(OrderType.STOP_MARKET, Side.SELL, trigger_price=D(1), close_position=True)
    params = dict(algo_params(order, HEDGE))
    assert (params["positionSide"], params["closePosition"]) == ("LONG", "true")


def test_a_batch_is_json_of_texts_without_spaces():
    orders = [
        request(client_order_id="mine-1"),
        request(OrderType.MARKET, Side.SELL, time_in_force=None, good_till_ns=None),
    ]
    [(name, text)] = batch_params(orders, ONE_WAY)
    assert name == "batchOrders"
    assert text == (
        '[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":"1","price":"9000","timeInForce":"GTC",'
        '"newClientOrderId":"mine-1"},{"symbol":"BTCUSDT","side":"SELL","type":"MARKET","quantity":"1"}]'
    )
    dated = request(time_in_force=TimeInForce.GTD, good_till_ns=1_693_207_680_000_000_000)
    [(_, text)] = batch_params([dated])
    assert all(isinstance(value, str) for value in msgspec.json.decode(text)[0].values())


def test_a_batch_of_cancels_goes_by_one_sort_of_id():
    by_id = [CancelRequest(instrument=BTC, order_id=str(number)) for number in (1, 2)]
    assert cancel_many_params(BTC, by_id) == (("symbol", "BTCUSDT"), ("orderIdList", "[1,2]"))
    by_own = [CancelRequest(instrument=BTC, client_order_id=each) for each in ("a", "b")]
    assert cancel_many_params(BTC, by_own)[1] == ("origClientOrderIdList", '["a","b"]')
    # Facts D.2.8: quotes encoded, no spaces.
    assert encode_params(cancel_many_params(BTC, by_own)) == (
        "symbol=BTCUSDT&origClientOrderIdList=%5B%22a%22%2C%22b%22%5D"
    )
    with pytest.raises(InvalidInput, match="same sort of id"):
        cancel_many_params(BTC, [by_id[0], by_own[0]])
    with pytest.raises(InvalidInput) as caught:
        cancel_many_params(ETH, by_id)
    assert caught.value.field == "instrument"


def test_ids_of_cancels():
    assert cancel_params(CancelRequest(instrument=BTC, order_id="9")) == (
        ("symbol", "BTCUSDT"),
        ("orderId", 9),
    )
    assert algo_id_params("mine-1", "") == (("clientAlgoId", "mine-1"),)
    assert algo_id_params("mine-1", "5001") == (("algoId", 5001),)
    with pytest.raises(InvalidInput, match="named by an id"):
        algo_id_params("", "")


KNOWN = Order(
    instrument=BTC,
    client_order_id="mine-1",
    order_id="88",
    side=Side.SELL,
    type=OrderType.LIMIT,
    status=OrderStatus.OPEN,
    quantity=D("0.020"),
    price=D(60000),
)


def test_a_change_always_has_side_quantity_and_price():
    change = AmendRequest(instrument=BTC, client_order_id="mine-1", price=D("60001.0"), amend_id="mine-m")
    assert amend_params(USD_M, change, KNOWN) == (
        ("symbol", "BTCUSDT"),
        ("side", "SELL"),
        ("quantity", "0.020"),
        ("price", "60001.0"),
        ("origClientOrderId", "mine-1"),
        ("modifyId", "mine-m"),
    )
    whole = AmendRequest(instrument=BTC, order_id="88", side=Side.SELL, quantity=D(1), price=D(2))
    assert dict(amend_params(USD_M, whole))["orderId"] == 88


@pytest.mark.parametrize(
    ("fields", "known", "field"),
    [
        ({"price": D(1), "quantity": D(1)}, None, "side"),
        ({"price": D(1), "side": Side.BUY}, None, "quantity"),
        ({"quantity": D(1), "side": Side.BUY}, None, "price"),
        ({"quantity": 0.5}, KNOWN, "quantity"),
        ({"quantity": D(0)}, KNOWN, "quantity"),
        ({}, msgspec.structs.replace(KNOWN, type=OrderType.STOP_LIMIT, algo_id="5"), "client_order_id"),
        ({}, msgspec.structs.replace(KNOWN, type=OrderType.MARKET), "client_order_id"),
        ({"amend_id": "no spaces"}, KNOWN, "amend_id"),
    ],
)
def test_a_change_that_cannot_be_is_refused(fields, known, field):
    with pytest.raises(InvalidInput) as caught:
        amend_params(USD_M, AmendRequest(instrument=BTC, client_order_id="mine-1", **fields), known)
    assert caught.value.field == field


def test_a_triggered_conditional_order_can_be_changed():
    known = msgspec.structs.replace(KNOWN, type=OrderType.STOP_LIMIT, triggered=True)
    change = AmendRequest(instrument=BTC, client_order_id="mine-1", price=D(60001))
    assert dict(amend_params(USD_M, change, known))["price"] == "60001"


def test_whether_an_order_waits_for_its_trigger():
    cancel = CancelRequest(instrument=BTC, client_order_id="mine-1")
    waiting = msgspec.structs.replace(KNOWN, type=OrderType.STOP_LIMIT)
    assert is_conditional(cancel, None) is None
    assert is_conditional(cancel, KNOWN) is False
    assert is_conditional(cancel, waiting) is True
    assert is_conditional(cancel, msgspec.structs.replace(waiting, triggered=True)) is False
    assert is_conditional(msgspec.structs.replace(cancel, conditional=False), waiting) is False
