"""Both halves behind one address: books that start and resync never hold up a cancel, and stop with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from toucan_data import BinanceSpot, OrderBooksL2, Streams
from toucan_execution import (
    Accepted,
    BinanceExecution,
    CancelRequest,
    Order,
    OrderRequest,
    OrderType,
    Outcome,
)
from toucan_execution.testing.sandbox import Sandbox, banned
from toucan_instrument import Environment, Instrument, Side
from toucan_instrument.testing.clock import FakeClock

LATENCY_NS = 5_000_000
SECOND = 1_000_000_000
A_CANCEL_NS = 20_000_000  # 50 a second
BOOKS = [f"A{number}USDT" for number in range(300)]


class Host:
    """A sandbox and both halves, on one virtual clock and behind one address."""

    def __init__(self, books: list[str], clock: FakeClock) -> None:
        self.clock = clock
        self.sandbox = Sandbox(
            ["spot"],
            symbols={"spot": books},
            balances={"spot": {"USDT": 10**9}},
            clock=clock,
            pace_ms=10_000,
            levels=5,
        )
        self.books = books
        self.network = self.sandbox.network(latency_ns=LATENCY_NS)
        self.waits: list[int] = []
        self.outcomes: list[Outcome] = []
        self.orders: list[Order] = []

    def fill_up(self, each: int) -> None:
        """Give the account resting orders, far below the market."""
        market = self.sandbox.market("spot")
        self.sandbox.open_account("main")
        for symbol in self.books:
            for _ in range(each):
                placed: Any = market.engine.place(
                    "main", self._order(market.instruments[symbol]), market.now_ns
                )
                self.orders.append(placed.order)

    @staticmethod
    def _order(instrument: Instrument) -> OrderRequest:
        return OrderRequest(
            instrument=instrument,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal(1),
            price=Decimal(50),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[Streams, Any]]:
        """Open both halves."""
        sandbox, clock = self.sandbox, self.clock
        sandbox.run()
        venue = BinanceSpot(
            ws_url=sandbox.stream_url("spot"), rest_url=sandbox.rest_url("spot"), environment=Environment.DEMO
        )
        wanted = [(venue, symbol, OrderBooksL2) for symbol in self.books]
        client = BinanceExecution.new_with_config(sandbox.config("spot"), network=self.network, clock=clock)
        async with clock.running(), client:
            await client.ready(60)
            builder = Streams.builder(network=self.network, clock=clock).subscribe(wanted)
            async with await builder.init() as streams:
                yield streams, client
            await sandbox.stop()

    async def cancel_until(self, client: Any, done: asyncio.Event) -> None:
        """Cancel 50 orders a second."""
        tasks: list[asyncio.Task[None]] = []
        while not done.is_set():
            tasks.append(asyncio.create_task(self.cancel(client, self.orders.pop())))
            await self.clock.sleep_until(self.clock.monotonic_ns() + A_CANCEL_NS)
        await asyncio.gather(*tasks)

    async def cancel(self, client: Any, order: Order) -> None:
        begun = self.clock.monotonic_ns()
        self.outcomes.append(
            await client.cancel_order(CancelRequest(instrument=order.instrument, order_id=order.order_id))
        )
        self.waits.append(self.clock.monotonic_ns() - begun - 2 * LATENCY_NS)


@pytest.mark.timeout(240)
async def test_books_that_start_and_resync_hold_up_no_cancel_and_keep_the_limit() -> None:
    clock = FakeClock()
    host = Host(BOOKS, clock)
    host.fill_up(100)
    async with host.open() as (streams, client):
        done = asyncio.Event()
        cancelling = asyncio.create_task(host.cancel_until(client, done))
        await streams.ready(600)
        host.sandbox.drop_all()
        while streams.book_progress.synced == len(host.books):
            await clock.sleep_until(clock.monotonic_ns() + SECOND)
        await streams.ready(600)
        done.set()
        await cancelling
    address = host.sandbox.address("spot")
    assert (address.refused, address.most_used <= address.limit) == (0, True)
    assert address.most_used > 0.8 * address.limit  # the snapshots did want all that there was
    assert len(host.outcomes) > 50 * 120
    assert all(isinstance(outcome, Accepted) for outcome in host.outcomes)
    waits = sorted(host.waits)
    assert waits[len(waits) * 99 // 100] < 50_000_000


async def test_a_ban_that_a_snapshot_is_answered_with_stops_both_halves() -> None:
    clock = FakeClock()
    host = Host(BOOKS[:3], clock)
    host.fill_up(2)
    host.sandbox.faults.add(banned("/api/v3/depth", retry_after=300))
    async with host.open() as (streams, client):
        while not host.sandbox.faults.happened:
            await clock.sleep_until(clock.monotonic_ns() + A_CANCEL_NS)
        begun, asked = clock.monotonic_ns(), host.sandbox.door.requests
        cancel = asyncio.create_task(host.cancel(client, host.orders.pop()))
        await clock.sleep_until(begun + 290 * SECOND)
        assert host.sandbox.door.requests - asked <= 1  # what was under way when the ban came
        assert not cancel.done()
        assert streams.book_progress.synced < len(host.books)
        await cancel
        assert clock.monotonic_ns() - begun > 299 * SECOND
        await streams.ready(60)
    assert isinstance(host.outcomes[0], Accepted)
