"""What a market tells, what REST answers and what the engine holds are the same at every step."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from toucan_execution.mock import Done
from toucan_execution.orders import CancelRequest, OrderRequest, OrderType, TimeInForce
from toucan_execution.testing.sandbox.endpoint import Ask
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.params import Params
from toucan_execution.testing.sandbox.public import public_endpoints
from toucan_instrument import Side
from toucan_instrument.testing.ticks import (
    MINUTE,
    AverageTick,
    BookDelta,
    CandleTick,
    LiquidationTick,
    MarkTick,
    TickerTick,
    TopTick,
    TradeTick,
)

D = Decimal
MILLI = 1_000_000
SECOND = 1_000_000_000
HOUR = 3600 * SECOND
MARKETS = ("spot", "usd-m", "coin-m")
STEPS = 250


class Follower:
    """Keeps what the ticks tell, as a client of the streams would."""

    def __init__(self, market):
        self.market = market
        self.books = {symbol: ({}, {}) for symbol in market.instruments}
        self.update_ids = {}
        self.tops = {}
        self.trades = {symbol: [] for symbol in market.instruments}
        self.candles = {}
        self.kinds = set()

    def take(self):
        for tick in self.market.take_ticks():
            self.kinds.add(type(tick))
            if isinstance(tick, BookDelta):
                self._delta(tick)
            elif isinstance(tick, TopTick):
                self.tops[tick.symbol] = (tick.bid, tick.ask)
                assert tick.update_id == self.update_ids[tick.symbol]
            elif isinstance(tick, TradeTick):
                self.trades[tick.symbol].append(tick)
            elif isinstance(tick, CandleTick) and tick.interval_ns == MINUTE:
                self.candles[tick.symbol, tick.open_ns] = tick

    def _delta(self, tick):
        before = self.update_ids.get(tick.symbol)
        if before is not None:
            assert tick.previous_id == before
            if not self.market.futures:
                assert tick.first_id == before + 1
        assert tick.first_id <= tick.last_id
        self.update_ids[tick.symbol] = tick.last_id
        for side, levels in zip(self.books[tick.symbol], (tick.bids, tick.asks), strict=True):
            for price, quantity in levels:
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)

    def book(self, symbol):
        bids, asks = self.books[symbol]
        return tuple(sorted(bids.items(), reverse=True)), tuple(sorted(asks.items()))


class Trading:
    """Accounts and a market outside that do things by chance."""

    def __init__(self, core, seed):
        self.core, self.market, self.engine = core, core.market, core.market.engine
        self.rng = random.Random(seed)
        self.public_trades = []
        self.engine.listen_public(self.public_trades.extend)
        for name in ("main", "other"):
            self.engine.open_account(name)
            for asset in ("USDT", "BTC", "ETH"):
                self.engine.deposit(name, asset, D(1_000_000), core.now_ns)
            self.engine.listen(name, lambda events, name=name: self.market.wire.payloads(name, events))
        self.done = 0

    @property
    def now(self):
        return self.core.now_ns

    def price(self):
        return D(1_000) + self.rng.randint(-15, 15)

    def quantity(self):
        return D(self.rng.randint(1, 20))

    def levels(self, side, count=6):
        start, step = (D(999), -1) if side is Side.BUY else (D(1_001), 1)
        shift = self.rng.randint(-2, 2)
        return [(start + shift + step * number, self.quantity()) for number in range(count)]

    def act(self):
        instrument = self.rng.choice(list(self.market.instruments.values()))
        self.core.now_ns += self.rng.randint(1, 4_000) * MILLI
        self.market.advance(self.now)
        what = self.rng.choice(("book", "trade", "order", "order", "order", "order", "cancel", "mark"))
        getattr(self, f"do_{what}")(instrument)

    def do_book(self, instrument):
        shift = self.rng.randint(-4, 4)
        bids = [(price + shift, quantity) for price, quantity in self.levels(Side.BUY)]
        top = bids[0][0]
        asks = [(top + 1 + number * 2, self.quantity()) for number in range(6)]
        self.engine.feed_book(instrument, bids, asks, self.now)

    def do_trade(self, instrument):
        side = self.rng.choice(list(Side))
        self.engine.feed_trade(instrument, self.price(), self.quantity(), side, self.now)

    def do_mark(self, instrument):
        if self.market.futures:
            self.engine.feed_mark(instrument, self.price(), self.now)

    def do_order(self, instrument):
        limit = self.rng.random() < 0.7
        request = OrderRequest(
            instrument=instrument,
            side=self.rng.choice(list(Side)),
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            quantity=self.quantity(),
            price=self.price() if limit else None,
            time_in_force=self.rng.choice((TimeInForce.GTC, TimeInForce.IOC)) if limit else None,
        )
        done = self.engine.place(self.rng.choice(("main", "other")), request, self.now)
        self.done += isinstance(done, Done)

    def do_cancel(self, instrument):
        name = self.rng.choice(("main", "other"))
        orders = self.engine.open_orders(name, instrument)
        if orders:
            chosen = self.rng.choice(orders)
            self.engine.cancel(name, CancelRequest(instrument=instrument, order_id=chosen.order_id), self.now)


class Rest:
    """Asks a market what anybody can ask."""

    def __init__(self, market):
        self.market = market
        self.paths = {each.path: each for each in public_endpoints(market)}

    def __call__(self, name, **params):
        path = next(path for path in self.paths if path.endswith(name))
        given = {key: str(value) for key, value in params.items()}
        endpoint = self.paths[path]
        checked = Params(given)
        checked.check(endpoint.required, endpoint.optional)
        return endpoint.act(Ask(market=self.market, account="", params=checked, now_ns=self.market.now_ns))


def numbers(levels):
    return tuple((D(price), D(quantity)) for price, quantity in levels)


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_streams_and_rest_and_the_engine_agree_at_every_step(make_core, market, seed):
    core = make_core(market)
    trading, follower, rest = Trading(core, seed), Follower(core.market), Rest(core.market)
    engine = core.market.engine
    for _ in range(STEPS):
        trading.act()
        follower.take()
        for symbol, instrument in core.market.instruments.items():
            depth = engine.depth(instrument)
            assert follower.book(symbol) == depth
            answer = rest("/depth", symbol=symbol, limit=1_000)
            assert (numbers(answer["bids"]), numbers(answer["asks"])) == depth
            if symbol in follower.update_ids:
                assert answer["lastUpdateId"] == follower.update_ids[symbol]
                assert follower.tops[symbol] == core.market.top(symbol)
    assert trading.done > STEPS / 10
    assert len(trading.public_trades) > STEPS / 10

    for symbol, instrument in core.market.instruments.items():
        public = [each for each in trading.public_trades if each.instrument == instrument]
        told = [
            (tick.price, quantity, tick.buyer_is_maker)
            for tick in follower.trades[symbol]
            for quantity in tick.quantities
        ]
        assert told == [(each.price, each.quantity, each.aggressor is Side.SELL) for each in public]
        ids = [
            number for tick in follower.trades[symbol] for number in range(tick.first_id, tick.last_id + 1)
        ]
        assert ids == list(range(ids[0], ids[0] + len(public)))
        aggregates = [tick.aggregate_id for tick in follower.trades[symbol]]
        assert aggregates == list(range(aggregates[0], aggregates[0] + len(aggregates)))

        told_candles = {key: tick for key, tick in follower.candles.items() if key[0] == symbol}
        for (_, open_ns), candle in told_candles.items():
            of_it = [tick for tick in follower.trades[symbol] if open_ns <= tick.time_ns < open_ns + MINUTE]
            assert candle.volume == sum((tick.quantity for tick in of_it), D(0))
            assert candle.trades == sum(len(tick.quantities) for tick in of_it)
            if of_it:
                prices = [tick.price for tick in of_it]
                assert (candle.open, candle.close) == (prices[0], prices[-1])
                assert (candle.high, candle.low) == (max(prices), min(prices))
        rows = rest("/klines", symbol=symbol, interval="1m", limit=1_000)
        total = sum((each.quantity for each in public), D(0))
        assert sum((D(row[5]) for row in rows), D(0)) == total
        assert sum(row[8] for row in rows) == len(public)
        assert sum(D(row[5]) for row in rest("/klines", symbol=symbol, interval="1h")) == total

        statistics = core.market.ticker(symbol)
        assert (statistics.volume, statistics.trades) == (total, len(public))
        assert statistics.last == public[-1].price == engine.last_price(instrument)
        assert (statistics.bid, statistics.ask) == core.market.top(symbol)
        recent = rest("/trades", symbol=symbol, limit=1_000)
        assert [(D(row["price"]), D(row["qty"]), row["isBuyerMaker"]) for row in recent] == told


@pytest.mark.parametrize("market", MARKETS)
def test_the_same_happens_twice(make_core, market):
    def run():
        core = make_core(market)
        trading = Trading(core, 5)
        ticks = []
        for _ in range(60):
            trading.act()
            ticks += core.market.take_ticks()
        return ticks

    assert run() == run()


def test_one_taker_s_trades_at_one_price_are_one_aggregated_trade(core):
    trading = Trading(core, 1)
    instrument = core.market.instruments["BTCUSDT"]

    def place(name, side, price, quantity):
        request = OrderRequest(
            instrument=instrument, side=side, type=OrderType.LIMIT, price=D(price), quantity=D(quantity),
            time_in_force=TimeInForce.GTC,
        )  # fmt: skip
        assert isinstance(trading.engine.place(name, request, core.now_ns), Done)

    for price in (1_000, 1_000, 1_001):
        place("other", Side.SELL, price, 1)
    place("main", Side.BUY, 1_001, 3)
    ticks = [tick for tick in core.market.take_ticks() if isinstance(tick, TradeTick)]
    assert [(tick.price, tick.quantities, tick.buyer_is_maker) for tick in ticks] == [
        (D(1_000), (D(1), D(1)), False), (D(1_001), (D(1),), False)
    ]  # fmt: skip
    assert ticks[1].aggregate_id == ticks[0].aggregate_id + 1
    assert ticks[1].first_id == ticks[0].last_id + 1


def test_nothing_has_happened_where_nothing_has(core):
    core.market.take_ticks()
    assert core.market.take_ticks() == []


def test_a_top_is_told_where_it_changes_and_not_otherwise(core):
    instrument = core.market.instruments["BTCUSDT"]
    engine = core.market.engine
    engine.feed_book(instrument, [(D(99), D(1)), (D(98), D(1))], [(D(101), D(1))], core.now_ns)
    ticks = core.market.take_ticks()
    assert [(tick.bid, tick.ask) for tick in ticks if isinstance(tick, TopTick)] == [
        ((D(99), D(1)), (D(101), D(1)))
    ]
    engine.feed_changes(instrument, [(D(98), D(5))], [], core.now_ns)
    assert [type(tick) for tick in core.market.take_ticks()] == [BookDelta]
    engine.feed_changes(instrument, [], [(D(101), D(0))], core.now_ns)
    _, top = core.market.take_ticks()
    assert (top.bid, top.ask) == ((D(99), D(1)), (D(0), D(0)))


@pytest.mark.parametrize(("market", "kinds"), [("spot", {AverageTick}), ("usd-m", {MarkTick})])
def test_statistics_are_told_every_second(make_core, market, kinds):
    core = make_core(market)
    told = [{type(tick) for tick in core.market.take_ticks()}]
    for _ in range(4):
        core.now_ns += 500 * MILLI
        core.market.advance(core.now_ns)
        told.append({type(tick) for tick in core.market.take_ticks()})
    kinds = kinds | {TickerTick}
    assert told == [kinds, set(), kinds, set(), kinds]


def test_candles_of_a_length_are_told_once_somebody_follows_them(core):
    instrument = core.market.instruments["BTCUSDT"]
    core.market.follow(["btcusdt@kline_5m", "btcusdt@trade", "nonsense@kline_7m", "kline_1s"])
    core.market.engine.feed_book(instrument, [(D(99), D(5))], [(D(101), D(5))], core.now_ns)
    core.market.engine.feed_trade(instrument, D(101), D(1), Side.BUY, core.now_ns)
    lengths = {tick.interval_ns for tick in core.market.take_ticks() if isinstance(tick, CandleTick)}
    assert lengths == {SECOND, MINUTE, 5 * MINUTE}


@pytest.mark.parametrize("ask", ["tape", "book", "ticker", "mark", "average", "top", "instrument"])
def test_what_is_not_traded_is_a_bad_symbol(core, ask):
    with pytest.raises(ApiError) as caught:
        getattr(core.market, ask)("NONE")
    assert caught.value.code == -1121


def test_a_pair_has_its_instruments(make_core):
    market = make_core("coin-m").market
    assert [each.symbol for each in market.of_pair("BTCUSD")] == ["BTCUSD_PERP"]
    assert market.of_pair("BTC") == []


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
def test_funding_is_paid_every_eight_hours(make_core, market):
    core = make_core(market)
    symbol, instrument = next(iter(core.market.instruments.items()))
    core.market.funding[symbol] = D("0.0005")
    core.market.engine.feed_mark(instrument, D(1_000), core.now_ns)
    start = core.now_ns
    assert core.market.due_ns == start + 8 * HOUR
    core.market.advance(start + 25 * HOUR)
    assert [(tick.time_ns, tick.rate, tick.mark) for tick in core.market.funded if tick.symbol == symbol] == [
        (start + hours * HOUR, D("0.0005"), D(1_000)) for hours in (8, 16, 24)
    ]
    assert core.market.now_ns == start + 25 * HOUR
    told = core.market.mark(symbol)
    assert (told.funding_rate, told.next_funding_ns) == (D("0.0005"), start + 32 * HOUR)
    rows = Rest(core.market)("/fundingRate", symbol=symbol)
    assert [row["fundingTime"] * MILLI for row in rows] == [start + hours * HOUR for hours in (8, 16, 24)]


def test_time_passes_in_its_order_without_a_market_going_back(core):
    core.market.advance(core.now_ns + 5 * SECOND)
    core.market.advance(core.now_ns + 2 * SECOND)
    assert core.market.now_ns == core.now_ns + 5 * SECOND


def test_a_liquidation_is_told(make_core):
    core = make_core("usd-m")
    core.market.take_ticks()
    core.market.liquidated("BTCUSDT", sells=True, price=D(5), quantity=D(2))
    assert core.market.take_ticks() == [LiquidationTick("BTCUSDT", core.now_ns, True, D(5), D(2))]


def test_an_account_may_be_told_what_the_engine_does_not_know(core):
    core.market.push("main", {"e": "x"})
    assert core.told == [("main", {"e": "x"})]
