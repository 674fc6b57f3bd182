"""The sandbox itself: markets behind Binance's protocol, on loopback."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, Self

from toucan_execution.client.binance.config import BinanceConfig, Market
from toucan_execution.events import AccountEvent, OrderUpdate
from toucan_execution.mock import EngineSettings
from toucan_execution.mock.feeding import PriceSource, feed
from toucan_execution.orders import OrderStatus
from toucan_execution.signing import KeyKind
from toucan_execution.testing.sandbox.driving import SeededDriver
from toucan_execution.testing.sandbox.frontdoor import FrontDoor
from toucan_execution.testing.sandbox.gate import Gate
from toucan_execution.testing.sandbox.hosted import Hosted
from toucan_execution.testing.sandbox.keys import KeyRing, SandboxKey
from toucan_execution.testing.sandbox.limits import AddressLimits
from toucan_execution.testing.sandbox.listing import listed
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.wire import Payload
from toucan_instrument import Environment, Exchange, Instrument
from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput
from toucan_instrument.link.clock import Clock, SystemClock
from toucan_instrument.testing import binance as public
from toucan_instrument.testing.direct import DirectNetwork
from toucan_instrument.testing.faults import Fault, FaultScript
from toucan_instrument.testing.server import LoopbackServer

__all__ = ["USUAL_BALANCES", "Sandbox"]

MILLI = 1_000_000
NUMBERS = count(1)
Amount = Decimal | int | str
USUAL_BALANCES: Mapping[Market | str, Mapping[str, str]] = {
    Market.SPOT: {"USDT": "100000", "BTC": "2", "ETH": "20"},
    Market.USD_M: {"USDT": "100000"},
    Market.COIN_M: {"BTC": "10", "ETH": "100"},
}
"""What an account holds at first."""


class Sandbox:
    """A local Binance; use it with ``async with``.

    Every account that is named exists on every market, with `USUAL_BALANCES` until something else is paid
    in. All that is random follows from `seed`, but for the keys, which nobody may guess.

    Args:
        markets: What it hosts: ``spot``, ``usd-m``, ``coin-m``.
        symbols: What is traded, by market; two of each where a market is not named.
        instruments: Instruments with rules of your own in their place, by market.
        balances: What each account holds at first, by market and asset; `USUAL_BALANCES` for a market that
            is not named.
        seed: Where prices come from; None for a market without makers, which you feed.
        prices: About where prices begin, by symbol.
        pace_ms: How often the makers and takers move, milliseconds; None to move them by `step` alone.
        faults: What goes wrong; see `toucan_execution.testing.sandbox.faulty`.
        settings: How the engines behave, by market.
        needs_events: Whether a USD-M listen key that names no events in its address is sent none. Sources
            disagree on that; ccxt and python-binance connect so, and need False.
        limited: Whether rate limits hold; without them it can be loaded as much as it takes.
        port: Where it listens on 127.0.0.1, 0 for any port that is free.
        clock: Where time comes from; one that a test moves goes with `network`, without sockets.
        entropy: Where the chance in keys comes from.

    Raises:
        InvalidInput: A market is none; an amount is no number.
    """

    def __init__(
        self,
        markets: Sequence[Market | str] = tuple(Market),
        *,
        symbols: Mapping[Market | str, Sequence[str]] | None = None,
        instruments: Mapping[Market | str, Sequence[Instrument]] | None = None,
        balances: Mapping[Market | str, Mapping[str, Amount]] | None = None,
        seed: int | None = 1,
        prices: Mapping[str, Decimal] | None = None,
        levels: int = 100,
        pace_ms: int | None = 50,
        faults: FaultScript | Iterable[Fault] = (),
        settings: Mapping[Market | str, EngineSettings] | None = None,
        needs_events: bool = True,
        limited: bool = True,
        port: int = 0,
        clock: Clock | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.faults: FaultScript = faults if isinstance(faults, FaultScript) else FaultScript(faults)
        self.clock_skew_ns: int = 0
        """By how much the venue's clock is ahead of this machine's."""
        self.moving: bool = pace_ms is not None
        """Whether the makers and takers move by themselves; time passes all the same."""
        self.keys: KeyRing = KeyRing(entropy)
        self._clock: Clock = clock or SystemClock()
        self._nowhere = f"sandbox-{next(NUMBERS)}.invalid"
        self._balances = _balances(balances or {})
        self._pace_ms = pace_ms
        self._made: dict[tuple[str, KeyKind], SandboxKey] = {}
        self._accounts: set[str] = set()
        self._gates = {
            futures: Gate(self.keys, futures=futures, advance=self._advance, limited=limited)
            for futures in (False, True)
        }
        chosen = [_market(market) for market in markets]
        given = {_market(market): tuple(each) for market, each in (instruments or {}).items()}
        named = {_market(market): tuple(each) for market, each in (symbols or {}).items()}
        behave = {_market(market): each for market, each in (settings or {}).items()}
        self._hosted: dict[Exchange, Hosted] = {}
        for market in chosen:
            exchange = market.exchange
            traded = given.get(market) or [
                listed(exchange, symbol) for symbol in named.get(market) or public.DEFAULT_SYMBOLS[exchange]
            ]
            self._hosted[exchange] = self._host(exchange, traded, behave.get(market))
        self._join_futures()
        self.door: FrontDoor = FrontDoor(self._hosted, faults=self.faults, clock=self._clock, now=self.now_ns)
        """What takes requests and connections."""
        self.door.needs_events = needs_events
        self._server = LoopbackServer(self.door, port=port)
        self._running: asyncio.Task[None] | None = None
        self._drivers: dict[Exchange, SeededDriver] = {}
        if seed is not None:
            for exchange, hosted in self._hosted.items():
                driver = SeededDriver(hosted.market, seed=seed, levels=levels, prices=prices)
                driver.begin(hosted.market.now_ns)
                hosted.market.take_ticks()
                self._drivers[exchange] = driver

    def _host(
        self, exchange: Exchange, instruments: Sequence[Instrument], settings: EngineSettings | None
    ) -> Hosted:
        market = SandboxMarket(
            exchange, instruments, now_ns=self.now_ns(), settings=settings, tell=self._tell
        )
        return Hosted(
            market, self._gates[market.futures], new_key=self.keys.new_token, key_ended=self._key_ended
        )

    def _join_futures(self) -> None:
        pair = [hosted.market for hosted in self._hosted.values() if hosted.market.futures]
        if len(pair) == 2:  # noqa: PLR2004 - both of them
            pair[0].sibling, pair[1].sibling = pair[1], pair[0]

    # Where it is.

    def market(self, market: Market | str) -> SandboxMarket:
        """Return a market: its engine, books and tapes.

        Raises:
            InvalidInput: It is not hosted here.
        """
        return self._one(market).market

    def _one(self, market: Market | str) -> Hosted:
        found = self._hosted.get(_market(market).exchange)
        if found is None:
            accepted = ", ".join(self._hosted)
            raise InvalidInput("not hosted here", field="market", value=str(market), accepted=accepted)
        return found

    def rest_url(self, market: Market | str) -> str:
        """Return the base address of a market's REST: paths such as ``/api/v3/time`` follow it."""
        return f"{self._base('http')}/{self._one(market).market.exchange.value}"

    def _base(self, scheme: str) -> str:
        """Return where it listens; without sockets, a name that leads nowhere else.

        It is a name of its own: who keeps what an address has told must not take two sandboxes for one.
        """
        port = self._server.port
        return f"{scheme}://127.0.0.1:{port}" if port else f"{scheme}://{self._nowhere}"

    def ws_api_url(self, market: Market | str) -> str:
        """Return the address of a market's WebSocket API."""
        hosted = self._one(market)
        return f"{self._base('ws')}/{hosted.market.exchange.value}/{hosted.ws_path}"

    def stream_url(self, market: Market | str) -> str:
        """Return the base address of a market's streams: paths such as ``/stream`` follow it."""
        return f"{self._base('ws')}/{self._one(market).market.exchange.value}"

    def key(self, account: str = "main", kind: KeyKind | str = KeyKind.HMAC) -> SandboxKey:
        """Return an API key of an account: made the first time, as is the account."""
        kind = KeyKind(kind)
        self.open_account(account)
        found = self._made.get((account, kind))
        if found is None:
            found = self._made[account, kind] = self.keys.make(account, kind)
        return found

    def config(
        self,
        market: Market | str,
        *,
        account: str = "main",
        kind: KeyKind | str = KeyKind.HMAC,
        **options: Any,
    ) -> BinanceConfig:
        """Return the configuration of a client of toucan for an account here.

        Args:
            market: Which market.
            account: The account.
            kind: What requests are signed with.
            options: Other arguments of `BinanceConfig`.
        """
        key, chosen = self.key(account, kind), _market(market)
        given: dict[str, Any] = {
            "base_url": self.rest_url(chosen),
            "ws_api_url": self.ws_api_url(chosen),
            "stream_url": self.stream_url(chosen),
            "environment": Environment.DEMO,
            "account": account,
        }
        return BinanceConfig(key.api_key, key.secret, market=chosen, **{**given, **options})

    def network(self, *, latency_ns: int = 0) -> DirectNetwork:
        """Return a network without sockets that leads here, for a clock that a test moves.

        Clients need addresses all the same: `rest_url` and the others name a host that does not exist then.
        """
        return DirectNetwork(self.door, latency_ns=latency_ns, clock=self._clock)

    # Accounts.

    def delete_key(self, key: SandboxKey) -> None:
        """Delete an API key: what is asked with it is refused, and its sessions end (facts F.2)."""
        self.keys.forget(key.api_key)
        self._made = {each: made for each, made in self._made.items() if made.api_key != key.api_key}
        self.door.revoke(key.api_key)

    def open_account(
        self, name: str = "main", balances: Mapping[Market | str, Mapping[str, Amount]] | None = None
    ) -> None:
        """Open an account on every market; harmless if there is one.

        Args:
            name: Its name.
            balances: What it holds at first, None for what the sandbox was made with.
        """
        if name in self._accounts:
            return
        paid = {**_balances(USUAL_BALANCES), **self._balances, **_balances(balances or {})}
        for market in Market:
            hosted = self._hosted.get(market.exchange)
            if hosted is None:
                continue
            hosted.market.engine.open_account(name)
            for asset, amount in paid[market].items():
                if amount:
                    hosted.market.engine.deposit(name, asset, amount, hosted.market.now_ns)
            self._listen(hosted.market, name)
        self._accounts.add(name)

    def _listen(self, market: SandboxMarket, account: str) -> None:
        def hear(events: list[AccountEvent]) -> None:
            self._count_fills(market, account, events)
            self._tell(market, account, market.wire.payloads(account, events))

        market.engine.listen(account, hear)

    def _count_fills(self, market: SandboxMarket, account: str, events: list[AccountEvent]) -> None:
        """Take orders that were filled off the order limits: on spot only unfilled ones count."""
        if market.futures:
            return
        filled = sum(
            1
            for event in events
            if isinstance(event, OrderUpdate) and event.order.status is OrderStatus.FILLED
        )
        if filled:
            self._gates[False].orders_of(account).filled(market.now_ns, filled)

    def _tell(self, market: SandboxMarket, account: str, payloads: list[Payload]) -> None:
        self.door.tell(market, account, payloads)

    def _key_ended(self, hosted: Hosted, account: str, key: str, expired: bool) -> None:  # noqa: FBT001
        self.door.key_ended(hosted, account, key, expired=expired)

    # Its life.

    async def __aenter__(self) -> Self:
        """Listen, and let the markets move."""
        await self._server.__aenter__()
        self.run()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close; a fault of its own comes out here."""
        try:
            await self.stop()
        finally:
            await self._server.__aexit__()

    def run(self) -> None:
        """Let the markets move and time pass; for use without sockets, see `network`."""
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Let nothing happen any more."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        await self.door.close()
        if running is not None and not running.cancelled() and (fault := running.exception()):
            raise fault

    async def _run(self) -> None:
        beat = (self._pace_ms or 50) * MILLI
        while True:
            await self._clock.sleep_until(self._clock.monotonic_ns() + beat)
            if self.moving:
                self._move()
            self.pass_time()
            self.door.ping()

    def now_ns(self) -> int:
        """Return the venue's time, nanoseconds since the epoch."""
        return self._clock.utc_ns() + self.clock_skew_ns

    def _advance(self, market: SandboxMarket, now_ns: int) -> None:
        self._hosted[market.exchange].advance(max(now_ns, market.now_ns))

    def pass_time(self) -> None:
        """Let happen what is due, and send what has happened."""
        now = self.now_ns()
        for hosted in self._hosted.values():
            self._advance(hosted.market, now)
            self.door.publish(hosted)

    def _move(self) -> None:
        for exchange, driver in self._drivers.items():
            market = self._hosted[exchange].market
            self._advance(market, self.now_ns())
            driver.step(market.now_ns)

    async def step(self, count: int = 1) -> None:
        """Let the makers and takers move; what that sends is on its way when it returns."""
        for _ in range(count):
            self._move()
            self.pass_time()
            await asyncio.sleep(0)

    async def follow(self, market: Market | str, source: PriceSource) -> None:
        """Take all prices that a source yields, such as a stream of toucan-data, until it ends.

        So real prices, or a recording's, move the market: make it with ``seed=None``.
        """
        hosted = self._one(market)
        async for event in source:
            self._advance(hosted.market, self.now_ns())
            feed(hosted.market.engine, event, hosted.market.now_ns)
            self.door.publish(hosted)

    # Faults by a call; those of requests and events are in `faults`.

    def drop_all(self) -> int:
        """Lose all connections without a goodbye; return how many."""
        for line in self.door.lines.values():
            line.peer.drop()
        return len(self.door.lines)

    def announce_shutdown(self) -> None:
        """Tell all connections that they are about to be shut down (facts A.6)."""
        for line in self.door.lines.values():
            line.send(self.door.farewell(line))

    async def restart(self, *, down_ns: int = 0) -> None:
        """Lose all connections and sessions, and be away for a while; accounts and orders stay."""
        self.door.down = True
        self.drop_all()
        if down_ns:
            await self._clock.sleep_until(self._clock.monotonic_ns() + down_ns)
        self.door.down = False

    def expire_listen_key(self, market: Market | str, account: str = "main") -> bool:
        """Let an account's listen key expire now; return whether it had one."""
        keys = self._one(market).listen_keys
        return keys is not None and keys.expire(account)

    def address(self, market: Market | str) -> AddressLimits:
        """Return what the clients' address may ask of a market, to ban or throttle it, or to look."""
        return self._one(market).gate.address

    def liquidate(self, market: Market | str, symbol: str) -> None:
        """Let a position of somebody outside be liquidated."""
        hosted = self._one(market)
        driver = self._drivers.get(hosted.market.exchange)
        if driver is not None:
            driver.liquidate(symbol, max(self.now_ns(), hosted.market.now_ns))
            self.door.publish(hosted)

    def __repr__(self) -> str:
        """Show what it hosts, and for how many."""
        lines = len(self.door.lines)
        return f"Sandbox({', '.join(self._hosted)} at {self._base('http')}, {lines} connections)"


def _balances(given: Mapping[Market | str, Mapping[str, Amount]]) -> dict[Market, dict[str, Decimal]]:
    return {
        _market(market): {asset: decimal_of(amount, field=asset) for asset, amount in each.items()}
        for market, each in given.items()
    }


def _market(market: Market | str) -> Market:
    try:
        return Market(market)
    except ValueError as error:
        accepted = ", ".join(each.value for each in Market)
        raise InvalidInput("no market", field="market", value=market, accepted=accepted) from error
