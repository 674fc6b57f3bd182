"""What OKX's frames mean: digits, sides, times, units, and what is not there."""

import msgspec
import pytest

from toucan_data import (
    AggregatedTrades,
    Candles,
    DecodeFailed,
    FundingRates,
    Gap,
    Liquidations,
    MarkPrices,
    OpenInterests,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Side,
    Tickers24h,
)
from toucan_data.exchange.okx.bars import BARS, bar_named

SWAP = "BTC-USDT-SWAP"
MS = 1_000_000
BAD = ["NaN", "Infinity", "", "1e", "one", "1_0", " 1"]


def frame(channel, *rows, of=SWAP, key="instId", **more):
    return {"arg": {"channel": channel, key: of}, **more, "data": list(rows)}


def trade(last, count=1, **changes):
    row = {
        "instId": SWAP, "tradeId": str(last), "px": "83725.90", "sz": "5.0", "side": "buy",
        "ts": "1791369350776", "count": str(count), "source": "0", "seqId": 344430848209,
    }  # fmt: skip
    return {**row, **changes}


def test_a_trade_of_one_order_covers_its_fills(line):
    found = line([(SWAP, AggregatedTrades)])
    [event] = found.hear(frame("trades", trade(2978601964, 3)))
    assert (event.id, event.first_id, event.last_id) == (2978601964, 2978601962, 2978601964)
    assert (str(event.price), str(event.quantity)) == ("83725.90", "5.0")
    assert event.aggressor is Side.BUY  # the taker's side as it is
    assert event.time_exchange == 1791369350776 * MS
    assert event.instrument.symbol == SWAP


def test_ids_show_what_is_missing_and_repetitions_are_left_out(line):
    found = line([(SWAP, AggregatedTrades)])
    events = found.hear(
        frame("trades", trade(10, 2)), frame("trades", trade(12, 2)), frame("trades", trade(12, 2)),
        frame("trades", trade(20, 3)), frame("trades", trade(21)),
    )  # fmt: skip
    assert [event.id for event in events] == [10, 12, 20, 21]
    [gap] = found.told
    assert (type(gap), gap.first_missing, gap.last_missing) == (Gap, 13, 17)
    assert gap.kind == "AggregatedTrades"


def test_trades_one_by_one_are_on_another_address(line):
    found = line([(SWAP, PublicTrades)], "business")
    row = {"instId": SWAP, "tradeId": "7", "px": "1", "sz": "2", "side": "sell", "ts": "1630048897897"}
    [event] = found.hear(frame("trades-all", row))
    assert (event.id, event.first_id, event.aggressor) == (7, 7, Side.SELL)
    assert found.venue.url(found.feeds[0].channel.route).endswith("/ws/v5/business")


@pytest.mark.parametrize("changes", [{"px": text} for text in BAD] + [{"sz": text} for text in BAD])
def test_a_number_that_is_none_is_one_failure(line, changes):
    found = line([(SWAP, AggregatedTrades)])
    assert found.hear(frame("trades", trade(1, **changes))) == []
    assert [type(value) for value in found.told] == [DecodeFailed]


@pytest.mark.parametrize(
    "changes", [{"side": "none"}, {"side": None}, {"tradeId": "x"}, {"ts": ""}, {"px": 5}, {"count": "a"}]
)
def test_other_nonsense_is_one_failure(line, changes):
    found = line([(SWAP, AggregatedTrades)])
    assert found.hear(frame("trades", trade(1, **changes))) == []
    assert [type(value) for value in found.told] == [DecodeFailed]


def test_best_bid_and_ask(line):
    found = line([(SWAP, OrderBooksL1)])
    row = {"asks": [["111.06", "55154", "0", "2"]], "bids": [["111.050", "57745", "0", "2"]],
           "ts": "1670324386802", "seqId": 363996337}  # fmt: skip
    [event] = found.hear(frame("bbo-tbt", row))
    assert (str(event.bid_price), event.bid_quantity, event.ask_price) == ("111.050", 57745, event.ask_price)
    assert (event.update_id, event.time_exchange) == (363996337, 1670324386802 * MS)


def test_a_side_that_is_empty_is_none(line):
    found = line([(SWAP, OrderBooksL1)])
    [event] = found.hear(frame("bbo-tbt", {"asks": [["0.0015", "8", "0", "1"]], "bids": [], "ts": "1"}))
    assert (event.bid_price, event.bid_quantity) == (None, None)
    assert (str(event.ask_price), str(event.ask_quantity)) == ("0.0015", "8")


def test_five_levels_are_pictures(line):
    found = line([(SWAP, OrderBooksL2(depth=5))])
    row = {
        "asks": [["2", "1", "0", "1"], ["3", "1", "0", "1"]], "bids": [["1", "4", "0", "1"]],
        "instId": SWAP, "ts": "5", "seqId": 9,
    }  # fmt: skip
    [event] = found.hear(frame("books5", row))
    assert (event.bids, event.asks, event.depth) == ([("1", "4")], [("2", "1"), ("3", "1")], 5)
    assert event.last_update_id == 9
    assert found.feeds[0].book.best_bid().quantity == 4


def test_a_level_that_is_too_short_is_one_failure(line):
    found = line([(SWAP, OrderBooksL2(depth=5))])
    found.hear(frame("books5", {"asks": [["2"]], "bids": [], "ts": "5"}))
    assert [type(value) for value in found.told] == [DecodeFailed]


@pytest.mark.parametrize(
    ("symbol", "turnover"), [("BTC-USDT", "349947.3"), (SWAP, "999"), ("BTC-USD-SWAP", "349947.3")]
)
def test_candles_tell_turnover_in_the_other_asset(line, symbol, turnover):
    found = line([(symbol, Candles("1m"))], "business")
    row = ["1757076060000", "1.0", "4", "0.5", "2", "3.1", "349947.3", "999", "0"]
    [event] = found.hear(frame("candle1m", row, of=symbol))
    assert (str(event.open), event.high, str(event.low), event.close) == ("1.0", 4, "0.5", 2)
    assert (str(event.volume), str(event.turnover), event.closed) == ("3.1", turnover, False)
    assert event.time_exchange is None
    assert (event.open_time, event.close_time) == (1757076060000 * MS, 1757076119999 * MS)
    assert event.interval == "1m"
    [closed] = found.hear(frame("candle1m", [*row[:-1], "1"], of=symbol))
    assert closed.closed


def test_days_are_days_of_utc():
    for interval, name in BARS.items():
        bar = bar_named(name)
        assert (bar.interval, bar.name) == (interval, name)
        longer = interval[-1] in "dwM" or interval in ("6h", "12h")
        assert name.endswith("utc") == longer


@pytest.mark.parametrize(
    ("name", "opened", "last"),
    [
        ("1s", 1_000, 1_999),
        ("4H", 0, 14_399_999),
        ("1Wutc", 0, 604_799_999),
        ("1Mutc", 1_709_251_200_000, 1_711_929_599_999),  # March 2024
        ("3Mutc", 1_727_740_800_000, 1_735_689_599_999),  # October to December 2024
        ("1M", 1_706_716_800_000, 1_709_222_399_999),  # February 2024 of UTC+8
        ("1Mutc", 1_706_659_200_000, 1_709_078_399_999),  # what begins on a 31st ends on a 28th
    ],
)
def test_where_candles_end(name, opened, last):
    assert bar_named(name).last_instant(opened * MS) == last * MS


@pytest.mark.parametrize("name", ["", "1", "m", "0m", "1x", "1Dutcx", "-1m", "1mm"])
def test_what_is_no_bar(name):
    assert bar_named(name) is None


@pytest.mark.parametrize("row", [["1"], [], ["1757076060000", "1", "1", "1", "x", "1"], ["soon"] + ["1"] * 8])
def test_a_candle_that_is_none_is_one_failure(line, row):
    found = line([(SWAP, Candles("1m"))], "business")
    assert found.hear(frame("candle1m", row)) == []
    assert [type(value) for value in found.told] == [DecodeFailed]


TICKER = {
    "instType": "SWAP", "instId": SWAP, "last": "2.1729", "lastSz": "0", "askPx": "2.1738", "askSz": "168",
    "bidPx": "2.1737", "bidSz": "2", "open24h": "2.164", "high24h": "2.25", "low24h": "2.1493",
    "volCcy24h": "803940", "vol24h": "803941", "ts": "1640131263109", "source": "0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "turnover"), [("BTC-USDT", "803940"), (SWAP, "None"), ("BTC-USD-SWAP", "803940")]
)
def test_statistics_of_a_day(line, symbol, turnover):
    """What derivatives tell besides counts coins: the turnover of an inverse contract, and of no other."""
    found = line([(symbol, Tickers24h)])
    [event] = found.hear(frame("tickers", TICKER, of=symbol))
    assert (str(event.last_price), str(event.volume), str(event.turnover)) == ("2.1729", "803941", turnover)
    assert (str(event.bid_price), str(event.ask_quantity), str(event.last_quantity)) == ("2.1737", "168", "0")
    assert event.time_exchange == 1640131263109 * MS
    assert event.price_change is None


def test_an_option_that_nobody_traded_has_quotes_alone(line):
    symbol = "BTC-USD-261225-80000-C"
    found = line([(symbol, Tickers24h)])
    empty = dict.fromkeys(("last", "lastSz", "open24h", "high24h", "low24h", "bidPx", "bidSz"), "")
    [event] = found.hear(frame("tickers", {**TICKER, **empty}, of=symbol))
    assert (event.last_price, event.bid_price, event.open_price) == (None, None, None)
    assert str(event.ask_price) == "2.1738"


def test_mark_price_funding_and_open_interest(line):
    found = line([(SWAP, MarkPrices), (SWAP, FundingRates), (SWAP, OpenInterests)])
    base = {"instId": SWAP, "instType": "SWAP", "ts": "1640131259180"}
    [mark] = found.hear(frame("mark-price", {**base, "markPx": "2.17290"}))
    assert str(mark.mark_price) == "2.17290"
    assert mark.funding_rate is None
    rate = {
        **base, "fundingRate": "-0.0004270396398519", "fundingTime": "1785888000000",
        "nextFundingTime": "1785916800000", "nextFundingRate": "",
    }  # fmt: skip
    [funding] = found.hear(frame("funding-rate", rate))
    assert str(funding.rate) == "-0.0004270396398519"
    assert funding.next_funding_time == 1785888000000 * MS
    assert funding.interval_ns == 8 * 3600 * 1000 * MS
    assert funding.predicted_rate is None
    [interest] = found.hear(frame("open-interest", {**base, "oi": "236870", "oiCcy": "23687"}))
    assert (interest.quantity, interest.notional) == (236870, None)
    assert {e.time_exchange for e in (mark, funding, interest)} == {1640131259180 * MS}


def test_a_new_contract_has_no_rate_yet(line):
    found = line([(SWAP, FundingRates)])
    assert found.hear(frame("funding-rate", {"fundingTime": "1640851200000", "nextFundingRate": "0.1"})) == []
    old = {"fundingRate": "0.018", "nextFundingRate": "0.02", "fundingTime": "1597026383085"}
    [event] = found.hear(frame("funding-rate", old))
    assert (event.time_exchange, event.interval_ns, str(event.predicted_rate)) == (None, None, "0.02")
    assert not found.told


def order(instrument, time, side="sell"):
    details = [
        {"bkLoss": "0", "bkPx": "0.01968", "posSide": "long", "side": side, "sz": "42", "ts": str(time)}
    ]
    return {"details": details, "instId": instrument, "instType": "SWAP", "uly": "X"}


NOW_MS = 1_790_000_000_000


def test_liquidations_are_told_of_the_instruments_that_are_wanted(line):
    found = line([(SWAP, Liquidations)])
    assert found.feeds[0].channel.name == "liquidation-orders:SWAP"
    rows = [order("ETH-USDT-SWAP", NOW_MS), order(SWAP, NOW_MS, "buy")]
    [event] = found.hear(frame("liquidation-orders", *rows, of="SWAP", key="instType"))
    assert (event.instrument.symbol, event.side) == (SWAP, Side.BUY)
    assert (str(event.price), event.quantity, event.average_price) == ("0.01968", 42, None)


def test_what_was_liquidated_before_the_subscription_is_left_out(line):
    found = line([(SWAP, Liquidations)])
    rows = [order(SWAP, NOW_MS - 3_600_000), order(SWAP, NOW_MS - 500)]
    [event] = found.hear(frame("liquidation-orders", *rows, of="SWAP", key="instType"))
    assert event.time_exchange == (NOW_MS - 500) * MS
    # Only the first frame can hold them: one that comes late is late.
    late = frame("liquidation-orders", order(SWAP, NOW_MS - 60_000), of="SWAP", key="instType")
    assert len(found.hear(late)) == 1


SPELLINGS = [
    rb'{"arg":{"instId":"BTC-USDT-SWAP","channel":"trades"},"data":[%s]}',
    rb'{ "arg" : {"channel": "trades", "instId": "BTC-USDT-SWAP"}, "data": [%s], "new": 1}',
    rb'{"data":[%s],"arg":{"channel":"trades","instId":"BTC\u002dUSDT-SWAP"}}',
    rb'{"arg":{"channel":"trades","instType":"SWAP","instId":"BTC-USDT-SWAP"},"data":[%s]}',
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_the_same_object_in_another_spelling_is_the_same_stream(line, text):
    found = line([(SWAP, AggregatedTrades)])
    for number in range(3):
        [event] = found.hear(text % msgspec.json.encode(trade(number)))
        assert (event.instrument.symbol, event.id) == (SWAP, number)
    assert not found.told


def test_a_brace_within_a_name_is_no_end_of_the_object(line):
    names = ("A}B-USDT", "A}C-USDT", 'A"}D-USDT', 'A"}E-USDT')
    found = line([(name, AggregatedTrades) for name in names])
    for number in range(3):
        for name in names:
            [event] = found.hear(frame("trades", trade(number), of=name))
            assert event.instrument.symbol == name
    assert not found.told
