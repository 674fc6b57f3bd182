"""Coinbase's REST: addresses, pools of limits, and what an answer's status and body say."""

from __future__ import annotations

import msgspec

from toucan_instrument.environment import Environment
from toucan_instrument.errors import InvalidInput, RateLimited, VenueError
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.coinbase._symbols import ADVANCED, EXCHANGE
from toucan_instrument.pool import Pool
from toucan_instrument.rest import LimitNote, Request, Response

__all__ = ["HEADERS", "SECOND", "connection_pool", "error_of", "read_limits", "request_pool", "rest_base"]

TOO_MANY = 429
SECOND = 1_000_000_000
LIVE, TESTNET = Environment.LIVE, Environment.TESTNET
HEADERS = {"User-Agent": "toucan"}
"""Exchange has refused requests without a User-Agent (facts 2.3)."""

_REST = {  # facts 1; the sandbox of Advanced Trade has no market data
    (EXCHANGE, LIVE): "https://api.exchange.coinbase.com",
    (EXCHANGE, TESTNET): "https://api-public.sandbox.exchange.coinbase.com",
    (ADVANCED, LIVE): "https://api.coinbase.com",
}
_REQUESTS = {  # facts 4: requests per second and address
    EXCHANGE: (10, "Exchange, Rate Limits, public endpoints, 2026-02"),
    ADVANCED: (10, "Advanced Trade, older document; unpublished in 2026-08"),
}
# Facts 4: 8 connections a second and address. Of Advanced Trade's 8 messages a second and address, which
# count over all connections, each new connection soon uses two or more: so there are fewer of them.
_CONNECTIONS = {
    EXCHANGE: (4, "Exchange, WebSocket Rate Limits: 8 a second and address, 2026-02"),
    ADVANCED: (2, "Advanced Trade, WebSocket Rate Limits: 8 a second and address, 2026-06-28"),
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


def request_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return the pool of requests that a market's address shares; every request weighs 1."""
    limit, source = _REQUESTS[exchange]
    return Pool(f"{exchange.value}{_suffix(environment)}", limit, SECOND, source)


def connection_pool(exchange: Exchange, environment: Environment) -> Pool:
    """Return how many WebSocket connections an address may open to a market."""
    limit, source = _CONNECTIONS[exchange]
    return Pool(f"{exchange.value}{_suffix(environment)}/connections", limit, SECOND, source)


def _suffix(environment: Environment) -> str:
    return "" if environment is LIVE else f"-{environment.value}"


MOST_DIGITS = 9


def read_limits(exchange: Exchange, response: Response) -> LimitNote:
    """Read what an answer says of the limits: at the most how long to wait, for no header counts requests."""
    del exchange  # the same on both
    text = response.headers.get("retry-after", "").strip()
    told = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return LimitNote(retry_after_ns=int(text) * SECOND if told else 0)


class _Error(msgspec.Struct):
    """Exchange sends ``message`` alone, Advanced Trade a word or a number in ``error`` or ``code`` too."""

    message: str = ""
    error: str | int | None = None
    code: str | int | None = None


_ERROR = msgspec.json.Decoder(_Error)
FIRST_GOOD, FIRST_NOT_GOOD = 200, 300


def error_of(exchange: Exchange, request: Request, response: Response) -> VenueError | None:
    """Return the typed error that an answer is, None if it is a good one (2xx)."""
    if FIRST_GOOD <= response.status < FIRST_NOT_GOOD:
        return None
    try:
        said = _ERROR.decode(response.body)
    except (ValueError, RecursionError):  # a firewall's page
        said = _Error(message=response.body[:200].decode("utf-8", "replace"))
    kind = RateLimited if response.status == TOO_MANY else VenueError
    return kind(
        method=request.method,
        url=request.url,
        status=response.status,
        code=said.error if said.error is not None else said.code,
        venue_message=said.message,
        retry_after_ns=read_limits(exchange, response).retry_after_ns,
    )
