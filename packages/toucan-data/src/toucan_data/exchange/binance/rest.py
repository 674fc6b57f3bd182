"""What toucan-data asks Binance's REST for: the snapshots of books."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from toucan_data.bookrule import BookSnapshot
from toucan_data.exchange.binance.messages import DepthSnapshot
from toucan_data.exchange.binance.normalise import nanoseconds
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.rest import Request

__all__ = ["SNAPSHOT_WEIGHTS", "decode_snapshot", "snapshot_request"]

_SNAPSHOT = msgspec.json.Decoder(DepthSnapshot)
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
