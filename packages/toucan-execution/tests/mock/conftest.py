"""A paper exchange to play with, and short ways to write orders."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.events import OrderUpdate, TradeUpdate
from toucan_execution.mock.engine import Engine
from toucan_execution.mock.results import Done, Refused
from toucan_execution.mock.settings import EngineSettings, FeeSchedule
from toucan_execution.orders import AmendRequest, CancelRequest, OrderRequest, OrderType
from toucan_instrument import (
    Exchange,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    QuantityUnit,
    Side,
    TradingRules,
)

D = Decimal
BTC = Instrument(
    exchange=Exchange.BINANCE_SPOT,
    symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    status=InstrumentStatus.TRADING,
    rules=TradingRules(tick_size=D("0.1"), step_size=D("0.001"), min_quantity=D("0.001"), min_notional=D(5)),
)
BNB = Instrument(
    exchange=Exchange.BINANCE_SPOT,
    symbol="BNBUSDT",
    kind=InstrumentKind.SPOT,
    base="BNB",
    quote="USDT",
    status=InstrumentStatus.TRADING,
)
PERP = Instrument(
    exchange=Exchange.BINANCE_USD_M,
    symbol="BTCUSDT",
    kind=InstrumentKind.PERPETUAL,
    base="BTC",
    quote="USDT",
    settle="USDT",
    status=InstrumentStatus.TRADING,
    rules=TradingRules(tick_size=D("0.1"), step_size=D("0.001"), min_quantity=D("0.001"), min_notional=D(5)),
)
COIN = Instrument(
    exchange=Exchange.BINANCE_COIN_M,
    symbol="BTCUSD_PERP",
    kind=InstrumentKind.PERPETUAL,
    base="BTC",
    quote="USD",
    settle="BTC",
    contract_size=D(100),
    inverse=True,
    quantity_unit=QuantityUnit.CONTRACTS,
    status=InstrumentStatus.TRADING,
    rules=TradingRules(tick_size=D("0.1"), step_size=D(1), min_quantity=D(1)),
)
INSTRUMENTS = {
    Exchange.BINANCE_SPOT: (BTC, BNB),
    Exchange.BINANCE_USD_M: (PERP,),
    Exchange.BINANCE_COIN_M: (COIN,),
}


class World:
    """An engine with accounts ``a``, ``b`` and ``c``, whose time moves on by one with every call."""

    def __init__(
        self, exchange=Exchange.BINANCE_SPOT, *, fees=None, settings=None, funds=100_000, accounts="abc"
    ):
        settings = settings or EngineSettings.for_market(exchange)
        self.engine = Engine(exchange, INSTRUMENTS[exchange], settings=settings)
        self.instrument = INSTRUMENTS[exchange][0]
        self.now = 0
        self.events = {name: [] for name in accounts}
        self.public = []
        self.engine.listen_public(self.public.extend)
        for name in accounts:
            self.engine.open_account(name, fees=fees or FeeSchedule())
            self.engine.listen(name, self.events[name].extend)
            assets = {"BTC", "USDT", "BNB"} if settings.spot else {self.instrument.settle}
            for asset in sorted(assets):
                self.engine.deposit(name, asset, D(funds), self.tick())

    def tick(self, ns=1):
        self.now += ns
        return self.now

    def request(self, side, kind=OrderType.LIMIT, quantity=None, price=None, **more):
        numbers = {
            key: None if value is None else D(str(value))
            for key, value in (("quantity", quantity), ("price", price))
        }
        more.setdefault("instrument", self.instrument)
        return OrderRequest(side=Side(side), type=OrderType(kind), **numbers, **more)

    def place(self, name, side, kind=OrderType.LIMIT, quantity=None, price=None, **more):
        """Place an order; return the engine's answer."""
        return self.engine.place(name, self.request(side, kind, quantity, price, **more), self.tick())

    def done(self, name, side, kind=OrderType.LIMIT, quantity=None, price=None, **more):
        """Place an order that is accepted; return it as it then is."""
        result = self.place(name, side, kind, quantity, price, **more)
        assert isinstance(result, Done), result
        return result.order

    def refused(self, name, side, kind=OrderType.LIMIT, quantity=None, price=None, **more):
        """Place an order that is refused; return why."""
        before = self.engine.snapshot(name)
        result = self.place(name, side, kind, quantity, price, **more)
        assert isinstance(result, Refused), result
        after = self.engine.snapshot(name)
        assert (before.balances, before.open_orders) == (after.balances, after.open_orders)
        return result

    def cancel(self, name, order):
        return self.engine.cancel(
            name,
            CancelRequest(instrument=order.instrument, order_id=order.order_id or order.algo_id),
            self.tick(),
        )

    def amend(self, name, order, quantity=None, price=None, **more):
        request = AmendRequest(
            instrument=order.instrument,
            order_id=order.order_id,
            quantity=None if quantity is None else D(str(quantity)),
            price=None if price is None else D(str(price)),
            **more,
        )
        return self.engine.amend(name, request, self.tick())

    def book(self, bids=(), asks=()):
        """Feed a book of ``(price, quantity)``."""
        levels = [[(D(str(price)), D(str(quantity))) for price, quantity in side] for side in (bids, asks)]
        self.engine.feed_book(self.instrument, *levels, self.tick())

    def trade(self, price, quantity=1, aggressor="buy", instrument=None):
        self.engine.feed_trade(
            instrument or self.instrument, D(str(price)), D(str(quantity)), Side(aggressor), self.tick()
        )

    def mark(self, price):
        self.engine.feed_mark(self.instrument, D(str(price)), self.tick())

    def order(self, name, order):
        """Return an order as it is now."""
        return self.engine.order(name, order.instrument, client_order_id=order.client_order_id)

    def balance(self, name, asset):
        return next((each for each in self.engine.balances(name) if each.asset == asset), None)

    def position(self, name):
        return next(iter(self.engine.positions(name)), None)

    def fills(self, name):
        return [event for event in self.events[name] if isinstance(event, TradeUpdate)]

    def updates(self, name, order):
        """Return what was told of an order: what happened, and where it then stood."""
        return [
            (event.execution, event.order.status.value)
            for event in self.events[name]
            if isinstance(event, OrderUpdate) and event.order.client_order_id == order.client_order_id
        ]


@pytest.fixture(scope="session")
def world():
    """Return what makes a paper exchange."""
    return World


@pytest.fixture
def spot():
    return World()


@pytest.fixture
def usd():
    return World(Exchange.BINANCE_USD_M)


@pytest.fixture
def coin():
    return World(Exchange.BINANCE_COIN_M, funds=100)
