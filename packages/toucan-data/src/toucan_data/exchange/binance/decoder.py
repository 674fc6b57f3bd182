"""Reading recorded frames of Binance: combined or bare, with the instruments that they themselves name."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from toucan_data.decoding import FrameDecoder, Outcome
from toucan_data.events import OrderBookL2Snapshot, OrderBookL2Update
from toucan_data.exchange.binance import messages as wire, streams
from toucan_data.exchange.binance.normalise import nanoseconds
from toucan_data.feed import Channel, Feed
from toucan_data.kinds import (
    AggregatedTrades,
    Candles,
    Kind,
    Liquidations,
    MarkPrices,
    OrderBookKind,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Tickers24h,
)
from toucan_data.sequencer import BookSnapshot, BookSync
from toucan_data.status import Gap, Status
from toucan_data.venue import Venue
from toucan_instrument import Instrument
from toucan_instrument.errors import PayloadError
from toucan_instrument.exchange.binance import symbol_of_stream

__all__ = ["BinanceDecoder", "decoder"]

_FRAME = msgspec.json.Decoder(wire.Control)
_HEADER = msgspec.json.Decoder(wire.Header)
_ROWS = msgspec.json.Decoder(list[wire.Header])
_DEPTH_PATH = re.compile(r"/(api|fapi|dapi)/v\d+/depth$")

_BY_EVENT: dict[str, Kind[Any]] = {
    "trade": PublicTrades,
    "aggTrade": AggregatedTrades,
    "bookTicker": OrderBooksL1,
    "depthUpdate": OrderBooksL2,
    "kline": Candles,
    "24hrTicker": Tickers24h,
    "24hrMiniTicker": Tickers24h,
    "markPriceUpdate": MarkPrices,
    "forceOrder": Liquidations,
}
"""What a bare payload's ``e`` says of its kind."""


class BinanceDecoder(FrameDecoder):
    """Reads frames of one of Binance's markets; see `FrameDecoder`."""

    def __init__(self, venue: Venue) -> None:
        """Start without any book."""
        super().__init__(venue)
        self._feeds: dict[tuple[str, Kind[Any]], Feed] = {}
        self._snapshots: dict[str, BookSnapshot] = {}
        self._chains: dict[Feed, int] = {}
        self._wanting: list[BookSync] = []
        self._now = 0

    def read(self, frame: bytes, time_received: int) -> Outcome:
        """See `FrameDecoder.read`."""
        self._now = time_received
        try:
            if frame.lstrip()[:1] == b"[":
                return self._read_array(frame, time_received)
            control = _FRAME.decode(frame)
        except (ValueError, RecursionError) as error:
            return self.failed(frame, str(error), time_received)
        try:
            if control.stream is not None:
                return self._read_stream(control.stream, bytes(control.data), time_received)
            if control.e is None and (control.result or control.error or control.code is not None):
                return Outcome.CONTROL
            return self._read_bare(frame, time_received)
        except (PayloadError, ValueError, RecursionError) as error:
            return self.failed(frame, str(error), time_received)

    def read_rest(self, url: str, body: bytes, time_received: int) -> bool:
        """Use the snapshots of books; other answers are passed over."""
        try:
            parts = urlsplit(url)
            if not _DEPTH_PATH.search(parts.path):
                return False
            query = parse_qs(parts.query)
            symbol = query["symbol"][0]
            levels = int(query.get("limit", ["0"])[0])
            snapshot = self.venue.decode_snapshot(body, levels or 1000)
        except KeyError:
            self.failed(body, f"the request names no symbol: {url}", time_received)
            return False
        except (PayloadError, ValueError) as error:
            self.failed(body, str(error), time_received)
            return False
        self._now = time_received
        instrument = self.venue.unchecked(symbol)
        self.emit(
            OrderBookL2Snapshot(
                instrument.exchange,
                instrument,
                snapshot.time_exchange,
                time_received,
                snapshot.last_update_id,
                snapshot.bids,
                snapshot.asks,
            )
        )
        self._snapshots[streams.stream_symbol(symbol)] = snapshot
        feed = self._feeds.get((streams.stream_symbol(symbol), OrderBooksL2))
        if feed is not None and feed.sync is not None:
            self._supply(feed.sync)
        return True

    def book_of(self, symbol: str) -> BookSync | None:
        """Return the book of a symbol as far as it was read, None if there is none."""
        feed = self._feeds.get((streams.stream_symbol(symbol), OrderBooksL2))
        return None if feed is None else feed.sync

    def _read_stream(self, name: str, data: bytes, now: int) -> Outcome:
        if name == "!serverShutdown":
            return Outcome.CONTROL
        self.of_streams(name)
        found = streams.kind_of(self.venue.exchange, name)
        if found is None:
            return Outcome.NOT_OFFERED
        symbol, kind = found
        return self._deliver(symbol, kind, data, now)

    def _read_bare(self, frame: bytes, now: int) -> Outcome:
        header = _HEADER.decode(frame)
        event = header.e
        if event == "serverShutdown":
            return Outcome.CONTROL
        if event is None:
            if header.lastUpdateId is not None:
                kind: Kind[Any] = OrderBooksL2(depth=20)
            elif header.u is not None and header.A is not None:
                kind = OrderBooksL1
            elif header.subscriptionId is not None:  # user data of the WebSocket API
                return Outcome.NOT_OFFERED
            else:
                return self.failed(frame, "neither an event of a known form nor an answer", now)
        elif event in _BY_EVENT:
            kind = _BY_EVENT[event]
        else:
            return Outcome.NOT_OFFERED
        if kind.name == "Candles":
            kind = Candles(msgspec.json.decode(frame, type=wire.Kline).k.i)
        symbol = header.s or (
            msgspec.json.decode(frame, type=wire.ForceOrder).o.s if event == "forceOrder" else ""
        )
        if not symbol and event is not None:  # a partial book of spot names none, all else must
            return self.failed(frame, "it names no symbol", now)
        return self._deliver(streams.stream_symbol(symbol), kind, frame, now)

    def _read_array(self, frame: bytes, now: int) -> Outcome:
        """Read a market-wide array that came bare."""
        rows = _ROWS.decode(frame)
        event = rows[0].e if rows else None
        if event not in {"24hrTicker", "24hrMiniTicker", "markPriceUpdate"}:
            return Outcome.NOT_OFFERED
        return self._deliver("", _BY_EVENT[event], frame, now)

    def _deliver(self, symbol: str, kind: Kind[Any], data: bytes, now: int) -> Outcome:
        if not any(kind.name == offered.name for offered in self.venue.kinds):
            return Outcome.NOT_OFFERED
        if isinstance(kind, OrderBookKind) and kind.depth is None:
            kind = OrderBooksL2  # one book, whatever its speed
        feed = self._feeds.get((symbol, kind)) or self._open(symbol, kind)
        combined = b'{"data":' + data + b"}"
        try:
            message = feed.decode(combined).data
        except ValueError:
            if feed.sync is None:
                raise
            message = wire.tolerant_depth(data)
        before = -1 if feed.sync is None else self._chains.get(feed, -1)
        feed.handle(message, now)
        while self._wanting:  # only now: a book asks in the middle of taking a delta
            self._supply(self._wanting.pop())
        if feed.sync is not None:
            self._update(feed, feed.sync, message, before, now)
        return Outcome.EVENTS

    def _open(self, symbol: str, kind: Kind[Any]) -> Feed:
        """Begin to read a stream as if it had been subscribed."""
        instrument = self._instrument(symbol) if symbol or isinstance(kind, OrderBookKind) else None
        # A recording of the futures may hold the individual trades that were never documented.
        feed = Feed(Channel("", f"{symbol}@{kind!r}", instrument, None), [kind])
        self.venue.prepare(feed, self._report, self._wanting.append, self.venue.unchecked)
        if kind is PublicTrades and instrument is not None:
            streams.prepare_trades(feed, instrument, self._report)
        if feed.ids is not None:
            feed.ids.keep_repetitions = True
        if feed.sync is None:  # updates of a maintained book are given out here, in step or not
            feed.deliver_all_to(self.emit)
        self._feeds[symbol, kind] = feed
        return feed

    def _instrument(self, symbol: str) -> Instrument:
        return self.venue.unchecked(symbol_of_stream(symbol))

    def _report(self, value: Status) -> None:
        if isinstance(value, Gap):
            self.emit(value)

    def _supply(self, sync: BookSync) -> None:
        """Give a book the snapshot that the recording holds for it."""
        symbol = streams.stream_symbol(sync.book.instrument.symbol)
        snapshot = self._snapshots.get(symbol)
        if snapshot is not None and sync.waiting and not sync.snapshot(snapshot, sync.epoch, self._now):
            del self._snapshots[symbol]

    def _update(self, feed: Feed, sync: BookSync, message: wire.Depth, before: int, now: int) -> None:
        """Give the update out, and report a break that the book, not in step, could not."""
        prior = message.U - 1 if message.pu is None else message.pu
        book = sync.book
        if not sync.live and before >= 0 and prior > before:
            self.emit(
                Gap(
                    at_ns=now,
                    exchange=book.instrument.exchange,
                    instrument=book.instrument,
                    kind=repr(OrderBooksL2),
                    first_missing=before + 1,
                    last_missing=prior,
                    reason="sequence",
                )
            )
        self._chains[feed] = message.u
        bid, ask = (book.best_bid(), book.best_ask()) if sync.live else (None, None)
        self.emit(
            OrderBookL2Update(
                book.instrument.exchange,
                book.instrument,
                nanoseconds(message.T or message.E),
                now,
                message.U,
                message.u,
                message.pu,
                message.b,
                message.a,
                bid and (format(bid.price, "f"), format(bid.quantity, "f")),
                ask and (format(ask.price, "f"), format(ask.quantity, "f")),
            )
        )


def decoder(venue: Venue) -> BinanceDecoder:
    """Return a decoder for a market of Binance."""
    return BinanceDecoder(venue)
