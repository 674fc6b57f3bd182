"""What tests of trading programs stand on: a local Binance that strangers' clients trade on.

See `toucan_execution.testing.sandbox`. Needs the extra ``toucan-execution[testing]``.
"""

from __future__ import annotations

__all__: list[str] = []
