"""Spreading streams over connections: `toucan_data.connection.place`."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_data import BinanceFuturesUsd, BinanceSpot
from toucan_data.connection import Connection, place
from toucan_data.feed import Channel, Feed
from toucan_data.kinds import PublicTrades


def connection(route, limit, number=0):
    """Make a connection as it is; nothing opens it, so what it would dial with is never used."""
    venue = BinanceSpot()
    limits = msgspec.structs.replace(venue.limits, streams_per_connection=limit)
    nothing = object()
    return Connection(
        BinanceSpot(limits=limits),
        route,
        number,
        network=nothing,
        clock=nothing,
        rng=lambda: 0.0,
        report=lambda _: None,
        feed_live=lambda _: None,
        paused=lambda: None,
    )


def feeds(*routes):
    return [
        Feed(Channel(route, f"s{number}@x", None, None), [PublicTrades])
        for number, route in enumerate(routes)
    ]


class Maker:
    """Makes connections as they are needed."""

    def __init__(self, limit):
        self.limit, self.made = limit, []

    def __call__(self, route):
        self.made.append(connection(route, self.limit, len(self.made)))
        return self.made[-1]


def names(connections):
    return [(each.route, list(each.feeds)) for each in connections]


def test_streams_share_connections_up_to_the_limit_in_the_order_given():
    new = Maker(2)
    made = place(feeds("", "", "", "", ""), [], new)
    assert names(made) == [("", ["s0@x", "s1@x"]), ("", ["s2@x", "s3@x"]), ("", ["s4@x"])]
    assert made == new.made


def test_one_connection_serves_one_route():
    made = place(feeds("public", "market", "public", "market", "public"), [], Maker(2))
    assert names(made) == [
        ("public", ["s0@x", "s2@x"]),
        ("public", ["s4@x"]),
        ("market", ["s1@x", "s3@x"]),
    ]


def test_what_is_open_is_filled_up_first():
    full, half, other = connection("", 1), connection("", 3), connection("market", 9)
    full.add(feeds("")[:1])
    half.add([Feed(Channel("", "held@x", None, None), [PublicTrades])])
    made = place(feeds("", "", ""), [full, other, half], Maker(2))
    assert list(half.feeds) == ["held@x", "s0@x", "s1@x"]
    assert names(made) == [("", ["s2@x"])]
    assert len(full.feeds) == 1
    assert not other.feeds


def test_nothing_needs_no_connection():
    assert place([], [], Maker(1)) == []


def test_room_comes_back():
    one = connection("", 2)
    place(feeds("", ""), [one], Maker(2))
    assert one.room == 0
    one.remove(["s0@x", "unknown@x"])
    assert one.room == 1
    late = Feed(Channel("", "late@x", None, None), [PublicTrades])
    assert place([late], [one], Maker(2)) == []
    assert list(one.feeds) == ["s1@x", "late@x"]


@given(
    routes=st.lists(st.sampled_from(["public", "market", ""]), max_size=60),
    limit=st.integers(1, 7),
    held=st.lists(st.tuples(st.sampled_from(["public", ""]), st.integers(0, 3)), max_size=4),
)
def test_all_are_placed_once_within_the_limit_on_as_few_as_needed(routes, limit, held):
    before = []
    for number, (route, count) in enumerate(held):
        open_one = connection(route, limit, number)
        open_one.add(
            Feed(Channel(route, f"h{number}-{i}@x", None, None), [PublicTrades])
            for i in range(min(count, limit))
        )
        before.append(open_one)
    rooms = {
        route: sum(each.room for each in before if each.route == route) for route in ("public", "market", "")
    }
    wanted = feeds(*routes)
    made = place(wanted, before, Maker(limit))
    placed = [feed for each in (*before, *made) for feed in each.feeds.values() if feed in wanted]
    assert sorted(feed.channel.name for feed in placed) == sorted(feed.channel.name for feed in wanted)
    for each in (*before, *made):
        assert each.room >= 0
        assert all(feed.channel.route == each.route for feed in each.feeds.values())
    for route, room in rooms.items():
        needed = -(-max(0, routes.count(route) - room) // limit)
        assert sum(each.route == route for each in made) == needed


@pytest.mark.parametrize(
    ("venue", "route", "name"),
    [(BinanceSpot(), "", "binance-spot/stream/3"), (BinanceFuturesUsd(), "market", "binance-usd-m/market/3")],
)
def test_a_connection_is_named_for_status_values(venue, route, name):
    one = Connection(
        venue,
        route,
        3,
        network=object(),
        clock=object(),
        rng=float,
        report=print,
        feed_live=print,
        paused=print,
    )
    assert one.name == name
