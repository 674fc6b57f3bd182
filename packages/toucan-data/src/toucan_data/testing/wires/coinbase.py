"""What Coinbase would send of a `SeededMarket`: the payloads of both APIs, as facts 2, 6 and 7 show them.

Pure functions from ticks to payloads. A payload of Exchange is a frame; one of Advanced Trade is an event,
which its frames number and stamp.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from toucan_instrument.decimals import plain
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.coinbase import parse_symbol
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus
from toucan_instrument.rules import TradingRules
from toucan_instrument.testing.market import (
    BookDelta,
    BookPicture,
    CandleTick,
    Pair,
    TickerTick,
    TradeTick,
)
from toucan_instrument.timestamps import to_datetime

__all__ = [
    "FIVE_MINUTES",
    "advanced_bars",
    "advanced_candle",
    "advanced_changes",
    "advanced_product",
    "advanced_products",
    "advanced_snapshot",
    "advanced_ticker",
    "advanced_trades",
    "exchange_bars",
    "exchange_changes",
    "exchange_heartbeat",
    "exchange_matches",
    "exchange_products",
    "exchange_snapshot",
    "exchange_stats",
    "exchange_ticker",
    "five_minutes",
    "iso",
    "listed",
]

SECOND = 1_000_000_000
FIVE_MINUTES = 300 * SECOND
HOUR = 3600 * SECOND
MAKER = "f07e510f-4edf-469d-b844-4f670f1e93f1"
TAKER = "55c8b85c-75ae-4cd5-9775-eba950fc4605"


def listed(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument as the test exchange lists it, with rules."""
    rules = TradingRules(
        tick_size=Decimal("0.01"),
        step_size=Decimal("0.001"),
        min_notional=Decimal(1),
    )
    return msgspec.structs.replace(
        parse_symbol(exchange, symbol),
        rules=rules,
        status=InstrumentStatus.TRADING,
        status_venue="online",
    )


def iso(time_ns: int, *, nanoseconds: bool = False) -> str:
    """Return a time as both APIs write it: microseconds, or nanoseconds with the zeros at the end cut."""
    moment = to_datetime(time_ns)
    whole = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if not nanoseconds:
        return f"{whole}.{moment.microsecond:06}Z"
    fraction = f"{time_ns % SECOND:09}".rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def _maker(tick: TradeTick) -> str:
    """Return the side of whoever rested, which is what Coinbase says of a trade."""
    return "buy" if tick.buyer_is_maker else "sell"


def _rows(pairs: Iterable[Pair]) -> list[list[str]]:
    return [[plain(price), plain(quantity)] for price, quantity in pairs]


# Exchange.


def exchange_matches(tick: TradeTick, *, word: str = "match") -> list[dict[str, Any]]:
    """Return the messages of ``matches``: one for each fill."""
    return [
        {
            "type": word, "trade_id": tick.first_id + i, "maker_order_id": MAKER, "taker_order_id": TAKER,
            "side": _maker(tick), "size": plain(part), "price": plain(tick.price),
            "product_id": tick.symbol, "sequence": 7 * (tick.first_id + i), "time": iso(tick.time_ns),
        }
        for i, part in enumerate(tick.quantities)
    ]  # fmt: skip


def exchange_changes(tick: BookDelta) -> dict[str, Any]:
    """Return a message of ``level2_batch``; a level that is gone is ``0.00000000``."""
    changes = [["buy", *row] for row in _rows(tick.bids)] + [["sell", *row] for row in _rows(tick.asks)]
    changes = [
        [side, price, quantity if float(quantity) else "0.00000000"] for side, price, quantity in changes
    ]
    return {"type": "l2update", "product_id": tick.symbol, "changes": changes, "time": iso(tick.time_ns)}


def exchange_snapshot(picture: BookPicture) -> dict[str, Any]:
    """Return what ``level2_batch`` begins with: the whole book."""
    asks, bids = _rows(picture.asks), _rows(picture.bids)
    time = iso(picture.time_ns)
    return {"type": "snapshot", "product_id": picture.symbol, "asks": asks, "bids": bids, "time": time}


def exchange_ticker(tick: TickerTick) -> dict[str, Any]:
    """Return a message of ``ticker``."""
    return {
        "type": "ticker", "sequence": 7 * max(tick.last_id, 0), "product_id": tick.symbol,
        "price": plain(tick.last), "open_24h": plain(tick.open), "volume_24h": plain(tick.volume),
        "low_24h": plain(tick.low), "high_24h": plain(tick.high), "volume_30d": plain(tick.volume),
        "best_bid": plain(tick.bid[0]), "best_bid_size": plain(tick.bid[1]),
        "best_ask": plain(tick.ask[0]), "best_ask_size": plain(tick.ask[1]), "side": "buy",
        "time": iso(tick.time_ns), "trade_id": tick.last_id, "last_size": plain(tick.last_quantity),
    }  # fmt: skip


def exchange_heartbeat(symbol: str, last_trade_id: int, time_ns: int) -> dict[str, Any]:
    """Return a message of ``heartbeat``."""
    return {
        "type": "heartbeat", "sequence": 7 * last_trade_id, "last_trade_id": last_trade_id,
        "product_id": symbol, "time": iso(time_ns),
    }  # fmt: skip


def exchange_products(instruments: Iterable[Instrument]) -> bytes:
    """Return the body of ``GET /products``."""
    return msgspec.json.encode(
        [
            {
                "id": each.symbol, "base_currency": each.base, "quote_currency": each.quote,
                **_increments(each), "display_name": each.symbol, "min_market_funds": "1",
                "margin_enabled": False, "post_only": False, "limit_only": False, "cancel_only": False,
                "status": each.status_venue or "online", "status_message": "", "trading_disabled": False,
                "fx_stablecoin": False, "max_slippage_percentage": "0.02000000", "auction_mode": False,
                "high_bid_limit_percentage": "",
            }
            for each in instruments
        ]
    )  # fmt: skip


def _increments(instrument: Instrument) -> dict[str, str]:
    rules = instrument.rules or TradingRules()
    return {
        "quote_increment": plain(rules.tick_size or Decimal("0.01")),
        "base_increment": plain(rules.step_size or Decimal("0.001")),
    }


def exchange_stats(tickers: Iterable[TickerTick]) -> bytes:
    """Return the body of ``GET /products/stats``."""
    return msgspec.json.encode(
        {
            tick.symbol: {
                "stats_30day": {"volume": plain(tick.volume)},
                "stats_24hour": {
                    "open": plain(tick.open), "high": plain(tick.high), "low": plain(tick.low),
                    "last": plain(tick.last), "volume": plain(tick.volume),
                },
            }
            for tick in tickers
        }
    )  # fmt: skip


def exchange_bars(ticks: Sequence[CandleTick]) -> bytes:
    """Return the body of ``GET /products/{id}/candles``: numbers, the newest first."""
    return msgspec.json.encode(
        [
            [
                tick.open_ns // SECOND,
                *(
                    msgspec.Raw(plain(each).encode())
                    for each in (tick.low, tick.high, tick.open, tick.close, tick.volume)
                ),
            ]
            for tick in reversed(ticks)
        ]
    )


# Advanced Trade.


def advanced_trades(ticks: Sequence[TradeTick], *, word: str = "update") -> dict[str, Any]:
    """Return an event of ``market_trades``: the newest fill first."""
    rows = [
        {
            "product_id": tick.symbol, "trade_id": str(tick.first_id + i), "price": plain(tick.price),
            "size": plain(part), "time": iso(tick.time_ns), "side": _maker(tick).upper(),
        }
        for tick in ticks
        for i, part in enumerate(tick.quantities)
    ]  # fmt: skip
    return {"type": word, "trades": rows[::-1]}


def _level(side: str, pair: Pair, time_ns: int) -> dict[str, str]:
    price, quantity = plain(pair[0]), plain(pair[1]) if pair[1] else "0"
    return {"side": side, "event_time": iso(time_ns), "price_level": price, "new_quantity": quantity}


def advanced_changes(tick: BookDelta) -> dict[str, Any]:
    """Return an event of ``level2`` that changes a book."""
    rows = [_level("bid", pair, tick.time_ns) for pair in tick.bids]
    rows += [_level("offer", pair, tick.time_ns) for pair in tick.asks]
    return {"type": "update", "product_id": tick.symbol, "updates": rows}


def advanced_snapshot(picture: BookPicture) -> dict[str, Any]:
    """Return what ``level2`` begins with: the whole book, its sides and prices in no order (facts 7.3)."""
    rows = [_level("bid", pair, picture.time_ns) for pair in picture.bids]
    rows += [_level("offer", pair, picture.time_ns) for pair in picture.asks]
    return {"type": "snapshot", "product_id": picture.symbol, "updates": rows[1::2] + rows[::2]}


def advanced_ticker(tick: TickerTick, *, word: str = "update") -> dict[str, Any]:
    """Return an event of ``ticker``."""
    percent = ((tick.last - tick.open) / tick.open * 100).quantize(Decimal("0.00000001"))
    row = {
        "type": "ticker", "product_id": tick.symbol, "price": plain(tick.last),
        "volume_24_h": plain(tick.volume), "low_24_h": plain(tick.low), "high_24_h": plain(tick.high),
        "low_52_w": plain(tick.low), "high_52_w": plain(tick.high), "price_percent_chg_24_h": plain(percent),
        "best_bid": plain(tick.bid[0]), "best_ask": plain(tick.ask[0]),
        "best_bid_quantity": plain(tick.bid[1]), "best_ask_quantity": plain(tick.ask[1]),
    }  # fmt: skip
    return {"type": word, "tickers": [row]}


def five_minutes(minutes: Sequence[CandleTick]) -> CandleTick:
    """Return the candle of 5 minutes that those of its minutes make, as far as they are known."""
    first, last = minutes[0], minutes[-1]
    return msgspec.structs.replace(
        last,
        open_ns=first.open_ns - first.open_ns % FIVE_MINUTES,
        interval_ns=FIVE_MINUTES,
        open=first.open,
        high=max(minute.high for minute in minutes),
        low=min(minute.low for minute in minutes),
        volume=sum((minute.volume for minute in minutes), Decimal(0)),
        closed=False,
    )


def advanced_candle(tick: CandleTick, *, word: str = "update") -> dict[str, Any]:
    """Return an event of ``candles``."""
    return {"type": word, "candles": [{**_bar(tick), "product_id": tick.symbol}]}


def _bar(tick: CandleTick) -> dict[str, str]:
    return {
        "start": str(tick.open_ns // SECOND), "high": plain(tick.high), "low": plain(tick.low),
        "open": plain(tick.open), "close": plain(tick.close), "volume": plain(tick.volume),
    }  # fmt: skip


def advanced_bars(ticks: Sequence[CandleTick]) -> bytes:
    """Return the body of ``GET /api/v3/brokerage/market/products/{id}/candles``: the newest first."""
    return msgspec.json.encode({"candles": [_bar(tick) for tick in reversed(ticks)]})


def advanced_products(instruments: Sequence[Instrument], tickers: Iterable[TickerTick]) -> bytes:
    """Return the body of ``GET /api/v3/brokerage/market/products``."""
    known = {tick.symbol: tick for tick in tickers}
    rows = [_product(each, known.get(each.symbol)) for each in instruments]
    return msgspec.json.encode({"products": rows, "num_products": len(rows)})


def advanced_product(instrument: Instrument, tick: TickerTick) -> bytes:
    """Return the body of ``GET /api/v3/brokerage/market/products/{id}``."""
    return msgspec.json.encode(_product(instrument, tick))


def _product(instrument: Instrument, tick: TickerTick | None) -> dict[str, Any]:
    spot = instrument.kind is InstrumentKind.SPOT
    row: dict[str, Any] = {
        "product_id": instrument.symbol, "price": plain(tick.last) if tick else "",
        "volume_24h": plain(tick.volume) if tick else "", **_increments(instrument),
        "price_increment": _increments(instrument)["quote_increment"], "quote_min_size": "1",
        "quote_max_size": "150000000", "base_min_size": _increments(instrument)["base_increment"],
        "base_max_size": "3400", "is_disabled": False, "status": "online" if spot else "",
        "cancel_only": False, "limit_only": False, "post_only": False, "trading_disabled": False,
        "auction_mode": False, "view_only": False, "product_type": "SPOT" if spot else "FUTURE",
        "quote_currency_id": instrument.quote, "base_currency_id": instrument.base if spot else "",
        "alias": "", "alias_to": [], "product_venue": "CBE" if spot else "FCM", "best_bid_price": "",
        "best_ask_price": "",
    }  # fmt: skip
    if not spot:
        perpetual = instrument.kind is InstrumentKind.PERPETUAL
        due = iso(tick.time_ns - tick.time_ns % HOUR + HOUR) if tick else ""
        row["future_product_details"] = {
            "contract_expiry": iso(instrument.expiry_ns) if instrument.expiry_ns else "",
            "contract_size": plain(instrument.contract_size), "contract_root_unit": instrument.base,
            "contract_expiry_type": "EXPIRING", "funding_rate": "0.000012" if perpetual else "",
            "funding_interval": "3600s" if perpetual else "", "funding_time": due if perpetual else "",
            "open_interest": plain(tick.volume) if tick else "", "index_price": row["price"],
        }  # fmt: skip
    return row
