"""The aiohttp backend against real servers on the loopback."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import ssl
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web

from toucan_instrument.errors import DialError, InvalidInput, RequestFailed
from toucan_instrument.link import (
    Closed,
    DialOptions,
    Session,
    _aiohttp,
    open_network,
    supervise,
)
from toucan_instrument.link._aiohttp import AiohttpNetwork
from toucan_instrument.link._tap import Tap
from toucan_instrument.rest import Request

SECOND = 1_000_000_000
OPTIONS = DialOptions()
TEXT, PING, PONG, CLOSE = 0x81, 0x89, 0x8A, 0x88
# Older releases keep their parser elsewhere: there every frame comes through their queue.
TAPPABLE = tuple(map(int, aiohttp.__version__.split(".")[:3])) >= (3, 14, 4)


def frame(first: int, payload: bytes) -> bytes:
    """Write a WebSocket frame as a server does: unmasked."""
    size = len(payload)
    if size < 126:
        return bytes([first, size]) + payload
    if size < 65536:
        return bytes([first, 126]) + size.to_bytes(2, "big") + payload
    return bytes([first, 127]) + size.to_bytes(8, "big") + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a short masked frame, as a client writes it."""
    first, size = await reader.readexactly(2)
    mask, data = await reader.readexactly(4), await reader.readexactly(size & 0x7F)
    return first, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


@asynccontextmanager
async def tcp(handle):
    """A server of plain TCP; gives its port."""

    async def serve(reader, writer):
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def peer(talk, extensions: str = ""):
    """A WebSocket server of which the test writes every byte; gives its address."""

    async def handle(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(x for x in head.split("\r\n") if x.lower().startswith("sec-websocket-key"))
        proof = key.split(": ")[1] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(proof.encode()).digest()).decode()  # noqa: S324
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n{extensions}\r\n".encode()
        )
        await talk(reader, writer)

    async with tcp(handle) as port:
        yield f"ws://127.0.0.1:{port}/"


@pytest.fixture(autouse=True)
def short_goodbyes(monkeypatch):
    """Many of these peers answer none."""
    monkeypatch.setattr(_aiohttp, "CLOSE_LIMIT", 0.1)


@pytest.fixture
async def network():
    network = AiohttpNetwork()
    yield network
    await network.close()
    gc.collect()  # whatever was not closed warns now, and a warning is an error


@pytest.fixture(params=["tapped", "queued"])
def way(request, monkeypatch):
    """The two ways of a frame: by the tap, and by aiohttp's queue where its release cannot be tapped."""
    if request.param == "queued":
        monkeypatch.setattr(_aiohttp, "_TappedResponse", aiohttp.ClientWebSocketResponse)
    return request.param


def nothing(*_):
    pass


@pytest.mark.usefixtures("way")
class TestFrames:
    async def test_frames_are_bytes_and_the_end_is_a_value(self, network, aiohttp_server):
        async def greet(request):
            websocket = web.WebSocketResponse()
            await websocket.prepare(request)
            await websocket.send_str(f"you said {(await websocket.receive()).data}")
            await websocket.send_str("币安人生USDT")
            await websocket.send_bytes(b"\x00\xff")
            await websocket.close(code=1001, message=b"going away")
            return websocket

        app = web.Application()
        app.router.add_get("/ws", greet)
        server = await aiohttp_server(app)
        socket = await network.dial(f"ws://127.0.0.1:{server.port}/ws", OPTIONS)
        frames = []
        await socket.send(b"hello")
        assert await socket.run(frames.extend, nothing) == Closed(1001, "going away")
        assert frames == [b"you said hello", "币安人生USDT".encode(), b"\x00\xff"]
        await socket.send(b"too late")
        await socket.close()

    @pytest.mark.parametrize("drained", [True, False])
    async def test_many_frames_at_once_come_in_order(self, network, monkeypatch, drained):
        """Pings between them are answered, whether aiohttp's queue can be reached or not."""
        if not drained:
            monkeypatch.setattr(_aiohttp, "queue_of", lambda ws: (_aiohttp.NOTHING, ws.receive))
        pongs, controls, frames = [], [], []

        async def talk(reader, writer):
            for i in range(20):
                burst = b"".join(frame(TEXT, b"%d" % j) for j in range(i * 200, i * 200 + 200))
                writer.write(burst + frame(PING, b"t%d" % i) + frame(PONG, b""))
                pongs.append(await read_frame(reader))
            writer.write(frame(CLOSE, (1000).to_bytes(2, "big")))
            await reader.read()

        async with peer(talk) as url:
            socket = await network.dial(url, OPTIONS)
            closed = await socket.run(frames.extend, lambda: controls.append(len(frames)))
        assert closed == Closed(1000)
        assert frames == [b"%d" % i for i in range(4000)]
        assert pongs == [(PONG, b"t%d" % i) for i in range(20)]
        assert controls == [n for i in range(1, 21) for n in (i * 200, i * 200)]

    async def test_a_flood_leaves_others_their_turn(self, network, monkeypatch):
        monkeypatch.setattr(_aiohttp, "BATCH", 10)
        turns = 0

        async def other():
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async def talk(_reader, writer):
            writer.write(frame(TEXT, b"x" * 10_000) * 100 + frame(CLOSE, b""))

        task = asyncio.ensure_future(other())
        at: list[int] = []
        async with peer(talk) as url:
            socket = await network.dial(url, OPTIONS)
            await socket.run(lambda frames: at.extend([turns] * len(frames)), nothing)
        task.cancel()
        assert len(at) == 100
        assert len(set(at)) >= 10  # a turn after every 64 KiB or so

    async def test_a_frame_of_every_length_comes_by_either_way(self, network, way):
        sizes, frames = [0, 1, 125, 126, 65_535, 65_536, 300_000], []

        async def talk(reader, writer):
            for size in sizes:
                writer.write(frame(TEXT, b"x" * size))
            writer.write(frame(0x82, b"y" * 200) + frame(CLOSE, b""))
            await reader.read()

        async with peer(talk) as url:
            socket = await network.dial(url, OPTIONS)
            tapped = isinstance(getattr(socket._websocket, "tap", None), Tap)
            assert tapped is (way == "tapped" and TAPPABLE)
            assert await socket.run(frames.extend, nothing) == Closed(1005)
        assert [len(payload) for payload in frames] == [*sizes, 200]

    async def test_the_queue_of_todays_aiohttp_is_found(self, network):
        async def talk(reader, _writer):
            await reader.read()

        async with peer(talk) as url:
            socket = await network.dial(url, OPTIONS)
            queued, take = _aiohttp.queue_of(socket._websocket)
            assert queued is not _aiohttp.NOTHING
            assert take != socket._websocket.receive
            await socket.close()

    @pytest.mark.parametrize(
        "reader",
        [
            SimpleNamespace(),
            SimpleNamespace(_reader=SimpleNamespace(_buffer=[], read=nothing)),
            SimpleNamespace(_reader=SimpleNamespace(_buffer=_aiohttp.deque(), read=None)),
        ],
    )
    def test_another_aiohttp_is_read_frame_by_frame(self, reader):
        reader.receive = nothing
        assert _aiohttp.queue_of(reader) == (_aiohttp.NOTHING, nothing)

    async def test_what_a_handler_raises_comes_out(self, network):
        async def talk(reader, writer):
            writer.write(frame(TEXT, b"1"))
            await reader.read()

        def broken(_frames):
            raise TimeoutError("a bug")

        async with peer(talk) as url:
            socket = await network.dial(url, OPTIONS)
            with pytest.raises(TimeoutError, match="a bug"):
                await socket.run(broken, nothing)
            await socket.close()

    @pytest.mark.parametrize("compress", [True, False])
    async def test_compression_is_offered_only_when_asked_for(self, network, aiohttp_server, compress):
        offers, frames = [], []

        async def echo(request):
            offers.append("permessage-deflate" in request.headers.get("Sec-WebSocket-Extensions", ""))
            websocket = web.WebSocketResponse()
            await websocket.prepare(request)
            await websocket.send_str("x" * 10_000)
            await websocket.close()
            return websocket

        app = web.Application()
        app.router.add_get("/", echo)
        server = await aiohttp_server(app)
        url = f"ws://127.0.0.1:{server.port}/"
        socket = await network.dial(url, DialOptions(compress=compress))
        await socket.run(frames.extend, nothing)
        assert (offers, frames) == ([compress], [b"x" * 10_000])


@pytest.mark.usefixtures("way")
class TestBadPeers:
    async def run(self, network, *talk: bytes, options=OPTIONS) -> tuple[Closed, list[bytes]]:
        frames: list[bytes] = []

        async def say(reader, writer):
            for part in talk:
                writer.write(part)
            await reader.read()

        async with peer(say) as url:
            socket = await network.dial(url, options)
            closed = await socket.run(frames.extend, nothing)
            await socket.close()
        return closed, frames

    @pytest.mark.parametrize("size", [101, 1_000, 100_000, 2_000_000])
    async def test_a_frame_over_the_limit_ends_the_connection(self, network, size):
        options = DialOptions(max_frame=100)
        talk = frame(TEXT, b"x" * 100) + frame(TEXT, b"x" * size)
        closed, frames = await self.run(network, talk, options=options)
        assert (closed.code, closed.by_us) == (1009, True)
        assert frames == [b"x" * 100]

    async def test_a_frame_that_only_claims_to_be_large_ends_it_as_well(self, network):
        closed, _ = await self.run(network, b"\x81\x7f" + (2**62).to_bytes(8, "big"))
        assert (closed.code, closed.by_us) == (1009, True)

    @pytest.mark.parametrize(
        ("talk", "code"),
        [
            (b"\xff" * 3_000_000, 1002),
            (frame(TEXT | 0x40, b"x"), 1002),  # compressed, and nobody asked for that
            (frame(0x80, b"x"), 1002),  # goes on with nothing
            (frame(CLOSE, (1005).to_bytes(2, "big")), 1002),  # not to be sent
            (frame(CLOSE, b"\x03\xe8\xff"), 1007),  # a reason that is not UTF-8
        ],
    )
    async def test_garbage_ends_the_connection_with_a_reason(self, network, talk, code):
        closed, frames = await self.run(network, talk)
        assert (closed.code, closed.by_us, frames) == (code, True, [])
        assert closed.reason

    async def test_text_that_is_not_utf8_is_handed_over(self, network):
        closed, frames = await self.run(network, frame(TEXT, b"\xff\xfe") + frame(CLOSE, b""))
        assert (closed, frames) == (Closed(1005), [b"\xff\xfe"])

    @pytest.mark.parametrize("how", ["eof", "reset"])
    async def test_a_peer_that_leaves_without_a_word(self, network, how):
        frames = []

        async def leave(_reader, writer):
            writer.write(frame(TEXT, b"1"))
            await writer.drain()
            if how == "reset":
                await asyncio.sleep(0.01)
                writer.transport.abort()

        async with peer(leave) as url:
            socket = await network.dial(url, OPTIONS)
            closed = await socket.run(frames.extend, nothing)
            await socket.close()
        assert (closed, frames) == (Closed(1006, "the connection was lost"), [b"1"])

    @pytest.mark.parametrize("chatty", [True, False])
    async def test_a_peer_that_answers_no_goodbye_is_left(self, network, chatty):
        async def deaf(_reader, writer):
            while True:
                if chatty:
                    writer.write(frame(TEXT, b"x") * 10)
                    await writer.drain()
                await asyncio.sleep(0.001)

        async with peer(deaf) as url:
            socket = await network.dial(url, OPTIONS)
            running = asyncio.ensure_future(socket.run(nothing, nothing))
            await asyncio.sleep(0.02)
            started = time.monotonic()
            await socket.close()
            closed = await running
            assert (closed.code, closed.by_us) == (1000, True)
            assert time.monotonic() - started < 0.5

    async def test_a_goodbye_from_within_a_flood_is_bounded(self, network):
        """aiohttp may then close from within receive(), and its own limit is one per frame."""
        closing = []

        async def deaf(_reader, writer):
            while True:
                writer.write(frame(TEXT, b"x") * 100)
                await writer.drain()
                await asyncio.sleep(0)

        async with peer(deaf) as url:
            socket = await network.dial(url, OPTIONS)

            def on_frames(_frames):
                if not closing:
                    closing.append(asyncio.ensure_future(socket.close(1001)))

            started = time.monotonic()
            closed = await socket.run(on_frames, nothing)
            await closing[0]
            assert (closed.code, closed.by_us) == (1001, True)
            assert time.monotonic() - started < 0.5

    async def test_a_peer_that_takes_nothing_is_left(self, network, monkeypatch):
        monkeypatch.setattr(_aiohttp, "SEND_LIMIT", 0.1)

        async def clogged(_reader, writer):
            writer.transport.pause_reading()
            await asyncio.sleep(5)

        async with peer(clogged) as url:
            socket = await network.dial(url, OPTIONS)
            running = asyncio.ensure_future(socket.run(nothing, nothing))
            while not running.done():
                await socket.send(b"x" * 1_000_000)
            assert (await running).by_us

    async def test_a_cancelled_run_is_closed_politely(self, network):
        heard = []

        async def talk(reader, writer):
            writer.write(frame(TEXT, b"1"))
            heard.append(await read_frame(reader))

        async with peer(talk) as url:
            socket, up = await network.dial(url, OPTIONS), asyncio.Event()
            running = asyncio.ensure_future(socket.run(lambda _: up.set(), nothing))
            await up.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await socket.close()
            await asyncio.sleep(0.02)
        assert heard == [(CLOSE, (1000).to_bytes(2, "big"))]
        assert len(asyncio.all_tasks()) == 1


class TestDialling:
    @pytest.fixture
    async def refusing(self, aiohttp_server):
        async def refuse(request):
            headers = {k.replace("_", "-"): v for k, v in request.query.items() if k != "status"}
            return web.Response(status=int(request.query["status"]), headers=headers)

        app = web.Application()
        app.router.add_get("/{key:.*}", refuse)
        server = await aiohttp_server(app)
        return f"ws://127.0.0.1:{server.port}/"

    async def fail(self, network, url, options=OPTIONS) -> DialError:
        with pytest.raises(DialError) as caught:
            await network.dial(url, options)
        return caught.value

    @pytest.mark.parametrize(
        ("query", "retryable", "seconds"),
        [
            ("status=429&retry_after=7", True, 7),
            ("status=429", True, 60),
            ("status=418", True, 120),
            ("status=418&retry_after=259200", True, 259200),
            ("status=503&retry_after=soon", True, 0),
            ("status=503&retry_after=" + "9" * 5000, True, 7 * 24 * 3600),
            ("status=503&retry_after=Mon,%2001%20Jan%209999%2000:00:00%20GMT", True, 7 * 24 * 3600),
            ("status=503&retry_after=Mon,%2001%20Jan%201999%2000:00:00%20GMT", True, 0),
            ("status=200", True, 0),
            ("status=403", False, 300),
            ("status=404", False, 0),
            ("status=451", False, 0),
        ],
    )
    async def test_a_refusal_says_whether_and_when(self, network, refusing, query, retryable, seconds):
        error = await self.fail(network, f"{refusing}secretListenKey?{query}&signature=secret")
        assert (error.retryable, error.retry_after_ns) == (retryable, seconds * SECOND)
        assert error.status == int(query[7:10])
        assert "secret" not in str(error)

    async def test_when_may_be_a_date(self, network, refusing):
        date = time.strftime("%a,%%20%d%%20%b%%20%Y%%20%H:%M:%S%%20GMT", time.gmtime(time.time() + 90))
        error = await self.fail(network, f"{refusing}?status=503&retry_after={date}")
        assert 80 * SECOND < error.retry_after_ns <= 90 * SECOND

    async def test_nobody_there_is_retryable(self, network, unused_tcp_port):
        error = await self.fail(network, f"ws://127.0.0.1:{unused_tcp_port}/")
        assert error.retryable
        assert (error.status, error.retry_after_ns) == (0, 0)

    async def test_a_handshake_has_a_time_limit(self, network):
        async def mute(reader, _writer):
            await reader.read()

        async with tcp(mute) as port:
            options = DialOptions(timeout_ns=SECOND // 20)
            error = await self.fail(network, f"ws://127.0.0.1:{port}/", options)
        assert error.retryable
        assert "out of time" in str(error)

    async def test_what_speaks_no_http_is_retryable(self, network):
        async def noise(_reader, writer):
            writer.write(b"\x00" * 1_000_000)
            await writer.drain()

        async with tcp(noise) as port:
            assert (await self.fail(network, f"ws://127.0.0.1:{port}/")).retryable

    @pytest.mark.parametrize(
        "url",
        ["not an address", "", "/ws", "ftp://host/", "ws://", "ws://host:99999/",
         "ws://host/\r\nX-Injected: 1", "ws://host/a b"],
    )  # fmt: skip
    async def test_no_address_is_final(self, network, url):
        assert not (await self.fail(network, url)).retryable

    async def test_after_the_end_there_is_no_dialling(self, network):
        await network.close()
        error = await self.fail(network, "ws://127.0.0.1/")
        assert not error.retryable
        assert "closed" in str(error)

    async def test_a_network_belongs_to_one_event_loop(self, network, refusing):
        await self.fail(network, f"{refusing}?status=404")
        error = await asyncio.to_thread(lambda: asyncio.run(self.fail(network, f"{refusing}?status=404")))
        assert "another event loop" in str(error)

    async def test_a_cancelled_handshake_leaves_nothing(self, network):
        async def mute(reader, _writer):
            await reader.read()

        async with tcp(mute) as port:
            dialling = asyncio.ensure_future(network.dial(f"ws://127.0.0.1:{port}/", OPTIONS))
            await asyncio.sleep(0.02)
            dialling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dialling


class TestAddresses:
    @pytest.mark.parametrize(
        ("path", "seen"),
        [
            ("/ws/btcusdt@trade/a%2Fb?x=%2B&y=a+b", "/ws/btcusdt@trade/a%2Fb?x=%2B&y=a+b"),
            ("/ws/币安人生usdt@trade", "/ws/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@trade"),
        ],
    )
    async def test_what_we_built_is_sent_as_it_is(self, network, aiohttp_server, path, seen):
        paths = []

        async def note(request):
            paths.append(request.raw_path)
            return web.Response(text="ok")

        app = web.Application()
        app.router.add_get("/{tail:.*}", note)
        server = await aiohttp_server(app)
        with pytest.raises(DialError):
            await network.dial(f"ws://127.0.0.1:{server.port}{path}", OPTIONS)
        await network.fetch(get(f"http://127.0.0.1:{server.port}{path}"))
        assert paths == [seen, seen]


def get(url: str, **more) -> Request:
    return Request(method="GET", url=url, **more)


class TestFetching:
    @pytest.fixture
    async def base(self, aiohttp_server):
        async def answer(request):
            return web.Response(
                status=int(request.query.get("status", 200)),
                text=f"{request.method} {request.headers.get('X-Key')} {await request.text()}",
                headers={"X-MBX-USED-WEIGHT-1M": "7"},
            )

        async def elsewhere(_request):
            raise web.HTTPFound("/")

        async def large(request):
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(100):
                await response.write(b"x" * 10_000)
            return response

        app = web.Application()
        app.router.add_route("*", "/", answer)
        app.router.add_get("/elsewhere", elsewhere)
        app.router.add_get("/large", large)
        server = await aiohttp_server(app)
        return f"http://127.0.0.1:{server.port}"

    @pytest.mark.parametrize("status", [200, 400, 418, 429, 503])
    async def test_any_answer_is_an_answer(self, network, base, status):
        response = await network.fetch(get(f"{base}/?status={status}"))
        assert response.status == status
        assert response.headers["x-mbx-used-weight-1m"] == "7"
        assert response.body == b"GET None "

    async def test_headers_and_body_arrive(self, network, base):
        request = Request(method="POST", url=f"{base}/", headers={"X-Key": "k"}, body=b"a=1")
        assert (await network.fetch(request)).body == b"POST k a=1"

    async def test_nobody_is_sent_elsewhere(self, network, base):
        assert (await network.fetch(get(f"{base}/elsewhere"))).status == 302

    async def test_an_answer_has_a_largest_size(self, network, base, monkeypatch):
        assert len((await network.fetch(get(f"{base}/large"))).body) == 1_000_000
        monkeypatch.setattr(_aiohttp, "MAX_BODY", 999_999)
        with pytest.raises(RequestFailed, match="larger than"):
            await network.fetch(get(f"{base}/large"))

    async def fail(self, network, request) -> RequestFailed:
        with pytest.raises(RequestFailed) as caught:
            await network.fetch(request)
        assert "secret" not in str(caught.value)
        return caught.value

    async def test_nobody_there_means_never_sent(self, network, unused_tcp_port):
        request = get(f"http://127.0.0.1:{unused_tcp_port}/?signature=secret")
        assert (await self.fail(network, request)).sent is False

    @pytest.mark.parametrize("url", ["nonsense", "ftp://host/", "http://host/a b", "http://"])
    async def test_no_address_means_never_sent(self, network, url):
        assert (await self.fail(network, get(url))).sent is False

    async def test_no_answer_in_time_means_unknown(self, network):
        async def mute(reader, _writer):
            await reader.read()

        async with tcp(mute) as port:
            request = get(f"http://127.0.0.1:{port}/?signature=secret", timeout_ns=SECOND // 20)
            error = await self.fail(network, request)
        assert error.sent is None

    @pytest.mark.parametrize(
        "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"\x00\r\n\r\n"]
    )
    async def test_a_cut_or_broken_answer_means_unknown(self, network, said):
        async def cut(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            await writer.drain()

        async with tcp(cut) as port:
            request = Request(method="POST", url=f"http://127.0.0.1:{port}/", body=b"x")
            assert (await self.fail(network, request)).sent is None

    async def test_a_canned_answer(self, network, canned):
        canned.get("https://venue.test/time", status=200, body=b"{}", headers={"A": "b"})
        canned.get("https://venue.test/cut", exception=aiohttp.ServerDisconnectedError())
        response = await network.fetch(get("https://venue.test/time"))
        assert (response.status, response.body, response.headers["a"]) == (200, b"{}", "b")
        assert (await self.fail(network, get("https://venue.test/cut"))).sent is None


class TestProxies:
    @pytest.fixture
    async def proxy(self):
        """A proxy that answers for everybody; gives its address and the request lines it saw."""
        seen = []

        async def handle(reader, writer):
            seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

        async with tcp(handle) as port:
            yield f"127.0.0.1:{port}", seen

    async def use(self, network, seen) -> tuple[str, ...]:
        response = await network.fetch(get("http://venue.test/rest"))
        assert response.status == 407
        for url in ("ws://venue.test/ws", "wss://venue.test/wss"):
            with pytest.raises(DialError) as caught:
                await network.dial(url, OPTIONS)
            assert not caught.value.retryable
        with pytest.raises(RequestFailed) as failed:
            await network.fetch(get("https://venue.test/rest"))
        assert failed.value.sent is False
        await network.close()
        return tuple(head.split(" HTTP/1.1")[0] for head in seen)

    WAY = (
        "GET http://venue.test/rest",
        "GET http://venue.test/ws",
        "CONNECT venue.test:443",
        "CONNECT venue.test:443",
    )

    async def test_one_that_is_given_serves_everything(self, proxy):
        address, seen = proxy
        network = AiohttpNetwork(proxy=f"http://user:word@{address}")
        assert await self.use(network, seen) == self.WAY
        assert all("Proxy-Authorization: Basic dXNlcjp3b3Jk" in head for head in seen)

    async def test_one_of_the_environment_serves_everything_when_asked(self, proxy, monkeypatch):
        address, seen = proxy
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.delenv(name.lower(), raising=False)
            monkeypatch.setenv(name, f"http://{address}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.delenv("REQUEST_METHOD", raising=False)
        assert await self.use(AiohttpNetwork(trust_env=True), seen) == self.WAY

    async def test_one_of_the_environment_is_ignored_unless_asked(
        self, network, proxy, monkeypatch, unused_tcp_port
    ):
        address, seen = proxy
        monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
        with pytest.raises(RequestFailed):
            await network.fetch(get(f"http://127.0.0.1:{unused_tcp_port}/"))
        assert seen == []

    async def test_exceptions_of_the_environment_are_kept(self, proxy, monkeypatch, unused_tcp_port):
        address, seen = proxy
        monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        network = AiohttpNetwork(trust_env=True)
        with pytest.raises(RequestFailed):
            await network.fetch(get(f"http://127.0.0.1:{unused_tcp_port}/"))
        await network.close()
        assert seen == []

    @pytest.mark.parametrize("proxy", ["socks5://user:secret@host:1", "nonsense", "http://"])
    def test_what_is_no_proxy_is_refused(self, proxy):
        with pytest.raises(InvalidInput) as caught:
            AiohttpNetwork(proxy=proxy)
        assert caught.value.field == "proxy"
        assert "secret" not in str(caught.value)


class TestTls:
    @pytest.mark.parametrize("off", [False, True, 0])
    def test_there_is_no_switch_for_verification(self, off):
        with pytest.raises(InvalidInput) as caught:
            AiohttpNetwork(ssl=off)
        assert caught.value.field == "ssl"

    def test_a_context_of_the_users_own_is_used(self):
        context = ssl.create_default_context()
        assert AiohttpNetwork(ssl=context)._ssl is context

    def test_certificates_are_verified_otherwise(self):
        assert AiohttpNetwork()._ssl is True


async def test_the_usual_network_is_made_without_naming_aiohttp():
    network = open_network()
    assert isinstance(network, AiohttpNetwork)
    await network.close()
    await network.close()


class Chatter(Session):
    """Says hello, and lives on what comes back."""

    def __init__(self, frames: list[bytes]) -> None:
        self.outbox: list[bytes] = []
        self.frames = frames

    def opened(self, _now, _utc, _wake):
        self.outbox.append(b"hello")

    def receive(self, frame, _now):
        self.proven = True
        self.frames.append(frame)

    def alive(self, now):
        pass

    def tick(self, now):
        pass

    def closed(self, now):
        pass


async def test_a_supervised_link_outlives_its_servers_moods(network, aiohttp_server):
    """Connect, be dropped, be refused, connect again, shut down: nothing stays behind."""
    visits, frames, statuses = [], [], []

    async def moody(request):
        visits.append(request)
        if len(visits) == 2:
            return web.Response(status=503)
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await websocket.send_bytes(b"you said " + (await websocket.receive()).data.encode())
        if len(visits) == 1:
            request.transport.abort()
        await websocket.receive()
        return websocket

    app = web.Application()
    app.router.add_get("/", moody)
    server = await aiohttp_server(app)
    url, third = f"ws://127.0.0.1:{server.port}/", asyncio.Event()

    def emit(status):
        statuses.append(type(status).__name__)

    class Watched(Chatter):
        def receive(self, frame, now):
            super().receive(frame, now)
            if len(visits) == 3:
                third.set()

    link = asyncio.ensure_future(
        supervise(
            "test/0",
            dial=lambda: network.dial(url, OPTIONS),
            new_session=lambda: Watched(frames),
            emit=emit,
            rng=lambda: 0.0,
        )
    )
    await third.wait()
    started = time.monotonic()
    link.cancel()
    with pytest.raises(asyncio.CancelledError):
        await link
    assert time.monotonic() - started < 0.5
    await network.close()
    await asyncio.sleep(0.01)
    assert frames == [b"you said hello"] * 2
    assert statuses == [
        "Connected", "Disconnected", "Retrying", "Retrying", "Connected", "Disconnected",
    ]  # fmt: skip
