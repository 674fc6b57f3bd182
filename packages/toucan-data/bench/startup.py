"""How long 300 books take to be ready, in virtual time, against the least that the request limit allows."""

from __future__ import annotations

import asyncio

import msgspec

from toucan_data import BinanceSpot, OrderBooksL2, Streams
from toucan_instrument.rest import Request, Response
from toucan_instrument.testing.clock import FakeClock
from toucan_instrument.testing.socket import FakeNetwork, FakeSocket

BOOKS = 300
WEIGHT = 50  # of a snapshot of 1,000 levels
LIMIT = 6_000  # a minute
MINUTE_NS = 60_000_000_000
ROUND_TRIP_NS = 80_000_000


def least_ns() -> int:
    """Return the least time: a full window at once, and another whenever one is over."""
    windows = -(-BOOKS * WEIGHT // LIMIT)
    return (windows - 1) * MINUTE_NS


async def measure() -> int:
    """Start the books on a venue that answers every request within a round trip."""
    clock = FakeClock()
    venue = BinanceSpot(ws_url="ws://127.0.0.1:1", rest_url="http://127.0.0.1:1")

    def socket(_: str) -> FakeSocket:
        made = FakeSocket()

        def acknowledge(frame: bytes) -> None:
            request = msgspec.json.decode(frame)
            made.push(msgspec.json.encode({"result": None, "id": request["id"]}))
            for name in request.get("params", ()):  # every stream is alive
                delta = {"e": "depthUpdate", "E": 1, "s": "", "U": 1, "u": 1, "b": [], "a": []}
                made.push(msgspec.json.encode({"stream": name, "data": delta}))

        made.on_send = acknowledge
        return made

    async def answer(request: Request) -> Response:
        await clock.sleep_until(clock.monotonic_ns() + ROUND_TRIP_NS)
        body = b'{"lastUpdateId":1,"bids":[["1.0","1.0"]],"asks":[["2.0","1.0"]]}'
        return Response(status=200, headers={}, body=body)

    network = FakeNetwork([socket], answer=answer)
    items = [(venue, f"A{number}USDT", OrderBooksL2) for number in range(BOOKS)]
    begin = clock.monotonic_ns()
    builder = Streams.builder(network=network, clock=clock)
    async with await builder.subscribe(items, unchecked=True).init() as streams:
        await clock.run(streams.ready())
        return clock.monotonic_ns() - begin


def startup() -> None:
    """Print it."""
    took, least = asyncio.run(measure()), least_ns()
    print(
        f"\nstart-up, virtual time: {BOOKS} books ready in {took / 1e9:.1f} s; the limit allows "
        f"{least / 1e9:.0f} s at the least: {took / least:.3f} x (goal 1.1)"
    )
