"""Kraken's dialects: spot answers each symbol by number and name, the futures by name; facts 3 and 6."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from toucan_data.candlesticks import length_ns
from toucan_data.testing.bars import bars
from toucan_data.testing.capture import Recording, first_value
from toucan_data.testing.dialect import Client, Dialect, Named, Said
from toucan_data.testing.wires import kraken as wire
from toucan_instrument import Exchange, Instrument
from toucan_instrument.testing.market import MarketTick, SeededMarket

__all__ = ["FuturesDialect", "SpotDialect", "dialect"]

SECOND = 1_000_000_000
TIMES = {"time_in": "2026-10-06T18:06:01.981684Z", "time_out": "2026-10-06T18:06:01.981723Z"}
CONNECTION_ID = 18_125_794_168_470_749_634
INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
TRIGGERS = ("trades", "bbo")
CHANNELS = ("book", "trade", "ticker", "ohlc")
CHARTED = ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w")
FEEDS = ("book", "trade", "ticker", "ticker_lite")


class _Params(msgspec.Struct):
    channel: str = ""
    symbol: list[str] = []
    depth: int = 10
    interval: int = 1
    event_trigger: str = "trades"
    snapshot: bool | None = None


class _SpotRequest(msgspec.Struct):
    method: str
    params: _Params = msgspec.field(default_factory=_Params)
    req_id: int | None = None


class SpotDialect(Dialect):
    """How spot speaks."""

    default_symbols: tuple[str, ...] = wire.DEFAULT_SYMBOLS[Exchange.KRAKEN_SPOT]
    stream_limit = 200
    weight_limit = 60
    opens_first: bool = True

    def __init__(self, exchange: Exchange) -> None:
        """See `Dialect`."""
        super().__init__(exchange)
        self.frames_folder: tuple[str, tuple[str, ...]] = (
            "kraken",
            tuple(f"{channel}*.jsonl" for channel in CHANNELS),
        )
        self._tape = wire.SpotTape()

    def listed(self, symbol: str) -> Instrument:
        """See `Dialect.listed`."""
        return wire.listed(self.exchange, symbol)

    def symbols(self, count: int) -> list[str]:
        """See `Dialect.symbols`."""
        return [f"A{number}/USD" for number in range(count)]

    def accepts(self, path: str) -> bool:
        """See `Dialect.accepts`."""
        return path == "v2"

    def connected(self, client: Client, path: str, query: Mapping[str, str]) -> Sequence[bytes]:
        """See `Dialect.connected`: the state comes unasked."""
        del client, path, query
        row = {
            "version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": CONNECTION_ID,
            "upcoming_maintenance": [], "emergency": [],
        }  # fmt: skip
        return (msgspec.json.encode({"channel": "status", "type": "update", "data": [row]}),)

    def most_messages(self, client: Client) -> tuple[int, int]:
        """See `Dialect.most_messages`."""
        del client
        return 10, SECOND

    def understand(self, client: Client, text: bytes) -> Said:
        """See `Dialect.understand`: a stream that is subscribed cannot be so again, at no depth."""
        try:
            request = msgspec.json.decode(text, type=_SpotRequest)
        except ValueError:
            return Said(replies=(_refusal(None, "Malformed request", None),))
        params, number = request.params, request.req_id
        if request.method == "ping":
            return Said(replies=(_encode({"method": "pong", "req_id": number, **TIMES}),))
        wrong = _wrong(params)
        if wrong or request.method not in {"subscribe", "unsubscribe"}:
            return Said(replies=(_refusal(number, wrong or f"Unsupported {request.method}", None),))
        names = [_name(params, symbol) for symbol in params.symbol]
        if request.method == "unsubscribe":
            unknown = [name for name in names if name not in client.streams]
            replies = [_refusal(number, "Subscription Not Found", _symbol(name)) for name in unknown]
            known = tuple(name for name in names if name not in unknown)
            return Said(unsubscribe=known, request=request, replies=replies)
        held = {_place(name) for name in client.streams}
        again = [name for name in names if _place(name) in held]
        replies = [_refusal(number, "Already subscribed", _symbol(name)) for name in again]
        new = tuple(name for name in names if name not in again)
        return Said(subscribe=new, request=request, replies=replies)

    def refuses(self, client: Client, name: str, listed: Iterable[str]) -> bool:
        """See `Dialect.refuses`."""
        del client
        return _symbol(name) not in listed

    def serves(self, client: Client, name: str) -> bool:
        """See `Dialect.serves`: tickers follow trades alone, unless ``bbo`` was asked for."""
        del client
        return not name.startswith("ticker-trades:")

    def ack(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.ack`: one for each symbol."""
        del client
        request = said.request
        channel, params = request.params.channel, request.params
        result: dict[str, Any] = {"channel": channel}
        result |= {"book": {"depth": params.depth}, "ohlc": {"interval": params.interval}}.get(channel, {})
        if request.method == "subscribe":
            result["snapshot"] = params.snapshot is not False
        return [
            _encode(
                {
                    "method": request.method,
                    "req_id": request.req_id,
                    "result": {**result, "symbol": _symbol(name)},
                    "success": True,
                    **TIMES,
                }
            )
            for name in (names if request.method == "subscribe" else said.unsubscribe)
        ]

    def error(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.error`."""
        del client
        number = said.request.req_id
        return [
            _refusal(number, f"Currency pair not supported {_symbol(name)}", _symbol(name)) for name in names
        ]

    def heartbeat(self, client: Client) -> bytes | None:
        """See `Dialect.heartbeat`: once something is subscribed."""
        return b'{"channel":"heartbeat"}' if client.streams else None

    def opening(self, client: Client, name: str, market: SeededMarket) -> Sequence[Any]:
        """See `Dialect.opening`."""
        del client
        head, _, symbol = name.partition(":")
        channel, _, setting = head.partition("-")
        return self._tape.opening(channel, int(setting or 0), symbol, market)

    def publish(
        self, tick: MarketTick, wanted: set[str], market: SeededMarket, variant: Hashable
    ) -> Iterable[Named]:
        """See `Dialect.publish`."""
        del variant
        return self._tape.frames(tick, wanted, market)

    def frame(self, client: Client, name: str, payload: Any) -> bytes:
        """See `Dialect.frame`."""
        del client, name
        return _encode(payload)

    def sample_trade(self, name: str, symbol: str) -> Any:
        """See `Dialect.sample_trade`."""
        del name
        row = {
            "symbol": symbol, "side": "sell", "price": msgspec.Raw(b"1.10"), "qty": msgspec.Raw(b"2.00"),
            "ord_type": "new word", "trade_id": 7, "timestamp": "2026-09-25T17:48:26.844359Z",
            "zz": {"new": [1]},
        }  # fmt: skip
        return {"channel": "trade", "type": "update", "data": [row], "more": 1}

    def busy(self, status: int) -> bytes:
        """See `Dialect.busy`."""
        del status
        return b'{"error":["EAPI:Rate limit exceeded"]}'

    def body(self, path: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        """See `Dialect.body`; nothing is tokenised here."""
        match path:
            case "/0/public/AssetPairs":
                tokenised = query.get("aclass_base") == "tokenized_asset"
                return wire.pairs_body(() if tokenised else market.instruments.values())
            case "/0/public/Ticker":
                return wire.tickers_body(self.exchange, market)
            case _:
                return None

    def nothing(self) -> tuple[int, bytes]:
        """See `Dialect.nothing`: errors are answered with 200."""
        return 200, b'{"error":["EGeneral:Unknown method"]}'


def _wrong(params: _Params) -> str:
    if params.channel not in CHANNELS:
        return f"Unsupported channel {params.channel}"
    if params.channel == "book" and params.depth not in wire.DEPTHS:
        return "Subscription depth not supported"
    if params.channel == "ohlc" and params.interval not in INTERVALS:
        return "Subscription ohlc interval not supported"
    if params.channel == "ticker" and params.event_trigger not in TRIGGERS:
        return "Unsupported event_trigger"
    return ""


def _name(params: _Params, symbol: str) -> str:
    setting = {
        "book": f"-{params.depth}",
        "ohlc": f"-{params.interval}",
        "ticker": "" if params.event_trigger == "bbo" else "-trades",
    }.get(params.channel, "")
    return f"{params.channel}{setting}:{symbol}"


def _symbol(name: str) -> str:
    return name.partition(":")[2]


def _place(name: str) -> str:
    """Return what a connection has once: of books and tickers one for each symbol."""
    head, _, symbol = name.partition(":")
    return f"{head if head.startswith('ohlc') else head.partition('-')[0]}:{symbol}"


def _refusal(number: int | None, message: str, symbol: str | None) -> bytes:
    """Return an error, which says ``subscribe`` whatever was asked for."""
    named = {} if symbol is None else {"symbol": symbol}
    body = {"error": message, "method": "subscribe", "req_id": number, "success": False, **named, **TIMES}
    return _encode(body)


class _FuturesRequest(msgspec.Struct):
    event: str
    feed: str = ""
    product_ids: list[str] = []


class FuturesDialect(Dialect):
    """How the futures speak."""

    default_symbols: tuple[str, ...] = wire.DEFAULT_SYMBOLS[Exchange.KRAKEN_FUTURES]
    stream_limit = 1000
    weight_limit = 3000

    def __init__(self, exchange: Exchange) -> None:
        """See `Dialect`."""
        super().__init__(exchange)
        self.frames_folder: tuple[str, tuple[str, ...]] = (
            exchange.value,
            ("book*.jsonl", "trade*.jsonl", "ticker*.jsonl"),
        )
        self._tape = wire.FuturesTape()

    def listed(self, symbol: str) -> Instrument:
        """See `Dialect.listed`."""
        return wire.listed(self.exchange, symbol)

    def symbols(self, count: int) -> list[str]:
        """See `Dialect.symbols`."""
        return [f"PF_A{number}USD" for number in range(count)]

    def accepts(self, path: str) -> bool:
        """See `Dialect.accepts`."""
        return path == "ws/v1"

    def connected(self, client: Client, path: str, query: Mapping[str, str]) -> Sequence[bytes]:
        """See `Dialect.connected`."""
        del client, path, query
        return (b'{"event":"info","version":1}',)

    def understand(self, client: Client, text: bytes) -> Said:
        """See `Dialect.understand`: of a feed that has streams only one product more is taken at a time."""
        try:
            request = msgspec.json.decode(text, type=_FuturesRequest)
        except ValueError:
            return Said(replies=(b'{"event":"error","message":"Json Error"}',))
        if request.event == "ping":
            return Said(replies=(b'{"event":"pong"}',))
        if request.event not in {"subscribe", "unsubscribe"} or request.feed not in FEEDS:
            return Said(replies=(_alert("Couldn't subscribe to invalid feed"),))
        names = tuple(f"{request.feed}:{product}" for product in request.product_ids)
        held = [name for name in names if name in client.streams]
        if request.event == "unsubscribe":
            missing = [name for name in names if name not in held]
            replies = [_alert("Not subscribed to feed") for _ in missing]
            return Said(unsubscribe=tuple(held), request=request, replies=replies)
        of_feed = any(name.startswith(f"{request.feed}:") for name in client.streams)
        if held or (of_feed and len(names) > 1):
            return Said(replies=(_alert("Already subscribed to feed, re-requesting"),))
        return Said(subscribe=names, request=request)

    def refuses(self, client: Client, name: str, listed: Iterable[str]) -> bool:
        """See `Dialect.refuses`."""
        del client
        return _symbol(name) not in listed

    def ack(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.ack`: one for each product."""
        del client
        event = f"{said.request.event}d"
        return [
            _encode({"event": event, "feed": said.request.feed, "product_ids": [_symbol(name)]})
            for name in (names if said.request.event == "subscribe" else said.unsubscribe)
        ]

    def error(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.error`: the words name the product, and not the feed."""
        del client, said
        return [_alert(f"Couldn't subscribe to invalid product `{_symbol(name)}`") for name in names]

    def opening(self, client: Client, name: str, market: SeededMarket) -> Sequence[Any]:
        """See `Dialect.opening`."""
        del client
        feed, _, symbol = name.partition(":")
        return self._tape.opening(feed, symbol, market)

    def publish(
        self, tick: MarketTick, wanted: set[str], market: SeededMarket, variant: Hashable
    ) -> Iterable[Named]:
        """See `Dialect.publish`."""
        del variant
        return self._tape.frames(tick, wanted, market)

    def frame(self, client: Client, name: str, payload: Any) -> bytes:
        """See `Dialect.frame`."""
        del client, name
        return _encode(payload)

    def sample_trade(self, name: str, symbol: str) -> Any:
        """See `Dialect.sample_trade`."""
        del name
        return {
            "product_id": symbol, "feed": "trade", "uid": "8a2be12f-7a3f-4f8f-a111-d1b5200ab1d0",
            "side": "sell", "type": "new word", "time": 1_700_000_000_000, "qty": msgspec.Raw(b"2.00"),
            "price": msgspec.Raw(b"1.10"), "seq": 7, "zz": {"new": [1]},
        }  # fmt: skip

    def busy(self, status: int) -> bytes:
        """See `Dialect.busy`."""
        del status
        return b'{"result":"error","error":"apiLimitExceeded"}'

    def body(self, path: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        """See `Dialect.body`."""
        match path:
            case "/derivatives/api/v3/instruments":
                return wire.instruments_body(market.instruments.values())
            case "/derivatives/api/v3/tickers":
                return wire.tickers_body(self.exchange, market)
            case _:
                return self._chart(path, query, market)

    @staticmethod
    def _chart(path: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        head, _, rest = path.partition("/api/charts/v1/trade/")
        symbol, _, interval = rest.partition("/")
        if head or symbol not in market.instruments or interval not in CHARTED:
            return None
        window = (int(query[word]) * SECOND for word in ("from", "to"))
        return wire.chart_body(bars(market, symbol, length_ns(interval), *window))

    def recorded(self, recording: Recording, path: str, query: Mapping[str, str]) -> bytes | None:
        """See `Dialect.recorded`."""
        body = super().recorded(recording, path, query)
        if path.endswith("/tickers"):
            return b'{"result":"success","tickers":[]}'
        return None if body is None else first_value(body)


def _alert(message: str) -> bytes:
    return _encode({"event": "alert", "message": message})


_encode = msgspec.json.encode


def dialect(exchange: Exchange) -> Dialect:
    """Return the dialect of one of Kraken's markets."""
    return SpotDialect(exchange) if exchange is Exchange.KRAKEN_SPOT else FuturesDialect(exchange)
