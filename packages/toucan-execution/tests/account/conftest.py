"""A model of an exchange with one account: it knows the truth, and what its stream and its answers say."""

from __future__ import annotations

from collections.abc import Callable, Generator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from toucan_execution.account import AccountSnapshot, Balance, Position
from toucan_execution.call import Call
from toucan_execution.errors import UnknownOrder
from toucan_execution.events import (
    AccountEvent,
    BalanceUpdate,
    OrderUpdate,
    PositionUpdate,
    TradeUpdate,
    TransferUpdate,
)
from toucan_execution.orders import Order, OrderOrigin, OrderStatus, OrderType, PositionSide
from toucan_execution.venue import ExecutionVenue
from toucan_instrument import Environment, Exchange, Instrument, InstrumentKind, Side
from toucan_instrument.errors import ToucanError

MS = 1_000_000
START = 1_700_000_000_000 * MS
LABEL = "main"
ONE = Decimal(1)


def spot(base: str, quote: str) -> Instrument:
    return Instrument(
        exchange=Exchange.BINANCE_SPOT,
        symbol=base + quote,
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
    )


def perpetual(base: str, quote: str) -> Instrument:
    return Instrument(
        exchange=Exchange.BINANCE_USD_M,
        symbol=base + quote,
        kind=InstrumentKind.PERPETUAL,
        base=base,
        quote=quote,
        settle=quote,
    )


class Model:
    """The exchange: `do` makes something happen, and returns what its stream tells of it."""

    def __init__(self, *, futures: bool) -> None:
        self.exchange = Exchange.BINANCE_USD_M if futures else Exchange.BINANCE_SPOT
        make = perpetual if futures else spot
        self.futures = futures
        self.instruments = [make("BTC", "USDT"), make("ETH", "USDT"), make("ETH", "BTC")]
        self.now = START
        self.orders: list[Order] = []
        self.trades: list[TradeUpdate] = []
        self.totals = {"USDT": Decimal(100000), "BTC": Decimal(10), "ETH": Decimal(100), "BNB": ONE}
        self.changed = dict.fromkeys(self.totals, START)
        self.positions: dict[Instrument, tuple[Decimal, int]] = {}
        self.last_change = START

    # What happens.

    def do(self, action: tuple[Any, ...]) -> list[AccountEvent]:
        """Do something; what cannot be done does nothing."""
        kind, pick, size, wait = action
        self.now += wait * MS
        if kind == "place":
            return self._place(pick, size)
        if kind == "transfer":
            return self._transfer(pick, size)
        if kind == "hide":
            self._add(sorted(self.totals)[pick % len(self.totals)], Decimal(size) / 100)
            return []
        alive = [number for number, order in enumerate(self.orders) if order.is_open]
        if not alive:
            return []
        number = alive[pick % len(alive)]
        if kind == "fill":
            return self._fill(number, size)
        return self._change(number, kind, size)

    def _place(self, pick: int, size: int) -> list[AccountEvent]:
        instrument = self.instruments[pick % len(self.instruments)]
        number = len(self.orders)
        count = sum(order.instrument == instrument for order in self.orders)
        order = Order(
            instrument=instrument,
            client_order_id=f"{'own' if pick % 2 else 'web'}-{number}",
            order_id=str(100 + count),  # unique within the instrument only
            side=Side.BUY if size % 2 else Side.SELL,
            type=OrderType.LIMIT,
            status=OrderStatus.OPEN,
            quantity=Decimal(size + 5),
            price=Decimal(100 + size),
            position_side=PositionSide.BOTH if self.futures else None,
            created_ns=self.now,
            updated_ns=self.now,
        )
        self.orders.append(order)
        return [self._told(order, "NEW"), *self._balances([])]

    def _fill(self, number: int, size: int) -> list[AccountEvent]:
        order = self.orders[number]
        assert order.remaining is not None
        quantity = min(order.remaining, Decimal(size))
        filled = order.filled_quantity + quantity
        whole = filled + order.prevented_quantity == order.quantity
        order = self._set(
            number,
            filled_quantity=filled,
            status=OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED,
        )
        instrument = order.instrument
        count = sum(trade.instrument == instrument for trade in self.trades)
        profit = Decimal(size - 3) / 8 if self.futures else None
        fee_asset = "BNB" if size % 3 == 0 else instrument.quote
        trade = TradeUpdate(
            self.exchange,
            LABEL,
            self.now,
            self.now,
            instrument=instrument,
            trade_id=str(7 + 2 * count),
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            side=order.side,
            price=order.price,
            quantity=quantity,
            fee=Decimal(size) / 1000,
            fee_asset=fee_asset,
            maker=True,
            realized_profit=profit,
            position_side=order.position_side,
        )
        self.trades.append(trade)
        sign = 1 if order.side is Side.BUY else -1
        touched = {instrument.quote, fee_asset}
        if self.futures:
            held, _ = self.positions.get(instrument, (Decimal(0), 0))
            self.positions[instrument] = (held + sign * quantity, self.now)
            self._add(instrument.quote, profit)
        else:
            touched.add(instrument.base)
            self._add(instrument.base, sign * quantity)
            self._add(instrument.quote, -sign * quantity * order.price)
        self._add(fee_asset, -trade.fee)
        told: list[AccountEvent] = [trade, self._told(order, "TRADE"), *self._balances(sorted(touched))]
        if self.futures:
            told.append(self._position(instrument))
        return told

    def _change(self, number: int, kind: str, size: int) -> list[AccountEvent]:
        order = self.orders[number]
        assert order.remaining is not None
        if kind == "amend":
            quantity = order.quantity - min(Decimal(size), order.remaining - ONE)
            if quantity == order.quantity:
                return []
            new_id = f"{order.client_order_id}x"
            return [self._told(self._set(number, quantity=quantity, client_order_id=new_id), "REPLACED")]
        if kind == "prevent":
            less = min(Decimal(size), order.remaining)
            status = OrderStatus.EXPIRED_IN_MATCH if less == order.remaining else order.status
            order = self._set(number, prevented_quantity=order.prevented_quantity + less, status=status)
            return [self._told(order, "TRADE_PREVENTION")]
        status = OrderStatus.CANCELLED if kind == "cancel" else OrderStatus.EXPIRED
        return [self._told(self._set(number, status=status), kind.upper())]

    def _transfer(self, pick: int, size: int) -> list[AccountEvent]:
        asset = sorted(self.totals)[pick % len(self.totals)]
        self._add(asset, Decimal(size))
        moved = TransferUpdate(self.exchange, LABEL, self.now, self.now, asset=asset, amount=Decimal(size))
        return [moved, *self._balances([asset])]

    def _set(self, number: int, **changes: Any) -> Order:
        self.now += MS  # two states of one order are never of one millisecond
        order = msgspec.structs.replace(self.orders[number], updated_ns=self.now, **changes)
        self.orders[number] = order
        return order

    def _add(self, asset: str, amount: Decimal) -> None:
        self.totals[asset] += amount
        self.changed[asset] = self.last_change = self.now

    # What it tells.

    def _told(self, order: Order, execution: str) -> OrderUpdate:
        return OrderUpdate(
            self.exchange, LABEL, self.now, self.now, order=order, origin=order.origin, execution=execution
        )

    def balance(self, asset: str) -> Balance:
        total = self.totals[asset]
        if self.futures:
            return Balance(asset=asset, total=total, cross_wallet=total, updated_ns=self.changed[asset])
        return Balance(asset=asset, total=total, free=total, locked=Decimal(0), updated_ns=None)

    def _balances(self, assets: list[str]) -> list[AccountEvent]:
        return [
            BalanceUpdate(
                self.exchange,
                LABEL,
                self.now,
                self.now,
                balance=msgspec.structs.replace(self.balance(asset), updated_ns=self.now),
            )
            for asset in assets
        ]

    def _position(self, instrument: Instrument) -> PositionUpdate:
        quantity, at = self.positions[instrument]
        position = Position(instrument=instrument, side=PositionSide.BOTH, quantity=quantity, updated_ns=at)
        return PositionUpdate(self.exchange, LABEL, self.now, self.now, position=position)

    def snapshot(self) -> AccountSnapshot:
        return AccountSnapshot(
            exchange=self.exchange,
            account=LABEL,
            time_exchange=None if self.futures else self.last_change,
            time_received=self.now,
            balances=tuple(self.balance(asset) for asset, total in self.totals.items() if total),
            positions=tuple(
                self._position(instrument).position
                for instrument, (quantity, _) in self.positions.items()
                if quantity
            ),
            open_orders=tuple(order for order in self.orders if order.is_open),
        )

    def find(self, instrument: Instrument, client_order_id: str, order_id: str) -> Order:
        for order in self.orders:
            by_id = order.order_id == order_id or order.client_order_id == client_order_id
            if order.instrument == instrument and by_id:
                return order
        raise UnknownOrder(method="GET", url="", status=400, code=-2013, venue_message="no such order")

    def trades_of(self, instrument: Instrument, since_ns: int, from_id: str) -> list[TradeUpdate]:
        """Answers say less of a fill than the stream: not the client order id."""
        return [
            msgspec.structs.replace(trade, client_order_id="", origin=OrderOrigin.FOREIGN)
            for trade in self.trades
            if trade.instrument == instrument
            and (int(trade.trade_id) >= int(from_id) if from_id else (trade.time_exchange or 0) >= since_ns)
        ]


def call(name: str, answer: Callable[[], Any]) -> Call[Any]:
    return Call(name=name, method="GET", path=f"/{name}", decode=lambda _body, _received: answer())


def venue_of(model: Model) -> ExecutionVenue:
    """Return a venue that answers from a model at the moment of each answer."""

    def snapshot(self):
        balances = yield call("account", model.snapshot)
        orders = yield call("openOrders", lambda: model.snapshot().open_orders)
        return msgspec.structs.replace(balances, open_orders=orders)

    def order(self, instrument, *, client_order_id="", order_id="", conditional=None):
        return (yield call("order", lambda: model.find(instrument, client_order_id, order_id)))

    def trades(self, instrument, since_ns, until_ns, *, from_id=""):
        return (yield call("trades", lambda: model.trades_of(instrument, since_ns, from_id)))

    def unused(self, *args, **kwargs):
        raise AssertionError("a resync does not need that")

    methods: dict[str, Any] = dict.fromkeys(ExecutionVenue.__abstractmethods__, unused)
    fake = type(
        "FakeVenue", (ExecutionVenue,), methods | {"snapshot": snapshot, "order": order, "trades": trades}
    )
    venue = fake()
    venue.exchange, venue.environment = model.exchange, Environment.TESTNET
    venue.account, venue.prefix = LABEL, "own-"
    return venue


def converse(
    conversation: Generator[Any, Any, Any], before: Callable[[Call[Any]], ToucanError | None]
) -> Any:
    """Run a conversation; `before` is called ahead of each answer and may give an error in its place."""
    try:
        asked = next(conversation)
        while True:
            error = before(asked)
            try:
                answer = asked.decode(b"", 0) if error is None else None
            except ToucanError as refused:
                error = refused
            asked = conversation.send(answer) if error is None else conversation.throw(error)
    except StopIteration as end:
        return end.value


@pytest.fixture(scope="session")
def world():
    """The model, and how to talk with it."""
    return SimpleNamespace(Model=Model, venue_of=venue_of, converse=converse, label=LABEL, start=START, ms=MS)
