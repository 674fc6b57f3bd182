"""Paper trading on streamed market data: the user joins the halves, and neither knows the other."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from toucan_data import OrderBooksL1, PublicTrades, Streams
from toucan_data.testing.exchange import ScriptedExchange
from toucan_execution import Accepted, OrderRequest, OrderStatus, OrderType, TradeUpdate
from toucan_execution.mock import MockExecution
from toucan_instrument import Exchange, Side


async def test_orders_on_the_paper_exchange_are_filled_by_streamed_prices() -> None:
    async with ScriptedExchange.seeded(Exchange.BINANCE_SPOT, pace_ms=5) as exchange:
        symbol = next(iter(exchange.market.instruments))
        instrument = exchange.instrument(symbol)
        wanted = [(exchange.venue(), symbol, kind) for kind in (OrderBooksL1, PublicTrades)]
        async with (
            await Streams.builder().subscribe(wanted).init() as streams,
            MockExecution(
                instruments=[instrument], balances={instrument.quote: 10**9, instrument.base: 10**6}
            ) as paper,
        ):
            await paper.ready(10)
            account = paper.account_stream()
            prices = streams.select(OrderBooksL1, status=False)
            top = await anext(prices)
            assert paper.feed(top)
            assert top.bid_price is not None
            outcome = await paper.place_order(
                OrderRequest(
                    instrument=instrument,
                    side=Side.BUY,
                    type=OrderType.LIMIT,
                    quantity=Decimal(1),
                    price=top.bid_price,
                )
            )
            assert isinstance(outcome, Accepted)

            async def fed() -> None:
                async for event in streams.select_all():
                    paper.feed(event)

            feeding = asyncio.ensure_future(fed())
            async with asyncio.timeout(20):
                async for event in account:
                    if isinstance(event, TradeUpdate):
                        break
            assert event.price <= top.bid_price
            assert event.maker
            order = paper.account.order(outcome.client_order_id)
            assert order is not None
            assert order.status in (OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED)
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
