"""Every rule of parameters and orders, with the code and the words of facts C.9."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.spot_errors import FILTERS, filter_failure, speaking
from toucan_instrument import InstrumentStatus, Side, Violation
from toucan_instrument.errors import InvalidInput, UnknownSymbol

D = Decimal

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "90",
}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
MAKER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "1", "price": "90"}
STOP = {"symbol": "BTCUSDT", "side": "BUY", "type": "STOP_LOSS", "quantity": "1", "stopPrice": "110"}
STOP_LIMIT = {**LIMIT, "type": "STOP_LOSS_LIMIT", "price": "120", "stopPrice": "110"}


def mandatory(name):
    return -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


def unasked(name):
    return -1106, f"Parameter '{name}' sent when not required."


def invalid(name):
    return -1130, f"Data sent for parameter '{name}' is not valid."


def precise(name):
    return -1111, f"Parameter '{name}' has too much precision."


def filtered(name):
    return -1013, f"Filter failure: {name}"


CLIENT_ID = (
    -1100,
    "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
)
COMBINATION = (-1014, "Unsupported order combination.")
PEG = (-2010, "This price peg cannot be used with this order type.")
EITHER_STOP = (-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!")
EITHER_AMOUNT = (-1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!")
TOGETHER = (-1128, "Fields [pegOffsetType, pegOffsetValue] must be sent together or omitted entirely.")
PEGGED = {name: value for name, value in LIMIT.items() if name != "price"} | {"pegPriceType": "PRIMARY_PEG"}


def without(params, *names):
    return {name: value for name, value in params.items() if name not in names}


@pytest.mark.parametrize(
    ("params", "error"),
    [
        # What is missing.
        (without(LIMIT, "symbol"), mandatory("symbol")),
        (without(LIMIT, "side"), mandatory("side")),
        (without(LIMIT, "type"), mandatory("type")),
        (without(LIMIT, "timeInForce"), mandatory("timeInForce")),
        (without(LIMIT, "quantity"), mandatory("quantity")),
        ({**LIMIT, "quantity": ""}, mandatory("quantity")),
        (without(LIMIT, "price"), mandatory("price")),
        (without(MAKER, "price"), mandatory("price")),
        (without(MAKER, "quantity"), mandatory("quantity")),
        (without(MARKET, "quantity"), EITHER_AMOUNT),
        (without(STOP, "stopPrice"), EITHER_STOP),
        (without(STOP, "quantity"), mandatory("quantity")),
        (without(STOP_LIMIT, "stopPrice"), EITHER_STOP),
        (without(STOP_LIMIT, "price"), mandatory("price")),
        (without(STOP_LIMIT, "timeInForce"), mandatory("timeInForce")),
        ({**STOP_LIMIT, "type": "TAKE_PROFIT_LIMIT", "price": ""}, mandatory("price")),
        (without({**STOP, "type": "TAKE_PROFIT"}, "stopPrice"), EITHER_STOP),
        # What does not go together.
        ({**MARKET, "timeInForce": "GTC"}, unasked("timeInForce")),
        ({**MARKET, "price": "90"}, unasked("price")),
        ({**MARKET, "stopPrice": "90"}, unasked("stopPrice")),
        ({**MARKET, "icebergQty": "0.1"}, unasked("icebergQty")),
        ({**MARKET, "quoteOrderQty": "100"}, unasked("quoteOrderQty")),
        ({**MAKER, "timeInForce": "GTC"}, unasked("timeInForce")),
        ({**LIMIT, "stopPrice": "90"}, unasked("stopPrice")),
        ({**LIMIT, "trailingDelta": "100"}, unasked("trailingDelta")),
        ({**LIMIT, "quoteOrderQty": "90"}, unasked("quoteOrderQty")),
        ({**STOP, "price": "90"}, unasked("price")),
        ({**STOP, "timeInForce": "GTC"}, unasked("timeInForce")),
        ({**STOP, "icebergQty": "0.1"}, unasked("icebergQty")),
        ({**LIMIT, "timeInForce": "IOC", "icebergQty": "0.1"}, COMBINATION),
        ({**STOP_LIMIT, "timeInForce": "FOK", "icebergQty": "0.1"}, COMBINATION),
        ({**PEGGED, "price": "90"}, COMBINATION),
        ({**PEGGED, "timeInForce": "IOC"}, COMBINATION),
        # Words.
        ({**LIMIT, "symbol": "NOTHING"}, (-1121, "Invalid symbol.")),
        ({**LIMIT, "type": "STOP"}, (-1116, "Invalid orderType.")),
        ({**LIMIT, "side": "buy"}, (-1117, "Invalid side.")),
        ({**LIMIT, "timeInForce": "GTX"}, (-1115, "Invalid timeInForce.")),
        ({**LIMIT, "timeInForce": "GTD"}, (-1115, "Invalid timeInForce.")),
        ({**LIMIT, "newOrderRespType": "ALL"}, invalid("newOrderRespType")),
        ({**LIMIT, "selfTradePreventionMode": "EXPIRE_ALL"}, invalid("selfTradePreventionMode")),
        ({**PEGGED, "pegPriceType": "PRIMARY"}, (-1210, "Invalid pegPriceType.")),
        ({**PEGGED, "pegOffsetType": "TICKS", "pegOffsetValue": "1"}, (-1211, "Invalid pegOffsetType.")),
        ({**PEGGED, "pegOffsetType": "PRICE_LEVEL"}, TOGETHER),
        ({**PEGGED, "pegOffsetValue": "1"}, TOGETHER),
        (
            {**PEGGED, "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": "101"},
            (-1102, "'pegOffsetValue' contains unexpected value. Cannot be greater than '100'."),
        ),
        ({**LIMIT, "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": "1"}, mandatory("pegPriceType")),
        ({**MARKET, "pegPriceType": "MARKET_PEG"}, PEG),
        ({**STOP, "pegPriceType": "PRIMARY_PEG"}, PEG),
        ({**without(MAKER, "price"), "pegPriceType": "MARKET_PEG"}, PEG),
        # Ids and labels.
        ({**LIMIT, "newClientOrderId": "a b"}, CLIENT_ID),
        ({**LIMIT, "newClientOrderId": "a" * 37}, CLIENT_ID),
        ({**LIMIT, "newClientOrderId": "a.b"}, CLIENT_ID),
        ({**LIMIT, "strategyType": "999999"}, (-1134, "strategyType was less than 1000000.")),
        ({**LIMIT, "strategyId": "x"}, (-1100, None)),
        # Numbers.
        ({**LIMIT, "price": "1e2"}, (-1100, None)),
        ({**LIMIT, "quantity": "-1"}, (-1100, None)),
        ({**LIMIT, "quantity": "0.123456789"}, precise("quantity")),
        ({**LIMIT, "price": "90.000000000"}, precise("price")),
        ({**STOP, "stopPrice": "110.123456789"}, precise("stopPrice")),
        ({**without(MARKET, "quantity"), "quoteOrderQty": "1.123456789"}, precise("quoteOrderQty")),
        ({**LIMIT, "quantity": "0"}, (-1013, "Invalid quantity.")),
        ({**LIMIT, "price": "0.00"}, (-1013, "Invalid price.")),
        ({**STOP, "stopPrice": "0"}, (-1013, "Invalid stopPrice.")),
        ({**LIMIT, "icebergQty": "2"}, (-2010, "IcebergQty exceeds QTY.")),
        ({**STOP, "trailingDelta": "0"}, filtered("TRAILING_DELTA")),
        ({**STOP, "trailingDelta": "2001"}, filtered("TRAILING_DELTA")),
        # Filters.
        ({**LIMIT, "price": "90.005"}, filtered("PRICE_FILTER")),
        ({**LIMIT, "price": "1000001"}, filtered("PRICE_FILTER")),
        ({**STOP, "stopPrice": "110.005"}, filtered("PRICE_FILTER")),
        ({**LIMIT, "price": "501"}, filtered("PERCENT_PRICE_BY_SIDE")),
        ({**LIMIT, "quantity": "0.0005"}, filtered("LOT_SIZE")),
        ({**LIMIT, "quantity": "1.0005"}, filtered("LOT_SIZE")),
        ({**LIMIT, "quantity": "1001"}, filtered("LOT_SIZE")),
        ({**MARKET, "quantity": "501"}, filtered("MARKET_LOT_SIZE")),
        ({**LIMIT, "quantity": "0.01"}, filtered("NOTIONAL")),
        ({**MARKET, "quantity": "0.01"}, filtered("NOTIONAL")),
        ({**LIMIT, "icebergQty": "0.0005"}, filtered("LOT_SIZE")),
        ({**LIMIT, "icebergQty": "0.05"}, filtered("ICEBERG_PARTS")),
        # What the engine refuses.
        (
            {**LIMIT, "quantity": "1000", "price": "200"},
            (-2010, "Account has insufficient balance for requested action."),
        ),
        ({**MAKER, "price": "101"}, (-2010, "Order would immediately match and take.")),
        ({**STOP, "stopPrice": "99"}, (-2010, "Order would trigger immediately.")),
        ({**LIMIT, "newClientOrderId": "taken"}, (-2010, "Duplicate order sent.")),
        (
            {**LIMIT, "selfTradePreventionMode": "TRANSFER"},
            (-1013, "This symbol does not allow the specified self-trade prevention mode."),
        ),
    ],
)
def test_an_order_that_breaks_a_rule(desk, params, error):
    desk.book(bids=[(99, 50)], asks=[(101, 50)])
    desk.trade(100)
    desk.limit("BUY", "1", "80", newClientOrderId="taken")
    code, text = error
    for call in ("POST order", "POST order/test"):
        desk.fails(call, code, text, **params)
    assert len(desk.reports()) == 1


def test_a_duplicate_id_may_be_used_again_once_its_order_is_over(desk):
    desk.limit("BUY", "1", "80", newClientOrderId="mine")
    desk.ask("DELETE order", symbol="BTCUSDT", origClientOrderId="mine")
    desk.limit("BUY", "1", "80", newClientOrderId="mine")
    desk.limit("BUY", "1", "80", "b", newClientOrderId="mine")


def test_a_closed_market_and_a_closed_account(desk):
    instrument = desk.market.instrument("BTCUSDT")
    row = desk.limit("BUY", "1", "80")
    desk.engine.set_status(instrument, InstrumentStatus.HALTED, desk.tick())
    desk.fails("POST order", -2010, "Market is closed.", **LIMIT)
    call, named = "PUT order/amend/keepPriority", {"symbol": "BTCUSDT", "orderId": row["orderId"]}
    desk.fails(call, -2038, "Market is closed.", newQty="0.5", **named)
    desk.engine.set_status(instrument, InstrumentStatus.TRADING, desk.tick())
    desk.engine.set_can_trade("a", allowed=False)
    desk.fails("POST order", -2010, "This account may not place or cancel orders.", **LIMIT)
    assert desk.ask("GET account")["canTrade"] is False


def test_there_is_too_little_to_trade_with(desk):
    asked = {**without(MARKET, "quantity"), "quoteOrderQty": "100"}
    desk.fails("POST order", -2010, "Order book liquidity is less than symbol minimum quantity.", **asked)
    desk.book(asks=[(100, "0.0001")])
    desk.fails(
        "POST order", -2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity.", **asked
    )
    desk.book(bids=[(99, 5)])
    assert desk.ask("POST order", **{**asked, "side": "SELL"})["status"] == "FILLED"


def test_orders_are_counted(desk):
    desk.trade(100)
    for _ in range(5):
        desk.ask("POST order", **STOP)
    desk.fails("POST order", -1013, "Filter failure: MAX_NUM_ALGO_ORDERS", **STOP)
    for _ in range(15):
        desk.ask("POST order", **LIMIT)
    desk.fails("POST order", -1013, "Filter failure: MAX_NUM_ORDERS", **LIMIT)
    desk.ask("DELETE openOrders", symbol="BTCUSDT")
    desk.engine.deposit("a", "BTC", D(49_999), desk.tick())
    desk.fails("POST order", -1013, "Filter failure: MAX_POSITION", **{**LIMIT, "quantity": "2"})


def test_a_book_that_is_not_deep_enough_for_a_peg(desk):
    desk.book(bids=[(99, 5)], asks=[(101, 5)])
    desk.fails("POST order", -2010, **PEGGED, pegOffsetType="PRICE_LEVEL", pegOffsetValue="3")


@pytest.mark.parametrize("call", ["GET order", "DELETE order", "PUT order/amend/keepPriority"])
def test_an_order_has_to_be_named(desk, call):
    more = {"newQty": "1"} if call.startswith("PUT") else {}
    text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    desk.fails(call, -1102, text, symbol="BTCUSDT", **more)
    mandatory_symbol = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
    desk.fails(call, -1102, mandatory_symbol, orderId=1, **more)
    desk.fails(call, -1121, symbol="NOTHING", orderId=1, **more)
    desk.fails(call, -1100, symbol="BTCUSDT", orderId="first", **more)
    desk.fails(call, -1104, symbol="BTCUSDT", orderId=1, color="red", **more)


def test_orders_that_do_not_exist(desk):
    row = desk.limit("BUY", "1", "80", newClientOrderId="mine")
    other = desk.limit("BUY", "1", "80", newClientOrderId="yours")
    desk.fails("GET order", -2013, "Order does not exist.", symbol="BTCUSDT", orderId=99)
    desk.fails("GET order", -2013, "Order does not exist.", symbol="BTCUSDT", origClientOrderId="nobody")
    desk.fails("GET order", -2013, "Order does not exist.", "b", symbol="BTCUSDT", orderId=row["orderId"])
    desk.fails("GET order", -2013, "Order does not exist.", symbol="ETHUSDT", orderId=row["orderId"])
    text = "Client order ID is not correct for this order ID."
    both = {"symbol": "BTCUSDT", "orderId": row["orderId"], "origClientOrderId": "yours"}
    desk.fails("GET order", -2039, text, **both)
    desk.fails("DELETE order", -2039, text, **both)
    desk.fails("DELETE order", -2011, "Unknown order sent.", symbol="BTCUSDT", orderId=99)
    named = {"symbol": "BTCUSDT", "orderId": other["orderId"], "origClientOrderId": "yours"}
    assert desk.ask("GET order", **named)["orderId"] == other["orderId"]
    desk.fails("GET order/amendments", -2013, symbol="BTCUSDT", orderId=99)


def test_every_trading_rule_has_a_filter():
    for rule, name in FILTERS.items():
        for written in (rule, f"trigger_price.{rule}"):
            error = filter_failure((Violation(written, D(1), D(2), None),))
            assert (error.code, error.text) == (-1013, f"Filter failure: {name}")


def test_what_the_engine_finds_wrong_is_said_in_the_venues_words():
    with pytest.raises(ApiError) as caught, speaking():
        raise InvalidInput("not so", field="quantity", value=1)
    assert (caught.value.code, caught.value.text) == invalid("quantity")
    with pytest.raises(ApiError) as caught, speaking():
        raise UnknownSymbol("none", field="instrument", value="X", near=())
    assert caught.value.code == -1121


def test_no_rule_is_asked_of_the_wrong_side(desk):
    desk.book(bids=[(99, 50)], asks=[(101, 50)])
    desk.trade(100)
    for side in Side:
        price = "90" if side is Side.BUY else "110"
        desk.ask("POST order", **{**MAKER, "side": side.name, "price": price})
        stop = "110" if side is Side.BUY else "90"
        desk.ask("POST order", **{**STOP, "side": side.name, "stopPrice": stop})
        desk.ask("POST order", **{**STOP, "type": "TAKE_PROFIT", "side": side.name, "stopPrice": price})
