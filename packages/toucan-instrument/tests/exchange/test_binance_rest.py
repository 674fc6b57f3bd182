"""Binance's addresses and pools, and what its answers say."""

from __future__ import annotations

import pickle

import pytest

from toucan_instrument import (
    AddressBanned,
    Environment,
    Exchange,
    InvalidInput,
    RateLimited,
    Request,
    Response,
    VenueError,
)
from toucan_instrument.exchange.binance import (
    LimitNote,
    connection_pool,
    error_of,
    read_limits,
    request_pool,
    rest_base,
    rest_prefix,
)

SPOT, US, USD_M, COIN_M = (
    Exchange.BINANCE_SPOT,
    Exchange.BINANCE_US_SPOT,
    Exchange.BINANCE_USD_M,
    Exchange.BINANCE_COIN_M,
)
MARKETS = [exchange for exchange in Exchange if exchange.family == "binance"]
LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO
SECOND = 10**9
REQUEST = Request("GET", "https://x.test/api/v3/depth?symbol=BTCUSDT")


def test_every_market_is_live() -> None:
    addresses = [rest_base(exchange, LIVE) for exchange in MARKETS]
    assert len(set(addresses)) == len(addresses)
    for address in addresses:
        assert address.startswith("https://")
        assert not address.endswith("/")


def test_no_test_address_is_a_live_one() -> None:
    live = {rest_base(exchange, LIVE) for exchange in MARKETS}
    for exchange in (SPOT, USD_M, COIN_M):
        for environment in (TESTNET, DEMO):
            assert rest_base(exchange, environment) not in live


def test_binance_us_has_no_testnet() -> None:
    with pytest.raises(InvalidInput) as caught:
        rest_base(US, TESTNET)
    assert (caught.value.field, caught.value.value, caught.value.accepted) == (
        "environment",
        "testnet",
        "live",
    )


def test_prefixes() -> None:
    assert [rest_prefix(each) for each in (SPOT, US, USD_M, COIN_M)] == [
        "/api/v3",
        "/api/v3",
        "/fapi/v1",
        "/dapi/v1",
    ]


def test_the_futures_hosts_share_one_pool() -> None:
    assert request_pool(USD_M, LIVE) == request_pool(COIN_M, LIVE)
    pool = request_pool(USD_M, LIVE)
    assert (pool.name, pool.limit, pool.window_ns) == ("binance-futures", 2_400, 60 * SECOND)
    assert pool.source
    assert request_pool(SPOT, LIVE).limit == 6_000
    assert request_pool(US, LIVE).limit == 1_200


def test_each_environment_has_pools_of_its_own() -> None:
    for exchange in (SPOT, USD_M):
        for pool in (request_pool, connection_pool):
            assert len({pool(exchange, environment).name for environment in Environment}) == 3


def test_connections() -> None:
    names = set()
    for exchange in MARKETS:
        pool = connection_pool(exchange, LIVE)
        assert (pool.limit, pool.window_ns) == (300, 300 * SECOND)
        assert pool.source
        names.add(pool.name)
    assert len(names) == len(MARKETS)


@pytest.mark.parametrize(
    ("status", "headers", "body", "note"),
    [
        (200, {}, b"", LimitNote(None, 0, False)),
        (200, {"x-mbx-used-weight-1m": "57"}, b"", LimitNote(57, 0, False)),
        (200, {"x-mbx-used-weight": "57"}, b"", LimitNote(57, 0, False)),
        (200, {"x-mbx-used-weight-1m": "-1"}, b"", LimitNote(None, 0, False)),
        (200, {"x-mbx-used-weight-1m": "9" * 5_000}, b"", LimitNote(None, 0, False)),
        (429, {"retry-after": "7"}, b"", LimitNote(None, 7 * SECOND, False)),
        (418, {"retry-after": "120"}, b"", LimitNote(None, 120 * SECOND, True)),
        (418, {}, b"", LimitNote(None, 0, True)),
        (429, {"retry-after": "soon"}, b"", LimitNote(None, 0, False)),
        (
            429,
            {"retry-after": "Wed, 21 Oct 2026 07:28:09 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            b"",
            LimitNote(None, 9 * SECOND, False),
        ),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:09 GMT"}, b"", LimitNote(None, 0, False)),
        (
            429,
            {"retry-after": "Wed, 42 Oct 2026 07:28:09 GMT", "date": "Wed, 21 Och 2026 07:28:00 GMT"},
            b"",
            LimitNote(None, 0, False),
        ),
        (
            418,
            {"date": "Thu, 01 Jan 2026 00:00:00 GMT"},
            b'{"code":-1003,"msg":"Way too much; IP banned until 1767225723456. Use streams."}',
            LimitNote(None, 123_456_000_000, True),
        ),
        (
            418,
            {"date": "Thu, 01 Jan 2026 00:00:00 GMT"},
            b'{"msg":"IP banned until 1767225500000"}',  # over by now
            LimitNote(None, 0, True),
        ),
    ],
)
def test_limits(status: int, headers: dict[str, str], body: bytes, note: LimitNote) -> None:
    assert read_limits(SPOT, Response(status, headers, body)) == note
    assert pickle.loads(pickle.dumps(note)) == note  # noqa: S301 - what was pickled here


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "said"),
    [
        (400, b'{"code":-1121,"msg":"Invalid symbol."}', VenueError, -1121, "Invalid symbol."),
        (429, b'{"code":-1003,"msg":"Too many"}', RateLimited, -1003, "Too many"),
        (418, b'{"code":-1003,"msg":"banned"}', AddressBanned, -1003, "banned"),
        (403, b"<html>Forbidden</html>", VenueError, None, "<html>Forbidden</html>"),
        (451, b'{"code":0,"msg":"restricted location"}', VenueError, 0, "restricted location"),
        (502, b"\xff\xfe", VenueError, None, "\ufffd\ufffd"),
        (500, b"[" * 100_000, VenueError, None, "[" * 200),
        (500, b"", VenueError, None, ""),
        (400, b'{"code":"A","msg":"text"}', VenueError, "A", "text"),
        (302, b"", VenueError, None, ""),
    ],
)
def test_errors(status: int, body: bytes, kind: type[VenueError], code: object, said: str) -> None:
    error = error_of(SPOT, REQUEST, Response(status, {"retry-after": "3"}, body))
    assert error is not None
    assert type(error) is kind
    assert (error.status, error.code, error.venue_message) == (status, code, said)
    assert error.retry_after_ns == 3 * SECOND
    assert error.url == "https://x.test/api/v3/depth"


def test_a_good_answer_is_no_error() -> None:
    assert error_of(SPOT, REQUEST, Response(200, {}, b'{"code":-1}')) is None
