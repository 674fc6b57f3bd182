"""Fetching the snapshots of books: in the order that the user gave, as fast as the request weight allows."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from toucan_data.fetching import fetch
from toucan_data.sequencer import BookSync
from toucan_data.venue import Venue
from toucan_instrument.errors import RequestError, ToucanError, VenueError
from toucan_instrument.link import Clock, Network

__all__ = ["SnapshotLoader"]

SECOND = 1_000_000_000
FIRST_DELAY_NS = SECOND // 4
DELAY_CAP_NS = 30 * SECOND
AT_ONCE = 8
"""Requests under way at once: enough to use the weight up over a slow line."""


class SnapshotLoader:
    """Fetches the snapshots of one venue's books."""

    def __init__(
        self,
        venue: Venue,
        *,
        network: Network,
        clock: Clock,
        rng: Callable[[], float],
        share: float,
        synced: Callable[[], None],
    ) -> None:
        """Prepare to fetch; `run` does it.

        Args:
            venue: Whose books.
            network: Fetches.
            clock: Where time comes from.
            rng: Where jitter comes from.
            share: The part of the venue's request weight that may be used.
            synced: Called whenever a book has come into step.
        """
        self._venue = venue
        self._network = network
        self._clock = clock
        self._rng = rng
        self._share = share
        self._synced = synced
        self._ranks: dict[BookSync, tuple[int, int]] = {}
        self._serial = count()
        self._due: list[tuple[int, int, BookSync]] = []
        self._queued: set[BookSync] = set()
        self._wake = asyncio.Event()
        self._free = asyncio.Semaphore(AT_ONCE)

    def add(self, sync: BookSync, levels: int) -> None:
        """Take a book in, last in the order."""
        self._ranks[sync] = (next(self._serial), levels)

    def remove(self, sync: BookSync) -> None:
        """Forget a book."""
        self._ranks.pop(sync, None)

    def want(self, sync: BookSync) -> None:
        """Ask for a book's snapshot; asking twice is asking once."""
        if sync in self._ranks and sync not in self._queued:
            self._queued.add(sync)
            heapq.heappush(self._due, (self._ranks[sync][0], next(self._serial), sync))
            self._wake.set()

    @property
    def waiting(self) -> int:
        """How many books have no snapshot yet."""
        return sum(sync.waiting for sync in self._ranks)

    async def run(self) -> None:
        """Fetch for ever, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._free.acquire()
                while not self._due:
                    self._wake.clear()
                    await self._wake.wait()
                _, _, sync = heapq.heappop(self._due)
                tasks.create_task(self._serve(sync))

    async def _serve(self, sync: BookSync) -> None:
        try:
            delay = await self._fetch(sync)
        finally:
            self._free.release()
        if delay is not None:
            await self._clock.sleep_until(self._clock.monotonic_ns() + delay)
            if sync.waiting:
                self.want(sync)

    async def _fetch(self, sync: BookSync) -> int | None:
        """Fetch one snapshot; return the delay before the next try, None where none is needed."""
        self._queued.discard(sync)
        if sync not in self._ranks or not sync.waiting:
            return None
        levels = self._ranks[sync][1]
        venue = self._venue
        wait = 0
        try:
            request = venue.snapshot_request(sync.book.instrument, levels)
            # Only a book that is still waiting may use the weight when its turn comes.
            epoch = sync.epoch
            body = await fetch(venue, request, network=self._network, clock=self._clock, share=self._share)
            snapshot = venue.decode_snapshot(body, levels)
            trouble = sync.snapshot(snapshot, epoch, self._clock.utc_ns())
        except VenueError as error:
            trouble, wait = str(error), error.retry_after_ns
        except (RequestError, ToucanError) as error:
            trouble = str(error)
        if not trouble:
            self._synced()
            return None
        if trouble == "overtaken":
            return 0
        ceiling = min(DELAY_CAP_NS, FIRST_DELAY_NS << min(sync.attempts, 10))
        delay = max(wait, int(ceiling * (0.5 + 0.5 * self._rng())))
        sync.failed(trouble, delay, self._clock.utc_ns())
        return delay
