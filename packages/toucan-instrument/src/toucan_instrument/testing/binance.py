"""What Binance would send of a `SeededMarket`: its public streams and REST, as facts A.4 to C.3 show them.

Pure functions from ticks to payloads; both halves' test exchanges stand on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from toucan_instrument.decimals import plain
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.binance import parse_symbol
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus
from toucan_instrument.rules import TradingRules
from toucan_instrument.testing.market import (
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
    "combined",
    "depth_body",
    "exchange_info",
    "listed",
    "open_interest_body",
    "route_of",
    "stream_exists",
    "streams_of",
    "tickers_body",
]

SPOT, US, USD_M, COIN_M = (
    Exchange.BINANCE_SPOT,
    Exchange.BINANCE_US_SPOT,
    Exchange.BINANCE_USD_M,
    Exchange.BINANCE_COIN_M,
)
FUTURES = (USD_M, COIN_M)
DEFAULT_SYMBOLS: dict[Exchange, tuple[str, ...]] = {
    SPOT: ("BTCUSDT", "ETHUSDT"),
    US: ("BTCUSD", "ETHUSD"),
    USD_M: ("BTCUSDT", "ETHUSDT"),
    COIN_M: ("BTCUSD_PERP", "ETHUSD_PERP"),
}
NEVER_MS = 4_133_404_800_000
MILLI, MICRO = 1_000_000, 1_000
PARTIAL = (5, 10, 20)
MINUTE_NS = 60_000_000_000

Named: TypeAlias = tuple[str, Any]
Picture: TypeAlias = Callable[[str, int], BookPicture]


def listed(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument as the test exchange lists it, with rules."""
    coin = exchange is COIN_M
    rules = TradingRules(
        tick_size=Decimal("0.10") if coin else Decimal("0.01"),
        min_price=Decimal("0.10") if coin else Decimal("0.01"),
        max_price=Decimal(1_000_000),
        price_anchored=exchange in FUTURES,
        step_size=Decimal(1) if coin else Decimal("0.001"),
        min_quantity=Decimal(1) if coin else Decimal("0.001"),
        max_quantity=Decimal(100_000),
        quantity_anchored=exchange in FUTURES,
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


def stream_exists(exchange: Exchange, symbols: Iterable[str], name: str) -> bool:
    """Tell whether a stream would ever send: an unknown one is acknowledged all the same (facts A.3)."""
    if name.startswith("!"):
        return name in _whole(exchange)
    symbol, _, rest = name.partition("@")
    return symbol in {each.lower() for each in symbols} and (
        rest in _simple(exchange) or rest in _depths(exchange) or rest == "kline_1m"
    )


def _whole(exchange: Exchange) -> tuple[str, ...]:
    if exchange in FUTURES:
        marks = ("!markPrice@arr@1s",) if exchange is USD_M else ()
        return ("!miniTicker@arr", "!ticker@arr", "!forceOrder@arr", "!bookTicker", *marks)
    return ("!miniTicker@arr",)


def _simple(exchange: Exchange) -> tuple[str, ...]:
    common = ("aggTrade", "bookTicker", "ticker", "miniTicker")
    return (*common, "forceOrder", "markPrice@1s") if exchange in FUTURES else (*common, "trade")


def _depths(exchange: Exchange) -> dict[str, int]:
    """Return depth streams, and how many levels each is cut to; 0 for the diff."""
    speeds = ("", "@100ms", "@500ms") if exchange in FUTURES else ("", "@100ms")
    return {f"depth{n or ''}{speed}": n for n in (0, *PARTIAL) for speed in speeds}


# What each tick says, stream by stream.


def streams_of(
    exchange: Exchange, tick: MarketTick, wanted: set[str], picture: Picture, *, micro: bool = False
) -> list[Named]:
    """Return what a tick sends on the streams that are wanted: names and payloads.

    Args:
        exchange: Which market.
        tick: What happened.
        wanted: Stream names that somebody follows; others are not written.
        picture: Gives a symbol's book cut to some levels, for partial depth.
        micro: Whether times count microseconds (spot, on request) rather than milliseconds.
    """
    unit = MICRO if micro and exchange is SPOT else MILLI
    writer = _WRITERS[type(tick)]
    return [
        (name, payload) for name, payload in writer(exchange, tick, unit, wanted, picture) if name in wanted
    ]


def combined(name: str, payload: Any) -> bytes:
    """Return a frame of the combined form."""
    return b'{"stream":' + msgspec.json.encode(name) + b',"data":' + msgspec.json.encode(payload) + b"}"


def _market(exchange: Exchange, symbol: str, *, pair: bool = True) -> dict[str, Any]:
    """Return the fields that futures add since 2026-06."""
    if exchange not in FUTURES:
        return {}
    of_pair = {"ps": symbol.partition("_")[0]} if pair else {}
    return {**of_pair, "st": 1 if exchange is USD_M else 2}


def _texts(levels: Sequence[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[plain(price), plain(quantity)] for price, quantity in levels]


def _trade(exchange: Exchange, tick: TradeTick, unit: int, wanted: set[str], _: Picture) -> list[Named]:
    symbol = tick.symbol.lower()
    time = tick.time_ns // unit
    spot = {} if exchange in FUTURES else {"M": True}
    quantity = plain(tick.quantity)
    named: list[Named] = [
        (
            f"{symbol}@aggTrade",
            {
                "e": "aggTrade", "E": time, "s": tick.symbol, "a": tick.aggregate_id,
                "p": plain(tick.price), "q": quantity, "f": tick.first_id, "l": tick.last_id, "T": time,
                "m": tick.buyer_is_maker, **spot,
                **({"nq": quantity} if exchange is USD_M else {}),
                **_market(exchange, tick.symbol, pair=False),
            },
        )
    ]  # fmt: skip
    if f"{symbol}@trade" in wanted and exchange not in FUTURES:
        named += [
            (
                f"{symbol}@trade",
                {
                    "e": "trade", "E": time, "s": tick.symbol, "t": tick.first_id + i,
                    "p": plain(tick.price), "q": plain(part), "T": time, "m": tick.buyer_is_maker, "M": True,
                },
            )
            for i, part in enumerate(tick.quantities)
        ]  # fmt: skip
    return named


def _top(exchange: Exchange, tick: TopTick, unit: int, _: set[str], __: Picture) -> list[Named]:
    futures = exchange in FUTURES
    time = tick.time_ns // unit
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
    names = [f"{tick.symbol.lower()}@bookTicker", *(["!bookTicker"] if futures else [])]
    return [(name, payload) for name in names]


def _delta(exchange: Exchange, tick: BookDelta, unit: int, wanted: set[str], picture: Picture) -> list[Named]:
    symbol, time = tick.symbol.lower(), tick.time_ns // unit
    futures = exchange in FUTURES
    named: list[Named] = []
    for suffix, levels in _depths(exchange).items():
        name = f"{symbol}@{suffix}"
        if name not in wanted:
            continue
        bids, asks = _texts(tick.bids), _texts(tick.asks)
        if levels:
            cut = picture(tick.symbol, levels)
            bids, asks = _texts(cut.bids), _texts(cut.asks)
        if levels and not futures:
            named.append((name, {"lastUpdateId": tick.last_id, "bids": bids, "asks": asks}))
            continue
        payload = {
            "e": "depthUpdate", "E": time, **({"T": time} if futures else {}), "s": tick.symbol,
            "U": tick.first_id, "u": tick.last_id, **({"pu": tick.previous_id} if futures else {}),
            "b": bids, "a": asks, **_market(exchange, tick.symbol),
        }  # fmt: skip
        named.append((name, payload))
    return named


def _candle(exchange: Exchange, tick: CandleTick, unit: int, _: set[str], __: Picture) -> list[Named]:
    bar = {
        "t": tick.open_ns // unit, "T": (tick.open_ns + tick.interval_ns) // unit - 1, "s": tick.symbol,
        "i": "1m", "f": tick.first_id, "L": tick.last_id, "o": plain(tick.open), "c": plain(tick.close),
        "h": plain(tick.high), "l": plain(tick.low), "v": plain(tick.volume), "n": tick.trades,
        "x": tick.closed, "q": plain(tick.turnover), "V": plain(tick.taker_volume),
        "Q": plain(tick.taker_turnover), "B": "0",
    }  # fmt: skip
    payload = {"e": "kline", "E": tick.time_ns // unit, "s": tick.symbol, "k": bar}
    del exchange
    return [(f"{tick.symbol.lower()}@kline_1m", payload)]


def _mini(exchange: Exchange, tick: TickerTick, unit: int) -> dict[str, Any]:
    return {
        "e": "24hrMiniTicker", "E": tick.time_ns // unit, "s": tick.symbol, "c": plain(tick.last),
        "o": plain(tick.open), "h": plain(tick.high), "l": plain(tick.low), "v": plain(tick.volume),
        "q": plain(tick.turnover), **_market(exchange, tick.symbol),
    }  # fmt: skip


def _change(tick: TickerTick) -> tuple[Decimal, Decimal, Decimal]:
    change = tick.last - tick.open
    percent = (change / tick.open * 100).quantize(Decimal("0.001"))
    average = (tick.turnover / tick.volume).quantize(Decimal("0.00000001")) if tick.volume else tick.last
    return change, percent, average


def _ticker(exchange: Exchange, tick: TickerTick, unit: int, _: set[str], __: Picture) -> list[Named]:
    change, percent, average = _change(tick)
    full = {
        "e": "24hrTicker", "E": tick.time_ns // unit, "s": tick.symbol, "p": plain(change),
        "P": plain(percent), "w": plain(average), "c": plain(tick.last), "Q": plain(tick.last_quantity),
        "o": plain(tick.open), "h": plain(tick.high), "l": plain(tick.low), "v": plain(tick.volume),
        "q": plain(tick.turnover), "O": (tick.time_ns - 86_400_000_000_000) // unit,
        "C": tick.time_ns // unit, "F": tick.first_id, "L": tick.last_id, "n": tick.trades,
        **_market(exchange, tick.symbol),
    }  # fmt: skip
    if exchange not in FUTURES:
        full |= {
            "x": plain(tick.open), "b": plain(tick.bid[0]), "B": plain(tick.bid[1]),
            "a": plain(tick.ask[0]), "A": plain(tick.ask[1]),
        }  # fmt: skip
    mini, symbol = _mini(exchange, tick, unit), tick.symbol.lower()
    return [
        (f"{symbol}@ticker", full),
        (f"{symbol}@miniTicker", mini),
        ("!miniTicker@arr", [mini]),
        ("!ticker@arr", [full]),
    ]


def _mark(exchange: Exchange, tick: MarkTick, unit: int, _: set[str], __: Picture) -> list[Named]:
    mark = plain(tick.mark)
    payload = {
        "e": "markPriceUpdate", "E": tick.time_ns // unit, "s": tick.symbol, "p": mark,
        **({"ap": mark} if exchange is USD_M else {}), "P": mark, "i": plain(tick.index),
        "r": "" if tick.funding_rate is None else plain(tick.funding_rate),
        "T": (tick.next_funding_ns or 0) // unit, **_market(exchange, tick.symbol, pair=False),
    }  # fmt: skip
    return [(f"{tick.symbol.lower()}@markPrice@1s", payload), ("!markPrice@arr@1s", [payload])]


def _liquidation(
    exchange: Exchange, tick: LiquidationTick, unit: int, _: set[str], __: Picture
) -> list[Named]:
    price, quantity, time = plain(tick.price), plain(tick.quantity), tick.time_ns // unit
    order = {
        "s": tick.symbol, **({"ps": tick.symbol.partition("_")[0]} if exchange is COIN_M else {}),
        "S": "SELL" if tick.sells else "BUY", "o": "LIMIT", "f": "IOC", "q": quantity, "p": price,
        "ap": price, "X": "FILLED", "l": quantity, "z": quantity, "T": time,
    }  # fmt: skip
    more = _market(exchange, tick.symbol) if exchange is USD_M else {}
    payload = {"e": "forceOrder", "E": time, "o": order, **more}
    return [(f"{tick.symbol.lower()}@forceOrder", payload), ("!forceOrder@arr", payload)]


_WRITERS: dict[type, Callable[..., list[Named]]] = {
    TradeTick: _trade,
    TopTick: _top,
    BookDelta: _delta,
    CandleTick: _candle,
    TickerTick: _ticker,
    MarkTick: _mark,
    LiquidationTick: _liquidation,
}


# REST.


def depth_body(exchange: Exchange, picture: BookPicture) -> bytes:
    """Return the body of ``GET depth``."""
    body: dict[str, Any] = {"lastUpdateId": picture.last_update_id}
    if exchange in FUTURES:
        time = picture.time_ns // MILLI
        body |= {"E": time, "T": time}
    if exchange is COIN_M:
        body |= {"symbol": picture.symbol, "pair": picture.symbol.partition("_")[0]}
    return msgspec.json.encode({**body, "bids": _texts(picture.bids), "asks": _texts(picture.asks)})


def tickers_body(exchange: Exchange, ticks: Iterable[TickerTick]) -> bytes:
    """Return the body of ``GET ticker/24hr``."""
    rows = []
    for tick in ticks:
        change, percent, average = _change(tick)
        volume = {"volume": plain(tick.volume)}
        other = "baseVolume" if exchange is COIN_M else "quoteVolume"
        rows.append(
            {
                "symbol": tick.symbol,
                "priceChange": plain(change),
                "priceChangePercent": plain(percent),
                "weightedAvgPrice": plain(average),
                "lastPrice": plain(tick.last),
                **volume,
                other: plain(tick.turnover),
                "count": tick.trades,
            }
        )
    return msgspec.json.encode(rows)


def open_interest_body(exchange: Exchange, symbol: str, quantity: Decimal, now_ns: int) -> bytes:
    """Return the body of ``GET openInterest``."""
    body: dict[str, object] = {"openInterest": plain(quantity), "symbol": symbol, "time": now_ns // MILLI}
    if exchange is COIN_M:
        body |= {"pair": symbol.partition("_")[0]}
    return msgspec.json.encode(body)


def exchange_info(exchange: Exchange, instruments: Iterable[Instrument], now_ns: int) -> bytes:
    """Return the body of ``GET exchangeInfo``."""
    rows = [_row(exchange, instrument) for instrument in instruments]
    weight = 2400 if exchange in FUTURES else 6000
    limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight}
    return msgspec.json.encode(
        {
            "timezone": "UTC",
            "serverTime": now_ns // MILLI,
            "rateLimits": [limit],
            "exchangeFilters": [],
            "symbols": rows,
        }
    )


def _row(exchange: Exchange, instrument: Instrument) -> dict[str, Any]:
    row: dict[str, Any] = {
        "symbol": instrument.symbol, "baseAsset": instrument.base, "quoteAsset": instrument.quote,
        "filters": _filters(exchange, instrument.rules),
    }  # fmt: skip
    word = instrument.status_venue or "TRADING"
    if exchange not in FUTURES:
        return {**row, "status": word, "orderTypes": ["LIMIT", "MARKET"], "isSpotTradingAllowed": True}
    dated = instrument.kind is InstrumentKind.FUTURE and instrument.expiry_ns is not None
    row |= {
        "pair": instrument.symbol.partition("_")[0], "marginAsset": instrument.settle,
        "contractType": "CURRENT_QUARTER" if dated else "PERPETUAL",
        "deliveryDate": (instrument.expiry_ns or 0) // MILLI if dated else NEVER_MS,
        "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }  # fmt: skip
    if exchange is COIN_M:
        return {**row, "contractStatus": word, "contractSize": int(instrument.contract_size)}
    return {**row, "status": word}


def _filters(exchange: Exchange, rules: TradingRules | None) -> list[dict[str, Any]]:
    if rules is None:
        return []

    def text(number: Decimal | None) -> str:
        return "0" if number is None else plain(number)

    filters: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER", "minPrice": text(rules.min_price),
            "maxPrice": text(rules.max_price), "tickSize": text(rules.tick_size),
        },
        {
            "filterType": "LOT_SIZE", "minQty": text(rules.min_quantity),
            "maxQty": text(rules.max_quantity), "stepSize": text(rules.step_size),
        },
    ]  # fmt: skip
    if rules.min_notional is not None and exchange is USD_M:
        filters.append({"filterType": "MIN_NOTIONAL", "notional": text(rules.min_notional)})
    elif rules.min_notional is not None:
        filters.append(
            {
                "filterType": "NOTIONAL",
                "minNotional": text(rules.min_notional),
                "applyMinToMarket": True,
                "applyMaxToMarket": True,
            }
        )
    key = "limit" if exchange in FUTURES else "maxNumOrders"
    filters.append({"filterType": "MAX_NUM_ORDERS", key: rules.max_orders or 200})
    return filters
