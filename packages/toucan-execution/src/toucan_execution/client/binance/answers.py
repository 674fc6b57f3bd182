"""What answers say that is neither an order nor an event: an acknowledgement, a part of an account."""

from __future__ import annotations

from toucan_execution.account import Balance, Position, PositionMode
from toucan_execution.orders import OrderStatus
from toucan_instrument import Exchange, Instrument
from toucan_instrument.plain import Plain

__all__ = ["AccountPart", "OrderAck"]


class OrderAck(Plain, frozen=True, kw_only=True):
    """An order that an answer names and does not describe (``newOrderRespType=ACK``, facts D.1.3).

    Attributes:
        instrument: What is traded.
        client_order_id: The order's own id.
        order_id: The venue's id.
        list_id: The venue's id of its list, empty where there is none.
        status: Where it stands, None where the answer does not say.
        time_exchange: The venue's time, nanoseconds since the epoch, None where it gives none.
    """

    instrument: Instrument
    client_order_id: str
    order_id: str
    list_id: str = ""
    status: OrderStatus | None = None
    time_exchange: int | None = None


class AccountPart(Plain, frozen=True, kw_only=True):
    """What one answer says of an account; several of them make an `AccountSnapshot`.

    Attributes:
        exchange: Where.
        account: The label that the user gave it.
        time_exchange: The venue's time of its last change, None where it gives none.
        time_received: When the answer was received.
        balances: All that it named, also those of which nothing is held.
        positions: All that it named, also flat ones.
        can_trade: Whether the key may trade, None where it does not say.
        position_mode: One-way or hedge, None where it does not say.
        multi_assets: Whether all assets margin all positions, None where it does not say.
        account_type: The venue's word, empty where there is none.
    """

    exchange: Exchange
    account: str
    time_exchange: int | None
    time_received: int
    balances: tuple[Balance, ...] = ()
    positions: tuple[Position, ...] = ()
    can_trade: bool | None = None
    position_mode: PositionMode | None = None
    multi_assets: bool | None = None
    account_type: str = ""
