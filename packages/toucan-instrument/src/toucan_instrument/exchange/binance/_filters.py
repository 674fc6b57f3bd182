"""Binance's filters as trading rules; facts C.3.2 and C.3.3."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput
from toucan_instrument.rules import TradingRules

__all__ = ["rules_of"]

# Whatever is written as a number keeps its digits.
_FILTER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def _number(filter_: dict[str, Any], key: str) -> Decimal | None:
    """Return a limit; zero, or nothing, means that there is none."""
    value = filter_.get(key)
    return None if value is None else (decimal_of(value, field=key) or None)


def _least_zero(filter_: dict[str, Any], key: str) -> Decimal | None:
    """Return a bound of prices or quantities, which cannot be below zero."""
    number = _number(filter_, key)
    if number is not None and number < 0:
        raise InvalidInput("a limit is not below zero", field=key, value=number)
    return number


def _count(filter_: dict[str, Any], *keys: str) -> int | None:
    return next((int(filter_[key]) for key in keys if key in filter_), None)


def _grid(filter_: dict[str, Any], word: str, step: str) -> tuple[Decimal | None, ...]:
    return tuple(_least_zero(filter_, key) for key in (step, f"min{word}", f"max{word}"))


def _lot(names: tuple[str, ...]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda f: dict(zip(names, _grid(f, "Qty", "stepSize"), strict=True))


_FILTERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "PRICE_FILTER": lambda f: dict(
        zip(("tick_size", "min_price", "max_price"), _grid(f, "Price", "tickSize"), strict=True)
    ),
    "LOT_SIZE": _lot(("step_size", "min_quantity", "max_quantity")),
    "MARKET_LOT_SIZE": _lot(("market_step_size", "market_min_quantity", "market_max_quantity")),
    "MIN_NOTIONAL": lambda f: {  # spot's older form, and the futures' own
        "min_notional": _least_zero(f, "minNotional") or _least_zero(f, "notional"),
        "min_notional_market": bool(f.get("applyToMarket", True)),
    },
    "NOTIONAL": lambda f: {
        "min_notional": _least_zero(f, "minNotional"),
        "max_notional": _least_zero(f, "maxNotional"),
        "min_notional_market": bool(f.get("applyMinToMarket", True)),
        "max_notional_market": bool(f.get("applyMaxToMarket", True)),
    },
    "PERCENT_PRICE_BY_SIDE": lambda f: {
        "bid_multiplier_up": _least_zero(f, "bidMultiplierUp"),
        "bid_multiplier_down": _least_zero(f, "bidMultiplierDown"),
        "ask_multiplier_up": _least_zero(f, "askMultiplierUp"),
        "ask_multiplier_down": _least_zero(f, "askMultiplierDown"),
    },
    "MAX_NUM_ORDERS": lambda f: {"max_orders": _count(f, "maxNumOrders", "limit")},
    "MAX_NUM_ALGO_ORDERS": lambda f: {"max_algo_orders": _count(f, "maxNumAlgoOrders", "limit")},
    "ICEBERG_PARTS": lambda f: {"max_iceberg_parts": _count(f, "limit")},
    "MAX_POSITION": lambda f: {"max_position": _least_zero(f, "maxPosition")},
}


def _percent_price(filter_: dict[str, Any], *, one_sided: bool) -> dict[str, Any]:
    """Read PERCENT_PRICE: on spot both bounds hold for both sides, on the futures one each (C.3.3)."""
    up, down = _least_zero(filter_, "multiplierUp"), _least_zero(filter_, "multiplierDown")
    if one_sided:
        return {"bid_multiplier_up": up, "ask_multiplier_down": down}
    return {
        "bid_multiplier_up": up,
        "bid_multiplier_down": down,
        "ask_multiplier_up": up,
        "ask_multiplier_down": down,
    }


def rules_of(filters: Iterable[bytes], *, futures: bool) -> TradingRules | None:
    """Return the trading rules of a symbol's filters, None where it has none.

    A filter that is not known, or whose numbers cannot be read, is kept in `TradingRules.unknown`: it
    hides no instrument.

    Args:
        filters: Each filter's JSON.
        futures: Whether the steps count from the minimum, and PERCENT_PRICE has one bound for each side.
    """
    fields: dict[str, Any] = {}
    unknown: list[str] = []
    for raw in filters:
        read: dict[str, Any] | None = None
        try:
            filter_ = _FILTER.decode(raw)
            name = filter_.get("filterType")
            if name == "PERCENT_PRICE":
                read = _percent_price(filter_, one_sided=futures)
            elif isinstance(name, str) and name in _FILTERS:
                read = _FILTERS[name](filter_)
        except (ValueError, TypeError, ArithmeticError, RecursionError):
            read = None
        if read is None:
            unknown.append(bytes(raw).decode("utf-8", "replace"))
        else:
            fields |= read
    if not fields and not unknown:
        return None
    return TradingRules(price_anchored=futures, quantity_anchored=futures, unknown=tuple(unknown), **fields)
