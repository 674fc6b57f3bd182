"""What no order of a market can have, whatever its numbers: programming errors, found before sending.

Facts D.1.3 (spot), D.2.3 and D.2.4 (USD-M), D.3.1 (COIN-M). A trading rule that is broken is no such error:
see `toucan_execution.preflight`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Never

from toucan_execution.account import PositionMode
from toucan_execution.ids import check_client_id
from toucan_execution.orders import (
    OrderRequest,
    OrderType,
    PositionSide,
    ResponseKind,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_instrument import Exchange, Instrument, Side
from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput

__all__ = ["CALLBACK_BIPS", "check", "check_instrument", "closing_side"]

SPOT, USD_M, COIN_M = Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M

CALLBACK_BIPS: dict[Exchange, tuple[int, int]] = {
    # USD-M: 0.1 to 20 percent since 2026-10-23, before that to 10; COIN-M: 0.1 to 10 (facts D.2.4, D.3.1).
    USD_M: (10, 2_000),
    COIN_M: (10, 1_000),
}
LEAST_STRATEGY_TYPE = 1_000_000
MOST_PEG_LEVELS = 100
LATEST_GOOD_TILL_MS = 253_402_300_799_000

_SPOT_TIMES = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
_TIMES = {
    SPOT: _SPOT_TIMES,
    USD_M: (*_SPOT_TIMES, TimeInForce.GTD, TimeInForce.RPI),
    COIN_M: _SPOT_TIMES,
}
_FUTURES_SELF_TRADE = frozenset(
    {
        SelfTradePrevention.NONE,
        SelfTradePrevention.EXPIRE_TAKER,
        SelfTradePrevention.EXPIRE_MAKER,
        SelfTradePrevention.EXPIRE_BOTH,
    }
)
_ONLY_FUTURES = {
    "reduce_only": False,
    "close_position": False,
    "position_side": None,
    "price_protect": False,
    "price_match": None,
}
_ONLY_SPOT = {
    "quote_quantity": None,
    "iceberg_quantity": None,
    "peg": None,
    "strategy_id": None,
    "strategy_type": None,
}
_NUMBERS = (
    "quantity",
    "price",
    "quote_quantity",
    "trigger_price",
    "activation_price",
    "iceberg_quantity",
)
_CLOSING = (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)
TRAILING = OrderType.TRAILING_STOP_MARKET


def check_instrument(exchange: Exchange, instrument: Instrument) -> None:
    """Refuse an instrument of another market.

    Raises:
        InvalidInput: It is one, or no instrument.
    """
    if not isinstance(instrument, Instrument):
        raise InvalidInput(
            "that is no instrument", field="instrument", value=instrument, accepted="an Instrument"
        )
    if instrument.exchange is not exchange:
        raise InvalidInput(
            f"it is traded on {instrument.exchange.value}",
            field="instrument",
            value=instrument,
            accepted=f"an instrument of {exchange.value}",
        )


def check(
    request: OrderRequest,
    position_mode: PositionMode | None = None,
    *,
    exchange: Exchange,
    self_trade: Collection[SelfTradePrevention] | None = None,
    needs_quantity: bool = True,
) -> None:
    """Refuse an order that a market cannot have.

    Args:
        request: The order.
        position_mode: The account's, None where it is not known (and on spot).
        exchange: Which market.
        self_trade: The ways of self-trade prevention that the instrument allows, None where not known.
        needs_quantity: Whether it has to say how much; not the second order of an OPO list.

    Raises:
        InvalidInput: Which field is wrong, missing or not to be there, and what would be accepted.
    """
    check_instrument(exchange, request.instrument)
    _check_words(request, exchange)
    _check_numbers(request)
    if exchange is SPOT:
        _refuse_others(request, _ONLY_FUTURES, "spot has no such thing")
        if request.trigger_by is not None:
            _refuse(request, "trigger_by", "spot has one price alone", "None")
    else:
        _refuse_others(request, _ONLY_SPOT, f"{exchange.value} has no such thing")
        _check_position(request, position_mode)
    _check_amount(request, exchange, needs_quantity=needs_quantity)
    _check_price(request)
    _check_time(request, exchange)
    _check_trigger(request, exchange)
    _check_rest(request, exchange, self_trade)


def closing_side(side: Side) -> PositionSide:
    """Return the position that an order of a side makes smaller, in hedge mode."""
    return PositionSide.LONG if side is Side.SELL else PositionSide.SHORT


def _refuse(request: OrderRequest, field: str, why: str, accepted: str) -> Never:
    raise InvalidInput(why, field=field, value=getattr(request, field), accepted=accepted)


def _refuse_others(request: OrderRequest, fields: Mapping[str, object], why: str) -> None:
    for field, usual in fields.items():
        if getattr(request, field) != usual:
            _refuse(request, field, why, repr(usual))


def _check_words(request: OrderRequest, exchange: Exchange) -> None:
    if not isinstance(request.side, Side):
        _refuse(request, "side", "that is no side", "Side.BUY or Side.SELL")
    if not isinstance(request.type, OrderType) or request.type in (
        OrderType.LIQUIDATION,
        OrderType.UNKNOWN,
    ):
        known = [each.value for each in OrderType if each not in (OrderType.LIQUIDATION, OrderType.UNKNOWN)]
        _refuse(request, "type", "nobody can place such an order", ", ".join(known))
    if request.client_order_id:
        check_client_id(request.client_order_id)
    if request.response is ResponseKind.FULL and exchange is not SPOT:
        _refuse(request, "response", "the futures have no such answer", "ack or result")


def _check_numbers(request: OrderRequest) -> None:
    for field in _NUMBERS:
        value = getattr(request, field)
        if value is not None and not decimal_of(value, field=field) > 0:
            _refuse(request, field, "it has to be above zero", "a Decimal above 0")
        if value is not None and not isinstance(value, Decimal):
            _refuse(request, field, "that is no Decimal", f'Decimal("{value}")')
    for field in ("trailing_bips", "good_till_ns", "strategy_id", "strategy_type"):
        value = getattr(request, field)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            _refuse(request, field, "that is no whole number", "an int")


def _check_position(request: OrderRequest, mode: PositionMode | None) -> None:
    side = request.position_side
    named = side in (PositionSide.LONG, PositionSide.SHORT)
    closes = request.reduce_only or request.close_position
    if mode is PositionMode.ONE_WAY and named:
        _refuse(request, "position_side", "the account is in one-way mode", "None or both")
    if mode is PositionMode.HEDGE and not named:
        if side is PositionSide.BOTH:
            _refuse(request, "position_side", "the account is in hedge mode", "long or short")
        if not closes:
            _refuse(request, "position_side", "the account is in hedge mode: say which", "long or short")
    if named and closes and side is not closing_side(request.side):
        closing = closing_side(request.side).value
        _refuse(request, "position_side", f"a {request.side.value} order makes another smaller", closing)
    if request.close_position and request.reduce_only:
        _refuse(request, "reduce_only", "closing a position never makes one larger", "False")
    if request.close_position and request.type not in _CLOSING:
        _refuse(
            request, "close_position", f"not with {request.type.value}", "stop_market or take_profit_market"
        )


def _check_amount(request: OrderRequest, exchange: Exchange, *, needs_quantity: bool) -> None:
    quantity, quote = request.quantity, request.quote_quantity
    if not needs_quantity and quantity is not None:
        _refuse(request, "quantity", "it is what the order before it has bought", "None")
    if request.close_position:
        if quantity is not None:
            _refuse(request, "quantity", "close_position takes all of it", "None")
        return
    if quote is not None:
        if request.type is not OrderType.MARKET:
            _refuse(request, "quote_quantity", f"not with {request.type.value}", "a market order")
        if quantity is not None:
            _refuse(request, "quantity", "quote_quantity says how much", "one of the two")
    elif quantity is None and needs_quantity:
        more = " or quote_quantity" if exchange is SPOT and request.type is OrderType.MARKET else ""
        _refuse(request, "quantity", "it is missing", f"a Decimal above 0{more}")


def _check_price(request: OrderRequest) -> None:
    instead = next((each for each in ("price_match", "peg") if getattr(request, each) is not None), "")
    if not request.type.has_price:
        for field in ("price", "price_match", "peg"):
            if getattr(request, field) is not None:
                _refuse(request, field, f"a {request.type.value} order has no limit price", "None")
    elif instead and request.price is not None:
        _refuse(request, "price", f"{instead} gives the price", "one of the two")
    elif not instead and request.price is None:
        _refuse(request, "price", "it is missing", "a Decimal above 0")
    peg = request.peg
    if peg is None:
        return
    if peg.price not in ("primary", "market"):
        _refuse(request, "peg", "no price to follow is called that", "primary or market")
    if peg.levels is not None and not 1 <= peg.levels <= MOST_PEG_LEVELS:
        _refuse(request, "peg", "not so many levels away", f"1 to {MOST_PEG_LEVELS} levels")


def _check_time(request: OrderRequest, exchange: Exchange) -> None:
    time, accepted = request.time_in_force, _TIMES[exchange]
    if time is not None and time not in accepted:
        _refuse(
            request,
            "time_in_force",
            f"{exchange.value} has none such",
            ", ".join(each.value for each in accepted),
        )
    if time is not None and not request.type.has_price:
        standing = exchange is not SPOT and request.type.is_conditional and time is TimeInForce.GTC
        if not standing:
            _refuse(request, "time_in_force", f"a {request.type.value} order does not stand", "None")
    if time is TimeInForce.RPI and request.type is not OrderType.LIMIT:
        _refuse(request, "time_in_force", f"not with {request.type.value}", "a limit order")
    if (time is TimeInForce.GTD) is (request.good_till_ns is None):
        _refuse(request, "good_till_ns", "it belongs to GTD", "a time with GTD, else None")
    if request.good_till_ns is not None and not (0 < request.good_till_ns // 1_000_000 < LATEST_GOOD_TILL_MS):
        _refuse(
            request, "good_till_ns", "that is no such time", "more than 10 minutes ahead, before 9999-12-31"
        )
    if request.post_only:
        _check_post_only(request, exchange)


def _check_post_only(request: OrderRequest, exchange: Exchange) -> None:
    if not request.type.has_price:
        _refuse(request, "post_only", f"a {request.type.value} order takes liquidity", "False")
    if exchange is SPOT and request.type is not OrderType.LIMIT:
        _refuse(request, "post_only", f"not with {request.type.value} on spot", "a limit order")
    if request.time_in_force not in (None, TimeInForce.GTC, TimeInForce.RPI):
        _refuse(request, "time_in_force", "a post-only order rests until it is cancelled", "None or gtc")


def _check_trigger(request: OrderRequest, exchange: Exchange) -> None:
    conditional = request.type.is_conditional
    if not conditional:
        for field, usual in (
            ("trigger_price", None),
            ("trigger_by", None),
            ("price_protect", False),
            ("activation_price", None),
            ("trailing_bips", None),
        ):
            if getattr(request, field) != usual:
                _refuse(request, field, f"a {request.type.value} order waits for nothing", repr(usual))
        return
    if request.activation_price is not None and request.type is not TRAILING:
        _refuse(request, "activation_price", f"not with {request.type.value}", "a trailing stop")
    if request.trigger_price is not None and request.type is TRAILING:
        _refuse(request, "trigger_price", "the trigger of a trailing stop follows", "activation_price")
    if exchange is not SPOT and request.trailing_bips is not None and request.type is not TRAILING:
        _refuse(request, "trailing_bips", f"not with {request.type.value}", "a trailing stop")
    if request.type is TRAILING or request.trailing_bips is not None:
        _check_trailing(request, exchange)
    elif request.trigger_price is None:
        more = " or trailing_bips" if exchange is SPOT else ""
        _refuse(request, "trigger_price", "it is missing", f"a Decimal above 0{more}")


def _check_trailing(request: OrderRequest, exchange: Exchange) -> None:
    least, most = CALLBACK_BIPS.get(exchange, (1, None))
    bips = request.trailing_bips
    if bips is None or bips < least or (most is not None and bips > most):
        wanted = f"{least} or more" if most is None else f"{least} to {most}"
        _refuse(request, "trailing_bips", "how far it follows", f"{wanted} hundredths of a percent")


def _check_rest(
    request: OrderRequest, exchange: Exchange, self_trade: Collection[SelfTradePrevention] | None
) -> None:
    iceberg = request.iceberg_quantity
    if iceberg is not None:
        if not request.type.has_price:
            _refuse(request, "iceberg_quantity", f"not with {request.type.value}", "an order with a price")
        if request.time_in_force not in (None, TimeInForce.GTC):
            _refuse(request, "time_in_force", "an iceberg order rests until it is cancelled", "None or gtc")
        if request.quantity is not None and iceberg > request.quantity:
            _refuse(request, "iceberg_quantity", "more than all of it", f"up to {request.quantity}")
    if request.strategy_type is not None and request.strategy_type < LEAST_STRATEGY_TYPE:
        _refuse(request, "strategy_type", "it is too small", f"{LEAST_STRATEGY_TYPE} or more")
    mode = request.self_trade_prevention
    if mode is None:
        return
    accepted: Collection[SelfTradePrevention] = [
        each for each in SelfTradePrevention if each is not SelfTradePrevention.UNKNOWN
    ]
    if exchange is not SPOT:
        accepted = _FUTURES_SELF_TRADE
    if self_trade is not None:
        accepted = [each for each in accepted if each in self_trade]
    if mode not in accepted:
        words = ", ".join(sorted(each.value for each in accepted))
        _refuse(request, "self_trade_prevention", f"{request.instrument} does not allow it", words)
