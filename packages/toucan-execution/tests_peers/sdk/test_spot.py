"""The official SDK on spot: REST, the WebSocket API and streams, each with its own configuration."""

from __future__ import annotations

from decimal import Decimal

import pytest
from binance_common.errors import BadRequestError, RateLimitBanError, TooManyRequestsError
from binance_sdk_spot.spot import Spot

from toucan_execution.testing.sandbox import banned, too_many_requests

SDK = Spot
WRONG = "none of theirs"
SYMBOL = "BTCUSDT"
LIMIT = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01}


@pytest.fixture
def client(make_client, spot):
    return make_client(spot)


async def agrees(client, venue):
    """Compare the balances that the client sees with what the sandbox holds."""
    seen = {
        each.asset: (Decimal(each.free) + Decimal(each.locked), Decimal(each.locked))
        for each in (await client.ask("get_account")).balances
    }
    assert {asset: held for asset, held in seen.items() if held[0]} == venue.balances


async def test_markets_book_ticker_and_balances(client, spot):
    info = await client.ask("exchange_info")
    assert {each.symbol for each in info.symbols} == {"BTCUSDT", "ETHUSDT"}
    book = await client.ask("depth", SYMBOL, limit=5)
    assert len(book.bids) == 5
    top = (await client.ask("ticker_book_ticker", symbol=SYMBOL)).actual_instance
    assert Decimal(top.bid_price) < Decimal(top.ask_price)
    assert (await client.ask("ticker24hr", symbol=SYMBOL)).actual_instance.symbol == SYMBOL
    assert len((await client.ask("ticker_price")).actual_instance) == 2
    assert Decimal((await client.ask("avg_price", SYMBOL)).price) > 0
    for name in ("get_trades", "agg_trades", "historical_trades"):
        assert await client.ask(name, SYMBOL)
    assert await client.ask("klines", SYMBOL, "1m")
    assert await client.ask("rate_limit_order")
    rates = await client.ask("account_commission", SYMBOL)
    assert Decimal(rates.standard_commission.taker) == Decimal("0.0005")
    await agrees(client, spot)


async def test_streams_of_the_market(client, spot):
    got = {}
    async with client.streams() as streams:
        for name, fields in {
            "diff_book_depth": {}, "partial_book_depth": {"levels": "5"}, "book_ticker": {}, "trade": {},
            "agg_trade": {}, "kline": {"interval": "1m"}, "ticker": {}, "mini_ticker": {}, "avg_price": {},
        }.items():  # fmt: skip
            stream = await getattr(streams, name)(symbol="btcusdt", **fields)
            stream.on("message", lambda message, name=name: got.setdefault(name, type(message).__name__))
        await spot.until(lambda: len(got) == 9)
    assert got["diff_book_depth"] == "DiffBookDepthResponse"
    assert "dict" not in got.values()


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_orders(make_client, spot, kind):
    """Place, amend, replace, cancel, fill at once and fill by somebody else."""
    client = make_client(spot, kind)
    low, lower = float(spot.price("0.9")), spot.price("0.8")
    first = await client.ask("new_order", **LIMIT, price=low, new_order_resp_type="FULL")
    assert (await client.ask("get_order", SYMBOL, order_id=first.order_id)).status == "NEW"
    await agrees(client, spot)
    amended = await client.ask("order_amend_keep_priority", SYMBOL, 0.005, order_id=first.order_id)
    assert Decimal(amended.amended_order.qty) == Decimal("0.005")
    assert len(await client.ask("order_amendments", SYMBOL, first.order_id)) == 1
    replaced = await client.ask(
        "order_cancel_replace", **LIMIT, price=low, cancel_replace_mode="STOP_ON_FAILURE",
        cancel_order_id=first.order_id,
    )  # fmt: skip
    second = replaced.new_order_response.order_id
    assert [each.order_id for each in await client.ask("get_open_orders", symbol=SYMBOL)] == [second]
    assert (await client.ask("delete_order", SYMBOL, order_id=second)).status == "CANCELED"
    market = await client.ask("new_order", SYMBOL, "BUY", "MARKET", quantity=0.01)
    assert market.fills[0].commission_asset == "BTC"
    assert (await client.ask("new_order", SYMBOL, "SELL", "MARKET", quote_order_qty=100)).status == "FILLED"
    resting = await client.ask("new_order", SYMBOL, "BUY", "LIMIT_MAKER", quantity=0.01, price=float(lower))
    spot.hit(lower)
    assert (await client.ask("get_order", SYMBOL, order_id=resting.order_id)).status == "FILLED"
    trades = await client.ask("my_trades", SYMBOL)
    assert [each.is_maker for each in trades][-1] is True
    assert len(await client.ask("all_orders", SYMBOL)) == 5
    await agrees(client, spot)


async def test_lists(client, spot):
    made = await client.ask(
        "order_list_oco", SYMBOL, "SELL", 0.01, "LIMIT_MAKER", "STOP_LOSS",
        above_price=float(spot.price("1.1")), below_stop_price=float(spot.price("0.8")),
    )  # fmt: skip
    assert [each.order_list_id for each in await client.ask("open_order_list")] == [made.order_list_id]
    await client.ask("delete_order_list", SYMBOL, order_list_id=made.order_list_id)
    assert await client.ask("open_order_list") == []
    assert len(await client.ask("all_order_list")) == 1
    await client.ask("order_test", SYMBOL, "BUY", "MARKET", quantity=0.01, compute_commission_rates=True)
    await client.ask("new_order", **LIMIT, price=float(spot.price("0.9")))
    assert len(await client.ask("delete_open_orders", SYMBOL)) == 1
    await agrees(client, spot)


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
async def test_over_the_websocket_api(make_client, spot, kind):
    """Orders, and the account's events on the same connection; a session where the key allows one."""
    client, told = make_client(spot, kind), []
    low, lower = float(spot.price("0.9")), spot.price("0.8")
    async with client.ws_api() as api:
        if kind == "ed25519":
            assert (await api.session_logon()).data().result.authorized_since
            subscribed = await api.user_data_stream_subscribe()
        else:
            subscribed = await api.user_data_stream_subscribe_signature()
        subscribed.stream.on("message", lambda event: told.append(event.actual_instance))
        made = (await api.order_place(**LIMIT, price=low)).data().result
        assert (await api.order_status(SYMBOL, order_id=made.order_id)).data().result.status == "NEW"
        amended = await api.order_amend_keep_priority(SYMBOL, 0.005, order_id=made.order_id)
        assert Decimal(amended.data().result.amended_order.qty) == Decimal("0.005")
        replaced = await api.order_cancel_replace(
            cancel_replace_mode="STOP_ON_FAILURE", cancel_order_id=made.order_id, **LIMIT, price=low
        )
        second = replaced.data().result.new_order_response.order_id
        assert len((await api.open_orders_status(symbol=SYMBOL)).data().result) == 1
        assert (await api.order_cancel(SYMBOL, order_id=second)).data().result.status == "CANCELED"
        market = (await api.order_place(SYMBOL, "BUY", "MARKET", quantity=0.01)).data().result
        resting = (await api.order_place(**LIMIT, price=float(lower))).data().result
        spot.hit(lower)

        def states(number):
            return [each.X for each in told if type(each).__name__ == "ExecutionReport" and each.i == number]

        await spot.until(lambda: "FILLED" in states(resting.order_id))
        assert states(made.order_id) == ["NEW", "NEW", "CANCELED"]
        assert states(market.order_id)[-1] == "FILLED"
        assert {type(each).__name__ for each in told} == {"ExecutionReport", "OutboundAccountPosition"}
        held = {each.asset: each for each in (await api.account_status()).data().result.balances}
        assert Decimal(held["USDT"].free) == spot.totals["USDT"]
        refused = await api.order_cancel(SYMBOL, order_id=second)
        assert refused.data()["error"]["code"] == -2011
        await subscribed.stream.unsubscribe()
    await agrees(client, spot)


REFUSED = {
    "balance": (-2010, {"quantity": 10}),
    "lot size": (-1013, {"quantity": 0.0001}),
    "exponent": (-1100, {"quantity": 1e-7}),  # how the SDK writes a small float
    "price filter": (-1013, {"price": 50000.001}),
    "notional": (-1013, {"symbol": "ETHUSDT", "quantity": 0.001, "price": 2000}),
    "post only": (-2010, {"type": "LIMIT_MAKER", "time_in_force": None, "price": 90000}),
    "bad symbol": (-1121, {"symbol": "NOPE"}),
    "too long a window": (-1131, {"recv_window": 60001}),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_refused(client, spot, reason):
    code, fields = REFUSED[reason]
    with pytest.raises(BadRequestError) as error:
        await client.ask("new_order", **{**LIMIT, "price": float(spot.price("0.9")), **fields})
    assert error.value.status_code == code
    await agrees(client, spot)


async def test_refused_for_what_there_is_already(client, spot):
    order = {**LIMIT, "price": float(spot.price("0.9")), "new_client_order_id": "mine"}
    await client.ask("new_order", **order)
    for code, name, fields in (
        (-2010, "new_order", order),
        (-2011, "delete_order", {"symbol": SYMBOL, "order_id": 999}),
        (-2013, "get_order", {"symbol": SYMBOL, "order_id": 999}),
    ):
        with pytest.raises(BadRequestError) as error:
            await client.ask(name, **fields)
        assert error.value.status_code == code
    await agrees(client, spot)


async def test_signature_time_and_limits(client, make_client, spot):
    with pytest.raises(BadRequestError) as error:
        await make_client(spot, secret=WRONG).ask("get_account")
    assert error.value.status_code == -1022
    spot.sandbox.clock_skew_ns = 60_000_000_000  # the SDK takes this machine's time
    with pytest.raises(BadRequestError) as error:
        await client.ask("get_account")
    assert error.value.status_code == -1021
    spot.sandbox.clock_skew_ns = 0
    spot.sandbox.faults.add(too_many_requests("/depth", retry_after=7), banned("/time", retry_after=9))
    with pytest.raises(TooManyRequestsError) as error:
        await client.ask("depth", SYMBOL)
    assert str(error.value.retry_after) == "7"
    with pytest.raises(RateLimitBanError):
        await client.ask("time")
    await agrees(client, spot)
