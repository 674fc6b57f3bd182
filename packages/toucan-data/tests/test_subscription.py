"""What a user may ask for, and how each way of asking wrongly is answered: field, value, what is accepted."""

import pickle

import pytest

from toucan_data import (
    WHOLE_MARKET,
    BinanceFuturesUsd,
    BinanceSpot,
    Candles,
    Environment,
    InstrumentKind,
    OrderBooksL1,
    PublicTrades,
    Subscription,
)
from toucan_data.subscription import Pair, WholeMarket, expand, product, subscription_of
from toucan_instrument import Catalogue
from toucan_instrument.errors import InvalidInput

SPOT = BinanceSpot()
BTC, ETH = SPOT.unchecked("BTCUSDT"), SPOT.unchecked("ETHUSDT")
PAIR = Pair("btc", "usdt", InstrumentKind.SPOT)


@pytest.mark.parametrize(
    ("item", "target"),
    [
        ((SPOT, "btc", "usdt", InstrumentKind.SPOT, PublicTrades), PAIR),
        ((SPOT, "btc", "usdt", "spot", PublicTrades), PAIR),
        ((SPOT, "BTC/USDT", PublicTrades), "BTC/USDT"),
        ((SPOT, "币安人生USDT", PublicTrades), "币安人生USDT"),
        ((SPOT, BTC, PublicTrades), BTC),
        ((SPOT, PAIR, PublicTrades), PAIR),
        ((SPOT, WHOLE_MARKET, PublicTrades), WholeMarket()),
        (Subscription(SPOT, "BTC/USDT", PublicTrades), "BTC/USDT"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_form_means_a_subscription(item, target):
    assert subscription_of(item) == Subscription(SPOT, target, PublicTrades)


GOOD = (SPOT, "BTC/USDT", PublicTrades)
WRONG = [
    # what is given, the field that is named, its value, a part of what is accepted
    ("BTC/USDT", "subscription", "BTC/USDT", "PublicTrades"),
    (None, "subscription", None, "Subscription"),
    ((), "subscription", (), "Subscription"),
    ((SPOT, "BTC/USDT"), "subscription", (SPOT, "BTC/USDT"), "Subscription"),
    (
        (SPOT, "btc", "usdt", PublicTrades),
        "subscription",
        (SPOT, "btc", "usdt", PublicTrades),
        "Subscription",
    ),
    (list(GOOD), "subscription", list(GOOD), "Subscription"),
    ((BinanceSpot, "BTC/USDT", PublicTrades), "venue", BinanceSpot, "BinanceSpot()"),
    (("binance", "BTC/USDT", PublicTrades), "venue", "binance", "BinanceSpot()"),
    ((None, "BTC/USDT", PublicTrades), "venue", None, "instance"),
    (("BTC/USDT", SPOT, PublicTrades), "venue", "BTC/USDT", "instance"),
    ((SPOT, "BTC/USDT", "PublicTrades"), "kind", "PublicTrades", "OrderBooksL1"),
    ((SPOT, "BTC/USDT", None), "kind", None, "PublicTrades"),
    ((SPOT, "BTC/USDT", Candles), "kind", Candles, 'Candles("1m")'),
    (Subscription(SPOT, "BTC/USDT", Candles), "kind", Candles, 'Candles("1m")'),
    ((SPOT, "", PublicTrades), "instrument", "", "BTC/USDT"),
    ((SPOT, None, PublicTrades), "instrument", None, "BTC/USDT"),
    ((SPOT, 1, PublicTrades), "instrument", 1, "BTC/USDT"),
    ((SPOT, PublicTrades, "BTC/USDT"), "kind", "BTC/USDT", "PublicTrades"),
    ((SPOT, "", "usdt", "spot", PublicTrades), "base", "", "btc"),
    ((SPOT, None, "usdt", "spot", PublicTrades), "base", None, "btc"),
    ((SPOT, "btc", 5, "spot", PublicTrades), "quote", 5, "btc"),
    ((SPOT, "btc", "usdt", "spto", PublicTrades), "instrument kind", "spto", "perpetual"),
    ((SPOT, "btc", "usdt", None, PublicTrades), "instrument kind", None, "spot"),
    ((SPOT, BinanceFuturesUsd().unchecked("BTCUSDT"), PublicTrades), "instrument",
     "BTC/USDT:USDT of binance-usd-m", "binance-spot"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "field", "value", "accepted"), WRONG, ids=repr)
def test_what_is_wrong_is_named(item, field, value, accepted):
    with pytest.raises(InvalidInput) as caught:
        subscription_of(item)
    error = caught.value
    assert (error.field, error.value) == (field, value)
    assert accepted in error.accepted
    assert field in str(error)
    assert isinstance(error, ValueError)
    with pytest.raises(InvalidInput):
        expand([GOOD, item], None, None)


@pytest.mark.parametrize("nothing", [[], (), iter(())])
def test_nothing_is_no_subscription(nothing):
    with pytest.raises(InvalidInput, match="nothing to subscribe"):
        expand(nothing, None, None)


@pytest.mark.parametrize("no_list", ["BTC/USDT", b"BTC", None, 5, SPOT, Catalogue(SPOT.exchange, [BTC])])
def test_what_is_no_list_is_refused(no_list):
    with pytest.raises(InvalidInput) as caught:
        expand(no_list, None, None)
    assert caught.value.field == "subscriptions"


def test_one_alone_needs_no_list():
    for one in (GOOD, Subscription(*GOOD)):
        assert expand(one, None, None) == [Subscription(*GOOD)]
    assert expand((one for one in [GOOD]), None, None) == [Subscription(*GOOD)]


def test_a_product_is_every_instrument_with_every_kind():
    expected = [
        Subscription(SPOT, instrument, kind)
        for instrument in (BTC, ETH)
        for kind in (PublicTrades, OrderBooksL1)
    ]
    kinds = [PublicTrades, OrderBooksL1]
    catalogue = Catalogue(SPOT.exchange, [BTC, ETH], source=SPOT)
    assert product(catalogue, kinds) == expected
    assert product(catalogue.where(base=["BTC", "ETH"]), kinds) == expected
    assert product([BTC, ETH], kinds, SPOT) == expected
    assert product(iter([BTC, ETH]), iter(kinds), SPOT) == expected
    assert product(catalogue, OrderBooksL1) == expected[1::2]
    assert expand(catalogue, kinds, None) == expected
    demo = BinanceSpot(Environment.DEMO)
    assert {each.venue for each in product(catalogue, kinds, demo)} == {demo}  # what is said wins


def test_a_product_needs_a_venue_and_something_of_each():
    catalogue = Catalogue(SPOT.exchange, [BTC], source=SPOT)
    for wrong, field in (
        (lambda: product([BTC], PublicTrades), "venue"),
        (lambda: product(Catalogue(SPOT.exchange, [BTC]), PublicTrades), "venue"),
        (lambda: product(catalogue.where(base="XYZ"), PublicTrades), "instruments"),
        (lambda: product(catalogue, []), "kinds"),
        (lambda: product(catalogue, [Candles]), "kind"),
        (lambda: product(catalogue, PublicTrades, BinanceFuturesUsd()), "instrument"),
    ):
        with pytest.raises(InvalidInput) as caught:
            wrong()
        assert caught.value.field == field


def test_a_subscription_is_a_value():
    one = Subscription(SPOT, "BTC/USDT", Candles("1m"))
    assert len({one, Subscription(BinanceSpot(), "BTC/USDT", Candles("1m"))}) == 1
    assert one != Subscription(SPOT, "BTC/USDT", Candles("1M"))
    assert "\n" not in repr(one)
    assert "Candles(interval='1m')" in repr(one)
    assert "BTC/USDT" in repr(Subscription(SPOT, BTC, PublicTrades))
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - made here
