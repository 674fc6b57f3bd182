"""Binance's streams as they are imitated: against the facts, and field by field against what was recorded.

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

import pytest

from toucan_instrument import Exchange
from toucan_instrument.testing.binance import (
    DEFAULT_SYMBOLS,
    INTERVALS,
    arrays_of,
    interval_of,
    listed,
    speed_of,
    stream_exists,
    streams_of,
)
from toucan_instrument.testing.binance_rest import contract_type
from toucan_instrument.testing.market import SeededMarket
from toucan_instrument.testing.tape import Tape
from toucan_instrument.testing.ticks import (
    DAY,
    MINUTE,
    MONTH,
    SECOND,
    AverageTick,
    BookPicture,
    LiquidationTick,
    MarkTick,
    TopTick,
)

SPOT, US, USD_M, COIN_M = (each for each in Exchange if each.family == "binance")
MARKETS = (SPOT, US, USD_M, COIN_M)
START = 1_767_225_600 * SECOND
BID, ASK = (Decimal(49_999), Decimal(3)), (Decimal(50_001), Decimal(2))


def names_of(exchange: Exchange, symbol: str) -> list[str]:
    """Return all streams there are, of one symbol and of the market."""
    name = symbol.lower()
    pair = name.partition("_")[0]
    depths = [f"depth{n}{speed}" for n in ("", 5, 10, 20) for speed in ("", "@100ms", "@500ms")]
    found = [
        f"{name}@{each}" for each in ("aggTrade", "trade", "bookTicker", "ticker", "miniTicker", *depths)
    ]
    found += [f"{name}@{each}" for each in ("avgPrice", "markPrice", "markPrice@1s", "forceOrder")]
    found += [f"{name}@kline_{each}" for each in INTERVALS]
    found += [f"{pair}_perpetual@continuousKline_{each}" for each in INTERVALS]
    found += [f"{pair}@markPrice", f"{pair}@markPrice@1s", "!bookTicker", "!forceOrder@arr"]
    found += [f"!{each}@arr" for each in ("miniTicker", "ticker", "markPrice")] + ["!markPrice@arr@1s"]
    return sorted(each for each in set(found) if stream_exists(exchange, [symbol], each))


def sent(exchange: Exchange, symbol: str | None = None) -> dict[str, list[Any]]:
    """Return what all streams say of a little trading."""
    symbol = symbol or DEFAULT_SYMBOLS[exchange][0]
    names = names_of(exchange, symbol)
    size = listed(exchange, symbol).contract_size if exchange is COIN_M else None
    tape = Tape(symbol, price=Decimal(50_000), start_ns=START, contract_size=size)
    for interval_ns in INTERVALS.values():
        tape.follow(interval_ns)
    trade = tape.trade(START, Decimal(50_000), [Decimal(1), Decimal(2)], buyer_is_maker=True)
    rate = None if contract_type(listed(exchange, symbol), START) != "PERPETUAL" else Decimal("0.0001")
    ticks: list[Any] = [
        trade,
        tape.delta(START, [BID], [ASK]),
        TopTick(symbol, START, 2, BID, ASK),
        *tape.candles(START + SECOND),
        tape.ticker(START + SECOND, BID, ASK),
        AverageTick(symbol, START, 5, tape.average(5, START), START),
        MarkTick(symbol, START, BID[0], ASK[0], rate, rate and START + DAY),
        LiquidationTick(symbol, START, True, BID[0], Decimal(1)),
    ]
    found: dict[str, list[Any]] = {}
    for tick in ticks:
        for name, payload in streams_of(
            exchange, tick, set(names), lambda s, n: BookPicture(s, START, 2, [BID][:n], [ASK][:n])
        ):
            found.setdefault(name, []).append(payload)
    return found


@pytest.mark.parametrize("exchange", MARKETS)
def test_every_stream_that_exists_is_written_and_has_a_speed(exchange):
    names = names_of(exchange, DEFAULT_SYMBOLS[exchange][0])
    found = sent(exchange)
    assert sorted(found) == names
    assert all(speed_of(exchange, name) is not None for name in names)
    assert len(names) >= 25


@pytest.mark.parametrize(
    ("exchange", "name", "speed"),
    [
        (SPOT, "btcusdt@depth", 1000), (SPOT, "btcusdt@depth5@100ms", 100), (SPOT, "btcusdt@kline_1s", 1000),
        (SPOT, "btcusdt@kline_1M", 2000), (SPOT, "btcusdt@trade", 0), (SPOT, "!ticker@arr", None),
        (SPOT, "btcusdt@markPrice", None), (USD_M, "btcusdt@depth", 250), (USD_M, "btcusdt@kline_1s", None),
        (USD_M, "!markPrice@arr", 3000), (USD_M, "!bookTicker", 5000), (COIN_M, "!markPrice@arr", None),
        (USD_M, "btcusdt_perpetual@continuousKline_1m", 250), (COIN_M, "btcusd@markPrice@1s", 1000),
        (COIN_M, "btcusd_perp@ticker", 500), (USD_M, "btcusdt@ticker", 2000), (USD_M, "@x", None),
    ],
)  # fmt: skip
def test_speeds(exchange, name, speed):
    assert speed_of(exchange, name) == (None if speed is None else speed * 1_000_000)


@pytest.mark.parametrize(
    ("exchange", "symbols", "name", "exists"),
    [
        (SPOT, ["BTCUSDT"], "BTCUSDT@trade", False),
        (SPOT, ["BTCUSDT"], "ethusdt@trade", False),
        (SPOT, ["BTCUSDT"], "btcusdt@depth5@250ms", False),
        (USD_M, ["BTCUSDT"], "btcusdt@trade", False),
        (USD_M, ["BTCUSDT"], "btcusdt_current_quarter@continuousKline_1m", False),
        (USD_M, ["BTCUSDT", "BTCUSDT_261225"], "btcusdt_current_quarter@continuousKline_1m", True),
        (USD_M, ["BTCUSDT_261225"], "btcusdt_perpetual@continuousKline_1m", False),
        (COIN_M, ["BTCUSD_PERP"], "btcusd@markPrice", True),
        (USD_M, ["BTCUSDT"], "!nothing", False),
    ],
)
def test_which_streams_exist(exchange, symbols, name, exists):
    assert stream_exists(exchange, symbols, name) is exists


def test_a_dated_contract_has_no_funding_and_its_own_type():
    found = sent(COIN_M, "BTCUSD_260327")
    mark = found["btcusd_260327@markPrice"][0]
    assert (mark["r"], mark["T"], mark["st"]) == ("", 0, 2)
    assert found["btcusd@markPrice"][0] == [mark]


@pytest.mark.parametrize(
    ("symbol", "day", "kind"),
    [
        ("BTCUSD_PERP", 0, "PERPETUAL"),
        ("BTCUSD_260327", 0, "CURRENT_QUARTER"),
        ("BTCUSD_260626", 0, "NEXT_QUARTER"),
        ("BTCUSD_260626", 85, "CURRENT_QUARTER"),  # from 2026-03-27 on
        ("BTCUSD_261225", 268, "CURRENT_QUARTER"),
    ],
)
def test_contract_types(symbol, day, kind):
    assert contract_type(listed(COIN_M, symbol), START + day * DAY + 9 * 60 * MINUTE) == kind


def test_coin_margined_volumes_count_contracts_and_the_base_asset():
    found = sent(COIN_M)
    full, mini = found["btcusd_perp@ticker"][0], found["btcusd_perp@miniTicker"][0]
    assert (full["v"], full["q"], full["w"]) == ("3", "0.00600000", "50000.00000000")
    assert (mini["v"], mini["q"], mini["ps"], mini["st"]) == ("3", "0.00600000", "BTCUSD", 2)
    bar = found["btcusd_perp@kline_1m"][-1]["k"]
    assert (bar["v"], bar["q"], bar["V"], bar["Q"]) == ("3", "0.00600000", "0", "0")
    continuous = found["btcusd_perpetual@continuousKline_1M"][-1]
    assert (continuous["ps"], continuous["ct"], "s" in continuous["k"]) == ("BTCUSD", "PERPETUAL", False)


def test_a_months_candle_ends_with_the_month():
    bar = sent(SPOT)["btcusdt@kline_1M"][-1]["k"]
    assert (bar["t"], bar["T"]) == (START // 1_000_000, (START + 31 * DAY) // 1_000_000 - 1)
    assert (interval_of(MONTH), interval_of(7)) == ("1M", None)


def test_arrays_hold_all_symbols():
    market = SeededMarket([listed(USD_M, symbol) for symbol in DEFAULT_SYMBOLS[USD_M]])
    ticks = [tick for tick in market.step(START) if isinstance(tick, MarkTick)]
    ticks += [market.ticker(symbol) for symbol in market.instruments]
    found = dict(arrays_of(USD_M, ticks, {"!markPrice@arr@1s", "!ticker@arr"}))
    assert {name: [row["s"] for row in rows] for name, rows in found.items()} == {
        "!markPrice@arr@1s": ["BTCUSDT", "ETHUSDT"],
        "!ticker@arr": ["BTCUSDT", "ETHUSDT"],
    }


def test_nothing_is_written_that_nobody_wants():
    market = SeededMarket([listed(SPOT, "BTCUSDT")])
    for tick in market.step(START):
        assert streams_of(SPOT, tick, set(), market.book) == []
        assert streams_of(SPOT, tick, {"ethusdt@trade", "!ticker@arr"}, market.book) == []


def test_microseconds_are_told_on_spot_only():
    tape = Tape("BTCUSDT", price=Decimal(1), start_ns=START)
    trade = tape.trade(START, Decimal(1), [Decimal(1)], buyer_is_maker=True)
    wanted = {"btcusdt@aggTrade"}
    for exchange, unit in ((SPOT, 1_000), (USD_M, 1_000_000)):
        [(_, payload)] = streams_of(exchange, trade, wanted, None, micro=True)
        assert payload["T"] == START // unit


# Against what was recorded.

OLD = {"b", "a"}  # ids of the orders, which trades no longer tell


def recorded(exchange: Exchange) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the frames that were recorded, each with the name of its stream where that is known."""
    root = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere")
    texts: list[str] = []
    for file in root.glob(f"frames/{exchange.value}/stream.*.jsonl"):
        texts += file.read_text(encoding="utf-8").splitlines()
    for file in root.glob(f"captures/{exchange.value}/session*.jsonl.gz"):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            texts += [each["frame"] for each in map(json.loads, lines) if each["dir"] == "recv"]
    for text in texts:
        frame = json.loads(text)
        yield frame.get("stream", ""), frame.get("data", frame)


def shape(value: Any) -> Any:
    """Return fields and the types of values; of a list, what its first item is."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def differences(theirs: Any, ours: Any, path: str = "") -> Iterator[str]:
    """Return what they have and we have not, and what is of another type."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            if key not in ours:
                yield f"{path}{key}"
            else:
                yield from differences(value, ours[key], f"{path}{key}.")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if theirs and ours:
            yield from differences(theirs[0], ours[0], f"{path}[].")
    elif theirs != ours:
        yield f"{path}: {theirs} is {ours}"


NOT_IMITATED = {"compositeIndex", "nav", "markPrice_kline", "1hTicker"}


@pytest.mark.parametrize("exchange", MARKETS)
def test_every_recorded_field_is_there(exchange):
    """What deviates: old trades' order ids, levels' third item of 2017, and events that are not imitated."""
    by_event: dict[str, Any] = {}
    for payloads in sent(exchange).values():
        for payload in payloads:
            if isinstance(payload, dict):
                by_event.setdefault(payload.get("e", "bookTicker" if "u" in payload else "depth"), payload)
    seen = 0
    for stream, data in recorded(exchange):
        event = data.get("e", "bookTicker" if "u" in data else "depth")
        if event in NOT_IMITATED or (event == "trade" and exchange is USD_M) or "result" in data:
            continue
        found = set(differences(shape(data), shape(by_event[event])))
        seen += 1
        assert found <= (OLD if event == "trade" else set()), (stream, data)
    if not seen:
        pytest.skip(f"TOUCAN_CAPTURES names no folder with frames of {exchange.value}")
