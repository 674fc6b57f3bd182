"""Streams: routes, listen keys in every form of an address, and control messages (facts A.1 to A.3, E.4)."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest

from toucan_execution.testing.sandbox.streams import StreamSession
from toucan_instrument import Exchange
from toucan_instrument.testing import binance_control as control

SPOT, USD_M, COIN_M = Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M
KEYS = {"K1": "main", "K2": "other"}
FILL = {"e": "ORDER_TRADE_UPDATE", "E": 1}
EXPIRED = {"e": "listenKeyExpired", "E": 1}


def connect(exchange, address):
    """Open an address such as ``/public/ws?x=1``."""
    path, _, query = address.partition("?")
    opened = control.opened(exchange, path, dict(parse_qsl(query)))
    assert opened is not None
    return StreamSession(exchange, opened, parse_qsl(query), KEYS.get)


def say(session, method, *params, request_id=1):
    body = {"method": method, "id": request_id, **({"params": list(params)} if params else {})}
    frame, code = session.hear(json.dumps(body).encode())
    return json.loads(frame), code


def told(session, key="K1", payload=FILL):
    return [json.loads(frame) for frame in session.tell(key, payload)]


# Routes.

PUBLIC = ["btcusdt@depth", "btcusdt@depth5@100ms", "btcusdt@bookTicker", "!bookTicker"]
MARKET = ["btcusdt@aggTrade", "btcusdt@markPrice@1s", "btcusdt@kline_1m", "!ticker@arr", "btcusdt@forceOrder"]


@pytest.mark.parametrize(
    ("route", "served", "silent"),
    [
        ("/public", PUBLIC, MARKET),
        ("/market", MARKET, PUBLIC),
        ("", PUBLIC, MARKET),
        ("/private", [], PUBLIC + MARKET),
    ],
)
@pytest.mark.parametrize("form", ["/ws", "/stream"])
def test_a_wrong_route_is_acknowledged_and_silent(route, served, silent, form):
    session = connect(USD_M, f"{route}{form}")
    assert say(session, "SUBSCRIBE", *served, *silent) == ({"result": None, "id": 1}, None)
    assert say(session, "LIST_SUBSCRIPTIONS") == ({"result": [*served, *silent], "id": 1}, None)
    assert [name for name in (*served, *silent) if session.wants(name)] == served


@pytest.mark.parametrize("exchange", [SPOT, COIN_M])
def test_there_is_one_route_elsewhere(exchange):
    session = connect(exchange, "/ws/btcusdt@depth/btcusdt@aggTrade")
    assert session.wants("btcusdt@depth")
    assert session.wants("btcusdt@aggTrade")
    assert not session.wants("btcusdt@kline_1m")


@pytest.mark.parametrize("name", ["BTCUSDT@depth", "nonsense", "btcusdt@depth@250ms"])
def test_any_name_is_acknowledged(name):
    session = connect(USD_M, "/public/ws")
    assert say(session, "SUBSCRIBE", name) == ({"result": None, "id": 1}, None)
    assert list(session.names) == [name]


@pytest.mark.parametrize(
    ("exchange", "address", "names"),
    [
        (SPOT, "/ws/a@trade/b@trade", ["a@trade", "b@trade"]),
        (SPOT, "/stream?streams=a@trade/b@trade", ["a@trade", "b@trade"]),
        (USD_M, "/market/stream?streams=a@aggTrade", ["a@aggTrade"]),
        (COIN_M, "/ws", []),
    ],
)
def test_an_address_may_name_streams(exchange, address, names):
    assert list(connect(exchange, address).names) == names


# Raw and combined.


def test_the_form_of_events_follows_the_address_and_the_property():
    session = connect(SPOT, "/ws/a@trade")
    payload = {"e": "trade"}
    assert json.loads(session.frame("a@trade", payload)) == payload
    assert say(session, "GET_PROPERTY", "combined")[0] == {"result": False, "id": 1}
    assert say(session, "SET_PROPERTY", "combined", True)[0] == {"result": None, "id": 1}
    assert say(session, "GET_PROPERTY", "combined")[0] == {"result": True, "id": 1}
    assert json.loads(session.frame("a@trade", payload)) == {"stream": "a@trade", "data": payload}
    assert connect(SPOT, "/stream").combined is True


def test_microseconds_are_asked_for_in_the_address_on_spot():
    assert connect(SPOT, "/ws?timeUnit=MICROSECOND").micro is True
    assert connect(SPOT, "/ws").micro is False
    assert connect(USD_M, "/public/ws?timeUnit=MICROSECOND").micro is False


# Control messages.


def test_streams_are_subscribed_once_and_unsubscribed():
    session = connect(SPOT, "/ws")
    say(session, "SUBSCRIBE", "a@trade", "b@trade")
    say(session, "SUBSCRIBE", "a@trade")
    assert list(session.names) == ["a@trade", "b@trade"]
    assert say(session, "UNSUBSCRIBE", "a@trade", "c@trade", request_id=7) == (
        {"result": None, "id": 7},
        None,
    )
    assert list(session.names) == ["b@trade"]
    assert not session.wants("a@trade")


def test_a_message_that_is_none_is_answered_and_changes_nothing():
    session = connect(SPOT, "/ws/a@trade")
    frame, code = session.hear(b"{")
    assert (json.loads(frame)["error"]["code"], code) == (3, None)
    answer, code = say(session, "SUBSCRIBED", "b@trade")
    assert (answer["error"]["code"], answer["id"], code) == (2, None, None)
    assert list(session.names) == ["a@trade"]


def test_a_stream_too_many_is_an_error_and_the_end():
    session = connect(USD_M, "/public/ws")
    names = [f"s{number}@depth" for number in range(1_024)]
    assert say(session, "SUBSCRIBE", *names) == ({"result": None, "id": 1}, None)
    assert say(session, "SUBSCRIBE", *names) == ({"result": None, "id": 1}, None)
    assert say(session, "SUBSCRIBE", "one@depth") == (
        {"error": {"code": 4, "msg": "Too many subscriptions"}, "id": 1},
        1008,
    )
    assert len(session.names) == 1_024


# Listen keys of USD-M (facts E.4).


def test_the_recommended_form_sends_the_events_that_it_names():
    session = connect(USD_M, "/private/ws?listenKey=K1&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE")
    assert told(session) == [FILL]
    assert told(session, payload={"e": "ACCOUNT_UPDATE"}) == [{"e": "ACCOUNT_UPDATE"}]
    assert told(session, payload=EXPIRED) == []
    assert told(session, "K2") == []


def test_several_accounts_on_a_combined_connection():
    session = connect(
        USD_M, "/private/stream?listenKey=K1&events=ORDER_TRADE_UPDATE&listenKey=K2&events=listenKeyExpired"
    )
    assert told(session, "K1") == [{"stream": "K1", "data": FILL}]
    assert told(session, "K1", EXPIRED) == []
    assert told(session, "K2") == []
    assert told(session, "K2", EXPIRED) == [{"stream": "K2", "data": EXPIRED}]


def test_a_key_is_subscribed_on_a_combined_private_connection():
    session = connect(USD_M, "/private/stream")
    assert told(session) == []
    assert say(session, "SUBSCRIBE", "K1") == ({"result": None, "id": 1}, None)
    assert told(session) == [{"stream": "K1", "data": FILL}]
    assert told(session, payload=EXPIRED) == [{"stream": "K1", "data": EXPIRED}]
    say(session, "UNSUBSCRIBE", "K1")
    assert told(session) == []


@pytest.mark.parametrize(
    "address",
    [
        "/private/ws?listenKey=K1",  # no list of events
        "/private/stream?listenKey=K1",
        "/private/ws/K1",  # the path form
        "/ws/K1",  # the legacy form
        "/stream?streams=K1",
        "/public/ws/K1",
        "/market/stream?streams=K1",
        "/public/ws?listenKey=K1&events=ORDER_TRADE_UPDATE",
        "/ws?listenKey=K1&events=ORDER_TRADE_UPDATE",
        "/private/ws?events=ORDER_TRADE_UPDATE",
        "/private/ws?events=ORDER_TRADE_UPDATE&listenKey=K1",
        "/private/ws?listenKey=unknown&events=ORDER_TRADE_UPDATE",
    ],
)
def test_any_other_form_connects_and_is_silent(address):
    assert told(connect(USD_M, address)) == []


@pytest.mark.parametrize("address", ["/private/ws", "/ws", "/stream", "/public/stream"])
def test_a_key_is_subscribed_nowhere_else(address):
    session = connect(USD_M, address)
    assert say(session, "SUBSCRIBE", "K1")[0] == {"result": None, "id": 1}
    assert told(session) == []


# Listen keys of COIN-M and spot.


@pytest.mark.parametrize(
    ("address", "wrapped"),
    [("/ws/K1", False), ("/stream?streams=K1", True), ("/ws/btcusd_perp@depth/K1", False)],
)
def test_a_key_is_a_stream_on_coin_m(address, wrapped):
    session = connect(COIN_M, address)
    assert told(session) == [{"stream": "K1", "data": FILL} if wrapped else FILL]
    assert told(session, "K2") == []


def test_a_key_is_subscribed_on_coin_m():
    session = connect(COIN_M, "/ws")
    say(session, "SUBSCRIBE", "K2", "unknown")
    assert told(session, "K2") == [FILL]
    assert told(session, "unknown") == []


def test_spot_knows_no_listen_keys():
    assert told(connect(SPOT, "/ws/K1")) == []
    assert told(connect(SPOT, "/ws?listenKey=K1&events=ORDER_TRADE_UPDATE")) == []
