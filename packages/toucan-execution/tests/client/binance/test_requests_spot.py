from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.client.binance.requests_spot import (
    amend_params,
    cancel_params,
    cancel_replace_params,
    check_list,
    list_params,
    order_params,
)
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    Order,
    OrderListRequest,
    OrderRequest,
    OrderStatus,
    OrderType,
    Peg,
    ResponseKind,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_instrument import Exchange, InvalidInput, Side
from toucan_instrument.exchange.binance import parse_symbol

D = Decimal

BTC = parse_symbol(Exchange.BINANCE_SPOT, "BTCUSDT")
ETH = parse_symbol(Exchange.BINANCE_SPOT, "ETHUSDT")


def request(kind=OrderType.LIMIT, side=Side.BUY, **fields):
    if kind.has_price and "peg" not in fields:
        fields.setdefault("price", D("52000.00"))
    if "quote_quantity" not in fields:
        fields.setdefault("quantity", D("0.01000000"))
    return OrderRequest(instrument=BTC, side=side, type=kind, **fields)


def without(params, *names):
    return {name: value for name, value in params if name not in names}


def test_a_limit_order_reads_as_the_facts_have_it():
    # Facts C.7, H1: symbol, side, type, timeInForce, quantity, price, in this order.
    ltc = parse_symbol(Exchange.BINANCE_SPOT, "LTCBTC")
    order = OrderRequest(instrument=ltc, side=Side.BUY, type=OrderType.LIMIT, quantity=D(1), price=D("0.1"))
    assert order_params(order) == (
        ("symbol", "LTCBTC"),
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "1"),
        ("price", "0.1"),
    )


BASE = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01000000"}
PRICE = {"price": "52000.00"}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (request(), {"type": "LIMIT", "timeInForce": "GTC"} | PRICE),
        (request(time_in_force=TimeInForce.IOC), {"type": "LIMIT", "timeInForce": "IOC"} | PRICE),
        (request(time_in_force=TimeInForce.FOK), {"type": "LIMIT", "timeInForce": "FOK"} | PRICE),
        (request(post_only=True), {"type": "LIMIT_MAKER"} | PRICE),
        (request(post_only=True, time_in_force=TimeInForce.GTC), {"type": "LIMIT_MAKER"} | PRICE),
        (request(OrderType.MARKET), {"type": "MARKET"}),
        (
            request(OrderType.STOP_MARKET, trigger_price=D("53000.5")),
            {"type": "STOP_LOSS", "stopPrice": "53000.5"},
        ),
        (
            request(OrderType.STOP_LIMIT, trigger_price=D("53000.5")),
            {"type": "STOP_LOSS_LIMIT", "stopPrice": "53000.5", "timeInForce": "GTC"} | PRICE,
        ),
        (
            request(OrderType.TAKE_PROFIT_MARKET, trigger_price=D(51000)),
            {"type": "TAKE_PROFIT", "stopPrice": "51000"},
        ),
        (
            request(OrderType.TAKE_PROFIT_LIMIT, trigger_price=D(51000), trailing_bips=50),
            {"type": "TAKE_PROFIT_LIMIT", "stopPrice": "51000", "trailingDelta": 50, "timeInForce": "GTC"}
            | PRICE,
        ),
        (
            request(OrderType.TRAILING_STOP_MARKET, trailing_bips=100, activation_price=D(51000)),
            {"type": "STOP_LOSS", "trailingDelta": 100, "stopPrice": "51000"},
        ),
        (
            request(OrderType.TRAILING_STOP_MARKET, trailing_bips=100),
            {"type": "STOP_LOSS", "trailingDelta": 100},
        ),
        (
            request(iceberg_quantity=D("0.001")),
            {"type": "LIMIT", "timeInForce": "GTC", "icebergQty": "0.001"} | PRICE,
        ),
        (
            request(peg=Peg("primary", 3)),
            {
                "type": "LIMIT",
                "timeInForce": "GTC",
                "pegPriceType": "PRIMARY_PEG",
                "pegOffsetType": "PRICE_LEVEL",
                "pegOffsetValue": 3,
            },
        ),
        (
            request(peg=Peg("market"), post_only=True),
            {"type": "LIMIT_MAKER", "pegPriceType": "MARKET_PEG"},
        ),
        (
            request(
                client_order_id="mine-1",
                strategy_id=7,
                strategy_type=1_000_000,
                response=ResponseKind.FULL,
                self_trade_prevention=SelfTradePrevention.DECREMENT,
            ),
            {
                "type": "LIMIT",
                "timeInForce": "GTC",
                "newClientOrderId": "mine-1",
                "strategyId": 7,
                "strategyType": 1_000_000,
                "newOrderRespType": "FULL",
                "selfTradePreventionMode": "DECREMENT",
            }
            | PRICE,
        ),
    ],
)
def test_every_type_as_the_facts_have_it(order, expected):
    assert dict(order_params(order)) == BASE | expected


def test_a_market_order_by_what_it_spends():
    params = dict(order_params(request(OrderType.MARKET, quote_quantity=D("100.50"))))
    assert params == {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "100.50"}


# Cancel, cancel-replace, amend.


def test_a_cancel_goes_by_the_venues_id_where_it_is_known():
    assert cancel_params(CancelRequest(instrument=BTC, client_order_id="mine-1")) == (
        ("symbol", "BTCUSDT"),
        ("origClientOrderId", "mine-1"),
    )
    assert cancel_params(CancelRequest(instrument=BTC, client_order_id="mine-1", order_id="28")) == (
        ("symbol", "BTCUSDT"),
        ("orderId", 28),
    )


def test_a_cancel_without_an_id_is_refused():
    with pytest.raises(InvalidInput, match="named by an id"):
        cancel_params(CancelRequest(instrument=BTC))


def test_a_cancel_replace():
    place = request(client_order_id="mine-2")
    wanted = CancelReplaceRequest(
        cancel=CancelRequest(instrument=BTC, client_order_id="mine-1"), place=place, stop_on_failure=False
    )
    params = dict(cancel_replace_params(wanted))
    assert params["cancelReplaceMode"] == "ALLOW_FAILURE"
    assert params["cancelOrigClientOrderId"] == "mine-1"
    assert without(params.items(), "cancelReplaceMode", "cancelOrigClientOrderId") == dict(
        order_params(place)
    )
    by_id = msgspec.structs.replace(
        wanted, cancel=CancelRequest(instrument=BTC, order_id="9"), stop_on_failure=True
    )
    params = dict(cancel_replace_params(by_id))
    assert (params["cancelReplaceMode"], params["cancelOrderId"]) == ("STOP_ON_FAILURE", 9)


def test_both_halves_are_of_one_instrument():
    wanted = CancelReplaceRequest(cancel=CancelRequest(instrument=ETH, order_id="1"), place=request())
    with pytest.raises(InvalidInput) as caught:
        cancel_replace_params(wanted)
    assert caught.value.field == "cancel.instrument"


KNOWN = Order(
    instrument=BTC,
    client_order_id="mine-1",
    order_id="28",
    side=Side.BUY,
    type=OrderType.LIMIT,
    status=OrderStatus.OPEN,
    quantity=D("0.5"),
    price=D(52000),
)


def test_an_amend_makes_an_order_smaller_and_keeps_its_id():
    change = AmendRequest(instrument=BTC, client_order_id="mine-1", quantity=D("0.40"))
    assert amend_params(change, KNOWN) == (
        ("symbol", "BTCUSDT"),
        ("origClientOrderId", "mine-1"),
        ("newClientOrderId", "mine-1"),
        ("newQty", "0.40"),
    )
    by_id = AmendRequest(instrument=BTC, order_id="28", quantity=D("0.40"))
    assert dict(amend_params(by_id, KNOWN))["newClientOrderId"] == "mine-1"
    renamed = msgspec.structs.replace(change, amend_id="mine-2")
    assert dict(amend_params(renamed, KNOWN))["newClientOrderId"] == "mine-2"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"quantity": D("0.5")}, "quantity"),
        ({"quantity": D("0.6")}, "quantity"),
        ({"quantity": D(0)}, "quantity"),
        ({}, "quantity"),
        ({"price": D(1)}, "price"),
        ({"price": D(1), "quantity": D("0.4")}, "price"),
    ],
)
def test_any_other_change_names_cancel_replace(fields, field):
    with pytest.raises(InvalidInput, match="cancel_replace") as caught:
        amend_params(AmendRequest(instrument=BTC, client_order_id="mine-1", **fields), KNOWN)
    assert caught.value.field == field


def test_an_amend_that_would_lose_the_orders_id_is_refused():
    with pytest.raises(InvalidInput, match="another id"):
        amend_params(AmendRequest(instrument=BTC, order_id="28", quantity=D("0.4")))


# Lists.

ABOVE = request(side=Side.SELL, price=D(60000), post_only=True, client_order_id="mine-a")
BELOW = request(
    OrderType.STOP_LIMIT,
    Side.SELL,
    price=D(49000),
    trigger_price=D(50000),
    client_order_id="mine-b",
    iceberg_quantity=D("0.001"),
)
WORKING = request(client_order_id="mine-w")
PENDING = request(OrderType.STOP_MARKET, Side.SELL, trigger_price=D(50000), client_order_id="mine-p")


def listed(kind, *orders, **fields):
    return OrderListRequest(instrument=BTC, kind=kind, orders=orders, **fields)


def test_an_oco_list():
    wanted = listed(ListKind.OCO, ABOVE, BELOW, client_list_id="mine-l", response=ResponseKind.RESULT)
    check_list(wanted)
    assert dict(list_params(wanted)) == {
        "symbol": "BTCUSDT",
        "listClientOrderId": "mine-l",
        "newOrderRespType": "RESULT",
        "side": "SELL",
        "quantity": "0.01000000",
        "aboveType": "LIMIT_MAKER",
        "aboveClientOrderId": "mine-a",
        "abovePrice": "60000",
        "belowType": "STOP_LOSS_LIMIT",
        "belowClientOrderId": "mine-b",
        "belowPrice": "49000",
        "belowStopPrice": "50000",
        "belowIcebergQty": "0.001",
        "belowTimeInForce": "GTC",
    }


def test_an_oto_list():
    wanted = listed(ListKind.OTO, WORKING, PENDING)
    check_list(wanted)
    assert dict(list_params(wanted)) == {
        "symbol": "BTCUSDT",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingClientOrderId": "mine-w",
        "workingPrice": "52000.00",
        "workingQuantity": "0.01000000",
        "workingTimeInForce": "GTC",
        "pendingType": "STOP_LOSS",
        "pendingSide": "SELL",
        "pendingClientOrderId": "mine-p",
        "pendingQuantity": "0.01000000",
        "pendingStopPrice": "50000",
    }


def test_an_otoco_list():
    wanted = listed(ListKind.OTOCO, WORKING, ABOVE, BELOW)
    check_list(wanted)
    params = dict(list_params(wanted))
    assert (params["pendingSide"], params["pendingQuantity"]) == ("SELL", "0.01000000")
    assert params["pendingAboveType"] == "LIMIT_MAKER"
    assert params["pendingBelowStopPrice"] == "50000"
    assert not {"pendingAboveSide", "pendingAboveQuantity", "side", "quantity"} & set(params)


def test_opo_lists_sell_what_was_bought():
    pending = msgspec.structs.replace(PENDING, quantity=None)
    wanted = listed(ListKind.OPO, WORKING, pending)
    check_list(wanted)
    params = dict(list_params(wanted))
    assert "pendingQuantity" not in params
    assert (params["pendingSide"], params["workingQuantity"]) == ("SELL", "0.01000000")
    legs = [msgspec.structs.replace(leg, quantity=None, iceberg_quantity=None) for leg in (ABOVE, BELOW)]
    wanted = listed(ListKind.OPOCO, WORKING, *legs)
    check_list(wanted)
    params = dict(list_params(wanted))
    assert params["pendingSide"] == "SELL"
    assert "pendingQuantity" not in params


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (listed(ListKind.UNKNOWN, ABOVE, BELOW), "kind"),
        (listed(ListKind.OCO, ABOVE), "orders"),
        (listed(ListKind.OTOCO, WORKING, PENDING), "orders"),
        (listed(ListKind.OCO, ABOVE, ABOVE), "orders"),
        (listed(ListKind.OCO, BELOW, BELOW), "orders"),
        (listed(ListKind.OCO, msgspec.structs.replace(ABOVE, post_only=False), BELOW), "orders[0].post_only"),
        (listed(ListKind.OCO, ABOVE, msgspec.structs.replace(BELOW, side=Side.BUY)), "orders[1].side"),
        (listed(ListKind.OCO, ABOVE, msgspec.structs.replace(BELOW, quantity=D(1))), "orders[1].quantity"),
        (listed(ListKind.OTO, PENDING, WORKING), "orders[0].type"),
        (
            listed(ListKind.OTO, WORKING, msgspec.structs.replace(PENDING, instrument=ETH)),
            "orders[1].instrument",
        ),
        (
            listed(ListKind.OTO, WORKING, msgspec.structs.replace(PENDING, response=ResponseKind.ACK)),
            "orders[1].response",
        ),
        (listed(ListKind.OPO, WORKING, PENDING), "quantity"),
        (listed(ListKind.OTO, WORKING, msgspec.structs.replace(PENDING, quantity=None)), "quantity"),
        (listed(ListKind.OCO, ABOVE, BELOW, client_list_id="no spaces"), "client_list_id"),
        (
            listed(ListKind.OCO, ABOVE, BELOW, self_trade_prevention=SelfTradePrevention.UNKNOWN),
            "self_trade_prevention",
        ),
    ],
)
def test_a_list_that_cannot_be_is_refused(wanted, field):
    with pytest.raises(InvalidInput) as caught:
        check_list(wanted)
    assert caught.value.field == field
    assert caught.value.accepted
