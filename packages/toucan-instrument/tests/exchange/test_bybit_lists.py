"""Bybit's lists: what is read of a row, that a bad one harms no other, and that no page is missed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from toucan_instrument import (
    Exchange,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    OptionKind,
    PayloadError,
    QuantityUnit,
)
from toucan_instrument.exchange.bybit import (
    decode_instruments,
    decode_volumes,
    instruments_request,
    more_instruments,
    more_volumes,
    volumes_request,
)
from toucan_instrument.rest import Request
from toucan_instrument.symbol import expiry_at

SPOT, LINEAR, INVERSE, OPTION = (
    Exchange.BYBIT_SPOT,
    Exchange.BYBIT_LINEAR,
    Exchange.BYBIT_INVERSE,
    Exchange.BYBIT_OPTION,
)
BASE = "http://127.0.0.1:1/bybit"
DELIVERY = expiry_at("261225", 8) // 1_000_000


def page(*rows: Any, cursor: str | None = "") -> bytes:
    result = {"category": "x", "list": rows, "nextPageCursor": cursor}
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result}, ensure_ascii=False).encode()


def spot(symbol: str = "BTCUSDT", **fields: Any) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "status": "Trading",
        "lotSizeFilter": {
            "basePrecision": "0.000001",
            "quotePrecision": "0.0000001",
            "minOrderQty": "0.000011",
            "maxOrderQty": "71",
            "minOrderAmt": "5",
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": "83",
            "maxMarketOrderQty": "41.5",
        },
        "priceFilter": {"tickSize": "0.10"},
        **fields,
    }


def linear(symbol: str = "BTCUSDT", **fields: Any) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "deliveryTime": "0",
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000",
            "minOrderQty": "0.001",
            "qtyStep": "0.001",
            "maxMktOrderQty": "500.000",
            "minNotionalValue": "5",
        },
        "fundingInterval": 480,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.01"},
        **fields,
    }


def only(exchange: Exchange, row: Any) -> Instrument:
    (instrument,), skipped = decode_instruments(exchange, page(row))
    assert skipped == ()
    return instrument


def test_a_pair_and_its_rules() -> None:
    found = only(SPOT, spot("ABUSDT", baseCoin="A", quoteCoin="BUSDT", newField={"a": [1]}))
    assert found.unified == "A/BUSDT"
    assert (found.kind, found.status, found.status_venue, found.settle) == (
        InstrumentKind.SPOT,
        InstrumentStatus.TRADING,
        "Trading",
        "",
    )
    rules = found.rules
    assert rules is not None
    assert (str(rules.tick_size), rules.step_size) == ("0.10", Decimal("0.000001"))
    assert (rules.max_quantity, rules.market_max_quantity) == (83, Decimal("41.5"))
    assert (rules.min_notional, rules.min_quantity, rules.max_notional) == (5, None, None)
    assert [each.rule for each in rules.check_quantity(Decimal(50), market=True)] == ["market_max_quantity"]
    assert rules.check_quantity(Decimal("0.000001")) == ()


def test_an_older_pair_has_one_greatest_quantity() -> None:
    rules = only(SPOT, spot(lotSizeFilter={"basePrecision": "0.1", "maxOrderQty": "100.0"})).rules
    assert rules is not None
    assert (rules.max_quantity, rules.market_max_quantity, rules.min_notional) == (100, None, None)


def test_a_linear_contract_and_its_rules() -> None:
    found = only(LINEAR, linear())
    assert (found.unified, found.quantity_unit, found.expiry_ns) == (
        "BTC/USDT:USDT",
        QuantityUnit.BASE,
        None,
    )
    rules = found.rules
    assert rules is not None
    assert (rules.tick_size, rules.min_price, rules.max_price) == (
        Decimal("0.10"),
        Decimal("0.10"),
        Decimal("1999999.80"),
    )
    assert (rules.step_size, rules.min_quantity, rules.max_quantity, rules.market_max_quantity) == (
        Decimal("0.001"),
        Decimal("0.001"),
        1190,
        500,
    )
    assert rules.min_notional == 5
    assert rules.unknown == ('{"riskParameters":{"priceLimitRatioX": "0.01"}}',)


@pytest.mark.parametrize(
    ("symbol", "kind", "delivery", "unified"),
    [
        ("BTCUSDT", "LinearPerpetual", "0", "BTC/USDT:USDT"),
        ("BTCUSDT", "LinearPerpetual", str(DELIVERY), "BTC/USDT:USDT"),  # to be delisted
        ("BTCUSDT-25DEC26", "LinearFutures", str(DELIVERY), "BTC/USDT:USDT-261225"),
        ("BTCUSDT-25DEC26", "LinearFutures", "", "BTC/USDT:USDT-261225"),
        ("BTCUSDT-25DEC26", "", "0", "BTC/USDT:USDT-261225"),
        ("BTCUSDT", None, None, "BTC/USDT:USDT"),
    ],
)
def test_the_type_says_what_expires(symbol: str, kind: Any, delivery: Any, unified: str) -> None:
    assert only(LINEAR, linear(symbol, contractType=kind, deliveryTime=delivery)).unified == unified


def test_an_inverse_contract_counts_dollars() -> None:
    row = linear(
        "ETHUSDZ26",
        contractType="InverseFutures",
        baseCoin="ETH",
        quoteCoin="USD",
        settleCoin="ETH",
        deliveryTime=str(DELIVERY),
    )
    found = only(INVERSE, row)
    assert found.unified == "ETH/USD:ETH-261225"
    assert (found.quantity_unit, found.contract_size, found.inverse) == (QuantityUnit.CONTRACTS, 1, True)
    assert found.notional(Decimal(300), Decimal(2000)) == 300
    assert found.rules is not None
    assert found.rules.min_notional is None
    assert '{"minNotionalValue":"5"}' in found.rules.unknown


def test_an_option() -> None:
    row = {
        "symbol": "BTC-25DEC26-70000-P-USDT",
        "status": "Trading",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "optionsType": "Put",
        "deliveryTime": str(DELIVERY),
        "priceFilter": {"minPrice": "5", "maxPrice": "1110000", "tickSize": "5"},
        "lotSizeFilter": {"maxOrderQty": "500", "minOrderQty": "0.01", "qtyStep": "0.01"},
    }
    found = only(OPTION, row)
    assert found.unified == "BTC/USDT:USDT-261225-70000-P"
    assert (found.kind, found.option, found.strike) == (InstrumentKind.OPTION, OptionKind.PUT, 70000)
    assert found.quantity_unit is QuantityUnit.BASE
    assert found.rules is not None
    assert found.rules.market_max_quantity is None


@pytest.mark.parametrize(
    ("word", "info", "status"),
    [
        ("Trading", None, InstrumentStatus.TRADING),
        ("PreLaunch", None, InstrumentStatus.PRE_TRADING),
        ("PreLaunch", {"curAuctionPhase": "CallAuction"}, InstrumentStatus.PRE_TRADING),
        ("PreLaunch", {"curAuctionPhase": "ContinuousTrading"}, InstrumentStatus.TRADING),
        ("Delivering", None, InstrumentStatus.SETTLING),
        ("Closed", None, InstrumentStatus.CLOSED),
        ("Sleeping", None, InstrumentStatus.UNKNOWN),
    ],
)
def test_statuses(word: str, info: Any, status: InstrumentStatus) -> None:
    found = only(LINEAR, linear(status=word, preListingInfo=info))
    assert (found.status, found.status_venue) == (status, word)


@pytest.mark.parametrize(
    "bad",
    [
        {"symbol": ""},
        {},
        5,
        linear(lotSizeFilter={"qtyStep": "NaN"}),
        linear(lotSizeFilter={"qtyStep": "-1"}),
        linear(contractType="LinearFutures", deliveryTime="9" * 30),
        linear(deliveryTime="soon"),
    ],
)
def test_a_bad_row_harms_no_other(bad: Any) -> None:
    found, skipped = decode_instruments(LINEAR, page(linear("ETHUSDT"), bad, linear("XRPUSDT")))
    assert [each.symbol for each in found] == ["ETHUSDT", "XRPUSDT"]
    assert len(skipped) == 1
    assert skipped[0][1]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"result":[]}', b"[" * 100_000])
def test_what_is_no_list_is_one_error(body: bytes) -> None:
    for read in (decode_instruments, decode_volumes):
        with pytest.raises(PayloadError):
            read(LINEAR, body)
    with pytest.raises(PayloadError):
        more_instruments(LINEAR, instruments_request(LINEAR, BASE), body)


def urls(exchange: Exchange, request: Request, body: bytes) -> list[str]:
    return [each.url.removeprefix(BASE) for each in more_instruments(exchange, request, body)]


def test_spot_has_no_pages() -> None:
    request = instruments_request(SPOT, BASE)
    assert request.url == f"{BASE}/v5/market/instruments-info?category=spot"
    assert urls(SPOT, request, page(spot())) == []


def test_linear_pages_are_followed_and_what_is_not_launched_is_asked_for() -> None:
    request = instruments_request(LINEAR, BASE)
    first = "/v5/market/instruments-info?category=linear&limit=1000"
    assert request.url == f"{BASE}{first}"
    cursor = "first%3DBIOUSDT%26last%3DBIOUSDT"
    assert urls(LINEAR, request, page(linear(), cursor=cursor)) == [
        f"{first}&cursor={cursor}",
        f"{first}&status=PreLaunch",
    ]
    assert urls(LINEAR, request, page(linear(), cursor=None)) == [f"{first}&status=PreLaunch"]
    second = more_instruments(LINEAR, request, page(linear(), cursor=cursor))[0]
    assert urls(LINEAR, second, page(linear(), cursor="0,500")) == [f"{first}&cursor=0%2C500"]
    assert urls(LINEAR, second, page(linear(), cursor=cursor)) == []  # the same again would never end
    assert urls(LINEAR, second, page(cursor="other")) == []  # nothing on it
    launch = more_instruments(LINEAR, request, page(linear()))[0]
    assert urls(LINEAR, launch, page(linear(), cursor="x%3D")) == [f"{first}&status=PreLaunch&cursor=x%3D"]


def coins(*names: str, traded: int = 1) -> bytes:
    rows = [
        {"baseCoin": name, "quoteCoin": "USDT", "optionShowName": name, "hasSymbol": traded} for name in names
    ]
    return page(*rows, {"baseCoin": "IDLE", "hasSymbol": 0}, 7)


def test_options_are_listed_by_base_coin() -> None:
    request = instruments_request(OPTION, BASE)
    first = "/v5/market/instruments-info?category=option&baseCoin=BTC&limit=1000"
    assert request.url == f"{BASE}{first}"
    cursor = "0%2C500"
    more = more_instruments(OPTION, request, page(linear(), cursor=cursor))
    assert [each.url.removeprefix(BASE) for each in more] == [
        f"{first}&cursor={cursor}",
        "/v5/market/option-base-coins",
    ]
    listed = coins("BTC", "ETH", "SPCX", "ETH")
    assert decode_instruments(OPTION, listed)[0] == []
    others = more_instruments(OPTION, more[1], listed)
    assert [each.url.removeprefix(BASE) for each in others] == [
        first.replace("BTC", "ETH"),
        first.replace("BTC", "SPCX"),
    ]
    assert more_instruments(OPTION, others[0], page(linear())) == []


def test_volumes() -> None:
    row = {"symbol": "BTCUSD", "volume24h": "49337318", "turnover24h": "2352.94950046"}
    odd = [{"symbol": "X", "turnover24h": "much"}, {"turnover24h": "1"}, {"symbol": "Y"}, 5]
    body = page(row, *odd)
    assert decode_volumes(INVERSE, body) == {"BTCUSD": Decimal(49337318)}
    assert decode_volumes(LINEAR, body) == {"BTCUSD": Decimal("2352.94950046")}
    assert volumes_request(SPOT, BASE).url == f"{BASE}/v5/market/tickers?category=spot"
    assert more_volumes(SPOT, volumes_request(SPOT, BASE), body) == []


def test_volumes_of_options_come_by_base_coin() -> None:
    request = volumes_request(OPTION, BASE)
    assert request.url == f"{BASE}/v5/market/tickers?category=option&baseCoin=BTC"
    (listing,) = more_volumes(OPTION, request, page())
    assert listing.url == f"{BASE}/v5/market/option-base-coins"
    (other,) = more_volumes(OPTION, listing, coins("BTC", "ETH"))
    assert other.url == f"{BASE}/v5/market/tickers?category=option&baseCoin=ETH"
    assert more_volumes(OPTION, other, page()) == []
    assert decode_volumes(OPTION, coins("BTC")) == {}
