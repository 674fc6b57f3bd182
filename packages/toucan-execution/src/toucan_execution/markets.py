"""What is known of a market's instruments: their rules, and what the checks before sending may use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from toucan_execution.call import one
from toucan_execution.caller import Caller
from toucan_execution.orders import AmendRequest, Order, OrderRequest
from toucan_execution.preflight import MarketFacts
from toucan_execution.venue import ExecutionVenue
from toucan_execution.view import AccountView
from toucan_instrument import Catalogue, Instrument, InstrumentKind, Side
from toucan_instrument.decimals import EXACT
from toucan_instrument.errors import UnknownSymbol

__all__ = ["Markets"]


class Markets:
    """The instruments of one client's market, loaded once.

    Args:
        venue: Writes the query.
        caller: Makes it.
        prices: Gives a reference price of an instrument, None where there is none.

    Attributes:
        view: What is known of the account's orders, None before it is followed.
    """

    def __init__(
        self,
        venue: ExecutionVenue,
        caller: Caller,
        *,
        prices: Callable[[Instrument], Decimal | None] | None,
    ) -> None:
        self.view: AccountView | None = None
        self._venue = venue
        self._caller = caller
        self._prices = prices
        self._catalogue: Catalogue | None = None
        self._loading = asyncio.Lock()

    async def load(self) -> Catalogue:
        """Return the instruments with their rules, fetching them the first time."""
        async with self._loading:
            if self._catalogue is None:
                rows = await self._caller.converse(one(self._venue.instruments()))
                self._catalogue = Catalogue(self._venue.exchange, rows)
        return self._catalogue

    def find(self, symbol: str) -> Instrument | None:
        """Return an instrument by its symbol, None where it is not known."""
        if self._catalogue is None:
            return None
        try:
            return self._catalogue.by_symbol(symbol)
        except UnknownSymbol:
            return None

    def with_rules(self, instrument: Instrument) -> Instrument:
        """Return an instrument with its rules, as far as they are known."""
        return instrument if instrument.rules is not None else self.find(instrument.symbol) or instrument

    def facts(self, request: OrderRequest | AmendRequest) -> MarketFacts:
        """Return what is known of an instrument's market and orders, for the checks before sending.

        An account that is not in sync is not counted: the venue decides then. A change of an order makes no
        order more.
        """
        instrument, rules, view = request.instrument, request.instrument.rules, self.view
        price = self._prices(instrument) if self._prices is not None else None
        facts = MarketFacts(reference_price=price)
        if view is None or not view.synced or isinstance(request, AmendRequest):
            return facts
        if rules is not None and (rules.max_orders, rules.max_algo_orders) != (None, None):
            orders = view.open_orders(instrument)
            waiting = sum(map(_waits, orders))
            facts = replace(facts, open_orders=len(orders), open_algo_orders=waiting)
        if rules is not None and rules.max_position is not None and instrument.kind is InstrumentKind.SPOT:
            facts = replace(facts, base_held=_held_or_bought(view, instrument))
        most = self._venue.max_account_algo_orders
        if most is not None and request.type.is_conditional:
            waiting = sum(map(_waits, view.open_orders()))
            facts = replace(facts, account_algo_orders=waiting, max_account_algo_orders=most)
        return facts


def _waits(order: Order) -> bool:
    """Whether an order is conditional and was not triggered yet."""
    return order.type.is_conditional and order.triggered is not True


def _held_or_bought(view: AccountView, instrument: Instrument) -> Decimal:
    """Return how much of the base asset is held, or could be bought by the orders that are open."""
    total = view.balance(instrument.base).total
    for order in view.open_orders(instrument):
        if order.side is Side.BUY and order.remaining is not None:
            total = EXACT.add(total, order.remaining)
    return total
