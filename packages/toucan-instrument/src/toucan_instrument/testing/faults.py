"""Faults on a script: what goes wrong, where and when; pure, so that a test can read it like a table.

    FaultScript([
        Fault(Action.GAP, stream="btcusdt@trade", after=10, count=3),   # the 11th to 13th are never sent
        Fault(Action.DROP, after=100),                                  # then the connection is lost
        Fault(Action.REFUSE, status=429, retry_after=2, count=2),       # and two attempts are refused
    ])

Frames are counted per fault, over all connections: a fault that has had its `count` is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

__all__ = ["Action", "Fault", "FaultScript", "Reply", "Step"]

GARBAGE = b'{"stream":"btcusdt@trade","data":{"e":"tra'
NOT_UTF8 = b'{"stream":"btc\xff\xfe@trade","data":{}}'


class Action(StrEnum):
    """What goes wrong."""

    DROP = "drop"
    """The connection is lost without a goodbye."""
    CLOSE = "close"
    """The server says goodbye, with `Fault.code`."""
    HALF_OPEN = "half open"
    """The server neither sends nor reads any more, pings included, and the connection stays open."""
    STALL = "stall"
    """No more events are sent on the connection; requests are still answered."""
    SILENCE = "silence"
    """`count` events of the stream are not sent, and nothing numbers them: it goes quiet."""
    GAP = "gap"
    """`count` events of the stream are left out."""
    DUPLICATE = "duplicate"
    """An event is sent twice."""
    REORDER = "reorder"
    """An event is sent after the one that follows it."""
    GARBAGE = "garbage"
    """A frame that is no JSON is sent before the event."""
    NOT_UTF8 = "not UTF-8"
    """A text frame that is no text is sent before the event."""
    OVERSIZED = "oversized"
    """A frame of `Fault.size` bytes is sent before the event."""
    SLOW = "slow"
    """The event is sent after `Fault.delay` seconds."""
    SHUTDOWN = "shutdown notice"
    """The venue announces that it shuts the connection down."""
    NO_ACK = "no acknowledgement"
    """A subscription is not answered, though its events are sent."""
    ACK_ONLY = "acknowledged only"
    """A subscription is acknowledged, and its events are never sent."""
    ERROR_ACK = "error acknowledgement"
    """A subscription is answered with an error."""
    REFUSE = "refuse"
    """A handshake is answered with `Fault.status`."""
    STATUS = "status"
    """A request is answered with `Fault.status`, and not done."""
    DONE_STATUS = "status, though done"
    """A request is done, and answered with `Fault.status` all the same."""
    LOSE_REQUEST = "request lost"
    """A request is not done, and its connection is lost without an answer."""
    LOSE_REPLY = "reply lost"
    """A request is done, and its connection is lost without an answer."""
    LATE = "late"
    """A request is done `Fault.delay` seconds after it was sent."""
    LAST_MOMENT = "last moment"
    """A signed request is done in the last millisecond of its receive window."""


ON_FRAMES = frozenset(
    {
        Action.DROP, Action.CLOSE, Action.HALF_OPEN, Action.STALL, Action.SILENCE, Action.GAP,
        Action.DUPLICATE, Action.REORDER, Action.GARBAGE, Action.NOT_UTF8, Action.OVERSIZED, Action.SLOW,
        Action.SHUTDOWN,
    }
)  # fmt: skip
ON_CALLS = frozenset(
    {
        Action.STATUS, Action.DONE_STATUS, Action.LOSE_REQUEST, Action.LOSE_REPLY, Action.LATE,
        Action.LAST_MOMENT,
    }
)  # fmt: skip
ON_SUBSCRIBE = frozenset({Action.NO_ACK, Action.ACK_ONLY, Action.ERROR_ACK})


class Fault(msgspec.Struct, frozen=True):
    """One thing that goes wrong.

    Attributes:
        action: What.
        stream: Which stream it concerns, by a part of its name; every one if empty.
        path: Which REST path, or method of a WebSocket API, it concerns, by a part of it; every one if empty.
        after: How many matching frames, subscriptions, handshakes or requests go well before.
        count: How many it then hits.
        code: Close code.
        status: HTTP status.
        retry_after: ``Retry-After`` in seconds, None for no such header.
        delay: Seconds, for `Action.SLOW` and `Action.LATE`.
        size: Bytes, for `Action.OVERSIZED`.
        error: The venue's code in the body of an answer, 0 for what is usual with `status`.
        text: The venue's words there, empty for what is usual.
    """

    action: Action
    stream: str = ""
    path: str = ""
    after: int = 0
    count: int = 1
    code: int = 1001
    status: int = 503
    retry_after: int | None = None
    delay: float = 0.05
    size: int = 32 * 1024 * 1024
    error: int = 0
    text: str = ""


class Step(msgspec.Struct, frozen=True):
    """What the server does next: sends a frame, or does something worse.

    Attributes:
        frame: What is sent, None where nothing is.
        fault: What else is done, None where it just sends.
    """

    frame: bytes | None = None
    fault: Fault | None = None


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer in place of the usual one.

    Attributes:
        status: The status.
        retry_after: ``Retry-After`` in seconds, None for no such header.
    """

    status: int
    retry_after: int | None


class FaultScript:
    """Faults, each waiting for its turn."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        """Take faults; the first that matches is the one that happens."""
        self._seen: list[list[Fault | int]] = [[fault, 0] for fault in faults]
        self._held: dict[tuple[int, str], bytes] = {}
        self.happened: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Let more go wrong, from now on."""
        self._seen += [[fault, 0] for fault in faults]

    def on_frame(self, connection: int, stream: str, frame: bytes) -> list[Step]:
        """Decide what becomes of an event that is about to be sent."""
        fault = self._next(ON_FRAMES, stream)
        steps = self._frame_steps(fault, connection, stream, frame)
        held = self._held.pop((connection, stream), None) if fault is None else None
        if held is not None:
            steps.append(Step(held))
        return steps

    def _frame_steps(self, fault: Fault | None, connection: int, stream: str, frame: bytes) -> list[Step]:
        if fault is None:
            return [Step(frame)]
        match fault.action:
            case Action.GAP | Action.SILENCE:
                return []
            case Action.DUPLICATE:
                return [Step(frame), Step(frame)]
            case Action.REORDER:
                self._held[connection, stream] = frame
                return []
            case Action.GARBAGE:
                return [Step(GARBAGE), Step(frame)]
            case Action.NOT_UTF8:
                return [Step(NOT_UTF8), Step(frame)]
            case Action.OVERSIZED:
                return [Step(b'"' + b"x" * (fault.size - 2) + b'"'), Step(frame)]
            case Action.SLOW | Action.SHUTDOWN:
                return [Step(None, fault), Step(frame)]
            case _:
                return [Step(None, fault)]

    def on_subscribe(self, names: Iterable[str]) -> Fault | None:
        """Decide whether a subscription is answered as usual."""
        return next((f for name in names if (f := self._next(ON_SUBSCRIBE, name))), None)

    def on_connect(self) -> Reply | None:
        """Decide whether a handshake is refused."""
        fault = self._next(frozenset({Action.REFUSE}), "")
        return None if fault is None else Reply(fault.status, fault.retry_after)

    def on_request(self, path: str) -> Reply | None:
        """Decide whether a REST request is answered as usual."""
        fault = self._next(frozenset({Action.STATUS}), "", path)
        return None if fault is None else Reply(fault.status, fault.retry_after)

    def on_call(self, path: str) -> Fault | None:
        """Decide whether a request is dealt with as usual; `Action` says how else."""
        return self._next(ON_CALLS, "", path)

    def _next(self, actions: frozenset[Action], stream: str, path: str = "") -> Fault | None:
        """Count this against every fault that it concerns, and return the first whose turn it is."""
        found: Fault | None = None
        for entry in self._seen:
            fault, seen = entry
            if not isinstance(fault, Fault) or not isinstance(seen, int):
                continue
            if fault.action not in actions or fault.stream not in stream or fault.path not in path:
                continue
            entry[1] = seen + 1
            if found is None and fault.after <= seen < fault.after + fault.count:
                found = fault
        if found is not None:
            self.happened.append(found)
        return found
