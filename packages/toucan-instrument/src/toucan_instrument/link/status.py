"""What a link tells its user, in order: Connected, Disconnected, Retrying, Connected, ..."""

from __future__ import annotations

import msgspec

from toucan_instrument.link.transport import Closed

__all__ = ["Connected", "Disconnected", "LinkStatus", "Retrying"]


class LinkStatus(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of what can happen to a link.

    Attributes:
        link: The name that the link was given.
        at_ns: When, in nanoseconds since the Unix epoch, UTC.
    """

    link: str
    at_ns: int


class Connected(LinkStatus, frozen=True, kw_only=True, tag=True):
    """A connection is up. Nothing has been received over it yet.

    Attributes:
        attempt: How many attempts it took since the last connection that was proven, from 1.
    """

    attempt: int


class Disconnected(LinkStatus, frozen=True, kw_only=True, tag=True):
    """The connection is over, and its socket is closed.

    Attributes:
        closed: How it ended.
    """

    closed: Closed


class Retrying(LinkStatus, frozen=True, kw_only=True, tag=True):
    """The next attempt is made after `delay_ns`; there is no last attempt.

    Attributes:
        attempt: The number of the next attempt since the last connection that was proven, from 1.
        delay_ns: How long the link waits before it.
        reason: Why there is no connection.
    """

    attempt: int
    delay_ns: int
    reason: str
