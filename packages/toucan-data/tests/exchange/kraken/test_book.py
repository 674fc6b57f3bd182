"""Spot's checksum: the official vector, live ones, what spoils it; and books that are proven by it."""

import os
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_data import Gap, OrderBooksL2, Resynced
from toucan_data.decoding import SessionDecoder
from toucan_data.exchange.kraken import KrakenSpot
from toucan_data.exchange.kraken.book import DEPTHS, digest, pair_rule
from toucan_data.testing.wires.kraken import SpotTape, listed
from toucan_instrument import Exchange
from toucan_instrument.testing.market import SeededMarket


def levels(text):
    return [tuple(level.split()) for level in text.split("|")]


OFFICIAL_ASKS = levels(
    "45285.2 0.00100000 | 45286.4 1.54571953 | 45286.6 1.54571109 | 45289.6 1.54560911 | 45290.2 0.15890660 |"
    " 45291.8 1.54553491 | 45294.7 0.04454749 | 45296.1 0.35380000 | 45297.5 0.09945542 | 45299.5 0.18772827"
)
OFFICIAL_BIDS = levels(
    "45283.5 0.10000000 | 45283.4 1.54582015 | 45282.1 0.10000000 | 45281.0 0.10000000 | 45280.3 1.54592586 |"
    " 45279.0 0.07990000 | 45277.6 0.03310103 | 45277.5 0.30000000 | 45277.3 1.54602737 | 45276.6 0.15445238"
)
LIVE_ASKS = levels(
    "81776.7 0.00050857 | 81777.1 0.00012500 | 81780.7 0.00005100 | 81781.8 0.02016285 | 81781.9 0.05474923 |"
    " 81782.0 0.18341452 | 81783.1 0.00012500 | 81783.5 0.05000000 | 81783.7 0.93145626 | 81783.8 3.05684048"
)
LIVE_BIDS = levels(
    "81776.6 0.47200852 | 81776.1 0.11790609 | 81776.0 1.84423887 | 81775.6 3.05714315 | 81774.3 3.05719335 |"
    " 81773.2 3.05723288 | 81772.7 0.00005100 | 81768.7 0.93754440 | 81768.6 3.05745897 | 81768.4 0.06320000"
)


def test_the_official_vector():
    assert digest(OFFICIAL_BIDS, OFFICIAL_ASKS) == 3310070434


def test_the_official_vector_of_the_older_protocol():
    asks = [(f"{0.05005 + 0.00005 * i:.5f}", "0.00000500") for i in range(10)]
    bids = [(f"{0.05000 - 0.00005 * i:.5f}", "0.00000500") for i in range(11) if i != 3]
    assert digest(bids, asks) == 974947235


def test_what_would_be_wrong_is_another_number():
    floats = [
        [(repr(float(p)).replace(".", ""), repr(float(q)).replace(".", "")) for p, q in side]
        for side in (OFFICIAL_ASKS, OFFICIAL_BIDS)
    ]
    joined = "".join(text.lstrip("0") for side in floats for level in side for text in level)
    assert crc32(joined.encode()) == 1604409348
    assert digest(OFFICIAL_ASKS, OFFICIAL_BIDS) == 2704419326  # bids before asks


@pytest.mark.parametrize("known", [digest, pair_rule(10).checksum], ids=["plain", "remembering"])
def test_digits_that_a_recorder_dropped_are_padded_again(known):
    def saved(side):
        return [(repr(float(price)), repr(float(quantity))) for price, quantity in side]

    assert "5.1e-05" in dict(saved(LIVE_BIDS)).values()
    for _ in range(2):
        assert known(saved(LIVE_BIDS), saved(LIVE_ASKS)) == 2459006653
        assert known(LIVE_BIDS, LIVE_ASKS) == 2459006653
        assert known(OFFICIAL_BIDS, saved(OFFICIAL_ASKS)) == 3310070434


def test_numbers_without_a_point():
    rule = pair_rule(10).checksum
    for _ in range(2):
        assert rule([("99", "5")], [("100", "70")]) == crc32(b"10070995")
        assert rule([("99", "5")], [("100", "7.5")]) == crc32(b"100759950")


def test_less_than_ten_levels_and_none():
    assert digest([], []) == pair_rule(10).checksum([], []) == 0
    assert digest([("1.0", "0.50")], []) == crc32(b"1050")


def rows(side):
    return ",".join(f'{{"price":{price},"qty":{quantity}}}' for price, quantity in side)


def frame(kind, bids, asks, checksum, symbol="BTC/USD"):
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{rows(bids)}],'
        f'"asks":[{rows(asks)}],"checksum":{checksum},"timestamp":"2026-10-09T00:34:21.904206Z"}}]}}'
    ).encode()


SNAPSHOT = frame("snapshot", LIVE_BIDS, LIVE_ASKS, 2459006653)
FIRST = frame("update", [], [("81781.9", "0.00000000"), ("81784.8", "0.00005100")], 3437785338)
SECOND = frame("update", [], [("81782.0", "0.00000000"), ("81784.9", "0.06320000")], 1758305755)
BOOK = ("BTC/USD", OrderBooksL2(depth=10))


def test_a_live_book_is_proven_frame_by_frame(spot):
    line = spot(BOOK)
    snapshot, first, second = line.hear(SNAPSHOT, FIRST, SECOND)
    book = line.feeds["book-10:BTC/USD"].book
    assert book.synced
    assert line.told == []
    assert snapshot.bids == LIVE_BIDS
    assert first.asks == [("81781.9", "0.00000000"), ("81784.8", "0.00005100")]
    assert second.best_ask_text == ("81776.7", "0.00050857")
    assert (second.first_update_id, second.last_update_id, book.last_update_id) == (None, None, None)
    assert second.time_exchange == 1791506061904206000
    assert [price for price, _ in book.texts()[1]][-1] == "81784.9"


def test_a_lost_update_is_seen_at_the_next_one_and_the_stream_asked_for_anew(spot):
    line = spot(BOOK, ("ETH/USD", OrderBooksL2(depth=10)))
    line.said()
    line.hear(SNAPSHOT, SECOND)
    [gap] = line.told
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.instrument.symbol) == ("checksum", "BTC/USD")
    line.hear(*(granted("book", symbol, depth=10) for symbol in ("BTC/USD", "ETH/USD")))
    line.wait(1)
    [leave] = line.said()
    assert leave["method"] == "unsubscribe"
    assert leave["params"] == {"channel": "book", "symbol": ["BTC/USD"], "depth": 10}
    assert line.hear(FIRST) == []  # of the old subscription: it counts no more
    line.hear(granted("book", "BTC/USD", depth=10, method="unsubscribe", number=leave["req_id"]))
    line.wait(1)
    [ask] = line.said()
    assert ask["params"] == {"channel": "book", "symbol": ["BTC/USD"], "depth": 10, "snapshot": True}
    line.hear(SNAPSHOT, FIRST)
    assert isinstance(line.told[-1], Resynced)
    assert line.feeds["book-10:BTC/USD"].book.synced
    assert len(line.told) == 2


def granted(channel, symbol, *, method="subscribe", number=1, **result):
    return {
        "method": method, "req_id": number, "success": True,
        "result": {"channel": channel, "symbol": symbol, "snapshot": True, **result},
    }  # fmt: skip


def test_a_snapshot_that_does_not_match_is_no_book(spot):
    line = spot(BOOK)
    assert line.hear(frame("snapshot", LIVE_BIDS, LIVE_ASKS, 1)) == []
    assert line.told[0].reason == "checksum"
    assert not line.feeds["book-10:BTC/USD"].book.synced


def test_a_snapshot_unasked_replaces_the_book(spot):
    line = spot(BOOK)
    line.hear(SNAPSHOT, FIRST)
    [event] = line.hear(SNAPSHOT)
    assert event.asks == LIVE_ASKS
    assert isinstance(line.told[-1], Resynced)
    assert line.feeds["book-10:BTC/USD"].book.synced


def test_levels_in_any_order_zeros_in_any_spelling_and_a_price_twice(spot):
    line = spot(BOOK)
    line.hear(frame("snapshot", LIVE_BIDS[::-1], LIVE_ASKS[::-1], 2459006653))
    twice = [("81781.9", "9.00000000"), ("81784.8", "0.00005100"), ("81781.9", "0"), ("99999.9", "0.0e0")]
    line.hear(frame("update", [], twice, 3437785338))
    assert line.told == []


def test_a_frame_without_a_checksum_is_taken(spot):
    line = spot(BOOK)
    whole = b',"checksum":2459006653,"timestamp":"2026-10-09T00:34:21.904206Z"'
    body = SNAPSHOT.replace(whole, b"")
    assert len(body) < len(SNAPSHOT)
    [event] = line.hear(body)
    assert event.time_exchange is None
    assert line.told == []


@given(seed=st.integers(0, 10**6), depth=st.sampled_from(DEPTHS), deep=st.sampled_from([3, 12, 60]))
def test_books_of_any_depth_follow_a_market(seed, depth, deep):
    instrument = listed(Exchange.KRAKEN_SPOT, "BTC/USD")
    market, tape = SeededMarket([instrument], seed=seed, levels=deep), SpotTape()
    decoder = SessionDecoder(KrakenSpot())
    names, now = {f"book-{depth}:BTC/USD"}, market.now_ns
    result = msgspec.json.encode(granted("book", "BTC/USD", depth=depth))
    decoder.frame(result, 0)
    for payload in tape.opening("book", depth, "BTC/USD", market):
        decoder.frame(msgspec.json.encode(payload), 0)
    for _ in range(20):
        now += 10**8
        for tick in market.step(now):
            for _, payload in tape.frames(tick, names, market):
                decoder.frame(msgspec.json.encode(payload), now)
    sync = decoder.book_of("BTC/USD")
    assert sync.live
    assert decoder.counts.gaps == decoder.counts.failures == 0
    picture = market.book("BTC/USD", depth)
    assert [(level.price, level.quantity) for level in sync.book.bids()] == list(picture.bids)
    assert [(level.price, level.quantity) for level in sync.book.asks()] == list(picture.asks)


def test_every_recorded_checksum_matches():
    folder = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere", "frames", "kraken")
    files = sorted(folder.glob("book.session*.jsonl"))
    if not files:
        pytest.skip("TOUCAN_CAPTURES names no folder with recorded books")
    for file in files:
        decoder = SessionDecoder(KrakenSpot())
        checked = began = 0
        for line in file.read_bytes().splitlines():
            [row] = msgspec.json.decode(line)["data"]
            assert not any(isinstance(value, Gap) for value in decoder.frame(line, 0))
            sync = decoder.book_of(row["symbol"])
            began += began > 0 or b'"snapshot"' in line
            if sync.live:
                assert digest(*sync.book.texts(10)) == row["checksum"]
                checked += 1
        assert checked == began
