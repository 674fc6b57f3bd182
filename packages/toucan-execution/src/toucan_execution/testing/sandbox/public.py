"""What anybody can ask over REST and the WebSocket API, without a key (facts C.2, C.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint, Security
from toucan_execution.testing.sandbox.errors import ApiError, bad_symbol
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.params import Params
from toucan_instrument import Exchange, Instrument
from toucan_instrument.testing import binance as public, binance_control as control, binance_rest as rest
from toucan_instrument.testing.binance_info import exchange_information
from toucan_instrument.testing.ticks import FundingTick, TopTick

__all__ = ["public_endpoints"]

MILLI = 1_000_000
SPOT, USD_M, COIN_M = Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M
DEPTHS = (5, 10, 20, 50, 100, 500, 1000)
WINDOW = ("startTime", "endTime", "limit")
ONE, MANY, BARS = ("symbol",), ("symbol", "symbols"), ("symbol", "interval")
Act = Callable[[Ask], Any]


def public_endpoints(market: SandboxMarket) -> tuple[Endpoint, ...]:
    """Return what a market answers to anybody."""
    return tuple(_spot(market.exchange) if not market.futures else _futures(market.exchange))


def _endpoint(
    exchange: Exchange,
    path: str,
    act: Act,
    *ws: str,
    required: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    security: Security = Security.NONE,
) -> Endpoint:
    def weigh(params: Params) -> int:
        return control.weight(exchange, path, params.texts)

    return Endpoint(
        method="GET", path=path, act=act, ws=ws, security=security, required=required, optional=optional,
        weight=weigh,
    )  # fmt: skip


def _spot(exchange: Exchange) -> Iterable[Endpoint]:
    make = partial(_endpoint, exchange)
    yield make("/api/v3/ping", _ping, "ping")
    yield make("/api/v3/time", _time, "time")
    info = ("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus")
    yield make("/api/v3/exchangeInfo", _info, "exchangeInfo", optional=info)
    yield make("/api/v3/depth", _depth, "depth", required=ONE, optional=("limit", "symbolStatus"))
    yield make("/api/v3/trades", _trades, "trades.recent", required=ONE, optional=("limit",))
    old = ("limit", "fromId")
    yield make("/api/v3/historicalTrades", _trades, "trades.historical", required=ONE, optional=old)
    yield make(
        "/api/v3/aggTrades", _aggregates, "trades.aggregate", required=ONE, optional=("fromId", *WINDOW)
    )
    zoned = (*WINDOW, "timeZone")
    yield make("/api/v3/klines", _klines, "klines", required=BARS, optional=zoned)
    yield make("/api/v3/uiKlines", _klines, "uiKlines", required=BARS, optional=zoned)
    yield make("/api/v3/avgPrice", _average, "avgPrice", required=ONE)
    status = (*MANY, "symbolStatus")
    yield make("/api/v3/ticker/24hr", _day, "ticker.24hr", optional=(*status, "type"))
    yield make("/api/v3/ticker/price", _prices, "ticker.price", optional=status)
    yield make("/api/v3/ticker/bookTicker", _tops, "ticker.book", optional=status)


def _futures(exchange: Exchange) -> Iterable[Endpoint]:
    make, coin = partial(_endpoint, exchange), exchange is COIN_M
    base = "/dapi/v1" if coin else "/fapi/v1"
    either = ("symbol", "pair") if coin else ("symbol",)
    yield make(f"{base}/ping", _ping)
    yield make(f"{base}/time", _time)
    yield make(f"{base}/exchangeInfo", _info)
    yield make(f"{base}/depth", _depth, *(() if coin else ("depth",)), required=ONE, optional=("limit",))
    yield make(f"{base}/trades", _trades, required=ONE, optional=("limit",))
    old = ("limit", "fromId")
    yield make(f"{base}/historicalTrades", _trades, required=ONE, optional=old, security=Security.KEY)
    yield make(f"{base}/aggTrades", _aggregates, required=ONE, optional=("fromId", *WINDOW))
    yield make(f"{base}/klines", _klines, required=BARS, optional=WINDOW)
    continuous = ("pair", "contractType", "interval")
    yield make(f"{base}/continuousKlines", _continuous, required=continuous, optional=WINDOW)
    yield make(f"{base}/ticker/24hr", _day, optional=either)
    yield make(f"{base}/ticker/price", _prices, *(() if coin else ("ticker.price",)), optional=either)
    yield make(f"{base}/ticker/bookTicker", _tops, *(() if coin else ("ticker.book",)), optional=either)
    yield make(f"{base}/premiumIndex", _premium, optional=either)
    rates = ("symbol",) if coin else ()
    yield make(f"{base}/fundingRate", _funding, required=rates, optional=("symbol", *WINDOW))
    yield make(f"{base}/fundingInfo", _funding_info)
    yield make(f"{base}/openInterest", _open_interest, required=ONE)
    if not coin:
        yield make("/fapi/v2/ticker/price", _prices, optional=either)


def _ping(ask: Ask) -> Any:
    del ask
    return rest.ping()


def _time(ask: Ask) -> Any:
    return rest.server_time(ask.market.exchange, ask.server_ns)


def _info(ask: Ask) -> Any:
    limits = [
        {
            "rateLimitType": rule.kind, "interval": rule.unit, "intervalNum": rule.number,
            "limit": rule.limit,
        }
        for rule in ask.market.rules
    ]  # fmt: skip
    chosen = _chosen(ask)[0] if any(name in ask.params for name in MANY) else ask.market.instruments.values()
    return exchange_information(ask.market.exchange, chosen, ask.server_ns, limits=limits)


def _chosen(ask: Ask) -> tuple[list[Instrument], bool]:
    """Return the instruments that are asked for, and whether it is a single one by its symbol."""
    market, params = ask.market, ask.params
    if "symbol" in params:
        return [market.instrument(params.text("symbol"))], True
    named = params.array("symbols")
    if named is not None:
        return [market.instrument(str(symbol)) for symbol in named], False
    if "pair" in params:
        found = market.of_pair(params.text("pair"))
        if not found:
            raise bad_symbol()
        return found, False
    return list(market.instruments.values()), False


def _depth(ask: Ask) -> Any:
    limit = ask.params.integer("limit")
    if ask.market.futures:
        limit = 500 if limit is None else limit
        if limit not in DEPTHS:
            raise ApiError(-4021, f"Depth limit {limit} is not valid.")
    elif limit is None or limit < 1:
        limit = 100
    return rest.depth(ask.market.exchange, ask.market.book(ask.params.text("symbol"), min(limit, 5_000)))


def _trades(ask: Ask) -> Any:
    ticks = ask.market.tape(ask.params.text("symbol")).trades
    limit = ask.params.limit(500, 1_000)
    return rest.trades(ask.market.exchange, ticks, limit=limit, from_id=ask.params.integer("fromId"))


def _window(params: Params) -> tuple[int | None, int | None]:
    begin, end = params.integer("startTime"), params.integer("endTime")
    return (None if begin is None else begin * MILLI, None if end is None else end * MILLI + MILLI - 1)


def _aggregates(ask: Ask) -> Any:
    begin, end = _window(ask.params)
    return rest.aggregate_trades(
        ask.market.exchange,
        ask.market.tape(ask.params.text("symbol")).trades,
        limit=ask.params.limit(500, 1_000),
        from_id=ask.params.integer("fromId"),
        start_ns=begin,
        end_ns=end,
    )


def _klines(ask: Ask) -> Any:
    return _bars(ask, ask.params.text("symbol"))


def _bars(ask: Ask, symbol: str) -> Any:
    word = ask.params.text("interval")
    interval_ns = public.INTERVALS.get(word)
    if interval_ns is None or (ask.market.futures and word == "1s"):
        raise ApiError(-1120, "Invalid interval.")
    begin, end = _window(ask.params)
    most = 1_500 if ask.market.futures else 1_000
    if ask.market.futures and (ask.params.integer("limit") or 0) > most:
        raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
    found = ask.market.tape(symbol).bars(
        interval_ns, ask.now_ns, ask.params.limit(500, most), start_ns=begin, end_ns=end
    )
    return rest.klines(ask.market.exchange, found)


def _continuous(ask: Ask) -> Any:
    pair, kind = ask.params.text("pair"), ask.params.text("contractType")
    for instrument in ask.market.of_pair(pair):
        if rest.contract_type(instrument, ask.now_ns) == kind:
            return _bars(ask, instrument.symbol)
    if not ask.market.of_pair(pair):
        raise ApiError(-4144, "Invalid pair.")
    raise ApiError(-4104, "Invalid contract type.")


def _average(ask: Ask) -> Any:
    return rest.average_price(ask.market.average(ask.params.text("symbol")))


def _day(ask: Ask) -> Any:
    chosen, one = _chosen(ask)
    kind = ask.params.text("type", "FULL")
    if kind not in {"FULL", "MINI"}:
        raise ApiError(-1130, "Data sent for parameter 'type' is not valid.")
    ticks = [ask.market.ticker(each.symbol) for each in chosen]
    return rest.day_tickers(ask.market.exchange, ticks, one=one, mini=kind == "MINI")


def _prices(ask: Ask) -> Any:
    chosen, one = _chosen(ask)
    return rest.prices(ask.market.exchange, [ask.market.ticker(each.symbol) for each in chosen], one=one)


def _tops(ask: Ask) -> Any:
    chosen, one = _chosen(ask)
    market = ask.market
    ticks = [
        TopTick(each.symbol, ask.now_ns, market.tape(each.symbol).update_id, *market.top(each.symbol))
        for each in chosen
    ]
    return rest.book_tickers(market.exchange, ticks, one=one)


def _premium(ask: Ask) -> Any:
    chosen, one = _chosen(ask)
    return rest.premium_index(ask.market.exchange, [ask.market.mark(each.symbol) for each in chosen], one=one)


def _funding(ask: Ask) -> Any:
    symbol = ask.params.text("symbol")
    if symbol:
        ask.market.instrument(symbol)
    begin, end = _window(ask.params)
    found: list[FundingTick] = [
        tick
        for tick in ask.market.funded
        if symbol in ("", tick.symbol)
        and (begin is None or tick.time_ns >= begin)
        and (end is None or tick.time_ns <= end)
    ]
    limit = ask.params.limit(100, 1_000)
    return rest.funding_rates(ask.market.exchange, found[:limit] if begin is not None else found[-limit:])


def _funding_info(ask: Ask) -> Any:
    del ask
    return rest.funding_info()


def _open_interest(ask: Ask) -> Any:
    mark = ask.market.mark(ask.params.text("symbol"))
    return rest.open_interest(ask.market.exchange, mark.symbol, mark.open_interest, ask.now_ns)
