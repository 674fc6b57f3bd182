"""The options that every command has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from toucan_instrument.console.output import common_options

__all__ = ["common"]

R = TypeVar("R")


def common(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that all have: ``--json``, ``--plain`` and ``-v``."""
    return common_options("toucan_data", "toucan_instrument")(command)
