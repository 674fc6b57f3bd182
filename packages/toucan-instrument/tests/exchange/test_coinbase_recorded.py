"""Every list of Coinbase's products that was recorded: none of its rows is lost, and names go both ways."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from toucan_instrument import Catalogue, Exchange
from toucan_instrument.decimals import plain
from toucan_instrument.exchange.coinbase import decode_instruments, parse_symbol, symbol_of


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    root = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere")
    found = []
    for file in sorted(root.glob("captures/coinbase/rest*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        for record in records:
            if record["dir"] == "rest" and record["url"].endswith("/products"):
                _, end = json.JSONDecoder().raw_decode(record["frame"])  # a recorder's notes follow
                found.append(record["frame"][:end].encode())
    if not found:
        pytest.skip("TOUCAN_CAPTURES names no folder with lists of coinbase")
    return found


def test_every_row_is_read(bodies: list[bytes]) -> None:
    for body in bodies:
        rows = json.loads(body)
        instruments, skipped = decode_instruments(Exchange.COINBASE, body)
        assert skipped == ()
        assert [each.symbol for each in instruments] == [row["id"] for row in rows]
        for each, row in zip(instruments, rows, strict=True):
            assert (each.base, each.quote) == (row["base_currency"], row["quote_currency"])
            assert each.status != "unknown"
            assert each.rules is not None
            assert each.rules.tick_size is not None
            assert plain(each.rules.tick_size) == row["quote_increment"]
            assert each.rules.step_size is not None
            assert plain(each.rules.step_size) == row["base_increment"]


def test_names_go_both_ways(bodies: list[bytes]) -> None:
    for body in bodies:
        catalogue = Catalogue(Exchange.COINBASE, decode_instruments(Exchange.COINBASE, body)[0])
        for each in catalogue:
            assert catalogue.by_unified(each.unified) is each
            assert symbol_of(Exchange.COINBASE, each.unified) == each.symbol
            assert parse_symbol(Exchange.COINBASE, each.symbol).unified == each.unified
