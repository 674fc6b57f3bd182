"""A call over HTTP, as values: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import msgspec

__all__ = ["Fetch", "LimitNote", "Request", "Response"]


class Request(msgspec.Struct, frozen=True):
    """What is asked of a venue. Its repr shows neither query nor headers: they may hold keys.

    Attributes:
        method: ``GET``, ``POST`` and so on.
        url: The whole address, its query percent-encoded as it is to be sent.
        headers: Names and values.
        body: The body.
        weight: What it costs of the venue's request weight.
        timeout_ns: How long it may take in all, nanoseconds.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    weight: int = 1
    timeout_ns: int = 10_000_000_000

    def __repr__(self) -> str:
        """Show what is safe to show."""
        return f"Request({self.method} {self.url.partition('?')[0]}, weight={self.weight})"


class Response(msgspec.Struct, frozen=True):
    """What a venue answered, whatever the status.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case, and values.
        body: The body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Show status and size."""
        return f"Response({self.status}, {len(self.body)} bytes)"


class LimitNote(msgspec.Struct, frozen=True):
    """What an answer says of the request limits.

    Attributes:
        used: The weight that counts in the venue's present window, None where it does not say.
        retry_after_ns: How long nothing may be sent, nanoseconds, 0 where it asks for nothing.
        banned: Whether the address is banned.
    """

    used: int | None = None
    retry_after_ns: int = 0
    banned: bool = False


Fetch: TypeAlias = Callable[[Request], Awaitable[Response]]
"""Makes a call."""
