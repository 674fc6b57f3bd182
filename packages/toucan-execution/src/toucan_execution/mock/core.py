"""The engine's core: time, instruments, accounts and what they are set to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TypeVar

from toucan_execution.account import LeverageSetting, MarginType, PositionMode
from toucan_execution.events import AccountEvent
from toucan_execution.mock.accounting import Accounting
from toucan_execution.mock.desk import Desk
from toucan_execution.mock.journal import Journal
from toucan_execution.mock.ledger import Ledger
from toucan_execution.mock.results import DepthChange, Done, MarketTrade, Refusal, Refused, Result
from toucan_execution.mock.settings import EngineSettings, FeeSchedule
from toucan_execution.mock.settling import Settling
from toucan_execution.mock.state import Account, Market, State
from toucan_execution.orders import PositionSide
from toucan_instrument import Exchange, Instrument, InstrumentStatus
from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput

__all__ = ["EngineCore"]

T = TypeVar("T")


class EngineCore:
    """A paper exchange, without its orders and prices.

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
        self.settings: EngineSettings = settings or EngineSettings.for_market(exchange)
        self._state = State(exchange, self.settings, now_ns)
        self._journal = Journal(self._state)
        settling = Settling(self._state, self._journal)
        self._desk = Desk(self._state, self._journal, settling)
        self._settling = settling
        self._accounting = Accounting(self._state, self._journal, settling)
        for instrument in instruments:
            self.add_instrument(instrument)

    # Time.

    @property
    def exchange(self) -> Exchange:
        """Which market it plays."""
        return self._state.exchange

    @property
    def now_ns(self) -> int:
        """The time of the last call, nanoseconds since the epoch."""
        return self._state.now_ns

    @property
    def next_expiry_ns(self) -> int | None:
        """When the next order expires, None if none does."""
        return self._desk.next_expiry()

    def advance(self, now_ns: int) -> None:
        """Let time pass: what was due by then expires.

        Raises:
            InvalidInput: Time would go back.
        """
        with self._step(now_ns):
            pass

    @contextmanager
    def _step(self, now_ns: int) -> Iterator[None]:
        state = self._state
        if now_ns < state.now_ns:
            raise InvalidInput(
                "time never goes back", field="now_ns", value=now_ns, accepted=f"{state.now_ns} on"
            )
        try:
            while (due := self._desk.next_expiry()) is not None and due <= now_ns:
                state.now_ns = max(due, state.now_ns)
                self._desk.expire(state.now_ns)
                self._desk.run_later()
            state.now_ns = now_ns
            yield
            self._desk.run_later()
        finally:
            self._journal.flush()

    # Markets and accounts.

    def add_instrument(self, instrument: Instrument) -> None:
        """Let an instrument be traded, from now on or by new rules.

        Raises:
            InvalidInput: It is of another market.
        """
        if instrument.exchange is not self._state.exchange:
            raise InvalidInput(
                "of another market", field="instrument", value=instrument, accepted=self._state.exchange.value
            )
        fresh = Market(instrument, self.settings)
        known = self._state.markets.setdefault(instrument, fresh)
        self._journal.watch(known)
        known.instrument, known.rules, known.status = fresh.instrument, fresh.rules, fresh.status

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What is traded."""
        return tuple(market.instrument for market in self._state.markets.values())

    def set_status(self, instrument: Instrument, status: InstrumentStatus, now_ns: int) -> None:
        """Open or halt an instrument: while it is not trading, orders can only be cancelled."""
        with self._step(now_ns):
            self._state.market(instrument).status = status

    def open_account(
        self, name: str, *, fees: FeeSchedule | None = None, mode: PositionMode = PositionMode.ONE_WAY
    ) -> None:
        """Open an account.

        Raises:
            InvalidInput: There is one of that name, or it is one of the exchange's own.
        """
        if not name or name.startswith("@") or name in self._state.accounts:
            raise InvalidInput("taken, or not a name", field="account", value=name)
        account = self._state.accounts[name] = Account(name, self.settings, self._state.ledger)
        account.mode = mode
        account.fees = fees or self.settings.fees

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the accounts."""
        return tuple(self._state.accounts)

    @property
    def ledger(self) -> Ledger:
        """Who holds how much of what; to be read."""
        return self._state.ledger

    def set_fees(self, name: str, fees: FeeSchedule, instrument: Instrument | None = None) -> None:
        """Set what trading costs an account, everything or one instrument.

        Raises:
            InvalidInput: It has open orders: they have locked what they may cost.
        """
        account = self._state.account(name)
        if account.open:
            raise InvalidInput("not while orders are open", field="fees", value=fees)
        if instrument is None:
            account.fees = fees
        else:
            account.instrument_fees[instrument] = fees

    def set_can_trade(self, name: str, *, allowed: bool) -> None:
        """Set whether orders are taken from an account."""
        self._state.account(name).can_trade = allowed

    def listen(self, name: str, listener: Callable[[list[AccountEvent]], None]) -> Callable[[], None]:
        """Hand the events of each call to a listener, as one list; call the result to end that.

        A listener must not call the engine.
        """
        return self._journal.listen(self._state.account(name).name, listener)

    def listen_public(self, listener: Callable[[list[MarketTrade]], None]) -> Callable[[], None]:
        """Hand the trades of each call to a listener, as one list; call the result to end that."""
        return self._journal.listen_public(listener)

    def listen_books(self, listener: Callable[[list[DepthChange]], None]) -> Callable[[], None]:
        """Hand the changes of all books in each call to a listener; call the result to end that.

        The first list holds all that there is. A listener must not call the engine, but may read it.
        """
        return self._journal.listen_books(listener)

    # Money.

    def deposit(
        self, name: str, asset: str, amount: Decimal, now_ns: int, *, reason: str = "DEPOSIT"
    ) -> None:
        """Pay into an account from outside.

        Raises:
            InvalidInput: The amount is not above zero.
        """
        amount = _above_zero(amount)
        with self._step(now_ns):
            self._accounting.pay(self._state.account(name), asset, amount, reason)

    def withdraw(
        self, name: str, asset: str, amount: Decimal, now_ns: int, *, reason: str = "WITHDRAW"
    ) -> Refused | None:
        """Pay out of an account; return why not, where so much is not free.

        Raises:
            InvalidInput: The amount is not above zero.
        """
        negative = _above_zero(amount).copy_negate()
        account = self._state.account(name)
        return self._attempt(now_ns, lambda: self._accounting.pay(account, asset, negative, reason))

    def transfer(self, source: str, target: str, asset: str, amount: Decimal, now_ns: int) -> Refused | None:
        """Move an amount from one account to another; return why not, where so much is not free.

        Raises:
            InvalidInput: The amount is not above zero.
        """
        accounts = self._state.account(source), self._state.account(target)
        return self._attempt(now_ns, lambda: self._accounting.transfer(*accounts, asset, amount))

    # Derivatives.

    def set_leverage(
        self, name: str, instrument: Instrument, leverage: int, now_ns: int
    ) -> LeverageSetting | Refused:
        """Set the leverage of an instrument."""
        self._derivatives_only()
        account, market = self._state.account(name), self._state.market(instrument)
        return self._attempt(now_ns, lambda: self._accounting.set_leverage(account, market, leverage))

    def set_margin_type(
        self, name: str, instrument: Instrument, margin_type: MarginType, now_ns: int
    ) -> bool | Refused:
        """Set cross or isolated margin; return whether that changed anything."""
        self._derivatives_only()
        account, market = self._state.account(name), self._state.market(instrument)
        return self._attempt(now_ns, lambda: self._accounting.set_margin_type(account, market, margin_type))

    def set_position_mode(self, name: str, mode: PositionMode, now_ns: int) -> bool | Refused:
        """Set one-way or hedge mode; return whether that changed anything."""
        self._derivatives_only()
        account = self._state.account(name)
        return self._attempt(now_ns, lambda: self._accounting.set_mode(account, mode))

    def change_isolated_margin(
        self, name: str, instrument: Instrument, side: PositionSide, amount: Decimal, now_ns: int
    ) -> Refused | None:
        """Add to the margin of an isolated position, or take from it where the amount is below zero."""
        self._derivatives_only()
        account, market = self._state.account(name), self._state.market(instrument)
        return self._attempt(now_ns, lambda: self._accounting.change_isolated(account, market, side, amount))

    def fund(
        self, instrument: Instrument, rate: Decimal, now_ns: int, *, mark: Decimal | None = None
    ) -> None:
        """Let all positions of an instrument pay funding.

        Args:
            instrument: Of which.
            rate: The part of a position's worth that long ones pay to short ones; below zero the reverse.
            now_ns: What time it is.
            mark: The price that the worth goes by, None for the mark price.

        Raises:
            InvalidInput: There is no mark price, or nothing to fund on this market.
        """
        self._derivatives_only()
        market = self._state.market(instrument)
        price = mark or market.mark
        if price is None:
            raise InvalidInput("there is no mark price", field="mark", value=mark)
        rate, price = decimal_of(rate, field="rate"), decimal_of(price, field="mark")
        with self._step(now_ns):
            self._accounting.fund(market, rate, price)

    def _derivatives_only(self) -> None:
        if self.settings.spot:
            raise InvalidInput("spot has none of that", field="exchange", value=self._state.exchange.value)

    # Inside.

    def _do(self, now_ns: int, act: Callable[[], Callable[[], Done]]) -> Result:
        """Do something, then what it leads to; describe it after both."""
        try:
            with self._step(now_ns):
                describe = act()
                self._desk.run_later()
                done = describe()
        except Refusal as refusal:
            return refusal.refused
        return done

    def _attempt(self, now_ns: int, act: Callable[[], T]) -> T | Refused:
        """Do something that may be refused."""
        try:
            with self._step(now_ns):
                return act()
        except Refusal as refusal:
            return refusal.refused


def _above_zero(amount: Decimal) -> Decimal:
    amount = decimal_of(amount, field="amount")
    if amount <= 0:
        raise InvalidInput("must be above zero", field="amount", value=amount)
    return amount
