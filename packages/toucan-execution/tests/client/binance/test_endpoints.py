from __future__ import annotations

from datetime import date

import pytest

from toucan_execution.call import Auth
from toucan_execution.client.binance.endpoints import (
    BATCH_LIMITS,
    HISTORIES,
    OPERATIONS,
    PRIVATE_EVENTS,
    PRIVATE_HOSTS,
    WS_API_URLS,
    Op,
    PrivateForm,
    order_pools,
    private_url,
    ws_api_url,
)
from toucan_instrument import Environment, Exchange, InvalidInput
from toucan_instrument.link import Lane

SPOT, USD_M, COIN_M = Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M
LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO

# Facts D.1.1, D.2.1, D.3.1: method, path, weight, weight without a symbol, slots.
FACTS = {
    SPOT: {
        Op.ACCOUNT: ("GET", "/api/v3/account", 20, None, 0),
        Op.OPEN_ORDERS: ("GET", "/api/v3/openOrders", 6, 80, 0),
        Op.ORDER: ("GET", "/api/v3/order", 4, None, 0),
        Op.ALL_ORDERS: ("GET", "/api/v3/allOrders", 20, None, 0),
        Op.TRADES: ("GET", "/api/v3/myTrades", 20, None, 0),
        Op.PLACE: ("POST", "/api/v3/order", 1, None, 1),
        Op.TEST: ("POST", "/api/v3/order/test", 1, None, 0),
        Op.CANCEL: ("DELETE", "/api/v3/order", 1, None, 0),
        Op.CANCEL_ALL: ("DELETE", "/api/v3/openOrders", 1, None, 0),
        Op.CANCEL_REPLACE: ("POST", "/api/v3/order/cancelReplace", 1, None, 1),
        Op.AMEND: ("PUT", "/api/v3/order/amend/keepPriority", 4, None, 0),
        Op.PLACE_OCO: ("POST", "/api/v3/orderList/oco", 1, None, 2),
        Op.PLACE_OTO: ("POST", "/api/v3/orderList/oto", 1, None, 2),
        Op.PLACE_OTOCO: ("POST", "/api/v3/orderList/otoco", 1, None, 3),
        Op.PLACE_OPO: ("POST", "/api/v3/orderList/opo", 1, None, 2),
        Op.PLACE_OPOCO: ("POST", "/api/v3/orderList/opoco", 1, None, 3),
        Op.CANCEL_LIST: ("DELETE", "/api/v3/orderList", 1, None, 0),
        Op.ORDER_LIST: ("GET", "/api/v3/orderList", 4, None, 0),
        Op.OPEN_LISTS: ("GET", "/api/v3/openOrderList", 6, None, 0),
        Op.ORDER_COUNT: ("GET", "/api/v3/rateLimit/order", 40, None, 0),
        Op.COMMISSION: ("GET", "/api/v3/account/commission", 20, None, 0),
        Op.AMENDMENTS: ("GET", "/api/v3/order/amendments", 4, None, 0),
        Op.PREVENTED: ("GET", "/api/v3/myPreventedMatches", 20, None, 0),
        Op.MY_FILTERS: ("GET", "/api/v3/myFilters", 40, None, 0),
    },
    USD_M: {
        Op.ACCOUNT: ("GET", "/fapi/v3/account", 5, None, 0),
        Op.BALANCE: ("GET", "/fapi/v3/balance", 5, None, 0),
        Op.POSITIONS: ("GET", "/fapi/v3/positionRisk", 5, None, 0),
        Op.ACCOUNT_CONFIG: ("GET", "/fapi/v1/accountConfig", 5, None, 0),
        Op.SYMBOL_CONFIG: ("GET", "/fapi/v1/symbolConfig", 5, None, 0),
        Op.OPEN_ORDERS: ("GET", "/fapi/v1/openOrders", 1, 40, 0),
        Op.ORDER: ("GET", "/fapi/v1/order", 1, None, 0),
        Op.ALL_ORDERS: ("GET", "/fapi/v1/allOrders", 5, None, 0),
        Op.TRADES: ("GET", "/fapi/v1/userTrades", 5, None, 0),
        Op.PLACE: ("POST", "/fapi/v1/order", 0, None, 1),
        Op.AMEND: ("PUT", "/fapi/v1/order", 0, None, 1),
        Op.CANCEL: ("DELETE", "/fapi/v1/order", 1, None, 0),
        Op.CANCEL_ALL: ("DELETE", "/fapi/v1/allOpenOrders", 1, None, 0),
        Op.PLACE_MANY: ("POST", "/fapi/v1/batchOrders", 5, None, 5),
        Op.CANCEL_MANY: ("DELETE", "/fapi/v1/batchOrders", 1, None, 0),
        Op.ALGO_PLACE: ("POST", "/fapi/v1/algoOrder", 0, None, 1),
        Op.ALGO_CANCEL: ("DELETE", "/fapi/v1/algoOrder", 1, None, 0),
        Op.ALGO_CANCEL_ALL: ("DELETE", "/fapi/v1/algoOpenOrders", 1, None, 0),
        Op.ALGO_ORDER: ("GET", "/fapi/v1/algoOrder", 1, None, 0),
        Op.ALGO_OPEN: ("GET", "/fapi/v1/openAlgoOrders", 1, 40, 0),
        Op.ALGO_ALL: ("GET", "/fapi/v1/allAlgoOrders", 5, None, 0),
        Op.COUNTDOWN: ("POST", "/fapi/v1/countdownCancelAll", 10, None, 0),
        Op.POSITION_MODE: ("GET", "/fapi/v1/positionSide/dual", 30, None, 0),
        Op.SET_POSITION_MODE: ("POST", "/fapi/v1/positionSide/dual", 1, None, 0),
        Op.MULTI_ASSETS: ("GET", "/fapi/v1/multiAssetsMargin", 30, None, 0),
        Op.LEVERAGE: ("POST", "/fapi/v1/leverage", 1, None, 0),
        Op.MARGIN_TYPE: ("POST", "/fapi/v1/marginType", 1, None, 0),
        Op.ISOLATED_MARGIN: ("POST", "/fapi/v1/positionMargin", 1, None, 0),
        Op.BRACKETS: ("GET", "/fapi/v1/leverageBracket", 1, None, 0),
        Op.COMMISSION: ("GET", "/fapi/v1/commissionRate", 20, None, 0),
        Op.INCOME: ("GET", "/fapi/v1/income", 30, None, 0),
        Op.KEY_KEEP: ("PUT", "/fapi/v1/listenKey", 1, None, 0),
    },
    COIN_M: {
        Op.ACCOUNT: ("GET", "/dapi/v1/account", 5, None, 0),
        Op.BALANCE: ("GET", "/dapi/v1/balance", 1, None, 0),
        Op.POSITIONS: ("GET", "/dapi/v1/positionRisk", 1, None, 0),
        Op.OPEN_ORDERS: ("GET", "/dapi/v1/openOrders", 1, 40, 0),
        Op.BRACKETS: ("GET", "/dapi/v2/leverageBracket", 1, 2, 0),
        Op.INCOME: ("GET", "/dapi/v1/income", 20, None, 0),
        Op.ALGO_PLACE: ("POST", "/dapi/v1/algoOrder", 0, None, 1),
        Op.PLACE: ("POST", "/dapi/v1/order", 0, None, 1),
    },
}


@pytest.mark.parametrize(("exchange", "op"), [(each, op) for each, rows in FACTS.items() for op in rows])
def test_operations_are_those_of_the_facts(exchange, op):
    row = OPERATIONS[exchange][op]
    assert (row.method, row.path, row.weight, row.weight_all, row.slots) == FACTS[exchange][op]


@pytest.mark.parametrize("exchange", OPERATIONS)
def test_every_row_is_dated_and_says_where_it_is_written(exchange):
    for row in OPERATIONS[exchange].values():
        assert row.document
        assert date(2017, 7, 1) < row.since <= date(2026, 11, 23)
        assert row.changes is (row.lane in (Lane.ORDER, Lane.CANCEL) and "/test" not in row.path) or (
            row.auth is Auth.KEY
        )


def test_only_what_cancels_goes_before_all_else():
    cancels = {op for rows in OPERATIONS.values() for op, row in rows.items() if row.lane is Lane.CANCEL}
    assert cancels == {
        Op.CANCEL,
        Op.CANCEL_ALL,
        Op.CANCEL_MANY,
        Op.CANCEL_LIST,
        Op.ALGO_CANCEL,
        Op.ALGO_CANCEL_ALL,
        Op.COUNTDOWN,
    }


def test_methods_of_the_websocket_api():
    # Facts F.4: the futures have no batches, no cancel-all and no open orders there; COIN-M no algo service.
    def methods(exchange):
        return {op: row.ws_method for op, row in OPERATIONS[exchange].items() if row.ws_method}

    spot, usd, coin = methods(SPOT), methods(USD_M), methods(COIN_M)
    assert spot[Op.PLACE] == usd[Op.PLACE] == coin[Op.PLACE] == "order.place"
    assert spot[Op.AMEND] == "order.amend.keepPriority"
    assert usd[Op.AMEND] == coin[Op.AMEND] == "order.modify"
    assert spot[Op.CANCEL_REPLACE] == "order.cancelReplace"
    assert spot[Op.PLACE_OPOCO] == "orderList.place.opoco"
    assert (usd[Op.ALGO_PLACE], usd[Op.ALGO_CANCEL]) == ("algoOrder.place", "algoOrder.cancel")
    assert not {Op.ALGO_PLACE, Op.ALGO_CANCEL} & set(coin)
    for each in (usd, coin):
        assert not {Op.PLACE_MANY, Op.CANCEL_MANY, Op.CANCEL_ALL, Op.OPEN_ORDERS, Op.TIME} & set(each)


@pytest.mark.parametrize("exchange", [SPOT, USD_M, COIN_M])
@pytest.mark.parametrize("environment", [LIVE, TESTNET, DEMO])
def test_every_market_has_its_addresses_everywhere(exchange, environment):
    assert ws_api_url(exchange, environment) == WS_API_URLS[exchange, environment].value
    assert PRIVATE_HOSTS[exchange, environment].value.startswith("wss://")


def test_addresses_of_the_websocket_api():
    assert ws_api_url(SPOT, LIVE) == "wss://ws-api.binance.com:443/ws-api/v3"
    assert ws_api_url(USD_M, LIVE) == "wss://ws-fapi.binance.com/ws-fapi/v1"
    assert ws_api_url(COIN_M, TESTNET) == "wss://testnet.binancefuture.com/ws-dapi/v1"


def test_us_has_no_private_side():
    with pytest.raises(InvalidInput, match="no private side") as caught:
        ws_api_url(Exchange.BINANCE_US_SPOT, LIVE)
    assert caught.value.field == "environment"


def test_usd_m_names_its_events():
    # Facts E.4: where they are left out nothing comes.
    url = private_url(USD_M, LIVE, "KEY")
    assert url == f"wss://fstream.binance.com/private/ws?listenKey=KEY&events={'/'.join(PRIVATE_EVENTS)}"
    assert "ORDER_TRADE_UPDATE/ACCOUNT_UPDATE/" in url
    assert "ALGO_UPDATE" in url


def test_coin_m_has_the_plain_form():
    assert private_url(COIN_M, LIVE, "KEY") == "wss://dstream.binance.com/ws/KEY"


def test_forms_and_addresses_are_configurable():
    assert private_url(USD_M, LIVE, "KEY", form=PrivateForm.ROUTED) == (
        "wss://fstream.binance.com/private/ws/KEY"
    )
    assert private_url(USD_M, LIVE, "KEY", form=PrivateForm.QUERY).endswith("/private/ws?listenKey=KEY")
    assert private_url(COIN_M, LIVE, "KEY", base="ws://localhost:9/") == "ws://localhost:9/ws/KEY"
    assert private_url(USD_M, LIVE, "K/Y", base="ws://localhost/x?k={listen_key}") == (
        "ws://localhost/x?k=K%2FY"
    )


def test_pools_of_orders():
    spot = order_pools(SPOT, LIVE)
    assert [(pool.limit, pool.window_ns // 10**9) for pool in spot] == [(100, 10), (200_000, 86_400)]
    usd, coin = order_pools(USD_M, LIVE), order_pools(COIN_M, LIVE)
    assert [(pool.limit, pool.window_ns // 10**9) for pool in usd] == [(300, 10), (1_200, 60)]
    assert usd == coin  # one pool for both since 2026-06
    assert not {pool.name for pool in usd} & {pool.name for pool in order_pools(USD_M, TESTNET)}


def test_batches_and_histories():
    assert BATCH_LIMITS == {SPOT: (0, 0), USD_M: (5, 10), COIN_M: (5, 10)}
    day = 86_400_000
    assert (HISTORIES[SPOT][Op.TRADES].page, HISTORIES[SPOT][Op.TRADES].window_ms) == (1_000, day)
    assert (HISTORIES[COIN_M][Op.ALL_ORDERS].page, HISTORIES[COIN_M][Op.TRADES].page) == (100, 1_000)
    assert HISTORIES[USD_M][Op.TRADES].window_ms == 7 * day
