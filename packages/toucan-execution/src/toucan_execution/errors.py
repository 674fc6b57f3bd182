"""What goes wrong with an account or an order, on top of the tree that both halves share.

    ToucanError                     toucan_instrument: whatever toucan raises on purpose
    └── ExecutionError              this package's
        ├── ConfigError             also InvalidInput: field, value, accepted
        ├── NotSynced               the view of the account is not known to be right
        ├── AuthenticationError     also VenueError: key, signature or permission refused
        ├── UnknownOrder            also VenueError: the venue knows no such order
        └── OrderRejected           also VenueError: the venue refused the order
            ├── DuplicateClientId
            ├── FilterViolated
            ├── InsufficientBalance
            ├── ReduceOnlyRejected
            └── WouldTakeLiquidity

Lost connections (`LinkError`), requests without an answer (`RequestFailed`), exhausted limits
(`RateLimited`, `AddressBanned`) and undecodable answers (`PayloadError`) are the same for both
halves and stay toucan_instrument's. An order whose fate is not known is no exception: that will be
an outcome, since nothing may be concluded from it.
"""

from __future__ import annotations

from toucan_instrument.errors import InvalidInput, ToucanError, VenueError

__all__ = [
    "AuthenticationError",
    "ConfigError",
    "DuplicateClientId",
    "ExecutionError",
    "FilterViolated",
    "InsufficientBalance",
    "NotSynced",
    "OrderRejected",
    "ReduceOnlyRejected",
    "UnknownOrder",
    "WouldTakeLiquidity",
]


class ExecutionError(ToucanError):
    """The root of what toucan_execution adds: catch it for whatever only this half raises."""


class ConfigError(InvalidInput, ExecutionError):
    """A client's configuration cannot be used; `field`, `value` and `accepted` say why.

    Leaving out the environment (live, testnet, demo) is one such: it has no default, so that live
    trading is always chosen by name.
    """


class NotSynced(ExecutionError):
    """The view of the account is not known to be right, and nobody asked to see it regardless."""


class AuthenticationError(VenueError, ExecutionError):
    """The venue refused who asks: an unknown key, a wrong signature, a missing permission."""


class UnknownOrder(VenueError, ExecutionError):
    """The venue says that it knows no such order. That alone never proves that none was made."""


class OrderRejected(VenueError, ExecutionError):
    """The venue refused an order, a change or a cancel; nothing was done."""


class DuplicateClientId(OrderRejected):
    """An order with this client order id exists already."""


class FilterViolated(OrderRejected):
    """The venue's trading rules forbid the price, the quantity or their product."""


class InsufficientBalance(OrderRejected):
    """The account has too little free balance or margin for the order."""


class ReduceOnlyRejected(OrderRejected):
    """A reduce-only order would have opened or enlarged a position."""


class WouldTakeLiquidity(OrderRejected):
    """A post-only order would have matched at once."""
