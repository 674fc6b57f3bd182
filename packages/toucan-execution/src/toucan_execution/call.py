"""A call to a venue as a value, and conversations of several.

A `Call` says what is asked and how its answer is read, and nothing of the way: the same call goes over REST
or over a WebSocket API. A conversation that needs several calls (pages of a history, a fallback) is a
generator: it yields calls and is sent their results, or has the venue's error thrown into it; its return
value is the result of the whole. So it is tested with ``next`` and ``send``, without a network.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from toucan_instrument.link import Lane

__all__ = ["Auth", "Call", "Conversation", "Params", "Value", "one"]

T = TypeVar("T")

Value: TypeAlias = str | int | bool
"""A parameter as it is sent: exact numbers are texts in plain notation."""

Params: TypeAlias = tuple[tuple[str, Value], ...]


class Auth(Enum):
    """What a call must carry."""

    NONE = "none"
    KEY = "key"
    """The key alone."""
    SIGNED = "signed"
    """Key, time and signature."""


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What is asked of a venue. Its repr does not show the parameters.

    Attributes:
        name: What it does, for errors and logs, such as ``place order``.
        method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
        path: The path of the address.
        params: Names and values, in order; neither time nor signature.
        decode: Makes the result of an answer's body (over a WebSocket: of its result) and the time at
            which it was received, nanoseconds since the epoch. Raises `PayloadError`.
        auth: What it must carry.
        weight: What it costs of the request weight.
        free: Whether it costs nothing where it succeeds.
        lane: What it is for.
        slots: How many orders it counts for in the order limits.
        ws_method: Its name in the venue's WebSocket API, empty where that has no such method.
        ws_params: Its parameters there where they are not `params`.
        changes: Whether it may change anything: whatever does is never sent twice.
    """

    name: str
    method: str
    path: str
    decode: Callable[[bytes, int], T]
    params: Params = ()
    auth: Auth = Auth.SIGNED
    weight: int = 1
    free: bool = False
    lane: Lane = Lane.RECONCILE
    slots: int = 0
    ws_method: str = ""
    ws_params: Params | None = None
    changes: bool = False

    def __repr__(self) -> str:
        """Show what is safe to show."""
        return f"Call({self.name}: {self.method} {self.path})"


Conversation: TypeAlias = Generator[Call[Any], Any, T]
"""Yields calls, is sent their results, returns the whole."""


def one(call: Call[T]) -> Conversation[T]:
    """Return the conversation of a single call."""
    result: T = yield call
    return result
