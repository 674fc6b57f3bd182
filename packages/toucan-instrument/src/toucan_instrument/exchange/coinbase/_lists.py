"""Coinbase's lists: the instruments, and their 24 h volumes; facts 2 and 9."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from toucan_instrument.decimals import EXACT, decimal_of
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.coinbase._rest import HEADERS, SECOND
from toucan_instrument.exchange.coinbase._symbols import ADVANCED, EXCHANGE, parse_symbol
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus, QuantityUnit
from toucan_instrument.rest import Request
from toucan_instrument.rows import UNREADABLE, each_row
from toucan_instrument.rules import TradingRules
from toucan_instrument.timestamps import from_iso

__all__ = [
    "decode_instruments",
    "decode_volumes",
    "instruments_request",
    "more_instruments",
    "more_volumes",
    "volumes_request",
]

PAGE = 500
_SORTS = ("SPOT", "FUTURE")
"""Advanced Trade lists one sort of product at a time; the default is the first (facts 2.2)."""
_ADVANCED_PATH = "/api/v3/brokerage/market/products"


def instruments_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for the products; of Advanced Trade for the first page of its spot markets."""
    if exchange is ADVANCED:
        return _page(base_url, _SORTS[0], 0)
    return _get(f"{base_url}/products")


def more_instruments(exchange: Exchange, request: Request, body: bytes) -> tuple[Request, ...]:
    """Return what is to be asked for after a page: the next one, or the first of the futures.

    Raises:
        PayloadError: It is no such page.
    """
    if exchange is EXCHANGE:
        return ()
    page = _decode(_PAGE.decode, body, exchange)
    url = urlsplit(request.url)
    query = parse_qs(url.query)
    sort, offset = query["product_type"][0], int(query["offset"][0])
    base_url, seen = request.url.partition(_ADVANCED_PATH)[0], offset + len(page.products)
    # Whether the number counts the page or the list is not documented: either way this asks for the rest.
    if page.products and (len(page.products) >= PAGE or seen < (page.num_products or 0)):
        return (_page(base_url, sort, seen),)
    following = _SORTS[_SORTS.index(sort) + 1 :]
    return (_page(base_url, following[0], 0),) if following else ()


def volumes_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for 24 h volumes: the statistics of Exchange, the products of Advanced Trade."""
    if exchange is ADVANCED:
        return _page(base_url, _SORTS[0], 0)
    return _get(f"{base_url}/products/stats")


def more_volumes(exchange: Exchange, request: Request, body: bytes) -> tuple[Request, ...]:
    """Return what is to be asked for next; see `more_instruments`."""
    return more_instruments(exchange, request, body)


def _get(url: str) -> Request:
    return Request(method="GET", url=url, headers=HEADERS, timeout_ns=30 * SECOND)


def _page(base_url: str, sort: str, offset: int) -> Request:
    return _get(f"{base_url}{_ADVANCED_PATH}?product_type={sort}&limit={PAGE}&offset={offset}")


class _Page(msgspec.Struct):
    products: list[msgspec.Raw]
    num_products: int | None = None


class _Flags(msgspec.Struct, kw_only=True):
    status: str | None = None
    trading_disabled: bool = False
    is_disabled: bool = False
    cancel_only: bool = False
    auction_mode: bool = False
    post_only: bool = False
    limit_only: bool = False


class _Product(_Flags):
    """A product of Exchange, facts 2.1; the sizes and the most funds are of lists before 2022-06-30."""

    id: str
    base_currency: str
    quote_currency: str
    quote_increment: str | None = None
    base_increment: str | None = None
    min_market_funds: str | None = None
    max_market_funds: str | None = None
    base_min_size: str | None = None
    base_max_size: str | None = None
    max_slippage_percentage: str | None = None
    high_bid_limit_percentage: str | None = None


class _Future(msgspec.Struct):
    contract_expiry: str | None = None
    contract_size: str | None = None
    contract_root_unit: str | None = None
    funding_rate: str | None = None


class _Session(msgspec.Struct):
    """The trading day of the futures' exchange."""

    is_session_open: bool | None = None
    session_state: str | None = None


class _AdvancedProduct(_Flags):
    """A product of Advanced Trade, facts 2.2: numbers are texts, and empty where there is none."""

    product_id: str
    product_type: str = "SPOT"
    base_currency_id: str | None = None
    quote_currency_id: str | None = None
    price: str | None = None
    volume_24h: str | None = None
    base_increment: str | None = None
    quote_increment: str | None = None
    price_increment: str | None = None
    quote_min_size: str | None = None
    quote_max_size: str | None = None
    base_min_size: str | None = None
    base_max_size: str | None = None
    fcm_trading_session_details: _Session | None = None
    future_product_details: _Future | None = None


class _Stat(msgspec.Struct):
    stats_24hour: dict[str, Any] = {}


_PAGE = msgspec.json.Decoder(_Page)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_PRODUCT = msgspec.json.Decoder(_Product)
_ADVANCED_PRODUCT = msgspec.json.Decoder(_AdvancedProduct)
_STATS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STAT = msgspec.json.Decoder(_Stat, float_hook=Decimal)


def _decode(decode: Callable[[bytes], Any], body: bytes, exchange: Exchange) -> Any:
    try:
        return decode(body)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"a list of {exchange.value}", raw=body, cause=str(error)) from error


def decode_instruments(
    exchange: Exchange, body: bytes
) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
    """Read a list of products: the instruments, and the rows that could not be read with the reason.

    Unknown states are kept; one bad row is skipped, and harms no other. On Exchange a product that was
    delisted stays on the list for ever, as closed.

    Raises:
        PayloadError: It is no such list.
    """
    if exchange is ADVANCED:
        rows, read = _decode(_PAGE.decode, body, exchange).products, _advanced_instrument
    else:
        rows, read = _decode(_ROWS.decode, body, exchange), _instrument
    return each_row((("", raw) for raw in rows), read, named=("id", "product_id"))


def _instrument(raw: msgspec.Raw) -> Instrument:
    row = _PRODUCT.decode(raw)
    _named(row.id)
    status, word = _status(row)
    return Instrument(
        exchange=EXCHANGE,
        symbol=row.id,
        kind=InstrumentKind.SPOT,
        base=row.base_currency,
        quote=row.quote_currency,
        status=status,
        status_venue=word,
        rules=TradingRules(
            tick_size=_limit(row.quote_increment, "quote_increment"),
            step_size=_limit(row.base_increment, "base_increment"),
            min_quantity=_limit(row.base_min_size, "base_min_size"),
            max_quantity=_limit(row.base_max_size, "base_max_size"),
            min_notional=_limit(row.min_market_funds, "min_market_funds"),
            unknown=_others(row, "max_market_funds", "max_slippage_percentage", "high_bid_limit_percentage"),
        ),
    )


def _advanced_instrument(raw: msgspec.Raw) -> Instrument:
    row = _ADVANCED_PRODUCT.decode(raw)
    _named(row.product_id)
    status, word = _status(row)
    session = row.fcm_trading_session_details
    if status is InstrumentStatus.TRADING and session is not None and session.is_session_open is False:
        status, word = InstrumentStatus.HALTED, session.session_state or "session closed"
    guess = parse_symbol(ADVANCED, row.product_id)
    spot = row.product_type == "SPOT"
    base, quote = row.base_currency_id or guess.base, row.quote_currency_id or guess.quote
    kind, expiry, size = guess.kind, guess.expiry_ns, Decimal(1)
    if not spot:
        details = row.future_product_details or _Future()
        base, quote = details.contract_root_unit or base, quote or "USD"
        # A perpetual says EXPIRING too, and a day in 2030: what tells it is that it has a funding rate (9).
        kind = InstrumentKind.PERPETUAL if details.funding_rate else InstrumentKind.FUTURE
        size = _limit(details.contract_size, "contract_size") or guess.contract_size
        expiry = None if kind is InstrumentKind.PERPETUAL else _expiry(details, guess)
    return Instrument(
        exchange=ADVANCED,
        symbol=row.product_id,
        kind=kind,
        base=base,
        quote=quote,
        settle="" if spot else quote,
        expiry_ns=expiry,
        contract_size=size,
        quantity_unit=QuantityUnit.BASE if spot else QuantityUnit.CONTRACTS,
        status=status,
        status_venue=word,
        rules=TradingRules(
            tick_size=_limit(row.price_increment or row.quote_increment, "price_increment"),
            step_size=_limit(row.base_increment, "base_increment"),
            min_quantity=_limit(row.base_min_size, "base_min_size"),
            max_quantity=_limit(row.base_max_size, "base_max_size"),
            min_notional=_limit(row.quote_min_size, "quote_min_size"),
            max_notional=_limit(row.quote_max_size, "quote_max_size"),
        ),
    )


def _named(symbol: str) -> None:
    if not symbol:
        raise InvalidInput("a row without a symbol", field="symbol", value=symbol)


def _expiry(details: _Future, guess: Instrument) -> int | None:
    return from_iso(details.contract_expiry) if details.contract_expiry else guess.expiry_ns


def _limit(text: str | None, field: str) -> Decimal | None:
    """Return a limit; zero, or nothing, means that there is none."""
    number = decimal_of(text, field=field) if text else None
    if number is not None and number < 0:
        raise InvalidInput("a limit is not below zero", field=field, value=number)
    return number or None


def _others(row: _Product, *names: str) -> tuple[str, ...]:
    """Return the rules that `TradingRules` has no name for, as JSON."""
    found = ((name, getattr(row, name)) for name in names)
    return tuple(msgspec.json.encode({name: value}).decode() for name, value in found if value)


_STATUS = {
    "": InstrumentStatus.TRADING,  # so it is for futures (facts 2.2); the flags come first
    "online": InstrumentStatus.TRADING,
    "offline": InstrumentStatus.HALTED,
    "internal": InstrumentStatus.HALTED,
    "delisted": InstrumentStatus.CLOSED,
}
_BY_FLAG = {
    "trading_disabled": InstrumentStatus.HALTED,
    "is_disabled": InstrumentStatus.HALTED,
    "view_only": InstrumentStatus.HALTED,
    "cancel_only": InstrumentStatus.CANCEL_ONLY,
    "auction_mode": InstrumentStatus.PRE_TRADING,  # orders are collected, and not matched one by one
    "post_only": InstrumentStatus.PRE_TRADING,
    "limit_only": InstrumentStatus.TRADING,
}


def _status(row: _Flags) -> tuple[InstrumentStatus, str]:
    """Return whether it can be traded, and the word or the flag that says so."""
    word = row.status or ""
    status = _STATUS.get(word, InstrumentStatus.UNKNOWN)
    if status is InstrumentStatus.TRADING:
        for flag, meant in _BY_FLAG.items():
            if getattr(row, flag, False):
                return meant, flag
    return status, word


def decode_volumes(exchange: Exchange, body: bytes) -> dict[str, Decimal]:
    """Read 24 h volumes: in the quote asset by symbol; rows that are odd are left out.

    Coinbase counts the base asset, or contracts: each volume is valued at the last price, so it is near what
    was paid, not equal to it.

    Raises:
        PayloadError: It is no such list.
    """
    if exchange is ADVANCED:
        found = [_advanced_volume(raw) for raw in _decode(_PAGE.decode, body, exchange).products]
    else:
        found = [_volume(symbol, raw) for symbol, raw in _decode(_STATS.decode, body, exchange).items()]
    return {symbol: volume for symbol, volume in found if volume is not None}


def _volume(symbol: str, raw: msgspec.Raw) -> tuple[str, Decimal | None]:
    try:
        stats = _STAT.decode(raw).stats_24hour
        return symbol, EXACT.multiply(decimal_of(stats["volume"]), decimal_of(stats["last"]))
    except (*UNREADABLE, KeyError):
        return symbol, None


def _advanced_volume(raw: msgspec.Raw) -> tuple[str, Decimal | None]:
    try:
        row = _ADVANCED_PRODUCT.decode(raw)
        worth = EXACT.multiply(decimal_of(row.volume_24h), decimal_of(row.price))
        return row.product_id, EXACT.multiply(worth, _advanced_instrument(raw).contract_size)
    except UNREADABLE:
        return "", None
