"""Errors say what happened, survive a process boundary, and hold no secrets."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from toucan_instrument import errors
from toucan_instrument.errors import (
    AddressBanned,
    DialError,
    InvalidInput,
    LinkError,
    PayloadError,
    RateLimited,
    RequestError,
    RequestFailed,
    ToucanError,
    UnknownSymbol,
    UnsupportedKind,
    VenueError,
)

SIGNED = "https://x.test/api/v3/order?symbol=BTCUSDT&signature=abcdef"
ANSWER: dict[str, Any] = {
    "method": "POST",
    "url": SIGNED,
    "status": 429,
    "code": -1003,
    "venue_message": "Too many requests",
    "retry_after_ns": 2_500_000_000,
}
EXAMPLES = [
    ToucanError("something"),
    InvalidInput("no", field="price", value=0.1, accepted="a Decimal"),
    UnknownSymbol(
        "no such", field="symbol", value="BTCUST", accepted="a symbol", near=("BTCUSDT", "BTCUSDC")
    ),
    UnsupportedKind("no such", field="kind", value="x", accepted="y"),
    LinkError("broken"),
    DialError("refused", retryable=True, retry_after_ns=5, status=503),
    RequestError("odd", method="GET", url=SIGNED),
    RequestFailed("timed out", method="GET", url=SIGNED, sent=None),
    VenueError(**ANSWER),
    RateLimited(**ANSWER),
    AddressBanned(**{**ANSWER, "status": 418, "code": None}),
    PayloadError("a book", raw=b"\xff{", cause="it is no JSON"),
]


def pickled(error: ToucanError) -> ToucanError:
    again: ToucanError = pickle.loads(pickle.dumps(error))  # noqa: S301 - what was pickled here
    return again


def test_there_is_an_example_of_each() -> None:
    assert {type(each).__name__ for each in EXAMPLES} == set(errors.__all__)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_they_can_be_copied_and_pickled(
    error: ToucanError, again: Callable[[ToucanError], ToucanError]
) -> None:
    other = again(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_none_shows_a_query(error: ToucanError) -> None:
    assert "signature" not in f"{error!s}{error!r}{vars(error)}"


def test_bad_input_names_field_value_and_what_is_right() -> None:
    error = InvalidInput("too low", field="depth", value=3, accepted="5, 10 or 20")
    assert isinstance(error, ValueError)
    assert str(error) == "depth=3: too low; accepted: 5, 10 or 20"
    assert str(InvalidInput("too low", field="depth", value=3)) == "depth=3: too low"
    assert len(str(InvalidInput("too long", field="x", value="y" * 10_000))) < 300


def test_an_unknown_symbol_names_what_is_near() -> None:
    error = UnknownSymbol("none", field="symbol", value="BTCUST", near=("BTCUSDT",))
    assert isinstance(error, InvalidInput)
    assert str(error) == "symbol='BTCUST': none; accepted: near: BTCUSDT"


def test_what_the_venue_said_is_there() -> None:
    error = RateLimited(**ANSWER)
    assert isinstance(error, VenueError)
    assert (error.status, error.code, error.retry_after_ns) == (429, -1003, 2_500_000_000)
    assert str(error) == (
        "POST https://x.test/api/v3/order: status 429, code -1003: Too many requests (retry after 2.5 s)"
    )


def test_a_payload_is_kept_whole_and_shown_in_part() -> None:
    error = PayloadError("a trade", raw=b"\xff" * 5_000, cause="garbage")
    assert len(error.raw) == 5_000
    assert len(str(error)) < 1_000
