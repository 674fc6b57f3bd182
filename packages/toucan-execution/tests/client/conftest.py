"""Venues of the three markets with the facts' own example keys (C.7), and what drives their conversations."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest

from toucan_execution.client.binance.venue import BinanceCoinMVenue, BinanceSpotVenue, BinanceUsdMVenue
from toucan_execution.credentials import load_credentials
from toucan_instrument import Environment, Exchange
from toucan_instrument.rest import Response

NOW = 1_700_000_000_123_456_789
KEYS = {  # the venue's own examples
    Exchange.BINANCE_SPOT: (
        "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    ),
    Exchange.BINANCE_USD_M: (
        "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83",
        "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
    ),
}
KEYS[Exchange.BINANCE_COIN_M] = KEYS[Exchange.BINANCE_USD_M]
CLASSES = {
    Exchange.BINANCE_SPOT: BinanceSpotVenue,
    Exchange.BINANCE_USD_M: BinanceUsdMVenue,
    Exchange.BINANCE_COIN_M: BinanceCoinMVenue,
}


def make_venue(exchange, **options):
    credentials = load_credentials(*KEYS[exchange], kind="hmac")
    options = {"account": "main", "prefix": "mine"} | options
    return CLASSES[exchange](exchange, Environment.TESTNET, credentials, **options)


def talk(venue, conversation, answers):
    """Hold a conversation as the client does: return its result and its calls.

    An answer is what the venue says (a value, or JSON as bytes; with a status as a pair), an exception to
    throw, or, for all that come, a function of the call.
    """
    calls, queue = [], answers if callable(answers) else list(answers)
    try:
        call = next(conversation)
        while True:
            calls.append(call)
            answer = queue(call) if callable(queue) else queue.pop(0)
            if isinstance(answer, Exception):
                call = conversation.throw(answer)
                continue
            status, body = answer if isinstance(answer, tuple) else (200, answer)
            raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
            request = venue.rest_request(call, NOW)
            error = venue.error_of(call, request, Response(status, {}, raw))
            if error is not None:
                call = conversation.throw(error)
            else:
                call = conversation.send(call.decode(raw, NOW))
    except StopIteration as done:
        assert callable(queue) or not queue, "not all answers were wanted"
        return SimpleNamespace(result=done.value, calls=calls, paths=[(c.method, c.path) for c in calls])


@pytest.fixture
def kit():
    """Hand out what makes venues and drives them."""
    return SimpleNamespace(
        venue=make_venue,
        talk=talk,
        now=NOW,
        spot=make_venue(Exchange.BINANCE_SPOT),
        usd=make_venue(Exchange.BINANCE_USD_M),
        coin=make_venue(Exchange.BINANCE_COIN_M),
    )
