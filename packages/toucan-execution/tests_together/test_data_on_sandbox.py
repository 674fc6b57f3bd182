"""toucan-data on the sandbox: whatever it streams is what the engine holds, also after faults."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from toucan_data import (
    AggregatedTrades,
    BinanceFuturesCoin,
    BinanceFuturesUsd,
    BinanceSpot,
    Candle,
    Candles,
    FundingRate,
    FundingRates,
    Liquidation,
    Liquidations,
    MarkPrice,
    MarkPrices,
    OrderBookL1,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrade,
    PublicTrades,
    Resynced,
    StaleBook,
    Streams,
    Ticker24h,
    Tickers24h,
    load_candles,
    load_instruments,
    load_open_interest,
)
from toucan_data.status import Connected, Disconnected
from toucan_execution import BinanceExecution, CancelRequest, OrderRequest, OrderType, TradeUpdate
from toucan_execution.testing.sandbox import Action, Fault, Sandbox
from toucan_instrument import Environment, Side
from toucan_instrument.errors import UnsupportedKind
from toucan_instrument.testing.clock import FakeClock

D = Decimal
MILLI, SECOND = 1_000_000, 1_000_000_000
MINUTE = 60 * SECOND
MARKETS = ("spot", "usd-m", "coin-m")
VENUES: dict[str, Any] = {"spot": BinanceSpot, "usd-m": BinanceFuturesUsd, "coin-m": BinanceFuturesCoin}
SYMBOL = {"spot": "BTCUSDT", "usd-m": "BTCUSDT", "coin-m": "BTCUSD_PERP"}
LOT = {"spot": D("0.010"), "usd-m": D("0.010"), "coin-m": D(2)}
BALANCES = {"spot": {"USDT": 10**8, "BTC": 2_000}, "usd-m": {"USDT": 10**8}, "coin-m": {"BTC": 10_000}}
EVERY = [
    PublicTrades, AggregatedTrades, OrderBooksL1, OrderBooksL2, Candles("1m"), Candles("5m"), Tickers24h,
    MarkPrices, FundingRates, Liquidations,
]  # fmt: skip


class Stage:
    """A sandbox, and both halves on it."""

    def __init__(self, market: str, clock: FakeClock | None, **options: Any) -> None:
        self.name, self.clock = market, clock
        more = {} if clock is None else {"clock": clock}
        self.sandbox = Sandbox([market], balances=BALANCES, pace_ms=50, levels=30, **more, **options)
        self.market = self.sandbox.market(market)
        self.engine = self.market.engine
        self.instrument = self.market.instruments[SYMBOL[market]]
        self.lot = LOT[market]
        self.events: list[Any] = []
        self.told: list[Any] = []
        self.trades: list[PublicTrade] = []
        self.aggregated: list[PublicTrade] = []
        self.streams: Streams
        self.client: Any
        self.network: Any = None

    @property
    def now_ns(self) -> int:
        return max(self.sandbox.now_ns(), self.market.now_ns)

    @property
    def venue(self) -> Any:
        return VENUES[self.name](
            ws_url=self.sandbox.stream_url(self.name),
            rest_url=self.sandbox.rest_url(self.name),
            environment=Environment.DEMO,
        )

    @property
    def options(self) -> dict[str, Any]:
        return {} if self.network is None else {"network": self.network, "clock": self.clock}

    def kinds(self) -> list[Any]:
        offered = {kind.name for kind in self.venue.kinds}
        return [kind for kind in EVERY if kind.name in offered]

    @asynccontextmanager
    async def opened(self, kinds: list[Any] | None = None) -> AsyncIterator[None]:
        wanted_kinds = kinds or self.kinds()
        wanted = [(self.venue, SYMBOL[self.name], kind) for kind in wanted_kinds]
        config = self.sandbox.config(self.name, account="bot", client_id_prefix="bot")
        client = BinanceExecution.new_with_config(config, **self.options)
        async with await Streams.builder(**self.options).subscribe(wanted).init() as streams, client:
            self.streams, self.client = streams, client
            work = [self._follow(), self._listen()]
            if PublicTrades in wanted_kinds:
                work.append(self._gather(PublicTrades, self.trades))
            if AggregatedTrades in wanted_kinds:
                work.append(self._gather(AggregatedTrades, self.aggregated))
            following = [asyncio.ensure_future(each) for each in work]
            await streams.ready(60)
            await client.ready(60)
            self.sandbox.moving = False  # from here on it moves as the test has it
            await self.idle(0.5)
            try:
                yield
            finally:
                for task in following:
                    task.cancel()
                await asyncio.gather(*following, return_exceptions=True)

    async def _follow(self) -> None:
        async for event in self.streams.select_all(buffer=10**6):
            self.events.append(event)

    async def _gather(self, kind: Any, into: list[PublicTrade]) -> None:
        async for event in self.streams.select(kind, status=False, buffer=10**6):
            into += [event]

    async def _listen(self) -> None:
        async for event in self.client.account_stream():
            self.told.append(event)

    def of(self, *kinds: type) -> list[Any]:
        return [
            event
            for event in self.events
            if isinstance(event, kinds) and getattr(event, "instrument", None) in (None, self.instrument)
        ]

    async def idle(self, seconds: float = 0.05) -> None:
        if self.clock is None:
            await asyncio.sleep(seconds)
        else:
            await self.clock.sleep_until(self.clock.monotonic_ns() + int(seconds * SECOND))

    async def until(self, done: Any, within: float = 600) -> None:
        for _ in range(int(within / 0.05)):
            if done():
                return
            await self.idle()
        raise AssertionError(f"not within {within} s")

    # What is done.

    def order(self, side: Side, price: Decimal | None, lots: int) -> OrderRequest:
        return OrderRequest(
            instrument=self.instrument,
            side=side,
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            quantity=self.lot * lots,
            price=price,
        )

    def act(self, chance: random.Random) -> None:
        """Let an account do something: one of its own, or that of the client."""
        account = chance.choice(["bot", "other"])
        self.sandbox.open_account(account)
        side = chance.choice([Side.BUY, Side.SELL])
        best = self.market.top(self.instrument.symbol)[side is Side.SELL][0]
        tick = self.instrument.rules.tick_size  # type: ignore[union-attr]
        assert tick is not None
        held = self.engine.open_orders(account)
        choice = chance.random()
        if choice < 0.25 and held:
            request = CancelRequest(instrument=self.instrument, order_id=chance.choice(held).order_id)
            self.engine.cancel(account, request, self.now_ns)
        elif choice < 0.5:
            self.engine.place(account, self.order(side, None, chance.randint(1, 40)), self.now_ns)
        else:
            price = best + tick * chance.randint(-20, 20)
            self.engine.place(account, self.order(side, price, chance.randint(1, 400)), self.now_ns)
        self.sandbox.pass_time()

    # What has to agree.

    def book_agrees(self) -> None:
        book = self.streams.book(self.instrument)
        bids, asks = self.engine.depth(self.instrument)
        assert tuple((each.price, each.quantity) for each in book.bids()) == bids
        assert tuple((each.price, each.quantity) for each in book.asks()) == asks

    def top_agrees(self) -> None:
        top = self.of(OrderBookL1)[-1]
        told = ((top.bid_price, top.bid_quantity), (top.ask_price, top.ask_quantity))
        assert told == self.market.top(self.instrument.symbol)


@asynccontextmanager
async def staged(
    market: str, kinds: list[Any] | None = None, clock: FakeClock | None = None, **options: Any
) -> AsyncIterator[Stage]:
    clock = clock or FakeClock(utc_ns=1_700_000_040 * SECOND)  # where a minute begins
    stage = Stage(market, clock, **options)
    stage.network = stage.sandbox.network(latency_ns=2 * MILLI)
    stage.sandbox.run()
    async with clock.running():
        async with stage.opened(kinds):
            yield stage
        await stage.sandbox.stop()


# What is streamed and what the engine holds.


def tape_of(stage: Stage, since: int) -> dict[int, Any]:
    """Return price, quantity, maker's side and time of every trade since one."""
    return {
        number: (tick.price, quantity, tick.buyer_is_maker, tick.time_ns)
        for tick in stage.market.tape(SYMBOL[stage.name]).trades
        for number, quantity in enumerate(tick.quantities, tick.first_id)
        if number > since
    }


def spread(trades: list[PublicTrade], tape: dict[int, Any], since: int) -> dict[int, PublicTrade]:
    """Compare trades with those of the tape, and return them by the ids of their parts."""
    seen: dict[int, PublicTrade] = {}
    for trade in trades:
        assert isinstance(trade.first_id, int)
        assert isinstance(trade.last_id, int)
        if trade.first_id <= since:
            continue
        ids = range(trade.first_id, trade.last_id + 1)
        assert not set(ids) & set(seen)
        parts = [tape[number] for number in ids]
        assert {part[0] for part in parts} == {trade.price}
        assert sum(part[1] for part in parts) == trade.quantity
        assert {part[2] for part in parts} == {trade.aggressor is Side.SELL}
        assert {part[3] // MILLI for part in parts} == {(trade.time_exchange or 0) // MILLI}
        seen |= dict.fromkeys(ids, trade)
    assert set(seen) == set(tape)
    return seen


def check_trades(stage: Stage, since: int) -> None:
    """Compare the streamed trades with the tape's, and the own ones with what the account was told."""
    tape = tape_of(stage, since)
    public = spread(stage.trades, tape, since)
    spread(stage.aggregated, tape, since)
    if stage.name == "spot":
        assert all(trade.id == trade.first_id == trade.last_id for trade in public.values())
    own = [event for event in stage.told if isinstance(event, TradeUpdate)]
    assert {fill.trade_id for fill in own} == {
        fill.trade_id for fill in stage.engine.trades("bot", stage.instrument, 0, 2**63)
    }
    for fill in own:
        trade = public[int(fill.trade_id)]
        assert trade.price == fill.price
        assert (trade.aggressor is fill.side) is not fill.maker
        assert fill.quantity == tape[int(fill.trade_id)][1]
    assert own


def check_orders(stage: Stage) -> None:
    """Compare the open orders that the client knows with the engine's."""
    held = {order.order_id: order.filled_quantity for order in stage.engine.open_orders("bot")}
    known = stage.client.account.open_orders()
    assert {order.order_id: order.filled_quantity for order in known} == held


def check_candles(stage: Stage, candles: list[Candle], since: int) -> int:
    """Compare closed minutes with the trades in them; return how many there were."""
    minutes: dict[int, list[Any]] = {}
    for price, quantity, maker, time_ns in tape_of(stage, -1).values():
        minutes.setdefault(time_ns - time_ns % MINUTE, []).append((price, quantity, maker))
    checked = 0
    for candle in candles:
        if not candle.closed or candle.open_time < since or candle.interval != "1m":
            continue
        inside = minutes.get(candle.open_time, [])
        prices = [price for price, _, _ in inside] or [candle.close]
        assert (candle.open, candle.close) == (prices[0] if inside else candle.open, prices[-1])
        assert (candle.high, candle.low) == (max(prices), min(prices))
        assert candle.volume == sum(quantity for _, quantity, _ in inside)
        assert candle.taker_buy_volume == sum(quantity for _, quantity, maker in inside if not maker)
        assert candle.trades == len(inside)
        checked += bool(inside)
    return checked


async def play(stage: Stage, chance: random.Random, steps: int, *, quiet: int = 5) -> None:
    """Let makers, takers and accounts trade; at every quiet step the streams say what the engine holds."""
    for step in range(steps):
        if chance.random() < 0.5:
            await stage.sandbox.step()
        else:
            stage.act(chance)
        if step % quiet == quiet - 1:
            await stage.idle(0.25)
            stage.book_agrees()
            stage.top_agrees()


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("seed", range(3))
async def test_a_random_run(market: str, seed: int) -> None:
    chance = random.Random(seed)
    async with staged(market, seed=seed) as stage:
        since = stage.market.tape(SYMBOL[market]).trade_id
        begun = stage.now_ns
        for _ in range(4):
            await play(stage, chance, 100)
            await stage.idle(70)
        await stage.idle(65)
        check_trades(stage, since)
        assert {fill.maker for fill in stage.told if isinstance(fill, TradeUpdate)} == {True, False}
        whole = begun - begun % MINUTE + MINUTE  # the first minute of which all was heard
        streamed = [event for event in stage.of(Candle) if event.interval == "1m"]
        assert check_candles(stage, streamed, whole) >= 2
        loaded = await load_candles(
            stage.venue, stage.instrument, "1m", start=whole, network=stage.network, clock=stage.clock
        )
        assert check_candles(stage, loaded, whole) >= 2
        shut = {each.open_time: each for each in streamed if each.closed}
        for each in loaded:
            if each.open_time in shut:
                mine = shut[each.open_time]
                assert (each.open, each.high, each.low, each.close, each.volume, each.trades) == (
                    mine.open, mine.high, mine.low, mine.close, mine.volume, mine.trades,
                )  # fmt: skip
        assert stage.client.synced
        check_orders(stage)


@pytest.mark.parametrize("market", MARKETS)
async def test_all_that_is_offered_arrives(market: str) -> None:
    async with staged(market) as stage:
        await play(stage, random.Random(1), 40)
        before = len(stage.of(Liquidation))
        stage.sandbox.liquidate(market, SYMBOL[market])
        await stage.idle(3)
        kinds = {PublicTrade, OrderBookL1, Candle, Ticker24h}
        if market != "spot":
            kinds |= {MarkPrice, FundingRate, Liquidation}
        assert {type(event) for event in stage.events} >= kinds
        ticker, state = stage.of(Ticker24h)[-1], stage.market.ticker(SYMBOL[market])
        assert (ticker.last_price, ticker.high_price, ticker.low_price, ticker.volume) == (
            state.last, state.high, state.low, state.volume,
        )  # fmt: skip
        if market == "spot":
            with pytest.raises(UnsupportedKind):
                await load_open_interest(stage.venue, stage.instrument, network=stage.network)
            return
        mark, held = stage.of(MarkPrice)[-1], stage.market.mark(SYMBOL[market])
        assert (mark.mark_price, mark.funding_rate) == (held.mark, held.funding_rate)
        funding = stage.of(FundingRate)[-1]
        assert (funding.rate, funding.next_funding_time) == (mark.funding_rate, mark.next_funding_time)
        [liquidation] = stage.of(Liquidation)[before:]
        trade = stage.of(PublicTrade)[-1]
        assert (liquidation.side, liquidation.quantity) == (trade.aggressor, trade.quantity)
        interest = await load_open_interest(
            stage.venue, stage.instrument, network=stage.network, clock=stage.clock
        )
        assert interest.quantity == stage.engine.open_interest(stage.instrument) > 0


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
async def test_funding_is_paid_as_it_was_announced(market: str) -> None:
    clock = FakeClock(utc_ns=1_700_006_400 * SECOND - 30 * SECOND)  # eight o'clock is near
    async with staged(market, [MarkPrices, FundingRates], clock=clock) as stage:
        stage.market.funding[SYMBOL[market]] = D("0.00025")
        stage.sandbox.open_account("bot")
        stage.engine.place("bot", stage.order(Side.BUY, None, 10), stage.now_ns)
        await stage.until(lambda: stage.of(FundingRate)[-1].rate == D("0.00025"))
        due = stage.of(FundingRate)[-1].next_funding_time
        await stage.idle(40)
        [paid] = [each for each in stage.engine.income("bot", 0, 2**63) if each.kind == "FUNDING_FEE"]
        assert paid.time_exchange == due
        assert paid.amount < 0


# Faults of streams.

LOSSES = [
    Fault(Action.DROP), Fault(Action.CLOSE, code=1008), Fault(Action.HALF_OPEN), Fault(Action.GAP),
    Fault(Action.GAP, count=3), Fault(Action.REORDER),
]  # fmt: skip
HARMLESS = [
    Fault(Action.DUPLICATE), Fault(Action.SLOW, delay=2.0), Fault(Action.GARBAGE), Fault(Action.NOT_UTF8),
]  # fmt: skip


def named(fault: Fault) -> str:
    return f"{fault.action}-{fault.count}"


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("fault", LOSSES, ids=named)
async def test_a_book_that_was_broken_is_whole_again(market: str, fault: Fault) -> None:
    chance = random.Random(7)
    async with staged(market, [OrderBooksL2, OrderBooksL1]) as stage:
        stage.sandbox.faults.add(msgspec.structs.replace(fault, stream="@depth", after=5))
        book = stage.streams.book(stage.instrument)
        for _ in range(4_000):
            if stage.of(Resynced) and book.synced:
                break
            stage.act(chance)
            await stage.sandbox.step()
            await stage.idle(0.5)
            if not book.synced:
                with pytest.raises(StaleBook):
                    book.best_bid()
        assert stage.of(Resynced)
        assert stage.sandbox.faults.happened
        await play(stage, chance, 30)


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("fault", HARMLESS, ids=named)
async def test_a_book_outlives_what_is_no_loss(market: str, fault: Fault) -> None:
    chance = random.Random(7)
    async with staged(market, [OrderBooksL2, OrderBooksL1, PublicTrades]) as stage:
        stage.sandbox.faults.add(msgspec.structs.replace(fault, stream="@depth", after=5))
        for _ in range(20):
            stage.act(chance)
            await stage.sandbox.step()
        await stage.idle(5)
        assert stage.sandbox.faults.happened
        await play(stage, chance, 30)


@pytest.mark.parametrize("market", MARKETS)
async def test_all_connections_of_both_halves_are_lost(market: str) -> None:
    chance = random.Random(3)
    async with staged(market) as stage:
        await play(stage, chance, 20)
        for lose in (stage.sandbox.drop_all, stage.sandbox.announce_shutdown):
            lose()
            for _ in range(10):
                stage.act(chance)
                await stage.sandbox.step()
            await stage.idle(2)
            await stage.until(lambda: stage.client.synced and stage.streams.book(stage.instrument).synced)
            await play(stage, chance, 20)
        await stage.sandbox.restart(down_ns=20 * SECOND)
        await stage.until(lambda: stage.client.synced and stage.streams.book(stage.instrument).synced)
        await play(stage, chance, 20)
        assert len(stage.of(Connected)) > len(stage.of(Disconnected)) > 0
        check_orders(stage)
        told = [(each.trade_id, each.side) for each in stage.told if isinstance(each, TradeUpdate)]
        assert len(set(told)) == len(told)
        assert {each[0] for each in told} == {
            each.trade_id for each in stage.engine.trades("bot", stage.instrument, 0, 2**63)
        }


async def test_two_sandboxes_without_sockets_are_not_taken_for_one() -> None:
    listed = []
    for symbols in (["BTCUSDT"], ["ABCUSDT", "BTCUSDT"]):
        async with staged("spot", [OrderBooksL1], symbols={"spot": symbols}) as stage:
            found = await load_instruments(stage.venue, network=stage.network, clock=stage.clock)
            listed.append(sorted(each.symbol for each in found))
    assert listed == [["BTCUSDT"], ["ABCUSDT", "BTCUSDT"]]


# Over real sockets.


@pytest.mark.parametrize("market", MARKETS)
async def test_over_real_sockets(market: str) -> None:
    chance = random.Random(11)
    stage = Stage(market, None)
    async with stage.sandbox, stage.opened():
        [instrument] = [each for each in await load_instruments(stage.venue) if each == stage.instrument]
        assert instrument.rules == stage.instrument.rules
        since = stage.market.tape(SYMBOL[market]).trade_id
        book = stage.streams.book(stage.instrument)
        for _ in range(3):
            for _ in range(15):
                stage.act(chance)
                await stage.sandbox.step()
            last = stage.market.book(SYMBOL[market]).last_update_id
            await stage.until(lambda last=last: book.last_update_id == last, within=10)  # type: ignore[misc]
            stage.book_agrees()
        await stage.idle(0.3)
        stage.top_agrees()
        check_trades(stage, since)
        assert not stage.of(Resynced)
        stage.sandbox.drop_all()
        await stage.until(lambda: stage.of(Resynced) and book.synced and stage.client.synced, within=30)
        stage.book_agrees()
