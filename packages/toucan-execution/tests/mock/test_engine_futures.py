"""Futures: positions, profit, margin, modes, reduce-only, funding; linear and inverse."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.account import LeverageBracket, LeverageSetting, MarginType, PositionMode
from toucan_execution.events import (
    AccountConfigUpdate,
    BalanceUpdate,
    FundingUpdate,
    PositionUpdate,
)
from toucan_execution.mock.settings import EngineSettings, FeeSchedule
from toucan_execution.orders import OrderStatus, PositionSide, PriceMatch, TimeInForce
from toucan_execution.outcome import Reason
from toucan_instrument import Exchange, InvalidInput

D = Decimal

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def trade(world, buyer, seller, quantity, price, **more):
    """Let two accounts trade at a price."""
    world.done(seller, "sell", "limit", quantity, price, **more)
    return world.done(buyer, "buy", "limit", quantity, price, **more)


# Positions and profit.


def test_linear_profit_is_exact(usd):
    trade(usd, "a", "b", 1, 30_000)
    trade(usd, "a", "b", 2, "30000.1")
    position = usd.position("a")
    assert (position.quantity, position.entry_price) == (3, D("30000.066666666666667"))
    trade(usd, "c", "a", 1, 30_001)
    assert usd.fills("a")[-1].realized_profit == D("0.93333333")
    trade(usd, "c", "a", 2, 30_001)
    assert usd.position("a") is None
    # 30 001 x 3 less 30 000 and 2 x 30 000.1: what was rounded comes back with the rest.
    assert sum(fill.realized_profit for fill in usd.fills("a")) == D("2.8")
    assert usd.balance("a", "USDT").total == D("100002.8")


def test_a_position_is_turned_around_by_one_fill(usd):
    trade(usd, "a", "b", 1, 100)
    trade(usd, "b", "a", 3, 110)
    position = usd.position("a")
    assert (position.quantity, position.entry_price, position.side) == (-2, 110, PositionSide.BOTH)
    assert usd.fills("a")[-1].realized_profit == 10
    assert position.realized_profit == 10
    assert usd.position("b").quantity == 2
    assert usd.fills("b")[-1].realized_profit == -10


def test_inverse_profit_is_rounded_once_half_to_even(coin):
    trade(coin, "a", "b", 10, 10_000)  # 10 contracts of 100 USD: 0.1 BTC
    trade(coin, "a", "b", 20, 12_000)  # 0.1666... BTC
    position = coin.position("a")
    assert position.quantity == 30
    assert position.entry_price == 11_250  # 3000 / 0.26666...
    trade(coin, "c", "a", 30, 11_000)
    # 3000 x (1/11250 - 1/11000), exactly -0.00606060...
    assert coin.fills("a")[-1].realized_profit == D("-0.00606061")
    assert coin.balance("a", "BTC").total == D("99.99393939")
    assert coin.engine.ledger.balance("@clearing", "BTC") == D("0.00606061")


def test_unrealised_profit_goes_by_the_mark_price(usd, coin):
    trade(usd, "a", "b", 2, 100)
    usd.mark(110)
    assert (usd.position("a").unrealized_profit, usd.position("b").unrealized_profit) == (20, -20)
    assert usd.position("b").notional == -220
    balance = usd.balance("b", "USDT")
    assert (balance.total, balance.unrealized_profit) == (100_000, -20)
    trade(coin, "a", "b", 100, 10_000)
    coin.mark(12_500)
    assert coin.position("a").unrealized_profit == D("0.2")
    assert coin.position("a").notional == D("0.8")


def test_fees_of_futures_are_paid_in_the_margin_asset(world):
    usd = world(Exchange.BINANCE_USD_M, fees=FeeSchedule(maker=D("0.0002"), taker=D("0.0004")))
    trade(usd, "a", "b", 1, 100)
    assert [(fill.fee, fill.fee_asset) for fill in usd.fills("a") + usd.fills("b")] == [
        (D("0.04"), "USDT"),
        (D("0.02"), "USDT"),
    ]
    assert [line.kind for line in usd.engine.income("a", 0, usd.now)] == ["TRANSFER", "COMMISSION"]
    coin = world(Exchange.BINANCE_COIN_M, fees=FeeSchedule(taker=D("0.0004")))
    trade(coin, "a", "b", 1, 8800)
    # 100 / 8800 x 0.0004 = 0.00000454545..., cut off as the venue does.
    assert (coin.fills("a")[0].fee, coin.fills("a")[0].fee_asset) == (D("0.00000454"), "BTC")


def test_what_is_told_of_a_fill(usd):
    before = len(usd.events["a"])
    trade(usd, "a", "b", 1, 100)
    trade(usd, "b", "a", 1, 110)
    kinds = [type(event).__name__ for event in usd.events["a"][before:]]
    assert kinds == [
        *("OrderUpdate", "TradeUpdate", "OrderUpdate", "PositionUpdate"),
        "OrderUpdate",  # the order that rests
        *("TradeUpdate", "OrderUpdate", "BalanceUpdate", "PositionUpdate"),
    ]
    flat = [event for event in usd.events["a"] if isinstance(event, PositionUpdate)][-1]
    assert (flat.position.quantity, flat.position.entry_price, flat.reason) == (0, None, "ORDER")


# Margin.


def test_an_order_needs_margin_by_leverage(usd):
    assert usd.engine.set_leverage("a", usd.instrument, 10, usd.tick()).leverage == 10
    usd.done("a", "buy", "limit", 5000, 100)
    balance = usd.balance("a", "USDT")
    assert (balance.locked, balance.free) == (50_000, 50_000)
    assert usd.refused("a", "buy", "limit", "5000.001", 100).reason is Reason.INSUFFICIENT_BALANCE
    usd.done("a", "sell", "limit", 5000, 101)  # the dearer side counts alone
    assert usd.balance("a", "USDT").locked == D(50_500)
    usd.done("a", "buy", "limit", 4900, 100)


def test_margins_are_rounded_up(usd):
    usd.engine.set_leverage("a", usd.instrument, 3, usd.tick())
    usd.done("a", "buy", "limit", 1, 100)
    assert usd.balance("a", "USDT").locked == D("33.33333334")


def test_a_position_can_always_be_made_smaller(usd):
    usd.engine.set_leverage("a", usd.instrument, 1, usd.tick())
    trade(usd, "a", "b", 1000, 100)
    usd.mark(90)
    assert usd.balance("a", "USDT").free == 0
    assert usd.refused("a", "buy", "limit", 1, 90).reason is Reason.INSUFFICIENT_BALANCE
    usd.book(bids=[(90, 5000)])
    usd.done("a", "sell", "market", 500)
    assert usd.position("a").quantity == 500


def test_what_an_order_would_lose_at_once_counts(usd):
    usd.engine.set_leverage("a", usd.instrument, 100, usd.tick())
    usd.mark(100)
    usd.book(asks=[(200, 1000)])
    assert usd.refused("a", "buy", "market", 990).reason is Reason.INSUFFICIENT_BALANCE
    usd.done("a", "buy", "market", 900)


def test_brackets_limit_leverage_and_position(world):
    steps = ((1, 50, 0, 10_000), (2, 10, 10_000, 50_000))
    usd = world(Exchange.BINANCE_USD_M)
    brackets = tuple(
        LeverageBracket(
            instrument=usd.instrument,
            bracket=number,
            max_leverage=leverage,
            floor=D(floor),
            cap=D(cap),
            maintenance_margin=D("0.01"),
            cumulative=D(0),
        )
        for number, leverage, floor, cap in steps
    )
    settings = EngineSettings(spot=False, brackets={usd.instrument: brackets})
    usd = world(Exchange.BINANCE_USD_M, settings=settings)
    assert usd.engine.brackets() == brackets
    assert usd.engine.set_leverage("a", usd.instrument, 51, usd.tick()).reason is Reason.PARAMETER
    refused = usd.refused("a", "buy", "limit", 101, 100)
    assert (refused.reason, refused.violations[0].limit) == (Reason.FILTER, 10_000)
    setting = usd.engine.set_leverage("a", usd.instrument, 10, usd.tick())
    assert setting == LeverageSetting(instrument=usd.instrument, leverage=10, max_notional=D(50_000))
    usd.done("a", "buy", "limit", 101, 100)
    assert usd.engine.set_leverage("a", usd.instrument, 20, usd.tick()).leverage == 20


def test_less_leverage_needs_more_margin(usd):
    trade(usd, "a", "b", 5000, 100)
    refused = usd.engine.set_leverage("a", usd.instrument, 1, usd.tick())
    assert refused.reason is Reason.INSUFFICIENT_BALANCE
    assert usd.position("a").leverage == 20
    assert usd.engine.set_leverage("a", usd.instrument, 5, usd.tick()).leverage == 5
    told = [event for event in usd.events["a"] if isinstance(event, AccountConfigUpdate)]
    assert [event.leverage for event in told] == [5]


def test_an_isolated_position_has_a_margin_of_its_own(usd):
    assert usd.engine.set_margin_type("a", usd.instrument, MarginType.ISOLATED, usd.tick()) is True
    assert usd.engine.set_margin_type("a", usd.instrument, MarginType.ISOLATED, usd.tick()) is False
    trade(usd, "a", "b", 10, 100)
    assert usd.position("a").isolated_margin == 50
    assert usd.balance("a", "USDT").cross_wallet == 99_950
    usd.mark(95)
    assert usd.balance("a", "USDT").free == 99_950  # its losses are its own
    usd.engine.change_isolated_margin("a", usd.instrument, PositionSide.BOTH, D(10), usd.tick())
    assert usd.position("a").isolated_margin == 60
    less = usd.engine.change_isolated_margin("a", usd.instrument, PositionSide.BOTH, D(-30), usd.tick())
    assert less.reason is Reason.OTHER
    more = usd.engine.change_isolated_margin("a", usd.instrument, PositionSide.BOTH, D(10**6), usd.tick())
    assert more.reason is Reason.INSUFFICIENT_BALANCE
    assert usd.engine.set_leverage("a", usd.instrument, 5, usd.tick()).reason is Reason.OTHER
    trade(usd, "b", "a", 5, 100)
    assert usd.position("a").isolated_margin == 30
    trade(usd, "b", "a", 5, 100)
    assert usd.balance("a", "USDT").cross_wallet == 100_000


def test_only_what_is_free_can_be_taken_out(usd):
    usd.engine.set_leverage("a", usd.instrument, 1, usd.tick())
    trade(usd, "a", "b", 600, 100)
    assert usd.engine.withdraw("a", "USDT", D(40_001), usd.tick()).reason is Reason.INSUFFICIENT_BALANCE
    usd.mark(200)  # unrealised profit is no money yet
    assert usd.balance("a", "USDT").free == 40_000
    usd.engine.set_leverage("a", usd.instrument, 100, usd.tick())
    assert usd.balance("a", "USDT").free == 158_800
    assert usd.engine.withdraw("a", "USDT", D(100_001), usd.tick()).reason is Reason.INSUFFICIENT_BALANCE
    assert usd.engine.withdraw("a", "USDT", D(100_000), usd.tick()) is None


def test_settings_stay_while_orders_or_positions_are_open(usd):
    order = usd.done("a", "buy", "limit", 1, 100)
    for change in (
        lambda: usd.engine.set_margin_type("a", usd.instrument, MarginType.ISOLATED, usd.tick()),
        lambda: usd.engine.set_position_mode("a", PositionMode.HEDGE, usd.tick()),
    ):
        assert "open orders" in change().message
    usd.cancel("a", order)
    trade(usd, "a", "b", 1, 100)
    for change in (
        lambda: usd.engine.set_margin_type("a", usd.instrument, MarginType.ISOLATED, usd.tick()),
        lambda: usd.engine.set_position_mode("a", PositionMode.HEDGE, usd.tick()),
    ):
        assert "position" in change().message


# Reduce-only, close-position, hedge mode.


def test_reduce_only_never_enlarges(usd):
    assert usd.refused("a", "sell", "limit", 1, 100, reduce_only=True).reason is Reason.REDUCE_ONLY
    trade(usd, "a", "b", 2, 100)
    assert usd.refused("a", "sell", "limit", 3, 110, reduce_only=True).reason is Reason.REDUCE_ONLY
    assert usd.refused("a", "buy", "limit", 1, 90, reduce_only=True).reason is Reason.REDUCE_ONLY
    first = usd.done("a", "sell", "limit", 2, 110, reduce_only=True)
    second = usd.done("a", "sell", "limit", 2, 111, reduce_only=True)
    usd.done("b", "buy", "limit", 3, 111)
    assert usd.position("a") is None
    assert usd.order("a", first).status is OrderStatus.FILLED
    assert usd.order("a", second).status is OrderStatus.EXPIRED
    assert usd.order("a", second).reason == "NOTHING_LEFT_TO_REDUCE"


def test_a_reduce_only_order_fills_what_there_is_to_reduce(usd):
    trade(usd, "a", "b", 3, 100)
    rest = usd.done("a", "sell", "limit", 3, 110, reduce_only=True)
    trade(usd, "c", "a", 2, 105)  # another order makes the position smaller
    usd.done("b", "buy", "limit", 3, 110)
    now = usd.order("a", rest)
    assert (now.filled_quantity, now.status) == (1, OrderStatus.EXPIRED)
    assert usd.position("a") is None
    assert usd.engine.open_orders("b")[-1].remaining == 2


def test_a_closing_stop_takes_all_of_the_position(usd):
    trade(usd, "a", "b", 3, 100)
    stop = usd.done("a", "sell", "stop_market", trigger_price=D(95), close_position=True)
    assert stop.quantity is None
    usd.book(bids=[(94, 9)])
    usd.trade(95)
    now = usd.order("a", stop)
    assert (now.status, now.quantity, now.filled_quantity) == (OrderStatus.FILLED, 3, 3)
    assert usd.position("a") is None
    usd.trade(100)
    again = usd.done("a", "sell", "stop_market", trigger_price=D(95), close_position=True)
    usd.trade(95)
    assert usd.order("a", again).status is OrderStatus.REJECTED


def test_in_hedge_mode_an_instrument_has_two_positions(usd):
    assert usd.engine.set_position_mode("a", PositionMode.HEDGE, usd.tick()) is True
    assert usd.engine.position_mode("a") is PositionMode.HEDGE
    assert usd.refused("a", "buy", "limit", 1, 100).reason is Reason.POSITION_SIDE
    usd.book(bids=[(100, 99)], asks=[("100.1", 99)])
    usd.done("a", "buy", "market", 2, position_side=LONG)
    usd.done("a", "sell", "market", 3, position_side=SHORT)
    assert {each.side: each.quantity for each in usd.engine.positions("a")} == {LONG: 2, SHORT: -3}
    assert usd.refused("a", "sell", "market", 3, position_side=LONG).reason is Reason.REDUCE_ONLY
    assert usd.done("a", "sell", "market", 2, position_side=LONG).status is OrderStatus.FILLED
    assert [each.side for each in usd.engine.positions("a")] == [SHORT]
    refused = usd.refused("a", "buy", "market", 1, position_side=SHORT, reduce_only=True)
    assert refused.reason is Reason.PARAMETER
    closing = {"trigger_price": D(99), "close_position": True, "position_side": SHORT}
    assert usd.refused("a", "sell", "stop_market", **closing).reason is Reason.POSITION_SIDE


def test_in_one_way_mode_no_side_is_named(usd):
    assert usd.refused("a", "buy", "limit", 1, 100, position_side=LONG).reason is Reason.POSITION_SIDE
    assert usd.done("a", "buy", "limit", 1, 100, position_side=PositionSide.BOTH).is_open


# Changing orders.


def test_an_amend_changes_price_and_quantity_and_queues_again(usd):
    first = usd.done("a", "sell", "limit", 1, 100)
    usd.done("b", "sell", "limit", 1, 101)
    result = usd.amend("a", first, quantity=2, price=101)
    assert (result.order.price, result.order.quantity, result.changed) == (101, 2, True)
    usd.done("c", "buy", "market", 1)
    assert usd.fills("b")[0].quantity == 1
    assert usd.amend("a", first, quantity=2, price=101).changed is False
    with pytest.raises(InvalidInput, match="both"):
        usd.amend("a", first, quantity=1)


def test_an_amend_may_match_at_once_or_end_the_order(usd):
    usd.book(bids=[(99, 1)], asks=[(101, 1)])
    order = usd.done("a", "buy", "limit", 2, 100)
    result = usd.amend("a", order, quantity=2, price=101)
    assert [fill.price for fill in result.fills] == [101]
    assert usd.amend("a", order, quantity=1, price=100).order.status is OrderStatus.CANCELLED
    post = usd.done("a", "buy", "limit", 2, 98, post_only=True)
    usd.book(bids=[(99, 1)], asks=[(101, 1)])
    assert usd.amend("a", post, quantity=2, price=101).order.status is OrderStatus.EXPIRED


def test_an_amend_that_the_margin_does_not_carry_leaves_the_order(usd):
    order = usd.done("a", "buy", "limit", 10_000, 100)
    assert usd.amend("a", order, quantity=20_001, price=100).reason is Reason.INSUFFICIENT_BALANCE
    assert usd.order("a", order) == order
    assert usd.amend("a", order, quantity=19_999, price=100).changed is True
    assert usd.engine.depth(usd.instrument)[0] == ((D(100), D(19_999)),)


def test_orders_are_refused_that_usd_m_refuses(usd):
    usd.book(asks=[(100, 1)])
    fok = usd.refused("a", "buy", "limit", 2, 100, time_in_force=TimeInForce.FOK)
    assert fok.reason is Reason.OTHER
    rpi = usd.refused("a", "buy", "limit", 1, 100, time_in_force=TimeInForce.RPI)
    assert rpi.reason is Reason.WOULD_TAKE
    order = usd.done("a", "buy", "limit", 1, price_match=PriceMatch.OPPONENT)
    assert order.price == 100
    assert usd.refused("a", "buy", "limit", 1, price_match=PriceMatch.QUEUE_5).reason is Reason.OTHER


# Funding.


def test_funding_goes_from_long_to_short(usd):
    trade(usd, "a", "b", 3, 100)
    usd.mark(110)
    usd.engine.fund(usd.instrument, D("0.0001"), usd.tick())
    assert usd.balance("a", "USDT").total == D("99999.967")
    assert usd.balance("b", "USDT").total == D("100000.033")
    told = [event for event in usd.events["a"] if isinstance(event, (FundingUpdate, BalanceUpdate))][-2:]
    assert (told[0].amount, told[1].reason) == (D("-0.033"), "FUNDING_FEE")
    assert usd.engine.income("a", 0, usd.now)[-1].kind == "FUNDING_FEE"
    assert usd.engine.ledger.balance("@clearing", "USDT") == 0


def test_funding_of_inverse_contracts_is_paid_in_the_base_asset(coin):
    trade(coin, "a", "b", 30, 9000)
    coin.engine.fund(coin.instrument, D("0.0001"), coin.tick(), mark=D(9000))
    assert coin.balance("a", "BTC").total == D("99.99996667")


def test_spot_has_nothing_of_all_that(spot):
    with pytest.raises(InvalidInput, match="spot"):
        spot.engine.set_leverage("a", spot.instrument, 2, spot.tick())
    with pytest.raises(InvalidInput, match="spot"):
        spot.engine.fund(spot.instrument, D(1), spot.tick())
