"""Binance's user events as typed structs; facts E.2.3 (spot) and E.5 (futures).

Portfolio margin's and cross margin's variants of them differ by fields that are ignored or optional here.
"""

# ruff: noqa: N815 - the wire's own names

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.client.binance.messages import NOTHING, Id, Wire

__all__ = [
    "AccountConfig",
    "AccountConfigLeverage",
    "AccountConfigMode",
    "AccountPosition",
    "AccountUpdate",
    "AccountUpdateBody",
    "AlgoUpdate",
    "AlgoUpdateOrder",
    "BalanceDelta",
    "BalanceRow",
    "ExecutionReport",
    "Grid",
    "GridBody",
    "LiabilityChange",
    "ListStatus",
    "ListStatusOrder",
    "MarginCallEvent",
    "MarginCallRow",
    "MarginLevel",
    "Notice",
    "OrderTradeUpdate",
    "OrderTradeUpdateOrder",
    "PositionRow",
    "SpotBalanceRow",
    "Strategy",
    "StrategyBody",
    "TradeLite",
    "TriggerReject",
    "TriggerRejectOrder",
]


class Notice(Wire):
    """``eventStreamTerminated``, ``serverShutdown``, ``listenKeyExpired``; the key is not kept."""

    E: int | None = None


# Spot.


class ExecutionReport(Wire):
    """``executionReport``."""

    s: str
    i: Id
    S: str
    o: str
    x: str
    X: str
    E: int | None = None
    T: int | None = None
    O: int | None = None  # noqa: E741 - the wire's own name
    W: int | None = None
    c: str = ""
    C: str | None = None
    f: str | None = None
    q: Decimal | None = None
    Q: Decimal | None = None
    p: Decimal | None = None
    P: Decimal | None = None
    F: Decimal | None = None
    g: Id = -1
    r: str | None = None
    eR: str | None = None
    l: Decimal | None = None  # noqa: E741 - the wire's own name
    L: Decimal | None = None
    Y: Decimal | None = None
    z: Decimal | None = None
    Z: Decimal | None = None
    n: Decimal | None = None
    N: str | None = None
    t: Id = -1
    a: Id | None = None
    w: bool | None = None
    m: bool | None = None
    V: str | None = None
    d: int | None = None
    A: Decimal | None = None
    gp: Decimal | None = None


class SpotBalanceRow(Wire):
    """A balance of `AccountPosition`."""

    a: str
    f: Decimal
    l: Decimal  # noqa: E741 - the wire's own name


class AccountPosition(Wire):
    """``outboundAccountPosition``."""

    B: list[SpotBalanceRow]
    E: int | None = None
    u: int | None = None


class BalanceDelta(Wire):
    """``balanceUpdate`` and ``externalLockUpdate``."""

    a: str
    d: Decimal
    E: int | None = None
    T: int | None = None


class ListStatusOrder(Wire):
    """An order of `ListStatus`."""

    i: Id
    s: str = ""
    c: str = ""


class ListStatus(Wire):
    """``listStatus``."""

    s: str
    g: Id
    c: str = ""
    l: str = ""  # noqa: E741 - the wire's own name
    L: str = ""
    r: str | None = None
    C: str = ""
    E: int | None = None
    T: int | None = None
    O: list[ListStatusOrder] = msgspec.field(default_factory=list)  # noqa: E741 - the wire's own name


class MarginLevel(Wire):
    """``MARGIN_LEVEL_STATUS_CHANGE`` of a margin account."""

    s: str = ""
    E: int | None = None
    l: Decimal | None = None  # noqa: E741 - the wire's own name


class LiabilityChange(Wire):
    """``liabilityChange`` of a margin account. Its ``T`` is an id, no time."""

    a: str
    t: str = ""
    E: int | None = None
    T: Id = ""
    p: Decimal | None = None
    i: Decimal | None = None
    l: Decimal | None = None  # noqa: E741 - the wire's own name


# Futures.


class OrderTradeUpdateOrder(Wire):
    """The order of an `OrderTradeUpdate`."""

    s: str
    i: Id
    S: str
    x: str
    X: str
    o: str | None = None
    ot: str | None = None
    c: str = ""
    f: str | None = None
    q: Decimal | None = None
    p: Decimal | None = None
    ap: Decimal | None = None
    sp: msgspec.Raw = NOTHING
    l: Decimal | None = None  # noqa: E741 - the wire's own name
    z: Decimal | None = None
    L: Decimal | None = None
    n: Decimal | None = None
    N: str | None = None
    T: int | None = None
    t: Id = 0
    m: bool | None = None
    R: bool | None = None
    wt: str | None = None
    ps: str | None = None
    cp: bool | None = None
    AP: msgspec.Raw = NOTHING
    cr: msgspec.Raw = NOTHING
    rp: Decimal | None = None
    V: str | None = None
    gtd: int | None = None
    er: Id | None = None


class OrderTradeUpdate(Wire):
    """``ORDER_TRADE_UPDATE``."""

    o: OrderTradeUpdateOrder
    E: int | None = None
    T: int | None = None


class TradeLite(Wire):
    """``TRADE_LITE``."""

    s: str
    i: Id
    t: Id
    S: str
    L: Decimal
    l: Decimal  # noqa: E741 - the wire's own name
    m: bool
    c: str = ""
    E: int | None = None
    T: int | None = None


class BalanceRow(Wire):
    """A balance of an `AccountUpdate`."""

    a: str
    wb: Decimal
    cw: Decimal | None = None
    bc: Decimal | None = None


class PositionRow(Wire):
    """A position of an `AccountUpdate`."""

    s: str
    pa: Decimal
    ep: Decimal | None = None
    bep: Decimal | None = None
    cr: Decimal | None = None
    up: Decimal | None = None
    mt: str | None = None
    iw: Decimal | None = None
    ps: str = "BOTH"
    ma: str | None = None


class AccountUpdateBody(Wire):
    """What an `AccountUpdate` says."""

    m: str = ""
    B: list[BalanceRow] = msgspec.field(default_factory=list)
    P: list[PositionRow] = msgspec.field(default_factory=list)
    S: str | None = None


class AccountUpdate(Wire):
    """``ACCOUNT_UPDATE``."""

    a: AccountUpdateBody
    E: int | None = None
    T: int | None = None


class AlgoUpdateOrder(Wire):
    """The order of an `AlgoUpdate`."""

    s: str
    aid: Id
    S: str
    X: str
    o: str | None = None
    caid: str = ""
    ps: str | None = None
    f: str | None = None
    q: msgspec.Raw = NOTHING
    ai: Id | None = None
    ap: msgspec.Raw = NOTHING
    aq: msgspec.Raw = NOTHING
    tp: msgspec.Raw = NOTHING
    p: msgspec.Raw = NOTHING
    V: str | None = None
    wt: str | None = None
    cp: bool | None = None
    R: bool | None = None
    AP: msgspec.Raw = NOTHING
    cr: msgspec.Raw = NOTHING
    tt: int | None = None
    gtd: int | None = None
    rm: str | None = None


class AlgoUpdate(Wire):
    """``ALGO_UPDATE``."""

    o: AlgoUpdateOrder
    E: int | None = None
    T: int | None = None


class TriggerRejectOrder(Wire):
    """The order of a `TriggerReject`."""

    s: str
    i: Id
    r: str = ""


class TriggerReject(Wire):
    """``CONDITIONAL_ORDER_TRIGGER_REJECT``."""

    order: TriggerRejectOrder = msgspec.field(name="or")
    E: int | None = None
    T: int | None = None


class MarginCallRow(Wire):
    """A position of a `MarginCallEvent`."""

    s: str
    pa: Decimal
    mm: Decimal
    ps: str = "BOTH"
    mt: str | None = None
    iw: Decimal | None = None
    mp: Decimal | None = None
    up: Decimal | None = None


class MarginCallEvent(Wire):
    """``MARGIN_CALL``."""

    p: list[MarginCallRow] = msgspec.field(default_factory=list)
    cw: Decimal | None = None
    E: int | None = None


class AccountConfigLeverage(Wire):
    """The new leverage of a symbol."""

    s: str
    l: int  # noqa: E741 - the wire's own name


class AccountConfigMode(Wire):
    """The new Multi-Assets mode."""

    j: bool | None = None


class AccountConfig(Wire):
    """``ACCOUNT_CONFIG_UPDATE``."""

    ac: AccountConfigLeverage | None = None
    ai: AccountConfigMode | None = None
    E: int | None = None
    T: int | None = None


class StrategyBody(Wire):
    """What a `Strategy` says."""

    si: Id
    s: str
    st: str = ""
    ss: str = ""
    ut: int | None = None
    c: int | None = None


class Strategy(Wire):
    """``STRATEGY_UPDATE``."""

    su: StrategyBody
    E: int | None = None
    T: int | None = None


class GridBody(Wire):
    """What a `Grid` says."""

    si: Id
    s: str
    r: Decimal
    mp: Decimal
    uq: Decimal
    up: Decimal
    uf: Decimal
    st: str = ""
    ss: str = ""
    ut: int | None = None


class Grid(Wire):
    """``GRID_UPDATE``."""

    gu: GridBody
    E: int | None = None
    T: int | None = None
