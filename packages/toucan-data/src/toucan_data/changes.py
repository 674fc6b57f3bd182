"""Watching books without queueing their changes."""

from __future__ import annotations

import asyncio

from toucan_data.book import BookState, OrderBook
from toucan_data.events import LevelText
from toucan_data.feed import Feed
from toucan_instrument import Instrument
from toucan_instrument.errors import InvalidInput

__all__ = ["BookWatch"]

Seen = tuple[BookState, list[LevelText], list[LevelText]]


class BookWatch:
    """Collects which books may have changed, and compares their tops when it is asked.

    On the path of an update it adds a book to a set, and that is all: what has really changed in the top
    levels is compared once for each look, however many updates came in between.
    """

    def __init__(self, levels: int) -> None:
        """Watch so many levels a side.

        Raises:
            InvalidInput: It is not one or more.
        """
        if levels < 1:
            raise InvalidInput("a watch needs levels", field="levels", value=levels, accepted="1 or more")
        self._levels = levels
        self._touched: set[OrderBook] = set()
        self._seen: dict[OrderBook, Seen] = {}
        self._feeds: set[Feed] = set()
        self._wake = asyncio.Event()

    def add(self, feed: Feed) -> None:
        """Watch the book of a feed, if it keeps one."""
        if feed.book is None or feed in self._feeds:
            return
        self._feeds.add(feed)
        (feed.sync.watchers if feed.sync is not None else feed.watchers).append(self._touch)
        self._touch(feed.book)

    def remove(self, feed: Feed) -> None:
        """Watch it no more."""
        if feed in self._feeds and feed.book is not None:
            self._feeds.discard(feed)
            (feed.sync.watchers if feed.sync is not None else feed.watchers).remove(self._touch)
            self._touched.discard(feed.book)
            self._seen.pop(feed.book, None)

    def close(self) -> None:
        """Watch nothing any more."""
        for feed in tuple(self._feeds):
            self.remove(feed)

    def wake(self) -> None:
        """Let a waiting reader look again."""
        self._wake.set()

    def _touch(self, book: OrderBook) -> None:
        self._touched.add(book)
        self._wake.set()

    async def changed(self) -> frozenset[Instrument]:
        """Wait for changes, and return the instruments whose watched levels or state are not as last seen."""
        await self._wake.wait()
        self._wake.clear()
        touched, self._touched = self._touched, set()
        return frozenset(book.instrument for book in touched if self._differs(book))

    def _differs(self, book: OrderBook) -> bool:
        bids, asks = book.texts(self._levels, allow_stale=True)
        now = (book.state, bids, asks)
        if self._seen.get(book) == now:
            return False
        first_look_at_nothing = book not in self._seen and not book.generation
        self._seen[book] = now
        return not first_look_at_nothing
