"""Kraken's symbols, lists, volumes, limits and errors, by small samples of our own."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from toucan_instrument import Catalogue, Environment, Exchange, InstrumentKind, QuantityUnit
from toucan_instrument.errors import InvalidInput, PayloadError, RateLimited, VenueError
from toucan_instrument.exchange import grammar
from toucan_instrument.exchange.kraken import (
    connection_pool,
    decode_instruments,
    decode_volumes,
    error_of,
    instruments_request,
    more_instruments,
    parse_symbol,
    read_limits,
    request_pool,
    rest_base,
    spelling,
    symbol_of,
    symbol_of_pair,
    volumes_request,
)
from toucan_instrument.rest import Request, Response
from toucan_instrument.timestamps import from_iso

SPOT, FUTURES = Exchange.KRAKEN_SPOT, Exchange.KRAKEN_FUTURES
LIVE = Environment.LIVE
SECOND = 10**9
REQUEST = Request("GET", "https://x.test/0/public/AssetPairs")

PAIR = {
    "altname": "XBTUSD", "wsname": "XBT/USD", "pair_decimals": 1, "lot_decimals": 8, "ordermin": "0.00005",
    "costmin": "0.5", "tick_size": "0.1", "status": "online", "leverage_buy": [2, 3],
}  # fmt: skip
CONTRACT = {
    "symbol": "PF_XBTUSD", "type": "flexible_futures", "tickSize": 1, "contractSize": 1, "tradeable": True,
    "contractValueTradePrecision": 4, "postOnly": False, "base": "BTC", "quote": "USD", "isExpired": False,
}  # fmt: skip


def pairs(*rows: dict[str, object]) -> bytes:
    return json.dumps({"error": [], "result": {f"P{n}": row for n, row in enumerate(rows)}}).encode()


def contracts(*rows: dict[str, object]) -> bytes:
    return json.dumps({"result": "success", "instruments": rows}).encode()


def answer(body: object, status: int = 200, **headers: str) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, headers, data)


def test_the_family_is_found_by_its_name() -> None:
    for exchange in (SPOT, FUTURES):
        assert exchange.family == "kraken"
        assert grammar(exchange).parse_symbol(exchange, "x").symbol == "x"


# Symbols.


@pytest.mark.parametrize(
    ("symbol", "unified", "kind", "unit", "expiry"),
    [
        ("PF_XBTUSD", "BTC/USD:USD", "perpetual", "base", None),
        ("PI_XBTUSD", "BTC/USD:BTC", "perpetual", "contracts", None),
        ("PF_AAPLxUSD", "AAPLx/USD:USD", "perpetual", "base", None),
        ("PF_XTZUSD", "XTZ/USD:USD", "perpetual", "base", None),
        ("PF_XDGUSD", "DOGE/USD:USD", "perpetual", "base", None),
        ("FF_XBTUSD_261225", "BTC/USD:USD-261225", "future", "base", "2026-12-25T16:00:00Z"),
        ("FI_XBTUSD_210924", "BTC/USD:BTC-210924", "future", "contracts", "2021-09-24T15:00:00Z"),
        ("FI_ETHUSD_211231", "ETH/USD:ETH-211231", "future", "contracts", "2021-12-31T16:00:00Z"),
        ("FI_XRPXBT_260327", "XRP/BTC:XRP-260327", "future", "contracts", "2026-03-27T16:00:00Z"),
    ],
)
def test_contracts_by_their_spelling(
    symbol: str, unified: str, kind: str, unit: str, expiry: str | None
) -> None:
    found = parse_symbol(FUTURES, symbol)
    assert (found.unified, found.kind, found.quantity_unit) == (unified, kind, unit)
    assert found.expiry_ns == (None if expiry is None else from_iso(expiry))
    assert found.inverse == (unit == "contracts")
    assert found.contract_size == 1
    if "XRP" not in symbol:
        again = symbol_of(FUTURES, unified)
        assert parse_symbol(FUTURES, again).unified == unified


@pytest.mark.parametrize("day", ["270328", "271030"])
def test_summer_begins_and_ends_on_sundays(day: str) -> None:
    found = parse_symbol(FUTURES, f"FF_XBTUSD_{day}")
    assert found.expiry_ns == from_iso(f"2027-{day[2:4]}-{day[4:]}T15:00:00Z")


@pytest.mark.parametrize(
    "symbol",
    ["", "XBTUSD", "PF_", "PF_USD", "FF_XBTUSD", "FF_XBTUSD_261399", "PF_XBTUSD_261225", "XX_XBTUSD"],
)
def test_what_is_no_contract_keeps_its_name(symbol: str) -> None:
    found = parse_symbol(FUTURES, symbol)
    assert (found.symbol, found.unified) == (symbol, symbol)


@pytest.mark.parametrize(
    ("symbol", "unified"),
    [("BTC/USD", "BTC/USD"), ("AAPLx/USD", "AAPLx/USD"), ("XBT/USD", "BTC/USD"), ("ETH/XBT", "ETH/BTC"),
     ("XBTUSD", "XBTUSD"), ("a/b/c", "a/b/c"), ("/USD", "/USD"), ("", "")],
)  # fmt: skip
def test_pairs_by_their_spelling(symbol: str, unified: str) -> None:
    found = parse_symbol(SPOT, symbol)
    assert (found.symbol, found.unified, found.kind) == (symbol, unified, InstrumentKind.SPOT)


def test_what_people_write_is_spelt_as_the_venue_does() -> None:
    assert spelling(SPOT, "xbt/usd") == spelling(SPOT, "XBT/USD") == "BTC/USD"
    assert spelling(SPOT, "xdg/xbt") == "DOGE/BTC"
    assert spelling(SPOT, "AAPLx/USD") == "AAPLx/USD"
    assert spelling(FUTURES, "pi_xbtusd") == "PI_XBTUSD"
    assert spelling(FUTURES, "PF_AAPLxUSD") == "PF_AAPLxUSD"


@pytest.mark.parametrize(
    ("exchange", "unified", "symbol"),
    [
        (SPOT, "BTC/USD", "BTC/USD"),
        (SPOT, "XBT/USD", "BTC/USD"),
        (FUTURES, "BTC/USD:USD", "PF_XBTUSD"),
        (FUTURES, "BTC/USD:BTC", "PI_XBTUSD"),
        (FUTURES, "ETH/USD:USD-261225", "FF_ETHUSD_261225"),
        (FUTURES, "ETH/USD:ETH-261225", "FI_ETHUSD_261225"),
        (FUTURES, "DOGE/USD:USD", "PF_XDGUSD"),
    ],
)
def test_unified_symbols_are_spelt(exchange: Exchange, unified: str, symbol: str) -> None:
    assert symbol_of(exchange, unified) == symbol


@pytest.mark.parametrize(
    ("exchange", "unified"),
    [(SPOT, "BTC/USD:USD"), (FUTURES, "BTC/USD"), (FUTURES, "BTC/USD:EUR"),
     (FUTURES, "BTC/USD:BTC-261225-1-C"), (SPOT, "nonsense")],
)  # fmt: skip
def test_what_a_market_does_not_trade_is_refused(exchange: Exchange, unified: str) -> None:
    with pytest.raises(InvalidInput):
        symbol_of(exchange, unified)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("XXBTZUSD", "BTC/USD"), ("XBTUSDT", "BTC/USDT"), ("XTZUSD", "XTZ/USD"), ("USDTZUSD", "USDT/USD"),
     ("XETHXXBT", "ETH/BTC"), ("ETH/XBT", "ETH/BTC"), ("AAPLxUSD", "AAPLx/USD"), ("XDGUSD", "DOGE/USD"),
     ("ZEURZUSD", "EUR/USD"), ("USD", "")],
)  # fmt: skip
def test_names_of_rest(name: str, symbol: str) -> None:
    assert symbol_of_pair(name) == symbol


# Lists.


def test_a_pair_and_its_rules() -> None:
    [found], skipped = decode_instruments(SPOT, pairs(PAIR))
    assert skipped == ()
    assert (found.symbol, found.unified, found.status, found.status_venue) == (
        "BTC/USD", "BTC/USD", "trading", "online",
    )  # fmt: skip
    rules = found.rules
    assert rules is not None
    assert (rules.tick_size, rules.step_size) == (Decimal("0.1"), Decimal("1E-8"))
    assert (rules.min_quantity, rules.min_notional) == (Decimal("0.00005"), Decimal("0.5"))
    assert found.quantity_unit is QuantityUnit.BASE


def test_the_instrument_channel_says_the_same() -> None:
    row = (
        b'{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,'
        b'"qty_increment":1e-08,"price_precision":1,"cost_min":0.5,"tick_size":0.1,"price_increment":0.1,'
        b'"qty_min":5e-05}'
    )
    frame = b'{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[' + row + b"]}}"
    [found], skipped = decode_instruments(SPOT, frame)
    [listed], _ = decode_instruments(SPOT, pairs(PAIR))
    assert skipped == ()
    assert (found, found.rules, found.status) == (listed, listed.rules, listed.status)


@pytest.mark.parametrize(
    ("word", "status"),
    [("online", "trading"), ("cancel_only", "cancel_only"), ("post_only", "pre_trading"), ("new", "unknown"),
     ("limit_only", "trading"), ("maintenance", "halted"), ("delisted", "closed"), ("", "unknown")],
)  # fmt: skip
def test_states_of_pairs(word: str, status: str) -> None:
    [found], _ = decode_instruments(SPOT, pairs(PAIR | {"status": word}))
    assert (found.status, found.status_venue) == (status, word)


def test_contracts_and_their_rules() -> None:
    body = contracts(
        CONTRACT,
        CONTRACT
        | {"symbol": "PF_SHIBUSD", "base": "SHIB", "contractValueTradePrecision": -3, "tickSize": 1e-9},
        CONTRACT | {"symbol": "FF_XBTUSD_261225", "lastTradingTime": "2026-12-25T16:00:00.000Z"},
        {
            "symbol": "pi_xbtusd",
            "type": "futures_inverse",
            "tickSize": 0.5,
            "contractSize": 1,
            "tradeable": True,
        },
        {"symbol": "in_xbtusd", "type": "spot index", "tradeable": False},
    )
    found, skipped = decode_instruments(FUTURES, body)
    assert skipped == ()
    assert [each.unified for each in found] == [
        "BTC/USD:USD", "SHIB/USD:USD", "BTC/USD:USD-261225", "BTC/USD:BTC",
    ]  # fmt: skip
    linear, shib, dated, inverse = found
    assert linear.rules is not None
    assert (linear.rules.tick_size, linear.rules.step_size) == (1, Decimal("0.0001"))
    assert shib.rules is not None
    assert (shib.rules.tick_size, shib.rules.step_size) == (Decimal("1E-9"), 1000)
    assert shib.rules.check_quantity(Decimal(1500)) != ()
    assert dated.expiry_ns == from_iso("2026-12-25T16:00:00Z")
    assert (inverse.symbol, inverse.inverse, inverse.notional(Decimal(5), Decimal(1))) == (
        "PI_XBTUSD",
        True,
        5,
    )


def test_a_perpetual_that_is_delisted_stays_one() -> None:
    [found], _ = decode_instruments(
        FUTURES, contracts(CONTRACT | {"lastTradingTime": "2026-12-25T16:00:00Z"})
    )
    assert (found.kind, found.expiry_ns, found.unified) == ("perpetual", None, "BTC/USD:USD")
    odd = CONTRACT | {"symbol": "XX_ODD", "lastTradingTime": "2026-12-25T16:00:00Z"}
    [found], _ = decode_instruments(FUTURES, contracts(odd))
    assert (found.kind, found.unified) == ("future", "BTC/USD:USD-261225")


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, "trading"), ({"tradeable": False}, "halted"), ({"postOnly": True}, "pre_trading"),
     ({"isExpired": True}, "closed"), ({"tradeable": None}, "unknown")],
)  # fmt: skip
def test_states_of_contracts(fields: dict[str, object], status: str) -> None:
    [found], _ = decode_instruments(FUTURES, contracts(CONTRACT | fields))
    assert found.status == status


@pytest.mark.parametrize(
    "bad",
    [{"tick_size": "-1"}, {"tick_size": "x"}, {"wsname": ""}, {"wsname": "XBTUSD"}, {"lot_decimals": 10**9},
     {"ordermin": "NaN"}],
)  # fmt: skip
def test_a_bad_pair_harms_no_other(bad: dict[str, object]) -> None:
    row = {key: value for key, value in (PAIR | bad).items() if key != "tick_size" or "tick_size" in bad}
    found, skipped = decode_instruments(SPOT, pairs(row, PAIR))
    assert [each.symbol for each in found] == ["BTC/USD"]
    assert [name for name, _ in skipped] == ["P0"]


@pytest.mark.parametrize(
    "bad",
    [{"tickSize": -1}, {"symbol": 5}, {"contractValueTradePrecision": 99},
     {"symbol": "FF_XBTUSD_261225", "lastTradingTime": "soon"}, {"symbol": "??", "base": "", "quote": ""},
     {"type": "futures_inverse", "contractSize": 0}],
)  # fmt: skip
def test_a_bad_contract_harms_no_other(bad: dict[str, object]) -> None:
    found, skipped = decode_instruments(FUTURES, contracts(CONTRACT | bad, CONTRACT))
    assert [each.symbol for each in found] == ["PF_XBTUSD"]
    assert len(skipped) == 1


@pytest.mark.parametrize("exchange", [SPOT, FUTURES])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"result":5}', b"[" * 10_000])
def test_what_is_no_list_is_refused(exchange: Exchange, body: bytes) -> None:
    with pytest.raises(PayloadError, match="kraken"):
        decode_instruments(exchange, body)
    with pytest.raises(PayloadError, match="kraken"):
        decode_volumes(exchange, body)


def test_volumes_of_pairs() -> None:
    ticker = {"v": ["1", "2.50"], "p": ["9", "100.10"], "c": ["1", "2"]}
    body = json.dumps({"error": [], "result": {"XXBTZUSD": ticker, "odd": ticker, "ETHUSD": {}}}).encode()
    assert decode_volumes(SPOT, body) == {"BTC/USD": Decimal("250.2500")}


def test_volumes_of_contracts() -> None:
    rows = [
        {"symbol": "PF_XBTUSD", "vol24h": 3, "volumeQuote": 250.5},
        {"symbol": "PI_XBTUSD", "vol24h": 1000},
        {"symbol": "PF_ETHUSD", "vol24h": 7},
        {"symbol": 7},
    ]
    body = json.dumps({"result": "success", "tickers": rows}).encode()
    assert decode_volumes(FUTURES, body) == {"PF_XBTUSD": Decimal("250.5"), "PI_XBTUSD": Decimal(1000)}


def test_a_catalogue_finds_the_older_names() -> None:
    catalogue = Catalogue(SPOT, decode_instruments(SPOT, pairs(PAIR))[0])
    assert catalogue.find("xbt", "usd", InstrumentKind.SPOT).symbol == "BTC/USD"


# REST.


def test_addresses_and_pools() -> None:
    assert rest_base(SPOT, LIVE) == "https://api.kraken.com"
    assert rest_base(FUTURES, LIVE) == "https://futures.kraken.com"
    for exchange in (SPOT, FUTURES):
        for environment in (Environment.DEMO, Environment.TESTNET):
            with pytest.raises(InvalidInput, match="live"):
                rest_base(exchange, environment)
        for pool in (request_pool(exchange, LIVE), connection_pool(exchange, LIVE)):
            assert pool.source
            assert pool.limit > 0
    assert connection_pool(SPOT, LIVE).limit <= 150


def test_requests() -> None:
    assert instruments_request(SPOT, "http://h").url == "http://h/0/public/AssetPairs"
    [stocks] = more_instruments(SPOT, instruments_request(SPOT, "http://h"), b"")
    assert stocks.url == "http://h/0/public/AssetPairs?aclass_base=tokenized_asset"
    assert more_instruments(SPOT, stocks, b"") == ()
    assert more_instruments(FUTURES, instruments_request(FUTURES, "http://h"), b"") == ()
    assert instruments_request(FUTURES, "http://h").url == "http://h/derivatives/api/v3/instruments"
    assert volumes_request(SPOT, "http://h").url == "http://h/0/public/Ticker"
    assert volumes_request(FUTURES, "http://h").url == "http://h/derivatives/api/v3/tickers"


@pytest.mark.parametrize(
    ("response", "kind", "code", "words"),
    [
        (answer({"error": ["EQuery:Unknown asset pair"]}), VenueError, "EQuery:Unknown asset pair", "asset"),
        (answer({"error": ["EAPI:Rate limit exceeded"]}), RateLimited, "EAPI:Rate limit exceeded", "Rate"),
        (answer({"error": ["EService: Throttled: 1790000000"]}), RateLimited, None, "Throttled"),
        (answer({"result": "error", "error": "apiLimitExceeded"}), RateLimited, "apiLimitExceeded", "Limit"),
        (answer({"result": "error", "error": "authenticationError"}), VenueError, None, "auth"),
        (answer({"result": "error", "errors": [{"code": 11, "message": "Argument invalid: symbol"}]}),
         VenueError, 11, "Argument"),
        (answer({"result": "error"}), VenueError, None, "error"),
        (answer(b"<html>", 503), VenueError, None, "<html>"),
        (answer(b"slow down", 429), RateLimited, None, "slow"),
    ],
)  # fmt: skip
def test_errors(response: Response, kind: type[VenueError], code: object, words: str) -> None:
    error = error_of(SPOT, REQUEST, response)
    assert type(error) is kind
    assert words in error.venue_message
    assert code is None or error.code == code
    assert (error.retry_after_ns > 0) == (kind is RateLimited)
    assert read_limits(SPOT, response).retry_after_ns == error.retry_after_ns


def test_how_long_to_wait_is_read_where_it_is_said() -> None:
    response = Response(429, {"retry-after": "7"}, b"")
    assert read_limits(SPOT, response).retry_after_ns == 7 * SECOND
    assert read_limits(SPOT, Response(429, {"retry-after": "soon"}, b"")).retry_after_ns == 15 * SECOND


@pytest.mark.parametrize("body", [pairs(PAIR), contracts(CONTRACT), b"[]", b"not JSON"])
def test_a_good_answer_is_no_error(body: bytes) -> None:
    response = answer(body)
    assert error_of(SPOT, REQUEST, response) is None
    assert read_limits(SPOT, response).retry_after_ns == 0
