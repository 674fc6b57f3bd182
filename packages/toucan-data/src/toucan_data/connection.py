"""One supervised connection to a route of a venue, and the sharing of a venue's streams over several."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from toucan_data.feed import Feed, SessionContext
from toucan_data.session import StreamSession
from toucan_data.status import Status
from toucan_data.venue import Venue
from toucan_instrument.link import (
    Clock,
    Connected,
    DialOptions,
    Disconnected,
    LinkStatus,
    Network,
    Retrying,
    Socket,
    dial,
    may_dial,
    supervise,
)

__all__ = ["Connection", "place"]

LOGGER = logging.getLogger("toucan_data")
PATIENCE_CAP = 64


class Connection:
    """A connection that is kept up for as long as it has streams to carry.

    Attributes:
        name: What its status values are signed with, such as ``binance-usd-m/market/0``.
        route: The venue's path.
        feeds: The streams that it carries, by the venue's name.
    """

    def __init__(
        self,
        venue: Venue,
        route: str,
        number: int,
        *,
        network: Network,
        clock: Clock,
        rng: Callable[[], float],
        report: Callable[[Status], None],
        feed_live: Callable[[Feed], None],
        paused: Callable[[], None],
    ) -> None:
        """Prepare a connection; `run` opens it."""
        self.name: str = f"{venue.exchange.value}/{route or 'stream'}/{number}"
        self.route = route
        self.feeds: dict[str, Feed] = {}
        self._venue = venue
        self._network = network
        self._clock = clock
        self._rng = rng
        self._report = report
        self._feed_live = feed_live
        self._paused = paused
        self._limits = venue.limits_of(route)
        self._session: StreamSession | None = None
        self._patience = 1

    @property
    def room(self) -> int:
        """How many more streams it may carry."""
        return self._limits.streams_per_connection - len(self.feeds)

    def takes(self, feed: Feed) -> bool:
        """Tell whether a stream can be carried here too."""
        channel = feed.channel
        if channel.route != self.route or self.room <= 0:
            return False
        return not channel.slot or all(each.channel.slot != channel.slot for each in self.feeds.values())

    def add(self, feeds: Iterable[Feed]) -> None:
        """Carry more streams, from now on."""
        new = list(feeds)
        self.feeds.update({feed.channel.name: feed for feed in new})
        if self._session is not None:
            self._session.add(new)

    def remove(self, names: Iterable[str]) -> None:
        """Carry streams no more."""
        gone = [name for name in names if self.feeds.pop(name, None) is not None]
        if self._session is not None and gone:
            self._session.remove(gone)

    async def run(self) -> None:
        """Keep the connection up until cancelled.

        Raises:
            DialError: The venue refuses the connection for a reason that trying again cannot mend.
        """
        await supervise(
            self.name,
            dial=self._dial,
            before_dial=self._before_dial,
            new_session=self._new_session,
            emit=self._emit,
            clock=self._clock,
            rng=self._rng,
        )

    async def _dial(self) -> Socket:
        venue = self._venue
        return await dial(
            self._network,
            venue.url(self.route),
            DialOptions(compress=venue.compression, max_frame=self._limits.max_frame),
            connection_pool=venue.connection_pool,
            request_pool=venue.request_pool,
            clock=self._clock,
        )

    async def _before_dial(self) -> None:
        await may_dial(self._venue.connection_pool, self._clock)

    def _new_session(self) -> StreamSession:
        last = self._session
        if last is not None:
            self._patience = min(self._patience * 2, PATIENCE_CAP) if last.silent else 1
        context = SessionContext(
            exchange=self._venue.exchange,
            route=self.route,
            limits=self._limits,
            report=self._report,
            rng=self._rng,
            feed_live=self._feed_live,
            paused=self._paused,
            patience=self._patience,
        )
        self._session = self._venue.session(context, list(self.feeds.values()))
        return self._session

    def _emit(self, status: LinkStatus) -> None:
        extra = {"venue": self._venue.exchange.value, "connection": self.name}
        if isinstance(status, Connected):
            LOGGER.info("connected", extra=extra)
        elif isinstance(status, Disconnected):
            LOGGER.warning("disconnected: %s", status.closed.reason or status.closed.code, extra=extra)
        elif isinstance(status, Retrying):
            LOGGER.info("retrying in %.3f s", status.delay_ns / 1e9, extra=extra)
        if isinstance(status, (Connected, Disconnected, Retrying)):
            self._report(status)


def place(
    feeds: list[Feed], connections: list[Connection], new: Callable[[str], Connection]
) -> list[Connection]:
    """Spread streams over connections within their limits, in the order given.

    Args:
        feeds: What is to be carried.
        connections: Those that are open; they are filled up first.
        new: Makes one for a route.

    Returns:
        The connections that were made.
    """
    made: list[Connection] = []
    by_route: dict[str, list[Feed]] = {}
    for feed in feeds:
        by_route.setdefault(feed.channel.route, []).append(feed)
    for route, of_route in by_route.items():
        waiting = dict.fromkeys(of_route)
        while waiting:
            first = next(iter(waiting))
            connection = next((c for c in (*connections, *made) if c.takes(first)), None)
            if connection is None:
                connection = new(route)
                made.append(connection)
            part = _part(waiting, connection)
            for feed in part:
                del waiting[feed]
            connection.add(part)
    return made


def _part(waiting: Iterable[Feed], connection: Connection) -> list[Feed]:
    """Return those that one connection takes, the first among them, in their order."""
    part: list[Feed] = []
    slots = {each.channel.slot for each in connection.feeds.values()} - {""}
    for feed in waiting:
        if len(part) >= max(1, connection.room):
            break
        if feed.channel.slot not in slots:
            part.append(feed)
            slots |= {feed.channel.slot} - {""}
    return part
