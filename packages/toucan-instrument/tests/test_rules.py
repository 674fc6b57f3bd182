"""Trading rules say which rule is broken, the limit, what was given and the nearest legal value."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from toucan_instrument import InvalidInput, Side, TradingRules, Violation

D = Decimal
SPOT = TradingRules(
    tick_size=D("0.01"),
    min_price=D("0.01"),
    max_price=D(1_000_000),
    step_size=D("0.00001"),
    min_quantity=D("0.00001"),
    max_quantity=D(9_000),
    market_max_quantity=D("112.2110882"),
    min_notional=D(5),
    max_notional=D(9_000_000),
    max_notional_market=False,
    bid_multiplier_up=D("1.2"),
    bid_multiplier_down=D("0.2"),
    ask_multiplier_up=D(5),
    ask_multiplier_down=D("0.8"),
)
FUTURES = TradingRules(
    tick_size=D("0.10"),
    min_price=D("556.72"),
    max_price=D(4_529_764),
    price_anchored=True,
    step_size=D("0.002"),
    min_quantity=D("0.001"),
    max_quantity=D(1_000),
    quantity_anchored=True,
    market_step_size=D("0.003"),
    market_min_quantity=D("0.002"),
    market_max_quantity=D(120),
)

some = st.none()
prices = st.decimals(min_value="-10", max_value="2e6", places=6)
quantities = st.decimals(min_value="-10", max_value="20000", places=8)
grids = st.decimals(min_value="0.00001", max_value=10, places=5)
bounds = st.decimals(min_value="0.00001", max_value=1000, places=5)


@st.composite
def rules(draw: st.DrawFn) -> TradingRules:
    limits: dict[str, Any] = {
        name: draw(some | strategy)
        for name, strategy in {
            "tick_size": grids,
            "min_price": bounds,
            "step_size": grids,
            "min_quantity": bounds,
            "market_step_size": grids,
            "market_min_quantity": bounds,
            "min_notional": bounds,
        }.items()
    }
    for name in ("max_price", "max_quantity", "market_max_quantity", "max_notional"):
        limits[name] = draw(some | bounds.map(lambda bound: bound * 1000))
    anchored = draw(st.booleans())
    return TradingRules(price_anchored=anchored, quantity_anchored=anchored, **limits)


def names(broken: tuple[Violation, ...]) -> list[str]:
    return [each.rule for each in broken]


def test_nothing_is_broken_where_there_are_no_rules() -> None:
    assert TradingRules().check(D("0.123456789"), D("1e-9")) == ()


@pytest.mark.parametrize(
    ("price", "broken", "nearest"),
    [
        ("100.01", [], None),
        ("100.014", ["tick_size"], "100.01"),
        ("100.016", ["tick_size"], "100.02"),
        ("0.001", ["min_price", "tick_size"], "0.01"),
        ("0", ["min_price"], "0.01"),
        ("1000000.5", ["max_price"], "1000000"),
    ],
)
def test_prices(price: str, broken: list[str], nearest: str | None) -> None:
    found = SPOT.check_price(D(price))
    assert names(found) == broken
    assert all(each.nearest == D(nearest or 0) for each in found)
    assert all(each.given == D(price) for each in found)


def test_futures_count_from_the_least_price() -> None:
    assert FUTURES.check_price(D("556.82")) == ()
    (found,) = FUTURES.check_price(D("600.00"))
    assert found == Violation("tick_size", D("0.10"), D("600.00"), D("600.02"))
    assert FUTURES.check_quantity(D("0.003")) == ()
    (found,) = FUTURES.check_quantity(D("0.002"))
    assert (found.rule, found.nearest) == ("step_size", D("0.001"))


def test_a_market_order_keeps_to_both_sets() -> None:
    # On 0.001 + 0.002 n and on 0.002 + 0.003 m: 0.005, 0.011, 0.017 ...
    assert FUTURES.check_quantity(D("0.011"), market=True) == ()
    (found,) = FUTURES.check_quantity(D("0.003"), market=True)
    assert (found.rule, found.limit, found.nearest) == ("market_step_size", D("0.003"), D("0.005"))
    assert names(FUTURES.check_quantity(D("120.005"), market=True)) == ["market_max_quantity"]
    assert FUTURES.check_quantity(D("120.005")) == ()


def test_grids_that_never_meet_have_no_legal_value() -> None:
    odd = TradingRules(
        step_size=D(2), market_step_size=D(2), market_min_quantity=D(1), quantity_anchored=True
    )
    (found,) = odd.check_quantity(D(3), market=True)
    assert found == Violation("step_size", D(2), D(3), None)


def test_each_side_has_its_own_bounds_around_the_reference() -> None:
    reference = D(100)
    assert SPOT.check_price(D("120.00"), side=Side.BUY, reference=reference) == ()
    (found,) = SPOT.check_price(D("120.01"), side=Side.BUY, reference=reference)
    assert found == Violation("percent_price", D("120.0"), D("120.01"), D("120.00"))
    (found,) = SPOT.check_price(D("79.99"), side=Side.SELL, reference=reference)
    assert (found.rule, found.nearest) == ("percent_price", D("80.00"))
    assert SPOT.check_price(D("120.01"), side=Side.SELL, reference=reference) == ()
    assert SPOT.check_price(D("120.01"), reference=reference) == ()  # which side is not known
    assert SPOT.check_price(D("120.01"), side=Side.BUY) == ()  # nor what around


def test_worth() -> None:
    (found,) = SPOT.check_notional(D(30_000), D("0.0001"))
    assert found == Violation("min_notional", D(5), D("3.0000"), D("0.00017"))
    assert SPOT.check_notional(D(30_000), D("0.00017")) == ()
    (found,) = SPOT.check_notional(D(30_000), D(301))
    assert (found.rule, found.nearest) == ("max_notional", D(300))
    assert SPOT.check_notional(D(30_000), D(301), market=True) == ()


def test_no_quantity_is_worth_enough_at_a_price_of_zero() -> None:
    (found,) = SPOT.check_notional(D(0), D(1))
    assert found.nearest is None


def test_the_nearest_worth_keeps_to_the_quantities_too() -> None:
    small = TradingRules(step_size=D(1), max_quantity=D(10), min_notional=D(5))
    (found,) = small.check_notional(D("0.1"), D(10))  # 50 would be needed
    assert found.nearest is None


def test_a_quantity_is_above_zero() -> None:
    (found,) = TradingRules(step_size=D("0.1")).check_quantity(D(0))
    assert (found.rule, found.nearest) == ("above_zero", D("0.1"))
    assert names(TradingRules().check_quantity(D(-1))) == ["above_zero"]
    assert names(SPOT.check_quantity(D(0))) == ["above_zero", "min_quantity"]


def test_nearest_is_never_zero() -> None:
    (found,) = TradingRules(tick_size=D("0.01")).check_price(D("0.001"))
    assert found.nearest == D("0.01")
    assert TradingRules(tick_size=D(1), min_price=D(-5)).check_price(D("-0.1"))[0].nearest == 0


def test_a_whole_order() -> None:
    broken = SPOT.check(D("120.011"), D("0.000001"), side=Side.BUY, reference=D(100))
    assert names(broken) == ["percent_price", "tick_size", "min_quantity", "step_size", "min_notional"]
    assert SPOT.check(D("100"), D("0.05"), side=Side.BUY, reference=D(100)) == ()
    assert names(SPOT.check(None, D(200), market=True, reference=D(100))) == ["market_max_quantity"]
    assert SPOT.check(None, D("0.001"), market=True) == ()  # its worth is not known


def test_in_words() -> None:
    (found,) = SPOT.check_price(D("100.014"))
    assert str(found) == "100.014 breaks tick_size 0.01; the nearest legal value is 100.01"
    assert str(Violation("tick_size", D("1E-7"), D(1), None)) == "1 breaks tick_size 0.0000001"


@pytest.mark.parametrize("bad", [0.1, D("NaN"), "x"])
def test_what_is_no_number_is_refused(bad: object) -> None:
    with pytest.raises(InvalidInput):
        SPOT.check_price(bad)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        SPOT.check_quantity(bad)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        SPOT.check_notional(D(1), bad)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        SPOT.check_price(D(1), side=Side.BUY, reference=bad)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        SPOT.check(None, D(1), market=True, reference=bad)  # type: ignore[arg-type]


def test_they_pickle() -> None:
    for value in (SPOT, FUTURES, *SPOT.check_price(D("0.001"))):
        assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - what was pickled here


@given(rules(), prices)
def test_the_nearest_price_is_legal(rule: TradingRules, price: Decimal) -> None:
    for broken in rule.check_price(price):
        if broken.nearest is not None:
            assert rule.check_price(broken.nearest) == ()
            assert broken.nearest > 0


@given(rules(), quantities, st.booleans())
def test_the_nearest_quantity_is_legal(rule: TradingRules, quantity: Decimal, market: bool) -> None:  # noqa: FBT001
    for broken in rule.check_quantity(quantity, market=market):
        if broken.nearest is not None:
            assert rule.check_quantity(broken.nearest, market=market) == ()


@given(rules(), bounds, quantities, st.booleans())
def test_the_nearest_worth_is_legal(
    rule: TradingRules,
    price: Decimal,
    quantity: Decimal,
    market: bool,  # noqa: FBT001
) -> None:
    for broken in rule.check_notional(price, quantity, market=market):
        if broken.nearest is not None:
            assert rule.check_notional(price, broken.nearest, market=market) == ()
            assert rule.check_quantity(broken.nearest, market=market) == ()


@given(rules(), st.integers(1, 10_000), st.booleans())
def test_no_legal_quantity_is_nearer(rule: TradingRules, count: int, market: bool) -> None:  # noqa: FBT001
    """Whatever is nearest by search is no nearer than what is given."""
    quantity = D(count) / D(1000)
    broken = rule.check_quantity(quantity, market=market)
    assume(broken and broken[0].nearest is not None)
    nearest = broken[0].nearest
    assert nearest is not None
    away = abs(Fraction(nearest) - Fraction(quantity))
    step = rule.step_size or D("0.001")
    anchor = (rule.min_quantity or D(0)) if rule.quantity_anchored else D(0)
    index = round((Fraction(quantity) - Fraction(anchor)) / Fraction(step))
    for offset in range(-5, 6):
        other = anchor + (index + offset) * step
        if rule.check_quantity(other, market=market) == ():
            assert abs(Fraction(other) - Fraction(quantity)) >= away
