"""Binance's private addresses, operations and limits: one dated table per market.

Document names: *REST (spot)*, *REST (USD-M)*, *REST (COIN-M)* and *WS-API* are the pages of each market's
documentation, *CM-UM* the "Important CM-UM Integration Notice" of 2026-06-10, *change log* the derivatives'
change log, *others* what the maintainers of other clients have found. Public addresses are in
`toucan_instrument.exchange.binance`, whose REST hosts hold here too.
"""

from __future__ import annotations

from datetime import date
from enum import Enum, StrEnum
from urllib.parse import quote

import msgspec

from toucan_execution.call import Auth
from toucan_instrument import Environment, Exchange, Pool
from toucan_instrument.errors import InvalidInput
from toucan_instrument.link import Lane

__all__ = [
    "BATCH_LIMITS",
    "CONNECT_WEIGHTS",
    "HISTORIES",
    "OPERATIONS",
    "ORDER_POOLS",
    "PRIVATE_EVENTS",
    "PRIVATE_HOSTS",
    "WS_API_URLS",
    "History",
    "Op",
    "Operation",
    "PrivateForm",
    "Row",
    "order_pools",
    "private_url",
    "ws_api_url",
]

SPOT, USD_M, COIN_M = Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M
LIVE, TESTNET, DEMO = Environment.LIVE, Environment.TESTNET, Environment.DEMO
SECOND = 1_000_000_000
DAY_MS = 86_400_000


class Row(msgspec.Struct, frozen=True):
    """One rule of the venue.

    Attributes:
        value: What holds.
        document: Where it is written.
        since: Since when it holds, as far as known.
    """

    value: str
    document: str
    since: date


_WS_SPOT, _WS_FUTURES = "WS-API (spot), General API Information", "WS-API (futures), General Info"

WS_API_URLS: dict[tuple[Exchange, Environment], Row] = {  # facts F.1
    (SPOT, LIVE): Row("wss://ws-api.binance.com:443/ws-api/v3", _WS_SPOT, date(2023, 1, 1)),
    (SPOT, TESTNET): Row("wss://ws-api.testnet.binance.vision/ws-api/v3", _WS_SPOT, date(2025, 4, 1)),
    (SPOT, DEMO): Row("wss://demo-ws-api.binance.com/ws-api/v3", _WS_SPOT, date(2026, 1, 29)),
    (USD_M, LIVE): Row("wss://ws-fapi.binance.com/ws-fapi/v1", _WS_FUTURES, date(2024, 1, 1)),
    (USD_M, TESTNET): Row("wss://testnet.binancefuture.com/ws-fapi/v1", _WS_FUTURES, date(2024, 1, 1)),
    (USD_M, DEMO): Row("wss://testnet.binancefuture.com/ws-fapi/v1", "others, as testnet", date(2026, 9, 15)),
    (COIN_M, LIVE): Row("wss://ws-dapi.binance.com/ws-dapi/v1", _WS_FUTURES, date(2024, 1, 1)),
    (COIN_M, TESTNET): Row("wss://testnet.binancefuture.com/ws-dapi/v1", _WS_FUTURES, date(2024, 1, 1)),
    (COIN_M, DEMO): Row(
        "wss://testnet.binancefuture.com/ws-dapi/v1", "others, as testnet", date(2026, 9, 15)
    ),
}
"""The WebSocket APIs."""

CONNECT_WEIGHTS: dict[Exchange, int] = {SPOT: 2, USD_M: 5, COIN_M: 5}
"""What opening a connection to a WebSocket API costs of the request weight (facts F.1)."""

PRIVATE_HOSTS: dict[tuple[Exchange, Environment], Row] = {  # facts A.1, E.4
    # Spot: only hosts that still serve listen keys; the live exchange has answered 410 since 2026-02-20.
    (SPOT, LIVE): Row("wss://stream.binance.com:9443", "User data streams (spot)", date(2019, 1, 1)),
    (SPOT, TESTNET): Row("wss://stream.testnet.binance.vision", "User data streams (spot)", date(2025, 4, 1)),
    (SPOT, DEMO): Row("wss://demo-stream.binance.com", "User data streams (spot)", date(2026, 1, 29)),
    (USD_M, LIVE): Row("wss://fstream.binance.com", "Important WebSocket Change Notice", date(2026, 4, 23)),
    (USD_M, TESTNET): Row("wss://fstream.binancefuture.com", "streams (USD-M), testnet", date(2026, 5, 28)),
    (USD_M, DEMO): Row("wss://demo-fstream.binance.com", "streams (USD-M), demo", date(2026, 9, 15)),
    (COIN_M, LIVE): Row("wss://dstream.binance.com", "streams (COIN-M)", date(2020, 8, 1)),
    (COIN_M, TESTNET): Row("wss://dstream.binancefuture.com", "streams (COIN-M), testnet", date(2026, 5, 28)),
    (COIN_M, DEMO): Row("wss://demo-dstream.binance.com", "streams (COIN-M), demo", date(2026, 7, 2)),
}
"""Where a listen key's events come from."""

PRIVATE_EVENTS: tuple[str, ...] = (  # facts E.4: left out, nothing comes, and nothing says so
    "ORDER_TRADE_UPDATE",
    "ACCOUNT_UPDATE",
    "MARGIN_CALL",
    "TRADE_LITE",
    "ACCOUNT_CONFIG_UPDATE",
    "ALGO_UPDATE",
    "CONDITIONAL_ORDER_TRIGGER_REJECT",
    "STRATEGY_UPDATE",
    "GRID_UPDATE",
    "listenKeyExpired",
)
"""The events that a private connection to USD-M asks for."""


class PrivateForm(Enum):
    """How the address of a private connection names its listen key (facts 0.3-1 and E.4)."""

    EVENTS = "/private/ws?listenKey={listen_key}&events={events}"
    """USD-M: what the change notice says, and what others found to work."""
    QUERY = "/private/ws?listenKey={listen_key}"
    ROUTED = "/private/ws/{listen_key}"
    PLAIN = "/ws/{listen_key}"
    """COIN-M and spot; on USD-M dead since 2026-04-23."""


def private_url(
    exchange: Exchange,
    environment: Environment,
    listen_key: str,
    *,
    base: str = "",
    form: PrivateForm | None = None,
) -> str:
    """Return the address of a listen key's events. It holds the key: never show it.

    Args:
        exchange: Which market.
        environment: Which of its worlds.
        listen_key: The key.
        base: Another address: one with ``{listen_key}`` is taken whole, any other is put before the path.
        form: How the address names the key, None for the market's own way.
    """
    key = quote(listen_key, safe="")
    if "{listen_key}" in base:
        return base.replace("{listen_key}", key)
    if form is None:
        form = PrivateForm.EVENTS if exchange is USD_M else PrivateForm.PLAIN
    path = form.value.format(listen_key=key, events="/".join(PRIVATE_EVENTS))
    return (base or _row(PRIVATE_HOSTS, exchange, environment)).rstrip("/") + path


def ws_api_url(exchange: Exchange, environment: Environment) -> str:
    """Return the address of a market's WebSocket API.

    Raises:
        InvalidInput: The market has none in that environment.
    """
    return _row(WS_API_URLS, exchange, environment)


def _row(table: dict[tuple[Exchange, Environment], Row], exchange: Exchange, environment: Environment) -> str:
    try:
        return table[exchange, environment].value
    except KeyError as error:
        raise InvalidInput(
            f"there is no private side of {exchange.value} in that environment",
            field="environment",
            value=environment.value,
            accepted=", ".join(f"{of.value} {env.value}" for of, env in table),
        ) from error


ORDER_POOLS: dict[Exchange, tuple[tuple[str, int, int, str], ...]] = {  # facts C.4: name, limit, window
    SPOT: (
        ("binance-spot/orders-10s", 100, 10 * SECOND, "exchangeInfo (spot), typical, 2026-07-21"),
        ("binance-spot/orders-1d", 200_000, 86_400 * SECOND, "exchangeInfo (spot), typical, 2026-07-21"),
    ),
    # One pool for both futures markets since 2026-06.
    USD_M: (
        ("binance-futures/orders-10s", 300, 10 * SECOND, "CM-UM A.3, 2026-06-10"),
        ("binance-futures/orders-1m", 1_200, 60 * SECOND, "CM-UM A.3, 2026-06-10"),
    ),
}
ORDER_POOLS[COIN_M] = ORDER_POOLS[USD_M]


def order_pools(exchange: Exchange, environment: Environment) -> tuple[Pool, ...]:
    """Return the limits of orders of an account; the names do not hold the account."""
    suffix = "" if environment is LIVE else f"-{environment.value}"
    return tuple(
        Pool(f"{name.partition('/')[0]}{suffix}/{name.partition('/')[2]}", limit, window, source)
        for name, limit, window, source in ORDER_POOLS[exchange]
    )


BATCH_LIMITS: dict[Exchange, tuple[int, int]] = {SPOT: (0, 0), USD_M: (5, 10), COIN_M: (5, 10)}
"""How many orders may be placed, and how many cancelled, in one request (facts D.2.1, D.2.8)."""


class History(msgspec.Struct, frozen=True):
    """How much of a history one request gives.

    Attributes:
        page: The most rows.
        window_ms: The longest time between its begin and end, milliseconds.
        kept_ms: For how long the venue keeps it, milliseconds, None for ever.
    """

    page: int
    window_ms: int
    kept_ms: int | None = None


class Op(StrEnum):
    """What can be asked; the values are the names in errors and logs."""

    TIME = "server time"
    INSTRUMENTS = "instruments"
    ACCOUNT = "account"
    BALANCE = "balances"
    POSITIONS = "positions"
    ACCOUNT_CONFIG = "account configuration"
    SYMBOL_CONFIG = "symbol configuration"
    OPEN_ORDERS = "open orders"
    ORDER = "order"
    ALL_ORDERS = "orders"
    TRADES = "trades"
    COMMISSION = "commission"
    PLACE = "place order"
    TEST = "test order"
    AMEND = "amend order"
    CANCEL = "cancel order"
    CANCEL_ALL = "cancel all orders"
    PLACE_MANY = "place orders"
    CANCEL_MANY = "cancel orders"
    CANCEL_REPLACE = "cancel and replace order"
    AMENDMENTS = "amendments"
    ORDER_COUNT = "order count"
    # Spot alone.
    PLACE_OCO = "place OCO list"
    PLACE_OTO = "place OTO list"
    PLACE_OTOCO = "place OTOCO list"
    PLACE_OPO = "place OPO list"
    PLACE_OPOCO = "place OPOCO list"
    CANCEL_LIST = "cancel order list"
    ORDER_LIST = "order list"
    OPEN_LISTS = "open order lists"
    PREVENTED = "prevented matches"
    MY_FILTERS = "filters of the account"
    # The futures alone.
    ALGO_PLACE = "place conditional order"
    ALGO_CANCEL = "cancel conditional order"
    ALGO_CANCEL_ALL = "cancel all conditional orders"
    ALGO_ORDER = "conditional order"
    ALGO_OPEN = "open conditional orders"
    ALGO_ALL = "conditional orders"
    LEVERAGE = "set leverage"
    BRACKETS = "leverage brackets"
    MARGIN_TYPE = "set margin type"
    ISOLATED_MARGIN = "change isolated margin"
    POSITION_MODE = "position mode"
    SET_POSITION_MODE = "set position mode"
    MULTI_ASSETS = "multi-assets mode"
    SET_MULTI_ASSETS = "set multi-assets mode"
    INCOME = "income"
    COUNTDOWN = "countdown to cancel all"
    # Spot: only on hosts that still serve them.
    KEY_CREATE = "create listen key"
    KEY_KEEP = "keep listen key"
    KEY_CLOSE = "close listen key"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """How something is asked, and what it costs.

    Attributes:
        method: Of HTTP.
        path: Of the address.
        document: Where it is written.
        since: Since when it holds like this, as far as known.
        weight: What it costs of the request weight, for one symbol.
        weight_all: What it costs without a symbol, where that differs.
        free: Whether it costs nothing of the request weight where it succeeds.
        slots: How many orders it counts for; a batch counts each of its own.
        ws_method: Its name in the WebSocket API, empty where that has no such method.
        auth: What it must carry.
        lane: What it is for.
        changes: Whether it may change anything.
    """

    method: str
    path: str
    document: str
    since: date
    weight: int = 1
    weight_all: int | None = None
    free: bool = False
    slots: int = 0
    ws_method: str = ""
    auth: Auth = Auth.SIGNED
    lane: Lane = Lane.RECONCILE
    changes: bool = False


HISTORIES: dict[Exchange, dict[Op, History]] = {
    SPOT: {  # facts D.1.4, D.1.5
        Op.ALL_ORDERS: History(1_000, DAY_MS),
        Op.TRADES: History(1_000, DAY_MS),
    },
    USD_M: {  # facts D.2.5, D.2.10; the change log: fills of 3 months since 2026-08-26
        Op.ALL_ORDERS: History(1_000, 7 * DAY_MS, 92 * DAY_MS),
        Op.ALGO_ALL: History(1_000, 7 * DAY_MS, 92 * DAY_MS),
        Op.TRADES: History(1_000, 7 * DAY_MS, 92 * DAY_MS),
        Op.INCOME: History(1_000, 7 * DAY_MS, 92 * DAY_MS),
    },
    COIN_M: {  # facts D.3.1
        Op.ALL_ORDERS: History(100, 7 * DAY_MS, 92 * DAY_MS),
        Op.ALGO_ALL: History(100, 7 * DAY_MS, 92 * DAY_MS),
        Op.TRADES: History(1_000, 7 * DAY_MS, 92 * DAY_MS),
        Op.INCOME: History(1_000, 365 * DAY_MS),
    },
}
"""How histories are paged. What is kept for 3 months is asked for up to 92 days back; of orders only those
that were filled are kept that long (facts D.2.5: others 3 days, 90 days at most)."""


def _read(path: str, weight: int, document: str, since: date, **more: object) -> Operation:
    return Operation(method="GET", path=path, weight=weight, document=document, since=since, **more)  # type: ignore[arg-type]


def _change(method: str, path: str, weight: int, document: str, since: date, **more: object) -> Operation:
    fields = {"lane": Lane.ORDER, "changes": True, **more}
    return Operation(method=method, path=path, weight=weight, document=document, since=since, **fields)  # type: ignore[arg-type]


_S, _S_DAY = "REST (spot)", date(2026, 7, 21)
# Placing and cancelling weigh nothing where they succeed (since 2026-04-02), and 1 where they fail.
_ORDERS_DAY = date(2026, 4, 2)

_SPOT: dict[Op, Operation] = {  # facts C.2, D.1.1, F.4
    Op.TIME: _read("/api/v3/time", 1, _S, _S_DAY, auth=Auth.NONE, ws_method="time"),
    Op.INSTRUMENTS: _read("/api/v3/exchangeInfo", 20, _S, _S_DAY, auth=Auth.NONE, lane=Lane.SNAPSHOT),
    Op.ACCOUNT: _read("/api/v3/account", 20, _S, _S_DAY, ws_method="account.status"),
    Op.OPEN_ORDERS: _read("/api/v3/openOrders", 6, _S, _S_DAY, weight_all=80, ws_method="openOrders.status"),
    Op.ORDER: _read("/api/v3/order", 4, _S, _S_DAY, ws_method="order.status"),
    Op.ALL_ORDERS: _read("/api/v3/allOrders", 20, _S, _S_DAY, ws_method="allOrders"),
    Op.TRADES: _read("/api/v3/myTrades", 20, _S, _S_DAY, ws_method="myTrades"),
    Op.COMMISSION: _read("/api/v3/account/commission", 20, _S, _S_DAY, ws_method="account.commission"),
    Op.ORDER_COUNT: _read("/api/v3/rateLimit/order", 40, _S, _S_DAY, ws_method="account.rateLimits.orders"),
    Op.AMENDMENTS: _read("/api/v3/order/amendments", 4, _S, _S_DAY, ws_method="order.amendments"),
    Op.PREVENTED: _read("/api/v3/myPreventedMatches", 20, _S, _S_DAY, ws_method="myPreventedMatches"),
    Op.MY_FILTERS: _read("/api/v3/myFilters", 40, _S, _S_DAY, ws_method="myFilters"),
    Op.ORDER_LIST: _read("/api/v3/orderList", 4, _S, _S_DAY, ws_method="orderList.status"),
    Op.OPEN_LISTS: _read("/api/v3/openOrderList", 6, _S, _S_DAY, ws_method="openOrderLists.status"),
    Op.PLACE: _change(
        "POST", "/api/v3/order", 1, _S, _ORDERS_DAY, free=True, slots=1, ws_method="order.place"
    ),
    Op.TEST: Operation(  # sent like an order, and changes nothing
        method="POST",
        path="/api/v3/order/test",
        document=_S,
        since=_S_DAY,
        lane=Lane.ORDER,
        ws_method="order.test",
    ),
    Op.AMEND: _change(
        "PUT",
        "/api/v3/order/amend/keepPriority",
        4,
        _S,
        date(2025, 5, 7),
        ws_method="order.amend.keepPriority",
    ),
    Op.CANCEL: _change(
        "DELETE", "/api/v3/order", 1, _S, _ORDERS_DAY, free=True, lane=Lane.CANCEL, ws_method="order.cancel"
    ),
    Op.CANCEL_ALL: _change(
        "DELETE",
        "/api/v3/openOrders",
        1,
        _S,
        _ORDERS_DAY,
        free=True,
        lane=Lane.CANCEL,
        ws_method="openOrders.cancelAll",
    ),
    Op.CANCEL_REPLACE: _change(
        "POST",
        "/api/v3/order/cancelReplace",
        1,
        _S,
        _ORDERS_DAY,
        free=True,
        slots=1,
        ws_method="order.cancelReplace",
    ),
    Op.PLACE_OCO: _change(
        "POST",
        "/api/v3/orderList/oco",
        1,
        _S,
        _ORDERS_DAY,
        free=True,
        slots=2,
        ws_method="orderList.place.oco",
    ),
    Op.PLACE_OTO: _change(
        "POST",
        "/api/v3/orderList/oto",
        1,
        _S,
        _ORDERS_DAY,
        free=True,
        slots=2,
        ws_method="orderList.place.oto",
    ),
    Op.PLACE_OTOCO: _change(
        "POST",
        "/api/v3/orderList/otoco",
        1,
        _S,
        _ORDERS_DAY,
        free=True,
        slots=3,
        ws_method="orderList.place.otoco",
    ),
    Op.PLACE_OPO: _change(
        "POST", "/api/v3/orderList/opo", 1, _S, date(2025, 12, 18), slots=2, ws_method="orderList.place.opo"
    ),
    Op.PLACE_OPOCO: _change(
        "POST",
        "/api/v3/orderList/opoco",
        1,
        _S,
        date(2025, 12, 18),
        slots=3,
        ws_method="orderList.place.opoco",
    ),
    Op.CANCEL_LIST: _change(
        "DELETE",
        "/api/v3/orderList",
        1,
        _S,
        _ORDERS_DAY,
        free=True,
        lane=Lane.CANCEL,
        ws_method="orderList.cancel",
    ),
    # Withdrawn from the live exchange on 2026-02-20 (facts E.2.1): 410 there.
    Op.KEY_CREATE: _change("POST", "/api/v3/userDataStream", 2, _S, date(2019, 1, 1), auth=Auth.KEY),
    Op.KEY_KEEP: _change("PUT", "/api/v3/userDataStream", 2, _S, date(2019, 1, 1), auth=Auth.KEY),
    Op.KEY_CLOSE: _change("DELETE", "/api/v3/userDataStream", 2, _S, date(2019, 1, 1), auth=Auth.KEY),
}


def _futures(prefix: str, document: str, day: date) -> dict[Op, Operation]:
    """Return what both futures markets have alike (facts D.2.1, D.3.1, F.4)."""
    v1 = f"{prefix}/v1"
    cancel, algo_day = Lane.CANCEL, date(2025, 12, 9)
    return {
        Op.TIME: _read(f"{v1}/time", 1, document, day, auth=Auth.NONE),
        Op.INSTRUMENTS: _read(f"{v1}/exchangeInfo", 1, document, day, auth=Auth.NONE, lane=Lane.SNAPSHOT),
        Op.OPEN_ORDERS: _read(f"{v1}/openOrders", 1, document, day, weight_all=40),
        Op.ORDER: _read(f"{v1}/order", 1, document, day, ws_method="order.status"),
        Op.ALL_ORDERS: _read(f"{v1}/allOrders", 5, document, day),
        Op.TRADES: _read(f"{v1}/userTrades", 5, document, day),
        Op.COMMISSION: _read(f"{v1}/commissionRate", 20, document, day),
        Op.AMENDMENTS: _read(f"{v1}/orderAmendment", 1, document, day),
        Op.ORDER_COUNT: _read(f"{v1}/rateLimit/order", 1, document, day),
        Op.PLACE: _change("POST", f"{v1}/order", 0, document, day, slots=1, ws_method="order.place"),
        Op.AMEND: _change("PUT", f"{v1}/order", 0, document, day, slots=1, ws_method="order.modify"),
        Op.CANCEL: _change("DELETE", f"{v1}/order", 1, document, day, lane=cancel, ws_method="order.cancel"),
        Op.CANCEL_ALL: _change("DELETE", f"{v1}/allOpenOrders", 1, document, day, lane=cancel),
        # The documents count 5 of the 10 s limit and 1 of the minute's: here each order counts in both.
        Op.PLACE_MANY: _change("POST", f"{v1}/batchOrders", 5, document, day, slots=5),
        Op.CANCEL_MANY: _change("DELETE", f"{v1}/batchOrders", 1, document, day, lane=cancel),
        Op.ALGO_PLACE: _change("POST", f"{v1}/algoOrder", 0, document, algo_day, slots=1),
        Op.ALGO_CANCEL: _change("DELETE", f"{v1}/algoOrder", 1, document, algo_day, lane=cancel),
        Op.ALGO_CANCEL_ALL: _change("DELETE", f"{v1}/algoOpenOrders", 1, document, algo_day, lane=cancel),
        Op.ALGO_ORDER: _read(f"{v1}/algoOrder", 1, document, algo_day),
        Op.ALGO_OPEN: _read(f"{v1}/openAlgoOrders", 1, document, algo_day, weight_all=40),
        Op.ALGO_ALL: _read(f"{v1}/allAlgoOrders", 5, document, algo_day),
        Op.LEVERAGE: _change("POST", f"{v1}/leverage", 1, document, day),
        Op.MARGIN_TYPE: _change("POST", f"{v1}/marginType", 1, document, day),
        Op.ISOLATED_MARGIN: _change("POST", f"{v1}/positionMargin", 1, document, day),
        Op.POSITION_MODE: _read(f"{v1}/positionSide/dual", 30, document, day),
        Op.SET_POSITION_MODE: _change("POST", f"{v1}/positionSide/dual", 1, document, day),
        Op.COUNTDOWN: _change("POST", f"{v1}/countdownCancelAll", 10, document, day, lane=cancel),
        Op.KEY_CREATE: _key("POST", v1, document, day, "userDataStream.start"),
        Op.KEY_KEEP: _key("PUT", v1, document, day, "userDataStream.ping"),
        Op.KEY_CLOSE: _key("DELETE", v1, document, day, "userDataStream.stop"),
    }


def _key(method: str, v1: str, document: str, day: date, ws_method: str) -> Operation:
    return _change(
        method, f"{v1}/listenKey", 1, document, day, auth=Auth.KEY, lane=Lane.RECONCILE, ws_method=ws_method
    )


_U, _U_DAY = "REST (USD-M)", date(2026, 5, 28)
_USD_M: dict[Op, Operation] = _futures("/fapi", _U, _U_DAY) | {
    Op.ACCOUNT: _read("/fapi/v3/account", 5, _U, _U_DAY, ws_method="v2/account.status"),
    Op.BALANCE: _read("/fapi/v3/balance", 5, _U, _U_DAY, ws_method="v2/account.balance"),
    Op.POSITIONS: _read("/fapi/v3/positionRisk", 5, _U, _U_DAY, ws_method="v2/account.position"),
    Op.ACCOUNT_CONFIG: _read("/fapi/v1/accountConfig", 5, _U, _U_DAY),
    Op.SYMBOL_CONFIG: _read("/fapi/v1/symbolConfig", 5, _U, _U_DAY),
    Op.TEST: Operation(
        method="POST", path="/fapi/v1/order/test", document=_U, since=_U_DAY, slots=1, lane=Lane.ORDER
    ),  # counts as an order on demo
    Op.BRACKETS: _read("/fapi/v1/leverageBracket", 1, _U, _U_DAY),
    Op.MULTI_ASSETS: _read("/fapi/v1/multiAssetsMargin", 30, _U, _U_DAY),
    Op.SET_MULTI_ASSETS: _change("POST", "/fapi/v1/multiAssetsMargin", 1, _U, _U_DAY),
    Op.INCOME: _read("/fapi/v1/income", 30, _U, _U_DAY, lane=Lane.BACKFILL),
    Op.ALGO_PLACE: _change(
        "POST", "/fapi/v1/algoOrder", 0, "change log", date(2025, 12, 9), slots=1, ws_method="algoOrder.place"
    ),
    Op.ALGO_CANCEL: _change(
        "DELETE",
        "/fapi/v1/algoOrder",
        1,
        "change log",
        date(2025, 12, 9),
        lane=Lane.CANCEL,
        ws_method="algoOrder.cancel",
    ),
}

_C, _C_DAY = "REST (COIN-M), CM-UM", date(2026, 6, 30)
_COIN_M: dict[Op, Operation] = _futures("/dapi", _C, _C_DAY) | {
    Op.ACCOUNT: _read("/dapi/v1/account", 5, _C, _C_DAY, ws_method="account.status"),
    Op.BALANCE: _read("/dapi/v1/balance", 1, _C, _C_DAY, ws_method="account.balance"),
    Op.POSITIONS: _read("/dapi/v1/positionRisk", 1, _C, _C_DAY, ws_method="account.position"),
    Op.BRACKETS: _read("/dapi/v2/leverageBracket", 1, _C, _C_DAY, weight_all=2),
    Op.INCOME: _read("/dapi/v1/income", 20, _C, _C_DAY, lane=Lane.BACKFILL),
}

OPERATIONS: dict[Exchange, dict[Op, Operation]] = {SPOT: _SPOT, USD_M: _USD_M, COIN_M: _COIN_M}
"""What each market can be asked. The algo service of COIN-M is as others found it (facts 0.3-3, D.3.1)."""
