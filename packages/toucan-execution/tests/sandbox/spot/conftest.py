"""Spot's private side on a market of its own, asked as the server asks it, without a server."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest

from toucan_execution.decoding import Outcome
from toucan_execution.events import OrderUpdate, UnknownEvent, UnreadableEvent
from toucan_execution.mock import EngineSettings, FeeSchedule
from toucan_execution.orders import OrderType, TimeInForce
from toucan_execution.registry import decoder_named
from toucan_execution.testing.sandbox.endpoint import Ask
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.params import Params
from toucan_execution.testing.sandbox.spot_wire import SpotWire
from toucan_instrument import (
    Exchange,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Side,
    TradingRules,
)

D = Decimal
MILLI = 1_000_000
START_NS = 1_700_000_000_000 * MILLI
RULES = TradingRules(
    tick_size=D("0.01"),
    min_price=D("0.01"),
    max_price=D(1_000_000),
    step_size=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D(1000),
    market_max_quantity=D(500),
    min_notional=D(5),
    bid_multiplier_up=D(5),
    bid_multiplier_down=D("0.2"),
    ask_multiplier_up=D(5),
    ask_multiplier_down=D("0.2"),
    max_orders=20,
    max_algo_orders=5,
    max_iceberg_parts=10,
    max_position=D(150_000),
)
BTC = Instrument(
    exchange=Exchange.BINANCE_SPOT,
    symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    status=InstrumentStatus.TRADING,
    rules=RULES,
)
ETH = Instrument(
    exchange=Exchange.BINANCE_SPOT,
    symbol="ETHUSDT",
    kind=InstrumentKind.SPOT,
    base="ETH",
    quote="USDT",
    status=InstrumentStatus.TRADING,
    rules=TradingRules(tick_size=D("0.01"), step_size=D("0.01")),
)
SAME = (
    "client_order_id", "order_id", "side", "type", "status", "status_venue", "quantity", "filled_quantity",
    "prevented_quantity", "price", "filled_quote", "quote_quantity", "post_only", "trigger_price",
    "trailing_bips", "iceberg_quantity", "self_trade_prevention", "triggered", "list_id",
)  # fmt: skip
"""What is said of an order in the same way by the engine and, decoded, by the wire."""


class Desk:
    """A market with accounts ``a``, ``b`` and ``c``; every call comes a millisecond after the one before."""

    def __init__(self, *, settings=None, fees=None, keep=None, funds=100_000):
        self.market = SandboxMarket(
            Exchange.BINANCE_SPOT, (BTC, ETH), now_ns=START_NS, settings=settings, tell=lambda *_: None
        )
        self.engine = self.market.engine
        self.wire = SpotWire(self.market) if keep is None else SpotWire(self.market, keep=keep)
        self.market.wire = self.wire
        self.endpoints = {
            (each.method, each.path.removeprefix("/api/v3/")): each for each in self.wire.endpoints
        }
        self.now = START_NS
        self.told = {name: [] for name in "abc"}
        self.events = {name: [] for name in "abc"}
        self.decoder = decoder_named("binance-spot", "a")
        fees = fees or FeeSchedule(maker=D("0.001"), taker=D("0.002"))
        for name in "abc":
            self.engine.open_account(name, fees=fees)
            self.engine.listen(name, lambda events, name=name: self.hear(name, events))
            for asset in ("BTC", "USDT", "ETH"):
                self.engine.deposit(name, asset, D(funds), self.tick())

    def hear(self, name, events):
        self.events[name] += events
        self.told[name] += json.loads(json.dumps(self.wire.payloads(name, events)))

    def tick(self):
        self.now += MILLI
        return self.now

    def endpoint(self, call):
        method, _, path = call.partition(" ")
        return self.endpoints[method, path]

    def request(self, call, account="a", **params):
        """Return an endpoint and what it is asked, as the server hands it on."""
        endpoint = self.endpoint(call)
        sent = Params({"timestamp": 1, "signature": "x", **params})
        sent.check(endpoint.required, endpoint.optional)
        return endpoint, Ask(market=self.market, account=account, params=sent, now_ns=self.tick())

    def ask(self, call, account="a", **params):
        """Ask something; return the answer as it is after JSON."""
        endpoint, ask = self.request(call, account, **params)
        return json.loads(msgspec.json.encode(endpoint.act(ask)))

    def fails(self, call, code, text=None, account="a", **params):
        """Ask something that is refused, and changes nothing; return the error."""
        before = self.engine.snapshot(account)
        with pytest.raises(ApiError) as caught:
            self.ask(call, account, **params)
        error = caught.value
        assert error.code == code, error
        if text is not None:
            assert error.text == text
        after = self.engine.snapshot(account)
        assert (before.balances, before.open_orders) == (after.balances, after.open_orders)
        return error

    def place(self, side, kind="LIMIT", account="a", **params):
        """Place an order; its numbers may be numbers."""
        if kind in {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}:
            params.setdefault("timeInForce", "GTC")
        texts = {name: str(value) for name, value in params.items()}
        return self.ask("POST order", account, symbol="BTCUSDT", side=side, type=kind, **texts)

    def limit(self, side, quantity, price, account="a", **params):
        return self.place(side, account=account, quantity=quantity, price=price, **params)

    def trade(self, price, aggressor="buy", quantity=1):
        """Let the market outside trade: that is the last price."""
        self.engine.feed_trade(BTC, D(str(price)), D(quantity), Side(aggressor), self.tick())

    def book(self, bids=(), asks=()):
        sides = [[(D(str(price)), D(str(quantity))) for price, quantity in side] for side in (bids, asks)]
        self.engine.feed_book(BTC, *sides, self.tick())

    def reports(self, account="a", since=0, kind="executionReport"):
        return [each for each in self.told[account][since:] if each["e"] == kind]

    def order(self, row, account="a"):
        """Return the engine's own view of an order."""
        return self.engine.order(account, BTC, order_id=str(row["orderId"]))

    def decoded(self, body):
        """Read an answer or an event with our own decoder."""
        found = self.decoder.decode(json.dumps(body).encode(), 9)
        assert found.outcome is Outcome.EVENTS, body
        assert not any(isinstance(each, (UnreadableEvent, UnknownEvent)) for each in found.values)
        return list(found.values)

    def check_order(self, body, order, *, pegged=False):
        """Compare an order on the wire with the engine's."""
        told = next(each.order for each in self.decoded(body) if isinstance(each, OrderUpdate))
        for name in SAME:
            mine, theirs = getattr(told, name), getattr(order, name)
            if name == "price" and pegged:
                continue
            if name == "client_order_id" and body.get("x") == "REPLACED":
                assert (mine, body["c"]) == (body["C"], theirs)  # the id that it had (facts E.2.3)
                continue
            if name == "type" and OrderType.TRAILING_STOP_MARKET in (mine, theirs):
                mine = theirs = OrderType.TRAILING_STOP_MARKET
            if name == "triggered" and theirs is False and order.status.is_final:
                continue
            if name in ("filled_quote", "quantity") and mine is None:
                mine = theirs if not theirs else mine
            assert mine == theirs, (name, mine, theirs, body)
        assert told.time_in_force == (order.time_in_force or TimeInForce.GTC)
        if order.average_price is not None:
            assert abs(told.average_price - order.average_price) < D("1e-12")
        return told

    def check_account(self, account="a"):
        """Compare what is told of balances, asked and streamed, with what the engine holds."""
        row = self.ask("GET account", account)
        asked = {each["asset"]: (D(each["free"]), D(each["locked"])) for each in row["balances"]}
        streamed = {}
        for event in self.reports(account, kind="outboundAccountPosition"):
            streamed |= {each["a"]: (D(each["f"]), D(each["l"])) for each in event["B"]}
        held = {each.asset: (each.free, each.locked) for each in self.engine.balances(account)}
        for asset, amounts in [*asked.items(), *streamed.items()]:
            assert amounts == held.get(asset, (D(0), D(0)))


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def make_desk():
    """Return what makes a market."""
    return Desk


@pytest.fixture
def settings():
    return EngineSettings.for_market(Exchange.BINANCE_SPOT)
