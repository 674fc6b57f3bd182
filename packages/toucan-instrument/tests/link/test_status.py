"""Status values are plain data."""

from __future__ import annotations

import pickle

import msgspec
import pytest

from toucan_instrument.link import Closed, Connected, Disconnected, LinkStatus, Retrying

VALUES = [
    Connected(link="a", at_ns=1, attempt=2),
    Disconnected(link="a", at_ns=1, closed=Closed(1001, "bye")),
    Retrying(link="a", at_ns=1, attempt=2, delay_ns=3, reason="no route"),
]


@pytest.mark.parametrize("value", VALUES)
def test_they_survive_pickle_and_json(value):
    assert isinstance(value, LinkStatus)
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301
    text = msgspec.json.encode(value)
    assert msgspec.json.decode(text, type=Connected | Disconnected | Retrying) == value
