"""python-binance on spot: `AsyncClient` and its socket manager.

Its addresses are attributes of its classes, so that a subclass is all it takes. Options: none; a shorter
time-out of its sockets, without which closing one waits for up to ten seconds.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from binance.ws.reconnecting_websocket import ReconnectingWebsocket

from toucan_execution.testing.sandbox import banned, too_many_requests

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
    there |= {"API_URL": f"{sandbox.rest_url('spot')}/api", "WS_API_URL": sandbox.ws_api_url("spot")}
    sockets = dict.fromkeys(
        (name for name in vars(BinanceSocketManager) if name.endswith("_URL")), "ws://127.0.0.1:9/"
    )
    sockets |= {"STREAM_URL": f"{sandbox.stream_url('spot')}/"}
    secrets = {"api_secret" if kind == "hmac" else "private_key": secret or key.secret}
    client = await type("Aimed", (AsyncClient,), there).create(key.api_key, **secrets)
    try:
        yield client, type("AimedManager", (BinanceSocketManager,), sockets)(client)
    finally:
        await client.close_connection()


@pytest.fixture
async def client(spot):
    async with opened(spot) as (made, _):
        yield made


async def agrees(client, venue):
    """Compare the balances that the client sees with what the sandbox holds."""
    seen = {
        each["asset"]: (Decimal(each["free"]) + Decimal(each["locked"]), Decimal(each["locked"]))
        for each in (await client.get_account())["balances"]
    }
    assert {asset: held for asset, held in seen.items() if held[0]} == venue.balances


async def first_of(socket, count=2):
    async with asyncio.timeout(10), socket as stream:
        return [await stream.recv() for _ in range(count)]


async def test_markets_book_ticker_and_balances(client, spot):
    info = await client.get_symbol_info(SYMBOL)
    filters = {each["filterType"]: each for each in info["filters"]}
    assert Decimal(filters["PRICE_FILTER"]["tickSize"]) == spot.instrument.rules.tick_size
    book = await client.get_order_book(symbol=SYMBOL, limit=5)
    assert len(book["bids"]) == 5
    top = await client.get_orderbook_ticker(symbol=SYMBOL)
    assert Decimal(top["bidPrice"]) < Decimal(top["askPrice"])
    assert Decimal((await client.get_ticker(symbol=SYMBOL))["lastPrice"]) > 0
    assert {each["symbol"] for each in await client.get_all_tickers()} == {"BTCUSDT", "ETHUSDT"}
    assert await client.get_klines(symbol=SYMBOL, interval="1m")
    assert await client.get_recent_trades(symbol=SYMBOL)
    assert Decimal((await client.get_asset_balance("USDT"))["free"]) == spot.totals["USDT"]
    await agrees(client, spot)


async def test_streams_of_the_market(spot):
    async with opened(spot) as (_, sockets):
        one, two = await first_of(sockets.depth_socket(SYMBOL))
        assert two["U"] == one["u"] + 1
        assert len((await first_of(sockets.depth_socket(SYMBOL, "5")))[0]["bids"]) == 5
        assert {each["e"] for each in await first_of(sockets.trade_socket(SYMBOL))} == {"trade"}
        assert {each["e"] for each in await first_of(sockets.kline_socket(SYMBOL))} == {"kline"}
        assert {each["s"] for each in await first_of(sockets.symbol_book_ticker_socket(SYMBOL))} == {SYMBOL}
        several = await first_of(sockets.multiplex_socket(["btcusdt@trade", "ethusdt@depth"]))
        assert {each["stream"] for each in several} <= {"btcusdt@trade", "ethusdt@depth"}


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_orders_and_what_is_told_of_them(spot, kind):
    """Place, replace, cancel, fill at once and fill by somebody else; the account hears of it all.

    python-binance has no method that amends an order.
    """
    async with opened(spot, kind) as (client, sockets):
        user = sockets.user_socket()
        await user.connect()
        told = {}

        async def listen():
            while True:
                event = await user.recv()
                if event["e"] == "executionReport":
                    told.setdefault(event["i"], []).append(event["X"])

        listening = asyncio.create_task(listen())
        low, lower = str(spot.price("0.9")), str(spot.price("0.8"))
        first = await client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price=low)
        assert (await client.get_order(symbol=SYMBOL, orderId=first["orderId"]))["status"] == "NEW"
        await agrees(client, spot)
        replaced = await client.cancel_replace_order(
            symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.02", price=low,
            cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=first["orderId"],
        )  # fmt: skip
        second = replaced["newOrderResponse"]["orderId"]
        assert [each["orderId"] for each in await client.get_open_orders(symbol=SYMBOL)] == [second]
        assert (await client.cancel_order(symbol=SYMBOL, orderId=second))["status"] == "CANCELED"
        market = await client.order_market_buy(symbol=SYMBOL, quantity="0.01")
        assert sum(Decimal(fill["qty"]) for fill in market["fills"]) == Decimal("0.01")
        assert market["fills"][0]["commissionAsset"] == "BTC"
        spending = await client.order_market_sell(symbol=SYMBOL, quoteOrderQty="100")
        assert spending["status"] == "FILLED"
        resting = await client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price=lower)
        spot.hit(lower)
        await spot.until(lambda: "FILLED" in told.get(resting["orderId"], ()))
        assert told[first["orderId"]] == ["NEW", "CANCELED"]
        assert told[second] == ["NEW", "CANCELED"]
        assert told[market["orderId"]][-1] == "FILLED"
        assert len(await client.get_my_trades(symbol=SYMBOL)) >= 3
        assert len(await client.get_all_orders(symbol=SYMBOL)) == 5
        listening.cancel()
        await agrees(client, spot)
        await user.close()


async def test_lists(client, spot):
    made = await client.create_oco_order(
        symbol=SYMBOL, side="SELL", quantity="0.01", aboveType="LIMIT_MAKER",
        abovePrice=str(spot.price("1.1")), belowType="STOP_LOSS", belowStopPrice=str(spot.price("0.8")),
    )  # fmt: skip
    assert made["listOrderStatus"] == "EXECUTING"
    assert len(await client.cancel_all_open_orders(symbol=SYMBOL)) == 1
    assert await client.create_test_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01") == {}
    await agrees(client, spot)


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_over_the_websocket_api(spot, kind):
    async with opened(spot, kind) as (client, _):
        low = str(spot.price("0.9"))
        made = await client.ws_create_order(
            symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=low
        )
        assert (await client.ws_get_order(symbol=SYMBOL, orderId=made["orderId"]))["status"] == "NEW"
        assert len(await client.ws_get_open_orders(symbol=SYMBOL)) == 1
        assert (await client.ws_cancel_order(symbol=SYMBOL, orderId=made["orderId"]))["status"] == "CANCELED"
        with pytest.raises(BinanceAPIException, match="Unknown order sent"):
            await client.ws_cancel_order(symbol=SYMBOL, orderId=made["orderId"])
        assert (await client.ws_get_order_book(symbol=SYMBOL))["bids"]
        held = {each["asset"]: each for each in (await client.ws_get_account())["balances"]}
        assert Decimal(held["USDT"]["free"]) == spot.totals["USDT"]
        await agrees(client, spot)


REFUSED = {
    "balance": (-2010, {"quantity": "10"}),
    "lot size": (-1013, {"quantity": "0.0001"}),
    "price filter": (-1013, {"price": "50000.001"}),
    "notional": (-1013, {"symbol": "ETHUSDT", "quantity": "0.001", "price": "2000"}),
    "post only": (-2010, {"type": "LIMIT_MAKER", "timeInForce": None, "price": "90000"}),
    "bad symbol": (-1121, {"symbol": "NOPE"}),
    "unknown parameter": (-1104, {"colour": "red"}),
}


async def place(client, spot, **fields):
    usual = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    return await client.create_order(**{**usual, "price": str(spot.price("0.9")), **fields})


@pytest.mark.parametrize("reason", REFUSED)
async def test_refused(client, spot, reason):
    code, fields = REFUSED[reason]
    with pytest.raises(BinanceAPIException) as error:
        await place(client, spot, **fields)
    assert error.value.code == code
    await agrees(client, spot)


async def test_refused_for_what_there_is_already(client, spot):
    await place(client, spot, newClientOrderId="mine")
    for code, refused in (
        (-2010, place(client, spot, newClientOrderId="mine")),
        (-2011, client.cancel_order(symbol=SYMBOL, orderId=999)),
        (-2013, client.get_order(symbol=SYMBOL, orderId=999)),
    ):
        with pytest.raises(BinanceAPIException) as error:
            await refused
        assert error.value.code == code
    await agrees(client, spot)


async def test_signature_time_and_limits(spot):
    async with opened(spot, secret=WRONG) as (client, _):
        with pytest.raises(BinanceAPIException) as error:
            await client.get_account()
        assert error.value.code == -1022
    async with opened(spot) as (client, _):
        client.timestamp_offset -= 60_000
        with pytest.raises(BinanceAPIException) as error:
            await client.get_account()
        assert error.value.code == -1021
        client.timestamp_offset += 60_000
        spot.sandbox.faults.add(too_many_requests("/account"), banned("/depth"))
        for status, asked in ((429, client.get_account()), (418, client.get_order_book(symbol=SYMBOL))):
            with pytest.raises(BinanceAPIException) as error:
                await asked
            assert (error.value.status_code, error.value.code) == (status, -1003)
            assert int(client.response.headers["Retry-After"]) > 0
        await agrees(client, spot)
