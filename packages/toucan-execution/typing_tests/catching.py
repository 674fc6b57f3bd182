"""What a type checker knows of a caught error; mypy and pyright both check this file."""

from __future__ import annotations

from typing import assert_type

from toucan_execution import ConfigError, ExecutionError, InsufficientBalance, OrderRejected
from toucan_instrument.errors import InvalidInput, ToucanError, VenueError


def narrowed(error: ToucanError) -> ToucanError:
    """Catch from the narrowest to the widest."""
    match error:
        case InsufficientBalance():
            assert_type(error, InsufficientBalance)
            refused: OrderRejected = error
            answered: VenueError = refused
            return answered
        case ConfigError():
            assert_type(error.field, str)
            assert_type(error.accepted, str)
            wrong: InvalidInput = error
            return wrong
        case ExecutionError():
            assert_type(error, ExecutionError)
            return error
        case _:
            assert_type(error, ToucanError)
            return error
