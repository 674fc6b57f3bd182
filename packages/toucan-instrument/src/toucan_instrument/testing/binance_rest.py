"""What Binance's public REST would answer of a market, spot, USD-M and COIN-M; facts C.2.

Pure functions from ticks to plain objects, which the WebSocket API wraps as they are;
`encoded` makes a body of each. Times are nanoseconds in what is given, and milliseconds in what is returned:
microseconds where spot is asked for them (`micro`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from toucan_instrument.decimals import plain
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.binance import parse_symbol
from toucan_instrument.instrument import Instrument, InstrumentKind
from toucan_instrument.testing.ticks import (
    DAY,
    SECOND,
    AverageTick,
    BookPicture,
    CandleTick,
    FundingTick,
    MarkTick,
    Pair,
    TickerTick,
    TopTick,
    TradeTick,
)

__all__ = [
    "COIN_M",
    "FUTURES",
    "SPOT",
    "US",
    "USD_M",
    "FundingTerms",
    "aggregate_trades",
    "average_price",
    "book_tickers",
    "change",
    "contract_type",
    "day_tickers",
    "depth",
    "depth_body",
    "encoded",
    "funding_info",
    "funding_rates",
    "instrument_of",
    "klines",
    "levels",
    "open_interest",
    "open_interest_body",
    "pair_of",
    "ping",
    "premium_index",
    "prices",
    "server_time",
    "tickers_body",
    "trades",
    "unit",
]

SPOT, US, USD_M, COIN_M = (
    Exchange.BINANCE_SPOT,
    Exchange.BINANCE_US_SPOT,
    Exchange.BINANCE_USD_M,
    Exchange.BINANCE_COIN_M,
)
FUTURES = (USD_M, COIN_M)
QUARTER = 3
FRIDAY = 4
EIGHT = Decimal("0.00000001")

Row: TypeAlias = dict[str, Any]


# What the streams say in the same way.


def unit(exchange: Exchange, *, micro: bool = False) -> int:
    """Return how many nanoseconds times count: milliseconds, or microseconds where spot is asked for them."""
    return 1_000 if micro and exchange not in FUTURES else 1_000_000


def pair_of(symbol: str) -> str:
    """Return the pair of a contract's symbol."""
    return symbol.partition("_")[0]


def levels(pairs: Sequence[Pair]) -> list[list[str]]:
    """Return levels of a book as they are written."""
    return [[plain(price), plain(quantity)] for price, quantity in pairs]


@lru_cache(maxsize=4096)
def instrument_of(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument by its symbol alone, as `parse_symbol` does, and remember it."""
    return parse_symbol(exchange, symbol)


def change(exchange: Exchange, tick: TickerTick) -> tuple[str, str, str]:
    """Return the change of the price, the same in percent, and the average price weighted by quantity."""
    moved = tick.last - tick.open
    percent = (moved / tick.open * 100 if tick.open else Decimal(0)).quantize(Decimal("0.001"))
    if not tick.volume or not tick.turnover:
        average = tick.last
    elif exchange is COIN_M:
        average = tick.volume * instrument_of(exchange, tick.symbol).contract_size / tick.turnover
    else:
        average = tick.turnover / tick.volume
    return plain(moved), plain(percent), plain(average.quantize(EIGHT))


def _quarter_day(now_ns: int) -> int:
    """Return when the next quarter's contracts are delivered: the last Friday of a quarter, 08:00 UTC."""
    now = datetime.fromtimestamp(now_ns // SECOND, UTC)
    year, month = now.year, (now.month - 1) // QUARTER * QUARTER + QUARTER
    while True:
        first_after = datetime(year + month // 12, month % 12 + 1, 1, 8, tzinfo=UTC)
        day = first_after - timedelta(days=1)
        day -= timedelta(days=(day.weekday() - FRIDAY) % 7)
        if day > now:
            return int(day.timestamp()) * SECOND
        year, month = first_after.year, first_after.month + QUARTER - 1


def contract_type(instrument: Instrument, now_ns: int) -> str:
    """Return a contract's type: PERPETUAL, CURRENT_QUARTER or NEXT_QUARTER (facts C.3.3)."""
    if instrument.kind is not InstrumentKind.FUTURE or instrument.expiry_ns is None:
        return "PERPETUAL"
    return "CURRENT_QUARTER" if instrument.expiry_ns <= _quarter_day(now_ns) else "NEXT_QUARTER"


def encoded(answer: Any) -> bytes:
    """Return an answer as a body."""
    return msgspec.json.encode(answer)


# Time, book and trades.


def ping() -> Row:
    """Answer ``ping``."""
    return {}


def server_time(exchange: Exchange, now_ns: int, *, micro: bool = False) -> Row:
    """Answer ``time``."""
    return {"serverTime": now_ns // unit(exchange, micro=micro)}


def depth(exchange: Exchange, picture: BookPicture) -> Row:
    """Answer ``depth``: the levels that the picture holds."""
    body: Row = {"lastUpdateId": picture.last_update_id}
    if exchange in FUTURES:
        time = picture.time_ns // unit(exchange)
        body |= {"E": time, "T": time}
    if exchange is COIN_M:
        body |= {"symbol": picture.symbol, "pair": pair_of(picture.symbol)}
    return {**body, "bids": levels(picture.bids), "asks": levels(picture.asks)}


def trades(
    exchange: Exchange,
    ticks: Iterable[TradeTick],
    *,
    limit: int = 500,
    from_id: int | None = None,
    micro: bool = False,
) -> list[Row]:
    """Answer ``trades``, and ``historicalTrades`` with `from_id`: oldest first.

    Args:
        exchange: Which market.
        ticks: What was traded, oldest first, as a tape keeps it.
        limit: At most how many: the last ones, the first ones with `from_id`.
        from_id: Only trades from this id on.
        micro: Whether spot is asked for microseconds.
    """
    counted = unit(exchange, micro=micro)
    rows = [
        _trade(exchange, tick, number, quantity, counted)
        for tick in ticks
        if from_id is None or tick.last_id >= from_id
        for number, quantity in enumerate(tick.quantities, tick.first_id)
        if from_id is None or number >= from_id
    ]
    return rows[:limit] if from_id is not None else rows[max(0, len(rows) - limit) :]


def _trade(exchange: Exchange, tick: TradeTick, number: int, quantity: Decimal, counted: int) -> Row:
    if exchange is COIN_M:
        size = instrument_of(exchange, tick.symbol).contract_size
        worth = {"baseQty": plain((quantity * size / tick.price).quantize(EIGHT))}
    else:
        worth = {"quoteQty": plain(quantity * tick.price)}
    return {
        "id": number, "price": plain(tick.price), "qty": plain(quantity), **worth,
        "time": tick.time_ns // counted, "isBuyerMaker": tick.buyer_is_maker,
        **({"isBestMatch": True} if exchange not in FUTURES else {}),
        **({"isRPITrade": False} if exchange is USD_M else {}),
    }  # fmt: skip


def aggregate_trades(
    exchange: Exchange,
    ticks: Iterable[TradeTick],
    *,
    limit: int = 500,
    from_id: int | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    micro: bool = False,
) -> list[Row]:
    """Answer ``aggTrades``: oldest first.

    Args:
        exchange: Which market.
        ticks: What was traded, oldest first, as a tape keeps it.
        limit: At most how many: the last ones, the first ones with `from_id` or `start_ns`.
        from_id: Only aggregated trades from this id on.
        start_ns: Only those at that time or later.
        end_ns: Only those at that time or before.
        micro: Whether spot is asked for microseconds.
    """
    counted = unit(exchange, micro=micro)
    found = [
        tick
        for tick in ticks
        if (from_id is None or tick.aggregate_id >= from_id)
        and (start_ns is None or tick.time_ns >= start_ns)
        and (end_ns is None or tick.time_ns <= end_ns)
    ]
    from_start = from_id is not None or start_ns is not None
    found = found[:limit] if from_start else found[max(0, len(found) - limit) :]
    return [
        {
            "a": tick.aggregate_id, "p": plain(tick.price), "q": plain(tick.quantity), "f": tick.first_id,
            "l": tick.last_id, "T": tick.time_ns // counted, "m": tick.buyer_is_maker,
            **({"M": True} if exchange not in FUTURES else {}),
        }
        for tick in found
    ]  # fmt: skip


def klines(exchange: Exchange, bars: Iterable[CandleTick], *, micro: bool = False) -> list[list[Any]]:
    """Answer ``klines`` and ``uiKlines`` with the candles that are given."""
    counted = unit(exchange, micro=micro)
    return [
        [
            bar.open_ns // counted, plain(bar.open), plain(bar.high), plain(bar.low), plain(bar.close),
            plain(bar.volume), bar.close_ns // counted - 1, plain(bar.turnover), bar.trades,
            plain(bar.taker_volume), plain(bar.taker_turnover), "0",
        ]
        for bar in bars
    ]  # fmt: skip


# Tickers.


def _one_or_all(exchange: Exchange, rows: list[Row], *, one: bool) -> Row | list[Row]:
    """Return the row where a single symbol was asked for; COIN-M always answers with a list."""
    return rows[0] if one and exchange is not COIN_M else rows


def day_tickers(
    exchange: Exchange,
    ticks: Iterable[TickerTick],
    *,
    one: bool = False,
    mini: bool = False,
    micro: bool = False,
) -> Row | list[Row]:
    """Answer ``ticker/24hr``.

    Args:
        exchange: Which market.
        ticks: The statistics of what was asked for.
        one: Whether a single symbol was asked for by ``symbol``.
        mini: Whether it is of ``type=MINI``, which only spot has.
        micro: Whether spot is asked for microseconds.
    """
    counted = unit(exchange, micro=micro)
    write = _mini if mini else _full
    return _one_or_all(exchange, [write(exchange, tick, counted) for tick in ticks], one=one)


def _mini(exchange: Exchange, tick: TickerTick, counted: int) -> Row:
    worth = "baseVolume" if exchange is COIN_M else "quoteVolume"
    return {
        "symbol": tick.symbol, "openPrice": plain(tick.open), "highPrice": plain(tick.high),
        "lowPrice": plain(tick.low), "lastPrice": plain(tick.last), "volume": plain(tick.volume),
        worth: plain(tick.turnover), "openTime": (tick.time_ns - DAY) // counted,
        "closeTime": tick.time_ns // counted, "firstId": tick.first_id, "lastId": tick.last_id,
        "count": tick.trades,
    }  # fmt: skip


def _full(exchange: Exchange, tick: TickerTick, counted: int) -> Row:
    moved, percent, average = change(exchange, tick)
    row = {
        "symbol": tick.symbol, "priceChange": moved, "priceChangePercent": percent,
        "weightedAvgPrice": average, "lastQty": plain(tick.last_quantity),
    }  # fmt: skip
    if exchange is COIN_M:
        row["pair"] = pair_of(tick.symbol)
    if exchange not in FUTURES:
        row |= {"prevClosePrice": plain(tick.open), **_touch(tick.bid, tick.ask)}
    return row | _mini(exchange, tick, counted)


def _touch(bid: Pair, ask: Pair) -> Row:
    return {
        "bidPrice": plain(bid[0]), "bidQty": plain(bid[1]), "askPrice": plain(ask[0]), "askQty": plain(ask[1])
    }  # fmt: skip


def prices(exchange: Exchange, ticks: Iterable[TickerTick], *, one: bool = False) -> Row | list[Row]:
    """Answer ``ticker/price``; `one` as for `day_tickers`."""
    rows = [
        {
            "symbol": tick.symbol,
            **({"ps": pair_of(tick.symbol)} if exchange is COIN_M else {}),
            "price": plain(tick.last),
            **({"time": tick.time_ns // unit(exchange)} if exchange in FUTURES else {}),
        }
        for tick in ticks
    ]
    return _one_or_all(exchange, rows, one=one)


def book_tickers(exchange: Exchange, ticks: Iterable[TopTick], *, one: bool = False) -> Row | list[Row]:
    """Answer ``ticker/bookTicker``; `one` as for `day_tickers`."""
    rows = [
        {
            **({"lastUpdateId": tick.update_id} if exchange in FUTURES else {}),
            "symbol": tick.symbol,
            **({"pair": pair_of(tick.symbol)} if exchange is COIN_M else {}),
            **_touch(tick.bid, tick.ask),
            **({"time": tick.time_ns // unit(exchange)} if exchange in FUTURES else {}),
        }
        for tick in ticks
    ]
    return _one_or_all(exchange, rows, one=one)


def average_price(tick: AverageTick, *, micro: bool = False) -> Row:
    """Answer ``avgPrice``, which only spot has; its ``closeTime`` is that of the last trade."""
    return {
        "mins": tick.minutes,
        "price": plain(tick.price),
        "closeTime": tick.trade_ns // unit(SPOT, micro=micro),
    }


# Derivatives.


def premium_index(exchange: Exchange, ticks: Iterable[MarkTick], *, one: bool = False) -> Row | list[Row]:
    """Answer ``premiumIndex``; `one` as for `day_tickers`. A dated contract has no funding."""
    rows = [
        {
            "symbol": tick.symbol,
            **({"pair": pair_of(tick.symbol)} if exchange is COIN_M else {}),
            "markPrice": plain(tick.mark),
            "indexPrice": plain(tick.index),
            "estimatedSettlePrice": plain(tick.mark),
            "lastFundingRate": "" if tick.funding_rate is None else plain(tick.funding_rate),
            "interestRate": "" if tick.funding_rate is None else "0.00010000",
            "nextFundingTime": (tick.next_funding_ns or 0) // unit(exchange),
            "time": tick.time_ns // unit(exchange),
        }
        for tick in ticks
    ]
    return _one_or_all(exchange, rows, one=one)


def funding_rates(exchange: Exchange, ticks: Iterable[FundingTick]) -> list[Row]:
    """Answer ``fundingRate``: oldest first."""
    return [
        {
            "symbol": tick.symbol,
            "fundingRate": plain(tick.rate),
            "fundingTime": tick.time_ns // unit(exchange),
            **({"markPrice": plain(tick.mark)} if exchange is USD_M else {}),
        }
        for tick in ticks
    ]


class FundingTerms(msgspec.Struct, frozen=True):
    """Terms of funding that are not the usual ones.

    Attributes:
        symbol: Whose.
        cap: The highest rate.
        floor: The lowest rate.
        hours: How often it is due; usually every 8 hours.
    """

    symbol: str
    cap: Decimal
    floor: Decimal
    hours: int = 8


def funding_info(terms: Iterable[FundingTerms] = ()) -> list[Row]:
    """Answer ``fundingInfo``: only what has other terms than usual."""
    return [
        {
            "symbol": each.symbol,
            "adjustedFundingRateCap": plain(each.cap),
            "adjustedFundingRateFloor": plain(each.floor),
            "fundingIntervalHours": each.hours,
            "disclaimer": False,
        }
        for each in terms
    ]


def open_interest(exchange: Exchange, symbol: str, quantity: Decimal, now_ns: int) -> Row:
    """Answer ``openInterest``."""
    body: Row = {"openInterest": plain(quantity), "symbol": symbol, "time": now_ns // unit(exchange)}
    if exchange is COIN_M:
        kind = contract_type(instrument_of(exchange, symbol), now_ns)
        body |= {"pair": pair_of(symbol), "contractType": kind}
    return body


# Bodies.


def depth_body(exchange: Exchange, picture: BookPicture) -> bytes:
    """Return the body of ``GET depth``."""
    return encoded(depth(exchange, picture))


def tickers_body(exchange: Exchange, ticks: Iterable[TickerTick]) -> bytes:
    """Return the body of ``GET ticker/24hr`` for many symbols."""
    return encoded(day_tickers(exchange, ticks))


def open_interest_body(exchange: Exchange, symbol: str, quantity: Decimal, now_ns: int) -> bytes:
    """Return the body of ``GET openInterest``."""
    return encoded(open_interest(exchange, symbol, quantity, now_ns))
