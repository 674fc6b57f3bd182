"""One connection's protocol as a venue writes it: what it fills in, and what it calls for each frame.

A `StreamSession` belongs to one connection and is thrown away with it. The timing stands in
`toucan_data.conversation`, the account of what was asked for in `toucan_data.requests`. A venue adds how
messages are written (`request`, `probe`, `ping`) and what each frame means (`take`), in terms of the methods
here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from toucan_data.conversation import Conversation
from toucan_data.feed import Feed, FeedState
from toucan_data.status import Gap
from toucan_instrument.errors import PayloadError

__all__ = ["StreamSession"]


class StreamSession(Conversation):
    """The protocol of one connection; see `Conversation` for its attributes."""

    # What a venue's `take` calls: events.

    def hand(self, name: str, message: Any, now: int) -> None:
        """Hand a message of a stream to what makes events of it.

        Raises:
            PayloadError: The stream was not asked for, or the message holds what cannot be.
        """
        feed = self.feed_of(name)
        if feed is not None:
            feed.handle(message, now + self.anchor)
            if feed.state is not FeedState.LIVE:
                self._handed(feed)

    def hand_raw(self, name: str, payload: Any, now: int) -> None:
        """Decode a payload by the stream's own decoder, and hand it on; see `hand`.

        Raises:
            ValueError: It cannot be decoded.
        """
        feed = self.feed_of(name)
        if feed is not None:
            feed.handle(feed.decode(payload), now + self.anchor)
            if feed.state is not FeedState.LIVE:
                self._handed(feed)

    def feed_of(self, name: str) -> Feed | None:
        """Return what follows a stream, None where it was given up, or is not offered.

        Raises:
            PayloadError: It was not asked for.
        """
        self.on_stream(name)
        feed = self.feeds.get(name)
        if feed is not None or name in self._asks.gone:
            return feed
        if self.context.open is None:
            raise PayloadError(f"stream {name!r}", raw=name.encode(), cause="it was not asked for")
        feed = self.context.open(name)
        if feed is not None:
            self.feeds[name] = feed
            self.follow(feed)
        return feed

    def lost(self, first: int | None, last: int | None, now: int, reason: str = "sequence") -> None:
        """Report that frames of this connection are missing, whatever they were.

        Every book begins anew, and every stream that does not number its own events has a `Gap`.

        Args:
            first: The first number that is missing.
            last: The last one.
            now: When that was noticed.
            reason: For `Gap`.
        """
        utc = now + self.anchor
        for feed in list(self.feeds.values()):
            if feed.sync is not None:
                feed.sync.broken(utc, first, last, reason)
            elif feed.ids is None and feed.state is FeedState.LIVE:
                feed.reconnected = True  # for those who would go on from what they know
                for instrument in dict.fromkeys(feed.instruments):
                    if instrument is not None:
                        self.context.report(
                            Gap(
                                at_ns=utc,
                                exchange=self.context.exchange,
                                instrument=instrument,
                                kind=feed.what,
                                first_missing=first,
                                last_missing=last,
                                reason=reason,
                            )
                        )

    def answered(self, request_id: int | None, now: int) -> bool:
        """Note a positive answer to a whole request; False if nothing was asked under that id.

        Args:
            request_id: Which; None where the answer does not say: the oldest.
            now: The time.
        """
        self._probed = self._pinged = None
        asked = self._asks.settle_all(request_id)
        if asked is None:
            return False
        for name in asked.names if asked.subscribe else ():
            self._acked(name, now)
        self._hurry()
        return True

    def acked(self, names: Iterable[str], now: int, request_id: int | None = None) -> None:
        """Note that streams are acknowledged one by one; names that nobody waits for are passed over."""
        for name in names:
            if self._asks.settle(name, subscribe=True, number=request_id):
                self._acked(name, now)
        self._hurry()

    def dropped(self, names: Iterable[str], now: int, request_id: int | None = None) -> None:
        """Note that streams have ended, as was asked for."""
        del now
        for name in names:
            self._asks.settle(name, subscribe=False, number=request_id)
        self._hurry()

    def listed(self, names: Collection[str], now: int) -> None:
        """Note an answer that lists all that is subscribed, to the oldest request.

        What was asked for and is not on the list was left out silently: it is refused.
        """
        asked = self._asks.settle_all(None)
        if asked is not None and asked.subscribe:
            missing = tuple(name for name in asked.names if name not in names)
            for name in asked.names:
                if name in names:
                    self._acked(name, now)
            if missing:
                self._refuse(missing, None, "the venue did not list it among what is subscribed", now)
        self._hurry()

    def ponged(self, now: int) -> None:
        """Note the answer to a ping or a probe."""
        del now
        self._pinged = self._probed = None

    def refused(
        self,
        request_id: int | None,
        code: int | str | None,
        message: str,
        now: int,
        *,
        names: Iterable[str] | None = None,
    ) -> None:
        """Note an error answer.

        Args:
            request_id: To which request, None where it does not say.
            code: The venue's code.
            message: Its words.
            now: The time.
            names: The streams that it refuses, where it says; then these are asked for again later, and
                nothing else is touched. Where it does not say, the connection ends, and all is tried on a
                new one; `rejected` is for venues where one stream can spoil a request.
        """
        self._probed = None
        if names is not None:
            given = {name: self._asks.settle(name, subscribe=None, number=request_id) for name in names}
            self._refuse(tuple(n for n, asked in given.items() if asked is True), code, message, now)
            if unasked := tuple(n for n, asked in given.items() if asked is None):
                self._tell_failure(unasked, code, message, now)
            self._hurry()
            return
        asked = self._asks.waiting.pop(request_id, None) if request_id is not None else None
        self._tell_failure(tuple(asked.names) if asked else (), code, message, now)
        if asked is None or asked.subscribe:
            self.fail(f"the venue refused a request: {message} (code {code})")

    def rejected(
        self,
        request_id: int | None,
        code: int | str | None,
        message: str,
        now: int,
        *,
        bad: Collection[str] = (),
    ) -> None:
        """Note that a whole request was refused because of some streams of it.

        The others are asked for again at once. Where the answer does not say which ones are bad, the request
        is said again in two halves, and so on until they are found.

        Args:
            request_id: Which request, None where it does not say: the oldest.
            code: The venue's code.
            message: Its words.
            now: The time.
            bad: The streams that are at fault, where it says.
        """
        asked = self._asks.settle_all(request_id)
        if asked is None:
            self.refused(None, code, message, now)
            return
        if asked.subscribe:
            found = [name for name in asked.names if name in bad]
            if not found and len(asked.names) == 1:
                found = list(asked.names)
            good = [name for name in asked.names if name not in found]
            if found:
                self._refuse(tuple(found), code, message, now)
                self._asks.want(good)
            else:
                self._asks.split(good)
        self._hurry()

    def resend(self, now: int, delay_ns: int) -> None:
        """Say again later what waits for an answer: the venue has dropped it."""
        self._asks.postpone(now + delay_ns)
        self._hurry()

    def say(self, frame: bytes) -> None:
        """Send a frame that is no request: the answer to a venue's own ping."""
        self.outbox.append(frame)
        self._wake()

    def has_left(self, name: str) -> bool:
        """Tell whether a stream was given up on this connection."""
        return name in self._asks.gone
