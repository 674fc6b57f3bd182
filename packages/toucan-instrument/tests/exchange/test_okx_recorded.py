"""Every list of OKX's that was recorded: none of its rows is lost, and names go both ways.

The recordings stay outside of the repository: the variable TOUCAN_CAPTURES names the folder that holds
``captures`` and ``frames``.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from toucan_instrument import Exchange
from toucan_instrument.exchange.okx import decode_instruments, parse_symbol, symbol_of

OKX = Exchange.OKX


def bodies() -> Iterator[str]:
    root = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere")
    for file in sorted(root.glob("captures/okx/rest*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        yield from (each["frame"] for each in records if "/instruments" in each["url"])
    for file in sorted(root.glob("frames/okx/rest.instruments*.jsonl")):
        yield from file.read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def recorded() -> list[str]:
    found = list(bodies())
    if not found:
        pytest.skip("TOUCAN_CAPTURES names no folder with lists of OKX")
    return found


def test_every_row_is_read(recorded: list[str]) -> None:
    kinds: Counter[str] = Counter()
    for body in recorded:
        rows, _ = json.JSONDecoder().raw_decode(body)
        instruments, skipped = decode_instruments(OKX, json.dumps(rows).encode())
        assert skipped == ()
        assert [each.symbol for each in instruments] == [row["instId"] for row in rows["data"]]
        for found, row in zip(instruments, rows["data"], strict=True):
            kinds[found.kind.value] += 1
            guess = parse_symbol(OKX, found.symbol)
            assert (guess.base, guess.quote, guess.kind) == (found.base, found.quote, found.kind)
            assert (guess.inverse, guess.strike, guess.option) == (
                found.inverse,
                found.strike,
                found.option,
            )
            if row["instType"] in ("SPOT", "MARGIN"):
                # What is listed before its time names neither.
                named = (row["baseCcy"] or guess.base, row["quoteCcy"] or guess.quote)
                assert (found.base, found.quote) == named
            else:
                assert found.settle == row["settleCcy"] == guess.settle
                assert found.contract_size == Decimal(row["ctVal"]) * Decimal(row["ctMult"] or 1)
                assert guess.expiry_ns == found.expiry_ns
                assert guess.contract_size in (0, found.contract_size)
            assert symbol_of(OKX, str(found)) == found.symbol
            assert found.rules is not None
            assert found.rules.tick_size == (Decimal(row["tickSz"]) if row["tickSz"] else None)
            assert found.status != "unknown"
    assert set(kinds) == {"spot", "perpetual", "future", "option"}
