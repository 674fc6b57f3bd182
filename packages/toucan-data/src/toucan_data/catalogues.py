"""The list of a venue's instruments, loaded over REST and kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from ssl import SSLContext

from toucan_data.fetching import fetch, network_of
from toucan_data.venue import Venue
from toucan_instrument import Catalogue, Instrument
from toucan_instrument.link import Clock, Network, SystemClock
from toucan_instrument.rest import Request

__all__ = ["load_instruments"]

MAX_AGE_NS = 3600 * 1_000_000_000
_LOADED: dict[tuple[Venue, bool], tuple[int, Catalogue]] = {}


async def load_instruments(
    venue: Venue,
    *,
    volumes: bool = True,
    refresh: bool = False,
    network: Network | None = None,
    proxy: str | None = None,
    trust_env: bool = False,
    ssl: SSLContext | None = None,
    clock: Clock | None = None,
    share: float = 1.0,
) -> Catalogue:
    """Load a venue's instruments with their trading rules.

    The list is kept in memory for an hour; it remembers its venue, so that what is chosen from it can be
    subscribed as it is.

    Args:
        venue: Such as ``BinanceSpot()``.
        volumes: Whether to load 24 h quote volumes too, which `Catalogue.top` needs (one more request).
        refresh: Whether to load anew whatever is in memory.
        network: What to fetch with; one is opened, and closed again, if None.
        proxy: Address of an HTTP proxy, for a network that is opened here.
        trust_env: Whether ``HTTPS_PROXY`` and its like are honoured, likewise.
        ssl: An own TLS context, likewise.
        clock: Where time comes from.
        share: The part of the venue's request weight that may be used.

    Raises:
        RequestFailed: No answer came.
        VenueError: The venue answered with an error.
        PayloadError: Its answer cannot be read.
    """
    clock = clock or SystemClock()
    kept = _LOADED.get((venue, volumes))
    if kept is not None and not refresh and clock.monotonic_ns() - kept[0] < MAX_AGE_NS:
        return kept[1]
    async with network_of(network, proxy=proxy, trust_env=trust_env, ssl=ssl) as opened:
        catalogue = await _load(venue, opened, clock, share, volumes=volumes)
    _LOADED[venue, volumes] = (clock.monotonic_ns(), catalogue)
    return catalogue


async def _load(venue: Venue, network: Network, clock: Clock, share: float, *, volumes: bool) -> Catalogue:
    async def pages(first: Request, more: Callable[[Request, bytes], Sequence[Request]]) -> list[bytes]:
        bodies, due = [], [first]
        while due:
            request = due.pop(0)
            bodies.append(await fetch(venue, request, network=network, clock=clock, share=share))
            due += more(request, bodies[-1])
        return bodies

    instruments: list[Instrument] = []
    skipped: list[tuple[str, str]] = []
    for body in await pages(venue.instruments_request(), venue.more_instruments):
        found, unread = venue.decode_instruments(body)
        instruments += found
        skipped += unread
    quote_volumes: dict[str, Decimal] = {}
    for body in await pages(venue.volumes_request(), venue.more_volumes) if volumes else ():
        quote_volumes |= venue.decode_volumes(body)
    return Catalogue(venue.exchange, instruments, quote_volumes=quote_volumes, source=venue, skipped=skipped)
