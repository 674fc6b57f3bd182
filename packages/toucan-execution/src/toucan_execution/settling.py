"""Finding out what became of unknown outcomes, by query and by the account's stream.

Every unknown outcome is looked into from the moment it is known to be unknown, whether or not anybody waits
for it; `settle` waits. What may be concluded, and when, stands in `toucan_execution.resolver`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from toucan_execution.caller import Caller
from toucan_execution.events import AccountEvent, AccountResynced, OutOfSync
from toucan_execution.follower import Follower, outcome_key
from toucan_execution.orders import (
    CancelReplaceRequest,
    CancelRequest,
    Intent,
    Order,
    OrderListRequest,
    OrderRequest,
)
from toucan_execution.outcome import Accepted, Outcome, Reason, Rejected, ReplaceOutcome, Unknown
from toucan_execution.resolver import Settlement
from toucan_execution.venue import ExecutionVenue, Placed
from toucan_instrument.errors import PayloadError, RequestError, ToucanError
from toucan_instrument.link import Clock, before

__all__ = ["Settler"]

Key = tuple[int, str, Intent]

KEPT = 1_000
"""How many results are remembered, for those who ask late."""


class Settler:
    """Looks into the unknown outcomes of one client.

    Args:
        venue: Writes the queries.
        caller: Makes them.
        follower: What is known of the account.
        clock: Where time comes from.
        begin: Called when there is something to look into, so that `run` is running.
    """

    def __init__(
        self,
        venue: ExecutionVenue,
        caller: Caller,
        follower: Follower,
        *,
        clock: Clock,
        begin: Callable[[], None],
    ) -> None:
        self._venue = venue
        self._caller = caller
        self._follower = follower
        self._clock = clock
        self._begin = begin
        # Settlements stamp outcomes and measure spans: UTC, on a base that no step of the clock moves.
        self._anchor = clock.utc_ns() - clock.monotonic_ns()
        self._open: dict[Key, tuple[Unknown, Settlement]] = {}
        self._done: dict[Key, Accepted | Rejected] = {}
        self._halves: dict[Key, ReplaceOutcome] = {}
        self._news = asyncio.Event()
        self._settled = asyncio.Event()
        follower.listen(self._heard)
        follower.on_unknown(self.watch)

    def watch(self, unknown: Unknown) -> None:
        """Look into an outcome from now on."""
        key = outcome_key(unknown)
        if key in self._open or key in self._done:
            return
        intent = unknown.intent
        known = None
        if not isinstance(intent, (OrderRequest, OrderListRequest)):
            named = intent.cancel if isinstance(intent, CancelReplaceRequest) else intent
            known = self._follower.order(named.instrument, named.client_order_id, named.order_id)
        settlement = Settlement(unknown, now_ns=self._now(), synced=self._follower.synced, known=known)
        self._open[key] = (unknown, settlement)
        self._news.set()
        self._begin()

    async def settle(self, unknown: Unknown, timeout_ns: int) -> Outcome:
        """Wait until it is known what became of a request; the outcome as it is when the time is over."""
        self.watch(unknown)
        key, end = outcome_key(unknown), self._clock.monotonic_ns() + timeout_ns
        while key not in self._done:
            self._settled.clear()
            settled = asyncio.ensure_future(self._settled.wait())
            try:
                if not await before(self._clock, end, settled):
                    return unknown
            finally:
                settled.cancel()
        return self._done[key]

    def halves(self, unknown: Unknown) -> ReplaceOutcome | None:
        """Return what became of the two halves of a cancel-replace that was settled."""
        return self._halves.get(outcome_key(unknown))

    async def run(self) -> None:
        """Ask the venue whenever that is due, for as long as the client lives."""
        while True:
            self._news.clear()
            now = self._now()
            dues = {
                key: due
                for key, (_, settlement) in self._open.items()
                if (due := settlement.next_query_at(now)) is not None
            }
            if not dues:
                await self._news.wait()
                continue
            key, due = min(dues.items(), key=lambda item: item[1])
            if due > now:
                news = asyncio.ensure_future(self._news.wait())
                try:
                    await before(self._clock, self._clock.monotonic_ns() + due - now, news)
                finally:
                    news.cancel()
                continue
            await self._ask(key)

    def _now(self) -> int:
        return self._clock.monotonic_ns() + self._anchor

    async def _ask(self, key: Key) -> None:
        """Put one question to the venue."""
        _, settlement = self._open[key]
        target = settlement.target
        if target is None:
            return
        found: Order | ToucanError
        try:
            found = await self._caller.converse(
                self._venue.order(
                    target.instrument,
                    client_order_id=target.client_order_id,
                    order_id=target.order_id,
                    conditional=target.conditional,
                )
            )
        except (RequestError, PayloadError) as error:
            found = error
        server_ns = self._caller.venue_ns() if self._caller.offset.known else None
        settlement.on_query(found, server_ns, self._now())
        if isinstance(found, Order):
            self._follower.learn(Placed(found), received_ns=0)
        self._conclude(key)

    def _heard(self, event: AccountEvent) -> None:
        for key, (_, settlement) in list(self._open.items()):
            if isinstance(event, OutOfSync):
                settlement.on_out_of_sync()
            elif isinstance(event, AccountResynced):
                settlement.on_synced()
                self._news.set()
            else:
                settlement.on_event(event)
            self._conclude(key)

    def _conclude(self, key: Key) -> None:
        """Note what is known now of an outcome."""
        if key not in self._open or (result := self._open[key][1].result) is None:
            return
        unknown, settlement = self._open.pop(key)
        self._done[key] = result
        if (halves := settlement.halves) is not None:
            self._halves[key] = halves
        if len(self._done) > KEPT:
            oldest = next(iter(self._done))
            del self._done[oldest]
            self._halves.pop(oldest, None)
        self._follower.settled(unknown)
        if isinstance(result, Rejected):
            self._close(result, halves)
        self._settled.set()

    def _close(self, result: Rejected, halves: ReplaceOutcome | None) -> None:
        """Let the view follow what was found not to have been done."""
        for each in (result,) if halves is None else (halves.cancel, halves.place):
            if not isinstance(each, Rejected):
                continue
            intent = each.intent
            if each.reason in (Reason.NEVER_MADE, Reason.NOT_ATTEMPTED):
                legs = intent.orders if isinstance(intent, OrderListRequest) else (intent,)
                for leg in legs:
                    if isinstance(leg, OrderRequest):
                        self._follower.rejected(leg.client_order_id, leg.instrument, each)
            if isinstance(intent, CancelRequest):
                known = self._follower.order(intent.instrument, intent.client_order_id, intent.order_id)
                if known is not None:
                    self._follower.end_cancel(known)
