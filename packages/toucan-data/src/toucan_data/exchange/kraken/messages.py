"""Kraken's frames as typed structs, and the decoders that read them straight from bytes.

Both markets write prices and quantities as JSON numbers whose digits count: spot's checksum is made of them.
So they are read by the hook for numbers, which is given their text; one without a point comes as an int,
whose text is its digits. `text` makes one of either. Unknown fields are ignored.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from toucan_data.events import LevelText

__all__ = [
    "SPOT_DECODERS",
    "BookRow",
    "CandleRow",
    "Chart",
    "ChartRow",
    "ContractBook",
    "ContractControl",
    "ContractLevel",
    "ContractTicker",
    "ContractTrade",
    "ContractTrades",
    "Control",
    "Frame",
    "Level",
    "Result",
    "TickerRow",
    "TradeRow",
    "contract_decoder",
    "level_texts",
    "text",
]

T = TypeVar("T")


def text(number: Any) -> str:
    """Return the text of a number, as it came."""
    return number if type(number) is str else str(number)


class Level(msgspec.Struct, gc=False):
    """A price level, of both markets."""

    price: Any
    qty: Any


def level_texts(levels: list[Level]) -> list[LevelText]:
    """Return levels as texts."""
    return [(str(level.price), str(level.qty)) for level in levels]


# Spot, facts 3 and 4.


class BookRow(msgspec.Struct, gc=False):
    """``book``: a snapshot, or changes."""

    symbol: str
    bids: list[Level] = []
    asks: list[Level] = []
    checksum: int | None = None
    timestamp: str | None = None


class TradeRow(msgspec.Struct, gc=False):
    """``trade``; ``side`` is the taker's."""

    symbol: str
    side: str
    price: Any
    qty: Any
    trade_id: int
    timestamp: str


class TickerRow(msgspec.Struct, gc=False):
    """``ticker``; older ones have neither ``trades`` nor ``timestamp``."""

    symbol: str
    bid: Any = None
    bid_qty: Any = None
    ask: Any = None
    ask_qty: Any = None
    last: Any = None
    volume: Any = None
    vwap: Any = None
    low: Any = None
    high: Any = None
    change: Any = None
    change_pct: Any = None
    trades: int | None = None
    timestamp: str | None = None


class CandleRow(msgspec.Struct, gc=False):
    """``ohlc``."""

    symbol: str
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    interval_begin: str
    interval: int
    trades: int | None = None


class Frame(msgspec.Struct, Generic[T], gc=False):
    """What all channels have around their rows."""

    channel: str
    data: list[T]
    type: str = ""
    timestamp: str | None = None


class Result(msgspec.Struct):
    """What an answer says of a stream that was granted."""

    channel: str = ""
    symbol: str = ""
    depth: int | None = None
    interval: int | None = None


class Control(msgspec.Struct):
    """Anything else: answers, errors, heartbeats, and frames of channels that are not offered."""

    method: str | None = None
    result: msgspec.Raw = msgspec.Raw()
    success: bool | None = None
    error: str | None = None
    flood: str | None = msgspec.field(default=None, name="Error")
    req_id: int | None = None
    symbol: str | None = None
    channel: str | None = None


SPOT_DECODERS: dict[bytes, msgspec.json.Decoder[Any]] = {
    b"book": msgspec.json.Decoder(Frame[BookRow], float_hook=str),
    b"trade": msgspec.json.Decoder(Frame[TradeRow], float_hook=str),
    b"ticker": msgspec.json.Decoder(Frame[TickerRow], float_hook=str),
    b"ohlc": msgspec.json.Decoder(Frame[CandleRow], float_hook=str),
}
"""What reads a frame, by its channel."""


# Futures, facts 6.


class ContractLevel(msgspec.Struct, gc=False):
    """``book``: one level that has changed."""

    feed: str
    product_id: str
    side: str
    seq: int
    price: Any
    qty: Any
    timestamp: int


class ContractBook(msgspec.Struct, gc=False):
    """``book_snapshot``."""

    product_id: str
    seq: int
    bids: list[Level]
    asks: list[Level]
    timestamp: int | None = None


class ContractTrade(msgspec.Struct, gc=False):
    """``trade``; ``side`` is the taker's, ``type`` tells liquidations."""

    product_id: str
    side: str
    seq: int
    time: int
    price: Any
    qty: Any
    type: str = ""


class ContractTrades(msgspec.Struct, gc=False):
    """``trade_snapshot``: newest first."""

    product_id: str
    trades: list[ContractTrade]


class ContractTicker(msgspec.Struct, gc=False):
    """``ticker``, and ``ticker_lite``, which leaves most of it out."""

    product_id: str
    time: int | None = None
    bid: Any = None
    ask: Any = None
    bid_size: Any = None
    ask_size: Any = None
    last: Any = None
    open: Any = None
    high: Any = None
    low: Any = None
    change: Any = None
    volume: Any = None
    volumeQuote: Any = None
    index: Any = None
    markPrice: Any = None
    openInterest: Any = None
    relative_funding_rate: Any = None
    relative_funding_rate_prediction: Any = None
    next_funding_rate_time: int | None = None


class ContractControl(msgspec.Struct):
    """Anything: what tells frames apart, answers and alerts."""

    feed: str | None = None
    event: str | None = None
    product_id: str = ""
    product_ids: list[str] = []
    message: str = ""


class ChartRow(msgspec.Struct, gc=False):
    """A candle of the charts over REST (facts 7): milliseconds, and texts."""

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Chart(msgspec.Struct):
    """Candles, and whether some of the window are left out."""

    candles: list[ChartRow]
    more_candles: bool = False


_CONTRACT_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "book": msgspec.json.Decoder(ContractLevel, float_hook=str),
    "book_snapshot": msgspec.json.Decoder(ContractBook, float_hook=str),
    "trade": msgspec.json.Decoder(ContractTrade, float_hook=str),
    "trade_snapshot": msgspec.json.Decoder(ContractTrades, float_hook=str),
    "ticker": msgspec.json.Decoder(ContractTicker, float_hook=str),
    "ticker_lite": msgspec.json.Decoder(ContractTicker, float_hook=str),
}


def contract_decoder(feed: str) -> msgspec.json.Decoder[Any] | None:
    """Return what reads the frames of a feed of the futures, None for feeds that are not offered."""
    return _CONTRACT_DECODERS.get(feed)
