"""The paper exchange as a venue: what a client may ask of it.

A call carries what is to be done in the engine. So everything that a client does with a real exchange, from
the checks before sending to the settling of unknown outcomes, it does with this one.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from toucan_execution.account import AccountSnapshot, Balance, Commission, Position, PositionMode
from toucan_execution.call import Call, Conversation
from toucan_execution.events import TradeUpdate
from toucan_execution.mock.network import refusal
from toucan_execution.mock.results import Refused, Result
from toucan_execution.mock.shape import check_shape
from toucan_execution.mock.wire import MockWire
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    Order,
    OrderListRequest,
    OrderRequest,
    PositionSide,
)
from toucan_execution.outcome import Reason
from toucan_execution.venue import Placed, Replaced
from toucan_instrument import Instrument, Side
from toucan_instrument.errors import InvalidInput, VenueError
from toucan_instrument.link import Lane

__all__ = ["MockVenue"]


class MockVenue(MockWire):
    """The paper exchange, for one account.

    Args:
        engine: What does everything.
        account: The account's name.
        prefix: What client order ids of this client begin with.
    """

    # Reading.

    def server_time(self) -> Call[int]:
        """Return the call that gives the exchange's time."""
        return self.make("time", lambda now: now)

    def instruments(self) -> Call[list[Instrument]]:
        """Return the call that gives the instruments."""
        return self.make("instruments", lambda _: list(self.engine.instruments))

    def snapshot(self) -> Conversation[AccountSnapshot]:
        """Fetch balances, positions and open orders."""

        def act(_: int) -> AccountSnapshot:
            found = self.engine.snapshot(self.account)
            orders = tuple(self.owned(order) for order in found.open_orders)
            return msgspec.structs.replace(found, open_orders=orders)

        return self.ask("account", act)

    def balances(self) -> Conversation[list[Balance]]:
        """Fetch the balances of what is held."""
        return self.ask("balances", lambda _: list(self.engine.balances(self.account)))

    def positions(self, instrument: Instrument | None = None) -> Conversation[list[Position]]:
        """Fetch the positions that are not flat."""
        return self.ask("positions", lambda _: list(self.engine.positions(self.account, instrument)))

    def open_orders(self, instrument: Instrument | None = None) -> Conversation[list[Order]]:
        """Fetch the open orders."""
        return self.ask(
            "open orders",
            lambda _: [self.owned(order) for order in self.engine.open_orders(self.account, instrument)],
        )

    def order(
        self,
        instrument: Instrument,
        *,
        client_order_id: str = "",
        order_id: str = "",
        conditional: bool | None = None,
    ) -> Conversation[Order]:
        """Fetch one order by either of its ids; `UnknownOrder` is thrown where there is none."""

        def act(_: int) -> Order:
            found = self.engine.order(
                self.account,
                instrument,
                client_order_id=client_order_id,
                order_id=order_id,
                conditional=conditional,
            )
            if found is None:
                raise refusal("order", Reason.UNKNOWN_ORDER, "Order does not exist.")
            return self.owned(found)

        return self.ask("order", act)

    def orders(self, instrument: Instrument, since_ns: int, until_ns: int) -> Conversation[list[Order]]:
        """Fetch all orders of a window of time, oldest first."""
        return self.ask(
            "orders",
            lambda _: [
                self.owned(order)
                for order in self.engine.orders(self.account, instrument, since_ns, until_ns)
            ],
        )

    def trades(
        self, instrument: Instrument, since_ns: int, until_ns: int, *, from_id: str = ""
    ) -> Conversation[list[TradeUpdate]]:
        """Fetch all fills of a window of time, or from an id on, oldest first."""

        def act(now: int) -> list[TradeUpdate]:
            window = (0, now) if from_id else (since_ns, until_ns)
            found = self.engine.trades(self.account, instrument, *window)
            return [self.owned(each) for each in found if not from_id or int(each.trade_id) >= int(from_id)]

        return self.ask("trades", act)

    def commission(self, instrument: Instrument) -> Conversation[Commission]:
        """Fetch what trading an instrument costs."""
        return self.ask("commission", lambda _: self.engine.commission(self.account, instrument))

    # Orders.

    def check(self, request: OrderRequest, position_mode: PositionMode | None = None) -> None:
        """Refuse an order that makes no sense; see `toucan_execution.mock.shape`."""
        named = request.position_side in (PositionSide.LONG, PositionSide.SHORT)
        closes = request.reduce_only or request.close_position
        if position_mode is PositionMode.HEDGE and not (named or closes):
            raise InvalidInput("the account is in hedge mode", field="position_side", value=None)
        if position_mode is PositionMode.ONE_WAY and named:
            raise InvalidInput(
                "the account is in one-way mode", field="position_side", value=request.position_side
            )
        check_shape(request, self.engine.settings, pending=request.quantity is None and not closes)

    def _fitted(self, request: OrderRequest) -> OrderRequest:
        """Return an order as the exchange takes it: in hedge mode reduce-only is the position side."""
        if self.engine.settings.spot or self.engine.position_mode(self.account) is not PositionMode.HEDGE:
            return request
        if not (request.reduce_only or request.close_position):
            return request
        closed = PositionSide.LONG if request.side is Side.SELL else PositionSide.SHORT
        side = request.position_side or closed
        return msgspec.structs.replace(request, reduce_only=False, position_side=side)

    def placed(self, what: str, result: Result) -> Placed:
        """Return what the engine did.

        Raises:
            VenueError: It was refused.
        """
        if isinstance(result, Refused):
            raise refusal(what, result.reason, result.message)
        order = None if result.order is None else self.owned(result.order)
        listed = None if result.order_list is None else self.owned(result.order_list)
        return Placed(order, tuple(self.owned(fill) for fill in result.fills), listed)

    def place(self, request: OrderRequest) -> Conversation[Placed]:
        """Place an order."""

        def act(now: int) -> Placed:
            return self.placed("place order", self.engine.place(self.account, self._fitted(request), now))

        return self.ask("place order", act, lane=Lane.ORDER)

    def place_many(self, requests: Sequence[OrderRequest]) -> Conversation[list[Placed | VenueError]]:
        """Place orders in one request."""

        def act(now: int) -> list[Placed | VenueError]:
            return [
                self._tried("place order", self.engine.place(self.account, self._fitted(request), now))
                for request in requests
            ]

        return self.ask("place orders", act, lane=Lane.ORDER)

    def test(self, request: OrderRequest) -> Conversation[None]:
        """Have an order checked without placing it."""

        def act(now: int) -> None:
            self.placed("test order", self.engine.test(self.account, self._fitted(request), now))

        return self.ask("test order", act)

    def amend(self, request: AmendRequest, known: Order | None) -> Conversation[Placed]:
        """Change an order."""
        del known

        def act(now: int) -> Placed:
            return self.placed("amend order", self.engine.amend(self.account, request, now))

        return self.ask("amend order", act, lane=Lane.ORDER)

    def cancel(self, request: CancelRequest, known: Order | None) -> Conversation[Placed]:
        """Cancel an order."""
        del known

        def act(now: int) -> Placed:
            return self.placed("cancel order", self.engine.cancel(self.account, request, now))

        return self.ask("cancel order", act, lane=Lane.CANCEL)

    def cancel_many(
        self, instrument: Instrument, requests: Sequence[CancelRequest]
    ) -> Conversation[list[Placed | VenueError]]:
        """Cancel orders of one instrument in one request."""
        del instrument

        def act(now: int) -> list[Placed | VenueError]:
            return [
                self._tried("cancel order", self.engine.cancel(self.account, request, now))
                for request in requests
            ]

        return self.ask("cancel orders", act, lane=Lane.CANCEL)

    def cancel_all(self, instrument: Instrument) -> Conversation[list[Order]]:
        """Cancel all open orders of an instrument."""
        return self.ask(
            "cancel all",
            lambda now: [
                self.owned(order) for order in self.engine.cancel_all(self.account, instrument, now)
            ],
            lane=Lane.CANCEL,
        )

    def place_list(self, request: OrderListRequest) -> Conversation[Placed]:
        """Place a list of orders."""

        def act(now: int) -> Placed:
            return self.placed("place order list", self.engine.place_list(self.account, request, now))

        return self.ask("place order list", act, lane=Lane.ORDER)

    def cancel_list(self, instrument: Instrument, list_id: str, client_list_id: str) -> Conversation[Placed]:
        """Cancel all orders of a list."""

        def act(now: int) -> Placed:
            result = self.engine.cancel_list(
                self.account, instrument, now, list_id=list_id, client_list_id=client_list_id
            )
            return self.placed("cancel order list", result)

        return self.ask("cancel order list", act, lane=Lane.CANCEL)

    def cancel_replace(self, request: CancelReplaceRequest) -> Conversation[Replaced]:
        """Cancel an order and place another."""

        def act(now: int) -> Replaced:
            cancelled, placed = self.engine.cancel_replace(self.account, request, now)
            return Replaced(
                self._tried("cancel order", cancelled),
                None if placed is None else self._tried("place order", placed),
            )

        return self.ask("cancel and replace", act, lane=Lane.ORDER)

    def _tried(self, what: str, result: Result) -> Placed | VenueError:
        try:
            return self.placed(what, result)
        except VenueError as error:
            return error
