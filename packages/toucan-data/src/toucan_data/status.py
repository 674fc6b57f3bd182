"""What a user is told of the feed itself: values in the stream, next to the events, never only log lines.

Of a connection: `Connected`, `Disconnected`, `Retrying` (from the link that both halves share),
`SubscriptionFailed`, `Silent`. Of the data: `Gap`, `Resynced`, `SnapshotFailed`, `Dropped`,
`DecodeFailed`. Times are int nanoseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from typing import TypeAlias

from toucan_instrument import Exchange, Instrument
from toucan_instrument.link.status import Connected, Disconnected, Retrying
from toucan_instrument.plain import Plain

__all__ = [
    "Connected",
    "DecodeFailed",
    "Disconnected",
    "Dropped",
    "FeedStatus",
    "Gap",
    "Resynced",
    "Retrying",
    "Silent",
    "SnapshotFailed",
    "Status",
    "SubscriptionFailed",
]


class FeedStatus(Plain, frozen=True, kw_only=True):
    """Base of what toucan-data itself reports.

    Attributes:
        at_ns: When it was noticed.
    """

    at_ns: int


class Gap(FeedStatus, frozen=True, kw_only=True):
    """Events of one instrument and kind are missing.

    Attributes:
        exchange: Where.
        instrument: Of what.
        kind: The kind's text, such as ``OrderBooksL2``.
        first_missing: The first id that is missing, None where the venue numbers nothing.
        last_missing: The last id that is missing, None while the end is not known yet (a book between its
            break and its `Resynced`).
        reason: ``sequence``, ``disconnected``, ``checksum``, ``crossed book`` or ``unreadable``.
    """

    exchange: Exchange
    instrument: Instrument
    kind: str
    first_missing: int | None
    last_missing: int | None
    reason: str


class Resynced(FeedStatus, frozen=True, kw_only=True):
    """A book is whole again: an `OrderBookL2Snapshot` follows, then updates.

    It comes after a `Gap` of the book, and where a venue sends a new snapshot of its own accord.

    Attributes:
        exchange: Where.
        instrument: Of what.
        kind: The kind's text.
        first_missing: The first update id that was not delivered as an update, None where nothing was lost
            or nothing is numbered.
        last_missing: The last one: the id of the new snapshot. None likewise.
    """

    exchange: Exchange
    instrument: Instrument
    kind: str
    first_missing: int | None
    last_missing: int | None


class SnapshotFailed(FeedStatus, frozen=True, kw_only=True):
    """The snapshot of a book could not be had, or was too old; it is asked for again after `delay_ns`.

    Attributes:
        exchange: Where.
        instrument: Of what.
        reason: Why.
        delay_ns: How long until the next request is queued.
    """

    exchange: Exchange
    instrument: Instrument
    reason: str
    delay_ns: int


class Dropped(FeedStatus, frozen=True, kw_only=True):
    """A selection was read too slowly: its oldest events went, so that memory stays bounded.

    Attributes:
        count: How many events went since the last `Dropped` of this selection.
        selection: What was selected.
    """

    count: int
    selection: str


class DecodeFailed(FeedStatus, frozen=True, kw_only=True):
    """A frame could not be read; nothing else is harmed by it.

    Attributes:
        exchange: Where it came from.
        error: What is wrong with it.
        raw: The frame, cut off at 64 KiB.
    """

    exchange: Exchange
    error: str
    raw: bytes


class Silent(FeedStatus, frozen=True, kw_only=True):
    """A stream was acknowledged and has delivered nothing by its deadline.

    Venues acknowledge streams that do not exist, and streams on a route that no longer serves them (facts
    A.3). If no stream of the connection has delivered, the connection is made anew.

    Attributes:
        exchange: Where.
        instrument: Of what, None for a stream of a whole market.
        kind: The kind's text.
        channel: The venue's name of the stream.
        route: The connection's path on the venue, such as ``market``.
        waited_ns: How long after the acknowledgement.
    """

    exchange: Exchange
    instrument: Instrument | None
    kind: str
    channel: str
    route: str
    waited_ns: int


class SubscriptionFailed(FeedStatus, frozen=True, kw_only=True):
    """The venue refused a subscription, or did not acknowledge it in time; it is tried again.

    Attributes:
        exchange: Where.
        channels: The venue's names of the streams.
        code: The venue's error code, None where no answer came.
        message: The venue's words, or what was waited for.
    """

    exchange: Exchange
    channels: tuple[str, ...]
    code: int | str | None
    message: str


Status: TypeAlias = (
    Connected
    | Disconnected
    | Retrying
    | Gap
    | Resynced
    | SnapshotFailed
    | Dropped
    | DecodeFailed
    | Silent
    | SubscriptionFailed
)
"""Anything that is said of the feed itself."""
