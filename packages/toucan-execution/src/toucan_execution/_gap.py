"""From where on the fills of an instrument are asked for."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from toucan_execution._fills import number_of
from toucan_execution.orders import Order
from toucan_execution.state import OrderTracker
from toucan_instrument import Instrument

OVERLAP_NS = 60_000_000_000
"""How far behind each end of a gap is asked for: clocks differ, and answers overtake streams."""


class Gap(msgspec.Struct, frozen=True):
    """A time of which not all fills are known.

    Attributes:
        since_ns: All fills before it are known; None where only single orders are looked at.
        until_ns: Fills after it come over the stream.
    """

    since_ns: int | None
    until_ns: int


def instruments_of(orders: Iterable[Order]) -> list[Instrument]:
    """Return the instruments of orders, each once."""
    return list(dict.fromkeys(order.instrument for order in orders))


def starts(tracker: OrderTracker, instrument: Instrument, gap: Gap) -> tuple[int, str]:
    """Return from which time and which trade id on fills are asked for; an empty id for the time alone."""
    looked_at = list(tracker.mismatches())
    if gap.since_ns is None:
        looked_at += [*tracker.open_orders(instrument), *tracker.recently_closed()]
    made = [
        made_ns - OVERLAP_NS
        for order in looked_at
        if order.instrument == instrument and (made_ns := tracker.seen_ns(order)) is not None
    ]
    if gap.since_ns is None or made:
        return min([*made, gap.until_ns - 2 * OVERLAP_NS if gap.since_ns is None else gap.since_ns]), ""
    last = tracker.last_trade(instrument, before_ns=gap.since_ns)
    if last is None or number_of(last.trade_id) is None:
        return gap.since_ns, ""
    return last.time_ns, last.trade_id
