"""One order as the tracker keeps it, and how it is found again by any of its ids."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from toucan_execution.orders import Order, OrderStatus
from toucan_instrument import Instrument
from toucan_instrument.decimals import EXACT

ZERO = Decimal(0)
SECOND = 1_000_000_000

CANCEL_WINDOW_NS = 75 * SECOND
"""After this time a cancel takes no effect any more: the longest receive window is 60 s."""

RANKS = {OrderStatus.OPEN: 1, OrderStatus.PARTIALLY_FILLED: 2}
FINAL_RANK = 3


def rank_of(status: OrderStatus | None) -> int:
    """Return how far along a state of the venue's is."""
    if status is None:
        return 0
    return FINAL_RANK if status.is_final else RANKS.get(status, 0)


class Record:
    """One order.

    Attributes:
        order: What is known of it now.
        told: What was last told of it, None for nothing.
        venue: Where the venue says that it stands, None where it has told nothing.
        ours: What toucan knows or concludes itself, None where the venue's word is all.
        cancel_ns: When a cancel was sent that is not answered yet, None for none.
        fact_ns: The venue's time of the newest fact.
        seen_ns: When it was first known here.
        closed_ns: When it was first known here that it is over.
        baseline: What was filled before the account was followed, None while that is not settled.
        based_ns: As of which time of the venue that is, None where it is nothing or gives no time.
        known: What the known fills add up to, without the baseline.
        cost: What they cost, as `average_of` takes it.
        short_ns: Since when the known fills are fewer than the venue says, None where they are not.
        reported: Whether that was told.
    """

    __slots__ = (
        "based_ns",
        "baseline",
        "cancel_ns",
        "closed_ns",
        "cost",
        "fact_ns",
        "keys",
        "known",
        "order",
        "ours",
        "reported",
        "seen_ns",
        "short_ns",
        "told",
        "venue",
    )

    def __init__(self, order: Order, seen_ns: int) -> None:
        self.order: Order = order
        self.told: Order | None = None
        self.venue: OrderStatus | None = None
        self.ours: OrderStatus | None = None
        self.cancel_ns: int | None = None
        self.fact_ns: int | None = None
        self.seen_ns: int = seen_ns
        self.closed_ns: int | None = None
        self.baseline: Decimal | None = None
        self.based_ns: int | None = None
        self.known: Decimal = ZERO
        self.cost: Decimal = ZERO
        self.short_ns: int | None = None
        self.reported: bool = False
        self.keys: set[tuple[str, Instrument, str]] = set()

    def has_had(self, client_order_id: str) -> bool:
        """Tell whether the order is known by a client id that is not its own any more."""
        current = self.order.client_order_id
        return client_order_id != current and ("client", self.order.instrument, client_order_id) in self.keys

    @property
    def status(self) -> OrderStatus:
        """Where it stands, the venue's word and ours put together."""
        if self.venue is not None and self.venue.is_final:
            return self.venue
        if self.ours is not None:
            return self.ours
        if self.venue is None:
            return OrderStatus.UNKNOWN
        if self.cancel_ns is not None and self.venue is not OrderStatus.UNKNOWN:
            return OrderStatus.CANCEL_IN_FLIGHT
        if self.venue is OrderStatus.OPEN and self.order.filled_quantity:
            return OrderStatus.PARTIALLY_FILLED
        return self.venue

    @property
    def is_short(self) -> bool:
        """Whether more was filled than the known fills add up to."""
        if self.baseline is None:
            return False
        return self.order.filled_quantity > EXACT.add(self.baseline, self.known)

    def count(self, quantity: Decimal, cost: Decimal) -> None:
        """Add fills."""
        self.known = EXACT.add(self.known, quantity)
        self.cost = EXACT.add(self.cost, cost)

    def is_newer(self, said: Order, time_ns: int | None) -> bool:
        """Tell whether a message is newer than what is known: by what was filled, then by time."""
        if self.venue is None:
            return True
        if self.venue.is_final and not said.status.is_final:
            return False
        known = self.order
        more = (
            said.filled_quantity > known.filled_quantity or said.prevented_quantity > known.prevented_quantity
        )
        less = (
            said.filled_quantity < known.filled_quantity or said.prevented_quantity < known.prevented_quantity
        )
        if more and not less:
            return True
        if self.fact_ns is None or time_ns is None:
            return not less
        if time_ns == self.fact_ns:
            return not less and rank_of(said.status) >= rank_of(self.venue)
        return time_ns > self.fact_ns

    def resolve(self, said: Order, time_ns: int | None, *, grown: bool, recovered: bool, now_ns: int) -> None:
        """Drop what toucan had concluded where the venue's word settles it.

        Repetitions settle nothing: only what was asked for since, what is newer, or what says more.
        """
        if said.status is OrderStatus.OPEN_IN_FLIGHT:
            return
        fresh = time_ns is not None and (self.fact_ns is None or time_ns > self.fact_ns)
        if self.ours is not None and (
            self.venue is None or fresh or grown or recovered or said.status.is_final
        ):
            if self.ours.is_final:
                self.order = msgspec.structs.replace(self.order, reason="")
            self.ours = None
        over = self.cancel_ns is not None and self.cancel_ns + CANCEL_WINDOW_NS <= now_ns
        if over and recovered and not said.status.is_final:
            self.cancel_ns = None


class Records:
    """Orders by their ids.

    Args:
        keep: How many finished ones are kept.
        keep_ns: How long.
    """

    def __init__(self, *, keep: int, keep_ns: int) -> None:
        self._keep = keep
        self._keep_ns = keep_ns
        self._open: dict[int, Record] = {}
        self._closed: dict[int, Record] = {}
        self._by: dict[tuple[str, Instrument, str], Record] = {}
        self._clients: dict[str, Record] = {}
        self._forgotten_ns = -1

    def __len__(self) -> int:
        """Return how many orders are kept."""
        return len(self._open) + len(self._closed)

    def __iter__(self) -> Iterator[Record]:
        """Iterate all of them."""
        yield from self._open.values()
        yield from self._closed.values()

    @property
    def open(self) -> Iterator[Record]:
        """Those that may still be filled."""
        return iter(self._open.values())

    @property
    def closed(self) -> Iterator[Record]:
        """Those that are over, in the order in which that was known."""
        return iter(self._closed.values())

    def add(self, record: Record) -> None:
        """Keep an order."""
        self._open[id(record)] = record
        self.index(record)

    def index(self, record: Record, *, alias: str = "") -> None:
        """Let an order be found by the ids that it has now, and go on being found by those it had.

        Args:
            record: The order.
            alias: Another client order id of it, empty for none.
        """
        order = record.order
        named = (
            ("order", order.order_id),
            ("algo", order.algo_id),
            ("client", order.client_order_id),
            ("client", alias),
        )
        for kind, value in named:
            key = (kind, order.instrument, value)
            if value and key not in record.keys:  # one that was taken over by another is not taken back
                self._by[key] = record
                record.keys.add(key)
                if kind == "client":
                    self._clients[value] = record

    def remove(self, record: Record) -> None:
        """Keep an order no more."""
        self._open.pop(id(record), None)
        self._closed.pop(id(record), None)
        for key in record.keys:
            if self._by.get(key) is record:
                del self._by[key]
            if key[0] == "client" and self._clients.get(key[2]) is record:
                del self._clients[key[2]]
        record.keys.clear()

    def replace(self, record: Record, by: Record) -> None:
        """Let an order be found as another one."""
        keys = set(record.keys)
        self.remove(record)
        for key in keys:
            self._by[key] = by
            by.keys.add(key)
            if key[0] == "client":
                self._clients.setdefault(key[2], by)

    def sort(self, record: Record, now_ns: int) -> None:
        """Put an order where it belongs: with the open ones or with those that are over."""
        mark = id(record)
        if record.order.is_open:
            if mark in self._closed:  # what toucan had concluded was not so
                del self._closed[mark]
                record.closed_ns = None
                self._open[mark] = record
        elif mark in self._open:
            del self._open[mark]
            record.closed_ns = now_ns
            self._closed[mark] = record

    def forget(self, now_ns: int) -> list[Record]:
        """Forget what is beyond the number or the time that finished orders are kept; return it."""
        gone: list[Record] = []
        for record in self._closed.values():
            too_many = len(self._closed) - len(gone) > self._keep
            if not too_many and (record.closed_ns or 0) + self._keep_ns >= now_ns:
                break
            gone.append(record)
        for record in gone:
            self.remove(record)
            self._forgotten_ns = max(self._forgotten_ns, record.fact_ns or 0)
        return gone

    def is_forgotten(self, time_ns: int | None) -> bool:
        """Tell whether a finished order that ended then may have been known and forgotten."""
        return time_ns is not None and time_ns <= self._forgotten_ns

    def own(self, client_id: str, instrument: Instrument | None = None) -> Record | None:
        """Return the newest order with a client order id."""
        if instrument is not None:
            return self._by.get(("client", instrument, client_id))
        return self._clients.get(client_id)

    def by_ids(
        self, instrument: Instrument, order_id: str, client_id: str, algo_id: str = ""
    ) -> Record | None:
        """Return an order by any of its ids; one with another order id is another order."""
        for kind, value in (("order", order_id), ("algo", algo_id)):
            if value and (found := self._by.get((kind, instrument, value))) is not None:
                return found
        found = self._by.get(("client", instrument, client_id)) if client_id else None
        if found is None or (order_id and found.order.order_id not in ("", order_id)):
            return None
        return None if algo_id and found.order.algo_id not in ("", algo_id) else found

    def find(self, said: Order, time_ns: int | None = None) -> Record | None:
        """Return the order that a message is about, None where it is not known."""
        by_algo = self._by.get(("algo", said.instrument, said.algo_id)) if said.algo_id else None
        if by_algo is not None:
            return by_algo
        found = self.by_ids(said.instrument, said.order_id, said.client_order_id, said.algo_id)
        if found is None or found.venue is None or not found.venue.is_final:
            return found
        same_id = said.order_id and found.order.order_id == said.order_id
        late = time_ns is None or found.fact_ns is None or time_ns <= found.fact_ns
        if same_id or late or said.status.is_final or not (said.order_id or said.algo_id):
            return found
        return None  # the order with this client id is over: it is used again

    def other_half(self, record: Record, said: Order) -> Record | None:
        """Return what is known as another order, and is the one that a conditional order has become."""
        if not (said.algo_id and said.order_id):
            return None
        other = self._by.get(("order", said.instrument, said.order_id))
        return None if other is record else other
