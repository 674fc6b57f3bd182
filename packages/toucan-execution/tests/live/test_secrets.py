"""A session with every sort of failure shows neither key, secret, signature nor listen key anywhere."""

import asyncio
import json
import logging
import pickle
import traceback
from decimal import Decimal
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import toucan_execution
import toucan_instrument
from toucan_execution.client.binance.clients import HANDSHAKES
from toucan_execution.errors import AuthenticationError, ClientClosed
from toucan_execution.orders import AmendRequest, CancelRequest, OrderRequest, OrderType
from toucan_execution.outcome import Rejected, Unknown
from toucan_instrument import Side
from toucan_instrument.errors import DialError, RequestError, ToucanError
from toucan_instrument.link import Closed
from toucan_instrument.rest import Response

D = Decimal
KEY, SECRET = "KEYkeyKEYkeyOfNobody0123456789", "SECRETsecretSECRETsecretOfNobody0123456789"
SOURCES = tuple(package.__path__[0] for package in (toucan_execution, toucan_instrument))


class Shown:
    """All that a user, a log or an error tracker could have seen."""

    def __init__(self):
        self.texts = []

    def value(self, *values):
        for value in values:
            self.texts += [repr(value), str(value), f"{value}"]
            if isinstance(value, BaseException):
                self.error(value)

    def error(self, error):
        self.texts += traceback.format_exception(error)
        while error is not None:
            found = traceback.TracebackException.from_exception(error, capture_locals=True)
            self.texts += [
                f"{frame.name} {frame.locals}" for frame in found.stack if _is_ours(frame.filename)
            ]
            error = error.__cause__ or error.__context__

    def pickled(self, *values):
        for value in values:
            data = pickle.dumps(value)
            pickle.loads(data)  # noqa: S301 - our own
            self.texts.append(data.decode("latin-1"))

    def records(self, records):
        for record in records:
            self.texts += [record.getMessage(), repr(record.__dict__), repr(record.args)]
            if record.exc_info:
                self.error(record.exc_info[1])

    def has(self, secret):
        return [text[:300] for text in self.texts if secret in text or quote(secret, safe="") in text]


def _is_ours(filename):
    return filename.startswith(SOURCES) and "/testing/" not in filename


def pem():
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def order_of(stage, **changes):
    catalogue = await stage.client.instruments()
    fields = {
        "instrument": catalogue.by_symbol("BTCUSDT"),
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": D(2),
        "price": D("1000.0"),
    }
    return OrderRequest(**fields | changes)


def failing(code, status=400):
    return status, {"code": code, "msg": "Signature for this request is not valid."}


async def misbehave(stage, shown):
    """Do what fails, in every way that there is."""
    client, faults = stage.client, stage.venue.faults
    spot = stage.client.exchange.value == "binance-spot"
    order, account = ("/api/v3/order", "/api/v3/account") if spot else ("/v1/order", "/v3/account")
    kinds = [
        "lost", "never", "never", failing(-1022), failing(-2015, 401), failing(-1021), failing(-1003, 503),
        failing(-1007, 503), failing(-2010), (200, {"unreadable": True}), (200, "text"), (502, "<html>"),
    ]  # fmt: skip
    for fault in kinds:
        faults["POST", order] = [fault, fault]
        outcome = await client.place_order(await order_of(stage))
        shown.value(outcome)
        shown.pickled(outcome)
        if isinstance(outcome, (Rejected, Unknown)) and outcome.error is not None:
            shown.value(outcome.error)
            shown.pickled(outcome.error)
        faults["GET", account] = [fault, fault]
        try:
            await client.fetch_balances()
        except ToucanError as error:
            shown.value(error)
            shown.pickled(error)
        faults.clear()
    instrument = (await order_of(stage)).instrument
    cancel = CancelRequest(instrument=instrument, client_order_id="nobody")
    shown.value(await client.cancel_order(cancel))
    amend = AmendRequest(
        instrument=instrument, client_order_id="nobody", side=Side.BUY, quantity=D(1), price=D(5)
    )
    try:
        shown.value(await client.amend_order(amend))
    except ToucanError as error:
        shown.value(error)
    for unknown in client.unknown[:2]:
        shown.value(await client.settle(unknown, 60))
    faults["GET", account] = [failing(-1022)] * 2
    stage.venue.drop()
    await stage.idle(60)


async def crash(stage, shown, monkeypatch):
    """Have a fault of ours end the client."""

    def broken(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(stage.client.binance, "decode_event", broken)
    stage.venue.tell({"e": "balanceUpdate", "a": "BTC"})
    await stage.idle(1)
    with pytest.raises(ClientClosed) as caught:
        await stage.client.fetch_balances()
    shown.value(caught.value)


def everything(stage, shown):
    """Show all objects of a session."""
    client = stage.client
    venue = client.binance
    shown.value(client, client.config, client.config.credentials, client.config.credentials.signer, venue)
    shown.value(client.account, client.caller, client.caller.budget, *client.caller.order_budgets)
    shown.value(client.caller.offset, client.desk, client._account_link, client._account_link.session)
    shown.value(*HANDSHAKES.values(), *client.unknown)
    shown.value(*stage.venue.network.requests, Response(200, {}, b"{}"), stage.events)
    shown.value(*asyncio.all_tasks())
    for event in stage.events:
        shown.pickled(event)
    for call in (venue.create_listen_key(), venue.keep_listen_key("listen-key-1"), venue.server_time()):
        shown.value(call, venue.rest_request(call, 10**18))


def signatures(stage):
    """Return what the venue has seen of keys and signatures."""
    found = {str(params["signature"]) for _, params in stage.venue.calls if "signature" in params}
    assert found
    return found


@pytest.mark.parametrize("kind", ["hmac", "ed25519"])
@pytest.mark.parametrize("over", ["rest", "websocket"])
@pytest.mark.parametrize("market", ["spot", "usd-m"])
async def test_a_session_with_failures_gives_nothing_away(stage_of, caplog, monkeypatch, market, over, kind):
    caplog.set_level(logging.DEBUG)
    for name in ("toucan_execution", "toucan_instrument", "toucan"):
        caplog.set_level(logging.DEBUG, logger=name)
    shown = Shown()
    secret = SECRET if kind == "hmac" else pem()

    def refuse_first(venue):
        if market == "spot":
            venue.refuse_subscription = (-2015, "Invalid API-key, IP, or permissions for action.")
        else:
            venue.faults["POST", "/v1/listenKey"] = [failing(-2015, 401)]

    options = {"key": KEY, "secret": secret, "orders_over": over, "prepare": refuse_first}
    async with stage_of(market=market, ready=False, faulty=True, **options) as stage:
        with pytest.raises(AuthenticationError) as caught:
            await stage.client.ready(60)
        shown.value(caught.value)
        shown.pickled(caught.value)
        if market == "spot":
            stage.venue.refuse_subscription = None
        await stage.idle(120)
        await stage.client.ready(60)
        await misbehave(stage, shown)
        if market == "usd-m":
            stage.venue.tell({"e": "listenKeyExpired", "listenKey": "listen-key-1"})
            stage.venue.streams[-1].push(b'{"stream":"listen-key-1","data":{"e":"somethingNew"}}')
            stage.venue.streams[-1].push(b'{"e":"listenKeyExpired","E":"x","listenKey":"listen-key-1"}')
            await stage.idle(60)
        await stage.client.ready(60)
        everything(stage, shown)
        await crash(stage, shown, monkeypatch)
        everything(stage, shown)
    shown.records(caplog.records)
    assert len(caplog.records) > 5
    secrets = {
        KEY,
        SECRET,
        *signatures(stage),
        secret,
        *secret.splitlines()[1:2],
        "listen-key-1",
        "listen-key-2",
    }
    for each in secrets:
        assert shown.has(each) == [], each[:8]


async def test_errors_of_the_transport_lose_the_addresses_that_they_hold(stage_of, caplog):
    caplog.set_level(logging.DEBUG)
    shown = Shown()

    def broken_dial(venue):
        async def refuse(url, options):
            raise DialError("the handshake failed", retryable=True) from ValueError(url)

        venue.network.dial = refuse

    async with stage_of(market="usd-m", ready=False, prepare=broken_dial, key=KEY, secret=SECRET) as stage:
        with pytest.raises(ToucanError) as caught:
            await stage.client.ready(30)
        shown.value(caught.value, stage.events)
    shown.records(caplog.records)
    assert shown.has("listen-key-1") == []


async def test_a_request_that_fails_on_the_way_shows_no_query(stage_of):
    shown = Shown()
    async with stage_of(key=KEY, secret=SECRET) as stage:
        for fault in ("never", "unsent", failing(-1022)):
            stage.venue.faults["GET", "/api/v3/myTrades"] = [fault] * 2
            stage.venue.faults["GET", "/api/v3/account"] = [fault] * 2
            with pytest.raises(RequestError) as caught:
                await stage.client.fetch_balances()
            shown.value(caught.value)
            stage.venue.faults.clear()
    assert shown.texts
    for each in (KEY, SECRET, *signatures(stage)):
        assert shown.has(each) == []


async def test_a_session_that_is_revoked_gives_nothing_away(stage_of, caplog):
    caplog.set_level(logging.DEBUG)
    shown = Shown()
    async with stage_of(key=KEY, secret=pem(), user_data="session", orders_over="websocket") as stage:
        stage.venue.socket.push(
            json.dumps(
                {"id": None, "status": 401, "error": {"code": -2015, "msg": "x", "apiKey": KEY}}
            ).encode()
        )
        await stage.idle(10)
        stage.venue.socket.push(json.dumps({"id": 999, "status": 200, "result": {"apiKey": KEY}}).encode())
        stage.venue.socket.push(json.dumps({"result": {"apiKey": KEY}}).encode())
        stage.venue.socket.end(Closed(1006, "cut"))
        await stage.idle(10)
        shown.value(stage.events)
        shown.pickled(*stage.events)
    shown.records(caplog.records)
    assert shown.has(KEY) == []
