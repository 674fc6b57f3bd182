"""Whatever becomes of a venue's messages, what is known ends as the truth, and each fill is told once."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import msgspec
from hypothesis import given, strategies as st

from toucan_execution.events import (
    AccountResynced,
    BalanceUpdate,
    OrderUpdate,
    TradeUpdate,
    TransferUpdate,
    Unexplained,
)
from toucan_execution.orders import OrderOrigin, OrderStatus
from toucan_execution.reconcile import Fetched, Resync
from toucan_execution.state import OrderTracker
from toucan_execution.view import AccountView
from toucan_instrument.errors import RequestFailed

KINDS = ("place", "place", "fill", "fill", "fill", "fill", "cancel", "expire", "amend", "prevent", "transfer")
actions = st.tuples(
    st.sampled_from(KINDS), st.integers(0, 11), st.integers(1, 9), st.sampled_from([0, 1, 5, 40])
)
histories = st.lists(actions, min_size=5, max_size=60)


def is_own(client_order_id: str) -> bool:
    return client_order_id.startswith("own-")


def check_told(events) -> None:
    """Check what a user sees of orders and fills: never back, nothing twice, all adds up."""
    seen: dict = {}
    for event in events:
        if not isinstance(event, OrderUpdate):
            continue
        order = event.order
        key = (order.instrument, order.order_id)
        before = seen.get(key)
        assert event.previous == (None if before is None else before.status)
        if before is not None:
            assert not (before.status.is_final and order.is_open), "an order came back to life"
            assert order.filled_quantity >= before.filled_quantity
            assert order.prevented_quantity >= before.prevented_quantity
            if before.status is OrderStatus.PARTIALLY_FILLED:
                assert order.status is not OrderStatus.OPEN
            assert msgspec.structs.replace(order, updated_ns=before.updated_ns) != before, "no news"
        assert order.origin is (OrderOrigin.OWN if is_own(order.client_order_id) else OrderOrigin.FOREIGN)
        seen[key] = order
    fills = Counter((event.instrument, event.trade_id) for event in events if isinstance(event, TradeUpdate))
    assert set(fills.values()) <= {1}, "a fill was told twice"


def check_same(known, truth) -> None:
    """Check an order against the truth."""
    assert known is not None
    for name in (
        "client_order_id",
        "order_id",
        "status",
        "quantity",
        "filled_quantity",
        "prevented_quantity",
    ):
        assert getattr(known, name) == getattr(truth, name), name
    assert known.price == truth.price
    assert known.updated_ns == truth.updated_ns
    if known.is_open:
        assert known.filled_quantity + known.prevented_quantity + known.remaining == known.quantity


@given(st.data(), histories)
def test_orders_and_fills_in_any_order(world, data, history) -> None:
    model = world.Model(futures=False)
    events = [event for action in history for event in model.do(action)]
    told_of = [event for event in events if isinstance(event, (OrderUpdate, TradeUpdate))]
    kept = [event for event in told_of if data.draw(st.integers(0, 3))]  # a quarter is lost
    again = data.draw(st.lists(st.sampled_from(kept), max_size=10)) if kept else []
    queries = [
        OrderUpdate(
            model.exchange, world.label, None, model.now, order=order, origin=order.origin, recovered=True
        )
        for order in model.orders
    ]
    fetched = [
        msgspec.structs.replace(trade, recovered=True)
        for instrument in model.instruments
        for trade in model.trades_of(instrument, 0, "")
    ]
    mixed = data.draw(st.permutations([*kept, *again, *queries, *fetched]))
    tracker = OrderTracker(model.exchange, world.label, is_own=is_own)
    tracker.followed(0)
    told = [each for event in mixed for each in tracker.apply(event)]
    told += tracker.tell(model.now)
    check_told(told)
    for order in model.orders:
        check_same(tracker.get(order.instrument, order_id=order.order_id), order)
    assert {order.order_id for order in tracker.open_orders()} == {
        order.order_id for order in model.orders if order.is_open
    }
    fills = [event for event in told if isinstance(event, TradeUpdate)]
    assert {(fill.instrument, fill.trade_id) for fill in fills} == {
        (trade.instrument, trade.trade_id) for trade in model.trades
    }
    assert not tracker.mismatches()
    for order in model.orders:
        known = tracker.get(order.instrument, order_id=order.order_id)
        assert known is not None
        mine = [
            fill for fill in fills if (fill.instrument, fill.order_id) == (order.instrument, order.order_id)
        ]
        assert sum((fill.quantity for fill in mine), Decimal()) == known.filled_quantity
        if mine:  # all at the order's price
            assert known.average_price == order.price


class Session:
    """A model, a view, and a stream between them that comes and goes."""

    def __init__(self, world, data, history, *, futures: bool) -> None:
        self.world, self.data = world, data
        self.model = world.Model(futures=futures)
        self.venue = world.venue_of(self.model)
        self.view = AccountView(self.model.exchange, world.label, is_own=is_own)
        self.history = list(history)
        self.told: list = []
        self.up = False
        self.resync: Resync | None = None
        self.missed: list = []
        self.apart = 0

    def happen(self, count: int) -> None:
        """Let some of the history happen."""
        for _ in range(min(count, len(self.history))):
            self.model.now += self.apart
            for event in self.model.do(self.history.pop(0)):
                if not self.up:
                    self.missed.append(event)
                    continue
                self.take(event)
                if self.data.draw(st.integers(0, 9)) == 0:
                    self.take(event)

    def take(self, event) -> None:
        if self.resync is not None:
            self.resync.push(event)
        else:
            self.told += self.view.apply(event)

    def lose(self) -> None:
        self.up = False
        self.told += self.view.lose_sync("lost", self.model.now)

    def bring_back(self) -> None:
        """Subscribe, and resynchronise, with failures, losses and everything else going on meanwhile."""
        if self.resync is None:
            # Named, since a round trip that nobody saw leaves no trace in the balance of what was traded.
            self.resync = Resync(self.view, self.venue, instruments=self.model.instruments)
        for _ in range(self.data.draw(st.integers(0, 2))):
            self.up = True
            left = self.data.draw(st.integers(0, 3))

            calls = iter(range(left, -1, -1))

            def fail(_call, calls=calls):
                self.happen(self.data.draw(st.integers(0, 1)))
                if next(calls, 0):
                    return None
                return RequestFailed("no answer", method="GET", url="https://x/y?z", sent=None)

            before = self.view.peek()
            result = self.world.converse(self.resync.fetch(self.model.now), fail)
            assert self.view.peek() == before, "asking changes nothing"
            self.up = self.data.draw(st.booleans())
            self.happen(self.data.draw(st.integers(0, 3)))
            if isinstance(result, Fetched):
                continue  # the stream was lost meanwhile: it is of no use
            assert result.error == "GET https://x/y: no answer"
            assert not self.view.synced
        self.up = True

        def go_on(_call) -> None:
            self.happen(self.data.draw(st.integers(0, 2)))

        fetched = self.world.converse(self.resync.fetch(self.model.now), go_on)
        assert isinstance(fetched, Fetched)
        resync, self.resync = self.resync, None
        self.told += resync.finish(fetched, self.model.now)
        assert self.view.synced

    def check(self) -> None:
        """Compare the view with the truth."""
        model, view = self.model, self.view
        assert {held.asset: held.total for held in view.balances()} == {
            asset: total for asset, total in model.totals.items() if total
        }
        assert {position.instrument: position.quantity for position in view.positions()} == {
            instrument: quantity for instrument, (quantity, _) in model.positions.items() if quantity
        }
        open_orders = [order for order in model.orders if order.is_open]
        assert len(view.open_orders()) == len(open_orders)
        for order in open_orders:
            check_same(view.order(instrument=order.instrument, order_id=order.order_id), order)
        assert not view.tracker.mismatches()


@given(st.data(), st.booleans(), histories)
def test_a_view_ends_as_the_truth(world, data, futures, history) -> None:
    session = Session(world, data, history, futures=futures)
    session.happen(data.draw(st.integers(0, 10)))
    begun = len(session.model.trades)
    missed_before = {(trade.instrument, trade.trade_id) for trade in session.model.trades}
    session.bring_back()
    session.check()
    for _ in range(data.draw(st.integers(1, 3))):
        session.happen(data.draw(st.integers(0, 8)))
        session.check()
        session.lose()
        session.happen(data.draw(st.integers(0, 8)))
        session.bring_back()
        session.check()
    session.happen(99)
    session.check()

    told = session.told
    orders_told_by_snapshot = {
        (order.instrument, order.order_id): order
        for event in told
        if type(event).__name__ == "AccountSnapshot"
        for order in event.open_orders
    }
    seen = [
        OrderUpdate(
            session.model.exchange, world.label, None, 0, order=order, origin=order.origin, previous=None
        )
        for order in orders_told_by_snapshot.values()
    ]
    check_told([*seen, *told])
    fills = [event for event in told if isinstance(event, TradeUpdate)]
    keys = [(fill.instrument, fill.trade_id) for fill in fills]
    truth = [(trade.instrument, trade.trade_id) for trade in session.model.trades]
    assert set(truth[begun:]) - missed_before <= set(keys) | {
        (event.instrument, event.trade_id) for event in session.missed if isinstance(event, TradeUpdate)
    }
    for instrument in session.model.instruments:
        ids = [int(trade_id) for each, trade_id in keys if each == instrument]
        assert ids == sorted(ids), "fills were told out of order"
    payments = {event.asset for event in session.missed if isinstance(event, TransferUpdate)}
    left = {event.asset for event in told if isinstance(event, Unexplained)}
    assert left <= payments, "all but what was paid unseen was explained"
    assert sum(isinstance(event, AccountResynced) for event in told) >= 2


@given(st.data(), st.booleans(), histories)
def test_after_the_first_time_no_fill_is_missed(world, data, futures, history) -> None:
    session = Session(world, data, history, futures=futures)
    session.apart = world.ms  # what is of one millisecond with the first snapshot may be history
    session.bring_back()
    first = {(e.instrument, e.trade_id) for e in session.missed if isinstance(e, TradeUpdate)}
    for _ in range(3):
        session.happen(data.draw(st.integers(0, 8)))
        session.lose()
        session.happen(data.draw(st.integers(0, 8)))
        session.bring_back()
    session.happen(99)
    told = [(e.instrument, e.trade_id) for e in session.told if isinstance(e, TradeUpdate)]
    truth = {(trade.instrument, trade.trade_id) for trade in session.model.trades}
    assert truth - first <= set(told) <= truth
    assert len(told) == len(set(told))


@given(st.data(), st.booleans(), histories, st.integers(0, 3), st.integers(1, 900))
def test_what_nobody_told_of_is_unexplained(world, data, futures, history, pick, size) -> None:
    session = Session(world, data, history, futures=futures)
    session.apart = world.ms  # what is of one millisecond with the snapshot may be in it or not
    session.bring_back()
    session.happen(data.draw(st.integers(0, 10)))
    session.model.now += 50 * world.ms
    session.lose()
    seen = len(session.missed)
    session.model.do(("hide", pick, size, 50))
    asset = sorted(session.model.totals)[pick]
    session.model.now += 50 * world.ms
    session.happen(data.draw(st.integers(0, 10)))
    session.bring_back()
    session.check()
    # What was paid unseen is unexplained as well.
    expected = {asset: Decimal(size) / 100}
    for event in session.missed[seen:]:
        if isinstance(event, TransferUpdate):
            expected[event.asset] = expected.get(event.asset, Decimal(0)) + event.amount
    told = {event.asset: event.amount for event in session.told if isinstance(event, Unexplained)}
    assert told == expected


@given(histories, st.permutations(range(40)))
def test_balances_end_at_the_newest(world, history, order) -> None:
    model = world.Model(futures=False)
    events = []
    for action in history:
        model.now += world.ms
        events += [event for event in model.do(action) if isinstance(event, BalanceUpdate)]
    view = AccountView(model.exchange, world.label, is_own=is_own)
    for _, event in sorted(zip([*order] * 9, events, strict=False), key=lambda pair: pair[0]):
        view.apply(event)
    for asset in {event.balance.asset for event in events}:
        assert view.balance(asset, allow_stale=True).total == model.totals[asset]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=80), st.integers(1, 10))
def test_memory_is_bounded(world, sizes, keep) -> None:
    model = world.Model(futures=False)
    tracker = OrderTracker(model.exchange, world.label, is_own=is_own, keep_finished=keep)
    tracker.followed(0)
    told = []
    for size in sizes:
        for action in (("place", 0, size, 1), ("fill", 0, 1, 1), ("cancel", 0, 1, 1)):
            for event in model.do(action):
                if isinstance(event, (OrderUpdate, TradeUpdate)):
                    told += tracker.apply(event)
                    told += tracker.apply(event)
        assert len(tracker) <= keep
    check_told(told)
    assert len(tracker.recently_closed()) == min(keep, len(sizes))
    again = [each for trade in model.trades for each in tracker.apply(trade)]
    assert not again, "what is forgotten is not told again"
    assert not tracker.mismatches()
