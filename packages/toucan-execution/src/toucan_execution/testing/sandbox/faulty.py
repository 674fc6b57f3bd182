"""Requests that go wrong: what they are answered with, and when they arrive (facts C.5, C.8).

The functions below name the faults that matter; any `Fault` of a call's `Action` will do as well::

    sandbox.faults.add(timed_out("order", done=True), reply_lost("order", after=2))
"""

from __future__ import annotations

from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.gate import Gate, Incoming, Outgoing
from toucan_instrument.testing.faults import Action, Fault

__all__ = [
    "answer_of",
    "arrives_ns",
    "banned",
    "last_moment",
    "reply_lost",
    "request_lost",
    "service_unavailable",
    "throttled",
    "timed_out",
    "too_many_requests",
    "unknown_error",
]

SECOND = 1_000_000_000
MILLI = 1_000_000
TIMED_OUT, BANNED, TOO_MANY, UNAVAILABLE = 408, 418, 429, 503
USUAL: dict[int, tuple[int, str]] = {
    TIMED_OUT: (
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    ),
    TOO_MANY: (-1003, "Too many requests; please use WebSocket Streams for live updates."),
    BANNED: (-1003, "Way too much request weight used; IP banned."),
    UNAVAILABLE: (0, "Unknown error, please check your request or try again later."),
}
"""What a status says where a fault does not: the code, 0 for none, and the words."""
USUAL_WAIT = {TOO_MANY: 60, BANNED: 120}


def timed_out(of: str = "", *, done: bool, after: int = 0, count: int = 1) -> Fault:
    """Return: -1007, "execution status unknown", whether or not it was done.

    Args:
        of: Which requests: a part of ``METHOD /path``, or of the WebSocket API's method.
        done: Whether the request was done all the same.
        after: How many such requests go well before.
        count: How many it then hits.
    """
    action = Action.DONE_STATUS if done else Action.STATUS
    return Fault(action, path=of, after=after, count=count, status=TIMED_OUT)


def unknown_error(of: str = "", *, done: bool, after: int = 0, count: int = 1) -> Fault:
    """Return: the futures' 503 of which nobody knows whether it was done (variant A)."""
    action = Action.DONE_STATUS if done else Action.STATUS
    return Fault(action, path=of, after=after, count=count, status=UNAVAILABLE)


def service_unavailable(of: str = "", *, after: int = 0, count: int = 1) -> Fault:
    """Return: the futures' 503 of what was certainly not done (variant B)."""
    return Fault(
        Action.STATUS, path=of, after=after, count=count, status=UNAVAILABLE, text="Service Unavailable."
    )


def throttled(of: str = "", *, after: int = 0, count: int = 1) -> Fault:
    """Return: the futures' 503 with -1008, system-level protection (variant C)."""
    text = "Request throttled by system-level protection. Reduce-only/close-position orders are exempt."
    return Fault(Action.STATUS, path=of, after=after, count=count, status=UNAVAILABLE, error=-1008, text=text)


def too_many_requests(of: str = "", *, retry_after: int = 60, after: int = 0, count: int = 1) -> Fault:
    """Return: 429 with ``Retry-After`` in seconds, whatever was counted."""
    return Fault(Action.STATUS, path=of, after=after, count=count, status=TOO_MANY, retry_after=retry_after)


def banned(of: str = "", *, retry_after: int = 120, after: int = 0, count: int = 1) -> Fault:
    """Return: 418 with ``Retry-After`` in seconds, whatever was counted."""
    return Fault(Action.STATUS, path=of, after=after, count=count, status=BANNED, retry_after=retry_after)


def request_lost(of: str = "", *, after: int = 0, count: int = 1) -> Fault:
    """Return: it never arrives, and the connection is lost."""
    return Fault(Action.LOSE_REQUEST, path=of, after=after, count=count)


def reply_lost(of: str = "", *, after: int = 0, count: int = 1) -> Fault:
    """Return: it is done, and the connection is lost before the answer."""
    return Fault(Action.LOSE_REPLY, path=of, after=after, count=count)


def last_moment(of: str = "", *, after: int = 0, count: int = 1) -> Fault:
    """Return: it is done in the last millisecond of its receive window."""
    return Fault(Action.LAST_MOMENT, path=of, after=after, count=count)


def arrives_ns(fault: Fault, incoming: Incoming, gate: Gate, now_ns: int) -> int:
    """Return when a request reaches the venue.

    Args:
        fault: What goes wrong with it.
        incoming: The request.
        gate: Of its market.
        now_ns: When it was sent.
    """
    if fault.action is Action.LATE:
        return now_ns + int(fault.delay * SECOND)
    if fault.action is Action.LAST_MOMENT:
        try:
            return max(gate.last_ns(incoming.params), now_ns)
        except ApiError:  # it has no time that could be read, which is answered in its turn
            return now_ns
    return now_ns


def answer_of(fault: Fault, now_ns: int) -> Outgoing:
    """Return what a request is answered with in place of its result."""
    code, words = USUAL.get(fault.status, (-1000, "An unknown error occurred while processing the request."))
    error = ApiError(fault.error or code, fault.text or words, status=fault.status)
    body = error.body() if error.code else {"msg": error.text}
    wait = fault.retry_after if fault.retry_after is not None else USUAL_WAIT.get(fault.status)
    if wait is None:
        return Outgoing(status=fault.status, result=body, failed=True)
    times = {"serverTime": now_ns // MILLI, "retryAfter": now_ns // MILLI + wait * 1_000}
    return Outgoing(
        status=fault.status, result=body, failed=True, headers={"Retry-After": str(wait)}, times=times
    )
