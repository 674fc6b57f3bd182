"""Everything of Kraken's that was recorded, through the session that a live connection has."""

import os
from pathlib import Path

import msgspec
import pytest

from toucan_data import DecodeFailed, Gap
from toucan_data.decoding import Outcome, SessionDecoder
from toucan_data.exchange.kraken import KrakenFutures, KrakenSpot
from toucan_instrument.console.captures import expand, read

ROOT = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere")
RECORDED = pytest.mark.skipif(
    not (ROOT / "frames" / "kraken").is_dir(), reason="TOUCAN_CAPTURES names no folder with recordings"
)
FOLDERS = [(KrakenSpot(), "kraken"), (KrakenFutures(), "kraken-futures")]
MARKET_DATA = ("book", "trade", "ticker", "ohlc")
PRIVATE = ("balances", "executions", "level3", "fills", "open_orders", "open_positions")


@RECORDED
@pytest.mark.parametrize(("venue", "folder"), FOLDERS, ids=str)
def test_every_single_frame(venue, folder):
    seen = set()
    for path in sorted((ROOT / "frames" / folder).glob("*.jsonl")):
        if path.name.startswith("rest."):
            continue
        decoder = SessionDecoder(venue)
        for line in path.read_bytes().splitlines():
            assert not any(isinstance(value, DecodeFailed) for value in decoder.frame(line, 0)), path.name
        counts = decoder.counts
        wanted = 0 if path.name.startswith(MARKET_DATA) else counts.frames
        assert counts.control + counts.not_offered == wanted, path.name
        if path.name.startswith(PRIVATE):
            assert counts.not_offered == counts.frames
        seen.add(path.name.partition(".")[0])
    assert {"book", "trade", "ticker"} <= seen


@RECORDED
def test_a_recorded_connection_of_the_futures():
    decoder, books = SessionDecoder(KrakenFutures()), {}
    files = [(str(path), path.open("rb")) for path in expand([ROOT / "captures" / "kraken-futures"])]
    try:
        for item in read(files):
            if item.url is not None:
                continue
            values = decoder.frame(item.frame, item.time_received)
            assert not any(isinstance(value, (DecodeFailed, Gap)) for value in values)
            body = msgspec.json.decode(item.frame)
            _follow(books, body)
    finally:
        for _, file in files:
            file.close()
    counts = decoder.counts
    assert (counts.failures, counts.gaps) == (0, 0)
    assert counts.events["OrderBookL2Update"] > 0
    for symbol, (bids, asks) in books.items():
        book = decoder.book_of(symbol).book
        assert book.synced
        assert not book.crossed()
        held = [
            {float(level.price): float(level.quantity) for level in side}
            for side in (book.bids(), book.asks())
        ]
        assert held == [bids, asks]


def _follow(books, body):
    """Keep the same book in the plainest way."""
    if body.get("feed") == "book_snapshot":
        books[body["product_id"]] = [
            {level["price"]: level["qty"] for level in body[side] if level["qty"]}
            for side in ("bids", "asks")
        ]
    elif body.get("feed") == "book" and "event" not in body:
        if body["product_id"] not in books:  # a recording that begins in the middle
            return
        side = books[body["product_id"]][body["side"] == "sell"]
        if body["qty"]:
            side[body["price"]] = body["qty"]
        else:
            side.pop(body["price"], None)


def test_the_depth_of_a_recorded_book_is_that_of_the_answer():
    decoder = SessionDecoder(KrakenSpot())
    result = {"channel": "book", "depth": 100, "snapshot": True, "symbol": "BTC/USD"}
    assert (
        decoder.frame(msgspec.json.encode({"method": "subscribe", "result": result, "success": True}), 0)
        == []
    )
    row = {"symbol": "BTC/USD", "bids": [{"price": 1.5, "qty": 2.5}], "asks": []}
    decoder.frame(msgspec.json.encode({"channel": "book", "type": "snapshot", "data": [row]}), 0)
    assert decoder.book_of("BTC/USD").rule.depth == 100


@pytest.mark.parametrize(("levels", "depth"), [(1, 10), (10, 10), (11, 25), (600, 1000), (1200, 1000)])
def test_without_an_answer_it_is_the_least_that_holds_the_snapshot(levels, depth):
    decoder = SessionDecoder(KrakenSpot())
    row = {"symbol": "BTC/USD", "asks": [], "bids": [{"price": 5000 - n, "qty": 1.5} for n in range(levels)]}
    update = {"symbol": "BTC/USD", "asks": [], "bids": [{"price": 1, "qty": 0}]}
    decoder.frame(msgspec.json.encode({"channel": "book", "type": "update", "data": [update]}), 0)
    decoder.frame(msgspec.json.encode({"channel": "book", "type": "snapshot", "data": [row]}), 0)
    names = {f"book-{depth}:BTC/USD"}
    assert names == set(decoder.streams)
    assert decoder.frame(msgspec.json.encode({"channel": "book", "type": "update", "data": [update]}), 0)
    assert names == set(decoder.streams)


def test_a_book_that_broke_comes_back_with_the_next_snapshot():
    decoder = SessionDecoder(KrakenSpot())
    row = {"symbol": "BTC/USD", "bids": [{"price": 1.5, "qty": 2.5}], "asks": [], "checksum": 1}
    frame = msgspec.json.encode({"channel": "book", "type": "snapshot", "data": [row]})
    [gap] = decoder.frame(frame, 0)
    assert isinstance(gap, Gap)
    assert decoder.read(frame.replace(b'"checksum":1', b'"x":1'), 0) is Outcome.EVENTS
    assert decoder.book_of("BTC/USD").live
