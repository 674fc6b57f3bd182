"""What is known of a market's instruments: their rules, and what the checks before sending may use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

from toucan_execution.call import one
from toucan_execution.caller import Caller
from toucan_execution.orders import OrderRequest
from toucan_execution.preflight import MarketFacts
from toucan_execution.venue import ExecutionVenue
from toucan_execution.view import AccountView
from toucan_instrument import Catalogue, Instrument
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

    def facts(self, request: OrderRequest) -> MarketFacts:
        """Return what is known of an instrument's market and orders, for the checks before sending."""
        instrument, rules, view = request.instrument, request.instrument.rules, self.view
        price = self._prices(instrument) if self._prices is not None else None
        limited = rules is not None and (rules.max_orders, rules.max_algo_orders) != (None, None)
        if view is None or not view.synced or not limited:
            return MarketFacts(reference_price=price)
        open_orders = view.open_orders(instrument)
        waiting = [each for each in open_orders if each.type.is_conditional and each.triggered is not True]
        return MarketFacts(reference_price=price, open_orders=len(open_orders), open_algo_orders=len(waiting))
