"""What a user holds: the streams that are followed, the books that are kept, and what is said of them.

`Streams` owns the tasks: one per connection, one per venue that fetches snapshots. A fault of ours in any
of them ends all selections with `StreamsClosed` and the fault as its cause; nothing dies unseen.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from functools import partial
from logging import INFO, WARNING, getLogger
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from toucan_data.book import BookProgress, OrderBook
from toucan_data.catalogues import load_instruments
from toucan_data.changes import BookWatch
from toucan_data.connection import Connection, place
from toucan_data.errors import DuplicateSubscription, NotReady
from toucan_data.events import Event
from toucan_data.feed import Feed
from toucan_data.kinds import Kind, OrderBookKind, OrderBooksL2
from toucan_data.market import Market
from toucan_data.selection import BUFFER, Hub, Selection
from toucan_data.snapshots import SnapshotLoader
from toucan_data.status import Gap, Resynced, Status
from toucan_data.subscription import (
    Subscription,
    SubscriptionLike,
    WholeMarket,
    expand,
)
from toucan_data.venue import Venue
from toucan_instrument import Catalogue, Exchange, Instrument
from toucan_instrument.errors import InvalidInput, UnknownSymbol
from toucan_instrument.link import Clock, Network, SystemClock, before

if TYPE_CHECKING:
    from toucan_data.builder import StreamsBuilder

__all__ = ["Streams"]

E = TypeVar("E")
LOGGER = getLogger("toucan_data")


class Streams:
    """Market data that is being followed; made by `Streams.builder`, used with ``async with``.

    All methods belong to the event loop that it was made on.
    """

    def __init__(
        self,
        *,
        network: Network,
        clock: Clock | None = None,
        rng: Callable[[], float] = random.random,
        buffer: int = BUFFER,
        budget_share: float = 1.0,
    ) -> None:
        """Made by `Streams.builder().init()`."""
        self._network = network
        self._clock = clock or SystemClock()
        self._rng = rng
        self._buffer = buffer
        self._share = budget_share
        self._hub = Hub(self._clock.utc_ns)
        self._markets: dict[Venue, Market] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._progressed = asyncio.Event()
        self._watches: list[BookWatch] = []
        self._changing = asyncio.Lock()
        self._closed = False

    @staticmethod
    def builder(**options: Any) -> StreamsBuilder:
        """Return a builder; see `StreamsBuilder` for the options."""
        from toucan_data.builder import StreamsBuilder  # noqa: PLC0415 - it makes what is defined here

        return StreamsBuilder(**options)

    # Subscriptions.

    @overload
    async def subscribe(
        self, subscriptions: Iterable[SubscriptionLike], *, unchecked: bool = ...
    ) -> None: ...
    @overload
    async def subscribe(
        self,
        subscriptions: Catalogue | Iterable[Instrument],
        kinds: Kind[Any] | Sequence[Kind[Any]],
        *,
        venue: Venue | None = ...,
    ) -> None: ...

    async def subscribe(
        self,
        subscriptions: Any,
        kinds: Kind[Any] | Sequence[Kind[Any]] | None = None,
        *,
        venue: Venue | None = None,
        unchecked: bool = False,
    ) -> None:
        """Follow more, from now on; all of it is checked before any of it is asked for.

        Args:
            subscriptions: Subscriptions, or the instruments whose product with `kinds` is meant.
            kinds: Kinds, for instruments.
            venue: Where, for instruments that come without their catalogue.
            unchecked: Take symbols by their spelling, without the venue's list of instruments.

        Raises:
            InvalidInput: A subscription is not right: what, and what would be, is said in the error.
            RequestError: The list of instruments could not be loaded.
            StreamsClosed: The streams are closed.
        """
        wanted = expand(subscriptions, kinds, venue)
        async with self._changing:
            self._hub.check()
            self._follow(await self._resolve(wanted, unchecked=unchecked))

    async def _start(self, batches: list[tuple[list[Subscription], bool]]) -> None:
        """Follow what a builder has collected, as one whole."""
        async with self._changing:
            resolved = []
            for wanted, unchecked in batches:
                resolved += await self._resolve(wanted, unchecked=unchecked)
            self._follow(resolved)

    async def unsubscribe(
        self,
        subscriptions: Any,
        kinds: Kind[Any] | Sequence[Kind[Any]] | None = None,
        *,
        venue: Venue | None = None,
        unchecked: bool = False,
    ) -> None:
        """Follow less, from now on; the arguments are those of `subscribe`.

        Raises:
            InvalidInput: Something was not subscribed; then nothing is changed.
        """
        wanted = expand(subscriptions, kinds, venue)
        async with self._changing:
            self._hub.check()
            found = []
            for market, instrument, kind in await self._resolve(wanted, unchecked=unchecked):
                feed = market.subscribed.get((instrument, kind))
                if feed is None:
                    raise InvalidInput(
                        "that was not subscribed",
                        field="subscription",
                        value=f"{instrument or 'whole market'} {kind!r}",
                        accepted=", ".join(
                            f"{of or 'whole market'} {k!r}" for of, k in [*market.subscribed][:8]
                        ),
                    )
                found.append((market, instrument, kind, feed))
            for market, instrument, kind, feed in found:
                self._leave(market, instrument, kind, feed)

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """What is followed."""
        return tuple(
            Subscription(market.venue, instrument or WholeMarket(), kind)
            for market in self._markets.values()
            for instrument, kind in market.subscribed
        )

    async def _resolve(
        self, wanted: list[Subscription], *, unchecked: bool
    ) -> list[tuple[Market, Instrument | None, Kind[Any]]]:
        resolved: list[tuple[Market, Instrument | None, Kind[Any]]] = []
        for subscription in wanted:
            market = self._market(subscription.venue)
            target = subscription.target
            if isinstance(target, WholeMarket):
                resolved.append((market, None, subscription.kind))
                continue
            if not isinstance(target, Instrument):
                if not unchecked and market.catalogue is None:
                    market.catalogue = await load_instruments(
                        market.venue,
                        volumes=False,
                        network=self._network,
                        clock=self._clock,
                        share=self._share,
                    )
                target = market.find(target, unchecked=unchecked)
            resolved.append((market, target, subscription.kind))
        return resolved

    def _market(self, venue: Venue) -> Market:
        market = self._markets.get(venue)
        if market is None:
            snapshots = SnapshotLoader(
                venue,
                network=self._network,
                clock=self._clock,
                rng=self._rng,
                share=self._share,
                synced=self._book_synced,
            )
            market = self._markets[venue] = Market(venue, snapshots)
            self._spawn(snapshots.run(), f"{venue.exchange.value} snapshots")
        return market

    def _follow(self, wanted: list[tuple[Market, Instrument | None, Kind[Any]]]) -> None:
        checked = self._check(wanted)
        new: dict[Market, list[Feed]] = {}
        for market, instrument, kind, channel in checked:
            key = (channel.route, channel.name)
            feed = market.feeds.get(key)
            if feed is None:
                feed = market.feeds[key] = Feed(channel, [kind], instrument)
                self._prepare(market, feed)
                new.setdefault(market, []).append(feed)
            else:
                self._hub.rewire(feed, partial(feed.join, kind, channel.instrument or instrument))
            market.subscribed[instrument, kind] = feed
        for market, feeds in new.items():
            made = place(feeds, list(market.connections), partial(self._connection, market))
            for connection in made:
                market.connections[connection] = self._spawn(connection.run(), connection.name)

    def _check(self, wanted: list[tuple[Market, Instrument | None, Kind[Any]]]) -> list[Any]:
        """Check every subscription against its venue and the others, before anything is changed."""
        checked = []
        seen: set[tuple[Market, Instrument | None, str]] = set()
        for market, instrument, kind in wanted:
            channel = market.venue.channel(instrument, kind)
            book = isinstance(kind, OrderBookKind) and kind.depth is None
            again = (market, instrument, "maintained book" if book else repr(kind))
            held = (instrument, kind) in market.subscribed or (
                book
                and any(
                    of == instrument and isinstance(k, OrderBookKind) and k.depth is None
                    for of, k in market.subscribed
                )
            )
            if again in seen or held:
                raise DuplicateSubscription(
                    "that is subscribed already",
                    field="subscription",
                    value=f"{instrument or 'whole market'} {kind!r}",
                    accepted="each instrument and kind once, and one maintained book of an instrument",
                )
            seen.add(again)
            checked.append((market, instrument, kind, channel))
        return checked

    def _prepare(self, market: Market, feed: Feed) -> None:
        exchange = market.venue.exchange

        def report(value: Status) -> None:
            if isinstance(value, (Gap, Resynced)):
                extra = {"venue": exchange.value, "instrument": str(value.instrument)}
                LOGGER.log(WARNING if isinstance(value, Gap) else INFO, "%r", value, extra=extra)
            self._hub.report(exchange, value)

        market.venue.prepare(feed, report, market.snapshots.want, market.instrument_of)
        if feed.sync is not None:
            kind = next((each for each in feed.kinds if isinstance(each, OrderBookKind)), OrderBooksL2)
            market.snapshots.add(feed.sync, kind.snapshot_levels)
        for watch in self._watches:
            watch.add(feed)
        self._hub.add_feed(feed, exchange)

    def _connection(self, market: Market, route: str) -> Connection:
        exchange = market.venue.exchange
        market.opened += 1
        return Connection(
            market.venue,
            route,
            market.opened - 1,
            network=self._network,
            clock=self._clock,
            rng=self._rng,
            report=lambda value: self._hub.report(exchange, value),
            feed_live=lambda _: self._progress(),
            paused=self._hub.flush,
        )

    def _leave(self, market: Market, instrument: Instrument | None, kind: Kind[Any], feed: Feed) -> None:
        del market.subscribed[instrument, kind]
        self._hub.rewire(feed, partial(feed.leave, kind, feed.channel.instrument or instrument))
        if feed.kinds:
            return
        del market.feeds[feed.channel.route, feed.channel.name]
        self._hub.remove_feed(feed)
        if feed.sync is not None:
            market.snapshots.remove(feed.sync)
        for watch in self._watches:
            watch.remove(feed)
        for connection, task in list(market.connections.items()):
            if feed.channel.name in connection.feeds:
                connection.remove([feed.channel.name])
                if not connection.feeds:
                    del market.connections[connection]
                    task.cancel()
        self._progress()

    # Reading.

    @overload
    def select(
        self,
        kind: Kind[E],
        *,
        exchange: Exchange | None = ...,
        instruments: Iterable[Instrument] | None = ...,
        status: Literal[False],
        buffer: int | None = ...,
    ) -> Selection[E]: ...
    @overload
    def select(
        self,
        kind: Kind[E],
        *,
        exchange: Exchange | None = ...,
        instruments: Iterable[Instrument] | None = ...,
        status: Literal[True] = ...,
        buffer: int | None = ...,
    ) -> Selection[E | Status]: ...
    @overload
    def select(
        self,
        *,
        exchange: Exchange,
        instruments: Iterable[Instrument] | None = ...,
        status: Literal[False],
        buffer: int | None = ...,
    ) -> Selection[Event]: ...
    @overload
    def select(
        self,
        *,
        exchange: Exchange,
        instruments: Iterable[Instrument] | None = ...,
        status: Literal[True] = ...,
        buffer: int | None = ...,
    ) -> Selection[Event | Status]: ...

    def select(
        self,
        kind: Kind[Any] | None = None,
        *,
        exchange: Exchange | None = None,
        instruments: Iterable[Instrument] | None = None,
        status: bool = True,
        buffer: int | None = None,
    ) -> Selection[Any]:
        """Open a selection of events, and of what is said of their streams.

        Args:
            kind: Which kind; the bare kind takes every setting of it.
            exchange: Of which exchange only.
            instruments: Of which instruments only.
            status: Whether status values come in band, in their place between the events.
            buffer: How many events are kept for a slow reader; then the oldest go, and `Dropped` tells.

        Raises:
            InvalidInput: Neither kind nor exchange nor instruments are given (`select_all` does that).
            StreamsClosed: The streams are closed.
        """
        if kind is None and exchange is None and instruments is None:
            raise InvalidInput(
                "a selection needs something to select by",
                field="kind",
                value=None,
                accepted="a kind, or exchange=...",
            )
        if kind is not None and not isinstance(kind, Kind):
            raise InvalidInput(
                "that is no kind of data", field="kind", value=kind, accepted="such as PublicTrades"
            )
        label = ", ".join(str(part) for part in (kind, exchange) if part is not None) or "instruments"
        return self._hub.select(
            label,
            kind=kind,
            exchange=exchange,
            instruments=instruments,
            events=True,
            status=status,
            limit=self._buffer if buffer is None else buffer,
        )

    @overload
    def select_all(self, *, status: Literal[False], buffer: int | None = ...) -> Selection[Event]: ...
    @overload
    def select_all(
        self, *, status: Literal[True] = ..., buffer: int | None = ...
    ) -> Selection[Event | Status]: ...

    def select_all(self, *, status: bool = True, buffer: int | None = None) -> Selection[Any]:
        """Open a selection of everything; the arguments are those of `select`."""
        return self._hub.select(
            "everything",
            kind=None,
            exchange=None,
            instruments=None,
            events=True,
            status=status,
            limit=self._buffer if buffer is None else buffer,
        )

    def status(self, *, exchange: Exchange | None = None, buffer: int | None = None) -> Selection[Status]:
        """Open a selection of status values alone."""
        return self._hub.select(
            "status",
            kind=None,
            exchange=exchange,
            instruments=None,
            events=False,
            status=True,
            limit=self._buffer if buffer is None else buffer,
        )

    def book(self, instrument: Instrument | str, kind: OrderBookKind | None = None) -> OrderBook:
        """Return the live book of an instrument.

        Args:
            instrument: Which, also by unified or venue symbol where only one venue has it.
            kind: Which of its books, if it has several; the maintained one unless said otherwise.

        Raises:
            UnknownSymbol: No book of it is followed.
            InvalidInput: Several venues have a book of that name.
        """
        found: dict[Exchange, OrderBook] = {}
        for market in self._markets.values():
            for (of, subscribed), feed in market.subscribed.items():
                if feed.book is None or of is None or (kind is not None and subscribed != kind):
                    continue
                named = isinstance(instrument, str) and instrument in (str(of), of.symbol)
                if (of == instrument or named) and (of.exchange not in found or feed.sync is not None):
                    found[of.exchange] = feed.book
        if len(found) > 1:
            raise InvalidInput(
                "several venues have it",
                field="instrument",
                value=instrument,
                accepted=", ".join(map(repr, (book.instrument for book in found.values()))),
            )
        if found:
            return next(iter(found.values()))
        kept = [str(book.instrument) for book in self.books]
        raise UnknownSymbol(
            "no book of it is followed",
            field="instrument",
            value=str(instrument),
            accepted=", ".join(kept[:8]) or "an instrument that OrderBooksL2 was subscribed for",
            near=tuple(kept[:8]),
        )

    @property
    def books(self) -> tuple[OrderBook, ...]:
        """All books that are kept, in the order of subscription."""
        return tuple(feed.book for feed in self._feeds() if feed.book is not None)

    @property
    def book_progress(self) -> BookProgress:
        """How many of the maintained books are in step."""
        syncs = [feed.sync for feed in self._feeds() if feed.sync is not None]
        return BookProgress(sum(sync.live for sync in syncs), len(syncs))

    async def book_changes(self, levels: int = 1) -> AsyncIterator[frozenset[Instrument]]:
        """Iterate the sets of instruments whose book has changed since the last look.

        Changes are conflated: memory does not grow with a reader that sleeps.

        Args:
            levels: How many levels from the top are watched, next to the book's state.

        Raises:
            StreamsClosed: The streams ended by a fault.
        """
        watch = BookWatch(levels)
        self._watches.append(watch)
        try:
            for feed in self._feeds():
                watch.add(feed)
            while True:
                changed = await watch.changed()
                self._hub.check()
                if changed:
                    yield changed
        finally:
            self._watches.remove(watch)
            watch.close()

    async def ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - a user's words
        """Wait until everything subscribed has delivered first data, and every maintained book is in step.

        Liquidations count as ready when acknowledged: they may rightly be silent for hours.

        Args:
            timeout: Seconds to wait at most, None to wait without an end.

        Raises:
            NotReady: The time was up; the error names what is missing.
            StreamsClosed: The streams ended.
        """
        end = None if timeout is None else self._clock.monotonic_ns() + int(timeout * 1e9)
        while missing := self.missing:
            self._hub.check()
            self._progressed.clear()
            if end is None:
                await self._progressed.wait()
            else:
                progressed = asyncio.ensure_future(self._progressed.wait())
                try:
                    if not await before(self._clock, end, progressed):
                        raise NotReady(missing)
                finally:
                    progressed.cancel()
        self._hub.check()

    @property
    def missing(self) -> tuple[str, ...]:
        """What has not delivered yet, one text each."""
        return tuple(f"{feed.of} {feed.what}: {what}" for feed in self._feeds() if (what := feed.missing()))

    def _feeds(self) -> Iterable[Feed]:
        for market in self._markets.values():
            yield from market.feeds.values()

    def _book_synced(self) -> None:
        self._hub.flush()
        self._progress()

    def _progress(self) -> None:
        self._progressed.set()

    # Life.

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=f"toucan {name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._hub.close(error)
        self._progress()
        for watch in self._watches:
            watch.wake()

    async def close(self) -> None:
        """Close all connections and end all selections; harmless to repeat."""
        if self._closed:
            return
        self._closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._hub.close()
        self._progress()
        for watch in self._watches:
            watch.wake()
        await self._network.close()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    def __repr__(self) -> str:
        """Show how much is followed, and how it is."""
        feeds = list(self._feeds())
        connections = sum(len(market.connections) for market in self._markets.values())
        progress = self.book_progress
        return (
            f"Streams({len(feeds)} streams on {connections} connections, "
            f"{progress.synced} of {progress.total} books in sync)"
        )
