"""OKX's instrument ids, both ways."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_instrument import Exchange, InstrumentKind, InvalidInput, QuantityUnit
from toucan_instrument.exchange.okx import inst_type, parse_symbol, symbol_of
from toucan_instrument.instrument import OptionKind

OKX = Exchange.OKX
EIGHT = 8 * 3600 * 10**9
DAY_251226 = 1_766_707_200 * 10**9

SPELLED = [
    ("BTC-USDT", "BTC/USDT", InstrumentKind.SPOT, False),
    ("BTC-USDT-SWAP", "BTC/USDT:USDT", InstrumentKind.PERPETUAL, False),
    ("BTC-USDC-SWAP", "BTC/USDC:USDC", InstrumentKind.PERPETUAL, False),
    ("BTC-USD-SWAP", "BTC/USD:BTC", InstrumentKind.PERPETUAL, True),
    ("BTC-USD_UM-SWAP", "BTC/USD:USD", InstrumentKind.PERPETUAL, False),
    ("ETH-USD-251226", "ETH/USD:ETH-251226", InstrumentKind.FUTURE, True),
    ("ETH-USDT-251226", "ETH/USDT:USDT-251226", InstrumentKind.FUTURE, False),
    ("BTC-USD_UM-251226", "BTC/USD:USD-251226", InstrumentKind.FUTURE, False),
    ("BTC-USD-251226-80000-C", "BTC/USD:BTC-251226-80000-C", InstrumentKind.OPTION, False),
    ("XRP-USD-251226-0.5-P", "XRP/USD:XRP-251226-0.5-P", InstrumentKind.OPTION, False),
]


@pytest.mark.parametrize(("symbol", "unified", "kind", "inverse"), SPELLED)
def test_ids_are_read_and_written(symbol: str, unified: str, kind: InstrumentKind, *, inverse: bool) -> None:
    found = parse_symbol(OKX, symbol)
    assert (found.symbol, str(found), found.kind, found.inverse) == (symbol, unified, kind, inverse)
    unit = QuantityUnit.BASE if kind is InstrumentKind.SPOT else QuantityUnit.CONTRACTS
    assert found.quantity_unit is unit
    assert symbol_of(OKX, unified) == symbol


def test_an_option_says_all_of_itself() -> None:
    found = parse_symbol(OKX, "BTC-USD-251226-80000-C")
    assert (found.strike, found.option) == (Decimal(80000), OptionKind.CALL)
    assert found.expiry_ns == DAY_251226 + EIGHT


def test_an_x_perp_is_a_future_of_dollars() -> None:
    found = parse_symbol(OKX, "BTC-USD_UM_XPERP-310404")
    assert (found.kind, found.base, found.quote, found.settle) == (
        InstrumentKind.FUTURE,
        "BTC",
        "USD",
        "USD",
    )
    assert not found.inverse


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "BTC",
        "BTC-",
        "-USDT",
        "BTC-USD-999999",
        "BTC-USD-SWAP-1-C",
        "BTC-USD_UM",
        "a-b-c-d-e-f",
        "比特-币-x",
    ],
)
def test_what_is_no_id_is_left_as_it_is(symbol: str) -> None:
    found = parse_symbol(OKX, symbol)
    assert (found.base, found.quote, str(found)) == (symbol, "", symbol)


def test_a_contract_of_unknown_size_converts_to_nothing() -> None:
    """Its size is in the list alone: a guess would be wrong by a hundredfold."""
    found = parse_symbol(OKX, "BTC-USDT-SWAP")
    for convert in (
        lambda: found.base_quantity(Decimal(1)),
        lambda: found.notional(Decimal(1), Decimal(50000)),
    ):
        with pytest.raises(InvalidInput) as caught:
            convert()
        assert caught.value.field == "contract_size"
    inverse = parse_symbol(OKX, "BTC-USD-SWAP")
    assert inverse.notional(Decimal(3), Decimal(50000)) == 300
    assert parse_symbol(OKX, "ETH-USD-SWAP").notional(Decimal(3), Decimal(1)) == 30


@pytest.mark.parametrize("unified", ["BTC/USDT:BTC", "BTC/USDT:ETH", "BTC/USDT:USD", "BTCUSDT"])
def test_what_is_not_traded_is_refused(unified: str) -> None:
    with pytest.raises(InvalidInput):
        symbol_of(OKX, unified)


def test_every_kind_has_a_word() -> None:
    assert [inst_type(kind) for kind in InstrumentKind] == ["SPOT", "SWAP", "FUTURES", "OPTION"]
