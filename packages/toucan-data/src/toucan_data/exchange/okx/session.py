"""One connection to OKX, without I/O: channels told by objects, answers one by one, a ping of plain text.

Facts 3 to 5. A request has an id, and every channel of it is acknowledged by itself; an error names the
request and, in its words, at the most one channel.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from toucan_data.exchange.okx.endpoints import LIQUIDATIONS
from toucan_data.exchange.okx.messages import Arg, Control
from toucan_data.exchange.okx.streams import LIQUIDATED, args_of, name_of
from toucan_data.feed import Feed, FeedState, SessionContext
from toucan_data.session import StreamSession
from toucan_instrument.errors import PayloadError
from toucan_instrument.link.transport import OnFrames

__all__ = ["OkxSession"]

_CONTROL = msgspec.json.Decoder(Control)
_ARG = msgspec.json.Decoder(Arg)
HEAD = b'{"arg":'
"""What stands before the object that tells the channel, in a frame as OKX writes it."""
ARG_AT = len(HEAD)
PING, PONG = b"ping", b"pong"
SECOND = 1_000_000_000
TOO_OFTEN = "60014"
CLOSING = "64008"
QUIET = frozenset({"login", "notice", "channel-conn-count", "channel-conn-count-error"})
"""What needs no answer, and tells nothing of a stream."""
_NAMED = re.compile(r"channel:(?P<channel>[^,\s]+),\s*(?:instId|instType|instFamily):(?P<of>[^,\s]+) doesn't")
SPELLINGS = 10_000
"""How many spellings of objects are remembered: one for each stream, as a rule."""
_ALL = "liquidation-orders"


class OkxSession(StreamSession):
    """The protocol of one connection."""

    def __init__(self, context: SessionContext, feeds: list[Feed]) -> None:
        """See `StreamSession`."""
        super().__init__(context, feeds)
        self._names: dict[bytes, str] = {}
        self._routes: dict[bytes, Feed] = {}
        self._sorts: set[str] = set()

    def take(self, frame: bytes, now: int) -> None:
        """Take one frame: its stream is looked up by the bytes of the object that tells it."""
        if frame.startswith(HEAD):
            name = self._names.get(frame[ARG_AT : frame.find(b"}", ARG_AT)])
            if name is not None:
                self.hand_raw(name, frame, now)
                return
        if frame == PONG:
            self.ponged(now)
        elif frame == PING:
            self.say(PONG)
        else:
            self._irregular(frame, now)

    def reader(self, now: Callable[[], int]) -> OnFrames:
        """Return `receive` for many frames: those of streams that have delivered before take a short way.

        Frames that arrived together were read from the socket at one time, and are stamped with it.
        """
        routes, anchor, at, paused = self._routes, self.anchor, ARG_AT, self.context.paused
        live = FeedState.LIVE

        def read(frames: list[bytes]) -> None:
            self.heard = moment = now()
            utc = moment + anchor
            for frame in frames:
                feed = routes.get(frame[at : frame.find(b"}", at)])
                if feed is None or feed.state is not live:
                    self.receive(frame, moment)
                    continue
                try:
                    feed.handle(feed.decode(frame), utc)
                except (PayloadError, ValueError, RecursionError) as error:
                    self.unreadable(frame, str(error), moment)
            paused()

        return read

    def follow(self, feed: Feed) -> None:
        """Expect frames of a stream, also in the spellings that were met before it was given up."""
        for key, name in self._names.items():
            if name == feed.channel.name:
                self._routes[key] = feed

    def unfollow(self, name: str) -> None:
        """Expect no more frames of a stream."""
        for key in [key for key, known in self._names.items() if known == name]:
            self._routes.pop(key, None)

    def request(self, names: tuple[str, ...], request_id: int, *, subscribe: bool) -> bytes:
        """Write ``subscribe`` or ``unsubscribe``."""
        return msgspec.json.encode(
            {
                "id": str(request_id),
                "op": "subscribe" if subscribe else "unsubscribe",
                "args": [arg for name in names for arg in args_of(name)],
            }
        )

    def probe(self, request_id: int) -> bytes:
        """Write the ping, which is no JSON."""
        del request_id
        return PING

    def _irregular(self, frame: bytes, now: int) -> None:
        control = _CONTROL.decode(frame)
        if control.event is not None:
            self._told(control, frame, now)
        elif control.op is not None:  # the answer to an order, in a recording
            return
        elif control.arg is not None and control.data:
            name = self._name(control)
            if frame.startswith(HEAD):
                self._remember(frame[ARG_AT : frame.find(b"}", ARG_AT)], control.arg, name)
            self.hand_raw(name, frame, now)
        else:
            self.unreadable(frame, "neither data of a channel nor an answer", now)

    def _remember(self, key: bytes, arg: Arg, name: str) -> None:
        """Note how the object of a stream is spelt, if that ends where it seems to."""
        try:
            if _ARG.decode(key + b"}") != arg:
                return
        except ValueError:  # a brace within a text
            return
        if len(self._names) >= SPELLINGS:
            self._names.clear()
            self._routes.clear()
        self._names[key] = name
        if (feed := self.feeds.get(name)) is not None:
            self._routes[key] = feed

    def _told(self, control: Control, frame: bytes, now: int) -> None:
        event, request = control.event, _number(control.id)
        if event in ("subscribe", "unsubscribe"):
            name = "" if control.arg is None else self._name(control)
            if name == _ALL and not self._complete(control, subscribe=event == "subscribe"):
                return
            if name:
                (self.acked if event == "subscribe" else self.dropped)([name], now, request)
        elif event == "error":
            self._error(control, request, now)
        elif event == "notice" and str(control.code) == CLOSING:
            self.fail("planned: the venue announced that it closes this connection", planned=True)
        elif event not in QUIET:
            self.unreadable(frame, f"an event {event!r} is not known", now)

    def _error(self, control: Control, request: int | None, now: int) -> None:
        code = None if control.code is None else str(control.code)
        if code == TOO_OFTEN:
            self.resend(now, SECOND)
            return
        match = _NAMED.search(control.msg)
        bad = [] if match is None else [f"{match['channel']}:{match['of']}"]
        if bad and self.context.route == LIQUIDATIONS:
            bad = [_ALL]
            self._sorts.clear()
        if request is None or request in self._asks.waiting:
            if bad and request is None:
                self.refused(None, code, control.msg, now, names=bad)
            else:
                self.rejected(request, code, control.msg, now, bad=bad)
        elif bad:  # a second error of a request, whose other streams have been asked for again
            self.refused(None, code, control.msg, now, names=bad)
        else:
            self._tell_failure((), code, control.msg, now)

    def _name(self, control: Control) -> str:
        """Return the stream that an object tells; on a connection for all liquidations there is one."""
        if control.arg is None:
            return ""
        whole = control.arg.channel == _ALL and self.context.route == LIQUIDATIONS
        return _ALL if whole else name_of(control.arg)

    def _complete(self, control: Control, *, subscribe: bool) -> bool:
        """Note an answer for one sort of instruments; tell whether all have been answered for."""
        sort = "" if control.arg is None else control.arg.instType
        (self._sorts.add if subscribe else self._sorts.discard)(sort)
        return len(self._sorts) == len(LIQUIDATED) if subscribe else not self._sorts


def _number(request_id: str | int | None) -> int | None:
    """Return the number of a request of ours."""
    text = str(request_id)
    return int(text) if text.isascii() and text.isdigit() else None
