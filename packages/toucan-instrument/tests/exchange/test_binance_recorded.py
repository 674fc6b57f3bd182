"""Every list of instruments that was recorded: none of its rows is lost, and names go both ways.

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

import pytest

from toucan_instrument import Catalogue, Exchange, InstrumentKind, QuantityUnit
from toucan_instrument.decimals import plain
from toucan_instrument.exchange.binance import decode_instruments, parse_symbol, stream_name, symbol_of
from toucan_instrument.symbol import parse_unified


def bodies(exchange: Exchange) -> Iterator[bytes]:
    """Return the recorded answers; one recorder appended a line of its own notes to each."""
    root = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere")
    for file in sorted(root.glob(f"captures/{exchange.value}/rest*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        for record in records:
            if record["dir"] == "rest" and "/exchangeInfo" in record["url"]:
                _, end = json.JSONDecoder().raw_decode(record["frame"])
                yield record["frame"][:end].encode()
    for file in sorted(root.glob(f"frames/{exchange.value}/rest.exchangeInfo*.jsonl")):
        yield from file.read_bytes().splitlines()


@pytest.fixture(params=[each for each in Exchange if each.family == "binance"], ids=str)
def recorded(request: pytest.FixtureRequest) -> tuple[Exchange, list[bytes]]:
    found = list(bodies(request.param))
    if not found:
        pytest.skip(f"TOUCAN_CAPTURES names no folder with lists of {request.param.value}")
    return request.param, found


def test_every_row_is_read(recorded: tuple[Exchange, list[bytes]]) -> None:
    exchange, found = recorded
    for body in found:
        rows = json.loads(body)["symbols"]
        instruments, skipped = decode_instruments(exchange, body)
        assert skipped == ()
        assert [each.symbol for each in instruments] == [row["symbol"] for row in rows]
        for instrument, row in zip(instruments, rows, strict=True):
            assert (instrument.base, instrument.quote) == (row["baseAsset"], row["quoteAsset"])
            assert instrument.settle == row.get("marginAsset", "")
            assert instrument.status != "unknown"
            assert instrument.contract_size == row.get("contractSize", 1)
            dated = row.get("contractType", "") in {"CURRENT_QUARTER", "NEXT_QUARTER"}
            assert (instrument.kind is InstrumentKind.FUTURE) == dated
            assert (instrument.expiry_ns == row.get("deliveryDate", 0) * 1_000_000) == dated
            coin = exchange is Exchange.BINANCE_COIN_M
            assert (instrument.quantity_unit is QuantityUnit.CONTRACTS) == instrument.inverse == coin


def test_every_filter_is_known(recorded: tuple[Exchange, list[bytes]]) -> None:
    exchange, found = recorded
    for body in found:
        for instrument, row in zip(
            decode_instruments(exchange, body)[0], json.loads(body)["symbols"], strict=True
        ):
            assert (instrument.rules is None) == (not row["filters"])
            if instrument.rules is None:
                continue
            assert instrument.rules.unknown == ()
            by_type = {each["filterType"]: each for each in row["filters"]}
            assert plain(instrument.rules.tick_size or Decimal(0)) == by_type["PRICE_FILTER"]["tickSize"]
            assert plain(instrument.rules.step_size or Decimal(0)) == by_type["LOT_SIZE"]["stepSize"]
            least = Decimal(by_type["LOT_SIZE"]["minQty"])
            assert instrument.rules.check_quantity(least) == ()


def test_names_go_both_ways(recorded: tuple[Exchange, list[bytes]]) -> None:
    exchange, found = recorded
    for body in found:
        catalogue = Catalogue(exchange, decode_instruments(exchange, body)[0])
        for instrument in catalogue:
            assert catalogue.by_unified(instrument.unified) is instrument
            assert catalogue[stream_name(instrument.symbol)] is instrument
            assert str(parse_unified(instrument.unified)) == instrument.unified
            assert symbol_of(exchange, instrument.unified) == instrument.symbol


def test_the_spelling_alone_gives_the_same_terms(recorded: tuple[Exchange, list[bytes]]) -> None:
    exchange, found = recorded
    for body in found:
        for instrument in decode_instruments(exchange, body)[0]:
            guess = parse_symbol(exchange, instrument.symbol)
            assert guess.unified == instrument.unified
            assert (guess.kind, guess.expiry_ns) == (instrument.kind, instrument.expiry_ns)
            assert guess.contract_size == instrument.contract_size
