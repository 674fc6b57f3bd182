"""Status values: said once, in one line, and with all that is needed to act on them."""

import json
import pickle
import typing

import pytest

from toucan_data import BinanceSpot, Exchange, status
from toucan_data.status import (
    Connected,
    DecodeFailed,
    Disconnected,
    Dropped,
    Gap,
    Resynced,
    Retrying,
    Silent,
    SnapshotFailed,
    SubscriptionFailed,
)
from toucan_instrument.link import Closed

OF = BinanceSpot().unchecked("BTCUSDT")
HEAD = {"at_ns": 5, "exchange": Exchange.BINANCE_SPOT}
BOOK = {**HEAD, "instrument": OF, "kind": "OrderBooksL2"}
LINK = {"link": "binance-spot/stream/0", "at_ns": 5}
VALUES = [
    Gap(**BOOK, first_missing=3, last_missing=None, reason="disconnected"),
    Resynced(**BOOK, first_missing=3, last_missing=9),
    SnapshotFailed(**HEAD, instrument=OF, reason="too old", delay_ns=7),
    Dropped(at_ns=5, count=3, selection="PublicTrades"),
    DecodeFailed(**HEAD, error="not JSON", raw=b'{"\xff\n'),
    Silent(**BOOK, channel="btcusdt@depth", route="public", waited_ns=9),
    Silent(**HEAD, instrument=None, kind="Tickers24h", channel="!ticker@arr", route="market", waited_ns=9),
    SubscriptionFailed(**HEAD, channels=("btcusdt@trade",), code=4, message="Too many"),
    SubscriptionFailed(**HEAD, channels=(), code=None, message="no answer"),
    Connected(**LINK, attempt=1),
    Disconnected(**LINK, closed=Closed(1008, "Too many requests")),
    Retrying(**LINK, attempt=2, delay_ns=3, reason="refused"),
]
EVERY = pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)


def test_all_of_them_are_here():
    assert {type(value) for value in VALUES} == set(typing.get_args(status.Status))


@EVERY
def test_a_status_is_a_value(value):
    again = pickle.loads(pickle.dumps(value))  # noqa: S301 - made here
    assert again == value
    assert type(again) is type(value)
    with pytest.raises(AttributeError):
        value.at_ns = 9


@EVERY
def test_a_status_is_one_line_that_names_it(value):
    for text in (repr(value), str(value)):
        assert text.startswith(type(value).__name__)
        assert "\n" not in text


@pytest.mark.parametrize("value", [v for v in VALUES if isinstance(v, status.FeedStatus)])
def test_a_status_becomes_a_dict_and_json(value):
    plain = value.to_dict()
    assert plain["type"] == type(value).__name__
    assert json.loads(value.to_json()) == plain
    assert set(plain) >= set(value.__struct_fields__)


def test_a_frame_of_garbage_does_not_fill_the_log():
    failed = DecodeFailed(**HEAD, error="x", raw=b"\x00" * 65_536)
    assert len(repr(failed)) < 1_200
    assert "65536 in all" in repr(failed)
    assert len(failed.raw) == 65_536


def test_fields_are_named_not_counted():
    with pytest.raises(TypeError):
        Dropped(5, 3, "x")
