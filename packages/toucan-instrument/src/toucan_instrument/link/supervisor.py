"""The reconnect loop. There is one in toucan, and this is it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from toucan_instrument.errors import DialError
from toucan_instrument.link.clock import Clock, SystemClock
from toucan_instrument.link.policy import Backoff
from toucan_instrument.link.session import Session
from toucan_instrument.link.status import Connected, Disconnected, LinkStatus, Retrying
from toucan_instrument.link.transport import Closed, Dial, Socket

__all__ = ["supervise"]

# A session whose deadline stays in the past has a bug; it must not take the whole CPU for it.
SHORTEST_NAP_NS = 1_000_000

SHUT_DOWN = Closed(1000, "shut down", by_us=True)


async def supervise(
    name: str,
    *,
    dial: Dial,
    new_session: Callable[[], Session],
    emit: Callable[[LinkStatus], None],
    backoff: Backoff | None = None,
    clock: Clock | None = None,
    rng: Callable[[], float] = random.random,
    before_dial: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Keep a link up until cancelled.

    A connection that was proven is followed by the next after a short random delay, or at once
    where its session says that the end was planned; attempts that prove nothing wait longer and
    longer, to the cap, for ever. What a server asks for (`Retry-After`) is waited for in full, and
    the random delay on top, so that hundreds of links do not come back in the same instant.

    Cancelling closes the socket and tells the session and the user; nothing stays behind.

    Args:
        name: What the link's status values are signed with.
        dial: Opens a connection.
        new_session: Makes the protocol state of one connection, once that is open.
        emit: Takes every status value, at once and without blocking.
        backoff: Delays between attempts.
        clock: Where time comes from.
        rng: Where jitter comes from: gives [0, 1).
        before_dial: Awaited before every attempt: the place for a budget of connections.

    Raises:
        DialError: Where it is not retryable, and no connection of this link has been proven yet: an
            address that has worked is known to be good, and a venue in maintenance answers
            anything. Nothing else that a venue or a network does ends the loop. What `new_session`,
            the session, `emit` or `before_dial` raises is a bug: it comes out, after the socket was
            closed.
    """
    backoff, clock = backoff or Backoff(), clock or SystemClock()
    ever_proven = False
    attempt = 1
    while True:
        asked_ns, at_once = 0, False
        try:
            if before_dial is not None:
                await before_dial()
            socket = await dial()
        except DialError as error:
            if not (error.retryable or ever_proven):
                raise
            reason, asked_ns = str(error), error.retry_after_ns
            attempt += 1
        else:
            connection = _Connection(name, socket, emit, clock)
            closed, session = await connection.live(new_session, attempt)
            reason = closed.reason or f"closed with code {closed.code}"
            # Only proof of life resets the delays: a server that accepts and drops is not hammered.
            if session.proven:
                ever_proven = True
                at_once = session.planned
                attempt = 1
            else:
                attempt += 1
        delay = 0 if at_once else asked_ns + backoff.delay_ns(attempt, rng)
        emit(Retrying(link=name, at_ns=clock.utc_ns(), attempt=attempt, delay_ns=delay, reason=reason))
        await clock.sleep_until(clock.monotonic_ns() + delay)


class _Connection:
    """One connection, from its handshake to its end."""

    def __init__(self, name: str, socket: Socket, emit: Callable[[LinkStatus], None], clock: Clock) -> None:
        self._name = name
        self._socket = socket
        self._emit = emit
        self._clock = clock
        self._woken = asyncio.Event()
        self._hanging_up = False

    async def live(self, new_session: Callable[[], Session], attempt: int) -> tuple[Closed, Session]:
        """Tell of the connection, run it to its end and tell of that."""
        try:
            session = new_session()
            self._emit(Connected(link=self._name, at_ns=self._clock.utc_ns(), attempt=attempt))
            session.opened(self._clock.monotonic_ns(), self._clock.utc_ns(), self._woken.set)
        except BaseException:
            await self._socket.close()
            raise
        try:
            closed = await self._converse(session)
        except asyncio.CancelledError:
            self._end(session, SHUT_DOWN)
            raise
        except BaseException:
            session.closed(self._clock.monotonic_ns())
            raise
        if session.failed:
            closed = Closed(closed.code, session.failed, by_us=True)
        self._end(session, closed)
        return closed, session

    def _end(self, session: Session, closed: Closed) -> None:
        # The cause first, then what the session says of its consequences.
        self._emit(Disconnected(link=self._name, at_ns=self._clock.utc_ns(), closed=closed))
        session.closed(self._clock.monotonic_ns())

    async def _converse(self, session: Session) -> Closed:
        """Receive on this task, keep time and send on another, and leave neither behind."""
        now, alive = self._clock.monotonic_ns, session.alive

        on_frames = session.reader(now)

        def on_control() -> None:
            alive(now())

        try:
            # A group, so that a timer that dies takes the connection with it: a link that has lost
            # its heartbeats must not look alive.
            async with asyncio.TaskGroup() as tasks:
                timer = tasks.create_task(self._keep_time(session, tasks))
                closed = await self._socket.run(on_frames, on_control)
                if not self._hanging_up:
                    timer.cancel()
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:  # the bug itself, not a box with a bug in it
                raise group.exceptions[0] from None
            raise
        finally:
            await self._socket.close()
        return closed

    async def _keep_time(self, session: Session, tasks: asyncio.TaskGroup) -> None:
        """Send what is to be sent and tick when it is time, until the session gives up."""
        clock, socket, woken = self._clock, self._socket, self._woken
        while True:
            woken.clear()  # whatever it was for is looked at from here on
            while session.outbox and not session.failed:
                await socket.send(session.outbox.pop(0))
            if session.failed:
                break
            deadline = session.deadline
            if deadline is not None:
                deadline = max(deadline, clock.monotonic_ns() + SHORTEST_NAP_NS)
            await self._nap(deadline, tasks)
            if not session.failed:
                session.tick(clock.monotonic_ns())
        self._hanging_up = True
        await socket.close()

    async def _nap(self, deadline: int | None, tasks: asyncio.TaskGroup) -> None:
        """Wait for the deadline or to be woken, whichever is first."""
        if deadline is None or self._woken.is_set():
            await self._woken.wait()
            return
        sleeper = tasks.create_task(self._clock.sleep_until(deadline))
        # Not where it was cancelled: that would end the next nap as well, and so on for ever.
        sleeper.add_done_callback(lambda over: None if over.cancelled() else self._woken.set())
        try:
            await self._woken.wait()
        finally:
            sleeper.cancel()
