"""Binance spot as a venue: what is asked for what, in one call or in several (facts D.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from toucan_execution.account import AccountSnapshot, Balance, Commission, Position
from toucan_execution.call import Call, Conversation, Params, one
from toucan_execution.client.binance import requests_spot as requests, venue_answers as answers
from toucan_execution.client.binance.endpoints import HISTORIES, Op
from toucan_execution.client.binance.errors import PartlyReplaced, element_error
from toucan_execution.client.binance.params import id_param, milliseconds
from toucan_execution.client.binance.venue_base import BinanceVenue
from toucan_execution.client.binance.venue_paging import (
    ByIds,
    Pages,
    by_ids,
    by_windows,
    complete,
    in_windows,
    instant,
    within,
)
from toucan_execution.client.binance.venue_spot_extras import SpotExtras
from toucan_execution.errors import UnknownOrder
from toucan_execution.events import TradeUpdate
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    Order,
    OrderListRequest,
    OrderRequest,
)
from toucan_execution.venue import Feature, Placed, Replaced
from toucan_instrument import Instrument
from toucan_instrument.errors import VenueError
from toucan_instrument.link import Lane

__all__ = ["BinanceSpotVenue"]

FIRST_DAY_MS = 1_498_867_200_000
"""2017-07-01: the exchange opened on 2017-07-14, so that nothing has an earlier time."""
_LISTS = {
    ListKind.OCO: Op.PLACE_OCO,
    ListKind.OTO: Op.PLACE_OTO,
    ListKind.OTOCO: Op.PLACE_OTOCO,
    ListKind.OPO: Op.PLACE_OPO,
    ListKind.OPOCO: Op.PLACE_OPOCO,
}


class BinanceSpotVenue(SpotExtras, BinanceVenue):
    """Binance spot; made like `BinanceVenue`."""

    @property
    def features(self) -> frozenset[Feature]:
        """See `ExecutionVenue.features`: no batches and no positions (facts D.1.1)."""
        return frozenset({Feature.AMEND, Feature.CANCEL_REPLACE, Feature.ORDER_LISTS, Feature.TEST_ORDER})

    # What there is.

    def snapshot(self) -> Conversation[AccountSnapshot]:
        """See `ExecutionVenue.snapshot`: the account, then its open orders."""
        part = yield from one(
            self._call(
                Op.ACCOUNT,
                (("omitZeroBalances", True),),
                lambda body, ns: answers.spot_account(self._scope, body, ns),
            )
        )
        orders, received = yield from one(
            self._call(
                Op.OPEN_ORDERS,
                (),
                lambda body, ns: (answers.spot_orders(self._scope, body), ns),
                everything=True,
            )
        )
        return AccountSnapshot(
            exchange=self.exchange,
            account=self.account,
            time_exchange=part.time_exchange,
            time_received=max(part.time_received, received),
            balances=tuple(answers.held(part.balances)),
            positions=(),
            open_orders=tuple(orders),
            can_trade=part.can_trade,
            account_type=part.account_type,
        )

    def balances(self) -> Conversation[list[Balance]]:
        """See `ExecutionVenue.balances`."""
        return one(
            self._call(
                Op.ACCOUNT,
                (("omitZeroBalances", True),),
                lambda body, ns: answers.held(answers.spot_account(self._scope, body, ns).balances),
            )
        )

    def positions(self, instrument: Instrument | None = None) -> Conversation[list[Position]]:
        """See `ExecutionVenue.positions`: spot has none.

        Raises:
            UnsupportedKind: Always.
        """
        del instrument
        raise self._unsupported("positions", "balances")

    def open_orders(self, instrument: Instrument | None = None) -> Conversation[list[Order]]:
        """See `ExecutionVenue.open_orders`."""
        return one(
            self._call(
                Op.OPEN_ORDERS,
                () if instrument is None else (self._check_instrument(instrument),),
                lambda body, _: answers.spot_orders(self._scope, body),
                everything=instrument is None,
            )
        )

    def order(
        self,
        instrument: Instrument,
        *,
        client_order_id: str = "",
        order_id: str = "",
        conditional: bool | None = None,
    ) -> Conversation[Order]:
        """See `ExecutionVenue.order`; conditional orders are kept with the others."""
        del conditional
        params = (self._check_instrument(instrument), *requests.id_params(client_order_id, order_id))
        return one(self._call(Op.ORDER, params, lambda body, _: answers.spot_order(self._scope, body)))

    # Histories.

    def orders(self, instrument: Instrument, since_ns: int, until_ns: int) -> Conversation[list[Order]]:
        """See `ExecutionVenue.orders`: a day at a time, as no request may be about more (facts D.1.4).

        Orders that ended without a fill more than 90 days ago are not kept by the venue.
        """
        symbol = self._check_instrument(instrument)
        history = HISTORIES[self.exchange][Op.ALL_ORDERS]

        def call(*params: tuple[str, int]) -> Call[list[Order]]:
            return self._call(
                Op.ALL_ORDERS,
                (symbol, *params, ("limit", history.page)),
                lambda body, _: answers.spot_orders(self._scope, body),
                lane=Lane.BACKFILL,
            )

        ids: ByIds[Order] = ByIds(
            lambda first: call(("orderId", first)),
            lambda row: int(row.order_id),
            history.page,
            lambda row: row.created_ns or 0,
        )
        pages: Pages[Order] = Pages(
            lambda row: row.order_id, lambda row: (row.created_ns or 0, int(row.order_id)), since_ns - 1
        )
        span = (milliseconds(since_ns), milliseconds(until_ns))
        if span[0] <= FIRST_DAY_MS:
            steps = by_ids(pages, ids, 1, until_ns)
        else:
            steps = in_windows(
                pages, lambda a, b: call(("startTime", a), ("endTime", b)), span, history, instant(pages, ids)
            )
        return complete(f"orders of {instrument}", pages, steps)

    def trades(
        self, instrument: Instrument, since_ns: int, until_ns: int, *, from_id: str = ""
    ) -> Conversation[list[TradeUpdate]]:
        """See `ExecutionVenue.trades`: a day at a time up to the first fills, then on by id (D.1.5)."""
        symbol = self._check_instrument(instrument)
        page = HISTORIES[self.exchange][Op.TRADES].page

        def call(*params: tuple[str, int]) -> Call[list[TradeUpdate]]:
            return self._call(
                Op.TRADES,
                (symbol, *params, ("limit", page)),
                lambda body, ns: answers.spot_trades(self._scope, body, ns),
            )

        ids: ByIds[TradeUpdate] = ByIds(
            lambda first: call(("fromId", first)),
            lambda row: int(row.trade_id),
            page,
            lambda row: row.time_exchange or 0,
            shared=True,
        )
        pages: Pages[TradeUpdate] = Pages(
            lambda row: (row.trade_id, row.side),
            lambda row: (row.time_exchange or 0, int(row.trade_id)),
            0 if from_id else since_ns - 1,
        )
        what = f"trades of {instrument}"
        if from_id:
            first = int(id_param("fromId", from_id, field="from_id")[1])
            return complete(what, pages, by_ids(pages, ids, first))
        steps = self._trade_steps(pages, ids, call, (since_ns, until_ns))
        return within(complete(what, pages, steps), lambda row: row.time_exchange, since_ns, until_ns)

    def _trade_steps(
        self,
        pages: Pages[TradeUpdate],
        ids: ByIds[TradeUpdate],
        call: Callable[..., Call[list[TradeUpdate]]],
        span: tuple[int, int],
    ) -> Conversation[None]:
        window = HISTORIES[self.exchange][Op.TRADES].window_ms
        start, end, first = milliseconds(span[0]), milliseconds(span[1]), 0
        if start > FIRST_DAY_MS:
            found: list[TradeUpdate] = []
            while start <= end and not found:
                last = min(start + window - 1, end)
                found = yield from by_windows(
                    pages,
                    lambda a, b: call(("startTime", a), ("endTime", b)),
                    (start, last),
                    ids.page,
                    instant(pages, ids),
                )
                start = last + 1
            if start > end:
                return
            first = max(ids.id_of(row) for row in found) + 1
        yield from by_ids(pages, ids, first, span[1])

    def commission(self, instrument: Instrument) -> Conversation[Commission]:
        """See `ExecutionVenue.commission`."""
        params = (self._check_instrument(instrument),)
        return one(
            self._call(Op.COMMISSION, params, lambda body, _: answers.spot_commission(self._scope, body))
        )

    # Orders.

    def place(self, request: OrderRequest) -> Conversation[Placed]:
        """See `ExecutionVenue.place`."""
        self.check(request)
        return one(self._place(Op.PLACE, requests.order_params(request), request))

    def _place(self, op: Op, params: Params, request: OrderRequest) -> Call[Placed]:
        return self._call(op, params, lambda body, ns: answers.spot_placed(self._scope, body, ns, request))

    def place_many(self, requests: Sequence[OrderRequest]) -> Conversation[list[Placed | VenueError]]:
        """See `ExecutionVenue.place_many`: spot has no batches (facts D.1.1).

        Raises:
            UnsupportedKind: Always.
        """
        del requests
        raise self._unsupported("a batch of orders", "one order at a time")

    def test(self, request: OrderRequest) -> Conversation[None]:
        """See `ExecutionVenue.test`."""
        self.check(request)
        return one(self._call(Op.TEST, requests.order_params(request), lambda body, _: answers.nothing(body)))

    def amend(self, request: AmendRequest, known: Order | None) -> Conversation[Placed]:
        """See `ExecutionVenue.amend`: a smaller quantity, at the same priority (facts D.1.8).

        Raises:
            InvalidInput: It is another change: that needs a cancel-replace.
        """
        params = requests.amend_params(request, known)
        return one(self._call(Op.AMEND, params, lambda body, _: answers.spot_amended(self._scope, body)))

    def cancel(self, request: CancelRequest, known: Order | None) -> Conversation[Placed]:
        """See `ExecutionVenue.cancel`; an order of a list takes its list with it (facts D.1.9)."""
        del known
        client_id, order_id = request.client_order_id, request.order_id
        return one(
            self._call(
                Op.CANCEL,
                requests.cancel_params(request),
                lambda body, _: answers.spot_cancelled(self._scope, body, client_id, order_id),
            )
        )

    def cancel_many(
        self, instrument: Instrument, requests: Sequence[CancelRequest]
    ) -> Conversation[list[Placed | VenueError]]:
        """See `ExecutionVenue.cancel_many`: spot has no batches (facts D.1.1).

        Raises:
            UnsupportedKind: Always.
        """
        del instrument, requests
        raise self._unsupported("a batch of cancels", "one cancel at a time, or cancel_all")

    def cancel_all(self, instrument: Instrument) -> Conversation[list[Order]]:
        """See `ExecutionVenue.cancel_all`; where nothing is open there is nothing to cancel (D.1.6)."""
        params = (self._check_instrument(instrument),)
        call = self._call(
            Op.CANCEL_ALL, params, lambda body, _: answers.spot_cancelled_all(self._scope, body)
        )
        return self._all_or_none(call)

    @staticmethod
    def _all_or_none(call: Call[list[Order]]) -> Conversation[list[Order]]:
        try:
            orders: list[Order] = yield call
        except UnknownOrder:
            return []
        return orders

    def check_list(self, request: OrderListRequest) -> None:
        """Refuse a list that spot cannot have, leg by leg: `check` knows nothing of lists.

        Raises:
            InvalidInput: Which field is wrong, missing or not to be there, and what would be accepted.
        """
        requests.check_list(request, self_trade=self._self_trade_of(request.instrument))

    def place_list(self, request: OrderListRequest) -> Conversation[Placed]:
        """See `ExecutionVenue.place_list`."""
        self.check_list(request)
        return one(
            self._call(
                _LISTS[request.kind],
                requests.list_params(request),
                lambda body, _: Placed(None, order_list=answers.spot_list(self._scope, body, request)),
            )
        )

    def cancel_replace(self, request: CancelReplaceRequest) -> Conversation[Replaced]:
        """See `ExecutionVenue.cancel_replace`: both halves may end in four ways (facts D.1.7)."""
        self.check(request.place)
        call: Call[Replaced] = self._call(
            Op.CANCEL_REPLACE,
            requests.cancel_replace_params(request),
            lambda body, ns: self._halves(call, body, ns, request),
        )
        return self._replaced(call, request)

    def _replaced(self, call: Call[Replaced], request: CancelReplaceRequest) -> Conversation[Replaced]:
        try:
            replaced: Replaced = yield call
        except PartlyReplaced as error:
            return self._halves(call, error.data, 0, request, error)
        return replaced

    def _halves(
        self,
        call: Call[Replaced],
        body: bytes,
        received_ns: int,
        request: CancelReplaceRequest,
        error: PartlyReplaced | None = None,
    ) -> Replaced:
        found = answers.spot_replaced(body)

        def half(raw: msgspec.Raw, read: Callable[[bytes], Placed]) -> Placed | VenueError:
            failed = element_error(
                self.exchange,
                call,
                bytes(raw),
                status=200 if error is None else error.status,
                limits=None if error is None else error.limits,
            )
            return read(bytes(raw)) if failed is None else failed

        cancel = half(found.cancelResponse, lambda raw: answers.spot_cancelled(self._scope, raw))
        if found.newOrderResult == "NOT_ATTEMPTED":
            return Replaced(cancel, None)
        place = half(
            found.newOrderResponse,
            lambda raw: answers.spot_placed(self._scope, raw, received_ns, request.place),
        )
        return Replaced(cancel, place)
