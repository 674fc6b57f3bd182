"""A limit that is shared by everything behind one address, as a value."""

from __future__ import annotations

import msgspec

__all__ = ["Pool"]


class Pool(msgspec.Struct, frozen=True):
    """How much of something an address may use in a window of time.

    Attributes:
        name: What tells pools apart; users of the same name share one budget.
        limit: The most that may be used within a window.
        window_ns: The window, nanoseconds.
        source: The document and date behind it.
    """

    name: str
    limit: int
    window_ns: int
    source: str
