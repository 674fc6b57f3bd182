"""One side of a book: the best level at hand, exact digits, and little work for each change.

`BookSide.quantities` is a dict of price text to quantity text, which one C call updates with a whole event;
`ranks` and `prices` are two parallel lists ordered by price, best last, that only new prices touch. A level
that goes to zero stays where it is until it reaches the touch or is swept, so a deletion never moves the
order. Rounding a price to a float is monotone: ranks can tie but never invert, and ties are settled by exact
value (two spellings of one price, or digits beyond a float).

`CutSide` is for books that are defined as the best so many levels: it takes changes one by one, and drops
zeros at once, so that the number of levels is known.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice

from toucan_data.events import Level, LevelText

__all__ = ["BookSide", "CutSide"]

INFINITE = float("inf")
NO_LIMIT = 1 << 60
SWEEP_SLACK = 256


class BookSide:
    """One side of a book.

    Attributes:
        sign: +1 for bids, -1 for asks: a rank is ``float(price) * sign``, so the best is the highest.
        quantities: Price text to quantity text; zeros are kept until they are swept.
        ranks: Ordered, best last.
        prices: The keys of `quantities` in the order of `ranks`.
        horizon: The rank of the worst level of a snapshot that was cut to its depth, None where the
            snapshot was the whole side.
    """

    __slots__ = ("_sweep_at", "horizon", "prices", "quantities", "ranks", "sign")

    def __init__(self, sign: int, levels: Sequence[LevelText] = ()) -> None:
        """Start from a snapshot's levels, in any order."""
        self.sign: int = sign
        self.quantities: dict[str, str] = {}
        self.ranks: list[float] = []
        self.prices: list[str] = []
        self.horizon: float | None = None
        self._sweep_at = NO_LIMIT
        if levels:
            self.update(levels)
            self.sweep()

    def update(self, changes: Sequence[LevelText]) -> None:
        """Store absolute quantities; a price may come twice or in another spelling, the later one wins.

        Raises:
            ValueError: A price is no finite number. The side is broken then: drop it, and resynchronise.
        """
        quantities = self.quantities
        before = len(quantities)
        quantities.update(changes)
        if len(quantities) != before:  # a dict keeps what is new to it last
            self._admit(len(quantities) - before, changes)

    def _admit(self, count: int, changes: Sequence[LevelText]) -> None:
        """Put the last `count` keys of `quantities` into the order."""
        quantities, ranks, prices, sign = self.quantities, self.ranks, self.prices, self.sign
        for price in list(islice(reversed(quantities), count)):
            rank = float(price) * sign
            if not ranks or rank > ranks[-1]:
                if rank - rank != 0:
                    raise ValueError(f"{price!r} is no price")
                ranks.append(rank)
                prices.append(price)
                continue
            if rank - rank != 0:  # NaN and infinity compare, but have no place in an order
                raise ValueError(f"{price!r} is no price")
            index = bisect_left(ranks, rank)
            if index < len(ranks) and ranks[index] == rank:
                index = self._place_tie(index, rank, price, changes)
                if index < 0:
                    continue
            ranks.insert(index, rank)
            prices.insert(index, price)
        if len(quantities) > self._sweep_at:
            self.sweep()

    def _place_tie(self, index: int, rank: float, new: str, changes: Sequence[LevelText]) -> int:
        """Return where `new` goes among equal ranks, or -1 if it is another spelling of a price held."""
        exact = Decimal(new)
        while index < len(self.ranks) and self.ranks[index] == rank:
            old = self.prices[index]
            held = Decimal(old)
            if exact == held:
                last = next(price for price, _ in reversed(changes) if price in (old, new))
                if last == old:
                    del self.quantities[new]
                else:
                    del self.quantities[old]
                    self.prices[index] = new
                return -1
            if (exact < held) == (self.sign > 0):
                break
            index += 1
        return index

    def sweep(self) -> None:
        """Drop the levels that are zero.

        Raises:
            ValueError: A quantity is no finite number, or below zero.
        """
        before = self.quantities
        held = {p: q for p, q in before.items() if 0 < float(q) < INFINITE}
        if len(held) != len(before):
            bad = next((q for p, q in before.items() if p not in held and float(q)), None)
            if bad is not None:
                raise ValueError(f"{bad!r} is no quantity")
        self.quantities = held
        kept = [(r, p) for r, p in zip(self.ranks, self.prices, strict=True) if p in held]
        self.ranks, self.prices = [r for r, _ in kept], [p for _, p in kept]
        self._sweep_at = len(held) * 3 // 2 + SWEEP_SLACK

    def best(self) -> LevelText | None:
        """Return the best level as texts, and forget the zeros that stood before it.

        Raises:
            ValueError: Its quantity is none.
        """
        quantities, prices = self.quantities, self.prices
        while prices:
            price = prices[-1]
            quantity = quantities[price]
            size = float(quantity)
            if 0 < size < INFINITE:
                return price, quantity
            if size:  # NaN, infinite, or below zero
                raise ValueError(f"{quantity!r} is no quantity")
            del quantities[price], prices[-1], self.ranks[-1]
        return None

    def texts(self) -> Iterator[LevelText]:
        """Iterate the levels as texts, best first."""
        quantities = self.quantities
        for price in reversed(self.prices):
            quantity = quantities[price]
            if float(quantity):
                yield price, quantity

    def levels(self) -> Iterator[Level]:
        """Iterate the levels as exact numbers, best first."""
        horizon, sign = self.horizon, self.sign
        for price, quantity in self.texts():
            beyond = horizon is not None and float(price) * sign < horizon
            yield Level(Decimal(price), Decimal(quantity), beyond)

    def cut(self, depth: int) -> None:
        """Keep the best `depth` levels: for venues whose book is defined as truncated."""
        self.sweep()
        for price in self.prices[: max(0, len(self.prices) - depth)]:
            del self.quantities[price]
        self.prices = self.prices[-depth:] if depth else []
        self.ranks = self.ranks[-depth:] if depth else []

    def mark_horizon(self) -> None:
        """Note the worst level as the end of what is known."""
        self.horizon = self.ranks[0] if self.ranks else None


class CutSide(BookSide):
    """One side of a book that the venue cuts to a depth: it never holds more, and no zeros."""

    __slots__ = ("depth",)

    def __init__(self, depth: int, sign: int, levels: Sequence[LevelText] = ()) -> None:
        """Start from a snapshot's levels, in any order; keep the best `depth`."""
        self.depth: int = depth
        super().__init__(sign, levels)

    def update(self, changes: Sequence[LevelText]) -> None:
        """Take changes in their order, and then cut what lies too deep.

        Raises:
            ValueError: A price or a quantity is no finite number, or a quantity is below zero.
        """
        quantities, ranks, prices = self.quantities, self.ranks, self.prices
        for price, quantity in changes:
            size = float(quantity)
            if not 0 <= size < INFINITE:
                raise ValueError(f"{quantity!r} is no quantity")
            if size and price in quantities:
                quantities[price] = quantity
                continue
            rank = float(price) * self.sign
            if rank - rank != 0:
                raise ValueError(f"{price!r} is no price")
            index, held = self._find(rank, price)
            if held is not None:
                del quantities[held]
                if not size:
                    del ranks[index], prices[index]
                    continue
                prices[index] = price
            elif size:
                ranks.insert(index, rank)
                prices.insert(index, price)
            else:
                continue
            quantities[price] = quantity
        for price in prices[: max(0, len(prices) - self.depth)]:
            del quantities[price]
        del prices[: -self.depth], ranks[: -self.depth]

    def _find(self, rank: float, price: str) -> tuple[int, str | None]:
        """Return the place of a price, and how it is spelt there, None if it is not there."""
        ranks, prices = self.ranks, self.prices
        index = bisect_left(ranks, rank)
        while index < len(ranks) and ranks[index] == rank:
            held = prices[index]
            if held == price or Decimal(held) == Decimal(price):
                return index, held
            if (Decimal(price) < Decimal(held)) == (self.sign > 0):
                break
            index += 1
        return index, None

    def texts(self) -> Iterator[LevelText]:
        """Iterate the levels as texts, best first."""
        quantities = self.quantities
        for price in reversed(self.prices):
            yield price, quantities[price]
