"""Which of OKX's channels serves which kind, what its stream is called here, and how its frames are read.

The venue tells a channel by an object, as ``{"channel": "trades", "instId": "BTC-USDT"}``; the stream's name
is its parts, ``trades:BTC-USDT``. Liquidations come by sort of instrument, ``liquidation-orders:SWAP``; the
bare ``liquidation-orders`` stands for all sorts together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from toucan_data.bookfeeds import maintain, pictures
from toucan_data.continuity import IdSequence
from toucan_data.exchange.okx import messages as wire, normalise
from toucan_data.exchange.okx.bars import BARS, bar_named
from toucan_data.exchange.okx.book import RULE
from toucan_data.exchange.okx.endpoints import LIQUIDATIONS, ROUTES
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
from toucan_data.venue import check_interval
from toucan_instrument import Exchange, Instrument, InstrumentKind
from toucan_instrument.errors import InvalidInput, UnsupportedKind
from toucan_instrument.exchange.okx import inst_type

__all__ = ["KINDS", "LIQUIDATED", "args_of", "channel", "name_of", "prepare", "streams_of"]

SECOND = 1_000_000_000
STEADY_NS = 30 * SECOND
"""For channels that send every few seconds whatever happens."""
LIVELY_NS = 90 * SECOND
"""For channels that send at once, or when something changes; books and tops repeat after a minute."""
RARE_NS = 150 * SECOND
"""Funding rates come every 30 to 90 seconds."""

KINDS: dict[Kind[Any], str] = {
    # Recordings begin so: it is one trade, with its own time, and its id keeps it from coming twice.
    PublicTrades: "the first may be from before the subscription",
    AggregatedTrades: "the first may be from before the subscription",
    OrderBooksL1: "",
    OrderBooksL2: "400 levels; by prevSeqId alone, the checksum is zero since 2026-06",
    Liquidations: "at most one per contract and second",
    Candles: "days of UTC; no exchange time",
    Tickers24h: "",
    MarkPrices: "",
    FundingRates: "",
    OpenInterests: "",
}
"""What there is, with a remark; facts 6."""

LIQUIDATED = ("SWAP", "FUTURES", "MARGIN", "OPTION")
"""The sorts of instruments whose liquidations are told; facts 6.4."""
_ALL_LIQUIDATIONS = "liquidation-orders"

_SPOT = ("PublicTrades", "AggregatedTrades", "OrderBooksL1", "OrderBooksL2", "Candles", "Tickers24h")
_SWAP = (*_SPOT, "Liquidations", "MarkPrices", "FundingRates", "OpenInterests")
_OFFERED: dict[InstrumentKind, tuple[str, ...]] = {
    InstrumentKind.SPOT: (*_SPOT, "Liquidations"),  # those of margin loans
    InstrumentKind.PERPETUAL: _SWAP,
    InstrumentKind.FUTURE: tuple(name for name in _SWAP if name != "FundingRates"),
    InstrumentKind.OPTION: ("PublicTrades", "AggregatedTrades", "Tickers24h"),
}
XPERP = "_XPERP-"
"""What the ids of futures have that are funded as swaps are; facts 2."""
_CHANNELS = {
    "PublicTrades": "trades-all",
    "AggregatedTrades": "trades",
    "OrderBooksL1": "bbo-tbt",
    "Tickers24h": "tickers",
    "MarkPrices": "mark-price",
    "FundingRates": "funding-rate",
    "OpenInterests": "open-interest",
}
_FIRST_NS: dict[str, int | None] = {
    "trades": None,
    "trades-all": None,
    "liquidation-orders": None,
    "mark-price": STEADY_NS,
    "funding-rate": RARE_NS,
}
PICTURE_LEVELS = 5
UPDATE_MS = 100


def _offered(instrument: Instrument) -> tuple[str, ...]:
    funded = instrument.kind is InstrumentKind.FUTURE and XPERP in instrument.symbol
    return _SWAP if funded else _OFFERED[instrument.kind]


def channel(exchange: Exchange, instrument: Instrument | None, kind: Kind[object]) -> Channel:
    """Return the stream that serves a kind; see `Venue.channel`."""
    if instrument is None:
        if kind.name != "Liquidations":
            raise UnsupportedKind(
                f"{exchange.value} has no stream of the whole market of this kind",
                field="kind",
                value=kind,
                accepted=repr(Liquidations),
            )
        return Channel(LIQUIDATIONS, _ALL_LIQUIDATIONS, None, None)
    offered = _offered(instrument)
    if kind.name not in offered:
        raise UnsupportedKind(
            f"{exchange.value} has no such stream of a {instrument.kind.value} instrument",
            field="kind",
            value=kind,
            accepted=", ".join(repr(other) for other in KINDS if other.name in offered),
        )
    if kind.name == "Liquidations":
        sort = "MARGIN" if instrument.kind is InstrumentKind.SPOT else inst_type(instrument.kind)
        return Channel(ROUTES[_ALL_LIQUIDATIONS].value, f"{_ALL_LIQUIDATIONS}:{sort}", None, None)
    word = _word(exchange, kind)
    route = ROUTES["candle" if word.startswith("candle") else word].value
    return Channel(route, f"{word}:{instrument.symbol}", instrument, _FIRST_NS.get(word, LIVELY_NS))


def _word(exchange: Exchange, kind: Kind[object]) -> str:
    """Return the name of the channel."""
    if isinstance(kind, CandleKind):
        check_interval(exchange, BARS, kind.interval)
        return f"candle{BARS[str(kind.interval)]}"
    if not isinstance(kind, OrderBookKind):
        return _CHANNELS[kind.name]
    if kind.depth not in (None, PICTURE_LEVELS):
        raise InvalidInput(
            f"{exchange.value} has no partial book of that depth",
            field="depth",
            value=kind.depth,
            accepted=str(PICTURE_LEVELS),
        )
    if kind.update_ms != UPDATE_MS:
        raise InvalidInput(
            f"{exchange.value} sends books at one speed",
            field="update_ms",
            value=kind.update_ms,
            accepted=str(UPDATE_MS),
        )
    if kind.snapshot_levels != OrderBooksL2.snapshot_levels:
        raise InvalidInput(
            f"{exchange.value} sends a book's snapshot on its stream",
            field="snapshot_levels",
            value=kind.snapshot_levels,
            accepted="the default",
        )
    return "books" if kind.depth is None else "books5"


# Names and the venue's objects.


def name_of(arg: wire.Arg) -> str:
    """Return the name of the stream that an object of the venue tells."""
    return f"{arg.channel}:{arg.instId or arg.instFamily or arg.instType or arg.sprdId}"


def args_of(name: str) -> list[dict[str, str]]:
    """Return the objects that tell a stream; several for the liquidations of all sorts."""
    word, _, rest = name.partition(":")
    if word != _ALL_LIQUIDATIONS:
        return [{"channel": word, "instId": rest}]
    return [{"channel": word, "instType": sort} for sort in ([rest] if rest else LIQUIDATED)]


def streams_of(name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
    """Return symbol and kinds of a stream's name; see `Venue.streams_of`."""
    word, _, symbol = name.partition(":")
    if word == _ALL_LIQUIDATIONS:
        return "", (Liquidations,)
    kind = _READ.get(word)
    if kind is None and word.startswith("candle"):
        bar = bar_named(word.removeprefix("candle"))
        kind = None if bar is None else Candles(bar.interval)
    return None if kind is None or not symbol else (symbol, (kind,))


_READ: dict[str, Kind[Any]] = {
    "trades": AggregatedTrades,
    "trades-all": PublicTrades,
    "bbo-tbt": OrderBooksL1,
    "books": OrderBooksL2,
    "books5": OrderBooksL2(depth=PICTURE_LEVELS),
    # These need a login and a high fee tier: they are read where a recording has them.
    "books-l2-tbt": OrderBooksL2,
    "books50-l2-tbt": OrderBooksL2,
    "tickers": Tickers24h,
    "mark-price": MarkPrices,
    "funding-rate": FundingRates,
    "open-interest": OpenInterests,
}

# Reading.

_ROWS: dict[str, Any] = {
    "trades": wire.Trade,
    "trades-all": wire.Trade,
    "bbo-tbt": wire.Book,
    "books": wire.Book,
    "books5": wire.Book,
    "books-l2-tbt": wire.Book,
    "books50-l2-tbt": wire.Book,
    "liquidation-orders": wire.Liquidations,
    "tickers": wire.Ticker,
    "mark-price": wire.Mark,
    "funding-rate": wire.Funding,
    "open-interest": wire.Interest,
}
_SIMPLE: Mapping[str, Callable[[Feed, Instrument], normalise.Handler]] = {
    "bbo-tbt": normalise.tops,
    "tickers": normalise.tickers,
    "mark-price": normalise.mark_prices,
    "funding-rate": normalise.funding_rates,
    "open-interest": normalise.open_interests,
}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {}
_BOOKS = re.compile(r"books(?:(?P<levels>50)?-l2-tbt)?")


def _decoder(word: str) -> msgspec.json.Decoder[Any]:
    word = "candle" if word.startswith("candle") else word
    found = _DECODERS.get(word)
    if found is None:
        found = _DECODERS[word] = wire.decoder(_ROWS.get(word, wire.CandleRow))
    return found


def prepare(
    feed: Feed,
    report: Callable[[Status], None],
    want_snapshot: Callable[[BookSync], None],
    instrument_of: normalise.InstrumentOf,
) -> None:
    """Give a feed its decoder and handler; see `Venue.prepare`."""
    word, instrument = feed.channel.name.partition(":")[0], feed.channel.instrument
    feed.decode = _decoder(word).decode
    if word == _ALL_LIQUIDATIONS:
        feed.handle = normalise.liquidations(feed, instrument_of)
        return
    if instrument is None:
        raise LookupError(f"{word} has no stream of a whole market")
    if word in _SIMPLE:
        feed.handle = _SIMPLE[word](feed, instrument)
    elif word == "books5":
        feed.handle = normalise.pictures(pictures(feed, instrument, PICTURE_LEVELS))
    elif (match := _BOOKS.fullmatch(word)) is not None:
        rule = msgspec.structs.replace(RULE, depth=int(match["levels"])) if match["levels"] else RULE
        feed.handle = normalise.books(maintain(feed, instrument, rule, report, want_snapshot))
    elif word in ("trades", "trades-all"):
        feed.ids = IdSequence(instrument, kind=lambda: feed.what, report=report, interrupted=feed.interrupted)
        feed.handle = normalise.trades(feed, instrument, feed.ids)
    else:
        bar = bar_named(word.removeprefix("candle"))
        if bar is None:
            raise LookupError(f"{word} is no channel of candles")
        feed.handle = normalise.candles(feed, instrument, bar)
