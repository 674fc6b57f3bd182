"""One order book: exact digits, O(1) top, and a refusal to be read while it is not in sync.

How its sides are kept stands in `toucan_data.sides`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from functools import partial
from itertools import islice

import msgspec

from toucan_data.errors import StaleBook
from toucan_data.events import Level, LevelText
from toucan_data.sides import BookSide, CutSide
from toucan_instrument import Instrument, Side
from toucan_instrument.errors import InvalidInput

__all__ = ["BookProgress", "BookSide", "BookState", "OrderBook"]


class BookState(StrEnum):
    """What may be believed of a book."""

    SYNCING = "syncing"
    """Waiting for its first snapshot, or for a new one after a break."""
    SYNCED = "in sync"
    """Every change since the snapshot has been applied, in order."""
    DISCONNECTED = "disconnected"
    """Its connection is down: it shows the past."""


class BookProgress(msgspec.Struct, frozen=True):
    """How far the books have come.

    Attributes:
        synced: Books in step.
        total: Books that are kept.
    """

    synced: int
    total: int


class OrderBook:
    """The live book of one instrument.

    It is changed by the reader of its connection before the event of the change is queued, so it is never
    behind an event in hand and may be ahead of it; compare `last_update_id`. All reading is synchronous:
    nothing changes between two reads without an await between them.

    Every read takes ``allow_stale``: without it a book that is not in sync raises `StaleBook`.

    Attributes:
        instrument: Of what.
        state: Whether it may be believed.
        last_update_id: The venue's id of the last change that it holds, None where it numbers none.
        time_exchange: The venue's time of that change, nanoseconds, None where it gives none.
        time_received: When that change was received, nanoseconds.
        generation: How many snapshots it has been built from.
    """

    __slots__ = (
        "_asks",
        "_bids",
        "_side_of",
        "generation",
        "instrument",
        "last_update_id",
        "state",
        "time_exchange",
        "time_received",
    )

    def __init__(self, instrument: Instrument, *, depth: int | None = None) -> None:
        """Make an empty book, not in sync.

        Args:
            instrument: Of what.
            depth: How many levels a side it keeps: where the venue's book is cut to a depth, and no change
                tells what falls out of it. None for all.
        """
        self.instrument: Instrument = instrument
        self.state: BookState = BookState.SYNCING
        self.last_update_id: int | None = None
        self.time_exchange: int | None = None
        self.time_received: int | None = None
        self.generation: int = 0
        self._side_of: Callable[..., BookSide] = BookSide if depth is None else partial(CutSide, depth)
        self._bids = self._side_of(1)
        self._asks = self._side_of(-1)

    # What the sequencer does.

    def load(
        self, bids: Sequence[LevelText], asks: Sequence[LevelText], *, cut_to: int | None = None
    ) -> None:
        """Replace everything by a snapshot; `cut_to` is the depth at which the venue cut it.

        Raises:
            ValueError: A price or a quantity is no finite number; the book keeps what it held.
        """
        new_bids, new_asks = self._side_of(1, bids), self._side_of(-1, asks)
        for side, levels in ((new_bids, bids), (new_asks, asks)):
            if cut_to is not None and len(levels) >= cut_to:
                side.mark_horizon()
        self._bids, self._asks = new_bids, new_asks
        self.generation += 1

    def apply(
        self, bids: Sequence[LevelText], asks: Sequence[LevelText]
    ) -> tuple[LevelText | None, LevelText | None]:
        """Apply changes, and return the best bid and ask after them, as texts.

        Raises:
            ValueError: A price or the best quantity is no number; the book must be resynchronised.
        """
        if bids:
            self._bids.update(bids)
        if asks:
            self._asks.update(asks)
        return self._bids.best(), self._asks.best()

    def discard(self) -> None:
        """Forget both sides, after changes that could not be read: they may hold part of them."""
        self._bids, self._asks = self._side_of(1), self._side_of(-1)

    def cut(self, depth: int) -> None:
        """Keep the best `depth` levels of each side."""
        self._bids.cut(depth)
        self._asks.cut(depth)

    def top_texts(self) -> tuple[LevelText | None, LevelText | None]:
        """Return the best bid and ask as texts, whatever the state: at the cost of a look."""
        return self._bids.best(), self._asks.best()

    # What a user reads.

    @property
    def synced(self) -> bool:
        """Whether it may be read."""
        return self.state is BookState.SYNCED

    def _check(self, allow_stale: bool) -> None:  # noqa: FBT001 - handed on from a keyword
        if self.state is not BookState.SYNCED and not allow_stale:
            raise StaleBook(str(self.instrument), self.state.value)

    def best_bid(self, *, allow_stale: bool = False) -> Level | None:
        """Return the best bid, None for an empty side."""
        self._check(allow_stale)
        return next(self._bids.levels(), None)

    def best_ask(self, *, allow_stale: bool = False) -> Level | None:
        """Return the best ask, None for an empty side."""
        self._check(allow_stale)
        return next(self._asks.levels(), None)

    def bids(self, depth: int | None = None, *, allow_stale: bool = False) -> Iterator[Level]:
        """Iterate the bids, best first, the best `depth` of them if given."""
        self._check(allow_stale)
        return islice(self._bids.levels(), depth)

    def asks(self, depth: int | None = None, *, allow_stale: bool = False) -> Iterator[Level]:
        """Iterate the asks, best first, the best `depth` of them if given."""
        self._check(allow_stale)
        return islice(self._asks.levels(), depth)

    def texts(
        self, depth: int | None = None, *, allow_stale: bool = False
    ) -> tuple[list[LevelText], list[LevelText]]:
        """Return bids and asks as the venue's texts, best first: what checksums and exports need."""
        self._check(allow_stale)
        return list(islice(self._bids.texts(), depth)), list(islice(self._asks.texts(), depth))

    def mid(self, *, allow_stale: bool = False) -> Decimal | None:
        """Return the middle between the best prices, None for a one-sided book."""
        bid, ask = self.best_bid(allow_stale=allow_stale), self.best_ask(allow_stale=allow_stale)
        return None if bid is None or ask is None else (bid.price + ask.price) / 2

    def spread(self, *, allow_stale: bool = False) -> Decimal | None:
        """Return best ask less best bid, None for a one-sided book."""
        bid, ask = self.best_bid(allow_stale=allow_stale), self.best_ask(allow_stale=allow_stale)
        return None if bid is None or ask is None else ask.price - bid.price

    def microprice(self, *, allow_stale: bool = False) -> Decimal | None:
        """Return the best prices weighted by the other side's quantity, None for a one-sided book."""
        bid, ask = self.best_bid(allow_stale=allow_stale), self.best_ask(allow_stale=allow_stale)
        if bid is None or ask is None:
            return None
        weight = bid.quantity + ask.quantity
        return (bid.price * ask.quantity + ask.price * bid.quantity) / weight

    def imbalance(self, depth: int = 1, *, allow_stale: bool = False) -> Decimal | None:
        """Return (bids - asks) / (bids + asks) of the best `depth` quantities, -1 to 1; None if empty."""
        bids = sum((level.quantity for level in self.bids(depth, allow_stale=allow_stale)), Decimal())
        asks = sum((level.quantity for level in self.asks(depth, allow_stale=allow_stale)), Decimal())
        return (bids - asks) / (bids + asks) if bids + asks else None

    def cumulative_quantity(self, side: Side, price: Decimal, *, allow_stale: bool = False) -> Decimal:
        """Return what rests on a side of the book at `price` or better.

        Args:
            side: BUY for the bids, SELL for the asks.
            price: The worst price that counts.
            allow_stale: Read it even if it is not in sync.
        """
        total = Decimal()
        for level in self._side(side).levels() if self._allowed(allow_stale) else ():
            if (level.price < price) if side is Side.BUY else (level.price > price):
                break
            total += level.quantity
        return total

    def vwap(self, side: Side, quantity: Decimal, *, allow_stale: bool = False) -> Decimal | None:
        """Return the average price at which `quantity` could be taken from a side of the book.

        Args:
            side: The aggressor's: BUY takes the asks, SELL hits the bids.
            quantity: How much, in the venue's unit, above zero.
            allow_stale: Read it even if it is not in sync.

        Returns:
            The average, rounded to the decimal context; None where the side holds less than `quantity`.

        Raises:
            InvalidInput: The quantity is not above zero.
        """
        if not isinstance(quantity, Decimal) or not quantity > 0:
            raise InvalidInput(
                "a size is a Decimal above zero", field="quantity", value=quantity, accepted="Decimal > 0"
            )
        self._check(allow_stale)
        left, paid = quantity, Decimal()
        for level in self._side(side.opposite).levels():
            taken = min(left, level.quantity)
            paid += taken * level.price
            left -= taken
            if not left:
                return paid / quantity
        return None

    def crossed(self, *, allow_stale: bool = False) -> bool:
        """Tell whether the best bid is at or above the best ask: something is missing, or an auction."""
        bid, ask = self.best_bid(allow_stale=allow_stale), self.best_ask(allow_stale=allow_stale)
        return bid is not None and ask is not None and bid.price >= ask.price

    def _allowed(self, allow_stale: bool) -> bool:  # noqa: FBT001 - handed on from a keyword
        self._check(allow_stale)
        return True

    def _side(self, side: Side) -> BookSide:
        return self._bids if side is Side.BUY else self._asks

    def looks_crossed(self) -> bool:
        """Tell the same from the order alone, zeros at the touch having been reaped: one addition."""
        bids, asks = self._bids.ranks, self._asks.ranks
        return bool(bids and asks and bids[-1] + asks[-1] >= 0)

    def __repr__(self) -> str:
        """Show the top and the state."""
        bid, ask = self.best_bid(allow_stale=True), self.best_ask(allow_stale=True)
        shown = [f"{level.quantity} @ {level.price}" if level else "none" for level in (bid, ask)]
        return (
            f"OrderBook({self.instrument}, {self.state.value}, bid {shown[0]}, ask {shown[1]}, "
            f"last_update_id={self.last_update_id})"
        )
