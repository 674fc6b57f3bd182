"""What each market's private side has to know: how it reads orders and tells of accounts."""

from __future__ import annotations

from typing import Any, Protocol

from toucan_execution.events import AccountEvent
from toucan_execution.testing.sandbox.endpoint import Endpoint

__all__ = ["AccountWire", "Payload"]

Payload = dict[str, Any]
"""An event as it is encoded, such as ``{"e": "executionReport", ...}``."""


class AccountWire(Protocol):
    """How one market speaks of accounts and orders; it is made with its `SandboxMarket`."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked of accounts and orders."""
        ...

    def payloads(self, account: str, events: list[AccountEvent]) -> list[Payload]:
        """Return what an account is told of the events of one call of the engine, in order."""
        ...

    @property
    def due_ns(self) -> int | None:
        """When something of its own falls due, such as a countdown; None for nothing."""
        ...

    def run_due(self, now_ns: int) -> None:
        """Do what has fallen due."""
        ...
