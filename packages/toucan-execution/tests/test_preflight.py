from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_execution.orders import AmendRequest, Order, OrderRequest, OrderStatus, OrderType, PositionSide
from toucan_execution.preflight import MarketFacts, preflight, preflight_amend
from toucan_instrument import Exchange, InvalidInput, Side, TradingRules
from toucan_instrument.exchange.binance import parse_symbol

D = Decimal

RULES = TradingRules(
    tick_size=D("0.01"),
    min_price=D("0.01"),
    max_price=D(100_000),
    step_size=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D(100),
    market_max_quantity=D(10),
    min_notional=D(5),
    max_notional=D(1_000_000),
    max_notional_market=False,
    bid_multiplier_up=D("1.2"),
    bid_multiplier_down=D("0.2"),
    ask_multiplier_up=D(5),
    ask_multiplier_down=D("0.8"),
    max_orders=200,
    max_algo_orders=5,
    max_iceberg_parts=10,
    max_position=D(1_000),
)
SPOT = parse_symbol(Exchange.BINANCE_SPOT, "BTCUSDT")
USD_M = parse_symbol(Exchange.BINANCE_USD_M, "BTCUSDT")
COIN_M = parse_symbol(Exchange.BINANCE_COIN_M, "BTCUSD_PERP")
NOTHING = MarketFacts()


def order(instrument=SPOT, kind=OrderType.LIMIT, side=Side.BUY, rules=RULES, **fields):
    if kind.has_price:
        fields.setdefault("price", D(100))
    if "quote_quantity" not in fields:
        fields.setdefault("quantity", D(1))
    known = msgspec.structs.replace(instrument, rules=rules)
    return OrderRequest(instrument=known, side=side, type=kind, **fields)


def broken(request, **facts):
    return [(each.rule, each.nearest) for each in preflight(request, facts=MarketFacts(**facts))]


def test_a_good_order_breaks_nothing():
    facts = {"reference_price": D(100), "open_orders": 199, "open_algo_orders": 5, "base_held": D(999)}
    assert broken(order(), **facts) == []


def test_without_rules_nothing_is_checked():
    assert broken(order(quantity=D("0.0000001"), price=D("0.001"), rules=None)) == []


@pytest.mark.parametrize(
    ("fields", "rule", "nearest"),
    [
        ({"price": D("100.005")}, "tick_size", D("100.00")),
        ({"price": D("0.001")}, "min_price", D("0.01")),
        ({"price": D(100_001), "quantity": D("0.001")}, "max_price", D("100000.00")),
        ({"quantity": D("1.0005")}, "step_size", D("1.000")),
        ({"quantity": D("0.0001"), "price": D(90_000)}, "min_quantity", D("0.001")),
        ({"quantity": D(101)}, "max_quantity", D("100.000")),
        ({"quantity": D("0.049")}, "min_notional", D("0.050")),
        ({"quantity": D(100), "price": D(10_001)}, "max_notional", D("99.990")),
        ({"kind": OrderType.MARKET, "quantity": D(11)}, "market_max_quantity", D("10.000")),
        ({"kind": OrderType.MARKET, "quote_quantity": D("4.99")}, "min_notional", D(5)),
        ({"kind": OrderType.STOP_MARKET, "trigger_price": D("1.001")}, "trigger_price.tick_size", D("1.00")),
        (
            {"kind": OrderType.TRAILING_STOP_MARKET, "activation_price": D("1.001"), "trailing_bips": 10},
            "activation_price.tick_size",
            D("1.00"),
        ),
        ({"iceberg_quantity": D("0.0005")}, "iceberg_quantity.min_quantity", D("0.001")),
        ({"iceberg_quantity": D("0.099")}, "iceberg_parts", D("0.100")),
    ],
)
def test_each_rule_with_limit_given_and_nearest(fields, rule, nearest):
    found = preflight(order(**fields), facts=NOTHING)
    assert rule in [each.rule for each in found]
    violation = next(each for each in found if each.rule == rule)
    assert violation.nearest == nearest
    assert violation.limit is not None
    assert violation.given is not None


def test_percent_price_needs_a_reference_price_and_goes_by_side():
    assert broken(order(price=D(121))) == []
    assert broken(order(price=D(121)), reference_price=D(100)) == [("percent_price", D("120.00"))]
    assert broken(order(price=D(19)), reference_price=D(100)) == [("percent_price", D("20.00"))]
    assert broken(order(side=Side.SELL, price=D(79)), reference_price=D(100)) == [
        ("percent_price", D("80.00"))
    ]
    stop = order(kind=OrderType.STOP_LIMIT, price=D(121), trigger_price=D(121))
    assert broken(stop, reference_price=D(100)) == []  # it is compared once it was triggered


def test_a_market_order_is_worth_what_the_reference_price_says():
    small = order(kind=OrderType.MARKET, quantity=D("0.01"))
    assert broken(small) == []
    assert broken(small, reference_price=D(100)) == [("min_notional", D("0.050"))]
    free = msgspec.structs.replace(RULES, min_notional_market=False)
    assert broken(order(kind=OrderType.MARKET, quantity=D("0.01"), rules=free), reference_price=D(100)) == []
    assert broken(order(kind=OrderType.MARKET, quote_quantity=D(1), rules=free)) == []
    capped = msgspec.structs.replace(RULES, max_notional_market=True)
    assert broken(order(kind=OrderType.MARKET, quote_quantity=D(1_000_001), rules=capped)) == [
        ("max_notional", D(1_000_000))
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"reduce_only": True},
        {"side": Side.SELL, "position_side": PositionSide.LONG},
        {"side": Side.BUY, "position_side": PositionSide.SHORT},
    ],
)
def test_what_makes_a_position_smaller_has_no_least_worth(fields):
    assert broken(order(USD_M, quantity=D("0.01"), **fields)) == []
    assert broken(order(USD_M, quantity=D("0.01"))) == [("min_notional", D("0.050"))]


def test_inverse_contracts_are_worth_a_fixed_amount():
    rules = TradingRules(step_size=D(1), min_notional=D(250))
    assert broken(order(COIN_M, quantity=D(2), price=D(50_000), rules=rules)) == [("min_notional", D(3))]
    assert broken(order(COIN_M, quantity=D(3), price=D(1), rules=rules)) == []


def test_counts_of_open_orders():
    stop = order(kind=OrderType.STOP_MARKET, trigger_price=D(100))
    assert broken(order(), open_orders=200) == [("max_orders", None)]
    # Spot counts conditional orders among all, derivatives apart.
    assert broken(stop, open_orders=200, open_algo_orders=5) == [
        ("max_orders", None),
        ("max_algo_orders", None),
    ]
    future = order(USD_M, kind=OrderType.STOP_MARKET, trigger_price=D(100))
    assert broken(future, open_orders=500, open_algo_orders=5) == [("max_algo_orders", None)]
    assert broken(order(USD_M), open_orders=202, open_algo_orders=3) == []
    assert broken(order(USD_M), open_orders=203, open_algo_orders=3) == [("max_orders", None)]
    account = {"account_algo_orders": 200, "max_account_algo_orders": 200}
    assert broken(future, **account) == [("max_account_algo_orders", None)]
    assert broken(order(USD_M), **account) == []
    assert broken(order(USD_M, kind=OrderType.STOP_MARKET, trigger_price=D(1), rules=None), **account) != []


def test_the_largest_position():
    assert broken(order(quantity=D(2)), base_held=D("998.5")) == [("max_position", D("1.500"))]
    assert broken(order(quantity=D(2)), base_held=D(1_000)) == [("max_position", None)]
    assert broken(order(side=Side.SELL, quantity=D(2)), base_held=D(1_000)) == []


def test_a_float_is_an_error_of_the_program():
    with pytest.raises(InvalidInput):
        preflight(order(price=100.5), facts=NOTHING)
    with pytest.raises(InvalidInput):
        preflight(order(), facts=MarketFacts(reference_price=100.5))


@given(
    price=st.decimals("0.0001", 200_000, places=4),
    quantity=st.decimals("0.0001", 200, places=4),
    reference=st.none() | st.decimals(1, 100_000, places=2),
    side=st.sampled_from(Side),
    market=st.booleans(),
)
def test_the_nearest_values_are_legal(price, quantity, reference, side, market):
    kind = OrderType.MARKET if market else OrderType.LIMIT
    request = order(kind=kind, side=side, quantity=quantity, **({} if market else {"price": price}))
    facts = MarketFacts(reference_price=reference)
    price_rules = ("tick_size", "min_price", "max_price", "percent_price")
    for each in preflight(request, facts=facts):
        if each.nearest is None:
            continue
        field = "price" if each.rule in price_rules else "quantity"
        mended = msgspec.structs.replace(request, **{field: each.nearest})
        assert each.rule not in [again.rule for again in preflight(mended, facts=facts)]


# Changes of open orders.


def change(instrument=SPOT, rules=RULES, **fields):
    known = msgspec.structs.replace(instrument, rules=rules)
    return AmendRequest(instrument=known, client_order_id="a", **fields)


def known(**fields):
    fields = {"side": Side.BUY, "type": OrderType.LIMIT, "price": D(100), "quantity": D(1)} | fields
    return Order(instrument=SPOT, client_order_id="a", order_id="1", status=OrderStatus.OPEN, **fields)


def broken_by(request, order_known=None, **facts):
    found = preflight_amend(request, order_known, facts=MarketFacts(**facts))
    return [(each.rule, each.nearest) for each in found]


def test_a_change_is_checked_for_what_it_changes():
    assert broken_by(change(price=D("100.005")), known()) == [("tick_size", D("100.00"))]
    assert broken_by(change(quantity=D("0.9994")), known()) == [("step_size", D("0.999"))]
    assert broken_by(change(price=D(99), quantity=D("0.5")), known(), open_orders=200) == []


def test_the_worth_of_a_changed_order_is_that_of_all_of_it():
    small = change(quantity=D("0.049"))
    assert broken_by(small, known()) == [("min_notional", D("0.050"))]
    assert broken_by(small, known(price=D(103))) == []
    assert broken_by(change(price=D("4.99")), known()) == [("min_notional", D("1.003"))]
    assert broken_by(small) == []  # an order that is not known may make a position smaller
    assert broken_by(small, known(reduce_only=True)) == []


def test_a_changed_price_is_held_against_the_reference_by_the_orders_side():
    far = change(price=D(121))
    assert [rule for rule, _ in broken_by(far, known(), reference_price=D(100))] == ["percent_price"]
    assert broken_by(far, known(side=Side.SELL), reference_price=D(100)) == []


def test_a_change_without_rules_is_left_to_the_venue_and_a_float_is_an_error():
    assert broken_by(change(price=D("0.00000001"), rules=None), known()) == []
    with pytest.raises(InvalidInput):
        broken_by(change(price=1.5))
