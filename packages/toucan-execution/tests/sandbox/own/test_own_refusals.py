"""Each reason that a venue, or our client itself, may refuse something for; nothing is made of any."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.errors import (
    AuthenticationError,
    ClientClosed,
    EndpointGone,
    InsufficientBalance,
    MarketClosed,
    NotSynced,
    TooManyOpenOrders,
)
from toucan_execution.events import ConsumerStalled
from toucan_execution.orders import CancelRequest, ListKind, OrderListRequest, OrderType, TimeInForce
from toucan_execution.outcome import ERRORS, Accepted, Reason, Rejected
from toucan_execution.testing.sandbox import Action, Fault, banned, too_many_requests
from toucan_instrument import InstrumentStatus

D = Decimal
SECOND = 1_000_000_000
MARKETS = ("spot", "usd-m", "coin-m")
WAYS = [(market, over) for market in MARKETS for over in ("rest", "websocket")]
EVENT = {"spot": "executionReport", "usd-m": "ORDER_TRADE_UPDATE", "coin-m": "ORDER_TRADE_UPDATE"}


def is_refused(outcome, reason, *, sent=True):
    assert (type(outcome), outcome.reason, outcome.sent) == (Rejected, reason, sent), outcome
    if sent and reason in ERRORS:
        assert isinstance(outcome.error, ERRORS[reason])


@pytest.fixture(params=WAYS, ids="-".join)
async def desk(request, stage_of):
    market, over = request.param
    async with stage_of(market) as stage:
        player = await stage.open(orders_over=over)
        yield player
        await stage.idle()
        player.agrees()
        await player.rest_agrees()


async def test_what_cannot_be_paid(desk):
    refused = await desk.place("buy", 60_010, lots=desk.stage.poor)
    is_refused(refused, Reason.INSUFFICIENT_BALANCE)
    assert isinstance(refused.error, InsufficientBalance)
    assert not refused.retryable


async def test_a_price_too_far_from_the_market(desk):
    refused = await desk.place("buy", 400_000)
    is_refused(refused, Reason.FILTER)


async def test_a_client_order_id_twice(desk):
    first = await desk.place("buy", 59_000, client_order_id="one")
    assert isinstance(first, Accepted)
    is_refused(await desk.place("buy", 59_000, client_order_id="one"), Reason.DUPLICATE_ID, sent=False)
    stage = desk.stage
    stage.sandbox.faults.add(Fault(Action.GAP, stream=EVENT[stage.name]))
    stage.engine.place("main", desk.order("buy", 59_000, client_order_id="theirs"), stage.sandbox.now_ns())
    await stage.idle()
    is_refused(await desk.place("buy", 59_000, client_order_id="theirs"), Reason.DUPLICATE_ID)
    assert stage.count() == 2
    stage.sandbox.drop_all()  # the other's order was told to nobody
    await stage.until(lambda: not desk.client.synced)
    await stage.until(lambda: desk.client.synced)


async def test_a_market_that_is_closed(desk):
    stage = desk.stage
    stage.engine.set_status(stage.instrument, InstrumentStatus.HALTED, stage.sandbox.now_ns())
    refused = await desk.place("buy", 59_000)
    is_refused(refused, Reason.MARKET_CLOSED)
    assert isinstance(refused.error, MarketClosed)


async def test_too_many_orders(desk):
    stage = desk.stage
    most = stage.instrument.rules.max_orders
    stage.sandbox.faults.add(Fault(Action.GAP, stream=EVENT[stage.name], count=most))
    for _ in range(most):  # of somebody else on the account, of whom the stream does not tell
        stage.engine.place("main", desk.order("buy", 50_000), stage.sandbox.now_ns())
    await stage.idle()
    refused = await desk.place("buy", 59_000)
    is_refused(refused, Reason.TOO_MANY_ORDERS)
    assert isinstance(refused.error, TooManyOpenOrders)
    stage.sandbox.drop_all()
    await stage.until(lambda: not desk.client.synced)
    await stage.until(lambda: desk.client.synced)
    counted = await desk.place("buy", 59_000)
    is_refused(counted, Reason.FILTER, sent=False)
    assert counted.violations[0].rule.endswith("max_orders")


async def test_an_order_that_nobody_knows(desk):
    missing = CancelRequest(instrument=desk.stage.instrument, client_order_id="nobody")
    is_refused(await desk.client.cancel_order(missing), Reason.UNKNOWN_ORDER)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(Action.STATUS, status=400, error=-2010, text="No."), Reason.OTHER),
        (Fault(Action.STATUS, status=400, error=-1102, text="No."), Reason.PARAMETER),
        (Fault(Action.STATUS, status=410, error=-1, text="Gone."), Reason.ENDPOINT_GONE),
        (Fault(Action.STATUS, status=401, error=-2015, text="No."), Reason.AUTHENTICATION),
    ],
)
async def test_other_words_of_the_venue(desk, fault, reason):
    desk.stage.sandbox.faults.add(fault)
    is_refused(await desk.place("buy", 59_000), reason)
    assert desk.stage.count() == 0
    assert isinstance(await desk.place("buy", 59_000), Accepted)


@pytest.mark.parametrize(
    ("fault", "reason", "wait_s"),
    [(too_many_requests(retry_after=30), Reason.RATE_LIMITED, 30), (banned(), Reason.BANNED, 120)],
)
async def test_a_broken_limit_stops_all_until_it_is_over(desk, fault, reason, wait_s):
    stage = desk.stage
    stage.sandbox.faults.add(fault)
    begun = stage.clock.monotonic_ns()
    refused = await desk.place("buy", 59_000)
    is_refused(refused, reason)
    assert refused.retryable
    assert refused.retry_after_ns == wait_s * SECOND
    asked = stage.sandbox.door.requests
    assert isinstance(await desk.place("buy", 59_000), Accepted)
    assert stage.sandbox.door.requests == asked + 1
    assert stage.clock.monotonic_ns() - begun >= wait_s * SECOND
    assert stage.count() == 1


async def test_nothing_is_placed_while_the_account_is_not_known(desk):
    stage = desk.stage
    stage.sandbox.door.down = True
    stage.sandbox.drop_all()
    await stage.until(lambda: not desk.client.synced)
    is_refused(await desk.place("buy", 59_000), Reason.NOT_SYNCED, sent=False)
    with pytest.raises(NotSynced):
        desk.client.account.balances()
    stage.sandbox.door.down = False
    await stage.until(lambda: desk.client.synced)
    assert isinstance(await desk.place("buy", 59_000), Accepted)


@pytest.mark.parametrize("market", MARKETS)
async def test_nothing_leaves_where_there_is_no_connection(stage_of, market):
    async with stage_of(market) as stage:
        player = await stage.open(orders_over="websocket")
        stage.sandbox.door.down = True
        stage.sandbox.drop_all()
        await stage.until(lambda: not player.client.synced)
        outcome = await player.client.place_order(player.order("buy", 59_000), allow_unsynced=True)
        is_refused(outcome, Reason.NOT_SENT, sent=False)
        assert outcome.retryable
        stage.sandbox.door.down = False
        await stage.until(lambda: player.client.synced)
        assert isinstance(await player.place("buy", 59_000), Accepted)
        player.agrees()
        assert stage.count() == 1


@pytest.mark.parametrize("market", MARKETS)
async def test_a_key_that_was_deleted(stage_of, market):
    async with stage_of(market) as stage:
        player = await stage.open()
        stage.sandbox.delete_key(stage.sandbox.key())
        refused = await player.client.place_order(player.order("buy", 59_000), allow_unsynced=True)
        is_refused(refused, Reason.AUTHENTICATION)
        assert stage.count() == 0


@pytest.mark.parametrize("market", MARKETS)
async def test_a_key_that_is_none_is_said_at_once(stage_of, market):
    async with stage_of(market) as stage:
        player = await stage.open(ready=False)
        stage.sandbox.delete_key(stage.sandbox.key())
        with pytest.raises(AuthenticationError):
            await player.client.ready(600)


async def test_spot_has_no_listen_keys_any_more(stage_of):
    async with stage_of("spot") as stage:
        player = await stage.open(user_data="listen_key", ready=False)
        with pytest.raises(ClientClosed, match="withdrawn") as caught:
            await player.client.ready(60)
        assert isinstance(caught.value.__cause__.__cause__, EndpointGone)
        with pytest.raises(ClientClosed):
            await player.watching


@pytest.mark.parametrize(("market", "over"), WAYS)
async def test_only_cancels_pass_while_a_reader_has_stalled(stage_of, market, over):
    async with stage_of(market) as stage:
        player = await stage.open(orders_over=over, stall_at=10)
        order = (await player.place("buy", 59_000)).order
        slow = player.client.account_stream()
        await anext(slow)
        for number in range(10):
            stage.engine.place("main", player.order("buy", 58_000 - number), stage.sandbox.now_ns())
        await stage.idle()
        is_refused(await player.place("buy", 59_000), Reason.STALLED, sent=False)
        assert isinstance(await player.client.cancel_order(order), Accepted)
        assert player.of(ConsumerStalled)
        async for event in slow:
            if isinstance(event, ConsumerStalled):
                break
        await slow.aclose()
        await stage.until(lambda: player.client.synced)
        assert isinstance(await player.place("buy", 59_000), Accepted)
        await stage.idle()
        player.agrees()


async def test_a_date_that_is_too_near(stage_of):
    async with stage_of("usd-m") as stage:
        player = await stage.open()
        end = stage.sandbox.now_ns() // SECOND * SECOND + 60 * SECOND
        near = await player.place("buy", 59_000, time_in_force=TimeInForce.GTD, good_till_ns=end)
        is_refused(near, Reason.PARAMETER)


async def test_prices_of_a_pair_that_are_the_wrong_way_round(stage_of):
    async with stage_of("spot") as stage:
        player = await stage.open()
        pair = (
            player.order("sell", 59_500, post_only=True),
            player.order("sell", kind=OrderType.STOP_MARKET, trigger_price=D(59_000)),
        )
        outcome = await player.client.place_order_list(
            OrderListRequest(instrument=stage.instrument, kind=ListKind.OCO, orders=pair)
        )
        assert type(outcome) is Rejected
        assert outcome.reason in (Reason.PARAMETER, Reason.WOULD_TAKE)
        assert stage.count() == 0
