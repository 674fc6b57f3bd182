"""Kraken's REST: addresses, pools of limits, and what an answer says; facts 1, 5 and 7."""

from __future__ import annotations

import re

import msgspec

from toucan_instrument.environment import Environment
from toucan_instrument.errors import InvalidInput, RateLimited, VenueError
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.kraken._symbols import FUTURES, SPOT
from toucan_instrument.pool import Pool
from toucan_instrument.rest import LimitNote, Request, Response

__all__ = ["connection_pool", "error_of", "read_limits", "request_pool", "rest_base"]

TOO_MANY = 429
FIRST_GOOD, FIRST_NOT_GOOD = 200, 300
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
LIVE = Environment.LIVE
PAUSE_NS = 15 * SECOND
"""How long nothing is asked for after a limit was broken, where the answer does not say: the venue does not
either, and this is more than any client that is known waits."""

_REST = {SPOT: "https://api.kraken.com", FUTURES: "https://futures.kraken.com"}
_POOLS = {
    SPOT: Pool(
        "kraken-spot", 5, 5 * SECOND, "facts 5: no number is published, one request a second is safe, 2026-10"
    ),
    FUTURES: Pool(
        "kraken-futures",
        100,
        10 * SECOND,
        "Derivatives REST, rate limits: 500 in 10 s, of which a fifth, 2026-06",
    ),
}
_CONNECTIONS = {
    # Cloudflare counts attempts of an address to all hosts of spot; what is left is for other programs.
    SPOT: (100, "facts 3: about 150 attempts in 10 minutes, then a ban of 10 minutes, 2026-10"),
    FUTURES: (100, "Derivatives WebSocket, limits: 100 connections, 2026-05-27"),
}


def rest_base(exchange: Exchange, environment: Environment) -> str:
    """Return the REST address of a market, without a path.

    Raises:
        InvalidInput: The market does not exist in that environment: the demo of the futures ended on
            2026-07-14, and spot never had one.
    """
    if environment is not LIVE:
        raise InvalidInput(
            f"{exchange.value} has no such environment",
            field="environment",
            value=environment.value,
            accepted=LIVE.value,
        )
    return _REST[exchange]


def request_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return the pool of requests that a market's address shares."""
    del environment  # there is but one
    return _POOLS[exchange]


def connection_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return how many WebSocket connections an address may open to a market."""
    del environment
    limit, source = _CONNECTIONS[exchange]
    return Pool(f"{exchange.value}/connections", limit, 10 * MINUTE, source)


class _Problem(msgspec.Struct):
    """One of ``errors`` of the futures."""

    code: int | str | None = None
    message: str = ""


class _Said(msgspec.Struct):
    """What an answer says of its own success: spot ``error``, a list; the futures ``result`` and the rest."""

    error: list[str] | str | None = None
    errors: list[_Problem] | None = None
    result: msgspec.Raw = msgspec.Raw()


_SAID = msgspec.json.Decoder(_Said)


def _read(body: bytes) -> _Said:
    try:
        return _SAID.decode(body)
    except (ValueError, RecursionError):
        return _Said()


def _problem(body: bytes) -> tuple[int | str | None, str]:
    """Return code and words of the error that a body holds; both empty where it holds none.

    Spot answers 200 whatever happened, and so do the futures.
    """
    said = _read(body)
    if isinstance(said.error, list):
        return (said.error[0], "; ".join(said.error)) if said.error else (None, "")
    if said.error:
        return said.error, said.error
    for each in said.errors or ():
        return each.code, each.message or str(each.code)
    return (None, "the result is an error") if bytes(said.result) == b'"error"' else (None, "")


_LIMITS = re.compile(r"rate limit|throttled|lockout|apilimitexceeded|too many", re.IGNORECASE)


def _limited(status: int, words: str) -> bool:
    return status == TOO_MANY or _LIMITS.search(words) is not None


def _retry_after_ns(response: Response, words: str) -> int:
    if not _limited(response.status, words):
        return 0
    text = response.headers.get("retry-after", "").strip()
    return (
        int(text) * SECOND if text.isascii() and text.isdigit() and len(text) <= len("3600000") else PAUSE_NS
    )


def read_limits(exchange: Exchange, response: Response) -> LimitNote:
    """Read what an answer says of the limits: no more than that one was broken."""
    del exchange  # the same on both
    words = _problem(response.body)[1] if b'"error' in response.body[:SHORT] else ""
    return LimitNote(retry_after_ns=_retry_after_ns(response, words))


SHORT = 4_096
"""Errors are short, and say so at the beginning."""


def error_of(exchange: Exchange, request: Request, response: Response) -> VenueError | None:
    """Return the typed error that an answer is, None if it is a good one."""
    del exchange  # the same on both
    code, words = _problem(response.body)
    good = FIRST_GOOD <= response.status < FIRST_NOT_GOOD
    if good and not words:
        return None
    if not words:  # a firewall's page, or charts, which answer in plain text
        words = response.body[:200].decode("utf-8", "replace")
    limited = _limited(response.status, words)
    return (RateLimited if limited else VenueError)(
        method=request.method,
        url=request.url,
        status=response.status,
        code=code,
        venue_message=words,
        retry_after_ns=_retry_after_ns(response, words),
    )
