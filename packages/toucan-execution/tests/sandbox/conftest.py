"""A market of the sandbox with its gate, without a server: asked by a test at a time that the test says."""

from __future__ import annotations

import json
import random
import time
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import aiohttp
import pytest
from yarl import URL

from toucan_execution._keys import private_key_signer
from toucan_execution.secret import Secret
from toucan_execution.signing import HmacSigner, KeyKind
from toucan_execution.testing.sandbox.endpoint import Endpoint, Security
from toucan_execution.testing.sandbox.futures_wire import FuturesWire
from toucan_execution.testing.sandbox.gate import Gate, Incoming, rest_parameters
from toucan_execution.testing.sandbox.keys import KeyRing
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.params import Params
from toucan_execution.testing.sandbox.sandbox import Sandbox
from toucan_execution.testing.sandbox.spot_wire import SpotWire
from toucan_execution.testing.sandbox.wsapi import _payload
from toucan_instrument import Exchange
from toucan_instrument.testing import binance as public

MILLI = 1_000_000
SECOND = 1_000_000_000
START_NS = 1_767_225_600 * SECOND  # where a minute and a day begin
BASE = {"spot": "/api/v3", "usd-m": "/fapi/v1", "coin-m": "/dapi/v1"}
SYMBOL = {"spot": "BTCUSDT", "usd-m": "BTCUSDT", "coin-m": "BTCUSD_PERP"}
QUANTITY = {"spot": "0.010", "usd-m": "0.010", "coin-m": "2"}
KINDS = {"spot": Exchange.BINANCE_SPOT, "usd-m": Exchange.BINANCE_USD_M, "coin-m": Exchange.BINANCE_COIN_M}


def endpoint(act=lambda ask: {"account": ask.account}, **fields):
    """An endpoint that says whose request it takes to be, unless it is told to do something else."""
    return Endpoint(**{"method": "GET", "path": "/x", "act": act, **fields})


def signature(key, payload):
    secret = Secret(key.secret)
    hmac = key.kind is KeyKind.HMAC
    return (HmacSigner(secret) if hmac else private_key_signer(secret, None, "key")).sign(payload)


class Core:
    """One market behind its gate, and two accounts with a key each."""

    def __init__(self, name="spot"):
        self.told = []
        self.exchange = KINDS[name]
        self.now_ns = START_NS
        self.keys = KeyRing(random.Random(7).randbytes)
        instruments = [public.listed(self.exchange, each) for each in public.DEFAULT_SYMBOLS[self.exchange]]
        self.market = SandboxMarket(self.exchange, instruments, now_ns=START_NS, tell=self._tell)
        self.market.wire = (FuturesWire if self.market.futures else SpotWire)(self.market)
        self.gate = Gate(self.keys, futures=self.market.futures, advance=self._advance)
        self.key = self.keys.make("main", KeyKind.HMAC)
        self.other = self.keys.make("other", KeyKind.ED25519)

    def _tell(self, market, account, payloads):
        self.told += [(account, payload) for payload in payloads]

    def _advance(self, market, now_ns):
        market.advance(max(now_ns, market.now_ns))

    @property
    def now_ms(self):
        return self.now_ns // MILLI

    def sign(self, payload, key=None):
        return signature(key or self.key, payload)

    def ask(self, asked, query="", *, key=None, sign=True, api_key=None):
        """Ask as REST does: whatever `query` lacks of a signed request is added to it."""
        key = key or self.key
        if asked.security is Security.SIGNED and "timestamp=" not in query:
            query += f"{'&' if query else ''}timestamp={self.now_ms}"
        values, payload, signature = rest_parameters((query, ""))
        if asked.security is Security.SIGNED and sign:
            signature = self.sign(payload, key)
            values["signature"] = signature
        carried = "" if asked.security is Security.NONE else key.api_key
        incoming = Incoming(
            endpoint=asked,
            params=Params(values),
            api_key=carried if api_key is None else api_key,
            payload=payload,
            signature=signature,
        )
        return self.gate.pass_through(self.market, incoming, self.now_ns)


class Line:
    """A WebSocket to the sandbox; what it hears is kept until it is wanted."""

    def __init__(self, web, key=None):
        self.web, self.key, self.frames = web, key, []

    async def say(self, **body):
        await self.web.send_str(json.dumps(body))

    async def hear(self, wanted=lambda frame: True):
        """Return the first frame that is wanted; keep the others."""
        for number, frame in enumerate(self.frames):
            if wanted(frame):
                return self.frames.pop(number)
        while True:
            frame = json.loads(await self.web.receive_str(timeout=10))
            if wanted(frame):
                return frame
            self.frames.append(frame)

    async def ask(self, method, **params):
        """Ask the WebSocket API."""
        await self.say(id=method, method=method, params=params)
        return await self.hear(lambda frame: frame.get("id") == method)

    async def signed(self, method, **params):
        params |= {"apiKey": self.key.api_key, "timestamp": time.time_ns() // MILLI}
        return await self.ask(method, **params, signature=signature(self.key, _payload(params)))

    async def ended(self):
        """Wait until it is closed; return the close code."""
        while (message := await self.web.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
            self.frames.append(json.loads(message.data))
        return message.data if message.type is aiohttp.WSMsgType.CLOSE else None


class Stranger:
    """A client that knows nothing of toucan: addresses, a key, and what the venue's documents say."""

    def __init__(self, sandbox, http):
        self.sandbox, self.http = sandbox, http
        self.ahead_ms = 0
        """By how much its clock is ahead."""

    async def rest(self, market, method, path, *, key=None, **params):
        """Ask; return status, answer and headers. Signed where there is a key."""
        headers = {}
        if key is not None:
            headers["X-MBX-APIKEY"] = key.api_key
            params["timestamp"] = time.time_ns() // MILLI + self.ahead_ms
        query = urlencode(params)
        if key is not None:
            query += "&" + urlencode({"signature": signature(key, query.encode())})
        url = URL(f"{self.sandbox.rest_url(market)}{path}?{query}", encoded=True)
        async with self.http.request(method, url, headers=headers) as answer:
            return answer.status, await answer.json(), answer.headers

    async def get(self, market, path, **params):
        status, answer, _ = await self.rest(market, "GET", path, **params)
        assert status == 200, answer
        return answer

    async def key_alone(self, market, method, path, key):
        url = f"{self.sandbox.rest_url(market)}{path}"
        async with self.http.request(method, url, headers={"X-MBX-APIKEY": key.api_key}) as answer:
            return answer.status, await answer.json()

    @asynccontextmanager
    async def connect(self, url, key=None, **options):
        async with self.http.ws_connect(URL(url, encoded=True), **options) as web:
            yield Line(web, key)

    def ws_api(self, market, key=None, query=""):
        return self.connect(f"{self.sandbox.ws_api_url(market)}{query}", key)

    def stream(self, market, path):
        return self.connect(f"{self.sandbox.stream_url(market)}{path}")

    async def open_user_data(self, market, key):
        """Return a connection's context and what unwraps an event of it."""
        if market == "spot":
            return self.ws_api("spot", key), lambda frame: frame.get("event")
        status, answer = await self.key_alone(market, "POST", f"{BASE[market]}/listenKey", key)
        assert status == 200
        listen_key = answer["listenKey"]
        events = "ORDER_TRADE_UPDATE/ACCOUNT_UPDATE/listenKeyExpired"
        path = (
            f"/private/ws?listenKey={listen_key}&events={events}"
            if market == "usd-m"
            else f"/ws/{listen_key}"
        )
        return self.stream(market, path), lambda frame: frame


@pytest.fixture
async def serve():
    """Start a sandbox over sockets, with a stranger's client of it."""

    @asynccontextmanager
    async def start(*args, **options):
        options = {"pace_ms": None, "levels": 20, **options}
        async with Sandbox(*args, **options) as sandbox, aiohttp.ClientSession() as http:
            yield sandbox, Stranger(sandbox, http)

    return start


@pytest.fixture
def limit_order():
    """Write the parameters of an order."""

    def write(market, side="BUY", price="50000", **more):
        fields = {"symbol": SYMBOL[market], "side": side, "type": "LIMIT", "timeInForce": "GTC"}
        return fields | {"quantity": QUANTITY[market], "price": price} | more

    return write


@pytest.fixture
def make_core():
    """Make a market: `spot`, `usd-m` or `coin-m`."""
    return Core


@pytest.fixture
def core(make_core):
    return make_core()


@pytest.fixture
def make_endpoint():
    return endpoint
