"""What spot answers where the engine refuses something: its codes and texts (facts C.9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from toucan_execution.mock import Done, Refused, Result
from toucan_execution.orders import ListKind
from toucan_execution.outcome import Reason
from toucan_execution.testing.sandbox.errors import ApiError, bad_symbol
from toucan_instrument import Violation
from toucan_instrument.errors import InvalidInput, UnknownSymbol

__all__ = [
    "BAD_COMBINATION",
    "CLIENT_ID_MISMATCH",
    "FAILED",
    "NO_SUCH_ORDER",
    "PARTLY_FAILED",
    "RELATION",
    "UNKNOWN_ORDER",
    "accepted",
    "accepted_amend",
    "accepted_cancel",
    "both_or_neither",
    "filter_failure",
    "neither_sent",
    "not_required",
    "not_valid",
    "speaking",
    "too_precise",
    "unsupported",
]

REJECTED, NOT_CANCELLED, NOT_AMENDED = -2010, -2011, -2038
FILTERED = -1013
PARTLY_FAILED, FAILED = -2021, -2022

RELATION = "The relationship of the prices for the orders is not correct."
UNKNOWN_ORDER = "Unknown order sent."
NO_SUCH_ORDER = "Order does not exist."
CLIENT_ID_MISMATCH = "Client order ID is not correct for this order ID."
BAD_COMBINATION = "Combination of optional parameters invalid."
CLOSED = "Market is closed."
ACCOUNT_CLOSED = "This account may not place or cancel orders."
AMEND_REFUSED = "The request to amend an order has been rejected."

FILTERS: dict[str, str] = {  # facts C.3.2, by the name of the rule
    "tick_size": "PRICE_FILTER",
    "min_price": "PRICE_FILTER",
    "max_price": "PRICE_FILTER",
    "percent_price": "PERCENT_PRICE_BY_SIDE",
    "above_zero": "LOT_SIZE",
    "step_size": "LOT_SIZE",
    "min_quantity": "LOT_SIZE",
    "max_quantity": "LOT_SIZE",
    "market_step_size": "MARKET_LOT_SIZE",
    "market_min_quantity": "MARKET_LOT_SIZE",
    "market_max_quantity": "MARKET_LOT_SIZE",
    "min_notional": "NOTIONAL",
    "max_notional": "NOTIONAL",
    "iceberg_parts": "ICEBERG_PARTS",
    "max_orders": "MAX_NUM_ORDERS",
    "max_algo_orders": "MAX_NUM_ALGO_ORDERS",
    "max_account_algo_orders": "EXCHANGE_MAX_NUM_ALGO_ORDERS",
    "max_position": "MAX_POSITION",
}
AMEND_TEXTS = (  # how the engine's words begin, and the venue's
    ("Order amend (quantity increase)", "Order amend (quantity increase) is not supported."),
    ("The requested action would change no state", "The requested action would change no state; rejecting."),
    ("The order has been changed as often", "Filter failure: MAX_NUM_ORDER_AMENDS"),
)
PREVENTION = "This symbol does not allow the specified self-trade prevention mode."


# Parameters.


def not_required(name: str) -> ApiError:
    """A parameter does not go with the others."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def neither_sent(first: str, second: str) -> ApiError:
    """One of two parameters is needed, and neither is there."""
    return ApiError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def both_or_neither(*names: str) -> ApiError:
    """Of parameters that go together one is missing."""
    return ApiError(-1128, f"Fields [{', '.join(names)}] must be sent together or omitted entirely.")


def too_precise(name: str) -> ApiError:
    """A number has more decimals than its asset."""
    return ApiError(-1111, f"Parameter '{name}' has too much precision.")


def not_valid(name: str) -> ApiError:
    """A parameter's value means nothing."""
    return ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")


def unsupported() -> ApiError:
    """Parameters that are right by themselves do not go together."""
    return ApiError(-1014, "Unsupported order combination.")


# What the engine refuses.


@contextmanager
def speaking() -> Iterator[None]:
    """Say in the venue's words what the engine finds wrong with a request."""
    try:
        yield
    except UnknownSymbol:
        raise bad_symbol() from None
    except InvalidInput as error:
        if error.field == "self_trade_prevention":
            raise ApiError(FILTERED, PREVENTION) from None
        raise not_valid(error.field) from None


def accepted(result: Result, kind: ListKind | None = None) -> Done:
    """Return what was done.

    Args:
        result: What the engine has answered to a new order or list.
        kind: Of the list, None for an order.

    Raises:
        ApiError: It was refused.
    """
    if isinstance(result, Done):
        return result
    if result.violations:
        raise filter_failure(result.violations)
    text = _text(result)
    if kind is ListKind.OCO and result.reason is Reason.WOULD_TRIGGER:
        text = RELATION  # both prices of a pair are looked at in one (facts C.9.2)
    raise ApiError(REJECTED, text)


def accepted_cancel(result: Result) -> Done:
    """Return what was done.

    Raises:
        ApiError: There is no such order, or it is over.
    """
    if isinstance(result, Done):
        return result
    raise ApiError(NOT_CANCELLED, UNKNOWN_ORDER)


def accepted_amend(result: Result) -> Done:
    """Return what was done.

    Raises:
        ApiError: It was refused.
    """
    if isinstance(result, Done):
        return result
    if result.violations:
        raise filter_failure(result.violations)
    if result.reason is Reason.AMEND_REFUSED:
        known = (words for begins, words in AMEND_TEXTS if result.message.startswith(begins))
        raise ApiError(NOT_AMENDED, next(known, AMEND_REFUSED))
    raise ApiError(NOT_AMENDED, _text(result))


def filter_failure(broken: tuple[Violation, ...]) -> ApiError:
    """Some trading rules are broken: the first of them is named."""
    rule = broken[0].rule.rpartition(".")[2]
    return ApiError(FILTERED, f"Filter failure: {FILTERS.get(rule, 'LOT_SIZE')}")


def _text(refused: Refused) -> str:
    if refused.reason is Reason.MARKET_CLOSED and refused.message != ACCOUNT_CLOSED:
        return CLOSED
    if refused.reason is Reason.DUPLICATE_ID:
        return "Duplicate order sent."
    if refused.reason in {Reason.UNKNOWN_ORDER, Reason.ALREADY_CLOSED}:
        return UNKNOWN_ORDER
    return refused.message
