"""What the sandbox does with what comes over HTTP and WebSockets: the one part that awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.faulty import answer_of, arrives_ns
from toucan_execution.testing.sandbox.gate import Incoming, Outgoing, rest_parameters
from toucan_execution.testing.sandbox.hosted import Hosted
from toucan_execution.testing.sandbox.line import Line
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.params import Params
from toucan_execution.testing.sandbox.streams import StreamSession
from toucan_execution.testing.sandbox.wire import Payload
from toucan_execution.testing.sandbox.wsapi import WsRequest, WsSession
from toucan_instrument import Exchange
from toucan_instrument.link.clock import Clock
from toucan_instrument.testing import binance as public, binance_control as control
from toucan_instrument.testing.faults import Action, Fault, FaultScript
from toucan_instrument.testing.server import Answer, Asked, Peer
from toucan_instrument.testing.ticks import AverageTick, MarketTick, MarkTick, TickerTick

__all__ = ["FrontDoor"]

SECOND = 1_000_000_000
NOT_FOUND, UNAVAILABLE = 404, 503
POLICY = 1008
PINGS_NS = {False: 20 * SECOND, True: 180 * SECOND}
"""How often the server pings, by whether it is a futures market (facts A.2, F.1)."""
ARRAYS = frozenset({"!miniTicker@arr", "!ticker@arr", "!markPrice@arr", "!markPrice@arr@1s"})
SLACK_NS = 100_000_000
CONNECT_WEIGHT = {False: 2, True: 5}


class FrontDoor:
    """Takes requests and connections, and sends streams; see `toucan_instrument.testing.server.Handler`.

    Args:
        hosted: The markets, by exchange.
        faults: What goes wrong.
        clock: Where time comes from.
        now: Returns the venue's time, nanoseconds since the epoch.
    """

    def __init__(
        self,
        hosted: Mapping[Exchange, Hosted],
        *,
        faults: FaultScript,
        clock: Clock,
        now: Callable[[], int],
    ) -> None:
        self.lines: dict[Peer, Line] = {}
        """Who is connected."""
        self.down: bool = False
        """Whether nothing is answered but 503, as while the venue restarts."""
        self.requests: int = 0
        """How many requests were taken, over both ways."""
        self.events: int = 0
        """How many events of streams were sent, public and private."""
        self.needs_events: bool = True
        """Whether a listen key in an address without a list of events is sent nothing (facts 0.3-1)."""
        self._hosted = hosted
        self._faults = faults
        self._clock = clock
        self._now = now
        self._numbers = count()
        self._spoken: dict[tuple[Exchange, str], int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in tuple(self.lines.values()):
            await line.end()

    def _place(self, path: str) -> tuple[Hosted, str] | None:
        """Return the market that a path names first, and what follows."""
        first, _, rest = path.strip("/").partition("/")
        for exchange, hosted in self._hosted.items():
            if first == exchange.value:
                return hosted, rest
        return None

    # REST.

    async def rest(self, asked: Asked) -> Answer | None:
        """Answer a request; None where its connection is lost."""
        place = self._place(asked.path)
        if place is None or self.down:
            return Answer(UNAVAILABLE if self.down else NOT_FOUND)
        hosted, rest = place
        name = f"{asked.method} /{rest}"
        self.requests += 1
        try:
            incoming = _incoming(hosted, asked, f"/{rest}")
        except (ApiError, UnicodeError) as error:
            return _answer(_unreadable(error))
        if incoming is None:
            return Answer(NOT_FOUND)
        outgoing = await self._deal(hosted, incoming, name)
        return None if outgoing is None else _answer(outgoing)

    async def _deal(self, hosted: Hosted, incoming: Incoming, name: str) -> Outgoing | None:
        """Deal with a request as the script of faults has it; None where its connection is lost."""
        fault = self._faults.on_call(name)
        if fault is None:
            return self._perform(hosted, incoming, self._now())
        if fault.action is Action.STATUS:
            return answer_of(fault, self._now())
        if fault.action is Action.LOSE_REQUEST:
            return None
        arrival = arrives_ns(fault, incoming, hosted.gate, self._now())
        await self._wait_until(arrival)
        outgoing = self._perform(hosted, incoming, arrival)
        if fault.action is Action.LOSE_REPLY:
            return None
        return answer_of(fault, self._now()) if fault.action is Action.DONE_STATUS else outgoing

    def _perform(self, hosted: Hosted, incoming: Incoming, now_ns: int) -> Outgoing:
        outgoing = hosted.gate.pass_through(hosted.market, incoming, now_ns)
        self.publish(hosted)
        return outgoing

    async def _wait_until(self, utc_ns: int) -> None:
        wait = utc_ns - self._now()
        if wait > 0:
            await self._clock.sleep_until(self._clock.monotonic_ns() + wait)

    # Connections.

    async def handshake(self, asked: Asked) -> Answer | None:
        """Refuse a connection where there is nothing, and where the script says so."""
        reply = self._faults.on_connect()
        if reply is not None:
            headers = {} if reply.retry_after is None else {"Retry-After": str(reply.retry_after)}
            return Answer(reply.status, headers=headers)
        place = self._place(asked.path)
        if place is None or self.down:
            return Answer(UNAVAILABLE if self.down else NOT_FOUND)
        hosted, rest = place
        if rest == hosted.ws_path:
            try:
                hosted.gate.address.charge(self._now(), CONNECT_WEIGHT[hosted.market.futures])
            except ApiError as error:
                return _answer(hosted.gate.refusal(error, self._now()))
            return None
        return None if control.opened(hosted.market.exchange, rest, asked.query) else Answer(NOT_FOUND)

    async def connected(self, peer: Peer) -> None:
        """Open a session."""
        place = self._place(peer.path)
        assert place is not None  # noqa: S101 - the handshake has seen to it
        hosted, rest = place
        session: StreamSession | WsSession
        if rest == hosted.ws_path:
            quiet = peer.query.get("returnRateLimits", "") == "false"
            session = WsSession(hosted.market, hosted.gate, hosted.methods, now_ns=self._now(), quiet=quiet)
        else:
            opened = control.opened(hosted.market.exchange, rest, peer.query)
            assert opened is not None  # noqa: S101 - likewise
            pairs = parse_qsl(peer.raw_query)
            session = StreamSession(
                hosted.market.exchange, opened, pairs, hosted.account_of, needs_events=self.needs_events
            )
        if isinstance(session, StreamSession):
            hosted.market.follow(session.names)
        self.lines[peer] = Line(
            peer,
            hosted.market,
            session,
            number=next(self._numbers),
            faults=self._faults,
            clock=self._clock,
            shutdown=self.farewell,
        )

    async def left(self, peer: Peer) -> None:
        """Forget a connection."""
        line = self.lines.pop(peer, None)
        if line is not None:
            await line.end()

    async def said(self, peer: Peer, text: bytes) -> None:
        """Take what a connection says."""
        line = self.lines[peer]
        hosted = self._hosted[line.market.exchange]
        if isinstance(line.session, WsSession):
            read = line.session.read(text)
            if isinstance(read, bytes):
                line.send(read)
            else:
                await self._request(hosted, line, line.session, read)
            return
        if line.closing:
            return
        most, _ = control.most_messages(line.market.exchange)
        if line.controls.add(self._clock.monotonic_ns()) > most:
            line.close(POLICY, "Too many requests")
            return
        frame, code = line.session.hear(text)
        line.send(frame)
        hosted.market.follow(line.session.names)
        if code is not None:
            line.close(code, "Invalid request")

    async def _request(self, hosted: Hosted, line: Line, session: WsSession, request: WsRequest) -> None:
        self.requests += 1
        fault = self._faults.on_call(request.method)
        if fault is None:
            self._answer_on(hosted, line, session, request, self._now())
        else:  # whatever takes its time must not hold up what comes behind it
            task = asyncio.create_task(self._go_wrong(hosted, line, session, request, fault))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _answer_on(
        self, hosted: Hosted, line: Line, session: WsSession, request: WsRequest, now_ns: int
    ) -> None:
        frames = session.answer(request, now_ns)
        for frame in frames:
            line.send(frame)
        self.publish(hosted)

    async def _go_wrong(
        self, hosted: Hosted, line: Line, session: WsSession, request: WsRequest, fault: Fault
    ) -> None:
        if fault.action is Action.STATUS:
            line.send(session.frame(request, answer_of(fault, self._now())))
            return
        if fault.action is Action.LOSE_REQUEST:
            line.peer.drop()
            return
        incoming, arrival = session.incoming(request), self._now()
        if incoming is not None:
            arrival = arrives_ns(fault, incoming, hosted.gate, arrival)
            await self._wait_until(arrival)
        if fault.action in {Action.LOSE_REPLY, Action.DONE_STATUS}:
            session.answer(request, arrival)
            self.publish(hosted)
            if fault.action is Action.LOSE_REPLY:
                line.peer.drop()
            else:
                line.send(session.frame(request, answer_of(fault, self._now())))
            return
        self._answer_on(hosted, line, session, request, arrival)

    # What is told.

    def tell(self, market: SandboxMarket, account: str, payloads: Iterable[Payload]) -> None:
        """Tell an account's connections of its events."""
        hosted = self._hosted[market.exchange]
        key = "" if hosted.listen_keys is None else hosted.listen_keys.of(account) or ""
        for payload in payloads:
            for line in self.lines.values():
                if line.market is not market:
                    continue
                session = line.session
                told = (
                    session.tell(account, payload)
                    if isinstance(session, WsSession)
                    else session.tell(key, payload)
                )
                for frame in told:
                    self.events += 1
                    line.send(frame, str(payload["e"]))

    def key_ended(self, hosted: Hosted, account: str, key: str, *, expired: bool) -> None:
        """Tell a listen key's connections that it has ended."""
        del account
        payload = {"e": "listenKeyExpired", "E": self._now() // 1_000_000, "listenKey": key}
        for line in self.lines.values():
            if line.market is hosted.market and isinstance(line.session, StreamSession):
                for frame in line.session.tell(key, payload) if expired else ():
                    line.send(frame, "listenKeyExpired")
                line.session.listen_keys.pop(key, None)

    def revoke(self, api_key: str) -> None:
        """End the sessions of a key that was deleted (facts F.2)."""
        for line in self.lines.values():
            if isinstance(line.session, WsSession):
                for frame in line.session.revoke(api_key, self._now()):
                    line.send(frame)

    def publish(self, hosted: Hosted) -> None:
        """Send what has happened on a market to those who follow it."""
        market = hosted.market
        ticks = market.take_ticks()
        for micro in (False, True):
            followers = [
                (line, line.session)
                for line in self.lines.values()
                if line.market is market
                and isinstance(line.session, StreamSession)
                and line.session.micro is micro
                and line.session.names
            ]
            if ticks and followers:
                self._send_ticks(market, ticks, followers, micro=micro)

    def _send_ticks(
        self,
        market: SandboxMarket,
        ticks: list[MarketTick | AverageTick],
        followers: list[tuple[Line, StreamSession]],
        *,
        micro: bool,
    ) -> None:
        wanted = {name for _, session in followers for name in session.names}
        single = wanted - ARRAYS
        for tick in ticks:
            named = public.streams_of(market.exchange, tick, single, market.book, micro=micro)
            self._spread(market, tick, named, followers)
        if arrays := wanted & ARRAYS:
            states = [tick for tick in ticks if isinstance(tick, TickerTick | MarkTick)]
            named = public.arrays_of(market.exchange, states, arrays, micro=micro)
            self._spread(market, None, named, followers)

    def _spread(
        self,
        market: SandboxMarket,
        tick: MarketTick | AverageTick | None,
        named: Iterable[tuple[str, Any]],
        followers: list[tuple[Line, StreamSession]],
    ) -> None:
        for name, payload in named:
            if isinstance(tick, MarkTick | None) and not self._is_time(market, name):
                continue
            for line, session in followers:
                if session.wants(name):
                    self.events += 1
                    line.send(session.frame(name, payload), name)

    def _is_time(self, market: SandboxMarket, name: str) -> bool:
        """Tell whether a stream that speaks every so often is to speak again."""
        every, now = public.speed_of(market.exchange, name) or 0, market.now_ns
        key = (market.exchange, name)
        if now - self._spoken.get(key, -every) < every - SLACK_NS:
            return False
        self._spoken[key] = now
        return True

    def farewell(self, line: Line) -> bytes:
        """Return the notice that a connection is about to be shut down (facts A.6)."""
        if isinstance(line.session, StreamSession):
            return control.shutdown_notice(self._now(), wrapped=line.session.combined)
        return msgspec.json.encode({"event": {"e": "serverShutdown", "E": self._now() // 1_000_000}})

    def ping(self) -> None:
        """Ping those whose time has come; the payload is the time (facts A.2)."""
        now = self._clock.monotonic_ns()
        for line in self.lines.values():
            if now - line.pinged_ns >= PINGS_NS[line.market.futures]:
                line.pinged_ns = now
                line.ping(str(self._now() // 1_000_000).encode())


def _incoming(hosted: Hosted, asked: Asked, path: str) -> Incoming | None:
    endpoint = hosted.table.get((asked.method, path))
    if endpoint is None:
        return None
    body = asked.body.decode() if asked.method != "GET" else ""
    values, payload, signature = rest_parameters((asked.raw_query, body))
    return Incoming(
        endpoint=endpoint,
        params=Params(values),
        api_key=asked.headers.get("x-mbx-apikey", ""),
        payload=payload,
        signature=signature,
    )


def _unreadable(error: ApiError | UnicodeError) -> Outgoing:
    known = error if isinstance(error, ApiError) else ApiError(-1100, "The request is no UTF-8.")
    return Outgoing(status=known.status, result=known.body(), failed=True)


def _answer(outgoing: Outgoing) -> Answer:
    return Answer(outgoing.status, msgspec.json.encode(outgoing.result), outgoing.headers)
