"""How Coinbase spells its symbols; facts 2 and 9."""

from __future__ import annotations

import re
from decimal import Decimal

from toucan_instrument.asset import upper_ascii
from toucan_instrument.errors import InvalidInput
from toucan_instrument.exchange import Exchange
from toucan_instrument.instrument import Instrument, InstrumentKind, QuantityUnit
from toucan_instrument.symbol import expiry_at, parse_unified

__all__ = ["ADVANCED", "EXCHANGE", "parse_symbol", "stream_symbol", "symbol_of"]

EXCHANGE, ADVANCED = Exchange.COINBASE, Exchange.COINBASE_ADVANCED

_FUTURE = re.compile(r"(?P<root>[^-]+)-(?P<day>[0-9]{2})(?P<month>[A-Z]{3})(?P<year>[0-9]{2})-CDE")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CENT = Decimal("0.01")
_INTX = "-PERP-INTX"
"""How the international perpetuals ended that Advanced Trade had until 2026-10-01: for recordings (9)."""
_ROOTS = {"BIT": ("BTC", _CENT, False), "BIP": ("BTC", _CENT, True)}
"""What a future's first word says, as far as the facts tell (9): base, size of a contract, perpetual."""
_OWN_BOOKS = ("USDT-USDC", "EURC-USDC")
"""The pairs in USDC that are no other name of the pair in USD; facts 2."""


def parse_symbol(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument by its symbol's spelling alone: for symbols that are taken unchecked.

    It never fails: where the parts cannot be told apart the symbol itself is the base, the quote is empty
    and so the unified symbol is the symbol. A future's asset and contract size stand in the list; by the
    spelling only those of the bitcoin contracts are known, others get no quote and a size of 1. Its expiry
    is the beginning of its day: only the list has the hour.
    """
    future = _FUTURE.fullmatch(symbol) if exchange is ADVANCED else None
    if future is not None:
        return _future(symbol, future)
    if exchange is ADVANCED and symbol.endswith(_INTX) and symbol != _INTX:
        return _international(symbol)
    base, _, quote = symbol.rpartition("-")
    known = bool(base and quote)
    return Instrument(
        exchange=exchange,
        symbol=symbol,
        kind=InstrumentKind.SPOT,
        base=base if known else symbol,
        quote=quote if known else "",
    )


def _future(symbol: str, match: re.Match[str]) -> Instrument:
    base, size, perpetual = _ROOTS.get(match["root"], (symbol, Decimal(1), False))
    expiry = None if perpetual else _expiry(match)
    known = base != symbol and (perpetual or expiry is not None)
    return Instrument(
        exchange=ADVANCED,
        symbol=symbol,
        kind=InstrumentKind.PERPETUAL if perpetual else InstrumentKind.FUTURE,
        base=base if known else symbol,
        quote="USD" if known else "",
        settle="USD" if known else "",
        expiry_ns=expiry,
        contract_size=size,
        quantity_unit=QuantityUnit.CONTRACTS,
    )


def _international(symbol: str) -> Instrument:
    return Instrument(
        exchange=ADVANCED,
        symbol=symbol,
        kind=InstrumentKind.PERPETUAL,
        base=symbol.removesuffix(_INTX),
        quote="USDC",
        settle="USDC",
    )


def _expiry(match: re.Match[str]) -> int | None:
    if match["month"] not in _MONTHS:
        return None
    month = _MONTHS.index(match["month"]) + 1
    try:
        return expiry_at(f"{match['year']}{month:02}{match['day']}", 0)
    except ValueError:
        return None


def symbol_of(exchange: Exchange, unified: str) -> str:
    """Return the venue's spelling of a unified symbol, by the grammar alone.

    Raises:
        InvalidInput: It is no unified symbol; or it is of a derivative, whose spelling begins with a word of
            the venue's that its list alone explains.
    """
    parts = parse_unified(unified)
    if parts.settle:
        accepted = "BTC/USD"
        if exchange is ADVANCED:
            accepted += "; a future by its own symbol, such as BIT-24APR26-CDE"
        raise InvalidInput(
            f"{exchange.value} does not spell that by a rule",
            field="symbol",
            value=unified,
            accepted=accepted,
        )
    return f"{upper_ascii(parts.base)}-{upper_ascii(parts.quote)}"


def stream_symbol(exchange: Exchange, symbol: str) -> str:
    """Return the symbol under which the streams send an instrument.

    Advanced Trade keeps one book for a pair in USD and in USDC: it answers a subscription of ``BTC-USDC``
    with ``BTC-USD`` (facts 2). Exchange lists no such second name.
    """
    if exchange is ADVANCED and symbol.endswith("-USDC") and symbol not in _OWN_BOOKS:
        return symbol[:-1]
    return symbol
