"""Single questions to a venue's REST, under its request budget."""

from __future__ import annotations

from toucan_data.venue import Venue
from toucan_instrument.link import Clock, Lane, Network, budget_for, call
from toucan_instrument.rest import Request

__all__ = ["fetch"]


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
