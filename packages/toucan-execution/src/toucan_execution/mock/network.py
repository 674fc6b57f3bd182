"""The way between a client and the paper exchange: it takes time, and goes wrong when it is told to.

Calls are made by `MockNetwork.fetch`, the account's events come over a `MockSocket`, as over any network; so
a client of the mock is a client like any other, and meets every fault as it would meet the real one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from toucan_execution.outcome import ERRORS, Reason
from toucan_instrument.errors import DialError, InvalidInput, RequestFailed, VenueError
from toucan_instrument.link import Clock, Closed, DialOptions, OnControl, OnFrames
from toucan_instrument.rest import Request, Response

__all__ = ["Cargo", "MockFault", "MockNetwork", "MockSocket", "Task", "opened", "refusal"]

OK, BAD, TOO_MANY, BANNED = 200, 400, 429, 418
NO_STATUS = 1006
STATUS = {Reason.RATE_LIMITED: TOO_MANY, Reason.BANNED: BANNED}


class MockFault(Enum):
    """What goes wrong with a request."""

    NOT_SENT = "not_sent"
    """It never leaves."""
    REQUEST_LOST = "request_lost"
    """It leaves, does not arrive, and nobody answers."""
    REPLY_LOST = "reply_lost"
    """It is done, and the answer is lost."""
    REFUSE = "refuse"
    """The exchange refuses it, whatever it is."""


class _Planned(msgspec.Struct):
    fault: MockFault
    of: str
    left: int
    error: VenueError | None


class Task(msgspec.Struct, frozen=True):
    """What a request asks.

    Attributes:
        name: Its name.
        changes: Whether it may change anything.
        act: Does it, given the time.
    """

    name: str
    changes: bool
    act: Callable[[int], Any]


class Cargo(bytes):
    """Bytes that stand for a value of this process: what is sent is carried along, not written.

    Attributes:
        value: The value: a `Task`, what it came to, or an event.
    """

    value: Any

    @classmethod
    def of(cls, value: object) -> Cargo:
        """Return bytes that carry a value."""
        cargo = cls(type(value).__name__.encode())
        cargo.value = value
        return cargo


def opened(body: bytes) -> Any:
    """Return what bytes carry, None for bytes that are nothing else."""
    return body.value if isinstance(body, Cargo) else None


def refusal(what: str, reason: Reason, message: str, *, retry_after_ns: int = 0) -> VenueError:
    """Return the error with which the exchange refuses something."""
    kind = ERRORS.get(reason, ERRORS[Reason.OTHER])
    return kind(
        method="MOCK",
        url=what,
        status=STATUS.get(reason, BAD),
        code=reason.value,
        venue_message=message,
        retry_after_ns=retry_after_ns,
    )


class MockSocket:
    """A connection that carries an account's events; see `toucan_instrument.link.Socket`."""

    def __init__(self, network: MockNetwork) -> None:
        self._network = network
        self._frames: deque[tuple[int, bytes]] = deque()
        self._on_frames: OnFrames | None = None
        self._moved = asyncio.Event()
        self._closed: Closed | None = None

    async def run(self, on_frames: OnFrames, on_control: OnControl) -> Closed:
        """Hand every frame over when it is due, until the connection ends."""
        del on_control
        clock = self._network.clock
        self._on_frames = on_frames
        while True:
            self._moved.clear()
            self.deliver()
            if self._closed is not None:
                return self._closed
            if not self._frames:
                await self._moved.wait()
                continue
            due = asyncio.ensure_future(clock.sleep_until(self._frames[0][0]))
            moved = asyncio.ensure_future(self._moved.wait())
            try:
                await asyncio.wait((due, moved), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in (due, moved):
                    each.cancel()
                await asyncio.gather(due, moved, return_exceptions=True)

    def push(self, frame: bytes, due_ns: int) -> None:
        """Let a frame arrive at a monotonic time; at once where that has come, after those before it."""
        if self._closed is None:
            self._frames.append((due_ns, frame))
            self.deliver()
            self._moved.set()

    def deliver(self) -> None:
        """Hand over what is due."""
        now = self._network.clock.monotonic_ns()
        while self._on_frames is not None and self._frames and self._frames[0][0] <= now:
            self._on_frames([self._frames.popleft()[1]])

    def end(self, closed: Closed) -> None:
        """End the connection: what is still under way is lost."""
        if self._closed is None:
            self._closed = closed
            self._frames.clear()
            self._moved.set()

    async def send(self, frame: bytes) -> None:
        """Take a frame that nobody waits for."""
        del frame

    async def close(self, code: int = 1000) -> None:
        """Hang up."""
        self.end(Closed(code, by_us=True))
        self._network.forget(self)


class MockNetwork:
    """A way to the paper exchange; see `toucan_instrument.link.Network`.

    Args:
        clock: Where time comes from.
        latency_ns: How long everything takes, each way.
        now: Gives the exchange's time.

    Attributes:
        latency_ns: How long everything takes, each way; it may be changed at any time.
        offline: While it is set, nothing leaves and no connection opens.
    """

    def __init__(self, clock: Clock, *, latency_ns: int, now: Callable[[], int]) -> None:
        if latency_ns < 0:
            raise InvalidInput("nothing arrives before it is sent", field="latency_ns", value=latency_ns)
        self.clock = clock
        self.latency_ns = latency_ns
        self.offline = False
        self._now = now
        self._planned: list[_Planned] = []
        self._sockets: list[MockSocket] = []
        self._lose = self._repeat = 0

    # What goes wrong.

    def plan(self, fault: MockFault, *, of: str, times: int, error: VenueError | None) -> None:
        """Let the next requests go wrong.

        Args:
            fault: How.
            of: Which: those whose name begins with it; empty: whatever is to change something.
            times: How many.
            error: How they are refused, for `MockFault.REFUSE`.
        """
        self._planned.append(_Planned(fault, of, times, error))

    def lose_events(self, count: int) -> None:
        """Lose the next events."""
        self._lose += count

    def repeat_events(self, count: int) -> None:
        """Let the next events arrive twice."""
        self._repeat += count

    def disconnect(self, reason: str) -> None:
        """End the connections: the client opens new ones."""
        for socket in list(self._sockets):
            socket.end(Closed(NO_STATUS, reason))

    def _fault_of(self, name: str, *, changes: bool) -> _Planned | None:
        for planned in self._planned:
            if name.startswith(planned.of) if planned.of else changes:
                planned.left -= 1
                if planned.left <= 0:
                    self._planned.remove(planned)
                return planned
        return None

    # The way.

    async def fetch(self, request: Request) -> Response:
        """Let the exchange do what a request asks, and bring the answer."""
        task: Task = opened(request.body)
        planned = self._fault_of(task.name, changes=task.changes)
        fault = MockFault.NOT_SENT if self.offline else planned and planned.fault
        if fault is MockFault.NOT_SENT:
            raise self._failed(request, "the request never left", sent=False)
        await self._travel()
        if fault is MockFault.REQUEST_LOST:
            raise self._failed(request, "no answer came", sent=None)
        result: Any
        try:
            if fault is MockFault.REFUSE and planned is not None and planned.error is not None:
                raise planned.error
            result = task.act(self._now())
        except VenueError as error:
            result = error
        await self._travel()
        for socket in self._sockets:
            socket.deliver()  # what happened before the answer was sent
        if fault is MockFault.REPLY_LOST:
            raise self._failed(request, "the answer was lost", sent=None)
        status = result.status if isinstance(result, VenueError) else OK
        return Response(status, {}, Cargo.of(result))

    def _failed(self, request: Request, message: str, *, sent: bool | None) -> RequestFailed:
        return RequestFailed(message, method=request.method, url=request.url, sent=sent)

    async def _travel(self) -> None:
        if self.latency_ns:
            await self.clock.sleep_until(self.clock.monotonic_ns() + self.latency_ns)

    def send_event(self, frame: bytes) -> None:
        """Send an event to the client."""
        if self._lose:
            self._lose -= 1
            return
        copies = 1
        if self._repeat:
            self._repeat -= 1
            copies = 2
        due = self.clock.monotonic_ns() + self.latency_ns
        for socket in self._sockets:
            for _ in range(copies):
                socket.push(frame, due)

    async def dial(self, url: str, options: DialOptions) -> MockSocket:
        """Open a connection."""
        del url, options
        await self._travel()
        if self.offline:
            raise DialError("the paper exchange is out of reach", retryable=True)
        socket = MockSocket(self)
        self._sockets.append(socket)
        return socket

    def forget(self, socket: MockSocket) -> None:
        """Note that a connection is over."""
        if socket in self._sockets:
            self._sockets.remove(socket)

    async def close(self) -> None:
        """Close every connection."""
        for socket in list(self._sockets):
            await socket.close()
