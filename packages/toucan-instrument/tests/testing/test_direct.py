"""The network without sockets does what a loopback server does, on a clock that a test moves."""

from __future__ import annotations

import asyncio

import pytest

from toucan_instrument.errors import DialError, RequestFailed
from toucan_instrument.link import Closed, DialOptions
from toucan_instrument.rest import Request
from toucan_instrument.testing.clock import FakeClock
from toucan_instrument.testing.direct import DirectNetwork
from toucan_instrument.testing.server import Answer

OPTIONS = DialOptions()
URL = "ws://venue/market/ws?streams=a%2Fb&x=1&x=2"
MILLI = 1_000_000
SECOND = 1_000_000_000


class Venue:
    """A test exchange that notes what comes, and when."""

    def __init__(self, clock=None):
        self.clock = clock or FakeClock()
        self.refusal = None
        self.answer = Answer(200, b'{"ok":1}', {"X-Used": "7"})
        self.asked = []
        self.peers = []
        self.heard = []
        self.gone = []
        self.fault = None

    async def handshake(self, asked):
        self.asked.append(asked)
        return self.refusal

    async def connected(self, peer):
        self.peers.append(peer)

    async def said(self, peer, text):
        if self.fault is not None:
            raise self.fault
        self.heard.append((self.clock.monotonic_ns(), text))

    async def left(self, peer):
        self.gone.append(peer)

    async def rest(self, asked):
        self.asked.append(asked)
        return self.answer


class Client:
    """The other end, which runs a socket and notes what comes, and when."""

    def __init__(self, clock, socket):
        self.clock, self.socket = clock, socket
        self.heard, self.pings = [], 0
        self.task = asyncio.ensure_future(socket.run(self._frames, self._control))

    def _frames(self, frames):
        self.heard += [(self.clock.monotonic_ns(), frame) for frame in frames]

    def _control(self):
        self.pings += 1


async def connect(venue, network):
    socket = await network.dial(URL, OPTIONS)
    client = Client(venue.clock, socket)
    await venue.clock.settle()
    return client, venue.peers[-1]


def of(pairs):
    return [text for _, text in pairs]


async def test_a_handshake_tells_what_was_dialled():
    venue = Venue()
    network = DirectNetwork(venue, clock=venue.clock)
    _, peer = await connect(venue, network)
    assert (peer.number, peer.path) == (0, "/market/ws")
    assert peer.query == {"streams": "a/b", "x": "2"}
    assert peer.raw_query == "streams=a%2Fb&x=1&x=2"
    assert peer.open
    _, second = await connect(venue, network)
    assert second.number == 1
    await network.close()
    assert venue.gone == venue.peers


@pytest.mark.parametrize(
    ("status", "headers", "retryable", "wait_ns"),
    [
        (404, {}, False, 0),
        (401, {}, False, 0),
        (429, {"Retry-After": "3"}, True, 3 * SECOND),
        (418, {"Retry-After": "120"}, True, 120 * SECOND),
        (500, {}, True, 0),
        (503, {}, True, 0),
    ],
)
async def test_a_refused_handshake_is_no_connection(status, headers, retryable, wait_ns):
    venue = Venue()
    venue.refusal = Answer(status, headers=headers)
    with pytest.raises(DialError) as caught:
        await DirectNetwork(venue, clock=venue.clock).dial(URL, OPTIONS)
    error = caught.value
    assert (error.status, error.retryable, error.retry_after_ns) == (status, retryable, wait_ns)
    assert venue.peers == []


async def test_both_directions_keep_their_order():
    venue = Venue()
    network = DirectNetwork(venue, clock=venue.clock)
    client, peer = await connect(venue, network)
    for number in range(5):
        await client.socket.send(b"c%d" % number)
        await peer.send(b"v%d" % number)
    await venue.clock.settle()
    assert of(venue.heard) == [b"c0", b"c1", b"c2", b"c3", b"c4"]
    assert of(client.heard) == [b"v0", b"v1", b"v2", b"v3", b"v4"]
    await network.close()


async def test_everything_is_under_way_at_once_and_arrives_on_time():
    venue = Venue()
    network = DirectNetwork(venue, latency_ns=30 * MILLI, clock=venue.clock)
    clock = venue.clock
    begun = clock.monotonic_ns()
    async with clock.running():
        socket = await network.dial(URL, OPTIONS)
    assert clock.monotonic_ns() - begun == 60 * MILLI  # there and back
    client = Client(clock, socket)
    await clock.settle()
    peer, begun = venue.peers[0], clock.monotonic_ns()
    for number in range(3):
        await socket.send(b"c%d" % number)
        await peer.send(b"v%d" % number)
        await clock.advance(10 * MILLI)
    await clock.advance(30 * MILLI)
    times = [begun + ms * MILLI for ms in (30, 40, 50)]
    assert venue.heard == list(zip(times, (b"c0", b"c1", b"c2"), strict=True))
    assert client.heard == list(zip(times, (b"v0", b"v1", b"v2"), strict=True))
    await network.close()


async def test_a_request_takes_the_way_there_and_back():
    venue = Venue()
    network = DirectNetwork(venue, latency_ns=25 * MILLI, clock=venue.clock)
    begun = venue.clock.monotonic_ns()
    request = Request(
        method="POST", url="http://venue/api/v3/order?a=%20b", headers={"X-Key": "k"}, body=b"c=1"
    )
    response = await venue.clock.run(network.fetch(request))
    assert venue.clock.monotonic_ns() - begun == 50 * MILLI
    assert (response.status, response.body, response.headers) == (200, b'{"ok":1}', {"x-used": "7"})
    (asked,) = venue.asked
    assert (asked.method, asked.path, asked.raw_query, asked.body) == (
        "POST",
        "/api/v3/order",
        "a=%20b",
        b"c=1",
    )
    assert asked.query == {"a": " b"}
    assert asked.headers == {"x-key": "k"}


async def test_a_request_whose_connection_is_lost_may_have_been_done():
    venue = Venue()
    venue.answer = None
    with pytest.raises(RequestFailed) as caught:
        await DirectNetwork(venue, clock=venue.clock).fetch(Request(method="GET", url="http://venue/x"))
    assert caught.value.sent is None
    assert len(venue.asked) == 1


async def test_an_answer_that_takes_too_long_is_not_waited_for_and_the_request_is_done():
    venue = Venue()
    network = DirectNetwork(venue, latency_ns=30 * MILLI, clock=venue.clock)
    begun = venue.clock.monotonic_ns()
    request = Request(method="POST", url="http://venue/x", timeout_ns=20 * MILLI)
    with pytest.raises(RequestFailed) as caught:
        await venue.clock.run(network.fetch(request))
    assert caught.value.sent is None
    assert (venue.asked, venue.clock.monotonic_ns() - begun) == ([], 20 * MILLI)
    await venue.clock.advance(10 * MILLI)
    assert len(venue.asked) == 1


async def test_a_request_of_a_task_that_is_cancelled_is_done_all_the_same():
    venue = Venue()
    network = DirectNetwork(venue, latency_ns=30 * MILLI, clock=venue.clock)
    fetching = asyncio.ensure_future(network.fetch(Request(method="POST", url="http://venue/x")))
    await venue.clock.advance(10 * MILLI)
    fetching.cancel()
    await venue.clock.advance(20 * MILLI)
    assert (fetching.cancelled(), len(venue.asked)) == (True, 1)
    await network.close()


async def test_nothing_is_possible_once_the_network_is_closed():
    venue = Venue()
    network = DirectNetwork(venue, clock=venue.clock)
    await network.close()
    with pytest.raises(DialError) as dialled:
        await network.dial(URL, OPTIONS)
    assert not dialled.value.retryable
    with pytest.raises(RequestFailed) as fetched:
        await network.fetch(Request(method="GET", url="http://venue/x"))
    assert fetched.value.sent is False
    assert venue.asked == []


async def test_a_dropped_client_learns_of_it_later_and_is_not_heard_any_more():
    venue = Venue()
    network = DirectNetwork(venue, latency_ns=10 * MILLI, clock=venue.clock)
    client, peer = await venue.clock.run(connect(venue, network))
    await peer.send(b"before")
    peer.drop()
    assert not peer.open
    await peer.send(b"after")
    await peer.ping()
    await client.socket.send(b"too late")
    assert not client.task.done()
    await venue.clock.advance(10 * MILLI)
    assert client.task.result() == Closed(1006, "the connection was lost")
    assert of(client.heard) == [b"before"]
    assert (venue.heard, client.pings, venue.gone) == ([], 0, [peer])
    await network.close()


async def test_a_goodbye_has_a_code_and_a_reason_and_comes_once():
    venue = Venue()
    network = DirectNetwork(venue, clock=venue.clock)
    client, peer = await connect(venue, network)
    await peer.close(1008, "Too many requests")
    peer.drop()
    await venue.clock.settle()
    assert client.task.result() == Closed(1008, "Too many requests")
    assert venue.gone == [peer]
    await network.close()
    assert venue.gone == [peer]


async def test_a_client_that_hangs_up_is_heard_to_the_end():
    venue = Venue()
    network = DirectNetwork(venue, latency_ns=10 * MILLI, clock=venue.clock)
    client, peer = await venue.clock.run(connect(venue, network))
    await client.socket.send(b"last words")
    await client.socket.close()
    await venue.clock.advance(10 * MILLI)
    assert of(venue.heard) == [b"last words"]
    assert client.task.result() == Closed(1000, by_us=True)
    assert venue.gone == [peer]
    assert not peer.open
    await network.close()


async def test_pings_arrive_in_their_place():
    venue = Venue()
    network = DirectNetwork(venue, clock=venue.clock)
    client, peer = await connect(venue, network)
    await peer.ping(b"123")
    await venue.clock.settle()
    assert (client.pings, client.heard) == (1, [])
    await network.close()


async def test_a_deaf_peer_neither_hears_nor_speaks_and_stays_on_the_line():
    venue = Venue()
    network = DirectNetwork(venue, clock=venue.clock)
    client, peer = await connect(venue, network)
    peer.go_deaf()
    await peer.send(b"x")
    await peer.ping()
    await client.socket.send(b"y")
    await venue.clock.settle()
    assert (venue.heard, client.heard, client.pings) == ([], [], 0)
    assert not client.task.done()
    await network.close()


async def test_what_the_exchange_fails_with_ends_the_connection_and_comes_out_at_the_end():
    venue = Venue()
    network = DirectNetwork(venue, clock=venue.clock)
    client, _ = await connect(venue, network)
    venue.fault = LookupError("a fault of the test exchange")
    await client.socket.send(b"x")
    await venue.clock.settle()
    assert client.task.result().code == 1006
    with pytest.raises(LookupError, match="of the test exchange"):
        await network.close()


async def test_hours_of_traffic_pass_at_once():
    venue = Venue()
    network = DirectNetwork(venue, latency_ns=5 * MILLI, clock=venue.clock)
    client, peer = await venue.clock.run(connect(venue, network))

    async def speak():
        for number in range(500):
            await venue.clock.sleep_until(venue.clock.monotonic_ns() + 60 * SECOND)
            await peer.send(b"%d" % number)

    begun = venue.clock.monotonic_ns()
    await venue.clock.run(speak(), within_ns=24 * 3600 * SECOND)
    await venue.clock.advance(5 * MILLI)
    assert [(at - begun, int(text)) for at, text in client.heard] == [
        ((number + 1) * 60 * SECOND + 5 * MILLI, number) for number in range(500)
    ]
    await network.close()
