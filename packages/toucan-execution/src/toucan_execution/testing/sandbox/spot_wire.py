"""Spot's private side: what can be asked of accounts and orders, and what accounts are told."""

from __future__ import annotations

from typing import Any

from toucan_execution.client.binance.words import PREVENTION_WORDS
from toucan_execution.events import AccountEvent
from toucan_execution.testing.sandbox.endpoint import Endpoint
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.spot_events import SpotEvents
from toucan_execution.testing.sandbox.spot_lists import SpotLists
from toucan_execution.testing.sandbox.spot_memory import KEEP, SpotMemory
from toucan_execution.testing.sandbox.spot_orders import SpotOrders
from toucan_execution.testing.sandbox.spot_reads import SpotReads
from toucan_execution.testing.sandbox.wire import Payload

__all__ = ["SpotWire"]


class SpotWire:
    """How spot speaks of accounts and orders.

    It hears of every event through `payloads`, once for each call of the engine and account: what answers
    say of ids, working times and changes comes from there.

    Args:
        market: Whose accounts and orders.
        keep: How many orders, lists and prevented matches it remembers; older ones are shown without what
            the engine does not know of them.
    """

    def __init__(self, market: SandboxMarket, *, keep: int = KEEP) -> None:
        self._market = market
        memory = SpotMemory(f"{market.exchange.value}/{market.now_ns}", keep=keep)
        self._events = SpotEvents(market.engine, memory)
        self._endpoints = (
            *SpotOrders(memory).endpoints,
            *SpotLists(memory).endpoints,
            *SpotReads(memory).endpoints,
        )

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked of accounts and orders."""
        return self._endpoints

    def payloads(self, account: str, events: list[AccountEvent]) -> list[Payload]:
        """Return what an account is told of the events of one call of the engine, in order."""
        return self._events.payloads(account, events)

    @property
    def due_ns(self) -> int | None:
        """Nothing falls due on spot."""
        return None

    def run_due(self, now_ns: int) -> None:
        """Do nothing: see `due_ns`."""

    @property
    def flags(self) -> dict[str, Any]:
        """What the list of instruments has to say, so that it agrees with what is taken here."""
        settings = self._market.engine.settings
        return {
            "opoAllowed": True,
            "allowTrailingStop": True,
            "pegInstructionsAllowed": True,
            "defaultSelfTradePreventionMode": PREVENTION_WORDS[settings.prevention],
            "allowedSelfTradePreventionModes": [
                PREVENTION_WORDS[each] for each in settings.allowed_prevention
            ],
        }
