"""Reading private messages without a connection: what ``toucan-execution decode`` runs.

A line may be a message of an account's stream, an answer over a WebSocket, or the body of an answer over
REST: which one is told by its shape.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import TypeAlias

import msgspec

from toucan_execution.events import AccountEvent
from toucan_instrument import Exchange
from toucan_instrument.plain import Plain

__all__ = ["AccountDecoder", "Decoded", "Outcome", "Value"]

Value: TypeAlias = AccountEvent | Plain
"""What a line holds: account events, and what answers say (commissions, ledger lines, settings)."""


class Outcome(Enum):
    """What a line turned out to be."""

    EVENTS = "events"
    CONTROL = "control"
    """It confirms, refuses or announces something, or holds public data; nothing of an account is in it."""
    NOT_OFFERED = "not offered"
    """It is of something that toucan does not offer."""
    FAILED = "failed"


class Decoded(msgspec.Struct, frozen=True):
    """What a line holds.

    Attributes:
        outcome: What it turned out to be.
        values: What it says, in order; of a failure its `UnreadableEvent`.
    """

    outcome: Outcome
    values: tuple[Value, ...] = ()


class AccountDecoder(ABC):
    """Reads the private messages of one market.

    Attributes:
        exchange: Whose messages.
        account: The label that the events carry.
    """

    exchange: Exchange
    account: str

    @abstractmethod
    def read(self, frame: bytes, received_ns: int) -> list[AccountEvent]:
        """Read one message of the account's stream; never raises for what it holds.

        Answers to requests give nothing: whoever asked reads them.
        """

    @abstractmethod
    def decode(self, line: bytes, received_ns: int) -> Decoded:
        """Read one private message of any sort; never raises for what it holds."""
