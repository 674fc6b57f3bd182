"""What a user reads from: selections, each with a bounded buffer of its own, and the hub that feeds them.

An event goes to every selection that matches it, in the order of the socket, when its frame is read. The
reader of the socket never waits for a user: a selection that is full loses its oldest, counts them, and
says so with a `Dropped` in the place where they are missing.

On the path of an event a sink is the C method ``deque.append`` and nothing else. That a buffer is over
its limit, and that a reader waits, is looked after once for all frames that arrived together
(`Hub.flush`), before any other task runs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar, cast

from toucan_data.errors import StreamsClosed
from toucan_data.events import OrderBookL2Snapshot
from toucan_data.feed import Feed, Outlet
from toucan_data.kinds import Kind, OrderBookKind
from toucan_data.status import Dropped, Status
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import InvalidInput

__all__ = ["BUFFER", "Hub", "Selection"]

T_co = TypeVar("T_co", covariant=True)

BUFFER = 10_000
"""How many events a selection keeps for a slow reader, unless said otherwise."""


class Selection(Generic[T_co]):
    """A stream of what was selected; iterate it with ``async for``.

    It ends when the streams are closed, and raises `StreamsClosed` if they ended by a fault. Leave it early
    with `close`, or use it as a context manager, so that it is no longer fed.

    Attributes:
        label: What was selected, as a text.
        dropped: How many events went because it was read too slowly, in all.
    """

    def __init__(
        self,
        hub: Hub,
        label: str,
        *,
        limit: int,
        events: Callable[[Feed, Outlet], bool],
        only: frozenset[Instrument] | None = None,
        statuses: Callable[[Exchange, Status], bool] | None,
        now: Callable[[], int],
    ) -> None:
        """Made by `Streams.select` and its like."""
        if limit < 1:
            raise InvalidInput("a buffer holds something", field="buffer", value=limit, accepted="1 or more")
        self.label = label
        self.dropped: int = 0
        self._hub = hub
        self._limit = limit
        self._matches = events
        self._only = only
        self._statuses = statuses
        self._now = now
        self._buffer: deque[Any] = deque()
        # The path of every event; it raises IndexError where there is none, or a loss is to be told first.
        self._take: Callable[[], T_co] = self._buffer.popleft
        self._lost = 0
        self._waiter: asyncio.Future[None] | None = None
        self._open = True
        self._error: BaseException | None = None

    def __aiter__(self) -> Selection[T_co]:
        """Return itself: there is one place of reading."""
        return self

    async def __anext__(self) -> T_co:
        """Return the next event, waiting for it if there is none."""
        try:
            return self._take()
        except IndexError:
            return await self._next()

    async def _next(self) -> T_co:
        while True:
            found = self.next_nowait()
            if found is not None:
                return found
            await self._wait()

    def next_nowait(self) -> T_co | None:
        """Return the next event if one is there, else None."""
        if self._lost:
            dropped = self._tell()
            if self._statuses is not None:
                return cast("T_co", dropped)
        return cast("T_co", self._buffer.popleft()) if self._buffer else None

    def _tell(self) -> Dropped:
        """Account for what was lost; where the reader wants events only, the status streams hear of it."""
        count, self._lost = self._lost, 0
        self._take = self._buffer.popleft
        dropped = Dropped(at_ns=self._now(), count=count, selection=self.label)
        if self._statuses is None:
            self._hub.announce(dropped)
        return dropped

    async def _wait(self) -> None:
        if not self._open:
            if self._error is not None:
                raise StreamsClosed(f"the streams ended: {self._error}") from self._error
            raise StopAsyncIteration
        if self._waiter is not None:
            raise StreamsClosed("this selection is being read by another task: select once for each reader")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _sink(self, feed: Feed) -> Callable[[Any], None]:
        """Return what takes the events of a feed."""
        append, only = self._buffer.append, self._only
        if only is None or feed.channel.instrument is not None:
            return append
        return lambda event: append(event) if event.instrument in only else None

    def _flush(self) -> None:
        """Drop what is over the limit, and wake the reader if there is something to read."""
        buffer = self._buffer
        over = len(buffer) - self._limit
        if over > 0:
            for _ in range(over):
                buffer.popleft()
            self._lost += over
            self._take = _not_yet
            self.dropped += over
        waiter = self._waiter
        if waiter is not None and buffer and not waiter.done():
            waiter.set_result(None)

    def _put(self, value: object) -> None:
        self._buffer.append(value)
        self._flush()

    def _end(self, error: BaseException | None) -> None:
        self._open = False
        self._error = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Stop being fed; what is buffered can still be read."""
        self._hub.remove(self)
        self._end(None)

    def __enter__(self) -> Selection[T_co]:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __len__(self) -> int:
        """Return how many events wait to be read."""
        return len(self._buffer)

    def __bool__(self) -> bool:
        """A selection is true, empty or not."""
        return True

    def __repr__(self) -> str:
        """Show what was selected, and how its reader keeps up."""
        state = "open" if self._open else "closed"
        return (
            f"Selection({self.label}, {state}, {len(self)} of {self._limit} waiting, {self.dropped} dropped)"
        )


def _not_yet() -> Any:
    """Give no event before a loss was told."""
    raise IndexError


class Hub:
    """Connects feeds with selections."""

    def __init__(self, now: Callable[[], int]) -> None:
        """Start with neither; `now` is UTC in nanoseconds."""
        self._now = now
        self._feeds: dict[Feed, Exchange] = {}
        self._selections: list[Selection[Any]] = []
        self._closed = False
        self._error: BaseException | None = None

    def add_feed(self, feed: Feed, exchange: Exchange) -> None:
        """Let a feed deliver to what selects it."""
        self._feeds[feed] = exchange
        self._wire(feed)

    def remove_feed(self, feed: Feed) -> None:
        """Let a feed deliver to nobody."""
        self._feeds.pop(feed, None)
        feed.deliver_all_to()

    def rewire(self, feed: Feed, change: Callable[[], object] = bool) -> None:
        """Make a change to a feed's kinds, and look again who selects it.

        A selection that comes to a maintained book by it begins with the book as it is.
        """
        before = [s for s in self._selections if s._matches(feed, feed)]  # noqa: SLF001
        change()
        if feed not in self._feeds:
            return
        self._wire(feed)
        for selection in self._selections:
            if selection not in before:
                self._show_book(feed, selection)

    def _wire(self, feed: Feed) -> None:
        for outlet in (feed, *feed.outlets.values()):
            chosen = (s for s in self._selections if s._matches(feed, outlet))  # noqa: SLF001
            outlet.deliver_to(*(s._sink(feed) for s in chosen))  # noqa: SLF001

    def select(
        self,
        label: str,
        *,
        kind: Kind[Any] | None,
        exchange: Exchange | None,
        instruments: Iterable[Instrument] | None,
        events: bool,
        status: bool,
        limit: int,
    ) -> Selection[Any]:
        """Open a selection."""
        if self._closed:
            raise StreamsClosed("the streams are closed")
        only = None if instruments is None else frozenset(instruments)

        def matches(feed: Feed, outlet: Outlet) -> bool:
            return (
                events
                and (exchange is None or self._feeds.get(feed) is exchange)
                and any(
                    (kind is None or kind.selects(other))
                    and (only is None or of is None or of in only)
                    and not (isinstance(other, OrderBookKind) and not other.events)
                    and feed.outlet_of(other) is outlet
                    for other, of in zip(feed.kinds, feed.instruments, strict=True)
                )
            )

        def concerns(of: Exchange, value: Status) -> bool:
            named = getattr(value, "kind", None)
            instrument = getattr(value, "instrument", None)
            return (
                (exchange is None or of is exchange)
                and (kind is None or named is None or kind.name in named)
                and (only is None or instrument is None or instrument in only)
            )

        selection: Selection[Any] = Selection(
            self,
            label,
            limit=limit,
            events=matches,
            only=only,
            statuses=concerns if status else None,
            now=self._now,
        )
        self._selections.append(selection)
        for feed in self._feeds:
            self._wire(feed)
            self._show_book(feed, selection)
        return selection

    def _show_book(self, feed: Feed, selection: Selection[Any]) -> None:
        """Begin a late selection of a maintained book with the book as it is: its updates apply to it."""
        if feed.sync is None or not feed.sync.live or not selection._matches(feed, feed):  # noqa: SLF001
            return
        book = feed.sync.book
        bids, asks = book.texts()
        selection._put(  # noqa: SLF001 - the two classes are one mechanism
            OrderBookL2Snapshot(
                book.instrument.exchange,
                book.instrument,
                book.time_exchange,
                book.time_received or self._now(),
                book.last_update_id,
                bids,
                asks,
            )
        )

    def remove(self, selection: Selection[Any]) -> None:
        """Close a selection."""
        if selection in self._selections:
            self._selections.remove(selection)
            for feed in self._feeds:
                self._wire(feed)

    def report(self, exchange: Exchange, value: Status) -> None:
        """Hand a status value to every selection that it concerns."""
        for selection in tuple(self._selections):
            if selection._statuses is not None and selection._statuses(exchange, value):  # noqa: SLF001
                selection._put(value)  # noqa: SLF001

    def announce(self, value: Status) -> None:
        """Hand a status value that is of no exchange to every selection that takes status values."""
        for selection in tuple(self._selections):
            if selection._statuses is not None:  # noqa: SLF001
                selection._put(value)  # noqa: SLF001

    def flush(self) -> None:
        """Look after all selections, once what had arrived has been handed to them."""
        for selection in self._selections:
            selection._flush()  # noqa: SLF001

    def close(self, error: BaseException | None = None) -> None:
        """End all selections, by a fault if one is given."""
        if self._closed:
            return
        self._closed, self._error = True, error
        for feed in self._feeds:
            feed.deliver_all_to()
        for selection in self._selections:
            selection._end(error)  # noqa: SLF001

    def check(self) -> None:
        """Raise if the streams have ended.

        Raises:
            StreamsClosed: They have.
        """
        if self._closed:
            message = f"the streams ended: {self._error}" if self._error else "the streams are closed"
            raise StreamsClosed(message) from self._error
