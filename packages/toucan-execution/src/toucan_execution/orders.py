"""Orders: what a user asks for, and what is known of an order.

Quantities are in the venue's own unit (`Instrument.quantity_unit`), exact; times are int nanoseconds since
the Unix epoch, UTC. Enums are the field's words; the venue's own word is kept beside them, so that a word
that toucan does not know becomes ``UNKNOWN`` and is not lost.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from toucan_instrument import Instrument, Side
from toucan_instrument.decimals import EXACT
from toucan_instrument.plain import Plain

__all__ = [
    "AmendRequest",
    "CancelReplaceRequest",
    "CancelRequest",
    "Intent",
    "ListKind",
    "Order",
    "OrderList",
    "OrderListRequest",
    "OrderOrigin",
    "OrderRequest",
    "OrderStatus",
    "OrderType",
    "Peg",
    "PositionSide",
    "PriceMatch",
    "ResponseKind",
    "SelfTradePrevention",
    "TimeInForce",
    "TriggerPrice",
]

ZERO = Decimal(0)


class OrderType(StrEnum):
    """What sort of order it is; whether it is post-only or reduce-only stands beside it."""

    LIMIT = "limit"
    MARKET = "market"
    STOP_MARKET = "stop_market"
    """A market order once the price has reached the trigger, against the position: a stop loss."""
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT_MARKET = "take_profit_market"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP_MARKET = "trailing_stop_market"
    LIQUIDATION = "liquidation"
    """Made by the venue."""
    UNKNOWN = "unknown"

    @property
    def is_conditional(self) -> bool:
        """Whether it waits for a trigger."""
        return self in _CONDITIONAL

    @property
    def has_price(self) -> bool:
        """Whether it has a limit price."""
        return self in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)


_CONDITIONAL = frozenset(
    {
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
        OrderType.TAKE_PROFIT_MARKET,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP_MARKET,
    }
)


class TimeInForce(StrEnum):
    """How long an order stands. Post-only is a flag of its own (`OrderRequest.post_only`)."""

    GTC = "gtc"
    """Until it is cancelled."""
    IOC = "ioc"
    """What does not match at once expires."""
    FOK = "fok"
    """All of it at once, or nothing."""
    GTD = "gtd"
    """Until a time: `OrderRequest.good_till_ns`."""
    RPI = "rpi"
    """Retail price improvement (Binance USD-M): post-only, matches orders of the venue's own interface."""
    UNKNOWN = "unknown"


class PositionSide(StrEnum):
    """Which position of an instrument is meant: BOTH in one-way mode, LONG or SHORT in hedge mode."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


class TriggerPrice(StrEnum):
    """Which price triggers a conditional order."""

    LAST = "last"
    MARK = "mark"


class SelfTradePrevention(StrEnum):
    """What becomes of an order that would match another of the same account."""

    NONE = "none"
    EXPIRE_TAKER = "expire_taker"
    EXPIRE_MAKER = "expire_maker"
    EXPIRE_BOTH = "expire_both"
    DECREMENT = "decrement"
    TRANSFER = "transfer"
    UNKNOWN = "unknown"


class ResponseKind(StrEnum):
    """How much the answer to a new order says."""

    ACK = "ack"
    RESULT = "result"
    FULL = "full"


class PriceMatch(StrEnum):
    """A price that the venue takes from its book when the order arrives (futures)."""

    OPPONENT = "opponent"
    OPPONENT_5 = "opponent_5"
    OPPONENT_10 = "opponent_10"
    OPPONENT_20 = "opponent_20"
    QUEUE = "queue"
    QUEUE_5 = "queue_5"
    QUEUE_10 = "queue_10"
    QUEUE_20 = "queue_20"


class Peg(msgspec.Struct, frozen=True):
    """A price that follows the book (spot).

    Attributes:
        price: ``primary`` follows the own side's best price, ``market`` the other's.
        levels: How many price levels away from it, 1 to 100, None for none.
    """

    price: str
    levels: int | None = None


class OrderRequest(Plain, frozen=True, kw_only=True):
    """An order to place.

    Attributes:
        instrument: What is traded.
        side: Buying or selling.
        type: What sort of order.
        quantity: How much, in the venue's unit; None with `quote_quantity` or `close_position`.
        price: The limit price, for types that have one.
        quote_quantity: How much to spend or to receive, in the quote asset (spot market orders).
        time_in_force: How long it stands; None takes the venue's default: GTC where one is needed.
        post_only: Refuse it, or let it expire, rather than let it take liquidity.
        reduce_only: It may only make a position smaller. In hedge mode it becomes the position side.
        close_position: It closes the whole position when triggered; excludes `quantity`.
        position_side: Which position, in hedge mode; None in one-way mode.
        trigger_price: The price that triggers a conditional order.
        trigger_by: Which price is compared with it, None for the venue's default (the last).
        price_protect: Do not trigger while last and mark price are far apart (futures).
        trailing_bips: How far a trailing stop follows, hundredths of a percent (100 is 1 %).
        activation_price: From which price on a trailing stop follows, None for at once.
        iceberg_quantity: How much of it is shown.
        good_till_ns: When it expires, for GTD.
        self_trade_prevention: None takes the account's default.
        price_match: A price from the book instead of `price` (futures).
        peg: A price that follows the book instead of `price` (spot).
        response: How much the answer says, None for the venue's default.
        client_order_id: Your own id; empty: one is made before anything is sent.
        strategy_id: A label of yours (spot), None for none.
        strategy_type: A label of yours (spot), 1000000 or more, None for none.
    """

    instrument: Instrument
    side: Side
    type: OrderType
    quantity: Decimal | None = None
    price: Decimal | None = None
    quote_quantity: Decimal | None = None
    time_in_force: TimeInForce | None = None
    post_only: bool = False
    reduce_only: bool = False
    close_position: bool = False
    position_side: PositionSide | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerPrice | None = None
    price_protect: bool = False
    trailing_bips: int | None = None
    activation_price: Decimal | None = None
    iceberg_quantity: Decimal | None = None
    good_till_ns: int | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    price_match: PriceMatch | None = None
    peg: Peg | None = None
    response: ResponseKind | None = None
    client_order_id: str = ""
    strategy_id: int | None = None
    strategy_type: int | None = None


class AmendRequest(Plain, frozen=True, kw_only=True):
    """A change of an open order.

    Spot keeps the order's priority and can only make the quantity smaller; futures need price and
    quantity, and the order goes to the end of its queue.

    Attributes:
        instrument: Of the order.
        client_order_id: The order's own id; empty with `order_id`.
        order_id: The venue's id of it; empty with `client_order_id`.
        side: The order's side; needed on futures, taken from what is known of the order where None.
        quantity: The new quantity in all, None to keep it.
        price: The new price, None to keep it.
        amend_id: A new client order id (spot) or an id of this change (futures); empty: the old one.
    """

    instrument: Instrument
    client_order_id: str = ""
    order_id: str = ""
    side: Side | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    amend_id: str = ""


class CancelRequest(Plain, frozen=True, kw_only=True):
    """An order to cancel, by either of its ids.

    Attributes:
        instrument: Of the order.
        client_order_id: The order's own id.
        order_id: The venue's id of it.
        conditional: Whether it is a conditional order that has not been triggered (futures), None to
            take that from what is known of the order.
    """

    instrument: Instrument
    client_order_id: str = ""
    order_id: str = ""
    conditional: bool | None = None


class CancelReplaceRequest(Plain, frozen=True, kw_only=True):
    """An order to cancel and another to place in its stead (spot), in one request.

    Attributes:
        cancel: The order to cancel.
        place: The order to place.
        stop_on_failure: Do not place where the cancel fails.
    """

    cancel: CancelRequest
    place: OrderRequest
    stop_on_failure: bool = True


class ListKind(StrEnum):
    """How the orders of a list depend on one another (spot)."""

    OCO = "oco"
    """One cancels the other."""
    OTO = "oto"
    """The first one, once filled, triggers the other."""
    OTOCO = "otoco"
    OPO = "opo"
    """As OTO; the second sells what the first has bought."""
    OPOCO = "opoco"
    UNKNOWN = "unknown"


class OrderListRequest(Plain, frozen=True, kw_only=True):
    """A list of orders to place (spot).

    Attributes:
        instrument: What is traded by all of them.
        kind: How they depend on one another.
        orders: In order: OCO: above, below; OTO and OPO: working, pending; OTOCO and OPOCO: working,
            pending above, pending below.
        client_list_id: Your own id of the list; empty: one is made.
        self_trade_prevention: None takes the account's default.
        response: How much the answer says.
    """

    instrument: Instrument
    kind: ListKind
    orders: tuple[OrderRequest, ...]
    client_list_id: str = ""
    self_trade_prevention: SelfTradePrevention | None = None
    response: ResponseKind | None = None


Intent = OrderRequest | AmendRequest | CancelRequest | CancelReplaceRequest | OrderListRequest
"""What a request was to do."""


class OrderStatus(StrEnum):
    """Where an order stands."""

    OPEN_IN_FLIGHT = "open_in_flight"
    """Sent, and not answered yet."""
    OPEN = "open"
    """Accepted: on the book, or waiting for its trigger."""
    PARTIALLY_FILLED = "partially_filled"
    CANCEL_IN_FLIGHT = "cancel_in_flight"
    """Open, and a cancel was sent that has not been answered yet."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    EXPIRED_IN_MATCH = "expired_in_match"
    """Ended by self-trade prevention."""
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """Nobody knows: it counts as open until it is settled."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more can become of it."""
        return self in _FINAL

    @property
    def is_open(self) -> bool:
        """Whether it may still be filled: everything that is not final."""
        return self not in _FINAL


_FINAL = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
        OrderStatus.EXPIRED_IN_MATCH,
        OrderStatus.REJECTED,
    }
)


class OrderOrigin(StrEnum):
    """Whose order it is."""

    OWN = "own"
    """Made by this client: its id carries the client's prefix, or is one that it was given."""
    FOREIGN = "foreign"
    """Made by somebody else on the same account: another program, the venue's own interface."""
    LIQUIDATION = "liquidation"
    ADL = "adl"
    """Auto-deleveraging."""
    SETTLEMENT = "settlement"
    """Delivery or delisting."""


class Order(Plain, frozen=True, kw_only=True):
    """What is known of an order.

    ``quantity == filled_quantity + prevented_quantity + remaining``, as long as the order is open.

    Attributes:
        instrument: What is traded.
        client_order_id: The order's own id, empty where it has none.
        order_id: The venue's id, as a text; empty where it is not known. Binance's futures number orders
            by instrument: only instrument and id together tell orders apart.
        side: Buying or selling.
        type: What sort of order; of a triggered conditional order still the conditional type.
        status: Where it stands.
        status_venue: The venue's word for that.
        quantity: How much in all, in the venue's unit; None where it is not known (a market order by
            `quote_quantity` that has not been filled; close-position orders).
        filled_quantity: How much was filled.
        prevented_quantity: How much self-trade prevention took away.
        price: The limit price, None where it has none.
        average_price: The average price of its fills, None where nothing was filled or the venue has not
            said and the fills are not all known.
        filled_quote: What was filled in the quote asset (inverse contracts: in the base asset), None
            where the venue does not say.
        quote_quantity: What was asked for in the quote asset.
        time_in_force: How long it stands.
        post_only: Whether it must not take liquidity.
        reduce_only: Whether it may only make a position smaller.
        close_position: Whether it closes the whole position.
        position_side: Which position; None on spot.
        trigger_price: The price that triggers it, None where there is none.
        trigger_by: Which price is compared with it.
        trailing_bips: How far a trailing stop follows, hundredths of a percent.
        activation_price: From which price on it follows.
        iceberg_quantity: How much of it is shown.
        good_till_ns: When it expires.
        self_trade_prevention: What becomes of it against an order of the same account.
        origin: Whose order it is.
        triggered: Whether a conditional order has been triggered; None for other orders.
        algo_id: The venue's id of a conditional order in its algo service, empty where there is none.
        list_id: The venue's id of the list that it belongs to, empty where there is none.
        reason: Why it was rejected or has expired, in the venue's words, empty where it does not say.
        unknown_words: The venue's words that toucan does not know, each as ``field=word``.
        created_ns: When it was made, the venue's time, None where it does not say.
        updated_ns: The venue's time of what is known, None where it does not say.
    """

    instrument: Instrument
    client_order_id: str
    order_id: str
    side: Side
    type: OrderType
    status: OrderStatus
    status_venue: str = ""
    quantity: Decimal | None = None
    filled_quantity: Decimal = ZERO
    prevented_quantity: Decimal = ZERO
    price: Decimal | None = None
    average_price: Decimal | None = None
    filled_quote: Decimal | None = None
    quote_quantity: Decimal | None = None
    time_in_force: TimeInForce | None = None
    post_only: bool = False
    reduce_only: bool = False
    close_position: bool = False
    position_side: PositionSide | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerPrice | None = None
    trailing_bips: int | None = None
    activation_price: Decimal | None = None
    iceberg_quantity: Decimal | None = None
    good_till_ns: int | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    origin: OrderOrigin = OrderOrigin.FOREIGN
    triggered: bool | None = None
    algo_id: str = ""
    list_id: str = ""
    reason: str = ""
    unknown_words: tuple[str, ...] = ()
    created_ns: int | None = None
    updated_ns: int | None = None

    @property
    def remaining(self) -> Decimal | None:
        """How much can still be filled; zero once it is over, None where the quantity is not known."""
        if self.status.is_final:
            return ZERO
        if self.quantity is None:
            return None
        return EXACT.subtract(EXACT.subtract(self.quantity, self.filled_quantity), self.prevented_quantity)

    @property
    def is_open(self) -> bool:
        """Whether it may still be filled."""
        return self.status.is_open


class OrderList(Plain, frozen=True, kw_only=True):
    """A list of orders (spot).

    Attributes:
        instrument: What is traded by all of them.
        list_id: The venue's id.
        client_list_id: Your own id.
        kind: How they depend on one another.
        status: The venue's word for where the list stands, such as ``EXECUTING`` or ``ALL_DONE``.
        step: The venue's word for its last step, such as ``EXEC_STARTED``.
        order_ids: The venue's ids of its orders.
        client_order_ids: Their own ids, in the same order.
        orders: What the answer said of them, empty where it said nothing.
        updated_ns: The venue's time.
    """

    instrument: Instrument
    list_id: str
    client_list_id: str
    kind: ListKind
    status: str
    step: str = ""
    order_ids: tuple[str, ...] = ()
    client_order_ids: tuple[str, ...] = ()
    orders: tuple[Order, ...] = ()
    updated_ns: int | None = None
