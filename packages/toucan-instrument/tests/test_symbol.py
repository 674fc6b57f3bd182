"""The unified symbol is read and printed, there and back."""

from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from toucan_instrument import InvalidInput, OptionKind, UnifiedSymbol, parse_unified
from toucan_instrument.symbol import expiry_at, expiry_code

assets = st.one_of(
    st.sampled_from(["BTC", "USDT", "1000SHIB", "币安人生", "1INCHUP", "LUNA2", "BTC.D"]),
    st.text(min_size=1, max_size=8).filter(lambda text: not any(c in "/:-" or c.isspace() for c in text)),
)
days = st.dates(date(2009, 1, 3), date(2099, 12, 31)).map(lambda day: day.strftime("%y%m%d"))


@st.composite
def symbols(draw: st.DrawFn) -> UnifiedSymbol:
    base, quote = draw(assets), draw(assets)
    shape = draw(st.sampled_from(["spot", "perpetual", "future", "option"]))
    if shape == "spot":
        return UnifiedSymbol(base, quote)
    if shape == "perpetual":
        return UnifiedSymbol(base, quote, draw(assets))
    if shape == "future":
        return UnifiedSymbol(base, quote, draw(assets), draw(days))
    strike = draw(st.decimals(min_value="0.0001", max_value="10000000", places=4))
    return UnifiedSymbol(base, quote, draw(assets), draw(days), strike, draw(st.sampled_from([*OptionKind])))


@given(symbols())
def test_printed_and_read_again(symbol: UnifiedSymbol) -> None:
    assert parse_unified(str(symbol)) == symbol
    assert str(parse_unified(str(symbol))) == str(symbol)
    assert pickle.loads(pickle.dumps(symbol)) == symbol  # noqa: S301 - what was pickled here


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("BTC/USDT", UnifiedSymbol("BTC", "USDT")),
        ("BTC/USDT:USDT", UnifiedSymbol("BTC", "USDT", "USDT")),
        ("BTC/USD:BTC", UnifiedSymbol("BTC", "USD", "BTC")),
        ("BTC/USD:BTC-261225", UnifiedSymbol("BTC", "USD", "BTC", "261225")),
        (
            "BTC/USD:BTC-261225-60000-C",
            UnifiedSymbol("BTC", "USD", "BTC", "261225", Decimal(60000), OptionKind.CALL),
        ),
        ("币安人生/USDT", UnifiedSymbol("币安人生", "USDT")),
    ],
)
def test_spellings(text: str, parts: UnifiedSymbol) -> None:
    assert parse_unified(text) == parts
    assert str(parts) == text


def test_one_strike_has_one_name() -> None:
    assert str(parse_unified("BTC/USD:BTC-261225-60000.50-P")) == "BTC/USD:BTC-261225-60000.5-P"
    assert str(parse_unified("BTC/USD:BTC-261225-060000-P")) == "BTC/USD:BTC-261225-60000-P"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BTCUSDT",
        "BTC/",
        "/USDT",
        "BTC/USDT:",
        "BTC/USDT:USDT-",
        "BTC/USDT:USDT-261325",  # no such month
        "BTC/USDT:USDT-\uff12\uff16\uff11\uff12\uff12\uff15",
        "BTC/USD:BTC-261225-60000",
        "BTC/USD:BTC-261225-60000-X",
        "BTC/USD:BTC-261225-1e4-C",
        "BTC/USDT/X",
        "BTC /USDT",
        "BTC/USDT\n",
        None,
        5,
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_unified(text)
    assert caught.value.field == "symbol"
    assert "BTC/USDT" in caught.value.accepted


@given(days, st.integers(0, 23))
def test_expiries(code: str, hour: int) -> None:
    assert expiry_code(expiry_at(code, hour)) == code


def test_an_expiry_is_of_this_century() -> None:
    assert parse_unified("BTC/USD:BTC-700102").expiry_day == date(2070, 1, 2)
    assert parse_unified("BTC/USD:BTC").expiry_day is None
    assert expiry_at("261225", 8) == 1_798_185_600_000_000_000
    for wrong in ("26122", "2612250", "26122x"):
        with pytest.raises(ValueError, match=r"yymmdd|invalid literal"):
            expiry_at(wrong, 8)
