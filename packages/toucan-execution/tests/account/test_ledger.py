"""What a balance must be: exact sums, and what is left over."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution._ledger import KEPT, Ledger, effects_of, payments_of
from toucan_execution.account import Balance
from toucan_execution.events import BalanceUpdate, FundingUpdate, TradeUpdate, TransferUpdate
from toucan_execution.orders import PositionSide
from toucan_instrument import Exchange, Instrument, InstrumentKind, Side

MS = 1_000_000
T = 1_700_000_000_000 * MS
ONE = Decimal(1)


def opened(amount=10, at=0) -> Ledger:
    ledger = Ledger()
    ledger.hold("A", Decimal(amount), T + at * MS)
    ledger.open(T + at * MS)
    return ledger


def change(ledger, amount, at) -> None:
    ledger.change("A", Decimal(amount), T + at * MS)


def left(ledger, amount, at: int | None) -> Decimal:
    told = {"A": (Decimal(amount), None if at is None else T + at * MS)}
    return ledger.left(told)[0].get("A", Decimal(0))


def test_changes_explain_an_amount_to_the_last_digit() -> None:
    ledger = opened("10.00000001")
    change(ledger, "0.00000002", 5)
    change(ledger, "-1e-18", 6)
    assert left(ledger, "10.00000003", 9) == Decimal("1e-18")
    assert left(ledger, Decimal("10.00000003") - Decimal("1e-18"), 9) == 0


def test_only_what_came_before_the_amount_explains_it() -> None:
    ledger = opened()
    ledger.change("A", Decimal(5), T + 20 * MS, 1)
    assert left(ledger, 15, 10) == 5
    assert left(ledger, 10, 10) == 0
    assert left(ledger, 15, 20) == 0
    assert left(ledger, 10, 20) == 0  # in the same millisecond both may be
    assert left(ledger, 10, 21) == -5
    assert left(ledger, 10, None) == left(ledger, 15, None) == 0  # whenever it was
    assert left(ledger, 14, None) == -1


def test_amounts_of_one_moment_include_the_same_changes() -> None:
    ledger = opened()
    ledger.hold("B", Decimal(10), T)
    for key, amount in (("A", -1), ("B", 5)):
        ledger.change(key, Decimal(amount), T + 20 * MS, 1)
    moment = T + 20 * MS
    # A alone would be explained without the change; with B it is seen that somebody paid one A.
    assert ledger.left({"A": (Decimal(10), moment), "B": (Decimal(15), moment)}) == ({"A": 1}, 1)
    assert ledger.left({"A": (Decimal(10), moment), "B": (Decimal(10), moment)}) == ({}, 0)
    assert ledger.left({"A": (Decimal(9), moment), "B": (Decimal(15), moment)}) == ({}, 1)


def test_what_an_amount_included_does_not_explain_the_next_one() -> None:
    ledger = opened()
    change(ledger, 5, 20)
    ledger.hold("A", Decimal(15), T + 20 * MS)
    assert left(ledger, 20, 30) == 5  # a second change of the same size, that nobody told of


@pytest.mark.parametrize("parts", [(5,), (3, 2)])
def test_a_change_that_comes_after_its_amount_is_in_it(parts) -> None:
    ledger = opened()
    ledger.hold("A", Decimal(15), T + 20 * MS)
    for part in parts:
        change(ledger, part, 20)
    change(ledger, 1, 20)  # and another one after that
    assert left(ledger, 16, 30) == 0
    assert left(ledger, 21, 30) == 5


def test_late_changes_of_long_ago_are_in_it() -> None:
    ledger = opened()
    ledger.hold("A", Decimal(15), T + 20 * MS)
    change(ledger, 5, 10)
    assert left(ledger, 15, 30) == 0


def test_an_older_amount_says_nothing() -> None:
    ledger = opened(10, at=5)
    ledger.hold("A", Decimal(99), T)
    assert left(ledger, 10, 5) == 0
    assert left(ledger, 99, 4) == 0
    assert ledger.time_of("A") == T + 5 * MS
    assert ledger.time_of("B") is None


def test_an_amount_without_a_time_is_the_newest() -> None:
    ledger = opened()
    change(ledger, 5, 3)
    ledger.hold("A", Decimal(99), None)
    assert left(ledger, 99, 9) == 0
    assert left(ledger, 98, 9) == -1


def test_nothing_is_compared_with_nothing() -> None:
    ledger = Ledger()
    change(ledger, 5, 3)
    assert left(ledger, 99, 9) == 0
    ledger.open(T)
    assert ledger.unexplained("B", ONE, T + MS) == 1  # it was zero


def test_a_copy_is_its_own() -> None:
    ledger = opened()
    copy = ledger.copy()
    change(copy, 5, 3)
    assert left(copy, 15, 9) == 0
    assert left(ledger, 15, 9) == 5
    assert copy.known() == {"A"}


def test_its_memory_is_bounded_and_its_sum_exact() -> None:
    ledger = opened()
    for number in range(KEPT + 500):
        change(ledger, 1, 10 + number)
    assert len(ledger._changes["A"]) == KEPT
    assert left(ledger, 10 + KEPT + 500, 10 * KEPT) == 0


def fill(instrument, side=Side.BUY, **facts) -> TradeUpdate:
    return TradeUpdate(
        instrument.exchange,
        "main",
        T,
        T,
        instrument=instrument,
        trade_id="1",
        order_id="1",
        client_order_id="",
        side=side,
        price=Decimal(100),
        quantity=Decimal(2),
        **facts,
    )


SPOT = Instrument(exchange=Exchange.BINANCE_SPOT, symbol="AB", kind=InstrumentKind.SPOT, base="A", quote="B")
FUTURE = Instrument(
    exchange=Exchange.BINANCE_COIN_M,
    symbol="AUSD_PERP",
    kind=InstrumentKind.PERPETUAL,
    base="A",
    quote="USD",
    settle="A",
    inverse=True,
)


def test_a_spot_fill_changes_two_assets_and_the_fee_s() -> None:
    bought = effects_of(fill(SPOT, fee=ONE, fee_asset="C"))
    assert bought == [("A", 2), ("B", -200), ("C", -1)]
    sold = effects_of(fill(SPOT, Side.SELL, quote_quantity=Decimal("199.99"), fee=-ONE, fee_asset="B"))
    assert sold == [("A", -2), ("B", Decimal("199.99")), ("B", 1)]
    assert effects_of(fill(SPOT)) == [("A", 2), ("B", -200)]


def test_a_futures_fill_changes_the_margin_asset_and_the_position() -> None:
    told = effects_of(fill(FUTURE, Side.SELL, realized_profit=Decimal(3), fee=ONE, fee_asset="A"))
    assert told == [("A", 3), ((FUTURE, PositionSide.BOTH), -2), ("A", -1)]
    hedged = effects_of(fill(FUTURE, realized_profit=Decimal(0), position_side=PositionSide.SHORT))
    assert hedged == [((FUTURE, PositionSide.SHORT), 2)]


def test_a_fill_s_effects_on_one_asset_are_one_change() -> None:
    ledger = opened()
    ledger.open(T)
    ledger.hold("A", Decimal(12), T + MS)
    trade = fill(FUTURE, realized_profit=Decimal(3), fee=ONE, fee_asset="A")
    ledger.fill(
        TradeUpdate(*[getattr(trade, name) for name in ("exchange", "account")], T + MS, T, **rest(trade))
    )
    assert left(ledger, 12, 9) == 0
    assert left(ledger, 14, 9) == 2  # and explains nothing twice


def rest(trade) -> dict:
    names = trade.__struct_fields__[4:]
    return {name: getattr(trade, name) for name in names}


def test_payments_are_counted_once() -> None:
    def event(kind, at=0, **facts):
        return kind(Exchange.BINANCE_USD_M, "main", T + at, T, **facts)

    moved = event(TransferUpdate, asset="A", amount=ONE)
    events = [
        moved,
        moved,
        event(FundingUpdate, at=1, asset="A", amount=-ONE, instrument=None),
        event(FundingUpdate, at=2, asset="A", amount=None, instrument=None),
        *(
            event(BalanceUpdate, at=at, balance=Balance(asset="A", total=ONE), change=by)
            for at, by in ((0, ONE), (1, -ONE), (2, Decimal(7)), (3, None))
        ),
    ]
    assert payments_of(events) == [("A", 1, T), ("A", -1, T + 1), ("A", 7, T + 2)]
