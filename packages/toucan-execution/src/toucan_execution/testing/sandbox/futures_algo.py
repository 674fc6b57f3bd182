"""Conditional orders: the algo service, which both futures markets have (facts D.2.4, D.3.1).

Until it is triggered such an order is known here alone; then it is a regular order too, of another number
and with the same id of its own.
"""

from __future__ import annotations

from toucan_execution.orders import Order
from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint
from toucan_execution.testing.sandbox.futures_core import DONE, FuturesCore, weight_of
from toucan_execution.testing.sandbox.futures_errors import refuse
from toucan_execution.testing.sandbox.futures_orders import place_asked
from toucan_execution.testing.sandbox.futures_params import algo_order
from toucan_execution.testing.sandbox.futures_rows import Row, algo_row
from toucan_execution.testing.sandbox.futures_windows import rows_of, window_of

__all__ = ["FuturesAlgo"]

PLACED = ("algoType", "symbol", "side", "type")
PLACE_MORE = (
    "positionSide", "timeInForce", "quantity", "price", "priceMatch", "triggerPrice", "workingType",
    "closePosition", "priceProtect", "reduceOnly", "activatePrice", "callbackRate", "clientAlgoId",
    "newOrderRespType", "selfTradePreventionMode", "goodTillDate",
)  # fmt: skip
NAMES = ("symbol", "algoId", "clientAlgoId")
USUAL, MOST = 500, 1_000
DAYS = 7


class FuturesAlgo:
    """Conditional orders.

    Args:
        core: What all endpoints share.
    """

    def __init__(self, core: FuturesCore) -> None:
        self._core = core

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked (facts D.2.1, F.4)."""
        core = self._core
        v1 = f"{core.prefix}/v1"
        placed, cancelled = ((), ()) if core.coin else (("algoOrder.place",), ("algoOrder.cancel",))
        order = f"{v1}/algoOrder"
        return (
            Endpoint(
                method="POST", path=order, act=self.place, ws=placed,
                required=PLACED, optional=PLACE_MORE, weight=0, slots=1,
            ),
            Endpoint(method="DELETE", path=order, act=self.cancel, ws=cancelled, optional=NAMES),
            Endpoint(method="GET", path=order, act=self.query, optional=NAMES),
            Endpoint(
                method="GET", path=f"{v1}/openAlgoOrders", act=self.open_orders,
                optional=("symbol", "algoType", "algoId"), weight=weight_of(1, 40),
            ),
            Endpoint(
                method="GET", path=f"{v1}/allAlgoOrders", act=self.all_orders, required=("symbol",),
                optional=("algoId", "startTime", "endTime", "page", "limit"), weight=5,
            ),
            Endpoint(
                method="DELETE", path=f"{v1}/algoOpenOrders", act=self.cancel_all, required=("symbol",),
            ),
        )  # fmt: skip

    def place(self, ask: Ask) -> Row:
        """Place a conditional order."""
        order = place_asked(self._core, ask, algo_order(self._core, ask))
        return algo_row(order, self._core.notes.of(ask.account, order), queried=False)

    def cancel(self, ask: Ask) -> Row:
        """Cancel a conditional order that waits; the code of the answer is a text (facts D.2.4)."""
        order = self._core.find_algo(ask)
        if order is None or order.triggered or not order.is_open:
            raise refuse(-2011)
        self._core.cancel(ask.account, order, ask.now_ns)
        return {
            "algoId": int(order.algo_id),
            "clientAlgoId": order.client_order_id,
            "code": "200",
            "msg": "success",
        }

    def cancel_all(self, ask: Ask) -> Row:
        """Cancel all conditional orders of an instrument that wait."""
        core = self._core
        for order in core.open_algo(ask.account, [core.instrument(ask.params)]):
            core.cancel(ask.account, order, ask.now_ns)
        return dict(DONE)

    def query(self, ask: Ask) -> Row:
        """Return a conditional order, whatever has become of it."""
        order = self._core.find_algo(ask)
        if order is None or not self._core.is_kept(order, ask.now_ns):
            raise refuse(-2013)
        return self._row(ask, order)

    def _row(self, ask: Ask, order: Order) -> Row:
        return algo_row(order, self._core.notes.of(ask.account, order), queried=True)

    def open_orders(self, ask: Ask) -> list[Row]:
        """Return the conditional orders that wait."""
        core, params = self._core, ask.params
        self._check_type(ask)
        number = params.integer("algoId")
        found = core.open_algo(ask.account, core.chosen(params))
        return [self._row(ask, each) for each in found if number is None or int(each.algo_id) == number]

    @staticmethod
    def _check_type(ask: Ask) -> None:
        if ask.params.text("algoType", "CONDITIONAL") != "CONDITIONAL":
            raise refuse(-1130, "algoType")

    def all_orders(self, ask: Ask) -> list[Row]:
        """Return the conditional orders of an instrument, waiting or over: by number, or by time."""
        core, params = self._core, ask.params
        instrument, limit = core.instrument(params), params.limit(USUAL, MOST)
        first, page = params.integer("algoId"), params.integer("page")
        window = window_of(ask, params, days=DAYS)
        if page is not None and page < 1:
            raise refuse(-1130, "page")
        since, until = (0, ask.now_ns) if first is not None else (window.since_ns, window.until_ns)
        found = [
            each
            for each in core.engine.orders(ask.account, instrument, since, until)
            if each.algo_id and core.is_kept(each, ask.now_ns)
            if first is None or int(each.algo_id) >= first
        ]
        skipped = ((page or 1) - 1) * limit
        from_start = window.from_start or first is not None or page is not None
        return [self._row(ask, each) for each in rows_of(found[skipped:], limit, from_start=from_start)]
