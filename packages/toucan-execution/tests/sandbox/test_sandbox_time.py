"""The sandbox without sockets, on a clock that the test moves: hours pass at once."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from decimal import Decimal
from urllib.parse import urlencode

import msgspec
import pytest

from toucan_execution.secret import Secret
from toucan_execution.signing import HmacSigner
from toucan_execution.testing.sandbox import Sandbox, faulty
from toucan_instrument import Instrument, Side
from toucan_instrument.errors import DialError, RequestFailed
from toucan_instrument.link import DialOptions
from toucan_instrument.rest import Request
from toucan_instrument.testing.clock import FakeClock
from toucan_instrument.testing.faults import Action, Fault

D = Decimal
MILLI = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
OPTIONS = DialOptions()
ORDER = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010",
    "price": "50000",
}  # fmt: skip


class Ear:
    """A connection that notes what it hears, and when."""

    def __init__(self, clock, socket):
        self.clock, self.socket = clock, socket
        self.frames, self.pings = [], []
        self.task = asyncio.ensure_future(socket.run(self._hear, self._control))

    def _hear(self, frames):
        self.frames += [json.loads(frame) for frame in frames]

    def _control(self):
        self.pings.append(self.clock.monotonic_ns())

    async def say(self, **body):
        await self.socket.send(json.dumps(body).encode())
        await self.clock.settle()


class Stage:
    def __init__(self, sandbox, clock, network):
        self.sandbox, self.clock, self.network = sandbox, clock, network

    async def connect(self, url):
        ear = Ear(self.clock, await self.network.dial(url, OPTIONS))
        await self.clock.settle()
        return ear

    async def later(self, ns):
        """Let the venue's clock jump, which is quicker than to let it beat all the way."""
        self.sandbox.clock_skew_ns += ns - SECOND
        await self.clock.advance(SECOND)

    async def fetch(self, market, method, path, *, key=None, sign=True, **params):
        headers = {}
        if key is not None:
            headers["X-MBX-APIKEY"] = key.api_key
        if key is not None and sign:
            params["timestamp"] = self.clock.utc_ns() // MILLI
            signer = HmacSigner(Secret(key.secret))
            params["signature"] = signer.sign(urlencode(params).encode())
        url = f"{self.sandbox.rest_url(market)}{path}?{urlencode(params)}"
        response = await self.network.fetch(Request(method=method, url=url, headers=headers))
        return response.status, json.loads(response.body)


@asynccontextmanager
async def staged(*args, latency_ns=0, **options):
    clock = FakeClock()
    sandbox = Sandbox(*args, clock=clock, **{"pace_ms": None, "levels": 20, **options})
    network = sandbox.network(latency_ns=latency_ns)
    sandbox.run()
    try:
        yield Stage(sandbox, clock, network)
    finally:
        await network.close()
        await sandbox.stop()


# Pings, and what falls due.


@pytest.mark.parametrize(
    ("market", "path", "every_s"), [("spot", "/ws", 20), ("usd-m", "/public/ws", 180), ("coin-m", "/ws", 180)]
)
async def test_the_venue_pings(market, path, every_s):
    async with staged([market]) as stage:
        streams = await stage.connect(stage.sandbox.stream_url(market) + path)
        api = await stage.connect(stage.sandbox.ws_api_url(market))
        begun = stage.clock.monotonic_ns()
        await stage.clock.advance(10 * every_s * SECOND + SECOND)
        for ear in (streams, api):
            assert len(ear.pings) == 10
            pauses = [after - before for before, after in zip([begun, *ear.pings], ear.pings, strict=False)]
            assert all(every_s * SECOND <= pause <= every_s * SECOND + 100 * MILLI for pause in pauses)


@pytest.mark.parametrize(("market", "base"), [("usd-m", "/fapi/v1"), ("coin-m", "/dapi/v1")])
async def test_a_listen_key_that_nobody_renews_expires_after_an_hour(market, base):
    async with staged([market]) as stage:
        key = stage.sandbox.key()
        _, made = await stage.fetch(market, "POST", f"{base}/listenKey", key=key, sign=False)
        listen_key = made["listenKey"]
        query = f"/private/ws?listenKey={listen_key}&events=listenKeyExpired"
        path = query if market == "usd-m" else f"/ws/{listen_key}"
        ear = await stage.connect(stage.sandbox.stream_url(market) + path)
        await stage.later(50 * MINUTE)
        assert (await stage.fetch(market, "PUT", f"{base}/listenKey", key=key, sign=False))[0] == 200
        await stage.later(59 * MINUTE)
        assert ear.frames == []
        await stage.later(MINUTE + SECOND)
        assert [(frame["e"], frame["listenKey"]) for frame in ear.frames] == [
            ("listenKeyExpired", listen_key)
        ]
        status, answer = await stage.fetch(market, "PUT", f"{base}/listenKey", key=key, sign=False)
        assert (status, answer["code"]) == (400, -1125)


async def test_the_market_moves_by_itself_at_its_pace():
    async with staged(["spot"], pace_ms=100) as stage:
        ear = await stage.connect(stage.sandbox.stream_url("spot") + "/ws/btcusdt@trade")
        before = stage.sandbox.market("spot").tape("BTCUSDT").trade_id
        await stage.clock.advance(30 * SECOND)
        ids = [frame["t"] for frame in ear.frames]
        assert ids == list(range(before + 1, before + 1 + len(ids)))
        assert len(ids) > 50
        assert stage.sandbox.market("spot").tape("BTCUSDT").trade_id == ids[-1]


async def test_the_market_stands_still_until_it_is_stepped():
    async with staged(["spot"]) as stage:
        market = stage.sandbox.market("spot")
        before = market.book("BTCUSDT").last_update_id
        await stage.clock.advance(10 * MINUTE)
        assert market.book("BTCUSDT").last_update_id == before
        await stage.sandbox.step(3)
        assert market.book("BTCUSDT").last_update_id > before


async def test_the_same_seed_says_the_same():
    async def run(seed):
        async with staged(["usd-m"], seed=seed, pace_ms=50) as stage:
            ear = await stage.connect(
                stage.sandbox.stream_url("usd-m") + "/public/stream?streams=btcusdt@depth@100ms"
            )
            await stage.clock.advance(5 * SECOND)
            return ear.frames

    first = await run(3)
    assert len(first) > 20
    assert await run(3) == first
    assert await run(4) != first


async def test_time_based_streams_speak_at_their_pace():
    async with staged(["usd-m"]) as stage:
        ear = await stage.connect(
            stage.sandbox.stream_url("usd-m")
            + "/market/stream?streams=btcusdt@markPrice@1s/btcusdt@markPrice"
        )
        await stage.clock.advance(31 * SECOND)
        names = [frame["stream"] for frame in ear.frames]
        assert 28 <= names.count("btcusdt@markPrice@1s") <= 32
        assert 10 <= names.count("btcusdt@markPrice") <= 11


# Requests under way.


async def test_a_request_is_done_in_the_last_millisecond_of_its_window():
    async with staged(["spot"], faults=[faulty.last_moment("order")]) as stage:
        key, clock = stage.sandbox.key(), stage.clock
        sent = clock.monotonic_ns()
        placing = stage.fetch("spot", "POST", "/api/v3/order", key=key, recvWindow=2_000, **ORDER)
        status, _ = await clock.run(placing)
        assert status == 200
        assert clock.monotonic_ns() - sent == 2_000 * MILLI
        (placed,) = stage.sandbox.market("spot").engine.open_orders("main")
        assert placed.created_ns == clock.utc_ns()


async def test_a_request_that_is_late_is_too_late():
    late = Fault(Action.LATE, path="order", delay=5.01)
    async with staged(["spot"], faults=[late]) as stage:
        placing = stage.fetch("spot", "POST", "/api/v3/order", key=stage.sandbox.key(), **ORDER)
        status, answer = await stage.clock.run(placing)
        assert (status, answer["code"]) == (400, -1021)
        assert stage.sandbox.market("spot").engine.open_orders("main") == ()


async def test_what_is_late_holds_up_nothing_behind_it():
    late = Fault(Action.LATE, path="time", delay=2)
    async with staged(["spot"], faults=[late]) as stage:
        ear = await stage.connect(stage.sandbox.ws_api_url("spot"))
        await ear.say(id=1, method="time")
        await ear.say(id=2, method="ping")
        assert [frame["id"] for frame in ear.frames] == [2]
        await stage.clock.advance(2 * SECOND)
        assert [frame["id"] for frame in ear.frames] == [2, 1]


async def test_a_lost_reply_is_an_order_all_the_same():
    async with staged(["spot"], latency_ns=20 * MILLI, faults=[faulty.reply_lost("order")]) as stage:
        placing = stage.fetch("spot", "POST", "/api/v3/order", key=stage.sandbox.key(), **ORDER)
        with pytest.raises(RequestFailed) as caught:
            await stage.clock.run(placing)
        assert caught.value.sent is None
        assert len(stage.sandbox.market("spot").engine.open_orders("main")) == 1


async def test_a_restart_takes_its_time():
    async with staged(["spot"]) as stage:
        ear = await stage.connect(stage.sandbox.ws_api_url("spot"))
        restarting = asyncio.ensure_future(stage.sandbox.restart(down_ns=30 * SECOND))
        await stage.clock.advance(29 * SECOND)
        assert ear.task.result().code == 1006
        assert (await stage.fetch("spot", "GET", "/api/v3/time"))[0] == 503
        with pytest.raises(DialError) as caught:
            await stage.connect(stage.sandbox.ws_api_url("spot"))
        assert caught.value.retryable
        await stage.clock.advance(SECOND)
        assert restarting.done()
        assert (await stage.fetch("spot", "GET", "/api/v3/time"))[0] == 200


async def test_limits_are_over_when_their_minute_is():
    async with staged(["usd-m"]) as stage:
        for _ in range(120):
            status, _ = await stage.fetch("usd-m", "GET", "/fapi/v1/depth", symbol="BTCUSDT", limit=1_000)
            assert status == 200
        assert (await stage.fetch("usd-m", "GET", "/fapi/v1/ping"))[0] == 429
        await stage.clock.advance(MINUTE)
        assert (await stage.fetch("usd-m", "GET", "/fapi/v1/ping"))[0] == 200
        assert stage.sandbox.address("usd-m").refused == 1


async def test_funding_is_paid_while_a_night_passes():
    async with staged(["usd-m"]) as stage:
        await stage.later(24 * 3600 * SECOND)
        _, rows = await stage.fetch("usd-m", "GET", "/fapi/v1/fundingRate", symbol="BTCUSDT")
        assert len(rows) == 3
        assert {row["fundingTime"] % (8 * 3600 * 1000) for row in rows} == {0}


# Connections that misbehave.


async def test_events_go_wrong_and_answers_do_not():
    faults = [Fault(Action.STALL, stream="trade")]
    async with staged(["spot"], faults=faults) as stage:
        ear = await stage.connect(stage.sandbox.stream_url("spot") + "/ws/btcusdt@trade")
        await stage.sandbox.step(20)
        await ear.say(method="LIST_SUBSCRIPTIONS", id=1)
        assert ear.frames == [{"result": ["btcusdt@trade"], "id": 1}]


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault(Action.DROP), 1006), (Fault(Action.CLOSE, code=1001), 1001)]
)
async def test_a_connection_ends_at_an_event(fault, code):
    async with staged(["spot"], faults=[msgspec.structs.replace(fault, stream="depth", after=2)]) as stage:
        ear = await stage.connect(stage.sandbox.stream_url("spot") + "/ws/btcusdt@depth@100ms")
        await stage.sandbox.step(20)
        await stage.clock.settle()
        assert len(ear.frames) == 2
        assert ear.task.result().code == code


async def test_a_notice_comes_before_an_event():
    async with staged(["spot"], faults=[Fault(Action.SHUTDOWN, stream="depth")]) as stage:
        ear = await stage.connect(stage.sandbox.stream_url("spot") + "/ws/btcusdt@depth@100ms")
        await stage.sandbox.step(5)
        await stage.clock.settle()
        assert [frame["e"] for frame in ear.frames[:2]] == ["serverShutdown", "depthUpdate"]


async def test_a_handshake_is_refused():
    async with staged(["spot"], faults=[Fault(Action.REFUSE, status=429, retry_after=4)]) as stage:
        with pytest.raises(DialError) as caught:
            await stage.connect(stage.sandbox.ws_api_url("spot"))
        assert (caught.value.status, caught.value.retry_after_ns) == (429, 4 * SECOND)
        await stage.connect(stage.sandbox.ws_api_url("spot"))


# Prices from outside.


class Price(msgspec.Struct):
    """A top of a book, or a trade, as a stream of the user's own might have it."""

    instrument: Instrument
    update_id: int | None = 1
    bid_price: Decimal | None = None
    bid_quantity: Decimal | None = None
    ask_price: Decimal | None = None
    ask_quantity: Decimal | None = None


class Traded(msgspec.Struct):
    instrument: Instrument
    price: Decimal
    quantity: Decimal
    aggressor: Side


async def test_prices_of_a_user_s_own_move_the_market():
    async with staged(["spot"], seed=None) as stage:
        market, key = stage.sandbox.market("spot"), stage.sandbox.key()
        instrument = market.instruments["BTCUSDT"]
        ear = await stage.connect(stage.sandbox.stream_url("spot") + "/ws/btcusdt@bookTicker/btcusdt@trade")
        assert (await stage.fetch("spot", "POST", "/api/v3/order", key=key, **ORDER))[0] == 200
        await stage.clock.settle()
        ear.frames.clear()

        async def prices():
            yield Price(instrument, 1, D(49_990), D(2), D(50_010), D(3))
            yield "no price"
            await stage.clock.sleep_until(stage.clock.monotonic_ns() + SECOND)
            yield Traded(instrument, D(49_999), D("0.5"), Side.SELL)

        await stage.clock.run(stage.sandbox.follow("spot", prices()))
        await stage.clock.settle()
        trades = [frame for frame in ear.frames if frame.get("e") == "trade"]
        tops = [frame for frame in ear.frames if "e" not in frame]
        assert (D(tops[0]["b"]), D(tops[0]["a"])) == (50_000, 50_010)
        assert (D(trades[0]["p"]), D(trades[0]["q"])) == (50_000, D("0.010"))
        _, found = await stage.fetch("spot", "GET", "/api/v3/openOrders", key=key)
        assert found == []
        assert market.book("BTCUSDT").bids[0] == (D(49_990), D(2))
