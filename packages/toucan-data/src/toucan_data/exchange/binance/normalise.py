"""Binance's messages as toucan's events: one factory per kind, whose handler holds what never changes.

A handler takes a decoded message and the time of its receipt, and hands events to the feed's sinks. What
a frame holds can make it raise `PayloadError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Any

from toucan_data.book import BookState, OrderBook
from toucan_data.continuity import IdSequence
from toucan_data.events import (
    Candle,
    Liquidation,
    MarkPrice,
    OrderBookL1,
    OrderBookL2Snapshot,
    PublicTrade,
    Ticker24h,
)
from toucan_data.exchange.binance import messages as wire
from toucan_data.feed import Feed
from toucan_data.numbers import KEPT, exact, finite, keep, refuse
from toucan_data.sequencer import BookSync
from toucan_instrument import Exchange, Instrument, Side
from toucan_instrument.errors import PayloadError

__all__ = [
    "Handler",
    "InstrumentOf",
    "aggregated_trades",
    "book_deltas",
    "candles",
    "liquidations",
    "mark_prices",
    "nanoseconds",
    "partial_book",
    "partial_book_spot",
    "rows",
    "tickers",
    "top_of_book",
    "trades",
]

Handler = Callable[[Any, int], None]
InstrumentOf = Callable[[str], Instrument]

MICROSECONDS = 100_000_000_000_000
"""A time above this counts microseconds: as milliseconds it would lie in the year 5138."""


def nanoseconds(time: int) -> int:
    """Return a time of Binance's, in milliseconds or (spot, on request) microseconds, as nanoseconds."""
    return time * (1_000 if time > MICROSECONDS else 1_000_000)


def trades(feed: Feed, instrument: Instrument, ids: IdSequence) -> Handler:
    """Make the handler of individual trades."""
    exchange, known = instrument.exchange, KEPT
    buy, sell = Side.BUY, Side.SELL

    expected = ids.next

    def handle(message: wire.Trade, time_received: int) -> None:
        nonlocal expected
        trade = message.t
        # `m`: the buyer was the maker, so the aggressor sold.
        if trade != expected:
            ids.next = expected
            if not ids.accept(trade, time_received):
                return
        expected = trade + 1
        sink = feed.sink
        if sink is None:
            return
        time = message.T
        try:
            price = known[message.p]
        except KeyError:
            price = keep(message.p)
        try:
            quantity = exact(message.q)
        except DecimalException as error:
            refuse(message.q, "field q", error)
        if not quantity.is_finite():
            refuse(message.q, "field q")
        sink(
            PublicTrade(
                exchange,
                instrument,
                time * (1_000 if time > MICROSECONDS else 1_000_000),
                time_received,
                trade,
                trade,
                trade,
                price,
                quantity,
                sell if message.m else buy,
            )
        )

    return handle


def aggregated_trades(feed: Feed, instrument: Instrument, ids: IdSequence) -> Handler:
    """Make the handler of aggregated trades."""
    exchange, known = instrument.exchange, KEPT
    buy, sell = Side.BUY, Side.SELL

    expected = ids.next

    def handle(message: wire.AggTrade, time_received: int) -> None:
        nonlocal expected
        trade = message.a
        if trade != expected:
            ids.next = expected
            if not ids.accept(trade, time_received):
                return
        expected = trade + 1
        sink = feed.sink
        if sink is None:
            return
        time = message.T
        try:
            price = known[message.p]
        except KeyError:
            price = keep(message.p)
        try:
            quantity = exact(message.q)
        except DecimalException as error:
            refuse(message.q, "field q", error)
        if not quantity.is_finite():
            refuse(message.q, "field q")
        sink(
            PublicTrade(
                exchange,
                instrument,
                time * (1_000 if time > MICROSECONDS else 1_000_000),
                time_received,
                trade,
                message.f,
                message.l,
                price,
                quantity,
                sell if message.m else buy,
            )
        )

    return handle


def top_of_book(  # noqa: C901 - written out, for it is on the path of every top of book
    feed: Feed, exchange: Exchange, instrument: Instrument | None, instrument_of: InstrumentOf
) -> Handler:
    """Make the handler of best bid and ask; without an instrument each message names its own."""
    of = instrument or instrument_of("")

    # An update changes one side (998 of 1,000 in what was recorded): the other's numbers are reused.
    bid_text: str | None = None
    bids_text: str | None = None
    ask_text: str | None = None
    asks_text: str | None = None
    bid: Decimal | None = None
    bids: Decimal | None = None
    ask: Decimal | None = None
    asks: Decimal | None = None

    def handle(message: wire.BookTicker, time_received: int) -> None:
        nonlocal bid_text, bids_text, ask_text, asks_text, bid, bids, ask, asks
        sink = feed.sink
        if sink is None:
            return
        # What is kept of a side changes only once that has been read.
        price, quantity = message.b, message.B
        if price != bid_text:
            bid, bids = _side(price, quantity)
            bid_text, bids_text = price, quantity
        elif quantity != bids_text:
            try:
                number = exact(quantity)
            except DecimalException as error:
                refuse(quantity, "a quantity", error)
            if not number.is_finite():
                refuse(quantity, "a quantity")
            bids = number if bid else None
            bids_text = quantity
        price, quantity = message.a, message.A
        if price != ask_text:
            ask, asks = _side(price, quantity)
            ask_text, asks_text = price, quantity
        elif quantity != asks_text:
            try:
                number = exact(quantity)
            except DecimalException as error:
                refuse(quantity, "a quantity", error)
            if not number.is_finite():
                refuse(quantity, "a quantity")
            asks = number if ask else None
            asks_text = quantity
        time = message.T
        sink(
            OrderBookL1(
                exchange, of, time and time * 1_000_000, time_received, message.u, bid, bids, ask, asks
            )
        )

    def handle_row(message: wire.BookTickerRow, time_received: int) -> None:
        nonlocal of
        of = instrument_of(message.s)
        handle(message, time_received)

    return handle if instrument is not None else handle_row


def book_deltas(sync: BookSync) -> Handler:
    """Make the handler of diff depth."""
    take = sync.delta

    def handle(message: wire.Depth, time_received: int) -> None:
        time = message.T or message.E
        take(
            message.U,
            message.u,
            message.pu,
            message.b,
            message.a,
            time * (1_000 if time > MICROSECONDS else 1_000_000),
            time_received,
        )

    return handle


def _picture(feed: Feed, book: OrderBook, depth: int) -> Callable[..., None]:
    """Make what keeps a partial book and passes its pictures on."""
    instrument, sinks = book.instrument, feed.sinks

    def take(
        last: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]], time: int | None, now: int
    ) -> None:
        try:
            book.load(bids, asks)
        except ValueError as error:
            raise PayloadError("a partial book", raw=b"", cause=str(error)) from error
        book.last_update_id = last
        book.time_exchange, book.time_received = time, now
        book.state = BookState.SYNCED
        event = OrderBookL2Snapshot(instrument.exchange, instrument, time, now, last, bids, asks, depth)
        for sink in sinks:
            sink(event)
        for watch in feed.watchers:
            watch(book)

    return take


def partial_book(feed: Feed, book: OrderBook, depth: int) -> Handler:
    """Make the handler of the futures' partial depth."""
    take = _picture(feed, book, depth)

    def handle(message: wire.Depth, time_received: int) -> None:
        time = nanoseconds(message.T or message.E)
        take(message.u, message.b, message.a, time, time_received)

    return handle


def partial_book_spot(feed: Feed, book: OrderBook, depth: int) -> Handler:
    """Make the handler of spot's partial depth, which gives no time."""
    take = _picture(feed, book, depth)

    def handle(message: wire.PartialDepth, time_received: int) -> None:
        take(message.lastUpdateId, message.bids, message.asks, None, time_received)

    return handle


def candles(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of candlesticks."""
    sinks = feed.sinks

    def handle(message: wire.Kline, time_received: int) -> None:
        bar = message.k
        _finite(bar.o, bar.h, bar.l, bar.c, bar.v, bar.q, bar.V, bar.Q)
        event = Candle(
            instrument.exchange,
            instrument,
            nanoseconds(message.E),
            time_received,
            bar.i,
            nanoseconds(bar.t),
            nanoseconds(bar.T),
            bar.o,
            bar.h,
            bar.l,
            bar.c,
            bar.v,
            bar.q,
            bar.V,
            bar.Q,
            bar.n,
            None if bar.f < 0 else bar.f,
            None if bar.L < 0 else bar.L,
            bar.x,
        )
        for sink in sinks:
            sink(event)

    return handle


def tickers(feed: Feed, instrument: Instrument | None, instrument_of: InstrumentOf) -> Handler:
    """Make the handler of 24 h statistics."""
    sinks = feed.sinks

    def handle(message: wire.Ticker, time_received: int) -> None:
        of = instrument_of(message.s) if instrument is None else instrument
        _finite(message.c, message.o, message.h, message.l, message.v, message.q)
        _finite(message.p, message.P, message.w, message.Q, message.b, message.B, message.a, message.A)
        event = Ticker24h(
            of.exchange,
            of,
            nanoseconds(message.E),
            time_received,
            message.c,
            message.o,
            message.h,
            message.l,
            message.v,
            message.q,
            message.p,
            message.P,
            message.w,
            message.Q,
            message.b,
            message.B,
            message.a,
            message.A,
            None if message.O is None else nanoseconds(message.O),
            None if message.C is None else nanoseconds(message.C),
            message.F,
            message.L,
            message.n,
        )
        for sink in sinks:
            sink(event)

    return handle


def mark_prices(feed: Feed, instrument: Instrument | None, instrument_of: InstrumentOf) -> Handler:
    """Make the handler of mark prices."""
    sinks = feed.sinks

    def handle(message: wire.MarkPriceUpdate, time_received: int) -> None:
        of = instrument_of(message.s) if instrument is None else instrument
        _finite(message.p)
        event = MarkPrice(
            of.exchange,
            of,
            nanoseconds(message.E),
            time_received,
            message.p,
            _number(message.i, "i"),
            _number(message.P, "P"),
            _number(message.ap, "ap"),
            _number(message.r, "r"),
            nanoseconds(message.T) if message.T else None,
        )
        for sink in sinks:
            sink(event)

    return handle


def liquidations(feed: Feed, instrument: Instrument | None, instrument_of: InstrumentOf) -> Handler:
    """Make the handler of liquidation orders."""
    sinks = feed.sinks

    def handle(message: wire.ForceOrder, time_received: int) -> None:
        order = message.o
        of = instrument_of(order.s) if instrument is None else instrument
        try:
            side = Side(order.S.lower())
        except ValueError as error:
            raise PayloadError("the side of a liquidation", raw=order.S.encode(), cause="") from error
        _finite(order.p, order.q)
        event = Liquidation(
            of.exchange,
            of,
            nanoseconds(order.T),
            time_received,
            side,
            order.p,
            _number(order.ap, "ap"),
            order.q,
            _number(order.l, "l"),
            _number(order.z, "z"),
            order.o,
            order.f,
            order.X,
        )
        for sink in sinks:
            sink(event)

    return handle


def rows(handle: Handler, exchange: Exchange) -> Handler:
    """Make the handler of a market-wide stream of an array out of the handler of one row.

    Since 2026-06 both futures hosts push the rows of both markets, told apart by ``st`` (facts 0.3-12);
    the other market's rows are left out.
    """
    own = {Exchange.BINANCE_USD_M: 1, Exchange.BINANCE_COIN_M: 2}.get(exchange)

    def handle_rows(message: Any, time_received: int) -> None:
        for row in message if isinstance(message, list) else (message,):
            market = getattr(row, "st", None)
            if own is None or market is None or market == own:
                handle(row, time_received)

    return handle_rows


def _side(price_text: str, quantity_text: str) -> tuple[Decimal | None, Decimal | None]:
    """Read best price and its quantity; a side that is empty comes as zeros."""
    try:
        price = KEPT[price_text]
    except KeyError:
        price = keep(price_text)
    return (price, finite(quantity_text, "a quantity")) if price else (None, None)


def _finite(*numbers: Decimal | None) -> None:
    """Refuse NaN and infinity, which are Decimals to the decoder."""
    for number in numbers:
        if number is not None and not number.is_finite():
            raise PayloadError("a number", raw=str(number).encode(), cause="not finite")


def _number(text: str, field: str) -> Decimal | None:
    """Return an exact number, None for an empty text."""
    if not text:
        return None
    return finite(text, f"field {field}")
