"""What a venue keeps of one instrument's trading, whoever trades: ids, trades, candles and statistics."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from toucan_instrument.testing.ticks import (
    DAY,
    MINUTE,
    BookDelta,
    CandleTick,
    Pair,
    TickerTick,
    TradeTick,
    closing,
    opening,
)

__all__ = ["Tape", "joined"]

ZERO = Decimal(0)
EIGHT = Decimal("0.00000001")
KEPT_MINUTES = 3_000


class _Bar:
    """A candle that is still counted."""

    __slots__ = (
        "close", "first_id", "high", "last_id", "low", "open", "open_ns", "taker_turnover", "taker_volume",
        "trades", "turnover", "volume",
    )  # fmt: skip

    def __init__(self, open_ns: int, price: Decimal) -> None:
        self.open_ns = open_ns
        self.open = self.high = self.low = self.close = price
        self.volume = self.turnover = self.taker_volume = self.taker_turnover = ZERO
        self.trades = 0
        self.first_id = self.last_id = -1

    def take(self, trade: TradeTick, quantity: Decimal, turnover: Decimal) -> None:
        """Count a trade."""
        price = self.close = trade.price
        if self.trades == 0:
            self.open = self.high = self.low = price
            self.first_id = trade.first_id
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.volume += quantity
        self.turnover += turnover
        if not trade.buyer_is_maker:
            self.taker_volume += quantity
            self.taker_turnover += turnover
        self.trades += len(trade.quantities)
        self.last_id = trade.last_id

    def merge(self, bar: _Bar) -> None:
        """Count all that a later candle holds."""
        if bar.trades == 0:
            return
        if self.trades == 0:
            self.open, self.high, self.low, self.first_id = bar.open, bar.high, bar.low, bar.first_id
        else:
            self.high, self.low = max(self.high, bar.high), min(self.low, bar.low)
        self.close, self.last_id = bar.close, bar.last_id
        self.volume += bar.volume
        self.turnover += bar.turnover
        self.taker_volume += bar.taker_volume
        self.taker_turnover += bar.taker_turnover
        self.trades += bar.trades

    def copy(self) -> _Bar:
        """Return another with the same counts."""
        other = _Bar(self.open_ns, self.open)
        other.merge(self)
        return other

    def tick(self, symbol: str, now_ns: int, interval_ns: int, *, closed: bool) -> CandleTick:
        """Say what it is."""
        return CandleTick(
            symbol, now_ns, self.open_ns, interval_ns, self.open, self.high, self.low, self.close,
            self.volume, self.turnover, self.taker_volume, self.taker_turnover, self.trades,
            self.first_id, self.last_id, closed,
        )  # fmt: skip


class _Series:
    """The candles of one length: the one that forms, and when it ends."""

    __slots__ = ("bar", "end_ns", "interval_ns")

    def __init__(self, interval_ns: int, bar: _Bar) -> None:
        self.interval_ns = interval_ns
        self.begin(bar)

    def begin(self, bar: _Bar) -> None:
        self.bar = bar
        self.end_ns = closing(self.interval_ns, bar.open_ns)


class _Day:
    """Sums over the minutes that closed in the last 24 hours."""

    def __init__(self) -> None:
        self.bars: deque[_Bar] = deque()
        self.volume = self.turnover = ZERO
        self.trades = 0
        self._high: Decimal | None = None
        self._low: Decimal | None = None

    def add(self, bar: _Bar) -> None:
        """Take a minute in."""
        self.bars.append(bar)
        self.volume += bar.volume
        self.turnover += bar.turnover
        self.trades += bar.trades
        if self._high is not None and self._low is not None:
            self._high, self._low = max(self._high, bar.high), min(self._low, bar.low)

    def expire(self, now_ns: int) -> None:
        """Leave out the minutes that are more than a day ago."""
        since = now_ns - DAY - MINUTE
        while self.bars and self.bars[0].open_ns <= since:
            bar = self.bars.popleft()
            self.volume -= bar.volume
            self.turnover -= bar.turnover
            self.trades -= bar.trades
            self._high = self._low = None

    def range(self) -> tuple[Decimal, Decimal]:
        """Return the highest and the lowest price; there is a minute."""
        if self._high is None or self._low is None:
            self._high = max(bar.high for bar in self.bars)
            self._low = min(bar.low for bar in self.bars)
        return self._high, self._low


class Tape:
    """One instrument's accounts of trading: it numbers trades and updates, and sums up what was traded.

    Times must not run backwards. A trade costs microseconds: sums over more than a minute are made when
    they are asked for.

    Attributes:
        symbol: Whose.
        update_id: Id of the last change of the book.
        trade_id: Id of the last trade.
        aggregate_id: Id of the last aggregated trade.
        last: Price of the last trade; before the first the one that was given, else zero.
        last_quantity: Quantity of the last trade, zero before the first.
        traded: The sum of all quantities, since the tape began.
        trades: The last trades, oldest first.
    """

    def __init__(
        self,
        symbol: str,
        *,
        price: Decimal | None,
        start_ns: int,
        update_id: int = 1,
        trade_id: int = 0,
        keep: int = 1000,
        contract_size: Decimal | None = None,
    ) -> None:
        """Begin a tape.

        Args:
            symbol: Whose.
            price: What was paid before it begins; None where nobody ever traded: then there are no candles
                before the first trade, and the statistics are zeros, as venues show them.
            start_ns: When it begins.
            update_id: Id of the last change of the book before.
            trade_id: Id of the last trade before.
            keep: How many trades it keeps.
            contract_size: What a contract is worth in the quote asset, where the instrument is inverse:
                then turnovers count the base asset, to eight places.
        """
        self.symbol: str = symbol
        self.update_id: int = update_id
        self.trade_id: int = trade_id
        self.aggregate_id: int = trade_id // 2
        self.last: Decimal = ZERO if price is None else price
        self.last_quantity: Decimal = ZERO
        self.traded: Decimal = ZERO
        self.trades: deque[TradeTick] = deque(maxlen=keep)
        self._contract_size = contract_size
        self._first = trade_id + 1
        self._minutes: deque[_Bar] = deque()  # closed ones that had a trade
        self._began = opening(MINUTE, start_ns)  # the first minute that `bars` knows
        self._before: Decimal | None = price  # what was paid before it
        self._day = _Day()
        self._fine: list[_Series] = []  # count every trade, the minute first
        self._coarse: list[_Series] = []  # count the minutes that closed
        self._turn_ns = 0  # when the first of the fine ones ends
        self._wanted: list[int] = [MINUTE]
        self._news: list[CandleTick] = []
        self._changed = False
        if price is not None:
            self._day.add(_Bar(self._began, price))
            self._open(start_ns, price)

    # What happens.

    def trade(
        self, now_ns: int, price: Decimal, quantities: Sequence[Decimal], *, buyer_is_maker: bool
    ) -> TradeTick:
        """Number and count what one taker order filled at one price.

        Args:
            now_ns: When.
            price: The price.
            quantities: The quantity of each trade.
            buyer_is_maker: Whether the aggressor sold.
        """
        self.aggregate_id += 1
        tick = TradeTick(
            self.symbol,
            now_ns,
            self.aggregate_id,
            self.trade_id + 1,
            price,
            tuple(quantities),
            buyer_is_maker,
        )
        self.trade_id += len(tick.quantities)
        self.last, self.last_quantity = price, tick.quantities[-1]
        if not self._fine:
            self._began = opening(MINUTE, now_ns)
            self._open(now_ns, price)
        elif now_ns >= self._turn_ns:
            self._turn(now_ns)
        quantity = tick.quantity
        turnover = self._worth(price, quantity)
        self.traded += quantity
        for series in self._fine:
            series.bar.take(tick, quantity, turnover)
        self.trades.append(tick)
        self._changed = True
        return tick

    def delta(
        self, now_ns: int, bids: Sequence[Pair], asks: Sequence[Pair], *, skipped: int = 0
    ) -> BookDelta:
        """Number changes of the book.

        Args:
            now_ns: When.
            bids: Changed bids: prices and absolute quantities, zero for a level that is gone.
            asks: Changed asks.
            skipped: How many ids are left out before: spot numbers every change, the futures leave some out.
        """
        previous = self.update_id
        first = previous + 1 + skipped
        self.update_id = first + max(len(bids) + len(asks), 1) - 1
        return BookDelta(self.symbol, now_ns, first, self.update_id, previous, tuple(bids), tuple(asks))

    # Candles.

    def follow(self, interval_ns: int) -> None:
        """Tell candles of another length than a minute, from now on; made of what was kept so far."""
        if interval_ns not in self._wanted:
            self._wanted.append(interval_ns)
            if self._fine:
                self._begin(interval_ns, self._fine[0].bar.open_ns)

    def candles(self, now_ns: int) -> list[CandleTick]:
        """Return what became of the candles since the last call: minutes first, then the others.

        Of each length the closed ones come first, then a new one as it began, then the one that is forming
        where it has changed. Where nobody traded for longer than a candle the empty ones are left out.
        """
        if not self._fine:
            return []
        if now_ns >= self._turn_ns:
            self._turn(now_ns)
        news, self._news = self._news, []
        if self._changed:
            self._changed = False
            news += (
                each.bar.tick(self.symbol, now_ns, each.interval_ns, closed=False) for each in self._fine
            )
            news += (self._forming(each, now_ns) for each in self._coarse)
        return news

    def bars(
        self,
        interval_ns: int,
        now_ns: int,
        limit: int = 500,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> list[CandleTick]:
        """Return candles that closed and the one that is forming, oldest first, without a hole.

        They are made of the minutes that are kept; those of less than a minute, of the trades that are
        kept. Where nobody traded a candle is flat.

        Args:
            interval_ns: How long each is.
            now_ns: When.
            limit: At most how many: the last ones; the first ones from `start_ns` where that is given.
            start_ns: Only those that began then or later.
            end_ns: Only those that began then or before.
        """
        if not self._fine:
            return []
        if now_ns >= self._turn_ns:
            self._turn(now_ns)
        began, kept = self._parts(interval_ns)
        openings = _openings(interval_ns, (began, now_ns), limit, start_ns, end_ns)
        return [
            bar.tick(self.symbol, now_ns, interval_ns, closed=closing(interval_ns, bar.open_ns) <= now_ns)
            for bar in _grouped(kept, interval_ns, openings, self._before)
        ]

    def average(self, minutes: int, now_ns: int) -> Decimal:
        """Return the average price of the last minutes, weighted by quantity; the last price without a trade.

        Args:
            minutes: How many, the one that is forming counted; with 0 it is the last price.
            now_ns: When.
        """
        since = opening(MINUTE, now_ns) - (minutes - 1) * MINUTE
        volume = turnover = ZERO
        for bar in self._latest():
            if bar.open_ns < since:
                break
            volume += bar.volume
            turnover += bar.turnover
        if not volume or not turnover:
            return self.last
        if self._contract_size is not None:
            volume, turnover = turnover, volume * self._contract_size
        return (turnover / volume).quantize(EIGHT)

    def ticker(self, now_ns: int, bid: Pair, ask: Pair) -> TickerTick:
        """Return the statistics of the last 24 hours.

        Args:
            now_ns: When.
            bid: Best bid: price and quantity.
            ask: Best ask.
        """
        if self._fine and now_ns >= self._turn_ns:
            self._turn(now_ns)
        day = self._day
        day.expire(now_ns)
        forming = self._fine[0].bar if self._fine else _Bar(now_ns, self.last)
        opened, high, low = forming.open, forming.high, forming.low
        if day.bars:
            opened = day.bars[0].open
            highest, lowest = day.range()
            high, low = (max(high, highest), min(low, lowest)) if forming.trades else (highest, lowest)
        return TickerTick(
            self.symbol, now_ns, opened, high, low, self.last, self.last_quantity,
            day.volume + forming.volume, day.turnover + forming.turnover, *self._ids(forming),
            day.trades + forming.trades, bid, ask,
        )  # fmt: skip

    # How it is kept.

    def _worth(self, price: Decimal, quantity: Decimal) -> Decimal:
        if self._contract_size is None:
            return quantity * price
        return (quantity * self._contract_size / price).quantize(EIGHT)

    def _ids(self, forming: _Bar) -> tuple[int, int]:
        """Return the first and the last trade id of the day."""
        bars = self._day.bars
        first = next((bar.first_id for bar in bars if bar.trades), forming.first_id)
        if first >= 0:
            return first, self.trade_id
        return (self._first, self._first) if bars else (-1, -1)

    def _latest(self) -> Iterator[_Bar]:
        """Go through the minutes that are kept, the one that is forming first."""
        if self._fine:
            yield self._fine[0].bar
            yield from reversed(self._minutes)

    def _open(self, now_ns: int, price: Decimal) -> None:
        """Begin the first candles."""
        self._fine.append(_Series(MINUTE, _Bar(opening(MINUTE, now_ns), price)))
        for interval_ns in self._wanted[1:]:
            self._begin(interval_ns, now_ns)
        self._turn_ns = min(series.end_ns for series in self._fine)

    def _begin(self, interval_ns: int, now_ns: int) -> None:
        """Begin the candles of a length with what is kept."""
        _, kept = self._parts(interval_ns)
        if interval_ns < MINUTE:
            bar = kept[-1] if kept else _Bar(opening(interval_ns, now_ns), self.last)
            self._fine.append(_Series(interval_ns, bar))
            self._turn_ns = min(self._turn_ns, self._fine[-1].end_ns)
            return
        closed = kept[:-1]
        bar = next(_grouped(closed, interval_ns, [opening(interval_ns, now_ns)], self._before))
        self._coarse.append(_Series(interval_ns, bar))

    def _turn(self, now_ns: int) -> None:
        """Close the candles whose time is over, and begin others."""
        for series in self._fine:
            if now_ns >= series.end_ns:
                closed = series.bar
                self._renew(series, now_ns)
                if series.interval_ns == MINUTE:
                    self._keep(closed)
                    self._pass_on(closed, now_ns)
        self._turn_ns = min(series.end_ns for series in self._fine)

    def _renew(self, series: _Series, now_ns: int) -> None:
        """Close a candle, and begin the one that follows."""
        old = series.bar
        self._news.append(old.tick(self.symbol, now_ns, series.interval_ns, closed=True))
        series.begin(_Bar(opening(series.interval_ns, now_ns), old.close))
        self._news.append(series.bar.tick(self.symbol, now_ns, series.interval_ns, closed=False))

    def _pass_on(self, minute: _Bar, now_ns: int) -> None:
        """Count a minute that closed in the longer candles."""
        for series in self._coarse:
            series.bar.merge(minute)
            if now_ns >= series.end_ns:
                self._renew(series, now_ns)

    def _keep(self, minute: _Bar) -> None:
        if minute.trades == 0:
            return
        self._day.add(minute)
        self._minutes.append(minute)
        if len(self._minutes) > KEPT_MINUTES:
            self._before = self._minutes.popleft().close
            self._began = self._minutes[0].open_ns

    def _forming(self, series: _Series, now_ns: int) -> CandleTick:
        """Say what a longer candle is with the minute that is forming."""
        bar = series.bar.copy()
        bar.merge(self._fine[0].bar)
        return bar.tick(self.symbol, now_ns, series.interval_ns, closed=False)

    def _parts(self, interval_ns: int) -> tuple[int, list[_Bar]]:
        """Return what candles of a length are made of, and since when that is whole."""
        if interval_ns >= MINUTE:
            return self._began, [*self._minutes, self._fine[0].bar]
        bars: list[_Bar] = []
        for trade in self.trades:
            open_ns = opening(interval_ns, trade.time_ns)
            if not bars or bars[-1].open_ns != open_ns:
                bars.append(_Bar(open_ns, trade.price))
            quantity = trade.quantity
            bars[-1].take(trade, quantity, self._worth(trade.price, quantity))
        return (bars[0].open_ns if bars else self._began), bars


def _openings(
    interval_ns: int, known: tuple[int, int], limit: int, start_ns: int | None, end_ns: int | None
) -> list[int]:
    """Return when the candles begin that were asked for, oldest first."""
    first, last = (opening(interval_ns, time_ns) for time_ns in known)
    if start_ns is not None and start_ns > first:
        first = opening(interval_ns, start_ns)
        if first < start_ns:
            first = closing(interval_ns, first)
    if end_ns is not None:
        last = min(last, opening(interval_ns, end_ns))
    found: list[int] = []
    if start_ns is not None:
        while first <= last and len(found) < limit:
            found.append(first)
            first = closing(interval_ns, first)
        return found
    while first <= last and len(found) < limit:
        found.append(last)
        last = opening(interval_ns, last - 1)
    return found[::-1]


def _grouped(
    kept: Sequence[_Bar], interval_ns: int, openings: Sequence[int], before: Decimal | None
) -> Iterator[_Bar]:
    """Make longer candles of shorter ones; one without a trade is flat at the price before."""
    price, index = before or ZERO, 0
    for open_ns in openings:
        while index < len(kept) and kept[index].open_ns < open_ns:
            price = kept[index].close
            index += 1
        bar = _Bar(open_ns, price)
        end_ns = closing(interval_ns, open_ns)
        while index < len(kept) and kept[index].open_ns < end_ns:
            bar.merge(kept[index])
            index += 1
        price = bar.close
        yield bar


def joined(deltas: Iterable[BookDelta]) -> BookDelta:
    """Return changes that follow each other as one: the last quantity of each level, best price first.

    So are streams made that speak every so many milliseconds.

    Raises:
        ValueError: There is none.
    """
    found = list(deltas)
    if not found:
        raise ValueError("no change to join")
    first, last = found[0], found[-1]
    if first is last:
        return last
    bids = {price: quantity for delta in found for price, quantity in delta.bids}
    asks = {price: quantity for delta in found for price, quantity in delta.asks}
    return BookDelta(
        last.symbol, last.time_ns, first.first_id, last.last_id, first.previous_id,
        tuple(sorted(bids.items(), reverse=True)), tuple(sorted(asks.items())),
    )  # fmt: skip
