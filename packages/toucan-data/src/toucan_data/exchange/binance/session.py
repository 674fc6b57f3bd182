"""One connection to Binance's combined streams, without I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from toucan_data.exchange.binance.messages import Control, Depth, tolerant_depth
from toucan_data.feed import Feed, SessionContext
from toucan_data.session import StreamSession
from toucan_instrument.errors import PayloadError
from toucan_instrument.link.transport import OnFrames

__all__ = ["BinanceSession"]

_CONTROL = msgspec.json.Decoder(Control)
HEAD = b'{"stream":"'
"""What stands before the stream's name in a frame as Binance writes it."""
NAME_AT = len(HEAD)
SHUTDOWN = "serverShutdown"

Decode = Callable[[bytes], Any]
Handle = Callable[[Any, int], None]
Route = tuple[bytes | tuple[()], Decode, Handle]
"""How frames of a stream begin (no frame begins with any of ``()``: it is looked up), and what reads them."""


def _nobody(*_: object) -> None:
    """Read nothing: no stream was looked up yet."""


NOWHERE: Route = ((), _nobody, _nobody)


class BinanceSession(StreamSession):
    """The protocol of one connection: ``SUBSCRIBE`` in batches, answers matched by id, facts A.2 and A.3."""

    def __init__(self, context: SessionContext, feeds: list[Feed]) -> None:
        """See `StreamSession`."""
        super().__init__(context, feeds)
        self._routes: dict[bytes, Route] = {}

    def take(self, frame: bytes, now: int) -> None:
        """Take one frame: look its stream up by the bytes of its name, then decode it once."""
        try:
            _, decode, handle = self._routes[frame[NAME_AT : frame.index(b'"', NAME_AT)]]
            message = decode(frame).data
        except (KeyError, ValueError, RecursionError):
            self._irregular(frame, now)
            return
        handle(message, now + self.anchor)

    def reader(self, now: Callable[[], int]) -> OnFrames:
        """Return `receive` for many frames, which is the path of all of them: one loop over plain variables.

        Frames that arrived together were read from the socket at one time, and are stamped with it. One
        often is of the stream of the one before it: then no stream is looked up.
        """
        routes, anchor, at, paused = self._routes, self.anchor, NAME_AT, self.context.paused

        def read(frames: list[bytes]) -> None:
            self.heard = moment = now()
            utc = moment + anchor
            begin, decode, handle = NOWHERE
            for frame in frames:
                try:
                    if not frame.startswith(begin):
                        begin, decode, handle = routes[frame[at : frame.index(b'"', at)]]
                    message = decode(frame).data
                except (KeyError, ValueError, RecursionError):
                    self._irregular(frame, moment)
                    continue
                try:
                    handle(message, utc)
                except PayloadError as error:
                    self.unreadable(frame, str(error), moment)
            paused()

        return read

    def request(self, names: tuple[str, ...], request_id: int, *, subscribe: bool) -> bytes:
        """Write ``SUBSCRIBE`` or ``UNSUBSCRIBE``."""
        method = "SUBSCRIBE" if subscribe else "UNSUBSCRIBE"
        return msgspec.json.encode({"method": method, "params": names, "id": request_id})

    def probe(self, request_id: int) -> bytes:
        """Write ``LIST_SUBSCRIPTIONS``."""
        return msgspec.json.encode({"method": "LIST_SUBSCRIPTIONS", "id": request_id})

    def follow(self, feed: Feed) -> None:
        """Expect frames of a stream; the first one marks it as live."""
        key = feed.channel.name.encode()

        def first(message: Any, time_received: int) -> None:
            self._routes[key] = (HEAD + key + b'"', feed.decode, feed.handle)
            self.delivered(feed)
            feed.handle(message, time_received)
            feed.reconnected = False  # a hole that shows later is not from the loss of a connection

        self._routes[key] = ((), feed.decode, first)

    def unfollow(self, name: str) -> None:
        """Expect no more frames of a stream."""
        self._routes.pop(name.encode(), None)

    def _irregular(self, frame: bytes, now: int) -> None:
        """Take what is no event of a known stream in the usual spelling."""
        try:
            control = _CONTROL.decode(frame)
        except (ValueError, RecursionError) as error:
            self.unreadable(frame, str(error), now)
            return
        if control.stream is not None:
            self._streamed(control, frame, now)
        elif control.error is not None:
            self.refused(_own(control.id), control.error.code, control.error.msg, now)
        elif control.code is not None:
            self.refused(_own(control.id), control.code, control.msg, now)
        elif control.e == SHUTDOWN:
            self._shut_down()
        elif control.result and (request := _own(control.id)) is not None:
            self.answered(request, now)
        else:
            self.unreadable(frame, "neither an event of a stream nor an answer", now)

    def _streamed(self, control: Control, frame: bytes, now: int) -> None:
        name = control.stream or ""
        if name == f"!{SHUTDOWN}":
            self._shut_down()
            return
        route = self._routes.get(name.encode())
        if route is None:
            if not self.has_left(name):
                self.unreadable(frame, f"stream {name!r} was not asked for", now)
            return
        _, decode, handle = route
        try:
            handle(_read(decode, control.data), now + self.anchor)
        except (PayloadError, ValueError, RecursionError) as error:
            self.unreadable(frame, str(error), now)

    def _shut_down(self) -> None:
        self.fail("planned: the venue announced that it shuts this connection down", planned=True)


def _own(request_id: int | str | None) -> int | None:
    return request_id if isinstance(request_id, int) else None


def _read(decode: Decode, data: msgspec.Raw) -> Any:
    """Decode a payload by the decoder of its combined form, or one that is older than that decoder."""
    try:
        return decode(b'{"data":' + bytes(data) + b"}").data
    except ValueError as error:
        try:
            depth: Depth = tolerant_depth(data)
        except ValueError:
            raise error from None
        return depth
