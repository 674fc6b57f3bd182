"""Binance's dialect: combined streams, answers by id, and the weights of REST; facts A.2 to C.4."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from toucan_data.candlesticks import length_ns
from toucan_data.testing.bars import bars
from toucan_data.testing.capture import Recording, first_value
from toucan_data.testing.dialect import Client, Dialect, Named, Said
from toucan_instrument import Exchange, Instrument
from toucan_instrument.testing import binance as wire, binance_control as control, binance_rest as rest
from toucan_instrument.testing.market import MarketTick, SeededMarket

__all__ = ["BinanceDialect", "dialect"]

SECOND = 1_000_000_000
FUTURES = (Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M)
MICRO = "MICROSECOND"
MILLI = 1_000_000


class BinanceDialect(Dialect):
    """How one of Binance's markets speaks."""

    def __init__(self, exchange: Exchange) -> None:
        """See `Dialect`."""
        super().__init__(exchange)
        self.futures: bool = exchange in FUTURES
        self.default_symbols: tuple[str, ...] = wire.DEFAULT_SYMBOLS[exchange]
        self.weight_limit = 2400 if self.futures else 6000
        self.frames_folder: tuple[str, tuple[str, ...]] = (exchange.value, ("stream.*.jsonl",))

    def listed(self, symbol: str) -> Instrument:
        """See `Dialect.listed`."""
        return wire.listed(self.exchange, symbol)

    def symbols(self, count: int) -> list[str]:
        """See `Dialect.symbols`."""
        ending = "USD_PERP" if self.exchange is Exchange.BINANCE_COIN_M else "USDT"
        return [f"A{number}{ending}" for number in range(count)]

    def accepts(self, path: str) -> bool:
        """See `Dialect.accepts`."""
        return path.endswith("stream")

    def connected(self, client: Client, path: str, query: Mapping[str, str]) -> Sequence[bytes]:
        """See `Dialect.connected`: spot may be asked for microseconds."""
        client.route = path.removesuffix("stream").strip("/")
        client.variant = query.get("timeUnit", "").upper() == MICRO
        return ()

    def most_messages(self, client: Client) -> tuple[int, int]:
        """See `Dialect.most_messages`."""
        del client
        return control.most_messages(self.exchange)

    def understand(self, client: Client, text: bytes) -> Said:
        """See `Dialect.understand`; facts A.3. Events are always wrapped here, whatever is set."""
        asked = control.understood(self.exchange, text)
        if isinstance(asked, bytes):
            return Said(replies=(asked,))
        match asked.method:
            case "SUBSCRIBE":
                return Said(subscribe=asked.names, request=asked)
            case "UNSUBSCRIBE":
                return Said(unsubscribe=asked.names, request=asked)
            case "LIST_SUBSCRIPTIONS":
                return Said(replies=(control.result(list(client.streams), asked.id),))
            case _:
                value = True if asked.method == "GET_PROPERTY" else None
                return Said(replies=(control.result(value, asked.id),))

    def serves(self, client: Client, name: str) -> bool:
        """See `Dialect.serves`: on the wrong route, or in upper case, a stream is acknowledged and silent."""
        return wire.route_of(self.exchange, name) == client.route

    def ack(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.ack`."""
        del client, names
        return (control.result(None, said.request.id),)

    def error(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.error`."""
        del client, names
        return (control.error(2, "Invalid request", said.request.id),)

    def too_many(self, client: Client, said: Said) -> tuple[Sequence[bytes], int | None]:
        """See `Dialect.too_many`."""
        del client
        return (control.too_many(said.request.id),), 1008

    def shutdown(self, client: Client, now_ns: int) -> bytes | None:
        """See `Dialect.shutdown`."""
        del client
        return control.shutdown_notice(now_ns, wrapped=True)

    def publish(
        self, tick: MarketTick, wanted: set[str], market: SeededMarket, variant: Hashable
    ) -> Iterable[Named]:
        """See `Dialect.publish`."""
        return wire.streams_of(self.exchange, tick, wanted, market.book, micro=bool(variant))

    def frame(self, client: Client, name: str, payload: Any) -> bytes:
        """See `Dialect.frame`."""
        del client
        return wire.combined(name, payload)

    def sample_trade(self, name: str, symbol: str) -> Any:
        """See `Dialect.sample_trade`."""
        del name
        return {
            "e": "new word", "E": 1, "s": symbol, "t": 7, "a": 7, "f": 7, "l": 7, "p": "1.10", "q": "2.00",
            "T": 1_700_000_000_000, "m": True, "zz": {"new": [1]},
        }  # fmt: skip

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """See `Dialect.weight`; facts C.2."""
        return control.weight(self.exchange, path, query)

    def headers(self, used: int) -> Mapping[str, str]:
        """See `Dialect.headers`."""
        return {"X-MBX-USED-WEIGHT-1M": str(used)}

    def busy(self, status: int) -> bytes:
        """See `Dialect.busy`."""
        words = "Too much request weight used; please use WebSocket Streams for live updates."
        return msgspec.json.encode({"code": -1003, "msg": words}) if status in {418, 429} else b"{}"

    def body(self, path: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        """See `Dialect.body`."""
        name = path.rpartition("/")[2]
        if name in {"ping", "time"}:
            return msgspec.json.encode({"serverTime": market.now_ns // 1_000_000})
        if name == "exchangeInfo":
            return wire.exchange_info(self.exchange, market.instruments.values(), market.now_ns)
        if path.endswith("/ticker/24hr"):
            return wire.tickers_body(self.exchange, map(market.ticker, market.instruments))
        symbol = query.get("symbol", "")
        if name == "depth" and symbol in market.instruments:
            return wire.depth_body(self.exchange, market.book(symbol, int(query.get("limit", "100"))))
        if name == "openInterest" and self.futures and symbol in market.instruments:
            return wire.open_interest_body(self.exchange, symbol, market.ticker(symbol).volume, market.now_ns)
        if name == "klines" and symbol in market.instruments:
            window = (int(query[word]) * MILLI for word in ("startTime", "endTime"))
            ticks = bars(market, symbol, length_ns(query["interval"]), *window)
            return rest.encoded(rest.klines(self.exchange, ticks[: int(query["limit"])]))
        return None

    def nothing(self) -> tuple[int, bytes]:
        """See `Dialect.nothing`."""
        return 400, b'{"code":-1121,"msg":"Invalid symbol."}'

    def recorded(self, recording: Recording, path: str, query: Mapping[str, str]) -> bytes | None:
        """See `Dialect.recorded`."""
        if path.endswith("/depth"):
            return self._snapshot(recording, query.get("symbol", ""))
        if path.endswith("/exchangeInfo"):
            found = (body for at, _, body in recording.answers if at.endswith("/exchangeInfo"))
            return first_value(next(found, b'{"symbols":[]}'))
        return b"[]" if path.endswith("/ticker/24hr") else None

    @staticmethod
    def _snapshot(recording: Recording, symbol: str) -> bytes | None:
        for path, query, body in recording.answers:
            if path.endswith("/depth") and query.get("symbol", "").lower() == symbol.lower():
                return first_value(body)
        return None

    def awaited(self, recording: Recording, names: frozenset[str]) -> bool:
        """See `Dialect.awaited`: the snapshots of the books that are followed."""
        asked = {
            query.get("symbol", "").lower() for path, query in recording.asked if path.endswith("/depth")
        }
        books = {
            name.partition("@")[0]
            for name in names & recording.streams
            if name.partition("@")[2].partition("@")[0] == "depth"
        }
        return any(book not in asked and self._snapshot(recording, book) is not None for book in books)


def dialect(exchange: Exchange) -> BinanceDialect:
    """Return the dialect of one of Binance's markets."""
    return BinanceDialect(exchange)
