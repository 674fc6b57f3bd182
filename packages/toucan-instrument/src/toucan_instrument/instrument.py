"""What is traded: instruments, with the terms that give a quantity its meaning."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum

import msgspec

from toucan_instrument.decimals import EXACT, decimal_of
from toucan_instrument.errors import InvalidInput
from toucan_instrument.exchange import Exchange
from toucan_instrument.rules import TradingRules
from toucan_instrument.symbol import OptionKind, UnifiedSymbol, expiry_code

__all__ = ["Instrument", "InstrumentKind", "InstrumentStatus", "OptionKind", "QuantityUnit"]

INVERSE = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""How quotients of inverse contracts are rounded: to 34 significant digits, half to even."""


class InstrumentKind(StrEnum):
    """What sort of thing is traded."""

    SPOT = "spot"
    PERPETUAL = "perpetual"
    FUTURE = "future"
    OPTION = "option"


class QuantityUnit(StrEnum):
    """What a quantity counts."""

    BASE = "base"
    """Units of the base asset."""
    CONTRACTS = "contracts"
    """Contracts of `Instrument.contract_size` each."""
    QUOTE = "quote"
    """Units of the quote asset."""


class InstrumentStatus(StrEnum):
    """Whether it can be traded, in one set of words for all venues."""

    TRADING = "trading"
    PRE_TRADING = "pre_trading"
    HALTED = "halted"
    CANCEL_ONLY = "cancel_only"
    SETTLING = "settling"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Instrument(msgspec.Struct, frozen=True, kw_only=True, eq=False, weakref=True):
    """Something that is traded on an exchange.

    Two instruments are equal when exchange and symbol are, whatever else was known when they were
    loaded; so they are good keys, and cheap ones.

    Attributes:
        exchange: Where.
        symbol: The venue's own spelling: opaque text, in any script.
        kind: What sort of thing.
        base: Base asset; the symbol itself where its parts are not known.
        quote: Quote asset, empty where it is not known.
        settle: What gains and losses are paid in, empty for spot.
        expiry_ns: When it expires, nanoseconds since the epoch, None where it never does.
        strike: Strike price of an option.
        option: Call or put, for an option.
        contract_size: What one contract stands for: units of the base asset where linear, of the quote
            asset where inverse. 1 where quantities are not contracts, 0 where it is not known: the
            spelling of a symbol that was taken unchecked need not say it.
        inverse: Whether it is valued in the base asset: gains are ``size * (1/entry - 1/exit)``.
        quantity_unit: What the venue's quantities count.
        status: Whether it can be traded.
        status_venue: The venue's word for that.
        rules: Its trading rules, None where they were not loaded.
    """

    exchange: Exchange
    symbol: str
    kind: InstrumentKind
    base: str
    quote: str
    settle: str = ""
    expiry_ns: int | None = None
    strike: Decimal | None = None
    option: OptionKind | None = None
    contract_size: Decimal = Decimal(1)
    inverse: bool = False
    quantity_unit: QuantityUnit = QuantityUnit.BASE
    status: InstrumentStatus = InstrumentStatus.UNKNOWN
    status_venue: str = ""
    rules: TradingRules | None = None

    def __eq__(self, other: object) -> bool:
        """Compare exchange and symbol."""
        if self is other:
            return True
        if not isinstance(other, Instrument):
            return NotImplemented
        return self.symbol == other.symbol and self.exchange is other.exchange

    def __hash__(self) -> int:
        """Hash the symbol: a text remembers its hash."""
        return hash(self.symbol)

    def __str__(self) -> str:
        """Print the unified symbol."""
        return self.unified

    def __repr__(self) -> str:
        """Show what it is, on one line."""
        unified = self.unified
        shown = unified if unified.isprintable() else repr(unified)  # names are opaque: line breaks too
        return f"Instrument({self.exchange.value}, {self.symbol!r}, {shown}, {self.kind.value})"

    @property
    def unified(self) -> str:
        """The unified symbol; the venue's own where base and quote are not known."""
        if not self.quote:
            return self.symbol
        return str(
            UnifiedSymbol(
                base=self.base,
                quote=self.quote,
                settle=self.settle,
                expiry="" if self.expiry_ns is None else expiry_code(self.expiry_ns),
                strike=self.strike,
                option=self.option,
            )
        )

    def base_quantity(self, quantity: Decimal, price: Decimal | None = None) -> Decimal:
        """Return a quantity of the venue's unit in units of the base asset.

        Exact, but where a division by the price is needed (inverse contracts, quote quantities): that is
        rounded to 34 significant digits, half to even.

        Args:
            quantity: In the venue's unit.
            price: Needed where the unit is worth a fixed amount of the quote asset.

        Raises:
            InvalidInput: The price is needed and was not given, or is not above zero; a number is a float;
                the size of a contract is not known.
        """
        quantity = decimal_of(quantity, field="quantity")
        worth = self._quote_worth(quantity)
        if worth is None:
            if self.quantity_unit is QuantityUnit.CONTRACTS:
                return EXACT.multiply(quantity, self._known_size())
            return quantity
        if price is None or not (price := decimal_of(price, field="price")) > 0:
            raise InvalidInput(
                f"a quantity of {self} is worth a fixed amount of {self.quote}: its base needs a price",
                field="price",
                value=price,
                accepted="a Decimal above 0",
            )
        return INVERSE.divide(worth, price)

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return what a quantity is worth in the quote asset; always exact.

        Args:
            quantity: In the venue's unit.
            price: Price of one unit of the base asset; does not matter for inverse contracts.

        Raises:
            InvalidInput: A number is a float, or not finite; the size of a contract is not known.
        """
        quantity, price = decimal_of(quantity, field="quantity"), decimal_of(price, field="price")
        worth = self._quote_worth(quantity)
        if worth is not None:
            return worth
        return EXACT.multiply(self.base_quantity(quantity), price)

    def _quote_worth(self, quantity: Decimal) -> Decimal | None:
        """Return the fixed worth in the quote asset, None where it depends on the price."""
        if self.quantity_unit is QuantityUnit.QUOTE:
            return quantity
        if self.quantity_unit is QuantityUnit.CONTRACTS and self.inverse:
            return EXACT.multiply(quantity, self._known_size())
        return None

    def _known_size(self) -> Decimal:
        if not self.contract_size:
            raise InvalidInput(
                f"how much a contract of {self} stands for is not known: load the list of instruments",
                field="contract_size",
                value=self.contract_size,
                accepted="above 0",
            )
        return self.contract_size
