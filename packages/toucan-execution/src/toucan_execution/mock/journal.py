"""What happened in one call of the engine, as events for each account."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import msgspec

from toucan_execution.account import Balance, Position
from toucan_execution.events import (
    AccountEvent,
    BalanceUpdate,
    OrderListUpdate,
    OrderUpdate,
    PositionUpdate,
    TradeUpdate,
)
from toucan_execution.mock.amounts import ZERO, exact, half_even, subtract, worth
from toucan_execution.mock.book import BookSide
from toucan_execution.mock.margin import margins_of
from toucan_execution.mock.positions import Holding
from toucan_execution.mock.results import DepthChange, MarketTrade
from toucan_execution.mock.state import Account, Market, State
from toucan_execution.mock.working import WorkingList, WorkingOrder
from toucan_execution.orders import OrderOrigin, OrderStatus
from toucan_instrument import Side

__all__ = ["Journal", "balance_of", "position_of"]

Shown = tuple[tuple[Decimal, Decimal], ...]


class _Touched(msgspec.Struct):
    reason: str
    change: Decimal | None = None


class Journal:
    """Collects the events of a call, and hands them on at its end.

    Orders and fills come in the order in which they happened; balances and positions follow, once each, as
    they are then.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._events: dict[str, list[AccountEvent]] = {}
        self._balances: dict[tuple[str, str], _Touched] = {}
        self._positions: dict[tuple[str, Holding], str] = {}
        self._public: list[MarketTrade] = []
        self._listeners: dict[str, list[Callable[[list[AccountEvent]], None]]] = {}
        self._public_listeners: list[Callable[[list[MarketTrade]], None]] = []
        self._book_listeners: list[Callable[[list[DepthChange]], None]] = []
        self._looked: list[BookSide] = []
        self._shown: dict[BookSide, dict[Decimal, Decimal]] = {}
        self._market_of: dict[BookSide, Market] = {}

    def listen(self, account: str, listener: Callable[[list[AccountEvent]], None]) -> Callable[[], None]:
        """Hand an account's events to a listener from now on; call the result to end that."""
        listeners = self._listeners.setdefault(account, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener) if listener in listeners else None

    def listen_public(self, listener: Callable[[list[MarketTrade]], None]) -> Callable[[], None]:
        """Hand all trades to a listener from now on; call the result to end that."""
        listeners = self._public_listeners
        listeners.append(listener)
        return lambda: listeners.remove(listener) if listener in listeners else None

    def listen_books(self, listener: Callable[[list[DepthChange]], None]) -> Callable[[], None]:
        """Hand the changes of all books to a listener from now on; call the result to end that."""
        listeners = self._book_listeners
        listeners.append(listener)
        for market in self._state.markets.values():
            self.watch(market)
        return lambda: listeners.remove(listener) if listener in listeners else None

    def tell(self, account: Account, event: AccountEvent) -> None:
        """Add an event."""
        self._events.setdefault(account.name, []).append(event)

    def order(self, order: WorkingOrder, execution: str, previous: OrderStatus | None) -> None:
        """Note that an order has changed."""
        state = self._state
        order.updated_ns = state.now_ns
        self.tell(
            order.account,
            OrderUpdate(
                exchange=state.exchange,
                account=order.account.name,
                time_exchange=state.now_ns,
                time_received=state.now_ns,
                order=order.view(),
                origin=OrderOrigin.FOREIGN,
                execution=execution,
                previous=previous,
            ),
        )

    def fill(self, trade: TradeUpdate, account: Account) -> None:
        """Note a fill."""
        account.trades.append(trade)
        self.tell(account, trade)

    def public(self, trade: MarketTrade) -> None:
        """Note a trade for everybody."""
        self._public.append(trade)

    def order_list(self, listed: WorkingList) -> None:
        """Note that a list has changed."""
        state = self._state
        listed.updated_ns = state.now_ns
        account = listed.orders[0].account
        self.tell(
            account,
            OrderListUpdate(
                exchange=state.exchange,
                account=account.name,
                time_exchange=state.now_ns,
                time_received=state.now_ns,
                order_list=listed.view(),
            ),
        )

    def balance(self, account: Account, asset: str, reason: str, change: Decimal | None = None) -> None:
        """Note that a balance has changed."""
        account.updated_ns[asset] = self._state.now_ns
        self._balances[account.name, asset] = _Touched(reason, change)

    def position(self, account: Account, holding: Holding, reason: str) -> None:
        """Note that a position has changed."""
        holding.updated_ns = self._state.now_ns
        self._positions[account.name, holding] = reason

    def fills_of(self, order: WorkingOrder) -> tuple[TradeUpdate, ...]:
        """Return the fills of an order in this call."""
        wanted = str(order.order_id)
        return tuple(
            event
            for event in self._events.get(order.account.name, ())
            if isinstance(event, TradeUpdate)
            and event.order_id == wanted
            and event.instrument == order.market.instrument
        )

    def flush(self) -> None:
        """Hand everything on."""
        self._add_balances()
        self._add_positions()
        events, self._events = self._events, {}
        public, self._public = self._public, []
        for name, batch in events.items():
            for listener in list(self._listeners.get(name, ())):
                listener(batch)
        if public:
            for hear in list(self._public_listeners):
                hear(public)
        if self._looked and (changes := self._book_changes()):
            for hear_books in list(self._book_listeners):
                hear_books(changes)

    def watch(self, market: Market) -> None:
        """Look at the book of a market, if anybody listens; harmless to repeat."""
        for side in (market.book.bids, market.book.asks) if self._book_listeners else ():
            if side.look is None:
                side.look = self._looked
                self._shown[side], self._market_of[side] = {}, market
                for price in side.levels:
                    side.touch(price)

    def _book_changes(self) -> list[DepthChange]:
        changed: dict[Market, dict[Side, Shown]] = {}
        for side in self._looked:
            if levels := self._changed(side):
                changed.setdefault(self._market_of[side], {})[side.side] = levels
        self._looked.clear()
        return [
            DepthChange(
                instrument=market.instrument,
                bids=sides.get(Side.BUY, ()),
                asks=sides.get(Side.SELL, ()),
                time_ns=self._state.now_ns,
            )
            for market, sides in changed.items()
        ]

    def _changed(self, side: BookSide) -> Shown:
        """Return what can be seen at the prices where that has changed since the last time."""
        shown, changed = self._shown[side], []
        for price in sorted(side.touched, reverse=side.side is Side.BUY):
            quantity = side.shown_at(price)
            if shown.get(price, ZERO) == quantity:
                continue
            changed.append((price, quantity))
            if quantity:
                shown[price] = quantity
            else:
                del shown[price]
        side.touched.clear()
        return tuple(changed)

    def _add_balances(self) -> None:
        state = self._state
        touched, self._balances = self._balances, {}
        for (name, asset), why in touched.items():
            account = state.account(name)
            self.tell(
                account,
                BalanceUpdate(
                    exchange=state.exchange,
                    account=name,
                    time_exchange=state.now_ns,
                    time_received=state.now_ns,
                    balance=balance_of(state, account, asset),
                    reason=why.reason,
                    change=why.change,
                ),
            )

    def _add_positions(self) -> None:
        state = self._state
        touched, self._positions = self._positions, {}
        for (name, holding), reason in touched.items():
            account = state.account(name)
            self.tell(
                account,
                PositionUpdate(
                    exchange=state.exchange,
                    account=name,
                    time_exchange=state.now_ns,
                    time_received=state.now_ns,
                    position=position_of(state, account, holding),
                    reason=reason,
                ),
            )


def balance_of(state: State, account: Account, asset: str) -> Balance:
    """Return what an account holds of an asset."""
    total = account.holds(asset)
    updated = account.updated_ns.get(asset)
    if state.settings.spot:
        locked = account.locked.get(asset, ZERO)
        return Balance(
            asset=asset, total=total, free=subtract(total, locked), locked=locked, updated_ns=updated
        )
    margins = margins_of(state, account, asset)
    return Balance(
        asset=asset,
        total=total,
        free=margins.available,
        locked=margins.initial,
        unrealized_profit=margins.unrealized,
        cross_wallet=margins.cross_wallet,
        updated_ns=updated,
    )


def position_of(state: State, account: Account, holding: Holding) -> Position:
    """Return a position as a frozen value."""
    market = state.market(holding.instrument)
    instrument, mark = market.instrument, market.mark
    value = worth(instrument, holding.quantity, mark) if mark else Fraction(0)
    return Position(
        instrument=instrument,
        side=holding.side,
        quantity=holding.quantity,
        entry_price=holding.entry_price,
        mark_price=mark,
        unrealized_profit=holding.unrealized(mark),
        realized_profit=holding.realized,
        leverage=account.leverage_of(instrument),
        margin_type=account.margin_type(instrument),
        isolated_margin=holding.isolated,
        notional=half_even(value, market.digits) if instrument.inverse else exact(value),
        margin_asset=market.settle,
        updated_ns=holding.updated_ns,
    )
