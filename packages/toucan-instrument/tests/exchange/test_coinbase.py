"""Coinbase's symbols, lists, addresses and errors."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from toucan_instrument import (
    Environment,
    Exchange,
    InstrumentKind,
    InstrumentStatus,
    InvalidInput,
    PayloadError,
    QuantityUnit,
    RateLimited,
    Request,
    Response,
    VenueError,
)
from toucan_instrument.exchange.coinbase import (
    connection_pool,
    decode_instruments,
    decode_volumes,
    error_of,
    instruments_request,
    more_instruments,
    more_volumes,
    parse_symbol,
    read_limits,
    request_pool,
    rest_base,
    stream_symbol,
    symbol_of,
    volumes_request,
)
from toucan_instrument.rest import LimitNote
from toucan_instrument.symbol import expiry_at
from toucan_instrument.timestamps import from_iso

SPOT, ADVANCED = Exchange.COINBASE, Exchange.COINBASE_ADVANCED
LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO
SECOND = 10**9
REQUEST = Request("GET", "https://x.test/products?secret=1")


def product(symbol: str = "BTC-USD", **fields: Any) -> dict[str, Any]:
    base, _, quote = symbol.partition("-")
    row = {
        "id": symbol,
        "base_currency": base,
        "quote_currency": quote,
        "quote_increment": "0.01",
        "base_increment": "0.00000001",
        "min_market_funds": "1",
        "status": "online",
        "trading_disabled": False,
        "max_slippage_percentage": "0.02000000",
        "high_bid_limit_percentage": "",
    }
    return row | fields


def advanced(symbol: str = "BTC-USD", **fields: Any) -> dict[str, Any]:
    base, _, quote = symbol.partition("-")
    row = {
        "product_id": symbol,
        "product_type": "SPOT",
        "price": "68923.67",
        "volume_24h": "2.5",
        "base_increment": "0.00000001",
        "quote_increment": "0.01",
        "price_increment": "0.01",
        "quote_min_size": "1",
        "quote_max_size": "150000000",
        "base_min_size": "0.00000001",
        "base_max_size": "3400",
        "status": "online",
        "is_disabled": False,
        "base_currency_id": base,
        "quote_currency_id": quote,
        "fcm_trading_session_details": None,
    }
    return row | fields


def future(symbol: str, **details: Any) -> dict[str, Any]:
    row = advanced(symbol, product_type="FUTURE", status="", base_currency_id="", quote_currency_id="USD")
    held = {
        "contract_expiry": "2026-04-24T15:00:00Z",
        "contract_size": "0.01",
        "contract_root_unit": "BTC",
        "funding_rate": "",
        "contract_expiry_type": "EXPIRING",
    }
    return row | {"price_increment": "5", "base_increment": "1", "future_product_details": held | details}


def page(*rows: Any, **more: Any) -> bytes:
    return json.dumps({"products": rows, **more}).encode()


# Symbols.


@pytest.mark.parametrize("exchange", [SPOT, ADVANCED])
def test_pairs_go_both_ways(exchange: Exchange) -> None:
    for symbol, unified in [("BTC-USD", "BTC/USD"), ("USDT-USDC", "USDT/USDC"), ("00-USD", "00/USD")]:
        found = parse_symbol(exchange, symbol)
        assert (found.symbol, found.unified, found.kind) == (symbol, unified, InstrumentKind.SPOT)
        assert found.quantity_unit is QuantityUnit.BASE
        assert symbol_of(exchange, unified) == symbol
    assert symbol_of(exchange, "btc/usd") == "BTC-USD"


@pytest.mark.parametrize("symbol", ["BTC", "-USD", "BTC-", "", "-"])
def test_what_is_no_pair_is_its_own_name(symbol: str) -> None:
    found = parse_symbol(SPOT, symbol)
    assert (found.base, found.quote, found.unified) == (symbol, "", symbol)


@given(st.text(max_size=12), st.sampled_from([SPOT, ADVANCED]))
def test_any_spelling_gives_an_instrument(symbol: str, exchange: Exchange) -> None:
    assert parse_symbol(exchange, symbol).symbol == symbol


def test_futures_by_their_spelling() -> None:
    dated = parse_symbol(ADVANCED, "BIT-24APR26-CDE")
    assert (dated.unified, dated.kind) == ("BTC/USD:USD-260424", InstrumentKind.FUTURE)
    assert dated.expiry_ns == expiry_at("260424", 0)
    perpetual = parse_symbol(ADVANCED, "BIP-20DEC30-CDE")
    assert (perpetual.unified, perpetual.kind) == ("BTC/USD:USD", InstrumentKind.PERPETUAL)
    assert perpetual.contract_size == dated.contract_size == Decimal("0.01")
    assert perpetual.quantity_unit is dated.quantity_unit is QuantityUnit.CONTRACTS
    other = parse_symbol(ADVANCED, "NOL-19MAY26-CDE")
    assert (other.unified, other.expiry_ns) == ("NOL-19MAY26-CDE", expiry_at("260519", 0))
    for no_day in ("BIT-31FEB26-CDE", "BIT-24XXX26-CDE"):
        assert parse_symbol(ADVANCED, no_day).unified == no_day


def test_the_international_perpetuals_of_recordings() -> None:
    found = parse_symbol(ADVANCED, "BTC-PERP-INTX")
    assert (found.unified, found.kind) == ("BTC/USDC:USDC", InstrumentKind.PERPETUAL)
    assert parse_symbol(ADVANCED, "-PERP-INTX").kind is InstrumentKind.SPOT


@pytest.mark.parametrize("exchange", [SPOT, ADVANCED])
def test_derivatives_are_not_spelt_by_a_rule(exchange: Exchange) -> None:
    for unified in ("BTC/USD:USD", "BTC/USD:USD-260424"):
        with pytest.raises(InvalidInput, match="by a rule"):
            symbol_of(exchange, unified)


@pytest.mark.parametrize(
    ("exchange", "symbol", "sent"),
    [
        (ADVANCED, "BTC-USDC", "BTC-USD"),
        (ADVANCED, "BTC-USD", "BTC-USD"),
        (ADVANCED, "USDT-USDC", "USDT-USDC"),
        (ADVANCED, "EURC-USDC", "EURC-USDC"),
        (ADVANCED, "BTC-EUR", "BTC-EUR"),
        (SPOT, "BTC-USDC", "BTC-USDC"),
    ],
)
def test_a_pair_in_usdc_is_sent_as_one_in_usd(exchange: Exchange, symbol: str, sent: str) -> None:
    assert stream_symbol(exchange, symbol) == sent


# Lists.


def test_a_product_of_exchange() -> None:
    [found], skipped = decode_instruments(SPOT, json.dumps([product()]).encode())
    assert skipped == ()
    assert (found.symbol, found.unified, found.status) == ("BTC-USD", "BTC/USD", InstrumentStatus.TRADING)
    rules = found.rules
    assert rules is not None
    assert (str(rules.tick_size), format(rules.step_size or 0, "f")) == ("0.01", "0.00000001")
    assert rules.min_notional == 1
    assert (rules.min_quantity, rules.max_quantity, rules.max_notional) == (None, None, None)
    assert rules.unknown == ('{"max_slippage_percentage":"0.02000000"}',)


def test_an_old_product_keeps_its_sizes() -> None:
    row = product(base_min_size="0.001", base_max_size="80", max_market_funds="200000")
    [found], _ = decode_instruments(SPOT, json.dumps([row]).encode())
    assert found.rules is not None
    assert (found.rules.min_quantity, found.rules.max_quantity) == (Decimal("0.001"), Decimal(80))
    assert '{"max_market_funds":"200000"}' in found.rules.unknown


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({}, InstrumentStatus.TRADING, "online"),
        ({"status": "delisted", "trading_disabled": True}, InstrumentStatus.CLOSED, "delisted"),
        ({"status": "offline"}, InstrumentStatus.HALTED, "offline"),
        ({"status": "internal"}, InstrumentStatus.HALTED, "internal"),
        ({"status": "new word", "cancel_only": True}, InstrumentStatus.UNKNOWN, "new word"),
        ({"trading_disabled": True}, InstrumentStatus.HALTED, "trading_disabled"),
        ({"cancel_only": True}, InstrumentStatus.CANCEL_ONLY, "cancel_only"),
        ({"auction_mode": True}, InstrumentStatus.PRE_TRADING, "auction_mode"),
        ({"post_only": True}, InstrumentStatus.PRE_TRADING, "post_only"),
        ({"limit_only": True}, InstrumentStatus.TRADING, "limit_only"),
        ({"limit_only": True, "cancel_only": True}, InstrumentStatus.CANCEL_ONLY, "cancel_only"),
    ],
)
def test_states(fields: dict[str, Any], status: InstrumentStatus, word: str) -> None:
    for exchange, body in (
        (SPOT, json.dumps([product(**fields)]).encode()),
        (ADVANCED, page(advanced(**fields))),
    ):
        [found], _ = decode_instruments(exchange, body)
        assert (found.status, found.status_venue) == (status, word)


def test_a_pair_of_advanced_trade() -> None:
    [found], _ = decode_instruments(ADVANCED, page(advanced()))
    assert (found.unified, found.kind, found.settle) == ("BTC/USD", InstrumentKind.SPOT, "")
    assert found.rules is not None
    assert (found.rules.min_notional, found.rules.max_notional) == (1, 150_000_000)
    assert (found.rules.min_quantity, found.rules.max_quantity) == (Decimal("1e-8"), 3400)


def test_futures_of_advanced_trade() -> None:
    rows = [
        future("BIT-24APR26-CDE"),
        future("BIP-20DEC30-CDE", funding_rate="0.000012", contract_expiry="2030-12-20T16:00:00Z"),
        future("ET-24APR26-CDE", contract_root_unit="ETH", contract_size="0.1", contract_expiry=""),
    ]
    (dated, perpetual, by_name), skipped = decode_instruments(ADVANCED, page(*rows))
    assert skipped == ()
    assert (dated.unified, dated.kind) == ("BTC/USD:USD-260424", InstrumentKind.FUTURE)
    assert dated.expiry_ns == from_iso("2026-04-24T15:00:00Z")
    assert (dated.contract_size, dated.quantity_unit) == (Decimal("0.01"), QuantityUnit.CONTRACTS)
    assert dated.status is InstrumentStatus.TRADING
    assert dated.rules is not None
    assert dated.rules.tick_size == 5  # not the quote_increment of 0.01
    assert dated.base_quantity(Decimal(3)) == Decimal("0.03")
    assert (perpetual.unified, perpetual.kind) == ("BTC/USD:USD", InstrumentKind.PERPETUAL)
    assert perpetual.expiry_ns is None
    assert (by_name.unified, by_name.contract_size) == ("ETH/USD:USD-260424", Decimal("0.1"))


def test_what_is_null_is_not_there() -> None:
    row = product(min_market_funds=None, base_min_size=None, status=None)
    [found], skipped = decode_instruments(SPOT, json.dumps([row]).encode())
    assert skipped == ()
    assert found.rules is not None
    assert (found.rules.min_notional, found.status_venue) == (None, "")
    rows = [advanced(base_max_size=None, price=None), future("BIT-24APR26-CDE", funding_rate=None)]
    (pair, dated), skipped = decode_instruments(ADVANCED, page(*rows))
    assert skipped == ()
    assert pair.rules is not None
    assert pair.rules.max_quantity is None
    assert dated.kind is InstrumentKind.FUTURE


def test_futures_rest_with_their_exchange() -> None:
    closed = {"is_session_open": False, "session_state": "FCM_TRADING_SESSION_STATE_CLOSED"}
    sessions = [{"is_session_open": True}, closed, {"is_session_open": False}, {}]
    rows = [future(f"BIT-2{i}APR26-CDE") | {"fcm_trading_session_details": s} for i, s in enumerate(sessions)]
    found, _ = decode_instruments(ADVANCED, page(*rows))
    assert [(each.status.value, each.status_venue) for each in found] == [
        ("trading", ""),
        ("halted", "FCM_TRADING_SESSION_STATE_CLOSED"),
        ("halted", "session closed"),
        ("trading", ""),
    ]


def test_one_bad_row_harms_no_other() -> None:
    bad = [
        {"id": "X-Y"},
        product("BAD-USD", quote_increment="wide"),
        product("NEG-USD", min_market_funds="-1"),
        product("INF-USD", base_increment="Infinity"),
        7,
    ]
    found, skipped = decode_instruments(SPOT, json.dumps([*bad, product(), product(id="")]).encode())
    assert [each.symbol for each in found] == ["BTC-USD"]
    assert [name for name, _ in skipped] == ["X-Y", "BAD-USD", "NEG-USD", "INF-USD", "", ""]
    assert all(reason for _, reason in skipped)
    found, skipped = decode_instruments(ADVANCED, page({"product_id": ""}, future("Q-U", contract_size="x")))
    assert (found, [name for name, _ in skipped]) == ([], ["", "Q-U"])


@pytest.mark.parametrize("exchange", [SPOT, ADVANCED])
@pytest.mark.parametrize("body", [b"", b"{", b"7", b'{"products":', b"[" * 100_000, b"\xff"])
def test_no_list(exchange: Exchange, body: bytes) -> None:
    with pytest.raises(PayloadError):
        decode_instruments(exchange, body)
    with pytest.raises(PayloadError):
        decode_volumes(exchange, body)


def test_all_pages_are_asked_for() -> None:
    first = instruments_request(ADVANCED, "https://h")
    assert first.url == "https://h/api/v3/brokerage/market/products?product_type=SPOT&limit=500&offset=0"
    row = advanced()
    [second] = more_instruments(ADVANCED, first, page(*[row] * 500, num_products=923))
    assert second.url.endswith("product_type=SPOT&limit=500&offset=500")
    [third] = more_instruments(ADVANCED, second, page(*[row] * 423, num_products=923))
    assert third.url.endswith("product_type=FUTURE&limit=500&offset=0")
    assert more_instruments(ADVANCED, third, page(row, num_products=1)) == ()
    # A page that is shorter than was asked for, of a list that is longer.
    [fourth] = more_volumes(ADVANCED, first, page(*[row] * 250, num_products=923))
    assert fourth.url.endswith("product_type=SPOT&limit=500&offset=250")
    [fifth] = more_instruments(ADVANCED, second, page(num_products=9_999))
    assert "FUTURE" in fifth.url  # an empty page is the last one, whatever it says
    with pytest.raises(PayloadError):
        more_instruments(ADVANCED, first, b"7")


def test_exchange_has_one_page() -> None:
    request = instruments_request(SPOT, "https://h")
    assert (request.url, request.headers) == ("https://h/products", {"User-Agent": "toucan"})
    assert more_instruments(SPOT, request, b"[]") == ()
    assert volumes_request(SPOT, "https://h").url == "https://h/products/stats"
    assert more_volumes(SPOT, request, b"{}") == ()


def test_volumes_are_valued_at_the_last_price() -> None:
    body = json.dumps(
        {
            "ETH-BTC": {"stats_30day": {"volume": "9"}, "stats_24hour": {"volume": "62.5", "last": "0.08"}},
            "NO-LAST": {"stats_24hour": {"volume": "1"}},
            "NO-STATS": {},
            "BAD-USD": {"stats_24hour": {"volume": "much", "last": "1"}},
            "ODD-USD": 7,
            "NUM-USD": {"stats_24hour": {"volume": 0.5, "last": 3}},
        }
    ).encode()
    assert decode_volumes(SPOT, body) == {"ETH-BTC": Decimal(5), "NUM-USD": Decimal("1.5")}
    rows = [advanced(), advanced("X-USD", price=""), future("BIT-24APR26-CDE"), {"product_id": 7}]
    found = decode_volumes(ADVANCED, page(*rows))
    assert found == {
        "BTC-USD": Decimal("68923.67") * Decimal("2.5"),
        "BIT-24APR26-CDE": Decimal("68923.67") * Decimal("2.5") * Decimal("0.01"),
    }


# Addresses and answers.


def test_addresses() -> None:
    assert rest_base(SPOT, LIVE) == "https://api.exchange.coinbase.com"
    assert rest_base(SPOT, TESTNET).startswith("https://api-public.sandbox.")
    assert rest_base(ADVANCED, LIVE) == "https://api.coinbase.com"
    for exchange, environment in ((ADVANCED, TESTNET), (SPOT, DEMO)):
        with pytest.raises(InvalidInput) as caught:
            rest_base(exchange, environment)
        assert "live" in caught.value.accepted


def test_pools() -> None:
    assert len({request_pool(SPOT, LIVE), request_pool(SPOT, TESTNET), request_pool(ADVANCED, LIVE)}) == 3
    for exchange in (SPOT, ADVANCED):
        pool = request_pool(exchange, LIVE)
        assert (pool.limit, pool.window_ns) == (10, SECOND)
        assert connection_pool(exchange, LIVE).limit <= 8
        assert pool.source
        assert connection_pool(exchange, LIVE).source


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({}, 0), ({"retry-after": "3"}, 3), ({"retry-after": "soon"}, 0), ({"retry-after": "9" * 99}, 0)],
)
def test_limits(headers: dict[str, str], wait: int) -> None:
    assert read_limits(SPOT, Response(429, headers, b"")) == LimitNote(retry_after_ns=wait * SECOND)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "said"),
    [
        (404, b'{"message":"NotFound"}', VenueError, None, "NotFound"),
        (429, b'{"message":"Public rate limit exceeded"}', RateLimited, None, "Public rate limit exceeded"),
        (400, b'{"error":"INVALID_ARGUMENT","code":3,"message":"m"}', VenueError, "INVALID_ARGUMENT", "m"),
        (403, b"<html>", VenueError, None, "<html>"),
        (500, b"[" * 100_000, VenueError, None, "[" * 200),
        (302, b"", VenueError, None, ""),
    ],
)
def test_errors(status: int, body: bytes, kind: type[VenueError], code: object, said: str) -> None:
    error = error_of(SPOT, REQUEST, Response(status, {"retry-after": "3"}, body))
    assert error is not None
    assert type(error) is kind
    assert (error.status, error.code, error.venue_message) == (status, code, said)
    assert error.retry_after_ns == 3 * SECOND
    assert "secret" not in str(error)


def test_a_good_answer_is_no_error() -> None:
    assert error_of(ADVANCED, REQUEST, Response(200, {}, b'{"message":"x"}')) is None
