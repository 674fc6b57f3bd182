"""What a futures account holds: balances, positions and their margin (facts D.2.2, D.3.2).

All of it is the engine's own. Nothing is ever liquidated here: a liquidation price is always 0. The
break-even price is the entry price.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from toucan_execution.account import Balance, LeverageBracket, MarginType, Position, PositionMode
from toucan_execution.client.binance.words import MARGIN_TYPE_WORDS, POSITION_SIDE_WORDS
from toucan_execution.mock.amounts import add, exact, half_even, subtract, upward, worth
from toucan_execution.mock.margin import Exposure
from toucan_execution.orders import ZERO, Order, PositionSide
from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint
from toucan_execution.testing.sandbox.futures_core import FuturesCore
from toucan_execution.testing.sandbox.futures_errors import refuse
from toucan_execution.testing.sandbox.futures_rows import MONEY, Row, digits_of, fixed, millis, money
from toucan_instrument import Instrument, Side

__all__ = ["LARGEST", "FuturesAccount", "Held", "largest_position", "open_worth", "shown_worth"]

LARGEST = Decimal(2**63 - 1)
"""What the venue shows for a bracket without an end."""
NOTHING = Fraction(0)
SINGLE = "USDT"
"""What the totals of a USD-M account are in (facts D.2.2)."""


class Held(NamedTuple):
    """A position with the orders that could change it, and its margin.

    Attributes:
        position: As the engine shows it, flat ones too.
        bids: What its open buys are worth.
        asks: What its open sells are worth.
        margin: Its initial margin.
        orders: The initial margin of its orders.
        maintenance: Its maintenance margin.
        orders_open: Whether it has open orders.
    """

    position: Position
    bids: Fraction
    asks: Fraction
    margin: Decimal
    orders: Decimal
    maintenance: Decimal
    orders_open: bool

    @property
    def counts(self) -> bool:
        """Whether there is a position or an open order: version 3 shows no others (facts D.2.1)."""
        return bool(self.position.quantity) or self.orders_open

    @property
    def isolated(self) -> bool:
        """Whether it has a margin of its own."""
        return self.position.margin_type is MarginType.ISOLATED

    @property
    def wallet(self) -> Decimal:
        """The margin of its own that it was given."""
        return (self.position.isolated_margin or ZERO) if self.isolated else ZERO

    @property
    def profit(self) -> Decimal:
        """Its unrealised profit."""
        return self.position.unrealized_profit or ZERO


def largest_position(brackets: Iterable[LeverageBracket], leverage: int) -> Decimal:
    """Return the largest worth that a position may have at a leverage."""
    most = max((each.cap for each in brackets if each.max_leverage >= leverage), default=ZERO)
    return min(most, LARGEST)


class FuturesAccount:
    """What an account holds.

    Args:
        core: What all endpoints share.
    """

    def __init__(self, core: FuturesCore) -> None:
        self._core = core

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked (facts D.2.1, D.3.1, F.4)."""
        if self._core.coin:
            return (
                Endpoint(
                    method="GET", path="/dapi/v1/account", act=self.account, ws=("account.status",), weight=5,
                ),
                Endpoint(
                    method="GET", path="/dapi/v1/balance", act=self.balance, ws=("account.balance",),
                ),
                Endpoint(
                    method="GET", path="/dapi/v1/positionRisk", act=self.positions, ws=("account.position",),
                    optional=("marginAsset", "pair"),
                ),
            )  # fmt: skip
        return (
            Endpoint(
                method="GET", path="/fapi/v2/account", act=self.account, ws=("account.status",), weight=5,
            ),
            Endpoint(
                method="GET", path="/fapi/v3/account", act=self.short_account, ws=("v2/account.status",),
                weight=5,
            ),
            Endpoint(
                method="GET", path="/fapi/v2/balance", act=self.balance, ws=("account.balance",), weight=5,
            ),
            Endpoint(
                method="GET", path="/fapi/v3/balance", act=self.balance, ws=("v2/account.balance",), weight=5,
            ),
            Endpoint(
                method="GET", path="/fapi/v2/positionRisk", act=self.positions, ws=("account.position",),
                optional=("symbol",), weight=5,
            ),
            Endpoint(
                method="GET", path="/fapi/v3/positionRisk", act=self.short_positions,
                ws=("v2/account.position",), optional=("symbol",), weight=5,
            ),
            Endpoint(method="GET", path="/fapi/v1/accountConfig", act=self.config, weight=5),
            Endpoint(
                method="GET", path="/fapi/v1/symbolConfig", act=self.symbol_config, optional=("symbol",),
                weight=5,
            ),
        )  # fmt: skip

    # What is held.

    def held(self, account: str, instruments: Iterable[Instrument]) -> list[Held]:
        """Return all positions of instruments, flat ones too: three of each in hedge mode (D.3.2)."""
        engine = self._core.engine
        found = {(each.instrument, each.side): each for each in engine.positions(account)}
        orders: dict[tuple[Instrument, PositionSide], list[Order]] = {}
        for order in self._core.open_regular(account, self._core.market.instruments.values()):
            key = (order.instrument, order.position_side or PositionSide.BOTH)
            orders.setdefault(key, []).append(order)
        hedge = engine.position_mode(account) is PositionMode.HEDGE
        sides = tuple(PositionSide) if hedge else (PositionSide.BOTH,)
        return [
            self._one(
                found.get((instrument, side)) or self.flat(account, instrument, side),
                orders.get((instrument, side), []),
            )
            for instrument in instruments
            for side in sides
        ]

    def flat(self, account: str, instrument: Instrument, side: PositionSide) -> Position:
        """Return a position of nothing."""
        engine = self._core.engine
        setting = engine.leverage(account, instrument)
        return Position(
            instrument=instrument,
            side=side,
            quantity=ZERO,
            mark_price=engine.mark_price(instrument),
            leverage=setting.leverage,
            margin_type=setting.margin_type,
            margin_asset=instrument.settle,
        )

    def _one(self, position: Position, orders: list[Order]) -> Held:
        instrument, leverage = position.instrument, position.leverage or 1
        mark = position.mark_price
        value = worth(instrument, position.quantity, mark) if mark else NOTHING
        exposure = Exposure(value, NOTHING, NOTHING)
        for order in orders:
            amount = open_worth(order)
            if order.side is Side.BUY:
                exposure.buys += amount
            else:
                exposure.sells += amount
        digits = self._core.engine.settings.digits_of(position.margin_asset)
        margin = upward(abs(value) / leverage, digits)
        both = upward(exposure.largest / leverage, digits)
        isolated = position.margin_type is MarginType.ISOLATED
        return Held(
            position=position,
            bids=exposure.buys,
            asks=exposure.sells,
            margin=(position.isolated_margin or ZERO) if isolated else margin,
            orders=subtract(both, margin),
            maintenance=upward(self._maintenance(instrument, abs(value)), digits),
            orders_open=bool(orders),
        )

    def _maintenance(self, instrument: Instrument, value: Fraction) -> Fraction:
        """Return the maintenance margin of a worth: by the bracket that it lies in."""
        for each in self._core.engine.brackets(instrument):
            if Fraction(each.floor) <= value < Fraction(each.cap):
                margin = value * Fraction(each.maintenance_margin) - Fraction(each.cumulative)
                return max(margin, NOTHING)
        return NOTHING

    def _everything(self, account: str) -> list[Held]:
        return self.held(account, self._core.market.instruments.values())

    # Balances.

    def _balances(self, account: str) -> list[Balance]:
        """Return the balances of all assets that margin something here, and of all that is held."""
        found = {each.asset: each for each in self._core.engine.balances(account)}
        settles = dict.fromkeys(each.settle for each in self._core.market.instruments.values())
        return [
            found.get(asset) or _nothing(asset) for asset in (*settles, *sorted(set(found) - set(settles)))
        ]

    def balance(self, ask: Ask) -> list[Row]:
        """Return the balances (facts D.2.2, D.3.2)."""
        held = self._everything(ask.account)
        alias, coin = self._core.alias_of(ask.account), self._core.coin
        rows = []
        for each in self._balances(ask.account):
            row: Row = {
                "accountAlias": alias, "asset": each.asset, "balance": money(each.total),
                "crossWalletBalance": money(each.cross_wallet),
                "crossUnPnl": money(_cross_profit(held, each.asset)), "availableBalance": _available(each),
                "updateTime": millis(each.updated_ns),
            }  # fmt: skip
            if coin:
                row["withdrawAvailable"] = _withdrawable(each)
            else:
                row |= {"maxWithdrawAmount": _withdrawable(each), "marginAvailable": True}
            rows.append(row)
        return rows

    # Accounts.

    def account(self, ask: Ask) -> Row:
        """Return an account with all positions, flat ones too: COIN-M, and version 2 of USD-M."""
        held, can_trade = self._everything(ask.account), self._can_trade(ask.account)
        head: Row = {
            "feeTier": 0, "canTrade": can_trade, "canDeposit": True, "canWithdraw": True, "updateTime": 0,
        }  # fmt: skip
        assets = self._assets(ask.account, held)
        if self._core.coin:
            return {**head, "assets": assets, "positions": [self._coin_position(each) for each in held]}
        assets = [{**each, "marginAvailable": True} for each in assets]
        positions = [self._long_position(each) for each in held]
        head |= {"multiAssetsMargin": False, "tradeGroupId": -1}
        return {**head, **_totals(assets), "assets": assets, "positions": positions}

    def short_account(self, ask: Ask) -> Row:
        """Return an account as version 3 has it: only positions with a quantity or open orders."""
        held = self._everything(ask.account)
        assets = self._assets(ask.account, held)
        positions = [_short_position(each) for each in held if each.counts]
        return {**_totals(assets), "assets": assets, "positions": positions}

    def _can_trade(self, account: str) -> bool:
        return bool(self._core.engine.snapshot(account).can_trade)

    def _assets(self, account: str, held: list[Held]) -> list[Row]:
        rows = []
        for each in self._balances(account):
            own = [one for one in held if one.position.margin_asset == each.asset]
            initial, profit = each.locked or ZERO, each.unrealized_profit or ZERO
            positions = min(initial, _sum(one.margin for one in own))
            rows.append(
                {
                    "asset": each.asset, "walletBalance": money(each.total),
                    "unrealizedProfit": money(profit), "marginBalance": money(add(each.total, profit)),
                    "maintMargin": money(_sum(one.maintenance for one in own)),
                    "initialMargin": money(initial), "positionInitialMargin": money(positions),
                    "openOrderInitialMargin": money(subtract(initial, positions)),
                    "crossWalletBalance": money(each.cross_wallet),
                    "crossUnPnl": money(_cross_profit(own, each.asset)),
                    "availableBalance": _available(each), "maxWithdrawAmount": _withdrawable(each),
                    "updateTime": millis(each.updated_ns),
                }
            )  # fmt: skip
        return rows

    # Positions of an account, each version with its own names.

    def _long_position(self, held: Held) -> Row:
        position = held.position
        row = _margins(held) | {
            "leverage": str(position.leverage), "isolated": held.isolated,
            "maxNotional": self._largest(position), "notional": money(position.notional),
            "isolatedWallet": money(held.wallet),
        }  # fmt: skip
        return row | _prices(held) | _offers(held)

    def _coin_position(self, held: Held) -> Row:
        position = held.position
        row = _margins(held) | {
            "leverage": str(position.leverage), "isolated": held.isolated, "maxQty": self._largest(position),
            "notionalValue": money(position.notional), "isolatedWallet": money(held.wallet),
        }  # fmt: skip
        return row | _prices(held)

    def _largest(self, position: Position) -> str:
        brackets = self._core.engine.brackets(position.instrument)
        return fixed(largest_position(brackets, position.leverage or 1), 0)

    # Positions by themselves.

    def positions(self, ask: Ask) -> list[Row]:
        """Return all positions, flat ones too: COIN-M, and version 2 of USD-M (facts D.2.2, D.3.2)."""
        params = ask.params
        if "marginAsset" in params and "pair" in params:
            raise refuse(-1128)
        asset = params.text("marginAsset")
        return [
            self._risk(each)
            for each in self.held(ask.account, self._core.chosen(params))
            if not asset or each.position.margin_asset == asset
        ]

    def _risk(self, held: Held) -> Row:
        position, coin = held.position, self._core.coin
        return {
            **_head(held), **_prices(held), "markPrice": money(position.mark_price),
            "unRealizedProfit": money(held.profit), "liquidationPrice": "0",
            "leverage": str(position.leverage),
            "maxQty" if coin else "maxNotionalValue": self._largest(position),
            "marginType": "isolated" if held.isolated else "cross", "isolatedMargin": _isolated_margin(held),
            "isAutoAddMargin": "false", "isolatedWallet": money(held.wallet),
            "notionalValue" if coin else "notional": money(position.notional),
        }  # fmt: skip

    def short_positions(self, ask: Ask) -> list[Row]:
        """Return the positions that there are, as version 3 has them (facts D.2.2)."""
        held = self.held(ask.account, self._core.chosen(ask.params))
        return [_short_risk(each) for each in held if each.counts]

    # How it is set up.

    def config(self, ask: Ask) -> Row:
        """Return how an account is set up (facts D.2.2)."""
        hedge = self._core.engine.position_mode(ask.account) is PositionMode.HEDGE
        return {
            "feeTier": 0, "canTrade": self._can_trade(ask.account), "canDeposit": True, "canWithdraw": True,
            "dualSidePosition": hedge, "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1,
        }  # fmt: skip

    def symbol_config(self, ask: Ask) -> list[Row]:
        """Return margin type and leverage of instruments (facts D.2.2)."""
        rows = []
        for instrument in self._core.chosen(ask.params):
            setting = self._core.engine.leverage(ask.account, instrument)
            rows.append(
                {
                    "symbol": instrument.symbol,
                    "marginType": MARGIN_TYPE_WORDS[setting.margin_type or MarginType.CROSS],
                    "isAutoAddMargin": False,
                    "leverage": setting.leverage,
                    "maxNotionalValue": fixed(min(setting.max_notional or ZERO, LARGEST), 0),
                }
            )
        return rows


def open_worth(order: Order) -> Fraction:
    """Return what an open order may make a position larger by; nothing where it can only reduce."""
    side = order.position_side or PositionSide.BOTH
    closes = (order.side is Side.SELL) is (side is PositionSide.LONG) and side is not PositionSide.BOTH
    if not order.is_open or order.price is None or order.reduce_only or order.close_position or closes:
        return NOTHING
    return worth(order.instrument, order.remaining or ZERO, order.price)


def shown_worth(value: Fraction, instrument: Instrument) -> Decimal:
    """Return a worth to be shown: exact, but of inverse contracts to eight digits."""
    return half_even(value, MONEY) if instrument.inverse else exact(value)


def _nothing(asset: str) -> Balance:
    return Balance(asset=asset, total=ZERO, free=ZERO, locked=ZERO, cross_wallet=ZERO)


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for each in values:
        total = add(total, each)
    return total


def _cross_profit(held: Iterable[Held], asset: str) -> Decimal:
    return _sum(each.profit for each in held if each.position.margin_asset == asset and not each.isolated)


def _available(balance: Balance) -> str:
    return money(max(balance.free or ZERO, ZERO))


def _withdrawable(balance: Balance) -> str:
    """Return what can be taken out: never more than the wallet."""
    return money(max(min(balance.free or ZERO, balance.cross_wallet or ZERO), ZERO))


def _isolated_margin(held: Held) -> str:
    return money(add(held.wallet, held.profit) if held.isolated else ZERO)


def _totals(assets: list[Row]) -> Row:
    """Return the totals of an account: of USDT, as all assets are on their own here (facts D.2.2)."""
    names = {
        "totalInitialMargin": "initialMargin", "totalMaintMargin": "maintMargin",
        "totalWalletBalance": "walletBalance", "totalUnrealizedProfit": "unrealizedProfit",
        "totalMarginBalance": "marginBalance", "totalPositionInitialMargin": "positionInitialMargin",
        "totalOpenOrderInitialMargin": "openOrderInitialMargin",
        "totalCrossWalletBalance": "crossWalletBalance", "totalCrossUnPnl": "crossUnPnl",
        "availableBalance": "availableBalance", "maxWithdrawAmount": "maxWithdrawAmount",
    }  # fmt: skip
    row = next((each for each in assets if each["asset"] == SINGLE), None)
    return {name: money(ZERO) if row is None else row[own] for name, own in names.items()}


def _head(held: Held) -> Row:
    position = held.position
    digits = digits_of(position.instrument).quantity
    return {
        "symbol": position.instrument.symbol, "positionSide": POSITION_SIDE_WORDS[position.side],
        "positionAmt": fixed(position.quantity, digits), "updateTime": millis(position.updated_ns),
    }  # fmt: skip


def _prices(held: Held) -> Row:
    position = held.position
    entry = fixed(position.entry_price, digits_of(position.instrument).price)
    return {"entryPrice": entry, "breakEvenPrice": entry}


def _margins(held: Held) -> Row:
    return _head(held) | {
        "initialMargin": money(add(held.margin, held.orders)), "maintMargin": money(held.maintenance),
        "unrealizedProfit": money(held.profit), "positionInitialMargin": money(held.margin),
        "openOrderInitialMargin": money(held.orders),
    }  # fmt: skip


def _offers(held: Held) -> Row:
    instrument = held.position.instrument
    return {
        "bidNotional": money(shown_worth(held.bids, instrument)),
        "askNotional": money(shown_worth(held.asks, instrument)),
    }


def _short_position(held: Held) -> Row:
    """Return a position of version 3 of the account (facts D.2.2)."""
    return _head(held) | {
        "unrealizedProfit": money(held.profit), "isolatedMargin": _isolated_margin(held),
        "notional": money(held.position.notional), "isolatedWallet": money(held.wallet),
        "initialMargin": money(add(held.margin, held.orders)), "maintMargin": money(held.maintenance),
    }  # fmt: skip


def _short_risk(held: Held) -> Row:
    """Return a position of version 3 of the positions (facts D.2.2)."""
    position = held.position
    row = _head(held) | _prices(held) | _offers(held) | _margins(held)
    del row["unrealizedProfit"]
    return row | {
        "markPrice": money(position.mark_price), "unRealizedProfit": money(held.profit),
        "liquidationPrice": "0", "isolatedMargin": _isolated_margin(held),
        "notional": money(position.notional), "marginAsset": position.margin_asset,
        "isolatedWallet": money(held.wallet), "adl": 0,
    }  # fmt: skip
