"""The futures' messages as events: small samples of our own."""

from decimal import Decimal

import pytest

from toucan_data import (
    DecodeFailed,
    FundingRate,
    FundingRates,
    Gap,
    Liquidation,
    Liquidations,
    MarkPrice,
    MarkPrices,
    OpenInterest,
    OpenInterests,
    OrderBookL1,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrade,
    PublicTrades,
    Resynced,
    Ticker24h,
    Tickers24h,
)
from toucan_data.exchange.kraken.streams import SHORT_TICKERS
from toucan_instrument import Side

HOUR = 3600 * 10**9


def trade(seq, *, side="sell", kind="fill", product="PF_XBTUSD"):
    return (
        f'{{"product_id":"{product}","feed":"trade","uid":"8a2be12f-7a3f-4f8f-a111-d1b5200ab1d0","side":"{side}",'
        f'"type":"{kind}","time":1790360004381,"qty":0.0002,"price":83994.0,"seq":{seq}}}'
    )


def history(*trades):
    body = ",".join(trades)
    return f'{{"feed":"trade_snapshot","product_id":"PF_XBTUSD","trades":[{body}]}}'.encode()


def test_a_trade(futures):
    line = futures(("PF_XBTUSD", PublicTrades))
    [event] = line.hear(trade(421135).encode())
    assert isinstance(event, PublicTrade)
    assert (str(event.price), str(event.quantity), event.id) == ("83994.0", "0.0002", 421135)
    assert event.aggressor is Side.SELL
    assert event.time_exchange == 1790360004381 * 10**6


def test_history_is_left_out_and_tells_where_the_numbers_stand(futures):
    line = futures(("PF_XBTUSD", PublicTrades))
    assert line.hear(history(trade(131), trade(130), trade(129))) == []
    assert line.hear(history()) == []
    assert [
        event.id for event in line.hear(trade(132).encode(), trade(132).encode(), trade(135).encode())
    ] == [132, 135]
    [gap] = line.told
    assert isinstance(gap, Gap)
    assert (gap.first_missing, gap.last_missing) == (133, 134)


@pytest.mark.parametrize("kind", ["liquidation", "partialLiquidation", "partial liquidation", "LIQUIDATION"])
def test_a_liquidation_is_a_trade_of_that_type(futures, kind):
    line = futures(("PF_XBTUSD", PublicTrades), ("PF_XBTUSD", Liquidations))
    assert list(line.feeds) == ["trade:PF_XBTUSD"]
    traded, liquidated = line.hear(trade(1, kind=kind).encode())
    assert isinstance(traded, PublicTrade)
    assert isinstance(liquidated, Liquidation)
    assert liquidated.side is Side.SELL  # a long position was liquidated
    assert (liquidated.price, liquidated.quantity) == (Decimal("83994.0"), Decimal("0.0002"))
    assert liquidated.order_type == kind
    assert len(line.hear(trade(2, kind="block").encode(), trade(3, kind="").encode())) == 2


TICKER = (
    '{"time":1790359997224,"product_id":"PF_XBTUSD","funding_rate":0.912482213835,'
    '"relative_funding_rate":0.00001089345,"relative_funding_rate_prediction":0.00001575425,'
    '"next_funding_rate_time":1790362800000,"feed":"ticker","bid":84001.0,"ask":84002.0,"bid_size":0.0273,'
    '"ask_size":0.006,"volume":4237.2723,"dtm":0,"index":83995.76,"last":83997.0,"change":-0.22,'
    '"tag":"perpetual","openInterest":2189.7813,"markPrice":84004.11362574516,"volumeQuote":356641614.007}'
)
ALL = [Tickers24h, MarkPrices, FundingRates, OpenInterests]


def test_a_ticker_is_four_events(futures):
    line = futures(*(("PF_XBTUSD", kind) for kind in ALL))
    assert list(line.feeds) == ["ticker:PF_XBTUSD"]
    day, mark, rate, interest = line.hear(TICKER.encode())
    assert isinstance(day, Ticker24h)
    assert (day.last_price, day.open_price, day.price_change_percent) == (
        Decimal(83997),
        None,
        Decimal("-0.22"),
    )
    assert (day.volume, day.turnover) == (Decimal("4237.2723"), Decimal("356641614.007"))
    assert (day.bid_price, day.bid_quantity, day.ask_quantity) == (84001, Decimal("0.0273"), Decimal("0.006"))
    assert isinstance(mark, MarkPrice)
    assert (str(mark.mark_price), str(mark.index_price)) == ("84004.11362574516", "83995.76")
    assert isinstance(rate, FundingRate)
    assert rate.rate == mark.funding_rate == Decimal("0.00001089345")  # relative, not the amount
    assert (rate.predicted_rate, rate.interval_ns) == (Decimal("0.00001575425"), HOUR)
    assert rate.next_funding_time == mark.next_funding_time == 1790362800000 * 10**6
    assert isinstance(interest, OpenInterest)
    assert interest.quantity == Decimal("2189.7813")
    assert {event.time_exchange for event in (day, mark, rate, interest)} == {1790359997224 * 10**6}


def test_a_rate_of_zero_is_left_out_on_the_wire(futures):
    line = futures(("PF_XBTUSD", FundingRates))
    [rate] = line.hear(TICKER.replace('"relative_funding_rate":0.00001089345,', "").encode())
    assert rate.rate == 0


def test_a_dated_contract_has_no_funding_and_an_inverse_one_no_turnover(futures):
    symbol = "FI_XBTUSD_261225"
    line = futures((symbol, Tickers24h), (symbol, MarkPrices))
    day, mark = line.hear(TICKER.replace("PF_XBTUSD", symbol).encode())
    assert (day.turnover, mark.funding_rate, mark.next_funding_time) == (None, None, None)


def test_a_short_ticker_has_no_last_price(futures):
    line = futures(("PI_XBTUSD", SHORT_TICKERS))
    frame = (
        b'{"feed":"ticker_lite","product_id":"PI_XBTUSD","bid":439.3,"ask":439.6,"change":2.64,"premium":0.3,'
        b'"volume":3413476.0,"tag":"month","pair":"XBT:USD","dtm":7,"maturityTime":0}'
    )
    [day] = line.hear(frame)
    assert (day.last_price, day.time_exchange) == (None, None)
    assert (day.bid_price, day.ask_price, day.volume) == (
        Decimal("439.3"),
        Decimal("439.6"),
        Decimal("3413476.0"),
    )


def level(seq, side="sell", price="83999.0", qty="0.5"):
    return (
        f'{{"feed":"book","product_id":"PF_XBTUSD","side":"{side}","seq":{seq},"price":{price},"qty":{qty},'
        f'"timestamp":1790359997729}}'
    ).encode()


BOOK = (
    b'{"feed":"book_snapshot","product_id":"PF_XBTUSD","timestamp":1790359964969,"seq":100,"tickSize":null,'
    b'"bids":[{"price":83998.0,"qty":0.0371},{"price":83997,"qty":0},{"price":83996.0,"qty":-5.0}],'
    b'"asks":[{"price":83999.0,"qty":0.0400},{"price":84001.5,"qty":5.494e-6}]}'
)


def test_a_book_and_its_top(futures):
    line = futures(("PF_XBTUSD", OrderBooksL2), ("PF_XBTUSD", OrderBooksL1))
    assert list(line.feeds) == ["book:PF_XBTUSD"]
    snapshot, top = line.hear(BOOK)
    assert isinstance(snapshot, OrderBookL2Snapshot)
    assert snapshot.last_update_id == 100
    assert snapshot.bids == [("83998.0", "0.0371")]
    assert isinstance(top, OrderBookL1)
    assert (top.bid_price, top.ask_quantity, top.update_id) == (83998, Decimal("0.0400"), 100)
    assert len(line.hear(level(101, price="84001.5", qty="0.0"))) == 1  # below the top
    update, top = line.hear(level(102, qty="0.0"))
    assert isinstance(update, OrderBookL2Update)
    assert (update.first_update_id, update.last_update_id) == (102, 102)
    assert (top.ask_price, top.ask_quantity, top.time_exchange) == (None, None, 1790359997729 * 10**6)
    assert len(line.hear(level(103, side="buy", price="83998.5", qty="1.0"))) == 2
    assert line.told == []


def test_a_hole_costs_that_book_a_new_snapshot(futures):
    line = futures(("PF_XBTUSD", OrderBooksL2), ("PI_XBTUSD", OrderBooksL2))
    for product in ("PF_XBTUSD", "PI_XBTUSD"):
        line.hear({"event": "subscribed", "feed": "book", "product_ids": [product]})
    line.wait(1)
    line.said()
    line.hear(BOOK, level(101), level(103))
    [gap] = line.told
    assert (gap.first_missing, gap.last_missing, gap.reason) == (102, 102, "sequence")
    line.wait(1)
    assert line.said() == [{"event": "unsubscribe", "feed": "book", "product_ids": ["PF_XBTUSD"]}]
    assert line.hear(level(104)) == []
    line.hear({"event": "unsubscribed", "feed": "book", "product_ids": ["PF_XBTUSD"]})
    line.wait(1)
    assert line.said() == [{"event": "subscribe", "feed": "book", "product_ids": ["PF_XBTUSD"]}]
    line.hear(BOOK.replace(b'"seq":100', b'"seq":110'), level(111))
    resynced = line.told[-1]
    assert isinstance(resynced, Resynced)
    assert (resynced.first_missing, resynced.last_missing) == (102, 110)


@pytest.mark.parametrize(
    "frame",
    [level(101, side="both"), trade(1, side="x").encode(), TICKER.replace("84001.0", '"x"').encode(),
     b'{"feed":"trade","seq":5}', b'{"feed":"book","product_id":"PF_XBTUSD"}'],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_harms_nothing(futures, frame):
    line = futures(("PF_XBTUSD", OrderBooksL2), ("PF_XBTUSD", PublicTrades), ("PF_XBTUSD", Tickers24h))
    line.hear(BOOK)
    assert line.hear(frame) == []
    [failed] = line.told
    assert isinstance(failed, DecodeFailed)
    assert len(line.hear(level(101), trade(1).encode(), TICKER.encode())) == 3
