"""The part of a connection's protocol that venues have in common, without I/O.

A `StreamSession` belongs to one connection and is thrown away with it. It asks for the streams within the
venue's limits, matches acknowledgements, watches deadlines and probes a silent peer. A venue adds how its
messages are written and read. Times are monotonic nanoseconds; `anchor` turns them into UTC.

Deadlines, none of which is moved by data that arrives: of an acknowledgement; of the first event of a
stream that has a cadence; of an answer to a probe, which is sent when nothing at all was heard for a
while; of the connection's own life.
"""

from __future__ import annotations

import heapq
from abc import abstractmethod
from collections.abc import Callable, Iterable
from itertools import islice

from toucan_data.feed import Feed, FeedState, SessionContext
from toucan_data.status import DecodeFailed, Silent, SubscriptionFailed
from toucan_instrument.link.session import Session
from toucan_instrument.link.transport import OnFrames
from toucan_instrument.link.window import Window

__all__ = ["StreamSession"]

PROVEN_AFTER_NS = 60_000_000_000
"""A connection of quiet streams counts as proven when it has lasted this long."""
RAW_KEPT = 65_536
LIFE_JITTER = 0.04


class StreamSession(Session):
    """The protocol of one connection.

    Attributes:
        outbox: Frames to send, in order.
        deadline: When `tick` is wanted, None for never.
        proven: Whether data has flowed, so that a reconnect may start with short delays again.
        failed: Why this connection should be given up, empty while it should not.
        planned: Whether that was planned, so that the next connection is opened at once.
        silent: Whether it was given up because none of its streams delivered anything.
        heard: When anything was last received.
        anchor: UTC less monotonic time, nanoseconds, fixed when the connection opened.
        feeds: The streams of this connection by the venue's name.
    """

    def __init__(self, context: SessionContext, feeds: list[Feed]) -> None:
        """Prepare to ask for `feeds` once the connection is open."""
        self.context = context
        self.outbox: list[bytes] = []
        self.deadline: int | None = None
        self.proven: bool = False
        self.failed: str = ""
        self.planned: bool = False
        self.silent: bool = False
        self.heard: int = 0
        self.anchor: int = 0
        self.feeds: dict[str, Feed] = {feed.channel.name: feed for feed in feeds}
        self._wanted: dict[str, bool] = dict.fromkeys(self.feeds, True)
        self._gone: set[str] = set()
        self._requests: dict[int, tuple[bool, tuple[str, ...], int]] = {}
        self._next_id = 1
        self._window = Window(context.limits.control_messages, context.limits.control_window_ns)
        self._first_events: list[tuple[int, str]] = []
        self._opened = 0
        self._ends = 0
        self._probed: int | None = None
        self._wake: Callable[[], None] = _nothing

    # What a venue adds.

    @abstractmethod
    def receive(self, frame: bytes, now: int) -> None:
        """Take one frame; see `toucan_instrument.link.session.Session`."""

    @abstractmethod
    def request(self, names: tuple[str, ...], request_id: int, *, subscribe: bool) -> bytes:
        """Write the message that asks for streams, or gives them up."""

    @abstractmethod
    def probe(self, request_id: int) -> bytes:
        """Write a message that the venue answers, to learn whether it is there."""

    @abstractmethod
    def follow(self, feed: Feed) -> None:
        """Expect frames of a stream."""

    @abstractmethod
    def unfollow(self, name: str) -> None:
        """Expect no more frames of a stream."""

    # What the link calls.

    def opened(self, now: int, utc: int, wake: Callable[[], None]) -> None:
        """Note that the connection is up; ask for the streams at the next `tick`."""
        self._wake = wake
        self.anchor = utc - now
        self.heard = self._opened = now
        life = self.context.limits.connection_life_ns
        self._ends = now + int(life * (1 - LIFE_JITTER * self.context.rng()))
        for feed in self.feeds.values():
            self.follow(feed)
        self.tick(now)

    def reader(self, now: Callable[[], int]) -> OnFrames:
        """Return what receives frames, and then wakes the readers of what they held."""
        take, paused = super().reader(now), self.context.paused

        def read(frames: list[bytes]) -> None:
            take(frames)
            paused()

        return read

    def alive(self, now: int) -> None:
        """Note a ping or pong."""
        self.heard = now

    def tick(self, now: int) -> None:
        """Do what is due."""
        if self.failed:
            return
        self._ask(now)
        self._check_acks(now)
        self._check_first_events(now)
        self._check_life(now)
        self._plan(now)

    def closed(self, now: int) -> None:
        """Note that the connection is over."""
        utc = now + self.anchor
        for feed in self.feeds.values():
            self._end(feed, utc)
        self._wake = _nothing

    # What the owner of the connection calls while it runs.

    def add(self, feeds: Iterable[Feed]) -> None:
        """Ask for more streams."""
        for feed in feeds:
            name = feed.channel.name
            self.feeds[name] = feed
            self._gone.discard(name)
            self._wanted[name] = True
            self.follow(feed)
        self._hurry()

    def remove(self, names: Iterable[str]) -> None:
        """Give streams up; frames of them that are under way are ignored."""
        for name in names:
            feed = self.feeds.pop(name, None)
            if feed is None:
                continue
            self._end(feed, self.heard + self.anchor)
            self.unfollow(name)
            self._gone.add(name)
            if self._wanted.pop(name, None) is None:
                self._wanted[name] = False
        self._hurry()

    # What a venue's `receive` calls.

    def answered(self, request_id: int, now: int) -> bool:
        """Note a positive answer to a request; False if nothing was asked under that id."""
        self._probed = None
        request = self._requests.pop(request_id, None)
        if request is None:
            return False
        subscribe, names, _ = request
        for name in names if subscribe else ():
            feed = self.feeds.get(name)
            if feed is not None:
                self._acked(feed, now)
        self._hurry()
        return True

    def refused(self, request_id: int | None, code: int | str | None, message: str, now: int) -> None:
        """Note an error answer: a refused subscription ends the connection, and is tried on a new one."""
        self._probed = None
        request = self._requests.pop(request_id, None) if request_id is not None else None
        names = request[1] if request else ()
        self.context.report(
            SubscriptionFailed(
                at_ns=now + self.anchor,
                exchange=self.context.exchange,
                channels=names,
                code=code,
                message=message,
            )
        )
        if request is None or request[0]:
            self.fail(f"the venue refused a request: {message} (code {code})")

    def unreadable(self, frame: bytes, error: str, now: int) -> None:
        """Report a frame that cannot be read."""
        self.context.report(
            DecodeFailed(
                at_ns=now + self.anchor,
                exchange=self.context.exchange,
                error=error,
                raw=frame[:RAW_KEPT],
            )
        )

    def delivered(self, feed: Feed) -> None:
        """Note the first event of a feed on this connection."""
        feed.state = FeedState.LIVE
        self.proven = True
        self.context.feed_live(feed)

    def fail(self, reason: str, *, planned: bool = False) -> None:
        """Give the connection up."""
        if not self.failed:
            self.failed = reason
            self.planned = planned
            self._wake()

    def has_left(self, name: str) -> bool:
        """Tell whether a stream was given up on this connection."""
        return name in self._gone

    # Inside.

    def _hurry(self) -> None:
        self.deadline = 0
        self._wake()

    def _acked(self, feed: Feed, now: int) -> None:
        if feed.state is FeedState.REQUESTED:
            feed.state = FeedState.ACKED
            feed.acked_ns = now
            limit = feed.channel.first_event_ns
            if limit is not None:
                heapq.heappush(self._first_events, (now + limit * self.context.patience, feed.channel.name))
        if feed.sync is not None:
            feed.sync.connected(now + self.anchor)
        self.context.feed_live(feed)

    def _end(self, feed: Feed, utc: int) -> None:
        feed.state = FeedState.REQUESTED
        feed.reconnected = True
        if feed.sync is not None:
            feed.sync.disconnected(utc)

    def _ask(self, now: int) -> None:
        """Send what is wanted, as far as the limit of messages allows."""
        limits = self.context.limits
        while self._wanted and self._window.earliest(now, 1) <= now:
            subscribe = next(iter(self._wanted.values()))
            same = (name for name, wanted in self._wanted.items() if wanted is subscribe)
            names = tuple(islice(same, limits.names_per_message))
            for name in names:
                del self._wanted[name]
            self._send(names, now, subscribe=subscribe)

    def _send(self, names: tuple[str, ...], now: int, *, subscribe: bool) -> None:
        self._window.take(now, 1)
        self._requests[self._next_id] = (subscribe, names, now + self.context.limits.ack_ns)
        self.outbox.append(self.request(names, self._next_id, subscribe=subscribe))
        self._next_id += 1

    def _check_acks(self, now: int) -> None:
        for subscribe, names, due in self._requests.values():
            if now >= due:
                waited = self.context.limits.ack_ns / 1e9
                message = f"no acknowledgement within {waited:g} s"
                if subscribe:
                    self.context.report(
                        SubscriptionFailed(
                            at_ns=now + self.anchor,
                            exchange=self.context.exchange,
                            channels=names,
                            code=None,
                            message=message,
                        )
                    )
                self.fail(message)
                return

    def _check_first_events(self, now: int) -> None:
        silent = False
        while self._first_events and self._first_events[0][0] <= now:
            _, name = heapq.heappop(self._first_events)
            feed = self.feeds.get(name)
            if feed is None or feed.state is not FeedState.ACKED:
                continue
            silent = True
            self.context.report(
                Silent(
                    at_ns=now + self.anchor,
                    exchange=self.context.exchange,
                    instrument=feed.channel.instrument,
                    kind=", ".join(map(repr, feed.kinds)),
                    channel=name,
                    route=self.context.route,
                    waited_ns=now - feed.acked_ns,
                )
            )
        if silent and not self.proven:
            self.silent = True
            self.fail("streams were acknowledged, and none of them has delivered anything")

    def _check_life(self, now: int) -> None:
        limits = self.context.limits
        if now >= self._ends:
            self.fail("planned: the connection is near the end of its allowed life", planned=True)
        elif self._probed is not None:
            if self.heard > self._probed:
                self._probed = None
            elif now >= self._probed + limits.probe_ns:
                silence = (now - self.heard) / 1e9
                self.fail(f"nothing was heard for {silence:.0f} s, and a probe was not answered")
        elif now >= self.heard + limits.idle_ns and self._window.earliest(now, 1) <= now:
            self._window.take(now, 1)
            self._probed = now
            self.outbox.append(self.probe(self._next_id))
            self._next_id += 1
        # Nothing is proven while streams that should deliver are still waited for: they may all be silent.
        waiting = self.failed or self._requests or self._first_events
        if not self.proven and not waiting and now >= self._opened + PROVEN_AFTER_NS:
            self.proven = True

    def _plan(self, now: int) -> None:
        """Set the deadline to the earliest of everything that is waited for."""
        limits = self.context.limits
        due = [self._ends]
        if self._wanted:
            due.append(self._window.earliest(now, 1))
        due.extend(request[2] for request in self._requests.values())
        if self._first_events:
            due.append(self._first_events[0][0])
        if self._probed is not None:
            due.append(self._probed + limits.probe_ns)
        else:
            due.append(max(self.heard + limits.idle_ns, self._window.earliest(now, 1)))
        if not self.proven and not self._requests and not self._first_events:
            due.append(max(self._opened + PROVEN_AFTER_NS, now + 1_000_000_000))
        self.deadline = min(due)


def _nothing() -> None:
    """Wake nobody: the connection is not open."""
