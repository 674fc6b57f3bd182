"""Public and private streams: what one connection follows, and what it is sent (facts A.1 to A.3, E.4).

Pure: a text comes in, texts go out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from toucan_execution.testing.sandbox.wire import Payload
from toucan_instrument import Exchange
from toucan_instrument.testing import binance as public, binance_control as control

__all__ = ["StreamSession"]

CLOSE_POLICY = 1008


class StreamSession:
    """One connection to a market's streams.

    Args:
        exchange: Which market.
        opened: What its address says.
        pairs: The parameters of its address, in order: listen keys and the events that are wanted of each.
        account_of: Returns whose a listen key is, None where there is no such key.
        needs_events: Whether a listen key in the address without a list of events is sent nothing.
    """

    def __init__(
        self,
        exchange: Exchange,
        opened: control.Opened,
        pairs: Iterable[tuple[str, str]],
        account_of: Callable[[str], str | None],
        *,
        needs_events: bool = True,
    ) -> None:
        self.exchange = exchange
        self.route: str = opened.route
        self.combined: bool = opened.combined
        self.micro: bool = opened.micro
        self.names: dict[str, None] = {}
        """The streams that it has subscribed, in order, whether or not they ever send."""
        self.listen_keys: dict[str, frozenset[str] | None] = {}
        """The listen keys that it follows, and the events that it wants of each, None for all."""
        self._account_of = account_of
        self._follow(opened.names)
        last = ""
        for name, value in pairs if self.route == "private" else ():
            if name == "listenKey":
                last = value
                # Whether anything is sent without a list of events, sources disagree (facts 0.3-1).
                self.listen_keys[value] = frozenset() if needs_events else None
            elif name == "events" and last:
                self.listen_keys[last] = frozenset(value.split("/"))

    def _follow(self, names: Iterable[str]) -> None:
        for name in names:
            self.names[name] = None
            if self._takes_keys and self._account_of(name) is not None:
                self.listen_keys[name] = None

    @property
    def _takes_keys(self) -> bool:
        """Whether a listen key can be followed as if it were a stream."""
        private = self.route == "private" and self.combined
        return private or self.exchange is Exchange.BINANCE_COIN_M

    def hear(self, text: bytes) -> tuple[bytes, int | None]:
        """Take a control message; return what is answered, and a close code if the client has to go."""
        asked = control.understood(self.exchange, text)
        if isinstance(asked, bytes):
            return asked, None
        if asked.method == "SUBSCRIBE":
            if len({*self.names, *asked.names}) > control.MOST_STREAMS:
                return control.too_many(asked.id), CLOSE_POLICY
            self._follow(asked.names)
        for name in asked.names if asked.method == "UNSUBSCRIBE" else ():
            self.names.pop(name, None)
            self.listen_keys.pop(name, None)
        if asked.combined is not None:
            self.combined = asked.combined
        return control.result(self._answer(asked.method), asked.id), None

    def _answer(self, method: str) -> Any:
        if method == "LIST_SUBSCRIPTIONS":
            return list(self.names)
        return self.combined if method == "GET_PROPERTY" else None

    def wants(self, name: str) -> bool:
        """Tell whether a stream is to be sent here: it is subscribed, and this is its route."""
        if name not in self.names:
            return False
        served = public.route_of(self.exchange, name)
        return served == self.route or (self.route == "" and served == "public")

    def frame(self, name: str, payload: Any) -> bytes:
        """Write what a stream sends."""
        return control.framed(name, payload, wrapped=self.combined)

    def tell(self, listen_key: str, payload: Payload) -> list[bytes]:
        """Return the frames that tell of an event of a listen key's account here."""
        if listen_key not in self.listen_keys:
            return []
        events = self.listen_keys[listen_key]
        if events is not None and payload["e"] not in events:
            return []
        return [self.frame(listen_key, payload)]
