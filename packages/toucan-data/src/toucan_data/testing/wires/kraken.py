"""What Kraken would send of a `SeededMarket`: frames and REST of both markets, as the facts show them.

Prices and quantities are JSON numbers; spot pads them to the decimals of the pair's rules, the futures write
them as Python writes floats.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from zlib import crc32

import msgspec

from toucan_data.testing.cutbook import CutBooks
from toucan_instrument.decimals import plain
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.kraken import parse_symbol
from toucan_instrument.instrument import Instrument, InstrumentStatus
from toucan_instrument.rules import TradingRules
from toucan_instrument.testing.market import (
    BookDelta,
    BookPicture,
    CandleTick,
    LiquidationTick,
    MarketTick,
    MarkTick,
    Pair,
    SeededMarket,
    TickerTick,
    TopTick,
    TradeTick,
)
from toucan_instrument.timestamps import to_datetime

__all__ = [
    "DEFAULT_SYMBOLS",
    "DEPTHS",
    "FuturesTape",
    "SpotTape",
    "chart_body",
    "instruments_body",
    "listed",
    "moment",
    "pairs_body",
    "tickers_body",
]

SPOT, FUTURES = Exchange.KRAKEN_SPOT, Exchange.KRAKEN_FUTURES
DEFAULT_SYMBOLS: dict[Exchange, tuple[str, ...]] = {
    SPOT: ("BTC/USD", "ETH/USD"),
    FUTURES: ("PF_XBTUSD", "PI_ETHUSD"),
}
DEPTHS = (10, 25, 100, 500, 1000)
MILLI = 1_000_000
HOUR_NS = 3_600_000_000_000
CHECKED = 10
HISTORY = 100
MOST_CHARTED = 2000

Named = tuple[str, Any]
"""A stream's name and the frame of it."""


def listed(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument as the test exchange lists it, with rules."""
    named = parse_symbol(exchange, symbol)
    rules = TradingRules(
        tick_size=Decimal("0.5"), step_size=Decimal(1) if named.inverse else Decimal("0.0001")
    )
    if exchange is SPOT:
        rules = TradingRules(
            tick_size=Decimal("0.1"),
            step_size=Decimal("0.00000001"),
            min_quantity=Decimal("0.00005"),
            min_notional=Decimal("0.5"),
        )
    word = "online" if exchange is SPOT else "tradeable"
    return msgspec.structs.replace(named, rules=rules, status=InstrumentStatus.TRADING, status_venue=word)


def moment(time_ns: int) -> str:
    """Return a time as spot writes it: microseconds and ``Z``."""
    return to_datetime(time_ns).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _number(value: Decimal) -> msgspec.Raw:
    """Return a JSON number with the digits that are there."""
    return msgspec.Raw(plain(value).encode())


def _float(value: Decimal) -> msgspec.Raw:
    """Return a JSON number as the futures write it: always with a point, without padding."""
    return msgspec.Raw(repr(float(value)).encode())


# Spot.


class _Digits:
    """Writes the numbers of one pair, padded to its decimals."""

    def __init__(self, instrument: Instrument) -> None:
        rules = instrument.rules or TradingRules()
        self._price = (rules.tick_size or Decimal("0.01")).normalize()
        self._quantity = (rules.step_size or Decimal("0.001")).normalize()

    def price(self, value: Decimal) -> str:
        return f"{value:.{_places(self._price)}f}"

    def quantity(self, value: Decimal) -> str:
        return f"{value:.{_places(self._quantity)}f}"

    def levels(self, levels: Sequence[Pair]) -> list[dict[str, msgspec.Raw]]:
        return [
            {"price": msgspec.Raw(self.price(p).encode()), "qty": msgspec.Raw(self.quantity(q).encode())}
            for p, q in levels
        ]

    def checksum(self, picture: BookPicture) -> int:
        """Return the checksum of the best levels: facts 4.3."""
        digits = ""
        for side in (picture.asks, picture.bids):
            for price, quantity in side[:CHECKED]:
                for text in (self.price(price), self.quantity(quantity)):
                    digits += text.replace(".", "").lstrip("0")
        return crc32(digits.encode())


def _places(step: Decimal) -> int:
    return max(0, -int(step.as_tuple().exponent))


class SpotTape:
    """What spot has sent of one market: the state behind its channels.

    A book at a depth is what was last sent of it, whoever follows it: so a new follower begins where the
    others are.
    """

    def __init__(self) -> None:
        """Start before anything was sent."""
        self._books = CutBooks(explicit=False)
        self._shown: dict[tuple[str, int], BookPicture] = {}
        self._candles: dict[str, CandleTick] = {}

    def opening(self, channel: str, setting: int, symbol: str, market: SeededMarket) -> list[Any]:
        """Return the frames that a stream begins with."""
        digits = _Digits(market.instruments[symbol])
        if channel == "book":
            key = (symbol, setting)
            if key not in self._shown:
                self._shown[key] = self._books.picture(market, symbol, setting)
            picture = self._shown[key]
            return [_book("snapshot", digits, picture, picture.bids, picture.asks)]
        if channel == "ticker":
            return [_ticker("snapshot", digits, market.ticker(symbol))]
        if channel == "ohlc":
            now = self._candles.get(symbol) or _blank(market.ticker(symbol))
            before = msgspec.structs.replace(now, open_ns=now.open_ns - now.interval_ns)
            return [_candles("snapshot", digits, (before, now))]
        return []

    def frames(self, tick: MarketTick, wanted: set[str], market: SeededMarket) -> Iterator[Named]:
        """Return what a tick sends on the streams that are wanted."""
        digits = _Digits(market.instruments[tick.symbol])
        for name, frame in self._frames(tick, digits, market):
            if name in wanted:
                yield name, frame

    def _frames(self, tick: MarketTick, digits: _Digits, market: SeededMarket) -> Iterator[Named]:
        symbol = tick.symbol
        if isinstance(tick, TradeTick):
            yield f"trade:{symbol}", _trades(digits, tick)
        elif isinstance(tick, BookDelta):
            for depth in DEPTHS:
                if (symbol, depth) in self._shown:
                    bids, asks = self._books.changes(market, symbol, depth)
                    picture = self._shown[symbol, depth] = self._books.picture(market, symbol, depth)
                    if bids or asks:
                        yield f"book-{depth}:{symbol}", _book("update", digits, picture, bids, asks)
        elif isinstance(tick, TopTick):
            yield f"ticker:{symbol}", _ticker("update", digits, market.ticker(symbol))
        elif isinstance(tick, CandleTick) and tick.trades and not tick.closed:
            self._candles[symbol] = tick
            yield f"ohlc-1:{symbol}", _candles("update", digits, (tick,))


def _blank(tick: TickerTick) -> CandleTick:
    """Return a candle in which nothing was traded yet."""
    minute, zero, last = 60 * 1_000 * MILLI, Decimal(0), tick.last
    return CandleTick(
        tick.symbol, tick.time_ns, tick.time_ns - tick.time_ns % minute, minute, last, last, last, last,
        zero, zero, zero, zero, 0, -1, -1, closed=False,
    )  # fmt: skip


def _book(
    kind: str, digits: _Digits, picture: BookPicture, bids: Sequence[Pair], asks: Sequence[Pair]
) -> dict[str, Any]:
    row = {
        "symbol": picture.symbol, "bids": digits.levels(bids), "asks": digits.levels(asks),
        "checksum": digits.checksum(picture), "timestamp": moment(picture.time_ns),
    }  # fmt: skip
    return {"channel": "book", "type": kind, "data": [row]}


def _trades(digits: _Digits, tick: TradeTick) -> dict[str, Any]:
    rows = [
        {
            "symbol": tick.symbol, "side": "sell" if tick.buyer_is_maker else "buy",
            "price": msgspec.Raw(digits.price(tick.price).encode()),
            "qty": msgspec.Raw(digits.quantity(quantity).encode()),
            "ord_type": "market", "trade_id": tick.first_id + i, "timestamp": moment(tick.time_ns),
        }
        for i, quantity in enumerate(tick.quantities)
    ]  # fmt: skip
    return {"channel": "trade", "type": "update", "data": rows}


def _ticker(kind: str, digits: _Digits, tick: TickerTick) -> dict[str, Any]:
    change = tick.last - tick.open
    average = tick.turnover / tick.volume if tick.volume else tick.last
    prices = {
        "bid": tick.bid[0], "ask": tick.ask[0], "last": tick.last, "vwap": average, "low": tick.low,
        "high": tick.high, "change": change,
    }  # fmt: skip
    quantities = {"bid_qty": tick.bid[1], "ask_qty": tick.ask[1], "volume": tick.volume}
    row = {
        "symbol": tick.symbol,
        **{name: msgspec.Raw(digits.price(value).encode()) for name, value in prices.items()},
        **{name: msgspec.Raw(digits.quantity(value).encode()) for name, value in quantities.items()},
        "change_pct": msgspec.Raw(f"{change / tick.open * 100:.2f}".encode()),
        "trades": tick.trades,
        "timestamp": moment(tick.time_ns),
    }
    return {"channel": "ticker", "type": kind, "data": [row]}


def _candles(kind: str, digits: _Digits, ticks: Sequence[CandleTick]) -> dict[str, Any]:
    rows = []
    for tick in ticks:
        average = tick.turnover / tick.volume if tick.volume else tick.close
        prices = {
            "open": tick.open, "high": tick.high, "low": tick.low, "close": tick.close, "vwap": average,
        }  # fmt: skip
        rows.append(
            {
                "symbol": tick.symbol,
                **{name: msgspec.Raw(digits.price(value).encode()) for name, value in prices.items()},
                "volume": msgspec.Raw(digits.quantity(tick.volume).encode()),
                "trades": tick.trades,
                "interval_begin": moment(tick.open_ns).replace("Z", "000Z"),
                "interval": 1,
                "timestamp": moment(tick.open_ns + tick.interval_ns),
            }
        )
    stamp = moment(ticks[-1].time_ns).replace("Z", "000Z")
    return {"channel": "ohlc", "type": kind, "timestamp": stamp, "data": rows}


# Futures.


class FuturesTape:
    """What the futures have sent of one market: numbers, and the trades that subscribers begin with."""

    def __init__(self) -> None:
        """Start before anything was sent."""
        self._numbers: dict[str, int] = {}
        self._history: dict[str, deque[dict[str, Any]]] = {}
        self._held: dict[str, TradeTick] = {}

    def opening(self, feed: str, symbol: str, market: SeededMarket) -> list[Any]:
        """Return the frames that a stream begins with."""
        if feed == "book":
            picture = market.book(symbol)
            return [
                {
                    "feed": "book_snapshot", "product_id": symbol, "timestamp": picture.time_ns // MILLI,
                    "seq": self._numbers.get(symbol, 0), "tickSize": None,
                    "bids": [{"price": _float(p), "qty": _float(q)} for p, q in picture.bids],
                    "asks": [{"price": _float(p), "qty": _float(q)} for p, q in picture.asks],
                }
            ]  # fmt: skip
        if feed == "trade":
            trades = list(self._history.get(symbol, ()))[::-1]
            return [{"feed": "trade_snapshot", "product_id": symbol, "trades": trades}]
        return []

    def frames(self, tick: MarketTick, wanted: set[str], market: SeededMarket) -> Iterator[Named]:
        """Return what a tick sends on the streams that are wanted.

        What a trade was is known only with the tick after it: a liquidation is a trade of that type.
        """
        for name, frame in self._frames(tick, market):
            if name in wanted:
                yield name, frame

    def _frames(self, tick: MarketTick, market: SeededMarket) -> Iterator[Named]:
        symbol = tick.symbol
        held = self._held.pop(symbol, None)
        if held is not None:
            yield from self._trades(held, "liquidation" if isinstance(tick, LiquidationTick) else "fill")
        if isinstance(tick, TradeTick):
            self._held[symbol] = tick
        elif isinstance(tick, BookDelta):
            yield from self._levels(tick)
        elif isinstance(tick, MarkTick):
            yield (
                f"ticker:{symbol}",
                _contract_ticker(market.instruments[symbol], tick, market.ticker(symbol)),
            )
        elif isinstance(tick, TickerTick):
            yield f"ticker_lite:{symbol}", _short_ticker(market.instruments[symbol], tick)

    def _trades(self, tick: TradeTick, kind: str) -> Iterator[Named]:
        for i, quantity in enumerate(tick.quantities):
            frame = {
                "feed": "trade", "product_id": tick.symbol,
                "uid": f"00000000-0000-4000-8000-{tick.first_id + i:012}",
                "side": "sell" if tick.buyer_is_maker else "buy", "type": kind, "seq": tick.first_id + i,
                "time": tick.time_ns // MILLI, "qty": _float(quantity), "price": _float(tick.price),
            }  # fmt: skip
            self._history.setdefault(tick.symbol, deque(maxlen=HISTORY)).append(frame)
            yield f"trade:{tick.symbol}", frame

    def _levels(self, tick: BookDelta) -> Iterator[Named]:
        """Return a frame for each level; those that are gone first, so that the book is never crossed."""
        sides = [("buy", level) for level in tick.bids] + [("sell", level) for level in tick.asks]
        for side, (price, quantity) in sorted(sides, key=lambda each: bool(each[1][1])):
            number = self._numbers[tick.symbol] = self._numbers.get(tick.symbol, 0) + 1
            yield (
                f"book:{tick.symbol}",
                {
                    "feed": "book", "product_id": tick.symbol, "side": side, "seq": number,
                    "price": _float(price), "qty": _float(quantity), "timestamp": tick.time_ns // MILLI,
                },
            )  # fmt: skip


def _contract_ticker(instrument: Instrument, mark: MarkTick, tick: TickerTick) -> dict[str, Any]:
    funding: dict[str, Any] = {}
    if mark.funding_rate is not None:
        funding = {"next_funding_rate_time": (mark.time_ns - mark.time_ns % HOUR_NS + HOUR_NS) // MILLI}
        if mark.funding_rate:  # a rate of zero is left out
            funding |= {
                "funding_rate": _float(mark.funding_rate * mark.index),
                "relative_funding_rate": _float(mark.funding_rate),
                "relative_funding_rate_prediction": _float(mark.funding_rate / 2),
            }
    return {
        "time": mark.time_ns // MILLI, "product_id": instrument.symbol, **funding, "leverage": "50x",
        "premium": 0.0, "feed": "ticker", "bid": _float(tick.bid[0]), "ask": _float(tick.ask[0]),
        "bid_size": _float(tick.bid[1]), "ask_size": _float(tick.ask[1]), "volume": _float(tick.volume),
        "dtm": 0, "index": _float(mark.index), "last": _float(tick.last), "open": _float(tick.open),
        "high": _float(tick.high), "low": _float(tick.low),
        "change": _float((tick.last - tick.open) / tick.open * 100), "suspended": False,
        "tag": "perpetual" if funding else "quarter", "pair": f"{instrument.base}:{instrument.quote}",
        "openInterest": _float(mark.open_interest), "markPrice": _float(mark.mark),
        "maturityTime": (instrument.expiry_ns or 0) // MILLI, "post_only": False,
        "volumeQuote": _float(tick.turnover),
    }  # fmt: skip


def _short_ticker(instrument: Instrument, tick: TickerTick) -> dict[str, Any]:
    return {
        "feed": "ticker_lite", "product_id": instrument.symbol, "bid": _float(tick.bid[0]),
        "ask": _float(tick.ask[0]), "change": _float((tick.last - tick.open) / tick.open * 100),
        "premium": 0.0, "volume": _float(tick.volume), "tag": "perpetual",
        "pair": f"{instrument.base}:{instrument.quote}", "dtm": 0, "maturityTime": 0,
        "volumeQuote": _float(tick.turnover),
    }  # fmt: skip


# REST.

_OLDER = {"BTC": "XBT", "DOGE": "XDG"}
_LETTERED = {"XBT": "XXBT", "ETH": "XETH", "XDG": "XXDG"}


def _rest_name(instrument: Instrument) -> tuple[str, str]:
    """Return REST's name of a pair and its ``wsname``."""
    base = _OLDER.get(instrument.base, instrument.base)
    name = f"{_LETTERED[base]}ZUSD" if base in _LETTERED and instrument.quote == "USD" else ""
    return name or f"{base}{instrument.quote}", f"{base}/{instrument.quote}"


def pairs_body(instruments: Iterable[Instrument]) -> bytes:
    """Return the body of ``AssetPairs``."""
    rows = {}
    for each in instruments:
        name, wsname = _rest_name(each)
        rules = each.rules or TradingRules()
        rows[name] = {
            "altname": wsname.replace("/", ""), "wsname": wsname, "base": each.base, "quote": each.quote,
            "pair_decimals": _places(rules.tick_size or Decimal(1)),
            "lot_decimals": _places(rules.step_size or Decimal(1)),
            "ordermin": plain(rules.min_quantity or Decimal(0)),
            "costmin": plain(rules.min_notional or Decimal(0)),
            "tick_size": plain(rules.tick_size or Decimal(0)), "status": each.status_venue or "online",
        }  # fmt: skip
    return msgspec.json.encode({"error": [], "result": rows})


def instruments_body(instruments: Iterable[Instrument]) -> bytes:
    """Return the body of ``instruments`` of the futures."""
    rows = []
    for each in instruments:
        rules = each.rules or TradingRules()
        row = {
            "symbol": each.symbol, "type": "futures_inverse" if each.inverse else "flexible_futures",
            "tickSize": _number(rules.tick_size or Decimal(1)), "contractSize": _number(each.contract_size),
            "contractValueTradePrecision": _places(rules.step_size or Decimal(1)), "tradeable": True,
            "base": each.base, "quote": each.quote, "pair": f"{each.base}:{each.quote}", "isExpired": False,
            "postOnly": False,
        }  # fmt: skip
        if each.expiry_ns is not None:
            row["lastTradingTime"] = moment(each.expiry_ns)
        rows.append(row)
    return msgspec.json.encode({"result": "success", "instruments": rows, "serverTime": moment(0)})


def tickers_body(exchange: Exchange, market: SeededMarket) -> bytes:
    """Return the body of the tickers of all instruments."""
    if exchange is SPOT:
        rows = {}
        for each in market.instruments.values():
            tick = market.ticker(each.symbol)
            average = tick.turnover / tick.volume if tick.volume else tick.last
            rows[_rest_name(each)[0]] = {
                "v": [plain(tick.volume)] * 2, "p": [plain(average)] * 2, "c": [plain(tick.last), "1"],
            }  # fmt: skip
        return msgspec.json.encode({"error": [], "result": rows})
    tickers = [
        {"symbol": symbol, "vol24h": _float(tick.volume), "volumeQuote": _float(tick.turnover)}
        for symbol, tick in ((symbol, market.ticker(symbol)) for symbol in market.instruments)
    ]
    return msgspec.json.encode({"result": "success", "tickers": tickers, "serverTime": moment(0)})


def chart_body(ticks: Sequence[CandleTick]) -> bytes:
    """Return the body of the charts of the futures: the earliest candle first."""
    rows = [
        {
            "time": tick.open_ns // MILLI, "open": plain(tick.open), "high": plain(tick.high),
            "low": plain(tick.low), "close": plain(tick.close), "volume": plain(tick.volume),
        }
        for tick in ticks[:MOST_CHARTED]
    ]  # fmt: skip
    return msgspec.json.encode({"candles": rows, "more_candles": len(ticks) > MOST_CHARTED})
