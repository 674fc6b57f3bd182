from __future__ import annotations

import json

import pytest

from toucan_instrument import Exchange
from toucan_instrument.testing import binance_control as control
from toucan_instrument.testing.binance_control import Asked, Opened, opened, understood, weight

SPOT, US, USD_M, COIN_M = (each for each in Exchange if each.family == "binance")


def refusal(text: str | bytes, exchange: Exchange = SPOT) -> tuple[int, str, object]:
    frame = understood(exchange, text if isinstance(text, bytes) else text.encode())
    assert isinstance(frame, bytes)
    said = json.loads(frame)
    return said["error"]["code"], said["error"]["msg"], said["id"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (
            '{"method":"SUBSCRIBE","params":["btcusdt@depth","x@y","x@y"],"id":1}',
            Asked("SUBSCRIBE", 1, ("btcusdt@depth", "x@y")),
        ),
        ('{"id":312,"method":"UNSUBSCRIBE","params":["a@b"]}', Asked("UNSUBSCRIBE", 312, ("a@b",))),
        ('{"method":"SUBSCRIBE","params":[],"id":1}', Asked("SUBSCRIBE", 1)),
        ('{"method":"LIST_SUBSCRIPTIONS","id":3}', Asked("LIST_SUBSCRIPTIONS", 3)),
        ('{"method":"LIST_SUBSCRIPTIONS","params":[],"id":3}', Asked("LIST_SUBSCRIPTIONS", 3)),
        (
            '{"method":"SET_PROPERTY","params":["combined",false],"id":5}',
            Asked("SET_PROPERTY", 5, combined=False),
        ),
        ('{"method":"GET_PROPERTY","params":["combined"],"id":2}', Asked("GET_PROPERTY", 2)),
    ],
)
@pytest.mark.parametrize("exchange", [SPOT, USD_M])
def test_what_is_understood(exchange, text, asked):
    assert understood(exchange, text.encode()) == asked


@pytest.mark.parametrize(
    ("text", "code", "words", "given"),
    [
        ("{", 3, "Invalid JSON: expected value at line 1 column", None),
        ("", 3, "Invalid JSON: expected value at line 1 column 1", None),
        (b"\xff", 3, "Invalid JSON", None),
        ("[" * 100_000, 3, "Invalid JSON", None),
        ("[]", 2, "Invalid request: invalid type", None),
        ('{"id":1}', 2, "Invalid request: missing field `method` at line 1 column 8", None),
        (
            '{"method":"subscribe","id":1}',
            2,
            "Invalid request: unknown variant `subscribe`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST",
            None,
        ),
        (
            '{"method":"SUBSCRIBE","params":["a"]}',
            2,
            "Invalid request: request ID must be an unsigned integer",
            None,
        ),
        ('{"method":"SUBSCRIBE","params":["a"],"id":1.5}', 2, "Invalid request: request ID", None),
        ('{"method":"SUBSCRIBE","params":["a"],"id":true}', 2, "Invalid request: request ID", None),
        ('{"method":"SUBSCRIBE","id":9}', 2, "Invalid request: missing field `params`", 9),
        ('{"method":"SUBSCRIBE","params":"a","id":9}', 2, "Invalid request: invalid type", 9),
        ('{"method":"SUBSCRIBE","params":[1],"id":9}', 2, "Invalid request: invalid type", 9),
        (
            '{"method":"LIST_SUBSCRIPTIONS","params":["a"],"id":9}',
            2,
            "Invalid request: too many parameters",
            9,
        ),
        (
            '{"method":"GET_PROPERTY","params":["combined",1],"id":9}',
            2,
            "Invalid request: too many parameters",
            9,
        ),
        ('{"method":"GET_PROPERTY","id":9}', 2, "Invalid request: property name must be a string", 9),
        (
            '{"method":"GET_PROPERTY","params":[1],"id":9}',
            2,
            "Invalid request: property name must be a string",
            9,
        ),
        ('{"method":"GET_PROPERTY","params":["x"],"id":9}', 0, "Unknown property", 9),
        (
            '{"method":"SET_PROPERTY","params":["combined",1],"id":9}',
            1,
            "Invalid value type: expected Boolean",
            9,
        ),
        (
            '{"method":"SET_PROPERTY","params":["combined"],"id":9}',
            1,
            "Invalid value type: expected Boolean",
            9,
        ),
    ],
)
def test_what_is_refused(text, code, words, given):
    found = refusal(text)
    assert (found[0], found[2]) == (code, given)
    assert found[1].startswith(words)


@pytest.mark.parametrize("exchange", [SPOT, USD_M])
def test_every_market_takes_a_text_as_id(exchange):
    text = b'{"method":"LIST_SUBSCRIPTIONS","id":"a-1"}'
    assert understood(exchange, text) == Asked("LIST_SUBSCRIPTIONS", "a-1")


@pytest.mark.parametrize("given", ["null", "-5"])
def test_spot_takes_more_ids_than_the_futures(given):
    text = f'{{"method":"LIST_SUBSCRIPTIONS","id":{given}}}'
    assert understood(SPOT, text.encode()) == Asked("LIST_SUBSCRIPTIONS", json.loads(given))
    assert refusal(text, USD_M)[0] == 2


def test_answers():
    assert json.loads(control.result(None, 1)) == {"result": None, "id": 1}
    assert json.loads(control.result(["a@b"], None)) == {"result": ["a@b"], "id": None}
    assert json.loads(control.too_many(7)) == {
        "error": {"code": 4, "msg": "Too many subscriptions"},
        "id": 7,
    }
    assert control.framed("a@b", {"x": 1}, wrapped=True) == b'{"stream":"a@b","data":{"x":1}}'
    assert control.framed("a@b", {"x": 1}, wrapped=False) == b'{"x":1}'
    assert json.loads(control.shutdown_notice(5_000_000, wrapped=True)) == {
        "stream": "!serverShutdown",
        "data": {"e": "serverShutdown", "E": 5},
    }


@pytest.mark.parametrize(
    ("exchange", "path", "query", "found"),
    [
        (SPOT, "/ws", {}, Opened("", combined=False, names=())),
        (SPOT, "/ws/a@b/c@d", {}, Opened("", combined=False, names=("a@b", "c@d"))),
        (SPOT, "/stream", {"streams": "a@b/c@d/a@b"}, Opened("", combined=True, names=("a@b", "c@d"))),
        (SPOT, "/stream", {"streams": "a%40b"}, Opened("", combined=True, names=("a@b",))),
        (SPOT, "/ws", {"timeUnit": "microsecond"}, Opened("", combined=False, names=(), micro=True)),
        (USD_M, "/ws", {"timeUnit": "MICROSECOND"}, Opened("", combined=False, names=())),
        (
            USD_M,
            "/public/stream",
            {"streams": "a@depth"},
            Opened("public", combined=True, names=("a@depth",)),
        ),
        (USD_M, "/market/ws/a@b", {}, Opened("market", combined=False, names=("a@b",))),
        (COIN_M, "/public/ws", {}, None),
        (SPOT, "/stream/a", {}, None),
        (SPOT, "/", {}, None),
        (SPOT, "/ws-api/v3", {}, None),
    ],
)
def test_addresses(exchange, path, query, found):
    assert opened(exchange, path, query) == found


@pytest.mark.parametrize(
    ("exchange", "path", "query", "weighs"),
    [
        (SPOT, "/api/v3/ping", {}, 1),
        (SPOT, "/api/v3/exchangeInfo", {}, 20),
        (SPOT, "/api/v3/depth", {}, 5),
        (SPOT, "/api/v3/depth", {"limit": "5000"}, 250),
        (SPOT, "/api/v3/depth", {"limit": "x"}, 5),
        (SPOT, "/api/v3/klines", {"limit": "1000"}, 2),
        (SPOT, "/api/v3/ticker/24hr", {"symbol": "A"}, 2),
        (SPOT, "/api/v3/ticker/24hr", {"symbols": '["A","B"]'}, 2),
        (SPOT, "/api/v3/ticker/24hr", {"symbols": ",".join("A" * 21)}, 40),
        (SPOT, "/api/v3/ticker/24hr", {"symbols": ",".join("A" * 101)}, 80),
        (SPOT, "/api/v3/ticker/24hr", {}, 80),
        (SPOT, "/api/v3/ticker/price", {"symbol": "A"}, 2),
        (SPOT, "/api/v3/ticker/price", {"symbols": '["A"]'}, 4),
        (SPOT, "/api/v3/ticker/price", {}, 4),
        (SPOT, "/api/v3/ticker", {"symbols": '["A","B"]'}, 8),
        (SPOT, "/api/v3/ticker/tradingDay", {"symbols": ",".join("A" * 90)}, 200),
        (SPOT, "/api/v3/executionRules", {}, 40),
        (SPOT, "/api/v3/trades", {}, 25),
        (US, "/api/v3/aggTrades", {}, 4),
        (USD_M, "/fapi/v1/depth", {}, 10),
        (USD_M, "/fapi/v1/depth", {"limit": "50"}, 2),
        (USD_M, "/fapi/v1/depth", {"limit": "100"}, 5),
        (USD_M, "/fapi/v1/depth", {"limit": "1000"}, 20),
        (USD_M, "/fapi/v1/klines", {"limit": "99"}, 1),
        (USD_M, "/fapi/v1/klines", {"limit": "100"}, 2),
        (USD_M, "/fapi/v1/klines", {}, 5),
        (USD_M, "/fapi/v1/klines", {"limit": "1500"}, 10),
        (USD_M, "/fapi/v2/ticker/price", {}, 2),
        (USD_M, "/fapi/v1/ticker/bookTicker", {}, 5),
        (USD_M, "/fapi/v1/premiumIndex", {"symbol": "A"}, 1),
        (USD_M, "/fapi/v1/fundingRate", {}, 0),
        (COIN_M, "/dapi/v1/premiumIndex", {"symbol": "A"}, 10),
        (COIN_M, "/dapi/v1/fundingRate", {}, 1),
        (COIN_M, "/futures/data/openInterestHist", {}, 1),
        (USD_M, "/futures/data/openInterestHist", {}, 0),
        (SPOT, "/api/v3/unheardOf", {}, 1),
    ],
)
def test_weights(exchange, path, query, weighs):
    assert weight(exchange, path, query) == weighs


def test_how_much_may_be_said():
    assert control.most_messages(SPOT) == (5, 1_000_000_000)
    assert control.most_messages(COIN_M) == (10, 1_000_000_000)
