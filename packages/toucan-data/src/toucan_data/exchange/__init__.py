"""One folder per exchange; none knows another, none awaits, opens a socket or reads a clock."""

from __future__ import annotations

__all__: list[str] = []
