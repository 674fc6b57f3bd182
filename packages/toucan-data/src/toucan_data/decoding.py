"""Reading recorded frames without a connection: the same decoders, the same books.

A `FrameDecoder` takes frames in the order in which they came, and REST answers among them, and gives
events and status values. It is what ``toucan-data decode`` runs. `SessionDecoder` is one for any venue: it
runs the venue's own session over the frames.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from enum import Enum
from typing import Any

import msgspec

from toucan_data.feed import Channel, Feed, SessionContext
from toucan_data.sequencer import BookSync
from toucan_data.session import StreamSession
from toucan_data.status import DecodeFailed, Gap, Status
from toucan_data.venue import Venue

__all__ = ["Counts", "FrameDecoder", "Outcome", "SessionDecoder"]


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
        streams: The streams that the last frame was of, by the venue's names; also those not offered.
    """

    def __init__(self, venue: Venue) -> None:
        """Start without any book."""
        self.venue = venue
        self.counts: Counts = Counts()
        self.streams: tuple[str, ...] = ()
        self._out: list[Any] = []

    def of_streams(self, *names: str) -> None:
        """Note which streams the frame is of, besides those noted before."""
        self.streams = tuple(dict.fromkeys((*self.streams, *names)))

    def frame(self, frame: bytes, time_received: int) -> list[Any]:
        """Take one frame; return its events, and what it tells of gaps and failures."""
        self.counts.frames += 1
        self.streams = ()
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
        """Read a frame, hand what it holds to `emit`, and say what it was; never raise for what it holds.

        What streams it is of goes to `of_streams`.
        """

    def read_rest(self, url: str, body: bytes, time_received: int) -> bool:
        """Read a REST answer; False if it is none that is used."""
        del url, body, time_received
        return False

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


class SessionDecoder(FrameDecoder):
    """Reads recorded frames as the session of a live connection does, each stream from its first frame on.

    A stream is followed in every kind that it serves. Updates of a book are given out although the recording
    has not shown its snapshot yet; a book that broke is left as it is until a snapshot comes.

    A venue needs no more than this, unless its frames were once of another form: then it overrides `read`.
    """

    def __init__(self, venue: Venue) -> None:
        """Start without any book."""
        super().__init__(venue)
        self._books: dict[str, BookSync] = {}
        self._unreadable = False
        self._session = self.begin()

    def begin(self) -> StreamSession:
        """Return the session that reads from now on; what is numbered for each connection begins anew."""
        context = SessionContext(
            exchange=self.venue.exchange,
            route="",
            limits=self.venue.limits,
            report=self._report,
            rng=float,
            feed_live=_ignored,
            paused=_nothing,
            open=self._open,
        )
        session = self.venue.session(context, [])
        session.opened(0, 0, _nothing)
        return session

    def read(self, frame: bytes, time_received: int) -> Outcome:
        """See `FrameDecoder.read`."""
        self._unreadable = False
        session = self._session
        session.on_stream = self._seen
        session.receive(frame, time_received)
        session.outbox.clear()
        if self._unreadable:
            return Outcome.FAILED
        if not self.streams:
            return Outcome.CONTROL
        followed = any(name in session.feeds for name in self.streams)
        return Outcome.EVENTS if followed else Outcome.NOT_OFFERED

    def book_of(self, symbol: str) -> BookSync | None:
        """See `FrameDecoder.book_of`: of several books of a symbol, the first that came."""
        return self._books.get(symbol)

    def _seen(self, name: str) -> None:
        self.of_streams(name)

    def _open(self, name: str) -> Feed | None:
        found = self.venue.streams_of(name)
        if found is None:
            return None
        symbol, kinds = found
        instrument = self.venue.unchecked(symbol) if symbol else None
        feed = Feed(Channel("", name, instrument, None), list(kinds))
        self.venue.prepare(feed, self._report, _ignored, self.venue.unchecked)
        if feed.ids is not None:
            feed.ids.keep_repetitions = True
        if feed.sync is not None:
            feed.sync.keep_all = True
            self._books.setdefault(symbol, feed.sync)
        feed.deliver_all_to(self.emit)
        return feed

    def _report(self, value: Status) -> None:
        if isinstance(value, DecodeFailed):
            self._unreadable = True
            self.counts.failures += 1
            self.emit(value)
        elif isinstance(value, Gap):
            self.emit(value)


def _ignored(_: object) -> None:
    """Take note of nothing: there is no connection."""


def _nothing() -> None:
    """Wake nobody."""
