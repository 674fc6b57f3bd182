"""Bybit's addresses and pools, and what its answers say."""

from __future__ import annotations

import pytest

from toucan_instrument import AddressBanned, Environment, Exchange, InvalidInput, RateLimited, VenueError
from toucan_instrument.exchange.bybit import (
    category,
    connection_pool,
    error_of,
    read_limits,
    request_pool,
    rest_base,
)
from toucan_instrument.rest import LimitNote, Request, Response

MARKETS = [each for each in Exchange if each.family == "bybit"]
LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO
SECOND = 10**9
REQUEST = Request("GET", "https://x.test/v5/market/tickers?category=spot")
TOO_FREQUENT = Response(403, {}, b"Access too frequent. Please try again later.")
ABROAD = Response(403, {}, b"The Amazon CloudFront distribution is configured to block access")


def test_all_markets_share_one_address_and_one_pool() -> None:
    assert [category(each) for each in MARKETS] == ["spot", "linear", "inverse", "option"]
    for pool in (request_pool, connection_pool):
        for environment in Environment:
            assert len({pool(each, environment) for each in MARKETS}) == 1
    assert {rest_base(each, LIVE) for each in MARKETS} == {"https://api.bybit.com"}
    assert (request_pool(MARKETS[0], LIVE).limit, request_pool(MARKETS[0], LIVE).window_ns) == (
        600,
        5 * SECOND,
    )
    assert connection_pool(MARKETS[0], LIVE).limit == 500


def test_environments() -> None:
    assert len({rest_base(MARKETS[0], each) for each in Environment}) == 3
    assert len({request_pool(MARKETS[0], each).name for each in Environment}) == 3
    # Demo has no streams of its own.
    assert connection_pool(MARKETS[0], DEMO) == connection_pool(MARKETS[0], LIVE)
    assert connection_pool(MARKETS[0], TESTNET) != connection_pool(MARKETS[0], LIVE)
    with pytest.raises(InvalidInput, match="live, testnet, demo"):
        rest_base(MARKETS[0], "mars")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("response", "note"),
    [
        (Response(200, {}, b'{"retCode":0,"retMsg":"OK","result":{}}'), LimitNote()),
        (Response(200, {}, b""), LimitNote()),
        (TOO_FREQUENT, LimitNote(None, 600 * SECOND, True)),
        (ABROAD, LimitNote()),
        (Response(403, {"retry-after": "900"}, TOO_FREQUENT.body), LimitNote(None, 900 * SECOND, True)),
        (Response(429, {"retry-after": "7"}, b""), LimitNote(None, 7 * SECOND, False)),
        (Response(429, {"retry-after": "soon"}, b""), LimitNote()),
        (Response(418, {"retry-after": "9" * 50}, b""), LimitNote(None, 0, True)),
        (
            Response(
                200,
                {"x-bapi-limit-reset-timestamp": "1700000002500"},
                b'{"retCode":10006,"retMsg":"Too many visits!","time":1700000000000}',
            ),
            LimitNote(None, 2_500_000_000, True),
        ),
        (
            Response(
                200, {"x-bapi-limit-reset-timestamp": "soon"}, b'{"retCode":10006,"retMsg":"","time":1}'
            ),
            LimitNote(None, 5 * SECOND, True),
        ),
        (Response(200, {}, b'{"retCode":10018,"retMsg":"IP"}'), LimitNote(None, 5 * SECOND, True)),
    ],
)
def test_limits(response: Response, note: LimitNote) -> None:
    assert read_limits(MARKETS[0], response) == note


@pytest.mark.parametrize(
    ("response", "kind", "code", "said"),
    [
        (
            Response(200, {}, b'{"retCode":10001,"retMsg":"params error: symbol invalid","result":{}}'),
            VenueError,
            10001,
            "params error: symbol invalid",
        ),
        (Response(200, {}, b'{"retMsg":"Too many","retCode":10006}'), RateLimited, 10006, "Too many"),
        (TOO_FREQUENT, AddressBanned, None, TOO_FREQUENT.body.decode()),
        (Response(429, {}, b"slow down"), RateLimited, None, "slow down"),
        (Response(418, {}, b"teapot"), AddressBanned, None, "teapot"),
        (ABROAD, VenueError, None, ABROAD.body.decode()),
        (Response(502, {}, b"\xff\xfe"), VenueError, None, "\ufffd\ufffd"),
        (Response(500, {}, b"[" * 100_000), VenueError, None, "[" * 200),
        (Response(404, {}, b""), VenueError, None, ""),
    ],
)  # fmt: skip
def test_errors(response: Response, kind: type[VenueError], code: object, said: str) -> None:
    error = error_of(MARKETS[0], REQUEST, response)
    assert error is not None
    assert type(error) is kind
    assert (error.status, error.code, error.venue_message) == (response.status, code, said)
    assert error.retry_after_ns == read_limits(MARKETS[0], response).retry_after_ns
    assert error.url == "https://x.test/v5/market/tickers"


def test_a_good_answer_is_no_error() -> None:
    for body in (b'{"retCode":0,"retMsg":"OK"}', b'{ "retMsg": "OK", "retCode": 0 }', b"no json"):
        assert error_of(MARKETS[0], REQUEST, Response(200, {}, body)) is None
