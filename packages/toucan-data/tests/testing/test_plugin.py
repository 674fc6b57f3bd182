"""The fixture that is shipped, and the exchange's own strictness."""

import asyncio

import aiohttp
import msgspec

from toucan_data import BinanceSpot, Exchange, PublicTrades, Streams
from toucan_data.testing.examples import on_loopback
from toucan_data.testing.exchange import ScriptedExchange


async def test_the_fixture_starts_an_exchange(scripted_exchange):
    exchange = await scripted_exchange(Exchange.BINANCE_SPOT, pace_ms=5)
    async with (
        await Streams.builder().subscribe([(exchange.venue(), "BTC/USDT", PublicTrades)]).init() as streams
    ):
        async with asyncio.timeout(5):
            assert (await anext(streams.select(PublicTrades, status=False))).price > 0


async def test_too_many_messages_and_streams_end_a_connection():
    async with ScriptedExchange.seeded(Exchange.BINANCE_SPOT, pace_ms=None) as server:
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(f"{server.rest_url}/stream") as line:
                for number in range(6):
                    await line.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
                async with asyncio.timeout(5):
                    while (message := await line.receive()).type is aiohttp.WSMsgType.TEXT:
                        pass
                assert line.close_code == 1008, message
            async with session.ws_connect(f"{server.rest_url}/stream") as line:
                names = [f"a{number}usdt@trade" for number in range(1025)]
                await line.send_json({"method": "SUBSCRIBE", "params": names, "id": 1})
                assert (await line.receive_json())["error"]["code"] == 4
                await line.receive()
                assert line.close_code == 1008
        assert server.seen.limits_broken == 2


async def test_weight_is_counted_and_limited():
    async with ScriptedExchange.seeded(Exchange.BINANCE_USD_M, pace_ms=None, weight_limit=30) as server:
        async with aiohttp.ClientSession() as session:
            url = f"{server.rest_url}/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
            async with session.get(url) as answer:
                assert (answer.status, answer.headers["X-MBX-USED-WEIGHT-1M"]) == (200, "20")
                assert msgspec.json.decode(await answer.read())["lastUpdateId"] > 0
            async with session.get(url) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (429, "60")


async def test_what_does_not_exist_is_acknowledged_and_silent():
    async with ScriptedExchange.seeded(Exchange.BINANCE_USD_M, pace_ms=None) as server:
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(f"{server.rest_url}/public/stream") as line:
                names = ["btcusdt@aggTrade", "BTCUSDT@depth", "nosuch@depth"]
                await line.send_json({"method": "SUBSCRIBE", "params": names, "id": 7})
                assert await line.receive_json() == {"result": None, "id": 7}
                await server.step(20)
                await line.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 8})
                assert (await line.receive_json())["id"] == 8  # nothing came before it


def test_examples_run_on_loopback_as_they_are_written():
    with on_loopback():
        venue = BinanceSpot()
        assert venue.url("").startswith("ws://127.0.0.1")
        assert venue.rest_url.startswith("http://127.0.0.1")
    assert BinanceSpot().url("").startswith("wss://")
