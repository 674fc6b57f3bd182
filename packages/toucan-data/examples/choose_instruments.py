"""Follow the mark prices of the most traded perpetuals, chosen from the venue's list."""

# example: until 6 lines
import asyncio

from toucan_data import BinanceFuturesUsd, InstrumentKind, MarkPrices, Streams, load_instruments


async def main() -> None:
    """Run until Ctrl-C."""
    catalogue = await load_instruments(BinanceFuturesUsd())
    chosen = catalogue.where(quote="USDT", kind=InstrumentKind.PERPETUAL, status="trading").top(10)
    print(f"{len(chosen)} of {len(catalogue)}: {', '.join(map(str, chosen))}")
    async with await Streams.builder().subscribe(chosen, [MarkPrices]).init() as streams:
        async for mark in streams.select(MarkPrices, status=False):
            print(f"{mark.instrument}: {mark.mark_price}, funding {mark.funding_rate}")


asyncio.run(main())
