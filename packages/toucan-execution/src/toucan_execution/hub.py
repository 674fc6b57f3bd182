"""Who reads an account's events: any number of streams, none of which ever loses one.

A stream whose reader falls too far behind is told so in its place (`ConsumerStalled`), and while any stream
is stalled only cancels pass. Once its reader has caught up, the account is fetched again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from toucan_execution.account import AccountSnapshot
from toucan_execution.errors import ClientClosed
from toucan_execution.events import AccountEvent, ConsumerStalled
from toucan_instrument.errors import InvalidInput

__all__ = ["BOUND", "AccountStream", "EventHub"]

BOUND = 10_000
"""How many events may wait for a reader before it counts as stalled, unless said otherwise."""


class AccountStream:
    """An account's events, in order; iterate it with ``async for``.

    It ends when the client is closed, and raises `ClientClosed` if that has ended by a fault.
    """

    def __init__(self, hub: EventHub) -> None:
        self._hub = hub
        self._buffer: deque[AccountEvent] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._started = False
        self._ended = False
        self._error: BaseException | None = None
        self.stalled: bool = False
        """Whether its reader has fallen too far behind."""

    def __aiter__(self) -> AccountStream:
        """Return itself: there is one place of reading."""
        return self

    async def __anext__(self) -> AccountEvent:
        """Return the next event, waiting for it if there is none.

        Raises:
            ClientClosed: The client has ended by a fault, or another task reads this stream.
        """
        await self._hub.start()
        while not self._buffer:
            if self._ended:
                if self._error is not None:
                    raise ClientClosed(f"the client has ended: {self._error}") from self._error
                raise StopAsyncIteration
            if self._waiter is not None:
                raise ClientClosed("this stream is being read by another task: open one for each reader")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        event = self._buffer.popleft()
        if self.stalled and not self._buffer:
            self.stalled = False
            self._hub.caught_up(self)
        return event

    async def aclose(self) -> None:
        """Stop being fed."""
        self._hub.remove(self)
        self.end(None)

    def __len__(self) -> int:
        """Return how many events wait to be read."""
        return len(self._buffer)

    def __bool__(self) -> bool:
        """A stream is true, empty or not."""
        return True

    def begin(self, snapshot: AccountSnapshot) -> None:
        """Put the account as it is before everything else, once."""
        if not self._started:
            self._started = True
            self.put(snapshot)

    def put(self, event: AccountEvent) -> None:
        """Append an event and wake the reader."""
        self._buffer.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self, error: BaseException | None) -> None:
        """End it: what waits can still be read."""
        self._ended, self._error = True, error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class EventHub:
    """Hands every event to every stream.

    Args:
        bound: How many events may wait for a reader.
        stalled: Makes the value that tells of it, given how many events wait.
        start: Starts the client; awaited before the first event is read.
        recovered: Called when no stream is stalled any more.
    """

    def __init__(
        self,
        *,
        bound: int = BOUND,
        stalled: Callable[[int], ConsumerStalled],
        start: Callable[[], Awaitable[None]],
        recovered: Callable[[], None],
    ) -> None:
        if bound < 1:
            raise InvalidInput("a buffer holds something", field="bound", value=bound, accepted="1 or more")
        self._bound = bound
        self._make_stalled = stalled
        self._start = start
        self._recovered = recovered
        self._streams: list[AccountStream] = []
        self._closed = False
        self._error: BaseException | None = None

    async def start(self) -> None:
        """Start the client, unless it is over."""
        if not self._closed:
            await self._start()

    @property
    def stalled(self) -> bool:
        """Whether a reader has fallen too far behind."""
        return any(stream.stalled for stream in self._streams)

    def open(self, snapshot: AccountSnapshot | None) -> AccountStream:
        """Open a stream; it begins with the account as it is, now or as soon as that is known."""
        stream = AccountStream(self)
        if self._closed:
            stream.end(self._error)
            return stream
        self._streams.append(stream)
        if snapshot is not None:
            stream.begin(snapshot)
        return stream

    def begin(self, snapshot: AccountSnapshot) -> None:
        """Give the account to the streams that have not begun."""
        for stream in self._streams:
            stream.begin(snapshot)

    def publish(self, event: AccountEvent) -> None:
        """Hand an event to every stream."""
        for stream in self._streams:
            stream.put(event)
            if not stream.stalled and len(stream) >= self._bound:
                stream.stalled = True
                stream.put(self._make_stalled(len(stream)))

    def caught_up(self, stream: AccountStream) -> None:
        """Note that a stalled reader has read everything."""
        del stream
        if not self.stalled:
            self._recovered()

    def remove(self, stream: AccountStream) -> None:
        """Feed a stream no more."""
        if stream in self._streams:
            was_stalled, stream.stalled = stream.stalled, False
            self._streams.remove(stream)
            if was_stalled and not self.stalled:
                self._recovered()

    def close(self, error: BaseException | None = None) -> None:
        """End all streams, by a fault if one is given."""
        if self._closed:
            return
        self._closed, self._error = True, error
        for stream in self._streams:
            stream.end(error)
        self._streams.clear()
