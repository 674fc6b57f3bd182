"""A resync step by step: what is asked for, from where on, and what is told in which order."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.account import AccountSnapshot, Balance
from toucan_execution.errors import UnknownOrder
from toucan_execution.events import (
    AccountResynced,
    BalanceUpdate,
    FillMismatch,
    OrderUpdate,
    PositionUpdate,
    ResyncFailed,
    StreamEnded,
    TradeUpdate,
    TransferUpdate,
    Unexplained,
)
from toucan_execution.orders import OrderRequest, OrderStatus, OrderType
from toucan_execution.reconcile import Fetched, Resync, repair
from toucan_execution.view import AccountView
from toucan_instrument.errors import RateLimited, RequestFailed

S = OrderStatus
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DOWN = RequestFailed("no answer", method="GET", url="https://api/x?signature=abc", sent=None)


class Desk:
    """A model that goes on, a view of it, and a record of what was asked."""

    def __init__(self, world, *, futures=False) -> None:
        self.model = world.Model(futures=futures)
        self.world = world
        self.venue = world.venue_of(self.model)
        self.view = AccountView(self.model.exchange, world.label, is_own=lambda each: each.startswith("own-"))
        self.asked: list[str] = []
        self.starts: list[tuple] = []
        plain = self.venue.trades

        def trades(instrument, since_ns, until_ns, *, from_id=""):
            self.starts.append((instrument, since_ns, until_ns, from_id))
            return plain(instrument, since_ns, until_ns, from_id=from_id)

        self.venue.trades = trades

    def do(self, kind, pick=0, size=1, wait=1000) -> list:
        """Let something happen; the stream is up while the view is in sync."""
        events = self.model.do((kind, pick, size, wait))
        if self.view.synced:
            for event in events:
                self.view.apply(event)
        return events

    def lose(self) -> None:
        self.view.lose_sync("lost", self.model.now)
        self.model.now += SECOND

    def fetch(self, resync, *, during=lambda call: None, now=None):
        def before(call):
            self.asked.append(call.name)
            return during(call)

        return self.world.converse(resync.fetch(self.model.now if now is None else now), before)

    def sync(self, *, during=lambda call: None, waiting=(), **options) -> list:
        self.asked.clear()
        self.starts.clear()
        resync = Resync(self.view, self.venue, **options)
        for event in waiting:
            resync.push(event)
        fetched = self.fetch(resync, during=during)
        assert isinstance(fetched, Fetched)
        return resync.finish(fetched, self.model.now)


@pytest.fixture
def desk(world) -> Desk:
    return Desk(world)


@pytest.fixture
def futures(world) -> Desk:
    return Desk(world, futures=True)


def kinds(events) -> list[str]:
    return [type(event).__name__ for event in events]


def only(kind, events) -> list:
    return [event for event in events if isinstance(event, kind)]


def request_of(desk, client="own-9", **facts) -> OrderRequest:
    return OrderRequest(
        instrument=desk.model.instruments[0],
        side=facts.pop("side", "buy"),
        type=OrderType.LIMIT,
        quantity=Decimal(6),
        price=Decimal(100),
        client_order_id=client,
    )


# The first time.


def test_the_first_time_the_snapshot_is_told_and_nothing_is_asked_of_the_past(desk) -> None:
    desk.do("place")
    desk.do("fill", size=2)
    events = desk.sync(instruments=desk.model.instruments)
    assert desk.asked == ["account", "openOrders"]
    assert kinds(events) == ["AccountSnapshot", "AccountResynced"]
    snapshot, summary = events
    assert isinstance(snapshot, AccountSnapshot)
    assert [order.filled_quantity for order in snapshot.open_orders] == [2]
    assert snapshot.balances == desk.view.balances()
    assert (summary.since_ns, summary.trades, summary.orders) == (None, 0, ())
    assert desk.view.synced
    assert desk.view.tracker.mismatches() == ()


def test_what_this_client_did_before_the_first_time_is_caught_up_with(desk) -> None:
    [first, *_] = desk.do("place", pick=3, size=1)
    request = msgspec.structs.replace(request_of(desk, first.order.client_order_id), quantity=Decimal(6))
    desk.view.tracker.begin(request, desk.model.now)
    desk.do("fill", size=6)
    events = desk.sync()
    assert kinds(events)[0] == "AccountSnapshot"
    [fill] = only(TradeUpdate, events)
    assert fill.recovered
    assert fill.client_order_id == request.client_order_id
    [told] = only(OrderUpdate, events)
    assert (told.previous, told.order.status) == (S.OPEN_IN_FLIGHT, S.FILLED)
    assert desk.asked == ["account", "openOrders", "order", "trades"]


# After a loss.


def test_all_that_was_missed_is_told_in_order(desk) -> None:
    desk.sync()
    desk.do("place", pick=1, size=1)
    desk.do("place", pick=0, size=1)
    lost_ns = desk.model.now
    desk.lose()
    missed = [*desk.do("fill", size=2), *desk.do("fill", size=3), *desk.do("cancel", pick=0)]
    events = desk.sync(waiting=desk.do("fill", pick=0, size=1))
    names = list(dict.fromkeys(kinds(events)))
    assert names == ["TradeUpdate", "OrderUpdate", "BalanceUpdate", "AccountResynced"]
    fills = only(TradeUpdate, events)
    assert [fill.recovered for fill in fills] == [True, True, False]
    assert [fill.time_exchange for fill in fills] == sorted(fill.time_exchange for fill in fills)
    orders = only(OrderUpdate, events)
    assert all(order.recovered for order in orders[:2])
    assert {order.order.status for order in orders} == {S.CANCELLED, S.PARTIALLY_FILLED}
    summary = events[-1]
    assert isinstance(summary, AccountResynced)
    assert summary.since_ns == lost_ns
    assert summary.trades == 2
    assert set(summary.balances) >= {"BTC", "USDT"}
    assert len(summary.orders) == 2
    assert set(summary.instruments) == set(desk.model.instruments[:2])
    assert len(missed) > 5


def test_nothing_happened_and_nothing_is_told(desk) -> None:
    desk.do("place")
    desk.sync()
    desk.lose()
    events = desk.sync()
    assert kinds(events) == ["AccountResynced"]
    assert (events[0].orders, events[0].trades, events[0].balances) == ((), 0, ())


def test_a_view_that_is_in_sync_is_looked_over(desk) -> None:
    desk.sync()
    desk.do("place", size=9)
    desk.model.do(("fill", 0, 2, 1000))  # and the stream lost all of it
    events = desk.sync()
    assert kinds(events)[0] == "TradeUpdate"
    assert not only(AccountSnapshot, events)
    assert not only(Unexplained, events)


def test_positions_are_told_and_their_fills_are_found(futures) -> None:
    futures.sync()
    futures.do("place", pick=2, size=3)
    futures.do("fill", size=8)  # all of it: nothing is open, and it was a while ago
    futures.do("transfer", wait=3_600_000)
    futures.lose()
    futures.do("place", pick=2, size=3)
    futures.do("fill", size=8)
    events = futures.sync()
    [instrument] = {start[0] for start in futures.starts}
    assert instrument == futures.model.instruments[2]
    [position] = only(PositionUpdate, events)
    assert (position.position.quantity, position.recovered) == (16, True)
    assert events[-1].positions == (instrument,)
    assert not only(Unexplained, events)
    assert len(only(TradeUpdate, events)) == 1


def test_a_flat_position_is_told(futures) -> None:
    futures.do("place", pick=0, size=1)
    futures.do("fill", size=6)
    futures.sync()
    futures.lose()
    futures.do("place", pick=0, size=1)
    futures.model.orders[-1] = msgspec.structs.replace(futures.model.orders[-1], side="sell")
    futures.do("fill", size=6)
    [position] = only(PositionUpdate, futures.sync())
    assert position.position.quantity == 0
    assert futures.view.positions() == ()


# Whose fills.


def test_only_instruments_that_matter_are_asked_for(desk) -> None:
    btc, eth, cross = desk.model.instruments
    desk.sync()
    desk.do("place", pick=0)
    desk.lose()
    desk.sync(catalogue=desk.model.instruments)
    assert [start[0] for start in desk.starts] == [btc]
    desk.lose()
    desk.sync(instruments=[cross])
    assert [start[0] for start in desk.starts] == [btc, cross]
    desk.lose()
    desk.do("place", pick=1)  # an order that is open and was never seen
    desk.sync()
    assert [start[0] for start in desk.starts] == [btc, eth]


def test_a_recently_closed_order_s_fills_are_asked_for(desk) -> None:
    desk.sync()
    desk.do("place")
    desk.do("cancel")
    desk.lose()
    desk.sync()
    assert [start[0] for start in desk.starts] == [desk.model.instruments[0]]
    desk.model.now += 20 * MINUTE
    desk.lose()
    desk.sync()
    assert desk.starts == []


def test_a_changed_balance_is_looked_into(desk) -> None:
    desk.sync()
    desk.lose()
    desk.do("place", pick=2)  # ETH/BTC, made and filled while nobody looked
    desk.do("fill", size=9)
    events = desk.sync(catalogue=desk.model.instruments)
    assert [start[0] for start in desk.starts] == [desk.model.instruments[2]]
    assert not only(Unexplained, events)
    assert len(only(TradeUpdate, events)) == 1


def test_what_is_not_explained_is_told_exactly(desk) -> None:
    desk.sync()
    desk.lose()
    desk.do("place", pick=2)
    desk.do("fill", size=9)
    desk.do("transfer", pick=1, size=7)
    moved = desk.do("transfer", pick=1, size=4)
    events = desk.sync(waiting=moved)  # without a catalogue nobody knows where to look
    quantity = desk.model.trades[0].quantity
    price = desk.model.trades[0].price
    left = {event.asset: event.amount for event in only(Unexplained, events)}
    assert left == {"ETH": quantity, "BTC": 7 - quantity * price, "BNB": Decimal("-0.009")}
    [one, *_] = only(Unexplained, events)
    assert one.since_ns < one.until_ns
    names = kinds(events)
    assert names.index("Unexplained") > max(
        place for place, name in enumerate(names) if name == "BalanceUpdate"
    )
    assert names.index("TransferUpdate") > names.index("Unexplained")


def test_a_hidden_change_of_a_position_is_told_by_its_symbol(futures) -> None:
    futures.do("place", pick=0, size=1)
    futures.do("fill", size=2)
    futures.sync()
    futures.lose()
    instrument = futures.model.instruments[0]
    held, _ = futures.model.positions[instrument]
    futures.model.now += SECOND
    futures.model.positions[instrument] = (held + 5, futures.model.now)
    [left] = only(Unexplained, futures.sync())
    assert (left.asset, left.amount) == ("BTC/USDT:USDT", 5)


# From where on.


def test_fills_are_asked_for_from_before_the_loss(desk) -> None:
    desk.sync()
    desk.do("place", size=9)
    lost_ns = desk.model.now
    desk.lose()
    desk.sync()
    [(_, since_ns, until_ns, from_id)] = desk.starts
    assert (since_ns, from_id) == (lost_ns - MINUTE, "")
    assert until_ns >= desk.model.now


def test_fills_are_asked_for_from_the_last_one_before_the_loss(desk) -> None:
    desk.sync()
    desk.do("place", size=9)
    desk.do("fill", size=1)
    desk.do("fill", size=1, wait=120_000)
    desk.lose()
    answer = desk.do("fill", size=1)  # told by an answer, while the stream was down
    desk.do("fill", size=1)
    desk.view.apply(answer[0])
    events = desk.sync()
    [(_, _, _, from_id)] = desk.starts
    assert from_id == desk.model.trades[0].trade_id
    assert len(only(TradeUpdate, events)) == 1


def test_fills_of_an_order_that_lacks_some_are_asked_for_from_its_beginning(desk) -> None:
    desk.sync()
    desk.do("place", size=9)
    made_ns = desk.model.orders[0].created_ns
    lost = desk.model.do(("fill", 0, 2, 60_000))
    desk.view.apply(lost[1])  # the stream lost the fill, and told of the order
    desk.do("fill", size=2, wait=600_000)
    desk.lose()
    events = desk.sync()
    [(_, since_ns, _, from_id)] = desk.starts
    assert (since_ns, from_id) == (made_ns - MINUTE, "")
    assert [fill.trade_id for fill in only(TradeUpdate, events)] == [desk.model.trades[0].trade_id]
    assert not desk.view.tracker.mismatches()


# Orders one by one.


def test_an_order_that_the_snapshot_does_not_show_is_asked_for(desk) -> None:
    desk.sync()
    desk.do("place", pick=1)
    desk.lose()
    desk.do("cancel")
    events = desk.sync()
    assert desk.asked == ["account", "openOrders", "order", "trades"]
    [told] = only(OrderUpdate, events)
    assert (told.order.status, told.recovered, told.execution) == (S.CANCELLED, True, "")


def test_an_order_that_nobody_knows_is_not_gone(desk) -> None:
    desk.sync()
    desk.do("place")
    desk.view.tracker.begin(request_of(desk), desk.model.now)
    desk.lose()
    desk.model.orders.clear()
    events = desk.sync()
    [told] = only(OrderUpdate, events)
    assert (told.previous, told.order.status) == (S.OPEN, S.UNKNOWN)
    assert {order.status for order in desk.view.open_orders()} == {S.UNKNOWN, S.OPEN_IN_FLIGHT}
    desk.lose()
    desk.model.now += 4 * 24 * 60 * MINUTE
    events = desk.sync()
    [told] = only(OrderUpdate, events)
    assert told.order.status is S.CANCELLED
    [left] = desk.view.open_orders()
    assert left.status is S.OPEN_IN_FLIGHT


@pytest.mark.parametrize("actual_is_known", [True, False])
def test_a_conditional_order_is_followed_to_what_it_became(futures, actual_is_known) -> None:
    futures.do("place", pick=1)
    order = msgspec.structs.replace(
        futures.model.orders[0], order_id="", algo_id="77", type=OrderType.STOP_MARKET, triggered=False
    )
    futures.model.orders[0] = order
    futures.sync()
    futures.lose()
    triggered = msgspec.structs.replace(order, order_id="500", triggered=True, status=S.UNKNOWN)
    actual = msgspec.structs.replace(
        order, algo_id="", order_id="500", status=S.EXPIRED, updated_ns=futures.model.now + 5
    )
    asked = []

    def answer(instrument, *, client_order_id="", order_id="", conditional=None):
        asked.append((client_order_id, order_id, conditional))
        if conditional:
            return triggered
        if actual_is_known:
            return actual
        raise UnknownOrder(method="GET", url="", status=400, code=-2013, venue_message="")
        yield

    def order_of(*args, **kwargs):
        return (yield from answer(*args, **kwargs))

    futures.venue.order = order_of
    futures.model.orders.clear()
    events = futures.sync()
    assert asked == [(order.client_order_id, "", True), ("", "500", False)]
    [*_, told] = only(OrderUpdate, events)
    assert told.order.status is (S.EXPIRED if actual_is_known else S.OPEN)
    assert (told.order.algo_id, told.order.order_id, told.order.triggered) == ("77", "500", True)


def test_an_order_whose_end_was_missed_between_two_losses_is_asked_for(desk) -> None:
    desk.sync()
    desk.lose()
    waiting = desk.do("place")  # the stream was up again, and lost again
    desk.do("cancel")
    events = desk.sync(waiting=waiting)
    assert "order" in desk.asked
    assert desk.view.open_orders() == ()
    assert [event.order.status for event in only(OrderUpdate, events)] == [S.CANCELLED]


# What waits.


def test_what_waits_is_never_dropped(desk) -> None:
    desk.sync()
    desk.lose()
    ended = StreamEnded(desk.model.exchange, "main", None, 0, reason="serverShutdown")
    resync = Resync(desk.view, desk.venue)
    resync.push(ended)
    failed = desk.fetch(resync, during=lambda _: DOWN)
    assert isinstance(failed, ResyncFailed)
    assert resync.error is DOWN
    resync.push(ended)
    assert resync.waiting == 2
    fetched = desk.fetch(resync)
    assert resync.error is None
    assert resync.finish(fetched, desk.model.now).count(ended) == 2


def test_a_snapshot_older_than_what_waits(desk) -> None:
    desk.sync()
    desk.do("place", pick=1, size=5)
    desk.lose()
    resync = Resync(desk.view, desk.venue)

    def during(call):
        if call.name == "openOrders":  # balances are known, orders are not
            for event in (*desk.do("fill", size=2), *desk.do("fill", size=8)):
                resync.push(event)

    events = resync.finish(desk.fetch(resync, during=during), desk.model.now)
    assert [event.order.status for event in only(OrderUpdate, events)][-1] is S.FILLED
    assert desk.view.balance("BTC").total == desk.model.totals["BTC"]
    assert len(only(TradeUpdate, events)) == 2
    assert not only(Unexplained, events)
    assert not any(fill.recovered for fill in only(TradeUpdate, events))


def test_names_that_become_known_later(desk) -> None:
    desk.sync()
    desk.lose()
    resync = Resync(desk.view, desk.venue)
    resync.name(desk.model.instruments[:1], desk.model.instruments)
    desk.fetch(resync)
    assert [start[0] for start in desk.starts] == desk.model.instruments[:1]


# Failures.


@pytest.mark.parametrize("step", ["account", "openOrders", "order", "trades"])
def test_a_call_that_fails_changes_nothing(desk, step) -> None:
    desk.sync()
    desk.do("place", pick=1)
    desk.do("place", pick=0)
    desk.lose()
    desk.do("cancel")
    before = desk.view.peek()
    resync = Resync(desk.view, desk.venue)
    failed = desk.fetch(resync, during=lambda call: DOWN if call.name == step else None)
    assert isinstance(failed, ResyncFailed)
    assert failed.what
    assert "signature" not in failed.error
    assert failed.retry_after_ns == SECOND
    assert desk.view.peek() == before
    assert not desk.view.synced
    assert kinds(resync.finish(desk.fetch(resync), desk.model.now))[-1] == "AccountResynced"


def test_a_venue_says_when_to_ask_again(desk) -> None:
    limited = RateLimited(
        method="GET", url="", status=429, code=-1003, venue_message="", retry_after_ns=7 * SECOND
    )
    failed = desk.fetch(Resync(desk.view, desk.venue), during=lambda _: limited)
    assert (failed.what, failed.retry_after_ns) == ("account", 7 * SECOND)


# Fills that are missing while all is in sync.


def test_missing_fills_are_repaired(desk) -> None:
    desk.sync()
    desk.do("place", size=9)
    lost = desk.model.do(("fill", 0, 2, 1000))
    desk.view.apply(lost[1])
    now = desk.model.now + 6 * SECOND
    [reported] = desk.view.tracker.report_mismatches(now)
    assert (reported.repaired, reported.known) == (False, 0)
    failed = desk.world.converse(repair(desk.view, desk.venue, now), lambda _: DOWN)
    assert (failed.what, failed.error) == ("fills of BTC/USDT", "GET https://api/x: no answer")
    events = desk.world.converse(repair(desk.view, desk.venue, now), lambda _: None)
    assert kinds(events) == ["TradeUpdate", "FillMismatch"]
    assert events[1].repaired
    assert desk.world.converse(repair(desk.view, desk.venue, now), lambda _: None) == []
    assert only(FillMismatch, events)


def test_an_asset_that_the_snapshot_leaves_out_is_not_held(desk) -> None:
    desk.sync()
    desk.lose()
    desk.model.now += SECOND
    desk.model._add("BNB", -desk.model.totals["BNB"])
    events = desk.sync()
    [told] = only(BalanceUpdate, events)
    assert told.balance.asset == "BNB"
    assert (told.balance.total, told.balance.free) == (0, 0)
    [left] = only(Unexplained, events)
    assert (left.asset, left.amount) == ("BNB", -1)
    assert desk.view.balance("BNB") == Balance(
        asset="BNB",
        total=Decimal(0),
        free=Decimal(0),
        locked=Decimal(0),
        updated_ns=told.balance.updated_ns,
    )
    assert not only(TransferUpdate, events)
