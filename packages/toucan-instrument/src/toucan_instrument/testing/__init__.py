"""What tests of connections stand on, behind the extra `[testing]`; the types never load it.

The modules are imported one by one, so that a test loads only what it uses:

* `clock`: `FakeClock`, time that a test moves.
* `socket`: `FakeSocket` and `FakeNetwork`, connections that a test scripts.
* `server`: a server on the loopback for WebSockets and REST.
* `faults`: a script of what goes wrong, and when.
* `market`: a seeded market whose streams agree with each other.
* `cutbook`: its books cut to a depth, as many venues show them.
* One module for each family of exchanges: a market's events as it writes them.

They are fakes of the boundary (time, sockets, venues), never of toucan's own code.
"""

from __future__ import annotations

__all__: list[str] = []
