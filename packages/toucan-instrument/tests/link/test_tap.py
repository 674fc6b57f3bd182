"""The tap, from bytes alone: frames in any chunks, and everything else passed on byte for byte."""

import asyncio

import pytest
from hypothesis import given, strategies as st

from toucan_instrument.link._tap import SLICE, Tap

LIMIT = 100_000


class Parser:
    def __init__(self):
        self.got, self.ended = b"", False

    def feed_data(self, data):
        self.got += data
        return False, b""

    def feed_eof(self):
        self.ended = True


def frame(first, payload, *, mask=0):
    size = len(payload)
    if size < 126:
        return bytes((first, size | mask)) + payload
    if size < 65_536:
        return bytes((first, 126 | mask)) + size.to_bytes(2) + payload
    return bytes((first, 127 | mask)) + size.to_bytes(8) + payload


class Line:
    def __init__(self):
        self.parser, self.heard, self.flow = Parser(), [], []
        self.tap = Tap(
            self.parser, pause=lambda: self.flow.append("pause"), resume=lambda: self.flow.append("go")
        )

    def open(self, on_frames=None, limit=LIMIT):
        self.tap.open(on_frames or self.take, limit)

    def take(self, frames):
        assert frames
        self.heard += frames
        frames.clear()  # it is the taker's to keep


PAYLOADS = st.lists(
    st.one_of(st.binary(max_size=3), st.sampled_from([b"x" * 125, b"y" * 126, b"z" * 300, b"w" * 70_000])),
    max_size=12,
)


@given(
    payloads=PAYLOADS,
    first=st.sampled_from([0x81, 0x82]),
    cuts=st.lists(st.integers(1, 400), max_size=40),
    early=st.booleans(),
)
def test_frames_come_whole_and_in_order_however_the_bytes_are_cut(payloads, first, cuts, early):
    async def run():
        line = Line()
        if early:
            line.open()
        data = b"".join(frame(first, payload) for payload in payloads)
        for cut in cuts:
            line.tap.feed_data(data[:cut])
            data = data[cut:]
        line.tap.feed_data(data)
        if not early:
            assert line.heard == []
            line.open()
        for _ in range(40):
            await asyncio.sleep(0)
        assert line.heard == payloads
        assert line.parser.got == b""
        line.tap.feed_eof()
        assert line.parser.ended

    asyncio.run(run())


async def test_control_frames_are_passed_on_and_frames_go_on():
    line = Line()
    line.open()
    ping, close = frame(0x89, b"123"), frame(0x88, b"\x03\xe8")
    line.tap.feed_data(frame(0x81, b"a") + ping[:3])
    line.tap.feed_data(ping[3:] + frame(0x82, b"b") + close)
    assert line.heard == [b"a", b"b"]
    assert line.parser.got == ping + close


async def test_what_arrived_together_is_handed_over_together_and_before_a_control_frame():
    line, batches = Line(), []
    line.open(lambda frames: batches.append((frames, line.parser.got)))
    one, two, ping = frame(0x81, b"x" * 200), frame(0x82, b"y"), frame(0x89, b"123")
    line.tap.feed_data(one + two + one[:50])
    line.tap.feed_data(one[50:] + two + ping + one)
    line.tap.feed_data(ping)
    x, y = b"x" * 200, b"y"
    assert batches == [([x, y], b""), ([x, y], b""), ([x], ping)]
    assert line.parser.got == ping + ping


async def test_a_small_limit_holds_for_frames_of_every_length():
    line = Line()
    line.open(limit=200)
    for size in (100, 125, 126, 200):
        line.tap.feed_data(frame(0x81, b"x" * size))
    assert [len(payload) for payload in line.heard] == [100, 125, 126, 200]
    line.tap.feed_data(frame(0x81, b"x" * 201))
    assert line.parser.got == frame(0x81, b"x" * 201)


async def test_an_empty_frame_is_whole_with_its_second_byte():
    line = Line()
    line.open()
    for first in (0x81, 0x89):
        line.tap.feed_data(bytes((first,)))
        line.tap.feed_data(b"\x00")
    assert (line.heard, line.parser.got) == ([b""], b"\x89\x00")


@pytest.mark.parametrize(
    "odd",
    [
        frame(0x01, b"part"),  # a fragment
        frame(0xC1, b"packed"),  # compressed
        frame(0x81, b"x" * (LIMIT + 1)),  # too large
        b"\x81\x85abcdHELLO",  # masked
        b"\x83\x00\x00\x00",  # reserved
        b"\x89\x7e\x00\x01x",  # a ping whose length is not in its shortest form
    ],
)
async def test_at_a_frame_of_another_sort_it_steps_aside_for_good(odd):
    line = Line()
    line.open()
    after = frame(0x81, b"after")
    line.tap.feed_data(frame(0x81, b"before") + odd + after)
    line.tap.feed_data(after)
    assert line.heard == [b"before"]
    assert line.parser.got == odd + after + after


async def test_a_flood_is_taken_in_turns():
    line = Line()
    line.open()
    one = frame(0x81, b"x" * 1_000)
    line.tap.feed_data(one * 200)
    assert len(line.heard) <= SLICE // 1_000 + 1
    assert line.flow == ["pause"]
    line.tap.feed_data(one)
    async with asyncio.timeout(5):
        while len(line.heard) < 201:
            await asyncio.sleep(0)
    assert line.flow[-1] == "go"


async def test_the_end_hands_over_what_is_left():
    line = Line()
    line.open()
    line.tap.feed_data(frame(0x81, b"x" * 1_000) * 200)
    line.tap.feed_eof()
    assert len(line.heard) == 200
    assert line.parser.ended


@pytest.mark.parametrize("after", [b"", frame(0x89, b"123"), frame(0x01, b"part")])
async def test_what_a_reader_raises_is_kept_and_nothing_more_is_handed_over(after):
    line, calls = Line(), []

    def broken(frames):
        calls.append(frames)
        raise RuntimeError("a bug")

    line.open(broken)
    line.tap.feed_data(frame(0x81, b"a") + after + frame(0x81, b"b"))
    line.tap.feed_data(frame(0x81, b"c"))
    assert isinstance(line.tap.error, RuntimeError)
    assert len(calls) == 1
    assert line.parser.got.startswith(b"\x88")
