"""OKX's books: what follows what, and what is done where it does not."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_data import DecodeFailed, Gap, OrderBookL2Snapshot, OrderBookL2Update, OrderBooksL2, Resynced
from toucan_data.exchange.okx import Okx, rest
from toucan_data.exchange.okx.book import checksum
from toucan_data.registry import frame_decoder
from toucan_instrument.errors import PayloadError

SWAP = "BTC-USDT-SWAP"


def level(price, quantity):
    return [price, quantity, "0", "1"]


def snapshot(last, bids=(("100", "1"),), asks=(("101", "1"),), of=SWAP):
    return book("snapshot", last, -1, bids, asks, of)


def update(last, prior, bids=(), asks=(), of=SWAP):
    return book("update", last, prior, bids, asks, of)


def book(action, last, prior, bids, asks, of):
    row = {
        "bids": [level(*each) for each in bids], "asks": [level(*each) for each in asks],
        "ts": "1791369351001", "checksum": 0, "seqId": last, "prevSeqId": prior,
    }  # fmt: skip
    return {"arg": {"channel": "books", "instId": of}, "action": action, "data": [row]}


@pytest.fixture
def followed(line):
    found = line([(SWAP, OrderBooksL2)], "books")
    found.ack()
    return found


def test_a_snapshot_and_what_follows_it(followed):
    events = followed.hear(
        snapshot(10), update(25, 10, [("100", "0"), ("99.50", "2")]), update(26, 25, (), [("100.5", "3")])
    )
    assert [type(event) for event in events] == [OrderBookL2Snapshot, OrderBookL2Update, OrderBookL2Update]
    mine = followed.feeds[0].book
    assert mine.texts() == ([("99.50", "2")], [("100.5", "3"), ("101", "1")])
    assert (mine.last_update_id, mine.synced) == (26, True)
    assert [event.previous_update_id for event in events[1:]] == [10, 25]
    assert not followed.told


def test_a_minute_without_a_change_and_a_new_count_are_no_gaps(followed):
    followed.hear(snapshot(1000), update(1000, 1000), update(1005, 1000))
    events = followed.hear(update(3, 1005, [("99", "1")]), update(7, 3, [("98", "1")]))
    assert [event.first_update_id for event in events] == [3, 4]
    assert followed.feeds[0].book.last_update_id == 7
    assert not followed.told


def test_a_hole_is_told_and_one_subscription_is_made_anew(line):
    found = line([(SWAP, OrderBooksL2), ("ETH-USDT", OrderBooksL2)], "books")
    found.ack()
    found.hear(snapshot(10), snapshot(10, of="ETH-USDT"))
    # All that is still on its way belongs to the old subscription: no second one is made for it.
    assert found.hear(update(30, 20), update(31, 30), update(32, 31)) == []
    [gap] = found.of(Gap)
    assert (gap.instrument.symbol, gap.first_missing, gap.last_missing) == (SWAP, 11, 20)
    assert [(r["op"], r["args"]) for r in found.requests()[1:]] == [
        ("unsubscribe", [{"channel": "books", "instId": SWAP}])
    ]
    assert not found.feeds[0].book.synced
    assert found.feeds[1].book.synced
    found.ack()
    assert found.requests()[-1]["op"] == "subscribe"
    found.ack()
    found.hear(snapshot(50), update(51, 50))
    [resynced] = found.of(Resynced)
    assert (resynced.first_missing, resynced.last_missing) == (11, 50)
    assert found.feeds[0].book.synced
    assert len(found.requests()) == 3


def test_a_repetition_costs_nothing(followed):
    followed.hear(snapshot(10), update(25, 10), update(25, 10), update(26, 25))
    assert followed.feeds[0].book.last_update_id == 26
    assert not followed.told


def test_a_snapshot_out_of_the_blue_is_a_resync_and_no_fault(followed):
    events = followed.hear(snapshot(10), snapshot(40, [("90", "1")]), update(41, 40))
    assert [type(event) for event in events] == [OrderBookL2Snapshot, OrderBookL2Snapshot, OrderBookL2Update]
    assert [type(value) for value in followed.told] == [Resynced]
    assert followed.feeds[0].book.texts()[0] == [("90", "1")]


def test_a_stream_without_a_snapshot_is_seeded_over_rest(followed):
    """As was announced for 2026: then the update that reaches over the snapshot of REST is the first."""
    assert followed.hear(update(20, 10, [("99", "7")]), update(30, 20, [("98", "8")])) == []
    [sync] = followed.asked_rest
    request = followed.venue.snapshot_request(sync.book.instrument, 1000)
    assert request.url.endswith("/api/v5/market/books?instId=BTC-USDT-SWAP&sz=400")
    row = {"bids": [level("99", "1")], "asks": [level("101", "1")], "ts": "5", "seqId": 25}
    answer = msgspec.json.encode({"code": "0", "msg": "", "data": [row]})
    assert sync.snapshot(followed.venue.decode_snapshot(answer, 1000), sync.epoch, 1) == ""
    assert sync.book.texts()[0] == [("99", "1"), ("98", "8")]
    followed.hear(update(31, 30))
    assert (sync.book.last_update_id, sync.live, followed.told) == (31, True, [])


def test_a_snapshot_of_rest_that_is_too_old_is_asked_for_again(followed):
    followed.hear(update(20, 10))
    [sync] = followed.asked_rest
    row = {"bids": [], "asks": [], "ts": "5", "seqId": 9}
    answer = msgspec.json.encode({"data": [row]})
    assert "10" in sync.snapshot(rest.decode_snapshot(answer), sync.epoch, 1)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"data":[]}', b'{"data":[{"bids":[],"asks":[],"ts":"1"}]}',
     b'{"data":[{"bids":[["1"]],"asks":[],"ts":"1","seqId":1}]}'],
)  # fmt: skip
def test_what_is_no_snapshot_of_rest(body):
    with pytest.raises(PayloadError):
        rest.decode_snapshot(body)


@pytest.mark.parametrize("bad", [("x", "1"), ("NaN", "1"), ("1", "x"), ("1", "-1"), ("1", "Infinity")])
def test_levels_that_are_none_break_the_book_and_mend(followed, bad):
    followed.hear(snapshot(10), update(11, 10, [bad]))
    [gap] = followed.of(Gap)
    assert gap.reason == "unreadable"
    followed.ack()
    followed.ack()
    followed.hear(snapshot(12))
    assert followed.feeds[0].book.synced


def test_a_book_holds_no_more_than_400_levels(followed):
    deep = [(str(1000 - i), "1") for i in range(400)]
    followed.hear(snapshot(1, deep, [("2000", "1")]), update(2, 1, [("1500", "1"), ("1501", "1")]))
    bids, _ = followed.feeds[0].book.texts()
    assert (len(bids), bids[0], bids[-1]) == (400, ("1501", "1"), ("603", "1"))


@pytest.mark.parametrize(
    ("bids", "asks", "sum_"),
    [
        ([("3366.1", "7"), ("3366", "6")], [("3366.8", "9"), ("3368", "8")], -1881014294),
        ([("3366.1", "7")], [("3366.8", "9"), ("3368", "8"), ("3372", "8")], 831078360),
    ],
)
def test_the_examples_of_the_checksum(bids, asks, sum_):
    assert checksum(bids, asks) == sum_


def test_a_checksum_is_not_looked_at_where_there_are_ids(followed):
    wrong = update(11, 10, [("99", "1")])
    wrong["data"][0]["checksum"] = 123
    followed.hear(snapshot(10), wrong)
    assert (followed.told, followed.feeds[0].book.last_update_id) == ([], 11)


def old(action, bids, asks, sum_=None):
    row = {"bids": [level(*each) for each in bids], "asks": [level(*each) for each in asks], "ts": "5"}
    return {
        "arg": {"channel": "books", "instId": SWAP}, "action": action,
        "data": [row if sum_ is None else {**row, "checksum": sum_}],
    }  # fmt: skip


def test_a_recording_without_ids_is_held_together_by_checksums():
    decoder = frame_decoder(Okx())
    good = checksum([("100", "1"), ("99", "2")], [("101", "1")])
    frames = [
        old("snapshot", [("100", "1")], [("101", "1")]),
        old("update", [("99", "2")], [], good),
        old("update", [("98", "2")], [], good),
    ]
    told = [value for each in frames for value in decoder.frame(msgspec.json.encode(each), 1)]
    assert [type(value) for value in told] == [OrderBookL2Snapshot, OrderBookL2Update, Gap]
    assert told[-1].reason == "checksum"


SIZES = st.sampled_from(["0", "1", "2.50", "0.000"])
CHANGES = st.lists(st.tuples(st.integers(1, 30).map(str), SIZES), max_size=6)


@given(steps=st.lists(st.tuples(CHANGES, st.integers(1, 9)), max_size=20))
def test_whatever_follows_is_the_sum_of_its_changes(steps):
    decoder, last = frame_decoder(Okx()), 5
    decoder.frame(msgspec.json.encode(snapshot(last, [("10", "1")], [("1000", "1")])), 1)
    wanted = {"10": "1"}
    for changes, jump in steps:
        told = decoder.frame(msgspec.json.encode(update(last + jump, last, changes)), 1)
        assert [type(value) for value in told] == [OrderBookL2Update]
        last += jump
        wanted |= dict(changes)
    bids, _ = decoder.book_of(SWAP).book.texts()
    held = {price: size for price, size in wanted.items() if float(size)}
    assert bids == sorted(held.items(), key=lambda each: -int(each[0]))


# What was recorded.


def recordings():
    root = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere", "captures", "okx")
    return sorted(root.glob("session*.jsonl.gz"))


def test_every_recorded_checksum_is_that_of_the_book():
    """All 115 of the shared recording, the snapshots' too: 3 of snapshots and 112 of updates."""
    if not recordings():
        pytest.skip("TOUCAN_CAPTURES names no folder with recordings of OKX")
    checked = Counter()
    for path in recordings():
        decoder = frame_decoder(Okx())
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            records = [json.loads(text) for text in lines]
        for record in records:
            if record["dir"] != "recv":
                continue
            for value in decoder.frame(record["frame"].encode(), record["t"]):
                assert not isinstance(value, (DecodeFailed, Gap)), value
            said = json.loads(record["frame"])
            if said.get("arg", {}).get("channel") != "books" or "data" not in said:
                continue
            for row in said["data"]:
                if row.get("checksum"):
                    texts = decoder.book_of(said["arg"]["instId"]).book.texts()
                    assert checksum(*texts) == row["checksum"]
                    checked[said["action"]] += 1
    assert sum(checked.values()) >= 115


def test_every_recorded_frame_of_a_channel_is_read():
    root = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere", "frames", "okx")
    offered = 0
    for path in sorted(root.glob("*.jsonl")):
        if path.name.startswith("rest."):
            continue
        for text in path.read_bytes().splitlines():
            decoder = frame_decoder(Okx())
            for value in decoder.frame(text, 0):
                assert not isinstance(value, (DecodeFailed, Gap)), (path.name, value)
                offered += 1
    if not root.is_dir():
        pytest.skip("TOUCAN_CAPTURES names no folder with frames of OKX")
    assert offered >= 40
