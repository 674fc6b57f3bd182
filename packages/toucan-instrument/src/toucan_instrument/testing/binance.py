"""What Binance would send of a market: its public streams, as facts A.4 and A.5 show them.

Pure functions from ticks to payloads; both halves' test exchanges stand on them. What REST answers is in
`binance_rest` and `binance_info`, what clients may ask of the streams in `binance_control`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias

import msgspec

from toucan_instrument.decimals import plain
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.binance import parse_symbol, stream_name
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus
from toucan_instrument.rules import TradingRules
from toucan_instrument.testing.binance_info import exchange_info_body as exchange_info
from toucan_instrument.testing.binance_rest import (
    COIN_M,
    FUTURES,
    SPOT,
    US,
    USD_M,
    change,
    contract_type,
    depth_body,
    instrument_of,
    levels,
    open_interest_body,
    pair_of,
    tickers_body,
    unit,
)
from toucan_instrument.testing.ticks import (
    DAY,
    MINUTE,
    MONTH,
    SECOND,
    WEEK,
    AverageTick,
    BookDelta,
    BookPicture,
    CandleTick,
    LiquidationTick,
    MarketTick,
    MarkTick,
    TickerTick,
    TopTick,
    TradeTick,
)

__all__ = [
    "DEFAULT_SYMBOLS",
    "INTERVALS",
    "arrays_of",
    "combined",
    "depth_body",
    "exchange_info",
    "interval_of",
    "listed",
    "open_interest_body",
    "raw",
    "route_of",
    "speed_of",
    "stream_exists",
    "streams_of",
    "tickers_body",
]

DEFAULT_SYMBOLS: dict[Exchange, tuple[str, ...]] = {
    SPOT: ("BTCUSDT", "ETHUSDT"),
    US: ("BTCUSD", "ETHUSD"),
    USD_M: ("BTCUSDT", "ETHUSDT"),
    COIN_M: ("BTCUSD_PERP", "ETHUSD_PERP"),
}
MILLISECOND = 1_000_000
HOUR = 60 * MINUTE
PARTIAL = (5, 10, 20)
INTERVALS: dict[str, int] = {
    "1s": SECOND, "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE,
    "1h": HOUR, "2h": 2 * HOUR, "4h": 4 * HOUR, "6h": 6 * HOUR, "8h": 8 * HOUR, "12h": 12 * HOUR,
    "1d": DAY, "3d": 3 * DAY, "1w": WEEK, "1M": MONTH,
}  # fmt: skip
"""Lengths of candles in nanoseconds, by their names (facts A.4); the futures have no ``1s``."""
_NAMES = {interval_ns: name for name, interval_ns in INTERVALS.items()}

Named: TypeAlias = tuple[str, Any]
Picture: TypeAlias = Callable[[str, int], BookPicture]


def listed(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument as the test exchange lists it, with rules."""
    coin, futures = exchange is COIN_M, exchange in FUTURES
    rules = TradingRules(
        tick_size=Decimal("0.10") if coin else Decimal("0.01"),
        min_price=Decimal("0.10") if coin else Decimal("0.01"),
        max_price=Decimal(1_000_000),
        price_anchored=futures,
        step_size=Decimal(1) if coin else Decimal("0.001"),
        min_quantity=Decimal(1) if coin else Decimal("0.001"),
        max_quantity=Decimal(100_000),
        quantity_anchored=futures,
        min_notional=None if coin else Decimal(5),
        max_orders=200,
    )
    return msgspec.structs.replace(
        parse_symbol(exchange, symbol),
        rules=rules,
        status=InstrumentStatus.TRADING,
        status_venue="TRADING",
    )


# Which streams there are.

_PUBLIC = ("bookTicker", "depth")


def route_of(exchange: Exchange, name: str) -> str:
    """Return the route that serves a stream: only USD-M has more than one (facts A.1.1)."""
    if exchange is not USD_M:
        return ""
    word = name[1:] if name.startswith("!") else name.partition("@")[2]
    return "public" if word.startswith(_PUBLIC) else "market"


@cache
def _depths(exchange: Exchange) -> dict[str, tuple[int, int]]:
    """Return depth streams: how many levels each is cut to, 0 for the diff, and its milliseconds."""
    speeds = {"@100ms": 100} | ({"": 250, "@500ms": 500} if exchange in FUTURES else {"": 1_000})
    return {f"depth{n or ''}{speed}": (n, every) for n in (0, *PARTIAL) for speed, every in speeds.items()}


@cache
def _of_symbol(exchange: Exchange) -> dict[str, int]:
    """Return the streams of a symbol and how often each speaks, in milliseconds; 0 is at once (facts A.4)."""
    futures = exchange in FUTURES
    names = {"aggTrade": 100 if futures else 0, "bookTicker": 0}
    names |= {name: every for name, (_, every) in _depths(exchange).items()}
    if not futures:
        names |= {f"kline_{name}": 1_000 if name == "1s" else 2_000 for name in INTERVALS}
        return names | {"trade": 0, "ticker": 1_000, "miniTicker": 1_000, "avgPrice": 1_000}
    names |= {f"kline_{name}": 250 for name in INTERVALS if name != "1s"}
    names |= dict.fromkeys(("ticker", "miniTicker"), 2_000 if exchange is USD_M else 500)
    return names | {"markPrice": 3_000, "markPrice@1s": 1_000, "forceOrder": 1_000}


@cache
def _of_pair(exchange: Exchange) -> dict[str, int]:
    """Return the streams of a pair, likewise; those of a contract type begin with it."""
    if exchange not in FUTURES:
        return {}
    kinds = ("perpetual", "current_quarter", "next_quarter")
    names = {f"_{kind}@continuousKline_{name}": 250 for kind in kinds for name in INTERVALS if name != "1s"}
    return names | ({"@markPrice": 3_000, "@markPrice@1s": 1_000} if exchange is COIN_M else {})


@cache
def _of_all(exchange: Exchange) -> dict[str, int]:
    """Return the streams of the whole market, likewise."""
    names = {"!miniTicker@arr": 1_000}
    if exchange in FUTURES:
        names |= {"!ticker@arr": 1_000, "!forceOrder@arr": 1_000}
        names["!bookTicker"] = 5_000 if exchange is USD_M else 0
    if exchange is USD_M:
        names |= {"!markPrice@arr": 3_000, "!markPrice@arr@1s": 1_000}
    return names


def speed_of(exchange: Exchange, name: str) -> int | None:
    """Return how often a stream speaks in nanoseconds, 0 for at once, None where there is no such stream.

    Args:
        exchange: Which market.
        name: The stream's name; of what symbol or pair it is does not matter.
    """
    found = _of_all(exchange).get(name)
    if found is None and not name.startswith("!"):
        symbol, _, rest = name.partition("@")
        found = _of_symbol(exchange).get(rest)
        if found is None:
            found = next((n for end, n in _of_pair(exchange).items() if name.endswith(end) and symbol), None)
    return None if found is None else found * MILLISECOND


def stream_exists(exchange: Exchange, symbols: Iterable[str], name: str) -> bool:
    """Tell whether a stream would ever send: an unknown one is acknowledged all the same (facts A.3)."""
    if name.startswith("!"):
        return name in _of_all(exchange)
    symbol, _, rest = name.partition("@")
    for each in symbols:
        if symbol == stream_name(each) and rest in _of_symbol(exchange):
            return True
        pair = stream_name(pair_of(each))
        if name.startswith(pair) and name[len(pair) :] in _of_pair(exchange):
            dated = instrument_of(exchange, each).kind is InstrumentKind.FUTURE
            if ("_quarter@" in name and not dated) or ("_perpetual@" in name and dated):
                continue
            return True
    return False


# What each tick says, stream by stream.


def streams_of(
    exchange: Exchange,
    tick: MarketTick | AverageTick,
    wanted: Collection[str],
    picture: Picture,
    *,
    micro: bool = False,
) -> list[Named]:
    """Return what a tick sends on the streams that are wanted: names and payloads.

    Streams that speak every so often (`speed_of`) are the caller's to slow down: by `tape.joined` those of a
    book, by `arrays_of` those that tell many symbols at once.

    Args:
        exchange: Which market.
        tick: What happened.
        wanted: Stream names that somebody follows; others are not written.
        picture: Gives a symbol's book cut to some levels, for partial depth.
        micro: Whether times count microseconds (spot, on request) rather than milliseconds.
    """
    writer = _WRITERS[type(tick)]
    counted = unit(exchange, micro=micro)
    return list(writer(exchange, tick, counted, wanted, picture)) if wanted else []


def arrays_of(
    exchange: Exchange,
    ticks: Iterable[TickerTick | MarkTick],
    wanted: Collection[str],
    *,
    micro: bool = False,
) -> list[Named]:
    """Return what many symbols' ticks send together: one list for each stream that is of them all.

    Leave these streams out of what is wanted of `streams_of` then.
    """
    counted = unit(exchange, micro=micro)
    found: dict[str, list[Any]] = {}
    for tick in ticks:
        if isinstance(tick, TickerTick):
            written = _ticker_arrays(exchange, tick, counted, wanted)
        else:
            written = _mark_arrays(exchange, tick, counted, wanted)
        for name, rows in written:
            found.setdefault(name, []).extend(rows)
    return list(found.items())


def raw(payload: Any) -> bytes:
    """Return a frame of the raw form."""
    return msgspec.json.encode(payload)


def combined(name: str, payload: Any) -> bytes:
    """Return a frame of the combined form."""
    return b'{"stream":' + msgspec.json.encode(name) + b',"data":' + msgspec.json.encode(payload) + b"}"


def interval_of(interval_ns: int) -> str | None:
    """Return the name of a candle's length, None where Binance has no such candles."""
    return _NAMES.get(interval_ns)


def _market(exchange: Exchange, symbol: str, *, pair: bool = True) -> dict[str, Any]:
    """Return the fields that futures add since 2026-06."""
    if exchange not in FUTURES:
        return {}
    of_pair = {"ps": pair_of(symbol)} if pair else {}
    return {**of_pair, "st": 1 if exchange is USD_M else 2}


def _trade(
    exchange: Exchange, tick: TradeTick, counted: int, wanted: Collection[str], _: Picture
) -> Iterator[Named]:
    symbol, time = stream_name(tick.symbol), tick.time_ns // counted
    futures = exchange in FUTURES
    spot = {} if futures else {"M": True}
    if (name := f"{symbol}@aggTrade") in wanted:
        quantity = plain(tick.quantity)
        yield (
            name,
            {
                "e": "aggTrade", "E": time, "s": tick.symbol, "a": tick.aggregate_id,
                "p": plain(tick.price), "q": quantity, "f": tick.first_id, "l": tick.last_id, "T": time,
                "m": tick.buyer_is_maker, **spot,
                **({"nq": quantity} if exchange is USD_M else {}),
                **_market(exchange, tick.symbol, pair=False),
            },
        )  # fmt: skip
    if (name := f"{symbol}@trade") in wanted and not futures:
        for number, part in enumerate(tick.quantities, tick.first_id):
            yield (
                name,
                {
                    "e": "trade", "E": time, "s": tick.symbol, "t": number, "p": plain(tick.price),
                    "q": plain(part), "T": time, "m": tick.buyer_is_maker, **spot,
                },
            )  # fmt: skip


def _top(
    exchange: Exchange, tick: TopTick, counted: int, wanted: Collection[str], _: Picture
) -> Iterator[Named]:
    futures = exchange in FUTURES
    names = [f"{stream_name(tick.symbol)}@bookTicker", *(["!bookTicker"] if futures else [])]
    names = [name for name in names if name in wanted]
    if not names:
        return
    time = tick.time_ns // counted
    payload = {
        **({"e": "bookTicker"} if futures else {}),
        "u": tick.update_id,
        **({"E": time, "T": time} if futures else {}),
        "s": tick.symbol,
        "b": plain(tick.bid[0]),
        "B": plain(tick.bid[1]),
        "a": plain(tick.ask[0]),
        "A": plain(tick.ask[1]),
        **_market(exchange, tick.symbol),
    }
    for name in names:
        yield name, payload


def _delta(
    exchange: Exchange, tick: BookDelta, counted: int, wanted: Collection[str], picture: Picture
) -> Iterator[Named]:
    symbol, time = stream_name(tick.symbol), tick.time_ns // counted
    futures = exchange in FUTURES
    for suffix, (most, _) in _depths(exchange).items():
        name = f"{symbol}@{suffix}"
        if name not in wanted:
            continue
        shown: BookDelta | BookPicture = picture(tick.symbol, most) if most else tick
        bids, asks = levels(shown.bids), levels(shown.asks)
        if most and not futures:
            yield name, {"lastUpdateId": tick.last_id, "bids": bids, "asks": asks}
            continue
        yield (
            name,
            {
                "e": "depthUpdate", "E": time, **({"T": time} if futures else {}), "s": tick.symbol,
                "U": tick.first_id, "u": tick.last_id, **({"pu": tick.previous_id} if futures else {}),
                "b": bids, "a": asks, **_market(exchange, tick.symbol),
            },
        )  # fmt: skip


def _candle(
    exchange: Exchange, tick: CandleTick, counted: int, wanted: Collection[str], _: Picture
) -> Iterator[Named]:
    interval = _NAMES.get(tick.interval_ns)
    if interval is None:
        return
    time = tick.time_ns // counted
    if (name := f"{stream_name(tick.symbol)}@kline_{interval}") in wanted:
        bar = _bar(tick, interval, counted, {"s": tick.symbol})
        yield name, {"e": "kline", "E": time, "s": tick.symbol, "k": bar}
    if exchange in FUTURES:
        pair = pair_of(tick.symbol)
        kind = contract_type(instrument_of(exchange, tick.symbol), tick.time_ns)
        name = f"{stream_name(pair)}_{kind.lower()}@continuousKline_{interval}"
        if name in wanted:
            bar = _bar(tick, interval, counted, {})
            yield name, {"e": "continuous_kline", "E": time, "ps": pair, "ct": kind, "k": bar}


def _bar(tick: CandleTick, interval: str, counted: int, symbol: dict[str, str]) -> dict[str, Any]:
    return {
        "t": tick.open_ns // counted, "T": tick.close_ns // counted - 1, **symbol,
        "i": interval, "f": tick.first_id, "L": tick.last_id, "o": plain(tick.open), "c": plain(tick.close),
        "h": plain(tick.high), "l": plain(tick.low), "v": plain(tick.volume), "n": tick.trades,
        "x": tick.closed, "q": plain(tick.turnover), "V": plain(tick.taker_volume),
        "Q": plain(tick.taker_turnover), "B": "0",
    }  # fmt: skip


def _mini(exchange: Exchange, tick: TickerTick, counted: int) -> dict[str, Any]:
    return {
        "e": "24hrMiniTicker", "E": tick.time_ns // counted, "s": tick.symbol, "c": plain(tick.last),
        "o": plain(tick.open), "h": plain(tick.high), "l": plain(tick.low), "v": plain(tick.volume),
        "q": plain(tick.turnover), **_market(exchange, tick.symbol),
    }  # fmt: skip


def _full(exchange: Exchange, tick: TickerTick, counted: int) -> dict[str, Any]:
    moved, percent, average = change(exchange, tick)
    spot = {
        "x": plain(tick.open), "b": plain(tick.bid[0]), "B": plain(tick.bid[1]),
        "a": plain(tick.ask[0]), "A": plain(tick.ask[1]),
    }  # fmt: skip
    return {
        "e": "24hrTicker", "E": tick.time_ns // counted, "s": tick.symbol, "p": moved, "P": percent,
        "w": average, "c": plain(tick.last), "Q": plain(tick.last_quantity),
        "o": plain(tick.open), "h": plain(tick.high), "l": plain(tick.low), "v": plain(tick.volume),
        "q": plain(tick.turnover), "O": (tick.time_ns - DAY) // counted,
        "C": tick.time_ns // counted, "F": tick.first_id, "L": tick.last_id, "n": tick.trades,
        **_market(exchange, tick.symbol), **({} if exchange in FUTURES else spot),
    }  # fmt: skip


def _ticker(
    exchange: Exchange, tick: TickerTick, counted: int, wanted: Collection[str], _: Picture
) -> Iterator[Named]:
    symbol = stream_name(tick.symbol)
    for name, write in ((f"{symbol}@ticker", _full), (f"{symbol}@miniTicker", _mini)):
        if name in wanted:
            yield name, write(exchange, tick, counted)
    yield from _ticker_arrays(exchange, tick, counted, wanted)


def _ticker_arrays(
    exchange: Exchange, tick: TickerTick, counted: int, wanted: Collection[str]
) -> Iterator[Named]:
    for name, write in (("!miniTicker@arr", _mini), ("!ticker@arr", _full)):
        if name in wanted and name in _of_all(exchange):
            yield name, [write(exchange, tick, counted)]


def _average(
    exchange: Exchange, tick: AverageTick, counted: int, wanted: Collection[str], _: Picture
) -> Iterator[Named]:
    name = f"{stream_name(tick.symbol)}@avgPrice"
    if name in wanted and exchange not in FUTURES:
        yield (
            name,
            {
                "e": "avgPrice", "E": tick.time_ns // counted, "s": tick.symbol, "i": f"{tick.minutes}m",
                "w": plain(tick.price), "T": tick.trade_ns // counted,
            },
        )  # fmt: skip


def _marked(exchange: Exchange, tick: MarkTick, counted: int) -> dict[str, Any]:
    mark = plain(tick.mark)
    return {
        "e": "markPriceUpdate", "E": tick.time_ns // counted, "s": tick.symbol, "p": mark,
        **({"ap": mark} if exchange is USD_M else {}), "P": mark, "i": plain(tick.index),
        "r": "" if tick.funding_rate is None else plain(tick.funding_rate),
        "T": (tick.next_funding_ns or 0) // counted, **_market(exchange, tick.symbol, pair=False),
    }  # fmt: skip


def _mark(
    exchange: Exchange, tick: MarkTick, counted: int, wanted: Collection[str], _: Picture
) -> Iterator[Named]:
    for suffix in ("markPrice", "markPrice@1s"):
        if (name := f"{stream_name(tick.symbol)}@{suffix}") in wanted:
            yield name, _marked(exchange, tick, counted)
    yield from _mark_arrays(exchange, tick, counted, wanted)


def _mark_arrays(
    exchange: Exchange, tick: MarkTick, counted: int, wanted: Collection[str]
) -> Iterator[Named]:
    start = "!markPrice@arr" if exchange is USD_M else f"{stream_name(pair_of(tick.symbol))}@markPrice"
    for name in (start, f"{start}@1s"):
        if name in wanted:
            yield name, [_marked(exchange, tick, counted)]


def _liquidation(
    exchange: Exchange, tick: LiquidationTick, counted: int, wanted: Collection[str], _: Picture
) -> Iterator[Named]:
    names = (f"{stream_name(tick.symbol)}@forceOrder", "!forceOrder@arr")
    price, quantity, time = plain(tick.price), plain(tick.quantity), tick.time_ns // counted
    order = {
        "s": tick.symbol, **({"ps": pair_of(tick.symbol)} if exchange is COIN_M else {}),
        "S": "SELL" if tick.sells else "BUY", "o": "LIMIT", "f": "IOC", "q": quantity, "p": price,
        "ap": price, "X": "FILLED", "l": quantity, "z": quantity, "T": time,
    }  # fmt: skip
    more = _market(exchange, tick.symbol) if exchange is USD_M else {}
    payload = {"e": "forceOrder", "E": time, "o": order, **more}
    for name in names:
        if name in wanted:
            yield name, payload


_WRITERS: dict[type, Callable[..., Iterator[Named]]] = {
    TradeTick: _trade,
    TopTick: _top,
    BookDelta: _delta,
    CandleTick: _candle,
    TickerTick: _ticker,
    AverageTick: _average,
    MarkTick: _mark,
    LiquidationTick: _liquidation,
}
