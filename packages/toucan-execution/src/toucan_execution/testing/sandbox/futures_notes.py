"""What the futures' protocol says of orders, and the engine does not keep: words, ids of changes, triggers.

All of it is bounded: the oldest is forgotten.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from toucan_execution.orders import Order

__all__ = ["AmendmentNote", "MarginNote", "Notes", "OrderNote"]

_Key = tuple[str, str, str, bool]


class OrderNote(msgspec.Struct):
    """What is noted of an order.

    Attributes:
        price_match: The word that its price came from.
        time_in_force: The word for how long it stands; empty: what follows from the order.
        price_protect: Whether it asked for protection.
        callback_rate: How far a trailing stop follows, percent, as it was asked.
        trigger_ns: When it was triggered, 0 while it was not.
        changes: How often it was changed.
        modify_id: The user's id of its last change, empty for none.
    """

    price_match: str = "NONE"
    time_in_force: str = ""
    price_protect: bool = False
    callback_rate: str = ""
    trigger_ns: int = 0
    changes: int = 0
    modify_id: str = ""


class AmendmentNote(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an order.

    Attributes:
        account: Whose.
        number: Of the change.
        before: The order before it.
        after: The order as it was asked to be, with the time of the change.
        count: Which change of the order it was.
        price_match: The word that the price came from.
        modify_id: The user's id of it, empty for none.
    """

    account: str
    number: int
    before: Order
    after: Order
    count: int
    price_match: str
    modify_id: str


class MarginNote(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the margin of an isolated position.

    Attributes:
        account: Whose.
        symbol: Of what.
        kind: 1 for what was added, 2 for what was taken.
        time_ms: When.
        row: How it is shown.
    """

    account: str
    symbol: str
    kind: int
    time_ms: int
    row: dict[str, Any]


class Notes:
    """Notes of all accounts of a market.

    Args:
        keep: How many orders, changes of orders and changes of margin are remembered.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._orders: dict[_Key, OrderNote] = {}
        self._coming: tuple[str, str, str, OrderNote] | None = None
        self._changing: tuple[str, str, str, str] | None = None
        self.amendments: deque[AmendmentNote] = deque(maxlen=keep)
        """The last changes of orders, oldest first."""
        self.margins: deque[MarginNote] = deque(maxlen=keep)
        """The last changes of margins, oldest first."""
        self._numbers = 0

    def new_number(self) -> int:
        """Return a number that nothing else here has."""
        self._numbers += 1
        return self._numbers

    # An order that is about to be placed or changed: the engine tells of it before it answers.

    def expect(self, account: str, symbol: str, client_order_id: str, note: OrderNote) -> None:
        """Keep a note for the order that is about to be placed."""
        self._coming = (account, symbol, client_order_id, note)

    def expect_change(self, account: str, order: Order, modify_id: str) -> None:
        """Keep the user's id of the change that is about to be made."""
        self._changing = (account, order.instrument.symbol, order.order_id, modify_id)

    def forget_expected(self) -> None:
        """Expect nothing any more."""
        self._coming = self._changing = None

    def modify_id_of(self, account: str, order: Order) -> str:
        """Return the user's id of the change that is being made, empty for none."""
        wanted = (account, order.instrument.symbol, order.order_id)
        return self._changing[3] if self._changing is not None and self._changing[:3] == wanted else ""

    # Orders.

    def of(self, account: str, order: Order) -> OrderNote:
        """Return what is noted of an order, to be read."""
        return self._orders.get(_key(account, order)) or self._expected(account, order) or OrderNote()

    def keep(self, account: str, order: Order) -> OrderNote:
        """Return what is noted of an order, to be read and changed: it is remembered from now on."""
        key = _key(account, order)
        found = self._orders.get(key)
        if found is None:
            found = self._orders[key] = self._expected(account, order) or OrderNote()
            if len(self._orders) > self._keep:
                del self._orders[next(iter(self._orders))]
        return found

    def _expected(self, account: str, order: Order) -> OrderNote | None:
        wanted = (account, order.instrument.symbol, order.client_order_id)
        return self._coming[3] if self._coming is not None and self._coming[:3] == wanted else None


def _key(account: str, order: Order) -> _Key:
    return account, order.instrument.symbol, order.algo_id or order.order_id, bool(order.algo_id)
