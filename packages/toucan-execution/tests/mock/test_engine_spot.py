"""Spot: matching, times in force, money, locks, self-trade prevention, rules."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.mock.results import Done, Refused
from toucan_execution.mock.settings import EngineSettings, FeeSchedule, FeesIn
from toucan_execution.orders import (
    CancelReplaceRequest,
    CancelRequest,
    OrderStatus,
    Peg,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_execution.outcome import Reason
from toucan_instrument import InstrumentStatus, InvalidInput, UnknownSymbol

D = Decimal

FEES = FeeSchedule(maker=D("0.001"), taker=D("0.002"))


# Matching.


def test_the_best_price_is_taken_first_and_at_one_price_the_earliest(spot):
    dear = spot.done("a", "sell", "limit", 1, 102)
    first = spot.done("a", "sell", "limit", 1, 101)
    second = spot.done("b", "sell", "limit", 1, 101)
    taker = spot.done("c", "buy", "limit", "1.5", 103)
    assert taker.status is OrderStatus.FILLED
    assert [(fill.price, fill.quantity) for fill in spot.fills("c")] == [(101, 1), (101, D("0.5"))]
    assert spot.order("a", first).status is OrderStatus.FILLED
    assert spot.order("b", second).filled_quantity == D("0.5")
    assert spot.order("a", dear).filled_quantity == 0
    assert taker.average_price == 101


def test_what_a_limit_order_does_not_match_rests(spot):
    spot.done("a", "sell", "limit", 1, 100)
    order = spot.done("b", "buy", "limit", 3, 100)
    assert (order.status, order.remaining) == (OrderStatus.PARTIALLY_FILLED, 2)
    assert spot.engine.depth(spot.instrument) == (((D(100), D(2)),), ())


def test_fed_levels_fill_takers_and_are_used_up(spot):
    spot.book(asks=[(100, 1), (101, 2)])
    order = spot.done("a", "buy", "market", 2)
    assert [(fill.price, fill.quantity, fill.maker) for fill in spot.fills("a")] == [
        (100, 1, False),
        (101, 1, False),
    ]
    assert order.status is OrderStatus.FILLED
    assert spot.engine.depth(spot.instrument)[1] == ((D(101), D(1)),)
    assert spot.engine.last_price(spot.instrument) == 101


def test_a_market_order_without_enough_on_the_book_expires_with_what_is_left(spot):
    spot.book(asks=[(100, 1)])
    order = spot.done("a", "buy", "market", 2)
    assert (order.status, order.filled_quantity) == (OrderStatus.EXPIRED, 1)
    assert order.reason == "INSUFFICIENT_LIQUIDITY"
    assert spot.updates("a", order) == [
        ("NEW", "open"),
        ("TRADE", "partially_filled"),
        ("EXPIRED", "expired"),
    ]


@pytest.mark.parametrize(
    ("side", "levels", "wanted", "filled", "quantity"),
    [
        ("buy", {"asks": [(100, 1), (200, 1)]}, 150, 150, "1.25"),
        ("buy", {"asks": [("99.9", 1)]}, 50, "49.9500", "0.5"),
        ("sell", {"bids": [(100, 1), (50, 4)]}, 200, 200, 3),
    ],
)
def test_a_market_order_by_quote_quantity_spends_what_it_can(spot, side, levels, wanted, filled, quantity):
    spot.book(**levels)
    order = spot.done("a", side, "market", quote_quantity=D(wanted))
    assert order.status is OrderStatus.FILLED
    assert (order.filled_quote, order.quantity) == (D(filled), D(quantity))


def test_a_market_order_by_quote_quantity_that_finds_too_little_expires(spot):
    spot.book(asks=[(100, 1)])
    order = spot.done("a", "buy", "market", quote_quantity=D(300))
    assert (order.status, order.quantity) == (OrderStatus.EXPIRED, 1)
    nothing = spot.done("b", "sell", "market", quote_quantity=D(300))
    assert (nothing.status, nothing.filled_quantity) == (OrderStatus.EXPIRED, 0)


def test_immediate_or_cancel_leaves_nothing_behind(spot):
    spot.book(asks=[(100, 1)])
    order = spot.done("a", "buy", "limit", 2, 100, time_in_force=TimeInForce.IOC)
    assert (order.status, order.filled_quantity) == (OrderStatus.EXPIRED, 1)
    assert spot.engine.open_orders("a") == ()
    assert spot.balance("a", "USDT").locked == 0


def test_fill_or_kill_is_all_or_nothing(spot):
    spot.book(asks=[(100, 1), (101, 1)])
    killed = spot.done("a", "buy", "limit", "2.5", 101, time_in_force=TimeInForce.FOK)
    assert (killed.status, killed.filled_quantity) == (OrderStatus.EXPIRED, 0)
    assert killed.reason == "UNFILLED_FOK_ORDER_EXPIRED"
    filled = spot.done("a", "buy", "limit", 2, 101, time_in_force=TimeInForce.FOK)
    assert (filled.status, filled.average_price) == (OrderStatus.FILLED, D("100.5"))


def test_post_only_is_refused_where_it_would_take_and_rests_elsewhere(spot):
    spot.book(asks=[(100, 1)])
    refused = spot.refused("a", "buy", "limit", 1, 100, post_only=True)
    assert refused.reason is Reason.WOULD_TAKE
    assert spot.done("a", "buy", "limit", 1, "99.9", post_only=True).status is OrderStatus.OPEN


def test_an_iceberg_shows_a_part_and_queues_again_for_the_next(spot):
    berg = spot.done("a", "sell", "limit", 3, 100, iceberg_quantity=D(1))
    other = spot.done("b", "sell", "limit", 1, 100)
    assert spot.engine.depth(spot.instrument)[1] == ((D(100), D(2)),)
    spot.done("c", "buy", "limit", "1.5", 100)
    assert spot.order("a", berg).filled_quantity == 1
    assert spot.order("b", other).filled_quantity == D("0.5")
    assert spot.engine.depth(spot.instrument)[1] == ((D(100), D("1.5")),)
    spot.done("c", "buy", "limit", "2.5", 100)
    assert spot.order("a", berg).status is OrderStatus.FILLED
    assert spot.order("b", other).status is OrderStatus.FILLED


def test_prices_can_be_taken_from_the_book(spot):
    spot.book(bids=[(99, 1), (98, 1)], asks=[(101, 1)])
    order = spot.done("a", "buy", "limit", 1, peg=Peg(price="primary", levels=1))
    assert order.price == 98
    assert spot.done("a", "sell", "limit", 1, peg=Peg(price="primary")).price == 101
    assert spot.refused("b", "buy", "limit", 1, peg=Peg(price="market", levels=7)).reason is Reason.OTHER


# Money.


def test_a_limit_order_locks_what_it_may_cost_and_gives_back_what_it_did_not(spot):
    order = spot.done("a", "buy", "limit", 2, 100)
    assert (spot.balance("a", "USDT").locked, spot.balance("a", "USDT").free) == (200, 99_800)
    spot.cancel("a", order)
    assert spot.balance("a", "USDT").locked == 0
    spot.book(asks=[(90, 1)])
    spot.done("a", "buy", "limit", 2, 100)
    balance = spot.balance("a", "USDT")
    assert (balance.total, balance.locked) == (99_910, 100)


@pytest.mark.parametrize(
    ("side", "kind", "quantity", "price"),
    [("buy", "limit", 1001, 100), ("sell", "limit", 100_001, 100), ("buy", "market", 1001, None)],
)
def test_nobody_spends_more_than_is_free(spot, side, kind, quantity, price):
    spot.book(asks=[(100, 5000)])
    assert spot.refused("a", side, kind, quantity, price).reason is Reason.INSUFFICIENT_BALANCE


def test_fees_are_paid_in_what_was_received_and_cut_off(world):
    spot = world(fees=FEES)
    spot.done("a", "sell", "limit", "0.333", "100.1")
    spot.done("b", "buy", "market", "0.333")
    [maker], [taker] = spot.fills("a"), spot.fills("b")
    assert (maker.fee, maker.fee_asset, maker.maker) == (D("0.03333330"), "USDT", True)
    assert (taker.fee, taker.fee_asset, taker.maker) == (D("0.00066600"), "BTC", False)
    assert spot.balance("a", "USDT").total == D("100033.3333") - D("0.03333330")
    assert spot.engine.ledger.balance("@fees", "BTC") == D("0.000666")


def test_what_cannot_be_paid_of_a_fee_is_not_charged(world):
    spot = world(fees=FeeSchedule(taker=D("0.000777777")))
    spot.book(asks=[(9000, 1)])
    spot.done("a", "buy", "market", "0.001")
    assert spot.fills("a")[0].fee == D("0.00000077")  # of 0.000000777777


def test_fees_can_be_paid_in_either_asset_and_are_locked_with_the_order(world):
    spot = world(fees=FeeSchedule(maker=D("0.01"), taker=D("0.02"), paid_in=FeesIn.QUOTE))
    spot.done("a", "buy", "limit", 1, 100)
    assert spot.balance("a", "USDT").locked == 102
    spot.done("b", "sell", "market", 1)
    assert (spot.fills("a")[0].fee, spot.fills("a")[0].fee_asset) == (1, "USDT")
    assert spot.balance("a", "USDT").total == 99_899
    assert spot.refused("a", "buy", "limit", 999, 100).reason is Reason.INSUFFICIENT_BALANCE


def test_fees_in_a_third_asset_have_a_price_and_a_discount(world):
    fees = FeeSchedule(taker=D("0.001"), asset="BNB", discount=D("0.75"), prices={"USDT": D(300)})
    spot = world(fees=fees)
    spot.book(asks=[(100, 9)])
    spot.done("a", "buy", "market", 1)
    assert (spot.fills("a")[0].fee_asset, spot.fills("a")[0].fee) == ("BNB", D("0.00025"))
    spot.engine.withdraw("a", "BNB", D("99999.9997"), spot.tick())
    spot.done("a", "buy", "market", 1)  # too little BNB is left
    assert (spot.fills("a")[1].fee_asset, spot.fills("a")[1].fee) == ("BTC", D("0.001"))


def test_the_third_asset_is_worth_its_own_last_price(world):
    spot = world(fees=FeeSchedule(taker=D("0.001"), asset="BNB"))
    spot.book(asks=[(100, 9)])
    spot.done("a", "buy", "market", 1)
    assert spot.fills("a")[0].fee_asset == "BTC"  # nobody knows what it is worth
    spot.trade(500, instrument=spot.engine.instruments[1])
    spot.done("a", "buy", "market", 1)
    assert (spot.fills("a")[1].fee_asset, spot.fills("a")[1].fee) == ("BNB", D("0.0002"))


def test_a_rebate_is_paid_out(world):
    spot = world(fees=FeeSchedule(maker=D("-0.001")))
    spot.done("a", "sell", "limit", 1, 100)
    spot.done("b", "buy", "market", 1)
    assert spot.fills("a")[0].fee == D("-0.1")
    assert spot.balance("a", "USDT").total == D("100100.1")


def test_deposits_withdrawals_and_transfers_move_what_is_free(spot):
    spot.done("a", "buy", "limit", 1, 99_000)
    assert spot.engine.withdraw("a", "USDT", D(1001), spot.tick()).reason is Reason.INSUFFICIENT_BALANCE
    assert spot.engine.transfer("a", "b", "USDT", D(1001), spot.tick()).reason is Reason.INSUFFICIENT_BALANCE
    assert spot.engine.transfer("a", "b", "USDT", D(1000), spot.tick()) is None
    assert spot.balance("b", "USDT").total == 101_000
    assert spot.engine.ledger.total("USDT") == 0


# Self-trade prevention.


@pytest.mark.parametrize(
    ("mode", "maker", "taker"),
    [
        ("none", (OrderStatus.FILLED, 2, 0), (OrderStatus.PARTIALLY_FILLED, 2, 0)),
        ("expire_taker", (OrderStatus.OPEN, 0, 0), (OrderStatus.EXPIRED_IN_MATCH, 0, 3)),
        ("expire_maker", (OrderStatus.EXPIRED_IN_MATCH, 0, 2), (OrderStatus.OPEN, 0, 0)),
        ("expire_both", (OrderStatus.EXPIRED_IN_MATCH, 0, 2), (OrderStatus.EXPIRED_IN_MATCH, 0, 3)),
        ("decrement", (OrderStatus.EXPIRED_IN_MATCH, 0, 2), (OrderStatus.OPEN, 0, 2)),
    ],
)
def test_self_trade_prevention(spot, mode, maker, taker):
    first = spot.done("a", "sell", "limit", 2, 100)
    second = spot.done("a", "buy", "limit", 3, 100, self_trade_prevention=SelfTradePrevention(mode))
    for order, (status, filled, prevented) in ((first, maker), (second, taker)):
        now = spot.order("a", order)
        assert (now.status, now.filled_quantity, now.prevented_quantity) == (status, filled, prevented)
    balances = [spot.balance("a", asset).total for asset in ("BTC", "USDT")]
    assert balances == [100_000, 100_000]


def test_what_prevention_takes_is_not_locked_any_more(spot):
    order = spot.done("a", "sell", "limit", 3, 100)
    spot.done("a", "buy", "limit", 1, 100, self_trade_prevention=SelfTradePrevention.DECREMENT)
    now = spot.order("a", order)
    assert (now.status, now.prevented_quantity, now.remaining) == (OrderStatus.OPEN, 1, 2)
    assert spot.balance("a", "BTC").locked == 2
    assert spot.engine.depth(spot.instrument)[1] == ((D(100), D(2)),)
    assert ("TRADE_PREVENTION", "open") in spot.updates("a", order)


def test_orders_of_others_are_matched_before_and_after_ones_own(spot):
    spot.done("b", "sell", "limit", 1, 99)
    own = spot.done("a", "sell", "limit", 1, 100)
    spot.done("b", "sell", "limit", 1, 101)
    order = spot.done("a", "buy", "limit", 2, 101, self_trade_prevention=SelfTradePrevention.EXPIRE_MAKER)
    assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, 2)
    assert spot.order("a", own).status is OrderStatus.EXPIRED_IN_MATCH


# Changing and cancelling.


def test_an_amend_makes_the_quantity_smaller_and_keeps_the_place(spot):
    first = spot.done("a", "sell", "limit", 2, 100)
    spot.done("b", "sell", "limit", 2, 100)
    result = spot.amend("a", first, quantity=1, amend_id="smaller")
    assert (result.order.client_order_id, result.order.quantity) == ("smaller", 1)
    assert spot.balance("a", "BTC").locked == 1
    spot.done("c", "buy", "market", "1.5")
    assert spot.order("a", result.order).status is OrderStatus.FILLED
    assert spot.fills("b")[0].quantity == D("0.5")


@pytest.mark.parametrize(
    ("quantity", "price", "words"),
    [(3, None, "increase"), (2, None, "no state"), (1, 99, "cancel_replace"), ("0.5", None, "filled")],
)
def test_any_other_amend_is_refused(spot, quantity, price, words):
    order = spot.done("a", "sell", "limit", 2, 100)
    spot.done("b", "buy", "market", 1)
    result = spot.amend("a", order, quantity=quantity, price=price)
    assert (result.reason, words in result.message) == (Reason.AMEND_REFUSED, True)


def test_cancelling_twice_says_what_became_of_the_order(spot):
    order = spot.done("a", "sell", "limit", 2, 100)
    assert spot.cancel("a", order).order.status is OrderStatus.CANCELLED
    again = spot.cancel("a", order)
    assert (again.reason, again.final.status) == (Reason.ALREADY_CLOSED, OrderStatus.CANCELLED)
    nobodys = CancelRequest(instrument=spot.instrument, order_id=order.order_id)
    assert spot.engine.cancel("b", nobodys, spot.tick()).reason is Reason.UNKNOWN_ORDER
    both = CancelRequest(instrument=spot.instrument, order_id=order.order_id, client_order_id="another")
    assert spot.engine.cancel("a", both, spot.tick()).reason is Reason.UNKNOWN_ORDER


def test_cancel_all_takes_everything_of_the_instrument(spot):
    spot.done("a", "sell", "limit", 2, 100)
    spot.done("a", "buy", "limit", 2, 90)
    spot.done("b", "buy", "limit", 2, 90)
    ended = spot.engine.cancel_all("a", spot.instrument, spot.tick())
    assert {order.status for order in ended} == {OrderStatus.CANCELLED}
    assert len(ended) == 2
    assert len(spot.engine.open_orders("b")) == 1


def test_cancel_replace_has_two_halves(spot):
    order = spot.done("a", "buy", "limit", 900, 100)
    place = spot.request("buy", "limit", 900, 110)  # only affordable once the first is gone
    cancel = CancelRequest(instrument=spot.instrument, order_id=order.order_id)
    cancelled, placed = spot.engine.cancel_replace(
        "a", CancelReplaceRequest(cancel=cancel, place=place), spot.tick()
    )
    assert isinstance(cancelled, Done)
    assert placed.order.price == 110
    again = spot.engine.cancel_replace("a", CancelReplaceRequest(cancel=cancel, place=place), spot.tick())
    assert (again[0].reason, again[1]) == (Reason.ALREADY_CLOSED, None)
    small = spot.request("buy", "limit", 1, 10)
    either = CancelReplaceRequest(cancel=cancel, place=small, stop_on_failure=False)
    refused, done = spot.engine.cancel_replace("a", either, spot.tick())
    assert (isinstance(refused, Refused), isinstance(done, Done)) == (True, True)


# Rules.


@pytest.mark.parametrize(
    ("quantity", "price", "rule"),
    [("1", "100.05", "tick_size"), ("0.0005", "100", "step_size"), ("0.01", "100", "min_notional")],
)
def test_broken_rules_are_named(spot, quantity, price, rule):
    refused = spot.refused("a", "buy", "limit", quantity, price)
    assert refused.reason is Reason.FILTER
    assert rule in {violation.rule for violation in refused.violations}


def test_an_id_is_used_once_while_its_order_is_open(spot):
    order = spot.done("a", "buy", "limit", 1, 100, client_order_id="mine")
    assert spot.refused("a", "buy", "limit", 1, 100, client_order_id="mine").reason is Reason.DUPLICATE_ID
    spot.done("b", "buy", "limit", 1, 100, client_order_id="mine")
    spot.cancel("a", order)
    again = spot.done("a", "buy", "limit", 1, 100, client_order_id="mine")
    assert spot.order("a", again).order_id == again.order_id != order.order_id


def test_a_halted_instrument_takes_cancels_alone(spot):
    order = spot.done("a", "buy", "limit", 1, 100)
    spot.engine.set_status(spot.instrument, InstrumentStatus.HALTED, spot.tick())
    assert spot.refused("a", "buy", "limit", 1, 100).reason is Reason.MARKET_CLOSED
    assert isinstance(spot.cancel("a", order), Done)


def test_an_account_can_be_barred_from_trading(spot):
    spot.engine.set_can_trade("a", allowed=False)
    assert spot.refused("a", "buy", "limit", 1, 100).reason is Reason.MARKET_CLOSED
    assert spot.engine.snapshot("a").can_trade is False


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("price", {"kind": "limit", "quantity": 1}),
        ("quantity", {"kind": "limit", "price": 1}),
        ("price", {"kind": "market", "quantity": 1, "price": 1}),
        ("time_in_force", {"kind": "market", "quantity": 1, "time_in_force": TimeInForce.IOC}),
        ("time_in_force", {"kind": "limit", "quantity": 1, "price": 1, "time_in_force": TimeInForce.GTD}),
        ("time_in_force", {"kind": "limit", "quantity": 1, "price": 1, "time_in_force": "ioc"}),
        ("reduce_only", {"kind": "market", "quantity": 1, "reduce_only": True}),
        ("post_only", {"kind": "market", "quantity": 1, "post_only": True}),
        ("trigger_price", {"kind": "stop_market", "quantity": 1}),
        ("quantity", {"kind": "market", "quantity": 1, "quote_quantity": D(10)}),
        ("iceberg_quantity", {"kind": "limit", "quantity": 1, "price": 9, "iceberg_quantity": D(2)}),
        (
            "self_trade_prevention",
            {"kind": "market", "quantity": 1, "self_trade_prevention": SelfTradePrevention.TRANSFER},
        ),
        ("client_order_id", {"kind": "market", "quantity": 1, "client_order_id": "no blanks"}),
        ("quantity", {"kind": "market", "quantity": -1}),
        ("type", {"kind": "liquidation", "quantity": 1}),
    ],
)
def test_what_makes_no_sense_is_an_error_of_the_program(spot, field, more):
    with pytest.raises(InvalidInput) as caught:
        spot.place("a", "buy", **more)
    assert caught.value.field == field


def test_floats_and_unknown_instruments_are_errors_of_the_program(spot, usd):
    with pytest.raises(InvalidInput, match="float"):
        spot.engine.feed_trade(spot.instrument, 1.5, D(1), "buy", spot.tick())
    with pytest.raises(UnknownSymbol):
        spot.place("a", "buy", "market", 1, instrument=usd.instrument)
    with pytest.raises(InvalidInput, match="never goes back"):
        spot.engine.advance(0)
    with pytest.raises(InvalidInput, match="another market"):
        spot.engine.add_instrument(usd.instrument)


def test_only_so_much_is_remembered(world):
    spot = world(settings=EngineSettings(keep=2))
    orders = [spot.done("a", "buy", "market", "0.1") for _ in range(3)]
    assert [spot.order("a", order) is None for order in orders] == [True, False, False]
    assert len(spot.engine.orders("a", spot.instrument, 0, spot.now)) == 2


def test_an_id_that_is_used_again_is_not_forgotten_with_its_first_order(world):
    spot = world(settings=EngineSettings(keep=2))
    spot.done("a", "buy", "market", "0.1", client_order_id="again")
    second = spot.done("a", "buy", "limit", 1, 90, client_order_id="again")
    for _ in range(3):
        spot.done("a", "buy", "market", "0.1")
    assert spot.order("a", second) == second
