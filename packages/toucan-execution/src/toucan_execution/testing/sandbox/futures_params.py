"""Orders as the futures' requests say them, read as strictly as the venue reads them (facts D.2.3, D.2.4)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from toucan_execution.account import PositionMode
from toucan_execution.client.binance.requests_check import CALLBACK_BIPS, LATEST_GOOD_TILL_MS
from toucan_execution.client.binance.words import (
    FUTURES_TYPES,
    POSITION_SIDES,
    PREVENTIONS,
    PRICE_MATCH_WORDS,
    RESPONSE_WORDS,
    SIDES,
    TIMES_IN_FORCE,
    TRIGGER_PRICES,
)
from toucan_execution.mock.amounts import multiply
from toucan_execution.orders import (
    OrderRequest,
    OrderType,
    PositionSide,
    PriceMatch,
    ResponseKind,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_execution.testing.sandbox.endpoint import Ask
from toucan_execution.testing.sandbox.errors import ApiError, illegal, missing
from toucan_execution.testing.sandbox.futures_core import FuturesCore
from toucan_execution.testing.sandbox.futures_errors import refuse
from toucan_execution.testing.sandbox.futures_notes import OrderNote
from toucan_execution.testing.sandbox.futures_rows import MILLI, digits_of
from toucan_execution.testing.sandbox.params import Params
from toucan_instrument import Instrument, Side

__all__ = [
    "AskedOrder",
    "algo_order",
    "precise",
    "price_match_of",
    "regular_order",
    "said_price",
    "said_quantity",
    "said_side",
]

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]+")
LEGAL_CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
LONGEST_ID = 36
SECOND_MS = 1_000
PERCENT = Decimal(100)
FLAGS = {"true": True, "false": False}
PRICE_MATCHES = {word: match for match, word in PRICE_MATCH_WORDS.items()}
ANSWERS = {word: kind for kind, word in RESPONSE_WORDS.items() if kind is not ResponseKind.FULL}
CLOSERS = (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)
TRAILING = OrderType.TRAILING_STOP_MARKET
OF_CONDITIONS = ("stopPrice", "activationPrice", "callbackRate")
OF_GUI = "GTE_GTC"
"""Of conditional orders alone; here it stands as GTC does (facts D.2.4)."""
AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


class AskedOrder(NamedTuple):
    """An order that a request asks for.

    Attributes:
        request: For the engine.
        note: What is noted of it.
        final: Whether the answer shall say what became of it (facts D.2.3).
    """

    request: OrderRequest
    note: OrderNote
    final: bool


# One parameter.


def said_side(params: Params) -> Side:
    """Return the side."""
    found = params.word("side", SIDES, refuse(-1117))
    if found is None:
        raise missing("side")
    return found


def precise(params: Params, name: str, digits: int) -> Decimal | None:
    """Return a number that has no more digits than its instrument allows."""
    value = params.decimal(name)
    if value is not None and len(params.text(name).partition(".")[2].rstrip("0")) > digits:
        raise refuse(-1111)
    return value


def said_quantity(params: Params, instrument: Instrument) -> Decimal | None:
    """Return the quantity, None where it was not sent."""
    quantity = precise(params, "quantity", digits_of(instrument).quantity)
    if quantity is not None and quantity <= 0:
        raise refuse(-4003)
    return quantity


def said_price(params: Params, instrument: Instrument) -> Decimal | None:
    """Return the limit price, None where it was not sent."""
    price = precise(params, "price", digits_of(instrument).price)
    if price is not None and price <= 0:
        raise refuse(-4001)
    return price


def price_match_of(params: Params) -> PriceMatch | None:
    """Return the price of the book that is taken, None for none."""
    if params.text("priceMatch") == "NONE":
        return None
    return params.word("priceMatch", PRICE_MATCHES, refuse(-5037))


def _type(params: Params) -> OrderType:
    found = params.word("type", FUTURES_TYPES, refuse(-1116))
    if found is None or found is OrderType.LIQUIDATION:
        raise refuse(-1116)
    return found


def _position_side(params: Params, mode: PositionMode) -> PositionSide:
    side = params.word("positionSide", POSITION_SIDES, refuse(-4060)) or PositionSide.BOTH
    if (mode is PositionMode.HEDGE) is (side is PositionSide.BOTH):
        raise refuse(-4061)
    return side


def _flag(params: Params, name: str, error: ApiError) -> bool:
    if name not in params:
        return False
    found = FLAGS.get(params.text(name).lower())
    if found is None:
        raise error
    return found


def _reduce_only(params: Params, mode: PositionMode) -> bool:
    if "reduceOnly" in params and mode is PositionMode.HEDGE:
        raise refuse(-1106, "reduceonly")
    return _flag(params, "reduceOnly", refuse(-4062))


def _client_id(params: Params, name: str, core: FuturesCore) -> str:
    text = params.text(name)
    if len(text) > LONGEST_ID:
        raise refuse(-4015)
    if text and not CLIENT_ID.fullmatch(text):
        raise illegal(name, LEGAL_CLIENT_ID)
    return text or core.new_client_id()


def _prevention(params: Params, core: FuturesCore) -> SelfTradePrevention | None:
    found = params.word("selfTradePreventionMode", PREVENTIONS, refuse(-5039))
    if found is not None and found not in core.engine.settings.allowed_prevention:
        raise refuse(-5039)
    return found


def _answer(params: Params) -> ResponseKind:
    return params.word("newOrderRespType", ANSWERS, refuse(-1136)) or ResponseKind.ACK


def _time(params: Params, core: FuturesCore) -> str:
    """Return the word for how long an order stands, empty for none."""
    word = params.text("timeInForce")
    found = TIMES_IN_FORCE.get(word)
    dated = found in (TimeInForce.GTD, TimeInForce.RPI)
    if word and (found is None or (dated and not core.engine.settings.good_till_date)):
        raise refuse(-1115)
    return word


def _good_till(params: Params, word: str, ask: Ask) -> int | None:
    """Return until when an order stands: rounded to seconds, and far enough ahead (facts D.2.3)."""
    until = params.integer("goodTillDate")
    if word != "GTD":
        if until:
            raise refuse(-1106, "goodTillDate")
        return None
    if until is None:
        raise missing("goodTillDate")
    until -= until % SECOND_MS
    least = ask.now_ns + ask.engine.settings.least_good_till_ns
    if until * MILLI <= least or until >= LATEST_GOOD_TILL_MS:
        raise refuse(-5040)
    return until * MILLI


# Whole orders.


class _Limit(NamedTuple):
    """A limit price, or where it comes from."""

    price: Decimal | None = None
    match: PriceMatch | None = None

    @property
    def word(self) -> str:
        return "NONE" if self.match is None else PRICE_MATCH_WORDS[self.match]


def _limit(params: Params, kind: OrderType, instrument: Instrument) -> _Limit:
    match = price_match_of(params)
    if not kind.has_price:
        if match is not None:
            raise refuse(-5038)
        if "price" in params and params.decimal("price"):
            raise refuse(-1106, "price")
        return _Limit()
    if match is not None:
        if "price" in params:
            raise refuse(-1128)
        return _Limit(None, match)
    price = said_price(params, instrument)
    if price is None:
        raise missing("price")
    return _Limit(price)


def regular_order(core: FuturesCore, ask: Ask, params: Params) -> AskedOrder:
    """Read a LIMIT or MARKET order (facts D.2.3).

    Raises:
        ApiError: What is wrong with it.
    """
    instrument, side, kind = core.instrument(params), said_side(params), _type(params)
    if kind.is_conditional:
        raise refuse(-4120)
    mode = core.engine.position_mode(ask.account)
    position, word = _position_side(params, mode), _time(params, core)
    if kind is OrderType.LIMIT and not word:
        raise missing("timeInForce")
    if word == OF_GUI:
        raise refuse(-1115)
    if kind is OrderType.MARKET and word:
        raise refuse(-1106, "timeinforce")
    for name in OF_CONDITIONS:
        if params.decimal(name):
            raise refuse(-1106, name)
    if _flag(params, "closePosition", refuse(-1130, "closePosition")):
        raise refuse(-1106, "closePosition")
    quantity = said_quantity(params, instrument)
    if quantity is None:
        raise missing("quantity")
    limit = _limit(params, kind, instrument)
    time = TIMES_IN_FORCE.get(word)
    request = OrderRequest(
        instrument=instrument,
        side=side,
        type=kind,
        quantity=quantity,
        price=limit.price,
        price_match=limit.match,
        time_in_force=time,
        post_only=word == "GTX",
        reduce_only=_reduce_only(params, mode),
        position_side=position,
        good_till_ns=_good_till(params, word, ask),
        self_trade_prevention=_prevention(params, core),
        client_order_id=_client_id(params, "newClientOrderId", core),
    )
    told = _answer(params) is ResponseKind.RESULT
    final = told and (kind is OrderType.MARKET or time in AT_ONCE)
    return AskedOrder(request, OrderNote(price_match=limit.word), final)


def algo_order(core: FuturesCore, ask: Ask) -> AskedOrder:
    """Read a conditional order (facts D.2.4).

    Raises:
        ApiError: What is wrong with it.
    """
    params = ask.params
    if params.text("algoType") != "CONDITIONAL":
        raise refuse(-1130, "algoType")
    instrument, side, kind = core.instrument(params), said_side(params), _type(params)
    if not kind.is_conditional:
        raise refuse(-1116)
    mode = core.engine.position_mode(ask.account)
    position, word = _position_side(params, mode), _time(params, core) or "GTC"
    if not kind.has_price and word == "GTD":
        raise refuse(-1115)
    closes, reduces = _closing(params, kind), _reduce_only(params, mode)
    if closes and reduces:
        raise refuse(-1106, "reduceonly")
    limit, rate = _limit(params, kind, instrument), _callback(params, kind, core)
    working = params.word("workingType", TRIGGER_PRICES, refuse(-4031))
    protects = _flag(params, "priceProtect", refuse(-1130, "priceProtect"))
    _answer(params)
    request = OrderRequest(
        instrument=instrument,
        side=side,
        type=kind,
        quantity=_algo_quantity(params, instrument, closes=closes),
        price=limit.price,
        price_match=limit.match,
        time_in_force=TIMES_IN_FORCE[word] if kind.has_price else None,
        post_only=word == "GTX" and kind.has_price,
        reduce_only=reduces,
        close_position=closes,
        position_side=position,
        trigger_price=_trigger(params, kind, instrument),
        trigger_by=working,
        price_protect=protects,
        trailing_bips=None if rate is None else int(multiply(rate, PERCENT)),
        activation_price=_activation(params, kind, instrument),
        good_till_ns=_good_till(params, word, ask),
        self_trade_prevention=_prevention(params, core) or SelfTradePrevention.NONE,
        client_order_id=_client_id(params, "clientAlgoId", core),
    )
    note = OrderNote(
        price_match=limit.word,
        time_in_force=word,
        price_protect=protects,
        callback_rate=params.text("callbackRate") if rate is not None else "",
    )
    return AskedOrder(request, note, final=False)


def _closing(params: Params, kind: OrderType) -> bool:
    closes = _flag(params, "closePosition", refuse(-1130, "closePosition"))
    if closes and kind not in CLOSERS:
        raise refuse(-1130, "closePosition")
    return closes


def _algo_quantity(params: Params, instrument: Instrument, *, closes: bool) -> Decimal | None:
    if closes:
        if params.decimal("quantity"):
            raise refuse(-4137)
        return None
    quantity = said_quantity(params, instrument)
    if quantity is None:
        raise missing("quantity")
    return quantity


def _trigger(params: Params, kind: OrderType, instrument: Instrument) -> Decimal | None:
    price = precise(params, "triggerPrice", digits_of(instrument).price)
    if kind is TRAILING:
        if price:
            raise refuse(-1106, "triggerPrice")
        return None
    if price is None:
        raise missing("triggerPrice")
    if price <= 0:
        raise refuse(-4006)
    return price


def _activation(params: Params, kind: OrderType, instrument: Instrument) -> Decimal | None:
    price = precise(params, "activatePrice", digits_of(instrument).price)
    if price is None:
        return None
    if kind is not TRAILING:
        raise refuse(-1106, "activatePrice")
    if price <= 0:
        raise refuse(-4135)
    return price


def _callback(params: Params, kind: OrderType, core: FuturesCore) -> Decimal | None:
    """Return how far a trailing stop follows, percent: in hundredths, and within what is allowed."""
    rate = params.decimal("callbackRate")
    if kind is not TRAILING:
        if rate:
            raise refuse(-1106, "callbackRate")
        return None
    if rate is None:
        raise missing("callbackRate")
    least, most = CALLBACK_BIPS[core.market.exchange]
    bips = multiply(rate, PERCENT)
    if bips != bips.to_integral_value() or not least <= bips <= most:
        raise refuse(-1130, "callbackRate")
    return rate
