"""How calls and events pass between a client and the paper exchange: carried along, never written."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import msgspec

from toucan_execution.call import Call, Conversation, one
from toucan_execution.events import AccountEvent, OrderUpdate, TradeUpdate, UnknownEvent
from toucan_execution.ids import is_own
from toucan_execution.mock.engine import Engine
from toucan_execution.mock.network import Cargo, Task, opened
from toucan_execution.orders import Order, OrderList, OrderOrigin
from toucan_execution.outcome import Reason
from toucan_execution.venue import ExecutionVenue, Feature, Verdict, VerdictKind
from toucan_instrument import Environment, Exchange, Pool
from toucan_instrument.errors import VenueError
from toucan_instrument.link import AnswerLimits, Lane
from toucan_instrument.rest import Request, Response

__all__ = ["MockWire"]

T = TypeVar("T")

MINUTE = 60_000_000_000
PLENTY = 1_000_000_000
BATCH, CANCEL_BATCH = 5, 10
SPOT = frozenset({Feature.AMEND, Feature.CANCEL_REPLACE, Feature.ORDER_LISTS, Feature.TEST_ORDER})
FUTURES = frozenset(
    {
        Feature.AMEND,
        Feature.BATCH_CANCEL,
        Feature.BATCH_PLACE,
        Feature.POSITIONS,
        Feature.TEST_ORDER,
    }
)
_numbers = itertools.count(1)


class _Call(Call[T], frozen=True, kw_only=True):
    """A call with what it does.

    Attributes:
        act: Does it, given the time.
    """

    act: Callable[[int], T]


class _NoLimits(msgspec.Struct, frozen=True):
    """What the answers of an exchange without limits say about them."""

    used: int | None = None
    retry_after_ns: int = 0
    banned: bool = False


class MockWire(ExecutionVenue):
    """The paper exchange as a venue, without what can be asked of it.

    Args:
        engine: What does everything.
        account: The account's name.
        prefix: What client order ids of this client begin with.
    """

    def __init__(self, engine: Engine, account: str, prefix: str) -> None:
        self.exchange: Exchange = engine.exchange
        self.environment: Environment = Environment.DEMO
        self.account: str = account
        self.prefix: str = prefix
        self.engine: Engine = engine
        self._pool = f"mock {next(_numbers)}"

    # What it is.

    @property
    def features(self) -> frozenset[Feature]:
        """What it has."""
        return SPOT if self.engine.settings.spot else FUTURES

    @property
    def request_pool(self) -> Pool:
        """No limit that anybody would meet."""
        return Pool(f"{self._pool} requests", PLENTY, MINUTE, "mock")

    @property
    def connection_pool(self) -> Pool:
        """No limit that anybody would meet."""
        return Pool(f"{self._pool} connections", PLENTY, MINUTE, "mock")

    @property
    def order_pools(self) -> tuple[Pool, ...]:
        """None."""
        return ()

    @property
    def batch_limit(self) -> int:
        """As many as on the market that is played (facts D.2.8)."""
        return 0 if self.engine.settings.spot else BATCH

    @property
    def cancel_batch_limit(self) -> int:
        """Likewise."""
        return 0 if self.engine.settings.spot else CANCEL_BATCH

    # The wire.

    def make(self, name: str, act: Callable[[int], T], *, lane: Lane | None = None) -> Call[T]:
        """Return a call that does something in the engine.

        Args:
            name: What it does.
            act: Does it, given the time; raises `VenueError` where the exchange refuses.
            lane: What it is for, where it is to change something.
        """
        return _Call(
            name=name,
            method="GET" if lane is None else "POST",
            path=name,
            decode=lambda body, _: opened(body),
            lane=lane or Lane.RECONCILE,
            changes=lane is not None,
            act=act,
        )

    def ask(self, name: str, act: Callable[[int], T], *, lane: Lane | None = None) -> Conversation[T]:
        """Return the conversation of such a call alone."""
        return one(self.make(name, act, lane=lane))

    def rest_request(self, call: Call[Any], timestamp_ns: int) -> Request:
        """Write a call: what it does is carried along."""
        del timestamp_ns
        act = call.act if isinstance(call, _Call) else None
        task = Task(call.name, call.changes, act or (lambda _: None))
        return Request(call.method, self.url_of(call), body=Cargo.of(task), weight=call.weight)

    @property
    def ws_api_url(self) -> str:
        """None: everything goes one way."""
        return ""

    def url_of(self, call: Call[Any]) -> str:
        """Return the name of a call."""
        return f"mock:{call.name}"

    def ws_frame(self, call: Call[Any], request_id: int, timestamp_ns: int, *, signed: bool = True) -> bytes:
        """Write a call for a connection that this venue has no use for."""
        del request_id, signed
        return self.rest_request(call, timestamp_ns).body

    def order_counts(self, response: Response) -> tuple[tuple[int, int], ...]:
        """None are counted."""
        del response
        return ()

    def error_of(self, call: Call[Any], request: Request, response: Response) -> VenueError | None:
        """Return the error that an answer is, None if it is a good one."""
        del call, request
        result = opened(response.body)
        return result if isinstance(result, VenueError) else None

    def read_limits(self, response: Response) -> AnswerLimits:
        """There are none."""
        del response
        return _NoLimits()

    def verdict(self, error: VenueError) -> Verdict:
        """Return what an error means: its code is the reason."""
        known = {reason.value: reason for reason in Reason}
        reason = known.get(str(error.code), Reason.OTHER)
        retryable = reason in (Reason.RATE_LIMITED, Reason.BANNED, Reason.UNAVAILABLE)
        return Verdict(VerdictKind.REJECTED, reason, retryable=retryable)

    def frame_of(self, event: AccountEvent) -> bytes:
        """Return the message that tells of an event."""
        return Cargo.of(self.owned(event))

    def decode_event(self, frame: bytes, received_ns: int) -> list[AccountEvent]:
        """Return the event that a message tells of."""
        event = opened(frame)
        if event is None:
            return [UnknownEvent(self.exchange, self.account, None, received_ns, name="", raw=frame)]
        return [msgspec.structs.replace(event, time_received=received_ns)]

    def owned(self, value: T) -> T:
        """Say whose an order or a fill is."""
        changes: dict[str, object] = {}
        if isinstance(value, OrderUpdate):
            order = self.owned(value.order)
            changes = {"order": order, "origin": order.origin}
        elif isinstance(value, OrderList):
            changes = {"orders": tuple(self.owned(order) for order in value.orders)}
        elif isinstance(value, (Order, TradeUpdate)) and is_own(value.client_order_id, self.prefix):
            changes = {"origin": OrderOrigin.OWN}
        return cast("T", msgspec.structs.replace(cast("Any", value), **changes)) if changes else value
