from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.account import MarginType, PositionMode
from toucan_execution.errors import (
    ExecutionError,
    Incomplete,
    InsufficientBalance,
    ReduceOnlyRejected,
    UnknownOrder,
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
    PositionSide,
)
from toucan_execution.venue import Feature, VerdictKind
from toucan_instrument import (
    InvalidInput,
    PayloadError,
    RateLimited,
    RequestFailed,
    Side,
    UnsupportedKind,
    VenueError,
)
from toucan_instrument.link import Lane
from toucan_instrument.timestamps import from_ms

D = Decimal

START_MS = 1_700_000_000_000
DAY_MS = 86_400_000
UNKNOWN_ORDER = (400, {"code": -2011, "msg": "Unknown order sent."})
NO_ORDER = (400, {"code": -2013, "msg": "Order does not exist."})
NO_PATH = (404, {"code": -5000, "msg": "Path /dapi/v1/openAlgoOrders, Method GET is invalid"})
LOST = RequestFailed("lost", method="POST", url="u", sent=None)
DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}
ACCOUNT = {
    "assets": [
        {"asset": "USDT", "walletBalance": "100.5", "availableBalance": "90", "initialMargin": "10.5"},
        {"asset": "BNB", "walletBalance": "0.00000000", "availableBalance": "90"},
    ],
    "positions": [],
}
CONFIG = {"canTrade": True, "dualSidePosition": True, "multiAssetsMargin": False}


def position(symbol="BTCUSDT", **fields):
    return {
        "symbol": symbol,
        "positionSide": "LONG",
        "positionAmt": "0.5",
        "entryPrice": "50000",
        "unRealizedProfit": "1.5",
    } | fields


@pytest.fixture
def btc(kit):
    return kit.usd.instrument_of("BTCUSDT")


@pytest.fixture
def perp(kit):
    return kit.coin.instrument_of("BTCUSD_PERP")


def limit(instrument, number=1, **fields):
    fields = {"quantity": D("0.020"), "price": D(60000), "client_order_id": f"mine-{number}"} | fields
    return OrderRequest(instrument=instrument, side=Side.SELL, type=OrderType.LIMIT, **fields)


def stop(instrument, number=1, **fields):
    fields = {"quantity": D(1), "trigger_price": D(59000), "client_order_id": f"mine-{number}"} | fields
    return OrderRequest(instrument=instrument, side=Side.SELL, type=OrderType.STOP_MARKET, **fields)


def known_stop(instrument, **fields):
    fields = {"order_id": "", "algo_id": "5001", "triggered": False} | fields
    return Order(
        instrument=instrument,
        client_order_id="mine-1",
        side=Side.SELL,
        type=OrderType.STOP_MARKET,
        status=OrderStatus.OPEN,
        quantity=D("0.020"),
        **fields,
    )


# What there is.


def test_a_snapshot_of_usd_m(kit, sample):
    answers = [
        ACCOUNT,
        CONFIG,
        [position(), position("ETHUSDT", positionAmt="0.000")],
        [{"symbol": "BTCUSDT", "leverage": 21, "marginType": "CROSSED", "maxNotionalValue": "1000000"}],
        [sample.futures_order],
        [sample.algo_order],
    ]
    talk = kit.talk(kit.usd, kit.usd.snapshot(), answers)
    assert [path for _, path in talk.paths] == [
        "/fapi/v3/account",
        "/fapi/v1/accountConfig",
        "/fapi/v3/positionRisk",
        "/fapi/v1/symbolConfig",
        "/fapi/v1/openOrders",
        "/fapi/v1/openAlgoOrders",
    ]
    assert [call.weight for call in talk.calls] == [5, 5, 5, 5, 40, 40]
    snapshot = talk.result
    assert [(each.asset, each.total, each.locked) for each in snapshot.balances] == [
        ("USDT", D("100.5"), D("10.5"))
    ]
    [held] = snapshot.positions
    assert (held.leverage, held.margin_type, held.side) == (21, MarginType.CROSS, PositionSide.LONG)
    assert [(each.order_id, each.algo_id) for each in snapshot.open_orders] == [("88", ""), ("", "5001")]
    assert (snapshot.can_trade, snapshot.multi_assets) == (True, False)
    assert snapshot.position_mode is PositionMode.HEDGE
    assert kit.usd.position_mode is PositionMode.HEDGE  # orders are written by it from now on


def test_a_snapshot_without_positions_asks_for_no_settings(kit):
    talk = kit.talk(kit.usd, kit.usd.snapshot(), [ACCOUNT, CONFIG, [], [], []])
    assert talk.result.positions == ()


def test_a_snapshot_of_coin_m(kit, sample):
    answers = [
        ACCOUNT | {"canTrade": True},
        {"dualSidePosition": False},
        [position("BTCUSD_PERP", positionSide="BOTH", leverage="125", marginType="cross")],
        [sample.futures_order | {"symbol": "BTCUSD_PERP"}],
        NO_PATH,
    ]
    talk = kit.talk(kit.coin, kit.coin.snapshot(), answers)
    assert [path for _, path in talk.paths][:3] == [
        "/dapi/v1/account",
        "/dapi/v1/positionSide/dual",
        "/dapi/v1/positionRisk",
    ]
    assert talk.result.position_mode is PositionMode.ONE_WAY
    assert (talk.result.positions[0].leverage, talk.result.multi_assets) == (125, None)
    assert [each.order_id for each in talk.result.open_orders] == ["88"]
    assert not kit.coin.conditional_over_algo  # the market has no algo service: the old endpoint it is


def test_an_algo_service_that_usd_m_must_have(kit, btc):
    with pytest.raises(VenueError):
        kit.talk(kit.usd, kit.usd.open_orders(btc), [[], (404, b"")])


def test_a_coin_m_error_of_another_kind_is_no_absence(kit):
    with pytest.raises(RateLimited):
        kit.talk(kit.coin, kit.coin.open_orders(), [[], (429, {"code": -1003, "msg": "x"})])
    assert kit.coin.conditional_over_algo


def test_a_triggered_order_and_its_actual_order_are_one(kit, btc, sample):
    algo = sample.algo_order | {"algoStatus": "TRIGGERED", "actualOrderId": "88"}
    orders = kit.talk(kit.usd, kit.usd.open_orders(btc), [[sample.futures_order], [algo]]).result
    [order] = orders
    assert (order.order_id, order.algo_id, order.triggered) == ("88", "5001", True)
    assert (order.type, order.trigger_price) == (OrderType.STOP_MARKET, D("59000.0"))
    assert order.filled_quantity == D("0.005")
    waiting = sample.algo_order | {"algoId": 9, "clientAlgoId": "mine-9"}
    far = sample.algo_order | {"algoId": 7, "actualOrderId": "99"}
    orders = kit.talk(
        kit.usd, kit.usd.open_orders(btc), [[sample.futures_order], [algo, waiting, far]]
    ).result
    assert [each.algo_id for each in orders] == ["5001", "9", "7"]


def test_balances_and_positions(kit, btc, perp):
    assert [each.asset for each in kit.talk(kit.usd, kit.usd.balances(), [ACCOUNT]).result] == ["USDT"]
    talk = kit.talk(kit.usd, kit.usd.positions(btc), [[position()], []])
    assert dict(talk.calls[0].params) == {"symbol": "BTCUSDT"}
    assert talk.result[0].leverage is None
    rows = [position("BTCUSD_PERP"), position("BTCUSD_261225")]
    talk = kit.talk(kit.coin, kit.coin.positions(perp), [rows])
    assert dict(talk.calls[0].params) == {"pair": "BTCUSD"}
    assert [each.instrument for each in talk.result] == [perp]


def test_an_order_by_either_id(kit, btc, sample):
    talk = kit.talk(kit.usd, kit.usd.order(btc, order_id="88"), [sample.futures_order])
    assert dict(talk.calls[0].params) == {"symbol": "BTCUSDT", "orderId": 88}
    with pytest.raises(UnknownOrder):  # an order's id is no algo id
        kit.talk(kit.usd, kit.usd.order(btc, order_id="88"), [NO_ORDER])
    with pytest.raises(UnknownOrder):
        kit.talk(kit.usd, kit.usd.order(btc, client_order_id="mine-1", conditional=False), [NO_ORDER])


def test_a_conditional_order_then_its_actual_order(kit, btc, sample):
    waiting = kit.usd.order(btc, client_order_id="mine-1", conditional=True)
    talk = kit.talk(kit.usd, waiting, [sample.algo_order])
    assert (talk.paths, talk.calls[0].params) == (
        [("GET", "/fapi/v1/algoOrder")],
        (("clientAlgoId", "mine-1"),),
    )
    assert (talk.result.algo_id, talk.result.triggered) == ("5001", False)
    triggered = sample.algo_order | {"algoStatus": "TRIGGERED", "actualOrderId": "88"}
    by_id = kit.usd.order(btc, order_id="5001", conditional=True)
    talk = kit.talk(kit.usd, by_id, [triggered, sample.futures_order])
    assert dict(talk.calls[0].params) == {"algoId": 5001}
    assert dict(talk.calls[1].params) == {"symbol": "BTCUSDT", "orderId": 88}
    assert (talk.result.status, talk.result.order_id) == (OrderStatus.PARTIALLY_FILLED, "88")
    gone = kit.talk(kit.usd, kit.usd.order(btc, order_id="5001", conditional=True), [triggered, NO_ORDER])
    assert (gone.result.order_id, gone.result.triggered) == ("88", True)


def test_an_order_of_which_nobody_knows_the_sort(kit, btc, perp, sample):
    ask = lambda: kit.usd.order(btc, client_order_id="mine-1")  # noqa: E731 - a new one each time
    talk = kit.talk(kit.usd, ask(), [NO_ORDER, sample.algo_order])
    assert talk.result.algo_id == "5001"
    with pytest.raises(UnknownOrder) as caught:
        kit.talk(kit.usd, ask(), [NO_ORDER, NO_ORDER])
    assert caught.value.url.endswith("/fapi/v1/order")
    with pytest.raises(RateLimited):
        kit.talk(kit.usd, ask(), [NO_ORDER, (429, b"{}")])
    with pytest.raises(UnknownOrder):
        kit.talk(kit.coin, kit.coin.order(perp, client_order_id="mine-1"), [NO_ORDER, NO_PATH])


# Placing.


def test_a_regular_order(kit, btc, sample):
    talk = kit.talk(kit.usd, kit.usd.place(limit(btc)), [sample.futures_order | {"status": "NEW"}])
    call = talk.calls[0]
    assert (call.path, call.weight, call.slots, call.changes) == ("/fapi/v1/order", 0, 1, True)
    assert (talk.result.order.order_id, talk.result.fills) == ("88", ())


def test_a_conditional_order_goes_to_the_algo_service(kit, btc, sample):
    talk = kit.talk(kit.usd, kit.usd.place(stop(btc)), [sample.algo_order])
    assert talk.paths == [("POST", "/fapi/v1/algoOrder")]
    assert dict(talk.calls[0].params)["algoType"] == "CONDITIONAL"
    assert talk.calls[0].slots == 1
    assert (talk.result.order.algo_id, talk.result.order.status) == ("5001", OrderStatus.OPEN)


def test_orders_are_written_by_the_position_mode(kit, btc, sample):
    kit.usd.position_mode = PositionMode.HEDGE
    call = next(kit.usd.place(limit(btc, reduce_only=True)))
    assert dict(call.params)["positionSide"] == "LONG"
    assert "reduceOnly" not in dict(call.params)
    with pytest.raises(InvalidInput) as caught:
        kit.usd.place(limit(btc))
    assert caught.value.field == "position_side"


def test_coin_m_tries_the_algo_service_then_the_old_endpoint(kit, perp, sample):
    algo = sample.algo_order | {"symbol": "BTCUSD_PERP"}
    assert kit.talk(kit.coin, kit.coin.place(stop(perp)), [algo]).result.order.algo_id == "5001"
    old = sample.futures_order | {"symbol": "BTCUSD_PERP", "type": "STOP_MARKET", "origType": "STOP_MARKET"}
    talk = kit.talk(kit.coin, kit.coin.place(stop(perp)), [NO_PATH, old])
    assert talk.paths == [("POST", "/dapi/v1/algoOrder"), ("POST", "/dapi/v1/order")]
    assert dict(talk.calls[1].params)["stopPrice"] == "59000"
    assert (talk.result.order.order_id, talk.result.order.type) == ("88", OrderType.STOP_MARKET)
    # It is remembered, until the old endpoint sends us back.
    algo_only = (400, {"code": -4120, "msg": "Order type not supported for this endpoint."})
    talk = kit.talk(kit.coin, kit.coin.place(stop(perp)), [algo_only, algo])
    assert talk.paths == [("POST", "/dapi/v1/order"), ("POST", "/dapi/v1/algoOrder")]
    assert kit.coin.conditional_over_algo


def test_coin_m_can_be_told_to_begin_with_the_old_endpoint(kit, perp):
    from toucan_instrument import Exchange  # noqa: PLC0415

    venue = kit.venue(Exchange.BINANCE_COIN_M, conditional_over_algo=False)
    assert next(venue.place(stop(venue.instrument_of("BTCUSD_PERP")))).path == "/dapi/v1/order"


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"code": -2021, "msg": "Order would immediately trigger."}),
        (503, {"msg": "Unknown error, please check your request or try again later."}),
        LOST,
    ],
)
def test_a_conditional_order_is_never_sent_twice_for_another_reason(kit, perp, answer):
    with pytest.raises((VenueError, RequestFailed)):
        kit.talk(kit.coin, kit.coin.place(stop(perp)), [answer])


def test_usd_m_never_falls_back(kit, btc):
    with pytest.raises(VenueError):
        kit.talk(kit.usd, kit.usd.place(stop(btc)), [(404, b"")])


def test_a_batch_with_an_error_among_its_elements(kit, btc, sample):
    orders = [limit(btc, number) for number in range(3)]
    answer = [
        sample.futures_order,
        {"code": -2022, "msg": "ReduceOnly Order is rejected."},
        sample.futures_order | {"orderId": 89},
    ]
    talk = kit.talk(kit.usd, kit.usd.place_many(orders), [answer])
    call = talk.calls[0]
    assert (call.path, call.weight, call.slots) == ("/fapi/v1/batchOrders", 5, 3)
    first, second, third = talk.result
    assert (first.order.order_id, third.order.order_id) == ("88", "89")
    assert isinstance(second, ReduceOnlyRejected)
    assert kit.usd.verdict(second).kind is VerdictKind.REJECTED


def test_a_batch_that_failed_as_a_whole_is_thrown(kit, btc):
    for answer, kind in (((429, {"code": -1015, "msg": "x"}), RateLimited), (LOST, RequestFailed)):
        with pytest.raises(kind):
            kit.talk(kit.usd, kit.usd.place_many([limit(btc, 1), limit(btc, 2)]), [answer])


def test_a_batch_whose_answers_are_not_as_many_tells_nothing(kit, btc, sample):
    with pytest.raises(PayloadError, match="1 answers to 2 orders"):
        kit.talk(kit.usd, kit.usd.place_many([limit(btc, 1), limit(btc, 2)]), [[sample.futures_order]])


def test_conditional_orders_among_others_are_placed_one_by_one(kit, btc, sample):
    orders = [stop(btc, 1), limit(btc, 2), stop(btc, 3), limit(btc, 4)]
    batch = [sample.futures_order, {"code": -2019, "msg": "Margin is insufficient."}]
    talk = kit.talk(kit.usd, kit.usd.place_many(orders), [batch, sample.algo_order, LOST])
    assert [path for _, path in talk.paths] == [
        "/fapi/v1/batchOrders",
        "/fapi/v1/algoOrder",
        "/fapi/v1/algoOrder",
    ]
    assert talk.calls[0].slots == 2
    first, second, third, fourth = talk.result
    assert (first.order.algo_id, second.order.order_id) == ("5001", "88")
    assert isinstance(fourth, InsufficientBalance)
    assert kit.usd.verdict(third).kind is VerdictKind.UNKNOWN  # it may have been placed
    whole = kit.talk(kit.usd, kit.usd.place_many(orders[:2]), [LOST, sample.algo_order]).result
    assert kit.usd.verdict(whole[1]).kind is VerdictKind.UNKNOWN
    assert whole[0].order.algo_id == "5001"


@pytest.mark.parametrize("count", [0, 6])
def test_a_batch_has_its_limits(kit, btc, count):
    with pytest.raises(InvalidInput) as caught:
        kit.usd.place_many([limit(btc, number) for number in range(count)])
    assert (caught.value.field, caught.value.accepted) == ("requests", "1 to 5")
    with pytest.raises(InvalidInput):
        kit.usd.cancel_many(btc, [CancelRequest(instrument=btc, order_id="1")] * (11 if count else 0))


def test_a_test_of_an_order(kit, btc, perp):
    talk = kit.talk(kit.usd, kit.usd.test(limit(btc)), [{}])
    assert (talk.paths, talk.calls[0].changes) == ([("POST", "/fapi/v1/order/test")], False)
    for venue, order in ((kit.usd, stop(btc)), (kit.coin, limit(perp))):
        with pytest.raises(UnsupportedKind):
            venue.test(order)
    assert Feature.TEST_ORDER not in kit.coin.features


def test_a_changed_order(kit, btc, sample):
    change = AmendRequest(
        instrument=btc, client_order_id="mine-1", side=Side.SELL, quantity=D("0.02"), price=D(60000)
    )
    talk = kit.talk(kit.usd, kit.usd.amend(change, None), [sample.futures_order])
    assert (talk.paths, talk.calls[0].slots) == ([("PUT", "/fapi/v1/order")], 1)
    assert talk.result.order.order_id == "88"


# Cancelling.


def test_a_cancelled_regular_order(kit, btc, sample):
    cancel = CancelRequest(instrument=btc, order_id="88")
    answer = sample.futures_order | {"status": "CANCELED"}
    talk = kit.talk(kit.usd, kit.usd.cancel(cancel, None), [answer])
    assert (talk.calls[0].lane, talk.calls[0].weight) == (Lane.CANCEL, 1)
    # Facts D.2.7: the client order id of the answer is the order's own.
    assert (talk.result.order.client_order_id, talk.result.order.status) == (
        "mine-1",
        OrderStatus.CANCELLED,
    )


CANCELLED = {"algoId": 5001, "clientAlgoId": "mine-1", "code": "200", "msg": "success"}


def test_a_cancelled_conditional_order(kit, btc):
    cancel = CancelRequest(instrument=btc, client_order_id="mine-1")
    talk = kit.talk(kit.usd, kit.usd.cancel(cancel, known_stop(btc)), [CANCELLED])
    assert talk.paths == [("DELETE", "/fapi/v1/algoOrder")]
    assert dict(talk.calls[0].params) == {"algoId": 5001}  # no symbol (facts D.2.4)
    assert (talk.result.order.status, talk.result.order.algo_id) == (OrderStatus.CANCELLED, "5001")
    said = msgspec.structs.replace(cancel, conditional=True)
    talk = kit.talk(kit.usd, kit.usd.cancel(said, None), [CANCELLED])
    assert dict(talk.calls[0].params) == {"clientAlgoId": "mine-1"}
    assert talk.result.order is None


def test_a_cancel_that_is_not_confirmed_is_not_done(kit, btc):
    cancel = CancelRequest(instrument=btc, client_order_id="mine-1", conditional=True)
    with pytest.raises(PayloadError, match="its code is 500"):
        kit.talk(kit.usd, kit.usd.cancel(cancel, None), [CANCELLED | {"code": "500"}])


def test_a_cancel_that_comes_as_the_order_is_triggered(kit, btc, sample):
    # Facts G-11: -2011 is no end; the actual order is what there is to cancel.
    cancel = CancelRequest(instrument=btc, client_order_id="mine-1")
    triggered = sample.algo_order | {"algoStatus": "TRIGGERED", "actualOrderId": "88"}
    answers = [UNKNOWN_ORDER, triggered, sample.futures_order | {"status": "CANCELED"}]
    talk = kit.talk(kit.usd, kit.usd.cancel(cancel, known_stop(btc)), answers)
    assert dict(talk.calls[2].params) == {"symbol": "BTCUSDT", "orderId": 88}
    order = talk.result.order
    assert (order.status, order.type, order.algo_id) == (
        OrderStatus.CANCELLED,
        OrderType.STOP_MARKET,
        "5001",
    )
    for answers in ([UNKNOWN_ORDER, NO_ORDER], [UNKNOWN_ORDER, sample.algo_order]):
        with pytest.raises(UnknownOrder) as caught:
            kit.talk(kit.usd, kit.usd.cancel(cancel, known_stop(btc)), answers)
        assert caught.value.code == -2011


def test_a_triggered_order_is_cancelled_by_its_actual_id(kit, btc, sample):
    known = known_stop(btc, order_id="88", triggered=True)
    cancel = CancelRequest(instrument=btc, client_order_id="mine-1")
    talk = kit.talk(kit.usd, kit.usd.cancel(cancel, known), [sample.futures_order])
    assert dict(talk.calls[0].params) == {"symbol": "BTCUSDT", "orderId": 88}


def test_a_cancel_of_which_nobody_knows_the_sort(kit, btc, perp):
    cancel = CancelRequest(instrument=btc, client_order_id="mine-1")
    talk = kit.talk(kit.usd, kit.usd.cancel(cancel, None), [UNKNOWN_ORDER, CANCELLED])
    assert [path for _, path in talk.paths] == ["/fapi/v1/order", "/fapi/v1/algoOrder"]
    with pytest.raises(UnknownOrder) as caught:
        kit.talk(kit.usd, kit.usd.cancel(cancel, None), [UNKNOWN_ORDER, NO_ORDER])
    assert caught.value.code == -2011
    by_id = CancelRequest(instrument=btc, order_id="88")
    with pytest.raises(UnknownOrder):  # never tried as an algo id: it may be another order's
        kit.talk(kit.usd, kit.usd.cancel(by_id, None), [UNKNOWN_ORDER])
    coin = CancelRequest(instrument=perp, client_order_id="mine-1")
    with pytest.raises(UnknownOrder):
        kit.talk(kit.coin, kit.coin.cancel(coin, None), [UNKNOWN_ORDER, NO_PATH])


def test_a_conditional_order_of_the_older_sort(kit, perp, sample):
    known = known_stop(perp, order_id="88", algo_id="")
    cancel = CancelRequest(instrument=perp, client_order_id="mine-1", conditional=True)
    answer = sample.futures_order | {"symbol": "BTCUSD_PERP", "status": "CANCELED"}
    talk = kit.talk(kit.coin, kit.coin.cancel(cancel, known), [answer])
    assert talk.paths == [("DELETE", "/dapi/v1/order")]
    kit.coin.conditional_over_algo = False
    talk = kit.talk(kit.coin, kit.coin.cancel(cancel, None), [answer])
    assert talk.paths == [("DELETE", "/dapi/v1/order")]


def test_a_batch_of_cancels(kit, btc, sample):
    cancels = [CancelRequest(instrument=btc, client_order_id=f"mine-{number}") for number in range(2)]
    answer = [sample.futures_order | {"status": "CANCELED"}, {"code": -2011, "msg": "Unknown order sent."}]
    talk = kit.talk(kit.usd, kit.usd.cancel_many(btc, cancels), [answer])
    assert (talk.paths, talk.calls[0].slots) == ([("DELETE", "/fapi/v1/batchOrders")], 0)
    assert talk.result[0].order.status is OrderStatus.CANCELLED
    assert isinstance(talk.result[1], UnknownOrder)
    mixed = [cancels[0], CancelRequest(instrument=btc, client_order_id="mine-9", conditional=True)]
    talk = kit.talk(kit.usd, kit.usd.cancel_many(btc, mixed), [[sample.futures_order], CANCELLED])
    assert [path for _, path in talk.paths] == ["/fapi/v1/batchOrders", "/fapi/v1/algoOrder"]


def test_cancel_all_takes_conditional_orders_too(kit, btc, perp):
    talk = kit.talk(kit.usd, kit.usd.cancel_all(btc), [DONE, DONE])
    assert [path for _, path in talk.paths] == ["/fapi/v1/allOpenOrders", "/fapi/v1/algoOpenOrders"]
    assert {call.lane for call in talk.calls} == {Lane.CANCEL}
    assert talk.result == []
    assert kit.talk(kit.coin, kit.coin.cancel_all(perp), [DONE, NO_PATH]).result == []


def test_lists_and_cancel_replace_are_refused(kit, btc):
    with pytest.raises(UnsupportedKind):
        kit.usd.place_list(OrderListRequest(instrument=btc, kind=ListKind.OCO, orders=()))
    replace = CancelReplaceRequest(cancel=CancelRequest(instrument=btc, order_id="1"), place=limit(btc))
    with pytest.raises(UnsupportedKind, match="amend"):
        kit.usd.cancel_replace(replace)


# Histories.


def trade(number, at_ms):
    return {
        "symbol": "BTCUSDT",
        "id": number,
        "orderId": 88,
        "side": "SELL",
        "price": "60000",
        "qty": "0.001",
        "commission": "0.01",
        "commissionAsset": "USDT",
        "realizedPnl": "0",
        "positionSide": "BOTH",
        "maker": True,
        "time": at_ms,
    }


def serve(rows, ids="fromId", key="id", page=1_000):
    """Answer like the venue: by id, or by a window of at most a week; the newest rows of a full page."""

    def answer(call):
        asked = dict(call.params)
        if ids in asked:
            assert "startTime" not in asked
            return [each for each in rows if each[key] >= asked[ids]][:page]
        assert asked["endTime"] - asked["startTime"] < 7 * DAY_MS
        assert asked["limit"] == page
        return [each for each in rows if asked["startTime"] <= each["time"] <= asked["endTime"]][-page:]

    return answer


def test_trades_a_week_at_a_time(kit, btc):
    rows = [trade(number, START_MS + number * 600_000) for number in range(3_000)]
    since, until = from_ms(START_MS), from_ms(START_MS + 30 * DAY_MS)
    talk = kit.talk(kit.usd, kit.usd.trades(btc, since, until), serve(rows))
    assert [each.trade_id for each in talk.result] == [str(each["id"]) for each in rows]
    assert {call.lane for call in talk.calls} == {Lane.RECONCILE}


def test_trades_of_one_millisecond(kit, btc):
    rows = [trade(number, START_MS + (number > 3)) for number in range(1_500)]
    span = from_ms(START_MS), from_ms(START_MS + 10)
    talk = kit.talk(kit.usd, kit.usd.trades(btc, *span), serve(rows))
    assert len(talk.result) == 1_500


def test_trades_from_an_id_on(kit, btc):
    rows = [trade(number, START_MS + number) for number in range(1_200)]
    talk = kit.talk(kit.usd, kit.usd.trades(btc, 0, 0, from_id="5"), serve(rows))
    assert len(talk.result) == 1_195


def test_trades_that_the_venue_does_not_keep_are_refused(kit, btc):
    with pytest.raises(InvalidInput, match="3 months") as caught:
        kit.usd.trades(btc, from_ms(START_MS - 100 * DAY_MS), from_ms(START_MS))
    assert caught.value.field == "since_ns"


def test_trades_that_stop_in_the_middle(kit, btc):
    rows = [trade(number, START_MS + number * 600_000) for number in range(3_000)]
    asked = []

    def answer(call):
        asked.append(call)
        return LOST if len(asked) == 6 else serve(rows)(call)

    with pytest.raises(Incomplete) as caught:
        kit.talk(kit.usd, kit.usd.trades(btc, from_ms(START_MS), from_ms(START_MS + 30 * DAY_MS)), answer)
    assert isinstance(caught.value, ExecutionError)
    complete = [each for each in rows if from_ms(each["time"]) <= caught.value.stopped_at_ns]
    assert [each.trade_id for each in caught.value.got] == [str(each["id"]) for each in complete]
    assert complete


def test_orders_regular_and_conditional(kit, btc, sample):
    regular = [
        sample.futures_order | {"orderId": 100 + number, "time": START_MS + number} for number in range(3)
    ]
    triggered = sample.algo_order | {
        "algoId": 7,
        "algoStatus": "TRIGGERED",
        "actualOrderId": "101",
        "createTime": START_MS - 5,
    }
    waiting = sample.algo_order | {"algoId": 8, "createTime": START_MS + 9}

    def answer(call):
        return regular if call.path.endswith("/allOrders") else [triggered, waiting]

    span = from_ms(START_MS - 10), from_ms(START_MS + 100)
    talk = kit.talk(kit.usd, kit.usd.orders(btc, *span), answer)
    assert [path for _, path in talk.paths] == ["/fapi/v1/allOrders", "/fapi/v1/allAlgoOrders"]
    assert [(each.order_id, each.algo_id) for each in talk.result] == [
        ("101", "7"),
        ("100", ""),
        ("102", ""),
        ("", "8"),
    ]


def test_orders_of_coin_m_where_there_is_no_algo_service(kit, perp, sample):
    order = sample.futures_order | {"symbol": "BTCUSD_PERP", "time": START_MS}

    def answer(call):
        return [order] if call.path.endswith("/allOrders") else NO_PATH

    span = from_ms(START_MS), from_ms(START_MS + 1)
    talk = kit.talk(kit.coin, kit.coin.orders(perp, *span), answer)
    assert [each.order_id for each in talk.result] == ["88"]
    assert dict(talk.calls[0].params)["limit"] == 100


def test_commission(kit, btc):
    body = {"symbol": "BTCUSDT", "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0004"}
    assert kit.talk(kit.usd, kit.usd.commission(btc), [body]).result.taker == D("0.0004")
