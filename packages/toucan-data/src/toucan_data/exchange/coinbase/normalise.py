"""Coinbase's messages as toucan's events: one factory per kind, whose handler holds what never changes.

A handler takes what the session found for its stream in a frame, and the time of receipt, and hands events to
the feed's sinks. What a frame holds can make it raise `PayloadError` and nothing else.

Both APIs give the side of the maker with a trade (facts 6.2 and 7.1): the aggressor is the other one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toucan_data.bookrule import BookSnapshot
from toucan_data.candlesticks import CandleCloser, plain_candle
from toucan_data.continuity import IdSequence
from toucan_data.events import Candle, LevelText, PublicTrade, Ticker24h
from toucan_data.exchange.coinbase import messages as wire
from toucan_data.exchange.coinbase.endpoints import INTERVAL
from toucan_data.feed import Feed
from toucan_data.numbers import finite, keep, optional
from toucan_data.sequencer import BookSync
from toucan_instrument import Instrument, Side
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.timestamps import from_iso

__all__ = [
    "Handler",
    "advanced_book",
    "advanced_candles",
    "advanced_tickers",
    "advanced_trades",
    "candle",
    "exchange_book",
    "exchange_tickers",
    "exchange_trades",
    "nanoseconds",
]

Handler = Callable[[Any, int], None]

SECOND = 1_000_000_000
_AGGRESSOR = {"buy": Side.SELL, "sell": Side.BUY, "BUY": Side.SELL, "SELL": Side.BUY}
"""The aggressor by the side of the maker, which is what both APIs send."""
_WHOLE: dict[str, int] = {}
"""Recent seconds by their text: those of frames repeat."""
_WHOLE_KEPT = 1024
_TO_SECONDS = len("2026-01-31T12:00:00")


def nanoseconds(text: str | None) -> int | None:
    """Return an ISO time of any precision in nanoseconds, None where it says none.

    None too for what Coinbase sends where it has none: the year 1 (facts 6.3), 1970 (facts 7.3).

    Raises:
        PayloadError: It is no time.
    """
    if not text:
        return None
    whole, fraction = text[:_TO_SECONDS], text[_TO_SECONDS + 1 : -1]
    at = _WHOLE.get(whole)
    if (
        at is None
        or text[_TO_SECONDS : _TO_SECONDS + 1] != "."
        or text[-1] != "Z"
        or not fraction.isdecimal()
    ):
        return _moment(text)
    return (at + int(fraction[:9].ljust(9, "0"))) if at > 0 else None


def _moment(text: str) -> int | None:
    try:
        found = from_iso(text)
    except InvalidInput as error:
        raise PayloadError("a time", raw=text.encode(errors="replace"), cause="not of ISO 8601") from error
    if text.endswith("Z") and text.isascii():
        if len(_WHOLE) >= _WHOLE_KEPT:
            _WHOLE.clear()
        _WHOLE[text[:_TO_SECONDS]] = found - found % SECOND
    return found if found >= SECOND else None


# Trades.


def exchange_trades(feed: Feed, instrument: Instrument, ids: IdSequence) -> Handler:
    """Make the handler of ``matches``, and of the heartbeats that tell how far they have come.

    The first message after subscribing is the trade before it: it is not given out, but what is missing up to
    it is known by it. A heartbeat may be a moment ahead of the trades, so that a trade is missing only if it
    has not come by the next one.
    """
    ahead = -1

    def tell(last: int, now: int) -> None:
        """Take note that all trades up to `last` have happened, and will not come any more."""
        if ids.next < 0:
            ids.seed(last)
        elif last >= ids.next and ids.accept(last + 1, now):
            ids.next = last + 1

    def handle(message: Any, now: int) -> None:
        nonlocal ahead
        if type(message) is wire.Match:
            trade = message.trade_id
            if ids.take(trade, trade, now):
                _give(feed, instrument, message, trade, now)
        elif type(message) is wire.LastMatch:
            tell(message.trade_id, now)
        else:
            if ids.next >= 0 and ahead >= ids.next:
                tell(ahead, now)
            ahead = message.last_trade_id

    return handle


def _give(
    feed: Feed, instrument: Instrument, row: wire.Match | wire.TradeRow, trade: int | str, now: int
) -> None:
    sink = feed.sink
    if sink is None:
        return
    aggressor = _AGGRESSOR.get(row.side)
    if aggressor is None:
        raise PayloadError("the side of a trade", raw=row.side.encode(errors="replace"), cause="not known")
    time, price, size = nanoseconds(row.time), keep(row.price), finite(row.size, "size")
    sink(PublicTrade(instrument.exchange, instrument, time, now, trade, trade, trade, price, size, aggressor))


def advanced_trades(feed: Feed, instrument: Instrument, ids: IdSequence) -> Handler:
    """Make the handler of ``market_trades``: takes the type of an event, and its rows of one product.

    Rows are sorted, for they come with the newest first. The first snapshot is history, which is not given
    out; a later one may hold trades that no update has brought (facts 7.1), and those are.
    """

    def handle(message: tuple[str, list[wire.TradeRow]], now: int) -> None:
        what, rows = message
        found = sorted(((_number_of(row), row) for row in rows), key=_first)
        if what == "snapshot" and ids.next < 0:
            ids.seed(found[-1][0])
            return
        for trade, row in found:
            if ids.take(trade, trade, now):
                _give(feed, instrument, row, trade, now)

    return handle


def _first(pair: tuple[int, wire.TradeRow]) -> int:
    return pair[0]


def _number_of(row: wire.TradeRow) -> int:
    text = row.trade_id
    if not (text.isascii() and text.isdigit()):
        raise PayloadError("the id of a trade", raw=text.encode(errors="replace"), cause="not a number")
    return int(text)


# Books.


def exchange_book(sync: BookSync) -> Handler:
    """Make the handler of ``level2_batch``."""

    def handle(message: Any, now: int) -> None:
        time = nanoseconds(message.time)
        if type(message) is wire.Snapshot:
            sync.refresh(BookSnapshot(None, _sound(message.bids), _sound(message.asks), time), now)
            return
        bids: list[LevelText] = []
        asks: list[LevelText] = []
        for side, price, quantity in message.changes:
            level = (price, quantity if "-" not in quantity else "0")
            if side == "buy":
                bids.append(level)
            elif side == "sell":
                asks.append(level)
            else:
                raise _no_side(side)
        sync.change(bids, asks, time, now)

    return _careful(sync, handle)


def _careful(sync: BookSync, handle: Handler) -> Handler:
    """Make a handler that does not go on as if nothing had been there, where it cannot read a message."""

    def handle_or_break(message: Any, now: int) -> None:
        try:
            handle(message, now)
        except PayloadError:
            sync.broken(now, None, None, "unreadable")
            raise

    return handle_or_break


def _sound(levels: list[LevelText]) -> list[LevelText]:
    """Return levels without those whose quantity is below zero.

    Exchange has sent such as ``0.-10000``; a level of nothing, or of less, is no level.
    """
    if any("-" in quantity for _, quantity in levels):
        return [level for level in levels if "-" not in level[1]]
    return levels


def _no_side(side: str) -> PayloadError:
    return PayloadError("the side of a level", raw=side.encode(errors="replace"), cause="not known")


def advanced_book(sync: BookSync) -> Handler:
    """Make the handler of ``level2``: takes an event, and the time of its frame.

    The frames of a connection are numbered, not the changes of a book: the session looks for holes.
    """

    def handle(message: tuple[wire.L2Event, str], now: int) -> None:
        event, sent = message
        bids: list[LevelText] = []
        asks: list[LevelText] = []
        rows = event.updates or ()
        for row in rows:
            level = (row.price_level, row.new_quantity)
            if row.side == "bid":
                bids.append(level)
            elif row.side in {"offer", "ask"}:
                asks.append(level)
            else:
                raise _no_side(row.side)
        time = (nanoseconds(rows[-1].event_time) if rows else None) or nanoseconds(sent)
        if event.type == "snapshot":
            sync.refresh(BookSnapshot(None, bids, asks, time), now)
        elif event.type == "update":
            sync.change(bids, asks, time, now)
        else:
            raise PayloadError("an event", raw=event.type.encode(errors="replace"), cause="of unknown type")

    return _careful(sync, handle)


# Statistics and candles.


def exchange_tickers(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of ``ticker``; what is older than the last one is left out (facts 6).

    So is what was never traded, for there are no statistics of it.
    """
    sinks = feed.sinks
    last: int | None = None

    def handle(message: wire.Ticker, now: int) -> None:
        nonlocal last
        sequence = message.sequence
        if not message.price:
            return
        if feed.interrupted():
            last = None
        if last is not None and sequence is not None and sequence < last:
            return
        last = sequence
        event = Ticker24h(
            instrument.exchange,
            instrument,
            nanoseconds(message.time),
            now,
            finite(message.price, "price"),
            optional(message.open_24h, "open_24h"),
            optional(message.high_24h, "high_24h"),
            optional(message.low_24h, "low_24h"),
            optional(message.volume_24h, "volume_24h"),
            None,
            last_quantity=optional(message.last_size, "last_size"),
            bid_price=optional(message.best_bid, "best_bid"),
            bid_quantity=optional(message.best_bid_size, "best_bid_size"),
            ask_price=optional(message.best_ask, "best_ask"),
            ask_quantity=optional(message.best_ask_size, "best_ask_size"),
            last_id=message.trade_id,
        )
        for sink in sinks:
            sink(event)

    return handle


def advanced_tickers(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of ``ticker``: takes a row, and the time of its frame, for it has none of its own."""
    sinks = feed.sinks

    def handle(message: tuple[wire.TickerRow, str], now: int) -> None:
        row, sent = message
        if not row.price:
            return
        event = Ticker24h(
            instrument.exchange,
            instrument,
            nanoseconds(sent),
            now,
            finite(row.price, "price"),
            None,
            optional(row.high_24_h, "high_24_h"),
            optional(row.low_24_h, "low_24_h"),
            optional(row.volume_24_h, "volume_24_h"),
            None,
            price_change_percent=optional(row.price_percent_chg_24_h, "price_percent_chg_24_h"),
            bid_price=optional(row.best_bid, "best_bid"),
            bid_quantity=optional(row.best_bid_quantity, "best_bid_quantity"),
            ask_price=optional(row.best_ask, "best_ask"),
            ask_quantity=optional(row.best_ask_quantity, "best_ask_quantity"),
        )
        for sink in sinks:
            sink(event)

    return handle


def advanced_candles(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of ``candles``: takes the type of an event, its rows of one product, and its time.

    A snapshot holds candles of the past too: of the first one only the newest is given out, of later ones
    those that are not older than the last that was.
    """
    sinks = feed.sinks
    newest = -1

    def give(event: Candle) -> None:
        for sink in sinks:
            sink(event)

    closer = CandleCloser(give)

    def handle(message: tuple[str, list[wire.CandleRow], str], now: int) -> None:
        nonlocal newest
        what, rows, sent = message
        time = nanoseconds(sent)
        candles = sorted((candle(instrument, row, INTERVAL, time, now) for row in rows), key=_open_time)
        if what == "snapshot" and newest < 0:
            candles = candles[-1:]
        for each in candles:
            if each.open_time >= newest:
                newest = each.open_time
                closer.take(each, interrupted=feed.interrupted())

    return handle


def _open_time(event: Candle) -> int:
    return event.open_time


def candle(instrument: Instrument, row: wire.Bar, interval: str, time: int | None, now: int) -> Candle:
    """Return a candle of Advanced Trade, which is not closed as far as its row says.

    Raises:
        PayloadError: It cannot be read.
    """
    start = row.start
    if not (start.isascii() and start.isdigit()):
        raise PayloadError("the start of a candle", raw=start.encode(errors="replace"), cause="not a number")
    return plain_candle(
        instrument,
        interval,
        int(start) * SECOND,
        (
            finite(row.open, "open"),
            finite(row.high, "high"),
            finite(row.low, "low"),
            finite(row.close, "close"),
        ),
        finite(row.volume, "volume"),
        time_exchange=time,
        time_received=now,
    )
