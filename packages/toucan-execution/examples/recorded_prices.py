"""Trade on prices that come from elsewhere: toucan-data's streams move the sandbox's market.

Here the streams come from toucan-data's own test exchange; a live venue or a recording does the same.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal

from toucan_data import OrderBooksL2, PublicTrades, Streams
from toucan_data.testing.exchange import ScriptedExchange
from toucan_execution import BinanceExecution, OrderRequest, OrderType, TradeUpdate
from toucan_execution.testing.sandbox import Sandbox
from toucan_instrument import Exchange, Side


async def main() -> None:
    """Let a stream move the market, and rest an order in it until it is filled."""
    async with ScriptedExchange.seeded(Exchange.BINANCE_SPOT, ["BTCUSDT"], pace_ms=5) as source:
        wanted = [(source.venue(), "BTCUSDT", kind) for kind in (OrderBooksL2, PublicTrades)]
        async with (
            await Streams.builder().subscribe(wanted).init() as streams,
            Sandbox(["spot"], symbols={"spot": ["BTCUSDT"]}, seed=None) as sandbox,
            BinanceExecution.new_with_config(sandbox.config("spot")) as client,
        ):
            moving = asyncio.create_task(sandbox.follow("spot", streams.select_all(status=False)))
            await streams.ready(10)
            await client.ready(10)
            btc = (await client.instruments())["BTCUSDT"]
            bid = streams.book("BTCUSDT").best_bid()
            assert bid is not None  # noqa: S101 - the seeded market has both sides
            order = OrderRequest(
                instrument=btc, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(1), price=bid.price
            )
            account = client.account_stream()
            print("placed", (await client.place_order(order)).client_order_id)
            async with asyncio.timeout(30):
                async for event in account:
                    if isinstance(event, TradeUpdate):
                        print("filled", event.quantity, "at", event.price)
                        break
            moving.cancel()


if __name__ == "__main__":
    asyncio.run(main())
