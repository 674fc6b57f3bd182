"""The futures' messages about an account as events, balances, positions and settings; facts D.2, D.3, E.5."""

from __future__ import annotations

from decimal import Decimal

from toucan_execution.account import (
    Balance,
    Commission,
    Income,
    LeverageBracket,
    LeverageSetting,
    MarginType,
    Position,
    PositionMode,
)
from toucan_execution.client.binance import messages_rest as rest, messages_user as user
from toucan_execution.client.binance.answers import AccountPart
from toucan_execution.client.binance.messages import loose
from toucan_execution.client.binance.normalise import Scope, id_text, moment_ms, positive
from toucan_execution.client.binance.words import MARGIN_TYPES, POSITION_SIDES
from toucan_execution.events import (
    AccountConfigUpdate,
    AccountEvent,
    BalanceUpdate,
    FundingUpdate,
    GridUpdate,
    LiabilityUpdate,
    MarginCall,
    MarginLevelUpdate,
    PositionUpdate,
    StrategyUpdate,
    TransferUpdate,
)
from toucan_execution.orders import PositionSide
from toucan_instrument.errors import PayloadError

__all__ = [
    "account",
    "account_config",
    "account_update",
    "balance",
    "brackets",
    "commission",
    "config",
    "grid",
    "income",
    "leverage",
    "liability",
    "margin_call",
    "margin_level",
    "position",
    "strategy",
]

_TRANSFERS = ("DEPOSIT", "WITHDRAW", "TRANSFER")
"""Reasons that have one of these in their name pay something in or out (facts E.5)."""


def account_update(scope: Scope, message: user.AccountUpdate, received_ns: int) -> list[AccountEvent]:
    """Return what was paid, then balances and positions as they are now: the cause comes first."""
    body, updated = message.a, moment_ms(message.T or message.E)
    head = scope.head(updated, received_ns)
    events: list[AccountEvent] = []
    if body.m == "FUNDING_FEE":
        symbol = body.S or (body.P[0].s if len(body.P) == 1 else "")
        instrument = scope.instrument_of(symbol) if symbol else None
        events += [FundingUpdate(**head, asset=row.a, amount=row.bc, instrument=instrument) for row in body.B]
    elif any(word in body.m for word in _TRANSFERS):
        events += [
            TransferUpdate(**head, asset=row.a, amount=row.bc, reason=body.m) for row in body.B if row.bc
        ]
    for row in body.B:
        found = Balance(asset=row.a, total=row.wb, cross_wallet=row.cw, updated_ns=updated)
        events.append(BalanceUpdate(**head, balance=found, reason=body.m, change=row.bc))
    for each in body.P:
        events.append(PositionUpdate(**head, position=_row(scope, each, updated), reason=body.m))
    return events


def _row(scope: Scope, row: user.PositionRow, updated: int | None) -> Position:
    margin = _margin(row.mt)
    return Position(
        instrument=scope.instrument_of(row.s),
        side=_position_side(row.ps),
        quantity=row.pa,
        entry_price=positive(row.ep),
        break_even_price=positive(row.bep),
        unrealized_profit=row.up,
        realized_profit=row.cr,
        margin_type=margin,
        isolated_wallet=row.iw if margin is MarginType.ISOLATED else None,
        margin_asset=row.ma or "",
        updated_ns=updated,
    )


def _position_side(word: str) -> PositionSide:
    """Return a position's side.

    Raises:
        PayloadError: It is none that is known: two positions must never be taken for one.
    """
    try:
        return POSITION_SIDES[word]
    except KeyError:
        raise PayloadError("position side", raw=word.encode(), cause="not BOTH, LONG or SHORT") from None


def _margin(word: str | None, *, isolated: bool | None = None) -> MarginType | None:
    if word:
        return MARGIN_TYPES.get(word.lower())
    if isolated is None:
        return None
    return MarginType.ISOLATED if isolated else MarginType.CROSS


def margin_call(scope: Scope, message: user.MarginCallEvent, received_ns: int) -> list[AccountEvent]:
    """Return which positions are near liquidation."""
    positions = []
    for row in message.p:
        margin = _margin(row.mt)
        found = Position(
            instrument=scope.instrument_of(row.s),
            side=_position_side(row.ps),
            quantity=row.pa,
            mark_price=positive(row.mp),
            unrealized_profit=row.up,
            margin_type=margin,
            isolated_wallet=row.iw if margin is MarginType.ISOLATED else None,
            updated_ns=moment_ms(message.E),
        )
        positions.append(found)
    return [
        MarginCall(
            **scope.head(moment_ms(message.E), received_ns),
            positions=tuple(positions),
            maintenance_margins=tuple(row.mm for row in message.p),
            cross_wallet=message.cw,
        )
    ]


def account_config(scope: Scope, message: user.AccountConfig, received_ns: int) -> list[AccountEvent]:
    """Return that leverage or Multi-Assets mode has changed."""
    changed, mode = message.ac, message.ai
    return [
        AccountConfigUpdate(
            **scope.head(moment_ms(message.T or message.E), received_ns),
            instrument=None if changed is None else scope.instrument_of(changed.s),
            leverage=None if changed is None else changed.l,
            multi_assets=None if mode is None else mode.j,
        )
    ]


def strategy(scope: Scope, message: user.Strategy, received_ns: int) -> list[AccountEvent]:
    """Return that a strategy of the venue's has changed."""
    row = message.su
    return [
        StrategyUpdate(
            **scope.head(moment_ms(row.ut or message.T or message.E), received_ns),
            strategy_id=id_text(row.si),
            strategy_type=row.st,
            status=row.ss,
            instrument=scope.instrument_of(row.s),
            code=row.c,
        )
    ]


def grid(scope: Scope, message: user.Grid, received_ns: int) -> list[AccountEvent]:
    """Return that a grid strategy of the venue's has traded."""
    row = message.gu
    return [
        GridUpdate(
            **scope.head(moment_ms(row.ut or message.T or message.E), received_ns),
            strategy_id=id_text(row.si),
            strategy_type=row.st,
            status=row.ss,
            instrument=scope.instrument_of(row.s),
            realized_profit=row.r,
            matched_profit=row.mp,
            unmatched_quantity=row.uq,
            unmatched_price=row.up,
            unmatched_fee=row.uf,
        )
    ]


def margin_level(scope: Scope, message: user.MarginLevel, received_ns: int) -> list[AccountEvent]:
    """Return a margin account's level."""
    head = scope.head(moment_ms(message.E), received_ns)
    return [MarginLevelUpdate(**head, level=message.l, status=message.s)]


def liability(scope: Scope, message: user.LiabilityChange, received_ns: int) -> list[AccountEvent]:
    """Return what a margin account owes."""
    return [
        LiabilityUpdate(
            **scope.head(moment_ms(message.E), received_ns),
            asset=message.a,
            kind=message.t,
            principal=message.p,
            interest=message.i,
            total=message.l,
        )
    ]


# Answers.


def balance(row: rest.FuturesBalance) -> Balance:
    """Return a balance. Its initial margin is not said, nor the profit of isolated positions."""
    return Balance(
        asset=row.asset,
        total=row.balance,
        free=row.availableBalance,
        cross_wallet=row.crossWalletBalance,
        updated_ns=moment_ms(row.updateTime),
    )


def position(scope: Scope, row: rest.FuturesPosition, updated_ns: int | None = None) -> Position | None:
    """Return a position, None where an older answer names the symbol and no quantity."""
    if row.positionAmt is None:
        return None
    margin = _margin(row.marginType, isolated=row.isolated)
    profit = row.unRealizedProfit if row.unRealizedProfit is not None else row.unrealizedProfit
    cross = margin is MarginType.CROSS
    return Position(
        instrument=scope.instrument_of(row.symbol),
        side=_position_side(row.positionSide),
        quantity=row.positionAmt,
        entry_price=positive(row.entryPrice),
        break_even_price=positive(row.breakEvenPrice),
        mark_price=positive(row.markPrice),
        unrealized_profit=profit,
        liquidation_price=positive(row.liquidationPrice),
        leverage=row.leverage,
        margin_type=margin,
        isolated_margin=None if cross else _unless_zero(row.isolatedMargin),
        isolated_wallet=None if cross else _unless_zero(row.isolatedWallet),
        notional=row.notionalValue if row.notional is None else row.notional,
        margin_asset=row.marginAsset or "",
        updated_ns=moment_ms(row.updateTime) or updated_ns,
    )


def _unless_zero(value: Decimal | None) -> Decimal | None:
    return value or None


def account(scope: Scope, row: rest.FuturesAccount, received_ns: int) -> AccountPart:
    """Return an account: balances of all assets, and the positions that the answer has."""
    updated = moment_ms(row.updateTime)
    positions = (position(scope, each, updated) for each in row.positions)
    return AccountPart(
        **scope.head(updated, received_ns),
        balances=tuple(
            Balance(
                asset=each.asset,
                total=each.walletBalance,
                free=each.availableBalance,
                locked=each.initialMargin,
                unrealized_profit=each.unrealizedProfit,
                cross_wallet=each.crossWalletBalance,
                updated_ns=moment_ms(each.updateTime),
            )
            for each in row.assets
        ),
        positions=tuple(each for each in positions if each is not None),
        can_trade=row.canTrade,
        position_mode=_mode(hedge=row.dualSidePosition),
        multi_assets=row.multiAssetsMargin,
    )


def config(scope: Scope, row: rest.AccountConfigBody, received_ns: int) -> AccountPart:
    """Return how an account is set up."""
    return AccountPart(
        **scope.head(moment_ms(row.updateTime), received_ns),
        can_trade=row.canTrade,
        position_mode=_mode(hedge=row.dualSidePosition),
        multi_assets=row.multiAssetsMargin,
    )


def _mode(*, hedge: bool | None) -> PositionMode | None:
    if hedge is None:
        return None
    return PositionMode.HEDGE if hedge else PositionMode.ONE_WAY


def leverage(scope: Scope, row: rest.Leverage) -> LeverageSetting:
    """Return the leverage of an instrument; a limit that is written ``INF`` is none."""
    return LeverageSetting(
        instrument=scope.instrument_of(row.symbol),
        leverage=row.leverage,
        max_notional=loose(row.maxNotionalValue, "maxNotionalValue"),
        max_quantity=loose(row.maxQty, "maxQty"),
        margin_type=_margin(row.marginType),
    )


def commission(scope: Scope, row: rest.FuturesCommission) -> Commission:
    """Return what trading costs."""
    return Commission(
        instrument=scope.instrument_of(row.symbol),
        maker=row.makerCommissionRate,
        taker=row.takerCommissionRate,
        rpi=row.rpiCommissionRate,
    )


def income(scope: Scope, row: rest.IncomeRow) -> Income:
    """Return a line of the ledger."""
    return Income(
        exchange=scope.exchange,
        instrument=scope.instrument_of(row.symbol) if row.symbol else None,
        kind=row.incomeType,
        amount=row.income,
        asset=row.asset,
        info=row.info or "",
        transaction_id=id_text(row.tranId),
        trade_id=id_text(row.tradeId),
        time_exchange=moment_ms(row.time) or 0,
    )


def brackets(scope: Scope, row: rest.Brackets) -> list[LeverageBracket]:
    """Return the brackets of an instrument; a pair's are given for its perpetual.

    Raises:
        PayloadError: It names neither symbol nor pair, or a bracket has no bounds.
    """
    symbol = row.symbol or (f"{row.pair}_PERP" if row.pair else "")
    if not symbol:
        raise PayloadError("brackets", raw=b"", cause="it names neither symbol nor pair")
    instrument = scope.instrument_of(symbol)
    found = []
    for each in row.brackets:
        floor = _first(each.notionalFloor, each.qtylFloor, each.qtyFloor)
        cap = _first(each.notionalCap, each.qtyCap)
        if floor is None or cap is None:
            raise PayloadError("bracket", raw=str(each.bracket).encode(), cause="it has no bounds")
        bracket = LeverageBracket(
            instrument=instrument,
            bracket=each.bracket,
            max_leverage=each.initialLeverage,
            floor=floor,
            cap=cap,
            maintenance_margin=each.maintMarginRatio,
            cumulative=each.cum,
        )
        found.append(bracket)
    return found


def _first(*values: Decimal | None) -> Decimal | None:
    return next((value for value in values if value is not None), None)
