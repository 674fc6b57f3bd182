"""The futures live: listen keys, streams, position modes, settings and the ledger."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from futures_script import order_of, placed

from toucan_execution.account import MarginType, PositionMode
from toucan_execution.errors import AuthenticationError
from toucan_execution.events import (
    AccountResynced,
    BalanceUpdate,
    Disconnected,
    FillMismatch,
    OrderUpdate,
    OutOfSync,
    PositionUpdate,
    StreamEnded,
    TradeNotice,
    TradeUpdate,
    Unexplained,
)
from toucan_execution.orders import (
    OrderStatus,
    PositionSide,
)
from toucan_instrument import Side
from toucan_instrument.errors import InvalidInput

D = Decimal
MINUTE = 60
MARKETS = ("usd-m", "coin-m")


# Listen keys.


async def test_a_usd_m_connection_names_its_key_and_its_events(stage_of):
    async with stage_of(market="usd-m") as stage:
        names = stage.venue.names()
        assert names.index("POST /v1/listenKey") < names.index("DIAL")
        [url] = [params["url"] for name, params in stage.venue.calls if name == "DIAL"]
        parts = urlsplit(url)
        assert (parts.scheme, parts.path) == ("wss", "/private/ws")
        query = parse_qs(parts.query)
        assert query["listenKey"] == ["listen-key-1"]
        asked = query["events"][0].split("/")
        assert {"ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE", "listenKeyExpired"} <= set(asked)


async def test_a_coin_m_connection_has_its_key_in_the_path(stage_of):
    async with stage_of(market="coin-m") as stage:
        [url] = [params["url"] for name, params in stage.venue.calls if name == "DIAL"]
        assert (urlsplit(url).path, urlsplit(url).query) == ("/ws/listen-key-1", "")


async def test_the_address_of_the_stream_is_the_users_to_choose(stage_of):
    async with stage_of(market="usd-m", stream_url="wss://own.test/x/{listen_key}?y=1") as stage:
        [url] = [params["url"] for name, params in stage.venue.calls if name == "DIAL"]
        assert url == "wss://own.test/x/listen-key-1?y=1"


@pytest.mark.parametrize("market", MARKETS)
async def test_a_key_is_kept_alive_every_half_an_hour(stage_of, market):
    async with stage_of(market=market) as stage:
        start = stage.clock.monotonic_ns()
        for _ in range(95):  # minute by minute, with the venue's pings
            stage.venue.streams[-1].ping()
            await stage.idle(MINUTE)
        minutes = [(at - start) / 60e9 for at in stage.venue.keeps]
        assert [round(each) for each in minutes] == [30, 60, 90]
        assert len(stage.venue.streams) == 1
        assert stage.client.synced


async def alive(stage, minutes):
    for _ in range(minutes):
        stage.venue.streams[-1].ping()
        await stage.idle(MINUTE)


@pytest.mark.parametrize(
    "fault", ["never", (503, {"msg": "Unknown error"}), (401, {"code": -2015, "msg": "x"})]
)
async def test_a_failed_keep_alive_is_tried_again_well_before_the_key_expires(stage_of, fault):
    async with stage_of(market="usd-m") as stage:
        stage.venue.faults["PUT", "/v1/listenKey"] = [fault] * 3
        await alive(stage, 40)
        assert stage.venue.names().count("PUT /v1/listenKey") == 4
        assert len(stage.venue.keeps) == 1
        assert len(stage.venue.streams) == 1  # no connection dies of it
        assert stage.client.synced


async def test_a_key_that_cannot_be_kept_is_never_taken_for_alive(stage_of):
    async with stage_of(market="usd-m") as stage:
        stage.venue.faults["PUT", "/v1/listenKey"] = ["never"] * 1000
        await alive(stage, 56)
        assert len(stage.venue.streams) == 1
        await alive(stage, 4)
        assert len(stage.venue.streams) == 2  # another connection, and the key was asked for again
        assert stage.venue.names().count("POST /v1/listenKey") == 2
        [lost] = stage.of(OutOfSync)
        assert "kept alive" in lost.reason


async def test_a_key_that_is_gone_is_replaced_and_the_account_fetched_again(stage_of):
    async with stage_of(market="usd-m") as stage:
        stage.venue.keys.append("")  # expired, and the stream is silent
        await alive(stage, 32)
        assert stage.venue.names().count("PUT /v1/listenKey") == 1  # asking again is pointless
        urls = [params["url"] for name, params in stage.venue.calls if name == "DIAL"]
        assert len(urls) == 2
        assert "listenKey=listen-key-3&" in urls[1]
        assert len(stage.of(AccountResynced)) == 2
        assert stage.client.synced


@pytest.mark.parametrize("market", MARKETS)
async def test_an_expired_key_is_replaced(stage_of, market):
    async with stage_of(market=market) as stage:
        stage.venue.keys.append("")
        stage.venue.tell({"e": "listenKeyExpired", "listenKey": "listen-key-1"})
        await stage.idle(5)
        assert [event.reason for event in stage.of(StreamEnded)] == ["listenKeyExpired"]
        assert stage.venue.keys == ["listen-key-1", "", "listen-key-3"]
        assert len(stage.venue.streams) == 2
        assert len(stage.of(AccountResynced)) == 2
        await placed(stage)
        assert stage.of(OrderUpdate)[-1].order.status is OrderStatus.OPEN


@pytest.mark.parametrize("owns", [True, False])
async def test_a_key_is_closed_only_by_its_owner(stage_of, owns):
    async with stage_of(market="usd-m", owns_listen_key=owns) as stage:
        await stage.client.close()
        assert ("DELETE /v1/listenKey" in stage.venue.names()) is owns


async def test_a_goodbye_does_not_wait_for_a_ban(stage_of):
    async with stage_of(market="usd-m", owns_listen_key=True) as stage:
        begun = stage.clock.monotonic_ns()
        stage.client.caller.budget.stop_until(begun + 3600 * 10**9, "banned")
        await stage.client.close()
        assert stage.clock.monotonic_ns() - begun < 10 * 10**9
        assert "DELETE /v1/listenKey" not in stage.venue.names()


async def test_a_key_that_is_refused_is_told_to_who_waits(stage_of):
    def refuse(venue):
        body = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        venue.faults["POST", "/v1/listenKey"] = [(401, body)]

    async with stage_of(market="usd-m", ready=False, prepare=refuse) as stage:
        with pytest.raises(AuthenticationError, match="-2015"):
            await stage.client.ready()
        await stage.idle(30)
        await stage.client.ready(30)  # it went on trying
        assert stage.client.synced


async def test_an_unreadable_key_is_asked_for_again(stage_of):
    def garble(venue):
        venue.faults["POST", "/v1/listenKey"] = [(200, {"listenKy": "listen-key-0"})]

    async with stage_of(market="usd-m", prepare=garble) as stage:
        assert stage.client.synced
        assert "listen-key-0" not in repr(stage.events)


# What the stream tells.


@pytest.mark.parametrize("market", MARKETS)
async def test_a_fill_is_told_early_and_counted_once(stage_of, market):
    async with stage_of(market=market) as stage:
        outcome = await placed(stage)
        name = outcome.client_order_id
        stage.venue.fill(name, "1")
        stage.venue.fill(name, "1", "999.5")
        await stage.idle()
        trades = stage.of(TradeUpdate)
        assert [(trade.trade_id, trade.quantity, trade.fee, trade.maker) for trade in trades] == [
            ("501", D(1), D("0.1"), True),
            ("502", D(1), D("0.1"), True),
        ]
        notices = [notice.trade_id for notice in stage.of(TradeNotice)]
        assert notices == ([] if market == "coin-m" else ["501", "502"])
        order = stage.client.account.order(name)
        assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, D(2))
        instrument = outcome.order.instrument
        assert stage.client.account.position(instrument).quantity == D(2)
        balance = stage.client.account.balance(stage.venue.asset)
        assert balance.total == stage.venue.wallet
        assert stage.of(PositionUpdate)[-1].reason == "ORDER"
        assert stage.of(BalanceUpdate)
        assert not stage.of(FillMismatch, Unexplained)


@pytest.mark.parametrize("market", MARKETS)
async def test_fills_of_an_outage_are_found(stage_of, market):
    async with stage_of(market=market) as stage:
        name = (await placed(stage)).client_order_id
        await stage.idle(1)
        stage.venue.streaming = False
        stage.venue.fill(name, "1")
        stage.venue.drop()
        await stage.idle(60)
        stage.venue.streaming = True
        stage.venue.fill(name, "1")
        await stage.idle()
        trades = stage.of(TradeUpdate)
        assert [(trade.trade_id, trade.recovered) for trade in trades] == [("501", True), ("502", False)]
        assert trades[0].client_order_id == name
        assert stage.client.account.order(name).status is OrderStatus.FILLED
        assert not stage.of(Unexplained, FillMismatch)


async def test_a_position_that_fills_do_not_explain_is_told(stage_of):
    async with stage_of(market="usd-m") as stage:
        stage.venue.drop()
        stage.venue.positions["ETHUSDT", "BOTH"] = D(-3)
        await stage.idle(60)
        assert [(each.asset, each.amount) for each in stage.of(Unexplained)] == [("ETH/USDT:USDT", D(-3))]


async def test_a_connection_is_replaced_before_the_venue_ends_it(stage_of):
    async with stage_of(market="usd-m") as stage:
        for _ in range(24 * 12):
            stage.venue.streams[-1].ping()
            await stage.idle(5 * MINUTE)
        assert len(stage.venue.streams) == 2
        [gone] = stage.of(Disconnected)
        assert gone.closed.reason.startswith("planned")
        assert stage.client.synced


async def test_a_silent_connection_is_given_up(stage_of):
    async with stage_of(market="usd-m") as stage:
        await stage.idle(11 * MINUTE)
        assert len(stage.venue.streams) == 2
        assert "nothing was heard" in stage.of(Disconnected)[0].closed.reason


# Position modes.


def hedged(venue):
    venue.hedge = True


@pytest.mark.parametrize("market", MARKETS)
async def test_an_order_that_does_not_fit_the_position_mode_is_not_sent(stage_of, market):
    async with stage_of(market=market, prepare=hedged) as stage:
        assert stage.client.account.position_mode is PositionMode.HEDGE
        before = len(stage.venue.calls)
        for wrong in ({}, {"position_side": PositionSide.BOTH}):
            with pytest.raises(InvalidInput, match="hedge mode"):
                await stage.client.place_order(await order_of(stage, **wrong))
        assert len(stage.venue.calls) == before
        assert stage.client.account.open_orders() == ()
        long = await placed(stage, position_side=PositionSide.LONG)
        stage.venue.fill(long.client_order_id, "2")
        await stage.idle()
        instrument = long.order.instrument
        assert stage.client.account.position(instrument, PositionSide.LONG).quantity == D(2)
        assert stage.client.account.position(instrument) is None
        closing = await placed(stage, side=Side.SELL, reduce_only=True)
        sent = stage.venue.calls[-1][1]
        assert ("reduceOnly" in sent, sent["positionSide"], sent["side"]) == (False, "LONG", "SELL")
        assert closing.order.position_side is PositionSide.LONG


async def test_the_position_mode_is_read_again_after_every_resync(stage_of):
    async with stage_of(market="usd-m") as stage:
        assert stage.client.account.position_mode is PositionMode.ONE_WAY
        with pytest.raises(InvalidInput, match="one-way mode"):
            await stage.client.place_order(await order_of(stage, position_side=PositionSide.LONG))
        stage.venue.hedge = True
        stage.venue.drop()
        await stage.idle(60)
        assert stage.client.account.position_mode is PositionMode.HEDGE
        with pytest.raises(InvalidInput, match="hedge mode"):
            await stage.client.place_order(await order_of(stage))


@pytest.mark.parametrize("market", MARKETS)
async def test_the_position_mode_can_be_set(stage_of, market):
    async with stage_of(market=market) as stage:
        assert await stage.client.set_position_mode(PositionMode.HEDGE) is True
        assert stage.client.account.position_mode is PositionMode.HEDGE
        assert await stage.client.fetch_position_mode() is PositionMode.HEDGE
        await placed(stage, position_side=PositionSide.SHORT)
        assert await stage.client.set_position_mode(PositionMode.HEDGE) is False
        stage.venue.hedge = False  # changed by somebody else
        assert await stage.client.set_position_mode(PositionMode.ONE_WAY) is False
        assert stage.client.account.position_mode is PositionMode.ONE_WAY


# Settings, positions, the ledger.


@pytest.mark.parametrize("market", MARKETS)
async def test_leverage_and_margin(stage_of, market):
    async with stage_of(market=market) as stage:
        client = stage.client
        instrument = (await order_of(stage)).instrument
        setting = await client.set_leverage(instrument, 21)
        most = setting.max_quantity if market == "coin-m" else setting.max_notional
        assert (setting.leverage, most) == (21, D(1000) if market == "coin-m" else D(1_000_000))
        assert await client.set_margin_type(instrument, MarginType.ISOLATED) is True
        assert await client.set_margin_type(instrument, MarginType.ISOLATED) is False  # -4046
        await client.change_isolated_margin(instrument, D("-1.5"))
        assert (stage.venue.calls[-1][1]["amount"], stage.venue.calls[-1][1]["type"]) == ("1.5", "2")
        [bracket] = await client.fetch_leverage_brackets(instrument)
        assert (bracket.max_leverage, bracket.maintenance_margin) == (75, D("0.0065"))
        assert await client.countdown_cancel_all(instrument, 120_000) == 120_000
        with pytest.raises(InvalidInput, match="leverage"):
            await client.set_leverage(instrument, 200)


async def test_positions_have_their_leverage(stage_of):
    def some(venue):
        venue.positions["BTCUSDT", "BOTH"] = D("-0.5")

    async with stage_of(market="usd-m", prepare=some) as stage:
        [position] = await stage.client.fetch_positions()
        assert (position.quantity, position.leverage, position.margin_type) == (
            D("-0.5"),
            20,
            MarginType.CROSS,
        )
        assert stage.client.account.positions() == (position,)
        assert await stage.client.fetch_positions(position.instrument) == (position,)


@pytest.mark.parametrize("market", MARKETS)
async def test_the_ledger_is_read_to_its_end(stage_of, market):
    async with stage_of(market=market) as stage:
        now = stage.venue.now_ms
        stage.venue.ledger = [
            {"symbol": stage.venue.symbol, "incomeType": "COMMISSION", "income": "-0.01", "asset": "USDT",
             "info": "", "time": now - 2_500_000 + number, "tranId": str(number), "tradeId": str(number)}
            for number in range(2_500)
        ]  # fmt: skip
        rows = await stage.client.fetch_income((now - 10_000_000) * 1_000_000)
        assert [row.transaction_id for row in rows] == [str(number) for number in range(2_500)]
        assert rows[0].amount == D("-0.01")
