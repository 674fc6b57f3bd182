"""Public market data from crypto exchanges: typed, gap-aware, exact, fast. No keys.

    import asyncio
    from toucan_data import BinanceSpot, InstrumentKind, PublicTrades, Streams

    async def main():
        trades = [(BinanceSpot(), "btc", "usdt", InstrumentKind.SPOT, PublicTrades)]
        async with await Streams.builder().subscribe(trades).init() as streams:
            async for event in streams.select(PublicTrades):
                print(event)

    asyncio.run(main())

Start with `Streams`; then `kinds` (what there is), `events` (what comes), `status` (what is said of the
feed itself), `book.OrderBook`, and `testing.ScriptedExchange` for your own tests.
"""

from __future__ import annotations

import logging

from toucan_data.book import BookProgress, BookState, OrderBook
from toucan_data.builder import StreamsBuilder
from toucan_data.catalogues import load_instruments
from toucan_data.errors import (
    DataError,
    DuplicateSubscription,
    NotReady,
    StaleBook,
    StreamsClosed,
)
from toucan_data.events import (
    Candle,
    Event,
    Level,
    Liquidation,
    MarketEvent,
    MarkPrice,
    OrderBookL1,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    PublicTrade,
    Ticker24h,
)
from toucan_data.exchange.binance import (
    BinanceFuturesCoin,
    BinanceFuturesUsd,
    BinanceSpot,
    BinanceUsSpot,
)
from toucan_data.kinds import (
    AggregatedTrades,
    Candles,
    Kind,
    Liquidations,
    MarkPrices,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Tickers24h,
)
from toucan_data.selection import Selection
from toucan_data.status import (
    Connected,
    DecodeFailed,
    Disconnected,
    Dropped,
    Gap,
    Resynced,
    Retrying,
    Silent,
    SnapshotFailed,
    Status,
    SubscriptionFailed,
)
from toucan_data.streams import Streams
from toucan_data.subscription import WHOLE_MARKET, Pair, Subscription
from toucan_data.venue import Venue
from toucan_instrument import (
    Catalogue,
    Environment,
    Exchange,
    Instrument,
    InstrumentKind,
    Side,
)

__all__ = [
    "WHOLE_MARKET",
    "AggregatedTrades",
    "BinanceFuturesCoin",
    "BinanceFuturesUsd",
    "BinanceSpot",
    "BinanceUsSpot",
    "BookProgress",
    "BookState",
    "Candle",
    "Candles",
    "Catalogue",
    "Connected",
    "DataError",
    "DecodeFailed",
    "Disconnected",
    "Dropped",
    "DuplicateSubscription",
    "Environment",
    "Event",
    "Exchange",
    "Gap",
    "Instrument",
    "InstrumentKind",
    "Kind",
    "Level",
    "Liquidation",
    "Liquidations",
    "MarkPrice",
    "MarkPrices",
    "MarketEvent",
    "NotReady",
    "OrderBook",
    "OrderBookL1",
    "OrderBookL2Snapshot",
    "OrderBookL2Update",
    "OrderBooksL1",
    "OrderBooksL2",
    "Pair",
    "PublicTrade",
    "PublicTrades",
    "Resynced",
    "Retrying",
    "Selection",
    "Side",
    "Silent",
    "SnapshotFailed",
    "StaleBook",
    "Status",
    "Streams",
    "StreamsBuilder",
    "StreamsClosed",
    "Subscription",
    "SubscriptionFailed",
    "Ticker24h",
    "Tickers24h",
    "Venue",
    "load_instruments",
]

logging.getLogger("toucan_data").addHandler(logging.NullHandler())
