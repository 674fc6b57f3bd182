"""How Bybit spells its symbols; facts 2."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

from toucan_instrument.asset import upper_ascii
from toucan_instrument.decimals import EXACT, plain
from toucan_instrument.errors import InvalidInput
from toucan_instrument.exchange import Exchange
from toucan_instrument.instrument import Instrument, InstrumentKind, QuantityUnit
from toucan_instrument.symbol import OptionKind, UnifiedSymbol, expiry_at, parse_unified

__all__ = ["INVERSE", "LINEAR", "OPTION", "SPOT", "parse_symbol", "symbol_of"]

SPOT, LINEAR, INVERSE, OPTION = (
    Exchange.BYBIT_SPOT,
    Exchange.BYBIT_LINEAR,
    Exchange.BYBIT_INVERSE,
    Exchange.BYBIT_OPTION,
)

DELIVERY_HOUR = 8
"""Dated contracts and options are delivered at 08:00 UTC: so say all recorded delivery times."""
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_QUARTERS = {"H": 3, "M": 6, "U": 9, "Z": 12}
_LETTERS = {month: letter for letter, month in _QUARTERS.items()}
FRIDAY = 4
DECEMBER = 12

# Quote assets of spot, for symbols that are taken unchecked; a list of instruments knows better. Where one
# ends in another the longer comes first.
_QUOTES = ("USDT", "USDC", "USDE", "USDQ", "USDR", "USD1", "RLUSD", "XUSD", "BTC", "ETH", "SOL", "MNT",
           "DAI", "EUR", "BRZ", "BRL", "PLN", "TRY", "USD")  # fmt: skip
USUAL_LENGTH = 2

_DAY = r"(?P<day>[0-9]{1,2})(?P<month>[A-Z]{3})(?P<year>[0-9]{2})"
_DATED = re.compile(rf"(?P<pair>.+)-{_DAY}", re.DOTALL)
_QUARTERLY = re.compile(r"(?P<base>.+?)USD(?P<letter>[HMUZ])(?P<year>[0-9]{2})", re.DOTALL)
_OPTION = re.compile(
    rf"(?P<base>.+?)-{_DAY}-(?P<strike>[0-9]{{1,20}}(?:\.[0-9]{{1,20}})?)-(?P<kind>[CP])(?:-(?P<quote>USDT))?",
    re.DOTALL,
)


def parse_symbol(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument by its symbol's spelling alone: for symbols that are taken unchecked.

    It never fails: where the parts cannot be told apart the symbol itself is the base, the quote is empty
    and so the unified symbol is the symbol. Rules and status are not known.
    """
    return {SPOT: _spot, LINEAR: _linear, INVERSE: _inverse, OPTION: _option}[exchange](symbol)


def _spot(symbol: str) -> Instrument:
    base, quote = _split(symbol)
    return Instrument(exchange=SPOT, symbol=symbol, kind=InstrumentKind.SPOT, base=base, quote=quote)


def _split(symbol: str) -> tuple[str, str]:
    """Split at the longest known quote that leaves an asset of the usual length, else any."""
    found = [
        (symbol[: -len(quote)], quote) for quote in _QUOTES if symbol.endswith(quote) and symbol != quote
    ]
    usual = [pair for pair in found if len(pair[0]) >= USUAL_LENGTH]
    return next(iter(usual or found), (symbol, ""))


def _linear(symbol: str) -> Instrument:
    match = _DATED.fullmatch(symbol)
    expiry = _day_of(match) if match is not None else None
    if match is not None and expiry is not None:  # BTCUSDT-21FEB25, and BTC-24MAR23 in USDC
        base, quote = match["pair"], "USDC"
        if base.endswith("USDT") and base != "USDT":
            base, quote = base.removesuffix("USDT"), "USDT"
    else:
        base, quote = next(
            (
                (symbol.removesuffix(end), quote)
                for end, quote in (("USDT", "USDT"), ("PERP", "USDC"))
                if symbol.endswith(end) and symbol != end
            ),
            (symbol, ""),
        )
    return Instrument(
        exchange=LINEAR,
        symbol=symbol,
        kind=InstrumentKind.PERPETUAL if expiry is None else InstrumentKind.FUTURE,
        base=base,
        quote=quote,
        settle=quote,
        expiry_ns=expiry,
    )


def _inverse(symbol: str) -> Instrument:
    match = _QUARTERLY.fullmatch(symbol)
    expiry = None
    if match is not None:  # BTCUSDH23
        base, quote = match["base"], "USD"
        expiry = _quarter_end(2000 + int(match["year"]), _QUARTERS[match["letter"]])
    elif symbol.endswith("USD") and symbol != "USD":
        base, quote = symbol.removesuffix("USD"), "USD"
    else:
        base, quote = symbol, ""
    return Instrument(
        exchange=INVERSE,
        symbol=symbol,
        kind=InstrumentKind.PERPETUAL if expiry is None else InstrumentKind.FUTURE,
        base=base,
        quote=quote,
        settle=base if quote else "",
        expiry_ns=expiry,
        inverse=True,
        quantity_unit=QuantityUnit.CONTRACTS,
    )


def _option(symbol: str) -> Instrument:
    match = _OPTION.fullmatch(symbol)
    expiry = _day_of(match) if match is not None else None
    if match is None or expiry is None:
        return Instrument(exchange=OPTION, symbol=symbol, kind=InstrumentKind.OPTION, base=symbol, quote="")
    quote = match["quote"] or "USDC"
    return Instrument(
        exchange=OPTION,
        symbol=symbol,
        kind=InstrumentKind.OPTION,
        base=match["base"],
        quote=quote,
        settle=quote,
        expiry_ns=expiry,
        strike=Decimal(match["strike"]),
        option=OptionKind.CALL if match["kind"] == "C" else OptionKind.PUT,
    )


def _day_of(match: re.Match[str]) -> int | None:
    """Return the moment of delivery that a symbol names, None if that is no day."""
    if match["month"] not in _MONTHS:
        return None
    month = _MONTHS.index(match["month"]) + 1
    try:
        return expiry_at(f"{match['year']}{month:02}{int(match['day']):02}", DELIVERY_HOUR)
    except ValueError:
        return None


def _last_friday(year: int, month: int) -> date:
    end = date(year + month // DECEMBER, month % DECEMBER + 1, 1) - timedelta(days=1)
    return end - timedelta(days=(end.weekday() - FRIDAY) % 7)


def _quarter_end(year: int, month: int) -> int:
    return expiry_at(_last_friday(year, month).strftime("%y%m%d"), DELIVERY_HOUR)


def symbol_of(exchange: Exchange, unified: str) -> str:
    """Return the venue's spelling of a unified symbol, by the grammar alone.

    Raises:
        InvalidInput: It is no unified symbol, or of a sort that this market does not trade.
    """
    parts = parse_unified(unified)
    base, quote, settle = upper_ascii(parts.base), upper_ascii(parts.quote), upper_ascii(parts.settle)
    spell = {SPOT: _spell_spot, LINEAR: _spell_linear, INVERSE: _spell_inverse, OPTION: _spell_option}
    symbol = spell[exchange](parts, base, quote, settle)
    if symbol is None:
        raise InvalidInput(
            f"{exchange.value} does not trade that sort of instrument",
            field="symbol",
            value=unified,
            accepted={
                SPOT: "BTC/USDT",
                LINEAR: "BTC/USDT:USDT, BTC/USDC:USDC or BTC/USDT:USDT-261225",
                INVERSE: "BTC/USD:BTC, or BTC/USD:BTC-261225: the last Friday of a quarter",
                OPTION: "BTC/USDT:USDT-261225-60000-C or BTC/USDC:USDC-261225-60000-C",
            }[exchange],
        )
    return symbol


def _spell_spot(parts: UnifiedSymbol, base: str, quote: str, settle: str) -> str | None:
    return None if settle or parts.expiry else f"{base}{quote}"


def _spell_linear(parts: UnifiedSymbol, base: str, quote: str, settle: str) -> str | None:
    if settle != quote or quote not in ("USDT", "USDC") or parts.option is not None:
        return None
    pair = f"{base}USDT" if quote == "USDT" else base
    if parts.expiry_day is not None:
        return f"{pair}-{_spell_day(parts.expiry_day, padded=True)}"
    return pair if quote == "USDT" else f"{pair}PERP"


def _spell_inverse(parts: UnifiedSymbol, base: str, quote: str, settle: str) -> str | None:
    if settle != base or quote != "USD" or parts.option is not None:
        return None
    day = parts.expiry_day
    if day is None:
        return f"{base}USD"
    if day.month not in _LETTERS or day != _last_friday(day.year, day.month):
        return None
    return f"{base}USD{_LETTERS[day.month]}{day:%y}"


def _spell_option(parts: UnifiedSymbol, base: str, quote: str, settle: str) -> str | None:
    # The older list says USD of what is settled in USDC.
    usual = settle in ("USDT", "USDC") and (quote == settle or (quote == "USD" and settle == "USDC"))
    if parts.option is None or parts.expiry_day is None or parts.strike is None or not usual:
        return None
    tail = "-USDT" if settle == "USDT" else ""
    strike = plain(parts.strike.normalize(EXACT))
    return f"{base}-{_spell_day(parts.expiry_day)}-{strike}-{parts.option.value[0].upper()}{tail}"


def _spell_day(day: date, *, padded: bool = False) -> str:
    """Spell a day; futures pad it to two digits (``07AUG26``), options do not (``6JAN23``)."""
    return (
        f"{day.day:02}{_MONTHS[day.month - 1]}{day:%y}"
        if padded
        else f"{day.day}{_MONTHS[day.month - 1]}{day:%y}"
    )
