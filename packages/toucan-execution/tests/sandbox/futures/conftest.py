"""The private side of a futures market, asked as the server asks it, without a server."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest

from toucan_execution.account import LeverageBracket
from toucan_execution.client.binance import venue_answers as answers
from toucan_execution.events import UnknownEvent, UnreadableEvent
from toucan_execution.mock import EngineSettings, FeeSchedule
from toucan_execution.registry import decoder_named
from toucan_execution.testing.sandbox.endpoint import Ask
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.futures_wire import FuturesWire
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.params import Params
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
USD_M, COIN_M = Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M
MILLI = 1_000_000
START_NS = 1_790_000_000_000 * MILLI
FEES = FeeSchedule(maker=D("0.0002"), taker=D("0.0005"))


def linear(symbol, quote="USDT", **more):
    rules = TradingRules(
        tick_size=D("0.10"),
        min_price=D("10.00"),
        max_price=D(1_000_000),
        price_anchored=True,
        step_size=D("0.001"),
        min_quantity=D("0.002"),
        max_quantity=D(1_000),
        market_max_quantity=D(100),
        min_notional=D(50),
        bid_multiplier_up=D("1.5"),
        bid_multiplier_down=D("0.5"),
        ask_multiplier_up=D("1.5"),
        ask_multiplier_down=D("0.5"),
        max_orders=20,
        max_algo_orders=10,
    )
    fields = {"status": InstrumentStatus.TRADING, "rules": rules, "settle": quote, **more}
    return Instrument(
        exchange=USD_M,
        symbol=symbol,
        kind=InstrumentKind.PERPETUAL,
        base=symbol.removesuffix(quote),
        quote=quote,
        **fields,
    )


def inverse(symbol, size=100):
    base = symbol.partition("USD_")[0]
    return Instrument(
        exchange=COIN_M,
        symbol=symbol,
        kind=InstrumentKind.PERPETUAL,
        base=base,
        quote="USD",
        settle=base,
        contract_size=D(size),
        inverse=True,
        quantity_unit=QuantityUnit.CONTRACTS,
        status=InstrumentStatus.TRADING,
        rules=TradingRules(
            tick_size=D("0.1"),
            min_price=D(10),
            max_price=D(1_000_000),
            step_size=D(1),
            min_quantity=D(1),
            max_quantity=D(10_000),
            min_notional=D(200),
            max_orders=20,
            max_algo_orders=10,
        ),
    )


INSTRUMENTS = {
    USD_M: (linear("BTCUSDT"), linear("ETHUSDT"), linear("BTCUSDC", "USDC")),
    COIN_M: (inverse("BTCUSD_PERP"), inverse("ETHUSD_PERP", 10)),
}


def settings_of(exchange, **more):
    first = INSTRUMENTS[exchange][0]
    rows = (
        (1, 125, 0, 50_000 if exchange is USD_M else 50, "0.004", 0),
        (2, 50, 50_000 if exchange is USD_M else 50, 500_000, "0.005", 50),
    )
    brackets = tuple(
        LeverageBracket(
            instrument=first,
            bracket=number,
            max_leverage=leverage,
            floor=D(floor),
            cap=D(cap),
            maintenance_margin=D(rate),
            cumulative=D(cum) if exchange is USD_M else D("0.05") * (number - 1),
        )
        for number, leverage, floor, cap, rate, cum in rows
    )
    usual = EngineSettings.for_market(exchange)
    return msgspec.structs.replace(usual, fees=FEES, brackets={first: brackets}, **more)


class Stage:
    """A market with accounts ``a``, ``b`` and ``m``, and all that they were told."""

    def __init__(self, exchange, *, funds=None, sibling=True, **settings):
        self.exchange = exchange
        self.coin = exchange is COIN_M
        self.name = exchange.value.replace("_", "-")
        self.prefix = "/dapi" if self.coin else "/fapi"
        self.now_ns = START_NS
        self.told = {name: [] for name in "abm"}
        self.market = self._market(exchange, **settings)
        self.engine, self.wire = self.market.engine, self.market.wire
        self.first, self.symbol = INSTRUMENTS[exchange][0], INSTRUMENTS[exchange][0].symbol
        self.settle = self.first.settle
        if sibling:
            other = USD_M if self.coin else COIN_M
            self.market.sibling = self._market(other)
            self.market.sibling.sibling = self.market
        amount = D(funds if funds is not None else 100 if self.coin else 1_000_000)
        for name in self.told if amount else ():
            self.engine.deposit(name, self.settle, amount, self.tick())
        for told in self.told.values():
            told.clear()
        self.table = {(each.method, each.path): each for each in self.wire.endpoints}
        self.methods = {name: each for each in self.wire.endpoints for name in each.ws}
        self.decoder = decoder_named(self.name, "main")
        self.scope = self.decoder.scope
        # Prices that orders are made of: around 100, where a contract is worth one BTC.
        self.quantity = 10 if self.coin else 1

    def _market(self, exchange, **settings):
        market = SandboxMarket(
            exchange,
            INSTRUMENTS[exchange],
            now_ns=self.now_ns,
            settings=settings_of(exchange, **settings),
            tell=lambda _, account, payloads: self.told[account].extend(payloads),
        )
        market.wire = FuturesWire(market)
        for name in self.told:
            market.engine.open_account(name)
            market.engine.listen(
                name, lambda events, name=name: self.told[name].extend(market.wire.payloads(name, events))
            )
        return market

    def tick(self, ms=1):
        self.now_ns += ms * MILLI
        return self.now_ns

    # Asking.

    def ask(self, method, path, account="a", *, market=None, **params):
        """Ask over REST: parameters are texts, answers are JSON."""
        market = market or self.market
        table = (
            self.table if market is self.market else {(e.method, e.path): e for e in market.wire.endpoints}
        )
        texts = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()
        }
        return self._act(market, table[method, path], account, texts)

    def ws(self, name, account="a", **params):
        """Ask over the WebSocket API: parameters are JSON values."""
        return self._act(self.market, self.methods[name], account, params)

    def _act(self, market, endpoint, account, values):
        params = Params(values)
        params.check(endpoint.required, endpoint.optional)
        assert endpoint.cost(params) >= 0
        assert endpoint.orders(params) >= 0
        self.tick()
        market.engine.advance(self.now_ns)
        ask = Ask(market=market, account=account, params=params, now_ns=self.now_ns)
        return json.loads(msgspec.json.encode(endpoint.act(ask)))

    def v1(self, method, path, account="a", **params):
        return self.ask(method, f"{self.prefix}/v1/{path}", account, **params)

    def code(self, method, path, account="a", **params):
        """Return the code of the error that a request is answered with."""
        full = path if path.startswith("/") else f"{self.prefix}/v1/{path}"
        with pytest.raises(ApiError) as caught:
            self.ask(method, full, account, **params)
        return caught.value.code

    def order(self, side="BUY", price=100, quantity=None, account="a", **more):
        """Place an order, by default a limit order."""
        params = {"symbol": self.symbol, "side": side, "type": "LIMIT" if price else "MARKET"}
        params["quantity"] = str(quantity or self.quantity)
        if price:
            params |= {"price": str(price), "timeInForce": "GTC"}
        return self.v1("POST", "order", account, **params | more)

    def algo(self, side="SELL", kind="STOP_MARKET", trigger=90, account="a", **more):
        """Place a conditional order."""
        params = {"algoType": "CONDITIONAL", "symbol": self.symbol, "side": side, "type": kind}
        if "closePosition" not in more:
            params["quantity"] = str(self.quantity)
        if trigger:
            params["triggerPrice"] = str(trigger)
        return self.v1("POST", "algoOrder", account, **params | more)

    # The market.

    def trade(self, price, quantity=1, aggressor="buy"):
        self.engine.feed_trade(self.first, D(str(price)), D(str(quantity)), Side(aggressor), self.tick())

    def mark(self, price):
        self.engine.feed_mark(self.first, D(str(price)), self.tick())

    def book(self, bids=(), asks=()):
        sides = [[(D(str(price)), D(str(quantity))) for price, quantity in side] for side in (bids, asks)]
        self.engine.feed_book(self.first, *sides, self.tick())

    def open_position(self, quantity=None, price=100, account="a", side="BUY"):
        """Let an account hold a position, against ``m``."""
        other = "SELL" if side == "BUY" else "BUY"
        self.order(other, price, quantity, account="m")
        return self.order(side, price, quantity, account=account)

    # Reading with the client's own decoders.

    def read_order(self, row):
        return answers.futures_order(self.scope, msgspec.json.encode(row))

    def read_algo(self, row):
        return answers.futures_algo(self.scope, msgspec.json.encode(row))

    def events(self, account="a", *kinds):
        """Return what an account was told, read by the client's decoder, and forget it."""
        told = self.told[account][:]
        self.told[account].clear()
        found = [event for each in told for event in self.decoder.read(msgspec.json.encode(each), 9)]
        assert not [each for each in found if isinstance(each, (UnreadableEvent, UnknownEvent))]
        return [each for each in found if not kinds or isinstance(each, kinds)]

    def names(self, account="a"):
        """Return the names of what an account was told, and forget it."""
        told = [_name(each) for each in self.told[account]]
        self.told[account].clear()
        return told

    def engine_order(self, account="a", **ids):
        return self.engine.order(account, self.first, **ids)


def _name(payload):
    order = payload.get("o")
    if isinstance(order, dict):
        return f"{payload['e']} {order['x']} {order['X']}" if "x" in order else f"{payload['e']} {order['X']}"
    return f"{payload['e']} {payload['a']['m']}" if payload["e"] == "ACCOUNT_UPDATE" else payload["e"]


@pytest.fixture(scope="session")
def stage_of():
    """Return what makes a market."""
    return Stage


@pytest.fixture(params=[USD_M, COIN_M], ids=["usd-m", "coin-m"])
def stage(request):
    return Stage(request.param)


@pytest.fixture
def usd():
    return Stage(USD_M)


@pytest.fixture
def coin():
    return Stage(COIN_M)
