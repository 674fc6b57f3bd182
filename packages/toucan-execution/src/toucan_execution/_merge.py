"""How what a message says of an order joins what is known of it: pure functions of values."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

import msgspec

from toucan_execution.orders import Order, OrderOrigin, OrderRequest, OrderStatus, OrderType
from toucan_instrument.decimals import EXACT

ZERO = Decimal(0)
AVERAGE = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""How quotients are rounded, where the venue does not say an average itself."""

# What a message may say and may leave out; the newest word wins, and what it leaves out stays.
OPTIONAL = (
    "client_order_id",
    "status_venue",
    "quantity",
    "price",
    "quote_quantity",
    "time_in_force",
    "position_side",
    "trigger_price",
    "trigger_by",
    "trailing_bips",
    "activation_price",
    "iceberg_quantity",
    "good_till_ns",
    "self_trade_prevention",
    "reason",
    "unknown_words",
    "created_ns",
)
EMPTY: tuple[object, ...] = (None, "")
IDS = ("order_id", "algo_id", "list_id")
FLAGS = ("post_only", "reduce_only", "close_position")

# A change of one of these is news; the rest are details of the order that were only not known yet.
NEWS = (
    "client_order_id",
    "order_id",
    "algo_id",
    "list_id",
    "status",
    "quantity",
    "filled_quantity",
    "prevented_quantity",
    "price",
    "trigger_price",
    "activation_price",
    "trailing_bips",
    "good_till_ns",
    "origin",
    "triggered",
    "reason",
)


def requested(request: OrderRequest) -> Order:
    """Return the order that a request will be, as far as the request says."""
    return Order(
        instrument=request.instrument,
        client_order_id=request.client_order_id,
        order_id="",
        side=request.side,
        type=request.type,
        status=OrderStatus.OPEN_IN_FLIGHT,
        quantity=request.quantity,
        price=request.price,
        quote_quantity=request.quote_quantity,
        time_in_force=request.time_in_force,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
        close_position=request.close_position,
        position_side=request.position_side,
        trigger_price=request.trigger_price,
        trigger_by=request.trigger_by,
        trailing_bips=request.trailing_bips,
        activation_price=request.activation_price,
        iceberg_quantity=request.iceberg_quantity,
        good_till_ns=request.good_till_ns,
        self_trade_prevention=request.self_trade_prevention,
        origin=OrderOrigin.OWN,
        triggered=False if request.type.is_conditional else None,
    )


def advance(known: OrderStatus | None, said: OrderStatus, *, more_filled: bool) -> OrderStatus | None:
    """Return where the venue says that an order stands, given what it had said before.

    It never goes back. A final state gives way only to another final one that has more filled.
    """
    if said is OrderStatus.OPEN_IN_FLIGHT:  # no venue says that
        return known
    if known is None or known is OrderStatus.UNKNOWN:
        return said
    if said is OrderStatus.UNKNOWN:
        return known
    if known.is_final:
        return said if said.is_final and more_filled else known
    if said.is_final:
        return said
    partly = OrderStatus.PARTIALLY_FILLED
    return partly if partly in (known, said) else OrderStatus.OPEN


def merged(known: Order, said: Order, *, newer: bool) -> Order:
    """Return a known order with what a message says of it; the status is left as it is.

    Args:
        known: What is known.
        said: What the message says.
        newer: Whether it is newer than what is known: then it wins where both say something.
    """
    changes: dict[str, object] = {}
    for name in OPTIONAL:
        new, old = getattr(said, name), getattr(known, name)
        if new in EMPTY or new == old:
            continue
        if newer or old in EMPTY:
            changes[name] = new
    for name in IDS:
        if not getattr(known, name) and (new := getattr(said, name)):
            changes[name] = new
    for name in FLAGS:
        if getattr(said, name) and not getattr(known, name):
            changes[name] = True
    _merge_kind(known, said, changes, newer=newer)
    _merge_figures(known, said, changes)
    return msgspec.structs.replace(known, **changes) if changes else known


def _merge_kind(known: Order, said: Order, changes: dict[str, object], *, newer: bool) -> None:
    """A conditional order stays one, and stays triggered."""
    if said.type is not known.type and said.type is not OrderType.UNKNOWN:
        keeps = known.type.is_conditional or (known.type is not OrderType.UNKNOWN and not newer)
        if said.type.is_conditional or not keeps:
            changes["type"] = said.type
    if said.triggered is not None and said.triggered is not known.triggered and not known.triggered:
        changes["triggered"] = said.triggered


def _merge_figures(known: Order, said: Order, changes: dict[str, object]) -> None:
    """What was filled or prevented never gets less; averages belong to the figure that they came with."""
    if said.prevented_quantity > known.prevented_quantity:
        changes["prevented_quantity"] = said.prevented_quantity
    if said.filled_quantity < known.filled_quantity:
        return
    grown = said.filled_quantity > known.filled_quantity
    if grown:
        changes["filled_quantity"] = said.filled_quantity
    for name in ("average_price", "filled_quote"):
        new = getattr(said, name)
        if grown or (new is not None and new != getattr(known, name)):
            changes[name] = new


def is_news(told: Order | None, order: Order) -> bool:
    """Tell whether somebody who knows an order as `told` would learn anything."""
    if told is None:
        return True
    return told is not order and any(getattr(told, name) != getattr(order, name) for name in NEWS)


def average_of(quantity: Decimal, cost: Decimal, *, inverse: bool) -> Decimal | None:
    """Return the average price of fills.

    Args:
        quantity: The sum of their quantities.
        cost: The sum of quantity times price; of quantity by price for inverse contracts.
        inverse: Whether the contract is inverse: then the average is the harmonic one.
    """
    if not quantity or not cost:
        return None
    return AVERAGE.divide(quantity, cost) if inverse else AVERAGE.divide(cost, quantity)


def cost_of(price: Decimal, quantity: Decimal, *, inverse: bool) -> Decimal:
    """Return what a fill adds to the cost that `average_of` takes."""
    if inverse:
        return AVERAGE.divide(quantity, price) if price else ZERO
    return EXACT.multiply(price, quantity)
