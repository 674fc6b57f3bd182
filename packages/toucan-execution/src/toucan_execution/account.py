"""What an account holds: balances, positions, and how it is set up.

Amounts are exact, with the venue's digits; times are int nanoseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from toucan_execution.orders import Order, PositionSide
from toucan_instrument import Exchange, Instrument
from toucan_instrument.plain import Plain

__all__ = [
    "AccountSnapshot",
    "Balance",
    "Commission",
    "Income",
    "LeverageBracket",
    "LeverageSetting",
    "MarginType",
    "Position",
    "PositionMode",
]


class MarginType(StrEnum):
    """What a position's margin is: of its own, or shared by all."""

    CROSS = "cross"
    ISOLATED = "isolated"


class PositionMode(StrEnum):
    """How many positions an instrument has: one, or one for each side."""

    ONE_WAY = "one_way"
    HEDGE = "hedge"


class Balance(Plain, frozen=True, kw_only=True):
    """What is held of an asset.

    Attributes:
        asset: Which.
        total: All of it: spot free and locked, futures the wallet balance (without unrealised profit).
        free: What can be used for new orders; None where the message did not say (a futures stream).
        locked: What is held by open orders (spot), or the initial margin (futures); None likewise.
        unrealized_profit: Of the positions that are margined with it; None on spot.
        cross_wallet: What of the wallet backs cross positions; None on spot.
        updated_ns: The venue's time of the last change, None where it does not say.
    """

    asset: str
    total: Decimal
    free: Decimal | None = None
    locked: Decimal | None = None
    unrealized_profit: Decimal | None = None
    cross_wallet: Decimal | None = None
    updated_ns: int | None = None


class Position(Plain, frozen=True, kw_only=True):
    """A position.

    Attributes:
        instrument: What is held.
        side: BOTH in one-way mode, else LONG or SHORT.
        quantity: How much, in the venue's unit; below zero for a short one.
        entry_price: The average price, None where it is flat or not said.
        break_even_price: The price at which closing it costs nothing, fees included.
        mark_price: The price by which it is valued.
        unrealized_profit: In the margin asset.
        realized_profit: What was realised so far, without fees, where the venue keeps count.
        liquidation_price: None where there is none.
        leverage: None where the message did not say.
        margin_type: None likewise.
        isolated_margin: The margin of an isolated position, unrealised profit included.
        isolated_wallet: What was set aside for an isolated position, without unrealised profit.
        notional: Its worth in the quote asset (COIN-M: in the base asset), below zero for a short one.
        margin_asset: What its margin and profit are counted in, empty where not said.
        updated_ns: The venue's time of the last change, None where it does not say.
    """

    instrument: Instrument
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal | None = None
    break_even_price: Decimal | None = None
    mark_price: Decimal | None = None
    unrealized_profit: Decimal | None = None
    realized_profit: Decimal | None = None
    liquidation_price: Decimal | None = None
    leverage: int | None = None
    margin_type: MarginType | None = None
    isolated_margin: Decimal | None = None
    isolated_wallet: Decimal | None = None
    notional: Decimal | None = None
    margin_asset: str = ""
    updated_ns: int | None = None


class AccountSnapshot(Plain, frozen=True, kw_only=True):
    """An account at a moment; also the event that begins `account_stream`.

    Attributes:
        exchange: Where.
        account: The label that the user gave it.
        time_exchange: The venue's time of it, None where it gives none.
        time_received: When the last part of it was received.
        balances: What is held; assets of which nothing is held are left out.
        positions: Those that are not flat; empty on spot.
        open_orders: Regular and conditional ones.
        can_trade: Whether the key may trade, None where the venue does not say.
        position_mode: One-way or hedge, None on spot.
        multi_assets: Whether all assets margin all positions (USD-M), None where there is no such thing.
        account_type: The venue's word for it, empty where there is none.
    """

    exchange: Exchange
    account: str
    time_exchange: int | None
    time_received: int
    balances: tuple[Balance, ...]
    positions: tuple[Position, ...]
    open_orders: tuple[Order, ...]
    can_trade: bool | None = None
    position_mode: PositionMode | None = None
    multi_assets: bool | None = None
    account_type: str = ""


class Commission(Plain, frozen=True, kw_only=True):
    """What trading an instrument costs, as parts of the notional (0.001 is 0.1 %).

    Attributes:
        instrument: Which.
        maker: For orders that rested.
        taker: For orders that took liquidity.
        buyer: On top, for buyers (spot).
        seller: On top, for sellers (spot).
        special_maker: On top of `maker` where the instrument has a special one (spot).
        special_taker: Likewise.
        special_buyer: Likewise, for buyers.
        special_seller: Likewise, for sellers.
        tax_maker: Tax on top (spot, some places).
        tax_taker: Likewise.
        tax_buyer: Likewise, for buyers.
        tax_seller: Likewise, for sellers.
        rpi: For retail price improvement orders (USD-M).
        discount_asset: In what fees can be paid at a discount, empty for none.
        discount: What is left of the standard fee when they are (0.75 is a quarter off), None for none.
        discount_enabled: Whether account and instrument both allow it.
    """

    instrument: Instrument
    maker: Decimal
    taker: Decimal
    buyer: Decimal | None = None
    seller: Decimal | None = None
    special_maker: Decimal | None = None
    special_taker: Decimal | None = None
    special_buyer: Decimal | None = None
    special_seller: Decimal | None = None
    tax_maker: Decimal | None = None
    tax_taker: Decimal | None = None
    tax_buyer: Decimal | None = None
    tax_seller: Decimal | None = None
    rpi: Decimal | None = None
    discount_asset: str = ""
    discount: Decimal | None = None
    discount_enabled: bool = False


class LeverageSetting(Plain, frozen=True, kw_only=True):
    """The leverage of an instrument after it was set, and how large a position it allows.

    Attributes:
        instrument: Which.
        leverage: Times.
        max_notional: The largest position in the quote asset (USD-M), None where not said.
        max_quantity: The largest position in the venue's unit (COIN-M), None where not said.
        margin_type: What its positions' margin is, None where not said.
    """

    instrument: Instrument
    leverage: int
    max_notional: Decimal | None = None
    max_quantity: Decimal | None = None
    margin_type: MarginType | None = None


class LeverageBracket(Plain, frozen=True, kw_only=True):
    """The leverage that a position of a certain size may have.

    Attributes:
        instrument: Which; a pair's brackets hold for each of its instruments.
        bracket: Its number, from 1.
        max_leverage: Times.
        floor: The size that it begins at: notional (USD-M) or quantity in the base asset (COIN-M).
        cap: The size that it ends at.
        maintenance_margin: As a part of the size.
        cumulative: What is taken off the maintenance margin, so that it is continuous.
    """

    instrument: Instrument
    bracket: int
    max_leverage: int
    floor: Decimal
    cap: Decimal
    maintenance_margin: Decimal
    cumulative: Decimal


class Income(Plain, frozen=True, kw_only=True):
    """A line of a futures account's ledger.

    Attributes:
        exchange: Where.
        instrument: What it is for, None where it is for none.
        kind: The venue's word, such as ``FUNDING_FEE``, ``COMMISSION`` or ``REALIZED_PNL``.
        amount: Below zero where it was paid.
        asset: Of what.
        info: The venue's remark.
        transaction_id: The venue's id, unique within its kind.
        trade_id: The trade behind it, empty where there is none.
        time_exchange: When.
    """

    exchange: Exchange
    instrument: Instrument | None
    kind: str
    amount: Decimal
    asset: str
    info: str
    transaction_id: str
    trade_id: str
    time_exchange: int
