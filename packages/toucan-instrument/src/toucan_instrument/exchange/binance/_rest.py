"""Binance's REST: addresses, pools of limits, and what an answer's status and headers say."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from toucan_instrument.environment import Environment
from toucan_instrument.errors import AddressBanned, InvalidInput, RateLimited, VenueError
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.binance._symbols import COIN_M, SPOT, US, USD_M
from toucan_instrument.pool import Pool
from toucan_instrument.rest import LimitNote, Request, Response
from toucan_instrument.timestamps import from_datetime, from_ms

__all__ = [
    "LimitNote",
    "connection_pool",
    "error_of",
    "read_limits",
    "request_pool",
    "rest_base",
    "rest_prefix",
]

BANNED, TOO_MANY = 418, 429
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO

_REST = {  # facts C.1
    (SPOT, LIVE): "https://api.binance.com",
    (SPOT, TESTNET): "https://testnet.binance.vision",
    (SPOT, DEMO): "https://demo-api.binance.com",
    (US, LIVE): "https://api.binance.us",
    (USD_M, LIVE): "https://fapi.binance.com",
    (USD_M, TESTNET): "https://testnet.binancefuture.com",
    (USD_M, DEMO): "https://demo-fapi.binance.com",
    (COIN_M, LIVE): "https://dapi.binance.com",
    (COIN_M, TESTNET): "https://testnet.binancefuture.com",
    (COIN_M, DEMO): "https://demo-dapi.binance.com",
}
_PREFIX = {SPOT: "/api/v3", US: "/api/v3", USD_M: "/fapi/v1", COIN_M: "/dapi/v1"}

_WEIGHTS = {  # facts C.4: name, weight per minute, document
    SPOT: ("binance-spot", 6_000, "REST (spot), IP limits, 2026-04-02"),
    US: ("binance-us-spot", 1_200, "exchangeInfo of Binance.US, 2021-10-12"),
    # One pool for both futures hosts since 2026-06. Testnet and demo are one back end (facts C.1), which
    # allows 6000: two pools of 2400 keep within it.
    USD_M: ("binance-futures", 2_400, "CM-UM Integration Notice A.3, 2026-06-10"),
    COIN_M: ("binance-futures", 2_400, "CM-UM Integration Notice A.3, 2026-06-10"),
}


def rest_base(exchange: Exchange, environment: Environment) -> str:
    """Return the REST address of a market, without a path.

    Raises:
        InvalidInput: The market does not exist in that environment.
    """
    try:
        return _REST[exchange, environment]
    except KeyError as error:
        raise InvalidInput(
            f"{exchange.value} has no such environment",
            field="environment",
            value=environment.value,
            accepted=", ".join(env.value for of, env in _REST if of is exchange),
        ) from error


def rest_prefix(exchange: Exchange) -> str:
    """Return what the paths of a market's public endpoints begin with."""
    return _PREFIX[exchange]


def request_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return the pool of request weight that a market's address shares."""
    name, limit, source = _WEIGHTS[exchange]
    suffix = "" if environment is LIVE else f"-{environment.value}"
    return Pool(f"{name}{suffix}", limit, MINUTE, source)


def connection_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return how many WebSocket connections an address may open to a market."""
    suffix = "" if environment is LIVE else f"-{environment.value}"
    source = (
        "Streams (spot), 300 per 5 minutes"
        if exchange in (SPOT, US)
        else "as spot: not in the futures' documents of 2026-05-28"
    )
    return Pool(f"{exchange.value}{suffix}/connections", 300, 5 * MINUTE, source)


def read_limits(exchange: Exchange, response: Response) -> LimitNote:
    """Read what an answer says of the limits, facts C.4 and C.8."""
    del exchange  # the same on all markets
    headers = response.headers
    return LimitNote(
        used=_digits(headers.get("x-mbx-used-weight-1m", headers.get("x-mbx-used-weight", ""))),
        retry_after_ns=_retry_after_ns(response),
        banned=response.status == BANNED,
    )


_UNTIL = re.compile(rb"banned until ([0-9]{13})\b")
MOST_DIGITS = 9


def _digits(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _retry_after_ns(response: Response) -> int:
    """Return ``Retry-After`` (seconds, or a date), else how long the text of a ban says that it lasts.

    Moments are counted from the answer's own ``Date``: there is no clock here.
    """
    text = response.headers.get("retry-after", "")
    if not text and response.status not in (BANNED, TOO_MANY):
        return 0  # nearly every answer there is
    seconds = _digits(text)
    if seconds is not None:
        return seconds * SECOND
    now = _date(response.headers.get("date", ""))
    if now is None:
        return 0
    until = _date(text)
    if until is not None:
        return max(0, from_datetime(until) - from_datetime(now))
    match = _UNTIL.search(response.body) if response.status in (BANNED, TOO_MANY) else None
    return max(0, from_ms(int(match[1])) - from_datetime(now)) if match else 0


_DATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _date(text: str) -> datetime | None:
    """Read a date of HTTP (RFC 9110, 5.6.7); `strptime` would ask the user's locale for the month."""
    match = _DATE.fullmatch(text.strip())
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[group]) for group in (1, 3, 4, 5, 6))
    try:
        return datetime(year, _MONTHS.index(match[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


class _Error(msgspec.Struct):
    code: int | str | None = None
    msg: str = ""


_ERROR = msgspec.json.Decoder(_Error)
FIRST_GOOD, FIRST_NOT_GOOD = 200, 300


def error_of(exchange: Exchange, request: Request, response: Response) -> VenueError | None:
    """Return the typed error that an answer is, None if it is a good one (2xx)."""
    del exchange  # the same on all markets
    if FIRST_GOOD <= response.status < FIRST_NOT_GOOD:
        return None
    try:
        said = _ERROR.decode(response.body)
    except (ValueError, RecursionError):  # a firewall's page
        said = _Error(msg=response.body[:200].decode("utf-8", "replace"))
    kinds = {TOO_MANY: RateLimited, BANNED: AddressBanned}
    return kinds.get(response.status, VenueError)(
        method=request.method,
        url=request.url,
        status=response.status,
        code=said.code,
        venue_message=said.msg,
        retry_after_ns=_retry_after_ns(response),
    )
