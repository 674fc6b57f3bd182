"""Events, kinds and status values as values: they compare, pickle, print on one line, and become JSON."""

import copy
import json
import pickle
from decimal import Decimal

import pytest

from toucan_data import (
    BinanceSpot,
    Candle,
    Candles,
    Connected,
    DecodeFailed,
    Dropped,
    Exchange,
    FundingRate,
    Gap,
    Liquidation,
    MarkPrice,
    NotReady,
    OpenInterest,
    OrderBookL1,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    OrderBooksL2,
    PublicTrade,
    PublicTrades,
    Resynced,
    Side,
    StaleBook,
    Ticker24h,
)

OF = BinanceSpot().unchecked("BTCUSDT")
HEAD = (Exchange.BINANCE_SPOT, OF, None, 1_700_000_000_000_000_001)
D = Decimal
MANY = [(f"{number}.00", "1") for number in range(1_000)]
EVENTS = [
    PublicTrade(*HEAD, 7, 7, 9, D("1.10"), D("0.00000001"), Side.SELL),
    OrderBookL1(*HEAD, 3, D("1.0"), D("2"), None, None),
    OrderBookL2Snapshot(*HEAD, 3, MANY, MANY),
    OrderBookL2Update(*HEAD, 4, 5, None, [("1.10", "0")], [], ("1.0", "2"), None),
    Liquidation(*HEAD, Side.BUY, D(1), None, D(2), None, None, "LIMIT", "IOC", "NEW"),
    Candle(*HEAD, "1m", 1, 2, *[D("1.0")] * 5, None, None, None, 3, None, None, closed=True),
    Ticker24h(*HEAD, *[D("1.0")] * 6),
    MarkPrice(*HEAD, D("1.0"), None, None, None, D("-0.0001"), 5),
    FundingRate(*HEAD, D("-0.0001"), 5, 28_800 * 10**9, None),
    OpenInterest(*HEAD, D("12.0"), None),
    Gap(
        at_ns=1,
        exchange=HEAD[0],
        instrument=OF,
        kind="PublicTrades",
        first_missing=1,
        last_missing=2,
        reason="x",
    ),
    Resynced(
        at_ns=1, exchange=HEAD[0], instrument=OF, kind="OrderBooksL2", first_missing=None, last_missing=None
    ),
    Dropped(at_ns=1, count=2, selection="everything"),
    DecodeFailed(at_ns=1, exchange=HEAD[0], error="x", raw=b"\xff{"),
]
EVERY = pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)


@EVERY
def test_an_event_is_a_value(event):
    assert pickle.loads(pickle.dumps(event)) == event  # noqa: S301 - made here
    assert copy.deepcopy(event) == event
    with pytest.raises(AttributeError):
        event.exchange = None


@EVERY
def test_an_event_prints_on_one_line_and_not_too_long(event):
    for text in (repr(event), str(event)):
        assert "\n" not in text
        assert len(text) < 600
        assert type(event).__name__ in text


@EVERY
def test_an_event_becomes_a_dict_and_json(event):
    plain = event.to_dict()
    assert plain["type"] == type(event).__name__
    assert json.loads(event.to_json()) == plain
    if "instrument" in plain:
        assert (plain["instrument"], plain["symbol"]) == ("BTC/USDT", "BTCUSDT")


def test_digits_stay_as_they_came():
    plain = EVENTS[0].to_dict()
    assert (plain["price"], plain["quantity"]) == ("1.10", "0.00000001")
    assert EVENTS[3].to_dict()["bids"] == [["1.10", "0"]]
    assert str(next(EVENTS[3].bid_levels()).price) == "1.10"
    assert EVENTS[3].best_bid.quantity == D(2)
    assert EVENTS[3].best_ask is None
    assert EVENTS[1].mid is None


def test_kinds_are_values_and_select_by_family():
    assert Candles("1m") == Candles("1m") != Candles("1M")
    assert OrderBooksL2() == OrderBooksL2
    assert hash(OrderBooksL2(depth=5)) == hash(OrderBooksL2(depth=5))
    for kind in (PublicTrades, Candles("1m"), OrderBooksL2(depth=5, events=False)):
        assert pickle.loads(pickle.dumps(kind)) == kind  # noqa: S301 - made here
    assert Candles.selects(Candles("1m"))
    assert not Candles("5m").selects(Candles("1m"))
    assert OrderBooksL2.selects(OrderBooksL2(depth=5))
    assert not OrderBooksL2(depth=10).selects(OrderBooksL2(depth=5))
    assert not PublicTrades.selects(OrderBooksL2)
    assert (OrderBooksL2(depth=5).depth, OrderBooksL2.snapshot_levels, OrderBooksL2.events) == (5, 1000, True)
    assert repr(Candles("1m")) == "Candles(interval='1m')"


def test_errors_pickle():
    for error in (StaleBook("BTC/USDT", "syncing"), NotReady(("a", "b"))):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
        assert str(again) == str(error)


def test_status_of_the_link_is_the_links_own():
    assert Connected.__module__.startswith("toucan_instrument.link")
