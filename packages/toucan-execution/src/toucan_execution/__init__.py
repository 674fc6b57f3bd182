"""Accounts and orders on crypto exchanges.

This version holds the error tree alone (see `toucan_execution.errors`): it proves how the package
stands beside toucan-data on toucan-instrument. It places no orders.
"""

from __future__ import annotations

import logging

from toucan_execution.errors import (
    AuthenticationError,
    ConfigError,
    DuplicateClientId,
    ExecutionError,
    FilterViolated,
    InsufficientBalance,
    NotSynced,
    OrderRejected,
    ReduceOnlyRejected,
    UnknownOrder,
    WouldTakeLiquidity,
)

__all__ = [
    "AuthenticationError",
    "ConfigError",
    "DuplicateClientId",
    "ExecutionError",
    "FilterViolated",
    "InsufficientBalance",
    "NotSynced",
    "OrderRejected",
    "ReduceOnlyRejected",
    "UnknownOrder",
    "WouldTakeLiquidity",
]

# A library is silent until its user sets up logging (the logging HOWTO's rule for libraries).
logging.getLogger(__name__).addHandler(logging.NullHandler())
