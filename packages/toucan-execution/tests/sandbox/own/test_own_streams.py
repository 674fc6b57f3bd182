"""The account's stream goes wrong: our client says so, asks for what it missed, and tells it once."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from toucan_execution.events import (
    AccountResynced,
    Connected,
    Disconnected,
    FillMismatch,
    OrderUpdate,
    OutOfSync,
    StreamEnded,
    TradeUpdate,
    UnreadableEvent,
)
from toucan_execution.orders import OrderStatus, OrderType
from toucan_execution.outcome import Accepted
from toucan_execution.testing.sandbox import Action, Fault

D = Decimal
SECOND = 1_000_000_000
MARKETS = ("spot", "usd-m", "coin-m")
WAYS = [(market, "auto", "rest") for market in MARKETS] + [
    ("spot", "session", "rest"), ("spot", "auto", "websocket"), ("usd-m", "auto", "websocket"),
]  # fmt: skip
EVENT = {"spot": "executionReport", "usd-m": "ORDER_TRADE_UPDATE", "coin-m": "ORDER_TRADE_UPDATE"}


@pytest.fixture(params=WAYS, ids="-".join)
async def desk(request, stage_of):
    """Give a stage with a client on it, that agrees at the end and has told every fill once."""
    market, user_data, over = request.param
    async with stage_of(market) as stage:
        player = await stage.open(kind="ed25519", user_data=user_data, orders_over=over)
        yield player
        await stage.until(lambda: player.client.synced)
        await stage.idle(0.5)
        player.agrees()
        player.told_every_fill_once()
        await player.rest_agrees()


def breaks(desk, action, of=None, **options):
    """Let the next events of orders go wrong."""
    desk.stage.sandbox.faults.add(Fault(action, stream=of or EVENT[desk.stage.name], **options))


async def resynced(desk, times=1):
    """Wait until the client was out of sync so many times, and has been brought in step each time."""
    await desk.stage.until(lambda: len(desk.of(AccountResynced)) > times and desk.client.synced)
    kinds = [type(each) for each in desk.of(OutOfSync, AccountResynced)]
    assert kinds == [AccountResynced] + [OutOfSync, AccountResynced] * times
    return desk.of(AccountResynced)[-1]


# A connection is lost.


async def test_what_happened_while_a_connection_was_lost_is_found_and_told_once(desk):
    stage = desk.stage
    filled = await desk.place("buy", 60_000, lots=3)
    ended = await desk.place("buy", 59_000)
    assert stage.sandbox.drop_all() >= 1
    stage.feed_trade(60_000, "sell", lots=2)
    stage.engine.cancel_all("main", stage.instrument, stage.sandbox.now_ns())
    stage.engine.place("main", desk.order("buy", 59_500, client_order_id="theirs"), stage.sandbox.now_ns())
    stage.engine.place("main", desk.order("sell", client_order_id="taker"), stage.sandbox.now_ns())
    told = await resynced(desk)
    assert told.trades == 2
    assert {each.client_order_id for each in told.orders} >= {
        filled.client_order_id, ended.client_order_id, "theirs",
    }  # fmt: skip
    assert all(each.recovered for each in desk.of(TradeUpdate))
    assert desk.last(ended).status is OrderStatus.CANCELLED
    assert len(desk.of(Connected)) >= 2
    assert desk.of(Disconnected)
    assert isinstance(await desk.place("buy", 59_000), Accepted)


async def test_fills_before_and_after_a_loss_are_told_apart(desk):
    stage = desk.stage
    order = await desk.place("buy", 60_000, lots=9)
    for _ in range(3):
        stage.feed_trade(60_000, "sell")
        await stage.idle()
        stage.sandbox.drop_all()
        stage.feed_trade(60_000, "sell")
        await stage.until(lambda: not desk.client.synced)
        stage.feed_trade(60_000, "sell")
        await stage.until(lambda: desk.client.synced)
    await resynced(desk, times=3)
    assert desk.last(order).status is OrderStatus.FILLED
    assert len(desk.of(TradeUpdate)) == 9


async def test_a_loss_in_the_middle_of_being_brought_in_step(desk):
    stage = desk.stage
    order = await desk.place("buy", 60_000, lots=3)
    stage.sandbox.drop_all()
    await stage.until(lambda: not desk.client.synced)
    await stage.until(lambda: stage.sandbox.door.lines)
    await stage.idle(0.005)  # it asks already
    stage.feed_trade(60_000, "sell")
    stage.sandbox.drop_all()
    stage.feed_trade(60_000, "sell")
    await stage.idle(1)
    await stage.until(lambda: desk.client.synced)
    await stage.idle(0.5)
    assert desk.last(order).filled_quantity == 2 * stage.lot


@pytest.mark.parametrize(
    "fault",
    [
        {"action": Action.DROP},
        {"action": Action.CLOSE, "code": 1008},
        {"action": Action.HALF_OPEN},
        {"action": Action.STALL},
    ],
)
async def test_a_connection_ends_at_an_event(desk, fault):
    stage = desk.stage
    breaks(desk, **fault)
    taken = await desk.client.place_order(desk.order("buy", lots=2))
    if not isinstance(taken, Accepted):  # the answer was to come over the same connection
        taken = await desk.client.settle(taken, timeout=900)
    assert isinstance(taken, Accepted)
    await resynced(desk)
    assert stage.count() == 1
    assert desk.last(taken).status is OrderStatus.FILLED


async def test_a_restart(desk):
    stage = desk.stage
    order = await desk.place("buy", 60_000, lots=2)
    restarting = asyncio.ensure_future(stage.sandbox.restart(down_ns=90 * SECOND))
    stage.feed_trade(60_000, "sell")
    await stage.idle(60)
    assert not desk.client.synced
    await restarting
    assert (await resynced(desk)).trades == 1
    assert desk.last(order).status is OrderStatus.PARTIALLY_FILLED


async def test_a_shutdown_that_is_announced(desk):
    stage = desk.stage
    order = await desk.place("buy", 60_000, lots=2)
    stage.sandbox.announce_shutdown()
    await stage.idle(5)
    assert {each.reason for each in desk.of(StreamEnded)} <= {"serverShutdown"}
    stage.sandbox.drop_all()
    stage.feed_trade(60_000, "sell")
    await stage.until(lambda: desk.client.synced and desk.of(TradeUpdate))
    assert desk.last(order).filled_quantity == stage.lot


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
@pytest.mark.parametrize("over", ["rest", "websocket"])
async def test_a_listen_key_expires(stage_of, market, over):
    async with stage_of(market) as stage:
        desk = await stage.open(orders_over=over)
        order = await desk.place("buy", 60_000, lots=2)
        assert stage.sandbox.expire_listen_key(market)
        stage.feed_trade(60_000, "sell")  # nobody is told of it
        told = await resynced(desk)
        assert told.trades == 1
        assert [each.reason for each in desk.of(StreamEnded)] == ["listenKeyExpired"]
        stage.feed_trade(60_000, "sell")
        await stage.idle()
        assert desk.last(order).status is OrderStatus.FILLED
        desk.agrees()
        desk.told_every_fill_once()


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
async def test_a_listen_key_whose_end_is_told_to_nobody(stage_of, market):
    async with stage_of(market) as stage:
        desk = await stage.open()
        stage.sandbox.faults.add(Fault(Action.GAP, stream="listenKeyExpired"))
        stage.sandbox.expire_listen_key(market)
        order = await desk.place("buy", 60_000)  # of which the stream tells nothing
        assert isinstance(order, Accepted)
        await resynced(desk)
        stage.feed_trade(60_000, "sell")
        await stage.idle()
        desk.agrees()
        desk.told_every_fill_once()


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
async def test_a_listen_key_is_kept_for_hours(stage_of, market):
    async with stage_of(market, pace_ms=5_000, latency_ns=0) as stage:
        stage.sandbox.moving = False
        desk = await stage.open()
        await stage.idle(3 * 3600)
        assert desk.of(OutOfSync, StreamEnded) == []
        await desk.place("buy", lots=2)
        await stage.idle(10)
        desk.agrees()


# Events are lost, doubled, late or out of order.


async def test_an_order_of_which_the_stream_tells_nothing(desk):
    breaks(desk, Action.GAP)
    placed = await desk.place("buy", 59_000)
    assert isinstance(placed, Accepted)
    await desk.stage.idle(30)
    desk.agrees()


async def test_a_fill_that_was_lost_is_found_by_the_next(desk):
    stage = desk.stage
    order = await desk.place("buy", 60_000, lots=3)
    await stage.idle()
    breaks(desk, Action.GAP)
    stage.feed_trade(60_000, "sell")
    await stage.idle()
    stage.feed_trade(60_000, "sell")
    told = await resynced(desk)
    assert told.trades == 1
    assert desk.of(FillMismatch)[0].repaired is False
    assert [each.recovered for each in desk.of(TradeUpdate)] == [False, True]
    assert desk.last(order).filled_quantity == 2 * stage.lot


async def test_what_comes_twice_is_told_once(desk):
    breaks(desk, Action.DUPLICATE, of="", count=50)
    first = await desk.place("buy", 59_990, lots=102)
    desk.stage.feed_trade(59_990, "sell", lots=101)
    taken = await desk.place("buy", lots=3)
    await desk.client.cancel_order(first.order)
    await desk.stage.idle()
    assert desk.of(OutOfSync) == []
    assert len(desk.of(TradeUpdate)) == 2
    for outcome in (first, taken):
        told = [
            (each.order.status, each.order.filled_quantity)
            for each in desk.of(OrderUpdate)
            if each.order.client_order_id == outcome.client_order_id
        ]
        assert len(set(told)) == len(told)


@pytest.mark.parametrize("after", range(4))
async def test_what_comes_in_the_wrong_order_ends_in_the_right_state(desk, after):
    stage = desk.stage
    breaks(desk, Action.REORDER, after=after)
    order = await desk.place("buy", 60_000, lots=3)
    for lots in (1, 2):
        stage.feed_trade(60_000, "sell", lots)
    await desk.place("buy", 59_000)  # whatever was held back comes behind this
    await stage.idle(30)
    assert desk.last(order).status is OrderStatus.FILLED
    assert len(desk.of(TradeUpdate)) == 2


async def test_events_that_are_late(desk):
    stage = desk.stage
    breaks(desk, Action.SLOW, count=3, delay=2.0)
    order = await desk.place("buy", 60_000, lots=2)
    stage.feed_trade(60_000, "sell")
    ended = await desk.client.cancel_order(order.order)
    assert isinstance(ended, Accepted)
    assert ended.order.status is OrderStatus.CANCELLED
    await stage.idle(10)
    assert len(desk.of(TradeUpdate)) == 1
    assert desk.last(order).status is OrderStatus.CANCELLED


@pytest.mark.parametrize("action", [Action.GARBAGE, Action.NOT_UTF8])
async def test_what_cannot_be_read_is_asked_for(desk, action):
    breaks(desk, action)
    placed = await desk.place("buy", lots=2)
    if not isinstance(placed, Accepted):
        placed = await desk.client.settle(placed, timeout=60)
    assert isinstance(placed, Accepted)
    await resynced(desk)
    assert desk.of(UnreadableEvent) or desk.of(Disconnected)
    assert desk.last(placed).status is OrderStatus.FILLED


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
@pytest.mark.parametrize("lost", ["ALGO_UPDATE", "ORDER_TRADE_UPDATE"])
async def test_a_triggered_order_of_which_a_part_is_not_told(stage_of, market, lost):
    async with stage_of(market) as stage:
        desk = await stage.open()
        stop = await desk.place("sell", kind=OrderType.STOP_MARKET, trigger_price=D(59_500))
        await stage.idle()
        stage.sandbox.faults.add(Fault(Action.GAP, stream=lost, count=10))
        stage.feed_trade(59_500, "sell")
        await stage.idle(30)
        stage.sandbox.faults.add()
        stage.sandbox.drop_all()
        await resynced(desk, times=len(desk.of(OutOfSync)) + (1 if desk.client.synced else 0))
        assert desk.last(stop).status is OrderStatus.FILLED
        desk.agrees()
        desk.told_every_fill_once()


@pytest.mark.parametrize("market", MARKETS)
async def test_what_was_paid_in_while_nobody_listened_is_told(stage_of, market):
    async with stage_of(market) as stage:
        desk = await stage.open()
        stage.sandbox.drop_all()
        asset = "BTC" if market == "coin-m" else "USDT"
        stage.engine.deposit("main", asset, D(7), stage.sandbox.now_ns())
        told = await resynced(desk)
        assert told.balances == (asset,)
        desk.agrees()


@pytest.mark.parametrize("market", MARKETS)
async def test_what_is_held_back_from_one_account_never_comes_to_another(stage_of, market):
    async with stage_of(market) as stage:
        one, two = await stage.open(account="one"), await stage.open(account="two")
        stage.sandbox.faults.add(Fault(Action.REORDER, stream=EVENT[market]))
        held = await one.place("buy", 59_000)
        await two.place("buy", 59_100)
        await two.client.cancel_all(stage.instrument)
        await stage.idle()
        assert two.client.account.order(held.client_order_id) is None
        await one.place("buy", 59_200)
        await stage.idle()
        for player in (one, two):
            player.agrees()
