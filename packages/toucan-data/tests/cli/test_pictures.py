"""What is drawn: a stale book as stale, status in words, nothing that steers a terminal."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from rich.console import Console

from toucan_data.book import BookState, OrderBook
from toucan_data.cli.ladder import ladder_lines, ladder_picture
from toucan_data.cli.tally import Tally
from toucan_data.cli.texts import event_line, status_line
from toucan_data.cli.watch import LiveTable
from toucan_data.events import PublicTrade
from toucan_data.status import DecodeFailed, Gap
from toucan_instrument import Exchange, Side
from toucan_instrument.exchange.binance import parse_symbol

BTC = parse_symbol(Exchange.BINANCE_SPOT, "BTCUSDT")


def drawn(picture: object, *, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(picture)
    return out.getvalue()


def book(state: BookState) -> OrderBook:
    made = OrderBook(BTC)
    made.load([("99.5", "1"), ("99", "2")], [("100", "3"), ("101", "4")], cut_to=2)
    made.state = state
    made.last_update_id = 7
    return made


def test_a_book_in_sync_is_a_ladder_best_in_the_middle() -> None:
    lines = ladder_lines(book(BookState.SYNCED), 2)
    assert "in sync, update 7" in lines[0]
    assert [each.split()[1] for each in lines[1:]] == ["101", "100", "99.5", "99"]


@pytest.mark.parametrize("state", [BookState.SYNCING, BookState.DISCONNECTED])
def test_a_stale_book_is_never_shown_as_valid(state: BookState) -> None:
    stale = book(state)
    assert ladder_lines(stale, 2) == [f"BTC/USDT STALE: {state.value}, last update 7"]
    picture = drawn(ladder_picture(stale, 2)).splitlines()
    assert "STALE" in picture[0]
    assert all("stale" in each for each in picture[2:])


def test_the_live_table_keeps_the_latest_of_each() -> None:
    tally = Tally()
    table = LiveTable("binance-spot live", tally)
    for number in (1, 2):
        price = Decimal(number)
        trade = PublicTrade(BTC.exchange, BTC, None, 0, number, number, number, price, price, Side.BUY)
        table.show(trade)
        tally.add(trade)
    gap = Gap(
        at_ns=0,
        exchange=BTC.exchange,
        instrument=BTC,
        kind="PublicTrades",
        first_missing=3,
        last_missing=4,
        reason="sequence",
    )
    table.show(gap)
    tally.add(gap)
    picture = drawn(table.draw(40))
    assert "trade buy 2 at 2 id 2" in picture
    assert "id 1" not in picture
    assert "gap: BTC/USDT PublicTrades, ids 3 to 4 (sequence)" in picture
    assert "2 events, 1 gap, 0 reconnects; Ctrl-C ends" in picture


def test_what_a_venue_sends_cannot_steer_a_terminal() -> None:
    raw = b"\x1b]0;owned\x07 \xff " + b"x" * 1000
    failed = DecodeFailed(at_ns=0, exchange=BTC.exchange, error="bad\n\x1b[2J", raw=raw)
    text = status_line(failed)
    assert text.isprintable()
    assert len(text) < 400
    strange = parse_symbol(Exchange.BINANCE_SPOT, "\u202eABC[red]")
    trade = PublicTrade(BTC.exchange, strange, 0, 0, 1, 1, 1, Decimal(1), Decimal("1E-8"), Side.SELL)
    assert event_line(trade).isprintable()
    assert "0.00000001" in event_line(trade)
    assert "[red]" in event_line(trade)
