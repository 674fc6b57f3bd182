"""Bybit's frames as typed structs, and the decoders that read them straight from bytes.

Field names are the wire's own. Unknown fields are ignored; what a market or an older recording leaves out is
optional. Numbers come as texts and stay texts here: they are made numbers where the event is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from toucan_data.events import LevelText

__all__ = [
    "Bar",
    "Book",
    "BookData",
    "Candles",
    "Control",
    "Liquidated",
    "LiquidatedOnce",
    "Liquidations",
    "Ticker",
    "Topics",
    "TradeRow",
    "Trades",
    "Wire",
    "decode_book",
    "decode_candles",
    "decode_control",
    "decode_liquidations",
    "decode_ticker",
    "decode_topics",
    "decode_trades",
]


class Wire(msgspec.Struct, gc=False):
    """Base of the payloads."""


class TradeRow(Wire, gc=False):
    """One trade, facts 6.1; `S` is the taker's side."""

    T: int
    s: str
    S: str
    v: str
    p: str
    i: str


class Trades(Wire, gc=False):
    """``publicTrade``."""

    data: list[TradeRow]


class BookData(Wire, gc=False):
    """The levels of a `Book`."""

    b: list[LevelText]
    a: list[LevelText]
    u: int
    seq: int | None = None


class Book(Wire, gc=False):
    """``orderbook``: facts 6.2 and 6.3. `cts` is the matching engine's time, missing in old recordings."""

    type: str
    ts: int
    data: BookData
    cts: int | None = None


class Bar(Wire, gc=False):
    """One candle, facts 6.5; `end` is its last millisecond."""

    start: int
    end: int
    open: str
    close: str
    high: str
    low: str
    volume: str
    turnover: str = ""
    confirm: bool = False
    timestamp: int | None = None


class Candles(Wire, gc=False):
    """``kline``."""

    ts: int
    data: list[Bar]


class Ticker(Wire, gc=False):
    """``tickers``, facts 6.6: of a delta only what has changed is there."""

    ts: int
    data: dict[str, Any]
    type: str = "snapshot"


class Liquidated(Wire, gc=False):
    """One liquidation, facts 6.4; `S` is the side of the position, not of the order."""

    T: int
    s: str
    S: str
    v: str
    p: str


class LiquidatedOnce(Wire, gc=False):
    """The form of the retired topic ``liquidation``."""

    updatedTime: int
    symbol: str
    side: str
    size: str
    price: str


class Liquidations(Wire, gc=False):
    """``allLiquidation``, and the retired ``liquidation``, which had one for each frame."""

    data: list[Liquidated] | LiquidatedOnce


class Topics(msgspec.Struct):
    """What the options' acknowledgement says of topics."""

    failTopics: list[str] = []
    successTopics: list[str] = []


class Control(msgspec.Struct):
    """Anything: acknowledgements, errors and pongs (facts 3 and 5), and frames of any topic."""

    topic: str | None = None
    op: str = ""
    type: str = ""
    success: bool | None = None
    ret_msg: str = ""
    retCode: int | None = None
    req_id: str = ""
    data: msgspec.Raw = msgspec.Raw()


decode_trades: Callable[[bytes], Trades] = msgspec.json.Decoder(Trades).decode
decode_candles: Callable[[bytes], Candles] = msgspec.json.Decoder(Candles).decode
decode_ticker: Callable[[bytes], Ticker] = msgspec.json.Decoder(Ticker).decode
decode_liquidations: Callable[[bytes], Liquidations] = msgspec.json.Decoder(Liquidations).decode
decode_control: Callable[[bytes], Control] = msgspec.json.Decoder(Control).decode
decode_topics: Callable[[msgspec.Raw], Topics] = msgspec.json.Decoder(Topics).decode
_decode_book = msgspec.json.Decoder(Book).decode


def decode_book(frame: bytes) -> Book:
    """Read a frame of ``orderbook``; some recorders wrote its levels as objects, or with more members.

    Raises:
        ValueError: It is no such frame.
    """
    try:
        return _decode_book(frame)
    except ValueError as error:
        try:
            return _tolerant(frame)
        except ValueError:
            raise error from None


class _LooseData(msgspec.Struct):
    b: list[Any]
    a: list[Any]
    u: int
    seq: int | None = None


class _LooseBook(msgspec.Struct):
    type: str
    ts: int
    data: _LooseData
    cts: int | None = None


_decode_loose = msgspec.json.Decoder(_LooseBook).decode


def _tolerant(frame: bytes) -> Book:
    loose = _decode_loose(frame)
    bids, asks = ([_pair(level) for level in side] for side in (loose.data.b, loose.data.a))
    data = BookData(b=bids, a=asks, u=loose.data.u, seq=loose.data.seq)
    return Book(type=loose.type, ts=loose.ts, data=data, cts=loose.cts)


def _pair(level: Any) -> LevelText:
    parts = [level.get("price"), level.get("size")] if isinstance(level, dict) else level
    if isinstance(parts, list) and len(parts) >= 2:  # noqa: PLR2004 - price and size
        price, size = parts[:2]
        if isinstance(price, str) and isinstance(size, str):
            return price, size
    raise ValueError(f"{level!r} is no level")
