"""What an exchange must say of its private side, as values and pure functions.

A venue's folder fills this in. Nothing here awaits, opens a socket or reads a clock: an exchange is tested
from frames and answers alone. Errors that a venue answers with are made by `error_of` and thrown into the
conversation that made the call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum, StrEnum
from typing import Any

import msgspec

from toucan_execution.account import AccountSnapshot, Balance, Commission, Position, PositionMode
from toucan_execution.call import Call, Conversation
from toucan_execution.events import AccountEvent, TradeUpdate
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    Order,
    OrderList,
    OrderListRequest,
    OrderRequest,
)
from toucan_execution.outcome import Reason
from toucan_instrument import Environment, Exchange, Instrument, Pool
from toucan_instrument.errors import VenueError
from toucan_instrument.link.rest import AnswerLimits
from toucan_instrument.rest import Request, Response

__all__ = ["ExecutionVenue", "Feature", "Placed", "Replaced", "Verdict", "VerdictKind"]


class Feature(StrEnum):
    """What a venue may have and another not."""

    AMEND = "amend"
    BATCH_PLACE = "batch_place"
    BATCH_CANCEL = "batch_cancel"
    CANCEL_REPLACE = "cancel_replace"
    ORDER_LISTS = "order_lists"
    POSITIONS = "positions"
    TEST_ORDER = "test_order"


class VerdictKind(Enum):
    """What an error says of a request that was to change something."""

    REJECTED = "rejected"
    """It was refused for certain."""
    UNKNOWN = "unknown"
    """It may have been done."""
    DONE = "done"
    """It was done before: nothing was to be changed."""


class Verdict(msgspec.Struct, frozen=True):
    """What an error means for the request that it answers.

    Attributes:
        kind: Whether anything was done.
        reason: Why, for a rejection.
        retryable: Whether the same request may pass later, unchanged.
    """

    kind: VerdictKind
    reason: Reason = Reason.OTHER
    retryable: bool = False


class Placed(msgspec.Struct, frozen=True):
    """What the answer to a new, changed or cancelled order said.

    Attributes:
        order: Of the order.
        fills: Of its fills.
        order_list: Of its list.
    """

    order: Order | None
    fills: tuple[TradeUpdate, ...] = ()
    order_list: OrderList | None = None


class Replaced(msgspec.Struct, frozen=True):
    """What the answer to a cancel-replace said of its two halves; None for what was not attempted."""

    cancel: Placed | VenueError
    place: Placed | VenueError | None


class ExecutionVenue(ABC):
    """A market of an exchange, in one environment, at one set of addresses, for one account.

    Attributes:
        exchange: Which market.
        environment: Which of its worlds.
        account: The user's label of the account, which all events carry.
        prefix: What client order ids of this client begin with.
    """

    exchange: Exchange
    environment: Environment
    account: str
    prefix: str

    # What it is.

    @property
    @abstractmethod
    def features(self) -> frozenset[Feature]:
        """What it has."""

    @property
    @abstractmethod
    def request_pool(self) -> Pool:
        """The request weight that its address shares."""

    @property
    @abstractmethod
    def connection_pool(self) -> Pool:
        """How many connections its address may open."""

    @property
    @abstractmethod
    def order_pools(self) -> tuple[Pool, ...]:
        """The limits of orders, per account; names do not hold the account yet."""

    @property
    def max_account_algo_orders(self) -> int | None:
        """How many conditional orders an account may have over all instruments; None where it is not told."""
        return None

    # Calls.

    @abstractmethod
    def server_time(self) -> Call[int]:
        """Return the call that gives the venue's time, nanoseconds since the epoch."""

    @abstractmethod
    def instruments(self) -> Call[list[Instrument]]:
        """Return the call that gives the instruments with their rules."""

    @abstractmethod
    def snapshot(self) -> Conversation[AccountSnapshot]:
        """Fetch balances, positions, open orders and settings."""

    @abstractmethod
    def balances(self) -> Conversation[list[Balance]]:
        """Fetch the balances of what is held."""

    @abstractmethod
    def positions(self, instrument: Instrument | None = None) -> Conversation[list[Position]]:
        """Fetch the positions that are not flat."""

    @abstractmethod
    def open_orders(self, instrument: Instrument | None = None) -> Conversation[list[Order]]:
        """Fetch the open orders, regular and conditional."""

    @abstractmethod
    def order(
        self,
        instrument: Instrument,
        *,
        client_order_id: str = "",
        order_id: str = "",
        conditional: bool | None = None,
    ) -> Conversation[Order]:
        """Fetch one order by either of its ids; `UnknownOrder` is thrown where there is none."""

    @abstractmethod
    def orders(self, instrument: Instrument, since_ns: int, until_ns: int) -> Conversation[list[Order]]:
        """Fetch all orders of a window of time, oldest first, page by page."""

    @abstractmethod
    def trades(
        self, instrument: Instrument, since_ns: int, until_ns: int, *, from_id: str = ""
    ) -> Conversation[list[TradeUpdate]]:
        """Fetch all fills of a window of time, oldest first, page by page.

        Args:
            instrument: Of which.
            since_ns: From when on, nanoseconds since the epoch.
            until_ns: Until when.
            from_id: Where given: all fills from this trade id on, whatever their time.
        """

    @abstractmethod
    def commission(self, instrument: Instrument) -> Conversation[Commission]:
        """Fetch what trading an instrument costs."""

    @abstractmethod
    def check(self, request: OrderRequest, position_mode: PositionMode | None = None) -> None:
        """Refuse an order that this market cannot have, whatever its numbers.

        Args:
            request: The order.
            position_mode: The account's, None where it is not known (and on spot).

        Raises:
            InvalidInput: Which field is wrong, missing or not to be there, and what would be accepted.
        """

    def check_list(self, request: OrderListRequest) -> None:
        """Refuse a list of orders that this market cannot have, whatever its numbers.

        Raises:
            InvalidInput: Which field is wrong, missing or not to be there, and what would be accepted.
        """
        for order in request.orders:
            self.check(order)

    @abstractmethod
    def place(self, request: OrderRequest) -> Conversation[Placed]:
        """Place an order; `request.client_order_id` is set."""

    @abstractmethod
    def place_many(self, requests: Sequence[OrderRequest]) -> Conversation[list[Placed | VenueError]]:
        """Place orders in one request: at most `batch_limit` of them; results in their order."""

    @abstractmethod
    def test(self, request: OrderRequest) -> Conversation[None]:
        """Have an order checked by the venue without placing it."""

    @abstractmethod
    def amend(self, request: AmendRequest, known: Order | None) -> Conversation[Placed]:
        """Change an order; `known` is what is known of it."""

    @abstractmethod
    def cancel(self, request: CancelRequest, known: Order | None) -> Conversation[Placed]:
        """Cancel an order; `known` is what is known of it."""

    @abstractmethod
    def cancel_many(
        self, instrument: Instrument, requests: Sequence[CancelRequest]
    ) -> Conversation[list[Placed | VenueError]]:
        """Cancel orders of one instrument in one request: at most `cancel_batch_limit` of them."""

    @abstractmethod
    def cancel_all(self, instrument: Instrument) -> Conversation[list[Order]]:
        """Cancel all open orders of an instrument, whoever made them; the orders, where it says which."""

    @abstractmethod
    def place_list(self, request: OrderListRequest) -> Conversation[Placed]:
        """Place a list of orders."""

    @abstractmethod
    def cancel_replace(self, request: CancelReplaceRequest) -> Conversation[Replaced]:
        """Cancel an order and place another."""

    @property
    @abstractmethod
    def batch_limit(self) -> int:
        """How many orders `place_many` takes, 0 where there is no such thing."""

    @property
    @abstractmethod
    def cancel_batch_limit(self) -> int:
        """How many orders `cancel_many` takes, 0 where there is no such thing."""

    # The wire.

    @abstractmethod
    def rest_request(self, call: Call[Any], timestamp_ns: int) -> Request:
        """Write a call as a REST request, signed for a moment of the venue's time."""

    @property
    @abstractmethod
    def ws_api_url(self) -> str:
        """The address of its WebSocket API, empty where it has none."""

    @abstractmethod
    def url_of(self, call: Call[Any]) -> str:
        """Return the address of a call over REST, without its query."""

    @abstractmethod
    def ws_frame(self, call: Call[Any], request_id: int, timestamp_ns: int, *, signed: bool = True) -> bytes:
        """Write a call as a request of the WebSocket API, for a moment of the venue's time.

        Args:
            call: What is asked; it has a `ws_method`.
            request_id: What its answer is matched by.
            timestamp_ns: The venue's time.
            signed: Whether to sign it; not on a connection that was logged on.
        """

    @abstractmethod
    def order_counts(self, response: Response) -> tuple[tuple[int, int], ...]:
        """Return the order counts that an answer's headers name: length of the window (ns), count."""

    @abstractmethod
    def error_of(self, call: Call[Any], request: Request, response: Response) -> VenueError | None:
        """Return the typed error that an answer is, None if it is a good one."""

    @abstractmethod
    def read_limits(self, response: Response) -> AnswerLimits:
        """Return what an answer's headers say about the limits."""

    @abstractmethod
    def verdict(self, error: VenueError) -> Verdict:
        """Return what an error means for a request that was to change something."""

    @abstractmethod
    def decode_event(self, frame: bytes, received_ns: int) -> list[AccountEvent]:
        """Read one message of the account's stream; whatever it is, something is returned for it."""
