"""Requests and responses as values that can be logged."""

from __future__ import annotations

import pickle

from toucan_instrument import Pool, Request, Response

REQUEST = Request("GET", "https://x.test/a?signature=abc", {"X-MBX-APIKEY": "key"}, weight=20)


def test_reprs_hold_no_secret() -> None:
    assert repr(REQUEST) == "Request(GET https://x.test/a, weight=20)"
    assert repr(Response(200, {"set-cookie": "secret"}, b"body")) == "Response(200, 4 bytes)"


def test_they_pickle() -> None:
    pool = Pool("binance-spot", 6_000, 60_000_000_000, "REST, 2026-04-02")
    for value in (REQUEST, Response(200, {}, b""), pool):
        assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - what was pickled here
    assert hash(pool) == hash(Pool("binance-spot", 6_000, 60_000_000_000, "REST, 2026-04-02"))


def test_each_request_has_headers_of_its_own() -> None:
    assert Request("GET", "x").headers == {}
    assert Request("GET", "x").headers is not Request("GET", "y").headers
