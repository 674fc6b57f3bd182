"""Regular orders of the futures: placed, changed, cancelled, asked for, alone and in batches (D.2, D.3)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from toucan_execution.mock import Engine, Refused
from toucan_execution.orders import AmendRequest, Order, OrderStatus, PriceMatch
from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint
from toucan_execution.testing.sandbox.errors import ApiError, missing
from toucan_execution.testing.sandbox.futures_core import DONE, FuturesCore, weight_of
from toucan_execution.testing.sandbox.futures_errors import engine_errors, refuse
from toucan_execution.testing.sandbox.futures_notes import AmendmentNote
from toucan_execution.testing.sandbox.futures_params import (
    AskedOrder,
    price_match_of,
    regular_order,
    said_price,
    said_quantity,
    said_side,
)
from toucan_execution.testing.sandbox.futures_rows import (
    Row,
    amendment_row,
    asked_row,
    order_row,
    queried_row,
)
from toucan_execution.testing.sandbox.futures_windows import newest, window_of
from toucan_execution.testing.sandbox.params import Params
from toucan_instrument import Side

__all__ = ["FuturesOrders", "place_asked"]

PLACED = ("symbol", "side", "type")
PLACE_MORE = (
    "positionSide", "timeInForce", "quantity", "price", "reduceOnly", "newClientOrderId", "newOrderRespType",
    "priceMatch", "selfTradePreventionMode", "goodTillDate",
    # Of conditional orders, which are refused for what they are and not for what they say (facts D.2.4).
    "stopPrice", "activationPrice", "callbackRate", "closePosition", "workingType", "priceProtect",
)  # fmt: skip
CHANGED = ("symbol", "side", "quantity")
CHANGE_MORE = ("orderId", "origClientOrderId", "price", "priceMatch", "modifyId")
NAMES = ("orderId", "origClientOrderId")
MOST_PLACED, MOST_CANCELLED = 5, 10
AMENDMENTS, MOST_AMENDMENTS = 50, 100

_One = Callable[[Ask, Params], Row]


class FuturesOrders:
    """Regular orders.

    Args:
        core: What all endpoints share.
    """

    def __init__(self, core: FuturesCore) -> None:
        self._core = core

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked (facts D.2.1, D.3.1, F.4)."""
        v1 = f"{self._core.prefix}/v1"
        order = f"{v1}/order"
        single = (
            Endpoint(
                method="POST", path=order, act=lambda ask: self.place(ask, ask.params), ws=("order.place",),
                required=PLACED, optional=PLACE_MORE, weight=0, slots=1,
            ),
            Endpoint(
                method="PUT", path=order, act=lambda ask: self.modify(ask, ask.params), ws=("order.modify",),
                required=CHANGED, optional=CHANGE_MORE, weight=0, slots=1,
            ),
            Endpoint(
                method="DELETE", path=order, act=self.cancel, ws=("order.cancel",),
                required=("symbol",), optional=NAMES,
            ),
            Endpoint(
                method="GET", path=order, act=self.query, ws=("order.status",),
                required=("symbol",), optional=NAMES,
            ),
        )  # fmt: skip
        return (*single, *self._others(v1))

    def _others(self, v1: str) -> list[Endpoint]:
        """Return what is about several orders, or about an order besides."""
        coin, batch = self._core.coin, f"{v1}/batchOrders"
        per_pair = ("pair",) if coin else ()
        found = [
            Endpoint(
                method="GET", path=f"{v1}/openOrder", act=self.query_open,
                required=("symbol",), optional=NAMES,
            ),
            Endpoint(
                method="GET", path=f"{v1}/openOrders", act=self.open_orders,
                optional=("symbol", *per_pair), weight=weight_of(1, 40, "symbol", *per_pair),
            ),
            Endpoint(
                method="DELETE", path=f"{v1}/allOpenOrders", act=self.cancel_all, required=("symbol",),
            ),
            Endpoint(
                method="POST", path=batch, act=self.place_many, required=("batchOrders",),
                weight=5, slots=_batch_size,
            ),
            Endpoint(
                method="PUT", path=batch, act=self.modify_many, required=("batchOrders",),
                weight=5, slots=_batch_size,
            ),
            Endpoint(
                method="DELETE", path=batch, act=self.cancel_many, required=("symbol",),
                optional=("orderIdList", "origClientOrderIdList"),
            ),
            Endpoint(
                method="GET", path=f"{v1}/orderAmendment", act=self.amendments,
                required=("symbol",), optional=(*NAMES, "startTime", "endTime", "limit"),
            ),
        ]  # fmt: skip
        if not coin:  # COIN-M has none in its documents (facts D.3.1)
            test = Endpoint(
                method="POST", path=f"{v1}/order/test", act=self.test,
                required=PLACED, optional=PLACE_MORE, slots=1,
            )  # fmt: skip
            found.append(test)
        return found

    # Placing and changing.

    def place(self, ask: Ask, params: Params) -> Row:
        """Place an order: the answer has the full shape, and tells of no fill unless asked to (D.2.3)."""
        core, asked = self._core, regular_order(self._core, ask, params)
        order = place_asked(core, ask, asked)
        row = order_row(order, core.notes.of(ask.account, order), coin=core.coin)
        return row if asked.final else asked_row(row)

    def test(self, ask: Ask) -> Row:
        """Check an order; the body is that of an order that has no number (facts D.2.1)."""
        core, asked = self._core, regular_order(self._core, ask, ask.params)
        with engine_errors():
            result = ask.engine.test(ask.account, asked.request, ask.now_ns)
        if isinstance(result, Refused):
            raise core.refusal(result)
        request = asked.request
        order = Order(
            instrument=request.instrument, client_order_id=request.client_order_id, order_id="",
            side=request.side, type=request.type, status=OrderStatus.OPEN, status_venue="NEW",
            quantity=request.quantity, price=request.price, time_in_force=request.time_in_force,
            post_only=request.post_only, reduce_only=request.reduce_only,
            position_side=request.position_side, good_till_ns=request.good_till_ns,
            self_trade_prevention=request.self_trade_prevention or ask.engine.settings.prevention,
        )  # fmt: skip
        return order_row(order, asked.note, coin=core.coin)

    def modify(self, ask: Ask, params: Params) -> Row:
        """Change price and quantity of a limit order (facts D.2.6)."""
        core = self._core
        instrument, side = core.instrument(params), said_side(params)
        quantity, price, match = (
            said_quantity(params, instrument),
            said_price(params, instrument),
            price_match_of(params),
        )
        if match is not None and price is not None:
            raise refuse(-1128)
        if quantity is None or (price is None and match is None):
            raise missing("quantity" if quantity is None else "price")
        before = core.find(ask, params)
        if before is None or not before.is_open:
            raise refuse(-2013)
        if side is not before.side:
            raise refuse(-1130, "side")
        if match is not None:
            price = _matched_price(ask.engine, before, match)
        request = AmendRequest(
            instrument=instrument, order_id=before.order_id, side=side, quantity=quantity, price=price
        )
        modify_id = params.text("modifyId")
        order = self._amend(ask, before, request, modify_id)
        note = core.notes.keep(ask.account, order)
        if match is not None:
            note.price_match = params.text("priceMatch")
        if (order.price, order.quantity) == (price, quantity):
            self._note_change(ask, before, order, modify_id)
        row = order_row(order, note, coin=core.coin)
        row["pair"] = instrument.symbol.partition("_")[0]
        return {**row, "modifyId": modify_id} if modify_id else row

    def _amend(self, ask: Ask, before: Order, request: AmendRequest, modify_id: str) -> Order:
        core = self._core
        core.notes.expect_change(ask.account, before, modify_id)
        try:
            with engine_errors():
                result = ask.engine.amend(ask.account, request, ask.now_ns)
        finally:
            core.notes.forget_expected()
        if isinstance(result, Refused):
            raise core.refusal(result, amending=True)
        if not result.changed or result.order is None:
            raise refuse(-4197 if core.coin else -5027)
        return result.order

    def _note_change(self, ask: Ask, before: Order, order: Order, modify_id: str) -> None:
        notes = self._core.notes
        note = notes.keep(ask.account, order)
        note.changes += 1
        note.modify_id = modify_id
        notes.amendments.append(
            AmendmentNote(
                account=ask.account,
                number=notes.new_number(),
                before=before,
                after=msgspec.structs.replace(order, updated_ns=ask.now_ns),
                count=note.changes,
                price_match=note.price_match,
                modify_id=modify_id,
            )
        )

    # Cancelling.

    def cancel(self, ask: Ask) -> Row:
        """Cancel an order; its id in the answer is its own (facts D.2.7)."""
        return self._cancelled(ask, self._core.find(ask, ask.params))

    def _cancelled(self, ask: Ask, order: Order | None) -> Row:
        if order is None or not order.is_open:
            raise refuse(-2011)
        ended = self._core.cancel(ask.account, order, ask.now_ns)
        return order_row(ended, self._core.notes.of(ask.account, ended), coin=self._core.coin)

    def cancel_all(self, ask: Ask) -> Row:
        """Cancel all regular orders of an instrument: conditional ones stay (facts D.2.4)."""
        core = self._core
        for order in core.open_regular(ask.account, [core.instrument(ask.params)]):
            core.cancel(ask.account, order, ask.now_ns)
        return dict(DONE)

    # Batches: errors are elements of the answer (facts D.2.8).

    def place_many(self, ask: Ask) -> list[Row]:
        """Place up to five orders."""
        return self._many(ask, (PLACED, PLACE_MORE), self.place)

    def modify_many(self, ask: Ask) -> list[Row]:
        """Change up to five orders."""
        return self._many(ask, (CHANGED, CHANGE_MORE), self.modify)

    def _many(self, ask: Ask, names: tuple[tuple[str, ...], tuple[str, ...]], act: _One) -> list[Row]:
        rows = ask.params.array("batchOrders") or []
        if not 1 <= len(rows) <= MOST_PLACED:
            raise refuse(-4082)
        return [self._one(ask, row, names, act) for row in rows]

    @staticmethod
    def _one(ask: Ask, row: Any, names: tuple[tuple[str, ...], tuple[str, ...]], act: _One) -> Row:
        try:
            if not isinstance(row, dict):
                raise refuse(-1130, "batchOrders")
            params = Params(row)
            params.check(*names)
            return act(ask, params)
        except ApiError as error:
            return error.body()

    def cancel_many(self, ask: Ask) -> list[Row]:
        """Cancel up to ten orders of an instrument, by one sort of id."""
        core, params = self._core, ask.params
        instrument = core.instrument(params)
        by_number = "orderIdList" in params
        wanted = params.array("orderIdList" if by_number else "origClientOrderIdList")
        if wanted is None:
            raise refuse(-1102, "origClientOrderIdList", "orderIdList")
        if not 1 <= len(wanted) <= MOST_CANCELLED:
            raise refuse(-4032)
        rows = []
        for each in wanted:
            name = {"orderId" if by_number else "origClientOrderId": each, "symbol": instrument.symbol}
            try:
                rows.append(self._cancelled(ask, core.find(ask, Params(name))))
            except ApiError as error:
                rows.append(error.body())
        return rows

    # Asking.

    def query(self, ask: Ask) -> Row:
        """Return an order, for as long as the venue finds it (facts D.2.5)."""
        return self._queried(ask, is_open=False)

    def query_open(self, ask: Ask) -> Row:
        """Return an order that is open."""
        return self._queried(ask, is_open=True)

    def _queried(self, ask: Ask, *, is_open: bool) -> Row:
        core = self._core
        order = core.find(ask, ask.params)
        if order is None or (is_open and not order.is_open) or not core.is_kept(order, ask.now_ns):
            raise refuse(-2013)
        return queried_row(order, core.notes.of(ask.account, order), coin=core.coin)

    def open_orders(self, ask: Ask) -> list[Row]:
        """Return the open regular orders."""
        core = self._core
        return [
            queried_row(order, core.notes.of(ask.account, order), coin=core.coin)
            for order in core.open_regular(ask.account, core.chosen(ask.params))
        ]

    def amendments(self, ask: Ask) -> list[Row]:
        """Return the changes of orders of an instrument, the newest first (facts D.2.6)."""
        core, params = self._core, ask.params
        instrument = core.instrument(params)
        window, limit = window_of(ask, params, days=None), params.limit(AMENDMENTS, MOST_AMENDMENTS)
        named = any(name in params for name in NAMES)
        order = core.find(ask, params) if named else None
        found = [
            note
            for note in core.notes.amendments
            if note.account == ask.account
            and note.after.instrument == instrument
            and window.has(note.after.updated_ns or 0)
            and (not named or (order is not None and note.after.order_id == order.order_id))
        ]
        return [amendment_row(note) for note in reversed(newest(found, limit))]


def place_asked(core: FuturesCore, ask: Ask, asked: AskedOrder) -> Order:
    """Place an order of either sort, and remember what is noted of it.

    Raises:
        ApiError: Why not.
    """
    request = asked.request
    core.notes.expect(ask.account, request.instrument.symbol, request.client_order_id, asked.note)
    try:
        with engine_errors():
            result = ask.engine.place(ask.account, request, ask.now_ns)
        if isinstance(result, Refused):
            raise core.refusal(result)
        if result.order is None:
            raise refuse(-2010)
        core.notes.keep(ask.account, result.order)
    finally:
        core.notes.forget_expected()
    return result.order


def _matched_price(engine: Engine, order: Order, match: PriceMatch) -> Decimal:
    """Return the price of the book that a word means for an order (facts D.2.3).

    Raises:
        ApiError: The book is not so deep.
    """
    word, _, number = match.value.partition("_")
    depth = int(number or 1)
    bids, asks = engine.depth(order.instrument, depth)
    levels = bids if (order.side is Side.BUY) is (word == "queue") else asks
    if len(levels) < depth:
        raise refuse(-5041)
    return levels[-1][0]


def _batch_size(params: Params) -> int:
    """Return how many orders a batch counts for; one that cannot be read counts as one."""
    try:
        rows = params.array("batchOrders")
    except ApiError:
        return 1
    return max(1, min(len(rows or ()), MOST_PLACED))
