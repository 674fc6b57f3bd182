from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.account import PositionMode
from toucan_execution.client.binance.requests_check import check, closing_side
from toucan_execution.orders import (
    OrderRequest,
    OrderType,
    Peg,
    PositionSide,
    PriceMatch,
    ResponseKind,
    SelfTradePrevention,
    TimeInForce,
    TriggerPrice,
)
from toucan_instrument import Exchange, InvalidInput, Side
from toucan_instrument.exchange.binance import parse_symbol

D = Decimal

SPOT, USD_M, COIN_M = Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M
SYMBOLS = {SPOT: "BTCUSDT", USD_M: "BTCUSDT", COIN_M: "BTCUSD_PERP"}
LIMIT, MARKET, STOP = OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_MARKET
STOP_LIMIT, TRAILING = OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_MARKET
ONE_WAY, HEDGE = PositionMode.ONE_WAY, PositionMode.HEDGE
GOOD_TILL = 1_800_000_000_000_000_000


def request(exchange, kind=LIMIT, side=Side.BUY, **fields):
    if kind.has_price and not {"price_match", "peg"} & set(fields):
        fields.setdefault("price", D(50000))
    if not {"quote_quantity", "close_position"} & set(fields):
        fields.setdefault("quantity", D(1))
    instrument = parse_symbol(exchange, SYMBOLS[exchange])
    return OrderRequest(instrument=instrument, side=side, type=kind, **fields)


def refused(exchange, mode=None, self_trade=None, **fields):
    with pytest.raises(InvalidInput) as caught:
        check(request(exchange, **fields), mode, exchange=exchange, self_trade=self_trade)
    error = caught.value
    assert error.accepted, "an error says what would be accepted"
    return error.field


@pytest.mark.parametrize(
    ("exchange", "fields"),
    [
        (SPOT, {}),
        (SPOT, {"kind": MARKET}),
        (SPOT, {"kind": MARKET, "quote_quantity": D(10)}),
        (SPOT, {"post_only": True, "iceberg_quantity": D("0.1")}),
        (SPOT, {"peg": Peg("primary", 100)}),
        (SPOT, {"kind": STOP, "trigger_price": D(1)}),
        (SPOT, {"kind": STOP, "trailing_bips": 5_000}),
        (SPOT, {"kind": TRAILING, "trailing_bips": 1, "activation_price": D(1)}),
        (SPOT, {"self_trade_prevention": SelfTradePrevention.TRANSFER}),
        (SPOT, {"strategy_id": 1, "strategy_type": 1_000_000, "response": ResponseKind.FULL}),
        (USD_M, {}),
        (USD_M, {"time_in_force": TimeInForce.GTD, "good_till_ns": GOOD_TILL}),
        (USD_M, {"time_in_force": TimeInForce.RPI, "post_only": True}),
        (USD_M, {"price_match": PriceMatch.QUEUE_5}),
        (USD_M, {"kind": STOP, "close_position": True, "trigger_price": D(1), "price_protect": True}),
        (USD_M, {"kind": STOP, "trigger_price": D(1), "time_in_force": TimeInForce.GTC}),
        (USD_M, {"kind": STOP_LIMIT, "trigger_price": D(1), "post_only": True}),
        (USD_M, {"kind": TRAILING, "trailing_bips": 2_000, "trigger_by": TriggerPrice.MARK}),
        (COIN_M, {"kind": TRAILING, "trailing_bips": 1_000}),
        (USD_M, {"reduce_only": True, "position_side": PositionSide.BOTH}),
        (USD_M, {"self_trade_prevention": SelfTradePrevention.NONE}),
        (COIN_M, {"response": ResponseKind.RESULT}),
    ],
)
def test_what_a_market_has_passes(exchange, fields):
    check(request(exchange, **fields), exchange=exchange)


@pytest.mark.parametrize(
    ("exchange", "fields", "field"),
    [
        # Numbers.
        (SPOT, {"quantity": 1.5}, "quantity"),
        (SPOT, {"price": 1.5}, "price"),
        (SPOT, {"price": "1.5"}, "price"),
        (SPOT, {"quantity": D("NaN")}, "quantity"),
        (SPOT, {"quantity": D(0)}, "quantity"),
        (SPOT, {"price": D(-1)}, "price"),
        (SPOT, {"kind": MARKET, "quote_quantity": 0.5}, "quote_quantity"),
        (SPOT, {"kind": STOP, "trigger_price": 1.0}, "trigger_price"),
        (USD_M, {"kind": TRAILING, "trailing_bips": 10.5}, "trailing_bips"),
        (USD_M, {"kind": TRAILING, "trailing_bips": True}, "trailing_bips"),
        # What is missing, and what is not to be there.
        (SPOT, {"quantity": None}, "quantity"),
        (USD_M, {"quantity": None}, "quantity"),
        (SPOT, {"price": None}, "price"),
        (SPOT, {"kind": MARKET, "price": D(1)}, "price"),
        (SPOT, {"kind": STOP, "trigger_price": D(1), "price": D(1)}, "price"),
        (SPOT, {"kind": MARKET, "quantity": D(1), "quote_quantity": D(1)}, "quantity"),
        (SPOT, {"quote_quantity": D(1)}, "quote_quantity"),
        (SPOT, {"kind": STOP}, "trigger_price"),
        (USD_M, {"kind": STOP}, "trigger_price"),
        (SPOT, {"trigger_price": D(1)}, "trigger_price"),
        (USD_M, {"trigger_by": TriggerPrice.MARK}, "trigger_by"),
        (USD_M, {"price_protect": True}, "price_protect"),
        (USD_M, {"activation_price": D(1)}, "activation_price"),
        (SPOT, {"trailing_bips": 5}, "trailing_bips"),
        (SPOT, {"price": D(1), "peg": Peg("primary")}, "price"),
        (USD_M, {"price": D(1), "price_match": PriceMatch.QUEUE}, "price"),
        (USD_M, {"kind": MARKET, "price_match": PriceMatch.QUEUE}, "price_match"),
        (SPOT, {"kind": MARKET, "peg": Peg("primary")}, "peg"),
        # What the market does not have.
        (USD_M, {"kind": MARKET, "quote_quantity": D(1)}, "quote_quantity"),
        (COIN_M, {"iceberg_quantity": D(1)}, "iceberg_quantity"),
        (USD_M, {"peg": Peg("primary")}, "peg"),
        (USD_M, {"strategy_id": 1}, "strategy_id"),
        (USD_M, {"response": ResponseKind.FULL}, "response"),
        (SPOT, {"reduce_only": True}, "reduce_only"),
        (SPOT, {"kind": STOP, "trigger_price": D(1), "close_position": True}, "close_position"),
        (SPOT, {"position_side": PositionSide.BOTH}, "position_side"),
        (SPOT, {"price_match": PriceMatch.QUEUE}, "price_match"),
        (SPOT, {"kind": STOP, "trigger_price": D(1), "trigger_by": TriggerPrice.MARK}, "trigger_by"),
        (SPOT, {"kind": STOP, "trigger_price": D(1), "price_protect": True}, "price_protect"),
        # How long it stands.
        (SPOT, {"time_in_force": TimeInForce.GTD, "good_till_ns": GOOD_TILL}, "time_in_force"),
        (COIN_M, {"time_in_force": TimeInForce.GTD, "good_till_ns": GOOD_TILL}, "time_in_force"),
        (COIN_M, {"time_in_force": TimeInForce.RPI}, "time_in_force"),
        (SPOT, {"time_in_force": TimeInForce.UNKNOWN}, "time_in_force"),
        (USD_M, {"time_in_force": TimeInForce.GTD}, "good_till_ns"),
        (USD_M, {"good_till_ns": GOOD_TILL}, "good_till_ns"),
        (USD_M, {"time_in_force": TimeInForce.GTD, "good_till_ns": 10**30}, "good_till_ns"),
        (SPOT, {"kind": MARKET, "time_in_force": TimeInForce.IOC}, "time_in_force"),
        (SPOT, {"kind": STOP, "trigger_price": D(1), "time_in_force": TimeInForce.GTC}, "time_in_force"),
        (USD_M, {"kind": MARKET, "time_in_force": TimeInForce.GTC}, "time_in_force"),
        (
            USD_M,
            {"kind": STOP_LIMIT, "trigger_price": D(1), "time_in_force": TimeInForce.RPI},
            "time_in_force",
        ),
        (SPOT, {"kind": MARKET, "post_only": True}, "post_only"),
        (SPOT, {"kind": STOP_LIMIT, "trigger_price": D(1), "post_only": True}, "post_only"),
        (SPOT, {"post_only": True, "time_in_force": TimeInForce.IOC}, "time_in_force"),
        # Trailing stops.
        (SPOT, {"kind": TRAILING}, "trailing_bips"),
        (SPOT, {"kind": TRAILING, "trailing_bips": 0}, "trailing_bips"),
        (USD_M, {"kind": TRAILING, "trailing_bips": 9}, "trailing_bips"),
        (USD_M, {"kind": TRAILING, "trailing_bips": 2_001}, "trailing_bips"),
        (COIN_M, {"kind": TRAILING, "trailing_bips": 1_001}, "trailing_bips"),
        (USD_M, {"kind": TRAILING, "trailing_bips": 10, "trigger_price": D(1)}, "trigger_price"),
        (USD_M, {"kind": STOP, "trigger_price": D(1), "trailing_bips": 10}, "trailing_bips"),
        (USD_M, {"kind": STOP, "trigger_price": D(1), "activation_price": D(1)}, "activation_price"),
        # Closing a position.
        (USD_M, {"kind": LIMIT, "close_position": True}, "close_position"),
        (
            USD_M,
            {"kind": STOP, "trigger_price": D(1), "close_position": True, "quantity": D(1)},
            "quantity",
        ),
        (
            USD_M,
            {"kind": STOP, "trigger_price": D(1), "close_position": True, "reduce_only": True},
            "reduce_only",
        ),
        # The rest.
        (SPOT, {"iceberg_quantity": D(2)}, "iceberg_quantity"),
        (SPOT, {"kind": MARKET, "iceberg_quantity": D("0.1")}, "iceberg_quantity"),
        (SPOT, {"iceberg_quantity": D("0.1"), "time_in_force": TimeInForce.FOK}, "time_in_force"),
        (SPOT, {"strategy_type": 999_999}, "strategy_type"),
        (SPOT, {"peg": Peg("best")}, "peg"),
        (SPOT, {"peg": Peg("primary", 101)}, "peg"),
        (SPOT, {"client_order_id": "no spaces"}, "client_order_id"),
        (SPOT, {"client_order_id": "x" * 37}, "client_order_id"),
        (USD_M, {"self_trade_prevention": SelfTradePrevention.DECREMENT}, "self_trade_prevention"),
        (SPOT, {"self_trade_prevention": SelfTradePrevention.UNKNOWN}, "self_trade_prevention"),
        (SPOT, {"kind": OrderType.LIQUIDATION}, "type"),
        (SPOT, {"side": "buy"}, "side"),
    ],
)
def test_a_programming_error_names_the_field(exchange, fields, field):
    assert refused(exchange, **fields) == field


@pytest.mark.parametrize(
    ("mode", "fields", "field"),
    [
        (ONE_WAY, {"position_side": PositionSide.LONG}, "position_side"),
        (HEDGE, {}, "position_side"),
        (HEDGE, {"position_side": PositionSide.BOTH}, "position_side"),
        (HEDGE, {"reduce_only": True, "position_side": PositionSide.LONG}, "position_side"),
        (None, {"reduce_only": True, "position_side": PositionSide.LONG}, "position_side"),
        (
            HEDGE,
            {
                "kind": STOP,
                "trigger_price": D(1),
                "close_position": True,
                "position_side": PositionSide.LONG,
            },
            "position_side",
        ),
    ],
)
def test_a_position_side_that_does_not_fit_the_mode_is_refused(mode, fields, field):
    assert refused(USD_M, mode, side=Side.BUY, **fields) == field


@pytest.mark.parametrize(
    ("mode", "side", "fields"),
    [
        (ONE_WAY, Side.BUY, {}),
        (ONE_WAY, Side.BUY, {"reduce_only": True}),
        (ONE_WAY, Side.BUY, {"position_side": PositionSide.BOTH}),
        (HEDGE, Side.BUY, {"position_side": PositionSide.LONG}),
        (HEDGE, Side.BUY, {"position_side": PositionSide.SHORT}),
        (HEDGE, Side.SELL, {"reduce_only": True}),
        (HEDGE, Side.SELL, {"reduce_only": True, "position_side": PositionSide.LONG}),
        (None, Side.SELL, {"position_side": PositionSide.LONG}),
    ],
)
def test_a_position_side_that_fits_passes(mode, side, fields):
    check(request(USD_M, side=side, **fields), mode, exchange=USD_M)


def test_self_trade_prevention_is_what_the_instrument_allows():
    allowed = frozenset({SelfTradePrevention.NONE, SelfTradePrevention.EXPIRE_BOTH})
    fields = {"self_trade_prevention": SelfTradePrevention.DECREMENT}
    assert refused(SPOT, self_trade=allowed, **fields) == "self_trade_prevention"
    order = request(SPOT, self_trade_prevention=SelfTradePrevention.EXPIRE_BOTH)
    check(order, exchange=SPOT, self_trade=allowed)


def test_an_instrument_of_another_market_is_refused():
    order = request(SPOT)
    with pytest.raises(InvalidInput) as caught:
        check(order, exchange=USD_M)
    assert (caught.value.field, caught.value.accepted) == ("instrument", "an instrument of binance-usd-m")
    with pytest.raises(InvalidInput, match="no instrument"):
        check(msgspec.structs.replace(order, instrument="BTCUSDT"), exchange=SPOT)


def test_a_later_order_of_an_opo_list_has_no_quantity():
    order = request(SPOT, side=Side.SELL)
    with pytest.raises(InvalidInput) as caught:
        check(order, exchange=SPOT, needs_quantity=False)
    assert caught.value.field == "quantity"
    check(msgspec.structs.replace(order, quantity=None), exchange=SPOT, needs_quantity=False)


def test_which_position_an_order_makes_smaller():
    assert closing_side(Side.SELL) is PositionSide.LONG
    assert closing_side(Side.BUY) is PositionSide.SHORT
