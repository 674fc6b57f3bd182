"""One connection to Bybit's public streams, without I/O."""

from __future__ import annotations

import re

import msgspec

from toucan_data.exchange.bybit.messages import Control, decode_control, decode_topics
from toucan_data.feed import Feed, FeedState, SessionContext
from toucan_data.session import StreamSession

__all__ = ["BybitSession"]

HEAD = b'{"topic":"'
"""How frames begin as Bybit writes them: all but those of options' tickers."""
NAME_AT = len(HEAD)
_TOPIC = re.compile(r"[A-Za-z]+\.[^\s,;:\"\[\]]+")
MOST_DIGITS = 9
ALREADY = "already subscribed"


class BybitSession(StreamSession):
    """The protocol of one connection: topics in batches, answers matched by id, own pings; facts 3 and 5."""

    def __init__(self, context: SessionContext, feeds: list[Feed]) -> None:
        """See `StreamSession`."""
        super().__init__(context, feeds)
        self._routes: dict[bytes, Feed] = {}

    def follow(self, feed: Feed) -> None:
        """Expect frames of a topic, which are looked up by the bytes of its name."""
        if self.context.open is None:  # a recording is told of the topic of every frame
            self._routes[feed.channel.name.encode()] = feed

    def unfollow(self, name: str) -> None:
        """Expect no more frames of a topic."""
        self._routes.pop(name.encode(), None)

    def take(self, frame: bytes, now: int) -> None:
        """Take one frame: it is data if it has a topic, else an answer."""
        if frame.startswith(HEAD):
            feed = self._routes.get(frame[NAME_AT : frame.find(b'"', NAME_AT)])
            if feed is not None and feed.state is FeedState.LIVE:  # nearly every frame there is
                feed.handle(feed.decode(frame), now + self.anchor)
                return
        control = decode_control(frame)
        if control.topic is not None:
            self.hand_raw(control.topic, frame, now)
        elif control.op == "pong" or control.ret_msg == "pong":
            self.ponged(now)
        elif control.type == "COMMAND_RESP":
            self._told(control, now)
        elif control.success is True and control.op in ("subscribe", "unsubscribe"):
            self.answered(_number(control.req_id), now)
        elif control.success is False:
            self._refused(control, now)
        elif control.op and (control.success is not None or control.retCode is not None):
            return  # the answer to something that is not asked here, as to a login
        else:
            raise ValueError("neither an event of a topic nor an answer")

    def request(self, names: tuple[str, ...], request_id: int, *, subscribe: bool) -> bytes:
        """Write ``subscribe`` or ``unsubscribe``."""
        op = "subscribe" if subscribe else "unsubscribe"
        return msgspec.json.encode({"req_id": str(request_id), "op": op, "args": names})

    def probe(self, request_id: int) -> bytes:
        """Write ``ping``."""
        return msgspec.json.encode({"req_id": str(request_id), "op": "ping"})

    def _told(self, control: Control, now: int) -> None:
        """Take the options' answer, which names topics and no request."""
        topics = decode_topics(control.data) if bytes(control.data) else None
        if topics is None or not (topics.failTopics or topics.successTopics):
            self.answered(None, now)
            return
        self.acked(topics.successTopics, now)
        self.dropped(topics.successTopics, now)
        if topics.failTopics:
            self.refused(None, None, control.ret_msg or "refused", now, names=topics.failTopics)

    def _refused(self, control: Control, now: int) -> None:
        """Take an error: one bad topic spoils the whole request, and is named in the words (facts 3)."""
        number, words = _number(control.req_id), control.ret_msg
        bad = _TOPIC.findall(words)
        if ALREADY in words and bad:
            # It flows on this connection; what else was asked for is not subscribed, and is asked for again.
            self.acked(bad, now, number)
            self.resend(now, 0)
            return
        self.rejected(number, None, words or "refused", now, bad=bad)


def _number(request_id: str) -> int | None:
    """Return the number of our own request; it is missing in some errors."""
    return (
        int(request_id)
        if request_id.isascii() and request_id.isdigit() and len(request_id) <= MOST_DIGITS
        else None
    )
