"""Spot's messages become what they say; facts D.1 and E.2.3."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.client.binance import messages_rest as rest, normalise_spot
from toucan_execution.client.binance.answers import AccountPart, OrderAck
from toucan_execution.client.binance.messages import decoder_of
from toucan_execution.events import (
    BalanceUpdate,
    ExternalLockUpdate,
    OrderListUpdate,
    OrderUpdate,
    StreamEnded,
    TradeUpdate,
    TransferUpdate,
)
from toucan_execution.orders import (
    ListKind,
    OrderOrigin,
    OrderRequest,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_instrument import Exchange, Side
from toucan_instrument.errors import PayloadError

MS = 1_000_000


def only(events):
    assert len(events) == 1
    return events[0]


def test_a_new_order_is_open_with_its_numbers_as_they_were_written(spot, sample):
    event = only(spot.read(sample.report(), 5))
    order = event.order
    assert isinstance(event, OrderUpdate)
    assert (event.account, event.exchange, event.time_received) == ("main", Exchange.BINANCE_SPOT, 5)
    assert event.time_exchange == order.updated_ns == order.created_ns == 1700000000001 * MS
    assert event.execution == "NEW"
    assert (order.client_order_id, order.order_id, order.side) == ("mine-1", "77", Side.BUY)
    assert (order.type, order.status, order.status_venue) == (OrderType.LIMIT, OrderStatus.OPEN, "NEW")
    assert str(order.quantity) == "2.00000000"
    assert str(order.price) == "0.05000000"
    assert str(order.filled_quantity) == "0E-8"
    assert order.remaining == Decimal(2)
    assert order.time_in_force is TimeInForce.GTC
    assert order.self_trade_prevention is SelfTradePrevention.NONE
    assert order.origin is event.origin is OrderOrigin.OWN
    nothing = (order.average_price, order.trigger_price, order.iceberg_quantity, order.quote_quantity)
    assert nothing == (None,) * 4
    assert (order.list_id, order.reason, order.triggered, order.position_side) == ("", "", None, None)


def test_a_fill_comes_before_its_order(spot, sample):
    frame = sample.report(
        x="TRADE", X="PARTIALLY_FILLED", l="0.30000000", L="0.05000000", z="0.80000000", Z="0.03700000",
        Y="0.01500000", n="0.00030000", N="ETH", t=501, m=True,
    )  # fmt: skip
    fill, update = spot.read(frame, 5)
    assert isinstance(fill, TradeUpdate)
    assert (fill.trade_id, fill.order_id, fill.client_order_id) == ("501", "77", "mine-1")
    assert (fill.price, fill.quantity, fill.quote_quantity) == (
        Decimal("0.05"),
        Decimal("0.3"),
        Decimal("0.015"),
    )
    assert (fill.fee, fill.fee_asset, fill.maker) == (Decimal("0.0003"), "ETH", True)
    assert (fill.side, fill.origin, fill.realized_profit) == (Side.BUY, OrderOrigin.OWN, None)
    assert update.order.status is OrderStatus.PARTIALLY_FILLED
    assert update.order.average_price == Decimal("0.04625")
    assert update.order.filled_quote == Decimal("0.037")
    assert update.order.remaining == Decimal("1.2")


def test_the_average_price_has_34_digits(spot, sample):
    frame = sample.report(x="TRADE", X="PARTIALLY_FILLED", l="0.3", L="0.05", z="0.3", Z="0.1", t=1)
    assert str(spot.read(frame, 0)[1].order.average_price) == "0." + "3" * 34


def test_an_unknown_total_gives_no_average(spot, sample):
    order = only(spot.read(sample.report(X="FILLED", z="2", Z="-1.00000000"), 0)).order
    assert (order.average_price, order.filled_quote) == (None, None)


@pytest.mark.parametrize(
    ("execution", "status", "own"),
    [
        ("CANCELED", "CANCELED", "mine-1"),
        ("REPLACED", "NEW", "mine-1"),
        ("TRADE", "FILLED", "request-9"),
        ("EXPIRED", "EXPIRED", "request-9"),
    ],
)
def test_of_a_cancel_the_own_id_is_the_original_one(spot, sample, execution, status, own):
    order = only(spot.read(sample.report(x=execution, X=status, c="request-9", C="mine-1"), 0)).order
    assert order.client_order_id == own


def test_a_cancel_by_the_venue_names_no_original(spot, sample):
    order = only(spot.read(sample.report(x="CANCELED", X="CANCELED", C=""), 0)).order
    assert (order.client_order_id, order.status) == ("mine-1", OrderStatus.CANCELLED)


@pytest.mark.parametrize(
    ("word", "trigger", "bips", "kind", "post_only"),
    [
        ("LIMIT", "0.0", None, OrderType.LIMIT, False),
        ("LIMIT_MAKER", "0.0", None, OrderType.LIMIT, True),
        ("MARKET", "0.0", None, OrderType.MARKET, False),
        ("STOP_LOSS", "0.04", None, OrderType.STOP_MARKET, False),
        ("STOP_LOSS", "0.0", 100, OrderType.TRAILING_STOP_MARKET, False),
        ("STOP_LOSS", "0.04", 100, OrderType.STOP_MARKET, False),
        ("STOP_LOSS_LIMIT", "0.04", None, OrderType.STOP_LIMIT, False),
        ("TAKE_PROFIT", "0.06", None, OrderType.TAKE_PROFIT_MARKET, False),
        ("TAKE_PROFIT_LIMIT", "0.06", None, OrderType.TAKE_PROFIT_LIMIT, False),
        ("CHAMELEON", "0.0", None, OrderType.UNKNOWN, False),
    ],
)
def test_types(spot, sample, word, trigger, bips, kind, post_only):
    changes = {} if bips is None else {"d": bips}
    order = only(spot.read(sample.report(o=word, P=trigger, **changes), 0)).order
    assert (order.type, order.post_only, order.trailing_bips) == (kind, post_only, bips)
    assert order.trigger_price == (Decimal(trigger) or None)
    assert order.unknown_words == (("type=CHAMELEON",) if kind is OrderType.UNKNOWN else ())


@pytest.mark.parametrize(
    ("changes", "triggered"),
    [
        ({"w": False}, False),
        ({"w": True, "W": 1700000000001}, True),
        ({"w": False, "W": 1700000000001}, True),
        ({"w": False, "z": "1"}, True),
    ],
)
def test_a_stop_is_triggered_once_it_works(spot, sample, changes, triggered):
    changes = {"W": -1} | changes
    order = only(spot.read(sample.report(o="STOP_LOSS_LIMIT", P="0.04", **changes), 0)).order
    assert order.triggered is triggered


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NEW", OrderStatus.OPEN),
        ("PENDING_NEW", OrderStatus.OPEN),
        ("PARTIALLY_FILLED", OrderStatus.PARTIALLY_FILLED),
        ("FILLED", OrderStatus.FILLED),
        ("CANCELED", OrderStatus.CANCELLED),
        ("PENDING_CANCEL", OrderStatus.CANCEL_IN_FLIGHT),
        ("REJECTED", OrderStatus.REJECTED),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("EXPIRED_IN_MATCH", OrderStatus.EXPIRED_IN_MATCH),
        ("PERHAPS", OrderStatus.UNKNOWN),
    ],
)
def test_statuses(spot, sample, word, status):
    order = only(spot.read(sample.report(X=word), 0)).order
    assert (order.status, order.status_venue) == (status, word)


def test_reasons(spot, sample):
    rejected = only(spot.read(sample.report(x="REJECTED", X="REJECTED", r="INSUFFICIENT_BALANCES"), 0))
    expired = only(spot.read(sample.report(x="EXPIRED", X="EXPIRED", eR="UNFILLED_IOC_QUANTITY_EXPIRED"), 0))
    assert rejected.order.reason == "INSUFFICIENT_BALANCES"
    assert expired.order.reason == "UNFILLED_IOC_QUANTITY_EXPIRED"
    assert only(spot.read(sample.report(eR="NONE"), 0)).order.reason == ""


def test_filled_prevented_and_remaining_add_up(spot, sample):
    order = only(
        spot.read(sample.report(x="TRADE_PREVENTION", X="PARTIALLY_FILLED", z="0.5", A="0.7"), 0)
    ).order
    assert order.prevented_quantity == Decimal("0.7")
    assert order.filled_quantity + order.prevented_quantity + order.remaining == order.quantity


def test_a_fill_of_order_routing_is_known_by_its_allocation(spot, sample):
    fill = spot.read(sample.report(x="TRADE", l="1", L="0.05", z="1", t=-1, a=31), 0)[0]
    assert fill.trade_id == "allocation-31"


def test_a_market_order_by_quote_quantity(spot, sample):
    order = only(spot.read(sample.report(o="MARKET", q="0.00000000", p="0.00000000", Q="10.5"), 0)).order
    assert (order.quantity, order.price, order.quote_quantity) == (None, None, Decimal("10.5"))
    assert order.remaining is None


def test_microseconds(spot, sample):
    order = only(spot.read(sample.report(T=1700000000001234, O=1700000000001000), 0)).order
    assert (order.updated_ns, order.created_ns) == (1700000000001234000, 1700000000001000000)


def test_foreign_and_opaque(spot, sample):
    order = only(spot.read(sample.report(c="web_1", s="测试USDT", g=12), 0)).order
    assert (order.origin, order.list_id) == (OrderOrigin.FOREIGN, "12")
    assert (order.instrument.symbol, order.instrument.base) == ("测试USDT", "测试")


def test_balances_are_absolute_and_add_up(spot):
    frame = (
        b'{"e":"outboundAccountPosition","E":3,"u":2,"B":[{"a":"ETH","f":"1.50","l":"0.25"},'
        b'{"a":"BTC","f":"0.00000000","l":"0.00000000"}]}'
    )
    first, second = spot.read(frame, 9)
    assert isinstance(first, BalanceUpdate)
    assert (first.balance.asset, first.balance.free, first.balance.locked) == (
        "ETH",
        Decimal("1.50"),
        Decimal("0.25"),
    )
    assert str(first.balance.total) == "1.75"
    assert first.balance.updated_ns == 2 * MS
    assert second.balance.total == 0


def test_transfers_and_locks(spot):
    paid = only(spot.read(b'{"e":"balanceUpdate","E":3,"a":"BTC","d":"-0.10000000","T":2}', 9))
    locked = only(spot.read(b'{"e":"externalLockUpdate","E":3,"a":"NEO","d":"10.0","T":2}', 9))
    assert isinstance(paid, TransferUpdate)
    assert (paid.asset, paid.amount, paid.time_exchange) == ("BTC", Decimal("-0.1"), 2 * MS)
    assert isinstance(locked, ExternalLockUpdate)
    assert locked.amount == 10


def test_a_list(spot):
    frame = (
        b'{"e":"listStatus","E":3,"s":"ETHBTC","g":2,"c":"OCO","l":"ALL_DONE","L":"REJECT",'
        b'"r":"OCO_BAD_PRICES","C":"mine-list","T":2,"O":[{"s":"ETHBTC","i":17,"c":"mine-2"},'
        b'{"s":"ETHBTC","i":18,"c":"mine-3"}]}'
    )
    event = only(spot.read(frame, 9))
    found = event.order_list
    assert isinstance(event, OrderListUpdate)
    assert (found.list_id, found.client_list_id, found.kind) == ("2", "mine-list", ListKind.OCO)
    assert (found.status, found.step, event.reason) == ("REJECT", "ALL_DONE", "OCO_BAD_PRICES")
    assert (found.order_ids, found.client_order_ids) == (("17", "18"), ("mine-2", "mine-3"))


@pytest.mark.parametrize("name", ["eventStreamTerminated", "listenKeyExpired", "serverShutdown"])
def test_the_end_of_a_stream(spot, name):
    event = only(spot.read(f'{{"e":"{name}","E":3,"listenKey":"abcdef"}}'.encode(), 9))
    assert isinstance(event, StreamEnded)
    assert event.reason == name
    assert "abcdef" not in repr(event)


# Answers.


def row(kind, value):
    return decoder_of(kind).decode(msgspec.json.encode(value))


def test_a_queried_order(spot, sample):
    order = normalise_spot.order(spot.scope, row(rest.SpotOrder, sample.spot_order))
    assert (order.status, order.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.5"))
    assert (order.average_price, order.trigger_price, order.iceberg_quantity) == (Decimal("0.05"), None, None)
    assert (order.created_ns, order.updated_ns) == (1700000000001 * MS, 1700000000002 * MS)
    assert order.origin is OrderOrigin.OWN


def test_an_id_may_be_quoted_and_fields_left_out(spot):
    value = {"symbol": "ETHBTC", "orderId": "77", "origClientOrderId": "mine-1", "clientOrderId": "cancel-1",
             "origQty": "1", "executedQty": "0", "status": "CANCELED", "type": "LIMIT", "side": "SELL",
             "price": "1"}  # fmt: skip
    order = normalise_spot.order(spot.scope, row(rest.SpotOrder, value))
    assert (order.order_id, order.client_order_id) == ("77", "mine-1")
    assert (order.time_in_force, order.updated_ns, order.filled_quote) == (None, None, None)


def test_an_acknowledgement_is_described_by_its_request(spot):
    value = {"symbol": "ETHBTC", "orderId": 77, "clientOrderId": "mine-1", "transactTime": 1700000000001}
    ack = row(rest.SpotOrder, value)
    instrument = spot.scope.instrument_of("ETHBTC")
    sent = OrderRequest(
        instrument=instrument,
        side=Side.SELL,
        type=OrderType.STOP_MARKET,
        quantity=Decimal(3),
        trigger_price=Decimal("0.04"),
        client_order_id="mine-1",
    )
    order = normalise_spot.order(spot.scope, ack, sent)
    assert (order.order_id, order.status, order.side) == ("77", OrderStatus.OPEN, Side.SELL)
    assert (order.quantity, order.trigger_price, order.triggered) == (Decimal(3), Decimal("0.04"), False)
    with pytest.raises(PayloadError, match="no side"):
        normalise_spot.order(spot.scope, ack)
    assert normalise_spot.acknowledged(spot.scope, ack) == OrderAck(
        instrument=instrument, client_order_id="mine-1", order_id="77", time_exchange=1700000000001 * MS
    )


def test_the_fills_of_a_full_answer(spot, sample):
    fill = {"price": "0.05", "qty": "0.5", "commission": "0.0005", "commissionAsset": "ETH", "tradeId": 56}
    routed = fill | {"tradeId": -1, "allocId": 3}
    answer = row(rest.SpotOrder, sample.spot_order | {"fills": [fill, routed]})
    order = normalise_spot.order(spot.scope, answer)
    first, second = normalise_spot.fills(spot.scope, answer, order, 9)
    assert (first.trade_id, second.trade_id) == ("56", "allocation-3")
    assert (first.fee, first.fee_asset, first.maker) == (Decimal("0.0005"), "ETH", False)
    assert (first.client_order_id, first.side, first.time_received) == ("mine-1", Side.BUY, 9)


def test_an_amended_order(spot, sample):
    amended = {key: value for key, value in sample.spot_order.items() if key != "origQty"}
    amended |= {"qty": "1.5", "preventedQty": "0.1", "cumulativeQuoteQty": "0.025",
                "origClientOrderId": "mine-1", "clientOrderId": "mine-1b"}  # fmt: skip
    del amended["cummulativeQuoteQty"]
    answer = row(rest.Amended, {"transactTime": 1700000000009, "executionId": 1, "amendedOrder": amended})
    order = normalise_spot.amended(spot.scope, answer)
    assert (order.client_order_id, order.quantity, order.prevented_quantity) == (
        "mine-1b",
        Decimal("1.5"),
        Decimal("0.1"),
    )
    assert (order.average_price, order.updated_ns) == (Decimal("0.05"), 1700000000009 * MS)


def test_a_price_that_follows_the_book_is_the_order_s(spot, sample):
    pegged = {"price": "0.00000000", "pegPriceType": "PRIMARY_PEG", "peggedPrice": "0.04990000"}
    order = normalise_spot.order(spot.scope, row(rest.SpotOrder, sample.spot_order | pegged))
    assert order.price == Decimal("0.0499")
    told = only(spot.read(sample.report(p="0.00000000", gP="PRIMARY_PEG", gp="0.04980000"), 0)).order
    assert told.price == Decimal("0.0498")


def test_a_trade_of_the_history(spot):
    value = {"symbol": "ETHBTC", "id": 28, "orderId": 77, "price": "0.05", "qty": "2", "quoteQty": "0.1",
             "commission": "0", "commissionAsset": "BNB", "time": 1700000000001, "isBuyer": False,
             "isMaker": True}  # fmt: skip
    found = normalise_spot.trade(spot.scope, row(rest.SpotTrade, value), 9)
    assert (found.trade_id, found.side, found.maker, found.fee) == ("28", Side.SELL, True, 0)
    assert (found.client_order_id, found.origin) == ("", OrderOrigin.FOREIGN)
    known = normalise_spot.trade(spot.scope, row(rest.SpotTrade, value), 9, "mine-1")
    assert known.origin is OrderOrigin.OWN


def test_an_account(spot):
    value = {"canTrade": True, "updateTime": 5, "accountType": "SPOT",
             "balances": [{"asset": "BTC", "free": "1.0", "locked": "0.5"}]}  # fmt: skip
    found = normalise_spot.account(spot.scope, row(rest.SpotAccount, value), 9)
    assert isinstance(found, AccountPart)
    assert (found.can_trade, found.account_type, found.account) == (True, "SPOT", "main")
    assert found.balances[0].total == Decimal("1.5")


def test_a_commission_keeps_its_parts_apart(spot):
    parts = {"maker": "0.001", "taker": "0.002", "buyer": "0.003", "seller": "0.004"}
    value = {"symbol": "ETHBTC", "standardCommission": parts, "taxCommission": parts,
             "discount": {"enabledForAccount": True, "enabledForSymbol": False, "discountAsset": "BNB",
                          "discount": "0.75"}}  # fmt: skip
    found = normalise_spot.commission(spot.scope, row(rest.SpotCommission, value))
    assert (found.maker, found.taker, found.buyer, found.seller) == tuple(map(Decimal, parts.values()))
    assert (found.special_maker, found.special_buyer) == (None, None)
    assert (found.tax_maker, found.tax_seller) == (Decimal("0.001"), Decimal("0.004"))
    assert (found.discount_asset, found.discount, found.discount_enabled) == ("BNB", Decimal("0.75"), False)
