"""Every list of instruments that was recorded: none of its rows is lost, and names go both ways.

The recordings stay outside of the repository: the variable TOUCAN_CAPTURES names the folder that holds
``captures`` and ``frames``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from toucan_instrument import Exchange, InstrumentKind
from toucan_instrument.exchange.bybit import category, decode_instruments, parse_symbol, symbol_of

MARKETS = {category(each): each for each in Exchange if each.family == "bybit"}


def bodies() -> Iterator[tuple[Exchange, bytes]]:
    """Return the recorded answers with their market; some leave out which that is."""
    root = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere")
    for file in sorted(root.glob("frames/bybit*/rest.instrument*.jsonl")):
        for body in file.read_bytes().splitlines():
            result = json.loads(body)["result"]
            named = next((word for word in MARKETS if word in file.name), "spot")
            yield MARKETS[result.get("category", named)], body


def test_every_row_is_read_and_named() -> None:
    found = list(bodies())
    if not found:
        pytest.skip("TOUCAN_CAPTURES names no folder with lists of Bybit")
    for exchange, body in found:
        rows = json.loads(body)["result"]["list"]
        instruments, skipped = decode_instruments(exchange, body)
        assert skipped == ()
        assert [each.symbol for each in instruments] == [row["symbol"] for row in rows]
        for instrument, row in zip(instruments, rows, strict=True):
            assert (instrument.base, instrument.quote) == (row["baseCoin"], row["quoteCoin"])
            assert instrument.settle == row.get("settleCoin", "")
            assert instrument.status != "unknown"
            assert instrument.rules is not None
            assert format(instrument.rules.tick_size, "f") == row["priceFilter"]["tickSize"]
            dated = instrument.kind in (InstrumentKind.FUTURE, InstrumentKind.OPTION)
            assert (instrument.expiry_ns == int(row.get("deliveryTime", 0)) * 1_000_000) == dated
            guess = parse_symbol(exchange, instrument.symbol)
            if guess.expiry_ns == instrument.expiry_ns:  # an invented list has symbols of other days
                assert symbol_of(exchange, instrument.unified) == instrument.symbol
            assert (guess.kind, guess.base, guess.strike, guess.option) == (
                instrument.kind,
                instrument.base,
                instrument.strike,
                instrument.option,
            )
