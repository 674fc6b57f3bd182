"""Coinbase's frames as typed structs, and the decoders that read them straight from bytes.

The two APIs have nothing in common: Exchange names a frame by its ``type``, Advanced Trade by its
``channel``, under an envelope that numbers every frame of the connection. Unknown fields are ignored; what
an older recording leaves out is optional. An empty text is a number that is not there (facts 2.2).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from toucan_data.events import LevelText

__all__ = [
    "ADVANCED",
    "EXCHANGE",
    "HEADER",
    "Acknowledged",
    "Bar",
    "Bars",
    "CandleEvent",
    "CandleRow",
    "Candles",
    "Change",
    "Envelope",
    "ErrorFrame",
    "ExchangeBar",
    "FutureDetails",
    "Header",
    "Heartbeat",
    "Heartbeats",
    "L2Data",
    "L2Event",
    "L2Row",
    "L2Update",
    "LastMatch",
    "MarketTrades",
    "Match",
    "Product",
    "Snapshot",
    "Subscribed",
    "SubscriptionEvent",
    "Subscriptions",
    "Ticker",
    "TickerBatch",
    "TickerEvent",
    "TickerRow",
    "Tickers",
    "TradeEvent",
    "TradeRow",
]

Change = tuple[str, str, str]
"""Side, price and the new quantity of a level."""


class Header(msgspec.Struct, gc=False):
    """What names a frame of either API, for those that no other struct here reads."""

    type: str = ""
    channel: str = ""
    product_id: str = ""
    sequence_num: int | None = None
    message: str = ""
    reason: str = ""


# Exchange.


class _ExchangeFrame(msgspec.Struct, gc=False, tag_field="type"):
    """Base of the frames of Exchange, facts 6."""


class Snapshot(_ExchangeFrame, gc=False, tag="snapshot"):
    """``level2_batch``: the whole book; it has a time since 2023-03-02."""

    product_id: str
    bids: list[LevelText]
    asks: list[LevelText]
    time: str | None = None


class L2Update(_ExchangeFrame, gc=False, tag="l2update"):
    """``level2_batch``: what has changed within 50 ms; ``buy`` is a bid."""

    product_id: str
    changes: list[Change]
    time: str | None = None


class Match(_ExchangeFrame, gc=False, tag="match"):
    """``matches``: one fill; the side is the maker's."""

    product_id: str
    trade_id: int
    side: str
    size: str
    price: str
    time: str


class LastMatch(Match, gc=False, tag="last_match"):
    """``matches``: the fill before the subscription."""


class Ticker(_ExchangeFrame, gc=False, tag="ticker"):
    """``ticker`` and ``ticker_batch``; anything may be missing, of what was never traded the price too."""

    product_id: str
    price: str | None = None
    sequence: int | None = None
    open_24h: str | None = None
    volume_24h: str | None = None
    low_24h: str | None = None
    high_24h: str | None = None
    best_bid: str | None = None
    best_bid_size: str | None = None
    best_ask: str | None = None
    best_ask_size: str | None = None
    time: str | None = None
    trade_id: int | None = None
    last_size: str | None = None


class Heartbeat(_ExchangeFrame, gc=False, tag="heartbeat"):
    """``heartbeat``: once a second and product, with the newest trade."""

    product_id: str
    last_trade_id: int


class Subscribed(msgspec.Struct, gc=False):
    """One channel of `Subscriptions`."""

    name: str
    product_ids: list[str] | None = None


class Subscriptions(_ExchangeFrame, gc=False, tag="subscriptions"):
    """The whole list of what is subscribed, after every request."""

    channels: list[Subscribed]


class ErrorFrame(_ExchangeFrame, gc=False, tag="error"):
    """What was refused, or why the connection is about to be closed."""

    message: str = ""
    reason: str = ""


EXCHANGE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    Snapshot | L2Update | Match | LastMatch | Ticker | Heartbeat | Subscriptions | ErrorFrame
)
"""Reads any frame of Exchange's channels that are offered here."""


# Advanced Trade.


class Envelope(msgspec.Struct, gc=False, tag_field="channel", kw_only=True):
    """Base of the frames of Advanced Trade, facts 7."""

    sequence_num: int
    timestamp: str = ""


class L2Row(msgspec.Struct, gc=False):
    """A level; the side is ``bid`` or ``offer``."""

    side: str
    price_level: str
    new_quantity: str
    event_time: str | None = None


class L2Event(msgspec.Struct, gc=False):
    """A whole book, or changes of it."""

    type: str
    product_id: str
    updates: list[L2Row] | None = None


class L2Data(Envelope, gc=False, tag="l2_data"):
    """``level2``."""

    events: list[L2Event]


class TradeRow(msgspec.Struct, gc=False):
    """One fill; the side is the maker's."""

    product_id: str
    trade_id: str
    price: str
    size: str
    time: str
    side: str


class TradeEvent(msgspec.Struct, gc=False):
    """Fills, the newest first, of any products."""

    type: str
    trades: list[TradeRow] | None = None


class MarketTrades(Envelope, gc=False, tag="market_trades"):
    """``market_trades``: what happened within 250 ms."""

    events: list[TradeEvent]


class TickerRow(msgspec.Struct, gc=False):
    """24 h statistics; ``ticker_batch`` has no best prices, what was never traded no price."""

    product_id: str
    price: str | None = None
    volume_24_h: str | None = None
    low_24_h: str | None = None
    high_24_h: str | None = None
    price_percent_chg_24_h: str | None = None
    best_bid: str | None = None
    best_bid_quantity: str | None = None
    best_ask: str | None = None
    best_ask_quantity: str | None = None


class TickerEvent(msgspec.Struct, gc=False):
    """Statistics of some products."""

    tickers: list[TickerRow] | None = None


class Tickers(Envelope, gc=False, tag="ticker"):
    """``ticker``."""

    events: list[TickerEvent]


class TickerBatch(Tickers, gc=False, tag="ticker_batch"):
    """``ticker_batch``, which is not subscribed here, but is found in recordings."""


class Bar(msgspec.Struct, gc=False):
    """A candle, of any length over REST; the start in seconds."""

    start: str
    high: str
    low: str
    open: str
    close: str
    volume: str


class CandleRow(Bar, gc=False):
    """A candle of 5 minutes."""

    product_id: str


class CandleEvent(msgspec.Struct, gc=False):
    """Candles of some products."""

    type: str
    candles: list[CandleRow] | None = None


class Candles(Envelope, gc=False, tag="candles"):
    """``candles``."""

    events: list[CandleEvent]


class Heartbeats(Envelope, gc=False, tag="heartbeats"):
    """``heartbeats``: once a second and connection; that it comes is all that it says."""


class SubscriptionEvent(msgspec.Struct, gc=False):
    """What is subscribed, by channel."""

    subscriptions: dict[str, list[str] | None]


class Acknowledged(Envelope, gc=False, tag="subscriptions"):
    """The whole list of what is subscribed, after every request."""

    events: list[SubscriptionEvent]


ADVANCED: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    L2Data | MarketTrades | Tickers | TickerBatch | Candles | Heartbeats | Acknowledged
)
"""Reads any frame of Advanced Trade's channels that are offered here."""
HEADER: msgspec.json.Decoder[Header] = msgspec.json.Decoder(Header)
"""Reads what names a frame."""


# REST, facts 2.3 and 9.


class ExchangeBar(msgspec.Struct, gc=False, array_like=True):
    """A candle of Exchange: the time in seconds; the low comes before the high."""

    time: int
    low: Decimal
    high: Decimal
    open: Decimal
    close: Decimal
    volume: Decimal


class Bars(msgspec.Struct):
    """Candles of Advanced Trade."""

    candles: list[Bar]


class FutureDetails(msgspec.Struct):
    """What Advanced Trade says of a future; a text is empty where there is nothing."""

    funding_rate: str | None = None
    funding_interval: str | None = None
    funding_time: str | None = None
    open_interest: str | None = None


class Product(msgspec.Struct):
    """A product of Advanced Trade, as far as it is about a future."""

    product_id: str
    future_product_details: FutureDetails | None = None
