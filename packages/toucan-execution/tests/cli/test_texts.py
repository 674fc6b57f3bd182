"""Events and outcomes in words: every sort has some, exact, on one line, and nothing steers a terminal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest

from toucan_execution.account import AccountSnapshot, Balance, Position
from toucan_execution.cli.texts import event_line, order_text, outcome_lines, request_text
from toucan_execution.events import (
    AccountConfigUpdate,
    AccountEvent,
    AccountResynced,
    BalanceUpdate,
    Connected,
    ConsumerStalled,
    Disconnected,
    ExternalLockUpdate,
    FillMismatch,
    FundingUpdate,
    GridUpdate,
    LiabilityUpdate,
    MarginCall,
    MarginLevelUpdate,
    OrderListUpdate,
    OrderUpdate,
    OutOfSync,
    PositionUpdate,
    ResyncFailed,
    Retrying,
    StrategyUpdate,
    StreamEnded,
    TradeNotice,
    TradeUpdate,
    TransferUpdate,
    TriggerRejected,
    Unexplained,
    UnknownEvent,
    UnreadableEvent,
)
from toucan_execution.orders import (
    CancelRequest,
    ListKind,
    Order,
    OrderList,
    OrderOrigin,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
)
from toucan_execution.outcome import Accepted, Reason, Rejected, Unknown
from toucan_instrument import Exchange, Side, Violation
from toucan_instrument.errors import RateLimited
from toucan_instrument.exchange.binance import parse_symbol
from toucan_instrument.link.transport import Closed

BTC = parse_symbol(Exchange.BINANCE_USD_M, "BTCUSDT")
HEAD: dict[str, Any] = {
    "exchange": Exchange.BINANCE_USD_M,
    "account": "main",
    "time_exchange": 3_661_000_000_000,
    "time_received": 0,
}
ORDER = Order(
    instrument=BTC,
    client_order_id="bot-a-1",
    order_id="77",
    side=Side.BUY,
    type=OrderType.STOP_LIMIT,
    status=OrderStatus.PARTIALLY_FILLED,
    quantity=Decimal("0.50"),
    filled_quantity=Decimal("0.10"),
    average_price=Decimal("60000.05"),
    price=Decimal("60000.10"),
    trigger_price=Decimal("59999.9"),
    time_in_force=TimeInForce.GTC,
    reduce_only=True,
    position_side=PositionSide.BOTH,
)
POSITION = Position(
    instrument=BTC, side=PositionSide.LONG, quantity=Decimal("1E-3"), entry_price=Decimal(60000)
)
FILL = TradeUpdate(
    **HEAD,
    instrument=BTC,
    trade_id="9",
    order_id="77",
    client_order_id="bot-a-1",
    side=Side.SELL,
    price=Decimal("60000.10"),
    quantity=Decimal("0.10"),
    fee=Decimal("-0.0001"),
    fee_asset="BNB",
    maker=True,
    realized_profit=Decimal("1.50"),
)
USDT = Balance(asset="USDT", total=Decimal("7.50"), free=Decimal("7.00"))
LIST = OrderList(instrument=BTC, list_id="5", client_list_id="l", kind=ListKind.OCO, status="EXECUTING")
ONE, TWO = Decimal(1), Decimal(2)
WORDS = (
    "buy BTC/USDT:USDT stop-limit at 60000.10 trigger 59999.9 gtc position both reduce-only "
    "partially-filled, filled 0.10 of 0.50 at 60000.05 on average id 77 client id bot-a-1"
)

SAID: list[tuple[AccountEvent, str]] = [
    (
        AccountSnapshot(**HEAD, balances=(USDT,), positions=(POSITION,), open_orders=()),
        "account: 7.50 USDT; 1 positions, 0 open orders",
    ),
    (
        OrderUpdate(**HEAD, order=ORDER, origin=OrderOrigin.OWN, recovered=True),
        f"own order {WORDS} found after a loss",
    ),
    (
        FILL,
        "sold 0.10 of BTC/USDT:USDT at 60000.10 maker fee -0.0001 BNB realized 1.50 trade 9, order 77",
    ),
    (
        TradeNotice(
            **HEAD,
            instrument=BTC,
            trade_id="9",
            order_id="77",
            client_order_id="",
            side=Side.BUY,
            price=ONE,
            quantity=TWO,
            maker=False,
        ),
        "early word: bought 2 of BTC/USDT:USDT at 1 trade 9, order 77",
    ),
    (
        BalanceUpdate(**HEAD, balance=USDT, reason="ORDER", change=Decimal("1.0")),
        "balance 7.50 USDT (free 7.00) ORDER paid in or out 1.0",
    ),
    (PositionUpdate(**HEAD, position=POSITION), "position BTC/USDT:USDT long 0.001 entered at 60000"),
    (TransferUpdate(**HEAD, asset="USDT", amount=Decimal("-5.0")), "transfer -5.0 USDT"),
    (FundingUpdate(**HEAD, asset="USDT", amount=None, instrument=BTC), "funding - USDT BTC/USDT:USDT"),
    (ExternalLockUpdate(**HEAD, asset="USDT", amount=TWO), "locked elsewhere 2 USDT"),
    (
        MarginCall(**HEAD, positions=(POSITION,), maintenance_margins=(ONE,)),
        "MARGIN CALL: BTC/USDT:USDT long 0.001 entered at 60000",
    ),
    (MarginLevelUpdate(**HEAD, level=TWO, status="NORMAL"), "level=2, status='NORMAL'"),
    (LiabilityUpdate(**HEAD, asset="USDT", kind="BORROW"), "kind='BORROW'"),
    (AccountConfigUpdate(**HEAD, instrument=BTC, leverage=5), "leverage of BTC/USDT:USDT is 5"),
    (AccountConfigUpdate(**HEAD, multi_assets=False), "settings: multi-assets off"),
    (OrderListUpdate(**HEAD, order_list=LIST), "order list 5 oco EXECUTING of BTC/USDT:USDT"),
    (
        TriggerRejected(**HEAD, instrument=BTC, order_id="77", reason="no margin"),
        "REJECTED when triggered: BTC/USDT:USDT order 77: no margin",
    ),
    (
        StrategyUpdate(**HEAD, strategy_id="1", strategy_type="GRID", status="NEW", instrument=BTC),
        "strategy_type='GRID'",
    ),
    (
        GridUpdate(
            **HEAD,
            strategy_id="1",
            strategy_type="GRID",
            status="NEW",
            instrument=BTC,
            realized_profit=ONE,
            matched_profit=ONE,
            unmatched_quantity=ONE,
            unmatched_price=ONE,
            unmatched_fee=ONE,
        ),
        "matched_profit=1",
    ),
    (StreamEnded(**HEAD, reason="listenKeyExpired"), "the venue has ended the stream: listenKeyExpired"),
    (UnknownEvent(**HEAD, name="new\x1b", raw=b"{}"), "event of an unknown type new\\x1b: {}"),
    (UnreadableEvent(**HEAD, error="bad\n", raw=b"x" * 999), "unreadable message: bad\\n: xxx"),
    (OutOfSync(**HEAD, reason="lost"), "OUT OF SYNC: lost"),
    (
        ResyncFailed(**HEAD, what="fills", error="no", retry_after_ns=10**9),
        "fills could not be fetched: no; again in 1.00 s",
    ),
    (
        AccountResynced(**HEAD, since_ns=None, trades=3),
        "in sync; changed: 0 orders, 3 fills, 0 balances, 0 positions",
    ),
    (
        Unexplained(**HEAD, asset="USDT", amount=Decimal("-1.5"), since_ns=0, until_ns=10**9),
        "UNEXPLAINED: USDT changed by -1.5 more than is known, between 00:00:00.000000 and 00:00:01.000000",
    ),
    (
        FillMismatch(**HEAD, order=ORDER, known=ONE, repaired=False),
        "FILLS MISSING (being fetched): known 1 of",
    ),
    (ConsumerStalled(**HEAD, waiting=10), "read too slowly: 10 events wait, and only cancels pass"),
    (Connected(link="x", at_ns=3_661_000_000_000, attempt=1), "connected: x"),
    (Disconnected(link="x", at_ns=3_661_000_000_000, closed=Closed(1006, "")), "disconnected: x, code 1006"),
    (
        Retrying(link="x", at_ns=3_661_000_000_000, attempt=1, delay_ns=0, reason="no"),
        "retrying: x, attempt 1 in 0.00 s (no)",
    ),
]


@pytest.mark.parametrize(("event", "said"), SAID, ids=lambda each: type(each).__name__)
def test_an_event_is_one_line_with_its_time(event: AccountEvent, said: str) -> None:
    text = event_line(event)
    assert text.startswith("01:01:01.000000 ")
    assert said in text
    assert text.isprintable()


def test_every_sort_of_event_is_among_them() -> None:
    assert {type(event) for event, _ in SAID} == set(get_args(AccountEvent))


def test_a_time_of_receipt_stands_in_for_the_venues() -> None:
    event = OutOfSync(Exchange.BINANCE_SPOT, "", None, 2_000_000_000, reason="x")
    assert event_line(event) == "00:00:02.000000 OUT OF SYNC: x"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (
            OrderRequest(
                instrument=parse_symbol(Exchange.BINANCE_SPOT, "BTCUSDT"),
                side=Side.BUY,
                type=OrderType.LIMIT,
                quantity=Decimal("0.0010"),
                price=Decimal(50000),
                post_only=True,
            ),
            "buy 0.0010 of BTC/USDT limit at 50000 post-only (worth 50 USDT)",
        ),
        (
            OrderRequest(
                instrument=parse_symbol(Exchange.BINANCE_SPOT, "BTCUSDT"),
                side=Side.SELL,
                type=OrderType.MARKET,
                quote_quantity=Decimal("100.0"),
            ),
            "sell for 100.0 USDT of BTC/USDT market",
        ),
        (
            OrderRequest(
                instrument=BTC,
                side=Side.SELL,
                type=OrderType.STOP_MARKET,
                close_position=True,
                trigger_price=Decimal(9),
            ),
            "sell the whole position of BTC/USDT:USDT stop-market trigger 9 close-position",
        ),
        (
            OrderRequest(
                instrument=parse_symbol(Exchange.BINANCE_COIN_M, "BTCUSD_PERP"),
                side=Side.BUY,
                type=OrderType.TRAILING_STOP_MARKET,
                quantity=Decimal(3),
                trailing_bips=50,
                time_in_force=TimeInForce.GTC,
                position_side=PositionSide.LONG,
            ),
            "buy 3 contracts of BTC/USD:BTC trailing-stop-market trailing 50 bips gtc position long",
        ),
    ],
)
def test_a_request_says_how_much_of_what(request_: OrderRequest, said: str) -> None:
    assert request_text(request_) == said


REQUEST = OrderRequest(instrument=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=ONE)


def test_an_accepted_order_is_said_with_its_fills() -> None:
    first, fill = outcome_lines(
        Accepted(intent=REQUEST, client_order_id="bot-a-1", order=ORDER, fills=(FILL,))
    )
    assert first == f"accepted: {order_text(ORDER)}"
    assert fill.startswith("  sold 0.10 of BTC/USDT:USDT at 60000.10")
    assert outcome_lines(Accepted(intent=REQUEST, client_order_id="bot-a-1")) == [
        "accepted: client id bot-a-1"
    ]


def test_a_rejection_says_why_what_would_pass_and_whether_it_was_sent() -> None:
    broken = Violation("tick_size", Decimal("0.10"), Decimal("0.15"), Decimal("0.10"))
    lines = outcome_lines(
        Rejected(
            intent=REQUEST,
            client_order_id="a",
            reason=Reason.FILTER,
            message="price\x1b",
            sent=False,
            violations=(broken,),
        )
    )
    assert lines[0] == "rejected: filter: price\\x1b (nothing was sent)"
    assert lines[1] == "  0.15 breaks tick_size 0.10; the nearest legal value is 0.10"
    sent = Rejected(
        intent=REQUEST,
        client_order_id="a",
        reason=Reason.ALREADY_CLOSED,
        message="gone",
        sent=True,
        retryable=True,
        final=ORDER,
    )
    assert outcome_lines(sent) == [
        "rejected: already-closed: gone; the same may pass later",
        f"  {order_text(ORDER)}",
    ]
    later = Rejected(
        intent=REQUEST,
        client_order_id="a",
        reason=Reason.RATE_LIMITED,
        message="no",
        sent=True,
        retryable=True,
        retry_after_ns=2 * 10**9,
        error=RateLimited(method="POST", url="https://x", status=429, code=-1003, venue_message="no"),
    )
    assert outcome_lines(later) == ["rejected: rate-limited: no (code -1003); the same may pass in 2.00 s"]


def test_an_unknown_outcome_names_the_order() -> None:
    made = Unknown(intent=REQUEST, client_order_id="bot-a-1", sent_ns=0, expires_ns=0, cause="no answer")
    assert outcome_lines(made) == ["unknown: order client id bot-a-1: no answer; it may have been done"]
    cancel = CancelRequest(instrument=BTC, order_id="77")
    cancelled = Unknown(intent=cancel, client_order_id="", sent_ns=0, expires_ns=0, cause="no answer")
    assert outcome_lines(cancelled) == ["unknown: cancel of id 77: no answer; it may have been done"]
