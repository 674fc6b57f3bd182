"""Opening a connection within what a venue allows its address."""

from __future__ import annotations

from toucan_instrument.errors import DialError
from toucan_instrument.link.budget import Lane, budget_for
from toucan_instrument.link.clock import Clock
from toucan_instrument.link.transport import DialOptions, Network, Socket
from toucan_instrument.pool import Pool

__all__ = ["dial", "may_dial"]

STOPS = (418, 429)
"""Answers to a handshake that end everything from this address for a while."""


async def may_dial(connection_pool: Pool, clock: Clock) -> None:
    """Wait until the address may open another connection, and count it."""
    await budget_for(connection_pool, clock=clock).acquire(1, Lane.CANCEL)


async def dial(
    network: Network,
    url: str,
    options: DialOptions,
    *,
    connection_pool: Pool,
    request_pool: Pool,
    clock: Clock,
) -> Socket:
    """Open a connection.

    Where the venue answers that the address has asked for too much, all that share it stop.

    Raises:
        DialError: It could not be opened.
    """
    try:
        return await network.dial(url, options)
    except DialError as error:
        if error.status in STOPS:
            until = clock.monotonic_ns() + error.retry_after_ns
            for pool in (connection_pool, request_pool):
                budget_for(pool, clock=clock).stop_until(until, str(error))
        raise
