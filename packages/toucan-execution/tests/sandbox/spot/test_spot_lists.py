"""Lists of orders through the endpoints."""

from __future__ import annotations

import pytest

from toucan_execution.events import OrderListUpdate
from toucan_execution.orders import ListKind
from toucan_execution.testing.sandbox.errors import ApiError

SELL_OCO = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110",
    "belowType": "STOP_LOSS_LIMIT", "belowPrice": "89", "belowStopPrice": "90", "belowTimeInForce": "GTC",
}  # fmt: skip
BUY_OCO = {
    "symbol": "BTCUSDT", "side": "BUY", "quantity": "1", "aboveType": "STOP_LOSS", "aboveStopPrice": "110",
    "belowType": "LIMIT_MAKER", "belowPrice": "90",
}  # fmt: skip
WORKING = {
    "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "95",
    "workingQuantity": "1", "workingTimeInForce": "GTC",
}  # fmt: skip
OTO = {
    **WORKING,
    "pendingType": "LIMIT_MAKER",
    "pendingSide": "SELL",
    "pendingQuantity": "1",
    "pendingPrice": "120",
}
PAIR = {
    "pendingSide": "SELL", "pendingAboveType": "TAKE_PROFIT", "pendingAboveStopPrice": "120",
    "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": "80",
}  # fmt: skip
OTOCO = {**WORKING, **PAIR, "pendingQuantity": "1"}
OPO = {
    **WORKING,
    "pendingType": "LIMIT",
    "pendingSide": "SELL",
    "pendingPrice": "120",
    "pendingTimeInForce": "GTC",
}
OPOCO = {**WORKING, **PAIR}


@pytest.fixture
def traded(desk):
    desk.trade(100)
    return desk


def check_list(desk, row):
    """Compare a list on the wire with the engine's."""
    told = next(each.order_list for each in desk.decoded(row) if isinstance(each, OrderListUpdate))
    instrument = desk.market.instrument("BTCUSDT")
    held = desk.engine.order_list("a", instrument, list_id=str(row["orderListId"]))
    for name in ("list_id", "client_list_id", "status", "order_ids", "client_order_ids"):
        assert getattr(told, name) == getattr(held, name), name
    assert told.kind is (ListKind.OCO if held.kind is ListKind.OCO else ListKind.OTO)
    return held


def test_one_cancels_the_other(traded):
    row = traded.ask(
        "POST orderList/oco", listClientOrderId="list", aboveClientOrderId="up", belowClientOrderId="down",
        aboveStrategyId="3", belowStrategyType="1000000", **SELL_OCO,
    )  # fmt: skip
    assert (row["contingencyType"], row["listStatusType"], row["listOrderStatus"]) == (
        "OCO", "EXEC_STARTED", "EXECUTING",
    )  # fmt: skip
    assert row["listClientOrderId"] == "list"
    assert [each["clientOrderId"] for each in row["orders"]] == ["up", "down"]
    above, below = row["orderReports"]
    assert (above["type"], above["workingTime"], above["strategyId"]) == (
        "LIMIT_MAKER",
        row["transactionTime"],
        3,
    )
    assert (below["type"], below["workingTime"], below["stopPrice"]) == ("STOP_LOSS_LIMIT", -1, "90.00000000")
    assert below["strategyType"] == 1000000
    for report in row["orderReports"]:
        traded.check_order(report, traded.order(report))
    held = check_list(traded, row)
    told = traded.told["a"][-4:]
    assert [each["e"] for each in told] == [
        "executionReport", "executionReport", "listStatus", "outboundAccountPosition",
    ]  # fmt: skip
    assert [each["g"] for each in told[:3]] == [int(held.list_id)] * 3
    assert told[2]["O"] == [
        {"s": "BTCUSDT", "i": each["orderId"], "c": each["clientOrderId"]} for each in row["orders"]
    ]
    check_list(traded, traded.ask("GET orderList", orderListId=row["orderListId"]))
    assert traded.ask("GET orderList", origClientOrderId="list") == traded.ask("GET openOrderList")[0]
    traded.trade(90, "sell")  # the stop: the limit order goes
    last = traded.reports()[-2:]
    assert {(each["x"], each.get("eR")) for each in last} == {("EXPIRED", "OCO_TRIGGER"), ("NEW", None)}
    assert all(each["C"] == "" for each in last)
    traded.check_account()


@pytest.mark.parametrize("by", ["leg", "list", "name"])
def test_a_list_is_cancelled(traded, by):
    row = traded.ask("POST orderList/oco", listClientOrderId="list", **SELL_OCO)
    if by == "leg":
        asked = {"orderId": row["orders"][0]["orderId"]}
        answer = traded.ask("DELETE order", symbol="BTCUSDT", newClientOrderId="cancel", **asked)
    else:
        asked = {"orderListId": row["orderListId"]} if by == "list" else {"listClientOrderId": "list"}
        answer = traded.ask("DELETE orderList", symbol="BTCUSDT", newClientOrderId="cancel", **asked)
    assert (answer["listStatusType"], answer["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert [each["clientOrderId"] for each in answer["orderReports"]] == ["cancel", "cancel"]
    assert [each["origClientOrderId"] for each in answer["orderReports"]] == [
        each["clientOrderId"] for each in row["orders"]
    ]
    check_list(traded, answer)
    told = traded.told["a"][-4:]
    assert [(each["e"], each.get("x"), each.get("c")) for each in told[:3]] == [
        ("executionReport", "CANCELED", "cancel"),
        ("executionReport", "CANCELED", "cancel"),
        ("listStatus", None, "OCO"),
    ]
    assert (told[2]["l"], told[2]["L"]) == ("ALL_DONE", "ALL_DONE")
    traded.fails("DELETE orderList", -2011, symbol="BTCUSDT", orderListId=row["orderListId"])
    traded.check_account()


def test_the_old_form_of_one_cancels_the_other(traded):
    sell = traded.ask(
        "POST order/oco", symbol="BTCUSDT", side="SELL", quantity="1", price="110", stopPrice="90",
        stopLimitPrice="89", stopLimitTimeInForce="GTC", limitClientOrderId="up", stopClientOrderId="down",
        limitStrategyId="4", stopStrategyType="1000001",
    )  # fmt: skip
    assert [each["clientOrderId"] for each in sell["orders"]] == ["up", "down"]
    assert [each["type"] for each in sell["orderReports"]] == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]
    assert sell["orderReports"][0]["strategyId"] == 4
    assert sell["orderReports"][1]["strategyType"] == 1000001
    buy = traded.ask(
        "POST order/oco", symbol="BTCUSDT", side="BUY", quantity="1", price="90", stopPrice="110"
    )
    assert [each["type"] for each in buy["orderReports"]] == ["STOP_LOSS", "LIMIT_MAKER"]
    asked = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "price": "110", "stopPrice": "90"}
    traded.fails("POST order/oco", -1102, **asked, stopLimitPrice="89")
    traded.fails("POST order/oco", -1106, **asked, stopLimitTimeInForce="GTC")
    relation = "The relationship of the prices for the orders is not correct."
    traded.fails("POST order/oco", -2010, relation, **{**asked, "stopPrice": "101"})
    traded.fails("POST order/oco", -2010, relation, **{**asked, "price": "99"})
    assert traded.endpoint("POST order/oco").ws == ("orderList.place",)


def test_one_triggers_the_other(traded):
    row = traded.ask("POST orderList/oto", pendingClientOrderId="later", **OTO)
    working, pending = row["orderReports"]
    assert (row["contingencyType"], working["status"], pending["status"]) == ("OTO", "NEW", "PENDING_NEW")
    assert pending["workingTime"] == -1
    for report in row["orderReports"]:
        traded.check_order(report, traded.order(report))
    traded.check_order(traded.reports()[-1], traded.order(pending))
    assert (traded.reports()[-1]["X"], traded.reports()[-1]["w"]) == ("PENDING_NEW", False)
    traded.limit("SELL", "1", "95", "b")
    last = traded.reports()[-1]
    assert (last["c"], last["x"], last["X"], last["w"]) == ("later", "NEW", "NEW", True)
    assert last["W"] == traded.now // 1_000_000
    traded.check_order(last, traded.order(pending))
    traded.limit("BUY", "1", "120", "b")
    done = traded.reports(kind="listStatus")[-1]
    assert (done["l"], done["L"]) == ("ALL_DONE", "ALL_DONE")
    assert traded.ask("GET openOrderList") == []
    everything = traded.ask("GET allOrderList")
    assert [each["orderListId"] for each in everything] == [row["orderListId"]]
    traded.check_account()


def test_one_triggers_a_pair(traded):
    row = traded.ask("POST orderList/otoco", newOrderRespType="FULL", **OTOCO)
    assert [each["status"] for each in row["orderReports"]] == ["NEW", "PENDING_NEW", "PENDING_NEW"]
    assert row["orderReports"][0]["fills"] == []
    ack = traded.ask("POST orderList/otoco", newOrderRespType="ACK", **OTOCO)
    assert set(ack["orderReports"][0]) == {
        "symbol",
        "orderId",
        "orderListId",
        "clientOrderId",
        "transactTime",
    }
    traded.ask("DELETE orderList", symbol="BTCUSDT", orderListId=ack["orderListId"])
    traded.limit("SELL", "1", "95", "b")
    for report in row["orderReports"][1:]:
        assert traded.order(report).status_venue == "NEW"
    traded.book(bids=[(119, 5)])
    traded.trade(121)
    last = {each["i"]: (each["x"], each["X"], each.get("eR")) for each in traded.reports()}
    assert [last[report["orderId"]] for report in row["orderReports"][1:]] == [
        ("TRADE", "FILLED", None), ("EXPIRED", "EXPIRED", "OCO_TRIGGER"),
    ]  # fmt: skip
    assert traded.reports(kind="listStatus")[-1]["l"] == "ALL_DONE"


def test_one_pays_the_other(traded):
    row = traded.ask("POST orderList/opo", **OPO)
    assert "origQty" not in row["orderReports"][1]
    assert row["orderReports"][1]["status"] == "PENDING_NEW"
    traded.limit("SELL", "1", "95", "b")
    pending = traded.order(row["orderReports"][1])
    assert str(pending.quantity) == "0.999"  # what it has cost is paid of it
    traded.check_order(traded.reports()[-1], pending)
    pair = traded.ask("POST orderList/opoco", **OPOCO)
    assert len(pair["orders"]) == 3
    assert pair["contingencyType"] == "OTO"
    cancelled = traded.ask("DELETE orderList", symbol="BTCUSDT", orderListId=pair["orderListId"])
    assert [each["status"] for each in cancelled["orderReports"]] == ["CANCELED"] * 3
    check_list(traded, cancelled)


def test_an_order_of_a_list_is_amended(traded):
    row = traded.ask("POST orderList/oto", workingClientOrderId="one", **OTO)
    working = row["orders"][0]["orderId"]
    call = "PUT order/amend/keepPriority"
    answer = traded.ask(call, symbol="BTCUSDT", orderId=working, newQty="0.5", newClientOrderId="two")
    assert answer["listStatus"]["orders"][0]["clientOrderId"] == "two"
    assert set(answer["listStatus"]) == {
        "orderListId", "contingencyType", "listOrderStatus", "listClientOrderId", "symbol", "orders",
    }  # fmt: skip
    told = [each for each in traded.told["a"] if each["e"] != "outboundAccountPosition"][-2:]
    assert (told[0]["x"], told[1]["e"], told[1]["l"]) == ("REPLACED", "listStatus", "UPDATED")
    traded.ask(call, symbol="BTCUSDT", orderId=working, newQty="0.4", newClientOrderId="two")
    assert traded.reports(kind="listStatus")[-1] == told[1]
    traded.decoded(answer)


@pytest.mark.parametrize(
    ("call", "params", "code", "text"),
    [
        ("oco", {**SELL_OCO, "aboveType": "LIMIT"}, -1158, "Order type not supported in OCO."),
        ("oco", {**SELL_OCO, "belowType": "MARKET"}, -1158, "Order type not supported in OCO."),
        ("oco", {**SELL_OCO, "aboveType": "STOP"}, -1116, "Invalid orderType."),
        ("oco", {**SELL_OCO, "side": "X"}, -1117, "Invalid side."),
        (
            "oco",
            {**SELL_OCO, "belowIcebergQty": "0.5", "belowTimeInForce": "IOC"},
            -1160,
            "Parameter 'belowIcebergQty' is not supported if 'belowTimeInForce' is not GTC.",
        ),
        (
            "oco",
            {**BUY_OCO, "aboveType": "LIMIT_MAKER", "belowType": "STOP_LOSS"},
            -1165,
            "A limit order in a buy OCO must be below.",
        ),
        (
            "oco",
            {**SELL_OCO, "aboveType": "TAKE_PROFIT", "belowType": "LIMIT_MAKER"},
            -1166,
            "A limit order in a sell OCO must be above.",
        ),
        (
            "oco",
            {**SELL_OCO, "belowType": "LIMIT_MAKER"},
            -1168,
            "At least one OCO order must be contingent.",
        ),
        (
            "oco",
            {**BUY_OCO, "aboveType": "STOP_LOSS", "belowType": "STOP_LOSS"},
            -1196,
            "A stop loss order in a buy OCO must be above.",
        ),
        (
            "oco",
            {**SELL_OCO, "aboveType": "STOP_LOSS"},
            -1197,
            "A stop loss order in a sell OCO must be below.",
        ),
        (
            "oco",
            {**BUY_OCO, "aboveType": "TAKE_PROFIT"},
            -1198,
            "A take profit order in a buy OCO must be below.",
        ),
        (
            "oco",
            {**SELL_OCO, "belowType": "TAKE_PROFIT"},
            -1199,
            "A take profit order in a sell OCO must be above.",
        ),
        ("oco", {**SELL_OCO, "belowTimeInForce": ""}, -1102, None),
        (
            "oco",
            {**SELL_OCO, "aboveTimeInForce": "GTC"},
            -1106,
            "Parameter 'aboveTimeInForce' sent when not required.",
        ),
        ("oco", {**SELL_OCO, "aboveType": ""}, -1102, None),
        ("oco", {**SELL_OCO, "abovePrice": ""}, -1102, None),
        ("oco", {**SELL_OCO, "quantity": "0.0001"}, -1013, "Filter failure: LOT_SIZE"),
        ("oco", {**SELL_OCO, "belowPrice": "89.001"}, -1013, "Filter failure: PRICE_FILTER"),
        (
            "oco",
            {**SELL_OCO, "quantity": "0.123456789"},
            -1111,
            "Parameter 'quantity' has too much precision.",
        ),
        (
            "oco",
            {**SELL_OCO, "abovePrice": "99"},
            -2010,
            "The relationship of the prices for the orders is not correct.",
        ),
        (
            "oco",
            {**SELL_OCO, "belowStopPrice": "105"},
            -2010,
            "The relationship of the prices for the orders is not correct.",
        ),
        ("oco", {**SELL_OCO, "listClientOrderId": "a b"}, -1100, None),
        ("oco", {**SELL_OCO, "listClientOrderId": "taken"}, -2010, "Duplicate order sent."),
        ("oco", {**SELL_OCO, "aboveClientOrderId": "taken-up"}, -2010, "Duplicate order sent."),
        (
            "oco",
            {**SELL_OCO, "aboveClientOrderId": "x", "belowClientOrderId": "x"},
            -2010,
            "Duplicate order sent.",
        ),
        ("oco", {**SELL_OCO, "aboveStrategyType": "5"}, -1134, "aboveStrategyType was less than 1000000."),
        ("oco", {**SELL_OCO, "quantity": "1000", "abovePrice": "200", "side": "SELL"}, None, None),
        ("oco", {**BUY_OCO, "quantity": "1000", "aboveStopPrice": "120"}, -2010, None),
        ("oto", {**OTO, "workingType": "MARKET"}, -1116, "Invalid orderType."),
        ("oto", {**OTO, "workingPrice": ""}, -1102, None),
        ("oto", {**OTO, "pendingQuantity": ""}, -1102, None),
        ("oto", {**OTO, "pendingType": "MARKET", "pendingPrice": "5"}, -1106, None),
        (
            "otoco",
            {
                **OTOCO,
                "pendingBelowType": "LIMIT_MAKER",
                "pendingBelowPrice": "80",
                "pendingBelowStopPrice": "",
            },
            -1166,
            None,
        ),
        ("opo", {**OPO, "workingSide": "SELL"}, -1222, "Working order in an OPO list must be a bid."),
        ("opo", {**OPO, "pendingSide": "BUY"}, -1223, "Pending orders in an OPO list must be asks."),
        ("opo", {**OPO, "pendingQuantity": "1"}, -1104, None),
        ("opoco", {**OPOCO, "workingType": "STOP_LOSS"}, -1116, None),
    ],
)
def test_a_list_that_breaks_a_rule(traded, call, params, code, text):
    traded.ask("POST orderList/oco", listClientOrderId="taken", aboveClientOrderId="taken-up", **SELL_OCO)
    if code is None:
        traded.ask(f"POST orderList/{call}", **params)
        return
    traded.fails(f"POST orderList/{call}", code, text, **params)


def test_lists_are_named(traded):
    either = "Param 'listClientOrderId' or 'orderListId' must be sent, but both were empty/null!"
    traded.fails("DELETE orderList", -1102, either, symbol="BTCUSDT")
    traded.fails("DELETE orderList", -2011, "Unknown order list sent.", symbol="BTCUSDT", orderListId=5)
    traded.fails("GET orderList", -1102)
    traded.fails("GET orderList", -2013, orderListId=5)
    traded.fails("GET allOrderList", -1128, fromId=1, startTime=1)


def test_all_lists_by_id_and_time(traded):
    rows, times = [], []
    for _ in range(4):
        rows.append(traded.ask("POST orderList/oco", **SELL_OCO))
        times.append(traded.now // 1_000_000)
        traded.ask("DELETE orderList", symbol="BTCUSDT", orderListId=rows[-1]["orderListId"])
    ids = [row["orderListId"] for row in rows]

    def numbers(**params):
        return [each["orderListId"] for each in traded.ask("GET allOrderList", **params)]

    assert numbers() == ids
    assert numbers(limit=2) == ids[2:]
    assert numbers(fromId=ids[1], limit=2) == ids[1:3]
    assert numbers(startTime=times[1], endTime=times[2]) == ids[1:2]
    assert numbers(endTime=times[1]) == ids[:1]
    assert traded.ask("GET allOrderList", "b") == []


def test_required_parameters_come_in_the_venues_order(desk):
    assert desk.endpoint("POST orderList/oco").required == (
        "symbol",
        "aboveType",
        "side",
        "quantity",
        "belowType",
    )
    assert desk.endpoint("POST orderList/opo").required == (
        "symbol",
        "workingType",
        "workingSide",
        "workingQuantity",
        "pendingType",
        "pendingSide",
    )
    with pytest.raises(ApiError):
        desk.ask("POST orderList/oto", symbol="BTCUSDT")
