"""The futures' messages about orders as events, orders and fills; facts D.2, D.3 and E.5.

A fill gives its `TradeUpdate` first, then the `OrderUpdate` of what has become of the order.

**Conditional orders.** They live in the algo service until they are triggered; then the venue places an
order of another id, the actual order, that has its own events. Both are told of as they come: the
conditional order with `Order.algo_id`, and from its trigger on with the actual order's id as
`Order.order_id`. Its status follows from the algo service's word and from how much was filled:

- ``NEW``, ``TRIGGERING``, ``TRIGGERED``: open, partially filled or filled, by what was filled.
- ``CANCELED``, ``REJECTED``, ``EXPIRED``: just that.
- ``FINISHED``: the actual order is over, filled or not. Filled where all of it was; otherwise unknown, which
  counts as open until the actual order says how it ended: the algo service may tell of the end before it
  knows the quantity, and its REST answers do not have one.

**Conditional orders of the older sort** (COIN-M before its algo service) keep their id: the initial order
"expires" with reason 8 as it is triggered, and goes on as a limit or market order. That is no end, so it
reads as open and triggered.
"""

from __future__ import annotations

from decimal import Decimal

from toucan_execution.client.binance import messages_rest as rest, messages_user as user
from toucan_execution.client.binance.messages import Id, loose
from toucan_execution.client.binance.normalise import (
    Scope,
    amount,
    id_text,
    moment_ms,
    origin_of,
    percent_bips,
    positive,
    positive_raw,
    side_of,
    status_of,
)
from toucan_execution.client.binance.words import (
    ALGO_STATUSES,
    EXPIRY_REASONS,
    FUTURES_TYPES,
    POSITION_SIDES,
    PREVENTIONS,
    TIMES_IN_FORCE,
    TRIGGER_PRICES,
    Strange,
    look_up,
)
from toucan_execution.events import (
    AccountEvent,
    OrderUpdate,
    TradeNotice,
    TradeUpdate,
    TriggerRejected,
)
from toucan_execution.orders import (
    ZERO,
    Order,
    OrderStatus,
    OrderType,
    TimeInForce,
    TriggerPrice,
)

__all__ = [
    "algo_order",
    "algo_update",
    "order",
    "order_trade_update",
    "trade",
    "trade_lite",
    "trigger_reject",
]

_POST_ONLY = frozenset({"GTX", "RPI"})
_TRIGGERED = "8"
"""The expiry reason of an initial order whose stop was triggered."""


def order_trade_update(scope: Scope, message: user.OrderTradeUpdate, received_ns: int) -> list[AccountEvent]:
    """Return the fill that an update tells of, if it does, and the order."""
    row = message.o
    found = _updated(scope, message)
    head = scope.head(found.updated_ns, received_ns)
    events: list[AccountEvent] = []
    trade_id = "" if row.t in (0, "0") else id_text(row.t)
    if trade_id and row.l is not None and row.l > ZERO and row.L is not None:
        events.append(
            TradeUpdate(
                **head,
                instrument=found.instrument,
                trade_id=trade_id,
                order_id=found.order_id,
                client_order_id=found.client_order_id,
                side=found.side,
                price=row.L,
                quantity=row.l,
                fee=amount(row.n),  # left out where there is none
                fee_asset=row.N or "",
                maker=row.m,
                realized_profit=row.rp,
                position_side=found.position_side,
                origin=found.origin,
            )
        )
    events.append(OrderUpdate(**head, order=found, origin=found.origin, execution=row.x))
    return events


def _updated(scope: Scope, message: user.OrderTradeUpdate) -> Order:
    row = message.o
    strange = Strange()
    kind = _type(row.ot or row.o, strange)
    goes_on = kind.is_conditional and row.X == "EXPIRED" and str(row.er) == _TRIGGERED
    filled, quantity = amount(row.z), positive(row.q)
    status = status_of(row.X, filled, quantity, "X", strange)
    liquidation = row.x == "CALCULATED" or kind is OrderType.LIQUIDATION
    return Order(
        instrument=scope.instrument_of(row.s),
        client_order_id=row.c,
        order_id=id_text(row.i),
        side=side_of(row.S),
        type=kind,
        status=OrderStatus.OPEN if goes_on else status,
        status_venue=row.X,
        quantity=quantity,
        filled_quantity=filled,
        price=positive(row.p),
        average_price=positive(row.ap),
        time_in_force=_time_in_force(row.f, "f", strange),
        post_only=row.f in _POST_ONLY,
        reduce_only=bool(row.R),
        close_position=bool(row.cp),
        position_side=look_up(POSITION_SIDES, row.ps, "ps", strange),
        trigger_price=None if kind is OrderType.TRAILING_STOP_MARKET else positive_raw(row.sp, "sp"),
        trigger_by=_trigger_by(kind, row.wt, "wt", strange),
        trailing_bips=percent_bips(row.cr, "cr", strange),
        activation_price=positive_raw(row.AP, "AP"),
        good_till_ns=moment_ms(row.gtd),
        self_trade_prevention=look_up(PREVENTIONS, row.V, "V", strange),
        origin=origin_of(scope, row.c, liquidation=liquidation),
        triggered=goes_on or row.o != row.ot if kind.is_conditional and row.ot else None,
        reason="" if goes_on else _reason(row.er),
        unknown_words=tuple(strange),
        created_ns=moment_ms(row.T or message.T) if row.x == "NEW" and row.ot in {None, row.o} else None,
        updated_ns=moment_ms(row.T or message.T or message.E),
    )


def _type(word: str | None, strange: Strange) -> OrderType:
    return look_up(FUTURES_TYPES, word, "type", strange) or OrderType.UNKNOWN


def _time_in_force(word: str | None, field: str, strange: Strange) -> TimeInForce | None:
    return look_up(TIMES_IN_FORCE, word, field, strange) or (TimeInForce.UNKNOWN if word else None)


def _trigger_by(kind: OrderType, word: str | None, field: str, strange: Strange) -> TriggerPrice | None:
    """Return what triggers a conditional order; other orders carry a word that means nothing."""
    return look_up(TRIGGER_PRICES, word, field, strange) if kind.is_conditional else None


def _reason(code: Id | None) -> str:
    """Return why an order expired, in words; a code that is not known as it is."""
    return "" if code is None else EXPIRY_REASONS.get(str(code), str(code))


def trade_lite(scope: Scope, message: user.TradeLite, received_ns: int) -> list[AccountEvent]:
    """Return the early word of a fill."""
    return [
        TradeNotice(
            **scope.head(moment_ms(message.T or message.E), received_ns),
            instrument=scope.instrument_of(message.s),
            trade_id=id_text(message.t),
            order_id=id_text(message.i),
            client_order_id=message.c,
            side=side_of(message.S),
            price=message.L,
            quantity=message.l,
            maker=message.m,
        )
    ]


def trigger_reject(scope: Scope, message: user.TriggerReject, received_ns: int) -> list[AccountEvent]:
    """Return that a conditional order was refused as it was triggered."""
    return [
        TriggerRejected(
            **scope.head(moment_ms(message.T or message.E), received_ns),
            instrument=scope.instrument_of(message.order.s),
            order_id=id_text(message.order.i),
            reason=message.order.r,
        )
    ]


# Conditional orders.


def algo_update(scope: Scope, message: user.AlgoUpdate, received_ns: int) -> list[AccountEvent]:
    """Return what has become of a conditional order; see the module for what its words mean."""
    row = message.o
    strange = Strange()
    kind = _type(row.o, strange)
    quantity = positive_raw(row.q, "q")
    filled = amount(loose(row.aq, "aq"))
    status = _algo_status(row.X, filled, quantity, strange)
    updated = moment_ms(message.T or message.E)
    found = Order(
        instrument=scope.instrument_of(row.s),
        client_order_id=row.caid,
        order_id=_actual(row.ai),
        side=side_of(row.S),
        type=kind,
        status=status,
        status_venue=row.X,
        quantity=quantity,
        filled_quantity=filled,
        price=positive_raw(row.p, "p"),
        average_price=positive_raw(row.ap, "ap") if filled > ZERO else None,
        time_in_force=_time_in_force(row.f, "f", strange),
        post_only=row.f in _POST_ONLY,
        reduce_only=bool(row.R),
        close_position=bool(row.cp),
        position_side=look_up(POSITION_SIDES, row.ps, "ps", strange),
        trigger_price=None if kind is OrderType.TRAILING_STOP_MARKET else positive_raw(row.tp, "tp"),
        trigger_by=_trigger_by(kind, row.wt, "wt", strange),
        trailing_bips=percent_bips(row.cr, "cr", strange),
        activation_price=positive_raw(row.AP, "AP"),
        good_till_ns=moment_ms(row.gtd),
        self_trade_prevention=look_up(PREVENTIONS, row.V, "V", strange),
        origin=origin_of(scope, row.caid),
        triggered=_algo_triggered(row.X, row.tt, row.ai),
        algo_id=id_text(row.aid),
        reason=_algo_reason(status, row.rm),
        unknown_words=tuple(strange),
        updated_ns=updated,
    )
    head = scope.head(updated, received_ns)
    return [OrderUpdate(**head, order=found, origin=found.origin, execution=row.X)]


def algo_order(scope: Scope, row: rest.AlgoOrder) -> Order:
    """Return a conditional order of an answer; see the module for what its words mean."""
    strange = Strange()
    kind = _type(row.orderType, strange)
    quantity = positive_raw(row.quantity, "quantity")
    filled = amount(loose(row.executedQty, "executedQty"), loose(row.actualQty, "actualQty"))
    status = _algo_status(row.algoStatus, filled, quantity, strange)
    trailing = kind is OrderType.TRAILING_STOP_MARKET
    return Order(
        instrument=scope.instrument_of(row.symbol),
        client_order_id=row.clientAlgoId,
        order_id=_actual(row.actualOrderId),
        side=side_of(row.side),
        type=kind,
        status=status,
        status_venue=row.algoStatus,
        quantity=quantity,
        filled_quantity=filled,
        price=positive_raw(row.price, "price"),
        average_price=positive_raw(row.actualPrice, "actualPrice"),
        time_in_force=_time_in_force(row.timeInForce, "timeInForce", strange),
        post_only=row.timeInForce in _POST_ONLY,
        reduce_only=bool(row.reduceOnly),
        close_position=bool(row.closePosition),
        position_side=look_up(POSITION_SIDES, row.positionSide, "positionSide", strange),
        trigger_price=None if trailing else positive_raw(row.triggerPrice, "triggerPrice"),
        trigger_by=_trigger_by(kind, row.workingType, "workingType", strange),
        trailing_bips=percent_bips(row.callbackRate, "callbackRate", strange),
        activation_price=positive_raw(row.activatePrice, "activatePrice"),
        iceberg_quantity=positive_raw(row.icebergQuantity, "icebergQuantity"),
        good_till_ns=moment_ms(row.goodTillDate),
        self_trade_prevention=look_up(
            PREVENTIONS, row.selfTradePreventionMode, "selfTradePreventionMode", strange
        ),
        origin=origin_of(scope, row.clientAlgoId),
        triggered=_algo_triggered(row.algoStatus, row.triggerTime, row.actualOrderId),
        algo_id=id_text(row.algoId),
        reason=_algo_reason(status, row.failReason),
        unknown_words=tuple(strange),
        created_ns=moment_ms(row.createTime),
        updated_ns=moment_ms(row.updateTime) or moment_ms(row.createTime),
    )


def _algo_status(word: str, filled: Decimal, quantity: Decimal | None, strange: Strange) -> OrderStatus:
    full = quantity is not None and filled >= quantity
    if word == "FINISHED":
        return OrderStatus.FILLED if full else OrderStatus.UNKNOWN
    status = look_up(ALGO_STATUSES, word, "algoStatus", strange) or OrderStatus.UNKNOWN
    if status is OrderStatus.OPEN and filled > ZERO:
        return OrderStatus.FILLED if full else OrderStatus.PARTIALLY_FILLED
    return status


def _algo_triggered(word: str, trigger_time: int | None, actual: Id | None) -> bool:
    triggered = word in {"TRIGGERING", "TRIGGERED", "FINISHED"}
    return triggered or (trigger_time or 0) > 0 or bool(_actual(actual))


def _actual(value: Id | None) -> str:
    """Return the actual order's id; empty, and a zero, stand for none."""
    found = id_text(value)
    return "" if found == "0" else found


def _algo_reason(status: OrderStatus, reason: str | None) -> str:
    """Return why it failed; documented samples carry a reason with orders that did not."""
    over = status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.UNKNOWN}
    return reason if reason and over else ""


# Answers.


def order(scope: Scope, row: rest.FuturesOrder) -> Order:
    """Return an order. Placed, changed or cancelled ones have no average price since 2026-07 (facts 0.2)."""
    strange = Strange()
    kind = _type(row.origType or row.type, strange)
    filled = amount(row.executedQty, row.cumQty)
    quantity = positive(row.origQty)
    trailing = kind is OrderType.TRAILING_STOP_MARKET
    triggered = row.type != row.origType if kind.is_conditional and row.type and row.origType else None
    return Order(
        instrument=scope.instrument_of(row.symbol),
        client_order_id=row.clientOrderId,
        order_id=id_text(row.orderId),
        side=side_of(row.side),
        type=kind,
        status=status_of(row.status, filled, quantity, "status", strange),
        status_venue=row.status or "",
        quantity=quantity,
        filled_quantity=filled,
        price=positive(row.price),
        average_price=positive(row.avgPrice),
        filled_quote=row.cumBase if row.cumQuote is None else row.cumQuote,
        time_in_force=_time_in_force(row.timeInForce, "timeInForce", strange),
        post_only=row.timeInForce in _POST_ONLY,
        reduce_only=bool(row.reduceOnly),
        close_position=bool(row.closePosition),
        position_side=look_up(POSITION_SIDES, row.positionSide, "positionSide", strange),
        trigger_price=None if trailing else positive_raw(row.stopPrice, "stopPrice"),
        trigger_by=_trigger_by(kind, row.workingType, "workingType", strange),
        trailing_bips=percent_bips(row.priceRate, "priceRate", strange) if trailing else None,
        activation_price=positive_raw(row.activatePrice, "activatePrice") if trailing else None,
        good_till_ns=moment_ms(row.goodTillDate),
        self_trade_prevention=look_up(
            PREVENTIONS, row.selfTradePreventionMode, "selfTradePreventionMode", strange
        ),
        origin=origin_of(scope, row.clientOrderId, liquidation=kind is OrderType.LIQUIDATION),
        triggered=triggered,
        reason=_reason(row.expiryReason),
        unknown_words=tuple(strange),
        created_ns=moment_ms(row.time),
        updated_ns=moment_ms(row.updateTime) or moment_ms(row.time),
    )


def trade(scope: Scope, row: rest.FuturesTrade, received_ns: int, client_order_id: str = "") -> TradeUpdate:
    """Return a fill; its order's own id is not said, so it counts as foreign where it is not given."""
    strange = Strange()
    return TradeUpdate(
        **scope.head(moment_ms(row.time), received_ns),
        instrument=scope.instrument_of(row.symbol),
        trade_id=id_text(row.id),
        order_id=id_text(row.orderId),
        client_order_id=client_order_id,
        side=side_of(row.side),
        price=row.price,
        quantity=row.qty,
        quote_quantity=row.quoteQty,
        fee=row.commission,
        fee_asset=row.commissionAsset or "",
        maker=row.maker,
        realized_profit=row.realizedPnl,
        position_side=look_up(POSITION_SIDES, row.positionSide, "positionSide", strange),
        origin=origin_of(scope, client_order_id),
    )
