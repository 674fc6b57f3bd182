"""The two sides of a market."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Side"]


class Side(StrEnum):
    """Buying or selling.

    Of a trade it is the aggressor's, who took liquidity: BUY where a buyer lifted an ask. Of a book it
    names the resting orders: BUY the bids, SELL the asks.
    """

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY
