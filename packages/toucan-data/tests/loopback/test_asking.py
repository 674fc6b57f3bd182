"""What is asked for once, through the real client: open interest, funding rates, and candles of the past."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from toucan_data import (
    BinanceSpot,
    Candles,
    Coinbase,
    Exchange,
    FundingRates,
    InstrumentKind,
    Okx,
    OpenInterests,
    Streams,
    load_candles,
    load_funding_rate,
    load_instruments,
    load_open_interest,
)
from toucan_data.asking import MOST_PAGES
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument.errors import InvalidInput, RequestFailed, UnsupportedKind, VenueError
from toucan_instrument.testing.faults import Action, Fault

ADVANCED = Exchange.COINBASE_ADVANCED
MINUTE = 60 * 10**9
DAY = 1440 * MINUTE
WITH_CANDLES = {
    Exchange.BINANCE_SPOT: 1000,
    Exchange.BINANCE_US_SPOT: 1000,
    Exchange.BINANCE_USD_M: 1000,
    Exchange.BINANCE_COIN_M: 1000,
    Exchange.COINBASE: 300,
    ADVANCED: 350,
    Exchange.KRAKEN_FUTURES: 1000,
}
"""How many candles are asked for at once."""


async def chosen(server, exchange):
    await server.step(50)
    return next(iter(await load_instruments(server.venue(exchange))))


@pytest.mark.parametrize("exchange", [Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M])
async def test_open_interest_is_asked_for_where_no_stream_has_it(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=5) as server:
        instrument, venue = await chosen(server, exchange), server.venue()
        found = await load_open_interest(venue, instrument)
        assert (found.exchange, found.instrument) == (exchange, instrument)
        assert found.quantity > 0
        assert found.time_exchange is not None
        with pytest.raises(UnsupportedKind, match="FundingRates"):
            await Streams.builder().subscribe([(venue, instrument, OpenInterests)]).init()
        with pytest.raises(VenueError, match="-1121"):
            await load_open_interest(venue, replace(instrument, symbol="NOBODY"))


async def test_open_interest_is_not_asked_for_where_there_is_none():
    with pytest.raises(UnsupportedKind, match="a venue with it over REST"):
        await load_open_interest(BinanceSpot(), BinanceSpot().unchecked("BTCUSDT"))
    with pytest.raises(UnsupportedKind, match="a subscription to OpenInterests"):
        await load_open_interest(Okx(), Okx().unchecked("BTC-USDT-SWAP"))


async def test_the_futures_of_coinbase_are_asked_for_what_no_stream_has():
    symbols = ["BTC-USD", "BIP-20DEC30-CDE", "BIT-24APR26-CDE"]
    async with ScriptedExchange.seeded(ADVANCED, symbols, pace_ms=None) as server:
        await server.step(50)
        venue = server.venue()
        catalogue = await load_instruments(venue)
        spot, perpetual, dated = (catalogue[symbol] for symbol in symbols)
        kinds = InstrumentKind.SPOT, InstrumentKind.PERPETUAL, InstrumentKind.FUTURE
        assert (spot.kind, perpetual.kind, dated.kind) == kinds
        rate = await load_funding_rate(venue, perpetual)
        assert (rate.instrument, rate.interval_ns) == (perpetual, 60 * MINUTE)
        assert rate.next_funding_time > rate.time_received
        for each in (perpetual, dated):
            interest = await load_open_interest(venue, each)
            assert (interest.instrument, interest.time_exchange) == (each, None)
            assert interest.quantity > 0
        with pytest.raises(UnsupportedKind, match="dated future"):
            await load_funding_rate(venue, dated)
        asked = server.seen.requests.total()
        for load in (load_funding_rate, load_open_interest):
            with pytest.raises(UnsupportedKind, match="a venue with it over REST"):
                await load(venue, spot)
        assert server.seen.requests.total() == asked
        with pytest.raises(VenueError, match="NotFound"):
            await load_funding_rate(venue, replace(perpetual, symbol="NOB-20DEC30-CDE"))
        for kind in (FundingRates, OpenInterests):
            with pytest.raises(UnsupportedKind, match="PublicTrades"):
                await Streams.builder().subscribe([(venue, perpetual, kind)]).init()


@pytest.mark.parametrize("exchange", WITH_CANDLES)
async def test_candles_of_a_window_are_asked_for_in_parts(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=None) as server:
        instrument, venue = await chosen(server, exchange), server.venue()
        now, most = server.markets[exchange].now_ns, WITH_CANDLES[exchange]
        before = server.seen.requests.total()
        start = now - now % MINUTE - (2 * most + 5) * MINUTE
        candles = await load_candles(venue, instrument, "1m", start=start, end=now + 1)
        assert server.seen.requests.total() - before == 3
        assert [candle.open_time for candle in candles] == list(range(start, now + 1, MINUTE))
        assert all(candle.closed for candle in candles[:-1])
        assert {(candle.exchange, candle.instrument, candle.interval) for candle in candles} == {
            (exchange, instrument, "1m")
        }
        ticker = server.markets[exchange].ticker(instrument.symbol)
        last = candles[-1]
        assert (last.open, last.high, last.low, last.close) == (
            ticker.open,
            ticker.high,
            ticker.low,
            ticker.last,
        )
        assert last.volume == ticker.volume
        with pytest.raises(VenueError):
            await load_candles(venue, replace(instrument, symbol="NOBODY"), "1m")


@pytest.mark.parametrize("exchange", WITH_CANDLES)
async def test_the_most_recent_candles_are_as_many_as_one_answer_holds(exchange):
    async with ScriptedExchange.seeded(exchange, pace_ms=None) as server:
        instrument, venue = await chosen(server, exchange), server.venue()
        before = server.seen.requests.total()
        candles = await load_candles(venue, instrument, "1d")
        assert server.seen.requests.total() - before == 1
        most = 200 if exchange is Exchange.BINANCE_COIN_M else WITH_CANDLES[exchange]
        assert len(candles) == most
        assert all(later.open_time - first.open_time == DAY for first, later in pairwise(candles))
        assert [candle.closed for candle in candles] == [True] * (most - 1) + [False]
        end = candles[-3].open_time
        past = await load_candles(venue, instrument, "1d", end=end)
        assert len(past) == most
        assert (past[-1].open_time, past[-1].closed) == (end - DAY, True)
        assert await load_candles(venue, instrument, "1d", start=candles[-1].time_received + DAY) == []


async def test_a_window_that_is_none_is_refused_before_anything_is_asked_for():
    venue = Coinbase(ws_url="ws://127.0.0.1:1", rest_url="http://127.0.0.1:1")
    btc = venue.unchecked("BTC-USD")
    for wrong, named in (
        ({"start": -1}, "nanoseconds"),
        ({"start": 1.5}, "nanoseconds"),
        ({"end": True}, "nanoseconds"),
        ({"start": 5, "end": 5}, "ends before"),
        ({"start": 1_700_000_000}, f"more than {MOST_PAGES} requests"),  # seconds, by mistake
    ):
        with pytest.raises(InvalidInput, match=named):
            await load_candles(venue, btc, "1m", **wrong)
    with pytest.raises(InvalidInput, match="1m, 5m"):
        await load_candles(venue, btc, "2m")
    with pytest.raises(UnsupportedKind, match="a subscription to Candles"):
        await load_candles(Okx(), Okx().unchecked("BTC-USDT"), "1m")
    with pytest.raises(RequestFailed):
        await load_candles(venue, btc, "1m")


async def test_a_fault_of_one_part_is_an_error_of_the_whole():
    faults = [Fault(Action.STATUS, path="/candles", status=500, after=1)]
    async with ScriptedExchange.seeded(Exchange.COINBASE, faults=faults, pace_ms=None) as server:
        instrument, venue = await chosen(server, Exchange.COINBASE), server.venue()
        now = server.markets[Exchange.COINBASE].now_ns
        with pytest.raises(VenueError, match="500"):
            await load_candles(venue, instrument, "1m", start=now - 700 * MINUTE)


async def test_candles_that_are_streamed_at_one_length_are_there_at_others():
    async with ScriptedExchange.seeded(ADVANCED, pace_ms=None) as server:
        instrument, venue = await chosen(server, ADVANCED), server.venue()
        with pytest.raises(InvalidInput, match="5m"):
            await Streams.builder().subscribe([(venue, instrument, Candles("1h"))]).init()
        assert [candle.interval for candle in await load_candles(venue, instrument, "1h")][:1] == ["1h"]
