"""python-binance on USD-M: `AsyncClient` and its socket manager.

Addresses and options as on spot. `AsyncClient.create` asks spot for the time: both markets are hosted. The
sandbox has ``needs_events=False``: python-binance names no events in the private stream's address.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from binance.ws.reconnecting_websocket import ReconnectingWebsocket

from toucan_execution.testing.sandbox import service_unavailable, too_many_requests

NOWHERE = "http://127.0.0.1:9"
WRONG = "none of theirs"
SYMBOL = "BTCUSDT"


@pytest.fixture(autouse=True)
def close_soon(monkeypatch):
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 1)


@asynccontextmanager
async def opened(venue, kind="hmac", *, secret=None):
    """Open a client and its socket manager; all addresses that they have are replaced."""
    sandbox, key = venue.sandbox, venue.key(kind)
    there = dict.fromkeys((name for name in vars(AsyncClient.__mro__[1]) if name.endswith("_URL")), NOWHERE)
    there |= {
        "API_URL": f"{sandbox.rest_url('spot')}/api",
        "FUTURES_URL": f"{sandbox.rest_url('usd-m')}/fapi",
        "WS_FUTURES_URL": sandbox.ws_api_url("usd-m"),
    }
    sockets = dict.fromkeys(
        (name for name in vars(BinanceSocketManager) if name.endswith("_URL")), "ws://127.0.0.1:9/"
    )
    sockets |= {"FSTREAM_URL": f"{sandbox.stream_url('usd-m')}/"}
    secrets = {"api_secret" if kind == "hmac" else "private_key": secret or key.secret}
    client = await type("Aimed", (AsyncClient,), there).create(key.api_key, **secrets)
    try:
        yield client, type("AimedManager", (BinanceSocketManager,), sockets)(client)
    finally:
        await client.ws_future.close()
        await client.close_connection()


@pytest.fixture
async def venue(open_venue):
    return await open_venue("usd-m", "spot", needs_events=False)


@pytest.fixture
async def client(venue):
    async with opened(venue) as (made, _):
        yield made


async def agrees(client, venue):
    """Compare wallet balances and the position that the client sees with what the sandbox holds."""
    wallets = {each["asset"]: Decimal(each["balance"]) for each in await client.futures_account_balance()}
    assert {asset: amount for asset, amount in wallets.items() if amount} == venue.totals
    positions = await client.futures_position_information(symbol=SYMBOL)
    assert sum(Decimal(each["positionAmt"]) for each in positions) == venue.position


async def first_of(socket, count=2):
    async with asyncio.timeout(10), socket as stream:
        return [(await stream.recv())["data"] for _ in range(count)]


async def test_markets_book_ticker_and_balances(client, venue):
    info = await client.futures_exchange_info()
    assert {each["symbol"] for each in info["symbols"]} == {"BTCUSDT", "ETHUSDT"}
    assert (await client.futures_order_book(symbol=SYMBOL))["bids"]
    top = await client.futures_orderbook_ticker(symbol=SYMBOL)
    assert Decimal(top["bidPrice"]) < Decimal(top["askPrice"])
    assert Decimal((await client.futures_ticker(symbol=SYMBOL))["lastPrice"]) > 0
    assert Decimal((await client.futures_mark_price(symbol=SYMBOL))["markPrice"]) > 0
    assert await client.futures_klines(symbol=SYMBOL, interval="1m")
    assert await client.futures_leverage_bracket(symbol=SYMBOL)
    rates = await client.futures_commission_rate(symbol=SYMBOL)
    assert Decimal(rates["takerCommissionRate"]) == Decimal("0.0005")
    account = await client.futures_account()
    assert Decimal(account["totalWalletBalance"]) == venue.totals["USDT"]
    await agrees(client, venue)


async def test_streams_of_the_market(venue):
    async with opened(venue) as (_, sockets):
        one, two = await first_of(sockets.futures_depth_socket(SYMBOL))
        assert two["pu"] == one["u"]
        assert {each["e"] for each in await first_of(sockets.aggtrade_futures_socket(SYMBOL))} == {"aggTrade"}
        marks = await first_of(sockets.symbol_mark_price_socket(SYMBOL))
        assert {each["e"] for each in marks} == {"markPriceUpdate"}


async def test_settings(client, venue):
    assert (await client.futures_change_leverage(symbol=SYMBOL, leverage=7))["leverage"] == 7
    await client.futures_change_margin_type(symbol=SYMBOL, marginType="ISOLATED")
    with pytest.raises(BinanceAPIException) as error:
        await client.futures_change_margin_type(symbol=SYMBOL, marginType="ISOLATED")
    assert error.value.code == -4046
    await client.futures_change_position_mode(dualSidePosition="true")
    assert (await client.futures_get_position_mode())["dualSidePosition"] is True
    await agrees(client, venue)


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_orders_and_what_is_told_of_them(venue, kind):
    """Place, modify, cancel, fill at once and fill by somebody else; the account hears of it all."""
    async with opened(venue, kind) as (client, sockets):
        user = sockets.futures_user_socket()
        await user.connect()
        told, changes = {}, []

        async def listen():
            while True:
                event = await user.recv()
                if event["e"] == "ORDER_TRADE_UPDATE":
                    told.setdefault(event["o"]["i"], []).append(event["o"]["X"])
                elif event["e"] == "ACCOUNT_UPDATE":
                    changes.append(event["a"])

        listening = asyncio.create_task(listen())
        await venue.until(venue.listens)
        low, lower = str(venue.price("0.9")), str(venue.price("0.8"))
        first = await place(client, venue)
        number = first["orderId"]
        changed = await client.futures_modify_order(
            symbol=SYMBOL, orderId=number, side="BUY", quantity="0.02", price=low
        )
        assert Decimal(changed["origQty"]) == Decimal("0.02")
        assert [each["orderId"] for each in await client.futures_get_open_orders(symbol=SYMBOL)] == [number]
        cancelled = await client.futures_cancel_order(symbol=SYMBOL, orderId=number)
        assert cancelled["status"] == "CANCELED"
        await agrees(client, venue)
        market = await client.futures_create_order(
            symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01", newOrderRespType="RESULT"
        )
        assert market["status"] == "FILLED"
        await agrees(client, venue)
        resting = await place(client, venue, price=lower, timeInForce="GTX")
        venue.hit(lower)
        await venue.until(lambda: "FILLED" in told.get(resting["orderId"], ()))
        assert Decimal(changes[-1]["P"][0]["pa"]) == venue.position == Decimal("0.02")
        assert Decimal(changes[-1]["B"][0]["wb"]) == venue.totals["USDT"]
        await client.futures_create_order(
            symbol=SYMBOL, side="SELL", type="MARKET", quantity="0.02", reduceOnly="true"
        )
        assert venue.position == 0
        assert told[number][0] == "NEW"
        assert told[number][-1] == "CANCELED"
        assert len(await client.futures_account_trades(symbol=SYMBOL)) >= 3
        assert len(await client.futures_get_all_orders(symbol=SYMBOL)) == 4
        assert await client.futures_income_history()
        listening.cancel()
        await agrees(client, venue)
        await user.close()


async def test_conditional_orders_and_batches(client, venue):
    """A stop order goes to the algo endpoint, by python-binance's own choice."""
    stop = await client.futures_create_order(
        symbol=SYMBOL, side="SELL", type="STOP_MARKET", stopPrice=str(venue.price("0.8")), quantity="0.01"
    )
    waiting = await client.futures_get_open_algo_orders(symbol=SYMBOL)
    assert [each["algoId"] for each in waiting] == [stop["algoId"]]
    await client.futures_cancel_all_algo_open_orders(symbol=SYMBOL)
    order = {
        "symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
        "price": str(venue.price("0.9")),
    }  # fmt: skip
    made = await client.futures_place_batch_order(batchOrders=[order, {**order, "quantity": "0.02"}])
    assert all("orderId" in each for each in made)
    await client.futures_cancel_all_open_orders(symbol=SYMBOL)
    await agrees(client, venue)


async def test_over_the_websocket_api(client, venue):
    made = await client.ws_futures_create_order(
        symbol=SYMBOL,
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.01",
        price=str(venue.price("0.9")),
    )
    number = made["orderId"]
    changed = await client.ws_futures_edit_order(
        symbol=SYMBOL, orderId=number, side="BUY", quantity="0.02", price=str(venue.price("0.9"))
    )
    assert Decimal(changed["origQty"]) == Decimal("0.02")
    assert (await client.ws_futures_get_order(symbol=SYMBOL, orderId=number))["status"] == "NEW"
    assert (await client.ws_futures_cancel_order(symbol=SYMBOL, orderId=number))["status"] == "CANCELED"
    assert (await client.ws_futures_get_order_book(symbol=SYMBOL))["bids"]
    wallets = {
        each["asset"]: Decimal(each["balance"]) for each in await client.ws_futures_v2_account_balance()
    }
    assert wallets["USDT"] == venue.totals["USDT"]
    with pytest.raises(BinanceAPIException, match="Unknown order sent"):
        await client.ws_futures_cancel_order(symbol=SYMBOL, orderId=number)
    await agrees(client, venue)


async def place(client, venue, **fields):
    usual = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    return await client.futures_create_order(**{**usual, "price": str(venue.price("0.9")), **fields})


REFUSED = {
    "margin": (-2019, {"quantity": "900"}),
    "lot size": (-1111, {"quantity": "0.0001"}),
    "price filter": (-1111, {"price": "50000.005"}),
    "notional": (-4164, {"quantity": "0.001", "price": "1000"}),
    "post only": (-5022, {"timeInForce": "GTX", "price": "65000"}),
    "reduce only": (-2022, {"reduceOnly": "true"}),
    "bad symbol": (-1121, {"symbol": "NOPE"}),
    "unknown parameter": (-1104, {"colour": "red"}),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_refused(client, venue, reason):
    code, fields = REFUSED[reason]
    with pytest.raises(BinanceAPIException) as error:
        await place(client, venue, **fields)
    assert error.value.code == code
    await agrees(client, venue)


async def test_refused_for_what_there_is_already(client, venue):
    await place(client, venue, newClientOrderId="mine")
    for code, refused in (
        (-4116, place(client, venue, newClientOrderId="mine")),
        (-2011, client.futures_cancel_order(symbol=SYMBOL, orderId=999)),
        (-2013, client.futures_get_order(symbol=SYMBOL, orderId=999)),
    ):
        with pytest.raises(BinanceAPIException) as error:
            await refused
        assert error.value.code == code
    await agrees(client, venue)


async def test_signature_time_and_limits(venue):
    async with opened(venue, secret=WRONG) as (client, _):
        with pytest.raises(BinanceAPIException) as error:
            await client.futures_account()
        assert error.value.code == -1022
    async with opened(venue) as (client, _):
        client.timestamp_offset -= 60_000
        with pytest.raises(BinanceAPIException) as error:
            await client.futures_account()
        assert error.value.code == -1021
        client.timestamp_offset += 60_000
        venue.sandbox.faults.add(too_many_requests("/depth"), service_unavailable("POST /fapi"))
        with pytest.raises(BinanceAPIException) as error:
            await client.futures_order_book(symbol=SYMBOL)
        assert (error.value.status_code, error.value.code) == (429, -1003)
        with pytest.raises(BinanceAPIException) as error:
            await place(client, venue)
        assert error.value.status_code == 503
        await agrees(client, venue)
