"""What an account holds and how it is set up, over all endpoints and events, against the engine's own."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from toucan_execution.account import MarginType, PositionMode
from toucan_execution.client.binance import venue_answers as answers
from toucan_execution.events import (
    AccountConfigUpdate,
    BalanceUpdate,
    FundingUpdate,
    PositionUpdate,
    TransferUpdate,
)
from toucan_execution.testing.sandbox.errors import ApiError

D = Decimal


def encoded(value):
    return msgspec.json.encode(value)


def check_account(stage, account="a"):
    """Check that all that can be asked of an account is what the engine holds."""
    snapshot = stage.engine.snapshot(account)
    positions = {(each.instrument, each.side): each for each in snapshot.positions}
    balances = {each.asset: each for each in snapshot.balances}
    versions = ["v1"] if stage.coin else ["v2", "v3"]
    for version in versions:
        path = f"{stage.prefix}/{version}"
        row = stage.ask("GET", f"{path}/account", account)
        part = answers.futures_account(stage.scope, encoded(row), 9)
        for each in answers.held(part.balances):
            own = balances[each.asset]
            assert (each.total, each.free, each.locked) == (own.total, own.free, own.locked)
            assert each.unrealized_profit == own.unrealized_profit
            assert each.cross_wallet == own.cross_wallet
        assert {each.asset for each in answers.held(part.balances)} == set(balances)
        held = {(each.instrument, each.side): each for each in part.positions if each.quantity}
        assert set(held) == set(positions)
        for key, each in held.items():
            assert each.quantity == positions[key].quantity
            assert each.unrealized_profit == positions[key].unrealized_profit
            if version != "v3":
                assert each.entry_price == positions[key].entry_price
                assert each.margin_type is positions[key].margin_type
        rows = stage.ask("GET", f"{path}/balance", account)
        assert {each["asset"]: D(each["balance"]) for each in rows if D(each["balance"])} == {
            each.asset: each.total for each in snapshot.balances
        }
        risks = answers.futures_positions(
            stage.scope, encoded(stage.ask("GET", f"{path}/positionRisk", account))
        )
        assert {(each.instrument, each.side) for each in risks} == set(positions)
        for each in risks:
            own = positions[each.instrument, each.side]
            assert (each.quantity, each.entry_price) == (own.quantity, own.entry_price)
            assert (each.mark_price, each.notional) == (own.mark_price, own.notional)
            assert each.unrealized_profit == own.unrealized_profit
            if version != "v3":
                assert (each.leverage, each.margin_type) == (own.leverage, own.margin_type)
            if own.margin_type is MarginType.ISOLATED:
                assert each.isolated_wallet == own.isolated_margin


def test_an_empty_account_shows_all_assets_and_symbols(stage_of, stage):
    stage = stage_of(stage.exchange, funds=0)
    symbols = list(stage.market.instruments)
    assets = ["BTC", "ETH"] if stage.coin else ["USDT", "USDC"]
    version = "v1" if stage.coin else "v2"
    row = stage.ask("GET", f"{stage.prefix}/{version}/account")
    assert [each["asset"] for each in row["assets"]] == assets
    assert [each["symbol"] for each in row["positions"]] == symbols
    assert {each["walletBalance"] for each in row["assets"]} == {"0.00000000"}
    risks = stage.ask("GET", f"{stage.prefix}/{version}/positionRisk")
    assert [each["symbol"] for each in risks] == symbols
    check_account(stage)


def test_positions_and_orders_are_shown_as_they_are_held(stage):
    stage.open_position(3 * stage.quantity)
    stage.order("BUY", "97.5", 2 * stage.quantity)
    stage.order("SELL", 120)
    stage.mark("103.3")
    for account in "am":
        check_account(stage, account)
    stage.order("SELL", None, account="b")
    stage.order("SELL", 90, 2 * stage.quantity)
    check_account(stage)


def test_version_3_shows_what_there_is_alone(usd):
    assert usd.ask("GET", "/fapi/v3/positionRisk") == []
    assert usd.ask("GET", "/fapi/v3/account")["positions"] == []
    usd.order("BUY", 100)
    (row,) = usd.ask("GET", "/fapi/v3/positionRisk")
    assert (row["symbol"], D(row["positionAmt"]), D(row["bidNotional"])) == ("BTCUSDT", 0, 100)
    assert D(row["openOrderInitialMargin"]) == 5  # 20 times
    assert usd.ask("GET", "/fapi/v3/positionRisk", symbol="ETHUSDT") == []
    account = usd.ask("GET", "/fapi/v3/account")
    assert D(account["totalOpenOrderInitialMargin"]) == 5
    assert D(account["availableBalance"]) == 999_995


def test_hedge_mode_has_three_rows_of_each_symbol(stage):
    stage.v1("POST", "positionSide/dual", dualSidePosition="true")
    stage.order("SELL", 100, account="m")
    stage.order("BUY", 100, positionSide="LONG")
    check_account(stage)
    version = "v1" if stage.coin else "v2"
    rows = stage.ask("GET", f"{stage.prefix}/{version}/positionRisk")
    assert [each["positionSide"] for each in rows] == ["BOTH", "LONG", "SHORT"] * len(
        stage.market.instruments
    )


def test_money_is_kept_by_asset(usd):
    usd.engine.deposit("a", "USDC", D(500), usd.tick())
    usd.engine.deposit("a", "BNB", D(2), usd.tick())
    balances = {each["asset"]: each["balance"] for each in usd.ask("GET", "/fapi/v3/balance")}
    assert balances == {"USDT": "1000000.00000000", "USDC": "500.00000000", "BNB": "2.00000000"}
    assert usd.ask("GET", "/fapi/v2/account")["totalWalletBalance"] == "1000000.00000000"


def test_maintenance_margin_goes_by_the_bracket(usd):
    usd.v1("POST", "leverage", symbol=usd.symbol, leverage=10)
    usd.v1("POST", "leverage", "m", symbol=usd.symbol, leverage=10)
    usd.engine.deposit("a", "USDT", D(10**7), usd.tick())
    usd.open_position(600)
    row = usd.ask("GET", "/fapi/v3/positionRisk")[0]
    assert D(row["maintMargin"]) == 60_000 * D("0.005") - 50
    assert D(row["initialMargin"]) == 6_000


def test_what_has_changed_is_told_as_it_is_held(stage):
    stage.open_position(2 * stage.quantity)
    stage.events()
    stage.mark(110)
    stage.order("BUY", 112, 5 * stage.quantity, account="m")
    stage.order("SELL", None)
    events = stage.events("a", BalanceUpdate, PositionUpdate)
    balance, position = (
        next(e for e in events if isinstance(e, kind)) for kind in (BalanceUpdate, PositionUpdate)
    )
    own = next(each for each in stage.engine.balances("a") if each.asset == stage.settle)
    assert (balance.balance.total, balance.balance.cross_wallet) == (own.total, own.cross_wallet)
    assert (balance.reason, balance.change) == ("ORDER", 0)
    (held,) = stage.engine.positions("a")
    for field in ("quantity", "entry_price", "unrealized_profit", "realized_profit", "margin_type", "side"):
        assert getattr(position.position, field) == getattr(held, field), field
    check_account(stage)


def test_orders_that_are_not_filled_tell_of_no_balance(stage):
    stage.order()
    stage.v1("DELETE", "allOpenOrders", symbol=stage.symbol)
    assert not stage.events("a", BalanceUpdate, PositionUpdate)


@pytest.mark.parametrize("isolated", [False, True])
def test_funding_is_told_with_its_symbol(stage, isolated):
    if isolated:
        stage.v1("POST", "marginType", symbol=stage.symbol, marginType="ISOLATED")
    stage.open_position()
    stage.events()
    stage.engine.fund(stage.first, D("0.001"), stage.tick(), mark=D(100))
    (told,) = stage.told["a"]
    assert (told["a"]["m"], told["a"]["S"]) == ("FUNDING_FEE", stage.symbol)
    assert bool(told["a"]["P"]) is isolated
    events = stage.events()
    funding = next(each for each in events if isinstance(each, FundingUpdate))
    line = stage.engine.income("a", 0, stage.now_ns)[-1]
    assert (funding.amount, funding.asset, funding.instrument) == (line.amount, line.asset, stage.first)
    balance = next(each for each in events if isinstance(each, BalanceUpdate))
    assert balance.balance.total == stage.engine.balances("a")[0].total


def test_transfers_are_deposits_and_withdrawals(stage):
    stage.engine.deposit("a", stage.settle, D(5), stage.tick())
    stage.engine.withdraw("a", stage.settle, D(2), stage.tick())
    stage.engine.transfer("a", "b", stage.settle, D(1), stage.tick())
    found = [(each.reason, each.amount) for each in stage.events("a", TransferUpdate)]
    assert found == [("DEPOSIT", 5), ("WITHDRAW", -2), ("WITHDRAW", -1)]
    assert [(each.reason, each.amount) for each in stage.events("b", TransferUpdate)] == [("DEPOSIT", 1)]


def test_coin_m_says_whose_events_they_are(coin):
    coin.open_position()
    aliases = {each["i"] for each in coin.told["a"]}
    (row,) = [each for each in coin.ask("GET", "/dapi/v1/balance") if each["asset"] == "BTC"]
    assert aliases == {row["accountAlias"]}
    assert aliases != {each["i"] for each in coin.told["m"]}


# Settings.


def test_leverage_is_set_answered_told_and_shown(stage):
    row = stage.v1("POST", "leverage", symbol=stage.symbol, leverage=50)
    setting = answers.futures_leverage(stage.scope, encoded(row))
    own = stage.engine.leverage("a", stage.first)
    assert (setting.leverage, setting.max_notional, setting.max_quantity) == (
        50, own.max_notional, own.max_quantity,
    )  # fmt: skip
    (event,) = stage.events("a", AccountConfigUpdate)
    assert (event.instrument, event.leverage) == (stage.first, 50)
    version = "v1" if stage.coin else "v2"
    shown = stage.ask("GET", f"{stage.prefix}/{version}/positionRisk")[0]
    assert shown["leverage"] == "50"
    if not stage.coin:
        (config,) = stage.ask("GET", "/fapi/v1/symbolConfig", symbol=stage.symbol)
        assert config == {
            "symbol": "BTCUSDT", "marginType": "CROSSED", "isAutoAddMargin": False, "leverage": 50,
            "maxNotionalValue": "500000",
        }  # fmt: skip


def test_leverage_is_refused_where_position_or_margin_forbid_it(stage_of, stage):
    names = {"symbol": stage.symbol}
    assert stage.code("POST", "leverage", **names, leverage=0) == -4028
    assert stage.code("POST", "leverage", **names, leverage=126) == -4028
    stage.v1("POST", "leverage", **names, leverage=20)
    stage.v1("POST", "leverage", "m", **names, leverage=20)
    stage.open_position(60 if stage.coin else 600)
    assert stage.code("POST", "leverage", **names, leverage=125) == -2027
    small = stage_of(stage.exchange, funds=8)
    small.engine.deposit("m", small.settle, D(1000), small.tick())
    small.open_position(20 if small.coin else "1.5")
    assert small.code("POST", "leverage", **names, leverage=1) == -2028


def test_leverage_of_an_isolated_position_cannot_be_lowered(stage):
    names = {"symbol": stage.symbol}
    stage.v1("POST", "marginType", **names, marginType="ISOLATED")
    stage.open_position()
    assert stage.code("POST", "leverage", **names, leverage=10) == (-4150 if stage.coin else -4161)


def test_the_margin_type_is_set_told_and_shown(stage):
    names = {"symbol": stage.symbol}
    assert stage.code("POST", "marginType", **names, marginType="CROSSED") == -4046
    assert stage.v1("POST", "marginType", **names, marginType="ISOLATED") == {"code": 200, "msg": "success"}
    (told,) = stage.told["a"]
    (row,) = told["a"]["P"]
    assert (told["a"]["m"], told["a"]["B"], row["mt"]) == ("MARGIN_TYPE_CHANGE", [], "isolated")
    assert stage.events("a", PositionUpdate)[0].position.margin_type is MarginType.ISOLATED
    version = "v1" if stage.coin else "v2"
    assert stage.ask("GET", f"{stage.prefix}/{version}/positionRisk")[0]["marginType"] == "isolated"
    stage.order()
    assert stage.code("POST", "marginType", **names, marginType="CROSSED") == -4047
    stage.order("SELL", 100, account="m")
    assert stage.code("POST", "marginType", **names, marginType="CROSSED") == -4048


def test_isolated_margin_is_added_and_taken(stage):
    names = {"symbol": stage.symbol}
    amount = D("0.5") if stage.coin else D(50)
    assert stage.code("POST", "positionMargin", **names, amount="1", type=1) == -4049
    stage.v1("POST", "marginType", **names, marginType="ISOLATED")
    assert stage.code("POST", "positionMargin", **names, amount="1", type=1) == -4054
    stage.open_position()
    before = stage.engine.positions("a")[0].isolated_margin
    stage.events()
    done = stage.v1("POST", "positionMargin", **names, amount=str(amount), type=1)
    assert done == {
        "amount": float(amount), "code": 200, "msg": "Successfully modify position margin.", "type": 1,
    }  # fmt: skip
    (told,) = stage.told["a"]
    assert told["a"]["m"] == "MARGIN_TRANSFER"
    events = stage.events()
    assert not [each for each in events if isinstance(each, TransferUpdate)]  # the wallet has not changed
    position = next(each for each in events if isinstance(each, PositionUpdate)).position
    assert position.isolated_wallet == before + amount
    check_account(stage)
    stage.v1("POST", "positionMargin", **names, amount=str(amount), type=2)
    assert stage.engine.positions("a")[0].isolated_margin == before
    assert stage.code("POST", "positionMargin", **names, amount=str(10**8), type=1) == -4050
    assert stage.code("POST", "positionMargin", **names, amount=str(before), type=2) == -4051
    assert stage.code("POST", "positionMargin", **names, amount="0", type=2) == -4055
    history = stage.v1("GET", "positionMargin/history", **names)
    assert [(each["type"], D(each["amount"])) for each in history] == [(1, amount), (2, amount)]
    assert stage.v1("GET", "positionMargin/history", **names, type=2) == history[1:]
    assert stage.v1("GET", "positionMargin/history", "b", **names) == []


def test_the_position_mode_is_that_of_both_markets(stage):
    assert stage.v1("GET", "positionSide/dual") == {"dualSidePosition": False}
    assert stage.code("POST", "positionSide/dual", dualSidePosition="false") == -4059
    assert stage.v1("POST", "positionSide/dual", dualSidePosition="true") == {"code": 200, "msg": "success"}
    assert stage.v1("GET", "positionSide/dual") == {"dualSidePosition": True}
    sibling = stage.market.sibling
    assert sibling.engine.position_mode("a") is PositionMode.HEDGE
    assert sibling.engine.position_mode("b") is PositionMode.ONE_WAY
    other = "/fapi" if stage.coin else "/dapi"
    changed = stage.ask("POST", f"{other}/v1/positionSide/dual", market=sibling, dualSidePosition="false")
    assert changed["code"] == 200
    assert stage.engine.position_mode("a") is PositionMode.ONE_WAY


def test_the_position_mode_stays_while_anything_is_open_on_either_market(stage_of, stage):
    sibling = stage.market.sibling
    sibling.engine.advance(stage.tick())
    stage.order()
    sibling_path = f"{'/fapi' if stage.coin else '/dapi'}/v1/positionSide/dual"
    for expected in (-4067, -4068):
        assert stage.code("POST", "positionSide/dual", dualSidePosition="true") == expected
        with pytest.raises(ApiError) as caught:
            stage.ask("POST", sibling_path, market=sibling, dualSidePosition="true")
        assert caught.value.code == expected
        assert sibling.engine.position_mode("a") is PositionMode.ONE_WAY
        stage.order("SELL", 100, account="m")


def test_a_market_alone_changes_its_own_mode(stage_of, stage):
    alone = stage_of(stage.exchange, sibling=False)
    alone.v1("POST", "positionSide/dual", dualSidePosition="true")
    assert alone.engine.position_mode("a") is PositionMode.HEDGE


def test_there_is_no_multi_assets_mode(usd):
    assert usd.v1("GET", "multiAssetsMargin") == {"multiAssetsMargin": False}
    assert usd.code("POST", "multiAssetsMargin", multiAssetsMargin="false") == -4171
    assert usd.code("POST", "multiAssetsMargin", multiAssetsMargin="true") == -4169
    usd.v1("POST", "marginType", symbol=usd.symbol, marginType="ISOLATED")
    assert usd.code("POST", "multiAssetsMargin", multiAssetsMargin="true") == -4167
    usd.order()
    assert usd.code("POST", "multiAssetsMargin", multiAssetsMargin="true") == -4170
    config = usd.v1("GET", "accountConfig")
    part = answers.futures_config(usd.scope, encoded(config), 9)
    assert (part.can_trade, part.multi_assets, part.position_mode) == (True, False, PositionMode.ONE_WAY)


# Figures and the ledger.


def test_the_ledger_is_the_engines_by_kind_symbol_time_and_page(stage):
    stage.open_position(2 * stage.quantity)
    stage.order("BUY", 110, account="m")
    stage.order("SELL", None)
    stage.engine.fund(stage.first, D("0.001"), stage.tick(), mark=D(100))
    rows = stage.v1("GET", "income")
    lines = answers.futures_income(stage.scope, encoded(rows))
    own = stage.engine.income("a", 0, stage.now_ns)
    assert len(own) == len(lines) >= 5
    for line, held in zip(lines, own, strict=True):
        for field in ("instrument", "kind", "amount", "asset", "transaction_id", "trade_id", "time_exchange"):
            assert getattr(line, field) == getattr(held, field), field
    assert {type(row["tranId"]) for row in rows} == {str if stage.coin else int}
    fees = stage.v1("GET", "income", incomeType="COMMISSION", symbol=stage.symbol)
    assert {row["incomeType"] for row in fees} == {"COMMISSION"}
    assert stage.v1("GET", "income", symbol="ETHUSD_PERP" if stage.coin else "ETHUSDT") == []
    assert stage.v1("GET", "income", limit=2) == rows[:2]
    assert stage.v1("GET", "income", limit=2, page=2) == rows[2:4]
    assert stage.v1("GET", "income", startTime=rows[2]["time"]) == [
        row for row in rows if row["time"] >= rows[2]["time"]
    ]
    assert stage.code("GET", "income", incomeType="NOTHING") == -1130


def test_fees_and_brackets_are_the_engines(stage):
    row = stage.v1("GET", "commissionRate", symbol=stage.symbol)
    found, own = (
        answers.futures_commission(stage.scope, encoded(row)),
        stage.engine.commission("a", stage.first),
    )
    assert (found.maker, found.taker) == (own.maker, own.taker)
    assert ("rpiCommissionRate" in row) is not stage.coin
    path = "/dapi/v2/leverageBracket" if stage.coin else "/fapi/v1/leverageBracket"
    rows = stage.ask("GET", path, symbol=stage.symbol)
    assert answers.futures_brackets(stage.scope, encoded(rows)) == list(stage.engine.brackets(stage.first))
    everything = stage.ask("GET", path)
    assert [each["symbol"] for each in everything] == list(stage.market.instruments)
    name = "qtyCap" if stage.coin else "notionalCap"
    assert everything[1]["brackets"][0][name] == 2**63 - 1  # without an end
    assert "qtylFloor" in rows[0]["brackets"][0] or not stage.coin


def test_nobody_is_liquidated_or_deleveraged(stage):
    assert stage.v1("GET", "forceOrders", autoCloseType="LIQUIDATION") == []
    assert stage.v1("GET", "adlQuantile") == []
    stage.open_position()
    assert stage.v1("GET", "adlQuantile") == [
        {"symbol": stage.symbol, "adlQuantile": {"LONG": 0, "SHORT": 0, "BOTH": 0}}
    ]


def test_the_counts_of_orders_are_the_servers(stage):
    rows = stage.v1("GET", "rateLimit/order")
    assert [(row["limit"], row["count"]) for row in rows] == [(300, 0), (1200, 0)]
    stage.market.order_counts = lambda account: [{"limit": 300, "count": 7, "account": account}]
    assert stage.v1("GET", "rateLimit/order") == [{"limit": 300, "count": 7, "account": "a"}]
