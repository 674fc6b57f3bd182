"""What spot has on top: lists, cancel-replace, tests of orders; and histories."""

import json
from decimal import Decimal

import msgspec
import pytest

from toucan_execution.errors import Incomplete
from toucan_execution.events import OrderListUpdate
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    OrderListRequest,
    OrderRequest,
    OrderStatus,
    OrderType,
)
from toucan_execution.outcome import Accepted, Reason, Rejected, Route, Unknown
from toucan_instrument import Side
from toucan_instrument.errors import InvalidInput
from toucan_instrument.rest import Response

D = Decimal
REPLACE = ("POST", "/api/v3/order/cancelReplace")
OCO = ("POST", "/api/v3/orderList/oco")


async def order_of(stage, **changes):
    catalogue = await stage.client.instruments()
    fields = {"side": Side.BUY, "type": OrderType.LIMIT, "quantity": D(2), "price": D("1000.0")}
    return OrderRequest(instrument=catalogue["BTC/USDT"], **fields | changes)


async def replaced(stage, *, stop=True):
    """Place an order, and say what would replace it."""
    placed = await stage.client.place_order(await order_of(stage))
    await stage.idle()
    cancel = CancelRequest(instrument=placed.order.instrument, client_order_id=placed.client_order_id)
    place = await order_of(stage, price=D("1001.00"))
    return CancelReplaceRequest(cancel=cancel, place=place, stop_on_failure=stop)


def halves(cancel, place, cancelled=None, made=None):
    return {
        "cancelResult": cancel,
        "newOrderResult": place,
        "cancelResponse": cancelled,
        "newOrderResponse": made,
    }


GONE = {"code": -2011, "msg": "Unknown order sent."}
POOR = {"code": -2010, "msg": "Account has insufficient balance for requested action."}


async def test_a_replacement_has_an_outcome_for_each_half(stage_of):
    async with stage_of() as stage:
        request = await replaced(stage)
        venue, name = stage.venue, request.cancel.client_order_id
        stage.venue.streaming = False

        def answer(asked):
            new = dict(pair.split("=") for pair in asked.body.decode().split("&"))
            old = venue.close(venue.orders[name], "CANCELED", "CANCELED") | {"origClientOrderId": name}
            return halves("SUCCESS", "SUCCESS", old, venue.open(new, new["newClientOrderId"]))

        answering(stage, answer)
        outcome = await stage.client.cancel_replace(request)
        assert isinstance(outcome.cancel, Accepted)
        assert isinstance(outcome.place, Accepted)
        assert outcome.cancel.order.status is OrderStatus.CANCELLED
        assert [each.price for each in stage.client.account.open_orders()] == [D("1001.00")]


def answering(stage, answer):
    """Answer cancel-replace by a function."""
    stage.venue.network.on(*REPLACE, lambda asked: Response(200, {}, json.dumps(answer(asked)).encode()))


@pytest.mark.parametrize(
    ("status", "code", "data", "expected"),
    [
        (400, -2022, halves("FAILURE", "NOT_ATTEMPTED", GONE), (Reason.UNKNOWN_ORDER, Reason.NOT_ATTEMPTED)),
        (409, -2021, halves("FAILURE", "SUCCESS", GONE, "made"), (Reason.UNKNOWN_ORDER, None)),
        (409, -2021, halves("SUCCESS", "FAILURE", "done", POOR), (None, Reason.INSUFFICIENT_BALANCE)),
        (400, -2022, halves("FAILURE", "FAILURE", GONE, POOR),
         (Reason.UNKNOWN_ORDER, Reason.INSUFFICIENT_BALANCE)),
    ],
)  # fmt: skip
async def test_a_replacement_of_which_a_half_fails(stage_of, status, code, data, expected):
    async with stage_of() as stage:
        request = await replaced(stage, stop=False)
        name = request.cancel.client_order_id
        new = "bot-new"
        request = CancelReplaceRequest(
            cancel=request.cancel, place=await order_of(stage, client_order_id=new), stop_on_failure=False
        )
        order = dict(stage.venue.orders[name])
        done = order | {"status": "CANCELED", "origClientOrderId": name, "clientOrderId": "the-cancel"}
        made = order | {"orderId": 999, "clientOrderId": new, "fills": []}
        data = {key: {"done": done, "made": made}.get(value, value) if isinstance(value, str) else value
                for key, value in data.items()}  # fmt: skip
        stage.venue.faults[REPLACE] = [
            (status, {"code": code, "msg": "Order cancel-replace failed.", "data": data})
        ]
        outcome = await stage.client.cancel_replace(request)
        for half, reason in zip((outcome.cancel, outcome.place), expected, strict=True):
            assert isinstance(half, Accepted if reason is None else Rejected), half
            assert reason is None or half.reason is reason
        open_ids = {each.client_order_id for each in stage.client.account.open_orders()}
        assert open_ids == ({name} if expected[0] else set()) | (set() if expected[1] else {new})


async def test_a_replacement_that_got_no_answer_is_unknown_in_both_halves_and_settled(stage_of):
    async with stage_of() as stage:
        request = await replaced(stage)
        stage.venue.faults[REPLACE] = ["never"]
        outcome = await stage.client.cancel_replace(request)
        assert [type(each) for each in (outcome.cancel, outcome.place)] == [Unknown, Unknown]
        assert len(stage.client.unknown) == 2
        cancel = await stage.client.settle(outcome.cancel, 120)
        place = await stage.client.settle(outcome.place, 120)
        assert (cancel.retryable, place.reason) == (True, Reason.NEVER_MADE)
        assert [each.status for each in stage.client.account.open_orders()] == [OrderStatus.OPEN]


async def test_a_replacement_that_breaks_a_rule_cancels_nothing(stage_of):
    async with stage_of() as stage:
        request = await replaced(stage)
        wrong = CancelReplaceRequest(cancel=request.cancel, place=await order_of(stage, price=D("1000.001")))
        outcome = await stage.client.cancel_replace(wrong)
        assert (outcome.place.reason, outcome.cancel.reason) == (Reason.FILTER, Reason.NOT_ATTEMPTED)
        assert not any("cancelReplace" in name for name, _ in stage.venue.calls)


# Lists.


async def oco_of(stage):
    above = await order_of(stage, side=Side.SELL, price=D("1100.00"), post_only=True)
    below = await order_of(
        stage, side=Side.SELL, type=OrderType.STOP_LIMIT, price=D("900.00"), trigger_price=D("901.00")
    )
    return OrderListRequest(instrument=above.instrument, kind=ListKind.OCO, orders=(above, below))


def listed(stage, request, status="EXECUTING"):
    names = [name for name in stage.venue.orders if name in request]
    return {
        "orderListId": 5,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED",
        "listOrderStatus": status,
        "listClientOrderId": "the-list",
        "transactionTime": stage.venue.now_ms,
        "symbol": "BTCUSDT",
        "orders": [
            {"symbol": "BTCUSDT", "orderId": stage.venue.orders[name]["orderId"], "clientOrderId": name}
            for name in names
        ],
        "orderReports": [stage.venue.orders[name] | {"orderListId": 5} for name in names],
    }


async def test_a_list_is_placed_and_cancelled(stage_of):
    async with stage_of() as stage:
        request = await oco_of(stage)
        names = ("bot-above", "bot-below")
        for name, price in zip(names, ("1100", "900"), strict=True):
            row = {"symbol": "BTCUSDT", "quantity": "2", "price": price, "type": "LIMIT", "side": "SELL"}
            stage.venue.streaming = False
            stage.venue.open(row, name)
        legs = tuple(
            msgspec.structs.replace(leg, client_order_id=name)
            for leg, name in zip(request.orders, names, strict=True)
        )
        request = OrderListRequest(
            instrument=request.instrument, kind=ListKind.OCO, orders=legs, client_list_id="the-list"
        )
        stage.venue.faults[OCO] = [(200, listed(stage, names))]
        outcome = await stage.client.place_order_list(request)
        assert isinstance(outcome, Accepted)
        assert outcome.order_list.list_id == "5"
        assert {each.client_order_id for each in stage.client.account.open_orders()} == set(names)
        for name in names:
            stage.venue.close(stage.venue.orders[name], "CANCELED", "CANCELED")
        said = listed(stage, names, "ALL_DONE")
        stage.venue.faults["DELETE", "/api/v3/orderList"] = [(200, said)]
        cancelled = await stage.client.cancel_order_list(request.instrument, client_list_id="the-list")
        assert isinstance(cancelled, Accepted)
        assert stage.client.account.open_orders() == ()
        await stage.idle()
        assert [event.order_list.status for event in stage.of(OrderListUpdate)] == ["EXECUTING", "ALL_DONE"]


async def test_a_list_that_got_no_answer_is_settled_as_a_whole(stage_of):
    async with stage_of() as stage:
        stage.venue.faults[OCO] = ["never"]
        outcome = await stage.client.place_order_list(await oco_of(stage))
        assert isinstance(outcome, Unknown)
        assert len(stage.client.account.open_orders()) == 2
        settled = await stage.client.settle(outcome, 300)
        assert settled.reason is Reason.NEVER_MADE
        assert stage.client.account.open_orders() == ()


async def test_a_list_that_breaks_a_rule_is_not_sent(stage_of):
    async with stage_of() as stage:
        request = await oco_of(stage)
        for wrong in ({"orders": request.orders[:1]}, {"kind": ListKind.UNKNOWN}):
            with pytest.raises(InvalidInput):
                await stage.client.place_order_list(msgspec.structs.replace(request, **wrong))
        off_tick = msgspec.structs.replace(request.orders[1], price=D("899.999"))
        broken = msgspec.structs.replace(request, orders=(request.orders[0], off_tick))
        outcome = await stage.client.place_order_list(broken)
        assert (outcome.reason, outcome.sent) == (Reason.FILTER, False)
        assert isinstance(outcome.intent, OrderListRequest)
        assert not any("orderList" in name for name, _ in stage.venue.calls)
        assert stage.client.account.open_orders() == ()


async def test_open_lists_are_fetched(stage_of):
    async with stage_of() as stage:
        stage.venue.faults["GET", "/api/v3/openOrderList"] = [(200, [listed(stage, ())])]
        [found] = await stage.client.fetch_open_order_lists()
        assert (found.kind, found.status) == (ListKind.OCO, "EXECUTING")


# Tests of orders, amendments.


@pytest.mark.parametrize("over", ["rest", "websocket"])
async def test_an_order_is_tested_and_nothing_is_noted(stage_of, over):
    async with stage_of(orders_over=over) as stage:
        stage.venue.faults["POST", "/api/v3/order/test"] = [(200, {}), (400, POOR), "never"]
        apply_ws = stage.venue.apply_ws
        answers = [(200, {}), (400, POOR), (503, {"code": -1007, "msg": "x"})]
        stage.venue.apply_ws = lambda method, params: (
            answers.pop(0) if method == "order.test" else apply_ws(method, params)
        )
        good, poor, lost = [await stage.client.test_order(await order_of(stage)) for _ in range(3)]
        assert isinstance(good, Accepted)
        assert good.route is Route(over)
        assert poor.reason is Reason.INSUFFICIENT_BALANCE
        assert lost.reason is Reason.UNAVAILABLE  # there is nothing to find out
        wrong = await stage.client.test_order(await order_of(stage, price=D("0.001")))
        assert (wrong.reason, wrong.sent) == (Reason.FILTER, False)
        assert stage.client.account.open_orders() == ()
        assert stage.client.unknown == ()


async def test_an_amendment_that_keeps_its_place(stage_of):
    async with stage_of() as stage:
        placed = await stage.client.place_order(await order_of(stage))
        await stage.idle()
        name, instrument = placed.client_order_id, placed.order.instrument
        amended = stage.venue.orders[name] | {"qty": "1", "origQty": "1", "status": "NEW"}
        body = {"transactTime": stage.venue.now_ms, "executionId": 9, "amendedOrder": amended}
        stage.venue.faults["PUT", "/api/v3/order/amend/keepPriority"] = [(200, body)]
        request = AmendRequest(instrument=instrument, client_order_id=name, quantity=D(1))
        assert isinstance(await stage.client.amend_order(request), Accepted)
        assert stage.client.account.order(name).quantity == D(1)
        for wrong in ({"price": D(5)}, {"quantity": D(3)}, {"quantity": 0.5}):
            with pytest.raises(InvalidInput):
                await stage.client.amend_order(
                    AmendRequest(instrument=instrument, client_order_id=name, **wrong)
                )


# Histories.


async def test_fills_are_fetched_to_the_end_or_it_is_said_where_that_is(stage_of):
    async with stage_of() as stage:
        placed = await stage.client.place_order(await order_of(stage))
        begun = stage.venue.now_ms - 4 * 86_400_000
        for day in range(4):
            stage.venue.fill(placed.client_order_id, "0.5")["time"] = begun + day * 86_400_000
        instrument = placed.order.instrument
        since = (begun - 1_000) * 1_000_000
        fills = await stage.client.fetch_trades(instrument, since)
        assert [fill.trade_id for fill in fills] == ["501", "502", "503", "504"]
        ok = stage.venue.apply(
            "GET", "/api/v3/myTrades", {"symbol": "BTCUSDT", "endTime": str(begun + 86_000_000)}
        )
        stage.venue.faults["GET", "/api/v3/myTrades"] = [ok, (500, {})]
        with pytest.raises(Incomplete) as caught:
            await stage.client.fetch_trades(instrument, since)
        assert [fill.trade_id for fill in caught.value.got] == ["501"]
        assert caught.value.stopped_at_ns > since
