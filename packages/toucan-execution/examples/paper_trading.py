"""Place, fill, amend and cancel on the paper exchange, and settle an order whose answer was lost."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from toucan_execution import (
    AmendRequest,
    Exchange,
    Instrument,
    OrderRequest,
    OrderType,
    Side,
    Unknown,
)
from toucan_execution.mock import MockExecution, MockFault
from toucan_instrument import InstrumentKind, TradingRules

RULES = TradingRules(tick_size=Decimal("0.01"), step_size=Decimal("0.001"), min_notional=Decimal(5))
BTC = Instrument(
    exchange=Exchange.BINANCE_SPOT,
    symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    rules=RULES,
)


def limit(price: str, quantity: str) -> OrderRequest:
    """Return a limit buy."""
    return OrderRequest(
        instrument=BTC,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(quantity),
        price=Decimal(price),
    )


async def main() -> None:
    """Run through an order's life."""
    async with MockExecution(instruments=[BTC], balances={"USDT": 10_000}) as client:
        client.feed_book(BTC, bids=[("99.00", "5")], asks=[("100.00", "5")])
        await client.ready(10)

        refused = await client.place_order(limit("99.005", "1"))
        print("off the grid:", *map(str, getattr(refused, "violations", ())))

        placed = await client.place_order(limit("98.00", "2"))
        await client.amend_order(
            AmendRequest(instrument=BTC, client_order_id=placed.client_order_id, quantity=Decimal(1))
        )
        client.feed_trade(BTC, "97.00", "10", Side.SELL)
        order = client.account.order(placed.client_order_id)
        print("filled:", order)

        client.fail_next(MockFault.REPLY_LOST)
        lost = await client.place_order(limit("90.00", "1"))
        print("answer lost:", isinstance(lost, Unknown))
        print("settled:", type(await client.settle(lost, timeout=30)).__name__)

        for outcome in await client.cancel_own():
            print("cancelled:", type(outcome).__name__)
        for balance in client.account.balances():
            print(balance.asset, balance.free, balance.locked)


if __name__ == "__main__":
    asyncio.run(main())
