"""What one connection is sent: what clients leave out of addresses, and what they ask for in requests."""

from __future__ import annotations

import json

import pytest

from toucan_execution.testing.sandbox.streams import StreamSession
from toucan_execution.testing.sandbox.wsapi import WsRequest, WsSession
from toucan_instrument import Exchange
from toucan_instrument.testing import binance_control as control

EVENT = {"e": "ORDER_TRADE_UPDATE", "E": 1}
USD_M = Exchange.BINANCE_USD_M


def private(pairs, **options):
    opened = control.opened(USD_M, "private/ws", dict(pairs))
    return StreamSession(USD_M, opened, pairs, {"k": "main"}.get, **options)


@pytest.mark.parametrize(
    ("pairs", "options", "heard"),
    [
        ([("listenKey", "k"), ("events", "ORDER_TRADE_UPDATE/ACCOUNT_UPDATE")], {}, 1),
        ([("listenKey", "k"), ("events", "ACCOUNT_UPDATE")], {"needs_events": False}, 0),
        ([("listenKey", "k")], {}, 0),
        ([("listenKey", "k")], {"needs_events": False}, 1),
    ],
)
def test_a_listen_key_in_an_address_and_the_events_that_it_names(pairs, options, heard):
    assert len(private(pairs, **options).tell("k", EVENT)) == heard


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("shown", [None, False, True])
def test_a_request_says_whether_it_wants_the_limits(make_core, quiet, shown):
    core = make_core("spot")
    session = WsSession(core.market, core.gate, {}, now_ns=core.now_ns, quiet=quiet)
    params = {} if shown is None else {"returnRateLimits": shown}
    [answer] = session.answer(WsRequest(id=1, method="session.status", params=params), core.now_ns)
    said = json.loads(answer)
    assert said["status"] == 200
    assert ("rateLimits" in said) is (not quiet if shown is None else shown)
