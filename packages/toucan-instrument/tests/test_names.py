"""Assets, sides, environments and exchanges."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from toucan_instrument import Environment, Exchange, InvalidInput, Side
from toucan_instrument.asset import ALIASES, canonical, lower_ascii, upper_ascii
from toucan_instrument.exchange import grammar


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("XBT", "BTC"),
        ("xbt", "BTC"),
        ("XDG", "DOGE"),
        ("btc", "BTC"),
        (" eth ", "ETH"),
        ("币安人生", "币安人生"),
    ],
)
def test_assets_have_one_name(name: str, usual: str) -> None:
    assert canonical(name) == usual


@given(st.text(min_size=1).filter(str.strip))
def test_a_usual_name_is_its_own(name: str) -> None:
    assert canonical(canonical(name)) == canonical(name)


def test_no_alias_leads_to_another() -> None:
    assert not set(ALIASES.values()) & set(ALIASES)


@pytest.mark.parametrize("name", ["", "  ", None, 5])
def test_no_asset(name: str) -> None:
    with pytest.raises(InvalidInput, match="asset"):
        canonical(name)


@given(st.text())
def test_only_ascii_letters_change_their_case(text: str) -> None:
    assert len(upper_ascii(text)) == len(lower_ascii(text)) == len(text)
    assert upper_ascii(lower_ascii(text)) == upper_ascii(text)
    assert [letter for letter in upper_ascii(text) if not letter.isascii()] == [
        letter for letter in text if not letter.isascii()
    ]
    if text.isascii():
        assert upper_ascii(text) == text.upper()


def test_sides() -> None:
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
    assert Side("buy") is Side.BUY


def test_the_ids_are_what_the_command_line_takes() -> None:
    assert {each.value for each in Exchange} >= {
        "binance-spot",
        "binance-us-spot",
        "binance-usd-m",
        "binance-coin-m",
    }
    assert [each.value for each in Environment] == ["live", "testnet", "demo"]


@pytest.mark.parametrize("exchange", Exchange)
def test_every_exchange_has_a_grammar(exchange: Exchange) -> None:
    module = grammar(exchange)
    for name in ("parse_symbol", "symbol_of", "decode_instruments", "rest_base", "read_limits", "error_of"):
        assert callable(getattr(module, name))
