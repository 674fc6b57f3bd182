"""Instruments: keys that are cheap, names, and what their quantities are worth."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_instrument import (
    Exchange,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    InvalidInput,
    OptionKind,
    QuantityUnit,
    TradingRules,
    parse_unified,
)
from toucan_instrument.symbol import expiry_at

SPOT = Instrument(
    exchange=Exchange.BINANCE_SPOT, symbol="BTCUSDT", kind=InstrumentKind.SPOT, base="BTC", quote="USDT"
)
COIN = Instrument(
    exchange=Exchange.BINANCE_COIN_M,
    symbol="BTCUSD_261225",
    kind=InstrumentKind.FUTURE,
    base="BTC",
    quote="USD",
    settle="BTC",
    expiry_ns=expiry_at("261225", 8),
    contract_size=Decimal(100),
    inverse=True,
    quantity_unit=QuantityUnit.CONTRACTS,
    rules=TradingRules(tick_size=Decimal("0.1"), unknown=('{"filterType":"NEW"}',)),
)
OPTION = Instrument(
    exchange=Exchange.BINANCE_COIN_M,
    symbol="BTC-261225-60000-C",
    kind=InstrumentKind.OPTION,
    base="BTC",
    quote="USD",
    settle="BTC",
    expiry_ns=expiry_at("261225", 8),
    strike=Decimal(60000),
    option=OptionKind.CALL,
)
amounts = st.decimals(min_value=0, max_value="1e12", places=8)
prices = st.decimals(min_value="0.00000001", max_value="1e9", places=8)


def linear(size: str = "1", unit: QuantityUnit = QuantityUnit.BASE) -> Instrument:
    return msgspec.structs.replace(SPOT, contract_size=Decimal(size), quantity_unit=unit)


def pickled(protocol: int) -> Callable[[Instrument], Instrument]:
    return lambda each: pickle.loads(pickle.dumps(each, protocol))  # noqa: S301 - what was pickled here


def test_equal_by_exchange_and_symbol_alone() -> None:
    other = msgspec.structs.replace(SPOT, status=InstrumentStatus.HALTED, base="XBT")
    assert other == SPOT
    assert hash(other) == hash(SPOT)
    elsewhere = msgspec.structs.replace(SPOT, exchange=Exchange.BINANCE_USD_M)
    assert elsewhere != SPOT
    assert {SPOT: 1, elsewhere: 2}[other] == 1
    assert SPOT != "BTCUSDT"


@pytest.mark.parametrize("instrument", [SPOT, COIN, OPTION], ids=str)
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, *(pickled(protocol) for protocol in range(2, 6))],
)
def test_copies_and_pickles_are_equal_and_whole(
    instrument: Instrument, again: Callable[[Instrument], Instrument]
) -> None:
    other = again(instrument)
    assert other == instrument
    assert hash(other) == hash(instrument)
    assert {instrument: 1}[other] == 1
    assert msgspec.structs.asdict(other) == msgspec.structs.asdict(instrument)
    assert other.exchange is instrument.exchange
    assert other.kind is instrument.kind


def test_it_turns_into_json_and_back() -> None:
    again = msgspec.json.decode(msgspec.json.encode(COIN), type=Instrument)
    assert msgspec.structs.asdict(again) == msgspec.structs.asdict(COIN)


def test_it_is_frozen() -> None:
    with pytest.raises(AttributeError):
        SPOT.status = InstrumentStatus.HALTED  # type: ignore[misc]


@pytest.mark.parametrize(
    ("instrument", "unified"),
    [
        (SPOT, "BTC/USDT"),
        (COIN, "BTC/USD:BTC-261225"),
        (OPTION, "BTC/USD:BTC-261225-60000-C"),
        (msgspec.structs.replace(COIN, kind=InstrumentKind.PERPETUAL, expiry_ns=None), "BTC/USD:BTC"),
        (msgspec.structs.replace(SPOT, base="WHAT", quote="", symbol="WHAT"), "WHAT"),
    ],
)
def test_it_prints_the_unified_symbol(instrument: Instrument, unified: str) -> None:
    assert str(instrument) == instrument.unified == unified
    if instrument.quote:
        assert parse_unified(unified).base == instrument.base


def test_repr_is_one_line_whatever_the_names() -> None:
    assert repr(SPOT) == "Instrument(binance-spot, 'BTCUSDT', BTC/USDT, spot)"
    odd = msgspec.structs.replace(SPOT, symbol="A\nB", base="A\nB", quote="")
    assert len(repr(odd).splitlines()) == 1


@given(amounts, prices)
def test_linear_amounts_are_exact(quantity: Decimal, price: Decimal) -> None:
    for instrument, factor in (
        (linear(), 1),
        (linear("0.001", QuantityUnit.CONTRACTS), Fraction(1, 1000)),
        (linear("10", QuantityUnit.CONTRACTS), 10),
    ):
        base = instrument.base_quantity(quantity)
        assert Fraction(base) == Fraction(quantity) * factor
        assert base == instrument.base_quantity(quantity, price)
        assert Fraction(instrument.notional(quantity, price)) == Fraction(base) * Fraction(price)


@given(st.integers(0, 10**12).map(Decimal), prices)
def test_inverse_amounts_are_rounded_as_documented(contracts: Decimal, price: Decimal) -> None:
    assert COIN.notional(contracts, price) == contracts * 100
    base = COIN.base_quantity(contracts, price)
    exact = Fraction(contracts) * 100 / Fraction(price)
    # 34 significant digits: at most half a unit of the last one away.
    assert abs(Fraction(base) - exact) <= abs(exact) * Fraction(1, 2 * 10**33)
    if Fraction(COIN.notional(contracts, price)) == 0:
        assert base == 0


@given(amounts, prices)
def test_quote_quantities(quantity: Decimal, price: Decimal) -> None:
    instrument = linear(unit=QuantityUnit.QUOTE)
    assert instrument.notional(quantity, price) == quantity
    exact = Fraction(quantity) / Fraction(price)
    assert abs(Fraction(instrument.base_quantity(quantity, price)) - exact) <= exact * Fraction(1, 2 * 10**33)


def test_the_users_decimal_context_changes_nothing() -> None:
    import decimal  # noqa: PLC0415 - beside its only use

    with decimal.localcontext(prec=3):
        assert SPOT.notional(Decimal("1.23456"), Decimal("9.87654")) == Decimal("12.1931812224")
        assert COIN.base_quantity(Decimal(1), Decimal(3)) == Decimal("33." + "3" * 32)


@pytest.mark.parametrize("price", [None, Decimal(0), Decimal(-1), Decimal("NaN"), 30000.0])
def test_an_inverse_contract_needs_a_price(price: Decimal | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        COIN.base_quantity(Decimal(1), price)
    assert caught.value.field == "price"


@pytest.mark.parametrize("instrument", [SPOT, COIN], ids=str)
def test_floats_are_refused(instrument: Instrument) -> None:
    with pytest.raises(InvalidInput, match="float"):
        instrument.base_quantity(0.1, Decimal(1))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="float"):
        instrument.notional(Decimal(1), 0.1)  # type: ignore[arg-type]
