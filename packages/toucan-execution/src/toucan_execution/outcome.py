"""What became of an order, a change or a cancel: accepted, rejected, or not known.

A request that was sent and has no clear answer is `Unknown`. It is never reported as a failure and never
sent again: ``await client.settle(outcome)`` finds out. Where a request failed for certain, `Rejected` says
why, and whether anything was sent.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from toucan_execution.errors import (
    AlreadyClosed,
    AmendRefused,
    AuthenticationError,
    DuplicateClientId,
    EndpointGone,
    FilterViolated,
    InsufficientBalance,
    MarketClosed,
    OrderRejected,
    ParameterRefused,
    PositionSideMismatch,
    ReduceOnlyRejected,
    TimestampRefused,
    TooManyOpenOrders,
    UnknownOrder,
    VenueUnavailable,
    WouldTakeLiquidity,
    WouldTriggerImmediately,
)
from toucan_execution.events import TradeUpdate
from toucan_execution.orders import Intent, Order, OrderList
from toucan_instrument import Violation
from toucan_instrument.errors import AddressBanned, RateLimited, ToucanError, VenueError
from toucan_instrument.plain import Plain

__all__ = [
    "ERRORS",
    "Accepted",
    "Outcome",
    "Reason",
    "Rejected",
    "ReplaceOutcome",
    "Route",
    "Unknown",
]


class Route(StrEnum):
    """Which way a request went."""

    REST = "rest"
    WEBSOCKET = "websocket"
    NONE = "none"
    """It was not sent."""


class Reason(StrEnum):
    """Why something was rejected, in one set of words for all venues."""

    ALREADY_CLOSED = "already_closed"
    AMEND_REFUSED = "amend_refused"
    AUTHENTICATION = "authentication"
    BANNED = "banned"
    DUPLICATE_ID = "duplicate_id"
    ENDPOINT_GONE = "endpoint_gone"
    FILTER = "filter"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    MARKET_CLOSED = "market_closed"
    NEVER_MADE = "never_made"
    """An unknown outcome was settled: the venue never had the order."""
    NOT_ATTEMPTED = "not_attempted"
    """The new order of a cancel-replace whose cancel failed."""
    NOT_SENT = "not_sent"
    """No connection could be had; nothing left this machine."""
    NOT_SYNCED = "not_synced"
    OTHER = "other"
    PARAMETER = "parameter"
    POSITION_SIDE = "position_side"
    RATE_LIMITED = "rate_limited"
    REDUCE_ONLY = "reduce_only"
    STALLED = "stalled"
    TIMESTAMP = "timestamp"
    TOO_MANY_ORDERS = "too_many_orders"
    UNAVAILABLE = "unavailable"
    UNKNOWN_ORDER = "unknown_order"
    WOULD_TAKE = "would_take"
    WOULD_TRIGGER = "would_trigger"


ERRORS: dict[Reason, type[VenueError]] = {
    Reason.ALREADY_CLOSED: AlreadyClosed,
    Reason.AMEND_REFUSED: AmendRefused,
    Reason.AUTHENTICATION: AuthenticationError,
    Reason.BANNED: AddressBanned,
    Reason.DUPLICATE_ID: DuplicateClientId,
    Reason.ENDPOINT_GONE: EndpointGone,
    Reason.FILTER: FilterViolated,
    Reason.INSUFFICIENT_BALANCE: InsufficientBalance,
    Reason.MARKET_CLOSED: MarketClosed,
    Reason.OTHER: OrderRejected,
    Reason.PARAMETER: ParameterRefused,
    Reason.POSITION_SIDE: PositionSideMismatch,
    Reason.RATE_LIMITED: RateLimited,
    Reason.REDUCE_ONLY: ReduceOnlyRejected,
    Reason.TIMESTAMP: TimestampRefused,
    Reason.TOO_MANY_ORDERS: TooManyOpenOrders,
    Reason.UNAVAILABLE: VenueUnavailable,
    Reason.UNKNOWN_ORDER: UnknownOrder,
    Reason.WOULD_TAKE: WouldTakeLiquidity,
    Reason.WOULD_TRIGGER: WouldTriggerImmediately,
}
"""The error of each reason that a venue may give."""


class Accepted(Plain, frozen=True, kw_only=True):
    """The venue has done it.

    Attributes:
        intent: What was asked for, with the client order id that it was sent with.
        client_order_id: The order's own id.
        order: What the answer said of the order, None where it said nothing.
        fills: The fills that the answer told of; they come over the account's stream too, once.
        order_list: The list, for order lists.
        route: Which way it went.
        received_ns: When the answer was received.
        changed: Whether the venue changed anything; False where it was as asked for already.
    """

    intent: Intent
    client_order_id: str
    order: Order | None = None
    fills: tuple[TradeUpdate, ...] = ()
    order_list: OrderList | None = None
    route: Route = Route.REST
    received_ns: int = 0
    changed: bool = True


class Rejected(Plain, frozen=True, kw_only=True):
    """Nothing was done, for certain.

    Attributes:
        intent: What was asked for.
        client_order_id: The order's own id.
        reason: Why.
        message: Why, in words: the venue's, or ours where it was never sent.
        sent: Whether it was sent to the venue.
        retryable: Whether the same request may pass later, unchanged.
        retry_after_ns: How long to wait before that, where the venue says so.
        violations: The trading rules that it breaks, each with limit, given and nearest legal value.
        error: The typed error behind it, with code, status and limits; None where there is none.
        final: The order's last state, where it is over (`Reason.ALREADY_CLOSED`).
        route: Which way it went.
    """

    intent: Intent
    client_order_id: str
    reason: Reason
    message: str
    sent: bool
    retryable: bool = False
    retry_after_ns: int = 0
    violations: tuple[Violation, ...] = ()
    error: ToucanError | None = None
    final: Order | None = None
    route: Route = Route.NONE


class Unknown(Plain, frozen=True, kw_only=True):
    """It was sent, and nobody knows what became of it. It counts as open everywhere until it is settled.

    Attributes:
        intent: What was asked for, with the client order id that it was sent with.
        client_order_id: The order's own id.
        sent_ns: When it was sent, nanoseconds since the epoch, by the venue's clock as far as it is known.
        expires_ns: When the venue stops accepting it: its timestamp and its receive window.
        cause: What happened.
        error: The typed error behind it, None where there is none.
        route: Which way it went.
    """

    intent: Intent
    client_order_id: str
    sent_ns: int
    expires_ns: int
    cause: str
    error: ToucanError | None = None
    route: Route = Route.REST


Outcome: TypeAlias = Accepted | Rejected | Unknown
"""What became of a request."""


class ReplaceOutcome(Plain, frozen=True, kw_only=True):
    """What became of the two halves of a cancel-replace.

    Attributes:
        cancel: Of the cancel.
        place: Of the new order; `Reason.NOT_ATTEMPTED` where it was not tried.
    """

    cancel: Outcome
    place: Outcome
