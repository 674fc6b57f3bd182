"""Which of a venue's worlds is meant."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Environment"]


class Environment(StrEnum):
    """Where orders are real, and where they are not."""

    LIVE = "live"
    """Production: real markets, real money."""
    TESTNET = "testnet"
    """The venue's test network: markets of its own."""
    DEMO = "demo"
    """The venue's paper trading on prices like the real ones."""
