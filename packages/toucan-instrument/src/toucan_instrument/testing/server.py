"""A server on loopback: WebSockets and REST for a test exchange, and the means to misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol, Self

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

__all__ = ["Answer", "Asked", "Handler", "LoopbackServer", "Peer"]

HALF_SECOND = 0.5


class Asked(msgspec.Struct, frozen=True):
    """What came over HTTP.

    Attributes:
        method: ``GET`` and so on.
        path: The path.
        query: The query, decoded.
        headers: The headers; names in lower case.
        body: The body.
        raw_query: The query as it was sent: what a signature is made of.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    raw_query: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What goes back.

    Attributes:
        status: The status.
        body: The body, JSON.
        headers: More headers.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = {}


class Peer(Protocol):
    """One client that is connected.

    Attributes:
        number: Counts from 0 over the server's life.
        path: Where it connected.
        query: With which query.
        raw_query: The same as it was sent.
        deaf: Whether it is neither read nor sent to any more, though the connection is open.
    """

    number: int
    path: str
    query: Mapping[str, str]
    raw_query: str
    deaf: bool

    @property
    def open(self) -> bool:
        """Whether it can be sent to."""
        ...

    async def send(self, frame: bytes) -> None:
        """Send a text frame, whatever bytes it holds; a peer that has left is no error."""
        ...

    async def ping(self, payload: bytes = b"") -> None:
        """Send a ping; a peer that has left is no error."""
        ...

    def drop(self) -> None:
        """Lose the connection without a goodbye."""
        ...

    def go_deaf(self) -> None:
        """Keep the connection open, and neither read nor send any more."""
        ...

    async def close(self, code: int = WSCloseCode.GOING_AWAY, reason: str = "") -> None:
        """Say goodbye."""
        ...


class _WebPeer:
    """A client that is connected over a socket; see `Peer`."""

    def __init__(
        self, number: int, asked: Asked, socket: web.WebSocketResponse, request: web.Request
    ) -> None:
        self.number: int = number
        self.path: str = asked.path
        self.query: Mapping[str, str] = asked.query
        self.raw_query: str = asked.raw_query
        self.deaf: bool = False
        self._socket = socket
        self._request = request

    @property
    def open(self) -> bool:
        """Whether it can be sent to."""
        return not self._socket.closed and not self.deaf

    async def send(self, frame: bytes) -> None:
        """Send a text frame, whatever bytes it holds; a peer that has left is no error."""
        if self.open:
            with suppress(ConnectionError):
                await self._socket.send_frame(frame, WSMsgType.TEXT)

    async def ping(self, payload: bytes = b"") -> None:
        """See `Peer.ping`."""
        if self.open:
            with suppress(ConnectionError):
                await self._socket.ping(payload)

    def drop(self) -> None:
        """Lose the connection without a goodbye."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def go_deaf(self) -> None:
        """Keep the connection open, and neither read nor send any more."""
        self.deaf = True
        transport = self._request.transport
        if transport is not None and isinstance(transport, asyncio.ReadTransport):
            transport.pause_reading()

    async def close(self, code: int = WSCloseCode.GOING_AWAY, reason: str = "") -> None:
        """Say goodbye."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(HALF_SECOND):
                await self._socket.close(code=code, message=reason.encode())


class Handler(Protocol):
    """What a test exchange does with what comes."""

    async def handshake(self, asked: Asked) -> Answer | None:
        """Return an answer to refuse a WebSocket, None to accept it."""

    async def connected(self, peer: Peer) -> None:
        """Take note of a new peer."""

    async def said(self, peer: Peer, text: bytes) -> None:
        """Take a message of a peer."""

    async def left(self, peer: Peer) -> None:
        """Take note that a peer is gone."""

    async def rest(self, asked: Asked) -> Answer | None:
        """Answer a request; None loses the connection without an answer."""


class LoopbackServer:
    """A server on 127.0.0.1; use it with ``async with``.

    Attributes:
        peers: Who is connected.
        port: Where it listens; before that, where it is to listen, 0 for any port that is free.
    """

    def __init__(self, handler: Handler, *, port: int = 0) -> None:
        """Prepare a server for a handler."""
        self.peers: list[Peer] = []
        self.port: int = port
        self._handler = handler
        self._count = 0
        self._runner: web.AppRunner | None = None

    @property
    def http_url(self) -> str:
        """Base address for REST."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Base address for WebSockets."""
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=HALF_SECOND)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        """Lose all peers and stop."""
        for peer in tuple(self.peers):
            peer.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        body = b"" if upgrade else await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw_query = request.raw_path.partition("?")[2]
        asked = Asked(request.method, request.path, dict(request.query), headers, body, raw_query)
        if not upgrade:
            answer = await self._handler.rest(asked)
            if answer is None and request.transport is not None:
                request.transport.abort()
            return _response(answer or Answer(500))
        refusal = await self._handler.handshake(asked)
        if refusal is not None:
            return _response(refusal)
        socket = web.WebSocketResponse(compress=True, timeout=HALF_SECOND)
        await socket.prepare(request)
        peer = _WebPeer(self._count, asked, socket, request)
        self._count += 1
        self.peers.append(peer)
        try:
            await self._handler.connected(peer)
            async for message in socket:
                if message.type is WSMsgType.TEXT and not peer.deaf:
                    await self._handler.said(peer, message.data.encode())
        finally:
            self.peers.remove(peer)
            await self._handler.left(peer)
        return socket


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers={"Content-Type": "application/json", **answer.headers},
    )
