"""Bybit's dialect: topics, answers by the id of the request, pings of the client; facts 2 to 6."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from toucan_data.testing.capture import Recording
from toucan_data.testing.cutbook import CutBooks
from toucan_data.testing.dialect import Client, Dialect, Named, Said
from toucan_data.testing.wires import bybit as wire
from toucan_instrument import Exchange, Instrument, InstrumentKind
from toucan_instrument.exchange.bybit import category
from toucan_instrument.testing.market import (
    BookDelta,
    CandleTick,
    LiquidationTick,
    MarketTick,
    MarkTick,
    SeededMarket,
    TickerTick,
    TopTick,
    TradeTick,
)

__all__ = ["BybitDialect", "dialect"]

DEPTHS = (50, 200, 1000)
INTERVALS = frozenset({"1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M"})
MOST_CHARACTERS = 21_000
MOST_ARGS_SPOT = 10
MOST_ARGS_OPTION = 2000
CONNECTION = "2324d924-aa4d-45b0-a858-7b8be29ab52b"
_TEXT = msgspec.json.encode


class _Request(msgspec.Struct):
    op: str = ""
    req_id: str = ""
    args: list[Any] = []


class BybitDialect(Dialect):
    """How one of Bybit's markets speaks."""

    opens_first: bool = True  # the first snapshot has been seen before the acknowledgement (facts 3)

    def __init__(self, exchange: Exchange) -> None:
        """See `Dialect`."""
        super().__init__(exchange)
        self.spot: bool = exchange is Exchange.BYBIT_SPOT
        self.option: bool = exchange is Exchange.BYBIT_OPTION
        self.default_symbols: tuple[str, ...] = wire.DEFAULT_SYMBOLS[exchange]
        self.stream_limit = MOST_ARGS_OPTION if self.option else MOST_CHARACTERS
        self.weight_limit = 600 * 12  # 600 in 5 s
        self.all_or_nothing: bool = not self.option
        words = ("publicTrade", "orderbook", "tickers", "kline", "allLiquidation", "op.subscribe", "op.ping")
        self.frames_folder: tuple[str, tuple[str, ...]] = ("bybit", tuple(f"{word}*.jsonl" for word in words))
        self._books = CutBooks(explicit=True)
        self._updates: dict[str, int] = {}

    def listed(self, symbol: str) -> Instrument:
        """See `Dialect.listed`."""
        return wire.listed(self.exchange, symbol)

    def symbols(self, count: int) -> list[str]:
        """See `Dialect.symbols`."""
        if self.option:
            return [f"A{number}-31DEC27-{number + 1}-C-USDT" for number in range(count)]
        ending = "USD" if self.exchange is Exchange.BYBIT_INVERSE else "USDT"
        return [f"A{number}{ending}" for number in range(count)]

    # Connections.

    def accepts(self, path: str) -> bool:
        """See `Dialect.accepts`."""
        return path.strip("/") == f"v5/public/{category(self.exchange)}"

    def connected(self, client: Client, path: str, query: Mapping[str, str]) -> Sequence[bytes]:
        """See `Dialect.connected`: one route, and no welcome."""
        del path, query
        client.route = ""
        return ()

    def understand(self, client: Client, text: bytes) -> Said:
        """See `Dialect.understand`."""
        try:
            request = msgspec.json.decode(text, type=_Request)
        except ValueError:
            return Said(replies=(_error("Invalid request", _Request()),))
        names = tuple(name for name in request.args if isinstance(name, str))
        match request.op:
            case "subscribe":
                trouble = self._too_much(client, names)
                if trouble:
                    return Said(replies=(_error(trouble, msgspec.structs.replace(request, req_id="")),))
                return Said(subscribe=names, request=request)
            case "unsubscribe":
                return Said(unsubscribe=names, request=request)
            case "ping":
                return Said(replies=(self._pong(),))
            case _:
                return Said(replies=(_error(f"unknown op {request.op}", request),))

    def _too_much(self, client: Client, names: Sequence[str]) -> str:
        if self.spot and len(names) > MOST_ARGS_SPOT:
            return "args size >10"
        characters = len(_TEXT([*client.streams, *names]))
        return "args length too long" if characters > MOST_CHARACTERS else ""

    def _pong(self) -> bytes:
        if self.option:
            return b'{"args":["1672916271846"],"op":"pong"}'
        return _TEXT({"success": True, "ret_msg": "pong", "conn_id": CONNECTION, "req_id": "", "op": "ping"})

    def refuses(self, client: Client, name: str, listed: Iterable[str]) -> bool:
        """See `Dialect.refuses`: what does not exist, and what is subscribed already."""
        return name in client.streams or not self._exists(name, listed)

    def _exists(self, name: str, listed: Iterable[str]) -> bool:
        word, _, rest = name.partition(".")
        if self.option:
            if word == "publicTrade":
                return rest in {symbol.partition("-")[0] for symbol in listed}
            return word == "tickers" and rest in listed
        if word == "orderbook":
            depth, _, rest = rest.partition(".")
            return depth in {"1", *map(str, DEPTHS)} and rest in listed
        if word == "kline":
            interval, _, rest = rest.partition(".")
            return interval in INTERVALS and rest in listed
        known = {"publicTrade", "tickers"} if self.spot else {"publicTrade", "tickers", "allLiquidation"}
        return word in known and rest in listed

    def ack(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.ack`: one for each request; it names topics on options alone."""
        del client
        request = said.request
        if self.option:
            return (_command(names or said.unsubscribe, ()),)
        return (
            _TEXT(
                {
                    "success": True,
                    "ret_msg": request.op if self.spot else "",
                    "conn_id": CONNECTION,
                    "req_id": request.req_id,
                    "op": request.op,
                }
            ),
        )

    def error(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """See `Dialect.error`: the words name the first topic that is at fault."""
        if self.option:
            return (_command((), names),)
        bad = next(iter(names), "")
        words = "already subscribed" if bad in client.streams else "handler not found"
        return (_error(f"error:{words},topic:{bad}", said.request),)

    # Events.

    def opening(self, client: Client, name: str, market: SeededMarket) -> Sequence[Any]:
        """See `Dialect.opening`: books and tickers begin with a snapshot."""
        del client
        word, _, symbol = name.partition(".")
        if word == "tickers":
            perpetual = market.instruments[symbol].kind is InstrumentKind.PERPETUAL
            return (wire.full_ticker(self.exchange, market.ticker(symbol), perpetual=perpetual),)
        if word != "orderbook":
            return ()
        depth, _, symbol = symbol.partition(".")
        if depth == "1":
            picture = market.book(symbol, 1)
            update = picture.last_update_id
        else:
            picture = self._books.picture(market, symbol, int(depth))
            update = self._updates.setdefault(name, picture.last_update_id)
        sides = (picture.bids, picture.asks)
        return (wire.book(self.exchange, "snapshot", symbol, picture.time_ns, update, sides),)

    def publish(
        self, tick: MarketTick, wanted: set[str], market: SeededMarket, variant: Hashable
    ) -> Iterable[Named]:
        """See `Dialect.publish`."""
        del variant
        if isinstance(tick, BookDelta):
            return self._deltas(tick, wanted, market)
        return [named for named in (self._event(tick),) if named is not None and named[0] in wanted]

    def _deltas(self, tick: BookDelta, wanted: set[str], market: SeededMarket) -> list[Named]:
        """Return a delta for each depth that is followed; each topic counts its frames."""
        found: list[Named] = []
        for depth in DEPTHS:
            name = f"orderbook.{depth}.{tick.symbol}"
            if name not in wanted:
                continue
            sides = self._books.changes(market, tick.symbol, depth)
            if not any(sides):
                continue
            update = self._updates[name] = self._updates[name] + 1
            payload = wire.book(self.exchange, "delta", tick.symbol, tick.time_ns, update, sides)
            found.append((name, payload))
        return found

    def _event(self, tick: MarketTick) -> Named | None:
        exchange = self.exchange
        match tick:
            case TradeTick(symbol=symbol):
                of = symbol.partition("-")[0] if self.option else symbol
                return f"publicTrade.{of}", wire.trades(exchange, tick)
            case TopTick(symbol=symbol):
                return f"orderbook.1.{symbol}", wire.top(exchange, tick)
            case CandleTick(symbol=symbol):
                return f"kline.1.{symbol}", wire.candle(tick)
            case TickerTick(symbol=symbol):
                return f"tickers.{symbol}", wire.ticker(exchange, tick)
            case MarkTick(symbol=symbol) if not self.option:
                return f"tickers.{symbol}", wire.mark(exchange, tick)
            case LiquidationTick(symbol=symbol):
                return f"allLiquidation.{symbol}", wire.liquidation(exchange, tick)
            case _:
                return None

    def frame(self, client: Client, name: str, payload: Any) -> bytes:
        """See `Dialect.frame`: options' tickers have an id before their topic."""
        del client
        if self.option and name.startswith("tickers"):
            return _TEXT({"id": f"{name}-1-{payload['ts']}", "topic": name, **payload})
        return _TEXT({"topic": name, **payload})

    def sample_trade(self, name: str, symbol: str) -> Any:
        """See `Dialect.sample_trade`."""
        del name
        row = {
            "T": 1_700_000_000_000, "s": symbol, "S": "Sell", "v": "2.00", "p": "1.10", "i": "7", "BT": True,
            "L": "NewTick", "zz": {"new": [1]},
        }  # fmt: skip
        return {"type": "new word", "ts": 1_700_000_000_001, "data": [row], "more": [1]}

    # REST.

    def busy(self, status: int) -> bytes:
        """See `Dialect.busy`."""
        del status
        return b'{"retCode":10006,"retMsg":"Too many visits!","result":{},"retExtInfo":{}}'

    def nothing(self) -> tuple[int, bytes]:
        """See `Dialect.nothing`: an error is a code in a good answer."""
        return 200, b'{"retCode":10001,"retMsg":"params error: symbol invalid","result":{},"retExtInfo":{}}'

    def body(self, path: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        """See `Dialect.body`."""
        listed = list(market.instruments.values())
        if path.endswith("/time"):
            time = market.now_ns // 1_000_000
            return _TEXT({"retCode": 0, "retMsg": "OK", "result": {}, "time": time})
        if path.endswith("/option-base-coins"):
            return wire.coins_body(listed)
        if query.get("category") != category(self.exchange):
            return None
        if self.option:
            coin = query.get("baseCoin", "BTC")
            listed = [instrument for instrument in listed if instrument.base == coin]
        if path.endswith("/instruments-info"):
            if query.get("status", "Trading") != "Trading":
                listed = []
            begin = int(query.get("cursor", "begin=0").removeprefix("begin="))
            limit = int(query.get("limit", wire.PAGE))
            return wire.instruments_body(self.exchange, listed, limit=limit, begin=begin)
        if path.endswith("/tickers"):
            return wire.tickers_body(self.exchange, [market.ticker(each.symbol) for each in listed])
        symbol = query.get("symbol", "")
        if path.endswith("/orderbook") and symbol in market.instruments:
            return wire.orderbook_body(market.book(symbol, int(query.get("limit", "25"))))
        return None

    def recorded(self, recording: Recording, path: str, query: Mapping[str, str]) -> bytes | None:
        """See `Dialect.recorded`: a recording that holds no list has nothing listed."""
        found = super().recorded(recording, path, query)
        return found or b'{"retCode":0,"retMsg":"OK","result":{"list":[]}}'


def _command(good: Sequence[str], bad: Sequence[str]) -> bytes:
    """Return how options answer (facts 3)."""
    topics = {"failTopics": list(bad), "successTopics": list(good)}
    return _TEXT({"success": not bad, "conn_id": CONNECTION, "data": topics, "type": "COMMAND_RESP"})


def _error(words: str, request: _Request) -> bytes:
    """Return an error; some name no request."""
    number = {"req_id": request.req_id} if request.req_id else {}
    return _TEXT({"success": False, "ret_msg": words, "conn_id": CONNECTION, **number, "op": request.op})


def dialect(exchange: Exchange) -> BybitDialect:
    """Return the dialect of one of Bybit's markets."""
    return BybitDialect(exchange)
