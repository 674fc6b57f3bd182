"""What a user's type checker sees of selections, kinds and books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import assert_type

from toucan_data import (
    BinanceSpot,
    Candle,
    Candles,
    Catalogue,
    Event,
    Exchange,
    FundingRate,
    FundingRates,
    Instrument,
    InstrumentKind,
    Kind,
    Level,
    OpenInterest,
    OpenInterests,
    OrderBook,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    OrderBooksL2,
    PublicTrade,
    PublicTrades,
    Selection,
    Side,
    Status,
    Streams,
    Subscription,
    load_instruments,
)


async def select(streams: Streams) -> None:
    """Selections narrow to the events of their kind."""
    assert_type(PublicTrades, Kind[PublicTrade])
    assert_type(streams.select(PublicTrades), Selection[PublicTrade | Status])
    assert_type(streams.select(PublicTrades, status=False), Selection[PublicTrade])
    assert_type(streams.select(Candles("1m"), status=False), Selection[Candle])
    assert_type(streams.select(FundingRates, status=False), Selection[FundingRate])
    assert_type(streams.select(OpenInterests), Selection[OpenInterest | Status])
    assert_type(
        streams.select(OrderBooksL2(depth=5), status=False),
        Selection[OrderBookL2Snapshot | OrderBookL2Update],
    )
    assert_type(streams.select(exchange=Exchange.BINANCE_SPOT), Selection[Event | Status])
    assert_type(streams.select_all(status=False), Selection[Event])
    assert_type(streams.status(), Selection[Status])
    async for trade in streams.select(PublicTrades, status=False):
        assert_type(trade, PublicTrade)
        assert_type(trade.price, Decimal)
        assert_type(trade.aggressor, Side)
        assert_type(trade.time_exchange, int | None)
        break


async def read(streams: Streams) -> None:
    """Books and their readings."""
    book = streams.book("BTC/USDT")
    assert_type(book, OrderBook)
    assert_type(book.best_bid(), Level | None)
    assert_type(streams.book_changes(), AsyncIterator[frozenset[Instrument]])


async def subscribe() -> Streams:
    """All forms of subscription."""
    venue = BinanceSpot()
    catalogue = await load_instruments(venue)
    assert_type(catalogue, Catalogue)
    builder = Streams.builder().subscribe(
        [
            (venue, "btc", "usdt", InstrumentKind.SPOT, PublicTrades),
            (venue, "BTC/USDT", OrderBooksL2),
            Subscription(venue, "BTC/USDT", Candles("1m")),
        ]
    )
    return await builder.subscribe(catalogue.where(quote="USDT"), [PublicTrades]).init()
