"""Every frame that was recorded of Bybit: what is of an offered topic decodes, and makes events.

The recordings stay outside of the repository: the variable TOUCAN_CAPTURES names the folder that holds
``captures`` and ``frames``.
"""

import json
import os
from pathlib import Path

import pytest

from toucan_data import BybitInverse, BybitLinear, BybitOption, BybitSpot, DecodeFailed, Gap
from toucan_data.registry import frame_decoder

VENUES = [BybitSpot(), BybitLinear(), BybitInverse(), BybitOption()]


def frames():
    root = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere")
    found = [
        (path.name, line)
        for path in sorted(root.glob("frames/bybit*/*.jsonl"))
        if not path.name.startswith(("rest.", "user."))
        for line in path.read_bytes().splitlines()
    ]
    if not found:
        pytest.skip("TOUCAN_CAPTURES names no folder with frames of Bybit")
    return found


def market_of(frame):
    """Return whose a frame is: none says it, but symbols and fields do."""
    topic = frame["topic"]
    symbol = topic.rpartition(".")[2]
    if symbol.count("-") > 1:
        return 3
    if symbol.endswith("USD") or "USDU" in symbol:
        return 2
    # Spot has times before types, and no ids of 36 characters.
    return 0 if list(frame).index("ts") < list(frame).index("type") else 1


def test_every_frame_of_a_topic_makes_events_in_its_market():
    made = dict.fromkeys(range(len(VENUES)), 0)
    for name, line in frames():
        frame = json.loads(line)
        if "topic" not in frame or "type" not in frame or VENUES[1].streams_of(frame["topic"]) is None:
            continue
        market = market_of(frame)
        values = frame_decoder(VENUES[market]).frame(line, 0)
        assert not any(isinstance(value, (DecodeFailed, Gap)) for value in values), (name, values)
        # Deltas of tops and tickers mean nothing before a snapshot.
        assert values or frame["type"] == "delta", (name, line)
        made[market] += len(values)
    assert all(made.values()), made


@pytest.mark.parametrize("venue", VENUES, ids=lambda venue: venue.exchange.value)
def test_nothing_that_was_recorded_is_unreadable_to_any_market(venue):
    decoder = frame_decoder(venue)
    for name, line in frames():
        for value in decoder.frame(line, 0):
            assert not isinstance(value, DecodeFailed), (name, value)
    assert decoder.counts.failures == 0
    assert decoder.counts.control > 0
