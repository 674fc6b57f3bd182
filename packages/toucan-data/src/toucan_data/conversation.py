"""The timing of one connection, without I/O: asking, pings, deadlines, and the end.

A `Conversation` asks for the streams within the venue's limits, sends pings, watches deadlines and probes a
silent peer; `toucan_data.session` adds what frames mean. Times are monotonic nanoseconds; `anchor` turns
them into UTC.

Deadlines, none of which is moved by data that arrives: of an acknowledgement; of the first event of a
stream that has a cadence; of an answer to a ping; of an answer to a probe, which is sent when nothing at
all was heard for a while; of the connection's own life.
"""

from __future__ import annotations

import heapq
from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterable

from toucan_data.feed import Feed, FeedState, SessionContext
from toucan_data.requests import Batch, Requests
from toucan_data.sequencer import BookSync
from toucan_data.status import DecodeFailed, Silent, SubscriptionFailed
from toucan_instrument.errors import PayloadError
from toucan_instrument.link.session import Session
from toucan_instrument.link.transport import OnFrames
from toucan_instrument.link.window import Window

__all__ = ["Conversation"]

PROVEN_AFTER_NS = 60_000_000_000
"""A connection of quiet streams counts as proven when it has lasted this long."""
RAW_KEPT = 65_536
LIFE_JITTER = 0.04
FIRST_RENEWAL_NS = 250_000_000
RENEWAL_CAP_NS = 30_000_000_000


class Conversation(Session):
    """One connection, as its link and its owner see it.

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
        on_stream: Told the name of the stream of every message, as a recording is read.
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
        self._asks = Requests(context.limits, self.group)
        self.on_stream: Callable[[str], None] = _nobody
        self._next_id = 1
        self._window = Window(context.limits.control_messages, context.limits.control_window_ns)
        self._first_events: list[tuple[int, str]] = []
        self._opened = 0
        self._ends = 0
        self._probed: int | None = None
        self._pinged: int | None = None
        self._ping_at = 0
        self._wake: Callable[[], None] = _nothing

    # What a venue adds.

    @abstractmethod
    def take(self, frame: bytes, now: int) -> None:
        """Take one frame, and hand what it holds on; the methods for that stand in `StreamSession`.

        Raises:
            PayloadError: It cannot be read, or not all of it; so do ValueError and RecursionError say, as
                decoders raise them.
        """

    @abstractmethod
    def request(self, names: tuple[str, ...], request_id: int, *, subscribe: bool) -> bytes:
        """Write the message that asks for streams of one group, or gives them up."""

    @abstractmethod
    def probe(self, request_id: int) -> bytes:
        """Write a message that the venue answers, to learn whether it is there."""

    def ping(self, request_id: int) -> bytes:
        """Write the message that is sent every `Limits.ping_ns`; its answer is told by `ponged`."""
        return self.probe(request_id)

    def group(self, name: str) -> Hashable:
        """Return what the streams of one message must have in common; by default they need nothing."""
        del name
        return ""

    def standing(self, feeds: Iterable[Feed]) -> Iterable[str]:
        """Return streams that are asked for besides these, and have no feed: heartbeats."""
        del feeds
        return ()

    def follow(self, feed: Feed) -> None:
        """Expect frames of a stream: for sessions that keep a table of their own."""

    def unfollow(self, name: str) -> None:
        """Expect no more frames of a stream."""

    # What the link calls.

    def opened(self, now: int, utc: int, wake: Callable[[], None]) -> None:
        """Note that the connection is up; ask for the streams at the next `tick`."""
        self._wake = wake
        self.anchor = utc - now
        self.heard = self._opened = now
        limits = self.context.limits
        self._ends = now + int(limits.connection_life_ns * (1 - LIFE_JITTER * self.context.rng()))
        self._ping_at = now + (limits.ping_ns or 0)
        self._take_in(self.feeds.values())
        self.tick(now)

    def receive(self, frame: bytes, now: int) -> None:
        """Take one frame; never raise for what it holds."""
        self.heard = now
        try:
            self.take(frame, now)
        except (PayloadError, ValueError, RecursionError) as error:
            self.unreadable(frame, str(error), now)

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
        for name in self._asks.ripen(now, self.feeds.__contains__):
            self.feeds[name].state = FeedState.REQUESTED
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
        new = list(feeds)
        self.feeds.update({feed.channel.name: feed for feed in new})
        self._take_in(new)
        self._hurry()

    def remove(self, names: Iterable[str]) -> None:
        """Give streams up; frames of them that are under way are ignored."""
        for name in names:
            feed = self.feeds.pop(name, None)
            if feed is None:
                continue
            self._end(feed, self.heard + self.anchor)
            self.unfollow(name)
            self._asks.leave(name)
        self._hurry()

    # What is said of it.

    def delivered(self, feed: Feed) -> None:
        """Note the first event of a feed on this connection."""
        feed.state = FeedState.LIVE
        self.proven = True
        self.context.feed_live(feed)

    # What a venue's `take` calls: answers.

    def fail(self, reason: str, *, planned: bool = False) -> None:
        """Give the connection up."""
        if not self.failed:
            self.failed = reason
            self.planned = planned
            self._wake()

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

    # Inside.

    def _take_in(self, feeds: Iterable[Feed]) -> None:
        new = list(feeds)
        for feed in new:
            if feed.sync is not None:
                feed.sync.renew = self._renew
            self.follow(feed)
        self._asks.want((*self.standing(new), *(feed.channel.name for feed in new)))

    def _renew(self, sync: BookSync) -> None:
        """Have the stream of a book subscribed anew, later each time that it breaks in short order."""
        delay = min(RENEWAL_CAP_NS, FIRST_RENEWAL_NS << min(sync.attempts, 10)) if sync.attempts else 0
        for name, feed in self.feeds.items():
            if feed.sync is sync:
                self._asks.renew(name, self.heard + delay)
        self._hurry()

    def _handed(self, feed: Feed) -> None:
        """Look whether a stream is live now: a book is, once it is in step or all that lacks is REST's."""
        if feed.sync is None or feed.sync.live or not feed.sync.on_wire:
            self.delivered(feed)
            feed.reconnected = False  # a hole that shows later is not from the loss of a connection

    def _hurry(self) -> None:
        self.deadline = 0
        self._wake()

    def _refuse(self, names: tuple[str, ...], code: int | str | None, message: str, now: int) -> None:
        if names:
            self._tell_failure(names, code, message, now)
        for name in names:
            if name in self.feeds:
                self._asks.refused(name, now)

    def _tell_failure(self, names: tuple[str, ...], code: int | str | None, message: str, now: int) -> None:
        self.context.report(
            SubscriptionFailed(
                at_ns=now + self.anchor,
                exchange=self.context.exchange,
                channels=names,
                code=code,
                message=message,
            )
        )

    def _acked(self, name: str, now: int) -> None:
        self._asks.acknowledged(name)
        feed = self.feeds.get(name)
        if feed is None:
            return
        if feed.state is FeedState.REQUESTED:
            feed.state = FeedState.ACKED
            feed.acked_ns = now
            limit = feed.channel.first_event_ns
            if limit is not None:
                heapq.heappush(self._first_events, (now + limit * self.context.patience, name))
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
        while not self._asks.blocked and self._window.earliest(now, 1) <= now:
            batch = self._asks.batch()
            frame = self.request(batch.names, self._next_id, subscribe=batch.subscribe)
            most = limits.bytes_per_message
            while most is not None and len(frame) > most and len(batch.names) > 1:
                batch = Batch(
                    batch.subscribe, batch.names[: len(batch.names) * most // (len(frame) + 1) or 1]
                )
                frame = self.request(batch.names, self._next_id, subscribe=batch.subscribe)
            self._asks.asked(batch, self._next_id, now + limits.ack_ns)
            self._send(frame, now)

    def _send(self, frame: bytes, now: int) -> None:
        self._window.take(now, 1)
        self.outbox.append(frame)
        self._next_id += 1

    def _check_acks(self, now: int) -> None:
        for asked in self._asks.waiting.values():
            if now >= asked.due:
                message = f"no acknowledgement within {self.context.limits.ack_ns / 1e9:g} s"
                if asked.subscribe:
                    self._tell_failure(tuple(asked.names), None, message, now)
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
                    kind=feed.what,
                    channel=name,
                    route=self.context.route,
                    waited_ns=now - feed.acked_ns,
                )
            )
            if feed.sync is not None and feed.sync.on_wire and not feed.sync.live:
                feed.sync.broken(now + self.anchor, None, None)
        if silent and not self.proven:
            self.silent = True
            self.fail("streams were acknowledged, and none of them has delivered anything")

    def _check_life(self, now: int) -> None:
        if now >= self._ends:
            self.fail("planned: the connection is near the end of its allowed life", planned=True)
        else:
            self._check_ping(now)
            self._check_silence(now)
        # Nothing is proven while streams that should deliver are still waited for: they may all be silent.
        waiting = self.failed or self._asks.waiting or self._first_events
        if not self.proven and not waiting and now >= self._opened + PROVEN_AFTER_NS:
            self.proven = True

    def _check_ping(self, now: int) -> None:
        limits = self.context.limits
        if self._pinged is not None and now >= self._pinged + limits.probe_ns:
            self.fail(f"a ping was not answered within {limits.probe_ns / 1e9:g} s")
        elif limits.ping_ns is not None and now >= self._ping_at and self._window.earliest(now, 1) <= now:
            self._ping_at = now + limits.ping_ns
            if self._pinged is None:
                self._pinged = now
            self._send(self.ping(self._next_id), now)

    def _check_silence(self, now: int) -> None:
        limits = self.context.limits
        if self._probed is not None:
            if self.heard > self._probed:
                self._probed = None
            elif now >= self._probed + limits.probe_ns:
                silence = (now - self.heard) / 1e9
                self.fail(f"nothing was heard for {silence:.0f} s, and a probe was not answered")
        elif now >= self.heard + limits.idle_ns and self._window.earliest(now, 1) <= now:
            self._probed = now
            self._send(self.probe(self._next_id), now)

    def _plan(self, now: int) -> None:
        """Set the deadline to the earliest of everything that is waited for."""
        limits = self.context.limits
        free = self._window.earliest(now, 1)
        due = [self._ends]
        if not self._asks.blocked:
            due.append(free)
        due.extend(asked.due for asked in self._asks.waiting.values())
        if self._asks.later is not None:
            due.append(self._asks.later)
        if self._first_events:
            due.append(self._first_events[0][0])
        if limits.ping_ns is not None:
            due.append(max(self._ping_at, free))
        if self._pinged is not None:
            due.append(self._pinged + limits.probe_ns)
        if self._probed is not None:
            due.append(self._probed + limits.probe_ns)
        else:
            due.append(max(self.heard + limits.idle_ns, free))
        if not self.proven and not self._asks.waiting and not self._first_events:
            due.append(max(self._opened + PROVEN_AFTER_NS, now + 1_000_000_000))
        self.deadline = min(due)


def _nothing() -> None:
    """Wake nobody: the connection is not open."""


def _nobody(_: str) -> None:
    """Tell nobody: this is no recording."""
