"""ccxt and ccxt.pro on USD-M and COIN-M.

Options: no `fetchCurrencies` and no `fetchMargins`, which ask /sapi, and trades from `aggTrade`: the futures'
stream ``trade``, ccxt's default, has never been documented and is silent (facts 0.3-2). Its own pause between
requests is off.
USD-M needs a sandbox with ``needs_events=False``: ccxt names no events in the private stream's address.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import ccxt
import ccxt.pro
import pytest

from toucan_execution.testing.sandbox import service_unavailable, too_many_requests

WRONG = "none of theirs"
PAIRS = {"usd-m": "BTC/USDT:USDT", "coin-m": "BTC/USD:BTC"}
CLIENTS = {"usd-m": ccxt.pro.binanceusdm, "coin-m": ccxt.pro.binancecoinm}
OPTIONS = {"fetchCurrencies": False, "fetchMargins": False, "watchTrades": {"name": "aggTrade"}}
PREFIX = {"usd-m": "fapi", "coin-m": "dapi"}


@pytest.fixture(params=["usd-m", "coin-m"])
async def venue(request, open_venue):
    return await open_venue(request.param, needs_events=False)


def aim(client, venue):
    """Replace all addresses that there are by the sandbox's."""
    sandbox, name, prefix = venue.sandbox, venue.name, PREFIX[venue.name]
    base = f"{sandbox.rest_url(name)}/{prefix}"
    kind = {"usd-m": "linear", "coin-m": "inverse"}[name]
    client.urls["api"] = {
        f"{prefix}{access}{version}": f"{base}/{version.lower() or 'v1'}"
        for access in ("Public", "Private")
        for version in ("", "V2", "V3")
    }
    client.urls["api"]["ws"] = {
        kind: f"{sandbox.stream_url(name)}/ws",
        "ws-api": {kind: sandbox.ws_api_url(name)},
    }


@asynccontextmanager
async def opened(venue, kind="hmac", *, secret=None):
    key = venue.key(kind)
    client = CLIENTS[venue.name](
        {
            "apiKey": key.api_key,
            "secret": secret or key.secret,
            "enableRateLimit": False,
            "options": dict(OPTIONS),
        }
    )
    aim(client, venue)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def client(venue):
    async with opened(venue) as made:
        await made.load_markets()
        yield made


@pytest.fixture
def pair(venue):
    return PAIRS[venue.name]


@pytest.fixture
def size(venue):
    return float(venue.size)


def exact(numbers):
    return {asset: Decimal(str(number)) for asset, number in numbers.items() if number}


async def agrees(client, venue):
    """Compare wallet balances and the position that the client sees with what the sandbox holds."""
    wallets = {
        each["asset"]: Decimal(each.get("walletBalance", "0"))
        for each in (await client.fetch_balance())["info"]["assets"]
    }
    assert {asset: amount for asset, amount in wallets.items() if amount} == venue.totals
    positions = await client.fetch_positions([PAIRS[venue.name]])
    signs = {"long": 1, "short": -1}
    assert sum(Decimal(str(each["contracts"])) * signs[each["side"]] for each in positions) == venue.position


async def test_markets_book_ticker_and_balances(client, venue, pair):
    assert pair in client.markets
    assert Decimal(str(client.markets[pair]["precision"]["price"])) == venue.instrument.rules.tick_size
    book = await client.fetch_order_book(pair, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert (await client.fetch_ticker(pair))["last"] > 0
    assert (await client.fetch_bids_asks([pair]))[pair]["bid"] > 0
    assert await client.fetch_trades(pair)
    assert await client.fetch_ohlcv(pair, "1m")
    assert (await client.fetch_funding_rate(pair))["fundingRate"] == 0.0001
    assert (await client.fetch_leverage_tiers([pair]))[pair]
    assert (await client.fetch_trading_fee(pair))["taker"] == 0.0005
    await agrees(client, venue)


async def test_streams_of_the_market(client, pair):
    async with asyncio.timeout(20):
        seen = (await client.watch_order_book(pair))["nonce"]
        while (book := await client.watch_order_book(pair))["nonce"] == seen:
            pass
        assert book["bids"][0][0] < book["asks"][0][0]
        assert (await client.watch_trades(pair))[-1]["price"] > 0
        assert (await client.watch_ticker(pair))["last"] > 0
        assert (await client.watch_mark_price(pair))["markPrice"] > 0
        assert await client.watch_ohlcv(pair, "1m")


async def test_settings(client, venue, pair):
    assert (await client.set_leverage(5, pair))["leverage"] == 5
    await client.set_margin_mode("isolated", pair)
    assert (await client.fetch_leverage(pair))["marginMode"] == "isolated"
    await client.set_margin_mode("cross", pair)
    await client.set_position_mode(True)
    assert (await client.fetch_position_mode(pair))["hedged"]
    await client.set_position_mode(False)
    with pytest.raises(ccxt.OperationRejected, match="-4059"):
        await client.set_position_mode(False)
    await agrees(client, venue)


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_orders_and_what_is_told_of_them(venue, pair, size, kind):
    """Place, modify, cancel, fill at once and fill by somebody else; the account hears of it all."""
    async with opened(venue, kind) as client:
        await client.load_markets()
        told, positions = {}, []

        async def listen():
            while True:
                for order in await client.watch_orders(pair):
                    told.setdefault(order["id"], []).append(order["status"])

        async def listen_positions():
            while True:
                positions.extend(await client.watch_positions([pair]))

        listening = [asyncio.create_task(each()) for each in (listen, listen_positions)]
        await venue.until(venue.listens)
        low, lower = float(venue.price("0.9")), float(venue.price("0.8"))
        first = await client.create_order(pair, "limit", "buy", size, low)
        assert (await client.fetch_order(first["id"], pair))["status"] == "open"
        changed = await client.edit_order(first["id"], pair, "limit", "buy", 2 * size, low)
        assert (changed["id"], changed["amount"]) == (first["id"], 2 * size)
        assert [order["id"] for order in await client.fetch_open_orders(pair)] == [first["id"]]
        assert (await client.cancel_order(first["id"], pair))["status"] == "canceled"
        await agrees(client, venue)
        market = await client.create_order(pair, "market", "buy", size)
        assert (await client.fetch_order(market["id"], pair))["filled"] == size
        await agrees(client, venue)
        resting = await client.create_order(pair, "limit", "buy", size, lower, {"postOnly": True})
        venue.hit(venue.market.engine.open_orders("main")[0].price)
        await venue.until(lambda: "closed" in told.get(resting["id"], ()))
        await venue.until(lambda: positions and positions[-1]["contracts"] == 2 * size)
        await agrees(client, venue)
        await client.create_order(pair, "market", "sell", 2 * size, None, {"reduceOnly": True})
        await venue.until(lambda: not positions[-1]["contracts"])
        assert venue.position == 0
        assert told[first["id"]][0] == "open"
        assert told[first["id"]][-1] == "canceled"
        assert len(await client.fetch_orders(pair)) == 4
        assert len(await client.fetch_my_trades(pair)) >= 3
        assert await client.fetch_ledger()
        for each in listening:
            each.cancel()
        await agrees(client, venue)


async def test_balances_and_trades_are_streamed(client, venue, pair, size):
    balance = asyncio.create_task(client.watch_balance())
    trades = asyncio.create_task(client.watch_my_trades(pair))
    await venue.until(venue.listens)
    await client.create_order(pair, "market", "sell", size)
    asset = "USDT" if venue.name == "usd-m" else "BTC"
    async with asyncio.timeout(10):
        assert Decimal(str((await balance)[asset]["total"])) == venue.totals[asset]
        assert {trade["side"] for trade in await trades} == {"sell"}


async def test_conditional_orders_and_batches(client, venue, pair, size):
    low = float(venue.price("0.8"))
    stop = await client.create_order(pair, "market", "sell", size, None, {"stopLossPrice": low})
    waiting = await client.fetch_open_orders(pair, None, None, {"trigger": True})
    assert [order["id"] for order in waiting] == [stop["id"]]
    await client.cancel_all_orders(pair, {"trigger": True})
    assert not await client.fetch_open_orders(pair, None, None, {"trigger": True})
    order = {"symbol": pair, "type": "limit", "side": "buy", "amount": size, "price": low}
    made = await client.create_orders([order, {**order, "side": "buy"}])
    assert len({each["id"] for each in made}) == 2
    await client.cancel_all_orders(pair)
    assert not await client.fetch_open_orders(pair)
    await agrees(client, venue)


async def test_over_the_websocket_api(client, venue, pair, size):
    low = float(venue.price("0.9"))
    first = await client.create_order_ws(pair, "limit", "buy", size, low)
    changed = await client.edit_order_ws(first["id"], pair, "limit", "buy", 2 * size, low)
    assert changed["amount"] == 2 * size
    assert (await client.fetch_order_ws(first["id"], pair))["status"] == "open"
    assert (await client.cancel_order_ws(first["id"], pair))["status"] == "canceled"
    await client.create_order_ws(pair, "market", "buy", size)
    if venue.name == "usd-m":
        assert [each["contracts"] for each in await client.fetch_positions_ws([pair])] == [size]
        book = await client.fetch_order_book_ws(pair)
        assert book["bids"][0][0] < book["asks"][0][0]
    else:  # ccxt asks for one symbol's position by `symbol`; the method takes `pair` and `marginAsset`
        with pytest.raises(ccxt.BadRequest, match="-1104"):
            await client.fetch_positions_ws([pair])
        assert [each["contracts"] for each in await client.fetch_positions_ws()] == [size]
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order_ws("999", pair)
    assert exact((await client.fetch_balance_ws())["total"]).keys() == venue.totals.keys()
    await agrees(client, venue)


async def raw(client, venue, **fields):
    place = client.fapiprivate_post_order if venue.name == "usd-m" else client.dapiprivate_post_order
    usual = {"symbol": venue.symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    return await place({**usual, "quantity": str(venue.size), "price": str(venue.price("0.9")), **fields})


REFUSED = {
    "margin": (-2019, {"quantity": "90000", "price": "20000"}),
    "lot size": (-1111, {"quantity": "1.00001"}),
    "too much": (-4005, {"quantity": "2000000"}),
    "price filter": (-4014, {"price": "50000.05"}),
    "bad symbol": (-1121, {"symbol": "NOPE"}),
    "unknown parameter": (-1104, {"colour": "red"}),
    "post only": (-5022, {"timeInForce": "GTX", "price": "65000"}),
    "reduce only": (-2022, {"reduceOnly": "true"}),
    "too late": (-1021, {"timestamp": 1_600_000_000_000}),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_refused(client, venue, reason):
    code, fields = REFUSED[reason]
    if reason == "price filter" and venue.name == "usd-m":
        code, fields = -1111, {"price": "50000.005"}
    with pytest.raises(ccxt.BaseError):
        await raw(client, venue, **fields)
    assert f'"code":{code}' in client.last_http_response
    await agrees(client, venue)


async def test_refused_for_what_there_is_already(client, venue, pair):
    await raw(client, venue, newClientOrderId="mine")
    with pytest.raises(ccxt.ExchangeError, match="-4116"):
        await raw(client, venue, newClientOrderId="mine")
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order("999", pair)
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await client.fetch_order("999", pair)
    await agrees(client, venue)


async def test_a_wrong_secret(venue):
    async with opened(venue, secret=WRONG) as client:
        await client.load_markets()
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await client.fetch_balance()


async def test_limits_and_an_overloaded_venue(client, venue, pair, size):
    venue.sandbox.faults.add(too_many_requests("/depth"), service_unavailable("POST"))
    with pytest.raises(ccxt.DDoSProtection, match="429"):
        await client.fetch_order_book(pair)
    with pytest.raises(ccxt.NetworkError, match="503"):
        await client.create_order(pair, "market", "buy", size)
    assert venue.position == 0
    assert await client.fetch_order_book(pair)
