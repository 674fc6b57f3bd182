"""The bodies of Binance's answers, told apart by their shape.

Answers do not say what they answer, and over the WebSocket API neither does their envelope: a body is what
its keys say. The client does not need this, for it knows what it asked; `decode` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from toucan_execution.client.binance import (
    messages as wire,
    messages_rest as rest,
    normalise_account as accounts,
    normalise_futures as futures,
    normalise_spot as spot,
)
from toucan_execution.client.binance.normalise import Scope
from toucan_execution.decoding import Decoded, Outcome, Value
from toucan_execution.events import BalanceUpdate, OrderListUpdate, OrderUpdate, PositionUpdate
from toucan_execution.orders import Order, OrderList
from toucan_instrument import Exchange
from toucan_instrument.errors import PayloadError

__all__ = ["merged", "read_body"]

_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CONTROL, _NOT_OFFERED = Decoded(Outcome.CONTROL), Decoded(Outcome.NOT_OFFERED)
_SPOT = frozenset({Exchange.BINANCE_SPOT, Exchange.BINANCE_US_SPOT})
_DEPTH = 4
"""How deep answers lie within answers: an error's data holds a cancel-replace, which holds an order."""

_ERROR = wire.decoder_of(wire.ErrorBody)
_SPOT_ORDER = wire.decoder_of(rest.SpotOrder)
_FUTURES_ORDER = wire.decoder_of(rest.FuturesOrder)
_SPOT_TRADE = wire.decoder_of(rest.SpotTrade)
_FUTURES_TRADE = wire.decoder_of(rest.FuturesTrade)
_ALGO_ORDER = wire.decoder_of(rest.AlgoOrder)
_LIST = wire.decoder_of(rest.SpotList)
_AMENDED = wire.decoder_of(rest.Amended)
_REPLACED = wire.decoder_of(rest.CancelReplace)
_SPOT_ACCOUNT = wire.decoder_of(rest.SpotAccount)
_SPOT_COMMISSION = wire.decoder_of(rest.SpotCommission)
_FUTURES_ACCOUNT = wire.decoder_of(rest.FuturesAccount)
_BALANCE = wire.decoder_of(rest.FuturesBalance)
_POSITION = wire.decoder_of(rest.FuturesPosition)
_CONFIG = wire.decoder_of(rest.AccountConfigBody)
_LEVERAGE = wire.decoder_of(rest.Leverage)
_COMMISSION = wire.decoder_of(rest.FuturesCommission)
_INCOME = wire.decoder_of(rest.IncomeRow)
_BRACKETS = wire.decoder_of(rest.Brackets)


def read_body(scope: Scope, raw: bytes | msgspec.Raw, received_ns: int, depth: int = _DEPTH) -> Decoded:
    """Read the body of an answer, or the result of one over the WebSocket API.

    Raises:
        PayloadError: It has a known shape, and cannot be read.
    """
    if depth == 0:
        raise PayloadError("answer", raw=bytes(raw), cause="it is nested too deep")
    text = bytes(raw).lstrip()
    if text.startswith(b"["):
        rows = wire.read(_ROWS, raw, "answer")
        return merged(
            read_body(scope, row, received_ns, depth - 1) if bytes(row).lstrip()[:1] == b"{" else _CONTROL
            for row in rows
        )
    if not text.startswith(b"{"):
        wire.read(msgspec.json.Decoder(), raw, "answer")  # null, true, a number: but it must be JSON
        return _CONTROL
    keys = wire.read(_KEYS, raw, "answer")
    if not keys:  # so the venue says that something was done
        return _CONTROL
    for shape in _SHAPES:
        if shape.all.issubset(keys) and (not shape.any or shape.any.intersection(keys)):
            return shape.read(_Body(scope, raw, keys, received_ns, depth))
    return _NOT_OFFERED


def merged(parts: Iterable[Decoded]) -> Decoded:
    """Return several answers as one: that they hold events weighs most, then that something failed."""
    found = list(parts)
    values = tuple(value for part in found for value in part.values)
    outcomes = {part.outcome for part in found}
    order = (Outcome.FAILED, Outcome.EVENTS, Outcome.CONTROL, Outcome.NOT_OFFERED)
    return Decoded(next((outcome for outcome in order if outcome in outcomes), Outcome.CONTROL), values)


class _Body(NamedTuple):
    """An answer, and what is needed to read it."""

    scope: Scope
    raw: bytes | msgspec.Raw
    keys: dict[str, msgspec.Raw]
    received_ns: int
    depth: int

    def inner(self, raw: msgspec.Raw) -> Decoded:
        """Read what lies within it, if anything does."""
        if not wire.given(raw):
            return _CONTROL
        return read_body(self.scope, raw, self.received_ns, self.depth - 1)


class _Shape(NamedTuple):
    """What an answer looks like that has all of some keys, and one at least of others."""

    all: frozenset[str]
    any: frozenset[str]
    read: Callable[[_Body], Decoded]


def _events(*values: Value) -> Decoded:
    return Decoded(Outcome.EVENTS, values)


def _told(body: _Body, order: Order) -> OrderUpdate:
    head = body.scope.head(order.updated_ns, body.received_ns)
    return OrderUpdate(**head, order=order, origin=order.origin)


def _listed(body: _Body, order_list: OrderList) -> Decoded:
    head = body.scope.head(order_list.updated_ns, body.received_ns)
    orders = [_told(body, order) for order in order_list.orders]
    return _events(OrderListUpdate(**head, order_list=order_list), *orders)


def _error(body: _Body) -> Decoded:
    """Read an error or a confirmation: only what a failed cancel-replace did is of the account."""
    found = wire.read(_ERROR, body.raw, "error")
    return body.inner(found.data) if b'"cancelResult"' in bytes(found.data) else _CONTROL


def _replaced(body: _Body) -> Decoded:
    found = wire.read(_REPLACED, body.raw, "cancel-replace")
    return merged((body.inner(found.cancelResponse), body.inner(found.newOrderResponse)))


def _amended(body: _Body) -> Decoded:
    found = wire.read(_AMENDED, body.raw, "amended order")
    told = _events(_told(body, spot.amended(body.scope, found)))
    if found.listStatus is None:
        return told
    return merged((told, _listed(body, spot.order_list(body.scope, found.listStatus))))


def _list(body: _Body) -> Decoded:
    return _listed(body, spot.order_list(body.scope, wire.read(_LIST, body.raw, "order list")))


def _algo(body: _Body) -> Decoded:
    found = futures.algo_order(body.scope, wire.read(_ALGO_ORDER, body.raw, "conditional order"))
    return _events(_told(body, found))


def _order(body: _Body) -> Decoded:
    scope = body.scope
    if scope.exchange not in _SPOT:
        return _events(_told(body, futures.order(scope, wire.read(_FUTURES_ORDER, body.raw, "order"))))
    row = wire.read(_SPOT_ORDER, body.raw, "order")
    if spot.is_ack(row):
        return _events(spot.acknowledged(scope, row))
    order = spot.order(scope, row)
    return _events(*spot.fills(scope, row, order, body.received_ns), _told(body, order))


def _trade(body: _Body) -> Decoded:
    if body.scope.exchange in _SPOT:
        row = wire.read(_SPOT_TRADE, body.raw, "trade")
        return _events(spot.trade(body.scope, row, body.received_ns))
    fill = wire.read(_FUTURES_TRADE, body.raw, "trade")
    return _events(futures.trade(body.scope, fill, body.received_ns))


def _spot_account(body: _Body) -> Decoded:
    row = wire.read(_SPOT_ACCOUNT, body.raw, "account")
    return _events(spot.account(body.scope, row, body.received_ns))


def _futures_account(body: _Body) -> Decoded:
    row = wire.read(_FUTURES_ACCOUNT, body.raw, "account")
    return _events(accounts.account(body.scope, row, body.received_ns))


def _balance(body: _Body) -> Decoded:
    found = accounts.balance(wire.read(_BALANCE, body.raw, "balance"))
    head = body.scope.head(found.updated_ns, body.received_ns)
    return _events(BalanceUpdate(**head, balance=found))


def _position(body: _Body) -> Decoded:
    found = accounts.position(body.scope, wire.read(_POSITION, body.raw, "position"))
    if found is None:
        return _CONTROL
    head = body.scope.head(found.updated_ns, body.received_ns)
    return _events(PositionUpdate(**head, position=found))


def _config(body: _Body) -> Decoded:
    row = wire.read(_CONFIG, body.raw, "account configuration")
    return _events(accounts.config(body.scope, row, body.received_ns))


def _leverage(body: _Body) -> Decoded:
    return _events(accounts.leverage(body.scope, wire.read(_LEVERAGE, body.raw, "leverage")))


def _brackets(body: _Body) -> Decoded:
    return _events(*accounts.brackets(body.scope, wire.read(_BRACKETS, body.raw, "brackets")))


def _spot_commission(body: _Body) -> Decoded:
    return _events(spot.commission(body.scope, wire.read(_SPOT_COMMISSION, body.raw, "commission")))


def _futures_commission(body: _Body) -> Decoded:
    return _events(accounts.commission(body.scope, wire.read(_COMMISSION, body.raw, "commission")))


def _income(body: _Body) -> Decoded:
    return _events(accounts.income(body.scope, wire.read(_INCOME, body.raw, "income")))


def _control(body: _Body) -> Decoded:  # noqa: ARG001 - as the others
    return _CONTROL


def _not_offered(body: _Body) -> Decoded:  # noqa: ARG001 - as the others
    return _NOT_OFFERED


def _shape(keys: str, read: Callable[[_Body], Decoded], *, any_of: str = "") -> _Shape:
    return _Shape(frozenset(keys.split()), frozenset(any_of.split()), read)


_SHAPES: tuple[_Shape, ...] = (
    # What has an order's id and is none.
    _shape("executionId newQty", _not_offered),  # history of amendments
    _shape("amendmentId", _not_offered),  # likewise, of the futures
    _shape("orderStatus", _not_offered),  # conversions, and orders of other algorithms
    _shape("allocationId", _not_offered),
    _shape("preventedMatchId makerOrderId", _not_offered),
    # Orders and fills.
    _shape("cancelResult newOrderResult", _replaced),
    _shape("amendedOrder", _amended),
    _shape("orderListId contingencyType", _list),
    _shape("algoId orderType algoStatus", _algo),
    _shape("id orderId price qty", _trade),
    _shape("orderId", _order),
    _shape("", _order, any_of="origClientOrderId clientOrderId"),
    _shape("algoId", _not_offered, any_of="totalQty bookTime subOrders"),
    _shape("code", _error),
    # Accounts.
    _shape("balances", _spot_account),
    _shape("assets positions", _futures_account),
    _shape("asset balance", _balance),
    _shape("positionAmt", _position),
    _shape("symbol leverage", _leverage),
    _shape("", _config, any_of="dualSidePosition multiAssetsMargin"),
    _shape("standardCommission", _spot_commission),
    _shape("makerCommissionRate", _futures_commission),
    _shape("incomeType", _income),
    _shape("brackets", _brackets),
    # Sessions and limits.
    _shape("standardCommissionForOrder", _control),  # a test order
    _shape(
        "", _control, any_of="listenKey subscriptionId apiKey rateLimitType serverTime result countdownTime"
    ),
    # Public data.
    _shape("", _control, any_of="lastUpdateId priceChange lastPrice bidPrice price referencePrice symbols"),
    _shape("", _control, any_of="openPrice calculationType mins exchangeFilters markPrice fundingRate"),
    _shape("a p q f l T", _control),
)
"""The shapes, the more telling first."""
