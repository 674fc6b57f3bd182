"""OKX as a venue: what serves what, where, within which limits, and what is refused."""

import asyncio
from dataclasses import dataclass
from datetime import date

import pytest

from toucan_data import (
    WHOLE_MARKET,
    AggregatedTrades,
    Candles,
    Exchange,
    FundingRates,
    Liquidation,
    Liquidations,
    MarkPrices,
    OpenInterests,
    OrderBookL2Snapshot,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Resynced,
    Streams,
    Tickers24h,
    load_instruments,
)
from toucan_data.exchange.okx import Okx, endpoints
from toucan_data.exchange.okx.messages import Arg
from toucan_data.exchange.okx.streams import args_of, name_of
from toucan_data.registry import exchange_at, venue_named
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument import Environment
from toucan_instrument.errors import InvalidInput, UnsupportedKind

OKX = Exchange.OKX
SPOT, SWAP, FUTURE = "BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-301227"
OPTION, XPERP = "BTC-USD-301227-80000-C", "BTC-USD_UM_XPERP-310404"


@dataclass
class Case:
    """A kind of an instrument, and the stream that serves it."""

    symbol: str
    kind: object
    name: str
    route: str


CASES = [
    Case(SPOT, PublicTrades, "trades-all:BTC-USDT", "business"),
    Case(OPTION, PublicTrades, f"trades-all:{OPTION}", "business"),
    Case(SWAP, AggregatedTrades, "trades:BTC-USDT-SWAP", "public"),
    Case(OPTION, AggregatedTrades, f"trades:{OPTION}", "public"),
    Case(SPOT, OrderBooksL1, "bbo-tbt:BTC-USDT", "public"),
    Case(FUTURE, OrderBooksL2, f"books:{FUTURE}", "books"),
    Case(SPOT, OrderBooksL2(events=False), "books:BTC-USDT", "books"),
    Case(SPOT, OrderBooksL2(depth=5), "books5:BTC-USDT", "public"),
    Case(SPOT, Candles("1m"), "candle1m:BTC-USDT", "business"),
    Case(SPOT, Candles("1h"), "candle1H:BTC-USDT", "business"),
    Case(SPOT, Candles("1d"), "candle1Dutc:BTC-USDT", "business"),
    Case(SPOT, Candles("1M"), "candle1Mutc:BTC-USDT", "business"),
    Case(OPTION, Tickers24h, f"tickers:{OPTION}", "public"),
    Case(SWAP, MarkPrices, "mark-price:BTC-USDT-SWAP", "public"),
    Case(SWAP, FundingRates, "funding-rate:BTC-USDT-SWAP", "public"),
    Case(XPERP, FundingRates, f"funding-rate:{XPERP}", "public"),
    Case(FUTURE, OpenInterests, f"open-interest:{FUTURE}", "public"),
    Case(SPOT, Liquidations, "liquidation-orders:MARGIN", "public"),
    Case(SWAP, Liquidations, "liquidation-orders:SWAP", "public"),
    Case(XPERP, Liquidations, "liquidation-orders:FUTURES", "public"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_streams_and_the_way_back(case):
    venue = Okx()
    found = venue.channel(venue.unchecked(case.symbol), case.kind)
    assert (found.name, found.route) == (case.name, case.route)
    symbol, [kind] = venue.streams_of(found.name)
    assert kind.name == case.kind.name
    assert symbol == ("" if kind == Liquidations else case.symbol)
    [arg] = args_of(found.name)
    assert name_of(Arg(**arg)) == found.name


REFUSED = [
    (SPOT, MarkPrices), (SPOT, FundingRates), (SPOT, OpenInterests), (FUTURE, FundingRates),
    (OPTION, OrderBooksL1), (OPTION, OrderBooksL2), (OPTION, Liquidations), (OPTION, MarkPrices),
    (OPTION, Candles("1m")),
]  # fmt: skip


@pytest.mark.parametrize(("symbol", "kind"), REFUSED, ids=str)
def test_what_there_is_not_is_refused_with_what_there_is(symbol, kind):
    venue = Okx()
    with pytest.raises(UnsupportedKind, match="PublicTrades, AggregatedTrades") as caught:
        venue.channel(venue.unchecked(symbol), kind)
    assert kind.name not in caught.value.accepted


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (Candles("8h"), "6h, 12h"),
        (Candles("1D"), "1d"),
        (OrderBooksL2(depth=10), "5"),
        (OrderBooksL2(update_ms=10), "100"),
        (OrderBooksL2(snapshot_levels=20), "default"),
    ],
    ids=repr,
)
def test_settings_that_it_has_not(kind, named):
    venue = Okx()
    with pytest.raises(InvalidInput) as caught:
        venue.channel(venue.unchecked(SPOT), kind)
    assert named in caught.value.accepted


def test_of_the_whole_market_there_are_liquidations_alone():
    venue = Okx()
    assert venue.channel(None, Liquidations).name == "liquidation-orders"
    for kind in (PublicTrades, Tickers24h, OrderBooksL1, MarkPrices):
        with pytest.raises(UnsupportedKind, match="Liquidations"):
            venue.channel(None, kind)


@pytest.mark.parametrize("name", ["", "trades", "orders:SWAP", "candle1x:BTC-USDT", "index-tickers:BTC-USD"])
def test_streams_that_are_not_offered(name):
    assert Okx().streams_of(name) is None


def test_addresses_have_no_port():
    """8443 is closed since 2026-10-31."""
    venue = Okx()
    assert venue.url("public") == venue.url("books") == "wss://ws.okx.com/ws/v5/public"
    assert venue.url("business") == "wss://ws.okx.com/ws/v5/business"
    assert venue.rest_url == "https://openapi.okx.com"
    demo = Okx(Environment.DEMO)
    assert demo.url("public") == "wss://wspap.okx.com/ws/v5/public"
    assert demo.url("business") == "wss://wspap.okx.com/ws/v5/business"
    own = Okx(ws_url="wss://wseea.okx.com", rest_url="https://eea.okx.com")
    assert own.url("public") == "wss://wseea.okx.com/ws/v5/public"
    with pytest.raises(InvalidInput):
        Okx(Environment.TESTNET)


@pytest.mark.parametrize(
    "url",
    [
        "wss://ws.okx.com/ws/v5/public",
        "wss://ws.okx.com:8443/ws/v5/public",
        "https://www.okx.com/api/v5/public/instruments",
        "https://openapi.okx.com/api/v5/market/books",
        "wss://wseea.okx.com/ws/v5/business",
    ],
)
def test_recordings_are_known_by_their_addresses(url):
    assert exchange_at(url) is OKX


def test_every_rule_has_a_document_and_a_date():
    rows = [*endpoints.STREAM_HOSTS.values(), *endpoints.ROUTES.values(), *endpoints.PATHS.values()]
    rows += [*endpoints.CONNECTION_LIMITS.values(), *endpoints.STREAM_RULES[OKX], endpoints.DEMO_HEADER]
    rows += [row for pair in endpoints.REGIONS.values() for row in pair]
    for row in rows:
        assert row.value
        assert row.document
        assert date(2021, 1, 1) <= row.since <= date(2026, 11, 28)
    assert {row.value for row in endpoints.ROUTES.values()} <= set(endpoints.PATHS)


def test_deep_books_are_few_on_a_connection():
    venue = Okx()
    assert venue.limits_of("books").streams_per_connection == 25
    assert venue.limits_of("public") == venue.limits
    # The venue ends a connection after 30 s without a message: a ping and its answer fit within.
    assert venue.limits.idle_ns + venue.limits.probe_ns < 30 * 10**9
    assert venue.limits.control_messages <= 480


def test_the_demo_is_told_by_a_header():
    for environment, headers in ((Environment.LIVE, {}), (Environment.DEMO, {"x-simulated-trading": "1"})):
        venue = Okx(environment)
        first, volumes = venue.instruments_request(), venue.volumes_request()
        asked = [first, volumes, venue.snapshot_request(venue.unchecked(SPOT), 400)]
        asked += [*venue.more_instruments(first, b""), *venue.more_volumes(volumes, b"")]
        assert len(asked) == 9
        assert all(dict(request.headers) == headers for request in asked)


def test_its_name_and_its_spelling():
    assert venue_named("okx") is Okx
    assert Okx().symbol("btc", "usdt") == "BTC-USDT"
    assert Okx().spelling("btc-usdt-swap") == SWAP


SYMBOLS = [SWAP, "ETH-USD-SWAP", SPOT, FUTURE, OPTION]


async def test_all_sorts_are_one_catalogue():
    async with ScriptedExchange.seeded(OKX, SYMBOLS, pace_ms=None) as server:
        catalogue = await load_instruments(server.venue())
        assert {each.symbol for each in catalogue} == set(SYMBOLS) - {OPTION}  # no underlying is listed
        assert catalogue["BTC/USDT:USDT"].contract_size > 0
        assert catalogue.top(2)


async def test_liquidations_of_all_and_of_one():
    async with ScriptedExchange.seeded(OKX, SYMBOLS, pace_ms=5) as server:
        venue = server.venue()
        wanted = [(venue, WHOLE_MARKET, Liquidations), (venue, "BTC/USDT:USDT", Liquidations)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            await streams.ready(10)
            assert server.connections == 2  # both have the channel of swaps: not on one connection
            selection = streams.select(Liquidations, status=False)
            for symbol in SYMBOLS[1:4]:
                await server.liquidate(symbol)
            async with asyncio.timeout(5):
                seen = [await anext(selection) for _ in range(3)]
            assert [event.instrument.symbol for event in seen] == SYMBOLS[1:4]
            await server.liquidate(SWAP)
            async with asyncio.timeout(5):
                both = [await anext(selection) for _ in range(2)]
            assert all(isinstance(event, Liquidation) and event.instrument.symbol == SWAP for event in both)


async def test_a_stream_that_begins_without_a_snapshot_is_seeded_over_rest():
    async with ScriptedExchange.seeded(OKX, pace_ms=5) as server:
        server.dialect().opening = lambda *_: ()
        wanted = [(server.venue(), symbol, OrderBooksL2) for symbol in server.market.instruments]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            selection = streams.select(OrderBooksL2)
            await streams.ready(10)
            assert server.seen.requests["/api/v5/market/books"] >= 2
            async with asyncio.timeout(5):
                async for value in selection:
                    assert not isinstance(value, Resynced)
                    if isinstance(value, OrderBookL2Snapshot):
                        break
            for book in streams.books:
                async with asyncio.timeout(5):
                    while book.last_update_id != server.market.book(book.instrument.symbol).last_update_id:
                        await asyncio.sleep(0.001)
                picture = server.market.book(book.instrument.symbol)
                assert [level.price for level in book.bids()] == [price for price, _ in picture.bids]
                assert [level.quantity for level in book.asks()] == [size for _, size in picture.asks]


async def test_deep_books_stay_400_levels_deep():
    async with ScriptedExchange.seeded(OKX, levels=600, pace_ms=5) as server:
        symbol = next(iter(server.market.instruments))
        async with (
            await Streams.builder().subscribe([(server.venue(), symbol, OrderBooksL2)]).init() as streams
        ):
            await streams.ready(10)
            [book] = streams.books
            async with asyncio.timeout(10):
                changes = set()
                while len(changes) < 60:
                    changes.add(book.last_update_id)
                    await asyncio.sleep(0.001)
                while book.last_update_id != server.market.book(symbol).last_update_id:
                    await asyncio.sleep(0.001)
            picture = server.market.book(symbol, 400)
            assert [level.price for level in book.bids()] == [price for price, _ in picture.bids]
            assert [level.quantity for level in book.asks()] == [size for _, size in picture.asks]


async def test_five_levels_over_the_wire():
    async with ScriptedExchange.seeded(OKX, pace_ms=5) as server:
        symbol = next(iter(server.market.instruments))
        wanted = [(server.venue(), symbol, OrderBooksL2(depth=5))]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            async with asyncio.timeout(5):
                event = await anext(streams.select(OrderBooksL2, status=False))
            assert (len(event.bids), event.depth) == (5, 5)
