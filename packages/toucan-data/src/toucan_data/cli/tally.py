"""Counting what arrived, for the summary at the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

from toucan_data.events import MarketEvent
from toucan_data.status import (
    Connected,
    DecodeFailed,
    Disconnected,
    Dropped,
    Gap,
    Resynced,
    Retrying,
)

__all__ = ["Tally"]


class Tally:
    """What has arrived so far.

    Attributes:
        events: How many events.
        gaps: How many times events were reported missing.
        reconnects: How many connections were made after the first of each link.
        resyncs: How many times a book came whole again.
        dropped: How many events went because they were written too slowly.
        failures: How many frames could not be read.
        connected: Whether there has been any connection.
        trouble: Why there is no connection, as last told; empty if there is one.
    """

    def __init__(self) -> None:
        """Start from nothing."""
        self.events: int = 0
        self.gaps: int = 0
        self.resyncs: int = 0
        self.dropped: int = 0
        self.failures: int = 0
        self.trouble: str = ""
        self._links: Counter[str] = Counter()

    def add(self, value: Any) -> None:
        """Count an event or a status value."""
        if isinstance(value, MarketEvent):
            self.events += 1
        elif isinstance(value, Connected):
            self._links[value.link] += 1
            self.trouble = ""
        elif isinstance(value, Disconnected):
            self.trouble = value.closed.reason or f"close code {value.closed.code}"
        elif isinstance(value, Retrying):
            self.trouble = value.reason
        elif isinstance(value, Gap):
            self.gaps += 1
        elif isinstance(value, Resynced):
            self.resyncs += 1
        elif isinstance(value, Dropped):
            self.dropped += value.count
        elif isinstance(value, DecodeFailed):
            self.failures += 1

    @property
    def connected(self) -> bool:
        """Whether there has been any connection."""
        return bool(self._links)

    @property
    def reconnects(self) -> int:
        """How many connections were made after the first of each link."""
        return sum(self._links.values()) - len(self._links)

    def summary(self) -> str:
        """Return everything on one line; what is rare only where it happened."""
        parts = [
            _count(self.events, "event"),
            _count(self.gaps, "gap"),
            _count(self.reconnects, "reconnect"),
        ]
        rare = (
            (self.resyncs, "resync"),
            (self.dropped, "dropped event"),
            (self.failures, "unreadable frame"),
        )
        parts += [_count(number, what) for number, what in rare if number]
        return ", ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
