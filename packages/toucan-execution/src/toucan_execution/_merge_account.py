"""How what a message says of a balance or a position joins what is known of it."""

from __future__ import annotations

from typing import Any

import msgspec

from toucan_execution.account import AccountSnapshot, Balance, Position

FOLLOWS_BALANCE = ("free", "locked", "unrealized_profit", "cross_wallet")
"""What follows from a balance's total: an old figure beside a new total would be a guess."""
SETTINGS = ("leverage", "margin_type", "margin_asset")
FOLLOWS_POSITION = (
    "entry_price",
    "break_even_price",
    "mark_price",
    "unrealized_profit",
    "realized_profit",
    "liquidation_price",
    "isolated_margin",
    "isolated_wallet",
    "notional",
)
"""What follows from a position's quantity, likewise."""


def _said(value: object) -> bool:
    return value is not None and value != ""


def merged_balance(held: Balance | None, said: Balance, time_ns: int | None) -> Balance | None:
    """Return a balance with what a message says of it; None where that is older than what is known."""
    if held is None:
        return msgspec.structs.replace(said, updated_ns=time_ns)
    if held.updated_ns is not None and time_ns is not None and time_ns < held.updated_ns:
        return None
    changes: dict[str, Any] = {"updated_ns": held.updated_ns if time_ns is None else time_ns}
    changed = held.total != said.total
    if changed:
        changes["total"] = said.total
    for name in FOLLOWS_BALANCE:
        value = getattr(said, name)
        if changed or value is not None:
            changes[name] = value
    return msgspec.structs.replace(held, **changes)


def merged_position(held: Position | None, said: Position, time_ns: int | None) -> Position:
    """Return a position with what a message, not older than what is known, says of it."""
    if held is None:
        return msgspec.structs.replace(said, updated_ns=time_ns)
    changes: dict[str, Any] = {"updated_ns": held.updated_ns if time_ns is None else time_ns}
    changed = held.quantity != said.quantity
    if changed:
        changes["quantity"] = said.quantity
    for name in FOLLOWS_POSITION:
        value = getattr(said, name)
        if changed or value is not None:
            changes[name] = value
    for name in SETTINGS:
        if _said(value := getattr(said, name)):
            changes[name] = value
    return msgspec.structs.replace(held, **changes)


def later_of(first: int | None, second: int | None) -> int | None:
    """Return the later of two times, of which either may not be known."""
    return max((at for at in (first, second) if at is not None), default=None)


def newest_of(snapshot: AccountSnapshot) -> int | None:
    """Return the newest time of the venue in a snapshot: it knows all that happened until then."""
    times = [snapshot.time_exchange]
    times += [each.updated_ns for each in snapshot.balances]
    times += [each.updated_ns for each in snapshot.positions]
    return max((at for at in times if at is not None), default=None)
