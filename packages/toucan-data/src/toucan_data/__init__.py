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
from typing import TYPE_CHECKING, Any

from toucan_data.asking import load_candles, load_funding_rate, load_open_interest
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
    FundingRate,
    Level,
    Liquidation,
    MarketEvent,
    MarkPrice,
    OpenInterest,
    OrderBookL1,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    PublicTrade,
    Ticker24h,
)
from toucan_data.kinds import (
    AggregatedTrades,
    Candles,
    FundingRates,
    Kind,
    Liquidations,
    MarkPrices,
    OpenInterests,
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

if TYPE_CHECKING:  # each venue is imported when it is asked for: see `__getattr__`
    from toucan_data.exchange.binance import (
        BinanceFuturesCoin,
        BinanceFuturesUsd,
        BinanceSpot,
        BinanceUsSpot,
    )
    from toucan_data.exchange.bybit import BybitInverse, BybitLinear, BybitOption, BybitSpot
    from toucan_data.exchange.coinbase import Coinbase, CoinbaseAdvanced
    from toucan_data.exchange.kraken import KrakenFutures, KrakenSpot
    from toucan_data.exchange.okx import Okx

__all__ = [
    "WHOLE_MARKET",
    "AggregatedTrades",
    "BinanceFuturesCoin",
    "BinanceFuturesUsd",
    "BinanceSpot",
    "BinanceUsSpot",
    "BookProgress",
    "BookState",
    "BybitInverse",
    "BybitLinear",
    "BybitOption",
    "BybitSpot",
    "Candle",
    "Candles",
    "Catalogue",
    "Coinbase",
    "CoinbaseAdvanced",
    "Connected",
    "DataError",
    "DecodeFailed",
    "Disconnected",
    "Dropped",
    "DuplicateSubscription",
    "Environment",
    "Event",
    "Exchange",
    "FundingRate",
    "FundingRates",
    "Gap",
    "Instrument",
    "InstrumentKind",
    "Kind",
    "KrakenFutures",
    "KrakenSpot",
    "Level",
    "Liquidation",
    "Liquidations",
    "MarkPrice",
    "MarkPrices",
    "MarketEvent",
    "NotReady",
    "Okx",
    "OpenInterest",
    "OpenInterests",
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
    "load_candles",
    "load_funding_rate",
    "load_instruments",
    "load_open_interest",
]


def __getattr__(name: str) -> Any:
    """Import a venue by the name of its class, as the registry has it."""
    from toucan_data.registry import VENUES, venue_class  # noqa: PLC0415 - not before somebody asks

    for exchange, (_, known) in VENUES.items():
        if known == name:
            return venue_class(exchange)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


logging.getLogger("toucan_data").addHandler(logging.NullHandler())
