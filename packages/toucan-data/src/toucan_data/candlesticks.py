"""Candles of venues that say little of them: how long they are, and when one of them is closed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from toucan_data.events import Candle
from toucan_data.numbers import all_finite
from toucan_instrument import Instrument

__all__ = ["CandleCloser", "length_ns", "plain_candle"]

SECOND = 1_000_000_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "M": 28 * 86_400}


def length_ns(interval: str) -> int:
    """Return how long a candle of an interval such as ``15m`` is, nanoseconds; of months the shortest one."""
    return int(interval[:-1]) * _UNITS[interval[-1]] * SECOND


def plain_candle(
    instrument: Instrument,
    interval: str,
    open_time: int,
    prices: tuple[Decimal, Decimal, Decimal, Decimal],
    volume: Decimal,
    *,
    time_exchange: int | None,
    time_received: int,
    trades: int | None = None,
) -> Candle:
    """Make a candle of no more than prices (open, high, low, close) and a volume; it is not closed.

    Raises:
        PayloadError: A number is not finite.
    """
    all_finite(*prices, volume)
    return Candle(
        instrument.exchange,
        instrument,
        time_exchange,
        time_received,
        interval,
        open_time,
        open_time + length_ns(interval) - 1,
        *prices,
        volume,
        None,
        None,
        None,
        trades,
        None,
        None,
        closed=False,
    )


class CandleCloser:
    """Gives the candles of one stream out, and each once more, closed, when the next one has begun.

    What was seen before a connection was lost is not closed by what comes after it: trades may have been
    missed. A candle that nothing is traded after stays open.
    """

    def __init__(self, emit: Callable[[Candle], None]) -> None:
        """Give candles to `emit`."""
        self._emit = emit
        self._last: Candle | None = None

    def take(self, candle: Candle, *, interrupted: bool = False) -> None:
        """Take the candle as it is now; one that is older than the last is left out.

        Args:
            candle: It.
            interrupted: Whether a connection was lost since the one before: `Feed.interrupted`.
        """
        last = None if interrupted else self._last
        if last is not None and candle.open_time < last.open_time:
            return
        if last is not None and candle.open_time > last.open_time and not last.closed:
            self._emit(
                replace(
                    last,
                    time_exchange=candle.time_exchange,
                    time_received=candle.time_received,
                    closed=True,
                )
            )
        self._last = candle
        self._emit(candle)

    def seed(self, candle: Candle) -> None:
        """Take a candle of the history that is sent on subscribing: it is known, and not given out."""
        if self._last is None or candle.open_time >= self._last.open_time:
            self._last = candle
