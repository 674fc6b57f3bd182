"""Every sort of order that spot has, by our client on the sandbox, over both ways."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.events import FillMismatch, OrderListUpdate, TradeUpdate, Unexplained
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    OrderListRequest,
    OrderStatus,
    OrderType,
    Peg,
    ResponseKind,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_execution.outcome import Accepted, Reason, Rejected
from toucan_instrument.errors import InvalidInput

D = Decimal
T = OrderType


@pytest.fixture(params=["rest", "websocket"])
async def desk(request, stage_of):
    """Give a stage with a client on it, that agrees at the end."""
    async with stage_of("spot") as stage:
        player = await stage.open(orders_over=request.param)
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
    return desk.last(outcome)


async def test_orders_at_the_market(desk):
    bought = await placed(desk, "buy", lots=150)  # through two levels
    assert (bought.filled_quantity, round(bought.average_price, 9)) == (D("1.5"), D("60013.333333333"))
    spent = await placed(desk, "buy", quote_quantity=D(6_100))
    assert (spent.quote_quantity, spent.filled_quantity) == (D(6_100), D("0.101"))
    poor = await placed(desk, "sell", lots=700, status="expired")
    assert (poor.filled_quantity, len(desk.of(TradeUpdate))) == (D(6), 5)


@pytest.mark.parametrize("response", [None, *ResponseKind])
async def test_an_answer_may_say_more_or_less(desk, response):
    found = await placed(desk, "buy", 60_010, lots=2, response=response)
    assert found.filled_quantity == D("0.02")
    assert (await placed(desk, "buy", 59_000, status="open", response=response)).price == 59_000


async def test_orders_that_do_not_rest(desk):
    ioc = await placed(desk, "buy", 60_010, lots=150, status="expired", time_in_force=TimeInForce.IOC)
    assert ioc.filled_quantity == D(1)
    assert (await placed(desk, "buy", 60_020, lots=600, status="expired", time_in_force=TimeInForce.FOK)
            ).filled_quantity == 0  # fmt: skip
    assert (await placed(desk, "buy", 60_020, lots=500, time_in_force=TimeInForce.FOK)).filled_quantity == 5


async def test_orders_that_only_rest(desk):
    resting = await placed(desk, "buy", 60_000, post_only=True, status="open")
    assert resting.post_only
    refused = await desk.place("buy", 60_010, post_only=True)
    assert (type(refused), refused.reason) == (Rejected, Reason.WOULD_TAKE)
    desk.stage.feed_trade(60_000, "sell")
    await desk.stage.idle()
    assert desk.of(TradeUpdate)[-1].maker is True


async def test_an_iceberg_shows_its_tip(desk):
    await placed(desk, "buy", 60_000, lots=40, iceberg_quantity=D("0.1"), status="open")
    bids, _ = desk.stage.engine.depth(desk.stage.instrument, 1)
    assert bids == ((D(60_000), D("0.1")),)
    desk.stage.feed_trade(60_000, "sell", lots=25)
    await desk.stage.idle()
    [order] = desk.client.account.open_orders()
    assert (order.filled_quantity, order.iceberg_quantity) == (D("0.25"), D("0.1"))


@pytest.mark.parametrize(
    ("kind", "side", "fields", "trigger"),
    [
        (T.STOP_MARKET, "sell", {"trigger_price": D(59_500)}, 59_500),
        (T.STOP_LIMIT, "sell", {"trigger_price": D(59_500), "price": D(59_980)}, 59_400),
        (T.STOP_MARKET, "buy", {"trigger_price": D(60_500)}, 60_500),
        (T.TAKE_PROFIT_MARKET, "sell", {"trigger_price": D(60_500)}, 60_600),
        (T.TAKE_PROFIT_LIMIT, "buy", {"trigger_price": D(59_500), "price": D(60_010)}, 59_500),
        (T.TRAILING_STOP_MARKET, "sell", {"trailing_bips": 100}, 59_300),
        (T.TAKE_PROFIT_MARKET, "sell", {"trigger_price": D(60_200), "trailing_bips": 100}, 60_300),
    ],
)
async def test_orders_that_wait_for_a_price(desk, states_of, kind, side, fields, trigger):
    waiting = await placed(desk, side, kind=kind, status="open", **fields)
    assert waiting.type is kind
    assert waiting.trigger_price == fields.get("trigger_price")
    desk.agrees()
    await desk.rest_agrees()
    desk.stage.feed_trade(trigger, "buy")
    if "trailing_bips" in fields and "trigger_price" in fields:
        desk.stage.feed_trade(59_600, "buy")  # it follows from its trigger on
    await desk.stage.idle()
    over = desk.client.account.order(waiting.client_order_id)
    assert (over.status, over.type, over.triggered) == (OrderStatus.FILLED, kind, True)
    assert states_of(desk, waiting.client_order_id)[-1] == "filled"


async def test_an_order_that_follows_the_book(desk):
    pegged = await placed(desk, "buy", kind=T.LIMIT, peg=Peg(price="primary"), status="open")
    assert pegged.price == 59_990


async def test_self_trade_is_prevented(desk):
    await placed(desk, "sell", 60_000, status="open")
    modes = SelfTradePrevention
    taker = await placed(
        desk, "buy", 60_000, status="expired_in_match", self_trade_prevention=modes.EXPIRE_TAKER
    )
    assert taker.filled_quantity == 0
    await placed(desk, "buy", 60_000, status="open", self_trade_prevention=modes.EXPIRE_MAKER)
    assert [order.side.value for order in desk.client.account.open_orders()] == ["buy"]
    await placed(desk, "sell", 60_000, lots=3, status="open", self_trade_prevention=modes.DECREMENT)
    [left] = desk.client.account.open_orders()
    assert (left.prevented_quantity, left.remaining) == (D("0.01"), D("0.02"))


async def test_an_account_that_trades_with_itself_is_told_of_both_sides(desk):
    made = await placed(desk, "sell", 60_000, lots=3, status="open")
    taken = await placed(desk, "buy", 60_000, lots=2)
    fills = desk.of(TradeUpdate)
    assert {each.trade_id for each in fills} == {fills[0].trade_id}
    assert {(each.order_id, each.side.value, each.maker) for each in fills} == {
        (made.order_id, "sell", True), (taken.order_id, "buy", False),
    }  # fmt: skip
    desk.stage.sandbox.drop_all()
    await desk.stage.until(lambda: not desk.client.synced)
    await placed_unsynced(desk)
    await desk.stage.idle(30)
    assert desk.of(FillMismatch, Unexplained) == []
    assert len(desk.of(TradeUpdate)) == 4


async def placed_unsynced(desk):
    """Let the account trade with itself while nobody listens."""
    engine, stage = desk.stage.engine, desk.stage
    engine.place("main", desk.order("buy", 60_000, client_order_id="theirs"), stage.sandbox.now_ns())


async def test_an_order_is_made_smaller_and_keeps_its_place(desk):
    order = await placed(desk, "buy", 60_000, lots=5, status="open")
    request = AmendRequest(
        instrument=order.instrument, client_order_id=order.client_order_id, quantity=D("0.03")
    )
    amended = await desk.client.amend_order(request)
    assert (type(amended), amended.order.quantity) == (Accepted, D("0.03"))
    renamed = await desk.client.amend_order(
        msgspec.structs.replace(request, quantity=D("0.02"), amend_id="new-name")
    )
    assert (renamed.order.client_order_id, renamed.order.order_id) == ("new-name", order.order_id)
    await desk.stage.idle()
    [held] = desk.client.account.open_orders()
    assert (held.client_order_id, held.quantity) == ("new-name", D("0.02"))
    with pytest.raises(InvalidInput):
        await desk.client.amend_order(msgspec.structs.replace(request, quantity=D("0.05")))
    again = await desk.client.cancel_order(held)
    assert (again.order.client_order_id, again.order.status) == ("new-name", OrderStatus.CANCELLED)


async def test_an_order_cannot_be_made_smaller_than_what_was_filled(desk):
    order = await placed(desk, "buy", 60_000, lots=5, status="open")
    desk.stage.feed_trade(60_000, "sell", lots=2)
    await desk.stage.idle()
    refused = await desk.client.amend_order(
        AmendRequest(instrument=order.instrument, order_id=order.order_id, quantity=D("0.02"))
    )
    assert (type(refused), refused.reason) == (Rejected, Reason.AMEND_REFUSED)


async def test_an_order_replaces_another(desk):
    order = await placed(desk, "buy", 59_000, status="open")
    cancel = CancelRequest(instrument=order.instrument, client_order_id=order.client_order_id)
    both = await desk.client.cancel_replace(
        CancelReplaceRequest(cancel=cancel, place=desk.order("buy", 59_100))
    )
    assert (both.cancel.order.status, both.place.order.price) == (OrderStatus.CANCELLED, 59_100)
    gone = await desk.client.cancel_replace(
        CancelReplaceRequest(cancel=cancel, place=desk.order("buy", 59_200))
    )
    assert (gone.cancel.reason, gone.place.reason) == (Reason.UNKNOWN_ORDER, Reason.NOT_ATTEMPTED)
    anyway = await desk.client.cancel_replace(
        CancelReplaceRequest(cancel=cancel, place=desk.order("buy", 59_300), stop_on_failure=False)
    )
    assert (anyway.cancel.reason, anyway.place.order.price) == (Reason.UNKNOWN_ORDER, 59_300)
    await desk.stage.idle()
    assert [each.price for each in desk.client.account.open_orders()] == [59_100, 59_300]
    poor = await desk.client.cancel_replace(
        CancelReplaceRequest(
            cancel=CancelRequest(instrument=order.instrument, client_order_id=both.place.client_order_id),
            place=desk.order("buy", 59_400, lots=10_000),
        )
    )
    assert (poor.cancel.order.price, poor.place.reason) == (59_100, Reason.INSUFFICIENT_BALANCE)


# Lists.


def listed(desk, kind, *orders):
    return OrderListRequest(instrument=desk.stage.instrument, kind=kind, orders=orders)


def pair(desk, **more):
    """Return the two orders of a pair: one above, one below."""
    return (
        desk.order("sell", 61_000, post_only=True, **more),
        desk.order("sell", 58_900, kind=T.STOP_LIMIT, trigger_price=D(59_000), **more),
    )


async def list_states(desk):
    await desk.stage.idle()
    return [each.order_list.status for each in desk.of(OrderListUpdate)]


async def test_one_cancels_the_other(desk):
    above, below = pair(desk)
    accepted = await desk.client.place_order_list(listed(desk, ListKind.OCO, above, below))
    assert isinstance(accepted, Accepted)
    assert len(accepted.order_list.client_order_ids) == 2
    await desk.stage.idle()
    desk.agrees()
    [held] = await desk.client.fetch_open_order_lists()
    assert (held.kind, held.list_id) == (ListKind.OCO, accepted.order_list.list_id)
    desk.stage.feed_trade(61_000, "buy")
    await desk.stage.idle()
    orders = [desk.client.account.order(name) for name in accepted.order_list.client_order_ids]
    assert sorted(order.status.value for order in orders) == ["expired", "filled"]
    assert {order.list_id for order in orders} == {held.list_id}
    assert (await list_states(desk))[-1] == "ALL_DONE"
    assert await desk.client.fetch_open_order_lists() == ()


@pytest.mark.parametrize("by", ["list", "order"])
async def test_a_list_is_cancelled(desk, by):
    accepted = await desk.client.place_order_list(listed(desk, ListKind.OCO, *pair(desk)))
    client, found = desk.client, accepted.order_list
    if by == "list":
        ended = await client.cancel_order_list(desk.stage.instrument, list_id=found.list_id)
    else:
        ended = await client.cancel_order(
            CancelRequest(instrument=desk.stage.instrument, client_order_id=found.client_order_ids[0])
        )
    assert isinstance(ended, Accepted)
    await desk.stage.idle()
    assert client.account.open_orders() == ()


async def test_one_triggers_another(desk):
    working, pending = desk.order("buy", 60_000), desk.order("sell", 60_005)
    accepted = await desk.client.place_order_list(listed(desk, ListKind.OTO, working, pending))
    assert isinstance(accepted, Accepted)
    await desk.stage.idle()
    desk.agrees()
    desk.stage.feed_trade(60_000, "sell")
    await desk.stage.idle()
    [order] = desk.client.account.open_orders()
    assert (order.price, order.status) == (60_005, OrderStatus.OPEN)
    desk.stage.feed_trade(60_005, "buy")
    assert (await list_states(desk))[-1] == "ALL_DONE"


@pytest.mark.parametrize(("kind", "names_quantity"), [(ListKind.OTOCO, True), (ListKind.OPOCO, False)])
async def test_one_triggers_a_pair(desk, kind, names_quantity):
    more = {} if names_quantity else {"quantity": None}
    accepted = await desk.client.place_order_list(
        listed(desk, kind, desk.order("buy", 60_000, lots=3), *pair(desk, **(more or {"lots": 3})))
    )
    assert isinstance(accepted, Accepted), accepted
    await desk.stage.idle()
    desk.agrees()
    desk.stage.feed_trade(60_000, "sell", lots=3)
    await desk.stage.idle()
    assert len(desk.client.account.open_orders()) == 2
    desk.agrees()
    desk.stage.feed_trade(58_990, "sell")
    assert (await list_states(desk))[-1] == "ALL_DONE"
    assert desk.client.account.open_orders() == ()


async def test_one_buys_what_another_sells(desk):
    accepted = await desk.client.place_order_list(
        listed(desk, ListKind.OPO, desk.order("buy", 60_000), desk.order("sell", 60_005, quantity=None))
    )
    assert isinstance(accepted, Accepted)
    desk.stage.feed_trade(60_000, "sell")
    await desk.stage.idle()
    [order] = desk.client.account.open_orders()
    assert (order.side.value, order.quantity) == ("sell", D("0.009"))  # what is left of it after the fee


async def test_a_list_that_cannot_be_paid_is_no_list(desk):
    refused = await desk.client.place_order_list(listed(desk, ListKind.OCO, *pair(desk, lots=10_000)))
    assert (type(refused), refused.reason) == (Rejected, Reason.INSUFFICIENT_BALANCE)
    await desk.stage.idle()
    assert desk.client.account.open_orders() == ()
