from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.account import MarginType, PositionMode
from toucan_execution.errors import Incomplete
from toucan_execution.orders import PositionSide
from toucan_instrument import InvalidInput, RequestFailed, VenueError
from toucan_instrument.link import Lane
from toucan_instrument.timestamps import from_ms

D = Decimal

START_MS = 1_700_000_000_000
DAY_MS = 86_400_000
OK = {"code": 200, "msg": "success"}


@pytest.fixture
def btc(kit):
    return kit.usd.instrument_of("BTCUSDT")


def test_leverage(kit, btc):
    body = {"leverage": 21, "maxNotionalValue": "1000000", "symbol": "BTCUSDT"}
    talk = kit.talk(kit.usd, kit.usd.set_leverage(btc, 21), [body])
    assert (talk.paths, dict(talk.calls[0].params)) == (
        [("POST", "/fapi/v1/leverage")],
        {"symbol": "BTCUSDT", "leverage": 21},
    )
    assert (talk.result.leverage, talk.result.max_notional) == (21, D(1_000_000))
    for leverage in (0, 126, 1.5, True):
        with pytest.raises(InvalidInput) as caught:
            kit.usd.set_leverage(btc, leverage)
        assert caught.value.field == "leverage"


def test_leverage_brackets(kit, btc):
    bracket = {
        "bracket": 1,
        "initialLeverage": 75,
        "notionalCap": 10000,
        "notionalFloor": 0,
        "maintMarginRatio": 0.0065,
        "cum": 0.0,
    }
    row = {"symbol": "BTCUSDT", "brackets": [bracket]}
    for body in ([row], row):
        [found] = kit.talk(kit.usd, kit.usd.leverage_brackets(btc), [body]).result
        assert (found.max_leverage, found.cap, found.maintenance_margin) == (75, D(10000), D("0.0065"))
    assert next(kit.coin.leverage_brackets()).weight == 2


@pytest.mark.parametrize(
    ("answer", "changed"),
    [(OK, True), ((400, {"code": -4046, "msg": "No need to change margin type."}), False)],
)
def test_margin_type(kit, btc, answer, changed):
    talk = kit.talk(kit.usd, kit.usd.set_margin_type(btc, MarginType.CROSS), [answer])
    assert dict(talk.calls[0].params) == {"symbol": "BTCUSDT", "marginType": "CROSSED"}
    assert talk.result is changed
    assert dict(next(kit.usd.set_margin_type(btc, MarginType.ISOLATED)).params)["marginType"] == "ISOLATED"


def test_a_setting_that_is_refused_is_thrown(kit, btc):
    with pytest.raises(VenueError):
        kit.talk(
            kit.usd, kit.usd.set_margin_type(btc, MarginType.CROSS), [(400, {"code": -4047, "msg": "x"})]
        )


def test_isolated_margin(kit, btc):
    call = next(kit.usd.change_isolated_margin(btc, D("100.50")))
    assert dict(call.params) == {"symbol": "BTCUSDT", "amount": "100.50", "type": 1}
    kit.usd.position_mode = PositionMode.HEDGE
    call = next(kit.usd.change_isolated_margin(btc, D(-5), position_side=PositionSide.SHORT))
    assert dict(call.params) == {"symbol": "BTCUSDT", "positionSide": "SHORT", "amount": "5", "type": 2}
    for amount, side in ((D(0), PositionSide.LONG), (0.5, PositionSide.LONG), (D(1), None)):
        with pytest.raises(InvalidInput):
            kit.usd.change_isolated_margin(btc, amount, position_side=side)


def test_position_mode(kit):
    talk = kit.talk(kit.usd, kit.usd.fetch_position_mode(), [{"dualSidePosition": True}])
    assert (talk.result, talk.calls[0].weight) == (PositionMode.HEDGE, 30)
    assert kit.usd.position_mode is PositionMode.HEDGE
    answer = (400, {"code": -4059, "msg": "No need to change position side."})
    talk = kit.talk(kit.usd, kit.usd.set_position_mode(PositionMode.ONE_WAY), [answer])
    assert dict(talk.calls[0].params) == {"dualSidePosition": "false"}
    assert talk.result is False
    assert kit.usd.position_mode is PositionMode.ONE_WAY
    with pytest.raises(VenueError):
        kit.talk(kit.usd, kit.usd.set_position_mode(PositionMode.HEDGE), [(400, {"code": -4068, "msg": "x"})])
    assert kit.usd.position_mode is PositionMode.ONE_WAY  # nothing was changed


def test_multi_assets_mode(kit):
    assert kit.talk(kit.usd, kit.usd.fetch_multi_assets(), [{"multiAssetsMargin": True}]).result is True
    talk = kit.talk(kit.usd, kit.usd.set_multi_assets(True), [(400, {"code": -4171, "msg": "x"})])
    assert (dict(talk.calls[0].params), talk.result) == ({"multiAssetsMargin": "true"}, False)
    assert not hasattr(kit.coin, "set_multi_assets")


def test_a_countdown_to_cancel_all(kit, btc):
    answer = {"symbol": "BTCUSDT", "countdownTime": "100000"}
    talk = kit.talk(kit.usd, kit.usd.countdown_cancel_all(btc, 100_000), [answer])
    assert (talk.result, talk.calls[0].weight, talk.calls[0].lane) == (100_000, 10, Lane.CANCEL)
    for countdown in (-1, 1.5, True):
        with pytest.raises(InvalidInput):
            kit.usd.countdown_cancel_all(btc, countdown)


def line(number, at_ms, kind="COMMISSION", **fields):
    return {
        "symbol": "BTCUSDT",
        "incomeType": kind,
        "income": "-0.01",
        "asset": "USDT",
        "info": "x",
        "time": at_ms,
        "tranId": number,
        "tradeId": "",
    } | fields


def serve(rows):
    def answer(call):
        asked = dict(call.params)
        found = [each for each in rows if asked["startTime"] <= each["time"] <= asked["endTime"]]
        first = (asked.get("page", 1) - 1) * asked["limit"]
        return found[first : first + asked["limit"]]

    return answer


def test_the_ledger_is_complete(kit):
    rows = [line(number, START_MS + number * 500_000) for number in range(2_500)]
    talk = kit.talk(kit.usd, kit.usd.income(from_ms(START_MS), from_ms(START_MS + 20 * DAY_MS)), serve(rows))
    assert [each.transaction_id for each in talk.result] == [str(each["tranId"]) for each in rows]
    assert {(call.weight, call.lane) for call in talk.calls} == {(30, Lane.BACKFILL)}


def test_a_ledger_of_many_lines_at_once_goes_on_by_page(kit):
    rows = [line(number, START_MS, "FUNDING_FEE") for number in range(2_300)]
    talk = kit.talk(kit.usd, kit.usd.income(from_ms(START_MS), from_ms(START_MS)), serve(rows))
    assert len(talk.result) == 2_300
    assert [dict(call.params).get("page") for call in talk.calls] == [None, 2, 3]


def test_one_transaction_for_several_assets_is_several_lines(kit):
    rows = [line(1, START_MS, asset="USDT"), line(1, START_MS, asset="BNB"), line(1, START_MS, "TRANSFER")]
    talk = kit.talk(kit.usd, kit.usd.income(from_ms(START_MS), from_ms(START_MS)), serve(rows))
    assert len(talk.result) == 3


def test_a_part_of_the_ledger(kit, btc):
    conversation = kit.usd.income(from_ms(START_MS), from_ms(START_MS), instrument=btc, kind="FUNDING_FEE")
    params = dict(next(conversation).params)
    assert (params["symbol"], params["incomeType"], params["limit"]) == ("BTCUSDT", "FUNDING_FEE", 1_000)
    assert next(kit.coin.income(0, from_ms(START_MS))).weight == 20  # kept for longer than 3 months


def test_a_ledger_that_stops_in_the_middle(kit):
    lost = RequestFailed("lost", method="GET", url="u", sent=None)
    rows = [line(1, START_MS)]
    asked = []

    def answer(call):
        asked.append(call)
        return lost if len(asked) == 2 else serve(rows)(call)

    with pytest.raises(Incomplete) as caught:
        kit.talk(kit.usd, kit.usd.income(from_ms(START_MS), from_ms(START_MS + 20 * DAY_MS)), answer)
    assert caught.value.stopped_at_ns == from_ms(START_MS + 7 * DAY_MS) - 1
    assert len(caught.value.got) == 1


def test_a_ledger_that_the_venue_does_not_keep_is_refused(kit):
    with pytest.raises(InvalidInput, match="3 months"):
        kit.usd.income(0, from_ms(START_MS))
