"""Doubts about the account while things happen, and what may be sent meanwhile."""

import asyncio
from decimal import Decimal

import pytest

from toucan_execution.errors import AuthenticationError
from toucan_execution.events import AccountResynced, FillMismatch, OrderUpdate, OutOfSync, TradeUpdate
from toucan_execution.orders import AmendRequest, CancelRequest, OrderRequest, OrderStatus, OrderType
from toucan_execution.outcome import Accepted, Reason, Rejected, Unknown
from toucan_instrument import Side
from toucan_instrument.errors import InvalidInput

D = Decimal


async def order_of(stage, **changes):
    catalogue = await stage.client.instruments()
    fields = {"side": Side.BUY, "type": OrderType.LIMIT, "quantity": D(2), "price": D("1000.0")}
    return OrderRequest(instrument=catalogue.by_symbol("BTCUSDT"), **fields | changes)


async def test_only_cancels_pass_while_a_reader_has_fallen_behind(stage_of):
    async with stage_of(market="usd-m", stall_at=5) as stage:
        placed = await stage.client.place_order(await order_of(stage))
        await stage.idle()
        slow = stage.client.account_stream()
        await anext(slow)
        for number in range(5):
            stage.venue.tell({"e": "ACCOUNT_CONFIG_UPDATE", "ac": {"s": "BTCUSDT", "l": number + 1}})
        await stage.idle()
        name, instrument = placed.client_order_id, placed.order.instrument
        before = len(stage.venue.calls)
        refused = [
            await stage.client.place_order(await order_of(stage)),
            await stage.client.place_order(await order_of(stage), allow_unsynced=True),
            *await stage.client.place_orders([await order_of(stage)]),
            await stage.client.amend_order(
                AmendRequest(instrument=instrument, client_order_id=name, price=D("1001.0"))
            ),
        ]
        assert [(each.reason, each.sent) for each in refused] == [(Reason.STALLED, False)] * 4
        assert len(stage.venue.calls) == before
        cancel = CancelRequest(instrument=instrument, client_order_id=name)
        assert isinstance(await stage.client.cancel_order(cancel), Accepted)
        await slow.aclose()
        await stage.idle(5)
        assert isinstance(await stage.client.place_order(await order_of(stage)), Accepted)


async def test_missing_fills_are_noticed_and_fetched(stage_of):
    async with stage_of(market="usd-m") as stage:
        placed = await stage.client.place_order(await order_of(stage))
        name = placed.client_order_id
        stage.venue.streaming = False
        stage.venue.fill(name, "1")  # this event is lost, and nothing says so
        stage.venue.streaming = True
        stage.venue.fill(name, "1")
        await stage.idle(20)
        trades = stage.of(TradeUpdate)
        assert sorted(trade.trade_id for trade in trades) == ["501", "502"]
        assert [trade.recovered for trade in sorted(trades, key=lambda each: each.trade_id)] == [True, False]
        assert [each.repaired for each in stage.of(FillMismatch)] == [False, True]
        assert stage.client.synced
        assert stage.client.account.order(name).status is OrderStatus.FILLED


@pytest.mark.parametrize("market", ["spot", "usd-m"])
async def test_a_stream_that_is_silent_is_not_believed(stage_of, market):
    async with stage_of(market=market) as stage:
        sockets = stage.venue.sockets if market == "spot" else stage.venue.streams
        placed = await stage.client.place_order(await order_of(stage))
        for _ in range(6):
            sockets[-1].ping()
            await stage.idle(5)
        assert len(sockets) == 1  # it told of the order
        stage.venue.streaming = False
        silent = await stage.client.place_order(await order_of(stage))
        stage.venue.fill(placed.client_order_id, "1")  # nobody hears of it
        await stage.idle(30)
        assert len(sockets) == 2
        assert ["silent" in each.reason for each in stage.of(OutOfSync)] == [True]
        assert [fill.quantity for fill in stage.of(TradeUpdate)] == [D(1)]
        assert stage.client.account.order(silent.client_order_id).status is OrderStatus.OPEN
        await stage.idle(30)
        assert len(sockets) == 2  # once for each silence
        assert stage.client.synced


async def test_a_refusal_that_is_over_is_forgotten(stage_of):
    async with stage_of(ready=False) as stage:
        stage.venue.refuse_subscription = (-2015, "Invalid API-key, IP, or permissions for action.")
        with pytest.raises(AuthenticationError):
            await stage.client.ready(60)
        stage.venue.refuse_subscription = None
        await stage.idle(100)
        assert stage.client.synced
        stage.venue.drop()
        await stage.idle()
        assert not stage.client.synced
        await stage.client.ready(60)  # waits, for the key is good now


async def test_an_order_whose_venue_cannot_even_be_asked_the_time_was_not_sent(stage_of):
    async with stage_of(market="usd-m", ready=False) as stage:
        await stage.client.instruments()
        request = await order_of(stage)
        for fault in ("never", (500, {}), (418, {"code": -1003, "msg": "banned"}, {"retry-after": "1"})):
            stage.venue.faults["GET", "/v1/time"] = [fault] * 50
            await stage.idle(6)
            outcome = await stage.client.place_order(request, allow_unsynced=True)
            assert isinstance(outcome, Rejected)
            assert (outcome.reason, outcome.sent) == (Reason.NOT_SENT, False)
        assert "POST /v1/order" not in stage.venue.names()
        assert stage.client.account.open_orders(allow_stale=True) == ()
        stage.venue.faults.clear()


async def test_a_request_that_is_refused_by_our_own_writer_leaves_no_trace(stage_of, monkeypatch):
    async with stage_of(market="usd-m") as stage:
        placed = await stage.client.place_order(await order_of(stage))
        await stage.idle()
        order = stage.client.account.order(placed.client_order_id)
        wrong = CancelRequest(
            instrument=order.instrument, client_order_id=order.client_order_id, order_id="no number"
        )
        with pytest.raises(InvalidInput):
            await stage.client.cancel_order(wrong)
        assert stage.client.account.order(placed.client_order_id).status is OrderStatus.OPEN
        with pytest.raises(InvalidInput):
            await stage.client.cancel_order(CancelRequest(instrument=order.instrument))

        def refuse(*_):
            raise InvalidInput("a test", field="order", value=None)

        for name in ("cancel", "cancel_many", "place", "place_many", "amend"):
            monkeypatch.setattr(stage.client.binance, name, refuse)
        before = len(stage.events)
        amend = AmendRequest(instrument=order.instrument, client_order_id=order.client_order_id, price=D(5))
        for refused in (
            stage.client.cancel_order(order),
            stage.client.cancel_orders([order, wrong]),
            stage.client.place_order(await order_of(stage)),
            stage.client.place_orders([await order_of(stage), await order_of(stage)]),
            stage.client.amend_order(amend),
        ):
            with pytest.raises(InvalidInput):
                await refused
        await stage.idle()
        assert len(stage.events) == before
        assert [each.status for each in stage.client.account.open_orders()] == [OrderStatus.OPEN]


async def test_the_end_of_a_client_settles_nothing_and_says_so(stage_of):
    async with stage_of(market="usd-m") as stage:
        request = await order_of(stage)
        hold = asyncio.Event()
        fetch = stage.venue.network.fetch

        async def held(asked):
            if asked.method == "POST":
                await hold.wait()
            return await fetch(asked)

        stage.venue.network.fetch = held
        placing = asyncio.ensure_future(stage.client.place_order(request))
        await stage.idle()
        await stage.client.close()
        hold.set()
        assert isinstance(await placing, (Accepted, Unknown))


async def test_two_clients_of_one_account_see_each_others_orders(stage_of):
    async with stage_of(market="usd-m") as first:
        async with stage_of(market="coin-m", clock=first.clock) as second:
            pools = [budget.pool.name for budget in first.client.caller.order_budgets]
            assert pools == [budget.pool.name for budget in second.client.caller.order_budgets]
            assert first.client.caller.order_budgets[0] is second.client.caller.order_budgets[0]
            assert first.client.caller.budget is second.client.caller.budget  # one pool since 2026-06
            before = first.client.caller.order_budgets[0].used
            await first.client.place_order(await order_of(first))
            assert second.client.caller.order_budgets[0].used > before
        async with stage_of(market="usd-m", clock=first.clock, key="another-key") as other:
            assert first.client.caller.order_budgets[0] is not other.client.caller.order_budgets[0]
            assert first.client.caller.budget is other.client.caller.budget
            until = first.clock.monotonic_ns() + 100 * 10**9
            first.client.caller.budget.stop_until(until, "a ban")
            await other.client.fetch_balances()
            assert first.clock.monotonic_ns() >= until


async def test_events_of_a_busy_account_are_told_in_order(stage_of):
    async with stage_of(market="usd-m") as stage:
        names = []
        for _ in range(5):
            outcome = await stage.client.place_order(await order_of(stage))
            names.append(outcome.client_order_id)
        stage.venue.drop()
        for name in names:
            stage.venue.fill(name, "2")
        await stage.idle(60)
        assert [trade.client_order_id for trade in stage.of(TradeUpdate)] == names
        last = {event.order.client_order_id: event.order.status for event in stage.of(OrderUpdate)}
        assert set(last.values()) == {OrderStatus.FILLED}
        assert len(stage.of(AccountResynced)) == 2
