"""OKX's lists: sorts of instruments, contract sizes, rules, states, and what to ask for next."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from toucan_instrument import Exchange, InstrumentKind, InstrumentStatus, PayloadError, QuantityUnit
from toucan_instrument.exchange.okx import (
    decode_instruments,
    decode_volumes,
    instruments_request,
    more_instruments,
    more_volumes,
    volumes_request,
)
from toucan_instrument.instrument import Instrument, OptionKind

OKX = Exchange.OKX
BASE = "https://x.test/okx"

SPOT = {
    "instId": "BTC-USDT", "instType": "SPOT", "baseCcy": "BTC", "quoteCcy": "USDT", "state": "live",
    "tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001", "maxLmtSz": "9999999999",
    "maxMktSz": "1000000", "maxLmtAmt": "20000000", "ctVal": "", "ctMult": "", "expTime": "", "lever": "10",
    "tradeQuoteCcyList": ["USDT"], "futureSettlement": False,
}  # fmt: skip
SWAP = {
    "instId": "BTC-USDT-SWAP", "instType": "SWAP", "uly": "BTC-USDT", "instFamily": "BTC-USDT",
    "settleCcy": "USDT", "ctVal": "0.01", "ctMult": "1", "ctValCcy": "BTC", "ctType": "linear",
    "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "maxLmtSz": "100000000", "maxMktSz": "12000",
    "state": "live", "baseCcy": "", "quoteCcy": "", "expTime": "", "instIdCode": 10459,
}  # fmt: skip


def body(*rows: Any) -> bytes:
    return json.dumps({"code": "0", "msg": "", "data": rows}).encode()


def one(row: dict[str, Any], **changes: Any) -> Instrument:
    [found], skipped = decode_instruments(OKX, body({**row, **changes}))
    assert skipped == ()
    return found


def test_spot() -> None:
    found = one(SPOT)
    assert (found.kind, str(found), found.settle) == (InstrumentKind.SPOT, "BTC/USDT", "")
    assert found.quantity_unit is QuantityUnit.BASE
    assert found.contract_size == 1
    rules = found.rules
    assert rules is not None
    assert (rules.tick_size, rules.step_size) == (Decimal("0.1"), Decimal("0.00000001"))
    assert (rules.min_quantity, rules.max_quantity) == (Decimal("0.00001"), Decimal(9999999999))
    # The most of a market order is told in dollars, and so is the worth of an order: kept, not applied.
    assert rules.market_max_quantity is None
    assert [json.loads(each) for each in rules.unknown] == [
        {"maxLmtAmt": "20000000"},
        {"maxMktSz": "1000000"},
    ]


def test_a_linear_swap_counts_contracts() -> None:
    found = one(SWAP)
    assert (found.kind, str(found)) == (InstrumentKind.PERPETUAL, "BTC/USDT:USDT")
    assert (found.contract_size, found.inverse) == (Decimal("0.01"), False)
    assert found.base_quantity(Decimal(5)) == Decimal("0.05")
    assert found.notional(Decimal(5), Decimal(80000)) == 4000
    assert found.rules is not None
    assert found.rules.market_max_quantity == 12000


def test_an_inverse_swap_is_worth_dollars() -> None:
    found = one(SWAP, instId="BTC-USD-SWAP", uly="BTC-USD", settleCcy="BTC", ctVal="100", ctType="inverse")
    assert (str(found), found.contract_size, found.inverse) == ("BTC/USD:BTC", 100, True)
    assert found.base_quantity(Decimal(5), Decimal(50000)) == Decimal("0.01")


def test_a_contract_is_its_value_times_its_multiplier() -> None:
    found = one(
        SWAP, instId="BTC-USD-220514-22000-C", instType="OPTION", uly="BTC-USD", settleCcy="BTC", ctVal="1",
        ctMult="0.1", ctType="", stk="22000", optType="C", expTime="1652515200000",
    )  # fmt: skip
    assert (found.contract_size, found.inverse) == (Decimal("0.1"), False)
    assert (found.strike, found.option) == (22000, OptionKind.CALL)
    assert str(found) == "BTC/USD:BTC-220514-22000-C"
    assert found.base_quantity(Decimal(3)) == Decimal("0.3")


def test_an_x_perp_ends_and_names_its_index() -> None:
    found = one(
        SWAP, instId="BTC-USD_UM_XPERP-310404", instType="FUTURES", uly="", instFamily="BTC-USD_UM_XPERP",
        settleCcy="USD", expTime="1901174400000", ruleType="xperp",
    )  # fmt: skip
    assert (found.kind, found.base, found.quote, found.settle) == (InstrumentKind.FUTURE, "BTC", "USD", "USD")
    assert found.expiry_ns == 1_901_174_400_000_000_000


def test_a_delisting_is_no_expiry() -> None:
    assert one(SPOT, expTime="1901174400000").expiry_ns is None
    assert one(SWAP, expTime="1901174400000").expiry_ns is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("live", InstrumentStatus.TRADING),
        ("suspend", InstrumentStatus.HALTED),
        ("rebase", InstrumentStatus.HALTED),
        ("preopen", InstrumentStatus.PRE_TRADING),
        ("expired", InstrumentStatus.CLOSED),
        ("test", InstrumentStatus.UNKNOWN),
        ("a new word", InstrumentStatus.UNKNOWN),
    ],
)
def test_states(word: str, status: InstrumentStatus) -> None:
    found = one(SWAP, state=word)
    assert (found.status, found.status_venue) == (status, word)


@pytest.mark.parametrize(
    "changes",
    [
        {"instType": "EVENTS"},
        {"instId": ""},
        {"ctVal": "0"},
        {"ctVal": ""},
        {"ctVal": "-1"},
        {"tickSz": "NaN"},
        {"minSz": "-1"},
        {"lotSz": 0.1},
        {"instType": "FUTURES", "expTime": "never"},
        {"instType": "FUTURES", "expTime": "9" * 25},
    ],
    ids=str,
)
def test_a_bad_row_is_skipped_and_harms_no_other(changes: dict[str, Any]) -> None:
    found, skipped = decode_instruments(OKX, body({**SWAP, **changes}, SPOT))
    assert [each.symbol for each in found] == ["BTC-USDT"]
    [(name, reason)] = skipped
    assert name == changes.get("instId", "BTC-USDT-SWAP")
    assert reason


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"code":"0"}', b'{"data":5}', b"\xff"])
def test_what_is_no_list_is_an_error(raw: bytes) -> None:
    for decode in (decode_instruments, decode_volumes):
        with pytest.raises(PayloadError):
            decode(OKX, raw)


def test_the_lists_are_asked_for_one_after_the_other() -> None:
    first = instruments_request(OKX, BASE)
    assert first.url == f"{BASE}/api/v5/public/instruments?instType=SPOT"
    lists = more_instruments(OKX, first, b"")
    assert [each.url.removeprefix(BASE) for each in lists] == [
        "/api/v5/public/instruments?instType=SWAP",
        "/api/v5/public/instruments?instType=FUTURES",
        "/api/v5/public/underlying?instType=OPTION",
    ]
    underlyings = body(["BTC-USD", "ETH-USD"])
    assert [more_instruments(OKX, each, body()) for each in lists[:2]] == [[], []]
    options = more_instruments(OKX, lists[2], underlyings)
    assert [each.url.removeprefix(BASE) for each in options] == [
        "/api/v5/public/instruments?instType=OPTION&uly=BTC-USD",
        "/api/v5/public/instruments?instType=OPTION&uly=ETH-USD",
    ]
    assert more_instruments(OKX, options[0], body()) == []
    assert decode_instruments(OKX, underlyings) == ([], ())
    with pytest.raises(PayloadError):
        more_instruments(OKX, lists[2], b'{"data":5}')


def test_volumes_are_of_the_quote_asset() -> None:
    first = volumes_request(OKX, BASE)
    assert first.url.endswith("/api/v5/market/tickers?instType=SPOT")
    more = more_volumes(OKX, first, b"")
    assert [each.url.rpartition("=")[2] for each in more] == ["SWAP", "FUTURES", "OPTION"]
    assert more_volumes(OKX, more[0], b"") == []
    rows = [
        {"instId": "BTC-USDT", "instType": "SPOT", "last": "100", "vol24h": "2", "volCcy24h": "200.5"},
        {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "last": "100", "vol24h": "300", "volCcy24h": "3"},
        {"instId": "NEW-USDT-SWAP", "instType": "SWAP", "last": "", "volCcy24h": "0"},
        {"instId": "BAD-USDT", "instType": "SPOT", "volCcy24h": None},
        5,
    ]
    assert decode_volumes(OKX, body(*rows)) == {"BTC-USDT": Decimal("200.5"), "BTC-USDT-SWAP": Decimal(300)}
