"""OKX's messages as toucan's events: one factory per kind, whose handler holds what never changes.

A handler takes a decoded frame and the time of its receipt, and hands events to the feed's sinks. What a
frame holds can make it raise `PayloadError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from toucan_data.bookfeeds import Picture
from toucan_data.bookrule import BookSnapshot
from toucan_data.continuity import IdSequence
from toucan_data.events import (
    Candle,
    FundingRate,
    LevelText,
    Liquidation,
    MarkPrice,
    OpenInterest,
    OrderBookL1,
    PublicTrade,
    Ticker24h,
)
from toucan_data.exchange.okx import messages as wire
from toucan_data.exchange.okx.bars import Bar
from toucan_data.feed import Feed, FeedState
from toucan_data.numbers import KEPT, finite, keep
from toucan_data.sequencer import BookSync
from toucan_instrument import Instrument, InstrumentKind, Side
from toucan_instrument.errors import PayloadError
from toucan_instrument.timestamps import from_ms

__all__ = [
    "Handler",
    "InstrumentOf",
    "books",
    "candles",
    "funding_rates",
    "levels",
    "liquidations",
    "mark_prices",
    "open_interests",
    "pictures",
    "tickers",
    "tops",
    "trades",
]

Handler = Callable[[Any, int], None]
InstrumentOf = Callable[[str], Instrument]

MILLISECOND = 1_000_000
BACKLOG_NS = 10_000_000_000
"""A liquidation of the first frame that is older than this happened before the stream was asked for."""
SNAPSHOT = "snapshot"
SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def levels(rows: Sequence[wire.Level]) -> list[LevelText]:
    """Return price and quantity of every level, as they came."""
    return [(row.price, row.quantity) for row in rows]


def _side(word: str) -> Side:
    try:
        return SIDES[word]
    except KeyError as error:
        raise PayloadError("a side", raw=word.encode(), cause="neither buy nor sell") from error


def _number(text: str, field: str) -> Decimal | None:
    """Return an exact number, None for an empty text."""
    return finite(text, f"field {field}") if text else None


def _time(text: str, field: str) -> int | None:
    """Return a time in milliseconds that is written as a text, None for an empty one."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise PayloadError(f"field {field}", raw=text.encode(errors="replace"), cause="no time")
    return from_ms(int(text))


def trades(feed: Feed, instrument: Instrument, ids: IdSequence) -> Handler:
    """Make the handler of trades, one by one or of one order at one price.

    `side` is the taker's. The ids of one report reach from ``tradeId - count + 1`` to ``tradeId``.
    """
    exchange, known = instrument.exchange, KEPT
    expected = ids.next

    def handle(message: wire.Envelope[wire.Trade], time_received: int) -> None:
        nonlocal expected
        for row in message.data:
            last = row.tradeId
            first = last - row.count + 1
            if first != expected:
                ids.next = expected
                if not ids.accept(first, time_received):
                    continue
            expected = last + 1
            sink = feed.sink
            if sink is None:
                continue
            text = row.px
            price = known[text] if text in known else keep(text)
            sink(
                PublicTrade(
                    exchange,
                    instrument,
                    row.ts * MILLISECOND,
                    time_received,
                    last,
                    first,
                    last,
                    price,
                    finite(row.sz, "field sz"),
                    _side(row.side),
                )
            )

    return handle


def tops(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of best bid and ask; a side that is empty comes as an empty list."""
    exchange = instrument.exchange

    def handle(message: wire.Envelope[wire.Book], time_received: int) -> None:
        sink = feed.sink
        if sink is None:
            return
        for row in message.data:
            bid, bids = _top(row.bids)
            ask, asks = _top(row.asks)
            time = row.ts * MILLISECOND
            sink(OrderBookL1(exchange, instrument, time, time_received, row.seqId, bid, bids, ask, asks))

    return handle


def _top(rows: Sequence[wire.Level]) -> tuple[Decimal | None, Decimal | None]:
    """Return price and quantity of the first level."""
    if not rows:
        return None, None
    text = rows[0].price
    quantity = finite(rows[0].quantity, "a quantity")
    return (KEPT[text] if text in KEPT else keep(text), quantity) if quantity else (None, None)


def books(sync: BookSync) -> Handler:
    """Make the handler of a book: a snapshot, then updates each of which names the one it follows.

    A recording from before there were ids is held together by the checksums of its updates. Where there
    are ids the checksum is not looked at: since 2026-06 it is zero (facts 6.3).
    """

    def handle(message: wire.Envelope[wire.Book], time_received: int) -> None:
        for row in message.data:
            bids, asks, time = levels(row.bids), levels(row.asks), row.ts * MILLISECOND
            last, prior = row.seqId, row.prevSeqId
            if message.action == SNAPSHOT:
                sync.refresh(BookSnapshot(last, bids, asks, time), time_received)
            elif last is None or prior is None:
                sync.change(bids, asks, time, time_received, row.checksum or None)
            else:
                # Every minute without a change there is one that changes nothing, with the same id; after
                # maintenance the ids begin anew below the one that is followed.
                sync.delta(min(prior + 1, last), last, prior, bids, asks, time, time_received)

    return handle


def pictures(take: Picture) -> Handler:
    """Make the handler of the top five levels."""

    def handle(message: wire.Envelope[wire.Book], time_received: int) -> None:
        for row in message.data:
            take(row.seqId, levels(row.bids), levels(row.asks), row.ts * MILLISECOND, time_received)

    return handle


def candles(feed: Feed, instrument: Instrument, bar: Bar) -> Handler:
    """Make the handler of candlesticks: they tell when they begin, and not when they were made.

    Volume is of coins on spot and of contracts elsewhere; turnover is of the quote asset, for inverse
    contracts of the coin (facts 6.5).
    """
    sinks = feed.sinks
    quote_at = 6 if instrument.kind is InstrumentKind.SPOT or instrument.inverse else 7

    def handle(message: wire.Envelope[wire.CandleRow], time_received: int) -> None:
        for row in message.data:
            if len(row) < SHORTEST_CANDLE:
                raise PayloadError("a candle", raw=repr(row)[:200].encode(), cause="too short")
            opened = _time(row[0], "ts") or 0
            first, high, low, last, volume = (finite(text, "a candle's number") for text in row[1:6])
            event = Candle(
                instrument.exchange,
                instrument,
                None,
                time_received,
                bar.interval,
                opened,
                bar.last_instant(opened),
                first,
                high,
                low,
                last,
                volume,
                finite(row[quote_at], "a turnover") if len(row) > quote_at else None,
                None,
                None,
                None,
                None,
                None,
                len(row) > CONFIRM_AT and row[CONFIRM_AT] == "1",
            )
            for sink in sinks:
                sink(event)

    return handle


SHORTEST_CANDLE = 6
CONFIRM_AT = 8


def tickers(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of 24 h statistics.

    What was traded is told in coins besides; that is the turnover of an inverse contract. On spot it is the
    quote asset's, and for the others there is none (facts 6.6).
    """
    sinks = feed.sinks
    other = instrument.kind is InstrumentKind.SPOT or instrument.inverse

    def handle(message: wire.Envelope[wire.Ticker], time_received: int) -> None:
        for row in message.data:
            event = Ticker24h(
                instrument.exchange,
                instrument,
                row.ts * MILLISECOND,
                time_received,
                _number(row.last, "last"),
                _number(row.open24h, "open24h"),
                _number(row.high24h, "high24h"),
                _number(row.low24h, "low24h"),
                _number(row.vol24h, "vol24h"),
                _number(row.volCcy24h, "volCcy24h") if other else None,
                last_quantity=_number(row.lastSz, "lastSz"),
                bid_price=_number(row.bidPx, "bidPx"),
                bid_quantity=_number(row.bidSz, "bidSz"),
                ask_price=_number(row.askPx, "askPx"),
                ask_quantity=_number(row.askSz, "askSz"),
            )
            for sink in sinks:
                sink(event)

    return handle


def mark_prices(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of mark prices; index price and funding have channels of their own."""
    sinks = feed.sinks

    def handle(message: wire.Envelope[wire.Mark], time_received: int) -> None:
        for row in message.data:
            event = MarkPrice(
                instrument.exchange,
                instrument,
                row.ts * MILLISECOND,
                time_received,
                finite(row.markPx, "field markPx"),
                None,
                None,
                None,
                None,
                None,
            )
            for sink in sinks:
                sink(event)

    return handle


def funding_rates(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of funding rates: of the rate that will settle at `fundingTime`."""
    sinks = feed.sinks

    def handle(message: wire.Envelope[wire.Funding], time_received: int) -> None:
        for row in message.data:
            rate = _number(row.fundingRate, "fundingRate")
            if rate is None:  # of a contract that is new
                continue
            due, after = _time(row.fundingTime, "fundingTime"), _time(row.nextFundingTime, "nextFundingTime")
            event = FundingRate(
                instrument.exchange,
                instrument,
                _time(row.ts, "ts"),
                time_received,
                rate,
                due,
                after - due if due and after and after > due else None,
                _number(row.nextFundingRate, "nextFundingRate"),
            )
            for sink in sinks:
                sink(event)

    return handle


def open_interests(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of open interest, which is told in contracts."""
    sinks = feed.sinks

    def handle(message: wire.Envelope[wire.Interest], time_received: int) -> None:
        for row in message.data:
            event = OpenInterest(
                instrument.exchange,
                instrument,
                row.ts * MILLISECOND,
                time_received,
                finite(row.oi, "field oi"),
            )
            for sink in sinks:
                sink(event)

    return handle


def liquidations(feed: Feed, instrument_of: InstrumentOf) -> Handler:
    """Make the handler of liquidations, which come for all instruments of a sort.

    The first frame after subscribing can hold what happened before: that is left out.
    """
    sinks = feed.sinks

    def handle(message: wire.Envelope[wire.Liquidations], time_received: int) -> None:
        since = time_received - BACKLOG_NS if feed.state is not FeedState.LIVE else None
        for row in message.data:
            of = instrument_of(row.instId)
            if not feed.wants(of):
                continue
            for order in row.details:
                time = order.ts * MILLISECOND
                if since is not None and time < since:
                    continue
                event = Liquidation(
                    of.exchange,
                    of,
                    time,
                    time_received,
                    _side(order.side),
                    finite(order.bkPx, "field bkPx"),
                    None,
                    finite(order.sz, "field sz"),
                    None,
                    None,
                    "",
                    "",
                    "",
                )
                for sink in sinks:
                    sink(event)

    return handle
