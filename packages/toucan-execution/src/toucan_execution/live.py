"""A client of a real exchange: one authenticated account, its live view, its stream, and orders.

`LiveClient` is venue-neutral: what an exchange says and how stands in an `ExecutionVenue`, and a venue's own
client adds what that exchange has on top. It owns the tasks; a fault of ours in any of them ends the client
with `ClientClosed` and the fault as its cause: nothing dies unseen.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any, Self, TypeVar

from toucan_execution.account import AccountSnapshot, Balance, Commission
from toucan_execution.account_link import LOGGER, AccountLink
from toucan_execution.call import Call, Conversation, one
from toucan_execution.caller import Caller
from toucan_execution.clocksync import ClockOffset
from toucan_execution.errors import (
    AuthenticationError,
    ClientClosed,
    EndpointGone,
    NotSynced,
)
from toucan_execution.events import ConsumerStalled, TradeUpdate
from toucan_execution.follower import Follower
from toucan_execution.hub import AccountStream, EventHub
from toucan_execution.ids import ClientIds
from toucan_execution.keeping import Keeper, say_goodbye
from toucan_execution.markets import Markets
from toucan_execution.orders import AmendRequest, CancelRequest, Order, OrderRequest
from toucan_execution.outcome import Outcome, Route, Unknown
from toucan_execution.requesting import AccountSession, SessionEvents
from toucan_execution.settling import Settler
from toucan_execution.trading import Desk
from toucan_execution.venue import ExecutionVenue
from toucan_execution.view import AccountView
from toucan_instrument import Catalogue, Exchange, Instrument
from toucan_instrument.errors import (
    VenueError,
)
from toucan_instrument.link import (
    Clock,
    Connected,
    Disconnected,
    LinkStatus,
    Network,
    Retrying,
    SystemClock,
    before,
)

__all__ = ["LiveClient"]

T = TypeVar("T")

SECOND = 1_000_000_000


class LiveClient(ABC):
    """An account on a real exchange; see `toucan_execution.client.protocol.ExecutionClient`.

    Made by a venue's own class, such as `BinanceSpotExecution`.

    Args:
        venue: What the exchange says and how.
        network: The way out; closed with the client.
        clock: Where time comes from.
        rng: Where jitter and ids come from.
        account_id: What tells accounts apart in the limits of orders; no secret.
        ids: Makes client order ids.
        timeout_ns: How long a request may take.
        receive_window_ns: How old a request may be when the venue gets it.
        over: The way that orders take.
        share: The part of the address' request weight that this client keeps to.
        stall_at: How many events may wait for a reader of the stream.
        instruments: Symbols whose fills are always asked for after a reconnect.
        prices: Gives a reference price of an instrument for the checks before sending.
    """

    def __init__(
        self,
        venue: ExecutionVenue,
        *,
        network: Network,
        account_id: str,
        ids: ClientIds,
        timeout_ns: int,
        receive_window_ns: int,
        over: Route = Route.REST,
        clock: Clock | None = None,
        rng: Callable[[], float] = random.random,
        share: float = 1.0,
        stall_at: int = 10_000,
        instruments: Sequence[str] = (),
        prices: Callable[[Instrument], Decimal | None] | None = None,
    ) -> None:
        self._venue = venue
        self._network = network
        self._clock: Clock = clock or SystemClock()
        self._rng = rng
        self._ids = ids
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._fault: BaseException | None = None
        self._keeper: Keeper | None = None
        self._refused: VenueError | None = None
        self._moved = asyncio.Event()
        self._account_link: AccountLink | None = None
        self._request_link: AccountLink | None = None
        self._caller = Caller(
            venue,
            network=network,
            clock=self._clock,
            offset=ClockOffset(),
            account_id=account_id,
            timeout_ns=timeout_ns,
            share=share,
            line=self._line if over is Route.WEBSOCKET else None,
        )
        self._markets = Markets(venue, self._caller, prices=prices)
        self._hub = EventHub(
            bound=stall_at, stalled=self._stalled_event, start=self._started, recovered=self._recovered
        )
        self._follower = Follower(
            venue,
            self._caller,
            self._hub,
            clock=self._clock,
            rng=rng,
            is_own=ids.is_own,
            instruments=instruments,
            find=self._markets.find,
            moved=self._has_moved,
            give_up=self._give_up,
        )
        self._markets.view = self._follower.view
        self.desk: Desk = Desk(
            venue,
            self._caller,
            self._follower,
            ids=ids,
            over=over,
            receive_window_ns=receive_window_ns,
            facts=self._markets.facts,
            rules=self._markets.with_rules,
            mode=lambda: self._follower.position_mode,
        )
        self._settling = False
        self._settler = Settler(
            venue, self._caller, self._follower, clock=self._clock, begin=self._begin_settling
        )

    # What a venue's client adds.

    @abstractmethod
    async def account_url(self) -> str:
        """Return the address of the connection that carries the account's events.

        Raises:
            RequestFailed: It had to be asked for, and no answer came.
            VenueError: It had to be asked for, and the venue refused.
        """

    @abstractmethod
    def account_session(self, events: SessionEvents) -> AccountSession:
        """Return the protocol of a new connection that carries the account's events."""

    def request_session(self, events: SessionEvents) -> AccountSession | None:
        """Return the protocol of a new connection for requests; None where the account's carries them."""
        del events
        return None

    def keep_alive(self) -> Conversation[None] | None:
        """Return what keeps the account's events coming, None where nothing has to."""
        return None

    def farewell(self) -> Conversation[None] | None:
        """Return what is to be said when the client is closed, None where nothing is."""
        return None

    def is_gone(self, error: VenueError) -> bool:
        """Tell whether an error of `keep_alive` says that there is nothing left to keep."""
        del error
        return False

    keep_alive_ns: int = 0
    """How often `keep_alive` is due."""
    kept_ns: int = 0
    """How long the account's events come after they were kept alive, or were asked for."""
    account_weight: int = 0
    """What opening the account's connection costs of the request weight."""
    request_weight: int = 0
    """What opening the connection for requests costs."""

    # What it is.

    @property
    def exchange(self) -> Exchange:
        """Which market."""
        return self._venue.exchange

    @property
    def name(self) -> str:
        """The label of the account."""
        return self._venue.account

    @property
    def account(self) -> AccountView:
        """The live view of the account."""
        return self._follower.view

    @property
    def synced(self) -> bool:
        """Whether the view is known to be right."""
        return self._follower.synced

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """The outcomes that nobody knows yet."""
        return self._follower.unknown_outcomes

    @property
    def caller(self) -> Caller:
        """What makes its requests: it knows the venue's clock, and what is used of the limits."""
        return self._caller

    # Life.

    async def start(self) -> None:
        """Follow the account from now on; harmless to repeat.

        Raises:
            ClientClosed: It was closed.
        """
        self._check()
        if self._account_link is not None:
            return
        if self.keep_alive_ns:
            self._keeper = Keeper(
                self._caller,
                clock=self._clock,
                every_ns=self.keep_alive_ns,
                kept_ns=self.kept_ns,
                conversation=self._keep,
                is_gone=self.is_gone,
                renew=self._renew,
            )
        self._account_link = self._link("account", self.account_url, self._account_session)
        self._spawn(self._account_link.run(), "account connection")
        if self.request_url():
            self._request_link = self._link("requests", self._requests_address, self._request_session)
            self._spawn(self._request_link.run(), "request connection")
        self._follower.attach(self._account_link)
        self._spawn(self._follower.run(self.instruments), "resync")
        self._spawn(self._follower.check_fills(), "fills")
        self._spawn(self._caller.keep_time(), "clock")
        if self._keeper is not None:
            self._spawn(self._keeper.run(), "keep-alive")

    async def ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - a user's words
        """Start, and wait until the view of the account is in sync.

        Raises:
            AuthenticationError: The venue does not accept the key.
            NotSynced: It was not in time; seconds.
            ClientClosed: The client was closed, or has ended by a fault.
        """
        await self.start()
        end = None if timeout is None else self._clock.monotonic_ns() + int(timeout * SECOND)
        while not self.synced:
            self._check()
            if isinstance(self._refused, AuthenticationError):
                raise self._refused
            self._moved.clear()
            moved = asyncio.ensure_future(self._moved.wait())
            try:
                if end is None:
                    await moved
                elif not await before(self._clock, end, moved):
                    raise NotSynced(f"not in sync after {timeout} s: {self._follower.stale_reason}")
            finally:
                moved.cancel()

    async def close(self) -> None:
        """End everything; orders stay as they are. Harmless to repeat."""
        if self._closed:
            return
        self._closed = True
        goodbye = self.farewell()
        if goodbye is not None and self._account_link is not None:
            await say_goodbye(self._caller, self._clock, goodbye)
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._follower.lost("the client is closed")
        self._hub.close(self._fault)
        self._moved.set()
        await self._network.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    # Reading.

    async def instruments(self) -> Catalogue:
        """Return the market's instruments with their rules: loaded once, then kept."""
        self._check()
        return await self._markets.load()

    def account_stream(self) -> AccountStream:
        """Follow the account: a snapshot first, then every event, each exactly once and in order."""
        return self._hub.open(self._follower.snapshot())

    async def account_snapshot(self) -> AccountSnapshot:
        """Fetch balances, positions and open orders."""
        return await self.converse(self._venue.snapshot())

    async def fetch_balances(self) -> tuple[Balance, ...]:
        """Fetch the balances of what is held."""
        return tuple(await self.converse(self._venue.balances()))

    async def fetch_open_orders(self, instrument: Instrument | None = None) -> tuple[Order, ...]:
        """Fetch the open orders, regular and conditional, of one instrument or of all."""
        return tuple(await self.converse(self._venue.open_orders(instrument)))

    async def fetch_order(
        self, instrument: Instrument, *, client_order_id: str = "", order_id: str = ""
    ) -> Order:
        """Fetch one order by either of its ids.

        Raises:
            UnknownOrder: The venue knows no such order.
        """
        known = self._follower.order(instrument, client_order_id, order_id)
        conditional: bool | None = None
        if order_id and not client_order_id:
            # The venue's two sorts of ids are numbered apart: which one it is has to be known.
            tracker = self._follower.view.tracker
            conditional = known is None and tracker.get(instrument, algo_id=order_id) is not None
        elif known is not None:
            conditional = bool(known.algo_id) or (known.type.is_conditional and not known.order_id)
        return await self.converse(
            self._venue.order(
                instrument, client_order_id=client_order_id, order_id=order_id, conditional=conditional
            )
        )

    async def fetch_orders(
        self, instrument: Instrument, since: int, until: int | None = None
    ) -> tuple[Order, ...]:
        """Fetch all orders since a time, oldest first; see `ExecutionClient.fetch_orders`."""
        return tuple(await self.converse(self._venue.orders(instrument, since, await self.until(until))))

    async def fetch_trades(
        self, instrument: Instrument, since: int, until: int | None = None
    ) -> tuple[TradeUpdate, ...]:
        """Fetch all fills since a time, oldest first; see `ExecutionClient.fetch_trades`."""
        return tuple(await self.converse(self._venue.trades(instrument, since, await self.until(until))))

    async def fetch_commission(self, instrument: Instrument) -> Commission:
        """Fetch what trading an instrument costs."""
        return await self.converse(self._venue.commission(instrument))

    # Orders.

    async def place_order(self, request: OrderRequest, *, allow_unsynced: bool = False) -> Outcome:
        """Place an order, once; see `ExecutionClient.place_order`."""
        self._check()
        return await self.desk.place(request, allow_unsynced=allow_unsynced)

    async def place_orders(
        self, requests: Sequence[OrderRequest], *, allow_unsynced: bool = False
    ) -> tuple[Outcome, ...]:
        """Place orders, in one request where the venue can; one outcome each, in the order given."""
        self._check()
        return await self.desk.place_many(requests, allow_unsynced=allow_unsynced)

    async def test_order(self, request: OrderRequest) -> Outcome:
        """Have the venue check an order without placing it."""
        self._check()
        return await self.desk.test(request)

    async def amend_order(self, request: AmendRequest) -> Outcome:
        """Change an open order, in the way that the venue can; see `AmendRequest`."""
        self._check()
        return await self.desk.amend(request)

    async def cancel_order(self, request: CancelRequest | Order) -> Outcome:
        """Cancel an order; see `ExecutionClient.cancel_order`."""
        self._check()
        return await self.desk.cancel(request)

    async def cancel_orders(self, requests: Sequence[CancelRequest | Order]) -> tuple[Outcome, ...]:
        """Cancel orders, in one request where the venue can; one outcome each, in the order given."""
        self._check()
        return await self.desk.cancel_many(requests)

    async def cancel_all(self, instrument: Instrument) -> tuple[Order, ...]:
        """Cancel all open orders of an instrument: **everybody's**, not only this client's."""
        orders = tuple(await self.converse(self._venue.cancel_all(instrument)))
        self._follower.learn_orders(orders)
        return orders

    async def cancel_own(self, instrument: Instrument | None = None) -> tuple[Outcome, ...]:
        """Cancel the open orders whose client order id carries this client's prefix; one outcome each."""
        orders = await self.fetch_open_orders(instrument)
        return await self.cancel_orders(
            [order for order in orders if self._ids.is_own(order.client_order_id)]
        )

    async def settle(self, outcome: Outcome, timeout: float = 30.0) -> Outcome:  # noqa: ASYNC109
        """Find out what became of an unknown outcome; see `ExecutionClient.settle`."""
        if not isinstance(outcome, Unknown):
            return outcome
        self._check()
        return await self._settler.settle(outcome, int(timeout * SECOND))

    def __repr__(self) -> str:
        """Show whose account it is, and how it is."""
        state = "closed" if self._closed else "in sync" if self.synced else "not in sync"
        where = f"{self.exchange.value}, {self._venue.environment.value}"
        return f"{type(self).__name__}({where}, {self.name!r}, {state})"

    # Inside.

    async def converse(self, conversation: Conversation[T]) -> T:
        """Hold a conversation with the venue."""
        self._check()
        return await self._caller.converse(conversation)

    async def call(self, call: Call[T]) -> T:
        """Make a call."""
        return await self.converse(one(call))

    def venue_time(self, monotonic_ns: int) -> int:
        """Return the venue's time at a monotonic time, as far as it is known."""
        return self._caller.offset.server_ns(monotonic_ns)

    async def until(self, until: int | None) -> int:
        """Return the end of a window of time: now, by the venue's clock, where None."""
        if until is not None:
            return until
        await self._caller.measure()
        return self._caller.venue_ns()

    def _check(self) -> None:
        if self._fault is not None:
            raise ClientClosed(f"the client has ended: {self._fault}") from self._fault
        if self._closed:
            raise ClientClosed("the client is closed")

    def _link(
        self,
        what: str,
        url: Callable[[], Awaitable[str]],
        new_session: Callable[[], AccountSession],
    ) -> AccountLink:
        venue = self._venue
        name = "/".join(part for part in (venue.exchange.value, venue.account, what) if part)
        of_account = what == "account"
        emit = self._follower.status if of_account else self._request_status

        async def address() -> str:
            try:
                await self._caller.measure()  # what a connection begins with is signed for a time
                found = await url()
            except AuthenticationError as error:
                self._give_up(error)
                raise
            if of_account and self._keeper is not None:
                self._keeper.begun()
            return found

        return AccountLink(
            name,
            network=self._network,
            clock=self._clock,
            rng=self._rng,
            url=address,
            new_session=new_session,
            emit=emit,
            connection_pool=venue.connection_pool,
            request_pool=venue.request_pool,
            weight=self.account_weight if of_account else self.request_weight,
            final=lambda error: isinstance(error, EndpointGone),
        )

    def request_url(self) -> str:
        """Return the address of the connection for requests, empty where the account's carries them."""
        return ""

    async def _requests_address(self) -> str:
        return self.request_url()

    def _account_session(self) -> AccountSession:
        follower = self._follower

        def ready() -> None:
            if self._account_link is not None:
                self._account_link.wake()
            follower.subscribed()

        return self.account_session(
            SessionEvents(
                on_event=follower.frame, on_ready=ready, on_lost=follower.lost, on_refused=self._give_up
            )
        )

    def _request_session(self) -> AccountSession:
        def ready() -> None:
            if self._request_link is not None:
                self._request_link.wake()

        session = self.request_session(
            SessionEvents(
                on_event=self._stray, on_ready=ready, on_lost=lambda _: None, on_refused=self._give_up
            )
        )
        if session is None:
            raise RuntimeError("a connection for requests has an address and no protocol")
        return session

    def _request_status(self, status: LinkStatus) -> None:
        if isinstance(status, (Connected, Disconnected, Retrying)):
            self._hub.publish(status)

    def _stray(self, frame: bytes, received_ns: int) -> None:
        """Take what came over the connection for requests and is no answer."""
        for event in self._venue.decode_event(frame, received_ns):
            self._hub.publish(event)

    async def _line(self, end_ns: int) -> AccountSession | None:
        link = self._request_link or self._account_link
        return None if link is None else await link.ready(end_ns)

    def _spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"toucan {self.exchange.value} {what}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._fault = self._fault or error
        self._follower.lost(f"the client has ended: {error}")
        self._hub.close(error)
        self._moved.set()
        for other in self._tasks:
            other.cancel()

    def _give_up(self, error: VenueError) -> None:
        """Take note that the venue refused who asks; `ready` tells, and the link goes on trying."""
        self._refused = error
        self._caller.stop(error.status, error.retry_after_ns, str(error))
        LOGGER.error("the venue refused the account: %s", error, extra={"account": self.name})
        self._moved.set()

    def _has_moved(self) -> None:
        if self.synced:
            self._refused = None
        self._moved.set()

    def _keep(self) -> Conversation[None] | None:
        return self.keep_alive() if self._follower.connected else None

    def _renew(self, reason: str) -> None:
        if self._account_link is not None:
            self._account_link.fail(f"the account's stream is renewed: {reason}")

    def _begin_settling(self) -> None:
        if not (self._settling or self._closed):
            self._settling = True
            self._spawn(self._settler.run(), "settling")

    def _stalled_event(self, waiting: int) -> ConsumerStalled:
        return ConsumerStalled(self.exchange, self.name, None, self._clock.utc_ns(), waiting=waiting)

    async def _started(self) -> None:
        if not self._closed:
            await self.start()

    def _recovered(self) -> None:
        """A reader has caught up: what is known of the account is fetched again before orders go on."""
        self._follower.resync("a reader of the stream had fallen too far behind")
