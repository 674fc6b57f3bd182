"""A book and its venue, with everything between them that can go wrong: at the end they are equal."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, strategies as st

from toucan_data.book import BookState
from toucan_data.events import OrderBookL2Snapshot, OrderBookL2Update
from toucan_data.exchange.binance import BinanceSpot
from toucan_data.sequencer import BookRule, BookSnapshot, BookSync
from toucan_data.status import Gap, Resynced

INSTRUMENT = BinanceSpot().unchecked("BTCUSDT")


class Server:
    """A venue's book, its deltas, and its snapshots of any age."""

    def __init__(self, rng, *, futures):
        self.rng, self.futures = rng, futures
        self.bids = {Decimal(100 - i): Decimal(1) for i in range(5)}
        self.asks = {Decimal(101 + i): Decimal(1) for i in range(5)}
        self.last = 1_000
        self.history = [self.picture()]

    def picture(self):
        texts = [
            [(str(p), str(q)) for p, q in sorted(side.items(), reverse=reverse)]
            for side, reverse in ((self.bids, True), (self.asks, False))
        ]
        return BookSnapshot(self.last, *texts, None, None)

    def step(self):
        """Change something, and return the delta of it."""
        rng = self.rng
        changes = []
        for side, prices in ((self.bids, range(90, 101)), (self.asks, range(101, 112))):
            part = []
            for price in rng.sample(prices, rng.randint(0, 2)):
                quantity = Decimal(rng.randint(0, 3))
                side.pop(Decimal(price), None)
                if quantity:
                    side[Decimal(price)] = quantity
                part.append((str(price), str(quantity)))
            changes.append(part)
        previous = self.last
        first = previous + 1 + (rng.randint(0, 3) if self.futures else 0)
        self.last = first + rng.randint(0, 2)
        self.history.append(self.picture())
        return (first, self.last, previous if self.futures else None, *changes, None, self.last)


class Client:
    """What the sequencer says and wants."""

    def __init__(self, *, futures):
        self.out = []
        self.wanted = 0
        self.sync = BookSync(
            INSTRUMENT,
            kind="OrderBooksL2",
            rule=BookRule(drop_equal=not futures),
            sinks=[self.out.append],
            report=self.out.append,
            want_snapshot=self._want,
        )

    def _want(self, sync):
        del sync
        self.wanted += 1

    def of(self, kind):
        return [value for value in self.out if isinstance(value, kind)]


@pytest.mark.parametrize("futures", [False, True])
@given(seed=st.integers(0, 2**32))
def test_in_the_end_the_books_are_equal_and_no_wrong_one_was_readable(futures, seed):
    rng = Random(seed)
    server, client = Server(rng, futures=futures), Client(futures=futures)
    sync = client.sync
    sync.connected(0)
    at = {picture.last_update_id: picture for picture in server.history}
    held = []
    for _ in range(rng.randint(5, 60)):
        delta = server.step()
        at[server.last] = server.history[-1]
        fate = rng.random()
        if fate < 0.08:
            continue  # lost
        if fate < 0.16:
            held.append(delta)  # late
            continue
        sync.delta(*delta)
        if fate < 0.24:
            sync.delta(*delta)  # twice
        while held and rng.random() < 0.7:
            sync.delta(*held.pop())
        if fate > 0.95:
            sync.disconnected(1)
            held.clear()
            sync.connected(1)
        if sync.waiting and rng.random() < 0.5:
            age = rng.choice([1, 1, 1, 2, 3, 8])
            if sync.snapshot(server.history[-min(age, len(server.history))], sync.epoch, 1):
                sync.failed("too old", 0, 1)
        book = sync.book
        if book.synced and not held:
            known = at[book.last_update_id]
            assert book.texts() == (known.bids, known.asks)
    sync.disconnected(1)
    sync.connected(1)
    assert sync.snapshot(server.history[-1], sync.epoch, 1) == ""
    sync.delta(*server.step())
    assert sync.book.state is BookState.SYNCED
    assert sync.book.texts() == (server.history[-1].bids, server.history[-1].asks)


@given(seed=st.integers(0, 2**32))
def test_what_is_not_delivered_is_told(seed):
    """Between two snapshots every id is in an update, or in a gap that was told."""
    rng = Random(seed)
    server, client = Server(rng, futures=False), Client(futures=False)
    client.sync.connected(0)
    start = server.last
    assert client.sync.snapshot(server.history[-1], client.sync.epoch, 0) == ""
    for _ in range(40):
        delta = server.step()
        if rng.random() < 0.1:
            continue
        client.sync.delta(*delta)
        if client.sync.waiting:
            client.sync.snapshot(server.history[-1], client.sync.epoch, 0)
    covered = set()
    for value in client.out:
        if isinstance(value, OrderBookL2Update):
            covered.update(range(value.first_update_id, value.last_update_id + 1))
        elif isinstance(value, Resynced) and value.first_missing is not None:
            covered.update(range(value.first_missing, value.last_missing + 1))
    end = client.sync.book.last_update_id
    assert covered == set(range(start + 1, end + 1))


def spot():
    client = Client(futures=False)
    client.sync.connected(0)
    return client


def delta(first, last, previous=None):
    return (first, last, previous, [("1", "1")], [], None, 5)


def snapshot(last):
    return BookSnapshot(last, [("1", "2")], [("9", "2")], None, None)


def test_the_vectors_of_spot():
    """Facts B.2: 90-95 is dropped, 96-101 is the first, 102-105 follows, 107-108 leaves 106 out."""
    client = spot()
    for one in ((90, 95), (96, 101), (102, 105)):
        client.sync.delta(*delta(*one))
    assert client.sync.snapshot(snapshot(100), client.sync.epoch, 0) == ""
    assert [u.first_update_id for u in client.of(OrderBookL2Update)] == [96, 102]
    client.sync.delta(*delta(107, 108))
    [gap] = client.of(Gap)
    assert (gap.first_missing, gap.last_missing, gap.reason) == (106, 106, "sequence")
    assert not client.sync.book.synced


def test_a_snapshot_older_than_the_deltas_is_asked_for_again():
    client = spot()
    client.sync.delta(*delta(102, 105))
    assert "begin after 101" in client.sync.snapshot(snapshot(100), client.sync.epoch, 0)
    assert client.sync.snapshot(snapshot(101), client.sync.epoch, 0) == ""
    assert client.sync.book.last_update_id == 105


def test_the_vectors_of_the_futures():
    """Facts B.2: ids leave out what is not this stream's; `pu` alone says what follows what."""
    client = Client(futures=True)
    client.sync.connected(0)
    for one in ((980, 990, 975), (995, 1004, 990), (1010, 1020, 1004)):
        client.sync.delta(*delta(*one))
    assert client.sync.snapshot(snapshot(1000), client.sync.epoch, 0) == ""
    assert [u.last_update_id for u in client.of(OrderBookL2Update)] == [1004, 1020]
    client.sync.delta(*delta(1030, 1040, 1025))
    [gap] = client.of(Gap)
    assert (gap.first_missing, gap.last_missing) == (1021, 1025)


def test_a_repetition_is_harmless_and_a_snapshot_of_another_epoch_is_no_use():
    client = spot()
    epoch = client.sync.epoch
    client.sync.snapshot(snapshot(100), epoch, 0)
    client.sync.delta(*delta(101, 102))
    client.sync.delta(*delta(101, 102))
    assert client.sync.repetitions == 1
    client.sync.disconnected(1)
    client.sync.connected(2)
    assert client.sync.snapshot(snapshot(200), epoch, 3) == "overtaken"
    assert client.sync.snapshot(snapshot(200), client.sync.epoch, 3) == ""
    kinds = [type(value) for value in client.out]
    assert kinds == [OrderBookL2Snapshot, OrderBookL2Update, Gap, Resynced, OrderBookL2Snapshot]


@pytest.mark.parametrize("bad", [("x", "1"), ("NaN", "1"), ("5", "y")])
def test_a_delta_that_cannot_be_read_breaks_one_book_and_nothing_else(bad):
    client = spot()
    client.sync.snapshot(snapshot(100), client.sync.epoch, 0)
    client.sync.delta(101, 101, None, [bad], [], None, 1)
    [gap] = client.of(Gap)
    assert gap.reason == "unreadable"
    assert client.sync.waiting


def test_a_crossed_book_is_resynchronised_once_and_then_left():
    client = spot()
    client.sync.snapshot(snapshot(100), client.sync.epoch, 0)
    client.sync.delta(101, 101, None, [("10", "1")], [], None, 1)
    assert client.of(Gap)[0].reason == "crossed book"
    client.sync.snapshot(snapshot(101), client.sync.epoch, 2)
    client.sync.delta(102, 102, None, [("10", "1")], [], None, 3)
    assert client.sync.book.synced
    assert client.sync.book.crossed()
