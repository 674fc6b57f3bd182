"""Addresses, topics and limits: every row of the table, and what the venue objects make of it."""

from datetime import date

import pytest

from toucan_data import (
    BybitInverse,
    BybitLinear,
    BybitOption,
    BybitSpot,
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
from toucan_data.exchange.bybit import endpoints
from toucan_instrument import Environment
from toucan_instrument.errors import InvalidInput, UnsupportedKind

VENUES = [BybitSpot(), BybitLinear(), BybitInverse(), BybitOption()]
SPOT, LINEAR, INVERSE, OPTION = VENUES
LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO
TABLES = {
    **endpoints.STREAM_HOSTS,
    **endpoints.TOPICS,
    **{("depth", depth): row for depth, (_, row) in endpoints.DEPTHS.items()},
    **{("limit", exchange): row for exchange, row in endpoints.CONNECTION_LIMITS.items()},
    **{(exchange, i): row for exchange, rows in endpoints.STREAM_RULES.items() for i, row in enumerate(rows)},
}
SYMBOLS = {SPOT: "BTCUSDT", LINEAR: "BTCUSDT", INVERSE: "BTCUSD", OPTION: "BTC-31DEC27-60000-C-USDT"}


@pytest.mark.parametrize("row", TABLES.values(), ids=map(str, TABLES))
def test_every_row_has_its_document_and_date(row):
    assert row.value
    assert row.document
    assert date(2024, 1, 1) <= row.since <= date(2026, 7, 24)


@pytest.mark.parametrize("venue", VENUES, ids=str)
def test_limits_lie_within_the_venues(venue):
    limits = venue.limits
    assert limits.names_per_message <= 10
    longest = max(len(f'"orderbook.1000.{symbol}",') for symbol in ("1000000BABYDOGEUSDT", *SYMBOLS.values()))
    assert longest * limits.streams_per_connection <= 21_000
    assert limits.streams_per_connection <= 2_000
    assert limits.ping_ns == 20 * 10**9


@pytest.mark.parametrize(
    ("venue", "url"),
    [
        (BybitSpot(), "wss://stream.bybit.com/v5/public/spot"),
        (BybitLinear(TESTNET), "wss://stream-testnet.bybit.com/v5/public/linear"),
        (BybitInverse(DEMO), "wss://stream.bybit.com/v5/public/inverse"),
        (BybitOption(), "wss://stream.bybit.com/v5/public/option"),
        (BybitLinear(ws_url="wss://stream.bybit.nl/"), "wss://stream.bybit.nl/v5/public/linear"),
        (BybitSpot(ws_url="ws://[::1]:80/v5/public/spot"), "ws://[::1]:80/v5/public/spot"),
    ],
)
def test_the_path_tells_the_markets_apart(venue, url):
    assert venue.url("") == url


def test_demo_has_a_rest_of_its_own():
    assert BybitLinear(DEMO).rest_url == "https://api-demo.bybit.com"
    assert BybitLinear(DEMO).connection_pool == BybitLinear().connection_pool
    assert BybitLinear(DEMO).request_pool != BybitLinear().request_pool


TOPICS = [
    (SPOT, PublicTrades, "publicTrade.BTCUSDT"),
    (LINEAR, OrderBooksL1, "orderbook.1.BTCUSDT"),
    (LINEAR, OrderBooksL2, "orderbook.1000.BTCUSDT"),
    (SPOT, OrderBooksL2(depth=50), "orderbook.50.BTCUSDT"),
    (SPOT, OrderBooksL2(depth=50, update_ms=20), "orderbook.50.BTCUSDT"),
    (INVERSE, OrderBooksL2(depth=200, events=False), "orderbook.200.BTCUSD"),
    (LINEAR, OrderBooksL2(update_ms=200), "orderbook.1000.BTCUSDT"),
    (SPOT, Candles("1m"), "kline.1.BTCUSDT"),
    (SPOT, Candles("12h"), "kline.720.BTCUSDT"),
    (LINEAR, Candles("1M"), "kline.M.BTCUSDT"),
    (INVERSE, Liquidations, "allLiquidation.BTCUSD"),
    *((LINEAR, kind, "tickers.BTCUSDT") for kind in (Tickers24h, MarkPrices, FundingRates, OpenInterests)),
    (SPOT, Tickers24h, "tickers.BTCUSDT"),
    (OPTION, Tickers24h, "tickers.BTC-31DEC27-60000-C-USDT"),
    (OPTION, OpenInterests, "tickers.BTC-31DEC27-60000-C-USDT"),
]


@pytest.mark.parametrize(("venue", "kind", "name"), TOPICS, ids=[f"{v.exchange} {k}" for v, k, _ in TOPICS])
def test_topics_go_both_ways(venue, kind, name):
    instrument = venue.unchecked(SYMBOLS[venue])
    channel = venue.channel(instrument, kind)
    assert (channel.name, channel.instrument) == (name, instrument)
    symbol, kinds = venue.streams_of(name)
    assert symbol == instrument.symbol
    assert any(kind.name == each.name for each in kinds)
    assert all(venue.channel(instrument, each).name == name for each in kinds)


def test_trades_of_options_come_by_base_coin():
    call, put = OPTION.unchecked("BTC-31DEC27-60000-C-USDT"), OPTION.unchecked("BTC-1JAN27-1-P")
    channel = OPTION.channel(call, PublicTrades)
    assert channel == OPTION.channel(put, PublicTrades)
    assert (channel.name, channel.instrument) == ("publicTrade.BTC", None)
    assert OPTION.streams_of("publicTrade.BTC") == ("", (PublicTrades,))


@pytest.mark.parametrize(
    "name",
    ["orderbook.rpi.BTCUSDT", "orderbook.full.BTCUSDT", "orderbook.50", "kline.2.BTCUSDT", "insurance.USDT",
     "priceLimit.BTCUSDT", "system.status", "tickers", "", "execution", "adlAlert.USDT"],
)  # fmt: skip
def test_other_topics_are_not_offered(name):
    assert LINEAR.streams_of(name) is None
    assert OPTION.streams_of(name) is None


@pytest.mark.parametrize(
    ("venue", "lacking"),
    [
        (SPOT, [Liquidations, MarkPrices, FundingRates, OpenInterests]),
        (OPTION, [Liquidations, Candles("1m"), OrderBooksL1, OrderBooksL2, FundingRates]),
    ],
    ids=["spot", "option"],
)
def test_what_it_lacks_is_refused_with_what_it_has(venue, lacking):
    for kind in lacking:
        with pytest.raises(UnsupportedKind) as caught:
            venue.channel(venue.unchecked(SYMBOLS[venue]), kind)
        assert caught.value.accepted == ", ".join(map(repr, venue.kinds))
    assert venue.streams_of(f"allLiquidation.{SYMBOLS[venue]}") is None


def test_a_dated_future_has_no_funding():
    with pytest.raises(UnsupportedKind, match="dated") as caught:
        LINEAR.channel(LINEAR.unchecked("BTCUSDT-25DEC26"), FundingRates)
    assert "FundingRates" not in caught.value.accepted
    assert LINEAR.channel(LINEAR.unchecked("BTCUSDT-25DEC26"), MarkPrices)


@pytest.mark.parametrize(
    ("kind", "accepted"),
    [
        (OrderBooksL2(depth=500), "50, 200, 1000"),
        (OrderBooksL2(depth=1), "OrderBooksL1"),
        (OrderBooksL2(update_ms=10), "200"),
        (OrderBooksL2(depth=50, update_ms=200), "20"),
        (Candles("1s"), "1m, 3m, 5m"),
        (Candles("8h"), "12h"),
    ],
    ids=repr,
)
def test_settings_that_there_are_not(kind, accepted):
    with pytest.raises(InvalidInput) as caught:
        LINEAR.channel(LINEAR.unchecked("BTCUSDT"), kind)
    assert accepted in caught.value.accepted


def test_there_is_nothing_of_a_whole_market():
    for venue in VENUES:
        for kind in venue.kinds:
            with pytest.raises(UnsupportedKind):
                venue.channel(None, Candles("1m") if kind == Candles else kind)


def test_pairs():
    assert [venue.symbol("btc", "usdt") for venue in VENUES[:2]] == ["BTCUSDT", "BTCUSDT"]
    assert LINEAR.symbol("BTC", "USDC") == "BTCPERP"
    assert INVERSE.symbol("BTC", "USD") == "BTCUSD"


def test_what_a_loss_cannot_be_seen_of_is_said():
    assert SPOT.blind == {"PublicTrades"}
    assert "OrderBooksL2" not in LINEAR.blind
    assert LINEAR.blind <= {kind.name for kind in LINEAR.kinds}
    assert set(OPTION.lacking) == {OrderBooksL1, OrderBooksL2}
