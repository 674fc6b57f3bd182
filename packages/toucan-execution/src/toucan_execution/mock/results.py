"""What the engine answers, and what it tells the public."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.errors import ExecutionError
from toucan_execution.events import TradeUpdate
from toucan_execution.orders import Order, OrderList
from toucan_execution.outcome import Reason
from toucan_instrument import Instrument, Side, Violation

__all__ = ["DepthChange", "Done", "MarketTrade", "Refusal", "Refused", "Result"]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It was done.

    Attributes:
        order: The order as it is now.
        fills: Its fills, so far as this request made them.
        order_list: The list, for order lists.
        changed: Whether anything was changed; False where it was as asked for already.
    """

    order: Order | None = None
    fills: tuple[TradeUpdate, ...] = ()
    order_list: OrderList | None = None
    changed: bool = True


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was done.

    Attributes:
        reason: Why.
        message: Why, in words.
        violations: The trading rules that were broken.
        final: The order's last state, where it is over already.
    """

    reason: Reason
    message: str
    violations: tuple[Violation, ...] = ()
    final: Order | None = None


Result = Done | Refused


class Refusal(ExecutionError):
    """Carries a `Refused` out of the checks, before anything is changed."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        violations: tuple[Violation, ...] = (),
        final: Order | None = None,
    ) -> None:
        """Say why."""
        super().__init__(message)
        self.refused: Refused = Refused(reason=reason, message=message, violations=violations, final=final)


class MarketTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade, as everybody sees it.

    Attributes:
        instrument: What was traded.
        trade_id: Its number.
        price: The price.
        quantity: How much, in the venue's unit.
        aggressor: Who took liquidity.
        time_ns: When, nanoseconds since the epoch.
        buyer_order_id: The buying order, 0 where it was the market outside.
        seller_order_id: The selling order, likewise.
    """

    instrument: Instrument
    trade_id: int
    price: Decimal
    quantity: Decimal
    aggressor: Side
    time_ns: int
    buyer_order_id: int = 0
    seller_order_id: int = 0


class DepthChange(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed in a book in one call, as everybody sees it.

    Attributes:
        instrument: Whose book.
        bids: Prices and what can be seen there now, best first; zero for a level that is gone.
        asks: Likewise.
        time_ns: When, nanoseconds since the epoch.
    """

    instrument: Instrument
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    time_ns: int
