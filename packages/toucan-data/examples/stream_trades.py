"""Print the trades of two instruments, and whatever is said of the feed."""

# example: until 12 lines
import asyncio

from toucan_data import BinanceSpot, InstrumentKind, PublicTrade, PublicTrades, Streams


async def main() -> None:
    """Run until Ctrl-C."""
    venue = BinanceSpot()
    wanted = [
        (venue, "btc", "usdt", InstrumentKind.SPOT, PublicTrades),
        (venue, "eth", "usdt", InstrumentKind.SPOT, PublicTrades),
    ]
    async with await Streams.builder().subscribe(wanted).init() as streams:
        async for event in streams.select(PublicTrades):
            if isinstance(event, PublicTrade):
                print(f"{event.instrument} {event.aggressor} {event.quantity} @ {event.price}")
            else:
                print(f"-- {event}")


asyncio.run(main())
