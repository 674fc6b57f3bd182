"""Histories and figures of the futures: orders, fills, ledger, fees, brackets (facts D.2.5, D.2.10, D.3)."""

from __future__ import annotations

from decimal import Decimal

from toucan_execution.account import Income, LeverageBracket
from toucan_execution.events import TradeUpdate
from toucan_execution.orders import Order
from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint
from toucan_execution.testing.sandbox.errors import missing
from toucan_execution.testing.sandbox.futures_account import LARGEST
from toucan_execution.testing.sandbox.futures_core import FuturesCore, weight_of
from toucan_execution.testing.sandbox.futures_errors import refuse
from toucan_execution.testing.sandbox.futures_rows import (
    Row,
    fixed,
    history_row,
    is_regular,
    millis,
    money,
    trade_row,
)
from toucan_execution.testing.sandbox.futures_windows import KEPT_DAYS, rows_of, window_of

__all__ = ["FuturesReads"]

WEEK, YEAR = 7, 365
TIMES = ("startTime", "endTime")
INCOME_USUAL, INCOME_MOST = 100, 1_000
RATE_DIGITS = 4
INCOME_TYPES = frozenset(
    {
        "TRANSFER", "WELCOME_BONUS", "REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR",
        "REFERRAL_KICKBACK", "COMMISSION_REBATE", "API_REBATE", "CONTEST_REWARD", "CROSS_COLLATERAL_TRANSFER",
        "OPTIONS_PREMIUM_FEE", "OPTIONS_SETTLE_PROFIT", "INTERNAL_TRANSFER", "AUTO_EXCHANGE",
        "DELIVERED_SETTELMENT", "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW", "POSITION_LIMIT_INCREASE_FEE",
        "STRATEGY_UMFUTURES_TRANSFER", "FEE_RETURN", "BFUSD_REWARD",
    }
)  # fmt: skip
"""Facts D.2.10."""
FORCED = frozenset({"LIQUIDATION", "ADL"})
LIMITS: tuple[Row, ...] = (
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1_200},
)
"""Facts C.4."""


class FuturesReads:
    """Histories and figures.

    Args:
        core: What all endpoints share.
    """

    def __init__(self, core: FuturesCore) -> None:
        self._core = core

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked (facts D.2.1, D.3.1)."""
        core = self._core
        v1, coin = f"{core.prefix}/v1", core.coin
        # USD-M takes no symbol for all orders since 2026-08-25 (facts 0.2); COIN-M a symbol or a pair.
        named = ("symbol", "pair") if coin else ("symbol",)
        brackets = "/dapi/v2/leverageBracket" if coin else "/fapi/v1/leverageBracket"
        return (
            Endpoint(
                method="GET", path=f"{v1}/allOrders", act=self.all_orders,
                optional=(*named, "orderId", *TIMES, "limit"), weight=5,
            ),
            Endpoint(
                method="GET", path=f"{v1}/userTrades", act=self.trades,
                required=() if coin else named, optional=(*named, "orderId", "fromId", *TIMES, "limit"),
                weight=5,
            ),
            Endpoint(
                method="GET", path=f"{v1}/income", act=self.income,
                optional=("symbol", "incomeType", *TIMES, "page", "limit"), weight=20 if coin else 30,
            ),
            Endpoint(
                method="GET", path=f"{v1}/commissionRate", act=self.commission, required=("symbol",),
                weight=20,
            ),
            Endpoint(
                method="GET", path=brackets, act=self.brackets, optional=("symbol",),
                weight=weight_of(1, 2) if coin else 1,
            ),
            Endpoint(
                method="GET", path=f"{v1}/forceOrders", act=self.forced,
                optional=("symbol", "autoCloseType", *TIMES, "limit"), weight=weight_of(20, 50),
            ),
            Endpoint(
                method="GET", path=f"{v1}/adlQuantile", act=self.quantiles, optional=("symbol",), weight=5,
            ),
            Endpoint(method="GET", path=f"{v1}/rateLimit/order", act=self.order_counts),
        )  # fmt: skip

    # Orders and fills.

    def all_orders(self, ask: Ask) -> list[Row]:
        """Return orders, by number or by time, oldest first (facts D.2.5, D.3.1)."""
        core, params = self._core, ask.params
        if core.coin and "symbol" not in params and "pair" not in params:
            raise refuse(-1102, "symbol", "pair")
        first = params.integer("orderId")
        if first is not None and "symbol" not in params:
            raise refuse(-1128)
        limit = params.limit(50, 100) if core.coin else params.limit(500, 1_000)
        window = window_of(ask, params, days=WEEK, kept_days=KEPT_DAYS)
        found = [
            each
            for instrument in core.chosen(params)
            for each in core.engine.orders(ask.account, instrument, 0, ask.now_ns)
            if is_regular(each) and core.is_kept(each, ask.now_ns)
            if (window.has(self._placed_ns(ask, each)) if first is None else int(each.order_id) >= first)
        ]
        found.sort(key=lambda each: (self._placed_ns(ask, each), int(each.order_id)))
        if first is not None:
            found.sort(key=lambda each: int(each.order_id))
        return [
            history_row(each, core.notes.of(ask.account, each), coin=core.coin)
            for each in rows_of(found, limit, from_start=window.from_start or first is not None)
        ]

    def _placed_ns(self, ask: Ask, order: Order) -> int:
        """Return when an order came to the book: a conditional one, once it was triggered."""
        return self._core.notes.of(ask.account, order).trigger_ns or order.created_ns or 0

    def trades(self, ask: Ask) -> list[Row]:
        """Return fills, by number or by time, oldest first (facts D.2.5, D.3.1)."""
        core, params = self._core, ask.params
        if "symbol" not in params and "pair" not in params:
            raise refuse(-1102, "symbol", "pair") if core.coin else missing("symbol")
        first, order = params.integer("fromId"), params.integer("orderId")
        if first is not None and any(name in params for name in TIMES):
            raise refuse(-1128)
        if (order is not None or first is not None) and "symbol" not in params:
            raise refuse(-1128)
        limit = params.limit(50 if core.coin else 500, 1_000)
        window = window_of(ask, params, days=WEEK, kept_days=KEPT_DAYS)
        # By an order's number all of its fills are given; by neither number nor time, those of a week.
        timed = first is None and (order is None or any(name in params for name in TIMES))
        since, until = (window.since_ns, window.until_ns) if timed else (0, ask.now_ns)
        found = [
            each
            for instrument in core.chosen(params)
            for each in core.engine.trades(ask.account, instrument, since, until)
            if (first is None or int(each.trade_id) >= first)
            and (order is None or int(each.order_id) == order)
        ]
        found.sort(key=_time_of)
        given = rows_of(found, limit, from_start=window.from_start or first is not None)
        return [trade_row(each, coin=core.coin) for each in given]

    # The ledger.

    def income(self, ask: Ask) -> list[Row]:
        """Return lines of the ledger, oldest first, a page of them (facts D.2.10, D.3.1)."""
        core, params = self._core, ask.params
        instrument = core.instrument(params) if "symbol" in params else None
        kind, page = params.text("incomeType"), params.integer("page")
        if kind and kind not in INCOME_TYPES:
            raise refuse(-1130, "incomeType")
        if page is not None and page < 1:
            raise refuse(-1130, "page")
        limit = params.limit(INCOME_USUAL, INCOME_MOST)
        window = window_of(ask, params, days=YEAR if core.coin else None)
        found = [
            each
            for each in core.engine.income(ask.account, window.since_ns, window.until_ns)
            if (instrument is None or each.instrument == instrument) and kind in ("", each.kind)
        ]
        skipped = ((page or 1) - 1) * limit
        return [self._income_row(each) for each in found[skipped : skipped + limit]]

    def _income_row(self, line: Income) -> Row:
        number = line.transaction_id
        return {
            "symbol": line.instrument.symbol if line.instrument else "", "incomeType": line.kind,
            "income": money(line.amount), "asset": line.asset, "info": line.info or line.kind,
            "time": millis(line.time_exchange), "tranId": number if self._core.coin else int(number),
            "tradeId": line.trade_id,
        }  # fmt: skip

    # Figures.

    def commission(self, ask: Ask) -> Row:
        """Return what trading costs (facts D.2.10, D.3.1)."""
        instrument = self._core.instrument(ask.params)
        found = self._core.engine.commission(ask.account, instrument)
        row = {
            "symbol": instrument.symbol, "makerCommissionRate": fixed(found.maker, RATE_DIGITS),
            "takerCommissionRate": fixed(found.taker, RATE_DIGITS),
        }  # fmt: skip
        return row if self._core.coin else {**row, "rpiCommissionRate": fixed(found.rpi, RATE_DIGITS)}

    def brackets(self, ask: Ask) -> list[Row]:
        """Return the leverage brackets, with JSON numbers (facts D.2.10, D.3.1)."""
        return [
            {
                "symbol": instrument.symbol,
                "brackets": [self._bracket(each) for each in self._core.engine.brackets(instrument)],
            }
            for instrument in self._core.chosen(ask.params)
        ]

    def _bracket(self, bracket: LeverageBracket) -> Row:
        names = ("qtyCap", "qtylFloor") if self._core.coin else ("notionalCap", "notionalFloor")
        return {
            "bracket": bracket.bracket, "initialLeverage": bracket.max_leverage,
            names[0]: _number(min(bracket.cap, LARGEST)), names[1]: _number(bracket.floor),
            "maintMarginRatio": float(bracket.maintenance_margin), "cum": float(bracket.cumulative),
        }  # fmt: skip

    def forced(self, ask: Ask) -> list[Row]:
        """Return nothing: nobody is liquidated here."""
        self._core.chosen(ask.params)
        if ask.params.text("autoCloseType", "ADL") not in FORCED:
            raise refuse(-1130, "autoCloseType")
        window_of(ask, ask.params, days=WEEK)
        ask.params.limit(50, 100)
        return []

    def quantiles(self, ask: Ask) -> list[Row]:
        """Return the places in the queue of deleveraging: always the last, as nobody is."""
        chosen = set(self._core.chosen(ask.params))
        held = {each.instrument: each for each in self._core.engine.positions(ask.account)}
        return [
            {"symbol": each.symbol, "adlQuantile": {"LONG": 0, "SHORT": 0, "BOTH": 0}}
            for each in held
            if each in chosen
        ]

    def order_counts(self, ask: Ask) -> list[Row]:
        """Return how many orders count against each limit: the server counts them, if anybody does."""
        count = getattr(self._core.market, "order_counts", None)
        rows: list[Row] = count(ask.account) if count else [{**each, "count": 0} for each in LIMITS]
        return rows


def _time_of(trade: TradeUpdate) -> int:
    return trade.time_exchange or 0


def _number(value: Decimal) -> int | float:
    """Return a number of JSON's: whole where it is."""
    return int(value) if value == value.to_integral_value() else float(value)
