"""Which books have changed since the last look."""

import asyncio

import pytest

from toucan_data import BinanceSpot, OrderBooksL2
from toucan_data.changes import BookWatch
from toucan_data.sequencer import BookSnapshot
from toucan_instrument.errors import InvalidInput

SPOT = BinanceSpot()


class Watched:
    """A watch, and books to change."""

    def __init__(self, tap, levels=1, symbols=("BTCUSDT", "ETHUSDT"), kind=OrderBooksL2):
        self.watch = BookWatch(levels)
        self.books = {symbol[:3]: tap(SPOT, symbol, kind) for symbol in symbols}
        for followed in self.books.values():
            self.watch.add(followed.feed)

    def snapshot(self, name, last=100):
        sync = self.books[name].feed.sync
        sync.connected(0)
        bids, asks = [("10", "1"), ("9", "1")], [("20", "1")]
        assert sync.snapshot(BookSnapshot(last, bids, asks, None, None), sync.epoch, 1) == ""

    def change(self, name, *bids):
        sync = self.books[name].feed.sync
        last = sync.book.last_update_id
        sync.delta(last + 1, last + 1, None, list(bids), [], None, 1)

    async def look(self):
        return sorted(instrument.symbol[:3] for instrument in await asyncio.wait_for(self.watch.changed(), 5))

    @property
    def quiet(self):
        return not self.watch._wake.is_set()


async def test_a_look_gives_what_changed_since_the_last(tap):
    watched = Watched(tap)
    assert await watched.look() == []  # books that have shown nothing yet
    watched.snapshot("BTC")
    assert await watched.look() == ["BTC"]
    watched.change("BTC", ("11", "1"))
    watched.snapshot("ETH")
    assert await watched.look() == ["BTC", "ETH"]
    assert watched.quiet


async def test_only_the_levels_that_are_watched_count(tap):
    for levels, changed in ((1, []), (2, ["BTC"])):
        watched = Watched(tap, levels)
        watched.snapshot("BTC")
        await watched.look()
        watched.change("BTC", ("9", "5"))
        assert await watched.look() == changed


async def test_what_changes_back_has_not_changed(tap):
    watched = Watched(tap)
    watched.snapshot("BTC")
    await watched.look()
    watched.change("BTC", ("11", "1"))
    watched.change("BTC", ("11", "0"))
    assert await watched.look() == []


async def test_the_state_of_a_book_counts(tap):
    watched = Watched(tap)
    watched.snapshot("BTC")
    await watched.look()
    watched.books["BTC"].feed.sync.disconnected(5)
    assert await watched.look() == ["BTC"]
    watched.snapshot("BTC")
    assert await watched.look() == ["BTC"]


async def test_a_delta_that_cannot_be_read_raises_nothing_at_the_watcher(tap):
    watched = Watched(tap)
    watched.snapshot("BTC")
    await watched.look()
    watched.change("BTC", ("11", "garbage"))
    assert await watched.look() == ["BTC"]


async def test_however_many_changes_come_one_look_takes_them_and_memory_is_flat(tap):
    watched = Watched(tap)
    watched.snapshot("BTC")
    watched.snapshot("ETH")
    for number in range(1_000):
        watched.change("BTC", ("11", str(number + 1)))
    assert len(watched.watch._touched) == 2
    assert await watched.look() == ["BTC", "ETH"]
    assert watched.quiet


async def test_a_look_waits_for_a_change(tap):
    watched = Watched(tap)
    watched.snapshot("BTC")
    await watched.look()
    waiting = asyncio.ensure_future(watched.look())
    await asyncio.sleep(0)
    assert not waiting.done()
    watched.change("BTC", ("12", "1"))
    assert await waiting == ["BTC"]


async def test_partial_books_are_watched_too(tap):
    watched = Watched(tap, symbols=("BTCUSDT",), kind=OrderBooksL2(depth=5))
    assert await watched.look() == []
    row = {"lastUpdateId": 1, "bids": [["1.0", "1"]], "asks": []}
    watched.books["BTC"].hear(row)
    assert await watched.look() == ["BTC"]
    watched.books["BTC"].hear({**row, "lastUpdateId": 2})
    assert await watched.look() == []


async def test_a_book_that_is_given_up_is_watched_no_more(tap):
    watched = Watched(tap)
    watched.snapshot("BTC")
    btc, eth = (watched.books[name].feed for name in ("BTC", "ETH"))
    watched.watch.add(btc)  # twice is once
    assert len(btc.sync.watchers) == 1
    watched.watch.remove(btc)
    watched.watch.remove(btc)
    assert btc.sync.watchers == []
    assert await watched.look() == []
    watched.watch.close()
    assert eth.sync.watchers == []


@pytest.mark.parametrize("levels", [0, -1])
async def test_a_watch_needs_levels(levels):
    with pytest.raises(InvalidInput, match="levels"):
        BookWatch(levels)
