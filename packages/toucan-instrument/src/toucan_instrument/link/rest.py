"""One REST call under a budget: the only way in which toucan asks a venue anything over HTTP."""

from __future__ import annotations

import ssl as tls
from collections.abc import Callable
from typing import Protocol

from toucan_instrument.errors import AddressBanned, LinkError, RateLimited, VenueError
from toucan_instrument.link.budget import Budget, Lane
from toucan_instrument.link.clock import Clock
from toucan_instrument.link.transport import Network
from toucan_instrument.rest import Request, Response

__all__ = ["AnswerLimits", "call", "open_network"]

BANNED, TOO_MANY = 418, 429
FIRST_ERROR = 400

# Where a venue says "stop" and not for how long: Binance's shortest ban is 2 minutes, and a broken
# limit is over with its window (REST rate limits, "IP Limits", read 2026-05).
SHORTEST_BAN_NS = 120 * 1_000_000_000


class AnswerLimits(Protocol):
    """What an answer's headers say about the limits."""

    @property
    def used(self) -> int | None:
        """The weight that counts in the venue's current window, None where it does not say."""
        ...

    @property
    def retry_after_ns(self) -> int:
        """How long the venue wants no request, in nanoseconds; 0 where it asks for nothing."""
        ...

    @property
    def banned(self) -> bool:
        """Whether the address is banned."""
        ...


async def call(
    network: Network,
    budget: Budget,
    request: Request,
    *,
    lane: Lane,
    share: float = 1.0,
    read_limits: Callable[[Response], AnswerLimits],
    error_of: Callable[[Request, Response], VenueError | None],
    clock: Clock | None = None,
    prepare: Callable[[Request], Request] | None = None,
    free: bool = False,
) -> Response:
    """Wait for the budget, make the call, learn the limits from the answer, and give a good answer.

    A broken limit or a ban stops the whole budget, for every user of it in the process, for as long
    as the venue asks; where it does not say, for a window (429) or two minutes (418).

    Args:
        network: The way out.
        budget: The budget of the pool that the request counts in.
        request: What is asked; its `weight` is what the budget is charged.
        lane: What it is for.
        share: The part of the budget that this caller keeps to; see `Budget.acquire`.
        read_limits: Reads the venue's headers.
        error_of: Gives the venue's error in an answer, None where there is none.
        clock: Where time comes from; the budget's, where None.
        prepare: Makes the request ready once the budget lets it pass: what holds a time and a signature
            must not wait after it was signed.
        free: Whether a success costs nothing: the budget is charged until it is one.

    Raises:
        InvalidInput: The request's weight can never be had in that lane.
        RequestFailed: No complete answer came.
        AddressBanned: 418.
        RateLimited: 429.
        VenueError: Any other error that the venue answered.
    """
    async with budget.hold(request.weight, lane, share=share) as held:
        if prepare is not None:
            request = prepare(request)
        response = await network.fetch(request)
        # Before the budget goes on to the next: that one may be what a stop is to stop.
        limits = read_limits(response)
        if limits.used is not None:
            budget.observe(limits.used)
        stop_ns = _stop_ns(response, limits, budget)
        if stop_ns:
            now = (clock or budget.clock).monotonic_ns()
            budget.stop_until(now + stop_ns, f"{request.url.partition('?')[0]}: {response.status}")
        error = error_of(request, response)
        if error is None and response.status >= FIRST_ERROR:
            error = _unnamed(request, response, stop_ns)
        if error is None and free:
            held.refund()
    if error is not None:
        raise error
    return response


def _stop_ns(response: Response, limits: AnswerLimits, budget: Budget) -> int:
    if limits.banned or response.status == BANNED:
        return limits.retry_after_ns or max(SHORTEST_BAN_NS, budget.pool.window_ns)
    if response.status == TOO_MANY:
        return limits.retry_after_ns or budget.pool.window_ns
    return limits.retry_after_ns if response.status >= FIRST_ERROR else 0


def _unnamed(request: Request, response: Response, retry_after_ns: int) -> VenueError:
    """Make an error of an answer that the venue's own reader knew nothing to say about."""
    kind = {BANNED: AddressBanned, TOO_MANY: RateLimited}.get(response.status, VenueError)
    return kind(
        method=request.method,
        url=request.url,
        status=response.status,
        code=None,
        venue_message=response.body[:200].decode("utf-8", "replace"),
        retry_after_ns=retry_after_ns,
    )


def open_network(
    *, proxy: str | None = None, trust_env: bool = False, ssl: tls.SSLContext | None = None
) -> Network:
    """Make the usual way out, over aiohttp; see `AiohttpNetwork` for the arguments.

    Raises:
        InvalidInput: An argument that cannot work.
        LinkError: aiohttp is not installed.
    """
    try:
        from toucan_instrument.link._aiohttp import AiohttpNetwork  # noqa: PLC0415 - see below
    except ModuleNotFoundError as error:  # the one optional dependency, loaded by who dials only
        if error.name is None or not error.name.startswith("aiohttp"):
            raise
        raise LinkError("connections need aiohttp: pip install 'toucan-instrument[aiohttp]'") from error
    return AiohttpNetwork(proxy=proxy, trust_env=trust_env, ssl=ssl)
