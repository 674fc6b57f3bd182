"""Bybit's REST: addresses, pools of limits, and what an answer says of errors and limits; facts 2 and 4."""

from __future__ import annotations

import msgspec

from toucan_instrument.environment import Environment
from toucan_instrument.errors import AddressBanned, InvalidInput, RateLimited, VenueError
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.bybit._symbols import INVERSE, LINEAR, OPTION, SPOT
from toucan_instrument.pool import Pool
from toucan_instrument.rest import LimitNote, Request, Response

__all__ = ["category", "connection_pool", "error_of", "read_limits", "request_pool", "rest_base"]

SECOND = 1_000_000_000
LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO

_REST = {
    LIVE: "https://api.bybit.com",
    TESTNET: "https://api-testnet.bybit.com",
    DEMO: "https://api-demo.bybit.com",
}
_CATEGORIES = {SPOT: "spot", LINEAR: "linear", INVERSE: "inverse", OPTION: "option"}

FORBIDDEN, BANNED, TOO_MANY = 403, 418, 429
TOO_FREQUENT = b"access too frequent"
BAN_NS = 600 * SECOND
"""An address that asked too often is to stop for at least 10 minutes (facts 2)."""
MOST_DIGITS = 9
TOO_MANY_VISITS = 10006
ADDRESS_LIMIT = 10018
WINDOW_NS = 5 * SECOND


def category(exchange: Exchange) -> str:
    """Return the word that requests and addresses of streams name a market by."""
    return _CATEGORIES[exchange]


def rest_base(exchange: Exchange, environment: Environment) -> str:
    """Return the REST address of a market, without a path; all four share one.

    Raises:
        InvalidInput: The market does not exist in that environment.
    """
    try:
        return _REST[environment]
    except KeyError as error:
        raise InvalidInput(
            f"{exchange.value} has no such environment",
            field="environment",
            value=environment,
            accepted=", ".join(known.value for known in _REST),
        ) from error


def _suffix(environment: Environment) -> str:
    return "" if environment is LIVE else f"-{environment.value}"


def request_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return the pool of requests that all markets share at one address; every request counts as one."""
    del exchange
    return Pool(f"bybit{_suffix(environment)}", 600, WINDOW_NS, "Rate Limit, IP limit, 2026-07-24")


def connection_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return how many connections an address may open; all markets' streams are at one host."""
    del exchange
    # Demo has no streams of its own: its market data are those of the live host (facts 1).
    where = _suffix(LIVE if environment is DEMO else environment)
    return Pool(f"bybit{where}/connections", 500, 300 * SECOND, "Connect, IP limits, 2026-07-24")


class _Said(msgspec.Struct, rename="camel"):
    ret_code: int = 0
    ret_msg: str = ""
    time: int | None = None


_SAID = msgspec.json.Decoder(_Said)
GOOD = b'{"retCode":0,'
FIRST_GOOD, FIRST_NOT_GOOD = 200, 300


def _said(response: Response) -> _Said:
    """Return what an answer says of itself; nothing bad of one that cannot be read."""
    if response.body.startswith(GOOD):  # nearly every answer there is
        return _Said()
    try:
        return _SAID.decode(response.body)
    except (ValueError, RecursionError):  # a firewall's page
        return _Said(ret_msg=response.body[:200].decode("utf-8", "replace"))


def _too_frequent(response: Response) -> bool:
    return response.status == FORBIDDEN and TOO_FREQUENT in response.body.lower()


def read_limits(exchange: Exchange, response: Response) -> LimitNote:
    """Read what an answer says of the limits.

    An address that asks too often gets 403 with words to that effect; a 403 without them is a country that
    is not served, and says nothing of limits. Broken limits of an account come with status 200 and a code.
    """
    del exchange  # the same on all markets
    if _too_frequent(response):
        return LimitNote(retry_after_ns=_asked_ns(response) or BAN_NS, banned=True)
    if response.status in (BANNED, TOO_MANY):  # not documented: of what stands before the venue
        return LimitNote(retry_after_ns=_asked_ns(response), banned=response.status == BANNED)
    said = _said(response)
    if said.ret_code in (TOO_MANY_VISITS, ADDRESS_LIMIT):
        # There is no status for it: that it is to stop has to be said by `banned`.
        return LimitNote(retry_after_ns=_reset_ns(response, said), banned=True)
    return LimitNote()


def _asked_ns(response: Response) -> int:
    """Return how long ``Retry-After`` asks to wait, 0 where it does not."""
    text = response.headers.get("retry-after", "").strip()
    return int(text) * SECOND if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0


def _reset_ns(response: Response, said: _Said) -> int:
    """Return how long until the limit begins anew, by the answer's own time; a window where it is silent."""
    text = response.headers.get("x-bapi-limit-reset-timestamp", "")
    if said.time is None or not (text.isascii() and text.isdigit()) or len(text) > len("1700000000000"):
        return WINDOW_NS
    return min(max(0, (int(text) - said.time) * 1_000_000), BAN_NS) or WINDOW_NS


def error_of(exchange: Exchange, request: Request, response: Response) -> VenueError | None:
    """Return the typed error that an answer is, None if it is a good one: 2xx, and code 0."""
    said = _said(response)
    if FIRST_GOOD <= response.status < FIRST_NOT_GOOD and not said.ret_code:
        return None
    kind = VenueError
    if _too_frequent(response) or response.status == BANNED:
        kind = AddressBanned
    elif response.status == TOO_MANY or said.ret_code in (TOO_MANY_VISITS, ADDRESS_LIMIT):
        kind = RateLimited
    return kind(
        method=request.method,
        url=request.url,
        status=response.status,
        code=said.ret_code or None,
        venue_message=said.ret_msg,
        retry_after_ns=read_limits(exchange, response).retry_after_ns,
    )
