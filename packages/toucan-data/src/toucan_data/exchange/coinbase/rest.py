"""What toucan-data asks Coinbase's REST for: past candles; of Advanced Trade's futures what no stream has.

Both APIs want seconds, and need no key (facts 2.3 and 9).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from toucan_data.candlesticks import length_ns, plain_candle
from toucan_data.events import Candle, FundingRate, OpenInterest
from toucan_data.exchange.coinbase import messages as wire
from toucan_data.exchange.coinbase.endpoints import ADVANCED, SPOT
from toucan_data.exchange.coinbase.normalise import candle, nanoseconds
from toucan_data.kinds import FundingRates, Kind, OpenInterests
from toucan_data.numbers import finite
from toucan_data.question import CandlePages, Question
from toucan_data.venue import check_interval
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import PayloadError, UnsupportedKind
from toucan_instrument.exchange.coinbase import instruments_request
from toucan_instrument.rest import Request

__all__ = ["ASKED", "GRANULARITIES", "MOST_CANDLES", "candle_pages", "details"]

SECOND = 1_000_000_000
_MARKET = "/api/v3/brokerage/market/products"
_BARS = msgspec.json.Decoder(wire.Bars)
_EXCHANGE_BARS = msgspec.json.Decoder(list[wire.ExchangeBar])
_PRODUCT = msgspec.json.Decoder(wire.Product)

GRANULARITIES: dict[Exchange, Mapping[str, str]] = {
    SPOT: {"1m": "60", "5m": "300", "15m": "900", "1h": "3600", "6h": "21600", "1d": "86400"},
    ADVANCED: {
        "1m": "ONE_MINUTE",
        "5m": "FIVE_MINUTE",
        "15m": "FIFTEEN_MINUTE",
        "30m": "THIRTY_MINUTE",
        "1h": "ONE_HOUR",
        "2h": "TWO_HOUR",
        "4h": "FOUR_HOUR",
        "6h": "SIX_HOUR",
        "1d": "ONE_DAY",
    },
}
"""The venue's words for the lengths of candles; facts 2.3."""
MOST_CANDLES: dict[Exchange, int] = {SPOT: 300, ADVANCED: 350}
"""How many candles one answer holds; facts 2.3."""


def _get(exchange: Exchange, base_url: str, path: str) -> Request:
    """Return a request with the headers that every request to Coinbase has."""
    return Request("GET", f"{base_url}{path}", headers=instruments_request(exchange, base_url).headers)


def candle_pages(exchange: Exchange, base_url: str, instrument: Instrument, interval: str) -> CandlePages:
    """Return how candles of the past are asked for.

    Both ends are always named: without them Exchange answers with what is up to 5 minutes old (facts 2.3).

    Raises:
        InvalidInput: There are none of that interval.
    """
    words = GRANULARITIES[exchange]
    check_interval(exchange, words, interval)
    products = _MARKET if exchange is ADVANCED else "/products"
    path = f"{products}/{quote(instrument.symbol, safe='')}/candles?granularity={words[interval]}"
    read = _advanced_bars if exchange is ADVANCED else _exchange_bars

    def ask(first_ns: int, last_ns: int) -> Question[list[Candle]]:
        window = f"&start={-(-first_ns // SECOND)}&end={last_ns // SECOND}"
        request = _get(exchange, base_url, path + window)
        return Question(request, lambda body, received: read(body, instrument, interval, received))

    return CandlePages(MOST_CANDLES[exchange] * length_ns(interval), ask)


def _exchange_bars(body: bytes, instrument: Instrument, interval: str, received_ns: int) -> list[Candle]:
    try:
        return [
            plain_candle(
                instrument,
                interval,
                row.time * SECOND,
                (row.open, row.high, row.low, row.close),
                row.volume,
                time_exchange=None,
                time_received=received_ns,
            )
            for row in _EXCHANGE_BARS.decode(body)
        ]
    except (ValueError, RecursionError, PayloadError) as error:
        raise PayloadError(f"the candles of {instrument}", raw=body, cause=str(error)) from error


def _advanced_bars(body: bytes, instrument: Instrument, interval: str, received_ns: int) -> list[Candle]:
    try:
        rows = _BARS.decode(body).candles
        return [candle(instrument, row, interval, None, received_ns) for row in rows]
    except (ValueError, RecursionError, PayloadError) as error:
        raise PayloadError(f"the candles of {instrument}", raw=body, cause=str(error)) from error


def details(kind: Kind[Any], base_url: str, instrument: Instrument) -> Question[Any]:
    """Return the question for what Advanced Trade says of a future: one of `ASKED`; facts 9."""
    request = _get(ADVANCED, base_url, f"{_MARKET}/{quote(instrument.symbol, safe='')}")
    read, what = ASKED[kind], f"{kind!r} of {instrument}"

    def decode(body: bytes, received_ns: int) -> Any:
        try:
            product = _PRODUCT.decode(body)
        except (ValueError, RecursionError) as error:
            raise PayloadError(what, raw=body, cause=str(error)) from error
        if product.product_id != instrument.symbol:
            raise PayloadError(what, raw=body, cause=f"it is of {product.product_id}")
        found = product.future_product_details
        if found is None:
            raise PayloadError(what, raw=body, cause="nothing is said of a future")
        try:
            return read(found, instrument, received_ns)
        except PayloadError as error:
            raise PayloadError(what, raw=body, cause=str(error)) from error

    return Question(request, decode)


def _open_interest(found: wire.FutureDetails, instrument: Instrument, received_ns: int) -> OpenInterest:
    """Return how many contracts are open; there is no time with it."""
    quantity = finite(found.open_interest or "", "open_interest")
    return OpenInterest(instrument.exchange, instrument, None, received_ns, quantity)


_INTERVAL = re.compile(r"(?P<seconds>[1-9][0-9]{0,8})s", re.ASCII)


def _funding_rate(found: wire.FutureDetails, instrument: Instrument, received_ns: int) -> FundingRate:
    """Return the rate of the coming funding, of a perpetual: what has a rate is one (facts 9).

    Raises:
        UnsupportedKind: It is a dated future, which has none.
    """
    if not found.funding_rate:
        raise UnsupportedKind(
            f"{instrument} has no funding, being a dated future",
            field="instrument",
            value=instrument.symbol,
            accepted="a perpetual contract",
        )
    rate = finite(found.funding_rate, "funding_rate")
    interval = _interval_ns(found.funding_interval)
    due = nanoseconds(found.funding_time)
    if due is not None and due <= received_ns:  # of the last funding: the next one is some intervals later
        due = None if interval is None else due + ((received_ns - due) // interval + 1) * interval
    return FundingRate(instrument.exchange, instrument, None, received_ns, rate, due, interval)


def _interval_ns(text: str | None) -> int | None:
    if not text:
        return None
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise PayloadError("funding_interval", raw=text.encode(errors="replace"), cause='not as "3600s"')
    return int(match["seconds"]) * SECOND


ASKED: dict[Kind[Any], Callable[[wire.FutureDetails, Instrument, int], Any]] = {
    FundingRates: _funding_rate,
    OpenInterests: _open_interest,
}
"""The kinds that Advanced Trade has over REST only, and what reads each."""
