"""Binance's list of instruments, ``exchangeInfo``: its rows, filters and limits; facts C.3 and C.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from toucan_instrument.decimals import plain
from toucan_instrument.exchange import Exchange
from toucan_instrument.instrument import Instrument
from toucan_instrument.rules import TradingRules
from toucan_instrument.testing.binance_rest import (
    COIN_M,
    FUTURES,
    SPOT,
    US,
    USD_M,
    contract_type,
    encoded,
    pair_of,
    unit,
)

__all__ = ["RATE_LIMITS", "SPOT_FLAGS", "exchange_info_body", "exchange_information", "filters"]

NEVER_MS = 4_133_404_800_000
ONBOARD_MS = 1_569_398_400_000
FIVE_MINUTES = 5

Row: TypeAlias = dict[str, Any]


def _limit(kind: str, interval: str, number: int, limit: int) -> Row:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


_SPOT_LIMITS = (
    _limit("REQUEST_WEIGHT", "MINUTE", 1, 6_000),
    _limit("ORDERS", "SECOND", 10, 100),
    _limit("ORDERS", "DAY", 1, 200_000),
    _limit("RAW_REQUESTS", "MINUTE", 5, 300_000),
)
_FUTURES_LIMITS = (
    _limit("REQUEST_WEIGHT", "MINUTE", 1, 2_400),
    _limit("ORDERS", "MINUTE", 1, 1_200),
    _limit("ORDERS", "SECOND", 10, 300),
)
RATE_LIMITS: dict[Exchange, tuple[Row, ...]] = {
    SPOT: _SPOT_LIMITS,
    US: _SPOT_LIMITS,
    USD_M: _FUTURES_LIMITS,
    COIN_M: _FUTURES_LIMITS,
}
"""The usual limits, facts C.4."""

SPOT_FLAGS: dict[str, Any] = {
    "icebergAllowed": True,
    "ocoAllowed": True,
    "otoAllowed": True,
    "opoAllowed": False,
    "quoteOrderQtyMarketAllowed": True,
    "allowTrailingStop": False,
    "cancelReplaceAllowed": True,
    "amendAllowed": True,
    "pegInstructionsAllowed": False,
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False,
    "permissions": [],
    "permissionSets": [["SPOT"]],
    "defaultSelfTradePreventionMode": "NONE",
    "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
}
"""What may be done with a spot symbol, unless it is said otherwise."""


def exchange_information(
    exchange: Exchange,
    instruments: Iterable[Instrument],
    now_ns: int,
    *,
    limits: Iterable[Mapping[str, Any]] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Row:
    """Answer ``exchangeInfo``, facts C.3.

    Args:
        exchange: Which market.
        instruments: What was asked for.
        now_ns: When.
        limits: The rows of ``rateLimits``, the usual ones where None.
        flags: Fields of each row that differ from the usual ones.
    """
    listed = list(instruments)
    body: Row = {
        "timezone": "UTC",
        "serverTime": now_ns // unit(exchange),
        "rateLimits": list(RATE_LIMITS[exchange] if limits is None else limits),
        "exchangeFilters": [],
    }
    write = _contract if exchange in FUTURES else _spot
    rows = [{**write(exchange, each, now_ns), **(flags or {})} for each in listed]
    if exchange is USD_M:
        assets = dict.fromkeys(each.settle for each in listed)
        body["futuresType"] = "U_MARGINED"
        body["assets"] = [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "0"} for asset in assets
        ]
    return {**body, "symbols": rows, **({"sors": []} if exchange is SPOT else {})}


def _spot(_: Exchange, instrument: Instrument, now_ns: int) -> Row:
    del now_ns
    return {
        "symbol": instrument.symbol, "status": instrument.status_venue or "TRADING",
        "baseAsset": instrument.base, "baseAssetPrecision": 8, "quoteAsset": instrument.quote,
        "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [
            "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
            "TAKE_PROFIT_LIMIT",
        ],
        "filters": filters(instrument.exchange, instrument.rules),
        **SPOT_FLAGS,
    }  # fmt: skip


def _contract(exchange: Exchange, instrument: Instrument, now_ns: int) -> Row:
    rules = instrument.rules or TradingRules()
    kind = contract_type(instrument, now_ns)
    dated = kind != "PERPETUAL" and instrument.expiry_ns is not None
    status = {("contractStatus" if exchange is COIN_M else "status"): instrument.status_venue or "TRADING"}
    if exchange is COIN_M:
        own: Row = {"contractSize": _whole(instrument.contract_size), "equalQtyPrecision": 4}
    else:
        own = {"settlePlan": 0}
    return {
        "symbol": instrument.symbol, "pair": pair_of(instrument.symbol), "contractType": kind,
        "deliveryDate": (instrument.expiry_ns or 0) // unit(exchange) if dated else NEVER_MS,
        "onboardDate": ONBOARD_MS, **status, **own,
        "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base, "quoteAsset": instrument.quote, "marginAsset": instrument.settle,
        "pricePrecision": _digits(rules.tick_size),
        "quantityPrecision": _digits(rules.step_size),
        "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN", "underlyingSubType": [],
        "triggerProtect": "0.0500", "liquidationFee": "0.010000", "marketTakeBound": "0.30",
        "filters": filters(exchange, instrument.rules),
        "orderTypes": [
            "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", *(["GTD"] if exchange is USD_M else [])],
    }  # fmt: skip


def _whole(size: Decimal) -> int | float:
    """Return a contract's size as the number that it is in the list."""
    return int(size) if size == size.to_integral_value() else float(size)


def _digits(step: Decimal | None) -> int:
    """Return how many places a grid has."""
    exponent = 0 if step is None else step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def filters(exchange: Exchange, rules: TradingRules | None) -> list[Any]:
    """Return the filters that say the rules, and nothing more: read back, they give the same rules.

    A rule that is not known by name is written as it came.
    """
    if rules is None:
        return []
    futures = exchange in FUTURES
    found: list[Any] = [
        _grid("PRICE_FILTER", "Price", "tickSize", (rules.tick_size, rules.min_price, rules.max_price)),
        _grid("LOT_SIZE", "Qty", "stepSize", (rules.step_size, rules.min_quantity, rules.max_quantity)),
    ]
    market = (rules.market_step_size, rules.market_min_quantity, rules.market_max_quantity)
    if any(part is not None for part in market):
        found.append(_grid("MARKET_LOT_SIZE", "Qty", "stepSize", market))
    counts: list[tuple[str, str, int | None]] = [
        ("MAX_NUM_ORDERS", "limit" if futures else "maxNumOrders", rules.max_orders),
        ("MAX_NUM_ALGO_ORDERS", "limit" if futures else "maxNumAlgoOrders", rules.max_algo_orders),
        ("ICEBERG_PARTS", "limit", rules.max_iceberg_parts),
    ]
    found += ({"filterType": name, key: most} for name, key, most in counts if most is not None)
    found += _notional(rules, futures=futures)
    found += _percent_price(rules, futures=futures)
    if rules.max_position is not None:
        found.append({"filterType": "MAX_POSITION", "maxPosition": _text(rules.max_position)})
    return found + [msgspec.Raw(text.encode()) for text in rules.unknown]


def _text(number: Decimal | None) -> str:
    return "0" if number is None else plain(number)


def _grid(name: str, word: str, step: str, numbers: tuple[Decimal | None, ...]) -> Row:
    keys = (step, f"min{word}", f"max{word}")
    return {"filterType": name, **dict(zip(keys, map(_text, numbers), strict=True))}


def _notional(rules: TradingRules, *, futures: bool) -> list[Row]:
    least, most = rules.min_notional, rules.max_notional
    usual = rules.min_notional_market and rules.max_notional_market
    if least is None and most is None and usual:
        return []
    if futures and most is None and usual:
        return [{"filterType": "MIN_NOTIONAL", "notional": _text(least)}]
    return [
        {
            "filterType": "NOTIONAL", "minNotional": _text(least),
            "applyMinToMarket": rules.min_notional_market,
            **({} if most is None else {"maxNotional": _text(most)}),
            "applyMaxToMarket": rules.max_notional_market, "avgPriceMins": FIVE_MINUTES,
        }
    ]  # fmt: skip


def _percent_price(rules: TradingRules, *, futures: bool) -> list[Row]:
    sides = {
        "bidMultiplierUp": rules.bid_multiplier_up,
        "bidMultiplierDown": rules.bid_multiplier_down,
        "askMultiplierUp": rules.ask_multiplier_up,
        "askMultiplierDown": rules.ask_multiplier_down,
    }
    if all(part is None for part in sides.values()):
        return []
    if futures and rules.bid_multiplier_down is None and rules.ask_multiplier_up is None:
        return [
            {
                "filterType": "PERCENT_PRICE", "multiplierUp": _text(rules.bid_multiplier_up),
                "multiplierDown": _text(rules.ask_multiplier_down), "multiplierDecimal": "4",
            }
        ]  # fmt: skip
    texts = {key: _text(part) for key, part in sides.items()}
    return [{"filterType": "PERCENT_PRICE_BY_SIDE", **texts, "avgPriceMins": FIVE_MINUTES}]


def exchange_info_body(exchange: Exchange, instruments: Iterable[Instrument], now_ns: int) -> bytes:
    """Return the body of ``GET exchangeInfo``."""
    return encoded(exchange_information(exchange, instruments, now_ns))
