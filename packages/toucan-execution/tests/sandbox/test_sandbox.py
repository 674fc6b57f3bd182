"""The whole sandbox over real sockets, as a stranger's client sees it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import aiohttp
import pytest
from yarl import URL

from toucan_execution.signing import KeyKind
from toucan_execution.testing.sandbox import USUAL_BALANCES, Sandbox
from toucan_instrument.errors import InvalidInput

D = Decimal
MILLI = 1_000_000
SECOND = 1_000_000_000
MARKETS = ("spot", "usd-m", "coin-m")
BASE = {"spot": "/api/v3", "usd-m": "/fapi/v1", "coin-m": "/dapi/v1"}
SYMBOL = {"spot": "BTCUSDT", "usd-m": "BTCUSDT", "coin-m": "BTCUSD_PERP"}
QUANTITY = {"spot": "0.010", "usd-m": "0.010", "coin-m": "2"}
ROUTE = {"spot": "", "usd-m": "/public", "coin-m": ""}


def numbers(levels):
    return tuple((D(price), D(quantity)) for price, quantity in levels)


def depth_of(sandbox, market):
    held = sandbox.market(market)
    return held.engine.depth(held.instruments[SYMBOL[market]])


# What anybody can ask.


@pytest.mark.parametrize("market", MARKETS)
async def test_public_rest(serve, market):
    async with serve([market]) as (sandbox, stranger):
        base, symbol = BASE[market], SYMBOL[market]
        assert await stranger.get(market, f"{base}/ping") == {}
        info = await stranger.get(market, f"{base}/exchangeInfo")
        assert symbol in {row["symbol"] for row in info["symbols"]}
        assert {row["rateLimitType"] for row in info["rateLimits"]} >= {"REQUEST_WEIGHT", "ORDERS"}
        book = await stranger.get(market, f"{base}/depth", symbol=symbol, limit=100)
        assert (numbers(book["bids"]), numbers(book["asks"])) == depth_of(sandbox, market)
        for path in ("trades", "aggTrades", "ticker/24hr", "ticker/price", "ticker/bookTicker"):
            assert await stranger.get(market, f"{base}/{path}", symbol=symbol)
        assert await stranger.get(market, f"{base}/klines", symbol=symbol, interval="1m")
        status, _, headers = await stranger.rest(market, "GET", f"{base}/time")
        assert (status, int(headers["X-MBX-USED-WEIGHT-1M"])) == (200, sandbox.address(market).used)


@pytest.mark.parametrize("market", MARKETS)
async def test_what_is_wrong_is_said_as_the_venue_says_it(serve, limit_order, market):
    async with serve([market]) as (_, stranger):
        base = BASE[market]

        async def fails(method, path, **params):
            status, answer, _ = await stranger.rest(market, method, f"{base}/{path}", **params)
            return status, answer.get("code")

        assert await fails("GET", "depth", symbol="NONE") == (400, -1121)
        assert await fails("GET", "depth") == (400, -1102)
        assert await fails("GET", "depth", symbol=SYMBOL[market], foo=1) == (400, -1104)
        assert await fails("GET", "klines", symbol=SYMBOL[market], interval="7m") == (400, -1120)
        assert await fails("POST", "order", **limit_order(market)) == (401, -2014)
        assert (await fails("GET", "nothing"))[0] == 404
        assert (await fails("PATCH", "order"))[0] == 404


async def test_text_that_is_no_utf_8_is_refused(serve):
    async with serve(["spot"]) as (sandbox, _):
        for query in (b"symbol=%FF", b"symbol=\xff"):
            reader, writer = await asyncio.open_connection("127.0.0.1", URL(sandbox.rest_url("spot")).port)
            writer.write(
                b"GET /binance-spot/api/v3/depth?"
                + query
                + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            head = await reader.readline()
            writer.close()
            assert head.split()[1] == b"400", query


# Accounts and orders.


@pytest.mark.parametrize("kind", list(KeyKind))
@pytest.mark.parametrize("market", MARKETS)
async def test_an_order_lives_over_rest(serve, limit_order, market, kind):
    async with serve([market]) as (sandbox, stranger):
        key, base = sandbox.key(kind=kind), BASE[market]
        account = await stranger.open_user_data(market, key)
        async with account[0] as line:
            if market == "spot":
                assert (await line.signed("userDataStream.subscribe.signature"))["status"] == 200
            status, placed, headers = await stranger.rest(
                market, "POST", f"{base}/order", key=key, **limit_order(market)
            )
            assert (status, placed["status"]) == (200, "NEW")
            assert headers["X-MBX-ORDER-COUNT-10S"] == "1"
            named = {"symbol": SYMBOL[market], "orderId": placed["orderId"]}
            _, found, _ = await stranger.rest(market, "GET", f"{base}/order", key=key, **named)
            assert (found["status"], found["clientOrderId"]) == ("NEW", placed["clientOrderId"])
            _, rows, _ = await stranger.rest(market, "GET", f"{base}/openOrders", key=key)
            assert [row["orderId"] for row in rows] == [placed["orderId"]]
            _, ended, _ = await stranger.rest(market, "DELETE", f"{base}/order", key=key, **named)
            assert ended["status"] == "CANCELED"
            states = []
            while "CANCELED" not in states:
                event = account[1](await line.hear())
                body = event.get("o", event) if isinstance(event.get("o"), dict) else event
                if "X" in body:
                    states.append(body["X"])
            assert states == ["NEW", "CANCELED"]


@pytest.mark.parametrize("market", MARKETS)
async def test_an_order_is_filled_over_the_websocket_api(serve, market):
    async with serve([market]) as (sandbox, stranger):
        key = sandbox.key(kind="ed25519")
        engine, instrument = sandbox.market(market).engine, sandbox.market(market).instruments[SYMBOL[market]]
        before = engine.snapshot("main")
        async with stranger.ws_api(market, key) as line:
            assert (await line.signed("session.logon"))["result"]["apiKey"] == key.api_key
            taking = {"symbol": SYMBOL[market], "side": "BUY", "type": "MARKET", "quantity": QUANTITY[market]}
            placed = await line.signed("order.place", **taking, newOrderRespType="RESULT")
            assert (placed["status"], placed["result"]["status"]) == (200, "FILLED")
            assert {row["rateLimitType"] for row in placed["rateLimits"]} == {"ORDERS", "REQUEST_WEIGHT"}
            refused = await line.ask("order.place", **taking)
            assert (refused["status"], refused["error"]["code"]) == (400, -1102)  # no timestamp
        (fill,) = engine.trades("main", instrument, 0, 2**63)
        assert fill.quantity == D(QUANTITY[market])
        assert engine.snapshot("main") != before


async def test_the_answers_of_rest_and_of_the_websocket_api_are_the_same(serve):
    async with serve(["spot"]) as (sandbox, stranger):
        key = sandbox.key()
        async with stranger.ws_api("spot", key) as line:
            over_rest = await stranger.get("spot", "/api/v3/account", key=key)
            over_ws = await line.signed("account.status")
            assert over_ws["result"] == over_rest
            assert {row["asset"]: row["free"] for row in over_rest["balances"]}["USDT"].startswith("100000")
            book = await line.ask("depth", symbol="BTCUSDT", limit=5)
            assert book["result"] == await stranger.get("spot", "/api/v3/depth", symbol="BTCUSDT", limit=5)


async def test_accounts_hold_what_they_were_opened_with(serve):
    given = {"spot": {"USDT": "5", "DOGE": 7}}
    async with serve(balances=given) as (sandbox, stranger):
        sandbox.open_account("rich", {"spot": {"BTC": D(1_000)}, "usd-m": {}})
        sandbox.open_account("rich", {"spot": {"BTC": D(1)}})  # harmless

        def held(market, account):
            balances = sandbox.market(market).engine.balances(account)
            return {each.asset: each.total for each in balances if each.total}

        sandbox.key()
        assert held("spot", "main") == {"USDT": 5, "DOGE": 7}
        assert held("usd-m", "main") == {"USDT": D(USUAL_BALANCES["usd-m"]["USDT"])}
        assert held("spot", "rich") == {"BTC": 1_000}
        assert held("usd-m", "rich") == {}
        assert held("coin-m", "rich") == {"BTC": 10, "ETH": 100}
        account = await stranger.get("spot", "/api/v3/account", key=sandbox.key("rich"))
        assert [row["asset"] for row in account["balances"] if D(row["free"])] == ["BTC"]


async def test_two_accounts_trade_with_each_other(serve, limit_order):
    async with serve(["spot"], seed=None) as (sandbox, stranger):
        one, two = sandbox.key("one"), sandbox.key("two")
        await stranger.rest("spot", "POST", "/api/v3/order", key=one, **limit_order("spot", "SELL"))
        _, placed, _ = await stranger.rest(
            "spot", "POST", "/api/v3/order", key=two, **limit_order("spot", "BUY")
        )
        assert placed["status"] == "FILLED"
        _, trades, _ = await stranger.rest("spot", "GET", "/api/v3/myTrades", key=one, symbol="BTCUSDT")
        assert [(D(row["price"]), row["isMaker"]) for row in trades] == [(50_000, True)]


def test_a_configuration_leads_here_and_a_repr_tells_no_secret():
    sandbox = Sandbox(["spot"])
    config = sandbox.config("spot", account="bot", kind="ed25519")
    key = sandbox.key("bot", "ed25519")
    assert config.base_url == sandbox.rest_url("spot")
    assert config.account == "bot"
    assert sandbox.key("bot", "ed25519") is key
    assert key.secret not in repr(sandbox) + repr(key)
    assert repr(sandbox).startswith("Sandbox(binance-spot at ")


@pytest.mark.parametrize(
    "wrong",
    [
        {"markets": ["margin"]},
        {"balances": {"spot": {"USDT": "much"}}},
        {"prices": None, "symbols": {"x": ()}},
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(wrong):
    with pytest.raises(InvalidInput):
        Sandbox(**wrong)


def test_a_market_that_is_not_hosted():
    with pytest.raises(InvalidInput, match="not hosted here"):
        Sandbox(["spot"]).market("usd-m")


# Streams.


@pytest.mark.parametrize("market", MARKETS)
async def test_a_book_that_is_kept_from_the_stream_is_the_engine_s(serve, market):
    async with serve([market]) as (sandbox, stranger):
        symbol = SYMBOL[market]
        name = f"{symbol.lower()}@depth@100ms"
        async with stranger.stream(market, f"{ROUTE[market]}/stream?streams={name}") as line:
            snapshot = await stranger.get(market, f"{BASE[market]}/depth", symbol=symbol, limit=1_000)
            books = dict(numbers(snapshot["bids"])), dict(numbers(snapshot["asks"]))
            last = snapshot["lastUpdateId"]
            await sandbox.step(30)
            target = sandbox.market(market).book(symbol)
            while last < target.last_update_id:
                frame = await line.hear()
                assert frame["stream"] == name
                data = frame["data"]
                follows = data["U"] == last + 1 if market == "spot" else data["pu"] == last
                assert follows
                last = data["u"]
                for book, changes in zip(books, (data["b"], data["a"]), strict=True):
                    for price, quantity in numbers(changes):
                        if quantity:
                            book[price] = quantity
                        else:
                            book.pop(price, None)
            bids, asks = books
            assert tuple(sorted(bids.items(), reverse=True)) == tuple(target.bids)
            assert tuple(sorted(asks.items())) == tuple(target.asks)


async def test_own_trades_are_on_the_public_streams_too(serve, limit_order):
    async with serve(["spot"], balances={"spot": {"USDT": 10**9}}) as (sandbox, stranger):
        async with stranger.stream("spot", "/stream") as line:
            await line.say(method="SUBSCRIBE", params=["btcusdt@trade", "btcusdt@bookTicker"], id=1)
            assert await line.hear() == {"result": None, "id": 1}
            _, asks = depth_of(sandbox, "spot")
            price, quantity = asks[0]
            taking = limit_order("spot", price=str(price), quantity=str(quantity))
            _, placed, _ = await stranger.rest("spot", "POST", "/api/v3/order", key=sandbox.key(), **taking)
            assert placed["status"] == "FILLED"
            trade = (await line.hear(lambda frame: frame["stream"] == "btcusdt@trade"))["data"]
            assert (D(trade["p"]), D(trade["q"]), trade["m"]) == (price, quantity, False)
            top = (await line.hear(lambda frame: frame["stream"] == "btcusdt@bookTicker"))["data"]
            assert D(top["a"]) == asks[1][0]
            (row,) = (await stranger.get("spot", "/api/v3/trades", symbol="BTCUSDT"))[-1:]
            assert row["id"] == trade["t"]


async def test_a_stream_too_many_is_answered_before_the_connection_is_closed(serve):
    async with serve(["usd-m"]) as (_, stranger):
        async with stranger.stream("usd-m", "/public/ws") as line:
            await line.say(method="SUBSCRIBE", params=[f"s{number}@depth" for number in range(1_025)], id=3)
            assert await line.ended() == 1008
            assert line.frames == [{"error": {"code": 4, "msg": "Too many subscriptions"}, "id": 3}]


@pytest.mark.parametrize(("market", "most"), [("spot", 5), ("usd-m", 10)])
async def test_too_many_messages_end_a_connection(serve, market, most):
    async with serve([market]) as (_, stranger):
        async with stranger.stream(market, f"{ROUTE[market]}/ws") as line:
            for number in range(most + 3):
                await line.say(method="LIST_SUBSCRIPTIONS", id=number)
            assert await line.ended() == 1008
            assert [frame["id"] for frame in line.frames] == list(range(most))


async def test_there_is_nothing_at_other_addresses(serve):
    async with serve(["spot"]) as (sandbox, stranger):
        for path in ("/other", "/public/ws", "/ws-fapi/v1"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                async with stranger.stream("spot", path):
                    pass
            assert caught.value.status == 404
        assert sandbox.address("spot").used == 0
        async with stranger.ws_api("spot", query="?returnRateLimits=false") as line:
            assert "rateLimits" not in await line.ask("ping")
            assert sandbox.address("spot").used == 3  # the connection, and the ping
