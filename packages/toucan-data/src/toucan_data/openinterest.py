"""How much of a derivative is open, asked for once, at a venue that has no stream of it."""

from __future__ import annotations

from ssl import SSLContext

from toucan_data.events import OpenInterest
from toucan_data.fetching import fetch, network_of
from toucan_data.venue import Venue
from toucan_instrument import Instrument
from toucan_instrument.link import Clock, Network, SystemClock

__all__ = ["load_open_interest"]


async def load_open_interest(
    venue: Venue,
    instrument: Instrument,
    *,
    network: Network | None = None,
    proxy: str | None = None,
    trust_env: bool = False,
    ssl: SSLContext | None = None,
    clock: Clock | None = None,
    share: float = 1.0,
) -> OpenInterest:
    """Ask a venue how much of an instrument is open now.

    It is for the venues whose support table says that open interest is over REST only; the others have the
    kind `OpenInterests`. One request of little weight under the venue's budget: how often is the caller's.

    Args:
        venue: Such as ``BinanceFuturesUsd()``.
        instrument: A derivative of its list.
        network: What to fetch with; one is opened, and closed again, if None.
        proxy: Address of an HTTP proxy, for a network that is opened here.
        trust_env: Whether ``HTTPS_PROXY`` and its like are honoured, likewise.
        ssl: An own TLS context, likewise.
        clock: Where time comes from.
        share: The part of the venue's request weight that may be used.

    Returns:
        The quantity in the venue's unit, with its time and the time of receipt (ns since the epoch, UTC).

    Raises:
        UnsupportedKind: The venue has a stream of it, or nothing like it.
        RequestFailed: No answer came.
        VenueError: The venue answered with an error, such as for a symbol that it does not know.
        PayloadError: Its answer cannot be read.
    """
    request = venue.open_interest_request(instrument)
    clock = clock or SystemClock()
    async with network_of(network, proxy=proxy, trust_env=trust_env, ssl=ssl) as opened:
        body = await fetch(venue, request, network=opened, clock=clock, share=share)
    return venue.decode_open_interest(body, instrument, clock.utc_ns())
