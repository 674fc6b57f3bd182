"""The clients of accounts, one folder for each exchange."""

from __future__ import annotations

__all__: list[str] = []
