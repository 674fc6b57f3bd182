"""Histories are complete, whichever rows a full page leaves out, and say where they stopped."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from toucan_execution.call import Call
from toucan_execution.client.binance.endpoints import History
from toucan_execution.client.binance.venue_paging import (
    ByIds,
    Pages,
    by_ids,
    check_kept,
    complete,
    in_windows,
    instant,
    within,
)
from toucan_execution.errors import Incomplete
from toucan_instrument import InvalidInput, RequestFailed
from toucan_instrument.timestamps import from_ms

WINDOW = 50
HISTORY = History(page=4, window_ms=WINDOW, kept_ms=1_000)


def row(number, at_ms):
    return SimpleNamespace(id=number, at_ms=at_ms)


class Server:
    """Holds rows; a full page lacks the newest of its window, or the oldest."""

    def __init__(self, rows, *, newest_first=False):
        self.rows = rows
        self.newest_first = newest_first
        self.asked = []

    def answer(self, call):
        asked = dict(call.params)
        self.asked.append(asked)
        if "id" in asked:
            return [each for each in self.rows if each.id >= asked["id"]][: HISTORY.page]
        assert asked["end"] - asked["start"] < WINDOW, "no request is about more than the venue allows"
        found = [each for each in self.rows if asked["start"] <= each.at_ms <= asked["end"]]
        return found[-HISTORY.page :] if self.newest_first else found[: HISTORY.page]


def history(start, end):
    def call(**params):
        return Call(
            name="rows", method="GET", path="/rows", decode=lambda *_: None, params=tuple(params.items())
        )

    ids = ByIds(lambda first: call(id=first), lambda each: each.id, HISTORY.page, lambda r: from_ms(r.at_ms))
    pages = Pages(lambda each: each.id, lambda each: (each.at_ms, each.id), from_ms(start) - 1)
    steps = in_windows(pages, lambda a, b: call(start=a, end=b), (start, end), HISTORY, instant(pages, ids))
    return complete("rows", pages, steps)


def run(server, conversation, fail_at=None):
    asked = 0
    try:
        call = next(conversation)
        while True:
            asked += 1
            if asked == fail_at:
                call = conversation.throw(RequestFailed("lost", method="GET", url="u", sent=None))
            else:
                call = conversation.send(server.answer(call))
    except StopIteration as done:
        return done.value


times = st.lists(st.integers(0, 299) | st.integers(100, 102), max_size=60)


def whole_run(rows):
    server = Server(rows)
    run(server, history(0, 299))
    return server


def rows_at(found):
    return [row(number, at_ms) for number, at_ms in enumerate(sorted(found), start=1)]


@given(found=times)
def test_histories_are_complete(found):
    rows = rows_at(found)
    server = Server(rows)
    got = run(server, history(0, 299))
    assert got == rows
    assert len({each.id for each in got}) == len(got)


@given(found=st.lists(st.integers(0, 299), max_size=60))
def test_histories_are_complete_where_a_full_page_lacks_the_oldest(found):
    # Up to a page in one millisecond: of more nobody could tell what is missing.
    spread = sorted(found)
    spread = [at for number, at in enumerate(spread) if number < 3 or spread[number - 3] != at]
    rows = rows_at(spread)
    assert run(Server(rows, newest_first=True), history(0, 299)) == rows


@given(found=times, fail_at=st.integers(1, 40))
def test_a_history_that_ends_early_says_up_to_when_it_is_complete(found, fail_at):
    rows = rows_at(found)
    calls = len(whole_run(rows).asked)
    if fail_at > calls:
        assert run(Server(rows), history(0, 299), fail_at) == rows
        return
    with pytest.raises((RequestFailed, Incomplete)) as caught:
        run(Server(rows), history(0, 299), fail_at)
    error = caught.value
    if fail_at == 1:
        assert isinstance(error, RequestFailed)  # nothing was got: the error is what it was
        return
    assert isinstance(error.error, RequestFailed)
    whole = [each for each in rows if from_ms(each.at_ms) <= error.stopped_at_ns]
    assert list(error.got)[: len(whole)] == whole
    assert set(map(id, error.got)) <= set(map(id, rows))


def test_an_early_end_names_the_last_complete_window():
    rows = rows_at([10, 60, 120])
    with pytest.raises(Incomplete) as caught:
        run(Server(rows), history(0, 299), fail_at=3)
    assert caught.value.stopped_at_ns == from_ms(100) - 1
    assert list(caught.value.got) == rows[:2]
    assert "rows" in str(caught.value)


def test_more_than_a_page_in_one_millisecond_goes_on_by_id():
    rows = rows_at([10] + [20] * 9 + [30])
    server = Server(rows)
    assert run(server, history(0, 49)) == rows
    assert any("id" in asked for asked in server.asked)


@given(found=times, first=st.integers(1, 30), until=st.none() | st.integers(0, 299))
def test_by_ids(found, first, until):
    rows = rows_at(found)
    ids = ByIds(
        lambda start: Call(name="r", method="GET", path="/", decode=lambda *_: None, params=(("id", start),)),
        lambda each: each.id,
        HISTORY.page,
        lambda each: from_ms(each.at_ms),
    )
    pages = Pages(lambda each: each.id, lambda each: (each.at_ms, each.id), 0)
    end = None if until is None else from_ms(until)
    got = run(Server(rows), complete("rows", pages, by_ids(pages, ids, first, end)))
    assert got == [each for each in rows if each.id >= first and (until is None or each.at_ms <= until)]
    if until is not None:
        assert pages.until_ns == end


def test_what_the_venue_does_not_keep_is_refused():
    check_kept("rows", (0, 1_000), HISTORY)
    check_kept("rows", (0, 10**12), History(1, 1))
    with pytest.raises(InvalidInput, match="keeps rows") as caught:
        check_kept("rows", (0, 1_001), HISTORY)
    assert caught.value.field == "since_ns"
    assert caught.value.accepted == "1000000 or later"


def test_what_lies_outside_a_span_is_left_out():
    def rows():
        yield from ()
        return [1, 5, None, 9]

    conversation = within(rows(), lambda each: each, 2, 8)
    with pytest.raises(StopIteration) as done:
        next(conversation)
    assert done.value.value == [5, None]
