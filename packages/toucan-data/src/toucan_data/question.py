"""What is asked of a venue's REST for a user, as values: a request, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from toucan_data.events import Candle
from toucan_instrument.rest import Request

__all__ = ["CandlePages", "Question"]

T = TypeVar("T")


class Question(msgspec.Struct, Generic[T], frozen=True):
    """One request, and what its answer means.

    Attributes:
        request: What is sent.
        decode: Reads the body of the answer, given also when it came, ns since the epoch, UTC. It raises
            PayloadError for a body that it cannot read.
    """

    request: Request
    decode: Callable[[bytes, int], T]


class CandlePages(msgspec.Struct, frozen=True):
    """How the candles of an instrument and an interval are asked for, a window at a time.

    Attributes:
        span_ns: How long a window may be, nanoseconds: what fits into it is never cut by the venue's limit.
        ask: Gives the question for the candles that begin from one time to another, both included, ns since
            the epoch, UTC. Its answer may be in any order, and hold candles from outside; none is closed,
            for that is told by who asks.
    """

    span_ns: int
    ask: Callable[[int, int], Question[list[Candle]]]
