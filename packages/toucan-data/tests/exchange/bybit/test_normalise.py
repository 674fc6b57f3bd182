"""Bybit's messages as events, kind by kind."""

from decimal import Decimal

import msgspec
import pytest

from toucan_data import (
    BybitInverse,
    BybitLinear,
    BybitOption,
    BybitSpot,
    Candles,
    FundingRate,
    FundingRates,
    Liquidations,
    MarkPrice,
    MarkPrices,
    OpenInterest,
    OpenInterests,
    OrderBooksL1,
    PublicTrades,
    Ticker24h,
    Tickers24h,
)
from toucan_data.feed import Feed
from toucan_instrument.errors import PayloadError

SPOT, LINEAR, INVERSE, OPTION = BybitSpot(), BybitLinear(), BybitInverse(), BybitOption()
MS = 1_000_000


class Followed:
    """One topic that is followed in every kind that it serves."""

    def __init__(self, venue, symbol, kind):
        self.venue, self.events, self.told = venue, [], []
        instrument = venue.unchecked(symbol)
        channel = venue.channel(instrument, kind)
        self.feed = Feed(channel, [kind], None if channel.instrument else instrument)
        venue.prepare(self.feed, self.told.append, self.told.append, venue.unchecked)
        self.feed.deliver_all_to(self.events.append)

    def hear(self, kind, data, **more):
        """Take a frame; return the events that it makes."""
        frame = {"topic": self.feed.channel.name, "type": kind, "ts": 1_700_000_000_500, "data": data, **more}
        return self.raw(msgspec.json.encode(frame))

    def raw(self, frame):
        before = len(self.events)
        self.feed.handle(self.feed.decode(frame), 7)
        return self.events[before:]


def trade(**fields):
    row = {"T": 1_700_000_000_123, "s": "BTCUSDT", "S": "Buy", "v": "0.0010", "p": "16578.50", "i": "22800"}
    return {**row, "BT": False, **fields}


def test_trades_keep_digits_ids_and_the_takers_side():
    followed = Followed(SPOT, "BTCUSDT", PublicTrades)
    first, second = followed.hear("snapshot", [trade(), trade(S="Sell", i="20f43950-d8dd", v="1e-7")])
    assert (str(first.price), str(first.quantity), first.aggressor) == ("16578.50", "0.0010", "buy")
    assert (first.id, first.first_id, first.last_id) == ("22800", "22800", "22800")
    assert (first.time_exchange, first.time_received) == (1_700_000_000_123 * MS, 7)
    assert (second.aggressor, second.id) == ("sell", "20f43950-d8dd")


@pytest.mark.parametrize(
    "bad", [{"S": "Maker"}, {"p": "NaN"}, {"v": "inf"}, {"v": "1_000"}, {"p": ""}, {"v": "x"}]
)
def test_a_trade_that_cannot_be_is_one_error(bad):
    with pytest.raises(PayloadError):
        Followed(SPOT, "BTCUSDT", PublicTrades).hear("snapshot", [trade(**bad)])


def test_an_option_gets_its_own_trades_of_its_base_coin():
    followed = Followed(OPTION, "BTC-31DEC27-60000-C-USDT", PublicTrades)
    rows = [trade(s="BTC-31DEC27-60000-C-USDT"), trade(s="BTC-31DEC27-60000-P-USDT")]
    [event] = followed.hear("snapshot", rows, id="publicTrade.BTC-1")
    assert event.instrument == followed.venue.unchecked("BTC-31DEC27-60000-C-USDT")
    followed.feed.join(PublicTrades, followed.venue.unchecked("BTC-31DEC27-60000-P-USDT"))
    assert len(followed.hear("snapshot", rows)) == 2


def levels(*pairs):
    return [list(pair) for pair in pairs]


def top(bids, asks, update, **more):
    return {"s": "BTCUSDT", "b": levels(*bids), "a": levels(*asks), "u": update, "seq": 9, **more}


def shown(events):
    return [(e.bid_price, e.bid_quantity, e.ask_price, e.ask_quantity, e.update_id) for e in events]


def test_tops_are_told_when_they_change():
    followed = Followed(LINEAR, "BTCUSDT", OrderBooksL1)
    [event] = followed.hear("snapshot", top([("1.10", "2.0")], [("1.2", "3")], 5), cts=1_700_000_000_400)
    assert (str(event.bid_price), str(event.bid_quantity)) == ("1.10", "2.0")
    assert (event.update_id, event.time_exchange) == (5, 1_700_000_000_400 * MS)
    # The same again after 3 s is no news; a new number, or another top, is.
    assert followed.hear("snapshot", top([("1.10", "2.0")], [("1.2", "3")], 5)) == []
    assert len(followed.hear("snapshot", top([("1.10", "2.0")], [("1.2", "3")], 6))) == 1
    [again] = followed.hear("snapshot", top([("1.10", "2.5")], [("1.2", "3")], 6))
    assert again.time_exchange == 1_700_000_000_500 * MS  # without the engine's time, that of the push
    followed.feed.reconnected = True
    assert len(followed.hear("snapshot", top([("1.10", "2.5")], [("1.2", "3")], 6))) == 1


def test_an_empty_side_is_none():
    followed = Followed(LINEAR, "BTCUSDT", OrderBooksL1)
    events = followed.hear("snapshot", top([], [("1.2", "3")], 5))
    events += followed.hear("snapshot", top([("1.1", "0.000")], [], 6))
    assert shown(events) == [(None, None, Decimal("1.2"), 3, 5), (None, None, None, None, 6)]


def test_deltas_of_older_recordings_change_what_they_name():
    followed = Followed(LINEAR, "BTCUSDT", OrderBooksL1)
    assert followed.hear("delta", top([("1.0", "1")], [], 1_000)) == []  # nothing is known of the asks
    other = Followed(LINEAR, "BTCUSDT", OrderBooksL1)
    assert other.hear("delta", top([], [("1.2", "1")], 1_000)) == []  # nor here of the bids
    assert shown(other.hear("delta", top([("1", "2")], [], 1_001))) == [(1, 2, Decimal("1.2"), 1, 1_001)]
    events = followed.hear("snapshot", top([("1.1", "2")], [("1.2", "3")], 5))
    events += followed.hear("delta", top([("1.1", "4")], [], 6))
    events += followed.hear("delta", top([("1.1", "0"), ("1.05", "1")], [("1.2", "0"), ("1.3", "2")], 7))
    events += followed.hear("delta", top([("1.04", "0")], [("1.30", "0.00")], 8))
    assert shown(events) == [
        (Decimal("1.1"), 2, Decimal("1.2"), 3, 5),
        (Decimal("1.1"), 4, Decimal("1.2"), 3, 6),
        (Decimal("1.05"), 1, Decimal("1.3"), 2, 7),
        (Decimal("1.05"), 1, None, None, 8),
    ]
    # A number of 1 begins anew, whatever it is called.
    assert shown(followed.hear("delta", top([("2", "1")], [], 1))) == [(2, 1, None, None, 1)]


def test_levels_in_other_forms_are_read():
    followed = Followed(LINEAR, "BTCUSDT", OrderBooksL1)
    data = {"s": "X", "b": [{"price": "1.1", "size": "2"}], "a": [["1.2", "3", "0.5"]], "u": 7}
    assert shown(followed.hear("snapshot", data)) == [(Decimal("1.1"), 2, Decimal("1.2"), 3, 7)]
    for bad in ([["1.1"]], [[1, 2]], [5], [{"price": "1"}], {}):
        with pytest.raises(ValueError, match=r".+"):
            followed.hear("snapshot", {**data, "b": bad})


def test_candles():
    followed = Followed(INVERSE, "BTCUSD", Candles("4h"))
    bar = {"start": 1_672_324_800_000, "end": 1_672_339_199_999, "interval": "240", "open": "16649.50",
           "close": "16677", "high": "16678", "low": "16608", "volume": "2081", "turnover": "0.125",
           "confirm": False, "timestamp": 1_672_324_988_882}  # fmt: skip
    forming, closed = followed.hear("snapshot", [bar, {**bar, "confirm": True, "turnover": ""}])
    assert (forming.interval, forming.closed, closed.closed) == ("4h", False, True)
    assert (forming.open_time, forming.close_time) == (1_672_324_800_000 * MS, 1_672_339_199_999 * MS)
    assert [str(n) for n in (forming.open, forming.high, forming.low, forming.close)] == [
        "16649.50",
        "16678",
        "16608",
        "16677",
    ]
    assert (forming.volume, forming.turnover, closed.turnover) == (2081, Decimal("0.125"), None)
    assert forming.time_exchange == 1_700_000_000_500 * MS
    assert (forming.trades, forming.first_id, forming.taker_buy_volume) == (None, None, None)


def test_the_order_of_a_liquidation_is_against_the_position():
    followed = Followed(LINEAR, "ROSEUSDT", Liquidations)
    row = {"T": 1_739_502_302_929, "s": "ROSEUSDT", "S": "Sell", "v": "20000", "p": "0.04499"}
    short, long = followed.hear("snapshot", [row, {**row, "S": "Buy"}])
    assert (short.side, long.side) == ("buy", "sell")
    assert (short.price, short.quantity, short.filled_quantity) == (Decimal("0.04499"), 20000, 20000)
    assert (short.average_price, short.time_exchange) == (None, 1_739_502_302_929 * MS)
    [old] = followed.hear(
        "snapshot",
        {"updatedTime": 1_680_673_944_093, "symbol": "ROSEUSDT", "side": "Sell", "size": "6", "price": "2"},
    )
    assert (old.side, old.quantity, old.time_exchange) == ("buy", 6, 1_680_673_944_093 * MS)
    with pytest.raises(PayloadError):
        followed.hear("snapshot", [{**row, "S": "Long"}])


LINEAR_TICKER = {
    "symbol": "BTCUSDT", "tickDirection": "PlusTick", "price24hPcnt": "0.017103", "lastPrice": "17216.00",
    "prevPrice24h": "16926.50", "highPrice24h": "17281.50", "lowPrice24h": "16915.00",
    "markPrice": "17217.33", "indexPrice": "17227.36", "openInterest": "68744.761",
    "openInterestValue": "1183601235.91", "turnover24h": "1570383121.943499", "volume24h": "91705.276",
    "nextFundingTime": "1673280000000", "fundingRate": "-0.000212", "fundingIntervalHour": "8",
    "bid1Price": "17215.50", "bid1Size": "84.489", "ask1Price": "17216.00", "ask1Size": "83.020",
    "predictedDeliveryPrice": "0.00", "basisRate": "", "preOpenPrice": "",
}  # fmt: skip


def kinds(events):
    return [type(event) for event in events]


def test_a_ticker_of_a_contract_holds_four_kinds():
    followed = Followed(LINEAR, "BTCUSDT", Tickers24h)
    day, mark, funding, interest = followed.hear("snapshot", LINEAR_TICKER, cs=1)
    assert (str(day.last_price), str(day.open_price)) == ("17216.00", "16926.50")
    assert (str(day.high_price), str(day.low_price)) == ("17281.50", "16915.00")
    assert (str(day.volume), str(day.turnover)) == ("91705.276", "1570383121.943499")
    assert str(day.price_change_percent) == "1.7103"
    assert (str(day.bid_price), str(day.ask_quantity)) == ("17215.50", "83.020")
    assert mark == MarkPrice(
        mark.exchange, mark.instrument, 1_700_000_000_500 * MS, 7, Decimal("17217.33"),
        Decimal("17227.36"), None, None, Decimal("-0.000212"), 1_673_280_000_000 * MS,
    )  # fmt: skip
    assert (funding.rate, funding.interval_ns) == (Decimal("-0.000212"), 8 * 3600 * 10**9)
    assert funding.next_funding_time == 1_673_280_000_000 * MS
    assert (str(interest.quantity), str(interest.notional)) == ("68744.761", "1183601235.91")


def test_deltas_are_merged_and_tell_what_has_changed():
    followed = Followed(LINEAR, "BTCUSDT", MarkPrices)
    followed.hear("snapshot", LINEAR_TICKER)
    [mark] = followed.hear("delta", {"symbol": "BTCUSDT", "indexPrice": "3"})
    assert (mark.index_price, mark.mark_price) == (3, Decimal("17217.33"))
    [day] = followed.hear("delta", {"symbol": "BTCUSDT", "bid1Price": "0", "bid1Size": "0"})
    assert (day.bid_price, day.bid_quantity, day.ask_price) == (None, None, 17216)
    events = followed.hear("delta", {"symbol": "BTCUSDT", "fundingRate": "0.1"})
    assert kinds(events) == [MarkPrice, FundingRate]
    assert kinds(followed.hear("delta", {"symbol": "BTCUSDT", "openInterest": "5"})) == [OpenInterest]
    assert followed.hear("delta", {"symbol": "BTCUSDT", "basis": "5", "new": {"a": 1}}) == []
    # A snapshot replaces it all.
    events = followed.hear("snapshot", {"symbol": "BTCUSDT", "lastPrice": "7"})
    assert kinds(events) == [Ticker24h]
    assert (events[0].last_price, events[0].open_price) == (7, None)


def test_a_delta_without_its_snapshot_tells_only_what_it_holds():
    followed = Followed(LINEAR, "BTCUSDT", Tickers24h)
    assert followed.hear("delta", {"symbol": "BTCUSDT", "bid1Size": "0.035"}) == []
    followed.hear("snapshot", LINEAR_TICKER)
    followed.feed.reconnected = True
    assert followed.hear("delta", {"symbol": "BTCUSDT", "bid1Size": "0.035"}) == []


def test_a_dated_future_has_no_funding_and_a_settlement_price_in_its_last_minutes():
    followed = Followed(INVERSE, "BTCUSDU23", MarkPrices)
    fields = {**LINEAR_TICKER, "fundingRate": "", "nextFundingTime": "", "predictedDeliveryPrice": "29000.5"}
    day, mark, interest = followed.hear("snapshot", fields)
    assert (mark.funding_rate, mark.next_funding_time) == (None, None)
    assert mark.settle_price == Decimal("29000.5")
    assert interest.notional is None  # it counts USD, and its value is in the base
    assert kinds([day, interest]) == [Ticker24h, OpenInterest]


def test_spot_has_one_kind_and_no_tops():
    followed = Followed(SPOT, "BTCUSDT", Tickers24h)
    [day] = followed.hear("snapshot", {**LINEAR_TICKER, "bid1Price": "", "bid1Size": ""})
    assert (day.last_price, day.bid_price) == (17216, None)


def test_an_option_says_no_opening_price():
    followed = Followed(OPTION, "BTC-31DEC27-60000-C-USDT", OpenInterests)
    fields = {"symbol": "BTC-31DEC27-60000-C-USDT", "bidPrice": "0", "bidSize": "0", "askPrice": "10",
              "askSize": "5.1", "lastPrice": "10", "highPrice24h": "25", "lowPrice24h": "5",
              "markPrice": "7.86976724", "indexPrice": "16823.73", "openInterest": "49.85",
              "turnover24h": "446802.8473", "volume24h": "26.55", "predictedDeliveryPrice": "0",
              "change24h": "-0.33333334"}  # fmt: skip
    day, mark, interest = followed.hear("snapshot", fields)
    assert (day.open_price, str(day.price_change_percent)) == (None, "-33.333334")
    assert (day.bid_price, day.ask_price, day.ask_quantity) == (None, 10, Decimal("5.1"))
    assert (mark.mark_price, mark.settle_price, mark.funding_rate) == (Decimal("7.86976724"), None, None)
    assert (interest.quantity, interest.notional) == (Decimal("49.85"), None)


@pytest.mark.parametrize("value", ["NaN", "much", "1 000", [1], True])
def test_a_number_that_is_none_is_one_error(value):
    for kind in (Tickers24h, FundingRates):
        followed = Followed(LINEAR, "BTCUSDT", kind)
        with pytest.raises(PayloadError):
            followed.hear("snapshot", {**LINEAR_TICKER, "lastPrice": value})
