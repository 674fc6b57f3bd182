"""OKX's addresses and pools, and what its answers say."""

from __future__ import annotations

import pickle

import pytest

from toucan_instrument import (
    Environment,
    Exchange,
    InvalidInput,
    RateLimited,
    Request,
    Response,
    VenueError,
)
from toucan_instrument.exchange.okx import (
    connection_pool,
    error_of,
    read_limits,
    request_pool,
    rest_base,
)

OKX = Exchange.OKX
SECOND = 10**9
REQUEST = Request("GET", "https://x.test/api/v5/market/books?instId=BTC-USDT")


def answer(status: int, body: bytes, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


def test_addresses() -> None:
    assert rest_base(OKX, Environment.LIVE) == "https://openapi.okx.com"
    assert rest_base(OKX, Environment.DEMO) == "https://openapi.okx.com"
    with pytest.raises(InvalidInput, match="live, demo"):
        rest_base(OKX, Environment.TESTNET)


def test_pools_are_apart_and_have_sources() -> None:
    pools = [
        pool(OKX, environment)
        for pool in (request_pool, connection_pool)
        for environment in (Environment.LIVE, Environment.DEMO)
    ]
    assert len({pool.name for pool in pools}) == 4
    assert all(pool.source for pool in pools)
    assert (pools[0].limit, pools[0].window_ns) == (20, 2 * SECOND)
    assert (pools[2].limit, pools[2].window_ns) == (3, SECOND)


@pytest.mark.parametrize("body", [b'{"code":"0","msg":"","data":[]}', b'{"code":0}', b"[]", b"{}", b""])
def test_good_answers(body: bytes) -> None:
    assert error_of(OKX, REQUEST, answer(200, body)) is None


def test_an_error_may_come_with_a_good_status() -> None:
    said = b'{"code":"51001","msg":"Instrument ID does not exist.","data":[]}'
    error = error_of(OKX, REQUEST, answer(200, said))
    assert type(error) is VenueError
    assert (error.status, error.code, error.venue_message) == (200, "51001", "Instrument ID does not exist.")
    assert error.retry_after_ns == 0
    assert "instId" not in str(error)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (again.code, again.venue_message) == (error.code, error.venue_message)


@pytest.mark.parametrize(
    ("response", "wait"),
    [
        (answer(429, b'{"code":"50011","msg":"Too Many Requests"}'), 2),
        (answer(200, b'{"code":"50011","msg":"Too Many Requests"}'), 2),
        (answer(429, b"<html>", retry_after="7"), 7),
        (answer(429, b"<html>", retry_after="soon"), 2),
    ],
)
def test_a_broken_limit_says_how_long_to_wait(response: Response, wait: int) -> None:
    error = error_of(OKX, REQUEST, response)
    assert isinstance(error, RateLimited)
    assert error.retry_after_ns == wait * SECOND


def test_what_is_no_answer_of_the_venue_is_shown() -> None:
    error = error_of(OKX, REQUEST, answer(403, b"<html>Access denied"))
    assert type(error) is VenueError
    assert (error.code, error.venue_message) == (None, "<html>Access denied")


def test_limits_are_told_only_when_one_was_broken() -> None:
    note = read_limits(OKX, answer(200, b"{}"))
    assert (note.used, note.retry_after_ns, note.banned) == (None, 0, False)
    assert read_limits(OKX, answer(429, b"{}", retry_after="3")).retry_after_ns == 3 * SECOND
