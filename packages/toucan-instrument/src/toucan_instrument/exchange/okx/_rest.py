"""OKX's REST: addresses, pools of limits, and what an answer says; facts 1, 2 and 4."""

from __future__ import annotations

import msgspec

from toucan_instrument.environment import Environment
from toucan_instrument.errors import InvalidInput, RateLimited, VenueError
from toucan_instrument.exchange import Exchange
from toucan_instrument.pool import Pool
from toucan_instrument.rest import LimitNote, Request, Response

__all__ = ["connection_pool", "error_of", "read_limits", "request_pool", "rest_base"]

SECOND = 1_000_000_000
TOO_MANY = 429
FIRST_GOOD, FIRST_NOT_GOOD = 200, 300
GOOD = "0"
LIMIT_CODES = frozenset({"50011", "50061"})
"""The codes of a broken limit, whatever the status."""
MOST_DIGITS = 9
LIVE, DEMO = Environment.LIVE, Environment.DEMO
_REST = {
    # facts 1: www.okx.com until 2026. The demo is the same host, told by a header.
    LIVE: "https://openapi.okx.com",
    DEMO: "https://openapi.okx.com",
}


def rest_base(exchange: Exchange, environment: Environment) -> str:
    """Return the REST address, without a path.

    Raises:
        InvalidInput: There is no such environment.
    """
    try:
        return _REST[environment]
    except KeyError as error:
        raise InvalidInput(
            f"{exchange.value} has no such environment",
            field="environment",
            value=environment.value,
            accepted=", ".join(env.value for env in _REST),
        ) from error


def _suffix(environment: Environment) -> str:
    return "" if environment is LIVE else f"-{environment.value}"


def request_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return how many public requests an address may make.

    Every path has a count of its own; the tightest of those that are used is kept to by all together.
    """
    return Pool(
        f"{exchange.value}{_suffix(environment)}",
        20,
        2 * SECOND,
        "REST, Get instruments: 20 requests per 2 s and address, 2026-11",
    )


def connection_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return how many WebSocket connections an address may open."""
    return Pool(
        f"{exchange.value}{_suffix(environment)}/connections",
        3,
        SECOND,
        "WebSocket, Connection limit: 3 requests per second and address, 2025-08",
    )


class _Envelope(msgspec.Struct):
    code: str | int | None = None
    msg: str = ""


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def _said(response: Response) -> _Envelope | None:
    try:
        return _ENVELOPE.decode(response.body)
    except (ValueError, RecursionError):  # a firewall's page
        return None


def _retry_after_ns(response: Response) -> int:
    text = response.headers.get("retry-after", "").strip()
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0
    return seconds * SECOND


def read_limits(exchange: Exchange, response: Response) -> LimitNote:
    """Read what an answer says of the limits: how long to wait, and that only where one was broken."""
    del exchange
    return LimitNote(retry_after_ns=_retry_after_ns(response))


def error_of(exchange: Exchange, request: Request, response: Response) -> VenueError | None:
    """Return the typed error that an answer is, None if it is a good one.

    A code other than "0" is an error whatever the status: most come with 200 (facts 2).
    """
    said = _said(response)
    fine = FIRST_GOOD <= response.status < FIRST_NOT_GOOD
    if fine and (said is None or said.code is None or str(said.code) == GOOD):
        return None
    code = None if said is None or said.code is None else str(said.code)
    limited = response.status == TOO_MANY or code in LIMIT_CODES
    wait = _retry_after_ns(response)
    if limited and not wait:
        wait = request_pool(exchange, LIVE).window_ns
    return (RateLimited if limited else VenueError)(
        method=request.method,
        url=request.url,
        status=response.status,
        code=code,
        venue_message=response.body[:200].decode("utf-8", "replace") if said is None else said.msg,
        retry_after_ns=wait,
    )
