"""OKX's dialect: channels told by objects, an answer for each, a ping of plain text; facts 1 to 6."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from toucan_data.testing.capture import Recording
from toucan_data.testing.dialect import Client, Dialect, Named, Said
from toucan_data.testing.wires import okx as wire
from toucan_instrument import Exchange, Instrument
from toucan_instrument.testing.market import MarketTick, SeededMarket

__all__ = ["OkxDialect", "dialect"]

SECOND = 1_000_000_000
PATHS = {"ws/v5/public": "public", "ws/v5/business": "business"}
BY_SORT = "liquidation-orders"
SORTS = ("SWAP", "FUTURES", "MARGIN", "OPTION")
PUBLIC = (
    "trades", "bbo-tbt", "books", "books5", "tickers", "mark-price", "funding-rate", "open-interest",
)  # fmt: skip
BUSINESS = ("trades-all", "candle1m")
LONGEST_REQUEST = 64 * 1024
LONGEST_ID = 32
CONNECTION = "a4d3ae55"


class _Request(msgspec.Struct):
    op: str
    args: list[dict[str, str]]
    id: str = ""


class OkxDialect(Dialect):
    """How OKX speaks."""

    default_symbols: tuple[str, ...] = wire.DEFAULT_SYMBOLS
    stream_limit = 300
    weight_limit = 600

    def __init__(self, exchange: Exchange) -> None:
        """See `Dialect`."""
        super().__init__(exchange)
        channels = (*PUBLIC, "books-l2-tbt", "trades-all", "candle1", "liquidation-orders")
        self.frames_folder: tuple[str, tuple[str, ...]] = (
            exchange.value,
            tuple(f"{each}*.jsonl" for each in channels),
        )
        self._books = wire.ShownBooks()

    def listed(self, symbol: str) -> Instrument:
        """See `Dialect.listed`."""
        return wire.listed(self.exchange, symbol)

    def symbols(self, count: int) -> list[str]:
        """See `Dialect.symbols`."""
        return [f"A{number}-USDT-SWAP" for number in range(count)]

    def accepts(self, path: str) -> bool:
        """See `Dialect.accepts`."""
        return path in PATHS

    def connected(self, client: Client, path: str, query: Mapping[str, str]) -> Sequence[bytes]:
        """See `Dialect.connected`."""
        del query
        client.route = PATHS[path]
        return ()

    def most_messages(self, client: Client) -> tuple[int, int]:
        """See `Dialect.most_messages`: per hour."""
        del client
        return 480, 3600 * SECOND

    def understand(self, client: Client, text: bytes) -> Said:
        """See `Dialect.understand`."""
        del client
        if text == b"ping":
            return Said(replies=(b"pong",))
        try:
            request = msgspec.json.decode(text, type=_Request)
        except ValueError:
            return Said(replies=(_error("60012", f"Invalid request: {text[:200]!r}", ""),))
        fit = request.id.isascii() and (request.id.isalnum() or not request.id)
        if not request.args or not fit or len(request.id) > LONGEST_ID or len(text) > LONGEST_REQUEST:
            return Said(replies=(_error("60013", "Invalid args", request.id),))
        names = tuple(map(_name, request.args))
        match request.op:
            case "subscribe":
                return Said(subscribe=names, request=request)
            case "unsubscribe":
                return Said(unsubscribe=names, request=request)
            case _:
                return Said(replies=(_error("60012", f"Invalid request: {request.op}", request.id),))

    def refuses(self, client: Client, name: str, listed: Iterable[str]) -> bool:
        """See `Dialect.refuses`: also a channel at the wrong address."""
        word, _, of = name.partition(":")
        if word == BY_SORT:
            return client.route != "public" or of not in SORTS
        return word not in (PUBLIC if client.route == "public" else BUSINESS) or of not in listed

    def ack(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.ack`: one for each channel."""
        del client
        event = "unsubscribe" if said.unsubscribe else "subscribe"
        return [
            msgspec.json.encode({**_id(said.request.id), "event": event, "arg": arg, "connId": CONNECTION})
            for arg in said.request.args
            if said.unsubscribe or _name(arg) in names
        ]

    def error(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.error`: the words name the channel."""
        del client
        frames = []
        for arg in said.request.args:
            if _name(arg) in names:
                shown = ",".join(f"{key}:{value}" for key, value in arg.items())
                words = (
                    f"Wrong URL or {shown} doesn't exist. Please use the correct URL, channel and parameters"
                )
                frames.append(_error("60018", f"{words} referring to API document.", said.request.id))
        return frames

    def too_many(self, client: Client, said: Said) -> tuple[Sequence[bytes], int | None]:
        """See `Dialect.too_many`."""
        del client, said
        return (), 4009

    def shutdown(self, client: Client, now_ns: int) -> bytes | None:
        """See `Dialect.shutdown`."""
        del client, now_ns
        words = "The connection will soon be closed for a service upgrade. Please reconnect."
        return msgspec.json.encode({"event": "notice", "code": "64008", "msg": words, "connId": CONNECTION})

    def opening(self, client: Client, name: str, market: SeededMarket) -> Sequence[Any]:
        """See `Dialect.opening`."""
        del client
        return wire.opening_of(name, market)

    def publish(
        self, tick: MarketTick, wanted: set[str], market: SeededMarket, variant: Hashable
    ) -> Iterable[Named]:
        """See `Dialect.publish`."""
        del variant
        return wire.messages_of(tick, wanted, market, self._books)

    def frame(self, client: Client, name: str, payload: Any) -> bytes:
        """See `Dialect.frame`."""
        del client
        return msgspec.json.encode({"arg": _arg(name), **payload})

    def sample_trade(self, name: str, symbol: str) -> Any:
        """See `Dialect.sample_trade`."""
        del name
        row = {
            "instId": symbol, "tradeId": "7", "px": "1.10", "sz": "2.00", "side": "sell",
            "ts": "1700000000000", "count": "1", "source": "new word", "zz": {"new": [1]},
        }  # fmt: skip
        return {"data": [row], "more": 1}

    def busy(self, status: int) -> bytes:
        """See `Dialect.busy`."""
        del status
        return b'{"code":"50011","msg":"Too Many Requests"}'

    def body(self, path: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        """See `Dialect.body`."""
        sort = query.get("instType", "")
        match path:
            case "/api/v5/public/instruments":
                return wire.instruments_body(market.instruments.values(), sort)
            case "/api/v5/public/underlying":
                return b'{"code":"0","msg":"","data":[[]]}'
            case "/api/v5/market/tickers":
                return wire.tickers_body(market, sort)
            case "/api/v5/market/books" if query.get("instId") in market.instruments:
                levels = min(int(query.get("sz", "1")), wire.DEPTH)
                return wire.books_body(market.book(query["instId"], levels))
            case _:
                return None

    def nothing(self) -> tuple[int, bytes]:
        """See `Dialect.nothing`: an error with the status of a success."""
        return 200, b'{"code":"51001","msg":"Instrument ID does not exist.","data":[]}'

    def recorded(self, recording: Recording, path: str, query: Mapping[str, str]) -> bytes | None:
        """See `Dialect.recorded`: the list that was asked for."""
        sort = query.get("instType")
        for at, asked, body in recording.answers:
            if at == path and asked.get("instType") == sort and asked.get("uly") == query.get("uly"):
                return body
        return b'{"code":"0","msg":"","data":[]}'


def _name(arg: Mapping[str, str]) -> str:
    return f"{arg.get('channel', '')}:{arg.get('instId') or arg.get('instType', '')}"


def _arg(name: str) -> dict[str, str]:
    word, _, of = name.partition(":")
    return {"channel": word, "instType" if word == BY_SORT else "instId": of}


def _id(request_id: str) -> dict[str, str]:
    return {"id": request_id} if request_id else {}


def _error(code: str, message: str, request_id: str) -> bytes:
    return msgspec.json.encode(
        {**_id(request_id), "event": "error", "code": code, "msg": message, "connId": CONNECTION}
    )


def dialect(exchange: Exchange) -> OkxDialect:
    """Return the dialect of OKX."""
    return OkxDialect(exchange)
