"""One connection of the sandbox: what it is sent, in order, and what goes wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.streams import StreamSession
from toucan_execution.testing.sandbox.wsapi import WsSession
from toucan_instrument.link.clock import Clock
from toucan_instrument.testing.faults import Action, Fault, FaultScript
from toucan_instrument.testing.rolling import RollingCount
from toucan_instrument.testing.server import Peer

__all__ = ["Line"]

SECOND = 1_000_000_000
MOST_WAITING = 50_000
POLICY = 1008


class Line:
    """A connection, with its own queue: one that does not read holds up nobody else.

    Args:
        peer: The client.
        market: What it came to.
        session: What it speaks: streams, or the WebSocket API.
        number: Which of the sandbox's connections it is; clients' networks may number theirs alike.
        faults: What goes wrong with events.
        clock: Where time comes from.
        shutdown: Writes the notice that the venue shuts the connection down, for `Action.SHUTDOWN`.
    """

    def __init__(
        self,
        peer: Peer,
        market: SandboxMarket,
        session: StreamSession | WsSession,
        *,
        number: int,
        faults: FaultScript,
        clock: Clock,
        shutdown: Callable[[Line], bytes],
    ) -> None:
        self.peer = peer
        self.market = market
        self.session = session
        self._number = number
        self.controls: RollingCount = RollingCount(SECOND)
        self.pinged_ns: int = clock.monotonic_ns()
        self._faults = faults
        self._clock = clock
        self._shutdown = shutdown
        self.closing: bool = False
        """Whether it is about to be closed: what it says is not heard any more."""
        self._queue: asyncio.Queue[tuple[str, bytes] | Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._stalled = False
        self._task = asyncio.create_task(self._write())

    def send(self, frame: bytes, name: str = "") -> None:
        """Send a frame behind those that wait.

        Args:
            frame: What is sent.
            name: The stream or the kind of event, for faults; empty for answers, with which none go wrong.
        """
        if self._queue.qsize() < MOST_WAITING:
            self._queue.put_nowait((name, frame))

    def ping(self, payload: bytes) -> None:
        """Send a ping, in its place."""
        self._queue.put_nowait(lambda: self.peer.ping(payload))

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, behind what waits to be sent."""
        if not self.closing:
            self.closing = True
            self._queue.put_nowait(lambda: self.peer.close(code, reason))

    async def end(self) -> None:
        """Stop writing."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            item = await self._queue.get()
            if not isinstance(item, tuple):
                await item()
                continue
            name, frame = item
            if self._queue.qsize() >= MOST_WAITING - 1:
                await self.peer.close(POLICY, "Too slow")
            elif not name:
                await self.peer.send(frame)
            elif not self._stalled:
                for step in self._faults.on_frame(self._number, name, frame):
                    if step.frame is not None:
                        await self.peer.send(step.frame)
                    if step.fault is not None:
                        await self._suffer(step.fault)

    async def _suffer(self, fault: Fault) -> None:
        match fault.action:
            case Action.DROP:
                self.peer.drop()
            case Action.CLOSE:
                await self.peer.close(fault.code)
            case Action.HALF_OPEN:
                self.peer.go_deaf()
            case Action.STALL:
                self._stalled = True
            case Action.SLOW:
                await self._clock.sleep_until(self._clock.monotonic_ns() + int(fault.delay * SECOND))
            case _:
                await self.peer.send(self._shutdown(self))
