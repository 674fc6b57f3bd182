"""How Kraken spells its symbols; facts 2, 6 and 10.5.

There are three name spaces: REST's of spot (``XXBTZUSD``), the streams' of spot (``BTC/USD``), and the
futures' (``PF_XBTUSD``). An instrument of spot is named as the streams name it.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from toucan_instrument.asset import lower_ascii, upper_ascii
from toucan_instrument.errors import InvalidInput
from toucan_instrument.exchange import Exchange
from toucan_instrument.instrument import Instrument, InstrumentKind, QuantityUnit
from toucan_instrument.symbol import expiry_at, parse_unified

__all__ = ["asset", "parse_symbol", "spelling", "stream_symbol", "symbol_of", "symbol_of_pair"]

SPOT, FUTURES = Exchange.KRAKEN_SPOT, Exchange.KRAKEN_FUTURES

_USUAL = {"XBT": "BTC", "XDG": "DOGE"}
_OWN = {usual: own for own, usual in _USUAL.items()}
_CONTRACT = re.compile(r"(?P<kind>[PF])(?P<sort>[FIV])_(?P<pair>.+?)(?:_(?P<code>[0-9]{6}))?", re.DOTALL)
_LEGACY = re.compile(
    r"[XZ](?P<base>[A-Z0-9]{3})[XZ](?P<quote>USD|EUR|GBP|CAD|JPY|AUD|XBT|ETH)|(?P<older>USDT)ZUSD"
)
"""A pair of REST whose assets have the letter before them that says whether it is money."""
# Quote assets, for names without a separator. Where one ends in another the longer comes first.
_QUOTES = (
    "RLUSD", "PYUSD", "USDT", "USDC", "USDG", "USDQ", "USDR", "EURC", "EURQ", "EURR", "USD", "EUR", "GBP",
    "CAD", "JPY", "AUD", "CHF", "XBT", "BTC", "ETH", "DAI", "SOL", "DOT",
)  # fmt: skip
CLOSE_HOUR_LONDON = 16


def asset(name: str) -> str:
    """Return an asset's usual name, of Kraken's own: XBT is BTC, XDG is DOGE."""
    return _USUAL.get(name, name)


def stream_symbol(wsname: str) -> str:
    """Return a pair's symbol on the streams by REST's ``wsname``, whose assets have the older names."""
    base, slash, quote = wsname.partition("/")
    return f"{asset(base)}{slash}{asset(quote)}"


def spelling(exchange: Exchange, text: str) -> str:
    """Return a symbol that a user wrote as Kraken would.

    Tokenised stocks have a small letter (``AAPLx/USD``, ``PF_AAPLxUSD``): only what is small throughout is
    made capital, and ``XBT`` is not known to the streams of spot.
    """
    small = text == lower_ascii(text)
    spelt = upper_ascii(text) if small else text
    return stream_symbol(spelt) if exchange is SPOT else spelt


def parse_symbol(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument by its symbol's spelling alone: for symbols that are taken unchecked.

    It never fails: where the parts cannot be told apart the symbol itself is the base, the quote is empty and
    so the unified symbol is the symbol. Rules and status are not known; an inverse contract is taken to be
    of 1 USD, as all recorded ones are.
    """
    if exchange is FUTURES:
        return _contract(symbol)
    base, slash, quote = symbol.partition("/")
    whole = bool(base and slash and quote) and "/" not in quote
    return Instrument(
        exchange=exchange,
        symbol=symbol,
        kind=InstrumentKind.SPOT,
        base=asset(base) if whole else symbol,
        quote=asset(quote) if whole else "",
    )


def _contract(symbol: str) -> Instrument:
    match = _CONTRACT.fullmatch(symbol)
    base, quote = split(match["pair"]) if match is not None else (symbol, "")
    dated = match is not None and match["kind"] == "F"
    expiry = _expiry(match["code"]) if match is not None and match["code"] else None
    if match is None or dated != (expiry is not None):
        base, quote = symbol, ""
    inverse = match is not None and match["sort"] == "I"
    return Instrument(
        exchange=FUTURES,
        symbol=symbol,
        kind=InstrumentKind.FUTURE if dated and expiry is not None else InstrumentKind.PERPETUAL,
        base=base if quote else symbol,
        quote=quote,
        settle=(base if inverse else quote) if quote else "",
        expiry_ns=expiry if dated else None,
        inverse=inverse,
        quantity_unit=QuantityUnit.CONTRACTS if inverse else QuantityUnit.BASE,
    )


def split(pair: str) -> tuple[str, str]:
    """Split a pair that is written without a separator at the longest quote that is known."""
    for quote in _QUOTES:
        base = pair.removesuffix(quote)
        if base and base != pair:
            return asset(base), asset(quote)
    return pair, ""


def symbol_of_pair(name: str) -> str:
    """Return the streams' symbol of REST's name of a pair, as it stands in answers about all pairs.

    ``XXBTZUSD``, ``XBTUSDT`` and ``BTC/USD`` are all met (facts 5); empty where it cannot be told.
    """
    if "/" in name:
        return stream_symbol(name)
    match = _LEGACY.fullmatch(name)
    if match is not None:
        return f"{asset(match['base'] or match['older'])}/{asset(match['quote'] or 'USD')}"
    base, quote = split(name)
    return f"{base}/{quote}" if quote else ""


def _expiry(code: str) -> int | None:
    """Return when a contract of that day ends: at 16:00 in London, so say all dates that were recorded."""
    try:
        return expiry_at(code, CLOSE_HOUR_LONDON - _summer(code))
    except ValueError:
        return None


def _summer(code: str) -> int:
    """Return 1 on days of British summer time: from the last Sunday of March to that of October."""
    day = date(2000 + int(code[:2]), int(code[2:4]), int(code[4:]))
    return int(_last_sunday(day.year, 3) <= day < _last_sunday(day.year, 10))


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=last.isoweekday() % 7)


def symbol_of(exchange: Exchange, unified: str) -> str:
    """Return Kraken's spelling of a unified symbol, by the grammar alone.

    A linear contract is one of the multi-collateral sort (``PF_``, ``FF_``).

    Raises:
        InvalidInput: It is no unified symbol, or of a sort that this market does not trade.
    """
    parts = parse_unified(unified)
    inverse = parts.settle == parts.base
    wanted = bool(parts.settle) == (exchange is FUTURES)
    if (
        parts.option is not None
        or not wanted
        or (parts.settle and parts.settle not in (parts.base, parts.quote))
    ):
        raise InvalidInput(
            f"{exchange.value} does not trade that sort of instrument",
            field="symbol",
            value=unified,
            accepted="BTC/USD:USD or BTC/USD:BTC" if exchange is FUTURES else "BTC/USD",
        )
    if exchange is SPOT:
        return f"{asset(parts.base)}/{asset(parts.quote)}"
    prefix = f"{'F' if parts.expiry else 'P'}{'I' if inverse else 'F'}"
    pair = f"{_OWN.get(parts.base, parts.base)}{_OWN.get(parts.quote, parts.quote)}"
    return f"{prefix}_{pair}{f'_{parts.expiry}' if parts.expiry else ''}"
