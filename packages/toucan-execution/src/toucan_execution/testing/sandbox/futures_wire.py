"""How the futures speak of accounts and orders: USD-M and COIN-M, which differ in little (D.2, D.3, E.5)."""

from __future__ import annotations

from toucan_execution.events import AccountEvent
from toucan_execution.testing.sandbox.endpoint import Endpoint
from toucan_execution.testing.sandbox.futures_account import FuturesAccount
from toucan_execution.testing.sandbox.futures_algo import FuturesAlgo
from toucan_execution.testing.sandbox.futures_core import FuturesCore
from toucan_execution.testing.sandbox.futures_events import FuturesEvents
from toucan_execution.testing.sandbox.futures_orders import FuturesOrders
from toucan_execution.testing.sandbox.futures_reads import FuturesReads
from toucan_execution.testing.sandbox.futures_settings import FuturesSettings
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.wire import Payload

__all__ = ["FuturesWire"]


class FuturesWire:
    """The private side of a futures market; see `AccountWire`.

    The events of an account have to come through `payloads` from its first order on: when a conditional
    order was triggered is known from them.

    Args:
        market: The market.
    """

    def __init__(self, market: SandboxMarket) -> None:
        core = FuturesCore(market)
        account = FuturesAccount(core)
        self._events = FuturesEvents(core)
        settings = FuturesSettings(core, account, self._events)
        self._countdowns = settings.countdowns
        parts = (FuturesOrders(core), FuturesAlgo(core), account, FuturesReads(core), settings)
        self._endpoints = tuple(endpoint for part in parts for endpoint in part.endpoints)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked of accounts and orders."""
        return self._endpoints

    def payloads(self, account: str, events: list[AccountEvent]) -> list[Payload]:
        """Return what an account is told of the events of one call of the engine, in order."""
        return self._events.payloads(account, events)

    @property
    def due_ns(self) -> int | None:
        """When the next countdown ends, None for none."""
        return self._countdowns.due_ns

    def run_due(self, now_ns: int) -> None:
        """Cancel the orders whose countdown has ended."""
        self._countdowns.run_due(now_ns)
