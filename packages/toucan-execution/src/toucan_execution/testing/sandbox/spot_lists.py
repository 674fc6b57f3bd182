"""Spot's endpoints for lists of orders: OCO, OTO, OTOCO, OPO, OPOCO (facts D.1.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from toucan_execution.orders import ListKind, OrderListRequest, OrderRequest, ResponseKind
from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint
from toucan_execution.testing.sandbox.errors import ApiError, missing
from toucan_execution.testing.sandbox.params import Params
from toucan_execution.testing.sandbox.spot_errors import accepted, accepted_cancel, speaking
from toucan_execution.testing.sandbox.spot_find import find_list, instrument_of
from toucan_execution.testing.sandbox.spot_memory import Note, SpotMemory
from toucan_execution.testing.sandbox.spot_params import (
    LegReader,
    client_id,
    names_of,
    prevention,
    response_kind,
)
from toucan_execution.testing.sandbox.spot_rows import Row, ack_row, cancelled_row, list_row, placed_row
from toucan_instrument import Side

__all__ = ["Form", "SpotLists"]

SHARED = ("listClientOrderId", "newOrderRespType", "selfTradePreventionMode")
NEEDED_OF_LEG = ("type", "side", "quantity")
"""What every leg has to say; the rest goes by its type."""

STOP_LOSSES = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
TAKE_PROFITS = frozenset({"TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
PAIRED = STOP_LOSSES | TAKE_PROFITS | {"LIMIT_MAKER"}
WORKING = frozenset({"LIMIT", "LIMIT_MAKER"})

RULES: Mapping[tuple[Side, bool, str], tuple[int, str]] = {  # by side, whether it lies above, and what it is
    (Side.BUY, True, "limit"): (-1165, "A limit order in a buy OCO must be below."),
    (Side.SELL, False, "limit"): (-1166, "A limit order in a sell OCO must be above."),
    (Side.BUY, False, "stop"): (-1196, "A stop loss order in a buy OCO must be above."),
    (Side.SELL, True, "stop"): (-1197, "A stop loss order in a sell OCO must be below."),
    (Side.BUY, True, "profit"): (-1198, "A take profit order in a buy OCO must be below."),
    (Side.SELL, False, "profit"): (-1199, "A take profit order in a sell OCO must be above."),
}
OLD_NEEDED = ("symbol", "side", "quantity", "price", "stopPrice")
OLD_LIMIT = {
    "price": "price", "clientOrderId": "limitClientOrderId", "strategyId": "limitStrategyId",
    "strategyType": "limitStrategyType", "icebergQty": "limitIcebergQty",
}  # fmt: skip
OLD_STOP = {
    "price": "stopLimitPrice", "clientOrderId": "stopClientOrderId", "strategyId": "stopStrategyId",
    "strategyType": "stopStrategyType", "icebergQty": "stopIcebergQty", "stopPrice": "stopPrice",
    "trailingDelta": "trailingDelta", "timeInForce": "stopLimitTimeInForce",
}  # fmt: skip

Leg = tuple[OrderRequest, Note]


class Form(NamedTuple):
    """What one sort of list is asked with.

    Attributes:
        kind: Which.
        legs: The parameters' names of each of its orders.
        bought: Whether what waits sells what the first has bought.
        slots: How many orders it counts for.
    """

    kind: ListKind
    legs: tuple[Mapping[str, str], ...]
    bought: bool = False
    slots: int = 2

    @property
    def names(self) -> tuple[str, ...]:
        """All parameters of its orders."""
        return tuple(dict.fromkeys(name for leg in self.legs for name in leg.values() if name))

    @property
    def required(self) -> tuple[str, ...]:
        """Those that it must have."""
        needed = ["symbol"]
        for leg in self.legs:
            needed += (leg[field] for field in NEEDED_OF_LEG if leg[field])
        return tuple(dict.fromkeys(needed))

    @property
    def optional(self) -> tuple[str, ...]:
        """Those that it may have."""
        needed = self.required
        return (*SHARED, *(name for name in self.names if name not in needed))


def _pair(prefix: str, side: str, quantity: str) -> tuple[Mapping[str, str], ...]:
    """Return two legs which share side and quantity."""
    words = (f"{prefix}Above", f"{prefix}Below") if prefix else ("above", "below")
    return tuple(names_of(word, side=side, quantity=quantity) for word in words)


_WORKING = names_of("working")
OCO = Form(ListKind.OCO, _pair("", "side", "quantity"))
OTO = Form(ListKind.OTO, (_WORKING, names_of("pending")))
OTOCO = Form(ListKind.OTOCO, (_WORKING, *_pair("pending", "pendingSide", "pendingQuantity")), slots=3)
OPO = Form(ListKind.OPO, (_WORKING, names_of("pending", quantity="")), bought=True)
OPOCO = Form(ListKind.OPOCO, (_WORKING, *_pair("pending", "pendingSide", "")), bought=True, slots=3)


class SpotLists:
    """The endpoints that place and end lists of orders.

    Args:
        memory: What is remembered of orders.
    """

    def __init__(self, memory: SpotMemory) -> None:
        self._memory = memory

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked."""
        old = tuple(name for name in (*OLD_LIMIT.values(), *OLD_STOP.values()) if name not in OLD_NEEDED)
        return (
            *(self._placing(form) for form in (OCO, OTO, OTOCO, OPO, OPOCO)),
            Endpoint(
                method="POST", path="/api/v3/order/oco", act=self.place_old, ws=("orderList.place",),
                required=OLD_NEEDED, optional=(*SHARED, *old),
                free=True, slots=2,
            ),
            Endpoint(
                method="DELETE", path="/api/v3/orderList", act=self.cancel, ws=("orderList.cancel",),
                required=("symbol",), optional=("orderListId", "listClientOrderId", "newClientOrderId"),
                free=True,
            ),
        )  # fmt: skip

    def _placing(self, form: Form) -> Endpoint:
        word = form.kind.value
        act: Callable[[Ask], Row] = partial(self.place, form=form)
        return Endpoint(
            method="POST", path=f"/api/v3/orderList/{word}", act=act, ws=(f"orderList.place.{word}",),
            required=form.required, optional=form.optional, free=True, slots=form.slots,
        )  # fmt: skip

    def place(self, ask: Ask, *, form: Form) -> Row:
        """Place a list of a form."""
        readers = self._readers(ask, form)
        pair = readers if form.kind is ListKind.OCO else readers[1:]
        if len(pair) > 1:
            _check_pair(pair[0].side(), (pair[0].word, pair[1].word))
            _check_icebergs(ask.params, form.legs[-2:])
        if form.kind is not ListKind.OCO:
            _check_working(readers, bought=form.bought)
        return self._enter(ask, form.kind, [reader.read(alone=False) for reader in readers])

    def _readers(self, ask: Ask, form: Form) -> list[LegReader]:
        instrument = instrument_of(ask)
        return [
            LegReader(ask, self._memory, names, instrument, bought=form.bought and place > 0)
            for place, names in enumerate(form.legs)
        ]

    def place_old(self, ask: Ask) -> Row:
        """Place an OCO as it was asked for before 2024: a limit order and a stop."""
        instrument, params = instrument_of(ask), ask.params
        shared = {"side": "side", "quantity": "quantity"}
        nothing = names_of("none") | dict.fromkeys(names_of("none"), "")
        limited = "stopLimitPrice" in params
        if limited and "stopLimitTimeInForce" not in params:
            raise missing("stopLimitTimeInForce")
        limit = LegReader(
            ask, self._memory, {**nothing, **OLD_LIMIT, **shared}, instrument, word="LIMIT_MAKER"
        )
        word = "STOP_LOSS_LIMIT" if limited else "STOP_LOSS"
        stop = LegReader(ask, self._memory, {**nothing, **OLD_STOP, **shared}, instrument, word=word)
        legs = [limit, stop] if limit.side() is Side.SELL else [stop, limit]
        return self._enter(ask, ListKind.OCO, [leg.read(alone=False) for leg in legs])

    def _enter(self, ask: Ask, kind: ListKind, legs: list[Leg]) -> Row:
        params, memory, instrument = ask.params, self._memory, instrument_of(ask)
        request = OrderListRequest(
            instrument=instrument,
            kind=kind,
            orders=tuple(order for order, _ in legs),
            client_list_id=client_id(params, "listClientOrderId", memory),
            self_trade_prevention=prevention(params),
        )
        response = response_kind(params, ResponseKind.RESULT)
        notes = {order.client_order_id: note for order, note in legs}
        with speaking(), memory.asking(ask.account, notes):
            done = accepted(ask.engine.place_list(ask.account, request, ask.now_ns), kind)
        listed = done.order_list
        if listed is None:
            raise TypeError("the engine has not said which list")
        reports = []
        for order in listed.orders:
            fills = [fill for fill in done.fills if fill.order_id == order.order_id]
            if response is ResponseKind.ACK:
                reports.append(ack_row(order, ask.now_ms))
            else:
                note = memory.note(ask.account, order)
                reports.append(placed_row(order, note, ask.now_ms, response, fills))
        return list_row(listed, reports, ask.now_ms)

    def cancel(self, ask: Ask) -> Row:
        """Cancel all orders of a list."""
        instrument, memory = instrument_of(ask), self._memory
        cancel_id = client_id(ask.params, "newClientOrderId", memory)
        unknown = ApiError(-2011, "Unknown order list sent.")
        found = find_list(ask, client_name="listClientOrderId", instrument=instrument, error=unknown)
        if found.status != "EXECUTING":
            raise unknown
        with speaking(), memory.asking(ask.account, cancel_id=cancel_id):
            result = ask.engine.cancel_list(ask.account, instrument, ask.now_ns, list_id=found.list_id)
        listed = accepted_cancel(result).order_list or found
        were_open = {order.order_id for order in found.orders if order.is_open}
        reports = [
            cancelled_row(order, memory.note(ask.account, order), ask.now_ms, cancel_id)
            for order in listed.orders
            if order.order_id in were_open
        ]
        return list_row(listed, reports, ask.now_ms)


def _check_working(readers: list[LegReader], *, bought: bool) -> None:
    """Refuse a first order that does not work at once, or does not buy what is to be sold."""
    working, *pending = readers
    if working.word not in WORKING:
        raise ApiError(-1116, "Invalid orderType.")
    if bought and working.side() is not Side.BUY:
        raise ApiError(-1222, "Working order in an OPO list must be a bid.")
    if bought and any(each.side() is not Side.SELL for each in pending):
        raise ApiError(-1223, "Pending orders in an OPO list must be asks.")


def _check_pair(side: Side, words: tuple[str, str]) -> None:
    """Refuse two orders of which one could not cancel the other (facts C.9.1)."""
    for word in words:
        if word not in PAIRED:
            raise ApiError(-1158, "Order type not supported in OCO.")
    if words[0] == words[1] == "LIMIT_MAKER":
        raise ApiError(-1168, "At least one OCO order must be contingent.")
    for word, above in zip(words, (True, False), strict=True):
        sort = "stop" if word in STOP_LOSSES else "profit" if word in TAKE_PROFITS else "limit"
        broken = RULES.get((side, above, sort))
        if broken is not None:
            raise ApiError(*broken)


def _check_icebergs(params: Params, legs: tuple[Mapping[str, str], ...]) -> None:
    for names in legs:
        iceberg, stands = names["icebergQty"], names["timeInForce"]
        if iceberg in params and params.text(stands, "GTC") != "GTC":
            raise ApiError(-1160, f"Parameter '{iceberg}' is not supported if '{stands}' is not GTC.")
