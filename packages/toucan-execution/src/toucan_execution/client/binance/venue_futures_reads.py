"""USD-M and COIN-M: what is asked for an account's state and history (facts D.2.2, D.2.5, D.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from toucan_execution.account import AccountSnapshot, Balance, Commission, Position
from toucan_execution.call import Call, Conversation, Params, one
from toucan_execution.client.binance import (
    requests_futures as requests,
    requests_spot,
    venue_answers as answers,
)
from toucan_execution.client.binance.answers import AccountPart
from toucan_execution.client.binance.endpoints import HISTORIES, Op
from toucan_execution.client.binance.params import id_param, milliseconds
from toucan_execution.client.binance.venue_base import BinanceVenue
from toucan_execution.client.binance.venue_paging import (
    ByIds,
    Pages,
    by_ids,
    check_kept,
    complete,
    in_windows,
    instant,
    within,
)
from toucan_execution.client.binance.venue_settings import FuturesSettings
from toucan_execution.errors import UnknownOrder
from toucan_execution.events import TradeUpdate
from toucan_execution.orders import Order
from toucan_instrument import Instrument
from toucan_instrument.errors import VenueError
from toucan_instrument.link import Lane

__all__ = ["FuturesReads", "is_absent", "is_missing", "united", "united_order"]

NOT_FOUND = 404
NO_SUCH_PATH = frozenset({-1, -5000})


class FuturesReads(FuturesSettings, BinanceVenue):
    """What both futures markets are asked for; a part of their venues."""

    conditional_over_algo: bool = True
    """Whether conditional orders go to the algo service first."""

    def use_algo(self, *, yes: bool) -> None:
        """Remember whether conditional orders go to the algo service first."""
        self.conditional_over_algo = yes

    # What there is.

    def balances(self) -> Conversation[list[Balance]]:
        """See `ExecutionVenue.balances`."""
        part = yield from one(self._account())
        return answers.held(part.balances)

    def _account(self) -> Call[AccountPart]:
        return self._call(Op.ACCOUNT, (), lambda body, ns: answers.futures_account(self._scope, body, ns))

    def open_orders(self, instrument: Instrument | None = None) -> Conversation[list[Order]]:
        """See `ExecutionVenue.open_orders`: the regular ones, and those that wait in the algo service."""
        orders, _ = yield from self._open_orders(instrument)
        return orders

    def _open_orders(self, instrument: Instrument | None) -> Conversation[tuple[list[Order], int]]:
        params: Params = () if instrument is None else (self._check_instrument(instrument),)
        regular, received = yield self._call(
            Op.OPEN_ORDERS,
            params,
            lambda body, ns: (answers.futures_orders(self._scope, body), ns),
            everything=instrument is None,
        )
        call = self._call(
            Op.ALGO_OPEN,
            params,
            lambda body, ns: (answers.futures_algos(self._scope, body), ns),
            everything=instrument is None,
        )
        algo, received_last = yield from self._where_there_is(call, ([], received))
        return united(regular, algo), max(received, received_last)

    def _where_there_is(self, call: Call[Any], otherwise: Any) -> Conversation[Any]:
        """Make a call to the algo service; where the market has none, return something else."""
        try:
            result = yield call
        except VenueError as error:
            if not self._may_lack_algo or not is_absent(error):
                raise
            self.use_algo(yes=False)
            return otherwise
        return result

    @property
    def _may_lack_algo(self) -> bool:
        return False

    def order(
        self,
        instrument: Instrument,
        *,
        client_order_id: str = "",
        order_id: str = "",
        conditional: bool | None = None,
    ) -> Conversation[Order]:
        """See `ExecutionVenue.order`.

        A conditional order is asked for at the algo service first and, once it was triggered, its actual
        order too: what is known of both is returned as one. Where it is not said, and the order is no
        regular one, its client order id is tried at the algo service; an order id never is, as the two
        number their orders apart.
        """
        symbol = self._check_instrument(instrument)
        if conditional and self.conditional_over_algo:
            return self._conditional(symbol, requests.algo_id_params(client_order_id, order_id))
        params = (symbol, *requests_spot.id_params(client_order_id, order_id))
        call = self._call(Op.ORDER, params, lambda body, _: answers.futures_order(self._scope, body))
        if conditional is False or not client_order_id:
            return one(call)
        return self._any_order(call, symbol, client_order_id)

    def _any_order(
        self, call: Call[Order], symbol: tuple[str, Any], client_order_id: str
    ) -> Conversation[Order]:
        try:
            order: Order = yield call
        except UnknownOrder as unknown:
            try:
                found = yield from self._conditional(symbol, (("clientAlgoId", client_order_id),))
            except VenueError as error:
                if isinstance(error, UnknownOrder) or (self._may_lack_algo and is_absent(error)):
                    raise unknown from None
                raise
            return found
        return order

    def _conditional(self, symbol: tuple[str, Any], ids: Params) -> Conversation[Order]:
        """Fetch a conditional order, and its actual order where there is one."""
        waiting: Order = yield self._call(
            Op.ALGO_ORDER, ids, lambda body, _: answers.futures_algo(self._scope, body)
        )
        if not waiting.order_id:
            return waiting
        params = (symbol, id_param("orderId", waiting.order_id))
        try:
            actual: Order = yield self._call(
                Op.ORDER, params, lambda body, _: answers.futures_order(self._scope, body)
            )
        except UnknownOrder:  # not visible yet, or no longer kept
            return waiting
        return united_order(waiting, actual)

    # Histories.

    def orders(self, instrument: Instrument, since_ns: int, until_ns: int) -> Conversation[list[Order]]:
        """See `ExecutionVenue.orders`: a week at a time, as no request may be about more (facts D.2.5).

        The venue keeps orders for 90 days, and those that ended without a fill for 3 days.

        Raises:
            InvalidInput: The venue certainly does not keep all of it.
        """
        regular = yield from self._history(Op.ALL_ORDERS, instrument, (since_ns, until_ns))
        try:
            algo = yield from self._history(Op.ALGO_ALL, instrument, (since_ns, until_ns))
        except VenueError as error:
            if not self._may_lack_algo or not is_absent(error):
                raise
            self.use_algo(yes=False)
            algo = []
        return sorted(united(regular, algo), key=lambda row: row.created_ns or 0)

    def _history(self, op: Op, instrument: Instrument, span_ns: tuple[int, int]) -> Conversation[list[Order]]:
        symbol, history = self._check_instrument(instrument), HISTORIES[self.exchange][op]
        algo = op is Op.ALGO_ALL
        read = answers.futures_algos if algo else answers.futures_orders

        def call(*params: tuple[str, int]) -> Call[list[Order]]:
            return self._call(
                op,
                (symbol, *params, ("limit", history.page)),
                lambda body, _: read(self._scope, body),
                lane=Lane.BACKFILL,
            )

        def id_of(row: Order) -> int:
            return int(row.algo_id if algo else row.order_id)

        def time_of(row: Order) -> int:
            return row.created_ns or 0

        span = (milliseconds(span_ns[0]), milliseconds(span_ns[1]))
        check_kept("orders", span, history)
        name = "algoId" if algo else "orderId"
        ids = ByIds(lambda first: call((name, first)), id_of, history.page, time_of)
        pages = Pages(id_of, lambda row: (time_of(row), id_of(row)), span_ns[0] - 1)
        steps = in_windows(
            pages, lambda a, b: call(("startTime", a), ("endTime", b)), span, history, instant(pages, ids)
        )
        return (yield from complete(f"{op.value} of {instrument}", pages, steps))

    def trades(
        self, instrument: Instrument, since_ns: int, until_ns: int, *, from_id: str = ""
    ) -> Conversation[list[TradeUpdate]]:
        """See `ExecutionVenue.trades`: a week at a time, as no request may be about more (facts D.2.5).

        Raises:
            InvalidInput: The venue certainly does not keep all of it: 3 months since 2026-08-26.
        """
        symbol, history = self._check_instrument(instrument), HISTORIES[self.exchange][Op.TRADES]

        def call(*params: tuple[str, int]) -> Call[list[TradeUpdate]]:
            return self._call(
                Op.TRADES,
                (symbol, *params, ("limit", history.page)),
                lambda body, ns: answers.futures_trades(self._scope, body, ns),
            )

        def id_of(row: TradeUpdate) -> int:
            return int(row.trade_id)

        def time_of(row: TradeUpdate) -> int:
            return row.time_exchange or 0

        ids = ByIds(lambda first: call(("fromId", first)), id_of, history.page, time_of, shared=True)
        begin = 0 if from_id else since_ns - 1
        pages: Pages[TradeUpdate] = Pages(
            lambda row: (row.trade_id, row.side), lambda row: (time_of(row), id_of(row)), begin
        )
        what = f"trades of {instrument}"
        if from_id:
            first = int(id_param("fromId", from_id, field="from_id")[1])
            return complete(what, pages, by_ids(pages, ids, first))
        span = (milliseconds(since_ns), milliseconds(until_ns))
        check_kept("trades", span, history)
        steps = in_windows(
            pages, lambda a, b: call(("startTime", a), ("endTime", b)), span, history, instant(pages, ids)
        )
        return within(complete(what, pages, steps), lambda row: row.time_exchange, since_ns, until_ns)

    def commission(self, instrument: Instrument) -> Conversation[Commission]:
        """See `ExecutionVenue.commission`."""
        params = (self._check_instrument(instrument),)
        return one(
            self._call(Op.COMMISSION, params, lambda body, _: answers.futures_commission(self._scope, body))
        )

    # Snapshots.

    def _snapshot_of(
        self, part: AccountPart, config: AccountPart, positions: Iterable[Position]
    ) -> Conversation[AccountSnapshot]:
        self.learn_mode(config.position_mode or part.position_mode)
        orders, received = yield from self._open_orders(None)
        can_trade = part.can_trade if config.can_trade is None else config.can_trade
        multi = part.multi_assets if config.multi_assets is None else config.multi_assets
        return AccountSnapshot(
            exchange=self.exchange,
            account=self.account,
            time_exchange=part.time_exchange,
            time_received=max(part.time_received, config.time_received, received),
            balances=tuple(answers.held(part.balances)),
            positions=tuple(positions),
            open_orders=tuple(orders),
            can_trade=can_trade,
            position_mode=self.position_mode,
            multi_assets=multi,
        )


def is_missing(error: VenueError) -> bool:
    """Tell whether a path certainly does not exist, so that nothing was done."""
    return error.status == NOT_FOUND


def is_absent(error: VenueError) -> bool:
    """Tell whether a market seems to have no algo service; for calls where being wrong does no harm."""
    return is_missing(error) or error.code in NO_SUCH_PATH


def united(regular: list[Order], algo: list[Order]) -> list[Order]:
    """Return regular and conditional orders; a triggered one and its actual order are one."""
    waiting = {(each.instrument, each.order_id): each for each in algo if each.order_id}
    orders = []
    for each in regular:
        conditional = waiting.pop((each.instrument, each.order_id), None)
        orders.append(each if conditional is None else united_order(conditional, each))
    left = set(waiting)
    return orders + [each for each in algo if not each.order_id or (each.instrument, each.order_id) in left]


def united_order(conditional: Order, actual: Order) -> Order:
    """Return a triggered conditional order: how it is filled is the actual order's, the rest its own."""
    return msgspec.structs.replace(
        actual,
        client_order_id=conditional.client_order_id or actual.client_order_id,
        type=conditional.type,
        close_position=conditional.close_position,
        trigger_price=conditional.trigger_price,
        trigger_by=conditional.trigger_by,
        trailing_bips=conditional.trailing_bips,
        activation_price=conditional.activation_price,
        origin=conditional.origin,
        triggered=True,
        algo_id=conditional.algo_id,
        created_ns=conditional.created_ns or actual.created_ns,
    )
