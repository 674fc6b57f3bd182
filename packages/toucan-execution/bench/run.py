"""What toucan-execution costs: signing, reading an account's events, and orders beside bare requests.

    python run.py                  everything
    python run.py --only signing   one part: signing, events, orders, sandbox
    python run.py --orders N       so many orders a round instead of 400

Orders go to a venue in another process over a loopback socket; each round times as many bare aiohttp requests
with the same bytes, in turn, and the difference is what toucan adds: checks, ids, signature, limits, the view
of the account and the outcome. Ratios and differences are of one run, as machines differ and are noisy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from toucan_execution import BinanceConfig, BinanceSpotExecution, CancelRequest, OrderRequest, OrderType
from toucan_execution.client.binance.decoder import BinanceAccountDecoder
from toucan_execution.client.binance.signing_rules import signed_query, signed_ws_params
from toucan_execution.client.binance.venue import BinanceSpotVenue
from toucan_execution.credentials import load_credentials
from toucan_execution.outcome import Accepted
from toucan_execution.secret import hide
from toucan_execution.signing import Signer
from toucan_instrument import Exchange, Pool, Side

HERE = Path(__file__).parent
ROUNDS = 5
PARAMS = (
    ("symbol", "BTCUSDT"),
    ("side", "BUY"),
    ("type", "LIMIT"),
    ("timeInForce", "GTC"),
    ("quantity", "0.5"),
    ("price", "1000.00"),
    ("newClientOrderId", "bench-abcdefghij-1"),
)


def pems() -> dict[str, str]:
    """Make a key of each kind for this run."""
    from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415

    made = {"rsa": rsa.generate_private_key(65_537, 2_048), "ed25519": ed25519.Ed25519PrivateKey.generate()}
    form = (s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    return {"hmac": "a" * 64} | {name: key.private_bytes(*form).decode() for name, key in made.items()}


def rate(work: Callable[[], object], seconds: float = 0.4) -> float:
    """Return how often a second something can be done, by CPU time."""
    count, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        for _ in range(20):
            work()
        count += 20
    return count / (time.process_time() - begin)


def median(values: list[float]) -> str:
    """Return median and range."""
    return f"{statistics.median(values):>10,.0f} [{min(values):,.0f}-{max(values):,.0f}]"


def signing() -> None:
    """Print how many requests a second can be signed."""
    print("\nsigned order requests per second of CPU, each written out and signed")
    kinds = {
        name: load_credentials("bench-key", secret).signer  # the key's own operation, and our writing
        for name, secret in pems().items()
    }
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, signer in kinds.items():

            def work(signer: object = signer) -> object:
                return signed_query(PARAMS, signer, timestamp=1_700_000_000_000, recv_window=5_000)  # type: ignore[arg-type]

            rates[name].append(rate(work))
    for name, found in rates.items():
        print(f"  {name:<9}{median(found)}")


REPORT = (
    b'{"subscriptionId":0,"event":{"e":"executionReport","E":1700000000000,"s":"BTCUSDT","c":"bench-1",'
    b'"S":"BUY","o":"LIMIT","f":"GTC","q":"1.00000000","p":"1000.10000000","P":"0.00000000","F":"0.00000000",'
    b'"g":-1,"C":"","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","i":4293153,"l":"0.10000000",'
    b'"z":"0.10000000","L":"1000.10000000","n":"0.00010000","N":"BTC","T":1700000000000,"t":77,"I":8641984,'
    b'"w":true,"m":true,"M":false,"O":1700000000000,"Z":"100.01000000","Y":"100.01000000","Q":"0.00000000",'
    b'"W":1700000000000,"V":"NONE"}}'
)
UPDATE = (
    b'{"e":"ACCOUNT_UPDATE","E":1700000000000,"T":1700000000000,"a":{"m":"ORDER","B":[{"a":"USDT",'
    b'"wb":"122624.12345678","cw":"100.12345678","bc":"0"}],"P":[{"s":"BTCUSDT","pa":"20","ep":"6563.66500",'
    b'"bep":"0","cr":"0","up":"2850.21200","mt":"isolated","iw":"13200.70726908","ps":"BOTH"}]}}'
)


def events() -> None:
    """Print what reading an account's events costs, beside a bare decode into dicts."""
    print("\nmessages of the account's stream per second of CPU")
    spot = BinanceAccountDecoder(Exchange.BINANCE_SPOT)
    futures = BinanceAccountDecoder(Exchange.BINANCE_USD_M)
    works: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "a fill (spot executionReport)": (
            lambda: spot.read(REPORT, 1),
            lambda: msgspec.json.decode(REPORT),
        ),
        "a balance and a position (ACCOUNT_UPDATE)": (
            lambda: futures.read(UPDATE, 1),
            lambda: msgspec.json.decode(UPDATE),
        ),
    }
    for name, (ours, bare) in works.items():
        found, ratios = [], []
        for _ in range(ROUNDS):
            mine, theirs = rate(ours), rate(bare)
            found.append(mine)
            ratios.append(theirs / mine)
        print(f"  {name:<45}{median(found)}   {statistics.median(ratios):.1f} x a decode into dicts")


@contextmanager
def venue() -> Iterator[int]:
    """Run the venue in a process of its own; give its port."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, str(HERE / "venue.py")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


async def timed(count: int, work: Callable[[int], Awaitable[object]]) -> list[float]:
    """Return how long each of so many calls took, microseconds."""
    found = []
    for number in range(count):
        begin = time.perf_counter_ns()
        await work(number)
        found.append((time.perf_counter_ns() - begin) / 1_000)
    return found


async def bare_rest(port: int, count: int) -> list[float]:
    """Time bare requests: a new order and its cancel, in turn."""
    url = f"http://127.0.0.1:{port}/api/v3/order"
    headers = {"X-MBX-APIKEY": "bench-key", "Content-Type": "application/x-www-form-urlencoded"}
    place = "&".join(f"{name}={value}" for name, value in PARAMS) + "&recvWindow=5000&signature=" + "a" * 64
    cancel = "symbol=BTCUSDT&origClientOrderId=bench-abcdefghij-1&signature=" + "a" * 64
    async with aiohttp.ClientSession() as session:

        async def one(number: int) -> None:
            if number % 2:
                async with session.delete(f"{url}?{cancel}", headers=headers) as answer:
                    await answer.read()
            else:
                async with session.post(url, data=place, headers=headers) as answer:
                    await answer.read()

        await timed(20, one)
        return await timed(count, one)


async def bare_socket(port: int, count: int) -> list[float]:
    """Time bare requests over one WebSocket."""
    params = dict(PARAMS) | {"origClientOrderId": "bench-1", "signature": "a" * 64}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/ws-api/v3", compress=0) as socket,
    ):

        async def one(number: int) -> None:
            method = "order.cancel" if number % 2 else "order.place"
            text = msgspec.json.encode({"id": number, "method": method, "params": params}).decode()
            await socket.send_str(text)
            await socket.receive()

        await timed(20, one)
        return await timed(count, one)


class UnlimitedVenue(BinanceSpotVenue):
    """Spot without limits of orders: the benchmark sends more than an account may in ten seconds."""

    @property
    def order_pools(self) -> tuple[Pool, ...]:
        """None: they would be what is timed."""
        return ()


class Unlimited(BinanceSpotExecution):
    """A client of that."""

    def make_venue(self, config: BinanceConfig) -> UnlimitedVenue:
        """See `BinanceClient.make_venue`."""
        return UnlimitedVenue(
            Exchange.BINANCE_SPOT,
            config.environment,
            config.credentials,
            base_url=config.base_url,
            ws_api_url=config.ws_api_url,
        )


async def toucan(port: int, count: int, over: str) -> list[float]:
    """Time orders and their cancels through a client."""
    config = BinanceConfig(
        "bench-key",
        "bench-secret",
        base_url=f"http://127.0.0.1:{port}",
        testnet=True,
        ws_api_url=f"ws://127.0.0.1:{port}/ws-api/v3",
        orders_over=over,
    )
    async with Unlimited(config) as client:
        await client.ready(10)
        instrument = (await client.instruments())["BTC/USDT"]
        last = ""

        async def one(number: int) -> None:
            nonlocal last
            if number % 2:
                outcome = await client.cancel_order(
                    CancelRequest(instrument=instrument, client_order_id=last)
                )
            else:
                request = OrderRequest(
                    instrument=instrument,
                    side=Side.BUY,
                    type=OrderType.LIMIT,
                    quantity=Decimal("0.5"),
                    price=Decimal("1000.00"),
                )
                outcome = await client.place_order(request)
                last = outcome.client_order_id
            assert isinstance(outcome, Accepted), outcome  # noqa: S101

        await timed(20, one)
        return await timed(count, one)


async def orders(count: int) -> None:
    """Print what placing and cancelling adds to a bare request."""
    print("\nplacing and cancelling, microseconds a request (goal: 200 more at the median, 1,000 at p99)")
    with venue() as port:
        for over, bare in (("rest", bare_rest), ("websocket", bare_socket)):
            added: list[float] = []
            tails: list[float] = []
            plain: list[float] = []
            for _ in range(ROUNDS):
                base, ours = await bare(port, count), await toucan(port, count, over)
                plain.append(statistics.median(base))
                added.append(statistics.median(ours) - statistics.median(base))
                tails.append(statistics.quantiles(ours, n=100)[98] - statistics.quantiles(base, n=100)[98])
            print(f"  {over:<10} bare {median(plain)}")
            print(f"  {'':<10} added at the median {median(added)}, at p99 {median(tails)}")


@contextmanager
def served(pace_ms: int) -> Iterator[list[str]]:
    """Run the sandbox in a process of its own; give its addresses and keys."""
    command = [sys.executable, str(HERE / "sandbox.py"), str(pace_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own file
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


async def sandbox(count: int) -> None:
    """Print how many orders a second the sandbox takes, and how many events it sends."""
    print("\nthe sandbox, a spot market in another process: orders and cancels a second, 8 at a time")
    with served(1_000) as (rest, ws_api, _, api_key, secret):
        signer = load_credentials(api_key, secret).signer
        for name, flood, url in (("rest", flood_rest, rest), ("websocket", flood_socket, ws_api)):
            found = [await flood(url, api_key, signer, count) for _ in range(3)]
            print(f"  {name:<10} {median(found)}")
    print("events of streams a second to one reader (trades, top, depth, candles; makers move at every ms)")
    with served(1) as (_, _, streams, _, _):
        print(f"  {'streams':<10} {median([await count_events(streams, 3) for _ in range(3)])}")


def placing(number: int) -> list[tuple[str, Any]]:
    """Return the parameters of an order that rests below the market, or of its cancel."""
    name = f"bench-{number // 2}"
    if number % 2:
        return [("symbol", "BTCUSDT"), ("origClientOrderId", name)]
    return [
        ("symbol", "BTCUSDT"), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC"),
        ("quantity", "0.001"), ("price", "50000.00"), ("newClientOrderId", name),
    ]  # fmt: skip


async def flooded(count: int, send: Callable[[int], Awaitable[int]]) -> float:
    """Return how many requests a second are answered, eight at a time."""
    numbers = iter(range(count))

    async def one() -> None:
        for number in numbers:
            if await send(number) not in {200, 400}:  # a cancel may come before its order
                sys.exit("the sandbox refuses")

    begin = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(8)))
    return count / (time.perf_counter() - begin)


async def flood_rest(url: str, api_key: str, signer: Signer, count: int) -> float:
    """Place and cancel over REST."""
    async with aiohttp.ClientSession(headers={"X-MBX-APIKEY": api_key}) as session:

        async def send(number: int) -> int:
            query = signed_query(placing(number), signer, timestamp=time.time_ns() // 1_000_000)
            address = URL(f"{url}/api/v3/order?{query}", encoded=True)
            async with session.request("DELETE" if number % 2 else "POST", address) as answer:
                await answer.read()
                return answer.status

        return await flooded(count, send)


async def flood_socket(url: str, api_key: str, signer: Signer, count: int) -> float:
    """Place and cancel over the WebSocket API."""
    key = hide(api_key)
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        waiting: dict[int, asyncio.Future[int]] = {}

        async def read() -> None:
            async for message in socket:
                answer = json.loads(message.data)
                waiting.pop(answer["id"]).set_result(answer["status"])

        async def send(number: int) -> int:
            stamp = time.time_ns() // 1_000_000
            params = signed_ws_params(placing(number), key, signer, timestamp=stamp)
            method = "order.cancel" if number % 2 else "order.place"
            waiting[number] = asyncio.get_running_loop().create_future()
            answered = waiting[number]
            await socket.send_json({"id": number, "method": method, "params": params})
            return await answered

        reading = asyncio.create_task(read())
        try:
            return await flooded(count, send)
        finally:
            reading.cancel()


async def count_events(url: str, seconds: float) -> float:
    """Return how many events of streams arrive a second."""
    names = "/".join(f"btcusdt@{name}" for name in ("trade", "bookTicker", "depth@100ms", "kline_1m"))
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/stream?streams={names}") as socket,
    ):
        await socket.receive()
        count, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            await socket.receive()
            count += 1
        return count / (time.perf_counter() - begin)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("signing", "events", "orders", "sandbox"))
    parser.add_argument("--orders", type=int, default=400)
    options = parser.parse_args()
    print(
        f"CPython {platform.python_version()}, aiohttp {aiohttp.__version__}, "
        f"msgspec {msgspec.__version__}, {os.cpu_count()} CPUs"
    )
    if options.only in (None, "signing"):
        signing()
    if options.only in (None, "events"):
        events()
    if options.only in (None, "orders"):
        asyncio.run(orders(options.orders))
    if options.only in (None, "sandbox"):
        asyncio.run(sandbox(10 * options.orders))


if __name__ == "__main__":
    main()
