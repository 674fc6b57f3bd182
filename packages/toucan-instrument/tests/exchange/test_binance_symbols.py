"""Binance's spellings, with nothing loaded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from toucan_instrument import Exchange, InstrumentKind, InvalidInput, QuantityUnit
from toucan_instrument.exchange.binance import parse_symbol, stream_name, symbol_of, symbol_of_stream
from toucan_instrument.symbol import expiry_at

SPOT, US, USD_M, COIN_M = (
    Exchange.BINANCE_SPOT,
    Exchange.BINANCE_US_SPOT,
    Exchange.BINANCE_USD_M,
    Exchange.BINANCE_COIN_M,
)
MARKETS = [SPOT, US, USD_M, COIN_M]
CASES = [
    (SPOT, "BTCUSDT", "BTC/USDT"),
    (SPOT, "ETHBTC", "ETH/BTC"),
    (SPOT, "BTCFDUSD", "BTC/FDUSD"),
    (SPOT, "USDCUSDT", "USDC/USDT"),
    (SPOT, "1000SHIBUSDT", "1000SHIB/USDT"),
    (SPOT, "BTCUPUSDT", "BTCUP/USDT"),
    (SPOT, "1INCHDOWNUSDT", "1INCHDOWN/USDT"),
    (SPOT, "币安人生USDT", "币安人生/USDT"),
    (SPOT, "BNBBUSD", "BNB/BUSD"),
    (SPOT, "ARBUSD", "AR/BUSD"),
    (SPOT, "TUSDUSDT", "TUSD/USDT"),
    (SPOT, "ETHPAX", "ETH/PAX"),
    (US, "USDTUSD", "USDT/USD"),
    (US, "DOTUSD", "DOT/USD"),
    (US, "BNBUSD", "BNB/USD"),
    (USD_M, "BTCUSDT", "BTC/USDT:USDT"),
    (USD_M, "ETHBTC", "ETH/BTC:BTC"),
    (USD_M, "BTCUSDT_261225", "BTC/USDT:USDT-261225"),
    (USD_M, "测试USDT_261225", "测试/USDT:USDT-261225"),
    (USD_M, "币安人生USDT", "币安人生/USDT:USDT"),
    (COIN_M, "BTCUSD_PERP", "BTC/USD:BTC"),
    (COIN_M, "BTCUSD_261225", "BTC/USD:BTC-261225"),
    (COIN_M, "USDUSD_PERP", "USD/USD:USD"),
]


@pytest.mark.parametrize(("exchange", "symbol", "unified"), CASES)
def test_both_ways(exchange: Exchange, symbol: str, unified: str) -> None:
    assert parse_symbol(exchange, symbol).unified == unified
    assert symbol_of(exchange, unified) == symbol
    assert symbol_of_stream(stream_name(symbol)) == symbol


def test_terms_that_the_spelling_gives() -> None:
    spot = parse_symbol(SPOT, "BTCUSDT")
    assert (spot.kind, spot.settle, spot.quantity_unit) == (InstrumentKind.SPOT, "", QuantityUnit.BASE)
    linear = parse_symbol(USD_M, "BTCUSDT_261225")
    assert (linear.kind, linear.inverse) == (InstrumentKind.FUTURE, False)
    assert linear.expiry_ns == expiry_at("261225", 8)
    assert linear.quantity_unit is QuantityUnit.BASE
    coin = parse_symbol(COIN_M, "BTCUSD_PERP")
    assert (coin.kind, coin.inverse, coin.contract_size) == (InstrumentKind.PERPETUAL, True, Decimal(100))
    assert coin.quantity_unit is QuantityUnit.CONTRACTS
    assert parse_symbol(COIN_M, "ETHUSD_PERP").contract_size == 10


@pytest.mark.parametrize("exchange", MARKETS)
@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "X",
        "USDT",
        "USD",
        "WHATEVER",
        "币安人生",
        "A_B",
        "BTCUSDT_261325",
        "BTCUSD_999999",
        "_261225",
        "\n",
    ],
)
def test_what_cannot_be_told_apart_is_taken_as_it_is(exchange: Exchange, symbol: str) -> None:
    found = parse_symbol(exchange, symbol)
    assert found.symbol == symbol
    if not found.quote:
        assert found.base == found.unified == symbol
        assert found.settle == ""


@given(st.sampled_from(MARKETS), st.text(max_size=20))
def test_no_symbol_fails(exchange: Exchange, symbol: str) -> None:
    found = parse_symbol(exchange, symbol)
    assert found.symbol == symbol
    assert found.base or not symbol
    assert bool(str(found)) == bool(symbol)
    assert repr(found)


bases = st.text("ABCDSTU0189币安人生", min_size=1, max_size=10).filter(lambda text: "USD" not in text)


@given(st.sampled_from([SPOT, USD_M]), bases)
def test_any_base_in_usdt_round_trips(exchange: Exchange, base: str) -> None:
    symbol = f"{base}USDT"
    found = parse_symbol(exchange, symbol)
    assert (found.base, found.quote) == (base, "USDT")
    again = symbol_of(exchange, found.unified)
    assert again == symbol


@given(bases, st.dates().map(lambda day: day.strftime("%y%m%d")) | st.just(""))
def test_any_coin_contract_round_trips(base: str, code: str) -> None:
    symbol = f"{base}USD_{code or 'PERP'}"
    found = parse_symbol(COIN_M, symbol)
    assert found.base == base
    assert symbol_of(COIN_M, found.unified) == symbol


@pytest.mark.parametrize(
    ("exchange", "unified"),
    [
        (SPOT, "BTC/USDT:USDT"),
        (US, "BTC/USD:BTC"),
        (USD_M, "BTC/USDT"),
        (USD_M, "BTC/USD:BTC"),
        (USD_M, "BTC/USDT:USDC"),
        (COIN_M, "BTC/USDT:USDT"),
        (COIN_M, "BTC/USDT:BTC"),
        (COIN_M, "BTC/USD:BTC-261225-60000-C"),
        (SPOT, "BTCUSDT"),
    ],
)
def test_what_a_market_does_not_trade_is_refused(exchange: Exchange, unified: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        symbol_of(exchange, unified)
    assert caught.value.field == "symbol"
    assert caught.value.accepted


def test_unified_symbols_in_any_case() -> None:
    assert symbol_of(SPOT, "btc/usdt") == "BTCUSDT"
    assert symbol_of(COIN_M, "btc/usd:BTC") == "BTCUSD_PERP"


def test_names_of_streams() -> None:
    assert stream_name("BTCUSD_PERP") == "btcusd_perp"
    assert stream_name("币安人生USDT") == "币安人生usdt"
    assert symbol_of_stream("币安人生usdt@depth@100ms") == "币安人生USDT"
    assert symbol_of_stream("!miniTicker@arr") == ""


@given(st.text(max_size=20).filter(lambda text: "@" not in text and not text.startswith("!")))
def test_names_of_streams_change_ascii_letters_alone(text: str) -> None:
    upper = symbol_of_stream(text)
    assert symbol_of_stream(stream_name(upper)) == upper
    assert len(stream_name(text)) == len(text)
