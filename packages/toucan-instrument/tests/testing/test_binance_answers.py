"""Binance's public REST as it is imitated: against the facts, and field by field against what was recorded.

The recordings stay outside of the repository: the variable TOUCAN_CAPTURES names the folder that holds
``captures`` and ``frames``.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_instrument import Exchange
from toucan_instrument.exchange.binance import decode_instruments, decode_volumes
from toucan_instrument.rules import TradingRules
from toucan_instrument.testing import binance_info as info, binance_rest as rest
from toucan_instrument.testing.binance import DEFAULT_SYMBOLS, INTERVALS, listed
from toucan_instrument.testing.tape import Tape
from toucan_instrument.testing.ticks import (
    DAY,
    MINUTE,
    SECOND,
    AverageTick,
    BookPicture,
    FundingTick,
    MarkTick,
    TopTick,
)

SPOT, US, USD_M, COIN_M = (each for each in Exchange if each.family == "binance")
MARKETS = (SPOT, US, USD_M, COIN_M)
START = 1_767_225_600 * SECOND
START_MS = START // 1_000_000
BID, ASK = (Decimal(49_999), Decimal(3)), (Decimal(50_001), Decimal(2))


def symbol_of(exchange: Exchange) -> str:
    return DEFAULT_SYMBOLS[exchange][0]


def tape_of(exchange: Exchange) -> Tape:
    size = Decimal(100) if exchange is COIN_M else None
    tape = Tape(symbol_of(exchange), price=Decimal(50_000), start_ns=START, contract_size=size)
    tape.trade(START, Decimal(50_000), [Decimal(1), Decimal(2)], buyer_is_maker=True)
    tape.trade(START + MINUTE, Decimal(40_000), [Decimal(4)], buyer_is_maker=False)
    return tape


def answers(exchange: Exchange) -> dict[str, Any]:
    """Return an answer of every endpoint, as JSON gives it back."""
    symbol, tape = symbol_of(exchange), tape_of(exchange)
    picture = BookPicture(symbol, START, 7, [BID], [ASK])
    ticker, now = tape.ticker(START + MINUTE, BID, ASK), START + MINUTE
    found: dict[str, Any] = {
        "ping": rest.ping(),
        "time": rest.server_time(exchange, START),
        "depth": rest.depth(exchange, picture),
        "trades": rest.trades(exchange, tape.trades),
        "aggTrades": rest.aggregate_trades(exchange, tape.trades),
        "klines": rest.klines(exchange, tape.bars(MINUTE, now)),
        "ticker/24hr": rest.day_tickers(exchange, [ticker], one=True),
        "ticker/24hr, mini": rest.day_tickers(exchange, [ticker], mini=True),
        "ticker/price": rest.prices(exchange, [ticker], one=True),
        "ticker/bookTicker": rest.book_tickers(exchange, [TopTick(symbol, START, 7, BID, ASK)], one=True),
        "exchangeInfo": info.exchange_information(exchange, [listed(exchange, symbol)], START),
    }
    if exchange in (SPOT, US):
        found["avgPrice"] = rest.average_price(AverageTick(symbol, now, 5, tape.average(5, now), now))
    else:
        mark = MarkTick(symbol, START, BID[0], ASK[0], Decimal("0.0001"), START + DAY)
        found |= {
            "premiumIndex": rest.premium_index(exchange, [mark], one=True),
            "fundingRate": rest.funding_rates(
                exchange, [FundingTick(symbol, START, Decimal("0.0001"), BID[0])]
            ),
            "fundingInfo": rest.funding_info([rest.FundingTerms(symbol, Decimal("0.02"), Decimal("-0.02"))]),
            "openInterest": rest.open_interest(exchange, symbol, Decimal(9), START),
        }
    return {name: json.loads(rest.encoded(answer)) for name, answer in found.items()}


def test_spot():
    found = answers(SPOT)
    assert found["ping"] == {}
    assert found["time"] == {"serverTime": START_MS}
    assert found["depth"] == {"lastUpdateId": 7, "bids": [["49999", "3"]], "asks": [["50001", "2"]]}
    assert found["trades"][1] == {
        "id": 2, "price": "50000", "qty": "2", "quoteQty": "100000", "time": START_MS, "isBuyerMaker": True,
        "isBestMatch": True,
    }  # fmt: skip
    assert found["aggTrades"][0] == {
        "a": 1, "p": "50000", "q": "3", "f": 1, "l": 2, "T": START_MS, "m": True, "M": True,
    }  # fmt: skip
    assert found["klines"][1] == [
        START_MS + 60_000, "40000", "40000", "40000", "40000", "4", START_MS + 119_999, "160000", 1, "4",
        "160000", "0",
    ]  # fmt: skip
    assert found["ticker/24hr"]["weightedAvgPrice"] == "44285.71428571"
    assert found["ticker/24hr"]["prevClosePrice"] == "50000"
    assert set(found["ticker/24hr, mini"][0]) == set(found["ticker/24hr"]) - {
        "priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice", "lastQty", "bidPrice",
        "bidQty", "askPrice", "askQty",
    }  # fmt: skip
    assert found["ticker/price"] == {"symbol": "BTCUSDT", "price": "40000"}
    assert found["avgPrice"] == {"mins": 5, "price": "44285.71428571", "closeTime": START_MS + 60_000}


def test_usd_margined():
    found = answers(USD_M)
    assert {"E", "T"} <= set(found["depth"])
    assert "isBestMatch" not in found["trades"][0]
    assert found["trades"][0]["isRPITrade"] is False
    assert "M" not in found["aggTrades"][0]
    assert "bidPrice" not in found["ticker/24hr"]
    assert found["ticker/price"] == {"symbol": "BTCUSDT", "price": "40000", "time": START_MS + 60_000}
    assert found["ticker/bookTicker"]["lastUpdateId"] == 7
    assert found["premiumIndex"]["nextFundingTime"] == START_MS + 86_400_000
    assert found["fundingRate"][0]["markPrice"] == "49999"
    assert found["fundingInfo"][0]["fundingIntervalHours"] == 8
    assert found["openInterest"] == {"openInterest": "9", "symbol": "BTCUSDT", "time": START_MS}


def test_coin_margined():
    found = answers(COIN_M)
    assert (found["depth"]["symbol"], found["depth"]["pair"]) == ("BTCUSD_PERP", "BTCUSD")
    assert found["trades"][0]["baseQty"] == "0.00200000"
    assert "quoteQty" not in found["trades"][0]
    [day] = found["ticker/24hr"]  # always a list
    assert (day["pair"], day["volume"], day["baseVolume"]) == ("BTCUSD", "7", "0.01600000")
    assert day["weightedAvgPrice"] == "43750.00000000"
    assert "quoteVolume" not in day
    assert found["ticker/price"][0]["ps"] == "BTCUSD"
    assert found["ticker/bookTicker"][0]["pair"] == "BTCUSD"
    assert found["premiumIndex"][0]["pair"] == "BTCUSD"
    assert found["openInterest"]["contractType"] == "PERPETUAL"
    row = found["exchangeInfo"]["symbols"][0]
    assert (row["contractStatus"], row["contractSize"], "status" in row) == ("TRADING", 100, False)


def test_parts_of_what_was_traded():
    tape = tape_of(SPOT)

    def ids(**asked) -> list[int]:
        return [row["id"] for row in rest.trades(SPOT, tape.trades, **asked)]

    assert ids() == [1, 2, 3]
    assert ids(limit=2) == [2, 3]
    assert ids(from_id=2) == [2, 3]
    assert ids(from_id=1, limit=2) == [1, 2]
    assert rest.trades(SPOT, tape.trades, limit=1, micro=True)[0]["time"] == (START + MINUTE) // 1_000

    def aggregated(**asked) -> list[int]:
        return [row["a"] for row in rest.aggregate_trades(SPOT, tape.trades, **asked)]

    assert aggregated() == [1, 2]
    assert aggregated(limit=1) == [2]
    assert aggregated(limit=1, start_ns=START) == [1]
    assert aggregated(end_ns=START) == [1]
    assert aggregated(from_id=2) == [2]


def test_a_market_without_a_trade_shows_zeros():
    tape = Tape("BTCUSDT", price=None, start_ns=START)
    row = rest.day_tickers(SPOT, [tape.ticker(START, BID, ASK)], one=True)
    assert (row["lastPrice"], row["priceChangePercent"], row["firstId"], row["count"]) == (
        "0",
        "0.000",
        -1,
        0,
    )


def test_volumes_are_read_as_they_were_written():
    for exchange in MARKETS:
        ticker = tape_of(exchange).ticker(START + MINUTE, BID, ASK)
        found = decode_volumes(exchange, rest.tickers_body(exchange, [ticker]))
        worth = ticker.volume * 100 if exchange is COIN_M else ticker.turnover
        assert found == {symbol_of(exchange): worth}


# The list of instruments.


@pytest.mark.parametrize("exchange", MARKETS)
@pytest.mark.parametrize("dated", [False, True])
def test_listed_instruments_are_read_as_they_are(exchange, dated):
    symbol = {USD_M: "BTCUSDT_260327", COIN_M: "BTCUSD_260327"}.get(exchange) if dated else None
    instrument = listed(exchange, symbol or symbol_of(exchange))
    [found], skipped = decode_instruments(exchange, info.exchange_info_body(exchange, [instrument], START))
    assert skipped == ()
    assert msgspec.structs.asdict(found) == msgspec.structs.asdict(instrument)


def test_limits_and_flags_may_be_told_otherwise():
    body = info.exchange_information(
        SPOT, [listed(SPOT, "BTCUSDT")], START, limits=[], flags={"amendAllowed": False}
    )
    assert (body["rateLimits"], body["symbols"][0]["amendAllowed"]) == ([], False)
    assert info.exchange_information(USD_M, [listed(USD_M, "BTCUSDT")], START)["assets"][0]["asset"] == "USDT"


numbers = st.none() | st.decimals("0.00000001", "1000000", places=8, allow_nan=False)
counts = st.none() | st.integers(1, 10_000)
unknown = st.lists(st.sampled_from(['{"filterType":"TRAILING_DELTA","x":[1]}', '{"filterType":"NEW"}']))


@st.composite
def rules(draw, *, futures: bool) -> TradingRules:
    fields = {
        name: draw(numbers)
        for name in TradingRules.__struct_fields__
        if name.startswith(("tick", "step", "min", "max", "market", "bid", "ask"))
        and not name.startswith(("max_orders", "max_algo", "max_iceberg"))
        and not name.endswith("notional_market")
    }
    return TradingRules(
        **fields,
        price_anchored=futures,
        quantity_anchored=futures,
        min_notional_market=draw(st.booleans()),
        max_notional_market=draw(st.booleans()),
        max_orders=draw(counts),
        max_algo_orders=draw(counts),
        max_iceberg_parts=draw(counts),
        unknown=tuple(draw(unknown)),
    )


@pytest.mark.parametrize("exchange", MARKETS)
@given(data=st.data())
def test_rules_are_read_as_they_were_written(exchange, data):
    given_rules = data.draw(rules(futures=exchange in (USD_M, COIN_M)))
    instrument = msgspec.structs.replace(listed(exchange, symbol_of(exchange)), rules=given_rules)
    [found], _ = decode_instruments(exchange, info.exchange_info_body(exchange, [instrument], START))
    assert found.rules == given_rules


def test_no_rules_are_no_filters():
    instrument = msgspec.structs.replace(listed(SPOT, "BTCUSDT"), rules=None)
    [found], _ = decode_instruments(SPOT, info.exchange_info_body(SPOT, [instrument], START))
    assert found.rules is None


# Against what was recorded.


def recorded(exchange: Exchange) -> Iterator[tuple[str, Any]]:
    """Return the answers that were recorded, each with its endpoint."""
    root = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere")
    for file in sorted(root.glob(f"captures/{exchange.value}/rest*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for each in map(json.loads, lines):
                if each["dir"] == "rest":
                    body, _ = json.JSONDecoder().raw_decode(each["frame"])
                    yield each["url"].partition("?")[0].rpartition("/")[2], body
    names = {
        "24hr_ticker_price_change_statistics": "ticker/24hr", "current_average_price": "avgPrice",
        "kline_candlestick_data": "klines", "symbol_order_book_ticker": "ticker/bookTicker",
        "symbol_price_ticker": "ticker/price", "exchangeInfo": "exchangeInfo",
        "aggregate_trades": "aggTrades",
        "check_server_time": "time", "exchange_information": "exchangeInfo", "klines": "klines",
        "order_book": "depth", "recent_trades": "trades", "test_connectivity": "ping", "ui_klines": "klines",
    }  # fmt: skip
    for file in sorted(root.glob(f"frames/{exchange.value}/*.jsonl")):
        kind, name = file.name.split(".")[:2]
        if kind in {"rest", "wsapi"} and name in names:
            for line in file.read_text(encoding="utf-8").splitlines():
                body = json.loads(line)
                yield names[name], body["result"] if kind == "wsapi" else body


def differences(theirs: Any, ours: Any, path: str = "") -> Iterator[str]:
    """Return what they have and we have not, and what is of another type."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            if key not in ours:
                yield f"{path}{key}"
            elif key != "filters":  # those are of the rules
                yield from differences(value, ours[key], f"{path}{key}.")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if theirs and ours:
            yield from differences(theirs[0], ours[0], f"{path}[].")
    elif type(theirs) is not type(ours):
        yield f"{path}: {theirs} is {ours}"


KNOWN = {  # the names that documents have where the lists themselves say orderTypes; a field of 2021
    "symbols.[].orderType", "symbols.[].OrderType", "symbols.[].maxMoveOrderLimit",
}  # fmt: skip


@pytest.mark.parametrize("exchange", MARKETS)
def test_every_recorded_field_is_there(exchange):
    found, seen = answers(exchange), set()
    for name, theirs in recorded(exchange):
        ours = found[name]
        if isinstance(theirs, list) and isinstance(ours, dict):
            ours = [ours]
        seen.add(name)
        assert set(differences(theirs, ours)) <= KNOWN, name
    if not seen:
        pytest.skip(f"TOUCAN_CAPTURES names no folder with answers of {exchange.value}")


def test_intervals_are_those_of_the_facts():
    assert " ".join(INTERVALS) == "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M"
