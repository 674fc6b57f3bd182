from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.client.binance.endpoints import OPERATIONS, Op
from toucan_execution.errors import (
    Incomplete,
    InsufficientBalance,
    OrderRejected,
    UnknownOrder,
    WouldTakeLiquidity,
)
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
from toucan_execution.venue import Feature, VerdictKind
from toucan_instrument import Exchange, InvalidInput, PayloadError, RequestFailed, Side, UnsupportedKind
from toucan_instrument.link import Lane
from toucan_instrument.timestamps import from_ms

D = Decimal

DAY_MS = 86_400_000
START_MS = 1_700_000_000_000
UNKNOWN_ORDER = {"code": -2011, "msg": "Unknown order sent."}
ACCOUNT = {
    "canTrade": True,
    "updateTime": 1700000000000,
    "accountType": "SPOT",
    "balances": [
        {"asset": "BTC", "free": "1.50000000", "locked": "0.50000000"},
        {"asset": "USDT", "free": "0.00000000", "locked": "0.00000000"},
    ],
}


@pytest.fixture
def eth(kit):
    return kit.spot.instrument_of("ETHBTC")


def limit(instrument, **fields):
    fields = {"quantity": D(2), "price": D("0.05"), "client_order_id": "mine-1"} | fields
    return OrderRequest(instrument=instrument, side=Side.BUY, type=OrderType.LIMIT, **fields)


def stop(instrument, **fields):
    fields = {"quantity": D(2), "trigger_price": D("0.04"), "client_order_id": "mine-2"} | fields
    return OrderRequest(instrument=instrument, side=Side.SELL, type=OrderType.STOP_MARKET, **fields)


def test_a_snapshot_is_the_account_and_its_open_orders(kit, sample):
    talk = kit.talk(kit.spot, kit.spot.snapshot(), [ACCOUNT, [sample.spot_order]])
    assert talk.paths == [("GET", "/api/v3/account"), ("GET", "/api/v3/openOrders")]
    assert [call.weight for call in talk.calls] == [20, 80]
    assert dict(talk.calls[0].params) == {"omitZeroBalances": True}
    snapshot = talk.result
    assert [(each.asset, each.total) for each in snapshot.balances] == [("BTC", D(2))]
    assert [each.client_order_id for each in snapshot.open_orders] == ["mine-1"]
    assert (snapshot.can_trade, snapshot.account_type) == (True, "SPOT")
    assert (snapshot.positions, snapshot.position_mode) == ((), None)
    assert snapshot.time_received == kit.now


def test_balances_and_open_orders(kit, eth, sample):
    assert [each.asset for each in kit.talk(kit.spot, kit.spot.balances(), [ACCOUNT]).result] == ["BTC"]
    talk = kit.talk(kit.spot, kit.spot.open_orders(eth), [[sample.spot_order]])
    assert (talk.calls[0].weight, dict(talk.calls[0].params)) == (6, {"symbol": "ETHBTC"})
    assert talk.result[0].order_id == "77"
    assert next(kit.spot.open_orders()).weight == 80


def test_an_order_by_either_id(kit, eth, sample):
    talk = kit.talk(kit.spot, kit.spot.order(eth, client_order_id="mine-1"), [sample.spot_order])
    assert dict(talk.calls[0].params) == {"symbol": "ETHBTC", "origClientOrderId": "mine-1"}
    assert talk.result.status is OrderStatus.PARTIALLY_FILLED
    talk = kit.talk(kit.spot, kit.spot.order(eth, order_id="77", conditional=True), [sample.spot_order])
    assert dict(talk.calls[0].params) == {"symbol": "ETHBTC", "orderId": 77}
    with pytest.raises(UnknownOrder):
        kit.talk(kit.spot, kit.spot.order(eth, order_id="77"), [(400, {"code": -2013, "msg": "no"})])
    with pytest.raises(InvalidInput):
        kit.spot.order(eth)


def test_positions_and_batches_are_refused(kit, eth):
    for conversation in (
        kit.spot.positions,
        lambda: kit.spot.place_many([limit(eth)]),
        lambda: kit.spot.cancel_many(eth, []),
    ):
        with pytest.raises(UnsupportedKind) as caught:
            conversation()
        assert caught.value.accepted
    assert Feature.POSITIONS not in kit.spot.features


# Placing.


def test_a_placed_order_with_its_fills(kit, eth, sample):
    full = sample.spot_order | {
        "status": "FILLED",
        "transactTime": 1700000000005,
        "fills": [
            {"price": "0.05", "qty": "2", "commission": "0.002", "commissionAsset": "ETH", "tradeId": 56}
        ],
    }
    talk = kit.talk(kit.spot, kit.spot.place(limit(eth)), [full])
    call = talk.calls[0]
    assert (call.method, call.path, call.slots, call.lane) == ("POST", "/api/v3/order", 1, Lane.ORDER)
    assert (call.changes, call.ws_method) == (True, "order.place")
    assert (talk.result.order.order_id, talk.result.order.status) == ("77", OrderStatus.FILLED)
    [fill] = talk.result.fills
    assert (fill.trade_id, fill.fee, fill.fee_asset, fill.time_received) == ("56", D("0.002"), "ETH", kit.now)


def test_an_acknowledged_order_is_described_by_its_request(kit, eth):
    ack = {"symbol": "ETHBTC", "orderId": 28, "orderListId": -1, "clientOrderId": "mine-2", "transactTime": 1}
    talk = kit.talk(kit.spot, kit.spot.place(stop(eth)), [ack])
    assert (talk.result.order.type, talk.result.order.trigger_price) == (OrderType.STOP_MARKET, D("0.04"))


def test_a_refused_order_is_thrown(kit, eth):
    body = {"code": -2010, "msg": "Account has insufficient balance for requested action."}
    with pytest.raises(InsufficientBalance):
        kit.talk(kit.spot, kit.spot.place(limit(eth)), [(400, body)])


def test_an_order_that_cannot_be_is_never_a_call(kit, eth):
    for ask in (kit.spot.place, kit.spot.test):
        with pytest.raises(InvalidInput) as caught:
            ask(limit(eth, price=None))
        assert caught.value.field == "price"


def test_an_answer_that_cannot_be_read_is_a_payload_error(kit, eth):
    call = next(kit.spot.place(limit(eth)))
    with pytest.raises(PayloadError):
        call.decode(b'{"symbol":"ETHBTC"}', 0)


def test_a_test_places_nothing(kit, eth):
    talk = kit.talk(kit.spot, kit.spot.test(limit(eth)), [{}])
    assert talk.paths == [("POST", "/api/v3/order/test")]
    assert (talk.calls[0].changes, talk.calls[0].slots, talk.result) == (False, 0, None)


def test_an_amended_order(kit, eth, sample):
    change = AmendRequest(instrument=eth, client_order_id="mine-1", quantity=D(1))
    amended = {key: value for key, value in sample.spot_order.items() if key != "origQty"} | {"qty": "1.0"}
    talk = kit.talk(
        kit.spot,
        kit.spot.amend(change, None),
        [{"transactTime": 1700000000005, "executionId": 75, "amendedOrder": amended}],
    )
    assert talk.paths == [("PUT", "/api/v3/order/amend/keepPriority")]
    assert (talk.calls[0].weight, talk.calls[0].slots) == (4, 0)
    assert talk.result.order.quantity == D("1.0")


# Cancelling.


def test_a_cancelled_order_has_its_own_id(kit, eth, sample):
    answer = sample.spot_order | {
        "origClientOrderId": "mine-1",
        "clientOrderId": "of-the-cancel",
        "status": "CANCELED",
    }
    cancel = CancelRequest(instrument=eth, client_order_id="mine-1")
    talk = kit.talk(kit.spot, kit.spot.cancel(cancel, None), [answer])
    assert (talk.calls[0].lane, talk.calls[0].changes) == (Lane.CANCEL, True)
    assert (talk.result.order.client_order_id, talk.result.order.status) == ("mine-1", OrderStatus.CANCELLED)


LIST = {
    "orderListId": 5,
    "contingencyType": "OCO",
    "listStatusType": "ALL_DONE",
    "listOrderStatus": "ALL_DONE",
    "listClientOrderId": "mine-l",
    "transactionTime": 1700000000005,
    "symbol": "ETHBTC",
    "orders": [
        {"symbol": "ETHBTC", "orderId": 77, "clientOrderId": "mine-1"},
        {"symbol": "ETHBTC", "orderId": 78, "clientOrderId": "mine-2"},
    ],
}


def reports(sample, status):
    first = sample.spot_order | {"status": status}
    return [first, first | {"orderId": 78, "clientOrderId": "mine-2"}]


def test_an_order_of_a_list_takes_its_list_with_it(kit, eth, sample):
    answer = LIST | {"orderReports": reports(sample, "CANCELED")}
    cancel = CancelRequest(instrument=eth, client_order_id="mine-2")
    placed = kit.talk(kit.spot, kit.spot.cancel(cancel, None), [answer]).result
    assert (placed.order.order_id, placed.order.status) == ("78", OrderStatus.CANCELLED)
    assert placed.order_list.list_id == "5"
    by_id = kit.spot.cancel(CancelRequest(instrument=eth, order_id="77"), None)
    assert kit.talk(kit.spot, by_id, [answer]).result.order.client_order_id == "mine-1"


def test_all_orders_of_an_instrument_those_of_lists_too(kit, eth, sample):
    alone = sample.spot_order | {"orderId": 90, "status": "CANCELED"}
    answer = [alone, LIST | {"orderReports": reports(sample, "CANCELED")}]
    talk = kit.talk(kit.spot, kit.spot.cancel_all(eth), [answer])
    assert [order.order_id for order in talk.result] == ["90", "77", "78"]
    assert kit.talk(kit.spot, kit.spot.cancel_all(eth), [(400, UNKNOWN_ORDER)]).result == []


# Lists.


@pytest.mark.parametrize(
    ("kind", "op", "slots"), [(ListKind.OCO, Op.PLACE_OCO, 2), (ListKind.OTO, Op.PLACE_OTO, 2)]
)
def test_a_placed_list(kit, eth, sample, kind, op, slots):
    legs = (limit(eth), stop(eth))
    if kind is ListKind.OCO:
        legs = (
            OrderRequest(
                instrument=eth,
                side=Side.SELL,
                type=OrderType.LIMIT,
                quantity=D(2),
                price=D(1),
                post_only=True,
            ),
            stop(eth),
        )
    wanted = OrderListRequest(instrument=eth, kind=kind, orders=legs, client_list_id="mine-l")
    answer = LIST | {"contingencyType": kind.value.upper(), "orderReports": reports(sample, "NEW")}
    talk = kit.talk(kit.spot, kit.spot.place_list(wanted), [answer])
    call = talk.calls[0]
    assert (call.path, call.slots) == (OPERATIONS[Exchange.BINANCE_SPOT][op].path, slots)
    found = talk.result.order_list
    assert (found.kind, found.order_ids, len(found.orders)) == (kind, ("77", "78"), 2)


def test_a_list_keeps_the_kind_that_was_asked_for(kit, eth):
    # Facts D.1.9: OTOCO, OPO and OPOCO lists report OTO.
    sell = stop(eth, quantity=None)
    wanted = OrderListRequest(instrument=eth, kind=ListKind.OPO, orders=(limit(eth), sell))
    talk = kit.talk(kit.spot, kit.spot.place_list(wanted), [LIST | {"contingencyType": "OTO"}])
    assert talk.paths == [("POST", "/api/v3/orderList/opo")]
    assert talk.result.order_list.kind is ListKind.OPO


# Cancel-replace: four ways (facts D.1.7).


@pytest.fixture
def replace(eth):
    return CancelReplaceRequest(
        cancel=CancelRequest(instrument=eth, client_order_id="mine-0"),
        place=limit(eth, client_order_id="mine-1"),
    )


def halves(sample, cancel, place):
    cancelled = sample.spot_order | {
        "origClientOrderId": "mine-0",
        "clientOrderId": "x",
        "status": "CANCELED",
    }
    return {
        "cancelResult": "SUCCESS" if cancel is None else "FAILURE",
        "newOrderResult": "SUCCESS" if place is None else place.pop("result", "FAILURE"),
        "cancelResponse": cancelled if cancel is None else cancel,
        "newOrderResponse": sample.spot_order if place is None else (place or None),
    }


def test_both_halves_done(kit, replace, sample):
    talk = kit.talk(kit.spot, kit.spot.cancel_replace(replace), [halves(sample, None, None)])
    assert (talk.calls[0].slots, talk.calls[0].path) == (1, "/api/v3/order/cancelReplace")
    assert talk.result.cancel.order.client_order_id == "mine-0"
    assert talk.result.place.order.client_order_id == "mine-1"


def test_cancelled_and_not_replaced(kit, replace, sample):
    data = halves(sample, None, {"code": -2010, "msg": "Order would immediately match and take."})
    body = {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": data}
    replaced = kit.talk(kit.spot, kit.spot.cancel_replace(replace), [(409, body)]).result
    assert replaced.cancel.order.status is OrderStatus.CANCELLED
    assert isinstance(replaced.place, WouldTakeLiquidity)
    assert kit.spot.verdict(replaced.place).kind is VerdictKind.REJECTED


def test_replaced_and_not_cancelled(kit, replace, sample):
    data = halves(sample, dict(UNKNOWN_ORDER), None)
    body = {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": data}
    replaced = kit.talk(kit.spot, kit.spot.cancel_replace(replace), [(409, body)]).result
    assert isinstance(replaced.cancel, UnknownOrder)
    assert replaced.place.order.order_id == "77"


def test_not_even_attempted(kit, replace, sample):
    data = halves(sample, dict(UNKNOWN_ORDER), {"result": "NOT_ATTEMPTED"})
    body = {"code": -2022, "msg": "Order cancel-replace failed.", "data": data}
    replaced = kit.talk(kit.spot, kit.spot.cancel_replace(replace), [(400, body)]).result
    assert isinstance(replaced.cancel, UnknownOrder)
    assert replaced.place is None


def test_a_half_of_which_nobody_knows(kit, replace, sample):
    data = halves(sample, None, {"code": -1007, "msg": "Timeout waiting for response"})
    body = {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": data}
    replaced = kit.talk(kit.spot, kit.spot.cancel_replace(replace), [(409, body)]).result
    assert kit.spot.verdict(replaced.place).kind is VerdictKind.UNKNOWN


def test_a_cancel_replace_that_was_refused_as_a_whole(kit, replace):
    with pytest.raises(OrderRejected):
        kit.talk(kit.spot, kit.spot.cancel_replace(replace), [(400, {"code": -1102, "msg": "x"})])


# Histories.


def trade(number, at_ms):
    return {
        "symbol": "ETHBTC",
        "id": number,
        "orderId": 77,
        "price": "0.05",
        "qty": "0.5",
        "quoteQty": "0.025",
        "commission": "0",
        "commissionAsset": "BNB",
        "time": at_ms,
        "isBuyer": True,
        "isMaker": False,
    }


def serve(rows, page=1_000):
    """Answer like the venue: by id, or by a window of at most a day; at most a page."""

    def answer(call):
        asked = dict(call.params)
        assert asked["limit"] == page
        if "fromId" in asked:
            return [each for each in rows if each["id"] >= asked["fromId"]][:page]
        assert asked["endTime"] - asked["startTime"] < DAY_MS
        return [each for each in rows if asked["startTime"] <= each["time"] <= asked["endTime"]][:page]

    return answer


def test_trades_a_day_at_a_time_then_on_by_id(kit, eth):
    rows = [trade(number, START_MS + 3 * DAY_MS + number * 60_000) for number in range(1, 2_501)]
    since, until = from_ms(START_MS), from_ms(START_MS + 10 * DAY_MS)
    talk = kit.talk(kit.spot, kit.spot.trades(eth, since, until), serve(rows))
    assert [each.trade_id for each in talk.result] == [str(each["id"]) for each in rows]
    assert talk.result[0].time_received == kit.now
    by_id = [dict(call.params) for call in talk.calls if "fromId" in dict(call.params)]
    assert len(by_id) == 2
    assert all("startTime" not in each for each in by_id)  # facts D.1.5: not together


def test_trades_of_a_window_leave_out_what_is_after_it(kit, eth):
    rows = [trade(number, START_MS + number * 3_600_000) for number in range(100)]
    until = from_ms(START_MS + 30 * 3_600_000)
    found = kit.talk(kit.spot, kit.spot.trades(eth, from_ms(START_MS + 1), until), serve(rows)).result
    assert [each.trade_id for each in found] == [str(number) for number in range(1, 31)]


def test_all_trades_there_are_come_by_id(kit, eth):
    rows = [trade(number, START_MS + number) for number in range(5)]
    talk = kit.talk(kit.spot, kit.spot.trades(eth, 0, from_ms(START_MS + 10)), serve(rows))
    assert len(talk.result) == 5
    assert dict(talk.calls[0].params)["fromId"] == 0
    assert len(talk.calls) == 1


def test_trades_from_an_id_on_whatever_their_time(kit, eth):
    rows = [trade(number, START_MS + number) for number in range(2_000)]
    talk = kit.talk(kit.spot, kit.spot.trades(eth, 0, 0, from_id="900"), serve(rows))
    assert [each.trade_id for each in talk.result] == [str(number) for number in range(900, 2_000)]
    assert [dict(call.params)["fromId"] for call in talk.calls] == [900, 1_899]
    with pytest.raises(InvalidInput) as caught:
        kit.spot.trades(eth, 0, 0, from_id="x")
    assert caught.value.field == "from_id"


@pytest.mark.parametrize("by_id", [True, False])
def test_trades_with_oneself_are_two_with_one_id(kit, eth, by_id):
    rows = [trade(number, START_MS) | {"isBuyer": buys} for number in range(1_501) for buys in (True, False)]
    rows = rows[1:]  # so that a page ends between two of one trade
    until = from_ms(START_MS + 1)
    asked = kit.spot.trades(eth, from_ms(START_MS), until, from_id="0" if by_id else "")
    talk = kit.talk(kit.spot, asked, serve(rows))
    assert [(int(each.trade_id), each.side is Side.BUY) for each in talk.result] == [
        (each["id"], each["isBuyer"]) for each in rows
    ]


def test_trades_that_stop_in_the_middle_say_where(kit, eth):
    rows = [trade(number, START_MS + number * 60_000) for number in range(1_500)]
    error = RequestFailed("lost", method="GET", url="u", sent=None)
    asked = []

    def answer(call):
        asked.append(call)
        return error if len(asked) == 4 else serve(rows)(call)

    since, until = from_ms(START_MS), from_ms(START_MS + 2 * DAY_MS)
    with pytest.raises(Incomplete) as caught:
        kit.talk(kit.spot, kit.spot.trades(eth, since, until), answer)
    incomplete = caught.value
    assert incomplete.error is error
    complete = [each for each in rows if from_ms(each["time"]) <= incomplete.stopped_at_ns]
    assert [each.trade_id for each in incomplete.got][: len(complete)] == [
        str(each["id"]) for each in complete
    ]
    assert complete


def test_an_error_at_the_first_page_is_what_it_is(kit, eth):
    with pytest.raises(OrderRejected):
        kit.talk(kit.spot, kit.spot.trades(eth, 0, 0), [(400, {"code": -1121, "msg": "Invalid symbol."})])


def test_orders_a_day_at_a_time(kit, eth, sample):
    rows = [
        sample.spot_order | {"orderId": number, "time": START_MS + number * 3_600_000}
        for number in range(1, 60)
    ]

    def answer(call):
        asked = dict(call.params)
        if "orderId" in asked:
            return [each for each in rows if each["orderId"] >= asked["orderId"]][:1_000]
        assert asked["endTime"] - asked["startTime"] < DAY_MS
        return [each for each in rows if asked["startTime"] <= each["time"] <= asked["endTime"]]

    until = from_ms(START_MS + 40 * 3_600_000)
    talk = kit.talk(kit.spot, kit.spot.orders(eth, from_ms(START_MS), until), answer)
    assert [each.order_id for each in talk.result] == [str(number) for number in range(1, 41)]
    assert {call.lane for call in talk.calls} == {Lane.BACKFILL}
    everything = kit.talk(kit.spot, kit.spot.orders(eth, 0, until), answer)
    assert dict(everything.calls[0].params)["orderId"] == 1
    assert [each.order_id for each in everything.result] == [str(number) for number in range(1, 41)]


def test_commission(kit, eth):
    body = {"symbol": "ETHBTC", "standardCommission": {"maker": "0.001", "taker": "0.002"}}
    talk = kit.talk(kit.spot, kit.spot.commission(eth), [body])
    assert (talk.result.maker, talk.result.taker, talk.calls[0].weight) == (D("0.001"), D("0.002"), 20)
