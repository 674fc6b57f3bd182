"""A client's life, for each market, key kind and way of orders and events: at every step all agree."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.account import AccountSnapshot
from toucan_execution.events import AccountResynced, TradeUpdate
from toucan_execution.orders import OrderStatus
from toucan_execution.outcome import Accepted, Reason, Rejected, Route
from toucan_instrument.errors import UnsupportedKind

D = Decimal
MARKETS = ("spot", "usd-m", "coin-m")
LIVES = [
    (market, kind, over, "auto")
    for market in MARKETS
    for kind in ("hmac", "ed25519", "rsa")
    for over in ("rest", "websocket")
] + [("spot", "ed25519", over, "session") for over in ("rest", "websocket")]


@pytest.mark.parametrize(("market", "kind", "over", "user_data"), LIVES)
async def test_a_whole_life(stage_of, states_of, market, kind, over, user_data):
    async with stage_of(market) as stage:
        player = await stage.open(kind=kind, orders_over=over, user_data=user_data)
        client, tick = player.client, stage.instrument.rules.tick_size
        way = Route.WEBSOCKET if over == "websocket" else Route.REST
        begun = player.of(AccountSnapshot)
        assert len(begun) == 1
        assert {each.asset: each.total for each in begun[0].balances} == {
            each.asset: each.total for each in stage.engine.balances("main")
        }

        # It rests, and is filled in two parts as a maker.
        made = await player.place("buy", 60_000, lots=3)
        assert (type(made), made.route, made.order.status) == (Accepted, way, OrderStatus.OPEN)
        for lots in (1, 2):
            stage.feed_trade(made.order.price, "sell", lots)
            await stage.idle()
            player.agrees()
        assert states_of(player, made.client_order_id) == [
            "open_in_flight", "open", "partially_filled", "filled",
        ]  # fmt: skip
        assert [(each.maker, each.quantity) for each in player.of(TradeUpdate)] == [
            (True, stage.lot), (True, 2 * stage.lot),
        ]  # fmt: skip

        # It takes.
        taken = await player.place("sell", lots=2)
        assert isinstance(taken, Accepted)
        await stage.idle()
        # Answer and events come at once, in any order.
        states = [each for each in states_of(player, taken.client_order_id) if each != "open"]
        assert states == ["open_in_flight", "filled"]
        assert [each.maker for each in player.of(TradeUpdate)[2:]] == [False]
        player.agrees()

        # It is refused, by itself before it is sent, and by the venue.
        broken = await player.place("buy", stage.bid + tick / 2)
        assert (broken.reason, broken.sent) == (Reason.FILTER, False)
        poor = await player.place("buy", stage.bid, lots=stage.poor)
        assert isinstance(poor, Rejected)
        assert player.last(poor).status is OrderStatus.REJECTED
        assert player.engine_order(poor) is None

        # It is cancelled: one, two at once, its own, all.
        low = stage.bid - 1_000
        orders = [(await player.place("buy", low - number)).order for number in range(6)]
        await stage.idle()
        player.agrees()
        await player.rest_agrees()
        one = await client.cancel_order(orders[0])
        assert (one.order.status, one.route) == (OrderStatus.CANCELLED, way)
        again = await client.cancel_order(orders[0])
        assert (again.reason, again.final.status) == (Reason.ALREADY_CLOSED, OrderStatus.CANCELLED)
        two = await client.cancel_orders(orders[1:3])
        assert [type(each) for each in two] == [Accepted, Accepted]
        other = player.order("buy", low, client_order_id="somebody-else")
        stage.engine.place("main", other, stage.market.now_ns)
        own = await client.cancel_own()
        assert {each.client_order_id for each in own} == {each.client_order_id for each in orders[3:]}
        assert all(isinstance(each, Accepted) for each in own)
        await stage.idle()
        assert [each.client_order_id for each in client.account.open_orders()] == ["somebody-else"]
        await client.cancel_all(stage.instrument)
        await stage.idle()
        assert client.account.open_orders() == ()

        player.agrees()
        player.told_every_fill_once()
        await player.rest_agrees()
        assert len(player.of(AccountResynced)) == 1
        assert stage.count() == 9


@pytest.mark.parametrize("market", MARKETS)
async def test_two_clients_trade_with_each_other(stage_of, market):
    async with stage_of(market) as stage:
        one, two = await stage.open(account="one"), await stage.open(account="two", kind="ed25519")
        made = await one.place("sell", 60_000, lots=5)
        taken = await two.place("buy", 60_000, lots=3)
        await stage.idle()
        assert one.last(made).status is OrderStatus.PARTIALLY_FILLED
        assert two.last(taken).status is OrderStatus.FILLED
        [sold], [bought] = one.of(TradeUpdate), two.of(TradeUpdate)
        assert (sold.trade_id, sold.maker, bought.maker) == (bought.trade_id, True, False)
        for player in (one, two):
            player.agrees()
            player.told_every_fill_once()
            await player.rest_agrees()


@pytest.mark.parametrize("market", MARKETS)
async def test_what_was_there_before_is_known(stage_of, market):
    async with stage_of(market) as stage:
        stage.sandbox.open_account("main")
        first = await stage.open()
        await first.place("buy", lots=4)
        await first.place("buy", stage.bid - 500)
        late = await stage.open(kind="ed25519")
        late.agrees()
        await late.place("sell", lots=1)
        await stage.idle()
        for player in (first, late):
            player.agrees()
        first.told_every_fill_once()


@pytest.mark.parametrize("market", MARKETS)
async def test_one_order_is_found_by_either_of_its_ids_and_costs_what_it_says(stage_of, market):
    async with stage_of(market) as stage:
        player = await stage.open()
        client = player.client
        placed = await player.place("buy", stage.bid - 500)
        for ids in ({"client_order_id": placed.client_order_id}, {"order_id": placed.order.order_id}):
            found = await client.fetch_order(stage.instrument, **ids)
            assert (found.order_id, found.price) == (placed.order.order_id, stage.bid - 500)
        commission = await client.fetch_commission(stage.instrument)
        theirs = stage.engine.commission("main", stage.instrument)
        assert (commission.maker, commission.taker) == (theirs.maker, theirs.taker)
        tested = player.order("buy", stage.bid - 500)
        if market == "coin-m":
            with pytest.raises(UnsupportedKind):
                await client.test_order(tested)
        else:
            assert isinstance(await client.test_order(tested), Accepted)
        assert stage.count() == 1
