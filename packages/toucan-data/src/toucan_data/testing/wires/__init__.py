"""What venues say, written: public wire encoders for the dialects, one module for each family.

Binance's are in `toucan_instrument.testing.binance`, as both halves imitate it.
"""

from __future__ import annotations

__all__: list[str] = []
