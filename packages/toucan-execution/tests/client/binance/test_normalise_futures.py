"""The futures' messages about orders become what they say; facts D.2, D.3 and E.5."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.client.binance import messages_rest as rest, normalise_futures
from toucan_execution.client.binance.messages import decoder_of
from toucan_execution.events import OrderUpdate, TradeNotice, TradeUpdate, TriggerRejected
from toucan_execution.orders import (
    OrderOrigin,
    OrderStatus,
    OrderType,
    PositionSide,
    SelfTradePrevention,
    TimeInForce,
    TriggerPrice,
)
from toucan_instrument import Exchange, QuantityUnit, Side

MS = 1_000_000


def only(events):
    assert len(events) == 1
    return events[0]


def test_a_new_order(usd, sample):
    event = only(usd.read(sample.updated(), 5))
    order = event.order
    assert isinstance(event, OrderUpdate)
    assert (event.execution, event.time_exchange) == ("NEW", 1700000000001 * MS)
    assert (order.client_order_id, order.order_id, order.side) == ("mine-1", "88", Side.SELL)
    assert (order.type, order.status, order.time_in_force) == (
        OrderType.LIMIT,
        OrderStatus.OPEN,
        TimeInForce.GTC,
    )
    assert (str(order.quantity), str(order.price)) == ("0.020", "60000.0")
    assert order.position_side is PositionSide.BOTH
    assert (order.average_price, order.trigger_price, order.trigger_by, order.good_till_ns) == (None,) * 4
    assert (order.triggered, order.reason, order.origin) == (None, "", OrderOrigin.OWN)
    assert order.self_trade_prevention is SelfTradePrevention.EXPIRE_MAKER
    assert order.created_ns == order.updated_ns == 1700000000001 * MS


def test_a_fill_comes_before_its_order(usd, sample):
    frame = sample.updated(
        x="TRADE", X="PARTIALLY_FILLED", l="0.005", L="60000.5", z="0.015", ap="60000.25", n="0.12", N="USDT",
        t=9, m=True, rp="-1.50", ps="LONG",
    )  # fmt: skip
    fill, update = usd.read(frame, 5)
    assert isinstance(fill, TradeUpdate)
    assert (fill.trade_id, fill.price, fill.quantity) == ("9", Decimal("60000.5"), Decimal("0.005"))
    assert (fill.fee, fill.fee_asset, fill.maker) == (Decimal("0.12"), "USDT", True)
    assert (fill.realized_profit, fill.position_side) == (Decimal("-1.50"), PositionSide.LONG)
    assert (fill.quote_quantity, fill.client_order_id) == (None, "mine-1")
    assert update.order.average_price == Decimal("60000.25")
    assert update.order.remaining == Decimal("0.005")


def test_a_fee_that_is_left_out_is_none(usd, sample):
    fill = usd.read(sample.updated(x="TRADE", X="FILLED", l="0.02", L="1", z="0.02", t=9), 5)[0]
    assert (fill.fee, fill.fee_asset) == (0, "")


@pytest.mark.parametrize(
    ("word", "time_in_force", "post_only"),
    [
        ("GTC", TimeInForce.GTC, False),
        ("GTE_GTC", TimeInForce.GTC, False),
        ("GTX", TimeInForce.GTC, True),
        ("IOC", TimeInForce.IOC, False),
        ("FOK", TimeInForce.FOK, False),
        ("GTD", TimeInForce.GTD, False),
        ("RPI", TimeInForce.RPI, True),
        ("EON", TimeInForce.UNKNOWN, False),
    ],
)
def test_times_in_force(usd, sample, word, time_in_force, post_only):
    order = only(usd.read(sample.updated(f=word), 0)).order
    assert (order.time_in_force, order.post_only) == (time_in_force, post_only)
    assert order.unknown_words == (("f=EON",) if word == "EON" else ())


def test_good_till_date_is_milliseconds_up_to_the_last_one(usd, sample):
    order = only(usd.read(sample.updated(f="GTD", gtd=253402300799000), 0)).order
    assert order.good_till_ns == 253402300799000 * MS


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, ""),
        ("0", ""),
        ("1", "self-trade prevention"),
        (7, "the symbol was delisted"),
        ("11", "a post-only order that would have matched"),
        ("99", "99"),
    ],
)
def test_expiry_reasons_in_words(usd, sample, code, reason):
    order = only(usd.read(sample.updated(x="EXPIRED", X="EXPIRED", er=code), 0)).order
    assert (order.status, order.reason) == (OrderStatus.EXPIRED, reason)


@pytest.mark.parametrize(
    ("client_order_id", "changes", "origin"),
    [
        ("mine-1", {}, OrderOrigin.OWN),
        ("web_1", {}, OrderOrigin.FOREIGN),
        ("autoclose-1596107620040000020", {"x": "CALCULATED"}, OrderOrigin.LIQUIDATION),
        ("adl_autoclose", {"x": "CALCULATED"}, OrderOrigin.ADL),
        ("settlement_autoclose-1", {}, OrderOrigin.SETTLEMENT),
        ("delivery_autoclose-1", {}, OrderOrigin.SETTLEMENT),
        ("web_1", {"x": "CALCULATED"}, OrderOrigin.LIQUIDATION),
        ("web_1", {"o": "LIQUIDATION", "ot": "LIQUIDATION"}, OrderOrigin.LIQUIDATION),
    ],
)
def test_whose_order_it_is(usd, sample, client_order_id, changes, origin):
    event = only(usd.read(sample.updated(c=client_order_id, **changes), 0))
    assert event.origin is event.order.origin is origin


@pytest.mark.parametrize(
    ("filled", "status"),
    [
        ("0", OrderStatus.OPEN),
        ("0.01", OrderStatus.PARTIALLY_FILLED),
        ("0.020", OrderStatus.FILLED),
    ],
)
@pytest.mark.parametrize("word", ["NEW_ADL", "NEW_INSURANCE"])
def test_liquidation_statuses_say_how_not_how_far(usd, sample, word, filled, status):
    order = only(usd.read(sample.updated(x="CALCULATED", X=word, z=filled), 0)).order
    assert (order.status, order.status_venue) == (status, word)


def test_a_trailing_stop(usd, sample):
    frame = sample.updated(
        o="TRAILING_STOP_MARKET", ot="TRAILING_STOP_MARKET", sp="7103.04", AP="7476.89", cr="0.1", p="0"
    )
    order = only(usd.read(frame, 0)).order
    assert (order.type, order.trailing_bips, order.activation_price) == (
        OrderType.TRAILING_STOP_MARKET,
        10,
        Decimal("7476.89"),
    )
    assert (order.trigger_price, order.trigger_by, order.triggered) == (None, TriggerPrice.LAST, False)


def test_a_rate_finer_than_a_bip_is_told_not_rounded(usd, sample):
    order = only(usd.read(sample.updated(ot="TRAILING_STOP_MARKET", cr="0.125"), 0)).order
    assert (order.trailing_bips, order.unknown_words) == (None, ("cr=0.125",))


def test_a_stop_that_goes_on_after_its_trigger_has_not_ended(coin, sample):
    stop = {"s": "BTCUSD_PERP", "ot": "STOP_MARKET", "sp": "9000"}
    waiting = only(coin.read(sample.updated(o="STOP_MARKET", **stop), 0)).order
    triggered = only(
        coin.read(sample.updated(o="STOP_MARKET", x="EXPIRED", X="EXPIRED", er="8", **stop), 0)
    ).order
    going_on = only(coin.read(sample.updated(o="MARKET", **stop), 0)).order
    ended = only(
        coin.read(sample.updated(o="STOP_MARKET", x="EXPIRED", X="EXPIRED", er="6", **stop), 0)
    ).order
    assert [(each.status, each.triggered) for each in (waiting, triggered, going_on, ended)] == [
        (OrderStatus.OPEN, False),
        (OrderStatus.OPEN, True),
        (OrderStatus.OPEN, True),
        (OrderStatus.EXPIRED, False),
    ]
    assert triggered.status_venue == "EXPIRED"
    assert {each.type for each in (waiting, triggered, going_on)} == {OrderType.STOP_MARKET}
    assert going_on.trigger_price == 9000


def test_coin_m_counts_contracts_and_usd_m_streams_may_tell_of_it(usd, coin, sample):
    frame = sample.updated(s="BTCUSD_PERP")
    for decoder in (usd, coin):
        event = only(decoder.read(frame, 0))
        instrument = event.order.instrument
        assert instrument.exchange is Exchange.BINANCE_COIN_M
        assert instrument.quantity_unit is QuantityUnit.CONTRACTS
        assert event.exchange is decoder.exchange
    assert only(coin.read(sample.updated(), 0)).order.instrument.exchange is Exchange.BINANCE_USD_M


def test_a_close_position_order_has_no_quantity(usd, sample):
    order = only(
        usd.read(
            sample.updated(o="STOP_MARKET", ot="STOP_MARKET", q="0", cp=True, R=True, wt="MARK_PRICE"), 0
        )
    ).order
    assert (order.quantity, order.remaining, order.close_position, order.reduce_only) == (
        None,
        None,
        True,
        True,
    )
    assert order.trigger_by is TriggerPrice.MARK


def test_what_portfolio_margin_leaves_out(usd, sample):
    order = only(
        usd.read(sample.updated(ot=None, wt=None, cp=None, er=None, V="EXPIRE_NONE", sp=None), 0)
    ).order
    assert (order.type, order.self_trade_prevention) == (OrderType.LIMIT, SelfTradePrevention.NONE)
    assert order.unknown_words == ()


def test_the_early_word_of_a_fill(usd):
    frame = (
        b'{"e":"TRADE_LITE","E":2,"T":1,"s":"BTCUSDT","q":"0.1","p":"0","m":false,"c":"mine-1","S":"BUY",'
        b'"L":"64089.20","l":"0.040","t":109,"i":88}'
    )
    event = only(usd.read(frame, 0))
    assert isinstance(event, TradeNotice)
    assert (event.trade_id, event.order_id, event.price, event.quantity, event.maker) == (
        "109",
        "88",
        Decimal("64089.20"),
        Decimal("0.040"),
        False,
    )


def test_a_refused_trigger_names_the_order_and_no_more(usd):
    frame = (
        b'{"e":"CONDITIONAL_ORDER_TRIGGER_REJECT","E":2,"T":1,"or":{"s":"ETHUSDT","i":155,"r":"no margin"}}'
    )
    event = only(usd.read(frame, 0))
    assert isinstance(event, TriggerRejected)
    assert (event.instrument.symbol, event.order_id, event.reason) == ("ETHUSDT", "155", "no margin")


# Conditional orders.


def test_a_conditional_order(usd, sample):
    order = only(usd.read(sample.algo(), 0)).order
    assert (order.client_order_id, order.algo_id, order.order_id) == ("mine-1", "5001", "")
    assert (order.type, order.status, order.triggered) == (OrderType.STOP_LIMIT, OrderStatus.OPEN, False)
    assert (order.trigger_price, order.price, order.trigger_by) == (
        Decimal(59000),
        Decimal(58900),
        TriggerPrice.MARK,
    )
    assert (order.reduce_only, order.origin, order.average_price) == (True, OrderOrigin.OWN, None)


@pytest.mark.parametrize(
    ("word", "actual", "filled", "status", "triggered"),
    [
        ("NEW", "", "0", OrderStatus.OPEN, False),
        ("TRIGGERING", "", "0", OrderStatus.OPEN, True),
        ("TRIGGERED", "88", "0", OrderStatus.OPEN, True),
        ("TRIGGERED", "88", "0.005", OrderStatus.PARTIALLY_FILLED, True),
        ("TRIGGERED", "88", "0.020", OrderStatus.FILLED, True),
        ("FINISHED", "88", "0.020", OrderStatus.FILLED, True),
        ("FINISHED", "88", "0.005", OrderStatus.UNKNOWN, True),
        ("FINISHED", "88", "0", OrderStatus.UNKNOWN, True),
        ("CANCELED", "", "0", OrderStatus.CANCELLED, False),
        ("REJECTED", "", "0", OrderStatus.REJECTED, False),
        ("EXPIRED", "", "0", OrderStatus.EXPIRED, False),
        ("PAUSED", "", "0", OrderStatus.UNKNOWN, False),
    ],
)
def test_where_a_conditional_order_stands(usd, sample, word, actual, filled, status, triggered):
    order = only(usd.read(sample.algo(X=word, ai=actual, aq=filled, ap="58900.5"), 0)).order
    assert (order.status, order.status_venue, order.triggered) == (status, word, triggered)
    assert (order.order_id, order.filled_quantity) == (actual, Decimal(filled))
    assert order.average_price == (Decimal("58900.5") if Decimal(filled) else None)


def test_a_reason_counts_only_where_it_failed(usd, sample):
    told = "Margin is insufficient."
    assert only(usd.read(sample.algo(X="REJECTED", rm=told), 0)).order.reason == told
    assert only(usd.read(sample.algo(X="NEW", rm=told), 0)).order.reason == ""


def row(kind, value):
    return decoder_of(kind).decode(msgspec.json.encode(value))


def test_a_conditional_order_of_an_answer(usd, sample):
    order = normalise_futures.algo_order(usd.scope, row(rest.AlgoOrder, sample.algo_order))
    assert (order.type, order.algo_id, order.order_id) == (OrderType.STOP_MARKET, "5001", "")
    assert (order.price, order.activation_price, order.trailing_bips) == (None, None, None)
    assert (order.status, order.triggered, order.trigger_price) == (
        OrderStatus.OPEN,
        False,
        Decimal("59000.0"),
    )
    assert (order.created_ns, order.updated_ns) == (1700000000001 * MS, 1700000000002 * MS)


def test_an_answer_does_not_say_how_a_finished_one_ended(usd, sample):
    value = sample.algo_order | {"algoStatus": "FINISHED", "actualOrderId": "88", "actualPrice": "58990.1"}
    order = normalise_futures.algo_order(usd.scope, row(rest.AlgoOrder, value))
    assert (order.status, order.order_id, order.is_open) == (OrderStatus.UNKNOWN, "88", True)
    told = normalise_futures.algo_order(usd.scope, row(rest.AlgoOrder, value | {"actualQty": "0.020"}))
    assert told.status is OrderStatus.FILLED


def test_a_trailing_one_of_an_answer(usd, sample):
    value = sample.algo_order | {
        "orderType": "TRAILING_STOP_MARKET", "callbackRate": 1.5, "activatePrice": "61000",
        "closePosition": "true",
    }  # fmt: skip
    order = normalise_futures.algo_order(usd.scope, row(rest.AlgoOrder, value))
    assert (order.trailing_bips, order.activation_price, order.trigger_price) == (150, Decimal(61000), None)
    assert order.close_position is True


# Answers.


def test_an_order_of_an_answer_without_average_price(usd, sample):
    order = normalise_futures.order(usd.scope, row(rest.FuturesOrder, sample.futures_order))
    assert (order.average_price, order.filled_quote) == (None, None)
    assert (order.filled_quantity, order.remaining) == (Decimal("0.005"), Decimal("0.015"))
    assert (order.updated_ns, order.created_ns) == (1700000000002 * MS, None)


def test_a_queried_order_has_it(usd, coin, sample):
    more = {"avgPrice": "60000.5", "cumQuote": "300.0025", "time": 1700000000001}
    order = normalise_futures.order(usd.scope, row(rest.FuturesOrder, sample.futures_order | more))
    assert (order.average_price, order.filled_quote) == (Decimal("60000.5"), Decimal("300.0025"))
    coins = sample.futures_order | {"symbol": "BTCUSD_PERP", "cumBase": "0.0016", "avgPrice": "0.0"}
    order = normalise_futures.order(coin.scope, row(rest.FuturesOrder, coins))
    assert (order.average_price, order.filled_quote) == (None, Decimal("0.0016"))


def test_a_conditional_order_of_the_older_sort(coin, sample):
    value = sample.futures_order | {
        "symbol": "BTCUSD_PERP", "type": "TRAILING_STOP_MARKET", "origType": "TRAILING_STOP_MARKET",
        "priceRate": "0.3", "activatePrice": "9020", "stopPrice": "9300", "status": "NEW",
    }  # fmt: skip
    order = normalise_futures.order(coin.scope, row(rest.FuturesOrder, value))
    assert (order.trailing_bips, order.activation_price, order.trigger_price) == (30, Decimal(9020), None)
    assert (order.triggered, order.trigger_by) == (False, TriggerPrice.LAST)
    stop = value | {"type": "MARKET", "origType": "STOP_MARKET"}
    order = normalise_futures.order(coin.scope, row(rest.FuturesOrder, stop))
    assert (order.type, order.triggered, order.trigger_price) == (
        OrderType.STOP_MARKET,
        True,
        Decimal(9300),
    )


def test_a_trade_of_the_history(usd):
    value = {"buyer": False, "commission": "0.078", "commissionAsset": "USDT", "id": 698, "maker": False,
             "orderId": 88, "price": "7819.01", "qty": "0.002", "quoteQty": "15.63802",
             "realizedPnl": "-0.91", "side": "SELL", "positionSide": "SHORT", "symbol": "BTCUSDT",
             "time": 1700000000001}  # fmt: skip
    fill = normalise_futures.trade(usd.scope, row(rest.FuturesTrade, value), 9, "mine-1")
    assert (fill.trade_id, fill.quote_quantity, fill.fee) == ("698", Decimal("15.63802"), Decimal("0.078"))
    assert (fill.position_side, fill.realized_profit, fill.origin) == (
        PositionSide.SHORT,
        Decimal("-0.91"),
        OrderOrigin.OWN,
    )
