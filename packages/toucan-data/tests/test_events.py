"""Events: exact digits in, exact digits out, in every form in which they leave.

That each is a value, prints on one line and becomes JSON stands in ``test_values.py``, for all of them.
"""

import json
import pickle
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_data import (
    BinanceFuturesCoin,
    BinanceSpot,
    Exchange,
    Level,
    MarketEvent,
    OrderBookL1,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    PublicTrade,
    Side,
)
from toucan_data.events import exact_levels
from toucan_instrument.plain import one_line

D = Decimal
OF = BinanceSpot().unchecked("BTCUSDT")
HEAD = (Exchange.BINANCE_SPOT, OF, 1_700_000_000_000_000_001, 1_700_000_000_000_000_002)
PLAIN = st.from_regex(r"\A[0-9]{1,20}(\.[0-9]{1,20})?\Z")


def trade(price="1.10", quantity="2.00", **changes):
    event = PublicTrade(*HEAD, 7, 7, 7, D(price), D(quantity), Side.BUY)
    return msgspec.structs.replace(event, **changes)


@given(price=PLAIN, quantity=PLAIN)
def test_digits_survive_every_way_out(price, quantity):
    event = trade(D(price), D(quantity))
    for plain in (event.to_dict(), json.loads(event.to_json())):
        for name, text in (("price", price), ("quantity", quantity)):
            assert D(plain[name]).as_tuple() == D(text).as_tuple()
            assert "E" not in plain[name]
    again = pickle.loads(pickle.dumps(event))  # noqa: S301 - made here
    assert again.price.as_tuple() == D(price).as_tuple()
    assert f"price={format(D(price), 'f')}, quantity={format(D(quantity), 'f')}" in repr(event)


def test_a_dict_names_type_instrument_and_symbol():
    assert trade().to_dict() == {
        "type": "PublicTrade",
        "exchange": "binance-spot",
        "instrument": "BTC/USDT",
        "symbol": "BTCUSDT",
        "time_exchange": HEAD[2],
        "time_received": HEAD[3],
        "id": 7,
        "first_id": 7,
        "last_id": 7,
        "price": "1.10",
        "quantity": "2.00",
        "aggressor": "buy",
    }
    assert trade(time_exchange=None).to_dict()["time_exchange"] is None


def test_json_is_one_line_of_utf_8():
    coin = BinanceSpot().unchecked("币安人生USDT")
    text = trade(instrument=coin).to_json()
    assert b"\n" not in text
    assert json.loads(text)["symbol"] == "币安人生USDT"


def test_small_numbers_are_never_written_with_an_exponent():
    assert trade(D("1E-8")).to_dict()["price"] == "0.00000001"
    assert "price=0.00000001" in repr(trade(D("1E-8")))
    assert trade(D("0E-8")).to_dict()["price"] == "0.00000000"


@pytest.mark.parametrize("field", ["price", "time_received", "instrument", "new"])
def test_an_event_cannot_be_changed(field):
    with pytest.raises(AttributeError):
        setattr(trade(), field, None)


def test_events_compare_by_what_they_say():
    assert trade() == trade()
    assert trade() != trade(quantity=D(3))
    assert trade(D("1.10")) == trade(D("1.1"))  # as numbers
    assert trade() != OrderBookL1(*HEAD, None, None, None, None, None)
    assert isinstance(trade(), MarketEvent)


def test_a_top_of_book_with_an_empty_side():
    full = OrderBookL1(*HEAD, 1, D("1.0"), D(2), D("1.5"), D(3))
    assert (full.mid, full.spread) == (D("1.25"), D("0.5"))
    for one_sided in (
        OrderBookL1(*HEAD, 1, None, None, D("1.5"), D(3)),
        OrderBookL1(*HEAD, 1, D("1.0"), D(2), None, None),
    ):
        assert one_sided.mid is one_sided.spread is None


def test_levels_are_exact_and_come_in_the_order_of_the_venue():
    update = OrderBookL2Update(*HEAD, 4, 5, 3, [("1.10", "0"), ("1.30", "5.0")], [], ("1.30", "5.0"), None)
    assert list(update.bid_levels()) == [Level(D("1.10"), D(0)), Level(D("1.30"), D("5.0"))]
    assert list(update.ask_levels()) == []
    assert update.best_bid == Level(D("1.30"), D("5.0"), beyond_horizon=False)
    assert update.best_ask is None
    picture = OrderBookL2Snapshot(*HEAD, 4, [("1.10", "2")], [])
    assert picture.depth is None
    assert picture.best_bid == Level(D("1.10"), D(2))
    assert picture.best_ask is None
    assert [str(level.price) for level in exact_levels([("0.10", "1"), ("0.100", "1")])] == ["0.10", "0.100"]


def test_a_long_book_prints_short_and_says_how_long_it_is():
    many = [(str(number), "1") for number in range(5_000)]
    text = repr(OrderBookL2Snapshot(*HEAD, 4, many, many[:3]))
    assert "5000 in all" in text
    assert len(text) < 500
    assert "3 in all" not in text


@given(st.binary(max_size=3_000) | st.text(max_size=3_000))
def test_nothing_makes_a_line_long_or_two(value):
    class Odd(msgspec.Struct):
        value: object

    text = one_line(Odd(value))
    assert "\n" not in text
    if isinstance(value, bytes):
        assert len(text) < 1_000


def test_the_unit_of_a_quantity_is_the_instruments():
    coin = BinanceFuturesCoin().unchecked("BTCUSD_PERP")
    event = trade(D(50_000), D(3), instrument=coin)
    assert event.instrument.notional(event.quantity, event.price) == 300
    assert event.instrument.base_quantity(event.quantity, event.price) == D("0.006")
