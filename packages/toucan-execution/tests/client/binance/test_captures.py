"""Every recorded private message, and every sample of the facts, is read.

TOUCAN_CAPTURES says where they are.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from toucan_execution.decoding import Outcome
from toucan_execution.events import UnknownEvent, UnreadableEvent
from toucan_execution.registry import decoder_named

FOLDER = Path(os.environ.get("TOUCAN_CAPTURES", "/nowhere"))
VENUES = ("binance-spot", "binance-usd-m", "binance-coin-m")

NOT_OFFERED = {
    "CancelAlgoOrder": "another service's algorithms (TWAP, VP)",
    "GetAlgoSubOrders": "another service's algorithms",
    "GetClosedAlgoOrders": "another service's algorithms",
    "GetOpenAlgoOrders": "another service's algorithms",
    "ConvertQuoteRequest": "conversions",
    "GetConvertOrderStatus": "conversions",
    "GetDownloadIdForOrderHistory": "files to download",
    "GetDownloadIdForTransactionHistory": "files to download",
    "GetDownloadLinkForOrderHistory": "files to download",
    "GetMarginChangeHistory": "history of isolated margin",
    "query_order_amendments": "history of amendments",
    "orders": "history of amendments (one file of the documentation's)",
}
"""What may be of something that toucan does not offer, and why."""

CONTROL = {
    "error": "errors and confirmations",
    "ModifyPositionMargin": "a confirmation",
    "PlaceTimeWeightedAveragePriceOrder": "a confirmation",
    "CancelAlgoOrder": "a confirmation",
    "CancelAllOrdersAfterTimeout": "a confirmation",
    "GetOrderRateLimit": "limits",
    "query_unfilled_order_count": "limits",
    "query_relevant_filters": "trading rules",
    "test_new_order": "a test order: nothing was placed",
    "test_new_order_using_sor": "a test order: nothing was placed",
    "trades": "no trades",
    "ip_limits": "an empty answer",
}
"""What confirms, refuses or limits something; public data and sessions come on top."""

PUBLIC = re.compile(
    r"ticker|price_change|average_price|exchange_?info|block_trades|kline|reference_price|aggregate_trades|order_book"
    r"|recent_trades|server_time|rate_limit|subscription|session|connectivity|user_data_stream"
)
PRIVATE = re.compile(
    r"(user\.|wsapi\.|rest\.(?!exchangeInfo|24hr|current_av|hist|kline|query_ref|rolling|symbol_|trading_day))"
)


def frames():
    for venue in VENUES:
        for path in sorted((FOLDER / "frames" / venue).glob("*.jsonl")):
            if PRIVATE.match(path.name):
                for number, line in enumerate(path.read_bytes().splitlines()):
                    if line.strip():
                        yield venue, path.name, number, line


def check(decoded, name):
    """Fail where something could not be read, or was not expected to say nothing."""
    found = [value for value in decoded.values if isinstance(value, (UnreadableEvent, UnknownEvent))]
    assert not found, name
    channel = name.split(".")[1]
    if decoded.outcome is Outcome.EVENTS:
        assert decoded.values
        for value in decoded.values:
            assert value.to_json()
    elif decoded.outcome is Outcome.CONTROL:
        assert not name.startswith("user.")
        assert channel in CONTROL or PUBLIC.search(channel), name
    else:
        assert decoded.outcome is Outcome.NOT_OFFERED
        assert channel in NOT_OFFERED, name


@pytest.mark.skipif(not (FOLDER / "frames").is_dir(), reason="TOUCAN_CAPTURES names no folder with frames")
def test_every_recorded_frame_is_read():
    seen = 0
    for venue, name, number, line in frames():
        decoder = decoder_named(venue, "main")
        decoded = decoder.decode(line, 9)
        check(decoded, name)
        if name.startswith("user."):
            assert decoder.read(line, 9) == list(decoded.values), f"{venue}/{name}:{number}"
        seen += 1
    assert seen > 100


BLOCK = re.compile(r"^#+ (?P<head>[A-G]\.[0-9.]+)|^```json\n(?P<json>.*?)^```", re.MULTILINE | re.DOTALL)
MARKET = {
    "D.1": "binance-spot",
    "D.2": "binance-usd-m",
    "D.3": "binance-coin-m",
    "E.2": "binance-spot",
    "E.5": "binance-usd-m",
    "F.2": "binance-spot",
    "F.3": "binance-spot",
    "F.4": "binance-usd-m",
}


def facts():
    """Yield the samples of sections D, E and F: market, section, text; requests are left out."""
    text = (FOLDER / "facts" / "binance.md").read_text(encoding="utf-8")
    section = ""
    reader = json.JSONDecoder()
    for block in BLOCK.finditer(text):
        if block["head"]:
            section = block["head"]
            continue
        market = MARKET.get(section[:3])
        rest = block["json"].strip() if market else ""
        while rest:
            value, end = reader.raw_decode(rest)
            if not (isinstance(value, dict) and "method" in value):
                yield market, section, rest[:end].encode()
            rest = rest[end:].strip()


@pytest.mark.skipif(not (FOLDER / "facts").is_dir(), reason="TOUCAN_CAPTURES names no folder with facts")
def test_every_sample_of_the_facts_is_read():
    told = {}
    for market, section, line in facts():
        decoded = decoder_named(market, "main").decode(line, 9)
        assert not [each for each in decoded.values if isinstance(each, (UnreadableEvent, UnknownEvent))], (
            line
        )
        told.setdefault(decoded.outcome, []).append((section, line))
    assert len(told[Outcome.EVENTS]) > 45
    assert {section for section, _ in told[Outcome.CONTROL]} <= {"D.2.4", "E.2.2", "F.2", "F.3"}
    assert all(b"amendmentId" in line for _, line in told.get(Outcome.NOT_OFFERED, ()))
