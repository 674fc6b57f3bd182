"""Binance's lists: the instruments, and their 24 h volumes; facts C.2 and C.3."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_instrument.decimals import EXACT, decimal_of
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.binance._filters import rules_of
from toucan_instrument.exchange.binance._rest import SECOND, rest_prefix
from toucan_instrument.exchange.binance._symbols import COIN_M, DATED, SPOT, US, USD_M, parse_symbol
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus, QuantityUnit
from toucan_instrument.rest import Request
from toucan_instrument.rows import each_row
from toucan_instrument.timestamps import from_ms

__all__ = ["decode_instruments", "decode_volumes", "instruments_request", "volumes_request"]


def instruments_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for ``exchangeInfo`` (facts C.2: weight 20 on spot, 1 on the futures)."""
    return Request(
        method="GET",
        url=f"{base_url}{rest_prefix(exchange)}/exchangeInfo",
        weight=20 if exchange in (SPOT, US) else 1,
        timeout_ns=30 * SECOND,
    )


def volumes_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for the 24 h statistics of all symbols (facts C.2: weight 80 and 40)."""
    return Request(
        method="GET",
        url=f"{base_url}{rest_prefix(exchange)}/ticker/24hr",
        weight=80 if exchange in (SPOT, US) else 40,
        timeout_ns=30 * SECOND,
    )


class _Info(msgspec.Struct):
    symbols: list[msgspec.Raw]


class _Row(msgspec.Struct, rename="camel"):
    symbol: str
    status: str | None = None
    contract_status: str | None = None  # COIN-M's word for it, C.3.4
    contract_type: str | None = None
    base_asset: str | None = None
    quote_asset: str | None = None
    margin_asset: str | None = None
    delivery_date: int | None = None
    contract_size: Decimal | None = None
    filters: list[msgspec.Raw] | None = None


_INFO = msgspec.json.Decoder(_Info)
_ROW = msgspec.json.Decoder(_Row)
NEVER_MS = 4_133_404_800_000
"""The delivery date of what is never delivered: 2100-12-25."""

_STATUS = {
    "TRADING": InstrumentStatus.TRADING,
    "PENDING_TRADING": InstrumentStatus.PRE_TRADING,
    "PRE_TRADING": InstrumentStatus.PRE_TRADING,
    "AUCTION_MATCH": InstrumentStatus.PRE_TRADING,
    "POST_TRADING": InstrumentStatus.HALTED,
    "END_OF_DAY": InstrumentStatus.HALTED,
    "HALT": InstrumentStatus.HALTED,
    "BREAK": InstrumentStatus.HALTED,
    "CANCEL_ONLY": InstrumentStatus.CANCEL_ONLY,
    "PRE_DELIVERING": InstrumentStatus.SETTLING,
    "DELIVERING": InstrumentStatus.SETTLING,
    "DELIVERED": InstrumentStatus.CLOSED,
    "PRE_SETTLE": InstrumentStatus.SETTLING,
    "SETTLING": InstrumentStatus.SETTLING,
    "CLOSE": InstrumentStatus.CLOSED,
}


def decode_instruments(
    exchange: Exchange, body: bytes
) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
    """Read ``exchangeInfo``: the instruments, and the rows that could not be read with the reason.

    Unknown statuses, contract types and filters are kept; one bad row is skipped, and harms no other.

    Raises:
        PayloadError: It is no such list.
    """
    try:
        rows = _INFO.decode(body).symbols
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"exchangeInfo of {exchange.value}", raw=body, cause=str(error)) from error
    return each_row((("", raw) for raw in rows), lambda raw: _instrument(exchange, _ROW.decode(raw)))


def _instrument(exchange: Exchange, row: _Row) -> Instrument:
    if not row.symbol:
        raise InvalidInput("a row without a symbol", field="symbol", value=row.symbol)
    word = row.contract_status or row.status or ""
    derivative, inverse = exchange in (USD_M, COIN_M), exchange is COIN_M
    guess = parse_symbol(exchange, row.symbol)
    base, quote = row.base_asset or guess.base, row.quote_asset or guess.quote
    kind, expiry = InstrumentKind.SPOT, None
    if derivative:
        kind = InstrumentKind.FUTURE if _is_dated(row) else InstrumentKind.PERPETUAL
    if kind is InstrumentKind.FUTURE:
        expiry = guess.expiry_ns if _never(row.delivery_date) else from_ms(row.delivery_date or 0)
    return Instrument(
        exchange=exchange,
        symbol=row.symbol,
        kind=kind,
        base=base,
        quote=quote,
        settle=(row.margin_asset or (base if inverse else quote)) if derivative else "",
        expiry_ns=expiry,
        contract_size=_contract_size(row, guess) if inverse else Decimal(1),
        inverse=inverse,
        quantity_unit=QuantityUnit.CONTRACTS if inverse else QuantityUnit.BASE,
        status=_STATUS.get(word, InstrumentStatus.UNKNOWN),
        status_venue=word,
        rules=rules_of(row.filters or (), futures=derivative),
    )


def _contract_size(row: _Row, guess: Instrument) -> Decimal:
    if row.contract_size is None:
        return guess.contract_size
    if decimal_of(row.contract_size, field="contractSize") <= 0:
        raise InvalidInput("no contract is of that size", field="contractSize", value=row.contract_size)
    return row.contract_size


def _never(delivery_date: int | None) -> bool:
    return delivery_date is None or delivery_date <= 0 or delivery_date == NEVER_MS


def _is_dated(row: _Row) -> bool:
    """Tell a dated contract, by its type first: a perpetual that is delisted gets a delivery date too.

    Types: facts C.3.3. It is empty for what is not traded yet; then the symbol says it.
    """
    kind = row.contract_type or ""
    if "PERPETUAL" in kind:  # also TRADIFI_PERPETUAL, PERPETUAL_DELIVERING
        return False
    in_symbol = DATED.fullmatch(row.symbol) is not None
    return in_symbol or (bool(kind) and not _never(row.delivery_date))


class _Volume(msgspec.Struct, rename="camel"):
    symbol: str
    volume: Decimal | None = None
    quote_volume: Decimal | None = None


_VOLUMES = msgspec.json.Decoder(list[msgspec.Raw])
_VOLUME = msgspec.json.Decoder(_Volume)


def decode_volumes(exchange: Exchange, body: bytes) -> dict[str, Decimal]:
    """Read the 24 h statistics: volume in the quote asset by symbol; rows that are odd are left out.

    COIN-M counts contracts, each worth a fixed amount of USD.

    Raises:
        PayloadError: It is no such list.
    """
    try:
        rows = _VOLUMES.decode(body)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"24 h statistics of {exchange.value}", raw=body, cause=str(error)) from error
    volumes: dict[str, Decimal] = {}
    for raw in rows:
        try:
            row = _VOLUME.decode(raw)
            if row.quote_volume is not None:
                volumes[row.symbol] = decimal_of(row.quote_volume)
            elif exchange is COIN_M and row.volume is not None:
                size = parse_symbol(exchange, row.symbol).contract_size
                volumes[row.symbol] = EXACT.multiply(decimal_of(row.volume), size)
        except (ValueError, RecursionError):
            continue
    return volumes
