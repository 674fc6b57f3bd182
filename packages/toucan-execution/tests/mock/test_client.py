"""The client of the paper exchange: orders, outcomes, the live view, faults, prices."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace

import pytest

from toucan_execution.account import MarginType, PositionMode
from toucan_execution.client.protocol import ExecutionClient, FuturesClient, SpotClient
from toucan_execution.errors import (
    ClientClosed,
    InsufficientBalance,
    NotSynced,
    OrderRejected,
    UnknownOrder,
)
from toucan_execution.events import (
    AccountResynced,
    AccountSnapshot,
    BalanceUpdate,
    ConsumerStalled,
    Disconnected,
    OrderUpdate,
    OutOfSync,
    TradeUpdate,
)
from toucan_execution.mock import Engine, FeeSchedule, MockExecution, MockFault
from toucan_execution.mock.network import MockNetwork
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    OrderListRequest,
    OrderOrigin,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
)
from toucan_execution.outcome import Accepted, Reason, Rejected, Unknown
from toucan_instrument import Exchange, InvalidInput, Side
from toucan_instrument.link import Closed, DialOptions
from toucan_instrument.testing.clock import FakeClock

D = Decimal

SECOND = 1_000_000_000


@pytest.fixture
async def time():
    """Time that passes by itself whenever all is idle."""
    clock = FakeClock()
    async with clock.running():
        yield clock


@pytest.fixture
def paper(world, time):
    """Return what makes a client of the paper exchange that is in sync."""

    @asynccontextmanager
    async def make(exchange=Exchange.BINANCE_SPOT, engine=None, **more):
        instruments = world(exchange).engine.instruments
        more.setdefault("balances", {"USDT": 10_000, "BTC": 10})
        more.setdefault("entropy", bytes)
        client = MockExecution(engine, instruments=instruments, clock=time, rng=lambda: 0.5, **more)
        async with client:
            await client.ready(100)
            yield client

    return make


def request(client, side="buy", kind="limit", quantity="1", price="100", **more):
    if kind not in ("limit", "stop_limit"):
        price = None
    return OrderRequest(
        instrument=client.engine.instruments[0],
        side=Side(side),
        type=OrderType(kind),
        quantity=None if quantity is None else D(quantity),
        price=None if price is None else D(price),
        **more,
    )


async def read(stream, count):
    return [await anext(stream) for _ in range(count)]


# Orders.


async def test_it_is_a_client_like_any_other(paper):
    async with paper() as client:
        assert isinstance(client, ExecutionClient)
        assert isinstance(client, SpotClient)
        assert isinstance(client, FuturesClient)
        assert (client.exchange, client.name, client.synced) == (Exchange.BINANCE_SPOT, "paper", True)
        assert [each.symbol for each in await client.instruments()] == ["BTCUSDT", "BNBUSDT"]
    with pytest.raises(ClientClosed):
        await client.place_order(request(client))


async def test_an_order_is_placed_filled_and_seen(paper):
    async with paper(fees=FeeSchedule(maker=D("0.001"))) as client:
        stream = client.account_stream()
        outcome = await client.place_order(request(client))
        assert isinstance(outcome, Accepted)
        assert client.account.order(outcome.client_order_id).status is OrderStatus.OPEN
        assert client.account.balance("USDT").locked == 100
        client.feed_trade(client.engine.instruments[0], D(99), D(5), Side.SELL)
        assert client.account.order(outcome.client_order_id).status is OrderStatus.FILLED
        assert client.account.balance("BTC").total == D("10.999")
        events = await read(stream, 8)
        assert isinstance(events[0], AccountSnapshot)
        kinds = [type(event) for event in events[1:] if not isinstance(event, BalanceUpdate)]
        assert kinds == [OrderUpdate, OrderUpdate, TradeUpdate, OrderUpdate]
        [fill] = [event for event in events if isinstance(event, TradeUpdate)]
        assert (fill.account, fill.maker, fill.fee, fill.origin) == (
            "paper",
            True,
            D("0.001"),
            OrderOrigin.OWN,
        )


async def test_the_answer_tells_of_fills_and_the_stream_tells_them_once(paper):
    async with paper() as client:
        stream = client.account_stream()
        client.feed_book(client.engine.instruments[0], [], [(D(100), D(1))])
        outcome = await client.place_order(request(client, kind="market", quantity="0.5"))
        assert [fill.quantity for fill in outcome.fills] == [D("0.5")]
        assert outcome.order.status is OrderStatus.FILLED
        await client.place_order(request(client, price="90"))
        seen = []
        while not (isinstance(event := await anext(stream), OrderUpdate) and event.order.price == 90):
            seen.append(event)
        assert sum(isinstance(event, TradeUpdate) for event in seen) == 1


async def test_what_breaks_a_rule_is_never_sent(paper):
    async with paper() as client:
        outcome = await client.place_order(request(client, price="100.05"))
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.sent) == (Reason.FILTER, False)
        assert outcome.violations[0].nearest == D("100.0")
        assert client.engine.orders("paper", client.engine.instruments[0], 0, client.now()) == ()


async def test_what_the_exchange_refuses_was_sent(paper):
    async with paper() as client:
        client.feed_book(client.engine.instruments[0], [], [(D(100), D(1))])
        for more, reason in (
            ({"quantity": "1000"}, Reason.INSUFFICIENT_BALANCE),
            ({"post_only": True}, Reason.WOULD_TAKE),
        ):
            outcome = await client.place_order(request(client, **more))
            assert (outcome.reason, outcome.sent) == (reason, True)
            assert client.account.order(outcome.client_order_id).status is OrderStatus.REJECTED


async def test_a_float_is_an_error_of_the_program(paper):
    async with paper() as client:
        wrong = OrderRequest(
            instrument=client.engine.instruments[0],
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=0.5,
            price=D(9),
        )
        with pytest.raises(InvalidInput, match="float"):
            await client.place_order(wrong)
        with pytest.raises(InvalidInput, match="price"):
            await client.place_order(request(client, price=None))


async def test_orders_are_tested_amended_replaced_and_cancelled(paper):
    async with paper() as client:
        assert isinstance(await client.test_order(request(client)), Accepted)
        assert client.account.open_orders() == ()
        placed = await client.place_order(request(client, quantity="2"))
        instrument = client.engine.instruments[0]
        smaller = AmendRequest(instrument=instrument, client_order_id=placed.client_order_id, quantity=D(1))
        assert (await client.amend_order(smaller)).order.quantity == 1
        larger = AmendRequest(instrument=instrument, client_order_id=placed.client_order_id, quantity=D(3))
        assert (await client.amend_order(larger)).reason is Reason.AMEND_REFUSED
        cancel = CancelRequest(instrument=instrument, client_order_id=placed.client_order_id)
        replaced = await client.cancel_replace(
            CancelReplaceRequest(cancel=cancel, place=request(client, price="95"))
        )
        assert isinstance(replaced.cancel, Accepted)
        assert replaced.place.order.price == 95
        again = await client.cancel_replace(
            CancelReplaceRequest(cancel=cancel, place=request(client, price="95"))
        )
        assert again.place.reason is Reason.NOT_ATTEMPTED
        outcomes = await client.cancel_orders(client.account.open_orders())
        assert [outcome.order.status for outcome in outcomes] == [OrderStatus.CANCELLED]
        over = await client.cancel_order(cancel)
        assert (over.reason, over.final.status) == (Reason.ALREADY_CLOSED, OrderStatus.CANCELLED)


async def test_only_ones_own_orders_are_cancelled(paper):
    async with paper() as client:
        instrument = client.engine.instruments[0]
        mine = await client.place_order(request(client))
        client.engine.place("paper", request(client, client_order_id="theirs"), client.now())
        assert client.account.order("theirs").origin is OrderOrigin.FOREIGN
        outcomes = await client.cancel_own()
        assert [outcome.client_order_id for outcome in outcomes] == [mine.client_order_id]
        assert [order.client_order_id for order in await client.cancel_all(instrument)] == ["theirs"]
        assert client.account.open_orders() == ()


async def test_everything_can_be_fetched(paper, time):
    async with paper(fees=FeeSchedule(taker=D("0.002"))) as client:
        instrument = client.engine.instruments[0]
        since = client.now()
        client.feed_top(instrument, (D(90), D(1)), (D(100), D(1)))
        placed = await client.place_order(request(client, price="100", quantity="2"))
        order = await client.fetch_order(instrument, client_order_id=placed.client_order_id)
        assert order.filled_quantity == 1
        assert await client.fetch_open_orders(instrument) == (order,)
        assert await client.fetch_orders(instrument, since) == (order,)
        [fill] = await client.fetch_trades(instrument, since)
        assert (fill.fee, fill.fee_asset) == (D("0.002"), "BTC")
        assert (await client.fetch_commission(instrument)).taker == D("0.002")
        assert {balance.asset for balance in await client.fetch_balances()} == {"USDT", "BTC"}
        assert (await client.account_snapshot()).open_orders == (order,)
        with pytest.raises(UnknownOrder):
            await client.fetch_order(instrument, order_id="77")


async def test_lists_are_placed_and_cancelled(paper):
    async with paper() as client:
        instrument = client.engine.instruments[0]
        client.feed_trade(instrument, D(100), D(1), Side.BUY)
        above = request(client, "sell", price="110", post_only=True)
        below = request(client, "sell", kind="stop_market", trigger_price=D(90))
        pair = OrderListRequest(instrument=instrument, kind=ListKind.OCO, orders=(above, below))
        outcome = await client.place_order_list(pair)
        assert len(outcome.order_list.orders) == 2
        [found] = await client.fetch_open_order_lists()
        assert found.list_id == outcome.order_list.list_id
        ended = await client.cancel_order_list(instrument, list_id=found.list_id)
        assert ended.order_list.status == "ALL_DONE"
        assert client.account.open_orders() == ()


async def test_a_futures_account(paper):
    async with paper(Exchange.BINANCE_USD_M) as client:
        instrument = client.engine.instruments[0]
        client.feed_book(instrument, [(D(99), D(9))], [(D(100), D(9))])
        assert (await client.set_leverage(instrument, 10)).leverage == 10
        assert [each.max_leverage for each in await client.fetch_leverage_brackets()] == [125]
        with pytest.raises(OrderRejected):
            await client.set_leverage(instrument, 126)
        assert await client.set_margin_type(instrument, MarginType.ISOLATED) is True
        outcomes = await client.place_orders(
            [
                request(client, kind="market", quantity="2"),
                request(client, price="90"),
                request(client, price="0.01"),
            ]
        )
        assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Rejected]
        client.feed_mark(instrument, D(110))
        [position] = await client.fetch_positions()
        assert (position.quantity, position.unrealized_profit, position.isolated_margin) == (2, 20, 20)
        assert client.account.position(instrument).quantity == 2
        await client.change_isolated_margin(instrument, D(5))
        assert client.account.position(instrument).isolated_margin == 25
        lines = await client.fetch_income(0, kind="TRANSFER")
        assert [line.amount for line in lines] == [10_000, 10]
        stop = await client.place_order(
            request(client, "sell", "stop_market", None, trigger_price=D(95), close_position=True)
        )
        assert (stop.order.algo_id != "", stop.order.order_id) == (True, "")
        assert isinstance(await client.cancel_order(stop.order), Accepted)


async def test_cancels_of_futures_go_together(paper):
    async with paper(Exchange.BINANCE_USD_M) as client:
        instrument = client.engine.instruments[0]
        await client.place_orders([request(client, price="90"), request(client, price="91")])
        unknown = CancelRequest(instrument=instrument, order_id="77")
        outcomes = await client.cancel_orders([*client.account.open_orders(), unknown])
        assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Rejected]
        assert outcomes[2].reason is Reason.UNKNOWN_ORDER


async def test_hedge_mode(paper):
    async with paper(Exchange.BINANCE_USD_M) as client:
        instrument = client.engine.instruments[0]
        client.feed_book(instrument, [(D(99), D(9))], [(D(100), D(9))])
        assert await client.set_position_mode(PositionMode.HEDGE) is True
        assert await client.set_position_mode(PositionMode.HEDGE) is False
        assert await client.fetch_position_mode() is PositionMode.HEDGE
        with pytest.raises(InvalidInput, match="hedge"):
            await client.place_order(request(client))
        await client.place_order(request(client, kind="market", position_side=PositionSide.LONG))
        closing = await client.place_order(
            request(client, "sell", kind="market", quantity="0.4", reduce_only=True)
        )
        assert closing.order.position_side is PositionSide.LONG
        assert client.account.position(instrument, PositionSide.LONG).quantity == D("0.6")


async def test_two_accounts_trade_with_one_another(paper, world):
    engine = Engine(Exchange.BINANCE_SPOT, world().engine.instruments)
    async with paper(engine=engine, account="maker") as maker, paper(engine=engine, account="taker") as taker:
        await maker.place_order(request(maker, "sell"))
        await taker.place_order(request(taker, "buy", kind="market"))
        assert maker.account.balance("USDT").total == 10_100
        assert taker.account.balance("BTC").total == 11
        assert engine.ledger.total("BTC") == 0


async def test_an_order_expires_by_itself(paper, time):
    async with paper(Exchange.BINANCE_USD_M) as client:
        due = client.now() + 700 * SECOND
        placed = await client.place_order(request(client, time_in_force=TimeInForce.GTD, good_till_ns=due))
        stream = client.account_stream()
        while not (isinstance(event := await anext(stream), OrderUpdate) and not event.order.is_open):
            pass
        assert event.order.client_order_id == placed.client_order_id
        assert (event.order.status, event.order.updated_ns) == (OrderStatus.EXPIRED, due)
        assert time.utc_ns() >= due


# The way.


async def test_everything_takes_its_time(paper, time):
    async with paper(latency_ns=3 * SECOND) as client:
        begin = time.monotonic_ns()
        outcome = await client.place_order(request(client))
        assert time.monotonic_ns() - begin == 6 * SECOND
        assert outcome.order.created_ns == outcome.received_ns - 3 * SECOND
        assert client.account.balance("USDT").locked == 100  # its event came with the answer
        client.feed_trade(client.engine.instruments[0], D(90), D(9), Side.SELL)
        assert client.account.order(outcome.client_order_id).is_open
        await time.sleep_until(time.monotonic_ns() + 3 * SECOND - 1)
        assert client.account.order(outcome.client_order_id).is_open
        await time.sleep_until(time.monotonic_ns() + 2)
        assert client.account.order(outcome.client_order_id).status is OrderStatus.FILLED


async def test_a_lost_answer_is_an_unknown_outcome_that_settles(paper):
    async with paper() as client:
        client.fail_next(MockFault.REPLY_LOST)
        unknown = await client.place_order(request(client))
        assert isinstance(unknown, Unknown)
        assert client.unknown == (unknown,)
        settled = await client.settle(unknown)
        assert isinstance(settled, Accepted)
        assert settled.order.status is OrderStatus.OPEN
        assert client.unknown == ()


async def test_a_lost_request_settles_as_never_made_and_not_before_its_time(paper, time):
    async with paper() as client:
        client.fail_next(MockFault.REQUEST_LOST)
        unknown = await client.place_order(request(client))
        assert client.account.order(unknown.client_order_id).is_open
        assert await client.settle(unknown, timeout=5) is unknown
        settled = await client.settle(unknown)
        assert (settled.reason, settled.sent) == (Reason.NEVER_MADE, True)
        assert time.utc_ns() > unknown.expires_ns + 10 * SECOND
        assert not client.account.order(unknown.client_order_id).is_open


async def test_a_lost_cancel_settles(paper):
    async with paper() as client:
        placed = await client.place_order(request(client))
        client.fail_next(MockFault.REPLY_LOST, of="cancel order")
        unknown = await client.cancel_order(placed.order)
        assert isinstance(unknown, Unknown)
        assert (await client.settle(unknown)).order.status is OrderStatus.CANCELLED


async def test_what_never_left_is_rejected(paper):
    async with paper() as client:
        client.fail_next(MockFault.NOT_SENT)
        outcome = await client.place_order(request(client))
        assert (outcome.reason, outcome.sent, outcome.retryable) == (Reason.NOT_SENT, False, True)


async def test_refusals_can_be_ordered(paper):
    async with paper() as client:
        client.fail_next(
            MockFault.REFUSE, of="place", times=2, reason=Reason.MARKET_CLOSED, message="at night"
        )
        for _ in range(2):
            outcome = await client.place_order(request(client))
            assert (outcome.reason, outcome.message, outcome.sent) == (Reason.MARKET_CLOSED, "at night", True)
        assert isinstance(await client.place_order(request(client)), Accepted)


async def test_a_rate_limit_is_waited_for(paper, time):
    async with paper() as client:
        client.fail_next(MockFault.REFUSE, reason=Reason.RATE_LIMITED, retry_after_ns=7 * SECOND)
        outcome = await client.place_order(request(client))
        assert (outcome.reason, outcome.retry_after_ns) == (Reason.RATE_LIMITED, 7 * SECOND)
        begin = time.monotonic_ns()
        assert isinstance(await client.place_order(request(client)), Accepted)
        assert time.monotonic_ns() - begin >= 7 * SECOND


async def test_messages_can_be_lost_and_repeated(time):
    network = MockNetwork(time, latency_ns=SECOND, now=time.utc_ns)
    socket = await network.dial("anywhere", DialOptions())
    got = []
    running = asyncio.ensure_future(socket.run(got.extend, list))
    network.lose_events(1)
    network.repeat_events(1)
    for frame in (b"lost", b"twice", b"once"):
        network.send_event(frame)
    await time.sleep_until(time.monotonic_ns() + 2 * SECOND)
    assert got == [b"twice", b"twice", b"once"]
    await socket.send(b"nobody reads this")
    await network.close()
    assert await running == Closed(1000, by_us=True)
    network.send_event(b"late")
    assert len(got) == 3


async def test_events_that_come_twice_are_told_once(paper):
    async with paper() as client:
        placed = await client.place_order(request(client))
        stream = client.account_stream()
        client.repeat_events(10)
        client.feed_trade(client.engine.instruments[0], D(90), D(9), Side.SELL)
        await client.place_order(request(client, price="80"))
        events = []
        while not (isinstance(event := await anext(stream), OrderUpdate) and event.order.price == 80):
            events.append(event)
        assert sum(isinstance(event, TradeUpdate) for event in events) == 1
        told = [each.order for each in events if isinstance(each, OrderUpdate)]
        assert [order.client_order_id for order in told] == [placed.client_order_id]


async def test_lost_events_are_missed_and_found(paper, time):
    async with paper() as client:
        await client.place_order(request(client, quantity="2"))
        stream = client.account_stream()
        client.lose_events(1)  # the fill; what is told of the order shows that it is missing
        client.feed_trade(client.engine.instruments[0], D(90), D(1), Side.SELL)
        seen = []
        while not isinstance(event := await anext(stream), AccountResynced):
            seen.append(event)
        [fill] = [each for each in seen if isinstance(each, TradeUpdate)]
        assert (fill.quantity, fill.recovered) == (1, True)
        assert any(isinstance(each, OutOfSync) for each in seen)
        assert client.synced


async def test_after_a_disconnection_the_account_is_brought_in_step(paper):
    async with paper() as client:
        placed = await client.place_order(request(client))
        stream = client.account_stream()
        client.disconnect("gone")
        client.feed_trade(client.engine.instruments[0], D(90), D(9), Side.SELL)  # nobody hears it
        await asyncio.sleep(0)
        seen = []
        while not isinstance(event := await anext(stream), AccountResynced):
            seen.append(event)
        [over] = [each for each in seen if isinstance(each, Disconnected)]
        assert over.closed == Closed(1006, "gone")
        assert sum(isinstance(each, TradeUpdate) for each in seen) == 1
        assert client.account.order(placed.client_order_id).status is OrderStatus.FILLED
        assert client.account.balance("BTC").total == 11


async def test_while_it_is_offline_nothing_is_sent(paper):
    async with paper() as client:
        client.offline = True
        while client.synced:
            await asyncio.sleep(0)
        with pytest.raises(NotSynced):
            client.account.balance("USDT")
        refused = await client.place_order(request(client))
        assert (refused.reason, refused.sent) == (Reason.NOT_SYNCED, False)
        unsent = await client.place_order(request(client), allow_unsynced=True)
        assert (unsent.reason, unsent.sent) == (Reason.NOT_SENT, False)
        client.offline = False
        await client.ready(120)
        assert isinstance(await client.place_order(request(client)), Accepted)


async def test_a_reader_that_falls_behind_lets_only_cancels_pass(paper):
    async with paper(stall_at=5) as client:
        placed = await client.place_order(request(client))
        stream = client.account_stream()
        for amount in range(1, 6):
            client.deposit("USDT", D(amount))
        stalled = await client.place_order(request(client))
        assert (stalled.reason, stalled.sent) == (Reason.STALLED, False)
        assert isinstance(await client.cancel_order(placed.order), Accepted)
        while not isinstance(await anext(stream), ConsumerStalled):
            pass
        while len(stream):
            await anext(stream)
        await client.ready(10)
        assert isinstance(await client.place_order(request(client)), Accepted)


async def test_money_goes_in_and_out(paper):
    async with paper() as client:
        client.deposit("BNB", D(3))
        assert client.account.balance("BNB").total == 3
        client.withdraw("BNB", D(2))
        assert client.account.balance("BNB").free == 1
        with pytest.raises(InsufficientBalance):
            client.withdraw("BNB", D(2))


# Prices from anywhere.


def levels(*pairs):
    return lambda: [(D(price), D(quantity), False) for price, quantity in pairs]


async def test_prices_come_from_whatever_has_them(paper):
    async with paper(Exchange.BINANCE_USD_M) as client:
        instrument = client.engine.instruments[0]
        picture = SimpleNamespace(
            instrument=instrument, depth=None, bid_levels=levels((99, 1)), ask_levels=levels((101, 1))
        )
        change = SimpleNamespace(
            instrument=instrument, first_update_id=7, bid_levels=levels((99, 0), (98, 2)), ask_levels=levels()
        )
        trade = SimpleNamespace(instrument=instrument, price=D(100), quantity=D(1), aggressor=Side.BUY)
        mark = SimpleNamespace(instrument=instrument, mark_price=D("100.5"))

        async def source():
            for event in (picture, change, "a status", trade, mark, SimpleNamespace(instrument=instrument)):
                yield event

        await client.follow(source())
        engine = client.engine
        assert engine.depth(instrument) == (((D(98), D(2)),), ((D(101), D(1)),))
        assert (engine.last_price(instrument), engine.mark_price(instrument)) == (100, D("100.5"))
        top = SimpleNamespace(
            instrument=instrument,
            update_id=None,
            bid_price=D(50),
            bid_quantity=D(1),
            ask_price=None,
            ask_quantity=None,
        )
        assert client.feed(top) is True
        assert engine.depth(instrument) == (((D(50), D(1)),), ())
        assert client.feed(SimpleNamespace(price=D(1))) is False


def test_an_exchange_trades_something():
    with pytest.raises(InvalidInput, match="instruments"):
        MockExecution()
