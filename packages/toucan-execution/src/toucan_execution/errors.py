"""What goes wrong with an account or an order, on top of the tree that both halves share.

    ToucanError                        toucan_instrument: whatever toucan raises on purpose
    └── ExecutionError                 this package's
        ├── ConfigError                also InvalidInput: field, value, accepted
        ├── NotSynced                  the view of the account is not known to be right
        ├── Stalled                    a reader of the account's stream has fallen too far behind
        ├── Incomplete                 a history ended early; what was got, and where it stopped
        ├── ClientClosed               the client was closed
        ├── AuthenticationError        also VenueError: key, signature or permission refused
        ├── TimestampRefused           also VenueError: the request was too old, or ahead of the venue
        ├── EndpointGone               also VenueError: the venue has withdrawn it; says what to use
        ├── VenueUnavailable           also VenueError: refused for certain, the same may pass later
        ├── UnknownOrder               also VenueError: the venue knows no such order
        └── OrderRejected              also VenueError: the venue refused the order
            ├── AlreadyClosed          ├── MarketClosed
            ├── AmendRefused           ├── ParameterRefused
            ├── DuplicateClientId      ├── PositionSideMismatch
            ├── FilterViolated         ├── ReduceOnlyRejected
            ├── InsufficientBalance    ├── TooManyOpenOrders
            ├── WouldTakeLiquidity     └── WouldTriggerImmediately

Lost connections (`LinkError`), requests without an answer (`RequestFailed`), exhausted limits
(`RateLimited`, `AddressBanned`) and undecodable answers (`PayloadError`) are the same for both
halves and stay toucan_instrument's. An order whose fate is not known is no exception: it is an outcome
(`toucan_execution.outcome.Unknown`), since nothing may be concluded from it.
"""

from __future__ import annotations

from typing import Any

from toucan_instrument.errors import InvalidInput, ToucanError, VenueError

__all__ = [
    "AlreadyClosed",
    "AmendRefused",
    "AuthenticationError",
    "ClientClosed",
    "ConfigError",
    "DuplicateClientId",
    "EndpointGone",
    "ExecutionError",
    "FilterViolated",
    "Incomplete",
    "InsufficientBalance",
    "MarketClosed",
    "NotSynced",
    "OrderRejected",
    "ParameterRefused",
    "PositionSideMismatch",
    "ReduceOnlyRejected",
    "Stalled",
    "TimestampRefused",
    "TooManyOpenOrders",
    "UnknownOrder",
    "VenueUnavailable",
    "WouldTakeLiquidity",
    "WouldTriggerImmediately",
]


class ExecutionError(ToucanError):
    """The root of what toucan_execution adds: catch it for whatever only this half raises."""


class ConfigError(InvalidInput, ExecutionError):
    """A client's configuration cannot be used; `field`, `value` and `accepted` say why.

    Leaving out the environment (live, testnet, demo) is one such: it has no default, so that live
    trading is always chosen by name. A secret never stands in `value`.
    """


class NotSynced(ExecutionError):
    """The view of the account is not known to be right, and nobody asked to see it regardless."""


class Stalled(ExecutionError):
    """A reader of the account's stream has fallen too far behind: only cancels pass until it reads."""


class Incomplete(ExecutionError):
    """A history could not be fetched to its end.

    Attributes:
        what: What was asked for.
        got: What was fetched, in order: all of it up to `stopped_at_ns`.
        stopped_at_ns: Up to which time, nanoseconds since the epoch, the history is complete.
        error: What ended it.
    """

    def __init__(self, what: str, *, got: tuple[Any, ...], stopped_at_ns: int, error: ToucanError) -> None:
        """Name what is missing, and what is there."""
        self.what = what
        self.got = got
        self.stopped_at_ns = stopped_at_ns
        self.error = error
        super().__init__(f"{what}: complete up to {stopped_at_ns} ({len(got)} rows), then: {error}")

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.what,), {"got": self.got, "stopped_at_ns": self.stopped_at_ns, "error": self.error}


class ClientClosed(ExecutionError):
    """The client was closed, or a fault of ours has ended it (then that is its cause)."""


class AuthenticationError(VenueError, ExecutionError):
    """The venue refused who asks: an unknown key, a wrong signature, a missing permission."""


class TimestampRefused(VenueError, ExecutionError):
    """The request came after its receive window, or its time was ahead of the venue's."""


class EndpointGone(VenueError, ExecutionError):
    """The venue has withdrawn what was asked for (410); the message says what to use instead."""


class VenueUnavailable(VenueError, ExecutionError):
    """The venue refused for certain, for a reason of its own: the same request may pass later."""


class UnknownOrder(VenueError, ExecutionError):
    """The venue says that it knows no such order. That alone never proves that none was made."""


class OrderRejected(VenueError, ExecutionError):
    """The venue refused an order, a change or a cancel; nothing was done."""


class AlreadyClosed(OrderRejected):
    """The order is over already: it was filled, cancelled or has expired."""


class AmendRefused(OrderRejected):
    """The order cannot be changed like that."""


class DuplicateClientId(OrderRejected):
    """An order with this client order id exists already."""


class FilterViolated(OrderRejected):
    """The venue's trading rules forbid the price, the quantity or their product."""


class InsufficientBalance(OrderRejected):
    """The account has too little free balance or margin for the order."""


class MarketClosed(OrderRejected):
    """The instrument is not being traded, or not for this account."""


class ParameterRefused(OrderRejected):
    """A parameter, or a combination of them, is not accepted."""


class PositionSideMismatch(OrderRejected):
    """The order's position side does not fit the account's position mode."""


class ReduceOnlyRejected(OrderRejected):
    """A reduce-only order would have opened or enlarged a position."""


class TooManyOpenOrders(OrderRejected):
    """As many orders as are allowed are open already."""


class WouldTakeLiquidity(OrderRejected):
    """A post-only order would have matched at once."""


class WouldTriggerImmediately(OrderRejected):
    """A conditional order's trigger is on the wrong side of the price."""
