"""What the two venues offer, refuse, and keep to."""

import gzip
import json
import os
from pathlib import Path

import pytest

from toucan_data import (
    AggregatedTrades,
    Candles,
    DecodeFailed,
    FundingRates,
    Gap,
    Liquidations,
    MarkPrices,
    OpenInterests,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Tickers24h,
)
from toucan_data.exchange.coinbase import Coinbase, CoinbaseAdvanced
from toucan_data.exchange.coinbase.endpoints import BOOKS, MARKET
from toucan_data.exchange.coinbase.normalise import nanoseconds
from toucan_data.registry import frame_decoder
from toucan_instrument import Environment
from toucan_instrument.errors import InvalidInput, PayloadError, UnsupportedKind
from toucan_instrument.timestamps import from_iso

SPOT, ADVANCED = Coinbase(), CoinbaseAdvanced()
BOTH = pytest.mark.parametrize("venue", [SPOT, ADVANCED], ids=lambda venue: venue.exchange.value)


def channel(venue, kind, symbol="BTC-USD"):
    return venue.channel(venue.unchecked(symbol), kind)


@BOTH
def test_tops_come_from_the_book(venue):
    assert channel(venue, OrderBooksL1).name == channel(venue, OrderBooksL2).name
    assert OrderBooksL1 in venue.streams_of(channel(venue, OrderBooksL2).name)[1]


@BOTH
@pytest.mark.parametrize("kind", [AggregatedTrades, Liquidations, MarkPrices, FundingRates, OpenInterests])
def test_kinds_that_there_are_not_are_refused(venue, kind):
    with pytest.raises(UnsupportedKind) as caught:
        channel(venue, kind)
    assert "OrderBooksL2" in caught.value.accepted


def test_candles_are_of_advanced_trade_and_of_five_minutes():
    with pytest.raises(UnsupportedKind):
        channel(SPOT, Candles("5m"))
    assert channel(ADVANCED, Candles("5m")).name == "candles:BTC-USD"
    for kind in (Candles("1m"), Candles):
        with pytest.raises(InvalidInput) as caught:
            channel(ADVANCED, kind)
        assert caught.value.accepted == "5m"


@BOTH
@pytest.mark.parametrize("kind", [PublicTrades, OrderBooksL2, Tickers24h])
def test_there_is_no_stream_of_the_whole_market(venue, kind):
    with pytest.raises(UnsupportedKind, match="whole market"):
        venue.channel(None, kind)


@BOTH
@pytest.mark.parametrize("setting", [{"depth": 50}, {"update_ms": 1000}, {"snapshot_levels": 100}])
def test_a_book_has_no_settings(venue, setting):
    with pytest.raises(InvalidInput) as caught:
        channel(venue, OrderBooksL2(**setting))
    assert caught.value.field == next(iter(setting))
    assert channel(venue, OrderBooksL2(events=False)).name == channel(venue, OrderBooksL2).name


def test_exchange_says_where_a_loss_cannot_be_seen():
    assert "OrderBooksL2" in SPOT.blind
    assert "PublicTrades" not in SPOT.blind
    assert ADVANCED.blind == frozenset()


def test_books_of_advanced_trade_have_connections_of_their_own_and_few_on_each():
    assert channel(ADVANCED, OrderBooksL2).route == BOOKS
    assert channel(ADVANCED, PublicTrades).route == channel(ADVANCED, Tickers24h).route == MARKET
    assert ADVANCED.url(BOOKS) == ADVANCED.url(MARKET) == "wss://advanced-trade-ws.coinbase.com"
    assert ADVANCED.limits_of(BOOKS).streams_per_connection <= 5
    assert ADVANCED.limits_of(MARKET).streams_per_connection == 100


def test_two_names_of_one_book_do_not_share_a_connection():
    slots = {channel(ADVANCED, OrderBooksL2, symbol).slot for symbol in ("BTC-USD", "BTC-USDC")}
    assert len(slots) == 1
    assert (
        channel(ADVANCED, OrderBooksL2, "USDT-USDC").slot != channel(ADVANCED, OrderBooksL2, "USDT-USD").slot
    )


@BOTH
def test_large_snapshots_are_taken(venue):
    assert venue.limits.max_frame == 32 * 1024 * 1024
    assert venue.limits.requests_at_once == 1


def test_environments():
    assert "sandbox" in Coinbase(Environment.TESTNET).url("")
    with pytest.raises(InvalidInput):
        CoinbaseAdvanced(Environment.TESTNET)


@BOTH
def test_names_of_streams_that_are_not_offered(venue):
    for name in ("status:", "full:BTC-USD", "heartbeat:BTC-USD", "", "ticker", "ticker:"):
        assert venue.streams_of(name) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-27T16:42:07.141291854Z", "2026-09-27T16:42:07.14129185Z", "2026-09-27T16:42:07.1Z",
        "2026-09-27T16:42:07Z", "2019-08-01T00:00:03.869Z",
    ],
)  # fmt: skip
def test_times_are_exact(text):
    for _ in range(2):  # the second time by what was kept
        assert nanoseconds(text) == from_iso(text)


@pytest.mark.parametrize(
    "text",
    ["2026", "now", "2026-09-27T16:42:07", "2026-09-27T16:42:07.1", "2026-09-27T16:42:07.xZ", "\ud800"],
)
def test_what_is_no_time_is_told(text):
    nanoseconds("2026-09-27T16:42:07.1Z")
    with pytest.raises(PayloadError):
        nanoseconds(text)


def lines(*patterns):
    root = Path(os.environ.get("TOUCAN_CAPTURES", "/nowhere"), "frames", "coinbase")
    files = sorted(path for pattern in patterns for path in root.glob(pattern))
    if not files:
        pytest.skip("TOUCAN_CAPTURES names no folder with frames of this venue")
    return [(path.name, line) for path in files for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize(("venue", "pattern"), [(SPOT, "exchange.*"), (ADVANCED, "advanced.*")])
def test_every_single_frame_that_was_recorded_decodes(venue, pattern):
    for name, line in lines(pattern):
        decoder = frame_decoder(venue)
        found = decoder.frame(line, 0)
        assert not any(isinstance(value, (DecodeFailed, Gap)) for value in found), (name, found)
        control = name.split(".")[1] in {"error", "heartbeats", "subscriptions", "last_match"}
        assert bool(found) != control, name


def test_the_recorded_session_is_read_whole():
    root = Path(os.environ.get("TOUCAN_CAPTURES", "/nowhere"), "captures", "coinbase")
    files = sorted(root.glob("session*.jsonl.gz"))
    if not files:
        pytest.skip("TOUCAN_CAPTURES names no folder with recordings of this venue")
    for file in files:
        decoder = frame_decoder(SPOT)
        with gzip.open(file, "rt", encoding="utf-8") as records:
            frames = [json.loads(record) for record in records]
        found = [
            value
            for record in frames
            if record["dir"] == "recv"
            for value in decoder.frame(record["frame"].encode(), record["t"])
        ]
        counts = decoder.counts
        assert (counts.failures, counts.gaps, counts.not_offered) == (0, 0, 0)
        # A ticker and a match tell one trade: their sides are those of its taker and of its maker.
        tickers = {
            (message["product_id"], message["trade_id"]): message["side"]
            for message in (json.loads(record["frame"]) for record in frames if record["dir"] == "recv")
            if message["type"] == "ticker"
        }
        trades = [value for value in found if type(value).__name__ == "PublicTrade"]
        both = [(t.aggressor, tickers.get((t.instrument.symbol, t.id))) for t in trades]
        compared = [(ours, theirs) for ours, theirs in both if theirs is not None]
        assert compared
        assert all(ours == theirs for ours, theirs in compared)
        books = {value.instrument.symbol for value in found if type(value).__name__ == "OrderBookL2Snapshot"}
        assert all(decoder.book_of(symbol).live for symbol in books)
        assert not any(decoder.book_of(symbol).book.crossed() for symbol in books)
