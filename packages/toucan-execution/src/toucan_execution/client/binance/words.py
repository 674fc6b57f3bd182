"""Binance's words for things, and toucan's: tables both ways.

A word that is not in a table is not an error: the field becomes ``UNKNOWN`` (or None, where there is no such
member) and the venue's word is kept in `Order.unknown_words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from toucan_execution.account import MarginType
from toucan_execution.orders import (
    ListKind,
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    ResponseKind,
    SelfTradePrevention,
    TimeInForce,
    TriggerPrice,
)
from toucan_instrument import Side

__all__ = [
    "ALGO_STATUSES",
    "EXPIRY_REASONS",
    "FUTURES_TYPES",
    "FUTURES_TYPE_WORDS",
    "LIST_KINDS",
    "MARGIN_TYPES",
    "MARGIN_TYPE_WORDS",
    "POSITION_SIDES",
    "POSITION_SIDE_WORDS",
    "PREVENTIONS",
    "PREVENTION_WORDS",
    "PRICE_MATCH_WORDS",
    "RESPONSE_WORDS",
    "SIDES",
    "SIDE_WORDS",
    "SPOT_TYPES",
    "SPOT_TYPE_WORDS",
    "STATUSES",
    "TIMES_IN_FORCE",
    "TIME_IN_FORCE_WORDS",
    "TRIGGER_PRICES",
    "TRIGGER_PRICE_WORDS",
    "Strange",
    "look_up",
]

K = TypeVar("K")

SIDES: Mapping[str, Side] = {"BUY": Side.BUY, "SELL": Side.SELL}
SIDE_WORDS: Mapping[Side, str] = {side: word for word, side in SIDES.items()}

SPOT_TYPES: Mapping[str, OrderType] = {
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,  # and post-only
    "MARKET": OrderType.MARKET,
    "STOP_LOSS": OrderType.STOP_MARKET,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT_MARKET,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_LIMIT,
}
"""Facts D.1.3. A ``STOP_LOSS`` that has a trailing delta and no stop price is a trailing stop."""
SPOT_TYPE_WORDS: Mapping[OrderType, str] = {
    OrderType.LIMIT: "LIMIT",  # LIMIT_MAKER if it is post-only
    OrderType.MARKET: "MARKET",
    OrderType.STOP_MARKET: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT_MARKET: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
    OrderType.TRAILING_STOP_MARKET: "STOP_LOSS",
}

FUTURES_TYPES: Mapping[str, OrderType] = {
    "LIMIT": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "STOP": OrderType.STOP_LIMIT,
    "STOP_MARKET": OrderType.STOP_MARKET,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT_LIMIT,
    "TAKE_PROFIT_MARKET": OrderType.TAKE_PROFIT_MARKET,
    "TRAILING_STOP_MARKET": OrderType.TRAILING_STOP_MARKET,
    "LIQUIDATION": OrderType.LIQUIDATION,
}
"""Facts D.2.3 and D.2.4."""
FUTURES_TYPE_WORDS: Mapping[OrderType, str] = {
    kind: word for word, kind in FUTURES_TYPES.items() if kind is not OrderType.LIQUIDATION
}

TIMES_IN_FORCE: Mapping[str, TimeInForce] = {
    "GTC": TimeInForce.GTC,
    "GTE_GTC": TimeInForce.GTC,  # as GTC; the venue ends it with the position (facts D.2.4)
    "GTX": TimeInForce.GTC,  # and post-only
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTD": TimeInForce.GTD,
    "RPI": TimeInForce.RPI,  # and post-only
}
TIME_IN_FORCE_WORDS: Mapping[TimeInForce, str] = {
    TimeInForce.GTC: "GTC",  # GTX if it is post-only, on the futures
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.GTD: "GTD",
    TimeInForce.RPI: "RPI",
}

STATUSES: Mapping[str, OrderStatus] = {
    "NEW": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.OPEN,  # the leg of a list that waits for another (facts D.1.3)
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "PENDING_CANCEL": OrderStatus.CANCEL_IN_FLIGHT,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED_IN_MATCH,
    "REJECTED": OrderStatus.REJECTED,
}
"""Facts D.1.3 and D.2.3. ``NEW_INSURANCE`` and ``NEW_ADL`` say how, not how far: see `normalise`."""

ALGO_STATUSES: Mapping[str, OrderStatus] = {
    "NEW": OrderStatus.OPEN,
    "TRIGGERING": OrderStatus.OPEN,
    "TRIGGERED": OrderStatus.OPEN,
    "CANCELED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
}
"""Facts D.2.4 and E.5; how far it is filled comes on top, and ``FINISHED`` needs that: see
`normalise_futures.algo_order`."""

PREVENTIONS: Mapping[str, SelfTradePrevention] = {
    "NONE": SelfTradePrevention.NONE,
    "EXPIRE_NONE": SelfTradePrevention.NONE,  # so portfolio margin's streams spell it
    "EXPIRE_TAKER": SelfTradePrevention.EXPIRE_TAKER,
    "EXPIRE_MAKER": SelfTradePrevention.EXPIRE_MAKER,
    "EXPIRE_BOTH": SelfTradePrevention.EXPIRE_BOTH,
    "DECREMENT": SelfTradePrevention.DECREMENT,
    "TRANSFER": SelfTradePrevention.TRANSFER,
}
PREVENTION_WORDS: Mapping[SelfTradePrevention, str] = {
    mode: word for word, mode in PREVENTIONS.items() if word != "EXPIRE_NONE"
}

TRIGGER_PRICES: Mapping[str, TriggerPrice] = {
    "CONTRACT_PRICE": TriggerPrice.LAST,
    "MARK_PRICE": TriggerPrice.MARK,
}
TRIGGER_PRICE_WORDS: Mapping[TriggerPrice, str] = {price: word for word, price in TRIGGER_PRICES.items()}

POSITION_SIDES: Mapping[str, PositionSide] = {
    "BOTH": PositionSide.BOTH,
    "LONG": PositionSide.LONG,
    "SHORT": PositionSide.SHORT,
}
POSITION_SIDE_WORDS: Mapping[PositionSide, str] = {side: word for word, side in POSITION_SIDES.items()}

MARGIN_TYPES: Mapping[str, MarginType] = {
    "cross": MarginType.CROSS,
    "crossed": MarginType.CROSS,
    "isolated": MarginType.ISOLATED,
}
"""Facts D.2.2 and E.5: in lower case or capitals, by endpoint; look them up in lower case."""
MARGIN_TYPE_WORDS: Mapping[MarginType, str] = {MarginType.CROSS: "CROSSED", MarginType.ISOLATED: "ISOLATED"}

LIST_KINDS: Mapping[str, ListKind] = {
    "OCO": ListKind.OCO,
    "OTO": ListKind.OTO,
    "OTOCO": ListKind.OTOCO,
    "OPO": ListKind.OPO,
    "OPOCO": ListKind.OPOCO,
}
"""OTOCO, OPO and OPOCO lists report OTO (facts D.1.9)."""

PRICE_MATCH_WORDS: Mapping[PriceMatch, str] = {match: match.value.upper() for match in PriceMatch}
RESPONSE_WORDS: Mapping[ResponseKind, str] = {kind: kind.value.upper() for kind in ResponseKind}

EXPIRY_REASONS: Mapping[str, str] = {
    "0": "",
    "1": "self-trade prevention",
    "2": "the rest of an immediate-or-cancel order",
    "3": "the rest of an immediate-or-cancel order, by self-trade prevention",
    "4": "knocked out by a reduce-only or market order of higher priority, or it would reverse the position",
    "5": "liquidation",
    "6": "its good-till-executed condition no longer held",
    "7": "the symbol was delisted",
    "8": "the initial order expired after its stop was triggered",
    "9": "the rest of a market order",
    "10": "a fill-or-kill order that could not be filled",
    "11": "a post-only order that would have matched",
}
"""The futures' ``er``, in words (facts E.5). Spot gives words of its own."""


class Strange(list[str]):
    """The words of one message that toucan does not know, each as ``field=word``."""


def look_up(table: Mapping[str, K], word: str | None, field: str, strange: Strange) -> K | None:
    """Return what a word means; None for no word, and for one that is not known, which is noted."""
    if not word:
        return None
    found = table.get(word)
    if found is None:
        strange.append(f"{field}={word}")
    return found
