"""Orders placed, cancelled, replaced and amended through the endpoints."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.events import TradeUpdate
from toucan_execution.mock import FeeSchedule, FeesIn
from toucan_execution.orders import OrderStatus

D = Decimal


def kinds(reports):
    return [(each["x"], each["X"]) for each in reports]


def test_a_resting_order(desk):
    row = desk.limit("BUY", "0.5", "100", newClientOrderId="mine", strategyId=7, strategyType=1000001)
    order = desk.order(row)
    assert list(row) == [
        "symbol", "orderId", "orderListId", "clientOrderId", "transactTime", "price", "origQty",
        "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status", "timeInForce", "type", "side",
        "workingTime", "fills", "selfTradePreventionMode", "strategyId", "strategyType",
    ]  # fmt: skip
    assert row["price"] == "100.00000000"
    assert row["origQty"] == "0.50000000"
    assert row["workingTime"] == row["transactTime"] == desk.now // 1_000_000
    assert row["fills"] == []
    desk.check_order(row, order)
    queried = desk.ask("GET order", symbol="BTCUSDT", orderId=row["orderId"])
    desk.check_order(queried, order)
    assert queried["isWorking"] is True
    assert queried["strategyType"] == 1000001
    assert desk.ask("GET openOrders") == [queried]
    [report] = desk.reports()
    told = desk.check_order(report, order)
    assert (told.created_ns, told.updated_ns) == (order.created_ns, order.updated_ns)
    assert (report["w"], report["j"], report["J"], report["N"], report["n"]) == (True, 7, 1000001, None, "0")
    assert desk.told["a"][-1]["B"] == [{"a": "USDT", "f": "99950.00000000", "l": "50.00000000"}]
    desk.check_account()


@pytest.mark.parametrize(
    ("kind", "wanted", "shown"),
    [
        ("LIMIT", None, "FULL"),
        ("LIMIT", "ACK", "ACK"),
        ("LIMIT", "RESULT", "RESULT"),
        ("MARKET", None, "FULL"),
        ("LIMIT_MAKER", None, "ACK"),
        ("LIMIT_MAKER", "FULL", "FULL"),
        ("STOP_LOSS", None, "ACK"),
        ("STOP_LOSS_LIMIT", "RESULT", "RESULT"),
    ],
)
def test_how_much_the_answer_says(desk, kind, wanted, shown):
    desk.book(asks=[(100, 5)])
    desk.trade(100)
    params = {"newOrderRespType": wanted} if wanted else {}
    if kind not in {"MARKET", "STOP_LOSS"}:
        params["price"] = "90"
    if kind.startswith("STOP"):
        params["stopPrice"] = "110"
    row = desk.place("BUY", kind, quantity="1", **params)
    assert ("fills" in row) is (shown == "FULL")
    assert ("status" in row) is (shown != "ACK")


def test_a_taker_order_is_new_and_then_traded(desk):
    first = desk.limit("SELL", "1", "100", "b")
    second = desk.limit("SELL", "1", "101", "c")
    row = desk.limit("BUY", "1.5", "101")
    order = desk.order(row)
    assert row["status"] == "FILLED"
    assert [
        (fill["price"], fill["qty"], fill["commission"], fill["commissionAsset"]) for fill in row["fills"]
    ] == [
        ("100.00000000", "1.00000000", "0.00200000", "BTC"),
        ("101.00000000", "0.50000000", "0.00100000", "BTC"),
    ]
    reports = desk.reports()
    assert kinds(reports) == [("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("TRADE", "FILLED")]
    assert [each["I"] for each in reports] == sorted({each["I"] for each in reports})
    last = reports[-1]
    assert (last["l"], last["L"], last["Y"], last["z"], last["Z"]) == (
        "0.50000000", "101.00000000", "50.50000000", "1.50000000", "150.50000000",
    )  # fmt: skip
    assert (last["m"], last["M"], last["w"], last["n"], last["N"]) == (
        False,
        True,
        False,
        "0.00100000",
        "BTC",
    )
    desk.check_order(last, order)
    desk.check_order(row, order)
    fill, _ = desk.decoded(last)
    assert isinstance(fill, TradeUpdate)
    engine_fill = [each for each in desk.events["a"] if isinstance(each, TradeUpdate)][-1]
    for name in (
        "trade_id",
        "order_id",
        "client_order_id",
        "side",
        "price",
        "quantity",
        "fee",
        "fee_asset",
        "maker",
    ):
        assert getattr(fill, name) == getattr(engine_fill, name)
    maker = desk.reports("b")[-1]
    assert (maker["m"], maker["X"], maker["N"], maker["n"]) == (True, "FILLED", "USDT", "0.10000000")
    desk.check_order(
        desk.ask("GET order", "c", symbol="BTCUSDT", orderId=second["orderId"]), desk.order(second, "c")
    )
    assert desk.order(first, "b").status is OrderStatus.FILLED
    rows = desk.ask("GET myTrades", symbol="BTCUSDT", orderId=row["orderId"])
    assert [(each["id"], each["isMaker"], each["isBuyer"]) for each in rows] == [
        (int(fill["tradeId"]), False, True) for fill in row["fills"]
    ]
    for name in "abc":
        desk.check_account(name)


def test_balances_come_once_and_last(desk):
    desk.limit("SELL", "1", "100", "b")
    before = len(desk.told["a"])
    desk.limit("BUY", "1", "100")
    told = desk.told["a"][before:]
    assert [each["e"] for each in told] == ["executionReport", "executionReport", "outboundAccountPosition"]
    assert {each["a"] for each in told[-1]["B"]} == {"BTC", "USDT"}


def test_a_market_order_by_quote_quantity_ends_with_its_last_fill(desk):
    desk.book(asks=[(100, "0.5"), (200, 5)])
    row = desk.place("BUY", "MARKET", quoteOrderQty="150")
    order = desk.order(row)
    assert (row["status"], row["origQty"], row["origQuoteOrderQty"]) == (
        "FILLED",
        "1.00000000",
        "150.00000000",
    )
    assert kinds(desk.reports()) == [("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("TRADE", "FILLED")]
    desk.check_order(desk.reports()[-1], order)
    desk.check_order(desk.ask("GET order", symbol="BTCUSDT", orderId=row["orderId"]), order)
    assert len({each["I"] for each in desk.reports()}) == 3


def test_what_expires_says_why(desk):
    desk.book(asks=[(100, 1)])
    row = desk.limit("BUY", "2", "100", timeInForce="IOC")
    assert (row["status"], row["expiryReason"]) == ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")
    assert kinds(desk.reports()) == [("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED")]
    assert desk.reports()[-1]["eR"] == "UNFILLED_IOC_QUANTITY_EXPIRED"
    told = desk.check_order(desk.reports()[-1], desk.order(row))
    assert told.reason == desk.order(row).reason
    row = desk.limit("BUY", "2", "100", timeInForce="FOK")
    assert row["expiryReason"] == "UNFILLED_FOK_ORDER_EXPIRED"
    assert row["executedQty"] == "0.00000000"
    row = desk.place("BUY", "MARKET", quantity=1)
    assert row["expiryReason"] == "INSUFFICIENT_LIQUIDITY"
    queried = desk.ask("GET order", symbol="BTCUSDT", orderId=row["orderId"])
    assert queried["expiryReason"] == "INSUFFICIENT_LIQUIDITY"


def test_a_stop_waits_and_then_works(desk):
    desk.trade(100)
    row = desk.place(
        "BUY", "STOP_LOSS_LIMIT", quantity=1, price=120, stopPrice=110, newOrderRespType="RESULT"
    )
    assert (row["workingTime"], row["stopPrice"]) == (-1, "110.00000000")
    [report] = desk.reports()
    assert report["w"] is False
    assert "W" not in report
    desk.check_order(report, desk.order(row))
    queried = desk.ask("GET order", symbol="BTCUSDT", orderId=row["orderId"])
    assert queried["isWorking"] is False
    desk.check_order(queried, desk.order(row))
    desk.trade(111)
    report = desk.reports()[-1]
    assert (report["x"], report["w"], report["W"]) == ("NEW", True, desk.now // 1_000_000)
    desk.check_order(report, desk.order(row))
    queried = desk.ask("GET order", symbol="BTCUSDT", orderId=row["orderId"])
    assert (queried["isWorking"], queried["workingTime"]) == (True, report["W"])


def test_a_stop_that_is_refused_once_triggered(desk):
    desk.trade(100)
    stop = desk.place("BUY", "STOP_LOSS", quantity=1, stopPrice=110)
    desk.limit("BUY", "998", "100")  # leaves 200 with what the stop has locked
    desk.book(asks=[(250, 5)])
    desk.trade(150)
    new, report = [each for each in desk.reports() if each["i"] == stop["orderId"]][-2:]
    assert (new["x"], new["X"], new["w"]) == ("NEW", "NEW", True)
    assert (report["x"], report["X"], report["r"], report["eR"]) == (
        "REJECTED", "REJECTED", "INSUFFICIENT_BALANCES", "REJECTED",
    )  # fmt: skip
    queried = desk.ask("GET order", symbol="BTCUSDT", orderId=stop["orderId"])
    assert (queried["status"], queried["expiryReason"]) == ("REJECTED", "REJECTED")


def test_trailing_stops(desk):
    desk.trade(100)
    alone = desk.place("SELL", "STOP_LOSS", quantity=1, trailingDelta=100, newOrderRespType="RESULT")
    assert alone["trailingDelta"] == 100
    assert "stopPrice" not in alone
    desk.check_order(desk.ask("GET order", symbol="BTCUSDT", orderId=alone["orderId"]), desk.order(alone))
    assert desk.reports()[-1]["d"] == 100
    both = desk.place("SELL", "TAKE_PROFIT_LIMIT", quantity=1, price=105, stopPrice=110, trailingDelta=50)
    desk.check_order(desk.ask("GET order", symbol="BTCUSDT", orderId=both["orderId"]), desk.order(both))


def test_icebergs_and_pegs(desk):
    desk.book(bids=[(99, 5), (98, 5)], asks=[(101, 5)])
    row = desk.limit("BUY", "1", "90", icebergQty="0.2")
    assert row["icebergQty"] == "0.20000000"
    desk.check_order(row, desk.order(row))
    assert desk.reports()[-1]["F"] == "0.20000000"
    peg = desk.place(
        "BUY", quantity=1, pegPriceType="PRIMARY_PEG", pegOffsetType="PRICE_LEVEL", pegOffsetValue=1
    )
    assert (peg["price"], peg["peggedPrice"]) == ("0.00000000", "98.00000000")
    assert (peg["pegPriceType"], peg["pegOffsetType"], peg["pegOffsetValue"]) == (
        "PRIMARY_PEG",
        "PRICE_LEVEL",
        1,
    )
    report = desk.reports()[-1]
    assert (report["gP"], report["gOT"], report["gOV"], report["gp"]) == (
        "PRIMARY_PEG", "PRICE_LEVEL", 1, "98.00000000",
    )  # fmt: skip
    desk.check_order(
        desk.ask("GET order", symbol="BTCUSDT", orderId=peg["orderId"]), desk.order(peg), pegged=True
    )


def test_smart_order_routing_places_an_ordinary_order(desk):
    row = desk.ask(
        "POST sor/order",
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="1",
        price="90",
    )
    assert (row["usedSor"], row["workingFloor"]) == (True, "SOR")
    assert (desk.reports()[-1]["uS"], desk.reports()[-1]["k"]) == (True, "SOR")
    desk.fails("POST sor/order", -1116, symbol="BTCUSDT", side="BUY", type="STOP_LOSS", quantity="1")
    assert desk.ask("POST sor/order/test", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1") == {}
    assert desk.ask("GET myAllocations", symbol="BTCUSDT") == []


def test_a_test_order_places_nothing(desk):
    asked = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "90",
    }
    assert desk.ask("POST order/test", **asked) == {}
    rates = desk.ask("POST order/test", computeCommissionRates="true", **asked)
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00200000"}
    assert set(rates) == {
        "standardCommissionForOrder", "specialCommissionForOrder", "taxCommissionForOrder", "discount",
    }  # fmt: skip
    assert not desk.reports()
    desk.fails("POST order/test", -2010, **{**asked, "quantity": "1000", "price": "400"})


# Cancel.


def test_a_cancel_has_an_id_of_its_own(desk):
    row = desk.limit("BUY", "1", "100", newClientOrderId="mine")
    answer = desk.ask("DELETE order", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="cancel")
    assert list(answer) == [
        "symbol", "origClientOrderId", "orderId", "orderListId", "clientOrderId", "transactTime", "price",
        "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status", "timeInForce", "type",
        "side", "selfTradePreventionMode",
    ]  # fmt: skip
    assert (answer["origClientOrderId"], answer["clientOrderId"]) == ("mine", "cancel")
    desk.check_order(answer, desk.order(row))
    report = desk.reports()[-1]
    assert (report["x"], report["c"], report["C"], report["w"]) == ("CANCELED", "cancel", "mine", False)
    desk.check_order(report, desk.order(row))
    assert desk.ask("GET order", symbol="BTCUSDT", orderId=row["orderId"])["clientOrderId"] == "mine"
    other = desk.limit("BUY", "1", "100")
    made = desk.ask("DELETE order", symbol="BTCUSDT", orderId=other["orderId"])
    assert len(made["clientOrderId"]) == 22
    assert made["clientOrderId"] == desk.reports()[-1]["c"]
    assert len({row["clientOrderId"], other["clientOrderId"], made["clientOrderId"]}) == 3


def test_cancel_restrictions(desk):
    row = desk.limit("BUY", "1", "100")
    named = {"symbol": "BTCUSDT", "orderId": row["orderId"]}
    desk.fails(
        "DELETE order", -2011, "Order was not canceled due to cancel restrictions.",
        cancelRestrictions="ONLY_PARTIALLY_FILLED", **named,
    )  # fmt: skip
    desk.limit("SELL", "0.4", "100", "b")
    desk.fails("DELETE order", -2011, cancelRestrictions="ONLY_NEW", **named)
    desk.fails("DELETE order", -1145, "Invalid cancelRestrictions", cancelRestrictions="SOMETIMES", **named)
    answer = desk.ask("DELETE order", cancelRestrictions="ONLY_PARTIALLY_FILLED", **named)
    assert (answer["status"], answer["executedQty"]) == ("CANCELED", "0.40000000")
    desk.fails("DELETE order", -2011, "Unknown order sent.", **named)


def test_cancel_all_mixes_orders_and_lists(desk):
    desk.trade(100)
    first = desk.limit("BUY", "1", "90")
    listed = desk.ask(
        "POST orderList/oco", symbol="BTCUSDT", side="SELL", quantity="1", aboveType="LIMIT_MAKER",
        abovePrice="110", belowType="STOP_LOSS", belowStopPrice="90",
    )  # fmt: skip
    last = desk.limit("BUY", "1", "91")
    rows = desk.ask("DELETE openOrders", symbol="BTCUSDT")
    assert [row.get("orderId") for row in rows] == [first["orderId"], None, last["orderId"]]
    assert rows[1]["orderListId"] == listed["orderListId"]
    assert (rows[1]["listStatusType"], rows[1]["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert {row["status"] for row in rows[1]["orderReports"]} == {"CANCELED"}
    assert len({row["clientOrderId"] for row in (rows[0], rows[2], *rows[1]["orderReports"])}) == 1
    assert not desk.engine.open_orders("a")
    desk.decoded(rows)
    desk.fails("DELETE openOrders", -2011, "Unknown order sent.", symbol="BTCUSDT")


def test_fees_in_a_third_asset_and_rebates(make_desk):
    desk = make_desk(fees=FeeSchedule(taker=D("0.001"), maker=D("-0.0001"), paid_in=FeesIn.QUOTE))
    desk.limit("SELL", "1", "100", "b")
    row = desk.limit("BUY", "1", "100")
    assert row["fills"][0]["commissionAsset"] == "USDT"
    assert desk.reports("b")[-1]["n"] == "-0.01000000"
    for name in "ab":
        desk.check_account(name)
