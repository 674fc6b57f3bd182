"""One module for each family of exchanges: how the scripted exchange speaks for them."""

from __future__ import annotations

__all__: list[str] = []
