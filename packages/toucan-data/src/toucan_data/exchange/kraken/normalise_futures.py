"""The futures' messages as toucan's events; see `normalise`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from toucan_data.bookrule import BookSnapshot
from toucan_data.continuity import IdSequence
from toucan_data.events import (
    FundingRate,
    LevelText,
    Liquidation,
    MarkPrice,
    OpenInterest,
    PublicTrade,
    Ticker24h,
)
from toucan_data.exchange.kraken import messages as wire
from toucan_data.exchange.kraken.messages import level_texts, text
from toucan_data.exchange.kraken.normalise import Handler, number, side_of
from toucan_data.feed import Feed
from toucan_data.kinds import FundingRates, Liquidations, MarkPrices, OpenInterests
from toucan_data.numbers import finite, keep
from toucan_data.sequencer import BookSync
from toucan_instrument import Instrument, InstrumentKind
from toucan_instrument.errors import PayloadError
from toucan_instrument.timestamps import from_ms

__all__ = ["books", "tickers", "trades"]

HOUR_NS = 3_600_000_000_000
"""Funding is paid every hour (facts 6)."""
ZERO = Decimal(0)
EMPTY: list[LevelText] = []


def books(sync: BookSync) -> Handler:
    """Make the handler of books: a snapshot, then one level for each number."""
    delta, refresh = sync.delta, sync.refresh

    def handle(message: wire.ContractLevel | wire.ContractBook, time_received: int) -> None:
        if isinstance(message, wire.ContractBook):
            time = None if message.timestamp is None else from_ms(message.timestamp)
            bids, asks = _resting(message.bids), _resting(message.asks)
            refresh(BookSnapshot(message.seq, bids, asks, time), time_received)
            return
        level = [(text(message.price), text(message.qty))]
        bids, asks = (level, EMPTY) if message.side == "buy" else (EMPTY, level)
        if asks and message.side != "sell":
            raise PayloadError(
                "the side of a level", raw=message.side.encode(errors="replace"), cause="unknown"
            )
        seq = message.seq
        delta(seq, seq, None, bids, asks, message.timestamp * 1_000_000, time_received)

    return handle


def _resting(levels: list[Any]) -> list[LevelText]:
    """Return the levels of a snapshot without those that are empty; old ones went below zero (facts 6)."""
    return [level for level in level_texts(levels) if not level[1].startswith("-")]


def trades(feed: Feed, instrument: Instrument, ids: IdSequence) -> Handler:
    """Make the handler of trades, and of the liquidations among them.

    The history that comes on subscribing only tells where the numbers stand. Ids are the venue's ``seq``, as
    it is by them that a hole is told.
    """
    liquidations = feed.outlet(Liquidations)

    def handle(message: wire.ContractTrade | wire.ContractTrades, time_received: int) -> None:
        if isinstance(message, wire.ContractTrades):
            if message.trades:
                ids.seed(max(trade.seq for trade in message.trades))
            return
        price, quantity = keep(text(message.price)), finite(text(message.qty), "field qty")
        side, seq, time = side_of(message.side), message.seq, from_ms(message.time)
        if not ids.take(seq, seq, time_received):
            return
        if feed.sink is not None:
            feed.sink(
                PublicTrade(
                    instrument.exchange, instrument, time, time_received, seq, seq, seq, price, quantity, side
                )
            )
        if liquidations.sink is not None and "liquidation" in message.type.lower():
            liquidations.sink(
                Liquidation(
                    instrument.exchange,
                    instrument,
                    time,
                    time_received,
                    side,
                    price,
                    price,
                    quantity,
                    quantity,
                    quantity,
                    message.type,
                    "",
                    "",
                )
            )

    return handle


def tickers(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of tickers, which hold mark price, funding and open interest as well."""
    marks, rates, interests = (feed.outlet(kind) for kind in (MarkPrices, FundingRates, OpenInterests))
    exchange = instrument.exchange

    def handle(message: wire.ContractTicker, time_received: int) -> None:
        time = None if message.time is None else from_ms(message.time)
        if feed.sink is not None:
            feed.sink(_statistics(instrument, message, time, time_received))
        rate, due = _funding(instrument, message)
        if marks.sink is not None and message.markPrice is not None:
            price = finite(text(message.markPrice), "field markPrice")
            index = number(message.index, "index")
            marks.sink(
                MarkPrice(exchange, instrument, time, time_received, price, index, None, None, rate, due)
            )
        if rates.sink is not None and rate is not None:
            predicted = number(message.relative_funding_rate_prediction, "relative_funding_rate_prediction")
            rates.sink(FundingRate(exchange, instrument, time, time_received, rate, due, HOUR_NS, predicted))
        if interests.sink is not None and message.openInterest is not None:
            quantity = finite(text(message.openInterest), "field openInterest")
            interests.sink(OpenInterest(exchange, instrument, time, time_received, quantity))

    return handle


def _funding(instrument: Instrument, message: wire.ContractTicker) -> tuple[Decimal | None, int | None]:
    """Return rate and time of the next funding. A rate of zero is left out; a dated contract has none."""
    due = message.next_funding_rate_time
    if instrument.kind is not InstrumentKind.PERPETUAL or not due:
        return None, None
    return number(message.relative_funding_rate, "relative_funding_rate") or ZERO, from_ms(due)


def _statistics(
    instrument: Instrument, message: wire.ContractTicker, time: int | None, time_received: int
) -> Ticker24h:
    """Return the statistics. Of an inverse contract ``volumeQuote`` is no volume of the base asset."""
    worth = None if instrument.inverse else number(message.volumeQuote, "volumeQuote")
    return Ticker24h(
        instrument.exchange,
        instrument,
        time,
        time_received,
        number(message.last, "last"),
        number(message.open, "open"),
        number(message.high, "high"),
        number(message.low, "low"),
        number(message.volume, "volume"),
        worth,
        price_change_percent=number(message.change, "change"),
        bid_price=number(message.bid, "bid"),
        bid_quantity=number(message.bid_size, "bid_size"),
        ask_price=number(message.ask, "ask"),
        ask_quantity=number(message.ask_size, "ask_size"),
        close_time=time,
    )
