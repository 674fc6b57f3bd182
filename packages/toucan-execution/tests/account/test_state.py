"""What is known of orders and fills, case by case."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.events import FillMismatch, MarginLevelUpdate, OrderUpdate, TradeNotice, TradeUpdate
from toucan_execution.orders import (
    Order,
    OrderOrigin,
    OrderRequest,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from toucan_execution.state import CANCEL_WINDOW_NS, OrderTracker
from toucan_instrument import Exchange, Instrument, InstrumentKind, QuantityUnit, Side
from toucan_instrument.errors import InvalidInput

S = OrderStatus
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
T = 1_700_000_000 * SECOND
ZERO = Decimal(0)


def coin(symbol: str = "BTCUSDT", **terms) -> Instrument:
    return Instrument(
        exchange=Exchange.BINANCE_SPOT,
        symbol=symbol,
        kind=InstrumentKind.SPOT,
        base=symbol[:3],
        quote=symbol[3:],
        **terms,
    )


BTC = coin()
ETH = coin("ETHUSDT")


def make(**options) -> OrderTracker:
    tracker = OrderTracker(
        Exchange.BINANCE_SPOT, "main", is_own=lambda client_id: client_id.startswith("own-"), **options
    )
    tracker.followed(0)
    return tracker


def order(status=S.OPEN, *, at=0, order_id="1", client="own-1", filled="0", instrument=BTC, **facts) -> Order:
    return Order(
        instrument=instrument,
        client_order_id=client,
        order_id=order_id,
        side=facts.pop("side", Side.BUY),
        type=facts.pop("type", OrderType.LIMIT),
        status=status,
        quantity=facts.pop("quantity", Decimal(10)),
        filled_quantity=Decimal(filled),
        updated_ns=None if at is None else T + at,
        **facts,
    )


def update(status=S.OPEN, *, execution="NEW", recovered=False, origin=OrderOrigin.FOREIGN, now=None, **facts):
    at = facts.get("at", 0) or 0
    return OrderUpdate(
        Exchange.BINANCE_SPOT,
        "main",
        None,
        T + at if now is None else now,
        order=order(status, **facts),
        origin=origin,
        execution=execution,
        recovered=recovered,
    )


def fill(trade_id, quantity, *, at=0, order_id="1", client="", instrument=BTC, price="100", **facts):
    return TradeUpdate(
        Exchange.BINANCE_SPOT,
        "main",
        T + at,
        T + at,
        instrument=instrument,
        trade_id=str(trade_id),
        order_id=order_id,
        client_order_id=client,
        side=Side.BUY,
        price=Decimal(price),
        quantity=Decimal(quantity),
        **facts,
    )


def request(client="own-1", **facts) -> OrderRequest:
    return OrderRequest(
        instrument=facts.pop("instrument", BTC),
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(10),
        price=Decimal(100),
        time_in_force=TimeInForce.GTC,
        client_order_id=client,
        **facts,
    )


def statuses(events) -> list[tuple[OrderStatus | None, OrderStatus]]:
    return [(event.previous, event.order.status) for event in events if isinstance(event, OrderUpdate)]


# The life of an order.


def test_an_order_of_ours_from_flight_to_fill() -> None:
    tracker = make()
    begun = tracker.begin(request(), T)
    assert statuses(begun) == [(None, S.OPEN_IN_FLIGHT)]
    assert begun[0].origin is OrderOrigin.OWN
    told = tracker.apply(update(execution="", at=1))
    assert statuses(told) == [(S.OPEN_IN_FLIGHT, S.OPEN)]
    assert tracker.apply(update(at=1)) == []  # the stream tells the same
    trade, part = [
        *tracker.apply(fill(5, "4", at=2)),
        *tracker.apply(update(S.PARTIALLY_FILLED, at=2, filled="4")),
    ]
    assert (trade.client_order_id, trade.origin) == ("own-1", OrderOrigin.OWN)
    assert (part.previous, part.order.status, part.order.remaining) == (S.OPEN, S.PARTIALLY_FILLED, 6)
    assert part.order.average_price == 100
    done = [*tracker.apply(fill(6, "6", at=3)), *tracker.apply(update(S.FILLED, at=3, filled="10"))]
    assert statuses(done) == [(S.PARTIALLY_FILLED, S.FILLED)]
    assert tracker.open_orders() == ()
    assert tracker.recently_closed() == (done[-1].order,)
    assert tracker.mismatches() == ()


@pytest.mark.parametrize("first", ["update", "fill"])
def test_a_fill_and_its_order_in_either_order(first) -> None:
    tracker = make()
    tracker.apply(update())
    pair = [fill(1, "10", at=1), update(S.FILLED, at=1, filled="10", execution="TRADE")]
    events = [each for event in (pair if first == "fill" else pair[::-1]) for each in tracker.apply(event)]
    assert statuses(events) == [(S.OPEN, S.FILLED)]
    assert len(events) == 2
    assert tracker.mismatches() == ()


def test_old_news_moves_nothing_back() -> None:
    tracker = make()
    tracker.apply(update(S.PARTIALLY_FILLED, at=5, filled="4", price=Decimal(101)))
    assert tracker.apply(update(S.OPEN, at=1, price=Decimal(100))) == []
    assert tracker.get(BTC, order_id="1").price == 101
    tracker.apply(update(S.CANCELLED, at=6, filled="4"))
    for late in (S.OPEN, S.PARTIALLY_FILLED, S.EXPIRED):
        assert tracker.apply(update(late, at=7, filled="4")) == []


def test_a_fill_after_the_cancel_still_counts() -> None:
    tracker = make()
    tracker.apply(update(S.CANCELLED, at=5))
    trade, told = tracker.apply(fill(1, "4", at=4))
    assert isinstance(trade, TradeUpdate)
    assert (told.order.status, told.order.filled_quantity, told.previous) == (S.CANCELLED, 4, S.CANCELLED)
    assert tracker.mismatches() == ()


def test_a_later_truth_with_more_filled_wins() -> None:
    tracker = make()
    tracker.apply(update(S.CANCELLED, at=5, filled="4"))
    assert statuses(tracker.apply(update(S.FILLED, at=5, filled="10"))) == [(S.CANCELLED, S.FILLED)]
    assert tracker.apply(update(S.CANCELLED, at=9, filled="4")) == []


def test_each_fill_once() -> None:
    tracker = make()
    tracker.apply(update())
    assert len(tracker.apply(fill(1, "4"))) == 1
    assert tracker.apply(fill(1, "4")) == []
    assert tracker.apply(fill(1, "4", recovered=True)) == []
    assert len(tracker.apply(fill(1, "4", instrument=ETH))) == 1  # ids are unique within an instrument
    assert tracker.get(BTC, order_id="1").filled_quantity == 4


def test_an_account_that_trades_with_itself_has_two_fills_with_one_id() -> None:
    tracker = make()
    tracker.apply(update())
    tracker.apply(update(client="own-2", order_id="2", side=Side.SELL))
    bought = fill(1, "4")
    sold = msgspec.structs.replace(bought, order_id="2", side=Side.SELL)
    assert [event.side for event in tracker.apply(bought) if isinstance(event, TradeUpdate)] == [Side.BUY]
    assert [event.side for event in tracker.apply(sold) if isinstance(event, TradeUpdate)] == [Side.SELL]
    assert tracker.apply(sold) == []
    assert tracker.apply(msgspec.structs.replace(bought, recovered=True)) == []
    assert [tracker.get(BTC, order_id=number).filled_quantity for number in "12"] == [4, 4]


@pytest.mark.parametrize("answered_first", [True, False])
def test_an_amended_order_has_its_new_id_whichever_word_of_it_comes_first(answered_first) -> None:
    tracker = make()
    tracker.apply(update(client="own-1"))
    answer = update(execution="", client="own-1b", at=5)
    event = update(execution="REPLACED", client="own-1", at=5)  # goes by the id that the order had
    for each in (answer, event) if answered_first else (event, answer):
        tracker.apply(each)
    assert tracker.get(BTC, order_id="1").client_order_id == "own-1b"
    tracker.apply(update(S.PARTIALLY_FILLED, execution="TRADE", client="own-1b", at=6, filled="1"))
    assert tracker.get(BTC, order_id="1").client_order_id == "own-1b"


def test_an_early_word_of_a_fill_is_told_once_and_counts_for_nothing() -> None:
    tracker = make()
    tracker.apply(update())
    notice = TradeNotice(
        Exchange.BINANCE_SPOT,
        "main",
        T,
        T,
        instrument=BTC,
        trade_id="1",
        order_id="1",
        client_order_id="own-1",
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(4),
        maker=False,
    )
    assert tracker.apply(notice) == [notice]
    assert tracker.apply(notice) == []
    assert tracker.get(BTC, order_id="1").filled_quantity == 0
    assert len(tracker.apply(fill(1, "4"))) == 1
    assert tracker.apply(msgspec.structs.replace(notice, trade_id="1")) == []


def test_other_events_come_back() -> None:
    event = MarginLevelUpdate(Exchange.BINANCE_SPOT, "main", None, 0, level=None, status="NORMAL")
    assert make().apply(event) == [event]


def test_what_a_message_leaves_out_stays() -> None:
    tracker = make()
    tracker.begin(request(post_only=True), T)
    tracker.apply(update(at=1, price=None, quantity=None, created_ns=T))
    known = tracker.get(BTC, client_order_id="own-1")
    assert (known.price, known.quantity, known.post_only, known.created_ns) == (100, 10, True, T)
    assert known.time_in_force is TimeInForce.GTC
    assert known.updated_ns == T + 1


def test_an_average_belongs_to_its_figure() -> None:
    tracker = make()
    tracker.apply(
        update(S.PARTIALLY_FILLED, filled="4", average_price=Decimal(99), filled_quote=Decimal(396))
    )
    tracker.apply(update(S.PARTIALLY_FILLED, at=1, filled="6"))
    known = tracker.get(BTC, order_id="1")
    assert (known.average_price, known.filled_quote) == (None, None)


def test_the_average_of_inverse_contracts_is_harmonic() -> None:
    inverse = coin("BTCUSD", quantity_unit=QuantityUnit.CONTRACTS, inverse=True)
    tracker = make()
    tracker.apply(update(instrument=inverse))
    tracker.apply(fill(1, "1", price="100", instrument=inverse))
    tracker.apply(fill(2, "1", price="300", instrument=inverse))
    average = tracker.get(inverse, order_id="1").average_price
    assert abs(average - 150) < Decimal("1e-30")


def test_self_trade_prevention_adds_up() -> None:
    tracker = make()
    tracker.apply(update())
    [told] = tracker.apply(update(at=1, prevented_quantity=Decimal(3), execution="TRADE_PREVENTION"))
    known = told.order
    assert known.filled_quantity + known.prevented_quantity + known.remaining == known.quantity
    [over] = tracker.apply(update(S.EXPIRED_IN_MATCH, at=2, prevented_quantity=Decimal(10)))
    assert over.order.status is S.EXPIRED_IN_MATCH
    assert over.order.remaining == 0


def test_a_word_that_is_not_known_makes_no_order_vanish() -> None:
    tracker = make()
    [told] = tracker.apply(update(S.UNKNOWN, status_venue="WEIRD", unknown_words=("X=WEIRD",)))
    assert told.order.status is S.UNKNOWN
    assert tracker.unknown_orders == (told.order,)
    assert statuses(tracker.apply(update(S.OPEN, at=1))) == [(S.UNKNOWN, S.OPEN)]
    tracker.apply(update(S.UNKNOWN, at=2, status_venue="WEIRD"))
    assert tracker.get(BTC, order_id="1").status is S.OPEN


def test_a_venue_s_pending_cancel_is_an_open_order() -> None:
    tracker = make()
    assert statuses(tracker.apply(update(S.CANCEL_IN_FLIGHT))) == [(None, S.OPEN)]


# Ours.


def test_an_id_is_used_once() -> None:
    tracker = make()
    tracker.begin(request(), T)
    for bad in (request(), request(client=""), request(instrument=ETH)):
        with pytest.raises(InvalidInput) as caught:
            tracker.begin(bad, T)
        assert caught.value.field == "client_order_id"
    assert tracker.is_used("own-1")
    tracker.rejected("own-1", "no", T)
    with pytest.raises(InvalidInput):
        tracker.begin(request(), T)


def test_something_is_kept() -> None:
    with pytest.raises(InvalidInput, match="keep_finished"):
        make(keep_finished=0)


def test_a_rejection_ends_an_order_in_flight() -> None:
    tracker = make()
    tracker.begin(request(), T)
    [told] = tracker.rejected("own-1", "too little money", T + 1)
    assert (told.previous, told.order.status, told.order.reason) == (
        S.OPEN_IN_FLIGHT,
        S.REJECTED,
        "too little money",
    )
    assert tracker.open_orders() == ()


def test_the_venue_s_word_goes_before_a_conclusion_of_ours() -> None:
    tracker = make()
    tracker.begin(request(), T)
    tracker.rejected("own-1", "never made", T + 1)
    [told] = tracker.apply(update(at=2))
    assert (told.previous, told.order.status, told.order.reason) == (S.REJECTED, S.OPEN, "")
    assert tracker.open_orders() == (told.order,)
    assert tracker.rejected("own-1", "never made", T + 3) == []


def test_an_unknown_order_counts_as_open_until_the_venue_tells() -> None:
    tracker = make()
    tracker.begin(request(), T)
    assert statuses(tracker.unknown("own-1", T + 1)) == [(S.OPEN_IN_FLIGHT, S.UNKNOWN)]
    assert tracker.unknown("own-1", T + 1) == []
    assert len(tracker.open_orders()) == len(tracker.unknown_orders) == 1
    assert statuses(tracker.apply(update(at=2, execution=""))) == [(S.UNKNOWN, S.OPEN)]
    assert tracker.unknown("own-1", T + 3) == []


def test_a_fill_alone_settles_an_unknown_order() -> None:
    tracker = make()
    tracker.begin(request(), T)
    tracker.unknown("own-1", T + 1)
    events = tracker.apply(fill(1, "4", client="own-1", recovered=True))
    assert statuses(events) == [(S.UNKNOWN, S.PARTIALLY_FILLED)]


def test_a_cancel_in_flight_ends_with_the_order_or_with_its_refusal() -> None:
    tracker = make()
    [first] = tracker.apply(update())
    assert statuses(tracker.begin_cancel(first.order, T + 1)) == [(S.OPEN, S.CANCEL_IN_FLIGHT)]
    tracker.apply(fill(1, "4", at=2))
    told = tracker.apply(update(S.PARTIALLY_FILLED, at=2, filled="4"))
    assert statuses(told) == [(S.CANCEL_IN_FLIGHT, S.CANCEL_IN_FLIGHT)]  # a fill does not end it
    assert statuses(tracker.end_cancel(first.order, T + 3)) == [(S.CANCEL_IN_FLIGHT, S.PARTIALLY_FILLED)]
    assert tracker.end_cancel(first.order, T + 3) == []
    tracker.begin_cancel(first.order, T + 4)
    told = tracker.apply(update(S.CANCELLED, at=5, filled="4"))
    assert statuses(told) == [(S.CANCEL_IN_FLIGHT, S.CANCELLED)]
    assert tracker.begin_cancel(first.order, T + 6) == []
    assert tracker.begin_cancel(order(order_id="none", client="none"), T) == []
    assert tracker.end_cancel(order(order_id="none", client="none"), T) == []


def test_a_cancel_that_can_take_effect_no_more_is_over() -> None:
    tracker = make()
    [first] = tracker.apply(update())
    tracker.begin_cancel(first.order, T)
    soon, late = T + CANCEL_WINDOW_NS - 1, T + CANCEL_WINDOW_NS
    assert tracker.apply(update(recovered=True, execution="", now=soon)) == []
    told = tracker.apply(update(recovered=True, execution="", now=late))
    assert statuses(told) == [(S.CANCEL_IN_FLIGHT, S.OPEN)]


def test_a_cancel_in_flight_does_not_hide_that_nobody_knows() -> None:
    tracker = make()
    [begun] = tracker.begin(request(), T)
    tracker.unknown("own-1", T)
    tracker.begin_cancel(begun.order, T)
    assert tracker.get(BTC, client_order_id="own-1").status is S.UNKNOWN


def test_an_order_that_the_venue_does_not_know_is_not_gone() -> None:
    tracker = make()
    [first] = tracker.apply(update())
    assert statuses(tracker.missing(first.order, T + SECOND)) == [(S.OPEN, S.UNKNOWN)]
    assert tracker.apply(update()) == []  # what was known before settles nothing
    assert statuses(tracker.apply(update(at=SECOND))) == [(S.UNKNOWN, S.OPEN)]
    [gone] = tracker.missing(first.order, T + 4 * DAY)
    assert (gone.order.status, gone.order.reason) == (S.CANCELLED, "the venue knows it no more")
    back = tracker.apply(update(at=5 * DAY))
    assert statuses(back) == [(S.CANCELLED, S.OPEN)]
    assert back[0].order.reason == ""


def test_missing_says_nothing_of_what_is_in_flight_or_over() -> None:
    tracker = make()
    [begun] = tracker.begin(request(), T)
    assert tracker.missing(begun.order, T + 9 * DAY) == []
    tracker.apply(update(S.FILLED, filled="10"))
    assert tracker.missing(begun.order, T + 9 * DAY) == []
    assert tracker.missing(order(order_id="9", client="9"), T) == []


# Who is who.


def test_futures_number_orders_by_instrument() -> None:
    tracker = make()
    tracker.apply(update(order_id="7", client="a"))
    tracker.apply(update(order_id="7", client="b", instrument=ETH))
    assert tracker.get(BTC, order_id="7").client_order_id == "a"
    assert tracker.get(ETH, order_id="7").client_order_id == "b"
    assert tracker.get(ETH, order_id="8") is None
    assert [each.client_order_id for each in tracker.open_orders(ETH)] == ["b"]
    assert tracker.instruments() == {BTC, ETH}


def test_an_amendment_may_change_the_client_id() -> None:
    tracker = make()
    tracker.apply(update())
    told = tracker.apply(update(at=5, client="own-2", quantity=Decimal(8), execution="REPLACED"))
    assert [each.order.client_order_id for each in told] == ["own-2"]
    tracker.apply(update(at=1, client="own-1"))
    for client_id in ("own-1", "own-2"):
        known = tracker.get(BTC, client_order_id=client_id)
        assert (known.client_order_id, known.quantity, known.order_id) == ("own-2", 8, "1")
    assert len(tracker) == 1
    assert tracker.by_client_id("own-2").order_id == "1"
    assert tracker.by_client_id("own-3") is None


def test_a_client_id_is_used_again_by_somebody_else() -> None:
    tracker = make()
    tracker.apply(update(S.FILLED, client="web", filled="10", at=1))
    tracker.apply(update(client="web", order_id="2", at=2))
    assert tracker.get(BTC, client_order_id="web").order_id == "2"
    assert tracker.get(BTC, order_id="1").status is S.FILLED
    tracker.apply(update(S.FILLED, client="web", filled="10", at=1, price=Decimal(3)))
    assert tracker.get(BTC, client_order_id="web").order_id == "2"
    assert len(tracker) == 2


def conditional(status=S.OPEN, *, at=0, algo_id="9", order_id="", client="own-1", **facts):
    return update(
        status, at=at, order_id=order_id, client=client, algo_id=algo_id, type=OrderType.STOP_LIMIT, **facts
    )


@pytest.mark.parametrize("client", ["own-1", "other"])
@pytest.mark.parametrize("told_first", ["algo", "actual"])
def test_a_conditional_order_and_what_it_becomes_are_one(client, told_first) -> None:
    tracker = make()
    tracker.apply(conditional(triggered=False, trigger_price=Decimal(90)))
    trigger = conditional(at=2, order_id="5", triggered=True)
    actual = update(S.PARTIALLY_FILLED, at=3, order_id="5", client=client, filled="4")
    trade = fill(1, "4", at=3, order_id="5", client=client)
    for event in (trigger, trade, actual) if told_first == "algo" else (trade, actual, trigger):
        tracker.apply(event)
    assert len(tracker.open_orders()) == 1
    for ids in (
        {"algo_id": "9"},
        {"order_id": "5"},
        {"client_order_id": "own-1"},
        {"client_order_id": client},
    ):
        known = tracker.get(BTC, **ids)
        assert known.type is OrderType.STOP_LIMIT
        assert (known.order_id, known.algo_id, known.client_order_id) == ("5", "9", "own-1")
        assert (known.status, known.filled_quantity, known.triggered) == (S.PARTIALLY_FILLED, 4, True)
        assert known.trigger_price == 90
    assert tracker.mismatches() == ()
    tracker.apply(update(S.CANCELLED, at=4, order_id="5", client=client, filled="4"))
    tracker.apply(conditional(S.UNKNOWN, at=5, order_id="5", status_venue="FINISHED"))
    assert tracker.get(BTC, algo_id="9").status is S.CANCELLED
    assert tracker.open_orders() == ()


def test_the_word_finished_alone_does_not_end_a_conditional_order() -> None:
    tracker = make()
    tracker.apply(conditional(at=2, order_id="5", triggered=True))
    tracker.apply(conditional(S.UNKNOWN, at=3, order_id="5", triggered=True))
    assert tracker.get(BTC, algo_id="9").status is S.OPEN
    tracker.apply(update(S.FILLED, at=3, order_id="5", filled="10"))
    assert tracker.get(BTC, algo_id="9").status is S.FILLED


def test_a_late_word_of_a_conditional_order_that_is_over_makes_no_new_one() -> None:
    tracker = make()
    tracker.apply(update(S.FILLED, at=5, order_id="5", filled="10"))
    tracker.apply(conditional(at=1))
    assert len(tracker) == 1
    tracker.apply(conditional(at=9, algo_id="10"))  # newer and open: the id is used again
    assert len(tracker) == 2


@pytest.mark.parametrize(
    ("client", "said", "expected"),
    [
        ("own-4", OrderOrigin.FOREIGN, OrderOrigin.OWN),
        ("web", OrderOrigin.FOREIGN, OrderOrigin.FOREIGN),
        ("autoclose-1", OrderOrigin.LIQUIDATION, OrderOrigin.LIQUIDATION),
        ("own-4", OrderOrigin.ADL, OrderOrigin.ADL),
    ],
)
def test_whose_order_it_is(client, said, expected) -> None:
    tracker = make()
    [told] = tracker.apply(update(client=client, origin=said))
    assert told.origin is told.order.origin is expected
    [trade] = tracker.apply(fill(1, "1"))
    assert trade.origin is expected


def test_a_fill_of_an_order_that_is_not_known_waits_for_it() -> None:
    tracker = make()
    [trade] = tracker.apply(fill(1, "4", client="own-1"))
    assert trade.origin is OrderOrigin.OWN
    [told] = tracker.apply(update(at=0))
    assert (told.order.filled_quantity, told.order.status) == (4, S.PARTIALLY_FILLED)
    assert tracker.mismatches() == ()


# Fills add up.


def test_a_difference_is_reported_once_and_repaired() -> None:
    tracker = make()
    tracker.apply(update())
    tracker.apply(update(S.PARTIALLY_FILLED, at=1, filled="4"))
    assert tracker.mismatches(T + 1) == ()  # the fill may still come
    assert len(tracker.mismatches(T + 6 * SECOND)) == 1
    assert tracker.report_mismatches(T + 1) == []
    [told] = tracker.report_mismatches(T + 6 * SECOND)
    assert isinstance(told, FillMismatch)
    assert (told.known, told.order.filled_quantity, told.repaired) == (0, 4, False)
    assert tracker.report_mismatches(T + 7 * SECOND) == []
    events = tracker.apply(fill(1, "4", at=1, recovered=True))
    assert [type(event) for event in events] == [TradeUpdate, FillMismatch]
    assert (events[1].known, events[1].repaired) == (4, True)
    assert tracker.mismatches() == ()


def test_what_was_filled_before_the_account_was_followed_is_no_difference() -> None:
    tracker = OrderTracker(Exchange.BINANCE_SPOT, "main", is_own=lambda _: False)
    tracker.apply(update(S.PARTIALLY_FILLED, at=5, filled="4", recovered=True))
    assert tracker.apply(fill(1, "4", at=3, recovered=True)) == []  # history
    tracker.followed(T + 6, history_ns=T + 5)
    assert tracker.apply(fill(2, "4", at=5, recovered=True)) == []
    assert tracker.apply(fill(3, "1", at=5, recovered=True, order_id="77")) == []
    assert len(tracker.apply(fill(3, "1", at=6, recovered=True, order_id="77"))) == 1
    tracker.apply(fill(8, "1", at=8))
    tracker.apply(update(S.PARTIALLY_FILLED, at=8, filled="5"))
    assert tracker.mismatches() == ()
    tracker.apply(update(S.PARTIALLY_FILLED, at=9, filled="7"))
    [short] = tracker.mismatches()
    assert short.filled_quantity == 7
    assert short.average_price is None


# Bounded memory.


def test_finished_orders_are_kept_for_a_number_and_a_time() -> None:
    tracker = make(keep_finished=2, keep_ns=DAY)
    tracker.apply(update(order_id="0", client="open"))
    for number in range(1, 5):
        tracker.apply(update(S.FILLED, order_id=str(number), client=f"c{number}", filled="10", at=number))
    assert [each.order_id for each in tracker.recently_closed()] == ["3", "4"]
    assert tracker.get(BTC, client_order_id="c1") is None
    assert not tracker.is_used("c1")
    assert len(tracker) == 3
    tracker.apply(fill(1, "1", at=2 * DAY, order_id="0"))
    assert tracker.recently_closed() == ()
    assert len(tracker.open_orders()) == 1
    assert tracker.mismatches() == ()
    # A late repetition of what was forgotten is history, not a loss of fills.
    tracker.apply(update(S.FILLED, order_id="1", client="c1", filled="10", at=1))
    assert tracker.mismatches() == ()


def test_fills_are_remembered_for_a_number_and_a_time() -> None:
    tracker = make(keep_finished=1)  # of fills ten times as many
    tracker.apply(update(quantity=Decimal(1000)))
    for number in range(1, 31):
        assert tracker.apply(fill(number, "1", at=number))
    assert [tracker.apply(fill(number, "1", at=number)) for number in range(1, 31)] == [[]] * 30
    assert tracker.last_trade(BTC).trade_id == "30"
    assert tracker.last_trade(BTC, before_ns=T + 25).trade_id == "24"
    assert tracker.last_trade(BTC, before_ns=T + 3) is None
    assert tracker.last_trade(ETH) is None
    tracker.apply(fill(31, "1", at=9 * DAY))
    assert tracker.apply(fill(30, "1", at=30)) == []
    assert tracker.last_trade(BTC, before_ns=T + DAY).trade_id == "30"


def test_ids_that_are_no_numbers_are_ordered_by_time() -> None:
    tracker = make(keep_finished=1)
    for number in range(20):
        assert tracker.apply(fill(f"x-{number}", "1", at=number, order_id="5"))
    assert [tracker.apply(fill(f"x-{number}", "1", at=number, order_id="5")) for number in range(20)] == [
        []
    ] * 20


def test_rejected_orders_are_forgotten_too() -> None:
    tracker = make(keep_finished=3)
    for number in range(10):
        tracker.begin(request(client=f"own-{number}"), T + number)
        tracker.rejected(f"own-{number}", "no", T + number, instrument=BTC)
    assert len(tracker) == 3
