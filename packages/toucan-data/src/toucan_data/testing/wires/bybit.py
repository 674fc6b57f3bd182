"""What Bybit would send of a `SeededMarket`: its public topics and REST, as the facts on it show them.

Pure functions from ticks to payloads: all of a frame but its topic.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from toucan_instrument.decimals import plain
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.bybit import category, parse_symbol
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus, OptionKind
from toucan_instrument.rules import TradingRules
from toucan_instrument.testing.market import (
    BookPicture,
    CandleTick,
    LiquidationTick,
    MarkTick,
    Pair,
    TickerTick,
    TopTick,
    TradeTick,
)

__all__ = [
    "DEFAULT_SYMBOLS",
    "Payload",
    "book",
    "candle",
    "coins_body",
    "full_ticker",
    "instruments_body",
    "liquidation",
    "listed",
    "mark",
    "orderbook_body",
    "ticker",
    "tickers_body",
    "top",
    "trades",
]

SPOT, LINEAR, INVERSE, OPTION = (
    Exchange.BYBIT_SPOT,
    Exchange.BYBIT_LINEAR,
    Exchange.BYBIT_INVERSE,
    Exchange.BYBIT_OPTION,
)
DEFAULT_SYMBOLS: dict[Exchange, tuple[str, ...]] = {
    SPOT: ("BTCUSDT", "ETHUSDT"),
    LINEAR: ("BTCUSDT", "ETHUSDT"),
    INVERSE: ("BTCUSD", "ETHUSD"),
    OPTION: ("BTC-31DEC27-60000-C-USDT", "ETH-31DEC27-3000-P-USDT"),
}
MILLI = 1_000_000
PAGE = 500
"""How many rows a page of REST has, where no other number is asked for."""

Payload: TypeAlias = dict[str, Any]
"""All of a frame but its topic."""


def listed(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument as the test exchange lists it, with rules."""
    tick, step = {
        SPOT: ("0.01", "0.000001"),
        LINEAR: ("0.10", "0.001"),
        INVERSE: ("0.50", "1"),
        OPTION: ("5", "0.01"),
    }[exchange]
    spot = exchange is SPOT
    rules = TradingRules(
        tick_size=Decimal(tick),
        min_price=None if spot else Decimal(tick),
        max_price=None if spot else Decimal(1_000_000),
        step_size=Decimal(step),
        min_quantity=None if spot else Decimal(step),
        max_quantity=Decimal(100_000),
        market_max_quantity=None if exchange is OPTION else Decimal(50_000),
        min_notional=Decimal(5) if exchange in (SPOT, LINEAR) else None,
    )
    return msgspec.structs.replace(
        parse_symbol(exchange, symbol),
        rules=rules,
        status=InstrumentStatus.TRADING,
        status_venue="Trading",
    )


def _texts(levels: Iterable[Pair]) -> list[list[str]]:
    return [[plain(price), plain(quantity)] for price, quantity in levels]


def _envelope(exchange: Exchange, kind: str, time_ns: int, data: Any) -> Payload:
    """Return what stands around data: spot writes the time before the type (facts 3)."""
    time = time_ns // MILLI
    if exchange in (SPOT, OPTION):
        return {"ts": time, "type": kind, "data": data}
    return {"type": kind, "ts": time, "data": data}


# Topics.


def trades(exchange: Exchange, tick: TradeTick) -> Payload:
    """Return a frame of ``publicTrade``: ids are numbers on spot, UUIDs elsewhere (facts 6.1)."""
    spot = exchange is SPOT
    rows = [
        {
            "T": tick.time_ns // MILLI, "s": tick.symbol, "S": "Sell" if tick.buyer_is_maker else "Buy",
            "v": plain(part), "p": plain(tick.price), **({} if spot else {"L": "PlusTick"}),
            "i": str(tick.first_id + i) if spot else str(UUID(int=tick.first_id + i)),
            "BT": False, "RPI": False, "seq": tick.aggregate_id,
        }
        for i, part in enumerate(tick.quantities)
    ]  # fmt: skip
    return _envelope(exchange, "snapshot", tick.time_ns, rows)


def book(
    exchange: Exchange,
    kind: str,
    symbol: str,
    time_ns: int,
    update: int,
    sides: tuple[Iterable[Pair], Iterable[Pair]],
) -> Payload:
    """Return a frame of ``orderbook``.

    Args:
        exchange: Which market.
        kind: ``snapshot`` or ``delta``.
        symbol: Of what.
        time_ns: When.
        update: Its number.
        sides: Bids and asks.
    """
    data = {"s": symbol, "b": _texts(sides[0]), "a": _texts(sides[1]), "u": update, "seq": 3 * update}
    return {**_envelope(exchange, kind, time_ns, data), "cts": time_ns // MILLI}


def top(exchange: Exchange, tick: TopTick) -> Payload:
    """Return a frame of ``orderbook.1``, always the whole top."""
    return book(exchange, "snapshot", tick.symbol, tick.time_ns, tick.update_id, ((tick.bid,), (tick.ask,)))


def candle(tick: CandleTick) -> Payload:
    """Return a frame of ``kline.1``."""
    bar = {
        "start": tick.open_ns // MILLI, "end": (tick.open_ns + tick.interval_ns) // MILLI - 1,
        "interval": "1", "open": plain(tick.open), "close": plain(tick.close), "high": plain(tick.high),
        "low": plain(tick.low), "volume": plain(tick.volume), "turnover": plain(tick.turnover),
        "confirm": tick.closed, "timestamp": tick.time_ns // MILLI,
    }  # fmt: skip
    return {"type": "snapshot", "data": [bar], "ts": tick.time_ns // MILLI}


def _day(tick: TickerTick) -> dict[str, str]:
    change = ((tick.last - tick.open) / tick.open).quantize(Decimal("0.000001"))
    return {
        "symbol": tick.symbol, "lastPrice": plain(tick.last), "highPrice24h": plain(tick.high),
        "lowPrice24h": plain(tick.low), "prevPrice24h": plain(tick.open), "volume24h": plain(tick.volume),
        "turnover24h": plain(tick.turnover), "price24hPcnt": plain(change),
    }  # fmt: skip


def ticker(exchange: Exchange, tick: TickerTick, kind: str = "delta") -> Payload:
    """Return a frame of ``tickers``: of spot and options always a snapshot (facts 6.6)."""
    day = _day(tick)
    bid, ask = tick.bid, tick.ask
    if exchange is SPOT:
        day["usdIndexPrice"] = ""
        kind = "snapshot"
    elif exchange is OPTION:
        # The marks of options stand in the same frame.
        middle = plain((bid[0] + ask[0]) / 2)
        del day["prevPrice24h"]
        day |= {
            "bidPrice": plain(bid[0]), "bidSize": plain(bid[1]), "bidIv": "0.5", "askPrice": plain(ask[0]),
            "askSize": plain(ask[1]), "askIv": "0.5", "markPrice": middle, "indexPrice": middle,
            "openInterest": plain(tick.volume), "predictedDeliveryPrice": "0",
            "change24h": day.pop("price24hPcnt"),
        }  # fmt: skip
        kind = "snapshot"
    else:
        day |= {
            "bid1Price": plain(bid[0]), "bid1Size": plain(bid[1]),
            "ask1Price": plain(ask[0]), "ask1Size": plain(ask[1]),
        }  # fmt: skip
    return {**_envelope(exchange, kind, tick.time_ns, day), "cs": tick.trades}


def full_ticker(exchange: Exchange, tick: TickerTick, *, perpetual: bool) -> Payload:
    """Return the snapshot that ``tickers`` of contracts begins with: marks are as good as the last price."""
    payload = ticker(exchange, tick, "snapshot")
    if exchange in (LINEAR, INVERSE):
        last = plain(tick.last)
        payload["data"] |= {
            "markPrice": last, "indexPrice": last, "openInterest": plain(tick.volume),
            "openInterestValue": plain(tick.turnover), "fundingRate": "0.0001" if perpetual else "",
            "nextFundingTime": str(tick.time_ns // MILLI + 3_600_000) if perpetual else "",
            "fundingIntervalHour": "8", "preOpenPrice": "",
        }  # fmt: skip
    return payload


def mark(exchange: Exchange, tick: MarkTick) -> Payload:
    """Return a delta of ``tickers`` with what a mark changes."""
    data = {
        "symbol": tick.symbol, "markPrice": plain(tick.mark), "indexPrice": plain(tick.index),
        "openInterest": plain(tick.open_interest), "openInterestValue": plain(tick.open_interest * tick.mark),
    }  # fmt: skip
    if tick.funding_rate is not None:
        data["fundingRate"] = plain(tick.funding_rate)
        data["nextFundingTime"] = str((tick.next_funding_ns or 0) // MILLI)
    return {**_envelope(exchange, "delta", tick.time_ns, data), "cs": tick.time_ns}


def liquidation(exchange: Exchange, tick: LiquidationTick) -> Payload:
    """Return a frame of ``allLiquidation``: `S` is the side of the position (facts 6.4)."""
    row = {
        "T": tick.time_ns // MILLI, "s": tick.symbol, "S": "Buy" if tick.sells else "Sell",
        "v": plain(tick.quantity), "p": plain(tick.price),
    }  # fmt: skip
    return _envelope(exchange, "snapshot", tick.time_ns, [row])


# REST.


def _answer(result: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}})


def instruments_body(
    exchange: Exchange, instruments: Iterable[Instrument], *, limit: int = PAGE, begin: int = 0
) -> bytes:
    """Return a page of instruments; spot has all on one (facts 2)."""
    rows = [_row(instrument) for instrument in instruments]
    if exchange is SPOT:
        return _answer({"category": category(exchange), "list": rows})
    end = begin + limit
    cursor = f"begin%3D{end}" if end < len(rows) else ""
    return _answer({"category": category(exchange), "list": rows[begin:end], "nextPageCursor": cursor})


def _row(instrument: Instrument) -> dict[str, Any]:
    rules = instrument.rules or TradingRules()
    row: dict[str, Any] = {
        "symbol": instrument.symbol, "baseCoin": instrument.base, "quoteCoin": instrument.quote,
        "status": instrument.status_venue or "Trading", "symbolType": "",
    }  # fmt: skip
    tick = {"tickSize": _text(rules.tick_size)}
    if instrument.exchange is SPOT:
        lots = {
            "basePrecision": _text(rules.step_size), "quotePrecision": "0.0000001",
            "minOrderAmt": _text(rules.min_notional), "maxLimitOrderQty": _text(rules.max_quantity),
            "maxMarketOrderQty": _text(rules.market_max_quantity),
        }  # fmt: skip
        return {**row, "innovation": "0", "lotSizeFilter": lots, "priceFilter": tick}
    row |= {
        "settleCoin": instrument.settle, "deliveryTime": str((instrument.expiry_ns or 0) // MILLI),
        "priceFilter": {"minPrice": _text(rules.min_price), "maxPrice": _text(rules.max_price), **tick},
        "lotSizeFilter": {
            "maxOrderQty": _text(rules.max_quantity), "minOrderQty": _text(rules.min_quantity),
            "qtyStep": _text(rules.step_size),
        },
    }  # fmt: skip
    if instrument.exchange is OPTION:
        return {**row, "optionsType": "Call" if instrument.option is OptionKind.CALL else "Put"}
    if rules.min_notional is not None:
        row["lotSizeFilter"]["minNotionalValue"] = plain(rules.min_notional)
    row["lotSizeFilter"]["maxMktOrderQty"] = _text(rules.market_max_quantity)
    word = "Perpetual" if instrument.kind is InstrumentKind.PERPETUAL else "Futures"
    return {
        **row,
        "contractType": f"{'Inverse' if instrument.inverse else 'Linear'}{word}",
        "fundingInterval": 480,
        "isPreListing": False,
        "preListingInfo": None,
    }


def _text(number: Decimal | None) -> str:
    return "" if number is None else plain(number)


def coins_body(instruments: Iterable[Instrument]) -> bytes:
    """Return the base coins that options are listed by."""
    coins = dict.fromkeys((instrument.base, instrument.quote) for instrument in instruments)
    rows = [
        {"baseCoin": base, "quoteCoin": quote, "settleCoin": quote, "hasSymbol": 1, "underlyingType": 0}
        for base, quote in coins
    ]
    return _answer({"list": rows})


def tickers_body(exchange: Exchange, ticks: Iterable[TickerTick]) -> bytes:
    """Return the 24 h statistics."""
    return _answer({"category": category(exchange), "list": [_day(tick) for tick in ticks]})


def orderbook_body(picture: BookPicture) -> bytes:
    """Return a book."""
    bids, asks = _texts(picture.bids), _texts(picture.asks)
    return _answer(
        {
            "s": picture.symbol,
            "b": bids,
            "a": asks,
            "ts": picture.time_ns // MILLI,
            "u": picture.last_update_id,
        }
    )
