"""Finding out what became of a request that got no clear answer: pure.

A `Settlement` is made of an `Unknown` outcome. It says when and what to ask the venue, is told the answers
and the account's events, and comes to a `result`, or to none. The rules:

**That something was done** is believed at once, from a query or from the stream.

**That nothing was done** is believed only when all of this holds:

- at least three queries, the last of them ten seconds after the first or more, found no trace of it;
- the last of them was answered at a venue's time more than ten seconds past the request's timestamp plus its
  receive window (`Unknown.expires_ns`): later than that the venue would not take it;
- the account's stream was in sync throughout these ten seconds, and told nothing of it. A loss starts the
  count again: queries then still find what was done, and count for nothing else.

A query that fails counts for nothing. What is found may be:

- **place**: the order, by its client order id. Whatever its state it was accepted, with two exceptions: one
  that the venue rejected, and a post-only one that expired without a fill, are `Rejected` with their final
  state. An order made more than a minute before the request is another one that had the same id. No trace:
  `Reason.NEVER_MADE`.
- **cancel**: an order that is cancelled was cancelled by the request: `Accepted` with the final order. One
  that ended otherwise, or before the request was sent, is `Reason.ALREADY_CLOSED` with its final state. One
  still open is the lack of a trace; that the cancel was never done is retryable. One that the venue does not
  know at all, likewise: `Reason.UNKNOWN_ORDER`.
  A conditional order that was triggered meanwhile is followed to the order that it has become.
- **amend**: an order with the price and the quantity (and on spot the new id) that were asked for:
  `Accepted`, also when it is over by then. One that is over without them: `Reason.ALREADY_CLOSED`. One that
  is open without them is the lack of a trace; that it was never amended is retryable.
- **cancel and replace**: both halves, each by its own rule; see `Settlement.halves`. The whole is accepted
  where both are. Where the cancel was not done and the new order was never made, and the request was to stop
  there, the new order is `Reason.NOT_ATTEMPTED`.
- **a list**: any of its orders that was not rejected, or the venue's word on the list by its client id. The
  venue makes all of the orders or none (facts D.1.9): no trace of any is `Reason.NEVER_MADE`.
"""

from __future__ import annotations

import msgspec

from toucan_execution._judges import AmendJudge, CancelJudge, Judge, PlaceJudge, Target
from toucan_execution.errors import UnknownOrder
from toucan_execution.events import AccountEvent, OrderListUpdate, OrderUpdate
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    Order,
    OrderList,
    OrderListRequest,
    OrderRequest,
    OrderStatus,
)
from toucan_execution.outcome import Accepted, Outcome, Reason, Rejected, ReplaceOutcome, Unknown
from toucan_instrument.errors import ToucanError, VenueError

__all__ = ["Settlement", "Target"]

SECOND = 1_000_000_000
FIRST_NS = SECOND
"""The stream has the first word: it is the quickest, and costs nothing."""
PAUSES_NS = (2 * SECOND, 3 * SECOND)
PAUSE_NS = 5 * SECOND
NOBODY_KNOWS = frozenset({OrderStatus.OPEN_IN_FLIGHT, OrderStatus.UNKNOWN})
"""States that say nothing of what the venue has."""


class Settlement:
    """What is being found out about one unknown outcome.

    Ask for `target` when `next_query_at` has come, and give the answer to `on_query`; give all events of the
    account to `on_event`.

    Args:
        unknown: The outcome.
        now_ns: The time.
        synced: Whether the account's stream is in sync.
        known: What is known of the order that is cancelled or amended, None for nothing.
    """

    def __init__(self, unknown: Unknown, *, now_ns: int, synced: bool, known: Order | None = None) -> None:
        self._unknown = unknown
        self._synced = synced
        self._judges = _judges_of(unknown, known)
        self._due_ns = now_ns + FIRST_NS
        self._rounds = 0
        self._turn = 0
        self._list: Accepted | Rejected | None = None

    @property
    def result(self) -> Accepted | Rejected | None:
        """What became of it, None while that is not known."""
        if self._list is not None:
            return self._list
        results = [judge.result for judge in self._judges]
        if isinstance(self._unknown.intent, OrderListRequest):
            return _of_list(self._unknown, results)
        if isinstance(self._unknown.intent, CancelReplaceRequest):
            halves = self.halves
            return None if halves is None else _of_halves(self._unknown, halves)
        return results[0]

    @property
    def halves(self) -> ReplaceOutcome | None:
        """What became of the two halves of a cancel-replace; None while not both are known."""
        intent = self._unknown.intent
        if not isinstance(intent, CancelReplaceRequest):
            return None
        cancel, place = (judge.result for judge in self._judges)
        if cancel is None or place is None:
            return None
        stopped = isinstance(cancel, Rejected) and intent.stop_on_failure
        if stopped and isinstance(place, Rejected) and place.reason is Reason.NEVER_MADE:
            place = _not_attempted(place)
        return ReplaceOutcome(cancel=cancel, place=place)

    @property
    def target(self) -> Target | None:
        """What to ask the venue for next, None when all is known."""
        judge = self._next()
        return None if judge is None or self.result is not None else judge.target

    def next_query_at(self, now_ns: int) -> int | None:
        """Return when to ask for `target`: the time itself if that is now, None when all is known."""
        return None if self.target is None else max(self._due_ns, now_ns)

    def on_query(self, found: Order | ToucanError, server_ns: int | None, now_ns: int) -> None:
        """Take what the venue answered to the question for `target`.

        Args:
            found: The order, or the error; `UnknownOrder` says that there is none.
            server_ns: The venue's time at the answer, None where it is not known.
            now_ns: The time, by the clock of `next_query_at`.
        """
        judge = self._next()
        if judge is None:
            return
        wait_ns = 0
        if isinstance(found, Order):
            traced = judge.look(found, now_ns if server_ns is None else server_ns)
        else:
            traced = not isinstance(found, UnknownOrder) or judge.look_elsewhere()
            wait_ns = found.retry_after_ns if isinstance(found, VenueError) else 0
        if not traced and self._synced:
            judge.no_trace(server_ns, now_ns, known=isinstance(found, Order))
        self._turn += 1
        if any(other.result is None for other in self._judges[self._turn :]):
            self._due_ns = now_ns + wait_ns  # the others of this round, at once
            return
        pause = PAUSES_NS[self._rounds] if self._rounds < len(PAUSES_NS) else PAUSE_NS
        self._turn, self._rounds = 0, self._rounds + 1
        self._due_ns = now_ns + max(pause, wait_ns)

    def on_event(self, event: AccountEvent) -> None:
        """Take an event of the account: as the venue told it, or as the view passed it on."""
        if isinstance(event, OrderListUpdate):
            self._take_list(event)
        if not isinstance(event, OrderUpdate) or event.order.status in NOBODY_KNOWS:
            return
        for judge in self._judges:
            if judge.result is None and judge.fits(event.order):
                judge.look(event.order, event.time_received)

    def on_out_of_sync(self) -> None:
        """Note that the account's stream is not in sync: what was not found until now proves nothing."""
        self._synced = False
        for judge in self._judges:
            judge.start_again()

    def on_synced(self) -> None:
        """Note that the account's stream is in sync again."""
        self._synced = True

    # Inside.

    def _next(self) -> Judge | None:
        """Return whose question is next: each in turn, but those that have their answer."""
        open_ones = [number for number, judge in enumerate(self._judges) if judge.result is None]
        if not open_ones:
            return None
        self._turn = next((number for number in open_ones if number >= self._turn), open_ones[0])
        return self._judges[self._turn]

    def _take_list(self, event: OrderListUpdate) -> None:
        intent, found = self._unknown.intent, event.order_list
        if not isinstance(intent, OrderListRequest) or self.result is not None:
            return
        if found.instrument == intent.instrument and found.client_list_id == intent.client_list_id:
            self._list = _listed(self._unknown, found, event)


def _judges_of(unknown: Unknown, known: Order | None) -> list[Judge]:
    intent = unknown.intent
    if isinstance(intent, OrderRequest):
        return [PlaceJudge(unknown, intent)]
    if isinstance(intent, CancelRequest):
        return [CancelJudge(unknown, intent, known)]
    if isinstance(intent, AmendRequest):
        return [AmendJudge(unknown, intent, known)]
    if isinstance(intent, CancelReplaceRequest):
        return [CancelJudge(unknown, intent.cancel, known), PlaceJudge(unknown, intent.place)]
    return [PlaceJudge(unknown, leg) for leg in intent.orders]


def _listed(unknown: Unknown, found: OrderList, event: OrderListUpdate) -> Accepted | Rejected:
    if found.status != "REJECT":
        return Accepted(
            intent=unknown.intent,
            client_order_id=unknown.client_order_id,
            order_list=found,
            route=unknown.route,
            received_ns=event.time_received,
        )
    return Rejected(
        intent=unknown.intent,
        client_order_id=unknown.client_order_id,
        reason=Reason.OTHER,
        message=event.reason or "the venue rejected the list",
        sent=True,
        route=unknown.route,
    )


def _of_list(unknown: Unknown, results: list[Accepted | Rejected | None]) -> Accepted | Rejected | None:
    """Return what became of a list, by what became of its orders."""
    for result in results:
        if isinstance(result, Accepted):
            return _as(unknown, result)
    last = results[-1] if results else None
    if any(result is None for result in results) or last is None:
        return None
    return _as(unknown, last)


def _of_halves(unknown: Unknown, halves: ReplaceOutcome) -> Accepted | Rejected | None:
    """Return what became of the whole: the half that failed, the cancel first; the new order if none did."""
    outcomes: list[Outcome] = [halves.cancel, halves.place]
    for half in outcomes:
        if isinstance(half, Rejected):
            return _as(unknown, half)
    return _as(unknown, halves.place) if isinstance(halves.place, Accepted) else None


def _as(unknown: Unknown, result: Accepted | Rejected) -> Accepted | Rejected:
    """Return a part's result as the whole's."""
    return msgspec.structs.replace(result, intent=unknown.intent, client_order_id=unknown.client_order_id)


def _not_attempted(place: Rejected) -> Rejected:
    return msgspec.structs.replace(
        place,
        reason=Reason.NOT_ATTEMPTED,
        message="the cancel was not done, and the new order was not to be placed then",
    )
