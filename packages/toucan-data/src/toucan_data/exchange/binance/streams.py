"""Which stream serves which kind on which of Binance's markets, and how its frames are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from toucan_data.bookfeeds import maintain
from toucan_data.bookrule import BookRule
from toucan_data.continuity import IdSequence
from toucan_data.exchange.binance import messages as wire, normalise
from toucan_data.exchange.binance.endpoints import ROUTES, SOLE
from toucan_data.feed import Channel, Feed
from toucan_data.kinds import (
    AggregatedTrades,
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
from toucan_data.venue import check_interval, check_offered
from toucan_instrument import Exchange, Instrument
from toucan_instrument.asset import lower_ascii, upper_ascii
from toucan_instrument.errors import InvalidInput, UnsupportedKind

__all__ = [
    "KINDS",
    "LACKING",
    "channel",
    "intervals",
    "kind_of",
    "payload_types",
    "prepare",
    "prepare_trades",
    "stream_symbol",
    "streams_of",
]

SECOND = 1_000_000_000
STEADY_NS = 15 * SECOND
"""For streams that send every few seconds whatever happens."""
LIVELY_NS = 60 * SECOND
"""For streams that send when something changes."""

SPOT, US, USD_M, COIN_M = (
    Exchange.BINANCE_SPOT,
    Exchange.BINANCE_US_SPOT,
    Exchange.BINANCE_USD_M,
    Exchange.BINANCE_COIN_M,
)
FUTURES = (USD_M, COIN_M)

INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
DEPTHS = (5, 10, 20)
UPDATE_MS: dict[Exchange, tuple[int, ...]] = {
    SPOT: (100, 1000),
    US: (100, 1000),
    USD_M: (100, 250, 500),
    COIN_M: (100, 250, 500),
}
PLAIN_UPDATE_MS: dict[Exchange, int] = {SPOT: 1000, US: 1000, USD_M: 250, COIN_M: 250}
"""The speed of a depth stream without a suffix; ``@250ms`` is acknowledged and silent (facts 0.3-7)."""

_SPOT_KINDS: dict[Kind[Any], str] = {
    PublicTrades: "",
    AggregatedTrades: "",
    OrderBooksL1: "no exchange time",
    OrderBooksL2: "depth=5, 10, 20 has no exchange time",
    Candles: "history over REST: load_candles",
    Tickers24h: "whole market: short form",
}
_FUTURES_KINDS: dict[Kind[Any], str] = {
    PublicTrades: "from the aggregate stream",
    AggregatedTrades: "",
    OrderBooksL1: "",
    OrderBooksL2: "",
    Liquidations: "the largest per symbol and second",
    Candles: "history over REST: load_candles",
    Tickers24h: "",
    MarkPrices: "with funding",
    FundingRates: "from the mark price stream",
}
LACKING: dict[Exchange, Mapping[Kind[Any], str]] = {
    SPOT: {},
    US: {},
    USD_M: {OpenInterests: "over REST only: load_open_interest"},
    COIN_M: {OpenInterests: "over REST only: load_open_interest"},
}
"""What one would look for in vain, and why; facts C.2."""
KINDS: dict[Exchange, Mapping[Kind[Any], str]] = {
    SPOT: _SPOT_KINDS,
    US: _SPOT_KINDS,
    USD_M: _FUTURES_KINDS,
    COIN_M: _FUTURES_KINDS,
}
"""What each market has, with a remark; facts A.4."""

_WHOLE_MARKET: dict[Exchange, dict[str, str]] = {
    # `!ticker@arr` of spot was retired on 2026-03-26; its short form is what is left.
    SPOT: {"Tickers24h": "!miniTicker@arr"},
    US: {"Tickers24h": "!miniTicker@arr"},
    USD_M: {
        "Tickers24h": "!ticker@arr",
        "MarkPrices": "!markPrice@arr@1s",
        "FundingRates": "!markPrice@arr@1s",
        "Liquidations": "!forceOrder@arr",
        "OrderBooksL1": "!bookTicker",
    },
    COIN_M: {"Tickers24h": "!ticker@arr", "Liquidations": "!forceOrder@arr", "OrderBooksL1": "!bookTicker"},
}


def stream_symbol(symbol: str) -> str:
    """Return a symbol as stream names spell it: ASCII letters in lower case, all else as it is."""
    return lower_ascii(symbol)


def channel(exchange: Exchange, instrument: Instrument | None, kind: Kind[object]) -> Channel:
    """Return the stream that serves a kind; see `Venue.channel`."""
    check_offered(exchange, KINDS[exchange], instrument, kind)
    if instrument is None:
        whole = _WHOLE_MARKET[exchange]
        if kind.name not in whole:
            raise UnsupportedKind(
                f"{exchange.value} has no stream of the whole market of this kind",
                field="kind",
                value=kind,
                accepted=", ".join(whole),
            )
        name = whole[kind.name]
    else:
        name = f"{stream_symbol(instrument.symbol)}@{_suffix(exchange, kind)}"
    return Channel(_route(exchange, name), name, instrument, _first_event_ns(kind, name))


def intervals(exchange: Exchange) -> tuple[str, ...]:
    """Return how long a market's candles may be."""
    return INTERVALS if exchange in FUTURES else ("1s", *INTERVALS)


def _suffix(exchange: Exchange, kind: Kind[object]) -> str:
    """Return what stands behind the symbol."""
    if isinstance(kind, OrderBookKind):
        return _depth_suffix(exchange, kind)
    if isinstance(kind, CandleKind):
        check_interval(exchange, intervals(exchange), kind.interval)
        return f"kline_{kind.interval}"
    if kind.name == "PublicTrades":
        # Binance documents no individual trades for the futures (facts 0.3-2).
        return "aggTrade" if exchange in FUTURES else "trade"
    return {
        "AggregatedTrades": "aggTrade",
        "OrderBooksL1": "bookTicker",
        "Liquidations": "forceOrder",
        "Tickers24h": "ticker",
        "MarkPrices": "markPrice@1s",
        "FundingRates": "markPrice@1s",
    }[kind.name]


def _depth_suffix(exchange: Exchange, kind: OrderBookKind) -> str:
    if kind.depth is not None and kind.depth not in DEPTHS:
        raise InvalidInput(
            f"{exchange.value} has no partial book of that depth",
            field="depth",
            value=kind.depth,
            accepted=", ".join(map(str, DEPTHS)),
        )
    speeds = UPDATE_MS[exchange]
    if kind.update_ms not in speeds:
        raise InvalidInput(
            f"{exchange.value} does not send books at that speed",
            field="update_ms",
            value=kind.update_ms,
            accepted=", ".join(map(str, speeds)),
        )
    speed = "" if kind.update_ms == PLAIN_UPDATE_MS[exchange] else f"@{kind.update_ms}ms"
    return f"depth{kind.depth or ''}{speed}"


def _route(exchange: Exchange, name: str) -> str:
    if exchange is not USD_M:
        return SOLE
    spelled = name[1:] if name.startswith("!") else name.partition("@")[2]
    word = re.match(r"[A-Za-z]+", spelled)
    if word is not None and (row := ROUTES.get(word[0])) is not None:
        return row.value
    raise LookupError(f"no route is known for {name}")


def _first_event_ns(kind: Kind[object], name: str) -> int | None:
    if kind.name in {"Liquidations", "PublicTrades", "AggregatedTrades"}:
        return None
    return STEADY_NS if kind.name in _MARKS or name.startswith("!") else LIVELY_NS


# Reading.

_ROWS: dict[str, Any] = {
    "Tickers24h": list[wire.Ticker],
    "MarkPrices": list[wire.MarkPriceUpdate],
    "FundingRates": list[wire.MarkPriceUpdate],
    "OrderBooksL1": wire.BookTickerRow,
}


def payload_types(exchange: Exchange, kind: Kind[object], *, whole: bool) -> Any:
    """Return the type of a stream's payload."""
    if whole and kind.name in _ROWS:
        return _ROWS[kind.name]
    if isinstance(kind, OrderBookKind):
        return wire.PartialDepth if kind.depth is not None and exchange not in FUTURES else wire.Depth
    if kind.name == "PublicTrades":
        return wire.AggTrade if exchange in FUTURES else wire.Trade
    return {
        "AggregatedTrades": wire.AggTrade,
        "OrderBooksL1": wire.BookTicker,
        "Liquidations": wire.ForceOrder,
        "Candles": wire.Kline,
        "Tickers24h": wire.Ticker,
        "MarkPrices": wire.MarkPriceUpdate,
        "FundingRates": wire.MarkPriceUpdate,
    }[kind.name]


_MARKS = ("MarkPrices", "FundingRates")
"""The kinds of one stream, whose messages hold both."""
_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}


def _decoder(payload: Any) -> msgspec.json.Decoder[Any]:
    """Return the one decoder of the combined form of a payload."""
    key = str(payload)
    if key not in _DECODERS:
        _DECODERS[key] = wire.envelope_decoder(payload)
    return _DECODERS[key]


def prepare(
    exchange: Exchange,
    feed: Feed,
    report: Callable[[Status], None],
    want_snapshot: Callable[[BookSync], None],
    instrument_of: normalise.InstrumentOf,
) -> None:
    """Give a feed its decoder and handler; see `Venue.prepare`."""
    kind, instrument = feed.kinds[0], feed.channel.instrument
    whole = instrument is None
    feed.decode = _decoder(payload_types(exchange, kind, whole=whole)).decode
    if isinstance(kind, OrderBookKind) and instrument is not None:
        _prepare_book(exchange, feed, kind, instrument, report, want_snapshot)
        return
    handle = _handler(exchange, feed, kind, instrument, report, instrument_of)
    feed.handle = normalise.rows(handle, exchange) if whole else handle


def _handler(
    exchange: Exchange,
    feed: Feed,
    kind: Kind[object],
    instrument: Instrument | None,
    report: Callable[[Status], None],
    instrument_of: normalise.InstrumentOf,
) -> normalise.Handler:
    if kind.name == "OrderBooksL1":
        return normalise.top_of_book(feed, exchange, instrument, instrument_of)
    if kind.name == "Tickers24h":
        return normalise.tickers(feed, instrument, instrument_of)
    if kind.name in _MARKS:
        return normalise.mark_prices(feed, instrument, instrument_of)
    if kind.name == "Liquidations":
        return normalise.liquidations(feed, instrument, instrument_of)
    if instrument is None:
        raise LookupError(f"{kind} has no stream of a whole market")
    if kind.name == "Candles":
        return normalise.candles(feed, instrument)
    feed.ids = ids = IdSequence(instrument, kind=repr(kind), report=report, interrupted=feed.interrupted)
    if kind.name == "AggregatedTrades" or exchange in FUTURES:
        return normalise.aggregated_trades(feed, instrument, ids)
    return normalise.trades(feed, instrument, ids)


def prepare_trades(feed: Feed, instrument: Instrument, report: Callable[[Status], None]) -> None:
    """Give a feed the decoder of individual trades, whatever the market documents: for recordings."""
    feed.ids = IdSequence(instrument, kind=repr(feed.kinds[0]), report=report, interrupted=feed.interrupted)
    feed.decode = _decoder(wire.Trade).decode
    feed.handle = normalise.trades(feed, instrument, feed.ids)


def _prepare_book(
    exchange: Exchange,
    feed: Feed,
    kind: OrderBookKind,
    instrument: Instrument,
    report: Callable[[Status], None],
    want_snapshot: Callable[[BookSync], None],
) -> None:
    if kind.depth is None:
        # A delta that ends at the snapshot's id is dropped on spot, applied on the futures: facts B.1.
        rule = BookRule(drop_equal=exchange not in FUTURES)
        feed.handle = normalise.book_deltas(maintain(feed, instrument, rule, report, want_snapshot))
        return
    partial = normalise.partial_book if exchange in FUTURES else normalise.partial_book_spot
    feed.handle = partial(feed, instrument, kind.depth)


# The way back, for recordings: what a stream's name says.

_DEPTH = re.compile(r"depth(\d*)(?:@(\d+)ms)?")


def streams_of(exchange: Exchange, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
    """Return symbol and kinds of a stream's name; see `Venue.streams_of`."""
    found = kind_of(exchange, name)
    if found is None:
        return None
    symbol, kind = found
    kinds = {"MarkPrices": (MarkPrices, FundingRates), "AggregatedTrades": (AggregatedTrades,)}
    if exchange in FUTURES:
        kinds["AggregatedTrades"] = (PublicTrades, AggregatedTrades)
    return upper_ascii(symbol), kinds.get(kind.name, (kind,))


def kind_of(exchange: Exchange, name: str) -> tuple[str, Kind[Any]] | None:
    """Return symbol (empty for a whole market) and kind of a stream's name, None if it is not offered."""
    symbol, _, rest = name.partition("@")
    if symbol.startswith("!"):
        for family, whole in _WHOLE_MARKET[exchange].items():
            if name == whole or name in (f"{whole}@1s", whole.removesuffix("@1s")):
                return "", next(kind for kind in KINDS[exchange] if kind.name == family)
        return ("", Tickers24h) if name in {"!ticker@arr", "!miniTicker@arr"} else None
    simple: dict[str, Kind[Any]] = {
        "trade": PublicTrades,
        "aggTrade": AggregatedTrades,
        "bookTicker": OrderBooksL1,
        "ticker": Tickers24h,
        "miniTicker": Tickers24h,
        "forceOrder": Liquidations,
        "markPrice": MarkPrices,
        "markPrice@1s": MarkPrices,
    }
    if rest in simple:
        return symbol, simple[rest]
    if rest.startswith("kline_") and "@" not in rest:
        return symbol, Candles(rest.removeprefix("kline_"))
    match = _DEPTH.fullmatch(rest)
    if match is None:
        return None
    depth, speed = match.groups()
    update_ms = int(speed) if speed else PLAIN_UPDATE_MS[exchange]
    return symbol, OrderBooksL2(depth=int(depth) if depth else None, update_ms=update_ms)
