"""Keep the books of three markets, and print the ones whose top has changed."""

# example: until 10 lines
import asyncio

from toucan_data import BinanceFuturesCoin, BinanceFuturesUsd, BinanceSpot, OrderBooksL2, Streams


async def main() -> None:
    """Run until Ctrl-C."""
    kept = OrderBooksL2(events=False)
    wanted = [
        (BinanceSpot(), "BTC/USDT", kept),
        (BinanceFuturesUsd(), "BTC/USDT:USDT", kept),
        (BinanceFuturesCoin(), "BTC/USD:BTC", kept),
    ]
    async with await Streams.builder().subscribe(wanted).init() as streams:
        await streams.ready(timeout=30)
        async for changed in streams.book_changes(levels=1):
            for instrument in changed:
                book = streams.book(instrument)
                if book.synced:
                    print(f"{instrument}: mid {book.mid()}, microprice {book.microprice()}")


asyncio.run(main())
