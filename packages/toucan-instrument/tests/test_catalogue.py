"""Instruments are found by any of their names, and chosen by what they are."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_instrument import (
    Catalogue,
    Exchange,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    InvalidInput,
    UnknownSymbol,
)
from toucan_instrument.exchange.binance import parse_symbol, stream_name
from toucan_instrument.symbol import expiry_at

USD_M = Exchange.BINANCE_USD_M


def listed(symbol: str, **changes: object) -> Instrument:
    return msgspec.structs.replace(
        parse_symbol(USD_M, symbol), **{"status": InstrumentStatus.TRADING, **changes}
    )


ALL = [
    listed("BTCUSDT"),
    listed("ETHUSDT"),
    listed("BTCUSDC"),
    listed("BTCUSDT_261225"),
    listed("BTCUSDT_270326"),
    listed("1000SHIBUSDT", status=InstrumentStatus.SETTLING),
    listed("币安人生USDT"),
    listed("ETHBTC"),
]
VOLUMES = {"BTCUSDT": Decimal(900), "ETHUSDT": Decimal(500), "1000SHIBUSDT": Decimal(700)}
CATALOGUE = Catalogue(USD_M, ALL, quote_volumes=VOLUMES, source="home", skipped=[("BAD", "no status")])


def symbols(catalogue: Catalogue) -> list[str]:
    return [each.symbol for each in catalogue]


def test_it_is_a_collection_in_the_venues_order() -> None:
    assert len(CATALOGUE) == len(ALL)
    assert list(CATALOGUE) == ALL
    assert CATALOGUE[0] is ALL[0]
    assert CATALOGUE[-1] is ALL[-1]
    assert repr(CATALOGUE) == "Catalogue(binance-usd-m, 8 instruments)"
    assert CATALOGUE.skipped == (("BAD", "no status"),)
    with pytest.raises(IndexError):
        CATALOGUE[99]


@pytest.mark.parametrize("instrument", ALL, ids=str)
def test_looked_up_both_ways(instrument: Instrument) -> None:
    assert CATALOGUE.by_symbol(instrument.symbol) is instrument
    assert CATALOGUE.by_unified(instrument.unified) is instrument
    assert CATALOGUE[instrument.symbol] is CATALOGUE[instrument.unified] is instrument
    assert CATALOGUE[stream_name(instrument.symbol)] is instrument
    assert instrument in CATALOGUE
    assert instrument.symbol in CATALOGUE
    assert instrument.unified in CATALOGUE


def test_what_is_not_in_it() -> None:
    assert "XRPUSDT" not in CATALOGUE
    assert listed("XRPUSDT") not in CATALOGUE
    assert parse_symbol(Exchange.BINANCE_SPOT, "BTCUSDT") not in CATALOGUE
    assert None not in CATALOGUE


@given(st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=20))
def test_any_symbols_can_be_looked_up(spellings: list[str]) -> None:
    catalogue = Catalogue(USD_M, [parse_symbol(USD_M, each) for each in spellings])
    assert symbols(catalogue) == spellings
    for each in spellings:
        assert catalogue.by_symbol(each).symbol == each
        assert catalogue[each].symbol == each
        found = catalogue.by_unified(catalogue.by_symbol(each).unified)
        assert found.unified == catalogue.by_symbol(each).unified


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("BTCUST", "BTCUSDT"),
        ("BTC/USTD:USDT", "BTC/USDT:USDT"),
        ("btc-usdt", "BTCUSDT"),
        ("ETH/USDT", "ETHUSDT"),
    ],
)
def test_a_misspelt_symbol_is_told_what_is_near(asked: str, near: str) -> None:
    with pytest.raises(UnknownSymbol) as caught:
        CATALOGUE[asked]
    assert near in caught.value.near
    assert len(caught.value.near) <= 5
    assert asked in str(caught.value)
    assert "binance-usd-m" in str(caught.value)
    for look_up in (CATALOGUE.by_symbol, CATALOGUE.by_unified):
        with pytest.raises(UnknownSymbol):
            look_up(asked)


def test_nonsense_is_near_nothing() -> None:
    with pytest.raises(UnknownSymbol) as caught:
        CATALOGUE["%" * 100_000]
    assert caught.value.near == ()


def test_a_name_used_again_is_of_what_can_be_traded() -> None:
    old = listed("OLDUSDT", base="NEW", status=InstrumentStatus.CLOSED)
    new = listed("NEWUSDT")
    for order in ([old, new], [new, old]):
        catalogue = Catalogue(USD_M, order)
        assert catalogue.by_unified("NEW/USDT:USDT") is new
        assert catalogue.by_symbol("OLDUSDT") is old


def test_of_two_rows_of_one_symbol_the_later_is_kept() -> None:
    first, second = listed("BTCUSDT", status_venue="A"), listed("BTCUSDT", status_venue="B")
    assert [each.status_venue for each in Catalogue(USD_M, [first, second])] == ["B"]


def test_found_by_assets() -> None:
    perpetual, future = InstrumentKind.PERPETUAL, InstrumentKind.FUTURE
    assert CATALOGUE.find("btc", "usdt", perpetual).symbol == "BTCUSDT"
    assert CATALOGUE.find("XBT", "USDT", perpetual).symbol == "BTCUSDT"
    at = expiry_at("261225", 8)
    for expiry in (at, date(2026, 12, 25), datetime(2026, 12, 25, 8, tzinfo=UTC)):
        assert CATALOGUE.find("BTC", "USDT", future, expiry=expiry).symbol == "BTCUSDT_261225"
    with pytest.raises(InvalidInput, match="there are 2") as caught:
        CATALOGUE.find("BTC", "USDT", future)
    assert "BTC/USDT:USDT-261225" in caught.value.accepted
    with pytest.raises(UnknownSymbol):
        CATALOGUE.find("BTC", "USDT", future, expiry=date(2026, 12, 24))
    with pytest.raises(UnknownSymbol) as missing:
        CATALOGUE.find("BTC", "USDX", perpetual)
    assert "BTC/USDT:USDT" in missing.value.near
    with pytest.raises(InvalidInput, match="no such kind"):
        CATALOGUE.find("BTC", "USDT", "swap")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="no time"):
        CATALOGUE.find("BTC", "USDT", future, expiry="tomorrow")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({}, [each.symbol for each in ALL]),
        ({"base": "BTC", "kind": "perpetual"}, ["BTCUSDT", "BTCUSDC"]),
        ({"base": "xbt", "kind": InstrumentKind.FUTURE}, ["BTCUSDT_261225", "BTCUSDT_270326"]),
        ({"base": {"ETH", "币安人生"}}, ["ETHUSDT", "币安人生USDT", "ETHBTC"]),
        ({"quote": ["USDC", "BTC"]}, ["BTCUSDC", "ETHBTC"]),
        ({"settle": "btc"}, ["ETHBTC"]),
        ({"status": "settling"}, ["1000SHIBUSDT"]),
        ({"status": [InstrumentStatus.CLOSED, "settling"]}, ["1000SHIBUSDT"]),
        ({"symbol": ("BTCUSDT", "ETH/USDT:USDT")}, ["BTCUSDT", "ETHUSDT"]),
        ({"inverse": True}, []),
        ({"inverse": False, "quote": "USDC"}, ["BTCUSDC"]),
        ({"expiry_before": date(2027, 1, 1)}, ["BTCUSDT_261225"]),
        ({"expiry_after": datetime(2027, 1, 1, tzinfo=UTC)}, ["BTCUSDT_270326"]),
        ({"expiry_after": 0, "expiry_before": expiry_at("270326", 8)}, ["BTCUSDT_261225"]),
        ({"exchange": Exchange.BINANCE_SPOT}, []),
        ({"base": []}, []),
    ],
)
def test_chosen_by_conditions(conditions: dict[str, object], found: list[str]) -> None:
    chosen = CATALOGUE.where(**conditions)
    assert symbols(chosen) == found
    assert chosen.source == "home"


@pytest.mark.parametrize(
    ("conditions", "field", "said"),
    [
        ({"qoute": "USDT"}, "where", "did you mean quote"),
        ({"expires": 1}, "where", "expiry_before"),
        ({"kind": "Spot"}, "kind", "spot, perpetual"),
        ({"status": "TRADING"}, "status", "trading"),
        ({"option": "c"}, "option", "call, put"),
        ({"inverse": "yes"}, "inverse", "True, False"),
        ({"base": 5}, "asset", "BTC"),
        ({"base": ""}, "asset", "BTC"),
        ({"expiry_before": "2027"}, "expiry_before", "nanoseconds, a date or a datetime"),
        ({"expiry_before": datetime(2027, 1, 1)}, "time", "tzinfo"),  # noqa: DTZ001
    ],
)
def test_conditions_that_cannot_be_met_are_refused(
    conditions: dict[str, object], field: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        CATALOGUE.where(**conditions)
    assert caught.value.field == field
    assert said in str(caught.value)


def test_the_greatest_volumes() -> None:
    assert symbols(CATALOGUE.top(2)) == ["BTCUSDT", "1000SHIBUSDT"]
    assert symbols(CATALOGUE.where(status="trading").top(2)) == ["BTCUSDT", "ETHUSDT"]
    assert symbols(CATALOGUE.top(0)) == []
    assert len(CATALOGUE.top(1_000)) == len(ALL)
    assert CATALOGUE.top(1).source == "home"
    assert CATALOGUE.top(3).top(1)[0].symbol == "BTCUSDT"


def test_volumes_that_were_not_loaded() -> None:
    with pytest.raises(InvalidInput, match="volumes were not loaded") as caught:
        Catalogue(USD_M, ALL).top(3)
    assert caught.value.accepted


@pytest.mark.parametrize("count", [-1, 1.5, "3", True, None])
def test_no_count(count: int) -> None:
    with pytest.raises(InvalidInput):
        CATALOGUE.top(count)


def test_a_slice_is_a_catalogue_that_remembers() -> None:
    part = CATALOGUE[1:3]
    assert isinstance(part, Catalogue)
    assert symbols(part) == ["ETHUSDT", "BTCUSDC"]
    assert part.source == "home"
    assert part.quote_volumes == VOLUMES
    assert "BTCUSDT" not in part


def test_nothing_of_it_can_be_changed() -> None:
    held = dict(VOLUMES)
    catalogue = Catalogue(USD_M, ALL, quote_volumes=held)
    held.clear()
    assert catalogue.top(1)[0].symbol == "BTCUSDT"
    with pytest.raises(TypeError):
        catalogue.quote_volumes["X"] = Decimal(1)  # type: ignore[index]
    with pytest.raises(TypeError):
        catalogue[0] = ALL[1]  # type: ignore[index]


def test_it_pickles() -> None:
    again = pickle.loads(pickle.dumps(CATALOGUE))  # noqa: S301 - what was pickled here
    assert list(again) == ALL
    assert again.skipped == CATALOGUE.skipped
    assert again.source == "home"
    assert again.quote_volumes == VOLUMES
