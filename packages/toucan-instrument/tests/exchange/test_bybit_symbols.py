"""Bybit's spellings, with nothing loaded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from toucan_instrument import Exchange, InstrumentKind, InvalidInput, OptionKind, QuantityUnit
from toucan_instrument.exchange.bybit import parse_symbol, symbol_of
from toucan_instrument.symbol import expiry_at

SPOT, LINEAR, INVERSE, OPTION = MARKETS = (
    Exchange.BYBIT_SPOT,
    Exchange.BYBIT_LINEAR,
    Exchange.BYBIT_INVERSE,
    Exchange.BYBIT_OPTION,
)
CASES = [
    (SPOT, "BTCUSDT", "BTC/USDT"),
    (SPOT, "BTCUSDC", "BTC/USDC"),
    (SPOT, "ETHBTC", "ETH/BTC"),
    (SPOT, "USDCUSDT", "USDC/USDT"),
    (SPOT, "USDTEUR", "USDT/EUR"),
    (SPOT, "AUSDT", "A/USDT"),
    (LINEAR, "BTCUSDT", "BTC/USDT:USDT"),
    (LINEAR, "1000PEPEUSDT", "1000PEPE/USDT:USDT"),
    (LINEAR, "USDCUSDT", "USDC/USDT:USDT"),
    (LINEAR, "BTCPERP", "BTC/USDC:USDC"),
    (LINEAR, "PERPUSDT", "PERP/USDT:USDT"),
    (LINEAR, "BTC-24MAR23", "BTC/USDC:USDC-230324"),
    (LINEAR, "BTCUSDT-21FEB25", "BTC/USDT:USDT-250221"),
    (LINEAR, "BTCUSDT-07AUG26", "BTC/USDT:USDT-260807"),
    (INVERSE, "BTCUSD", "BTC/USD:BTC"),
    (INVERSE, "BTCUSDH23", "BTC/USD:BTC-230331"),
    (INVERSE, "BTCUSDU23", "BTC/USD:BTC-230929"),
    (INVERSE, "ETHUSDZ26", "ETH/USD:ETH-261225"),
    (OPTION, "BTC-6JAN23-17500-C", "BTC/USDC:USDC-230106-17500-C"),
    (OPTION, "ETH-28FEB25-2800-C", "ETH/USDC:USDC-250228-2800-C"),
    (OPTION, "BTC-13FEB25-89000-P-USDT", "BTC/USDT:USDT-250213-89000-P"),
    (OPTION, "XRP-27MAR26-0.55-C-USDT", "XRP/USDT:USDT-260327-0.55-C"),
]


@pytest.mark.parametrize(("exchange", "symbol", "unified"), CASES)
def test_both_ways(exchange: Exchange, symbol: str, unified: str) -> None:
    assert parse_symbol(exchange, symbol).unified == unified
    assert symbol_of(exchange, unified) == symbol


def test_one_name_is_two_instruments() -> None:
    pair, contract = parse_symbol(SPOT, "BTCUSDT"), parse_symbol(LINEAR, "BTCUSDT")
    assert pair != contract
    assert (pair.kind, contract.kind) == (InstrumentKind.SPOT, InstrumentKind.PERPETUAL)


def test_inverse_contracts_are_of_one_dollar() -> None:
    found = parse_symbol(INVERSE, "BTCUSDU23")
    assert (found.kind, found.settle, found.inverse) == (InstrumentKind.FUTURE, "BTC", True)
    assert (found.quantity_unit, found.contract_size) == (QuantityUnit.CONTRACTS, 1)
    assert found.expiry_ns == expiry_at("230929", 8) == 1_695_974_400 * 10**9  # as a recorded list has it
    assert found.notional(Decimal(5823), Decimal("28560.50")) == 5823
    assert found.base_quantity(Decimal(50), Decimal(25000)) == Decimal("0.002")


def test_linear_quantities_are_of_the_base() -> None:
    found = parse_symbol(LINEAR, "BTCUSDT")
    assert (found.quantity_unit, found.inverse) == (QuantityUnit.BASE, False)
    assert found.notional(Decimal("0.5"), Decimal(30000)) == 15000


def test_an_option() -> None:
    found = parse_symbol(OPTION, "BTC-13FEB25-89000-P-USDT")
    assert (found.kind, found.option, found.strike) == (InstrumentKind.OPTION, OptionKind.PUT, 89000)
    assert (found.base, found.quote, found.settle) == ("BTC", "USDT", "USDT")
    assert found.expiry_ns == expiry_at("250213", 8)


def test_options_quoted_in_usd_are_settled_in_usdc() -> None:
    assert symbol_of(OPTION, "BTC/USD:USDC-230929-80000-C") == "BTC-29SEP23-80000-C"


@pytest.mark.parametrize("exchange", MARKETS)
@pytest.mark.parametrize(
    "symbol",
    ["", "X", "USDT", "USD", "PERP", "WHATEVER", "币安人生", "BTC-99JAN25", "BTC-12FOO25", "-1JAN25",
     "BTC-30FEB25-100-C", "BTC-6JAN23-1e5-C", "\n"],
)  # fmt: skip
def test_what_cannot_be_told_apart_is_taken_as_it_is(exchange: Exchange, symbol: str) -> None:
    found = parse_symbol(exchange, symbol)
    assert found.symbol == symbol
    assert found.base or not symbol
    if not found.quote:
        assert found.base == found.unified == symbol
        assert found.settle == ""


@given(st.sampled_from(MARKETS), st.text(max_size=24))
def test_no_symbol_fails(exchange: Exchange, symbol: str) -> None:
    found = parse_symbol(exchange, symbol)
    assert found.symbol == symbol
    assert bool(str(found)) == bool(symbol)
    assert repr(found)


bases = st.text("ABCDST0189币安人生", min_size=2, max_size=10)


@given(st.sampled_from([SPOT, LINEAR]), bases)
def test_any_base_in_usdt_round_trips(exchange: Exchange, base: str) -> None:
    found = parse_symbol(exchange, f"{base}USDT")
    assert (found.base, found.quote) == (base, "USDT")
    assert symbol_of(exchange, found.unified) == f"{base}USDT"


@given(
    bases,
    st.dates(),
    st.decimals("0.0001", 10**6, places=4),
    st.sampled_from("CP"),
    st.sampled_from(["USDT", "USDC"]),
)
def test_any_option_round_trips(base, day, strike, kind, settle) -> None:
    strike = format(strike.normalize(), "f")
    unified = f"{base}/{settle}:{settle}-{day:%y%m%d}-{strike}-{kind}"
    symbol = symbol_of(OPTION, unified)
    assert parse_symbol(OPTION, symbol).unified == unified


@given(st.integers(0, 99), st.sampled_from([("H", 3), ("M", 6), ("U", 9), ("Z", 12)]))
def test_any_quarter_round_trips(year: int, quarter: tuple[str, int]) -> None:
    symbol = f"BTCUSD{quarter[0]}{year:02}"
    found = parse_symbol(INVERSE, symbol)
    assert symbol_of(INVERSE, found.unified) == symbol
    assert found.unified[-4:-2] == f"{quarter[1]:02}"


@pytest.mark.parametrize(
    ("exchange", "unified"),
    [
        (SPOT, "BTC/USDT:USDT"),
        (LINEAR, "BTC/USDT"),
        (LINEAR, "BTC/USD:BTC"),
        (LINEAR, "BTC/EUR:EUR"),
        (LINEAR, "BTC/USDT:USDT-261225-60000-C"),
        (INVERSE, "BTC/USDT:USDT"),
        (INVERSE, "BTC/USD:BTC-261224"),  # no last Friday
        (INVERSE, "BTC/USD:BTC-261127"),  # of no quarter
        (OPTION, "BTC/USDT:USDT-261225"),
        (OPTION, "BTC/USD:BTC-261225-60000-C"),
    ],
)
def test_other_sorts_are_refused(exchange: Exchange, unified: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        symbol_of(exchange, unified)
    assert caught.value.accepted.startswith("BTC/")
