"""The symbol that the ecosystem knows: ``BTC/USDT``, ``BTC/USDT:USDT``, ``BTC/USD:BTC-261225``.

``base/quote`` is spot; ``:settle`` makes it a derivative; ``-yymmdd`` a dated one; ``-strike-C`` or ``-P``
an option. Assets are opaque: any text without the four separators.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum

import msgspec

from toucan_instrument.decimals import EXACT, decimal_of, plain
from toucan_instrument.errors import InvalidInput
from toucan_instrument.timestamps import from_datetime, to_datetime

__all__ = ["OptionKind", "UnifiedSymbol", "expiry_at", "expiry_code", "parse_unified"]

ACCEPTED = "BTC/USDT, BTC/USDT:USDT, BTC/USD:BTC-261225 or BTC/USD:BTC-261225-60000-C"
_SHAPE = re.compile(
    r"(?P<base>[^/:\s]+)/(?P<quote>[^/:\s]+)"
    r"(?::(?P<settle>[^/:\s-]+)(?:-(?P<expiry>[0-9]{6})(?:-(?P<strike>[0-9]+(?:\.[0-9]+)?)-(?P<option>[CP]))?)?)?"
)


class OptionKind(StrEnum):
    """The right that an option gives."""

    CALL = "call"
    PUT = "put"


class UnifiedSymbol(msgspec.Struct, frozen=True):
    """The parts of a unified symbol.

    Attributes:
        base: Base asset.
        quote: Quote asset.
        settle: Settlement asset, empty for spot.
        expiry: Day of expiry as ``yymmdd``, empty where there is none.
        strike: Strike price, None where there is none.
        option: Call or put, None where it is no option.
    """

    base: str
    quote: str
    settle: str = ""
    expiry: str = ""
    strike: Decimal | None = None
    option: OptionKind | None = None

    def __str__(self) -> str:
        """Print it."""
        text = f"{self.base}/{self.quote}"
        if self.settle:
            text += f":{self.settle}"
        if self.expiry:
            text += f"-{self.expiry}"
            if self.strike is not None and self.option is not None:
                # Zeros at the end carry no meaning here: one strike has one name.
                text += f"-{plain(self.strike.normalize(EXACT))}-{self.option.value[0].upper()}"
        return text

    @property
    def expiry_day(self) -> date | None:
        """The day of expiry, None where there is none."""
        if not self.expiry:
            return None
        return _day(self.expiry)


def parse_unified(text: str) -> UnifiedSymbol:
    """Read a unified symbol.

    Raises:
        InvalidInput: It is none.
    """
    match = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidInput("that is no unified symbol", field="symbol", value=text, accepted=ACCEPTED)
    parts = match.groupdict()
    if parts["expiry"]:
        try:
            _day(parts["expiry"])
        except ValueError as error:
            raise InvalidInput(
                "its expiry is no day", field="symbol", value=text, accepted=ACCEPTED
            ) from error
    return UnifiedSymbol(
        base=parts["base"],
        quote=parts["quote"],
        settle=parts["settle"] or "",
        expiry=parts["expiry"] or "",
        strike=decimal_of(parts["strike"]) if parts["strike"] else None,
        option={"C": OptionKind.CALL, "P": OptionKind.PUT}.get(parts["option"] or ""),
    )


def expiry_code(expiry_ns: int) -> str:
    """Return the day of an expiry as ``yymmdd``, UTC."""
    return to_datetime(expiry_ns).strftime("%y%m%d")


def expiry_at(code: str, hour: int) -> int:
    """Return a day as ``yymmdd`` at an hour, UTC, in nanoseconds.

    Raises:
        ValueError: It is no day, or no hour.
    """
    return from_datetime(datetime.combine(_day(code), time(hour), tzinfo=UTC))


def _day(code: str) -> date:
    """Return the day of ``yymmdd``, always of this century: `strptime` takes 69 for 1969."""
    if len(code) != len("yymmdd"):
        raise ValueError(f"{code!r} is not yymmdd")
    return date(2000 + int(code[:2]), int(code[2:4]), int(code[4:]))
