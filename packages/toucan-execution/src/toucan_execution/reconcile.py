"""Bringing the view of an account in step with its venue after a loss of the stream: pure.

A `Resync` lives from the moment at which the stream was lost (or from the start) until the view is right
again:

1. The caller subscribes to the stream, and gives every event of it to `Resync.push`: it waits.
2. The caller runs the conversation `Resync.fetch`: the snapshot; each order that is thought open and that
   the snapshot does not show; and the fills since the last known one. A call that fails gives a
   `ResyncFailed`: nothing has changed, and `fetch` is started again, after a new subscription if the stream
   was lost again. What waits stays: nothing that the venue has told is dropped.
3. `Resync.finish` tells what had changed: the fills, all of them in order, those that wait included; orders;
   balances; positions; what is left unexplained. Then what waits goes through the view, each fill once, and
   `AccountResynced` ends it. The first time `AccountSnapshot` comes before all.

**Whose fills are asked for.** The spot needs a symbol for each query, and it weighs much (facts D.1.5). So it
is: the instruments of open, unknown and recently closed orders; of orders with more filled than is known;
of positions that have changed; those that the config names. If balances have changed by more than that
explains: the instruments of the catalogue both whose assets have, and those seen before one of whose assets
has. The first time there is no past to catch up with: only this client's own orders are asked for.

**From where on.** From the newest fill before the loss, an overlap before it, or from that time itself: what
an answer told of a fill meanwhile does not hide an older one.

**A snapshot may be older or newer than events.** Nothing is replaced: all facts join what is known by the
rules of `toucan_execution.state` and `toucan_execution.view`, whose order does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from toucan_execution._fills import in_order, time_of
from toucan_execution._gap import OVERLAP_NS, Gap, instruments_of, starts
from toucan_execution._ledger import Key, Ledger, Payment, payments_of
from toucan_execution._merge_account import later_of, newest_of
from toucan_execution.account import AccountSnapshot
from toucan_execution.call import Conversation
from toucan_execution.errors import UnknownOrder
from toucan_execution.events import (
    AccountEvent,
    AccountResynced,
    OrderUpdate,
    ResyncFailed,
    TradeUpdate,
    Unexplained,
)
from toucan_execution.orders import Order
from toucan_execution.venue import ExecutionVenue
from toucan_execution.view import AccountView
from toucan_instrument import Instrument, Side
from toucan_instrument.errors import ToucanError, VenueError

__all__ = ["Fetched", "Resync", "repair"]

ZERO = Decimal(0)
SECOND = 1_000_000_000
RECENT_NS = 900 * SECOND
RETRY_NS = SECOND
FillKey = tuple[Instrument, str, Side]
"""An account that trades with itself has two fills with one id."""


class Fetched(msgspec.Struct, frozen=True):
    """What a resync has fetched.

    Attributes:
        snapshot: The account.
        orders: The orders that were asked for one by one.
        missing: Those of which the venue said that it knows none.
        trades: The fills, recovered ones.
        instruments: Those whose fills were asked for.
        mark: How many events had waited before anything was asked for.
    """

    snapshot: AccountSnapshot
    orders: tuple[Order, ...]
    missing: tuple[Order, ...]
    trades: tuple[TradeUpdate, ...]
    instruments: tuple[Instrument, ...]
    mark: int


class Resync:
    """One resynchronisation of a view.

    Args:
        view: What is brought in step. One that is in sync is looked over, from when it was brought in sync.
        venue: Whom to ask.
        instruments: Those whose fills are always asked for.
        catalogue: All instruments of the market, as far as they are known.

    Attributes:
        error: What the last `fetch` failed by, None where it did not.
    """

    def __init__(
        self,
        view: AccountView,
        venue: ExecutionVenue,
        *,
        instruments: Iterable[Instrument] = (),
        catalogue: Iterable[Instrument] = (),
    ) -> None:
        self._view = view
        self._venue = venue
        self._named = tuple(instruments)
        self._catalogue = tuple(catalogue)
        self._since_ns = view.synced_ns if view.synced else view.stale_since_ns
        self._waiting: list[AccountEvent] = []
        self._step = ""
        self.error: ToucanError | None = None

    def name(self, instruments: Iterable[Instrument], catalogue: Iterable[Instrument]) -> None:
        """Say which fills are always asked for and which instruments there are, where that was not known."""
        self._named, self._catalogue = tuple(instruments), tuple(catalogue)

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return len(self._waiting)

    def push(self, event: AccountEvent) -> None:
        """Let an event of the stream wait until all is known."""
        self._waiting.append(event)

    # Asking.

    def fetch(self, now_ns: int) -> Conversation[Fetched | ResyncFailed]:
        """Ask the venue for all that is needed.

        Args:
            now_ns: The time, after the stream was subscribed to.

        Returns:
            What was fetched, for `finish`; or that a call failed: then nothing has changed.
        """
        self._step, self.error = "account", None
        try:
            return (yield from self._fetch(now_ns))
        except ToucanError as error:
            self.error = error
            return _failed(self._view, self._step, error, now_ns)

    def _fetch(self, now_ns: int) -> Conversation[Fetched]:
        mark = len(self._waiting)
        snapshot = yield from self._venue.snapshot()
        orders: list[Order] = []
        missing: list[Order] = []
        shown = _ids_of(snapshot.open_orders)
        for order in self._thought_open(mark):
            if shown & _ids_of((order,)):
                continue
            self._step = f"order {order.client_order_id or order.order_id}"
            found = yield from _ask(self._venue, order)
            orders += found
            if not found:
                missing.append(order)
        gap = Gap(
            since_ns=None if self._since_ns is None else self._since_ns - OVERLAP_NS,
            until_ns=now_ns + OVERLAP_NS,
        )
        self._step = "fills"
        asked = self._first_round(snapshot, orders)
        trades = yield from self._trades(asked, gap)
        more = [each for each in self._second_round(snapshot, trades, mark) if each not in asked]
        trades += yield from self._trades(more, gap)
        return Fetched(snapshot, tuple(orders), tuple(missing), tuple(trades), (*asked, *more), mark)

    def _thought_open(self, mark: int) -> list[Order]:
        """Return the orders that are thought open.

        Events that wait since before another loss tell of orders whose end may have been missed then.
        """
        orders = list(self._view.tracker.open_orders())
        known = _ids_of(orders)
        told = {
            (event.order.instrument, event.order.order_id or event.order.client_order_id): event.order
            for event in self._waiting[:mark]
            if isinstance(event, OrderUpdate)
        }
        return orders + [each for each in told.values() if each.is_open and not known & _ids_of((each,))]

    def _first_round(self, snapshot: AccountSnapshot, orders: list[Order]) -> list[Instrument]:
        """Return the instruments whose fills are asked for whatever the balances say."""
        tracker = self._view.tracker
        if self._since_ns is None:  # all that is known is what this client did
            return instruments_of([*tracker.open_orders(), *tracker.recently_closed()])
        waiting = [event.order for event in self._waiting if isinstance(event, OrderUpdate)]
        known = [
            *waiting,
            *tracker.open_orders(),
            *tracker.recently_closed(self._since_ns - RECENT_NS),
            *tracker.mismatches(),
            *snapshot.open_orders,
            *orders,
        ]
        held = {(each.instrument, each.side): each.quantity for each in snapshot.positions}
        before = {
            (each.instrument, each.side): each.quantity for each in self._view.positions(allow_stale=True)
        }
        moved = [key[0] for key in {**before, **held} if before.get(key, 0) != held.get(key, 0)]
        return list(dict.fromkeys([*instruments_of(known), *moved, *self._named]))

    def _second_round(
        self, snapshot: AccountSnapshot, trades: list[TradeUpdate], mark: int
    ) -> list[Instrument]:
        """Return the instruments that may explain what is not explained yet."""
        if self._since_ns is None:
            return []
        ledger, _ = self._expected(trades, mark)
        left, _ = ledger.left(_told(ledger, snapshot))
        assets = {key for key in left if isinstance(key, str)}
        if not assets:
            return []
        seen = self._view.tracker.instruments()
        touched = [each for each in seen if assets & {each.base, each.quote, each.settle}]
        both = [each for each in self._catalogue if {each.base, each.quote} <= assets and not each.settle]
        return sorted({*touched, *both}, key=lambda each: each.symbol)

    def _trades(self, instruments: list[Instrument], gap: Gap) -> Conversation[list[TradeUpdate]]:
        found: list[TradeUpdate] = []
        for instrument in instruments:
            self._step = f"fills of {instrument}"
            since_ns, from_id = starts(self._view.tracker, instrument, gap)
            rows = yield from self._venue.trades(instrument, since_ns, gap.until_ns, from_id=from_id)
            found += [msgspec.structs.replace(row, recovered=True) for row in rows]
        return found

    # Telling.

    def finish(self, fetched: Fetched, now_ns: int) -> list[AccountEvent]:
        """Join all that was fetched and all that waits; return what is to be told, in order."""
        view, tracker = self._view, self._view.tracker
        before = _figures(view)
        ledger, places = self._expected(fetched.trades, fetched.mark)
        left, place = ledger.left(_told(ledger, fetched.snapshot))
        if self._since_ns is None:
            events = self._begin(fetched, now_ns)
        else:
            included = {key for key, each in places.items() if each <= place}
            events = self._catch_up(fetched, included, now_ns)
        events += tracker.tell(now_ns)
        events += [self._unexplained(key, amount, fetched, now_ns) for key, amount in left.items()]
        waiting, self._waiting = self._waiting, []
        for event in waiting[: fetched.mark]:
            events += view.apply(event, late=True)
        for order in fetched.missing:
            events += tracker.missing(order, now_ns)
        for event in waiting[fetched.mark :]:
            events += view.apply(event)
        view.in_sync(now_ns, history_ns=newest_of(fetched.snapshot))
        events += tracker.report_mismatches(now_ns)
        events.append(self._summary(events, before, fetched, now_ns))
        return events

    def _begin(self, fetched: Fetched, now_ns: int) -> list[AccountEvent]:
        """Take all of it as it is; what is told of it is the snapshot, and what this client had begun."""
        view, tracker = self._view, self._view.tracker
        orders = self._orders(fetched, now_ns, quiet=True)
        view.load(fetched.snapshot)
        events: list[AccountEvent] = [view.peek(now_ns)]
        for trade in self._fills(fetched.trades):
            if tracker.is_news(trade):
                view.ledger.fill(trade)
                events += tracker.fill(trade)
        return events + orders

    def _catch_up(self, fetched: Fetched, included: set[FillKey], now_ns: int) -> list[AccountEvent]:
        """Take what has changed, and tell of it: fills, orders, balances, positions.

        Args:
            fetched: What was found.
            included: The fills that the snapshot includes.
            now_ns: The time.
        """
        view, tracker = self._view, self._view.tracker
        fills = [trade for trade in self._fills(fetched.trades) if tracker.is_news(trade)]
        events: list[AccountEvent] = []
        for trade in fills:
            if _key_of(trade) in included:
                view.ledger.fill(trade, late=True)
            events += tracker.fill(trade)
        events += self._orders(fetched, now_ns, quiet=False)
        events += view.load(fetched.snapshot)
        for trade in fills:
            if _key_of(trade) not in included:
                view.ledger.fill(trade)
        return events

    def _summary(
        self,
        events: list[AccountEvent],
        before: dict[str | Instrument, object],
        fetched: Fetched,
        now_ns: int,
    ) -> AccountResynced:
        """Return what has changed, in one value."""
        orders = {
            (event.order.instrument, event.order.order_id or event.order.client_order_id): event.order
            for event in events
            if isinstance(event, OrderUpdate)
        }
        after = _figures(self._view)
        changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        return AccountResynced(
            self._view.exchange,
            self._view.account,
            fetched.snapshot.time_exchange,
            now_ns,
            since_ns=self._since_ns,
            orders=tuple(orders.values()),
            trades=sum(isinstance(event, TradeUpdate) and event.recovered for event in events),
            balances=tuple(sorted(key for key in changed if isinstance(key, str))),
            positions=tuple(key for key in changed if isinstance(key, Instrument)),
            instruments=fetched.instruments,
        )

    def _unexplained(self, key: Key, amount: Decimal, fetched: Fetched, now_ns: int) -> Unexplained:
        until_ns = fetched.snapshot.time_exchange or fetched.snapshot.time_received
        return Unexplained(
            self._view.exchange,
            self._view.account,
            fetched.snapshot.time_exchange,
            now_ns,
            asset=key if isinstance(key, str) else str(key[0]),
            amount=amount,
            since_ns=self._since_ns or 0,
            until_ns=until_ns,
        )

    def _fills(self, trades: Iterable[TradeUpdate]) -> list[TradeUpdate]:
        """Return all fills that were found or wait, in order; the stream's word goes before an answer's."""
        fills = {_key_of(trade): trade for trade in trades}
        fills |= {_key_of(event): event for event in self._waiting if isinstance(event, TradeUpdate)}
        return sorted(fills.values(), key=in_order)

    def _orders(self, fetched: Fetched, now_ns: int, *, quiet: bool) -> list[AccountEvent]:
        """Join the orders that were found; `quiet` tells only of those that were known."""
        tracker = self._view.tracker
        found = sorted(
            (*fetched.snapshot.open_orders, *fetched.orders), key=lambda order: order.updated_ns or 0
        )
        events: list[AccountEvent] = []
        for order in found:
            known = tracker.get(
                order.instrument,
                client_order_id=order.client_order_id,
                order_id=order.order_id,
                algo_id=order.algo_id,
            )
            update = OrderUpdate(
                self._view.exchange,
                self._view.account,
                order.updated_ns,
                now_ns,
                order=order,
                origin=order.origin,
                recovered=True,
            )
            told = tracker.learn(update)
            if not quiet or known is not None:
                events += told
        return events

    def _expected(self, trades: Iterable[TradeUpdate], mark: int) -> tuple[Ledger, dict[FillKey, int]]:
        """Return what is to be held, by all that is known, was found or waits; and the order of the fills.

        What waited before anything was asked for has the place zero: what was found includes it.
        """
        ledger = self._view.ledger.copy()
        waited = {_key_of(event) for event in self._waiting[:mark] if isinstance(event, TradeUpdate)}
        fills = [trade for trade in self._fills(trades) if self._view.tracker.is_news(trade)]
        paid = payments_of(self._waiting[:mark])
        entries: list[tuple[int, TradeUpdate | Payment]] = [(time_of(trade), trade) for trade in fills]
        entries += [(payment[2], payment) for payment in payments_of(self._waiting)]
        places: dict[FillKey, int] = {}
        for number, (_, entry) in enumerate(sorted(entries, key=lambda each: each[0]), 1):
            if isinstance(entry, TradeUpdate):
                key = _key_of(entry)
                places[key] = 0 if key in waited else number
                ledger.fill(entry, late=key in waited, place=places[key])
            else:
                late = entry in paid
                ledger.pay(*entry, late=late, place=0 if late else number)
        return ledger, places


def repair(
    view: AccountView, venue: ExecutionVenue, now_ns: int
) -> Conversation[list[AccountEvent] | ResyncFailed]:
    """Fetch the fills that are missing of orders of which the venue says that more was filled.

    Returns:
        What is to be told: the fills, and `FillMismatch` with `repaired` for each order that they make
        whole; or that a call failed: then nothing has changed.
    """
    tracker = view.tracker
    short = tracker.mismatches(now_ns)
    gap = Gap(since_ns=None, until_ns=now_ns + OVERLAP_NS)
    found: list[TradeUpdate] = []
    step = "fills"
    try:
        for instrument in instruments_of(short):
            step = f"fills of {instrument}"
            since_ns, from_id = starts(tracker, instrument, gap)
            rows = yield from venue.trades(instrument, since_ns, gap.until_ns, from_id=from_id)
            found += [msgspec.structs.replace(row, recovered=True) for row in rows]
    except ToucanError as error:
        return _failed(view, step, error, now_ns)
    events: list[AccountEvent] = []
    for trade in sorted(found, key=in_order):
        events += view.apply(trade)
    return events


def _ask(venue: ExecutionVenue, order: Order) -> Conversation[list[Order]]:
    """Ask for an order, and for what it has become where it was a conditional one; none if it is unknown."""
    untriggered = bool(order.algo_id) and not order.order_id
    conditional = True if untriggered else False if order.order_id else None
    client_id = "" if order.order_id else order.client_order_id
    try:
        found = yield from venue.order(
            order.instrument,
            client_order_id=client_id,
            order_id="" if client_id else order.order_id or order.algo_id,
            conditional=conditional,
        )
        if not (found.algo_id and found.order_id):
            return [found]
    except UnknownOrder:
        return []
    try:
        actual = yield from venue.order(found.instrument, order_id=found.order_id, conditional=False)
    except UnknownOrder:
        return [found]
    return [found, actual]


def _key_of(trade: TradeUpdate) -> FillKey:
    return trade.instrument, trade.trade_id, trade.side


def _ids_of(orders: Iterable[Order]) -> set[tuple[Instrument, str, str]]:
    """Return all that orders are known by."""
    return {
        (order.instrument, name, value)
        for order in orders
        for name in ("order_id", "algo_id", "client_order_id")
        if (value := getattr(order, name))
    }


def _told(ledger: Ledger, snapshot: AccountSnapshot) -> dict[Key, tuple[Decimal, int | None]]:
    """Return the amounts of a snapshot and their times; zero for what it does not name."""
    told: dict[Key, tuple[Decimal, int | None]] = {
        key: (ZERO, later_of(ledger.time_of(key), newest_of(snapshot))) for key in ledger.known()
    }
    for balance in snapshot.balances:
        at = snapshot.time_exchange if balance.updated_ns is None else balance.updated_ns
        told[balance.asset] = (balance.total, at)
    for position in snapshot.positions:
        at = snapshot.time_exchange if position.updated_ns is None else position.updated_ns
        told[position.instrument, position.side] = (position.quantity, at)
    return told


def _figures(view: AccountView) -> dict[str | Instrument, object]:
    """Return what counts as a change of a balance or position."""
    figures: dict[str | Instrument, object] = {
        balance.asset: (balance.total, balance.locked if balance.unrealized_profit is None else None)
        for balance in view.balances(allow_stale=True)
    }
    for position in view.positions(allow_stale=True):
        sides = figures.setdefault(position.instrument, {})
        if isinstance(sides, dict):
            sides[position.side] = position.quantity
    return figures


def _failed(view: AccountView, step: str, error: ToucanError, now_ns: int) -> ResyncFailed:
    wait_ns = error.retry_after_ns if isinstance(error, VenueError) else 0
    return ResyncFailed(
        view.exchange,
        view.account,
        None,
        now_ns,
        what=step,
        error=str(error),
        retry_after_ns=max(wait_ns, RETRY_NS),
    )
