"""A connection on which requests are asked and answered, and on which an account's events may come.

A venue's session is one of these. Like every session it is pure: it never awaits, reads no clock and opens
no socket. Answers go to whoever asked, by id; the end of the connection tells every asker whether its
request can have left this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from toucan_instrument.errors import VenueError
from toucan_instrument.link import Session

__all__ = ["AccountSession", "Answered", "Ended", "Heard", "SessionEvents", "SessionLimits"]

SECOND = 1_000_000_000


class Ended(msgspec.Struct, frozen=True):
    """The connection ended before the answer came.

    Attributes:
        reason: Why.
        sent: Whether the request may have left: False where it certainly has not.
    """

    reason: str
    sent: bool


class Answered(msgspec.Struct, frozen=True):
    """An answer.

    Attributes:
        status: The status, as HTTP's.
        body: The result, or the error, as JSON.
        received_ns: When it was received, nanoseconds since the epoch.
        used: The request weight that counts now, None where the answer does not say.
        orders: The order counts that it names, by the length of their window in nanoseconds.
        retry_after_ns: How long the venue wants no request, 0 where it asks for nothing.
    """

    status: int
    body: bytes
    received_ns: int
    used: int | None = None
    orders: tuple[tuple[int, int], ...] = ()
    retry_after_ns: int = 0


Heard: TypeAlias = Callable[[Answered | Ended], None]
"""Takes the answer to a request, or the news that none will come."""


class SessionEvents(msgspec.Struct, frozen=True):
    """Whom a session tells; all of these are called at once, without awaiting.

    Attributes:
        on_event: Takes a message of the account's stream, and when it was received.
        on_ready: Called when the account's stream is known to be subscribed (again), or, on a connection
            for requests alone, when requests may be sent.
        on_lost: Called when the account's stream has ended although the connection goes on, with the reason.
        on_refused: Takes the error with which the venue refused the log-on or the subscription.
    """

    on_event: Callable[[bytes, int], None]
    on_ready: Callable[[], None]
    on_lost: Callable[[str], None]
    on_refused: Callable[[VenueError], None]


class SessionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long things may take on a connection; the venue's table gives document and date.

    Attributes:
        idle_ns: How long there may be no sign of life, pings included, before it is given up.
        life_ns: When it is replaced, before the venue ends it.
        ack_ns: How long the answer to a log-on or a subscription may take.
        proven_ns: How long a quiet connection must last to count as proven.
        drain_ns: How long requests may still be begun after the end of its life, where some are always
            pending; then the last of them is waited for.
    """

    idle_ns: int
    life_ns: int = 23 * 3600 * SECOND
    ack_ns: int = 10 * SECOND
    proven_ns: int = 60 * SECOND
    drain_ns: int = 600 * SECOND


LIFE_JITTER = 0.04


class AccountSession(Session):
    """What connections to an account have in common: liveness, life, and telling who listens.

    Attributes:
        ready: Whether requests may be sent, and events are expected.
    """

    def __init__(self, events: SessionEvents, limits: SessionLimits, *, rng: Callable[[], float]) -> None:
        self.outbox: list[bytes] = []
        self.deadline: int | None = None
        self.proven: bool = False
        self.failed: str = ""
        self.planned: bool = False
        self.ready: bool = False
        self.events = events
        self.limits = limits
        self.anchor: int = 0
        self._rng = rng
        self._heard = self._opened = self._ends = 0
        self._wake: Callable[[], None] = _nothing

    def opened(self, now: int, utc: int, wake: Callable[[], None]) -> None:
        """See `Session.opened`."""
        self._wake = wake
        self.anchor = utc - now
        self._heard = self._opened = now
        self._ends = now + int(self.limits.life_ns * (1 - LIFE_JITTER * self._rng()))
        self.begin(now)
        self.tick(now)

    def begin(self, now: int) -> None:
        """Do what a new connection begins with; ready at once where there is nothing."""
        del now
        self.become_ready()

    def become_ready(self) -> None:
        """Note that the account's events come from now on."""
        self.ready = True
        self.events.on_ready()

    def alive(self, now: int) -> None:
        """See `Session.alive`."""
        self._heard = now

    def receive(self, frame: bytes, now: int) -> None:
        """Take one frame: an event."""
        self._heard = now
        self.proven = True
        self.events.on_event(frame, now + self.anchor)

    @property
    def busy(self) -> bool:
        """Whether the connection should not be ended for its age just now."""
        return False

    def tick(self, now: int) -> None:
        """See `Session.tick`."""
        if self.failed:
            return
        limits = self.limits
        if now >= self._heard + limits.idle_ns:
            self.fail(f"nothing was heard for {(now - self._heard) / SECOND:.0f} s")
        elif now >= self._ends and not self.busy:
            self.fail("planned: the connection is near the end of its allowed life", planned=True)
        else:
            if self.ready and now >= self._opened + limits.proven_ns:
                self.proven = True
            if now >= self._ends + limits.drain_ns:
                self.ready = False  # so that an end comes before the venue's, whatever the traffic
            self.deadline = self.next_deadline(now)

    def next_deadline(self, now: int) -> int:
        """Return when `tick` is wanted next."""
        due = [self._heard + self.limits.idle_ns]
        due.append(self._ends if now < self._ends else now + SECOND)  # busy past its end: look again
        if not self.proven:
            due.append(max(self._opened + self.limits.proven_ns, now + SECOND))
        return min(due)

    def closed(self, now: int) -> None:
        """See `Session.closed`."""
        del now
        self.ready = False
        self._wake = _nothing

    def prove(self) -> None:
        """Note that the venue has answered usefully."""
        self.proven = True

    def fail(self, reason: str, *, planned: bool = False) -> None:
        """Give the connection up; a new one is opened."""
        if not self.failed:
            self.failed = reason
            self.planned = planned
            self.ready = False
            self._wake()


def _nothing() -> None:
    """Wake nobody: the connection is not open."""
