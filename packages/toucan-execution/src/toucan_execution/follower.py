"""What joins the account's stream, the answers to requests and the queries into one view, and tells of it.

The stream is subscribed first; what it tells waits while the rest is fetched; then the view is brought in
step and everybody is told (`toucan_execution.reconcile`). Whatever casts doubt on the view (a lost
connection, a message that cannot be read, fills that do not add up) makes it stale at once, and starts this
again. A part that cannot be fetched is tried again for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from toucan_execution.account import AccountSnapshot, PositionMode
from toucan_execution.account_link import LOGGER, AccountLink
from toucan_execution.caller import Attempt, Caller
from toucan_execution.errors import AuthenticationError
from toucan_execution.events import (
    AccountEvent,
    Connected,
    Disconnected,
    OrderListUpdate,
    OrderUpdate,
    ResyncFailed,
    Retrying,
    StreamEnded,
    UnreadableEvent,
)
from toucan_execution.hub import EventHub
from toucan_execution.orders import Intent, Order, OrderRequest
from toucan_execution.outcome import Outcome, Rejected, Unknown
from toucan_execution.reconcile import Fetched, Resync
from toucan_execution.venue import ExecutionVenue, Placed
from toucan_execution.view import AccountView
from toucan_instrument import Catalogue, Instrument
from toucan_instrument.errors import PayloadError, RequestError, VenueError
from toucan_instrument.link import Backoff, Clock, LinkStatus

__all__ = ["Follower", "outcome_key"]

SECOND = 1_000_000_000
CHECK_NS = 5 * SECOND
"""How often it is looked whether fills are missing."""
SILENT_NS = 10 * SECOND
"""How long the stream may tell nothing of an order that the venue has accepted."""
HEARD = 1_000
"""How many orders that the stream has told of are remembered: its word may come before the answer."""


class Follower:
    """Keeps the view of one account in step with its venue.

    Args:
        venue: Reads messages and writes queries.
        caller: Makes the queries.
        hub: Whom to tell.
        clock: Where time comes from.
        rng: Where jitter comes from.
        is_own: Tells whether a client order id is one of this client's.
        instruments: Symbols whose fills are always asked for.
        find: Finds an instrument by symbol.
        moved: Called whenever `synced` may have changed.
        give_up: Takes the error with which the venue refused who asks.
    """

    def __init__(
        self,
        venue: ExecutionVenue,
        caller: Caller,
        hub: EventHub,
        *,
        clock: Clock,
        rng: Callable[[], float],
        is_own: Callable[[str], bool],
        instruments: Sequence[str],
        find: Callable[[str], Instrument | None],
        moved: Callable[[], None],
        give_up: Callable[[VenueError], None],
    ) -> None:
        self.view: AccountView = AccountView(venue.exchange, venue.account, is_own=is_own)
        self.connected: bool = False
        self._venue = venue
        self._caller = caller
        self._hub = hub
        self._clock = clock
        self._rng = rng
        self._named = tuple(instruments)
        self._find = find
        self._moved = moved
        self._give_up = give_up
        self._link: AccountLink | None = None
        self._resync: Resync | None = None
        self._wanted = asyncio.Event()
        self._epoch = 0
        self._outcomes: dict[tuple[int, str, Intent], Unknown] = {}
        self._heard: dict[tuple[Instrument, str], None] = {}
        self._unheard: dict[tuple[Instrument, str], int] = {}
        self._listeners: list[Callable[[AccountEvent], None]] = []
        self._watch: Callable[[Unknown], None] = _nobody

    # What is known.

    @property
    def synced(self) -> bool:
        """Whether the view is known to be right, and nobody who reads it has fallen behind."""
        return self.view.synced

    @property
    def stalled(self) -> bool:
        """Whether a reader of the stream has fallen too far behind."""
        return self._hub.stalled

    @property
    def stale_reason(self) -> str:
        """Why the view is not known to be right."""
        return self.view.stale_reason

    @property
    def position_mode(self) -> PositionMode | None:
        """The account's position mode, as it was read at the start and after every resync."""
        return self.view.position_mode

    @property
    def unknown_outcomes(self) -> tuple[Unknown, ...]:
        """The outcomes that nobody knows yet."""
        return tuple(self._outcomes.values())

    def snapshot(self) -> AccountSnapshot | None:
        """Return the account as it is, None while that is not known."""
        return self.view.peek(self._clock.utc_ns()) if self.view.synced else None

    def order(self, instrument: Instrument, client_order_id: str, order_id: str) -> Order | None:
        """Return what is known of an order, in sync or not."""
        if not (client_order_id or order_id):
            return None
        return self.view.tracker.get(instrument, client_order_id=client_order_id, order_id=order_id)

    def open_orders(self, instrument: Instrument) -> tuple[Order, ...]:
        """Return the open orders of an instrument, in sync or not."""
        return self.view.tracker.open_orders(instrument)

    def is_used(self, client_order_id: str) -> bool:
        """Tell whether a client order id was used before."""
        return self.view.tracker.is_used(client_order_id)

    # What this client does.

    def begin(self, request: OrderRequest) -> None:
        """Note an order that is about to be sent."""
        self._tell(self.view.tracker.begin(request, self._clock.utc_ns()))

    def begin_cancel(self, order: Order | None) -> None:
        """Note a cancel that is about to be sent."""
        if order is not None:
            self._tell(self.view.tracker.begin_cancel(order, self._clock.utc_ns()))

    def end_cancel(self, order: Order) -> None:
        """Note that a cancel was refused."""
        self._tell(self.view.tracker.end_cancel(order, self._clock.utc_ns()))

    def rejected(self, client_order_id: str, instrument: Instrument, outcome: Outcome) -> None:
        """Note that an order was refused, or never sent."""
        reason = outcome.message if isinstance(outcome, Rejected) else ""
        now = self._clock.utc_ns()
        self._tell(self.view.tracker.rejected(client_order_id, reason, now, instrument=instrument))

    def unknown(self, outcome: Unknown, instrument: Instrument, client_order_ids: Iterable[str]) -> None:
        """Note that nobody knows what became of a request."""
        self._outcomes[outcome_key(outcome)] = outcome
        LOGGER.warning(
            "the outcome of a request is not known: %s",
            outcome.cause,
            extra={"account": self.view.account, "client_order_id": outcome.client_order_id},
        )
        now = self._clock.utc_ns()
        for client_order_id in client_order_ids:
            self._tell(self.view.tracker.unknown(client_order_id, now, instrument=instrument))
        self._watch(outcome)

    def settled(self, outcome: Unknown) -> None:
        """Note that it is known now what became of a request."""
        self._outcomes.pop(outcome_key(outcome), None)

    def expect(self, order: Order | None) -> None:
        """Note that the stream has to tell of an order, as the venue has just accepted it.

        A stream that is subscribed in a way that the venue does not serve any more is silent, and nothing
        says so (facts E.4).
        """
        if order is not None and order.order_id and not order.algo_id:
            key = (order.instrument, order.order_id)
            if key not in self._heard:
                self._unheard[key] = self._clock.monotonic_ns() + SILENT_NS

    def learn(self, placed: Placed, *, received_ns: int) -> None:
        """Join what an answer says."""
        received_ns = received_ns or self._clock.utc_ns()
        for fill in placed.fills:
            self._take(fill)
        orders = [placed.order] if placed.order is not None else []
        if placed.order_list is not None:
            orders += placed.order_list.orders
            at = placed.order_list.updated_ns
            self._take(
                OrderListUpdate(
                    self._venue.exchange, self._venue.account, at, received_ns, order_list=placed.order_list
                )
            )
        self.learn_orders(orders, received_ns=received_ns)

    def learn_orders(self, orders: Iterable[Order], *, received_ns: int = 0) -> None:
        """Join what an answer says of orders."""
        received_ns = received_ns or self._clock.utc_ns()
        for order in orders:
            self._take(
                OrderUpdate(
                    self._venue.exchange,
                    self._venue.account,
                    order.updated_ns,
                    received_ns,
                    order=order,
                    origin=order.origin,
                )
            )

    def on_unknown(self, watch: Callable[[Unknown], None]) -> None:
        """Have every unknown outcome looked into."""
        self._watch = watch

    def listen(self, listener: Callable[[AccountEvent], None]) -> Callable[[], None]:
        """Give every event to a listener as well; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # What the connection tells.

    def attach(self, link: AccountLink) -> None:
        """Follow the stream of a connection."""
        self._link = link

    def status(self, status: LinkStatus) -> None:
        """Take what the link tells of the connection, and pass it on."""
        if isinstance(status, Connected):
            self.connected = True
        if isinstance(status, (Connected, Disconnected, Retrying)):
            self._hub.publish(status)
        if isinstance(status, Disconnected):
            self.connected = False
            self.lost(status.closed.reason or f"disconnected with code {status.closed.code}")

    def subscribed(self) -> None:
        """Note that the stream's events come from now on: what is missing is to be fetched."""
        self._epoch += 1
        if self._resync is None:
            self._begin_resync("the account's stream was subscribed to anew")
        self._wanted.set()

    def lost(self, reason: str) -> None:
        """Note that events may be missed from here on; the next subscription brings the view in step."""
        self._epoch += 1
        self._wanted.clear()
        self._unheard.clear()
        self._begin_resync(reason)

    def resync(self, reason: str) -> None:
        """Fetch the account again, although its stream goes on."""
        self._epoch += 1  # what is being fetched just now may be older than the cause
        self._begin_resync(reason)
        if self._link is not None and self._link.session is not None and self._link.session.ready:
            self._wanted.set()

    def frame(self, frame: bytes, received_ns: int) -> None:
        """Take a message of the account's stream."""
        for event in self._venue.decode_event(frame, received_ns):
            if isinstance(event, StreamEnded):
                self._hub.publish(event)
                if self._link is not None and event.reason == "listenKeyExpired":
                    self._link.fail(f"planned: the venue ended the stream: {event.reason}", planned=True)
            elif isinstance(event, UnreadableEvent):
                self._hub.publish(event)
                self.resync(f"a message could not be read: {event.error}")
            else:
                if isinstance(event, OrderUpdate):
                    self._hear(event.order)
                self._take(event)

    def _hear(self, order: Order) -> None:
        key = (order.instrument, order.order_id)
        self._unheard.pop(key, None)
        self._heard[key] = None
        if len(self._heard) > HEARD:
            del self._heard[next(iter(self._heard))]

    # Bringing the view in step.

    async def run(self, catalogue: Callable[[], Awaitable[Catalogue]]) -> None:
        """Bring the view in step whenever that is wanted, for as long as the client lives.

        Args:
            catalogue: Gives the market's instruments, fetching them the first time.
        """
        attempt = 1
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            epoch = self._epoch
            if await self._fetch(catalogue, epoch):
                attempt = 1
            elif epoch == self._epoch:
                await self._clock.sleep_until(self._clock.monotonic_ns() + self._delay(attempt))
                attempt += 1
                if self._resync is not None and epoch == self._epoch:
                    self._wanted.set()

    def _delay(self, attempt: int) -> int:
        return Backoff(first_ns=SECOND, cap_ns=30 * SECOND).delay_ns(attempt, self._rng)

    async def _fetch(self, catalogue: Callable[[], Awaitable[Catalogue]], epoch: int) -> bool:
        """Fetch what is missing; return whether the view is in step."""
        resync = self._resync
        if resync is None:
            return True
        try:
            found = await catalogue()
        except (RequestError, PayloadError) as error:
            LOGGER.warning("the instruments could not be fetched: %s", error)
            self._refused_by(error)
            failed = ResyncFailed(
                self._venue.exchange,
                self._venue.account,
                None,
                self._clock.utc_ns(),
                what="instruments",
                error=str(error),
                retry_after_ns=SECOND,
            )
            self._hub.publish(failed)
            return False
        resync.name(
            [each for symbol in self._named if (each := self._find(symbol)) is not None], tuple(found)
        )
        attempt = Attempt()
        fetched = await self._caller.converse(resync.fetch(self._clock.utc_ns()), attempt)
        if epoch != self._epoch or resync is not self._resync:
            return False  # the stream was lost meanwhile: what was fetched may be older than the loss
        if not isinstance(fetched, Fetched):
            LOGGER.warning("the account could not be fetched: %s", fetched.error)
            self._refused_by(attempt.error)
            self._hub.publish(fetched)
            return False
        self._finish(resync, fetched)
        return True

    def _finish(self, resync: Resync, fetched: Fetched) -> None:
        self._resync = None
        events = resync.finish(fetched, self._clock.utc_ns())
        self._tell(events)
        snapshot = self.snapshot()
        if snapshot is not None:
            self._hub.begin(snapshot)
        self._moved()
        LOGGER.info("in sync", extra={"account": self.view.account})

    def _begin_resync(self, reason: str) -> None:
        if self._resync is None:
            self._tell(self.view.lose_sync(reason, self._clock.utc_ns()))
            self._resync = Resync(self.view, self._venue)
            self._moved()

    def _refused_by(self, error: Exception | None) -> None:
        if isinstance(error, AuthenticationError):
            self._give_up(error)

    async def check_fills(self) -> None:
        """Look now and then whether fills are missing; they are fetched with all the rest.

        Where the stream tells nothing of an order that was accepted, it is opened anew.
        """
        while True:
            await self._clock.sleep_until(self._clock.monotonic_ns() + CHECK_NS)
            if self._link is not None and any(
                due <= self._clock.monotonic_ns() for due in self._unheard.values()
            ):
                self._unheard.clear()
                self._link.fail(
                    "the account's stream is silent: it told nothing of an order that was accepted"
                )
                continue
            if self._resync is None and self.view.synced:
                events = self.view.tracker.report_mismatches(self._clock.utc_ns())
                if events:
                    self._tell(events)
                    self.resync("fills of an order are missing")

    # Telling.

    def _take(self, event: AccountEvent) -> None:
        if self._resync is not None:
            self._resync.push(event)
            self._notify(event)
        else:
            self._tell(self.view.apply(event))

    def _tell(self, events: Iterable[AccountEvent]) -> None:
        for event in events:
            if isinstance(event, AccountSnapshot):
                self._hub.begin(event)
            else:
                self._hub.publish(event)
            self._notify(event)

    def _notify(self, event: AccountEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)


def outcome_key(outcome: Unknown) -> tuple[int, str, Intent]:
    """Return what tells unknown outcomes apart: an order may be amended and cancelled many times."""
    return outcome.sent_ns, outcome.client_order_id, outcome.intent


def _nobody(outcome: Unknown) -> None:
    del outcome
