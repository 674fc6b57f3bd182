"""A ledger in which nothing is made or lost: every amount that one holder gets, another gives.

Accounts are held beside the exchange's own: fees, the market outside (whoever is behind a fed book), the
clearing of profits and losses, and the world outside, from which deposits come. Over all of them every
asset adds up to zero, always.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import msgspec

from toucan_execution.mock.amounts import ZERO, add, subtract
from toucan_instrument.errors import InvalidInput

__all__ = ["CLEARING", "FEES", "MARKET", "OUTSIDE", "Entry", "Ledger"]

FEES = "@fees"
"""What trading cost, less the rebates."""
MARKET = "@market"
"""Whoever is behind a fed book; it may owe any amount."""
CLEARING = "@clearing"
"""The other side of realised profits and of funding."""
OUTSIDE = "@outside"
"""Where deposits come from, and withdrawals go to."""


class Entry(msgspec.Struct, frozen=True):
    """An amount that changed hands.

    Attributes:
        asset: Of what.
        source: Who gave it.
        target: Who got it.
        amount: How much, above zero.
        reason: Why.
    """

    asset: str
    source: str
    target: str
    amount: Decimal
    reason: str


class Ledger:
    """Who holds how much of what.

    Args:
        keep: How many entries are remembered.
    """

    def __init__(self, keep: int = 100_000) -> None:
        self._held: dict[tuple[str, str], Decimal] = {}
        self.entries: deque[Entry] = deque(maxlen=keep)
        """The last entries, oldest first."""

    def move(self, asset: str, source: str, target: str, amount: Decimal, reason: str) -> None:
        """Move an amount from one holder to another; below zero it goes the other way."""
        if not amount.is_finite():
            raise InvalidInput("that is not finite", field="amount", value=amount)
        if amount < 0:
            source, target, amount = target, source, amount.copy_negate()
        if amount == 0 or source == target:
            return
        held = self._held
        held[source, asset] = subtract(held.get((source, asset), ZERO), amount)
        held[target, asset] = add(held.get((target, asset), ZERO), amount)
        self.entries.append(Entry(asset, source, target, amount, reason))

    def balance(self, holder: str, asset: str) -> Decimal:
        """Return what a holder has of an asset."""
        return self._held.get((holder, asset), ZERO)

    def assets(self, holder: str) -> list[str]:
        """Return the assets that a holder has had, in the order of their first entry."""
        return [asset for name, asset in self._held if name == holder]

    def total(self, asset: str) -> Decimal:
        """Return what all holders have of an asset together: zero."""
        total = ZERO
        for (_, held), amount in self._held.items():
            if held == asset:
                total = add(total, amount)
        return total
