"""Reading recorded frames without a connection: the same decoders, the same books.

A `FrameDecoder` takes frames in the order in which they came, and REST answers among them, and gives
events and status values. It is what ``toucan-data decode`` runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from enum import Enum
from typing import Any

import msgspec

from toucan_data.sequencer import BookSync
from toucan_data.status import DecodeFailed, Gap
from toucan_data.venue import Venue

__all__ = ["Counts", "FrameDecoder", "Outcome"]


RAW_KEPT = 65_536


class Outcome(Enum):
    """What a frame turned out to be."""

    EVENTS = "events"
    CONTROL = "control"
    NOT_OFFERED = "not offered"
    FAILED = "failed"


class Counts(msgspec.Struct):
    """What has been read so far.

    Attributes:
        frames: Frames.
        events: Events by their type's name.
        control: Frames that answer or announce something.
        not_offered: Frames of channels that toucan does not offer.
        failures: Frames, and REST answers, that could not be read.
        gaps: Holes in a sequence of ids.
        rest: REST answers that were used.
    """

    frames: int = 0
    events: Counter[str] = msgspec.field(default_factory=Counter)
    control: int = 0
    not_offered: int = 0
    failures: int = 0
    gaps: int = 0
    rest: int = 0

    def summary(self) -> str:
        """Return everything on one line."""
        events = ", ".join(f"{name} {count}" for name, count in sorted(self.events.items()))
        return (
            f"{self.frames} frames; events: {events or 'none'}; {self.control} control; "
            f"{self.not_offered} not offered; {self.failures} failed; {self.gaps} gaps"
        )


class FrameDecoder(ABC):
    """Reads the recorded frames of one venue.

    Attributes:
        venue: Whose frames.
        counts: What has been read so far.
    """

    def __init__(self, venue: Venue) -> None:
        """Start without any book."""
        self.venue = venue
        self.counts: Counts = Counts()
        self._out: list[Any] = []

    def frame(self, frame: bytes, time_received: int) -> list[Any]:
        """Take one frame; return its events, and what it tells of gaps and failures."""
        self.counts.frames += 1
        outcome = self.read(frame, time_received)
        if outcome is Outcome.CONTROL:
            self.counts.control += 1
        elif outcome is Outcome.NOT_OFFERED:
            self.counts.not_offered += 1
        return self._take()

    def rest(self, url: str, body: bytes, time_received: int) -> list[Any]:
        """Take one REST answer; return the events that it completes."""
        if self.read_rest(url, body, time_received):
            self.counts.rest += 1
        return self._take()

    @abstractmethod
    def read(self, frame: bytes, time_received: int) -> Outcome:
        """Read a frame, hand what it holds to `emit`, and say what it was; never raise for what it holds."""

    @abstractmethod
    def read_rest(self, url: str, body: bytes, time_received: int) -> bool:
        """Read a REST answer; False if it is none that is used."""

    @abstractmethod
    def book_of(self, symbol: str) -> BookSync | None:
        """Return the book of a symbol as far as it was read, None if there is none."""

    def emit(self, value: Any) -> None:
        """Give an event or a status value out."""
        self._out.append(value)

    def failed(self, frame: bytes, error: str, time_received: int) -> Outcome:
        """Give out, and count, that a frame or a REST answer could not be read."""
        self.counts.failures += 1
        self.emit(
            DecodeFailed(at_ns=time_received, exchange=self.venue.exchange, error=error, raw=frame[:RAW_KEPT])
        )
        return Outcome.FAILED

    def _take(self) -> list[Any]:
        out, self._out = self._out, []
        for value in out:
            if isinstance(value, Gap):
                self.counts.gaps += 1
            elif not isinstance(value, DecodeFailed):
                self.counts.events[type(value).__name__] += 1
        return out
