"""Requests that go wrong: our client says what it knows, finds out the rest, and sends nothing twice."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from toucan_execution.events import AccountResynced, OrderUpdate, OutOfSync
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    OrderListRequest,
    OrderStatus,
    OrderType,
)
from toucan_execution.outcome import Accepted, Reason, Rejected, Unknown
from toucan_execution.testing.sandbox import (
    Action,
    Fault,
    last_moment,
    reply_lost,
    request_lost,
    service_unavailable,
    throttled,
    timed_out,
    unknown_error,
)

D = Decimal
MILLI = 1_000_000
SECOND = 1_000_000_000
MARKETS = ("spot", "usd-m", "coin-m")
WAYS = [(market, over) for market in MARKETS for over in ("rest", "websocket")]
MAYBE = [
    (request_lost, {}, False),
    (reply_lost, {}, True),
    (timed_out, {"done": True}, True),
    (timed_out, {"done": False}, False),
    (unknown_error, {"done": True}, True),
    (unknown_error, {"done": False}, False),
]
"""What leaves it open whether it was done, and whether it was."""
CALLED = {  # what faults go by
    "place": {"rest": "POST", "websocket": "order.place"},
    "cancel": {"rest": "DELETE", "websocket": "order.cancel"},
    "amend": {"rest": "PUT", "websocket": "order."},
}


@pytest.fixture(params=WAYS, ids="-".join)
async def desk(request, stage_of):
    """Give a stage with a client on it, that agrees at the end."""
    market, over = request.param
    async with stage_of(market) as stage:
        player = await stage.open(orders_over=over, kind="ed25519")
        player.over = over
        yield player
        await stage.until(lambda: player.client.synced)
        await stage.idle(0.5)
        player.agrees()
        player.told_every_fill_once()
        await player.rest_agrees()


def breaks(desk, make, what, **options):
    """Let the next request of a kind go wrong."""
    desk.stage.sandbox.faults.add(make(CALLED[what][desk.over], **options))


async def settled(desk, outcome):
    """Find out what became of an outcome that nobody knows; return when that was known, too."""
    assert type(outcome) is Unknown, outcome
    assert outcome in desk.client.unknown
    assert outcome.expires_ns - outcome.sent_ns == 5 * SECOND
    found = await desk.client.settle(outcome, timeout=120)
    assert outcome not in desk.client.unknown
    return found


# A new order.


@pytest.mark.parametrize(("make", "options", "done"), MAYBE)
async def test_an_order_of_which_nobody_knows(desk, states_of, make, options, done):
    breaks(desk, make, "place", **options)
    begun = desk.stage.clock.monotonic_ns()
    outcome = await desk.place("buy", 59_000)
    found = await settled(desk, outcome)
    assert desk.stage.count() == done
    states = states_of(desk, outcome.client_order_id)
    if done:
        assert (type(found), found.order.status) == (Accepted, OrderStatus.OPEN)
        assert states[-1] == "open"
    else:
        assert (type(found), found.reason) == (Rejected, Reason.NEVER_MADE)
        # Not before the venue would not take it any more, and some.
        assert desk.stage.clock.monotonic_ns() - begun > 15 * SECOND
        assert states == ["open_in_flight", "unknown", "rejected"]
    assert len(desk.stage.sandbox.faults.happened) == 1


@pytest.mark.parametrize(("make", "options", "done"), MAYBE)
async def test_an_order_of_which_nobody_knows_is_filled_meanwhile(desk, make, options, done):
    breaks(desk, make, "place", **options)
    outcome = await desk.place("buy", lots=3)
    found = await settled(desk, outcome)
    assert desk.stage.count() == done
    if done:
        assert type(found) is Accepted
        await desk.stage.until(lambda: desk.client.synced)
        assert desk.last(outcome).status is OrderStatus.FILLED
    assert len(desk.engine_trades()) == done


@pytest.mark.parametrize("make", [service_unavailable, throttled])
async def test_a_refusal_for_load_is_certain_on_the_futures_alone(desk, make):
    breaks(desk, make, "place")
    outcome = await desk.place("buy", 59_000)
    if desk.stage.futures:
        assert (type(outcome), outcome.reason, outcome.retryable) == (Rejected, Reason.UNAVAILABLE, True)
    else:
        assert (await settled(desk, outcome)).reason is Reason.NEVER_MADE
    assert desk.stage.count() == 0
    assert isinstance(await desk.place("buy", 59_000), Accepted)


async def test_the_last_legal_millisecond(desk):
    breaks(desk, last_moment, "place")
    begun = desk.stage.clock.monotonic_ns()
    outcome = await desk.place("buy", 59_000)
    assert type(outcome) is Accepted
    assert desk.stage.clock.monotonic_ns() - begun >= 5 * SECOND
    assert desk.stage.count() == 1


async def test_an_answer_that_comes_too_late_and_the_order_in_the_last_millisecond(desk):
    stage = desk.stage
    over = CALLED["place"][desk.over]
    impatient = await stage.open(orders_over=desk.over, account="other", timeout_ms=1_000)
    stage.sandbox.faults.add(last_moment(over))
    outcome = await impatient.place("buy", 59_000)
    assert type(outcome) is Unknown
    assert stage.count("other") == 0  # it is still under way
    found = await impatient.client.settle(outcome, timeout=60)
    assert type(found) is Accepted
    assert stage.count("other") == 1
    await stage.idle(1)
    impatient.agrees()


async def test_a_request_that_is_late_is_signed_again_once(desk):
    over = CALLED["place"][desk.over]
    desk.stage.sandbox.faults.add(Fault(Action.LATE, path=over, delay=5.5))
    outcome = await desk.place("buy", 59_000)
    assert type(outcome) is Accepted
    assert desk.stage.count() == 1


async def test_a_request_that_is_late_again_is_refused(desk):
    over = CALLED["place"][desk.over]
    desk.stage.sandbox.faults.add(Fault(Action.LATE, path=over, delay=5.5, count=2))
    outcome = await desk.place("buy", 59_000)
    assert (type(outcome), outcome.reason, outcome.retryable) == (Rejected, Reason.TIMESTAMP, True)
    assert desk.stage.count() == 0


@pytest.mark.parametrize("skew_s", [20, -20, 3_600])
async def test_a_clock_that_is_off_is_measured_again(desk, skew_s):
    stage = desk.stage
    stage.sandbox.clock_skew_ns = skew_s * SECOND
    outcome = await desk.place("buy", 59_000)
    assert type(outcome) is Accepted
    assert abs(desk.client.caller.venue_ns() - stage.sandbox.now_ns()) < 50 * MILLI
    assert isinstance(await desk.client.cancel_order(outcome.order), Accepted)
    assert stage.count() == 1
    await stage.idle(21)  # what the venue did was in the future where its clock has gone back


async def test_a_task_that_is_cancelled_leaves_an_order_to_be_found(desk):
    placing = asyncio.ensure_future(desk.place("buy", 59_000, client_order_id="main-left"))
    await desk.stage.idle(0.001)
    placing.cancel()
    await asyncio.gather(placing, return_exceptions=True)
    [unknown] = desk.client.unknown
    assert type(await settled(desk, unknown)) is Accepted
    assert desk.stage.count() == 1


async def test_ten_orders_of_which_nobody_knows(desk):
    path = CALLED["place"][desk.over]
    # Over the WebSocket a request that is lost takes its connection, and all that is under way, with it.
    make = reply_lost if desk.over == "rest" else lambda path, count: timed_out(path, count=count, done=True)
    desk.stage.sandbox.faults.add(make(path, count=5), timed_out(path, done=False, after=5, count=5))
    outcomes = await asyncio.gather(*(desk.place("buy", 59_000 - number) for number in range(10)))
    assert all(type(each) is Unknown for each in outcomes)
    found = await asyncio.gather(*(desk.client.settle(each, timeout=120) for each in outcomes))
    kinds = [type(each) for each in found]
    assert (kinds.count(Accepted), kinds.count(Rejected)) == (5, 5)
    assert desk.stage.count() == 5
    for each in found:
        assert (desk.engine_order(each) is not None) is (type(each) is Accepted)


# Cancels and amends.


@pytest.mark.parametrize(("make", "options", "done"), MAYBE)
async def test_a_cancel_of_which_nobody_knows(desk, make, options, done):
    order = (await desk.place("buy", 59_000)).order
    breaks(desk, make, "cancel", **options)
    outcome = await desk.client.cancel_order(order)
    found = await settled(desk, outcome)
    if done:
        assert (type(found), found.order.status) == (Accepted, OrderStatus.CANCELLED)
    else:
        assert (type(found), found.reason, found.retryable) == (Rejected, Reason.NEVER_MADE, True)
    await desk.stage.until(lambda: desk.client.synced)
    assert desk.client.account.order(order.client_order_id).is_open is not done
    assert len(desk.stage.engine.open_orders("main")) == (not done)


async def test_an_order_is_filled_while_a_cancel_is_lost(desk):
    order = (await desk.place("buy", 60_000)).order
    breaks(desk, request_lost, "cancel")
    cancelling = asyncio.ensure_future(desk.client.cancel_order(order))
    await desk.stage.idle(0.001)
    desk.stage.feed_trade(60_000, "sell")
    outcome = await cancelling
    found = await settled(desk, outcome)
    assert (type(found), found.reason, found.final.status) == (
        Rejected, Reason.ALREADY_CLOSED, OrderStatus.FILLED,
    )  # fmt: skip


@pytest.mark.parametrize(("make", "options", "done"), MAYBE)
async def test_an_amend_of_which_nobody_knows(desk, make, options, done):
    order = (await desk.place("buy", 59_000, lots=5)).order
    breaks(desk, make, "amend", **options)
    moved = {"price": D(59_100)} if desk.stage.futures else {}
    outcome = await desk.client.amend_order(
        AmendRequest(
            instrument=order.instrument, client_order_id=order.client_order_id,
            quantity=desk.stage.lot * 3, **moved,
        )
    )  # fmt: skip
    found = await settled(desk, outcome)
    if done:
        assert (type(found), found.order.quantity) == (Accepted, desk.stage.lot * 3)
    else:
        assert (type(found), found.reason) == (Rejected, Reason.NEVER_MADE)
    assert desk.stage.count() == 1
    [held] = desk.stage.engine.open_orders("main")
    assert held.quantity == desk.stage.lot * (3 if done else 5)


# What only one of the markets has.


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
@pytest.mark.parametrize(("make", "options", "done"), MAYBE)
async def test_a_conditional_order_of_which_nobody_knows(stage_of, market, make, options, done):
    async with stage_of(market) as stage:
        desk = await stage.open()
        stage.sandbox.faults.add(make("algoOrder", **options))
        outcome = await desk.place("sell", kind=OrderType.STOP_MARKET, trigger_price=D(59_000))
        found = await settled(desk, outcome)
        assert type(found) is (Accepted if done else Rejected)
        assert stage.count() == done
        await stage.idle(0.5)
        desk.agrees()


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
@pytest.mark.parametrize(("make", "options", "done"), MAYBE)
async def test_a_batch_of_which_nobody_knows(stage_of, market, make, options, done):
    async with stage_of(market) as stage:
        desk = await stage.open()
        stage.sandbox.faults.add(make("batchOrders", **options))
        outcomes = await desk.client.place_orders([desk.order("buy", 59_000 - each) for each in range(4)])
        assert [type(each) for each in outcomes] == [Unknown] * 4
        found = await asyncio.gather(*(settled(desk, each) for each in outcomes))
        assert {type(each) for each in found} == {Accepted if done else Rejected}
        assert stage.count() == 4 * done
        await stage.idle(0.5)
        desk.agrees()


@pytest.mark.parametrize("over", ["rest", "websocket"])
@pytest.mark.parametrize(("make", "options", "done"), MAYBE)
async def test_a_list_of_which_nobody_knows(stage_of, over, make, options, done):
    async with stage_of("spot") as stage:
        desk = await stage.open(orders_over=over)
        stage.sandbox.faults.add(make("orderList", **options))
        pair = (
            desk.order("sell", 61_000, post_only=True),
            desk.order("sell", kind=OrderType.STOP_MARKET, trigger_price=D(59_000)),
        )
        outcome = await desk.client.place_order_list(
            OrderListRequest(instrument=stage.instrument, kind=ListKind.OCO, orders=pair)
        )
        found = await settled(desk, outcome)
        assert type(found) is (Accepted if done else Rejected)
        assert stage.count() == 2 * done
        await stage.until(lambda: desk.client.synced)
        await stage.idle(0.5)
        desk.agrees()


@pytest.mark.parametrize("over", ["rest", "websocket"])
@pytest.mark.parametrize(("make", "options", "done"), MAYBE)
async def test_a_replacement_of_which_nobody_knows(stage_of, over, make, options, done):
    async with stage_of("spot") as stage:
        desk = await stage.open(orders_over=over)
        old = await desk.place("buy", 59_000)
        stage.sandbox.faults.add(make("cancelReplace", **options))
        both = await desk.client.cancel_replace(
            CancelReplaceRequest(
                cancel=CancelRequest(instrument=stage.instrument, client_order_id=old.client_order_id),
                place=desk.order("buy", 59_100),
            )
        )
        cancel, place = [await desk.client.settle(each, timeout=120) for each in (both.cancel, both.place)]
        assert {type(cancel), type(place)} == {Accepted if done else Rejected}
        assert [each.price for each in stage.engine.open_orders("main")] == [59_100 if done else 59_000]
        await stage.until(lambda: desk.client.synced)
        await stage.idle(0.5)
        desk.agrees()


async def test_a_restart_between_an_order_and_its_reply(desk):
    stage = desk.stage
    breaks(desk, reply_lost, "place")
    placing = asyncio.ensure_future(desk.place("buy", 59_000))
    await stage.idle(0.003)  # it is there, and its answer under way
    restarting = asyncio.ensure_future(stage.sandbox.restart(down_ns=40 * SECOND))
    outcome = await placing
    found = await desk.client.settle(outcome, timeout=300)
    await restarting
    assert type(found) is Accepted
    assert stage.count() == 1
    assert desk.of(OutOfSync)
    await stage.until(lambda: desk.client.synced)
    assert len(desk.of(AccountResynced)) >= 2
    assert any(
        each.order.client_order_id == outcome.client_order_id and each.order.status is OrderStatus.OPEN
        for each in desk.of(OrderUpdate)
    )
