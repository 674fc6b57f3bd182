"""What the link needs of a network library, as types: aiohttp's adapter is `_aiohttp`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from toucan_instrument.errors import InvalidInput
from toucan_instrument.rest import Request, Response

__all__ = ["Closed", "Dial", "DialOptions", "Network", "OnControl", "OnFrames", "Socket"]

OnFrames = Callable[[list[bytes]], None]
"""Takes the data frames that arrived together, in order: never an empty list, and the taker's to keep.

Text frames are bytes too, and nobody has checked that they are UTF-8.
"""

OnControl = Callable[[], None]
"""Told that a ping or a pong arrived."""


class Closed(msgspec.Struct, frozen=True):
    """How a connection ended.

    Attributes:
        code: The WebSocket close code (RFC 6455 section 7.4); 1006 where none came.
        reason: The peer's words, or the transport's, or why we gave up.
        by_us: Whether our side hung up.
    """

    code: int
    reason: str = ""
    by_us: bool = False


class DialOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a WebSocket is opened.

    Attributes:
        compress: Whether to offer permessage-deflate: it saves traffic and costs CPU and latency.
        max_frame: Bytes of the largest message accepted, after decompression; a larger one ends the
            connection with 1009.
        timeout_ns: How long the handshake may take, name lookup and TLS included.
    """

    compress: bool = False
    max_frame: int = 4 * 1024 * 1024
    timeout_ns: int = 10_000_000_000

    def __post_init__(self) -> None:
        for field, value in (("max_frame", self.max_frame), ("timeout_ns", self.timeout_ns)):
            if value <= 0:
                raise InvalidInput(
                    f"{field} must be positive", field=field, value=value, accepted="1 or more"
                )


class Socket(Protocol):
    """One open WebSocket."""

    async def run(self, on_frames: OnFrames, on_control: OnControl) -> Closed:
        """Hand every frame over, in order, until the end; a loss is a value, not an error.

        Frames that are here are handed over before anything is waited for. Pings are answered here, with
        their own payload. Whatever `on_frames` or `on_control` raises is a bug of theirs and comes out
        unchanged. Called once.
        """
        ...

    async def send(self, frame: bytes) -> None:
        """Send one text frame; where the connection is already gone, `run` tells, not this."""
        ...

    async def close(self, code: int = 1000) -> None:
        """Say goodbye and hang up: within about a second, even on a peer that is dead or deaf.

        `run` returns no later than this. Closing twice is harmless.
        """
        ...


Dial = Callable[[], Awaitable[Socket]]
"""Opens a connection, or raises `DialError`."""


class Network(Protocol):
    """A way out: WebSockets and REST calls."""

    async def dial(self, url: str, options: DialOptions) -> Socket:
        """Open a WebSocket.

        Raises:
            DialError: Refused, out of time, unreachable, or not an address.
        """
        ...

    async def fetch(self, request: Request) -> Response:
        """Make one REST call and give the answer, whatever its status.

        Raises:
            RequestFailed: No complete answer came.
        """
        ...

    async def close(self) -> None:
        """Close every connection; nothing can be dialled or fetched afterwards."""
        ...
