"""Which channel serves which kind on Coinbase's two APIs, and how its frames are read.

A stream is named by channel and product: ``matches:BTC-USD``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from toucan_data import bookfeeds
from toucan_data.bookrule import BookRule, Snapshots
from toucan_data.continuity import IdSequence
from toucan_data.exchange.coinbase import normalise
from toucan_data.exchange.coinbase.endpoints import ADVANCED, CHANNELS, INTERVAL, ROUTES, SOLE, SPOT
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
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import InvalidInput, UnsupportedKind
from toucan_instrument.exchange.coinbase import stream_symbol

__all__ = ["KINDS", "LACKING", "channel", "prepare", "streams_of"]

SECOND = 1_000_000_000
LIVELY_NS = 60 * SECOND
"""Every channel but that of trades begins with what is now; a large book takes its time."""

KINDS: dict[Exchange, Mapping[Kind[Any], str]] = {
    SPOT: {
        PublicTrades: "",
        OrderBooksL1: "from the book",
        OrderBooksL2: "every 50 ms",
        Tickers24h: "on trades",
    },
    ADVANCED: {
        PublicTrades: "every 250 ms",
        OrderBooksL1: "from the book",
        OrderBooksL2: "a gap is of every book of its connection",
        Candles: "5m only, more over REST: load_candles",
        Tickers24h: "on trades, no open price",
    },
}
"""What each API has, with a remark; facts 6 and 7."""

_NO_INDIVIDUAL = "PublicTrades are every fill"
LACKING: dict[Exchange, Mapping[Kind[Any], str]] = {
    SPOT: {AggregatedTrades: _NO_INDIVIDUAL, Candles: "over REST only: load_candles"},
    ADVANCED: {
        AggregatedTrades: _NO_INDIVIDUAL,
        Liquidations: "not published",
        MarkPrices: "not published: neither settlement nor index price is one",
        FundingRates: "over REST only: load_funding_rate",
        OpenInterests: "over REST only: load_open_interest",
    },
}
"""What one would look for in vain, and why; facts 6, 7 and 9."""

_BOOK = BookRule(snapshots=Snapshots.WIRE)


def channel(exchange: Exchange, instrument: Instrument | None, kind: Kind[object]) -> Channel:
    """Return the stream that serves a kind; see `Venue.channel`."""
    row = CHANNELS[exchange].get(kind.name)
    offered = ", ".join(map(repr, KINDS[exchange]))
    if row is None:
        raise UnsupportedKind(
            f"{exchange.value} has no such stream", field="kind", value=kind, accepted=offered
        )
    if instrument is None:
        raise UnsupportedKind(
            f"{exchange.value} has no stream of the whole market",
            field="kind",
            value=kind,
            accepted=f"{offered} of an instrument",
        )
    _check(exchange, kind)
    word = row.value
    route = ROUTES[word].value if exchange is ADVANCED else SOLE
    # Two names of one book cannot be told apart on one connection: both are sent under the first.
    slot = f"{word}:{stream_symbol(exchange, instrument.symbol)}" if exchange is ADVANCED else ""
    first_event_ns = None if kind.name == PublicTrades.name else LIVELY_NS
    return Channel(route, f"{word}:{instrument.symbol}", instrument, first_event_ns, slot)


def _check(exchange: Exchange, kind: Kind[object]) -> None:
    """Refuse settings that are not offered."""
    if isinstance(kind, CandleKind):
        check_interval(exchange, (INTERVAL,), kind.interval)
    if not isinstance(kind, OrderBookKind):
        return
    usual = OrderBooksL2(events=kind.events)
    for setting in ("depth", "update_ms", "snapshot_levels"):
        if getattr(kind, setting) != getattr(usual, setting):
            raise InvalidInput(
                f"{exchange.value} sends the whole book, at one speed",
                field=setting,
                value=getattr(kind, setting),
                accepted=f"{getattr(usual, setting)}, which is no choice",
            )


def prepare(
    exchange: Exchange,
    feed: Feed,
    report: Callable[[Status], None],
    want_snapshot: Callable[[BookSync], None],
) -> None:
    """Give a feed its handler, and its book where it keeps one; see `Venue.prepare`."""
    instrument = feed.channel.instrument
    if instrument is None:
        raise LookupError("Coinbase has no stream of a whole market")
    advanced = exchange is ADVANCED
    match feed.channel.name.partition(":")[0]:
        case "level2" | "level2_batch":
            sync = bookfeeds.maintain(feed, instrument, _BOOK, report, want_snapshot, tops=True)
            feed.handle = normalise.advanced_book(sync) if advanced else normalise.exchange_book(sync)
        case "matches" | "market_trades":
            feed.ids = ids = IdSequence(
                instrument, kind=lambda: feed.what, report=report, interrupted=feed.interrupted
            )
            trades = normalise.advanced_trades if advanced else normalise.exchange_trades
            feed.handle = trades(feed, instrument, ids)
        case "ticker":
            tickers = normalise.advanced_tickers if advanced else normalise.exchange_tickers
            feed.handle = tickers(feed, instrument)
        case "candles":
            feed.handle = normalise.advanced_candles(feed, instrument)
        case other:
            raise LookupError(f"nothing reads the channel {other}")


_SERVES: dict[str, tuple[Kind[Any], ...]] = {
    "level2_batch": (OrderBooksL1, OrderBooksL2),
    "level2": (OrderBooksL1, OrderBooksL2),
    "matches": (PublicTrades,),
    "market_trades": (PublicTrades,),
    "ticker": (Tickers24h,),
    "candles": (Candles(INTERVAL),),
}


def streams_of(exchange: Exchange, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
    """Return symbol and kinds of a stream's name; see `Venue.streams_of`."""
    word, _, symbol = name.partition(":")
    if not symbol or all(word != row.value for row in CHANNELS[exchange].values()):
        return None
    return symbol, _SERVES[word]
