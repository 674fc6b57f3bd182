"""Requests about orders: found, checked, done, and described once everything they led to is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from toucan_execution.mock.amending import Amending
from toucan_execution.mock.desk import Desk
from toucan_execution.mock.journal import Journal
from toucan_execution.mock.lists import Lists
from toucan_execution.mock.results import Done, Refusal
from toucan_execution.mock.settling import Settling
from toucan_execution.mock.shape import check_shape, complete
from toucan_execution.mock.state import Account, Market, State
from toucan_execution.mock.working import WorkingList, WorkingOrder
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    OrderListRequest,
    OrderRequest,
    OrderStatus,
)
from toucan_execution.outcome import Reason
from toucan_instrument import Instrument
from toucan_instrument.errors import InvalidInput

__all__ = ["Dealing", "Describe", "find_list"]

Describe = Callable[[], Done]
"""Says what a request came to, once what it led to is done."""


class Dealing:
    """Deals with requests about orders."""

    def __init__(self, state: State, journal: Journal, settling: Settling, desk: Desk) -> None:
        self._state = state
        self._journal = journal
        self._desk = desk
        self._amending = Amending(state, journal, settling, desk)
        self._lists = Lists(state, journal, settling, desk)
        desk.lists = self._lists

    def _checked(self, account: Account, request: OrderRequest) -> WorkingOrder:
        settings = self._state.settings
        market = self._state.market(request.instrument)
        check_shape(request, settings)
        client_id = request.client_order_id or f"auto-{self._state.new_number()}"
        completed = complete(request, settings, client_order_id=client_id)
        order = self._desk.make(account, market, completed)
        self._desk.check(order)
        return order

    def place(self, account: Account, request: OrderRequest) -> Describe:
        """Place an order."""
        order = self._checked(account, request)
        self._desk.admit(order)
        return lambda: Done(order=order.view(), fills=self._journal.fills_of(order))

    def test(self, account: Account, request: OrderRequest) -> Describe:
        """Check an order without placing it."""
        self._desk.prepare(self._checked(account, request))
        return Done

    def amend(self, account: Account, request: AmendRequest) -> Describe:
        """Change an open order."""
        order = self._open_order(account, request, conditional=None)
        changed = self._amending.amend(order, request)
        return lambda: Done(order=order.view(), fills=self._journal.fills_of(order), changed=changed)

    def cancel(self, account: Account, request: CancelRequest) -> Describe:
        """Cancel an order, and the list that it belongs to."""
        order = self._open_order(account, request, conditional=request.conditional)
        self._desk.end(order, OrderStatus.CANCELLED, "")
        return lambda: Done(order=order.view())

    def cancel_all(self, account: Account, market: Market) -> list[WorkingOrder]:
        """Cancel all open orders of an account in an instrument."""
        orders = list(account.open_in.get(market, {}).values())
        for order in orders:
            self._desk.end(order, OrderStatus.CANCELLED, "")
        return orders

    def _open_order(
        self, account: Account, request: AmendRequest | CancelRequest, *, conditional: bool | None
    ) -> WorkingOrder:
        if not request.client_order_id and not request.order_id:
            raise InvalidInput("either id is needed", field="client_order_id", value="")
        self._state.market(request.instrument)
        order = account.find(
            request.instrument,
            client_order_id=request.client_order_id,
            order_id=request.order_id,
            conditional=conditional,
        )
        if order is None:
            raise Refusal(Reason.UNKNOWN_ORDER, "Unknown order sent.")
        if not order.is_open:
            final = order.view()
            raise Refusal(Reason.ALREADY_CLOSED, f"The order is {final.status.value} already.", final=final)
        return order

    def check_replace(self, request: CancelReplaceRequest) -> None:
        """Refuse a request that cannot mean anything, before either half of it is done.

        Raises:
            InvalidInput: Which field is wrong.
        """
        if not self._state.settings.spot:
            raise InvalidInput("this market has no cancel-replace", field="place", value=request.place.type)
        if request.cancel.instrument != request.place.instrument:
            raise InvalidInput(
                "of another instrument",
                field="instrument",
                value=request.place.instrument,
                accepted=str(request.cancel.instrument),
            )
        check_shape(request.place, self._state.settings)

    # Lists.

    def place_list(self, account: Account, request: OrderListRequest) -> Describe:
        """Place a list of orders."""
        listed = self._lists.place(account, request)

        def describe() -> Done:
            fills = tuple(fill for order in listed.orders for fill in self._journal.fills_of(order))
            return Done(order_list=listed.view(orders=True), fills=fills)

        return describe

    def cancel_list(
        self, account: Account, instrument: Instrument, list_id: str, client_list_id: str
    ) -> Describe:
        """Cancel all orders of a list."""
        listed = find_list(account.lists.values(), instrument, list_id, client_list_id)
        if listed is None or not listed.open:
            raise Refusal(Reason.UNKNOWN_ORDER, "Unknown order list sent.")
        self._lists.cancel(listed)
        return lambda: Done(order_list=listed.view(orders=True))


def find_list(
    lists: Iterable[WorkingList], instrument: Instrument, list_id: str, client_list_id: str
) -> WorkingList | None:
    """Return a list by either of its ids, the newest that has it; None where there is none."""
    found = None
    for each in lists:
        ids_fit = each.client_list_id == client_list_id if client_list_id else str(each.list_id) == list_id
        if each.request.instrument == instrument and ids_fit:
            found = each
    return found
