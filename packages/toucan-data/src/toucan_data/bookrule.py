"""What a venue says of its books: where snapshots come from, how deep they are, how they are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TypeAlias

import msgspec

from toucan_data.events import LevelText

__all__ = ["BookRule", "BookSnapshot", "Checksum", "Delta", "Snapshots"]

Checksum: TypeAlias = Callable[[Sequence[LevelText], Sequence[LevelText]], int]
"""Works a checksum out from the best bids and the best asks, best first, as the venue's own texts."""


class Snapshots(Enum):
    """Where the snapshot of a book comes from."""

    REST = "over REST"
    """It is asked for; the deltas are kept meanwhile, and the first that counts reaches over it."""
    WIRE = "on the stream"
    """It is the first thing that comes after subscribing, and comes again after subscribing anew; deltas
    before it belong to an earlier subscription, and are left out."""
    WIRE_OR_REST = "on the stream, or over REST"
    """As `WIRE`; but if a stream begins with a delta all the same, one is asked for, as with `REST`."""


class BookRule(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue's book is kept.

    How deltas are numbered is not part of it: those that say what they follow are given to
    `BookSync.delta`, those without a number to `BookSync.change`.

    Attributes:
        snapshots: Where the snapshot comes from.
        drop_equal: Whether a delta that ends at the id of a snapshot of REST is dropped, or applied again.
        depth: How many levels a side the venue's book has: what lies beyond is cut off after every update,
            as no delta tells of it. None for a book that is not cut.
        checksum: Works the venue's checksum out, None where it sends none that works.
        checksum_levels: How many levels a side that takes.
    """

    snapshots: Snapshots = Snapshots.REST
    drop_equal: bool = True
    depth: int | None = None
    checksum: Checksum | None = None
    checksum_levels: int = 10


class BookSnapshot(msgspec.Struct, frozen=True, gc=False):
    """A whole book, as REST or the stream gives it.

    Attributes:
        last_update_id: The id of the last change that it includes, None where the venue numbers none.
        bids: ``(price, quantity)`` texts, in any order.
        asks: ``(price, quantity)`` texts, in any order.
        time_exchange: The venue's time of it, nanoseconds, None where it gives none.
        limit: The depth that was asked for; a side of that many levels was cut off there, and other levels
            beyond may come to be known. None where it is all that there is, or `BookRule.depth` holds.
    """

    last_update_id: int | None
    bids: Sequence[LevelText]
    asks: Sequence[LevelText]
    time_exchange: int | None = None
    limit: int | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    """One delta, as it is kept while a snapshot is awaited."""

    first: int
    last: int
    previous: int | None
    bids: Sequence[LevelText]
    asks: Sequence[LevelText]
    time_exchange: int | None
    time_received: int
    checksum: int | None = None

    @property
    def prior(self) -> int:
        """The id that it follows."""
        return self.first - 1 if self.previous is None else self.previous
