"""What toucan-data asks Kraken's REST for: the candles of the futures, which no documented stream has."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from toucan_data.candlesticks import length_ns, plain_candle
from toucan_data.events import Candle
from toucan_data.exchange.kraken.messages import Chart
from toucan_data.question import CandlePages, Question
from toucan_data.venue import check_interval
from toucan_instrument import Instrument
from toucan_instrument.errors import PayloadError
from toucan_instrument.rest import Request
from toucan_instrument.timestamps import from_ms

__all__ = ["INTERVALS", "MOST_CANDLES", "candle_pages"]

SECOND = 1_000_000_000
INTERVALS = ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w")
"""The lengths of candles, in the venue's words too; facts 7."""
MOST_CANDLES = 1000
"""How many are asked for at once. The venue publishes no number, but says where it has left some out."""
_CHART = msgspec.json.Decoder(Chart)


def candle_pages(base_url: str, instrument: Instrument, interval: str) -> CandlePages:
    """Return how the candles of a contract's trades are asked for: by seconds, of the charts (facts 7).

    Raises:
        InvalidInput: There are none of that interval.
    """
    check_interval(instrument.exchange, INTERVALS, interval)
    path = f"/api/charts/v1/trade/{quote(instrument.symbol, safe='')}/{interval}"

    def ask(first_ns: int, last_ns: int) -> Question[list[Candle]]:
        window = f"?from={-(-first_ns // SECOND)}&to={last_ns // SECOND}"
        request = Request("GET", f"{base_url}{path}{window}")
        return Question(request, lambda body, received: _decode(body, instrument, interval, received))

    return CandlePages(MOST_CANDLES * length_ns(interval), ask)


def _decode(body: bytes, instrument: Instrument, interval: str, received_ns: int) -> list[Candle]:
    what = f"the candles of {instrument}"
    try:
        chart = _CHART.decode(body)
        candles = [
            plain_candle(
                instrument,
                interval,
                from_ms(row.time),
                (row.open, row.high, row.low, row.close),
                row.volume,
                time_exchange=None,
                time_received=received_ns,
            )
            for row in chart.candles
        ]
    except (ValueError, RecursionError, PayloadError) as error:
        raise PayloadError(what, raw=body, cause=str(error)) from error
    if chart.more_candles:
        raise PayloadError(what, raw=body, cause="some of the window are left out")
    return candles
