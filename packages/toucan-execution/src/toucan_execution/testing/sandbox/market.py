"""One market of the sandbox: the engine, and what the public sees of it.

Whatever is public (book updates, trades, candles, tickers) is taken from the engine itself: what the streams
say, what REST says and what the engine holds are the same numbers at every step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from toucan_execution.mock import DepthChange, Engine, EngineSettings, MarketTrade
from toucan_execution.testing.sandbox.errors import bad_symbol
from toucan_execution.testing.sandbox.limits import LimitRule
from toucan_execution.testing.sandbox.wire import AccountWire, Payload
from toucan_instrument import Exchange, Instrument, InstrumentKind, Side
from toucan_instrument.testing import binance as public
from toucan_instrument.testing.tape import Tape
from toucan_instrument.testing.ticks import (
    AverageTick,
    BookPicture,
    FundingTick,
    LiquidationTick,
    MarketTick,
    MarkTick,
    Pair,
    TickerTick,
    TopTick,
    TradeTick,
)

__all__ = ["SandboxMarket"]

FUTURES = (Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M)
SECOND = 1_000_000_000
HOURS_8 = 8 * 3600 * SECOND
NOTHING: Pair = (Decimal(0), Decimal(0))
AVERAGE_MINUTES = 5
RATE = Decimal("0.0001")
"""The coming funding of perpetuals, until it is set."""


class SandboxMarket:
    """A market: an engine, and the tape of each instrument.

    Attributes:
        exchange: Which market.
        futures: Whether positions change hands rather than assets.
        engine: What matches orders and holds accounts.
        instruments: What is traded, by the venue's symbol.
        wire: How it speaks of accounts and orders.
        sibling: The other futures market, which shares limits and position mode (facts C.4); None on spot.
        funding: The coming funding rate by symbol, where it was set.
        funded: The last fundings, oldest first.
    """

    wire: AccountWire
    order_counts: Callable[[str], list[dict[str, Any]]]
    """Returns how many orders of an account count now, as rows of ``rateLimits``."""
    rules: tuple[LimitRule, ...] = ()
    """The limits that hold here."""
    flags: Mapping[str, Any] = {}
    """What the list of instruments says of each besides its rules."""

    def __init__(
        self,
        exchange: Exchange,
        instruments: Iterable[Instrument],
        *,
        now_ns: int,
        settings: EngineSettings | None = None,
        tell: Callable[[SandboxMarket, str, list[Payload]], None],
    ) -> None:
        self.exchange = exchange
        self.futures: bool = exchange in FUTURES
        self.instruments: dict[str, Instrument] = {each.symbol: each for each in instruments}
        self.engine: Engine = Engine(exchange, self.instruments.values(), settings=settings, now_ns=now_ns)
        self.sibling: SandboxMarket | None = None
        self.funding: dict[str, Decimal] = {}
        self._tapes = {
            symbol: Tape(
                symbol,
                price=None,
                start_ns=now_ns,
                update_id=1_000_000,
                contract_size=each.contract_size if each.inverse else None,
            )
            for symbol, each in self.instruments.items()
        }
        self._tops: dict[str, tuple[Pair, Pair]] = {}
        self._ticks: list[MarketTick | AverageTick] = []
        self._followed: set[int] = set()
        self._traded: dict[str, None] = {}
        self.funded: deque[FundingTick] = deque(maxlen=1_000)
        self._tell = tell
        self._told_ns = 0
        self._funded_ns = now_ns - now_ns % HOURS_8
        self.engine.listen_public(self._hear_trades)
        self.engine.listen_books(self._hear_books)

    # What is traded.

    def instrument(self, symbol: str) -> Instrument:
        """Return an instrument.

        Raises:
            ApiError: -1121: it is not traded here.
        """
        found = self.instruments.get(symbol)
        if found is None:
            raise bad_symbol()
        return found

    def of_pair(self, pair: str) -> list[Instrument]:
        """Return the instruments of a pair, such as ``BTCUSD`` (COIN-M)."""
        return [each for symbol, each in self.instruments.items() if symbol.partition("_")[0] == pair]

    # What the public sees.

    @property
    def now_ns(self) -> int:
        """The engine's time."""
        return self.engine.now_ns

    def tape(self, symbol: str) -> Tape:
        """Return what is kept of an instrument's trading.

        Raises:
            ApiError: -1121: it is not traded here.
        """
        return self._tapes[self.instrument(symbol).symbol]

    def book(self, symbol: str, levels: int | None = None) -> BookPicture:
        """Return a book as it is now.

        Raises:
            ApiError: -1121: it is not traded here.
        """
        bids, asks = self.engine.depth(self.instrument(symbol), levels)
        return BookPicture(symbol, self.now_ns, self._tapes[symbol].update_id, bids, asks)

    def top(self, symbol: str) -> tuple[Pair, Pair]:
        """Return the best bid and ask as price and quantity, zeros for an empty side."""
        bids, asks = self.engine.depth(self.instrument(symbol), 1)
        return (bids[0] if bids else NOTHING, asks[0] if asks else NOTHING)

    def ticker(self, symbol: str) -> TickerTick:
        """Return an instrument's statistics.

        Raises:
            ApiError: -1121: it is not traded here.
        """
        return self.tape(symbol).ticker(self.now_ns, *self.top(symbol))

    def mark(self, symbol: str) -> MarkTick:
        """Return the mark price of a derivative; the index is the middle of its book.

        Raises:
            ApiError: -1121: it is not traded here.
        """
        instrument, now = self.instrument(symbol), self.now_ns
        mark = self.engine.mark_price(instrument) or Decimal(0)
        bid, ask = self.top(symbol)
        index = (bid[0] + ask[0]) / 2 if bid[0] and ask[0] else mark
        perpetual = instrument.kind is InstrumentKind.PERPETUAL
        return MarkTick(
            symbol, now, mark, index,
            self.funding.get(symbol, RATE) if perpetual else None,
            now - now % HOURS_8 + HOURS_8 if perpetual else None,
            self.engine.open_interest(instrument),
        )  # fmt: skip

    def average(self, symbol: str) -> AverageTick:
        """Return the average price of the last five minutes.

        Raises:
            ApiError: -1121: it is not traded here.
        """
        tape, now = self.tape(symbol), self.now_ns
        traded_ns = tape.trades[-1].time_ns if tape.trades else now
        return AverageTick(symbol, now, AVERAGE_MINUTES, tape.average(AVERAGE_MINUTES, now), traded_ns)

    def take_ticks(self) -> list[MarketTick | AverageTick]:
        """Return what has happened since the last time, in order, and what follows from it."""
        ticks, self._ticks = self._ticks, []
        now = self.now_ns
        traded, self._traded = self._traded, {}
        if now - self._told_ns >= SECOND:
            traded = dict.fromkeys(self._tapes)  # candles end whether or not anybody trades
        for symbol in traded:
            ticks += self._tapes[symbol].candles(now)
        if now - self._told_ns >= SECOND:
            self._told_ns = now
            ticks += [self.ticker(symbol) for symbol in self.instruments]
            if self.futures:
                ticks += [self.mark(symbol) for symbol in self.instruments]
            else:
                ticks += [self.average(symbol) for symbol in self.instruments]
        return ticks

    def liquidated(self, symbol: str, *, sells: bool, price: Decimal, quantity: Decimal) -> None:
        """Tell the public of a liquidation, whose trade has been told."""
        self._ticks.append(LiquidationTick(symbol, self.now_ns, sells, price, quantity))

    def _hear_trades(self, trades: list[MarketTrade]) -> None:
        """Number trades; those of one taker at one price are one aggregated trade (facts A.5.1)."""
        group: list[MarketTrade] = []
        for trade in trades:
            if group and not _same_order(group[0], trade):
                self._ticks.append(self._tick_of(group))
                group = []
            group.append(trade)
        self._ticks.append(self._tick_of(group))

    def _tick_of(self, group: list[MarketTrade]) -> TradeTick:
        first = group[0]
        self._traded[first.instrument.symbol] = None
        return self._tapes[first.instrument.symbol].trade(
            first.time_ns,
            first.price,
            tuple(trade.quantity for trade in group),
            buyer_is_maker=first.aggressor is Side.SELL,
        )

    def _hear_books(self, changes: list[DepthChange]) -> None:
        for change in changes:
            symbol = change.instrument.symbol
            tape = self._tapes[symbol]
            # Only spot numbers every change; the futures leave ids out between two updates (facts B.1).
            skipped = tape.update_id % 7 if self.futures else 0
            self._ticks.append(tape.delta(change.time_ns, change.bids, change.asks, skipped=skipped))
            top = self.top(symbol)
            if self._tops.get(symbol) != top:
                self._tops[symbol] = top
                self._ticks.append(TopTick(symbol, change.time_ns, tape.update_id, *top))

    def follow(self, names: Iterable[str]) -> None:
        """Let candles of the lengths that streams are named for be told, from now on."""
        for name in names:
            _, _, word = name.partition("line_")
            interval_ns = public.INTERVALS.get(word)
            if interval_ns is None or interval_ns in self._followed:
                continue
            self._followed.add(interval_ns)
            for tape in self._tapes.values():
                tape.follow(interval_ns)

    # Time.

    @property
    def due_ns(self) -> int | None:
        """When something falls due by itself: an order's end, a countdown, funding; None for nothing."""
        times = [self.engine.next_expiry_ns, self.wire.due_ns, self._funding_due_ns]
        return min((each for each in times if each is not None), default=None)

    @property
    def _funding_due_ns(self) -> int | None:
        return self._funded_ns + HOURS_8 if self.futures else None

    def advance(self, now_ns: int) -> None:
        """Let time pass: what was due by then happens, in its order."""
        while (due := self.due_ns) is not None and due <= now_ns:
            self.engine.advance(max(due, self.now_ns))
            self.wire.run_due(self.now_ns)
            if self._funding_due_ns is not None and self._funding_due_ns <= self.now_ns:
                self._fund()
        self.engine.advance(max(now_ns, self.now_ns))

    def _fund(self) -> None:
        """Let the perpetuals' positions pay or get funding, as every eight hours."""
        self._funded_ns += HOURS_8
        for symbol, instrument in self.instruments.items():
            mark = self.engine.mark_price(instrument)
            if instrument.kind is InstrumentKind.PERPETUAL and mark is not None:
                rate = self.funding.get(symbol, RATE)
                self.engine.fund(instrument, rate, self.now_ns, mark=mark)
                self.funded.append(FundingTick(symbol, self.now_ns, rate, mark))

    # What accounts are told.

    def push(self, account: str, payload: Payload) -> None:
        """Tell an account something that the engine does not know of."""
        self._tell(self, account, [payload])


def _same_order(first: MarketTrade, second: MarketTrade) -> bool:
    if first.instrument != second.instrument or first.price != second.price:
        return False
    if first.aggressor is not second.aggressor:
        return False
    buying = first.aggressor is Side.BUY
    ids = (trade.buyer_order_id if buying else trade.seller_order_id for trade in (first, second))
    one, other = ids
    return one == other
