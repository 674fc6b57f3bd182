"""Reading accounts, orders and fills; and what each endpoint costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.client.binance.endpoints import OPERATIONS, Op
from toucan_execution.testing.sandbox.endpoint import Security
from toucan_execution.testing.sandbox.params import Params
from toucan_execution.testing.sandbox.spot_rows import eight
from toucan_instrument import Exchange

D = Decimal
DAY_MS = 86_400_000


def test_the_account(desk):
    desk.limit("BUY", "1", "100")
    row = desk.ask("GET account", omitZeroBalances="true")
    assert list(row) == [
        "makerCommission", "takerCommission", "buyerCommission", "sellerCommission", "commissionRates",
        "canTrade", "canWithdraw", "canDeposit", "brokered", "requireSelfTradePrevention", "preventSor",
        "updateTime", "accountType", "balances", "permissions", "uid",
    ]  # fmt: skip
    assert (row["makerCommission"], row["takerCommission"]) == (10, 20)
    assert row["commissionRates"]["taker"] == "0.00200000"
    assert {"asset": "USDT", "free": "99900.00000000", "locked": "100.00000000"} in row["balances"]
    assert row["updateTime"] == desk.now // 1_000_000 - 1
    assert desk.ask("GET account", "b")["uid"] != row["uid"]
    desk.engine.withdraw("a", "ETH", D(100_000), desk.tick())
    assert "ETH" not in [
        each["asset"] for each in desk.ask("GET account", omitZeroBalances="true")["balances"]
    ]
    everything = desk.ask("GET account")["balances"]
    assert {"asset": "ETH", "free": "0.00000000", "locked": "0.00000000"} in everything
    [part] = desk.decoded({**row, "balances": [each for each in row["balances"] if each["asset"] != "ETH"]})
    assert {each.asset: each.total for each in part.balances} == {
        each.asset: each.total for each in desk.engine.balances("a") if each.total
    }
    desk.fails("GET account", -1130, omitZeroBalances="perhaps")


def test_deposits_and_withdrawals_are_told(desk):
    before = len(desk.told["a"])
    desk.engine.deposit("a", "BTC", D("1.5"), desk.tick())
    desk.engine.transfer("a", "b", "BTC", D("0.5"), desk.tick())
    told = desk.told["a"][before:]
    assert [(each["e"], each.get("d")) for each in told] == [
        ("balanceUpdate", "1.50000000"), ("outboundAccountPosition", None),
        ("balanceUpdate", "-0.50000000"), ("outboundAccountPosition", None),
    ]  # fmt: skip
    assert list(told[0]) == ["e", "E", "a", "d", "T"]
    assert desk.told["b"][-2]["d"] == "0.50000000"
    desk.check_account("a")
    desk.check_account("b")


def test_what_trading_costs(desk):
    row = desk.ask("GET account/commission", symbol="BTCUSDT")
    assert row["standardCommission"] == {
        "maker": "0.00100000", "taker": "0.00200000", "buyer": "0.00000000", "seller": "0.00000000",
    }  # fmt: skip
    [told] = desk.decoded(row)
    assert (told.maker, told.taker, told.discount_enabled) == (D("0.001"), D("0.002"), False)


def test_order_counts(desk):
    rows = desk.ask("GET rateLimit/order")
    assert [(each["interval"], each["intervalNum"], each["count"]) for each in rows] == [
        ("SECOND", 10, 0), ("DAY", 1, 0),
    ]  # fmt: skip
    desk.market.order_counts = lambda account: [{**rows[0], "count": len(account)}]
    assert desk.ask("GET rateLimit/order")[0]["count"] == 1


def test_filters(desk):
    row = desk.ask("GET myFilters", symbol="BTCUSDT")
    assert set(row) == {"exchangeFilters", "symbolFilters", "assetFilters"}
    assert {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL", "MAX_POSITION"} <= {
        each["filterType"] for each in row["symbolFilters"]
    }
    desk.fails("GET myFilters", -1121, symbol="X")


def test_the_flags_say_what_is_taken(desk):
    flags = desk.wire.flags
    assert flags["allowedSelfTradePreventionModes"] == [
        "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT",
    ]  # fmt: skip
    assert flags["pegInstructionsAllowed"]
    assert desk.wire.due_ns is None
    desk.wire.run_due(desk.now)


def test_prevented_matches_are_asked_for_by_one_id(desk):
    for asked in (
        {},
        {"orderId": 1, "preventedMatchId": 1},
        {"preventedMatchId": 1, "fromPreventedMatchId": 1},
    ):
        desk.fails("GET myPreventedMatches", -1128, symbol="BTCUSDT", **asked)
    assert desk.ask("GET myPreventedMatches", symbol="BTCUSDT", preventedMatchId=5) == []


@pytest.fixture
def history(desk):
    """Return a market with ten orders a minute apart, the odd ones filled."""
    rows = []
    for number in range(10):
        desk.now += 60_000_000_000
        rows.append(desk.limit("BUY", "1", "100"))
        if number % 2:
            desk.limit("SELL", "1", "100", "b")
        else:
            desk.ask("DELETE order", symbol="BTCUSDT", orderId=rows[-1]["orderId"])
    return desk, rows


def test_all_orders(history):
    desk, rows = history
    ids = [row["orderId"] for row in rows]
    times = [row["transactTime"] for row in rows]

    def numbers(**params):
        return [each["orderId"] for each in desk.ask("GET allOrders", symbol="BTCUSDT", **params)]

    assert numbers() == ids
    assert numbers(limit=3) == ids[-3:]
    assert numbers(orderId=ids[4]) == ids[4:]
    assert numbers(orderId=ids[4], limit=2) == ids[4:6]
    assert numbers(startTime=times[2], endTime=times[5]) == ids[2:6]
    assert numbers(startTime=times[2], limit=2) == ids[2:4]
    assert numbers(endTime=times[5], limit=2) == ids[4:6]
    assert numbers(startTime=times[2] * 1000, endTime=times[3] * 1000) == ids[2:4]
    assert numbers(startTime=times[9] - DAY_MS, endTime=times[9]) == ids
    assert numbers(startTime=times[9] - 2 * DAY_MS) == []
    for row in desk.ask("GET allOrders", symbol="BTCUSDT"):
        told = desk.check_order(row, desk.order(row))
        assert told.created_ns == desk.order(row).created_ns
        assert told.updated_ns == desk.order(row).updated_ns
    text = "More than 24 hours between startTime and endTime."
    desk.fails("GET allOrders", -1127, text, symbol="BTCUSDT", startTime=1, endTime=DAY_MS + 2)
    desk.fails("GET allOrders", -1128, symbol="BTCUSDT", startTime=5, endTime=3)
    desk.fails("GET allOrders", -1130, symbol="BTCUSDT", limit=0)
    assert numbers(limit=5000) == ids


def test_unfilled_orders_are_archived(history):
    desk, rows = history
    desk.now += 91 * DAY_MS * 1_000_000
    found = [each["orderId"] for each in desk.ask("GET allOrders", symbol="BTCUSDT")]
    assert found == [row["orderId"] for row in rows[1::2]]
    text = "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
    desk.fails("GET order", -2026, text, symbol="BTCUSDT", orderId=rows[0]["orderId"])
    assert desk.ask("GET order", symbol="BTCUSDT", orderId=rows[1]["orderId"])["status"] == "FILLED"


def test_trades(history):
    desk, rows = history
    everything = desk.ask("GET myTrades", symbol="BTCUSDT")
    ids = [each["id"] for each in everything]
    assert len(ids) == 5
    assert set(everything[0]) == {
        "symbol", "id", "orderId", "orderListId", "price", "qty", "quoteQty", "commission", "commissionAsset",
        "time", "isBuyer", "isMaker", "isBestMatch",
    }  # fmt: skip
    times = [each["time"] for each in everything]

    def numbers(**params):
        return [each["id"] for each in desk.ask("GET myTrades", symbol="BTCUSDT", **params)]

    assert numbers(limit=2) == ids[-2:]
    assert numbers(fromId=ids[1], limit=2) == ids[1:3]
    assert numbers(orderId=rows[1]["orderId"]) == ids[:1]
    assert numbers(orderId=rows[1]["orderId"], fromId=ids[1]) == []
    assert numbers(startTime=times[1]) == ids[1:]
    assert numbers(endTime=times[1]) == ids[:2]
    assert numbers(startTime=times[1], endTime=times[2]) == ids[1:3]
    for asked in ({"fromId": 1}, {"orderId": 1}, {"orderId": 1, "fromId": 1}):
        desk.fails("GET myTrades", -1128, symbol="BTCUSDT", startTime=times[0], **asked)
    desk.fails("GET myTrades", -1127, symbol="BTCUSDT", startTime=1, endTime=DAY_MS + 2)
    for row, held in zip(
        everything, desk.engine.trades("a", desk.market.instrument("BTCUSDT"), 0, 2**63), strict=True
    ):
        [told] = desk.decoded(row)
        for name in (
            "trade_id",
            "order_id",
            "side",
            "price",
            "quantity",
            "quote_quantity",
            "fee",
            "fee_asset",
            "maker",
        ):
            assert getattr(told, name) == getattr(held, name)
        assert told.time_exchange == held.time_exchange
    assert desk.ask("GET myTrades", "c", symbol="BTCUSDT") == []


def test_the_endpoints_are_those_that_our_client_asks(desk):
    known = {(each.method, each.path): each for each in desk.wire.endpoints}
    assert len(known) == len(desk.wire.endpoints)
    public = {Op.TIME, Op.INSTRUMENTS, Op.KEY_CREATE, Op.KEY_KEEP, Op.KEY_CLOSE}
    for op, operation in OPERATIONS[Exchange.BINANCE_SPOT].items():
        if op in public:
            continue
        endpoint = known[operation.method, operation.path]
        asked = Params({"symbol": "BTCUSDT"})
        assert endpoint.cost(asked) == operation.weight, op
        if operation.weight_all is not None:
            assert endpoint.cost(Params({})) == operation.weight_all
        assert endpoint.orders(asked) == operation.slots, op
        assert operation.ws_method in endpoint.ws
        assert endpoint.security is Security.SIGNED
    names = [name for each in desk.wire.endpoints for name in each.ws]
    assert len(names) == len(set(names))
    assert {
        "order.place", "order.test", "order.cancel", "order.cancelReplace", "order.amend.keepPriority",
        "openOrders.cancelAll", "orderList.place", "orderList.place.oco", "orderList.place.oto",
        "orderList.place.otoco", "orderList.place.opo", "orderList.place.opoco", "orderList.cancel",
        "sor.order.place", "sor.order.test", "account.status", "order.status", "openOrders.status",
        "allOrders", "orderList.status", "openOrderLists.status", "allOrderLists", "myTrades",
        "account.rateLimits.orders", "myPreventedMatches", "myAllocations", "account.commission",
        "order.amendments", "myFilters",
    } == set(names)  # fmt: skip


def test_weights_that_go_by_what_is_asked(desk):
    assert desk.endpoint("GET myTrades").cost(Params({"orderId": 1})) == 5
    assert desk.endpoint("GET myPreventedMatches").cost(Params({"preventedMatchId": 1})) == 2
    test = desk.endpoint("POST order/test")
    assert [test.cost(Params({"computeCommissionRates": word})) for word in ("true", "false", "")] == [
        20,
        1,
        1,
    ]
    assert test.orders(Params({})) == 0


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "0.00000000"),
        (D(5), "5.00000000"),
        (D("1E+2"), "100.00000000"),
        (D("-0.1"), "-0.10000000"),
        (D("0.1230000000000"), "0.12300000"),
        (D("0.123456789"), "0.123456789"),
    ],
)
def test_numbers_have_eight_decimals_and_lose_none(number, text):
    assert eight(number) == text
