"""One supervised link to a venue: the reconnect loop and the request budget, written once.

Read in this order: `transport` (what a socket must do), `session` (what a venue must do), `status`
(what the user is told), `policy` (when to try again), `supervisor` (the loop); then `window` and
`budget` (how much may be asked) and `rest` (asking). Sockets, time and randomness are all injected;
`open_network` makes the real ones.
"""

from __future__ import annotations

from toucan_instrument.link.budget import Budget, Lane, Stop, budget_for
from toucan_instrument.link.clock import Clock, SystemClock, before
from toucan_instrument.link.dialling import dial, may_dial
from toucan_instrument.link.policy import Backoff
from toucan_instrument.link.rest import AnswerLimits, call, open_network
from toucan_instrument.link.session import Session, Wake
from toucan_instrument.link.status import Connected, Disconnected, LinkStatus, Retrying
from toucan_instrument.link.supervisor import supervise
from toucan_instrument.link.transport import (
    Closed,
    Dial,
    DialOptions,
    Network,
    OnControl,
    OnFrames,
    Socket,
)
from toucan_instrument.link.window import Window
from toucan_instrument.pool import Pool

__all__ = [
    "AnswerLimits",
    "Backoff",
    "Budget",
    "Clock",
    "Closed",
    "Connected",
    "Dial",
    "DialOptions",
    "Disconnected",
    "Lane",
    "LinkStatus",
    "Network",
    "OnControl",
    "OnFrames",
    "Pool",
    "Retrying",
    "Session",
    "Socket",
    "Stop",
    "SystemClock",
    "Wake",
    "Window",
    "before",
    "budget_for",
    "call",
    "dial",
    "may_dial",
    "open_network",
    "supervise",
]
