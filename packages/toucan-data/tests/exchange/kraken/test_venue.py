"""The venues: addresses, the table, which stream serves what, and what is refused."""

from datetime import date

import pytest

from toucan_data import (
    AggregatedTrades,
    Candles,
    FundingRates,
    Liquidations,
    MarkPrices,
    OpenInterests,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Tickers24h,
)
from toucan_data.exchange.kraken import KrakenFutures, KrakenSpot, endpoints
from toucan_data.exchange.kraken.streams import INTERVALS, SHORT_TICKERS
from toucan_data.registry import exchange_at, venue_named
from toucan_instrument import Environment
from toucan_instrument.errors import InvalidInput, UnsupportedKind

SPOT, FUTURES = KrakenSpot(), KrakenFutures()
ROWS = [
    *endpoints.STREAM_HOSTS.values(),
    *endpoints.PATHS.values(),
    *endpoints.CONNECTION_LIMITS.values(),
    *(row for rows in endpoints.STREAM_RULES.values() for row in rows),
    *(row for channels in endpoints.CHANNELS.values() for row in channels.values()),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.value)
def test_every_row_has_its_document_and_date(row):
    assert row.value
    assert row.document
    assert date(2021, 1, 1) <= row.since <= date(2026, 12, 31)


def test_limits_are_within_the_venues():
    spot, futures = SPOT.limits, FUTURES.limits
    assert spot.control_window_ns / spot.control_messages >= 50_000_000
    assert spot.streams_per_connection <= 188
    assert spot.idle_ns + spot.probe_ns < 60 * 10**9
    assert futures.control_messages * 10**9 / futures.control_window_ns <= 100
    assert futures.ping_ns < 60 * 10**9
    assert futures.names_per_message == 1


def test_addresses():
    assert SPOT.url("") == "wss://ws.kraken.com/v2"
    assert FUTURES.url("") == "wss://futures.kraken.com/ws/v1"
    assert SPOT.rest_url == "https://api.kraken.com"
    assert FUTURES.rest_url == "https://futures.kraken.com"
    own = KrakenSpot(ws_url="ws://127.0.0.1:80/", rest_url="http://127.0.0.1:80")
    assert own.url("") == "ws://127.0.0.1:80/v2"
    assert exchange_at("wss://futures.kraken.com/ws/v1") == "kraken-futures"
    assert exchange_at("wss://ws.kraken.com/v2") == "kraken-spot"


@pytest.mark.parametrize("venue_type", [KrakenSpot, KrakenFutures])
def test_there_is_no_test_network(venue_type):
    for environment in (Environment.TESTNET, Environment.DEMO):
        with pytest.raises(InvalidInput, match="live"):
            venue_type(environment)
    assert venue_named(venue_type.exchange.value) is venue_type


CHANNELS = [
    (SPOT, "BTC/USD", PublicTrades, "trade:BTC/USD", ""),
    (SPOT, "BTC/USD", OrderBooksL1, "ticker:BTC/USD", ""),
    (SPOT, "BTC/USD", Tickers24h, "ticker:BTC/USD", ""),
    (SPOT, "BTC/USD", OrderBooksL2, "book-1000:BTC/USD", "book:BTC/USD"),
    (SPOT, "BTC/USD", OrderBooksL2(depth=10), "book-10:BTC/USD", "book:BTC/USD"),
    (SPOT, "AAPLx/USD", OrderBooksL2(depth=500), "book-500:AAPLx/USD", "book:AAPLx/USD"),
    (SPOT, "BTC/USD", Candles("1w"), "ohlc-10080:BTC/USD", ""),
    (FUTURES, "PF_XBTUSD", PublicTrades, "trade:PF_XBTUSD", ""),
    (FUTURES, "PF_XBTUSD", Liquidations, "trade:PF_XBTUSD", ""),
    (FUTURES, "PF_XBTUSD", OrderBooksL1, "book:PF_XBTUSD", ""),
    (FUTURES, "PF_XBTUSD", OrderBooksL2, "book:PF_XBTUSD", ""),
    (FUTURES, "PF_XBTUSD", Tickers24h, "ticker:PF_XBTUSD", ""),
    (FUTURES, "PF_XBTUSD", MarkPrices, "ticker:PF_XBTUSD", ""),
    (FUTURES, "PF_XBTUSD", FundingRates, "ticker:PF_XBTUSD", ""),
    (FUTURES, "FI_XBTUSD_261225", OpenInterests, "ticker:FI_XBTUSD_261225", ""),
    (FUTURES, "PF_XBTUSD", SHORT_TICKERS, "ticker_lite:PF_XBTUSD", ""),
]


@pytest.mark.parametrize(("venue", "symbol", "kind", "name", "slot"), CHANNELS, ids=str)
def test_streams_and_the_way_back(venue, symbol, kind, name, slot):
    channel = venue.channel(venue.unchecked(symbol), kind)
    assert (channel.name, channel.slot, channel.route) == (name, slot, "")
    assert (channel.first_event_ns is None) == name.startswith("trade")
    found, kinds = venue.streams_of(name)
    assert found == symbol
    assert kind.name in {each.name for each in kinds}
    assert {venue.channel(venue.unchecked(symbol), each).name for each in kinds} == {name}


def test_every_interval_goes_both_ways():
    for interval in INTERVALS:
        channel = SPOT.channel(SPOT.unchecked("BTC/USD"), Candles(interval))
        assert SPOT.streams_of(channel.name) == ("BTC/USD", (Candles(interval),))


@pytest.mark.parametrize(
    ("venue", "symbol", "kind"),
    [
        (SPOT, "BTC/USD", AggregatedTrades),
        (SPOT, "BTC/USD", Liquidations),
        (SPOT, "BTC/USD", MarkPrices),
        (SPOT, "BTC/USD", FundingRates),
        (SPOT, "BTC/USD", OpenInterests),
        (FUTURES, "PF_XBTUSD", AggregatedTrades),
        (FUTURES, "PF_XBTUSD", Candles("1m")),
        (FUTURES, "FI_XBTUSD_261225", FundingRates),
    ],
)
def test_a_kind_that_does_not_exist_is_refused_with_those_that_do(venue, symbol, kind):
    with pytest.raises(UnsupportedKind) as caught:
        venue.channel(venue.unchecked(symbol), kind)
    accepted = caught.value.accepted.split(", ")
    assert "PublicTrades" in accepted
    assert kind.name not in accepted


@pytest.mark.parametrize("venue", [SPOT, FUTURES])
def test_there_are_no_streams_of_a_whole_market(venue):
    with pytest.raises(UnsupportedKind, match="whole market"):
        venue.channel(None, Tickers24h)


@pytest.mark.parametrize(
    ("venue", "symbol", "kind"),
    [
        (SPOT, "BTC/USD", OrderBooksL2(depth=5)),
        (SPOT, "BTC/USD", OrderBooksL2(update_ms=1000)),
        (SPOT, "BTC/USD", OrderBooksL2(snapshot_levels=100)),
        (SPOT, "BTC/USD", Candles("3m")),
        (FUTURES, "PF_XBTUSD", OrderBooksL2(depth=10)),
        (FUTURES, "PF_XBTUSD", OrderBooksL2(update_ms=250)),
    ],
)
def test_a_setting_that_does_not_exist_is_refused(venue, symbol, kind):
    with pytest.raises(InvalidInput) as caught:
        venue.channel(venue.unchecked(symbol), kind)
    assert caught.value.accepted


@pytest.mark.parametrize(
    ("venue", "name"),
    [(SPOT, "level3:BTC/USD"), (SPOT, "book-7:BTC/USD"), (SPOT, "book:BTC/USD"), (SPOT, "ohlc-2:BTC/USD"),
     (SPOT, "trade:"), (SPOT, "trade-5:BTC/USD"), (SPOT, "nonsense"), (FUTURES, "fills:PF_XBTUSD"),
     (FUTURES, "candles_trade_1m:PF_XBTUSD"), (FUTURES, "trade:")],
)  # fmt: skip
def test_streams_that_are_not_offered(venue, name):
    assert venue.streams_of(name) is None


def test_symbols_of_pairs_and_of_what_people_write():
    assert SPOT.symbol("BTC", "USD") == "BTC/USD"
    assert FUTURES.symbol("btc", "usd") == "PF_XBTUSD"
    assert FUTURES.symbol("AAPLx", "usd") == "PF_AAPLxUSD"
    assert SPOT.spelling("xbt/usd") == "BTC/USD"
    assert FUTURES.spelling("pf_xbtusd") == "PF_XBTUSD"
    assert SPOT.spelling(SPOT.symbol("xbt", "usd")) == "BTC/USD"
