"""The one place from which requests leave: it waits for the limits, signs at the last moment, sends once.

What changes something is never sent twice. The exception proves the rule: where the venue refused a
timestamp (-1021), nothing was done, so the clock is measured anew and the request signed again, once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from toucan_execution._bare import bare
from toucan_execution.call import Auth, Call, Conversation
from toucan_execution.clocksync import ClockOffset
from toucan_execution.errors import TimestampRefused
from toucan_execution.outcome import Route
from toucan_execution.requesting import Answered, Ended, Heard
from toucan_execution.venue import ExecutionVenue
from toucan_instrument.errors import PayloadError, RequestError, RequestFailed, ToucanError
from toucan_instrument.link import Budget, Clock, Lane, Network, before, budget_for, call as fetch
from toucan_instrument.pool import Pool
from toucan_instrument.rest import Request, Response

__all__ = ["Attempt", "Caller", "RequestLine"]

LOGGER = logging.getLogger("toucan_execution")

T = TypeVar("T")

TOO_MANY, BANNED, OK = 429, 418, 200
SHORTEST_BAN_NS = 120 * 1_000_000_000
LONGEST_NAP_NS = 60 * 1_000_000_000


class RequestLine(Protocol):
    """A connection on which requests are asked: a `WsApiSession`, as far as it is used here."""

    @property
    def logged_on(self) -> bool:
        """Whether requests on it need no signature."""
        ...

    def new_id(self) -> int:
        """Return an id that no request of this connection has had."""
        ...

    def ask(self, request_id: int, frame: bytes, heard: Heard) -> None:
        """Send a request."""
        ...

    def forget(self, request_id: int) -> bool:
        """Wait no longer for an answer; return whether the request had certainly not left yet."""
        ...


class Attempt:
    """What is known of a request that may have left.

    Attributes:
        route: Which way it went; NONE while nothing has left.
        sent_ns: The venue's time that it was signed for, nanoseconds since the epoch.
        received_ns: When the answer was received, by our clock.
        error: The last error that was thrown into the conversation, None where there was none.
    """

    __slots__ = ("error", "received_ns", "route", "sent_ns")

    def __init__(self) -> None:
        self.route: Route = Route.NONE
        self.sent_ns: int = 0
        self.received_ns: int = 0
        self.error: ToucanError | None = None


class Caller:
    """Makes the calls of one client.

    Args:
        venue: Writes requests and reads answers.
        network: The way out.
        clock: Where time comes from.
        offset: How far the venue's clock is from ours.
        account_id: What tells accounts apart in the limits of orders; no secret.
        timeout_ns: How long a request may take.
        share: The part of the address' request weight that this client keeps to.
        line: Gives a connection for requests that is ready, waiting for it until the given monotonic time;
            None where requests go over REST alone.
    """

    def __init__(
        self,
        venue: ExecutionVenue,
        *,
        network: Network,
        clock: Clock,
        offset: ClockOffset,
        account_id: str,
        timeout_ns: int,
        share: float = 1.0,
        line: Callable[[int], Any] | None = None,
    ) -> None:
        self.offset: ClockOffset = offset
        self._venue = venue
        self._network = network
        self._clock = clock
        self._account_id = account_id
        self._timeout_ns = timeout_ns
        self._share = share
        self._line = line
        self._measuring = asyncio.Lock()

    @property
    def budget(self) -> Budget:
        """The request weight that all who share the address have."""
        return budget_for(self._venue.request_pool, clock=self._clock)

    @property
    def order_budgets(self) -> tuple[Budget, ...]:
        """The limits of orders, which all clients of the account share."""
        pools = self._venue.order_pools
        return tuple(
            budget_for(
                Pool(f"{pool.name}/{self._account_id}", pool.limit, pool.window_ns, pool.source),
                clock=self._clock,
            )
            for pool in pools
        )

    async def converse(
        self, conversation: Conversation[T], attempt: Attempt | None = None, *, over: Route = Route.REST
    ) -> T:
        """Hold a conversation: make its calls, give it their results or throw their errors into it.

        Args:
            conversation: What to hold.
            attempt: Takes note of when and how requests left.
            over: The way that calls take where the venue has them on both.

        Raises:
            RequestFailed: No answer came; `sent` tells whether the request may have had an effect.
            VenueError: The venue answered with an error.
            PayloadError: An answer could not be read.
        """
        attempt = attempt or Attempt()
        try:
            call = next(conversation)
            while True:
                try:
                    result = await self.send(call, attempt, over=over)
                except (RequestError, PayloadError) as error:
                    attempt.error = error
                    call = conversation.throw(error)
                else:
                    call = conversation.send(result)
        except StopIteration as done:
            value: T = done.value
            return value
        finally:
            conversation.close()

    async def send(self, call: Call[T], attempt: Attempt, *, over: Route = Route.REST) -> T:
        """Make one call, and read its answer."""
        use_line = over is Route.WEBSOCKET and call.ws_method and self._line is not None
        send = self._send_on_line if use_line else self._send_rest
        try:
            body = await send(call, attempt)
        except TimestampRefused:
            self.offset.invalidate()
            await self.measure(call.lane)
            body = await send(call, attempt)
        return call.decode(body, attempt.received_ns)

    async def measure(self, lane: Lane = Lane.RECONCILE) -> None:
        """Measure the venue's clock against ours, if that is due.

        Args:
            lane: What it is for: a cancel must not wait among other queries.

        Raises:
            RequestError: It could not be read, and was never read before.
            PayloadError: Likewise.
        """
        async with self._measuring:
            clock, call = self._clock, self._venue.server_time()
            while self.offset.due(clock.monotonic_ns()):
                # The midpoint of a round trip is only as good as the trip: waiting for the budget
                # must not count, so the time is read when the request is let out.
                sent = clock.monotonic_ns()

                def note(request: Request) -> Request:
                    nonlocal sent
                    sent = clock.monotonic_ns()
                    return request

                try:
                    response = await self._fetch(call, self._venue.rest_request(call, 0), note, lane)
                    received = clock.monotonic_ns()
                    server_ns = call.decode(response.body, clock.utc_ns())
                except (RequestError, PayloadError):
                    self.offset.failed(clock.monotonic_ns())
                    if self.offset.known:
                        return  # an older estimate serves until the next try
                    raise
                self.offset.add(sent, received, server_ns)
            if not self.offset.known:
                raise RequestFailed(
                    "the venue's clock could not be read yet",
                    method=call.method,
                    url=self._venue.url_of(call),
                    sent=False,
                )

    async def keep_time(self) -> None:
        """Measure the venue's clock whenever that is due, until cancelled."""
        while True:
            try:
                await self.measure()
            except (RequestError, PayloadError) as error:
                LOGGER.info("the venue's clock could not be read: %s", error)
            await self._clock.sleep_until(self._clock.monotonic_ns() + LONGEST_NAP_NS)

    def venue_ns(self) -> int:
        """Return the venue's time now, as far as it is known."""
        return self.offset.server_ns(self._clock.monotonic_ns())

    def stop(self, status: int, retry_after_ns: int, reason: str) -> None:
        """Stop all who share the address, if a status says that a limit was broken."""
        if status in (TOO_MANY, BANNED):
            shortest = SHORTEST_BAN_NS if status == BANNED else self.budget.pool.window_ns
            self.budget.stop_until(self._clock.monotonic_ns() + (retry_after_ns or shortest), reason)

    async def _know_the_time(self, call: Call[Any]) -> None:
        """Have the venue's clock measured; orders and cancels wait for that only where they have to."""
        urgent = call.lane in (Lane.CANCEL, Lane.ORDER)
        if not (urgent and self.offset.valid):
            await self.measure(call.lane)

    async def _send_rest(self, call: Call[Any], attempt: Attempt) -> bytes:
        if call.auth is Auth.SIGNED:
            await self._know_the_time(call)
        async with self._slots(call):

            def prepare(_: Request) -> Request:
                now = self.venue_ns() if call.auth is Auth.SIGNED or self.offset.known else 0
                made = self._venue.rest_request(call, now)
                attempt.route, attempt.sent_ns = Route.REST, now
                return made

            skeleton = Request(call.method, self._venue.url_of(call), weight=call.weight)
            response = await self._fetch(call, skeleton, prepare)
        attempt.received_ns = self._clock.utc_ns()
        self._note_orders(self._venue.order_counts(response))
        return response.body

    async def _fetch(
        self,
        call: Call[Any],
        request: Request,
        prepare: Callable[[Request], Request],
        lane: Lane | None = None,
    ) -> Response:
        try:
            return await fetch(
                self._network,
                self.budget,
                request,
                lane=call.lane if lane is None else lane,
                share=self._share,
                read_limits=self._venue.read_limits,
                error_of=lambda made, response: self._venue.error_of(call, made, response),
                clock=self._clock,
                prepare=prepare,
                free=call.free,
            )
        except RequestFailed as error:
            failed = error
        raise bare(failed)

    @asynccontextmanager
    async def _slots(self, call: Call[Any]) -> AsyncIterator[None]:
        """Wait for room among the orders, before the weight is held: that is others' as well."""
        for budget in self.order_budgets if call.slots else ():
            await budget.acquire(call.slots, Lane.CANCEL)  # it is a limit of orders alone: no lanes
        yield

    def _note_orders(self, counts: tuple[tuple[int, int], ...]) -> None:
        """Take note of the order counts that an answer names, by the length of their window."""
        budgets = {budget.pool.window_ns: budget for budget in self.order_budgets}
        for window_ns, count in counts:
            if window_ns in budgets:
                budgets[window_ns].observe(count)

    # Over a WebSocket.

    async def _send_on_line(self, call: Call[Any], attempt: Attempt) -> bytes:
        await self._know_the_time(call)
        url = f"{self._venue.ws_api_url}#{call.ws_method}"
        hold = self.budget.hold(call.weight, call.lane, share=self._share)
        async with self._slots(call), hold as held:
            end = self._clock.monotonic_ns() + self._timeout_ns
            if self._line is None or (line := await self._line(end)) is None:
                raise RequestFailed("there is no connection", method="WS", url=url, sent=False)
            answer = await self._ask(line, call, attempt, url, end)
            if call.free and answer.status == OK:
                held.refund()
        attempt.received_ns = answer.received_ns
        self._learn(answer, url)
        if answer.status != OK:
            request = Request(call.ws_method, url)
            error = self._venue.error_of(call, request, Response(answer.status, {}, answer.body))
            if error is not None:
                raise error
        return answer.body

    async def _ask(
        self, line: RequestLine, call: Call[Any], attempt: Attempt, url: str, end: int
    ) -> Answered:
        future: asyncio.Future[Answered | Ended] = asyncio.get_running_loop().create_future()

        def heard(answer: Answered | Ended) -> None:
            if not future.done():
                future.set_result(answer)

        request_id = line.new_id()
        now, signed = self.venue_ns(), not line.logged_on
        # In no variable: a traceback that shows variables must not show key and signature.
        line.ask(request_id, self._venue.ws_frame(call, request_id, now, signed=signed), heard)
        attempt.route, attempt.sent_ns = Route.WEBSOCKET, now
        try:
            if not await before(self._clock, end, future):
                unsent = line.forget(request_id)
                raise RequestFailed(
                    f"no answer within {self._timeout_ns / 1e9:g} s",
                    method=call.ws_method,
                    url=url,
                    sent=False if unsent else None,
                )
        except asyncio.CancelledError:
            line.forget(request_id)
            raise
        answer = future.result()
        if isinstance(answer, Ended):
            sent = None if answer.sent else False
            raise RequestFailed(answer.reason, method=call.ws_method, url=url, sent=sent)
        return answer

    def _learn(self, answer: Answered, url: str) -> None:
        """Take note of what an answer says of the limits; a broken one stops all who share the address."""
        if answer.used is not None:
            self.budget.observe(answer.used)
        self._note_orders(answer.orders)
        self.stop(answer.status, answer.retry_after_ns, f"{url}: {answer.status}")
