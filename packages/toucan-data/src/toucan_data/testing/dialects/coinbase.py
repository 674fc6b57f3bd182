"""Coinbase's dialects: Exchange lists everything in its answers, Advanced Trade numbers every frame."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from toucan_data.candlesticks import length_ns
from toucan_data.exchange.coinbase.rest import GRANULARITIES, MOST_CANDLES
from toucan_data.testing.bars import bars
from toucan_data.testing.dialect import Client, Dialect, Named, Said
from toucan_data.testing.wires import coinbase as wire
from toucan_instrument import Exchange, Instrument
from toucan_instrument.testing.market import (
    BookDelta,
    CandleTick,
    MarketTick,
    SeededMarket,
    TickerTick,
    TradeTick,
)

__all__ = ["AdvancedDialect", "CoinbaseDialect", "ExchangeDialect", "dialect"]

SECOND = 1_000_000_000
RECENT = 50


class _Request(msgspec.Struct):
    type: str = ""
    product_ids: list[str] = []
    channels: list[Any] = []
    channel: str = ""


class CoinbaseDialect(Dialect):
    """What both APIs have in common."""

    default_symbols: tuple[str, ...] = ("BTC-USD", "ETH-USD")
    weight_limit = 600

    def __init__(self, exchange: Exchange) -> None:
        """See `Dialect`."""
        super().__init__(exchange)
        self._now = 0

    def listed(self, symbol: str) -> Instrument:
        """See `Dialect.listed`."""
        return wire.listed(self.exchange, symbol)

    def symbols(self, count: int) -> list[str]:
        """See `Dialect.symbols`."""
        return [f"A{number}-USD" for number in range(count)]

    def refuses(self, client: Client, name: str, listed: Iterable[str]) -> bool:
        """See `Dialect.refuses`."""
        del client
        return name.partition(":")[2] not in set(listed)

    def publish(
        self, tick: MarketTick, wanted: set[str], market: SeededMarket, variant: Hashable
    ) -> Iterable[Named]:
        """See `Dialect.publish`."""
        del market, variant
        self._now = tick.time_ns
        return [(name, payload) for name, payload in self._written(tick) if name in wanted]

    @abstractmethod
    def _written(self, tick: MarketTick) -> Iterable[Named]:
        """Return what a tick sends, whoever follows it."""

    def busy(self, status: int) -> bytes:
        """See `Dialect.busy`."""
        del status
        return b'{"message":"Public rate limit exceeded"}'

    def nothing(self) -> tuple[int, bytes]:
        """See `Dialect.nothing`."""
        return 404, b'{"message":"NotFound"}'


# Exchange.

_EXCHANGE_CHANNELS = ("level2_batch", "matches", "ticker")
_KEYED = ("level2", "level3", "full")
_OLD_NAMES = {"level2_batch": "level2_50"}


class ExchangeDialect(CoinbaseDialect):
    """How Exchange speaks; facts 3.1, 5 and 6."""

    all_or_nothing: bool = True

    def __init__(self, exchange: Exchange) -> None:
        """See `Dialect`."""
        super().__init__(exchange)
        self.frames_folder: tuple[str, tuple[str, ...]] = ("coinbase", ("exchange.*.jsonl",))
        self._last_trades: dict[str, int] = {}

    def most_messages(self, client: Client) -> tuple[int, int]:
        """See `Dialect.most_messages`; facts 4."""
        del client
        return 10, SECOND

    def understand(self, client: Client, text: bytes) -> Said:
        """See `Dialect.understand`."""
        try:
            request = msgspec.json.decode(text, type=_Request)
        except ValueError:
            return Said(replies=(_refusal("Malformed JSON", ""),))
        verb = request.type
        if verb not in {"subscribe", "unsubscribe"}:
            return Said(replies=(_refusal("Unknown type", f"{verb} is not a type"),))
        failed = f"Failed to {verb}"
        pairs: list[tuple[str, str]] = []
        for channel in request.channels:
            word = channel if isinstance(channel, str) else channel.get("name", "")
            products = request.product_ids if isinstance(channel, str) else channel.get("product_ids", ())
            if word in _KEYED:
                reason = "level2, level3, and full channels now require authentication."
                return Said(replies=(_refusal(failed, reason), self._list(client, ())))
            if word not in {*_EXCHANGE_CHANNELS, "heartbeat"}:
                return Said(replies=(_refusal(failed, f"{word} is not a valid channel"),))
            if not products:
                reason = f"You need to specify at least one product ID for channel {word}"
                return Said(replies=(_refusal(failed, reason),))
            pairs += [(word, product) for product in products]
        if not pairs:
            return Said(replies=(_refusal(failed, "No channels provided"),))
        return self._meant(client, request, pairs)

    def _meant(self, client: Client, request: _Request, pairs: list[tuple[str, str]]) -> Said:
        """Tell heartbeats, which are no streams to the test exchange, from the rest."""
        beats: dict[str, None] = client.notes.setdefault("beats", {})
        names = tuple(f"{word}:{product}" for word, product in pairs if word != "heartbeat")
        for word, product in pairs:
            if word == "heartbeat" and request.type == "subscribe":
                beats[product] = None
            elif word == "heartbeat":
                beats.pop(product, None)
        if not names:
            return Said(replies=(self._list(client, ()),))
        if request.type == "subscribe":
            return Said(subscribe=names, request=request)
        return Said(unsubscribe=names, request=request)

    @staticmethod
    def _list(client: Client, more: Iterable[str]) -> bytes:
        channels: dict[str, list[str]] = {}
        for name in dict.fromkeys((*client.streams, *more)):
            word, _, product = name.partition(":")
            channels.setdefault(_OLD_NAMES.get(word, word), []).append(product)
        if beats := client.notes.get("beats"):
            channels["heartbeat"] = list(beats)
        listed = [{"name": n, "product_ids": p, "account_ids": None} for n, p in channels.items()]
        return msgspec.json.encode({"type": "subscriptions", "channels": listed})

    def ack(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.ack`."""
        del said
        return (self._list(client, names),)

    def error(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.error`: the list follows."""
        del said
        reason = f"{names[0].partition(':')[2]} is not a valid product"
        return _refusal("Failed to subscribe", reason), self._list(client, ())

    def heartbeat(self, client: Client) -> bytes | None:
        """See `Dialect.heartbeat`: of one product after the other, where Exchange sends those of all."""
        beats: dict[str, None] = client.notes.get("beats", {})
        if not beats:
            return None
        symbol = next(iter(beats))
        beats[symbol] = beats.pop(symbol)
        message = wire.exchange_heartbeat(symbol, self._last_trades.get(symbol, 0), self._now)
        return msgspec.json.encode(message)

    def opening(self, client: Client, name: str, market: SeededMarket) -> Sequence[Any]:
        """See `Dialect.opening`."""
        del client
        word, _, symbol = name.partition(":")
        if word == "level2_batch":
            return (wire.exchange_snapshot(market.book(symbol)),)
        ticker = market.ticker(symbol)
        if ticker.trades <= 0:
            return ()
        if word == "ticker":
            return (wire.exchange_ticker(ticker),)
        last = TradeTick(
            symbol, ticker.time_ns, 0, ticker.last_id, ticker.last, (ticker.last_quantity,), False
        )
        return wire.exchange_matches(last, word="last_match")

    def _written(self, tick: MarketTick) -> Iterable[Named]:
        match tick:
            case TradeTick():
                self._last_trades[tick.symbol] = tick.last_id
                return [(f"matches:{tick.symbol}", each) for each in wire.exchange_matches(tick)]
            case BookDelta():
                return [(f"level2_batch:{tick.symbol}", wire.exchange_changes(tick))]
            case TickerTick():
                return [(f"ticker:{tick.symbol}", wire.exchange_ticker(tick))]
            case _:
                return ()

    def frame(self, client: Client, name: str, payload: Any) -> bytes:
        """See `Dialect.frame`."""
        del client, name
        return msgspec.json.encode(payload)

    def sample_trade(self, name: str, symbol: str) -> Any:
        """See `Dialect.sample_trade`."""
        del name
        return {
            "type": "match", "trade_id": 7, "side": "buy", "size": "2.00", "price": "1.10",
            "product_id": symbol, "sequence": 7, "time": "2026-01-31T12:00:00Z", "new": {"word": [1]},
        }  # fmt: skip

    def body(self, path: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        """See `Dialect.body`."""
        if path == "/products":
            return wire.exchange_products(market.instruments.values())
        if path == "/products/stats":
            return wire.exchange_stats(map(market.ticker, market.instruments))
        symbol, _, word = path.removeprefix("/products/").partition("/")
        if symbol not in market.instruments or word != "candles":
            return None
        ticks = _bars(market, symbol, int(query["granularity"]) * SECOND, query)
        return wire.exchange_bars(ticks) if len(ticks) <= MOST_CANDLES[self.exchange] else None


def _refusal(message: str, reason: str) -> bytes:
    said = {"type": "error", "message": message}
    return msgspec.json.encode({**said, "reason": reason} if reason else said)


# Advanced Trade.

_DATA = {"level2": "l2_data"}
_ADVANCED_CHANNELS = ("level2", "market_trades", "ticker", "candles")


class AdvancedDialect(CoinbaseDialect):
    """How Advanced Trade speaks; facts 3.2, 5 and 7."""

    opens_first: bool = True
    candle_interval: str = "5m"
    numbers_sockets: bool = True

    def __init__(self, exchange: Exchange) -> None:
        """See `Dialect`."""
        super().__init__(exchange)
        self.frames_folder: tuple[str, tuple[str, ...]] = ("coinbase", ("advanced.*.jsonl",))
        self._recent: dict[str, deque[TradeTick]] = {}
        self._minutes: dict[str, dict[int, CandleTick]] = {}

    def most_messages(self, client: Client) -> tuple[int, int]:
        """See `Dialect.most_messages`; facts 4."""
        del client
        return 8, SECOND

    def understand(self, client: Client, text: bytes) -> Said:
        """See `Dialect.understand`: what is not known is answered as what one has no right to."""
        try:
            request = msgspec.json.decode(text, type=_Request)
        except ValueError:
            request = _Request()
        subscribes = request.type == "subscribe"
        if request.channel == "heartbeats" and (subscribes or request.type == "unsubscribe"):
            client.notes["beats"] = subscribes
            return Said(replies=(self._list(client, ()),))
        names = tuple(f"{request.channel}:{product}" for product in request.product_ids)
        if request.channel not in _ADVANCED_CHANNELS or not names:
            return Said(replies=(b'{"type":"error","message":"authentication failure"}',))
        if subscribes:
            return Said(subscribe=names, request=request)
        return Said(unsubscribe=names, request=request)

    def _list(self, client: Client, more: Iterable[str]) -> bytes:
        channels: dict[str, list[str]] = {"heartbeats": ["heartbeats"]} if client.notes.get("beats") else {}
        for name in dict.fromkeys((*client.streams, *more)):
            word, _, product = name.partition(":")
            channels.setdefault(word, []).append(product)
        return self._numbered(client, "subscriptions", [{"subscriptions": channels}])

    def _numbered(self, client: Client, channel: str, events: Sequence[Any]) -> bytes:
        number = client.notes["sequence"] = client.notes.get("sequence", -1) + 1
        stamp = wire.iso(self._now, nanoseconds=True)
        return msgspec.json.encode(
            {"channel": channel, "timestamp": stamp, "sequence_num": number, "events": events}
        )

    def ack(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.ack`."""
        del said
        return (self._list(client, names),)

    def error(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.error`: what is refused is left out of the list, and that is all."""
        return (self._list(client, ()),) if len(names) == len(said.subscribe) else ()

    def heartbeat(self, client: Client) -> bytes | None:
        """See `Dialect.heartbeat`."""
        if not client.notes.get("beats"):
            return None
        stamp = f"{wire.iso(self._now)} +0000 UTC m=+139651.272674714"
        return self._numbered(client, "heartbeats", [{"current_time": stamp, "heartbeat_counter": 139_651}])

    def opening(self, client: Client, name: str, market: SeededMarket) -> Sequence[Any]:
        """See `Dialect.opening`."""
        del client
        self._now = market.now_ns
        word, _, symbol = name.partition(":")
        match word:
            case "level2":
                return (wire.advanced_snapshot(market.book(symbol)),)
            case "market_trades":
                return (wire.advanced_trades(tuple(self._recent.get(symbol, ())), word="snapshot"),)
            case "candles" if self._minutes.get(symbol):
                return (wire.advanced_candle(self._candle(symbol), word="snapshot"),)
            case "ticker":
                return (wire.advanced_ticker(market.ticker(symbol), word="snapshot"),)
            case _:
                return ()

    def _candle(self, symbol: str) -> CandleTick:
        return wire.five_minutes(list(self._minutes[symbol].values()))

    def _written(self, tick: MarketTick) -> Iterable[Named]:
        symbol = tick.symbol
        match tick:
            case TradeTick():
                self._recent.setdefault(symbol, deque(maxlen=RECENT)).append(tick)
                return [(f"market_trades:{symbol}", wire.advanced_trades([tick]))]
            case BookDelta():
                return [(f"level2:{symbol}", wire.advanced_changes(tick))]
            case TickerTick():
                return [(f"ticker:{symbol}", wire.advanced_ticker(tick))]
            case CandleTick():
                minutes = self._minutes.setdefault(symbol, {})
                first = tick.open_ns - tick.open_ns % wire.FIVE_MINUTES
                for old in [at for at in minutes if at < first]:
                    del minutes[old]
                minutes[tick.open_ns] = tick
                return [(f"candles:{symbol}", wire.advanced_candle(self._candle(symbol)))]
            case _:
                return ()

    def frame(self, client: Client, name: str, payload: Any) -> bytes:
        """See `Dialect.frame`."""
        word = name.partition(":")[0]
        return self._numbered(client, _DATA.get(word, word), [payload])

    def replayed(self, client: Client, frame: bytes) -> bytes:
        """See `Dialect.replayed`: every connection has numbers of its own."""
        number = client.notes["sequence"] = client.notes.get("sequence", -1) + 1
        return msgspec.json.encode({**msgspec.json.decode(frame), "sequence_num": number})

    def sample_trade(self, name: str, symbol: str) -> Any:
        """See `Dialect.sample_trade`."""
        del name
        trade = {
            "product_id": symbol, "trade_id": "7", "price": "1.10", "size": "2.00",
            "time": "2026-01-31T12:00:00Z", "side": "BUY", "new": {"word": [1]},
        }  # fmt: skip
        return {"type": "update", "trades": [trade], "more": 1}

    def body(self, path: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        """See `Dialect.body`."""
        head, _, rest = path.partition("/api/v3/brokerage/market/products")
        if head:
            return None
        symbol, _, word = rest.strip("/").partition("/")
        if symbol:
            return self._of(symbol, word, query, market)
        wanted = query.get("product_type", "SPOT")
        spot = [each for each in market.instruments.values() if (each.kind == "spot") == (wanted == "SPOT")]
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", "250"))
        return wire.advanced_products(spot[offset : offset + limit], map(market.ticker, market.instruments))

    def _of(self, symbol: str, word: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        """Return what is answered of one product."""
        if symbol not in market.instruments or word not in {"", "candles"}:
            return None
        if not word:
            return wire.advanced_product(market.instruments[symbol], market.ticker(symbol))
        lengths = {theirs: ours for ours, theirs in GRANULARITIES[self.exchange].items()}
        ticks = _bars(market, symbol, length_ns(lengths[query["granularity"]]), query)
        return wire.advanced_bars(ticks) if len(ticks) <= MOST_CANDLES[self.exchange] else None


def _bars(market: SeededMarket, symbol: str, interval_ns: int, query: Mapping[str, str]) -> list[CandleTick]:
    return bars(market, symbol, interval_ns, int(query["start"]) * SECOND, int(query["end"]) * SECOND)


def dialect(exchange: Exchange) -> CoinbaseDialect:
    """Return the dialect of one of Coinbase's APIs."""
    return AdvancedDialect(exchange) if exchange is Exchange.COINBASE_ADVANCED else ExchangeDialect(exchange)
