"""What every client of an account offers: a real exchange's and the mock's alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Protocol, Self, runtime_checkable

from toucan_execution.account import (
    AccountSnapshot,
    Balance,
    Commission,
    Income,
    LeverageBracket,
    LeverageSetting,
    MarginType,
    Position,
    PositionMode,
)
from toucan_execution.events import AccountEvent, TradeUpdate
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    Order,
    OrderList,
    OrderListRequest,
    OrderRequest,
    PositionSide,
)
from toucan_execution.outcome import Outcome, ReplaceOutcome, Unknown
from toucan_execution.view import AccountView
from toucan_instrument import Catalogue, Exchange, Instrument

__all__ = ["ExecutionClient", "FuturesClient", "SpotClient"]


@runtime_checkable
class ExecutionClient(Protocol):
    """An account on an exchange: what it holds, what happens to it, and orders.

    Used with ``async with``, or started by the first ``account_stream()`` and ended by `close`. Methods
    that only read raise typed errors. Methods that are to change something answer with an `Outcome`: an
    unknown one is never reported as a failure and never sent again.
    """

    @property
    def exchange(self) -> Exchange:
        """Which market."""
        ...

    @property
    def name(self) -> str:
        """The label of the account, which all events carry."""
        ...

    @property
    def account(self) -> AccountView:
        """The live view of the account, kept whether or not anybody iterates the stream."""
        ...

    @property
    def synced(self) -> bool:
        """Whether the view is known to be right; new orders are refused while it is not."""
        ...

    async def start(self) -> None:
        """Follow the account from now on; harmless to repeat."""
        ...

    async def ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - a user's words
        """Start, and wait until the view of the account is in sync.

        Raises:
            NotSynced: It was not in time; seconds.
            ClientClosed: The client was closed, or has ended by a fault.
        """
        ...

    async def close(self) -> None:
        """End everything; orders stay as they are. Harmless to repeat."""
        ...

    async def __aenter__(self) -> Self:
        """Start."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        ...

    async def instruments(self) -> Catalogue:
        """Return the market's instruments with their rules: loaded once, then kept."""
        ...

    def account_stream(self) -> AsyncIterator[AccountEvent]:
        """Follow the account: a snapshot first, then every event, each exactly once and in order.

        May be opened many times. Nothing is ever dropped: a reader that falls too far behind is told so
        (`ConsumerStalled`), and until it has caught up only cancels pass.

        Raises:
            ClientClosed: While iterating: the client has ended by a fault, which is the cause.
        """
        ...

    async def account_snapshot(self) -> AccountSnapshot:
        """Fetch balances, positions and open orders."""
        ...

    async def fetch_balances(self) -> tuple[Balance, ...]:
        """Fetch the balances of what is held."""
        ...

    async def fetch_open_orders(self, instrument: Instrument | None = None) -> tuple[Order, ...]:
        """Fetch the open orders, regular and conditional, of one instrument or of all."""
        ...

    async def fetch_order(
        self, instrument: Instrument, *, client_order_id: str = "", order_id: str = ""
    ) -> Order:
        """Fetch one order by either of its ids.

        Raises:
            UnknownOrder: The venue knows no such order.
        """
        ...

    async def fetch_orders(
        self, instrument: Instrument, since: int, until: int | None = None
    ) -> tuple[Order, ...]:
        """Fetch all orders since a time (nanoseconds since the epoch), oldest first: complete.

        Raises:
            Incomplete: It ended early; the error holds what was got and says where it stopped.
        """
        ...

    async def fetch_trades(
        self, instrument: Instrument, since: int, until: int | None = None
    ) -> tuple[TradeUpdate, ...]:
        """Fetch all fills since a time (nanoseconds since the epoch), oldest first: complete.

        Raises:
            Incomplete: It ended early; the error holds what was got and says where it stopped.
        """
        ...

    async def fetch_commission(self, instrument: Instrument) -> Commission:
        """Fetch what trading an instrument costs."""
        ...

    async def place_order(self, request: OrderRequest, *, allow_unsynced: bool = False) -> Outcome:
        """Place an order, once.

        Args:
            request: The order.
            allow_unsynced: Place it although the view of the account is not in sync.

        Raises:
            InvalidInput: A programming error: a field that is wrong, missing or not to be there.
        """
        ...

    async def place_orders(
        self, requests: Sequence[OrderRequest], *, allow_unsynced: bool = False
    ) -> tuple[Outcome, ...]:
        """Place orders, in one request where the venue can; one outcome each, in the order given."""
        ...

    async def test_order(self, request: OrderRequest) -> Outcome:
        """Have the venue check an order without placing it."""
        ...

    async def amend_order(self, request: AmendRequest) -> Outcome:
        """Change an open order, in the way that the venue can; see `AmendRequest`."""
        ...

    async def cancel_order(self, request: CancelRequest | Order) -> Outcome:
        """Cancel an order.

        One that is over already is `Rejected` with `Reason.ALREADY_CLOSED` and its last state.
        """
        ...

    async def cancel_orders(self, requests: Sequence[CancelRequest | Order]) -> tuple[Outcome, ...]:
        """Cancel orders, in one request where the venue can; one outcome each, in the order given."""
        ...

    async def cancel_all(self, instrument: Instrument) -> tuple[Order, ...]:
        """Cancel all open orders of an instrument: **everybody's**, not only this client's.

        Returns:
            The orders, where the venue says which they were.

        Raises:
            RequestFailed: It is not known whether they were cancelled; the account's stream will tell.
            VenueError: The venue refused.
        """
        ...

    async def cancel_own(self, instrument: Instrument | None = None) -> tuple[Outcome, ...]:
        """Cancel the open orders whose client order id carries this client's prefix; one outcome each."""
        ...

    async def settle(self, outcome: Outcome, timeout: float = 30.0) -> Outcome:  # noqa: ASYNC109
        """Find out what became of an unknown outcome, by query and by the account's stream.

        Args:
            outcome: The outcome; one that is not `Unknown` is returned as it is.
            timeout: Seconds to try; when they are over, what is still unknown stays `Unknown`.

        Returns:
            `Accepted`, `Rejected`, or a still `Unknown` outcome; it never raises for time.
        """
        ...

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """The outcomes that nobody knows yet."""
        ...


@runtime_checkable
class FuturesClient(ExecutionClient, Protocol):
    """What an account on a derivatives market offers on top."""

    async def fetch_positions(self, instrument: Instrument | None = None) -> tuple[Position, ...]:
        """Fetch the positions that are not flat."""
        ...

    async def set_leverage(self, instrument: Instrument, leverage: int) -> LeverageSetting:
        """Set the leverage of an instrument."""
        ...

    async def fetch_leverage_brackets(
        self, instrument: Instrument | None = None
    ) -> tuple[LeverageBracket, ...]:
        """Fetch how much leverage positions of which size may have."""
        ...

    async def set_margin_type(self, instrument: Instrument, margin_type: MarginType) -> bool:
        """Set cross or isolated margin; return whether that changed anything."""
        ...

    async def change_isolated_margin(
        self, instrument: Instrument, amount: Decimal, *, position_side: PositionSide | None = None
    ) -> None:
        """Add to the margin of an isolated position, or take from it (below zero)."""
        ...

    async def fetch_position_mode(self) -> PositionMode:
        """Fetch whether an instrument has one position or one for each side."""
        ...

    async def set_position_mode(self, mode: PositionMode) -> bool:
        """Set it, for all instruments; return whether that changed anything."""
        ...

    async def fetch_income(
        self, since: int, until: int | None = None, *, instrument: Instrument | None = None, kind: str = ""
    ) -> tuple[Income, ...]:
        """Fetch the account's ledger since a time (nanoseconds since the epoch): complete.

        Raises:
            Incomplete: It ended early; the error holds what was got and says where it stopped.
        """
        ...


@runtime_checkable
class SpotClient(ExecutionClient, Protocol):
    """What an account on a spot market offers on top."""

    async def place_order_list(self, request: OrderListRequest, *, allow_unsynced: bool = False) -> Outcome:
        """Place a list of orders that depend on one another."""
        ...

    async def cancel_order_list(
        self, instrument: Instrument, *, list_id: str = "", client_list_id: str = ""
    ) -> Outcome:
        """Cancel all orders of a list."""
        ...

    async def fetch_open_order_lists(self) -> tuple[OrderList, ...]:
        """Fetch the lists that are open."""
        ...

    async def cancel_replace(
        self, request: CancelReplaceRequest, *, allow_unsynced: bool = False
    ) -> ReplaceOutcome:
        """Cancel an order and place another, in one request; one outcome for each half."""
        ...
