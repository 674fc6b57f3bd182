"""What a venue's word on an order says of a request that was sent: one judge for each kind of request."""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec

from toucan_execution.orders import (
    AmendRequest,
    CancelRequest,
    Intent,
    Order,
    OrderRequest,
    OrderStatus,
)
from toucan_execution.outcome import Accepted, Reason, Rejected, Unknown
from toucan_instrument import Instrument
from toucan_instrument.plain import Plain

SECOND = 1_000_000_000
QUERIES = 3
SPREAD_NS = 10 * SECOND
LATE_NS = 10 * SECOND
"""So long after a request's last moment the venue takes it no more, and its copies have caught up."""
ANOTHER_NS = 60 * SECOND
"""An order made so long before the request is another one."""
CLOCK_NS = SECOND
"""How far the venue's clock may be from what is thought of it."""


class Target(Plain, frozen=True, kw_only=True):
    """Which order a venue is asked for.

    Attributes:
        instrument: Of which.
        client_order_id: Its own id, empty with `order_id`.
        order_id: The venue's id, empty with `client_order_id`.
        conditional: Whether it is a conditional order that was not triggered; None where it is not known.
    """

    instrument: Instrument
    client_order_id: str = ""
    order_id: str = ""
    conditional: bool | None = None

    def fits(self, order: Order) -> bool:
        """Tell whether an order is the one."""
        if order.instrument != self.instrument:
            return False
        by_id = bool(self.order_id) and self.order_id in (order.order_id, order.algo_id)
        return by_id or (bool(self.client_order_id) and self.client_order_id == order.client_order_id)


class Judge(ABC):
    """Judges one order.

    Attributes:
        target: Which.
        result: What became of the request, None while that is not known.
    """

    def __init__(self, unknown: Unknown, intent: Intent, client_order_id: str, target: Target) -> None:
        self.target: Target = target
        self.result: Accepted | Rejected | None = None
        self._unknown = unknown
        self._intent = intent
        self._client_order_id = client_order_id
        self._first_ns: int | None = None
        self._count = 0

    @abstractmethod
    def look(self, order: Order, now_ns: int) -> bool:
        """Judge an order that was found; return whether it shows a trace of the request."""

    @abstractmethod
    def absent(self, *, known: bool) -> Rejected:
        """Return what follows if no trace was found.

        Args:
            known: Whether the venue knows the order at all.
        """

    def fits(self, order: Order) -> bool:
        """Tell whether an order is the one."""
        return self.target.fits(order)

    def look_elsewhere(self) -> bool:
        """Return whether the order, not known by its id, may be known by another one; ask for that next."""
        return False

    def no_trace(self, server_ns: int | None, now_ns: int, *, known: bool) -> None:
        """Count a query that found no trace; conclude when there were enough of them."""
        self._count += 1
        if self._first_ns is None:
            self._first_ns = now_ns
        enough = self._count >= QUERIES and now_ns - self._first_ns >= SPREAD_NS
        late = server_ns is not None and server_ns > self._unknown.expires_ns + LATE_NS
        if enough and late and self.result is None:
            self.result = self.absent(known=known)

    def start_again(self) -> None:
        """Forget what was counted."""
        self._count, self._first_ns = 0, None

    def _accepted(self, order: Order, now_ns: int) -> Accepted:
        return Accepted(
            intent=self._intent,
            client_order_id=self._client_order_id,
            order=order,
            route=self._unknown.route,
            received_ns=now_ns,
        )

    def _rejected(
        self, reason: Reason, message: str, *, final: Order | None = None, retryable: bool = False
    ) -> Rejected:
        return Rejected(
            intent=self._intent,
            client_order_id=self._client_order_id,
            reason=reason,
            message=message,
            sent=True,
            retryable=retryable,
            final=final,
            route=self._unknown.route,
        )


class PlaceJudge(Judge):
    """Judges whether an order was made."""

    def __init__(self, unknown: Unknown, request: OrderRequest) -> None:
        conditional = None if request.type.is_conditional else False
        target = Target(
            instrument=request.instrument,
            client_order_id=request.client_order_id,
            conditional=conditional,
        )
        super().__init__(unknown, request, request.client_order_id, target)
        self._post_only = request.post_only

    def look(self, order: Order, now_ns: int) -> bool:
        """An order that is there was accepted, unless the venue rejected it."""
        made_ns = order.created_ns
        if made_ns is not None and made_ns < self._unknown.sent_ns - ANOTHER_NS:
            return False
        unfilled = not order.filled_quantity
        if order.status is OrderStatus.REJECTED and unfilled:
            message = order.reason or "the venue rejected it"
            self.result = self._rejected(Reason.OTHER, message, final=order)
        elif order.status is OrderStatus.EXPIRED and unfilled and self._post_only:
            message = order.reason or "a post-only order that would have matched"
            self.result = self._rejected(Reason.WOULD_TAKE, message, final=order)
        else:
            self.result = self._accepted(order, now_ns)
        return True

    def absent(self, *, known: bool) -> Rejected:
        """It was never made."""
        del known
        message = "the venue never had the order"
        return self._rejected(Reason.NEVER_MADE, message, retryable=True)


class CancelJudge(Judge):
    """Judges whether an order was cancelled."""

    def __init__(self, unknown: Unknown, request: CancelRequest, known: Order | None) -> None:
        client_id = request.client_order_id or (known.client_order_id if known is not None else "")
        target = _named(request.instrument, client_id, request.order_id, request.conditional, known)
        super().__init__(unknown, request, client_id, target)

    def look(self, order: Order, now_ns: int) -> bool:
        """An order that was cancelled after the request was sent was cancelled by it."""
        if order.is_open:
            return self._follow(order)
        ended_ns = order.updated_ns
        before = ended_ns is not None and ended_ns < self._unknown.sent_ns - CLOCK_NS
        if order.status is OrderStatus.CANCELLED and not before:
            self.result = self._accepted(order, now_ns)
        else:
            message = f"the order was over: {order.status.value}"
            self.result = self._rejected(Reason.ALREADY_CLOSED, message, final=order)
        return True

    def _follow(self, order: Order) -> bool:
        """Ask for what a conditional order has become, once it is triggered; tell whether it was."""
        if not (order.algo_id and order.order_id) or self.target.order_id == order.order_id:
            return False
        self.target = Target(instrument=order.instrument, order_id=order.order_id, conditional=False)
        self.start_again()
        return True

    def absent(self, *, known: bool) -> Rejected:
        """It was never done."""
        if known:
            message = "the cancel was never done: the order is still open"
            return self._rejected(Reason.NEVER_MADE, message, retryable=True)
        return self._rejected(Reason.UNKNOWN_ORDER, "the venue knows no such order")


class AmendJudge(Judge):
    """Judges whether an order was changed."""

    def __init__(self, unknown: Unknown, request: AmendRequest, known: Order | None) -> None:
        client_id = request.client_order_id or (known.client_order_id if known is not None else "")
        target = _named(request.instrument, client_id, request.order_id, False, known)
        super().__init__(unknown, request, client_id, target)
        self._request = request
        self._elsewhere = request.amend_id if not target.order_id else ""

    def look(self, order: Order, now_ns: int) -> bool:
        """An order that is as it was asked to be was changed."""
        asked = self._request
        changed = asked.quantity in (None, order.quantity) and asked.price in (None, order.price)
        if changed:
            self.result = self._accepted(order, now_ns)
            return True
        if order.is_open:
            return False
        message = f"the order was over before it was changed: {order.status.value}"
        self.result = self._rejected(Reason.ALREADY_CLOSED, message, final=order)
        return True

    def fits(self, order: Order) -> bool:
        """Tell whether an order is the one, by its old id or by its new one."""
        new_id = self._request.amend_id
        renamed = bool(new_id) and order.client_order_id == new_id
        return self.target.fits(order) or (renamed and order.instrument == self.target.instrument)

    def look_elsewhere(self) -> bool:
        """Look under the new id next, and under the old one after that."""
        if not self._elsewhere:
            return False
        new, self._elsewhere = self._elsewhere, self.target.client_order_id
        self.target = msgspec.structs.replace(self.target, client_order_id=new)
        return new == self._request.amend_id

    def absent(self, *, known: bool) -> Rejected:
        """It was never done."""
        if known:
            message = "the order was never changed: it is open as it was"
            return self._rejected(Reason.NEVER_MADE, message, retryable=True)
        return self._rejected(Reason.UNKNOWN_ORDER, "the venue knows no such order")


def _named(
    instrument: Instrument,
    client_id: str,
    order_id: str,
    conditional: bool | None,  # noqa: FBT001 - handed on
    known: Order | None,
) -> Target:
    """Return which order is meant; by the venue's id where there is one: that stays when others change."""
    order_id = order_id or (known.order_id if known is not None else "")
    if conditional is None and known is not None:
        conditional = bool(known.algo_id) and not known.order_id
    return Target(
        instrument=instrument,
        client_order_id="" if order_id else client_id,
        order_id=order_id,
        conditional=conditional,
    )
