"""Which fills have been told already, in bounded memory, and where to go on asking."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import msgspec

from toucan_execution.events import TradeNotice, TradeUpdate
from toucan_instrument import Instrument, Side
from toucan_instrument.decimals import EXACT

ZERO = Decimal(0)

Key = tuple[Instrument, str]
Fill = tuple[str, Side]
"""What tells the fills of an instrument apart: an account that trades with itself has two with one id."""


class LastTrade(msgspec.Struct, frozen=True):
    """A fill as a place in a history.

    Attributes:
        trade_id: The venue's id.
        time_ns: The venue's time of it, nanoseconds since the epoch.
    """

    trade_id: str
    time_ns: int


def number_of(trade_id: str) -> int | None:
    """Return a trade id as a number, None where it is none."""
    return int(trade_id) if trade_id.isascii() and trade_id.isdigit() else None


def time_of(trade: TradeUpdate | TradeNotice) -> int:
    """Return the venue's time of a fill; where it gives none, when it was received."""
    return trade.time_received if trade.time_exchange is None else trade.time_exchange


def in_order(trade: TradeUpdate) -> tuple[int, str, int, str]:
    """Sort key of fills: by time, then by instrument and id."""
    number = number_of(trade.trade_id)
    return time_of(trade), trade.instrument.symbol, -1 if number is None else number, trade.trade_id


class Fills:
    """The ids of fills that were told.

    The oldest are forgotten; what is not newer than the newest forgotten one of its instrument counts as
    told, so that forgetting never tells anything twice.

    Args:
        keep: How many ids are kept.
        keep_ns: How long.
    """

    def __init__(self, *, keep: int, keep_ns: int) -> None:
        self._keep = keep
        self._keep_ns = keep_ns
        self._told: dict[Instrument, dict[Fill, int]] = {}
        self._order: deque[tuple[Instrument, Fill, int]] = deque()  # with the time of telling
        self._noticed: dict[tuple[Instrument, Fill], None] = {}
        self._forgotten: dict[Instrument, LastTrade] = {}
        self._newest: dict[Instrument, LastTrade] = {}

    def __len__(self) -> int:
        """Return how many ids are kept."""
        return len(self._order)

    def is_told(self, trade: TradeUpdate | TradeNotice) -> bool:
        """Tell whether a fill was told before."""
        if (trade.trade_id, trade.side) in self._told.get(trade.instrument, ()):
            return True
        last = self._forgotten.get(trade.instrument)
        return last is not None and not _later(trade.trade_id, time_of(trade), last)

    def tell(self, trade: TradeUpdate, now_ns: int) -> None:
        """Note a fill as told."""
        instrument, trade_id, time_ns = trade.instrument, trade.trade_id, time_of(trade)
        fill = (trade_id, trade.side)
        self._told.setdefault(instrument, {})[fill] = time_ns
        self._order.append((instrument, fill, now_ns))
        newest = self._newest.get(instrument)
        if newest is None or _later(trade_id, time_ns, newest):
            self._newest[instrument] = LastTrade(trade_id, time_ns)

    def notice(self, trade: TradeNotice) -> bool:
        """Note the early word of a fill, and tell whether it is news."""
        key = (trade.instrument, (trade.trade_id, trade.side))
        if key in self._noticed or self.is_told(trade):
            return False
        self._noticed[key] = None
        if len(self._noticed) > self._keep:
            del self._noticed[next(iter(self._noticed))]
        return True

    def forget(self, now_ns: int) -> None:
        """Forget what is beyond the number or the time that is kept."""
        while self._order and (len(self._order) > self._keep or self._order[0][2] + self._keep_ns < now_ns):
            instrument, fill, _ = self._order.popleft()
            told = self._told[instrument]
            time_ns = told.pop(fill)
            if not told:
                del self._told[instrument]
            last = self._forgotten.get(instrument)
            if last is None or _later(fill[0], time_ns, last):
                self._forgotten[instrument] = LastTrade(fill[0], time_ns)

    def last(self, instrument: Instrument, before_ns: int | None = None) -> LastTrade | None:
        """Return the newest known fill of an instrument.

        With `before_ns` it is a late one of those before that time: of fills that were told out of order
        not always the very last.
        """
        newest = self._newest.get(instrument)
        if before_ns is None or newest is None or newest.time_ns < before_ns:
            return newest
        for (trade_id, _), time_ns in reversed(self._told.get(instrument, {}).items()):
            if time_ns < before_ns:
                return LastTrade(trade_id, time_ns)
        last = self._forgotten.get(instrument)
        return last if last is not None and last.time_ns < before_ns else None

    def instruments(self) -> set[Instrument]:
        """Return the instruments of which fills are known."""
        return set(self._newest)


class Orphans:
    """Fills of orders that are not known yet, summed up by order.

    Args:
        keep: For how many orders; the oldest are forgotten.
    """

    def __init__(self, *, keep: int) -> None:
        self._keep = keep
        self._sums: dict[Key, tuple[Decimal, Decimal]] = {}

    def add(self, instrument: Instrument, order_id: str, quantity: Decimal, cost: Decimal) -> None:
        """Keep a fill until its order is known."""
        key = (instrument, order_id)
        before, paid = self._sums.pop(key, (ZERO, ZERO))
        self._sums[key] = (EXACT.add(before, quantity), EXACT.add(paid, cost))
        if len(self._sums) > self._keep:
            del self._sums[next(iter(self._sums))]

    def take(self, instrument: Instrument, order_id: str) -> tuple[Decimal, Decimal]:
        """Give up the quantity and the cost of an order's fills."""
        return self._sums.pop((instrument, order_id), (ZERO, ZERO)) if order_id else (ZERO, ZERO)


def _later(trade_id: str, time_ns: int, than: LastTrade) -> bool:
    number, bound = number_of(trade_id), number_of(than.trade_id)
    if number is not None and bound is not None:
        return number > bound
    return time_ns > than.time_ns
