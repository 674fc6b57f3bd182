"""Orders, conditional orders and fills of the futures as they are shown (facts D.2.3 to D.2.6, D.3.2).

Numbers have at least the digits of their instrument (money: eight), and are never rounded: what is shown is
what the engine holds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from toucan_execution.client.binance.words import (
    FUTURES_TYPE_WORDS,
    POSITION_SIDE_WORDS,
    PREVENTION_WORDS,
    SIDE_WORDS,
    TIME_IN_FORCE_WORDS,
    TRIGGER_PRICE_WORDS,
)
from toucan_execution.events import TradeUpdate
from toucan_execution.mock.amounts import half_even, multiply, worth
from toucan_execution.orders import (
    ZERO,
    Order,
    OrderStatus,
    OrderType,
    PositionSide,
    SelfTradePrevention,
    TimeInForce,
    TriggerPrice,
)
from toucan_execution.testing.sandbox.futures_notes import AmendmentNote, OrderNote
from toucan_instrument import Instrument, Side
from toucan_instrument.decimals import plain

__all__ = [
    "AVERAGE",
    "MILLI",
    "MONEY",
    "Digits",
    "Row",
    "actual_id",
    "actual_type",
    "algo_row",
    "algo_status",
    "amendment_row",
    "asked_row",
    "digits_of",
    "fixed",
    "history_row",
    "is_regular",
    "millis",
    "money",
    "order_row",
    "pair_of",
    "queried_row",
    "time_word",
    "trade_row",
    "words_of",
]

Row = dict[str, Any]

MILLI = 1_000_000
MONEY = 8
"""The digits of amounts of money."""
AVERAGE = 5
"""The digits of what the algo service says of fills (facts D.2.4)."""
_AT_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)


class Digits(NamedTuple):
    """How many digits an instrument's numbers have.

    Attributes:
        price: Prices.
        quantity: Quantities.
    """

    price: int
    quantity: int


def digits_of(instrument: Instrument) -> Digits:
    """Return how many digits prices and quantities of an instrument have: those of its grids."""
    rules = instrument.rules
    steps = (None, None) if rules is None else (rules.tick_size, rules.step_size)
    return Digits(*(MONEY if step is None else len(plain(step).partition(".")[2]) for step in steps))


def fixed(value: Decimal | None, digits: int) -> str:
    """Return a number with at least so many digits behind its point, none of its own left out."""
    whole, _, part = plain(value or ZERO).partition(".")
    part = part.rstrip("0").ljust(digits, "0")
    return f"{whole}.{part}" if part else whole


def money(value: Decimal | None) -> str:
    """Return an amount of money."""
    return fixed(value, MONEY)


def millis(time_ns: int | None) -> int:
    """Return a time in milliseconds, 0 for none."""
    return (time_ns or 0) // MILLI


def pair_of(instrument: Instrument) -> str:
    """Return the pair of an instrument: of ``BTCUSD_PERP`` it is ``BTCUSD``."""
    return instrument.symbol.partition("_")[0]


# What orders are.


def is_regular(order: Order) -> bool:
    """Tell whether there is a regular order: a conditional one is, once it was triggered and accepted."""
    if not order.algo_id:
        return True
    return bool(order.triggered and order.order_id) and order.status is not OrderStatus.REJECTED


def actual_type(order: Order) -> str:
    """Return the type of the regular order, which a triggered conditional order has become (D.2.4)."""
    return "LIMIT" if order.type in _AT_LIMIT else "MARKET"


def actual_id(order: Order) -> str:
    """Return the id of the regular order that a conditional one has become, empty for none."""
    return order.order_id if is_regular(order) else ""


def algo_status(order: Order) -> str:
    """Return the algo service's word for where a conditional order stands (facts D.2.4)."""
    if order.status is OrderStatus.REJECTED:
        return "REJECTED"
    if order.triggered:
        return "TRIGGERED" if order.is_open else "FINISHED"
    return order.status_venue


def time_word(order: Order, note: OrderNote) -> str:
    """Return how long an order stands, in the venue's word."""
    if note.time_in_force:
        return note.time_in_force
    if order.time_in_force is TimeInForce.RPI:
        return "RPI"
    return "GTX" if order.post_only else TIME_IN_FORCE_WORDS[order.time_in_force or TimeInForce.GTC]


def words_of(order: Order) -> Row:
    """Return side, position side and self-trade prevention of an order, by their long names."""
    return {
        "side": SIDE_WORDS[order.side],
        "positionSide": POSITION_SIDE_WORDS[order.position_side or PositionSide.BOTH],
        "selfTradePreventionMode": PREVENTION_WORDS[order.self_trade_prevention or SelfTradePrevention.NONE],
    }


# Regular orders.


def order_row(order: Order, note: OrderNote, *, coin: bool) -> Row:
    """Return an order as it is answered where it was placed, changed or cancelled (D.2.3, D.3.2)."""
    price, quantity = digits_of(order.instrument)
    kind = actual_type(order)
    row = {
        "orderId": int(order.order_id or 0), "symbol": order.instrument.symbol, "status": order.status_venue,
        "clientOrderId": order.client_order_id, "price": fixed(order.price, price),
        "origQty": fixed(order.quantity, quantity), "executedQty": fixed(order.filled_quantity, quantity),
        "cumQty": fixed(order.filled_quantity, quantity), "timeInForce": time_word(order, note),
        "type": kind, "reduceOnly": order.reduce_only or order.close_position,
        "closePosition": order.close_position, "stopPrice": fixed(ZERO, price),
        "workingType": "CONTRACT_PRICE", "priceProtect": False, "origType": kind,
        "priceMatch": note.price_match, "updateTime": millis(order.updated_ns), **words_of(order),
    }  # fmt: skip
    if coin:
        return {**row, "pair": pair_of(order.instrument)}
    return {**row, "goodTillDate": millis(order.good_till_ns)}


def asked_row(row: Row) -> Row:
    """Return the answer to a new order as an ACK has it: as if nothing had happened to it yet (D.2.3)."""
    none = fixed(ZERO, len(row["origQty"].partition(".")[2]))
    return {**row, "status": "NEW", "executedQty": none, "cumQty": none}


def queried_row(order: Order, note: OrderNote, *, coin: bool) -> Row:
    """Return an order as it is answered where it was asked for (facts D.2.5, D.3.2)."""
    row = order_row(order, note, coin=coin)
    del row["cumQty"]
    row["avgPrice"] = fixed(order.average_price, digits_of(order.instrument).price)
    row["cumBase" if coin else "cumQuote"] = money(order.filled_quote)
    row["time"] = millis(note.trigger_ns or order.created_ns)
    return row


def history_row(order: Order, note: OrderNote, *, coin: bool) -> Row:
    """Return an order as ``allOrders`` has it, with what it says since 2026-08-07 (facts 0.2)."""
    row = queried_row(order, note, coin=coin)
    filled = multiply(order.filled_quantity, order.instrument.contract_size)
    if coin:
        return {**row, "goodTillDate": millis(order.good_till_ns), "cumQuote": money(filled)}
    return {**row, "pair": pair_of(order.instrument), "cumBase": money(filled)}


def amendment_row(note: AmendmentNote) -> Row:
    """Return a change of an order (facts D.2.6)."""
    before, after = note.before, note.after
    price, quantity = digits_of(after.instrument)
    row = {
        "amendmentId": note.number, "symbol": after.instrument.symbol, "pair": pair_of(after.instrument),
        "orderId": int(after.order_id), "clientOrderId": after.client_order_id,
        "time": millis(after.updated_ns),
        "amendment": {
            "price": {"before": fixed(before.price, price), "after": fixed(after.price, price)},
            "origQty": {"before": fixed(before.quantity, quantity), "after": fixed(after.quantity, quantity)},
            "count": note.count,
        },
        "priceMatch": note.price_match,
    }  # fmt: skip
    return {**row, "modifyId": note.modify_id} if note.modify_id else row


# Conditional orders.


def algo_row(order: Order, note: OrderNote, *, queried: bool) -> Row:
    """Return a conditional order (facts D.2.4).

    Args:
        order: The order.
        note: What is noted of it.
        queried: Whether it was asked for; placed, the answer says less.
    """
    price, quantity = digits_of(order.instrument)
    row = {
        "algoId": int(order.algo_id), "clientAlgoId": order.client_order_id, "algoType": "CONDITIONAL",
        "orderType": FUTURES_TYPE_WORDS[order.type], "symbol": order.instrument.symbol, **words_of(order),
        "timeInForce": time_word(order, note), "quantity": fixed(order.quantity, quantity),
        "algoStatus": algo_status(order), "triggerPrice": fixed(order.trigger_price, price),
        "price": fixed(order.price, price), "icebergQuantity": None,
        "workingType": TRIGGER_PRICE_WORDS[order.trigger_by or TriggerPrice.LAST],
        "priceMatch": note.price_match, "closePosition": order.close_position,
        "priceProtect": note.price_protect, "reduceOnly": order.reduce_only,
        "createTime": millis(order.created_ns), "updateTime": millis(order.updated_ns),
        "triggerTime": millis(note.trigger_ns), "goodTillDate": millis(order.good_till_ns),
    }  # fmt: skip
    trails = order.type is OrderType.TRAILING_STOP_MARKET
    if trails or not queried:
        active = order.activation_price
        row["activatePrice"] = "" if active is None else fixed(active, price)
        row["callbackRate"] = note.callback_rate
    return {**row, **_outcome(order)} if queried else row


def _outcome(order: Order) -> Row:
    """Return what has become of a conditional order; it has no orders beside it here."""
    none = fixed(ZERO, digits_of(order.instrument).price)
    row: Row = {
        "actualOrderId": actual_id(order), "actualPrice": fixed(order.average_price, AVERAGE),
        "tpTriggerPrice": none, "tpPrice": none, "slTriggerPrice": none, "slPrice": none, "tpOrderType": "",
    }  # fmt: skip
    if row["actualOrderId"]:
        row["actualType"] = actual_type(order)
    if order.filled_quantity:
        row["actualQty"] = fixed(order.filled_quantity, AVERAGE)
    return row


# Fills.


def trade_row(trade: TradeUpdate, *, coin: bool) -> Row:
    """Return a fill, with what is said of it since 2026-08-07 (facts 0.2, D.2.5, D.3.2)."""
    instrument = trade.instrument
    price, quantity = digits_of(instrument)
    sized = multiply(trade.quantity, instrument.contract_size)
    base = half_even(worth(instrument, trade.quantity, trade.price), MONEY) if coin else sized
    quote = sized if coin else trade.quote_quantity
    return {
        "symbol": instrument.symbol, "pair": pair_of(instrument), "id": int(trade.trade_id),
        "orderId": int(trade.order_id), "side": SIDE_WORDS[trade.side], "price": fixed(trade.price, price),
        "qty": fixed(trade.quantity, quantity), "quoteQty": money(quote), "baseQty": money(base),
        "realizedPnl": money(trade.realized_profit), "marginAsset": instrument.settle,
        "commission": money(trade.fee), "commissionAsset": trade.fee_asset,
        "time": millis(trade.time_exchange),
        "positionSide": POSITION_SIDE_WORDS[trade.position_side or PositionSide.BOTH],
        "buyer": trade.side is Side.BUY, "maker": bool(trade.maker),
    }  # fmt: skip
