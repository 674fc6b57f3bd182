"""A stream that is followed, and what the session of a connection is given to follow it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from toucan_data.book import OrderBook
from toucan_data.continuity import IdSequence
from toucan_data.kinds import Kind
from toucan_data.sequencer import BookSync
from toucan_data.status import Status
from toucan_instrument import Exchange, Instrument

__all__ = ["Channel", "Feed", "FeedState", "Limits", "Outlet", "SessionContext"]

SECOND = 1_000_000_000


class Channel(msgspec.Struct, frozen=True):
    """One stream of a venue.

    Attributes:
        route: The path of the venue that serves it; one connection serves one route. Two routes may lead
            to one address, where streams are to be kept on connections of their own.
        name: The venue's name of it, such as ``btcusdt@trade``, or one in that manner where the venue
            names a stream by several fields. What asks for it is made from the name.
        instrument: Of what, None for a stream of a whole market or of a part of it.
        first_event_ns: How long after its acknowledgement the first event may take, None for streams
            that may rightly be silent for hours.
        slot: No connection carries two streams of the same slot; empty for streams that can share one.
            Such as a symbol's book, where the venue keeps one depth of it for each connection.
    """

    route: str
    name: str
    instrument: Instrument | None
    first_event_ns: int | None
    slot: str = ""


class Limits(msgspec.Struct, frozen=True):
    """How a venue's streams may be used; the venue's table gives document and date of each.

    Attributes:
        streams_per_connection: How many streams one connection may carry.
        control_messages: How many messages may be sent within `control_window_ns`, our share of it:
            what is left is for pongs.
        control_window_ns: The window of that limit.
        names_per_message: How many streams one subscribe message names.
        bytes_per_message: How long a subscribe message may be, None where only the number of names counts.
        requests_at_once: How many requests may wait for an answer, None for any number: 1 where answers
            do not say whose they are.
        connection_life_ns: When a connection is replaced, before the venue ends it.
        idle_ns: How long a connection may be without a sign of life before it is probed.
        probe_ns: How long the answer to a probe, or to a ping, may take.
        ping_ns: How often a ping is sent whatever arrives, None where the venue wants none.
        ack_ns: How long an acknowledgement may take, whatever else arrives.
        max_frame: Bytes of the largest frame that is taken.
    """

    streams_per_connection: int
    control_messages: int
    control_window_ns: int = SECOND
    names_per_message: int = 200
    bytes_per_message: int | None = None
    requests_at_once: int | None = None
    connection_life_ns: int = 23 * 3600 * SECOND
    idle_ns: int = 30 * SECOND
    probe_ns: int = 10 * SECOND
    ping_ns: int | None = None
    ack_ns: int = 10 * SECOND
    max_frame: int = 16 * 1024 * 1024


class FeedState(Enum):
    """How far a stream has come on the connection that it is on now."""

    REQUESTED = "requested"
    ACKED = "acknowledged"
    LIVE = "live"


class Outlet:
    """Where the events of one family go.

    Attributes:
        sinks: Where they go; changed in place by `deliver_to`, as selections come and go.
        sink: The same as one callable, None where there are none: for events that come often, as going
            through a list of one costs more than calling it.
    """

    __slots__ = ("sink", "sinks")

    def __init__(self) -> None:
        """Start with nobody who listens."""
        self.sinks: list[Callable[[Any], None]] = []
        self.sink: Callable[[Any], None] | None = None

    def deliver_to(self, *sinks: Callable[[Any], None]) -> None:
        """Let its events go to these from now on, in this order."""
        self.sinks[:] = sinks
        self.sink = _all_of(sinks) if len(sinks) > 1 else next(iter(sinks), None)


class Feed(Outlet):
    """One stream that is being followed; it outlives the connections that carry it.

    Itself it is the outlet of the kinds that the stream is there for. A stream that serves kinds with other
    events too, as a mark price comes with its funding rate, has an outlet for each of these.

    Attributes:
        channel: The venue's stream.
        kinds: What was subscribed that it serves.
        instruments: For each of them, of what: the stream's instrument, or one of those that a stream of
            a whole market is read for, or None for all that comes.
        only: Whose events are wanted of a stream of a whole market, None for all.
        outlets: Outlets for other families, by the name of the kind.
        decode: Reads a frame of it.
        handle: Makes events of what was read and hands them to the sinks.
        ids: The sequence of its trade ids, for trades.
        sync: Its book's sequencer, for a maintained book.
        book: Its book, maintained or partial, else None.
        state: How far it has come on its present connection.
        acked_ns: When it was acknowledged there, monotonic.
        watchers: Called with a partial book after every change; a maintained book has its own.
        reconnected: Whether a connection was lost since its last event.
    """

    __slots__ = (
        "acked_ns",
        "book",
        "channel",
        "decode",
        "handle",
        "ids",
        "instruments",
        "kinds",
        "only",
        "outlets",
        "reconnected",
        "state",
        "sync",
        "watchers",
    )

    def __init__(self, channel: Channel, kinds: list[Kind[object]], of: Instrument | None = None) -> None:
        """Start as a stream that was not asked for yet.

        Args:
            channel: The venue's stream.
            kinds: What is wanted of it.
            of: Whose events are wanted, where the stream is of a whole market; None for all.
        """
        super().__init__()
        self.channel: Channel = channel
        self.kinds: list[Kind[object]] = kinds
        self.instruments: list[Instrument | None] = [channel.instrument or of for _ in kinds]
        self.only: frozenset[Instrument] | None = None
        self.outlets: dict[str, Outlet] = {}
        self._narrow()
        self.decode: Callable[[bytes], Any] = _undecided
        self.handle: Callable[[Any, int], None] = _unhandled
        self.ids: IdSequence | None = None
        self.sync: BookSync | None = None
        self.book: OrderBook | None = None
        self.state: FeedState = FeedState.REQUESTED
        self.acked_ns: int = 0
        self.watchers: list[Callable[[OrderBook], None]] = []
        self.reconnected: bool = False

    def outlet(self, kind: Kind[Any]) -> Outlet:
        """Return the outlet of a kind whose events are not those that the stream is there for."""
        return self.outlets.setdefault(kind.name, Outlet())

    def outlet_of(self, kind: Kind[Any]) -> Outlet:
        """Return where the events of a kind go."""
        return self.outlets.get(kind.name, self)

    def deliver_all_to(self, *sinks: Callable[[Any], None]) -> None:
        """Let the events of all its outlets go to these."""
        for outlet in (self, *self.outlets.values()):
            outlet.deliver_to(*sinks)

    def join(self, kind: Kind[Any], instrument: Instrument | None) -> None:
        """Serve one more subscription."""
        self.kinds.append(kind)
        self.instruments.append(instrument)
        self._narrow()

    def leave(self, kind: Kind[Any], instrument: Instrument | None) -> bool:
        """Serve one subscription less; tell whether any is left."""
        for index, pair in enumerate(zip(self.kinds, self.instruments, strict=True)):
            if pair == (kind, instrument):
                del self.kinds[index], self.instruments[index]
                break
        self._narrow()
        return bool(self.kinds)

    def _narrow(self) -> None:
        wanted = set(self.instruments)
        whole = self.channel.instrument is not None or None in wanted
        self.only = None if whole else frozenset(of for of in wanted if of is not None)

    def wants(self, instrument: Instrument) -> bool:
        """Tell whether anybody wants the events of an instrument, for a stream of a whole market."""
        return self.only is None or instrument in self.only

    def interrupted(self) -> bool:
        """Tell, once, whether a connection was lost since the last event."""
        was = self.reconnected
        self.reconnected = False
        return was

    def missing(self) -> str:
        """Return what it still waits for, empty if it has delivered."""
        if self.sync is not None and not self.sync.live:
            return "a synced book"
        if self.state is FeedState.REQUESTED:
            return "an acknowledgement"
        if self.state is FeedState.ACKED and self.sync is None and not self.quiet:
            return "first data"
        return ""

    @property
    def quiet(self) -> bool:
        """Whether it may rightly be silent for hours."""
        return all(kind.name == "Liquidations" for kind in self.kinds)

    @property
    def of(self) -> str:
        """Of what it is, for people: instruments, or the whole market."""
        return ", ".join(dict.fromkeys(str(of or "whole market") for of in self.instruments))

    @property
    def what(self) -> str:
        """What was subscribed that it serves, for people."""
        return ", ".join(dict.fromkeys(map(repr, self.kinds)))

    def __repr__(self) -> str:
        """Show name and state."""
        return f"Feed({self.channel.name}, {self.state.value})"


def _all_of(sinks: tuple[Callable[[Any], None], ...]) -> Callable[[Any], None]:
    """Return what hands an event to several."""

    def deliver(event: Any) -> None:
        for sink in sinks:
            sink(event)

    return deliver


def _undecided(_: bytes) -> Any:
    raise RuntimeError("the venue did not prepare this feed")


def _unhandled(_: Any, __: int) -> None:
    raise RuntimeError("the venue did not prepare this feed")


class SessionContext(msgspec.Struct, frozen=True):
    """What the session of one connection is given.

    Attributes:
        exchange: Whose connection it is.
        route: Which path.
        limits: The venue's limits.
        report: Takes status values.
        rng: Gives jitter in [0, 1).
        feed_live: Called when a feed is acknowledged or delivers for the first time, so that waiters can
            look again.
        paused: Called when the frames that had arrived together have all been read: the time to wake
            readers.
        patience: By how much deadlines of first events are stretched: it doubles with each connection
            that was given up because nothing came, so that quiet markets are not reconnected for ever.
        open: Gives the feed of a stream that was not asked for, as a recording is read; None for a live
            connection, where that is an error.
    """

    exchange: Exchange
    route: str
    limits: Limits
    report: Callable[[Status], None]
    rng: Callable[[], float]
    feed_live: Callable[[Feed], None]
    paused: Callable[[], None]
    patience: int = 1
    open: Callable[[str], Feed | None] | None = None
