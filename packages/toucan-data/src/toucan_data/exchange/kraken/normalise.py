"""Spot's rows as toucan's events: one factory for each channel, whose handler holds what never changes.

A handler takes a `Part` and the time of its receipt, and hands events to the feed's sinks. What a frame holds
can make it raise `PayloadError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from toucan_data.bookfeeds import top_event
from toucan_data.bookrule import BookSnapshot
from toucan_data.candlesticks import CandleCloser, plain_candle
from toucan_data.continuity import IdSequence
from toucan_data.events import Candle, LevelText, PublicTrade, Ticker24h
from toucan_data.exchange.kraken import messages as wire
from toucan_data.exchange.kraken.messages import level_texts, text
from toucan_data.feed import Feed
from toucan_data.kinds import Tickers24h
from toucan_data.numbers import finite, keep
from toucan_data.sequencer import BookSync
from toucan_instrument import Instrument, Side
from toucan_instrument.decimals import EXACT
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.timestamps import from_iso

__all__ = [
    "Handler",
    "Part",
    "books",
    "candles",
    "nanoseconds",
    "number",
    "side_of",
    "tickers",
    "trades",
]

Handler = Callable[[Any, int], None]


class Part(msgspec.Struct, gc=False):
    """The rows of a frame that are of one stream.

    Attributes:
        snapshot: Whether they are what was before, sent on subscribing.
        rows: The rows.
        timestamp: The frame's time, where it has one.
    """

    snapshot: bool
    rows: list[Any]
    timestamp: str | None


def nanoseconds(moment: str | None) -> int | None:
    """Return a time of spot's in nanoseconds; None where there is none, or it is the epoch (facts 4.2).

    Raises:
        PayloadError: It is no time.
    """
    if moment is None:
        return None
    try:
        return from_iso(moment) or None
    except InvalidInput as error:
        raise PayloadError("a time", raw=moment.encode(errors="replace"), cause=str(error)) from error


def number(value: Any, field: str) -> Decimal | None:
    """Return a number of a field that may be left out, exactly.

    Raises:
        PayloadError: It is no finite number.
    """
    return None if value is None else finite(text(value), f"field {field}")


def side_of(word: str) -> Side:
    """Return the taker's side, which is what both markets report.

    Raises:
        PayloadError: It is none.
    """
    try:
        return _SIDES[word]
    except KeyError as error:
        raise PayloadError(
            "the side of a trade", raw=word.encode(errors="replace"), cause="unknown"
        ) from error


_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def books(sync: BookSync) -> Handler:
    """Make the handler of books: a snapshot replaces everything, changes have no number."""
    change, refresh = sync.change, sync.refresh

    def handle(part: Part, time_received: int) -> None:
        row: wire.BookRow
        for row in part.rows:
            bids, asks, time = level_texts(row.bids), level_texts(row.asks), nanoseconds(row.timestamp)
            if part.snapshot:
                refresh(BookSnapshot(None, bids, asks, time), time_received, row.checksum)
            else:
                change(bids, asks, time, time_received, row.checksum)

    return handle


def trades(feed: Feed, instrument: Instrument, ids: IdSequence) -> Handler:
    """Make the handler of trades; those of a snapshot are history, and only tell where the ids stand."""
    exchange = instrument.exchange

    def handle(part: Part, time_received: int) -> None:
        if part.snapshot:
            if part.rows:
                ids.seed(max(row.trade_id for row in part.rows))
            return
        row: wire.TradeRow
        for row in part.rows:
            price, quantity = keep(text(row.price)), finite(text(row.qty), "field qty")
            side, time = side_of(row.side), nanoseconds(row.timestamp)
            trade = row.trade_id
            if not ids.take(trade, trade, time_received) or feed.sink is None:
                continue
            feed.sink(
                PublicTrade(
                    exchange, instrument, time, time_received, trade, trade, trade, price, quantity, side
                )
            )

    return handle


def tickers(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of tickers: each is a top of the book, and statistics where those have changed.

    Frames come when the best prices change; the statistics follow trades.
    """
    statistics = feed.outlet(Tickers24h)
    before: tuple[Any, ...] = ()

    def handle(part: Part, time_received: int) -> None:
        nonlocal before
        row: wire.TickerRow
        for row in part.rows:
            time = nanoseconds(row.timestamp)
            if feed.sink is not None:
                bid, ask = _level(row.bid, row.bid_qty), _level(row.ask, row.ask_qty)
                feed.sink(top_event(instrument, time, time_received, None, bid, ask))
            said = (row.last, row.volume, row.trades, row.vwap, row.low, row.high, row.change)
            if statistics.sink is not None and (said != before or part.snapshot):
                statistics.sink(_statistics(instrument, row, time, time_received))
                before = said

    return handle


def _level(price: Any, quantity: Any) -> LevelText | None:
    return None if price is None or quantity is None else (text(price), text(quantity))


def _statistics(
    instrument: Instrument, row: wire.TickerRow, time: int | None, time_received: int
) -> Ticker24h:
    last, change = number(row.last, "last"), number(row.change, "change")
    bid, ask = number(row.bid, "bid") or None, number(row.ask, "ask") or None  # an empty side is zero
    return Ticker24h(
        instrument.exchange,
        instrument,
        time,
        time_received,
        last,
        None if last is None or change is None else EXACT.subtract(last, change),
        number(row.high, "high"),
        number(row.low, "low"),
        number(row.volume, "volume"),
        None,
        price_change=change,
        price_change_percent=number(row.change_pct, "change_pct"),
        average_price=number(row.vwap, "vwap"),
        bid_price=bid,
        bid_quantity=number(row.bid_qty, "bid_qty") if bid is not None else None,
        ask_price=ask,
        ask_quantity=number(row.ask_qty, "ask_qty") if ask is not None else None,
        close_time=time,
        trades=row.trades,
    )


def candles(feed: Feed, instrument: Instrument, interval: str) -> Handler:
    """Make the handler of candles, of which none says that it is closed.

    Of the history that comes on subscribing only the last candle, which is still forming, is given out; of
    what comes on subscribing again, all since the last one that was.
    """
    newest: int | None = None

    def emit(candle: Candle) -> None:
        for sink in feed.sinks:
            sink(candle)

    closer = CandleCloser(emit)

    def handle(part: Part, time_received: int) -> None:
        nonlocal newest
        time = nanoseconds(part.timestamp)
        bars = [_candle(instrument, interval, row, time, time_received) for row in part.rows]
        hole = False
        if part.snapshot:
            bars.sort(key=lambda bar: bar.open_time)
            since = newest
            bars = bars[-1:] if since is None else [bar for bar in bars if bar.open_time >= since]
            # The last candle that was seen is closed by a later one only if its end is in the history.
            hole = since is not None and bool(bars) and bars[0].open_time > since
        for bar in bars:
            closer.take(bar, interrupted=hole)
            hole = False
            newest = bar.open_time if newest is None else max(newest, bar.open_time)

    return handle


def _candle(
    instrument: Instrument, interval: str, row: wire.CandleRow, time: int | None, time_received: int
) -> Candle:
    begin = nanoseconds(row.interval_begin)
    if begin is None:
        raise PayloadError("the beginning of a candle", raw=row.interval_begin.encode(), cause="the epoch")
    return plain_candle(
        instrument,
        interval,
        begin,
        (
            finite(text(row.open), "field open"),
            finite(text(row.high), "field high"),
            finite(text(row.low), "field low"),
            finite(text(row.close), "field close"),
        ),
        finite(text(row.volume), "field volume"),
        time_exchange=time,
        time_received=time_received,
        trades=row.trades,
    )
