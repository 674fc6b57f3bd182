"""Bybit's messages as toucan's events: one factory per kind, whose handler holds what never changes.

A handler takes a decoded message and the time of its receipt, and hands events to the feed's sinks. What
a frame holds can make it raise `PayloadError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from decimal import Decimal, DecimalException
from typing import Any

from toucan_data.bookfeeds import top_event
from toucan_data.bookrule import BookSnapshot
from toucan_data.events import (
    Candle,
    FundingRate,
    LevelText,
    Liquidation,
    MarkPrice,
    OpenInterest,
    PublicTrade,
    Ticker24h,
)
from toucan_data.exchange.bybit import messages as wire
from toucan_data.feed import Feed
from toucan_data.kinds import FundingRates, Kind, MarkPrices, OpenInterests
from toucan_data.numbers import KEPT, exact, finite, keep, optional, refuse
from toucan_data.sequencer import BookSync
from toucan_instrument import Exchange, Instrument, Side
from toucan_instrument.errors import PayloadError

__all__ = [
    "Handler",
    "InstrumentOf",
    "books",
    "candles",
    "liquidations",
    "tickers",
    "tops",
    "trades",
]

Handler = Callable[[Any, int], None]
InstrumentOf = Callable[[str], Instrument]

MILLISECOND = 1_000_000
HOUR = 3600 * 1_000_000_000
SNAPSHOT = "snapshot"
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}


def _side_of(word: str) -> Side:
    try:
        return _SIDES[word]
    except KeyError:
        raise PayloadError(
            "a side", raw=word.encode(errors="replace"), cause="neither Buy nor Sell"
        ) from None


def trades(feed: Feed, instrument: Instrument | None, instrument_of: InstrumentOf) -> Handler:
    """Make the handler of trades; without an instrument (options) each names its own.

    They are numbered by nothing that tells of a loss: ids are UUIDs on derivatives, and numbers with holes
    on spot.
    """
    known = KEPT

    def handle(message: wire.Trades, time_received: int) -> None:
        sink = feed.sink
        if sink is None:
            return
        of = instrument
        for row in message.data:
            if instrument is None:
                of = instrument_of(row.s)
                if not feed.wants(of):
                    continue
            try:
                price = known[row.p]
            except KeyError:
                price = keep(row.p)
            try:
                quantity = exact(row.v)
            except DecimalException as error:
                refuse(row.v, "field v", error)
            if not quantity.is_finite():
                refuse(row.v, "field v")
            sink(
                PublicTrade(
                    of.exchange,  # type: ignore[union-attr]
                    of,  # type: ignore[arg-type]
                    row.T * MILLISECOND,
                    time_received,
                    row.i,
                    row.i,
                    row.i,
                    price,
                    quantity,
                    _side_of(row.S),
                )
            )

    return handle


def tops(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of ``orderbook.1``: each frame is the whole top.

    The same one is sent again after 3 s without a change, which is no news. Recordings from before
    2025-03-20 have deltas, that leave out a side or say what it replaces; nothing is known of a side before
    it was named.
    """
    bid: LevelText | None = None
    ask: LevelText | None = None
    knows_bid = knows_ask = False
    last: tuple[int, LevelText | None, LevelText | None] | None = None

    def handle(message: wire.Book, time_received: int) -> None:
        nonlocal bid, ask, knows_bid, knows_ask, last
        data = message.data
        if message.type == SNAPSHOT or data.u == 1:
            bids, asks = data.b, data.a
            bid = bids[0] if len(bids) == 1 else _best(None, bids)
            ask = asks[0] if len(asks) == 1 else _best(None, asks)
            knows_bid = knows_ask = True
        else:
            bid, ask = _best(bid, data.b), _best(ask, data.a)
            knows_bid, knows_ask = knows_bid or bool(data.b), knows_ask or bool(data.a)
        found = (data.u, bid, ask)
        sink = feed.sink
        if sink is None or not (knows_bid and knows_ask):
            last = None
            return
        if found == last and not feed.reconnected:
            return
        time = (message.cts or message.ts) * MILLISECOND
        sink(top_event(instrument, time, time_received, data.u, bid, ask))
        last = found

    return handle


def _best(held: LevelText | None, levels: list[LevelText]) -> LevelText | None:
    """Return the level of a side after changes of it: the first that has a quantity, or what is not gone."""
    for level in levels:
        if finite(level[1], "a quantity"):
            return level
    gone = {finite(price, "a price") for price, _ in levels}
    return None if held is None or (gone and finite(held[0], "a price") in gone) else held


def books(sync: BookSync) -> Handler:
    """Make the handler of a maintained book: a snapshot, then deltas each numbered one more, facts 6.3.

    A snapshot can come at any time, and a number 1 begins anew whatever it is called: so does a restart.
    """
    delta, refresh = sync.delta, sync.refresh

    def handle(message: wire.Book, time_received: int) -> None:
        data = message.data
        update = data.u
        time = (message.cts or message.ts) * MILLISECOND
        if message.type == SNAPSHOT or update == 1:
            refresh(BookSnapshot(update, data.b, data.a, time), time_received)
        else:
            delta(update, update, None, data.b, data.a, time, time_received)

    return handle


def candles(feed: Feed, instrument: Instrument, interval: str) -> Handler:
    """Make the handler of candlesticks of an interval."""
    sinks = feed.sinks

    def handle(message: wire.Candles, time_received: int) -> None:
        for bar in message.data:
            event = Candle(
                instrument.exchange,
                instrument,
                message.ts * MILLISECOND,
                time_received,
                interval,
                bar.start * MILLISECOND,
                bar.end * MILLISECOND,
                finite(bar.open, "field open"),
                finite(bar.high, "field high"),
                finite(bar.low, "field low"),
                finite(bar.close, "field close"),
                finite(bar.volume, "field volume"),
                optional(bar.turnover, "turnover"),
                None,
                None,
                None,
                None,
                None,
                bar.confirm,
            )
            for sink in sinks:
                sink(event)

    return handle


def liquidations(feed: Feed, instrument: Instrument) -> Handler:
    """Make the handler of liquidations: the venue names the side of the position, an event that of the order.

    The price is that of bankruptcy, at which the order is placed (facts 6.4).
    """
    sinks = feed.sinks

    def handle(message: wire.Liquidations, time_received: int) -> None:
        found = message.data
        if isinstance(found, wire.LiquidatedOnce):
            rows = [wire.Liquidated(found.updatedTime, found.symbol, found.side, found.size, found.price)]
        else:
            rows = found
        for row in rows:
            quantity = finite(row.v, "field v")
            event = Liquidation(
                instrument.exchange,
                instrument,
                row.T * MILLISECOND,
                time_received,
                _side_of(row.S).opposite,
                finite(row.p, "field p"),
                None,
                quantity,
                None,
                quantity,
                "",
                "",
                "",
            )
            for sink in sinks:
                sink(event)

    return handle


_TICKER = frozenset(
    {
        "lastPrice", "prevPrice24h", "highPrice24h", "lowPrice24h", "volume24h", "turnover24h",
        "price24hPcnt", "bid1Price", "bid1Size", "ask1Price", "ask1Size",
    }
)  # fmt: skip
_MARK = frozenset({"markPrice", "indexPrice", "fundingRate", "nextFundingTime", "predictedDeliveryPrice"})
_FUNDING = frozenset({"fundingRate", "nextFundingTime", "fundingIntervalHour"})
_INTEREST = frozenset({"openInterest", "openInterestValue"})


class _Merged:
    """What is known of a ticker: the last snapshot, and what has changed since."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.fields: dict[str, Any] = {}
        # Options spell these otherwise, and say the change of a day as a fraction too.
        option = instrument.exchange is Exchange.BYBIT_OPTION
        self.change = "change24h" if option else "price24hPcnt"
        self.bid = ("bidPrice", "bidSize") if option else ("bid1Price", "bid1Size")
        self.ask = ("askPrice", "askSize") if option else ("ask1Price", "ask1Size")
        self.inverse = instrument.inverse

    def number(self, field: str) -> Decimal | None:
        """Return a number; an empty text is none."""
        text = self.fields.get(field)
        return optional(text if text is None or isinstance(text, str) else str(text), field)

    def time(self, field: str) -> int | None:
        """Return a time, given in milliseconds as a text; empty or zero is none."""
        number = self.number(field)
        return int(number) * MILLISECOND if number else None

    def level(self, names: tuple[str, str]) -> tuple[Decimal | None, Decimal | None]:
        """Return the best price of a side and its quantity; a side that is empty comes as zeros."""
        price, quantity = self.number(names[0]), self.number(names[1])
        return (price, quantity) if price and quantity else (None, None)

    def ticker(self, time: int, now: int) -> Ticker24h | None:
        """Return the statistics of the day, None as long as no last price is known."""
        number = self.number
        last = number("lastPrice")
        if last is None:
            return None
        of, change = self.instrument, number(self.change)
        return Ticker24h(
            of.exchange,
            of,
            time,
            now,
            last,
            number("prevPrice24h"),
            number("highPrice24h"),
            number("lowPrice24h"),
            number("volume24h"),
            number("turnover24h"),
            None,
            None if change is None else change.scaleb(2),
            None,
            None,
            *self.level(self.bid),
            *self.level(self.ask),
        )

    def mark(self, time: int, now: int) -> MarkPrice | None:
        """Return the mark price, None as long as it is not known."""
        mark = self.number("markPrice")
        if mark is None:
            return None
        of = self.instrument
        return MarkPrice(
            of.exchange,
            of,
            time,
            now,
            mark,
            self.number("indexPrice"),
            self.number("predictedDeliveryPrice") or None,  # zero until shortly before delivery
            None,
            self.number("fundingRate"),
            self.time("nextFundingTime"),
        )

    def funding(self, time: int, now: int) -> FundingRate | None:
        """Return the funding rate, None where there is none: of dated futures it is empty."""
        rate = self.number("fundingRate")
        if rate is None:
            return None
        of, hours = self.instrument, self.number("fundingIntervalHour")
        interval = int(hours * HOUR) if hours else None
        return FundingRate(of.exchange, of, time, now, rate, self.time("nextFundingTime"), interval)

    def interest(self, time: int, now: int) -> OpenInterest | None:
        """Return the open interest, None as long as it is not known; inverse: its value is in the base."""
        quantity = self.number("openInterest")
        if quantity is None:
            return None
        of = self.instrument
        worth = None if self.inverse else self.number("openInterestValue")
        return OpenInterest(of.exchange, of, time, now, quantity, worth)


def tickers(feed: Feed, instrument: Instrument, offered: Container[Kind[Any]]) -> Handler:
    """Make the handler of tickers, which also hold mark price, funding and open interest of derivatives.

    Of a delta only that kind is told of which something has changed. Nothing but the next snapshot tells
    that a delta was lost.
    """
    known = _Merged(instrument)
    makers: tuple[tuple[Kind[Any], frozenset[str], Callable[[int, int], Any]], ...] = (
        (MarkPrices, _MARK, known.mark),
        (FundingRates, _FUNDING, known.funding),
        (OpenInterests, _INTEREST, known.interest),
    )
    outlets: list[tuple[list[Callable[[Any], None]], frozenset[str], Callable[[int, int], Any]]] = [
        (feed.sinks, _TICKER, known.ticker),
        *((feed.outlet(kind).sinks, fields, make) for kind, fields, make in makers if kind in offered),
    ]

    def handle(message: wire.Ticker, time_received: int) -> None:
        found, whole = message.data, message.type == SNAPSHOT
        if whole or feed.reconnected:
            known.fields = {}
        known.fields.update(found)
        time = message.ts * MILLISECOND
        for sinks, fields, make in outlets:
            if sinks and (whole or not fields.isdisjoint(found)):
                event = make(time, time_received)
                if event is not None:
                    for sink in sinks:
                        sink(event)

    return handle
