"""What toucan-data asks Binance's REST for: snapshots of books, open interest, and past candles."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from toucan_data.bookrule import BookSnapshot
from toucan_data.candlesticks import length_ns
from toucan_data.events import Candle, OpenInterest
from toucan_data.exchange.binance.messages import DepthSnapshot, KlineRow, OpenInterestAnswer
from toucan_data.exchange.binance.normalise import nanoseconds
from toucan_data.exchange.binance.streams import intervals
from toucan_data.numbers import all_finite, finite
from toucan_data.question import CandlePages, Question
from toucan_data.venue import check_interval
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.rest import Request

__all__ = [
    "OPEN_INTEREST_PATHS",
    "SNAPSHOT_WEIGHTS",
    "candle_pages",
    "decode_snapshot",
    "open_interest",
    "snapshot_request",
]

_SNAPSHOT = msgspec.json.Decoder(DepthSnapshot)
_OPEN_INTEREST = msgspec.json.Decoder(OpenInterestAnswer)
_KLINES = msgspec.json.Decoder(list[KlineRow])
_SPOT_WEIGHTS = {100: 5, 500: 25, 1000: 50, 5000: 250}
_FUTURES_WEIGHTS = {100: 5, 500: 10, 1000: 20}

SNAPSHOT_WEIGHTS: dict[Exchange, dict[int, int]] = {
    # facts B.1: the depths that are offered here, and what each costs of the request weight.
    Exchange.BINANCE_SPOT: _SPOT_WEIGHTS,
    Exchange.BINANCE_US_SPOT: _SPOT_WEIGHTS,
    Exchange.BINANCE_USD_M: _FUTURES_WEIGHTS,
    Exchange.BINANCE_COIN_M: _FUTURES_WEIGHTS,
}
_PATHS = {
    Exchange.BINANCE_SPOT: "/api/v3/depth",
    Exchange.BINANCE_US_SPOT: "/api/v3/depth",
    Exchange.BINANCE_USD_M: "/fapi/v1/depth",
    Exchange.BINANCE_COIN_M: "/dapi/v1/depth",
}

OPEN_INTEREST_PATHS = {
    Exchange.BINANCE_USD_M: "/fapi/v1/openInterest",
    Exchange.BINANCE_COIN_M: "/dapi/v1/openInterest",
}
"""facts C.2: weight 1; no stream has it."""


def snapshot_request(exchange: Exchange, base_url: str, instrument: Instrument, levels: int) -> Request:
    """Return the request for a book's snapshot of `levels` a side.

    Raises:
        InvalidInput: The market does not offer that depth.
    """
    weights = SNAPSHOT_WEIGHTS[exchange]
    if levels not in weights:
        raise InvalidInput(
            f"{exchange.value} has no snapshot of that depth",
            field="snapshot_levels",
            value=levels,
            accepted=", ".join(map(str, weights)),
        )
    symbol = quote(instrument.symbol, safe="")
    return Request(
        method="GET",
        url=f"{base_url}{_PATHS[exchange]}?symbol={symbol}&limit={levels}",
        weight=weights[levels],
    )


def decode_snapshot(body: bytes, levels: int) -> BookSnapshot:
    """Read a snapshot.

    Raises:
        PayloadError: It cannot be read.
    """
    try:
        raw = _SNAPSHOT.decode(body)
    except (ValueError, RecursionError) as error:
        raise PayloadError("a book's snapshot", raw=body, cause=str(error)) from error
    time = None if raw.T is None else nanoseconds(raw.T)
    return BookSnapshot(raw.lastUpdateId, raw.bids, raw.asks, time, levels)


KLINE_PATHS = {
    Exchange.BINANCE_SPOT: "/api/v3/klines",
    Exchange.BINANCE_US_SPOT: "/api/v3/klines",
    Exchange.BINANCE_USD_M: "/fapi/v1/klines",
    Exchange.BINANCE_COIN_M: "/dapi/v1/klines",
}
MOST_KLINES = 1000
_KLINE_WEIGHTS = {99: 1, 499: 2, MOST_KLINES: 5}
"""facts C.2, of the futures: so many rows and what they cost. Spot's cost the same however many they are."""
SPOT_KLINES_WEIGHT = 2
COIN_M_SPAN_NS = 200 * 86_400_000_000_000
"""facts C.2: no longer window is answered."""


def open_interest(exchange: Exchange, base_url: str, instrument: Instrument) -> Question[OpenInterest]:
    """Return the question how much of an instrument is open."""
    symbol = quote(instrument.symbol, safe="")
    request = Request("GET", f"{base_url}{OPEN_INTEREST_PATHS[exchange]}?symbol={symbol}", weight=1)
    return Question(request, lambda body, received: _decode_open_interest(body, instrument, received))


def _decode_open_interest(body: bytes, instrument: Instrument, received_ns: int) -> OpenInterest:
    try:
        raw = _OPEN_INTEREST.decode(body)
        quantity = finite(raw.openInterest, "openInterest")
    except (ValueError, RecursionError, PayloadError) as error:
        raise PayloadError(f"the open interest of {instrument}", raw=body, cause=str(error)) from error
    if raw.symbol != instrument.symbol:
        raise PayloadError(f"the open interest of {instrument}", raw=body, cause=f"it is of {raw.symbol}")
    time = None if raw.time is None else nanoseconds(raw.time)
    return OpenInterest(instrument.exchange, instrument, time, received_ns, quantity)


def candle_pages(exchange: Exchange, base_url: str, instrument: Instrument, interval: str) -> CandlePages:
    """Return how candles of the past are asked for; facts C.2.

    Raises:
        InvalidInput: There are none of that interval.
    """
    check_interval(exchange, intervals(exchange), interval)
    futures = exchange in OPEN_INTEREST_PATHS
    length = length_ns(interval)
    span = MOST_KLINES * length
    if exchange is Exchange.BINANCE_COIN_M:
        span = min(span, COIN_M_SPAN_NS)

    def ask(first_ns: int, last_ns: int) -> Question[list[Candle]]:
        rows = min((last_ns - first_ns) // length + 1, MOST_KLINES)
        weights = _KLINE_WEIGHTS.items()
        weight = next(cost for most, cost in weights if rows <= most) if futures else SPOT_KLINES_WEIGHT
        query = (
            f"symbol={quote(instrument.symbol, safe='')}&interval={interval}"
            f"&startTime={-(-first_ns // 1_000_000)}&endTime={last_ns // 1_000_000}&limit={rows}"
        )
        request = Request("GET", f"{base_url}{KLINE_PATHS[exchange]}?{query}", weight=weight)
        return Question(request, lambda body, received: _decode_klines(body, instrument, interval, received))

    return CandlePages(span, ask)


def _decode_klines(body: bytes, instrument: Instrument, interval: str, received_ns: int) -> list[Candle]:
    try:
        rows = _KLINES.decode(body)
        for row in rows:
            all_finite(row.open, row.high, row.low, row.close, row.volume)
            all_finite(row.quote_volume, row.taker_volume, row.taker_quote_volume)
    except (ValueError, RecursionError, PayloadError) as error:
        raise PayloadError(f"the candles of {instrument}", raw=body, cause=str(error)) from error
    return [
        Candle(
            instrument.exchange,
            instrument,
            None,
            received_ns,
            interval,
            nanoseconds(row.open_time),
            nanoseconds(row.close_time),
            row.open,
            row.high,
            row.low,
            row.close,
            row.volume,
            row.quote_volume,
            row.taker_volume,
            row.taker_quote_volume,
            row.trades,
            None,
            None,
            closed=False,
        )
        for row in rows
    ]
