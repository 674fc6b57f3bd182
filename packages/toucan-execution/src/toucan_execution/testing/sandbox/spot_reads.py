"""Spot's endpoints that read: accounts, orders, lists, fills, costs (facts D.1.1 to D.1.5, D.1.10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeVar
from zlib import crc32

from toucan_execution.account import Balance
from toucan_execution.events import TradeUpdate
from toucan_execution.orders import Order, OrderList
from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.limits import OrderLimits, rules_of
from toucan_execution.testing.sandbox.spot_costs import NOTHING_ON_TOP, commission_parts
from toucan_execution.testing.sandbox.spot_errors import BAD_COMBINATION
from toucan_execution.testing.sandbox.spot_find import (
    FAR,
    archived,
    find_list,
    find_order,
    instrument_of,
    window_of,
)
from toucan_execution.testing.sandbox.spot_memory import SpotMemory
from toucan_execution.testing.sandbox.spot_rows import (
    Row,
    eight,
    list_number,
    list_row,
    milli,
    queried_row,
    trade_row,
)
from toucan_instrument.testing.binance_info import filters

__all__ = ["SpotReads"]

T = TypeVar("T")

ROWS, MOST_ROWS = 500, 1_000
BIPS = 10_000
ZERO = Decimal(0)
NAMING = ("orderId", "origClientOrderId")
PAGING = ("startTime", "endTime", "limit")
ONE_SYMBOL, ALL_SYMBOLS = 6, 80
ONE_ORDER, ALL_TRADES = 5, 20
ONE_MATCH, ALL_MATCHES = 2, 20
ARCHIVED = "Order was canceled or expired with no executed qty over 90 days ago and has been archived."


class SpotReads:
    """The endpoints that change nothing.

    Args:
        memory: What is remembered of orders.
    """

    def __init__(self, memory: SpotMemory) -> None:
        self._memory = memory

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked."""
        return (*self._of_account(), *self._of_orders(), *self._of_lists())

    def _of_account(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET", path="/api/v3/account", act=self.account, ws=("account.status",),
                optional=("omitZeroBalances",), weight=20,
            ),
            Endpoint(
                method="GET", path="/api/v3/account/commission", act=self.commission,
                ws=("account.commission",), required=("symbol",), weight=20,
            ),
            Endpoint(
                method="GET", path="/api/v3/rateLimit/order", act=self.order_counts,
                ws=("account.rateLimits.orders",), weight=40,
            ),
            Endpoint(
                method="GET", path="/api/v3/myFilters", act=self.filters, ws=("myFilters",),
                required=("symbol",), weight=40,
            ),
            Endpoint(
                method="GET", path="/api/v3/myAllocations", act=self.allocations, ws=("myAllocations",),
                required=("symbol",), optional=(*PAGING, "fromAllocationId", "orderId"), weight=20,
            ),
            Endpoint(
                method="GET", path="/api/v3/myPreventedMatches", act=self.prevented_matches,
                ws=("myPreventedMatches",), required=("symbol",),
                optional=("preventedMatchId", "orderId", "fromPreventedMatchId", "limit"),
                weight=lambda params: ONE_MATCH if "preventedMatchId" in params else ALL_MATCHES,
            ),
        )  # fmt: skip

    def _of_orders(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET", path="/api/v3/order", act=self.order, ws=("order.status",),
                required=("symbol",), optional=NAMING, weight=4,
            ),
            Endpoint(
                method="GET", path="/api/v3/openOrders", act=self.open_orders, ws=("openOrders.status",),
                optional=("symbol",), weight=lambda params: ONE_SYMBOL if "symbol" in params else ALL_SYMBOLS,
            ),
            Endpoint(
                method="GET", path="/api/v3/allOrders", act=self.all_orders, ws=("allOrders",),
                required=("symbol",), optional=("orderId", *PAGING), weight=20,
            ),
            Endpoint(
                method="GET", path="/api/v3/myTrades", act=self.trades, ws=("myTrades",),
                required=("symbol",), optional=("orderId", "fromId", *PAGING),
                weight=lambda params: ONE_ORDER if "orderId" in params else ALL_TRADES,
            ),
            Endpoint(
                method="GET", path="/api/v3/order/amendments", act=self.amendments, ws=("order.amendments",),
                required=("symbol", "orderId"), optional=("fromExecutionId", "limit"), weight=4,
            ),
        )  # fmt: skip

    def _of_lists(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET", path="/api/v3/orderList", act=self.order_list, ws=("orderList.status",),
                optional=("orderListId", "origClientOrderId"), weight=4,
            ),
            Endpoint(
                method="GET", path="/api/v3/allOrderList", act=self.all_lists, ws=("allOrderLists",),
                optional=("fromId", *PAGING), weight=20,
            ),
            Endpoint(
                method="GET", path="/api/v3/openOrderList", act=self.open_lists,
                ws=("openOrderLists.status",), weight=6,
            ),
        )  # fmt: skip

    # Accounts.

    def account(self, ask: Ask) -> Row:
        """Return the account: what it holds, and what trading costs it (facts D.1.2)."""
        balances = {each.asset: each for each in ask.engine.balances(ask.account)}
        if not ask.params.flag("omitZeroBalances"):
            for instrument in ask.market.instruments.values():
                for asset in (instrument.base, instrument.quote):
                    balances.setdefault(asset, Balance(asset=asset, total=ZERO, free=ZERO, locked=ZERO))
        maker, taker = self._usual_rates(ask)
        return {
            "makerCommission": int(maker * BIPS),
            "takerCommission": int(taker * BIPS),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {**NOTHING_ON_TOP, "maker": eight(maker), "taker": eight(taker)},
            "canTrade": bool(ask.engine.snapshot(ask.account).can_trade),
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": milli(max((each.updated_ns or 0 for each in balances.values()), default=0)),
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": eight(each.free), "locked": eight(each.locked)}
                for asset, each in sorted(balances.items())
            ],
            "permissions": ["SPOT"],
            "uid": crc32(ask.account.encode()),
        }

    @staticmethod
    def _usual_rates(ask: Ask) -> tuple[Decimal, Decimal]:
        """Return what trading costs where an instrument has no rates of its own."""
        for instrument in ask.market.instruments.values():
            found = ask.engine.commission(ask.account, instrument)
            return found.maker, found.taker
        return ZERO, ZERO

    def commission(self, ask: Ask) -> Row:
        """Return what trading an instrument costs (facts D.1.10)."""
        return commission_parts(ask, instrument_of(ask))

    def order_counts(self, ask: Ask) -> list[Row]:
        """Return how many orders count against the limits; the server counts them, if anybody does."""
        counted = getattr(ask.market, "order_counts", None)
        if counted is None:
            return OrderLimits(rules_of(futures=False)).rows(ask.now_ns)
        return list(counted(ask.account))

    def filters(self, ask: Ask) -> Row:
        """Return the rules that hold for the account: those of the instrument."""
        instrument = instrument_of(ask)
        return {
            "exchangeFilters": [],
            "symbolFilters": filters(instrument.exchange, instrument.rules),
            "assetFilters": [],
        }

    def allocations(self, ask: Ask) -> list[Row]:
        """Return the fills of smart order routing: none, for its orders work on their own book."""
        instrument_of(ask)
        ask.params.limit(ROWS, MOST_ROWS)
        window_of(ask)
        return []

    def prevented_matches(self, ask: Ask) -> list[Row]:
        """Return what self-trade prevention has prevented."""
        params, symbol = ask.params, instrument_of(ask).symbol
        limit = params.limit(ROWS, MOST_ROWS)
        match_id, order_id = params.integer("preventedMatchId"), params.integer("orderId")
        from_id = params.integer("fromPreventedMatchId")
        if (match_id is None) == (order_id is None) or (from_id is not None and order_id is None):
            raise ApiError(-1128, BAD_COMBINATION)
        rows = [row for row in self._memory.prevented(ask.account) if row["symbol"] == symbol]
        if match_id is not None:
            return [row for row in rows if row["preventedMatchId"] == match_id]
        mine = [row for row in rows if order_id in {row["takerOrderId"], row["makerOrderId"]}]
        return [row for row in mine if row["preventedMatchId"] >= (from_id or 0)][:limit]

    # Orders.

    def _row(self, ask: Ask, order: Order) -> Row:
        return queried_row(order, self._memory.note(ask.account, order))

    def order(self, ask: Ask) -> Row:
        """Return an order."""
        order = find_order(ask, instrument_of(ask))
        if archived(order, ask.now_ns):
            raise ApiError(-2026, ARCHIVED)
        return self._row(ask, order)

    def open_orders(self, ask: Ask) -> list[Row]:
        """Return the open orders, of one instrument or of all."""
        instrument = instrument_of(ask) if "symbol" in ask.params else None
        return [self._row(ask, order) for order in ask.engine.open_orders(ask.account, instrument)]

    def all_orders(self, ask: Ask) -> list[Row]:
        """Return orders, from an id on or of a window of time; else the last (facts D.1.4)."""
        instrument, limit = instrument_of(ask), ask.params.limit(ROWS, MOST_ROWS)
        order_id, window = ask.params.integer("orderId"), window_of(ask)
        since, until = (0, FAR) if window is None else (window.since_ns, window.until_ns)
        orders: Iterable[Order] = ask.engine.orders(ask.account, instrument, since, until)
        orders = [each for each in orders if not archived(each, ask.now_ns)]
        orders.sort(key=lambda each: int(each.order_id))
        if order_id is not None:
            orders = [each for each in orders if int(each.order_id) >= order_id]
        begins = order_id is not None or (window is not None and window.from_start)
        return [self._row(ask, order) for order in _page(orders, limit, from_start=begins)]

    def trades(self, ask: Ask) -> list[Row]:
        """Return fills, in one of the ways in which they can be asked for (facts D.1.5)."""
        params, instrument = ask.params, instrument_of(ask)
        limit = params.limit(ROWS, MOST_ROWS)
        order_id, from_id, window = params.integer("orderId"), params.integer("fromId"), window_of(ask)
        if window is not None and (order_id is not None or from_id is not None):
            raise ApiError(-1128, BAD_COMBINATION)
        since, until = (0, FAR) if window is None else (window.since_ns, window.until_ns)
        found: Sequence[TradeUpdate] = ask.engine.trades(ask.account, instrument, since, until)
        if order_id is not None:
            found = [each for each in found if each.order_id == str(order_id)]
        if from_id is not None:
            found = [each for each in found if int(each.trade_id) >= from_id]
        begins = from_id is not None or (window is not None and window.from_start)
        return [
            trade_row(trade, self._list_number(ask, trade))
            for trade in _page(found, limit, from_start=begins)
        ]

    @staticmethod
    def _list_number(ask: Ask, trade: TradeUpdate) -> int:
        order = ask.engine.order(ask.account, trade.instrument, order_id=trade.order_id)
        return -1 if order is None else list_number(order)

    def amendments(self, ask: Ask) -> list[Row]:
        """Return how an order was changed (facts D.1.8)."""
        limit = ask.params.limit(ROWS, MOST_ROWS)
        order = find_order(ask, instrument_of(ask))
        from_id = ask.params.integer("fromExecutionId") or 0
        rows = self._memory.note(ask.account, order).amendments
        return [row for row in rows if row["executionId"] >= from_id][:limit]

    # Lists.

    def order_list(self, ask: Ask) -> Row:
        """Return a list."""
        error = ApiError(-2013, "Order list does not exist.")
        return list_row(find_list(ask, client_name="origClientOrderId", error=error))

    def open_lists(self, ask: Ask) -> list[Row]:
        """Return the open lists."""
        return [list_row(each) for each in ask.engine.open_order_lists(ask.account)]

    def all_lists(self, ask: Ask) -> list[Row]:
        """Return lists, from an id on or of a window of time; else the last."""
        limit = ask.params.limit(ROWS, MOST_ROWS)
        from_id, window = ask.params.integer("fromId"), window_of(ask)
        if from_id is not None and window is not None:
            raise ApiError(-1128, BAD_COMBINATION)
        found: list[OrderList] = []
        for number, symbol in self._memory.lists(ask.account):
            instrument = ask.market.instrument(symbol)
            listed = ask.engine.order_list(ask.account, instrument, list_id=str(number))
            if listed is not None and number >= (from_id or 0):
                found.append(listed)
        if window is not None:
            found = [each for each in found if window.since_ns <= (each.updated_ns or 0) <= window.until_ns]
        begins = from_id is not None or (window is not None and window.from_start)
        return [list_row(each) for each in _page(found, limit, from_start=begins)]


def _page(rows: Sequence[T], limit: int, *, from_start: bool) -> Sequence[T]:
    """Return the first rows where it was said where they begin, else the last."""
    return rows[:limit] if from_start else rows[-limit:]
