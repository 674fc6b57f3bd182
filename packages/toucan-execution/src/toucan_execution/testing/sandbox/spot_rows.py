"""Spot's orders, lists and fills as REST and the WebSocket API show them (facts D.1.3 to D.1.9)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeAlias

from toucan_execution.client.binance.words import (
    PREVENTION_WORDS,
    SIDE_WORDS,
    SPOT_TYPE_WORDS,
    TIME_IN_FORCE_WORDS,
)
from toucan_execution.events import TradeUpdate
from toucan_execution.orders import ListKind, Order, OrderList, OrderStatus, ResponseKind, SelfTradePrevention
from toucan_execution.testing.sandbox.spot_memory import Note, is_working
from toucan_instrument.decimals import plain

__all__ = [
    "Row",
    "ack_row",
    "amended_row",
    "cancelled_row",
    "conditional",
    "contingency",
    "eight",
    "expiry_reason",
    "list_number",
    "list_row",
    "milli",
    "placed_row",
    "prevention_word",
    "queried_row",
    "time_word",
    "trade_row",
    "type_word",
    "working_ns",
]

Row: TypeAlias = dict[str, Any]

ZERO = Decimal(0)
DIGITS = 8
NOT_WORKING = -1
NO_LIST = -1
PREVENTED = (
    "preventedMatchId", "makerOrderId", "price", "takerPreventedQuantity", "makerPreventedQuantity",
)  # fmt: skip
"""What the answer to an order says of a prevented match."""


def eight(value: Decimal | None) -> str:
    """Return a number with the venue's eight decimals; with more where it has more: nothing is rounded."""
    number = ZERO if value is None else value
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -DIGITS:
        number = number.normalize()
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -DIGITS:
            return plain(number)
    return f"{number:.{DIGITS}f}"


def milli(time_ns: int | None) -> int:
    """Return a time as the venue writes it."""
    return (time_ns or 0) // 1_000_000


def list_number(order: Order) -> int:
    """Return the number of the list that an order belongs to, -1 for none."""
    return int(order.list_id) if order.list_id else NO_LIST


def type_word(order: Order) -> str:
    """Return the venue's word for an order's type."""
    return "LIMIT_MAKER" if order.post_only else SPOT_TYPE_WORDS[order.type]


def time_word(order: Order) -> str:
    """Return the venue's word for how long an order stands: GTC where it has nothing to say."""
    return TIME_IN_FORCE_WORDS[order.time_in_force] if order.time_in_force else "GTC"


def prevention_word(order: Order) -> str:
    """Return the venue's word for an order's self-trade prevention."""
    return PREVENTION_WORDS[order.self_trade_prevention or SelfTradePrevention.NONE]


def contingency(order_list: OrderList) -> str:
    """Return the venue's word for a list: all that wait for an order are OTO (facts D.1.9)."""
    return "OCO" if order_list.kind is ListKind.OCO else "OTO"


def working_ns(order: Order, note: Note) -> int | None:
    """Return since when an order works, or has worked; None for never."""
    if note.working_ns is not None or note.client_order_id:
        return note.working_ns
    return order.created_ns if is_working(order) else None  # forgotten: as near as can be said


def expiry_reason(order: Order) -> str:
    """Return why an order has expired or was refused, in the venue's word; empty where it was not."""
    if order.status is OrderStatus.REJECTED:
        return "REJECTED"
    return order.reason if order.status is OrderStatus.EXPIRED else ""


# Parts.


def _shown_price(order: Order, note: Note) -> Decimal | None:
    """Return the limit price; that of a pegged order stands elsewhere."""
    return None if note.peg is not None else order.price


def _named(order: Order) -> Row:
    return {
        "symbol": order.instrument.symbol,
        "orderId": int(order.order_id),
        "orderListId": list_number(order),
    }


def _numbers(order: Order, note: Note) -> Row:
    quantity = {} if _waits_for_quantity(order) else {"origQty": eight(order.quantity)}
    return {
        "price": eight(_shown_price(order, note)),
        **quantity,
        "executedQty": eight(order.filled_quantity),
        "origQuoteOrderQty": eight(order.quote_quantity),
        "cummulativeQuoteQty": eight(order.filled_quote),
        "status": order.status_venue,
        "timeInForce": time_word(order),
        "type": type_word(order),
        "side": SIDE_WORDS[order.side],
    }


def _waits_for_quantity(order: Order) -> bool:
    """Tell whether nobody knows yet how much it is: what it waits for has not been bought (OPO)."""
    return order.quantity is None and order.status_venue == "PENDING_NEW"


def _triggers(order: Order) -> Row:
    """Return the fields of stops and icebergs, where it is one."""
    row: Row = {}
    if order.trigger_price is not None:
        row["stopPrice"] = eight(order.trigger_price)
    if order.iceberg_quantity is not None:
        row["icebergQty"] = eight(order.iceberg_quantity)
    return row


def conditional(order: Order, note: Note) -> Row:
    """Return the fields of an answer that are there where they apply (facts D.1.3)."""
    row: Row = {}
    if order.trailing_bips is not None:
        row["trailingDelta"] = order.trailing_bips
    if note.strategy_id is not None:
        row["strategyId"] = note.strategy_id
    if note.strategy_type is not None:
        row["strategyType"] = note.strategy_type
    if order.prevented_quantity:
        if note.match_id is not None:
            row["preventedMatchId"] = note.match_id
        row["preventedQuantity"] = eight(order.prevented_quantity)
    if note.sor:
        row |= {"workingFloor": "SOR", "usedSor": True}
    if reason := expiry_reason(order):
        row["expiryReason"] = reason
    return {**row, **_pegged(order, note)}


def _pegged(order: Order, note: Note) -> Row:
    if note.peg is None:
        return {}
    price, offset, levels = note.peg
    row: Row = {"pegPriceType": price}
    if offset is not None:
        row |= {"pegOffsetType": offset, "pegOffsetValue": levels}
    if order.price is not None:
        row["peggedPrice"] = eight(order.price)
    return row


def _works(order: Order, note: Note) -> int:
    since = working_ns(order, note)
    return NOT_WORKING if since is None else milli(since)


# Orders.


def ack_row(order: Order, time_ms: int) -> Row:
    """Return what names a new order."""
    return {**_named(order), "clientOrderId": order.client_order_id, "transactTime": time_ms}


def placed_row(
    order: Order,
    note: Note,
    time_ms: int,
    kind: ResponseKind = ResponseKind.RESULT,
    fills: Iterable[TradeUpdate] = (),
) -> Row:
    """Return what a new order is answered with."""
    row = ack_row(order, time_ms)
    if kind is ResponseKind.ACK:
        return row
    row |= {**_numbers(order, note), **_triggers(order), "workingTime": _works(order, note)}
    if kind is ResponseKind.FULL:
        row["fills"] = [
            {
                "price": eight(fill.price), "qty": eight(fill.quantity), "commission": eight(fill.fee),
                "commissionAsset": fill.fee_asset, "tradeId": int(fill.trade_id),
            }
            for fill in fills
        ]  # fmt: skip
    if kind is ResponseKind.FULL and note.prevented_matches:
        row["preventedMatches"] = [
            {name: match[name] for name in PREVENTED if name in match} for match in note.prevented_matches
        ]
    return {**row, "selfTradePreventionMode": prevention_word(order), **conditional(order, note)}


def cancelled_row(order: Order, note: Note, time_ms: int, cancel_id: str) -> Row:
    """Return what a cancel is answered with: its id stands where the order's own was (facts D.1.6)."""
    return {
        "symbol": order.instrument.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": int(order.order_id),
        "orderListId": list_number(order),
        "clientOrderId": cancel_id,
        "transactTime": time_ms,
        **_numbers(order, note),
        **_triggers(order),
        "selfTradePreventionMode": prevention_word(order),
        **conditional(order, note),
    }


def queried_row(order: Order, note: Note) -> Row:
    """Return an order as it is shown to those who ask for it (facts D.1.4)."""
    numbers = _numbers(order, note)
    spend = numbers.pop("origQuoteOrderQty")
    return {
        **_named(order),
        "clientOrderId": order.client_order_id,
        **numbers,
        "stopPrice": eight(order.trigger_price),
        "icebergQty": eight(order.iceberg_quantity),
        "time": milli(order.created_ns),
        "updateTime": milli(order.updated_ns),
        "isWorking": working_ns(order, note) is not None,
        "workingTime": _works(order, note),
        "origQuoteOrderQty": spend,
        "selfTradePreventionMode": prevention_word(order),
        **conditional(order, note),
    }


def amended_row(order: Order, note: Note, before: Order) -> Row:
    """Return an order after it was made smaller, whose fields have other names (facts D.1.8)."""
    return {
        **_named(order),
        "origClientOrderId": before.client_order_id,
        "clientOrderId": order.client_order_id,
        "price": eight(_shown_price(order, note)),
        "qty": eight(order.quantity),
        "executedQty": eight(order.filled_quantity),
        "preventedQty": eight(order.prevented_quantity),
        "quoteOrderQty": eight(order.quote_quantity),
        "cumulativeQuoteQty": eight(order.filled_quote),
        "status": order.status_venue,
        "timeInForce": time_word(order),
        "type": type_word(order),
        "side": SIDE_WORDS[order.side],
        **_triggers(order),
        "workingTime": _works(order, note),
        "selfTradePreventionMode": prevention_word(order),
        **conditional(order, note),
    }


# Lists and fills.


def list_row(order_list: OrderList, reports: list[Row] | None = None, time_ms: int | None = None) -> Row:
    """Return a list; with what was done to its orders, where something was."""
    symbol = order_list.instrument.symbol
    row: Row = {
        "orderListId": int(order_list.list_id),
        "contingencyType": contingency(order_list),
        "listStatusType": order_list.step,
        "listOrderStatus": order_list.status,
        "listClientOrderId": order_list.client_list_id,
        "transactionTime": milli(order_list.updated_ns) if time_ms is None else time_ms,
        "symbol": symbol,
        "orders": [
            {"symbol": symbol, "orderId": int(order_id), "clientOrderId": client_order_id}
            for order_id, client_order_id in zip(
                order_list.order_ids, order_list.client_order_ids, strict=True
            )
        ],
    }
    if reports is not None:
        row["orderReports"] = reports
    return row


def trade_row(trade: TradeUpdate, list_id: int) -> Row:
    """Return a fill (facts D.1.5)."""
    return {
        "symbol": trade.instrument.symbol,
        "id": int(trade.trade_id),
        "orderId": int(trade.order_id),
        "orderListId": list_id,
        "price": eight(trade.price),
        "qty": eight(trade.quantity),
        "quoteQty": eight(trade.quote_quantity),
        "commission": eight(trade.fee),
        "commissionAsset": trade.fee_asset,
        "time": milli(trade.time_exchange),
        "isBuyer": SIDE_WORDS[trade.side] == "BUY",
        "isMaker": bool(trade.maker),
        "isBestMatch": True,
    }
