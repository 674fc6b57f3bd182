"""The paper exchange itself: pure, without a clock, a socket or chance. Every call says what time it is.

An engine plays one market with any number of accounts that trade with one another and against a fed book. A
call first lets expire what was due, then does what it is asked, then what that leads to; at its end the
listeners of each account hear what has happened, in order. Nothing is half done: a request is checked, down
to the fills that it is about to have, before anything is changed.

What a request cannot mean raises `InvalidInput`; what rules, market or account forbid is a `Refused`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from toucan_execution.account import (
    AccountSnapshot,
    Balance,
    Commission,
    Income,
    LeverageBracket,
    LeverageSetting,
    Position,
    PositionMode,
)
from toucan_execution.events import TradeUpdate
from toucan_execution.mock.amounts import ZERO, add
from toucan_execution.mock.checks import rules_broken
from toucan_execution.mock.core import EngineCore
from toucan_execution.mock.dealing import Dealing, find_list
from toucan_execution.mock.feeds import Feeds, Levels
from toucan_execution.mock.results import Refused, Result
from toucan_execution.mock.settings import EngineSettings
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    Order,
    OrderList,
    OrderListRequest,
    OrderRequest,
)
from toucan_instrument import Exchange, Instrument, Side, Violation

__all__ = ["Engine"]

Shown = tuple[tuple[Decimal, Decimal], ...]


class Engine(EngineCore):
    """A paper exchange.

    Args:
        exchange: Which market it plays.
        instruments: What is traded, with its rules.
        settings: How it behaves; None for what is usual on that market.
        now_ns: What time it is at first, nanoseconds since the epoch.

    Raises:
        InvalidInput: An instrument is of another market.
    """

    def __init__(
        self,
        exchange: Exchange,
        instruments: Iterable[Instrument] = (),
        *,
        settings: EngineSettings | None = None,
        now_ns: int = 0,
    ) -> None:
        super().__init__(exchange, instruments, settings=settings, now_ns=now_ns)
        self._dealing = Dealing(self._state, self._journal, self._settling, self._desk)
        self._feeds = Feeds(self._desk)

    # Prices from outside.

    def feed_book(self, instrument: Instrument, bids: Levels, asks: Levels, now_ns: int) -> None:
        """Set the market outside: all its levels, as ``(price, quantity)``, in any order.

        Raises:
            InvalidInput: A number is none, or not above zero; the book is crossed.
        """
        with self._step(now_ns):
            self._feeds.book(self._state.market(instrument), bids, asks, whole=True)

    def feed_changes(self, instrument: Instrument, bids: Levels, asks: Levels, now_ns: int) -> None:
        """Change levels of the market outside; a quantity of zero takes one away.

        Raises:
            InvalidInput: A number is none, or below zero; the book would be crossed.
        """
        with self._step(now_ns):
            self._feeds.book(self._state.market(instrument), bids, asks, whole=False)

    def feed_top(
        self,
        instrument: Instrument,
        bid: tuple[Decimal, Decimal] | None,
        ask: tuple[Decimal, Decimal] | None,
        now_ns: int,
    ) -> None:
        """Set the market outside to one level a side, or to none."""
        self.feed_book(instrument, [bid] if bid else [], [ask] if ask else [], now_ns)

    def feed_trade(
        self, instrument: Instrument, price: Decimal, quantity: Decimal, aggressor: Side, now_ns: int
    ) -> None:
        """Let the market outside trade: it fills the resting orders that it has come to.

        Raises:
            InvalidInput: A number is none, or not above zero.
        """
        with self._step(now_ns):
            self._feeds.trade(self._state.market(instrument), price, quantity, aggressor)

    def feed_mark(self, instrument: Instrument, price: Decimal, now_ns: int) -> None:
        """Set the mark price.

        Raises:
            InvalidInput: It is no price.
        """
        with self._step(now_ns):
            self._feeds.mark(self._state.market(instrument), price)

    # Orders.

    def place(self, name: str, request: OrderRequest, now_ns: int) -> Result:
        """Place an order.

        Raises:
            InvalidInput: Which field is wrong, missing or not to be there.
        """
        return self._do(now_ns, lambda: self._dealing.place(self._state.account(name), request))

    def test(self, name: str, request: OrderRequest, now_ns: int) -> Result:
        """Check an order without placing it.

        Raises:
            InvalidInput: Which field is wrong, missing or not to be there.
        """
        return self._do(now_ns, lambda: self._dealing.test(self._state.account(name), request))

    def broken_rules(self, request: OrderRequest) -> tuple[Violation, ...]:
        """Return the trading rules that an order would break now."""
        return rules_broken(self._state.market(request.instrument), request)

    def amend(self, name: str, request: AmendRequest, now_ns: int) -> Result:
        """Change an open order.

        Raises:
            InvalidInput: Which field is wrong or missing.
        """
        return self._do(now_ns, lambda: self._dealing.amend(self._state.account(name), request))

    def cancel(self, name: str, request: CancelRequest, now_ns: int) -> Result:
        """Cancel an order, and the list that it belongs to."""
        return self._do(now_ns, lambda: self._dealing.cancel(self._state.account(name), request))

    def cancel_all(self, name: str, instrument: Instrument, now_ns: int) -> tuple[Order, ...]:
        """Cancel all open orders of an account in an instrument; return them."""
        with self._step(now_ns):
            ended = self._dealing.cancel_all(self._state.account(name), self._state.market(instrument))
        return tuple(order.view() for order in ended)

    def cancel_replace(
        self, name: str, request: CancelReplaceRequest, now_ns: int
    ) -> tuple[Result, Result | None]:
        """Cancel an order and place another (spot); None for what was not attempted."""
        account = self._state.account(name)
        self._dealing.check_replace(request)
        cancelled = self._do(now_ns, lambda: self._dealing.cancel(account, request.cancel))
        if isinstance(cancelled, Refused) and request.stop_on_failure:
            return cancelled, None
        return cancelled, self._do(now_ns, lambda: self._dealing.place(account, request.place))

    def place_list(self, name: str, request: OrderListRequest, now_ns: int) -> Result:
        """Place a list of orders (spot).

        Raises:
            InvalidInput: Which field is wrong, missing or not to be there.
        """
        return self._do(now_ns, lambda: self._dealing.place_list(self._state.account(name), request))

    def cancel_list(
        self, name: str, instrument: Instrument, now_ns: int, *, list_id: str = "", client_list_id: str = ""
    ) -> Result:
        """Cancel all orders of a list (spot)."""
        account = self._state.account(name)
        return self._do(
            now_ns, lambda: self._dealing.cancel_list(account, instrument, list_id, client_list_id)
        )

    # Reading.

    def last_price(self, instrument: Instrument) -> Decimal | None:
        """Return the last price, None before the first trade."""
        return self._state.market(instrument).last

    def mark_price(self, instrument: Instrument) -> Decimal | None:
        """Return the mark price: as it was fed, else the last, else the middle of the book."""
        return self._state.market(instrument).mark

    def open_interest(self, instrument: Instrument) -> Decimal:
        """Return how much of a derivative the accounts hold long."""
        total = ZERO
        for account in self._state.accounts.values():
            for (held, _), holding in account.holdings.items():
                if held == instrument and holding.quantity > 0:
                    total = add(total, holding.quantity)
        return total

    def depth(self, instrument: Instrument, levels: int | None = None) -> tuple[Shown, Shown]:
        """Return what can be seen of the book: bids and asks as ``(price, quantity)``, best first."""
        book = self._state.market(instrument).book
        return book.bids.shown(levels), book.asks.shown(levels)

    def snapshot(self, name: str) -> AccountSnapshot:
        """Return all of an account: balances, positions, open orders."""
        return self._accounting.snapshot(self._state.account(name))

    def balances(self, name: str) -> tuple[Balance, ...]:
        """Return what an account holds."""
        return self._accounting.balances(self._state.account(name))

    def positions(self, name: str, instrument: Instrument | None = None) -> tuple[Position, ...]:
        """Return an account's positions that are not flat."""
        return self._accounting.positions(self._state.account(name), instrument)

    def leverage(self, name: str, instrument: Instrument) -> LeverageSetting:
        """Return leverage and margin type of an instrument, and how large a position they allow."""
        return self._accounting.leverage(self._state.account(name), self._state.market(instrument))

    def position_mode(self, name: str) -> PositionMode:
        """Return whether an account has one position of an instrument or one for each side."""
        return self._state.account(name).mode

    def open_orders(self, name: str, instrument: Instrument | None = None) -> tuple[Order, ...]:
        """Return an account's open orders, oldest first."""
        orders = self._state.account(name).open.values()
        return tuple(each.view() for each in orders if instrument in (None, each.market.instrument))

    def order(
        self,
        name: str,
        instrument: Instrument,
        *,
        client_order_id: str = "",
        order_id: str = "",
        conditional: bool | None = None,
    ) -> Order | None:
        """Return an order by either of its ids, None where none is known."""
        account = self._state.account(name)
        found = account.find(
            instrument, client_order_id=client_order_id, order_id=order_id, conditional=conditional
        )
        return found.view() if found else None

    def orders(self, name: str, instrument: Instrument, since_ns: int, until_ns: int) -> tuple[Order, ...]:
        """Return the orders of an account that were made in a window of time, oldest first."""
        return tuple(
            order.view()
            for order in self._state.account(name).orders()
            if order.market.instrument == instrument and since_ns <= order.created_ns <= until_ns
        )

    def trades(
        self, name: str, instrument: Instrument, since_ns: int, until_ns: int
    ) -> tuple[TradeUpdate, ...]:
        """Return the fills of an account in a window of time, oldest first."""
        return tuple(
            trade
            for trade in self._state.account(name).trades
            if trade.instrument == instrument and since_ns <= (trade.time_exchange or 0) <= until_ns
        )

    def income(self, name: str, since_ns: int, until_ns: int) -> tuple[Income, ...]:
        """Return the lines of a futures account's ledger in a window of time, oldest first."""
        lines = self._state.account(name).income
        return tuple(line for line in lines if since_ns <= line.time_exchange <= until_ns)

    def commission(self, name: str, instrument: Instrument) -> Commission:
        """Return what trading an instrument costs an account."""
        return self._accounting.commission(self._state.account(name), self._state.market(instrument))

    def brackets(self, instrument: Instrument | None = None) -> tuple[LeverageBracket, ...]:
        """Return how much leverage positions of which size may have."""
        return self._accounting.brackets(instrument)

    def order_list(
        self, name: str, instrument: Instrument, *, list_id: str = "", client_list_id: str = ""
    ) -> OrderList | None:
        """Return a list of orders by either of its ids, None where none is known."""
        found = find_list(self._state.account(name).lists.values(), instrument, list_id, client_list_id)
        return found.view(orders=True) if found else None

    def open_order_lists(self, name: str) -> tuple[OrderList, ...]:
        """Return the lists of an account that are open, oldest first."""
        lists = self._state.account(name).lists.values()
        return tuple(each.view(orders=True) for each in lists if each.open)
