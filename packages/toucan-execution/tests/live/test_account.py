"""What a live client tells of its account: everything once, in order, and honestly when it does not know."""

import asyncio
from decimal import Decimal

import pytest

from toucan_execution.account import AccountSnapshot
from toucan_execution.errors import AuthenticationError, ClientClosed, NotSynced
from toucan_execution.events import (
    AccountResynced,
    BalanceUpdate,
    Connected,
    ConsumerStalled,
    Disconnected,
    OutOfSync,
    ResyncFailed,
    StreamEnded,
    TradeUpdate,
    TransferUpdate,
    Unexplained,
    UnknownEvent,
    UnreadableEvent,
)
from toucan_execution.orders import CancelRequest, OrderRequest, OrderStatus, OrderType
from toucan_execution.outcome import Accepted, Reason
from toucan_instrument import Side

D = Decimal


async def place(stage, **changes):
    catalogue = await stage.client.instruments()
    request = OrderRequest(
        instrument=catalogue["BTCUSDT"],
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=D("0.5"),
        price=D("1000"),
    )
    outcome = await stage.client.place_order(request)
    assert isinstance(outcome, Accepted), outcome
    await stage.idle()
    return outcome.client_order_id


async def test_a_stream_begins_with_the_account(stage_of):
    async with stage_of() as stage:
        connected, snapshot, resynced = stage.events
        assert isinstance(connected, Connected)
        assert isinstance(snapshot, AccountSnapshot)
        assert [(b.asset, b.total) for b in snapshot.balances] == [("BTC", D(1)), ("USDT", D(10000))]
        assert (snapshot.account, snapshot.can_trade, snapshot.open_orders) == ("main", True, ())
        assert isinstance(resynced, AccountResynced)
        assert resynced.since_ns is None
        late = stage.client.account_stream()
        assert isinstance(await anext(late), AccountSnapshot)
        await late.aclose()


async def test_fills_of_an_outage_are_told_once_and_in_order(stage_of):
    async with stage_of() as stage:
        name = await place(stage)
        stage.venue.fill(name, "0.1")
        await stage.idle(0.01)
        stage.venue.streaming = False
        stage.venue.fill(name, "0.1")  # lost on a connection that looks alive
        await stage.idle(0.01)
        stage.venue.drop()
        stage.venue.fill(name, "0.1")
        stage.venue.streaming = True
        await stage.idle(60)
        stage.venue.fill(name, "0.2")
        await stage.idle()
        trades = stage.of(TradeUpdate)
        assert [int(trade.trade_id) for trade in trades] == [501, 502, 503, 504]
        assert [trade.recovered for trade in trades] == [False, True, True, False]
        assert stage.client.account.order(name).status is OrderStatus.FILLED
        kinds = [type(event).__name__ for event in stage.of(Disconnected, OutOfSync, AccountResynced)]
        assert kinds == ["AccountResynced", "Disconnected", "OutOfSync", "AccountResynced"]
        assert not stage.of(Unexplained)
        resynced = stage.of(AccountResynced)[-1]
        assert (resynced.trades, resynced.balances) == (2, ("BTC", "USDT"))


async def test_what_fills_do_not_explain_is_told(stage_of):
    async with stage_of() as stage:
        stage.venue.drop()
        stage.venue.move("USDT", -7)
        await stage.idle(60)
        [unexplained] = stage.of(Unexplained)
        assert (unexplained.asset, unexplained.amount) == ("USDT", D("-7.00000"))
        assert unexplained.since_ns < unexplained.until_ns


async def test_a_view_out_of_sync_refuses_to_be_read(stage_of):
    async with stage_of() as stage:
        view = stage.client.account
        assert view.balance("BTC").free == D(1)
        stage.venue.faults["GET", "/api/v3/account"] = [(503, {})] * 3
        stage.venue.drop()
        await stage.idle()
        assert not stage.client.synced
        with pytest.raises(NotSynced, match="cut by the test"):
            view.balance("BTC")
        assert view.balance("BTC", allow_stale=True).free == D(1)
        await stage.idle(200)
        assert stage.client.synced
        assert stage.of(ResyncFailed)
        assert view.balance("BTC").free == D(1)


async def test_an_unreadable_message_is_told_and_the_account_is_fetched_again(stage_of):
    async with stage_of() as stage:
        stage.venue.socket.push(b'{"subscriptionId":0,"event":{"e":"executionReport","E":"x"}}')
        await stage.idle(5)
        [failed] = stage.of(UnreadableEvent)
        assert b"executionReport" in failed.raw
        assert len(stage.of(AccountResynced)) == 2
        assert len(stage.venue.sockets) == 1  # no connection dies of it
        stage.venue.tell({"e": "somethingNew", "E": 1, "x": 2})
        await stage.idle()
        [unknown] = stage.of(UnknownEvent)
        assert unknown.name == "somethingNew"


async def test_deposits_are_told(stage_of):
    async with stage_of() as stage:
        stage.venue.move("USDT", 50)
        stage.venue.tell({"e": "balanceUpdate", "E": stage.venue.now_ms, "a": "USDT", "d": "50", "T": 5})
        stage.venue.position("USDT")
        await stage.idle()
        [transfer] = stage.of(TransferUpdate)
        assert (transfer.asset, transfer.amount, transfer.account) == ("USDT", D(50), "main")
        assert stage.of(BalanceUpdate)[-1].balance.total == D("10050.00000")


async def test_a_terminated_stream_is_subscribed_again_on_the_same_connection(stage_of):
    async with stage_of() as stage:
        stage.venue.tell({"e": "eventStreamTerminated", "E": 1})
        await stage.idle(2)
        assert [event.reason for event in stage.of(StreamEnded)] == ["eventStreamTerminated"]
        assert len(stage.venue.sockets) == 1
        assert len([1 for call, _ in stage.venue.calls if call.startswith("userDataStream.subscribe")]) == 2
        assert stage.client.synced
        assert len(stage.of(AccountResynced)) == 2


async def test_an_announced_shutdown_moves_to_another_connection(stage_of):
    async with stage_of() as stage:
        stage.venue.socket.push(b'{"event":{"e":"serverShutdown","E":1770123456789}}')
        await stage.idle(5)
        assert len(stage.venue.sockets) == 2
        assert stage.client.synced


async def test_a_reader_that_falls_behind_stops_orders_and_loses_nothing(stage_of):
    async with stage_of(stall_at=6) as stage:
        name = await place(stage)
        slow = stage.client.account_stream()
        await anext(slow)
        for time in range(6):
            stage.venue.tell({"e": "externalLockUpdate", "E": time, "a": "BTC", "d": "1", "T": time})
        await stage.idle()
        request = OrderRequest(
            instrument=stage.client.account.order(name).instrument,
            side=Side.BUY,
            type=OrderType.MARKET,
            quantity=D(1),
        )
        refused = await stage.client.place_order(request)
        assert (refused.reason, refused.sent) == (Reason.STALLED, False)
        asked = CancelRequest(instrument=request.instrument, client_order_id=name)
        assert isinstance(await stage.client.cancel_order(asked), Accepted)
        read = [await anext(slow) for _ in range(len(slow))]
        assert sum(type(event).__name__ == "ExternalLockUpdate" for event in read) == 6
        assert sum(isinstance(event, ConsumerStalled) for event in read) == 1
        await stage.idle(2)
        assert stage.client.synced  # fetched again
        assert len(stage.of(AccountResynced)) == 2
        await slow.aclose()


async def test_a_key_that_is_refused_is_an_error_and_the_link_goes_on_trying(stage_of):
    async with stage_of(ready=False) as stage:
        stage.venue.refuse_subscription = (-2015, "Invalid API-key, IP, or permissions for action.")
        with pytest.raises(AuthenticationError):
            await stage.client.ready(60)
        stage.venue.refuse_subscription = None
        await stage.idle(200)
        assert stage.client.synced


async def test_ready_says_what_is_missing(stage_of):
    async with stage_of(ready=False) as stage:
        stage.venue.faults["GET", "/api/v3/openOrders"] = [(503, {})] * 1000
        with pytest.raises(NotSynced, match="not in sync after 5 s"):
            await stage.client.ready(5)
        failed = stage.of(ResyncFailed)
        assert failed
        assert "503" in failed[0].error


async def test_a_closed_client_is_over(stage_of):
    async with stage_of() as stage:
        await place(stage)
        await stage.client.close()
        await stage.client.close()
        with pytest.raises(ClientClosed):
            await stage.client.fetch_balances()
        with pytest.raises(ClientClosed):
            await stage.client.start()
        assert [event async for event in stage.client.account_stream()] == []
        assert stage.venue.socket.closed is not None
        assert len(stage.venue.orders) == 1  # orders stay as they are
        left = [task for task in asyncio.all_tasks() if task.get_name().startswith("toucan")]
        assert not left


async def test_a_fault_of_ours_is_never_silent(stage_of, monkeypatch):
    async with stage_of(faulty=True) as stage:

        def broken(*_):
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(stage.client.binance, "decode_event", broken)
        stage.venue.tell({"e": "balanceUpdate"})
        stream = stage.client.account_stream()
        await anext(stream)
        with pytest.raises(ClientClosed, match="a bug") as caught:
            [event async for event in stream]
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        with pytest.raises(ClientClosed, match="a bug"):
            await stage.client.fetch_balances()


async def test_two_tasks_cannot_read_one_stream(stage_of):
    async with stage_of() as stage:
        stream = stage.client.account_stream()
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await stage.idle()
        with pytest.raises(ClientClosed, match="another task"):
            await anext(stream)
        waiting.cancel()
