"""USD-M and COIN-M: requests as parameters (facts D.2.3 to D.2.8, D.3). Pure.

What a request is made from was checked before (`requests_check.check`). The position mode decides how an
order names its position: none is named in one-way mode; in hedge mode a reduce-only order becomes the side
and the position that it makes smaller, as the venue takes no ``reduceOnly`` there (facts D.4).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from toucan_execution.account import PositionMode
from toucan_execution.call import Params, Value
from toucan_execution.client.binance.params import flag, given, id_param, milliseconds, percent, text
from toucan_execution.client.binance.requests_check import check_instrument, closing_side
from toucan_execution.client.binance.requests_spot import id_params
from toucan_execution.client.binance.words import (
    FUTURES_TYPE_WORDS,
    POSITION_SIDE_WORDS,
    PREVENTION_WORDS,
    PRICE_MATCH_WORDS,
    RESPONSE_WORDS,
    SIDE_WORDS,
    TIME_IN_FORCE_WORDS,
    TRIGGER_PRICE_WORDS,
)
from toucan_execution.ids import check_client_id
from toucan_execution.orders import (
    AmendRequest,
    CancelRequest,
    Order,
    OrderRequest,
    OrderType,
    PositionSide,
    TimeInForce,
)
from toucan_instrument import Exchange, Instrument
from toucan_instrument.errors import InvalidInput

__all__ = [
    "algo_id_params",
    "algo_params",
    "amend_params",
    "batch_params",
    "cancel_many_params",
    "cancel_params",
    "is_conditional",
    "old_conditional_params",
    "order_params",
]


def order_params(request: OrderRequest, mode: PositionMode | None = None) -> Params:
    """Return the parameters of a LIMIT or MARKET order, or of a test of one (facts D.2.3)."""
    position, reduce_only = _position(request, mode)
    return given(
        ("symbol", request.instrument.symbol),
        ("side", SIDE_WORDS[request.side]),
        ("positionSide", position),
        ("type", request.type.value.upper()),
        ("quantity", _text(request, "quantity")),
        ("price", _text(request, "price")),
        ("timeInForce", _time(request)),
        ("reduceOnly", reduce_only),
        ("newClientOrderId", request.client_order_id or None),
        *_common(request),
    )


def algo_params(request: OrderRequest, mode: PositionMode | None = None) -> Params:
    """Return the parameters of a conditional order of the algo service (facts D.2.4)."""
    position, reduce_only = _position(request, mode)
    return given(
        ("algoType", "CONDITIONAL"),
        ("symbol", request.instrument.symbol),
        ("side", SIDE_WORDS[request.side]),
        ("positionSide", position),
        ("type", FUTURES_TYPE_WORDS[request.type]),
        ("timeInForce", _time(request)),
        ("quantity", _text(request, "quantity")),
        ("price", _text(request, "price")),
        ("triggerPrice", _text(request, "trigger_price")),
        ("activatePrice", _text(request, "activation_price")),
        ("callbackRate", None if request.trailing_bips is None else percent(request.trailing_bips)),
        *_conditions(request),
        ("reduceOnly", reduce_only),
        ("clientAlgoId", request.client_order_id or None),
        *_common(request),
    )


def old_conditional_params(request: OrderRequest, mode: PositionMode | None = None) -> Params:
    """Return the parameters of a conditional order as COIN-M took it before its algo service (D.3.1)."""
    position, reduce_only = _position(request, mode)
    return given(
        ("symbol", request.instrument.symbol),
        ("side", SIDE_WORDS[request.side]),
        ("positionSide", position),
        ("type", FUTURES_TYPE_WORDS[request.type]),
        ("timeInForce", _time(request)),
        ("quantity", _text(request, "quantity")),
        ("price", _text(request, "price")),
        ("stopPrice", _text(request, "trigger_price")),
        ("activationPrice", _text(request, "activation_price")),
        ("callbackRate", None if request.trailing_bips is None else percent(request.trailing_bips)),
        *_conditions(request),
        ("reduceOnly", reduce_only),
        ("newClientOrderId", request.client_order_id or None),
        *_common(request),
    )


def _conditions(request: OrderRequest) -> tuple[tuple[str, Value | None], ...]:
    return (
        ("workingType", None if request.trigger_by is None else TRIGGER_PRICE_WORDS[request.trigger_by]),
        ("closePosition", flag(True) if request.close_position else None),
        ("priceProtect", flag(True) if request.price_protect else None),
    )


def _common(request: OrderRequest) -> tuple[tuple[str, Value | None], ...]:
    match, mode = request.price_match, request.self_trade_prevention
    return (
        ("newOrderRespType", None if request.response is None else RESPONSE_WORDS[request.response]),
        ("priceMatch", None if match is None else PRICE_MATCH_WORDS[match]),
        ("selfTradePreventionMode", None if mode is None else PREVENTION_WORDS[mode]),
        ("goodTillDate", None if request.good_till_ns is None else milliseconds(request.good_till_ns)),
    )


def _text(request: OrderRequest, field: str) -> str | None:
    value = getattr(request, field)
    return None if value is None else text(value, field)


def _time(request: OrderRequest) -> str | None:
    """Return the time in force: GTX for post-only, GTC where one is needed and none was asked for."""
    time = request.time_in_force
    if request.post_only and time is not TimeInForce.RPI:
        return "GTX"
    if time is None:
        return TIME_IN_FORCE_WORDS[TimeInForce.GTC] if request.type.has_price else None
    return TIME_IN_FORCE_WORDS[time]


def _position(request: OrderRequest, mode: PositionMode | None) -> tuple[str | None, str | None]:
    """Return which position is named, and whether ``reduceOnly`` is said."""
    side = request.position_side
    hedge = mode is PositionMode.HEDGE or (mode is None and side in (PositionSide.LONG, PositionSide.SHORT))
    if not hedge:
        return None, flag(True) if request.reduce_only else None
    if side is None:  # `check` lets only closing orders through without
        side = closing_side(request.side)
    return POSITION_SIDE_WORDS[side], None


# Batches.


def batch_params(requests: Sequence[OrderRequest], mode: PositionMode | None = None) -> Params:
    """Return the parameters of a batch of LIMIT and MARKET orders: one JSON text of texts (facts D.2.8)."""
    rows = [
        {name: value if isinstance(value, str) else str(value) for name, value in order_params(each, mode)}
        for each in requests
    ]
    return (("batchOrders", _json(rows)),)


def cancel_many_params(instrument: Instrument, requests: Sequence[CancelRequest]) -> Params:
    """Return the parameters of a batch of cancels (facts D.2.8): by the venue's ids, or else by their own.

    Raises:
        InvalidInput: They are not all of that instrument, or share neither sort of id.
    """
    for each in requests:
        if each.instrument != instrument:
            raise InvalidInput(
                "cancels of one request are of one instrument",
                field="instrument",
                value=each.instrument,
                accepted=str(instrument),
            )
    symbol = ("symbol", instrument.symbol)
    if all(each.order_id for each in requests):
        return symbol, ("orderIdList", _json([id_param("", each.order_id)[1] for each in requests]))
    if all(each.client_order_id for each in requests):
        return symbol, ("origClientOrderIdList", _json([each.client_order_id for each in requests]))
    raise InvalidInput(
        "cancels of one request are all by the same sort of id",
        field="order_id",
        value=[each.order_id for each in requests],
        accepted="an order_id for each, or a client_order_id for each",
    )


def _json(value: object) -> str:
    """Return JSON without spaces: what is signed is what is sent (facts C.6)."""
    return msgspec.json.encode(value).decode()


# Cancel and amend.


def cancel_params(request: CancelRequest) -> Params:
    """Return the parameters of a cancel of a regular order (facts D.2.7).

    Raises:
        InvalidInput: It names no order.
    """
    return (("symbol", request.instrument.symbol), *id_params(request.client_order_id, request.order_id))


def algo_id_params(client_order_id: str, algo_id: str) -> Params:
    """Return which conditional order is meant: these are named without a symbol (facts D.2.4).

    Raises:
        InvalidInput: It has neither.
    """
    if algo_id:
        return (id_param("algoId", algo_id),)
    if client_order_id:
        return (("clientAlgoId", client_order_id),)
    raise InvalidInput(
        "an order is named by an id",
        field="order_id",
        value="",
        accepted="client_order_id or order_id (of a conditional order: its algo id)",
    )


def is_conditional(request: CancelRequest | AmendRequest, known: Order | None) -> bool | None:
    """Tell whether an order waits for its trigger; None where nobody knows."""
    said = request.conditional if isinstance(request, CancelRequest) else None
    if said is not None or known is None:
        return said
    return known.type.is_conditional and known.triggered is not True


def amend_params(exchange: Exchange, request: AmendRequest, known: Order | None = None) -> Params:
    """Return the parameters of a change: always side, quantity and price (facts D.2.6).

    Args:
        exchange: Which market.
        request: The change.
        known: What is known of the order: what the request leaves out is taken from there.

    Raises:
        InvalidInput: Something is not said and not known, or the order cannot be changed.
    """
    check_instrument(exchange, request.instrument)
    if is_conditional(request, known):
        raise InvalidInput(
            "a conditional order cannot be changed before its trigger",
            field="client_order_id",
            value=request.client_order_id,
            accepted="cancel it, and place another",
        )
    if known is not None and known.type not in (OrderType.LIMIT, OrderType.UNKNOWN) and not known.triggered:
        raise InvalidInput(
            "only limit orders can be changed",
            field="client_order_id",
            value=known.type.value,
            accepted="limit",
        )
    side = request.side or (None if known is None else known.side)
    quantity = request.quantity if request.quantity is not None or known is None else known.quantity
    price = request.price if request.price is not None or known is None else known.price
    for field, value in (("side", side), ("quantity", quantity), ("price", price)):
        if value is None:
            raise InvalidInput(
                "the futures want all of it", field=field, value=None, accepted="side, quantity and price"
            )
        if field != "side" and not value > 0:  # type: ignore[operator] # it is a number
            raise InvalidInput("it has to be above zero", field=field, value=value, accepted="above 0")
    assert side is not None and quantity is not None and price is not None  # noqa: S101, PT018 - see above
    amend_id = check_client_id(request.amend_id, field="amend_id") if request.amend_id else None
    return (
        ("symbol", request.instrument.symbol),
        ("side", SIDE_WORDS[side]),
        ("quantity", text(quantity, "quantity")),
        ("price", text(price, "price")),
        *id_params(request.client_order_id, request.order_id),
        *given(("modifyId", amend_id)),
    )
