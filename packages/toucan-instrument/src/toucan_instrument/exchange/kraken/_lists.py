"""Kraken's lists: the instruments, and their 24 h volumes; facts 2, 5, 6 and 7."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from toucan_instrument.decimals import EXACT, decimal_of
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.kraken._symbols import (
    FUTURES,
    SPOT,
    asset,
    parse_symbol,
    spelling,
    stream_symbol,
    symbol_of_pair,
)
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus, QuantityUnit
from toucan_instrument.rest import Request
from toucan_instrument.rows import each_row
from toucan_instrument.rules import TradingRules
from toucan_instrument.timestamps import from_iso

__all__ = [
    "decode_instruments",
    "decode_volumes",
    "instruments_request",
    "more_instruments",
    "volumes_request",
]

TIMEOUT_NS = 30_000_000_000
_LISTS = {SPOT: "/0/public/AssetPairs", FUTURES: "/derivatives/api/v3/instruments"}
_TICKERS = {SPOT: "/0/public/Ticker", FUTURES: "/derivatives/api/v3/tickers"}


def instruments_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for ``AssetPairs`` or ``instruments`` (facts 5 and 7)."""
    return Request(method="GET", url=base_url + _LISTS[exchange], timeout_ns=TIMEOUT_NS)


def more_instruments(exchange: Exchange, request: Request, body: bytes) -> tuple[Request, ...]:
    """Return the request for the pairs of tokenised stocks, which the list of all pairs leaves out."""
    del body
    if exchange is FUTURES or "?" in request.url:
        return ()
    return (msgspec.structs.replace(request, url=f"{request.url}?aclass_base=tokenized_asset"),)


def volumes_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for the tickers of all instruments."""
    return Request(method="GET", url=base_url + _TICKERS[exchange], timeout_ns=TIMEOUT_NS)


class _Pairs(msgspec.Struct):
    """``AssetPairs``."""

    result: dict[str, msgspec.Raw]


class _Pair(msgspec.Struct):
    """A row of ``AssetPairs``, or of the ``instrument`` channel, which calls the same by other names."""

    wsname: str = ""
    symbol: str = ""
    status: str = ""
    tick_size: Decimal | None = None
    price_increment: Decimal | None = None
    pair_decimals: int | None = None
    lot_decimals: int | None = None
    qty_increment: Decimal | None = None
    ordermin: Decimal | None = None
    qty_min: Decimal | None = None
    costmin: Decimal | None = None
    cost_min: Decimal | None = None


class _Channel(msgspec.Struct):
    """A frame of the ``instrument`` channel: its ``data`` is an object."""

    data: _ChannelData


class _ChannelData(msgspec.Struct):
    pairs: list[msgspec.Raw]


class _Instruments(msgspec.Struct):
    """``instruments`` of the futures."""

    instruments: list[msgspec.Raw]


class _Contract(msgspec.Struct, rename="camel"):
    symbol: str
    type: str = ""
    tick_size: Decimal | None = None
    contract_size: Decimal | None = None
    contract_value_trade_precision: int | None = None
    tradeable: bool | None = None
    post_only: bool = False
    is_expired: bool = False
    last_trading_time: str | None = None
    base: str = ""
    quote: str = ""


_PAIRS = msgspec.json.Decoder(_Pairs)
_PAIR = msgspec.json.Decoder(_Pair)
_CHANNEL = msgspec.json.Decoder(_Channel)
_INSTRUMENTS = msgspec.json.Decoder(_Instruments)
_CONTRACT = msgspec.json.Decoder(_Contract)
MOST_DECIMALS = 40

_STATUS = {  # facts 2
    "online": InstrumentStatus.TRADING,
    "limit_only": InstrumentStatus.TRADING,
    "reduce_only": InstrumentStatus.TRADING,
    "post_only": InstrumentStatus.PRE_TRADING,
    "work_in_progress": InstrumentStatus.PRE_TRADING,
    "cancel_only": InstrumentStatus.CANCEL_ONLY,
    "maintenance": InstrumentStatus.HALTED,
    "delisted": InstrumentStatus.CLOSED,
}


def decode_instruments(
    exchange: Exchange, body: bytes
) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
    """Read a list: the instruments, and the rows that could not be read with the reason.

    Of spot a frame of the ``instrument`` channel is read as well. Indices, which stand among the futures'
    instruments and cannot be traded, are left out. One bad row is skipped, and harms no other.

    Raises:
        PayloadError: It is no such list.
    """
    try:
        rows = _rows(exchange, body)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"instruments of {exchange.value}", raw=body, cause=str(error)) from error
    return each_row(rows, _contract if exchange is FUTURES else _pair)


def _rows(exchange: Exchange, body: bytes) -> Iterable[tuple[str, msgspec.Raw]]:
    """Return name, where that stands outside, and JSON of each row."""
    if exchange is FUTURES:
        return (("", raw) for raw in _INSTRUMENTS.decode(body).instruments)
    try:
        return _PAIRS.decode(body).result.items()
    except msgspec.ValidationError as error:
        try:
            return (("", raw) for raw in _CHANNEL.decode(body).data.pairs)
        except msgspec.ValidationError:
            raise error from None


def _pair(raw: msgspec.Raw) -> Instrument:
    row = _PAIR.decode(raw)
    symbol = row.symbol or stream_symbol(row.wsname)
    named = parse_symbol(SPOT, symbol)
    if not named.quote:
        raise InvalidInput("a pair that the streams have no name for", field="wsname", value=symbol)
    return msgspec.structs.replace(
        named,
        status=_STATUS.get(row.status, InstrumentStatus.UNKNOWN),
        status_venue=row.status,
        rules=TradingRules(
            tick_size=_limit("tick_size", row.price_increment or row.tick_size) or _step(row.pair_decimals),
            step_size=_limit("qty_increment", row.qty_increment) or _step(row.lot_decimals),
            min_quantity=_limit("ordermin", row.qty_min or row.ordermin),
            min_notional=_limit("costmin", row.cost_min or row.costmin),
        ),
    )


def _limit(field: str, number: Decimal | None) -> Decimal | None:
    """Return a limit; zero, or nothing, means that there is none."""
    if number is None or not decimal_of(number, field=field):
        return None
    if number < 0:
        raise InvalidInput("a limit is not below zero", field=field, value=number)
    return number


def _step(decimals: int | None) -> Decimal | None:
    """Return the step of a number of decimals; below zero they count zeros before the point."""
    if decimals is None:
        return None
    if not -MOST_DECIMALS <= decimals <= MOST_DECIMALS:
        raise InvalidInput("no step has so many digits", field="decimals", value=decimals)
    return Decimal((0, (1,), -decimals)) if decimals >= 0 else Decimal(10**-decimals)


def _contract(raw: msgspec.Raw) -> Instrument | None:
    row = _CONTRACT.decode(raw)
    if "index" in row.type:
        return None
    guess = parse_symbol(FUTURES, spelling(FUTURES, row.symbol))
    base, quote = asset(row.base) or guess.base, asset(row.quote) or guess.quote
    if not quote:
        raise InvalidInput("a contract whose assets are not known", field="symbol", value=row.symbol)
    inverse = row.type == "futures_inverse" or (not row.type and guess.inverse)
    expiry = _expiry(row, guess)
    word = _word(row)
    return Instrument(
        exchange=FUTURES,
        symbol=guess.symbol,
        kind=InstrumentKind.PERPETUAL if expiry is None else InstrumentKind.FUTURE,
        base=base,
        quote=quote,
        settle=base if inverse else quote,
        expiry_ns=expiry,
        contract_size=_contract_size(row) if inverse else Decimal(1),
        inverse=inverse,
        quantity_unit=QuantityUnit.CONTRACTS if inverse else QuantityUnit.BASE,
        status=_CONTRACT_STATUS[word],
        status_venue=word,
        rules=TradingRules(
            tick_size=_limit("tickSize", row.tick_size), step_size=_step(row.contract_value_trade_precision)
        ),
    )


def _expiry(row: _Contract, guess: Instrument) -> int | None:
    """Return when a contract ends; a perpetual one that is delisted may have a last trading time too."""
    if guess.quote and guess.kind is InstrumentKind.PERPETUAL:
        return None
    return guess.expiry_ns if row.last_trading_time is None else from_iso(row.last_trading_time)


def _contract_size(row: _Contract) -> Decimal:
    size = Decimal(1) if row.contract_size is None else decimal_of(row.contract_size, field="contractSize")
    if size <= 0:
        raise InvalidInput("no contract is of that size", field="contractSize", value=size)
    return size


_CONTRACT_STATUS = {
    "expired": InstrumentStatus.CLOSED,
    "not tradeable": InstrumentStatus.HALTED,
    "post only": InstrumentStatus.PRE_TRADING,
    "tradeable": InstrumentStatus.TRADING,
    "": InstrumentStatus.UNKNOWN,
}


def _word(row: _Contract) -> str:
    """Return the state of a contract, which the futures say in three fields."""
    if row.is_expired:
        return "expired"
    if row.tradeable is None:
        return ""
    if not row.tradeable:
        return "not tradeable"
    return "post only" if row.post_only else "tradeable"


class _PairTicker(msgspec.Struct):
    """A row of spot's ``Ticker``: volume and average price, of today and of 24 hours."""

    v: tuple[Decimal, Decimal]
    p: tuple[Decimal, Decimal]


class _Tickers(msgspec.Struct):
    tickers: list[msgspec.Raw]


class _ContractTicker(msgspec.Struct, rename="camel"):
    symbol: str
    volume_quote: Decimal | None = None
    vol24h: Decimal | None = None


_PAIR_TICKER = msgspec.json.Decoder(_PairTicker)
_TICKERS_OF = msgspec.json.Decoder(_Tickers)
_CONTRACT_TICKER = msgspec.json.Decoder(_ContractTicker)


def decode_volumes(exchange: Exchange, body: bytes) -> dict[str, Decimal]:
    """Read the tickers: volume in the quote asset by symbol; rows that are odd are left out.

    Of spot it is volume times average price. Inverse contracts are worth a fixed amount of the quote asset.

    Raises:
        PayloadError: It is no such list.
    """
    try:
        if exchange is SPOT:
            return dict(_pair_volumes(_PAIRS.decode(body).result))
        return dict(_contract_volumes(_TICKERS_OF.decode(body).tickers))
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"24 h volumes of {exchange.value}", raw=body, cause=str(error)) from error


def _pair_volumes(rows: dict[str, msgspec.Raw]) -> Iterable[tuple[str, Decimal]]:
    for name, raw in rows.items():
        symbol = symbol_of_pair(name)
        try:
            row = _PAIR_TICKER.decode(raw)
            worth = EXACT.multiply(decimal_of(row.v[1]), decimal_of(row.p[1]))
        except (ValueError, ArithmeticError, RecursionError):
            continue
        if symbol:
            yield symbol, worth


def _contract_volumes(rows: list[msgspec.Raw]) -> Iterable[tuple[str, Decimal]]:
    for raw in rows:
        try:
            row = _CONTRACT_TICKER.decode(raw)
            symbol = spelling(FUTURES, row.symbol)
            if row.volume_quote is not None:
                yield symbol, decimal_of(row.volume_quote)
            elif row.vol24h is not None and parse_symbol(FUTURES, symbol).inverse:
                yield symbol, decimal_of(row.vol24h)
        except (ValueError, ArithmeticError, RecursionError):
            continue
