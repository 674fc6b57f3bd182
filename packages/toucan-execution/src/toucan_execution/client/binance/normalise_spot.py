"""Binance spot's messages as events, orders, fills, balances; facts D.1 and E.2.3.

A fill gives its `TradeUpdate` first, then the `OrderUpdate` of what has become of the order.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.account import Balance, Commission
from toucan_execution.client.binance import messages_rest as rest, messages_user as user
from toucan_execution.client.binance.answers import AccountPart, OrderAck
from toucan_execution.client.binance.messages import Id
from toucan_execution.client.binance.normalise import (
    Scope,
    amount,
    average,
    id_text,
    moment,
    origin_of,
    positive,
    side_of,
    status_of,
)
from toucan_execution.client.binance.words import (
    LIST_KINDS,
    PREVENTIONS,
    SPOT_TYPES,
    STATUSES,
    TIMES_IN_FORCE,
    Strange,
    look_up,
)
from toucan_execution.events import (
    AccountEvent,
    BalanceUpdate,
    ExternalLockUpdate,
    OrderListUpdate,
    OrderUpdate,
    TradeUpdate,
    TransferUpdate,
)
from toucan_execution.orders import (
    ZERO,
    ListKind,
    Order,
    OrderList,
    OrderRequest,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from toucan_instrument.decimals import EXACT
from toucan_instrument.errors import PayloadError

__all__ = [
    "account",
    "account_position",
    "acknowledged",
    "amended",
    "balance_delta",
    "commission",
    "execution_report",
    "external_lock",
    "fills",
    "is_ack",
    "list_status",
    "order",
    "order_list",
    "own_id",
    "trade",
]

_RENAMING = frozenset({"CANCELED", "REPLACED"})
"""Executions whose ``c`` is the id of the request, and ``C`` the order's own (facts E.2.3)."""


def execution_report(scope: Scope, message: user.ExecutionReport, received_ns: int) -> list[AccountEvent]:
    """Return the fill that a report tells of, if it does, and the order."""
    instrument = scope.instrument_of(message.s)
    client_order_id = message.C if message.x in _RENAMING and message.C else message.c
    found = _reported(scope, message, client_order_id)
    head = scope.head(found.updated_ns, received_ns)
    events: list[AccountEvent] = []
    trade_id = _trade_id(message.t, message.a)
    if trade_id and message.l is not None and message.l > ZERO and message.L is not None:
        events.append(
            TradeUpdate(
                **head,
                instrument=instrument,
                trade_id=trade_id,
                order_id=found.order_id,
                client_order_id=client_order_id,
                side=found.side,
                price=message.L,
                quantity=message.l,
                quote_quantity=message.Y,
                fee=message.n,
                fee_asset=message.N or "",
                maker=message.m,
                origin=found.origin,
            )
        )
    events.append(OrderUpdate(**head, order=found, origin=found.origin, execution=message.x))
    return events


def _reported(scope: Scope, message: user.ExecutionReport, client_order_id: str) -> Order:
    strange = Strange()
    bips = message.d if message.d is not None and message.d > 0 else None
    trigger = positive(message.P)
    kind = _type(message.o, trigger, bips, strange)
    filled = amount(message.z)
    quantity = positive(message.q)
    expiry = message.eR if message.eR and message.eR != "NONE" else ""
    return Order(
        instrument=scope.instrument_of(message.s),
        client_order_id=client_order_id,
        order_id=id_text(message.i),
        side=side_of(message.S),
        type=kind,
        status=status_of(message.X, filled, quantity, "X", strange),
        status_venue=message.X,
        quantity=quantity,
        filled_quantity=filled,
        prevented_quantity=amount(message.A),
        price=positive(message.p) or positive(message.gp),
        average_price=average(message.Z, filled),
        filled_quote=_not_below(message.Z),
        quote_quantity=positive(message.Q),
        time_in_force=_time_in_force(message.f, strange, "f"),
        post_only=message.o == "LIMIT_MAKER",
        trigger_price=trigger,
        trailing_bips=bips,
        iceberg_quantity=positive(message.F),
        self_trade_prevention=look_up(PREVENTIONS, message.V, "V", strange),
        origin=origin_of(scope, client_order_id),
        triggered=_triggered(kind, working=bool(message.w), working_time=message.W or 0, filled=filled),
        list_id=id_text(message.g),
        reason=message.r if message.r and message.r != "NONE" else expiry,
        unknown_words=tuple(strange),
        created_ns=moment(message.O),
        updated_ns=moment(message.T or message.E),
    )


def _trade_id(trade: Id, allocation: Id | None) -> str:
    """Return a fill's id. Fills of smart order routing have none but that of their allocation."""
    found = id_text(trade)
    if not found and id_text(allocation):
        return f"allocation-{allocation}"
    return found


def _type(word: str | None, trigger: Decimal | None, bips: int | None, strange: Strange) -> OrderType:
    """Return a type; a stop loss that has nothing but a trailing delta is a trailing stop."""
    kind = look_up(SPOT_TYPES, word, "type", strange) or OrderType.UNKNOWN
    if kind is OrderType.STOP_MARKET and bips is not None and trigger is None:
        return OrderType.TRAILING_STOP_MARKET
    return kind


def _time_in_force(word: str | None, strange: Strange, field: str) -> TimeInForce | None:
    return look_up(TIMES_IN_FORCE, word, field, strange) or (TimeInForce.UNKNOWN if word else None)


def _triggered(
    kind: OrderType, *, working: bool | None, working_time: int | None, filled: Decimal
) -> bool | None:
    """Tell whether a conditional order works: it is on the book, or has been; None where that is not said."""
    if not kind.is_conditional:
        return None
    if working or (working_time or 0) > 0 or filled > ZERO:
        return True
    return None if working is None and working_time is None else False


def _not_below(value: Decimal | None) -> Decimal | None:
    return None if value is None or value < ZERO else value


def account_position(scope: Scope, message: user.AccountPosition, received_ns: int) -> list[AccountEvent]:
    """Return the balances, as they are now."""
    updated = moment(message.u or message.E)
    head = scope.head(updated, received_ns)
    return [
        BalanceUpdate(
            **head,
            balance=Balance(
                asset=row.a, total=EXACT.add(row.f, row.l), free=row.f, locked=row.l, updated_ns=updated
            ),
        )
        for row in message.B
    ]


def balance_delta(scope: Scope, message: user.BalanceDelta, received_ns: int) -> list[AccountEvent]:
    """Return a deposit, withdrawal or transfer."""
    head = scope.head(moment(message.T or message.E), received_ns)
    return [TransferUpdate(**head, asset=message.a, amount=message.d)]


def external_lock(scope: Scope, message: user.BalanceDelta, received_ns: int) -> list[AccountEvent]:
    """Return a lock by another system of the venue."""
    head = scope.head(moment(message.T or message.E), received_ns)
    return [ExternalLockUpdate(**head, asset=message.a, amount=message.d)]


def list_status(scope: Scope, message: user.ListStatus, received_ns: int) -> list[AccountEvent]:
    """Return what has become of a list of orders."""
    updated = moment(message.T or message.E)
    found = OrderList(
        instrument=scope.instrument_of(message.s),
        list_id=id_text(message.g),
        client_list_id=message.C,
        kind=LIST_KINDS.get(message.c, ListKind.UNKNOWN),
        status=message.L,
        step=message.l,
        order_ids=tuple(id_text(row.i) for row in message.O),
        client_order_ids=tuple(row.c for row in message.O),
        updated_ns=updated,
    )
    reason = message.r if message.r and message.r != "NONE" else ""
    return [OrderListUpdate(**scope.head(updated, received_ns), order_list=found, reason=reason)]


# Answers.


def own_id(row: rest.SpotOrder) -> str:
    """Return the order's own id: of what answers a cancel, the id is that of the cancel (facts D.1.6)."""
    return row.origClientOrderId or row.clientOrderId


def is_ack(row: rest.SpotOrder) -> bool:
    """Tell whether an answer names an order without describing it."""
    return row.side is None and row.type is None and row.origQty is None and row.qty is None


def acknowledged(scope: Scope, row: rest.SpotOrder) -> OrderAck:
    """Return an order that is named and not described."""
    return OrderAck(
        instrument=scope.instrument_of(row.symbol),
        client_order_id=own_id(row),
        order_id=id_text(row.orderId),
        list_id=id_text(row.orderListId),
        status=None if row.status is None else STATUSES.get(row.status, OrderStatus.UNKNOWN),
        time_exchange=_updated(row),
    )


def order(scope: Scope, row: rest.SpotOrder, sent: OrderRequest | None = None) -> Order:
    """Return an order.

    Args:
        scope: Whose.
        row: The answer.
        sent: The request that it answers: an ACK says nothing else of the order.

    Raises:
        PayloadError: It neither says what the order is, nor was the request given.
    """
    if row.side is None or row.type is None:
        if sent is None:
            raise PayloadError("order", raw=id_text(row.orderId).encode(), cause="it has no side, or no type")
        return _sent(scope, row, sent)
    strange = Strange()
    bips = row.trailingDelta if row.trailingDelta is not None and row.trailingDelta > 0 else None
    trigger = positive(row.stopPrice)
    kind = _type(row.type, trigger, bips, strange)
    filled = amount(row.executedQty)
    quantity = positive(row.origQty if row.origQty is not None else row.qty)
    quote = row.cummulativeQuoteQty if row.cummulativeQuoteQty is not None else row.cumulativeQuoteQty
    spend = row.origQuoteOrderQty if row.origQuoteOrderQty is not None else row.quoteOrderQty
    client_order_id = own_id(row)
    return Order(
        instrument=scope.instrument_of(row.symbol),
        client_order_id=client_order_id,
        order_id=id_text(row.orderId),
        side=side_of(row.side),
        type=kind,
        status=status_of(row.status, filled, quantity, "status", strange),
        status_venue=row.status or "",
        quantity=quantity,
        filled_quantity=filled,
        prevented_quantity=amount(row.preventedQuantity, row.preventedQty),
        price=positive(row.price) or positive(row.peggedPrice),
        average_price=average(quote, filled),
        filled_quote=_not_below(quote),
        quote_quantity=positive(spend),
        time_in_force=_time_in_force(row.timeInForce, strange, "timeInForce"),
        post_only=row.type == "LIMIT_MAKER",
        trigger_price=trigger,
        trailing_bips=bips,
        iceberg_quantity=positive(row.icebergQty),
        self_trade_prevention=look_up(
            PREVENTIONS, row.selfTradePreventionMode, "selfTradePreventionMode", strange
        ),
        origin=origin_of(scope, client_order_id),
        triggered=_triggered(kind, working=row.isWorking, working_time=row.workingTime, filled=filled),
        list_id=id_text(row.orderListId),
        reason=row.expiryReason if row.expiryReason and row.expiryReason != "NONE" else "",
        unknown_words=tuple(strange),
        created_ns=moment(row.time),
        updated_ns=_updated(row),
    )


def _sent(scope: Scope, row: rest.SpotOrder, sent: OrderRequest) -> Order:
    """Return an acknowledged order, described by the request: accepted, and nothing known of fills."""
    client_order_id = own_id(row) or sent.client_order_id
    conditional = sent.type.is_conditional
    return Order(
        instrument=scope.instrument_of(row.symbol),
        client_order_id=client_order_id,
        order_id=id_text(row.orderId),
        side=sent.side,
        type=sent.type,
        status=status_of(row.status, ZERO, None, "status", Strange()) if row.status else OrderStatus.OPEN,
        status_venue=row.status or "",
        quantity=sent.quantity,
        price=sent.price,
        quote_quantity=sent.quote_quantity,
        time_in_force=sent.time_in_force,
        post_only=sent.post_only,
        trigger_price=sent.trigger_price,
        trailing_bips=sent.trailing_bips,
        activation_price=sent.activation_price,
        iceberg_quantity=sent.iceberg_quantity,
        self_trade_prevention=sent.self_trade_prevention,
        origin=origin_of(scope, client_order_id),
        triggered=False if conditional else None,
        list_id=id_text(row.orderListId),
        created_ns=_updated(row),
        updated_ns=_updated(row),
    )


def _updated(row: rest.SpotOrder) -> int | None:
    return moment(row.updateTime) or moment(row.transactTime) or moment(row.time)


def fills(scope: Scope, row: rest.SpotOrder, found: Order, received_ns: int) -> tuple[TradeUpdate, ...]:
    """Return the fills of a FULL answer; whether the order had rested is not said: it had not."""
    return tuple(
        TradeUpdate(
            **scope.head(found.updated_ns, received_ns),
            instrument=found.instrument,
            trade_id=trade_id,
            order_id=found.order_id,
            client_order_id=found.client_order_id,
            side=found.side,
            price=fill.price,
            quantity=fill.qty,
            fee=fill.commission,
            fee_asset=fill.commissionAsset or "",
            maker=False,
            origin=found.origin,
        )
        for fill in row.fills or ()
        if (trade_id := _trade_id(fill.tradeId, fill.allocId))
    )


def amended(scope: Scope, row: rest.Amended) -> Order:
    """Return an order after it was made smaller, with the id that it has from now on (facts D.1.8)."""
    found = order(scope, row.amendedOrder)
    return msgspec.structs.replace(
        found,
        client_order_id=row.amendedOrder.clientOrderId or found.client_order_id,
        updated_ns=moment(row.transactTime) or found.updated_ns,
    )


def order_list(scope: Scope, row: rest.SpotList) -> OrderList:
    """Return a list of orders."""
    reports = row.orderReports or ()
    # A documented answer has a number where the symbol should be: the orders' own is the better one.
    symbol = row.orders[0].symbol if row.orders else row.symbol
    return OrderList(
        instrument=scope.instrument_of(symbol),
        list_id=id_text(row.orderListId),
        client_list_id=row.listClientOrderId,
        kind=LIST_KINDS.get(row.contingencyType, ListKind.UNKNOWN),
        status=row.listOrderStatus,
        step=row.listStatusType,
        order_ids=tuple(id_text(each.orderId) for each in row.orders),
        client_order_ids=tuple(each.clientOrderId for each in row.orders),
        orders=tuple(order(scope, each) for each in reports if not is_ack(each)),
        updated_ns=moment(row.transactionTime),
    )


def trade(scope: Scope, row: rest.SpotTrade, received_ns: int, client_order_id: str = "") -> TradeUpdate:
    """Return a fill; its order's own id is not said, so it counts as foreign where it is not given."""
    return TradeUpdate(
        **scope.head(moment(row.time), received_ns),
        instrument=scope.instrument_of(row.symbol),
        trade_id=id_text(row.id),
        order_id=id_text(row.orderId),
        client_order_id=client_order_id,
        side=side_of("BUY" if row.isBuyer else "SELL"),
        price=row.price,
        quantity=row.qty,
        quote_quantity=row.quoteQty,
        fee=row.commission,
        fee_asset=row.commissionAsset or "",
        maker=row.isMaker,
        origin=origin_of(scope, client_order_id),
    )


def account(scope: Scope, row: rest.SpotAccount, received_ns: int) -> AccountPart:
    """Return the balances of an account."""
    updated = moment(row.updateTime)
    return AccountPart(
        **scope.head(updated, received_ns),
        balances=tuple(
            Balance(
                asset=each.asset,
                total=EXACT.add(each.free, each.locked),
                free=each.free,
                locked=each.locked,
                updated_ns=updated,
            )
            for each in row.balances
        ),
        can_trade=row.canTrade,
        account_type=row.accountType,
    )


def commission(scope: Scope, row: rest.SpotCommission) -> Commission:
    """Return what trading costs: the standard fee, and what comes on top (facts D.1.10)."""
    standard, nothing = row.standardCommission, rest.CommissionExtra()
    special, tax = row.specialCommission or nothing, row.taxCommission or nothing
    discount = row.discount or rest.Discount()
    return Commission(
        instrument=scope.instrument_of(row.symbol),
        maker=standard.maker,
        taker=standard.taker,
        buyer=standard.buyer,
        seller=standard.seller,
        special_maker=special.maker,
        special_taker=special.taker,
        special_buyer=special.buyer,
        special_seller=special.seller,
        tax_maker=tax.maker,
        tax_taker=tax.taker,
        tax_buyer=tax.buyer,
        tax_seller=tax.seller,
        discount_asset=discount.discountAsset or "",
        discount=discount.discount,
        discount_enabled=discount.enabledForAccount and discount.enabledForSymbol,
    )
