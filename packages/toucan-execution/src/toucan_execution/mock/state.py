"""What the engine knows: markets, accounts, and the orders of both."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from toucan_execution.account import Income, LeverageBracket, MarginType, PositionMode
from toucan_execution.events import TradeUpdate
from toucan_execution.mock.amounts import ZERO
from toucan_execution.mock.book import Book
from toucan_execution.mock.ledger import Ledger
from toucan_execution.mock.positions import Holding
from toucan_execution.mock.settings import EngineSettings, FeeSchedule
from toucan_execution.mock.working import WorkingList, WorkingOrder
from toucan_execution.orders import PositionSide
from toucan_instrument import Exchange, Instrument, InstrumentStatus, TradingRules
from toucan_instrument.errors import InvalidInput, UnknownSymbol

__all__ = ["Account", "Market", "State"]

NO_RULES = TradingRules()
WITHOUT_LIMIT = Decimal(10) ** 30


class Market:
    """An instrument that is traded.

    Attributes:
        instrument: Which.
        spot: Whether assets change hands.
        rules: Its trading rules; none where it has none.
        status: Whether it can be traded.
        book: Its orders and what is fed.
        last: The last price, None before the first trade.
        marked: The mark price that was fed, None where none was.
        waiting: Conditional orders that wait for their trigger, by number.
        settle: What gains and losses are paid in; of spot the quote asset.
        digits: How many decimals that asset's amounts have.
        brackets: The leverage that positions may have.
    """

    def __init__(self, instrument: Instrument, settings: EngineSettings) -> None:
        self.instrument = instrument
        self.spot: bool = settings.spot
        self.rules: TradingRules = instrument.rules or NO_RULES
        self.status: InstrumentStatus = instrument.status
        self.book: Book = Book()
        self.last: Decimal | None = None
        self.marked: Decimal | None = None
        self.waiting: dict[int, WorkingOrder] = {}
        self.settle: str = instrument.settle or (instrument.base if instrument.inverse else instrument.quote)
        self.digits: int = settings.digits_of(self.settle)
        self.brackets: tuple[LeverageBracket, ...] = settings.brackets.get(instrument) or (
            LeverageBracket(
                instrument=instrument,
                bracket=1,
                max_leverage=125,
                floor=ZERO,
                cap=WITHOUT_LIMIT,
                maintenance_margin=Decimal("0.004"),
                cumulative=ZERO,
            ),
        )
        self._orders = 0
        self._trades = 0

    @property
    def mark(self) -> Decimal | None:
        """The price by which positions are valued: the mark price, else the last, else the middle."""
        if self.marked is not None:
            return self.marked
        return self.last if self.last is not None else self.book.middle

    @property
    def is_trading(self) -> bool:
        """Whether orders are taken."""
        return self.status in (InstrumentStatus.TRADING, InstrumentStatus.UNKNOWN)

    def new_order_id(self) -> int:
        """Return the next number of an order: unique in this market."""
        self._orders += 1
        return self._orders

    def new_trade_id(self) -> int:
        """Return the next number of a trade: unique in this market."""
        self._trades += 1
        return self._trades


class Account:
    """Somebody who trades.

    Attributes:
        name: Whose events these are, and who holds what in the ledger.
        fees: What trading costs.
        instrument_fees: Where an instrument has its own.
        can_trade: Whether orders are taken from it.
        mode: One position of an instrument, or one for each side.
        leverage: By instrument; the default where there is none.
        isolated: The instruments whose positions have a margin of their own.
        locked: What open orders hold, by asset.
        holdings: Positions, by instrument and side.
        exposed: What open orders that may make a position larger are worth: buys and sells, likewise.
        open: Open orders, by number, oldest first.
        open_in: The same, by market.
        trades: The last fills, oldest first.
        income: The last lines of a futures account's ledger, oldest first.
        updated_ns: When a balance last changed, by asset.
    """

    def __init__(self, name: str, settings: EngineSettings, ledger: Ledger) -> None:
        self.name = name
        self.settings = settings
        self._ledger = ledger
        self.fees: FeeSchedule = settings.fees
        self.instrument_fees: dict[Instrument, FeeSchedule] = {}
        self.can_trade = True
        self.mode = PositionMode.ONE_WAY
        self.leverage: dict[Instrument, int] = {}
        self.isolated: set[Instrument] = set()
        self.locked: dict[str, Decimal] = {}
        self.holdings: dict[tuple[Instrument, PositionSide], Holding] = {}
        self.exposed: dict[tuple[Instrument, PositionSide], tuple[Fraction, Fraction]] = {}
        self.open: dict[int, WorkingOrder] = {}
        self.open_in: dict[Market, dict[int, WorkingOrder]] = {}
        self.trades: deque[TradeUpdate] = deque(maxlen=settings.keep)
        self.income: deque[Income] = deque(maxlen=settings.keep)
        self.updated_ns: dict[str, int] = {}
        self._by_id: dict[tuple[Instrument, str], WorkingOrder] = {}
        self._by_number: dict[int, WorkingOrder] = {}
        self._by_order: dict[tuple[Instrument, int], WorkingOrder] = {}
        self._by_algo: dict[tuple[Instrument, int], WorkingOrder] = {}
        self._closed: deque[WorkingOrder] = deque()
        self.lists: dict[int, WorkingList] = {}

    def holds(self, asset: str) -> Decimal:
        """Return all that it has of an asset: of a futures account, its wallet."""
        return self._ledger.balance(self.name, asset)

    def fees_of(self, instrument: Instrument) -> FeeSchedule:
        """Return what trading an instrument costs."""
        return self.instrument_fees.get(instrument, self.fees)

    def leverage_of(self, instrument: Instrument) -> int:
        """Return the leverage of an instrument."""
        return self.leverage.get(instrument, self.settings.default_leverage)

    def margin_type(self, instrument: Instrument) -> MarginType:
        """Return whether an instrument's positions have a margin of their own."""
        return MarginType.ISOLATED if instrument in self.isolated else MarginType.CROSS

    def holding(self, market: Market, side: PositionSide) -> Holding:
        """Return a position, made if there is none."""
        key = (market.instrument, side)
        found = self.holdings.get(key)
        if found is None:
            found = self.holdings[key] = Holding(market.instrument, side, market.digits)
        return found

    def remember(self, order: WorkingOrder) -> None:
        """Keep an order, under all its ids; again once it has got another."""
        instrument = order.market.instrument
        self._by_number[order.number] = order
        self._by_id[instrument, order.client_order_id] = order
        if order.order_id:
            self._by_order[instrument, order.order_id] = order
        if order.algo_id:
            self._by_algo[instrument, order.algo_id] = order

    def begin(self, order: WorkingOrder) -> None:
        """Count an order among the open ones."""
        self.open[order.number] = order
        self.open_in.setdefault(order.market, {})[order.number] = order

    def close(self, order: WorkingOrder) -> None:
        """Move an order to the closed ones, and forget the oldest of them if they are too many."""
        self.open.pop(order.number, None)
        self.open_in.get(order.market, {}).pop(order.number, None)
        self._closed.append(order)
        while len(self._closed) > self.settings.keep:
            self._forget(self._closed.popleft())

    def _forget(self, order: WorkingOrder) -> None:
        instrument = order.market.instrument
        self._by_number.pop(order.number, None)
        self._by_order.pop((instrument, order.order_id), None)
        self._by_algo.pop((instrument, order.algo_id), None)
        if self._by_id.get((instrument, order.client_order_id)) is order:
            del self._by_id[instrument, order.client_order_id]
        if order.listed is not None and not order.listed.open:
            self.lists.pop(order.listed.list_id, None)

    def find(
        self,
        instrument: Instrument,
        *,
        client_order_id: str = "",
        order_id: str = "",
        conditional: bool | None = None,
    ) -> WorkingOrder | None:
        """Return an order by either of its ids; where both are given, they must be the same order's.

        Args:
            instrument: Of the order.
            client_order_id: The order's own id: of several that had it, the last.
            order_id: The venue's number; of a conditional order, that of its algo service.
            conditional: Whether only conditional (or only regular) orders are meant.
        """
        if not order_id:
            return self._by_id.get((instrument, client_order_id))
        if not order_id.isascii() or not order_id.isdigit():
            return None
        number = int(order_id)
        found = None if conditional else self._by_order.get((instrument, number))
        if found is None and conditional is not False:
            found = self._by_algo.get((instrument, number))
        if found is not None and client_order_id and found.client_order_id != client_order_id:
            return None
        return found

    def orders(self) -> Iterable[WorkingOrder]:
        """Iterate all orders that are remembered, oldest first."""
        return self._by_number.values()


class State:
    """All that the engine knows.

    Attributes:
        exchange: Which market it plays.
        settings: How it behaves.
        now_ns: The time of the last call, nanoseconds since the epoch.
        ledger: Who holds what.
        markets: By instrument.
        accounts: By name.
    """

    def __init__(self, exchange: Exchange, settings: EngineSettings, now_ns: int) -> None:
        self.exchange = exchange
        self.settings = settings
        self.now_ns = now_ns
        self.ledger: Ledger = Ledger(settings.keep)
        self.markets: dict[Instrument, Market] = {}
        self.accounts: dict[str, Account] = {}
        self._number = 0

    def new_number(self) -> int:
        """Return a number that nothing else has."""
        self._number += 1
        return self._number

    def market(self, instrument: Instrument) -> Market:
        """Return an instrument's market.

        Raises:
            UnknownSymbol: It is not traded here.
        """
        found = self.markets.get(instrument)
        if found is None:
            known = tuple(each.symbol for each in self.markets)[:5]
            raise UnknownSymbol("not traded here", field="instrument", value=instrument.symbol, near=known)
        return found

    def account(self, name: str) -> Account:
        """Return an account.

        Raises:
            InvalidInput: There is none of that name.
        """
        found = self.accounts.get(name)
        if found is None:
            raise InvalidInput("no such account", field="account", value=name)
        return found

    def fee_price(self, asset: str, quote: str) -> Decimal | None:
        """Return the last price of an asset in another, None where none is known."""
        for market in self.markets.values():
            instrument = market.instrument
            if instrument.base == asset and instrument.quote == quote and not instrument.inverse:
                return market.last
        return None
