"""What toucan-data asks Binance's REST for: the snapshots of books, and the open interest."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from toucan_data.bookrule import BookSnapshot
from toucan_data.events import OpenInterest
from toucan_data.exchange.binance.messages import DepthSnapshot, OpenInterestAnswer
from toucan_data.exchange.binance.normalise import nanoseconds
from toucan_data.numbers import finite
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.rest import Request

__all__ = [
    "SNAPSHOT_WEIGHTS",
    "decode_open_interest",
    "decode_snapshot",
    "open_interest_request",
    "snapshot_request",
]

_SNAPSHOT = msgspec.json.Decoder(DepthSnapshot)
_OPEN_INTEREST = msgspec.json.Decoder(OpenInterestAnswer)
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


def open_interest_request(exchange: Exchange, base_url: str, instrument: Instrument) -> Request:
    """Return the request for how much of an instrument is open."""
    symbol = quote(instrument.symbol, safe="")
    return Request(method="GET", url=f"{base_url}{OPEN_INTEREST_PATHS[exchange]}?symbol={symbol}", weight=1)


def decode_open_interest(body: bytes, instrument: Instrument, received_ns: int) -> OpenInterest:
    """Read how much is open.

    Raises:
        PayloadError: It cannot be read, or is of another symbol.
    """
    try:
        raw = _OPEN_INTEREST.decode(body)
        quantity = finite(raw.openInterest, "openInterest")
    except (ValueError, RecursionError, PayloadError) as error:
        raise PayloadError(f"the open interest of {instrument}", raw=body, cause=str(error)) from error
    if raw.symbol != instrument.symbol:
        raise PayloadError(f"the open interest of {instrument}", raw=body, cause=f"it is of {raw.symbol}")
    time = None if raw.time is None else nanoseconds(raw.time)
    return OpenInterest(instrument.exchange, instrument, time, received_ns, quantity)
