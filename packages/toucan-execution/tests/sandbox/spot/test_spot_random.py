"""A random run: what the stream says, what REST says and what the engine holds are the same at every step."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from toucan_execution.events import OrderUpdate, TradeUpdate
from toucan_execution.orders import ListKind
from toucan_execution.testing.sandbox.errors import ApiError

D = Decimal
FILL = (
    "trade_id",
    "order_id",
    "client_order_id",
    "side",
    "price",
    "quantity",
    "quote_quantity",
    "fee",
    "fee_asset",
    "maker",
    "time_exchange",
)


class Player:
    """Asks random things."""

    def __init__(self, desk, seed):
        self.desk = desk
        self.chance = random.Random(seed)
        self.refused = {}
        self.done = {}
        self.listed = []

    def price(self, low, high):
        return str(D(self.chance.randint(low * 10, high * 10)) / 10)

    def quantity(self):
        return str(D(self.chance.randint(1, 40)) / 10)

    def side(self):
        return self.chance.choice(["BUY", "SELL"])

    def order(self):
        kind = self.chance.choice(
            ["LIMIT"] * 6
            + ["MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
        )
        params = {"symbol": "BTCUSDT", "side": self.side(), "type": kind, "quantity": self.quantity()}
        if kind in {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}:
            params["timeInForce"] = self.chance.choice(["GTC", "GTC", "GTC", "IOC", "FOK"])
        if kind not in {"MARKET", "STOP_LOSS", "TAKE_PROFIT"}:
            params["price"] = self.price(95, 105)
        if "STOP" in kind or "PROFIT" in kind:
            params["stopPrice"] = self.price(95, 105)
            if self.chance.random() < 0.2:
                params["trailingDelta"] = "50"
        if kind == "MARKET" and self.chance.random() < 0.5:
            del params["quantity"]
            params["quoteOrderQty"] = str(self.chance.randint(20, 400))
        if kind == "LIMIT" and params["timeInForce"] == "GTC" and self.chance.random() < 0.2:
            params["icebergQty"] = "0.5"
        if self.chance.random() < 0.3:
            params["selfTradePreventionMode"] = self.chance.choice(
                ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"]
            )
        if self.chance.random() < 0.3:
            params["newOrderRespType"] = self.chance.choice(["ACK", "RESULT", "FULL"])
        return params

    def target(self, account):
        orders = self.desk.engine.open_orders(account)
        return self.chance.choice(orders) if orders and self.chance.random() < 0.9 else None

    def step(self):
        account = self.chance.choice("ab")
        name = self.chance.choice(
            ["place"] * 8
            + ["cancel"] * 3
            + ["replace", "amend", "amend", "oco", "otoco", "opo", "trade", "all"]
        )
        try:
            getattr(self, name)(account)
        except ApiError as error:
            self.refused[error.code] = self.refused.get(error.code, 0) + 1
        else:
            self.done[name] = self.done.get(name, 0) + 1

    def place(self, account):
        self.desk.ask("POST order", account, **self.order())

    def cancel(self, account):
        order = self.target(account)
        number = order.order_id if order else "9999"
        self.desk.ask("DELETE order", account, symbol="BTCUSDT", orderId=number)

    def all(self, account):
        if self.chance.random() < 0.2:
            self.desk.ask("DELETE openOrders", account, symbol="BTCUSDT")

    def replace(self, account):
        order = self.target(account)
        mode = self.chance.choice(["STOP_ON_FAILURE", "ALLOW_FAILURE"])
        number = order.order_id if order else "9999"
        self.desk.ask(
            "POST order/cancelReplace", account, cancelReplaceMode=mode, cancelOrderId=number, **self.order()
        )

    def amend(self, account):
        order = self.target(account)
        if order is not None:
            self.desk.ask(
                "PUT order/amend/keepPriority", account, symbol="BTCUSDT", orderId=order.order_id,
                newQty=self.quantity(),
            )  # fmt: skip

    def oco(self, account):
        self.desk.ask(
            "POST orderList/oco", account, symbol="BTCUSDT", side="SELL", quantity=self.quantity(),
            aboveType="LIMIT_MAKER", abovePrice=self.price(100, 105), belowType="STOP_LOSS",
            belowStopPrice=self.price(95, 100),
        )  # fmt: skip

    def working(self):
        return {
            "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC",
            "workingPrice": self.price(96, 101), "workingQuantity": self.quantity(), "pendingSide": "SELL",
        }  # fmt: skip

    def otoco(self, account):
        self.desk.ask(
            "POST orderList/otoco", account, pendingQuantity=self.quantity(), pendingAboveType="TAKE_PROFIT",
            pendingAboveStopPrice=self.price(100, 105), pendingBelowType="STOP_LOSS",
            pendingBelowStopPrice=self.price(95, 100), **self.working(),
        )  # fmt: skip

    def opo(self, account):
        self.desk.ask(
            "POST orderList/opo", account, pendingType="LIMIT", pendingTimeInForce="GTC",
            pendingPrice=self.price(99, 105), **self.working(),
        )  # fmt: skip

    def trade(self, account):
        self.desk.trade(self.price(97, 103), self.chance.choice(["buy", "sell"]), 2)


@pytest.mark.parametrize("seed", range(4))
def test_stream_rest_and_engine_agree(desk, seed):
    desk.trade(100)
    player = Player(desk, seed)
    instrument = desk.market.instrument("BTCUSDT")
    desk.market.instruments = {"BTCUSDT": instrument, "ETHUSDT": desk.market.instrument("ETHUSDT")}
    executions = 0
    for _ in range(250):
        seen = {name: (len(desk.told[name]), len(desk.events[name])) for name in "ab"}
        player.step()
        for name in "ab":
            told = desk.told[name][seen[name][0] :]
            events = desk.events[name][seen[name][1] :]
            decoded = [each for body in told for each in desk.decoded(body)]
            mine = [each for each in decoded if isinstance(each, TradeUpdate)]
            theirs = [each for each in events if isinstance(each, TradeUpdate)]
            assert len(mine) == len(theirs)
            for one, other in zip(mine, theirs, strict=True):
                for field in FILL:
                    assert getattr(one, field) == getattr(other, field), field
            last = {each["i"]: each for each in told if each["e"] == "executionReport"}
            ids = {int(each.order.order_id) for each in events if isinstance(each, OrderUpdate)}
            assert set(last) == ids
            for number, report in last.items():
                desk.check_order(report, desk.engine.order(name, instrument, order_id=str(number)))
            desk.check_account(name)
            rows = desk.ask("GET openOrders", name)
            held = desk.engine.open_orders(name)
            assert [row["orderId"] for row in rows] == [int(each.order_id) for each in held]
            for row, order in zip(rows, held, strict=True):
                desk.check_order(row, order)
                assert row["isWorking"] is (row["workingTime"] > 0)
        numbers = [each["I"] for name in "ab" for each in desk.reports(name, seen[name][0])]
        assert len(set(numbers)) == len(numbers)
        assert all(number > executions for number in numbers)
        executions = max(numbers, default=executions)
    for name in "ab":
        for row in desk.ask("GET allOrders", name, symbol="BTCUSDT", limit=1000):
            desk.check_order(row, desk.engine.order(name, instrument, order_id=str(row["orderId"])))
        rows = desk.ask("GET myTrades", name, symbol="BTCUSDT", limit=1000)
        assert [row["id"] for row in rows] == [
            int(each.trade_id) for each in desk.engine.trades(name, instrument, 0, 2**63)
        ]
        for row in desk.ask("GET allOrderList", name):
            held = desk.engine.order_list(name, instrument, list_id=str(row["orderListId"]))
            assert row["listOrderStatus"] == held.status
            assert (row["contingencyType"] == "OCO") is (held.kind is ListKind.OCO)
    assert len(player.done) >= 8, player.done
    assert {-2010, -2011} <= set(player.refused)
