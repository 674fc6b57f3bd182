"""A market with all that stands in front of it: what can be asked, and who is connected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from toucan_execution.testing.sandbox.endpoint import Endpoint
from toucan_execution.testing.sandbox.futures_wire import FuturesWire
from toucan_execution.testing.sandbox.gate import Gate
from toucan_execution.testing.sandbox.listenkeys import ListenKeys, gone_endpoints
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.public import public_endpoints
from toucan_execution.testing.sandbox.spot_wire import SpotWire
from toucan_execution.testing.sandbox.wsapi import ws_names
from toucan_instrument import Exchange

__all__ = ["Hosted"]

PREFIXES: Mapping[Exchange, str] = {
    Exchange.BINANCE_SPOT: "/api/v3",
    Exchange.BINANCE_USD_M: "/fapi/v1",
    Exchange.BINANCE_COIN_M: "/dapi/v1",
}
WS_API_PATHS: Mapping[Exchange, str] = {
    Exchange.BINANCE_SPOT: "ws-api/v3",
    Exchange.BINANCE_USD_M: "ws-fapi/v1",
    Exchange.BINANCE_COIN_M: "ws-dapi/v1",
}


class Hosted:
    """One market, as the outside knows it.

    Attributes:
        market: The market.
        gate: Checks what comes.
        table: What can be asked over REST, by method and path.
        methods: What can be asked over the WebSocket API, by name.
        listen_keys: Its listen keys, None on spot.
        ws_path: The path of its WebSocket API.
    """

    def __init__(
        self,
        market: SandboxMarket,
        gate: Gate,
        *,
        new_key: Callable[[], str],
        key_ended: Callable[[Hosted, str, str, bool], None],
    ) -> None:
        self.market = market
        self.gate = gate
        self.ws_path: str = WS_API_PATHS[market.exchange]
        self.listen_keys: ListenKeys | None = None
        market.rules = gate.rules
        market.order_counts = lambda account: gate.orders_of(account).rows(market.now_ns)
        if market.futures:
            market.wire = FuturesWire(market)
        else:
            market.wire = spot = SpotWire(market)
            market.flags = spot.flags
        endpoints = [*public_endpoints(market), *market.wire.endpoints]
        if market.futures:
            self.listen_keys = ListenKeys(
                new_key, lambda account, key, expired: key_ended(self, account, key, expired)
            )
            endpoints += self.listen_keys.endpoints(PREFIXES[market.exchange])
        else:
            endpoints += gone_endpoints()
        self.table: Mapping[tuple[str, str], Endpoint] = _table(endpoints)
        self.methods: Mapping[str, Endpoint] = ws_names(endpoints)

    def account_of(self, listen_key: str) -> str | None:
        """Return whose a listen key is, None where there is no such key."""
        return None if self.listen_keys is None else self.listen_keys.account_of(listen_key)

    @property
    def due_ns(self) -> int | None:
        """When something falls due by itself, None for nothing."""
        keys = None if self.listen_keys is None else self.listen_keys.due_ns
        times = (self.market.due_ns, keys)
        return min((each for each in times if each is not None), default=None)

    def advance(self, now_ns: int) -> None:
        """Let time pass: what was due by then happens."""
        self.market.advance(now_ns)
        if self.listen_keys is not None:
            self.listen_keys.run_due(now_ns)


def _table(endpoints: Iterable[Endpoint]) -> dict[tuple[str, str], Endpoint]:
    table: dict[tuple[str, str], Endpoint] = {}
    for endpoint in endpoints:
        if endpoint.method:
            key = (endpoint.method, endpoint.path)
            if key in table:
                raise ValueError(f"{key} is there twice")
            table[key] = endpoint
    return table
