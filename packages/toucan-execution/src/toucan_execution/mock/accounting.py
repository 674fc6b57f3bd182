"""What accounts hold and how they are set up: deposits, leverage, margin, position mode, funding."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.account import (
    AccountSnapshot,
    Balance,
    Commission,
    LeverageBracket,
    LeverageSetting,
    MarginType,
    Position,
    PositionMode,
)
from toucan_execution.events import AccountConfigUpdate, FundingUpdate, TransferUpdate
from toucan_execution.mock.amounts import ZERO, add, upward, worth
from toucan_execution.mock.funds import largest_position
from toucan_execution.mock.journal import Journal, balance_of, position_of
from toucan_execution.mock.ledger import OUTSIDE
from toucan_execution.mock.margin import exposure_of, margins_of
from toucan_execution.mock.results import Refusal
from toucan_execution.mock.settling import Settling
from toucan_execution.mock.state import Account, Market, State
from toucan_execution.orders import PositionSide
from toucan_execution.outcome import Reason
from toucan_instrument import Instrument
from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput

__all__ = ["Accounting"]


class Accounting:
    """Reads and sets up accounts."""

    def __init__(self, state: State, journal: Journal, settling: Settling) -> None:
        self._state = state
        self._journal = journal
        self._settling = settling

    # Paying in and out.

    def pay(self, account: Account, asset: str, amount: Decimal, reason: str) -> None:
        """Pay in from outside, or out where it is below zero.

        Raises:
            Refusal: There is less free than is to go out.
        """
        amount = decimal_of(amount, field="amount")
        if amount < 0 and self.available(account, asset) < amount.copy_negate():
            raise Refusal(Reason.INSUFFICIENT_BALANCE, f"less than {amount.copy_negate()} {asset} is free")
        self._tell(account, asset, amount, reason)
        self._settling.transfer(OUTSIDE, account.name, asset, amount, reason)

    def transfer(self, source: Account, target: Account, asset: str, amount: Decimal) -> None:
        """Move an amount from one account to another.

        Raises:
            InvalidInput: The amount is not above zero.
            Refusal: There is less free.
        """
        amount = decimal_of(amount, field="amount")
        if amount <= 0:
            raise InvalidInput("must be above zero", field="amount", value=amount)
        if self.available(source, asset) < amount:
            raise Refusal(Reason.INSUFFICIENT_BALANCE, f"less than {amount} {asset} is free")
        self._tell(source, asset, amount.copy_negate(), "TRANSFER")
        self._tell(target, asset, amount, "TRANSFER")
        self._settling.transfer(source.name, target.name, asset, amount, "TRANSFER")

    def _tell(self, account: Account, asset: str, amount: Decimal, reason: str) -> None:
        state = self._state
        self._journal.tell(
            account,
            TransferUpdate(
                exchange=state.exchange,
                account=account.name,
                time_exchange=state.now_ns,
                time_received=state.now_ns,
                asset=asset,
                amount=amount,
                reason=reason,
            ),
        )

    def available(self, account: Account, asset: str) -> Decimal:
        """Return what can be used or taken out: of a futures account never more than its wallet."""
        if self._state.settings.spot:
            return self._settling.free(account, asset)
        margins = margins_of(self._state, account, asset)
        return max(ZERO, min(margins.available, margins.cross_wallet))

    # Derivatives.

    def set_leverage(self, account: Account, market: Market, leverage: int) -> LeverageSetting:
        """Set the leverage of an instrument.

        Raises:
            Refusal: No bracket has it, or the margin or the position does not allow it.
        """
        cap = largest_position(account, market, leverage)
        if leverage < 1 or not cap:
            raise Refusal(Reason.PARAMETER, f"Leverage {leverage} is not valid")
        before = account.leverage_of(market.instrument)
        sides = [side for (instrument, side) in account.holdings if instrument == market.instrument]
        for side in sides:
            exposure = exposure_of(account, market, side)
            if exposure.largest > cap:
                raise Refusal(Reason.FILTER, "Exceeded the maximum allowable position at that leverage.")
            if leverage < before and exposure.position and market.instrument in account.isolated:
                raise Refusal(Reason.OTHER, "Leverage reduction is not supported in Isolated Margin Mode.")
        account.leverage[market.instrument] = leverage
        if leverage < before and margins_of(self._state, account, market.settle).available < 0:
            account.leverage[market.instrument] = before
            raise Refusal(
                Reason.INSUFFICIENT_BALANCE, "Leverage is smaller than permitted: insufficient margin."
            )
        state = self._state
        self._journal.tell(
            account,
            AccountConfigUpdate(
                exchange=state.exchange,
                account=account.name,
                time_exchange=state.now_ns,
                time_received=state.now_ns,
                instrument=market.instrument,
                leverage=leverage,
            ),
        )
        # The venue's answer does not say the margin type.
        return msgspec.structs.replace(self.leverage(account, market), margin_type=None)

    def set_margin_type(self, account: Account, market: Market, margin_type: MarginType) -> bool:
        """Set cross or isolated margin; return whether that changed anything.

        Raises:
            Refusal: There are open orders or positions.
        """
        if account.margin_type(market.instrument) is margin_type:
            return False
        self._refuse_if_used(account, market.instrument, "Margin type cannot be changed")
        if margin_type is MarginType.ISOLATED:
            account.isolated.add(market.instrument)
        else:
            account.isolated.discard(market.instrument)
        return True

    def set_mode(self, account: Account, mode: PositionMode) -> bool:
        """Set one-way or hedge mode; return whether that changed anything.

        Raises:
            Refusal: There are open orders or positions.
        """
        if account.mode is mode:
            return False
        self._refuse_if_used(account, None, "Position side cannot be changed")
        account.mode = mode
        return True

    def _refuse_if_used(self, account: Account, instrument: Instrument | None, what: str) -> None:
        if any(instrument in (None, each.market.instrument) for each in account.open.values()):
            raise Refusal(Reason.OTHER, f"{what} if there exists open orders.")
        for (held, _), holding in account.holdings.items():
            if holding.quantity and instrument in (None, held):
                raise Refusal(Reason.OTHER, f"{what} if there exists position.")

    def change_isolated(self, account: Account, market: Market, side: PositionSide, amount: Decimal) -> None:
        """Add to the margin of an isolated position, or take from it where the amount is below zero.

        Raises:
            Refusal: There is no such position, or less can be added or taken.
        """
        amount = decimal_of(amount, field="amount")
        holding = account.holdings.get((market.instrument, side))
        if market.instrument not in account.isolated or holding is None or not holding.quantity:
            raise Refusal(Reason.OTHER, "There is no isolated position.")
        if amount > self.available(account, market.settle):
            raise Refusal(Reason.INSUFFICIENT_BALANCE, "Margin is insufficient.")
        value = worth(market.instrument, holding.quantity, market.mark) if market.mark else holding.cost
        least = upward(abs(value) / account.leverage_of(market.instrument), market.digits)
        loss = min(ZERO, holding.unrealized(market.mark))
        if amount < 0 and add(add(holding.isolated, amount), loss) < least:
            raise Refusal(Reason.OTHER, "Isolated margin cannot be made smaller than the position needs.")
        holding.isolated = add(holding.isolated, amount)
        self._journal.position(account, holding, "MARGIN_TRANSFER")
        self._journal.balance(account, market.settle, "MARGIN_TRANSFER")

    def fund(self, market: Market, rate: Decimal, mark: Decimal) -> None:
        """Let all positions of an instrument pay funding: long ones to short ones where it is above zero."""
        state = self._state
        for account in state.accounts.values():
            amount = self._settling.pay_funding(account, market, rate, mark)
            if amount:
                self._journal.tell(
                    account,
                    FundingUpdate(
                        exchange=state.exchange,
                        account=account.name,
                        time_exchange=state.now_ns,
                        time_received=state.now_ns,
                        asset=market.settle,
                        amount=amount,
                        instrument=market.instrument,
                    ),
                )

    # Reading.

    def balances(self, account: Account) -> tuple[Balance, ...]:
        """Return what an account holds, sorted by asset; what was all spent is left out."""
        found = []
        for asset in sorted(self._state.ledger.assets(account.name)):
            balance = balance_of(self._state, account, asset)
            if balance.total or balance.locked:
                found.append(balance)
        return tuple(found)

    def positions(self, account: Account, instrument: Instrument | None = None) -> tuple[Position, ...]:
        """Return the positions that are not flat."""
        return tuple(
            position_of(self._state, account, holding)
            for holding in account.holdings.values()
            if holding.quantity and instrument in (None, holding.instrument)
        )

    def snapshot(self, account: Account) -> AccountSnapshot:
        """Return all of an account."""
        state = self._state
        return AccountSnapshot(
            exchange=state.exchange,
            account=account.name,
            time_exchange=state.now_ns,
            time_received=state.now_ns,
            balances=self.balances(account),
            positions=self.positions(account),
            open_orders=tuple(order.view() for order in account.open.values()),
            can_trade=account.can_trade,
            position_mode=None if state.settings.spot else account.mode,
            account_type="SPOT" if state.settings.spot else "",
        )

    def leverage(self, account: Account, market: Market) -> LeverageSetting:
        """Return leverage and margin type of an instrument, and how large a position they allow."""
        instrument, cap = market.instrument, largest_position(account, market)
        return LeverageSetting(
            instrument=instrument,
            leverage=account.leverage_of(instrument),
            max_notional=None if instrument.inverse else cap,
            max_quantity=cap if instrument.inverse else None,
            margin_type=account.margin_type(instrument),
        )

    def commission(self, account: Account, market: Market) -> Commission:
        """Return what trading an instrument costs an account."""
        fees = account.fees_of(market.instrument)
        return Commission(
            instrument=market.instrument,
            maker=fees.maker,
            taker=fees.taker,
            discount_asset=fees.asset,
            discount=fees.discount if fees.asset else None,
            discount_enabled=bool(fees.asset),
        )

    def brackets(self, instrument: Instrument | None) -> tuple[LeverageBracket, ...]:
        """Return how much leverage positions of which size may have."""
        return tuple(
            bracket
            for market in self._state.markets.values()
            if instrument in (None, market.instrument)
            for bracket in market.brackets
        )
