"""An exchange on loopback for your own tests: see `exchange.ScriptedExchange` and the fixture in `plugin`.

Needs the extra ``[testing]``. Its parts are imported from their modules, so that importing this package
loads none of them:

- `toucan_data.testing.exchange`: the exchange;
- `toucan_data.testing.capture`: recordings to play;
- `toucan_instrument.testing.faults`: what may go wrong;
- `toucan_instrument.testing.clock`: a clock that a test moves.
"""

from __future__ import annotations

__all__: list[str] = []
