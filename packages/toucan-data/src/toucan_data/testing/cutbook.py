"""Books that a venue cuts to a depth, and what it sends when they change; for the test exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from toucan_instrument.testing.market import BookPicture, Pair, SeededMarket

__all__ = ["CutBooks"]

Key = tuple[str, int | None]


class CutBooks:
    """The top levels of a seeded market's books, each at the depths that somebody follows.

    A level that comes into the depth because a better one went is sent like any other change. Whether one
    that is pushed out is taken away by a change of its own is the venue's way: with `explicit` it is;
    without, the client has to cut its book.
    """

    def __init__(self, *, explicit: bool) -> None:
        """Start with no book."""
        self._explicit = explicit
        self._shown: dict[Key, BookPicture] = {}

    def picture(self, market: SeededMarket, symbol: str, depth: int | None) -> BookPicture:
        """Return a book as it is: what the next changes follow on."""
        found = self._shown[symbol, depth] = market.book(symbol, depth)
        return found

    def changes(
        self, market: SeededMarket, symbol: str, depth: int | None
    ) -> tuple[Sequence[Pair], Sequence[Pair]]:
        """Return changed bids and asks since the last look: absolute quantities, zero for what is gone."""
        before = self._shown.get((symbol, depth))
        now = self.picture(market, symbol, depth)
        if before is None:
            return (), ()
        return (
            self._side(before.bids, now.bids, depth, sign=1),
            self._side(before.asks, now.asks, depth, sign=-1),
        )

    def _side(
        self, before: Sequence[Pair], now: Sequence[Pair], depth: int | None, *, sign: int
    ) -> list[Pair]:
        old, new = dict(before), dict(now)
        full = depth is not None and len(now) >= depth
        worst = now[-1][0] if now else Decimal(0)
        gone = [
            (price, Decimal(0))
            for price in old
            if price not in new and (self._explicit or not full or (price - worst) * sign > 0)
        ]
        return gone + [(price, quantity) for price, quantity in new.items() if old.get(price) != quantity]
