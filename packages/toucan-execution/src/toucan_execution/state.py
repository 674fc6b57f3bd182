"""What is known of an account's orders and fills, and how facts join it: pure.

Facts come late, twice and out of order, from the account's stream, from answers to requests and from queries.
Whatever their order, the same state comes out:

- **Never back.** An order's state only moves on; filled and prevented quantities only grow. A final state
  gives way only to another final one of the venue's with more filled. A fill that comes after a cancel still
  counts.
- **The newest word wins** for what may change (price, quantity, ids), by the venue's own time; what a message
  leaves out stays as it was known.
- **Each fill once**, by instrument and trade id. It makes an order partially filled; that it is over is the
  venue's word to say.
- **Ours and theirs.** In flight, cancel in flight and unknown are what toucan knows of its own requests; what
  the venue says settles them. An order that toucan took for rejected and of which the venue tells after all
  is what the venue tells.
- **Who is who.** Order ids are unique within an instrument only (facts D.2.5), client order ids can be used
  again once their order is closed (facts D.1.3), and an amendment can change them. A conditional order and
  the order that it becomes are one (facts D.2.4): linked by the order id, or by an equal client id.
- **Fills add up.** What the venue says was filled is compared with the fills that are known; what was filled
  before the account was followed is set apart first. A difference is a `FillMismatch`, until it is repaired.

Memory is bounded: finished orders and the ids of fills are kept for a stated number and time.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from toucan_execution._fills import Fills, LastTrade, Orphans, time_of
from toucan_execution._merge import advance, average_of, cost_of, is_news, merged, requested
from toucan_execution._records import CANCEL_WINDOW_NS, Record, Records
from toucan_execution.events import AccountEvent, FillMismatch, OrderUpdate, TradeNotice, TradeUpdate
from toucan_execution.orders import Order, OrderOrigin, OrderRequest, OrderStatus
from toucan_instrument import Exchange, Instrument
from toucan_instrument.decimals import EXACT
from toucan_instrument.errors import InvalidInput

__all__ = ["CANCEL_WINDOW_NS", "LastTrade", "OrderTracker"]

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
ZERO = Decimal(0)

GRACE_NS = 5 * SECOND
"""How long the fills behind a figure may take to come before they count as missing."""
FORGOTTEN_NS = 3 * DAY
"""So long after its end the venue may know an order no more that had no fills (facts D.2.5)."""
FILLS_PER_ORDER = 10


class OrderTracker:
    """The orders of one account and their fills.

    Args:
        exchange: Where.
        account: The user's label of the account, which the events carry.
        is_own: Tells whether a client order id is one of this client's.
        keep_finished: How many finished orders are kept; of fill ids ten times as many.
        keep_ns: How long they are kept, nanoseconds.

    Attributes:
        following: Whether every event since is seen; before, what an order had filled is history, not a gap.
    """

    def __init__(
        self,
        exchange: Exchange,
        account: str,
        *,
        is_own: Callable[[str], bool],
        keep_finished: int = 10_000,
        keep_ns: int = DAY,
    ) -> None:
        for field, value in (("keep_finished", keep_finished), ("keep_ns", keep_ns)):
            if value < 1:
                raise InvalidInput("something must be kept", field=field, value=value, accepted="1 or more")
        self.following: bool = False
        self._exchange = exchange
        self._account = account
        self._is_own = is_own
        self._records = Records(keep=keep_finished, keep_ns=keep_ns)
        self._fills = Fills(keep=keep_finished * FILLS_PER_ORDER, keep_ns=keep_ns)
        self._orphans = Orphans(keep=keep_finished)
        self._untold: dict[int, Record] = {}
        self._short: dict[int, Record] = {}
        self._now = 0
        self._history_ns = 0

    # What this client does.

    def begin(self, request: OrderRequest, now_ns: int) -> list[AccountEvent]:
        """Note an order that is about to be sent.

        Raises:
            InvalidInput: It has no client order id, or one that was used before.
        """
        client_id = request.client_order_id
        if not client_id or self.is_used(client_id):
            raise InvalidInput(
                "an order has an id of its own",
                field="client_order_id",
                value=client_id,
                accepted="one that was not used before",
            )
        record = Record(requested(request), self._tick(now_ns))
        record.ours, record.baseline = OrderStatus.OPEN_IN_FLIGHT, ZERO
        self._records.add(record)
        return self._concluded(record, now_ns)

    def rejected(
        self,
        client_order_id: str,
        reason: str,
        now_ns: int,
        *,
        instrument: Instrument | None = None,
    ) -> list[AccountEvent]:
        """Note that an order was refused for certain, or never sent, or never made.

        Nothing happens where the venue has told of the order: then there is one.
        """
        record = self._records.own(client_order_id, instrument)
        if record is None or record.venue is not None:
            return []
        record.ours = OrderStatus.REJECTED
        record.order = msgspec.structs.replace(record.order, reason=reason)
        return self._concluded(record, now_ns)

    def unknown(
        self, client_order_id: str, now_ns: int, *, instrument: Instrument | None = None
    ) -> list[AccountEvent]:
        """Note that nobody knows whether an order was made.

        Nothing happens where the venue has told of it since. An order whose cancel is not answered stays
        `OrderStatus.CANCEL_IN_FLIGHT`.
        """
        record = self._records.own(client_order_id, instrument)
        if record is None or record.venue is not None or record.ours is not OrderStatus.OPEN_IN_FLIGHT:
            return []
        record.ours = OrderStatus.UNKNOWN
        return self._concluded(record, now_ns)

    def begin_cancel(self, order: Order, now_ns: int) -> list[AccountEvent]:
        """Note that a cancel of an order is about to be sent; nothing happens if it is over, or not known."""
        record = self._records.find(order)
        if record is None or not record.order.is_open:
            return []
        record.cancel_ns = self._tick(now_ns)
        return self._concluded(record, now_ns)

    def end_cancel(self, order: Order, now_ns: int) -> list[AccountEvent]:
        """Note that a cancel was refused for certain: the order stands where the venue says."""
        record = self._records.find(order)
        if record is None or record.cancel_ns is None:
            return []
        record.cancel_ns = None
        return self._concluded(record, now_ns)

    def missing(self, order: Order, now_ns: int) -> list[AccountEvent]:
        """Note that the venue, asked for an order, said that it knows none.

        That alone proves nothing: one that the venue has told of becomes unknown; one of which nothing was
        heard for three days, the time after which a venue forgets orders without fills, counts as cancelled.
        One that the venue has not told of stays as it is: `toucan_execution.resolver` finds out.
        """
        record = self._records.find(order)
        if record is None or record.venue is None or record.venue.is_final:
            return []
        known_ns = record.fact_ns if record.fact_ns is not None else record.seen_ns
        if known_ns + FORGOTTEN_NS < now_ns:
            record.ours = OrderStatus.CANCELLED
            record.order = msgspec.structs.replace(record.order, reason="the venue knows it no more")
        else:
            record.ours = OrderStatus.UNKNOWN
        return self._concluded(record, now_ns)

    # What the venue tells.

    def apply(self, event: AccountEvent, *, late: bool = False) -> list[AccountEvent]:
        """Join an event to what is known, and return what a user is to be told of it.

        That is nothing where it is no news. Events that are not of orders or fills come back as they are.

        Args:
            event: The event.
            late: Whether it came before facts that are known already: then it is the older one even if the
                venue's times are the same.
        """
        if isinstance(event, OrderUpdate):
            told = self.learn(event, late=late)
            told += self.tell(event.time_received, recovered=event.recovered)
        elif isinstance(event, TradeUpdate):
            told = self._filled(event)
        elif isinstance(event, TradeNotice):
            told = [event] if self._fills.notice(event) else []
        else:
            return [event]
        self._forget()
        return told

    def learn(self, event: OrderUpdate, *, late: bool = False) -> list[AccountEvent]:
        """Join what an event says of an order; see `apply`."""
        said, now_ns = event.order, self._tick(event.time_received)
        if said.status is OrderStatus.CANCEL_IN_FLIGHT:  # the venue's word for an open order
            said = msgspec.structs.replace(said, status=OrderStatus.OPEN)
            event = msgspec.structs.replace(event, order=said)
        time_ns = said.updated_ns if said.updated_ns is not None else event.time_exchange
        record = self._records.find(said, time_ns)
        if record is None:
            record = self._first_seen(said, time_ns, now_ns)
            self._records.add(record)
            record.order = msgspec.structs.replace(said, origin=self._origin(event))
        else:
            self._join_halves(record, said)
        self._take(record, event, time_ns, late=late)
        self._records.index(record, alias=said.client_order_id)
        self._adopt(record)
        return self._settle(record, event)

    def fill(self, trade: TradeUpdate) -> list[AccountEvent]:
        """Join a fill and return it as it is to be told; what it does to its order is left to `tell`."""
        now_ns = self._tick(trade.time_received)
        if not self.is_news(trade):
            return []
        self._fills.tell(trade, now_ns)
        cost = cost_of(trade.price, trade.quantity, inverse=trade.instrument.inverse)
        record = self._records.by_ids(trade.instrument, trade.order_id, trade.client_order_id)
        if record is None:
            self._orphans.add(trade.instrument, trade.order_id, trade.quantity, cost)
            origin = trade.origin
            if (
                origin is OrderOrigin.FOREIGN
                and trade.client_order_id
                and self._is_own(trade.client_order_id)
            ):
                origin = OrderOrigin.OWN
            return [msgspec.structs.replace(trade, origin=origin)]
        record.count(trade.quantity, cost)
        self._raise(record)
        self._untold[id(record)] = record
        origin = record.order.origin if trade.origin is OrderOrigin.FOREIGN else trade.origin
        client_id = trade.client_order_id or record.order.client_order_id
        told = msgspec.structs.replace(trade, origin=origin, client_order_id=client_id)
        return [told, *self._compare(record, now_ns)]

    def tell(
        self, now_ns: int, *, time_ns: int | None = None, recovered: bool = True, closed: bool = False
    ) -> list[AccountEvent]:
        """Return what `fill` has changed of orders and nobody was told of.

        Args:
            now_ns: The time.
            time_ns: The venue's time of the change.
            recovered: Whether it was found by asking.
            closed: Whether only orders that are over are told of.
        """
        events: list[AccountEvent] = []
        for record in list(self._untold.values()):
            if not (closed and record.order.is_open):
                events += self._settle(record, self._note(record, now_ns, time_ns, recovered=recovered))
        return events

    def followed(self, now_ns: int, *, history_ns: int | None = None) -> None:
        """Note that all is known from here on: what orders had filled without known fills is history.

        Args:
            now_ns: The time.
            history_ns: The venue's time of the newest that the first snapshot knew: fills up to it that are
                found later are history too. It counts the first time.
        """
        self._tick(now_ns)
        if not self.following:
            self.following = True
            self._history_ns = now_ns if history_ns is None else history_ns
        for record in self._records:
            if record.baseline is None:
                record.baseline = EXACT.subtract(record.order.filled_quantity, record.known)
                record.based_ns = record.fact_ns

    # What is known.

    def get(
        self,
        instrument: Instrument,
        *,
        client_order_id: str = "",
        order_id: str = "",
        algo_id: str = "",
    ) -> Order | None:
        """Return what is known of an order, by any of its ids; None where it is not known."""
        record = self._records.by_ids(instrument, order_id, client_order_id, algo_id)
        return None if record is None else record.order

    def by_client_id(self, client_order_id: str) -> Order | None:
        """Return the newest order with a client order id, whatever its instrument."""
        record = self._records.own(client_order_id)
        return None if record is None else record.order

    def is_used(self, client_order_id: str) -> bool:
        """Tell whether a client order id is that of a known order."""
        return self._records.own(client_order_id) is not None

    def open_orders(self, instrument: Instrument | None = None) -> tuple[Order, ...]:
        """Return the orders that may still be filled, unknown ones too, oldest first."""
        return tuple(
            record.order
            for record in self._records.open
            if instrument is None or record.order.instrument == instrument
        )

    @property
    def unknown_orders(self) -> tuple[Order, ...]:
        """The orders of which nobody knows where they stand."""
        return tuple(order for order in self.open_orders() if order.status is OrderStatus.UNKNOWN)

    def recently_closed(self, since_ns: int = 0) -> tuple[Order, ...]:
        """Return the finished orders that are kept and ended (were known to) since a time, oldest first."""
        return tuple(r.order for r in self._records.closed if (r.closed_ns or 0) >= since_ns)

    def last_trade(self, instrument: Instrument, *, before_ns: int | None = None) -> LastTrade | None:
        """Return id and time of the last known fill, or of a late one of those before a time."""
        return self._fills.last(instrument, before_ns)

    def is_news(self, trade: TradeUpdate) -> bool:
        """Tell whether a fill is to be told: it was not before, and is no history.

        What is found by asking may be older than the account was followed. It is history where its order's
        figure was known with it then, or where the first snapshot of the account knew it.
        """
        if self._fills.is_told(trade):
            return False
        if not trade.recovered:
            return True
        record = self._records.by_ids(trade.instrument, trade.order_id, trade.client_order_id)
        if record is None:
            return self.following and time_of(trade) > self._history_ns
        if record.baseline is None:
            return False
        return not record.baseline or record.based_ns is None or time_of(trade) > record.based_ns

    def instruments(self) -> set[Instrument]:
        """Return the instruments of which orders or fills are known."""
        return {record.order.instrument for record in self._records} | self._fills.instruments()

    def seen_ns(self, order: Order) -> int | None:
        """Return when a known order was made or, where the venue did not say, first seen."""
        record = self._records.find(order)
        if record is None:
            return None
        return record.seen_ns if record.order.created_ns is None else record.order.created_ns

    def mismatches(self, now_ns: int | None = None, *, grace_ns: int = GRACE_NS) -> tuple[Order, ...]:
        """Return the orders of which the venue says that more was filled than the known fills add up to.

        Args:
            now_ns: The time; None for all of them.
            grace_ns: How long the fills may take to come.
        """
        return tuple(
            record.order
            for record in self._short.values()
            if now_ns is None or (record.short_ns or 0) + grace_ns <= now_ns
        )

    def report_mismatches(self, now_ns: int, *, grace_ns: int = GRACE_NS) -> list[AccountEvent]:
        """Return a `FillMismatch` for each of `mismatches` that was not reported yet."""
        events: list[AccountEvent] = []
        for record in self._short.values():
            if (record.short_ns or 0) + grace_ns > now_ns or record.reported:
                continue
            record.reported = True
            events.append(self._mismatch(record, now_ns, repaired=False))
        return events

    def __len__(self) -> int:
        """Return how many orders are kept, open and finished."""
        return len(self._records)

    # Inside.

    def _tick(self, now_ns: int) -> int:
        self._now = max(self._now, now_ns)
        return self._now

    def _note(
        self, record: Record, now_ns: int, time_ns: int | None = None, *, recovered: bool = False
    ) -> OrderUpdate:
        """Return the frame of an event that toucan tells of itself."""
        order = record.order
        return OrderUpdate(
            self._exchange,
            self._account,
            time_ns,
            now_ns,
            order=order,
            origin=order.origin,
            recovered=recovered,
        )

    def _concluded(self, record: Record, now_ns: int) -> list[AccountEvent]:
        """Tell of what this client did or concluded itself."""
        self._tick(now_ns)
        events = self._settle(record, self._note(record, now_ns))
        self._forget()
        return events

    def _origin(self, event: OrderUpdate) -> OrderOrigin:
        for origin in (event.origin, event.order.origin):
            if origin is not OrderOrigin.FOREIGN:
                return origin
        client_id = event.order.client_order_id
        return OrderOrigin.OWN if client_id and self._is_own(client_id) else OrderOrigin.FOREIGN

    def _filled(self, trade: TradeUpdate) -> list[AccountEvent]:
        """Take a fill as it comes.

        Its order is told of with the venue's own word on it, which comes with the fill; where that cannot
        be expected, at once.
        """
        events = self.fill(trade)
        if not events:
            return []
        at, recovered = trade.time_exchange, trade.recovered
        return events + self.tell(trade.time_received, time_ns=at, recovered=recovered, closed=not recovered)

    def _first_seen(self, said: Order, time_ns: int | None, now_ns: int) -> Record:
        """Make the record of an order that was not known; of one that was forgotten, all is history."""
        record = Record(said, now_ns)
        if said.status.is_final and self._records.is_forgotten(time_ns):
            record.baseline = said.filled_quantity
        elif self.following:
            record.baseline = ZERO
        return record

    def _join_halves(self, record: Record, said: Order) -> None:
        """Make one of a conditional order and the order that it has become, where both were known apart."""
        other = self._records.other_half(record, said)
        if other is None:
            return
        newer = (other.fact_ns or 0) >= (record.fact_ns or 0)
        half = msgspec.structs.replace(other.order, client_order_id="")
        record.order = merged(record.order, half, newer=newer)
        if other.venue is not None:
            record.venue = advance(record.venue, other.venue, more_filled=True)
        record.fact_ns = max(record.fact_ns or 0, other.fact_ns or 0)
        record.count(other.known, other.cost)
        if record.baseline is not None:
            record.baseline = EXACT.add(record.baseline, other.baseline or ZERO)
        self._records.replace(other, record)
        self._short.pop(id(other), None)
        self._untold.pop(id(other), None)

    def _take(self, record: Record, event: OrderUpdate, time_ns: int | None, *, late: bool) -> None:
        """Let a record take what a message says."""
        said = event.order
        if record.order.algo_id and not said.algo_id and record.order.client_order_id:
            # What a conditional order has become may have a client id of its own; its owner's stays.
            said = msgspec.structs.replace(said, client_order_id="")
        elif event.execution and record.has_had(said.client_order_id):
            # The event of an amendment goes by the id that the order had (facts E.2.3): no way back to it.
            said = msgspec.structs.replace(said, client_order_id="")
        newer = record.is_newer(said, time_ns) and not (late and time_ns == record.fact_ns)
        grown = said.filled_quantity > record.order.filled_quantity
        recovered = event.recovered or not event.execution
        record.resolve(said, time_ns, grown=grown, recovered=recovered, now_ns=event.time_received)
        record.venue = advance(record.venue, said.status, more_filled=grown)
        record.order = merged(record.order, said, newer=newer)
        if time_ns is not None:
            record.fact_ns = time_ns if record.fact_ns is None else max(record.fact_ns, time_ns)
        if record.order.origin is OrderOrigin.FOREIGN:
            record.order = msgspec.structs.replace(record.order, origin=self._origin(event))

    def _adopt(self, record: Record) -> None:
        """Count the fills that came before the order was known."""
        quantity, cost = self._orphans.take(record.order.instrument, record.order.order_id)
        if quantity:
            record.count(quantity, cost)
            self._raise(record)

    def _raise(self, record: Record) -> None:
        """Raise an order's figures to its known fills."""
        order = record.order
        total = EXACT.add(record.baseline or ZERO, record.known)
        grown = total > order.filled_quantity
        changes: dict[str, object] = {}
        if grown:
            changes |= {"filled_quantity": total, "average_price": None, "filled_quote": None}
            record.ours = None
            record.venue = advance(record.venue, OrderStatus.PARTIALLY_FILLED, more_filled=True)
        if (grown or order.average_price is None) and record.known == max(total, order.filled_quantity):
            average = average_of(record.known, record.cost, inverse=order.instrument.inverse)
            changes["average_price"] = average
        if changes:
            record.order = msgspec.structs.replace(order, **changes)

    def _settle(self, record: Record, event: OrderUpdate) -> list[AccountEvent]:
        """Bring a record's state up to date everywhere, and return what is news of it."""
        self._untold.pop(id(record), None)
        status = record.status
        updated = record.fact_ns if record.fact_ns is not None else record.order.updated_ns
        if status is not record.order.status or updated != record.order.updated_ns:
            record.order = msgspec.structs.replace(record.order, status=status, updated_ns=updated)
        self._records.sort(record, self._now)
        events: list[AccountEvent] = []
        if is_news(record.told, record.order):
            previous = None if record.told is None else record.told.status
            order = record.told = record.order
            events.append(msgspec.structs.replace(event, order=order, origin=order.origin, previous=previous))
        return events + self._compare(record, event.time_received)

    def _compare(self, record: Record, now_ns: int) -> list[AccountEvent]:
        """Compare what the venue says was filled with the known fills."""
        if record.is_short:
            if record.short_ns is None:
                record.short_ns = self._now
            self._short[id(record)] = record
            return []
        record.short_ns = None
        self._short.pop(id(record), None)
        if not record.reported:
            return []
        record.reported = False
        return [self._mismatch(record, now_ns, repaired=True)]

    def _mismatch(self, record: Record, now_ns: int, *, repaired: bool) -> FillMismatch:
        known = EXACT.add(record.baseline or ZERO, record.known)
        return FillMismatch(
            self._exchange,
            self._account,
            record.fact_ns,
            now_ns,
            order=record.order,
            known=known,
            repaired=repaired,
        )

    def _forget(self) -> None:
        self._fills.forget(self._now)
        for record in self._records.forget(self._now):
            self._short.pop(id(record), None)
            self._untold.pop(id(record), None)
