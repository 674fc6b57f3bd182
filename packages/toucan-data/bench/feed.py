"""A server for the benchmark, in a process of its own: it sends prepared frames as fast as they are taken.

Run by `run.py`; prints its port, then serves until it is ended. It speaks just enough HTTP and WebSocket to
do so with little CPU time of its own, as the machine's other core has to keep ahead of the client.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import struct
import sys
import time
from collections.abc import Iterator
from itertools import count
from urllib.parse import parse_qs, urlsplit

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT")
LEVELS = 5_000
DEPTH_TAPE = 10_000
TICK_BASE = 6_000_000
CHUNK = 128
SEEDS = count(1)


def websocket_frame(payload: bytes) -> bytes:
    """Frame a text message, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + struct.pack("!H", size) + payload
    return b"\x81\x7f" + struct.pack("!Q", size) + payload


def accepted(key: str) -> bytes:
    """Accept a handshake."""
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def trades() -> Iterator[bytes]:
    """Yield individual trades of one symbol with growing ids, without an end; each connection its own.

    Sizes are spread evenly over six orders of magnitude: small trades are the most, and repeat, as they do
    in the recordings (36 of 100 sizes within some ten trades of a symbol).
    """
    rng = random.Random(next(SEEDS))
    number, price = 1_000_000, 9_531_164
    while True:
        number += 1
        price += rng.randint(-3, 3)
        size = int(10 ** (6 * rng.random()))
        yield (
            b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1768627409826000,"s":"BTCUSDT","t":%d,'
            b'"p":"%d.%02d000000","q":"%d.%05d000","T":%d,"m":%s,"M":true}}'
            % (
                number,
                *divmod(price, 100),
                *divmod(size, 100_000),
                1_768_627_409_825_000 + number,
                b"true" if number & 1 else b"false",
            )
        )


def tops() -> Iterator[bytes]:
    """Yield tops of book of one symbol: each update changes one side, most keep its price.

    In the recordings of this venue 998 of 1,000 updates change one side, and about 8 of 10 sides keep
    their price from one update to the next.
    """
    rng = random.Random(next(SEEDS))
    number, price = 1_000_000, 9_531_164
    bid = ask = (0, 0)
    while True:
        number += 1
        if rng.random() < 0.15 or not bid[0]:
            price += rng.randint(-3, 3)
        changes_bid = rng.random() < 0.5
        if changes_bid or not bid[0]:
            bid = (min(price, ask[0] - 1) if ask[0] else price, rng.randint(1, 999_999))
        if not changes_bid or not ask[0]:
            ask = (max(price + 1, bid[0] + 1), rng.randint(1, 999_999))
        yield (
            b'{"stream":"btcusdt@bookTicker","data":{"u":%d,"s":"BTCUSDT","b":"%d.%02d000000","B":"%d.%05d000",'
            b'"a":"%d.%02d000000","A":"%d.%05d000"}}'
            % (
                number,
                *divmod(bid[0], 100),
                *divmod(bid[1], 100_000),
                *divmod(ask[0], 100),
                *divmod(ask[1], 100_000),
            )
        )


def price_text(tick: int) -> str:
    """Spell a price of the depth tape."""
    return f"{tick // 100}.{tick % 100:02d}000000"


def quantity_text(rng: random.Random) -> str:
    """Spell a quantity of the depth tape."""
    return f"{rng.randint(0, 9)}.{rng.randint(1, 99_999):05d}000"


def snapshot() -> bytes:
    """Return the book that the depth tape begins and ends with."""
    rng = random.Random(3)
    bids = [[price_text(TICK_BASE - i), quantity_text(rng)] for i in range(1, LEVELS + 1)]
    asks = [[price_text(TICK_BASE + i), quantity_text(rng)] for i in range(LEVELS)]
    return json.dumps({"lastUpdateId": 1_000, "bids": bids, "asks": asks}, separators=(",", ":")).encode()


def depth_bodies() -> list[tuple[int, bytes]]:
    """Make a tape of changes, 20 to 60 each, whose book is never crossed and which ends where it began."""
    rng = random.Random(4)
    half = [rng.choice((-2, -1, -1, 0, 0, 1, 1, 2)) for _ in range(DEPTH_TAPE // 2)]
    moves = half + [-move for move in reversed(half)]
    tape: list[tuple[int, bytes]] = []
    middle = TICK_BASE
    for move in moves:
        bids: dict[int, str] = {}
        asks: dict[int, str] = {}
        for _ in range(rng.randint(20, 56)):
            away = min(int(rng.expovariate(0.04)), LEVELS - 5)
            if rng.random() < 0.5:
                bids[middle + min(move, 0) - 1 - away] = quantity_text(rng)
            else:
                asks[middle + max(move, 0) + away] = quantity_text(rng)
        for step in range(abs(move)):
            if move > 0:
                asks[middle + step] = "0.00000000"
                bids[middle + step] = quantity_text(rng)
            else:
                bids[middle - 1 - step] = "0.00000000"
                asks[middle - 1 - step] = quantity_text(rng)
        middle += move
        sides = (
            [[price_text(t), q] for t, q in sorted(bids.items(), reverse=True)],
            [[price_text(t), q] for t, q in sorted(asks.items())],
        )
        bid_text, ask_text = (json.dumps(side, separators=(",", ":")) for side in sides)
        text = f'"b":{bid_text},"a":{ask_text}'
        tape.append((len(bids) + len(asks), text.encode()))
    return tape


def depths(tape: list[tuple[int, bytes]]) -> Iterator[bytes]:
    """Yield deltas of the symbols in turn, over and over, with ids that follow on."""
    ids = dict.fromkeys(SYMBOLS, 1_000)
    while True:
        for changes, body in tape:
            for symbol in SYMBOLS:
                first = ids[symbol] + 1
                ids[symbol] = last = first + changes
                yield (
                    b'{"stream":"%s@depth@100ms","data":{"e":"depthUpdate","E":1768627409826000,"s":"%s","U":%d,"u":%d,%s}}'
                    % (symbol.lower().encode(), symbol.encode(), first, last, body)
                )


class Feed:
    """The server; one instance for all its connections."""

    def __init__(self) -> None:
        """Prepare what takes long."""
        self.tape = depth_bodies()
        self.snapshot = snapshot()
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection: REST requests, or one stream."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                url = urlsplit(lines[0].split(" ")[1])
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
                if "sec-websocket-key" in headers:
                    await self.stream(reader, writer, headers["sec-websocket-key"], parse_qs(url.query))
                    return
                self.asked += 1
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    % len(self.snapshot)
                    + self.snapshot
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def stream(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        key: str,
        query: dict[str, list[str]],
    ) -> None:
        """Wait for a subscription, acknowledge it, and send."""
        writer.write(accepted(key))
        self.asked = 0
        request = json.loads(await self.message(reader))
        writer.write(websocket_frame(b'{"result":null,"id":%d}' % request["id"]))
        name = request["params"][0]
        kind = name.partition("@")[2].partition("@")[0]
        if kind == "depth" and "now" not in query:
            while self.asked < len(SYMBOLS):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
        frames = {"trade": trades, "bookTicker": tops}.get(kind, lambda: depths(self.tape))()
        farewell = asyncio.ensure_future(reader.read(2))  # whatever the client says next
        try:
            if query.get("rate"):
                await self.paced(writer, frames, int(query["rate"][0]), farewell)
            while not farewell.done():
                writer.write(b"".join(websocket_frame(next(frames)) for _ in range(CHUNK)))
                await writer.drain()
            writer.write(b"\x88\x00")
        finally:
            farewell.cancel()

    @staticmethod
    async def paced(
        writer: asyncio.StreamWriter, frames: Iterator[bytes], rate: int, end: asyncio.Future[bytes]
    ) -> None:
        """Send at a rate, each trade stamped with the time at which it is written, in microseconds."""
        begin = time.monotonic()
        for sent, frame in enumerate(frames):
            due = begin + sent / rate
            while (left := due - time.monotonic()) > 0:
                await asyncio.sleep(left if left > 0.002 else 0)
            if end.done():
                return
            at = frame.index(b'"T":') + 4
            writer.write(
                websocket_frame(
                    frame[:at] + b"%d" % (time.time_ns() // 1_000) + frame[frame.index(b",", at) :]
                )
            )

    @staticmethod
    async def message(reader: asyncio.StreamReader) -> bytes:
        """Read one message of the client."""
        _, size = await reader.readexactly(2)
        size &= 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await reader.readexactly(8))
        mask = await reader.readexactly(4)
        body = await reader.readexactly(size)
        return bytes(byte ^ mask[i & 3] for i, byte in enumerate(body))


async def main() -> None:
    """Serve until ended."""
    feed = Feed()
    server = await asyncio.start_server(feed.serve, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
