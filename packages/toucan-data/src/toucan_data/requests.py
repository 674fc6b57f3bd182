"""What one connection has asked its venue for: what is wanted, what waits for an answer, what is tried again.

Pure, and without a protocol: `toucan_data.session` says it in a venue's words.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable
from itertools import count, islice

import msgspec

from toucan_data.feed import Limits

__all__ = ["Batch", "OpenRequest", "Requests"]

SECOND = 1_000_000_000
FIRST_RETRY_NS = SECOND
RETRY_CAP_NS = 300 * SECOND


class OpenRequest(msgspec.Struct):
    """A request that waits for its answer.

    Attributes:
        subscribe: Whether it asks for streams, or gives them up.
        names: The streams that are not answered for yet.
        due: When that is to have happened.
    """

    subscribe: bool
    names: dict[str, None]
    due: int


class Batch(msgspec.Struct, frozen=True):
    """What one message is to say.

    Attributes:
        subscribe: Whether it asks for streams, or gives them up.
        names: Which.
    """

    subscribe: bool
    names: tuple[str, ...]


class Requests:
    """Keeps account of the streams of one connection.

    A stream that is renewed is given up first, and asked for again once that was acknowledged.

    Attributes:
        waiting: The requests that wait for an answer, by their number, oldest first.
        gone: Streams that were given up: what still comes of them is passed over.
    """

    def __init__(self, limits: Limits, group: Callable[[str], Hashable]) -> None:
        """Start with nothing.

        Args:
            limits: How much a message may name, and how many requests may wait.
            group: What the streams of one message have in common.
        """
        self.waiting: dict[int, OpenRequest] = {}
        self.gone: set[str] = set()
        self._limits = limits
        self._group = group
        self._wanted: dict[str, bool] = {}
        self._renewed: set[str] = set()
        self._caution: dict[str, int] = {}
        self._refusals: dict[str, int] = {}
        self._later: list[tuple[int, int, str, bool]] = []
        self._serial = count()

    def want(self, names: Iterable[str]) -> None:
        """Ask for streams."""
        for name in names:
            self.gone.discard(name)
            if self._wanted.get(name) is False:
                self._renewed.add(name)  # asking for what was not given up yet would be an error to many
            else:
                self._wanted[name] = True

    def leave(self, name: str) -> None:
        """Give a stream up."""
        self.gone.add(name)
        given_up = name in self._renewed
        self._renewed.discard(name)
        if self._wanted.get(name) is True:
            del self._wanted[name]
        elif not given_up:
            self._wanted[name] = False

    def renew(self, name: str, due: int) -> None:
        """Give a stream up at a time, and ask for it again; asking twice is asking once."""
        under_way = name in self._renewed or self._wanted.get(name) is True
        if not under_way and not any(entry[2] == name for entry in self._later):
            heapq.heappush(self._later, (due, next(self._serial), name, False))

    def forget(self, name: str) -> None:
        """Note that a stream that was given up for good, or never was, needs nothing more."""
        self._wanted.pop(name, None)

    def ripen(self, now: int, follows: Callable[[str], bool]) -> list[str]:
        """Take up what is to be tried now, of the streams that are still followed; return what is renewed."""
        renewed = []
        while self._later and self._later[0][0] <= now:
            _, _, name, ask = heapq.heappop(self._later)
            if not follows(name):
                continue
            if ask:
                self._wanted.setdefault(name, True)
            else:
                self._wanted[name] = False
                self._renewed.add(name)
                renewed.append(name)
        return renewed

    @property
    def blocked(self) -> bool:
        """Whether nothing may be asked before an answer came."""
        most = self._limits.requests_at_once
        return not self._wanted or (most is not None and len(self.waiting) >= most)

    @property
    def later(self) -> int | None:
        """When the next thing is to be tried again."""
        return self._later[0][0] if self._later else None

    def batch(self) -> Batch:
        """Return what the next message may say; `asked` takes it off the list. Only if not `blocked`."""
        first, subscribe = next(iter(self._wanted.items()))
        group, caution = self._group(first), self._caution.get(first)
        most = self._limits.names_per_message if caution is None else caution
        same = (
            name
            for name, wanted in self._wanted.items()
            if wanted is subscribe and self._group(name) == group and self._caution.get(name) == caution
        )
        return Batch(subscribe, tuple(islice(same, most)))

    def asked(self, batch: Batch, number: int, due: int) -> None:
        """Note that a message was sent."""
        for name in batch.names:
            del self._wanted[name]
        self.waiting[number] = OpenRequest(batch.subscribe, dict.fromkeys(batch.names), due)

    def settle(self, name: str, *, subscribe: bool | None, number: int | None = None) -> bool | None:
        """Note an answer for one stream.

        Args:
            name: The stream.
            subscribe: Of which sort of request the answer is, None for either.
            number: Of which request, None where the answer does not say.

        Returns:
            Whether it was asked for (True) or given up (False); None if nothing was asked.
        """
        found = [number] if number in self.waiting else list(self.waiting)
        for each in found:
            asked = self.waiting[each]
            if name in asked.names and subscribe in (None, asked.subscribe):
                del asked.names[name]
                if not asked.names:
                    del self.waiting[each]
                self._after(name, subscribe=asked.subscribe)
                return asked.subscribe
        return None

    def settle_all(self, number: int | None) -> OpenRequest | None:
        """Note an answer to a whole request, None for the oldest; return it as it was."""
        if number is None:
            number = next(iter(self.waiting), None)
        asked = self.waiting.pop(number, None) if number is not None else None
        for name in asked.names if asked is not None else ():
            self._after(name, subscribe=asked is not None and asked.subscribe)
        return asked

    def _after(self, name: str, *, subscribe: bool) -> None:
        if not subscribe and name in self._renewed:
            self._renewed.discard(name)
            self._wanted[name] = True

    def acknowledged(self, name: str) -> None:
        """Forget what was wrong with a stream."""
        self._refusals.pop(name, None)
        self._caution.pop(name, None)

    def refused(self, name: str, now: int) -> None:
        """Ask for a stream again, later each time."""
        times = self._refusals[name] = self._refusals.get(name, 0) + 1
        delay = min(FIRST_RETRY_NS << min(times - 1, 10), RETRY_CAP_NS)
        self._caution[name] = 1  # it spoils no other one's request again
        heapq.heappush(self._later, (now + delay, next(self._serial), name, True))

    def split(self, names: Iterable[str]) -> None:
        """Ask for streams again in smaller parts, to find the one that is refused."""
        names = list(names)
        for name in names:
            self._caution[name] = max(1, len(names) // 2)
            self._wanted[name] = True

    def postpone(self, due: int) -> None:
        """Say again later what waits for an answer: it was lost."""
        for asked in self.waiting.values():
            for name in asked.names:
                heapq.heappush(self._later, (due, next(self._serial), name, asked.subscribe))
        self.waiting.clear()
