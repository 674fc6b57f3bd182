"""Orders of a live client: what is sent, what is noted, and what each answer means."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from toucan_execution.events import OrderUpdate, TradeUpdate
from toucan_execution.orders import CancelRequest, OrderRequest, OrderStatus, OrderType
from toucan_execution.outcome import Accepted, Reason, Rejected, Unknown
from toucan_instrument import Side
from toucan_instrument.errors import InvalidInput

D = Decimal


async def order_of(stage, **changes):
    catalogue = await stage.client.instruments()
    fields = {
        "instrument": catalogue["BTC/USDT"],
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": D("0.5"),
        "price": D("1000.00"),
        **changes,
    }
    return OrderRequest(**fields)


async def test_an_order_is_known_before_it_is_sent_and_followed_to_its_end(stage_of):
    async with stage_of() as stage:
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Accepted)
        name = outcome.client_order_id
        assert name.startswith("bot-")
        assert outcome.order.status is OrderStatus.OPEN
        await stage.idle()
        statuses = [event.order.status for event in stage.of(OrderUpdate)]
        assert statuses == [OrderStatus.OPEN_IN_FLIGHT, OrderStatus.OPEN]
        stage.venue.fill(name, "0.2")
        stage.venue.fill(name, "0.3")
        await stage.idle()
        assert [event.quantity for event in stage.of(TradeUpdate)] == [D("0.2"), D("0.3")]
        order = stage.client.account.order(name)
        assert (order.status, order.filled_quantity, order.average_price) == (
            OrderStatus.FILLED,
            D("0.500"),
            D("1000"),
        )
        assert stage.client.account.balance("BTC").total == D("1.50000")
        assert stage.client.account.open_orders() == ()


async def test_a_broken_rule_is_an_outcome_and_a_wrong_program_an_error(stage_of):
    async with stage_of() as stage:
        before = len(stage.venue.calls)
        outcome = await stage.client.place_order(await order_of(stage, price=D("1000.005")))
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.sent) == (Reason.FILTER, False)
        [violation] = outcome.violations
        assert (violation.rule, violation.nearest) == ("tick_size", D("1000.00"))
        with pytest.raises(InvalidInput, match="price"):
            await stage.client.place_order(await order_of(stage, price=None))
        with pytest.raises(InvalidInput, match="float"):
            await stage.client.place_order(await order_of(stage, quantity=0.5))
        assert len(stage.venue.calls) == before


@pytest.mark.parametrize("fault", ["lost", "never"])
async def test_a_lost_answer_is_unknown_and_is_settled(stage_of, fault):
    async with stage_of() as stage:
        stage.venue.streaming = False  # only queries can find out
        stage.venue.faults["POST", "/api/v3/order"] = [fault]
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Unknown)
        name = outcome.client_order_id
        assert stage.client.unknown == (outcome,)
        assert stage.client.account.order(name).status is OrderStatus.UNKNOWN
        assert [each.client_order_id for each in stage.client.account.open_orders()] == [name]
        settled = await stage.client.settle(outcome, timeout=120)
        placed = [params for call, params in stage.venue.calls if call == "POST /api/v3/order"]
        assert len(placed) == 1  # never sent twice
        assert stage.client.unknown == ()
        if fault == "lost":
            assert isinstance(settled, Accepted)
            assert stage.client.account.order(name).status is OrderStatus.OPEN
        else:
            assert isinstance(settled, Rejected)
            assert settled.reason is Reason.NEVER_MADE
            assert stage.client.account.open_orders() == ()
            asked = [params for call, params in stage.venue.calls if call == "GET /api/v3/order"]
            assert len(asked) >= 3


async def test_settling_never_raises_for_time(stage_of):
    async with stage_of() as stage:
        stage.venue.faults["POST", "/api/v3/order"] = ["never"]
        outcome = await stage.client.place_order(await order_of(stage))
        assert await stage.client.settle(outcome, timeout=0.5) is outcome


async def test_what_never_left_is_rejected(stage_of):
    async with stage_of() as stage:
        stage.venue.faults["POST", "/api/v3/order"] = ["unsent"]
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.sent, outcome.retryable) == (Reason.NOT_SENT, False, True)
        assert stage.client.account.open_orders() == ()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            400,
            {"code": -2010, "msg": "Account has insufficient balance for requested action."},
            "INSUFFICIENT_BALANCE",
        ),
        (400, {"code": -2010, "msg": "Order would immediately match and take."}, "WOULD_TAKE"),
        (400, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}, "FILTER"),
        (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, "AUTHENTICATION"),
        (503, {"code": -1007, "msg": "Timeout waiting for response from backend server."}, None),
        (502, {"msg": "bad gateway"}, None),
    ],
)
async def test_what_the_venues_errors_mean(stage_of, status, body, reason):
    async with stage_of() as stage:
        stage.venue.faults["POST", "/api/v3/order"] = [(status, body)]
        outcome = await stage.client.place_order(await order_of(stage))
        if reason is None:
            assert isinstance(outcome, Unknown)
        else:
            assert isinstance(outcome, Rejected)
            assert (outcome.reason, outcome.sent) == (Reason[reason], True)
            assert outcome.error.status == status
            [order] = stage.client.account.tracker.recently_closed()
            assert order.status is OrderStatus.REJECTED


async def test_a_refused_timestamp_is_signed_again_once(stage_of):
    async with stage_of() as stage:
        stage.venue.skew_ns = 60_000_000_000
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Accepted)
        assert len([1 for call, _ in stage.venue.calls if call == "POST /api/v3/order"]) == 2


async def test_cancels(stage_of):
    async with stage_of() as stage:
        placed = await stage.client.place_order(await order_of(stage))
        stage.venue.fill(placed.client_order_id, "0.1")
        await stage.idle()
        order = stage.client.account.order(placed.client_order_id)
        outcome = await stage.client.cancel_order(order)
        assert isinstance(outcome, Accepted)
        assert outcome.order.status is OrderStatus.CANCELLED
        again = await stage.client.cancel_order(order)
        assert isinstance(again, Rejected)
        assert (again.reason, again.final.status) == (Reason.ALREADY_CLOSED, OrderStatus.CANCELLED)
        stranger = CancelRequest(instrument=order.instrument, client_order_id="nobody-1")
        unknown = await stage.client.cancel_order(stranger)
        assert unknown.reason is Reason.UNKNOWN_ORDER


async def test_own_orders_are_cancelled_and_others_are_not(stage_of):
    async with stage_of() as stage:
        placed = [await stage.client.place_order(await order_of(stage)) for _ in range(2)]
        stage.venue.open(
            {"symbol": "BTCUSDT", "quantity": "1", "price": "5", "type": "LIMIT", "side": "BUY"}, "web_1"
        )
        await stage.idle()
        outcomes = await stage.client.cancel_own()
        assert {each.client_order_id for each in outcomes} == {each.client_order_id for each in placed}
        assert [each.client_order_id for each in stage.client.account.open_orders()] == ["web_1"]
        instrument = placed[0].order.instrument
        [gone] = await stage.client.cancel_all(instrument)
        assert gone.client_order_id == "web_1"


async def test_no_order_goes_while_the_account_is_not_in_sync(stage_of):
    async with stage_of() as stage:
        request = await order_of(stage)
        stage.venue.faults["GET", "/api/v3/account"] = [(503, {})] * 50
        stage.venue.drop()
        await stage.idle()
        assert not stage.client.synced
        refused = await stage.client.place_order(request)
        assert (refused.reason, refused.sent) == (Reason.NOT_SYNCED, False)
        allowed = await stage.client.place_order(request, allow_unsynced=True)
        assert isinstance(allowed, Accepted)


async def test_an_id_is_never_used_twice(stage_of):
    async with stage_of() as stage:
        request = await order_of(stage, client_order_id="bot-mine")
        assert isinstance(await stage.client.place_order(request), Accepted)
        again = await stage.client.place_order(request)
        assert (again.reason, again.sent) == (Reason.DUPLICATE_ID, False)
        twice = await order_of(stage, client_order_id="bot-twice")
        with pytest.raises(InvalidInput, match="same id"):
            await stage.client.place_orders([twice, twice])


async def test_a_batch_has_one_outcome_each_in_order(stage_of):
    async with stage_of() as stage:
        requests = [await order_of(stage, price=D(price)) for price in ("1000", "1000.005", "1001")]
        outcomes = await stage.client.place_orders(requests)
        assert [type(each) for each in outcomes] == [Accepted, Rejected, Accepted]
        assert [each.intent.price for each in outcomes] == [D("1000"), D("1000.005"), D("1001")]


async def test_what_is_held_and_being_bought_is_counted_against_the_most_that_may_be_held(stage_of):
    async with stage_of() as stage:
        instrument = (await order_of(stage)).instrument
        most = replace(instrument, rules=replace(instrument.rules, max_position=D(2)))
        first = await stage.client.place_order(await order_of(stage, instrument=most))  # 1 BTC is held
        assert isinstance(first, Accepted)
        await stage.idle()
        outcome = await stage.client.place_order(await order_of(stage, instrument=most, quantity=D("0.6")))
        assert (type(outcome), outcome.reason, outcome.sent) == (Rejected, Reason.FILTER, False)
        [violation] = outcome.violations
        assert (violation.rule, violation.given, violation.nearest) == ("max_position", D("2.1"), D("0.5"))
        for _ in range(2):  # a fill moves it from what is bought to what is held
            again = await stage.client.place_order(
                await order_of(stage, instrument=most, quantity=D("0.501"))
            )
            assert [each.rule for each in again.violations] == ["max_position"]
            stage.venue.fill(first.client_order_id, "0.25")
            await stage.idle()
        last = await stage.client.place_order(await order_of(stage, instrument=most, quantity=D("0.5")))
        assert isinstance(last, Accepted)
