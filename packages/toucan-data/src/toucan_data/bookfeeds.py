"""How a feed keeps a book, and what it gives out of it: for the `prepare` of a venue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from toucan_data.book import BookState, OrderBook
from toucan_data.bookrule import BookRule
from toucan_data.events import LevelText, OrderBookL1, OrderBookL2Snapshot
from toucan_data.feed import Feed, Outlet
from toucan_data.kinds import OrderBooksL1
from toucan_data.numbers import finite, keep
from toucan_data.sequencer import BookSync
from toucan_data.status import Status
from toucan_instrument import Instrument
from toucan_instrument.errors import PayloadError

__all__ = ["Picture", "maintain", "pictures", "top_event", "tops_of"]

Picture = Callable[[int | None, Sequence[LevelText], Sequence[LevelText], int | None, int], None]
"""Takes one picture of the top levels: its id, bids, asks, the venue's time and the time of receipt."""


def maintain(
    feed: Feed,
    instrument: Instrument,
    rule: BookRule,
    report: Callable[[Status], None],
    want_snapshot: Callable[[BookSync], None],
    *,
    tops: bool = False,
) -> BookSync:
    """Let a feed keep a book from a snapshot and deltas.

    Args:
        feed: Whose main events are the book's.
        instrument: Of what.
        rule: How the venue's book is kept.
        report: Takes status values.
        want_snapshot: Asks REST for a snapshot.
        tops: Whether the stream serves `OrderBooksL1` too, by the changes of the book's top: for venues
            whose own stream of tops follows trades only.

    Returns:
        What the feed's handler gives snapshots and deltas to.
    """
    sync = feed.sync = BookSync(
        instrument,
        kind=lambda: feed.what,
        rule=rule,
        sinks=feed.sinks,
        report=report,
        want_snapshot=want_snapshot,
    )
    feed.book = sync.book
    if tops:
        sync.watchers.append(tops_of(feed.outlet(OrderBooksL1)))
    return sync


def tops_of(outlet: Outlet) -> Callable[[OrderBook], None]:
    """Return what watches a book, and gives an event out whenever its top has changed.

    Nothing is given out while the book is not in step; the first top after that always is.
    """
    last: tuple[LevelText | None, LevelText | None] | None = None

    def watch(book: OrderBook) -> None:
        nonlocal last
        sink = outlet.sink
        if sink is None or not book.synced:
            last = None
            return
        top = book.top_texts()
        if top != last:
            last = top
            sink(
                top_event(
                    book.instrument, book.time_exchange, book.time_received or 0, book.last_update_id, *top
                )
            )

    return watch


def top_event(
    instrument: Instrument,
    time_exchange: int | None,
    time_received: int,
    update_id: int | None,
    bid: LevelText | None,
    ask: LevelText | None,
) -> OrderBookL1:
    """Make a top of book of the texts of two levels; None, or a level without a quantity, is an empty side.

    Raises:
        PayloadError: A text is no finite number.
    """
    return OrderBookL1(
        instrument.exchange, instrument, time_exchange, time_received, update_id, *_side(bid), *_side(ask)
    )


def _side(level: LevelText | None) -> tuple[Decimal | None, Decimal | None]:
    if level is None:
        return None, None
    quantity = finite(level[1], "a quantity")
    return (keep(level[0]), quantity) if quantity else (None, None)


def pictures(feed: Feed, instrument: Instrument, depth: int) -> Picture:
    """Let a feed show pictures of the top levels, each of which replaces the one before."""
    book = feed.book = OrderBook(instrument)
    sinks = feed.sinks

    def take(
        last: int | None,
        bids: Sequence[LevelText],
        asks: Sequence[LevelText],
        time: int | None,
        now: int,
    ) -> None:
        try:
            book.load(bids, asks)
        except ValueError as error:
            raise PayloadError("a partial book", raw=b"", cause=str(error)) from error
        book.last_update_id = last
        book.time_exchange, book.time_received = time, now
        book.state = BookState.SYNCED
        event = OrderBookL2Snapshot(instrument.exchange, instrument, time, now, last, bids, asks, depth)
        for sink in sinks:
            sink(event)
        for watch in feed.watchers:
            watch(book)

    return take
