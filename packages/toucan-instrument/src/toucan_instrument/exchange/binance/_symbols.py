"""How Binance spells its symbols; facts A.4 and C.3."""

from __future__ import annotations

import re
from decimal import Decimal

from toucan_instrument.asset import lower_ascii, upper_ascii
from toucan_instrument.errors import InvalidInput
from toucan_instrument.exchange import Exchange
from toucan_instrument.instrument import Instrument, InstrumentKind, QuantityUnit
from toucan_instrument.symbol import expiry_at, parse_unified

__all__ = ["DATED", "parse_symbol", "stream_name", "symbol_of", "symbol_of_stream"]

SPOT, US, USD_M, COIN_M = (
    Exchange.BINANCE_SPOT,
    Exchange.BINANCE_US_SPOT,
    Exchange.BINANCE_USD_M,
    Exchange.BINANCE_COIN_M,
)

# Quote assets, for symbols that are taken unchecked; a list of instruments knows better. Where one ends in
# another the longer comes first.
_QUOTES = {
    SPOT: (
        "FDUSD", "BFUSD", "RLUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "USDS", "USD1", "USDE", "EURI",
        "BIDR", "IDRT", "BVND", "BKRW", "GYEN", "BTC", "ETH", "BNB", "XRP", "TRX", "DOGE", "DOT", "SOL",
        "DAI", "PAX", "VAI", "EUR", "GBP", "AUD", "TRY", "BRL", "RUB", "UAH", "NGN", "ZAR", "PLN", "RON",
        "ARS", "JPY", "MXN", "CZK", "COP", "IDR", "KZT",
    ),  # no USD: there is no market in it, and ARBUSD is AR/BUSD
    # Binance.US never had TUSD, and all but everything there has a market in USD.
    US: ("USDT", "USDC", "BUSD", "BTC", "ETH", "BNB", "DAI", "USD"),
    USD_M: ("USDT", "USDC", "BUSD", "USD1", "BTC", "USD"),
}  # fmt: skip
USUAL_LENGTH = 3
_COIN_SYMBOL = re.compile(r"(?P<base>.+?)USD_(?P<tail>PERP|[0-9]{6})", re.DOTALL)
DATED = re.compile(r"(?P<pair>.+)_(?P<code>[0-9]{6})", re.DOTALL)
DELIVERY_HOUR = 8
"""Dated futures are delivered at 08:00 UTC: so say the delivery dates of all recorded lists."""


def parse_symbol(exchange: Exchange, symbol: str) -> Instrument:
    """Return an instrument by its symbol's spelling alone: for symbols that are taken unchecked.

    It never fails: where the parts cannot be told apart the symbol itself is the base, the quote is empty
    and so the unified symbol is the symbol. Rules and status are not known; a COIN-M contract is taken to
    be of 100 USD for BTC and of 10 USD for the others (facts C.3.4).
    """
    if exchange is COIN_M:
        return _coin_symbol(symbol)
    perpetual = exchange is USD_M
    pair, expiry = symbol, None
    if perpetual and (match := DATED.fullmatch(symbol)):
        expiry = _expiry(match["code"])
        pair = match["pair"] if expiry is not None else symbol
    base, quote = _split(exchange, pair)
    kind = InstrumentKind.SPOT
    if perpetual:
        kind = InstrumentKind.PERPETUAL if expiry is None else InstrumentKind.FUTURE
    return Instrument(
        exchange=exchange,
        symbol=symbol,
        kind=kind,
        base=base if quote else symbol,
        quote=quote,
        settle=quote if perpetual else "",
        expiry_ns=expiry,
    )


def _coin_symbol(symbol: str) -> Instrument:
    match = _COIN_SYMBOL.fullmatch(symbol)
    base, quote = (match["base"], "USD") if match else (symbol, "")
    dated = match is not None and match["tail"] != "PERP"
    expiry = _expiry(match["tail"]) if match is not None and dated else None
    if dated and expiry is None:  # six digits that are no day
        base, quote = symbol, ""
    return Instrument(
        exchange=COIN_M,
        symbol=symbol,
        kind=InstrumentKind.FUTURE if expiry is not None else InstrumentKind.PERPETUAL,
        base=base,
        quote=quote,
        settle=base if quote else "",
        expiry_ns=expiry,
        contract_size=Decimal(100 if base == "BTC" else 10),
        inverse=True,
        quantity_unit=QuantityUnit.CONTRACTS,
    )


def _split(exchange: Exchange, pair: str) -> tuple[str, str]:
    """Split at the longest known quote that leaves an asset of the usual length, else any.

    The asset is never USD, which is nobody's base: USDTUSD is USDT/USD, not USD/TUSD.
    """
    found = [
        (pair[: -len(quote)], quote)
        for quote in _QUOTES[exchange]
        if pair.endswith(quote) and pair not in {quote, f"USD{quote}"}
    ]
    usual = [(base, quote) for base, quote in found if len(base) >= USUAL_LENGTH]
    return next(iter(usual or found), (pair, ""))


def _expiry(code: str) -> int | None:
    try:
        return expiry_at(code, DELIVERY_HOUR)
    except ValueError:
        return None


def symbol_of(exchange: Exchange, unified: str) -> str:
    """Return the venue's spelling of a unified symbol, by the grammar alone.

    Raises:
        InvalidInput: It is no unified symbol, or of a sort that this market does not trade.
    """
    parts = parse_unified(unified)
    base, quote, settle = upper_ascii(parts.base), upper_ascii(parts.quote), upper_ascii(parts.settle)
    wanted = {
        SPOT: not settle,
        US: not settle,
        USD_M: bool(settle) and settle == quote,
        COIN_M: bool(settle) and settle == base and quote == "USD",
    }
    if parts.option is not None or not wanted[exchange]:
        raise InvalidInput(
            f"{exchange.value} does not trade that sort of instrument",
            field="symbol",
            value=unified,
            accepted={USD_M: "BTC/USDT:USDT", COIN_M: "BTC/USD:BTC"}.get(exchange, "BTC/USDT"),
        )
    tail = f"_{parts.expiry}" if parts.expiry else ("_PERP" if exchange is COIN_M else "")
    return f"{base}{quote}{tail}"


def stream_name(symbol: str) -> str:
    """Return a symbol as the names of streams spell it: ASCII letters in lower case, all else as it is."""
    return lower_ascii(symbol)


def symbol_of_stream(name: str) -> str:
    """Return the symbol that the name of a stream begins with, in the spelling of REST and of payloads.

    The name may be whole (``btcusdt@depth``) or the symbol alone; what is of no one symbol
    (``!miniTicker@arr``) gives an empty text.
    """
    return "" if name.startswith("!") else upper_ascii(name.partition("@")[0])
