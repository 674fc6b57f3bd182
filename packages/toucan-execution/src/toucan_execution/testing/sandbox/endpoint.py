"""What the sandbox can be asked, over REST and over the WebSocket API: one entry for both."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from toucan_execution.mock import Engine
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.params import Params

if TYPE_CHECKING:
    from toucan_execution.testing.sandbox.market import SandboxMarket

__all__ = ["Ask", "Cost", "Endpoint", "Security"]

Cost = int | Callable[[Params], int]
"""What a request costs: a number, or what its parameters make it."""


class Security(Enum):
    """What a request must carry (facts C.6)."""

    NONE = "none"
    KEY = "key"
    """The API key alone."""
    SIGNED = "signed"
    """Key, timestamp and signature."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request, checked as far as that can be done without knowing what it is about.

    Attributes:
        market: Which market it came to.
        account: Whose key it carries, empty without one.
        params: What it says.
        now_ns: The engine's time, which never goes back, nanoseconds since the epoch.
        clock_ns: What the venue's clock shows, 0 where it shows the engine's time.
    """

    market: SandboxMarket
    account: str
    params: Params
    now_ns: int
    clock_ns: int = 0

    @property
    def engine(self) -> Engine:
        """The market's engine."""
        return self.market.engine

    @property
    def now_ms(self) -> int:
        """The engine's time, milliseconds since the epoch."""
        return self.now_ns // 1_000_000

    @property
    def server_ns(self) -> int:
        """What the venue's clock shows: what timestamps are measured by."""
        return self.clock_ns or self.now_ns


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be asked.

    Attributes:
        method: Of HTTP; empty for what only the WebSocket API has.
        path: Of the address, behind the market's base, such as ``/api/v3/order``.
        act: Answers: returns what is to be encoded as JSON, or raises `ApiError`. Nothing else.
        ws: Its names in the WebSocket API, if any.
        security: What it must carry.
        required: The parameters that it must have, in the order in which the venue misses them.
        optional: Those that it may have. Any other is refused.
        weight: What it costs of the request weight.
        free: Whether a success costs nothing of it (spot orders and cancels, facts C.4).
        slots: How many orders it counts for.
        over: What it is answered with beyond the order limit, None for the limit's own error.
    """

    method: str
    path: str
    act: Callable[[Ask], Any]
    ws: tuple[str, ...] = ()
    security: Security = Security.SIGNED
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    weight: Cost = 1
    free: bool = False
    slots: Cost = 0
    over: Callable[[Ask, ApiError], ApiError] | None = None

    def cost(self, params: Params) -> int:
        """Return its request weight."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)

    def orders(self, params: Params) -> int:
        """Return how many orders it counts for."""
        return self.slots if isinstance(self.slots, int) else self.slots(params)
