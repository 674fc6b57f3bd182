"""Over real sockets: what is signed arrives byte for byte; a server that cannot be verified is refused."""

import asyncio
import datetime as dt
import hashlib
import hmac
import inspect
import ipaddress
import json
import logging
import ssl
import traceback
from contextlib import asynccontextmanager
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from spot_script import INSTRUMENTS

from toucan_execution.call import Call
from toucan_execution.client.binance.clients import BinanceExecution
from toucan_execution.client.binance.config import BinanceConfig
from toucan_execution.errors import ClientClosed
from toucan_execution.events import AccountResynced, Disconnected, OrderUpdate, Retrying
from toucan_execution.orders import CancelRequest, OrderRequest, OrderStatus, OrderType
from toucan_execution.outcome import Accepted, Route, Unknown
from toucan_instrument import Side
from toucan_instrument.errors import InvalidInput, RequestFailed

D = Decimal
KEY, SECRET = "loopback-key-of-nobody", "loopback-secret-of-nobody"


class Exchange:
    """A spot exchange on 127.0.0.1: it checks every signature over the bytes that came."""

    def __init__(self):
        self.raw, self.bad, self.orders, self.sockets, self.asked = [], [], {}, [], []
        self.cut_orders = False
        self.url = self.ws_url = ""

    @asynccontextmanager
    async def listening(self, tls=None):
        app = web.Application()
        app.router.add_get("/ws-api", self.websocket)
        app.router.add_route("*", "/api/{path:.*}", self.rest)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        port, s = runner.addresses[0][1], "s" if tls else ""
        self.url, self.ws_url = f"http{s}://127.0.0.1:{port}", f"ws{s}://127.0.0.1:{port}/ws-api"
        try:
            yield self
        finally:
            await runner.cleanup()

    def signed(self, payload):
        return hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()

    async def rest(self, request):
        body = (await request.read()).decode()
        query = request.raw_path.partition("?")[2]
        text = query or body
        self.raw.append((request.method, request.path, text))
        if "signature=" in text:
            payload, _, signature = text.rpartition("&signature=")
            good = signature == self.signed(payload) and request.headers["X-MBX-APIKEY"] == KEY
            if not good:
                self.bad.append(text)
                return web.json_response({"code": -1022, "msg": "Signature is not valid."}, status=400)
        if self.cut_orders and request.method == "POST":
            request.transport.abort()
            return web.Response()
        return web.json_response(self.answer(request.method, request.path, dict(parse_qsl(text))))

    def now_ms(self):
        return int(dt.datetime.now(dt.UTC).timestamp() * 1000)

    def answer(self, method, path, params):
        name = path.rpartition("/")[2]
        if name == "time":
            return {"serverTime": self.now_ms()}
        if name == "exchangeInfo":
            return INSTRUMENTS
        if name == "account":
            rows = [{"asset": "USDT", "free": "1000", "locked": "0"}]
            return {"canTrade": True, "accountType": "SPOT", "updateTime": 1, "balances": rows}
        if name == "order":
            return self.order(method, params)
        return []

    def order(self, method, params):
        name = params.get("newClientOrderId") or params.get("origClientOrderId")
        if method in ("DELETE", "order.cancel"):
            return self.orders[name] | {"status": "CANCELED", "origClientOrderId": name}
        order = {
            "symbol": params["symbol"],
            "orderId": 7 + len(self.orders),
            "clientOrderId": name,
            "price": params["price"],
            "origQty": params["quantity"],
            "executedQty": "0",
            "cummulativeQuoteQty": "0",
            "status": "NEW",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": "BUY",
            "transactTime": self.now_ms(),
        }
        self.orders[name] = order
        return order

    async def websocket(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            asked = json.loads(message.data)
            params = asked["params"]
            payload = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
            if params["signature"] != self.signed(payload) or params["apiKey"] != KEY:
                self.bad.append(payload)
            self.asked.append(asked["method"])
            result = {"subscriptionId": 0}
            if asked["method"].startswith("order."):
                result = self.order(asked["method"], {name: str(value) for name, value in params.items()})
            await socket.send_json({"id": asked["id"], "status": 200, "result": result})
        return socket

    async def tell(self, event):
        await self.sockets[-1].send_json({"subscriptionId": 0, "event": event})


@asynccontextmanager
async def client_of(exchange, **options):
    config = BinanceConfig(
        KEY, SECRET, base_url=exchange.url, ws_api_url=exchange.ws_url, testnet=True, **options
    )
    client = BinanceExecution.new_with_config(config)
    try:
        yield client
    finally:
        await client.close()


async def order_of(client, **changes):
    catalogue = await client.instruments()
    fields = {"side": Side.BUY, "type": OrderType.LIMIT, "quantity": D(1), "price": D("10.5")}
    return OrderRequest(instrument=catalogue["BTC/USDT"], **fields | changes)


async def until(stream, kind, check=lambda _: True):
    async with asyncio.timeout(10):
        async for event in stream:
            if isinstance(event, kind) and check(event):
                return event
    raise AssertionError(f"no {kind.__name__} came")


@pytest.mark.parametrize("over", ["rest", "websocket"])
async def test_a_round_trip_of_each_kind(over):
    async with Exchange().listening() as exchange, client_of(exchange, orders_over=over) as client:
        stream = client.account_stream()
        await client.ready(10)
        await until(stream, AccountResynced)
        assert client.account.balance("USDT").total == D(1000)
        outcome = await client.place_order(await order_of(client))
        assert isinstance(outcome, Accepted)
        assert outcome.route is Route(over)
        name = outcome.client_order_id
        order = exchange.orders[name]
        await exchange.tell({
            "e": "executionReport", "E": exchange.now_ms(), "s": "BTCUSDT", "c": name, "C": "", "S": "BUY",
            "o": "LIMIT", "f": "GTC", "q": "1", "p": "10.5", "P": "0", "F": "0", "g": -1, "x": "EXPIRED",
            "X": "EXPIRED", "r": "NONE", "i": order["orderId"], "l": "0", "z": "0", "L": "0", "n": "0",
            "N": None,
            "T": exchange.now_ms() + 1, "t": -1, "I": 1, "w": False, "m": False, "O": order["transactTime"],
            "Z": "0", "Y": "0", "Q": "0", "V": "NONE",
        })  # fmt: skip
        told = await until(stream, OrderUpdate, lambda event: event.order.status.is_final)
        assert (told.order.status, told.order.client_order_id) == (OrderStatus.EXPIRED, name)
        second = await client.place_order(await order_of(client))
        cancel = CancelRequest(instrument=second.order.instrument, client_order_id=second.client_order_id)
        cancelled = await client.cancel_order(cancel)
        assert (cancelled.order.status, cancelled.route) == (OrderStatus.CANCELLED, Route(over))
        assert exchange.bad == []  # every signature was right over the bytes that arrived


async def test_a_signed_query_arrives_byte_for_byte():
    async with Exchange().listening() as exchange, client_of(exchange) as client:
        # "@", "+", "/" and UTF-8 are what a library likes to write anew.
        call = Call(
            name="account",
            method="GET",
            path="/api/v3/account",
            decode=lambda body, _: body,
            params=(("symbol", "测试USDT"), ("ids", '["a+b/c@d","e f"]')),
        )
        await client.call(call)
        [text] = [text for _, path, text in exchange.raw if path == "/api/v3/account"]
        assert text.startswith(
            "symbol=%E6%B5%8B%E8%AF%95USDT&ids=%5B%22a%2Bb%2Fc%40d%22%2C%22e%20f%22%5D&recvWindow=5000&timestamp="
        )
        assert exchange.bad == []


async def test_an_order_whose_connection_is_lost_is_unknown():
    async with Exchange().listening() as exchange, client_of(exchange) as client:
        await client.ready(10)
        request = await order_of(client)
        exchange.cut_orders = True
        outcome = await client.place_order(request)
        assert isinstance(outcome, Unknown)
        assert sum(method == "POST" for method, _, _ in exchange.raw) == 1


async def test_a_client_that_is_closed_leaves_nothing_behind():
    async with Exchange().listening() as exchange:
        async with client_of(exchange) as client:
            await client.ready(10)
        await asyncio.sleep(0)
        left = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("toucan")]
        assert [name for name in left if "budget" not in name] == []


async def test_an_address_with_a_listen_key_shows_in_no_traceback(caplog):
    caplog.set_level(logging.DEBUG)
    key = "listen-key-of-nobody"

    async def answer(request):
        if request.path.endswith("listenKey"):
            return web.json_response({"listenKey": key})
        if request.path.endswith("time"):
            return web.json_response({"serverTime": int(dt.datetime.now(dt.UTC).timestamp() * 1000)})
        return web.Response(status=404)  # the handshake too: an address that is wrong for good

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    config = BinanceConfig(
        KEY, SECRET, testnet=True, market="usd-m", base_url=f"http://{host}", stream_url=f"ws://{host}"
    )
    client = BinanceExecution.new_with_config(config)
    try:
        with pytest.raises(ClientClosed, match="404") as caught:
            await client.ready(10)
    finally:
        await client.close()
        await runner.cleanup()
    shown = "".join(traceback.format_exception(caught.value))
    error = caught.value
    while error is not None:
        found = traceback.TracebackException.from_exception(error, capture_locals=True)
        # Of tests alone a frame may show what it holds.
        shown += "".join(str(frame.locals) for frame in found.stack if "/tests/" not in frame.filename)
        error = error.__cause__ or error.__context__
    for secret in (key, KEY, SECRET):
        assert secret not in shown + caplog.text


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that signs itself, made now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, secret)
    return server, ssl.create_default_context(cafile=str(pem))


async def test_a_server_that_signs_for_itself_is_refused(certificate):
    server, _ = certificate
    async with Exchange().listening(server) as exchange, client_of(exchange) as client:
        with pytest.raises(RequestFailed, match=r"(?i)certificate") as caught:
            await client.fetch_balances()
        assert caught.value.sent is False
        assert exchange.raw == []  # neither key nor signature has left
        stream = client.account_stream()
        reading = asyncio.ensure_future(until(stream, (Retrying, Disconnected)))
        told = await reading
        assert isinstance(told, Retrying)
        assert exchange.sockets == []


async def test_the_users_own_context_is_accepted(certificate):
    server, trusting = certificate
    async with Exchange().listening(server) as exchange, client_of(exchange, ssl=trusting) as client:
        await client.ready(10)
        assert isinstance(await client.place_order(await order_of(client)), Accepted)
        assert exchange.url.startswith("https")
        assert exchange.bad == []


@pytest.mark.parametrize("value", [False, True, "no", 0, "CERT_NONE"])
def test_no_setting_switches_verification_off(value):
    with pytest.raises(InvalidInput, match="no switch"):
        BinanceExecution.new_with_config(BinanceConfig(KEY, SECRET, testnet=True, ssl=value))


def test_no_option_is_called_like_such_a_switch():
    names = set(inspect.signature(BinanceConfig).parameters)
    assert not {name for name in names if "verify" in name or "insecure" in name or "check" in name}
