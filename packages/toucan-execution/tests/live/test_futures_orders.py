"""Orders on the futures: conditional ones, batches, amendments, and what errors mean."""

from decimal import Decimal

import pytest
from futures_script import STOP, order_of, placed

from toucan_execution.events import (
    TradeUpdate,
)
from toucan_execution.orders import (
    AmendRequest,
    CancelRequest,
    OrderStatus,
    OrderType,
)
from toucan_execution.outcome import Accepted, Reason, Rejected, Route, Unknown

D = Decimal
MINUTE = 60
MARKETS = ("usd-m", "coin-m")


# Conditional orders.


@pytest.mark.parametrize("market", MARKETS)
async def test_a_conditional_order_is_one_order_from_its_trigger_to_its_end(stage_of, market):
    async with stage_of(market=market) as stage:
        outcome = await placed(stage, **STOP)
        name = outcome.client_order_id
        assert "POST /v1/order" not in stage.venue.names()
        [sent] = [params for call, params in stage.venue.calls if call == "POST /v1/algoOrder"]
        assert (sent["triggerPrice"], sent["clientAlgoId"], sent["type"]) == ("900", name, "STOP_MARKET")
        order = stage.client.account.order(name)
        assert (order.status, order.algo_id != "", order.order_id) == (OrderStatus.OPEN, True, "")
        stage.venue.trigger(name)
        await stage.idle()
        order = stage.client.account.order(name)
        assert (order.type, order.triggered) == (OrderType.STOP_MARKET, True)
        assert order.order_id != ""
        assert len(stage.client.account.open_orders()) == 1
        stage.venue.fill(name, "2", "899")
        stage.venue.algo_moves(stage.venue.algos[name], "FINISHED")
        await stage.idle()
        order = stage.client.account.order(name)
        assert (order.status, order.filled_quantity, order.trigger_price) == (
            OrderStatus.FILLED,
            D(2),
            D(900),
        )
        assert stage.client.account.open_orders() == ()
        assert len(stage.of(TradeUpdate)) == 1
        by_name = await stage.client.fetch_order(order.instrument, client_order_id=name)
        by_id = await stage.client.fetch_order(order.instrument, order_id=order.order_id)
        by_algo = await stage.client.fetch_order(order.instrument, order_id=order.algo_id)
        assert by_name.algo_id == by_algo.algo_id == order.algo_id
        assert by_id.order_id == order.order_id
        assert by_name.status is by_id.status is OrderStatus.FILLED


@pytest.mark.parametrize("market", MARKETS)
async def test_conditional_orders_are_cancelled_where_they_wait(stage_of, market):
    async with stage_of(market=market) as stage:
        first, second = [await placed(stage, **STOP) for _ in range(2)]
        outcome = await stage.client.cancel_order(first.order)
        assert isinstance(outcome, Accepted)
        by_id = CancelRequest(instrument=first.order.instrument, client_order_id=second.client_order_id)
        assert isinstance(await stage.client.cancel_order(by_id), Accepted)
        await stage.idle()
        assert "DELETE /v1/order" not in stage.venue.names()
        assert stage.client.account.order(first.client_order_id).status is OrderStatus.CANCELLED
        assert stage.client.account.open_orders() == ()
        again = await stage.client.cancel_order(first.order)
        assert (again.reason, again.final.status) == (Reason.ALREADY_CLOSED, OrderStatus.CANCELLED)


async def test_a_triggered_order_is_cancelled_as_what_it_has_become(stage_of):
    async with stage_of(market="usd-m") as stage:
        name = (await placed(stage, **STOP)).client_order_id
        actual = stage.venue.trigger(name)
        await stage.idle()
        outcome = await stage.client.cancel_order(stage.client.account.order(name))
        assert isinstance(outcome, Accepted)
        [sent] = [params for call, params in stage.venue.calls if call == "DELETE /v1/order"]
        assert sent["orderId"] == str(actual["orderId"])
        await stage.idle()
        assert stage.client.account.order(name).status is OrderStatus.CANCELLED


async def test_a_conditional_order_of_before_the_start_is_shown(stage_of):
    def some(venue):
        row = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "1"}
        venue.algo_open({"clientAlgoId": "bot-old", "triggerPrice": "5", **row})

    async with stage_of(market="usd-m", prepare=some) as stage:
        [order] = stage.client.account.open_orders()
        assert (order.client_order_id, order.algo_id != "") == ("bot-old", True)
        [outcome] = await stage.client.cancel_own()
        assert isinstance(outcome, Accepted)
        await stage.idle()
        assert stage.client.account.open_orders() == ()


def no_algo(venue):
    venue.has_algo = False


async def test_coin_m_without_an_algo_service_takes_conditional_orders_the_old_way(stage_of):
    async with stage_of(market="coin-m", prepare=no_algo) as stage:
        outcome = await placed(stage, **STOP)
        [sent] = [params for call, params in stage.venue.calls if call == "POST /v1/order"]
        assert (sent["stopPrice"], sent["newClientOrderId"]) == ("900", outcome.client_order_id)
        assert isinstance(await stage.client.cancel_order(outcome.order), Accepted)
        assert stage.client.account.open_orders() == ()


async def test_coin_m_that_wants_the_algo_service_is_understood(stage_of):
    async with stage_of(market="coin-m", conditional_over_algo=False) as stage:
        outcome = await placed(stage, **STOP)  # -4120 from the old endpoint
        names = [name for name in stage.venue.names() if name.startswith("POST") and "listenKey" not in name]
        assert names == ["POST /v1/order", "POST /v1/algoOrder"]
        assert outcome.order.algo_id != ""
        await placed(stage, **STOP)
        assert stage.venue.names().count("POST /v1/order") == 1


async def test_a_conditional_order_whose_answer_is_lost_is_found_at_the_algo_service(stage_of):
    async with stage_of(market="usd-m") as stage:
        stage.venue.streaming = False
        stage.venue.faults["POST", "/v1/algoOrder"] = ["lost"]
        outcome = await stage.client.place_order(await order_of(stage, **STOP))
        assert isinstance(outcome, Unknown)
        settled = await stage.client.settle(outcome, 120)
        assert isinstance(settled, Accepted)
        assert settled.order.algo_id != ""
        assert stage.client.account.order(outcome.client_order_id).status is OrderStatus.OPEN


# Batches.


@pytest.mark.parametrize("market", MARKETS)
async def test_a_batch_of_orders_has_mixed_outcomes_in_order(stage_of, market):
    async with stage_of(market=market) as stage:
        requests = [
            await order_of(stage),
            await order_of(stage, price=D("1000.05")),  # off the tick: never sent
            await order_of(stage, reduce_only=True),  # -2022 in a 200 answer
            await order_of(stage, client_order_id="bot-mine"),
            await order_of(stage, **STOP),
        ]
        outcomes = await stage.client.place_orders(requests)
        assert [type(each) for each in outcomes] == [Accepted, Rejected, Rejected, Accepted, Accepted]
        assert [each.reason for each in outcomes[1:3]] == [Reason.FILTER, Reason.REDUCE_ONLY]
        assert [each.sent for each in outcomes[1:3]] == [False, True]
        assert stage.venue.names().count("POST /v1/batchOrders") == 1
        assert [each.intent.price for each in outcomes] == [each.price for each in requests]
        await stage.idle()
        open_ids = {order.client_order_id for order in stage.client.account.open_orders()}
        assert open_ids == {outcomes[number].client_order_id for number in (0, 3, 4)}


async def test_a_batch_without_an_answer_is_unknown_one_by_one_and_settled(stage_of):
    async with stage_of(market="usd-m") as stage:
        stage.venue.streaming = False
        stage.venue.faults["POST", "/v1/batchOrders"] = ["lost"]
        outcomes = await stage.client.place_orders([await order_of(stage) for _ in range(3)])
        assert [type(each) for each in outcomes] == [Unknown] * 3
        assert len(stage.client.unknown) == 3
        settled = [await stage.client.settle(each, 60) for each in outcomes]
        assert [type(each) for each in settled] == [Accepted] * 3
        assert stage.client.unknown == ()


@pytest.mark.parametrize("market", MARKETS)
async def test_a_batch_of_cancels_has_mixed_outcomes_in_order(stage_of, market):
    async with stage_of(market=market) as stage:
        names = [(await placed(stage)).client_order_id for _ in range(4)]
        algo = await placed(stage, **STOP)
        orders = [stage.client.account.order(name) for name in names]
        stage.venue.streaming = False
        stage.venue.fill(names[1], "2")
        stage.venue.streaming = True
        instrument = orders[0].instrument
        requests = [
            orders[0],
            orders[1],  # filled meanwhile
            CancelRequest(instrument=instrument, order_id=orders[2].order_id),
            CancelRequest(instrument=instrument, client_order_id=names[3]),
            algo.order,
            CancelRequest(instrument=instrument, client_order_id="stranger"),
        ]
        outcomes = await stage.client.cancel_orders(requests)
        assert [type(each) for each in outcomes] == [
            Accepted,
            Rejected,
            Accepted,
            Accepted,
            Accepted,
            Rejected,
        ]
        assert (outcomes[1].reason, outcomes[1].final.status) == (Reason.ALREADY_CLOSED, OrderStatus.FILLED)
        assert outcomes[5].reason is Reason.UNKNOWN_ORDER
        assert [each.client_order_id for each in outcomes[:4]] == names
        assert stage.venue.names().count("DELETE /v1/batchOrders") == 1
        await stage.idle(30)
        assert stage.client.account.open_orders() == ()


async def test_cancels_by_different_sorts_of_id_go_in_different_requests(stage_of):
    async with stage_of(market="usd-m") as stage:
        instrument = (await order_of(stage)).instrument
        by_id = [CancelRequest(instrument=instrument, order_id=str(number)) for number in (7, 8)]
        by_name = [CancelRequest(instrument=instrument, client_order_id=name) for name in ("x", "y")]
        mixed = [by_id[0], by_name[0], by_id[1], by_name[1]]
        outcomes = await stage.client.cancel_orders(mixed)  # of orders that nobody knows
        assert [each.reason for each in outcomes] == [Reason.UNKNOWN_ORDER] * 4
        assert [each.intent for each in outcomes] == mixed
        assert stage.venue.names().count("DELETE /v1/batchOrders") == 2


async def test_an_order_id_that_is_anothers_algo_id_too_is_not_mixed_up(stage_of):
    def same(venue):
        row = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "1"}
        algo = venue.algo_open({"clientAlgoId": "web-algo", "triggerPrice": "5", **row})
        venue.next_id = algo["algoId"] - 1
        row = {"symbol": "BTCUSDT", "quantity": "1", "price": "5", "type": "LIMIT", "side": "BUY"}
        assert venue.open(row, "web-order")["orderId"] == algo["algoId"]

    async with stage_of(market="usd-m", prepare=same) as stage:
        instrument = (await order_of(stage)).instrument
        [number] = {order.algo_id for order in stage.client.account.open_orders()} - {""}
        found = await stage.client.fetch_order(instrument, order_id=number)
        assert found.client_order_id == "web-order"
        algo = await stage.client.fetch_order(instrument, client_order_id="web-algo")
        assert (algo.algo_id, algo.type) == (number, OrderType.STOP_MARKET)


async def test_lost_cancels_by_order_id_are_told_apart(stage_of):
    async with stage_of(market="usd-m") as stage:
        instrument = (await order_of(stage)).instrument
        row = {"symbol": "BTCUSDT", "quantity": "1", "price": "5", "type": "LIMIT", "side": "BUY"}
        for number in range(2):
            stage.venue.open(row, f"web_{number}")
        await stage.idle()
        orders = stage.client.account.open_orders()
        stage.venue.faults["DELETE", "/v1/batchOrders"] = ["never"]
        requests = [CancelRequest(instrument=instrument, order_id=order.order_id) for order in orders]
        outcomes = await stage.client.cancel_orders(requests)
        assert [type(each) for each in outcomes] == [Unknown, Unknown]
        assert len(stage.client.unknown) == 2
        settled = [await stage.client.settle(each, 120) for each in outcomes]
        assert [(type(each), each.retryable) for each in settled] == [(Rejected, True)] * 2
        assert stage.client.unknown == ()


async def test_all_orders_of_an_instrument_are_cancelled_conditional_ones_too(stage_of):
    async with stage_of(market="usd-m") as stage:
        first = await placed(stage)
        await placed(stage, **STOP)
        assert await stage.client.cancel_all(first.order.instrument) == ()
        await stage.idle()
        assert stage.client.account.open_orders() == ()


# Amending.


@pytest.mark.parametrize("market", MARKETS)
async def test_an_order_is_amended(stage_of, market):
    async with stage_of(market=market) as stage:
        first = await placed(stage)
        name, instrument = first.client_order_id, first.order.instrument
        outcome = await stage.client.amend_order(
            AmendRequest(instrument=instrument, client_order_id=name, price=D("1001.0"))
        )
        assert isinstance(outcome, Accepted)
        sent = stage.venue.calls[-1][1]
        assert (sent["price"], sent["quantity"], sent["side"]) == ("1001.0", "2", "BUY")
        assert stage.client.account.order(name).price == D("1001.0")
        stage.venue.close(stage.venue.orders[name], "CANCELED", "CANCELED")
        outcome = await stage.client.amend_order(
            AmendRequest(instrument=instrument, client_order_id=name, price=D("1002.0"))
        )
        assert (outcome.reason, outcome.final.status) == (Reason.ALREADY_CLOSED, OrderStatus.CANCELLED)


async def test_two_lost_amendments_of_an_order_are_settled_each_by_what_it_asked_for(stage_of):
    async with stage_of(market="usd-m") as stage:
        first = await placed(stage)
        name, instrument = first.client_order_id, first.order.instrument
        outcomes = []
        for price, fault in (("1001.0", "lost"), ("1002.0", "never")):
            stage.venue.faults["PUT", "/v1/order"] = [fault]
            request = AmendRequest(instrument=instrument, client_order_id=name, price=D(price))
            outcome = await stage.client.amend_order(request)
            assert isinstance(outcome, Unknown)
            outcomes.append((outcome, await stage.client.settle(outcome, 120)))
        (_, done), (_, never) = outcomes
        assert isinstance(done, Accepted)
        assert isinstance(never, Rejected)
        assert never.retryable
        assert stage.client.account.order(name).price == D("1001.0")


async def test_a_cancel_that_is_lost_twice_is_settled_twice(stage_of):
    async with stage_of(market="usd-m") as stage:
        first = await placed(stage)
        order = stage.client.account.order(first.client_order_id)
        stage.venue.faults["DELETE", "/v1/order"] = ["never"]
        never = await stage.client.settle(await stage.client.cancel_order(order), 120)
        assert isinstance(never, Rejected)
        stage.venue.streaming = False
        stage.venue.faults["DELETE", "/v1/order"] = ["lost"]
        done = await stage.client.settle(await stage.client.cancel_order(order), 120)
        assert isinstance(done, Accepted)
        assert stage.client.account.order(first.client_order_id).status is OrderStatus.CANCELLED


# Errors.


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (503, {"msg": "Unknown error, please check your request or try again later."}, None),
        (408, {"code": -1007, "msg": "Timeout waiting for response from backend server."}, None),
        (500, {}, None),
        (502, {"msg": "bad gateway"}, None),
        (503, {"msg": "Service Unavailable."}, Reason.UNAVAILABLE),
        (503, {"code": -1001, "msg": "Internal error; unable to process your request. Please try again."},
         Reason.UNAVAILABLE),
        (503, {"code": -1008, "msg": "Request throttled by system-level protection."}, Reason.UNAVAILABLE),
        (400, {"code": -2019, "msg": "Margin is insufficient."}, Reason.INSUFFICIENT_BALANCE),
        (400, {"code": -4061, "msg": "Order's position side does not match."}, Reason.POSITION_SIDE),
        (400, {"code": -5022, "msg": "Due to the order could not be executed as maker."}, Reason.WOULD_TAKE),
    ],
)  # fmt: skip
async def test_what_the_venues_errors_mean(stage_of, market, status, body, reason):
    async with stage_of(market=market) as stage:
        stage.venue.faults["POST", "/v1/order"] = [(status, body)]
        outcome = await stage.client.place_order(await order_of(stage))
        assert outcome.route is Route.REST
        name = outcome.client_order_id
        if reason is None:
            assert isinstance(outcome, Unknown)
            assert stage.client.account.order(name).status is OrderStatus.UNKNOWN
            assert isinstance(await stage.client.settle(outcome, 120), Rejected)
        else:
            assert isinstance(outcome, Rejected)
            assert (outcome.reason, outcome.sent) == (reason, True)
            assert outcome.retryable is (reason is Reason.UNAVAILABLE)
        assert stage.client.account.order(name).status is OrderStatus.REJECTED
        assert stage.venue.names().count("POST /v1/order") == 1  # never sent twice


# What is counted before sending.


async def test_conditional_orders_are_counted_over_the_whole_account(stage_of):
    def crowd(venue):
        row = {"side": "SELL", "type": "STOP_MARKET", "quantity": "1", "triggerPrice": "5"}
        for number in range(200):
            symbol = ("BTCUSDT", "ETHUSDT")[number % 2]
            venue.algo_open({"symbol": symbol, "clientAlgoId": f"web-{number}", **row})

    async with stage_of(market="usd-m", prepare=crowd) as stage:
        outcome = await stage.client.place_order(await order_of(stage, **STOP))
        assert (type(outcome), outcome.reason, outcome.sent) == (Rejected, Reason.FILTER, False)
        [violation] = outcome.violations
        assert (violation.rule, violation.limit, violation.given) == ("max_account_algo_orders", 200, 201)
        assert isinstance(await stage.client.place_order(await order_of(stage)), Accepted)
        assert isinstance(
            await stage.client.cancel_order(
                CancelRequest(instrument=outcome.intent.instrument, client_order_id="web-0")
            ),
            Accepted,
        )
        await stage.idle()
        assert isinstance(await stage.client.place_order(await order_of(stage, **STOP)), Accepted)


@pytest.mark.parametrize("market", MARKETS)
async def test_a_change_that_breaks_a_rule_is_not_sent(stage_of, market):
    async with stage_of(market=market) as stage:
        first = await placed(stage)
        name, instrument = first.client_order_id, first.order.instrument
        before = len(stage.venue.calls)
        for change, rule in (
            ({"price": D("1001.03")}, "tick_size"),
            ({"quantity": D("2.0003")}, "step_size"),
        ):
            request = AmendRequest(instrument=instrument, client_order_id=name, **change)
            outcome = await stage.client.amend_order(request)
            assert (type(outcome), outcome.reason, outcome.sent) == (Rejected, Reason.FILTER, False)
            assert rule in {each.rule for each in outcome.violations}
        assert len(stage.venue.calls) == before
        assert stage.client.account.order(name).price == D("1000.0")
