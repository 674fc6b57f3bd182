"""How OKX spells its instrument ids; facts 2."""

from __future__ import annotations

import re
from decimal import Decimal

from toucan_instrument.asset import upper_ascii
from toucan_instrument.decimals import EXACT, decimal_of, plain
from toucan_instrument.errors import InvalidInput
from toucan_instrument.exchange import Exchange
from toucan_instrument.instrument import Instrument, InstrumentKind, QuantityUnit
from toucan_instrument.symbol import OptionKind, expiry_at, parse_unified

__all__ = ["inst_type", "parse_symbol", "symbol_of"]

DELIVERY_HOUR = 8
"""Dated contracts are delivered at 08:00 UTC: so say the dates of all recorded lists."""
_ID = re.compile(
    r"(?P<base>[^-]+)-(?P<quote>[^-_]+)(?P<family>_[^-]+)?"
    r"(?:-(?P<tail>SWAP|[0-9]{6})(?:-(?P<strike>[0-9]+(?:\.[0-9]+)?)-(?P<option>[CP]))?)?"
)
UNKNOWN_SIZE = Decimal(0)

_TYPES = {
    InstrumentKind.SPOT: "SPOT",
    InstrumentKind.PERPETUAL: "SWAP",
    InstrumentKind.FUTURE: "FUTURES",
    InstrumentKind.OPTION: "OPTION",
}


def inst_type(kind: InstrumentKind) -> str:
    """Return the venue's word for a kind of instrument."""
    return _TYPES[kind]


def parse_symbol(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument by the spelling of its id alone: for symbols that are taken unchecked.

    It never fails: what is no id of a known form is taken as spot, with itself as the base, no quote and so
    itself as unified symbol. Rules and status are not known. How much of a coin a contract stands for is
    not in the id: `contract_size` is 0 then, and converting a quantity is refused; an inverse contract is
    of 100 USD for BTC and of 10 USD for the others (facts 2).
    """
    match = _ID.fullmatch(symbol)
    if match is None or (match["strike"] and match["tail"] == "SWAP"):
        return _opaque(exchange, symbol)
    base, quote, tail = match["base"], match["quote"], match["tail"]
    expiry = None
    if tail and tail != "SWAP":
        try:
            expiry = expiry_at(tail, DELIVERY_HOUR)
        except ValueError:  # six digits that are no day
            return _opaque(exchange, symbol)
    if tail is None:
        if match["family"]:
            return _opaque(exchange, symbol)
        return Instrument(exchange=exchange, symbol=symbol, kind=InstrumentKind.SPOT, base=base, quote=quote)
    # ``USD_UM`` is margined in dollars; a plain USD is margined in the coin.
    in_coin = quote == "USD" and not match["family"]
    strike = match["strike"]
    inverse = in_coin and not strike
    kind = InstrumentKind.PERPETUAL if expiry is None else InstrumentKind.FUTURE
    return Instrument(
        exchange=exchange,
        symbol=symbol,
        kind=InstrumentKind.OPTION if strike else kind,
        base=base,
        quote=quote,
        settle=base if in_coin else quote,
        expiry_ns=expiry,
        strike=decimal_of(strike) if strike else None,
        option={"C": OptionKind.CALL, "P": OptionKind.PUT}.get(match["option"] or ""),
        contract_size=Decimal(100 if base == "BTC" else 10) if inverse else UNKNOWN_SIZE,
        inverse=inverse,
        quantity_unit=QuantityUnit.CONTRACTS,
    )


def _opaque(exchange: Exchange, symbol: str) -> Instrument:
    return Instrument(exchange=exchange, symbol=symbol, kind=InstrumentKind.SPOT, base=symbol, quote="")


def symbol_of(exchange: Exchange, unified: str) -> str:
    """Return the venue's spelling of a unified symbol, by the grammar alone.

    Raises:
        InvalidInput: It is no unified symbol, or of a sort that is not traded.
    """
    parts = parse_unified(unified)
    base, quote, settle = upper_ascii(parts.base), upper_ascii(parts.quote), upper_ascii(parts.settle)
    if not settle:
        return f"{base}-{quote}"
    if settle not in (base, quote) or (settle == base and quote != "USD"):
        raise InvalidInput(
            f"{exchange.value} does not trade that sort of instrument",
            field="symbol",
            value=unified,
            accepted="BTC/USDT, BTC/USDT:USDT, BTC/USD:BTC or BTC/USD:BTC-261225-60000-C",
        )
    family = f"{base}-USD_UM" if settle == quote == "USD" else f"{base}-{quote}"
    if not parts.expiry:
        return f"{family}-SWAP"
    if parts.strike is None or parts.option is None:
        return f"{family}-{parts.expiry}"
    strike = plain(parts.strike.normalize(EXACT))
    return f"{family}-{parts.expiry}-{strike}-{parts.option.value[0].upper()}"
