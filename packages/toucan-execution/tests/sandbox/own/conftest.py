"""Our own client on the sandbox, without sockets and on a clock that the test moves."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

import msgspec
import pytest

from toucan_execution.client.binance.clients import BinanceExecution
from toucan_execution.client.binance.config import Market
from toucan_execution.events import AccountResynced, OrderUpdate, OutOfSync, TradeUpdate
from toucan_execution.mock import EngineSettings, FeeSchedule
from toucan_execution.orders import OrderRequest, OrderType
from toucan_execution.testing.sandbox import Sandbox
from toucan_instrument import Side
from toucan_instrument.testing.clock import FakeClock

D = Decimal
MILLI = 1_000_000
SECOND = 1_000_000_000
SYMBOL = {"spot": "BTCUSDT", "usd-m": "BTCUSDT", "coin-m": "BTCUSD_PERP"}
LOT = {"spot": D("0.010"), "usd-m": D("0.010"), "coin-m": D(2)}
BALANCES = {
    "spot": {"USDT": 10**6, "BTC": 20, "ETH": 20},
    "usd-m": {"USDT": 10**5},
    "coin-m": {"BTC": 2, "ETH": 20},
}
POOR = {"spot": 10_000, "usd-m": 10_000, "coin-m": 20_000}
"""How many lots nobody can pay for."""
FEES = FeeSchedule(maker=D("0.0002"), taker=D("0.0005"))
ORDER = (
    "client_order_id", "order_id", "side", "type", "status", "quantity", "filled_quantity",
    "prevented_quantity", "price", "average_price", "post_only", "reduce_only", "close_position",
    "position_side", "trigger_price", "trailing_bips", "activation_price", "iceberg_quantity", "algo_id",
)  # fmt: skip
"""What everybody has to say alike of an order."""
UNSAID = {"prevented_quantity"}
"""What the futures do not say of an order."""
FILL = (
    "instrument", "trade_id", "order_id", "side", "price", "quantity", "quote_quantity", "fee", "fee_asset",
    "maker", "realized_profit", "position_side", "time_exchange",
)  # fmt: skip
POSITION = ("instrument", "side", "quantity", "entry_price")


def told(one, names):
    """Return what is said of something, without what is not said."""
    return {name: value for name in names if (value := getattr(one, name)) is not None}


def differences(ours, theirs, names):
    """Compare what is said by both; whoever is told less than the engine knows says None."""
    return {
        name: (value, getattr(theirs, name))
        for name, value in told(ours, names).items()
        if not alike(name, value, getattr(theirs, name))
    }


def fill_of(trade):
    """Return what tells a fill apart: two that an account had with itself have one id."""
    return trade.instrument, trade.trade_id, trade.side


def alike(name, ours, theirs):
    """Compare two values; averages are rounded in more than one way, and spot trails by a stop."""
    if name == "average_price" and ours is not None and theirs is not None:
        return abs(ours - theirs) < D("1e-4")
    if name == "time_exchange" and theirs is not None:  # the venue says milliseconds
        return ours // MILLI == theirs // MILLI
    if name == "quote_quantity" and theirs is None:  # COIN-M says what the contracts are worth
        return True
    if name == "type" and OrderType.TRAILING_STOP_MARKET in (ours, theirs):
        return {ours, theirs} <= {OrderType.TRAILING_STOP_MARKET, OrderType.STOP_MARKET}
    return ours == theirs


class Player:
    """One of our clients, and all that it has told."""

    def __init__(self, stage, client):
        self.stage, self.client, self.events = stage, client, []
        self.name = client.name

    async def watch(self):
        async for event in self.client.account_stream():
            self.events.append(event)

    def of(self, *kinds):
        return [event for event in self.events if isinstance(event, kinds)]

    def order(self, side="buy", price=None, *, lots=1, kind=None, **more):
        """Write an order: of the market where it has no price, else with a limit."""
        stage = self.stage
        if kind is None:
            kind = OrderType.MARKET if price is None else OrderType.LIMIT
        if not {"quantity", "quote_quantity", "close_position"} & set(more):
            more["quantity"] = stage.lot * lots
        if price is not None:
            price = D(price)
        return OrderRequest(
            instrument=stage.instrument, side=Side(side), type=OrderType(kind), price=price, **more
        )

    async def place(self, *args, **options):
        return await self.client.place_order(self.order(*args, **options))

    def last(self, outcome):
        """Return what is known of an order that was placed."""
        return self.client.account.order(outcome.client_order_id)

    def engine_order(self, outcome):
        return self.stage.engine.order(
            self.name, self.stage.instrument, client_order_id=outcome.client_order_id
        )

    # What has to be equal.

    def agrees(self):
        """Compare all that the client holds with all that the engine holds."""
        engine, view = self.stage.engine, self.client.account
        for theirs in engine.balances(self.name):
            ours = view.balance(theirs.asset)
            names = ("total",) if self.stage.futures else ("total", "free", "locked")
            assert told(ours, names) == told(theirs, names), (ours, theirs)
        positions = engine.positions(self.name)
        assert len(view.positions()) == len(positions)
        for theirs in positions:
            assert not differences(view.position(theirs.instrument, theirs.side), theirs, POSITION)
        held = {order.client_order_id: order for order in engine.open_orders(self.name)}
        assert {order.client_order_id for order in view.open_orders()} == set(held)
        assert self.client.unknown == ()
        for theirs in self.engine_orders():
            ours = view.order(theirs.client_order_id)
            if ours is None:  # it was over before this client was there
                assert not theirs.is_open
                continue
            if ours.order_id in ("", theirs.order_id):  # ids may be used again once an order is over
                assert not self.stage.differences(ours, theirs)

    def engine_orders(self):
        engine, market = self.stage.engine, self.stage.market
        return [
            order
            for instrument in market.instruments.values()
            for order in engine.orders(self.name, instrument, 0, 2**63)
        ]

    def engine_trades(self):
        engine, market = self.stage.engine, self.stage.market
        return [
            trade
            for instrument in market.instruments.values()
            for trade in engine.trades(self.name, instrument, 0, 2**63)
        ]

    def told_every_fill_once(self):
        ours = {fill_of(trade): trade for trade in self.of(TradeUpdate)}
        assert len(ours) == len(self.of(TradeUpdate))
        theirs = self.engine_trades()
        assert set(ours) == {fill_of(trade) for trade in theirs}
        for trade in theirs:
            mine = ours[fill_of(trade)]
            assert not differences(mine, trade, FILL)

    async def rest_agrees(self):
        """Compare what REST says with what the engine holds."""
        engine, client = self.stage.engine, self.client
        snapshot, held = await client.account_snapshot(), engine.snapshot(self.name)
        assert len(snapshot.positions) == len(held.positions)
        for ours, theirs in zip(
            sorted(snapshot.positions, key=lambda each: (each.instrument.symbol, each.side)),
            sorted(held.positions, key=lambda each: (each.instrument.symbol, each.side)),
            strict=True,
        ):
            assert not differences(ours, theirs, POSITION)
        balances = {each.asset: each for each in held.balances}
        for ours in snapshot.balances:
            assert not differences(ours, balances.pop(ours.asset), ("asset", "total", "free", "locked"))
        assert not any(each.total for each in balances.values())
        orders = {each.client_order_id: each for each in held.open_orders}
        assert {each.client_order_id for each in snapshot.open_orders} == set(orders)
        for ours in snapshot.open_orders:
            assert not self.stage.differences(ours, orders[ours.client_order_id])
        for instrument in self.stage.market.instruments.values():
            trades = await client.fetch_trades(instrument, self.stage.begun_ns)
            held = engine.trades(self.name, instrument, 0, 2**63)
            assert sorted(map(fill_of, trades), key=str) == sorted(map(fill_of, held), key=str)
            rows = await client.fetch_orders(instrument, self.stage.begun_ns)
            theirs = {each.client_order_id: each for each in engine.orders(self.name, instrument, 0, 2**63)}
            assert {row.client_order_id for row in rows} == set(theirs)


class Stage:
    """A sandbox, its clock, and clients of it."""

    def __init__(self, name, *, latency_ns=2 * MILLI, **options):
        self.name = name
        random.seed(name)  # where a client takes its jitter from
        self.clock = FakeClock()
        options = {"pace_ms": None, "seed": None, "balances": BALANCES, **options}
        markets = options.pop("markets", [name])
        options["settings"] = {
            each: msgspec.structs.replace(EngineSettings.for_market(Market(each).exchange), fees=FEES)
            for each in markets
        }
        self.sandbox = Sandbox(markets, clock=self.clock, **options)
        self.market = self.sandbox.market(name)
        self.engine = self.market.engine
        self.instrument = self.market.instruments[SYMBOL[name]]
        self.futures = self.market.futures
        self.lot, self.poor = LOT[name], POOR[name]
        self.latency_ns = latency_ns
        self.begun_ns = self.sandbox.now_ns()
        self.stack = AsyncExitStack()
        if options["seed"] is None:
            self.feed_book()
            self.feed_trade(60_000, "buy")

    def differences(self, ours, theirs):
        """Compare an order that a client knows with the engine's."""
        left_out = UNSAID if self.futures else set()
        if theirs.close_position:  # which the venue calls reduce-only as well
            left_out = left_out | {"reduce_only"}
        return differences(ours, theirs, [name for name in ORDER if name not in left_out])

    async def open(self, *, account="main", kind="hmac", ready=True, market=None, **options):
        """Open a client."""
        options = {"client_id_prefix": account, **options}
        config = self.sandbox.config(market or self.name, account=account, kind=kind, **options)
        client = BinanceExecution.new_with_config(
            config, network=self.sandbox.network(latency_ns=self.latency_ns), clock=self.clock
        )
        player = Player(self, client)
        player.watching = asyncio.ensure_future(player.watch())
        self.stack.push_async_callback(self._end, player)
        if ready:
            await client.ready(60)
            await self.idle()
        return player

    @staticmethod
    async def _end(player):
        await player.client.close()
        if not player.watching.done():
            await player.watching

    async def idle(self, seconds=0.02):
        """Let what is under way arrive."""
        await self.clock.sleep_until(self.clock.monotonic_ns() + int(seconds * SECOND))

    async def until(self, done, within=600):
        end = self.clock.monotonic_ns() + within * SECOND
        while not done():
            assert self.clock.monotonic_ns() < end, f"not within {within} s"
            await self.idle()

    async def in_step(self, player, *, resyncs):
        """Wait until a client has been brought in step so many times, and again agrees."""
        await self.until(lambda: len(player.of(AccountResynced)) >= resyncs and player.client.synced)
        await self.idle(0.5)
        assert len(player.of(OutOfSync)) == resyncs - 1
        player.agrees()

    @property
    def bid(self):
        return self.market.top(self.instrument.symbol)[0][0]

    @property
    def ask(self):
        return self.market.top(self.instrument.symbol)[1][0]

    def feed_book(self, bid=59_990, ask=60_010):
        """Let there be two levels of somebody outside on each side, ten apart."""
        bids, asks = (
            [(D(best + sign * 10 * number), self.lot * (100 + 400 * number)) for number in range(2)]
            for best, sign in ((bid, -1), (ask, 1))
        )
        self.engine.feed_book(self.instrument, bids, asks, max(self.market.now_ns, self.sandbox.now_ns()))

    def feed_trade(self, price, side, lots=1):
        """Let somebody outside trade."""
        market = self.market
        market.engine.feed_trade(
            self.instrument, D(price), self.lot * lots, Side(side), max(market.now_ns, self.sandbox.now_ns())
        )
        self.sandbox.pass_time()

    def feed_mark(self, price):
        market = self.market
        market.engine.feed_mark(self.instrument, D(price), max(market.now_ns, self.sandbox.now_ns()))
        self.sandbox.pass_time()

    def count(self, account="main"):
        """Return how many orders the engine has had of an account."""
        return len(self.engine.orders(account, self.instrument, 0, 2**63))


@pytest.fixture
def stage_of():
    @asynccontextmanager
    async def make(name, **options):
        stage = Stage(name, **options)
        stage.sandbox.run()
        try:
            async with stage.clock.running(), stage.stack:
                yield stage
        finally:
            await stage.sandbox.stop()

    return make


@pytest.fixture
def states_of():
    """Return where an order stood, one after another, as a client was told."""

    def states(player, client_order_id):
        found = [
            event.order.status
            for event in player.of(OrderUpdate)
            if event.order.client_order_id == client_order_id
        ]
        return [state.value for number, state in enumerate(found) if not number or state != found[number - 1]]

    return states
