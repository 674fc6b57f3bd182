"""A client of the paper exchange: the same account, orders and faults as on a real one, in this process.

It is a `LiveClient` like those of real exchanges; only the exchange and the way to it are played. What a
program does with this it can do with a real client, and the other way round.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TypeVar

from toucan_execution.account import (
    Income,
    LeverageBracket,
    LeverageSetting,
    MarginType,
    Position,
    PositionMode,
)
from toucan_execution.events import AccountEvent
from toucan_execution.ids import ClientIds
from toucan_execution.live import LiveClient
from toucan_execution.mock.engine import Engine
from toucan_execution.mock.feeding import PriceSource, feed
from toucan_execution.mock.feeds import Levels
from toucan_execution.mock.network import MockFault, MockNetwork, refusal
from toucan_execution.mock.results import Refused
from toucan_execution.mock.settings import EngineSettings, FeeSchedule
from toucan_execution.mock.venue import MockVenue
from toucan_execution.orders import (
    CancelReplaceRequest,
    OrderList,
    OrderListRequest,
    PositionSide,
)
from toucan_execution.outcome import Outcome, Reason, ReplaceOutcome
from toucan_execution.requesting import AccountSession, SessionEvents, SessionLimits
from toucan_instrument import Instrument, Side
from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput
from toucan_instrument.link import Clock, Lane, SystemClock, before

__all__ = ["MockExecution"]

T = TypeVar("T")

SECOND = 1_000_000_000
YEARS_NS = 100 * 365 * 86_400 * SECOND
NO_LIMITS = SessionLimits(idle_ns=YEARS_NS, life_ns=YEARS_NS, proven_ns=SECOND)


class MockExecution(LiveClient):
    """An account on a paper exchange; see `toucan_execution.client.protocol.ExecutionClient`.

    It has what spot and what futures clients have; what the market that it plays does not have raises
    `InvalidInput`. Its orders are filled by the prices that are fed, and by the orders of other accounts on
    the same engine.

    Args:
        engine: The exchange, where several clients share one; None to make one.
        instruments: What is traded there, with its rules; needed without `engine`.
        account: The name of the account, which is opened if there is none of that name.
        balances: What is paid into it at first, by asset.
        fees: What trading costs it, None for what the engine's settings say.
        settings: How a new engine behaves, None for what is usual on the market of the instruments.
        latency_ns: How long every message is under way, each way.
        client_id_prefix: What its client order ids begin with.
        receive_window_ns: How old a request may be when the exchange gets it.
        clock: Where time comes from, None for the machine's.
        rng: Where jitter comes from.
        entropy: Where the chance in client order ids comes from.
        stall_at: How many events may wait for a reader of the stream.

    Raises:
        InvalidInput: There is neither an engine nor an instrument; an amount is no number.
    """

    def __init__(
        self,
        engine: Engine | None = None,
        *,
        instruments: Iterable[Instrument] = (),
        account: str = "paper",
        balances: Mapping[str, Decimal | int | str] | None = None,
        fees: FeeSchedule | None = None,
        settings: EngineSettings | None = None,
        latency_ns: int = 0,
        client_id_prefix: str = "mock",
        receive_window_ns: int = 5 * SECOND,
        clock: Clock | None = None,
        rng: Callable[[], float] = random.random,
        entropy: Callable[[int], bytes] = os.urandom,
        stall_at: int = 10_000,
    ) -> None:
        self._time: Clock = clock or SystemClock()
        if engine is None:
            traded = tuple(instruments)
            if not traded:
                raise InvalidInput("an exchange trades something", field="instruments", value=traded)
            engine = Engine(traded[0].exchange, traded, settings=settings, now_ns=self._time.utc_ns())
        self.engine: Engine = engine
        """The exchange."""
        if account not in engine.accounts:
            engine.open_account(account, fees=fees)
        for asset, amount in (balances or {}).items():
            engine.deposit(account, asset, decimal_of(amount, field=asset), self.now())
        self.mock: MockVenue = MockVenue(engine, account, client_id_prefix)
        self._wire = MockNetwork(self._time, latency_ns=latency_ns, now=self.now)
        self._expiring = asyncio.Event()
        super().__init__(
            self.mock,
            network=self._wire,
            account_id=account,
            ids=ClientIds(client_id_prefix, entropy),
            timeout_ns=10 * SECOND,
            receive_window_ns=receive_window_ns,
            clock=self._time,
            rng=rng,
            stall_at=stall_at,
            prices=engine.last_price if engine.settings.spot else engine.mark_price,
        )
        self._unlisten = engine.listen(account, self._hear)

    def now(self) -> int:
        """Return the exchange's time: the clock's, which the engine never lets go back."""
        return max(self._time.utc_ns(), self.engine.now_ns)

    # Life.

    async def account_url(self) -> str:
        """Return the name of the account's connection."""
        return f"mock:{self.name}"

    def account_session(self, events: SessionEvents) -> AccountSession:
        """Return the protocol of the account's connection: events, and nothing else."""
        return AccountSession(events, NO_LIMITS, rng=self._rng)

    async def start(self) -> None:
        """Follow the account from now on; harmless to repeat."""
        begun = self._account_link is not None
        await super().start()
        if not begun:
            self._spawn(self._let_expire(), "time")

    async def close(self) -> None:
        """End everything; orders stay as they are. Harmless to repeat."""
        self._unlisten()
        await super().close()

    def _hear(self, events: list[AccountEvent]) -> None:
        for event in events:
            self._wire.send_event(self.mock.frame_of(event))
        self._expiring.set()

    async def _let_expire(self) -> None:
        """Let orders expire when they are due, whether or not anything else happens."""
        while True:
            self._expiring.clear()
            due = self.engine.next_expiry_ns
            changed = asyncio.ensure_future(self._expiring.wait())
            try:
                if due is None:
                    await changed
                elif not await before(self._time, self._time.monotonic_ns() + due - self.now(), changed):
                    self.engine.advance(self.now())
            finally:
                changed.cancel()

    # Prices.

    def feed_book(self, instrument: Instrument, bids: Levels, asks: Levels) -> None:
        """Set the market outside: all its levels, as ``(price, quantity)``; see `Engine.feed_book`."""
        self.engine.feed_book(instrument, bids, asks, self.now())

    def feed_top(
        self,
        instrument: Instrument,
        bid: tuple[Decimal, Decimal] | None,
        ask: tuple[Decimal, Decimal] | None,
    ) -> None:
        """Set the market outside to one level a side, or to none."""
        self.engine.feed_top(instrument, bid, ask, self.now())

    def feed_trade(self, instrument: Instrument, price: Decimal, quantity: Decimal, aggressor: Side) -> None:
        """Let the market outside trade; see `Engine.feed_trade`."""
        self.engine.feed_trade(instrument, price, quantity, aggressor, self.now())

    def feed_mark(self, instrument: Instrument, price: Decimal) -> None:
        """Set the mark price."""
        self.engine.feed_mark(instrument, price, self.now())

    def feed(self, event: object) -> bool:
        """Take what happened in the market, whoever tells; return whether that was a price.

        See `toucan_execution.mock.feeding`: the events of toucan-data fit as they are.
        """
        return feed(self.engine, event, self.now())

    async def follow(self, source: PriceSource) -> None:
        """Take all that a source of prices yields, until it ends."""
        async for event in source:
            self.feed(event)

    # Money.

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Pay into the account."""
        self.engine.deposit(self.name, asset, amount, self.now())

    def withdraw(self, asset: str, amount: Decimal) -> None:
        """Pay out of the account.

        Raises:
            InsufficientBalance: So much is not free.
        """
        self._granted("withdraw", self.engine.withdraw(self.name, asset, amount, self.now()))

    # Faults.

    def fail_next(
        self,
        fault: MockFault,
        *,
        of: str = "",
        times: int = 1,
        reason: Reason = Reason.OTHER,
        message: str = "refused on request",
        retry_after_ns: int = 0,
    ) -> None:
        """Let the next requests go wrong.

        Args:
            fault: How.
            of: Which: those whose name begins with it, such as ``place order`` or ``cancel``; empty:
                whatever is to change something.
            times: How many.
            reason: Why they are refused, for `MockFault.REFUSE`.
            message: The same in words.
            retry_after_ns: How long the exchange then asks to wait.
        """
        error = refusal(of or "request", reason, message, retry_after_ns=retry_after_ns)
        self._wire.plan(fault, of=of, times=times, error=error)

    def lose_events(self, count: int = 1) -> None:
        """Lose the next events of the account on their way."""
        self._wire.lose_events(count)

    def repeat_events(self, count: int = 1) -> None:
        """Let the next events of the account arrive twice."""
        self._wire.repeat_events(count)

    def disconnect(self, reason: str = "disconnected on request") -> None:
        """End the account's connection; the client opens another, and resyncs."""
        self._wire.disconnect(reason)

    @property
    def offline(self) -> bool:
        """Whether the exchange is out of reach; while it is set, nothing leaves and no connection opens."""
        return self._wire.offline

    @offline.setter
    def offline(self, offline: bool) -> None:
        self._wire.offline = offline
        if offline:
            self._wire.disconnect("the exchange is out of reach")

    @property
    def latency_ns(self) -> int:
        """How long every message is under way, each way."""
        return self._wire.latency_ns

    @latency_ns.setter
    def latency_ns(self, latency_ns: int) -> None:
        self._wire.latency_ns = latency_ns

    # Spot.

    async def place_order_list(self, request: OrderListRequest, *, allow_unsynced: bool = False) -> Outcome:
        """Place a list of orders that depend on one another."""
        return await self.desk.place_list(request, allow_unsynced=allow_unsynced)

    async def cancel_order_list(
        self, instrument: Instrument, *, list_id: str = "", client_list_id: str = ""
    ) -> Outcome:
        """Cancel all orders of a list."""
        conversation = self.mock.cancel_list(instrument, list_id, client_list_id)
        return await self.desk.cancel_list(instrument, client_list_id or list_id, conversation)

    async def fetch_open_order_lists(self) -> tuple[OrderList, ...]:
        """Fetch the lists that are open."""
        return await self.call(
            self.mock.make("order lists", lambda _: self.engine.open_order_lists(self.name))
        )

    async def cancel_replace(
        self, request: CancelReplaceRequest, *, allow_unsynced: bool = False
    ) -> ReplaceOutcome:
        """Cancel an order and place another, in one request; one outcome for each half."""
        return await self.desk.cancel_replace(request, allow_unsynced=allow_unsynced)

    # Futures.

    async def fetch_positions(self, instrument: Instrument | None = None) -> tuple[Position, ...]:
        """Fetch the positions that are not flat."""
        return tuple(await self.converse(self.mock.positions(instrument)))

    async def set_leverage(self, instrument: Instrument, leverage: int) -> LeverageSetting:
        """Set the leverage of an instrument.

        Raises:
            VenueError: The exchange refuses.
        """
        return await self._set(
            "set leverage", lambda now: self.engine.set_leverage(self.name, instrument, leverage, now)
        )

    async def fetch_leverage_brackets(
        self, instrument: Instrument | None = None
    ) -> tuple[LeverageBracket, ...]:
        """Fetch how much leverage positions of which size may have."""
        return await self.call(self.mock.make("brackets", lambda _: self.engine.brackets(instrument)))

    async def set_margin_type(self, instrument: Instrument, margin_type: MarginType) -> bool:
        """Set cross or isolated margin; return whether that changed anything.

        Raises:
            VenueError: The exchange refuses.
        """
        return await self._set(
            "set margin type",
            lambda now: self.engine.set_margin_type(self.name, instrument, margin_type, now),
        )

    async def change_isolated_margin(
        self, instrument: Instrument, amount: Decimal, *, position_side: PositionSide | None = None
    ) -> None:
        """Add to the margin of an isolated position, or take from it (below zero).

        Raises:
            VenueError: The exchange refuses.
        """
        side = PositionSide(position_side or PositionSide.BOTH)
        await self._set(
            "change margin",
            lambda now: self.engine.change_isolated_margin(self.name, instrument, side, amount, now),
        )

    async def fetch_position_mode(self) -> PositionMode:
        """Fetch whether an instrument has one position or one for each side."""
        return await self.call(
            self.mock.make("position mode", lambda _: self.engine.position_mode(self.name))
        )

    async def set_position_mode(self, mode: PositionMode) -> bool:
        """Set it, for all instruments; return whether that changed anything.

        Raises:
            VenueError: The exchange refuses.
        """
        changed = await self._set(
            "set position mode", lambda now: self.engine.set_position_mode(self.name, mode, now)
        )
        if changed:
            self.account.position_mode = mode
        return changed

    async def fetch_income(
        self, since: int, until: int | None = None, *, instrument: Instrument | None = None, kind: str = ""
    ) -> tuple[Income, ...]:
        """Fetch the account's ledger since a time (nanoseconds since the epoch): complete."""

        def act(now: int) -> tuple[Income, ...]:
            lines = self.engine.income(self.name, since, now if until is None else until)
            return tuple(
                line for line in lines if instrument in (None, line.instrument) and kind in ("", line.kind)
            )

        return await self.call(self.mock.make("income", act))

    # Inside.

    async def _set(self, what: str, act: Callable[[int], T | Refused]) -> T:
        """Change a setting.

        Raises:
            VenueError: The exchange refuses.
        """
        return await self.call(
            self.mock.make(what, lambda now: self._granted(what, act(now)), lane=Lane.ORDER)
        )

    def _granted(self, what: str, answer: T | Refused) -> T:
        if isinstance(answer, Refused):
            raise refusal(what, answer.reason, answer.message)
        return answer
