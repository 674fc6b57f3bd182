"""Candles of the past, as the test exchanges answer over REST."""

from __future__ import annotations

from decimal import Decimal

from toucan_instrument.testing.market import CandleTick, SeededMarket

__all__ = ["bars"]


def bars(
    market: SeededMarket, symbol: str, interval_ns: int, first_ns: int, last_ns: int
) -> list[CandleTick]:
    """Return the candles that begin within a window, the earliest first, up to the one that is forming.

    A seeded market has no past: the candle that is forming holds all that was traded since the market opened,
    and each one before it a single trade at the price of the opening.
    """
    tick = market.ticker(symbol)
    now = market.now_ns - market.now_ns % interval_ns
    forming = CandleTick(
        symbol, market.now_ns, now, interval_ns, tick.open, tick.high, tick.low, tick.last, tick.volume,
        tick.turnover, tick.volume, tick.turnover, tick.trades, tick.first_id, tick.last_id, closed=False,
    )  # fmt: skip
    one, price = Decimal(1), tick.open
    first = first_ns + -first_ns % interval_ns
    past = [
        CandleTick(
            symbol, at, at, interval_ns, price, price, price, price,
            one, price, one, price, 1, 1, 1, closed=True,
        )
        for at in range(first, min(last_ns + 1, now), interval_ns)
    ]  # fmt: skip
    return past + [forming] * (first <= now <= last_ns)
