"""Binance's messages as toucan's events: one factory per kind, whose handler holds what never changes.

A handler takes a decoded message and the time of its receipt, and hands events to the feed's sinks. What
a frame holds can make it raise `PayloadError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Any

from toucan_data.bookfeeds import pictures
from toucan_data.continuity import IdSequence
from toucan_data.events import (
    Candle,
    FundingRate,
    Liquidation,
    MarkPrice,
    OrderBookL1,
    PublicTrade,
    Ticker24h,
)
from toucan_data.exchange.binance import messages as wire
from toucan_data.feed import Feed
from toucan_data.kinds import FundingRates
from toucan_data.numbers import KEPT, all_finite, exact, finite, keep, optional, refuse
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


def partial_book(feed: Feed, instrument: Instrument, depth: int) -> Handler:
    """Make the handler of the futures' partial depth."""
    take = pictures(feed, instrument, depth)

    def handle(message: wire.Depth, time_received: int) -> None:
        time = nanoseconds(message.T or message.E)
        take(message.u, message.b, message.a, time, time_received)

    return handle


def partial_book_spot(feed: Feed, instrument: Instrument, depth: int) -> Handler:
    """Make the handler of spot's partial depth, which gives no time."""
    take = pictures(feed, instrument, depth)

    def handle(message: wire.PartialDepth, time_received: int) -> None:
        take(message.lastUpdateId, message.bids, message.asks, None, time_received)

    return handle


def candles(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of candlesticks."""
    sinks = feed.sinks

    def handle(message: wire.Kline, time_received: int) -> None:
        bar = message.k
        all_finite(bar.o, bar.h, bar.l, bar.c, bar.v, bar.q, bar.V, bar.Q)
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
        all_finite(message.c, message.o, message.h, message.l, message.v, message.q)
        all_finite(message.p, message.P, message.w, message.Q, message.b, message.B, message.a, message.A)
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
    """Make the handler of mark prices, and of the funding rates that come with them."""
    sinks = feed.sinks
    funding = feed.outlet(FundingRates).sinks

    def handle(message: wire.MarkPriceUpdate, time_received: int) -> None:
        of = instrument_of(message.s) if instrument is None else instrument
        all_finite(message.p)
        time, rate = nanoseconds(message.E), optional(message.r, "r")
        due = nanoseconds(message.T) if message.T else None
        event = MarkPrice(
            of.exchange,
            of,
            time,
            time_received,
            message.p,
            optional(message.i, "i"),
            optional(message.P, "P"),
            optional(message.ap, "ap"),
            rate,
            due,
        )
        for sink in sinks:
            sink(event)
        if rate is not None:  # a dated future has none
            for sink in funding:
                sink(FundingRate(of.exchange, of, time, time_received, rate, due))

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
        all_finite(order.p, order.q)
        event = Liquidation(
            of.exchange,
            of,
            nanoseconds(order.T),
            time_received,
            side,
            order.p,
            optional(order.ap, "ap"),
            order.q,
            optional(order.l, "l"),
            optional(order.z, "z"),
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
