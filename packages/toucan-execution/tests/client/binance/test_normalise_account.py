"""The futures' messages about an account become what they say; facts D.2, D.3 and E.5."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.account import MarginType, PositionMode
from toucan_execution.client.binance import messages_rest as rest, normalise_account
from toucan_execution.client.binance.messages import decoder_of
from toucan_execution.events import (
    AccountConfigUpdate,
    BalanceUpdate,
    FundingUpdate,
    GridUpdate,
    LiabilityUpdate,
    MarginCall,
    MarginLevelUpdate,
    PositionUpdate,
    StrategyUpdate,
    TransferUpdate,
    UnreadableEvent,
)
from toucan_execution.orders import PositionSide
from toucan_instrument.errors import PayloadError

MS = 1_000_000
USDT = {"a": "USDT", "wb": "122.50", "cw": "100.25", "bc": "-0.75"}
LONG = {"s": "BTCUSDT", "pa": "20", "ep": "6563.66500", "bep": 6570.10, "cr": "1.5", "up": "2850.21200",
        "mt": "isolated", "iw": "13200.70726908", "ps": "LONG", "ma": "USDT"}  # fmt: skip


def row(kind, value):
    return decoder_of(kind).decode(msgspec.json.encode(value))


def kinds(events):
    return [type(event) for event in events]


def test_balances_and_positions(usd, sample):
    balance, position = usd.read(sample.account_update("ORDER", [USDT], [LONG]), 5)
    assert isinstance(balance, BalanceUpdate)
    assert (balance.balance.asset, balance.balance.total, balance.balance.cross_wallet) == (
        "USDT",
        Decimal("122.50"),
        Decimal("100.25"),
    )
    assert (balance.change, balance.reason, balance.balance.free) == (Decimal("-0.75"), "ORDER", None)
    held = position.position
    assert isinstance(position, PositionUpdate)
    assert (held.side, held.quantity, held.entry_price) == (PositionSide.LONG, 20, Decimal("6563.66500"))
    assert (held.margin_type, held.isolated_wallet, held.isolated_margin) == (
        MarginType.ISOLATED,
        Decimal("13200.70726908"),
        None,
    )
    assert (held.realized_profit, held.unrealized_profit) == (Decimal("1.5"), Decimal("2850.21200"))
    assert held.updated_ns == position.time_exchange == 1700000000001 * MS


def test_a_number_that_is_not_quoted_keeps_its_digits(usd):
    frame = (
        b'{"e":"ACCOUNT_UPDATE","E":1,"a":{"m":"ORDER","P":[{"s":"BTCUSDT","pa":-1,'
        b'"bep":51090.316020360000000001}]}}'
    )
    (event,) = usd.read(frame, 0)
    assert str(event.position.break_even_price) == "51090.316020360000000001"
    assert (event.position.quantity, event.position.side) == (-1, PositionSide.BOTH)
    assert event.position.margin_type is None


def test_a_flat_position_has_no_prices(usd, sample):
    flat = LONG | {"pa": "0", "ep": "0.00000", "bep": "0", "mt": "cross", "iw": "0"}
    (event,) = usd.read(sample.account_update("ORDER", [], [flat]), 0)
    held = event.position
    assert (held.quantity, held.entry_price, held.break_even_price, held.isolated_wallet) == (
        0,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("positions", "more", "symbol"),
    [
        ([LONG], {}, "BTCUSDT"),
        ([], {"S": "ETHUSDT"}, "ETHUSDT"),
        ([LONG], {"S": "ETHUSDT"}, "ETHUSDT"),
        ([], {}, None),
        ([LONG, LONG | {"ps": "SHORT"}], {}, None),
    ],
)
def test_funding_is_told_before_the_balance_that_it_explains(usd, sample, positions, more, symbol):
    events = usd.read(sample.account_update("FUNDING_FEE", [USDT], positions, **more), 0)
    assert kinds(events) == [FundingUpdate, BalanceUpdate] + [PositionUpdate] * len(positions)
    funding = events[0]
    assert (funding.asset, funding.amount) == ("USDT", Decimal("-0.75"))
    assert (funding.instrument and funding.instrument.symbol) == symbol


def test_funding_of_an_unknown_amount(usd, sample):
    silent = {key: value for key, value in USDT.items() if key != "bc"}
    funding, balance = usd.read(sample.account_update("FUNDING_FEE", [silent]), 0)
    assert (funding.amount, balance.change) == (None, None)


@pytest.mark.parametrize(
    "reason",
    ["DEPOSIT", "WITHDRAW", "WITHDRAW_REJECT", "ADMIN_DEPOSIT", "ADMIN_WITHDRAW", "ASSET_TRANSFER",
     "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW", "MARGIN_TRANSFER", "STRATEGY_UMFUTURES_TRANSFER"],
)  # fmt: skip
def test_transfers(usd, sample, reason):
    still = {"a": "BNB", "wb": "1", "cw": "1", "bc": "0"}
    events = usd.read(sample.account_update(reason, [USDT, still]), 0)
    assert kinds(events) == [TransferUpdate, BalanceUpdate, BalanceUpdate]
    assert (events[0].asset, events[0].amount, events[0].reason) == ("USDT", Decimal("-0.75"), reason)


@pytest.mark.parametrize("reason", ["ORDER", "ADJUSTMENT", "INSURANCE_CLEAR", "AUTO_EXCHANGE", "NEW_REASON"])
def test_what_is_no_transfer(usd, sample, reason):
    (event,) = usd.read(sample.account_update(reason, [USDT]), 0)
    assert (type(event), event.reason, event.change) == (BalanceUpdate, reason, Decimal("-0.75"))


def test_a_position_side_that_is_not_known_is_refused(usd, sample):
    (event,) = usd.read(sample.account_update("ORDER", [USDT], [LONG | {"ps": "UP"}]), 0)
    assert isinstance(event, UnreadableEvent)
    assert "position side" in event.error


def test_a_margin_call(coin):
    frame = (
        b'{"e":"MARGIN_CALL","E":1587727187525,"i":"SfsR","cw":"3.16","p":[{"s":"BTCUSD_PERP","ps":"LONG",'
        b'"pa":"132","mt":"ISOLATED","iw":"0.5","mp":"9187.17","up":"-1.166074","mm":"1.614445"}]}'
    )
    (event,) = coin.read(frame, 0)
    assert isinstance(event, MarginCall)
    assert (event.cross_wallet, event.maintenance_margins) == (Decimal("3.16"), (Decimal("1.614445"),))
    held = event.positions[0]
    assert (held.quantity, held.mark_price, held.margin_type, held.isolated_wallet) == (
        132,
        Decimal("9187.17"),
        MarginType.ISOLATED,
        Decimal("0.5"),
    )


def test_settings(usd):
    (leverage,) = usd.read(b'{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":25}}', 0)
    (mode,) = usd.read(b'{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ai":{"j":true}}', 0)
    assert isinstance(leverage, AccountConfigUpdate)
    assert (leverage.instrument.symbol, leverage.leverage, leverage.multi_assets) == ("BTCUSDT", 25, None)
    assert (mode.instrument, mode.leverage, mode.multi_assets) == (None, None, True)


def test_strategies(usd):
    (strategy,) = usd.read(
        b'{"e":"STRATEGY_UPDATE","T":1,"E":2,"su":{"si":17,"st":"GRID","ss":"NEW","s":"BTCUSDT","ut":1,"c":8007}}',
        0,
    )
    (grid,) = usd.read(
        b'{"e":"GRID_UPDATE","T":1,"E":2,"gu":{"si":17,"st":"GRID","ss":"WORKING","s":"BTCUSDT","r":"-0.3",'
        b'"up":"16720","uq":"-0.001","uf":"-0.2","mp":"0.1","ut":1}}',
        0,
    )
    assert (type(strategy), strategy.strategy_id, strategy.status, strategy.code) == (
        StrategyUpdate,
        "17",
        "NEW",
        8007,
    )
    assert (type(grid), grid.realized_profit, grid.matched_profit) == (
        GridUpdate,
        Decimal("-0.3"),
        Decimal("0.1"),
    )
    assert (grid.unmatched_price, grid.unmatched_quantity, grid.unmatched_fee) == (
        16720,
        Decimal("-0.001"),
        Decimal("-0.2"),
    )


def test_margin_accounts(spot, usd):
    (level,) = spot.read(b'{"e":"MARGIN_LEVEL_STATUS_CHANGE","E":2,"l":"1.1","s":"MARGIN_CALL"}', 0)
    (owed,) = usd.read(
        b'{"e":"liabilityChange","E":2,"a":"BTC","t":"BORROW","T":1352286576452864727,"p":"1.03","i":"0",'
        b'"l":"1.04"}',
        0,
    )
    assert (type(level), level.level, level.status) == (MarginLevelUpdate, Decimal("1.1"), "MARGIN_CALL")
    assert (type(owed), owed.kind, owed.principal, owed.total) == (
        LiabilityUpdate,
        "BORROW",
        Decimal("1.03"),
        Decimal("1.04"),
    )
    assert owed.time_exchange == 2 * MS


# Answers.


def test_a_balance(usd):
    value = {"asset": "USDT", "balance": "122.5", "crossWalletBalance": "23.7", "crossUnPnl": "1",
             "availableBalance": "23.6", "updateTime": 0}  # fmt: skip
    found = normalise_account.balance(row(rest.FuturesBalance, value))
    assert (found.total, found.free, found.cross_wallet) == (
        Decimal("122.5"),
        Decimal("23.6"),
        Decimal("23.7"),
    )
    assert (found.locked, found.unrealized_profit, found.updated_ns) == (None, None, None)


POSITION = {"symbol": "BTCUSDT", "positionSide": "SHORT", "positionAmt": "-0.5", "entryPrice": "100.5",
            "breakEvenPrice": "100.6", "markPrice": "101.0", "unRealizedProfit": "-0.25",
            "liquidationPrice": "0", "isolatedMargin": "9.75", "isolatedWallet": "10.0", "notional": "-50.5",
            "marginAsset": "USDT", "updateTime": 1700000000001}  # fmt: skip


def test_positions_of_all_versions(usd, coin):
    newest = normalise_account.position(usd.scope, row(rest.FuturesPosition, POSITION))
    assert (newest.quantity, newest.notional, newest.side) == (
        Decimal("-0.5"),
        Decimal("-50.5"),
        PositionSide.SHORT,
    )
    assert (newest.leverage, newest.margin_type, newest.liquidation_price) == (None, None, None)
    assert (newest.isolated_margin, newest.isolated_wallet) == (Decimal("9.75"), Decimal("10.0"))
    older = POSITION | {"leverage": "20", "marginType": "cross", "isAutoAddMargin": "false"}
    found = normalise_account.position(usd.scope, row(rest.FuturesPosition, older))
    assert (found.leverage, found.margin_type, found.isolated_margin) == (20, MarginType.CROSS, None)
    of_account = {"symbol": "BTCUSD_PERP", "positionAmt": "3", "unrealizedProfit": "0.1", "leverage": "5",
                  "isolated": True, "positionSide": "LONG", "entryPrice": "9000", "notionalValue": "0.03",
                  "updateTime": 0}  # fmt: skip
    found = normalise_account.position(coin.scope, row(rest.FuturesPosition, of_account), 77)
    assert (found.margin_type, found.unrealized_profit, found.notional) == (
        MarginType.ISOLATED,
        Decimal("0.1"),
        Decimal("0.03"),
    )
    assert found.updated_ns == 77
    without = {"symbol": "BTCUSDT", "leverage": "5"}
    assert normalise_account.position(usd.scope, row(rest.FuturesPosition, without)) is None


def test_an_account(usd):
    asset = {"asset": "USDT", "walletBalance": "10", "unrealizedProfit": "-1", "initialMargin": "2",
             "crossWalletBalance": "9", "availableBalance": "7", "updateTime": 1700000000001}  # fmt: skip
    value = {"assets": [asset], "positions": [POSITION], "canTrade": True, "multiAssetsMargin": False}
    found = normalise_account.account(usd.scope, row(rest.FuturesAccount, value), 9)
    balance = found.balances[0]
    assert (balance.total, balance.free, balance.locked, balance.unrealized_profit) == (10, 7, 2, -1)
    assert (found.positions[0].quantity, found.multi_assets, found.can_trade) == (
        Decimal("-0.5"),
        False,
        True,
    )
    assert (found.position_mode, found.time_exchange, found.time_received) == (None, None, 9)


def test_a_configuration(usd):
    value = {"canTrade": True, "dualSidePosition": True, "multiAssetsMargin": False, "updateTime": 0}
    found = normalise_account.config(usd.scope, row(rest.AccountConfigBody, value), 9)
    assert (found.position_mode, found.multi_assets) == (PositionMode.HEDGE, False)
    one_way = normalise_account.config(usd.scope, row(rest.AccountConfigBody, {"dualSidePosition": False}), 9)
    assert (one_way.position_mode, one_way.multi_assets) == (PositionMode.ONE_WAY, None)


def test_leverages(usd, coin):
    value = {"leverage": 21, "maxNotionalValue": "1000000", "symbol": "BTCUSDT"}
    found = normalise_account.leverage(usd.scope, row(rest.Leverage, value))
    assert (found.leverage, found.max_notional, found.max_quantity) == (21, 1000000, None)
    unlimited = normalise_account.leverage(usd.scope, row(rest.Leverage, value | {"maxNotionalValue": "INF"}))
    assert unlimited.max_notional is None
    configured = value | {"marginType": "CROSSED", "isAutoAddMargin": "false"}
    assert (
        normalise_account.leverage(usd.scope, row(rest.Leverage, configured)).margin_type is MarginType.CROSS
    )
    coins = {"leverage": "21", "maxQty": "1000", "symbol": "BTCUSD_200925"}
    found = normalise_account.leverage(coin.scope, row(rest.Leverage, coins))
    assert (found.leverage, found.max_quantity) == (21, 1000)
    with pytest.raises(PayloadError, match="no number"):
        normalise_account.leverage(usd.scope, row(rest.Leverage, value | {"maxNotionalValue": "lots"}))


def test_commissions(usd):
    value = {"symbol": "BTCUSDT", "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0004",
             "rpiCommissionRate": "0.00005"}  # fmt: skip
    found = normalise_account.commission(usd.scope, row(rest.FuturesCommission, value))
    assert (found.maker, found.taker, found.rpi) == (
        Decimal("0.0002"),
        Decimal("0.0004"),
        Decimal("0.00005"),
    )


def test_income(usd):
    value = {"symbol": "", "incomeType": "TRANSFER", "income": "-0.375", "asset": "USDT", "info": "TRANSFER",
             "time": 1570608000000, "tranId": 9689322392, "tradeId": ""}  # fmt: skip
    found = normalise_account.income(usd.scope, row(rest.IncomeRow, value))
    assert (found.instrument, found.amount, found.transaction_id, found.trade_id) == (
        None,
        Decimal("-0.375"),
        "9689322392",
        "",
    )
    other = normalise_account.income(
        usd.scope, row(rest.IncomeRow, value | {"symbol": "BTCUSDT", "tranId": "9", "tradeId": 2059192})
    )
    assert (other.instrument.symbol, other.transaction_id, other.trade_id) == ("BTCUSDT", "9", "2059192")


def test_brackets_keep_the_digits_of_their_numbers(usd, coin):
    body = (
        b'{"symbol":"ETHUSDT","notionalCoef":1.50,"brackets":[{"bracket":1,"initialLeverage":75,'
        b'"notionalCap":10000.10,"notionalFloor":0,"maintMarginRatio":0.00650,"cum":0.0}]}'
    )
    (found,) = normalise_account.brackets(usd.scope, decoder_of(rest.Brackets).decode(body))
    assert (str(found.cap), str(found.maintenance_margin), str(found.cumulative)) == (
        "10000.10",
        "0.00650",
        "0.0",
    )
    assert (found.bracket, found.max_leverage, found.floor) == (1, 75, 0)
    bracket = {"bracket": 2, "initialLeverage": 50, "qtyCap": 50, "qtylFloor": 5, "maintMarginRatio": 0.01,
               "cum": 0.02}  # fmt: skip
    (found,) = normalise_account.brackets(
        coin.scope, row(rest.Brackets, {"pair": "BTCUSD", "brackets": [bracket]})
    )
    assert (found.instrument.symbol, found.floor, found.cap) == ("BTCUSD_PERP", 5, 50)
    for wrong in ({"brackets": [bracket]}, {"symbol": "X", "brackets": [bracket | {"qtyCap": None}]}):
        with pytest.raises(PayloadError):
            normalise_account.brackets(coin.scope, row(rest.Brackets, wrong))
