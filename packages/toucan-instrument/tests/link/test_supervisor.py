"""The reconnect loop, without a network and without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from toucan_instrument.errors import DialError
from toucan_instrument.link import (
    Backoff,
    Closed,
    Connected,
    DialOptions,
    Disconnected,
    LinkStatus,
    Retrying,
    Session,
    Wake,
    supervise,
)
from toucan_instrument.testing.clock import FakeClock
from toucan_instrument.testing.socket import FakeNetwork, FakeSocket

SECOND = 1_000_000_000
LOST = Closed(1006, "reset by peer")
UTC = 1_700_000_000_000_000_000


class Echo(Session):
    """The least session: it notes what it is told, and 5 s of silence are a failure."""

    def __init__(self, notes: list[object]) -> None:
        self.outbox: list[bytes] = []
        self.notes = notes
        self.wake: Wake

    def opened(self, now: int, utc: int, wake: Wake) -> None:
        self.notes.append("opened")
        self.anchor = (now, utc)
        self.wake = wake
        self.outbox.append(b"hello")
        self.deadline = now + 5 * SECOND

    def receive(self, frame: bytes, now: int) -> None:
        self.notes.append(frame)
        self.proven = True
        self.deadline = now + 5 * SECOND

    def alive(self, now: int) -> None:
        self.notes.append("alive")
        self.deadline = now + 5 * SECOND

    def tick(self, now: int) -> None:
        if self.deadline is not None and now >= self.deadline:
            self.failed = "silent for 5 s"

    def closed(self, now: int) -> None:
        self.notes.append("closed")


class Stage:
    """A supervised link over a script of dials, and everything that was told, in order."""

    def __init__(self, *dials, session=Echo, jitter: Callable[[], float] = lambda: 1.0, **more):
        self.clock = FakeClock(monotonic_ns=0, utc_ns=UTC)
        self.network = FakeNetwork(dials or None)
        self.notes: list[object] = []
        self.sessions: list[Session] = []
        self._session = session
        self._jitter = jitter
        self._more = more
        self.task = asyncio.ensure_future(self.supervise())

    def new_session(self):
        self.sessions.append(self._session(self.notes))
        return self.sessions[-1]

    async def supervise(self) -> None:
        await supervise(
            "test/0",
            dial=lambda: self.network.dial("ws://venue", DialOptions()),
            new_session=self.new_session,
            emit=self.notes.append,
            backoff=Backoff(first_ns=SECOND, cap_ns=60 * SECOND),
            clock=self.clock,
            rng=self._jitter,
            **self._more,
        )

    async def to_the_end(self) -> Stage:
        """Go on until the script of dials is over, which ends the loop as any bug would."""
        with pytest.raises(AssertionError, match="script of dials is over"):
            await self.clock.run(self.join())
        return self

    async def join(self) -> None:
        await self.task

    async def stop(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task

    @property
    def statuses(self) -> list[LinkStatus]:
        return [note for note in self.notes if isinstance(note, LinkStatus)]

    @property
    def delays(self) -> list[float]:
        return [s.delay_ns / SECOND for s in self.statuses if isinstance(s, Retrying)]

    @property
    def story(self) -> list[object]:
        return [type(n).__name__ if isinstance(n, LinkStatus) else n for n in self.notes]


def venue(*frames: bytes, end: Closed | None = LOST) -> FakeSocket:
    return FakeSocket(frames, end)


async def test_a_life_is_told_in_order():
    stage = await Stage(venue(b"1", b"2")).to_the_end()
    assert stage.story == [
        "Connected", "opened", b"1", b"2", "Disconnected", "closed", "Retrying",
    ]  # fmt: skip


async def test_status_values_carry_name_time_and_cause():
    stage = await Stage(DialError("no route", retryable=True), venue(b"1")).to_the_end()
    assert stage.statuses == [
        Retrying(link="test/0", at_ns=UTC, attempt=2, delay_ns=2 * SECOND, reason="no route"),
        Connected(link="test/0", at_ns=UTC + 2 * SECOND, attempt=2),
        Disconnected(link="test/0", at_ns=UTC + 2 * SECOND, closed=LOST),
        Retrying(
            link="test/0",
            at_ns=UTC + 2 * SECOND,
            attempt=1,
            delay_ns=SECOND,
            reason="reset by peer",
        ),
    ]


async def test_a_session_is_anchored_to_both_clocks():
    stage = Stage()
    await stage.clock.settle()
    assert stage.sessions[0].anchor == (0, UTC)
    await stage.stop()


async def test_accept_then_drop_keeps_backing_off():
    stage = await Stage(*[venue() for _ in range(8)]).to_the_end()
    assert stage.delays == [2, 4, 8, 16, 32, 60, 60, 60]


async def test_it_never_gives_up():
    refusals = [DialError("no", retryable=True) for _ in range(3000)]
    stage = Stage(*refusals, venue(b"1", end=None))
    await stage.clock.run_until(lambda: bool(stage.network.sockets), within_ns=3001 * 60 * SECOND)
    assert stage.delays[-1] == 60
    await stage.stop()


async def test_proof_of_life_resets_the_backoff():
    stage = await Stage(venue(), venue(), venue(b"1"), venue()).to_the_end()
    assert stage.delays == [2, 4, 1, 2]


async def test_jitter_is_full():
    stage = await Stage(*[venue() for _ in range(4)], jitter=lambda: 0.0).to_the_end()
    assert stage.delays == [0, 0, 0, 0]


async def test_what_the_server_asks_for_is_the_least_that_is_waited():
    busy = DialError("429", retryable=True, retry_after_ns=90 * SECOND, status=429)
    assert (await Stage(busy, jitter=lambda: 0.0).to_the_end()).delays == [90]
    assert (await Stage(busy, jitter=lambda: 0.5).to_the_end()).delays == [91]


async def test_a_final_refusal_ends_the_loop():
    final = DialError("404", retryable=False, status=404)
    stage = Stage(final)
    with pytest.raises(DialError) as caught:
        await stage.clock.run(stage.join())
    assert caught.value is final
    assert stage.notes == []


async def test_an_address_that_has_worked_is_tried_again_whatever_it_answers():
    stage = await Stage(venue(b"1"), DialError("404", retryable=False)).to_the_end()
    assert stage.delays == [1, 2]


async def test_what_a_session_wants_sent_is_sent_in_order():
    class Talker(Echo):
        def opened(self, now, utc, wake):
            super().opened(now, utc, wake)
            self.outbox += [b"2", b"3"]

        def receive(self, frame, now):
            super().receive(frame, now)
            self.outbox.append(b"you said " + frame)
            self.wake()

    stage = Stage(venue(b"x", end=None), session=Talker)
    await stage.clock.settle()
    assert stage.network.sockets[0].sent == [b"hello", b"2", b"3", b"you said x"]
    await stage.stop()


async def test_wake_works_from_anywhere_and_after_the_end():
    stage = Stage(venue(end=None), venue(end=None), jitter=lambda: 0.0)
    await stage.clock.settle()
    first, socket = stage.sessions[0], stage.network.sockets[0]
    first.outbox.append(b"from a user's task")
    first.wake()
    first.wake()
    await stage.clock.settle()
    assert socket.sent == [b"hello", b"from a user's task"]
    socket.end()
    await stage.clock.advance(SECOND)
    first.outbox.append(b"too late")
    first.wake()
    await stage.clock.settle()
    assert stage.network.sockets[1].sent == [b"hello"]
    await stage.stop()


async def test_a_deadline_that_is_brought_forward_is_kept():
    stage = Stage()
    await stage.clock.settle()
    stage.sessions[0].deadline = stage.clock.monotonic_ns() + SECOND
    stage.sessions[0].wake()
    await stage.clock.advance(SECOND)
    assert stage.network.sockets[0].closed is not None
    await stage.stop()


async def test_silence_is_a_failure_with_a_reason():
    stage = await Stage(venue(end=None), jitter=lambda: 0.0).to_the_end()
    [lost] = [status for status in stage.statuses if isinstance(status, Disconnected)]
    assert lost.closed == Closed(1000, "silent for 5 s", by_us=True)
    assert lost.at_ns == UTC + 5 * SECOND
    assert stage.story.count("closed") == 1


async def test_a_ping_is_a_sign_of_life():
    stage = Stage()
    for _ in range(5):
        await stage.clock.advance(4 * SECOND)
        stage.network.sockets[0].ping()
    await stage.clock.settle()
    assert stage.network.sockets[0].closed is None
    assert stage.notes.count("alive") == 5
    await stage.stop()


async def test_a_session_that_is_failed_from_outside_hangs_up():
    stage = Stage(venue(b"1", end=None), venue(end=None), jitter=lambda: 0.0)
    await stage.clock.settle()
    stage.sessions[0].failed = "told to"
    stage.sessions[0].wake()
    await stage.clock.settle()
    assert stage.story[:6] == [
        "Connected", "opened", b"1", "Disconnected", "closed", "Retrying",
    ]  # fmt: skip
    assert stage.statuses[1].closed == Closed(1000, "told to", by_us=True)
    await stage.stop()


async def test_a_planned_end_is_followed_at_once():
    stage = Stage(venue(b"1", end=None), venue(b"2", end=None))
    await stage.clock.settle()
    stage.sessions[0].planned = True
    stage.sessions[0].failed = "24 h are nearly over"
    stage.sessions[0].wake()
    await stage.clock.settle()
    assert stage.delays == [0]
    assert len(stage.network.sockets) == 2
    await stage.stop()


async def test_a_planned_end_of_what_was_never_proven_is_not():
    class Hasty(Echo):
        planned = True

    stage = await Stage(venue(), venue(), session=Hasty).to_the_end()
    assert stage.delays == [2, 4]


async def test_a_busy_session_does_not_take_the_cpu():
    class Late(Echo):
        ticks = 0

        def tick(self, now):
            self.ticks += 1

    stage = Stage(session=Late)
    await stage.clock.advance(6 * SECOND)
    assert stage.sessions[0].ticks <= 1001
    await stage.stop()


async def test_a_session_may_wake_the_link_in_every_tick():
    class Keen(Echo):
        ticks = 0

        def tick(self, now):
            self.ticks += 1
            self.deadline = now + SECOND
            self.outbox.append(b"tick")
            self.wake()

    stage = Stage(session=Keen)
    await stage.clock.advance(10 * SECOND)
    assert stage.sessions[0].ticks == 6
    assert stage.network.sockets[0].sent == [b"hello", *[b"tick"] * 6]
    await stage.stop()


async def test_a_session_that_is_woken_ticks_once_for_it():
    class Counting(Echo):
        ticks = 0

        def tick(self, now):
            self.ticks += 1

    stage = Stage(session=Counting)
    for _ in range(10):
        await stage.clock.settle()
        stage.sessions[0].wake()
    await stage.clock.settle()
    assert stage.sessions[0].ticks == 10
    await stage.stop()


@pytest.mark.parametrize("where", ["opened", "receive", "alive", "tick", "closed"])
async def test_a_bug_in_a_session_is_loud_and_the_socket_is_closed(where):
    def broken(*_):
        raise ZeroDivisionError

    session = type("Broken", (Echo,), {where: broken})
    socket = venue(b"1", end=None)
    socket.ping()
    stage = Stage(socket, session=session)
    with pytest.raises(ZeroDivisionError):
        await stage.clock.run(stage.join())
    assert socket.closed is not None
    assert len(asyncio.all_tasks()) == 1


async def test_a_bug_in_making_a_session_closes_the_socket():
    def new(_notes):
        raise ZeroDivisionError

    socket = venue(end=None)
    stage = Stage(socket, session=new)
    with pytest.raises(ZeroDivisionError):
        await stage.clock.run(stage.join())
    assert socket.closed == Closed(1000, by_us=True)


async def test_cancelling_closes_the_socket_and_leaves_nothing():
    stage = Stage()
    await stage.clock.settle()
    await stage.stop()
    assert stage.network.sockets[0].closed == Closed(1000, by_us=True)
    assert stage.story == ["Connected", "opened", "Disconnected", "closed"]
    assert stage.statuses[-1].closed == Closed(1000, "shut down", by_us=True)
    assert len(asyncio.all_tasks()) == 1
    assert stage.clock.sleepers == 0


async def test_cancelling_between_attempts_leaves_nothing():
    stage = Stage(DialError("no", retryable=True))
    await stage.clock.settle()
    assert stage.clock.sleepers == 1
    await stage.stop()
    assert stage.clock.sleepers == 0


async def test_cancelling_a_handshake_leaves_nothing():
    async def never(_url):
        await asyncio.Event().wait()

    stage = Stage(never)
    await stage.clock.settle()
    await stage.stop()
    assert stage.notes == []


async def test_a_failed_send_is_no_error():
    class Deaf(FakeSocket):
        async def send(self, frame):
            self.end(LOST)  # an adapter swallows the error; `run` tells

    stage = await Stage(Deaf()).to_the_end()
    assert stage.statuses[1].closed == LOST


async def test_every_attempt_asks_first():
    asked = []

    async def before() -> None:
        asked.append(len(asked))

    stage = Stage(venue(), DialError("no", retryable=True), venue(), before_dial=before)
    await stage.to_the_end()
    assert asked == [0, 1, 2, 3]  # the last one is the dial that the script has nothing for


async def test_hundreds_of_links_do_not_come_back_at_once():
    clock, network = FakeClock(monotonic_ns=0), FakeNetwork()
    spread = iter(range(10_000))
    links = [
        asyncio.ensure_future(
            supervise(
                f"test/{i}",
                dial=lambda: network.dial("ws://venue", DialOptions()),
                new_session=lambda: Echo([]),
                emit=lambda _: None,
                backoff=Backoff(first_ns=10 * SECOND),
                clock=clock,
                rng=lambda: next(spread) % 300 / 300,
            )
        )
        for i in range(300)
    ]
    await clock.settle()
    for socket in network.sockets[:300]:
        socket.end()
    await clock.advance(SECOND)
    assert 300 < len(network.sockets) < 330
    await clock.advance(19 * SECOND)
    assert len(network.sockets) >= 600
    for link in links:
        link.cancel()
    await asyncio.wait(links)
    assert len(asyncio.all_tasks()) == 1
