"""The live view of an account: what joins it, what is told, and when it may be read."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.account import AccountSnapshot, Balance, MarginType, Position, PositionMode
from toucan_execution.errors import NotSynced
from toucan_execution.events import (
    AccountConfigUpdate,
    BalanceUpdate,
    ExternalLockUpdate,
    OutOfSync,
    PositionUpdate,
    StreamEnded,
    TransferUpdate,
)
from toucan_execution.orders import Order, OrderRequest, OrderStatus, OrderType, PositionSide
from toucan_execution.view import AccountView
from toucan_instrument import Exchange, Instrument, InstrumentKind, Side

T = 1_700_000_000_000_000_000
USD_M = Exchange.BINANCE_USD_M
BTC = Instrument(
    exchange=USD_M,
    symbol="BTCUSDT",
    kind=InstrumentKind.PERPETUAL,
    base="BTC",
    quote="USDT",
    settle="USDT",
)


def make() -> AccountView:
    return AccountView(USD_M, "main", is_own=lambda client_id: client_id.startswith("own-"))


def balance(total, *, at: int | None = 0, asset="USDT", change=None, **figures) -> BalanceUpdate:
    time_ns = None if at is None else T + at
    held = Balance(asset=asset, total=Decimal(total), **figures)
    return BalanceUpdate(USD_M, "main", time_ns, T, balance=held, change=change)


def position(quantity, *, at: int | None = 0, side=PositionSide.BOTH, **figures) -> PositionUpdate:
    time_ns = None if at is None else T + at
    held = Position(instrument=BTC, side=side, quantity=Decimal(quantity), **figures)
    return PositionUpdate(USD_M, "main", time_ns, T, position=held)


def snapshot(balances=(), positions=(), *, at: int | None = 0, **facts) -> AccountSnapshot:
    return AccountSnapshot(
        exchange=USD_M,
        account="main",
        time_exchange=None if at is None else T + at,
        time_received=T,
        balances=tuple(each.balance for each in balances),
        positions=tuple(each.position for each in positions),
        open_orders=(),
        **facts,
    )


READS = [
    lambda view, **how: view.balance("USDT", **how),
    lambda view, **how: view.balances(**how),
    lambda view, **how: view.position(BTC, **how),
    lambda view, **how: view.positions(**how),
    lambda view, **how: view.order("own-1", **how),
    lambda view, **how: view.open_orders(**how),
]


@pytest.mark.parametrize("read", READS)
def test_it_is_not_read_out_of_sync_unless_asked_to(read) -> None:
    view = make()
    with pytest.raises(NotSynced, match="'main' is not in sync: it was never in sync"):
        read(view)
    read(view, allow_stale=True)
    view.in_sync(T)
    read(view)
    [told] = view.lose_sync("the connection is down", T + 1)
    assert isinstance(told, OutOfSync)
    assert told.reason == view.stale_reason == "the connection is down"
    assert view.lose_sync("again", T + 2) == []
    assert view.stale_since_ns == T + 1
    with pytest.raises(NotSynced, match="the connection is down"):
        read(view)
    assert "not in sync" in repr(view)
    view.in_sync(T + 3)
    assert (view.stale_reason, view.stale_since_ns, view.synced_ns) == ("", None, T + 3)
    assert "in sync" in repr(view)


def test_the_newest_balance_wins() -> None:
    view = make()
    assert len(view.apply(balance(5, at=5))) == 1
    assert view.apply(balance(4, at=4)) == []
    assert view.apply(balance(5, at=6)) == []  # no news
    assert len(view.apply(balance(6, at=6))) == 1
    assert view.apply(balance(7, at=6), late=True) == []
    assert view.balance("USDT", allow_stale=True).total == 6
    assert len(view.apply(balance(8, at=None))) == 1


def test_what_is_not_held_is_zero() -> None:
    view = make()
    view.in_sync(T)
    held = view.balance("XYZ")
    assert (held.total, held.free, held.locked) == (0, 0, 0)
    assert view.apply(balance(0, asset="XYZ")) == []
    assert view.balances() == ()


def test_figures_that_follow_from_an_amount_are_not_kept_beside_a_new_one() -> None:
    view = make()
    view.apply(balance(10, free=Decimal(8), locked=Decimal(2), cross_wallet=Decimal(10)))
    view.apply(balance(10, at=1, cross_wallet=Decimal(9)))
    held = view.balance("USDT", allow_stale=True)
    assert (held.free, held.locked, held.cross_wallet) == (8, 2, 9)
    [told] = view.apply(balance(3, at=2))
    assert told.balance == view.balance("USDT", allow_stale=True)
    assert (told.balance.total, told.balance.free, told.balance.locked) == (3, None, None)


def test_a_payment_is_told_though_the_balance_stayed() -> None:
    view = make()
    view.apply(balance(10))
    assert len(view.apply(balance(10, at=1, change=Decimal(2)))) == 1


def test_positions_come_and_go() -> None:
    view = make()
    facts = {"leverage": 5, "margin_type": MarginType.CROSS, "liquidation_price": Decimal(9)}
    assert len(view.apply(position(2, **facts))) == 1
    assert view.apply(position(2)) == []
    [told] = view.apply(position(3, at=1, entry_price=Decimal(100)))
    held = told.position
    assert (held.leverage, held.margin_type) == (5, MarginType.CROSS)
    assert (held.entry_price, held.liquidation_price) == (100, None)
    [flat] = view.apply(position(0, at=2))
    assert flat.position.quantity == 0
    assert view.positions(allow_stale=True) == ()
    assert view.apply(position(3, at=1)) == []  # late: it stays flat
    assert view.apply(position(0, at=3)) == []
    assert view.apply(position(4, at=3), late=True) == []
    assert view.position(BTC, allow_stale=True) is None


def test_hedged_positions_are_two() -> None:
    view = make()
    view.apply(position(2, side=PositionSide.LONG))
    view.apply(position(-1, side=PositionSide.SHORT))
    view.in_sync(T)
    assert view.position(BTC) is None
    assert view.position(BTC, PositionSide.SHORT).quantity == -1
    assert [each.quantity for each in view.positions(BTC)] == [2, -1]
    assert len(view.positions()) == 2


def test_settings_follow_their_events() -> None:
    view = make()
    view.apply(position(2, leverage=5))
    view.apply(AccountConfigUpdate(USD_M, "main", T, T, instrument=BTC, leverage=7))
    assert view.position(BTC, allow_stale=True).leverage == 7
    view.apply(AccountConfigUpdate(USD_M, "main", T, T, multi_assets=True))
    assert view.multi_assets is True


@pytest.mark.parametrize(
    "event",
    [
        TransferUpdate(USD_M, "main", T, T, asset="USDT", amount=Decimal(5)),
        ExternalLockUpdate(USD_M, "main", T, T, asset="USDT", amount=Decimal(5)),
    ],
)
def test_what_is_told_once_is_told_once(event) -> None:
    view = make()
    assert view.apply(event) == [event]
    assert view.apply(msgspec.structs.replace(event, time_received=T + 5)) == []
    other = msgspec.structs.replace(event, time_exchange=T + 1)
    assert view.apply(other) == [other]
    untimed = msgspec.structs.replace(event, time_exchange=None)
    assert view.apply(untimed) == view.apply(untimed) == [untimed]
    for number in range(2, 3000):
        view.apply(msgspec.structs.replace(event, time_exchange=T + number))
    assert len(view._once) <= 1000


def test_other_events_pass() -> None:
    event = StreamEnded(USD_M, "main", T, T, reason="listenKeyExpired")
    assert make().apply(event) == [event]


def test_a_snapshot_says_what_is_held_and_what_is_not() -> None:
    view = make()
    view.apply(balance(1, asset="BNB"))
    view.apply(balance(5, at=9))
    view.apply(position(2))
    view.apply(position(-1, side=PositionSide.SHORT))
    told = view.load(
        snapshot(
            [balance(7, asset="BTC"), balance(4, at=1)],
            [position(3, side=PositionSide.SHORT)],
            at=8,
            position_mode=PositionMode.HEDGE,
            can_trade=True,
            account_type="FUTURES",
        )
    )
    assert all(event.recovered for event in told)
    view.in_sync(T)
    assert {held.asset: held.total for held in view.balances()} == {"BTC": 7, "USDT": 5}
    assert [(held.side, held.quantity) for held in view.positions()] == [(PositionSide.SHORT, 3)]
    assert (view.position_mode, view.can_trade, view.account_type) == (PositionMode.HEDGE, True, "FUTURES")
    view.load(snapshot([balance(7, asset="BTC", at=8), balance(5, at=9)], at=None))
    assert (view.position_mode, view.account_type) == (PositionMode.HEDGE, "FUTURES")
    assert view.positions() == ()


def test_peeking_shows_all_of_it() -> None:
    view = make()
    view.apply(balance(5))
    request = OrderRequest(
        instrument=BTC,
        side=Side.BUY,
        type=OrderType.MARKET,
        quantity=Decimal(1),
        client_order_id="own-1",
    )
    view.tracker.begin(request, T)
    seen = view.peek(T + 5)
    assert isinstance(seen, AccountSnapshot)
    assert (len(seen.balances), len(seen.open_orders), seen.time_received) == (1, 1, T + 5)
    order = view.order("own-1", allow_stale=True)
    assert isinstance(order, Order)
    assert order.status is OrderStatus.OPEN_IN_FLIGHT
    assert view.order("own-1", instrument=BTC, allow_stale=True) is order
    assert view.open_orders(BTC, allow_stale=True) == (order,)
