"""Which stream serves which kind on Kraken's markets, and how its frames are read.

A stream's name is the channel, what sets it apart, and the symbol: ``book-100:BTC/USD``, ``ohlc-5:BTC/USD``,
``trade:PF_XBTUSD``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from toucan_data.bookfeeds import maintain
from toucan_data.continuity import IdSequence
from toucan_data.exchange.kraken import normalise, normalise_futures
from toucan_data.exchange.kraken.book import DEEPEST, DEPTHS, contract_rule, pair_rule
from toucan_data.feed import Channel, Feed
from toucan_data.kinds import (
    CandleKind,
    Candles,
    FundingRates,
    Kind,
    Liquidations,
    MarkPrices,
    OpenInterests,
    OrderBookKind,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Tickers24h,
)
from toucan_data.sequencer import BookSync
from toucan_data.status import Status
from toucan_data.venue import an_instrument, check_offered
from toucan_instrument import Exchange, Instrument, InstrumentKind
from toucan_instrument.errors import InvalidInput
from toucan_instrument.exchange.kraken import parse_symbol

__all__ = ["KINDS", "LACKING", "SHORT_TICKERS", "Name", "channel", "parse", "prepare", "streams_of"]

SECOND = 1_000_000_000
STEADY_NS = 15 * SECOND
"""For channels that begin with a snapshot, or send every second."""

SPOT, FUTURES = Exchange.KRAKEN_SPOT, Exchange.KRAKEN_FUTURES

SHORT_TICKERS: Kind[Any] = Kind("Tickers24h", feed="ticker_lite")
"""The futures' short tickers: best prices and volumes, no last price. `Tickers24h` selects them too."""

KINDS: dict[Exchange, Mapping[Kind[Any], str]] = {
    SPOT: {
        PublicTrades: "",
        OrderBooksL1: "at every change of a best price, no id",
        OrderBooksL2: "depth=10 to 1000, a checksum of the best 10 levels alone",
        Candles: "closed when the next one begins, none without trades",
        Tickers24h: "at every trade, no turnover",
    },
    FUTURES: {
        PublicTrades: "",
        OrderBooksL1: "from the book",
        OrderBooksL2: "",
        Liquidations: "from the trades: each fill of one",
        Tickers24h: "each second",
        MarkPrices: "each second, with funding",
        FundingRates: "each second",
        OpenInterests: "each second",
    },
}
"""What each market has, with a remark."""

LACKING: dict[Exchange, Mapping[Kind[Any], str]] = {
    SPOT: {},
    FUTURES: {Candles: "over REST only: load_candles"},
}
"""What one would look for in vain, and why."""

INTERVALS = {
    "1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440, "1w": 10080, "15d": 21600,
}  # fmt: skip
"""Candles of spot: minutes by their usual name."""
_INTERVAL_OF = {minutes: name for name, minutes in INTERVALS.items()}

_CONTRACT_CHANNELS = {
    "PublicTrades": "trade",
    "Liquidations": "trade",
    "OrderBooksL1": "book",
    "OrderBooksL2": "book",
    "Tickers24h": "ticker",
    "MarkPrices": "ticker",
    "FundingRates": "ticker",
    "OpenInterests": "ticker",
}
_CONTRACT_KINDS: dict[str, tuple[Kind[Any], ...]] = {
    "trade": (PublicTrades, Liquidations),
    "book": (OrderBooksL2, OrderBooksL1),
    "ticker": (Tickers24h, MarkPrices, FundingRates, OpenInterests),
    "ticker_lite": (SHORT_TICKERS,),
}


class Name(NamedTuple):
    """The parts of a stream's name.

    Attributes:
        channel: The venue's channel or feed.
        setting: The depth of a book or the minutes of a candle, 0 where there is none.
        symbol: Of what.
    """

    channel: str
    setting: int
    symbol: str

    def __str__(self) -> str:
        """Put the name together."""
        return f"{self.channel}{f'-{self.setting}' if self.setting else ''}:{self.symbol}"


def parse(name: str) -> Name:
    """Take a stream's name apart."""
    head, _, symbol = name.partition(":")
    word, _, setting = head.partition("-")
    return Name(word, int(setting) if setting.isascii() and setting.isdigit() else 0, symbol)


def channel(exchange: Exchange, instrument: Instrument | None, kind: Kind[object]) -> Channel:
    """Return the stream that serves a kind; see `Venue.channel`."""
    check_offered(exchange, KINDS[exchange], instrument, kind)
    instrument = an_instrument(exchange, instrument, kind)
    if isinstance(kind, OrderBookKind):
        _usual(exchange, kind)
    spot = exchange is SPOT
    name = (_pair_name if spot else _contract_name)(kind, instrument.symbol)
    lively = name.channel != "trade"
    # One connection has one depth of a pair's book: a second one would be answered `Already subscribed`.
    slot = f"book:{name.symbol}" if spot and name.channel == "book" else ""
    return Channel("", str(name), instrument, STEADY_NS if lively else None, slot)


def _usual(exchange: Exchange, kind: OrderBookKind) -> None:
    """Refuse settings of what Kraken gives no choice of."""
    for field, usual in (("update_ms", 100), ("snapshot_levels", 1000)):
        if (chosen := getattr(kind, field)) != usual:
            raise _wrong(exchange, field, chosen, (f"{usual}: there is no choice",))


def _pair_name(kind: Kind[object], symbol: str) -> Name:
    if isinstance(kind, OrderBookKind):
        depth = DEEPEST if kind.depth is None else kind.depth
        if depth not in DEPTHS:
            raise _wrong(SPOT, "depth", depth, map(str, DEPTHS))
        return Name("book", depth, symbol)
    if isinstance(kind, CandleKind):
        if kind.interval not in INTERVALS:
            raise _wrong(SPOT, "interval", kind.interval, INTERVALS)
        return Name("ohlc", INTERVALS[kind.interval], symbol)
    return Name("trade" if kind.name == "PublicTrades" else "ticker", 0, symbol)


def _contract_name(kind: Kind[object], symbol: str) -> Name:
    if isinstance(kind, OrderBookKind) and kind.depth is not None:
        raise _wrong(FUTURES, "depth", kind.depth, ("None: its books are whole",))
    return Name("ticker_lite" if kind == SHORT_TICKERS else _CONTRACT_CHANNELS[kind.name], 0, symbol)


def _wrong(exchange: Exchange, field: str, value: object, accepted: Any) -> InvalidInput:
    return InvalidInput(
        f"{exchange.value} has none of that {field}", field=field, value=value, accepted=", ".join(accepted)
    )


def streams_of(exchange: Exchange, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
    """Return symbol and kinds of a stream's name; see `Venue.streams_of`."""
    word, setting, symbol = parse(name)
    if not symbol:
        return None
    if exchange is FUTURES:
        kinds = _CONTRACT_KINDS.get(word)
        if kinds is None or setting:
            return None
        dated = parse_symbol(exchange, symbol).kind is InstrumentKind.FUTURE
        return symbol, tuple(kind for kind in kinds if not dated or kind != FundingRates)
    if word == "book" and setting in DEPTHS:
        return symbol, (OrderBooksL2 if setting == DEEPEST else OrderBooksL2(depth=setting),)
    if word == "ohlc" and setting in _INTERVAL_OF:
        return symbol, (Candles(_INTERVAL_OF[setting]),)
    if setting:
        return None
    return {"trade": (symbol, (PublicTrades,)), "ticker": (symbol, (OrderBooksL1, Tickers24h))}.get(word)


def prepare(
    exchange: Exchange,
    feed: Feed,
    report: Callable[[Status], None],
    want_snapshot: Callable[[BookSync], None],
) -> None:
    """Give a feed its handler; see `Venue.prepare`."""
    word, setting, _ = parse(feed.channel.name)
    instrument = feed.channel.instrument
    if instrument is None:
        raise LookupError(f"{feed.channel.name} is of no instrument")
    if word == "trade":
        feed.ids = IdSequence(instrument, kind=lambda: feed.what, report=report, interrupted=feed.interrupted)
    if exchange is SPOT:
        _prepare_pair(feed, word, setting, instrument, report, want_snapshot)
    else:
        _prepare_contract(feed, word, instrument, report, want_snapshot)


def _prepare_pair(
    feed: Feed,
    word: str,
    setting: int,
    instrument: Instrument,
    report: Callable[[Status], None],
    want_snapshot: Callable[[BookSync], None],
) -> None:
    if word == "book":
        sync = maintain(feed, instrument, pair_rule(setting), report, want_snapshot)
        feed.handle = normalise.books(sync)
    elif word == "trade" and feed.ids is not None:
        feed.handle = normalise.trades(feed, instrument, feed.ids)
    elif word == "ohlc":
        feed.handle = normalise.candles(feed, instrument, _INTERVAL_OF[setting])
    else:
        feed.handle = normalise.tickers(feed, instrument)


def _prepare_contract(
    feed: Feed,
    word: str,
    instrument: Instrument,
    report: Callable[[Status], None],
    want_snapshot: Callable[[BookSync], None],
) -> None:
    if word == "book":
        sync = maintain(feed, instrument, contract_rule(), report, want_snapshot, tops=True)
        feed.handle = normalise_futures.books(sync)
    elif word == "trade" and feed.ids is not None:
        feed.handle = normalise_futures.trades(feed, instrument, feed.ids)
    else:
        feed.handle = normalise_futures.tickers(feed, instrument)
