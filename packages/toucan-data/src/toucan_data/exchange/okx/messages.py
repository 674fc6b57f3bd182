"""OKX's frames as typed structs, and the decoders that read them straight from bytes; facts 3 and 6.

Every frame of data is ``{"arg": {...}, "data": [...]}``, with an ``action`` for books alone. Numbers of time
and of order are written as texts and as numbers: these decoders take both. Unknown fields are ignored; what
older recordings leave out is optional. Prices and quantities are kept as texts until an event is made.
"""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

__all__ = [
    "Arg",
    "Book",
    "CandleRow",
    "Control",
    "Envelope",
    "Funding",
    "Interest",
    "Level",
    "LiquidatedOrder",
    "Liquidations",
    "Mark",
    "SnapshotBody",
    "Ticker",
    "Trade",
    "Wire",
    "decoder",
]

T = TypeVar("T")

CandleRow: TypeAlias = list[str]
"""Open time, four prices, volumes in three units, and whether it is closed; older ones are shorter."""


class Wire(msgspec.Struct, gc=False):
    """Base of the rows."""


class Arg(Wire, gc=False):
    """What a channel is told by; facts 3."""

    channel: str = ""
    instId: str = ""
    instType: str = ""
    instFamily: str = ""
    sprdId: str = ""


class Trade(Wire, gc=False):
    """``trades`` and ``trades-all``, facts 6.1: `count` fills, of which `tradeId` is the last."""

    tradeId: int
    px: str
    sz: str
    side: str
    ts: int
    count: int = 1


class Level(Wire, array_like=True, gc=False):
    """A level of a book; a zero without meaning and the number of orders follow."""

    price: str
    quantity: str


class Book(Wire, gc=False):
    """``bbo-tbt``, ``books5``, ``books`` and its kin, facts 6.2 and 6.3."""

    asks: list[Level]
    bids: list[Level]
    ts: int
    seqId: int | None = None
    prevSeqId: int | None = None
    checksum: int | None = None


class LiquidatedOrder(Wire, gc=False):
    """One of the `Liquidations`; `side` is the order's."""

    side: str
    bkPx: str
    sz: str
    ts: int


class Liquidations(Wire, gc=False):
    """``liquidation-orders``, facts 6.4."""

    instId: str
    details: list[LiquidatedOrder] = []


class Ticker(Wire, gc=False):
    """``tickers``, facts 6.6; what there is not is an empty text."""

    ts: int
    instType: str = ""
    last: str = ""
    lastSz: str = ""
    askPx: str = ""
    askSz: str = ""
    bidPx: str = ""
    bidSz: str = ""
    open24h: str = ""
    high24h: str = ""
    low24h: str = ""
    vol24h: str = ""
    volCcy24h: str = ""


class Mark(Wire, gc=False):
    """``mark-price``, facts 6.7."""

    markPx: str
    ts: int


class Funding(Wire, gc=False):
    """``funding-rate``, facts 6.7; a contract that is new has no rate yet."""

    fundingRate: str = ""
    fundingTime: str = ""
    nextFundingRate: str = ""
    nextFundingTime: str = ""
    ts: str = ""


class Interest(Wire, gc=False):
    """``open-interest``, facts 6.7."""

    oi: str
    ts: int


class Envelope(msgspec.Struct, Generic[T], gc=False):
    """A frame of data."""

    data: list[T]
    action: str = ""


class Control(msgspec.Struct):
    """Anything: answers, errors, notices, and frames whose spelling of `arg` was not met before."""

    event: str | None = None
    op: str | None = None
    arg: Arg | None = None
    id: str | int | None = None
    code: str | int | None = None
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw()


class SnapshotBody(msgspec.Struct):
    """``GET /api/v5/market/books``."""

    data: list[Book]


def decoder(row: Any) -> msgspec.json.Decoder[Any]:
    """Return the decoder of the frames whose rows are of a type."""
    return msgspec.json.Decoder(Envelope[row], strict=False)
