"""A server for the benchmark of venues, in a process of its own: it sends tapes of what a venue would say.

Run by `venues.py`; prints its port, then serves until it is ended. On that port speak the real client, to the
scripted exchange; a bare socket, which gets the same frames; and who measures, by JSON lines. The frames of a
tape are made first, and sent when they are asked for, as fast as they are taken.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

sys.path.insert(0, str(Path(__file__).parent))
from feed import CHUNK, accepted, websocket_frame  # beside this file

from toucan_data.cli.recording import Recording, load
from toucan_data.testing.capture import Recording as Played
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument import Exchange
from toucan_instrument.testing.server import Answer, Asked, Peer

STEP_NS = 50_000_000
"""How often the seeded market moves, in the time of the tape."""
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
PATIENCE_S = 10
Tape = list[tuple["Line | None", bytes]]
"""Frames, each with whom it is for; None for all, in the tape of the bare socket."""


class TapeClock:
    """Time that moves as fast as tapes are made."""

    def __init__(self) -> None:
        """Begin now."""
        self.passed = 0
        self._begin = time.time_ns()

    def utc_ns(self) -> int:
        """See `Clock.utc_ns`."""
        return self._begin + self.passed

    def monotonic_ns(self) -> int:
        """See `Clock.monotonic_ns`."""
        return 1 + self.passed

    async def sleep_until(self, monotonic_ns: int) -> None:
        """See `Clock.sleep_until`; nobody does."""
        self.passed = max(self.passed, monotonic_ns - 1)
        await asyncio.sleep(0)


class Line(Peer):
    """A connection of the real client: while a tape is made, all but answers goes on it; else out at once."""

    def __init__(self, number: int, asked: Asked, writer: asyncio.StreamWriter, show: Show) -> None:
        """Take a connection."""
        self.number, self.path, self.query, self.deaf = number, asked.path, asked.query, False
        self.writer, self.show = writer, show
        self.answering = False

    @property
    def open(self) -> bool:
        """Whether it can be sent to."""
        return not self.writer.is_closing()

    async def send(self, frame: bytes) -> None:
        """See `Peer.send`."""
        if self.show.taping and not self.answering:
            self.show.tape.append((self, websocket_frame(frame)))
        else:
            self.writer.write(websocket_frame(frame))

    def drop(self) -> None:
        """See `Peer.drop`."""
        self.writer.close()

    async def close(self, code: int = 1001, reason: str = "") -> None:
        """See `Peer.close`: without a goodbye, which nobody is to need here."""
        raise AssertionError(f"the exchange closes a connection: {code} {reason}")


class Show:
    """One exchange, and the tape of what it says to the client of the moment."""

    def __init__(self, exchange: Exchange, recording: Recording | None) -> None:
        """Play a recording, or the seeded market."""
        self.clock = TapeClock()
        self.tape: Tape = []
        self.taping = self.recorded = recording is not None
        self.stack = AsyncExitStack()
        self.wanted: set[str] = set()
        if recording is None:
            self.exchange = ScriptedExchange.seeded(exchange, pace_ms=None, clock=self.clock)
        else:
            items = [(item.time_received, item.frame, item.url) for item in recording.items]
            self.exchange = ScriptedExchange.playing(exchange, Played(exchange, items))
            self.wanted = set(recording.offered(recording.venue()))

    async def open(self) -> list[str]:
        """Begin; return what is traded."""
        if self.recorded:  # the seeded one is moved by hand, and needs no server of its own
            await self.stack.enter_async_context(self.exchange)
            return []
        return list(self.exchange.market.instruments)

    async def play(self) -> None:
        """Put the recording on the tape, once all of it that is offered is followed."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.wanted <= self.exchange.subscribed:
                await asyncio.sleep(0.01)
            self.exchange.start()
            await self.exchange.played.wait()

    async def step(self) -> None:
        """Let the market move."""
        self.clock.passed += STEP_NS
        await self.exchange.step()

    async def make(self, frames: int) -> None:
        """Put at least so many frames on a new tape."""
        self.tape.clear()
        self.taping = True
        for steps in count(1):
            await self.step()
            if len(self.tape) >= frames:
                break
            if steps > 20 * frames:
                raise AssertionError("the market moves, and nothing is sent")
            if not steps % 100:
                await asyncio.sleep(0)  # for pings
        self.taping = False

    def tops(self) -> dict[str, tuple[str, str]]:
        """Return the best prices of each symbol as the tape leaves them; of a recording none."""
        if self.recorded:
            return {}
        books = {symbol: self.exchange.market.book(symbol, 1) for symbol in self.exchange.market.instruments}
        return {symbol: (str(book.bids[0][0]), str(book.asks[0][0])) for symbol, book in books.items()}


class Tapes:
    """The server."""

    def __init__(self) -> None:
        """Start with nothing to show."""
        self.show: Show | None = None
        self.bare: asyncio.StreamWriter | None = None
        self.recordings: dict[str, Recording] = {}
        self.lines = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, whosever it is."""
        writer.transport.set_write_buffer_limits(0)  # drained means given to the system
        try:
            while line := await reader.readline():
                if line.startswith(b"{"):
                    writer.write(msgspec.json.encode(await self.order(msgspec.json.decode(line))) + b"\n")
                elif await self.http(line, reader, writer):
                    return
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what the measurer wants."""
        match order["do"]:
            case "open":
                return {"symbols": await self.open(Exchange(order["exchange"]), order["capture"])}
            case "step":
                for _ in range(order["count"]):
                    await self.now().step()
            case "make":
                show = self.now()
                await show.make(order["frames"])
                return self.summary(show)
            case "play":
                show = self.now()
                await show.play()
                return self.summary(show)
            case "send":
                await send(self.now().tape)
            case "send bare":
                assert self.bare is not None  # noqa: S101 - it has connected first
                await send([(None, frame) for _, frame in self.now().tape] * order["times"], self.bare)
            case unknown:
                raise AssertionError(unknown)
        return {}

    def now(self) -> Show:
        """Return what is shown."""
        assert self.show is not None  # noqa: S101 - it was chosen first
        return self.show

    @staticmethod
    def summary(show: Show) -> dict[str, Any]:
        """Say what is on the tape."""
        size = sum(len(frame) for _, frame in show.tape)
        return {"frames": len(show.tape), "bytes": size, "tops": show.tops()}

    async def open(self, exchange: Exchange, capture: str | None) -> list[str]:
        """Show another exchange."""
        if self.show is not None:
            await self.show.stack.aclose()
        recording = None
        if capture is not None:
            recording = self.recordings[capture] = self.recordings.get(capture) or load(Path(capture))
        self.show = Show(exchange, recording)
        return await self.show.open()

    async def http(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer a request, or talk over a WebSocket until it ends; tell whether that was it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        url = urlsplit(line.decode("latin-1").split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in head)}
        asked = Asked("GET", url.path, dict(parse_qsl(url.query)), headers, b"")
        key = headers.get("sec-websocket-key")
        if key is None:
            writer.write(_spelled(await self.now().exchange.rest(asked)))
            return False
        if url.path == "/bare":
            writer.write(accepted(key))
            self.bare = writer
            await reader.read(2)  # whatever it says next
            return True
        show = self.now()
        refused = await show.exchange.handshake(asked)
        if refused is not None:
            writer.write(_spelled(refused))
            return False
        writer.write(accepted(key))
        self.lines += 1
        await talk(show.exchange, Line(self.lines, asked, writer, show), reader)
        return True


async def talk(exchange: ScriptedExchange, line: Line, reader: asyncio.StreamReader) -> None:
    """Let an exchange hear what a client says."""
    try:
        line.answering = True
        await exchange.connected(line)
        line.answering = False
        while True:
            code, body = await read_message(reader)
            if code == CLOSE:
                return
            if code == PING:
                line.writer.write(bytes((0x80 | PONG, len(body))) + body)
            elif code == TEXT:
                line.answering = True
                await exchange.said(line, body)
                line.answering = False
    finally:
        await exchange.left(line)


async def read_message(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one message of a client: its opcode and what it says."""
    first, size = await reader.readexactly(2)
    size &= 0x7F
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    mask = await reader.readexactly(4)
    body = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[i & 3] for i, byte in enumerate(body))


async def send(tape: Tape, to: asyncio.StreamWriter | None = None) -> None:
    """Send a tape, to each line its own frames, or all to one."""
    for begin in range(0, len(tape), CHUNK):
        parts: dict[asyncio.StreamWriter, list[bytes]] = {}
        for line, frame in tape[begin : begin + CHUNK]:
            writer = line.writer if line is not None else to
            assert writer is not None  # noqa: S101 - a bare tape has its one line
            parts.setdefault(writer, []).append(frame)
        await _write(parts)


async def _write(parts: Mapping[asyncio.StreamWriter, Iterable[bytes]]) -> None:
    for writer, frames in parts.items():
        writer.write(b"".join(frames))
    for writer in parts:
        await writer.drain()


def _spelled(answer: Answer) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    head = f"HTTP/1.1 {answer.status} -\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(answer.body)}\r\n\r\n".encode() + answer.body


async def main() -> None:
    """Serve until ended."""
    server = await asyncio.start_server(Tapes().serve, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
