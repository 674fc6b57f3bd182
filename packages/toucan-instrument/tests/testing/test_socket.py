"""The scripted socket and network do what a test says."""

from __future__ import annotations

import asyncio

import pytest

from toucan_instrument.errors import DialError, RequestFailed
from toucan_instrument.link import Closed, DialOptions
from toucan_instrument.rest import Request, Response
from toucan_instrument.testing.socket import FakeNetwork, FakeSocket

OPTIONS = DialOptions()
OK = Response(status=200, headers={}, body=b"{}")
TIME = Request(method="GET", url="https://venue/api/v3/time?x=1")


async def test_a_script_is_said_and_ended():
    heard = []
    closed = await FakeSocket([b"1", b"2"], Closed(1001, "bye")).run(heard.extend, list)
    assert (heard, closed) == ([b"1", b"2"], Closed(1001, "bye"))


async def test_a_test_speaks_while_it_runs():
    socket, heard, controls = FakeSocket(), [], []
    running = asyncio.ensure_future(socket.run(heard.extend, lambda: controls.append(1)))
    await asyncio.sleep(0)
    socket.push(b"1")
    socket.ping()
    socket.push(b"2")
    socket.end()
    assert await running == Closed(1006, "the connection was lost")
    assert (heard, controls) == ([b"1", b"2"], [1])


async def test_what_was_said_at_once_arrives_together():
    socket, batches = FakeSocket([b"1", b"2"]), []
    running = asyncio.ensure_future(socket.run(batches.append, lambda: batches.append("ping")))
    await asyncio.sleep(0)
    socket.push(b"3", b"4")
    socket.ping()
    socket.push(b"5")
    socket.end()
    await running
    assert batches == [[b"1", b"2"], [b"3", b"4"], "ping", [b"5"]]


async def test_what_is_sent_is_seen_and_can_be_answered():
    heard = []
    socket = FakeSocket(on_send=lambda frame: socket.push(b"you said " + frame))
    running = asyncio.ensure_future(socket.run(heard.extend, list))
    await socket.send(b"hello")
    await asyncio.sleep(0)
    await socket.close(1001)
    await socket.close()
    await socket.send(b"too late")
    assert await running == Closed(1001, by_us=True)
    assert (heard, socket.sent) == ([b"you said hello"], [b"hello"])


async def test_dials_follow_the_script():
    refusal, socket = DialError("no", retryable=True), FakeSocket()

    async def later(url):
        assert url == "ws://c"
        return socket

    network = FakeNetwork([refusal, socket, later, lambda _url: socket])
    with pytest.raises(DialError):
        await network.dial("ws://a", OPTIONS)
    for url in ("ws://b", "ws://c", "ws://d"):
        assert await network.dial(url, OPTIONS) is socket
    with pytest.raises(AssertionError, match="script of dials is over"):
        await network.dial("ws://e", OPTIONS)
    assert [url for url, _ in network.dialled] == [f"ws://{c}" for c in "abcde"]
    network.add_dial(socket)
    assert await network.dial("ws://f", OPTIONS) is socket


async def test_without_a_script_every_dial_is_answered():
    network = FakeNetwork()
    first, second = await network.dial("ws://a", OPTIONS), await network.dial("ws://a", OPTIONS)
    assert network.sockets == [first, second]
    await network.close()
    assert network.closed
    assert first.closed == second.closed == Closed(1000, by_us=True)


async def test_calls_are_answered_by_path_and_recorded():
    async def later(_request):
        return OK

    network = FakeNetwork(answer=RequestFailed("cut", method="GET", url="", sent=None))
    network.on("GET", "/api/v3/time", OK)
    network.on("GET", "/later", later)
    network.on("GET", "/now", lambda _request: OK)
    assert await network.fetch(TIME) is OK
    assert await network.fetch(Request(method="GET", url="https://venue/later")) is OK
    assert await network.fetch(Request(method="GET", url="https://venue/now")) is OK
    with pytest.raises(RequestFailed):
        await network.fetch(Request(method="GET", url="https://venue/other"))
    with pytest.raises(AssertionError, match="no answer"):
        await FakeNetwork().fetch(TIME)
    assert network.requests[0] is TIME
