"""The live view of an account: balances, positions, orders, and a refusal to be read out of sync.

It is changed by the reader of the account's stream before the event of a change is handed on, so it is never
behind an event in hand and may be ahead of it. All reading is synchronous: nothing changes between two reads
without an await between them.

How facts join it, beside the rules for orders (`toucan_execution.state`):

- Balances and positions are told as absolute amounts; the newest by the venue's own time wins.
- What a message leaves out stays as it was known. Figures that follow from an amount (what is free of a
  balance, the liquidation price of a position) are forgotten when the amount changes and the message does
  not say them: a futures stream tells wallet balances alone, and an old figure beside a new one would be a
  guess.
- A position that is flat disappears.
- Nothing is told twice, and what is no news is not told.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from toucan_execution._ledger import Ledger
from toucan_execution._merge_account import later_of, merged_balance, merged_position, newest_of
from toucan_execution.account import AccountSnapshot, Balance, Position, PositionMode
from toucan_execution.errors import NotSynced
from toucan_execution.events import (
    AccountConfigUpdate,
    AccountEvent,
    BalanceUpdate,
    ExternalLockUpdate,
    FundingUpdate,
    MarginCall,
    OrderListUpdate,
    OrderUpdate,
    OutOfSync,
    PositionUpdate,
    TradeNotice,
    TradeUpdate,
    TransferUpdate,
    TriggerRejected,
)
from toucan_execution.orders import Order, PositionSide
from toucan_execution.state import OrderTracker
from toucan_instrument import Exchange, Instrument

__all__ = ["AccountView"]

ZERO = Decimal(0)
DAY = 86_400 * 1_000_000_000
ONCE = 1_000
"""How many of the events that are told once, and are no order, fill, balance or position, are remembered."""
TOLD_ONCE = (
    AccountConfigUpdate,
    ExternalLockUpdate,
    FundingUpdate,
    MarginCall,
    OrderListUpdate,
    TransferUpdate,
    TriggerRejected,
)


class AccountView:
    """What is known of one account.

    Every read takes ``allow_stale``: without it a view that is not in sync raises `NotSynced`. `peek` is the
    whole of it, however stale.

    Args:
        exchange: Where.
        account: The user's label of the account.
        is_own: Tells whether a client order id is one of this client's.
        keep_finished: How many finished orders are kept.
        keep_ns: How long they are kept, nanoseconds.

    Attributes:
        exchange: Where.
        account: The user's label of the account.
        synced: Whether it may be read: every change since the last snapshot has been applied.
        stale_reason: Why it may not, empty while it may.
        stale_since_ns: Since when it may not, None while it may, or where it never could.
        synced_ns: When it was last brought in sync, None for never.
        tracker: The orders and fills.
        ledger: What balances and positions must be, by what is known to have changed them.
        position_mode: One-way or hedge; None on spot, or where it is not known yet.
        multi_assets: Whether all assets margin all positions; None likewise.
        can_trade: Whether the key may trade, None where the venue does not say.
        account_type: The venue's word for it, empty where there is none.
    """

    def __init__(
        self,
        exchange: Exchange,
        account: str,
        *,
        is_own: Callable[[str], bool],
        keep_finished: int = 10_000,
        keep_ns: int = DAY,
    ) -> None:
        self.exchange: Exchange = exchange
        self.account: str = account
        self.synced: bool = False
        self.stale_reason: str = "it was never in sync"
        self.stale_since_ns: int | None = None
        self.synced_ns: int | None = None
        self.tracker: OrderTracker = OrderTracker(
            exchange, account, is_own=is_own, keep_finished=keep_finished, keep_ns=keep_ns
        )
        self.ledger: Ledger = Ledger()
        self.position_mode: PositionMode | None = None
        self.multi_assets: bool | None = None
        self.can_trade: bool | None = None
        self.account_type: str = ""
        self._balances: dict[str, Balance] = {}
        self._positions: dict[tuple[Instrument, PositionSide], Position] = {}
        self._once: dict[AccountEvent, None] = {}

    # What a user reads.

    def balance(self, asset: str, *, allow_stale: bool = False) -> Balance:
        """Return what is held of an asset: zero of one that is not held."""
        self._check(allow_stale)
        held = self._balances.get(asset)
        return Balance(asset=asset, total=ZERO, free=ZERO, locked=ZERO) if held is None else held

    def balances(self, *, allow_stale: bool = False) -> tuple[Balance, ...]:
        """Return what is held, sorted by asset."""
        self._check(allow_stale)
        return tuple(held for _, held in sorted(self._balances.items()) if _is_held(held))

    def position(
        self, instrument: Instrument, side: PositionSide | None = None, *, allow_stale: bool = False
    ) -> Position | None:
        """Return a position, None where it is flat.

        Args:
            instrument: Which.
            side: Which of its positions; None in one-way mode.
            allow_stale: Read it even if it is not in sync.
        """
        self._check(allow_stale)
        return self._positions.get((instrument, side or PositionSide.BOTH))

    def positions(
        self, instrument: Instrument | None = None, *, allow_stale: bool = False
    ) -> tuple[Position, ...]:
        """Return the positions that are not flat, sorted by symbol and side."""
        self._check(allow_stale)
        found = sorted(self._positions.items(), key=lambda item: (item[0][0].symbol, item[0][1].value))
        return tuple(each for key, each in found if instrument is None or key[0] == instrument)

    def order(
        self,
        client_order_id: str = "",
        *,
        instrument: Instrument | None = None,
        order_id: str = "",
        algo_id: str = "",
        allow_stale: bool = False,
    ) -> Order | None:
        """Return what is known of an order, by any of its ids; None where it is not known.

        Finished orders are kept for a while. The venue's own ids need the instrument: they are unique only
        there.
        """
        self._check(allow_stale)
        if instrument is None:
            return self.tracker.by_client_id(client_order_id)
        return self.tracker.get(
            instrument, client_order_id=client_order_id, order_id=order_id, algo_id=algo_id
        )

    def open_orders(
        self, instrument: Instrument | None = None, *, allow_stale: bool = False
    ) -> tuple[Order, ...]:
        """Return the orders that may still be filled, unknown ones too, oldest first."""
        self._check(allow_stale)
        return self.tracker.open_orders(instrument)

    def peek(self, now_ns: int | None = None) -> AccountSnapshot:
        """Return all of it as it is known, in sync or not; see `synced` and `stale_reason`."""
        return AccountSnapshot(
            exchange=self.exchange,
            account=self.account,
            time_exchange=None,
            time_received=(self.synced_ns or 0) if now_ns is None else now_ns,
            balances=self.balances(allow_stale=True),
            positions=self.positions(allow_stale=True),
            open_orders=self.open_orders(allow_stale=True),
            can_trade=self.can_trade,
            position_mode=self.position_mode,
            multi_assets=self.multi_assets,
            account_type=self.account_type,
        )

    def _check(self, allow_stale: bool) -> None:  # noqa: FBT001 - handed on from a keyword
        if not (self.synced or allow_stale):
            raise NotSynced(f"account {self.account!r} is not in sync: {self.stale_reason}")

    # What its reader does.

    def lose_sync(self, reason: str, now_ns: int) -> list[AccountEvent]:
        """Note that what is known may be wrong from here on; return what is to be told, once."""
        if not self.synced:
            return []
        self.synced, self.stale_reason, self.stale_since_ns = False, reason, now_ns
        return [OutOfSync(self.exchange, self.account, None, now_ns, reason=reason)]

    def in_sync(self, now_ns: int, *, history_ns: int | None = None) -> None:
        """Note that all of it is right from here on; see `OrderTracker.followed`."""
        self.synced, self.stale_reason, self.stale_since_ns = True, "", None
        self.synced_ns = now_ns
        self.tracker.followed(now_ns, history_ns=history_ns)

    def apply(self, event: AccountEvent, *, late: bool = False) -> list[AccountEvent]:
        """Join an event to what is known, and return what a user is to be told of it.

        That is nothing where it is no news. Events that change nothing here come back as they are.

        Args:
            event: The event.
            late: Whether it came before facts that are known already: then it is the older one even if the
                venue's times are the same.
        """
        if isinstance(event, TradeUpdate):
            if self.tracker.is_news(event):
                self.ledger.fill(event)
            return self.tracker.apply(event)
        if isinstance(event, (OrderUpdate, TradeNotice)):
            return self.tracker.apply(event, late=late)
        if isinstance(event, BalanceUpdate):
            return self._take_balance(event, late=late)
        if isinstance(event, PositionUpdate):
            return self._take_position(event, late=late)
        if isinstance(event, TOLD_ONCE) and not self._is_first(event):
            return []
        if isinstance(event, (TransferUpdate, FundingUpdate)) and event.amount is not None:
            at = event.time_received if event.time_exchange is None else event.time_exchange
            self.ledger.pay(event.asset, event.amount, at, late=late)
        if isinstance(event, AccountConfigUpdate):
            self._take_config(event)
        return [event]

    def load(self, snapshot: AccountSnapshot) -> list[AccountEvent]:
        """Take balances, positions and settings of a snapshot; return what has changed by it.

        What it does not name is not held any more. Its orders are left to the tracker.
        """
        for name in ("position_mode", "multi_assets", "can_trade"):
            if (value := getattr(snapshot, name)) is not None:
                setattr(self, name, value)
        self.account_type = snapshot.account_type or self.account_type
        events: list[AccountEvent] = []
        for update in self._balance_updates(snapshot):
            events += self._take_balance(update)
        for change in self._position_updates(snapshot):
            events += self._take_position(change)
        self.ledger.open(snapshot.time_exchange)
        return events

    # Inside.

    def _balance_updates(self, snapshot: AccountSnapshot) -> list[BalanceUpdate]:
        named = {balance.asset for balance in snapshot.balances}
        gone = [
            Balance(
                asset=asset,
                total=ZERO,
                free=ZERO,
                locked=ZERO,
                updated_ns=later_of(held.updated_ns, newest_of(snapshot)),
            )
            for asset, held in self._balances.items()
            if asset not in named and _is_held(held)
        ]
        return [
            BalanceUpdate(
                snapshot.exchange,
                snapshot.account,
                snapshot.time_exchange if balance.updated_ns is None else balance.updated_ns,
                snapshot.time_received,
                balance=balance,
                recovered=True,
            )
            for balance in (*snapshot.balances, *gone)
        ]

    def _position_updates(self, snapshot: AccountSnapshot) -> list[PositionUpdate]:
        named = {(position.instrument, position.side) for position in snapshot.positions}
        gone = [
            Position(
                instrument=key[0],
                side=key[1],
                quantity=ZERO,
                updated_ns=later_of(held.updated_ns, newest_of(snapshot)),
            )
            for key, held in self._positions.items()
            if key not in named
        ]
        return [
            PositionUpdate(
                snapshot.exchange,
                snapshot.account,
                snapshot.time_exchange if position.updated_ns is None else position.updated_ns,
                snapshot.time_received,
                position=position,
                recovered=True,
            )
            for position in (*snapshot.positions, *gone)
        ]

    def _take_balance(self, event: BalanceUpdate, *, late: bool = False) -> list[AccountEvent]:
        said = event.balance
        time_ns = event.time_exchange if said.updated_ns is None else said.updated_ns
        held = self._balances.get(said.asset)
        if late and held is not None and held.updated_ns == time_ns:
            return []
        balance = merged_balance(held, said, time_ns)
        if balance is None:
            return []
        self._balances[said.asset] = balance
        self.ledger.hold(said.asset, said.total, time_ns)
        if not event.change and _same_balance(held, balance):
            return []
        return [msgspec.structs.replace(event, balance=balance)]

    def _take_position(self, event: PositionUpdate, *, late: bool = False) -> list[AccountEvent]:
        said = event.position
        time_ns = event.time_exchange if said.updated_ns is None else said.updated_ns
        key = (said.instrument, said.side)
        held = self._positions.get(key)
        newest = self.ledger.time_of(key)
        if newest is not None and time_ns is not None and (time_ns < newest or (late and time_ns == newest)):
            return []
        position = merged_position(held, said, time_ns)
        self.ledger.hold(key, said.quantity, time_ns)
        if said.quantity:
            self._positions[key] = position
        else:
            self._positions.pop(key, None)
            if held is None:
                return []
        if held is not None and msgspec.structs.replace(held, updated_ns=position.updated_ns) == position:
            return []
        return [msgspec.structs.replace(event, position=position)]

    def _take_config(self, event: AccountConfigUpdate) -> None:
        if event.multi_assets is not None:
            self.multi_assets = event.multi_assets
        if event.instrument is not None and event.leverage is not None:
            for key, held in self._positions.items():
                if key[0] == event.instrument:
                    self._positions[key] = msgspec.structs.replace(held, leverage=event.leverage)

    def _is_first(self, event: AccountEvent) -> bool:
        """Tell whether an event that is told once was not told yet; one without a time is always told."""
        if getattr(event, "time_exchange", None) is None:
            return True
        key = msgspec.structs.replace(event, time_received=0)
        if key in self._once:
            return False
        self._once[key] = None
        if len(self._once) > ONCE:
            del self._once[next(iter(self._once))]
        return True

    def __repr__(self) -> str:
        """Show whose it is, and whether it may be read."""
        state = "in sync" if self.synced else f"not in sync: {self.stale_reason}"
        return (
            f"AccountView({self.exchange.value}, {self.account!r}, {state}, "
            f"{len(self.balances(allow_stale=True))} balances, {len(self._positions)} positions, "
            f"{len(self.tracker.open_orders())} open orders)"
        )


def _is_held(balance: Balance) -> bool:
    figures = (balance.total, balance.free, balance.locked, balance.unrealized_profit, balance.cross_wallet)
    return any(figures)


def _same_balance(held: Balance | None, balance: Balance) -> bool:
    if held is None:
        return not _is_held(balance)
    return msgspec.structs.replace(held, updated_ns=balance.updated_ns) == balance
