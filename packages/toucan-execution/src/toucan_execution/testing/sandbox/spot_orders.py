"""Spot's order endpoints: place, test, cancel, replace, amend (facts D.1.3, D.1.6 to D.1.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toucan_execution.mock import Done
from toucan_execution.orders import (
    AmendRequest,
    CancelRequest,
    Order,
    OrderList,
    OrderRequest,
    OrderStatus,
)
from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.params import Params
from toucan_execution.testing.sandbox.spot_costs import commission_for_order
from toucan_execution.testing.sandbox.spot_errors import (
    FAILED,
    PARTLY_FAILED,
    UNKNOWN_ORDER,
    accepted,
    accepted_amend,
    accepted_cancel,
    filter_failure,
    speaking,
)
from toucan_execution.testing.sandbox.spot_find import find_order, instrument_of
from toucan_execution.testing.sandbox.spot_memory import SpotMemory
from toucan_execution.testing.sandbox.spot_params import ORDER_NAMES, LegReader, Placing, client_id
from toucan_execution.testing.sandbox.spot_rows import Row, amended_row, cancelled_row, list_row, placed_row
from toucan_instrument import Side

__all__ = ["SpotOrders"]

BAD_REQUEST, CONFLICT, TOO_MANY = 400, 409, 429
NEW_ORDER_REJECTED, CANCEL_REJECTED = -2010, -2011
WITH_RATES, WITHOUT_RATES = 20, 1
AMEND_WEIGHT = 4

RESTRICTIONS: Mapping[str, OrderStatus] = {
    "ONLY_NEW": OrderStatus.OPEN,
    "ONLY_PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
}
STOP_ON_FAILURE = "STOP_ON_FAILURE"
MODES: Mapping[str, bool] = {STOP_ON_FAILURE: True, "ALLOW_FAILURE": False}
OVER_LIMIT: Mapping[str, bool] = {"DO_NOTHING": False, "CANCEL_ONLY": True}
SOR_TYPES = frozenset({"LIMIT", "MARKET"})

NEEDED = ("symbol", "side", "type")
ANSWERING = ("newOrderRespType", "selfTradePreventionMode")
OPTIONAL: tuple[str, ...] = (
    *(name for name in ORDER_NAMES.values() if name not in NEEDED),
    *ANSWERING,
)
NAMING = ("orderId", "origClientOrderId")
SOR_OPTIONAL = (
    "timeInForce", "price", "newClientOrderId", "strategyId", "strategyType", "icebergQty", *ANSWERING,
)  # fmt: skip


class SpotOrders:
    """The endpoints that place, change and end orders.

    Args:
        memory: What is remembered of orders.
    """

    def __init__(self, memory: SpotMemory) -> None:
        self._memory = memory

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked."""
        return (*self._placing(), *self._ending())

    def _placing(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="POST", path="/api/v3/order", act=self.place, ws=("order.place",),
                required=NEEDED, optional=OPTIONAL, free=True, slots=1,
            ),
            Endpoint(
                method="POST", path="/api/v3/order/test", act=self.test, ws=("order.test",),
                required=NEEDED, optional=(*OPTIONAL, "computeCommissionRates"), weight=_test_weight,
            ),
            Endpoint(
                method="POST", path="/api/v3/sor/order", act=self.place_sor, ws=("sor.order.place",),
                required=(*NEEDED, "quantity"), optional=SOR_OPTIONAL, slots=1,
            ),
            Endpoint(
                method="POST", path="/api/v3/sor/order/test", act=self.test_sor, ws=("sor.order.test",),
                required=(*NEEDED, "quantity"), optional=(*SOR_OPTIONAL, "computeCommissionRates"),
                weight=_test_weight,
            ),
        )  # fmt: skip

    def _ending(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="DELETE", path="/api/v3/order", act=self.cancel, ws=("order.cancel",),
                required=("symbol",), optional=(*NAMING, "newClientOrderId", "cancelRestrictions"), free=True,
            ),
            Endpoint(
                method="DELETE", path="/api/v3/openOrders", act=self.cancel_all, ws=("openOrders.cancelAll",),
                required=("symbol",), free=True,
            ),
            Endpoint(
                method="POST", path="/api/v3/order/cancelReplace", act=self.replace,
                ws=("order.cancelReplace",), required=(*NEEDED, "cancelReplaceMode"),
                optional=(
                    *OPTIONAL, "cancelOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId",
                    "cancelRestrictions", "orderRateLimitExceededMode",
                ),
                free=True, slots=1, over=self.replace_over_limit,
            ),
            Endpoint(
                method="PUT", path="/api/v3/order/amend/keepPriority", act=self.amend,
                ws=("order.amend.keepPriority",), required=("symbol", "newQty"),
                optional=(*NAMING, "newClientOrderId"), weight=AMEND_WEIGHT,
            ),
        )  # fmt: skip

    # New orders.

    def place(self, ask: Ask) -> Row:
        """Place an order."""
        return self._enter(ask, self._read(ask))

    def test(self, ask: Ask) -> Row:
        """Check an order without placing it."""
        return self._test(ask, self._read(ask))

    def place_sor(self, ask: Ask) -> Row:
        """Place an order as if through smart order routing: it works on its own book."""
        return self._enter(ask, self._read(ask, sor=True))

    def test_sor(self, ask: Ask) -> Row:
        """Check an order for smart order routing without placing it."""
        return self._test(ask, self._read(ask, sor=True))

    def _read(self, ask: Ask, *, sor: bool = False) -> Placing:
        reader = LegReader(ask, self._memory, ORDER_NAMES, instrument_of(ask))
        if sor and reader.word not in SOR_TYPES:
            raise ApiError(-1116, "Invalid orderType.")
        request, note = reader.read(sor=sor)
        return Placing(request, note, reader.response())

    def _enter(self, ask: Ask, placing: Placing) -> Row:
        request = placing.request
        _check_liquidity(ask, request)
        notes = {request.client_order_id: placing.note}
        with speaking(), self._memory.asking(ask.account, notes):
            done = accepted(ask.engine.place(ask.account, request, ask.now_ns))
        order = _order_of(done)
        note = self._memory.note(ask.account, order)
        return placed_row(order, note, ask.now_ms, placing.response, done.fills)

    def _test(self, ask: Ask, placing: Placing) -> Row:
        rates = ask.params.flag("computeCommissionRates")
        with speaking():
            accepted(ask.engine.test(ask.account, placing.request, ask.now_ns))
        return commission_for_order(ask, placing.request.instrument, sor=placing.note.sor) if rates else {}

    # Cancel.

    def cancel(self, ask: Ask) -> Row:
        """Cancel an order; the list that it belongs to goes with it, and is what is answered."""
        order, row = self._cancel(ask, *NAMING, "newClientOrderId")
        if not order.list_id:
            return row
        listed = _list_of(ask, order)
        cancel_id: str = row["clientOrderId"]
        reports = [
            cancelled_row(each, self._memory.note(ask.account, each), ask.now_ms, cancel_id)
            for each in listed.orders
            if each.status is OrderStatus.CANCELLED
        ]
        return list_row(listed, reports, ask.now_ms)

    def _cancel(self, ask: Ask, id_name: str, client_name: str, cancel_name: str) -> tuple[Order, Row]:
        """Cancel the order that some parameters name; return it, and what is said of it."""
        params, instrument = ask.params, instrument_of(ask)
        error = ApiError(-1145, "Invalid cancelRestrictions")
        wanted = params.word("cancelRestrictions", RESTRICTIONS, error)
        cancel_id = client_id(params, cancel_name, self._memory)
        order = find_order(
            ask, instrument, id_name=id_name, client_name=client_name,
            error=ApiError(CANCEL_REJECTED, UNKNOWN_ORDER),
        )  # fmt: skip
        if order.is_open and wanted not in {None, order.status}:
            raise ApiError(CANCEL_REJECTED, "Order was not canceled due to cancel restrictions.")
        request = CancelRequest(instrument=instrument, order_id=order.order_id)
        with speaking(), self._memory.asking(ask.account, cancel_id=cancel_id):
            done = accepted_cancel(ask.engine.cancel(ask.account, request, ask.now_ns))
        ended = _order_of(done)
        return ended, cancelled_row(ended, self._memory.note(ask.account, ended), ask.now_ms, cancel_id)

    def cancel_all(self, ask: Ask) -> list[Row]:
        """Cancel all open orders of an instrument; lists stand among them as lists."""
        instrument, cancel_id = instrument_of(ask), self._memory.new_id()
        with speaking(), self._memory.asking(ask.account, cancel_id=cancel_id):
            ended = ask.engine.cancel_all(ask.account, instrument, ask.now_ns)
        if not ended:
            raise ApiError(CANCEL_REJECTED, UNKNOWN_ORDER)
        rows: list[Row] = []
        reports: dict[str, list[Row]] = {}
        for order in ended:
            row = cancelled_row(order, self._memory.note(ask.account, order), ask.now_ms, cancel_id)
            if not order.list_id:
                rows.append(row)
            elif order.list_id in reports:
                reports[order.list_id].append(row)
            else:
                reports[order.list_id] = [row]
                rows.append(list_row(_list_of(ask, order), reports[order.list_id], ask.now_ms))
        return rows

    # Cancel and replace.

    def replace(self, ask: Ask) -> Row:
        """Cancel an order and place another, whose rules are looked at before either (facts D.1.7)."""
        params = ask.params
        stops = params.word("cancelReplaceMode", MODES)
        params.word("orderRateLimitExceededMode", OVER_LIMIT)
        placing = self._read(ask)
        self._check_names(params)
        broken = ask.engine.broken_rules(placing.request)
        if broken:
            raise filter_failure(broken)
        cancelled = self._try_cancel(ask)
        if isinstance(cancelled, ApiError) and stops:
            raise _replaced(cancelled, None)
        placed: Row | ApiError
        try:
            placed = self._enter(ask, placing)
        except ApiError as error:
            placed = error
        if isinstance(cancelled, ApiError) or isinstance(placed, ApiError):
            raise _replaced(cancelled, placed)
        return _halves(cancelled, placed)

    def replace_over_limit(self, ask: Ask, limited: ApiError) -> ApiError:
        """Return what a cancel-replace is answered with that is beyond the order limit (facts D.1.7).

        With ``orderRateLimitExceededMode=CANCEL_ONLY`` its cancel is done all the same.

        Args:
            ask: The request.
            limited: The error of the limit.
        """
        if not ask.params.word("orderRateLimitExceededMode", OVER_LIMIT):
            return limited
        self._check_names(ask.params)
        cancelled = self._try_cancel(ask)
        if isinstance(cancelled, ApiError):
            return limited
        return ApiError(
            PARTLY_FAILED,
            "Order cancel-replace partially failed.",
            status=TOO_MANY,
            data=_halves(cancelled, limited),
        )

    @staticmethod
    def _check_names(params: Params) -> None:
        if "cancelOrderId" not in params and "cancelOrigClientOrderId" not in params:
            names = "Param 'cancelOrigClientOrderId' or 'cancelOrderId'"
            raise ApiError(-1102, f"{names} must be sent, but both were empty/null!")

    def _try_cancel(self, ask: Ask) -> Row | ApiError:
        try:
            return self._cancel(ask, "cancelOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId")[1]
        except ApiError as error:
            if error.code not in {CANCEL_REJECTED, -2039}:
                raise
            return error

    # Amend.

    def amend(self, ask: Ask) -> Row:
        """Make an order smaller, at its place in the queue (facts D.1.8)."""
        instrument, memory = instrument_of(ask), self._memory
        new_id = client_id(ask.params, "newClientOrderId", memory)
        quantity = ask.params.decimal("newQty")
        if not quantity:
            raise ApiError(-1013, "Invalid newQty.")
        before = find_order(ask, instrument, error=ApiError(-2038, UNKNOWN_ORDER))
        request = AmendRequest(
            instrument=instrument, order_id=before.order_id, quantity=quantity, amend_id=new_id
        )
        with speaking(), memory.asking(ask.account):
            done = accepted_amend(ask.engine.amend(ask.account, request, ask.now_ns))
        order = _order_of(done)
        note = memory.note(ask.account, order)
        row: Row = {
            "transactTime": ask.now_ms,
            "executionId": note.amendments[-1]["executionId"] if note.amendments else 0,
            "amendedOrder": amended_row(order, note, before),
        }
        if order.list_id:
            listed = list_row(_list_of(ask, order))
            kept = (
                "orderListId",
                "contingencyType",
                "listOrderStatus",
                "listClientOrderId",
                "symbol",
                "orders",
            )
            row["listStatus"] = {name: listed[name] for name in kept}
        return row


def _test_weight(params: Params) -> int:
    return WITH_RATES if params.flag("computeCommissionRates") else WITHOUT_RATES


def _order_of(done: Done) -> Order:
    if done.order is None:
        raise TypeError("the engine has not said which order")
    return done.order


def _list_of(ask: Ask, order: Order) -> OrderList:
    found = ask.engine.order_list(ask.account, order.instrument, list_id=order.list_id)
    if found is None:
        raise TypeError("the engine has an order of a list that it does not have")
    return found


def _check_liquidity(ask: Ask, request: OrderRequest) -> None:
    """Refuse an order by quote quantity where there is too little to trade with (facts C.9.2)."""
    if request.quote_quantity is None:
        return
    bids, asks = ask.engine.depth(request.instrument)
    there = sum(quantity for _, quantity in (asks if request.side is Side.BUY else bids))
    rules = request.instrument.rules
    least = {
        "LOT_SIZE filter": rules.min_quantity if rules else None,
        "MARKET_LOT_SIZE filter": rules.market_min_quantity if rules else None,
    }
    if not there:
        raise ApiError(NEW_ORDER_REJECTED, "Order book liquidity is less than symbol minimum quantity.")
    for name, bound in least.items():
        if bound is not None and there < bound:
            raise ApiError(NEW_ORDER_REJECTED, f"Order book liquidity is less than {name} minimum quantity.")


def _said(half: Row | ApiError | None) -> Any:
    return half.body() if isinstance(half, ApiError) else half


def _result(half: Row | ApiError | None) -> str:
    if half is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if isinstance(half, ApiError) else "SUCCESS"


def _halves(cancelled: Row | ApiError, placed: Row | ApiError | None) -> Row:
    return {
        "cancelResult": _result(cancelled),
        "newOrderResult": _result(placed),
        "cancelResponse": _said(cancelled),
        "newOrderResponse": _said(placed),
    }


def _replaced(cancelled: Row | ApiError, placed: Row | ApiError | None) -> ApiError:
    """Return what a cancel-replace is answered with of which a half, or all, failed."""
    data = _halves(cancelled, placed)
    if "SUCCESS" in {data["cancelResult"], data["newOrderResult"]}:
        text = "Order cancel-replace partially failed."
        return ApiError(PARTLY_FAILED, text, status=CONFLICT, data=data)
    return ApiError(FAILED, "Order cancel-replace failed.", status=BAD_REQUEST, data=data)
