"""What balances and positions must be, given what is known to have changed them: exact sums.

For each asset (and for each position) it holds the last amount that the venue told, with its time, and the
changes after it. When the venue tells an amount later, what the changes do not explain is left over.

The venue's times decide what an amount includes: all that happened up to its time, nothing after. A change in
the very millisecond of an amount may be in it or not (REST gives milliseconds where a stream may give
microseconds). There the amounts decide. One that a stream tells includes as many of them as explain it
exactly; the first one, that explains itself by nothing, includes them all. The amounts of a snapshot are of
one moment: they include the changes up to one place in their order, that which leaves the fewest unexplained.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import accumulate
from typing import TypeAlias

from toucan_execution._fills import time_of
from toucan_execution.events import (
    AccountEvent,
    BalanceUpdate,
    FundingUpdate,
    TradeUpdate,
    TransferUpdate,
)
from toucan_execution.orders import PositionSide
from toucan_instrument import Instrument, InstrumentKind, Side
from toucan_instrument.decimals import EXACT

Key: TypeAlias = str | tuple[Instrument, PositionSide]
Change: TypeAlias = tuple[int, Decimal, int]
"""When, by how much, and its place in the order of changes: zero for what was known first."""
Payment: TypeAlias = tuple[str, Decimal, int]
"""What, how much, and when."""

ZERO = Decimal(0)
ONE = Decimal(1)
BLUR_NS = 1_000_000
PLACES = 100
"""How many readings of the order are tried at most."""
KEPT = 10_000
"""Changes of one amount that are kept apart; the oldest are added to the amount itself beyond that."""


def _total(changes: list[Change]) -> Decimal:
    """Return an exact sum."""
    whole = ZERO
    for _, amount, _ in changes:
        whole = EXACT.add(whole, amount)
    return whole


def _until(changes: list[Change], end_ns: int) -> list[Change]:
    """Return the changes before a time; they are in order."""
    return [each for each in changes if each[0] < end_ns]


def _is_near(at: int, time_ns: int | None) -> bool:
    """Tell whether an amount as of a time may include a change or not, for all that the times say."""
    return time_ns is None or time_ns - BLUR_NS < at < time_ns + BLUR_NS


def effects_of(trade: TradeUpdate) -> list[tuple[Key, Decimal]]:
    """Return what a fill changes: assets on spot; the margin asset and the position elsewhere."""
    instrument = trade.instrument
    sign = ONE if trade.side is Side.BUY else ONE.copy_negate()
    effects: list[tuple[Key, Decimal]] = []
    if instrument.kind is InstrumentKind.SPOT:
        paid = trade.quote_quantity
        if paid is None:
            paid = EXACT.multiply(trade.price, trade.quantity)
        effects.append((instrument.base, EXACT.multiply(trade.quantity, sign)))
        effects.append((instrument.quote, EXACT.multiply(paid, sign.copy_negate())))
    else:
        if trade.realized_profit is not None:
            effects.append((instrument.settle or trade.fee_asset, trade.realized_profit))
        side = trade.position_side or PositionSide.BOTH
        effects.append(((instrument, side), EXACT.multiply(trade.quantity, sign)))
    if trade.fee is not None and trade.fee_asset:
        effects.append((trade.fee_asset, trade.fee.copy_negate()))
    return [(key, amount) for key, amount in effects if amount]


def payments_of(events: list[AccountEvent]) -> list[Payment]:
    """Return what was paid in and out, as asset, amount and time; what is told twice counts once."""
    payments: dict[Payment, None] = {}
    for event in events:
        if isinstance(event, (TransferUpdate, FundingUpdate)) and event.amount is not None:
            at = event.time_received if event.time_exchange is None else event.time_exchange
            payments[event.asset, event.amount, at] = None
    told = {(asset, at) for asset, _, at in payments}
    for event in events:
        if isinstance(event, BalanceUpdate) and event.change:
            at = event.time_received if event.time_exchange is None else event.time_exchange
            if (event.balance.asset, at) not in told:
                payments[event.balance.asset, event.change, at] = None
    return list(payments)


class Ledger:
    """Amounts, and what has changed them since."""

    def __init__(self) -> None:
        self._held: dict[Key, tuple[Decimal, int | None]] = {}
        self._changes: dict[Key, list[Change]] = {}
        self._exact: set[Key] = set()  # whose amount includes nothing of the changes that are kept
        self._rest: dict[Key, Decimal] = {}  # what no change explains yet of an amount
        self._opened: bool = False
        self._opened_ns: int | None = None

    def copy(self) -> Ledger:
        """Return another one with the same in it."""
        other = Ledger()
        other._held = dict(self._held)
        other._changes = {key: list(changes) for key, changes in self._changes.items()}
        other._rest, other._exact = dict(self._rest), set(self._exact)
        other._opened, other._opened_ns = self._opened, self._opened_ns
        return other

    def open(self, time_ns: int | None) -> None:
        """Note that all amounts are known as of a time: what none was told for is zero."""
        self._opened, self._opened_ns = True, time_ns

    def known(self) -> set[Key]:
        """Return what amounts or changes are known of."""
        return set(self._held) | set(self._changes)

    def time_of(self, key: Key) -> int | None:
        """Return as of when an amount is known, None where no time is."""
        held = self._held.get(key)
        return None if held is None else held[1]

    def hold(self, key: Key, amount: Decimal, time_ns: int | None) -> None:
        """Note an amount that the venue told, as of a time; None where it gives none."""
        compared = self._opened or key in self._held
        held, since = self._held.get(key, (ZERO, self._opened_ns))
        if key in self._held and since is not None and time_ns is not None and time_ns < since:
            return
        self._held[key] = (amount, time_ns)
        changes = self._changes.pop(key, [])
        if time_ns is None:
            self._forget(key)
            return
        if not changes and compared and amount == held:  # most often
            self._rest.pop(key, None)
            self._exact.add(key)
            return
        early = [] if key in self._exact or since is None else _until(changes, since + BLUR_NS)
        later = changes[len(early) :]
        sure = [each for each in later if each[0] <= time_ns - BLUR_NS]
        near = _until(later[len(sure) :], time_ns + BLUR_NS)
        after = later[len(sure) + len(near) :]
        unsure = [each for each in early if each[0] > time_ns - BLUR_NS]
        if unsure or not compared:  # what the last amount included is not known, so neither is this one's
            self._forget(key)
            self._keep(key, [*unsure, *near, *after] if compared else after)
            return
        left = EXACT.subtract(EXACT.subtract(amount, held), _total(sure))
        starts = {_total(early[first:]) for first in range(len(early) + 1)}
        sums = list(accumulate((by for _, by, _ in near), EXACT.add, initial=ZERO))
        included = [count for count, summed in enumerate(sums) if EXACT.subtract(left, summed) in starts]
        self._forget(key)
        if included:
            self._exact.add(key)
        elif not early:
            self._rest[key] = left
        self._keep(key, [*near[max(included, default=0) :], *after])

    def change(self, key: Key, amount: Decimal, time_ns: int, place: int = 0) -> None:
        """Note a change at a time; one that the amount held includes is left out."""
        since = self.time_of(key)
        if since is not None and time_ns < since + BLUR_NS and key not in self._exact:
            rest = self._rest.get(key)
            if time_ns <= since - BLUR_NS:
                if rest is not None:
                    self._rest[key] = EXACT.subtract(rest, amount)
                return
            if rest is None:
                return
            near = _until(self._changes.get(key, []), since + BLUR_NS)
            if EXACT.add(_total(near), amount) == rest:
                self._forget(key)
                self._exact.add(key)
                self._keep(key, self._changes.pop(key, [])[len(near) :])
                return
        elif since is not None and time_ns <= since - BLUR_NS:
            return
        new = (time_ns, amount, place)
        changes = sorted([*self._changes.get(key, ()), new], key=lambda each: each[0])
        if len(changes) > KEPT:
            at, by, last = changes[1]
            changes[:2] = [(at, EXACT.add(changes[0][1], by), last)]
        self._changes[key] = changes

    def _forget(self, key: Key) -> None:
        self._rest.pop(key, None)
        self._exact.discard(key)

    def _keep(self, key: Key, changes: list[Change]) -> None:
        if changes:
            self._changes[key] = changes

    def pay(self, asset: str, amount: Decimal, time_ns: int, *, late: bool = False, place: int = 0) -> None:
        """Note what was paid in or out.

        Args:
            asset: What.
            amount: How much, below zero for what went out.
            time_ns: When.
            late: Whether the next amount that is told was certainly asked for after that: then it includes
                it even if the times are the same.
            place: Its place in the order of changes.
        """
        self.change(asset, amount, time_ns - (BLUR_NS if late else 0), place)

    def fill(self, trade: TradeUpdate, *, late: bool = False, place: int = 0) -> None:
        """Note what a fill changes; see `pay`."""
        at = time_of(trade) - (BLUR_NS if late else 0)
        sums: dict[Key, Decimal] = {}
        for key, amount in effects_of(trade):
            sums[key] = EXACT.add(sums.get(key, ZERO), amount)
        for key, amount in sums.items():
            self.change(key, amount, at, place)

    def left(self, told: Mapping[Key, tuple[Decimal, int | None]]) -> tuple[dict[Key, Decimal], int]:
        """Return what is not explained of the amounts that the venue tells, all at one moment.

        Args:
            told: The amounts, and as of when.

        Returns:
            By how much they are more than is explained, where they are not; and up to which place of the
            order of changes they include those of which the times do not say it: the one that leaves the
            fewest unexplained, the latest of those.
        """
        places = {0}
        for key, (_, time_ns) in told.items():
            places |= {each[2] for each in self._changes.get(key, ()) if _is_near(each[0], time_ns)}
        best: dict[Key, Decimal] = {}
        chosen = -1
        for place in sorted(places, reverse=True)[:PLACES]:
            left = {
                key: amount
                for key, (said, time_ns) in told.items()
                if (amount := self.unexplained(key, said, time_ns, place))
            }
            if chosen < 0 or len(left) < len(best):
                best, chosen = left, place
        return best, chosen

    def unexplained(self, key: Key, amount: Decimal, time_ns: int | None, place: int = 0) -> Decimal:
        """Return by how much an amount that the venue tells is more than is explained; zero if it is not.

        Zero also where there is nothing to compare it with, or what is held is newer.

        Args:
            key: Of what.
            amount: The amount.
            time_ns: As of when; None where that is not known.
            place: Up to which place of the order of changes it includes those of its very moment.
        """
        held, since = self._held.get(key, (ZERO, self._opened_ns))
        if not self._opened or (since is not None and time_ns is not None and time_ns < since):
            return ZERO
        changes = self._changes.get(key, [])
        early: list[Change] = []  # may be in the amount held already
        if since is not None and key not in self._exact:
            early = [each for each in _until(changes, since + BLUR_NS) if each[0] > since - BLUR_NS]
            changes = [each for each in changes if each[0] >= since + BLUR_NS]
        sure = [
            each
            for each in changes
            if (each[2] <= place if _is_near(each[0], time_ns) else each[0] < (time_ns or 0))
        ]
        left = EXACT.subtract(EXACT.subtract(amount, held), _total(sure))
        # What is early counts from some point on.
        if any(_total(early[first:]) == left for first in range(len(early) + 1)):
            return ZERO
        return left
