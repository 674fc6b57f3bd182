"""What an account's owner is told: one flat, frozen struct per kind of event.

Every `PrivateEvent` carries

- ``exchange`` and ``account`` (the label that the user gave it);
- ``time_exchange``: the venue's own time of what happened, int nanoseconds since the Unix epoch, UTC; None
  where it gives none;
- ``time_received``: when its frame, or the answer that told of it, was received, same unit.

`AccountEvent` is everything that `account_stream()` yields: these, `AccountSnapshot`, and the link's own
`Connected`, `Disconnected` and `Retrying`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from toucan_execution.account import AccountSnapshot, Balance, Position
from toucan_execution.orders import Order, OrderList, OrderOrigin, OrderStatus, PositionSide
from toucan_instrument import Exchange, Instrument, Side
from toucan_instrument.link.status import Connected, Disconnected, Retrying
from toucan_instrument.plain import Plain

__all__ = [
    "AccountConfigUpdate",
    "AccountEvent",
    "AccountResynced",
    "BalanceUpdate",
    "Connected",
    "ConsumerStalled",
    "Disconnected",
    "ExternalLockUpdate",
    "FillMismatch",
    "FundingUpdate",
    "GridUpdate",
    "LiabilityUpdate",
    "MarginCall",
    "MarginLevelUpdate",
    "OrderListUpdate",
    "OrderUpdate",
    "OutOfSync",
    "PositionUpdate",
    "PrivateEvent",
    "ResyncFailed",
    "Retrying",
    "StrategyUpdate",
    "StreamEnded",
    "TradeNotice",
    "TradeUpdate",
    "TransferUpdate",
    "TriggerRejected",
    "Unexplained",
    "UnknownEvent",
    "UnreadableEvent",
]


class PrivateEvent(Plain, frozen=True):
    """Base of all events of an account; see the module for the four fields that all of them have."""

    exchange: Exchange
    account: str
    time_exchange: int | None
    time_received: int


# What the venue tells.


class OrderUpdate(PrivateEvent, frozen=True, kw_only=True):
    """An order has changed.

    Attributes:
        order: What is known of it now.
        origin: Whose order it is.
        execution: The venue's word for what happened, such as ``NEW``, ``TRADE`` or ``AMENDMENT``; empty
            where an answer to a request told of it.
        previous: Where it stood before, None where it was not known.
        recovered: Whether it was found by asking, after a loss of the stream, and not told by it.
    """

    order: Order
    origin: OrderOrigin
    execution: str = ""
    previous: OrderStatus | None = None
    recovered: bool = False


class TradeUpdate(PrivateEvent, frozen=True, kw_only=True):
    """A fill of an order of the account. Its identity is exchange, instrument, trade id and side.

    An account that trades with itself has two fills with one trade id.

    Attributes:
        instrument: What was traded.
        trade_id: The venue's id, as a text.
        order_id: The venue's id of the order.
        client_order_id: The order's own id, empty where the venue did not say and it is not known.
        side: Whether the account bought or sold.
        price: The price.
        quantity: How much, in the venue's unit.
        quote_quantity: The same in the quote asset, None where the venue does not say.
        fee: What it cost, below zero for a rebate; None where it was not said.
        fee_asset: In what, empty where there is none.
        maker: Whether the order had rested; None where it was not said.
        realized_profit: What it realised, None on spot.
        position_side: Which position, None on spot.
        origin: Whose order it was.
        recovered: Whether it was found by asking, after a loss of the stream.
    """

    instrument: Instrument
    trade_id: str
    order_id: str
    client_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal | None = None
    fee: Decimal | None = None
    fee_asset: str = ""
    maker: bool | None = None
    realized_profit: Decimal | None = None
    position_side: PositionSide | None = None
    origin: OrderOrigin = OrderOrigin.FOREIGN
    recovered: bool = False


class TradeNotice(PrivateEvent, frozen=True, kw_only=True):
    """An early word of a fill (Binance USD-M ``TRADE_LITE``); its `TradeUpdate`, with the fee, follows.

    Attributes:
        instrument: What was traded.
        trade_id: The venue's id.
        order_id: The venue's id of the order.
        client_order_id: The order's own id.
        side: Whether the account bought or sold.
        price: The price.
        quantity: How much.
        maker: Whether the order had rested.
    """

    instrument: Instrument
    trade_id: str
    order_id: str
    client_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    maker: bool


class BalanceUpdate(PrivateEvent, frozen=True, kw_only=True):
    """A balance, as it is after a change.

    Attributes:
        balance: All that the message said of it.
        reason: The venue's word for why, empty where it does not say.
        change: What was paid in or out, without profit and fees, None where it does not say.
        recovered: Whether it was found by asking.
    """

    balance: Balance
    reason: str = ""
    change: Decimal | None = None
    recovered: bool = False


class PositionUpdate(PrivateEvent, frozen=True, kw_only=True):
    """A position, as it is after a change.

    Attributes:
        position: All that the message said of it.
        reason: The venue's word for why, empty where it does not say.
        recovered: Whether it was found by asking.
    """

    position: Position
    reason: str = ""
    recovered: bool = False


class TransferUpdate(PrivateEvent, frozen=True, kw_only=True):
    """Something was paid in or out: a deposit, a withdrawal, a transfer between accounts.

    Attributes:
        asset: What.
        amount: How much, below zero for what went out.
        reason: The venue's word for why, empty where it does not say.
    """

    asset: str
    amount: Decimal
    reason: str = ""


class FundingUpdate(PrivateEvent, frozen=True, kw_only=True):
    """Funding was paid or received.

    Attributes:
        asset: In what.
        amount: How much, below zero where it was paid; None where the message did not say.
        instrument: For what position, None where the message did not say.
    """

    asset: str
    amount: Decimal | None
    instrument: Instrument | None


class ExternalLockUpdate(PrivateEvent, frozen=True, kw_only=True):
    """Another system of the venue has locked or freed a part of a balance.

    Attributes:
        asset: What.
        amount: How much, below zero for what was freed.
    """

    asset: str
    amount: Decimal


class MarginCall(PrivateEvent, frozen=True, kw_only=True):
    """Positions are near liquidation.

    Attributes:
        positions: Those that are.
        maintenance_margins: What each of them needs, in the same order.
        cross_wallet: What backs cross positions, None where there is none.
    """

    positions: tuple[Position, ...]
    maintenance_margins: tuple[Decimal, ...]
    cross_wallet: Decimal | None = None


class MarginLevelUpdate(PrivateEvent, frozen=True, kw_only=True):
    """The margin level of a margin account has changed.

    Attributes:
        level: Assets by debts, None where it was not said.
        status: The venue's word for what it means.
    """

    level: Decimal | None
    status: str


class LiabilityUpdate(PrivateEvent, frozen=True, kw_only=True):
    """What a margin account owes has changed.

    Attributes:
        asset: What is owed.
        kind: The venue's word for why, such as ``BORROW``.
        principal: By how much what was borrowed has changed, None where it does not say.
        interest: By how much the interest has changed, None where it does not say.
        total: What is owed in all, None where it does not say.
    """

    asset: str
    kind: str
    principal: Decimal | None = None
    interest: Decimal | None = None
    total: Decimal | None = None


class AccountConfigUpdate(PrivateEvent, frozen=True, kw_only=True):
    """How the account is set up has changed.

    Attributes:
        instrument: Whose leverage has changed, None where it was something else.
        leverage: The new leverage.
        multi_assets: Whether all assets now margin all positions, None where it was something else.
    """

    instrument: Instrument | None = None
    leverage: int | None = None
    multi_assets: bool | None = None


class OrderListUpdate(PrivateEvent, frozen=True, kw_only=True):
    """A list of orders has changed.

    Attributes:
        order_list: What is known of it.
        reason: Why it was rejected, empty where it was not.
    """

    order_list: OrderList
    reason: str = ""


class TriggerRejected(PrivateEvent, frozen=True, kw_only=True):
    """A conditional order was triggered and then refused; the message says no more of it than its id.

    Attributes:
        instrument: Of the order.
        order_id: The venue's id of it.
        reason: Why, in the venue's words.
    """

    instrument: Instrument
    order_id: str
    reason: str


class StrategyUpdate(PrivateEvent, frozen=True, kw_only=True):
    """A strategy of the venue's own has changed.

    Attributes:
        strategy_id: The venue's id.
        strategy_type: The venue's word, such as ``GRID``.
        status: The venue's word.
        instrument: What it trades.
        code: The venue's number for what happened.
    """

    strategy_id: str
    strategy_type: str
    status: str
    instrument: Instrument
    code: int | None = None


class GridUpdate(PrivateEvent, frozen=True, kw_only=True):
    """A grid strategy of the venue's own has traded.

    Attributes:
        strategy_id: The venue's id.
        strategy_type: The venue's word.
        status: The venue's word.
        instrument: What it trades.
        realized_profit: So far.
        matched_profit: Of its matched trades.
        unmatched_quantity: What is not matched yet.
        unmatched_price: At which average price.
        unmatched_fee: The fees of it.
    """

    strategy_id: str
    strategy_type: str
    status: str
    instrument: Instrument
    realized_profit: Decimal
    matched_profit: Decimal
    unmatched_quantity: Decimal
    unmatched_price: Decimal
    unmatched_fee: Decimal


class StreamEnded(PrivateEvent, frozen=True, kw_only=True):
    """The venue has ended the account's stream; a new one is opened at once.

    Attributes:
        reason: The venue's word: ``eventStreamTerminated``, ``listenKeyExpired``, ``serverShutdown``.
    """

    reason: str


class UnknownEvent(PrivateEvent, frozen=True, kw_only=True):
    """An event of a type that toucan does not know; nothing of it is lost.

    Attributes:
        name: The venue's name of it, empty where it has none.
        raw: The bytes, as they came.
    """

    name: str
    raw: bytes


# What toucan itself tells.


class UnreadableEvent(PrivateEvent, frozen=True, kw_only=True):
    """A frame could not be read; what is known of the account is fetched again.

    Attributes:
        error: Why.
        raw: The bytes, as they came.
    """

    error: str
    raw: bytes


class OutOfSync(PrivateEvent, frozen=True, kw_only=True):
    """What is known of the account may be wrong from here on, until `AccountResynced`.

    Attributes:
        reason: Why.
    """

    reason: str


class ResyncFailed(PrivateEvent, frozen=True, kw_only=True):
    """A part of the account could not be fetched; it is tried again.

    Attributes:
        what: Which part.
        error: Why.
        retry_after_ns: When it is tried again.
    """

    what: str
    error: str
    retry_after_ns: int


class AccountResynced(PrivateEvent, frozen=True, kw_only=True):
    """What is known of the account is right again, and what had changed was told before this.

    Attributes:
        since_ns: From when on it was not, None for the first time.
        orders: The orders that had changed.
        trades: How many fills were found.
        balances: The assets whose balance had changed.
        positions: The instruments whose position had changed.
        instruments: Those whose fills were asked for.
    """

    since_ns: int | None
    orders: tuple[Order, ...] = ()
    trades: int = 0
    balances: tuple[str, ...] = ()
    positions: tuple[Instrument, ...] = ()
    instruments: tuple[Instrument, ...] = ()


class Unexplained(PrivateEvent, frozen=True, kw_only=True):
    """A balance or position has changed by more than the fills and transfers that are known explain.

    Attributes:
        asset: Which asset, or the unified symbol of the position.
        amount: By how much more.
        since_ns: The window begins here.
        until_ns: And ends here.
    """

    asset: str
    amount: Decimal
    since_ns: int
    until_ns: int


class FillMismatch(PrivateEvent, frozen=True, kw_only=True):
    """The venue says that more of an order was filled than its known fills add up to.

    Attributes:
        order: The order, with the venue's figure.
        known: What the known fills add up to.
        repaired: Whether the missing fills have been fetched since.
    """

    order: Order
    known: Decimal
    repaired: bool


class ConsumerStalled(PrivateEvent, frozen=True, kw_only=True):
    """A reader of the stream has fallen too far behind. Nothing is dropped: only cancels pass until it reads.

    Attributes:
        waiting: How many events wait for it.
    """

    waiting: int


AccountEvent: TypeAlias = (
    AccountSnapshot
    | OrderUpdate
    | TradeUpdate
    | TradeNotice
    | BalanceUpdate
    | PositionUpdate
    | TransferUpdate
    | FundingUpdate
    | ExternalLockUpdate
    | MarginCall
    | MarginLevelUpdate
    | LiabilityUpdate
    | AccountConfigUpdate
    | OrderListUpdate
    | TriggerRejected
    | StrategyUpdate
    | GridUpdate
    | StreamEnded
    | UnknownEvent
    | UnreadableEvent
    | OutOfSync
    | ResyncFailed
    | AccountResynced
    | Unexplained
    | FillMismatch
    | ConsumerStalled
    | Connected
    | Disconnected
    | Retrying
)
"""Anything that `account_stream()` yields."""
