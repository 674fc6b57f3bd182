"""Bybit's lists: the instruments with their trading rules, and the 24 h volumes; facts 2."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.bybit._rest import SECOND, category
from toucan_instrument.exchange.bybit._symbols import INVERSE, LINEAR, OPTION, SPOT, parse_symbol
from toucan_instrument.instrument import (
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    OptionKind,
    QuantityUnit,
)
from toucan_instrument.rest import Request
from toucan_instrument.rows import each_row
from toucan_instrument.rules import TradingRules
from toucan_instrument.timestamps import from_ms

__all__ = [
    "decode_instruments",
    "decode_volumes",
    "instruments_request",
    "more_instruments",
    "more_volumes",
    "volumes_request",
]

INFO, TICKERS = "/v5/market/instruments-info", "/v5/market/tickers"
COINS = "/v5/market/option-base-coins"
"""Options are listed by base coin, BTC where none is named; this says which there are (since 2026-09)."""
FIRST_COIN = "BTC"
PRE_LAUNCH = "PreLaunch"


def _get(base_url: str, path: str, query: str = "") -> Request:
    address = f"{base_url}{path}?{query}" if query else f"{base_url}{path}"
    return Request(method="GET", url=address, timeout_ns=30 * SECOND)


def _query(exchange: Exchange, coin: str) -> str:
    query = f"category={category(exchange)}"
    return f"{query}&baseCoin={quote(coin, safe='')}" if exchange is OPTION else query


def instruments_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for the first page of instruments; spot has but one, and no pages."""
    pages = "" if exchange is SPOT else "&limit=1000"
    return _get(base_url, INFO, f"{_query(exchange, FIRST_COIN)}{pages}")


def volumes_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for the 24 h statistics; those of options come by base coin."""
    return _get(base_url, TICKERS, _query(exchange, FIRST_COIN))


class _Result(msgspec.Struct):
    listed: list[msgspec.Raw] | None = msgspec.field(default=None, name="list")
    next_page_cursor: str | None = msgspec.field(default=None, name="nextPageCursor")

    @property
    def rows(self) -> Sequence[msgspec.Raw]:
        """Its rows, none where it has no list."""
        return self.listed or ()


class _Answer(msgspec.Struct):
    result: _Result


class _Coin(msgspec.Struct, rename="camel"):
    base_coin: str
    has_symbol: int = 1


_ANSWER = msgspec.json.Decoder(_Answer)
_COIN = msgspec.json.Decoder(_Coin)


def _result(what: str, body: bytes) -> _Result:
    try:
        return _ANSWER.decode(body).result
    except (ValueError, RecursionError) as error:
        raise PayloadError(what, raw=body, cause=str(error)) from error


def more_instruments(exchange: Exchange, request: Request, body: bytes) -> list[Request]:
    """Return what is to be asked for after an answer: pages, what is yet to be launched, other base coins.

    Raises:
        PayloadError: The answer cannot be read.
    """
    result = _result(f"instruments of {exchange.value}", body)
    base_url, path, query = _parts(request)
    if path.endswith(COINS):
        return [_get(base_url, INFO, f"{_query(exchange, coin)}&limit=1000") for coin in _other_coins(result)]
    more = []
    cursor = result.next_page_cursor or ""
    if "%" not in cursor:  # it comes percent-encoded
        cursor = quote(cursor, safe="")
    asked = query.partition("&cursor=")[0]
    if cursor and f"&cursor={cursor}" not in query and result.rows:
        more.append(_get(base_url, INFO, f"{asked}&cursor={cursor}"))
    if "cursor=" not in query and "status=" not in query:
        if exchange in (LINEAR, INVERSE):  # the usual list has what is trading alone
            more.append(_get(base_url, INFO, f"{asked}&status={PRE_LAUNCH}"))
        elif exchange is OPTION and _is_first(query):
            more.append(_get(base_url, COINS))
    return more


def more_volumes(exchange: Exchange, request: Request, body: bytes) -> list[Request]:
    """Return what is to be asked for after an answer: the statistics of other base coins' options.

    Raises:
        PayloadError: The answer cannot be read.
    """
    if exchange is not OPTION:
        return []
    base_url, path, query = _parts(request)
    if path.endswith(COINS):
        coins = _other_coins(_result(f"24 h statistics of {exchange.value}", body))
        return [_get(base_url, TICKERS, _query(exchange, coin)) for coin in coins]
    return [_get(base_url, COINS)] if _is_first(query) else []


def _parts(request: Request) -> tuple[str, str, str]:
    """Return base address, path and query of what was asked for."""
    address, _, query = request.url.partition("?")
    path = urlsplit(address).path
    at = path.find("/v5/")
    return address[: len(address) - len(path) + at], path[at:], query


def _is_first(query: str) -> bool:
    return parse_qs(query).get("baseCoin") == [FIRST_COIN]


def _other_coins(result: _Result) -> list[str]:
    coins: dict[str, None] = {}
    for raw in result.rows:
        try:
            coin = _COIN.decode(raw)
        except (ValueError, RecursionError):
            continue
        if coin.base_coin and coin.has_symbol and coin.base_coin != FIRST_COIN:
            coins[coin.base_coin] = None
    return list(coins)


class _Listing(msgspec.Struct, rename="camel"):
    cur_auction_phase: str | None = None


class _Row(msgspec.Struct, rename="camel"):
    symbol: str = ""
    status: str | None = None
    contract_type: str | None = None
    base_coin: str | None = None
    quote_coin: str | None = None
    settle_coin: str | None = None
    options_type: str | None = None
    delivery_time: str | None = None
    pre_listing_info: _Listing | None = None
    price_filter: dict[str, Any] | None = None
    lot_size_filter: dict[str, Any] | None = None
    risk_parameters: msgspec.Raw = msgspec.Raw(b"{}")
    has_symbol: int | None = None


_ROW = msgspec.json.Decoder(_Row)

_STATUS = {
    PRE_LAUNCH: InstrumentStatus.PRE_TRADING,
    "Trading": InstrumentStatus.TRADING,
    "Delivering": InstrumentStatus.SETTLING,
    "Closed": InstrumentStatus.CLOSED,
}
CONTINUOUS = "ContinuousTrading"
"""The phase of a pre-market contract in which it is traded like any other."""


def decode_instruments(
    exchange: Exchange, body: bytes
) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
    """Read a page of instruments, and the rows that could not be read with the reason.

    Unknown words are kept; one bad row is skipped, and harms no other. A list of options' base coins holds
    no instruments.

    Raises:
        PayloadError: It is no such list.
    """

    def read(raw: msgspec.Raw) -> Instrument | None:
        row = _ROW.decode(raw)
        if row.has_symbol is not None and not row.symbol:
            return None
        return _instrument(exchange, row)

    rows = _result(f"instruments of {exchange.value}", body).rows
    return each_row((("", raw) for raw in rows), read)


def _instrument(exchange: Exchange, row: _Row) -> Instrument:
    if not row.symbol:
        raise InvalidInput("a row without a symbol", field="symbol", value=row.symbol)
    guess = parse_symbol(exchange, row.symbol)
    base, quote_coin = row.base_coin or guess.base, row.quote_coin or guess.quote
    kind = _kind(exchange, row, guess)
    delivery = int(row.delivery_time or 0)
    expiry = None
    if kind in (InstrumentKind.FUTURE, InstrumentKind.OPTION):
        expiry = from_ms(delivery) if delivery > 0 else guess.expiry_ns
    status = _STATUS.get(row.status or "", InstrumentStatus.UNKNOWN)
    phase = row.pre_listing_info.cur_auction_phase if row.pre_listing_info is not None else None
    if status is InstrumentStatus.PRE_TRADING and phase == CONTINUOUS:
        status = InstrumentStatus.TRADING
    inverse = exchange is INVERSE
    return Instrument(
        exchange=exchange,
        symbol=row.symbol,
        kind=kind,
        base=base,
        quote=quote_coin,
        settle="" if exchange is SPOT else row.settle_coin or (base if inverse else quote_coin),
        expiry_ns=expiry,
        strike=guess.strike,
        option=_OPTIONS.get(row.options_type or "", guess.option) if exchange is OPTION else None,
        inverse=inverse,
        quantity_unit=QuantityUnit.CONTRACTS if inverse else QuantityUnit.BASE,
        status=status,
        status_venue=row.status or "",
        rules=_rules(exchange, row),
    )


_OPTIONS = {"Call": OptionKind.CALL, "Put": OptionKind.PUT}


def _kind(exchange: Exchange, row: _Row, guess: Instrument) -> InstrumentKind:
    """Tell by the type first: a perpetual that is delisted has a delivery time too."""
    if exchange in (SPOT, OPTION):
        return guess.kind
    kind = row.contract_type or ""
    if kind.endswith("Perpetual"):
        return InstrumentKind.PERPETUAL
    if kind.endswith("Futures"):
        return InstrumentKind.FUTURE
    return guess.kind


def _rules(exchange: Exchange, row: _Row) -> TradingRules | None:
    prices, lots = row.price_filter or {}, row.lot_size_filter or {}
    if not prices and not lots:
        return None
    risk = bytes(row.risk_parameters).decode("utf-8", "replace")
    unknown: tuple[str, ...] = () if risk in ("{}", "null") else (f'{{"riskParameters":{risk}}}',)
    if exchange is SPOT:
        # Lowest quantity, and greatest worth, are no longer checked (Get Instruments Info, 2026-07).
        return TradingRules(
            tick_size=_number(prices, "tickSize"),
            step_size=_number(lots, "basePrecision"),
            max_quantity=_number(lots, "maxLimitOrderQty", "maxOrderQty"),
            market_max_quantity=_number(lots, "maxMarketOrderQty"),
            min_notional=_number(lots, "minOrderAmt"),
            unknown=unknown,
        )
    if exchange is INVERSE and "minNotionalValue" in lots:
        # In which unit is not documented; a quantity of these contracts is a worth already.
        unknown += (f'{{"minNotionalValue":"{lots["minNotionalValue"]}"}}',)
    return TradingRules(
        tick_size=_number(prices, "tickSize"),
        min_price=_number(prices, "minPrice"),
        max_price=_number(prices, "maxPrice"),
        step_size=_number(lots, "qtyStep"),
        min_quantity=_number(lots, "minOrderQty"),
        max_quantity=_number(lots, "maxOrderQty"),
        market_max_quantity=_number(lots, "maxMktOrderQty"),
        min_notional=None if exchange is INVERSE else _number(lots, "minNotionalValue"),
        unknown=unknown,
    )


def _number(fields: dict[str, Any], *keys: str) -> Decimal | None:
    """Return a limit, by the first of its names that is there; zero, or nothing, means that there is none.

    Raises:
        InvalidInput: It is no number, or below zero.
    """
    for key in keys:
        if value := fields.get(key):
            number = decimal_of(value, field=key)
            if number < 0:
                raise InvalidInput("a limit is not below zero", field=key, value=number)
            return number or None
    return None


class _Volume(msgspec.Struct, rename="camel"):
    symbol: str
    volume24h: str = ""
    turnover24h: str = ""


_VOLUME = msgspec.json.Decoder(_Volume)


def decode_volumes(exchange: Exchange, body: bytes) -> dict[str, Decimal]:
    """Read the 24 h statistics: volume in the quote asset by symbol; rows that are odd are left out.

    Inverse contracts are counted in USD, and their turnover in the base asset.

    Raises:
        PayloadError: It is no such list.
    """
    volumes: dict[str, Decimal] = {}
    for raw in _result(f"24 h statistics of {exchange.value}", body).rows:
        try:
            row = _VOLUME.decode(raw)
            text = row.volume24h if exchange is INVERSE else row.turnover24h
            if text:
                volumes[row.symbol] = decimal_of(text)
        except (ValueError, RecursionError):
            continue
    return volumes
