"""Binance's two sorts of private connections, without I/O: the WebSocket API, and the futures' streams.

The WebSocket API answers requests by id, in any order, and on spot carries the account's events on the same
connection (facts E.2, F). The futures' streams carry events alone (facts E.3, E.4).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from toucan_execution.requesting import (
    AccountSession,
    Answered,
    Ended,
    Heard,
    SessionEvents,
    SessionLimits,
)
from toucan_instrument.errors import VenueError
from toucan_instrument.timestamps import from_ms

__all__ = ["StreamConnection", "WsApiSession"]

OK, REVOKED = 200, 401
ALREADY_SUBSCRIBED = -2035
SECOND = 1_000_000_000
_UNITS = {"SECOND": SECOND, "MINUTE": 60 * SECOND, "HOUR": 3600 * SECOND, "DAY": 86_400 * SECOND}


class StreamConnection(AccountSession):
    """A futures account's stream: events alone, and nothing is sent. The venue's pings show that it lives."""


class _Limit(msgspec.Struct):
    rateLimitType: str = ""  # noqa: N815 - the wire's own names
    interval: str = ""
    intervalNum: int = 1  # noqa: N815
    count: int | None = None


class _Frame(msgspec.Struct):
    id: int | str | None = None
    status: int | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    event: msgspec.Raw = msgspec.Raw()
    rateLimits: msgspec.Raw = msgspec.Raw()  # noqa: N815


class _Until(msgspec.Struct):
    serverTime: int | None = None  # noqa: N815
    retryAfter: int | None = None  # noqa: N815


class _Error(msgspec.Struct):
    code: int | str | None = None
    msg: str = ""
    data: _Until | None = None


class _EventName(msgspec.Struct):
    e: str = ""


_FRAME = msgspec.json.Decoder(_Frame)
_ERROR = msgspec.json.Decoder(_Error)
_NAME = msgspec.json.Decoder(_EventName)
_LIMITS = msgspec.json.Decoder(list[_Limit])
NULL = b"null"


class WsApiSession(AccountSession):
    """One connection to the WebSocket API.

    Args:
        events: Whom it tells.
        limits: How long things may take.
        rng: Jitter in [0, 1).
        frame: Writes a request: id, method, its parameters, and the monotonic time that it is signed for.
        error_of: Makes the typed error of a method's error answer: method, status and the error as JSON.
        logon: Whether to log the session on (Ed25519 keys only); then requests need no signature.
        user_data: How to subscribe to the account's events: ``session`` (after a log-on), ``signature`` or,
            for a connection for requests alone, empty.
    """

    def __init__(
        self,
        events: SessionEvents,
        limits: SessionLimits,
        *,
        rng: Callable[[], float],
        frame: Callable[[int, str, int], bytes],
        error_of: Callable[[str, int, bytes], VenueError],
        logon: bool = False,
        user_data: str = "",
    ) -> None:
        super().__init__(events, limits, rng=rng)
        self.logged_on: bool = False
        self._frame = frame
        self._error_of = error_of
        self._logon = logon
        self._user_data = user_data
        self._next_id = 1
        self._pending: dict[int, tuple[bytes, Heard]] = {}
        self._acks: dict[int, int] = {}

    # Requests.

    @property
    def busy(self) -> bool:
        """Whether requests wait for their answer."""
        return bool(self._pending)

    def new_id(self) -> int:
        """Return an id that no request of this connection has had."""
        self._next_id += 1
        return self._next_id - 1

    def ask(self, request_id: int, frame: bytes, heard: Heard) -> None:
        """Send a request; `heard` is called once, with its answer or with the end of the connection."""
        self._pending[request_id] = (frame, heard)
        self.outbox.append(frame)
        self._wake()

    def forget(self, request_id: int) -> bool:
        """Wait no longer for an answer; return whether the request had certainly not left yet."""
        frame, _ = self._pending.pop(request_id, (b"", None))
        for at, waiting in enumerate(self.outbox):
            if waiting is frame:
                del self.outbox[at]
                return True
        return False

    # What the link calls.

    def begin(self, now: int) -> None:
        """Log on or subscribe, as configured."""
        if self._logon:
            self._handshake("session.logon", self._logged_on, now)
        elif self._user_data:
            self._subscribe(now)
        else:
            self.become_ready()

    def receive(self, frame: bytes, now: int) -> None:
        """Take one frame: an answer, or an event."""
        self._heard = now
        try:
            said = _FRAME.decode(frame)
        except (ValueError, RecursionError):
            self.events.on_event(frame, now + self.anchor)  # it becomes a `UnreadableEvent` there
            return
        if said.event and bytes(said.event) != NULL:
            self._event(frame, said, now)
        elif said.status is None:
            self.events.on_event(frame, now + self.anchor)
        elif isinstance(said.id, int):
            self._answer(said, now)
        elif said.status == REVOKED:
            self.events.on_refused(self._error_of("session", REVOKED, bytes(said.error)))
            self.fail("the venue has revoked the session")
        else:
            self.events.on_event(frame, now + self.anchor)

    def tick(self, now: int) -> None:
        """See `Session.tick`."""
        if any(now >= due for due in self._acks.values()):
            self.fail(f"no answer to the log-on or subscription within {self.limits.ack_ns / SECOND:g} s")
            return
        super().tick(now)

    def next_deadline(self, now: int) -> int:
        """See `AccountSession.next_deadline`."""
        return min([super().next_deadline(now), *self._acks.values()])

    def closed(self, now: int) -> None:
        """Tell everybody who waits that no answer will come."""
        reason = self.failed or "the connection was lost"
        unsent = {id(frame) for frame in self.outbox}
        pending, self._pending = self._pending, {}
        super().closed(now)
        for frame, heard in pending.values():
            heard(Ended(reason, sent=id(frame) not in unsent))

    # Inside.

    def _handshake(self, method: str, done: Callable[[int], None], now: int) -> None:
        request_id = self.new_id()
        self._acks[request_id] = now + self.limits.ack_ns

        def heard(answer: Answered | Ended) -> None:
            self._acks.pop(request_id, None)
            if isinstance(answer, Ended):
                return
            if answer.status == OK:
                done(answer.received_ns - self.anchor)
                return
            error = self._error_of(method, answer.status, answer.body)
            if error.code == ALREADY_SUBSCRIBED:
                done(answer.received_ns - self.anchor)
                return
            self.events.on_refused(error)
            self.fail(f"the venue refused {method}: {error.venue_message} (code {error.code})")

        self.ask(request_id, self._frame(request_id, method, now), heard)

    def _logged_on(self, now: int) -> None:
        self.logged_on = True
        if self._user_data:
            self._subscribe(now)
        else:
            self.prove()
            self.become_ready()

    def _subscribe(self, now: int) -> None:
        method = "userDataStream.subscribe"
        if self._user_data == "signature":
            method += ".signature"
        self._handshake(method, self._subscribed, now)

    def _subscribed(self, now: int) -> None:
        del now
        self.prove()
        self.become_ready()

    def _event(self, frame: bytes, said: _Frame, now: int) -> None:
        try:
            name = _NAME.decode(said.event).e
        except ValueError:
            name = ""
        if name == "eventStreamTerminated" and self._user_data:
            self.ready = False
            self.events.on_lost(name)
        self.events.on_event(frame, now + self.anchor)
        if name == "eventStreamTerminated" and self._user_data:
            self._subscribe(now)  # on the same connection: requests on it go on
            self._wake()
        elif name == "serverShutdown":
            self.fail("planned: the venue announced that it shuts this connection down", planned=True)

    def _answer(self, said: _Frame, now: int) -> None:
        request_id = said.id if isinstance(said.id, int) else -1
        _, heard = self._pending.pop(request_id, (b"", None))
        if heard is None:
            return  # an answer that nobody waits for any more; the account's stream tells what it was
        self.prove()
        status = said.status or 0
        body = bytes(said.error if status != OK else said.result)
        limits = _limits(said.rateLimits)
        used = [each.count for each in limits if each.rateLimitType == "REQUEST_WEIGHT"]
        orders = tuple(
            (_UNITS[each.interval] * each.intervalNum, each.count)
            for each in limits
            if each.rateLimitType == "ORDERS" and each.count is not None and each.interval in _UNITS
        )
        heard(
            Answered(
                status=status,
                body=body,
                received_ns=now + self.anchor,
                used=used[0] if used else None,
                orders=orders,
                retry_after_ns=_retry_after(body) if status != OK else 0,
            )
        )


def _limits(raw: msgspec.Raw) -> list[_Limit]:
    """Read what an answer says of the limits; where that cannot be read the answer still counts."""
    try:
        return _LIMITS.decode(raw)
    except (ValueError, RecursionError):
        return []


def _retry_after(body: bytes) -> int:
    """Read how long to stay away: both times are the venue's own, milliseconds (facts F.2)."""
    try:
        data = _ERROR.decode(body).data
    except (ValueError, RecursionError):
        return 0
    if data is None or data.retryAfter is None or data.serverTime is None:
        return 0
    return max(0, from_ms(data.retryAfter - data.serverTime))
