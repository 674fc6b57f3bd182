"""How spot's requests name an order, a list or a window of time (facts D.1.4 to D.1.9)."""

from __future__ import annotations

from toucan_execution.orders import Order, OrderList, OrderStatus
from toucan_execution.testing.sandbox.endpoint import Ask
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.params import Span
from toucan_execution.testing.sandbox.spot_errors import (
    BAD_COMBINATION,
    CLIENT_ID_MISMATCH,
    NO_SUCH_ORDER,
    neither_sent,
)
from toucan_instrument import Instrument
from toucan_instrument.timestamps import from_digits

__all__ = ["archived", "find_list", "find_order", "instrument_of", "window_of"]

HOUR = 3_600_000_000_000
DAY_HOURS = 24
ARCHIVED_NS = 90 * 24 * HOUR
FAR = 2**63 - 1
MILLI = 1_000_000


def instrument_of(ask: Ask) -> Instrument:
    """Return the instrument that a request is about.

    Raises:
        ApiError: -1121: it is not traded here.
    """
    return ask.market.instrument(ask.params.text("symbol"))


def find_order(
    ask: Ask,
    instrument: Instrument,
    *,
    id_name: str = "orderId",
    client_name: str = "origClientOrderId",
    error: ApiError | None = None,
) -> Order:
    """Return the order that a request names: by the venue's id first, which its own id then has to fit.

    Args:
        ask: The request.
        instrument: Of the order.
        id_name: The parameter with the venue's id.
        client_name: The parameter with its own id.
        error: What is said where there is none, None for -2013.

    Raises:
        ApiError: There is none, or the request names none, or -2039: the two ids are not of one order.
    """
    number, client_order_id = ask.params.integer(id_name), ask.params.text(client_name)
    if number is None and not client_order_id:
        raise neither_sent(client_name, id_name)
    found = (
        ask.engine.order(ask.account, instrument, client_order_id=client_order_id)
        if number is None
        else ask.engine.order(ask.account, instrument, order_id=str(number))
    )
    if found is None:
        raise error or ApiError(-2013, NO_SUCH_ORDER)
    if client_order_id and found.client_order_id != client_order_id and number is not None:
        raise ApiError(-2039, CLIENT_ID_MISMATCH)
    return found


def archived(order: Order, now_ns: int) -> bool:
    """Tell whether an order is one that the venue does not show any more (facts D.1.4)."""
    ended = order.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED} and not order.filled_quantity
    return ended and now_ns - (order.updated_ns or 0) > ARCHIVED_NS


def find_list(
    ask: Ask, *, client_name: str, instrument: Instrument | None = None, error: ApiError
) -> OrderList:
    """Return the list that a request names.

    Args:
        ask: The request.
        client_name: The parameter with its own id.
        instrument: Of the list, None where the request does not say.
        error: What is said where there is none.

    Raises:
        ApiError: There is none, or the request names none.
    """
    number, client_list_id = ask.params.integer("orderListId"), ask.params.text(client_name)
    if number is None and not client_list_id:
        raise neither_sent(client_name, "orderListId")
    named = {"client_list_id": client_list_id} if number is None else {"list_id": str(number)}
    among = ask.market.instruments.values() if instrument is None else (instrument,)
    for each in among:
        found = ask.engine.order_list(ask.account, each, **named)
        if found is not None:
            return found
    raise error


def window_of(ask: Ask, hours: int = DAY_HOURS) -> Span | None:
    """Return the window that a request names, None where it names none.

    Raises:
        ApiError: -1127: it is longer than a day; -1128: it ends before it begins.
    """
    start, end = ask.params.integer("startTime"), ask.params.integer("endTime")
    if start is None and end is None:
        return None
    since = 0 if start is None else from_digits(start)
    until = FAR if end is None else from_digits(end) + _unit(end) - 1
    if until < since:
        raise ApiError(-1128, BAD_COMBINATION)
    if start is not None:
        longest = hours * HOUR
        if end is not None and from_digits(end) - since > longest:
            raise ApiError(-1127, f"More than {hours} hours between startTime and endTime.")
        until = min(until, since + longest + MILLI - 1)
    return Span(since, until, start is not None)


def _unit(time: int) -> int:
    """Return what a time counts, in nanoseconds: milli- or microseconds."""
    return from_digits(time) // time if time else MILLI
