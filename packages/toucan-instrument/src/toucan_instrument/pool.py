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

    def at(self, address: str) -> Pool:
        """Return the pool of an address of the user's own, such as a local exchange: apart from the venue's.

        Args:
            address: Any address of it; scheme, host and port count, and ``ws`` is as good as ``http``.
        """
        origin = "/".join(address.replace("ws", "http", 1).split("/", 3)[:3])
        return Pool(f"{self.name}@{origin}", self.limit, self.window_ns, self.source) if address else self
