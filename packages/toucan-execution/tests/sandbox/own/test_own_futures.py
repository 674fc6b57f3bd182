"""Every sort of order and setting that the futures have, by our client on the sandbox."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.account import MarginType, PositionMode
from toucan_execution.events import AccountConfigUpdate, BalanceUpdate, FundingUpdate, TradeUpdate
from toucan_execution.orders import (
    AmendRequest,
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTradePrevention,
    TimeInForce,
    TriggerPrice,
)
from toucan_execution.outcome import Accepted, Reason, Rejected
from toucan_instrument import Side
from toucan_instrument.errors import VenueError

D = Decimal
T = OrderType
SECOND = 1_000_000_000
WAYS = [(market, over) for market in ("usd-m", "coin-m") for over in ("rest", "websocket")]


@pytest.fixture(params=WAYS, ids="-".join)
async def desk(request, stage_of):
    """Give a stage with a client on it, that agrees at the end."""
    market, over = request.param
    async with stage_of(market) as stage:
        stage.feed_mark(60_000)
        player = await stage.open(orders_over=over, kind="ed25519")
        yield player
        await stage.idle()
        player.agrees()
        player.told_every_fill_once()
        await player.rest_agrees()


async def placed(desk, *args, status="filled", **options):
    """Place an order that is taken; return what is known of it once all has arrived."""
    outcome = await desk.place(*args, **options)
    assert isinstance(outcome, Accepted), outcome
    await desk.stage.idle()
    assert desk.last(outcome).status.value == status
    desk.agrees()
    return desk.last(outcome)


def lots(desk, number):
    return desk.stage.lot * number


def held(desk, side=None):
    found = desk.client.account.position(desk.stage.instrument, side)
    return D(0) if found is None else found.quantity


# Orders.


async def test_orders_that_do_not_rest(desk):
    usd = desk.stage.name == "usd-m"
    ioc = await placed(desk, "buy", 60_010, lots=150, status="expired", time_in_force=TimeInForce.IOC)
    assert ioc.filled_quantity == lots(desk, 100)
    too_much = await desk.place("buy", 60_020, lots=600, time_in_force=TimeInForce.FOK)
    if usd:
        assert (type(too_much), too_much.reason) == (Rejected, Reason.OTHER)
    else:
        await desk.stage.idle()
        assert desk.last(too_much).status is OrderStatus.EXPIRED
    await placed(desk, "buy", 60_020, lots=500, time_in_force=TimeInForce.FOK)
    assert held(desk) == lots(desk, 600)


async def test_orders_that_only_rest(desk):
    assert (await placed(desk, "buy", 60_000, post_only=True, status="open")).post_only
    refused = await desk.place("buy", 60_010, post_only=True)
    if isinstance(refused, Rejected):
        assert refused.reason is Reason.WOULD_TAKE
    else:
        await desk.stage.idle()
        assert desk.last(refused).status is OrderStatus.EXPIRED
    desk.stage.feed_trade(60_000, "sell")
    await desk.stage.idle()
    assert [each.maker for each in desk.of(TradeUpdate)] == [True]


async def test_an_order_takes_its_price_from_the_book(desk):
    opponent = await placed(desk, "sell", kind=T.LIMIT, price_match=PriceMatch.OPPONENT)
    assert (opponent.price, opponent.average_price) == (59_990, 59_990)
    assert (await placed(desk, "buy", kind=T.LIMIT, price_match=PriceMatch.QUEUE, status="open")
            ).price == 59_990  # fmt: skip


@pytest.mark.parametrize("over", ["rest", "websocket"])
async def test_an_order_is_good_till_a_date(stage_of, over):
    async with stage_of("usd-m") as stage:
        desk = await stage.open(orders_over=over)
        end = stage.sandbox.now_ns() // SECOND * SECOND + 700 * SECOND
        order = await placed(
            desk, "buy", 59_000, status="open", time_in_force=TimeInForce.GTD, good_till_ns=end
        )
        await stage.idle(690)
        assert order.good_till_ns == end
        assert len(desk.client.account.open_orders()) == 1
        await stage.idle(15)
        assert desk.client.account.open_orders() == ()
        desk.agrees()


async def test_self_trade_is_prevented(desk):
    modes = SelfTradePrevention
    await placed(desk, "sell", 60_000, status="open")
    taker = await placed(
        desk, "buy", 60_000, status="expired_in_match", self_trade_prevention=modes.EXPIRE_TAKER
    )
    assert taker.filled_quantity == 0
    await placed(desk, "buy", 60_000, status="open", self_trade_prevention=modes.EXPIRE_MAKER)
    assert [order.side for order in desk.client.account.open_orders()] == [Side.BUY]


async def test_an_order_that_only_reduces(desk):
    none = await desk.place("sell", reduce_only=True)
    assert (type(none), none.reason) == (Rejected, Reason.REDUCE_ONLY)
    await placed(desk, "buy", lots=4)
    order = await placed(desk, "sell", 61_000, lots=3, reduce_only=True, status="open")
    assert order.reduce_only
    await placed(desk, "sell", lots=4)
    await desk.stage.idle()
    assert held(desk) == 0
    assert desk.client.account.open_orders() == ()  # nothing was left to reduce


@pytest.mark.parametrize(
    ("kind", "side", "fields", "trigger"),
    [
        (T.STOP_MARKET, "sell", {"trigger_price": D(59_500)}, 59_500),
        (T.STOP_LIMIT, "sell", {"trigger_price": D(59_500), "price": D(59_980)}, 59_400),
        (T.STOP_MARKET, "buy", {"trigger_price": D(60_500), "trigger_by": TriggerPrice.MARK}, 60_500),
        (T.TAKE_PROFIT_MARKET, "sell", {"trigger_price": D(60_500)}, 60_600),
        (T.TAKE_PROFIT_LIMIT, "buy", {"trigger_price": D(59_500), "price": D(60_010)}, 59_500),
        (T.TRAILING_STOP_MARKET, "sell", {"trailing_bips": 100}, 59_300),
        (T.TRAILING_STOP_MARKET, "buy", {"trailing_bips": 50, "activation_price": D(59_000)}, 59_400),
    ],
)
async def test_orders_that_wait_for_a_price(desk, states_of, kind, side, fields, trigger):
    waiting = await placed(desk, side, kind=kind, status="open", **fields)
    assert (waiting.type, bool(waiting.algo_id), waiting.order_id) == (kind, True, "")
    assert waiting.trigger_price == fields.get("trigger_price")
    await desk.rest_agrees()
    if "activation_price" in fields:
        desk.stage.feed_trade(58_990, "buy")
    if fields.get("trigger_by") is TriggerPrice.MARK:
        desk.stage.feed_trade(trigger, "buy")
        await desk.stage.idle()
        assert desk.client.account.order(waiting.client_order_id).is_open
        desk.stage.feed_mark(trigger)
    else:
        desk.stage.feed_trade(trigger, "buy")
    await desk.stage.idle()
    over = desk.client.account.order(waiting.client_order_id)
    assert (over.status, over.type, over.triggered) == (OrderStatus.FILLED, kind, True)
    assert over.order_id
    assert abs(held(desk)) == desk.stage.lot
    assert states_of(desk, waiting.client_order_id)[-1] == "filled"


async def test_a_stop_closes_the_whole_position(desk):
    await placed(desk, "buy", lots=7)
    stop = await placed(
        desk, "sell", kind=T.STOP_MARKET, trigger_price=D(59_500), close_position=True, status="open"
    )
    assert (stop.close_position, stop.quantity) == (True, None)
    desk.stage.feed_trade(59_500, "sell")
    await desk.stage.idle()
    assert held(desk) == 0
    assert desk.client.account.order(stop.client_order_id).status is OrderStatus.FILLED


async def test_a_conditional_order_is_cancelled_or_would_trigger_at_once(desk):
    refused = await desk.place("sell", kind=T.STOP_MARKET, trigger_price=D(60_500))
    assert (type(refused), refused.reason) == (Rejected, Reason.WOULD_TRIGGER)
    stop = await placed(desk, "sell", kind=T.STOP_MARKET, trigger_price=D(59_500), status="open")
    other = await placed(desk, "sell", kind=T.STOP_MARKET, trigger_price=D(59_400), status="open")
    assert isinstance(await desk.client.cancel_order(stop), Accepted)
    again = await desk.client.cancel_order(stop)
    assert (again.reason, again.final.status) == (Reason.ALREADY_CLOSED, OrderStatus.CANCELLED)
    assert isinstance((await desk.client.cancel_orders([other]))[0], Accepted)
    await desk.stage.idle()
    assert desk.client.account.open_orders() == ()


async def test_all_orders_are_cancelled_conditional_ones_too(desk):
    await placed(desk, "buy", 59_000, status="open")
    await placed(desk, "sell", kind=T.STOP_MARKET, trigger_price=D(59_500), status="open")
    await desk.client.cancel_all(desk.stage.instrument)
    await desk.stage.idle()
    assert desk.stage.engine.open_orders("main") == ()
    assert desk.client.account.open_orders() == ()


async def test_orders_are_placed_and_cancelled_in_batches(desk):
    requests = [desk.order("buy", 59_000 - number) for number in range(7)]
    requests[2] = desk.order("buy", 60_010, lots=10**6)
    outcomes = await desk.client.place_orders(requests)
    kinds = [type(each) for each in outcomes]
    assert kinds == [Accepted] * 2 + [Rejected] + [Accepted] * 4
    assert outcomes[2].reason in (Reason.INSUFFICIENT_BALANCE, Reason.FILTER)
    await desk.stage.idle()
    desk.agrees()
    orders = [desk.last(each) for each in outcomes if isinstance(each, Accepted)]
    await desk.client.cancel_order(orders[1])
    ended = await desk.client.cancel_orders(orders)
    assert [type(each) for each in ended] == [Accepted, Rejected] + [Accepted] * 4
    assert ended[1].reason is Reason.ALREADY_CLOSED
    await desk.stage.idle()
    assert desk.client.account.open_orders() == ()


async def test_an_order_is_moved(desk, states_of):
    order = await placed(desk, "buy", 59_000, lots=3, status="open")
    change = AmendRequest(
        instrument=order.instrument, client_order_id=order.client_order_id, price=D(59_100),
        quantity=lots(desk, 2),
    )  # fmt: skip
    moved = await desk.client.amend_order(change)
    assert (type(moved), moved.order.price, moved.order.quantity) == (Accepted, 59_100, lots(desk, 2))
    same = await desk.client.amend_order(change)
    assert (type(same), same.changed) == (Accepted, False)
    await desk.stage.idle()
    desk.agrees()
    crossing = await desk.client.amend_order(
        AmendRequest(
            instrument=order.instrument, order_id=order.order_id, price=D(60_010), quantity=lots(desk, 2)
        )
    )
    assert isinstance(crossing, Accepted)
    await desk.stage.idle()
    assert held(desk) == lots(desk, 2)
    assert states_of(desk, order.client_order_id)[-1] == "filled"


# Settings.


async def test_two_positions_of_one_instrument(desk):
    client = desk.client
    assert await client.fetch_position_mode() is PositionMode.ONE_WAY
    assert await client.set_position_mode(PositionMode.HEDGE) is True
    assert await client.set_position_mode(PositionMode.HEDGE) is False
    long, short = PositionSide.LONG, PositionSide.SHORT
    await placed(desk, "buy", lots=3, position_side=long)
    await placed(desk, "sell", lots=2, position_side=short)
    assert (held(desk, long), held(desk, short)) == (lots(desk, 3), -lots(desk, 2))
    await placed(desk, "sell", lots=3, position_side=long)
    assert (held(desk, long), held(desk, short)) == (0, -lots(desk, 2))
    stop = await placed(
        desk, "buy", kind=T.STOP_MARKET, trigger_price=D(60_500), close_position=True, position_side=short,
        status="open",
    )  # fmt: skip
    desk.stage.feed_trade(60_500, "buy")
    await desk.stage.idle()
    assert desk.last(stop).status is OrderStatus.FILLED
    assert client.account.positions() == ()
    assert await client.set_position_mode(PositionMode.ONE_WAY) is True


async def test_a_mode_that_somebody_else_has_set_is_a_reason(desk):
    desk.stage.engine.set_position_mode("main", PositionMode.HEDGE, desk.stage.market.now_ns)
    refused = await desk.place("buy")
    assert (type(refused), refused.reason) == (Rejected, Reason.POSITION_SIDE)


async def test_leverage_and_margin(desk):
    client, instrument = desk.client, desk.stage.instrument
    setting = await client.set_leverage(instrument, 10)
    assert setting.leverage == desk.stage.engine.leverage("main", instrument).leverage == 10
    await desk.stage.idle()
    assert [each.leverage for each in desk.of(AccountConfigUpdate)] == [10]
    brackets = await client.fetch_leverage_brackets(instrument)
    assert [each.max_leverage for each in brackets] == [
        each.max_leverage for each in desk.stage.engine.brackets(instrument)
    ]
    assert await client.set_margin_type(instrument, MarginType.ISOLATED) is True
    assert await client.set_margin_type(instrument, MarginType.ISOLATED) is False
    await placed(desk, "buy", lots=5)
    [before] = await client.fetch_positions(instrument)
    amount = D(50) if desk.stage.name == "usd-m" else D("0.001")
    await client.change_isolated_margin(instrument, amount)
    [after] = await client.fetch_positions(instrument)
    assert after.isolated_wallet - before.isolated_wallet == amount
    assert (after.margin_type, after.leverage) == (MarginType.ISOLATED, 10)
    with pytest.raises(VenueError):
        await client.set_margin_type(instrument, MarginType.CROSS)
    await desk.stage.idle()


async def test_funding_and_the_ledger(desk):
    stage = desk.stage
    await placed(desk, "buy", lots=5)
    await placed(desk, "sell", lots=2)
    stage.engine.fund(stage.instrument, D("0.0001"), stage.sandbox.now_ns(), mark=D(60_000))
    await stage.idle()
    [funding] = desk.of(FundingUpdate)
    [line] = [each for each in stage.engine.income("main", 0, 2**63) if each.kind == "FUNDING_FEE"]
    assert (funding.asset, funding.amount) in ((line.asset, line.amount), (line.asset, None))
    assert any(each.reason == "FUNDING_FEE" for each in desk.of(BalanceUpdate))
    rows = await desk.client.fetch_income(stage.begun_ns)
    theirs = stage.engine.income("main", stage.begun_ns, 2**63)
    assert sorted((each.kind, each.amount, each.asset) for each in rows) == sorted(
        (each.kind, each.amount, each.asset) for each in theirs
    )
    assert {each.kind for each in rows} >= {"FUNDING_FEE", "COMMISSION", "REALIZED_PNL"}
    total = sum(each.amount for each in rows)
    assert desk.client.account.balance(line.asset).total == stage.engine.balances("main")[0].total
    assert total == sum(each.amount for each in theirs)


async def test_a_countdown_cancels_what_nobody_keeps(desk):
    await placed(desk, "buy", 59_000, status="open")
    await desk.client.countdown_cancel_all(desk.stage.instrument, 10_000)
    await desk.stage.idle(8)
    await desk.client.countdown_cancel_all(desk.stage.instrument, 10_000)
    await desk.stage.idle(8)
    assert len(desk.client.account.open_orders()) == 1
    await desk.stage.idle(3)
    assert desk.client.account.open_orders() == ()


async def test_the_two_futures_share_their_mode_and_not_their_balances(stage_of):
    async with stage_of("usd-m", markets=["usd-m", "coin-m"]) as stage:
        usd, coin = await stage.open(), await stage.open(market="coin-m")
        await usd.client.set_position_mode(PositionMode.HEDGE)
        assert await coin.client.fetch_position_mode() is PositionMode.HEDGE
        await usd.place("buy", lots=2, position_side=PositionSide.LONG)
        await stage.idle()
        usd.agrees()
        assert coin.client.account.positions() == ()
