"""Books whose snapshots come on the stream, that are cut to a depth, or carry a checksum."""

import zlib

import pytest

from toucan_data import BinanceSpot, BookState
from toucan_data.bookrule import BookRule, BookSnapshot, Snapshots
from toucan_data.events import OrderBookL2Snapshot, OrderBookL2Update
from toucan_data.sequencer import CALM_NS, RESTART, BookSync
from toucan_data.status import Gap, Resynced

BTC = BinanceSpot().unchecked("BTCUSDT")
BIDS, ASKS = [("10", "1"), ("9", "1"), ("8", "1")], [("20", "1"), ("21", "1"), ("22", "1")]


def crc(bids, asks):
    """Return a checksum of the texts: asks, then bids, without points and leading zeros."""
    parts = (text.replace(".", "").lstrip("0") for side in (asks, bids) for level in side for text in level)
    return zlib.crc32("".join(parts).encode())


class Client:
    """What a sequencer gives out, in order, and how often it wants what."""

    def __init__(self, **rule):
        self.out, self.renewals, self.wanted = [], 0, 0
        self.sync = BookSync(
            BTC,
            kind=lambda: "OrderBooksL1, OrderBooksL2",
            rule=BookRule(**{"snapshots": Snapshots.WIRE, **rule}),
            sinks=[self.out.append],
            report=self.out.append,
            want_snapshot=self._want,
        )
        self.sync.renew = self._renew
        self.book = self.sync.book

    def _renew(self, sync):
        assert sync is self.sync
        self.renewals += 1

    def _want(self, sync):
        self.wanted += 1

    def refresh(self, last=100, bids=BIDS, asks=ASKS, at=6, checksum=None):
        self.sync.refresh(BookSnapshot(last, bids, asks), at, checksum)
        return self

    def delta(self, last, prior, bids=(("9.5", "1"),), asks=(), at=7):
        self.sync.delta(last, last, prior, list(bids), list(asks), None, at)

    def take(self):
        out, self.out[:] = list(self.out), []
        return out

    def of(self, kind):
        return [value for value in self.out if isinstance(value, kind)]


def test_the_first_snapshot_makes_the_book_and_asks_for_nothing():
    client = Client()
    client.sync.connected(0)
    client.delta(101, 100)  # of an earlier subscription
    assert not client.out
    client.refresh()
    client.delta(105, 100)
    [snapshot, update] = client.take()
    assert isinstance(snapshot, OrderBookL2Snapshot)
    assert (update.first_update_id, update.last_update_id, update.previous_update_id) == (105, 105, 100)
    assert (client.renewals, client.wanted, client.book.synced) == (0, 0, True)


@pytest.mark.parametrize("first", ["acknowledgement", "snapshot"])
def test_the_snapshot_may_overtake_the_acknowledgement(first):
    client = Client()
    if first == "acknowledgement":
        client.sync.connected(0)
    client.refresh()
    client.sync.connected(0)
    assert client.book.synced
    assert client.book.generation == 1


def test_a_break_renews_the_stream_and_what_comes_meanwhile_is_left_out():
    client = Client().refresh()
    client.take()
    client.delta(107, 105)
    [gap] = client.take()
    assert (gap.first_missing, gap.last_missing, gap.reason) == (101, 105, "sequence")
    assert gap.kind == "OrderBooksL1, OrderBooksL2"
    assert (client.renewals, client.book.state) == (1, BookState.SYNCING)
    client.delta(108, 107)
    client.sync.connected(8)
    client.delta(109, 108)
    assert not client.out
    client.refresh(200)
    resynced, snapshot = client.take()
    assert (resynced.first_missing, resynced.last_missing) == (101, 200)
    assert snapshot.last_update_id == 200
    assert client.renewals == 1


def test_breaks_in_short_order_are_counted_so_that_they_are_mended_later_and_later():
    client = Client().refresh()
    seen = []
    for at in (0, 1, 2, 2 + CALM_NS):
        client.sync.broken(at, None, None)
        seen.append(client.sync.attempts)
        client.refresh(at=at)
    assert seen == [0, 1, 2, 0]


def test_a_new_snapshot_in_mid_stream_is_no_fault():
    client = Client().refresh()
    client.delta(101, 100)
    client.take()
    client.refresh(1, bids=[("7", "1")])  # the venue has begun to count anew
    resynced, snapshot = client.take()
    assert isinstance(resynced, Resynced)
    assert (resynced.first_missing, resynced.last_missing) == (None, None)
    assert snapshot.bids == [("7", "1")]
    assert (client.book.state, client.renewals) == (BookState.SYNCED, 0)
    client.delta(2, 1)
    assert client.of(OrderBookL2Update)
    client.take()
    client.refresh(9)
    assert (client.of(Resynced)[0].first_missing, client.of(Resynced)[0].last_missing) == (3, 9)


@pytest.mark.parametrize(("behind", "breaks"), [(0, False), (RESTART, False), (RESTART + 1, True)])
def test_a_sequence_that_begins_anew_without_a_snapshot_does_not_freeze_the_book(behind, breaks):
    client = Client().refresh(1_000_000)
    client.take()
    client.delta(1_000_000 - behind, 1_000_000 - behind - 1)
    assert bool(client.of(Gap)) is breaks
    assert client.sync.repetitions == (not breaks)


def test_numbers_may_leap_and_go_back_as_long_as_each_names_the_one_before():
    client = Client().refresh(100)
    for last, prior in ((300, 100), (300, 300), (5, 300), (6, 5)):
        client.delta(last, prior)
    assert not client.of(Gap)
    assert client.book.last_update_id == 6


def test_deltas_without_numbers_are_applied_once_there_is_a_snapshot():
    client = Client()
    client.sync.change([("9", "0")], [], 3, 4)
    assert not client.out
    client.refresh(None)
    client.sync.change([("9", "0")], [("20", "2")], 3, 4)
    update = client.take()[-1]
    assert (update.first_update_id, update.last_update_id, update.previous_update_id) == (None, None, None)
    assert client.book.texts() == ([("10", "1"), ("8", "1")], [("20", "2"), *ASKS[1:]])
    assert client.book.last_update_id is None
    client.sync.disconnected(9)
    [gap] = client.of(Gap)
    assert (gap.first_missing, gap.reason) == (None, "disconnected")
    client.refresh(None)
    assert client.of(Resynced)[0].first_missing is None


def test_what_a_whole_socket_has_lost_breaks_the_book_wherever_it_is():
    client = Client().refresh(None)
    client.sync.broken(5, 41, 42)
    [gap] = client.of(Gap)
    assert (gap.first_missing, gap.last_missing) == (41, 42)
    client.sync.broken(6, 50, 50)  # perhaps it was the snapshot
    assert (len(client.of(Gap)), client.renewals) == (1, 2)
    client.sync.disconnected(7)
    client.sync.broken(8, 60, 60)
    assert client.renewals == 2


def test_a_stream_that_begins_with_a_delta_is_seeded_over_rest():
    client = Client(snapshots=Snapshots.WIRE_OR_REST)
    client.sync.connected(0)
    client.delta(105, 100)
    client.delta(107, 105)
    assert (client.wanted, client.renewals) == (1, 0)
    assert "begin after 100" in client.sync.snapshot(BookSnapshot(99, BIDS, ASKS), client.sync.epoch, 8)
    assert client.sync.snapshot(BookSnapshot(103, BIDS, ASKS), client.sync.epoch, 8) == ""
    assert [update.last_update_id for update in client.of(OrderBookL2Update)] == [105, 107]
    client.delta(110, 109)
    assert client.renewals == 1
    client.delta(112, 110)  # of the old subscription
    assert client.wanted == 1
    client.sync.connected(9)
    client.delta(120, 118)
    assert client.wanted == 2
    client.refresh(119)  # it comes after all
    assert client.book.last_update_id == 120
    assert client.book.synced


# Cut to a depth.


def test_a_book_is_cut_after_every_update_and_what_fell_out_never_comes_back():
    client = Client(depth=2).refresh(None)
    assert client.book.texts() == (BIDS[:2], ASKS[:2])
    client.sync.change([("9.5", "1")], [], None, 1)  # 9 falls out, and no delta ever says so
    client.sync.change([("10", "0.000")], [], None, 2)
    assert client.book.texts()[0] == [("9.5", "1")]
    client.sync.change([("9", "0e-8"), ("9.0", "4")], [], None, 3)
    assert client.book.texts()[0] == [("9.5", "1"), ("9.0", "4")]


# Checksums.


def test_every_checksum_is_compared_after_the_cut_on_the_texts_as_they_came():
    client = Client(depth=3, checksum=crc, checksum_levels=2).refresh(None)
    bids, asks = [("10", "1"), ("9.50", "0.0100")], [("20", "1"), ("21", "1")]
    client.sync.change([("9.50", "0.0100")], [], None, 1, crc(bids, asks))
    assert client.book.synced
    client.sync.change([("9.5", "0.01")], [], None, 2, crc(bids, asks))  # the same number, other digits
    [gap] = client.of(Gap)
    assert (gap.reason, gap.first_missing) == ("checksum", None)
    assert len(client.of(OrderBookL2Update)) == 1
    assert client.renewals == 1
    client.take()
    client.refresh(None, bids=bids, asks=asks, checksum=crc(bids, asks))
    assert [type(value) for value in client.take()] == [Resynced, OrderBookL2Snapshot]
    assert client.book.synced


def test_a_snapshot_with_a_wrong_checksum_is_not_to_be_read():
    client = Client(checksum=crc)
    client.sync.connected(0)
    client.refresh(None, checksum=1)
    assert not client.book.synced
    assert not client.of(OrderBookL2Snapshot)
    assert client.renewals == 1
    client.refresh(None, checksum=crc(BIDS, ASKS))
    assert client.book.synced


def test_a_checksum_that_comes_alone_is_compared_too():
    client = Client(checksum=crc).refresh(7)
    client.sync.verify(crc(BIDS, ASKS), 1)
    assert client.book.synced
    client.sync.verify(5, 1)
    assert client.of(Gap)[0].reason == "checksum"
    client.sync.verify(5, 1)
    assert client.renewals == 1


def test_an_unreadable_snapshot_is_asked_for_again():
    client = Client()
    client.sync.connected(0)
    client.refresh(bids=[("x", "1")])
    assert client.of(Gap)[0].reason == "unreadable"
    assert client.renewals == 1
    client.refresh()
    assert client.book.synced


def test_a_recording_shows_deltas_whose_snapshot_it_lacks():
    client = Client()
    client.sync.keep_all = True
    client.delta(5, 4)
    client.sync.change([("1", "1")], [], None, 5)
    first, second = client.of(OrderBookL2Update)
    assert (first.last_update_id, first.best_bid, second.bids) == (5, None, [("1", "1")])
