"""Names and types of what is answered and told, against recorded frames (TOUCAN_CAPTURES)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("TOUCAN_CAPTURES", "/nowhere")) / "frames"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="TOUCAN_CAPTURES names no folder with frames")

GONE = {"avgPrice", "cumQuote", "cumBase"}  # from placed, changed and cancelled orders, 2026-07 (facts 0.2)
TRAILING = {"activatePrice", "priceRate"}  # of conditional orders, which are no regular orders any more
STP = {"priceMatch", "selfTradePreventionMode", "goodTillDate"}  # later than the frame
HISTORY = {"pair", "cumBase", "cumQuote", "goodTillDate"}  # since 2026-08-07 (facts 0.2)
FILLED = {"N", "n"}  # of events of fills alone (facts E.5)
PORTFOLIO = {"fs"}  # of portfolio margin alone


def frames(stage, name):
    text = (FOLDER / stage.name / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def rows_in(value):
    """Return the rows of an answer: of a list its elements, of a WebSocket API answer its result."""
    if isinstance(value, dict) and "result" in value:
        value = value["result"]
    if isinstance(value, dict) and "data" in value:
        value = value["data"]
    return [row for row in (value if isinstance(value, list) else [value]) if "code" not in row]


def kind_of(value):
    return (
        "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
    )


def compare(ours, recorded, *, gone=(), new=(), loose=()):
    """Check that a row has the names and types of a recorded one, but for what is named."""
    assert set(recorded) - set(ours) <= set(gone), set(recorded) - set(ours) - set(gone)
    assert set(ours) - set(recorded) <= set(new), set(ours) - set(recorded) - set(new)
    for name in set(ours) & set(recorded) - set(loose):
        if recorded[name] is not None:
            assert kind_of(ours[name]) == kind_of(recorded[name]), name


def test_placed_changed_and_cancelled_orders(usd, coin):
    placed = usd.order()
    changed = usd.v1(
        "PUT", "order", symbol=usd.symbol, side="BUY", orderId=placed["orderId"], price="99", quantity="1",
        modifyId="x",
    )  # fmt: skip
    cancelled = usd.v1("DELETE", "order", symbol=usd.symbol, orderId=placed["orderId"])
    for row in rows_in(frames(usd, "wsapi.order_place")[0]):
        compare(placed, row, gone=GONE)
    for row in rows_in(frames(usd, "wsapi.order_modify")[0]):
        compare(changed, row, gone=GONE, new={"pair", "modifyId"})
    for frame in frames(usd, "rest.order"):
        compare(cancelled, frame, gone=GONE, new=STP)
    for row in rows_in(frames(usd, "wsapi.order_cancel")[0]):  # recorded on COIN-M
        own = coin.order()
        compare(coin.v1("DELETE", "order", symbol=coin.symbol, orderId=own["orderId"]), row, gone=GONE)


def test_queried_orders(usd, coin):
    usd.order()
    (own,) = usd.v1("GET", "openOrders")
    for frame in (*frames(usd, "rest.orders"), *frames(usd, "rest.orders.fixture")):
        for row in rows_in(frame):
            compare(own, row, new={*STP, "priceProtect"})
    usd.order("SELL", 100, account="m")
    (listed,) = usd.v1("GET", "allOrders", symbol=usd.symbol)
    compare(listed, own, new=HISTORY)
    coin.order()
    (own,) = coin.v1("GET", "openOrders")
    for row in rows_in(frames(coin, "rest.orders.fixture")[0]):
        compare(own, row, new=STP)
    for row in frames(coin, "rest.order.docs"):
        compare(own, row, gone=TRAILING, new={*STP, "positionSide"})
    (listed,) = coin.v1("GET", "allOrders", symbol=coin.symbol)
    compare(listed, own, new=HISTORY)


def test_changes_of_orders(usd):
    row = usd.order()
    usd.v1("PUT", "order", symbol=usd.symbol, side="BUY", orderId=row["orderId"], price="99", quantity="1")
    (own,) = usd.v1("GET", "orderAmendment", symbol=usd.symbol)
    for recorded in frames(usd, "rest.orders.docs")[0]:
        compare(own, recorded)
        compare(own["amendment"], recorded["amendment"])
        compare(own["amendment"]["price"], recorded["amendment"]["price"])


def test_conditional_orders(stage, usd):
    row = stage.algo(kind="TAKE_PROFIT", trigger=120, price="120")
    (placed,) = frames(usd, "rest.PlaceConditionalOrder.fixture")
    compare(row, placed)
    (queried,) = frames(usd, "rest.algoOrders.fixture")[0]
    compare(stage.v1("GET", "algoOrder", algoId=row["algoId"]), queried)
    for frame in frames(usd, "user.ALGO_UPDATE.docs"):
        told = stage.told["a"][-1]
        compare(told, frame, new={"i"} if stage.coin else ())
        compare(told["o"], frame["o"])


def test_fills(usd):
    usd.open_position()
    (own,) = usd.v1("GET", "userTrades", symbol=usd.symbol)
    for recorded in frames(usd, "rest.myTrades.docs")[0]:
        compare(own, recorded, new={"pair", "baseQty", "marginAsset"})
    lite = next(each for each in usd.told["a"] if each["e"] == "TRADE_LITE")
    for frame in frames(usd, "user.TRADE_LITE.docs"):
        for row in rows_in(frame):
            compare(lite, row)


def test_accounts(usd, coin):
    coin_frames = [frames(usd, "wsapi.account_status")[0]["result"], frames(coin, "rest.account.docs")[0]]
    recorded, old = frames(usd, "rest.account")  # the second is COIN-M's
    for stage, all_frames in ((usd, [recorded]), (coin, [old, *coin_frames])):
        stage.open_position()
        version = "v1" if stage.coin else "v2"
        own = stage.ask("GET", f"{stage.prefix}/{version}/account")
        for frame in all_frames:
            compare(own, frame, new={"multiAssetsMargin", "tradeGroupId"})
            for row in frame["assets"]:
                compare(own["assets"][0], row, new={"updateTime"})
            for row in frame["positions"]:
                compare(own["positions"][0], row, new={"breakEvenPrice", "notionalValue", "isolatedWallet"})
    for frame in frames(usd, "rest.account.docs"):
        own = usd.ask("GET", "/fapi/v2/account")
        compare(own, frame, new={*_totals(own), "tradeGroupId", "availableBalance", "multiAssetsMargin"})


def _totals(own):
    return {name for name in own if name.startswith("total")}


def test_balances(usd, coin):
    for frame in frames(usd, "wsapi.account_balance"):
        for row in rows_in(frame):
            compare(usd.ask("GET", "/fapi/v3/balance")[0], row)
    for row in frames(usd, "rest.balance.docs")[0]:
        compare(usd.ask("GET", "/fapi/v2/balance")[0], row)
    for row in frames(usd, "rest.balance")[0]:  # COIN-M's
        compare(coin.ask("GET", "/dapi/v1/balance")[0], row)


def test_positions(usd, coin):
    usd.open_position()
    own = usd.ask("GET", "/fapi/v2/positionRisk")[0]
    for name in ("rest.positionRisk.docs", "rest.positionRisk.fixture"):
        for frame in frames(usd, name):
            for row in frame:
                new = {"breakEvenPrice", "notional", "isolatedWallet", "updateTime"}
                compare(own, row, new=new)
    coin.open_position()
    own = coin.ask("GET", "/dapi/v1/positionRisk")[0]
    for row in rows_in(frames(usd, "wsapi.account_position")[0]):  # COIN-M's
        compare(own, row)
    for row in frames(coin, "rest.positionRisk.fixture")[0]:
        compare(own, row, new={"notionalValue", "isolatedWallet", "updateTime", "breakEvenPrice"})


def test_settings_and_figures(usd, coin):
    names = {"symbol": usd.symbol}
    answers = {
        "CancelAllOrdersAfterTimeout": usd.v1("POST", "countdownCancelAll", **names, countdownTime=1000),
        "ChangeInitialLeverage": usd.v1("POST", "leverage", **names, leverage=21),
        "GetMultiAssetsMode": usd.v1("GET", "multiAssetsMargin"),
        "GetUserCommissionRate": usd.v1("GET", "commissionRate", **names),
    }
    for name, own in answers.items():
        compare(own, frames(usd, f"rest.{name}.fixture")[0], new={"rpiCommissionRate"})  # since 2025-11
    compare(
        coin.v1("POST", "leverage", symbol=coin.symbol, leverage=21),
        frames(coin, "rest.ChangeInitialLeverage.fixture")[0],
    )
    compare(coin.v1("GET", "positionSide/dual"), frames(coin, "rest.GetPositionMode.fixture")[0])
    (config,) = frames(usd, "rest.GetSymbolConfiguration.fixture")[0]
    # A text there, a boolean in the documents (facts D.2.2).
    compare(usd.v1("GET", "symbolConfig", **names)[0], config, loose={"isAutoAddMargin"})
    for own, row in zip(
        usd.v1("GET", "rateLimit/order"), frames(usd, "rest.GetOrderRateLimit.fixture")[0], strict=True
    ):
        compare(own, row, new={"count"})
    (brackets,) = frames(usd, "rest.GetBrackets.fixture")[0]
    own = usd.v1("GET", "leverageBracket", **names)[0]
    compare(own, brackets, gone={"notionalCoef"})  # only of accounts whose brackets were adjusted
    compare(own["brackets"][0], brackets["brackets"][0])


def test_isolated_margin_and_income(usd, coin):
    for stage in (usd, coin):
        names = {"symbol": stage.symbol}
        stage.v1("POST", "marginType", **names, marginType="ISOLATED")
        stage.open_position()
        done = stage.v1("POST", "positionMargin", **names, amount="1", type=1)
        compare(done, frames(stage, "rest.ModifyPositionMargin.fixture")[0])
        (own,) = stage.v1("GET", "positionMargin/history", **names)
        for row in frames(stage, "rest.GetMarginChangeHistory.fixture")[0]:
            compare(own, row)
        stage.engine.deposit("a", stage.settle, 1, stage.tick())
        for own in stage.v1("GET", "income"):
            for row in frames(stage, "rest.GetIncomeHistory.fixture")[0]:
                # The number of a line is a text there, a number in the facts (D.2.10).
                compare(own, row, loose={"tranId", "tradeId"})


def test_events_of_orders_and_accounts(usd, coin):
    for stage in (usd, coin):
        stage.open_position()
        told = {each["e"]: each for each in stage.told["a"]}
        stage.order(newClientOrderId="resting")
        new = stage.told["a"][-1]
        alias = {"i"} if stage.coin else ()
        fill = {"er", "pm", "gtd", "V"}
        usd_only = {"si", "ss", "AP", "cr"}  # the last two of trailing stops alone (facts E.5)
        for name in (
            "user.ORDER_TRADE_UPDATE",
            "user.ORDER_TRADE_UPDATE.docs",
            "user.ORDER_TRADE_UPDATE.fixture",
        ):
            if not (FOLDER / stage.name / f"{name}.jsonl").exists():
                continue
            for frame in frames(stage, name):
                for row in rows_in(frame):
                    of_fill = row["o"]["x"] != "NEW"
                    own = told["ORDER_TRADE_UPDATE"] if of_fill else new
                    compare(own, row, gone=PORTFOLIO, new=alias)
                    compare(
                        own["o"], row["o"],
                        gone=FILLED | usd_only | {"W"},
                        new=fill | FILLED | {"ma", "ot", "wt", "pP", "cp", "si", "ss"},
                    )  # fmt: skip
        for name in ("user.ACCOUNT_UPDATE", "user.ACCOUNT_UPDATE.docs", "user.ACCOUNT_UPDATE.fixture"):
            if not (FOLDER / stage.name / f"{name}.jsonl").exists():
                continue
            for row in frames(stage, name):
                own = told["ACCOUNT_UPDATE"]
                compare(own, row, gone=PORTFOLIO | {"i"}, new=alias)
                for each in row["a"]["B"]:
                    compare(own["a"]["B"][0], each, new={"bc"})
                for each in row["a"]["P"]:
                    # Portfolio margin writes the break-even price as a number.
                    compare(own["a"]["P"][0], each, gone={"ma"}, new={"bep", "ma", "mt", "iw"}, loose={"bep"})
    usd.told["a"].clear()
    usd.v1("POST", "leverage", symbol=usd.symbol, leverage=25)
    frame = next(
        row for each in frames(usd, "user.ACCOUNT_CONFIG_UPDATE.docs") for row in rows_in(each) if "ac" in row
    )
    compare(usd.told["a"][0], frame)
    compare(usd.told["a"][0]["ac"], frame["ac"])
