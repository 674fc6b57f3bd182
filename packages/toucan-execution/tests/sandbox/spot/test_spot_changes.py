"""Orders cancelled and replaced, amended, and kept from trading with one another."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.orders import OrderStatus
from toucan_execution.testing.sandbox.errors import ApiError

D = Decimal


def kinds(reports):
    return [(each["x"], each["X"]) for each in reports]


# Cancel and replace.


def replace(desk, mode, order_id, price="95", **more):
    return {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1",
        "price": price, "cancelReplaceMode": mode, "cancelOrderId": order_id, **more,
    }  # fmt: skip


def test_replace(desk):
    row = desk.limit("BUY", "1", "100")
    answer = desk.ask(
        "POST order/cancelReplace",
        **replace(desk, "STOP_ON_FAILURE", row["orderId"], cancelNewClientOrderId="x", newClientOrderId="y"),
    )
    assert (answer["cancelResult"], answer["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert answer["cancelResponse"]["clientOrderId"] == "x"
    assert answer["newOrderResponse"]["clientOrderId"] == "y"
    assert "fills" in answer["newOrderResponse"]
    assert kinds(desk.reports()) == [("NEW", "NEW"), ("CANCELED", "CANCELED"), ("NEW", "NEW")]
    assert [each["c"] for each in desk.reports()][1:] == ["x", "y"]
    assert len(desk.decoded(answer)) == 2
    desk.check_account()


@pytest.mark.parametrize(
    ("mode", "known", "takes", "status", "code", "results"),
    [
        ("STOP_ON_FAILURE", False, False, 400, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", False, False, 409, -2021, ("FAILURE", "SUCCESS")),
        ("ALLOW_FAILURE", False, True, 400, -2022, ("FAILURE", "FAILURE")),
        ("STOP_ON_FAILURE", True, True, 409, -2021, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", True, True, 409, -2021, ("SUCCESS", "FAILURE")),
    ],
)
def test_a_replace_of_which_a_half_fails(desk, mode, known, takes, status, code, results):
    desk.limit("SELL", "5", "105", "b")
    row = desk.limit("BUY", "1", "100")
    asked = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "1",
        "price": "106" if takes else "95", "cancelReplaceMode": mode,
        "cancelOrderId": row["orderId"] if known else 999,
    }  # fmt: skip
    with pytest.raises(ApiError) as caught:
        desk.ask("POST order/cancelReplace", **asked)
    error = caught.value
    assert (error.status, error.code) == (status, code)
    assert (error.data["cancelResult"], error.data["newOrderResult"]) == results
    if results[0] == "FAILURE":
        assert error.data["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    if results[1] == "FAILURE":
        assert error.data["newOrderResponse"] == {
            "code": -2010, "msg": "Order would immediately match and take.",
        }  # fmt: skip
    if results[1] == "NOT_ATTEMPTED":
        assert error.data["newOrderResponse"] is None
    assert error.body()["data"] is error.data
    assert (desk.order(row).status is OrderStatus.CANCELLED) is (results[0] == "SUCCESS")


def test_a_replace_is_checked_before_either_half(desk):
    row = desk.limit("BUY", "1", "100")
    number = row["orderId"]
    call = "POST order/cancelReplace"
    desk.fails(
        call, -1013, "Filter failure: PRICE_FILTER", **replace(desk, "ALLOW_FAILURE", number, "95.001")
    )
    desk.fails(call, -1130, **replace(desk, "MAYBE", number))
    desk.fails(call, -1102, **replace(desk, "ALLOW_FAILURE", ""))
    desk.fails(call, -1145, **replace(desk, "ALLOW_FAILURE", number, cancelRestrictions="x"))
    desk.fails(call, -1130, **replace(desk, "ALLOW_FAILURE", number, orderRateLimitExceededMode="x"))
    error = desk.fails(
        call, -2022, **replace(desk, "STOP_ON_FAILURE", number, cancelOrigClientOrderId="other")
    )
    assert error.data["cancelResponse"]["code"] == -2039


def test_a_replace_beyond_the_order_limit(desk):
    row = desk.limit("BUY", "1", "100")
    limited = ApiError(-1015, "Too many new orders.", status=429)
    asked = replace(desk, "STOP_ON_FAILURE", row["orderId"])
    endpoint, ask = desk.request("POST order/cancelReplace", **asked)
    assert endpoint.over(ask, limited) is limited
    _, ask = desk.request("POST order/cancelReplace", orderRateLimitExceededMode="CANCEL_ONLY", **asked)
    error = endpoint.over(ask, limited)
    assert (error.status, error.code) == (429, -2021)
    assert error.data["newOrderResponse"]["code"] == -1015
    assert desk.order(row).status is OrderStatus.CANCELLED
    _, ask = desk.request("POST order/cancelReplace", orderRateLimitExceededMode="CANCEL_ONLY", **asked)
    assert endpoint.over(ask, limited) is limited


# Amend.


def test_amend(desk):
    row = desk.limit("BUY", "5", "100", newClientOrderId="one")
    number = row["orderId"]
    call = "PUT order/amend/keepPriority"
    answer = desk.ask(call, symbol="BTCUSDT", orderId=number, newQty="4", newClientOrderId="two")
    amended = answer["amendedOrder"]
    assert (amended["origClientOrderId"], amended["clientOrderId"], amended["qty"]) == (
        "one",
        "two",
        "4.00000000",
    )
    report = desk.reports()[-1]
    assert (report["x"], report["X"], report["c"], report["C"], report["q"]) == (
        "REPLACED", "NEW", "two", "one", "4.00000000",
    )  # fmt: skip
    assert answer["executionId"] == report["I"]
    again = desk.ask(call, symbol="BTCUSDT", origClientOrderId="two", newQty="3")
    history = desk.ask("GET order/amendments", symbol="BTCUSDT", orderId=number)
    assert [(each["origQty"], each["newQty"]) for each in history] == [
        ("5.00000000", "4.00000000"), ("4.00000000", "3.00000000"),
    ]  # fmt: skip
    assert history[0]["newClientOrderId"] == "two"
    assert history[1]["newClientOrderId"] == again["amendedOrder"]["clientOrderId"]
    assert set(history[0]) == {
        "symbol",
        "orderId",
        "executionId",
        "origClientOrderId",
        "newClientOrderId",
        "origQty",
        "newQty",
        "time",
    }
    later = desk.ask(
        "GET order/amendments", symbol="BTCUSDT", orderId=number, fromExecutionId=history[1]["executionId"]
    )
    assert later == history[1:]
    desk.check_order(desk.ask("GET order", symbol="BTCUSDT", orderId=number), desk.order(row))
    kept = desk.ask(
        call,
        symbol="BTCUSDT",
        orderId=number,
        newQty="2",
        newClientOrderId=again["amendedOrder"]["clientOrderId"],
    )
    assert kept["amendedOrder"]["clientOrderId"] == kept["amendedOrder"]["origClientOrderId"]
    desk.check_account()


def test_amends_that_are_refused(desk):
    row = desk.limit("BUY", "5", "100", newClientOrderId="one")
    desk.limit("BUY", "5", "99", newClientOrderId="other")
    call, named = "PUT order/amend/keepPriority", {"symbol": "BTCUSDT", "orderId": row["orderId"]}
    increase = "Order amend (quantity increase) is not supported."
    desk.fails(call, -2038, increase, newQty="6", **named)
    desk.fails(call, -2038, "The requested action would change no state; rejecting.", newQty="5", **named)
    desk.fails(call, -2038, "Duplicate order sent.", newQty="4", newClientOrderId="other", **named)
    desk.fails(call, -2038, "Unknown order sent.", newQty="4", symbol="BTCUSDT", orderId=99)
    desk.fails(call, -1013, "Filter failure: LOT_SIZE", newQty="4.0001", **named)
    desk.fails(call, -1013, "Filter failure: NOTIONAL", newQty="0.001", **named)
    desk.fails(call, -1013, "Invalid newQty.", newQty="0", **named)
    desk.fails(call, -1102, newQty="4", symbol="BTCUSDT")
    desk.fails(call, -2039, newQty="4", origClientOrderId="other", **named)
    desk.limit("SELL", "3", "100", "b")
    desk.fails(call, -2038, "The request to amend an order has been rejected.", newQty="2", **named)
    desk.limit("SELL", "2", "100", "b")
    desk.fails(call, -2038, "Unknown order sent.", newQty="1", **named)


def test_amends_are_counted(make_desk, settings):
    desk = make_desk(settings=type(settings)(most_amends=1))
    row = desk.limit("BUY", "5", "100")
    call, named = "PUT order/amend/keepPriority", {"symbol": "BTCUSDT", "orderId": row["orderId"]}
    desk.ask(call, newQty="4", **named)
    desk.fails(call, -2038, "Filter failure: MAX_NUM_ORDER_AMENDS", newQty="3", **named)


# Self-trade prevention.


@pytest.mark.parametrize("mode", ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"])
def test_self_trade_prevention(desk, mode):
    worse = desk.limit("SELL", "1", "101")
    maker = desk.limit("SELL", "2", "100")
    before = len(desk.told["a"])
    row = desk.limit("BUY", "3", "100", selfTradePreventionMode=mode)
    prevented = [each for each in desk.reports(since=before) if each["x"] == "TRADE_PREVENTION"]
    taker_hit, maker_hit = mode != "EXPIRE_MAKER", mode != "EXPIRE_TAKER"
    assert [each["i"] for each in prevented] == [maker["orderId"]] * maker_hit + [row["orderId"]] * taker_hit
    [match] = desk.ask("GET myPreventedMatches", symbol="BTCUSDT", orderId=row["orderId"])
    assert (match["takerOrderId"], match["makerOrderId"]) == (row["orderId"], maker["orderId"])
    assert (match["price"], match["selfTradePreventionMode"]) == ("100.00000000", mode)
    cut = "2.00000000" if mode == "DECREMENT" else "3.00000000"
    assert match.get("takerPreventedQuantity") == (cut if taker_hit else None)
    assert match.get("makerPreventedQuantity") == ("2.00000000" if maker_hit else None)
    for report in prevented:
        assert report["v"] == match["preventedMatchId"]
        assert report["B"] == report["A"] == report["pl"]
        assert (report["pL"], report["u"], report["Cs"]) == ("100.00000000", -1, "BTCUSDT")
        other = row if report["i"] == maker["orderId"] else maker
        assert report["U"] == other["orderId"]
        order = desk.engine.order("a", desk.order(row).instrument, order_id=str(report["i"]))
        desk.check_order(report, order)
    if maker_hit:
        [shown] = row["preventedMatches"]
        assert shown.items() <= match.items()
        assert shown["makerOrderId"] == maker["orderId"]
        assert "symbol" not in shown
        queried = desk.ask("GET order", symbol="BTCUSDT", orderId=maker["orderId"])
        assert (queried["status"], queried["preventedQuantity"]) == ("EXPIRED_IN_MATCH", "2.00000000")
        assert queried["preventedMatchId"] == match["preventedMatchId"]
    assert desk.order(worse).is_open
    named = {"symbol": "BTCUSDT", "preventedMatchId": match["preventedMatchId"]}
    assert desk.ask("GET myPreventedMatches", **named) == [match]
    desk.check_account()


def test_prevention_that_is_not_allowed(desk):
    desk.fails(
        "POST order", -1013, "This symbol does not allow the specified self-trade prevention mode.",
        symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1", selfTradePreventionMode="TRANSFER",
    )  # fmt: skip


# What is kept is bounded.


def test_what_is_forgotten_is_shown_without_labels(make_desk):
    desk = make_desk(keep=3)
    first = desk.limit("BUY", "1", "50", strategyId=1)
    rest = [desk.limit("BUY", "1", "50", strategyId=1) for _ in range(3)]
    queried = desk.ask("GET order", symbol="BTCUSDT", orderId=first["orderId"])
    assert "strategyId" not in queried
    assert queried["isWorking"] is True
    desk.check_order(queried, desk.order(first))
    desk.ask("DELETE order", symbol="BTCUSDT", orderId=first["orderId"])
    assert desk.reports()[-1]["W"] == first["workingTime"]
    assert desk.ask("GET order", symbol="BTCUSDT", orderId=rest[-1]["orderId"])["strategyId"] == 1
    for _ in range(5):
        maker = desk.limit("SELL", "1", "60")
        desk.limit("BUY", "1", "60", selfTradePreventionMode="EXPIRE_MAKER")
        assert desk.order(maker).status is OrderStatus.EXPIRED_IN_MATCH
        desk.ask("DELETE openOrders", symbol="BTCUSDT")
    assert len(desk.wire._events._memory.prevented("a")) == 3
    oco = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110",
        "belowType": "STOP_LOSS", "belowStopPrice": "40",
    }  # fmt: skip
    ids = [desk.ask("POST orderList/oco", **oco)["orderListId"] for _ in range(5)]
    assert [each["orderListId"] for each in desk.ask("GET allOrderList")] == ids[-3:]
