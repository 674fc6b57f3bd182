"""An exchange on loopback that speaks a venue's own protocol: for demos, examples and your own tests.

    async with ScriptedExchange.seeded(Exchange.BINANCE_SPOT) as exchange:
        async with await Streams.builder().subscribe(
            [(exchange.venue(), "BTC/USDT", PublicTrades)]
        ).init() as streams:
            ...

It plays the seeded market, whose books, trades, candles and tickers agree with each other, or a recording.
It is as strict as the real one about routes, numbers of streams, control messages and request weight, and
follows a script of faults.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import msgspec

from toucan_data.registry import venue_class
from toucan_data.testing.capture import Recording
from toucan_data.venue import Venue
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import InvalidInput
from toucan_instrument.link.clock import Clock, SystemClock
from toucan_instrument.testing import binance as wire
from toucan_instrument.testing.faults import Action, Fault, FaultScript, Step
from toucan_instrument.testing.market import MarketTick, SeededMarket
from toucan_instrument.testing.server import Answer, Asked, LoopbackServer, Peer

__all__ = ["ScriptedExchange", "Seen"]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
FUTURES = (Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M)
STREAM_LIMIT = 1024
PATIENCE_S = 2.0
"""How long a recording waits for the snapshots of the books that are followed."""


class Seen(msgspec.Struct):
    """What the exchange has seen of its clients.

    Attributes:
        connects: Connections that were accepted.
        refused: Handshakes that were refused.
        requests: REST requests by path.
        subscriptions: Streams that were asked for, in order.
        controls: Control messages.
        most_controls: The most control messages within a second on one connection.
        most_weight: The most request weight within a minute.
        limits_broken: Times that a limit was broken.
    """

    connects: int = 0
    refused: int = 0
    requests: Counter[str] = msgspec.field(default_factory=Counter)
    subscriptions: list[str] = msgspec.field(default_factory=list)
    controls: int = 0
    most_controls: int = 0
    most_weight: int = 0
    limits_broken: int = 0


class _Client:
    """What is known of one connection."""

    def __init__(self, peer: Peer, exchange: Exchange, route: str, *, micro: bool) -> None:
        self.peer = peer
        self.exchange = exchange
        self.route = route
        self.micro = micro
        self.streams: dict[str, None] = {}
        self.muted: set[str] = set()
        self.stalled = False
        self.controls: deque[int] = deque()


class _Request(msgspec.Struct):
    method: str = ""
    params: list[Any] = []
    id: int | str | None = None


class ScriptedExchange:
    """One or several markets on one server; use it with ``async with``.

    Attributes:
        markets: The seeded market of each exchange.
        seen: What its clients have done.
        faults: The script of faults; more can be added while it runs.
    """

    def __init__(
        self,
        exchanges: Sequence[Exchange],
        *,
        markets: Mapping[Exchange, SeededMarket] | None = None,
        recording: Recording | None = None,
        faults: FaultScript | Iterable[Fault] = (),
        pace_ms: int | None = 50,
        speed: float | None = None,
        weight_limit: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Made by `seeded` or `playing`."""
        self.markets: dict[Exchange, SeededMarket] = dict(markets or {})
        self.seen: Seen = Seen()
        self.faults: FaultScript = faults if isinstance(faults, FaultScript) else FaultScript(faults)
        self._exchanges = tuple(exchanges)
        self._recording = recording
        self._pace_ms = pace_ms
        self._speed = speed
        self._weight_limit = weight_limit
        self._clock = clock or SystemClock()
        self._server = LoopbackServer(self)
        self._clients: dict[Peer, _Client] = {}
        self._weights: deque[tuple[int, int]] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._progress = asyncio.Event()
        self._snapshots: set[str] = set()
        self.played: asyncio.Event = asyncio.Event()

    @classmethod
    def seeded(
        cls,
        exchanges: Exchange | Sequence[Exchange],
        symbols: Sequence[str] | Mapping[Exchange, Sequence[str]] | None = None,
        *,
        seed: int = 1,
        levels: int = 200,
        faults: FaultScript | Iterable[Fault] = (),
        pace_ms: int | None = 50,
        weight_limit: int | None = None,
        clock: Clock | None = None,
    ) -> ScriptedExchange:
        """Make an exchange that plays the seeded market.

        Args:
            exchanges: Which markets it speaks for.
            symbols: What is traded, for all of them or for each; two of each if None.
            seed: Where everything comes from.
            levels: How many levels a side books begin with.
            faults: What goes wrong.
            pace_ms: How often the market moves by itself, milliseconds; None to move it by `step` alone.
            weight_limit: Another request weight per minute than the venue's.
            clock: Where time comes from.
        """
        chosen = (exchanges,) if isinstance(exchanges, Exchange) else tuple(exchanges)
        clock = clock or SystemClock()
        markets = {}
        for exchange in chosen:
            own = symbols.get(exchange) if isinstance(symbols, Mapping) else symbols
            names = own or wire.DEFAULT_SYMBOLS[exchange]
            listed = [wire.listed(exchange, name) for name in names]
            markets[exchange] = SeededMarket(listed, seed=seed, start_ns=clock.utc_ns(), levels=levels)
        return cls(
            chosen,
            markets=markets,
            faults=faults,
            pace_ms=pace_ms,
            weight_limit=weight_limit,
            clock=clock,
        )

    @classmethod
    def playing(
        cls,
        exchange: Exchange,
        recording: Recording,
        *,
        speed: float | None = None,
        faults: FaultScript | Iterable[Fault] = (),
    ) -> ScriptedExchange:
        """Make an exchange that plays a recording, routed by today's table.

        A frame goes to every connection that has subscribed to its stream. It begins when every stream
        of the recording that exists today is subscribed, or `start` is called.

        Args:
            exchange: Whose recording it is.
            recording: What was recorded.
            speed: 1 for the pace of the recording, 2 for twice that; None for as fast as it is taken.
            faults: What goes wrong.
        """
        return cls((exchange,), recording=recording, faults=faults, pace_ms=None, speed=speed)

    # Where it is.

    @property
    def url(self) -> str:
        """Its address."""
        return self._server.http_url

    def _one(self, exchange: Exchange | None) -> Exchange:
        chosen = exchange or self._exchanges[0]
        if chosen not in self._exchanges:
            raise InvalidInput(
                "that market is not played",
                field="exchange",
                value=chosen.value,
                accepted=", ".join(self._exchanges),
            )
        return chosen

    def ws_url_of(self, exchange: Exchange | None = None) -> str:
        """Return the base address of a market's streams."""
        return f"{self._server.ws_url}/{self._one(exchange).value}"

    def rest_url_of(self, exchange: Exchange | None = None) -> str:
        """Return the base address of a market's REST."""
        return f"{self._server.http_url}/{self._one(exchange).value}"

    @property
    def ws_url(self) -> str:
        """Base address of the first market's streams."""
        return self.ws_url_of()

    @property
    def rest_url(self) -> str:
        """Base address of the first market's REST."""
        return self.rest_url_of()

    def venue(self, exchange: Exchange | None = None, **options: Any) -> Venue:
        """Return the venue of a market at this address; options are those of its class."""
        chosen = self._one(exchange)
        made: Any = venue_class(chosen)
        venue: Venue = made(ws_url=self.ws_url_of(chosen), rest_url=self.rest_url_of(chosen), **options)
        return venue

    @property
    def market(self) -> SeededMarket:
        """The seeded market of the first exchange."""
        return self.markets[self._exchanges[0]]

    # Its life.

    async def __aenter__(self) -> Self:
        """Open it."""
        await self._server.__aenter__()
        if self._recording is not None:
            self._tasks.append(asyncio.create_task(self._play_when_ready()))
        elif self._pace_ms is not None:
            self._tasks.append(asyncio.create_task(self._run()))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it, losing all connections; a fault of its own comes out here."""
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.__aexit__()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _run(self) -> None:
        pace = (self._pace_ms or 0) * 1_000_000
        while True:
            await self._clock.sleep_until(self._clock.monotonic_ns() + pace)
            await self.step()

    async def step(self, count: int = 1) -> None:
        """Let the markets move; what that sends has been written when it returns."""
        for _ in range(count):
            for exchange, market in self.markets.items():
                now = max(self._clock.utc_ns(), market.now_ns + 1_000_000)
                for tick in market.step(now):
                    await self._publish(exchange, market, tick)

    async def liquidate(self, symbol: str, exchange: Exchange | None = None) -> None:
        """Let a position be liquidated now."""
        chosen = self._one(exchange)
        market = self.markets[chosen]
        for tick in market.liquidate(symbol):
            await self._publish(chosen, market, tick)

    async def _publish(self, exchange: Exchange, market: SeededMarket, tick: MarketTick) -> None:
        for micro in (False, True):
            clients = [
                client
                for client in self._clients.values()
                if client.exchange is exchange and client.micro is micro
            ]
            if not clients:
                continue
            wanted = {name for client in clients for name in client.streams}
            for name, payload in wire.streams_of(exchange, tick, wanted, market.book, micro=micro):
                frame = wire.combined(name, payload)
                for client in clients:
                    await self._deliver(client, name, frame)

    async def _deliver(self, client: _Client, name: str, frame: bytes) -> None:
        if name not in client.streams or name in client.muted or client.stalled:
            return
        for step in self.faults.on_frame(client.peer.number, name, frame):
            await self._do(client, name, step)

    async def _do(self, client: _Client, name: str, step: Step) -> None:
        fault, peer = step.fault, client.peer
        if step.frame is not None:
            await peer.send(step.frame)
        if fault is None:
            return
        match fault.action:
            case Action.DROP:
                peer.drop()
            case Action.CLOSE:
                await peer.close(fault.code)
            case Action.HALF_OPEN:
                peer.go_deaf()
            case Action.STALL:
                client.stalled = True
            case Action.SLOW:
                await asyncio.sleep(fault.delay)
            case Action.SHUTDOWN:
                notice = {"e": "serverShutdown", "E": self._clock.utc_ns() // 1_000_000}
                await peer.send(wire.combined("!serverShutdown", notice))
            case _:
                raise InvalidInput(
                    "that cannot happen to a frame", field="fault", value=fault.action, accepted=name
                )

    async def send_raw(self, frame: bytes) -> None:
        """Send a frame to every connection, whatever it holds."""
        for client in tuple(self._clients.values()):
            await client.peer.send(frame)

    def drop_all(self, exchange: Exchange | None = None) -> int:
        """Lose all connections, or those of one market, without a goodbye; return how many."""
        lost = [c for c in self._clients.values() if exchange is None or c.exchange is exchange]
        for client in lost:
            client.peer.drop()
        return len(lost)

    def drop_stream(self, stream: str, exchange: Exchange | None = None) -> int:
        """Lose the connections that carry a stream, by a part of its name; return how many."""
        lost = [
            client
            for client in self._clients.values()
            if (exchange is None or client.exchange is exchange)
            and any(stream in name for name in client.streams)
        ]
        for client in lost:
            client.peer.drop()
        return len(lost)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._clients)

    @property
    def subscribed(self) -> frozenset[str]:
        """The streams that are followed now."""
        return frozenset(name for client in self._clients.values() for name in client.streams)

    # Playing a recording.

    async def _play_when_ready(self) -> None:
        recording = self._recording
        if recording is None:
            return
        names = {
            name
            for name in recording.streams
            if wire.stream_exists(self._exchanges[0], recording.symbols, name) or "@" in name
        }
        books = {
            name.partition("@")[0]
            for name in names
            if name.partition("@")[2].startswith("depth") and name.partition("@")[0] in recording.snapshots
        }
        while not names & set(recording.streams) <= self.subscribed and not self._started:
            self._progress.clear()
            await self._progress.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not {b for b in books if self._followed_book(b)} <= self._snapshots:
                    self._progress.clear()
                    await self._progress.wait()
                await asyncio.sleep(0.05)  # for the last snapshot to arrive
        await self._play(recording)
        self.played.set()

    _started = False

    def start(self) -> None:
        """Begin to play although not every stream is subscribed."""
        self._started = True
        self._progress.set()

    def _followed_book(self, symbol: str) -> bool:
        return any(
            name.startswith(f"{symbol}@depth@") or name == f"{symbol}@depth" for name in self.subscribed
        )

    async def _play(self, recording: Recording) -> None:
        before = None
        for time, name, frame in recording.frames:
            if self._speed is not None and before is not None:
                await asyncio.sleep(max(0, time - before) / 1e9 / self._speed)
            before = time
            for client in tuple(self._clients.values()):
                await self._deliver(client, name, frame)

    # What clients say; see `toucan_instrument.testing.server.Handler`.

    async def handshake(self, asked: Asked) -> Answer | None:
        """Refuse what no market is at, and what the script says."""
        reply = self.faults.on_connect()
        if reply is not None:
            self.seen.refused += 1
            headers = {} if reply.retry_after is None else {"Retry-After": str(reply.retry_after)}
            return Answer(status=reply.status, headers=headers)
        place = self._place(asked.path)
        if place is None or not asked.path.endswith("/stream"):
            self.seen.refused += 1
            return Answer(status=404)
        return None

    def _place(self, path: str) -> tuple[Exchange, str] | None:
        """Return market and the rest of a path."""
        head, _, rest = path.strip("/").partition("/")
        found = next((each for each in self._exchanges if each.value == head), None)
        return None if found is None else (found, rest)

    async def connected(self, peer: Peer) -> None:
        """Take note of a connection."""
        place = self._place(peer.path)
        if place is None:
            return
        exchange, rest = place
        micro = peer.query.get("timeUnit", "").upper() == "MICROSECOND"
        self.seen.connects += 1
        self._clients[peer] = _Client(peer, exchange, rest.removesuffix("stream").strip("/"), micro=micro)

    async def left(self, peer: Peer) -> None:
        """Take note that a connection is gone."""
        self._clients.pop(peer, None)

    async def said(self, peer: Peer, text: bytes) -> None:
        """Answer a control message, facts A.3."""
        client = self._clients[peer]
        if not await self._within_limit(client):
            return
        try:
            request = msgspec.json.decode(text, type=_Request)
        except ValueError:
            await self._error(peer, 3, "Invalid JSON: expected value at line 1 column 1", None)
            return
        names = [name for name in request.params if isinstance(name, str)]
        match request.method:
            case "SUBSCRIBE":
                await self._subscribe(client, names, request.id)
            case "UNSUBSCRIBE":
                for name in names:
                    client.streams.pop(name, None)
                await self._result(peer, None, request.id)
            case "LIST_SUBSCRIPTIONS":
                await self._result(peer, list(client.streams), request.id)
            case "SET_PROPERTY" | "GET_PROPERTY":
                await self._result(peer, True if request.method.startswith("G") else None, request.id)
            case _:
                await self._error(
                    peer,
                    2,
                    f"Invalid request: unknown variant `{request.method}`, expected one of `SUBSCRIBE`",
                    request.id,
                )

    async def _within_limit(self, client: _Client) -> bool:
        now = self._clock.monotonic_ns()
        recent = client.controls
        recent.append(now)
        while recent[0] <= now - SECOND:
            recent.popleft()
        self.seen.controls += 1
        self.seen.most_controls = max(self.seen.most_controls, len(recent))
        if len(recent) <= (10 if client.exchange in FUTURES else 5):
            return True
        self.seen.limits_broken += 1
        await client.peer.close(1008, "Too many requests")
        return False

    async def _subscribe(self, client: _Client, names: list[str], request_id: Any) -> None:
        if len(client.streams) + len(names) > STREAM_LIMIT:
            self.seen.limits_broken += 1
            await self._error(client.peer, 4, "Too many subscriptions", request_id)
            await client.peer.close(1008, "Invalid request")
            return
        self.seen.subscriptions += names
        fault = self.faults.on_subscribe(names)
        if fault is not None and fault.action is Action.ERROR_ACK:
            await self._error(client.peer, 2, "Invalid request", request_id)
            return
        for name in names:
            # A stream on the wrong route, an unknown one, one in upper case: acknowledged and silent.
            if wire.route_of(client.exchange, name) == client.route:
                client.streams[name] = None
            if fault is not None and fault.action is Action.ACK_ONLY and fault.stream in name:
                client.muted.add(name)
        if fault is None or fault.action is not Action.NO_ACK:
            await self._result(client.peer, None, request_id)
        self._progress.set()

    @staticmethod
    async def _result(peer: Peer, result: Any, request_id: Any) -> None:
        await peer.send(msgspec.json.encode({"result": result, "id": request_id}))

    @staticmethod
    async def _error(peer: Peer, code: int, message: str, request_id: Any) -> None:
        await peer.send(msgspec.json.encode({"error": {"code": code, "msg": message}, "id": request_id}))

    # REST.

    async def rest(self, asked: Asked) -> Answer:
        """Answer a request, and count its weight."""
        place = self._place(asked.path)
        if place is None:
            return Answer(status=404)
        exchange, rest = place
        path = f"/{rest}"
        self.seen.requests[path] += 1
        reply = self.faults.on_request(path)
        if reply is not None:
            return _refusal(reply.status, reply.retry_after)
        used = self._charge(self._weight(exchange, path, asked.query))
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        if used > self._limit(exchange):
            self.seen.limits_broken += 1
            return _refusal(429, 60)
        body = self._body(exchange, path, asked.query)
        if body is None:
            return Answer(400, b'{"code":-1121,"msg":"Invalid symbol."}', headers)
        return Answer(200, body, headers)

    def _limit(self, exchange: Exchange) -> int:
        return self._weight_limit or (2400 if exchange in FUTURES else 6000)

    @staticmethod
    def _weight(exchange: Exchange, path: str, query: Mapping[str, str]) -> int:
        futures = exchange in FUTURES
        if path.endswith("/depth"):
            limit = int(query.get("limit", "100"))
            table = {100: 5, 500: 10, 1000: 20} if futures else {100: 5, 500: 25, 1000: 50, 5000: 250}
            return next((w for most, w in table.items() if limit <= most), 250)
        if path.endswith("/exchangeInfo"):
            return 1 if futures else 20
        if path.endswith("/ticker/24hr"):
            return 40 if futures else 80
        return 1

    def _charge(self, weight: int) -> int:
        now = self._clock.monotonic_ns()
        self._weights.append((now, weight))
        while self._weights[0][0] <= now - MINUTE:
            self._weights.popleft()
        used = sum(each for _, each in self._weights)
        self.seen.most_weight = max(self.seen.most_weight, used)
        return used

    def _body(self, exchange: Exchange, path: str, query: Mapping[str, str]) -> bytes | None:
        name = path.rpartition("/")[2]
        if name in {"ping", "time"}:
            return msgspec.json.encode({"serverTime": self._clock.utc_ns() // 1_000_000})
        if self._recording is not None:
            return self._recorded(self._recording, path, query)
        market = self.markets[exchange]
        if name == "exchangeInfo":
            return wire.exchange_info(exchange, market.instruments.values(), market.now_ns)
        if path.endswith("/ticker/24hr"):
            return wire.tickers_body(exchange, map(market.ticker, market.instruments))
        symbol = query.get("symbol", "")
        if name == "depth" and symbol in market.instruments:
            return wire.depth_body(exchange, market.book(symbol, int(query.get("limit", "100"))))
        return None

    def _recorded(self, recording: Recording, path: str, query: Mapping[str, str]) -> bytes | None:
        if path.endswith("/depth"):
            symbol = query.get("symbol", "").lower()
            self._snapshots.add(symbol)
            self._progress.set()
            return recording.snapshots.get(symbol)
        if path.endswith("/exchangeInfo"):
            return recording.instruments or b'{"symbols":[]}'
        return b"[]" if path.endswith("/ticker/24hr") else None

    def instrument(self, symbol: str, exchange: Exchange | None = None) -> Instrument:
        """Return an instrument of a seeded market, by the venue's symbol."""
        return self.markets[self._one(exchange)].instruments[symbol]

    def __repr__(self) -> str:
        """Show what it plays, and for how many."""
        return f"ScriptedExchange({', '.join(self._exchanges)} at {self.url}, {self.connections} connections)"


def _refusal(status: int, retry_after: int | None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = (
        b'{"code":-1003,"msg":"Too much request weight used; please use WebSocket Streams for live updates."}'
    )
    return Answer(status, body if status in {418, 429} else b"{}", headers)
