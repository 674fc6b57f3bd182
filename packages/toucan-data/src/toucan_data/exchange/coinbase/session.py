"""One connection to Coinbase, without I/O: of Exchange, and of Advanced Trade.

Neither names the request in its answers, which list all that is subscribed: one request waits at a time.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Any

import msgspec

from toucan_data.exchange.coinbase import messages as wire
from toucan_data.feed import Feed, SessionContext
from toucan_data.requests import OpenRequest
from toucan_data.session import StreamSession
from toucan_instrument import Exchange
from toucan_instrument.errors import PayloadError
from toucan_instrument.exchange.coinbase import stream_symbol

__all__ = ["AdvancedSession", "CoinbaseSession", "ExchangeSession"]

_CLOSING = ("ErrSlowConsume", "ErrSlowRead", "Message too big")
"""What Exchange says before it closes a connection; facts 5."""
_NO_PRODUCT = " is not a valid product"


class CoinbaseSession(StreamSession):
    """What the connections of both APIs have in common."""

    def __init__(self, context: SessionContext, feeds: list[Feed]) -> None:
        """See `StreamSession`."""
        super().__init__(context, feeds)
        self._strays = 0

    @abstractmethod
    def say_again(self) -> str:
        """Return a stream that can be subscribed once more without harm: its answer is a sign of life."""

    def group(self, name: str) -> Hashable:
        """Ask for the streams of one channel in one message."""
        return name.partition(":")[0]

    def probe(self, request_id: int) -> bytes:
        """Ask for the heartbeat once more."""
        self._strays += 1
        return self.request((self.say_again(),), request_id, subscribe=True)

    def _told(self, names: Collection[str], now: int) -> None:
        """Take the list of all that is subscribed, which answers the oldest request.

        It may also answer a probe, or follow a refusal (facts 3.1): then it does not show what was asked for.
        """
        self.ponged(now)
        waiting = next(iter(self._asks.waiting.values()), None)
        if self._strays and (waiting is None or not _shows(waiting, names)):
            self._strays -= 1
        elif waiting is not None:
            self.listed(names, now)

    def _refused_by(self, message: str, reason: str, now: int) -> None:
        """Take an error: the refusal of the oldest request, or a word before the connection is closed."""
        said = f"{message}: {reason}" if reason else message
        waiting = next(iter(self._asks.waiting.values()), None)
        if waiting is None or any(mark in said for mark in _CLOSING):
            self.refused(None, None, said, now)
            return
        product = reason.strip().removesuffix(_NO_PRODUCT.strip()).strip()
        bad = [name for name in waiting.names if product and name.partition(":")[2] == product]
        self.rejected(None, None, said, now, bad=bad)


def _shows(asked: OpenRequest, names: Collection[str]) -> bool:
    """Tell whether a list of what is subscribed shows that a request was met."""
    if asked.subscribe:
        return all(name in names for name in asked.names)
    return all(name not in names for name in asked.names)


# Exchange.

_OLD_NAMES = {"level2_50": "level2_batch", "ticker_1000": "ticker_batch"}
"""Acknowledgements call some channels by their old names; facts 3.1."""
_BOOK_TYPES = ("l2update", "snapshot")


class ExchangeSession(CoinbaseSession):
    """The protocol of a connection to Exchange; facts 3.1, 5 and 6."""

    def __init__(self, context: SessionContext, feeds: list[Feed]) -> None:
        """See `StreamSession`."""
        super().__init__(context, feeds)
        self._beating: dict[str, None] = {}
        self._takers: dict[type, Callable[[Any, int], None]] = {
            wire.L2Update: self._book,
            wire.Snapshot: self._book,
            wire.Match: self._match,
            wire.LastMatch: self._match,
            wire.Ticker: self._ticker,
            wire.Heartbeat: self._heartbeat,
            wire.Subscriptions: self._subscriptions,
            wire.ErrorFrame: self._error,
        }

    def take(self, frame: bytes, now: int) -> None:
        """Take one frame."""
        try:
            message = wire.EXCHANGE.decode(frame)
        except (ValueError, RecursionError) as error:
            self._other(frame, error, now)
            return
        self._takers[type(message)](message, now)

    def _book(self, message: wire.L2Update | wire.Snapshot, now: int) -> None:
        self.hand(f"level2_batch:{message.product_id}", message, now)

    def _match(self, message: wire.Match, now: int) -> None:
        self.hand(f"matches:{message.product_id}", message, now)

    def _ticker(self, message: wire.Ticker, now: int) -> None:
        self.hand(f"ticker:{message.product_id}", message, now)

    def _heartbeat(self, message: wire.Heartbeat, now: int) -> None:
        feed = self.feeds.get(f"matches:{message.product_id}")
        if feed is not None:
            feed.handle(message, now + self.anchor)

    def _subscriptions(self, message: wire.Subscriptions, now: int) -> None:
        listed = {
            f"{_OLD_NAMES.get(channel.name, channel.name)}:{product}"
            for channel in message.channels
            for product in channel.product_ids or ()
        }
        self._told(listed, now)

    def _error(self, message: wire.ErrorFrame, now: int) -> None:
        if self._asks.waiting:
            self._strays += 1  # the list follows; facts 3.1
        self._refused_by(message.message, message.reason, now)

    def _other(self, frame: bytes, error: Exception, now: int) -> None:
        """Take what no struct reads: a frame of another channel, or one that is broken."""
        if frame.startswith(b'["'):  # `level3`, facts 6.4
            row = msgspec.json.decode(frame, type=list[Any])
            self.feed_of(f"level3:{row[1] if len(row) > 1 else ''}")
            return
        header = wire.HEADER.decode(frame)
        if header.type in _BOOK_TYPES:
            feed = self.feeds.get(f"level2_batch:{header.product_id}")
            if feed is not None and feed.sync is not None:
                feed.sync.broken(now + self.anchor, None, None, "unreadable")
        if header.type in _TYPES or not header.type:
            raise error
        self.feed_of(f"{header.type}:{header.product_id}")

    def request(self, names: tuple[str, ...], request_id: int, *, subscribe: bool) -> bytes:
        """Write ``subscribe`` or ``unsubscribe`` of one channel."""
        del request_id
        return msgspec.json.encode(
            {
                "type": "subscribe" if subscribe else "unsubscribe",
                "product_ids": [name.partition(":")[2] for name in names],
                "channels": [names[0].partition(":")[0]],
            }
        )

    def standing(self, feeds: Iterable[Feed]) -> Iterable[str]:
        """Ask for the heartbeats of products whose trades are followed, and for one at least."""
        wanted = []
        for feed in feeds:
            word, _, product = feed.channel.name.partition(":")
            if (word == "matches" or not self._beating) and product not in self._beating:
                self._beating[product] = None
                wanted.append(f"heartbeat:{product}")
        return wanted

    def unfollow(self, name: str) -> None:
        """Give up the heartbeat of a product with its trades."""
        word, _, product = name.partition(":")
        if word == "matches" and product in self._beating:
            del self._beating[product]
            self._asks.leave(f"heartbeat:{product}")

    def say_again(self) -> str:
        """Return a heartbeat."""
        product = next(iter(self._beating), None) or next(iter(self.feeds), "").partition(":")[2]
        return f"heartbeat:{product}"


_TYPES = ("match", "last_match", "ticker", "heartbeat", "subscriptions", "error", *_BOOK_TYPES)


# Advanced Trade.

HEARTBEATS = "heartbeats:heartbeats"


class AdvancedSession(CoinbaseSession):
    """The protocol of a connection to Advanced Trade; facts 3.2, 5 and 7."""

    def __init__(self, context: SessionContext, feeds: list[Feed]) -> None:
        """See `StreamSession`."""
        super().__init__(context, feeds)
        self._next = 0
        self._beating = False
        # The name of a stream by that under which it is sent: a pair in USDC comes as one in USD.
        self._names: dict[str, str] = {}
        self._takers: dict[type, Callable[[Any, int], None]] = {
            wire.L2Data: self._book,
            wire.MarketTrades: self._trades,
            wire.Tickers: self._tickers,
            wire.TickerBatch: self._tickers,
            wire.Candles: self._candles,
            wire.Heartbeats: _nothing,
            wire.Acknowledged: self._subscriptions,
        }

    def take(self, frame: bytes, now: int) -> None:
        """Take one frame; all of them are numbered together, from 0."""
        try:
            message = wire.ADVANCED.decode(frame)
        except (ValueError, RecursionError) as error:
            self._other(frame, error, now)
            return
        if self._in_turn(message.sequence_num, now):
            self._takers[type(message)](message, now)

    def _in_turn(self, number: int, now: int) -> bool:
        """Look for holes in the numbers; tell whether a frame counts, which a late one does not."""
        expected = self._next
        if number != expected:
            if self.context.open is not None and (number < expected or not expected):
                pass  # a recording: of another connection, or from the middle of one
            elif number < expected:
                return False
            else:
                self.lost(expected, number - 1, now)
        self._next = number + 1
        return True

    def _hand_all(self, word: str, parts: Iterable[tuple[str, Any]], now: int) -> None:
        """Hand on every part of a frame, by product; what one cannot be read for stops no other."""
        failed: PayloadError | ValueError | None = None
        for product, part in parts:
            name = f"{word}:{product}"
            try:
                self.hand(self._names.get(name, name), part, now)
            except (PayloadError, ValueError) as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _book(self, message: wire.L2Data, now: int) -> None:
        sent = message.timestamp
        self._hand_all("level2", ((event.product_id, (event, sent)) for event in message.events), now)

    def _trades(self, message: wire.MarketTrades, now: int) -> None:
        parts = (
            (product, (event.type, rows))
            for event in message.events
            for product, rows in _by_product(event.trades or ())
        )
        self._hand_all("market_trades", parts, now)

    def _tickers(self, message: wire.Tickers, now: int) -> None:
        sent = message.timestamp
        rows = (row for event in message.events for row in event.tickers or ())
        self._hand_all("ticker", ((row.product_id, (row, sent)) for row in rows), now)

    def _candles(self, message: wire.Candles, now: int) -> None:
        sent = message.timestamp
        parts = (
            (product, (event.type, rows, sent))
            for event in message.events
            for product, rows in _by_product(event.candles or ())
        )
        self._hand_all("candles", parts, now)

    def _subscriptions(self, message: wire.Acknowledged, now: int) -> None:
        listed = {
            f"{word}:{product}"
            for event in message.events
            for word, products in event.subscriptions.items()
            for product in products or ()
        }
        self._told({self._names.get(name, name) for name in listed} | listed, now)

    def _other(self, frame: bytes, error: Exception, now: int) -> None:
        """Take what no struct reads: an error, a frame of another channel, or one that is broken."""
        header = wire.HEADER.decode(frame)
        if header.type == "error":
            self._refused_by(header.message, header.reason, now)
        elif header.sequence_num is None or not header.channel or header.channel in _CHANNELS:
            raise error  # its number is not noted: the next frame shows that one is missing
        elif self._in_turn(header.sequence_num, now):
            self.feed_of(f"{header.channel}:{header.product_id}")

    def request(self, names: tuple[str, ...], request_id: int, *, subscribe: bool) -> bytes:
        """Write ``subscribe`` or ``unsubscribe``; a pair in USDC is asked for as the one in USD."""
        del request_id
        word = names[0].partition(":")[0]
        said: dict[str, Any] = {"type": "subscribe" if subscribe else "unsubscribe", "channel": word}
        if names[0] != HEARTBEATS:
            products = (name.partition(":")[2] for name in names)
            said["product_ids"] = [stream_symbol(Exchange.COINBASE_ADVANCED, each) for each in products]
        return msgspec.json.encode(said)

    def follow(self, feed: Feed) -> None:
        """Note under which name a stream is sent."""
        word, _, product = feed.channel.name.partition(":")
        self._names[f"{word}:{stream_symbol(self.context.exchange, product)}"] = feed.channel.name

    def unfollow(self, name: str) -> None:
        """Leave the note as it is: frames that are under way belong to the stream that was given up."""

    def standing(self, feeds: Iterable[Feed]) -> Iterable[str]:
        """Ask for the heartbeats once: without data Advanced Trade closes a connection."""
        del feeds
        asked, self._beating = self._beating, True
        return () if asked else (HEARTBEATS,)

    def say_again(self) -> str:
        """Return the heartbeats."""
        return HEARTBEATS


_CHANNELS = ("l2_data", "market_trades", "ticker", "ticker_batch", "candles", "heartbeats", "subscriptions")


def _by_product(rows: Iterable[Any]) -> Iterable[tuple[str, list[Any]]]:
    """Return rows by product, in their order."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.product_id, []).append(row)
    return found.items()


def _nothing(message: Any, now: int) -> None:
    """Take a heartbeat: that it came was noted already."""
