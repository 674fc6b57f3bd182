"""Orders over the WebSocket API: as over REST, and nothing is concluded from a lost connection."""

import asyncio
import json
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from futures_script import FuturesScript

from toucan_execution.events import Disconnected, OrderUpdate, TradeUpdate
from toucan_execution.orders import AmendRequest, OrderRequest, OrderStatus, OrderType
from toucan_execution.outcome import Accepted, Reason, Rejected, Route, Unknown
from toucan_instrument import Side
from toucan_instrument.errors import AddressBanned, DialError
from toucan_instrument.link import Closed

D = Decimal
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def ed25519():
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def order_of(stage, **changes):
    catalogue = await stage.client.instruments()
    fields = {
        "instrument": catalogue.by_symbol(
            "BTCUSD_PERP" if getattr(stage.venue, "coin", False) else "BTCUSDT"
        ),
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": D(2),
        "price": D("1000.0"),
        **changes,
    }
    return OrderRequest(**fields)


def lines(stage):
    """Return the connections that requests go over."""
    return stage.venue.lines if isinstance(stage.venue, FuturesScript) else stage.venue.sockets


def sent(stage, method):
    return [params for call, params in stage.venue.calls if call == method]


def hooked(stage, hook):
    """Let a test answer requests in its own way: it returns whether it did."""
    if isinstance(stage.venue, FuturesScript):
        stage.venue.line_hook = hook
        return
    hear = stage.venue.hear

    def heard(socket, message):
        def reply(status, body, **more):
            name = "result" if status == 200 else "error"
            frame = {"id": message["id"], "status": status, name: body, **more}
            socket.push(json.dumps(frame).encode())

        method, params = message["method"], message.get("params") or {}
        if hook(socket, method, params, reply):
            stage.venue.calls.append((method, params))
        else:
            hear(socket, message)

    stage.venue.hear = heard


VENUES = ("spot", "usd-m", "coin-m")


# The same over both.


@pytest.mark.parametrize("market", VENUES)
@pytest.mark.parametrize("over", ["rest", "websocket"])
async def test_an_order_is_followed_in_the_same_way(stage_of, market, over):
    async with stage_of(market=market, orders_over=over) as stage:
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Accepted)
        assert outcome.route is Route(over)
        name = outcome.client_order_id
        await stage.idle()
        stage.venue.fill(name, "1")
        await stage.idle()
        order = stage.client.account.order(name)
        assert (order.status, order.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, D(1))
        cancelled = await stage.client.cancel_order(order)
        assert (cancelled.route, cancelled.order.status) == (Route(over), OrderStatus.CANCELLED)
        await stage.idle()
        statuses = [event.order.status.value for event in stage.of(OrderUpdate)]
        assert statuses[:3] == ["open_in_flight", "open", "partially_filled"]
        assert statuses[-1] == "cancelled"
        assert len(stage.of(TradeUpdate)) == 1
        again = await stage.client.cancel_order(order)
        assert (again.reason, again.final.status) == (Reason.ALREADY_CLOSED, OrderStatus.CANCELLED)
        assert again.route is Route(over)


ERRORS = [
    ("spot", 400, -2010, "Account has insufficient balance for requested action.", "insufficient_balance"),
    ("spot", 400, -1013, "Filter failure: LOT_SIZE", "filter"),
    ("spot", 409, -2010, "Duplicate order sent.", "duplicate_id"),
    ("spot", 500, -1000, "An unknown error occurred while processing the request.", None),
    ("spot", 503, -1007, "Timeout waiting for response from backend server.", None),
    ("usd-m", 400, -2019, "Margin is insufficient.", "insufficient_balance"),
    ("usd-m", 400, -4164, "Order's notional must be no smaller than 5.", "filter"),
    ("usd-m", 408, -1007, "Timeout waiting for response from backend server.", None),
    ("usd-m", 503, -1008, "Request throttled by system-level protection.", "unavailable"),
    ("usd-m", 503, None, "Unknown error, please check your request or try again later.", None),
    ("coin-m", 400, -4061, "Order's position side does not match user's setting.", "position_side"),
]


@pytest.mark.parametrize("over", ["rest", "websocket"])
@pytest.mark.parametrize(("market", "status", "code", "text", "reason"), ERRORS)
async def test_errors_mean_the_same(stage_of, over, market, status, code, text, reason):
    body = {"msg": text} if code is None else {"code": code, "msg": text}
    async with stage_of(market=market, orders_over=over) as stage:
        path = "/api/v3/order" if market == "spot" else "/v1/order"
        stage.venue.faults["POST", path] = [(status, body)]
        hooked(stage, lambda _, method, __, reply: method == "order.place" and (reply(status, body) or True))
        outcome = await stage.client.place_order(await order_of(stage))
        assert outcome.route is Route(over)
        assert (outcome.error.status, outcome.error.code) == (status, code)
        if reason is None:
            assert isinstance(outcome, Unknown)
            assert stage.client.account.order(outcome.client_order_id).status is OrderStatus.UNKNOWN
        else:
            assert isinstance(outcome, Rejected)
            assert (outcome.reason.value, outcome.sent) == (reason, True)


@pytest.mark.parametrize("over", ["rest", "websocket"])
@pytest.mark.parametrize("market", ["spot", "usd-m"])
async def test_a_refused_timestamp_is_signed_again_once(stage_of, market, over):
    async with stage_of(market=market, orders_over=over) as stage:
        refuse = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
        left = [1]

        def hook(_, method, __, reply):
            if method != "order.place" or not left:
                return False
            left.pop()
            reply(400, refuse)
            return True

        hooked(stage, hook)
        path = "/api/v3/order" if market == "spot" else "/v1/order"
        stage.venue.faults["POST", path] = [(400, refuse)]
        stage.venue.skew_ns = 3 * SECOND
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Accepted)
        call = "order.place" if over == "websocket" else f"POST {path}"
        first, second = sent(stage, call)
        assert int(second["timestamp"]) - int(first["timestamp"]) >= 2_900
        assert first["signature"] != second["signature"]


# Which connection.


async def test_spot_asks_on_the_connection_of_the_account(stage_of):
    async with stage_of(orders_over="websocket") as stage:
        await stage.client.place_order(await order_of(stage))
        assert len(stage.venue.sockets) == 1
        assert [call for call, _ in stage.venue.calls if "." in call and "/" not in call] == [
            "userDataStream.subscribe.signature",
            "order.place",
        ]


async def test_the_futures_ask_on_a_connection_of_their_own(stage_of):
    async with stage_of(market="usd-m", orders_over="websocket") as stage:
        await stage.client.place_order(await order_of(stage))
        urls = [url for url, _ in stage.venue.network.dialled]
        assert sum("/private/ws?" in url for url in urls) == 1
        assert sum(url.endswith("/ws-fapi/v1") for url in urls) == 1
        assert "POST /v1/order" not in stage.venue.names()
        stage.venue.lines[-1].end(Closed(1006, "cut by the test"))
        await stage.idle(10)
        assert len(stage.venue.lines) == 2
        assert stage.client.synced  # the account's own connection is up
        assert len(stage.of(Disconnected)) == 1


async def test_what_the_market_lacks_there_goes_by_rest_and_says_so(stage_of):
    async with stage_of(market="usd-m", orders_over="websocket") as stage:
        outcomes = await stage.client.place_orders([await order_of(stage) for _ in range(2)])
        assert [each.route for each in outcomes] == [Route.REST] * 2
        stop = {"type": OrderType.STOP_MARKET, "price": None, "trigger_price": D(900)}
        conditional = await stage.client.place_order(await order_of(stage, **stop))
        assert conditional.route is Route.WEBSOCKET
        amend = AmendRequest(
            instrument=conditional.intent.instrument,
            client_order_id=outcomes[0].client_order_id,
            price=D("1001.0"),
        )
        assert (await stage.client.amend_order(amend)).route is Route.WEBSOCKET
        cancelled = await stage.client.cancel_orders([each.order for each in outcomes])
        assert [each.route for each in cancelled] == [Route.REST] * 2


async def test_coin_m_has_no_conditional_orders_there(stage_of):
    stop = {"type": OrderType.STOP_MARKET, "price": None, "trigger_price": D(900)}
    async with stage_of(market="coin-m", orders_over="websocket") as stage:
        conditional = await stage.client.place_order(await order_of(stage, **stop))
        assert isinstance(conditional, Accepted)
        assert conditional.route is Route.REST


# Sessions.


@pytest.mark.parametrize("market", ["spot", "usd-m"])
async def test_a_session_that_is_logged_on_needs_no_more_signatures(stage_of, market, ed25519):
    options = {"secret": ed25519, "orders_over": "websocket"}
    if market == "spot":
        options["user_data"] = "session"
    async with stage_of(market=market, **options) as stage:
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Accepted)
        [logon] = sent(stage, "session.logon")
        assert {"apiKey", "timestamp", "signature"} <= set(logon)
        [order] = sent(stage, "order.place")
        assert "timestamp" in order
        assert "signature" not in order
        assert "apiKey" not in order
        if market == "spot":
            assert sent(stage, "userDataStream.subscribe") == [{}]


async def test_every_connection_is_logged_on_anew(stage_of, ed25519):
    async with stage_of(secret=ed25519, orders_over="websocket", user_data="session") as stage:
        stage.venue.drop()
        await stage.idle(30)
        assert len(sent(stage, "session.logon")) == 2
        assert isinstance(await stage.client.place_order(await order_of(stage)), Accepted)


# Limits.


@pytest.mark.parametrize("status", [418, 429])
@pytest.mark.parametrize("market", ["spot", "usd-m"])
async def test_a_broken_limit_stops_rest_too_until_the_stated_time(stage_of, market, status):
    async with stage_of(market=market, orders_over="websocket") as stage:
        begun = stage.clock.monotonic_ns()
        data = {"serverTime": stage.venue.now_ms, "retryAfter": stage.venue.now_ms + 90_000}
        body = {"code": -1003, "msg": "Way too much request weight used.", "data": data}
        left = [1]

        def hook(_, method, __, reply):
            if method == "order.place" and left:
                left.pop()
                reply(status, body)
                return True
            return False

        hooked(stage, hook)
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Rejected)
        assert outcome.reason is (Reason.BANNED if status == 418 else Reason.RATE_LIMITED)
        assert outcome.retry_after_ns == 90 * SECOND
        asked = len(stage.venue.calls)
        balances = asyncio.ensure_future(stage.client.fetch_balances())
        await stage.idle(89)
        assert len(stage.venue.calls) == asked
        assert await balances
        assert stage.clock.monotonic_ns() - begun >= 90 * SECOND


async def test_a_ban_over_rest_stops_the_websocket_too_and_no_connection_is_opened(stage_of):
    async with stage_of(market="usd-m", orders_over="websocket") as stage:
        request = await order_of(stage)
        headers = {"retry-after": "300"}
        stage.venue.faults["GET", "/v1/openOrders"] = [(418, {"code": -1003, "msg": "banned"}, headers)]
        with pytest.raises(AddressBanned):
            await stage.client.fetch_open_orders()
        placing = asyncio.ensure_future(stage.client.place_order(request))
        stage.venue.lines[-1].end()
        stage.venue.drop()
        await stage.idle(290)
        assert sent(stage, "order.place") == []
        assert (len(stage.venue.lines), len(stage.venue.streams)) == (1, 1)
        assert isinstance(await placing, Accepted)


async def test_counts_of_orders_and_weight_are_taken_note_of(stage_of):
    async with stage_of(market="usd-m", orders_over="websocket") as stage:
        await stage.client.place_order(await order_of(stage))
        ten_seconds, _ = stage.client.caller.order_budgets
        assert ten_seconds.used == 7  # what the answer says, others' included
        assert stage.client.caller.budget.used >= 90


# Lost connections and answers.


@pytest.mark.parametrize("market", ["spot", "usd-m"])
@pytest.mark.parametrize("made", [True, False])
async def test_a_connection_that_is_lost_after_sending_leaves_an_unknown_outcome(stage_of, market, made):
    async with stage_of(market=market, orders_over="websocket") as stage:

        def hook(socket, method, params, _):
            if method != "order.place":
                return False
            if made:
                stage.venue.streaming = False
                name = params["newClientOrderId"]
                stage.venue.open({key: str(value) for key, value in params.items()}, name)
                stage.venue.streaming = True
            socket.end(Closed(1006, "cut by the test"))
            return True

        hooked(stage, hook)
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Unknown)
        assert outcome.route is Route.WEBSOCKET
        settled = await stage.client.settle(outcome, 300)
        assert isinstance(settled, Accepted if made else Rejected)
        assert len(sent(stage, "order.place")) == 1
        assert len(stage.client.account.open_orders()) == made


@pytest.mark.parametrize("market", ["spot", "usd-m"])
async def test_what_never_left_is_rejected_and_what_was_leaving_is_unknown(stage_of, market):
    async with stage_of(market=market, orders_over="websocket") as stage:
        requests = [await order_of(stage) for _ in range(2)]
        socket, leaving = lines(stage)[-1], asyncio.Event()

        async def stuck(_):
            leaving.set()
            await asyncio.Event().wait()

        socket.send = stuck  # the peer takes nothing
        first = asyncio.ensure_future(stage.client.place_order(requests[0]))
        await leaving.wait()
        second = asyncio.ensure_future(stage.client.place_order(requests[1]))
        for _ in range(20):
            await asyncio.sleep(0)
        socket.end(Closed(1006, "cut by the test"))
        left, never = await asyncio.gather(first, second)
        assert isinstance(left, Unknown)
        assert isinstance(never, Rejected)
        assert (never.reason, never.sent, never.retryable) == (Reason.NOT_SENT, False, True)
        open_orders = stage.client.account.open_orders(allow_stale=True)
        assert [order.client_order_id for order in open_orders] == [left.client_order_id]


async def test_what_waits_to_be_sent_until_its_time_is_over_was_not_sent(stage_of):
    async with stage_of(market="usd-m", orders_over="websocket", timeout_ms=2_000) as stage:
        requests = [await order_of(stage) for _ in range(2)]

        async def stuck(_):
            await asyncio.Event().wait()

        stage.venue.lines[-1].send = stuck  # the peer takes nothing
        placing = [asyncio.ensure_future(stage.client.place_order(request)) for request in requests]
        left, never = await asyncio.gather(*placing)
        assert isinstance(left, Unknown)
        assert (never.reason, never.sent) == (Reason.NOT_SENT, False)


@pytest.mark.parametrize("status", [418, 429])
async def test_a_limit_that_a_handshake_breaks_stops_everything(stage_of, status):
    until = {}

    def ban(venue):
        hear = venue.hear

        def heard(socket, message):
            if until:
                return hear(socket, message)
            until["ns"] = venue.clock.monotonic_ns() + 90 * SECOND
            data = {"serverTime": venue.now_ms, "retryAfter": venue.now_ms + 90_000}
            error = {"code": -1003, "msg": "too much", "data": data}
            frame = {"id": message["id"], "status": status, "error": error}
            return socket.push(json.dumps(frame).encode())

        venue.hear = heard

    async with stage_of(ready=False, prepare=ban) as stage:
        await stage.client.start()
        await stage.idle(5)
        asked = len(stage.venue.calls)
        await stage.client.fetch_balances()
        assert stage.clock.monotonic_ns() >= until["ns"]
        assert len(stage.venue.sockets) <= 2
        assert asked < len(stage.venue.calls)
        await stage.client.ready(60)


async def test_without_a_connection_nothing_is_sent(stage_of):
    async with stage_of(market="usd-m", orders_over="websocket") as stage:
        request = await order_of(stage)

        stage.venue.network.dial = _refusing(stage.venue.network.dial)
        stage.venue.lines[-1].end()
        await stage.idle()
        outcome = await stage.client.place_order(request)
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.sent, outcome.route) == (Reason.NOT_SENT, False, Route.NONE)
        assert stage.client.account.open_orders() == ()


def _refusing(dial):
    async def refusing(url, options):
        if "ws-fapi" in url:
            raise DialError("refused by the test", retryable=True)
        return await dial(url, options)

    return refusing


@pytest.mark.parametrize("market", ["spot", "usd-m"])
async def test_an_answer_that_is_late_harms_nothing(stage_of, market):
    async with stage_of(market=market, orders_over="websocket", timeout_ms=2_000) as stage:
        late = []

        def hook(_, method, params, reply):
            if method != "order.place" or late:
                return False
            name = params["newClientOrderId"]
            stage.venue.streaming = False
            order = stage.venue.open({key: str(value) for key, value in params.items()}, name)
            stage.venue.streaming = True
            late.append(lambda: reply(200, order))
            return True

        hooked(stage, hook)
        begun = stage.clock.monotonic_ns()
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Unknown)
        assert "within 2 s" in outcome.cause
        assert stage.clock.monotonic_ns() - begun >= 2 * SECOND
        late[0]()
        await stage.idle()
        assert isinstance(await stage.client.settle(outcome, 60), Accepted)
        assert isinstance(await stage.client.place_order(await order_of(stage)), Accepted)
        assert len(lines(stage)) == 1


async def test_answers_out_of_order_reach_who_asked(stage_of):
    async with stage_of(market="usd-m", orders_over="websocket") as stage:
        held = []

        def hook(_, method, params, reply):
            if method == "order.place":
                row = {key: str(value) for key, value in params.items()}
                held.append(lambda: reply(200, stage.venue.open(row, row["newClientOrderId"])))
            return method == "order.place"

        hooked(stage, hook)
        prices = [D(f"{1000 + number}.0") for number in range(5)]
        placing = [
            asyncio.ensure_future(stage.client.place_order(await order_of(stage, price=price)))
            for price in prices
        ]
        while len(held) < len(prices):
            await asyncio.sleep(0)
        for answer in reversed(held):
            answer()
        outcomes = await asyncio.gather(*placing)
        assert [each.order.price for each in outcomes] == prices
        assert len({each.client_order_id for each in outcomes}) == len(prices)


async def test_an_answer_that_cannot_be_read_is_unknown(stage_of):
    async with stage_of(market="usd-m", orders_over="websocket") as stage:
        hooked(stage, lambda _, method, __, reply: method == "order.place" and (reply(200, {"x": 1}) or True))
        outcome = await stage.client.place_order(await order_of(stage))
        assert isinstance(outcome, Unknown)
        assert isinstance(await stage.client.settle(outcome, 120), Rejected)


async def test_a_task_that_is_cancelled_leaves_an_unknown_order(stage_of):
    async with stage_of(market="usd-m", orders_over="websocket") as stage:
        hooked(stage, lambda _, method, __, ___: method == "order.place")  # no answer
        request = await order_of(stage, client_order_id="bot-left")
        placing = asyncio.ensure_future(stage.client.place_order(request))
        while not sent(stage, "order.place"):
            await asyncio.sleep(0)
        placing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await placing
        [unknown] = stage.client.unknown
        assert unknown.client_order_id == "bot-left"
        assert stage.client.account.order("bot-left").status is OrderStatus.UNKNOWN
        await stage.idle(60)
        assert stage.client.unknown == ()  # looked into, though nobody waits
        assert stage.client.account.order("bot-left").status is OrderStatus.REJECTED
