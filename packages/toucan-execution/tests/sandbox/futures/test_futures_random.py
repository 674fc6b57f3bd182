"""A random run: all that can be asked for, and all that was told, is what the engine holds."""

from __future__ import annotations

import random
from decimal import Decimal

import msgspec
import pytest

from toucan_execution.client.binance import venue_answers as answers
from toucan_execution.events import BalanceUpdate, OrderUpdate, PositionUpdate, TradeUpdate
from toucan_execution.orders import OrderStatus
from toucan_execution.testing.sandbox.errors import ApiError

D = Decimal


def attempt(act):
    """Do something that may be refused."""
    try:
        act()
    except ApiError as error:
        assert error.code < -1000  # noqa: PT017 - it may well be refused


def step(stage, chance, account):
    side, price = chance.choice(["BUY", "SELL"]), chance.randint(950, 1050) / 10
    quantity = stage.quantity * chance.randint(1, 3)
    own = [each["orderId"] for each in stage.v1("GET", "openOrders", account)]
    number = chance.choice(own) if own else 99_999
    symbol = {"symbol": stage.symbol}
    acts = [
        lambda: stage.order(side, price, quantity, account=account),
        lambda: stage.order(
            side, price, quantity, account=account, timeInForce=chance.choice(["IOC", "GTX", "FOK"])
        ),
        lambda: stage.order(side, None, quantity, account=account),
        lambda: stage.order(side, None, quantity, account=account, reduceOnly="true"),
        lambda: stage.v1("DELETE", "order", account, **symbol, orderId=number),
        lambda: stage.v1(
            "PUT",
            "order",
            account,
            **symbol,
            orderId=number,
            side=side,
            price=str(price),
            quantity=str(quantity),
        ),
        lambda: stage.algo(side, "STOP_MARKET", price, account),
        lambda: stage.algo(side, "TAKE_PROFIT", price, account, price=str(price)),
        lambda: stage.algo(side, "TRAILING_STOP_MARKET", None, account, callbackRate="0.5"),
        lambda: stage.algo(side, "STOP_MARKET", price, account, closePosition="true"),
        lambda: stage.trade(price, quantity, side.lower()),
        lambda: stage.engine.fund(stage.first, D("0.0001"), stage.tick(), mark=D(100)),
        lambda: stage.v1("DELETE", chance.choice(["allOpenOrders", "algoOpenOrders"]), account, **symbol),
        lambda: stage.v1("POST", "leverage", account, **symbol, leverage=chance.choice([5, 10, 20])),
    ]
    weights = [8, 4, 4, 2, 3, 3, 2, 2, 1, 1, 3, 1, 0.2, 0.5]
    attempt(chance.choices(acts, weights)[0])


def check_orders(stage, account):
    """Check regular and conditional orders, fills and the ledger against the engine's."""
    symbol = {"symbol": stage.symbol}
    held = stage.engine.orders(account, stage.first, 0, stage.now_ns)
    regular = {
        each.order_id: each
        for each in held
        if not each.algo_id or (each.triggered and each.status is not OrderStatus.REJECTED)
    }
    first = {"orderId": 1, "limit": 100}
    rows = [stage.read_order(row) for row in stage.v1("GET", "allOrders", account, **symbol, **first)]
    assert [each.order_id for each in rows] == sorted(regular, key=int)[: len(rows)]
    for row in rows:
        own = regular[row.order_id]
        for field in ("client_order_id", "status", "quantity", "filled_quantity", "average_price", "price"):
            assert getattr(row, field) == getattr(own, field), field
    open_rows = {str(row["orderId"]) for row in stage.v1("GET", "openOrders", account)}
    assert open_rows == {number for number, each in regular.items() if each.is_open}
    waiting = {str(row["algoId"]) for row in stage.v1("GET", "openAlgoOrders", account)}
    assert waiting == {each.algo_id for each in held if each.algo_id and each.is_open and not each.triggered}
    trades = stage.v1("GET", "userTrades", account, **symbol, fromId=0, limit=1000)
    own_trades = stage.engine.trades(account, stage.first, 0, stage.now_ns)
    assert [str(each["id"]) for each in trades] == [each.trade_id for each in own_trades]
    assert sum(D(each["commission"]) for each in trades) == sum(each.fee for each in own_trades)


class Book:
    """What somebody knows of an account who reads its stream alone."""

    def __init__(self):
        self.orders, self.balances, self.positions, self.trades = {}, {}, {}, []

    def read(self, events):
        for each in events:
            if isinstance(each, OrderUpdate) and not each.order.algo_id:
                self.orders[each.order.order_id] = each.order
            elif isinstance(each, BalanceUpdate):
                self.balances[each.balance.asset] = each.balance.total
            elif isinstance(each, PositionUpdate):
                self.positions[each.position.side] = each.position
            elif isinstance(each, TradeUpdate):
                self.trades.append(each.trade_id)


def check_stream(stage, account, book):
    book.read(stage.events(account))
    held = stage.engine.orders(account, stage.first, 0, stage.now_ns)
    for each in held:
        known = book.orders.get(each.order_id)
        if each.algo_id and (not each.triggered or each.status is OrderStatus.REJECTED):
            assert known is None
            continue
        assert (known.status, known.filled_quantity) == (each.status, each.filled_quantity)
        assert (known.price, known.average_price) == (each.price, each.average_price)
    for each in stage.engine.balances(account):
        assert book.balances.get(each.asset, each.total) == each.total
    own = {each.side: each for each in stage.engine.positions(account)}
    known = {side: each for side, each in book.positions.items() if each.quantity}
    assert {side: each.quantity for side, each in known.items()} == {
        side: each.quantity for side, each in own.items()
    }
    assert {side: each.entry_price for side, each in known.items()} == {
        side: each.entry_price for side, each in own.items()
    }
    assert book.trades == [
        each.trade_id for each in stage.engine.trades(account, stage.first, 0, stage.now_ns)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_all_ways_to_know_an_account_agree(stage, seed):
    chance = random.Random(seed)
    stage.trade(100)
    books = {account: Book() for account in "ab"}
    for _ in range(60):
        account = chance.choice("ab")
        step(stage, chance, account)
        for name, book in books.items():
            check_stream(stage, name, book)
    for name in books:
        check_orders(stage, name)
        version = "v1" if stage.coin else "v2"
        row = stage.ask("GET", f"{stage.prefix}/{version}/account", name)
        part = answers.futures_account(stage.scope, msgspec.json.encode(row), 9)
        own = {each.asset: each for each in stage.engine.balances(name)}
        for each in answers.held(part.balances):
            assert (each.total, each.free, each.locked) == (
                own[each.asset].total, own[each.asset].free, own[each.asset].locked,
            )  # fmt: skip
