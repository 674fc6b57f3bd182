from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl

import msgspec
import pytest

from toucan_execution.call import Auth
from toucan_execution.client.binance.venue import VENUES, BinanceSpotVenue, venue_of
from toucan_execution.credentials import load_credentials
from toucan_execution.events import OrderUpdate, UnknownEvent, UnreadableEvent
from toucan_execution.orders import OrderOrigin, OrderRequest, OrderType, SelfTradePrevention
from toucan_execution.venue import ExecutionVenue, Feature
from toucan_instrument import Environment, Exchange, InvalidInput, Response, Side, UnsupportedKind

D = Decimal

SPOT, USD_M, COIN_M = Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105 - the venue\'s own example
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


def limit(venue, symbol="LTCBTC", **fields):
    fields = {"quantity": D(1), "price": D("0.1")} | fields
    return OrderRequest(instrument=venue.instrument_of(symbol), side=Side.BUY, type=OrderType.LIMIT, **fields)


@pytest.mark.parametrize("exchange", VENUES)
def test_every_market_is_a_whole_venue(kit, exchange):
    venue = kit.venue(exchange)
    assert isinstance(venue, ExecutionVenue)
    assert (venue.exchange, venue.environment, venue.account) == (exchange, Environment.TESTNET, "main")
    assert venue.request_pool.name.endswith("-testnet")
    assert venue.connection_pool.name.endswith("/connections")
    assert len(venue.order_pools) == 2
    assert venue.ws_api_url.startswith("wss://")
    assert (venue.batch_limit > 0) is (Feature.BATCH_PLACE in venue.features)
    assert (venue.cancel_batch_limit > 0) is (Feature.BATCH_CANCEL in venue.features)
    assert SECRET not in repr(venue)
    assert KEY not in repr(venue)


def test_the_venue_of_a_market(kit):
    credentials = load_credentials(KEY, SECRET, kind="hmac")
    venue = venue_of(SPOT, Environment.LIVE, credentials, account="a")
    assert type(venue) is BinanceSpotVenue
    assert venue.url_of(venue.server_time()) == "https://api.binance.com/api/v3/time"
    with pytest.raises(UnsupportedKind) as caught:
        venue_of(Exchange.BINANCE_US_SPOT, Environment.LIVE, credentials)
    assert "binance-spot" in caught.value.accepted


def test_an_order_is_signed_as_the_official_example(kit):
    # Facts C.7, H1: the whole of it, byte for byte, in the body of a POST.
    call = next(kit.spot.place(limit(kit.spot)))
    request = kit.spot.rest_request(call, 1_499_827_319_559_999_999)
    assert request.method == "POST"
    assert request.url == "https://testnet.binance.vision/api/v3/order"
    assert request.body == (
        b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
        b"&timestamp=1499827319559"
        b"&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    )
    assert request.headers == {
        "X-MBX-APIKEY": KEY,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert request.weight == call.weight
    assert SECRET not in repr((call, request))
    assert KEY not in repr((call, request))


def test_a_futures_order_is_signed_as_the_official_example(kit):
    # Facts C.7, H7.
    request = limit(kit.usd, "BTCUSDT", price=D(9000))
    call = next(kit.usd.place(request))
    body = kit.usd.rest_request(call, 1_591_702_613_943_000_000).body
    assert body.endswith(b"&signature=3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9")


def test_a_delete_has_everything_in_its_query(kit):
    call = kit.spot.cancel_all(kit.spot.instrument_of("BTCUSDT")).send(None)
    request = kit.spot.rest_request(call, kit.now)
    assert (request.method, request.body) == ("DELETE", b"")
    query = dict(parse_qsl(request.url.partition("?")[2]))
    assert list(query) == ["symbol", "recvWindow", "timestamp", "signature"]
    assert "Content-Type" not in request.headers


def test_public_calls_carry_no_key(kit):
    call = kit.usd.server_time()
    assert call.auth is Auth.NONE
    request = kit.usd.rest_request(call, 0)
    assert request.headers == {}
    assert request.url == "https://testnet.binancefuture.com/fapi/v1/time"
    assert call.decode(b'{"serverTime":1700000000123}', 0) == 1_700_000_000_123_000_000


def test_listen_keys_need_the_key_alone(kit):
    call = kit.usd.keep_listen_key()
    request = kit.usd.rest_request(call, kit.now)
    assert (call.auth, request.method, request.body) == (Auth.KEY, "PUT", b"")
    assert request.url == "https://testnet.binancefuture.com/fapi/v1/listenKey"
    assert list(request.headers) == ["X-MBX-APIKEY"]
    assert kit.usd.create_listen_key().decode(b'{"listenKey":"abc"}', 0) == "abc"
    assert kit.usd.close_listen_key().decode(b"{}", 0) is None
    spot = kit.spot.keep_listen_key("abc")
    assert spot.params == (("listenKey", "abc"),)


def test_an_unreadable_listen_key_is_not_shown(kit):
    with pytest.raises(Exception, match="listen key") as caught:
        kit.usd.create_listen_key().decode(b'{"listenKEY":"secret-of-mine"}', 0)
    assert "secret-of-mine" not in f"{caught.value!r} {caught.value}"


def test_other_addresses_and_windows(kit):
    venue = kit.venue(
        SPOT, base_url="http://localhost:8080/", ws_api_url="ws://localhost:1/ws", recv_window="6000.346"
    )
    assert venue.ws_api_url == "ws://localhost:1/ws"
    assert venue.recv_window_ns == 6_000_346_000
    call = next(venue.place(limit(venue)))
    request = venue.rest_request(call, kit.now)
    assert request.url == "http://localhost:8080/api/v3/order"
    assert b"recvWindow=6000.346" in request.body
    assert kit.coin.private_url("K") == "wss://dstream.binancefuture.com/ws/K"


def test_a_request_of_the_websocket_api(kit):
    call = next(kit.spot.place(limit(kit.spot)))
    frame = msgspec.json.decode(kit.spot.ws_frame(call, 7, 1_499_827_319_559_000_000))
    assert (frame["id"], frame["method"]) == (7, "order.place")
    params = frame["params"]
    assert params["apiKey"] == KEY
    assert (params["timestamp"], params["recvWindow"]) == (1_499_827_319_559, 5000)
    assert (params["price"], params["quantity"]) == ("0.1", "1")
    assert len(params["signature"]) == 64
    session = msgspec.json.decode(kit.spot.ws_frame(call, 8, 1_499_827_319_559_000_000, signed=False))
    assert not {"apiKey", "signature"} & set(session["params"])
    assert session["params"]["timestamp"] == 1_499_827_319_559  # needed on a session too (facts F.3)


def test_requests_of_the_websocket_api_that_need_less(kit):
    time = msgspec.json.decode(kit.spot.ws_frame(kit.spot.server_time(), 1, 0))
    assert time == {"id": 1, "method": "time", "params": {}}
    key = msgspec.json.decode(kit.usd.ws_frame(kit.usd.create_listen_key(), 2, 0))
    assert (key["method"], list(key["params"])) == ("userDataStream.start", ["apiKey"])


def test_limits_and_counts_of_an_answer(kit):
    headers = {"x-mbx-used-weight-1m": "12", "x-mbx-order-count-10s": "3", "x-mbx-order-count-1m": "4"}
    response = Response(200, headers, b"{}")
    assert kit.usd.read_limits(response).used == 12
    assert kit.usd.order_counts(response) == ((10 * 10**9, 3), (60 * 10**9, 4))


EXCHANGE_INFO = {
    "symbols": [
        {
            "symbol": "LTCBTC",
            "status": "TRADING",
            "baseAsset": "LTC",
            "quoteAsset": "BTC",
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "9", "tickSize": "0.1"}
            ],
            "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_MAKER", "SOMETHING_NEW"],
        }
    ]
}


def test_what_the_list_of_instruments_says_is_remembered(kit):
    venue = kit.spot
    assert venue.instrument_of("LTCBTC").rules is None
    order = limit(venue, self_trade_prevention=SelfTradePrevention.DECREMENT)
    venue.check(order)
    [found] = venue.instruments().decode(msgspec.json.encode(EXCHANGE_INFO), 0)
    assert venue.instrument_of("LTCBTC") is found
    assert found.rules.tick_size == D("0.1")
    with pytest.raises(InvalidInput, match="does not allow") as caught:
        venue.check(order)
    assert caught.value.accepted == "expire_maker, none"
    venue.check(limit(venue, self_trade_prevention=SelfTradePrevention.EXPIRE_MAKER))


def test_events_are_read_with_what_is_known(kit, sample):
    [update] = kit.spot.decode_event(sample.report(), kit.now)
    assert isinstance(update, OrderUpdate)
    assert (update.account, update.origin) == ("main", OrderOrigin.OWN)
    [failed] = kit.spot.decode_event(b"{", kit.now)
    assert isinstance(failed, UnreadableEvent)
    [unknown] = kit.coin.decode_event(b'{"e":"SOMETHING_NEW","E":1}', kit.now)
    assert isinstance(unknown, UnknownEvent)


def test_an_instrument_of_another_market_is_refused(kit):
    foreign = kit.spot.instrument_of("BTCUSDT")
    for conversation in (kit.usd.open_orders, kit.usd.positions, kit.usd.cancel_all, kit.usd.commission):
        with pytest.raises(InvalidInput) as caught:
            next(conversation(foreign))
        assert caught.value.field == "instrument"
