"""Whether a request makes sense at all, whatever the market does: fields that are missing or too many.

What is wrong here is a programming error and raises `InvalidInput`, before anything is asked of the engine's
state. The tables are those of facts D.1.3, D.2.3, D.2.4 and D.4.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from toucan_execution.mock.settings import EngineSettings
from toucan_execution.orders import (
    ListKind,
    OrderListRequest,
    OrderRequest,
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTradePrevention,
    TimeInForce,
    TriggerPrice,
)
from toucan_instrument import Side
from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput

__all__ = ["check_client_id", "check_list_shape", "check_shape", "complete"]

NUMBERS = ("quantity", "price", "quote_quantity", "trigger_price", "activation_price", "iceberg_quantity")
WORDS: dict[str, type[StrEnum]] = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "position_side": PositionSide,
    "trigger_by": TriggerPrice,
    "self_trade_prevention": SelfTradePrevention,
    "price_match": PriceMatch,
}
NEEDED = ("side", "type")
CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
SPOT_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
STOPS = frozenset({OrderType.STOP_MARKET, OrderType.STOP_LIMIT})
PROFITS = frozenset({OrderType.TAKE_PROFIT_MARKET, OrderType.TAKE_PROFIT_LIMIT})
CLOSERS = frozenset({OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET})
PLACED = STOPS | PROFITS | {OrderType.LIMIT, OrderType.MARKET, OrderType.TRAILING_STOP_MARKET}
FUTURES_FIELDS = (
    "reduce_only",
    "close_position",
    "position_side",
    "trigger_by",
    "price_protect",
    "price_match",
)
SPOT_FIELDS = ("quote_quantity", "iceberg_quantity", "peg", "strategy_id", "strategy_type")
MOST_TRAILING = 2_000
LIST_SIZES = {ListKind.OCO: 2, ListKind.OTO: 2, ListKind.OPO: 2, ListKind.OTOCO: 3, ListKind.OPOCO: 3}


def _refuse(message: str, field: str, value: object, accepted: str = "") -> None:
    raise InvalidInput(message, field=field, value=value, accepted=accepted)


def check_shape(request: OrderRequest, settings: EngineSettings, *, pending: bool = False) -> None:
    """Refuse an order that makes no sense.

    Args:
        request: The order.
        settings: Of the market.
        pending: Whether its quantity comes from the order that it waits for (spot lists).

    Raises:
        InvalidInput: Which field is wrong, missing or not to be there.
    """
    for name, words in WORDS.items():
        word = getattr(request, name)
        if not (isinstance(word, words) or (word is None and name not in NEEDED)):
            _refuse("is none of the words for it", name, word, ", ".join(words))
    for name in NUMBERS:
        value = getattr(request, name)
        if value is not None and not decimal_of(value, field=name) > 0:
            _refuse("must be above zero", name, value, "a Decimal above 0")
    if request.type not in PLACED:
        _refuse("cannot be placed", "type", request.type, ", ".join(sorted(PLACED)))
    check_client_id(request.client_order_id, spot=settings.spot)
    for name in FUTURES_FIELDS if settings.spot else SPOT_FIELDS:
        if getattr(request, name):
            _refuse("this market has no such thing", name, getattr(request, name))
    _check_quantity(request, pending=pending)
    _check_price(request)
    _check_time(request, settings)
    _check_trigger(request, spot=settings.spot)
    _check_prevention(request, settings)


def check_client_id(text: str, *, spot: bool, field: str = "client_order_id") -> None:
    """Refuse an id that the venue would not take; an empty one is made by whoever places the order."""
    pattern = SPOT_CLIENT_ID if spot else CLIENT_ID
    if text and not pattern.fullmatch(text):
        _refuse("not an id that the venue takes", field, text, pattern.pattern)


def _check_quantity(request: OrderRequest, *, pending: bool) -> None:
    if request.close_position:
        if request.type not in CLOSERS:
            _refuse("only stops and take profits at the market close a position", "type", request.type)
        if request.quantity is not None or request.reduce_only:
            name = "quantity" if request.quantity is not None else "reduce_only"
            _refuse("not with close_position", name, getattr(request, name))
        return
    if request.quote_quantity is not None:
        if request.type is not OrderType.MARKET:
            _refuse("only market orders have it", "quote_quantity", request.quote_quantity)
        if request.quantity is not None:
            _refuse("not with quote_quantity", "quantity", request.quantity)
        return
    if (request.quantity is None) != pending:
        wanted = "none: the order that it waits for says it" if pending else "a Decimal above 0"
        _refuse("is needed" if not pending else "not here", "quantity", request.quantity, wanted)


def _check_price(request: OrderRequest) -> None:
    given = [name for name in ("price", "price_match", "peg") if getattr(request, name) is not None]
    if request.type.has_price and len(given) != 1:
        _refuse("exactly one of price, price_match and peg is needed", "price", request.price, "a Decimal")
    if not request.type.has_price and given:
        _refuse(f"{request.type.value} orders have none", given[0], getattr(request, given[0]))
    if request.peg is not None and request.peg.price not in ("primary", "market"):
        _refuse("no such peg", "peg", request.peg, "primary, market")


def _check_time(request: OrderRequest, settings: EngineSettings) -> None:
    tif = request.time_in_force
    if tif is TimeInForce.UNKNOWN:
        _refuse("is not known", "time_in_force", tif)
    if tif is not None and not request.type.has_price:
        _refuse(f"{request.type.value} orders have none", "time_in_force", tif)
    if request.post_only and (not request.type.has_price or tif in (TimeInForce.IOC, TimeInForce.FOK)):
        _refuse("such an order cannot rest", "post_only", request.post_only)
    if tif in (TimeInForce.GTD, TimeInForce.RPI) and not settings.good_till_date:
        _refuse("this market has no such thing", "time_in_force", tif, "gtc, ioc, fok")
    if (tif is TimeInForce.GTD) != (request.good_till_ns is not None):
        _refuse("goes with time_in_force gtd, and only with it", "good_till_ns", request.good_till_ns)
    if request.iceberg_quantity is not None:
        if not request.type.has_price or tif not in (None, TimeInForce.GTC):
            _refuse("only orders that rest till cancelled have it", "iceberg_quantity", tif)
        if request.quantity is not None and request.iceberg_quantity > request.quantity:
            _refuse("more than the quantity", "iceberg_quantity", request.iceberg_quantity)


def _check_trigger(request: OrderRequest, *, spot: bool) -> None:
    kind = request.type
    trails = kind is OrderType.TRAILING_STOP_MARKET
    bips = request.trailing_bips
    if bips is not None and not (kind.is_conditional and (spot or trails)):
        _refuse(f"{kind.value} orders have none", "trailing_bips", bips)
    if bips is not None and not 1 <= bips <= MOST_TRAILING:
        _refuse("out of range", "trailing_bips", bips, f"1 to {MOST_TRAILING}")
    if trails and bips is None:
        _refuse("is needed", "trailing_bips", bips, f"1 to {MOST_TRAILING}")
    if kind in STOPS | PROFITS and bips is None and request.trigger_price is None:
        _refuse("is needed", "trigger_price", None, "a Decimal above 0")
    if request.trigger_price is not None and kind not in STOPS | PROFITS:
        _refuse(f"{kind.value} orders have none", "trigger_price", request.trigger_price)
    if request.activation_price is not None and not trails:
        _refuse(f"{kind.value} orders have none", "activation_price", request.activation_price)
    if (request.trigger_by is not None or request.price_protect) and not kind.is_conditional:
        _refuse(f"{kind.value} orders have none", "trigger_by", request.trigger_by)


def _check_prevention(request: OrderRequest, settings: EngineSettings) -> None:
    mode = request.self_trade_prevention
    if mode is not None and mode not in settings.allowed_prevention:
        allowed = ", ".join(each.value for each in settings.allowed_prevention)
        _refuse("not allowed here", "self_trade_prevention", mode, allowed)


def check_list_shape(request: OrderListRequest, settings: EngineSettings) -> None:
    """Refuse a list that makes no sense.

    Raises:
        InvalidInput: Which field is wrong.
    """
    if not settings.spot:
        _refuse("this market has no order lists", "kind", request.kind)
    size = LIST_SIZES.get(request.kind)
    if size is None or len(request.orders) != size:
        _refuse(f"{request.kind.value} has {size or 'no'} orders", "orders", len(request.orders), str(size))
    check_client_id(request.client_list_id, spot=True, field="client_list_id")
    from_first = request.kind in (ListKind.OPO, ListKind.OPOCO)
    for place, order in enumerate(request.orders):
        if order.instrument != request.instrument:
            _refuse("not the list's", "instrument", order.instrument, str(request.instrument))
        check_shape(order, settings, pending=from_first and place > 0)
    if request.kind is not ListKind.OCO and request.orders[0].type is not OrderType.LIMIT:
        _refuse("the order that others wait for has a limit", "type", request.orders[0].type, "limit")
    if request.kind is not ListKind.OTO and request.kind is not ListKind.OPO:
        _check_pair(request.orders[-2], request.orders[-1])


def _check_pair(above: OrderRequest, below: OrderRequest) -> None:
    """Refuse two orders of which one could not cancel the other (facts D.1.9)."""
    if above.side is not below.side or above.quantity != below.quantity:
        _refuse("both have the same side and quantity", "orders", (above.quantity, below.quantity))
    stops = [order.type in STOPS for order in (above, below)]
    if stops.count(True) != 1:
        _refuse("one is a stop, the other a limit or a take profit", "orders", (above.type, below.type))
    other = below if stops[0] else above
    if other.type is OrderType.LIMIT and not other.post_only:
        _refuse("the limit order of such a pair is post-only", "post_only", other.post_only)
    if other.type is not OrderType.LIMIT and other.type not in PROFITS:
        _refuse("one is a stop, the other a limit or a take profit", "type", other.type)


def complete(request: OrderRequest, settings: EngineSettings, *, client_order_id: str) -> OrderRequest:
    """Return an order with all that it leaves to the venue filled in."""
    changes: dict[str, object] = {"client_order_id": client_order_id}
    if request.time_in_force is None and request.type.has_price:
        changes["time_in_force"] = TimeInForce.GTC
    if request.self_trade_prevention is None:
        changes["self_trade_prevention"] = settings.prevention
    if not settings.spot and request.position_side is None:
        changes["position_side"] = PositionSide.BOTH
    if request.type.is_conditional and request.trigger_by is None:
        changes["trigger_by"] = TriggerPrice.LAST
    return msgspec.structs.replace(request, **changes)
