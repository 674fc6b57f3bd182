"""Orders, outcomes and account events as one line for a person."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from toucan_execution.account import AccountSnapshot, Balance, Position
from toucan_execution.events import (
    AccountConfigUpdate,
    AccountEvent,
    AccountResynced,
    BalanceUpdate,
    ConsumerStalled,
    ExternalLockUpdate,
    FillMismatch,
    FundingUpdate,
    MarginCall,
    OrderListUpdate,
    OrderUpdate,
    OutOfSync,
    PositionUpdate,
    PrivateEvent,
    ResyncFailed,
    StreamEnded,
    TradeNotice,
    TradeUpdate,
    TransferUpdate,
    TriggerRejected,
    Unexplained,
    UnknownEvent,
    UnreadableEvent,
)
from toucan_execution.orders import CancelRequest, Order, OrderRequest
from toucan_execution.outcome import Accepted, Outcome, Rejected, Unknown
from toucan_instrument.console.output import shown
from toucan_instrument.console.texts import link_text, number, raw_text, seconds, time_of_day
from toucan_instrument.link.status import LinkStatus
from toucan_instrument.plain import one_line

__all__ = ["detail", "event_line", "order_text", "outcome_lines", "request_text"]


def _words(*parts: object) -> str:
    """Return what is there of some parts, with spaces between."""
    return " ".join(str(part) for part in parts if part not in (None, ""))


def _word(value: object) -> str:
    """Return the word of an enum as the command line spells it."""
    return str(value).replace("_", "-")


def _flags(order: OrderRequest | Order) -> list[str]:
    names = ("post_only", "reduce_only", "close_position")
    return [_word(name) for name in names if getattr(order, name)]


def _terms(order: OrderRequest | Order) -> str:
    """Return how an order stands: type, price, trigger, flags."""
    return _words(
        _word(order.type),
        (order.price is not None and f"at {number(order.price)}") or "",
        (order.trigger_price is not None and f"trigger {number(order.trigger_price)}") or "",
        (order.trailing_bips is not None and f"trailing {order.trailing_bips} bips") or "",
        order.time_in_force and _word(order.time_in_force),
        order.position_side and f"position {order.position_side.value}",
        *_flags(order),
    )


def request_text(request: OrderRequest) -> str:
    """Return what an order asks for: side, how much of what, and how."""
    if request.quantity is not None:
        unit = request.instrument.quantity_unit.value
        much = f"{number(request.quantity)}{'' if unit == 'base' else f' {unit}'}"
    elif request.quote_quantity is not None:
        much = f"for {number(request.quote_quantity)} {request.instrument.quote}"
    else:
        much = "the whole position"
    worth = ""
    if request.quantity is not None and request.price is not None:
        notional = request.instrument.notional(request.quantity, request.price)
        worth = f"(worth {number(notional.normalize())} {request.instrument.quote})"
    return shown(_words(request.side.value, much, "of", str(request.instrument), _terms(request), worth))


def _ids(client_order_id: str, order_id: str) -> str:
    return _words(order_id and f"id {order_id}", client_order_id and f"client id {client_order_id}")


def order_text(order: Order) -> str:
    """Return what is known of an order."""
    filled = f"filled {number(order.filled_quantity)} of {number(order.quantity)}"
    average = f"at {number(order.average_price)} on average" if order.average_price is not None else ""
    ids = _ids(order.client_order_id, order.order_id)
    words = (
        order.side.value,
        str(order.instrument),
        _terms(order),
        f"{_word(order.status)},",
        filled,
        average,
    )
    return _words(*words, ids, order.reason and f"({order.reason})")


def outcome_lines(outcome: Outcome) -> list[str]:
    """Return what became of an order or a cancel, the most important on the first line."""
    if isinstance(outcome, Accepted):
        said = order_text(outcome.order) if outcome.order is not None else _ids(outcome.client_order_id, "")
        fills = [f"  {detail(fill)}" for fill in outcome.fills]
        return [shown(each) for each in (f"accepted: {said}", *fills)]
    if isinstance(outcome, Rejected):
        sent = "" if outcome.sent else " (nothing was sent)"
        again = "; the same may pass later" if outcome.retryable else ""
        if outcome.retry_after_ns:
            again = f"; the same may pass in {seconds(outcome.retry_after_ns)}"
        code = getattr(outcome.error, "code", None)
        named = "" if code is None else f" (code {code})"
        lines = [f"rejected: {_word(outcome.reason)}: {outcome.message}{named}{sent}{again}"]
        lines += [f"  {violation}" for violation in outcome.violations]
        if outcome.final is not None:
            lines.append(f"  {order_text(outcome.final)}")
        return [shown(each) for each in lines]
    return [shown(f"unknown: {_asked(outcome)}: {outcome.cause}; it may have been done")]


def _asked(outcome: Unknown) -> str:
    intent = outcome.intent
    order_id = intent.order_id if isinstance(intent, CancelRequest) else ""
    what = "cancel of" if isinstance(intent, CancelRequest) else "order"
    return f"{what} {_ids(outcome.client_order_id, order_id)}"


def event_line(event: AccountEvent) -> str:
    """Return an event on one line: time, what."""
    if isinstance(event, LinkStatus):
        return shown(f"{time_of_day(event.at_ns)} {link_text(event)}")
    at = event.time_received if event.time_exchange is None else event.time_exchange
    return shown(f"{time_of_day(at)} {detail(event)}")


@singledispatch
def detail(event: object) -> str:
    """Return what an event says, without its time; of rare ones all their fields."""
    return one_line(event) if isinstance(event, PrivateEvent) else str(event)


def _says(kind: type[Any]) -> Callable[[Callable[[Any], str]], Callable[[Any], str]]:
    def register(say: Callable[[Any], str]) -> Callable[[Any], str]:
        return detail.register(kind, say)

    return register


@_says(AccountSnapshot)
def _snapshot(event: AccountSnapshot) -> str:
    held = ", ".join(f"{number(balance.total)} {balance.asset}" for balance in event.balances)
    others = f"{len(event.positions)} positions, {len(event.open_orders)} open orders"
    return f"account: {held or 'nothing'}; {others}"


@_says(OrderUpdate)
def _order(event: OrderUpdate) -> str:
    found = "found after a loss" if event.recovered else ""
    return _words(f"{_word(event.origin)} order", order_text(event.order), found)


@_says(TradeUpdate)
def _trade(event: TradeUpdate) -> str:
    fee = f"fee {number(event.fee)} {event.fee_asset}" if event.fee is not None else ""
    role = "" if event.maker is None else "maker" if event.maker else "taker"
    profit = f"realized {number(event.realized_profit)}" if event.realized_profit is not None else ""
    ids = f"trade {event.trade_id}, order {event.order_id}"
    return _words(_deal(event), role, fee, profit, ids, "found after a loss" if event.recovered else "")


@_says(TradeNotice)
def _notice(event: TradeNotice) -> str:
    return f"early word: {_deal(event)} trade {event.trade_id}, order {event.order_id}"


def _deal(event: TradeUpdate | TradeNotice) -> str:
    done = "bought" if event.side.value == "buy" else "sold"
    return f"{done} {number(event.quantity)} of {event.instrument} at {number(event.price)}"


@_says(BalanceUpdate)
def _balance(event: BalanceUpdate) -> str:
    change = f"paid in or out {number(event.change)}" if event.change else ""
    return _words("balance", _holding(event.balance), event.reason, change)


def _holding(balance: Balance) -> str:
    parts = (("free", balance.free), ("locked", balance.locked))
    said = ", ".join(f"{name} {number(value)}" for name, value in parts if value is not None)
    return f"{number(balance.total)} {balance.asset}" + (f" ({said})" if said else "")


@_says(PositionUpdate)
def _position(event: PositionUpdate) -> str:
    return _words("position", _standing(event.position), event.reason)


def _standing(position: Position) -> str:
    entry = f"entered at {number(position.entry_price)}" if position.entry_price is not None else ""
    profit = position.unrealized_profit
    side = "" if position.side.value == "both" else position.side.value
    return _words(
        str(position.instrument),
        side,
        number(position.quantity),
        entry,
        f"unrealized {number(profit)}" if profit is not None else "",
    )


@_says(MarginCall)
def _margin_call(event: MarginCall) -> str:
    return f"MARGIN CALL: {'; '.join(map(_standing, event.positions))}"


@_says(TransferUpdate)
def _transfer(event: TransferUpdate) -> str:
    return _words("transfer", number(event.amount), event.asset, event.reason)


@_says(ExternalLockUpdate)
def _lock(event: ExternalLockUpdate) -> str:
    return f"locked elsewhere {number(event.amount)} {event.asset}"


@_says(FundingUpdate)
def _funding(event: FundingUpdate) -> str:
    return _words("funding", number(event.amount), event.asset, event.instrument)


@_says(AccountConfigUpdate)
def _config(event: AccountConfigUpdate) -> str:
    leverage = f"leverage of {event.instrument} is {event.leverage}" if event.leverage is not None else ""
    multi = "" if event.multi_assets is None else f"multi-assets {'on' if event.multi_assets else 'off'}"
    return _words("settings:", leverage, multi)


@_says(OrderListUpdate)
def _list(event: OrderListUpdate) -> str:
    held = event.order_list
    return _words(
        f"order list {held.list_id}", held.kind.value, held.status, f"of {held.instrument}", event.reason
    )


@_says(TriggerRejected)
def _trigger(event: TriggerRejected) -> str:
    return f"REJECTED when triggered: {event.instrument} order {event.order_id}: {event.reason}"


@_says(StreamEnded)
def _ended(event: StreamEnded) -> str:
    return f"the venue has ended the stream: {event.reason}"


@_says(UnknownEvent)
def _unknown(event: UnknownEvent) -> str:
    return f"event of an unknown type {event.name}: {raw_text(event.raw)}"


@_says(UnreadableEvent)
def _failed(event: UnreadableEvent) -> str:
    return f"unreadable message: {event.error}: {raw_text(event.raw)}"


@_says(OutOfSync)
def _out(event: OutOfSync) -> str:
    return f"OUT OF SYNC: {event.reason}"


@_says(ResyncFailed)
def _resync_failed(event: ResyncFailed) -> str:
    return f"{event.what} could not be fetched: {event.error}; again in {seconds(event.retry_after_ns)}"


@_says(AccountResynced)
def _resynced(event: AccountResynced) -> str:
    changed = f"{len(event.orders)} orders, {event.trades} fills, {len(event.balances)} balances"
    return f"in sync; changed: {changed}, {len(event.positions)} positions"


@_says(Unexplained)
def _unexplained(event: Unexplained) -> str:
    window = f"between {time_of_day(event.since_ns)} and {time_of_day(event.until_ns)}"
    return f"UNEXPLAINED: {event.asset} changed by {number(event.amount)} more than is known, {window}"


@_says(FillMismatch)
def _mismatch(event: FillMismatch) -> str:
    state = "mended" if event.repaired else "being fetched"
    return f"FILLS MISSING ({state}): known {number(event.known)} of {order_text(event.order)}"


@_says(ConsumerStalled)
def _stalled(event: ConsumerStalled) -> str:
    return f"read too slowly: {event.waiting} events wait, and only cancels pass"
