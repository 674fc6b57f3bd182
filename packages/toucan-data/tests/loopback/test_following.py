"""What a user does with streams: choose, follow, read, change, and leave."""

import asyncio
import time

import msgspec
import pytest

from toucan_data import (
    WHOLE_MARKET,
    AggregatedTrades,
    BinanceSpot,
    Candles,
    Dropped,
    DuplicateSubscription,
    Exchange,
    InstrumentKind,
    MarkPrices,
    NotReady,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrade,
    PublicTrades,
    Streams,
    StreamsClosed,
    Subscription,
    Tickers24h,
    load_instruments,
)
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument.errors import (
    DialError,
    InvalidInput,
    RequestFailed,
    UnknownSymbol,
    UnsupportedKind,
)
from toucan_instrument.link import budget_for
from toucan_instrument.testing.faults import Action, Fault

SPOT, USD_M = Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M
SECOND = 1_000_000_000


async def take(selection, count, seconds=10):
    async with asyncio.timeout(seconds):
        return [await anext(selection) for _ in range(count)]


async def test_all_spellings_of_a_subscription_mean_the_same():
    async with ScriptedExchange.seeded(SPOT, pace_ms=5) as server:
        venue = server.venue()
        for target in (
            ("btc", "usdt", InstrumentKind.SPOT),
            ("XBT", "USDT", "spot"),
            ("BTC/USDT",),
            ("BTCUSDT",),
        ):
            builder = Streams.builder().subscribe([(venue, *target, PublicTrades)])
            async with await builder.init() as streams:
                [trade] = await take(streams.select(PublicTrades, status=False), 1)
                assert str(trade.instrument) == "BTC/USDT"
        one = Subscription(venue, "BTC/USDT", PublicTrades)
        async with await Streams.builder().subscribe([one]).init() as streams:
            assert [str(each.target) for each in streams.subscriptions] == ["BTC/USDT"]


async def test_what_is_wrong_is_refused_before_anything_is_asked_for():
    async with ScriptedExchange.seeded(SPOT, pace_ms=None) as server:
        venue = server.venue()
        cases = [
            ((venue, "BTC/USTD", PublicTrades), UnknownSymbol, "BTC/USDT"),
            ((venue, "btc", "usdt", InstrumentKind.PERPETUAL, PublicTrades), UnknownSymbol, "perpetual"),
            ((venue, "BTC/USDT", MarkPrices), UnsupportedKind, "PublicTrades"),
            ((venue, "BTC/USDT", Candles("7m")), InvalidInput, "15m"),
            ((venue, "BTC/USDT", OrderBooksL2(depth=7)), InvalidInput, "5, 10, 20"),
            ((venue, "BTC/USDT", OrderBooksL2(snapshot_levels=7)), InvalidInput, "1000"),
            ((venue, WHOLE_MARKET, PublicTrades), UnsupportedKind, "Tickers24h"),
        ]
        for wanted, error, named in cases:
            with pytest.raises(error, match=named):
                await Streams.builder().subscribe([wanted]).init()
        for wanted, named in (
            ([], "one or more"),
            ("BTC/USDT", "a list"),
            ([(BinanceSpot, "BTC/USDT", PublicTrades)], r"BinanceSpot\(\)"),
            ([(venue, "BTC/USDT", Candles)], "interval"),
            ([(venue, "BTC/USDT", "trades")], "PublicTrades"),
            ([(venue, "BTC/USDT")], "Subscription"),
            ([(venue, "", PublicTrades)], "no instrument"),
        ):
            with pytest.raises(InvalidInput, match=named):
                Streams.builder().subscribe(wanted)
        with pytest.raises(DuplicateSubscription):
            await Streams.builder().subscribe([(venue, "BTC/USDT", PublicTrades)] * 2).init()
        with pytest.raises(InvalidInput, match="subscribe"):
            await Streams.builder().init()
        assert server.seen.connects == 0


async def test_following_more_and_less_while_all_runs():
    async with ScriptedExchange.seeded(SPOT, pace_ms=5) as server:
        venue = server.venue()
        async with await Streams.builder().subscribe([(venue, "BTC/USDT", PublicTrades)]).init() as streams:
            await streams.ready(10)
            await streams.subscribe([(venue, "ETH/USDT", kind) for kind in (PublicTrades, OrderBooksL2)])
            await streams.ready(10)
            assert server.connections == 1
            await streams.unsubscribe([(venue, "BTC/USDT", PublicTrades)])
            async with asyncio.timeout(5):
                while "btcusdt@trade" in server.subscribed:
                    await asyncio.sleep(0.01)
            trades = streams.select(PublicTrades, status=False)
            assert {str(trade.instrument) for trade in await take(trades, 5)} == {"ETH/USDT"}
            with pytest.raises(InvalidInput, match="not subscribed"):
                await streams.unsubscribe([(venue, "BTC/USDT", PublicTrades)])
            await streams.unsubscribe([(venue, "ETH/USDT", kind) for kind in (PublicTrades, OrderBooksL2)])
            async with asyncio.timeout(5):
                while server.connections:
                    await asyncio.sleep(0.01)


async def test_two_kinds_of_one_stream_share_it():
    """On the futures the aggregate stream serves both kinds of trades: one event each, not two."""
    async with ScriptedExchange.seeded(USD_M, pace_ms=5) as server:
        venue = server.venue()
        wanted = [(venue, "BTC/USDT:USDT", kind) for kind in (PublicTrades, AggregatedTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            everything = streams.select_all(status=False)
            ids = [trade.id for trade in await take(everything, 10)]
            assert len(set(ids)) == len(ids)
            await streams.unsubscribe([wanted[0]])
            await take(streams.select(AggregatedTrades, status=False), 2)
            assert server.subscribed == {"btcusdt@aggTrade"}


async def test_one_stream_for_a_whole_market():
    async with ScriptedExchange.seeded(USD_M, pace_ms=5) as server:
        wanted = [(server.venue(), WHOLE_MARKET, kind) for kind in (MarkPrices, Tickers24h)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            marks = await take(streams.select(MarkPrices, status=False), 2)
            assert {mark.instrument.symbol for mark in marks} == {"BTCUSDT", "ETHUSDT"}


async def test_instruments_are_chosen_from_the_list():
    async with ScriptedExchange.seeded(SPOT, ["BTCUSDT", "ETHUSDT", "ETHBTC"], pace_ms=5) as server:
        await server.step(50)
        catalogue = await load_instruments(server.venue())
        assert len(catalogue) == 3
        chosen = catalogue.where(quote="USDT", kind=InstrumentKind.SPOT, status="trading").top(1)
        assert len(chosen) == 1
        with pytest.raises(InvalidInput, match="quote"):
            catalogue.where(qoute="USDT")
        async with await Streams.builder().subscribe(chosen, [PublicTrades, OrderBooksL1]).init() as streams:
            await streams.ready(10)
            assert len(streams.subscriptions) == 2
        assert await load_instruments(server.venue()) is catalogue


async def test_symbols_can_be_taken_unchecked():
    async with ScriptedExchange.seeded(SPOT, pace_ms=5) as server:
        wanted = [(server.venue(), "btc", "usdt", InstrumentKind.SPOT, PublicTrades)]
        async with await Streams.builder().subscribe(wanted, unchecked=True).init() as streams:
            await take(streams.select(PublicTrades, status=False), 1)
        assert not server.seen.requests


async def test_a_slow_reader_loses_the_oldest_and_is_told_how_many():
    async with ScriptedExchange.seeded(SPOT, pace_ms=None) as server:
        wanted = [(server.venue(), "BTC/USDT", PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            slow, all_of_them = (
                streams.select(PublicTrades, buffer=5),
                streams.select(PublicTrades, status=False),
            )
            async with asyncio.timeout(10):
                while len(all_of_them) < 40:
                    await server.step()
                    await asyncio.sleep(0.001)
            told = await anext(slow)
            assert isinstance(told, Dropped)
            ids = [trade.id for trade in await take(all_of_them, len(all_of_them))]
            kept = [trade.id for trade in await take(slow, len(slow))]
            assert kept == ids[-5:]
            assert told.count == slow.dropped


async def test_a_late_reader_of_a_book_begins_with_the_book():
    async with ScriptedExchange.seeded(SPOT, pace_ms=5) as server:
        async with (
            await Streams.builder().subscribe([(server.venue(), "BTC/USDT", OrderBooksL2)]).init() as streams
        ):
            await streams.ready(10)
            await asyncio.sleep(0.05)
            first, second = await take(streams.select(OrderBooksL2, status=False), 2)
            assert isinstance(first, OrderBookL2Snapshot)
            assert isinstance(second, OrderBookL2Update)
            assert second.first_update_id == first.last_update_id + 1


async def test_books_can_be_kept_without_events_and_watched_without_a_queue():
    async with ScriptedExchange.seeded(SPOT, pace_ms=2) as server:
        kind = OrderBooksL2(events=False)
        async with await Streams.builder().subscribe([(server.venue(), "BTC/USDT", kind)]).init() as streams:
            events = streams.select(OrderBooksL2, status=False)
            await streams.ready(10)
            changes = streams.book_changes()
            assert {str(each) for each in await anext(changes)} == {"BTC/USDT"}
            await asyncio.sleep(0.1)  # a reader that sleeps gets one set, not many
            assert {str(each) for each in await anext(changes)} == {"BTC/USDT"}
            assert len(events) == 0
            await changes.aclose()


async def test_partial_books_are_whole_pictures():
    async with ScriptedExchange.seeded(USD_M, pace_ms=5) as server:
        wanted = [(server.venue(), "BTC/USDT:USDT", OrderBooksL2(depth=5))]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            [picture] = await take(streams.select(OrderBooksL2, status=False), 1)
            assert (picture.depth, len(picture.bids), len(picture.asks)) == (5, 5, 5)
            assert len(list(streams.book("BTC/USDT:USDT").bids())) == 5
        assert not server.seen.requests["/fapi/v1/depth"]


async def test_what_is_not_ready_is_named():
    faults = [Fault(Action.ACK_ONLY, stream="bookTicker")]
    async with ScriptedExchange.seeded(SPOT, faults=faults, pace_ms=5) as server:
        wanted = [(server.venue(), "BTC/USDT", kind) for kind in (PublicTrades, OrderBooksL1)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            with pytest.raises(NotReady, match="OrderBooksL1: first data") as caught:
                await streams.ready(0.5)
            assert len(caught.value.missing) == 1


async def test_snapshots_come_in_the_order_that_was_asked_for():
    symbols = [f"A{number}USDT" for number in range(12)]
    async with ScriptedExchange.seeded(SPOT, symbols, pace_ms=5, levels=20) as server:
        asked = []
        rest = server.rest

        async def listen(request):
            if request.path.endswith("/depth"):
                asked.append(request.query["symbol"])
            return await rest(request)

        server.rest = listen
        wanted = [(server.venue(), symbol, OrderBooksL2) for symbol in reversed(symbols)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            await streams.ready(10)
            assert streams.book_progress.synced == streams.book_progress.total == 12
        assert asked == list(reversed(symbols))


async def test_leaving_is_quick_and_leaves_nothing_behind():
    before = asyncio.all_tasks()
    async with ScriptedExchange.seeded((SPOT, USD_M), pace_ms=5) as server:
        served = asyncio.all_tasks()
        wanted = [
            (server.venue(each), symbol, kind)
            for each in (SPOT, USD_M)
            for symbol in server.markets[each].instruments
            for kind in (PublicTrades, OrderBooksL2)
        ]
        streams = await Streams.builder().subscribe(wanted).init()
        selection = streams.select_all()
        await streams.ready(10)
        begun = time.monotonic()
        await streams.close()
        await streams.close()
        assert time.monotonic() - begun < 2
        mine = {task for task in asyncio.all_tasks() - served if "toucan" in task.get_name()}
        assert not mine
        async with asyncio.timeout(5):
            async for _ in selection:  # what is buffered can be read, then it ends
                pass
        with pytest.raises(StreamsClosed):
            streams.select(PublicTrades)
    assert asyncio.all_tasks() - before == set()


async def test_a_connection_that_can_never_be_had_ends_the_streams_loudly():
    async with ScriptedExchange.seeded(SPOT, faults=[Fault(Action.REFUSE, status=451, count=9)]) as server:
        wanted = [(server.venue(), "BTC/USDT", PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            with pytest.raises(StreamsClosed, match="451") as caught:
                await take(streams.select(PublicTrades), 99)
            assert isinstance(caught.value.__cause__, DialError)


async def test_a_list_of_instruments_that_cannot_be_had_is_an_error():
    venue = BinanceSpot(ws_url="ws://127.0.0.1:1", rest_url="http://127.0.0.1:1")
    with pytest.raises(RequestFailed):
        await Streams.builder().subscribe([(venue, "BTC/USDT", PublicTrades)]).init()


async def test_a_ban_seen_by_one_stops_all_that_share_the_address():
    faults = [Fault(Action.STATUS, path="/depth", status=418, retry_after=60)]
    async with ScriptedExchange.seeded(SPOT, faults=faults, pace_ms=5) as server:
        venue = server.venue()
        async with await Streams.builder().subscribe([(venue, "BTC/USDT", OrderBooksL2)]).init() as streams:
            await take(streams.status(), 2)
            async with asyncio.timeout(5):
                while budget_for(venue.request_pool).stopped is None:
                    await asyncio.sleep(0.01)
            async with (
                await Streams.builder(budget_share=0.5)
                .subscribe([(venue, "ETH/USDT", OrderBooksL2)], unchecked=True)
                .init() as others
            ):
                with pytest.raises(NotReady):
                    await others.ready(0.3)
            assert server.seen.requests["/api/v3/depth"] == 1


async def test_a_proxy_is_used_for_everything():
    """A proxy that forwards: the client names the exchange, and connects to the proxy alone."""
    async with ScriptedExchange.seeded(SPOT, pace_ms=5) as server:
        seen = []

        async def forward(reader, writer):
            head = await reader.readuntil(b"\r\n\r\n")
            line = head.split(b"\r\n")[0].decode()
            seen.append(line)
            to_reader, to_writer = await asyncio.open_connection(
                "127.0.0.1", int(server.url.rpartition(":")[2])
            )
            if line.startswith("CONNECT"):
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                method, url, version = line.split(" ")
                path = "/" + url.split("/", 3)[3]
                to_writer.write(head.replace(line.encode(), f"{method} {path} {version}".encode(), 1))
            await asyncio.gather(pipe(reader, to_writer), pipe(to_reader, writer))

        async def pipe(source, sink):
            try:
                while data := await source.read(65_536):
                    sink.write(data)
                    await sink.drain()
            except ConnectionError:
                pass
            finally:
                sink.close()

        proxy = await asyncio.start_server(forward, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        async with proxy:
            wanted = [(server.venue(), "BTC/USDT", PublicTrades)]
            async with await Streams.builder(proxy=address).subscribe(wanted).init() as streams:
                await take(streams.select(PublicTrades, status=False), 1)
        assert any("exchangeInfo" in line for line in seen)


async def test_compression_is_an_option():
    async with ScriptedExchange.seeded(SPOT, pace_ms=5) as server:
        wanted = [(server.venue(compression=True), "BTC/USDT", kind) for kind in (PublicTrades, OrderBooksL2)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            await streams.ready(10)
            trades = await take(streams.select(PublicTrades, status=False), 5)
            assert all(isinstance(trade, PublicTrade) for trade in trades)


async def test_connections_are_replaced_before_their_time_is_over():
    async with ScriptedExchange.seeded(SPOT, pace_ms=5) as server:
        limits = msgspec.structs.replace(server.venue().limits, connection_life_ns=SECOND // 2)
        wanted = [(server.venue(limits=limits), "BTC/USDT", PublicTrades)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            async with asyncio.timeout(10):
                async for value in streams.status():
                    if type(value).__name__ == "Disconnected":
                        assert "planned" in value.closed.reason
                        break
            await streams.ready(10)
