"""The venue objects: environments, addresses of one's own, budgets, and what is refused."""

import pickle

import msgspec
import pytest

from toucan_data import BinanceFuturesCoin, BinanceFuturesUsd, BinanceSpot, BinanceUsSpot
from toucan_instrument import Environment, Exchange, InstrumentKind
from toucan_instrument.errors import InvalidInput
from toucan_instrument.rest import Response

ALL = [BinanceSpot, BinanceUsSpot, BinanceFuturesUsd, BinanceFuturesCoin]
EVERY = pytest.mark.parametrize("venue_type", ALL)
BAD_URLS = [
    "",
    "127.0.0.1:8080",
    "localhost",
    "ftp://host",
    "file:///etc/hosts",
    "//host",
    "ws://",
    "ws:///path",
    "ws://:80",
    "wss://host:99999",
    "wss://host:0",
    "wss://host:port",
    "ws://host name",
    "ws://host\n",
    "ws://host?streams=x",
    "ws://host#x",
    "http:/host",
    "http://",
    5,
    b"ws://host",
    ["ws://host"],
]


@EVERY
@pytest.mark.parametrize("url", BAD_URLS, ids=repr)
def test_what_is_no_address_is_refused(venue_type, url):
    for field, accepted in (("ws_url", "ws://"), ("rest_url", "http://")):
        with pytest.raises(InvalidInput) as caught:
            venue_type(**{field: url})
        assert (caught.value.field, caught.value.value) == (field, url)
        assert accepted in caught.value.accepted


def test_an_address_of_the_other_sort_is_refused():
    with pytest.raises(InvalidInput, match="ws_url"):
        BinanceSpot(ws_url="https://host")
    with pytest.raises(InvalidInput, match="rest_url"):
        BinanceSpot(rest_url="wss://host")


@EVERY
@pytest.mark.parametrize("bad", ["production", "", None, 1])
def test_what_is_no_environment_is_refused(venue_type, bad):
    with pytest.raises(InvalidInput) as caught:
        venue_type(bad)
    assert (caught.value.field, caught.value.value) == ("environment", bad)
    assert "live" in caught.value.accepted


def test_an_environment_may_be_written_as_a_text():
    assert BinanceSpot("testnet") == BinanceSpot(Environment.TESTNET)


def test_an_environment_that_a_market_lacks_needs_both_addresses():
    with pytest.raises(InvalidInput) as caught:
        BinanceUsSpot(Environment.TESTNET)
    assert caught.value.accepted == "live"
    with pytest.raises(InvalidInput):
        BinanceUsSpot(Environment.TESTNET, ws_url="ws://host")
    own = BinanceUsSpot(Environment.TESTNET, ws_url="ws://host", rest_url="http://host")
    assert own.url("") == "ws://host/stream"


@EVERY
def test_addresses_of_ones_own_are_used_for_everything(venue_type):
    venue = venue_type(ws_url="ws://127.0.0.1:9/", rest_url="http://127.0.0.1:8//")
    assert venue.url("x").startswith("ws://127.0.0.1:9/x/stream")
    assert venue.rest_url == "http://127.0.0.1:8"
    for request in (
        venue.instruments_request(),
        venue.volumes_request(),
        venue.snapshot_request(venue.unchecked("BTCUSDT"), 100),
    ):
        assert request.url.startswith("http://127.0.0.1:8/")
        assert request.method == "GET"
        assert request.weight > 0


def test_the_two_futures_markets_share_their_weight_and_others_do_not():
    """Facts C.4: one pool for both hosts; another address has another."""
    usd, coin, spot = BinanceFuturesUsd(), BinanceFuturesCoin(), BinanceSpot()
    assert usd.request_pool == coin.request_pool
    assert usd.request_pool != spot.request_pool
    assert usd.request_pool != BinanceFuturesUsd(Environment.TESTNET).request_pool
    here = [BinanceFuturesUsd(rest_url=f"http://127.0.0.1:{port}") for port in (1, 2)]
    assert len({usd.request_pool.name, *(venue.request_pool.name for venue in here)}) == 3
    assert here[0].request_pool.limit == usd.request_pool.limit
    for venue in (usd, coin, spot):
        assert (venue.connection_pool.limit, venue.connection_pool.window_ns) == (300, 300 * 10**9)


@EVERY
def test_a_venue_is_a_value(venue_type):
    venue = venue_type()
    assert venue == venue_type()
    assert hash(venue) == hash(venue_type())
    assert pickle.loads(pickle.dumps(venue)) == venue  # noqa: S301 - made here
    limits = msgspec.structs.replace(venue.limits, streams_per_connection=3)
    others = [
        venue_type(ws_url="ws://host"),
        venue_type(rest_url="http://host"),
        venue_type(compression=True),
        venue_type(limits=limits),
    ]
    assert len({venue, *others}) == 5
    assert others[3].limits.streams_per_connection == 3
    assert others[2].compression
    assert not venue.compression
    assert venue != "binance"
    assert venue_type.__name__ in repr(venue)


def test_markets_are_different_venues():
    assert len({venue_type() for venue_type in ALL}) == 4
    assert [venue_type().exchange for venue_type in ALL] == [
        Exchange.BINANCE_SPOT,
        Exchange.BINANCE_US_SPOT,
        Exchange.BINANCE_USD_M,
        Exchange.BINANCE_COIN_M,
    ]


@pytest.mark.parametrize(
    ("venue", "symbol", "kind"),
    [
        (BinanceSpot(), "BTCUSDT", InstrumentKind.SPOT),
        (BinanceFuturesUsd(), "BTCUSDT", InstrumentKind.PERPETUAL),
        (BinanceFuturesCoin(), "BTCUSDT_PERP", InstrumentKind.PERPETUAL),
    ],
)
def test_symbols_are_made_of_assets_for_those_who_skip_the_catalogue(venue, symbol, kind):
    assert venue.symbol("btc", "usdt") == symbol
    assert venue.unchecked(symbol).kind is kind
    assert venue.unchecked(symbol).exchange is venue.exchange


@EVERY
def test_errors_of_rest_are_typed(venue_type):
    venue = venue_type()
    request = venue.instruments_request()
    body = b'{"code":-1121,"msg":"Invalid symbol."}'
    error = venue.error_of(request, Response(status=400, headers={}, body=body))
    assert (error.code, error.status, error.venue_message) == (-1121, 400, "Invalid symbol.")
    assert venue.error_of(request, Response(status=200, headers={}, body=b"{}")) is None
