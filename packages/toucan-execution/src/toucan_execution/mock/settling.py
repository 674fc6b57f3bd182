"""Money and positions: what open orders lock, what a fill moves, what it costs.

Every amount goes through the ledger. A spot fill moves the base asset one way and the quote asset the other;
a futures fill changes positions, and the profit that it realises comes from the clearing. Fees go to the
exchange. Locks are no transfers: they say how much of a balance open orders need.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from toucan_execution.account import Income
from toucan_execution.events import TradeUpdate
from toucan_execution.mock.amounts import (
    ZERO,
    add,
    exact,
    half_even,
    multiply,
    subtract,
    toward_zero,
    upward,
    worth,
)
from toucan_execution.mock.journal import Journal
from toucan_execution.mock.ledger import CLEARING, FEES, MARKET
from toucan_execution.mock.margin import expose
from toucan_execution.mock.positions import Holding
from toucan_execution.mock.settings import FeesIn
from toucan_execution.mock.state import Account, Market, State
from toucan_execution.mock.working import WorkingOrder
from toucan_execution.orders import OrderOrigin

__all__ = ["Deal", "Settling"]


class Deal(NamedTuple):
    """A fill, as both sides of it have it.

    Attributes:
        trade_id: Its number.
        price: The price.
        quantity: How much.
    """

    trade_id: int
    price: Decimal
    quantity: Decimal


class Settling:
    """Settles fills."""

    def __init__(self, state: State, journal: Journal) -> None:
        self._state = state
        self._journal = journal

    # What open orders lock (spot).

    def free(self, account: Account, asset: str) -> Decimal:
        """Return what can be used for new orders (spot)."""
        return subtract(account.holds(asset), account.locked.get(asset, ZERO))

    def need(self, order: WorkingOrder) -> tuple[str, Decimal]:
        """Return the asset that an order locks, and how much of it.

        A limit order locks what it would cost at its limit, a stop at the market what it would cost at its
        trigger; with fees on top where they are paid in the very asset that is given. Orders at the
        market lock nothing once they work: they are over at once.
        """
        instrument = order.market.instrument
        asset = instrument.quote if order.buying else instrument.base
        if not order.is_open or order.pending:
            return asset, ZERO
        price = order.fallback_price if order.is_market and order.waiting else order.price
        if price is None:
            return asset, ZERO
        quantity = order.remaining
        amount = multiply(price, quantity) if order.buying else quantity
        fees = order.account.fees_of(instrument)
        if fees.paid_in is (FeesIn.QUOTE if order.buying else FeesIn.BASE):
            amount = multiply(amount, add(Decimal(1), max(fees.maker, fees.taker, ZERO)))
        return asset, amount

    def group_need(self, order: WorkingOrder) -> tuple[str, Decimal]:
        """Return what an order's lock comes to, with the orders that it shares it with."""
        return max((self.need(each) for each in order.group.orders), key=lambda need: need[1])

    def relock(self, order: WorkingOrder) -> None:
        """Make what an order locks (spot), or counts for in the margin (futures), fit it again."""
        if not self._state.settings.spot:
            expose(order)
            return
        group = order.group
        asset, amount = self.group_need(order)
        before = group.locked[1]
        if amount == before:
            return
        locked = order.account.locked
        locked[asset] = add(locked.get(asset, ZERO), subtract(amount, before))
        group.locked = (asset, amount)
        self._journal.balance(order.account, asset, "ORDER")

    # Fills.

    def settle(self, deal: Deal, buyer: WorkingOrder | None, seller: WorkingOrder | None) -> None:
        """Move what a spot fill moves, except fees; None is the market outside."""
        order = buyer or seller
        if order is None or not self._state.settings.spot:
            return
        instrument, ledger = order.market.instrument, self._state.ledger
        buying = buyer.account.name if buyer else MARKET
        selling = seller.account.name if seller else MARKET
        value = exact(worth(instrument, deal.quantity, deal.price))
        ledger.move(instrument.base, selling, buying, deal.quantity, "TRADE")
        ledger.move(instrument.quote, buying, selling, value, "TRADE")
        for side in (buyer, seller):
            if side is not None:
                self._journal.balance(side.account, instrument.base, "ORDER")
                self._journal.balance(side.account, instrument.quote, "ORDER")

    def finish(self, deal: Deal, order: WorkingOrder, *, maker: bool) -> TradeUpdate:
        """Settle one side of a fill: its position, its fee; return the fill."""
        state, account, market = self._state, order.account, order.market
        profit = None if state.settings.spot else self._change_position(deal, order)
        asset, fee = self._fee(deal, order, maker=maker)
        if fee:
            state.ledger.move(asset, account.name, FEES, fee, "COMMISSION")
            self._journal.balance(account, asset, "ORDER")
            self._income(account, market, "COMMISSION", fee.copy_negate(), asset, deal.trade_id)
        value = worth(market.instrument, deal.quantity, deal.price)
        trade = TradeUpdate(
            exchange=state.exchange,
            account=account.name,
            time_exchange=state.now_ns,
            time_received=state.now_ns,
            instrument=market.instrument,
            trade_id=str(deal.trade_id),
            order_id=str(order.order_id),
            client_order_id=order.client_order_id,
            side=order.side,
            price=deal.price,
            quantity=deal.quantity,
            quote_quantity=None if market.instrument.inverse else exact(value),
            fee=fee,
            fee_asset=asset,
            maker=maker,
            realized_profit=profit,
            position_side=order.request.position_side,
            origin=OrderOrigin.FOREIGN,
        )
        self._journal.fill(trade, account)
        return trade

    def _change_position(self, deal: Deal, order: WorkingOrder) -> Decimal:
        account, market = order.account, order.market
        holding = account.holding(market, order.position_side)
        before = holding.quantity
        signed = deal.quantity if order.buying else deal.quantity.copy_negate()
        profit = holding.fill(signed, deal.price)
        if market.instrument in account.isolated:
            self._change_isolated(account, market, holding, before, deal.price)
        self._journal.position(account, holding, "ORDER")
        if profit:
            self._state.ledger.move(market.settle, CLEARING, account.name, profit, "REALIZED_PNL")
            self._journal.balance(account, market.settle, "ORDER")
            self._income(account, market, "REALIZED_PNL", profit, market.settle, deal.trade_id)
        return profit

    def _change_isolated(
        self, account: Account, market: Market, holding: Holding, before: Decimal, price: Decimal
    ) -> None:
        """Let the margin of an isolated position follow its size: a share goes, what is opened comes."""
        after = holding.quantity
        same = (before < 0) == (after < 0) and before and after
        kept = min(abs(before), abs(after)) if same else ZERO
        if kept != abs(before):
            share = Fraction(holding.isolated) * Fraction(kept) / Fraction(abs(before))
            holding.isolated = upward(share, market.digits)
        opened = subtract(abs(after), kept)
        if opened:
            value = worth(market.instrument, opened, price) / account.leverage_of(market.instrument)
            holding.isolated = add(holding.isolated, upward(value, market.digits))

    def _fee(self, deal: Deal, order: WorkingOrder, *, maker: bool) -> tuple[str, Decimal]:
        state, instrument = self._state, order.market.instrument
        fees = order.account.fees_of(instrument)
        rate = Fraction(fees.maker if maker else fees.taker)
        value = worth(instrument, deal.quantity, deal.price)
        unit = instrument.base if instrument.inverse else instrument.quote
        if fees.asset and rate > 0:
            price = Decimal(1) if fees.asset == unit else fees.prices.get(unit)
            price = price or state.fee_price(fees.asset, unit)
            if price:
                part = value * rate * Fraction(fees.discount) / Fraction(price)
                fee = toward_zero(part, state.settings.digits_of(fees.asset))
                if self.free(order.account, fees.asset) >= fee:
                    return fees.asset, fee
        if not state.settings.spot:
            return order.market.settle, toward_zero(value * rate, order.market.digits)
        in_base = fees.paid_in is FeesIn.BASE or (fees.paid_in is FeesIn.RECEIVED and order.buying)
        asset = instrument.base if in_base else instrument.quote
        amount = Fraction(deal.quantity) if in_base else value
        return asset, toward_zero(amount * rate, state.settings.digits_of(asset))

    def _income(
        self, account: Account, market: Market | None, kind: str, amount: Decimal, asset: str, trade_id: int
    ) -> None:
        """Write a line of a futures account's ledger."""
        state = self._state
        if state.settings.spot:
            return
        account.income.append(
            Income(
                exchange=state.exchange,
                instrument=market.instrument if market else None,
                kind=kind,
                amount=amount,
                asset=asset,
                info="",
                transaction_id=str(state.new_number()),
                trade_id=str(trade_id or ""),
                time_exchange=state.now_ns,
            )
        )

    # What is paid otherwise.

    def transfer(self, source: str, target: str, asset: str, amount: Decimal, reason: str) -> None:
        """Move an amount between holders; accounts among them are told of it."""
        state = self._state
        state.ledger.move(asset, source, target, amount, reason)
        for name, change in ((source, amount.copy_negate()), (target, amount)):
            account = state.accounts.get(name)
            if account is not None:
                self._journal.balance(account, asset, reason, change)
                self._income(account, None, "TRANSFER", change, asset, 0)

    def pay_funding(self, account: Account, market: Market, rate: Decimal, mark: Decimal) -> Decimal:
        """Pay funding for an account's positions of an instrument; return the amount, below zero if paid."""
        total = ZERO
        for holding in account.holdings.values():
            if holding.instrument == market.instrument and holding.quantity:
                value = worth(market.instrument, holding.quantity, mark) * Fraction(rate)
                total = subtract(total, half_even(value, market.digits))
        if total:
            self._state.ledger.move(market.settle, CLEARING, account.name, total, "FUNDING_FEE")
            self._journal.balance(account, market.settle, "FUNDING_FEE")
            self._income(account, market, "FUNDING_FEE", total, market.settle, 0)
        return total
