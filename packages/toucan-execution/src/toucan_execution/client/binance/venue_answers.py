"""From an answer's bytes to what was asked for: one function for each sort of answer. Pure.

Each takes a `Scope` (whose answers), the body, and where it matters the time at which it was received, and
raises `PayloadError` where the body cannot be read. What messages mean is said in `normalise_spot`,
`normalise_futures` and `normalise_account`.
"""

from __future__ import annotations

import msgspec

from toucan_execution.account import Balance, Commission, Income, LeverageBracket, LeverageSetting, Position
from toucan_execution.client.binance import (
    messages as wire,
    messages_rest as rest,
    normalise_account as accounts,
    normalise_futures as futures,
    normalise_spot as spot,
)
from toucan_execution.client.binance.answers import AccountPart
from toucan_execution.client.binance.normalise import Scope
from toucan_execution.client.binance.words import PREVENTIONS
from toucan_execution.events import TradeUpdate
from toucan_execution.orders import (
    ZERO,
    ListKind,
    Order,
    OrderList,
    OrderListRequest,
    OrderRequest,
    OrderStatus,
    SelfTradePrevention,
)
from toucan_execution.venue import Placed
from toucan_instrument.errors import PayloadError
from toucan_instrument.timestamps import from_digits

__all__ = [
    "allowed_self_trade",
    "elements",
    "futures_account",
    "futures_algo",
    "futures_algo_cancelled",
    "futures_algos",
    "futures_brackets",
    "futures_commission",
    "futures_config",
    "futures_income",
    "futures_leverage",
    "futures_leverages",
    "futures_order",
    "futures_orders",
    "futures_placed",
    "futures_positions",
    "futures_trades",
    "held",
    "listen_key",
    "nothing",
    "server_time",
    "spot_account",
    "spot_amended",
    "spot_cancelled",
    "spot_cancelled_all",
    "spot_commission",
    "spot_list",
    "spot_lists",
    "spot_order",
    "spot_orders",
    "spot_placed",
    "spot_replaced",
    "spot_trades",
]

CONFIRMED = (0, 200)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])


class _Time(msgspec.Struct):
    serverTime: int  # noqa: N815 - the wire's own name


class _Key(msgspec.Struct):
    listenKey: str  # noqa: N815


class _Listed(msgspec.Struct):
    contingencyType: str | None = None  # noqa: N815


class _Symbol(msgspec.Struct):
    symbol: str = ""
    allowedSelfTradePreventionModes: list[str] | None = None  # noqa: N815


class _Info(msgspec.Struct):
    symbols: list[_Symbol]


_TIME = msgspec.json.Decoder(_Time)
_KEY = msgspec.json.Decoder(_Key)
_LISTED = msgspec.json.Decoder(_Listed)
_INFO = msgspec.json.Decoder(_Info)
_ANY = msgspec.json.Decoder()
_SPOT_ACCOUNT = wire.decoder_of(rest.SpotAccount)
_SPOT_ORDER = wire.decoder_of(rest.SpotOrder)
_SPOT_ORDERS = wire.decoder_of(list[rest.SpotOrder])
_SPOT_TRADES = wire.decoder_of(list[rest.SpotTrade])
_SPOT_COMMISSION = wire.decoder_of(rest.SpotCommission)
_SPOT_LIST = wire.decoder_of(rest.SpotList)
_SPOT_LISTS = wire.decoder_of(list[rest.SpotList])
_AMENDED = wire.decoder_of(rest.Amended)
_REPLACED = wire.decoder_of(rest.CancelReplace)
_ORDER = wire.decoder_of(rest.FuturesOrder)
_ORDERS = wire.decoder_of(list[rest.FuturesOrder])
_ALGO = wire.decoder_of(rest.AlgoOrder)
_ALGOS = wire.decoder_of(list[rest.AlgoOrder])
_ALGO_CANCELLED = wire.decoder_of(rest.AlgoCancelled)
_TRADES = wire.decoder_of(list[rest.FuturesTrade])
_ACCOUNT = wire.decoder_of(rest.FuturesAccount)
_POSITIONS = wire.decoder_of(list[rest.FuturesPosition])
_CONFIG = wire.decoder_of(rest.AccountConfigBody)
_LEVERAGE = wire.decoder_of(rest.Leverage)
_LEVERAGES = wire.decoder_of(list[rest.Leverage])
_COMMISSION = wire.decoder_of(rest.FuturesCommission)
_INCOME = wire.decoder_of(list[rest.IncomeRow])
_BRACKETS = wire.decoder_of(list[rest.Brackets])


# All markets.


def server_time(body: bytes) -> int:
    """Return the venue's time, nanoseconds since the epoch."""
    return from_digits(wire.read(_TIME, body, "server time").serverTime)


def listen_key(body: bytes) -> str:
    """Return a listen key, which is a secret; an answer that cannot be read is not shown."""
    try:
        return _KEY.decode(body).listenKey
    except (ValueError, RecursionError):
        raise PayloadError("listen key", raw=b"", cause="there is none in the answer") from None


def nothing(body: bytes) -> None:
    """Read an answer that only confirms.

    Raises:
        PayloadError: It is no JSON.
    """
    wire.read(_ANY, body, "confirmation")


def elements(body: bytes) -> list[bytes]:
    """Return the elements of a batch's answer, each as JSON."""
    return [bytes(row) for row in wire.read(_ROWS, body, "answer of a batch")]


def held(balances: tuple[Balance, ...]) -> list[Balance]:
    """Return the balances of which something is held, owed, locked or gained."""
    return [each for each in balances if each.total or each.locked or each.unrealized_profit]


def allowed_self_trade(body: bytes) -> dict[str, frozenset[SelfTradePrevention]]:
    """Return which self-trade prevention each symbol of ``exchangeInfo`` allows, where it says so (C.3.1).

    It is a help and no more: a list that cannot be read allows and forbids nothing.
    """
    try:
        rows = _INFO.decode(body).symbols
    except (ValueError, RecursionError):
        return {}
    return {
        row.symbol: frozenset(
            PREVENTIONS[word] for word in row.allowedSelfTradePreventionModes if word in PREVENTIONS
        )
        for row in rows
        if row.allowedSelfTradePreventionModes is not None
    }


# Spot.


def spot_account(scope: Scope, body: bytes, received_ns: int) -> AccountPart:
    """Return the balances."""
    return spot.account(scope, wire.read(_SPOT_ACCOUNT, body, "account"), received_ns)


def spot_order(scope: Scope, body: bytes) -> Order:
    """Return an order that was asked for."""
    return spot.order(scope, wire.read(_SPOT_ORDER, body, "order"))


def spot_orders(scope: Scope, body: bytes) -> list[Order]:
    """Return orders that were asked for."""
    return [spot.order(scope, row) for row in wire.read(_SPOT_ORDERS, body, "orders")]


def spot_placed(scope: Scope, body: bytes, received_ns: int, sent: OrderRequest) -> Placed:
    """Return a placed order and its fills: ACK, RESULT or FULL (facts D.1.3)."""
    row = wire.read(_SPOT_ORDER, body, "placed order")
    found = spot.order(scope, row, sent)
    # Inside an error no time of receipt is known: then the venue's own stands in for it.
    return Placed(found, fills=spot.fills(scope, row, found, received_ns or found.updated_ns or 0))


def spot_cancelled(scope: Scope, body: bytes, client_order_id: str = "", order_id: str = "") -> Placed:
    """Return a cancelled order; of a list's order also the list, which was cancelled with it (D.1.9)."""
    if wire.read(_LISTED, body, "cancelled order").contingencyType is None:
        row = wire.read(_SPOT_ORDER, body, "cancelled order")
        return Placed(None if spot.is_ack(row) else spot.order(scope, row))
    found = spot_list(scope, body)
    wanted = [
        each
        for each in found.orders
        if (order_id and each.order_id == order_id)
        or (client_order_id and each.client_order_id == client_order_id)
    ]
    return Placed(wanted[0] if wanted else None, order_list=found)


def spot_cancelled_all(scope: Scope, body: bytes) -> list[Order]:
    """Return the orders that a cancel of all has cancelled, those of lists among them (facts D.1.6)."""
    orders: list[Order] = []
    for row in wire.read(_ROWS, body, "cancelled orders"):
        placed = spot_cancelled(scope, bytes(row))
        if placed.order_list is not None:
            orders += placed.order_list.orders
        elif placed.order is not None:
            orders.append(placed.order)
    return orders


def spot_amended(scope: Scope, body: bytes) -> Placed:
    """Return an order that was made smaller, and its list where it has one (facts D.1.8)."""
    row = wire.read(_AMENDED, body, "amended order")
    listed = None if row.listStatus is None else spot.order_list(scope, row.listStatus)
    return Placed(spot.amended(scope, row), order_list=listed)


def spot_replaced(body: bytes) -> rest.CancelReplace:
    """Return the two halves of a cancel-replace, not read yet (facts D.1.7)."""
    return wire.read(_REPLACED, body, "cancel-replace")


def spot_trades(scope: Scope, body: bytes, received_ns: int) -> list[TradeUpdate]:
    """Return fills that were asked for."""
    return [spot.trade(scope, row, received_ns) for row in wire.read(_SPOT_TRADES, body, "trades")]


def spot_commission(scope: Scope, body: bytes) -> Commission:
    """Return what trading costs."""
    return spot.commission(scope, wire.read(_SPOT_COMMISSION, body, "commission"))


def spot_list(scope: Scope, body: bytes, sent: OrderListRequest | None = None) -> OrderList:
    """Return a list of orders; OTOCO, OPO and OPOCO lists report OTO, so the kind is the request's."""
    found = spot.order_list(scope, wire.read(_SPOT_LIST, body, "order list"))
    if sent is None or (found.kind is ListKind.OCO) is not (sent.kind is ListKind.OCO):
        return found
    return msgspec.structs.replace(found, kind=sent.kind)


def spot_lists(scope: Scope, body: bytes) -> list[OrderList]:
    """Return lists of orders."""
    return [spot.order_list(scope, row) for row in wire.read(_SPOT_LISTS, body, "order lists")]


# The futures.


def futures_account(scope: Scope, body: bytes, received_ns: int) -> AccountPart:
    """Return balances and positions."""
    return accounts.account(scope, wire.read(_ACCOUNT, body, "account"), received_ns)


def futures_positions(scope: Scope, body: bytes) -> list[Position]:
    """Return the positions that are not flat."""
    found = (accounts.position(scope, row) for row in wire.read(_POSITIONS, body, "positions"))
    return [each for each in found if each is not None and each.quantity != ZERO]


def futures_config(scope: Scope, body: bytes, received_ns: int) -> AccountPart:
    """Return how the account is set up."""
    return accounts.config(scope, wire.read(_CONFIG, body, "account configuration"), received_ns)


def futures_leverage(scope: Scope, body: bytes) -> LeverageSetting:
    """Return a leverage that was set."""
    return accounts.leverage(scope, wire.read(_LEVERAGE, body, "leverage"))


def futures_leverages(scope: Scope, body: bytes) -> list[LeverageSetting]:
    """Return the leverage and margin type of symbols."""
    return [accounts.leverage(scope, row) for row in wire.read(_LEVERAGES, body, "symbol configuration")]


def futures_order(scope: Scope, body: bytes) -> Order:
    """Return an order."""
    return futures.order(scope, wire.read(_ORDER, body, "order"))


def futures_placed(scope: Scope, body: bytes) -> Placed:
    """Return an order that was placed, changed or cancelled: its fills are not said (facts D.2.3)."""
    return Placed(futures_order(scope, body))


def futures_orders(scope: Scope, body: bytes) -> list[Order]:
    """Return orders."""
    return [futures.order(scope, row) for row in wire.read(_ORDERS, body, "orders")]


def futures_algo(scope: Scope, body: bytes) -> Order:
    """Return a conditional order."""
    return futures.algo_order(scope, wire.read(_ALGO, body, "conditional order"))


def futures_algos(scope: Scope, body: bytes) -> list[Order]:
    """Return conditional orders."""
    return [futures.algo_order(scope, row) for row in wire.read(_ALGOS, body, "conditional orders")]


def futures_algo_cancelled(body: bytes, known: Order | None) -> Placed:
    """Return a conditional order that was cancelled: the answer confirms, and says no more (facts D.2.4).

    Raises:
        PayloadError: It confirms nothing, so that nobody knows.
    """
    found = wire.read(_ALGO_CANCELLED, body, "cancelled conditional order")
    if found.code not in CONFIRMED:
        raise PayloadError("cancelled conditional order", raw=body, cause=f"its code is {found.code}")
    if known is None:
        return Placed(None)
    return Placed(msgspec.structs.replace(known, status=OrderStatus.CANCELLED, status_venue="CANCELED"))


def futures_trades(scope: Scope, body: bytes, received_ns: int) -> list[TradeUpdate]:
    """Return fills that were asked for."""
    return [futures.trade(scope, row, received_ns) for row in wire.read(_TRADES, body, "trades")]


def futures_commission(scope: Scope, body: bytes) -> Commission:
    """Return what trading costs."""
    return accounts.commission(scope, wire.read(_COMMISSION, body, "commission"))


def futures_income(scope: Scope, body: bytes) -> list[Income]:
    """Return lines of the ledger."""
    return [accounts.income(scope, row) for row in wire.read(_INCOME, body, "income")]


def futures_brackets(scope: Scope, body: bytes) -> list[LeverageBracket]:
    """Return leverage brackets: of one symbol, which may come without a list around it, or of all."""
    if body.lstrip()[:1] == b"{":
        body = b"[" + body + b"]"
    rows = wire.read(_BRACKETS, body, "leverage brackets")
    return [bracket for row in rows for bracket in accounts.brackets(scope, row)]
