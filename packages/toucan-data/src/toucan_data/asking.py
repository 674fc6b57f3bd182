"""What a venue has over REST and on no stream, asked for once: open interest, funding rates, past candles."""

from __future__ import annotations

from ssl import SSLContext
from typing import TypeVar

from msgspec.structs import replace

from toucan_data.events import Candle, FundingRate, OpenInterest
from toucan_data.fetching import fetch, network_of
from toucan_data.kinds import FundingRates, OpenInterests
from toucan_data.question import CandlePages, Question
from toucan_data.venue import Venue
from toucan_instrument import Instrument
from toucan_instrument.errors import InvalidInput
from toucan_instrument.link import Clock, Network, SystemClock

__all__ = ["MOST_PAGES", "load_candles", "load_funding_rate", "load_open_interest"]

T = TypeVar("T")

MOST_PAGES = 100
"""How many requests one call may make: a longer window is most likely a mistake, as of the unit of time."""
GRACE_NS = 5_000_000_000
"""How much the clock here may be ahead of the venue's, and the venue late with its last trades."""


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
    question = venue.question(OpenInterests, instrument)
    async with network_of(network, proxy=proxy, trust_env=trust_env, ssl=ssl) as opened:
        return await _answer(venue, question, opened, clock or SystemClock(), share)


async def load_funding_rate(
    venue: Venue,
    instrument: Instrument,
    *,
    network: Network | None = None,
    proxy: str | None = None,
    trust_env: bool = False,
    ssl: SSLContext | None = None,
    clock: Clock | None = None,
    share: float = 1.0,
) -> FundingRate:
    """Ask a venue for the funding rate of a perpetual contract, as it is now.

    It is for the venues whose support table says that funding rates are over REST only; the others have the
    kind `FundingRates`. One request under the venue's budget.

    Args:
        venue: Such as ``CoinbaseAdvanced()``.
        instrument: A perpetual contract of its list.
        network: What to fetch with; one is opened, and closed again, if None.
        proxy: Address of an HTTP proxy, for a network that is opened here.
        trust_env: Whether ``HTTPS_PROXY`` and its like are honoured, likewise.
        ssl: An own TLS context, likewise.
        clock: Where time comes from.
        share: The part of the venue's request weight that may be used.

    Returns:
        The rate for one interval, as a fraction, with times in ns since the epoch, UTC.

    Raises:
        UnsupportedKind: The venue has a stream of it, or nothing like it; or the instrument has no funding,
            being a dated future.
        RequestFailed: No answer came.
        VenueError: The venue answered with an error, such as for a symbol that it does not know.
        PayloadError: Its answer cannot be read.
    """
    question = venue.question(FundingRates, instrument)
    async with network_of(network, proxy=proxy, trust_env=trust_env, ssl=ssl) as opened:
        return await _answer(venue, question, opened, clock or SystemClock(), share)


async def load_candles(
    venue: Venue,
    instrument: Instrument,
    interval: str,
    *,
    start: int | None = None,
    end: int | None = None,
    network: Network | None = None,
    proxy: str | None = None,
    trust_env: bool = False,
    ssl: SSLContext | None = None,
    clock: Clock | None = None,
    share: float = 1.0,
) -> list[Candle]:
    """Ask a venue for the candles that begin within a window, the one that is forming included.

    A window that is longer than what the venue gives in one answer is asked for in parts, under its budget.
    A candle is closed if a later one was found, or if it ended some seconds before it was asked for. What
    was not traded may be left out by the venue.

    Args:
        venue: Such as ``Coinbase()``.
        instrument: One of its list.
        interval: How long a candle is, such as ``1h``: see `Candles`; each venue has some.
        start: The first instant that a candle may begin at, ns since the epoch, UTC; None for as long before
            the end as one answer of the venue reaches.
        end: The first instant that none may begin at any more, likewise; None for now.
        network: What to fetch with; one is opened, and closed again, if None.
        proxy: Address of an HTTP proxy, for a network that is opened here.
        trust_env: Whether ``HTTPS_PROXY`` and its like are honoured, likewise.
        ssl: An own TLS context, likewise.
        clock: Where time comes from.
        share: The part of the venue's request weight that may be used.

    Returns:
        The candles, the earliest first, each once; volumes are in the venue's unit.

    Raises:
        UnsupportedKind: The venue has none over REST, or not of such an instrument.
        InvalidInput: It has none of that interval, or the window is none, or too long for one call.
        RequestFailed: No answer came.
        VenueError: The venue answered with an error, such as for a symbol that it does not know.
        PayloadError: An answer cannot be read.
    """
    pages = venue.candle_pages(instrument, interval)
    clock = clock or SystemClock()
    found: dict[int, Candle] = {}
    windows = _windows(pages, start, end, clock.utc_ns())
    async with network_of(network, proxy=proxy, trust_env=trust_env, ssl=ssl) as opened:
        for first, last in windows:
            over = clock.utc_ns() - GRACE_NS
            for candle in await _answer(venue, pages.ask(first, last), opened, clock, share):
                if first <= candle.open_time <= last:
                    found[candle.open_time] = replace(candle, closed=candle.close_time < over)
    candles = [found[open_time] for open_time in sorted(found)]
    return [replace(candle, closed=True) for candle in candles[:-1]] + candles[-1:]


async def _answer(venue: Venue, question: Question[T], network: Network, clock: Clock, share: float) -> T:
    body = await fetch(venue, question.request, network=network, clock=clock, share=share)
    return question.decode(body, clock.utc_ns())


def _windows(pages: CandlePages, start: int | None, end: int | None, now: int) -> list[tuple[int, int]]:
    """Cut a window into those of single questions, each from its first to its last instant.

    Raises:
        InvalidInput: It is no window, or needs too many questions.
    """
    for field, time in (("start", start), ("end", end)):
        if time is not None and (type(time) is not int or time < 0):
            raise InvalidInput(
                "that is no time", field=field, value=time, accepted="nanoseconds since the epoch, or None"
            )
    if start is not None and end is not None and start >= end:
        raise InvalidInput(
            "the window ends before it begins", field="end", value=end, accepted=f"above {start}"
        )
    last = now if end is None else min(end - 1, now)
    first = max(0, last + 1 - pages.span_ns) if start is None else start
    if last - first >= MOST_PAGES * pages.span_ns:
        raise InvalidInput(
            f"the window needs more than {MOST_PAGES} requests of {pages.span_ns} ns each",
            field="start",
            value=start,
            accepted=f"{last + 1 - MOST_PAGES * pages.span_ns} or later, in nanoseconds, for this end",
        )
    return [(at, min(at + pages.span_ns - 1, last)) for at in range(first, last + 1, pages.span_ns)]
