"""Binance's frames as typed structs, and the decoders that read them straight from bytes.

Field names are the wire's own, which differ only by case (``e``/``E``, ``t``/``T``): decoding is case
sensitive. Unknown fields are ignored; what a market or an older recording leaves out is optional.
What comes a thousand times a second is decoded as text, and made a number where the event is made: msgspec's
own Decimals cost twice as much.

Every type has two decoders: for the payload alone, and for the combined form
``{"stream": "<name>", "data": <payload>}``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from toucan_data.events import LevelText

__all__ = [
    "AggTrade",
    "BookTicker",
    "BookTickerRow",
    "Control",
    "Depth",
    "DepthSnapshot",
    "Envelope",
    "ErrorBody",
    "ForceOrder",
    "ForceOrderBody",
    "Header",
    "Kline",
    "KlineBody",
    "KlineRow",
    "MarkPriceUpdate",
    "OpenInterestAnswer",
    "PartialDepth",
    "Ticker",
    "Trade",
    "Wire",
    "envelope_decoder",
    "tolerant_depth",
]

T = TypeVar("T")


class Wire(msgspec.Struct, gc=False):
    """Base of the payloads."""


class Trade(Wire, gc=False):
    """``@trade``, facts A.5.1."""

    T: int
    t: int
    p: str
    q: str
    m: bool


class AggTrade(Wire, gc=False):
    """``@aggTrade``, facts A.5.1 and A.5.2."""

    T: int
    a: int
    f: int
    l: int  # noqa: E741 - the wire's own name
    p: str
    q: str
    m: bool


class BookTicker(Wire, gc=False):
    """``@bookTicker``; spot gives no time."""

    u: int
    b: str
    B: str
    a: str
    A: str
    T: int | None = None


class BookTickerRow(BookTicker, gc=False, kw_only=True):
    """``!bookTicker``: the tops of a whole market, each naming its symbol."""

    s: str
    st: int | None = None


class Depth(Wire, gc=False):
    """``@depth``, the diff; on the futures also ``@depth<n>``, a whole picture of the top."""

    E: int
    U: int
    u: int
    b: list[LevelText]
    a: list[LevelText]
    pu: int | None = None
    T: int | None = None


class PartialDepth(Wire, gc=False):
    """``@depth<n>`` of spot: no event type, no symbol, no time."""

    lastUpdateId: int
    bids: list[LevelText]
    asks: list[LevelText]


class DepthSnapshot(Wire, gc=False):
    """``GET depth``; the futures add times."""

    lastUpdateId: int
    bids: list[LevelText]
    asks: list[LevelText]
    T: int | None = None


class OpenInterestAnswer(Wire, gc=False):
    """``GET openInterest``; COIN-M adds the pair and the sort of contract."""

    openInterest: str
    symbol: str
    time: int | None = None


class KlineRow(Wire, gc=False, array_like=True):
    """A row of ``GET klines``; its quote volumes are of the base asset on COIN-M."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    close_time: int
    quote_volume: Decimal
    trades: int
    taker_volume: Decimal
    taker_quote_volume: Decimal


class KlineBody(Wire, gc=False):
    """The candle of a `Kline`."""

    t: int
    T: int
    i: str
    o: Decimal
    c: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the wire's own name
    v: Decimal
    f: int = -1
    L: int = -1
    n: int | None = None
    x: bool = False
    q: Decimal | None = None
    V: Decimal | None = None
    Q: Decimal | None = None


class Kline(Wire, gc=False):
    """``@kline_<interval>``."""

    E: int
    k: KlineBody


class Ticker(Wire, gc=False):
    """``@ticker`` and ``@miniTicker``: what the short form and the futures leave out is None."""

    E: int
    s: str
    c: Decimal
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the wire's own name
    v: Decimal
    q: Decimal
    p: Decimal | None = None
    P: Decimal | None = None
    w: Decimal | None = None
    Q: Decimal | None = None
    b: Decimal | None = None
    B: Decimal | None = None
    a: Decimal | None = None
    A: Decimal | None = None
    O: int | None = None  # noqa: E741 - the wire's own name
    C: int | None = None
    F: int | None = None
    L: int | None = None
    n: int | None = None
    st: int | None = None


class MarkPriceUpdate(Wire, gc=False):
    """``@markPrice``; ``r`` is empty and ``T`` zero for dated futures."""

    E: int
    s: str
    p: Decimal
    i: str = ""
    P: str = ""
    ap: str = ""
    r: str = ""
    T: int = 0
    st: int | None = None


class ForceOrderBody(Wire, gc=False):
    """The order of a `ForceOrder`."""

    s: str
    S: str
    q: Decimal
    p: Decimal
    T: int
    o: str = ""
    f: str = ""
    ap: str = ""
    X: str = ""
    l: str = ""  # noqa: E741 - the wire's own name
    z: str = ""


class ForceOrder(Wire, gc=False):
    """``@forceOrder``; ``!forceOrder@arr`` sends one object too, in spite of its name."""

    E: int
    o: ForceOrderBody
    st: int | None = None


class Envelope(msgspec.Struct, Generic[T], gc=False):
    """The combined form; the stream's name is read from the bytes, without decoding."""

    data: T


class ErrorBody(msgspec.Struct):
    """The nested form of an error reply."""

    code: int | None = None
    msg: str = ""


class Control(msgspec.Struct):
    """Anything: answers, errors (flat and nested, facts A.3), and frames whose stream is not known."""

    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None
    code: int | None = None
    msg: str = ""
    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    e: str | None = None


class Header(msgspec.Struct):
    """What tells payloads apart that came without a stream's name."""

    e: str | None = None
    s: str | None = None
    u: int | None = None
    lastUpdateId: int | None = None
    A: Any = None
    subscriptionId: int | None = None


def envelope_decoder(payload: type[T]) -> msgspec.json.Decoder[Envelope[T]]:
    """Return the decoder for the combined form of a payload."""
    return msgspec.json.Decoder(Envelope[payload])  # type: ignore[valid-type]


class _LongDepth(msgspec.Struct):
    """Depth whose levels have more than two members, as spot sent them until 2019."""

    E: int
    U: int
    u: int
    b: list[list[Any]]
    a: list[list[Any]]
    pu: int | None = None
    T: int | None = None


_LONG_DEPTH = msgspec.json.Decoder(_LongDepth)


def tolerant_depth(payload: bytes | msgspec.Raw) -> Depth:
    """Read a depth payload whose levels carry more than price and quantity.

    Raises:
        ValueError: It is no such payload.
    """
    long = _LONG_DEPTH.decode(payload)
    bids, asks = ([_pair(level) for level in side] for side in (long.b, long.a))
    return Depth(E=long.E, U=long.U, u=long.u, b=bids, a=asks, pu=long.pu, T=long.T)


def _pair(level: list[Any]) -> LevelText:
    if len(level) < 2 or not isinstance(level[0], str) or not isinstance(level[1], str):  # noqa: PLR2004
        raise ValueError(f"{level!r} is no level")
    return level[0], level[1]
