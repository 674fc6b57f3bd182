"""What Binance's markets have in common where a message becomes a value: ids, times, numbers, origins.

Everything here is a pure function of the message and a `Scope`. What a message holds can make it raise
`PayloadError` and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from toucan_execution.client.binance.messages import Id, loose
from toucan_execution.client.binance.words import SIDES, STATUSES, Strange, look_up
from toucan_execution.orders import ZERO, OrderOrigin, OrderStatus
from toucan_instrument import Exchange, Instrument, Side
from toucan_instrument.decimals import EXACT
from toucan_instrument.errors import PayloadError
from toucan_instrument.exchange.binance import parse_symbol
from toucan_instrument.timestamps import from_digits, from_ms

__all__ = [
    "InstrumentOf",
    "Scope",
    "amount",
    "average",
    "id_text",
    "moment",
    "moment_ms",
    "nobody",
    "origin_of",
    "percent_bips",
    "positive",
    "positive_raw",
    "side_of",
    "status_of",
    "unchecked",
]

InstrumentOf: TypeAlias = Callable[[str], Instrument]

AVERAGE = Context(prec=34, rounding=ROUND_HALF_EVEN)
_COIN_SHAPE = re.compile(r".+USD_(?:PERP|[0-9]{6})", re.DOTALL)
_HUNDRED = Decimal(100)
_VENUES_OWN = (
    ("autoclose-", OrderOrigin.LIQUIDATION),
    ("adl_autoclose", OrderOrigin.ADL),
    ("settlement_autoclose", OrderOrigin.SETTLEMENT),
    ("delivery_autoclose", OrderOrigin.SETTLEMENT),
)
"""Client order ids of the venue's own orders (facts E.5)."""


def nobody(client_order_id: str) -> bool:  # noqa: ARG001 - the signature of `Scope.is_own`
    """Say of every client order id that it is not ours."""
    return False


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Whose messages are read.

    Attributes:
        exchange: Which market.
        account: The user's label of the account, which all events carry.
        is_own: Whether a client order id was made by this client.
        instrument_of: Finds an instrument by the venue's symbol; never raises.
    """

    exchange: Exchange
    account: str
    is_own: Callable[[str], bool]
    instrument_of: InstrumentOf

    def head(self, time_exchange: int | None, time_received: int) -> dict[str, Any]:
        """Return the four fields that every event has."""
        return {
            "exchange": self.exchange,
            "account": self.account,
            "time_exchange": time_exchange,
            "time_received": time_received,
        }


def unchecked(exchange: Exchange) -> InstrumentOf:
    """Return a look-up that reads symbols by their spelling alone; it never fails.

    Streams of the futures may tell of both futures markets (facts 0.3-12): a symbol that is spelt as only
    COIN-M spells them is COIN-M's, whatever `exchange`, and the other way round.
    """
    futures = (Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M)

    @lru_cache(maxsize=4096)
    def find(symbol: str) -> Instrument:
        market = exchange
        if exchange in futures:
            market = futures[_COIN_SHAPE.fullmatch(symbol) is not None]
        return parse_symbol(market, symbol)

    return find


def id_text(value: Id | None) -> str:
    """Return an id as a text; empty for none, and for the venue's -1."""
    return "" if value is None or value in (-1, "-1") else str(value)


def moment(time: int | None) -> int | None:
    """Return a time of spot's, milli- or microseconds, as nanoseconds; None for none, 0 and -1."""
    return None if time is None or time <= 0 else from_digits(time)


def moment_ms(time: int | None) -> int | None:
    """Return a time of the futures', always milliseconds, as nanoseconds; None for none, 0 and -1."""
    return None if time is None or time <= 0 else from_ms(time)


def amount(*values: Decimal | None) -> Decimal:
    """Return the first number that there is, with its digits; zero where there is none."""
    return next((value for value in values if value is not None), ZERO)


def positive(value: Decimal | None) -> Decimal | None:
    """Return a number, None for none and for the zeros that the venue writes for none."""
    return value if value is not None and value > 0 else None


def positive_raw(raw: msgspec.Raw, field: str) -> Decimal | None:
    """Return a number that may be an empty text, None likewise."""
    return positive(loose(raw, field))


def average(total: Decimal | None, quantity: Decimal | None) -> Decimal | None:
    """Return an average price, to 34 digits.

    None where nothing was filled, and where the total is below zero: spot writes that for old orders whose
    total it does not know (facts D.1.3).
    """
    if total is None or quantity is None or total <= 0 or quantity <= 0:
        return None
    return AVERAGE.divide(total, quantity)


def percent_bips(raw: msgspec.Raw, field: str, strange: Strange) -> int | None:
    """Return a callback rate, percent, as hundredths of a percent; finer ones are noted, not rounded."""
    rate = positive_raw(raw, field)
    if rate is None:
        return None
    bips = EXACT.multiply(rate, _HUNDRED)
    if bips != bips.to_integral_value():
        strange.append(f"{field}={rate}")
        return None
    return int(bips)


def side_of(word: str) -> Side:
    """Return a side.

    Raises:
        PayloadError: It is neither: nothing may be concluded from such an order.
    """
    try:
        return SIDES[word]
    except KeyError:
        raise PayloadError("side", raw=word.encode(), cause="neither BUY nor SELL") from None


def status_of(
    word: str | None, filled: Decimal, quantity: Decimal | None, field: str, strange: Strange
) -> OrderStatus:
    """Return where an order stands.

    ``NEW_INSURANCE`` and ``NEW_ADL`` say that it is part of a liquidation and not how far it got: that is
    taken from what is filled.
    """
    if word in {"NEW_INSURANCE", "NEW_ADL"}:
        if filled <= ZERO:
            return OrderStatus.OPEN
        full = quantity is not None and filled >= quantity
        return OrderStatus.FILLED if full else OrderStatus.PARTIALLY_FILLED
    return look_up(STATUSES, word, field, strange) or OrderStatus.UNKNOWN


def origin_of(scope: Scope, client_order_id: str, *, liquidation: bool = False) -> OrderOrigin:
    """Return whose order it is: by the venue's own ids first, then by what the venue says, then by ours."""
    for prefix, origin in _VENUES_OWN:
        if client_order_id.startswith(prefix):
            return origin
    if liquidation:
        return OrderOrigin.LIQUIDATION
    return OrderOrigin.OWN if scope.is_own(client_order_id) else OrderOrigin.FOREIGN
