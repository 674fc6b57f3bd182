"""The official SDK on USD-M: REST, the WebSocket API and streams, each with its own configuration."""

from __future__ import annotations

from decimal import Decimal

import pytest
from binance_common.errors import BadRequestError, ServerError, TooManyRequestsError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)

from toucan_execution.testing.sandbox import service_unavailable, too_many_requests

SDK = DerivativesTradingUsdsFutures
WRONG = "none of theirs"
SYMBOL = "BTCUSDT"
LIMIT = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01}


@pytest.fixture
async def venue(open_venue):
    return await open_venue("usd-m")


@pytest.fixture
def client(make_client, venue):
    return make_client(venue)


async def agrees(client, venue):
    """Compare wallet balances and the position that the client sees with what the sandbox holds."""
    wallets = {each.asset: Decimal(each.balance) for each in await client.ask("futures_account_balance_v3")}
    assert {asset: amount for asset, amount in wallets.items() if amount} == venue.totals
    positions = await client.ask("position_information_v3", symbol=SYMBOL)
    assert sum(Decimal(each.position_amt) for each in positions) == venue.position


async def test_markets_book_ticker_and_balances(client, venue):
    info = await client.ask("exchange_information")
    assert {each.symbol for each in info.symbols} == {"BTCUSDT", "ETHUSDT"}
    assert len((await client.ask("order_book", SYMBOL, limit=5)).bids) == 5
    top = (await client.ask("symbol_order_book_ticker", symbol=SYMBOL)).actual_instance
    assert Decimal(top.bid_price) < Decimal(top.ask_price)
    for name in (
        "ticker24hr_price_change_statistics", "mark_price", "symbol_price_ticker_v2",
        "get_funding_rate_history",
    ):  # fmt: skip
        await client.ask(name, symbol=SYMBOL)
    for name in ("recent_trades_list", "compressed_aggregate_trades_list", "user_commission_rate"):
        assert await client.ask(name, SYMBOL)
    assert await client.ask("kline_candlestick_data", SYMBOL, "1m")
    assert (await client.ask("open_interest", SYMBOL)).symbol == SYMBOL
    await agrees(client, venue)


ACCOUNT = [
    "account_information_v2", "account_information_v3", "futures_account_balance_v2",
    "futures_account_balance_v3", "futures_account_configuration", "get_current_multi_assets_mode",
    "get_current_position_mode", "symbol_configuration", "notional_and_leverage_brackets",
    "query_user_rate_limit", "get_income_history", "position_information_v2", "position_information_v3",
    "position_adl_quantile_estimation", "users_force_orders",
]  # fmt: skip


async def test_all_that_it_knows_of_an_account_can_be_read(client, venue):
    await client.ask("new_order", SYMBOL, "BUY", "MARKET", quantity=0.01)
    for name in ACCOUNT:
        await client.ask(name)
    await agrees(client, venue)


async def test_settings(client, venue):
    assert (await client.ask("change_initial_leverage", SYMBOL, 7)).leverage == 7
    await client.ask("change_margin_type", SYMBOL, "ISOLATED")
    await client.ask("new_order", SYMBOL, "BUY", "MARKET", quantity=0.01)
    await client.ask("modify_isolated_position_margin", SYMBOL, 10, 1)
    await client.ask("new_order", SYMBOL, "SELL", "MARKET", quantity=0.01, reduce_only="true")
    await client.ask("change_position_mode", "true")
    assert (await client.ask("get_current_position_mode")).dual_side_position is True
    await agrees(client, venue)


async def test_streams_of_the_market(client, venue):
    got = {}
    async with client.streams() as streams:
        for name in (
            "diff_book_depth_streams", "individual_symbol_book_ticker_streams", "aggregate_trade_streams",
            "mark_price_stream", "individual_symbol_ticker_streams",
        ):  # fmt: skip
            stream = await getattr(streams, name)(symbol="btcusdt")
            stream.on("message", lambda message, name=name: got.setdefault(name, type(message).__name__))
        await venue.until(lambda: len(got) == 5)
    assert "dict" not in got.values()


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_orders_and_what_is_told_of_them(make_client, venue, kind):
    """Place, modify, cancel, fill at once and fill by somebody else; the account hears of it all."""
    client, told = make_client(venue, kind), []
    low, lower = float(venue.price("0.9")), venue.price("0.8")

    def states(number):
        return [each.o.X for each in told if type(each).__name__ == "OrderTradeUpdate" and each.o.i == number]

    async with client.streams() as streams:
        key = (await client.ask("start_user_data_stream")).listen_key
        stream = await streams.user_data(key)
        stream.on("message", lambda event: told.append(event.actual_instance))
        await venue.until(venue.listens)
        first = await client.ask("new_order", **LIMIT, price=low)
        changed = await client.ask("modify_order", SYMBOL, "BUY", 0.02, low, order_id=first.order_id)
        assert Decimal(changed.orig_qty) == Decimal("0.02")
        assert len(await client.ask("get_order_modify_history", SYMBOL, order_id=first.order_id)) == 1
        assert (await client.ask("query_order", SYMBOL, order_id=first.order_id)).status == "NEW"
        assert [each.order_id for each in await client.ask("current_all_open_orders")] == [first.order_id]
        assert (await client.ask("cancel_order", SYMBOL, order_id=first.order_id)).status == "CANCELED"
        await agrees(client, venue)
        market = await client.ask(
            "new_order", SYMBOL, "BUY", "MARKET", quantity=0.01, new_order_resp_type="RESULT"
        )
        assert market.status == "FILLED"
        await agrees(client, venue)
        resting = await client.ask("new_order", **{**LIMIT, "time_in_force": "GTX"}, price=float(lower))
        venue.hit(lower)
        await venue.until(lambda: "FILLED" in states(resting.order_id))
        await client.ask("new_order", SYMBOL, "SELL", "MARKET", quantity=0.02, reduce_only="true")
        assert states(first.order_id)[0] == "NEW"
        assert states(first.order_id)[-1] == "CANCELED"
        assert states(market.order_id)[-1] == "FILLED"
        await venue.until(lambda: "AccountUpdate" in {type(each).__name__ for each in told})
        await client.ask("keepalive_user_data_stream")
    assert venue.position == 0
    assert len(await client.ask("all_orders", SYMBOL)) == 4
    assert len(await client.ask("account_trade_list", SYMBOL)) >= 3
    await agrees(client, venue)


async def test_conditional_orders_batches_and_the_countdown(client, venue):
    trigger = float(venue.price("0.8"))
    stop = await client.ask(
        "new_algo_order", "CONDITIONAL", SYMBOL, "SELL", "STOP_MARKET", trigger_price=trigger, quantity=0.01
    )
    waiting = await client.ask("current_all_algo_open_orders")
    assert [each.algo_id for each in waiting] == [stop.algo_id]
    assert (await client.ask("query_algo_order", algo_id=stop.algo_id)).algo_status == "NEW"
    await client.ask("cancel_algo_order", algo_id=stop.algo_id)
    await client.ask("cancel_all_algo_open_orders", SYMBOL)
    assert len(await client.ask("query_all_algo_orders", SYMBOL)) == 1
    order = {
        "symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
        "price": str(venue.price("0.9")),
    }  # fmt: skip
    made = await client.ask("place_multiple_orders", [order, order])
    assert len({each.order_id for each in made}) == 2
    await client.ask("cancel_multiple_orders", SYMBOL, order_id_list=[made[0].order_id])
    await client.ask("cancel_all_open_orders", SYMBOL)
    await client.ask("auto_cancel_all_open_orders", SYMBOL, 10_000)
    await client.ask("test_order", SYMBOL, "BUY", "MARKET", quantity=0.01)
    await agrees(client, venue)


async def test_over_the_websocket_api(client, venue):
    low = float(venue.price("0.9"))
    async with client.ws_api() as api:
        made = (await api.new_order(**LIMIT, price=low)).data().result
        changed = await api.modify_order(SYMBOL, "BUY", 0.02, low, order_id=made.order_id)
        assert Decimal(changed.data().result.orig_qty) == Decimal("0.02")
        assert (await api.query_order(SYMBOL, order_id=made.order_id)).data().result.status == "NEW"
        assert (await api.cancel_order(SYMBOL, order_id=made.order_id)).data().result.status == "CANCELED"
        refused = await api.cancel_order(SYMBOL, order_id=made.order_id)
        assert refused.data()["error"]["code"] == -2011
        for name in ("account_information", "account_information_v2", "position_information"):
            assert (await getattr(api, name)()).data().status == 200
        wallets = (await api.futures_account_balance_v2()).data().result
        assert {each.asset: Decimal(each.balance) for each in wallets}["USDT"] == venue.totals["USDT"]
        for name in ("symbol_price_ticker", "symbol_order_book_ticker"):
            assert (await getattr(api, name)(symbol=SYMBOL)).data().actual_instance.status == 200
    await agrees(client, venue)


REFUSED = {
    "margin": (-2019, {"quantity": 900}),
    "lot size": (-1111, {"quantity": 0.0001}),
    "price filter": (-1111, {"price": 50000.005}),
    "notional": (-4164, {"quantity": 0.001, "price": 1000}),
    "post only": (-5022, {"time_in_force": "GTX", "price": 65000}),
    "reduce only": (-2022, {"reduce_only": "true"}),
    "bad symbol": (-1121, {"symbol": "NOPE"}),
    "no time in force": (-1102, {"time_in_force": None}),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_refused(client, venue, reason):
    code, fields = REFUSED[reason]
    with pytest.raises(BadRequestError) as error:
        await client.ask("new_order", **{**LIMIT, "price": float(venue.price("0.9")), **fields})
    assert error.value.status_code == code
    await agrees(client, venue)


async def test_refused_for_what_there_is_already(client, venue):
    order = {**LIMIT, "price": float(venue.price("0.9")), "new_client_order_id": "mine"}
    await client.ask("new_order", **order)
    for code, name, fields in (
        (-4116, "new_order", order),
        (-2011, "cancel_order", {"symbol": SYMBOL, "order_id": 999}),
        (-2013, "query_order", {"symbol": SYMBOL, "order_id": 999}),
    ):
        with pytest.raises(BadRequestError) as error:
            await client.ask(name, **fields)
        assert error.value.status_code == code
    await agrees(client, venue)


async def test_signature_time_and_limits(client, make_client, venue):
    with pytest.raises(BadRequestError) as error:
        await make_client(venue, secret=WRONG).ask("account_information_v3")
    assert error.value.status_code == -1022
    venue.sandbox.clock_skew_ns = 60_000_000_000  # the SDK takes this machine's time
    with pytest.raises(BadRequestError) as error:
        await client.ask("account_information_v3")
    assert error.value.status_code == -1021
    venue.sandbox.clock_skew_ns = 0
    venue.sandbox.faults.add(too_many_requests("/depth", retry_after=7), service_unavailable("POST"))
    with pytest.raises(TooManyRequestsError) as error:
        await client.ask("order_book", SYMBOL)
    assert str(error.value.retry_after) == "7"
    with pytest.raises(ServerError):
        await client.ask("new_order", **LIMIT, price=float(venue.price("0.9")))
    await agrees(client, venue)
