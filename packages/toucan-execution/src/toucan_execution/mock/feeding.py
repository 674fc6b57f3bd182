"""Prices for the paper exchange, from whatever has them.

Nothing here knows where prices come from. An object is taken for what it has: the events of toucan-data's
streams fit as they are, and so does anything of a user's own with the same fields. So market data and
execution meet in the user's program, and neither package knows the other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from typing import Protocol, runtime_checkable

from toucan_execution.mock.engine import Engine
from toucan_instrument import Instrument, Side

__all__ = ["BookChange", "Mark", "PriceSource", "Top", "Trade", "WholeBook", "feed"]


class PriceSource(Protocol):
    """Something that yields prices, such as a stream of toucan-data; what is no price is passed over."""

    def __aiter__(self) -> AsyncIterator[object]:
        """Iterate what happens in the market, in order."""
        ...


@runtime_checkable
class Trade(Protocol):
    """A trade; its aggressor took liquidity."""

    instrument: Instrument
    price: Decimal
    quantity: Decimal
    aggressor: Side


@runtime_checkable
class Top(Protocol):
    """The top of a book; None for a side that is empty."""

    instrument: Instrument
    update_id: int | None
    bid_price: Decimal | None
    bid_quantity: Decimal | None
    ask_price: Decimal | None
    ask_quantity: Decimal | None


@runtime_checkable
class WholeBook(Protocol):
    """A whole book, or as much of it as is shown."""

    instrument: Instrument
    depth: int | None

    def bid_levels(self) -> Iterable[tuple[Decimal, ...]]:
        """Give the bids: price, quantity."""
        ...

    def ask_levels(self) -> Iterable[tuple[Decimal, ...]]:
        """Give the asks: price, quantity."""
        ...


@runtime_checkable
class BookChange(Protocol):
    """Levels of a book that have changed; a quantity of zero takes one away."""

    instrument: Instrument
    first_update_id: int | None

    def bid_levels(self) -> Iterable[tuple[Decimal, ...]]:
        """Give the changed bids: price, quantity."""
        ...

    def ask_levels(self) -> Iterable[tuple[Decimal, ...]]:
        """Give the changed asks: price, quantity."""
        ...


@runtime_checkable
class Mark(Protocol):
    """The mark price of a derivative."""

    instrument: Instrument
    mark_price: Decimal


def feed(engine: Engine, event: object, now_ns: int) -> bool:
    """Feed an engine what happened in the market; return whether that was a price.

    Args:
        engine: The engine.
        event: What happened; instruments that the engine does not trade are passed over.
        now_ns: What time it is, nanoseconds since the epoch.

    Raises:
        InvalidInput: A number is none, or the book is crossed.
    """
    instrument = getattr(event, "instrument", None)
    if not isinstance(instrument, Instrument) or instrument not in engine.instruments:
        return False
    if isinstance(event, Trade):
        engine.feed_trade(instrument, event.price, event.quantity, event.aggressor, now_ns)
    elif isinstance(event, WholeBook):
        engine.feed_book(instrument, _pairs(event.bid_levels()), _pairs(event.ask_levels()), now_ns)
    elif isinstance(event, BookChange):
        engine.feed_changes(instrument, _pairs(event.bid_levels()), _pairs(event.ask_levels()), now_ns)
    elif isinstance(event, Top):
        bid = _level(event.bid_price, event.bid_quantity)
        ask = _level(event.ask_price, event.ask_quantity)
        engine.feed_top(instrument, bid, ask, now_ns)
    elif isinstance(event, Mark):
        engine.feed_mark(instrument, event.mark_price, now_ns)
    else:
        return False
    return True


def _level(price: Decimal | None, quantity: Decimal | None) -> tuple[Decimal, Decimal] | None:
    return None if price is None or quantity is None else (price, quantity)


def _pairs(levels: Iterable[tuple[Decimal, ...]]) -> list[tuple[Decimal, Decimal]]:
    return [(level[0], level[1]) for level in levels]
