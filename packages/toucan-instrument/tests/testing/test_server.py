"""The loopback server gives a handler what came, and sends what it says: over real sockets."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from yarl import URL

from toucan_instrument.testing.server import Answer, LoopbackServer


class Venue:
    """A test exchange that notes what comes, and sets events for a test to wait for."""

    def __init__(self):
        self.refusal = None
        self.answer = Answer()
        self.asked, self.heard = [], []
        self.peers = asyncio.Queue()
        self.gone = asyncio.Queue()

    async def handshake(self, asked):
        self.asked.append(asked)
        return self.refusal

    async def connected(self, peer):
        self.peers.put_nowait(peer)

    async def said(self, peer, text):
        self.heard.append(text)
        await peer.send(b"heard " + text)

    async def left(self, peer):
        self.gone.put_nowait(peer)

    async def rest(self, asked):
        self.asked.append(asked)
        return self.answer


@asynccontextmanager
async def serving():
    venue = Venue()
    async with LoopbackServer(venue) as server, aiohttp.ClientSession() as client:
        yield venue, server, client


async def test_a_query_is_given_as_it_was_sent_too():
    async with serving() as (venue, server, client):
        raw = "symbols=%5B%22BTCUSDT%22%5D&a=b%20c+d&signature=x%2By%3D"
        async with client.get(URL(f"{server.http_url}/spot/api?{raw}", encoded=True)) as answer:
            assert answer.status == 200
        (asked,) = venue.asked
        assert asked.raw_query == raw
        assert asked.query == {"symbols": '["BTCUSDT"]', "a": "b c d", "signature": "x+y="}
        assert (asked.method, asked.path, asked.body) == ("GET", "/spot/api", b"")


async def test_a_body_and_headers_come_through():
    async with serving() as (venue, server, client):
        venue.answer = Answer(418, b'{"code":-1003}', {"Retry-After": "9", "X-MBX-USED-WEIGHT": "1"})
        headers = {"X-MBX-APIKEY": "k"}
        async with client.delete(f"{server.http_url}/x", data=b"a=1&b=2", headers=headers) as answer:
            assert (answer.status, await answer.read()) == (418, b'{"code":-1003}')
            assert (answer.headers["Retry-After"], answer.headers["x-mbx-used-weight"]) == ("9", "1")
            assert answer.content_type == "application/json"
        (asked,) = venue.asked
        assert (asked.method, asked.body, asked.headers["x-mbx-apikey"]) == ("DELETE", b"a=1&b=2", "k")


async def test_no_answer_loses_the_connection():
    async with serving() as (venue, server, client):
        venue.answer = None
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.post(f"{server.http_url}/order")
        assert len(venue.asked) == 1


async def test_a_handshake_may_be_refused():
    async with serving() as (venue, server, client):
        venue.refusal = Answer(429, headers={"Retry-After": "5"})
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(f"{server.ws_url}/ws")
        assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "5")
        assert venue.peers.empty()
        assert server.peers == []


async def test_a_peer_knows_its_address_and_both_sides_talk():
    async with serving() as (venue, server, client):
        async with client.ws_connect(URL(f"{server.ws_url}/private/ws?k=1&k=2&e=A%2FB", encoded=True)) as ws:
            peer = await venue.peers.get()
            assert (peer.number, peer.path, peer.raw_query) == (0, "/private/ws", "k=1&k=2&e=A%2FB")
            assert peer.query["e"] == "A/B"
            assert peer.open
            assert server.peers == [peer]
            await ws.send_str("one")
            assert await ws.receive_str() == "heard one"
        assert await venue.gone.get() is peer
        assert not peer.open
        await peer.send(b"nobody is there")
        await peer.ping()


async def test_a_ping_carries_what_it_is_given():
    async with serving() as (venue, server, client):
        async with client.ws_connect(f"{server.ws_url}/ws", autoping=False) as ws:
            peer = await venue.peers.get()
            await peer.ping(b"1767225600000")
            message = await ws.receive()
            assert (message.type, message.data) == (aiohttp.WSMsgType.PING, b"1767225600000")
            await ws.pong(message.data)
            await ws.send_str("still here")
            assert await ws.receive_str() == "heard still here"


async def test_a_goodbye_has_a_code_and_a_reason():
    async with serving() as (venue, server, client):
        async with client.ws_connect(f"{server.ws_url}/ws") as ws:
            peer = await venue.peers.get()
            closing = asyncio.ensure_future(peer.close(1008, "Too many requests"))
            message = await ws.receive()
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)
            assert message.extra == "Too many requests"
            await closing
        assert await venue.gone.get() is peer


async def test_a_dropped_peer_is_lost_without_a_goodbye():
    async with serving() as (venue, server, client):
        async with client.ws_connect(f"{server.ws_url}/ws") as ws:
            peer = await venue.peers.get()
            peer.drop()
            message = await ws.receive()
            assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
            assert ws.close_code in {None, 1006}
            assert await venue.gone.get() is peer


async def test_a_deaf_peer_is_neither_read_nor_sent_to():
    async with serving() as (venue, server, client):
        async with (
            client.ws_connect(f"{server.ws_url}/ws") as ws,
            client.ws_connect(f"{server.ws_url}/b") as b,
        ):
            peer = await venue.peers.get()
            peer.go_deaf()
            assert not peer.open
            await ws.send_str("nobody listens")
            await peer.send(b"nor speaks")
            await b.send_str("one")
            assert await b.receive_str() == "heard one"  # what was sent before would have been heard by now
            assert venue.heard == [b"one"]
            peer.drop()


async def test_the_port_that_was_asked_for_is_the_one_that_it_listens_on():
    async with serving() as (_, first, _):
        port = first.port
    async with LoopbackServer(Venue(), port=port) as server, aiohttp.ClientSession() as client:
        assert server.http_url == f"http://127.0.0.1:{port}"
        async with client.get(server.http_url) as answer:
            assert await answer.json() == {}
