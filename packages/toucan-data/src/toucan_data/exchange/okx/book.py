"""How OKX's books are kept; facts 6.3."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from zlib import crc32

from toucan_data.bookrule import BookRule, Snapshots
from toucan_data.events import LevelText

__all__ = ["CHECKED_LEVELS", "DEPTH", "RULE", "checksum"]

DEPTH = 400
"""How many levels a side ``books`` has."""
CHECKED_LEVELS = 25
_SIGN, _ALL = 1 << 31, 1 << 32


def checksum(bids: Sequence[LevelText], asks: Sequence[LevelText]) -> int:
    """Work the checksum out: best bid, best ask, next bid and so on, as a signed CRC-32 of the texts.

    It was sent until 2026-06. Recordings from before there were ids have nothing else that shows loss.
    """
    parts: list[str] = []
    for bid, ask in zip_longest(bids[:CHECKED_LEVELS], asks[:CHECKED_LEVELS]):
        parts += (*(bid or ()), *(ask or ()))
    found = crc32(":".join(parts).encode())
    return found - _ALL if found >= _SIGN else found


RULE = BookRule(
    # A snapshot on the stream was announced to end in 2026, and came in 2026-10 all the same: both are known.
    snapshots=Snapshots.WIRE_OR_REST,
    depth=DEPTH,
    checksum=checksum,
    checksum_levels=CHECKED_LEVELS,
)
"""Snapshot on the stream, each update naming the one it follows, 400 levels a side."""
