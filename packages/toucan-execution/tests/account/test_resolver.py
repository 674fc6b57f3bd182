"""What became of unknown requests: each rule, with and without its evidence."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from toucan_execution.errors import UnknownOrder, VenueUnavailable
from toucan_execution.events import OrderListUpdate, OrderUpdate, TradeNotice
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    Order,
    OrderList,
    OrderListRequest,
    OrderOrigin,
    OrderRequest,
    OrderStatus,
    OrderType,
)
from toucan_execution.outcome import Accepted, Reason, Rejected, ReplaceOutcome, Route, Unknown
from toucan_execution.resolver import Settlement
from toucan_instrument import Exchange, Instrument, InstrumentKind, Side

S = OrderStatus
SECOND = 1_000_000_000
T = 1_700_000_000 * SECOND
WINDOW = 5 * SECOND
BTC = Instrument(
    exchange=Exchange.BINANCE_SPOT, symbol="BTCUSDT", kind=InstrumentKind.SPOT, base="BTC", quote="USDT"
)
ETH = Instrument(
    exchange=Exchange.BINANCE_SPOT, symbol="ETHUSDT", kind=InstrumentKind.SPOT, base="ETH", quote="USDT"
)


def request(client="own-1", **facts) -> OrderRequest:
    return OrderRequest(
        instrument=BTC,
        side=Side.BUY,
        type=facts.pop("type", OrderType.LIMIT),
        quantity=Decimal(10),
        price=Decimal(100),
        client_order_id=client,
        **facts,
    )


def order(status=S.OPEN, *, client="own-1", order_id="1", at=0, **facts) -> Order:
    return Order(
        instrument=facts.pop("instrument", BTC),
        client_order_id=client,
        order_id=order_id,
        side=Side.BUY,
        type=OrderType.LIMIT,
        status=status,
        quantity=facts.pop("quantity", Decimal(10)),
        price=facts.pop("price", Decimal(100)),
        filled_quantity=Decimal(facts.pop("filled", 0)),
        updated_ns=T + at,
        **facts,
    )


def told(status=S.OPEN, **facts) -> OrderUpdate:
    return OrderUpdate(
        Exchange.BINANCE_SPOT, "main", T, T, order=order(status, **facts), origin=OrderOrigin.OWN
    )


def unknown(intent, client="own-1") -> Unknown:
    return Unknown(
        intent=intent,
        client_order_id=client,
        sent_ns=T,
        expires_ns=T + WINDOW,
        cause="no answer",
        route=Route.WEBSOCKET,
    )


def settle(intent, *, known=None, synced=True) -> Settlement:
    return Settlement(unknown(intent), now_ns=T, synced=synced, known=known)


NONE = UnknownOrder(method="GET", url="", status=400, code=-2013, venue_message="Order does not exist.")
DOWN = VenueUnavailable(
    method="GET", url="", status=503, code=None, venue_message="busy", retry_after_ns=40 * SECOND
)


def ask(settlement, answers, *, until=60) -> list[tuple[int, object]]:
    """Ask whenever it is due, until all is known or the time is over; return when and for what."""
    asked = []
    now = T
    while (due := settlement.next_query_at(now)) is not None and due <= T + until * SECOND:
        now = due
        target = settlement.target
        asked.append(((now - T) // SECOND, target))
        answer = answers(target) if callable(answers) else answers
        settlement.on_query(answer, now, now)
    return asked


# Placing.


@pytest.mark.parametrize(
    "status", [S.OPEN, S.PARTIALLY_FILLED, S.FILLED, S.CANCELLED, S.EXPIRED, S.EXPIRED_IN_MATCH, S.UNKNOWN]
)
def test_an_order_that_a_query_finds_was_accepted(status) -> None:
    settlement = settle(request())
    assert settlement.target.client_order_id == "own-1"
    settlement.on_query(found := order(status), T + 7, T)
    result = settlement.result
    assert isinstance(result, Accepted)
    assert (result.order, result.client_order_id, result.intent) == (found, "own-1", request())
    assert (result.route, result.received_ns) == (Route.WEBSOCKET, T + 7)
    assert settlement.target is None
    assert settlement.next_query_at(T) is None
    settlement.on_query(NONE, T, T)
    settlement.on_event(told(S.REJECTED))
    assert settlement.result is result


@pytest.mark.parametrize("status", [S.OPEN, S.PARTIALLY_FILLED, S.FILLED, S.CANCEL_IN_FLIGHT])
def test_an_order_that_the_stream_tells_of_was_accepted(status) -> None:
    settlement = settle(request())
    settlement.on_event(told(status))
    assert isinstance(settlement.result, Accepted)


@pytest.mark.parametrize(
    "event",
    [
        told(S.OPEN_IN_FLIGHT),
        told(S.UNKNOWN),
        told(client="own-2"),
        told(instrument=ETH),
        TradeNotice(
            Exchange.BINANCE_SPOT,
            "main",
            T,
            T,
            instrument=BTC,
            trade_id="1",
            order_id="1",
            client_order_id="own-1",
            side=Side.BUY,
            price=Decimal(1),
            quantity=Decimal(1),
            maker=True,
        ),
    ],
)
def test_what_says_nothing_of_it_settles_nothing(event) -> None:
    settlement = settle(request())
    settlement.on_event(event)
    assert settlement.result is None


def test_an_order_that_the_venue_rejected_is_rejected() -> None:
    settlement = settle(request())
    settlement.on_event(told(S.REJECTED, reason="INSUFFICIENT_BALANCES"))
    result = settlement.result
    assert isinstance(result, Rejected)
    assert (result.reason, result.message, result.sent) == (Reason.OTHER, "INSUFFICIENT_BALANCES", True)
    assert result.final.status is S.REJECTED


@pytest.mark.parametrize(
    ("post_only", "filled", "accepted"), [(True, 0, False), (True, 1, True), (False, 0, True)]
)
def test_a_post_only_order_that_expired_would_have_taken(post_only, filled, accepted) -> None:
    settlement = settle(request(post_only=post_only))
    settlement.on_query(order(S.EXPIRED, filled=filled), T, T)
    if accepted:
        assert isinstance(settlement.result, Accepted)
    else:
        assert settlement.result.reason is Reason.WOULD_TAKE
        assert settlement.result.final.status is S.EXPIRED


def test_an_old_order_of_the_same_id_is_another_one() -> None:
    settlement = settle(request())
    settlement.on_query(order(S.FILLED, created_ns=T - 61 * SECOND), T, T)
    assert settlement.result is None
    settlement.on_query(order(S.FILLED, created_ns=T - 59 * SECOND), T, T)
    assert isinstance(settlement.result, Accepted)


def test_never_made_takes_all_the_evidence() -> None:
    settlement = settle(request())
    asked = ask(settlement, NONE)
    assert [when for when, _ in asked] == [1, 3, 6, 11, 16]  # 15 s: the window and ten seconds
    result = settlement.result
    assert isinstance(result, Rejected)
    assert (result.reason, result.retryable, result.sent) == (Reason.NEVER_MADE, True, True)


def test_never_made_needs_the_venue_s_time() -> None:
    settlement = settle(request())
    for second in range(1, 100):
        settlement.on_query(NONE, T + 15 * SECOND, T + second * SECOND)
    settlement.on_query(NONE, None, T + 100 * SECOND)
    assert settlement.result is None
    settlement.on_query(NONE, T + 15 * SECOND + 1, T + 101 * SECOND)
    assert settlement.result.reason is Reason.NEVER_MADE


def test_never_made_needs_three_queries_over_ten_seconds() -> None:
    late = T + 90 * SECOND
    settlement = settle(request())
    for second in (0, 9.9):
        for _ in range(5):
            settlement.on_query(NONE, late, T + int(second * SECOND))
    assert settlement.result is None
    settlement.on_query(NONE, late, T + 10 * SECOND)
    assert settlement.result is not None
    settlement = settle(request())
    for second in (0, 50):
        settlement.on_query(NONE, late, T + second * SECOND)
    assert settlement.result is None


def test_never_made_needs_the_stream_in_sync_throughout() -> None:
    settlement = settle(request(), synced=False)
    ask(settlement, NONE)
    assert settlement.result is None
    settlement.on_synced()
    late = T + 90 * SECOND
    for second in (60, 65):
        settlement.on_query(NONE, late, T + second * SECOND)
    settlement.on_out_of_sync()
    settlement.on_query(NONE, late, T + 70 * SECOND)
    settlement.on_synced()
    for second in (75, 80, 84):
        settlement.on_query(NONE, late, T + second * SECOND)
    assert settlement.result is None
    settlement.on_query(NONE, late, T + 85 * SECOND)
    assert settlement.result.reason is Reason.NEVER_MADE


def test_what_is_done_is_found_out_of_sync_too() -> None:
    settlement = settle(request(), synced=False)
    settlement.on_query(order(), T, T)
    assert isinstance(settlement.result, Accepted)


def test_queries_that_fail_count_for_nothing() -> None:
    settlement = settle(request())
    asked = ask(settlement, DOWN, until=200)
    assert settlement.result is None
    assert [when for when, _ in asked] == [1, 41, 81, 121, 161]  # as long as the venue asks to wait


@given(
    st.lists(
        st.tuples(st.sampled_from(["none", "down", "lost", "back", "own"]), st.integers(0, 4)), max_size=40
    )
)
def test_never_made_is_never_said_without_its_evidence(steps) -> None:
    settlement = settle(request())
    now, synced, evidence = T, True, []
    for what, wait in steps:
        now += wait * SECOND
        if what in {"lost", "back"}:
            synced = what == "back"
            (settlement.on_synced if synced else settlement.on_out_of_sync)()
            evidence = evidence if synced else []
        elif what == "own":
            settlement.on_event(told(S.UNKNOWN))
        else:
            settlement.on_query(NONE if what == "none" else DOWN, now, now)
            if what == "none" and synced:
                evidence.append(now)
        proven = (
            len(evidence) >= 3
            and evidence[-1] - evidence[0] >= 10 * SECOND
            and evidence[-1] > T + WINDOW + 10 * SECOND
        )
        assert (settlement.result is not None) == proven
        if proven:
            break


# Cancelling.

CANCEL = CancelRequest(instrument=BTC, client_order_id="own-1")


def test_a_cancelled_order_was_cancelled_by_the_request() -> None:
    settlement = settle(CANCEL, known=order())
    assert settlement.target.order_id == "1"
    settlement.on_event(told(S.CANCELLED, at=1, filled=4))
    assert isinstance(settlement.result, Accepted)
    assert settlement.result.order.filled_quantity == 4
    assert settlement.result.client_order_id == "own-1"


@pytest.mark.parametrize(
    ("status", "at"),
    [(S.FILLED, 5), (S.EXPIRED, 5), (S.EXPIRED_IN_MATCH, 5), (S.REJECTED, 5), (S.CANCELLED, -2 * SECOND)],
)
def test_an_order_that_ended_otherwise_was_closed_already(status, at) -> None:
    settlement = settle(CANCEL)
    settlement.on_query(final := order(status, at=at), T, T)
    result = settlement.result
    assert isinstance(result, Rejected)
    assert (result.reason, result.final, result.retryable) == (Reason.ALREADY_CLOSED, final, False)


def test_a_cancel_that_was_never_done_may_be_tried_again() -> None:
    settlement = settle(CANCEL)
    settlement.on_event(told(S.PARTIALLY_FILLED, filled=4))
    asked = ask(settlement, order(S.PARTIALLY_FILLED, filled=4))
    assert [when for when, _ in asked] == [1, 3, 6, 11, 16]
    result = settlement.result
    assert (result.reason, result.retryable, result.final) == (Reason.NEVER_MADE, True, None)
    assert "still open" in result.message


def test_a_cancel_of_an_order_that_nobody_knows() -> None:
    settlement = settle(CANCEL)
    ask(settlement, NONE)
    assert settlement.result.reason is Reason.UNKNOWN_ORDER


def test_a_cancel_follows_a_conditional_order_through_its_trigger() -> None:
    known = order(order_id="", algo_id="9")
    settlement = settle(CANCEL, known=known)
    assert (settlement.target.client_order_id, settlement.target.conditional) == ("own-1", True)

    def answer(target):
        if target.order_id == "5":
            assert target.conditional is False
            return order(S.FILLED, order_id="5", filled=10, client="other")
        return order(S.UNKNOWN, order_id="5", algo_id="9", triggered=True)

    assert len(ask(settlement, answer)) == 2
    assert settlement.result.reason is Reason.ALREADY_CLOSED


# Changing.


def test_an_order_that_is_as_asked_was_changed() -> None:
    amend = AmendRequest(instrument=BTC, client_order_id="own-1", quantity=Decimal("8.0"), price=Decimal(99))
    settlement = settle(amend, known=order())
    settlement.on_event(told(quantity=Decimal(8)))  # the price is not that yet
    assert settlement.result is None
    settlement.on_query(order(S.CANCELLED, quantity=Decimal(8), price=Decimal("99.00")), T, T)
    assert isinstance(settlement.result, Accepted)  # over by now, and changed before that


def test_an_order_that_was_over_first_was_not_changed() -> None:
    settlement = settle(AmendRequest(instrument=BTC, order_id="1", quantity=Decimal(8)))
    settlement.on_query(order(S.FILLED, filled=10), T, T)
    assert settlement.result.reason is Reason.ALREADY_CLOSED
    assert settlement.result.final.filled_quantity == 10


@pytest.mark.parametrize(("answer", "reason"), [(order(), Reason.NEVER_MADE), (NONE, Reason.UNKNOWN_ORDER)])
def test_a_change_that_was_never_made(answer, reason) -> None:
    settlement = settle(AmendRequest(instrument=BTC, client_order_id="own-1", quantity=Decimal(8)))
    ask(settlement, answer)
    assert settlement.result.reason is reason
    assert settlement.result.retryable is (reason is Reason.NEVER_MADE)


def test_an_order_that_got_a_new_id_by_its_change_is_found_by_it() -> None:
    amend = AmendRequest(instrument=BTC, client_order_id="own-1", quantity=Decimal(8), amend_id="own-2")
    changed = order(client="own-2", quantity=Decimal(8))
    settlement = settle(amend)
    asked = ask(settlement, lambda target: changed if target.client_order_id == "own-2" else NONE)
    assert [target.client_order_id for _, target in asked] == ["own-1", "own-2"]
    assert isinstance(settlement.result, Accepted)
    settlement = settle(amend)
    settlement.on_event(told(client="own-2", quantity=Decimal(8)))
    assert isinstance(settlement.result, Accepted)
    settlement = settle(amend)
    ask(settlement, NONE, until=200)
    assert settlement.result.reason is Reason.UNKNOWN_ORDER


# Both halves.


def replace(**how) -> CancelReplaceRequest:
    return CancelReplaceRequest(cancel=CANCEL, place=request("own-2"), **how)


def by_id(**answers):
    return lambda target: answers[target.client_order_id.replace("-", "_")]


def test_both_halves_done() -> None:
    settlement = settle(replace())
    asked = ask(settlement, by_id(own_1=order(S.CANCELLED, at=1), own_2=order(client="own-2", order_id="2")))
    assert [(when, target.client_order_id) for when, target in asked] == [(1, "own-1"), (1, "own-2")]
    result = settlement.result
    assert isinstance(result, Accepted)
    assert (result.intent, result.client_order_id, result.order.order_id) == (replace(), "own-1", "2")
    halves = settlement.halves
    assert isinstance(halves, ReplaceOutcome)
    assert (halves.cancel.intent, halves.place.intent) == (CANCEL, request("own-2"))
    assert settlement.target is None


@pytest.mark.parametrize(("stop", "reason"), [(True, Reason.NOT_ATTEMPTED), (False, Reason.NEVER_MADE)])
def test_neither_half_done(stop, reason) -> None:
    settlement = settle(replace(stop_on_failure=stop))
    ask(settlement, by_id(own_1=order(S.FILLED, at=1), own_2=NONE))
    assert settlement.result.reason is Reason.ALREADY_CLOSED
    assert settlement.result.intent == replace(stop_on_failure=stop)
    assert settlement.halves.place.reason is reason


def test_one_half_done() -> None:
    settlement = settle(replace())
    settlement.on_event(told(S.CANCELLED, at=1))
    assert settlement.result is None
    assert settlement.halves is None
    asked = ask(settlement, NONE)
    assert {target.client_order_id for _, target in asked} == {"own-2"}
    assert [when for when, _ in asked] == [1, 3, 6, 11, 16]
    assert isinstance(settlement.halves.cancel, Accepted)
    assert settlement.result.reason is settlement.halves.place.reason is Reason.NEVER_MADE
    assert settle(CANCEL).halves is None


# Lists.

LIST = OrderListRequest(
    instrument=BTC, kind=ListKind.OCO, orders=(request("own-1"), request("own-2")), client_list_id="own-9"
)


def list_told(status="EXECUTING", client="own-9", **facts) -> OrderListUpdate:
    found = OrderList(
        instrument=BTC, list_id="3", client_list_id=client, kind=ListKind.OCO, status=status, **facts
    )
    return OrderListUpdate(Exchange.BINANCE_SPOT, "main", T, T + 1, order_list=found, reason="OCO_BAD_PRICES")


def test_a_list_is_accepted_when_any_of_its_orders_is_there() -> None:
    settlement = settle(LIST)
    ask(settlement, by_id(own_1=NONE, own_2=order(client="own-2")))
    assert isinstance(settlement.result, Accepted)
    assert settlement.result.intent == LIST


def test_a_list_is_settled_by_the_venue_s_word_on_it() -> None:
    settlement = settle(LIST)
    settlement.on_event(list_told(client="own-8"))
    assert settlement.result is None
    settlement.on_event(list_told())
    assert settlement.result.order_list.list_id == "3"
    settlement.on_event(list_told("REJECT"))
    assert isinstance(settlement.result, Accepted)
    settlement = settle(LIST)
    settlement.on_event(list_told("REJECT"))
    assert (settlement.result.reason, settlement.result.message) == (Reason.OTHER, "OCO_BAD_PRICES")
    other = settle(request())
    other.on_event(list_told())
    assert other.result is None


def test_a_list_of_which_there_is_no_trace_was_never_made() -> None:
    settlement = settle(LIST)
    asked = ask(settlement, NONE)
    assert [when for when, _ in asked] == [1, 1, 3, 3, 6, 6, 11, 11, 16, 16]
    assert settlement.result.reason is Reason.NEVER_MADE
    settlement = settle(LIST)
    ask(settlement, by_id(own_1=order(S.REJECTED), own_2=order(S.REJECTED, client="own-2")))
    assert settlement.result.reason is Reason.OTHER
