"""What tests of connections stand on, behind the extra `[testing]`; the types never load it.

The modules are imported one by one, so that a test loads only what it uses:

* `clock`: `FakeClock`, time that a test moves.
* `socket`: `FakeSocket` and `FakeNetwork`, connections that a test scripts.
* `server`: a server on the loopback for WebSockets and REST; `direct` does the same without sockets.
* `faults`: a script of what goes wrong, and when.
* `market`: a seeded market whose streams agree with each other; `ticks` is what it says, and `tape` keeps the
  accounts of an instrument's trading for it.
* `cutbook`: its books cut to a depth, as many venues show them.
* `rolling`: how much happened within a while, for limits.
* `binance`, `binance_rest`, `binance_info`, `binance_control`: a market as Binance tells it.

They are fakes of the boundary (time, sockets, venues), never of toucan's own code.
"""

from __future__ import annotations

__all__: list[str] = []
