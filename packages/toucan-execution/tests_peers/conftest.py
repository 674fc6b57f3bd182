"""Clients that we did not write, on the sandbox: they get its addresses and keys, nothing else of theirs is
changed but ordinary options, which each file names.

Nothing here reaches the internet: whatever a client would look up or connect to is checked to be loopback.
"""

from __future__ import annotations

import asyncio
import socket
from decimal import Decimal

import msgspec
import pytest

from toucan_execution.client.binance import Market
from toucan_execution.mock import EngineSettings, FeeSchedule
from toucan_instrument import Side

HOST = "127.0.0.1"
FEES = FeeSchedule(maker=Decimal("0.0002"), taker=Decimal("0.0005"))
SYMBOLS = {"spot": "BTCUSDT", "usd-m": "BTCUSDT", "coin-m": "BTCUSD_PERP"}
SIZES = {"spot": Decimal("0.01"), "usd-m": Decimal("0.01"), "coin-m": Decimal(10)}


def pytest_configure(config):
    # The warnings of strangers are their own.
    config.addinivalue_line("filterwarnings", "ignore")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """Refuse every name and address that is not this machine, whoever asks."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def guarded_look_up(host, *args, **kwargs):
        assert host in (HOST, HOST.encode()), f"a client asks for {host!r}"
        return look_up(host, *args, **kwargs)

    def guarded_connect(self, address):
        assert address[0] == HOST, f"a client connects to {address!r}"
        return connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", HOST)
    monkeypatch.setenv("no_proxy", HOST)


class Venue:
    """One market of a sandbox: what a client's view is compared with."""

    def __init__(self, sandbox, name):
        self.sandbox = sandbox
        self.name = name
        self.market = sandbox.market(name)
        self.symbol = SYMBOLS[name]
        self.size = SIZES[name]
        self.instrument = self.market.instrument(self.symbol)

    def key(self, kind="hmac"):
        return self.sandbox.key("main", kind)

    def price(self, factor="1"):
        """A price near the best bid times a factor, on the grid."""
        (bid, _), _ = self.market.top(self.symbol)
        tick = self.instrument.rules.tick_size
        return (bid * Decimal(factor) // tick) * tick

    def hit(self, price, quantity=None):
        """Let somebody outside sell at a price: a buy order that rests there is filled."""
        now_ns = max(self.sandbox.now_ns(), self.market.now_ns)
        self.market.engine.feed_trade(
            self.instrument, Decimal(price), Decimal(quantity or self.size), Side.SELL, now_ns
        )
        self.sandbox.pass_time()

    @property
    def balances(self):
        """What the account holds, by asset: all of it, and what is locked."""
        held = self.market.engine.balances("main")
        return {each.asset: (each.total, each.locked) for each in held if each.total}

    @property
    def totals(self):
        return {asset: total for asset, (total, _) in self.balances.items()}

    @property
    def position(self):
        """How large the account's position in the one instrument is."""
        return sum(
            (each.quantity for each in self.market.engine.positions("main", self.instrument)), Decimal(0)
        )

    def listens(self):
        """Tell whether a connection is sent the account's events."""
        sessions = [line.session for line in self.sandbox.door.lines.values() if line.market is self.market]
        return any(
            getattr(each, "subscriptions", None) or getattr(each, "listen_keys", None) for each in sessions
        )

    async def until(self, condition, seconds=10):
        """Wait until something is so."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.005)


@pytest.fixture
def open_venue(make_sandbox):
    """Start a sandbox with one market, or more beside it; prices move, and trades cost fees."""

    async def start(name, *others, **options):
        usual = EngineSettings.for_market(Market(name).exchange)
        settings = {name: msgspec.structs.replace(usual, fees=FEES)}
        return Venue(await make_sandbox([name, *others], settings=settings, **options), name)

    return start


@pytest.fixture
async def spot(open_venue):
    return await open_venue("spot")
