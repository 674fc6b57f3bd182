"""The commands with the real Binance client, over real sockets, against a small server on loopback."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from click.testing import CliRunner, Result

from toucan_execution.cli.app import program
from toucan_execution.cli.options import Clients
from toucan_execution.client.binance.clients import BinanceSpotExecution
from toucan_execution.client.binance.config import BinanceConfig
from toucan_instrument.testing.server import Answer, Asked, LoopbackServer, Peer

SYMBOL = {
    "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
    "baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT", "MARKET"], "isSpotTradingAllowed": True, "permissions": [],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00", "stepSize": "0.00001"},
    ],
}  # fmt: skip
ACCOUNT = {
    "makerCommission": 10, "takerCommission": 10, "canTrade": True, "canWithdraw": True, "canDeposit": True,
    "updateTime": 1800000000000, "accountType": "SPOT", "permissions": ["SPOT"], "uid": 1,
    "balances": [{"asset": "USDT", "free": "100.50", "locked": "7.00"}],
}  # fmt: skip
PLACED = {
    "symbol": "BTCUSDT", "orderId": 77, "orderListId": -1, "transactTime": 1800000000000,
    "price": "50000.00", "origQty": "0.01000", "executedQty": "0.00000", "cummulativeQuoteQty": "0.00",
    "origQuoteOrderQty": "0.00", "status": "NEW", "timeInForce": "GTC", "type": "LIMIT", "side": "BUY",
    "workingTime": 1800000000000, "fills": [], "selfTradePreventionMode": "NONE",
}  # fmt: skip


class Exchange:
    """A few endpoints of spot, and its WebSocket API as far as the account's stream needs it.

    Attributes:
        asked: The paths that were asked for.
        refuse: Whether signed requests are refused.
        signatures: Those that came.
        url: Where it listens.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuse = False
        self.signatures: set[str] = set()
        self.url = ""

    async def handshake(self, asked: Asked) -> Answer | None:
        self.asked.append(f"WS {asked.path}")
        return None

    async def connected(self, peer: Peer) -> None:
        return None

    async def left(self, peer: Peer) -> None:
        return None

    async def said(self, peer: Peer, text: bytes) -> None:
        request = json.loads(text)
        self.signatures.add(request["params"]["signature"])
        answer = {"id": request["id"], "status": 200, "result": {"subscriptionId": 0}}
        await peer.send(json.dumps(answer).encode())

    async def rest(self, asked: Asked) -> Answer:
        self.asked.append(f"{asked.method} {asked.path}")
        sent = dict(asked.query) | dict(parse_qsl(asked.body.decode()))
        if signature := sent.get("signature"):
            self.signatures.add(signature)
            if self.refuse:
                return self._answer({"code": -1022, "msg": "Signature for this request is not valid."}, 400)
        if asked.path == "/api/v3/time":
            return self._answer({"serverTime": _now_ms()})
        if asked.path == "/api/v3/exchangeInfo":
            limits = [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}
            ]
            return self._answer({"timezone": "UTC", "rateLimits": limits, "symbols": [SYMBOL]})
        if asked.path == "/api/v3/account":
            return self._answer(ACCOUNT)
        if (asked.method, asked.path) == ("POST", "/api/v3/order"):
            return self._answer({**PLACED, "clientOrderId": sent["newClientOrderId"]})
        return self._answer([])

    def _answer(self, value: object, status: int = 200) -> Answer:
        used = {"X-MBX-USED-WEIGHT-1M": "25", "X-MBX-ORDER-COUNT-10S": "1", "X-MBX-ORDER-COUNT-1D": "2"}
        return Answer(status, json.dumps(value).encode(), used)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """Run the server in a thread: the commands run an event loop of their own."""
    made, ready = Exchange(), threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        over = asyncio.Event()
        async with LoopbackServer(made) as server:
            made.url = server.http_url
            stop.append((asyncio.get_running_loop(), over))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield made
    loop, over = stop[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(20)


KEYS = {"BINANCE_TESTNET_API_KEY": secrets.token_hex(32), "BINANCE_TESTNET_API_SECRET": secrets.token_hex(32)}


def run(exchange: Exchange, *args: str) -> Result:
    where = ["--environment", "testnet", "--url", exchange.url, "-vv"]
    result = CliRunner().invoke(program, [args[0], *where, *args[1:]], env=KEYS)
    assert not [each for each in {*KEYS.values(), *exchange.signatures} if each in result.output]
    return result


def test_balances_come_from_the_address_that_was_named(exchange) -> None:
    result = run(exchange, "balances")
    assert result.exit_code == 0, result.output
    assert result.stdout == "USDT\t107.50\t100.50\t7.00\t-\n"
    assert set(exchange.asked) == {"GET /api/v3/time", "GET /api/v3/account"}
    assert exchange.signatures


def test_an_order_is_sent_once(exchange) -> None:
    result = run(exchange, "order", "buy", "BTC/USDT", "0.01", "--price", "50000", "--json")
    assert result.exit_code == 0, result.output
    [outcome] = [json.loads(each) for each in result.stdout.splitlines()]
    assert (outcome["type"], outcome["order"]["order_id"], outcome["route"]) == ("Accepted", "77", "rest")
    assert outcome["client_order_id"].startswith("toucan-")
    assert exchange.asked.count("POST /api/v3/order") == 1


def test_the_doctor_sees_the_limits_that_the_venue_names(exchange) -> None:
    result = run(exchange, "doctor", "--json")
    assert result.exit_code == 0, result.output
    found = [json.loads(each) for each in result.stdout.splitlines()]
    assert [each["check"] for each in found] == [
        "key", "rest", "clock", "instruments", "permissions", "stream", "weight", "orders", "orders",
    ]  # fmt: skip
    assert all(each["ok"] for each in found)
    said = {each["check"]: each["said"] for each in found}
    assert "may trade, SPOT" in said["permissions"]
    assert "of 6000 in 60 s" in said["weight"]
    assert "2 of 200000 in 86400 s" in said["orders"]
    assert "WS /ws-api/v3" in exchange.asked


@pytest.mark.parametrize(
    ("command", "code"),
    [("balances", 3), ("orders", 3), ("order buy BTC/USDT 0.01 --price 500 --test", 1)],
)
def test_a_refused_signature_is_said_and_not_shown(exchange, command: str, code: int) -> None:
    exchange.refuse = True
    result = run(exchange, *command.split())
    assert result.exit_code == code, result.output
    assert "-1022" in result.output


async def test_without_another_factory_it_is_the_exchanges_own_client() -> None:
    key, secret = KEYS.values()
    config = BinanceConfig(key, secret, testnet=True)
    client = Clients().make(config)
    assert isinstance(client, BinanceSpotExecution)
    await client.close()
