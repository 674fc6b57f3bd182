"""Taking plain data frames straight from the bytes, before aiohttp queues them.

aiohttp parses a frame in C, makes a message of it, puts that into a queue, and wakes a task that takes it
out: for small frames most of the cost is on that way. A `Tap` stands in front of aiohttp's parser. Whole,
unfragmented and uncompressed data frames it hands over at once, all that arrived together in one list; pings,
pongs and closes it passes to the parser, byte for byte, which treats them as ever; and at the first frame of
any other sort (a fragment, a compressed one, one that is masked, or over the size limit) it steps aside for
good.

It knows nothing of aiohttp but ``feed_data`` and ``feed_eof`` of its parser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from struct import Struct
from typing import Protocol

from toucan_instrument.link.transport import OnFrames

__all__ = ["Parser", "Tap"]

SLICE = 65_536
"""Bytes handed over before other tasks get a turn."""
TEXT, BINARY = 0x81, 0x82  # whole messages of data (RFC 6455 section 5.2)
CLOSE, PONG = 0x88, 0x8A  # close, ping and pong, whole
SHORT, MEDIUM, LONG = 125, 126, 127
MEDIUM_TEXT, MEDIUM_LIMIT = TEXT << 8 | MEDIUM, 65_535
BEYOND = 1 << 63
HEAD = Struct(">HH")
"""The head of a medium frame: type and mark of the length, and the length."""
GOING_ON: tuple[bool, bytes] = (False, b"")


class Parser(Protocol):
    """What aiohttp's parser must have."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes."""
        ...

    def feed_eof(self) -> None:
        """Take note that there are no more."""
        ...


class Tap:
    """Stands in front of a parser; see the module.

    Attributes:
        error: What `on_frames` raised, None as long as it has not.
    """

    def __init__(self, parser: Parser, *, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Stand in front of `parser`; nothing is handed over before `open`.

        Args:
            parser: aiohttp's.
            pause: Stops the reading of the socket.
            resume: Lets it go on.
        """
        self.error: Exception | None = None
        self._parser = parser
        self._pause, self._resume = pause, resume
        self._limit = 0
        self._usual = -1  # the head of nearly all frames of market data, where their length needs no check
        self._on_frames: OnFrames | None = None
        self._parts: list[bytes] = []
        self._have = 0
        self._need = 2
        self._aside = False
        self._taking_turns = False
        self._loop = asyncio.get_running_loop()

    def open(self, on_frames: OnFrames, limit: int) -> None:
        """Hand frames over from now on, those that are here already first."""
        self._on_frames, self._limit = on_frames, limit
        if limit >= MEDIUM_LIMIT:
            self._usual = MEDIUM_TEXT
        if self._have:
            self._hand_over()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes from the socket; see `Parser.feed_data`."""
        if self._aside:
            return self._parser.feed_data(data)
        self._parts.append(data)
        self._have += len(data)
        if self._on_frames is not None and self._have >= self._need and not self._taking_turns:
            self._hand_over()
        return GOING_ON

    def feed_eof(self) -> None:
        """Hand over what is left, and pass the end on."""
        while self._taking_turns and not self._aside:
            self._go_on()
        self._parser.feed_eof()

    def _hand_over(self) -> None:
        """Hand over the whole frames that are here, up to a slice, and keep the rest."""
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._have = 0
        try:
            at = self._take(data)
        except Exception as error:  # noqa: BLE001 - it comes out of `Socket.run`, not of the event loop
            self.error = error
            self._step_aside(b"\x88\x02\x03\xf3")  # 1011, so that aiohttp's reader wakes
            return
        if self._aside:
            return
        if at < len(data):
            rest = data[at:]
            parts.append(rest)
            self._have = len(rest)
        if self._have >= self._need:
            self._taking_turns = True
            self._pause()
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if not self._taking_turns:
            return
        self._taking_turns = False
        if not self._aside:
            self._hand_over()
        if not self._taking_turns:
            self._resume()

    def _take(self, data: bytes) -> int:
        """Hand frames over; return where the next one begins. `_need` is what that one lacks."""
        frames: list[bytes] = []
        append, unpack, usual = frames.append, HEAD.unpack_from, self._usual
        at, size = 0, len(data)
        last = min(size - HEAD.size, SLICE)
        self._need = 2
        while True:
            while at <= last:  # nearly all frames of market data are taken here
                head, length = unpack(data, at)
                begin = at + 4
                end = begin + length
                if head != usual or end > size:
                    break
                append(data[begin:end])
                at = end
            if at >= size or at > SLICE:
                break
            end = self._take_other(data, at, frames)
            if end == at:
                break
            at = end
        self._give(frames)
        return at

    def _take_other(self, data: bytes, at: int, frames: list[bytes]) -> int:
        """Take one frame of any sort; return its end, or `at` again where it is not whole."""
        size = len(data)
        begin, length = _payload(data, at, size)
        end = begin + length
        plain = data[at] in (TEXT, BINARY) and length <= self._limit
        control = CLOSE <= data[at] <= PONG and length <= SHORT and begin == at + 2
        if length >= 0 and not plain and not control:
            self._give(frames)
            self._step_aside(data[at:])
            return size
        if length < 0 or end > size:
            self._need = (begin if length < 0 else end) - at
            return at
        if plain:
            frames.append(data[begin:end])
        else:
            self._give(frames)
            self._parser.feed_data(data[at:end])
        return end

    def _give(self, frames: list[bytes]) -> None:
        """Hand over what was gathered; the list begins anew."""
        if frames and self._on_frames is not None:
            self._on_frames(frames[:])
            frames.clear()

    def _step_aside(self, rest: bytes) -> None:
        """Leave everything from here on to the parser."""
        self._aside = True
        self._parser.feed_data(rest)


def _payload(data: bytes, at: int, size: int) -> tuple[int, int]:
    """Read a head: where the payload begins and its length.

    The length is -1, and the place where the head ends, where that is not whole; and one beyond every limit
    where the frame is masked, and so not ours to read.
    """
    if size - at < 2:  # noqa: PLR2004 - type and mark of the length
        return at + 2, -1
    mark = data[at + 1]
    if mark <= SHORT:
        return at + 2, mark
    if mark > LONG:
        return at + 2, BEYOND
    begin = at + (4 if mark == MEDIUM else 10)
    return begin, int.from_bytes(data[at + 2 : begin]) if begin <= size else -1
