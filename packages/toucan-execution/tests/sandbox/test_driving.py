"""Prices follow from the seed, and no book is ever crossed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.mock import Done
from toucan_execution.orders import OrderRequest, OrderType, TimeInForce
from toucan_execution.testing.sandbox.driving import USUAL_PRICES, SeededDriver
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_instrument import Side
from toucan_instrument.testing.ticks import LiquidationTick, MarkTick, TradeTick

D = Decimal
MILLI = 1_000_000
MARKETS = ("spot", "usd-m", "coin-m")


def drive(core, steps, *, seed=1, between=lambda: None, **options):
    driver = SeededDriver(core.market, seed=seed, levels=20, **options)
    driver.begin(core.now_ns)
    ticks = core.market.take_ticks()
    for _ in range(steps):
        core.now_ns += 50 * MILLI
        core.market.advance(core.now_ns)
        driver.step(core.now_ns)
        between()
        ticks += core.market.take_ticks()
    return driver, ticks


def spread(market, symbol):
    bid, ask = market.top(symbol)
    return ask[0] - bid[0]


@pytest.mark.parametrize("market", MARKETS)
def test_the_same_seed_gives_the_same_market(make_core, market):
    _, first = drive(make_core(market), 80)
    _, second = drive(make_core(market), 80)
    _, other = drive(make_core(market), 80, seed=2)
    assert first == second
    assert first != other


@pytest.mark.parametrize("market", MARKETS)
def test_books_are_whole_and_there_was_a_trade_at_the_start(make_core, market):
    core = make_core(market)
    drive(core, 0)
    for symbol, instrument in core.market.instruments.items():
        bids, asks = core.market.engine.depth(instrument)
        assert (len(bids), 19 <= len(asks) <= 20) == (20, True)
        assert core.market.tape(symbol).trades
        usual = USUAL_PRICES[instrument.base]
        assert abs(core.market.engine.last_price(instrument) - usual) < usual / 100
        assert (core.market.engine.mark_price(instrument) is not None) or not core.market.futures


def test_prices_may_begin_elsewhere(core):
    drive(core, 0, prices={"BTCUSDT": D(7)})
    assert core.market.top("BTCUSDT")[1][0] == D(7)
    assert core.market.top("ETHUSDT")[1][0] == D(3_000)


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_book_is_never_crossed(make_core, market, seed):
    core = make_core(market)

    def check():
        for symbol in core.market.instruments:
            assert spread(core.market, symbol) > 0

    _, ticks = drive(core, 300, seed=seed, between=check)
    assert sum(isinstance(tick, TradeTick) for tick in ticks) > 100


def test_a_book_is_not_crossed_where_accounts_trade_in_it(core):
    engine, instrument = core.market.engine, core.market.instruments["BTCUSDT"]
    engine.open_account("main")
    engine.deposit("main", "USDT", D(10**9), core.now_ns)
    engine.deposit("main", "BTC", D(10**6), core.now_ns)
    engine.listen("main", lambda events: core.market.wire.payloads("main", events))
    sides, filled = [], []

    def trade():
        bid, ask = core.market.top("BTCUSDT")
        side = (Side.BUY, Side.SELL)[len(sides) % 2]
        sides.append(side)
        touch = (ask if len(sides) % 3 else bid) if side is Side.BUY else (bid if len(sides) % 3 else ask)
        request = OrderRequest(
            instrument=instrument, side=side, type=OrderType.LIMIT, price=touch[0],
            quantity=touch[1] + D("0.5"), time_in_force=TimeInForce.GTC,
        )  # fmt: skip
        done = engine.place("main", request, core.now_ns)
        if isinstance(done, Done):
            filled.extend(done.fills)
        assert spread(core.market, "BTCUSDT") > 0
        for order in engine.open_orders("main")[20:]:
            engine.cancel_all("main", order.instrument, core.now_ns)
            break

    drive(core, 200, between=trade)
    assert len(filled) > 50


def test_orders_at_the_touch_are_filled_by_the_takers(core):
    engine, instrument = core.market.engine, core.market.instruments["BTCUSDT"]
    engine.open_account("main")
    engine.deposit("main", "USDT", D(10**9), core.now_ns)
    heard = []
    engine.listen("main", heard.extend)
    placed = []

    def place():
        if not placed:
            bid, _ = core.market.top("BTCUSDT")
            request = OrderRequest(
                instrument=instrument, side=Side.BUY, type=OrderType.LIMIT, price=bid[0],
                quantity=D("0.001"), time_in_force=TimeInForce.GTC,
            )  # fmt: skip
            placed.append(engine.place("main", request, core.now_ns).order)

    drive(core, 400, between=place)
    order = engine.order("main", instrument, order_id=placed[0].order_id)
    assert order.filled_quantity == D("0.001")


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
def test_a_position_of_somebody_outside_is_liquidated(make_core, market):
    core = make_core(market)
    driver, _ = drive(core, 5)
    symbol = next(iter(core.market.instruments))
    driver.liquidate(symbol, core.now_ns)
    ticks = core.market.take_ticks()
    (told,) = [tick for tick in ticks if isinstance(tick, LiquidationTick)]
    trades = [tick for tick in ticks if isinstance(tick, TradeTick)]
    assert sum(tick.quantity for tick in trades) == told.quantity
    assert {(tick.symbol, tick.price, tick.buyer_is_maker) for tick in trades} == {
        (symbol, told.price, told.sells)
    }
    assert spread(core.market, symbol) > 0
    with pytest.raises(ApiError):
        driver.liquidate("NONE", core.now_ns)


def test_derivatives_have_a_mark_price_near_the_book(make_core):
    core = make_core("usd-m")
    _, ticks = drive(core, 100)
    marks = [tick for tick in ticks if isinstance(tick, MarkTick)]
    assert marks
    for tick in marks:
        assert abs(tick.mark - tick.index) < 1
