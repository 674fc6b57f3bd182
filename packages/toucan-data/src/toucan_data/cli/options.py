"""The options that every command has."""

from __future__ import annotations

from toucan_instrument.console.output import common_options

__all__ = ["common"]

common = common_options("toucan_data", "toucan_instrument")
"""Gives a command ``--json``, ``--plain`` and ``-v``."""
