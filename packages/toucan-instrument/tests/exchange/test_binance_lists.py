"""Binance's lists: what is read of a row, and that a bad one harms no other."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from toucan_instrument import (
    Exchange,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    PayloadError,
    QuantityUnit,
    Side,
    TradingRules,
)
from toucan_instrument.exchange.binance import (
    decode_instruments,
    decode_volumes,
    instruments_request,
    rest_base,
    rules_of,
    volumes_request,
)
from toucan_instrument.symbol import expiry_at

SPOT, US, USD_M, COIN_M = (
    Exchange.BINANCE_SPOT,
    Exchange.BINANCE_US_SPOT,
    Exchange.BINANCE_USD_M,
    Exchange.BINANCE_COIN_M,
)
NEVER = 4_133_404_800_000
DELIVERY = expiry_at("261225", 8) // 1_000_000


def info(*rows: Any) -> bytes:
    return json.dumps({"timezone": "UTC", "symbols": rows}, ensure_ascii=False).encode()


def spot(symbol: str = "BTCUSDT", **fields: Any) -> dict[str, Any]:
    return {"symbol": symbol, "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT", **fields}


def usd(symbol: str = "BTCUSDT", **fields: Any) -> dict[str, Any]:
    row = spot(symbol, marginAsset="USDT", contractType="PERPETUAL", deliveryDate=NEVER)
    return row | fields


def coin(symbol: str = "BTCUSD_PERP", **fields: Any) -> dict[str, Any]:
    row = {
        "symbol": symbol,
        "contractStatus": "TRADING",
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER,
        "contractSize": 100,
        "baseAsset": "BTC",
        "quoteAsset": "USD",
        "marginAsset": "BTC",
    }
    return row | fields


def only(exchange: Exchange, row: Any) -> Instrument:
    (instrument,), skipped = decode_instruments(exchange, info(row))
    assert skipped == ()
    return instrument


def rules(exchange: Exchange, *filters: dict[str, Any]) -> TradingRules:
    made = {SPOT: spot, USD_M: usd, COIN_M: coin}[exchange]
    found = only(exchange, made(filters=list(filters))).rules
    assert found is not None
    return found


def test_a_pair() -> None:
    found = only(SPOT, spot("ETHBTC", baseAsset="ETH", quoteAsset="BTC", newField={"a": [1]}))
    assert found.unified == "ETH/BTC"
    assert (found.kind, found.status, found.status_venue) == (
        InstrumentKind.SPOT,
        InstrumentStatus.TRADING,
        "TRADING",
    )
    assert (found.quantity_unit, found.contract_size, found.inverse) == (QuantityUnit.BASE, Decimal(1), False)
    assert found.rules is None


def test_the_list_knows_better_than_the_spelling() -> None:
    assert only(SPOT, spot("ABUSDT", baseAsset="A", quoteAsset="BUSDT")).unified == "A/BUSDT"


def test_a_coin_contract() -> None:
    found = only(COIN_M, coin("ETHUSD_261225", baseAsset="ETH", marginAsset="ETH", contractSize=10,
                              contractType="CURRENT_QUARTER", deliveryDate=DELIVERY))  # fmt: skip
    assert found.unified == "ETH/USD:ETH-261225"
    assert (found.quantity_unit, found.contract_size, found.inverse) == (
        QuantityUnit.CONTRACTS,
        Decimal(10),
        True,
    )
    assert found.notional(Decimal(3), Decimal(2000)) == 30
    assert found.base_quantity(Decimal(3), Decimal(2000)) == Decimal("0.015")


@pytest.mark.parametrize(
    ("symbol", "kind", "delivery", "unified"),
    [
        ("BTCUSDT", "PERPETUAL", NEVER, "BTC/USDT:USDT"),
        ("BTCUSDT", "TRADIFI_PERPETUAL", NEVER, "BTC/USDT:USDT"),
        ("BTCUSDT", "PERPETUAL", DELIVERY, "BTC/USDT:USDT"),  # to be delisted
        ("BTCUSDT", "PERPETUAL_DELIVERING", DELIVERY, "BTC/USDT:USDT"),
        ("BTCUSDT", "", NEVER, "BTC/USDT:USDT"),  # pending
        ("BTCUSDT", "", DELIVERY, "BTC/USDT:USDT"),
        ("BTCUSDT", None, None, "BTC/USDT:USDT"),
        ("BTCUSDT", "SOMETHING_NEW", NEVER, "BTC/USDT:USDT"),
        ("BTCUSDT", "SOMETHING_NEW", DELIVERY, "BTC/USDT:USDT-261225"),
        ("BTCUSDT_261225", "CURRENT_QUARTER", DELIVERY, "BTC/USDT:USDT-261225"),
        ("BTCUSDT_261225", "NEXT_MONTH", DELIVERY, "BTC/USDT:USDT-261225"),
        ("BTCUSDT_261225", "CURRENT_QUARTER DELIVERING", DELIVERY, "BTC/USDT:USDT-261225"),
        ("BTCUSDT_261225", "", DELIVERY, "BTC/USDT:USDT-261225"),
        ("BTCUSDT_261225", "NEXT_QUARTER", None, "BTC/USDT:USDT-261225"),
        ("BTCUSDT_261225", "NEXT_QUARTER", 0, "BTC/USDT:USDT-261225"),
    ],
)
def test_dated_or_not(symbol: str, kind: str | None, delivery: int | None, unified: str) -> None:
    found = only(USD_M, usd(symbol, contractType=kind, deliveryDate=delivery))
    assert found.unified == unified
    assert (found.kind is InstrumentKind.FUTURE) == ("-" in unified)
    assert found.expiry_ns == (expiry_at("261225", 8) if "-" in unified else None)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("TRADING", "trading"),
        ("BREAK", "halted"),
        ("HALT", "halted"),
        ("CANCEL_ONLY", "cancel_only"),
        ("PENDING_TRADING", "pre_trading"),
        ("SETTLING", "settling"),
        ("PRE_DELIVERING", "settling"),
        ("CLOSE", "closed"),
        ("BRAND_NEW", "unknown"),
        ("", "unknown"),
    ],
)
def test_statuses(word: str, status: str) -> None:
    for exchange, row in ((SPOT, spot(status=word)), (COIN_M, coin(contractStatus=word))):
        found = only(exchange, row)
        assert found.status == status
        assert found.status_venue == word


def test_non_ascii_symbols() -> None:
    found = only(SPOT, spot("币安人生USDT", baseAsset="币安人生"))
    assert found.symbol == "币安人生USDT"
    assert found.unified == "币安人生/USDT"


@pytest.mark.parametrize(
    "bad",
    [
        5,
        None,
        [],
        {},
        {"symbol": 5},
        {"symbol": ""},
        usd(deliveryDate="soon"),
        usd("BTCUSDT_261225", contractType="X", deliveryDate=10**18),
        coin(contractSize="many"),
        coin(contractSize=0),
        coin(contractSize=-1),
        usd(filters=5),
    ],
    ids=str,
)
def test_a_bad_row_is_skipped_alone(bad: Any) -> None:
    exchange = COIN_M if isinstance(bad, dict) and "contractSize" in bad else USD_M
    good = coin("ETHUSD_PERP") if exchange is COIN_M else usd("ETHUSDT")
    found, skipped = decode_instruments(exchange, info(good, bad, good))
    assert [each.symbol for each in found] == [good["symbol"]] * 2
    ((symbol, reason),) = skipped
    assert symbol == (str(bad.get("symbol", "")) if isinstance(bad, dict) else "")
    assert reason


def test_a_row_nested_too_deep_is_skipped_alone() -> None:
    deep = '{"symbol":"X","filters":' + "[" * 5_000 + "]" * 5_000 + "}"
    body = f'{{"symbols":[{json.dumps(spot())},{deep}]}}'.encode()
    try:
        found, _ = decode_instruments(SPOT, body)
    except PayloadError:  # as a whole, where the interpreter's limit is lower
        return
    assert found[0].symbol == "BTCUSDT"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"code":-1003,"msg":"Too many requests"}',
        b'{"symbols":5}',
        b'{"symbols":[]} and more',
        b"<html>",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_no_list_is_refused(body: bytes) -> None:
    for decode in (decode_instruments, decode_volumes):
        if decode is decode_volumes and body == b"[]":
            continue
        with pytest.raises(PayloadError) as caught:
            decode(SPOT, body)
        assert caught.value.raw == body


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_is_never_anything_else(body: bytes) -> None:
    for decode in (decode_instruments, decode_volumes):
        try:
            decode(SPOT, body)
        except PayloadError:
            continue


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from([(SPOT, spot()), (USD_M, usd()), (COIN_M, coin())]),
    st.dictionaries(
        st.sampled_from(["status", "deliveryDate", "contractType", "contractSize", "baseAsset", "filters"]),
        json_values,
    ),
)
def test_any_field_may_be_anything(market: tuple[Exchange, dict[str, Any]], odd: dict[str, Any]) -> None:
    exchange, row = market
    found, skipped = decode_instruments(exchange, info(row | odd))
    assert len(found) + len(skipped) == 1
    for instrument in found:
        assert instrument.symbol == row["symbol"]
        assert str(instrument)


def test_filters_of_spot() -> None:
    found = rules(
        SPOT,
        {"filterType": "NEW_ONE", "x": 1},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00", "stepSize": "0.00001000"},
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "0.00", "tickSize": "0.01000000"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.0", "maxQty": "112.21108820", "stepSize": "0.0"},
        {"filterType": "NOTIONAL", "minNotional": "5.0", "applyMinToMarket": True, "maxNotional": "9000000.0",
         "applyMaxToMarket": False, "avgPriceMins": 5},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
         "askMultiplierUp": "4", "askMultiplierDown": "0.3", "avgPriceMins": 5},
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_POSITION", "maxPosition": "10.5"},
    )  # fmt: skip
    assert str(found.tick_size) == "0.01000000"  # as written
    assert (found.min_price, found.max_price) == (Decimal("0.01"), None)
    assert (found.step_size, found.min_quantity, found.max_quantity) == (
        Decimal("0.00001"),
        Decimal("0.00001"),
        Decimal(9000),
    )
    assert (found.market_step_size, found.market_min_quantity) == (None, None)
    assert found.market_max_quantity == Decimal("112.2110882")
    assert (found.min_notional, found.max_notional) == (Decimal(5), Decimal(9_000_000))
    assert (found.min_notional_market, found.max_notional_market) == (True, False)
    assert (found.bid_multiplier_up, found.bid_multiplier_down) == (Decimal(5), Decimal("0.2"))
    assert (found.ask_multiplier_up, found.ask_multiplier_down) == (Decimal(4), Decimal("0.3"))
    assert (found.max_iceberg_parts, found.max_orders, found.max_algo_orders) == (100, 200, 5)
    assert found.max_position == Decimal("10.5")
    assert not found.price_anchored
    assert not found.quantity_anchored
    assert [json.loads(each)["filterType"] for each in found.unknown] == ["NEW_ONE"]


def test_the_older_filters_of_spot() -> None:
    found = rules(
        SPOT,
        {"filterType": "MIN_NOTIONAL", "minNotional": "10.0", "applyToMarket": False, "avgPriceMins": 5},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "5", "multiplierDown": "0.2", "avgPriceMins": 5},
    )
    assert (found.min_notional, found.min_notional_market) == (Decimal(10), False)
    for side in Side:  # both bounds hold for both
        assert len(found.check_price(Decimal(501), side=side, reference=Decimal(100))) == 1
        assert len(found.check_price(Decimal(19), side=side, reference=Decimal(100))) == 1


def test_filters_of_the_futures() -> None:
    found = rules(
        USD_M,
        {"filterType": "PRICE_FILTER", "maxPrice": "4529764", "minPrice": "556.72", "tickSize": "0.10"},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.05", "multiplierDown": "0.95",
         "multiplierDecimal": "4"},
    )  # fmt: skip
    assert found.price_anchored
    assert found.quantity_anchored
    assert (found.min_notional, found.max_orders, found.max_algo_orders) == (Decimal(5), 200, 10)
    assert found.check_price(Decimal("600.02")) == ()
    mark = Decimal("10000.02")
    assert found.check_price(Decimal("9000.02"), side=Side.BUY, reference=mark) == ()
    assert found.check_price(Decimal("11000.02"), side=Side.SELL, reference=mark) == ()
    (high,) = found.check_price(Decimal("11000.02"), side=Side.BUY, reference=mark)
    assert (high.rule, high.limit) == ("percent_price", Decimal("10500.0210"))
    (low,) = found.check_price(Decimal("9000.02"), side=Side.SELL, reference=mark)
    assert low.limit == Decimal("9500.0190")


@pytest.mark.parametrize(
    "bad",
    [
        {"filterType": "PRICE_FILTER", "tickSize": "NaN"},
        {"filterType": "PRICE_FILTER", "tickSize": "1E+999999999"},
        {"filterType": "PRICE_FILTER", "tickSize": "-1"},
        {"filterType": "LOT_SIZE", "stepSize": ["1"]},
        {"filterType": "MAX_NUM_ORDERS", "limit": "many"},
        {"filterType": "MAX_NUM_ORDERS", "limit": None},
        {"filterType": ["LOT_SIZE"]},
        {},
        "LOT_SIZE",
        None,
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_read_is_kept_as_it_came(bad: Any) -> None:
    good = {"filterType": "MIN_NOTIONAL", "notional": "5"}
    found = only(USD_M, usd(filters=[bad, good])).rules
    assert found is not None
    assert found.min_notional == 5
    assert [json.loads(each) for each in found.unknown] == [bad]
    assert (found.tick_size, found.step_size, found.max_orders) == (None, None, None)


def test_numbers_without_quotes_keep_their_digits() -> None:
    found = rules_of([b'{"filterType":"PRICE_FILTER","tickSize":0.10000000000000000001}'], futures=False)
    assert found is not None
    assert found.tick_size == Decimal("0.10000000000000000001")


def test_volumes() -> None:
    body = b"""[{"symbol":"BTCUSDT","volume":"10.5","quoteVolume":"315000.10"},
        {"symbol":"ETHUSDT","quoteVolume":"7"}, {"symbol":5}, null, {"symbol":"X","quoteVolume":"NaN"},
        {"symbol":"Y","volume":"3"}, {"symbol":"\xe5\xb8\x81USDT","quoteVolume":"0.0"}]"""
    assert decode_volumes(SPOT, body) == {
        "BTCUSDT": Decimal("315000.10"),
        "ETHUSDT": Decimal(7),
        "币USDT": Decimal(0),
    }


def test_volumes_of_coin_contracts_are_worth_their_size() -> None:
    body = b"""[{"symbol":"BTCUSD_PERP","volume":"25","baseVolume":"0.1"},
        {"symbol":"ETHUSD_261225","volume":"25"}]"""
    assert decode_volumes(COIN_M, body) == {"BTCUSD_PERP": 2500, "ETHUSD_261225": 250}


@pytest.mark.parametrize(
    ("exchange", "url", "weights"),
    [
        (SPOT, "https://api.binance.com/api/v3/", (20, 80)),
        (US, "https://api.binance.us/api/v3/", (20, 80)),
        (USD_M, "https://fapi.binance.com/fapi/v1/", (1, 40)),
        (COIN_M, "https://dapi.binance.com/dapi/v1/", (1, 40)),
    ],
)
def test_requests(exchange: Exchange, url: str, weights: tuple[int, int]) -> None:
    from toucan_instrument import Environment  # noqa: PLC0415 - beside its only use

    base = rest_base(exchange, Environment.LIVE)
    listing, volumes = instruments_request(exchange, base), volumes_request(exchange, base)
    assert (listing.url, volumes.url) == (f"{url}exchangeInfo", f"{url}ticker/24hr")
    assert (listing.weight, volumes.weight) == weights
    assert listing.method == volumes.method == "GET"
