"""What a type checker knows of clients, their stream and outcomes; mypy and pyright both check it."""

from __future__ import annotations

from typing import assert_type

from toucan_execution import (
    Accepted,
    BinanceConfig,
    BinanceExecution,
    BinanceFuturesCoinExecution,
    BinanceFuturesUsdExecution,
    BinanceSpotExecution,
    ExecutionClient,
    FuturesClient,
    Order,
    OrderUpdate,
    Outcome,
    Rejected,
    SpotClient,
    TradeUpdate,
    Unknown,
)


def real_ones(
    spot: BinanceSpotExecution, usd: BinanceFuturesUsdExecution, coin: BinanceFuturesCoinExecution
) -> tuple[SpotClient, FuturesClient, FuturesClient]:
    """Use each where its protocol is wanted."""
    return spot, usd, coin


def chosen(config: BinanceConfig) -> ExecutionClient:
    """Let the configuration choose."""
    return BinanceExecution.new_with_config(config)


async def followed(client: ExecutionClient) -> Order | None:
    """Narrow what a stream yields."""
    async for event in client.account_stream():
        match event:
            case OrderUpdate():
                assert_type(event.order, Order)
                return event.order
            case TradeUpdate():
                assert_type(event.trade_id, str)
            case _:
                pass
    return None


def told(outcome: Outcome) -> str:
    """Every outcome is one of three."""
    match outcome:
        case Accepted():
            return outcome.client_order_id
        case Rejected():
            return outcome.reason.value
        case Unknown():
            return outcome.cause
