"""Taking plain data frames straight from the bytes, before aiohttp queues them.

aiohttp parses a frame in C, makes a message of it, puts that into a queue, and wakes a task that takes it
out: for small frames most of the cost is on that way. A `Tap` stands in front of aiohttp's parser. Whole,
unfragmented and uncompressed data frames it hands over at once; pings, pongs and closes it passes to the
parser, byte for byte, which treats them as ever; and at the first frame of any other sort (a fragment, a
compressed one, one that is masked, or over the size limit) it steps aside for good.

It knows nothing of aiohttp but ``feed_data`` and ``feed_eof`` of its parser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from toucan_instrument.link.transport import OnFrame, OnPause

__all__ = ["Parser", "Tap"]

SLICE = 65_536
"""Bytes handed over before other tasks get a turn."""
TEXT, BINARY = 0x81, 0x82  # whole messages of data (RFC 6455 section 5.2)
CLOSE, PONG = 0x88, 0x8A  # close, ping and pong, whole
SHORT, MEDIUM, LONG = 125, 126, 127
BEYOND = 1 << 63
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
        error: What `on_frame` raised, None as long as it has not.
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
        self._on_frame: OnFrame | None = None
        self._on_pause: OnPause | None = None
        self._parts: list[bytes] = []
        self._have = 0
        self._need = 2
        self._aside = False
        self._taking_turns = False
        self._loop = asyncio.get_running_loop()

    def open(self, on_frame: OnFrame, on_pause: OnPause, limit: int) -> None:
        """Hand frames over from now on, those that are here already first."""
        self._on_frame, self._on_pause, self._limit = on_frame, on_pause, limit
        if self._have:
            self._hand_over()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes from the socket; see `Parser.feed_data`."""
        if self._aside:
            return self._parser.feed_data(data)
        self._parts.append(data)
        self._have += len(data)
        if self._on_frame is not None and self._have >= self._need and not self._taking_turns:
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
        if self._on_pause is not None:
            self._on_pause()
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

    def _take(self, data: bytes) -> int:  # noqa: C901 - one loop, on the path of every frame
        """Hand over frames; return where the next one begins. `_need` is what that one lacks."""
        on_frame, limit = self._on_frame, self._limit
        if on_frame is None:
            return 0
        at, size = 0, len(data)
        while size - at >= 4:  # noqa: PLR2004 - the shortest head that tells all but the longest lengths
            length = data[at + 1]
            begin = at + 2
            if length == MEDIUM:
                length = data[at + 2] << 8 | data[at + 3]
                begin = at + 4
            elif length > MEDIUM:
                begin, length = _long(data, at, size)
                if length < 0:
                    self._need = begin - at
                    return at
            end = begin + length
            if (data[at] == TEXT or data[at] == BINARY) and 0 <= length <= limit:
                if end > size:
                    self._need = end - at
                    return at
                on_frame(data[begin:end])
            elif CLOSE <= data[at] <= PONG and data[at + 1] <= SHORT:
                if end > size:
                    self._need = end - at
                    return at
                self._parser.feed_data(data[at:end])
            else:
                self._step_aside(data[at:])
                return size
            at = end
            if at > SLICE:
                break
        self._need = 2
        if 0 < size - at < 4:  # noqa: PLR2004
            return self._take_short(data, at)
        return at

    def _take_short(self, data: bytes, at: int) -> int:
        """Hand over what is shorter than four bytes in all: a tiny or empty frame at the end."""
        size = len(data)
        if size - at < 2 or data[at + 1] > SHORT:  # noqa: PLR2004 - not even a head
            self._need = 4
            return at
        end = at + 2 + data[at + 1]
        if end > size:
            self._need = end - at
            return at
        self._need = 2
        if data[at] in (TEXT, BINARY) and self._on_frame is not None:
            self._on_frame(data[at + 2 : end])
        elif CLOSE <= data[at] <= PONG:
            self._parser.feed_data(data[at:end])
        else:
            self._step_aside(data[at:])
            return size
        return end

    def _step_aside(self, rest: bytes) -> None:
        """Leave everything from here on to the parser."""
        self._aside = True
        if self._on_pause is not None and self.error is None:
            self._on_pause()
        self._parser.feed_data(rest)


def _long(data: bytes, at: int, size: int) -> tuple[int, int]:
    """Read a head with the longest length: where the payload begins and its length.

    The length is -1, and the place what is needed, where the head is not whole; and one beyond every limit
    where the frame is masked, and so not ours to read.
    """
    if data[at + 1] > LONG:
        return at + 2, BEYOND
    if size - at < 10:  # noqa: PLR2004
        return at + 10, -1
    return at + 10, int.from_bytes(data[at + 2 : at + 10])
