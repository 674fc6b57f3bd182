"""Spot: requests as parameters (facts D.1.3 to D.1.9). Pure: what they are made from was checked before."""

from __future__ import annotations

from collections.abc import Collection

from toucan_execution.call import Params
from toucan_execution.client.binance.params import given, id_param, text
from toucan_execution.client.binance.requests_check import check, check_instrument
from toucan_execution.client.binance.words import (
    PREVENTION_WORDS,
    RESPONSE_WORDS,
    SIDE_WORDS,
    SPOT_TYPE_WORDS,
    TIME_IN_FORCE_WORDS,
)
from toucan_execution.ids import check_client_id
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    Order,
    OrderListRequest,
    OrderRequest,
    OrderType,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_instrument import Exchange
from toucan_instrument.errors import InvalidInput

__all__ = [
    "amend_params",
    "cancel_params",
    "cancel_replace_params",
    "check_list",
    "id_params",
    "list_params",
    "order_params",
]

_PEGS = {"primary": "PRIMARY_PEG", "market": "MARKET_PEG"}

_PREFIXES: dict[ListKind, tuple[str, ...]] = {  # facts D.1.9: which leg is which
    ListKind.OCO: ("above", "below"),
    ListKind.OTO: ("working", "pending"),
    ListKind.OTOCO: ("working", "pendingAbove", "pendingBelow"),
    ListKind.OPO: ("working", "pending"),
    ListKind.OPOCO: ("working", "pendingAbove", "pendingBelow"),
}
_PAIRED = {ListKind.OCO: 0, ListKind.OTOCO: 1, ListKind.OPOCO: 1}
"""Lists with two legs of which one cancels the other, and where those begin: side and quantity are shared."""
_BOUGHT = (ListKind.OPO, ListKind.OPOCO)


def order_params(request: OrderRequest) -> Params:
    """Return the parameters of a new order, or of a test of one (facts D.1.3)."""
    return (("symbol", request.instrument.symbol), *_new_order(request))


def _new_order(request: OrderRequest) -> Params:
    return (
        ("side", SIDE_WORDS[request.side]),
        ("type", _type(request)),
        *given(
            ("timeInForce", _time(request)),
            ("quantity", _text(request, "quantity")),
            ("quoteOrderQty", _text(request, "quote_quantity")),
            ("price", _text(request, "price")),
            ("newClientOrderId", request.client_order_id or None),
            ("strategyId", request.strategy_id),
            ("strategyType", request.strategy_type),
            ("stopPrice", _stop(request)),
            ("trailingDelta", request.trailing_bips),
            ("icebergQty", _text(request, "iceberg_quantity")),
            ("newOrderRespType", None if request.response is None else RESPONSE_WORDS[request.response]),
            ("selfTradePreventionMode", _self_trade(request.self_trade_prevention)),
        ),
        *_peg(request, ""),
    )


def _type(request: OrderRequest) -> str:
    return "LIMIT_MAKER" if request.post_only else SPOT_TYPE_WORDS[request.type]


def _time(request: OrderRequest) -> str | None:
    """Return the time in force, where the type needs one: GTC by default."""
    if not request.type.has_price or request.post_only:
        return None
    return TIME_IN_FORCE_WORDS[request.time_in_force or TimeInForce.GTC]


def _text(request: OrderRequest, field: str) -> str | None:
    value = getattr(request, field)
    return None if value is None else text(value, field)


def _stop(request: OrderRequest) -> str | None:
    """Return the price that triggers; with a trailing delta: from which on it follows."""
    trailing = request.type is OrderType.TRAILING_STOP_MARKET
    return _text(request, "activation_price" if trailing else "trigger_price")


def _self_trade(mode: SelfTradePrevention | None) -> str | None:
    return None if mode is None else PREVENTION_WORDS[mode]


def _peg(request: OrderRequest, prefix: str) -> Params:
    peg = request.peg
    if peg is None:
        return ()
    levels = peg.levels
    return given(
        (_name(prefix, "pegPriceType"), _PEGS[peg.price]),
        (_name(prefix, "pegOffsetType"), None if levels is None else "PRICE_LEVEL"),
        (_name(prefix, "pegOffsetValue"), levels),
    )


def _name(prefix: str, name: str) -> str:
    return prefix + name[0].upper() + name[1:] if prefix else name


# Cancel, cancel-replace, amend.


def id_params(client_order_id: str, order_id: str) -> Params:
    """Return which order is meant: by the venue's id where that is known, which is the fastest (D.1.6).

    Raises:
        InvalidInput: It has neither.
    """
    if order_id:
        return (id_param("orderId", order_id),)
    if client_order_id:
        return (("origClientOrderId", client_order_id),)
    raise InvalidInput(
        "an order is named by an id", field="order_id", value="", accepted="client_order_id or order_id"
    )


def cancel_params(request: CancelRequest) -> Params:
    """Return the parameters of a cancel (facts D.1.6).

    Raises:
        InvalidInput: It names no order, or one of another market.
    """
    check_instrument(Exchange.BINANCE_SPOT, request.instrument)
    return (("symbol", request.instrument.symbol), *id_params(request.client_order_id, request.order_id))


def cancel_replace_params(request: CancelReplaceRequest) -> Params:
    """Return the parameters of a cancel-replace (facts D.1.7).

    Raises:
        InvalidInput: The two are not of one instrument, or the cancel names no order.
    """
    cancel, place = request.cancel, request.place
    if cancel.instrument != place.instrument:
        raise InvalidInput(
            "both halves are of one instrument",
            field="cancel.instrument",
            value=cancel.instrument,
            accepted=str(place.instrument),
        )
    [(name, value)] = id_params(cancel.client_order_id, cancel.order_id)
    renamed = {"orderId": "cancelOrderId", "origClientOrderId": "cancelOrigClientOrderId"}[name]
    mode = "STOP_ON_FAILURE" if request.stop_on_failure else "ALLOW_FAILURE"
    return (
        ("symbol", place.instrument.symbol),
        ("cancelReplaceMode", mode),
        (renamed, value),
        *_new_order(place),
    )


def amend_params(request: AmendRequest, known: Order | None = None) -> Params:
    """Return the parameters of an amend that keeps the order's priority (facts D.1.8).

    Args:
        request: The change: a smaller quantity, and nothing else.
        known: What is known of the order.

    Raises:
        InvalidInput: It is another sort of change, which needs a cancel-replace; or it names no order.
    """
    check_instrument(Exchange.BINANCE_SPOT, request.instrument)
    other = "a smaller quantity; cancel_replace for anything else"
    if request.price is not None:
        raise InvalidInput(
            "a spot order keeps its price", field="price", value=request.price, accepted=f"None: {other}"
        )
    if request.quantity is None:
        raise InvalidInput("it is missing", field="quantity", value=None, accepted=other)
    quantity = text(request.quantity, "quantity")
    most = None if known is None else known.quantity
    if request.quantity <= 0 or (most is not None and request.quantity >= most):
        below = "" if most is None else f" below {most}"
        raise InvalidInput(
            "an amend only makes an order smaller",
            field="quantity",
            value=request.quantity,
            accepted=f"above 0{below}: {other}",
        )
    return (
        ("symbol", request.instrument.symbol),
        *id_params(request.client_order_id, request.order_id),
        ("newClientOrderId", _kept_id(request, known)),
        ("newQty", quantity),
    )


def _kept_id(request: AmendRequest, known: Order | None) -> str:
    """Return the id that the order has afterwards; left out, the venue would make up another."""
    if request.amend_id:
        return check_client_id(request.amend_id, field="amend_id")
    client_id = request.client_order_id or (known.client_order_id if known is not None else "")
    if not client_id:
        raise InvalidInput(
            "the venue would give the order another id",
            field="client_order_id",
            value="",
            accepted="the order's own id, or an amend_id",
        )
    return client_id


# Lists.


def check_list(
    request: OrderListRequest, *, self_trade: Collection[SelfTradePrevention] | None = None
) -> None:
    """Refuse a list that spot cannot have (facts D.1.9); `toucan_execution.orders.ListKind` names the legs.

    Args:
        request: The list.
        self_trade: The ways of self-trade prevention that the instrument allows, None where not known.

    Raises:
        InvalidInput: Which field is wrong, and what would be accepted.
    """
    check_instrument(Exchange.BINANCE_SPOT, request.instrument)
    prefixes = _PREFIXES.get(request.kind)
    if prefixes is None:
        accepted = ", ".join(kind.value for kind in _PREFIXES)
        raise InvalidInput("there is no such list", field="kind", value=request.kind.value, accepted=accepted)
    legs = request.orders
    if len(legs) != len(prefixes):
        raise InvalidInput(
            f"an {request.kind.value} list has other legs",
            field="orders",
            value=len(legs),
            accepted=", ".join(prefixes),
        )
    if request.client_list_id:
        check_client_id(request.client_list_id, field="client_list_id")
    mode = request.self_trade_prevention
    if mode is not None and (
        mode not in PREVENTION_WORDS or (self_trade is not None and mode not in self_trade)
    ):
        raise InvalidInput(
            f"{request.instrument} does not allow it",
            field="self_trade_prevention",
            value=mode.value,
            accepted=", ".join(sorted(each.value for each in self_trade or PREVENTION_WORDS)),
        )
    for number, leg in enumerate(legs):
        _check_leg(request, leg, number)
    _check_legs(request)


def _check_leg(request: OrderListRequest, leg: OrderRequest, number: int) -> None:
    bought = request.kind in _BOUGHT and number > 0
    if leg.instrument != request.instrument:
        _refuse_leg(number, "instrument", leg, str(request.instrument), "a list is of one instrument")
    check(leg, exchange=Exchange.BINANCE_SPOT, needs_quantity=not bought)
    for field in ("response", "self_trade_prevention"):
        if getattr(leg, field) is not None:
            _refuse_leg(number, field, leg, "None", "it is said for the list as a whole")
    if leg.quote_quantity is not None:
        _refuse_leg(number, "quote_quantity", leg, "a quantity", "no list takes it")
    working = request.kind is not ListKind.OCO and number == 0
    if working and leg.type is not OrderType.LIMIT:
        _refuse_leg(number, "type", leg, "limit", "the first order works on the book at once")


def _refuse_leg(number: int, field: str, leg: OrderRequest, accepted: str, why: str) -> None:
    raise InvalidInput(why, field=f"orders[{number}].{field}", value=getattr(leg, field), accepted=accepted)


def _check_legs(request: OrderListRequest) -> None:
    """Check what the legs that cancel one another share, and that one is a limit and the other a stop."""
    first = _PAIRED.get(request.kind)
    if first is None:
        return
    pair = request.orders[first:]
    for field in ("side", "quantity"):
        if getattr(pair[0], field) != getattr(pair[1], field):
            accepted = f"as orders[{first}]: {getattr(pair[0], field)}"
            _refuse_leg(first + 1, field, pair[1], accepted, "both legs share it")
    stops = [leg.type in _STOPS for leg in pair]
    if stops.count(True) != 1 or any(leg.type is OrderType.MARKET for leg in pair):
        value = ", ".join(leg.type.value for leg in pair)
        raise InvalidInput(
            "one leg stops a loss, and the other takes a profit",
            field="orders",
            value=value,
            accepted="a post-only limit or a take profit, and a stop",
        )
    for leg, number in zip(pair, (first, first + 1), strict=True):
        if leg.type is OrderType.LIMIT and not leg.post_only:
            _refuse_leg(number, "post_only", leg, "True", "a limit leg is post-only")


_STOPS = (OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_MARKET)


def list_params(request: OrderListRequest) -> Params:
    """Return the parameters of a new list (facts D.1.9), which `check_list` has passed."""
    params: list[tuple[str, str | int | bool]] = [("symbol", request.instrument.symbol)]
    params += given(
        ("listClientOrderId", request.client_list_id or None),
        ("newOrderRespType", None if request.response is None else RESPONSE_WORDS[request.response]),
        ("selfTradePreventionMode", _self_trade(request.self_trade_prevention)),
    )
    paired = _PAIRED.get(request.kind)
    if paired is not None:  # side and quantity stand once, before the two legs that share them
        shared, prefix = request.orders[paired], "" if paired == 0 else "pending"
        params.append((_name(prefix, "side"), SIDE_WORDS[shared.side]))
        params += given((_name(prefix, "quantity"), _text(shared, "quantity")))
    for number, (prefix, leg) in enumerate(zip(_PREFIXES[request.kind], request.orders, strict=True)):
        params += _leg(leg, prefix, shared=paired is not None and number >= paired)
    return tuple(params)


def _leg(leg: OrderRequest, prefix: str, *, shared: bool) -> Params:
    return (
        (_name(prefix, "type"), _type(leg)),
        *given(
            (_name(prefix, "side"), None if shared else SIDE_WORDS[leg.side]),
            (_name(prefix, "clientOrderId"), leg.client_order_id or None),
            (_name(prefix, "price"), _text(leg, "price")),
            (_name(prefix, "quantity"), None if shared else _text(leg, "quantity")),
            (_name(prefix, "stopPrice"), _stop(leg)),
            (_name(prefix, "trailingDelta"), leg.trailing_bips),
            (_name(prefix, "icebergQty"), _text(leg, "iceberg_quantity")),
            (_name(prefix, "timeInForce"), _time(leg)),
            (_name(prefix, "strategyId"), leg.strategy_id),
            (_name(prefix, "strategyType"), leg.strategy_type),
        ),
        *_peg(leg, prefix),
    )
