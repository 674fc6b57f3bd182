"""Which topic serves which kind on which of Bybit's markets, and how its frames are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from toucan_data.bookfeeds import maintain
from toucan_data.bookrule import BookRule, Snapshots
from toucan_data.exchange.bybit import messages as wire, normalise
from toucan_data.exchange.bybit.endpoints import DEPTHS, INVERSE, LINEAR, OPTION, SPOT
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
from toucan_data.venue import an_instrument, check_interval, check_offered
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import InvalidInput

__all__ = ["BLIND", "KINDS", "LACKING", "channel", "prepare", "streams_of"]

SECOND = 1_000_000_000
STEADY_NS = 15 * SECOND
"""For topics that begin with a snapshot."""
LIVELY_NS = 90 * SECOND
"""For topics that send when something changes, or every 60 s at the latest."""

DEEPEST = max(DEPTHS)
USUAL_MS = 100
"""What `OrderBooksL2` says of speed where nobody has chosen one: each depth has its own."""

INTERVALS: dict[str, str] = {
    "1": "1m", "3": "3m", "5": "5m", "15": "15m", "30": "30m", "60": "1h", "120": "2h", "240": "4h",
    "360": "6h", "720": "12h", "D": "1d", "W": "1w", "M": "1M",
}  # fmt: skip
"""Candles by the venue's word for their interval; facts 6.5."""
_WORDS = {interval: word for word, interval in INTERVALS.items()}

_SPOT_KINDS: dict[Kind[Any], str] = {
    PublicTrades: "",
    OrderBooksL1: "",
    OrderBooksL2: "1000 levels; depth=50, 200, 1000",
    Candles: "",
    Tickers24h: "",
}
_CONTRACT_KINDS: dict[Kind[Any], str] = {
    **_SPOT_KINDS,
    Liquidations: "",
    MarkPrices: "with funding",
    FundingRates: "from the ticker",
    OpenInterests: "both sides summed",
}
_OPTION_KINDS: dict[Kind[Any], str] = {
    PublicTrades: "one stream for each base coin",
    Tickers24h: "no opening price",
    MarkPrices: "",
    OpenInterests: "",
}
KINDS: dict[Exchange, Mapping[Kind[Any], str]] = {
    SPOT: _SPOT_KINDS,
    LINEAR: _CONTRACT_KINDS,
    INVERSE: _CONTRACT_KINDS,
    OPTION: _OPTION_KINDS,
}
"""What each market has, with a remark."""

LACKING: dict[Exchange, Mapping[Kind[Any], str]] = {
    SPOT: {},
    LINEAR: {},
    INVERSE: {},
    OPTION: {OrderBooksL1: "in the ticker", OrderBooksL2: "not offered yet"},
}
"""What one would look for in vain, and why; facts 6.7."""

_TOLD_BY_NONE = frozenset({"PublicTrades", "Liquidations"})
BLIND: dict[Exchange, frozenset[str]] = {
    SPOT: frozenset({"PublicTrades"}),
    # A delta of a ticker that is lost leaves what it would have changed as it was.
    LINEAR: _TOLD_BY_NONE | {"Tickers24h", "MarkPrices", "FundingRates", "OpenInterests"},
    INVERSE: _TOLD_BY_NONE | {"Tickers24h", "MarkPrices", "FundingRates", "OpenInterests"},
    OPTION: frozenset({"PublicTrades"}),
}
"""The kinds whose feed cannot show a loss: trades and deltas of tickers are not numbered without holes."""


def channel(exchange: Exchange, instrument: Instrument | None, kind: Kind[object]) -> Channel:
    """Return the topic that serves a kind; see `Venue.channel`."""
    check_offered(exchange, KINDS[exchange], instrument, kind)
    instrument = an_instrument(exchange, instrument, kind)
    if exchange is OPTION and kind.name == "PublicTrades":
        # One topic for all options of a base coin: who asks for one of them is given its trades.
        return Channel("", f"publicTrade.{instrument.base}", None, None)
    word = _word(exchange, kind)
    return Channel("", f"{word}.{instrument.symbol}", instrument, _first_event_ns(kind))


def _word(exchange: Exchange, kind: Kind[object]) -> str:
    """Return what stands before the symbol."""
    if isinstance(kind, OrderBookKind):
        return f"orderbook.{_depth(exchange, kind)}"
    if isinstance(kind, CandleKind):
        check_interval(exchange, _WORDS, kind.interval)
        return f"kline.{_WORDS[str(kind.interval)]}"
    return {
        "PublicTrades": "publicTrade",
        "OrderBooksL1": "orderbook.1",
        "Liquidations": "allLiquidation",
    }.get(kind.name, "tickers")


def _depth(exchange: Exchange, kind: OrderBookKind) -> int:
    depth = kind.depth or DEEPEST
    if depth not in DEPTHS:
        raise InvalidInput(
            f"{exchange.value} has no book of that depth",
            field="depth",
            value=kind.depth,
            accepted=f"{', '.join(map(str, DEPTHS))}; the top alone is OrderBooksL1",
        )
    pace, _ = DEPTHS[depth]
    if kind.update_ms not in (USUAL_MS, pace):
        raise InvalidInput(
            f"{exchange.value} sends a book of {depth} levels at a speed of its own",
            field="update_ms",
            value=kind.update_ms,
            accepted=str(pace),
        )
    return depth


def _first_event_ns(kind: Kind[object]) -> int | None:
    if kind.name in _TOLD_BY_NONE:
        return None
    return LIVELY_NS if kind.name == "Candles" else STEADY_NS


def prepare(
    exchange: Exchange,
    feed: Feed,
    report: Callable[[Status], None],
    want_snapshot: Callable[[BookSync], None],
    instrument_of: normalise.InstrumentOf,
) -> None:
    """Give a feed its decoder and handler; see `Venue.prepare`."""
    instrument, kind = feed.channel.instrument, feed.kinds[0]
    if kind.name == "PublicTrades":
        feed.decode = wire.decode_trades
        feed.handle = normalise.trades(feed, instrument, instrument_of)
        return
    if instrument is None:
        raise LookupError(f"{kind} of {exchange.value} has no stream of a whole market")
    if isinstance(kind, OrderBookKind):
        rule = BookRule(snapshots=Snapshots.WIRE, depth=kind.depth or DEEPEST)
        feed.decode = wire.decode_book
        feed.handle = normalise.books(maintain(feed, instrument, rule, report, want_snapshot))
    elif kind.name == "OrderBooksL1":
        feed.decode = wire.decode_book
        feed.handle = normalise.tops(feed, instrument)
    elif isinstance(kind, CandleKind):
        feed.decode = wire.decode_candles
        feed.handle = normalise.candles(feed, instrument, kind.interval or "")
    elif kind.name == "Liquidations":
        feed.decode = wire.decode_liquidations
        feed.handle = normalise.liquidations(feed, instrument)
    else:
        feed.decode = wire.decode_ticker
        feed.handle = normalise.tickers(feed, instrument, KINDS[exchange])


def streams_of(exchange: Exchange, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
    """Return symbol and kinds of a topic; see `Venue.streams_of`.

    Retired topics that are read in recordings: ``liquidation``, and books of 500 levels.
    """
    word, _, symbol = name.partition(".")
    kinds: tuple[Kind[Any], ...] = ()
    match word:
        case "publicTrade":
            return ("" if exchange is OPTION else symbol), (PublicTrades,)
        case "tickers":
            of_ticker = (Tickers24h, MarkPrices, FundingRates, OpenInterests)
            kinds = tuple(kind for kind in of_ticker if kind in KINDS[exchange])
        case "allLiquidation" | "liquidation" if exchange in (LINEAR, INVERSE):
            kinds = (Liquidations,)
        case "orderbook" if exchange is not OPTION:
            depth, _, symbol = symbol.partition(".")
            kinds = _books_of(depth)
        case "kline" if exchange is not OPTION:
            interval, _, symbol = symbol.partition(".")
            kinds = (Candles(INTERVALS[interval]),) if interval in INTERVALS else ()
    return (symbol, kinds) if kinds and symbol else None


def _books_of(depth: str) -> tuple[Kind[Any], ...]:
    if depth == "1":
        return (OrderBooksL1,)
    if depth == str(DEEPEST):
        return (OrderBooksL2,)
    return (OrderBooksL2(depth=int(depth)),) if depth in {"50", "200", "500"} else ()
