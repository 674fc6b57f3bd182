"""Bodies of answers are told apart by their shape."""

from __future__ import annotations

import msgspec
import pytest

from toucan_execution.account import Commission, Income, LeverageBracket, LeverageSetting
from toucan_execution.client.binance.answers import AccountPart, OrderAck
from toucan_execution.decoding import Outcome
from toucan_execution.events import (
    BalanceUpdate,
    OrderListUpdate,
    OrderUpdate,
    PositionUpdate,
    TradeUpdate,
    UnreadableEvent,
)

ERROR = {"code": -2011, "msg": "Unknown order sent."}


def kinds(decoded):
    return [type(value) for value in decoded.values]


def ask(decoder, body):
    """Read a body over REST and over the WebSocket API: it is the same."""
    over_rest = decoder.decode(msgspec.json.encode(body), 9)
    answer = {"id": "a", "status": 200, "result": body, "rateLimits": []}
    over_websocket = decoder.decode(msgspec.json.encode(answer), 9)
    assert over_rest == over_websocket
    return over_rest


def test_orders_alone_and_in_arrays(spot, usd, sample):
    for decoder, order in ((spot, sample.spot_order), (usd, sample.futures_order), (usd, sample.algo_order)):
        assert kinds(ask(decoder, order)) == [OrderUpdate]
        assert kinds(ask(decoder, [order, order])) == [OrderUpdate] * 2


def test_a_batch_mixes_orders_and_errors(usd, sample):
    decoded = ask(usd, [ERROR, sample.futures_order, ERROR])
    assert (decoded.outcome, kinds(decoded)) == (Outcome.EVENTS, [OrderUpdate])
    assert ask(usd, [ERROR, ERROR]).outcome is Outcome.CONTROL


def test_a_full_answer_gives_its_fills_first(spot, sample):
    fill = {"price": "0.05", "qty": "0.5", "commission": "0", "commissionAsset": "ETH", "tradeId": 56}
    assert kinds(ask(spot, sample.spot_order | {"fills": [fill, fill]})) == [TradeUpdate] * 2 + [OrderUpdate]


def test_an_acknowledgement(spot):
    ack = {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "orderListId": -1,
        "clientOrderId": "mine-1",
        "transactTime": 5,
    }
    assert kinds(ask(spot, ack)) == [OrderAck]


def test_lists(spot, sample):
    found = {"orderListId": 1, "contingencyType": "OCO", "listStatusType": "EXEC_STARTED", "symbol": "ETHBTC",
             "listOrderStatus": "EXECUTING", "listClientOrderId": "mine-l", "transactionTime": 5,
             "orders": [{"symbol": "ETHBTC", "orderId": 77, "clientOrderId": "mine-1"}]}  # fmt: skip
    assert kinds(ask(spot, found)) == [OrderListUpdate]
    told = ask(spot, [found | {"orderReports": [sample.spot_order]}, sample.spot_order])
    assert kinds(told) == [OrderListUpdate, OrderUpdate, OrderUpdate]
    assert told.values[0].order_list.orders == (told.values[1].order,)


def test_an_amended_order(spot, sample):
    body = {"transactTime": 5, "executionId": 75, "amendedOrder": sample.spot_order,
            "listStatus": {"orderListId": 3, "contingencyType": "OTO", "symbol": "ETHBTC"}}  # fmt: skip
    assert kinds(ask(spot, body)) == [OrderUpdate, OrderListUpdate]


@pytest.mark.parametrize(
    ("cancel", "place", "orders"),
    [
        ("order", "order", 2),
        ("error", "order", 1),
        ("order", "error", 1),
        ("error", None, 0),
        ("error", "error", 0),
    ],
)
def test_both_halves_of_a_cancel_replace(spot, sample, cancel, place, orders):
    halves = {"order": sample.spot_order, "error": ERROR, None: None}
    both = {"cancelResult": "?", "newOrderResult": "?", "cancelResponse": halves[cancel],
            "newOrderResponse": halves[place]}  # fmt: skip
    assert kinds(ask(spot, both)) == [OrderUpdate] * orders
    failed = {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": both}
    assert kinds(spot.decode(msgspec.json.encode(failed), 9)) == [OrderUpdate] * orders
    over_websocket = {"id": 1, "status": 409, "error": failed}
    assert kinds(spot.decode(msgspec.json.encode(over_websocket), 9)) == [OrderUpdate] * orders


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"assets": [{"asset": "USDT", "walletBalance": "1"}], "positions": []}, AccountPart),
        ([{"asset": "USDT", "balance": "1"}], BalanceUpdate),
        ([{"symbol": "BTCUSDT", "positionAmt": "1", "positionSide": "BOTH"}], PositionUpdate),
        ({"dualSidePosition": True}, AccountPart),
        ({"multiAssetsMargin": True}, AccountPart),
        ({"leverage": 21, "maxNotionalValue": "1000000", "symbol": "BTCUSDT"}, LeverageSetting),
        ({"symbol": "BTCUSDT", "makerCommissionRate": "0", "takerCommissionRate": "0"}, Commission),
        ([{"incomeType": "TRANSFER", "income": "1", "asset": "USDT", "time": 5, "tranId": 1}], Income),
        ([{"symbol": "BTCUSDT", "brackets": [{"bracket": 1, "initialLeverage": 5, "notionalCap": 5,
           "notionalFloor": 0, "maintMarginRatio": 0.1, "cum": 0}]}], LeverageBracket),
        ({"symbol": "BTCUSDT", "id": 1, "orderId": 2, "side": "BUY", "price": "1", "qty": "1"}, TradeUpdate),
    ],
)  # fmt: skip
def test_the_rest_of_an_account(usd, body, kind):
    decoded = ask(usd, body)
    assert (decoded.outcome, kinds(decoded)) == (Outcome.EVENTS, [kind])


def test_spot_accounts(spot):
    assert kinds(ask(spot, {"balances": []})) == [AccountPart]
    parts = {"maker": "0", "taker": "0", "buyer": "0", "seller": "0"}
    assert kinds(ask(spot, {"symbol": "ETHBTC", "standardCommission": parts})) == [Commission]
    trade = {"symbol": "ETHBTC", "id": 1, "orderId": 2, "isBuyer": True, "price": "1", "qty": "1"}
    assert kinds(ask(spot, [trade])) == [TradeUpdate]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        ERROR,
        {"code": 200, "msg": "The operation of cancel all open order is done."},
        {"algoId": 5, "clientAlgoId": "mine-1", "code": "200", "msg": "success"},
        {"listenKey": "secret"},
        {"subscriptionId": 0},
        [{"subscriptionId": 0}],
        {"serverTime": 5},
        [{"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 5, "count": 0}],
        {"standardCommissionForOrder": {"maker": "0", "taker": "0"}},
        {"lastUpdateId": 5, "bids": [], "asks": []},
        [[1499040000000, "0.1"]],
        {"symbol": "BNBBTC", "price": "0.01"},
        {"symbol": "BTCUSDT", "countdownTime": "100000"},
        {"id": "a", "status": 200, "result": {}},
    ],
)
def test_what_tells_nothing_of_an_account(spot, body):
    decoded = spot.decode(msgspec.json.encode(body), 9)
    assert (decoded.outcome, decoded.values) == (Outcome.CONTROL, ())


@pytest.mark.parametrize(
    "body",
    [
        [{"amendmentId": 5, "symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "mine-1"}],
        [{"symbol": "BTCUSDT", "orderId": 7, "executionId": 2, "origQty": "2", "newQty": "1"}],
        {"total": 1, "orders": [{"algoId": 5}]},
        {"orderId": 5, "orderStatus": "SUCCESS", "fromAsset": "BTC"},
        {"something": "else"},
    ],
)
def test_what_is_not_offered(usd, body):
    assert usd.decode(msgspec.json.encode(body), 9).outcome is Outcome.NOT_OFFERED


@pytest.mark.parametrize("missing", ["symbol", "side", "orderId"])
def test_an_order_that_lacks_what_it_must_have_fails(spot, usd, sample, missing):
    for decoder, order in ((spot, sample.spot_order), (usd, sample.futures_order)):
        broken = {key: value for key, value in order.items() if key != missing}
        decoded = decoder.decode(msgspec.json.encode([broken]), 9)
        assert (decoded.outcome, kinds(decoded)) == (Outcome.FAILED, [UnreadableEvent])


def test_answers_within_answers_end_somewhere(spot):
    body = ERROR
    for _ in range(9):
        body = {"cancelResult": "?", "newOrderResult": "?", "cancelResponse": body}
    decoded = spot.decode(msgspec.json.encode(body), 9)
    assert decoded.outcome is Outcome.FAILED
    assert "nested" in decoded.values[0].error
