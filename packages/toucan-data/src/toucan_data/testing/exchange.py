"""An exchange on loopback that speaks a venue's own protocol: for demos, examples and your own tests.

    async with ScriptedExchange.seeded(Exchange.BINANCE_SPOT) as exchange:
        async with await Streams.builder().subscribe(
            [(exchange.venue(), "BTC/USDT", PublicTrades)]
        ).init() as streams:
            ...

It plays the seeded market, whose books, trades, candles and tickers agree with each other, or a recording.
It is as strict as the real one about routes, numbers of streams, control messages and request weight, and
follows a script of faults. What a market says, and how, is its `Dialect`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import msgspec

from toucan_data.kinds import Candles, Kind
from toucan_data.registry import venue_class
from toucan_data.testing.capture import Recording
from toucan_data.testing.dialect import Client, Dialect, Said, dialect_of
from toucan_data.venue import Venue
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import InvalidInput
from toucan_instrument.link.clock import Clock, SystemClock
from toucan_instrument.testing.faults import Action, Fault, FaultScript, Step
from toucan_instrument.testing.market import MarketTick, SeededMarket
from toucan_instrument.testing.rolling import RollingCount
from toucan_instrument.testing.server import Answer, Asked, LoopbackServer, Peer

__all__ = ["ScriptedExchange", "Seen"]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
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
        self._dialects = {exchange: dialect_of(exchange) for exchange in self._exchanges}
        self._server = LoopbackServer(self)
        self._clients: dict[Peer, Client] = {}
        self._weights: RollingCount = RollingCount(MINUTE)
        self._tasks: list[asyncio.Task[None]] = []
        self._progress = asyncio.Event()
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
            dialect = dialect_of(exchange)
            listed = [dialect.listed(name) for name in own or dialect.default_symbols]
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

    def kinds(self, exchange: Exchange | None = None) -> list[Kind[Any]]:
        """Return the kinds that a market plays: those that its venue offers, candles of one interval."""
        dialect = self.dialect(exchange)
        offered = self.venue(exchange).kinds
        return [Candles(dialect.candle_interval) if kind == Candles else kind for kind in offered]

    def symbol_with(self, kind: Kind[Any], exchange: Exchange | None = None) -> str:
        """Return the first symbol of a seeded market that has a kind.

        Raises:
            InvalidInput: None has it.
        """
        venue = self.venue(exchange)
        refused: InvalidInput | None = None
        for symbol, instrument in self.markets[self._one(exchange)].instruments.items():
            try:
                venue.channel(instrument, kind)
            except InvalidInput as error:
                refused = error
            else:
                return symbol
        raise refused or InvalidInput("nothing is traded", field="kind", value=kind, accepted="")

    def stream_of(self, symbol: str, kind: Kind[Any], exchange: Exchange | None = None) -> str:
        """Return the name of the stream that serves a kind of a symbol that is traded here.

        Raises:
            InvalidInput: It has no such stream.
        """
        return self.venue(exchange).channel(self.instrument(symbol, exchange), kind).name

    def dialect(self, exchange: Exchange | None = None) -> Dialect:
        """Return how a market speaks."""
        return self._dialects[self._one(exchange)]

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
            await self._beat()
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
        variants: dict[Hashable, list[Client]] = {}
        for client in self._clients.values():
            if client.exchange is exchange:
                variants.setdefault(client.variant, []).append(client)
        for variant, clients in variants.items():
            wanted = {name for client in clients for name in client.streams}
            for name, payload in self._dialects[exchange].publish(tick, wanted, market, variant):
                for client in clients:
                    await self._deliver(client, name, payload)

    async def _deliver(self, client: Client, name: str, payload: Any) -> None:
        if name in client.streams and name not in client.muted and not client.stalled:
            await self._send(client, name, self._dialects[client.exchange].frame(client, name, payload))

    async def _send(self, client: Client, name: str, frame: bytes) -> None:
        for step in self.faults.on_frame(client.peer.number, name, frame):
            await self._do(client, name, step)

    async def _do(self, client: Client, name: str, step: Step) -> None:
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
                notice = self._dialects[client.exchange].shutdown(client, self._clock.utc_ns())
                if notice is None:
                    await peer.close()
                else:
                    await peer.send(notice)
            case _:
                raise InvalidInput(
                    "that cannot happen to a frame", field="fault", value=fault.action, accepted=name
                )

    async def _beat(self) -> None:
        """Send the heartbeats that are due."""
        now = self._clock.monotonic_ns()
        for client in tuple(self._clients.values()):
            if now - client.beaten >= SECOND and not client.stalled:
                client.beaten = now
                frame = self._dialects[client.exchange].heartbeat(client)
                if frame is not None:
                    await client.peer.send(frame)

    async def send_event(self, name: str, payload: Any) -> None:
        """Send a payload on a stream to every connection that follows it."""
        for client in tuple(self._clients.values()):
            if name in client.streams:
                await client.peer.send(self._dialects[client.exchange].frame(client, name, payload))

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
        while not recording.offered <= self.subscribed and not self._started:
            self._progress.clear()
            await self._progress.wait()
        dialect = self._dialects[self._exchanges[0]]
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while dialect.awaited(recording, self.subscribed):
                    self._progress.clear()
                    await self._progress.wait()
                await asyncio.sleep(0.05)  # for the last answer to arrive
        await self._play(recording)
        self.played.set()

    _started = False

    def start(self) -> None:
        """Begin to play although not every stream is subscribed."""
        self._started = True
        self._progress.set()

    async def _play(self, recording: Recording) -> None:
        before = None
        for time, name, frame in recording.frames:
            if self._speed is not None and before is not None:
                await asyncio.sleep(max(0, time - before) / 1e9 / self._speed)
            before = time
            for client in tuple(self._clients.values()):
                if name in client.streams and name not in client.muted and not client.stalled:
                    as_sent = self._dialects[client.exchange].replayed(client, frame)
                    await self._send(client, name, as_sent)

    # What clients say; see `toucan_instrument.testing.server.Handler`.

    async def handshake(self, asked: Asked) -> Answer | None:
        """Refuse what no market is at, and what the script says."""
        reply = self.faults.on_connect()
        if reply is not None:
            self.seen.refused += 1
            headers = {} if reply.retry_after is None else {"Retry-After": str(reply.retry_after)}
            return Answer(status=reply.status, headers=headers)
        place = self._place(asked.path)
        if place is None or not self._dialects[place[0]].accepts(place[1]):
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
        self.seen.connects += 1
        client = self._clients[peer] = Client(peer, exchange)
        await _say(client, self._dialects[exchange].connected(client, rest, peer.query))

    async def left(self, peer: Peer) -> None:
        """Take note that a connection is gone."""
        self._clients.pop(peer, None)

    async def said(self, peer: Peer, text: bytes) -> None:
        """Answer a message."""
        client = self._clients[peer]
        if not await self._within_limit(client):
            return
        dialect = self._dialects[client.exchange]
        said = dialect.understand(client, text)
        await _say(client, said.replies)
        if said.unsubscribe:
            for name in said.unsubscribe:
                client.streams.pop(name, None)
            await _say(client, dialect.ack(client, said, ()))
        if said.subscribe:
            await self._subscribe(client, dialect, said)

    async def _within_limit(self, client: Client) -> bool:
        most, window = self._dialects[client.exchange].most_messages(client)
        client.controls.window_ns = window
        recent = client.controls.add(self._clock.monotonic_ns())
        self.seen.controls += 1
        self.seen.most_controls = max(self.seen.most_controls, recent)
        if recent <= most:
            return True
        self.seen.limits_broken += 1
        await client.peer.close(1008, "Too many requests")
        return False

    async def _subscribe(self, client: Client, dialect: Dialect, said: Said) -> None:
        names = said.subscribe
        if len(client.streams) + len(names) > dialect.stream_limit:
            self.seen.limits_broken += 1
            frames, code = dialect.too_many(client, said)
            await _say(client, frames)
            if code is not None:
                await client.peer.close(code, "Invalid request")
            return
        self.seen.subscriptions += names
        fault = self.faults.on_subscribe(names)
        action = fault.action if fault is not None else None
        bad = list(names) if action is Action.ERROR_ACK else self._bad(client, dialect, names)
        good = [] if bad and dialect.all_or_nothing else [name for name in names if name not in bad]
        if fault is not None and action is Action.ACK_ONLY:
            client.muted.update(name for name in good if fault.stream in name)
        if dialect.opens_first:
            await self._begin(client, dialect, good)
        if bad:
            await _say(client, dialect.error(client, said, bad))
        if good and action is not Action.NO_ACK:
            await _say(client, dialect.ack(client, said, good))
        if not dialect.opens_first:
            await self._begin(client, dialect, good)
        self._progress.set()

    def _bad(self, client: Client, dialect: Dialect, names: Sequence[str]) -> list[str]:
        """Return the streams that do not exist; a recording is not asked."""
        market = self.markets.get(client.exchange)
        if market is None:
            return []
        return [name for name in names if dialect.refuses(client, name, market.instruments)]

    async def _begin(self, client: Client, dialect: Dialect, names: Sequence[str]) -> None:
        """Let streams flow, each from what it begins with on."""
        market = self.markets.get(client.exchange)
        for name in names:
            if not dialect.serves(client, name):
                continue
            client.streams[name] = None
            if market is None or name in client.muted or client.stalled:
                continue
            # No await between the look at the market and the writing of what was seen.
            for payload in dialect.opening(client, name, market):
                await client.peer.send(dialect.frame(client, name, payload))

    # REST.

    async def rest(self, asked: Asked) -> Answer:
        """Answer a request, and count its weight."""
        place = self._place(asked.path)
        if place is None:
            return Answer(status=404)
        exchange, rest = place
        path = f"/{rest}"
        self.seen.requests[path] += 1
        dialect = self._dialects[exchange]
        reply = self.faults.on_request(path)
        if reply is not None:
            return _refusal(dialect, reply.status, reply.retry_after)
        used = self._charge(dialect.weight(path, asked.query))
        if used > (self._weight_limit or dialect.weight_limit):
            self.seen.limits_broken += 1
            return _refusal(dialect, 429, 60)
        body = self._body(exchange, path, asked.query)
        if body is None:
            status, body = dialect.nothing()
            return Answer(status, body, dialect.headers(used))
        return Answer(200, body, dialect.headers(used))

    def _charge(self, weight: int) -> int:
        used = self._weights.add(self._clock.monotonic_ns(), weight)
        self.seen.most_weight = max(self.seen.most_weight, used)
        return used

    def _body(self, exchange: Exchange, path: str, query: Mapping[str, str]) -> bytes | None:
        dialect, recording = self._dialects[exchange], self._recording
        if recording is None:
            return dialect.body(path, query, self.markets[exchange])
        body = dialect.recorded(recording, path, query)
        recording.asked.append((path, query))
        self._progress.set()
        return body

    def instrument(self, symbol: str, exchange: Exchange | None = None) -> Instrument:
        """Return an instrument of a seeded market, by the venue's symbol."""
        return self.markets[self._one(exchange)].instruments[symbol]

    def __repr__(self) -> str:
        """Show what it plays, and for how many."""
        return f"ScriptedExchange({', '.join(self._exchanges)} at {self.url}, {self.connections} connections)"


async def _say(client: Client, frames: Iterable[bytes]) -> None:
    for frame in frames:
        await client.peer.send(frame)


def _refusal(dialect: Dialect, status: int, retry_after: int | None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Answer(status, dialect.busy(status), headers)
