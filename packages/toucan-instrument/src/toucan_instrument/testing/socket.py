"""Connections that a test scripts: a socket to speak through, and a network of such sockets."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from toucan_instrument.link.transport import Closed, DialOptions, OnControl, OnFrames
from toucan_instrument.rest import Request, Response

__all__ = ["Answer", "DialStep", "FakeNetwork", "FakeSocket"]

PING = "ping"


class FakeSocket:
    """A `Socket` whose other end is the test.

    Args:
        frames: What the venue says at once.
        closed: How the venue then hangs up; it stays on the line where None.
        on_send: Called with every frame that is sent, so that a test may answer with `push`.
    """

    def __init__(
        self,
        frames: Iterable[bytes] = (),
        closed: Closed | None = None,
        *,
        on_send: Callable[[bytes], None] | None = None,
    ) -> None:
        self.sent: list[bytes] = []
        """What our side has sent, in order."""
        self.closed: Closed | None = None
        """How the connection ended, None while it has not."""
        self.on_send = on_send
        self._coming: deque[bytes | str | Closed] = deque(frames)
        if closed is not None:
            self._coming.append(closed)
        self._news = asyncio.Event()
        self._news.set()

    def push(self, *frames: bytes) -> None:
        """Say something, as the venue."""
        self._coming.extend(frames)
        self._news.set()

    def ping(self) -> None:
        """Send a ping, as the venue; the pong is not recorded."""
        self._coming.append(PING)
        self._news.set()

    def end(self, closed: Closed | None = None) -> None:
        """Hang up, as the venue, once everything pushed was heard; without words where None."""
        self._coming.append(closed or Closed(1006, "the connection was lost"))
        self._news.set()

    async def run(self, on_frames: OnFrames, on_control: OnControl) -> Closed:
        """See `Socket.run`; what was pushed at once arrives together."""
        while self.closed is None:
            await self._news.wait()
            self._news.clear()
            while self._coming and self.closed is None:
                item = self._coming.popleft()
                if isinstance(item, Closed):
                    self.closed = item
                elif isinstance(item, str):
                    on_control()
                else:
                    frames = [item]
                    while self._coming and isinstance(self._coming[0], bytes):
                        frames.append(self._coming[0])
                        self._coming.popleft()
                    on_frames(frames)
        return self.closed

    async def send(self, frame: bytes) -> None:
        """See `Socket.send`."""
        if self.closed is None:
            self.sent.append(frame)
            if self.on_send is not None:
                self.on_send(frame)

    async def close(self, code: int = 1000) -> None:
        """See `Socket.close`."""
        if self.closed is None:
            self.closed = Closed(code, by_us=True)
            self._news.set()


DialStep = FakeSocket | Exception | Callable[[str], "FakeSocket | Awaitable[FakeSocket]"]
"""What a dial gives: a socket, an error to raise, or a callable that is given the address."""

Answer = Response | Exception | Callable[[Request], "Response | Awaitable[Response]"]
"""What a call gives: a response, an error to raise, or a callable that is given the request."""


class FakeNetwork:
    """A `Network` without a network.

    Args:
        dials: What one dial after the other gives; where None, every dial gives a new, silent
            socket. A dial beyond the end of the script raises AssertionError.
        answer: What a call gives that `on` knows nothing of; where None, it raises AssertionError.
    """

    def __init__(self, dials: Iterable[DialStep] | None = None, *, answer: Answer | None = None) -> None:
        self.dialled: list[tuple[str, DialOptions]] = []
        """Every dial, in order: the address and the options."""
        self.sockets: list[FakeSocket] = []
        """Every socket that was handed out, in order."""
        self.requests: list[Request] = []
        """Every call, in order."""
        self.closed: bool = False
        self._dials = None if dials is None else deque(dials)
        self._answer = answer
        self._routes: dict[tuple[str, str], Answer] = {}

    def add_dial(self, step: DialStep) -> None:
        """Append to the script of dials."""
        if self._dials is None:
            self._dials = deque()
        self._dials.append(step)

    def on(self, method: str, path: str, answer: Answer) -> None:
        """Answer calls whose address ends with `path`, not counting the query."""
        self._routes[method, path] = answer

    async def dial(self, url: str, options: DialOptions) -> FakeSocket:
        """See `Network.dial`."""
        self.dialled.append((url, options))
        if self._dials is None:
            step: DialStep = FakeSocket()
        elif self._dials:
            step = self._dials.popleft()
        else:
            raise AssertionError(f"the script of dials is over, and {url} was dialled")
        if isinstance(step, Exception):
            raise step
        if not isinstance(step, FakeSocket):
            made = step(url)
            step = await made if inspect.isawaitable(made) else made
        self.sockets.append(step)
        return step

    async def fetch(self, request: Request) -> Response:
        """See `Network.fetch`."""
        self.requests.append(request)
        address = request.url.partition("?")[0]
        answer = self._answer
        for (method, path), known in self._routes.items():
            if method == request.method and address.endswith(path):
                answer = known
        if answer is None:
            raise AssertionError(f"no answer for {request.method} {address}")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Response):
            return answer
        made = answer(request)
        return await made if inspect.isawaitable(made) else made

    async def close(self) -> None:
        """See `Network.close`: every socket that is still open is closed."""
        self.closed = True
        for socket in self.sockets:
            await socket.close()
