"""One stream that serves several kinds, or several instruments: who gets what of it."""

from decimal import Decimal

import pytest

from toucan_data import (
    BinanceFuturesUsd,
    FundingRate,
    FundingRates,
    Liquidations,
    MarkPrice,
    MarkPrices,
    OpenInterests,
    OrderBooksL1,
    OrderBooksL2,
)
from toucan_data.bookfeeds import maintain
from toucan_data.bookrule import BookRule, BookSnapshot, Snapshots
from toucan_data.feed import Channel, Feed
from toucan_data.selection import BUFFER, Hub
from toucan_instrument.errors import UnsupportedKind

VENUE = BinanceFuturesUsd()
BTC, ETH, XRP = (VENUE.unchecked(f"{base}USDT") for base in ("BTC", "ETH", "XRP"))
MARK = {"E": 1_700_000_000_000, "s": "BTCUSDT", "p": "1.0", "i": "", "r": "0.0001", "T": 1_700_003_600_000}


def hub():
    return Hub(lambda: 1)


def select(desk, kind=None, instruments=None):
    return desk.select(
        "x",
        kind=kind,
        exchange=None,
        instruments=instruments,
        events=True,
        status=False,
        limit=BUFFER,
    )


def read(selection):
    found = []
    while (value := selection.next_nowait()) is not None:
        found.append(value)
    return found


@pytest.mark.parametrize("first", [MarkPrices, FundingRates])
def test_a_mark_price_comes_with_its_funding_rate_whichever_was_asked_for_first(tap, first):
    followed = tap(VENUE, "BTCUSDT", first)
    second = FundingRates if first is MarkPrices else MarkPrices
    assert VENUE.channel(BTC, first) == VENUE.channel(BTC, second)
    desk = hub()
    desk.add_feed(followed.feed, VENUE.exchange)
    marks, rates, everything = select(desk, MarkPrices), select(desk, FundingRates), select(desk)
    followed.hear(MARK)
    assert [len(read(each)) for each in (marks, rates)] == [first is MarkPrices, first is FundingRates]
    desk.rewire(followed.feed, lambda: followed.feed.join(second, BTC))
    read(everything)
    followed.hear(MARK)
    [mark], [rate] = read(marks), read(rates)
    assert isinstance(mark, MarkPrice)
    assert (type(rate), rate.rate) == (FundingRate, Decimal("0.0001"))
    assert rate.next_funding_time == 1_700_003_600_000 * 10**6
    assert (rate.time_exchange, rate.interval_ns, rate.predicted_rate) == (mark.time_exchange, None, None)
    assert {type(value) for value in read(everything)} == {MarkPrice, FundingRate}
    desk.rewire(followed.feed, lambda: followed.feed.leave(first, BTC))
    followed.hear(MARK)
    assert [type(value) for value in read(everything)] == [FundingRate if first is MarkPrices else MarkPrice]


def test_what_has_no_funding_is_refused_and_sends_none(tap):
    dated = VENUE.unchecked("BTCUSDT_261225")
    with pytest.raises(UnsupportedKind, match="dated future"):
        VENUE.channel(dated, FundingRates)
    assert "OpenInterests" not in {kind.name for kind in VENUE.kinds}
    assert VENUE.lacking[OpenInterests] == "over REST only: load_open_interest"
    followed = tap(VENUE, "BTCUSDT_261225", MarkPrices)
    heard = []
    followed.feed.outlet(FundingRates).deliver_to(heard.append)
    assert len(followed.hear({**MARK, "r": "", "T": 0})) == 1
    assert not heard


class Event:
    def __init__(self, instrument):
        self.instrument = instrument


def test_a_stream_of_a_part_of_the_market_is_read_for_those_who_are_wanted():
    feed = Feed(Channel("", "liquidations", None, None), [Liquidations], BTC)
    desk = hub()
    desk.add_feed(feed, VENUE.exchange)
    assert (feed.wants(BTC), feed.wants(ETH)) == (True, False)
    assert feed.of == "BTC/USDT:USDT"
    all_of_them, eth, xrp = select(desk, Liquidations), select(desk, instruments=[ETH]), None
    desk.rewire(feed, lambda: feed.join(Liquidations, ETH))
    xrp = select(desk, instruments=[XRP])
    for of in (BTC, ETH):
        for sink in feed.sinks:
            sink(Event(of))
    assert [event.instrument for event in read(all_of_them)] == [BTC, ETH]
    assert [event.instrument for event in read(eth)] == [ETH]
    assert read(xrp) == []
    desk.rewire(feed, lambda: feed.join(Liquidations, None))
    assert feed.wants(XRP)
    for sink in feed.sinks:
        sink(Event(XRP))
    assert [event.instrument for event in read(xrp)] == [XRP]
    for of in (None, ETH):
        assert feed.leave(Liquidations, of)
    assert not feed.wants(XRP)
    assert not feed.leave(Liquidations, BTC)


def test_books_that_join_a_stream_of_tops_begin_with_the_book_as_it_is():
    feed = Feed(Channel("", "book", BTC, None), [OrderBooksL1])
    rule = BookRule(snapshots=Snapshots.WIRE)
    sync = maintain(feed, BTC, rule, print, print, tops=True)
    desk = hub()
    desk.add_feed(feed, VENUE.exchange)
    everything, tops, books = select(desk), select(desk, OrderBooksL1), select(desk, OrderBooksL2)
    sync.refresh(BookSnapshot(None, [("1", "1")], [("2", "1")]), 5)
    assert [len(read(each)) for each in (everything, tops, books)] == [1, 1, 0]
    desk.rewire(feed, lambda: feed.join(OrderBooksL2, BTC))
    assert [type(value).__name__ for value in read(books)] == ["OrderBookL2Snapshot"]
    assert [type(value).__name__ for value in read(everything)] == ["OrderBookL2Snapshot"]
    sync.change([("1", "2")], [], None, 6)
    assert [len(read(each)) for each in (everything, tops, books)] == [2, 1, 1]
    assert feed.what == "OrderBooksL1, OrderBooksL2"
