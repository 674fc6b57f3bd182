"""Candles, funding rates and open interest over REST: what is asked for, and how the answer is read."""

import pytest

from toucan_data import Coinbase, CoinbaseAdvanced, FundingRates, MarkPrices, OpenInterests
from toucan_instrument.errors import InvalidInput, PayloadError, UnsupportedKind

SPOT, ADVANCED = Coinbase(), CoinbaseAdvanced()
BTC, PERPETUAL = SPOT.unchecked("BTC-USD"), ADVANCED.unchecked("BIP-20DEC30-CDE")
SECOND, HOUR = 10**9, 3600 * 10**9
PRODUCTS = "https://api.coinbase.com/api/v3/brokerage/market/products"
UNREADABLE = [b"", b"\xff", b"[" * 100_000, b"1", b"null", b'"x"']


# Candles; facts 2.3.


def test_candles_are_asked_for_by_seconds_and_with_both_ends():
    first, last = 1_700_000_000 * SECOND + 1, 1_700_018_000 * SECOND - 1
    window = "&start=1700000001&end=1700017999"
    request = SPOT.candle_pages(BTC, "6h").ask(first, last).request
    url = "https://api.exchange.coinbase.com/products/BTC-USD/candles?granularity=21600"
    assert (request.method, request.url, request.weight) == ("GET", url + window, 1)
    assert "User-Agent" in request.headers
    request = ADVANCED.candle_pages(PERPETUAL, "2h").ask(first, last).request
    assert request.url == f"{PRODUCTS}/BIP-20DEC30-CDE/candles?granularity=TWO_HOUR{window}"
    assert "User-Agent" in request.headers


def test_a_window_of_candles_is_what_one_answer_holds():
    assert SPOT.candle_pages(BTC, "1h").span_ns == 300 * HOUR
    assert ADVANCED.candle_pages(PERPETUAL, "30m").span_ns == 175 * HOUR


@pytest.mark.parametrize(
    ("venue", "interval", "named"), [(SPOT, "30m", "15m, 1h"), (SPOT, "", "1m"), (ADVANCED, "1w", "6h, 1d")]
)
def test_another_length_is_refused_with_those_there_are(venue, interval, named):
    with pytest.raises(InvalidInput, match=named) as caught:
        venue.candle_pages(BTC, interval)
    assert (caught.value.field, caught.value.value) == ("interval", interval)


def test_candles_of_exchange_have_the_low_first_and_all_digits():
    body = b"[[1700000060,0.90,2.00,1.10,1.50,7.12345678],[1700000000,1,1e-7,1,1,0,9]]"
    first, second = SPOT.candle_pages(BTC, "1m").ask(0, 1).decode(body, 7)
    numbers = first.open, first.high, first.low, first.close, first.volume
    assert [str(each) for each in numbers] == ["1.10", "2.00", "0.90", "1.50", "7.12345678"]
    assert (first.open_time, first.close_time) == (1_700_000_060 * SECOND, 1_700_000_120 * SECOND - 1)
    assert (first.interval, first.turnover, first.trades, first.closed) == ("1m", None, None, False)
    assert (first.time_exchange, first.time_received, first.instrument) == (None, 7, BTC)
    assert (second.open_time, str(second.high)) == (1_700_000_000 * SECOND, "1E-7")


def test_candles_of_advanced_trade_are_texts():
    row = b'{"start":"1700006400","low":"0.90","high":"2.00","open":"1.10","close":"1.50","volume":"7.0"}'
    [found] = ADVANCED.candle_pages(PERPETUAL, "1d").ask(0, 1).decode(b'{"candles":[' + row + b"]}", 7)
    numbers = found.open, found.high, found.low, found.close, found.volume
    assert [str(each) for each in numbers] == ["1.10", "2.00", "0.90", "1.50", "7.0"]
    assert (found.open_time, found.close_time) == (1_700_006_400 * SECOND, 1_700_092_800 * SECOND - 1)
    assert (found.interval, found.time_exchange, found.closed) == ("1d", None, False)


ROW = '{"start":"%s","low":"1","high":"1","open":"%s","close":"1","volume":"1"}'


@pytest.mark.parametrize(
    ("venue", "body"),
    [
        *((venue, body) for venue in (SPOT, ADVANCED) for body in UNREADABLE),
        (SPOT, b'{"message":"x"}'),
        (SPOT, b"[[1,1,1,1,1]]"),
        (SPOT, b'[["1",1,1,1,1,1]]'),
        (SPOT, b"[[1,1,1,1,1,null]]"),
        (SPOT, b'[[1,1,1,1,1,"NaN"]]'),
        (ADVANCED, b"[]"),
        (ADVANCED, b"{}"),
        (ADVANCED, b'{"candles":[{"start":"1"}]}'),
        (ADVANCED, f'{{"candles":[{ROW % ("soon", "1")}]}}'.encode()),
        (ADVANCED, f'{{"candles":[{ROW % ("-1", "1")}]}}'.encode()),
        (ADVANCED, f'{{"candles":[{ROW % ("1", "")}]}}'.encode()),
        (ADVANCED, f'{{"candles":[{ROW % ("1", "NaN")}]}}'.encode()),
    ],
)
def test_candles_that_cannot_be_read_are_a_typed_error(venue, body):
    with pytest.raises(PayloadError, match="candles of BTC/USD") as caught:
        venue.candle_pages(BTC, "1m").ask(0, 1).decode(body, 1)
    assert caught.value.raw == body


# Funding rates and open interest; facts 9.


def answer(**details):
    rows = ",".join(f'"{name}":"{value}"' for name, value in details.items())
    return (
        '{"product_id":"BIP-20DEC30-CDE","price":"1.5","product_type":"FUTURE","new":[1],'
        f'"future_product_details":{{"contract_size":"0.01","contract_expiry_type":"EXPIRING",{rows}}}}}'
    ).encode()


@pytest.mark.parametrize("kind", [FundingRates, OpenInterests])
def test_what_is_said_of_a_future_is_one_request(kind):
    request = ADVANCED.question(kind, PERPETUAL).request
    assert (request.method, request.url, request.weight) == ("GET", f"{PRODUCTS}/BIP-20DEC30-CDE", 1)
    assert "User-Agent" in request.headers
    escaped = ADVANCED.question(kind, ADVANCED.unchecked("A/B?-20DEC30-CDE")).request.url
    assert escaped.startswith(f"{PRODUCTS}/A%2FB%3F")


@pytest.mark.parametrize(
    ("venue", "instrument", "kind"),
    [
        (SPOT, BTC, FundingRates),
        (SPOT, BTC, OpenInterests),
        (ADVANCED, ADVANCED.unchecked("BTC-USD"), FundingRates),
        (ADVANCED, ADVANCED.unchecked("BTC-USD"), OpenInterests),
        (ADVANCED, PERPETUAL, MarkPrices),
    ],
)
def test_what_is_not_there_is_refused_before_it_is_asked_for(venue, instrument, kind):
    with pytest.raises(UnsupportedKind, match="a venue with it over REST"):
        venue.question(kind, instrument)


def test_open_interest_is_a_number_of_contracts_with_all_its_digits():
    found = ADVANCED.question(OpenInterests, PERPETUAL).decode(answer(open_interest="1500.10"), 7)
    assert (str(found.quantity), found.notional, found.instrument) == ("1500.10", None, PERPETUAL)
    assert (found.time_exchange, found.time_received) == (None, 7)


def funding(now, **details):
    return ADVANCED.question(FundingRates, PERPETUAL).decode(answer(**details), now)


DUE = 1_700_002_800 * SECOND  # 2023-11-14T23:00:00Z
TOLD = {"funding_rate": "-0.000012", "funding_interval": "3600s", "funding_time": "2023-11-14T23:00:00Z"}


def test_a_funding_rate_comes_with_its_interval_and_the_next_time():
    found = funding(DUE - 1, **TOLD)
    assert (str(found.rate), found.next_funding_time, found.interval_ns) == ("-0.000012", DUE, HOUR)
    assert (found.predicted_rate, found.time_exchange, found.time_received) == (None, None, DUE - 1)
    assert found.instrument == PERPETUAL


def test_a_time_that_is_past_is_not_given_out_as_the_next_one():
    assert funding(DUE, **TOLD).next_funding_time == DUE + HOUR
    assert funding(DUE + 5 * HOUR - 1, **TOLD).next_funding_time == DUE + 5 * HOUR
    for missing in ({}, {"funding_interval": ""}):
        told = {"funding_rate": "0", "funding_time": TOLD["funding_time"], **missing}
        found = funding(DUE + 1, **told)
        assert (found.next_funding_time, found.interval_ns) == (None, None)
        assert funding(DUE - 1, **told).next_funding_time == DUE
    assert funding(1, funding_rate="0", funding_time="").next_funding_time is None


@pytest.mark.parametrize("details", [{}, {"funding_rate": "", "funding_interval": ""}])
def test_a_dated_future_has_no_funding(details):
    with pytest.raises(UnsupportedKind, match="dated future") as caught:
        funding(1, open_interest="1", **details)
    assert "perpetual" in caught.value.accepted


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *((kind, body) for kind in (FundingRates, OpenInterests) for body in UNREADABLE),
        (FundingRates, answer(**{**TOLD, "funding_rate": "NaN"})),
        (FundingRates, answer(**{**TOLD, "funding_rate": "much"})),
        (FundingRates, answer(**{**TOLD, "funding_interval": "1h"})),
        (FundingRates, answer(**{**TOLD, "funding_interval": "0s"})),
        (FundingRates, answer(**{**TOLD, "funding_time": "soon"})),
        (OpenInterests, answer(open_interest="")),
        (OpenInterests, answer(open_interest="Infinity")),
        (OpenInterests, b'{"product_id":"BIP-20DEC30-CDE"}'),
        (OpenInterests, b'{"product_id":"BIP-20DEC30-CDE","future_product_details":null}'),
        (OpenInterests, answer(open_interest="1").replace(b"BIP", b"ETP")),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_typed_error(kind, body):
    with pytest.raises(PayloadError, match=kind.name) as caught:
        ADVANCED.question(kind, PERPETUAL).decode(body, 1)
    assert caught.value.raw == body
    assert str(PERPETUAL) in str(caught.value)
