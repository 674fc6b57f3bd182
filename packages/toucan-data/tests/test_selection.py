"""Selections: who gets what, in which order, what is lost and how it is told, and how they end."""

import asyncio

import pytest
from hypothesis import given, strategies as st

from toucan_data import (
    BinanceFuturesUsd,
    BinanceSpot,
    Candles,
    Connected,
    Dropped,
    Gap,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    StreamsClosed,
)
from toucan_data.events import OrderBookL2Snapshot, OrderBookL2Update
from toucan_data.selection import BUFFER, Hub
from toucan_data.sequencer import BookSnapshot
from toucan_instrument.errors import InvalidInput

SPOT, USD_M = BinanceSpot(), BinanceFuturesUsd()
NOW = 123


@pytest.fixture
def desk(tap):
    return Desk(tap)


class Desk:
    """A hub, feeds that it serves, and the shortest way to select."""

    def __init__(self, tap):
        self.tap = tap
        self.hub = Hub(lambda: NOW)

    def feed(self, kind, symbol="BTCUSDT", venue=SPOT):
        followed = self.tap(venue, symbol, kind)
        followed.feed.deliver_to()
        self.hub.add_feed(followed.feed, venue.exchange)
        return followed

    def select(self, kind=None, *, exchange=None, instruments=None, status=True, events=True, limit=BUFFER):
        return self.hub.select(
            repr(kind),
            kind=kind,
            exchange=exchange,
            instruments=instruments,
            events=events,
            status=status,
            limit=limit,
        )

    def give(self, followed, *values):
        """Hand values to whoever selected a feed, as its handler does."""
        for value in values:
            if followed.feed.sink is not None:
                followed.feed.sink(value)
        self.hub.flush()


def everything(selection):
    found = []
    while (value := selection.next_nowait()) is not None:
        found.append(value)
    return found


def gap(followed, kind="PublicTrades"):
    return Gap(
        at_ns=1,
        exchange=followed.venue.exchange,
        instrument=followed.instrument,
        kind=kind,
        first_missing=1,
        last_missing=2,
        reason="sequence",
    )


# Who gets what.


def test_every_selection_that_matches_gets_it_and_no_other(desk):
    spot, eth = desk.feed(PublicTrades), desk.feed(PublicTrades, "ETHUSDT")
    usd_m, tops = desk.feed(PublicTrades, venue=USD_M), desk.feed(OrderBooksL1)
    minutes, hours = desk.feed(Candles("1m")), desk.feed(Candles("1h"))
    followed = {"spot": spot, "eth": eth, "usd_m": usd_m, "tops": tops, "minutes": minutes, "hours": hours}
    expected = {
        desk.select(PublicTrades): ["spot", "eth", "usd_m"],
        desk.select(PublicTrades, exchange=SPOT.exchange): ["spot", "eth"],
        desk.select(PublicTrades, instruments=[spot.instrument]): ["spot"],
        desk.select(instruments=[spot.instrument]): ["spot", "tops", "minutes", "hours"],
        desk.select(exchange=USD_M.exchange): ["usd_m"],
        desk.select(Candles): ["minutes", "hours"],
        desk.select(Candles("1m")): ["minutes"],
        desk.select(Candles("5m")): [],
        desk.select(): list(followed),
        desk.select(events=False): [],
        desk.select(instruments=[]): [],
    }
    for name, one in followed.items():
        desk.give(one, name)
    for selection, names in expected.items():
        assert everything(selection) == names, selection


def test_a_feed_that_comes_later_is_selected_and_one_that_goes_is_not(desk):
    selection = desk.select(PublicTrades)
    late = desk.feed(PublicTrades)
    desk.give(late, 1)
    desk.hub.remove_feed(late.feed)
    desk.give(late, 2)
    assert everything(selection) == [1]


def test_what_nobody_selects_is_queued_nowhere(desk):
    feed = desk.feed(PublicTrades)
    assert (feed.feed.sinks, feed.feed.sink) == ([], None)
    selection = desk.select(PublicTrades)
    assert feed.feed.sinks == [feed.feed.sink]
    selection.close()
    assert (feed.feed.sinks, feed.feed.sink) == ([], None)


def test_both_ways_to_hand_an_event_over_reach_everybody_in_order(desk):
    feed, heard = desk.feed(PublicTrades).feed, []
    feed.deliver_to(lambda event: heard.append(("a", event)), lambda event: heard.append(("b", event)))
    feed.sink(1)
    for sink in feed.sinks:
        sink(1)
    assert heard == [("a", 1), ("b", 1)] * 2


def test_a_kind_that_is_added_to_a_feed_is_looked_at_again(desk):
    """The futures serve two kinds by one stream."""
    feed = desk.feed(PublicTrades, venue=USD_M)
    selection = desk.select(Candles("1m"))
    feed.feed.join(Candles("1m"), feed.instrument)
    desk.hub.rewire(feed.feed)
    desk.give(feed, 1)
    assert everything(selection) == [1]


def test_books_without_events_are_kept_and_not_queued(desk):
    feed = desk.feed(OrderBooksL2(events=False))
    selection = desk.select(OrderBooksL2)
    assert feed.feed.sinks == []
    live(feed)
    assert everything(selection) == []
    assert feed.feed.book.synced


# Status values.


def test_status_values_come_in_their_place(desk):
    feed = desk.feed(PublicTrades)
    both, events, only = (
        desk.select(PublicTrades),
        desk.select(PublicTrades, status=False),
        desk.select(events=False),
    )
    desk.give(feed, 1)
    hole = gap(feed)
    desk.hub.report(SPOT.exchange, hole)
    desk.give(feed, 2)
    assert everything(both) == [1, hole, 2]
    assert everything(events) == [1, 2]
    assert everything(only) == [hole]


def test_a_status_value_goes_to_those_whom_it_concerns(desk):
    btc, eth = desk.feed(PublicTrades), desk.feed(PublicTrades, "ETHUSDT")
    desk.feed(OrderBooksL2)
    selections = [
        desk.select(PublicTrades),
        desk.select(OrderBooksL2),
        desk.select(instruments=[eth.instrument]),
        desk.select(exchange=USD_M.exchange),
        desk.select(),
    ]
    desk.hub.report(SPOT.exchange, gap(btc))
    assert [len(selection) for selection in selections] == [1, 0, 0, 0, 1]
    desk.hub.report(SPOT.exchange, gap(btc, "OrderBooksL2(depth=5)"))
    assert [len(selection) for selection in selections] == [1, 1, 0, 0, 2]
    desk.hub.report(SPOT.exchange, Connected(link="x", at_ns=1, attempt=1))
    assert [len(selection) for selection in selections] == [2, 2, 1, 0, 3]


# Slow readers.


def test_the_oldest_go_and_are_counted_where_they_are_missing(desk):
    feed = desk.feed(PublicTrades)
    selection = desk.select(PublicTrades, limit=3)
    desk.give(feed, 1, 2, 3)
    assert selection.next_nowait() == 1
    desk.give(feed, 4, 5, 6)
    assert len(selection) == 3
    dropped, *rest = everything(selection)
    assert dropped == Dropped(at_ns=NOW, count=2, selection="PublicTrades")
    assert rest == [4, 5, 6]
    assert selection.dropped == 2
    desk.give(feed, 7, 8, 9, 10)
    assert everything(selection) == [Dropped(at_ns=NOW, count=1, selection="PublicTrades"), 8, 9, 10]
    assert selection.dropped == 3


async def test_a_loss_is_told_first_by_anext_as_well(desk):
    feed = desk.feed(PublicTrades)
    selection = desk.select(PublicTrades, limit=2)
    desk.give(feed, 1, 2)
    assert await anext(selection) == 1
    desk.give(feed, 3, 4)
    assert await anext(selection) == Dropped(at_ns=NOW, count=1, selection="PublicTrades")
    desk.give(feed, 5)
    assert await anext(selection) == Dropped(at_ns=NOW, count=1, selection="PublicTrades")
    assert [await anext(selection), await anext(selection)] == [4, 5]


def test_a_reader_of_events_alone_is_told_by_the_status_stream(desk):
    feed = desk.feed(PublicTrades)
    events, statuses = desk.select(PublicTrades, status=False, limit=1), desk.select(events=False)
    desk.give(feed, 1, 2, 3)
    assert everything(events) == [3]
    [dropped] = everything(statuses)
    assert (dropped.count, dropped.selection) == (2, "PublicTrades")


def test_a_slow_reader_costs_the_others_nothing(desk):
    feed = desk.feed(PublicTrades)
    slow, quick = desk.select(PublicTrades, limit=2), desk.select(PublicTrades)
    for number in range(100):
        desk.give(feed, number)
    assert everything(quick) == list(range(100))
    assert (slow.dropped, len(slow)) == (98, 2)


@given(
    st.integers(1, 5),
    st.lists(
        st.one_of(st.integers(0, 6).map(lambda n: ("give", n)), st.integers(0, 6).map(lambda n: ("read", n)))
    ),
)
def test_what_is_read_and_what_is_dropped_is_everything_in_order(limit, steps):
    hub = Hub(lambda: NOW)
    selection = hub.select(
        "all", kind=None, exchange=None, instruments=None, events=True, status=True, limit=limit
    )
    sent, position = 0, 0
    for action, count in steps:
        if action == "give":
            for _ in range(count):
                selection._buffer.append(sent)
                sent += 1
            hub.flush()
            assert len(selection) <= limit
            continue
        for _ in range(count):
            value = selection.next_nowait()
            if value is None:
                assert position == sent
            elif isinstance(value, Dropped):
                assert value.count > 0
                position += value.count
            else:
                assert value == position
                position += 1
    for value in everything(selection):
        position += value.count if isinstance(value, Dropped) else 1
    assert position == sent


@pytest.mark.parametrize("limit", [0, -1])
def test_a_buffer_holds_something(desk, limit):
    with pytest.raises(InvalidInput) as caught:
        desk.select(PublicTrades, limit=limit)
    assert (caught.value.field, caught.value.value) == ("buffer", limit)


# A book that is selected late.


def live(followed, last=100):
    sync = followed.feed.sync
    sync.connected(0)
    assert sync.snapshot(BookSnapshot(last, [("10", "1")], [("20", "1")], None, None), sync.epoch, 5) == ""


def test_a_late_selection_of_a_book_begins_with_the_book(desk):
    feed = desk.feed(OrderBooksL2)
    early = desk.select(OrderBooksL2)
    live(feed)
    feed.feed.sync.delta(101, 103, None, [("11", "2.50")], [], 77, 78)
    late = desk.select(OrderBooksL2)
    feed.feed.sync.delta(104, 104, None, [], [("19", "1")], 79, 80)
    desk.hub.flush()
    assert [type(value) for value in everything(early)] == [OrderBookL2Snapshot, *[OrderBookL2Update] * 2]
    snapshot, update = everything(late)
    assert snapshot.last_update_id == 103
    assert snapshot.bids == [("11", "2.50"), ("10", "1")]
    assert (snapshot.time_exchange, snapshot.time_received) == (77, 78)
    assert update.first_update_id == 104


def test_a_book_that_is_not_in_step_is_not_shown(desk):
    feed = desk.feed(OrderBooksL2)
    assert everything(desk.select(OrderBooksL2)) == []
    live(feed)
    feed.feed.sync.disconnected(9)
    assert everything(desk.select(OrderBooksL2)) == []


def test_a_selection_of_something_else_is_shown_no_book(desk):
    live(desk.feed(OrderBooksL2))
    assert everything(desk.select(PublicTrades)) == []
    assert everything(desk.select(events=False)) == []


# Waiting, and the end.


async def test_a_reader_waits_and_is_woken_by_what_arrives(desk):
    feed = desk.feed(PublicTrades)
    selection = desk.select(PublicTrades)
    reading = asyncio.ensure_future(anext(selection))
    await asyncio.sleep(0)
    assert not reading.done()
    desk.give(feed, 1)
    assert await reading == 1
    assert selection._waiter is None


async def test_a_reader_that_gives_up_waiting_loses_nothing(desk):
    feed = desk.feed(PublicTrades)
    selection = desk.select(PublicTrades)
    reading = asyncio.ensure_future(anext(selection))
    await asyncio.sleep(0)
    reading.cancel()
    desk.give(feed, 1, 2)
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert [await anext(selection), await anext(selection)] == [1, 2]


async def test_a_selection_is_read_in_one_place(desk):
    selection = desk.select(PublicTrades)
    reading = asyncio.ensure_future(anext(selection))
    await asyncio.sleep(0)
    with pytest.raises(StreamsClosed, match="another task"):
        await anext(selection)
    selection.close()
    with pytest.raises(StopAsyncIteration):
        await reading


async def test_what_is_buffered_can_be_read_after_the_end(desk):
    feed = desk.feed(PublicTrades)
    selection = desk.select(PublicTrades, limit=2)
    desk.give(feed, 1, 2, 3)
    desk.hub.close()
    desk.give(feed, 4)
    dropped, *rest = [value async for value in selection]
    assert (dropped.count, rest) == (1, [2, 3])
    assert "closed" in repr(selection)


async def test_an_end_by_a_fault_is_raised_after_what_was_buffered(desk):
    feed = desk.feed(PublicTrades)
    selection = desk.select(PublicTrades)
    reading = asyncio.ensure_future(anext(desk.select(PublicTrades)))
    await asyncio.sleep(0)
    desk.give(feed, 1)
    assert await reading == 1
    fault = RuntimeError("the bug")
    desk.hub.close(fault)
    desk.hub.close()  # a second time says nothing else
    assert await anext(selection) == 1
    for _ in range(2):
        with pytest.raises(StreamsClosed, match="the bug") as caught:
            await anext(selection)
        assert caught.value.__cause__ is fault
    with pytest.raises(StreamsClosed):
        desk.select(PublicTrades)
    with pytest.raises(StreamsClosed, match="the bug"):
        desk.hub.check()


async def test_a_selection_can_be_left_early(desk):
    feed = desk.feed(PublicTrades)
    with desk.select(PublicTrades) as selection:
        desk.give(feed, 1)
        assert await anext(selection) == 1
    desk.give(feed, 2)
    assert [value async for value in selection] == []
    selection.close()
    assert desk.hub._selections == []


def test_a_selection_tells_how_its_reader_keeps_up(desk):
    feed = desk.feed(PublicTrades)
    selection = desk.select(PublicTrades, limit=2)
    assert selection
    assert len(selection) == 0
    desk.give(feed, 1, 2, 3)
    assert repr(selection) == "Selection(PublicTrades, open, 2 of 2 waiting, 1 dropped)"
