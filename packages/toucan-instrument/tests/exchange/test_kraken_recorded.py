"""Every list of Kraken's that was recorded: no row is lost, and names go both ways.

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

from toucan_instrument import Exchange
from toucan_instrument.exchange.kraken import decode_instruments, error_of, parse_symbol, symbol_of
from toucan_instrument.rest import Request, Response
from toucan_instrument.timestamps import from_iso

SPOT, FUTURES = Exchange.KRAKEN_SPOT, Exchange.KRAKEN_FUTURES
ROOT = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere")
pytestmark = pytest.mark.skipif(
    not (ROOT / "frames" / "kraken").is_dir(), reason="TOUCAN_CAPTURES names no folder with recordings"
)


def contract_lists() -> Iterator[bytes]:
    """Return the recorded answers; one recorder appended a line of its own notes."""
    for file in sorted(ROOT.glob("captures/kraken-futures/rest*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if record["url"].endswith("/instruments"):
                    _, end = json.JSONDecoder().raw_decode(record["frame"])
                    yield record["frame"][:end].encode()
    for file in sorted(ROOT.glob("frames/kraken-futures/rest.instruments*.jsonl")):
        yield from file.read_bytes().splitlines()


def test_every_contract_is_read() -> None:
    bodies = list(contract_lists())
    assert bodies
    for body in bodies:
        rows = [row for row in json.loads(body)["instruments"] if "index" not in row["type"]]
        instruments, skipped = decode_instruments(FUTURES, body)
        assert skipped == ()
        assert [each.symbol.lower() for each in instruments] == [row["symbol"].lower() for row in rows]
        for instrument, row in zip(instruments, rows, strict=True):
            assert instrument.status != "unknown"
            assert instrument.rules is not None
            assert instrument.rules.tick_size == Decimal(str(row["tickSize"]))
            until = row.get("lastTradingTime") if instrument.symbol.startswith("F") else None
            assert instrument.expiry_ns == (None if until is None else from_iso(until))
            guess = parse_symbol(FUTURES, instrument.symbol)
            assert (guess.unified, guess.expiry_ns) == (instrument.unified, instrument.expiry_ns)
            if instrument.symbol[1] != "V":  # the older linear sort has the unified symbol of the newer
                assert symbol_of(FUTURES, instrument.unified) == instrument.symbol


def test_every_pair_is_read() -> None:
    files = [
        *ROOT.glob("frames/kraken/rest.asset_pairs*.jsonl"),
        *ROOT.glob("frames/kraken/instrument*.jsonl"),
    ]
    assert files
    for file in files:
        for body in file.read_bytes().splitlines():
            instruments, skipped = decode_instruments(SPOT, body)
            assert all("no name" in reason for _, reason in skipped)
            assert instruments
            for instrument in instruments:
                assert instrument.status != "unknown"
                assert instrument.quote
                assert parse_symbol(SPOT, instrument.symbol).unified == instrument.unified
                assert symbol_of(SPOT, instrument.unified) == instrument.symbol


def test_good_answers_and_errors_are_told_apart() -> None:
    request = Request("GET", "https://x.test/")
    for folder in ("kraken", "kraken-futures"):
        for file in ROOT.glob(f"frames/{folder}/rest.*.jsonl"):
            for body in file.read_bytes().splitlines():
                found = error_of(SPOT, request, Response(200, {}, body))
                assert (found is not None) == (".error" in file.name), file.name
