"""The client of the paper exchange is a client like any other; mypy and pyright both check this file."""

from __future__ import annotations

from typing import assert_type

from toucan_execution.client.protocol import ExecutionClient, FuturesClient, SpotClient
from toucan_execution.mock import Engine, MockExecution, PriceSource
from toucan_execution.mock.feeding import BookChange, Mark, Top, Trade, WholeBook
from toucan_execution.orders import OrderRequest
from toucan_execution.outcome import Outcome


def as_any_client(client: MockExecution) -> tuple[ExecutionClient, FuturesClient, SpotClient]:
    """Use it wherever a client is wanted."""
    assert_type(client.engine, Engine)
    anyones: ExecutionClient = client
    derivatives: FuturesClient = client
    spot: SpotClient = client
    return anyones, derivatives, spot


async def as_a_real_one(client: ExecutionClient, request: OrderRequest) -> Outcome:
    """Trade without knowing which it is."""
    return await client.place_order(request)


async def with_prices(client: MockExecution, source: PriceSource, trade: Trade, mark: Mark) -> bool:
    """Feed it from whatever has prices."""
    await client.follow(source)
    return client.feed(trade) and client.feed(mark)


def shapes(picture: WholeBook, change: BookChange, top: Top) -> list[tuple[object, ...]]:
    """Books come whole, as changes, or as their top."""
    return [*picture.bid_levels(), *change.ask_levels(), (top.bid_price, top.ask_price)]
