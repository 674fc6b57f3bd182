"""A book and its snapshots and deltas: the rules of each market, one case at a time, and all at random.

The vectors of facts B.2 and a first pair of properties stand in ``properties/test_sequencing.py``.
"""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, strategies as st

from toucan_data import BinanceFuturesUsd, BinanceSpot, BookState, OrderBooksL2, StaleBook
from toucan_data.events import OrderBookL2Snapshot, OrderBookL2Update
from toucan_data.sequencer import BUFFER_LIMIT, CROSSED_AGAIN_NS, BookRule, BookSnapshot, BookSync
from toucan_data.status import Gap, Resynced, SnapshotFailed

BTC = BinanceSpot().unchecked("BTCUSDT")
BIDS, ASKS = [("10", "1")], [("20", "1")]


class Client:
    """What a sequencer gives out, in order, and how often it wants a snapshot."""

    def __init__(self, *, futures=False, instrument=BTC):
        self.out, self.wanted, self.states = [], 0, []
        self.sync = BookSync(
            instrument,
            kind="OrderBooksL2",
            rule=BookRule(drop_equal=not futures),
            sinks=[self.out.append],
            report=self.out.append,
            want_snapshot=self._want,
        )
        self.book = self.sync.book
        self.sync.watchers.append(lambda book: self.states.append(book.state))

    def _want(self, sync):
        assert sync is self.sync
        self.wanted += 1

    def delta(self, first, last, previous=None, bids=(("9", "1"),), asks=(), at=5):
        self.sync.delta(first, last, previous, list(bids), list(asks), 10 * last, at)

    def snapshot(self, last, bids=BIDS, asks=ASKS, epoch=None, limit=None):
        found = BookSnapshot(last, bids, asks, None, limit)
        return self.sync.snapshot(found, self.sync.epoch if epoch is None else epoch, 6)

    def live(self, last=100):
        self.sync.connected(0)
        assert self.snapshot(last) == ""
        return self

    def take(self):
        out, self.out[:] = list(self.out), []
        return out

    def updates(self):
        return [(u.first_update_id, u.last_update_id) for u in self.out if isinstance(u, OrderBookL2Update)]

    def of(self, kind):
        return [value for value in self.out if isinstance(value, kind)]


# Coming into step.


def test_a_book_asks_for_its_snapshot_once_and_is_not_to_be_read_before():
    client = Client()
    assert client.book.state is BookState.SYNCING
    assert client.wanted == 0
    client.sync.connected(0)
    client.sync.connected(1)
    assert client.wanted == 1
    client.delta(101, 102)
    with pytest.raises(StaleBook):
        client.book.best_bid()
    assert not client.out
    assert client.snapshot(100) == ""
    snapshot, update = client.take()
    assert (snapshot.last_update_id, snapshot.bids, snapshot.asks) == (100, BIDS, ASKS)
    assert (update.first_update_id, update.last_update_id, update.previous_update_id) == (101, 102, None)
    assert (update.time_exchange, update.time_received) == (1020, 5)
    assert (update.best_bid_text, update.best_ask_text) == (("10", "1"), ("20", "1"))
    assert client.book.last_update_id == 102
    assert client.states[-2:] == [BookState.SYNCED, BookState.SYNCED]


def test_frames_may_overtake_the_acknowledgement():
    client = Client()
    client.delta(101, 102)
    assert client.wanted == 1
    client.sync.connected(0)
    assert client.wanted == 1
    assert client.snapshot(101) == ""
    assert client.book.last_update_id == 102


@pytest.mark.parametrize(
    ("futures", "last", "previous", "applied"),
    [
        (False, 99, None, False),  # wholly before the snapshot
        (False, 100, None, False),  # spot drops what ends at the snapshot's own id ...
        (False, 101, None, True),
        (True, 99, 90, False),
        (True, 100, 95, True),  # ... the futures apply it
        (True, 104, 95, True),
        (True, 104, 100, True),  # the snapshot stands between two deltas: nothing is missing
    ],
)
@pytest.mark.parametrize("buffered", [True, False])
def test_the_first_delta_reaches_over_the_snapshot(futures, last, previous, applied, buffered):
    client = Client(futures=futures)
    client.sync.connected(0)
    first = last - 3 if previous is None else previous + 2
    if buffered:
        client.delta(first, last, previous)
    assert client.snapshot(100) == ""
    if not buffered:
        client.delta(first, last, previous)
    assert client.updates() == ([(first, last)] if applied else [])
    assert not client.of(Gap)
    assert client.book.synced


@pytest.mark.parametrize(("futures", "previous"), [(False, None), (True, 101)])
def test_a_snapshot_that_is_too_old_is_refused_and_what_is_buffered_kept(futures, previous):
    client = Client(futures=futures)
    client.sync.connected(0)
    client.delta(102, 105, previous)
    client.delta(106, 107, 105 if futures else None)
    trouble = client.snapshot(100)
    assert "100" in trouble
    assert "101" in trouble
    assert not client.book.synced
    client.sync.failed(trouble, 5, 9)
    [failed] = client.take()
    assert isinstance(failed, SnapshotFailed)
    assert (failed.instrument, failed.reason, failed.delay_ns, failed.at_ns) == (BTC, trouble, 5, 9)
    assert client.sync.attempts == 1
    assert client.snapshot(103) == ""
    assert client.updates() == [(102, 105), (106, 107)]
    assert client.sync.attempts == 0


def test_a_hole_in_what_was_buffered_is_found():
    client = Client()
    client.sync.connected(0)
    client.delta(101, 102)
    client.delta(105, 106)
    assert client.snapshot(100) == ""
    [gap] = client.of(Gap)
    assert (gap.first_missing, gap.last_missing, gap.reason) == (103, 104, "sequence")
    assert client.sync.waiting
    assert client.wanted == 2
    assert client.snapshot(104) == ""
    assert client.updates() == [(101, 102), (105, 106)]
    [resynced] = client.of(Resynced)
    assert (resynced.first_missing, resynced.last_missing) == (103, 104)


def test_a_first_id_of_zero_is_not_taken_for_the_next_one():
    """What follows id -1 follows nothing while the book is not in step."""
    for futures, first, previous in ((False, 0, None), (True, 5, -1)):
        client = Client(futures=futures)
        client.sync.connected(0)
        client.delta(first, 7, previous)
        client.delta(8, 9, 7 if futures else None)
        assert not client.out
        assert client.book.last_update_id is None
        assert client.snapshot(7) == ""
        assert client.updates()[-1] == (8, 9)
        assert not client.of(Gap)


def test_what_is_buffered_is_bounded():
    client = Client()
    client.sync.connected(0)
    for number in range(BUFFER_LIMIT + 10):
        client.delta(number + 1, number + 1)
    assert len(client.sync._buffer) <= BUFFER_LIMIT
    assert client.snapshot(1) != ""
    assert client.snapshot(BUFFER_LIMIT) == ""
    assert client.book.last_update_id == BUFFER_LIMIT + 10


# In step.


@pytest.mark.parametrize("futures", [False, True])
def test_repetitions_and_old_deltas_change_nothing(futures):
    client = Client(futures=futures).live()
    rows = [(101, 103, 100), (104, 104, 103), (105, 109, 104)]
    deltas = [row if futures else (*row[:2], None) for row in rows]
    for one in deltas:
        client.delta(*one)
    before = client.book.texts(), client.updates()
    for one in deltas:
        client.delta(*one, bids=[("1", "77")])
    assert (client.book.texts(), client.updates()) == before
    assert client.sync.repetitions == 3
    assert not client.of(Gap)


def test_futures_follow_the_previous_id_alone():
    client = Client(futures=True).live(1000)
    client.delta(995, 1004, 990)
    client.delta(1010, 1020, 1004)
    assert client.updates() == [(995, 1004), (1010, 1020)]
    client.delta(1021, 1030, 1019)  # the numbers fit, what it follows does not
    [gap] = client.of(Gap)
    assert (gap.first_missing, gap.last_missing, gap.reason) == (None, None, "sequence")


@pytest.mark.parametrize(
    ("futures", "late", "missing"),
    [
        (False, (107, 108, None), (101, 106)),
        (False, (102, 102, None), (101, 101)),
        (False, (99, 104, None), (None, None)),  # it overlaps what is held: what is missing is not known
        (True, (130, 140, 125), (101, 125)),
        (True, (98, 104, 97), (None, None)),
    ],
)
def test_a_break_says_what_is_missing_as_far_as_it_is_known(futures, late, missing):
    client = Client(futures=futures).live(99)
    client.delta(100, 100, 99 if futures else None)
    client.take()
    client.delta(*late, at=44)
    [gap] = client.take()
    assert isinstance(gap, Gap)
    assert (gap.first_missing, gap.last_missing, gap.reason, gap.at_ns) == (*missing, "sequence", 44)
    assert gap.instrument is BTC
    assert (client.wanted, client.book.state) == (2, BookState.SYNCING)
    assert client.snapshot(late[1] + 5) == ""
    resynced, snapshot = client.take()
    assert (resynced.first_missing, resynced.last_missing) == (101, late[1] + 5)
    assert isinstance(snapshot, OrderBookL2Snapshot)


def test_after_a_break_the_delta_that_showed_it_is_kept():
    client = Client().live()
    client.delta(105, 108)
    assert client.snapshot(105) == ""
    assert client.updates() == [(105, 108)]
    assert client.book.last_update_id == 108


def test_an_older_snapshot_after_a_break_leaves_nothing_out():
    """A cache of the venue answers with what is older than the book was: the deltas since are there."""
    client = Client().live()
    client.delta(101, 105)
    client.delta(108, 109)  # 106-107 are missing
    client.take()
    assert client.snapshot(104) != ""
    assert client.snapshot(107) == ""
    resynced = client.of(Resynced)[0]
    assert (resynced.first_missing, resynced.last_missing) == (106, 107)
    assert client.updates() == [(108, 109)]


@pytest.mark.parametrize("side", ["bids", "asks"])
@pytest.mark.parametrize(
    "bad", [("x", "1"), ("NaN", "1"), ("15", "y"), ("15", "NaN"), ("15", "-1"), ("inf", "0")]
)
def test_a_delta_that_cannot_be_read_costs_one_resync_and_no_reader(side, bad):
    client = Client().live()
    seen = []
    client.sync.watchers.append(lambda book: seen.append(book.texts(allow_stale=True)))
    client.take()
    client.delta(101, 103, **{"bids": [], side: [bad]})
    [gap] = client.take()
    assert (gap.reason, gap.first_missing, gap.last_missing) == ("unreadable", 101, 103)
    assert client.book.state is BookState.SYNCING
    assert seen == [([], [])]  # whoever asks for a stale book gets no error, and no garbage
    assert "none" in repr(client.book)
    assert client.snapshot(103) == ""
    client.delta(104, 104)
    assert client.book.synced
    assert client.updates() == [(104, 104)]


@pytest.mark.parametrize("bids", [[("x", "1")], [("1", "NaN")], [("1", "y")]])
def test_a_snapshot_that_cannot_be_read_is_of_no_use(bids):
    client = Client()
    client.sync.connected(0)
    client.delta(101, 101)
    assert "cannot be read" in client.snapshot(100, bids=bids)
    assert not client.out
    assert client.snapshot(100) == ""
    assert client.updates() == [(101, 101)]


# Connections.


def test_a_book_whose_connection_is_gone_says_from_where_on_it_is_blind():
    client = Client().live()
    client.delta(101, 102)
    client.take()
    client.sync.disconnected(50)
    client.sync.disconnected(51)
    [gap] = client.take()
    assert (gap.first_missing, gap.last_missing, gap.reason, gap.at_ns) == (103, None, "disconnected", 50)
    assert client.book.state is BookState.DISCONNECTED
    assert client.book.best_bid(allow_stale=True).price == 10
    client.sync.connected(60)
    assert client.book.state is BookState.SYNCING
    client.delta(151, 152)
    assert client.snapshot(150) == ""
    resynced, snapshot, update = client.take()
    assert (resynced.first_missing, resynced.last_missing) == (103, 150)
    assert (snapshot.last_update_id, update.first_update_id) == (150, 151)
    assert client.book.generation == 2


def test_nothing_was_lost_if_nothing_happened_meanwhile():
    client = Client().live()
    client.sync.disconnected(50)
    client.sync.connected(60)
    client.take()
    assert client.snapshot(100) == ""
    resynced = client.of(Resynced)[0]
    assert (resynced.first_missing, resynced.last_missing) == (None, None)


def test_a_connection_that_is_lost_before_the_first_snapshot_is_no_gap():
    client = Client()
    client.sync.connected(0)
    client.delta(101, 101)
    client.sync.disconnected(1)
    client.sync.connected(2)
    client.delta(201, 201)
    assert client.snapshot(200) == ""
    assert [type(value) for value in client.out] == [OrderBookL2Snapshot, OrderBookL2Update]
    assert client.updates() == [(201, 201)]


def test_a_late_snapshot_belongs_to_its_own_epoch():
    client = Client()
    client.sync.connected(0)
    early = client.sync.epoch
    client.sync.disconnected(1)
    assert client.snapshot(100, epoch=early) == ""  # nobody waits for it
    assert not client.book.synced
    client.sync.connected(2)
    assert client.snapshot(100, epoch=early) == "overtaken"
    assert client.snapshot(100) == ""
    client.take()
    assert client.snapshot(500) == ""  # asked for twice, and the first one came
    assert not client.out
    assert client.book.last_update_id == 100


def test_a_snapshot_asked_for_before_a_break_is_no_answer_to_it():
    client = Client().live()
    early = client.sync.epoch
    client.delta(105, 106)
    assert client.snapshot(104, epoch=early) == "overtaken"
    assert client.snapshot(104) == ""


# Crossed books.


def test_a_crossed_book_is_resynchronised_and_what_crossed_it_counts_as_missing():
    client = Client().live()
    client.delta(101, 103, bids=[("20", "1")], at=1)
    [gap] = client.of(Gap)
    assert (gap.reason, gap.first_missing, gap.last_missing) == ("crossed book", None, None)
    assert not client.updates()
    assert client.snapshot(105) == ""
    [resynced] = client.of(Resynced)
    assert (resynced.first_missing, resynced.last_missing) == (101, 105)


@pytest.mark.parametrize(("later", "again"), [(CROSSED_AGAIN_NS - 1, False), (CROSSED_AGAIN_NS, True)])
def test_a_book_that_is_crossed_again_soon_is_the_venues_own(later, again):
    client = Client().live()
    client.delta(101, 101, bids=[("20", "1")], at=1)
    client.snapshot(101)
    client.delta(102, 102, bids=[("21", "1")], at=1 + later)
    assert client.book.synced is not again
    if not again:
        assert client.book.crossed()
        assert client.updates() == [(102, 102)]


# More than one book, and nobody who reads.


def test_one_books_break_leaves_the_others_alone():
    btc, eth = Client().live(), Client(instrument=BinanceSpot().unchecked("ETHUSDT")).live()
    btc.delta(150, 151)
    eth.delta(101, 101)
    assert not btc.book.synced
    assert eth.book.synced
    assert eth.wanted == 1
    assert not eth.of(Gap)


def test_a_book_is_kept_for_nobody():
    client = Client()
    client.sync.sinks.clear()
    client.live()
    client.delta(101, 101, bids=[("11", "2")])
    assert client.book.best_bid().price == 11
    assert not client.out
    client.sync.sinks.append(client.out.append)  # a reader comes
    client.delta(102, 102)
    assert client.updates() == [(102, 102)]


# At random.


class Server:
    """A venue's book: deltas in its numbering, pictures of every state that it has been in."""

    def __init__(self, rng, *, futures):
        self.rng, self.futures, self.last = rng, futures, rng.choice([0, 1, 1_000])
        self.sides = ({Decimal(50 - i): "1" for i in range(4)}, {Decimal(51 + i): "1" for i in range(4)})
        self.pictures = {self.last: self._picture()}

    def _picture(self):
        bids, asks = self.sides
        return (
            [(str(price), bids[price]) for price in sorted(bids, reverse=True)],
            [(str(price), asks[price]) for price in sorted(asks)],
        )

    def step(self):
        rng, changes = self.rng, ([], [])
        for side, out, prices in zip(self.sides, changes, (range(40, 51), range(51, 62)), strict=True):
            for price in rng.sample(prices, rng.randint(0, 3)):
                quantity = rng.choice(["0", "0.00", "1", "2.50", "0.00000001"])
                side.pop(Decimal(price), None)
                if Decimal(quantity):
                    side[Decimal(price)] = quantity
                out.append((str(price), quantity))
        previous = self.last
        first = previous + 1 + (rng.randint(0, 4) if self.futures else 0)
        self.last = first + rng.randint(0, 3)
        self.pictures[self.last] = self._picture()
        return (first, self.last, previous if self.futures else None, *changes, None, self.last)

    def snapshot(self, age):
        last = sorted(self.pictures)[-min(age, len(self.pictures))]
        return BookSnapshot(last, *self.pictures[last], None, None)


def told(out, end):
    """Return every id that came in an update or was told to be missing."""
    ids = set()
    for value in out:
        if isinstance(value, OrderBookL2Update):
            previous = value.previous_update_id
            ids.update(
                range(value.first_update_id if previous is None else previous + 1, value.last_update_id + 1)
            )
        elif isinstance(value, (Gap, Resynced)) and value.first_missing is not None:
            last = value.last_missing
            ids.update(
                range(value.first_missing, (end if last is None and value is out[-1] else last or 0) + 1)
            )
    return ids


@pytest.mark.parametrize("futures", [False, True], ids=["spot", "futures"])
@given(seed=st.integers(0, 2**32), trouble=st.floats(0, 0.4))
def test_whatever_happens_on_the_way(futures, seed, trouble):
    """Losses, repetitions, delays, lost connections, snapshots of any age.

    A book in step is never wrong; what is neither delivered nor told does not exist; an update never comes
    between a `Gap` and its `Resynced`; and once the trouble ends the book is the venue's.
    """
    rng = Random(seed)
    server, client = Server(rng, futures=futures), Client(futures=futures)
    sync, book = client.sync, client.book
    sync.connected(0)
    start, late = None, []

    def check():
        nonlocal start
        if book.synced:
            start = book.last_update_id if start is None else start
            assert book.texts() == server.pictures[book.last_update_id]

    def offer(age):
        if sync.waiting and (trouble := sync.snapshot(server.snapshot(age), sync.epoch, 1)):
            sync.failed(trouble, 0, 1)
        check()

    for _ in range(rng.randint(1, 60)):
        delta = server.step()
        fate = rng.random()
        if fate < trouble / 3:
            pass  # lost
        elif fate < trouble * 2 / 3:
            late.append(delta)
        else:
            sync.delta(*delta)
            if fate < trouble:
                sync.delta(*delta)
        check()
        if late and rng.random() < 0.5:
            sync.delta(*late.pop(rng.randrange(len(late))))
            check()
        if rng.random() < trouble / 10:
            sync.disconnected(1)
            assert not book.synced
            sync.connected(1)
        if rng.random() < 0.5:
            offer(rng.choice([1, 1, 2, 3, 10]))
    sync.delta(*server.step())
    while sync.waiting:  # the trouble is over
        offer(1)
    sync.delta(*server.step())
    while sync.waiting:
        offer(1)
    assert book.synced
    assert book.last_update_id == server.last
    assert book.texts() == server.pictures[server.last]
    if start is not None:
        snapshots = [value for value in client.out if isinstance(value, OrderBookL2Snapshot)]
        first = snapshots[0].last_update_id
        missing = set(range(first + 1, server.last + 1)) - told(client.out, server.last)
        assert not missing
    blind = False
    for value in client.out:
        if isinstance(value, Gap):
            blind = True
        elif isinstance(value, Resynced):
            assert blind
            blind = False
        elif isinstance(value, OrderBookL2Update):
            assert not blind


@given(seed=st.integers(0, 2**32))
def test_updates_and_snapshots_alone_give_the_same_book(seed):
    """What a reader of the events builds is what the book shows."""
    rng = Random(seed)
    server, client = Server(rng, futures=True), Client(futures=True)
    client.sync.connected(0)
    for _ in range(30):
        delta = server.step()
        if rng.random() > 0.1:
            client.sync.delta(*delta)
        if client.sync.waiting and rng.random() < 0.7:
            client.sync.snapshot(server.snapshot(rng.choice([1, 2])), client.sync.epoch, 1)
    mine = ({}, {})
    top = (None, None)
    for value in client.out:
        if isinstance(value, OrderBookL2Snapshot):
            mine = tuple({level.price: level.quantity for level in side} for side in
                         (value.bid_levels(), value.ask_levels()))  # fmt: skip
        elif isinstance(value, OrderBookL2Update):
            for side, levels in zip(mine, (value.bid_levels(), value.ask_levels()), strict=True):
                for level in levels:
                    side.pop(level.price, None)
                    if level.quantity:
                        side[level.price] = level.quantity
            top = (value.best_bid, value.best_ask)
            assert (top[0].price if top[0] else None) == max(mine[0], default=None)
            assert (top[1].price if top[1] else None) == min(mine[1], default=None)
    for side, levels in zip(mine, (client.book.bids(allow_stale=True), client.book.asks(allow_stale=True)),
                            strict=True):  # fmt: skip
        assert {level.price: level.quantity for level in levels} == side


def test_the_rules_of_a_market_are_the_markets(tap):
    """Which rule holds is wired by the venue: spot drops what ends at the snapshot, the futures do not."""
    for venue, drops in ((BinanceSpot(), True), (BinanceFuturesUsd(), False)):
        assert tap(venue, "BTCUSDT", OrderBooksL2).feed.sync.rule.drop_equal is drops
