"""How the paper exchange behaves: what its market allows, what trading costs, how much it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from toucan_execution.account import LeverageBracket
from toucan_execution.orders import SelfTradePrevention
from toucan_instrument import Exchange, Instrument

__all__ = ["EngineSettings", "FeeSchedule", "FeesIn"]

SECOND = 1_000_000_000
_PREVENTION = (
    SelfTradePrevention.NONE,
    SelfTradePrevention.EXPIRE_TAKER,
    SelfTradePrevention.EXPIRE_MAKER,
    SelfTradePrevention.EXPIRE_BOTH,
)


class FeesIn(StrEnum):
    """In which asset fees are paid. Derivatives pay in the asset that they settle in, or in a third one."""

    RECEIVED = "received"
    """What the fill brought: a buyer pays in the base asset, a seller in the quote asset."""
    QUOTE = "quote"
    BASE = "base"


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """What trading costs. A fee is cut off, towards zero, at the digits of its asset.

    Attributes:
        maker: The part of the notional that a resting order pays; below zero for a rebate.
        taker: The part that an order pays which takes liquidity.
        paid_in: In which asset (spot).
        asset: A third asset in which fees are paid while enough of it is free; empty for none. Where it
            does not suffice, or has no price, the fee is paid as if there were none.
        discount: What is left of a fee that is paid in that asset (0.75 is a quarter off).
        prices: What one unit of that asset is worth, by quote asset (inverse contracts: by base asset);
            where it is not said, the last price of the asset's own instrument is taken.
    """

    maker: Decimal = Decimal(0)
    taker: Decimal = Decimal(0)
    paid_in: FeesIn = FeesIn.RECEIVED
    asset: str = ""
    discount: Decimal = Decimal(1)
    prices: Mapping[str, Decimal] = {}


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine behaves; `EngineSettings.for_market` has what is usual on each.

    Attributes:
        spot: Whether assets change hands (else positions do, on margin).
        fees: What trading costs, unless an account has its own.
        digits: How many decimals an asset's amounts have, by asset.
        default_digits: Likewise, for assets that `digits` does not name.
        prevention: The self-trade prevention of orders that do not say.
        allowed_prevention: What orders may say.
        good_till_date: Whether orders may be good till a date.
        least_good_till_ns: How far ahead that date must lie at least.
        refuse_unfilled_fok: Whether a fill-or-kill order that cannot be filled is refused; else it is
            accepted and expires.
        default_leverage: Of an instrument whose leverage was not set.
        brackets: Leverage by size of position, by instrument; empty: 125 times whatever the size.
        trigger_protect: How far last and mark price may be apart where an order asks for protection.
        most_waiting: How many conditional orders of an account may wait, None for any number.
        most_amends: How often an order can be changed.
        keep: How many closed orders, fills and ledger lines each account remembers.
    """

    spot: bool = True
    fees: FeeSchedule = FeeSchedule()
    digits: Mapping[str, int] = {}
    default_digits: int = 8
    prevention: SelfTradePrevention = SelfTradePrevention.NONE
    allowed_prevention: tuple[SelfTradePrevention, ...] = (*_PREVENTION, SelfTradePrevention.DECREMENT)
    good_till_date: bool = False
    least_good_till_ns: int = 0
    refuse_unfilled_fok: bool = False
    default_leverage: int = 20
    brackets: Mapping[Instrument, tuple[LeverageBracket, ...]] = {}
    trigger_protect: Decimal = Decimal("0.05")
    most_waiting: int | None = None
    most_amends: int = 10_000
    keep: int = 100_000

    @classmethod
    def for_market(cls, exchange: Exchange) -> EngineSettings:
        """Return what is usual on a market (facts D.1.3, D.2.3, D.3.1)."""
        if exchange in (Exchange.BINANCE_SPOT, Exchange.BINANCE_US_SPOT):
            return cls()
        usd = exchange is Exchange.BINANCE_USD_M
        return cls(
            spot=False,
            prevention=SelfTradePrevention.EXPIRE_MAKER,
            allowed_prevention=_PREVENTION,
            good_till_date=usd,
            least_good_till_ns=600 * SECOND if usd else 0,
            refuse_unfilled_fok=usd,
            most_waiting=200,  # facts C.3.3
        )

    def digits_of(self, asset: str) -> int:
        """Return how many decimals an asset's amounts have."""
        return self.digits.get(asset, self.default_digits)
