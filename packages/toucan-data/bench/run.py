"""How much CPU time toucan-data takes, as ratios to what the transport alone takes, in one run.

    python run.py                 everything (some minutes)
    python run.py --messages N    so many messages a measurement instead of 100,000
    python run.py --only trades   one part: trades, l1, depth, latency, memory, startup, venues

Each measurement reads the same prepared frames from a server in another process over a loopback socket,
without compression, and counts the CPU time of this process alone. The variants take turns, five rounds of
five slices each, as a machine's speed may change from one second to the next; ratios are formed within a
round, and their median and range printed.

(a) is ``await ws.receive()`` in a loop with undecoded bytes; (b) that and one msgspec decode into a struct;
(c), for depth, that and a sorted list of float prices kept by bisect. Of venues there is a row for each one
of the registry; see `venues.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from bisect import bisect_left, insort
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from toucan_data import BinanceSpot, Kind, OrderBook, OrderBooksL1, OrderBooksL2, PublicTrades, Streams

HERE = Path(__file__).parent
ROUNDS = 5
SLICES = 5
MESSAGES = 100_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT")
PARTS = ("trades", "l1", "depth", "latency", "memory", "startup", "venues")
NAMES = {
    "trades": ("btcusdt@trade",),
    "l1": ("btcusdt@bookTicker",),
    "depth": tuple(f"{symbol.lower()}@depth@100ms" for symbol in SYMBOLS),
}


@contextmanager
def server() -> Iterator[int]:
    """Run the feed in a process of its own; give its port."""
    process = subprocess.Popen(  # noqa: S603 - this Python and a file beside this one
        [sys.executable, str(HERE / "feed.py")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


class Trade(msgspec.Struct, gc=False):
    """The least struct of a trade."""

    t: int
    p: str
    q: str
    T: int
    m: bool


class Top(msgspec.Struct, gc=False):
    """The least struct of a top of book."""

    u: int
    b: str
    B: str
    a: str
    A: str


class Depth(msgspec.Struct, gc=False):
    """The least struct of a delta."""

    s: str
    U: int
    u: int
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


def decoder(payload: type[msgspec.Struct]) -> Callable[[bytes], msgspec.Struct]:
    """Return what decodes a combined frame."""
    envelope = msgspec.defstruct("Envelope", [("data", payload)], gc=False)
    return msgspec.json.Decoder(envelope).decode


class FloatSide:
    """One side of a book of floats, kept sorted by bisect: what most people write."""

    def __init__(self, levels: list[tuple[str, str]]) -> None:
        """Start from a snapshot."""
        self.quantities = {float(price): float(quantity) for price, quantity in levels}
        self.prices = sorted(self.quantities)

    def update(self, changes: list[tuple[str, str]]) -> None:
        """Apply changes."""
        quantities, prices = self.quantities, self.prices
        for price_text, quantity_text in changes:
            price, quantity = float(price_text), float(quantity_text)
            if quantity:
                if price not in quantities:
                    insort(prices, price)
                quantities[price] = quantity
            elif price in quantities:
                del quantities[price]
                del prices[bisect_left(prices, price)]


Variant = Callable[[int, int], Awaitable[float]]


def transport(kind: str, work: Callable[[], Callable[[bytes], object]] | None) -> Variant:
    """Return a measurement of the bare loop, with some work for each frame."""

    async def measure(port: int, count: int) -> float:
        work_of = work() if work is not None else None
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{port}/stream?now=1"
            impatient = aiohttp.ClientWSTimeout(ws_close=0.01)  # the feed does not stop to say goodbye
            async with session.ws_connect(url, decode_text=False, compress=0, timeout=impatient) as websocket:
                request = {"method": "SUBSCRIBE", "params": NAMES[kind], "id": 1}
                await websocket.send_str(msgspec.json.encode(request).decode())
                await websocket.receive()
                receive = websocket.receive
                begin = time.process_time()
                if work_of is None:
                    for _ in range(count):
                        await receive()
                else:
                    for _ in range(count):
                        work_of((await receive()).data)
                return time.process_time() - begin

    return measure


def float_books(port: int) -> Callable[[], Callable[[bytes], object]]:
    """Return what keeps books of floats, and reads the top after every update."""

    def prepare() -> Callable[[bytes], object]:
        import urllib.request  # noqa: PLC0415 - not in the memory of the other parts

        with urllib.request.urlopen(f"http://127.0.0.1:{port}/depth", timeout=30) as answer:
            body = msgspec.json.decode(answer.read())
        books = {symbol: (FloatSide(body["bids"]), FloatSide(body["asks"])) for symbol in SYMBOLS}
        decode = decoder(Depth)

        def work(frame: bytes) -> object:
            delta = decode(frame).data
            bids, asks = books[delta.s]
            bids.update(delta.b)
            asks.update(delta.a)
            bid, ask = bids.prices[-1], asks.prices[0]
            return bid, bids.quantities[bid], ask, asks.quantities[ask]

        return work

    return prepare


async def toucan_trades(port: int, count: int) -> float:
    """Read price and quantity of every trade through toucan."""
    async with await _open(port, [("BTCUSDT", PublicTrades)]) as streams:
        seen = 0
        begin = time.process_time()
        async for trade in streams.select(PublicTrades, status=False, buffer=1_000_000):
            _ = trade.price, trade.quantity
            seen += 1
            if seen == count:
                break
        return time.process_time() - begin


async def toucan_tops(port: int, count: int) -> float:
    """Read all four numbers of every top of book through toucan."""
    async with await _open(port, [("BTCUSDT", OrderBooksL1)]) as streams:
        seen = 0
        begin = time.process_time()
        async for top in streams.select(OrderBooksL1, status=False, buffer=1_000_000):
            _ = top.bid_price, top.bid_quantity, top.ask_price, top.ask_quantity
            seen += 1
            if seen == count:
                break
        return time.process_time() - begin


async def toucan_depth(port: int, count: int) -> float:
    """Keep exact books through toucan, and read the top as Decimals after every update."""
    kind = OrderBooksL2(snapshot_levels=5000)
    async with await _open(port, [(symbol, kind) for symbol in SYMBOLS]) as streams:
        selection = streams.select(OrderBooksL2, status=False, buffer=1_000_000)
        await streams.ready(60)
        while selection.next_nowait() is not None:
            pass
        seen = 0
        begin = time.process_time()
        async for update in selection:
            _ = update.best_bid, update.best_ask
            seen += 1
            if seen == count:
                break
        return time.process_time() - begin


async def _open(port: int, wanted: list[tuple[str, Kind[Any]]], query: str = "") -> Streams:
    venue = BinanceSpot(ws_url=f"ws://127.0.0.1:{port}{query}", rest_url=f"http://127.0.0.1:{port}")
    items = [(venue, symbol, kind) for symbol, kind in wanted]
    return await Streams.builder().subscribe(items, unchecked=True).init()


def compare(title: str, port: int, count: int, variants: dict[str, Variant], goals: str) -> None:
    """Measure variants in turn, and print their ratios to the first one."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        spent = dict.fromkeys(variants, 0.0)
        for _ in range(SLICES):
            for name, variant in variants.items():
                gc.collect()
                spent[name] += asyncio.run(variant(port, count // SLICES))
        for name, seconds in spent.items():
            times[name].append(seconds)
    base = next(iter(variants))
    print(f"\n{title}: CPU per {count:,} messages; {goals}")
    for name, seconds in times.items():
        line = f"  {name:<44} {statistics.median(seconds):7.3f} s"
        for other in variants:
            if other == name or other not in (base, "(c) + sorted float prices by bisect"):
                continue
            ratios = [mine / theirs for mine, theirs in zip(seconds, times[other], strict=True)]
            line += f"   {statistics.median(ratios):6.2f} x {other[:3]} [{min(ratios):.2f}-{max(ratios):.2f}]"
        print(line, flush=True)


class _Paced(BinanceSpot):
    """Spot, with streams that send 2,000 trades a second."""

    def url(self, route: str) -> str:
        """Return the address of the feed at that pace."""
        del route
        return f"{self.ws_url}/stream?rate=2000"


def latency(port: int) -> None:
    """Print how long a trade takes from the writing of its frame to the user, at 2,000 a second."""

    async def measure() -> list[int]:
        venue = _Paced(ws_url=f"ws://127.0.0.1:{port}", rest_url=f"http://127.0.0.1:{port}")
        items = [(venue, "BTCUSDT", PublicTrades)]
        waits: list[int] = []
        async with await Streams.builder().subscribe(items, unchecked=True).init() as streams:
            async for trade in streams.select(PublicTrades, status=False):
                waits.append(time.time_ns() - (trade.time_exchange or 0))
                if len(waits) == 10_000:
                    break
        return waits[1_000:]

    waits = sorted(asyncio.run(measure()))
    p50, p99 = (waits[int(len(waits) * part)] / 1e3 for part in (0.5, 0.99))
    print(
        f"\nlatency, written by the server to read by the user, 2,000/s: p50 {p50:.0f} us, p99 {p99:.0f} us"
    )


def resident() -> float:
    """Return resident memory in MiB."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        import resource  # noqa: PLC0415 - not on Windows

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
            1 << 20 if sys.platform == "darwin" else 1 << 10
        )
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


async def memory_of_messages(port: int) -> None:
    """Print resident memory along a million messages, read by a reader that keeps up."""
    marks = (200_000, 1_000_000)
    found = []
    async with await _open(port, [("BTCUSDT", PublicTrades)]) as streams:
        seen = 0
        async for _ in streams.select(PublicTrades, status=False):
            seen += 1
            if seen in marks:
                gc.collect()
                found.append(resident())
                if seen == marks[-1]:
                    break
    growth = (found[1] / found[0] - 1) * 100
    print(
        f"memory: {found[0]:.1f} MiB at 200,000 messages, {found[1]:.1f} MiB at 1,000,000 "
        f"({growth:+.1f} %; at most 5 %)"
    )


def memory_of_books() -> None:
    """Print resident memory with 500 books of 1,000 levels a side."""
    venue = BinanceSpot()
    before = resident()
    books = []
    for number in range(500):
        book = OrderBook(venue.unchecked(f"A{number}USDT"))
        book.load(
            [(f"{60_000 - i}.{number:02d}000000", f"{i}.50000000") for i in range(1_000)],
            [(f"{60_001 + i}.{number:02d}000000", f"{i + 1}.50000000") for i in range(1_000)],
        )
        books.append(book)
    gc.collect()
    now = resident()
    print(f"memory: {now:.1f} MiB with 500 books of 2 x 1,000 levels, {now - before:.1f} MiB of it the books")


def child(part: str, port: int) -> None:
    """Measure memory in a process that has done nothing else."""
    if part == "messages":
        asyncio.run(memory_of_messages(port))
    else:
        memory_of_books()


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], int(options.child[1]))
        return
    only, count = options.only, options.messages
    print(
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"aiohttp {aiohttp.__version__}, msgspec {msgspec.__version__}"
    )
    with server() as port:
        if only in (None, "trades"):
            compare(
                "trades",
                port,
                count,
                {
                    "(a) await ws.receive()": transport("trades", None),
                    "(b) + msgspec decode": transport("trades", lambda: decoder(Trade)),
                    "toucan, price and quantity as Decimal": toucan_trades,
                },
                "required at most 2.2 x (a), goal 1.7",
            )
        if only in (None, "l1"):
            compare(
                "top of book",
                port,
                count,
                {
                    "(a) await ws.receive()": transport("l1", None),
                    "(b) + msgspec decode": transport("l1", lambda: decoder(Top)),
                    "toucan, four Decimals": toucan_tops,
                },
                "required at most 2.2 x (a), goal 1.7",
            )
        if only in (None, "depth"):
            compare(
                "depth, five books of 2 x 5,000 levels",
                port,
                count,
                {
                    "(a) await ws.receive()": transport("depth", None),
                    "(b) + msgspec decode": transport("depth", lambda: decoder(Depth)),
                    "(c) + sorted float prices by bisect": transport("depth", float_books(port)),
                    "toucan, exact books, best read as Decimal": toucan_depth,
                },
                "required at most 0.8 x (c), goal 0.6",
            )
        if only in (None, "latency"):
            latency(port)
        if only in (None, "memory"):
            print(flush=True)
            for part in ("messages", "books"):
                command = [sys.executable, __file__, "--child", part, str(port)]
                subprocess.run(command, check=True)  # noqa: S603 - this Python and this file
    if only in (None, "startup"):
        sys.path.insert(0, str(HERE))
        from startup import startup  # noqa: PLC0415 - beside this file

        startup()
    if only in (None, "venues"):
        sys.path.insert(0, str(HERE))
        from venues import venues  # noqa: PLC0415 - beside this file

        venues(count)


if __name__ == "__main__":
    main()
