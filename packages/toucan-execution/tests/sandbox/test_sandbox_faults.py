"""What goes wrong in the sandbox, by a call or on a script, over real sockets."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from yarl import URL

from toucan_execution.testing.sandbox import Sandbox, faulty
from toucan_instrument.testing.faults import Action, Fault

MILLI = 1_000_000
SECOND = 1_000_000_000
MARKETS = ("spot", "usd-m", "coin-m")
BASE = {"spot": "/api/v3", "usd-m": "/fapi/v1", "coin-m": "/dapi/v1"}


async def test_all_connections_are_lost_without_a_goodbye(serve):
    async with serve() as (sandbox, stranger):
        async with stranger.ws_api("spot") as one, stranger.stream("coin-m", "/ws") as two:
            await one.ask("ping")
            assert sandbox.drop_all() == 2
            assert [await one.ended(), await two.ended()] == [None, None]
        async with stranger.ws_api("spot") as line:
            assert (await line.ask("ping"))["status"] == 200


async def test_a_shutdown_is_announced_in_every_form(serve):
    async with serve(["spot"]) as (sandbox, stranger):
        async with stranger.ws_api("spot") as api, stranger.stream("spot", "/ws") as raw:
            async with stranger.stream("spot", "/stream") as combined:
                await api.ask("ping")
                sandbox.announce_shutdown()
                event = (await api.hear())["event"]
                assert event["e"] == "serverShutdown"
                assert (await raw.hear())["e"] == "serverShutdown"
                told = await combined.hear()
                assert (told["stream"], told["data"]["e"]) == ("!serverShutdown", "serverShutdown")


async def test_a_restart_loses_sessions_and_keeps_orders(serve, limit_order):
    async with serve(["spot"]) as (sandbox, stranger):
        key = sandbox.key()
        await stranger.rest("spot", "POST", "/api/v3/order", key=key, **limit_order("spot"))
        async with stranger.ws_api("spot", key) as line:
            await line.signed("userDataStream.subscribe.signature")
            restarting = asyncio.ensure_future(sandbox.restart(down_ns=300 * MILLI))
            assert await line.ended() is None
            status, _, _ = await stranger.rest("spot", "GET", "/api/v3/time")
            assert status == 503
            with pytest.raises(aiohttp.WSServerHandshakeError):
                async with stranger.ws_api("spot"):
                    pass
            await restarting
        assert len(await stranger.get("spot", "/api/v3/openOrders", key=key)) == 1


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("skew_ms", [-20_000, 20_000])
async def test_a_client_has_to_follow_the_venue_s_clock(serve, market, skew_ms):
    async with serve([market]) as (sandbox, stranger):
        key, path = sandbox.key(), f"{BASE[market]}/openOrders"
        before = (await stranger.get(market, f"{BASE[market]}/time"))["serverTime"]
        sandbox.clock_skew_ns = skew_ms * MILLI
        status, answer, _ = await stranger.rest(market, "GET", path, key=key)
        assert (status, answer["code"]) == (400, -1021)
        now = (await stranger.get(market, f"{BASE[market]}/time"))["serverTime"]
        assert abs(now - before - skew_ms) < 5_000
        stranger.ahead_ms = skew_ms
        assert (await stranger.rest(market, "GET", path, key=key))[0] == 200


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
async def test_a_listen_key_expires(serve, limit_order, market):
    async with serve([market]) as (sandbox, stranger):
        key, path = sandbox.key(), f"{BASE[market]}/listenKey"
        assert sandbox.expire_listen_key(market) is False
        connection, _ = await stranger.open_user_data(market, key)
        async with connection as line:
            await sandbox.step()
            assert sandbox.expire_listen_key(market) is True
            assert (await line.hear())["e"] == "listenKeyExpired"
            status, answer = await stranger.key_alone(market, "PUT", path, key)
            assert (status, answer["code"]) == (400, -1125)
            _, fresh = await stranger.key_alone(market, "POST", path, key)
            await stranger.rest(market, "POST", f"{BASE[market]}/order", key=key, **limit_order(market))
            await line.say(method="LIST_SUBSCRIPTIONS", id=1)
            assert "result" in await line.hear()  # the old connection stays open, and silent
            assert line.frames == []
            assert fresh["listenKey"] != answer.get("listenKey")


async def test_spot_has_no_listen_key(serve):
    async with serve(["spot"]) as (sandbox, stranger):
        status, answer = await stranger.key_alone("spot", "POST", "/api/v3/userDataStream", sandbox.key())
        assert (status, "code" in answer) == (410, True)
        assert sandbox.expire_listen_key("spot") is False


async def test_a_deleted_key_ends_its_sessions(serve):
    async with serve(["spot"]) as (sandbox, stranger):
        key = sandbox.key(kind="ed25519")
        async with stranger.ws_api("spot", key) as line:
            await line.signed("session.logon")
            sandbox.delete_key(key)
            told = await line.hear()
            assert (told["id"], told["status"], told["error"]["code"]) == (None, 401, -2015)
            assert (await line.signed("account.status"))["error"]["code"] == -2015
        assert sandbox.key(kind="ed25519") != key


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        (faulty.timed_out("order", done=True), True),
        (faulty.timed_out("order", done=False), False),
        (faulty.unknown_error("order", done=True), True),
        (faulty.service_unavailable("order"), False),
        (faulty.too_many_requests("order", retry_after=3), False),
        (faulty.reply_lost("order"), True),
        (faulty.request_lost("order"), False),
    ],
)
@pytest.mark.parametrize("way", ["rest", "ws"])
async def test_a_request_goes_wrong_once(serve, limit_order, fault, done, way):
    async with serve(["spot"], faults=[fault]) as (sandbox, stranger):
        key = sandbox.key()
        lost = fault.action in {Action.LOSE_REPLY, Action.LOSE_REQUEST}
        if way == "rest":
            placing = stranger.rest("spot", "POST", "/api/v3/order", key=key, **limit_order("spot"))
            if lost:
                with pytest.raises(aiohttp.ClientConnectionError):
                    await placing
            else:
                status, _, headers = await placing
                assert (status, headers.get("Retry-After")) == (
                    fault.status,
                    "3" if fault.retry_after else None,
                )
        else:
            async with stranger.ws_api("spot", key) as line:
                placing = asyncio.ensure_future(line.signed("order.place", **limit_order("spot")))
                if lost:
                    with pytest.raises(TypeError):  # what came is no text: the connection is lost
                        await placing
                else:
                    answer = await placing
                    assert (answer["status"], "error" in answer) == (fault.status, True)
        engine = sandbox.market("spot").engine
        assert len(engine.open_orders("main")) == done
        status, _, _ = await stranger.rest("spot", "POST", "/api/v3/order", key=key, **limit_order("spot"))
        assert (status, len(engine.open_orders("main"))) == (200, done + 1)


async def test_events_are_lost_and_come_twice(serve, limit_order):
    faults = [
        Fault(Action.GAP, stream="executionReport"),
        Fault(Action.DUPLICATE, stream="executionReport", after=1),
    ]
    async with serve(["spot"], faults=faults) as (sandbox, stranger):
        key = sandbox.key()
        async with stranger.ws_api("spot", key) as line:
            await line.signed("userDataStream.subscribe.signature")
            for number in range(3):
                await line.signed("order.place", **limit_order("spot", newClientOrderId=f"c{number}"))
            seen = []
            while seen.count("c2") < 1:
                event = (await line.hear(lambda frame: "event" in frame))["event"]
                if event["e"] == "executionReport":
                    seen.append(event["c"])
            assert seen == ["c1", "c1", "c2"]


async def test_a_position_of_somebody_outside_is_liquidated(serve):
    async with serve(["usd-m"]) as (sandbox, stranger):
        async with stranger.stream("usd-m", "/market/ws/btcusdt@forceOrder") as line:
            await line.say(method="LIST_SUBSCRIPTIONS", id=1)
            await line.hear()
            sandbox.liquidate("usd-m", "BTCUSDT")
            told = await line.hear()
            assert (told["e"], told["o"]["s"]) == ("forceOrder", "BTCUSDT")


async def test_limits_are_shared_by_the_futures_and_may_be_set(serve):
    async with serve() as (sandbox, stranger):
        assert sandbox.address("usd-m") is sandbox.address("coin-m")
        assert sandbox.address("usd-m") is not sandbox.address("spot")
        sandbox.address("usd-m").ban(sandbox.now_ns(), 100 * SECOND)
        status, answer, headers = await stranger.rest("coin-m", "GET", "/dapi/v1/time")
        assert (status, answer["code"]) == (418, -1003)
        assert 95 < int(headers["Retry-After"]) <= 100
        assert (await stranger.rest("spot", "GET", "/api/v3/time"))[0] == 200
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with stranger.ws_api("usd-m"):
                pass
        assert caught.value.status == 418


async def test_a_fault_of_its_own_comes_out_and_the_port_is_free_again():
    sandbox = Sandbox(["spot"], pace_ms=1)
    broken = asyncio.Event()

    def fail(*_):
        broken.set()
        raise LookupError("a fault of the sandbox")

    async def run():
        async with sandbox:
            sandbox.market("spot").engine.listen_books(fail)
            await broken.wait()

    with pytest.raises(LookupError, match="a fault of the sandbox"):
        await run()
    port = URL(sandbox.rest_url("spot")).port
    async with Sandbox(["spot"], port=port) as again:
        assert again.rest_url("spot") == sandbox.rest_url("spot")
