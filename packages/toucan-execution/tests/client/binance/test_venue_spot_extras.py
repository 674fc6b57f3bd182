from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.call import one
from toucan_execution.orders import SelfTradePrevention
from toucan_instrument import InvalidInput

D = Decimal

LIST = {
    "orderListId": 5,
    "contingencyType": "OCO",
    "listStatusType": "ALL_DONE",
    "listOrderStatus": "ALL_DONE",
    "listClientOrderId": "mine-l",
    "symbol": "ETHBTC",
    "orders": [],
}


@pytest.fixture
def eth(kit):
    return kit.spot.instrument_of("ETHBTC")


@pytest.fixture
def ask(kit):
    return lambda call, answer: kit.talk(kit.spot, one(call), [answer]).result


def test_lists_by_either_id(kit, eth, ask):
    cancel = kit.spot.cancel_list(eth, list_id="5")
    assert (cancel.method, cancel.path, cancel.changes) == ("DELETE", "/api/v3/orderList", True)
    assert dict(cancel.params) == {"symbol": "ETHBTC", "orderListId": 5}
    assert ask(cancel, LIST).order_list.status == "ALL_DONE"
    cancel = kit.spot.cancel_list(eth, client_list_id="mine-l")
    assert dict(cancel.params) == {"symbol": "ETHBTC", "listClientOrderId": "mine-l"}
    query = kit.spot.order_list(client_list_id="mine-l")
    assert dict(query.params) == {"origClientOrderId": "mine-l"}
    assert ask(query, LIST).client_list_id == "mine-l"
    with pytest.raises(InvalidInput, match="named by an id"):
        kit.spot.order_list()


def test_open_lists(kit, ask):
    assert [each.list_id for each in ask(kit.spot.open_lists(), [LIST])] == ["5"]


def test_amendments(kit, eth, ask):
    call = kit.spot.amendments(eth, "9", from_id="22")
    assert dict(call.params) == {"symbol": "ETHBTC", "orderId": 9, "fromExecutionId": 22}
    body = {
        "symbol": "ETHBTC",
        "orderId": 9,
        "executionId": 22,
        "origClientOrderId": "mine-1",
        "newClientOrderId": "mine-2",
        "origQty": "5.00",
        "newQty": "4.00",
        "time": 1741669661670,
    }
    [found] = ask(call, [body])
    assert (found.old_quantity, found.quantity) == (D("5.00"), D("4.00"))
    assert (found.old_client_order_id, found.client_order_id) == ("mine-1", "mine-2")
    assert found.time_exchange == 1741669661670_000_000


def test_prevented_matches(kit, eth, ask):
    call = kit.spot.prevented_matches(eth, order_id="5", from_id="1")
    assert dict(call.params) == {
        "symbol": "ETHBTC",
        "orderId": 5,
        "fromPreventedMatchId": 1,
        "limit": 1000,
    }
    body = {
        "symbol": "ETHBTC",
        "preventedMatchId": 1,
        "takerOrderId": 5,
        "makerSymbol": "ETHBTC",
        "makerOrderId": 3,
        "tradeGroupId": 2,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "price": "1.100000",
        "makerPreventedQuantity": "1.300000",
        "transactTime": 1669101687094,
    }
    [found] = ask(call, [body])
    assert found.self_trade_prevention is SelfTradePrevention.EXPIRE_MAKER
    assert (found.maker_prevented, found.taker_prevented) == (D("1.300000"), None)
    by_id = kit.spot.prevented_matches(eth, prevented_id="1")
    assert dict(by_id.params) == {"symbol": "ETHBTC", "preventedMatchId": 1}
    for ids in ({}, {"order_id": "5", "prevented_id": "1"}):
        with pytest.raises(InvalidInput, match="by one id"):
            kit.spot.prevented_matches(eth, **ids)


def test_filters_of_the_account(kit, eth, ask):
    body = {
        "symbolFilters": [{"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 20}],
        "exchangeFilters": [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}],
        "assetFilters": [{"filterType": "MAX_ASSET", "asset": "JPY", "limit": "1000000.00"}],
    }
    rules = ask(kit.spot.my_filters(eth), body)
    assert rules.max_orders == 20
    assert len(rules.unknown) == 2
    assert "MAX_ASSET" in rules.unknown[1]


def test_how_many_orders_count(kit, ask):
    body = [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 3},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160000, "count": 0},
        {"rateLimitType": "ORDERS", "interval": "FORTNIGHT", "intervalNum": 1, "limit": 1, "count": 0},
    ]
    found = ask(kit.spot.order_count(), body)
    assert [(each.pool.limit, each.pool.window_ns // 10**9, each.count) for each in found] == [
        (50, 10, 3),
        (160_000, 86_400, 0),
    ]
