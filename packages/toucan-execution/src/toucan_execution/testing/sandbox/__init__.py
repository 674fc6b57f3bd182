"""A local Binance on loopback: spot, USD-M and COIN-M, for tests, demos and learning.

    async with Sandbox() as sandbox:
        client = BinanceExecution.new_with_config(sandbox.config("spot"))
        ...

It speaks the venue's own protocol (REST, WebSocket API, streams public and private) in front of the engine of
`toucan_execution.mock`, needs no network and no account, and goes wrong on request; any client of Binance can
be pointed at it. Where it differs from the real exchange is listed in the package's ``docs/sandbox.md``.

Needs the extra ``toucan-execution[testing]``.
"""

from __future__ import annotations

from toucan_execution.testing.sandbox.faulty import (
    banned,
    last_moment,
    reply_lost,
    request_lost,
    service_unavailable,
    throttled,
    timed_out,
    too_many_requests,
    unknown_error,
)
from toucan_execution.testing.sandbox.keys import SandboxKey
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.sandbox import USUAL_BALANCES, Sandbox
from toucan_instrument.testing.faults import Action, Fault, FaultScript

__all__ = [
    "USUAL_BALANCES",
    "Action",
    "Fault",
    "FaultScript",
    "Sandbox",
    "SandboxKey",
    "SandboxMarket",
    "banned",
    "last_moment",
    "reply_lost",
    "request_lost",
    "service_unavailable",
    "throttled",
    "timed_out",
    "too_many_requests",
    "unknown_error",
]
