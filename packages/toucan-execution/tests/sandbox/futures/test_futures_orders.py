"""Orders through the endpoints: what is answered, told and held is the same."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest

from toucan_execution.client.binance import venue_answers as answers
from toucan_execution.events import OrderUpdate, TradeNotice, TradeUpdate
from toucan_execution.orders import OrderStatus, OrderType, PositionSide, SelfTradePrevention, TimeInForce
from toucan_execution.testing.sandbox.params import Params

D = Decimal
ALIKE = (
    "instrument", "client_order_id", "order_id", "side", "type", "status", "status_venue", "quantity",
    "filled_quantity", "price", "post_only", "reduce_only", "close_position", "position_side",
    "good_till_ns", "self_trade_prevention", "updated_ns",
)  # fmt: skip
QUERIED = (*ALIKE, "average_price", "filled_quote", "created_ns")


def same(read, order, fields=ALIKE):
    """Check that an order that was read is the engine's own."""
    for field in fields:
        assert getattr(read, field) == getattr(order, field), field
    if order.time_in_force is not None:
        assert read.time_in_force is order.time_in_force


def test_a_limit_order_is_answered_told_and_found_as_the_engine_holds_it(stage):
    row = stage.order(newClientOrderId="mine-1", priceMatch="NONE")
    held = stage.engine_order(client_order_id="mine-1")
    same(stage.read_order(row), held)
    assert "avgPrice" not in row
    assert "cumQuote" not in row
    assert "cumBase" not in row
    assert ("pair" in row) is stage.coin
    assert ("goodTillDate" in row) is not stage.coin
    (update,) = stage.events("a", OrderUpdate)
    same(update.order, held)
    assert update.execution == "NEW"
    assert update.order.created_ns == held.created_ns
    for path in ("order", "openOrder"):
        found = stage.v1("GET", path, symbol=stage.symbol, origClientOrderId="mine-1")
        same(stage.read_order(found), held, QUERIED[:-3])
        assert stage.read_order(found).created_ns == held.created_ns
        assert "cumQty" not in found
    (listed,) = stage.v1("GET", "openOrders", symbol=stage.symbol)
    assert listed == found
    assert stage.v1("GET", "openOrders") == [listed]
    assert stage.v1("GET", "openOrders", "b") == []


def test_an_order_without_an_id_gets_one(stage):
    one, other = stage.order(), stage.order()
    assert one["clientOrderId"] != other["clientOrderId"]
    assert len(one["clientOrderId"]) <= 36


@pytest.mark.parametrize(
    ("word", "time", "post_only"),
    [("GTC", TimeInForce.GTC, False), ("GTX", TimeInForce.GTC, True), ("IOC", TimeInForce.IOC, False)],
)
def test_times_in_force_are_told_in_the_words_they_came_in(stage, word, time, post_only):
    row = stage.order(timeInForce=word, newClientOrderId="x")
    assert row["timeInForce"] == word
    held = stage.engine_order(client_order_id="x")
    assert (held.time_in_force, held.post_only) == (time, post_only)
    assert {each["o"]["f"] for each in stage.told["a"]} == {word}


def test_an_order_until_a_date_is_rounded_to_seconds_and_expires(usd):
    until = usd.now_ns // 1_000_000 + 900_123
    row = usd.order(timeInForce="GTD", goodTillDate=until, newClientOrderId="x")
    assert row["goodTillDate"] == until - until % 1000
    same(usd.read_order(row), usd.engine_order(client_order_id="x"))
    usd.names()
    usd.engine.advance(usd.tick(900_123))
    assert usd.names() == ["ORDER_TRADE_UPDATE EXPIRED EXPIRED"]


def test_retail_orders_rest(usd):
    assert usd.order(timeInForce="RPI")["timeInForce"] == "RPI"


def test_an_ack_tells_of_no_fill_and_a_result_does(stage):
    stage.order("SELL", 100, account="m")
    quantity = str(stage.quantity)
    acked = stage.order("BUY", None, newClientOrderId="acked")
    assert (acked["status"], D(acked["executedQty"]), D(acked["cumQty"])) == ("NEW", 0, 0)
    assert stage.engine_order(client_order_id="acked").status is OrderStatus.FILLED
    stage.order("SELL", 100, account="m")
    told = stage.order("BUY", None, newOrderRespType="RESULT", newClientOrderId="told")
    assert (told["status"], D(told["executedQty"]), told["type"]) == ("FILLED", D(quantity), "MARKET")
    same(stage.read_order(told), stage.engine_order(client_order_id="told"))
    left = stage.order("BUY", 100, newOrderRespType="RESULT", timeInForce="IOC")
    assert left["status"] == "EXPIRED"
    assert stage.order("BUY", 100, newOrderRespType="RESULT")["status"] == "NEW"


def test_fills_are_told_early_then_the_account_then_the_order(stage):
    stage.order("SELL", 100, account="m")
    stage.order("SELL", "100.5", account="m")
    stage.names("m")
    stage.order("BUY", 101, 3 * stage.quantity, newClientOrderId="big")
    early = [] if stage.coin else ["TRADE_LITE"]
    assert stage.names() == [
        "ORDER_TRADE_UPDATE NEW NEW",
        *early,
        "ACCOUNT_UPDATE ORDER",
        "ORDER_TRADE_UPDATE TRADE PARTIALLY_FILLED",
        *early,
        "ORDER_TRADE_UPDATE TRADE PARTIALLY_FILLED",
    ]
    assert stage.names("m") == [
        *early,
        "ACCOUNT_UPDATE ORDER",
        "ORDER_TRADE_UPDATE TRADE FILLED",
        *early,
        "ORDER_TRADE_UPDATE TRADE FILLED",
    ]


def test_fills_are_those_of_the_engine_on_the_stream_and_when_asked_for(stage):
    stage.order("SELL", 100, account="m")
    stage.order("SELL", "100.5", account="m")
    placed = stage.order("BUY", 101, 3 * stage.quantity, newClientOrderId="big")
    events = stage.events()
    streamed = [each for each in events if isinstance(each, TradeUpdate)]
    held = stage.engine.trades("a", stage.first, 0, stage.now_ns)
    rows = stage.v1("GET", "userTrades", symbol=stage.symbol)
    asked = answers.futures_trades(stage.scope, msgspec.json.encode(rows), 9)
    assert len(held) == 2
    for trades in (streamed, asked):
        for trade, own in zip(trades, held, strict=True):
            for field in (
                "instrument", "trade_id", "order_id", "side", "price", "quantity", "fee", "fee_asset",
                "maker", "realized_profit", "position_side", "time_exchange",
            ):  # fmt: skip
                assert getattr(trade, field) == getattr(own, field), field
    notices = [each for each in events if isinstance(each, TradeNotice)]
    assert [each.trade_id for each in notices] == ([] if stage.coin else [each.trade_id for each in held])
    (last,) = [each.order for each in events if isinstance(each, OrderUpdate)][-1:]
    order = stage.engine_order(client_order_id="big")
    same(last, order)
    assert last.average_price == order.average_price
    found = stage.read_order(stage.v1("GET", "order", symbol=stage.symbol, orderId=placed["orderId"]))
    same(found, order, QUERIED)
    (row,) = stage.v1("GET", "allOrders", symbol=stage.symbol)
    same(stage.read_order({**row, "cumQuote": None} if stage.coin else row), order, QUERIED)
    assert {"pair", "cumBase"} <= set(row)
    if stage.coin:
        assert row["cumQuote"] == "2000.00000000"  # 20 contracts of 100 dollars
    else:
        assert row["cumBase"] == "2.00000000"


def test_what_open_orders_are_worth_is_told_with_each_event(usd):
    usd.order("BUY", 100, newClientOrderId="one")
    usd.order("SELL", 120, 2)
    usd.v1("DELETE", "order", symbol=usd.symbol, origClientOrderId="one")
    assert [(each["o"]["b"], each["o"]["a"]) for each in usd.told["a"]] == [
        ("100", "0"),
        ("100", "240"),
        ("0", "240"),
    ]


def test_a_cancelled_order_keeps_its_own_id(stage):
    stage.order(newClientOrderId="mine")
    row = stage.v1("DELETE", "order", symbol=stage.symbol, origClientOrderId="mine")
    assert (row["status"], row["clientOrderId"]) == ("CANCELED", "mine")
    same(stage.read_order(row), stage.engine_order(client_order_id="mine"))
    assert stage.names() == ["ORDER_TRADE_UPDATE NEW NEW", "ORDER_TRADE_UPDATE CANCELED CANCELED"]
    assert stage.code("DELETE", "order", symbol=stage.symbol, origClientOrderId="mine") == -2011
    assert stage.code("GET", "openOrder", symbol=stage.symbol, origClientOrderId="mine") == -2013
    assert stage.order(newClientOrderId="mine")["status"] == "NEW"  # it is free again


def test_unfilled_orders_are_found_for_three_days_after_they_ended(stage):
    row = stage.order()
    stage.v1("DELETE", "allOpenOrders", symbol=stage.symbol)
    day = 86_400_000
    stage.tick(3 * day - 60_000)
    assert stage.v1("GET", "order", symbol=stage.symbol, orderId=row["orderId"])["status"] == "CANCELED"
    stage.tick(120_000)
    assert stage.code("GET", "order", symbol=stage.symbol, orderId=row["orderId"]) == -2013
    assert stage.v1("GET", "allOrders", symbol=stage.symbol) == []


def test_all_of_an_instrument_are_cancelled_but_conditional_ones(stage):
    for _ in range(3):
        stage.order()
    waiting = stage.algo("BUY", trigger=150)
    done = stage.v1("DELETE", "allOpenOrders", symbol=stage.symbol)
    assert done == {"code": 200, "msg": "The operation of cancel all open order is done."}
    assert stage.v1("GET", "openOrders") == []
    assert [each["algoId"] for each in stage.v1("GET", "openAlgoOrders")] == [waiting["algoId"]]


def test_a_changed_order_tells_the_change_and_keeps_a_history(stage):
    placed = stage.order("BUY", 100, 2 * stage.quantity)
    names = {"symbol": stage.symbol, "side": "BUY", "orderId": placed["orderId"]}
    quantity = str(3 * stage.quantity)
    row = stage.v1("PUT", "order", **names, quantity=quantity, price="101.5", modifyId="change-1")
    assert (row["modifyId"], row["pair"]) == ("change-1", stage.symbol.partition("_")[0])
    held = stage.engine_order(order_id=str(placed["orderId"]))
    same(stage.read_order(row), held)
    assert (held.price, held.quantity) == (D("101.5"), D(quantity))
    changed = stage.told["a"][-1]["o"]
    assert (changed["x"], changed["X"], changed["M"]) == ("AMENDMENT", "NEW", "change-1")
    same(stage.events("a", OrderUpdate)[-1].order, held)
    row = stage.v1("PUT", "order", **names, quantity=quantity, price="101")
    assert "modifyId" not in row
    assert "M" not in stage.told["a"][-1]["o"]
    history = stage.v1("GET", "orderAmendment", symbol=stage.symbol)
    assert [each["amendment"]["count"] for each in history] == [2, 1]
    first = history[1]
    assert first["modifyId"] == "change-1"
    assert "modifyId" not in history[0]
    assert [D(first["amendment"]["price"][name]) for name in ("before", "after")] == [100, D("101.5")]
    assert D(first["amendment"]["origQty"]["after"]) == D(quantity)
    assert stage.v1("GET", "orderAmendment", symbol=stage.symbol, orderId=placed["orderId"]) == history
    assert stage.v1("GET", "orderAmendment", symbol=stage.symbol, orderId=999) == []
    assert stage.v1("GET", "orderAmendment", symbol=stage.symbol, limit=1) == history[:1]
    assert stage.v1("GET", "orderAmendment", "b", symbol=stage.symbol) == []


def test_a_change_may_take_its_price_from_the_book(stage):
    stage.book([(98, 100), (97, 100)], [(103, 100)])
    placed = stage.order("BUY", 95)
    names = {"symbol": stage.symbol, "side": "BUY", "orderId": placed["orderId"]}
    row = stage.v1("PUT", "order", **names, quantity=str(stage.quantity), priceMatch="QUEUE")
    assert (D(row["price"]), row["priceMatch"]) == (98, "QUEUE")
    row = stage.v1("PUT", "order", **names, quantity=str(stage.quantity), priceMatch="OPPONENT")
    assert stage.engine_order(order_id=str(placed["orderId"])).status is OrderStatus.FILLED
    assert D(row["price"]) == 103


def test_a_change_below_what_was_filled_ends_the_order(stage):
    placed = stage.order("BUY", 100, 3 * stage.quantity)
    stage.order("SELL", 100, 2 * stage.quantity, account="m")
    names = {"symbol": stage.symbol, "side": "BUY", "orderId": placed["orderId"]}
    row = stage.v1("PUT", "order", **names, quantity=str(stage.quantity), price="99")
    assert row["status"] == "CANCELED"
    assert stage.v1("GET", "orderAmendment", symbol=stage.symbol) == []


def test_a_price_may_come_from_the_book(stage):
    stage.book([(98, 100), (97, 100)], [(103, 100)])
    row = stage.order("BUY", None, type="LIMIT", timeInForce="GTC", priceMatch="QUEUE")
    assert (D(row["price"]), row["priceMatch"]) == (98, "QUEUE")
    assert stage.told["a"][-1]["o"]["pm"] == "QUEUE"
    assert stage.v1("GET", "order", symbol=stage.symbol, orderId=row["orderId"])["priceMatch"] == "QUEUE"


def test_batches_place_change_and_cancel_with_errors_among_the_answers(stage):
    good = {
        "symbol": stage.symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "100",
        "quantity": str(stage.quantity),
    }  # fmt: skip
    rows = stage.v1(
        "POST",
        "batchOrders",
        batchOrders=[good, {**good, "reduceOnly": "true"}, {"symbol": stage.symbol}, {**good, "no": 1}, 5],
    )
    assert [row.get("code", row.get("status")) for row in rows] == ["NEW", -2022, -1102, -1104, -1130]
    assert rows[1] == {"code": -2022, "msg": "ReduceOnly Order is rejected."}
    other = stage.order()
    changes = [
        {
            "symbol": stage.symbol, "side": "BUY", "orderId": str(number), "price": "99",
            "quantity": str(stage.quantity),
        }
        for number in (rows[0]["orderId"], 999)
    ]  # fmt: skip
    changed = stage.v1("PUT", "batchOrders", batchOrders=json.dumps(changes))
    assert [row.get("code", row.get("status")) for row in changed] == ["NEW", -2013]
    ids = [rows[0]["orderId"], other["orderId"], 999]
    ended = stage.v1("DELETE", "batchOrders", symbol=stage.symbol, orderIdList=ids)
    assert [row.get("code", row.get("status")) for row in ended] == ["CANCELED", "CANCELED", -2011]
    stage.order(newClientOrderId="one")
    names = ["one", "none"]
    ended = stage.v1("DELETE", "batchOrders", symbol=stage.symbol, origClientOrderIdList=names)
    assert [row.get("code", row.get("status")) for row in ended] == ["CANCELED", -2011]


def test_a_batch_counts_for_its_orders(stage):
    endpoint = stage.table["POST", f"{stage.prefix}/v1/batchOrders"]
    assert endpoint.orders(Params({"batchOrders": json.dumps([{}] * 3)})) == 3
    assert endpoint.orders(Params({"batchOrders": "nonsense"})) == 1


def test_a_test_order_is_checked_and_not_placed(usd):
    row = usd.v1(
        "POST", "order/test", symbol=usd.symbol, side="BUY", type="LIMIT", price="100", quantity="1",
        timeInForce="GTC",
    )  # fmt: skip
    assert (row["orderId"], row["status"]) == (0, "NEW")
    assert usd.v1("GET", "openOrders") == []
    assert usd.names() == []
    assert (
        usd.code(
            "POST",
            "order/test",
            symbol=usd.symbol,
            side="BUY",
            type="MARKET",
            quantity="1",
            reduceOnly="true",
        )
        == -2022
    )


def test_coin_m_has_no_test_orders(coin):
    assert ("POST", "/dapi/v1/order/test") not in coin.table


def test_orders_of_both_sorts_can_be_asked_for_over_the_websocket_api(stage):
    row = stage.ws(
        "order.place", symbol=stage.symbol, side="BUY", type="LIMIT", timeInForce="GTC", price="100",
        quantity=str(stage.quantity), reduceOnly=False,
    )  # fmt: skip
    number = {"symbol": stage.symbol, "orderId": row["orderId"]}
    assert stage.ws("order.status", **number)["status"] == "NEW"
    stage.ws("order.modify", **number, side="BUY", price="99", quantity=str(stage.quantity))
    assert stage.ws("order.cancel", **number)["status"] == "CANCELED"
    names = {"order.place", "order.modify", "order.cancel", "order.status"}
    names |= {"account.status", "account.balance", "account.position"}
    if not stage.coin:
        names |= {"algoOrder.place", "algoOrder.cancel"}
        names |= {"v2/account.status", "v2/account.balance", "v2/account.position"}
    assert set(stage.methods) == names


def test_self_trade_prevention_is_told_by_its_number(stage):
    stage.order("BUY", 100, selfTradePreventionMode="NONE", newClientOrderId="resting")
    stage.names()
    stage.order("SELL", 100, selfTradePreventionMode="EXPIRE_MAKER")
    kinds = [(each["o"]["x"], each["o"]["X"], each["o"]["er"]) for each in stage.told["a"]]
    assert kinds == [("NEW", "NEW", "0"), ("EXPIRED", "EXPIRED_IN_MATCH", "1")]
    resting = stage.engine_order(client_order_id="resting")
    assert resting.self_trade_prevention is SelfTradePrevention.NONE
    same(stage.events("a", OrderUpdate)[-1].order, resting)


@pytest.mark.parametrize(
    ("params", "number"),
    [({"timeInForce": "IOC"}, "2"), ({"price": None}, "9"), ({"timeInForce": "FOK"}, "10")],
)
def test_why_an_order_expired_is_told_by_its_number(coin, params, number):
    coin.order("BUY", **params)
    assert coin.told["a"][-1]["o"]["er"] == number


def test_a_reducing_order_ends_with_its_position(stage):
    stage.open_position()
    stage.order("SELL", 110, reduceOnly="true", newClientOrderId="reducing")
    stage.order("BUY", 105, account="m")
    stage.names()
    stage.order("SELL", None)
    told = stage.told["a"][-1]["o"]
    assert (told["c"], told["x"], told["er"], told["R"]) == ("reducing", "EXPIRED", "4", True)


def test_positions_of_both_sides_in_hedge_mode(stage):
    stage.v1("POST", "positionSide/dual", dualSidePosition="true")
    stage.order("SELL", 100, account="m")
    stage.order("BUY", 100, positionSide="LONG", newClientOrderId="long")
    order = stage.engine_order(client_order_id="long")
    assert order.position_side is PositionSide.LONG
    same(stage.events("a", OrderUpdate)[-1].order, order)
    assert stage.code(
        "POST", "order", symbol=stage.symbol, side="BUY", type="MARKET", quantity=str(stage.quantity)
    ) == -4061  # fmt: skip


def test_histories_are_given_by_number_and_by_time(stage):
    rows = [stage.order() for _ in range(4)]
    numbers = [row["orderId"] for row in rows]
    stage.order("SELL", 100, 4 * stage.quantity, account="m")

    def ask(path="allOrders", name="orderId", **more):
        return [each[name] for each in stage.v1("GET", path, symbol=stage.symbol, **more)]

    assert ask() == numbers
    assert ask(limit=2) == numbers[2:]
    assert ask(orderId=numbers[1], limit=2) == numbers[1:3]
    since = rows[1]["updateTime"]
    assert ask(startTime=since) == numbers[1:]
    assert ask(startTime=since, limit=1) == numbers[1:2]
    assert ask(endTime=since) == numbers[:2]
    assert ask(startTime=since, endTime=since) == numbers[1:2]
    trades = stage.v1("GET", "userTrades", symbol=stage.symbol)
    ids = [each["id"] for each in trades]
    fills = ("userTrades", "id")
    assert len(ids) == 4
    assert ask(*fills, fromId=ids[1], limit=2) == ids[1:3]
    assert ask(*fills, orderId=numbers[2]) == [ids[2]]
    assert ask(*fills, startTime=trades[0]["time"], limit=3) == ids[:3]
    assert ask(*fills, endTime=trades[0]["time"] - 1) == []


def test_coin_m_takes_a_pair_in_place_of_a_symbol(coin):
    row = coin.order()
    coin.order("SELL", 100, account="m")
    for path in ("allOrders", "userTrades"):
        (found,) = coin.v1("GET", path, pair="BTCUSD")
        assert found["orderId"] == row["orderId"]
        assert coin.v1("GET", path, pair="ETHUSD") == []
    coin.order()
    assert len(coin.v1("GET", "openOrders", pair="BTCUSD")) == 1
    assert coin.v1("GET", "openOrders", pair="ETHUSD") == []


def test_usd_m_gives_the_orders_of_all_symbols(usd):
    usd.order()
    usd.order(symbol="ETHUSDT")
    assert [each["symbol"] for each in usd.v1("GET", "allOrders")] == ["BTCUSDT", "ETHUSDT"]


def test_a_countdown_cancels_regular_orders_unless_it_is_set_again(stage):
    wire = stage.wire
    assert wire.due_ns is None
    stage.order(newClientOrderId="x")
    stage.algo("BUY", trigger=150)
    answer = stage.v1("POST", "countdownCancelAll", symbol=stage.symbol, countdownTime=1000)
    assert answer == {"symbol": stage.symbol, "countdownTime": "1000"}
    due = wire.due_ns
    assert due == stage.now_ns + 1_000_000_000
    stage.v1("POST", "countdownCancelAll", symbol=stage.symbol, countdownTime=1000)
    assert wire.due_ns > due
    wire.run_due(due)
    assert stage.engine_order(client_order_id="x").is_open
    stage.v1("POST", "countdownCancelAll", symbol=stage.symbol, countdownTime=0)
    assert wire.due_ns is None
    stage.v1("POST", "countdownCancelAll", symbol=stage.symbol, countdownTime=50)
    stage.names()
    stage.tick(50)
    wire.run_due(stage.now_ns)
    assert wire.due_ns is None
    assert stage.names() == ["ORDER_TRADE_UPDATE CANCELED CANCELED"]
    assert len(stage.v1("GET", "openAlgoOrders")) == 1
    assert stage.engine_order(client_order_id="x").type is OrderType.LIMIT
