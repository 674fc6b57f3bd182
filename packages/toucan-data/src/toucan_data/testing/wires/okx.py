"""What OKX would send of a `SeededMarket`: its public channels and REST, as facts 2 to 6 show them.

Pure functions from ticks to payloads. A payload is a frame without its ``arg``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from toucan_instrument.decimals import plain
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.okx import inst_type, parse_symbol
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus
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

__all__ = [
    "DEFAULT_SYMBOLS",
    "DEPTH",
    "ShownBooks",
    "books_body",
    "instruments_body",
    "listed",
    "messages_of",
    "opening_of",
    "tickers_body",
]

DEFAULT_SYMBOLS = ("BTC-USDT-SWAP", "ETH-USDT-SWAP")
DEPTH = 400
TOP = 5
MILLI = 1_000_000
HOURS_8_MS = 8 * 3600 * 1000
FIRST = -1
"""What a snapshot follows."""
LINEAR_SIZE = Decimal("0.01")

Named: TypeAlias = tuple[str, Any]
Picture: TypeAlias = Callable[[str, int], BookPicture]


def listed(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument as the test exchange lists it, with rules."""
    found = parse_symbol(exchange, symbol)
    rules = TradingRules(
        tick_size=Decimal("0.1"),
        step_size=Decimal("0.01"),
        min_quantity=Decimal("0.01"),
        max_quantity=Decimal(100_000_000),
    )
    return msgspec.structs.replace(
        found,
        contract_size=found.contract_size or LINEAR_SIZE,
        rules=rules,
        status=InstrumentStatus.TRADING,
        status_venue="live",
    )


class ShownBooks:
    """The books as the channel ``books`` has told them: the best 400 levels a side."""

    def __init__(self) -> None:
        """Start with nothing told."""
        self._told: dict[str, BookPicture] = {}

    def changes(self, market: SeededMarket, tick: BookDelta) -> tuple[Sequence[Pair], Sequence[Pair]]:
        """Return what a delta changes among these levels; a level that falls out of them is taken away."""
        now, before = market.book(tick.symbol, DEPTH), self._told.get(tick.symbol)
        self._told[tick.symbol] = now
        if before is None or max(len(now.bids), len(now.asks)) < DEPTH:
            return tick.bids, tick.asks
        return _changed(before.bids, now.bids), _changed(before.asks, now.asks)


def _changed(before: Sequence[Pair], now: Sequence[Pair]) -> list[Pair]:
    old, new = dict(before), dict(now)
    gone = [(price, Decimal(0)) for price in old if price not in new]
    return gone + [(price, quantity) for price, quantity in new.items() if old.get(price) != quantity]


def _levels(levels: Iterable[Pair]) -> list[list[str]]:
    return [
        [plain(price), plain(quantity) if quantity else "0", "0", "1" if quantity else "0"]
        for price, quantity in levels
    ]


def _ms(time_ns: int) -> str:
    return str(time_ns // MILLI)


def _data(*rows: Any, **more: Any) -> dict[str, Any]:
    return {**more, "data": list(rows)}


def opening_of(name: str, market: SeededMarket) -> list[Any]:
    """Return what a stream begins with."""
    word, _, symbol = name.partition(":")
    if symbol not in market.instruments:
        return []
    if word == "books":
        return [_snapshot(market.book(symbol, DEPTH))]
    if word == "books5":
        return [_top_levels(market.book(symbol, TOP))]
    if word == "tickers":
        return [_ticker_row(market.instruments[symbol], market.ticker(symbol))]
    return []


def _snapshot(book: BookPicture) -> dict[str, Any]:
    row = {
        "asks": _levels(book.asks), "bids": _levels(book.bids), "ts": _ms(book.time_ns), "checksum": 0,
        "seqId": book.last_update_id, "prevSeqId": FIRST,
    }  # fmt: skip
    return _data(row, action="snapshot")


def _top_levels(book: BookPicture) -> dict[str, Any]:
    return _data(
        {
            "asks": _levels(book.asks), "bids": _levels(book.bids), "instId": book.symbol,
            "ts": _ms(book.time_ns), "seqId": book.last_update_id,
        }
    )  # fmt: skip


def messages_of(tick: MarketTick, wanted: set[str], market: SeededMarket, books: ShownBooks) -> list[Named]:
    """Return what a tick sends on the streams that are wanted: names and payloads."""
    writer: Callable[[Any, SeededMarket, ShownBooks], list[Named]] = _WRITERS[type(tick)]
    return [(name, payload) for name, payload in writer(tick, market, books) if name in wanted]


def _trade(tick: TradeTick, market: SeededMarket, books: ShownBooks) -> list[Named]:
    del market, books
    common = {
        "instId": tick.symbol,
        "px": plain(tick.price),
        "side": "sell" if tick.buyer_is_maker else "buy",
        "ts": _ms(tick.time_ns),
    }
    whole = {
        **common, "tradeId": str(tick.last_id), "sz": plain(tick.quantity),
        "count": str(len(tick.quantities)), "source": "0", "seqId": tick.aggregate_id,
    }  # fmt: skip
    return [
        (f"trades:{tick.symbol}", _data(whole)),
        *(
            (
                f"trades-all:{tick.symbol}",
                _data({**common, "tradeId": str(tick.first_id + i), "sz": plain(part), "source": "0"}),
            )
            for i, part in enumerate(tick.quantities)
        ),
    ]


def _top(tick: TopTick, market: SeededMarket, books: ShownBooks) -> list[Named]:
    del market, books
    row = {
        "asks": _levels([tick.ask]), "bids": _levels([tick.bid]), "ts": _ms(tick.time_ns),
        "seqId": tick.update_id,
    }  # fmt: skip
    return [(f"bbo-tbt:{tick.symbol}", _data(row))]


def _delta(tick: BookDelta, market: SeededMarket, books: ShownBooks) -> list[Named]:
    bids, asks = books.changes(market, tick)
    row = {
        "asks": _levels(asks), "bids": _levels(bids), "ts": _ms(tick.time_ns), "checksum": 0,
        "seqId": tick.last_id, "prevSeqId": tick.previous_id,
    }  # fmt: skip
    return [
        (f"books:{tick.symbol}", _data(row, action="update")),
        (f"books5:{tick.symbol}", _top_levels(market.book(tick.symbol, TOP))),
    ]


def _candle(tick: CandleTick, market: SeededMarket, books: ShownBooks) -> list[Named]:
    del books
    kind = market.instruments[tick.symbol].kind
    spot = kind is InstrumentKind.SPOT
    prices = [plain(price) for price in (tick.open, tick.high, tick.low, tick.close)]
    other = plain(tick.turnover) if spot else plain(tick.volume)
    row = [
        _ms(tick.open_ns), *prices, plain(tick.volume), other, plain(tick.turnover),
        "1" if tick.closed else "0",
    ]  # fmt: skip
    return [(f"candle1m:{tick.symbol}", _data(row))]


def _ticker(tick: TickerTick, market: SeededMarket, books: ShownBooks) -> list[Named]:
    del books
    return [(f"tickers:{tick.symbol}", _ticker_row(market.instruments[tick.symbol], tick))]


def _ticker_row(instrument: Instrument, tick: TickerTick) -> dict[str, Any]:
    return _data(_statistics(instrument, tick))


def _statistics(instrument: Instrument, tick: TickerTick) -> dict[str, Any]:
    spot = instrument.kind is InstrumentKind.SPOT
    return {
        "instType": inst_type(instrument.kind), "instId": tick.symbol, "last": plain(tick.last),
        "lastSz": plain(tick.last_quantity), "askPx": plain(tick.ask[0]), "askSz": plain(tick.ask[1]),
        "bidPx": plain(tick.bid[0]), "bidSz": plain(tick.bid[1]), "open24h": plain(tick.open),
        "high24h": plain(tick.high), "low24h": plain(tick.low), "sodUtc0": plain(tick.open),
        "sodUtc8": plain(tick.open), "volCcy24h": plain(tick.turnover if spot else tick.volume),
        "vol24h": plain(tick.volume), "ts": _ms(tick.time_ns),
    }  # fmt: skip


def _mark(tick: MarkTick, market: SeededMarket, books: ShownBooks) -> list[Named]:
    del books
    common = {
        "instId": tick.symbol,
        "instType": inst_type(market.instruments[tick.symbol].kind),
        "ts": _ms(tick.time_ns),
    }
    interest = plain(tick.open_interest)
    named: list[Named] = [
        (f"mark-price:{tick.symbol}", _data({**common, "markPx": plain(tick.mark)})),
        (f"open-interest:{tick.symbol}", _data({**common, "oi": interest, "oiCcy": interest})),
    ]
    if tick.funding_rate is not None and tick.next_funding_ns is not None:
        due = tick.next_funding_ns // MILLI
        row = {
            **common, "fundingRate": plain(tick.funding_rate), "fundingTime": str(due),
            "nextFundingTime": str(due + HOURS_8_MS), "nextFundingRate": "", "method": "current_period",
        }  # fmt: skip
        named.append((f"funding-rate:{tick.symbol}", _data(row)))
    return named


def _liquidation(tick: LiquidationTick, market: SeededMarket, books: ShownBooks) -> list[Named]:
    del books
    instrument = market.instruments[tick.symbol]
    sort = "MARGIN" if instrument.kind is InstrumentKind.SPOT else inst_type(instrument.kind)
    index = f"{instrument.base}-{instrument.quote}"
    order = {
        "bkLoss": "0", "bkPx": plain(tick.price), "ccy": "", "posSide": "long" if tick.sells else "short",
        "side": "sell" if tick.sells else "buy", "sz": plain(tick.quantity), "ts": _ms(tick.time_ns),
    }  # fmt: skip
    row = {
        "details": [order], "instFamily": index, "instId": tick.symbol, "instType": sort, "uly": index,
    }  # fmt: skip
    return [(f"liquidation-orders:{sort}", _data(row))]


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


def _answer(rows: Sequence[Any]) -> bytes:
    return msgspec.json.encode({"code": "0", "msg": "", "data": rows})


def books_body(book: BookPicture) -> bytes:
    """Return the body of ``GET /api/v5/market/books``."""
    row = {
        "asks": _levels(book.asks), "bids": _levels(book.bids), "ts": _ms(book.time_ns),
        "seqId": book.last_update_id,
    }  # fmt: skip
    return _answer([row])


def tickers_body(market: SeededMarket, sort: str) -> bytes:
    """Return the body of ``GET /api/v5/market/tickers`` for a sort of instruments."""
    return _answer(
        [
            _statistics(instrument, market.ticker(symbol))
            for symbol, instrument in market.instruments.items()
            if inst_type(instrument.kind) == sort
        ]
    )


def instruments_body(instruments: Iterable[Instrument], sort: str) -> bytes:
    """Return the body of ``GET /api/v5/public/instruments`` for a sort of instruments."""
    return _answer([_row(each) for each in instruments if inst_type(each.kind) == sort])


def _row(instrument: Instrument) -> dict[str, Any]:
    spot = instrument.kind is InstrumentKind.SPOT
    rules = instrument.rules or TradingRules()

    def text(number: Decimal | None) -> str:
        return "" if number is None else plain(number)

    index = f"{instrument.base}-{instrument.quote}"
    return {
        "instId": instrument.symbol, "instType": inst_type(instrument.kind),
        "baseCcy": instrument.base if spot else "", "quoteCcy": instrument.quote if spot else "",
        "settleCcy": instrument.settle, "uly": "" if spot else index, "instFamily": "" if spot else index,
        "ctVal": "" if spot else plain(instrument.contract_size), "ctMult": "" if spot else "1",
        "ctType": "" if spot else ("inverse" if instrument.inverse else "linear"),
        "ctValCcy": "" if spot else (instrument.quote if instrument.inverse else instrument.base),
        "expTime": "" if instrument.expiry_ns is None else _ms(instrument.expiry_ns),
        "stk": text(instrument.strike), "optType": (instrument.option or "")[:1].upper(),
        "tickSz": text(rules.tick_size), "lotSz": text(rules.step_size), "minSz": text(rules.min_quantity),
        "maxLmtSz": text(rules.max_quantity), "maxMktSz": "", "state": instrument.status_venue or "live",
        "ruleType": "normal", "listTime": "1548133413000", "lever": "10",
    }  # fmt: skip
