"""A network without sockets: a test exchange and its clients in one process, on a clock that a test moves.

What a `LoopbackServer` does over TCP happens here at once, or after a latency: so hours of traffic pass in
seconds, in the same order every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from toucan_instrument.errors import DialError, RequestFailed
from toucan_instrument.link.clock import Clock, SystemClock, before
from toucan_instrument.link.transport import Closed, DialOptions, OnControl, OnFrames
from toucan_instrument.rest import Request, Response
from toucan_instrument.testing.server import Answer, Asked, Handler
from toucan_instrument.testing.socket import FakeSocket

__all__ = ["DirectNetwork"]

GOING_AWAY = 1001
SECOND = 1_000_000_000
FIRST_FAULT = 500
TOO_MANY, BANNED = 429, 418


class DirectNetwork:
    """A `Network` whose other end is a `Handler` in the same process.

    Args:
        handler: The test exchange.
        latency_ns: How long everything is under way, each way, nanoseconds.
        clock: Where time comes from.
    """

    def __init__(self, handler: Handler, *, latency_ns: int = 0, clock: Clock | None = None) -> None:
        self.latency_ns: int = latency_ns
        self.lines: list[_Line] = []
        """Every connection that was opened, in order."""
        self._handler = handler
        self._clock: Clock = clock or SystemClock()
        self._closed = False
        self._asking: set[asyncio.Task[Answer | None]] = set()

    @property
    def arrival_ns(self) -> int:
        """When what is sent now is there, on the clock's monotonic time."""
        return self._clock.monotonic_ns() + self.latency_ns

    async def travel(self, arrival_ns: int | None = None) -> None:
        """Let what is sent be under way until it is there; what was sent now, where None."""
        until = self.arrival_ns if arrival_ns is None else arrival_ns
        if until > self._clock.monotonic_ns():
            await self._clock.sleep_until(until)

    async def dial(self, url: str, options: DialOptions) -> FakeSocket:
        """See `Network.dial`."""
        del options
        if self._closed:
            raise DialError("the network is closed", retryable=False)
        asked = _asked("GET", url, {}, b"")
        await self.travel()
        refusal = await self._handler.handshake(asked)
        await self.travel()
        if refusal is not None:
            raise _refused(refusal)
        line = _Line(len(self.lines), asked, self, self._handler)
        self.lines.append(line)
        line.begin()
        return line.socket

    async def fetch(self, request: Request) -> Response:
        """See `Network.fetch`."""
        if self._closed:
            raise RequestFailed("the network is closed", method=request.method, url=request.url, sent=False)
        asking = asyncio.ensure_future(self._ask(request))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        # Who waits no longer calls nothing back: what was sent goes on being under way, and is done.
        if not await before(self._clock, self._clock.monotonic_ns() + request.timeout_ns, asking):
            raise RequestFailed("no answer in time", method=request.method, url=request.url, sent=None)
        answer = asking.result()
        if answer is None:
            raise RequestFailed("the connection was lost", method=request.method, url=request.url, sent=None)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, headers, answer.body)

    async def _ask(self, request: Request) -> Answer | None:
        await self.travel()
        answer = await self._handler.rest(_asked(request.method, request.url, request.headers, request.body))
        await self.travel()
        return answer

    async def close(self) -> None:
        """See `Network.close`."""
        self._closed = True
        for asking in tuple(self._asking):
            asking.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        for line in self.lines:
            await line.socket.close()
            await line.ended()


class _Socket(FakeSocket):
    """The client's end: it tells the exchange when it hangs up."""

    line: _Line

    async def run(self, on_frames: OnFrames, on_control: OnControl) -> Closed:
        """See `Socket.run`."""
        try:
            return await super().run(on_frames, on_control)
        finally:
            self.line.leave()


class _Line:
    """One connection, and the exchange's end of it; see `Peer`."""

    def __init__(self, number: int, asked: Asked, network: DirectNetwork, handler: Handler) -> None:
        self.number: int = number
        self.path: str = asked.path
        self.query: Mapping[str, str] = asked.query
        self.raw_query: str = asked.raw_query
        self.deaf: bool = False
        self.socket = _Socket(on_send=self._hear)
        self.socket.line = self
        self._network = network
        self._handler = handler
        self._over = False
        # What is under way, and when it is there: all of it at once, each on time.
        self._said: asyncio.Queue[tuple[int, bytes | None]] = asyncio.Queue()
        self._told: asyncio.Queue[tuple[int, bytes | Closed | None]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Let both directions flow."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._talk())]

    def leave(self) -> None:
        """Take note that the client has hung up."""
        self._said.put_nowait((self._network.arrival_ns, None))

    async def ended(self) -> None:
        """Wait until the exchange knows that the client has gone; what it failed with comes out here."""
        self.leave()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    def _hear(self, frame: bytes) -> None:
        self._said.put_nowait((self._network.arrival_ns, frame))

    async def _listen(self) -> None:
        try:
            await self._handler.connected(self)
            while True:
                arrival, frame = await self._said.get()
                if frame is None:
                    return
                await self._network.travel(arrival)
                if not self.deaf and not self._over:
                    await self._handler.said(self, frame)
        except Exception:
            self.socket.end()
            raise
        finally:
            self._tasks[1].cancel()
            await self._handler.left(self)

    async def _talk(self) -> None:
        while True:
            arrival, item = await self._told.get()
            await self._network.travel(arrival)
            if isinstance(item, Closed):
                self.socket.end(item)
            elif item is None:
                self.socket.ping()
            else:
                self.socket.push(item)

    @property
    def open(self) -> bool:
        """See `Peer.open`."""
        return not self._over and not self.deaf and self.socket.closed is None

    def _tell(self, item: bytes | Closed | None) -> None:
        if self.open:
            self._told.put_nowait((self._network.arrival_ns, item))

    def _end(self, closed: Closed) -> None:
        """Hang up: what the client says from now on is not heard, though it learns of it later."""
        if not self._over:
            self._over = True
            self._told.put_nowait((self._network.arrival_ns, closed))

    async def send(self, frame: bytes) -> None:
        """See `Peer.send`."""
        self._tell(frame)

    async def ping(self, payload: bytes = b"") -> None:
        """See `Peer.ping`: what it carries is of no interest here."""
        del payload
        self._tell(None)

    def drop(self) -> None:
        """See `Peer.drop`."""
        self._end(Closed(1006, "the connection was lost"))

    def go_deaf(self) -> None:
        """See `Peer.go_deaf`."""
        self.deaf = True

    async def close(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """See `Peer.close`."""
        self._end(Closed(code, reason))


def _asked(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Asked:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    low = {name.lower(): value for name, value in headers.items()}
    return Asked(method, parts.path, query, low, body, parts.query)


def _refused(answer: Answer) -> DialError:
    wait = answer.headers.get("Retry-After", "0")
    retryable = answer.status >= FIRST_FAULT or answer.status in (TOO_MANY, BANNED)
    return DialError(
        f"the handshake was answered with {answer.status}",
        retryable=retryable,
        retry_after_ns=int(wait) * SECOND,
        status=answer.status,
    )
