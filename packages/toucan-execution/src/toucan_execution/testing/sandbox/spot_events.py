"""What an account's stream says on spot of what the engine tells (facts E.2.3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from toucan_execution.client.binance.words import PREVENTION_WORDS, SIDE_WORDS
from toucan_execution.events import (
    AccountEvent,
    BalanceUpdate,
    OrderListUpdate,
    OrderUpdate,
    TradeUpdate,
    TransferUpdate,
)
from toucan_execution.mock import Engine
from toucan_execution.orders import Order, OrderList, OrderStatus, SelfTradePrevention
from toucan_execution.testing.sandbox.spot_errors import RELATION
from toucan_execution.testing.sandbox.spot_memory import Note, SpotMemory, is_working
from toucan_execution.testing.sandbox.spot_rows import (
    conditional,
    contingency,
    eight,
    list_number,
    milli,
    prevention_word,
    time_word,
    type_word,
)
from toucan_execution.testing.sandbox.wire import Payload
from toucan_instrument import Side
from toucan_instrument.decimals import EXACT

__all__ = ["SpotEvents"]

ZERO = Decimal(0)
NO_TRADE, NO_GROUP = -1, -1
EXECUTIONS = {"TRIGGERED": "NEW"}
"""The engine's words that the venue does not have: a stop that is triggered is a new order."""
REJECTIONS = (  # how the engine's words begin, and the venue's word
    ("Account has insufficient balance", "INSUFFICIENT_BALANCES"),
    ("Order would trigger immediately", "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY"),
    ("Order would immediately match", "WOULD_MATCH_IMMEDIATELY"),
    (RELATION, "OCO_BAD_PRICES"),
)
BOTH = frozenset({SelfTradePrevention.EXPIRE_BOTH, SelfTradePrevention.DECREMENT})

SHORT = {
    "trailingDelta": "d", "strategyId": "j", "strategyType": "J", "preventedMatchId": "v",
    "preventedQuantity": "A", "workingFloor": "k", "usedSor": "uS", "expiryReason": "eR",
    "pegPriceType": "gP", "pegOffsetType": "gOT", "pegOffsetValue": "gOV", "peggedPrice": "gp",
}  # fmt: skip
"""What the fields of an answer are called in an event."""

OrderKey = tuple[str, str]


class SpotEvents:
    """Writes events, and remembers what they say of orders.

    Args:
        engine: To be read, where an event leaves something out.
        memory: What is remembered of orders.
    """

    def __init__(self, engine: Engine, memory: SpotMemory) -> None:
        self._engine = engine
        self._memory = memory

    def payloads(self, account: str, events: list[AccountEvent]) -> list[Payload]:
        """Return what an account is told of the events of one call of the engine."""
        call = _Call(self._engine, self._memory, account)
        for event in events:
            call.take(event)
        return call.told()


class _Call:
    """What happens in one call of the engine, as one account is told of it."""

    def __init__(self, engine: Engine, memory: SpotMemory, account: str) -> None:
        self._engine = engine
        self._memory = memory
        self._account = account
        self._told: list[Payload] = []
        self._balances: list[BalanceUpdate] = []
        self._fills: dict[OrderKey, TradeUpdate] = {}
        self._traded: dict[OrderKey, tuple[int, TradeUpdate]] = {}
        self._entered: dict[tuple[str, Side], Order] = {}
        self._matches: list[dict[str, Any]] = []

    def take(self, event: AccountEvent) -> None:
        """Take the next event."""
        if isinstance(event, TradeUpdate):
            self._fills[event.instrument.symbol, event.order_id] = event
        elif isinstance(event, OrderUpdate):
            self._order(event)
        elif isinstance(event, OrderListUpdate):
            self._memory.keep_list(
                self._account, int(event.order_list.list_id), event.order_list.instrument.symbol
            )
            self._told.append(_list_status(event.order_list, event.time_exchange))
        elif isinstance(event, TransferUpdate):
            time = milli(event.time_exchange)
            self._told.append(
                {"e": "balanceUpdate", "E": time, "a": event.asset, "d": eight(event.amount), "T": time}
            )
        elif isinstance(event, BalanceUpdate):
            self._balances.append(event)

    def told(self) -> list[Payload]:
        """Return what the account is told, in order: balances come last, once, as they are then."""
        if not self._balances:
            return self._told
        time = milli(self._balances[-1].time_exchange)
        rows = [
            {"a": each.balance.asset, "f": eight(each.balance.free), "l": eight(each.balance.locked)}
            for each in self._balances
        ]
        return [*self._told, {"e": "outboundAccountPosition", "E": time, "u": time, "B": rows}]

    # Orders.

    def _order(self, event: OrderUpdate) -> None:
        order, execution = event.order, EXECUTIONS.get(event.execution, event.execution)
        key = (order.instrument.symbol, order.order_id)
        note = self._memory.begin(self._account, order)
        if execution == "NEW" and is_working(order):
            note.working_ns = event.time_exchange
            self._entered[order.instrument.symbol, order.side] = order
        elif execution != "NEW" and not note.client_order_id and is_working(order):
            note.working_ns = order.created_ns  # of an order that was forgotten: as near as can be said
        fill = self._fills.pop(key, None)
        if execution == "TRADE" and fill is None and key in self._traded:
            # An order by quote quantity is over after its last fill: one report says both.
            place, fill = self._traded[key]
            earlier = self._told[place]
            self._told[place] = self._report(event, note, execution, fill) | {"I": earlier["I"]}
        else:
            report = self._report(event, note, execution, fill)
            report |= self._special(event, note, execution, report)
            if fill is not None:
                self._traded[key] = (len(self._told), fill)
            self._told.append(report)
            if execution == "REPLACED" and order.list_id and order.client_order_id != note.client_order_id:
                self._list_changed(order, event.time_exchange)
        note.client_order_id = order.client_order_id
        note.quantity = order.quantity
        note.prevented = order.prevented_quantity

    def _report(self, event: OrderUpdate, note: Note, execution: str, fill: TradeUpdate | None) -> Payload:
        order, time = event.order, milli(event.time_exchange)
        own, original = order.client_order_id, ""
        if execution == "CANCELED":
            own, original = self._memory.cancel_id(self._account), own
        elif execution == "REPLACED":
            original = note.client_order_id or own
        works = {} if note.working_ns is None else {"W": milli(note.working_ns)}
        return {
            "e": "executionReport", "E": time, "s": order.instrument.symbol, "c": own,
            "S": SIDE_WORDS[order.side], "o": type_word(order), "f": time_word(order),
            "q": eight(order.quantity), "p": eight(None if note.peg else order.price),
            "P": eight(order.trigger_price), "F": eight(order.iceberg_quantity), "g": list_number(order),
            "C": original, "x": execution, "X": order.status_venue, "r": _rejection(order),
            "i": int(order.order_id), "l": eight(fill.quantity if fill else None),
            "z": eight(order.filled_quantity), "L": eight(fill.price if fill else None),
            "n": eight(fill.fee) if fill else "0", "N": fill.fee_asset if fill else None, "T": time,
            "t": int(fill.trade_id) if fill else NO_TRADE, "I": self._memory.new_execution(),
            "w": order.is_open and is_working(order), "m": bool(fill and fill.maker), "M": fill is not None,
            "O": milli(order.created_ns), "Z": eight(order.filled_quote),
            "Y": eight(fill.quote_quantity if fill else None), "Q": eight(order.quote_quantity),
            **works, "V": prevention_word(order), **_conditional(order, note),
        }  # fmt: skip

    def _special(self, event: OrderUpdate, note: Note, execution: str, report: Payload) -> Payload:
        """Return what changes and prevented matches say besides."""
        order = event.order
        if execution == "REPLACED":
            note.amendments.append(
                {
                    "symbol": order.instrument.symbol,
                    "orderId": int(order.order_id),
                    "executionId": report["I"],
                    "origClientOrderId": report["C"],
                    "newClientOrderId": report["c"],
                    "origQty": eight(note.quantity),
                    "newQty": eight(order.quantity),
                    "time": milli(event.time_exchange),
                }
            )
        if execution == "TRADE_PREVENTION":
            return self._prevented(event, note)
        return {}

    # Lists.

    def _list_changed(self, order: Order, time_ns: int | None) -> None:
        """Tell that an order of a list has another id now (facts D.1.8)."""
        listed = self._engine.order_list(self._account, order.instrument, list_id=order.list_id)
        if listed is not None:
            self._told.append(_list_status(listed, time_ns) | {"l": "UPDATED"})

    # Self-trade prevention.

    def _prevented(self, event: OrderUpdate, note: Note) -> Payload:
        """Return what the report of a prevented match says besides, and note the match."""
        order = event.order
        symbol, side = order.instrument.symbol, order.side
        last = EXACT.subtract(order.prevented_quantity, note.prevented)
        rival = self._entered.get((symbol, side.opposite))
        if rival is not None and not self._is_taker(order):
            match = self._match(rival, order, event.time_exchange)
            match["makerPreventedQuantity"] = eight(last)
            counter = int(rival.order_id)
        else:
            match = self._match_of_taker(order, event.time_exchange)
            match["takerPreventedQuantity"] = eight(last)
            counter = match["makerOrderId"]
        note.match_id = match["preventedMatchId"]
        price = Decimal(match["price"])
        return {
            "v": note.match_id, "A": eight(order.prevented_quantity), "B": eight(last), "u": NO_GROUP,
            "U": counter, "Cs": symbol, "pl": eight(last), "pL": eight(price),
            "pY": eight(EXACT.multiply(last, price)),
        }  # fmt: skip

    def _is_taker(self, order: Order) -> bool:
        """Tell whether an order has come in this call, and so has met what was there."""
        mine = self._entered.get((order.instrument.symbol, order.side))
        return mine is not None and mine.order_id == order.order_id

    def _match(self, taker: Order, maker: Order | None, time_ns: int | None) -> dict[str, Any]:
        mode = taker.self_trade_prevention or SelfTradePrevention.NONE
        match: dict[str, Any] = {
            "symbol": taker.instrument.symbol,
            "preventedMatchId": self._memory.new_match(),
            "takerOrderId": int(taker.order_id),
            "makerSymbol": taker.instrument.symbol,
            "makerOrderId": int(maker.order_id) if maker else NO_TRADE,
            "tradeGroupId": NO_GROUP,
            "selfTradePreventionMode": PREVENTION_WORDS[mode],
            "price": eight(maker.price if maker else taker.price),
            "transactTime": milli(time_ns),
        }
        self._matches.append(match)
        self._memory.prevented(self._account).append(match)
        self._memory.note(self._account, taker).prevented_matches.append(match)
        return match

    def _match_of_taker(self, taker: Order, time_ns: int | None) -> dict[str, Any]:
        """Return the match that has just cut or ended an order that came."""
        last = self._matches[-1] if self._matches else {}
        mine = last.get("takerOrderId") == int(taker.order_id) and "takerPreventedQuantity" not in last
        if mine and taker.self_trade_prevention in BOTH:
            return last
        return self._match(taker, self._first_met(taker), time_ns)

    def _first_met(self, taker: Order) -> Order | None:
        """Return the order of the same account that an order meets first on the book, which stays there."""
        selling = taker.side is Side.BUY
        resting = [
            each
            for each in self._engine.open_orders(self._account, taker.instrument)
            if each.side is not taker.side and each.price is not None and is_working(each)
        ]

        def distance(each: Order) -> tuple[Decimal, int]:
            price = each.price or ZERO
            return (price if selling else price.copy_negate()), int(each.order_id)

        return min(resting, key=distance, default=None)


def _list_status(order_list: OrderList, time_ns: int | None) -> Payload:
    symbol, time = order_list.instrument.symbol, milli(time_ns)
    ids = zip(order_list.order_ids, order_list.client_order_ids, strict=True)
    return {
        "e": "listStatus", "E": time, "s": symbol, "g": int(order_list.list_id),
        "c": contingency(order_list), "l": order_list.step, "L": order_list.status, "r": "NONE",
        "C": order_list.client_list_id, "T": time,
        "O": [{"s": symbol, "i": int(order_id), "c": client_id} for order_id, client_id in ids],
    }  # fmt: skip


def _rejection(order: Order) -> str:
    """Return why an order was refused once its turn had come, in the venue's word."""
    if order.status is not OrderStatus.REJECTED:
        return "NONE"
    return next((word for begins, word in REJECTIONS if order.reason.startswith(begins)), "NONE")


def _conditional(order: Order, note: Note) -> Payload:
    """Return the fields that are there where they apply: those of an answer, by their short names."""
    return {SHORT[name]: value for name, value in conditional(order, note).items()}
