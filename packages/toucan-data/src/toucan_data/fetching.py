"""Single questions to a venue's REST, under its request budget."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext

from toucan_data.venue import Venue
from toucan_instrument.link import Clock, Lane, Network, budget_for, call, open_network
from toucan_instrument.rest import Request

__all__ = ["fetch", "network_of"]


@asynccontextmanager
async def network_of(
    given: Network | None, *, proxy: str | None, trust_env: bool, ssl: SSLContext | None
) -> AsyncIterator[Network]:
    """Lend the network that was given, or one that is opened for this and closed again."""
    if given is not None:
        yield given
        return
    opened = open_network(proxy=proxy, trust_env=trust_env, ssl=ssl)
    try:
        yield opened
    finally:
        await opened.close()


async def fetch(venue: Venue, request: Request, *, network: Network, clock: Clock, share: float) -> bytes:
    """Return the body of an answer, once the budget has room for the request.

    Raises:
        RequestFailed: No answer came.
        VenueError: The venue answered with an error.
    """
    response = await call(
        network,
        budget_for(venue.request_pool, clock=clock),
        request,
        lane=Lane.SNAPSHOT,
        share=share,
        read_limits=venue.read_limits,
        error_of=venue.error_of,
        clock=clock,
    )
    return response.body
