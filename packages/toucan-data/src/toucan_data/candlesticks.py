"""Candles of venues that never say that one is closed: it is, once a later one has begun."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from toucan_data.events import Candle

__all__ = ["CandleCloser"]


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
