"""What the sandbox answers has the names and JSON types of what was recorded.

TOUCAN_CAPTURES says where the recorded frames are.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from toucan_execution.testing.sandbox.errors import ApiError

FRAMES = Path(os.environ.get("TOUCAN_CAPTURES", "/nowhere")) / "frames" / "binance-spot"

pytestmark = pytest.mark.skipif(not FRAMES.is_dir(), reason="TOUCAN_CAPTURES names no folder with frames")

NEWER = {
    "origQuoteOrderQty", "selfTradePreventionMode", "workingTime", "transactTime", "orderListId", "W", "V",
    "commissionRates", "brokered", "requireSelfTradePrevention", "preventSor", "permissions", "uid",
    "fills", "expiryReason", "makerSymbol",
}  # fmt: skip
"""Fields that older recordings do not have, or that those of a cancel-replace's docs left out."""
NOT_SPOT = {"isIsolated"}
"""Fields of margin accounts, whose recordings stand among those of spot."""
CONDITIONAL = {
    "stopPrice",
    "icebergQty",
    "d",
    "D",
    "j",
    "J",
    "v",
    "A",
    "B",
    "u",
    "U",
    "Cs",
    "pl",
    "pL",
    "pY",
    "b",
    "a",
    "k",
    "uS",
    "W",
}
"""Fields that are there where they apply: the documentation's sample shows them all at once."""
QUOTED_ID = {"orderId"}
"""Margin orders quote their ids."""
NULL = type(None)


def frames(name):
    """Return the recorded bodies of a channel, unwrapped."""
    found = []
    for path in sorted(FRAMES.glob("*.jsonl")):
        if re.fullmatch(rf"{re.escape(name)}(\.docs|\.fixture)?\.jsonl", path.name):
            for line in path.read_text().splitlines():
                body = json.loads(line)
                for key in ("result", "error", "event", "data"):
                    if isinstance(body, dict) and key in body and ("id" in body or key in ("event", "data")):
                        if key == "data" and "stream" not in body:
                            continue
                        body = body[key]
                found.append(body)
    assert found, name
    return found


def compare(mine, theirs, where, missing=frozenset(), extra=frozenset()):
    """Fail where a recorded field is not here, or of another type, or one is here that never was there."""
    if isinstance(theirs, list):
        assert isinstance(mine, list), where
        if mine and theirs:
            compare(mine[0], theirs[0], f"{where}[]", missing, extra)
        return
    if not isinstance(theirs, dict):
        kinds = {type(mine), type(theirs)}
        assert len(kinds) == 1 or NULL in kinds, (where, mine, theirs)
        if isinstance(mine, str) and re.fullmatch(r"-?[0-9]+\.[0-9]+", mine):
            assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", theirs), where
        return
    lacking = set(theirs) - set(mine) - NOT_SPOT - CONDITIONAL - missing
    assert not lacking, (where, lacking)
    more = set(mine) - set(theirs) - NEWER - CONDITIONAL - extra
    assert not more, (where, more)
    for name in set(mine) & set(theirs):
        if name in QUOTED_ID and isinstance(theirs[name], str):
            continue
        compare(mine[name], theirs[name], f"{where}.{name}", missing, extra)


@pytest.fixture
def trading(desk):
    desk.book(bids=[(99, 50)], asks=[(101, 50)])
    desk.trade(100)
    return desk


def limit(**more):
    return {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "90",
        **more,
    }


OCO = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110",
    "belowType": "STOP_LOSS_LIMIT", "belowPrice": "89", "belowStopPrice": "90", "belowTimeInForce": "GTC",
}  # fmt: skip
OTOCO = {
    "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "95",
    "workingQuantity": "1", "workingTimeInForce": "GTC", "pendingSide": "SELL", "pendingQuantity": "1",
    "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "120", "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "80",
}  # fmt: skip


def test_accounts(trading):
    for name in ("rest.account", "wsapi.account", "wsapi.account_information"):
        for frame in frames(name):
            compare(trading.ask("GET account"), frame, name)
    for frame in frames("wsapi.account_commission_rates"):
        compare(trading.ask("GET account/commission", symbol="BTCUSDT"), frame, "commission")


def test_orders(trading):
    row = trading.ask("POST order", **limit())
    queried = trading.ask("GET order", symbol="BTCUSDT", orderId=row["orderId"])
    ack = trading.ask("POST order", **limit(newOrderRespType="ACK"))
    result = trading.ask("POST order", **limit(newOrderRespType="RESULT"))
    cancelled = trading.ask("DELETE order", symbol="BTCUSDT", orderId=row["orderId"])
    seen = set()
    for frame in frames("rest.order") + frames("wsapi.place_new_order"):
        if "time" in frame:
            kind, mine = "queried", queried
        elif "origClientOrderId" in frame:
            kind, mine = "cancelled", cancelled
        elif "status" in frame:
            kind, mine = "result", result
        else:
            kind, mine = "ack", ack
        seen.add(kind)
        compare(mine, frame, kind)
    assert seen == {"queried", "cancelled", "result", "ack"}
    for frame in frames("wsapi.cancel_order"):
        if "orderListId" in frame and "orders" not in frame:
            compare(cancelled, frame, "cancelled")


def test_many_orders(trading):
    trading.ask("POST order", **limit())
    listed = trading.ask("GET openOrders", symbol="BTCUSDT")
    everything = trading.ask("GET allOrders", symbol="BTCUSDT")
    cancelled = trading.ask("DELETE openOrders", symbol="BTCUSDT")
    for frame in frames("rest.orders") + frames("wsapi.cancel_open_orders"):
        if "origClientOrderId" in frame[0]:
            compare(cancelled, frame, "cancelled")
        else:
            compare(listed, frame, "open")
            compare(everything, frame, "all")
    for frame in frames("wsapi.trades"):
        assert trading.ask("GET myTrades", symbol="BTCUSDT") == frame == []
    trading.ask("POST order", **limit(price="101"))
    for frame in frames("rest.myTrades"):
        compare(trading.ask("GET myTrades", symbol="BTCUSDT"), frame, "trades")


def test_lists(trading):
    oco = trading.ask("POST orderList/oco", **OCO)
    otoco = trading.ask("POST orderList/otoco", **OTOCO)
    queried = trading.ask("GET orderList", orderListId=oco["orderListId"])
    cancelled = trading.ask("DELETE orderList", symbol="BTCUSDT", orderListId=oco["orderListId"])
    names = (
        "rest.orderList", "wsapi.place_new_order_list_-_oco", "wsapi.place_new_order_list_-_oto",
        "wsapi.place_new_oco_-_deprecated", "wsapi.cancel_order",
    )  # fmt: skip
    seen = set()
    for frame in (each for name in names for each in frames(name)):
        if "contingencyType" not in frame:
            continue
        if "orderReports" not in frame:
            kind, mine = "queried", queried
        elif "origClientOrderId" in frame["orderReports"][0]:
            kind, mine = "cancelled", cancelled
        else:
            kind, mine = "placed", otoco if frame["contingencyType"] == "OTO" else oco
        seen.add(kind)
        compare(mine, frame, kind)
        if kind == "placed" and frame["contingencyType"] == "OTO":
            for mine_report, theirs in zip(mine["orderReports"], frame["orderReports"], strict=False):
                bought = "origQty" not in theirs  # an OPO list's, whose quantity nobody knows yet
                compare(mine_report, theirs, "report", extra={"origQty"} if bought else frozenset())
    assert seen == {"queried", "cancelled", "placed"}
    for frame in frames("rest.orderLists") + frames("wsapi.current_open_order_lists"):
        compare(trading.ask("GET openOrderList"), frame, "open lists")


def test_replacing_and_amending(trading):
    row = trading.ask("POST order", **limit())
    call = "POST order/cancelReplace"
    asked = limit(cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=row["orderId"], price="91")
    replaced = trading.ask(call, **asked)
    for frame in frames("wsapi.cancel_and_replace_order"):
        compare(replaced, frame, "replaced")
    errors = [
        each for each in frames("rest.error") + frames("wsapi.error") if each.get("code") in (-2021, -2022)
    ]
    assert len(errors) == 4
    for frame in errors:
        stops = frame["data"]["newOrderResult"] == "NOT_ATTEMPTED"
        placed = frame["data"]["newOrderResult"] == "SUCCESS"
        more = {"type": "LIMIT" if placed else "LIMIT_MAKER", "price": "91" if placed else "102"}
        if not placed:
            more["timeInForce"] = ""
        if placed and "status" not in frame["data"]["newOrderResponse"]:
            more["newOrderRespType"] = "ACK"
        asked = limit(
            cancelReplaceMode="STOP_ON_FAILURE" if stops else "ALLOW_FAILURE", cancelOrderId=999, **more
        )
        with pytest.raises(ApiError) as caught:
            trading.ask(call, **asked)
        compare(json.loads(json.dumps(caught.value.body())), frame, "error")
        assert caught.value.code == frame["code"]
        assert caught.value.text == frame["msg"]
    order = replaced["newOrderResponse"]["orderId"]
    amended = trading.ask("PUT order/amend/keepPriority", symbol="BTCUSDT", orderId=order, newQty="0.5")
    for frame in frames("rest.order_amend_keep_priority") + frames("wsapi.order_amend_keep_priority"):
        compare(amended, frame, "amended")
    history = trading.ask("GET order/amendments", symbol="BTCUSDT", orderId=order)
    for frame in frames("rest.query_order_amendments") + frames("wsapi.query_order_amendments"):
        compare(history, frame, "amendments")


def test_what_tests_and_limits_answer(trading):
    rates = trading.ask("POST order/test", computeCommissionRates="true", **limit())
    for frame in frames("rest.test_new_order") + frames("wsapi.test_new_order"):
        compare(rates, frame, "test")
    asked = {name: value for name, value in limit().items() if name != "timeInForce"}
    sor = trading.ask("POST sor/order/test", timeInForce="GTC", computeCommissionRates="true", **asked)
    for frame in frames("rest.test_new_order_using_sor"):
        compare(sor, frame, "sor")
    for frame in frames("rest.query_unfilled_order_count"):
        compare(trading.ask("GET rateLimit/order"), frame, "counts")
    filters = trading.ask("GET myFilters", symbol="BTCUSDT")
    for frame in frames("rest.query_relevant_filters"):
        assert set(filters) == set(frame)


def test_events(trading):
    trading.limit("BUY", "1", "101")
    trading.place("BUY", quantity="1", price="90")
    trading.ask("DELETE openOrders", symbol="BTCUSDT")
    trading.engine.deposit("a", "BTC", 1, trading.tick())
    trading.ask("POST orderList/oco", **OCO)
    reports = {each["x"]: each for each in trading.reports()}
    seen = set()
    for frame in frames("user.executionReport"):
        seen.add(frame["x"])
        compare(reports[frame["x"]], frame, frame["x"])
    assert seen == {"NEW", "TRADE", "CANCELED"}
    for name in ("listStatus", "outboundAccountPosition", "balanceUpdate"):
        for frame in frames(f"user.{name}"):
            compare(trading.reports(kind=name)[-1], frame, name)
